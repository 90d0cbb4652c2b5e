"""What a server sends by itself, from the wire to the inbox and from there to sightings."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lemmy_town import TestClock, picture
from mastodon_reading import awaited, connect, drained, running, seen, sightings, until
from pydantic import SecretStr

from adapters.mastodon.letters import Kept, Left, letter_of
from adapters.mastodon.settings import WebhookSettings
from adapters.mastodon.webhook import WebhookPush
from adapters.sandbox.faults import respond
from adapters.sandbox.mastodon import MastodonSandbox
from bot.domain.content import Attachment, InstanceId
from bot.domain.errors import LedgerBusyError, UnreachableError
from bot.ledger import open_ledger
from bot.ports import Batch

if TYPE_CHECKING:
    from mastodon_square import Square

    from bot.ports import Ledger

SECRET = "a-secret-of-the-webhook"
NAME = "main/webhook"


def status(**changes: Any) -> dict[str, Any]:
    account = {"id": "5", "username": "alice", "acct": "alice", "url": "https://m.test/@alice", "email": "a@m.test"}
    return {
        "id": "10",
        "uri": "https://m.test/10",
        "visibility": "public",
        "account": account,
        "media_attachments": [],
        "content": "<p>x</p>",
        "mentions": [{"acct": "bob"}],
    } | changes


class Hook:
    """A webhook without a socket."""

    def __init__(self, ledger: Ledger, clock: TestClock, **settings: Any) -> None:
        block = {"listen": "127.0.0.1:0", "secret": SecretStr(SECRET)} | settings
        self.push = WebhookPush("main", WebhookSettings(**block), ledger, clock, sweeps="main/sweeps")
        transport = httpx.ASGITransport(app=self.push.app())
        self.http = httpx.AsyncClient(transport=transport, base_url="http://bot.test")

    async def send(self, body: bytes, *, secret: str = SECRET, **headers: str) -> int:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {"X-Hub-Signature": f"sha256={signature}"} | headers
        return (await self.http.post("/mastodon", content=body, headers=sent)).status_code

    async def tell(self, event: str, what: Any, **more: Any) -> int:
        at = datetime.now(UTC).isoformat()
        return await self.send(json.dumps({"event": event, "created_at": at, "object": what} | more).encode())


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def ledger(clock: TestClock) -> Ledger:
    return open_ledger("sqlite://", clock=clock)


@pytest.fixture
def hook(ledger: Ledger, clock: TestClock) -> Hook:
    return Hook(ledger, clock)


@awaited
async def test_a_signed_post_is_in_the_inbox_when_it_is_answered(hook: Hook, ledger: Ledger) -> None:
    assert await hook.tell("status.created", status()) == 200
    (letter,) = ledger.letters(NAME)
    assert letter.payload["kind"] == "status"
    assert letter.payload["status"]["id"] == "10"
    text = json.dumps(dict(letter.payload))
    assert "a@m.test" not in text
    assert "mentions" not in text


@pytest.mark.parametrize("given", ["sha256=00", "sha1=abc", "", "sha256=é"])
@awaited
async def test_a_wrong_signature_is_refused_and_nothing_is_kept(hook: Hook, ledger: Ledger, given: str) -> None:
    headers = {b"X-Hub-Signature": given.encode()}
    answer = await hook.http.post("/mastodon", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert ledger.letters(NAME) == []
    assert bool(hook.push.trouble()) is given.startswith("sha256=")  # Mastodon's, by another secret; or a stranger's


@awaited
async def test_another_secret_is_refused_and_the_right_one_still_taken(hook: Hook, ledger: Ledger) -> None:
    body = json.dumps({"event": "status.created", "created_at": "2026-11-28T00:00:00Z", "object": status()}).encode()
    assert await hook.send(body, secret="another-secret-of-mine") == 401
    assert "webhook.secret" in hook.push.trouble()
    assert await hook.tell("status.created", status()) == 200
    assert len(ledger.letters(NAME)) == 1


@awaited
async def test_a_delivery_that_comes_again_is_thanked_for_and_kept_once(hook: Hook, ledger: Ledger) -> None:
    at = datetime.now(UTC).isoformat()
    body = json.dumps({"event": "status.created", "created_at": at, "object": status()}).encode()
    assert [await hook.send(body) for _ in range(3)] == [200, 200, 200]
    assert len(ledger.letters(NAME)) == 1


@awaited
async def test_an_old_delivery_played_again_after_a_restart_is_not_kept(
    ledger: Ledger, clock: TestClock, hook: Hook
) -> None:
    at = datetime.now(UTC).isoformat()
    body = json.dumps({"event": "status.created", "created_at": at, "object": status()}).encode()
    clock.offset = timedelta(days=8)
    assert await hook.send(body) == 200
    assert ledger.letters(NAME) == []
    assert ledger.dropped()[NAME] == {"too old": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"event": 7, "created_at": "2026-11-28T00:00:00Z", "object": null}',
        b'{"event": "status.created", "created_at": "yesterday", "object": {}}',
        b'{"event": "status.created", "created_at": "0001-01-01T00:00:00+14:00", "object": {}}',
        b"[" * 100_000,
    ],
)
@awaited
async def test_what_makes_no_sense_is_thanked_for(hook: Hook, ledger: Ledger, body: bytes) -> None:
    assert await hook.send(body) == 200
    assert ledger.letters(NAME) == []


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ("status.created", {"id": "1"}),
        ("status.created", "x"),
        ("status.created", status(media_attachments=None)),
        ("status.created", status(media_attachments=[None])),
        ("status.updated", status(quote={"quoted_status": status(media_attachments="x")})),
        ("account.updated", {}),
        ("report.created", {"target_account": None}),
        ("status.flown", {}),
        ("", None),
    ],
)
@awaited
async def test_an_odd_event_is_counted_and_thanked_for(hook: Hook, ledger: Ledger, event: str, what: Any) -> None:
    assert await hook.tell(event, what) == 200
    assert ledger.letters(NAME) == []
    assert sum(ledger.dropped()[NAME].values()) == 1


@pytest.mark.parametrize("visibility", ["private", "direct", "limited"])
@awaited
async def test_posts_for_some_are_dropped_before_they_are_stored_and_counted(
    hook: Hook, ledger: Ledger, visibility: str
) -> None:
    assert await hook.tell("status.created", status(visibility=visibility, content="<p>between us</p>")) == 200
    assert await hook.tell("status.updated", status(visibility="public", reblog=status(visibility=visibility))) == 200
    assert await hook.tell("status.created", status(visibility=visibility, reblog=status())) == 200
    assert ledger.letters(NAME) == []
    assert ledger.dropped()[NAME] == {f"{visibility} post": 3}


@awaited
async def test_a_visibility_that_nobody_knows_is_counted_under_no_name_of_its_own(hook: Hook, ledger: Ledger) -> None:
    for word in ("x" * 10_000, "y", None, ["z"]):
        assert await hook.tell("status.created", status(visibility=word)) == 200
    assert ledger.dropped()[NAME] == {"other post": 4}


@awaited
async def test_a_ledger_that_cannot_be_written_loses_nothing(
    hook: Hook, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(UTC).isoformat()
    body = json.dumps({"event": "status.created", "created_at": at, "object": status()}).encode()

    def full(source: str, payload: Any) -> int:
        raise LedgerBusyError("somebody else writes")

    with monkeypatch.context() as patched:
        patched.setattr(hook.push._inbox, "deliver", full)
        assert await hook.send(body) == 503
        assert "ledger" in hook.push.trouble()
    assert await hook.send(body) == 200
    assert len(ledger.letters(NAME)) == 1
    assert hook.push.trouble() == ""


@awaited
async def test_too_much_at_once_is_asked_to_come_again(
    ledger: Ledger, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = Hook(ledger, clock, at_once=1)
    arrived, go, deliver = threading.Event(), threading.Event(), ledger.deliver

    def slowly(source: str, payload: Any) -> int:
        arrived.set()
        assert go.wait(60)
        return deliver(source, payload)

    monkeypatch.setattr(hook.push._inbox, "deliver", slowly)
    first = asyncio.create_task(hook.tell("status.created", status()))
    await until(arrived.is_set)
    assert await hook.tell("status.created", status(id="11")) == 503
    go.set()
    assert await first == 200
    assert await hook.tell("status.created", status(id="11")) == 200
    assert len(ledger.letters(NAME)) == 2


@awaited
async def test_a_body_without_end_is_not_read_to_the_end(ledger: Ledger, clock: TestClock) -> None:
    hook = Hook(ledger, clock, most_bytes=64 * 1024)
    assert await hook.send(b"x" * 70_000) == 503
    assert "most_bytes" in hook.push.trouble()
    assert ledger.letters(NAME) == []


@awaited
async def test_a_delivery_to_another_path_is_not_lost(hook: Hook, ledger: Ledger) -> None:
    for path in ("/", "/other", "/mastodon/deeper"):
        assert (await hook.http.post(path, content=b"{}")).status_code == 503
        assert hook.push.trouble() == ""
    signed = {"X-Hub-Signature": "sha256=00"}
    assert (await hook.http.post("/other", content=b"{}", headers=signed)).status_code == 503
    assert "webhook.path" in hook.push.trouble()
    assert await hook.tell("status.created", status()) == 200
    assert hook.push.trouble() == ""
    assert len(ledger.letters(NAME)) == 1


@awaited
async def test_new_and_reported_accounts_are_left_for_the_sweep(hook: Hook, ledger: Ledger) -> None:
    account = {"id": "5", "acct": "alice", "avatar": "https://m.test/a.png"}
    whole = {"id": "5", "email": "a@m.test", "ip": "192.0.2.1", "account": account}
    await hook.tell("account.created", whole)
    await hook.tell("account.updated", whole)
    report = {"id": "3", "target_account": whole, "account": whole, "statuses": [status(), status(visibility="direct")]}
    await hook.tell("report.created", report)
    assert [dict(one.payload) for one in ledger.letters("main/sweeps")] == [
        {"account": "5", "why": "new"},
        {"account": "5", "why": "reported"},
    ]
    kept = [dict(one.payload) for one in ledger.letters(NAME)]
    assert [one["kind"] for one in kept] == ["account", "account", "report"]
    assert kept[2] == {"kind": "report", "account": "5", "statuses": ["10"]}
    assert "a@m.test" not in json.dumps(kept)
    assert "192.0.2.1" not in json.dumps(kept)


def test_a_quoted_post_is_seen_with_the_one_that_quotes_it(square: Square) -> None:
    inner, outer = square.status("bob"), square.status("alice")
    letter = letter_of("status.created", {**outer, "quote": {"state": "accepted", "quoted_status": inner}})
    assert isinstance(letter, Kept)
    private = {**inner, "visibility": "private"}
    without = letter_of("status.created", {**outer, "quote": {"state": "accepted", "quoted_status": private}})
    assert isinstance(without, Kept)
    assert "quote" not in without.payload["status"]
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    reading.inbox.deliver(NAME, letter.payload)
    assert seen(drained(reading.source("webhook"), None)[0]) == {inner["id"], outer["id"]}


@pytest.mark.parametrize("version", ["4.3", "4.6"])
def test_recorded_deliveries_are_kept_without_people(version: str) -> None:
    recorded = Path(__file__).parents[1] / "golden" / "captures" / f"mastodon-{version}" / "webhooks.json"
    found: dict[str, list[Kept | Left]] = {}
    for delivery in json.loads(recorded.read_text()):
        told = delivery["body"]
        letter = letter_of(told["event"], told["object"])
        found.setdefault(told["event"], []).append(letter)
        visibility = told["object"].get("visibility", "public")
        assert isinstance(letter, Kept) is (visibility in {"public", "unlisted"})
        if isinstance(letter, Kept):
            kept = json.dumps(dict(letter.payload))
            assert '@mastodon.test"' not in kept.replace("https://mastodon.test/@", "")
            assert not any(word in kept for word in ('"email"', '"ip"', '"ips"', '"locale"', '"mentions"'))
    assert {"status.created", "status.updated", "account.created", "account.updated", "report.created"} <= set(found)
    assert {letter.reason for letter in found["status.created"] if isinstance(letter, Left)} == {
        "private post",
        "direct post",
    }


def test_a_deletion_is_noted_by_its_id() -> None:
    assert letter_of("delete", "117") == Kept(payload={"kind": "deleted", "id": "117"})
    assert isinstance(letter_of("filters_changed", None), Left)


@awaited
async def test_an_address_that_cannot_be_had_is_said(ledger: Ledger, clock: TestClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        hook = Hook(ledger, clock, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        await asyncio.wait_for(hook.push.run(), timeout=10)
    assert "webhook.listen" in hook.push.trouble()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@awaited
async def test_from_mastodon_to_sightings_by_webhook() -> None:
    from mastodon_square import Square

    listen = f"127.0.0.1:{free_port()}"
    with MastodonSandbox(webhook_url=f"http://{listen}/hook") as box:
        square = Square(box)
        reading = connect(
            square, webhook={"listen": listen, "path": "/hook", "secret": box.webhook_secret}, sweeps={"per_hour": 0}
        )
        source = reading.source("webhook")
        _, cursor = drained(source, None)
        async with running(reading.push("webhook").run):
            await until(lambda: reading.push("webhook").address)
            public = await asyncio.to_thread(square.status)
            reply = await asyncio.to_thread(lambda: square.status("bob", in_reply_to_id=public["id"]))
            unlisted = await asyncio.to_thread(lambda: square.status(visibility="unlisted"))
            private = await asyncio.to_thread(lambda: square.status(visibility="private"))
            await asyncio.to_thread(lambda: square.call("carol", "POST", f"/api/v1/statuses/{unlisted['id']}/reblog"))
            await until(lambda: len(reading.inbox.letters(NAME)) >= 4)
            await until(reading.inbox.dropped)
        batches, _ = await asyncio.to_thread(drained, source, cursor)
        assert seen(batches) == {public["id"], reply["id"], unlisted["id"]}
        assert private["id"] not in json.dumps([dict(one.payload) for one in reading.inbox.letters(NAME)])
        assert reading.inbox.dropped()[NAME] == {"private post": 1}
        assert reading.push("webhook").trouble() == ""
        square.close()


def test_letters_are_forgotten_once_their_cursor_was_committed(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    source = reading.source("webhook")
    letter = letter_of("status.created", square.status())
    assert isinstance(letter, Kept)
    reading.inbox.deliver(NAME, letter.payload)
    first = source.poll(None)
    again = source.poll(None)  # the first was never committed
    assert seen([first]) == seen([again]) != set()
    assert len(reading.inbox.letters(NAME)) == 1
    source.poll(first.cursor)
    assert reading.inbox.letters(NAME) == []


def test_a_film_that_is_still_processed_is_looked_at_when_it_is_ready(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    source = reading.source("webhook")
    ready = square.status()
    unready = {**ready, "media_attachments": [{**ready["media_attachments"][0], "url": None, "preview_url": None}]}
    letter = letter_of("status.created", unready)
    assert isinstance(letter, Kept)
    reading.inbox.deliver(NAME, letter.payload)
    batches, cursor = drained(source, None)
    assert sightings(batches) == []
    batches, cursor = drained(source, cursor)
    assert sightings(batches) == []  # not yet due
    reading.clock.offset = timedelta(seconds=10)
    batches, cursor = drained(source, cursor)
    (one,) = sightings(batches)
    assert one.name == Attachment(instance=InstanceId("main"), value=ready["media_attachments"][0]["id"])
    assert cursor["pending"] == []


def test_one_that_is_never_ready_is_a_hole_and_one_that_is_gone_is_counted(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    source = reading.source("webhook")
    gone = square.status()
    square.call("alice", "DELETE", f"/api/v1/statuses/{gone['id']}")
    wait = {"due": reading.clock.now().isoformat(), "tries": 0}
    cursor: Any = {"letter": 0, "pending": [{"id": gone["id"], **wait}]}
    (batch,), cursor = drained(source, cursor)
    assert batch.dropped == {"gone meanwhile": 1}
    kept = square.status()
    media = [{**kept["media_attachments"][0], "url": None, "remote_url": None}]
    square.box.faults.before(
        "GET", f"statuses/{kept['id']}", respond(200, json.dumps({**kept, "media_attachments": media})), times=20
    )
    cursor = {"letter": 0, "pending": [{"id": kept["id"], **wait}]}
    holes: list[str] = []
    for _ in range(12):
        batches, cursor = drained(source, cursor)
        holes += [hole for batch in batches for hole in batch.holes]
        reading.clock.offset += timedelta(hours=2)
    assert cursor["pending"] == []
    assert [hole for hole in holes if "not ready" in hole] == holes
    assert len(holes) == 1


def test_reported_posts_are_read_again(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    reported = square.status()
    reading.inbox.deliver(NAME, {"kind": "report", "account": "1", "statuses": [reported["id"], "1"]})
    (batch,), _ = drained(reading.source("webhook"), None)
    assert seen([batch]) == {reported["id"]}
    assert batch.dropped == {"gone meanwhile": 1}


def test_an_avatar_that_changed_is_seen(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    sent = {"avatar": ("a.png", picture(), "image/png")}
    square.client("alice").patch("/api/v1/accounts/update_credentials", files=sent).raise_for_status()
    letter = letter_of("account.updated", square.admin_view())
    assert isinstance(letter, Kept)
    reading.inbox.deliver(NAME, letter.payload)
    (one,) = sightings(drained(reading.source("webhook"), None)[0], "profile")
    assert one.subject.local_id == square.box.people["alice"].id
    assert not one.backlog


ODD: list[dict[str, Any]] = [
    {"kind": "status", "status": status(media_attachments=None)},
    {"kind": "status", "status": status(media_attachments=[None])},
    {"kind": "status", "status": status(edited_at=["x"])},
    {"kind": "status", "status": status(content=7, card="x")},
    {"kind": "status", "status": None},
    {"kind": "status"},
    {"kind": "account", "account": None},
    {"kind": "account", "account": {"id": 5, "acct": None}},
    {"kind": "report", "statuses": 7},
    {"kind": "report"},
]


def test_a_letter_that_makes_no_sense_is_a_hole_and_not_the_end(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    for payload in ODD:
        reading.inbox.deliver(NAME, payload)
    letter = letter_of("status.created", square.status())
    assert isinstance(letter, Kept)
    last = reading.inbox.deliver(NAME, letter.payload)
    (batch,), cursor = drained(reading.source("webhook"), None)
    assert seen([batch]) == {letter.payload["status"]["id"]}
    assert len(batch.holes) == len(ODD)
    assert cursor == {"letter": last, "pending": []}


@pytest.mark.parametrize("what", ["status", "history"])
def test_a_post_that_the_server_fails_to_show_is_tried_some_times_and_stops_nothing(
    square: Square, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    source = reading.source("webhook")
    broken, fine = square.status(), square.status()
    if what == "status":
        path = f"statuses/{broken['id']}"
        reading.inbox.deliver(NAME, {"kind": "report", "account": "1", "statuses": [broken["id"], fine["id"]]})
    else:
        path = f"statuses/{broken['id']}/history"
        for told in ({**broken, "edited_at": "2026-11-28T00:00:00Z"}, fine):
            letter = letter_of("status.updated", told)
            assert isinstance(letter, Kept)
            reading.inbox.deliver(NAME, letter.payload)
        square.call("alice", "PUT", f"/api/v1/statuses/{broken['id']}", status="edited", media_ids=[])
    square.box.faults.before("GET", path + "$", respond(500, b"broken"), times=1000)
    (batch,), cursor = drained(source, None)
    assert seen([batch]) == ({fine["id"]} if what == "status" else {broken["id"], fine["id"]})
    assert (batch.holes, [one["id"] for one in cursor["pending"]]) == ([], [broken["id"]])
    holes: list[str] = []
    for _ in range(12):
        reading.clock.offset += timedelta(hours=2)
        batches, cursor = drained(source, cursor)
        holes += [hole for batch in batches for hole in batch.holes]
    assert cursor["pending"] == []
    assert [broken["id"] in hole and "500" in hole for hole in holes] == [True]


def test_while_the_whole_server_fails_no_letter_is_given_up(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    source = reading.source("webhook")
    source.poll(None)
    reported = square.status()
    reading.inbox.deliver(NAME, {"kind": "report", "account": "1", "statuses": [reported["id"]]})
    assert seen([source.poll(None)]) == {reported["id"]}  # what the server is, is known now
    square.box.faults.before("GET", "", respond(502, b"<html>", "text/html"), times=1000)
    with pytest.raises(UnreachableError):
        source.poll(None)


def test_of_two_letters_about_a_post_the_newer_counts(square: Square) -> None:
    reading = connect(square, webhook={"listen": "127.0.0.1:0", "secret": SECRET})
    old = square.status()
    new = square.call("alice", "PUT", f"/api/v1/statuses/{old['id']}", status="x", media_ids=_media(old))
    for event, told in (("status.created", old), ("status.updated", new)):
        letter = letter_of(event, told)
        assert isinstance(letter, Kept)
        reading.inbox.deliver(NAME, letter.payload)
    (one,) = sightings(drained(reading.source("webhook"), None)[0])
    read = reading.source("webhook").read(one.subject.key)
    assert isinstance(read, Batch)
    assert one.subject.revision == sightings([read])[0].subject.revision


def _media(told: dict[str, Any]) -> list[str]:
    return [one["id"] for one in told["media_attachments"]]
