"""The rooms, furnished, and what every stage needs to go through them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.attribution import Index
    from bot.domain.content import InstanceId
    from bot.enforce import Enforcement
    from bot.pipeline.standing import Limiter
    from bot.policy import Guard, Rule, Staff
    from bot.ports import Clock, Decoder, Fetcher, Instance, Ledger, Matcher, Scorer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The rooms, as the composition root furnished them."""

    ledger: Ledger
    instances: Mapping[InstanceId, Instance]
    index: Index
    fetcher: Fetcher
    decoder: Decoder
    matcher: Matcher
    scorer: Scorer
    rules: Sequence[Rule]
    guard: Guard
    limiter: Limiter
    enforcement: Enforcement
    clock: Clock
    judged: Callable[[int, datetime], None] = lambda *_: None  # is told which file was judged, and since when
    staff: Callable[[Iterable[InstanceId]], Staff] = lambda _: {}  # who is staff of these servers now
    names_several: frozenset[InstanceId] = frozenset()  # where one report may name several posts of an account


async def in_thread(function: Callable[..., T], *arguments: object) -> T:
    """Call something synchronous (the ledger, a platform) without keeping the loop."""
    return await asyncio.to_thread(function, *arguments)
