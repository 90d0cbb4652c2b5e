"""How the limits stand: what was allowed so far, which breakers are open, whether anybody may act."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.policy import Breaker, Standing, Used
from bot.ports import Trip

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.content import Account, Community
    from bot.domain.decisions import Intent, Verdict
    from bot.policy import Rule
    from bot.ports import Clock, Ledger

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One verdict being decided: what it has spent already is not in the ledger yet."""

    approvals: int
    tripped: str
    stopped: str
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: dict[tuple[str, timedelta, str], int] = field(default_factory=dict)


class Limiter:
    """Counts what quotas count, and opens breakers."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        breaker: Breaker,
        window: timedelta,
        stopped: Callable[[], str] = lambda: "",
    ) -> None:
        """``window``: how far back a breaker looks. ``stopped``: why nobody may act, where the ledger knows nothing of
        it; empty where somebody may.
        """
        self._ledger = ledger
        self._clock = clock
        self._breaker = breaker
        self._window = window
        self._stopped = stopped

    def begin(self, rule: Rule) -> Round:
        """Look at what is the same for all intents of one verdict."""
        stop = self._ledger.stopped()
        trip = next((trip for trip in self._ledger.trips() if trip.rule_id == rule.id), None)
        return Round(
            # Counting them goes over all intents there are: only where the rule wants to know.
            approvals=self._ledger.approvals(rule.id) if rule.hold_first else 0,
            tripped="" if trip is None else f"it flagged {trip.flagged} of {trip.scanned} files",
            stopped=self._stopped() if stop is None else f"acting was stopped by {stop.by}",
        )

    def stands(self, intent: Intent, round_: Round) -> Standing:
        """How the limits stand for one intent."""
        kind, about, place = intent.kind, intent.about, intent.place
        spent = round_.spent
        return Standing(
            used=Used(
                hour=self._used(round_, kind, HOUR) + spent[kind, ""],
                day=self._used(round_, kind, DAY) + spent[kind, ""],
                account=self._used(round_, kind, DAY, account=about) + spent[kind, about.uri] if about else 0,
                community=self._used(round_, kind, DAY, community=place) + spent[kind, place.uri] if place else 0,
            ),
            approvals=round_.approvals,
            tripped=round_.tripped,
            stopped=round_.stopped,
        )

    def _used(
        self,
        round_: Round,
        kind: str,
        span: timedelta,
        *,
        account: Account | None = None,
        community: Community | None = None,
    ) -> int:
        """Counted once in a round: what it allows itself is not in the ledger before its end."""
        whom = account.uri if account is not None else community.uri if community is not None else ""
        key = (kind, span, whom)
        if key not in round_.counted:
            since = self._clock.now() - span
            round_.counted[key] = self._ledger.used(kind, since, account=account, community=community)
        return round_.counted[key]

    def spend(self, intent: Intent, round_: Round) -> None:
        """An intent was allowed."""
        round_.spent[intent.kind, ""] += 1
        for one in (intent.about, intent.place):
            if one is not None:
                round_.spent[intent.kind, one.uri] += 1

    def account_for(self, verdict: Verdict) -> None:
        """Open the breaker of a rule that flags too much; call it when the verdict is in the ledger.

        Exact hits open nothing: a raid with known files would switch its own cure off.
        """
        if verdict.because.exact:
            return
        now = self._clock.now()
        since = max(now - self._window, self._ledger.counting_since(verdict.rule_id) or now - self._window)
        flagged = self._ledger.flagged(verdict.rule_id, since)
        if flagged < self._breaker.least:
            return
        scanned = self._ledger.scanned_since(since)
        if not self._breaker.opens(flagged=flagged, scanned=scanned):
            return
        if any(trip.rule_id == verdict.rule_id for trip in self._ledger.trips()):
            return
        trip = Trip(rule_id=verdict.rule_id, at=now, flagged=flagged, scanned=max(scanned, flagged))
        held = self._ledger.trip(trip)
        log.error(
            "the breaker of a rule is open: what it wants on scores and near matches is held",
            rule=verdict.rule_id,
            flagged=flagged,
            scanned=trip.scanned,
            held=held,
            go_on=f"look at `fediwarden held --rule {verdict.rule_id}`, mend the rule or its threshold, then "
            f"`fediwarden breaker reset {verdict.rule_id}`",
        )
