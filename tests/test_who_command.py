"""``fediwarden who``, from a path in the file store."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import Mock

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
    from collections.abc import Callable, Iterator
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


@contextmanager
def asking(folder: Path) -> Iterator[tuple[LemmySandbox, Callable[..., tuple[int, str]]]]:
    """A server, and the command over a ledger that knows nothing yet."""
    with LemmySandbox(purge_delay=0.0) as box:
        pictrs = {"url": box.pictrs_url, "api_key": box.pictrs_key}
        server = {"id": "main", "platform": "lemmy", "url": box.url, "username": "warden", "pictrs": pictrs}
        server["password"] = box.people["warden"].password
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump({"schema": 1, "ledger": "sqlite:///l.db", "instances": [server]}))
        run = CliRunner()

        def fediwarden(*words: str) -> tuple[int, str]:
            done = run.invoke(app, ["--config", str(config), *words])
            return done.exit_code, done.stdout

        yield box, fediwarden


def test_whatever_an_operator_has_at_hand_leads_to_the_file(tmp_path: Path) -> None:
    with asking(tmp_path) as (box, fediwarden):
        alias, file = box.files.ingest(png())
        path = file.identifier
        for form in (
            "C:\\pictrs\\files\\" + path.replace("/", "\\"),
            f"/mnt/files/{path.replace('/', '%2F')}",
            path.upper(),
            f"s3://bucket/prefix/{path}?versionId=1",
            path.rpartition(".")[0],
            path.partition("/")[2],
            f"/pictrs/image/{alias.name}?format=webp",
            f"alias:main/{alias.name}",
            f"sha256 {file.hash.hex()}",
        ):
            (tmp_path / "l.db").unlink(missing_ok=True)
            code, told = fediwarden("who", form)
            assert (code, f"alias:main/{alias.name}" in told) == (Exit.OK, True), form


def test_name_that_nobody_has_is_unknown(tmp_path: Path) -> None:
    with asking(tmp_path) as (_, fediwarden):
        for _ in range(2):
            code, told = fediwarden("who", "deadbeef-0000-4000-8000-00000000dead.png")
            assert (code, told.startswith("Nothing is known of it")) == (Exit.UNKNOWN, True)


def test_address_of_an_object_says_what_of_it_to_give(tmp_path: Path) -> None:
    with asking(tmp_path) as (box, fediwarden):
        _, file = box.files.ingest(png())
        code, told = fediwarden("who", f"https://s3.example/bucket/{file.identifier}")
        assert (code, "behind host and bucket" in told) == (Exit.UNKNOWN, True)


def test_what_is_known_is_told_whole_and_what_cannot_be_asked_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.opening.out._width", 40)
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    with asking(tmp_path) as (box, fediwarden):
        alias, file = box.files.ingest(png())
        lines = {f"  alias:main/{alias.name}", f"  key:main/{file.identifier}"}
        assert lines <= set(fediwarden("who", file.identifier)[1].splitlines())
        box.stop_pictrs()
        for text in (file.identifier, alias.name, file.hash.hex()[:64]):
            code, told = fediwarden("who", text)
            assert (code, lines <= set(told.splitlines())) == (Exit.OK, True)
            assert "  not asked: GET /internal/aliases" in told
        box.start_pictrs()


def test_what_is_known_is_told_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    with asking(tmp_path) as (box, fediwarden):
        alias, file = box.files.ingest(png())
        url = f"{box.url}/pictrs/image/{alias.name}"
        assert fediwarden("who", alias.name)[0] == Exit.OK
    for text in (alias.name, url, f"{url}?format=webp", file.identifier, file.hash.hex()[:64]):
        code, told = fediwarden("who", text)
        assert (code, f"  alias:main/{alias.name}" in told.splitlines()) == (Exit.OK, True), text
        assert "  not asked: GET /" in told
    for text in (f"{box.url}/pictrs/image/nobodys.png", "https://elsewhere.example/a.png"):
        assert fediwarden("who", text)[0] not in {Exit.OK, Exit.UNKNOWN}


def test_path_that_the_ledger_knows_is_looked_for_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking(tmp_path) as (box, fediwarden):
        alias, file = box.files.ingest(png())
        assert fediwarden("who", file.identifier)[0] == Exit.OK
        box.files.purge(alias.name)
        listed = Mock()
        monkeypatch.setattr("adapters.pictrs.client.PictrsClient.hashes", listed)
        assert fediwarden("who", f"/mnt/files/{file.identifier}")[0] == Exit.OK
        assert not listed.called


def test_path_leads_to_uploader_and_names_and_exit_codes_say_what_came_of_it(tmp_path: Path) -> None:
    with asking(tmp_path) as (box, fediwarden):
        alias, file = box.files.ingest(png())
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
        config = str(tmp_path / "config.yaml")
        done = CliRunner().invoke(app, ["--config", config, "who", f"s3://bucket/{'ab/' * 10}{'c' * 12}.png"])
        assert isinstance(done.exception, PlatformError), "which ends the command with its exit code"
        box.start_pictrs()
