"""``fediwarden rules``: what rules say and what they would do, without doing it."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from PIL import Image

import making
from bot.classify.opennsfw import OpenNsfwDetector, OpenNsfwSettings
from bot.demo import pictures
from bot.domain.decisions import Hold, HoldReason, Report, Verdict
from bot.domain.evidence import Score
from bot.ledger import open_ledger
from bot.operate.trying import stored
from bot.ports import Batch
from bot.settings import load
from bot.wiring import House
from commanding import fediwarden
from media.films import film

if TYPE_CHECKING:
    from pathlib import Path

    from bot.domain.evidence import Evidence
    from bot.ledger import SqlLedger

MATCH = hashlib.sha256(pictures.always_match()).hexdigest()


SCORE = {"detector": "nsfw", "label": "nsfw", "at_least": 0.3}


def config(folder: Path, name: str, **changes: Any) -> Path:
    settings = {
        "schema": 1,
        "stage": "enforce",
        "instances": [
            {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "warden", "password": "secret"}
        ],
        "lists": [{"id": "known", "mode": "block"}],
        "detectors": [{"id": "nsfw", "kind": "opennsfw-onnx"}],
        "rules": [score_rule(0.8)],
    }
    path = folder / name
    path.write_text(yaml.safe_dump({**settings, **changes}), encoding="utf-8")
    return path


def score_rule(at_least: float, **more: Any) -> dict[str, Any]:
    when = {"score": {"detector": "nsfw", "label": "nsfw", "at_least": at_least}, **more.pop("when", {})}
    return {"id": "scored", "when": when, "then": ["report", "ban_account"], **more}


def scan(
    ledger: SqlLedger,
    number: int,
    value: float,
    *,
    revision: str | None,
    sha256: str = "",
    gaps: tuple[str, ...] = (),
) -> int:
    name = making.alias(f"{number}.png")
    seen = making.sighting(making.post(number), name)
    ledger.record("", Batch(sightings=[seen], uploads=[making.upload(name)]), examine_uploads=False)
    sha256 = sha256 or f"{number:064x}"
    file_id = ledger.bind(name, sha256)
    scores = () if revision is None else (Score(detector="nsfw", revision=revision, label="nsfw", value=value),)
    seen_so: Evidence = replace(making.evidence(), sha256=sha256, scores=scores, gaps=gaps)
    ledger.save_scan(file_id, seen_so)
    return file_id


def judged(ledger: SqlLedger, file_id: int) -> None:
    """The rule fired, in a stage in which everything was held."""
    report = Report(instance=making.HERE, subject=making.post(file_id), text="look")
    verdict = Verdict(rule_id="scored", rule_digest="of then", because=making.BY_SCORE, intents=[report])
    ledger.add_verdict(
        ledger.open_case(file_id).number, file_id, verdict, [(report, Hold(reasons=(HoldReason.STAGE,)))]
    )


def dump(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "fediwarden.db") as connection:
        return list(connection.iterdump())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five files that were scanned; rule ``scored`` fired on two of them, at 0.8."""
    config(tmp_path, "config.yaml")
    ledger = open_ledger(f"sqlite:///{tmp_path / 'fediwarden.db'}", clock=making.StillClock())
    revision = OpenNsfwDetector(OpenNsfwSettings(id="nsfw")).revision
    for number, value in ((1, 0.95), (2, 0.85)):
        judged(ledger, scan(ledger, number, value, revision=revision))
    scan(ledger, 3, 0.5, revision=revision)
    scan(ledger, 4, 0.1, revision=None, sha256=MATCH)
    scan(ledger, 5, 0.2, revision="an older one")
    ledger.close()
    return tmp_path


def tried(folder: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fediwarden(folder, "rules", "test", *words, "--json").stdout)
    return found


def test_same_rules_on_stored_scans_differ_in_nothing_but_the_stage(folder: Path) -> None:
    config(folder, "config.yaml", stage="observe")
    before = dump(folder)
    found = tried(folder, "config.yaml")
    (rule,) = found["rules"]
    assert (rule["fires"], rule["before"], rule["new"], rule["no_longer"]) == (2, 2, 0, 0)
    assert {file["file"] for file in found["files"]} == {1, 2}
    deeds = {deed["deed"]: deed for deed in found["files"][0]["rules"][0]["deeds"]}
    assert deeds["report"]["reasons"] == ["stage"]
    assert deeds["ban_account"]["reasons"] == ["stage", "needs_approval"]
    assert "does not go so far" in deeds["report"]["words"]
    assert found["lacks"] == {"not scored by nsfw yet": 1, "scored by another revision of nsfw": 1}
    assert dump(folder) == before


