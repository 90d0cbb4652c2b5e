"""How sure one can be of a share of false alarms after looking at so many harmless pictures. Pure arithmetic.

All bounds are Clopper and Pearson's, to 95 % (https://doi.org/10.1093/biomet/26.4.404): exact, so never narrower than
they claim, also where nothing was flagged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, floor, inf, lgamma, log, log1p, nextafter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

METHOD: Final = "Clopper-Pearson, 95 %"
PREVALENCE: Final = 4.29
"""Confirmed known material in 100,000 files, on eight servers (the IFTAS pilot): a floor, and no rate of yours."""

_TAIL: Final = 0.025  # on either side
_TINY: Final = 1e-300
_STEPS: Final = 10_000
_ROUGH: Final = 0.02  # a threshold is rounded by so much of what is left to 0 or 1, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``flagged`` of ``pictures``, and between which bounds the true rate lies."""

    flagged: int
    pictures: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share that was seen."""
        return self.flagged / self.pictures


def share(flagged: int, pictures: int) -> Share:
    """Raises ``ValueError`` for a share of nothing, and for more than all."""
    if not 0 <= flagged <= pictures or not pictures:
        raise ValueError(f"{flagged} of {pictures} is no share")
    low = 0.0 if flagged == 0 else _solve(_TAIL, flagged, pictures - flagged + 1)
    high = 1.0 if flagged == pictures else _solve(1 - _TAIL, flagged + 1, pictures - flagged)
    return Share(flagged=flagged, pictures=pictures, low=low, high=high)


def pictures_needed(rate: float) -> int:
    """So many harmless pictures, none of them flagged, show that the rate is not above ``rate``."""
    return ceil(log(_TAIL) / log1p(-rate))


def allowed(pictures: int, rate: float) -> int | None:
    """How many may be flagged with the upper bound still at ``rate`` or below; ``None``: not even none of them."""
    least, most = -1, floor(pictures * rate)
    while least < most:
        middle = (least + most + 1) // 2
        if _beta(rate, middle + 1, pictures - middle) >= 1 - _TAIL:
            least = middle
        else:
            most = middle - 1
    return None if least < 0 else least


def threshold(values: Sequence[float], rate: float) -> float | None:
    """The lowest value from which on no more than ``rate`` is flagged, as far as ``values`` can show.

    ``values``: of harmless pictures, each from 0 to 1. It lies just above the first value that must not be flagged. How
    many may be flagged is fixed before anybody looks, so the bound holds although the threshold is chosen by the same
    pictures (https://doi.org/10.1214/aoms/1177731788). ``None``: too few pictures, or too many at the highest value.
    """
    may = allowed(len(values), rate)
    if may is None:
        return None
    return _above(sorted(values, reverse=True)[may])


def precision(prevalence: float, rate: float) -> float:
    """The share of true alarms if ``prevalence`` (0 to 1) of all files are true and none of those is missed."""
    return prevalence / (prevalence + (1 - prevalence) * rate) if prevalence else 0.0


def by_chance(flagged: int, pictures: int, others_flagged: int, others: int) -> float:
    """How often two groups would differ at least so much if the same share of both were flagged.

    Fisher's exact test, two-sided. 1 where there is nobody to compare with.
    """
    total, marked = pictures + others, flagged + others_flagged

    def chance(here: int) -> float:
        return _choose(pictures, here) + _choose(others, marked - here) - _choose(total, marked)

    seen = chance(flagged) + 1e-7  # of the equally likely ones, rounding must not lose any
    possible = range(max(0, marked - others), min(pictures, marked) + 1)
    return min(1.0, sum(exp(one) for one in map(chance, possible) if one <= seen))


def _above(value: float) -> float | None:
    """A little more than ``value``, with as few digits as do no harm; ``None`` where there is nothing up to 1."""
    slack = max(_ROUGH * min(value, 1 - value), 1e-6)
    for digits in range(2, 16):
        candidate: float = round((floor(value * 10**digits) + 1) / 10**digits, digits)
        if value < candidate < 1 and candidate - value <= slack:
            return candidate
    candidate = nextafter(value, inf)
    return candidate if candidate <= 1 else None


def _choose(of: int, some: int) -> float:
    """The logarithm of the number of ways."""
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


def _solve(wanted: float, a: int, b: int) -> float:
    """Where the distribution function of Beta(a, b) is ``wanted``."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in {low, high}:
        if _beta(middle, a, b) < wanted:
            low = middle
        else:
            high = middle
    return high


def _beta(x: float, a: int, b: int) -> float:
    """The distribution function of Beta(a, b), by its continued fraction (https://dlmf.nist.gov/8.17#E22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: int, b: int) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    made = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / _away(1 + part * d)
            c = _away(1 + part / c)
            made *= c * d
        if abs(c * d - 1) < 1e-15:
            return made
    raise ArithmeticError(f"Beta({a}, {b}) at {x} does not settle")


def _away(value: float) -> float:
    """``value``, but not 0."""
    return value if abs(value) > _TINY else _TINY
