"""Told to end while its server hangs: the bot is gone in time, and the next start finishes everything once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.lemmy import hold
from bot.ending import FINISH, GRACE, TIDY
from conformance.pictures import png
from conformance.waiting import eventually

if TYPE_CHECKING:
    from acceptance.bot import Bot

    from .conftest import Town


def test_what_an_end_may_take_is_less_than_what_is_promised() -> None:
    assert GRACE == 10
    assert FINISH + 2 * TIDY < GRACE


@pytest.mark.parametrize("signals", [1, 2])
def test_told_to_end_while_the_server_hangs(town: Town, bot: Bot, listed: tuple[bytes, str], signals: int) -> None:
    release, reported, fetched = threading.Event(), threading.Event(), threading.Event()
    slow = town.upload("bob", png(300, 200))
    town.box.faults.before("GET", slow.rsplit("/", 1)[-1], hold(release, fetched), times=1000)
    town.box.faults.after("POST", "/api/v3/post/report$", hold(release, reported))
    town.post("bob", slow)
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    assert reported.wait(60), bot.log.read_text()[-3000:]
    assert fetched.wait(60), bot.log.read_text()[-3000:]
    # Every single read would wait for twenty seconds by itself, and be tried again.
    town.box.faults.before("*", "", hold(release, threading.Event()), times=100_000)

    bot.signal(signal.SIGTERM)
    if signals == 2:
        eventually(lambda: "stopping" in bot.log.read_text(), "it has heard the first one")
        bot.signal(signal.SIGTERM)
    code = bot.wait(60)
    assert code == (0 if signals == 1 else 128 + signal.SIGTERM), bot.log.read_text()[-3000:]
    if signals == 1:
        status = bot.look("status")
        assert status["acts"] is None
        assert [key for key in status["tasks"] if key.startswith("running/")] == []
        tries = [event for event in bot.look("case", "1")["timeline"] if event["what"] in {"attempt", "outcome"}]
        assert tries[-1]["what"] == "attempt", "nobody has written down how it ended"

    town.box.faults.clear()
    release.set()
    bot.start()
    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 1, "ban": 1}
    assert town.gone(url)
    assert bot.json("who", slow)[0]["scan"].startswith("300x200")
    assert {intent["state"] for intent in bot.look("case", "1")["intents"]} == {"done"}
