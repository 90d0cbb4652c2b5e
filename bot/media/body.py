"""Reading an answer's body within bounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_ANY_ZLIB = zlib.MAX_WBITS | 32  # gzip or zlib, told apart by its header


class TooLargeError(Exception):
    """More bytes than allowed. ``limit``: bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"larger than {limit} bytes")


class TruncatedError(Exception):
    """The body ended before its end."""


class EncodingError(Exception):
    """A content encoding that was not asked for and is not undone."""


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The decoded body, at most ``max_bytes`` of it, reading no more of the stream than that takes.

    ``identity`` is asked for; servers that compress all the same are understood for gzip and deflate, once. Decoding is
    done here because httpx undoes stacked encodings without any bound. Raises ``TooLargeError`` (at once when the
    announced length is too large), ``TruncatedError``, ``EncodingError``, and what the transport raises.
    """
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > max_bytes:
        raise TooLargeError(max_bytes)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return await _plain(response, max_bytes)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return await _inflated(response, max_bytes)
    raise EncodingError(f"sent with content encoding {encoding[:40]!r} although none was asked for")


async def _plain(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        if len(body) + len(chunk) > max_bytes:
            raise TooLargeError(max_bytes)
        body += chunk
    return bytes(body)


async def _inflated(response: httpx.Response, max_bytes: int) -> bytes:
    inflater = zlib.decompressobj(_ANY_ZLIB)
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            # One byte more than allowed is enough to know, however much the chunk would swell to.
            body += inflater.decompress(chunk, max_bytes - len(body) + 1)
        except zlib.error as error:
            raise EncodingError(f"its compression is broken: {error}") from error
        if len(body) > max_bytes:
            raise TooLargeError(max_bytes)
    if not inflater.eof:
        raise TruncatedError("its compression breaks off")
    return bytes(body)
