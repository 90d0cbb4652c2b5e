"""The kill switch, from wherever it is pulled: a command, a file, a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.domain.decisions import HoldReason, IntentState
from bot.domain.errors import FediwardenError
from bot.operate.plan import pages
from bot.ports import Filter

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import IntentRecord, Ledger

log = structlog.get_logger(__name__)


class BrakeError(FediwardenError):
    """What was asked of a brake cannot be done; the message says what has to be done first."""


class StopFile:
    """A file that stops all deeds by being there. Somebody without a shell of ours can make it."""

    def __init__(self, ledger: Ledger, path: Path) -> None:
        """``path``: of the file."""
        self._ledger = ledger
        self.path = path

    @property
    def there(self) -> bool:
        """Whether the file is there. What cannot be looked at is taken for there: a brake fails closed."""
        try:
            self.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def look(self) -> None:
        """Stop acting if the file is there. Looked at before every deed. Raises ``LedgerError``."""
        if self.there and self._ledger.stopped() is None:
            stop(self._ledger, by=f"the file {self.path.name}", why="it is there")


def stop(ledger: Ledger, *, by: str, why: str) -> int:
    """Begin no deed from now on; how many that were ready are held."""
    held = ledger.stop_acting(by=by, why=why)
    log.warning("acting is stopped; scanning goes on", by=by, why=why, held=held)
    return held


def start(ledger: Ledger, file: StopFile, *, by: str) -> bool:
    """Act again; whether acting was stopped. Raises ``BrakeError`` while the file is there."""
    if file.there:
        raise BrakeError(f"{file.path} is there and stops all deeds; delete it first")
    return ledger.start_acting(by=by)


def held_by_stop(ledger: Ledger) -> list[IntentRecord]:
    """Intents that nothing but the kill switch held."""
    which = Filter(states=(IntentState.HELD,), reason=HoldReason.STOPPED)
    return [record for record in pages(ledger, which) if set(record.reasons) == {HoldReason.STOPPED}]


def close_breaker(ledger: Ledger, rule_id: str, *, by: str) -> None:
    """Close the breaker of a rule, counting anew. Raises ``BrakeError`` where it is not open."""
    if not ledger.close_breaker(rule_id, by=by):
        open_now = ", ".join(trip.rule_id for trip in ledger.trips()) or "none"
        raise BrakeError(f"the breaker of rule {rule_id!r} is not open; open now: {open_now}")
