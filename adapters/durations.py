"""Lengths of time as operators write them."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"^(\d+)\s*([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_duration(value: object) -> object:
    """``45s``, ``10m``, ``12h``, ``7d``, ``2w``. Raises ``ValueError`` with what to write."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError("write a number and a unit, such as 45s, 10m, 12h, 7d or 2w")
