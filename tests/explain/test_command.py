"""``case --export``, ``audit`` and ``erase`` as they are typed, on a ledger of the test's own."""

from __future__ import annotations

import json
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import app as application
from bot.cli.exits import Exit
from bot.ledger import open_ledger
from explain.cases import REPORTER, build
from ledger.docket import BAN, HOLD, plan
from making import StillClock

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration and a ledger with one case."""
    config = {"schema": 1, "instances": [{"id": "here", "platform": "lemmy", "url": "https://here.example"}]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    clock = StillClock()
    ledger = open_ledger(f"sqlite:///{tmp_path}/fediwarden.db", clock=clock)
    build(ledger, clock)
    ledger.close()
    return tmp_path


def typed(folder: Path, *words: str, code: int = 0, answer: str = "") -> str:
    """What a command says. Faults that ``main`` turns into exit codes are told by their class."""
    result: Result = CliRunner().invoke(
        application.app, ["--config", str(folder / "config.yaml"), *words], input=answer
    )
    told = result.exit_code if result.exception is None or isinstance(result.exception, SystemExit) else -1
    assert told == code, (result.output, result.exception)
    return result.output


def as_json(folder: Path, *words: str, code: int = 0) -> Any:
    return json.loads(typed(folder, *words, "--json", code=code))


def changed(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / "fediwarden.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("name", "begins"), [("a.txt", "Case 1: "), ("a.JSON", "{"), ("a.html", "<!doctype html>"), ("a", "Case 1: ")]
)
def test_format_follows_the_files_name(folder: Path, name: str, begins: str) -> None:
    typed(folder, "case", "1", "--export", str(folder / name))
    file = folder / name
    assert file.read_text(encoding="utf-8").startswith(begins)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("form", "begins"), [("text", "Case 1: "), ("json", "{"), ("html", "<!doctype html>"), (None, "Case 1: ")]
)
def test_a_case_goes_to_stdout_alone(folder: Path, form: str | None, begins: str) -> None:
    said = typed(folder, "case", "1", "--export", "-", *(("--format", form) if form else ()))
    assert said.startswith(begins)


def test_reporters_are_named_when_asked_for(folder: Path) -> None:
    assert REPORTER not in typed(folder, "case", "1", "--export", "-")
    assert REPORTER in typed(folder, "case", "1", "--export", "-", "--with-reporters")


def test_options_of_the_export_need_the_export(folder: Path) -> None:
    typed(folder, "case", "1", "--format", "json", code=Exit.USAGE)
    typed(folder, "case", "1", "--with-reporters", code=Exit.USAGE)


def test_an_unknown_case_and_a_place_that_cannot_be_written_are_told(folder: Path) -> None:
    typed(folder, "case", "7", "--export", "-", code=-1)
    (folder / "file").write_text("")
    typed(folder, "case", "1", "--export", str(folder / "file" / "x.txt"), code=-1)


def test_head_is_what_verify_and_status_show(folder: Path) -> None:
    head = typed(folder, "audit", "head").strip()
    assert head in typed(folder, "audit", "verify")
    assert typed(folder, "status").rstrip().endswith(f"audit trail: {head}")
    number, digest = head.split(":")
    assert (
        as_json(folder, "audit", "head") == as_json(folder, "status")["audit"] == {"n": int(number), "digest": digest}
    )


def test_verify_compares_with_a_head_that_was_kept(folder: Path) -> None:
    head = typed(folder, "audit", "head").strip()
    assert "are as they were written" in typed(folder, "audit", "verify", "--head", head)
    number = int(head.split(":")[0])
    said = typed(folder, "audit", "verify", "--head", f"{number + 1}:{'a' * 64}", code=Exit.NOT_SO)
    assert f"cut off: the chain ends at entry {number}" in " ".join(said.split())
    said = typed(folder, "audit", "verify", "--head", f"{number}:{'a' * 64}", code=Exit.NOT_SO)
    assert f"entry {number}: rewritten" in " ".join(said.split())
    typed(folder, "audit", "verify", "--head", "nonsense", code=Exit.USAGE)


def test_verify_names_the_first_entry_that_is_wrong(folder: Path) -> None:
    changed(folder, "UPDATE attempt SET before = '{}' WHERE id = 2")
    report = as_json(folder, "audit", "verify", code=Exit.NOT_SO)
    assert not report["ok"]
    (problem,) = report["problems"]
    said = " ".join(typed(folder, "audit", "verify", code=Exit.NOT_SO).split())
    assert f"entry {problem['n']}: payload does not match: attempt/2 is not what was written" in said
    assert f"one fault, the first at entry {problem['n']}" in said


def test_erasing_a_case_asks_first(folder: Path) -> None:
    said = typed(folder, "erase", "--case", "1", code=Exit.USAGE)
    assert "--yes" in said
    assert "alice@here.example" in typed(folder, "case", "1", "--export", "-")
    said = " ".join(typed(folder, "erase", "--case", "1", "--yes", "--by", "olga").split())
    assert "Case 1 (deeds: 4, decisions: 4, sightings: 2, uploads: 1) will name nobody" in said
    assert "cannot be undone after that" in said
    told = typed(folder, "case", "1", "--export", "-")
    assert "alice@here.example" not in told
    assert "olga: whom and what the case names" in told
    assert "by olga" in typed(folder, "audit", "verify")
    assert "nothing left to erase" in typed(folder, "erase", "--case", "1", "--yes")


def test_erasing_an_account_says_what_goes(folder: Path) -> None:
    said = " ".join(typed(folder, "erase", "--account", "@alice@here.example", "--yes").split())
    assert "sightings: 1, uploads: 1, deeds: 3, in cases: 1. All of it will be erased." in said
    told = typed(folder, "case", "1", "--export", "-")
    assert "alice@here.example" not in told
    assert "bob@here.example" in told
    assert "are as they were written" in typed(folder, "audit", "verify")
    typed(folder, "erase", "--account", "alice@here.example", "--yes", code=-1)  # nobody of that name any more


def test_nothing_is_erased_while_a_deed_waits(folder: Path) -> None:
    ledger = open_ledger(f"sqlite:///{folder}/fediwarden.db", clock=StillClock())
    plan(ledger, BAN, decision=HOLD)
    ledger.close()
    for words in (("--case", "1"), ("--account", "alice@here.example")):
        said = " ".join(typed(folder, "erase", *words, "--yes", code=Exit.NOT_SO).split())
        assert "cannot be erased yet: ban_account (held, intent 5 of case 1)" in said
    assert "alice@here.example" in typed(folder, "case", "1", "--export", "-")


def test_erase_wants_one_thing_to_erase(folder: Path) -> None:
    typed(folder, "erase", "--yes", code=Exit.USAGE)
    typed(folder, "erase", "--case", "1", "--account", "alice@here.example", "--yes", code=Exit.USAGE)
    typed(folder, "erase", "--case", "9", "--yes", code=-1)
