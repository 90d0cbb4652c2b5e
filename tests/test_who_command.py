"""``fediwarden who``, from a path in the file store."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from adapters.sandbox.lemmy import LemmySandbox
from bot.cli.app import app
from bot.cli.exits import Exit
from bot.domain.errors import PlatformError
from bot.operate.who import _digest_of
from conformance.pictures import png

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.opening.out._width", 300)


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    file = tmp_path / "file"
    file.write_bytes(b"some")
    assert [_digest_of(str(path)) for path in ("/dev/zero", pipe, tmp_path, "\0")] == [None] * 4
    assert _digest_of(str(file)) == hashlib.sha256(b"some").hexdigest()


def test_path_leads_to_uploader_and_names_and_exit_codes_say_what_came_of_it(tmp_path: Path) -> None:
    with LemmySandbox() as box:
        alias, file = box.files.ingest(png())
        pictrs = {"url": box.pictrs_url, "api_key": box.pictrs_key}
        server = {"id": "main", "platform": "lemmy", "url": box.url, "username": "warden", "pictrs": pictrs}
        server["password"] = box.people["warden"].password
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump({"schema": 1, "ledger": "sqlite:///l.db", "instances": [server]}))
        run = CliRunner()

        def fediwarden(*words: str) -> tuple[int, str]:
            done = run.invoke(app, ["--config", str(config), *words])
            return done.exit_code, done.stdout

        code, told = fediwarden("who", f"/mnt/files/{file.identifier}", "--json")
        assert code == Exit.OK
        names = {name["name"]: name for name in json.loads(told)[0]["names"]}
        assert set(names) == {f"alias:main/{alias.name}", f"key:main/{file.identifier}"}
        assert names[f"alias:main/{alias.name}"]["known_by"] == ["file store"]
        assert names[f"alias:main/{alias.name}"]["how"] == "unknown"
        assert json.loads(told)[0]["not_asked"] == []

        code, told = fediwarden("who", file.identifier)
        assert code == Exit.OK
        assert alias.name in told
        assert "file store" in told

        code, told = fediwarden("who", file.identifier.replace(file.identifier[-8:], "0000.png"))
        assert (code, "a variant" in told) == (Exit.UNKNOWN, True)
        assert fediwarden("who", "0" * 64, "--json") == (Exit.UNKNOWN, "[]\n")
        box.stop_pictrs()
        done = run.invoke(app, ["--config", str(config), "who", f"s3://bucket/{'ab/' * 10}{'c' * 12}.png"])
        assert isinstance(done.exception, PlatformError), "which ends the command with its exit code"
        box.start_pictrs()
