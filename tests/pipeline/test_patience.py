"""Files that cannot be had for a while, and servers that are away for longer than that."""

from __future__ import annotations

import hashlib

import pytest

import making
from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting
from bot.domain.errors import BadAnswerError, NotLoggedInError, RejectedError, UnreachableError
from bot.domain.evidence import Evidence, Unscannable, UnscannableKind
from bot.pipeline.patience import TRIES
from bot.ports import Batch, Lane, TaskKind

from .test_examine import BAD, OTHER, World

FAR = RemoteUrl(value="https://far.example/a.png")
DAY, WEEK = 24, 7 * 24  # hours


@pytest.fixture
def world():
    return World()


def away(world, code=502):
    return Unscannable(kind=UnscannableKind.UNREACHABLE, detail=f"HTTP {code}", retry_at=world.clock.now())


def gone():
    return Unscannable(kind=UnscannableKind.GONE, detail="HTTP 404")


def see(world, what, *, far, backlog=False):
    """One picture in a post, ours or another server's; returns its address."""
    name = FAR if far else making.alias()
    url = FAR.value if far else making.address(name)
    world.files[url] = what
    media = MediaRef(url=url, role=Role.ATTACHMENT)
    seen = Sighting(subject=making.post(), media=media, name=name, seen_at=world.clock.now(), backlog=backlog)
    world.ledger.record("here/posts", Batch(sightings=[seen]), examine_uploads=False)
    return url


def live(world, *, hours=0, minutes=0):
    """Every minute of an hour, then every hour."""
    for _ in range(minutes or min(60, 60 * hours)):
        world.run_tasks()
        world.clock.pass_(minutes=1)
    for _ in range(max(0, hours - 1)):
        world.run_tasks()
        world.clock.pass_(hours=1)


def _examine(name):
    return TaskKind.EXAMINE, [str(name)], Lane.NEW


def looked_at(world, data=BAD):
    file = world.ledger.file_by_sha256(hashlib.sha256(data).hexdigest())
    return file is not None and isinstance(file.scan, Evidence)


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("before", [0, 20, 200])
def test_picture_that_was_not_there_for_a_minute_is_looked_at(world, far, before):
    url = see(world, away(world), far=far)
    live(world, minutes=before)
    world.files[url] = gone()
    world.clock.pass_(hours=1)
    live(world, minutes=1)
    assert world.ledger.troubles() == []
    world.files[url] = BAD
    live(world, hours=DAY)
    assert looked_at(world)


@pytest.mark.parametrize("far", [False, True])
def test_picture_that_is_gone_is_asked_for_a_day_and_then_no_more(world, far):
    see(world, gone(), far=far)
    live(world, hours=3)
    assert world.ledger.backlog_size() == {"absent/examine": 1}
    assert world.ledger.troubles() == []
    (queue,) = world.ledger.queues()
    assert not queue.is_open, "it alarms nobody"
    live(world, hours=2 * DAY)
    assert world.ledger.backlog_size() == {}
    assert 5 < world.fetches < 12


def test_old_picture_of_another_server_is_gone_at_once(world):
    see(world, gone(), far=True, backlog=True)
    live(world, minutes=1)
    assert (world.fetches, world.ledger.backlog_size()) == (1, {})


def test_picture_that_was_looked_at_and_is_gone_is_asked_for_no_more(world):
    url = see(world, OTHER, far=True)
    live(world, minutes=1)
    world.files[url] = gone()
    see(world, gone(), far=True)
    world.ledger.enqueue_all(*_examine(FAR))
    live(world, minutes=1)
    assert world.ledger.backlog_size() == {}


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("hours", [2, 2 * DAY])
def test_picture_of_a_server_that_is_away_for_long_is_looked_at(world, far, hours):
    url = see(world, away(world), far=far)
    live(world, hours=hours)
    assert world.ledger.troubles()[0].again_at is not None
    world.files[url] = BAD
    world.fetches = 0
    live(world, hours=7 if far else 2)
    assert looked_at(world)
    assert world.fetches == 1


@pytest.mark.parametrize(
    ("far", "backlog", "lasts", "fetches"),
    [(True, True, 1, 15), (True, False, WEEK, 60), (False, True, WEEK, 60), (False, False, WEEK, 190)],
)
def test_server_that_stays_away_is_given_up_one_day(world, far, backlog, lasts, fetches):
    see(world, away(world), far=far, backlog=backlog)
    live(world, hours=lasts)
    assert world.ledger.backlog_size() == {"waiting/examine": 1}
    live(world, hours=7)
    assert world.ledger.backlog_size() == {"parked/examine": 1}
    assert world.fetches < fetches


def test_what_fails_for_another_reason_after_an_outage_is_tried_again(world):
    url = see(world, away(world), far=False)
    live(world, hours=DAY)
    del world.files[url]  # the fetcher itself breaks
    world.clock.pass_(hours=3)
    live(world, minutes=1)
    (trouble,) = world.ledger.troubles()
    assert "KeyError" in trouble.reason
    assert trouble.again_at is not None


@pytest.mark.parametrize(
    "trouble",
    [
        UnreachableError("the server is down", sent=False),
        BadAnswerError("a page of maintenance"),
        NotLoggedInError("the token was refused"),
    ],
)
@pytest.mark.parametrize("hours", [1, 2, DAY])
def test_purge_follows_when_the_platform_is_back(world, trouble, hours):
    world.uploads[making.alias()] = making.upload()
    world.trouble = trouble
    world.see(BAD)
    live(world, hours=hours)
    assert "purge_file" not in {kind for kind, _ in world.intents()}
    world.trouble = None
    live(world, hours=2)
    assert "purge_file" in {kind for kind, _ in world.intents()}


def test_what_the_platform_refuses_is_given_up_as_before(world):
    world.trouble = RejectedError("no such thing")
    world.see(BAD)
    for _ in range(TRIES):
        world.run_tasks()
        world.clock.pass_(hours=2)
    assert world.ledger.backlog_size()["parked/examine"] == 1


def test_given_up_file_that_is_shown_again_starts_anew(world):
    url = see(world, away(world), far=True, backlog=True)
    live(world, hours=4)
    world.ledger.enqueue_all(*_examine(FAR))
    live(world, minutes=1)
    world.files[url] = BAD
    live(world, minutes=1)
    assert looked_at(world)
