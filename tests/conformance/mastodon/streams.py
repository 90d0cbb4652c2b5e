"""Listening to the streaming server: server-sent events, and as much of WebSocket as a subscription needs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from ..waiting import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Server

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass(slots=True)
class Stream:
    """What came over one connection: comments, and events with their payload."""

    comments: list[str] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)  # WebSocket only
    channels: list[list[str]] = field(default_factory=list)  # WebSocket only: which channel each event came on
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def ids(self, event: str) -> list[str]:
        """The ids in the payloads of one kind of event."""
        return [data if isinstance(data, str) else data["id"] for kind, data in self.events if kind == event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One stream to open: ``path`` below ``/api/v1/streaming``, or the channels to subscribe to by WebSocket."""

    token: str
    path: str = ""
    subscribe: tuple[str, ...] = ()


def base(server: Server, told: str) -> str:
    """The HTTP address of the streaming server; ``told`` is what the instance says."""
    found = (server.streaming_url or told).rstrip("/").removesuffix("/api/v1/streaming")
    return f"http{found.removeprefix('ws')}" if found.startswith("ws") else found


def watch(
    server: Server,
    address: str,
    wanted: dict[str, Wanted],
    deeds: Callable[[], object],
    finished: Callable[[dict[str, Stream]], bool],
) -> dict[str, Stream]:
    """Open the streams, do the deeds, and collect until ``finished``."""
    return asyncio.run(_watch(server, address, wanted, deeds, finished))


async def _watch(
    server: Server,
    address: str,
    wanted: dict[str, Wanted],
    deeds: Callable[[], object],
    finished: Callable[[dict[str, Stream]], bool],
) -> dict[str, Stream]:
    streams = {name: Stream() for name in wanted}
    readers = [
        asyncio.create_task((_socket if want.subscribe else _sse)(server, address, want, streams[name]))
        for name, want in wanted.items()
    ]
    try:
        opening = asyncio.gather(*(stream.opened.wait() for stream in streams.values()))
        ended = asyncio.wait([*readers, asyncio.ensure_future(opening)], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait_for(ended, DEADLINE)
        for reader in readers:
            if reader.done():
                reader.result()
        await opening
        await asyncio.to_thread(deeds)
        async with asyncio.timeout(DEADLINE):
            while not finished(streams):
                for reader in readers:
                    if reader.done():
                        reader.result()
                await asyncio.sleep(0.02)
    finally:
        for reader in readers:
            reader.cancel()
        for reader in readers:
            with suppress(asyncio.CancelledError, httpx.HTTPError, OSError, asyncio.IncompleteReadError):
                await reader
    return streams


async def _sse(server: Server, address: str, want: Wanted, stream: Stream) -> None:
    headers = server.headers | {"Authorization": f"Bearer {want.token}"}
    async with (
        httpx.AsyncClient(timeout=DEADLINE, headers=headers) as client,
        client.stream("GET", f"{address}/api/v1/streaming/{want.path}") as answer,
    ):
        assert answer.status_code == 200, answer.status_code
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                stream.comments.append(line)
                stream.opened.set()
            elif line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                stream.events.append((kind, _payload(kind, line.removeprefix("data: "))))


def _payload(kind: str, text: str) -> Any:
    return text if kind == "delete" else json.loads(text)


async def _socket(server: Server, address: str, want: Wanted, stream: Stream) -> None:
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), ssl=ssl.create_default_context() if secure else None
    )
    try:
        headers = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Authorization": f"Bearer {want.token}",
        } | server.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET /api/v1/streaming HTTP/1.1\r\n{lines}\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        assert " 101 " in answer.splitlines()[0], answer
        for channel in want.subscribe:
            writer.write(_frame(_TEXT, json.dumps({"type": "subscribe", "stream": channel}).encode()))
        stream.opened.set()
        while True:
            kind, content = await _read(reader)
            if kind == _PING:
                writer.write(_frame(_PONG, content))
            elif kind == _CLOSE:
                return
            elif kind == _TEXT:
                _take(json.loads(content), stream)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _take(message: dict[str, Any], stream: Stream) -> None:
    if "error" in message:
        stream.errors.append(message)
        return
    stream.channels.append(message["stream"])
    stream.events.append((message["event"], _payload(message["event"], message["payload"])))


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One frame; a server's are not masked. These are never fragmented."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await reader.readexactly(8))
    return first & 0x0F, await reader.readexactly(length)


def _frame(kind: int, content: bytes) -> bytes:
    """A frame of a client's: masked, and short enough for two bytes of length."""
    mask = os.urandom(4)
    length = (
        struct.pack(">BB", 0x80 | kind, 0x80 | len(content))
        if len(content) < 126
        else (struct.pack(">BBH", 0x80 | kind, 0xFE, len(content)))
    )
    return length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
