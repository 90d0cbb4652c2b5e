"""From notes to one message: counts, numbers of cases, ids of the operator's own, and what to type next. Pure.

Mail servers, chats and whoever reads along see it, so there is no picture in it, no address of one, no score, and
nothing that a user wrote. What notes hold is made of ids already; the last gate here does not trust that.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.ports import Message, Topic
from bot.telemetry import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bot.ports import Note

LINES = 20
"""Things of one kind that a message names one by one; the others are counted."""

LONGEST = 300  # characters of a line
LEFT_OUT = "(left out)"

_ADDRESS = re.compile(r"\S*://\S*|\S*/pictrs/\S*", re.IGNORECASE)
_FILE = re.compile(r"\S*\.(?:avif|bmp|gif|heic|jpe?g|jxl|mov|mp4|png|svg|tiff?|webm|webp)\b\S*", re.IGNORECASE)
_HANDLE = re.compile(r"[A-Za-z0-9_.-]{1,64}@[A-Za-z0-9.:-]{1,255}")


def compose(notes: Sequence[Note], *, id_: str, accounts: bool, now: datetime) -> Message:
    """Everything that happened, in one message. ``accounts``: name the accounts that uploaded what was flagged."""
    of = {topic: [note.payload for note in notes if note.topic is topic] for topic in Topic}
    parts = [
        _section("Alarms", [_alarm(one) for one in of[Topic.ALARMS]], most=2 * LINES),
        _section("Waiting for you", list(_held(of[Topic.HELD])), after=_DECIDE if of[Topic.HELD] else ""),
        _section("Cases", list(_cases(of[Topic.CASES], accounts=accounts)), after=_LOOK if of[Topic.CASES] else ""),
        *(_digest(one) for one in of[Topic.DIGEST]),
    ]
    numbers = {int(one["case"]) for topic in (Topic.HELD, Topic.CASES) for one in of[topic] if one.get("case")}
    return Message(
        id=id_,
        subject=f"[fediwarden] {_subject(of)}",
        text="\n\n".join(part for part in parts if part) + "\n",
        topics=[topic.value for topic in Topic if of[topic]],
        cases=sorted(numbers),
        at=now,
    )


def trial(*, id_: str, now: datetime) -> Message:
    """What ``fediwarden notify test`` sends."""
    text = f"This is a test of {moment(now)}. Nothing has happened. What the bot has to tell comes here.\n"
    return Message(id=id_, subject="[fediwarden] test", text=text, topics=["test"], cases=(), at=now)


def last_words(*, id_: str, now: datetime) -> Message:
    """What is sent when nothing can be written down any more."""
    text = (
        "Alarms\n- The ledger cannot be written: the bot does nothing while that is so.\n"
        "  What to do: see that its disk has room and its database runs; `fediwarden check` says more.\n"
    )
    return Message(id=id_, subject="[fediwarden] 1 alarm", text=text, topics=[Topic.ALARMS.value], cases=(), at=now)


def clean(line: str) -> str:
    """One line without anything that could be an address of media, and without control characters."""
    if len(line) > LONGEST:
        line = line[:LONGEST].rpartition(" ")[0]  # half a word might be half an address
    printable = "".join(character if character.isprintable() else " " for character in line)
    return _FILE.sub(LEFT_OUT, _ADDRESS.sub(LEFT_OUT, printable))


_DECIDE = (
    "What to do: `fediwarden held` lists them, `fediwarden case NUMBER` shows one; then `fediwarden approve --case "
    "NUMBER`, or `fediwarden dismiss NUMBER` where the flag was wrong."
)
_LOOK = "What to do: `fediwarden case NUMBER` shows everything about one."


def _subject(of: Mapping[Topic, Sequence[Mapping[str, Any]]]) -> str:
    raised = sum(1 for one in of[Topic.ALARMS] if one["what"] != "cleared")
    cleared = len(of[Topic.ALARMS]) - raised
    cases = len({one.get("case") for one in of[Topic.CASES]})
    held = len(of[Topic.HELD])
    words = [
        _count(raised, "alarm", "alarms"),
        f"{cleared} all clear" if cleared else "",
        _count(held, "intent waits for you", "intents wait for you"),
        _count(cases, "case", "cases"),
        "digest" if of[Topic.DIGEST] else "",
    ]
    return ", ".join(word for word in words if word)


def _section(title: str, lines: Sequence[str], *, most: int = LINES, after: str = "") -> str:
    if not lines:
        return ""
    shown = [f"- {line}" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"- and {len(lines) - most} more")
    return "\n".join([title, *shown, *([after] if after else [])])


def _alarm(one: Mapping[str, Any]) -> str:
    text, remedy = clean(str(one["text"])), clean(str(one["remedy"]))
    if one["what"] == "cleared":
        return f"All clear: this is over: {text}"
    since = f" (since {moment(datetime.fromisoformat(str(one['since'])))})" if one["what"] == "repeated" else ""
    return f"{text}{since}\n  What to do: {remedy}"


def _held(payloads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each case and rule."""
    groups: dict[tuple[int, str], dict[str, set[str]]] = {}
    for one in payloads:
        group = groups.setdefault((int(one["case"]), str(one["rule"])), {"deeds": set(), "reasons": set()})
        group["deeds"].add(str(one["deed"]))
        group["reasons"].update(str(reason) for reason in one["reasons"])
    for (case, rule), group in groups.items():
        deeds, reasons = ", ".join(sorted(group["deeds"])), ", ".join(sorted(group["reasons"]))
        yield clean(f"case {case}, rule {rule}: {deeds} (held: {reasons})")


def _cases(payloads: Iterable[Mapping[str, Any]], *, accounts: bool) -> Iterator[str]:
    for one in payloads:
        case = f"case {int(one['case'])}" if one.get("case") else "a file"
        line = clean(f"{case} on {one['instance']}: {one['text']}")
        handles = [_handle(str(handle)) for handle in one.get("accounts", ())] if accounts else []
        yield f"{line}; uploaded by {', '.join(handles)}" if handles else line


def _handle(handle: str) -> str:
    """A name that a foreign server gave out may be anything."""
    return handle if _HANDLE.fullmatch(handle) and clean(handle) == handle else "an account with an odd name"


def _digest(one: Mapping[str, Any]) -> str:
    since = moment(datetime.fromisoformat(str(one["since"])))
    counts = [f"- {word}: {int(one['counts'].get(word, 0))}" for word in _TOLD]
    waiting, alarms = int(one["waiting"]), int(one["alarms"])
    now = [f"- waiting for you now: {waiting}", f"- alarms that are on: {alarms}"]
    return "\n".join([f"Since {since}", *counts, *now, "What to do: `fediwarden status` says more."])


_TOLD = (
    "seen",
    "scanned",
    "matched",
    "partly_seen",
    "unscored",
    "unscannable",
    "held",
    "reported",
    "removed",
    "marked",
    "purged",
    "limited",
    "banned",
    "dismissed",
    "undone",
    "refused",
)


def _count(number: int, one: str, many: str) -> str:
    return "" if not number else f"{number} {one if number == 1 else many}"
