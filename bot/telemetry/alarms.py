"""What about the bot itself is not as it has to be, silence among it. Pure: facts in, alarms out.

An alarm's text goes to mail servers and chats, so it is made of ids, numbers, times and fixed words: an error's own
message may name a file, and stays in the log and in ``fediwarden status``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.telemetry.words import moment, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.ports import CheckResult, Feed, Stop, Trip

STATUS = "`fediwarden status` says more"

POLLS = 3
"""A source counts as stopped only after it missed so many polls, however rare they are."""

RARELY = timedelta(minutes=10)
"""The shortest patience with a source that keeps a slower pace of its own."""

UNUSUAL = 10
"""A source is silent when nothing came for so many times as long as usual."""

GIVEN_UP = 10
"""Files given up within the window of ``Sensitivity`` that make an alarm."""

JUMP = timedelta(seconds=60)
"""Between two looks, the clock may gain or lose so much: more was a jump, or a machine that stood still."""

REMEMBERED = timedelta(hours=1)
"""How long a jump of the clock is news."""

QUARTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """From when on something is worth waking somebody."""

    poll_every: timedelta
    unread: timedelta  # a source without a successful poll
    silence: timedelta  # a source that is read and brings nothing new; longer where that is usual
    queue: int  # files that wait, while their number only grows
    window: timedelta  # over which it has to grow
    wait: timedelta  # that a new file may wait until somebody looks at it
    disk_free: int  # bytes
    repeat: timedelta  # an alarm that stays is told again


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many files waited at one moment, those left aside that were there before the bot."""

    at: datetime
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that alarms are made of."""

    now: datetime
    started_at: datetime  # of this process
    sources: Sequence[str]  # that are configured
    feeds: Sequence[Feed]
    samples: Sequence[Sample] = ()  # oldest first, the present one last
    untried_since: datetime | None = None  # the oldest new file that nobody has looked at yet
    given_up: int = 0  # files parked within the window
    detectors_out: Mapping[str, int] = field(default_factory=dict)  # id -> files that wait for it
    eyes: Sequence[CheckResult] = ()  # what the last look at decoder and detectors said
    pushes_out: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)  # name -> since when, and why
    accounts_out: Mapping[str, Sequence[str]] = field(default_factory=dict)  # instance -> what is wrong with ours there
    rare: frozenset[str] = frozenset()  # sources that may bring nothing for months
    lists_out: Sequence[str] = ()  # ids of lists whose file cannot be read
    stop: Stop | None = None
    trips: Sequence[Trip] = ()
    acts: bool = True  # whether anybody holds the lease
    left_in_caches: Sequence[int] = ()  # cases with a purged file that caches may go on showing
    disk_free: int | None = None  # bytes; None: not known
    jumped: timedelta = timedelta(0)  # by how much the clock jumped lately
    jumped_at: datetime | None = None
    channels_out: Sequence[str] = ()  # channels that could not deliver


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """``key`` stays the same while it lasts; ``text`` says what is so; ``remedy`` what to do next."""

    key: str
    text: str
    remedy: str = STATUS


def alarms(state: State, limits: Sensitivity) -> Sequence[Alarm]:
    """Everything that is wrong now."""
    return [
        *_feeds(state, limits),
        *_pushes(state, limits),
        *_accounts(state),
        *_queue(state, limits),
        *_eyes(state),
        *_brakes(state),
        *_surroundings(state, limits),
    ]


def unread_after(limits: Sensitivity, *, rare: bool = False) -> timedelta:
    """How long a source may go without a successful poll. ``rare``: one that is not asked at each poll."""
    return max(limits.unread, POLLS * limits.poll_every, RARELY if rare else timedelta(0))


def _feeds(state: State, limits: Sensitivity) -> Iterator[Alarm]:
    known = {feed.name: feed for feed in state.feeds}
    patience = unread_after(limits)
    if state.now - state.started_at < patience:
        return  # what the last run left behind says nothing of this one
    for name in state.sources:
        feed = known.get(name)
        if feed is None or state.now - feed.read_at > unread_after(limits, rare=name in state.rare):
            since = "at all" if feed is None else f"since {moment(feed.read_at)}"
            yield Alarm(key=f"feed/{name}", text=f"The feed {name} could not be read {since}.")
            continue
        usual = feed.usual_gap or timedelta(0)
        if name not in state.rare and state.now - feed.news_at > max(limits.silence, UNUSUAL * usual):
            often = f"; usually something comes every {span(usual)}" if usual else ""
            yield Alarm(
                key=f"silence/{name}",
                text=f"The feed {name} is read and has brought nothing new since {moment(feed.news_at)}{often}.",
                remedy="look whether the server works, and run `fediwarden check`",
            )


def _pushes(state: State, limits: Sensitivity) -> Iterator[Alarm]:
    for name, (since, why) in sorted(state.pushes_out.items()):
        if state.now - since > limits.unread:
            yield Alarm(
                key=f"push/{name}",
                text=f"What the server sends by {name} does not come in since {moment(since)}: {why}.",
                remedy="run `fediwarden check`; what is polled is still read",
            )


def _accounts(state: State) -> Iterator[Alarm]:
    for instance, wrong in sorted(state.accounts_out.items()):
        yield Alarm(
            key=f"account/{instance}",
            text=f"The bot's account on {instance} is not as it has to be ({', '.join(wrong)}): it may miss things, or "
            "not be allowed to act.",
            remedy=f"run `fediwarden check`; {STATUS}",
        )


def _queue(state: State, limits: Sensitivity) -> Iterator[Alarm]:
    if state.samples and _only_grows(state.samples, limits.window) and state.samples[-1].waiting > limits.queue:
        first, last = state.samples[0], state.samples[-1]
        yield Alarm(
            key="queue",
            text=f"The queue only grows: {last.waiting} files wait, and {span(last.at - first.at)} ago "
            f"{first.waiting} did.",
            remedy="more `tasks_at_once`, a faster machine, or wait for the end of a flood; " + STATUS,
        )
    if state.untried_since is not None and state.now - state.untried_since > limits.wait:
        yield Alarm(
            key="wait",
            text=f"A new file has waited {span(state.now - state.untried_since)} for a first look.",
        )
    if state.given_up >= GIVEN_UP:
        yield Alarm(
            key="given-up",
            text=f"{state.given_up} files were given up as unscannable within {span(limits.window)}.",
        )


def _only_grows(samples: Sequence[Sample], window: timedelta) -> bool:
    """Even its low tides rise, quarter by quarter of the whole window."""
    end = samples[-1].at
    if end - samples[0].at < window * (1 - 1 / (2 * QUARTERS)):
        return False
    lows = []
    for quarter in range(QUARTERS):
        low, high = end - window * (QUARTERS - quarter) / QUARTERS, end - window * (QUARTERS - quarter - 1) / QUARTERS
        inside = [sample.waiting for sample in samples if low < sample.at <= high]
        if not inside:
            return False
        lows.append(min(inside))
    return all(earlier < later for earlier, later in pairwise(lows))


def _eyes(state: State) -> Iterator[Alarm]:
    down = {look.what: look for look in state.eyes if not look.ok}
    for detector, files in sorted(state.detectors_out.items()):
        down.pop(f"detector {detector}", None)
        yield Alarm(key=f"detector/{detector}", text=f"The detector {detector} is down: {files} files wait for it.")
    for what in sorted(down):
        kind, _, id_ = what.rpartition(" ")
        key = f"{kind}/{id_}" if kind == "detector" else what.replace(" ", "-")
        yield Alarm(key=key, text=f"The {what} does not work.", remedy="run `fediwarden check`")
    for list_id in sorted(state.lists_out):
        yield Alarm(
            key=f"list/{list_id}",
            text=f"The file of the list {list_id} cannot be read; its old entries stay in force.",
            remedy="run `fediwarden check`",
        )


def _brakes(state: State) -> Iterator[Alarm]:
    for trip in state.trips:
        yield Alarm(
            key=f"breaker/{trip.rule_id}",
            text=f"The rule {trip.rule_id} flagged {trip.flagged} of {trip.scanned} files, far more than expected: "
            "what it wants on scores and near matches is held.",
            remedy=f"look at `fediwarden held --rule {trip.rule_id}`, mend the rule, then `fediwarden breaker reset "
            f"{trip.rule_id}`",
        )
    if state.stop is not None:
        yield Alarm(
            key="stopped",
            text=f"Acting is stopped since {moment(state.stop.at)}: everything is held.",
            remedy="`fediwarden start-acting` goes on",
        )
    if not state.acts:
        yield Alarm(
            key="nobody-acts",
            text="Nobody acts: no process has the right to carry out deeds.",
            remedy="`fediwarden status` says who acts, the log of `fediwarden run` why nobody does",
        )


def _surroundings(state: State, limits: Sensitivity) -> Iterator[Alarm]:
    if state.left_in_caches:
        numbers = ", ".join(str(number) for number in state.left_in_caches[:20])
        yield Alarm(
            key="still-served",
            text=f"Purged files are still served by a cache, or the command after a purge failed (cases: {numbers}).",
            remedy="clear the cache in front of your server, and look at `after_purge`; `fediwarden case NUMBER` says "
            "more",
        )
    if state.disk_free is not None and state.disk_free < limits.disk_free:
        yield Alarm(
            key="disk",
            text=f"The disk of the ledger is nearly full: {state.disk_free // 2**20} MiB are free.",
            remedy="make room; when it is full the bot can write nothing down, and then it does nothing",
        )
    if state.jumped_at is not None and abs(state.jumped) > JUMP and state.now - state.jumped_at < REMEMBERED:
        way = "forward" if state.jumped > timedelta(0) else "back"
        yield Alarm(
            key="clock",
            text=f"The clock jumped {way} by {span(abs(state.jumped))}, or this machine stood still.",
            remedy="see that the machine keeps its time (NTP)",
        )
    for channel in sorted(state.channels_out):
        yield Alarm(
            key=f"channel/{channel}",
            text=f"The channel {channel} does not deliver messages.",
            remedy=f"`fediwarden notify test {channel}` says why",
        )
