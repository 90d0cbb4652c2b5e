"""Makes messages of notes and sends them until they arrive.

A message is written down with its id before it is sent for the first time, and whatever happens then it is sent again
under that id: at least once, and a receiver that remembers ids sees it once.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import PlatformError, RateLimitedError, RejectedError
from bot.enforce import back_off
from bot.notify.text import compose

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ports import Channel, Clock, Delivery, Ledger, Waiting

log = structlog.get_logger(__name__)

GATHER = timedelta(seconds=10)
"""How long an alarm waits for others: they seldom come alone."""

HOUR = timedelta(hours=1)
GIVE_UP = timedelta(days=1)
REFUSED = timedelta(hours=1)
"""How long a message is tried that the receiver says it will never take; an operator may mend that meanwhile."""


class Sender:
    """Serves one channel at a time; whoever holds the lease calls it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        """``ledger``: where notes and messages wait."""
        self._ledger = ledger
        self._clock = clock

    def work(self, channel: Channel, fence: int) -> None:
        """Send what is due, once. Blocks for as long as the channel's notifier does.

        While a message has not arrived nothing new is made of what happens since: a receiver that was away for hours
        gets two messages, not hundreds. Raises ``LedgerError``, ``LeaseLostError`` among them.
        """
        pending = self._ledger.pending(channel.id)
        if not pending:
            self._pack(channel, fence)
            pending = self._ledger.pending(channel.id)
        holder = self._ledger.holder()
        if pending and holder is not None and holder.fence == fence:
            self._send(channel, pending[0])

    def _pack(self, channel: Channel, fence: int) -> None:
        now = self._clock.now()
        waiting = self._ledger.waiting(channel.id)
        if waiting is None or not self._due(channel, waiting, now):
            return
        notes = self._ledger.notes(channel.id)
        message = compose(notes, id_=uuid.uuid4().hex, accounts=channel.accounts, now=now)
        self._ledger.pack(channel.id, message, notes, fence=fence)

    def _due(self, channel: Channel, waiting: Waiting, now: datetime) -> bool:
        urgent = waiting.alarm_since
        oldest, wait = (
            (waiting.since, channel.batch_every) if urgent is None else (urgent, min(GATHER, channel.batch_every))
        )
        if oldest <= now < min(oldest + wait, waiting.since + channel.batch_every):
            return False
        # Some of the hour's messages are left to alarms.
        most = channel.per_hour if urgent is not None else max(1, channel.per_hour - channel.per_hour // 4)
        return self._ledger.packed_since(channel.id, now - HOUR) < most

    def _send(self, channel: Channel, delivery: Delivery) -> None:
        if delivery.not_before > self._clock.now():
            return
        try:
            channel.notifier.send(delivery.message)
        except PlatformError as error:
            self._failed(channel, delivery, error)
        else:
            self._ledger.sent(delivery)
            log.info("message sent", channel=channel.id, topics=list(delivery.message.topics))

    def _failed(self, channel: Channel, delivery: Delivery, error: PlatformError) -> None:
        now = self._clock.now()
        wait = timedelta(seconds=back_off(delivery.attempts + 1))
        if isinstance(error, RateLimitedError):
            wait = max(wait, timedelta(seconds=error.retry_after))
        patience = REFUSED if isinstance(error, RejectedError) else GIVE_UP
        given_up = now - delivery.created_at > patience
        log.warning("message not sent", channel=channel.id, error=str(error), given_up=given_up)
        self._ledger.not_sent(delivery, trouble=str(error), again_at=None if given_up else now + wait)
