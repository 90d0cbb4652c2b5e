"""What a message says, and what never gets into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.notify.text import LINES, clean, compose
from bot.ports import Note, Topic
from making import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Message


def note(topic: Topic, **payload: Any) -> Note:
    return Note(id=1, topic=topic, payload=payload, at=NOW)


def flagged(case: int, **more: Any) -> Note:
    given = {"case": case, "instance": "here", "text": "rule known: flagged by list bad", "accounts": []}
    return note(Topic.CASES, **{**given, **more})


def held(case: int, deed: str = "ban_account", reason: str = "stage") -> Note:
    return note(Topic.HELD, case=case, deed=deed, rule="known", reasons=[reason])


def alarm(what: str = "raised", text: str = "The feed here/posts could not be read.") -> Note:
    return note(Topic.ALARMS, key="feed/here/posts", what=what, text=text, remedy="look", since=NOW.isoformat())


def told(notes: Sequence[Note], *, accounts: bool = False) -> Message:
    return compose(notes, id_="id", accounts=accounts, now=NOW)


def test_message_says_what_happened_and_what_to_type() -> None:
    message = told([flagged(7), held(7), held(7, "purge_file", "irreversible_off"), alarm()])
    assert message.subject == "[fediwarden] 1 alarm, 2 intents wait for you, 1 case"
    assert message.topics == ["alarms", "held", "cases"]
    assert message.cases == [7]
    assert "- case 7 on here: rule known: flagged by list bad" in message.text
    assert "- case 7, rule known: ban_account, purge_file (held: irreversible_off, stage)" in message.text
    assert "fediwarden approve --case NUMBER" in message.text
    assert "What to do: look" in message.text


def test_what_is_left_out_is_counted() -> None:
    message = told([flagged(number) for number in range(1, LINES + 121)])
    assert message.text.count("- case ") == LINES
    assert "- and 120 more" in message.text
    assert message.subject == f"[fediwarden] {LINES + 120} cases"
    assert len(message.cases) == LINES + 120


def test_all_clear_is_no_alarm() -> None:
    message = told([alarm("cleared")])
    assert message.subject == "[fediwarden] 1 all clear"
    assert "All clear: this is over: The feed here/posts" in message.text


def test_digest_is_in_numbers() -> None:
    counts = {"seen": 12, "scanned": 10, "held": 3}
    message = told([note(Topic.DIGEST, since=NOW.isoformat(), counts=counts, waiting=4, alarms=0)])
    assert "- seen: 12" in message.text
    assert "- banned: 0" in message.text
    assert "- waiting for you now: 4" in message.text


def test_accounts_are_named_only_where_that_is_wanted() -> None:
    found = [flagged(7, accounts=["alice@here.example"])]
    assert "alice" not in told(found).text
    assert "uploaded by alice@here.example" in told(found, accounts=True).text


HOSTILE = [
    "https://here.example/pictrs/image/0a1b2c3d.png",
    "see 0a1b2c3d-4e5f.webp now",
    "HTTP://EVIL.example/x",
    "a\r\nBcc: victim@there.example\r\n\r\nbody",
    "/pictrs/image/abc",
    "data:image/png;base64,AAAA://",
    "clip.mp4?x=1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_could_be_media_gets_through(text: str) -> None:
    notes = [
        flagged(1, text=text, instance=text, accounts=[text]),
        note(Topic.HELD, case=1, deed=text, rule=text, reasons=[text]),
        alarm(text=text),
    ]
    wire = told(notes, accounts=True)
    everything = wire.subject + wire.text
    for trace in ("pictrs", "://", ".png", ".webp", ".mp4", "\r", "evil.example", "0a1b2c3d"):
        assert trace not in everything.lower(), everything
    assert "\n" not in wire.subject
    assert not any(line.startswith("Bcc") for line in wire.text.splitlines())


def test_line_has_an_end() -> None:
    assert len(clean("word " * 10_000)) <= 300
    assert clean("see " + "x" * 10_000 + ".png") == "see"


def test_odd_handle_is_not_repeated() -> None:
    text = told([flagged(7, accounts=["<b>@evil", "x@https://y", "cat.png@here.example"])], accounts=True).text
    assert text.count("an account with an odd name") == 3
