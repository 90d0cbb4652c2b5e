"""Links and pictures in Markdown and HTML. Pure; takes anything and never raises.

Three looks at the same text, because every client renders it in its own way: as Markdown, as HTML, and as plain text
with bare URLs in it. What only one of them sees counts: a link too many costs a download, a link too few hides a file.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token

MAX_TEXT = 100_000
"""Characters that are looked at. Lemmy and Mastodon refuse longer texts, remote servers may not."""

MAX_URL = 8192

MEDIA_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".jxl", ".bmp", ".tif", ".tiff", ".heic"),
    *(".mp4", ".m4v", ".webm", ".mov", ".ogv", ".mkv"),
)

_BARE = re.compile(r"https?://(?:\[[0-9a-f:.]{2,45}\])?[^\s<>\"`|\[\]\\\x00-\x1f\x7f\ufffd]+", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_SLASHES = re.compile(r"(https?):(/*)", re.IGNORECASE)
_QUERY = re.compile(r"[?#]")
_TRAILING = "?!.,:;*_~'\""
_ATTRIBUTE = re.compile(
    r"[\s\"'/](src|srcset|data-src|data-srcset|poster|href|xlink:href)\s{0,9}=\s{0,9}"
    r"(\"[^\"<>]{1,8192}\"|'[^'<>]{1,8192}'|[^\s\"'<>`]{1,8192})",
    re.IGNORECASE,
)
"""Attributes without their tags: a tag in pieces is still shown by somebody, and this cannot be made to backtrack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A URL in a text; ``shown`` where a reader sees it without following it."""

    url: str
    shown: bool


def links(text: str, base: str | None = None) -> Sequence[Link]:
    """Every http(s) URL, once, in no promised order. With ``base``, addresses without a host lead there."""
    text = text[:MAX_TEXT].replace("\x00", "�")
    found: dict[str, bool] = {}
    for url, shown in (*_in_markdown(text), *_in_html(text), *_bare(text)):
        absolute = _absolute(url, base)
        if absolute is not None:
            found[absolute] = found.get(absolute, False) or shown
    return [Link(url=url, shown=shown) for url, shown in found.items()]


def looks_like_media(url: str) -> bool:
    """Whether the path ends like the name of a picture or film."""
    try:
        return urlsplit(url).path.lower().endswith(MEDIA_SUFFIXES)
    except ValueError:
        return False


def _absolute(url: str, base: str | None) -> str | None:
    """The URL as a browser would ask for it, or ``None`` if it leads nowhere on the web."""
    url = _as_typed(url.strip().replace(" ", "%20"), base)
    try:
        if base is not None and url and (url.startswith("/") or not urlsplit(url).scheme):
            url = urljoin(base, url)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
        _ = parts.port
    except ValueError:
        return None
    if len(url) > MAX_URL or any(character.isspace() or not character.isprintable() for character in url):
        return None
    return url


def _as_typed(url: str, base: str | None) -> str:
    """With the slashes that a browser reads: https://url.spec.whatwg.org/#special-authority-slashes-state."""
    head = _QUERY.split(url, maxsplit=1)[0]
    url = head.replace("\\", "/") + url[len(head) :]
    match = _SLASHES.match(url)
    if match is None or len(match[2]) == 2:
        return url
    if len(match[2]) < 2 and base is not None and base.lower().startswith(f"{match[1].lower()}:"):
        return url[match.start(2) :]  # of the same scheme: a path on the server that shows it
    return f"{match[1]}://{url[match.end() :]}"


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    # Normalizing rewrites hosts (punycode), and validating drops what some client may show.
    for name, plain in {"normalizeLink": str, "normalizeLinkText": str, "validateLink": lambda _: True}.items():
        setattr(parser, name, plain)
    return parser


def _in_markdown(text: str) -> Iterator[tuple[str, bool]]:
    try:
        tokens = _parser().parse(text)
    except Exception:  # noqa: BLE001 - hostile text against a large parser; the other two looks still count
        return
    yield from _of_tokens(tokens)


def _of_tokens(tokens: Iterable[Token]) -> Iterator[tuple[str, bool]]:
    for token in tokens:
        if token.type == "image":
            yield str(token.attrGet("src") or ""), True
        elif token.type == "link_open":
            yield str(token.attrGet("href") or ""), False
        yield from _of_tokens(token.children or ())


def _in_html(text: str) -> Iterator[tuple[str, bool]]:
    for match in _ATTRIBUTE.finditer(text):
        name, value = match[1].lower(), html.unescape(match[2].strip("\"'"))
        if name.endswith("srcset"):
            yield from ((part.split()[0], True) for part in value.split(",") if part.strip())
        else:
            yield value, not name.endswith("href")


def _bare(text: str) -> Iterator[tuple[str, bool]]:
    plain = _REFERENCE.sub(lambda match: html.unescape(match[0]), text)
    for match in _BARE.finditer(plain):
        yield _trimmed(match[0]), False


def _trimmed(url: str) -> str:
    """Without what belongs to the sentence: https://github.github.com/gfm/#extended-autolink-path-validation."""
    depth = 0
    for position, character in enumerate(url):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            url = url[:position]
            break
    return url.rstrip(_TRAILING)
