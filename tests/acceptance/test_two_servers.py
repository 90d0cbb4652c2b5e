"""One bot watches two servers, and the second shows what lies on the first."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.lemmy import LemmySandbox
from conformance.answers import body
from conformance.people import Person
from conformance.stage import Stage
from conformance.waiting import eventually

from .bot import SOURCES, Bot, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.stage import Picture

pytestmark = pytest.mark.acceptance


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of the two, and what is made on it."""

    box: LemmySandbox
    stage: Stage

    @property
    def admin(self) -> Person:
        return self.stage.admin

    def block(self, name: str) -> dict[str, Any]:
        """Its part of the configuration."""
        return {
            "id": name,
            "platform": "lemmy",
            "url": self.box.url,
            "username": "warden",
            "password": self.box.people["warden"].password,
            "pictrs": {"url": self.box.pictrs_url, "api_key": self.box.pictrs_key},
        }

    def removed(self, post: int) -> bool:
        return bool(body(self.admin.get("post", id=post))["post_view"]["post"]["removed"])

    def banned(self, username: str) -> bool:
        return bool(body(self.admin.get("user", username=username))["person_view"]["person"]["banned"])


@contextmanager
def opened() -> Iterator[Server]:
    with LemmySandbox(purge_delay=0.1) as box:
        admin = Person(box, jwt=box.people["admin"].jwt)  # type: ignore[arg-type]
        stage = Stage(box, admin)  # type: ignore[arg-type]
        yield Server(box=box, stage=stage)
        stage.close()
        admin.close()


@pytest.fixture
def first() -> Iterator[Server]:
    with opened() as one:
        yield one


@pytest.fixture
def second(first: Server) -> Iterator[Server]:
    with opened() as one:
        one.box.federation.url = first.box.url  # what comes to the second from afar comes from the first
        one.box.federation.link()
        yield one


@contextmanager
def watching(folder: Path, first: Server, second: Server, **changes: Any) -> Iterator[Bot]:
    config = write_config(
        folder,
        first.box,  # type: ignore[arg-type]
        Person(first.box),  # type: ignore[arg-type]
        detectors=[],
        lists=[{"id": "bad", "mode": "block"}],
        rules=[{"id": "listed", "when": {"lists": ["bad"]}, "then": ["remove", "purge_file", "ban_account"]}],
        instances=[first.block("first"), second.block("second")],
        **{"unposted_uploads": "ignore", **changes},
    )
    bot = Bot(config)
    bot.start()
    try:
        bot.wait_until_it_watches(2 * SOURCES)
        yield bot
    finally:
        bot.stop()


def host(server: Server) -> str:
    return server.box.url.removeprefix("http://")


def listed(bot: Bot, first: Server, picture: Picture) -> str:
    digest = hashlib.sha256(first.admin.fetch(picture.alias).content).hexdigest()
    bot.command("list", "add", "bad", f"sha256:{digest}")
    return digest


def test_who_shows_on_the_second_what_a_neighbour_stored_on_the_first_is_not_banned(
    tmp_path: Path, first: Server, second: Server
) -> None:
    alice = first.stage.register("alice")
    picture = first.stage.picture(alice)
    with watching(tmp_path, first, second) as bot:
        digest = listed(bot, first, picture)
        number = second.box.federate_post(author="bob", community="far", url=picture.url)
        eventually(lambda: second.removed(number), f"the post is removed\n{bot.log.read_text()[-3000:]}")
        eventually(lambda: first.banned(alice.name), "who stored it is banned")
        bot.wait_until_idle()
        (known,) = bot.json("who", digest)
        assert {name["uploader"] for name in known["names"]} - {None} == {f"{alice.name}@{host(first)}"}
        assert not second.banned(f"bob@{host(first)}")


def test_file_that_somebody_shows_on_the_second_who_stored_nothing_is_not_purged_unasked(
    tmp_path: Path, first: Server, second: Server
) -> None:
    alice, carol = first.stage.register("alice"), second.stage.register("carol")
    picture = first.stage.picture(alice)
    with watching(tmp_path, first, second) as bot:
        hers = second.stage.post(carol, second.stage.community(), url=picture.url)["post"]["id"]
        eventually(lambda: carol.name in str(bot.look("who", picture.url)), "the bot has read her post")
        bot.wait_until_idle()
        listed(bot, first, picture)
        his = first.stage.post(alice, first.stage.community(), url=picture.url)["post"]["id"]
        eventually(lambda: first.removed(his), f"the post is removed\n{bot.log.read_text()[-3000:]}")
        bot.wait_until_idle()
        assert second.removed(hers)
        purges = [one for one in bot.json("case", "1")["intents"] if one["deed"] == "purge_file"]
        assert any(picture.alias in str(one["on"]) for one in purges)
        assert {(one["state"], *one["reasons"]) for one in purges} == {("held", "shared_file")}
        assert first.admin.fetch(picture.alias).status_code == 200
        assert not second.banned(carol.name)
