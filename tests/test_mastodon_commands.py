"""Commands as they are typed, for a Mastodon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from adapters.sandbox.mastodon import MastodonSandbox
from bot.cli.app import app
from conformance.pictures import png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Room:
    """A server, a configuration that ``init`` wrote, and somebody who types."""

    def __init__(self, box: MastodonSandbox, folder: Path) -> None:
        self.box = box
        self.config = folder / "config.yaml"
        self.types("init", "--url", box.url, "--token-stdin", "--yes", typed=f"{box.people['warden'].tokens['bot']}\n")
        written = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        self.config.write_text(yaml.safe_dump({**written, "detectors": [], "rules": written["rules"][:2]}))

    def types(self, *words: str, code: int = 0, typed: str = "") -> str:
        done = CliRunner().invoke(app, ["--config", str(self.config), *words], input=typed)
        assert done.exit_code == code, f"{done.output}\n{done.exception!r}"
        return done.stdout

    def post(self, who: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.box.people[who].tokens['full']}"}
        with httpx.Client(base_url=self.box.url, headers=headers, trust_env=False) as client:
            sent = {"file": ("picture.png", png(64, 64), "image/png")}
            media = client.post("/api/v2/media", files=sent).raise_for_status().json()
            fields = {"status": "look", "media_ids": [media["id"]]}
            found: dict[str, Any] = client.post("/api/v1/statuses", json=fields).raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with MastodonSandbox() as box:
        yield Room(box, tmp_path_factory.mktemp("room"))


def test_check_says_what_the_server_offers(room: Room) -> None:
    rows = {row["what"]: row for row in json.loads(room.types("check", "--json"))}
    assert {row["what"] for row in rows.values() if not row["ok"]} == set()
    assert "Mastodon 4.6.5" in rows["mastodon-main: server"]["detail"]
    assert "removal.web" in rows["mastodon-main: removal"]["detail"]
    assert rows["irreversible"]["detail"] == (
        "remove is not named: every removal that nothing takes back waits for your approval"
    )


def test_one_post_is_looked_at_and_its_picture_is_its_authors(room: Room) -> None:
    post = room.post("alice")
    (one,) = json.loads(room.types("process-one", post["url"], "--json"))
    attachment = post["media_attachments"][0]["id"]
    assert one == {"name": f"attachment:mastodon-main/{attachment}", "scan": "64x64 image/png", "intents": []}
    for asked in (post["url"], post["media_attachments"][0]["url"]):
        (known,) = json.loads(room.types("who", asked, "--json"))
        (name,) = known["names"]
        assert (name["how"], name["uploader"].partition("@")[0]) == ("attached", "alice")
        assert name["shown_in"][0]["url"].endswith(post["id"])


def test_what_cannot_be_removed_so_far_waits_and_says_why(room: Room) -> None:
    post = room.post("bob")
    room.types("process-one", post["url"])
    digest = json.loads(room.types("who", post["url"], "--json"))[0]["sha256"]
    room.types("list", "add", "known", f"sha256:{digest}")
    room.types("process-one", post["url"])
    held = {one["deed"]: one for one in json.loads(room.types("held", "--json"))}
    assert set(held) == {"report", "remove", "mark_sensitive", "ban_account"}
    assert set(held["remove"]["reasons"]) == {"stage", "irreversible_off", "not_offered"}
    assert "removal.web" in held["remove"]["detail"]
    assert held["report"]["reasons"] == ["stage"]
    status = json.loads(room.types("status", "--json"))
    assert status["counts"]["matched"] == 1
    assert status["pushes"] == {}
