"""The streaming server: what comes, on which channel, and what never does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from ..answers import body
from ..server import is_this_machine
from .streams import Stream, Wanted, base, watch

if TYPE_CHECKING:
    from .people import Person
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

FEEDS = {
    "public": "public",
    "media": "public?only_media=true",
    "local": "public/local",
    "local media": "public/local?only_media=true",
}


@pytest.fixture(scope="module")
def address(server: Server, stage: Stage) -> str:
    """Where the streaming server is reached."""
    found = base(server, stage.instance["configuration"]["urls"]["streaming"])
    if not server.streaming_url and not is_this_machine(urlsplit(found).hostname or ""):
        pytest.skip("the people name no streaming_url, and the one that the server tells is not on this machine")
    try:
        httpx.get(f"{found}/api/v1/streaming/health", headers=server.headers, timeout=10).raise_for_status()
    except httpx.HTTPError as fault:
        pytest.skip(f"no streaming server answers at {found}: {fault!r}")
    return found


@pytest.fixture(scope="module")
def story(
    server: Server, stage: Stage, address: str, alice: Person, bob: Person, carol: Person
) -> tuple[dict[str, str], dict[str, Stream]]:
    """Everything that is posted while the streams are open, by its kind; and what the streams told."""
    warden, moderator = stage.person("warden", "bot"), stage.person("mod")
    made: dict[str, str] = {}

    def deeds() -> None:
        made["text"] = stage.post(alice)["id"]
        made["picture"] = stage.post(alice, pictures=1)["id"]
        made["unlisted"] = stage.post(alice, pictures=1, visibility="unlisted")["id"]
        made["private"] = stage.post(alice, visibility="private")["id"]
        made["reply"] = stage.post(bob, pictures=1, in_reply_to_id=made["picture"])["id"]
        made["boost"] = body(bob.post(f"v1/statuses/{made['picture']}/reblog"))["id"]
        body(alice.put(f"v1/statuses/{made['text']}", status="with a picture", media_ids=[stage.picture(alice)]))
        body(alice.delete(f"v1/statuses/{made['picture']}"))
        stage.close_reports(carol.id)
        made["report"] = stage.report(bob, carol.id)["id"]
        made["last"] = stage.post(carol, pictures=1)["id"]

    def finished(streams: dict[str, Stream]) -> bool:
        feeds = [streams[name] for name in (*FEEDS, "socket")]
        told = [data for kind, data in streams["notifications"].events if kind == "notification"]
        return (
            all(made.get("last") in one.ids("update") for one in feeds)
            and all(made.get("text") in one.ids("status.update") for one in feeds)
            and all(made.get("picture") in one.ids("delete") for one in feeds)
            and any(one.get("report", {}).get("id") == made.get("report") for one in told)
        )

    wanted = {name: Wanted(token=warden.token, path=path) for name, path in FEEDS.items()}
    wanted["remote"] = Wanted(token=warden.token, path="public/remote")
    wanted["notifications"] = Wanted(token=moderator.token, path="user/notification")
    wanted["in query"] = Wanted(token=warden.token, path=f"public/local?access_token={warden.token}")
    wanted["socket"] = Wanted(token=warden.token, subscribe=("nonsense", "public:local:media", "public:media"))
    return made, watch(server, address, wanted, deeds, finished)


def test_stream_begins_with_a_comment(story: tuple[dict[str, str], dict[str, Stream]]) -> None:
    assert story[1]["public"].comments[0] == ":)"


@pytest.mark.parametrize("feed", FEEDS)
def test_new_picture_is_told(story: tuple[dict[str, str], dict[str, Stream]], feed: str) -> None:
    made, streams = story
    assert {made["picture"], made["last"]} <= set(streams[feed].ids("update"))


@pytest.mark.parametrize("feed", FEEDS)
def test_text_is_told_where_it_is_not_only_about_media(
    story: tuple[dict[str, str], dict[str, Stream]], feed: str
) -> None:
    made, streams = story
    assert (made["text"] in streams[feed].ids("update")) == ("media" not in feed)


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("kind", ["unlisted", "private", "reply", "boost"])
def test_never_told(story: tuple[dict[str, str], dict[str, Stream]], feed: str, kind: str) -> None:
    made, streams = story
    assert made[kind] not in streams[feed].ids("update")


@pytest.mark.parametrize("feed", FEEDS)
def test_edit_that_adds_a_picture_is_told(story: tuple[dict[str, str], dict[str, Stream]], feed: str) -> None:
    made, streams = story
    (edit,) = [data for kind, data in streams[feed].events if kind == "status.update" and data["id"] == made["text"]]
    assert len(edit["media_attachments"]) == 1


@pytest.mark.parametrize("feed", FEEDS)
def test_deletion_tells_the_id_only(story: tuple[dict[str, str], dict[str, Stream]], feed: str) -> None:
    made, streams = story
    assert ("delete", made["picture"]) in streams[feed].events


def test_local_posts_are_not_told_as_remote(story: tuple[dict[str, str], dict[str, Stream]]) -> None:
    made, streams = story
    assert not set(made.values()) & set(streams["remote"].ids("update"))


def test_moderator_is_told_of_a_report(story: tuple[dict[str, str], dict[str, Stream]]) -> None:
    made, streams = story
    told = [data for kind, data in streams["notifications"].events if kind == "notification"]
    (one,) = [data for data in told if data.get("report", {}).get("id") == made["report"]]
    assert one["type"] == "admin.report"


def test_one_unknown_channel_does_not_end_the_socket(story: tuple[dict[str, str], dict[str, Stream]]) -> None:
    made, streams = story
    assert {"error": "Unknown stream type", "status": 400} in streams["socket"].errors
    assert made["last"] in streams["socket"].ids("update")


def test_event_on_a_socket_names_its_channel(story: tuple[dict[str, str], dict[str, Stream]]) -> None:
    made, streams = story
    socket = streams["socket"]
    named = [
        channel
        for channel, (kind, data) in zip(socket.channels, socket.events, strict=True)
        if kind == "update" and data["id"] == made["last"]
    ]
    assert sorted(named) == [["public:local:media"], ["public:media"]]


def test_nothing_is_told_again_after_a_reconnect(
    story: tuple[dict[str, str], dict[str, Stream]], server: Server, stage: Stage, address: str, carol: Person
) -> None:
    later: list[str] = []
    streams = watch(
        server,
        address,
        {"public": Wanted(token=stage.person("warden", "bot").token, path="public")},
        lambda: later.append(stage.post(carol)["id"]),
        lambda found: bool(later) and later[0] in found["public"].ids("update"),
    )
    assert story[0]["last"] not in streams["public"].ids("update")


def asked(server: Server, address: str, path: str, token: str | None = None) -> tuple[int, Any]:
    headers = server.headers | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = httpx.get(f"{address}/api/v1/streaming/{path}", headers=headers, timeout=30)
    return answer.status_code, answer.text if path == "health" else answer.json()


def test_stream_needs_a_token(server: Server, address: str) -> None:
    assert asked(server, address, "public") == (401, {"error": "Missing access token"})


def test_stream_with_an_unknown_token(server: Server, address: str) -> None:
    assert asked(server, address, "public", "not-a-token") == (401, {"error": "Invalid access token"})


def test_unknown_channel(server: Server, address: str, stage: Stage) -> None:
    token = stage.person("warden", "bot").token
    assert asked(server, address, "nothing", token) == (400, {"error": "Unknown channel requested"})


def test_health(server: Server, address: str) -> None:
    assert asked(server, address, "health") == (200, "OK")
