"""A Lemmy 0.19 or 1.0, its pict-rs and a remote instance to federate with, on three ports of 127.0.0.1."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from adapters.sandbox.clock import now
from adapters.sandbox.faults import Faults, FaultyApp
from adapters.sandbox.lemmy.accounts import add_account
from adapters.sandbox.lemmy.app import LemmyApp
from adapters.sandbox.lemmy.calling import Server
from adapters.sandbox.lemmy.federation import REMOTE_COMMUNITY, REMOTE_USER, Federation
from adapters.sandbox.lemmy.limits import RateLimiter
from adapters.sandbox.lemmy.remote import RemoteApp
from adapters.sandbox.lemmy.seeding import add_system_account, new_state
from adapters.sandbox.lemmy.sessions import log_in
from adapters.sandbox.lemmy.v4.accounts import NEVER
from adapters.sandbox.lemmy.v4.app import LemmyV4App
from adapters.sandbox.lemmy.v4.limits import WindowLimiter
from adapters.sandbox.pictrs import FileStore, PictrsApp
from adapters.sandbox.pictrs.validation import Validator
from adapters.sandbox.serving import LoopbackServer

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from adapters.sandbox.lemmy.state import State

# In this order: the oldest account has the most to say, and the bot is not the first administrator.
SEEDED = ("admin", "alice", "bob", "carol", "dave", "warden", "erin")
ADMINS = ("admin", "warden")
AGE = timedelta(hours=1)  # of the tokens that are there from the beginning

# What a client may ask for, and the first API of it that shows images.
VERSIONS: dict[str, Literal["v3", "v4"]] = {"0.19": "v3", "1.0": "v4"}
_TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account here. ``id`` is the number of the person, not of the local user."""

    id: int
    password: str
    jwt: str


