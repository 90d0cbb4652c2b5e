"""The reading half of the adapter against a Mastodon that somebody else wrote: ``mastodon_mock`` from PyPI.

Our own sandbox is strict where this one is kind, but it and the adapter could be wrong in the same way. What this one
does not have (roles, other servers, the media channels of streams) is left to the sandbox.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lemmy_town import TestClock, picture
from mastodon_reading import awaited, drained, running, sightings, until

from adapters.mastodon.builder import build
from adapters.mastodon.settings import MastodonSettings
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Instance, Ledger

PEOPLE = """
[[seed.accounts]]
username = "alice"
access_token = "alice_token"
role = "admin"
[[seed.accounts]]
username = "bob"
access_token = "bob_token"
"""
ALICE = "alice_token"
DEADLINE = 60.0  # seconds until it answers; on a busy machine its imports alone take several


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The other server, on a free port of this machine, with a database in memory."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = tmp_path_factory.mktemp("peer") / "mock.toml"
    settings.write_text(PEOPLE)
    command = (sys.executable, "-m", "mastodon_mock", "serve", "--in-memory", "--config", str(settings))
    command += ("--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + DEADLINE
            while not _answers(url):
                assert process.poll() is None, "the other server has ended"
                assert time.monotonic() < end, "the other server does not answer"
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/instance", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def inbox() -> Iterator[Ledger]:
    ledger = open_ledger("sqlite://", clock=TestClock())
    yield ledger
    ledger.close()


def connected(peer: str, inbox: Ledger, token: str = ALICE, **changes: Any) -> Instance:
    block = {"id": "main", "url": peer, "token": token} | changes
    return build(MastodonSettings.model_validate(block), TestClock(), timedelta(hours=1), inbox)


def posted(peer: str, who: str = "bob", **fields: Any) -> dict[str, Any]:
    """A post with a picture, as the server answers it."""
    headers = {"Authorization": f"Bearer {who}_token"}
    with httpx.Client(base_url=peer, headers=headers, trust_env=False, timeout=30) as client:
        files = {"file": ("p.png", picture(), "image/png")}
        media = client.post("/api/v2/media", files=files).raise_for_status().json()
        sent = {"status": "with a picture", "media_ids": [media["id"]], "visibility": "public"} | fields
        status: dict[str, Any] = client.post("/api/v1/statuses", json=sent).raise_for_status().json()
    return status


def test_feed_is_read_with_pictures_and_authors(peer: str, inbox: Ledger) -> None:
    status = posted(peer)
    instance = connected(peer, inbox)
    source = next(one for one in instance.sources if one.name == "main/local")
    batches, cursor = drained(source, None)
    found = [one for one in sightings(batches) if one.subject.local_id == status["id"]]
    assert [one.media.url for one in found] == [status["media_attachments"][0]["url"]]
    author = found[0].subject.author
    assert author is not None
    assert (author.local_id, author.handle.lstrip("@").split("@")[0]) == (status["account"]["id"], "bob")
    later = posted(peer)
    batches, _ = drained(source, cursor)
    assert later["id"] in {one.subject.local_id for one in sightings(batches)}


def test_one_post_is_read_again(peer: str, inbox: Ledger) -> None:
    status = posted(peer)
    instance = connected(peer, inbox)
    source = next(one for one in instance.sources if one.name == "main/local")
    batches, _ = drained(source, None)
    key = next(one.subject.key for one in sightings(batches) if one.subject.local_id == status["id"])
    again = source.read(key)
    assert {one.subject.local_id for one in again.sightings if one.subject.kind == "post"} == {status["id"]}


def test_picture_is_fetched_as_it_was_named(peer: str, inbox: Ledger) -> None:
    status = posted(peer)
    answer = httpx.get(status["media_attachments"][0]["url"], trust_env=False)
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")


def test_dead_token_is_said(peer: str, inbox: Ledger) -> None:
    instance = connected(peer, inbox, token="not-a-token")
    assert instance.inspector is not None
    wrong = [one for one in instance.inspector.check() if not one.ok]
    assert any("token" in one.detail for one in wrong), wrong


@awaited
async def test_stream_is_heard(peer: str, inbox: Ledger) -> None:
    instance = connected(peer, inbox, streaming={"url": peer})
    push = next(one for one in instance.pushes if one.name == "main/stream-local")
    async with running(push.run):
        await until(lambda: not push.trouble(), "the stream is open")
        status = await asyncio.to_thread(posted, peer)
        await until(
            lambda: any(status["id"] in str(letter.payload) for letter in inbox.letters(push.name)), "a post is told"
        )
