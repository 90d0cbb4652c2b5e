"""The answer for the bytes of one image, the way pict-rs gives it: ETag, ranges, not modified."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import Response

from adapters.sandbox.clock import http_date

if TYPE_CHECKING:
    from starlette.datastructures import Headers

CACHE_CONTROL = "public, max-age=0, immutable, stale-while-revalidate=604800"


def file_answer(headers: Headers, data: bytes, *, content_type: str, etag: str, modified_ns: int) -> Response:
    """200, 206, 304 or 416, as the request's ``Range`` and ``If-None-Match`` ask."""
    if headers.get("if-none-match") in {etag, "*"}:
        return Response(status_code=304)  # pict-rs says nothing else then, not even the tag
    common = {
        "content-type": content_type,
        "etag": etag,
        "last-modified": http_date(modified_ns),
        "cache-control": CACHE_CONTROL,
        "accept-ranges": "bytes",
    }
    asked = headers.get("range")
    if asked is None:
        return Response(data, headers=common)
    span = _span(asked, len(data))
    if span is None:
        return Response(status_code=416, headers=common | {"content-range": f"bytes */{len(data)}"})
    first, last = span
    part = common | {"content-range": f"bytes {first}-{last}/{len(data)}"}
    return Response(data[first : last + 1], status_code=206, headers=part)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.strip())
    if match is None or match.groups() == ("", ""):
        return None
    start, end = match.groups()
    if not start:
        return (max(0, size - int(end)), size - 1) if int(end) else None
    first = int(start)
    last = min(int(end), size - 1) if end else size - 1
    return (first, last) if first <= last else None
