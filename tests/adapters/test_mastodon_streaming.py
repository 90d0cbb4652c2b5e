from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import picture
from mastodon_reading import awaited, connect, drained, running, seen, until
from mastodon_square import both
from raw_server import answer, serving

from adapters.http import Transport
from adapters.mastodon import streaming
from adapters.mastodon.client import MastodonClient
from adapters.mastodon.server import Server
from adapters.mastodon.settings import MastodonSettings
from adapters.mastodon.streaming import StreamPush
from bot.clock import SystemClock
from bot.ledger import open_ledger

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from mastodon_square import Square

    from bot.ports import Ledger

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def push(
    url: str, ledger: Ledger, *, instance_url: str = "http://127.0.0.1:9", stall: float = 30.0, **changes: Any
) -> StreamPush:
    """The stream of local posts, straight from an address."""
    block = {"id": "main", "url": instance_url, "token": "t" * 20, "streaming": {"url": url}} | changes
    settings = MastodonSettings.model_validate(block)
    client = MastodonClient(settings, Transport(settings.url))
    clock = SystemClock()
    return StreamPush(
        client, Server(client), ledger, clock, local=True, only_media=True, stall=stall, shortest_pause=0.01
    )


@pytest.fixture
def ledger() -> Ledger:
    return open_ledger("sqlite://", clock=SystemClock())


def stalling(*pieces: bytes) -> tuple[Callable[[socket.socket], None], threading.Event]:
    """Say something, then nothing, without closing."""
    over = threading.Event()

    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        over.wait(60)

    return script, over


@both
@awaited
async def test_posts_edits_and_deletions_come_by_the_stream(square: Square) -> None:
    reading = connect(square)
    source, timeline = reading.source("stream-local"), reading.source("local")
    _, cursor = await asyncio.to_thread(drained, source, None)
    _, seen_until = await asyncio.to_thread(drained, timeline, None)
    stream = reading.push("stream-local")
    assert stream.trouble()
    async with running(stream.run):
        await until(lambda: not stream.trouble())
        status = await asyncio.to_thread(square.status)
        await asyncio.to_thread(lambda: square.status(visibility="unlisted"))
        sent = {"file": ("b.png", picture(), "image/png")}
        media = await asyncio.to_thread(lambda: square.client("alice").post("/api/v2/media", files=sent).json()["id"])
        path = f"/api/v1/statuses/{status['id']}"
        await asyncio.to_thread(lambda: square.call("alice", "PUT", path, status="x", media_ids=[media]))
        await asyncio.to_thread(lambda: square.call("alice", "DELETE", path))
        await until(lambda: len(reading.inbox.letters("main/stream-local")) >= 3)
    kinds = [one.payload["kind"] for one in reading.inbox.letters("main/stream-local")]
    assert kinds == ["status", "status", "deleted"]
    batches, _ = await asyncio.to_thread(drained, source, cursor)
    assert seen(batches) == {status["id"]}
    assert batches[0].dropped == {"deleted by its author": 1}
    (mark,) = reading.inbox.letters("main/local")
    assert datetime.fromisoformat(mark.payload["since"]).tzinfo is not None
    assert timeline.poll(seen_until).cursor["letter"] == mark.id  # type: ignore[index]


@awaited
async def test_a_stream_that_stalls_without_closing_is_left_and_opened_again(ledger: Ledger) -> None:
    silent, over = stalling(HEAD, b":)\n")
    with serving(silent) as raw:
        stream = push(raw.url, ledger, stall=0.3)
        async with running(stream.run):
            await until(lambda: "said nothing" in stream.trouble())
            over.set()
            await until(lambda: len(raw.requests) >= 2 and len(ledger.letters("main/local")) >= 2)
        over.set()
    marks = [datetime.fromisoformat(one.payload["since"]) for one in ledger.letters("main/local")]
    assert marks == sorted(marks)


