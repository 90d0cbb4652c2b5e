"""Links and pictures in Markdown and HTML. Pure; takes anything and never raises.

Five looks at the same text, because every client renders it in its own way: as Markdown, as Markdown with what Lemmy's
own pages add to it, as HTML, as plain text with bare URLs in it, and for what stands there like a Markdown picture,
wherever that is. What only one of them sees counts: a link too many costs a download, a link too few hides a file.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

from adapters.plain_text import balanced, in_plain_text, unescaped
from adapters.whatwg import from_markdown, resolved, without_breaks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token

MAX_TEXT = 100_000
"""Characters that are read as Markdown. Lemmy and Mastodon refuse longer texts of their own members, and take them from
other servers: the three other looks, whose time grows with the text and no faster, go to its end."""

MAX_NESTING = 100
"""Quotes and lists in each other that are read as Markdown: as many as markdown-it does for lemmy-ui, by default."""

MAX_NESTING_IN_A_LINE = 20
"""Brackets and emphasis in each other. The time that a hostile line takes grows with it, and pictures that stand deeper
are found by the look that knows no depth."""

MAX_URL = 65_000
"""Characters. No browser minds a longer one, but nobody's own text is as long, and httpx takes no more than 65536."""

MEDIA_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".jxl", ".bmp", ".tif", ".tiff", ".heic"),
    *(".mp4", ".m4v", ".webm", ".mov", ".ogv", ".mkv"),
)

_STRUCTURE = re.compile(r"^[^\n]*\||^[ \t>*+-]*(?::::|\[\^)", re.MULTILINE)
_SPOILER = re.compile(r"^[ \t>*+-]*:::[^\n]*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"^([ \t>*+-]*)\[\^[^\]\s]+\]:[ \t]*", re.MULTILINE)
_PICTURE_DATA = re.compile(r"data:image/", re.IGNORECASE)
_UNSPEAKABLE = re.compile(r"[\x00\ud800-\udfff]")
_MORE_THAN_WORDS = re.compile(r"[^\w\s.,;'\"()`-]")
_BRACKET = re.compile(r"\\.|!?\[|\]", re.DOTALL)
_PLAIN = r"(?:\\.|[^\t\n\r \]\\]|\](?!\())"
_DESTINATION = re.compile(
    r"(?:\s{0,99}\n[ \t>]{0,99}|\s{0,99})(?:<((?:\\.|[^<>\\\n])+)>|(?!<)("
    + _PLAIN
    + r"+(?:\]\("
    + _PLAIN
    + r"*){0,2}))(?:\s{1,99}[\"'(](emoji ))?",
    re.DOTALL,
)
"""An address ends soon after the next one begins, so that nothing is read often."""
_OFTEN = 3
_LONGEST_LABEL = 1000
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ATTRIBUTE = re.compile(
    r"[\s\"'/](src|srcset|data-src|data-srcset|poster|href|xlink:href)\s{0,9}=\s{0,9}"
    r"(\"[^\"<>]{1,65536}\"|'[^'<>]{1,65536}'|[^\s\"'<>`]{1,65536})",
    re.IGNORECASE,
)
"""Attributes without their tags: a tag in pieces is still shown by somebody, and this cannot be made to backtrack."""


EMOJI = "emoji "
"""How the title of a picture begins that is a custom emoji: what Lemmy's own pages write, and show as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A URL in a text; ``shown`` where a reader sees it without following it.

    ``emoji``: it is shown, and everywhere as a custom emoji.
    """

    url: str
    shown: bool
    emoji: bool = False


class _Seen(IntEnum):
    LINKED = 0
    EMOJI = 1
    SHOWN = 2


class _Bracket(Enum):
    OTHER = 0
    PICTURE = 1
    REFERENCE = 2  # of a picture