class _Later:
    """An ASGI application that is set after its server has got its port."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class LemmySandbox:
    """Three servers, running between ``start`` and ``stop`` or inside a ``with``.

    ``version``: ``0.19`` or ``1.0``. ``default_limits``: Lemmy's own rate limits instead of hardly any.
    ``image_mode``: ``StoreLinkPreviews``, ``ProxyAllImages`` or ``None``; left out, it is what a new server of that
    version has: the first one for 0.19, the second for 1.0. ``thumbnail_again``: seconds until the thumbnail of a
    federated post is replaced. ``purge_delay``: seconds for which a purged file is still served. ``validation_url``:
    where pict-rs shows every file before it stores it (``media.external_validation``), on this machine.
    """

    def __init__(
        self,
        port: int = 0,
        pictrs_port: int = 0,
        default_limits: bool = False,
        faults: Faults | None = None,
        *,
        version: str = "0.19",
        image_mode: str | None = None,
        thumbnail_again: float = 3.0,
        purge_delay: float = 0.4,
        validation_url: str | None = None,
        validation_timeout: float = 30.0,
    ) -> None:
        self.faults = faults or Faults()
        self.pictrs_key = secrets.token_urlsafe(24)
        lemmy, pictrs, remote = _Later(), _Later(), _Later()
        self._lemmy = LoopbackServer(lemmy, port)
        self._pictrs = LoopbackServer(pictrs, pictrs_port)
        self._remote = LoopbackServer(remote)
        validator = None if validation_url is None else Validator(validation_url, validation_timeout)
        self.files = FileStore(purge_delay=purge_delay, validator=validator)
        self._state = new_state(self.url, default_limits=default_limits)
        api = VERSIONS[version]
        if image_mode is None:
            image_mode = "StoreLinkPreviews" if api == "v3" else "ProxyAllImages"
        if api == "v4":
            self._state.rate_limits.import_user_settings = 3
        self._server = Server(self._state, self.files, image_mode, api=api)
        self.federation = Federation(self._server, FileStore(), self.remote_url, thumbnail_again)
        self._server.resolve_remote = self.federation.resolve
        self.federation.link()
        lemmy.app = FaultyApp(self._application(), self.faults, "lemmy")
        pictrs.app = FaultyApp(PictrsApp(self.files, self.pictrs_key), self.faults, "pictrs")
        remote.app = FaultyApp(RemoteApp(self.federation.files), self.faults, "remote")
        self._ending = threading.Event()
        self._background: threading.Thread | None = None
        self.people = {name: self._seed(name) for name in SEEDED}

    def _application(self) -> ASGIApp:
        if self._server.api == "v3":
            return LemmyApp(self._server, RateLimiter(lambda: self._state.rate_limits).passes)
        return LemmyV4App(self._server, WindowLimiter(lambda: self._state.rate_limits))

    def _seed(self, name: str) -> Person:
        password = f"{name}-{secrets.token_urlsafe(12)}"
        user = add_account(self._state, name, password, admin=name in ADMINS)
        newer = self._server.api == "v4"
        if newer and len(self._state.local_users) == 1:
            add_system_account(self._state)
        token = log_in(self._state, user, address="127.0.0.1", exp=NEVER if newer else None, issued=now() - AGE)
        return Person(user.person_id, password, token)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``: the server's name in every address that it gives out."""
        return self._lemmy.url

    @property
    def pictrs_url(self) -> str:
        """Where pict-rs answers; ``pictrs_key`` opens its internal calls."""
        return self._pictrs.url

    @property
    def remote_url(self) -> str:
        """The pretend remote instance."""
        return self._remote.url

    @property
    def state(self) -> State:
        """The tables, with everything done that was due. Hold ``state.lock`` while the servers are in use."""
        for job in self._state.due():
            job()
        self.files.settle()
        return self._state

    def announcement(self) -> dict[str, Any]:
        """What a client needs to know to use the sandbox, as JSON."""
        people = {
            name: {"id": person.id, "password": person.password, "jwt": person.jwt}
            for name, person in self.people.items()
        }
        return {
            "platform": "lemmy",
            "version": self._server.version,
            "url": self.url,
            "pictrs_url": self.pictrs_url,
            "pictrs_key": self.pictrs_key,
            "people": people,
        }

    def start(self) -> Self:
        """Accept connections on all three ports."""
        for server in (self._lemmy, self._pictrs, self._remote):
            server.start()
        self._background = threading.Thread(target=self._work_in_background, name="sandbox-background", daemon=True)
        self._background.start()
        return self

    def _work_in_background(self) -> None:
        while not self._ending.wait(_TICK_SECONDS):
            for job in self._state.due():
                job()

    def stop(self) -> None:
        """End all three servers."""
        self.faults.closing.set()
        self._ending.set()
        if self._background is not None:
            self._background.join()
        servers = (self._lemmy, self._pictrs, self._remote)
        for server in servers:
            server.stop_soon()
        for server in servers:
            server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what a test does to the server from outside the API

    def stop_pictrs(self) -> None:
        """pict-rs goes away: its port refuses, and Lemmy can neither take nor show images."""
        self.files.available = False
        self._pictrs.stop()

    def start_pictrs(self) -> None:
        """pict-rs is back on its port, with all its files."""
        self.files.available = True
        self._pictrs.start()

    def revoke(self, jwt: str) -> None:
        """Forget a token."""
        with self._state.lock:
            self._state.tokens.pop(jwt, None)

    def expire(self, jwt: str) -> None:
        """Let the week of a token be over (1.0)."""
        with self._state.lock:
            self._state.tokens[jwt].exp = 0

    def demote(self, person: Person | int | str) -> None:
        """Take the administrator's rights away, without a trace in the mod log."""
        if isinstance(person, str):
            person = self.people[person]
        number = person if isinstance(person, int) else person.id
        with self._state.lock:
            self._state.local_users[number].admin = False

    def remote_file(self, data: bytes) -> str:
        """Put a picture on the remote instance; returns its URL."""
        return self.federation.host(data)

    def federate_post(
        self,
        *,
        community: str | int = REMOTE_COMMUNITY,
        author: str = REMOTE_USER,
        name: str = "from afar",
        url: str | None = None,
        body: str | None = None,
        image: bytes | None = None,
        published: datetime | None = None,
        nsfw: bool = False,
    ) -> int:
        """A post arrives from the remote instance; returns its number here.

        ``community`` is a name on the remote instance or the number of a community here. ``image`` is put on the
        remote instance and becomes the link of the post.
        """
        if image is not None:
            url = self.remote_file(image)
        place = (
            self.federation.community(community) if isinstance(community, str) else self._state.communities[community]
        )
        post = self.federation.post(place, author, name=name, url=url, body=body, published=published, nsfw=nsfw)
        return post.id

    def federate_comment(
        self,
        post_id: int,
        content: str,
        *,
        author: str = REMOTE_USER,
        parent_id: int | None = None,
        published: datetime | None = None,
    ) -> int:
        """A comment arrives from the remote instance; returns its number here."""
        parent = None if parent_id is None else self._state.comments[parent_id]
        return self.federation.comment(
            self._state.posts[post_id], author, content, parent=parent, published=published
        ).id


def serve(port: int = 0, default_limits: bool = False, version: str = "0.19") -> None:
    """Run until SIGINT or SIGTERM; the first line on the standard output is the announcement."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with LemmySandbox(port=port, default_limits=default_limits, version=version) as box:
        sys.stdout.write(json.dumps(box.announcement()) + "\n")
        sys.stdout.flush()
        ended.wait()
