"""What earlier tries of a deed tell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.decisions import GONE_AT_STORE, Failed
from bot.enforce.undo import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.decisions import Attempt, Verification


def before(found: Verification) -> dict[str, Any]:
    """What undo would have to restore, unless that is our own doing already."""
    return {**found.state, **({OURS: True} if found.by_us else {})}


def unfinished(attempts: Sequence[Attempt]) -> Attempt | None:
    """The last try, if nobody wrote down how it ended."""
    forward = _forward(attempts)
    return forward[-1] if forward and forward[-1].outcome is None else None


def ended_unknown(attempts: Sequence[Attempt]) -> bool:
    """Whether nobody could tell what became of the last try."""
    failed = _last_failed(attempts)
    return failed is not None and failed.unknown


def left_for_caches(attempts: Sequence[Attempt]) -> bool:
    """Whether we purged the file, and only caches were left to be seen to."""
    failed = _last_failed(attempts)
    return failed is not None and GONE_AT_STORE in failed.note


def _last_failed(attempts: Sequence[Attempt]) -> Failed | None:
    forward = _forward(attempts)
    outcome = forward[-1].outcome if forward else None
    return outcome if isinstance(outcome, Failed) else None


def _forward(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    return [attempt for attempt in attempts if not attempt.reverting]
