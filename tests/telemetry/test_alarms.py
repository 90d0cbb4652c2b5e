"""From when on something is an alarm; and that each is told once, again after long, and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.ports import CheckResult, Feed, Stop, Trip
from bot.telemetry import Sensitivity, State, alarms
from bot.telemetry.alarm_book import changes
from bot.telemetry.alarms import Alarm, Sample
from bot.telemetry.health import unready
from making import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.telemetry import Raised

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = Sensitivity(
    poll_every=timedelta(seconds=15),
    unread=10 * MINUTE,
    silence=DAY,
    queue=500,
    window=30 * MINUTE,
    wait=15 * MINUTE,
    disk_free=2**30,
    repeat=6 * HOUR,
)


def feed(read: timedelta = timedelta(0), news: timedelta = timedelta(0), usual: timedelta | None = None) -> Feed:
    return Feed(name="here/posts", read_at=NOW - read, news_at=NOW - news, usual_gap=usual)


def state(**more: Any) -> State:
    given: dict[str, Any] = {
        "now": NOW,
        "started_at": NOW - 10 * DAY,
        "sources": ["here/posts"],
        "feeds": [feed()],
    }
    return State(**{**given, **more})


def keys(limits: Sensitivity = LIMITS, **more: Any) -> list[str]:
    return [alarm.key for alarm in alarms(state(**more), limits)]


def test_all_is_well() -> None:
    assert keys() == []
    assert list(unready(state(), LIMITS, looked=True)) == []


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (feed(read=9 * MINUTE), []),
        (feed(read=11 * MINUTE), ["feed/here/posts"]),
        (feed(news=23 * HOUR), []),
        (feed(news=25 * HOUR), ["silence/here/posts"]),
        (feed(news=9 * DAY, usual=DAY), []),  # rare things are no silence
        (feed(news=11 * DAY, usual=DAY), ["silence/here/posts"]),
        (feed(read=2 * DAY, news=2 * DAY), ["feed/here/posts"]),  # it cannot bring news while it is not read
    ],
)
def test_feed_that_stopped_moving(one: Feed, found: list[str]) -> None:
    assert keys(feeds=[one]) == found


def test_feed_gets_its_time_after_a_start_and_readiness_does_not_wait() -> None:
    old = {"feeds": [feed(read=DAY)], "started_at": NOW - MINUTE}
    assert keys(**old) == []
    (reason,) = unready(state(**old), LIMITS, looked=True)
    assert "here/posts" in reason
    assert keys(feeds=[]) == ["feed/here/posts"]
    assert len(list(unready(state(feeds=[]), LIMITS, looked=False))) == 2


def samples(*waiting: int) -> list[Sample]:
    step = 30 * MINUTE / (len(waiting) - 1)
    return [Sample(at=NOW - step * (len(waiting) - 1 - number), waiting=one) for number, one in enumerate(waiting)]


@pytest.mark.parametrize(
    ("sizes", "grows"),
    [
        (range(0, 1300, 100), True),
        ([0, 400, 300, 500, 450, 700, 600, 900, 850, 1200, 1100, 1400, 1300], True),  # in waves, and never down
        (range(0, 130, 10), False),  # few
        ([1300 - 100 * number for number in range(13)], False),
        ([600] * 13, False),
        ([0, 900, 0, 900, 0, 900, 0, 900, 0, 900, 0, 900, 900], False),
    ],
)
def test_queue_that_only_grows(sizes: Any, grows: bool) -> None:
    assert keys(samples=samples(*sizes)) == (["queue"] if grows else [])


def test_queue_has_to_grow_for_the_whole_window() -> None:
    assert keys(samples=samples(*range(0, 1300, 100))[4:]) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"untried_since": NOW - 14 * MINUTE}, []),
        ({"untried_since": NOW - 16 * MINUTE}, ["wait"]),
        ({"given_up": 9}, []),
        ({"given_up": 10}, ["given-up"]),
        ({"detectors_out": {"nsfw": 3}}, ["detector/nsfw"]),
        ({"lists_out": ["known"]}, ["list/known"]),
        ({"trips": [Trip(rule_id="low", at=NOW, flagged=40, scanned=100)]}, ["breaker/low"]),
        ({"stop": Stop(at=NOW, by="alice", why="at her wits' end")}, ["stopped"]),
        ({"acts": False}, ["nobody-acts"]),
        ({"left_in_caches": [3, 9]}, ["still-served"]),
        ({"disk_free": 2**30}, []),
        ({"disk_free": 2**30 - 1}, ["disk"]),
        ({"disk_free": None}, []),
        ({"jumped": timedelta(hours=-1), "jumped_at": NOW}, ["clock"]),
        ({"jumped": 59 * timedelta(seconds=1), "jumped_at": NOW}, []),
        ({"jumped": HOUR, "jumped_at": NOW - 2 * HOUR}, []),
        ({"channels_out": ["chat"]}, ["channel/chat"]),
        ({"accounts_out": {"here": ["admin", "blocks"]}}, ["account/here"]),
        ({"feeds": [feed(news=9 * DAY)], "rare": frozenset({"here/posts"})}, []),
        ({"feeds": [feed(read=9 * DAY)], "rare": frozenset({"here/posts"})}, ["feed/here/posts"]),
    ],
)
def test_what_else_is_an_alarm(more: dict[str, Any], found: list[str]) -> None:
    assert keys(**more) == found


def test_eyes_that_do_not_see_are_one_alarm_and_no_readiness() -> None:
    down = [
        CheckResult(what="decode worker", ok=False, detail="killed by signal 9"),
        CheckResult(what="detector nsfw", ok=False, detail="unavailable"),
        CheckResult(what="detector other", ok=True, detail="fine"),
    ]
    assert keys(eyes=down, detectors_out={"nsfw": 2}) == ["detector/nsfw", "decode-worker"]
    reasons = list(unready(state(eyes=down), LIMITS, looked=True))
    assert reasons == ["the decode worker does not work", "the detector nsfw does not work"]


def test_alarm_repeats_nothing_that_somebody_wrote() -> None:
    stop = Stop(at=NOW, by="alice@here.example", why="see https://here.example/pictrs/image/a.png")
    (alarm,) = alarms(state(stop=stop), LIMITS)
    assert "alice" not in alarm.text
    assert "http" not in alarm.text + alarm.remedy
    eyes = [CheckResult(what="decode worker", ok=False, detail="a.png")]
    (alarm,) = alarms(state(eyes=eyes), LIMITS)
    assert "a.png" not in alarm.text + alarm.remedy


class Book:
    """Looks in a row, with what was told at each."""

    def __init__(self) -> None:
        self.known: Mapping[str, Raised] = {}
        self.now = NOW

    def look(self, *found: str, after: timedelta = MINUTE) -> list[str]:
        self.now += after
        told, stands = changes(
            self.known, [Alarm(key=key, text=f"{key}!") for key in found], now=self.now, repeat=6 * HOUR
        )
        self.known = {key: raised for key, raised in stands.items() if raised is not None}
        return [f"{change.what} {change.alarm.key}" for change in told]

    def since(self, key: str) -> datetime:
        return self.known[key].since


def test_alarm_is_told_once_again_after_long_and_taken_back() -> None:
    book = Book()
    assert book.look("disk") == ["raised disk"]
    began = book.since("disk")
    assert book.look("disk", after=5 * HOUR) == []
    assert book.look("disk", "clock", after=HOUR) == ["repeated disk", "raised clock"]
    assert book.look("disk") == []
    assert book.look("disk") == ["cleared clock"]
    assert book.since("disk") == began
    assert book.look() == []
    assert book.look() == ["cleared disk"]
    assert book.look() == []
    assert book.look("disk") == ["raised disk"]


def test_alarm_that_comes_and_goes_is_one() -> None:
    book = Book()
    assert book.look("disk") == ["raised disk"]
    for _ in range(10):
        assert book.look() == []
        assert book.look("disk") == []
