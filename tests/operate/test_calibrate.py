"""``fediwarden calibrate``: from a folder of harmless pictures to thresholds that rules use."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

import making
from bot.classify.calibration import RATES, Calibration, read_calibration
from bot.classify.clip.shapes.drawing import draw
from bot.classify.clip.weights import digest_of
from bot.classify.false_alarms import share
from bot.classify.registry import build_detectors, read_settings
from bot.domain.errors import ConfigError
from bot.domain.evidence import PARTLY_SEEN, Evidence, Finding, Score
from bot.ledger import open_ledger
from bot.operate.calibrate import Asked, as_page, calibration_of, document, look_at, looking, report
from bot.operate.calibrate.looking import Picture, Seen
from bot.ports import Batch
from bot.settings import load
from bot.wiring import open_to_measure
from classify.clip.models import decoded, pictures
from commanding import fediwarden, flat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bot.operate.calibrate import Report

CLIP = {"id": "clip", "kind": "clip", "model": "shapes", "engine": "onnxruntime", "threads": 1, "labels": ["shapes"]}
FAST = {**CLIP, "id": "fast", "engine": "onnxruntime-int8"}
HERE = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "p"}
WANTED = {
    "id": "wanted",
    "when": {"score": {"detector": "clip", "label": "ring", "preset": "strict"}},
    "then": ["report"],
}
WRITTEN = {
    "id": "written",
    "when": {"score": {"detector": "clip", "label": "purple", "at_least": 0.5}},
    "then": ["report"],
}
LISTED = {"id": "listed", "when": {"lists": ["known"]}, "then": ["report"]}
GROUND = ("no shape at all", "green cross", "blue square", "several shapes")


def config(folder: Path, **changes: Any) -> None:
    said = {
        "schema": 1,
        "stage": "report",
        "instances": [HERE],
        "lists": [{"id": "known", "mode": "block"}],
        "detectors": [CLIP],
        "rules": [WANTED, WRITTEN, LISTED],
        **changes,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Two engines of one model on 380 pictures. The group ``purple`` shows what a rule forbids far more often."""
    folder = tmp_path_factory.mktemp("measured")
    random = np.random.default_rng(7)
    for number in range(380):
        group = ("plain", "purple")[number % 2]
        what = "purple disc" if group == "purple" and number % 6 == 1 else GROUND[number % 4]
        place = folder / "clean" / "who" / group
        place.mkdir(parents=True, exist_ok=True)
        draw(what, random).save(place / f"{number}.png")
    shutil.copy(folder / "clean" / "who" / "plain" / "0.png", folder / "clean" / "again.png")
    (folder / "clean" / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "clean" / "<b>broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    cut = (folder / "clean" / "who" / "plain" / "4.png").read_bytes()
    (folder / "clean" / "cut.png").write_bytes(cut[: len(cut) // 2])
    config(folder, detectors=[CLIP, FAST])
    done = fediwarden(folder, "calibrate", "clean", "--by", "who", "--json")
    return folder, json.loads(done.stdout)


def test_what_cannot_be_read_is_neither_harmless_nor_flagged(measured: tuple[Path, dict[str, Any]]) -> None:
    _, told = measured
    assert (told["pictures"], told["twins"]) == (380, 1)
    assert {(one["file"], one["kind"]) for one in told["unread"]} == {
        ("notes.txt", "not_media"),
        ("<b>broken.png", "broken"),
        ("cut.png", "in_part"),
    }
    assert {one["pictures"] for one in told["detectors"]} == {380}


def test_video_that_ran_out_of_time_is_neither_harmless_nor_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = "of this video only 5 of 16 sampled frames were looked at"
    (tmp_path / "long.mp4").write_bytes(b"stands for a video")
    finding = Finding(kind=PARTLY_SEEN, detail=detail)
    seen = Evidence(sha256="ab" * 32, media_type="video/mp4", size=1, findings=(finding,), gaps=("video: out of time",))

    async def looked_into(paths: Sequence[Path], **_: Any) -> AsyncIterator[tuple[Path, Evidence]]:
        for path in paths:
            yield path, seen

    monkeypatch.setattr(looking, "looked_into", looked_into)
    nobody = cast("Any", None)
    found = asyncio.run(
        look_at(tmp_path, by=None, decoder=nobody, scorer=nobody, max_bytes=1, tell=lambda done, of: None)
    )
    assert not found.pictures
    assert found.unread == [("long.mp4", "in_part", detail)]


def test_threshold_of_a_preset_keeps_its_rate_on_the_pictures(measured: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = measured
    written = json.loads((folder / "clip.calibration.json").read_text(encoding="utf-8"))
    assert set(written["thresholds"]) == {"purple-ring", "ring", "purple", "many", "lone-purple-ring"}
    for label in written["labels"].values():
        strict = label["presets"]["strict"]
        assert strict["high"] <= RATES["strict"]
        assert strict["at_least"] > label["highest"][strict["flagged"]]["value"]
    assert written["thresholds"]["ring"]["lenient"] is None
    assert written["labels"]["ring"]["presets"]["lenient"]["lacks"] == "needs 36,887 pictures; there are 380"


def test_rule_is_measured_by_its_own_threshold(measured: tuple[Path, dict[str, Any]]) -> None:
    _, told = measured
    clip = told["detectors"][0]
    rule = clip["rules"]["written"]
    expected = share(rule["flagged"], 380)
    assert rule["flagged"] > 40  # 64 of the pictures show a purple disc
    assert (rule["low"], rule["high"]) == (expected.low, expected.high)
    low, high = rule["precision_between"]
    assert 0 < low < high < 0.001  # at 4.29 in 100,000
    assert clip["rules"]["wanted"]["at_least"] == clip["thresholds"]["ring"]["strict"]
    assert told["not_measured"] == [{"rule": "listed", "why": "it has no score"}]


def test_group_that_is_flagged_more_often_is_named(measured: tuple[Path, dict[str, Any]]) -> None:
    _, told = measured
    rule = told["detectors"][0]["rules"]["written"]
    groups = rule["groups"]
    assert groups["purple"]["rate"] > 5 * groups["plain"]["rate"]
    assert groups["purple"]["differs"]
    assert groups["purple"]["flagged"] + groups["plain"]["flagged"] == rule["flagged"]
    assert not told["detectors"][0]["labels"]["ring"]["presets"]["strict"]["groups"]["purple"]["differs"]


def test_int8_is_measured_as_it_decides_near_a_threshold(measured: tuple[Path, dict[str, Any]]) -> None:
    _, told = measured
    exact, fast = told["detectors"]
    assert fast["revision"] != exact["revision"]
    assert fast["thresholds"]["ring"]["strict"] == pytest.approx(exact["thresholds"]["ring"]["strict"], abs=1e-4)
    assert fast["rules"] == {}


def test_measured_is_what_the_bot_runs_with(measured: tuple[Path, dict[str, Any]]) -> None:
    _, told = measured
    running = build_detectors([read_settings(CLIP), read_settings(FAST)])
    assert [one["revision"] for one in told["detectors"]] == [one.revision for one in running]


def test_rule_takes_its_threshold_from_the_file_and_goes_as_far_as_its_stage(
    measured: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, told = measured
    shutil.copy(folder / "clip.calibration.json", tmp_path)
    config(tmp_path, detectors=[{**CLIP, "calibration": "clip.calibration.json"}])
    shown = json.loads(fediwarden(tmp_path, "rules", "show", "--json").stdout)
    threshold = told["detectors"][0]["thresholds"]["ring"]["strict"]
    assert f"clip/ring at {threshold:g} or more" in shown[0]["says"]
    assert read_calibration(tmp_path / "clip.calibration.json").revision == told["detectors"][0]["revision"]


def test_page_is_whole_and_loads_nothing(measured: tuple[Path, dict[str, Any]]) -> None:
    folder, told = measured
    text = (folder / "calibration.html").read_text(encoding="utf-8")
    assert told["page"] == "calibration.html"
    found = Tags()
    found.feed(text)
    assert found.named.isdisjoint({"script", "img", "link", "a", "iframe", "object", "image", "use"})
    assert found.attributes.isdisjoint({"src", "href", "style", "onload"})
    assert "&lt;b&gt;broken.png" in text
    drawn = [ElementTree.fromstring(quoted(svg)) for svg in svgs(text)]  # noqa: S314 - our own page
    # five labels by two detectors, and the groups of every threshold that there is
    assert len(drawn) == 5 * 2 + sum(1 for one in told["detectors"] for line in lines(one) if "flagged" in line)
    for one in drawn:
        width, height = (float(word) for word in one.attrib["viewBox"].split()[2:])
        for number, name in places(one):
            assert 0 <= number <= (height if name.startswith(("y", "cy")) else width)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.named.add(tag)
        self.attributes |= {name for name, _ in attrs}


def svgs(text: str) -> list[str]:
    return ["<svg" + piece.partition("</svg>")[0] + "</svg>" for piece in text.split("<svg")[1:]]


def quoted(svg: str) -> str:
    for word in ("grid", "band", "data", "mark"):
        svg = svg.replace(f"class={word} ", f'class="{word}" ')
    return svg


def places(svg: ElementTree.Element) -> list[tuple[float, str]]:
    found = []
    for one in svg.iter():
        found += [(float(value), name) for name, value in one.attrib.items() if name in {"x1", "x2", "y1", "y2", "cx"}]
        for point in one.attrib.get("points", "").split():
            x, y = point.split(",")
            found += [(float(x), "x"), (float(y), "y")]
    assert found
    return found


def lines(detector: dict[str, Any]) -> list[dict[str, Any]]:
    presets = [line for label in detector["labels"].values() for line in label["presets"].values()]
    return [*presets, *detector["rules"].values()]


def few(folder: Path) -> None:
    (folder / "few").mkdir()
    random = np.random.default_rng(2)
    for number in range(3):
        draw("green cross", random).save(folder / "few" / f"{number}.png")


def test_screen_says_what_is_next(tmp_path: Path) -> None:
    few(tmp_path)
    config(tmp_path)
    told = flat(fediwarden(tmp_path, "calibrate", "few", "--report", "out/page.html").stdout)
    assert "strict: needs 368 pictures; there are 3" in told
    assert "too few: rules on its labels only observe before there are 368" in told
    assert "rule listed was not measured: it has no score" in told
    assert "write at the detector clip: `calibration: clip.calibration.json`" in told
    assert "A new key of a detector holds from the next start" in told
    assert (tmp_path / "out" / "page.html").exists()
    assert read_calibration(tmp_path / "clip.calibration.json").thresholds["ring"]["strict"] is None


def test_too_few_pictures_take_no_threshold_away_from_a_rule(
    measured: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    few(tmp_path)
    shutil.copy(measured[0] / "clip.calibration.json", tmp_path)
    config(tmp_path, detectors=[{**CLIP, "calibration": "clip.calibration.json"}])
    before = (tmp_path / "clip.calibration.json").read_bytes()
    told = flat(fediwarden(tmp_path, "calibrate", "few", code=1).stdout)
    assert "clip.calibration.json stays as it was" in told
    assert "rule wanted, strict: needs 368 pictures; there are 3" in told
    assert (tmp_path / "clip.calibration.json").read_bytes() == before
    assert (tmp_path / "calibration.html").exists()


def test_measurement_that_rules_act_by_is_not_replaced_by_one_on_too_few_pictures(
    measured: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    few(tmp_path)
    shutil.copy(measured[0] / "clip.calibration.json", tmp_path)
    config(tmp_path, detectors=[{**CLIP, "calibration": "clip.calibration.json"}], rules=[WRITTEN])
    before = (tmp_path / "clip.calibration.json").read_bytes()
    told = flat(fediwarden(tmp_path, "calibrate", "few", code=1).stdout)
    assert "stays as it was: it was measured on 380 pictures, and now there were 3, which is less than the 368" in told
    assert (tmp_path / "clip.calibration.json").read_bytes() == before


def test_configuration_without_a_detector_has_nothing_to_measure(tmp_path: Path) -> None:
    few(tmp_path)
    config(tmp_path, detectors=[], rules=[])
    done = fediwarden(tmp_path, "calibrate", "few", code=2)
    assert "detectors: there is none, so there is nothing to measure" in flat(done.stderr)


def test_file_whose_name_is_no_text_is_named_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    random = np.random.default_rng(3)
    for name in (b"a.png", b"b\xff.png"):
        draw("green cross", random).save(tmp_path / "odd" / os.fsdecode(name), "PNG")
    (tmp_path / "odd" / os.fsdecode(b"c\xff.txt")).write_text("notes", encoding="utf-8")
    config(tmp_path, rules=[])
    told = flat(fediwarden(tmp_path, "calibrate", "odd").stdout)
    assert "2 harmless picture(s); 1 file(s) left out" in told
    assert "c\N{REPLACEMENT CHARACTER}.txt: not_media" in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "nowhere: is no folder"),
        (["empty"], "empty: is empty; put harmless pictures of your own server there"),
        (["hostile"], "clip: none of 2 file(s) could be measured; inner/broken.jpg: broken: "),
        (["hostile", "--detector", "nsfw"], "there is no nsfw to be measured; there is: clip"),
    ],
)
def test_what_cannot_be_measured_writes_nothing(tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "hostile" / "inner").mkdir(parents=True)
    (tmp_path / "hostile" / "page.png").write_text("<svg onload=alert(1)>", encoding="utf-8")
    (tmp_path / "hostile" / "inner" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    config(tmp_path)
    done = fediwarden(tmp_path, "calibrate", *words, code=2)
    assert says in flat(done.stderr)
    assert not list(tmp_path.glob("*.json")) + list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("who", "there is no such folder in .*; `.` means its own folders"),
        ("..", "there is no such folder"),
        (".", r"has 1 folder\(s\); groups can be compared from two on"),
    ],
)
def test_groups_that_are_not_there_are_an_error(tmp_path: Path, by: str, says: str) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "picture.png").write_bytes(b"not looked at")
    nobody = cast("Any", None)
    with pytest.raises(ConfigError, match=says):
        asyncio.run(look_at(tmp_path, by=by, decoder=nobody, scorer=nobody, max_bytes=9, tell=nobody))


def test_file_that_is_no_measurement_is_not_overwritten(tmp_path: Path) -> None:
    config(tmp_path, detectors=[{**CLIP, "calibration": "config.yaml"}])
    before = (tmp_path / "config.yaml").read_bytes()
    done = fediwarden(tmp_path, "calibrate", ".", code=2)
    assert "is no earlier measurement, so it is not overwritten" in flat(done.stderr)
    assert (tmp_path / "config.yaml").read_bytes() == before


def test_int8_is_measured_by_the_exact_engine_whatever_a_head_says(tmp_path: Path) -> None:
    weight = np.zeros((1, 64), np.float32)
    weight[0, 0] = 2
    save_file({"weight": weight, "bias": np.float32([-9])}, tmp_path / "head.safetensors", metadata={"labels": "far"})
    head = {"file": "head.safetensors", "sha256": digest_of(tmp_path / "head.safetensors")}
    asked = {"labels": [], "heads": [head], "margin": 0.025}
    config(tmp_path, detectors=[{**CLIP, **asked}, {**FAST, **asked}], rules=[])
    batch, _ = pictures(8)

    async def values() -> list[list[float]]:
        decoder, scorer, _ = open_to_measure(load(tmp_path / "config.yaml"), [], base=tmp_path)
        try:
            found, gaps = await scorer.score(replace(decoded(batch), frames=len(batch), moving=True))
            assert gaps == []
            return [[score.value for score in found if score.detector == name] for name in ("clip", "fast")]
        finally:
            await scorer.aclose()
            await decoder.aclose()

    exact, fast = asyncio.run(values())
    assert exact
    assert fast == exact


def test_rejudge_applies_new_thresholds_to_stored_scores(measured: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, told = measured
    shutil.copy(folder / "clip.calibration.json", tmp_path)
    config(tmp_path, detectors=[{**CLIP, "calibration": "clip.calibration.json"}], rules=[WANTED])
    revision, threshold = told["detectors"][0]["revision"], told["detectors"][0]["thresholds"]["ring"]["strict"]
    ledger = open_ledger(f"sqlite:///{tmp_path / 'fediwarden.db'}", clock=making.StillClock())
    for number, value in enumerate((threshold, threshold - 1e-5, 0.2), start=1):
        name = making.alias(f"{number}.png")
        seen = making.sighting(making.post(number), name)
        ledger.record("", Batch(sightings=[seen], uploads=[making.upload(name)]), examine_uploads=False)
        score = Score(detector="clip", revision=revision, label="ring", value=value)
        ledger.save_scan(ledger.bind(name, f"{number:064x}"), replace(making.evidence(score), sha256=f"{number:064x}"))
    ledger.close()
    before = hashlib.sha256((tmp_path / "fediwarden.db").read_bytes()).hexdigest()
    found = json.loads(fediwarden(tmp_path, "rejudge", "--since", "2020-01-01", "--json").stdout)
    assert [(rule["rule"], rule["fires"], rule["new"]) for rule in found["rules"]] == [("wanted", 1, 1)]
    (file,) = found["files"]
    (deed,) = file["rules"][0]["deeds"]
    assert (file["file"], deed["deed"], deed["reasons"]) == (1, "report", [])
    written = json.loads((tmp_path / "clip.calibration.json").read_text(encoding="utf-8"))
    (tmp_path / "clip.calibration.json").write_text(json.dumps({**written, "revision": "clip-0"}), encoding="utf-8")
    found = json.loads(fediwarden(tmp_path, "rejudge", "--since", "2020-01-01", "--json").stdout)
    assert found["files"][0]["rules"][0]["deeds"][0]["reasons"] == ["uncalibrated"]
    assert hashlib.sha256((tmp_path / "fediwarden.db").read_bytes()).hexdigest() == before


def seen(values: Sequence[float], groups: Sequence[str | None] = (None,), gaps: Sequence[str] = ()) -> Seen:
    """Pictures with these values of one label; those below 0 got none."""
    pictures = [
        Picture(
            path=f"{number}.png",
            group=groups[number % len(groups)],
            values={"clip": {"ring": value}} if value >= 0 else {},
            gaps=() if value >= 0 else gaps,
        )
        for number, value in enumerate(values)
    ]
    return Seen(pictures=pictures, unread=(), twins=0, groups=sorted({group for group in groups if group}))


def told_of(what: Seen, *rules: Asked) -> Report:
    return report(
        what,
        folder="clean",
        made=datetime(2026, 1, 1, tzinfo=UTC),
        by=None,
        prevalence=4.29,
        revisions={"clip": "clip-1"},
        rules=rules,
        notes={},
    )


def test_picture_without_an_answer_is_not_harmless() -> None:
    made = told_of(seen([0.5, -1, 0.2, -1], gaps=["clip: unavailable"]))
    (clip,) = made.detectors
    assert (made.pictures, clip.pictures, clip.not_scored) == (4, 2, {"unavailable": 2})
    assert "2 picture(s) not measured" in as_page(made)


def test_detector_that_answered_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"clip: none of 2 file\(s\) could be measured; unavailable \(2\)"):
        told_of(seen([-1, -1], gaps=["clip: unavailable"]))


def test_label_that_is_at_its_highest_for_many_has_no_threshold() -> None:
    made = told_of(seen([1.0] * 20 + [0.1] * 400))
    line = made.detectors[0].labels[0].presets["strict"]
    assert (line.at_least, line.share) == (None, None)
    assert line.lacks == "20 pictures have the highest value, and 0 may be flagged"
    assert Calibration.model_validate(calibration_of(made.detectors[0], made)).thresholds["ring"]["strict"] is None


def test_rule_on_a_label_or_a_detector_that_is_not_there_says_so() -> None:
    made = told_of(
        seen([0.1] * 5),
        Asked(rule="one", detector="clip", label="rnig", at_least=0.5),
        Asked(rule="two", detector="nsfw", label="nsfw", at_least=0.5),
        Asked(rule="three", detector="clip", label="ring", preset="strict"),
    )
    assert [line.lacks for line in made.detectors[0].rules] == [
        "clip gives no such label",
        "needs 368 pictures; there are 5",
    ]
    assert [(line.name, line.lacks) for line in made.passed_over] == [("two", "nsfw was not asked this time")]
    assert document(made)["not_measured"] == [{"rule": "two", "why": "nsfw was not asked this time"}]
    assert "clip gives no such label" in as_page(made)


def test_groups_that_differ_by_chance_are_not_accused() -> None:
    random = np.random.default_rng(1)
    rule = Asked(rule="one", detector="clip", label="ring", at_least=0.9)
    made = told_of(seen(list(random.random(900)), ["a", "b", "c", None]), rule)
    groups = made.detectors[0].rules[0].groups
    assert [one.group for one in groups] == ["a", "b", "c"]
    assert not any(one.differs for one in groups)
    assert sum(one.share.pictures for one in groups if one.share) == 675
