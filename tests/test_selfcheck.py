"""The bot's own accounts are looked at when it starts, and what is wrong is where an operator looks."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

import making
from bot.domain.errors import NotLoggedInError, NotPermittedError
from bot.ledger import open_ledger
from bot.ports import CheckResult
from bot.selfcheck import FLAG, SelfCheck
from test_daemon import World, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from bot.daemon import Daemon
    from bot.domain.errors import PlatformError
    from bot.ledger import SqlLedger

FINE = CheckResult(what="admin", ok=True, detail="is one")
BLOCKS = CheckResult(what="blocks", ok=False, detail="blocks somebody", remedy="lift them")


class Account:
    def __init__(self, *found: CheckResult | Exception) -> None:
        self.found = found
        self.mended: list[bool] = []

    def look(self, *, mend: bool) -> Sequence[CheckResult]:
        self.mended.append(mend)
        for one in self.found:
            if isinstance(one, Exception):
                raise one
        return [one for one in self.found if isinstance(one, CheckResult)]


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    one = open_ledger("sqlite://", clock=making.StillClock())
    yield one
    one.close()


def test_what_is_wrong_is_told_until_it_is_not(ledger: SqlLedger) -> None:
    account = Account(FINE, BLOCKS)
    check = SelfCheck({"here": account}, ledger, making.StillClock())
    assert check.out() == {}
    check.look(mend=True)
    assert check.out() == {"here": ["blocks"]}
    told = json.loads(ledger.flag(f"{FLAG}here") or "")
    assert told["at"] == making.NOW.isoformat(timespec="seconds")
    assert told["found"]["blocks"] == {"ok": False, "detail": "blocks somebody", "remedy": "lift them"}
    account.found = (FINE,)
    check.look(mend=False)
    assert check.out() == {}
    assert account.mended == [True, False]


def test_fault_of_our_own_keeps_no_other_account_from_being_looked_at(ledger: SqlLedger) -> None:
    check = SelfCheck({"a": Account(KeyError("x")), "b": Account(BLOCKS)}, ledger, making.StillClock())
    check.look(mend=True)
    assert check.out() == {"a": ["account"], "b": ["blocks"]}


def test_what_is_wrong_and_what_a_server_refuses_wait_for_no_hour(ledger: SqlLedger) -> None:
    account, clock = Account(FINE), making.StillClock()
    check = SelfCheck({"here": account}, ledger, clock)
    check.look(mend=True)
    assert not check.due()
    check.doubt()
    assert not check.due(), "not with every refusal"
    clock.pass_(minutes=5)
    assert check.due()
    account.found = (BLOCKS,)
    check.look(mend=True)
    assert not check.due()
    clock.pass_(minutes=5)
    assert check.due()
    account.found = (FINE,)
    check.look(mend=True)
    clock.pass_(minutes=5)
    assert not check.due()


@asynccontextmanager
async def running(world: World, account: Account) -> AsyncIterator[Daemon]:
    """A daemon that looks after this account; it has stopped afterwards."""
    daemon = world.daemon(accounts=SelfCheck({"here": account}, world.ledger, world.clock))
    task = asyncio.create_task(daemon.run())
    yield daemon
    daemon.stop()
    await asyncio.wait_for(task, 60)
    daemon.threads.leave()


@pytest.mark.parametrize("error", [NotPermittedError("no admin"), NotLoggedInError("no token")])
def test_account_that_a_feed_is_refused_for_is_looked_at(monkeypatch: pytest.MonkeyPatch, error: PlatformError) -> None:
    monkeypatch.setattr("bot.daemon.KEEP_EVERY", 0.05)
    world = World()
    account = Account(FINE)

    async def run() -> None:
        async with running(world, account) as daemon:
            await until(lambda: account.mended == [True])
            monkeypatch.setattr(world.feed, "poll", Mock(side_effect=error))
            await daemon.visit(world.feed)  # type: ignore[arg-type]
            world.clock.pass_(minutes=5)
            await until(lambda: account.mended == [True, True])

    asyncio.run(run())
    world.close()


def test_daemon_looks_when_it_starts_and_mends_because_it_acts() -> None:
    world = World()
    account = Account(FINE)

    async def run() -> None:
        async with running(world, account):
            await until(lambda: world.ledger.flag(f"{FLAG}here") is not None)

    asyncio.run(run())
    assert account.mended == [True]
    world.close()


def test_daemon_looks_again_once_it_is_the_one_that_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.daemon.KEEP_EVERY", 0.05)
    world = World()
    dead = world.ledger.acquire("elsewhere/1/1", seconds=90)
    assert dead is not None
    account = Account(FINE)

    async def run() -> None:
        async with running(world, account):
            await until(lambda: account.mended == [False])
            world.ledger.release(dead)
            await until(lambda: account.mended == [False, True])

    asyncio.run(run())
    world.close()
