"""Rate limits: a bucket of tokens for each address and kind of call, counted in whole seconds like Lemmy's."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.lemmy.site_rows import RateLimits

Bucket = Literal["message", "register", "post", "image", "comment", "search", "import_user_settings"]


@dataclass(slots=True)
class _Tokens:
    left: int
    since: int


@dataclass(slots=True)
class RateLimiter:
    """Says which calls pass. ``limits`` is read at every call, so that a change of the site settings counts at once."""

    limits: Callable[[], RateLimits]
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, str], _Tokens] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, kind: Bucket, address: str) -> bool:
        """Take a token; false if there is none."""
        limits = self.limits()
        capacity: int = getattr(limits, kind)
        refill: int = getattr(limits, f"{kind}_per_second")
        second = int(self.clock())
        with self._lock:
            tokens = self._buckets.setdefault((kind, network(address)), _Tokens(capacity, second))
            left = min(tokens.left + (second - tokens.since) * capacity // refill, capacity)
            if left <= 0:
                # The bucket stays as it is: to begin anew here would lose the fraction of a token gained so far.
                return False
            tokens.left, tokens.since = left - 1, second
            return True


def network(address: str) -> str:
    """All addresses that share one bucket: a single IPv4 address, or the first 64 bits of an IPv6 address."""
    host = address.strip().strip("[]")
    if host.count(":") == 1:
        host = host.split(":")[0]
    try:
        parsed = ip_address(host)
    except ValueError:
        return "127.0.0.1"
    return str(parsed) if parsed.version == 4 else parsed.exploded[:19]
