"""Somebody chooses another one's picture, or its thumbnail, for the thumbnail of a post that shows a listed picture."""

from __future__ import annotations

import hashlib
import io
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from bot.attribution.likeness import LOOKS_ALIKE
from bot.media.fingerprint import pdq
from conformance.answers import body
from conformance.stage import alias_of
from conformance.waiting import eventually
from listening import listening

from .conftest import running as watching
from .test_lemmy_1_0 import Somebody, box, running  # noqa: F401  the fixture

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from adapters.sandbox.lemmy import LemmySandbox
    from conformance.people import Person
    from conformance.server import Server
    from conformance.stage import Stage

    from .bot import Bot

pytestmark = pytest.mark.acceptance

ARTICLE = "http://127.0.0.1:9/an-article"
FIFTY = 50  # rows that Lemmy 1.0 lists


def picture() -> Image.Image:
    """Another one each time, that still looks the same with a mark in a corner."""
    while True:
        small = Image.frombytes("RGB", (8, 8), random.Random().randbytes(192))
        image = small.resize((480, 360), Image.Resampling.BICUBIC)
        seen, again = (int(pdq(one)[0], 16) for one in (image, marked(image)))
        if (seen ^ again).bit_count() <= LOOKS_ALIKE // 3:
            return image


def marked(image: Image.Image) -> Image.Image:
    other = image.copy()
    ImageDraw.Draw(other).ellipse((452, 332, 464, 344), fill=(250, 0, 200))
    return other


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def purges(bot: Bot) -> dict[str, tuple[str, list[str]]]:
    """Alias to state and reasons, of the one case."""
    deeds = bot.json("case", "1")["intents"]
    return {
        deed["on"].rpartition("/")[2]: (deed["state"], deed["reasons"])
        for deed in deeds
        if deed["deed"] == "purge_file"
    }


def articles(shown: bytes) -> AbstractContextManager[str]:
    """A site on which every page has this picture."""
    page = b'<html><head><meta property="og:image" content="/picture"><title>News</title></head></html>'

    def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
        data, kind = (shown, "image/jpeg") if path == "/picture" else (page, "text/html")
        return 200, data, {"Content-Type": kind}

    return listening(answer)


@pytest.mark.parametrize("staff", [False, True], ids=["anybody", "staff"])
def test_thumbnail_of_a_link_is_nobodys_whose_picture_a_post_puts_beside_it(
    tmp_path: Path, server: Server, stage: Stage, admin: Person, staff: bool
) -> None:
    dave, victim = stage.register("dave"), admin if staff else stage.register("victim")
    community, image = stage.community(), picture()
    with (
        articles(jpeg(marked(image))) as site,
        watching(tmp_path, server, stage, admin, media={"private_hosts": ["127.0.0.1"]}) as bot,
    ):
        innocent = stage.picture(victim, jpeg(image))
        stage.post(victim, community, url=innocent.url)
        thumbnail = stage.post(dave, community, url=f"{site}/news")["post"]["thumbnail_url"]
        edited = stage.post(dave, community, url=f"{site}/more", custom_thumbnail=thumbnail)["post"]
        assert edited["thumbnail_url"] == thumbnail
        alias = alias_of(thumbnail)
        eventually(lambda: f"post/{edited['id']}" in str(bot.look("who", alias)), "the bot has read both posts")
        body(dave.put("post", post_id=edited["id"], url=innocent.url))
        eventually(lambda: f"post/{edited['id']}" in str(bot.look("who", innocent.alias)), "the bot has read the edit")
        digest = hashlib.sha256(admin.fetch(alias).content).hexdigest()
        bot.command("list", "add", "bad", f"sha256:{digest}")
        stage.post(dave, community, url=f"{site}/last", custom_thumbnail=thumbnail)
        eventually(lambda: bool(bot.look("cases")), f"there is a case\n{bot.log.read_text()[-3000:]}")
        bot.wait_until_idle()
        (known,) = bot.json("who", digest)
        assert not [name["uploader"] for name in known["names"] if name["uploader"]]
        assert purges(bot)[alias] == ("held", ["shared_file"]), "nobody is known to have stored it"
        assert {deed["deed"] for deed in bot.json("case", "1")["intents"]} == {"report", "remove", "purge_file"}


