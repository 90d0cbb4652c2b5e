"""Public posts as they appear, from Mastodon's streaming server, by server-sent events.

A stream says nothing of what happened while nobody listened, so that each connection leaves a mark: the timeline of
the same posts is then read again from the moment on at which the last word came. Nor does it carry replies to others,
unlisted posts, boosts, limited accounts, and posts that came more than six hours late (streaming/index.js, and
app/workers/distribution_worker.rb); those are for webhooks, timelines and sweeps.
"""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import structlog

from adapters.http import Answer, user_agent
from adapters.mastodon import errors
from adapters.mastodon.letters import Kept, letter_of
from bot.domain.errors import LedgerError, NotLoggedInError, NotPermittedError, PlatformError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server
    from bot.ports import Clock, Inbox

log = structlog.get_logger(__name__)

STALL = 45.0
"""Seconds without a byte after which a connection counts as dead: Mastodon says ``:thump`` every fifteen."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries to connect."""

REFUSED_PAUSE = 300.0
"""The same where the server does not want us: an operator has to act first."""

STEADY = 60.0
"""Seconds that a connection has to live so that the next pause is a short one again."""

MOST_BYTES = 4 * 1024 * 1024
"""Of one event. A post of the largest size is a tenth of it."""

_BY_EVENTS = frozenset({"mastodon", "hometown", "glitch", "glitch-soc", "fedibird"})
"""Software that streams by server-sent events; others speak WebSocket only, or have streams of their own."""


class StreamPush:
    """One channel: the posts of one public timeline."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        inbox: Inbox,
        clock: Clock,
        *,
        local: bool,
        only_media: bool,
        stall: float = STALL,
        shortest_pause: float = 1.0,
    ) -> None:
        """``stall``: seconds without a byte until it connects again. Contacts nobody yet."""
        which = "local" if local else "remote"
        instance = client.settings.id
        self._name = f"{instance}/stream-{which}"
        self._timeline = f"{instance}/{which}"
        self._path = f"/api/v1/streaming/public/{which}" + ("?only_media=true" if only_media else "")
        self._client = client
        self._server = server
        self._inbox = inbox
        self._clock = clock
        self._stall = stall
        self._shortest_pause = shortest_pause
        self._heard: datetime | None = None  # the last byte, or the start of the first try
        self._trouble = "not connected yet"

    @property
    def name(self) -> str:
        """``mastodon-main/stream-local``: of the push and of its letters."""
        return self._name

    def trouble(self) -> str:
        """Why nothing is heard now."""
        return self._trouble

    async def run(self) -> None:
        """Until it is cancelled; connects again whenever it has to. Ends where the server has no such streams."""
        pause = self._shortest_pause
        while True:
            began = asyncio.get_running_loop().time()
            self._heard = self._heard or self._clock.now()
            try:
                url = await self._address()
                if url is None:
                    self._trouble = ""
                    log.info("this server does not stream in a way that is known here: it is polled", push=self._name)
                    return
                await self._listen(url)
                why = "the server closed the stream"
            except (NotLoggedInError, NotPermittedError) as error:
                why, pause = str(error), REFUSED_PAUSE
            except (PlatformError, LedgerError) as error:
                why = str(error)
            self._trouble = why
            log.warning("not listening", push=self._name, reason=why)
            if asyncio.get_running_loop().time() - began > STEADY:
                pause = self._shortest_pause
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 - spreads tries, no secret
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _address(self) -> str | None:
        if self._client.settings.streaming.url is not None:
            return self._client.settings.streaming.url + self._path
        server = await asyncio.to_thread(self._server.now)
        if server.software not in _BY_EVENTS or server.streaming is None:
            return None
        return server.streaming + self._path

    async def _listen(self, url: str) -> None:
        """Until the connection ends, whichever way. Raises ``PlatformError`` and ``LedgerError``."""
        timeout = httpx.Timeout(self._stall, connect=10.0)
        headers = {**self._headers(url), "User-Agent": user_agent(), "Accept": "text/event-stream"}
        try:
            async with (
                httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False) as http,
                http.stream("GET", url, headers=headers) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    await self._refused(answer)
                await self._mark()
                async for event, data in _events(answer, self._hear):
                    await self._take(event, data)
        except httpx.ReadTimeout:
            raise UnreachableError(f"the stream said nothing for {self._stall:.0f} s", sent=True) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            raise UnreachableError(f"the streaming server cannot be heard ({kind})", sent=True) from None

    def _headers(self, url: str) -> Mapping[str, str]:
        """The server's name is for what stands at its own address; a streaming server elsewhere has its own."""
        client = self._client
        ours = urlsplit(client.settings.url).hostname == urlsplit(url).hostname
        return client.headers if ours else client.authorization

    async def _refused(self, answer: httpx.Response) -> None:
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        what = f"GET {self._path.partition('?')[0]}"
        told = Answer(what=what, status=answer.status_code, headers=answer.headers, body=bytes(body))
        if answer.status_code >= 500:
            raise UnreachableError(f"{what}: the streaming server answers {answer.status_code}", sent=True)
        errors.check(told)
        raise UnreachableError(f"{what}: the streaming server answers {answer.status_code}", sent=True)

    def _hear(self) -> None:
        self._heard = self._clock.now()

    async def _mark(self) -> None:
        """Have the timeline read again from when the last word was heard."""
        since = self._heard or self._clock.now()
        await asyncio.to_thread(self._inbox.deliver, self._timeline, {"since": since.isoformat()})
        self._hear()
        self._trouble = ""
        log.info("listening", push=self._name)

    async def _take(self, event: str, data: str) -> None:
        try:
            what: Any = data if event == "delete" else json.loads(data)
        except (ValueError, RecursionError):
            await asyncio.to_thread(self._inbox.drop, self._name, "not understood")
            return
        letter = letter_of(event, what)
        if isinstance(letter, Kept):
            await asyncio.to_thread(self._inbox.deliver, self._name, letter.payload)
        else:
            await asyncio.to_thread(self._inbox.drop, self._name, letter.reason)


async def _events(answer: httpx.Response, heard: Any) -> AsyncIterator[tuple[str, str]]:
    """Events as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation.

    ``heard`` is called for every piece, comments included.
    """
    event, size, rest = "", 0, ""  # size: of what has come of an event in whole lines
    data: list[str] = []
    async for piece in answer.aiter_text():
        heard()
        *lines, rest = (rest + piece).split("\n")
        for line in (one.removesuffix("\r") for one in lines):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if event and data:
                    yield event, "\n".join(data)
                event, data, size = "", [], 0
                continue
            if name == "event":
                event = value
            elif name == "data":
                data.append(value)
            size = size + len(line) if event or data else 0
            _bounded(size)
        _bounded(size + len(rest))


def _bounded(size: int) -> None:
    if size > MOST_BYTES:
        raise UnreachableError("an event of the stream is too long", sent=True)
