"""Addresses in plain text, which every client makes links of in its own way. Pure; takes anything and never raises."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from adapters.whatwg import from_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST_IN_BRACKETS = r"(?:\[[0-9a-f:.]{2,45}\])?"
_RUN = r"(?:[^\s<>\"\[\]\x00-\x1f\x7f]|\[[^\s<>\"\[\]()\x00-\x1f\x7f]*\](?![(\[]))+"
_BARE = re.compile(rf"https?://{_HOST_IN_BRACKETS}{_RUN}|<https?:[^\s<>]+(?=>)", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_INNER = re.compile(r"https?://", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(
    r"(?<![\w@./:-])(?:(?://|www\.)(?:[\w-]{1,63}\.){1,9}\w{1,63}|"
    r"(?:[\w-]{1,63}\.){1,9}(?:[a-z]{2}|biz|com|edu|gov|net|org|pro|web|xxx|aero|asia|coop|info|museum|name|shop))"
    rf"(?::[0-9]{{1,5}})?/{_RUN}",
    re.IGNORECASE,
)
"""What pages make a link of although no scheme stands there: linkify-it 5, ``tlds_default``; and for other clients
https://github.github.com/gfm/#extended-www-autolink."""

_MARKS = "|`\\*~^}\ufffd"
_TRAILING = "?!.,:;*_~'\""


def unescaped(text: str) -> str:
    """Character references as what they stand for: https://spec.commonmark.org/0.31.2/#entity-references."""
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def in_plain_text(text: str) -> Iterator[str]:
    """Addresses in plain text, character references as what they stand for and, as linkify-it reads them, as such."""
    for plain in {text, unescaped(text)}:
        for match in _BARE.finditer(plain):
            bare = match[0].removeprefix("<")
            if bare != match[0]:
                yield from from_markdown(bare)
            yield from (_trimmed(form) for run in _runs(bare) for form in from_markdown(run))
        for match in _WITHOUT_SCHEME.finditer(plain):
            scheme = "" if match[0].startswith("/") else "http://"
            yield from (_trimmed(scheme + run) for run in _runs(match[0]))


def _runs(text: str) -> Iterator[str]:
    """The whole; what stands before a character that may mark something; each address that begins in the middle."""
    yield text
    yield from (text.partition(mark)[0] for mark in _MARKS if mark in text)
    begun = [match.start() for match in _INNER.finditer(text)]
    for start, end in zip(begun[1:], [*begun[2:], None], strict=False):
        yield text[start:end]


def _trimmed(url: str) -> str:
    """Without what belongs to the sentence: https://github.github.com/gfm/#extended-autolink-path-validation."""
    return balanced(url).rstrip(_TRAILING)


def balanced(url: str) -> str:
    """Up to a bracket that was not opened in it."""
    depth = 0
    for position, character in enumerate(url):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return url[:position]
    return url
