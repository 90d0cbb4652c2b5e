"""Pictures that a text carries in itself, as ``data:`` URLs: https://fetch.spec.whatwg.org/#data-urls. Pure.

Lemmy's own pages show them: markdown-it 14, ``validateLink``. The bot keeps no pictures, so what it writes down is
where the text stands and the digest of the picture; whoever wants the bytes reads the text again.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

from adapters.markup import links
from bot.ports import WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DATA = re.compile(r"data:([^,#]*),([^#]*)", re.IGNORECASE | re.DOTALL)
_BASE64 = re.compile(r"; *base64 *$", re.IGNORECASE)
_SPACE = re.compile(rb"[\t\n\f\r ]+")
_SHORTEST = len("data:image/gif,")


def decoded(url: str) -> tuple[str, bytes] | None:
    """The type that a ``data:`` URL claims, and the bytes in it; ``None`` if a browser would not read it."""
    match = _DATA.match(url)
    if match is None:
        return None
    data, coded = unquote_to_bytes(match[2]), _BASE64.search(match[1])
    if coded is None:
        return match[1], data
    data = _SPACE.sub(b"", data)
    if len(data) % 4 == 0:
        data = data[:-2] + data[-2:].rstrip(b"=")
    try:
        return match[1][: coded.start()], b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except ValueError:
        return None


def address(page: str, url: str) -> str | None:
    """What stands for the picture in a ``data:`` URL: the address where its text is read, and its digest."""
    read = decoded(url)
    return None if read is None else f"{page}#{WITHIN}{hashlib.sha256(read[1]).hexdigest()}"


def page_of(url: str) -> str | None:
    """Of an address that ``address`` gives that of the page; ``None``: it is no such address.

    Nobody but us has a use for one, so that what a text leads to by it is the page and no picture: whose the picture is
    would else be anybody's who writes its address down.
    """
    page, _, fragment = url.partition("#")
    return page if fragment.startswith(WITHIN) else None


def within(answer: bytes, digest: str) -> tuple[str, bytes] | None:
    """The picture of this SHA-256 in one of the texts of a JSON answer, with the type that it claims."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return next((found[digest] for text in _texts(told) if digest in (found := _carried(text))), None)


@lru_cache(maxsize=16)
def _carried(text: str) -> Mapping[str, tuple[str, bytes]]:
    """By digest; kept, for a text with a thousand pictures is read once for each of them."""
    addresses = (url for link in links(text, data=True) for url in _readings(link.url))
    readings = map(decoded, (text, *addresses))  # an avatar is an address and nothing else
    return {hashlib.sha256(one[1]).hexdigest(): one for one in readings if one is not None}


def _readings(url: str) -> Iterator[str]:
    """Itself, or what an image proxy was to fetch: Lemmy puts that before any address in a picture."""
    yield url
    if url.startswith(("http:", "https:")):
        yield from parse_qs(urlsplit(url).query).get("url", ())


def _texts(told: object) -> Iterator[str]:
    left = [told]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
        elif isinstance(one, str) and len(one) > _SHORTEST:
            yield one
