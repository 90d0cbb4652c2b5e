"""Downloading what a post names, from hosts that may be hostile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.body import EncodingError, TooLargeError, TruncatedError, read_body
from bot.media.dial import CheckedDialer, CheckedTransport, Doorkeeper, ForbiddenAddressError, SystemResolver
from bot.ports import WITHIN, Fetched

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from bot.media.dial import Resolve
    from bot.ports import Clock, PrivateHost

USER_AGENT: Final = "fediwarden/0.1 (moderation bot)"
"""How the bot names itself to servers that it fetches media from."""

MAX_BYTES: Final = 64 * 1024 * 1024
"""Default bound of a body. Lemmy's pict-rs stores up to 40 MB, Mastodon images up to 16 MB, as they are shipped."""

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SOON: Final = timedelta(seconds=5)  # network trouble and 5xx: the caller spaces further tries out
_LATER: Final = timedelta(hours=1)  # other refusals: hotlink protection, a login wall
_KEPT: Final = timedelta(seconds=10)  # a text with a thousand pictures is asked for once, as its server's limits want
_LONGEST_RETRY: Final = timedelta(days=1)  # nobody gets to switch a file off by asking for a year


class HttpFetcher:
    """``Fetcher`` over HTTP(S).

    ``allowed``: hosts that may have a private address on exactly this port (the configured instances' own);
    ``private_hosts``: hosts that may on any port (``media.private_hosts``). ``max_bytes`` bounds the decoded body,
    ``timeout`` (seconds) each wait for the network, ``deadline`` (seconds) the whole download with its redirects.
    ``resolve`` and ``ssl_context`` default to the system's resolver and to certifi's authorities. ``within``: finds the
    picture of a SHA-256, and the type it claims, in an answer of a configured instance (``WITHIN``).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        allowed: Sequence[PrivateHost],
        private_hosts: Sequence[str] = (),
        max_bytes: int = MAX_BYTES,
        timeout: float = 10.0,
        deadline: float = 60.0,
        resolve: Resolve | None = None,
        ssl_context: ssl.SSLContext | None = None,
        within: Callable[[bytes, str], tuple[str, bytes] | None] = lambda _, __: None,
    ) -> None:
        self._clock = clock
        self._within = within
        self._text: tuple[httpx.URL, datetime, bytes] | None = None  # the last one that was read for a picture in it
        self._own = {(entry.host.lower(), entry.port) for entry in allowed}
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._system = SystemResolver()
        self._elsewhere = {(entry.host.lower(), entry.port): entry for entry in allowed if entry.at}
        self._client = httpx.AsyncClient(
            transport=CheckedTransport(
                CheckedDialer(Doorkeeper(allowed, private_hosts), resolve or self._system),
                ssl_context or httpx.create_ssl_context(trust_env=False),
            ),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none are kept, none are sent
            headers={"User-Agent": USER_AGENT, "Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity"},
        )

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._client.aclose()
        self._system.close()

    async def fetch(self, url: str) -> Fetched | Unscannable:
        """See ``Fetcher``. A time to try again is given for everything that may pass."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._follow(url)
        except TimeoutError:
            return self._later(f"not complete after {self._deadline:g} s")
        except ForbiddenAddressError as error:
            return Unscannable(kind=UnscannableKind.FORBIDDEN_ADDRESS, detail=str(error))
        except TooLargeError as error:
            return Unscannable(kind=UnscannableKind.TOO_LARGE, detail=str(error))
        except (TruncatedError, EncodingError) as error:
            return self._later(str(error))
        except httpcore.TimeoutException as error:
            return self._later(f"no answer in time ({type(error).__name__})")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return self._later(f"{type(error).__name__}: {error}"[:300])

    async def _follow(self, url: str) -> Fetched | Unscannable:
        target = _address_of(url)
        fragment = url.partition("#")[2]
        inner, digest = fragment.startswith(WITHIN), fragment.removeprefix(WITHIN)
        if inner:
            kept = await self._in_kept(url, target, digest)
            if kept is not None:
                return kept
        for _ in range(MAX_REDIRECTS + 1):
            request = self._request(target)
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    target = _address_of(response.headers["location"], base=target)
                    continue
                if response.status_code != httpx.codes.OK:
                    return self._refused(response)
                data = await read_body(response, self._max_bytes)
            finally:
                await response.aclose()
            declared = response.headers.get("content-type", "")
            if inner and declared.startswith("application/json") and self._is_own(target):
                self._text = _address_of(url), self._clock.now(), data
                found = await self._inner(url, data, digest)
                return found or Unscannable(kind=UnscannableKind.GONE, detail="the text carries this picture no more")
            return Fetched(url=url, final_url=str(target), data=data, declared_type=declared or None)
        return self._later(f"more than {MAX_REDIRECTS} redirects", _LATER)

    def _is_own(self, target: httpx.URL) -> bool:
        return (target.host.lower(), _port(target)) in self._own

    async def _in_kept(self, url: str, target: httpx.URL, digest: str) -> Fetched | None:
        """What a text that was read just now has; what it has not may be new in it."""
        if self._text is None or self._text[0] != target:
            return None
        if not timedelta(0) <= self._clock.now() - self._text[1] < _KEPT:
            self._text = None
            return None
        return await self._inner(url, self._text[2], digest)

    async def _inner(self, url: str, answer: bytes, digest: str) -> Fetched | None:
        found = await asyncio.to_thread(self._within, answer, digest)
        if found is None:
            return None
        return Fetched(url=url, final_url=url, data=found[1], declared_type=found[0])

    def _request(self, target: httpx.URL) -> httpx.Request:
        entry = self._elsewhere.get((target.host.lower(), _port(target)))
        if entry is None:
            return self._client.build_request("GET", target)
        path = target.raw_path.decode("ascii")
        return self._client.build_request("GET", f"{entry.at.rstrip('/')}{path}", headers=dict(entry.headers))

    def _refused(self, response: httpx.Response) -> Unscannable:
        code = response.status_code
        if code in {404, 410}:
            return Unscannable(kind=UnscannableKind.GONE, detail=f"HTTP {code}")
        wait = _LATER if 400 <= code < 429 else _SOON
        return self._later(f"HTTP {code}", self._retry_after(response) or wait)

    def _retry_after(self, response: httpx.Response) -> timedelta | None:
        """RFC 9110, 10.2.3: seconds, or a date; ``None`` for what is neither or is over."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            wait = timedelta(seconds=int(text[:9]))
        else:
            try:
                when = parsedate_to_datetime(text)
            except ValueError:
                return None
            wait = _utc(when) - self._clock.now()
        return min(wait, _LONGEST_RETRY) if wait > timedelta(0) else None

    def _later(self, detail: str, wait: timedelta = _SOON) -> Unscannable:
        return Unscannable(kind=UnscannableKind.UNREACHABLE, detail=detail, retry_at=self._clock.now() + wait)


def _port(target: httpx.URL) -> int:
    return target.port or {"http": 80, "https": 443}.get(target.scheme, 0)


def _utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def _address_of(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """An absolute http(s) URL without credentials and fragment; anything else is ``ForbiddenAddressError``."""
    try:
        url = base.join(text) if base is not None else httpx.URL(text)
        url = url.copy_with(username=None, password=None, fragment=None)
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: among others the IDNA codec's
        raise ForbiddenAddressError(f"not an address: {error}"[:200]) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ForbiddenAddressError(f"only http and https are fetched, not {url.scheme[:20]!r}")
    return url
