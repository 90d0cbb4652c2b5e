"""Erases a case, or an account, because somebody asked for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.errors import FediwardenError
from bot.operate.decide import case_or_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.ports import Erased, Ledger, Traces

ROWS = 200
"""Rows in one transaction, so that a running bot goes on meanwhile."""


class NobodyError(FediwardenError):
    """The ledger does not know the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What of a case would go."""

    deeds: int
    decisions: int
    sightings: int
    uploads: int
    waiting: int  # deeds that wait or run: nothing is erased while there are any

    @property
    def empty(self) -> bool:
        """Nothing is left to erase."""
        return not (self.deeds or self.decisions or self.sightings or self.uploads)


def contents(ledger: Ledger, number: int) -> Contents:
    """Raises ``NoSuchError`` for an unknown case."""
    case_or_error(ledger, number)
    story = ledger.story(number)
    return Contents(
        deeds=sum(intent.intent is not None for intent in story.intents),
        decisions=sum(decision.who is not None for decision in story.decisions),
        sightings=len(story.seen),
        uploads=len(story.uploads),
        waiting=sum(intent.state.value in {"ready", "held", "undoing"} for intent in story.intents),
    )


def erase_case(ledger: Ledger, number: int, *, by: str) -> Mapping[str, int]:
    """Whom and what it names; how much that was. Raises ``StillWaitingError`` and ``NoSuchError``."""
    case_or_error(ledger, number)
    return _until_done(lambda: ledger.erase_case(number, limit=ROWS, by=by))


def traces(ledger: Ledger, who: str) -> Traces:
    """What is known of an account, given as ``name@host``, ``@name@host`` or an address. Raises ``NobodyError``."""
    found = ledger.traces_of(_plain(who))
    if not found.uris:
        raise NobodyError(f"the ledger knows nothing of {who}; write name@host, or the address of the account's page")
    return found


def erase_account(ledger: Ledger, found: Traces, *, by: str) -> Mapping[str, int]:
    """All that names it; how much that was. Raises ``StillWaitingError``."""
    return _until_done(lambda: ledger.erase_account(found, limit=ROWS, by=by))


def _plain(who: str) -> str:
    who = who.strip()
    return who if "://" in who else who.removeprefix("@")


def _until_done(erase: Callable[[], Erased]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    while erased := erase():
        sums.update(erased.counts)
    return dict(sums)
