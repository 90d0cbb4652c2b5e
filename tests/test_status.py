"""``status`` says what could not be read and how the bot's accounts stand."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.clock import SystemClock
from bot.domain.content import Alias, InstanceId
from bot.domain.evidence import PARTLY_SEEN, Evidence, Finding
from bot.ledger import open_ledger
from bot.ports import Batch
from bot.selfcheck import FLAG

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
schema: 1
instances:
  - {id: main, platform: lemmy, url: "https://lemmy.example", username: warden, token: x}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    ledger = open_ledger(f"sqlite:///{tmp_path / 'fediwarden.db'}", clock=SystemClock())
    hole = "comments behind the newest 5000: Lemmy lists no more than 100 pages"
    ledger.record("main/comments", Batch(cursor={}, holes=[hole]), examine_uploads=False)
    found = {
        "admin": {"ok": True, "detail": "the account is an admin", "remedy": ""},
        "blocks": {"ok": False, "detail": "blocks somebody", "remedy": "lift them"},
    }
    ledger.set_flag(f"{FLAG}main", json.dumps({"at": "2026-11-22T12:00:00+00:00", "found": found}))
    in_part = Finding(kind=PARTLY_SEEN, detail="of this video only 5 of 16 sampled frames were looked at")
    name = Alias(instance=InstanceId("main"), value="film.mp4")
    file_id = ledger.bind(name, "ab" * 32)
    ledger.save_scan(file_id, Evidence(sha256="ab" * 32, media_type="video/mp4", size=1, findings=(in_part,)))
    ledger.open_case(file_id)
    ledger.close()
    return path


def test_status_for_machines(config: Path) -> None:
    done = CliRunner().invoke(app, ["--config", str(config), "status", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (hole,) = told["holes"]["main/comments"]
    assert (hole["text"].startswith("comments behind"), hole["times"]) == (True, 1)
    assert told["accounts"]["main"]["found"]["blocks"]["ok"] is False
    assert (told["counts"]["scanned"], told["counts"]["partly_seen"]) == (1, 1)


def test_status_for_people(config: Path) -> None:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--config", str(config), "status"])
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "what could not be read" in text
    assert "main/comments" in text
    assert "the bot's account blocks: blocks somebody" in text
    assert re.search(r"partly_seen \W? ?1\b", text)


@pytest.mark.parametrize("words", [("case", "1"), ("case", "1", "--json")])
def test_a_file_seen_in_part_says_so_where_it_is_shown(config: Path, words: tuple[str, ...]) -> None:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--config", str(config), *words])
    assert done.exit_code == 0, done.output
    assert "of this video only 5 of 16 sampled frames were looked at" in " ".join(done.stdout.split())
