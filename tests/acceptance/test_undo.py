"""A night is taken back: a preview, a question, and everything as it was, as far as a server can.

Always against the sandbox, with somebody listening in on what is sent to it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.lemmy import LemmySandbox
from commanding import conversation, flat
from conformance.pictures import png
from conformance.waiting import eventually
from crash.conftest import Town

from .bot import Bot
from .test_whole_job import clay_wall

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Wire:
    """Between the bot and Lemmy: keeps what was sent to it, by path."""

    def __init__(self, box: LemmySandbox) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        later = box._lemmy._app
        self._app: ASGIApp = later.app  # type: ignore[attr-defined]
        later.app = self  # type: ignore[attr-defined]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pieces: list[bytes] = []

        async def listen() -> Message:
            message = await receive()
            pieces.append(message.get("body", b""))
            return message

        await self._app(scope, listen, send)
        if scope["method"] != "GET" and (body := b"".join(pieces)).startswith(b"{"):
            self.sent.append((scope["path"].removeprefix("/api/v3"), json.loads(body)))


@pytest.fixture
def town() -> Iterator[Town]:
    with LemmySandbox() as box:
        built = Town(box)
        yield built
        built.close()


def fingerprints(bot: Bot) -> int:
    """On the list of confirmed files."""
    with closing(sqlite3.connect(bot.config.parent / "ledger.db")) as ledger:
        return int(ledger.execute("SELECT count(*) FROM list_entry WHERE list_id = 'confirmed'").fetchone()[0])


def test_night_of_one_rule_is_undone_and_what_humans_did_is_left_alone(town: Town, tmp_path: Path) -> None:
    wire = Wire(town.box)
    mine, theirs = png(320, 240), png(320, 240)
    digests = [hashlib.sha256(picture).hexdigest() for picture in (mine, theirs)]
    (tmp_path / "bad.txt").write_text("".join(f"sha256 {digest}\n" for digest in digests))
    score = {"detector": "nsfw", "label": "nsfw", "at_least": 0.3}
    bot = Bot(
        town.config(
            tmp_path,
            unposted_uploads="ignore",
            lists=[{"id": "bad", "mode": "block", "file": "bad.txt"}],
            rules=[
                {"id": "listed", "when": {"lists": ["bad"]}, "then": ["report", "remove", "ban_account"]},
                {"id": "low", "when": {"score": score}, "then": ["remove"]},
            ],
        )
    )
    bot.start()
    try:
        bot.wait_until_it_watches()
        alices = town.post("alice", alices_url := town.upload("alice", mine))["id"]
        bobs = town.post("bob", town.upload("bob", theirs))["id"]
        carols = town.post("carol", town.upload("carol", clay_wall()))["id"]
        eventually(lambda: town.banned("alice") and town.banned("bob"), f"both are banned\n{bot._tail()}")
        eventually(lambda: bool(town.shown(carols)["removed"]), f"the scored post is removed\n{bot._tail()}")
        bot.wait_until_idle()
    finally:
        bot.stop()
    assert fingerprints(bot) > 0

    # In the morning a human has been there before.
    town.call("admin", "POST", "post/remove", post_id=bobs, removed=False, reason="harmless")
    town.call("admin", "POST", "user/ban", person_id=town.box.people["bob"].id, ban=False)
    log = town.deeds(bobs, "bob")

    home = town.box.url.removeprefix("http://")
    rows = bot.json("undo", "--since", "1h", "--rule", "listed", "--preview")
    assert {(row["deed"], row["on"].split(" (")[0]): row["prospect"] for row in rows} == {
        ("report", f"post {alices} by alice@{home}"): "restored",
        ("remove", f"post {alices} by alice@{home}"): "restored",
        ("ban_account", f"alice@{home}"): "restored",
        ("report", f"post {bobs} by bob@{home}"): "restored",
        ("remove", f"post {bobs} by bob@{home}"): "left alone",
        ("ban_account", f"bob@{home}"): "left alone",
    }
    assert town.banned("alice"), "a preview changes nothing"
    bot.command("undo", "--since", "1h", "--rule", "listed", code=2)
    assert town.banned("alice"), "nobody was there to ask"

    fediwarden = [sys.executable, "-m", "bot", "--config", str(bot.config), "--log-level", "error"]
    shown = conversation([*fediwarden, "undo", "--since", "1h", "--rule", "listed"], tmp_path, {"Undo 6": "y"})
    assert "left alone" in flat(shown)
    assert not town.banned("alice")
    assert [town.shown(number)["removed"] for number in (alices, bobs, carols)] == [False, False, True]
    assert town.deeds(bobs, "bob") == log, "what a human did is not done once more"
    open_reports = town.call("admin", "GET", "post/report/list", post_id=alices, unresolved_only="true")
    assert open_reports["post_reports"] == []
    assert not town.gone(alices_url)
    assert fingerprints(bot) == 0, "what is not removed is no confirmed file"
    bot.command("stop-acting")
    again = bot.json("undo", "--since", "1h", "--yes")
    assert [intent["rule"] for intent in again["intents"]] == ["low"], "twice is harmless"
    assert not town.shown(carols)["removed"], "the kill switch does not keep anything from being taken back"

    bans = [body for path, body in wire.sent if path in {"/user/ban", "/community/ban_user"}]
    assert [body["ban"] for body in bans if body.get("reason") is not None].count(True) == 2
    assert all(not body.get("remove_data") for body in bans)
    assert not [path for path, _ in wire.sent if "purge" in path or "delete" in path], "undoing never deletes"
