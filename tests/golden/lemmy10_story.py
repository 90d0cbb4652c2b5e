"""The scenario of the recordings of Lemmy 1.0: who did what, in which order, and what happened between the calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.serving import LoopbackServer

from .lemmy_story import DAY, web
from .pictures import circles
from .replay import LEMMY, Exchange, Replay, load

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "image-proxy",
)
RECORDED: dict[str, list[Exchange]] = {name: load("lemmy-1.0", name) for name in FILES}
_USERS = "site_view.local_site.users"  # the recorded server had one account at that time
_BAD_TOKEN = "bad.token.here"  # the recorded fault is one of its first part


def _alias(item: Any) -> str:
    return str(item["local_image"]["pictrs_alias"])


def _code(language: Any) -> str:
    return str(language["code"])


_LANGUAGES = {"all_languages": _code}  # as their table happens to hold them


class Story:
    """The run: who is who, and what has been played."""

    def __init__(self, box: LemmySandbox, replay: Replay) -> None:
        self.box = box
        self.replay = replay
        self.tokens = {name: person.jwt for name, person in box.people.items()} | {"bad": _BAD_TOKEN}
        self.played: set[tuple[str, int]] = set()

    def play(self, chapter: str, number: int, who: str | None = None, **details: Any) -> httpx.Response:
        """Play one recorded exchange as ``who``; ``bad`` has a token that is worth nothing."""
        self.played.add((chapter, number))
        exchange = RECORDED[chapter][number]
        return self.replay.play((chapter, number), exchange, self.box.url, headers=self._headers(who), **details)

    def call(self, method: str, path: str, who: str | None, **details: Any) -> httpx.Response:
        """Something that happened between the recorded calls, whatever came of it."""
        return self.replay.client.request(method, self.box.url + path, headers=self._headers(who), **details)

    def picture_post(self, who: str, name: str, recorded: tuple[str, ...], data: bytes) -> int:
        """A post of an upload whose recorded name, and perhaps that of its thumbnail, appears later."""
        files = {"images[]": ("picture.png", data, "image/png")}
        made = self.call("POST", "/api/v4/image", who, files=files).raise_for_status().json()
        fields = {"name": name, "community_id": 2, "url": made["image_url"]}
        post = self.call("POST", "/api/v4/post", who, json=fields).raise_for_status().json()["post_view"]["post"]
        for theirs, ours in zip(recorded, (made["filename"], post["thumbnail_url"].rsplit("/", 1)[1]), strict=False):
            self.replay.learn(theirs, ours)
        return int(post["id"])

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that happens in the background."""
        end = time.monotonic() + 20
        while not true():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)

    def is_gone(self, recorded_alias: str) -> bool:
        """Whether a file is served no more."""
        alias = self.replay.names[recorded_alias]
        return self.call("GET", f"/api/v4/image/{alias}", None).status_code == 404

    def _headers(self, who: str | None) -> dict[str, str]:
        return {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}


def begin(box: LemmySandbox, client: httpx.Client, web_port: int) -> Story:
    """The sandbox as the recorded server was at first: default limits, applications required, one administrator."""
    texts = {
        "lemmy-one:8561": box.url.removeprefix("http://"),
        "127.0.0.1:9090": f"127.0.0.1:{web_port}",
        "127.0.0.1%3A9090": f"127.0.0.1%3A{web_port}",
        "127.0.0.1:8084": "pictrs:8080",
    }
    state = box.state
    state.site.name = "lemmy-one"
    state.instances[1].domain = "lemmy-one"
    state.local_site.registration_mode = "RequireApplication"
    state.local_site.federation_signed_fetch = True
    box.demote("warden")
    for person in box.people.values():
        state.local_users[person.id].show_nsfw = True
    return Story(box, Replay(texts, client, LEMMY))


def auth_and_site(story: Story) -> None:
    file = "auth-and-site"
    admin = {"username_or_email": "admin", "password": story.box.people["admin"].password}
    story.play(file, 0, free=["usage.users.total"])
    story.play(file, 1, free=[_USERS], any_order=_LANGUAGES)
    story.play(file, 2, free=["site_view.counts.users"], any_order=_LANGUAGES)
    story.play(file, 3, changes=admin)
    story.play(file, 4, changes=admin | {"password": "another password"})
    story.play(file, 5, "admin", free=[_USERS])
    story.play(file, 7, "alice")
    story.play(file, 8, "admin")
    # The answer about the site may be a second old.
    everybody = 2
    story.until(lambda: len(story.call("GET", "/api/v4/site", None).json()["admins"]) == everybody)
    story.play(file, 9, "warden", free=[_USERS], any_order=_LANGUAGES)
    story.play(file, 10, "warden")
    story.play(file, 11, "warden")
    for number in (12, 13, 14):
        story.play(file, number, "bad")
    story.play(file, 15)
    story.play(file, 16, "alice")
    for number in (17, 18, 19, 20):
        story.play(file, number, "warden")


def uploads(story: Story) -> None:
    file, same = "uploads", circles(1)
    story.play(file, 0, "alice", file=same)
    story.play(file, 1, "bob", file=same)
    story.play(file, 2, "alice", file=circles(2, "JPEG"))
    story.play(file, 3, "carol", file=circles(3))
    story.play(file, 4, file=same)
    story.play(file, 5, "alice", file=b"not a file")
    for number in (6, 7, 8, 9):
        story.play(file, number)
    # Any two of the four: whose and which is free.
    values = ("local_image.pictrs_alias", "local_image.person_id", "person.id", "person.name", "person.ap_id")
    free = [f"items[{place}].{value}" for place in (0, 1) for value in values]
    story.play(file, 10, "warden", free=[*free, "next_page"])
    for number in (11, 12):
        story.play(file, number, "warden")
    story.play(file, 13, "alice", any_order={"items": _alias})
    story.play(file, 14, "dave", file=circles(4))
    story.play(file, 15, "dave")


