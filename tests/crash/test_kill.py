"""kill -9 around every deed: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.lemmy import drop, hold
from conformance.waiting import eventually

if TYPE_CHECKING:
    from acceptance.bot import Bot

    from .conftest import Town

DEEDS = {
    "report": ("POST", "/api/v3/post/report$"),
    "remove": ("POST", "/api/v3/post/remove$"),
    "purge": ("POST", "/internal/purge"),
    "ban": ("POST", "/api/v3/user/ban$"),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("moment", ["between attempt and call", "between call and outcome"])
def test_killed_around_a_deed(town: Town, bot: Bot, listed: tuple[bytes, str], deed: str, moment: str) -> None:
    method, path = DEEDS[deed]
    release, arrived = threading.Event(), threading.Event()
    if moment == "between attempt and call":
        town.box.faults.before(method, path, hold(release, arrived))
        town.box.faults.before(method, path, drop())
    else:
        town.box.faults.after(method, path, hold(release, arrived))
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)

    assert arrived.wait(60), bot.log.read_text()[-3000:]
    bot.kill()
    release.set()
    bot.start()

    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert town.shown(post["id"])["removed"]
    assert town.gone(url)
    eventually(lambda: town.gone(post["thumbnail_url"]), "its thumbnail is gone")
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 1, "ban": 1}
    (case,) = bot.json("cases")
    intents = bot.json("case", str(case["case"]))["intents"]
    assert {intent["state"] for intent in intents} == {"done"}, intents


@pytest.mark.parametrize("deed", ["remove", "ban"])
@pytest.mark.parametrize("moment", ["between attempt and call", "between call and outcome"])
def test_killed_around_an_undo(town: Town, bot: Bot, listed: tuple[bytes, str], deed: str, moment: str) -> None:
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    eventually(lambda: town.banned("alice"), "alice is banned")
    eventually(lambda: town.gone(post["thumbnail_url"]), "its thumbnail is gone")
    bot.wait_until_idle()

    method, path = DEEDS[deed]
    release, arrived = threading.Event(), threading.Event()
    if moment == "between attempt and call":
        town.box.faults.before(method, path, hold(release, arrived))
        town.box.faults.before(method, path, drop())
    else:
        town.box.faults.after(method, path, hold(release, arrived))
    bot.command("undo", "1")
    assert arrived.wait(60), bot.log.read_text()[-3000:]
    bot.kill()
    release.set()
    bot.start()

    eventually(lambda: not town.banned("alice"), "the ban is lifted")
    eventually(lambda: not town.shown(post["id"])["removed"], "the post is back")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 2, "ban": 2}
    intents = {i["deed"]: i["state"] for i in bot.json("case", "1")["intents"]}
    assert intents == {"report": "undone", "remove": "undone", "purge_file": "done", "ban_account": "undone"}


def test_killed_while_scanning_loses_no_picture(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    release, arrived = threading.Event(), threading.Event()
    town.box.faults.before("GET", "/pictrs/image/", hold(release, arrived), times=3)
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    assert arrived.wait(60), bot.log.read_text()[-3000:]
    bot.kill()
    release.set()
    bot.start()
    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 1, "ban": 1}
