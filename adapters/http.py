"""Calls to one server: time-outs, keep-alive, limits, typed errors. What a status means is the caller's to say.

Texts of exceptions name method, path and kind of fault, never headers, queries or bodies: those hold secrets.
"""

from __future__ import annotations

import json
import logging
import random
import time
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx

from adapters.buckets import Buckets
from adapters.whatwg import resolved
from bot.domain.errors import BadAnswerError, RateLimitedError, UnreachableError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

Query: TypeAlias = "Mapping[str, str | Sequence[str]]"
"""What stands behind the question mark; a sequence where a name comes more than once."""

MAX_JSON = 64 * 1024 * 1024
"""Bytes of an answer that is read as JSON. A page of fifty posts of the largest size is about a tenth of it."""

TRIES = 4
"""How often a read is tried before its fault is the caller's."""

LONGEST_NAP = 20.0
"""Seconds between two tries of a read; a server that asks for more gets its error passed on."""

EPOCH = 1_000_000_000
"""A window's end that is told as a smaller number is no date (it would be in 2001): it is seconds from now."""

KEEP_ALIVE = 4.0
"""Seconds for which an idle connection is used again. Lemmy (actix-web) closes its own after five, and a deed sent into
that very moment would leave nobody knowing whether it was carried out.
"""

LAST = {"Connection": "close"}
"""Sent with every body: when Lemmy refuses a request before it has read the body, the next one on that connection may
wait for an answer that never comes.
"""

nap = time.sleep

logging.getLogger("httpcore").setLevel(logging.INFO)  # below that it writes down the cookies that a server sets


def user_agent() -> str:
    """``Fediwarden/<version>``."""
    try:
        return f"Fediwarden/{version('fediwarden')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "Fediwarden/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said. ``what`` is the method and path, for messages."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed. Raises ``BadAnswerError`` for anything that is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type").split(";")[0][:60]
            raise BadAnswerError(
                f"{self.what} was answered with {self.status} and {kind} instead of JSON: a proxy or another program "
                "answers at this address; check the configured URL and what stands in front of the server"
            ) from None


