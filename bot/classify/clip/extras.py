"""What the operator brings: linear heads, and embeddings of samples."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from bot.classify.clip.scoring import Head, Likeness
from bot.classify.clip.weights import arrays, read, unit
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.classify.clip.scoring import Question
    from bot.classify.clip.settings import HeadSettings, SampleSettings

Rows = np.ndarray[Any, Any]


def read_heads(settings: HeadSettings, *, dim: int, weights: str) -> list[Question]:
    """Heads of one safetensors file: ``weight (labels, dim)``, ``bias (labels)``, and ``labels`` in its metadata.

    The metadata may name the ``weights`` (SHA-256) that the heads were trained on. Raises ``ConfigError``.
    """
    data = read(settings.file, settings.sha256)
    said, found = _metadata(data), arrays(data, settings.file)
    _same_weights(settings.file, said, weights)
    if set(found) != {"weight", "bias"}:
        raise ConfigError(
            f"{settings.file}: a head has `weight` and `bias`, not {', '.join(sorted(found)) or 'nothing'}"
        )
    labels = [label for label in said.get("labels", "").split(",") if label]
    weight, bias = np.atleast_2d(found["weight"]), np.atleast_1d(found["bias"])
    if weight.shape != (len(labels), dim) or bias.shape != (len(labels),):
        raise ConfigError(
            f"{settings.file}: `weight` is {weight.shape} and `bias` {bias.shape}; with {len(labels)} label(s) in the "
            f"metadata and this model they have to be ({len(labels)}, {dim}) and ({len(labels)},)"
        )
    return [
        Head(label=label, weight=row.astype(np.float64), bias=float(offset))
        for label, row, offset in zip(labels, weight, bias, strict=True)
    ]


def read_samples(settings: SampleSettings, *, dim: int, weights: str) -> tuple[Question, str]:
    """Likeness to samples, and the digest of the file that ``pack_samples`` made. Raises ``ConfigError``."""
    try:
        data = settings.file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{settings.file}: cannot be read: {error.strerror}; `fediwarden embed` makes it") from error
    said, found = _metadata(data), arrays(data, settings.file)
    _same_weights(settings.file, said, weights, needed=True)
    rows = found.get("embeddings")
    if rows is None or rows.ndim != 2 or rows.shape[1] != dim or not len(rows):
        raise ConfigError(f"{settings.file}: has no embeddings of this model; make it again with `fediwarden embed`")
    targets = unit(rows.astype(np.float64))  # squares of large numbers are none in float32
    if not np.isfinite(targets).all():
        raise ConfigError(
            f"{settings.file}: has an embedding of zeros, which nothing is like; make it again with `fediwarden embed`"
        )
    return Likeness(label=settings.label, targets=targets), hashlib.sha256(data).hexdigest()


def pack_samples(rows: Rows, *, weights: str) -> bytes:
    """``(samples, dim)`` embeddings as a safetensors file that says which weights made them."""
    return save({"embeddings": np.ascontiguousarray(rows, dtype=np.float32)}, metadata={"weights": weights})


def _metadata(data: bytes) -> Mapping[str, str]:
    """Of a safetensors file: https://github.com/huggingface/safetensors#format."""
    try:
        size = int.from_bytes(data[:8], "little")
        said = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    except (ValueError, AttributeError):
        return {}  # what is no safetensors file is refused when its arrays are read
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def _same_weights(file: Path, said: Mapping[str, str], weights: str, *, needed: bool = False) -> None:
    if said.get("weights", "" if needed else weights) != weights:
        raise ConfigError(
            f"{file}: was made with other weights ({said.get('weights', 'unnamed')[:16]}…) than {weights[:16]}…"
        )
