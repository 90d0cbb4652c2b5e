"""Rules in words, for people who want to see what they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import BanAccount, LimitAccount, SetSwitch
from bot.policy.rules import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from bot.policy import Condition, Rule, Want


def in_words(rule: Rule) -> str:
    """When it fires and what it wants, in one line."""
    more = "".join(f"; {one}" for one in _terms(rule))
    return f"{_when(rule.when)}: {', '.join(_want(want) for want in rule.then)}{more}"


def _when(when: Condition) -> str:
    reasons = []
    if when.lists:
        near = ", near matches too" if when.near else ""
        reasons.append(f"a hit on {' or '.join(when.lists)}{near}")
    if when.score is not None:
        frames = f" in {when.score.frames} frames of what moves" if when.score.frames > 1 else ""
        reasons.append(f"{when.score.detector}/{when.score.label} at {when.score.at_least:g} or more{frames}")
    where = " and ".join(_narrowed(when))
    return " or ".join(reasons) + (f", if {where}" if where else "")


def _narrowed(when: Condition) -> Iterator[str]:
    if when.platforms:
        yield f"on {' or '.join(when.platforms)}"
    if set(when.roles) != set(SHOWN):
        yield f"shown as {' or '.join(role.value for role in when.roles)}"
    if when.local_author is not None:
        yield f"by {'a local' if when.local_author else 'a remote'} account"
    if when.account_younger_than is not None:
        yield f"the account is younger than {in_time(when.account_younger_than)}"
    if when.account_items_below is not None:
        yield f"fewer than {when.account_items_below} items of it were seen"


def _want(want: Want) -> str:
    match want.kind:
        case BanAccount.kind:
            return f"{want.kind} ({want.scope.value}, {f'{want.days} days' if want.days else 'for good'})"
        case LimitAccount.kind:
            return f"{want.kind} ({want.how.value})"
        case SetSwitch.kind:
            return f"{want.kind} ({want.switch.value if want.switch else ''}: {want.value})"
        case _:
            return want.kind


def _terms(rule: Rule) -> Iterator[str]:
    if rule.unattended:
        yield "unattended"
    if rule.uncalibrated:
        yield "uncalibrated accepted"
    if rule.any_use:
        yield "purges files that others show too"
    if rule.hold_first:
        yield f"the first {rule.hold_first} deeds are yours to approve"


def in_time(span: timedelta) -> str:
    """``3 days``."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"
