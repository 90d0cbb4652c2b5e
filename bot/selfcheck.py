"""The bot's own accounts, at the start and every hour: one that sees less than all misses things without an error.

Sooner where something is wrong, so that what is mended is no alarm for an hour, and where a server refuses the account.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import LedgerError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.ports import Clock, Ledger, OwnAccount

log = structlog.get_logger(__name__)

FLAG = "account/"
"""Begin of the flags under which ``status`` finds how they stand."""

EVERY = 3600.0
"""Seconds between two looks."""

SOON = timedelta(minutes=5)
"""Between two looks while something is wrong, or a server refuses the account."""


class SelfCheck:
    """Looks at the account on each instance that has one to look at. ``look`` blocks: to be called in a thread."""

    def __init__(self, accounts: Mapping[str, OwnAccount], ledger: Ledger, clock: Clock) -> None:
        """``accounts``: by the id of their instance."""
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock
        self._wrong: dict[str, Sequence[CheckResult]] = {}
        self._looked: datetime | None = None
        self._doubted = False

    def doubt(self) -> None:
        """A server refused the account something."""
        self._doubted = True

    def due(self) -> bool:
        """Whether to look although the hour is not over."""
        if not self._doubted and not self.out():
            return False
        return self._looked is None or not timedelta(0) <= self._clock.now() - self._looked < SOON

    def look(self, *, mend: bool) -> None:
        """Look at all of them. ``mend``: put right what is their own; only whoever acts does."""
        self._looked, self._doubted = self._clock.now(), False
        for instance, account in self._accounts.items():
            results = self._look(instance, account, mend=mend)
            wrong = [result for result in results if not result.ok]
            known, self._wrong[instance] = self._wrong.get(instance, ()), wrong
            for result in (one for one in wrong if one not in known):
                log.warning(
                    "the bot's account is not as it has to be",
                    instance=instance,
                    what=result.what,
                    detail=result.detail,
                    remedy=result.remedy,
                )
            self._note(instance, results)

    def _look(self, instance: str, account: OwnAccount, *, mend: bool) -> Sequence[CheckResult]:
        try:
            return account.look(mend=mend)
        except Exception as error:  # a fault of our own must not keep the others from being looked at
            log.exception("the bot's account could not be looked at", instance=instance)
            why = f"could not be looked at, by a fault of this program ({type(error).__name__})"
            return [CheckResult(what="account", ok=False, detail=why, remedy="the log tells more; please report it")]

    def out(self) -> Mapping[str, Sequence[str]]:
        """Instances with something wrong, and what, by its name in ``check``."""
        return {instance: [one.what for one in wrong] for instance, wrong in self._wrong.items() if wrong}

    def _note(self, instance: str, results: Sequence[CheckResult]) -> None:
        told = {one.what: {"ok": one.ok, "detail": one.detail, "remedy": one.remedy} for one in results}
        state = json.dumps({"at": self._clock.now().isoformat(timespec="seconds"), "found": told})
        try:
            self._ledger.set_flag(f"{FLAG}{instance}", state)
        except LedgerError as error:
            log.warning("the ledger cannot be written", error=str(error))
