"""One full run: the webhook, the report, the removal by the moderators' pages, the proof, and the undo."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from conformance.answers import body
from conformance.mastodon.pictures import png
from conformance.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.bot import Bot
    from conformance.mastodon.people import Person
    from conformance.mastodon.server import Server
    from conformance.mastodon.stage import Stage

pytestmark = pytest.mark.acceptance


def account(stage: Stage, who: Person) -> dict[str, Any]:
    found: dict[str, Any] = stage.admin.found(f"v1/admin/accounts/{who.id}")
    return found


def reports(stage: Stage, who: Person, warden: str) -> list[dict[str, Any]]:
    """The bot's, open or not."""
    asked = {"target_account_id": who.id, "account_id": warden, "limit": 200}
    return [
        one for more in ({}, {"resolved": "true"}) for one in stage.admin.found("v1/admin/reports", {**asked, **more})
    ]


def ledger_holds(folder: Path, word: str) -> bool:
    with sqlite3.connect(folder / "ledger.db") as connection:
        return any(word in line for line in connection.iterdump())


def test_webhook_report_removal_by_web_form_proof_and_undo(
    bot: Bot, server: Server, stage: Stage, author: Person, tmp_path: Path
) -> None:
    content, warden = png(320, 240), server.people["warden"]
    before = {one["id"] for one in reports(stage, author, warden.id)}
    # Mastodon stores what it is given anew, and the same upload twice as the same bytes.
    probe = body(author.upload(content))
    digest = hashlib.sha256(author.fetch(probe["url"]).content).hexdigest()
    bot.command("list", "add", "bad", f"sha256:{digest}")
    bot.start()
    bot.wait_until_it_watches(feeds=3)

    whispered = secrets.token_hex(8)
    stage.post(author, f"for nobody else {whispered}", visibility="direct", media_ids=[stage.picture(author)])
    visibility = "unlisted" if server.webhook_url else "public"  # what no timeline has
    post = stage.post(author, media_ids=[body(author.upload(content))["id"]], visibility=visibility)

    def log() -> str:
        return bot.log.read_text()[-3000:]

    eventually(lambda: account(stage, author)["suspended"], f"the author is suspended\n{log()}", deadline=150)
    bot.wait_until_idle()

    # What the server says, as its owner sees it.
    assert account(stage, author)["silenced"]
    assert stage.admin.get(f"v1/statuses/{post['id']}").status_code == 404
    filed = [one for one in reports(stage, author, warden.id) if one["id"] not in before]
    assert len(filed) == 1, "one report, which the form and the suspension have closed"
    assert filed[0]["action_taken"]
    assert filed[0]["comment"] == "Automated check: please review"
    assert filed[0]["category"] == "other"
    assert not filed[0]["forwarded"]

    # What the bot says.
    (case,) = bot.json("cases")
    told = bot.json("case", str(case["case"]))
    states = {one["deed"]: one["state"] for one in told["intents"]}
    assert states == {
        "report": "done",
        "remove": "done",
        "mark_sensitive": "refused",
        "limit_account": "done",
        "ban_account": "done",
    }
    timeline = "\n".join(line["detail"] for line in told["timeline"])
    assert "removed, by web" in timeline
    (known,) = bot.json("who", digest)
    (name,) = [one for one in known["names"] if one["shown_in"]]
    assert (name["how"], name["uploader"].partition("@")[0]) == ("attached", author.name)
    if server.webhook_url:
        (left_out,) = bot.json("status")["left_out"].values()
        assert sum(left_out.values()) >= 1
        assert any("private" in reason or "direct" in reason for reason in left_out), left_out
    assert not ledger_holds(tmp_path, whispered), "private posts are never stored"

    preview = bot.command("undo", str(case["case"]), "--preview", "--json")
    assert "the files of all its posts become public again" in preview
    bot.command("undo", str(case["case"]), "--yes")
    eventually(lambda: not account(stage, author)["suspended"], f"the suspension is lifted\n{log()}")
    bot.wait_until_idle()
    assert not account(stage, author)["silenced"]
    assert stage.admin.get(f"v1/statuses/{post['id']}").status_code == 404, "nothing brings a removed post back"
    filed = [one for one in reports(stage, author, warden.id) if one["id"] not in before]
    assert [one["action_taken"] for one in filed] == [True]
    states = {one["deed"]: one["state"] for one in bot.json("case", str(case["case"]))["intents"]}
    assert states == {
        "report": "undone",
        "remove": "done",
        "mark_sensitive": "refused",
        "limit_account": "undone",
        "ban_account": "undone",
    }
