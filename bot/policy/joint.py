"""Several posts of one account in one report, where the platform takes that. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.decisions import Report

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.domain.content import InstanceId
    from bot.domain.decisions import Intent

AT_MOST = 20
"""Posts in one report: more is no help to those who read it, and one that cannot be filed holds back all of them."""


def joined(intents: Sequence[Intent], instances: Collection[InstanceId]) -> Sequence[Intent]:
    """The same deeds with fewer reports: those on posts of one account on one of these instances become one.

    A report stands where the first of those stood that it is made of.
    """
    found: list[Intent] = []
    open_at: dict[tuple[InstanceId, str], int] = {}
    for intent in intents:
        if not isinstance(intent, Report) or intent.instance not in instances or intent.subject.author is None:
            found.append(intent)
            continue
        whose = (intent.instance, intent.subject.author.uri)
        place = open_at.get(whose)
        so_far = found[place] if place is not None else None
        if place is not None and isinstance(so_far, Report) and len(so_far.subjects) < AT_MOST:
            found[place] = replace(so_far, also=(*so_far.also, *intent.subjects))
        else:
            open_at[whose] = len(found)
            found.append(intent)
    return found
