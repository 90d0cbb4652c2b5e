"""The plan: what a bot that only watches would have done, sorted by a human, and then done without another look.

Always against the sandbox: its books say what was fetched, and its files can be swapped.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.faults import delay
from adapters.sandbox.lemmy import LemmySandbox
from conformance.pictures import png
from conformance.waiting import eventually
from crash.conftest import Town

from .bot import Bot
from .test_whole_job import clay_wall

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EDITED, DELETED, SWAPPED, RENAMED, PURGED = "edited", "deleted", "swapped", "renamed", "purged"
FATES = (EDITED, DELETED, SWAPPED, RENAMED, PURGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A town in which a bot watched for a while and is gone now; everything is held."""

    town: Town
    bot: Bot
    scored: int  # number of a post
    scored_url: str
    posts: dict[str, int]  # by what becomes of them later
    urls: dict[str, str]

    def held(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.bot.json("held", *words)
        return found

    def rows(self, table: str) -> int:
        """In the ledger."""
        with closing(sqlite3.connect(self.bot.config.parent / "ledger.db")) as ledger:
            return int(ledger.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - a test's own word


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with LemmySandbox() as box:
        town = Town(box)
        folder = tmp_path_factory.mktemp("plan")
        pictures = {fate: png(320, 240) for fate in FATES}
        digests = [hashlib.sha256(picture).hexdigest() for picture in pictures.values()]
        (folder / "bad.txt").write_text("".join(f"sha256 {digest}\n" for digest in digests))
        listed = [{"id": "bad", "mode": "block", "file": "bad.txt"}]
        bot = Bot(town.config(folder, stage="observe", unposted_uploads="ignore", lists=listed))
        try:
            bot.start()
            bot.wait_until_it_watches()
            scored_url = town.upload("bob", clay_wall())
            scored = town.post("bob", scored_url)["id"]
            urls = {fate: town.upload("alice", picture) for fate, picture in pictures.items()}
            posts = {fate: town.post("alice", url)["id"] for fate, url in urls.items()}
            aliases = {url.rsplit("/", 1)[-1] for url in (scored_url, *urls.values())}
            eventually(lambda: aliases <= _shown(folder), "the bot has seen every post")
            bot.wait_until_idle()
            bot.stop()
            yield Watched(town=town, bot=bot, scored=scored, scored_url=scored_url, posts=posts, urls=urls)
        finally:
            bot.stop()
            town.close()


def _shown(folder: Path) -> set[str]:
    """Names of files under which the bot knows a place."""
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        return {value for (value,) in ledger.execute("SELECT value FROM name JOIN sighting ON name_id = name.id")}


def test_plan_is_exported_edited_approved_and_done_without_a_second_look(watched: Watched, tmp_path: Path) -> None:
    bot, town = watched.bot, watched.town
    assert not town.shown(watched.scored)["removed"], "in `observe` nothing is done"
    low = watched.held("--rule", "low")
    assert [hold["deed"] for hold in low] == ["report", "remove", "ban_account"]
    plan = tmp_path / "plan.jsonl"
    bot.command("held", "--rule", "low", "--export", str(plan))
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in plan.read_text(encoding="utf-8").splitlines()]
    assert [line["intent"] for line in lines] == [hold["intent"] for hold in low]
    assert [0.3 <= line["score"] < 1 and line["threshold"] == 0.3 for line in lines] == [True] * 3
    plan.write_text("".join(f"{json.dumps(line)}\n" for line in lines if line["deed"] != "ban_account"))

    scans = watched.rows("scan")
    town.box.faults.before("GET", "^/pictrs/image/", delay(0), times=1000, server="lemmy")
    done = bot.json("approve", "--plan", str(plan), "--by", "a moderator")
    (fetches,) = town.box.faults._before
    assert fetches.times == 1000, "no picture was fetched"
    town.box.faults.clear()
    assert {(row["deed"], row["state"]) for row in done["intents"]} == {("report", "done"), ("remove", "done")}
    assert watched.rows("scan") == scans > 0, "and none was scanned"
    assert town.shown(watched.scored)["removed"]
    assert town.deeds(watched.scored, "bob") == {"report": 1, "remove": 1, "ban": 0}
    assert not town.gone(watched.scored_url)
    assert not town.banned("bob"), "what was taken out of the plan stays held"

    again = bot.json("approve", "--plan", str(plan), code=1)
    assert {row["result"] for row in again["intents"]} == {"skipped: is done by now, not held"}


def test_what_changed_between_verdict_and_approval_is_skipped_with_the_reason(watched: Watched) -> None:
    town, bot, posts = watched.town, watched.bot, watched.posts
    held = {(hold["deed"], hold["target"]): hold["intent"] for hold in watched.held("--rule", "listed")}
    harmless = town.upload("alice", png(320, 240))
    town.call("alice", "PUT", "post", post_id=posts[EDITED], url=harmless)
    town.call("alice", "POST", "post/delete", post_id=posts[DELETED], deleted=True)
    town.call("alice", "PUT", "post", post_id=posts[RENAMED], name="Another title")
    town.call("admin", "POST", "admin/purge/post", post_id=posts[PURGED])
    swapped = watched.urls[SWAPPED].rsplit("/", 1)[-1]
    files = town.box.files
    with files.lock:
        other, _ = files._aliases[harmless.rsplit("/", 1)[-1]]
        files._aliases[swapped] = (other, files._aliases[swapped][1])

    def came_of(deed: str, target: str, done: dict[str, Any]) -> tuple[str, str]:
        row = next(row for row in done["intents"] if row["intent"] == held[deed, target])
        return row["state"], row["detail"]

    # A removal waits for the report of its post while a human has not decided about that.
    bot.command("dismiss", "--rule", "listed", "--deed", "report", "--yes")
    done = bot.json("approve", "--rule", "listed", "--deed", "remove", "--yes")
    found = {fate: came_of("remove", f"main/post/{number}", done) for fate, number in posts.items()}
    assert found == {
        EDITED: ("refused", "changed: the post no longer shows that file"),
        DELETED: ("refused", "changed: its author has deleted the post"),
        SWAPPED: ("refused", "changed: the file under that name has other bytes now"),
        PURGED: ("refused", "changed: the post is gone"),
        RENAMED: ("done", ""),
    }
    shown = {fate: town.shown(posts[fate])["removed"] for fate in (EDITED, DELETED, SWAPPED, RENAMED)}
    assert shown == {EDITED: False, DELETED: False, SWAPPED: False, RENAMED: True}

    purge = f"alias:main/{swapped}"
    tries = watched.rows("attempt")
    done = bot.json("approve", str(held["purge_file", purge]))
    assert came_of("purge_file", purge, done) == ("refused", "changed: the file under that name has other bytes now")
    assert not town.gone(harmless), "the innocent file under that name is still there"
    assert watched.rows("attempt") == tries, "what is skipped is not tried"