def links(text: str, base: str | None = None, *, data: bool = False) -> Sequence[Link]:
    """Every http(s) URL, once, in no promised order. With ``base``, addresses without a host lead there.

    ``data``: besides, ``data:`` URLs of pictures that are shown, as a browser reads them.
    """
    text = _UNSPEAKABLE.sub("\ufffd", text)
    tokens = _parsed([text[:MAX_TEXT]])
    in_markdown = Counter(_of_tokens((*tokens, *_as_lemmy_shows(text[:MAX_TEXT]))))
    in_markdown += Counter(_drawn(text)) - Counter(_in_code(text, tokens))
    found: dict[str, _Seen] = {}
    for url, seen in (
        *((form, seen) for written, seen in in_markdown for form in from_markdown(written)),
        *_in_html(text),
        *((written, _Seen.LINKED) for written in in_plain_text(text)),
    ):
        absolute = resolved(url, base)
        if absolute is None and data and seen > _Seen.LINKED:
            absolute = _carried(url)
        elif absolute is not None and len(absolute) > MAX_URL:
            absolute = None
        if absolute is not None:
            found[absolute] = max(found.get(absolute, seen), seen)
    return [Link(url=url, shown=seen > _Seen.LINKED, emoji=seen is _Seen.EMOJI) for url, seen in found.items()]


def _carried(url: str) -> str | None:
    url = without_breaks(url)
    return url if _PICTURE_DATA.match(url) else None


def looks_like_media(url: str) -> bool:
    """Whether the path ends like the name of a picture or film."""
    try:
        return urlsplit(url).path.lower().endswith(MEDIA_SUFFIXES)
    except ValueError:
        return False


@cache
def _blocks(*, tables: bool) -> MarkdownIt:
    parser = _parser(MAX_NESTING).disable("inline")
    return parser.enable("table") if tables else parser


@cache
def _lines() -> MarkdownIt:
    return _parser(MAX_NESTING_IN_A_LINE)


def _parser(nesting: int) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": nesting})
    # Normalizing rewrites hosts (punycode), and validating drops what some client may show.
    for name, plain in {"normalizeLink": str, "normalizeLinkText": str, "validateLink": lambda _: True}.items():
        setattr(parser, name, plain)
    return parser


def _parsed(texts: Sequence[str], *, tables: bool = False) -> Sequence[Token]:
    """``texts``: parts of one text, which share their references."""
    references: dict[str, Any] = {}
    lines = _lines()
    try:
        tokens = [token for text in texts for token in _blocks(tables=tables).parse(text, references)]
        for token in tokens:
            if token.type == "inline" and token.children is not None:
                lines.inline.parse(token.content, lines, references, token.children)
    except Exception:  # noqa: BLE001 - hostile text against a large parser; the other looks still count
        return ()
    return tokens


def _as_lemmy_shows(text: str) -> Sequence[Token]:
    """With tables, and with the other lines that no quote, list, block of code or paragraph of its pages goes over."""
    if _STRUCTURE.search(text) is None:
        return ()
    return _parsed([_FOOTNOTE.sub(r"\1", part) for part in _SPOILER.split(text)], tables=True)


def _of_tokens(tokens: Iterable[Token]) -> Iterator[tuple[str, _Seen]]:
    for token in tokens:
        if token.type == "image":
            emoji = str(token.attrGet("title") or "").startswith(EMOJI)
            yield str(token.attrGet("src") or ""), _Seen.EMOJI if emoji else _Seen.SHOWN
        elif token.type == "link_open":
            yield str(token.attrGet("href") or ""), _Seen.LINKED
        yield from _of_tokens(token.children or ())


def _in_code(text: str, tokens: Iterable[Token]) -> Iterator[tuple[str, _Seen]]:
    """Pictures that every client shows as they are written: code among plain words.

    Next to anything else, one client's code is another one's picture: tables, footnotes, spoilers, bare links and
    annotations each have their own idea of where a line of text begins and ends, and with it a backtick.
    """
    code = list(_code(tokens))
    if len(text) <= MAX_TEXT and _MORE_THAN_WORDS.search(_without(text, code)) is None:
        yield from (picture for one in code for picture in _drawn(one))


