"""Turns what is in the ledger, and nobody's deed, into notes: intents that were held, alarms, the daily digest."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.ports import NewNote, Topic
from bot.telemetry import raised_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.ports import Channel, Clock, Ledger
    from bot.telemetry import Change

HELD, DIGEST = "told/held", "told/digest"
"""Flags: up to when held intents were told, and what the last digest said."""

OVERLAP = timedelta(minutes=2)
"""How far back is looked once more: a transaction may end that long after the moment it wrote down."""

EVERY = timedelta(days=1)


class News:
    """Leaves notes for the channels that want them, each once."""

    def __init__(self, ledger: Ledger, channels: Sequence[Channel], clock: Clock) -> None:
        """``channels``: all that are configured."""
        self._ledger = ledger
        self._channels = channels
        self._clock = clock
        self._told: set[str] = set()  # what the last look found, so that the overlap costs nothing

    def gather(self) -> None:
        """What came since the last look. Raises ``LedgerError``."""
        self._held()
        self._digest()

    def tell(self, change: Change) -> None:
        """An alarm began, goes on, or is over. Raises ``LedgerError``."""
        alarm = change.alarm
        payload = {
            "key": alarm.key,
            "what": change.what,
            "text": alarm.text,
            "remedy": alarm.remedy,
            "since": alarm.since.isoformat(),
        }
        self._ledger.post(
            self._notes(Topic.ALARMS, f"alarm/{alarm.key}/{alarm.since}/{change.what}/{alarm.told_at}", payload)
        )

    def _held(self) -> None:
        if not self._wanted(Topic.HELD):
            return
        now = self._clock.now()
        last = json.loads(self._ledger.flag(HELD) or "null")
        if last is None:
            # What was held before the first look nobody asked to be told of.
            last = {"first": now.isoformat(), "at": now.isoformat()}
        first, at = datetime.fromisoformat(last["first"]), datetime.fromisoformat(last["at"])
        told: set[str] = set()
        new: list[NewNote] = []
        for one in self._ledger.held_since(max(first, at - OVERLAP)):
            key = f"held/{one.intent}/{one.at}"
            told.add(key)
            if key in self._told or one.at <= first:
                continue
            payload = {
                "case": one.case,
                "deed": one.kind,
                "rule": one.rule_id,
                "reasons": [reason.value for reason in one.reasons],
            }
            new += self._notes(Topic.HELD, key, payload)
        self._ledger.post(new)
        self._told = told
        self._ledger.set_flag(HELD, json.dumps({**last, "at": now.isoformat()}))

    def _digest(self) -> None:
        if not self._wanted(Topic.DIGEST):
            return
        now = self._clock.now()
        last = self._ledger.flag(DIGEST)
        told = json.loads(last) if last is not None else None
        if told is not None and now - datetime.fromisoformat(told["at"]) < EVERY:
            return
        counts = dict(self._ledger.counts())
        if told is not None:
            payload = {
                "since": told["at"],
                "counts": {word: number - int(told["counts"].get(word, 0)) for word, number in counts.items()},
                "waiting": counts["waiting"],
                "alarms": len(raised_alarms(self._ledger)),
            }
            self._ledger.post(self._notes(Topic.DIGEST, f"digest/{told['at']}", payload))
        self._ledger.set_flag(DIGEST, json.dumps({"at": now.isoformat(), "counts": counts}))

    def _wanted(self, topic: Topic) -> bool:
        return any(topic in channel.about for channel in self._channels)

    def _notes(self, topic: Topic, key: str, payload: Mapping[str, object]) -> list[NewNote]:
        wanting = [channel.id for channel in self._channels if topic in channel.about]
        return [NewNote(channel=channel, topic=topic, key=key, payload=payload) for channel in wanting]
