"""What the tests of the detector need: settings around the shipped model, pictures, and detectors without files."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot.classify.clip.detector import ClipDetector
from bot.classify.clip.model import SHIPPED
from bot.classify.clip.settings import ClipSettings
from bot.classify.clip.shapes.drawing import CLASSES, draw
from bot.media.views import render
from bot.ports import Decoded, ViewSpec

VIEW = ViewSpec(resize=64, crop=64, channels="RGB", fit="shortest", resample="bicubic", dtype="uint8")
WEIGHTS, CONFIG = SHIPPED / "weights.safetensors", SHIPPED / "model.json"


def settings(**said: Any) -> ClipSettings:
    return ClipSettings.model_validate(
        {"id": "clip", "model": "shapes", "labels": ["shapes"], "engine": "onnxruntime", "threads": 1, **said}
    )


def detector(**said: Any) -> ClipDetector:
    return ClipDetector(settings(**said))


def pictures(count: int = 2 * len(CLASSES), seed: int = 11) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Views of pictures that were not trained on, with what each shows."""
    random = np.random.default_rng(seed)
    shown = [CLASSES[number % len(CLASSES)] for number in range(count)]
    return np.stack([render(draw(one, random), VIEW) for one in shown]), shown


def decoded(rows: np.ndarray[Any, Any]) -> Decoded:
    """A file whose frames are these views."""
    return Decoded(
        media_type="image/png",
        width=64,
        height=64,
        frames=1,
        pixels=None,
        pdq=None,
        pdq_quality=None,
        views={VIEW: rows},
    )
