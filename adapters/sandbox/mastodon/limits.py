"""How often a client may call: counted in windows that the clock aligns, for everybody the same.

https://github.com/mastodon/mastodon/blob/main/config/initializers/rack_attack.rb
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PAGING = {"page", "min_id", "max_id", "since_id"}
_MEDIA = re.compile(r"/api/v\d+/media/?")
_DELETED = re.compile(r"/api/v\d+/statuses/[^/]+/?")
_UNREBLOG = re.compile(r"/api/v\d+/statuses/[^/]+/unreblog/?")
_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as far as the limits look at it. A token of a client alone is nobody's."""

    method: str
    path: str
    names: frozenset[str]  # of the query's parameters
    token: str | None
    account_id: int | None
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the limit nearest to its end says of a request. ``reset`` is when its window ends."""

    limit: int
    remaining: int
    reset: datetime
    passes: bool

    @property
    def headers(self) -> dict[str, str]:
        """As the answer carries it."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": self.reset.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


@dataclass(slots=True)
class RateLimiter:
    """Counts requests. ``enforced``: what is over a limit is refused; otherwise its count begins anew."""

    enforced: bool = True
    clock: Callable[[], float] = time.time
    _counts: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, asked: Asked) -> Counted | None:
        """Count a request in every limit that it falls under; none if it falls under none."""
        now = self.clock()
        found: list[Counted] = []
        with self._lock:
            for name, key, limit, period in _limits(asked):
                window = int(now // period)
                self._forget(name, key, window)
                place = (name, key, window)
                used = self._counts.get(place, 0) + 1
                if used > limit and not self.enforced:
                    used = 1
                self._counts[place] = used
                # The end of the window, with the fraction of the second that the request came in.
                reset = datetime.fromtimestamp(now + period - int(now) % period, UTC)
                found.append(Counted(limit=limit, remaining=max(limit - used, 0), reset=reset, passes=used <= limit))
        refused = [counted for counted in found if not counted.passes]
        return min(refused or found, key=lambda counted: counted.remaining, default=None)

    def _forget(self, name: str, key: str, window: int) -> None:
        self._counts.pop((name, key, window - 1), None)


def _limits(asked: Asked) -> Iterable[tuple[str, str, int, int]]:
    """Name, key, limit and seconds of each limit that a request falls under."""
    api = asked.path.startswith("/api/")
    user = None if asked.account_id is None else str(asked.account_id)
    if asked.path.startswith("/media_proxy"):
        yield "media_proxy", asked.address, 30, 10 * _MINUTE
    if asked.method == "POST" and asked.path.rstrip("/") == "/auth/sign_in":
        yield "sign_in", asked.address, 25, 5 * _MINUTE
    if asked.method == "POST" and asked.path.rstrip("/") == "/api/v1/apps":
        yield "apps", asked.address, 5, 10 * _MINUTE
    if not api:
        return
    if user is None:
        yield "stranger", asked.address, 300, 5 * _MINUTE
        if asked.names & _PAGING:
            yield "stranger_paging", asked.address, 300, 15 * _MINUTE
        return
    yield "token", str(asked.token), 300, 5 * _MINUTE
    yield "user", user, 1500, 5 * _MINUTE
    if asked.names & _PAGING:
        yield "paging", user, 300, 15 * _MINUTE
    if asked.method == "POST" and _MEDIA.fullmatch(asked.path):
        yield "media", user, 30, 30 * _MINUTE
    if (asked.method == "DELETE" and _DELETED.fullmatch(asked.path)) or (
        asked.method == "POST" and _UNREBLOG.fullmatch(asked.path)
    ):
        yield "delete", user, 30, 30 * _MINUTE
