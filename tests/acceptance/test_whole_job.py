"""A picture is uploaded and posted; the bot sees it, knows whose it is, acts, proves it, and can take it back."""

from __future__ import annotations

import hashlib
import io
import random
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from conformance.answers import body
from conformance.pictures import png
from conformance.waiting import eventually

if TYPE_CHECKING:
    from conformance.people import Person
    from conformance.stage import Picture, Stage

    from .bot import Bot

pytestmark = pytest.mark.acceptance


def post_of(admin: Person, number: int) -> dict[str, Any]:
    found: dict[str, Any] = body(admin.get("post", id=number))["post_view"]["post"]
    return found


def banned(admin: Person, who: Person) -> bool:
    return bool(body(admin.get("user", username=who.name))["person_view"]["person"]["banned"])


def reports(admin: Person, number: int, **more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(admin.get("post/report/list", post_id=number, **more))["post_reports"]
    return found


def block(bot: Bot, admin: Person, picture: Picture) -> str:
    """Put the bytes that the server serves on the block list; it may store others than it was given."""
    digest = hashlib.sha256(admin.fetch(picture.alias).content).hexdigest()
    bot.command("list", "add", "bad", f"sha256:{digest}")
    return digest


def gone(admin: Person, alias: str) -> bool:
    return admin.fetch(alias).status_code == 404


def clay_wall() -> bytes:
    """A plain wall, another one each time: the detector scores it over 0.3."""
    shade = random.Random().randint(-3, 3)
    picture = Image.new("RGB", (480, 360), (210 + shade, 160, 140))
    picture.putpixel((random.Random().randrange(480), random.Random().randrange(360)), (210 + shade, 161, 140))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_listed_picture_is_reported_removed_purged_and_its_uploader_banned_and_undone(
    bot: Bot, stage: Stage, admin: Person
) -> None:
    alice = stage.register("alice")
    community = stage.community()
    picture = stage.picture(alice)
    digest = block(bot, admin, picture)
    post = stage.post(alice, community, url=picture.url)["post"]

    eventually(lambda: banned(admin, alice), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    assert post_of(admin, post["id"])["removed"]
    assert gone(admin, picture.alias)
    eventually(lambda: gone(admin, post["thumbnail_url"].rsplit("/", 1)[-1]), "its thumbnail is gone")
    (report,) = reports(admin, post["id"])
    assert report["creator"]["name"].startswith("warden")
    assert report["post_report"]["reason"] == "Automated check: please review"

    (case,) = bot.json("cases")
    intents = bot.json("case", str(case["case"]))["intents"]
    assert {intent["state"] for intent in intents} == {"done"}
    assert [intent["deed"] for intent in intents if intent["deed"] != "purge_file"] == [
        "report",
        "remove",
        "ban_account",
    ]
    (known,) = bot.json("who", digest)
    names = {name["name"].rpartition("/")[2]: name for name in known["names"]}
    assert names[picture.alias]["uploader"].startswith(alice.name)
    assert names[picture.alias]["how"] == "listed"

    bot.command("undo", str(case["case"]))
    eventually(lambda: not banned(admin, alice), "the ban is lifted")
    bot.wait_until_idle()
    assert not post_of(admin, post["id"])["removed"]
    assert reports(admin, post["id"], unresolved_only="true") == []
    assert gone(admin, picture.alias)
    states = {i["deed"]: i["state"] for i in bot.json("case", str(case["case"]))["intents"]}
    assert states == {"report": "undone", "remove": "undone", "purge_file": "done", "ban_account": "undone"}


def test_scored_picture_is_reported_and_removed_and_the_ban_waits_until_a_human_dismisses_it(
    bot: Bot, stage: Stage, admin: Person
) -> None:
    bob = stage.register("bob")
    community = stage.community()
    picture = stage.picture(bob, clay_wall())
    post = stage.post(bob, community, url=picture.url)["post"]

    eventually(lambda: post_of(admin, post["id"])["removed"], f"the post is removed\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    (hold,) = bot.json("held")
    assert (hold["deed"], hold["reasons"]) == ("ban_account", ["needs_approval"])
    assert not banned(admin, bob)
    assert not gone(admin, picture.alias)
    assert len(reports(admin, post["id"], unresolved_only="true")) == 1, "open while a human has to decide"

    bot.command("dismiss", str(hold["case"]))
    eventually(lambda: not post_of(admin, post["id"])["removed"], "the post is back")
    bot.wait_until_idle()
    assert reports(admin, post["id"], unresolved_only="true") == []
    assert not banned(admin, bob)
    assert bot.json("held") == []


def test_picture_that_a_text_carries_in_itself_is_reported_and_removed(bot: Bot, stage: Stage, admin: Person) -> None:
    erin = stage.register("erin")
    data = b64encode(clay_wall()).decode()
    post = stage.post(erin, stage.community(), body=f"Look: ![a wall](data:image/png;base64,{data})")["post"]

    eventually(lambda: post_of(admin, post["id"])["removed"], f"the post is removed\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    assert len(reports(admin, post["id"], unresolved_only="true")) == 1
    (case,) = bot.json("cases")
    assert data not in str(bot.json("case", str(case["case"])))
    assert not any(data.encode() in one.read_bytes() for one in bot.config.parent.rglob("*") if one.is_file())


def test_who_links_somebody_elses_upload_is_not_banned_for_it(bot: Bot, stage: Stage, admin: Person) -> None:
    carol, dave = stage.register("carol"), stage.register("dave")
    community = stage.community()
    picture = stage.picture(carol)
    block(bot, admin, picture)
    post = stage.post(dave, community, url=picture.url)["post"]

    eventually(lambda: banned(admin, carol), f"the uploader is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    assert not banned(admin, dave)
    assert post_of(admin, post["id"])["removed"]
    (hold,) = (hold for hold in bot.json("held") if picture.alias in hold["on"])
    assert hold["reasons"] == ["shared_file"]
    assert not gone(admin, picture.alias)


def test_who_has_become_an_admin_since_the_upload_is_not_banned_for_it(bot: Bot, stage: Stage, admin: Person) -> None:
    alice, bob = stage.register("alice"), stage.register("bob")
    community = stage.community()
    picture = stage.picture(alice)
    block(bot, admin, picture)
    eventually(lambda: alice.name in str(bot.look("who", picture.alias)), "the bot knows whose it is")
    assert admin.post("admin/add", person_id=alice.id, added=True).is_success
    post = stage.post(bob, community, url=picture.url)["post"]

    eventually(lambda: post_of(admin, post["id"])["removed"], f"the post is removed\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    assert admin.post("admin/add", person_id=alice.id, added=False).is_success
    assert not banned(admin, alice)
    assert not gone(admin, picture.alias)
    bans = [hold for hold in bot.json("held") if hold["deed"] == "ban_account"]
    assert [(hold["on"].startswith(alice.name), hold["reasons"]) for hold in bans] == [(True, ["protected"])]


def test_approving_a_held_purge_carries_it_out(bot: Bot, stage: Stage, admin: Person) -> None:
    erin, frank = stage.register("erin"), stage.register("frank")
    community = stage.community()
    picture = stage.picture(erin)
    block(bot, admin, picture)
    stage.post(frank, community, url=picture.url)
    eventually(lambda: bool(bot.look("held")), f"the purge is held\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()

    numbers = [str(hold["intent"]) for hold in bot.json("held")]
    bot.command("approve", *numbers, "--by", "a moderator")
    eventually(lambda: gone(admin, picture.alias), "the file is purged")
    bot.wait_until_idle()
    case = bot.json("case", str(bot.json("cases")[0]["case"]))
    assert any("a moderator" in event["detail"] for event in case["timeline"])


def test_confirmed_file_is_known_when_somebody_else_uploads_it_again(
    eager_bot: Bot, stage: Stage, admin: Person
) -> None:
    bot = eager_bot
    first, second = stage.register("first"), stage.register("second")
    content = png()
    bot.command("list", "add", "bad", f"sha256:{_stored_digest(stage, admin, content)}")
    picture = stage.picture(first, content)
    eventually(lambda: banned(admin, first), f"the first uploader is banned\n{bot.log.read_text()[-3000:]}")
    eventually(lambda: gone(admin, picture.alias), "the file is gone")

    again = stage.picture(second, content)
    eventually(lambda: banned(admin, second), f"the second uploader is banned\n{bot.log.read_text()[-3000:]}")
    eventually(lambda: gone(admin, again.alias), "the file is gone again")
    bot.wait_until_idle()
    assert len(bot.json("cases")) == 1
    assert {entry["list"] for entry in bot.json("list", "show")} == {"bad", "confirmed"}


def _stored_digest(stage: Stage, admin: Person, content: bytes) -> str:
    """What the server makes of these bytes: stored once, looked at, and purged again."""
    probe = stage.bare_picture(content)
    digest = hashlib.sha256(admin.fetch(probe.alias).content).hexdigest()
    assert stage.pictrs.post("/internal/purge", params={"alias": probe.alias}).is_success
    eventually(lambda: gone(admin, probe.alias), "the probe is purged")
    return digest
