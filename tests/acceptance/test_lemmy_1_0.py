"""The whole job on a Lemmy 1.0, whose ban does not keep the account from uploading."""

from __future__ import annotations

import hashlib
import io
import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from adapters.sandbox.lemmy import LemmySandbox
from conformance.waiting import eventually

from .bot import Bot, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance

RULES = [{"id": "listed", "when": {"lists": ["bad"]}, "then": ["report", "remove", "purge_file", "ban_account"]}]


class Somebody:
    """An account on the server, by its API v4."""

    def __init__(self, box: LemmySandbox, name: str) -> None:
        self.person = box.people[name]
        token = {"Authorization": f"Bearer {self.person.jwt}"}
        self.client = httpx.Client(base_url=f"{box.url}/api/v4", headers=token, timeout=60, trust_env=False)

    def ask(self, path: str, **query: Any) -> Any:
        return self.client.get(path, params=query).raise_for_status().json()

    def do(self, path: str, **body: Any) -> Any:
        return self.client.post(path, json=body).raise_for_status().json()

    def upload(self, picture: bytes) -> Any:
        """The address of what the server made of it."""
        files = {"images[]": ("p.jpeg", picture, "image/jpeg")}
        return self.client.post("/image", files=files).raise_for_status().json()

    def gone(self, alias: str) -> bool:
        return self.client.get(f"/image/{alias}").status_code == 404


def jpeg() -> bytes:
    """A picture that is the same bytes each time this server stores it, as a PNG would not be."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (8, 8), random.Random().randbytes(192)).resize((320, 240)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def box() -> Iterator[LemmySandbox]:
    with LemmySandbox(version="1.0", purge_delay=0.1) as one:
        yield one


@pytest.fixture
def bot(tmp_path: Path, box: LemmySandbox) -> Iterator[Bot]:
    warden = SimpleNamespace(name="warden", password=box.people["warden"].password)
    one = Bot(write_config(tmp_path, box, warden, detectors=[], rules=RULES, unposted_uploads="ignore"))  # type: ignore[arg-type]
    one.start()
    try:
        one.wait_until_it_watches()
        yield one
    finally:
        one.stop()


def test_picture_is_handled_on_lemmy_1_0_and_what_the_banned_account_uploads_is_purged_too(
    box: LemmySandbox, bot: Bot
) -> None:
    admin, alice = Somebody(box, "admin"), Somebody(box, "alice")
    community = admin.do("/community", name="pictures", title="Pictures")["community_view"]["community"]["id"]
    picture = jpeg()
    stored = alice.upload(picture)
    digest = hashlib.sha256(alice.client.get(stored["image_url"]).content).hexdigest()
    bot.command("list", "add", "bad", f"sha256:{digest}")
    made = alice.do("/post", name="A post", community_id=community, url=stored["image_url"])
    number = made["post_view"]["post"]["id"]

    def banned() -> bool:
        return bool(admin.ask("/person", person_id=alice.person.id)["person_view"]["banned"])

    def removed() -> bool:
        return bool(admin.ask("/post", id=number)["post_view"]["post"]["removed"])

    def reports() -> Any:
        return admin.ask("/report/list", post_id=number)["items"]

    eventually(banned, f"alice is banned\n{bot.log.read_text()[-3000:]}")
    bot.wait_until_idle()
    assert removed()
    assert admin.gone(stored["filename"])
    (report,) = reports()
    assert report["post_report"]["violates_instance_rules"], "it is for the admins, and does not leave the server"
    case = bot.json("case", "1")
    intents = {one["deed"]: one for one in case["intents"]}
    assert {one["state"] for one in intents.values()} == {"done"}
    assert set(intents) == {"report", "remove", "purge_file", "ban_account"}
    assert "still lets a banned account upload" in str(case)
    (known,) = bot.json("who", digest)
    assert [name["how"] for name in known["names"]] == ["listed"]

    text = bot.config.read_text(encoding="utf-8").replace("unposted_uploads: ignore", "unposted_uploads: scan")
    bot.config.write_text(text, encoding="utf-8")
    bot.command("reload")
    again = alice.upload(picture)
    eventually(lambda: admin.gone(again["filename"]), f"it is purged again\n{bot.log.read_text()[-3000:]}")
    assert len(bot.json("cases")) == 1
    assert len(reports()) == 1

    bot.command("undo", "1")
    eventually(lambda: not banned(), "the ban is lifted")
    eventually(lambda: not removed(), "the post is back")
    eventually(lambda: [one["post_report"]["resolved"] for one in reports()] == [True], "the report is resolved")
    assert admin.gone(stored["filename"])
    assert admin.gone(again["filename"])
