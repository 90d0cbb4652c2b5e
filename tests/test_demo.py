"""The demo keeps away from what is in use. What it plays, it checks by itself (`make demo`)."""

from __future__ import annotations

import os
import subprocess
import sys

from sqlalchemy import make_url

import postgres
from bot.cli.exits import Exit
from bot.clock import SystemClock
from bot.ledger import open_ledger


def test_demo_leaves_a_ledger_alone_that_is_in_use() -> None:
    with postgres.shared().database() as url:
        ledger = open_ledger(url, clock=SystemClock())
        ledger.set_flag("source/lemmy-main/posts", "{}")
        done = subprocess.run(
            [sys.executable, "-m", "bot", "demo"],
            env={**os.environ, "FEDIWARDEN_DEMO_LEDGER": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == Exit.LEDGER, done.stderr
        assert "the demo wants an empty database of its own" in done.stderr
        assert str(make_url(url).password) not in done.stdout + done.stderr
        assert ledger.flags("") == ["source/lemmy-main/posts"]
        ledger.close()
