"""``status`` says what could not be read and how the bot's accounts stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.clock import SystemClock
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
    ledger.close()
    return path


def test_status_for_machines(config: Path) -> None:
    done = CliRunner().invoke(app, ["--config", str(config), "status", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (hole,) = told["holes"]["main/comments"]
    assert (hole["text"].startswith("comments behind"), hole["times"]) == (True, 1)
    assert told["accounts"]["main"]["found"]["blocks"]["ok"] is False


def test_status_for_people(config: Path) -> None:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--config", str(config), "status"])
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "what could not be read" in text
    assert "main/comments" in text
    assert "the bot's account blocks: blocks somebody" in text
