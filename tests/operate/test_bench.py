"""``fediwarden bench``: the fastest way whose answers are near enough."""

from __future__ import annotations

import importlib.util
import json
import shutil
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from bot.classify.clip import variants as clip_variants
from bot.classify.clip.model import SHIPPED
from bot.classify.clip.settings import ClipSettings
from bot.classify.clip.variants import variants
from bot.classify.clip.weights import digest_of
from bot.domain.errors import ConfigError
from bot.operate.bench import Failed, Measured, measure, recommended
from bot.ports import ViewSpec
from classify.clip.models import detector
from commanding import fediwarden, flat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.ports import Detector


OPENVINO = {"openvino", "openvino-int8"} if find_spec("openvino") is not None else set()


class Way:
    views = (ViewSpec(resize=12, crop=10, channels="RGB"),)

    def __init__(self, name: str, turn: float = 0.0) -> None:
        self.keys = {"engine": name}
        self.turn = turn
        self.sizes: list[int] = []

    def open(self) -> Any:
        return self

    def infer(self, batch: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        self.sizes.append(len(batch[0]))
        angle = np.arange(len(batch[0])) * (1 + self.turn)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_every_way_is_measured_with_every_batch_against_the_first() -> None:
    exact, rough = Way("exact"), Way("rough", 0.01)
    measured = [one for one in measure([exact, rough], [1, 4], seconds=0) if isinstance(one, Measured)]
    assert [(one.keys["engine"], one.batch) for one in measured] == [
        ("exact", 1),
        ("exact", 4),
        ("rough", 1),
        ("rough", 4),
    ]
    assert exact.sizes == [4] + [1] * 4 + [4] * 4
    assert all(one.speed > 0 for one in measured)
    assert measured[0].apart == 0
    assert 0 < (measured[2].apart or 0) < 0.05


def of(name: str, batch: int, speed: float, apart: float = 0.0) -> Measured:
    return Measured(keys={"engine": name}, batch=batch, speed=speed, apart=apart)


def test_fastest_that_is_near_enough_is_recommended_with_the_smallest_batch_that_pays() -> None:
    measured = [of("exact", 1, 10), of("half", 4, 29, 0.01), of("half", 16, 30, 0.01), of("wild", 16, 90, 0.2)]
    assert recommended(measured, margin=0.03) == measured[1]
    assert recommended(measured, margin=0.5) == measured[3]
    assert recommended(measured, margin=0) == measured[0]


def without_torch(folder: Path) -> dict[str, Any]:
    """The shipped model as somebody else would have exported it: without its weights."""
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    for name in ("weights.safetensors", "model.json"):
        del manifest["files"][name]
    folder.mkdir()
    for name in manifest["files"]:
        shutil.copyfile(SHIPPED / name, folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return {"exported": str(folder), "sha256": digest_of(folder / "manifest.json")}


def configured(folder: Path, model: dict[str, Any]) -> None:
    block = {"id": "clip", "kind": "clip", "engine": "onnxruntime", "labels": ["shapes"], **model}
    instance = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "p"}
    said = {"schema": 1, "instances": [instance], "detectors": [block]}
    (folder / "config.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")


def test_command_measures_the_engines_of_a_model(tmp_path: Path) -> None:
    configured(tmp_path, without_torch(tmp_path / "model"))
    found = json.loads(fediwarden(tmp_path, "bench", "--seconds", "0", "--batches", "1,2", "--json").stdout)
    engines = {one["keys"]["engine"] for one in found["measured"]}
    assert engines == {"onnxruntime", "onnxruntime-int8"} | OPENVINO
    assert found["recommended"]["engine"] in engines
    assert found["recommended"]["batch"] in {1, 2}
    assert found["failed"] == []
    notes = {one["keys"]["engine"]: one["note"] for one in found["measured"]}
    assert notes["onnxruntime"] == ""
    assert notes["onnxruntime-int8"] == "first look only"


def test_command_shows_what_cannot_be_run_as_a_line(tmp_path: Path) -> None:
    model = without_torch(tmp_path / "model")
    configured(tmp_path, model)
    (tmp_path / "model" / "image-int8.onnx").write_bytes(b"another file")
    told = flat(fediwarden(tmp_path, "bench", "--seconds", "0", "--batches", "1").stdout)
    assert f"onnxruntime-int8 cpu fp32: {tmp_path / 'model' / 'image-int8.onnx'}: has the digest" in told
    assert "The fastest whose similarities stay within 0.03 of the first:" in told
    (tmp_path / "model" / "image.onnx").write_bytes(b"another file")
    done = fediwarden(tmp_path, "bench", "--seconds", "0", "--batches", "1", "--json", code=1)
    found = json.loads(done.stdout)
    assert (found["measured"], found["recommended"]) == ([], None)
    assert {one["keys"]["engine"] for one in found["failed"]} == {"onnxruntime", "onnxruntime-int8"} | OPENVINO
    assert all("has the digest" in one["reason"] for one in found["failed"])


@pytest.mark.parametrize("batches", ["1,x", "0"])
def test_sizes_that_are_none_are_named(tmp_path: Path, batches: str) -> None:
    done = fediwarden(tmp_path, "bench", "--batches", batches, code=2)
    assert f"--batches: '{batches}' is no list such as 1,4,16" in flat(done.stderr)


def test_way_that_cannot_be_run_is_told_with_its_reason_and_the_others_are_measured() -> None:
    away = detector()
    away._engine = None
    found = list(measure([Way("exact"), Closed("closed"), Opened(away), Broken("broken"), Way("last")], [1], seconds=0))
    assert [type(one) for one in found] == [Measured, Failed, Failed, Failed, Measured]
    assert [one.reason for one in found if isinstance(one, Failed)] == [
        "this model needs torch",
        "clip: the device cpu cannot be used",
        "gives numbers that are none (NaN or infinite)",
    ]


def test_without_the_exact_way_none_is_recommended() -> None:
    found = list(measure([Broken("exact"), Way("rough")], [1], seconds=0))
    measured = [one for one in found if isinstance(one, Measured)]
    assert [(one.keys["engine"], one.apart) for one in measured] == [("rough", None)]
    assert recommended(measured, margin=1) is None
    assert recommended([], margin=1) is None


class Closed(Way):
    def open(self) -> Any:
        raise ConfigError("this model needs torch")


class Broken(Way):
    def infer(self, batch: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        return np.full((len(batch[0]), 2), np.nan)


class Opened:
    """A way whose detector is open already."""

    keys: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def open(self) -> Detector:
        return self.detector


def test_model_with_its_weights_is_measured_in_torch_too() -> None:
    pytest.importorskip("torch")
    said = ClipSettings(id="clip", model="shapes", engine="onnxruntime", labels=("shapes",))
    keys = [(way.keys["engine"], way.keys["device"], way.keys["precision"]) for way in variants(said)]
    assert keys[:2] == [("onnxruntime", "cpu", "fp32"), ("onnxruntime-int8", "cpu", "fp32")]
    assert {("torch", "cpu", "fp32"), ("torch", "cpu", "bf16")} <= set(keys)


@pytest.mark.skipif(not OPENVINO, reason="the extra `openvino` is not installed")
def test_engine_is_measured_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ClipSettings(id="clip", model="shapes", engine="onnxruntime", labels=("shapes",))
    keys = [(way.keys["engine"], way.keys["precision"]) for way in variants(said)]
    assert {("openvino", "fp32"), ("openvino", "bf16"), ("openvino-int8", "fp32")} <= set(keys)
    found = importlib.util.find_spec
    monkeypatch.setattr(clip_variants, "find_spec", lambda name: None if name == "openvino" else found(name))
    assert not [way for way in variants(said) if way.keys["engine"].startswith("openvino")]
