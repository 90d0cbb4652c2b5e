"""What an operator can show afterwards: the story of a case, the proof of it, and that it is gone when it has to be."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from acceptance.test_whole_job import banned, block, post_of
from conformance.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.people import Person
    from conformance.stage import Stage

    from .bot import Bot

pytestmark = pytest.mark.acceptance


def ledger_holds(folder: Path, word: str) -> list[str]:
    """Tables of the ledger in which a word stands."""
    connection = sqlite3.connect(folder / "ledger.db")
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            table
            for table in tables
            if any(word in str(row) for row in connection.execute(f"SELECT * FROM {table}"))  # noqa: S608 - our tables
        ]
    finally:
        connection.close()


def test_a_case_is_explained_proved_and_erased(bot: Bot, stage: Stage, admin: Person, tmp_path: Path) -> None:
    alice, community = stage.register("alice"), stage.community()
    picture = stage.picture(alice)
    block(bot, admin, picture)
    post = stage.post(alice, community, url=picture.url)["post"]
    eventually(lambda: banned(admin, alice), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    eventually(lambda: "keep this head elsewhere" in bot.log.read_text(), "the daemon tells the head of the chain")
    kept = bot.command("audit", "head").strip()
    assert re.fullmatch(r"[1-9]\d*:[0-9a-f]{64}", kept)
    bot.command("undo", "1", "--by", "olga")
    bot.wait_until_idle()
    assert not post_of(admin, post["id"])["removed"]

    told = json.loads(bot.command("case", "1", "--export", "-", "--format", "json"))
    assert told["format"] == "fediwarden-case/1"
    assert told["times"]["seen_to_first_deed"] > 0
    (verdict,) = told["verdicts"]
    assert verdict["rule_text"].startswith("id: listed\nstage: enforce\n")
    deeds = {deed["deed"]: deed for deed in told["deeds"]}
    handle = deeds["ban_account"]["account"]
    assert handle.startswith(f"{alice.name}@")
    assert [one["undo"] for one in deeds["remove"]["tries"]] == [False, True]
    assert "removed: no" in deeds["remove"]["restored"]
    assert ("decision", "olga") in {(line["what"], line["who"]) for line in told["timeline"]}
    detectors = {score["detector"]: score["revision"] for score in verdict["scores"]}
    assert detectors["nsfw"]

    page = tmp_path / "case.html"
    bot.command("case", "1", "--export", str(page))
    assert page.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600

    bot.stop()  # it would see the account again
    for held in bot.json("held", "--case", "1"):  # a thumbnail that was made late waits for a human
        bot.command("dismiss", "--intent", str(held["intent"]), "--by", "olga")
    assert {"sighting", "intent"} <= set(ledger_holds(tmp_path, alice.name))
    bot.command("erase", "--account", f"@{handle}", "--yes", "--by", "olga")
    bot.command("erase", "--case", "1", "--yes", "--by", "olga")
    assert ledger_holds(tmp_path, alice.name) == []
    report = bot.json("audit", "verify", "--head", kept)
    assert report["ok"]
    assert {(one["by"], one["case"]) for one in report["erased"]} == {("olga", 1)}
