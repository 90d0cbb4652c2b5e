"""An explanation as text, for a terminal or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.operate.explain.foreign import visible
from bot.operate.explain.times import span
from bot.operate.explain.words import amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.operate.explain.shape import DeedLine, Explanation, FileLine, Times, VerdictLine

NOTICE = (
    "This text names people. Scores and matches are reasons to look, not knowledge.",
    "It holds no picture and no link to one.",
)
WITHHELD = "Accounts named in free text are withheld (--with-reporters shows them)."


def as_text(explanation: Explanation) -> str:
    """Everything foreign in one line each, with what cannot be seen spelt out."""
    return "\n".join(_lines(explanation)) + "\n"


def _lines(told: Explanation) -> Iterator[str]:
    yield f"Case {told.case}: {visible(told.headline) or 'nothing has flagged it'}"
    yield f"{told.state}, opened {moment(told.opened)}. Written {moment(told.written)} by fediwarden {told.version}."
    yield from NOTICE
    if told.names_withheld:
        yield WITHHELD
    yield from _section("Times")
    yield from (f"  {label + ':':<28}{value}" for label, value in times(told.times))
    yield from _section("Files")
    for file in told.files:
        yield from _file(file)
    yield from _section("Verdicts")
    for verdict in told.verdicts:
        yield from _verdict(verdict)
    yield from _section("Deeds")
    for deed in told.deeds:
        yield from _deed(deed)
    yield from _section("Timeline (UTC)")
    for line in told.timeline:
        who = f"{visible(line.who)}: " if line.who else ""
        yield f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.what:<9} {who}{visible(line.text)}"
        yield from (f"{'':33}{visible(fact)}" for fact in line.facts)


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * len(title)


def times(told: Times) -> Iterator[tuple[str, str]]:
    """What there is to tell of the times, with labels."""
    for label, at in (
        ("first seen", told.first_seen),
        ("flagged", told.flagged),
        ("first deed", told.first_deed),
        ("last deed", told.last_deed),
    ):
        yield label, moment(at) if at is not None else "never"
    for label, length in (
        ("from seen to flagged", told.seen_to_flagged),
        ("from flagged to first deed", told.flagged_to_first_deed),
        ("from seen to first deed", told.seen_to_first_deed),
    ):
        if length is not None:
            yield label, span(length)


def _file(file: FileLine) -> Iterator[str]:
    yield f"  file {file.file}: {file_words(file)}"
    yield f"    sha256 {file.sha256 or 'never known'}"
    for name in file.names:
        yield f"    called {visible(name.name)} {name_words(since=name.since, still=name.still)}"
    yield from (f"    structure: {visible(oddity)}" for oddity in file.oddities)


def file_words(file: FileLine) -> str:
    """Type, size and sides."""
    sides = f"{file.width}x{file.height}" if file.width is not None else ""
    known = [visible(file.media_type), sides, amount(file.size) if file.size is not None else ""]
    return ", ".join(word for word in known if word) or "never read"


def name_words(*, since: datetime, still: bool) -> str:
    """From when on a name stood for a file."""
    return f"since {moment(since)}" + ("" if still else ", no longer")


def _verdict(verdict: VerdictLine) -> Iterator[str]:
    yield f"  {moment(verdict.at)}  rule {visible(verdict.rule)} (digest {verdict.rule_digest}), file {verdict.file}"
    yield f"    {visible(verdict.because)}"
    yield from (f"    {fact}" for fact in rested_on(verdict))
    if verdict.rule_text is None:
        yield "    the rule's wording at that time was not kept"
    else:
        yield "    the rule at that time:"
        yield from (f"      | {visible(line)}" for line in verdict.rule_text.strip("\n").split("\n"))


def rested_on(verdict: VerdictLine) -> Iterator[str]:
    """Scores with their revisions, and hits."""
    for score in verdict.scores:
        name = f"{visible(score.detector)}/{visible(score.label)}"
        frames = f" (frames: {' '.join(f'{value:.2f}' for value in score.frames)})" if score.frames else ""
        yield f"score {name} {score.value:.3f}{frames}, revision {visible(score.revision)}"
    for hit in verdict.hits:
        yield f"{hit.mode} list {visible(hit.list_id)} matched by {hit.by}" + (f", {hit.where}" if hit.where else "")


def _deed(deed: DeedLine) -> Iterator[str]:
    yield f"  intent {deed.intent}: {deed.deed} on {visible(deed.on)}: {state_words(deed)}"
    yield from (f"    {label}: {visible(value)}" for label, value in deed_facts(deed))
    for one in deed.tries:
        kind = "undo" if one.undo else "try"
        word = one.outcome.replace("_", " ")
        said = ", ".join(visible(part) for part in (one.code, one.note) if part)
        yield f"    {kind} at {moment(one.at)}: {word}" + (f" ({said})" if said else "")


def state_words(deed: DeedLine) -> str:
    """How it stands, and what it waits for."""
    waits = f" ({', '.join(deed.waits_for)})" if deed.state == "held" and deed.waits_for else ""
    return f"{deed.state}{waits}"


def deed_facts(deed: DeedLine) -> Iterator[tuple[str, str]]:
    """What there is to tell besides state and tries, with labels."""
    for label, value in (
        ("concerns", deed.account),
        ("because of", f"rule {deed.rule}: {deed.because}"),
        ("guard", deed.planned),
        ("detail", deed.detail),
        ("approved by", deed.approved_by or ""),
        ("done", moment(deed.done_at) if deed.done_at is not None else ""),
        ("time from seen", span(deed.from_seen)),
        ("time from flagged", span(deed.from_flagged)),
        ("time held", span(deed.held) if deed.held else ""),
        ("undo", deed.restored),
    ):
        if value:
            yield label, value


def moment(at: datetime) -> str:
    """To the second, with its zone."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