def test_score_that_was_not_needed_is_lacking_once_it_would_be_needed(tmp_path: Path) -> None:
    """Not needed by another bar, or after another revision of the detector that looks first."""
    nsfw = {"id": "nsfw", "kind": "opennsfw-onnx"}
    after = {"detector": "nsfw", "label": "nsfw", "at_least": 0.3}
    clip = {"id": "clip", "kind": "clip", "model": "shapes", "engine": "onnxruntime", "labels": ["shapes"]}
    rule = {
        "id": "rings",
        "when": {"score": {"detector": "clip", "label": "ring", "at_least": 0.5}},
        "then": ["report"],
    }
    file = config(tmp_path, "config.yaml", detectors=[nsfw, {**clip, "after": after}], rules=[rule])
    ledger = open_ledger("sqlite://", clock=making.StillClock())
    house = House(load(file), tmp_path, ledger)
    today = house.scorer.revisions["nsfw"]
    for number, (bar, revision) in enumerate([("0.3", today), ("0.2", today), ("0.3", "an older one")], start=1):
        gap = f"clip: not needed, nsfw/nsfw is below {bar}"
        scan(ledger, number, 0.1, revision=revision, gaps=(gap,))
    found = stored(ledger, house.trial, since=None, case=None, limit=9)
    assert {one.looked.file: list(one.tried.lacks) for one in found} == {
        1: [],
        2: ["passed over by clip under another `after` than today's"],
        3: ["passed over by clip after another revision of nsfw"],
    }
    house.close()


def test_a_stop_file_holds_what_is_tried_and_reasons_are_told_apart(folder: Path) -> None:
    (folder / "stop-acting").touch()
    elsewhere = folder / "drafts"
    elsewhere.mkdir()
    config(elsewhere, "new.yaml", stage="observe")
    found = tried(folder, "drafts/new.yaml")
    deeds = [deed for file in found["files"] for rule in file["rules"] for deed in rule["deeds"]]
    assert deeds
    assert all("stopped" in deed["reasons"] for deed in deeds)
    assert "acting was stopped; the rule's stage does not go so far" in deeds[0]["words"]
    assert "stop-acting is there" in deeds[0]["words"]


def test_other_rules_are_compared_with_what_was_reached_then(folder: Path) -> None:
    listed = {"id": "listed", "when": {"lists": ["known"]}, "then": ["purge_file"]}
    (folder / "known.txt").write_text(f"sha256 {MATCH}\n", encoding="utf-8")
    new = config(
        folder,
        "new.yaml",
        ledger="sqlite:///another.db",  # the running configuration says which ledger is meant
        lists=[{"id": "known", "mode": "block", "file": "known.txt"}],
        rules=[score_rule(0.9), listed],
    )
    before = dump(folder)
    found = tried(folder, str(new), "--changed")
    sums = {rule["rule"]: [rule[key] for key in ("fires", "before", "new", "no_longer")] for rule in found["rules"]}
    assert sums == {"scored": [1, 2, 0, 1], "listed": [1, 0, 1, 0]}
    files = {file["file"]: file for file in found["files"]}
    assert set(files) == {1, 2, 4}
    assert files[1]["otherwise"] == ["ban_account", "report"], "the report would be allowed, and a ban is wanted now"
    assert files[2]["no_longer"] == ["scored"]
    (purge,) = files[4]["rules"][0]["deeds"]
    assert (files[4]["new"], purge["reasons"]) == (["listed"], ["irreversible_off", "no_evidence_policy"])
    assert not found["more"]
    two = tried(folder, str(new), "--limit", "2")
    assert (two["scans"], two["more"]) == (2, True)
    every = tried(folder, str(new), "--limit", str(found["scans"]))
    assert (every["scans"], every["more"]) == (found["scans"], False), "as many as there are, and no more"
    assert {file["file"] for file in tried(folder, str(new), "--case", "1")["files"]} == {1}
    told = fediwarden(folder, "rules", "test", str(new), "--limit", str(found["scans"] - 1), COLUMNS="200").stdout
    assert "fires no longer" in told
    assert f"These are the newest {found['scans'] - 1} scans; there are older ones" in told
    assert "Assumed: " in told
    assert dump(folder) == before
    assert not (folder / "another.db").exists()


def test_pictures_are_tried_as_if_somebody_had_just_posted_them(tmp_path: Path) -> None:
    local = {"author": "local", "account_younger_than": "1d"}
    rules = [score_rule(0.3, when=local), {"id": "listed", "when": {"lists": ["known"]}, "then": ["purge_file"]}]
    (tmp_path / "known.txt").write_text(f"sha256 {MATCH}\n", encoding="utf-8")
    lists = [{"id": "known", "mode": "block", "file": "known.txt"}]
    config(tmp_path, "config.yaml", rules=rules, lists=lists, evidence="none")
    album = tmp_path / "album"
    album.mkdir()
    (album / "match.png").write_bytes(pictures.always_match())
    (album / "text.png").write_text("no picture", encoding="utf-8")
    (album / "wall.png").write_bytes(pictures.clay_wall())

    def fired(*words: str) -> dict[str, dict[str, dict[str, Any]]]:
        found = tried(tmp_path, "config.yaml", "album", *words)["pictures"]
        return {
            one["file"].partition("/")[2]: {
                rule["rule"]: {deed["deed"]: deed for deed in rule["deeds"]} for rule in one["rules"]
            }
            for one in found
        }

    new = fired()
    assert new["text.png"] == {}
    assert new["match.png"]["listed"]["purge_file"]["reasons"] == ["irreversible_off"]
    assert new["wall.png"]["scored"]["report"]["allowed"]
    assert new["wall.png"]["scored"]["ban_account"]["reasons"] == ["needs_approval"]
    assert fired("--account-age", "2d")["wall.png"] == {}
    assert fired("--author", "remote") == {"match.png": {"listed": {}}, "text.png": {}, "wall.png": {}}
    assert not (tmp_path / "fediwarden.db").exists()