class Transport:
    """Calls to one server. Thread-safe."""

    def __init__(
        self,
        base_url: str,
        *,
        buckets: Buckets | None = None,
        timeout: float = 20.0,
        total: float = 60.0,
        pauses: bool = False,
    ) -> None:
        """``timeout``: seconds without a byte. ``total``: seconds for a whole answer, however it trickles.

        ``pauses``: after a 429 all calls of that limiter wait, not only the one that was refused: for servers that do
        not say 429 themselves, so that it comes from what stands in front of them.
        """
        self.base_url = base_url.rstrip("/")
        self.buckets = buckets if buckets is not None else Buckets()
        self._pauses = pauses
        self._total = total
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0), pool=total),
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=KEEP_ALIVE),
            headers={"User-Agent": user_agent()},
            trust_env=False,  # a proxy of the environment would see our token
            verify=_trusted(),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # who wants them keeps them
        )
        self.close = weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limiter: str | None = None,
        urgent: bool = False,
        patient: bool = True,
        most: int = MAX_JSON,
        whole: bool = True,
    ) -> Answer:
        """One request, one answer of any status below 500.

        ``body`` is sent as JSON; ``content`` as it is, of the type that ``headers`` name.

        ``limiter``: bucket to take a token from; ``urgent`` goes before others and may use their reserve; without
        ``patient`` an empty one is an error at once. ``most``: bytes to read; a longer body is an error, or cut there
        without ``whole``, which also lets redirects through. Raises ``UnreachableError`` for no answer, a broken one
        and 5xx; ``RateLimitedError`` for 429 and a bucket that stays empty too long; ``BadAnswerError`` for redirects
        and bodies without end.
        """
        what = f"{method} {path}"
        if limiter is not None:
            self.buckets.take(limiter, urgent=urgent, patient=patient)
        deadline = time.monotonic() + self._total
        try:
            sent = headers if body is None and content is None else {**(headers or {}), **LAST}
            url = self.base_url + path
            with self._client.stream(method, url, params=params, json=body, content=content, headers=sent) as got:
                read = bytearray()
                for chunk in got.iter_bytes():
                    read += chunk
                    if len(read) > most:
                        break
                    if time.monotonic() > deadline:
                        raise UnreachableError(f"{what}: the answer took longer than {self._total:.0f} s", sent=True)
                answer = Answer(what=what, status=got.status_code, headers=got.headers, body=bytes(read[:most]))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(f"{what}: {self._where()} cannot be reached ({_short(error)})", sent=False) from None
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            # The text of these can hold the header that was refused: our token.
            raise UnreachableError(
                f"{what}: the request cannot be sent ({type(error).__name__}); check URL and credentials", sent=False
            ) from None
        except httpx.HTTPError as error:
            raise UnreachableError(f"{what}: {self._where()} gave no answer ({_short(error)})", sent=True) from None
        if whole and len(read) > most:
            raise BadAnswerError(f"{what} was answered with more than {most} bytes")
        try:
            return self._checked(answer, moved=whole)
        except RateLimitedError as error:
            if self._pauses and limiter is not None:
                self.buckets.pause(limiter, error.retry_after)
            raise

    def read(self, once: Callable[[], T], *, patient: bool = True) -> T:
        """Do ``once``, which only reads, again while the server is not reached or (``patient``) asks to slow down."""
        for attempt in range(1, TRIES):
            try:
                return once()
            except UnreachableError:
                nap(random.uniform(0.5, 1.0) * 2 ** (attempt - 1))  # noqa: S311 - spreads tries, no secret
            except RateLimitedError as error:
                if not patient or error.retry_after > LONGEST_NAP:
                    raise
                nap(error.retry_after)
        return once()

    def _checked(self, answer: Answer, *, moved: bool) -> Answer:
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            named = answer.headers.get("x-ratelimit-limit", "")
            raise RateLimitedError(
                f"{answer.what}: {self._where()} asks to slow down",
                retry_after=_retry_after(answer.headers),
                told=answer.headers.get("retry-after", "").strip().isdigit(),
                limit=int(named) if named.isascii() and named.isdigit() and len(named) < 10 else None,
            )
        if answer.status >= 500 or answer.status in {408, 425}:
            raise UnreachableError(f"{answer.what}: {self._where()} answered {answer.status}", sent=True)
        if moved and 300 <= answer.status < 400:
            raise BadAnswerError(
                f"{answer.what}: {self._where()} redirects to another address; configure the address that it leads to"
            )
        return answer

    def _where(self) -> str:
        return self.base_url


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; read once, for it takes as long as several calls."""
    return httpx.create_ssl_context(trust_env=False)


def _short(error: Exception) -> str:
    """Kind and reason of a fault, for a human."""
    text = str(error)[:120]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return min(3600.0, max(1.0, float(headers.get("retry-after", ""))))
    except ValueError:  # none, or a date: proxies that limit by the second send neither
        return _until_reset(headers)


def _until_reset(headers: Mapping[str, str]) -> float:
    """Seconds until the end of the window that a server names: as a date or as seconds since 1970, by its own clock
    (Mastodon and its kin), or as seconds from now (Lemmy 1.0).
    """
    text = headers.get("x-ratelimit-reset", "")
    try:
        if text.isdigit() and float(text) < EPOCH:
            return min(3600.0, max(1.0, float(text)))
        reset = datetime.fromtimestamp(float(text), UTC) if text.isdigit() else datetime.fromisoformat(text)
        if reset.tzinfo is None:
            reset = reset.replace(tzinfo=UTC)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return min(3600.0, max(1.0, (reset - now).total_seconds()))
    except (ValueError, OverflowError, OSError, TypeError):
        return 10.0


def checked_url(url: str) -> str:
    """The address of a server as servers write it: the host in ASCII, no trailing slash, no port that goes without
    saying. Raises ``ValueError`` with a remedy.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL; write it like https://lemmy.example") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a web address; write it like https://lemmy.example")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without user, password, query or fragment")
    return (resolved(url) or url).rstrip("/")
