"""Two bots on one ledger: one acts and the other says who does, until its turn comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from acceptance.bot import SOURCES, Bot
from adapters.sandbox.lemmy import hold
from bot.clock import SystemClock
from bot.domain.decisions import IntentState
from bot.ledger import open_ledger
from conformance.waiting import eventually
from ledger.backends import BACKENDS, SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Town

RULES = [{"id": "listed", "when": {"lists": ["bad"]}, "then": ["report", "remove", "purge_file", "ban_account"]}]
DEEDS = {"report": 1, "remove": 1, "ban": 1}


class Pair:
    """The one that acts, and the other one."""

    def __init__(self, town: Town, folder: Path, url: str) -> None:
        self.town = town
        self.folder = folder
        self.url = url
        self.ledger = open_ledger(url, clock=SystemClock())  # to wait by: commands take longer
        self.bots: list[Bot] = []

    def start(self, name: str, *, account: str = "warden") -> Bot:
        """A bot with a folder of its own, and the URL of the ledger in a file as a secret."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "ledger.url").write_text(f"{self.url}\n", encoding="utf-8")
        config = self.town.config(
            folder,
            account=account,
            ledger={"file": "ledger.url"},
            detectors=[],
            rules=RULES,
            unposted_uploads="ignore",
        )
        bot = Bot(config)
        self.bots.append(bot)
        bot.start()
        return bot

    def both(self, digest: str, **other: str) -> tuple[Bot, Bot]:
        """Both running, one of them with the right to act; a picture is on the list."""
        first = self.start("first")
        first.command("list", "add", "bad", f"sha256:{digest}")
        eventually(lambda: len(self.ledger.flags("source/")) >= SOURCES, f"it watches\n{first.log.read_text()}")
        holder = str(first.json("status")["acts"])
        assert f"/{first.pid}/" in holder
        second = self.start("second", **other)
        eventually(lambda: holder in second.log.read_text(), f"the second one says who acts\n{second.log.read_text()}")
        assert f"acts now: {holder}" in second.command("status").replace("\n", "")
        return first, second

    def wait_until_idle(self, acting: Bot) -> None:
        """Until nothing is left to do."""
        busy = {f"{state}/{kind}" for state in ("waiting", "running") for kind in ("examine", "enforce")}
        eventually(
            lambda: not busy & self.ledger.backlog_size().keys(),
            f"nothing is left to do\n{acting.log.read_text()[-3000:]}",
        )


@pytest.fixture(params=SHARED)
def pair(request: pytest.FixtureRequest, town: Town, tmp_path: Path) -> Iterator[Pair]:
    with BACKENDS[request.param].url(tmp_path) as url:
        two = Pair(town, tmp_path, url)
        yield two
        for bot in two.bots:
            if bot.runs:
                bot.stop()
        two.ledger.close()


def test_one_acts_until_it_is_killed_and_the_other_finishes(town: Town, pair: Pair, listed: tuple[bytes, str]) -> None:
    first, second = pair.both(listed[1], account="admin")
    post = town.post("alice", town.upload("alice", listed[0]))
    eventually(lambda: town.banned("alice"), f"alice is banned\n{first.log.read_text()[-3000:]}")
    pair.wait_until_idle(first)
    assert town.deeds(post["id"], "alice") == DEEDS
    assert town.doers(post["id"], "alice") == {"warden"}

    release, arrived = threading.Event(), threading.Event()
    town.box.faults.after("POST", "/api/v3/post/remove$", hold(release, arrived))
    url = town.upload("bob", listed[0])
    post = town.post("bob", url)
    assert arrived.wait(60), first.log.read_text()[-3000:]
    assert town.deeds(post["id"], "bob") == {"report": 1, "remove": 1, "ban": 0}
    assert town.doers(post["id"], "bob") == {"warden"}
    first.kill()
    release.set()

    eventually(lambda: town.banned("bob"), f"bob is banned\n{second.log.read_text()[-3000:]}")
    pair.wait_until_idle(second)
    assert town.deeds(post["id"], "bob") == DEEDS
    assert town.doers(post["id"], "bob") == {"warden", "admin"}
    assert town.gone(url)
    assert {intent.state for intent in pair.ledger.intents()} == {IntentState.DONE}
    assert f"/{second.pid}/" in second.json("status")["acts"]
    assert pair.url not in second.log.read_text()
