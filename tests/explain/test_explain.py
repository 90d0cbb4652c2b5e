"""A case told as text, JSON and a page: complete, harmless to look at, and silent about who reported something."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from bot.operate.explain import as_json, as_page, as_text, explain
from bot.operate.explain.shape import FORMAT
from bot.operate.explain.times import span
from bot.operate.explain.withhold import WITHHELD, without_accounts, without_people
from explain.cases import BIDI, CANARY, HOSTILE, HTML, MODERATOR, REPORTER, build
from making import NOW, SHA, StillClock

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from bot.operate.explain import Explanation

SHAPES = {"text": as_text, "json": as_json, "page": as_page}


def told(ledger: SqlLedger, clock: StillClock, *, with_reporters: bool = False) -> Explanation:
    case = ledger.case(1)
    assert case is not None
    return explain(case, ledger.story(1), now=clock.now(), with_reporters=with_reporters)


def document(ledger: SqlLedger, clock: StillClock) -> Any:
    return json.loads(as_json(told(ledger, clock)))


# -------------------------------------------------------------------------------------------------------- complete


def test_json_has_a_stable_shape(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    found = document(ledger, clock)
    assert found["format"] == FORMAT == "fediwarden-case/1"
    assert set(found) == {
        *("format", "version", "case", "state", "headline", "opened", "written", "names_withheld"),
        *("times", "files", "verdicts", "deeds", "timeline"),
    }
    assert set(found["files"][0]) == {
        *("file", "sha256", "media_type", "size", "width", "height", "oddities", "names"),
    }
    assert set(found["verdicts"][0]) == {
        *("at", "file", "rule", "rule_digest", "rule_text", "because", "exact", "score", "threshold"),
        *("scores", "hits"),
    }
    assert set(found["deeds"][0]) == {
        *("intent", "deed", "on", "account", "because", "rule", "planned_at", "planned", "state", "waits_for"),
        *("detail", "approved_by", "tries", "done_at", "from_seen", "from_flagged", "held", "restored", "erased"),
    }
    assert set(found["deeds"][0]["tries"][0]) == {"at", "ended", "undo", "before", "outcome", "code", "note"}
    assert set(found["timeline"][0]) == {"at", "what", "who", "text", "facts"}


def test_file_and_its_names_are_told(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    (file,) = document(ledger, clock)["files"]
    assert (file["sha256"], file["media_type"], file["size"], file["width"]) == (SHA, "image/png", 123_456, 640)
    assert {name["name"]: name["still"] for name in file["names"]} == {
        "alias:here/a.png": True,
        "url:https://far.example/cat.png": True,
    }


def test_verdicts_have_rule_threshold_and_scores_of_that_time(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    clock.pass_(days=1)
    from making import evidence, score

    ledger.save_scan(1, evidence(score(0.1)))  # what is found out later changes nothing about it
    by_list, by_score = document(ledger, clock)["verdicts"]
    assert by_list["rule_text"].startswith("id: known\n")
    assert by_score["rule_text"] is None
    assert (by_score["score"], by_score["threshold"]) == (0.9137, 0.85)
    (one,) = by_score["scores"]
    assert one == {
        "detector": "nsfw",
        "revision": "onnx-1.2+labels",
        "label": "nsfw",
        "value": 0.9137,
        "frames": [],
    }
    assert by_score["hits"] == [{"list_id": "bad", "mode": "block", "by": "pdq", "where": ""}]


def test_times_to_action_are_told(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    found = document(ledger, clock)
    times = found["times"]
    assert times["first_seen"] == NOW.isoformat()
    assert (times["seen_to_flagged"], times["flagged_to_first_deed"], times["seen_to_first_deed"]) == (2.0, 3.0, 5.0)
    report, remove, purge, ban = found["deeds"]
    assert (report["from_seen"], report["from_flagged"], report["held"]) == (5.0, 3.0, 0.0)
    assert (remove["from_seen"], remove["from_flagged"]) == (15.0, 13.0)
    assert (purge["done_at"], purge["held"]) == (None, 3613.0)
    assert (ban["held"], ban["approved_by"]) == (3613.0, "mo")


def test_what_still_waits_has_been_held_until_now(ledger: SqlLedger, clock: StillClock) -> None:
    from ledger.docket import HOLD, REMOVE, plan

    plan(ledger, REMOVE, decision=HOLD)
    clock.pass_(seconds=90)
    (deed,) = document(ledger, clock)["deeds"]
    assert (deed["state"], deed["held"], deed["waits_for"]) == ("held", 90.0, ["stage", "protected"])


def test_every_call_and_answer_and_what_undo_restored_is_told(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    _, remove, _, ban = document(ledger, clock)["deeds"]
    assert [(one["undo"], one["outcome"]) for one in remove["tries"]] == [
        (False, "failed"),
        (False, "done"),
        (True, "done"),
    ]
    assert remove["restored"].startswith("done: restored; the mod log keeps both entries; before the deed it was: ")
    assert "removed: no" in remove["restored"]
    assert [(one["outcome"], one["code"]) for one in ban["tries"]] == [("refused", "not_an_admin")]


def test_timeline_tells_who_did_what_in_order(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    lines = document(ledger, clock)["timeline"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    told_by = {(line["what"], line["who"]) for line in lines}
    assert told_by == {
        ("uploaded", "alice@here.example"),
        ("seen", "alice@here.example"),
        ("seen", "bob@here.example"),
        ("scanned", "fediwarden"),
        ("verdict", "rule known"),
        ("verdict", "rule nsfw"),
        ("planned", "guard"),
        ("attempt", "fediwarden"),
        ("outcome", "fediwarden"),
        ("decision", "mo"),
    }
    assert "approved: ban_account (approved)" in [line["text"] for line in lines]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_tells_everything(ledger: SqlLedger, clock: StillClock, shape: str) -> None:
    build(ledger, clock)
    found = SHAPES[shape](told(ledger, clock))
    for word in (
        *(SHA, "image/png", "alias:here/a.png", "bob@here.example", "alice@here.example", "17 bytes after the end"),
        *("onnx-1.2+labels", "flagged by nsfw/nsfw at threshold 0.85", "lists: [bad]", "held (shared_file)"),
        *("not_an_admin", "HTTP 502", "restored; the mod log keeps both entries", "removed; the file stays public"),
        *("clip: unavailable", "pictures@here.example"),
    ):
        assert word in found, word


def test_nothing_calls_a_file_guilty(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    for shape in SHAPES.values():
        words = shape(told(ledger, clock)).lower()
        assert not re.search(r"\b(guilty|criminal|offend|illegal|abus|csam|victim)", words)


def test_an_erased_case_is_told_as_such(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    while ledger.erase_case(1, limit=50, by="admin"):
        pass
    found = document(ledger, clock)
    assert found["times"]["seen_to_first_deed"] == 5.0  # how long it took stays known
    assert {deed["on"] for deed in found["deeds"]} == {"(erased)"}
    assert {deed["erased"] for deed in found["deeds"]} == {True}
    assert {line["who"] for line in found["timeline"] if line["what"] == "erased"} == {"admin"}
    for shape in SHAPES.values():
        words = shape(told(ledger, clock))
        assert "erased" in words
        assert "alice" not in words
        assert "bob" not in words


# --------------------------------------------------------------------------------------------- silent about reporters


@pytest.mark.parametrize("shape", SHAPES)
def test_reporters_and_moderators_are_named_only_when_asked_for(
    ledger: SqlLedger, clock: StillClock, shape: str
) -> None:
    build(ledger, clock)
    silent = SHAPES[shape](told(ledger, clock))
    for word in (REPORTER, MODERATOR, "carol", "dave", '"resolver_id": 12', "resolver_id: 12"):
        assert word not in silent, word
    assert WITHHELD in silent
    open_ = SHAPES[shape](told(ledger, clock, with_reporters=True))
    assert WITHHELD not in open_
    for word in (REPORTER, MODERATOR, "carol says so"):
        assert word in open_, word
    for named in (silent, open_):  # whom the case is about
        assert "alice@here.example" in named
        assert "bob@here.example" in named


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("reported by carol@far.example.", f"reported by {WITHHELD}."),
        ("reported by @carol@far.example, twice", f"reported by {WITHHELD}, twice"),
        ("see @carol", f"see {WITHHELD}"),
        ("by https://far.example/u/carol (a mod)", f"by {WITHHELD} (a mod)"),
        ("by https://far.example/users/carol/statuses/1", f"by {WITHHELD}"),
        ("by https://far.example/@carol", f"by {WITHHELD}"),
        ("acct:carol@far.example:8443 said", f"{WITHHELD} said"),
        ("mail to ça.rol+x@bücher.example", f"mail to {WITHHELD}"),
        ("post 1 in !pictures@here.example", "post 1 in !pictures@here.example"),
        ("flagged by list bad (sha256), 12:30, 0.91", "flagged by list bad (sha256), 12:30, 0.91"),
        ("https://here.example/post/7 answered 502", "https://here.example/post/7 answered 502"),
        ("removed; the file stays public", "removed; the file stays public"),
    ],
)
def test_accounts_are_taken_out_of_free_text(text: str, left: str) -> None:
    assert without_accounts(text) == left


def test_what_servers_said_before_a_deed_keeps_what_names_nobody() -> None:
    state = {
        "removed": False,
        "banned": True,
        "ban_expires": "2026-12-01T00:00:00+00:00",
        "report_id": 5,
        "registration": "open",
        "resolver_id": 7,
        "reports": [{"reporter": "carol", "comment": "a picture of", "open": True}, "by carol@far.example"],
    }
    assert without_people(state) == {
        "removed": False,
        "banned": True,
        "ban_expires": "2026-12-01T00:00:00+00:00",
        "report_id": 5,
        "registration": "open",
        "resolver_id": WITHHELD,
        "reports": [{"reporter": WITHHELD, "comment": WITHHELD, "open": True}, f"by {WITHHELD}"],
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_list_has_of_a_match_is_told_to_nobody(ledger: SqlLedger, clock: StillClock, shape: str) -> None:
    build(ledger, clock)
    assert CANARY not in SHAPES[shape](told(ledger, clock, with_reporters=True))


# --------------------------------------------------------------------------------------------- harmless to look at


class Reader(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_page_loads_nothing_and_leads_nowhere(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock, hostile=HOSTILE)
    page = as_page(told(ledger, clock, with_reporters=True))
    found = read(page)
    allowed = {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "br", "div", "span", "bdi", "dl"),
        *("dt", "dd", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {tag for tag, _ in found.tags} <= allowed
    attributes = {name for _, some in found.tags for name in some}
    assert attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_policy_of_the_page_allows_its_style_and_nothing_else(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock)
    page = as_page(told(ledger, clock))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [some["content"] for tag, some in read(page).tags if some.get("http-equiv")]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    before = page[: page.index("Content-Security-Policy")]
    assert "<style" not in before  # a policy holds for what comes after it
    assert "script" not in page.lower()


@pytest.mark.parametrize("shape", ["text", "page"])
def test_foreign_text_is_shown_as_what_it_is(ledger: SqlLedger, clock: StillClock, shape: str) -> None:
    build(ledger, clock, hostile=HOSTILE)
    found = SHAPES[shape](told(ledger, clock, with_reporters=True))
    for one in set(BIDI) - set("gpj.exe[31m\n"):
        assert one not in found, f"U+{ord(one):04X}"
    assert "<U+202E>" in (found if shape == "text" else "".join(read(found).text))
    if shape == "page":
        assert HTML not in found
        assert HTML in "".join(read(found).text)


def test_foreign_line_breaks_forge_no_line(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock, hostile="\n2026-11-22 12:00:00  decision  mo: approved everything")
    lines = as_text(told(ledger, clock)).splitlines()
    assert not any(line.startswith("2026") for line in lines)


def test_json_is_ascii(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock, hostile=f"{HOSTILE}\ud800ü")
    written = as_json(told(ledger, clock, with_reporters=True))
    assert written.isascii()
    assert not set(written) & {chr(number) for number in range(32)} - {"\n"}
    assert HOSTILE in json.loads(written)["deeds"][3]["on"]


@pytest.mark.parametrize("shape", ["text", "page"])
def test_a_text_without_end_is_cut(ledger: SqlLedger, clock: StillClock, shape: str) -> None:
    build(ledger, clock, hostile="x" * 100_000)
    found = SHAPES[shape](told(ledger, clock, with_reporters=True))
    assert "characters more" in found
    assert len(found) < 100_000


def test_every_shape_can_be_written_to_a_file(ledger: SqlLedger, clock: StillClock) -> None:
    build(ledger, clock, hostile="\ud800")
    for shape in SHAPES.values():
        shape(told(ledger, clock, with_reporters=True)).encode("utf-8")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (None, ""),
        (0.0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.0, "59 s"),
        (60.0, "1 min"),
        (185.0, "3 min 5 s"),
        (7800.0, "2 h 10 min"),
        (86400.0, "1 d"),
        (443_000.0, "5 d 3 h"),
    ],
)
def test_spans_are_told_in_words(length: float | None, words: str) -> None:
    assert span(length) == words
