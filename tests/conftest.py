"""What holds for every test."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.clock import SystemClock
from bot.ledger import open_ledger, store
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.ledger import SqlLedger
    from bot.ledger.database import Database


# How long an example takes, the machine says: this one may be very busy.
settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

PROCESSES = ("acceptance/", "badinput/", "crash/", "hostile/test_operators_view.py", "notify/test_front_door.py")
"""Where a bot runs as a process beside a server, and both wait for a machine that may be very busy."""

TOGETHER = ("acceptance/test_plan.py",)
"""Whose tests share a town that takes long to build."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What fails there once is tried a second time; the closing line counts how often that was needed.

    Not what somebody plays in a size of their own: a raid or a soak in full takes hours.
    """
    if {"RAID_POSTS", "SOAK_ITEMS"} & os.environ.keys():
        return
    waiting = [item for item in items if _where(item, config).startswith(PROCESSES)]
    for item in waiting:
        item.add_marker(pytest.mark.flaky(reruns=1))
    if workers := getattr(config, "workerinput", {}).get("workercount"):
        items[:] = _dealt(items, waiting, int(workers), config)


def _where(item: pytest.Item, config: pytest.Config) -> str:
    return item.path.relative_to(config.rootpath / "tests").as_posix()


def _dealt(
    items: list[pytest.Item], waiting: list[pytest.Item], workers: int, config: pytest.Config
) -> list[pytest.Item]:
    """Half of the workers begin with what waits for a bot; meanwhile the others have the processor for the rest.

    At the end they would be alone with it. Every worker is given an equal part of the list, in its order, and those
    that have nothing left take over the end of what others have (``--dist worksteal``).
    """
    hands = max(1, workers // 2)
    decks: list[list[pytest.Item]] = [[] for _ in range(workers)]
    groups = groupby(waiting, lambda item: _where(item, config) if _where(item, config) in TOGETHER else item.nodeid)
    for number, (_, group) in enumerate(groups):
        decks[number % hands] += group
    known = set(waiting)
    rest = [item for item in items if item not in known]
    for number, deck in enumerate(decks):
        left = sum(len(later) for later in decks[number:]) + len(rest)
        share = max(0, left // (workers - number) - len(deck))
        deck.extend(rest[:share])
        del rest[:share]
    return [item for deck in decks for item in deck] + rest


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A command that ran in this process has sent its logs to a stream that is closed: the next test must not."""
    yield
    structlog.reset_defaults()
    for handler in list(logging.root.handlers):
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            logging.root.removeHandler(handler)


_to_newest = store.to_newest


@cache
def _migrated() -> sqlite3.Connection:
    database = store.Database("sqlite://")
    _to_newest(database, SystemClock().now())
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    _sqlite(database).backup(copy)
    database.close()
    return copy


def _sqlite(database: Database) -> sqlite3.Connection:
    with closing(database.engine.raw_connection()) as connection:
        found = connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found  # of a database in memory there is only this one


@pytest.fixture(scope="session", autouse=True)
def tables_at_once() -> Iterator[None]:
    """A new ledger in memory has its tables already: to make them takes longer than most tests that want one.

    What the bot does to bring a ledger up to date goes on from there.
    """

    def prepared(database: Database, now: datetime, **more: Any) -> None:
        if database.where == "ledger in memory":
            _migrated().backup(_sqlite(database))
        _to_newest(database, now, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "to_newest", prepared)
        yield


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still until a test moves it."""
    return StillClock()


@pytest.fixture
def ledger(clock: StillClock) -> Iterator[SqlLedger]:
    """An empty one in memory. Rooms that test it on every database have their own."""
    one = open_ledger("sqlite://", clock=clock)
    yield one
    one.close()
