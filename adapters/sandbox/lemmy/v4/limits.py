"""Rate limits of Lemmy 1.0: so many calls in a window of time, told in headers as long as they last."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.limits import network

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.lemmy.limits import Bucket
    from adapters.sandbox.lemmy.site_rows import RateLimits


@dataclass(slots=True)
class _Window:
    ends: float
    calls: int = 0


@dataclass(slots=True)
class WindowLimiter:
    """Counts calls by kind and address. ``limits`` is read at every call."""

    limits: Callable[[], RateLimits]
    clock: Callable[[], float] = time.monotonic
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, kind: Bucket, address: str) -> dict[str, str] | None:
        """Count a call: the headers that tell what is left, or ``None`` if there is nothing left.

        A refused call begins the window anew. That is how the recorded server behaved towards a client that tried again
        every ten seconds: it never got in. Whoever waits for a whole window does.
        """
        limits = self.limits()
        most: int = getattr(limits, kind)
        seconds: int = getattr(limits, f"{kind}_per_second")
        moment = self.clock()
        with self._lock:
            window = self._windows.setdefault((kind, network(address)), _Window(moment + seconds))
            if window.ends <= moment:
                window.ends, window.calls = moment + seconds, 0
            window.calls += 1
            if window.calls > most:
                window.ends = moment + seconds
                return None
            return {
                "x-ratelimit-limit": str(most),
                "x-ratelimit-remaining": str(most - window.calls),
                "x-ratelimit-reset": str(max(0, math.floor(window.ends - moment))),
            }
