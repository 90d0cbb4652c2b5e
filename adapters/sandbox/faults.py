"""Faults that a test can plant in a sandbox server. Nothing of this is reachable over HTTP."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from adapters.sandbox.serving import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer this instead of what the server would say."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait until ``release`` is set; ``arrived`` is set when the request has come this far."""

    release: threading.Event
    arrived: threading.Event


@dataclass(frozen=True, slots=True)
class Truncate:
    """Let the server do its work, send half of the answer's body and close the connection."""


Action = Respond | Drop | Delay | Hold | Truncate


def respond(status: int, body: bytes | str = b"", content_type: str = "application/json", **headers: str) -> Respond:
    """Answer with this status and body; of ``headers`` an underscore is written as a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Respond(status, body.encode() if isinstance(body, str) else body, content_type, named)


def drop() -> Drop:
    """Close the connection without an answer."""
    return Drop()


def delay(seconds: float) -> Delay:
    """Wait so many seconds."""
    return Delay(seconds)


def hold(release: threading.Event, arrived: threading.Event | None = None) -> Hold:
    """Wait until ``release`` is set; sets ``arrived`` when the request is there."""
    return Hold(release, arrived or threading.Event())


def truncate() -> Truncate:
    """Cut the answer in the middle of its body."""
    return Truncate()


@dataclass(slots=True)
class _Rule:
    method: str
    path: re.Pattern[str]
    action: Action
    times: int
    server: str | None
    body: re.Pattern[bytes] | None


@dataclass(slots=True)
class Faults:
    """What is to go wrong, and when.

    A rule applies to requests whose method is ``method`` (``*`` for any) and whose path, or path with query, contains
    a match of ``path_regex``; after ``times`` requests it is used up. ``server`` narrows it to one server by name,
    ``body_regex`` to requests that say such a thing.
    """

    _before: list[_Rule] = field(default_factory=list)
    _after: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def before(
        self,
        method: str,
        path_regex: str,
        action: Action,
        times: int = 1,
        *,
        server: str | None = None,
        body_regex: str | None = None,
    ) -> None:
        """Do ``action`` before the server sees the request. ``respond`` and ``drop`` keep it from being processed."""
        with self._lock:
            self._before.append(_rule(method, path_regex, action, times, server, body_regex))

    def after(
        self,
        method: str,
        path_regex: str,
        action: Action,
        times: int = 1,
        *,
        server: str | None = None,
        body_regex: str | None = None,
    ) -> None:
        """Do ``action`` after the server has processed the request and before its answer goes out."""
        with self._lock:
            self._after.append(_rule(method, path_regex, action, times, server, body_regex))

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._before.clear()
            self._after.clear()

    def left(self) -> list[str]:
        """What was planted and has not come to pass yet, or not as often as it should."""
        with self._lock:
            return [f"{rule.method} {rule.path.pattern}: {rule.action}" for rule in (*self._before, *self._after)]

    def reads(self, server: str, method: str) -> bool:
        """Whether it may take the body of such a request to know what is to go wrong with it."""
        with self._lock:
            return any(
                rule.body is not None and rule.method in {"*", method} and rule.server in {None, server}
                for rule in (*self._before, *self._after)
            )

    def take(
        self, stage: str, server: str, method: str, path: str, query: str, body: bytes | None = None
    ) -> list[Action]:
        """The actions due for one request, each counted as used."""
        rules = self._before if stage == "before" else self._after
        full = f"{path}?{query}" if query else path
        due = []
        with self._lock:
            for rule in rules:
                if (
                    rule.times > 0
                    and rule.method in {"*", method}
                    and rule.server in {None, server}
                    and (rule.path.search(path) or rule.path.search(full))
                    and (rule.body is None or (body is not None and rule.body.search(body)))
                ):
                    rule.times -= 1
                    due.append(rule.action)
            rules[:] = [rule for rule in rules if rule.times > 0]
        return due


def _rule(method: str, path: str, action: Action, times: int, server: str | None, body: str | None) -> _Rule:
    said = None if body is None else re.compile(body.encode())
    return _Rule(method, re.compile(path), action, times, server, said)


class FaultyApp:
    """An ASGI application behind the faults of a test.

    ``streams``: its answers have no end, so that they are passed on piece by piece, and only faults before them apply.
    """

    def __init__(self, app: ASGIApp, faults: Faults, server: str, *, streams: bool = False) -> None:
        self._streams = streams
        self._app = app
        self._faults = faults
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the planted actions around the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        cuts_answer, body = False, None
        if self._faults.reads(self._server, method):
            body, receive = await _read(receive)
        for action in self._faults.take("before", self._server, method, path, query, body):
            if isinstance(action, Truncate):
                cuts_answer = True
            elif await self._act(action, scope, receive, send):
                return
        if self._streams:
            await self._app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        for action in self._faults.take("after", self._server, method, path, query, body):
            if isinstance(action, Truncate):
                cuts_answer = True
            elif await self._act(action, scope, receive, send):
                return
        if cuts_answer:
            await self._send_half(answer, scope, receive, send)
            return
        for message in answer:
            await send(message)

    async def _act(self, action: Action, scope: Scope, receive: Receive, send: Send) -> bool:
        """Carry out one action; true if the request has been dealt with."""
        if isinstance(action, Respond):
            headers = [
                (b"content-type", action.content_type.encode()),
                (b"content-length", str(len(action.body)).encode()),
                *((name.encode(), value.encode()) for name, value in action.headers.items()),
            ]
            await send({"type": "http.response.start", "status": action.status, "headers": headers})
            await send({"type": "http.response.body", "body": action.body})
            return True
        if isinstance(action, Drop):
            await self._cut(scope, receive)
            return True
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
        elif isinstance(action, Hold):
            action.arrived.set()
            await run_in_threadpool(self._wait, action.release)
        return False

    def _wait(self, release: threading.Event) -> None:
        while not release.wait(0.02) and not self._faults.closing.is_set():
            pass

    async def _send_half(self, answer: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
        body = b"".join(message.get("body", b"") for message in answer if message["type"] == "http.response.body")
        start = dict(answer[0])
        # The full length is announced, so that a client can tell that something is missing.
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(max(len(body), 1)).encode())]
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.05)
        await self._cut(scope, receive)

    @staticmethod
    async def _cut(scope: Scope, receive: Receive) -> None:
        cut(scope)
        # The server says 500 for an application that ends without an answer while the connection looks open.
        while (await receive())["type"] != "http.disconnect":
            pass


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The body of a request, and what gives it once more."""
    messages: list[Message] = []
    while True:
        messages.append(await receive())
        if not messages[-1].get("more_body"):
            break
    body = b"".join(message.get("body", b"") for message in messages)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, again
