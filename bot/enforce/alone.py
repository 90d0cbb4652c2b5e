"""One deed at a time for each thing: cases share posts and accounts, and several cases are worked on at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.domain.decisions import BanAccount, LimitAccount, SetSwitch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.decisions import Intent


class Alone:
    """Keeps those waiting who would ask the server about a thing while somebody else is about to change it."""

    def __init__(self) -> None:
        """Nothing is being changed."""
        self._locks: dict[str, tuple[threading.Lock, int]] = {}  # with the number of those who hold it or wait for it
        self._guard = threading.Lock()

    @contextmanager
    def with_(self, intent: Intent) -> Iterator[None]:
        """Nobody else in this process asks about, does or undoes anything about the same thing meanwhile."""
        thing = _thing(intent)
        with self._guard:
            lock, users = self._locks.get(thing, (threading.Lock(), 0))
            self._locks[thing] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks.pop(thing)
                if users > 1:
                    self._locks[thing] = (lock, users - 1)


def _thing(intent: Intent) -> str:
    """A report is about the post that a removal is about; all switches are one page of settings; and what is done to an
    account is one after the other, because some servers tell only the last of it."""
    match intent:
        case SetSwitch():
            return f"{intent.instance}/switches"
        case LimitAccount() | BanAccount():
            return f"{intent.instance}/account/{intent.account.local_id}"
        case _:
            return intent.target
