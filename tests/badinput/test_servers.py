"""A server that is down, slow, lying or changed its mind: clear words, nothing lost, nothing done twice."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.lemmy import delay, drop, hold, respond, truncate
from conformance.pictures import png
from conformance.waiting import eventually
from crash.conftest import DEEDS, all_dealt_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.bot import Bot
    from adapters.sandbox.faults import Action
    from crash.conftest import Shared, Town

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
FAULTS = {
    "down": drop(),
    "error 500": respond(500, '{"error":"unknown","message":"boom"}'),
    "starting": respond(503, '{"error":"Lemmy is currently starting"}'),
    "html instead of json": respond(502, HTML, "text/html"),
    "html with status 200": respond(200, HTML, "text/html"),
    "json of another shape": respond(200, '{"unexpected":true}'),
    "cut in the middle of the body": truncate(),
    "rate limited": respond(400, '{"error":"rate_limit_error"}'),
    "too many requests": respond(429, HTML, "text/html"),
    "slow": delay(2.0),
}


def dealt_with(town: Town, bot: Bot, post: dict, url: str, who: str = "alice") -> None:
    """Everything came to pass all the same, once."""
    eventually(lambda: town.banned(who), f"{who} is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert town.shown(post["id"])["removed"]
    assert town.gone(url)
    assert town.deeds(post["id"], who) == {"report": 1, "remove": 1, "ban": 1}


def without(*names: str) -> dict[str, Action]:
    return {name: fault for name, fault in FAULTS.items() if name not in names}


@contextmanager
def each_their_own(town: Town, bot: Bot, faults: dict[str, Action]) -> Iterator[dict[str, Shared]]:
    """For each of these a new member who has shared something, which the bot sees afterwards."""
    with town.unseen(bot, [f"member_{number}" for number in range(len(faults))]) as members:
        yield dict(zip(faults, members, strict=True))


@pytest.mark.parametrize("faults", [list(FAULTS)[:5], list(FAULTS)[5:]], ids=["no answer", "another answer"])
def test_listing_fails_for_a_while(town: Town, bot: Bot, faults: list[str]) -> None:
    """In each of these ways, one after another."""
    for number, fault in enumerate(faults):
        with town.unseen(bot, [f"member_{number}"]) as (one,):
            town.box.faults.before("GET", "/api/v3/post/list", FAULTS[fault], times=3)
        all_dealt_with(town, bot, {fault: one})
        assert town.box.faults.left() == [], f"{fault}: it was listed before the fault was over"


def test_every_deed_fails_at_first(town: Town, bot: Bot) -> None:
    """Before it is carried out, in each of these ways for somebody else: the bot tries again, and does it once."""
    faults = without("slow")
    with each_their_own(town, bot, faults) as shared:
        for name, one in shared.items():
            for deed in DEEDS:
                town.box.faults.before(**one.call(deed), action=faults[name])
    all_dealt_with(town, bot, shared)
    assert town.box.faults.left() == []


def test_every_deed_is_carried_out_and_its_answer_lost(town: Town, bot: Bot) -> None:
    faults = {name: FAULTS[name] for name in ("cut in the middle of the body", "down")}
    with each_their_own(town, bot, faults) as shared:
        for name, one in shared.items():
            for deed in DEEDS:
                town.box.faults.after(**one.call(deed), action=faults[name])
    all_dealt_with(town, bot, shared)
    assert town.box.faults.left() == []


def test_the_file_cannot_be_fetched_at_first(town: Town, bot: Bot) -> None:
    faults = {name: FAULTS[name] for name in ("error 500", "cut in the middle of the body", "down")}
    with each_their_own(town, bot, faults) as shared:
        for name, one in shared.items():
            town.box.faults.before("GET", one.url.rsplit("/", 1)[-1], faults[name], times=4)
    eventually(lambda: not town.box.faults.left(), "all of them went wrong as often as they should", deadline=120)
    all_dealt_with(town, bot, shared)


def test_pictrs_is_down_for_a_while(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    url = town.upload("alice", listed[0])
    town.box.stop_pictrs()
    post = town.post("alice", url)
    eventually(lambda: bool(bot.look("status")["counts"]["seen"]), "the post is seen")
    town.box.start_pictrs()
    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert town.gone(url)
    assert town.deeds(post["id"], "alice") == {"report": 1, "remove": 1, "ban": 1}


def test_a_revoked_token_is_replaced(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    town.forget_tokens("warden")
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    dealt_with(town, bot, post, url)


def test_a_bot_that_is_no_admin_any_more_says_so_and_waits(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    town.call("admin", "POST", "admin/add", person_id=town.box.people["warden"].id, added=False)
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    eventually(lambda: any(f["trouble"] for f in bot.look("status")["feeds"].values()), "status shows the trouble")
    checks = bot.json("check", code=1)
    assert any(not one["ok"] and "admin" in one["what"] + one["detail"] for one in checks)
    assert not town.banned("alice")

    town.call("admin", "POST", "admin/add", person_id=town.box.people["warden"].id, added=True)
    dealt_with(town, bot, post, url)


def test_wrong_key_of_pictrs_keeps_the_purge_waiting_and_nothing_else(
    town: Town, bot: Bot, listed: tuple[bytes, str]
) -> None:
    bot.stop()
    config = bot.config.read_text()
    bot.config.write_text(config.replace(town.box.pictrs_key, "wrong"))
    checks = bot.json("check", code=1)
    assert any(not one["ok"] and "key" in one["detail"] + one["remedy"] for one in checks)
    bot.start()
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    assert town.shown(post["id"])["removed"]
    assert not town.gone(url)
    eventually(
        lambda: any("refuses the key" in one["reason"] for one in bot.look("case", "1")["not_yet"]),
        "the case says what it waits for",
    )
    eventually(lambda: "Not done yet: examine alias:main/" in bot.command("case", "1"), "it says so in words")

    bot.stop()
    bot.config.write_text(config)
    bot.start()
    eventually(lambda: town.gone(url), f"the file is purged with the right key\n{bot.log.read_text()[-3000:]}")
    eventually(lambda: not bot.look("case", "1")["not_yet"], "nothing is waited for any more")


def test_post_that_vanished_between_poll_and_deed(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    release, arrived = threading.Event(), threading.Event()
    town.box.faults.before("POST", "/post/report$", hold(release, arrived))
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    assert arrived.wait(60)
    town.call("admin", "POST", "admin/purge/post", post_id=post["id"], reason="by hand")
    release.set()
    eventually(lambda: town.banned("alice"), f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    states = {i["deed"]: i["state"] for i in bot.look("case", "1")["intents"]}
    assert states == {"report": "refused", "remove": "refused", "purge_file": "done", "ban_account": "done"}


def test_file_that_is_gone_is_not_called_clean_and_not_acted_on(town: Town, bot: Bot) -> None:
    town.box.faults.before("GET", "/pictrs/image/", respond(404, ""), times=100)
    url = town.upload("alice", png(64, 64))
    town.post("alice", url)
    eventually(lambda: bot.look("status")["counts"]["unscannable"] > 0, "the file is counted as unscannable")
    assert bot.look("held") == []
    assert bot.look("cases") == []


def test_ledger_that_is_locked_for_a_while(town: Town, bot: Bot, listed: tuple[bytes, str]) -> None:
    import sqlite3
    import time

    other = sqlite3.connect(bot.config.parent / "ledger.db", timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    url = town.upload("alice", listed[0])
    post = town.post("alice", url)
    time.sleep(8)
    other.execute("ROLLBACK")
    other.close()
    dealt_with(town, bot, post, url)
