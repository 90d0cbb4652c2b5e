"""Ways to run one model, for measuring which is the fastest here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.classify.clip.detector import ClipDetector
from bot.classify.clip.model import IMAGE, IMAGE_INT8, SHIPPED, WEIGHTS
from bot.classify.clip.settings import SHIPPED_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.classify.clip.settings import ClipSettings


class Variant(NamedTuple):
    """``keys``: what the configuration would have to say for it."""

    keys: Mapping[str, Any]
    settings: ClipSettings

    def open(self) -> ClipDetector:
        """Only encodes. Raises ``ConfigError``."""
        return ClipDetector(self.settings)


def encoder(settings: ClipSettings, **keys: Any) -> Variant:
    """The same weights, without anything that is asked of a picture: labels may need what is to be made."""
    nothing: dict[str, Any] = {"labels": (), "heads": (), "samples": ()}
    return Variant(keys, settings.model_copy(update={**nothing, **keys}))


def variants(settings: ClipSettings) -> Sequence[Variant]:
    """Every engine and precision that these weights can be run with on this machine, the exact one first."""
    found: list[Variant] = []
    folder = SHIPPED if settings.model == SHIPPED_MODEL else settings.exported
    if folder is not None:
        for engine, file in (("onnxruntime", IMAGE), ("onnxruntime-int8", IMAGE_INT8)):
            if (folder / file).exists():
                found.append(encoder(settings, engine=engine, device="cpu", precision="fp32"))
        if (folder / IMAGE).exists() and find_spec("openvino") is not None:
            for engine, precision in (("openvino", "fp32"), ("openvino", "bf16"), ("openvino-int8", "fp32")):
                found.append(encoder(settings, engine=engine, device="cpu", precision=precision))
    if folder is None or (folder / WEIGHTS).exists():
        for device in _devices():
            said = {"engine": "torch", "device": device}
            found += [encoder(settings, **said, precision=precision) for precision in ("fp32", "bf16")]
    return found


def _devices() -> list[str]:
    """torch's devices of this machine; none without torch."""
    try:
        import torch
    except ModuleNotFoundError:
        return []
    more = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ["cpu", *(name for name, there in more.items() if there)]
