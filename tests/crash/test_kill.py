"""kill -9 around every deed: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.lemmy import drop, hold
from conformance.waiting import eventually

from .conftest import DEEDS, all_dealt_with

if TYPE_CHECKING:
    from acceptance.bot import Bot

    from .conftest import Shared, Town

MOMENTS = ("between attempt and call", "between call and outcome")


class Moment:
    """A call of the bot that is held at such a moment: it never reaches the server, or its answer never the bot."""

    def __init__(self, town: Town, one: Shared, deed: str, moment: str) -> None:
        self.release, self.arrived = threading.Event(), threading.Event()
        faults, call = town.box.faults, one.call(deed)
        if moment == "between attempt and call":
            faults.before(**call, action=hold(self.release, self.arrived))
            faults.before(**call, action=drop())
        else:
            faults.after(**call, action=hold(self.release, self.arrived))


def killed_at(moments: dict[str, Moment], bot: Bot) -> None:
    """At all of these at once; and started again."""
    for name, moment in moments.items():
        assert moment.arrived.wait(90), f"{name}\n{bot.log.read_text()[-3000:]}"
    bot.kill()
    for moment in moments.values():
        moment.release.set()
    bot.start()


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_around_each_deed(town: Town, bot: Bot, moment: str) -> None:
    with town.unseen(bot, [f"{deed}_me" for deed in DEEDS]) as members:
        shared = dict(zip(DEEDS, members, strict=True))
        moments = {deed: Moment(town, one, deed, moment) for deed, one in shared.items()}
    killed_at(moments, bot)
    all_dealt_with(town, bot, shared)
    for deed, one in shared.items():
        eventually(lambda one=one: town.gone(one.post["thumbnail_url"]), f"{deed}: the thumbnail is gone")  # type: ignore[misc]
    bot.wait_until_idle()
    cases = bot.look("cases")
    assert len(cases) == len(DEEDS)
    for case in cases:
        intents = bot.look("case", str(case["case"]))["intents"]
        assert {intent["state"] for intent in intents} == {"done"}, intents


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_around_an_undo(town: Town, bot: Bot, moment: str) -> None:
    with town.unseen(bot, ["remove_me", "ban_me"]) as members:
        shared = dict(zip(("remove", "ban"), members, strict=True))
    all_dealt_with(town, bot, shared)
    for one in shared.values():
        eventually(lambda one=one: town.gone(one.post["thumbnail_url"]), "the thumbnail is gone")  # type: ignore[misc]
    bot.wait_until_idle()

    moments = {deed: Moment(town, one, deed, moment) for deed, one in shared.items()}
    for number in ("1", "2"):
        bot.command("undo", number)
    killed_at(moments, bot)

    for deed, one in shared.items():
        eventually(lambda one=one: not town.banned(one.who), f"{deed}: the ban is lifted")  # type: ignore[misc]
        eventually(lambda one=one: not town.shown(one.post["id"])["removed"], f"{deed}: the post is back")  # type: ignore[misc]
    bot.wait_until_idle()
    for deed, one in shared.items():
        assert town.deeds(one.post["id"], one.who) == {"report": 1, "remove": 2, "ban": 2}, deed
    for number in ("1", "2"):
        intents = {i["deed"]: i["state"] for i in bot.look("case", number)["intents"]}
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
