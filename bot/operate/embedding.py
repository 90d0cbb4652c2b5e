"""Pictures of the operator's own as embeddings: what likeness to samples compares with. No picture is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bot.domain.errors import ConfigError
from bot.domain.evidence import Unscannable
from bot.operate.trying import read_in_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.ports import Decoder, Detector


class Embedded(NamedTuple):
    """``rows``: ``(n, dim) float32``, one for each frame of each picture. ``unread``: files left out, and why."""

    rows: np.ndarray[Any, Any]
    pictures: int
    unread: Sequence[tuple[Path, str]]


async def embed(paths: Sequence[Path], detector: Detector, decoder: Decoder, *, max_bytes: int) -> Embedded:
    """Through the decode workers, as everything else. Raises ``ConfigError`` where nothing could be read."""
    rows: list[np.ndarray[Any, Any]] = []
    unread: list[tuple[Path, str]] = []
    for path in paths:
        data = await read_in_bounds(path, max_bytes)
        decoded = data if isinstance(data, Unscannable) else await decoder.decode(data, detector.views)
        if isinstance(decoded, Unscannable):
            unread.append((path, decoded.detail))
            continue
        rows.append(await asyncio.to_thread(detector.infer, [decoded.views[view] for view in detector.views]))
    if not rows:
        raise ConfigError(f"none of {len(paths)} file(s) is a picture that can be read")
    return Embedded(np.concatenate(rows), len(rows), unread)
