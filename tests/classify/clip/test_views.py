"""Our way to make a picture small against open_clip's own."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bot.classify.clip.torch_model import open_clip
from bot.media.limits import DecodeLimits
from bot.media.picture import Looked, look
from bot.media.views import render
from bot.ports import ViewSpec

VIEW = ViewSpec(resize=224, crop=224, channels="RGB", fit="shortest", resample="bicubic")
SQUASHED = ViewSpec(resize=224, crop=224, channels="RGB", fit="squash", resample="bicubic")


@pytest.fixture(scope="module")
def transforms() -> dict[str, Any]:
    pytest.importorskip("torch")  # of the extra `clip`; the bot itself does without
    made = open_clip().transform
    plain = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "interpolation": "bicubic"}
    return {
        mode: made.image_transform(224, is_train=False, resize_mode=mode, **plain) for mode in ("shortest", "squash")
    }


def picture(size: tuple[int, int]) -> Image.Image:
    """Soft colours and the noise of a sensor."""
    random = np.random.default_rng(size[0])
    soft = Image.fromarray(random.integers(0, 256, (6, 7, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = random.normal(0, 6, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(soft) + noise).clip(0, 255).astype(np.uint8))


def theirs(transform: Any, image: Image.Image) -> np.ndarray[Any, Any]:
    made: np.ndarray[Any, Any] = (transform(image).numpy() * 255).transpose(1, 2, 0)
    return made


@pytest.mark.parametrize("size", [(640, 480), (481, 640), (224, 224), (225, 900), (60, 45), (1023, 333), (333, 1022)])
def test_view_is_that_of_open_clip_but_for_rounding(transforms: dict[str, Any], size: tuple[int, int]) -> None:
    image = picture(size)
    for view, mode in ((VIEW, "shortest"), (SQUASHED, "squash")):
        apart = np.abs(render(image, view) - theirs(transforms[mode], image))
        assert apart.max() <= 1.01, "grey levels"
        assert apart.mean() < 0.1


def test_large_jpeg_decoded_at_a_fraction_of_its_size_looks_the_same(transforms: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    picture((2400, 1800)).save(buffer, "JPEG", quality=90)
    looked = look(buffer.getvalue(), [VIEW], DecodeLimits())
    assert isinstance(looked, Looked)
    wanted = theirs(transforms["shortest"], Image.open(buffer).convert("RGB"))
    error = ((looked.rows[VIEW][0] - wanted) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 45, "decibels"


def test_long_strip_costs_no_memory() -> None:
    """With its shorter side at 224 it would be more than a million pixels long."""
    assert render(Image.new("RGB", (20000, 3), "purple"), VIEW).shape == (224, 224, 3)
