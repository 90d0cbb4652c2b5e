"""The whole zero-shot path on the shipped model, without torch."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load, save, save_file

from bot.classify.batcher import BatchScorer
from bot.classify.clip import model
from bot.classify.clip.extras import pack_samples
from bot.classify.clip.settings import ClipSettings
from bot.classify.clip.weights import digest_of
from bot.domain.errors import ConfigError
from classify.clip.models import decoded, detector, pictures, settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.classify.clip.detector import ClipDetector


def scores(made: ClipDetector, batch: np.ndarray[Any, Any]) -> Sequence[Mapping[str, float]]:
    return made.finish(made.infer([batch]))


def test_purple_rings_are_told_from_everything_else() -> None:
    batch, shown = pictures(380)
    values = np.array([row["purple-ring"] for row in scores(detector(), batch)])
    ring = np.array([one == "purple ring" for one in shown])
    assert ring.sum() >= 10
    assert (values[ring] >= 0.5).mean() >= 0.9
    assert (values[~ring] < 0.5).mean() >= 0.99


def test_conjunction_finds_what_its_labels_find_together() -> None:
    batch, _ = pictures(380)
    rows = scores(detector(), batch)
    assert all(
        (row["lone-purple-ring"] >= 0.5) == (row["ring"] >= 0.5 and row["purple"] >= 0.5 and row["many"] < 0.5)
        for row in rows
    )
    assert any(row["lone-purple-ring"] >= 0.5 for row in rows)


def test_it_runs_without_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = sys.modules['open_clip'] = None\n"
        "from classify.clip.models import detector, pictures\n"
        "made = detector(); print(len(made.finish(made.infer([pictures(2)[0]]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == "2\n", done.stderr


def test_revision_changes_with_everything_that_changes_scores(tmp_path: Path) -> None:
    labels = tmp_path / "own.yaml"
    own = "{schema: 1, id: own, version: 1, about: Rings, labels: [{id: a-ring, means: x, misses: y, %s}]}"
    prompts = "prompts: [a purple ring], counter: [several shapes]"
    labels.write_text(own % prompts, encoding="utf-8")
    plain = detector().revision
    assert detector(id="another", batch=3, threads=2, margin=0.05).revision == plain
    changed = {
        detector(engine="onnxruntime-int8").revision,
        detector(labels=["shapes", str(labels)]).revision,
        detector(labels=[str(labels)]).revision,
    }
    labels.write_text(own % "prompts: [a purple disc], counter: [several shapes]", encoding="utf-8")
    changed.add(detector(labels=[str(labels)]).revision)
    assert len(changed) == 4
    assert plain not in changed
    labels.write_text((own % prompts).replace("means: x", "means: z"), encoding="utf-8")
    assert detector(labels=[str(labels)]).revision in changed, "what a label means in words changes no score"


def test_revision_changes_with_the_way_pictures_are_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = detector().revision
    monkeypatch.setattr(model, "VIEWS", model.VIEWS + 1)
    assert detector().revision != plain


def test_poisoned_picture_fails_alone_and_nan_is_no_score() -> None:
    """A picture of NaN makes an embedding of NaN, in one batch with good ones."""
    good, _ = pictures(5)
    bad = np.full((1, 64, 64, 3), np.nan, dtype=np.float32)

    async def run() -> list[tuple[Any, Any]]:
        scorer = BatchScorer([detector()], max_wait=0.5)
        try:
            files = [*(row[np.newaxis] for row in good), bad]
            return list(await asyncio.gather(*(scorer.score(decoded(rows)) for rows in files)))
        finally:
            await scorer.aclose()

    *fine, (values, gaps) = asyncio.run(run())
    assert (values, gaps) == ([], [f"clip: failed, revision {detector().revision}"])
    assert all(not gaps and {score.label for score in values} >= {"purple-ring"} for values, gaps in fine)


def test_rule_on_a_label_that_is_not_there_is_an_error_instead_of_silence() -> None:
    with pytest.raises(ConfigError, match="'clip' has no label 'purpel'; it has purple-ring, ring, "):
        detector().watch({"purpel": [0.5]})


class Gone:
    """An engine whose driver went away."""

    def encode(self, pictures: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        raise RuntimeError("driver shutting down")


def test_device_that_went_away_is_opened_anew_and_the_file_is_scored() -> None:
    made = detector()
    made._engine = Gone()

    async def run() -> tuple[Any, Any]:
        scorer = BatchScorer([made])
        try:
            return await scorer.score(decoded(pictures(1)[0]))
        finally:
            await scorer.aclose()

    values, gaps = asyncio.run(run())
    assert gaps == []
    assert values


def test_device_that_stays_away_leaves_a_gap_and_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    made = detector()
    made._engine = Gone()
    monkeypatch.setattr(made._model, "start", lambda doubtful: Gone())

    async def run() -> tuple[Any, Any]:
        scorer = BatchScorer([made])
        try:
            return await scorer.score(decoded(pictures(1)[0]))
        finally:
            await scorer.aclose()

    assert asyncio.run(run()) == ([], ["clip: unavailable"])


def head(path: Path, *, labels: str = "round", width: int = 64, weights: str = "") -> dict[str, Any]:
    tensors = {"weight": np.zeros((1, width), np.float32), "bias": np.array([2.0], np.float32)}
    save_file(tensors, path, metadata={"labels": labels} | ({"weights": weights} if weights else {}))
    return {"file": path, "sha256": digest_of(path)}


def test_head_and_samples_use_the_same_encoding(tmp_path: Path) -> None:
    plain = detector()
    batch, _ = pictures(3)
    likeness = tmp_path / "mine.safetensors"
    likeness.write_bytes(pack_samples(plain.infer([batch[:1]]), weights=plain.weights))
    made = detector(heads=[head(tmp_path / "head.safetensors")], samples=[{"label": "mine", "file": likeness}])
    rows = scores(made, batch)
    assert rows[0]["mine"] == pytest.approx(1, abs=1e-5)
    assert rows[1]["mine"] < 0.999
    assert rows[0]["round"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert rows[0]["purple-ring"] == pytest.approx(scores(plain, batch)[0]["purple-ring"], abs=1e-6)
    assert made.revision != plain.revision


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": "round,square"}, "`weight` is"),
        ({"width": 63}, "have to be"),
        ({"weights": "0" * 64}, "was made with other weights"),
        ({"labels": "ring"}, "'ring' is there twice"),
    ],
)
def test_head_that_does_not_fit_is_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        detector(heads=[head(tmp_path / "head.safetensors", **options)])


def test_samples_of_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.safetensors"
    path.write_bytes(pack_samples(np.ones((1, 64), np.float32), weights="0" * 64))
    with pytest.raises(ConfigError, match="was made with other weights"):
        detector(samples=[{"label": "mine", "file": path}])
    with pytest.raises(ConfigError, match="`fediwarden embed` makes it"):
        detector(samples=[{"label": "mine", "file": tmp_path / "none"}])


def test_sample_without_a_direction_is_refused_and_its_length_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "samples.safetensors"
    weights, ones = detector().weights, np.ones(64, np.float32)
    path.write_bytes(pack_samples(np.stack([ones, 0 * ones]), weights=weights))
    with pytest.raises(ConfigError, match=r"samples\.safetensors: has an embedding of zeros"):
        detector(samples=[{"label": "mine", "file": path}])
    path.write_bytes(pack_samples(np.stack([np.float32(3e38) * ones]), weights=weights))
    made = detector(samples=[{"label": "mine", "file": path}])
    assert made.finish(ones[np.newaxis] / 8)[0]["mine"] == pytest.approx(1)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "exported"
    folder.mkdir()
    for name in (
        "manifest.json",
        "image.onnx",
        "image-int8.onnx",
        "prompts.safetensors",
        "weights.safetensors",
        "model.json",
    ):
        shutil.copyfile(model.SHIPPED / name, folder / name)
    return folder


def exported(folder: Path, **said: Any) -> dict[str, Any]:
    return {"model": "", "exported": folder, "sha256": digest_of(folder / "manifest.json"), **said}


def test_exported_folder_is_the_same_detector(copied: Path) -> None:
    assert detector(**exported(copied)).revision == detector().revision


@pytest.mark.parametrize("name", ["scale", "image.onnx", "image-int8.onnx", "prompts.safetensors"])
def test_what_was_exported_differently_from_the_same_weights_is_another_revision(copied: Path, name: str) -> None:
    """A measurement of one of them says nothing of the other."""
    manifest = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
    if name == "scale":
        manifest["scale"] /= 2
    else:
        path = copied / name
        made = path.read_bytes()
        if name.endswith(".onnx"):
            made += b"\x32\x01x"  # the field `doc_string` of the model, once more
        else:
            made = save({key: -row for key, row in load(made).items()})
        path.write_bytes(made)
        manifest["files"][name] = digest_of(path)
    (copied / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert detector(**exported(copied)).revision != detector().revision


@pytest.mark.parametrize("name", ["image.onnx", "prompts.safetensors", "manifest.json"])
def test_file_that_is_another_one_is_refused(copied: Path, name: str) -> None:
    said = exported(copied)
    path = copied / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ConfigError, match=rf"{name}: has the digest [0-9a-f]{{64}}, not"):
        detector(**said)


def test_only_what_an_engine_opens_is_read_and_that_is_checked(copied: Path) -> None:
    """Weights for torch may weigh gigabytes: without torch nobody looks at them."""
    (copied / "image-int8.onnx").write_bytes(b"another one")
    (copied / "weights.safetensors").unlink()
    said = exported(copied)
    assert detector(**said).revision == detector().revision
    with pytest.raises(ConfigError, match=r"image-int8\.onnx: has the digest"):
        detector(**said, engine="onnxruntime-int8")


def test_missing_weights_are_named(copied: Path) -> None:
    (copied / "image.onnx").unlink()
    with pytest.raises(ConfigError, match=r"image\.onnx: cannot be read: No such file .*; put the file there, or mend"):
        detector(**exported(copied))


def test_prompts_that_were_not_exported_are_named() -> None:
    with pytest.raises(ConfigError, match=r"has no embeddings of .* such as 'a drawing'; export it again"):
        detector(labels=["drawing"])


def test_wrong_digest_is_refused(copied: Path) -> None:
    with pytest.raises(ConfigError, match=r"manifest\.json: has the digest"):
        detector(**exported(copied, sha256="0" * 64))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"model": ""}, "either `model` or `exported`"),
        ({"labels": []}, "it would score nothing"),
        ({"device": "cuda"}, "engine onnxruntime runs on the cpu; device is torch's"),
        ({"precision": "bf16"}, "engine onnxruntime has its own precision"),
        ({"engine": "openvino", "precision": "bf16", "device": "cuda"}, "engine openvino runs on the cpu"),
        ({"model": "ViT-B-32", "engine": "torch"}, "write `sha256`"),
        ({"model": "ViT-B-32", "engine": "torch", "sha256": "0" * 64}, "`weights` .*, or `download: true`"),
        ({"model": "ViT-B-32", "weights": "w.safetensors", "sha256": "0" * 64}, "runs what was exported"),
        ({"engine": "tensorrt"}, "engine"),
        ({"margin": 2}, "margin"),
        ({"margin": 0.02}, "margin"),
        ({"model": "ViT-B-32", "engine": "torch", "sha256": "0" * 64, "download": True}, "write `pretrained`"),
    ],
)
def test_settings_that_do_not_fit_together(said: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(**said)


def test_paths_start_beside_the_configuration(tmp_path: Path) -> None:
    made = ClipSettings.model_validate(
        {"id": "x", "exported": "model", "sha256": "0" * 64, "engine": "onnxruntime", "labels": ["minors", "own.yaml"]}
    ).beside(tmp_path)
    assert made.exported == tmp_path / "model"
    assert made.labels == ("minors", str(tmp_path / "own.yaml"))
