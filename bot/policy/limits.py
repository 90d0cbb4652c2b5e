"""What the operator decided once for all rules, and how the limits stand at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import exp
from typing import TYPE_CHECKING

from bot.domain.decisions import Stage
from bot.domain.handles import meant, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.content import Account, Community


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Kind of deed to the number that is allowed. A kind that is not named has no limit."""

    per_hour: Mapping[str, int] = field(default_factory=dict)
    per_day: Mapping[str, int] = field(default_factory=dict)
    per_account: Mapping[str, int] = field(default_factory=dict)  # in a day, about one account
    per_community: Mapping[str, int] = field(default_factory=dict)  # in a day, in one community


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator decided once, for all rules."""

    irreversible: frozenset[str] = frozenset()  # kinds that may be done although nothing brings them back
    evidence: str | None = None  # the choice that a purge needs: "none" keeps no copy
    quotas: Quotas = field(default_factory=Quotas)
    backlog_stage: Stage = Stage.REPORT  # how far to go with what was there before the bot started
    protected_accounts: frozenset[str] = frozenset()  # handles or addresses, as a human writes them
    protected_communities: frozenset[str] = frozenset()

    def names_account(self, account: Account) -> bool:
        """Whether the operator listed this account."""
        return not _all_meant(self.protected_accounts).isdisjoint({plain(account.handle), plain(account.uri)})

    def names_community(self, community: Community) -> bool:
        """Whether the operator listed this community."""
        return not _all_meant(self.protected_communities).isdisjoint({plain(community.handle), plain(community.uri)})


@lru_cache(maxsize=8)
def _all_meant(listed: frozenset[str]) -> frozenset[str]:
    return frozenset[str]().union(*map(meant, listed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Deeds of one kind that were allowed so far."""

    hour: int = 0
    day: int = 0
    account: int = 0  # in a day, about the same account
    community: int = 0  # in a day, in the same community


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the limits stand for one intent at this moment."""

    used: Used = field(default_factory=Used)
    approvals: int = 0  # deeds of the rule that a human has approved so far
    tripped: str = ""  # why the breaker of the rule is open
    stopped: str = ""  # why the kill switch is on


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Opens when a rule flags more files than its operator expects, on scores or near matches.

    Which files a rule flags is taken for chance: out of ``scanned`` files about ``share`` of them. It opens when chance
    gives as many flags as there were less than once in 10,000 times (Poisson), so that few files prove nothing.
    """

    share: float = 0.02  # of all files that are looked at
    least: int = 10  # flagged files below which it never opens

    def opens(self, *, flagged: int, scanned: int) -> bool:
        """Whether so many flagged files out of so many are too many."""
        if flagged < self.least:
            return False
        return _at_least(flagged, mean=self.share * max(scanned, flagged)) < _CHANCE


_CHANCE = 1e-4


def _at_least(count: int, *, mean: float) -> float:
    """Probability that a Poisson variable of this mean reaches ``count``."""
    if mean > 500:  # e to the power of -mean leaves the numbers; from here on a normal variable is as good
        return 0.0 if count > mean + 3.72 * mean**0.5 else 1.0
    term = exp(-mean)
    below = 0.0
    for number in range(count):
        below += term
        term *= mean / (number + 1)
    return max(0.0, 1.0 - below)
