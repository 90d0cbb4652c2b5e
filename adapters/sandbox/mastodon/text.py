"""How Mastodon writes times, numbers and the text of a status."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.mastodon.rows import Account

_HANDLE = re.compile(r"(?<![\w/])@([a-z0-9_]+(?:[a-z0-9_.-]*[a-z0-9_])?)(?:@([\w.-]+(?::\d+)?))?", re.IGNORECASE)
_TAG = re.compile(r"(?<![\w/&])#(\w*[^\W\d]\w*)")
_URL = re.compile(r"https?://[^\s<>\"]+")
_URL_LENGTH = 23
_FALSE = {"0", "f", "F", "false", "FALSE", "off", "OFF", "False", "n", "N", "no"}


def iso(moment: datetime) -> str:
    """A time in milliseconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def iso_or_none(moment: datetime | None) -> str | None:
    """The same for what may not have happened."""
    return None if moment is None else iso(moment)


def day(moment: datetime) -> str:
    """Only the date, as the profile shows it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def flag(value: object) -> bool | None:
    """A truth value as Rails casts it: nothing is nothing, a few words are false, all else is true."""
    if value is None or value == "":
        return None
    return str(value) not in _FALSE


def number(value: object) -> int:
    """The digits that a value begins with, as Ruby's ``to_i`` reads them; 0 if there are none."""
    found = re.match(r"\s*[+-]?\d+", str(value))
    return int(found[0]) if found else 0


def length(text: str) -> int:
    """The characters of a text as they are counted: each address as 23, each handle without its domain."""
    return len(_HANDLE.sub(lambda found: f"@{found[1]}", _URL.sub("x" * _URL_LENGTH, text)))


def handles(text: str) -> list[tuple[str, str | None]]:
    """The accounts that a text names, as user name and domain."""
    return [(found[1], found[2]) for found in _HANDLE.finditer(text)]


def hashtags(text: str) -> list[str]:
    """The hashtags of a text, in small letters, each once."""
    return list(dict.fromkeys(found[1].lower() for found in _TAG.finditer(text)))


def render(text: str, find: Callable[[str, str | None], Account | None], url: str) -> str:
    """The HTML of a text that somebody typed here: paragraphs, links, mentions, hashtags."""
    if not text:
        return ""
    kept: list[str] = []

    def keep(made: str) -> str:
        kept.append(made)
        return f"\x00{len(kept) - 1}\x00"

    def link(found: re.Match[str]) -> str:
        address = html.escape(found[0])
        shown = re.sub(r"^https?://", "", address)
        return keep(f'<a href="{address}" target="_blank" rel="nofollow noopener" translate="no">{shown}</a>')

    def mention(found: re.Match[str]) -> str:
        account = find(found[1], found[2])
        if account is None:
            return found[0]
        address = html.escape(account.url)
        return keep(
            f'<span class="h-card" translate="no"><a href="{address}" class="u-url mention">'
            f"@<span>{html.escape(account.username)}</span></a></span>"
        )

    def tag(found: re.Match[str]) -> str:
        name = html.escape(found[1])
        return keep(f'<a href="{url}/tags/{name.lower()}" class="mention hashtag" rel="tag">#<span>{name}</span></a>')

    marked = _TAG.sub(tag, _HANDLE.sub(mention, _URL.sub(link, text.replace("\x00", ""))))
    paragraphs = [part for part in re.split(r"\n{2,}", marked.strip("\n")) if part]
    made = "".join(f"<p>{html.escape(part, quote=False).replace(chr(10), '<br />')}</p>" for part in paragraphs)
    return re.sub(r"\x00(\d+)\x00", lambda found: kept[int(found[1])], made)
