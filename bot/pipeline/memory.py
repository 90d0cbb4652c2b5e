"""What one process keeps in mind between tasks. All of it may be lost: the ledger holds what counts."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.content import Name, SubjectKey

KEPT = 50_000


T = TypeVar("T")


class Recent(Generic[T]):
    """Things, of which the oldest are forgotten when there are too many."""

    def __init__(self, most: int = KEPT) -> None:
        """``most``: how many are kept."""
        self._most = most
        self._things: OrderedDict[T, None] = OrderedDict()

    def __contains__(self, thing: T) -> bool:
        return thing in self._things

    def add(self, thing: T) -> None:
        """Keep one."""
        self._things[thing] = None
        while len(self._things) > self._most:
            self._things.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one process keeps in mind, whatever rules it judges by."""

    asked: Recent[Name] = field(default_factory=Recent)  # names whose uses the platform was asked for
    told_of: Recent[Name] = field(default_factory=Recent)  # thumbnails of which the platform was asked who stored them
    reread: Recent[tuple[int, SubjectKey]] = field(default_factory=Recent)  # places that were outdated about a file
    asked_lately: deque[datetime] = field(default_factory=deque)  # when, of those that nobody can have shown before us
    choosing: threading.Lock = field(default_factory=threading.Lock)  # which of them to ask for
    busy: set[int] = field(default_factory=set)  # files that are being judged
    rests: dict[int, datetime] = field(default_factory=dict)  # files that are seen so often that they wait until then
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
