"""Which alarms are on: told once, told again at long intervals, and taken back when all is clear."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from bot.ports import Control
    from bot.telemetry.alarms import Alarm

log = structlog.get_logger(__name__)

FLAG = "alarm/"
CALM = 2
"""Looks in a row that have to find nothing before an alarm is over: what comes and goes is one alarm, not many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alarm that is on."""

    key: str
    text: str
    remedy: str
    since: datetime
    told_at: datetime
    calm: int  # looks in a row that did not find it


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something to tell. ``what``: it began, it goes on, or it is over."""

    what: Literal["raised", "repeated", "cleared"]
    alarm: Raised


def changes(
    known: Mapping[str, Raised], found: Iterable[Alarm], *, now: datetime, repeat: timedelta
) -> tuple[Sequence[Change], Mapping[str, Raised | None]]:
    """What is to be told, and how each alarm stands from now on (``None``: it is over). Pure."""
    told: list[Change] = []
    stands: dict[str, Raised | None] = {}
    wrong = {alarm.key: alarm for alarm in found}
    for key, alarm in wrong.items():
        before = known.get(key)
        due = before is None or now - before.told_at >= repeat
        raised = Raised(
            key=key,
            text=alarm.text,
            remedy=alarm.remedy,
            since=before.since if before is not None else now,
            told_at=now if before is None or due else before.told_at,
            calm=0,
        )
        stands[key] = raised
        if due:
            told.append(Change(what="raised" if before is None else "repeated", alarm=raised))
    for key, before in known.items():
        if key in wrong:
            continue
        if before.calm + 1 < CALM:
            stands[key] = Raised(
                key=key,
                text=before.text,
                remedy=before.remedy,
                since=before.since,
                told_at=before.told_at,
                calm=before.calm + 1,
            )
        else:
            stands[key] = None
            told.append(Change(what="cleared", alarm=before))
    return told, stands


class AlarmBook:
    """Keeps the alarms that are on where a restart finds them."""

    def __init__(self, control: Control, *, repeat: timedelta) -> None:
        """``repeat``: how long an alarm that stays is not told again."""
        self._control = control
        self._repeat = repeat

    def note(self, found: Iterable[Alarm], *, now: datetime, tell: Callable[[Change], None]) -> Sequence[Raised]:
        """Compare with what was on before; ``tell`` of every change, and write down how it stands. What is on now.

        A change is told before it is written down: told twice after a crash, rather than not at all.
        """
        known = {raised.key: raised for raised in raised_alarms(self._control)}
        told, stands = changes(known, found, now=now, repeat=self._repeat)
        for change in told:
            _log(change)
            tell(change)
        for key, raised in stands.items():
            if raised != known.get(key):
                self._control.set_flag(FLAG + key, None if raised is None else _written(raised))
        return [raised for _, raised in sorted(stands.items()) if raised is not None]


def raised_alarms(control: Control) -> Sequence[Raised]:
    """The alarms that are on, by key."""
    found = [(key.removeprefix(FLAG), control.flag(key)) for key in control.flags(FLAG)]
    return [_read(key, value) for key, value in found if value is not None]


def _log(change: Change) -> None:
    if change.what == "cleared":
        log.info("all clear", alarm=change.alarm.key, since=change.alarm.since.isoformat(timespec="seconds"))
    else:
        log.warning("alarm", alarm=change.alarm.key, text=change.alarm.text, remedy=change.alarm.remedy)


def _written(raised: Raised) -> str:
    return json.dumps(
        {
            "text": raised.text,
            "remedy": raised.remedy,
            "since": raised.since.isoformat(),
            "told_at": raised.told_at.isoformat(),
            "calm": raised.calm,
        }
    )


def _read(key: str, value: str) -> Raised:
    told = json.loads(value)
    return Raised(
        key=key,
        text=told["text"],
        remedy=told["remedy"],
        since=datetime.fromisoformat(told["since"]),
        told_at=datetime.fromisoformat(told["told_at"]),
        calm=told["calm"],
    )
