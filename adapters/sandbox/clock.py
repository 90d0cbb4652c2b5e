"""Time in the formats of the servers: rising for every call, so that what came later sorts later."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

_lock = threading.Lock()
_last_ns = 0


def now_ns() -> int:
    """Nanoseconds since 1970, greater than every answer before by a microsecond at least."""
    global _last_ns  # noqa: PLW0603 - one clock for the whole process
    with _lock:
        _last_ns = max(time.time_ns(), _last_ns + 1000)
        return _last_ns


def now() -> datetime:
    """The time in UTC, to the microsecond."""
    seconds, rest = divmod(now_ns(), 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)


def chrono(moment: datetime) -> str:
    """RFC 3339 as Lemmy writes it: no fraction, three or six digits, whichever loses nothing."""
    base = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond == 0:
        return base + "Z"
    if moment.microsecond % 1000 == 0:
        return f"{base}.{moment.microsecond // 1000:03d}Z"
    return f"{base}.{moment.microsecond:06d}Z"


def chrono_ns(ns: int) -> str:
    """The same for a time that Lemmy passes on with nine digits."""
    seconds, rest = divmod(ns, 1_000_000_000)
    base = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{base}.{rest:09d}Z" if rest % 1000 else chrono(datetime.fromtimestamp(ns / 1e9, UTC))


def trimmed_ns(ns: int) -> str:
    """RFC 3339 as pict-rs writes it: nanoseconds without the zeros at the end."""
    seconds, rest = divmod(ns, 1_000_000_000)
    base = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f"{rest:09d}".rstrip("0")
    return f"{base}.{fraction}Z" if fraction else f"{base}Z"


def http_date(ns: int) -> str:
    """The date format of HTTP headers."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(ns // 1_000_000_000))