def test_stored_frames_answer_how_many_have_to_agree_without_a_look_at_any_pixel(tmp_path: Path) -> None:
    config(tmp_path, "config.yaml")
    ledger = open_ledger(f"sqlite:///{tmp_path / 'fediwarden.db'}", clock=making.StillClock())
    revision = OpenNsfwDetector(OpenNsfwSettings(id="nsfw")).revision
    one = Score(detector="nsfw", revision=revision, label="nsfw", value=0.9, frames=(0.1, 0.9, 0.2))
    for number, score in enumerate((one, replace(one, frames=(0.8, 0.9, 0.2)), replace(one, alone=0.9)), start=1):
        file = scan(ledger, number, 0.0, revision=None)
        seen_so = replace(making.evidence(), sha256=f"{number:064x}", media_type="video/mp4", scores=(score,))
        ledger.save_scan(file, seen_so)
    ledger.close()

    rules = [{**score_rule(0.8), "id": f"in-{frames}"} for frames in (1, 2, 3)]
    for frames, rule in enumerate(rules, start=1):
        rule["when"]["score"]["frames"] = frames
    config(tmp_path, "new.yaml", rules=rules)
    found = tried(tmp_path, "new.yaml")["files"]
    fired = {file["file"]: [rule["rule"] for rule in file["rules"]] for file in found}
    assert fired == {1: ["in-1"], 2: ["in-1", "in-2"], 3: ["in-1", "in-2", "in-3"]}


def test_video_of_this_machine_is_tried_frame_by_frame(tmp_path: Path) -> None:
    wall = Image.open(io.BytesIO(pictures.clay_wall())).resize((160, 120))
    harmless = Image.new("RGB", wall.size, (40, 90, 160))
    rules = [
        {**score_rule(0.3), "id": f"in-{frames}", "then": ["report"], "when": {"score": {**SCORE, "frames": frames}}}
        for frames in (1, 2)
    ]
    config(tmp_path, "config.yaml", rules=rules, media={"video_frames": 6})
    album = tmp_path / "album"
    album.mkdir()
    (album / "all.mp4").write_bytes(film([wall] * 6))
    (album / "brief.mp4").write_bytes(film([harmless, harmless, wall, harmless, harmless, harmless]))
    (album / "none.webm").write_bytes(film([harmless] * 3, "webm", "libvpx"))
    (album / "playlist.mp4").write_text("#EXTM3U\nhttp://127.0.0.1:9/a.ts\n", encoding="utf-8")
    found = tried(tmp_path, "config.yaml", "album")["pictures"]
    fired = {one["file"].partition("/")[2]: [rule["rule"] for rule in one["rules"]] for one in found}
    assert fired == {"all.mp4": ["in-1", "in-2"], "brief.mp4": ["in-1"], "none.webm": [], "playlist.mp4": []}
    (brief,) = (one for one in found if one["file"].endswith("brief.mp4"))
    assert "in 1 of 6 frames looked at" in json.dumps(brief)


def test_configuration_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    config(tmp_path, "config.yaml")
    broken = config(tmp_path, "broken.yaml", rules=[{"id": "x", "when": {}, "then": ["report"]}])
    assert "a rule needs `lists` or `score`" in fediwarden(tmp_path, "rules", "test", str(broken), code=2).stderr
    missing = config(tmp_path, "missing.yaml", lists=[{"id": "known", "mode": "block", "file": "nowhere.txt"}])
    assert "nowhere.txt" in fediwarden(tmp_path, "rules", "test", str(missing), code=2).stderr
    assert "no such file or folder" in fediwarden(tmp_path, "rules", "test", "config.yaml", "a.png", code=2).stderr


def test_rules_are_shown_with_the_digest_that_verdicts_name(tmp_path: Path) -> None:
    config(tmp_path, "config.yaml", stage="hide", rules=[score_rule(0.8, when={"account_younger_than": "14d"})])
    (rule,) = json.loads(fediwarden(tmp_path, "rules", "show", "--json").stdout)
    assert (rule["rule"], rule["stage"], len(rule["digest"])) == ("scored", "hide", 16)
    assert rule["says"] == (
        "nsfw/nsfw at 0.8 or more, if the account is younger than 14 days: report, ban_account (site, for good)"
    )
