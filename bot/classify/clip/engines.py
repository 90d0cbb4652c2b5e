"""What runs the image tower: pictures in, embeddings out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import structlog

from bot.classify.clip.external import checked
from bot.classify.clip.weights import unit
from bot.classify.onnx_session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Rows = np.ndarray[Any, Any]

_log = structlog.get_logger(__name__)

LACKS_MEMORY: Final = ("out of memory", "ALLOC_FAILED", "can't allocate memory")
"""What a ``RuntimeError`` says for want of memory: MPS, cuBLAS and cuDNN, and torch's allocator on the processor."""


class Engine(Protocol):
    """An image tower that is ready to run."""

    def encode(self, pictures: Rows) -> Rows:
        """``(n, side, side, 3) uint8`` to ``(n, dim) float32`` of length 1.

        The same in ``float32`` will do, and what is no number there has no embedding. Raises what the device raises.
        """
        ...


class TorchEngine:
    """The image tower of an open_clip model on one of torch's devices.

    A device that runs out of memory gets half as many pictures at a time from then on; one picture alone has to fit.
    """

    def __init__(
        self,
        model: Any,
        *,
        device: str,
        half: bool,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        """``model``: from ``(n, 3, side, side)`` to ``(n, dim)``; it is moved.

        Raises what torch raises where there is no such device.
        """
        import torch

        self._torch = torch
        self._device = torch.device(device)
        self._type = torch.bfloat16 if half else torch.float32
        self._pinned = self._device.type == "cuda"
        self._model = model.to(device=self._device, dtype=self._type)
        self._mean, self._deviation = (
            torch.tensor(values, dtype=torch.float32, device=self._device).view(1, 3, 1, 1) * 255
            for values in (mean, deviation)
        )
        self._most: int | None = None

    def encode(self, pictures: Rows) -> Rows:
        """See ``Engine``."""
        made: list[Rows] = []
        at = 0
        while at < len(pictures):
            size = min(len(pictures) - at, self._most or len(pictures))
            try:
                made.append(self._forward(pictures[at : at + size]))
            except Exception as error:
                if size == 1 or not self._out_of_memory(error):
                    raise
                self._most = max(1, size // 2)
                _log.warning(
                    "device out of memory, fewer pictures at a time", device=str(self._device), most=self._most
                )
                self._let_go()
            else:
                at += size
        return np.concatenate(made) if made else np.zeros((0, 0), dtype=np.float32)

    def _forward(self, pictures: Rows) -> Rows:
        torch = self._torch
        with torch.inference_mode():
            # torch shares memory that may be written to.
            batch = torch.from_numpy(np.require(pictures, requirements="W")).permute(0, 3, 1, 2)
            if self._pinned:
                batch = batch.contiguous().pin_memory()
            batch = batch.to(self._device, non_blocking=self._pinned).float()
            batch = ((batch - self._mean) / self._deviation).to(self._type)
            features = self._model(batch)
            if isinstance(features, tuple):  # CoCa's tower gives its tokens too
                features = features[0]
            features = torch.nn.functional.normalize(features.float(), dim=-1)
            return np.asarray(features.cpu().numpy(), dtype=np.float32)

    def _out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, self._torch.OutOfMemoryError) or (
            isinstance(error, RuntimeError) and any(words in str(error) for words in LACKS_MEMORY)
        )

    def _let_go(self) -> None:
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()
        elif self._device.type == "mps":
            self._torch.mps.empty_cache()


class OnnxEngine:
    """An exported image tower on ONNX Runtime's processor engine."""

    def __init__(
        self,
        path: Path,
        digests: Mapping[str, str],
        *,
        threads: int,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        """``digests``: of every file beside ``path`` that may be read, and of itself, by their names.

        Raises ``ConfigError`` for a file that is not the one that was exported, or that is none of these.
        """
        self._session = open_session(checked(path, digests), threads=threads)
        self._input = self._session.get_inputs()[0].name
        self._mean, self._deviation = (
            np.asarray(values, dtype=np.float32) * np.float32(255) for values in (mean, deviation)
        )

    def encode(self, pictures: Rows) -> Rows:
        """See ``Engine``."""
        batch = np.ascontiguousarray(((pictures - self._mean) / self._deviation).transpose(0, 3, 1, 2))
        (features,) = self._session.run(None, {self._input: batch})
        return unit(features)


class ScreeningEngine:
    """A fast engine for everything, and an exact one for what the fast one cannot decide.

    ``doubtful`` says of embeddings by the fast one which of them are too near a threshold. Rounding to 8 bits moves
    cosines by up to 0.025 (measured on the model ``shapes``), and that is more than lies between useful thresholds.
    """

    def __init__(self, fast: Engine, exact: Engine, doubtful: Callable[[Rows], Rows]) -> None:
        self._fast = fast
        self._exact = exact
        self._doubtful = doubtful

    def encode(self, pictures: Rows) -> Rows:
        """See ``Engine``."""
        made = self._fast.encode(pictures)
        again = self._doubtful(made) | ~np.isfinite(made).all(axis=1)
        if again.any():
            made[again] = self._exact.encode(pictures[again])
        return made


LIBRARIES: Final = {
    "torch": "torch",
    "onnxruntime": "onnxruntime",
    "onnxruntime-int8": "onnxruntime",
    "openvino": "openvino",
    "openvino-int8": "openvino",
}
"""Engine to the distribution whose version is part of the revision."""
