"""The whole adapter for Mastodon, connected to a sandbox, with a ledger in memory for what is pushed."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lemmy_town import TestClock

from adapters.mastodon.builder import build
from adapters.mastodon.settings import MastodonSettings
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable

    from mastodon_square import Square

    from bot.domain.content import Sighting
    from bot.ports import Batch, Cursor, Instance, Ledger, Push, Source


@dataclass(slots=True, kw_only=True)
class Reading:
    """One instance; its clock runs ahead by what a test wants."""

    instance: Instance
    inbox: Ledger
    clock: TestClock
    settings: MastodonSettings

    def source(self, word: str) -> Source:
        """By the last part of its name: ``local``."""
        return next(one for one in self.instance.sources if one.name == f"main/{word}")

    def push(self, word: str) -> Push:
        return next(one for one in self.instance.pushes if one.name == f"main/{word}")


def connect(
    square: Square,
    *,
    token: str = "bot",  # noqa: S107 - a label
    who: str = "warden",
    start_from: timedelta | None = timedelta(0),
    **changes: Any,
) -> Reading:
    """``token``: label of one that ``who`` has, or one of the test's own."""
    clock = TestClock()
    block = {"id": "main", "url": square.box.url, "token": square.box.people[who].tokens.get(token, token)} | changes
    settings = MastodonSettings.model_validate(block)
    inbox = open_ledger("sqlite://", clock=clock)
    return Reading(instance=build(settings, clock, start_from, inbox), inbox=inbox, clock=clock, settings=settings)


def drained(source: Source, cursor: Cursor | None, *, polls: int = 50) -> tuple[list[Batch], Cursor]:
    """Poll until there is nothing more; every cursor goes through JSON, as in the ledger."""
    batches = []
    for _ in range(polls):
        batch = source.poll(cursor)
        assert batch.cursor is not None
        cursor = json.loads(json.dumps(batch.cursor))
        batches.append(batch)
        if not batch.more:
            return batches, cursor
    raise AssertionError("never done")


def sightings(batches: Iterable[Batch], kind: str = "post") -> list[Sighting]:
    return [one for batch in batches for one in batch.sightings if one.subject.kind == kind]


def seen(batches: Iterable[Batch], kind: str = "post") -> set[str]:
    return {one.subject.local_id for one in sightings(batches, kind)}


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that awaits things."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def until(so: Callable[[], Any], what: str = "it never happened") -> Any:
    """Wait for something, generously."""
    for _ in range(3000):
        if found := await asyncio.to_thread(so):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(what)


@asynccontextmanager
async def running(run: Callable[[], Awaitable[None]]) -> AsyncIterator[asyncio.Future[None]]:
    task = asyncio.ensure_future(run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
