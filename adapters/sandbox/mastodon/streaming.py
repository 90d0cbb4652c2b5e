"""The streaming server: a process of its own at Mastodon, with an address of its own, for events as they happen.

Two ways in: server-sent events, one channel a connection, and WebSocket, with any number of channels. Nothing is told
twice, and nothing that happened before. Not here: hashtags, lists and direct messages.

https://github.com/mastodon/mastodon/blob/main/streaming/index.js
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from adapters.sandbox.mastodon.streaming_events import Events
from adapters.sandbox.mastodon.streaming_listeners import Listener, Refused, admitted
from adapters.sandbox.serving import cut

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from adapters.sandbox.mastodon.state import State

BELOW = "/api/v1/streaming"
HEARTBEAT = 15.0  # seconds
# Names of channels by path; with ``only_media`` those of media.
_PATHS = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
}
_CHANNELS = {*_PATHS.values(), "public:media", "public:local:media", "public:remote:media"}
_TRUE = {"1", "t", "T", "true", "TRUE", "on", "ON"}


class StreamingApp:
    """The ASGI application. ``heartbeat``: seconds between two signs of life on a stream of events."""

    def __init__(self, state: State, *, heartbeat: float = HEARTBEAT) -> None:
        self._state = state
        self._heartbeat = heartbeat
        self.events = Events(state)
        state.subscribe(self.events.take)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or hold one socket."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._stream(scope, receive, send)

    def stall(self) -> None:
        """From now on no stream says anything, and none ends: what a broken proxy looks like."""
        self.events.stalled = True

    def drop(self) -> None:
        """Cut every connection without a word."""
        self.events.end_all(abruptly=True)

    def close(self) -> None:
        """End every connection in order."""
        self.events.end_all(abruptly=False)

    # -- server-sent events

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = _query(scope)
        path = scope["path"].removeprefix(BELOW).strip("/")
        if path == "health":
            await _start(send, 200, "text/plain", cache="private, no-store")
            await send({"type": "http.response.body", "body": b"OK"})
            return
        try:
            channel = _channel(path, query)
            listener = admitted(self._state, _token(scope, query), channel)
        except Refused as refused:
            await _start(send, refused.status, "application/json")
            await send({"type": "http.response.body", "body": json.dumps({"error": refused.error}).encode()})
            return
        await _start(send, 200, "text/event-stream", cache="private, no-store")
        listener.channels.add(channel)
        self.events.add(listener)
        try:
            await self._tell(listener, scope, receive, send)
        finally:
            self.events.remove(listener)

    async def _tell(self, listener: Listener, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(text: str, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

        gone = asyncio.create_task(_gone(receive))
        try:
            await say(":)\n")
            following = asyncio.create_task(listener.queue.get())
            while True:
                done, _ = await asyncio.wait({following, gone}, timeout=self._heartbeat, return_when="FIRST_COMPLETED")
                if gone in done:
                    following.cancel()
                    return
                if following not in done:
                    if not self.events.stalled:
                        await say(":thump\n")
                    continue
                message = following.result()
                if message is None:
                    if listener.abruptly:
                        cut(scope)
                        await gone
                    else:
                        await say("", more=False)
                    return
                await say(f"event: {message.event}\ndata: {message.payload}\n\n")
                following = asyncio.create_task(listener.queue.get())
        finally:
            gone.cancel()

    # -- WebSocket

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the request for a connection
        query = _query(scope)
        protocols = scope.get("subprotocols") or []
        try:
            listener = admitted(self._state, _token(scope, query) or next(iter(protocols), None))
        except Refused as refused:
            headers = [(b"content-type", b"text/plain"), (b"x-error-message", refused.error.encode())]
            await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        await send({"type": "websocket.accept", "subprotocol": next(iter(protocols), None)})
        self.events.add(listener)
        reading = asyncio.create_task(self._read(listener, query, receive, send))
        try:
            while True:
                following = asyncio.create_task(listener.queue.get())
                await asyncio.wait({following, reading}, return_when="FIRST_COMPLETED")
                if not following.done():
                    following.cancel()
                    return
                message = following.result()
                if message is None:
                    if listener.abruptly:
                        cut(scope)
                    else:
                        await send({"type": "websocket.close", "code": 1001})
                    return
                told = {"stream": [message.channel], "event": message.event, "payload": message.payload}
                await _send_json(send, told)
        finally:
            self.events.remove(listener)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self, listener: Listener, query: dict[str, str], receive: Receive, send: Send) -> None:
        """Follow what the client wants to hear, until it goes."""
        if "stream" in query:
            await self._obey(listener, {"type": "subscribe", "stream": query["stream"]}, send)
        while (message := await receive())["type"] == "websocket.receive":
            try:
                wanted = json.loads(message.get("text") or "")
            except ValueError:
                continue
            if isinstance(wanted, dict):
                await self._obey(listener, wanted, send)

    async def _obey(self, listener: Listener, wanted: dict[str, Any], send: Send) -> None:
        channel = str(wanted.get("stream"))
        if channel not in _CHANNELS:
            await _send_json(send, {"error": "Unknown stream type", "status": 400})
        elif wanted.get("type") == "unsubscribe":
            listener.channels.discard(channel)
        elif wanted.get("type") == "subscribe":
            try:
                listener.require_scope(channel)
            except Refused as refused:
                await _send_json(send, {"error": refused.error, "status": refused.status})
                return
            listener.channels.add(channel)


def _channel(path: str, query: dict[str, str]) -> str:
    channel = _PATHS.get(path)
    if channel is None:
        raise Refused(400, "Unknown channel requested")
    return f"{channel}:media" if channel.startswith("public") and query.get("only_media") in _TRUE else channel


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, status: int, kind: str, *, cache: str | None = None) -> None:
    headers = [(b"content-type", kind.encode())]
    if cache is not None:
        headers.append((b"cache-control", cache.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send_json(send: Send, value: dict[str, Any]) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    await send({"type": "websocket.send", "text": text})


def _query(scope: Scope) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


def _token(scope: Scope, query: dict[str, str]) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode("latin-1")).removeprefix("Bearer ").strip()
    return query.get("access_token")
