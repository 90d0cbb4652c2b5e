"""The answer for the bytes of one image, the way pict-rs gives it: ETag, preconditions, ranges."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from adapters.sandbox.clock import http_date
from adapters.sandbox.pictrs.errors import PictrsError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

CACHE_CONTROL = "public, max-age=0, immutable, stale-while-revalidate=604800"
_TAG = re.compile(r'(W/)?("[^"]*")')
_LARGEST = 2**64 - 1
_LONGEST = 100  # characters of a range, more than two of the largest numbers have


def file_answer(headers: Headers, data: bytes, *, content_type: str, etag: str, modified_ns: int) -> Response:
    """200, 206, 304, 412 or 416, as the request's ``Range`` and preconditions ask.

    The time of a file has nanoseconds here, and those of headers have none: a file is newer than its own date.
    """
    refused = _precondition(headers, etag, modified_ns)
    if refused is not None:
        return Response(status_code=refused)  # pict-rs says nothing else then, not even the tag
    common = {
        "content-type": content_type,
        "etag": etag,
        "last-modified": http_date(modified_ns),
        "cache-control": CACHE_CONTROL,
        "accept-ranges": "bytes",
    }
    ranges = _ranges(headers.get("range")) if _may_be_part(headers.get("if-range"), etag, modified_ns) else None
    if ranges is None:
        return Response(data, headers=common)
    if len(ranges) != 1:
        return PictrsError(416, "range-not-satisfiable", "Range header not satisfiable").answer
    span = _span(ranges[0], len(data))
    if span is None:
        return Response(status_code=416, headers=common)
    first, last = span
    part = common | {"content-range": f"bytes {first}-{last}/{len(data)}"}
    return Response(data[first : last + 1], status_code=206, headers=part)


def _precondition(headers: Headers, etag: str, modified_ns: int) -> int | None:
    """The status of an answer without the file, in the order of RFC 9110, section 13.2.2."""
    if "if-match" in headers:
        if headers["if-match"].strip() != "*" and (False, etag) not in _tags(headers["if-match"]):
            return 412
    elif (unchanged := _date(headers.get("if-unmodified-since"))) is not None and unchanged < modified_ns:
        return 412
    if "if-none-match" in headers:
        asked = headers["if-none-match"]
        return 304 if asked.strip() == "*" or etag in {tag for _, tag in _tags(asked)} else None
    changed = _date(headers.get("if-modified-since"))
    return 304 if changed is not None and changed >= modified_ns else None


def _tags(header: str) -> list[tuple[bool, str]]:
    """Entity tags, each with whether it is a weak one; what is none is passed over."""
    found = [_TAG.fullmatch(part.strip()) for part in header.split(",")]
    return [(match[1] is not None, match[2]) for match in found if match is not None]


def _date(header: str | None) -> int | None:
    """A date of a header in nanoseconds, if it is one."""
    if header is None:
        return None
    try:
        return int(parsedate_to_datetime(header).timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        return None


def _may_be_part(if_range: str | None, etag: str, modified_ns: int) -> bool:
    """Whether ``If-Range`` leaves the range as it is; one that cannot be read counts as none."""
    if if_range is None:
        return True
    tags = _tags(if_range)
    if tags:
        return tags[0] == (False, etag)
    date = _date(if_range)
    return date is None or date == modified_ns


def _ranges(header: str | None) -> list[tuple[int | None, int | None]] | None:
    """The ranges of bytes that can be read; none if the header is worth nothing, and an empty list for another unit."""
    unit, equals, asked = (header or "").partition("=")
    if not (equals and unit and asked):
        return None
    if unit != "bytes":
        return []
    found = [_range(part.strip()) for part in asked.split(",")]
    return [part for part in found if part is not None] or None


def _range(text: str) -> tuple[int | None, int | None] | None:
    match = re.fullmatch(r"(\+?[0-9]*)-(\+?[0-9]*)", text, re.ASCII)
    if match is None or match.groups() == ("", "") or "+" in match.groups() or len(text) > _LONGEST:
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    if max(first or 0, last or 0) > _LARGEST or (first is not None and last is not None and first > last):
        return None
    return first, last


def _span(asked: tuple[int | None, int | None], size: int) -> tuple[int, int] | None:
    """First and last byte of a part of a file of ``size`` bytes, if there is such a part."""
    first, last = asked
    if first is None:
        return (max(0, size - last), size - 1) if last and size else None
    return (first, min(size - 1 if last is None else last, size - 1)) if first < size else None
