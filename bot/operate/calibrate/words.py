"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.operate.calibrate.document import precise

if TYPE_CHECKING:
    from bot.classify.false_alarms import Share

ASSUMED = "if none of those is missed"


def number(value: float | None) -> str:
    """A threshold: with all the digits that it needs, and no more."""
    if value is None:
        return ""
    return f"{value:.15f}".rstrip("0").rstrip(".") if 0 < value < 1e-4 else f"{value:g}" if value < 0.99 else str(value)


def score(value: float) -> str:
    """A picture's value, for people."""
    return f"{value:.7f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """``0.29 %``."""
    value = 100 * share
    if value == 0 or value >= 99.95:
        return f"{value:.0f} %"
    return f"{value:.2g} %" if value >= 0.001 else f"{value:.1g} %"


def between(share: Share) -> str:
    """``0.06 % to 0.72 %``: the bounds of a rate."""
    return f"{percent(share.low)} to {percent(share.high)}"


def flagged(share: Share) -> str:
    """``3 of 1,000``."""
    return f"{share.flagged:,} of {share.pictures:,}"


def true_alarms(share: Share, prevalence: float) -> str:
    """The bounds of how many alarms in a hundred are true: ``0.6 % to 6.7 %``."""
    low, high = precise(share, prevalence)
    return f"{percent(low)} to {percent(high)}"
