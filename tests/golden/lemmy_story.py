"""The scenario of the Lemmy recordings: who did what, in which order, and what happened between the recorded calls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from starlette.responses import Response

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.serving import LoopbackServer

from .pictures import circles
from .replay import LEMMY, Exchange, Replay, load

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

FILES = (
    "auth-and-site",
    "uploads",
    "create",
    "lists",
    "reports",
    "remove",
    "delete-media",
    "bans",
    "purge",
    "rate-limit",
    "federation",
    "image-proxy",
)
RECORDED: dict[str, list[Exchange]] = {name: load("lemmy-0.19", name) for name in FILES}

# Exchanges that are not played, and why.
NOT_PLAYED = {
    ("federation", 10): "the answer of the other server; the sandbox's remote instance has no API",
    ("federation", 11): "the answer of the other server; the sandbox's remote instance has no API",
}
DAY = 86400
_PAGE = b"""<!doctype html><html><head><title>not this</title><meta property="og:title" content="A page">
<meta property="og:description" content="desc"><meta property="og:image" content="/og.png"></head></html>"""


async def web(scope: Scope, receive: Receive, send: Send) -> None:
    """What stood at 127.0.0.1:9090 when the recordings were made."""
    answers = {
        "/remote.png": (circles(90), "image/png"),
        "/og.png": (circles(91), "image/png"),
        "/page.html": (_PAGE, "text/html"),
    }
    body, kind = answers.get(scope["path"], (b"", "text/html"))
    await Response(body, 200 if body else 404, {"content-type": kind})(scope, receive, send)


@dataclass(slots=True)
class Story:
    """The run: who is who, and what has been played."""

    box: LemmySandbox
    replay: Replay
    tokens: dict[str, str]
    played: set[tuple[str, int]] = field(default_factory=set)

    def play(self, chapter: str, number: int, who: str | None = None, **details: Any) -> httpx.Response:
        """Play one recorded exchange as ``who``; ``bad`` has a token that is worth nothing."""
        self.played.add((chapter, number))
        exchange = RECORDED[chapter][number]
        return self.replay.play((chapter, number), exchange, self.box.url, headers=self._headers(who), **details)

    def aside(self, method: str, path: str, who: str, **details: Any) -> Any:
        """Something that happened between the recorded calls."""
        answer = self.replay.client.request(
            method, self.box.url + path, headers=self._headers(who), **details
        ).raise_for_status()
        return answer.json() if answer.content else None

    def upload_aside(self, who: str, recorded_alias: str, data: bytes) -> str:
        """An upload that was not recorded, of a file whose recorded name appears later."""
        files = {"images[]": ("picture.png", data, "image/png")}
        alias = self.aside("POST", "/pictrs/image", who, files=files)["files"][0]["file"]
        self.replay.learn(recorded_alias, alias)
        return str(alias)

    def log_in(self, who: str) -> None:
        """A new token, for somebody whose tokens ended with a ban."""
        credentials = {"username_or_email": who, "password": self.box.people[who].password}
        answer = self.replay.client.post(f"{self.box.url}/api/v3/user/login", json=credentials).raise_for_status()
        self.tokens[who] = answer.json()["jwt"]

    def _headers(self, who: str | None) -> dict[str, str]:
        if who is None:
            return {}
        token = "not-a-token" if who == "bad" else self.tokens[who]
        return {"Authorization": f"Bearer {token}"}


def begin(box: LemmySandbox, client: httpx.Client, web_port: int) -> Story:
    """The sandbox as the recorded server was at first: limits of 999, applications required, one administrator."""
    host, remote = box.url.removeprefix("http://"), box.remote_url.removeprefix("http://")
    texts = {"lemmy-alpha:8541": host, "lemmy-beta:8551": remote, "127.0.0.1:9090": f"127.0.0.1:{web_port}"}
    texts["127.0.0.1%3A9090"] = f"127.0.0.1%3A{web_port}"
    state = box.state
    state.site.name = "lemmy-alpha"
    state.local_site.registration_mode = "RequireApplication"
    for bucket in ("message", "post", "register", "image", "comment", "search"):
        setattr(state.rate_limits, bucket, 999)
    for bucket in ("register", "image"):
        setattr(state.rate_limits, f"{bucket}_per_second", 3600)
    for bucket in ("post", "comment", "search"):
        setattr(state.rate_limits, f"{bucket}_per_second", 600)
    box.demote("warden")
    for person in box.people.values():
        state.local_users[person.id].show_nsfw = True
    tokens = {name: person.jwt for name, person in box.people.items()}
    return Story(box, Replay(texts, client, LEMMY), tokens)


def auth_and_site(story: Story) -> None:
    file, warden = "auth-and-site", story.box.people["warden"]
    admin = {"username_or_email": "admin", "password": story.box.people["admin"].password}
    users = "site_view.counts.users"  # the recorded server had one account at that time
    story.play(file, 0, free=["usage.users.total"])
    story.play(file, 1)
    story.play(file, 2, free=[users])
    story.play(file, 3, changes=admin)
    story.play(file, 4, changes=admin | {"password": "another password"})
    story.play(file, 5)
    story.play(file, 6, "admin", free=[users])
    # The general part of the site's answer may be a second old: whoever is made an administrator is not in it yet.
    time.sleep(1.1)
    story.aside("GET", "/api/v3/site", "warden")
    story.play(file, 8, "admin", changes={"person_id": warden.id})
    story.play(file, 9, "warden")
    story.play(file, 10, "warden")
    story.play(file, 11, "bad")
    story.play(file, 12)
    story.play(file, 13, "bad")
    story.play(file, 14, "bad")
    story.play(file, 15, "alice")
    story.play(file, 16, "warden")
    story.play(file, 17, "warden")


def uploads(story: Story) -> None:
    file, same = "uploads", circles(1)
    story.play(file, 0, "alice", file=same)
    story.play(file, 1, "bob", file=same)
    story.play(file, 2, "alice", file=circles(2, "JPEG"))
    story.play(file, 3, "carol", file=circles(3))
    story.play(file, 4, file=same)
    story.play(file, 5, "alice", file=b"this is not a photograph.")
    story.play(file, 6, "alice", file=same[:200])
    for number in (7, 8, 9):
        story.play(file, number)
    for number in (10, 11, 12, 13, 14):
        story.play(file, number, "warden")
    story.play(file, 15, "alice")


def create(story: Story) -> None:
    file = "create"
    writers = ("alice", "alice", "alice", "bob", "bob", "bob", "bob", "bob", "bob", "carol", "carol")
    for number, who in enumerate(writers):
        story.play(file, number, who)
    picture = "640705ff-55af-4f9d-8a4b-42c0709dd57c.png"
    alias = story.upload_aside("dave", picture, circles(4))
    story.play(file, 11, "dave")
    story.play(file, 12, "alice")
    story.play(file, 13, "admin")
    tagline = f"tag ![t]({story.box.url}/pictrs/image/{alias})"
    story.aside("PUT", "/api/v3/site", "admin", json={"taglines": [tagline]})
    story.play(file, 14, "admin")
    time.sleep(1.1)


def lists(story: Story) -> None:
    for number in range(len(RECORDED["lists"])):
        story.play("lists", number, "warden")


def reports(story: Story) -> None:
    for number in range(14):
        story.play("reports", number, "warden")
    story.play("reports", 14, "bob")


def remove(story: Story) -> None:
    others = {4: None, 5: "bob", 6: "alice", 8: None, 14: None, 17: "carol", 19: "carol", 20: "bob"}
    for number in range(len(RECORDED["remove"])):
        story.play("remove", number, others.get(number, "warden"))


def delete_media(story: Story) -> None:
    others = {1: None, 3: "bob", 4: None, 6: None}
    for number in range(len(RECORDED["delete-media"])):
        story.play("delete-media", number, others.get(number, "warden"))


def bans(story: Story) -> None:
    file, soon = "bans", int(time.time())
    bob = {"username_or_email": "bob", "password": story.box.people["bob"].password}
    week = {"expires": soon + 7 * DAY}
    story.play(file, 0, "warden", changes=week)
    for number in (1, 2):
        story.play(file, number, "warden")
    story.play(file, 3, "bob")
    story.play(file, 4, "bob")
    story.play(file, 5, changes=bob)
    story.play(file, 6, "bob", file=circles(5))
    for number in (7, 8, 9):
        story.play(file, number, "warden")
    story.play(file, 10, "warden", changes={"expires": soon - DAY})
    for number in (11, 12):
        story.play(file, number, "warden")
    story.play(file, 13, "carol")
    story.play(file, 14, "warden", changes={"expires": soon + DAY})
    for number in (15, 16, 17):
        story.play(file, number, "warden")
    story.play(file, 18, "dave")
    upload = story.upload_aside("erin", "17cb9ba3-5ec7-4293-821f-6c2b057cd6a7.png", circles(6))
    url = f"{story.box.url}/pictrs/image/{upload}"
    post = story.aside("POST", "/api/v3/post", "erin", json={"name": "erin", "community_id": 2, "url": url})
    thumbnail = post["post_view"]["post"]["thumbnail_url"].rsplit("/", 1)[1]
    story.replay.learn("5a32201d-5897-459a-9822-4d41fde4ff69.png", thumbnail)
    story.play(file, 19, "warden")
    time.sleep(0.4)  # the files of somebody banned with his data are deleted in the background
    story.play(file, 20, "warden")
    story.play(file, 21)
    story.play(file, 22)
    for number in range(23, len(RECORDED[file])):
        story.play(file, number, "warden")
    story.log_in("bob")
    story.log_in("erin")


def purge(story: Story) -> None:
    file = "purge"
    upload = story.upload_aside("alice", "08c5fcf4-e12a-4956-9418-507c665dfd82.png", circles(7))
    url = f"{story.box.url}/pictrs/image/{upload}"
    post = story.aside("POST", "/api/v3/post", "alice", json={"name": "to be purged", "community_id": 2, "url": url})
    thumbnail = post["post_view"]["post"]["thumbnail_url"].rsplit("/", 1)[1]
    story.replay.learn("7bedd302-1613-4fd7-8d01-41503c09f61a.png", thumbnail)
    story.aside("POST", "/api/v3/comment", "carol", json={"content": "to be purged", "post_id": 10})
    story.play(file, 0, "warden")
    story.play(file, 1)
    story.play(file, 2, "warden")
    time.sleep(0.5)  # pict-rs purges a moment later
    story.play(file, 3, "warden")
    story.play(file, 4)
    story.play(file, 5)
    story.play(file, 6, "warden")
    story.play(file, 7, "warden")
    story.play(file, 8, "carol")
    story.play(file, 9, "warden")


def rate_limit(story: Story) -> None:
    file = "rate-limit"
    alice = {"username_or_email": "alice", "password": story.box.people["alice"].password}
    limits = story.box.state.rate_limits

    def allow(bucket: str, count: int, seconds: int) -> None:
        setattr(limits, bucket, count)
        setattr(limits, f"{bucket}_per_second", seconds)

    allow("message", 3, 30)
    for number in range(5):
        story.play(file, number, "warden")
    allow("message", 99999, 60)
    allow("register", 1, 60)
    story.play(file, 5, changes=alice)
    story.play(file, 6, changes=alice)
    allow("search", 1, 60)
    story.play(file, 7, "warden")
    story.play(file, 8, "warden")
    allow("image", 1, 60)
    picture = circles(8)
    story.play(file, 9, "alice", file=picture)
    story.play(file, 10, "alice", file=picture)
    for bucket in ("register", "search", "image"):
        allow(bucket, 9999, 1)
    time.sleep(1.1)


def federation(story: Story) -> None:
    file, box = "federation", story.box
    picture, other = circles(30), circles(31)
    # The community had been asked for, and followed, before.
    found = story.aside("GET", f"/api/v3/resolve_object?q=!far@{box.federation.domain}", "warden")
    box.state.sites[2].name = "lemmy-beta"
    box.state.sites[2].updated = box.state.sites[2].published
    number = found["community"]["community"]["id"]
    story.aside("POST", "/api/v3/community/follow", "warden", json={"community_id": number, "follow": True})
    story.play(file, 0, "warden")
    first = box.remote_file(picture)
    box.federate_post(url=first, body=f"![in body]({first})")
    story.play(file, 1, "warden")
    box.federate_post(name="warm-up", body="x")
    time.sleep(1.1)  # the remote community accepts the follower
    before = story.play(file, 2, "warden").json()["post_view"]["post"]["thumbnail_url"]
    second = box.remote_file(other)
    box.state.skip_ids("remote comment", 1)
    late = box.federate_post(url=second, body=f"![in body]({second})")
    box.federate_comment(late, f"![c]({second})")
    time.sleep(0.6)  # the post is announced again
    there = "community_view.counts.subscribers"  # the recorded remote server had told of another follower of its own
    after = story.play(file, 3, "warden", free=[there]).json()["post_view"]["post"]["thumbnail_url"]
    assert before != after
    for number in (4, 5, 6, 7):
        story.play(file, number, "warden")
    story.play(file, 8, "warden", changes={"expires": int(time.time()) + DAY})
    story.play(file, 9, "warden")


def register(story: Story) -> None:
    """A new account, under a name that the sandbox does not have yet."""
    password = "a long enough password"
    new = {"username": "alice_two", "password": password, "password_verify": password}
    story.play("auth-and-site", 7, changes=new)


def image_proxy(story: Story) -> None:
    """On the other server, where everything was proxied: rita is called alice here, and has no past."""
    file, box = "image-proxy", story.box
    state = box.state
    alice = state.people[box.people["alice"].id]
    alice.name, alice.actor_id = "rita", f"{box.url}/u/rita"
    story.replay.texts["lemmy-beta:8551"] = box.url.removeprefix("http://")
    state.site.updated = state.site.published
    far = story.aside("POST", "/api/v3/community", "admin", json={"name": "far", "title": "Far"})
    assert far["community_view"]["community"]["id"] == 2
    state.site.name = "lemmy-beta"
    state.skip_ids("post", 10)
    state.skip_ids("comment", 2)
    counts = ("community_view.counts.subscribers", "community_view.counts.posts", "community_view.counts.comments")
    story.play(file, 0, "alice")
    story.play(file, 1, "alice", free=[*counts, "community_view.counts.subscribers_local"])
    for number in (2, 3):
        story.play(file, number)
    for number in (4, 5):
        story.play(file, number, "alice")
    story.play(
        file,
        6,
        "alice",
        only=["person_view", "site", "moderates"],
        free=["person_view.counts.post_count", "person_view.counts.comment_count"],
    )


def run() -> Story:
    """Play all of it."""
    server = LoopbackServer(web)
    server.start()
    try:
        with httpx.Client(timeout=10) as client:
            with LemmySandbox(purge_delay=0.3, thumbnail_again=1.5) as box:
                story = begin(box, client, server.port)
                for chapter in (auth_and_site, uploads, create, lists, reports, remove, delete_media, bans, purge):
                    chapter(story)
                for chapter in (rate_limit, federation, register):
                    chapter(story)
            with LemmySandbox(image_mode="ProxyAllImages") as box:
                proxying = begin(box, client, server.port)
                box.state.local_site.registration_mode = "Open"
                image_proxy(proxying)
        story.played |= proxying.played
        story.replay.differences |= proxying.replay.differences
        return story
    finally:
        server.stop()