@awaited
async def test_signs_of_life_keep_a_stream_open(ledger: Ledger) -> None:
    over = threading.Event()

    def thumping(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for _ in range(12):
            connection.sendall(b":thump\n")
            time.sleep(0.1)
        connection.sendall(b"event: delete\ndata: 7\n\n")
        over.wait(60)

    with serving(thumping) as raw:
        stream = push(raw.url, ledger, stall=0.8)
        async with running(stream.run):
            await until(lambda: ledger.letters("main/stream-local"))
            assert len(raw.requests) == 1
        over.set()
    assert ledger.letters("main/stream-local")[0].payload == {"kind": "deleted", "id": "7"}


@awaited
async def test_after_a_break_the_timeline_is_read_from_the_last_word_on(square: Square) -> None:
    reading = connect(square)
    timeline = reading.source("local")
    _, cursor = await asyncio.to_thread(drained, timeline, None)
    stream = reading.push("stream-local")
    async with running(stream.run):
        await until(lambda: not stream.trouble())
        square.box._streams.stop()
        await until(stream.trouble)
        missed = await asyncio.to_thread(square.status)
        square.box._streams.start()
        await until(lambda: len(reading.inbox.letters("main/local")) >= 2)
    batches, _ = await asyncio.to_thread(drained, timeline, cursor)
    assert missed["id"] in seen(batches)


@awaited
async def test_events_are_read_however_they_are_cut(ledger: Ledger) -> None:
    told = 'event: delete\r\ndata: 117é\r\n\r\n:thump\nevent: update\ndata: {"no": \ndata: 1}\n\ndata: x\n\n'
    told_badly = b"event: update\ndata: {\n\n"

    def crumbs(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        whole = told.encode() + told_badly
        for number in range(len(whole)):
            connection.sendall(whole[number : number + 1])
        connection.sendall(b"event: delete\ndata: end\n\n")

    with serving(crumbs) as raw:
        async with running(push(raw.url, ledger).run):
            await until(lambda: len(ledger.letters("main/stream-local")) >= 2)
    assert [one.payload["id"] for one in ledger.letters("main/stream-local")][:2] == ["117é", "end"]
    assert set(ledger.dropped()["main/stream-local"]) == {"not understood", "private post"}


@awaited
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answer(401, b'{"error":"Invalid access token"}'), "make a new one"),
        (answer(403, b'{"error":"This action is outside the authorized scopes"}'), "scope `read:statuses`"),
        (answer(400, b'{"error":"Unknown channel requested"}'), "Unknown channel"),
        (answer(502, b"<html>", "text/html"), "502"),
        (answer(302, b"", Location="http://elsewhere.test/"), "302"),
    ],
)
async def test_a_refusal_is_said_and_tried_again_later(
    ledger: Ledger, script: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "REFUSED_PAUSE", 0.01)
    with serving(script) as raw:
        stream = push(raw.url, ledger)
        async with running(stream.run):
            await until(lambda: len(raw.requests) >= 2)
            assert words in stream.trouble()
    assert ledger.letters("main/local") == []
    assert b"authorization: bearer tttt" in raw.requests[0].lower()
    assert b"GET /api/v1/streaming/public/local?only_media=true " in raw.requests[0]


@awaited
async def test_a_ledger_that_cannot_be_written_breaks_the_stream_and_nothing_is_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.domain.errors import LedgerBusyError

    deliver, broken = ledger.deliver, [True]

    def sometimes(source: str, payload: Any) -> int:
        if broken.pop() if broken else False:
            raise LedgerBusyError("somebody else writes")
        return deliver(source, payload)

    def one(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"event: delete\ndata: 7\n\n")

    with serving(one) as raw:
        stream = push(raw.url, ledger)
        monkeypatch.setattr(stream._inbox, "deliver", sometimes)
        async with running(stream.run):
            await until(lambda: ledger.letters("main/stream-local"))
        assert len(raw.requests) >= 2
    assert ledger.letters("main/local")


@awaited
async def test_a_server_without_such_streams_is_polled_only(ledger: Ledger) -> None:
    links = b'{"links": [{"href": "http://x/nodeinfo/2.0"}]}'
    software = b'{"software": {"name": "gotosocial", "version": "git-57cb4fe"}}'
    instance = b'{"domain": "x", "version": "git-57cb4fe", "configuration": {"urls": {"streaming": "wss://x"}}}'
    refused = answer(401, b'{"error": "Unauthorized: token not supplied"}')
    with serving(*(answer(200, body) for body in (links, software, instance)), refused, answer(404, b"{}")) as raw:
        stream = push("http://127.0.0.1:9", ledger, instance_url=raw.url, streaming={})
        await asyncio.wait_for(stream.run(), timeout=30)
    assert stream.trouble() == ""


@awaited
async def test_a_busy_stream_is_not_taken_for_one_long_event(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MOST_BYTES", 200)
    event = b"event: delete\ndata: %d\n\n"
    whole, over = b"".join(event % number for number in range(100)), threading.Event()

    def busy(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for start in range(0, len(whole), 40):  # never ends between two events
            connection.sendall(whole[start : start + 40] + (b"" if start + 40 < len(whole) else b"event: x"))
            time.sleep(0.001)
        over.wait(60)

    with serving(busy) as raw:
        async with running(push(raw.url, ledger).run):
            await until(lambda: len(ledger.letters("main/stream-local")) >= 100)
            assert len(raw.requests) == 1
        over.set()


@awaited
@pytest.mark.parametrize("piece", [b"event: update\ndata: ", b"event: update\n" + b"data: x\n" * 40, b""])
async def test_an_event_without_end_is_not_kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    monkeypatch.setattr(streaming, "MOST_BYTES", 200)
    endless, over = stalling(HEAD, piece + b"x" * 300)
    with serving(endless) as raw:
        stream = push(raw.url, ledger)
        async with running(stream.run):
            await until(lambda: "too long" in stream.trouble())
            over.set()


@awaited
@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_streaming_server_elsewhere_is_not_called_by_the_servers_name(ledger: Ledger, elsewhere: bool) -> None:
    instance = "http://localhost:9" if elsewhere else "http://127.0.0.1:9"
    with serving(answer(502)) as raw:
        stream = push(raw.url, ledger, instance_url=instance, host="mastodon.test")
        async with running(stream.run):
            await until(lambda: raw.requests)
    sent = raw.requests[0].lower()
    assert (b"host: mastodon.test" in sent, b"x-forwarded-proto" in sent) == (not elsewhere, not elsewhere)
    assert b"authorization: bearer" in sent