def test_thumbnail_of_an_innocent_post_is_not_purged_with_what_looks_like_it(
    bot: Bot, stage: Stage, admin: Person
) -> None:
    bob, dave = stage.register("bob"), stage.register("dave")
    community, image = stage.community(), picture()
    innocent = stage.picture(bob, jpeg(image))
    thumbnail = stage.post(bob, community, url=innocent.url)["post"]["thumbnail_url"]
    edited = stage.post(dave, community, url=ARTICLE, custom_thumbnail=thumbnail)["post"]
    assert edited["thumbnail_url"] == thumbnail
    alias = alias_of(thumbnail)
    eventually(lambda: f"post/{edited['id']}" in str(bot.look("who", alias)), "the bot has read both posts")
    listed = stage.picture(dave, jpeg(marked(image)))
    digest = hashlib.sha256(admin.fetch(listed.alias).content).hexdigest()
    bot.command("list", "add", "bad", f"sha256:{digest}")
    made = body(dave.put("post", post_id=edited["id"], url=listed.url))["post_view"]["post"]["thumbnail_url"]
    eventually(lambda: admin.fetch(listed.alias).status_code == 404, f"it is gone\n{bot.log.read_text()[-3000:]}")
    eventually(lambda: admin.fetch(alias_of(made)).status_code == 404, "its own thumbnail goes with it")
    bot.wait_until_idle()
    assert admin.fetch(alias).is_success, "bob's post shows it"
    assert admin.fetch(innocent.alias).is_success
    assert purges(bot)[alias] == ("held", ["weak_attribution"])


@pytest.mark.parametrize("owner", ["bob", "admin"])
def test_picture_that_lemmy_1_0_lists_no_more_is_not_purged_as_a_thumbnail(
    tmp_path: Path,
    box: LemmySandbox,  # noqa: F811
    owner: str,
) -> None:
    """Its own post was there before the bot, which has not come so far yet, or it was not posted at all."""
    with ExitStack() as stack:
        admin, alice, victim = (stack.enter_context(Somebody(box, name)) for name in ("admin", "alice", owner))
        community = admin.do("/community", name="pictures", title="Pictures")["community_view"]["community"]["id"]
        for number in range(2 * FIFTY):
            admin.upload(jpeg(Image.new("RGB", (40, 30), (number * 2, 90, 120))))
        image, innocent = unlisted(admin, victim)
        probe = admin.upload(jpeg(marked(image)))
        digest = hashlib.sha256(admin.client.get(probe["image_url"]).content).hexdigest()
        admin.client.request("DELETE", "/image", json={"filename": probe["filename"]}).raise_for_status()
        bot = stack.enter_context(running(tmp_path, box, digest))
        article = {"name": "News", "community_id": community, "url": ARTICLE}
        chosen = alice.do("/post", **article, custom_thumbnail=innocent["image_url"])["post_view"]["post"]
        eventually(lambda: f"post/{chosen['id']}" in str(bot.look("who", innocent["filename"])), "the bot has read it")
        listed = alice.upload(jpeg(marked(image)))
        change = {"post_id": chosen["id"], "url": listed["image_url"]}
        alice.client.put("/post", json=change).raise_for_status()
        eventually(lambda: admin.gone(listed["filename"]), f"it is gone\n{bot.log.read_text()[-3000:]}")
        bot.wait_until_idle()
        assert not admin.gone(innocent["filename"])
        state, reasons = purges(bot)[innocent["filename"]]
        assert (state, "weak_attribution" in reasons) == ("held", True)


def unlisted(admin: Somebody, owner: Somebody) -> tuple[Image.Image, dict[str, str]]:
    """What somebody stored, and the server does not say who."""
    while True:
        image = picture()
        stored = owner.upload(jpeg(image))
        rows = admin.ask("/image/list", limit=FIFTY)["items"]
        if stored["filename"] not in {row["local_image"]["pictrs_alias"] for row in rows}:
            return image, stored
