"""The whole job on a Lemmy 1.0, whose ban does not keep the account from uploading."""

from __future__ import annotations

import hashlib
import io
import random
import signal
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from PIL import Image

from adapters.sandbox.lemmy import LemmySandbox
from bot.clock import SystemClock
from bot.ledger import open_ledger
from bot.operate import reload
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

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


def listed(admin: Somebody) -> tuple[bytes, str]:
    """A picture, and the digest of what this server makes of it: stored once, looked at, and purged again."""
    picture = jpeg()
    probe = admin.upload(picture)
    digest = hashlib.sha256(admin.client.get(probe["image_url"]).content).hexdigest()
    admin.client.request("DELETE", "/image", json={"filename": probe["filename"]}).raise_for_status()
    return picture, digest


@contextmanager
def running(folder: Path, box: LemmySandbox, digest: str) -> Iterator[Bot]:
    """The bot, once it has read every feed. It waits until an upload is posted."""
    (folder / "bad.txt").write_text(f"sha256 {digest}\n", encoding="utf-8")
    warden: Any = SimpleNamespace(name="warden", password=box.people["warden"].password)
    lists = [{"id": "bad", "mode": "block", "file": "bad.txt"}]
    config = write_config(folder, box, warden, detectors=[], lists=lists, rules=RULES, unposted_uploads="ignore")  # type: ignore[arg-type]
    bot = Bot(config)
    bot.start()
    try:
        bot.wait_until_it_watches()
        yield bot
    finally:
        bot.stop()


def test_picture_is_handled_on_lemmy_1_0_and_what_the_banned_account_uploads_is_purged_too(
    tmp_path: Path, box: LemmySandbox
) -> None:
    with ExitStack() as stack:
        admin, alice = (stack.enter_context(Somebody(box, name)) for name in ("admin", "alice"))
        picture, digest = listed(admin)
        bot = stack.enter_context(running(tmp_path, box, digest))
        community = admin.do("/community", name="pictures", title="Pictures")["community_view"]["community"]["id"]
        stored = alice.upload(picture)
        made = alice.do("/post", name="A post", community_id=community, url=stored["image_url"])
        number = made["post_view"]["post"]["id"]

        def banned() -> bool:
            return bool(admin.ask("/person", person_id=alice.person.id)["person_view"]["banned"])

        def removed() -> bool:
            return bool(admin.ask("/post", id=number)["post_view"]["post"]["removed"])

        def reports() -> Any:
            return [row["post_report"] for row in admin.ask("/report/list", post_id=number)["items"]]

        def done(case: Any) -> bool:
            return [one["state"] for one in case["intents"]] == ["done"] * 4

        eventually(banned, f"alice is banned\n{bot.log.read_text()[-3000:]}")
        assert removed()
        eventually(lambda: admin.gone(stored["filename"]), "the file is gone")
        (report,) = reports()
        assert report["violates_instance_rules"], "it is for the admins, and does not leave the server"
        eventually(lambda: done(bot.look("case", "1")), "the server confirms all of it")
        case = bot.json("case", "1")
        assert {one["deed"] for one in case["intents"]} == {"report", "remove", "purge_file", "ban_account"}
        assert "still lets a banned account upload" in str(case)
        assert "not at all with `ignore`" in str(case)
        unseen = alice.upload(picture)

        text = bot.config.read_text(encoding="utf-8").replace("unposted_uploads: ignore", "unposted_uploads: scan")
        bot.config.write_text(text, encoding="utf-8")
        bot.signal(signal.SIGHUP)
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
        eventually(lambda: reload.last(ledger) is not None, "the configuration is read again")
        ledger.close()
        assert not admin.gone(unseen["filename"]), "as the note says"
        again = alice.upload(picture)
        eventually(lambda: admin.gone(again["filename"]), f"it is purged again\n{bot.log.read_text()[-3000:]}")
        assert len(reports()) == 1

        bot.command("undo", "1")
        eventually(lambda: not banned(), "the ban is lifted")
        eventually(lambda: not removed(), "the post is back")
        eventually(lambda: all(one["resolved"] for one in reports()), "the report is resolved")
        assert admin.gone(stored["filename"])
        assert admin.gone(again["filename"])
