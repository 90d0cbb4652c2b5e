"""How long everything took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import Done, IntentState
from bot.operate.explain.shape import Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.ports.story import AttemptTold, DecisionTold, IntentTold, Story

HELD = "held"


def times_of(story: Story, tries: Mapping[int, Sequence[AttemptTold]]) -> Times:
    """From the first sight of a file to what was done about it. ``tries``: by intent."""
    seen = [
        *(seen.first for seen in story.seen),
        *(name.since for name in story.names),
        *(file.met_at for file in story.files),
        *(erasure.first_seen for erasure in story.erasures if erasure.first_seen is not None),
    ]
    done = [moment for some in tries.values() if (moment := done_at(some)) is not None]
    first_seen = min(seen, default=None)
    flagged = min((verdict.at for verdict in story.verdicts), default=None)
    first_deed = min(done, default=None)
    return Times(
        first_seen=first_seen,
        flagged=flagged,
        first_deed=first_deed,
        last_deed=max(done, default=None),
        seen_to_flagged=seconds(first_seen, flagged),
        flagged_to_first_deed=seconds(flagged, first_deed),
        seen_to_first_deed=seconds(first_seen, first_deed),
    )


def done_at(tries: Iterable[AttemptTold]) -> datetime | None:
    """When a deed was done by us, undone since or not."""
    ends = (one.ended for one in tries if not one.reverting and isinstance(one.outcome, Done))
    return min((end for end in ends if end is not None), default=None)


def held_seconds(intent: IntentTold, decisions: Iterable[DecisionTold], now: datetime) -> float:
    """How long it waited for a human, all together, until now if it still does. ``decisions``: about it."""
    since = intent.at if intent.planned.startswith(HELD) else None
    total = 0.0
    for decision in decisions:
        if decision.what.startswith(f"{HELD}:"):
            since = since or decision.at
        elif since is not None:
            total += (decision.at - since).total_seconds()
            since = None
    if since is not None and intent.state is IntentState.HELD:
        total += (now - since).total_seconds()
    return total


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Between two moments; ``None`` where one of them is missing."""
    return None if start is None or end is None else (end - start).total_seconds()


def span(length: float | None) -> str:
    """For people: ``4.2 s``, ``3 min 5 s``, ``2 h 10 min``, ``5 d 3 h``."""
    if length is None:
        return ""
    if length < 60:
        return f"{length:.1f} s" if length < 10 else f"{length:.0f} s"
    whole = round(length)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"
