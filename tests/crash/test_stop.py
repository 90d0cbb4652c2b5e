"""The kill switch, pulled in the middle of a deed: what was begun is finished, and nothing begins any more."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.lemmy import hold
from conformance.waiting import eventually

if TYPE_CHECKING:
    from acceptance.bot import Bot

    from .conftest import Town


def intents(bot: Bot, case: int = 1) -> dict[str, Any]:
    return {intent["deed"]: intent for intent in bot.look("case", str(case))["intents"]}


def test_stopped_between_two_deeds_and_started_again(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    release, arrived = threading.Event(), threading.Event()
    town.box.faults.after("POST", "/api/v3/post/report$", hold(release, arrived))
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    assert arrived.wait(60), bot.log.read_text()[-3000:]

    bot.command("stop-acting", "--by", "ann", "--why", "too fast")
    release.set()
    eventually(lambda: intents(bot)["report"]["state"] == "done", "the report that was begun is finished")
    held = {deed: intent for deed, intent in intents(bot).items() if deed != "report"}
    assert {tuple(intent["reasons"]) for intent in held.values()} == {("stopped",)}, held

    scanned = bot.look("status")["counts"]["scanned"]
    bot.command("approve", str(held["remove"]["intent"]), "--by", "bob", code=1)  # does not overrule the switch
    harmless = town.upload("bob", listed[0] + b"\0")  # other bytes, so another file
    town.post("bob", harmless)
    eventually(lambda: bot.look("status")["counts"]["scanned"] > scanned, "scanning goes on")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 0, "ban": 0}

    bot.command("start-acting", "--by", "ann", "--release")
    eventually(lambda: town.banned("alice"), "alice is banned")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 1, "ban": 1}
    assert town.gone(url)


@pytest.mark.parametrize("how", ["file", "signal"])
def test_pulled_without_a_command(town: Town, bot: Bot, listed: tuple[bytes, str], how: str) -> None:
    first = town.post("alice", town.upload("alice", listed[0]))
    eventually(lambda: town.banned("alice"), "alice is banned")
    bot.wait_until_idle()
    if how == "file":
        (bot.config.parent / "stop-acting").touch()
    else:
        os.kill(bot.pid, signal.SIGUSR1)
    eventually(lambda: bot.look("status")["stopped"] is not None, "the bot has seen it")

    post = town.post("bob", town.upload("bob", listed[0]))
    eventually(lambda: bot.look("held", "--case", "1"), "what the bot would do is held")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "bob") == {"report": 0, "remove": 0, "ban": 0}

    bot.command("undo", "1", "--by", "ann")
    eventually(lambda: not town.banned("alice"), "what was done is undone although acting is stopped")
    eventually(lambda: not town.shown(first["id"])["removed"], "the post is back")
    if how == "file":
        bot.command("start-acting", "--by", "ann", code=1)  # not while the file is there
        (bot.config.parent / "stop-acting").unlink()
    bot.command("start-acting", "--by", "ann")
    assert bot.look("status")["stopped"] is None
