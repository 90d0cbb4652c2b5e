"""A rule in the words of the configuration, for cases that have to tell what a rule said when it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from bot.policy.rules import SHOWN

if TYPE_CHECKING:
    from datetime import timedelta

    from bot.policy.rules import Condition, Rule, Want


def wording(rule: Rule) -> str:
    """As YAML, with everything that decides what the rule does, defaults included; not meant to be read back."""
    told = {
        "id": rule.id,
        "stage": rule.stage.word,
        "when": _when(rule.when),
        "then": [_then(want) for want in rule.then],
        "unattended": rule.unattended,
        "uncalibrated": "accept" if rule.uncalibrated else None,
        "any_use": rule.any_use,
        "hold_first": rule.hold_first,
        "attribution": rule.min_attribution.word,
        "text": rule.text,
    }
    told = {key: value for key, value in told.items() if value is not None}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def _when(when: Condition) -> dict[str, Any]:
    score = when.score
    told = {
        "lists": list(when.lists),
        "near": when.near if when.lists else None,
        "score": None
        if score is None
        else {"detector": score.detector, "label": score.label, "at_least": score.at_least, "frames": score.frames},
        "platforms": list(when.platforms),
        "roles": [] if tuple(when.roles) == SHOWN else [role.value for role in when.roles],
        "author": None if when.local_author is None else "local" if when.local_author else "remote",
        "account_younger_than": _span(when.account_younger_than),
        "account_items_below": when.account_items_below,
    }
    return {key: value for key, value in told.items() if value not in (None, [])}


def _then(want: Want) -> str | dict[str, Any]:
    more = {
        "scope": want.scope.value if want.kind == "ban_account" else None,
        "days": want.days,
        "how": want.how.value if want.kind == "limit_account" else None,
        "switch": want.switch.value if want.switch is not None else None,
        "value": want.value or None,
    }
    told = {key: value for key, value in more.items() if value is not None}
    return {want.kind: told} if told else want.kind


def _span(span: timedelta | None) -> str | None:
    """In the largest unit that divides it."""
    if span is None:
        return None
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