def _code(tokens: Iterable[Token]) -> Iterator[str]:
    """What stands between backticks, not what is indented: that may go on with a footnote."""
    for token in tokens:
        if token.type in {"fence", "code_inline"}:
            yield token.content
        yield from _code(token.children or ())


def _without(text: str, parts: Iterable[str]) -> str:
    """What is left of a text when these parts of it, in their order, are cut out."""
    left: list[str] = []
    position, flat = 0, text.replace("\n", " ")  # as code has it that goes over several lines
    for part in filter(None, parts):
        at = flat.find(part.replace("\n", " "), position)
        if at < 0:
            break  # to look for the rest all the way again and again takes too long
        left.append(text[position:at])
        position = at + len(part)
    return "".join((*left, text[position:]))


def _drawn(text: str) -> Iterator[tuple[str, _Seen]]:
    """What stands in a text like a Markdown picture or link, with its address or with a reference to one."""
    opened: list[tuple[_Bracket, int]] = []
    wanted: set[str] = set()
    defined: list[tuple[str, int]] = []
    loose = referring = -1  # where a picture began that was closed where nothing follows, as by a bracket in code
    for match in _BRACKET.finditer(text):
        start, end = match.span()
        if match[0] == "![":
            opened.append((_Bracket.PICTURE, end))
        elif match[0] == "[":
            opened.append((_Bracket.REFERENCE if start == referring else _Bracket.OTHER, end))
        elif match[0] == "]":
            kind, begun = opened.pop() if opened else (_Bracket.OTHER, 0)
            following, label = text[end : end + 1], _label(text, begun, start)
            if following == "(" and (kind is _Bracket.PICTURE or begun < loose):
                loose = -1 if begun < loose else loose
                yield from _destination(text, end + 1)
            elif following == "(":
                yield from ((url, _Seen.LINKED) for url, _ in _destination(text, end + 1))
            elif kind is not _Bracket.OTHER:
                wanted.add(label)
                if kind is _Bracket.PICTURE and following not in {"[", ":"}:
                    loose = begun
            if following == ":":
                defined.append((label, end + 1))
            referring = end if kind is _Bracket.PICTURE and following == "[" else -1
    for label, position in _apart(text, defined):  # which of them counts depends on what stands around it
        yield from ((url, seen if label in wanted else _Seen.LINKED) for url, seen in _destination(text, position))


def _apart(text: str, defined: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Without those that stand in the address of others: nothing is read more often than three times."""
    reach = within = 0
    for label, position in defined:
        within = within + 1 if position < reach else 0
        if within < _OFTEN:
            match = _DESTINATION.match(text, position)
            reach = max(reach, match.end() if match is not None else 0)
            yield label, position


def _label(text: str, start: int, end: int) -> str:
    """As references are compared: https://spec.commonmark.org/0.31.2/#matches. Longer ones are none."""
    return " ".join(text[start:end].casefold().split()) if end - start < _LONGEST_LABEL else ""


def _destination(text: str, position: int) -> Iterator[tuple[str, _Seen]]:
    match = _DESTINATION.match(text, position)
    if match is not None:
        url = match[1] or balanced(match[2])
        yield _read(url), _Seen.EMOJI if match[3] else _Seen.SHOWN


def _read(url: str) -> str:
    """Without escapes; what is escaped begins no character reference."""
    parts = _ESCAPED.split(url)
    return "".join(part if number % 2 else unescaped(part) for number, part in enumerate(parts))


def _in_html(text: str) -> Iterator[tuple[str, _Seen]]:
    for match in _ATTRIBUTE.finditer(text):
        name, value = match[1].lower(), html.unescape(match[2].strip("\"'"))
        if name.endswith("srcset"):
            yield from ((part.split()[0], _Seen.SHOWN) for part in value.split(",") if part.strip())
        else:
            yield value, _Seen.LINKED if name.endswith("href") else _Seen.SHOWN
