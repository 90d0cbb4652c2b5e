"""``fediwarden check`` as an operator types it, against the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from adapters.sandbox.lemmy import LemmySandbox
from bot.classify.clip.model import SHIPPED
from commanding import changed, checked, fediwarden, plain, seeing_box, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def box() -> Iterator[LemmySandbox]:
    with seeing_box() as started:
        yield started


def test_check_of_a_fresh_configuration_finds_nothing_wrong(tmp_path: Path, box: LemmySandbox) -> None:
    written(tmp_path, box, "--evidence", "none")
    rows = checked(tmp_path, box, code=0)
    assert rows["ledger"]["detail"].startswith("can be written")
    assert "started" in rows["decode worker"]["detail"]
    assert rows["videos"]["detail"] == "are looked at frame by frame"
    assert "nsfw" in rows["detector nsfw"]["detail"]
    assert "known-files: observe" in rows["stages"]["detail"]
    assert any(what.startswith("lemmy-main: ") for what in rows)


def test_check_prints_a_table_with_a_last_word(tmp_path: Path, box: LemmySandbox) -> None:
    written(tmp_path, box)
    done = fediwarden(tmp_path, "check", FEDIWARDEN_TEST_KEY=box.pictrs_key)
    assert done.stdout.rstrip().endswith("All is as it has to be.")
    assert box.people["warden"].password not in done.stdout


@pytest.mark.parametrize(
    "with_pictrs",
    [False, True],
)
def test_check_repairs_what_the_account_needs(tmp_path: Path, with_pictrs: bool) -> None:
    with LemmySandbox() as fresh:
        path = plain(tmp_path, fresh)
        if not with_pictrs:
            (block,) = yaml.safe_load(path.read_text(encoding="utf-8"))["instances"]
            changed(path, instances=[{key: value for key, value in block.items() if key != "pictrs"}])
        before = checked(tmp_path, fresh, code=1)
        assert not before["lemmy-main: account settings"]["ok"]
        after = checked(tmp_path, fresh, "--repair", code=0)
        assert after["lemmy-main: account settings"]["ok"]


def test_check_says_that_the_password_is_wrong(tmp_path: Path, box: LemmySandbox) -> None:
    path = plain(tmp_path, box)
    (path.parent / "secrets" / "lemmy-main.password").write_text("another", encoding="utf-8")
    rows = checked(tmp_path, box, code=1)
    assert any(not row["ok"] for what, row in rows.items() if what.startswith("lemmy-main: "))
    assert rows["decode worker"]["ok"]


def test_check_says_that_the_account_is_no_admin(tmp_path: Path, box: LemmySandbox) -> None:
    path = plain(tmp_path, box)
    block = yaml.safe_load(path.read_text(encoding="utf-8"))["instances"][0]
    (path.parent / "secrets" / "lemmy-main.password").write_text(box.people["alice"].password, encoding="utf-8")
    changed(path, instances=[{**block, "username": "alice"}])
    rows = checked(tmp_path, box, code=1)
    assert any("admin" in row["detail"] + row["remedy"] for row in rows.values() if not row["ok"])


def test_check_wants_a_choice_about_evidence_where_a_rule_purges(tmp_path: Path, box: LemmySandbox) -> None:
    plain(tmp_path, box, evidence=None)
    row = checked(tmp_path, box, code=1)["evidence"]
    assert not row["ok"]
    assert "evidence: none" in row["remedy"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "every purge waits for your approval"),
        ({"irreversible": ["purge_file"]}, "no rule that purges has reached the stage enforce"),
        ({"irreversible": ["purge_file"], "stage": "enforce"}, "may purge without you on an exact hit"),
    ],
)
def test_check_says_what_may_be_purged_without_anybody(
    tmp_path: Path, box: LemmySandbox, changes: dict[str, Any], words: str
) -> None:
    plain(tmp_path, box, **changes)
    assert words in checked(tmp_path, box, code=0)["irreversible"]["detail"]


def test_check_names_bans_on_a_score_alone(tmp_path: Path, box: LemmySandbox) -> None:
    path = written(tmp_path, box)
    score = {"detector": "nsfw", "label": "nsfw", "at_least": 0.9}
    changed(path, rules=[{"id": "bold", "when": {"score": score}, "then": ["ban_account"], "unattended": True}])
    assert "ban_account on a score alone" in checked(tmp_path, box, code=0)["rule bold"]["detail"]


def test_check_finds_a_list_file_that_cannot_be_read(tmp_path: Path, box: LemmySandbox) -> None:
    (tmp_path / "good.txt").write_text(f"sha256 {'a' * 64}\n", encoding="utf-8")
    (tmp_path / "bad.txt").write_text("md5 abc\n", encoding="utf-8")
    lists = [
        {"id": "known", "mode": "block", "file": "good.txt"},
        {"id": "broken", "mode": "block", "file": "bad.txt"},
        {"id": "lost", "mode": "block", "file": "nowhere.txt"},
    ]
    plain(tmp_path, box, lists=lists)
    rows = checked(tmp_path, box, code=1)
    assert "1 in " in rows["list known"]["detail"]
    assert "line 1" in rows["list broken"]["detail"]
    assert not rows["list lost"]["ok"]


def test_check_finds_a_ledger_that_cannot_be_written(tmp_path: Path, box: LemmySandbox) -> None:
    plain(tmp_path, box, ledger="sqlite:////no/such/folder/ledger.db")
    assert not checked(tmp_path, box, code=1)["ledger"]["ok"]


def test_check_names_an_unknown_detector_and_goes_on(tmp_path: Path, box: LemmySandbox) -> None:
    plain(tmp_path, box, detectors=[{"id": "nsfw", "kind": "crystal-ball"}])
    rows = checked(tmp_path, box, code=1)
    assert "crystal-ball" in rows["detectors"]["detail"]
    assert rows["decode worker"]["ok"]
    assert any(what.startswith("lemmy-main: ") for what in rows)


def test_check_refuses_weights_that_are_not_those_that_were_meant_and_goes_on(
    tmp_path: Path, box: LemmySandbox
) -> None:
    own = {"id": "own", "kind": "clip", "engine": "onnxruntime", "exported": str(SHIPPED), "sha256": "0" * 64}
    plain(tmp_path, box, detectors=[{**own, "labels": ["shapes"]}])
    rows = checked(tmp_path, box, code=1)
    assert "manifest.json: has the digest " in rows["detectors"]["detail"]
    assert "get the file that was meant" in rows["detectors"]["detail"]
    assert rows["decode worker"]["ok"]


def test_check_names_a_wrong_instance_setting_and_goes_on(tmp_path: Path, box: LemmySandbox) -> None:
    path = plain(tmp_path, box)
    block = yaml.safe_load(path.read_text(encoding="utf-8"))["instances"][0]
    changed(path, instances=[{**block, "usernam": "x"}])
    rows = checked(tmp_path, box, code=1)
    assert "usernam" in rows["instances"]["detail"]
    assert rows["ledger"]["ok"]


def test_check_warns_of_a_secret_that_others_can_read(tmp_path: Path, box: LemmySandbox) -> None:
    path = plain(tmp_path, box)
    block = yaml.safe_load(path.read_text(encoding="utf-8"))["instances"][0]
    changed(path, instances=[{**block, "password": box.people["warden"].password}])
    path.chmod(0o644)
    row = checked(tmp_path, box, code=1)["configuration"]
    assert "instances.password" in row["detail"]
    assert "chmod 600" in row["remedy"]
    assert box.people["warden"].password not in json.dumps(row)
    path.chmod(0o600)
    assert checked(tmp_path, box, code=0)["configuration"]["ok"]


def test_check_of_a_broken_configuration_ends_with_the_usage_code(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("schema: 1\n", encoding="utf-8")
    assert "instances" in fediwarden(tmp_path, "check", code=2).stderr


def test_check_without_a_configuration_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert "`fediwarden init` writes one" in fediwarden(tmp_path, "check", code=2).stderr
