"""Options that say which held intents are meant, the same for every command that takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from bot.domain.decisions import HoldReason, IntentState
from bot.policy.rules import KINDS
from bot.ports import Filter
from bot.settings import Duration

if TYPE_CHECKING:
    from datetime import timedelta


def moment(text: str) -> datetime:
    """A time as an operator types it: ISO 8601 (UTC where it names no zone), or how long ago: ``2h``, ``7d ago``."""
    words = text.strip()
    try:
        ago: timedelta = TypeAdapter(Duration).validate_python(words.removesuffix("ago").strip())
        return datetime.now(UTC) - ago
    except ValidationError:
        pass
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is longer ago than there is a calendar for") from None
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: write a time such as 2026-11-22T02:00 (UTC), or how long ago, such as 45m, 2h or 7d"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def deed(text: str) -> str:
    """A kind of deed, as rules name it."""
    if text not in KINDS:
        raise typer.BadParameter(f"{text!r} is no deed; there is: {', '.join(KINDS)}")
    return text


OfCase = Annotated[int | None, typer.Option("--case", min=1, help="Of this case.")]
OfRule = Annotated[str | None, typer.Option("--rule", help="Of this rule.")]
OfDeed = Annotated[
    str | None, typer.Option("--deed", parser=deed, metavar="DEED", help=f"Of this kind: {', '.join(KINDS)}.")
]
ForReason = Annotated[HoldReason | None, typer.Option("--reason", help="Held for this reason, among others.")]
AtLeast = Annotated[
    float | None, typer.Option("--score-at-least", min=0, max=1, help="Flagged by a score, and that is this or more.")
]
Below = Annotated[
    float | None, typer.Option("--score-below", min=0, max=1, help="Flagged by a score, and that is below this.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=moment, metavar="TIME", help="Planned then or later: a time in UTC, or 2h, 7d ago."),
]
Until = Annotated[
    datetime | None, typer.Option("--until", parser=moment, metavar="TIME", help="Planned before that time.")
]
OfAccount = Annotated[
    str | None, typer.Option("--account", help="About this account: name@host, or its ActivityPub address.")
]
InCommunity = Annotated[
    str | None, typer.Option("--community", help="In this community: name@host, or its ActivityPub address.")
]


def held_filter(
    *,
    case: int | None,
    rule: str | None,
    kind: str | None,
    reason: HoldReason | None,
    score_at_least: float | None,
    score_below: float | None,
    since: datetime | None,
    until: datetime | None,
    account: str | None,
    community: str | None,
) -> Filter:
    """Held intents, narrowed down by what was given."""
    return Filter(
        states=(IntentState.HELD,),
        case=case,
        rule=rule,
        kind=kind,
        reason=reason,
        score_at_least=score_at_least,
        score_below=score_below,
        since=since,
        until=until,
        account=account,
        community=community,
    )


def narrows(which: Filter) -> bool:
    """Whether anything was given at all."""
    return which != Filter(states=which.states)
