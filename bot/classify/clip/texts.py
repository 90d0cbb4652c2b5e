"""Embeddings of prompts: made once for each pair of text tower and prompt, and kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from safetensors.numpy import save

from bot.classify.clip.weights import arrays
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Rows = np.ndarray[Any, Any]

_log = structlog.get_logger(__name__)


def key(prompt: str) -> str:
    """Under which a prompt's embedding is kept."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def embedded(
    prompts: Sequence[str],
    *,
    known: Mapping[str, Rows],
    cache: Path | None,
    tower: str,
    embed: Callable[[Sequence[str]], Rows],
) -> dict[str, Rows]:
    """Prompt to embedding, ``(dim,) float32`` of length 1.

    ``known``: what came with the weights, by ``key``. ``cache``: a folder with a file for each ``tower``, a digest.
    ``embed``: makes those that are missing, if it can; raises ``ConfigError`` if not.
    """
    file = None if cache is None else cache / f"prompts-{tower}.safetensors"
    kept = {**(_read(file) if file is not None else {}), **known}
    missing = [prompt for prompt in prompts if key(prompt) not in kept]
    if missing:
        made = dict(zip([key(prompt) for prompt in missing], embed(missing), strict=True))
        if not all(np.isfinite(row).all() for row in made.values()):
            raise ConfigError("the model gives numbers that are none (NaN) for prompts; its weights are damaged")
        kept.update(made)
        if file is not None:
            _write(file, kept)
    return {prompt: kept[key(prompt)] for prompt in prompts}


def _read(file: Path) -> dict[str, Rows]:
    try:
        return dict(arrays(file.read_bytes(), file))
    except FileNotFoundError:
        return {}
    except (OSError, ConfigError) as error:
        _log.warning("embeddings of prompts are made anew", file=str(file), reason=str(error))
        return {}


def _write(file: Path, kept: Mapping[str, Rows]) -> None:
    """Whole or not at all. A folder that cannot be written to costs time at the next start, and nothing else."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as part:
            part.write(save(dict(kept)))
        os.replace(part.name, file)
    except OSError as error:
        _log.warning("embeddings of prompts cannot be kept", file=str(file), reason=str(error))
