"""Protocols towards the operators: what they are told, by which channel, and what waits to be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from bot.ports.platform import CheckResult


class Topic(StrEnum):
    """What a channel may want to hear of, the most urgent first."""

    ALARMS = "alarms"  # something about the bot itself is not as it has to be, or is so again
    HELD = "held"  # an intent waits for a human
    CASES = "cases"  # a rule with ``notify`` flagged something
    DIGEST = "digest"  # once a day, in numbers: its absence says that the bot is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to be told by one channel, not yet part of a message. ``payload``: JSON values only."""

    id: int
    topic: Topic
    payload: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """One thing to be told. ``key`` is what makes two notes of a channel the same, for ever."""

    channel: str
    topic: Topic
    key: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The oldest notes of a channel."""

    since: datetime
    alarm_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What leaves the house: ids, numbers and fixed words. No picture, no address of one, nothing that a user wrote."""

    id: str  # the same however often it is sent: a receiver tells a repetition by it
    subject: str  # one line
    text: str
    topics: Sequence[str]
    cases: Sequence[int]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that is to be sent, and how that went so far."""

    row: int
    message: Message
    created_at: datetime
    not_before: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How things stand with one channel."""

    notes: int  # that wait to be told
    pending: int  # messages that could not be sent so far
    sent: int  # messages, as far back as they are kept
    lost: int  # messages that were given up
    last_sent: datetime | None
    trouble: str  # of the newest message, if it was not sent
    failed: int  # how often that was tried so far


class Notifier(Protocol):
    """Carries messages to people. A message may come twice; it never comes with another id."""

    def send(self, message: Message) -> None:
        """Hand it over. Raises ``PlatformError``; ``RejectedError`` where the same message will be refused again."""
        ...

    def check(self) -> CheckResult:
        """Whether it would work, without sending anything. Never raises ``PlatformError``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One configured notifier, and how much it is to be used."""

    id: str
    kind: str
    about: frozenset[Topic]
    batch_every: timedelta  # what happens within it becomes one message
    per_hour: int  # messages
    accounts: bool  # name the accounts that uploaded what was flagged
    notifier: Notifier


class Outbox(Protocol):
    """What waits to be told. A note becomes part of a message once; a message is sent until it has arrived."""

    def post(self, notes: Sequence[NewNote]) -> int:
        """Leave notes, all of them or none; how many are new."""
        ...

    def posted(self, channel: str, key: str) -> bool:
        """Whether this note was left, told or not."""
        ...

    def waiting(self, channel: str) -> Waiting | None:
        """Since when notes wait that are part of no message yet; ``None``: there are none."""
        ...

    def notes(self, channel: str) -> Sequence[Note]:
        """Notes that are part of no message yet, oldest first."""
        ...

    def pack(self, channel: str, message: Message, notes: Sequence[Note], *, fence: int) -> bool:
        """Make notes part of a message that is to be sent, all in one transaction.

        False, and nothing was written, if one of them is part of another message by now. Raises ``LeaseLostError`` if
        ``fence`` is not the newest lease.
        """
        ...

    def pending(self, channel: str) -> Sequence[Delivery]:
        """Messages that were neither sent nor given up, oldest first."""
        ...

    def sent(self, delivery: Delivery) -> None:
        """It has arrived."""
        ...

    def not_sent(self, delivery: Delivery, *, trouble: str, again_at: datetime | None) -> None:
        """It has not; ``again_at is None``: it is given up."""
        ...

    def packed_since(self, channel: str, since: datetime) -> int:
        """Messages that were made since then: what a rate limit counts."""
        ...

    def channel_states(self) -> Mapping[str, ChannelState]:
        """Every channel that was ever used."""
        ...

    def forget_messages(self, before: datetime) -> int:
        """Erase what was sent or given up before then; how many rows."""
        ...
