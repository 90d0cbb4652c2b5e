"""Checks of names, texts and URLs, with Lemmy's bounds."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from adapters.sandbox.lemmy.errors import LemmyError

POST_BODY_LIMIT, BODY_LIMIT, BIO_LIMIT, URL_LIMIT, ALT_TEXT_LIMIT = 50_000, 10_000, 1_000, 2_000, 1_500
REPORT_LIMIT = 1_000
_ACTOR_NAMES = (
    re.compile(r"[a-zA-Z0-9_]{3,}"),
    re.compile(r"[\u0600-\u06ff\u0750-\u077f0-9_]{3,}"),
    re.compile(r"[\u0400-\u052f0-9_]{3,}"),
)
_PAGE_LIMIT, _FETCH_LIMIT, _FETCH_DEFAULT = 100, 50, 10


def span(page: int | None, limit: int | None) -> slice:
    """The rows of one page; raises what the database layer raises for pages and limits out of bounds."""
    if page is not None and not 1 <= page <= _PAGE_LIMIT:
        raise LemmyError("unknown", f"Page limit is > {_PAGE_LIMIT}")
    if limit is not None and not 1 <= limit <= _FETCH_LIMIT:
        raise LemmyError("unknown", f"Fetch limit is > {_FETCH_LIMIT}")
    size = _FETCH_DEFAULT if limit is None else limit
    start = size * ((page or 1) - 1)
    return slice(start, start + size)


def units(text: str) -> int:
    """The length of a text in UTF-16 code units, as browsers count it."""
    return len(text.encode("utf-16-le")) // 2


def check_length(text: str | None, limit: int, code: str) -> None:
    """Raise ``code`` if a text is too long."""
    if text is not None and units(text) > limit:
        raise LemmyError(code)


def check_post_title(title: str) -> None:
    """3 to 200 characters in one line."""
    if not 3 <= len(title.strip()) <= 200 or "\n" in title:
        raise LemmyError("invalid_post_title")


def check_actor_name(name: str, longest: int) -> None:
    """Letters of one alphabet, digits and underscores."""
    if len(name) > longest or not any(pattern.fullmatch(name) for pattern in _ACTOR_NAMES):
        raise LemmyError("invalid_name")


def check_display_name(name: str, longest: int) -> None:
    """At least three visible characters, not looking like a handle."""
    visible = sum(not character.isspace() for character in name)
    if name.startswith("@") or len(name) > longest or "\n" in name or visible < 3:
        raise LemmyError("invalid_display_name")


def parse_url(text: str) -> str:
    """A URL in its normal form, without tracking parameters; raises ``invalid_url``."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise LemmyError("invalid_url") from error
    scheme = parts.scheme.lower()
    if not scheme:
        raise LemmyError("invalid_url")
    if scheme not in {"http", "https"}:
        return text
    if not parts.hostname or re.search(r"[\s<>^|%]", parts.hostname):
        raise LemmyError("invalid_url")
    userinfo, _, _ = parts.netloc.rpartition("@")
    host = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
    default = {"http": 80, "https": 443}[scheme]
    netloc = (f"{userinfo}@" if userinfo else "") + host + (f":{port}" if port and port != default else "")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(_untracked(parts.query), safe="/?%:@!$&()*+,;=~-._[]")
    return urlunsplit((scheme, netloc, path, query, quote(parts.fragment, safe="/?%:@!$&'()*+,;=~-._")))


def _untracked(query: str) -> str:
    if "utm_" not in query:
        return query
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if not name.startswith("utm_")]
    return urlencode(kept)


def check_url(url: str) -> None:
    """The schemes and the length that a post may link."""
    if urlsplit(url).scheme not in {"http", "https", "magnet"}:
        raise LemmyError("invalid_url_scheme")
    check_length(url, URL_LIMIT, "url_length_overflow")


def url_to_create(text: str | None) -> str | None:
    """A URL given with something new."""
    return None if text is None else parse_url(text)


def matches(term: str, *texts: str | None) -> bool:
    """Whether a search term is found in one of the texts: any case, spaces stand for anything."""
    pattern = re.compile(".*".join(re.escape(word) for word in term.split(" ")), re.IGNORECASE | re.DOTALL)
    return any(text is not None and pattern.search(text) for text in texts)