def create(story: Story) -> None:
    writers = ("alice", "alice", "alice", "bob", "bob", "bob", "bob", "carol", "carol", "admin")
    for number, who in enumerate(writers):
        story.play("create", number, who)


def lists(story: Story) -> None:
    system = ["items[6].person.name"]
    for number, exchange in enumerate(RECORDED["lists"]):
        story.play("lists", number, "warden", free=system if exchange["name"] == "person list" else ())


def reports(story: Story) -> None:
    for number in range(len(RECORDED["reports"])):
        story.play("reports", number, "warden")


def remove(story: Story) -> None:
    others = {5: None, 7: None, 8: None, 14: "bob", 15: "carol"}
    for number in range(len(RECORDED["remove"])):
        story.play("remove", number, others.get(number, "warden"))


def delete_media(story: Story) -> None:
    file = "delete-media"
    story.play(file, 0, "warden")
    story.until(lambda: story.is_gone("3130647a-908d-45f5-8bec-8034f2569491.png"))
    story.play(file, 1)
    story.play(file, 2)
    story.play(file, 3, "warden")
    story.play(file, 4, "bob")
    story.play(file, 5, "warden", any_order={"items": _alias})


def bans(story: Story) -> None:
    file, soon = "bans", int(time.time())
    bob = {"username_or_email": "bob", "password": story.box.people["bob"].password}
    story.play(file, 0, "warden", changes={"expires_at": soon + 7 * DAY})
    for number in (1, 2):
        story.play(file, number, "warden")
    for number in (3, 4):
        story.play(file, number, "bob")
    story.play(file, 5, changes=bob)
    for number in (6, 7, 8, 9):
        story.play(file, number, "warden")
    story.play(file, 10, "warden", changes={"expires_at": soon - DAY})
    for number in (11, 12):
        story.play(file, number, "warden")
    story.play(file, 13, "carol")
    story.play(file, 14, "warden", changes={"expires_at": soon + DAY})
    story.play(file, 15, "warden")
    upload, thumbnail = "a6422c0b-2659-47cd-95fa-325dae5b9587.png", "4dac70d0-1e3b-4e54-877c-8dbb702392d0.png"
    post = story.picture_post("erin", "erin", (upload, thumbnail), circles(6))
    story.play(file, 16, "warden")
    state = story.box.state
    story.until(lambda: state.posts[post].removed and story.is_gone(upload))
    story.play(file, 17, "warden")
    story.play(file, 18)
    story.play(file, 19, "warden")
    story.until(lambda: not state.posts[post].removed)
    story.play(file, 20, "warden")
    story.play(file, 21, "warden")


def purge(story: Story) -> None:
    upload = "b404ba4b-ba26-4fed-8ed5-3f07dd1c2365.png"
    story.picture_post("alice", "to be purged", (upload,), circles(7))
    story.play("purge", 0, "warden")
    story.play("purge", 1, "warden")
    story.until(lambda: story.is_gone(upload))
    story.play("purge", 2)


def rate_limit(story: Story) -> None:
    file, limits = "rate-limit", story.box.state.rate_limits
    alice = {"username_or_email": "alice", "password": story.box.people["alice"].password}
    limits.message, limits.message_per_second = 3, 30
    for _ in range(4):
        story.call("GET", "/api/v4/post/list", "warden")
    for number in range(5):
        story.play(file, number, "warden")
    limits.message, limits.message_per_second = 99999, 60
    limits.register, limits.register_per_second = 1, 60
    for _ in range(2):
        story.call("POST", "/api/v4/account/auth/login", None, json=alice)
    story.play(file, 5, changes=alice)
    story.play(file, 6, changes=alice)
    limits.register = 99999


def image_proxy(story: Story) -> None:
    file = "image-proxy"
    story.call("PUT", "/api/v4/site", "admin", json={"image_mode": "proxy_all_images"}).raise_for_status()
    story.play(file, 0, "admin")
    story.play(file, 1, "admin")
    for number in (2, 3, 4):
        story.play(file, number)
    for number in (5, 6):
        story.play(file, number, "warden")
    story.play(file, 7, "bob")
    story.play(file, 8, "bob", file=circles(8))
    story.play(file, 9, "warden")


def register(story: Story) -> None:
    """A new account, under a name that the sandbox does not have yet."""
    password = "a long enough password"
    new = {"username": "alice_two", "password": password, "password_verify": password}
    story.play("auth-and-site", 6, changes=new)


def run() -> Story:
    """Play all of it."""
    server = LoopbackServer(web)
    server.start()
    try:
        with (
            httpx.Client(timeout=20) as client,
            LemmySandbox(version="1.0", default_limits=True, purge_delay=0.3) as box,
        ):
            story = begin(box, client, server.port)
            for chapter in (auth_and_site, uploads, create, lists, reports, remove, delete_media, bans, purge):
                chapter(story)
            for chapter in (rate_limit, image_proxy, register):
                chapter(story)
        return story
    finally:
        server.stop()
