"""A Mastodon on a port of 127.0.0.1, with the people of the recordings."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from adapters.sandbox.faults import Faults, FaultyApp
from adapters.sandbox.loopback import require_loopback
from adapters.sandbox.mastodon.app import MastodonApp
from adapters.sandbox.mastodon.calling import Server
from adapters.sandbox.mastodon.federation import Federation
from adapters.sandbox.mastodon.files import Files
from adapters.sandbox.mastodon.limits import RateLimiter
from adapters.sandbox.mastodon.seeding import seed
from adapters.sandbox.mastodon.state import State
from adapters.sandbox.mastodon.streaming import HEARTBEAT, StreamingApp
from adapters.sandbox.mastodon.versions import VERSIONS, Name
from adapters.sandbox.mastodon.web import BELOW, WebApp
from adapters.sandbox.mastodon.webhooks import Webhooks, soon
from adapters.sandbox.serving import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account here. ``tokens`` are by label: everybody has one called ``full``."""

    id: str
    email: str
    password: str
    tokens: dict[str, str]
    totp_secret: str | None = None


class _Later:
    """An ASGI application that is set after its server has got its port."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class MastodonSandbox:
    """A server and its streaming server, running between ``start`` and ``stop`` or inside a ``with``.

    ``version``: ``4.3`` or ``4.6``. ``default_limits``: Mastodon's own rate limits instead of none. ``processing``:
    seconds until a video is ready. ``separate_file_server``: what is not public is not handed out, as with a web server
    that runs as another user; otherwise Mastodon hands its files out itself, whatever their mode. ``webhook_url``:
    where webhooks are delivered, on this machine; ``webhook_secret`` signs them, ``webhook_pause`` gives the seconds
    before each new try. ``heartbeat``: seconds between two signs of life on a stream.
    """

    def __init__(
        self,
        version: Name = "4.6",
        port: int = 0,
        *,
        default_limits: bool = False,
        faults: Faults | None = None,
        processing: float = 1.0,
        separate_file_server: bool = False,
        webhook_url: str | None = None,
        webhook_pause: Callable[[int], float] = soon,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        if webhook_url is not None:
            require_loopback(webhook_url)
        self.faults = faults or Faults()
        self.version = VERSIONS[version]
        self.webhook_url = webhook_url
        self.webhook_secret = secrets.token_hex(20)
        later, later_streams = _Later(), _Later()
        self._http = LoopbackServer(later, port)
        self._streams = LoopbackServer(later_streams, sockets=True)
        self.state = State(url=self.url, version=self.version, files=Files(separate_server=separate_file_server))
        tokens = seed(self.state)
        self.federation = Federation(self.state)
        self.server = Server(self.state, self.federation, processing, self.streaming_url)
        self.limiter = limiter = RateLimiter(enforced=default_limits)
        self.app = MastodonApp(self.server, limiter)
        self.web = WebApp(self.state, limiter)
        self.server.web_user, self.server.web_cookies = self.web.user, self.web.renew
        self.app.mounted += [(below, self.web) for below in BELOW]
        self.streaming = StreamingApp(self.state, heartbeat=heartbeat)
        self.webhooks = (
            None if webhook_url is None else Webhooks(self.state, webhook_url, self.webhook_secret, pause=webhook_pause)
        )
        later.app = FaultyApp(self.app, self.faults, "mastodon")
        later_streams.app = FaultyApp(self.streaming, self.faults, "streaming", streams=True)
        self.people = {name: self._person(name, found) for name, found in tokens.items()}

    def _person(self, name: str, tokens: dict[str, str]) -> Person:
        account = self.state.local(name)
        if account is None or account.user is None:
            raise ValueError(f"{name} has no login")
        user = account.user
        return Person(
            id=str(account.id),
            email=user.email,
            password=user.password,
            tokens=tokens,
            totp_secret=user.totp_secret,
        )

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: the server's name in every address that it gives out."""
        return self._http.url

    @property
    def streaming_url(self) -> str:
        """Where the streaming server answers: ``http://127.0.0.1:PORT``, and ``ws://`` at the same port."""
        return self._streams.url

    def announcement(self) -> dict[str, Any]:
        """What a client needs to know to use the sandbox, as JSON."""
        people = {
            name: {"id": person.id, "email": person.email, "password": person.password, "tokens": person.tokens}
            | ({} if person.totp_secret is None else {"totp_secret": person.totp_secret})
            for name, person in self.people.items()
        }
        return {
            "platform": "mastodon",
            "version": self.version.number,
            "url": self.url,
            "streaming_url": self.streaming_url,
            "host": self.state.host,
            "people": people,
            "webhook_secret": self.webhook_secret,
        }

    def start(self) -> Self:
        """Accept connections."""
        self._http.start()
        self._streams.start()
        if self.webhooks is not None:
            self.webhooks.start()
        return self

    def stop(self) -> None:
        """End both servers and the webhooks."""
        self.faults.closing.set()
        self.streaming.close()
        for server in (self._http, self._streams):
            server.stop_soon()
        for server in (self._http, self._streams):
            server.stop()
        if self.webhooks is not None:
            self.webhooks.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(version: Name = "4.6", port: int = 0, *, default_limits: bool = True, webhook_url: str | None = None) -> None:
    """Run until SIGINT or SIGTERM; the first line on the standard output is the announcement."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with MastodonSandbox(version, port, default_limits=default_limits, webhook_url=webhook_url) as box:
        sys.stdout.write(json.dumps(box.announcement()) + "\n")
        sys.stdout.flush()
        ended.wait()
