"""Reading what is asked of pict-rs as strictly as it does."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.sandbox.pictrs.errors import PictrsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

UNSIZED = 100_000  # pixels: no limit on a copy's size
_LARGEST = 2**64 - 1  # numbers are unsigned and have 64 bits
_FILTERS = {"blur", "crop", "identity", "resize", "thumbnail"}  # the default of `media.filters`
_MOST_CROP = 20
_READ, _GET = ("GET", "HEAD"), ("GET",)
_METHODS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"/image/original(/[^/]+)?", _READ),
    (r"/image/process\.[^/]+", _READ),
    (r"/image/details/(original(/[^/]+)?|process\.[^/]+)", _GET),
    (r"/image/(blurhash|download)", _GET),
    (r"/image/delete/[^/]+/[^/]+", ("DELETE", "GET")),
)
# What follows one part of a timestamp, and what is said of it if that is wrong.
_PARTS = (
    ("year", r"[0-9]{4}"),
    ("literal", "-"),
    ("month", r"[0-9]{2}"),
    ("literal", "-"),
    ("day", r"[0-9]{2}"),
    ("separator", "[Tt ]"),
    ("hour", r"[0-9]{2}"),
    ("literal", ":"),
    ("minute", r"[0-9]{2}"),
    ("literal", ":"),
    ("second", r"[0-9]{2}"),
    ("subsecond", r"(?:\.[0-9]+)?"),
    ("offset hour", r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"),
)
_IN_RANGE = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 60)}


def allowed_methods(path: str) -> tuple[str, ...]:
    """The methods of a public path that refuses the others with 405; empty for all other paths."""
    return next((methods for pattern, methods in _METHODS if re.fullmatch(pattern, path)), ())


def _bad_query(msg: str) -> PictrsError:
    return PictrsError(400, "invalid-query", msg)


def is_url(text: str) -> bool:
    """Whether a text is an address by itself."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) and (bool(parts.hostname) or parts.scheme not in {"http", "https"})


def named_file(request: Request) -> tuple[str | None, str | None]:
    """The alias or the proxied URL that a call is about."""
    alias, proxy = request.query_params.get("alias"), request.query_params.get("proxy")
    if alias is None and (proxy is None or not is_url(proxy)):
        raise _bad_query("data did not match any variant of untagged enum AliasQuery")
    return alias, proxy


def _number(text: str) -> int | None:
    """An unsigned number as Rust reads it."""
    if re.fullmatch(r"\+?[0-9]+", text, re.ASCII) is None:
        return None
    digits = text.lstrip("+0") or "0"
    # Python itself refuses to read thousands of digits.
    return int(digits) if len(digits) <= len(str(_LARGEST)) and int(digits) <= _LARGEST else None


def unsigned(asked: str) -> int:
    """The size of a page."""
    if not asked:
        raise _bad_query("cannot parse integer from empty string")
    if re.fullmatch(r"\+?[0-9]+", asked, re.ASCII) is None:
        raise _bad_query("invalid digit found in string")
    number = _number(asked)
    if number is None:
        raise _bad_query("number too large to fit in target type")
    return number


def moment(timestamp: str | None) -> int | None:
    """A time of RFC 3339 in nanoseconds; the first part that is wrong takes the blame."""
    if timestamp is None:
        return None
    at = 0
    for name, pattern in _PARTS:
        match = re.compile(pattern).match(timestamp, at)
        if match is None:
            raise _bad_query(f"the '{name}' component could not be parsed")
        least, most = _IN_RANGE.get(name, (0, 0))
        if name in _IN_RANGE and not least <= int(match[0]) <= most:
            raise _bad_query(f"{name} was not in range")
        at = match.end()
    if at != len(timestamp):
        raise _bad_query("unexpected trailing characters; the end of input was expected")
    try:
        return int(datetime.fromisoformat(timestamp.upper()).timestamp() * 1e9)
    except ValueError as error:
        raise _bad_query("day was not in range") from error


def wanted_size(operations: Iterable[tuple[str, str]]) -> int:
    """The longest side of a copy; raises ``PictrsError`` for an operation that cannot be read. Others are passed over.

    Cropping and blurring are read, and not done.
    """
    size = UNSIZED
    for name, value in operations:
        if name.lower() not in _FILTERS:
            continue
        side = _side(name, value)
        if side is None:
            raise PictrsError(500, "invalid-process-path", "Provided process path is invalid")
        size = min(size, side or UNSIZED)
    return size


def _side(name: str, value: str) -> int | None:
    """What an operation makes of the longest side, 0 if nothing; none if it cannot be read."""
    match name:
        case "identity":
            return 0
        case "thumbnail":
            return _number(value)
        case "resize":
            size = value.partition(".")[2] if "." in value else value
            area = size.startswith("a") and "." in value
            number = _number(size.removeprefix("a") if area else size)
            return 0 if area and number is not None else number
        case "crop":
            sides = [_number(side) for side in value.split("x")[:2]]
            return 0 if len(sides) == 2 and all(side and side <= _MOST_CROP for side in sides) else None
        case "blur":
            return 0 if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", value, re.ASCII) else None
    return None
