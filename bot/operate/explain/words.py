"""The words for values that several parts of an explanation tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Failed,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Refused,
    Remove,
    Report,
    SetSwitch,
)
from bot.operate.explain.shape import HitLine, ScoreLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.decisions import Intent, Outcome
    from bot.domain.evidence import Evidence


def scores(scan: Evidence) -> Sequence[ScoreLine]:
    """Every score with the revision that gave it."""
    return tuple(
        ScoreLine(
            detector=one.detector,
            revision=one.revision,
            label=one.label,
            value=round(one.value, 4),
            frames=tuple(round(value, 4) for value in one.frames),
        )
        for one in scan.scores
    )


def hits(scan: Evidence) -> Sequence[HitLine]:
    """Every match, without what the list has of it."""
    return tuple(
        HitLine(list_id=hit.list_id, mode=hit.mode.value, by=hit.by.value, where=hit.where) for hit in scan.hits
    )


def answer(outcome: Outcome | None) -> tuple[str, str, str]:
    """A word, the server's own word, and what is to be said of it."""
    match outcome:
        case None:
            return "unknown", "", "nobody wrote down how it ended"
        case Done():
            return "done", "", outcome.note
        case AlreadyDone():
            return "already_done", "", outcome.note
        case Refused():
            return "refused", outcome.code, outcome.note
        case Failed():
            return "unknown" if outcome.unknown else "failed", "", outcome.note
        case _:
            assert_never(outcome)


def on(intent: Intent | None) -> str:
    """What a deed is about."""
    match intent:
        case None:
            return "(erased)"
        case Report() | Remove() | MarkSensitive():
            place = f" in {intent.subject.community.handle}" if intent.subject.community is not None else ""
            return f"{intent.subject.kind} {intent.subject.local_id}{more_of(intent)} on {intent.instance}{place}"
        case PurgeFile():
            return str(intent.name)
        case LimitAccount():
            return f"{intent.account.handle}: {intent.how.value} on {intent.instance}"
        case BanAccount():
            term = f"for {intent.days} days" if intent.days else "until somebody lifts it"
            place = f"community {intent.community_id}" if intent.community_id is not None else "the whole server"
            return f"{intent.account.handle}: {place} of {intent.instance}, {term}"
        case SetSwitch():
            return f"{intent.what} of {intent.instance}: {intent.value}"
        case Notify():
            return "the operators"
        case _:
            assert_never(intent)


def whose(intent: Intent | None) -> str:
    """Who is taken to have stored the file, and how that was known when the deed was planned; empty where none is."""
    match intent:
        case PurgeFile(uploader=account, how=how) if how is not None:
            return f"stored by: {account.handle if account is not None else 'nobody known'} ({how.word})"
        case BanAccount(known=how, account=account) | LimitAccount(known=how, account=account) if how is not None:
            return f"stored by: {account.handle} ({how.word})"
        case _:
            return ""


def more_of(intent: Intent) -> str:
    """`` and 2 more`` where a report names further posts."""
    return f" and {len(intent.also)} more" if isinstance(intent, Report) and intent.also else ""


def handle(intent: Intent | None) -> str:
    """Whom a deed concerns."""
    return intent.about.handle if intent is not None and intent.about is not None else ""


def as_words(state: Any) -> str:
    """JSON values for people: ``removed: no, expires: never``."""
    match state:
        case dict():
            return ", ".join(f"{key}: {as_words(value)}" for key, value in state.items()) or "nothing special"
        case list():
            return ", ".join(as_words(one) for one in state) or "none"
        case None:
            return "nothing"
        case bool():
            return "yes" if state else "no"
        case _:
            return str(state)


def amount(size: int) -> str:
    """Bytes for people: ``734 bytes``, ``1.2 MB``."""
    number = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
