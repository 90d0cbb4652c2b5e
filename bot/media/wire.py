"""What the bot and its decode workers say to each other.

A message is two lengths, a JSON header and raw bytes. Nothing is unpickled: a worker that a hostile file has taken over
can lie about that file, but not run anything in the bot.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bot.domain.evidence import Finding, Look, Unscannable, UnscannableKind
from bot.ports import Decoded, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.media.picture import Looked

LENGTHS: Final = struct.Struct(">IQ")  # of the header and of the bytes behind it
MAX_HEADER: Final = 1024 * 1024
MAX_ROWS: Final = 256
"""Pictures that one file may be said to have; more than any limits give."""


OUT_OF_MEMORY: Final = 77
"""Exit status of a worker that could not get the memory a file wanted."""


class WireError(Exception):
    """A worker said something that no worker says."""


def pack(header: dict[str, Any], rows: Sequence[np.ndarray[Any, Any]] = ()) -> bytes:
    """A whole message."""
    blobs = [np.ascontiguousarray(row).data for row in rows]
    return b"".join([_head(header, sum(blob.nbytes for blob in blobs)), *blobs])


def _head(header: dict[str, Any], size: int) -> bytes:
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), size) + text


TAKEN: Final = pack({"taken": True})
"""Said by a worker that has read a whole request: from here on its death is the file's doing."""


def announce(size: int, views: Sequence[ViewSpec]) -> bytes:
    """Please look at the file of ``size`` bytes that follows: it need not be copied for that."""
    return _head({"views": [_said(view) for view in views]}, size)


@lru_cache
def _said(view: ViewSpec) -> dict[str, Any]:
    return asdict(view)


def unpack_views(header: dict[str, Any]) -> list[ViewSpec]:
    """The views that a request names."""
    return [ViewSpec(**{**view, "subtract": tuple(view["subtract"])}) for view in header["views"]]


def pack_answer(looked: Looked | Unscannable) -> bytes:
    """What came of it; the rows of all views one behind the other, in the order of the request."""
    if isinstance(looked, Unscannable):
        return pack({"unscannable": looked.kind.value, "detail": looked.detail})
    header = {
        "media_type": looked.media_type,
        "width": looked.width,
        "height": looked.height,
        "frames": looked.frames,
        "pixels": looked.pixels,
        "pdq": looked.pdq,
        "pdq_quality": looked.pdq_quality,
        "moving": looked.moving,
        "looks": [asdict(one.look) for one in looked.looks.pictures],
        "findings": [[finding.kind, finding.detail] for finding in looked.findings],
        "gaps": looked.gaps,
    }
    return pack(header, [row for seen in looked.rows.values() for row in seen])


def unpack_answer(header: bytes, blob: bytes, views: Sequence[ViewSpec]) -> Decoded | Unscannable:
    """An answer, checked. Raises ``WireError`` for anything that does not fit the request."""
    try:
        said = json.loads(header)
        if "unscannable" in said:
            return Unscannable(kind=UnscannableKind(said["unscannable"]), detail=str(said["detail"])[:500])
        looks = [_look(one) for one in said["looks"]]
        return Decoded(
            media_type=_text(said["media_type"]),
            width=int(said["width"]),
            height=int(said["height"]),
            frames=int(said["frames"]),
            pixels=_digest(said["pixels"]),
            pdq=_digest(said["pdq"]),
            pdq_quality=None if said["pdq_quality"] is None else int(said["pdq_quality"]),
            views=_views(blob, len(looks), views),
            looks=looks,
            moving=bool(said["moving"]),
            findings=[Finding(kind=_text(kind), detail=_text(detail)) for kind, detail in said["findings"]],
            gaps=[_text(gap) for gap in said["gaps"]],
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError(f"an answer that does not fit: {type(error).__name__}") from error


def _views(blob: bytes, rows: int, views: Sequence[ViewSpec]) -> dict[ViewSpec, np.ndarray[Any, Any]]:
    """``(rows, crop, crop, 3)``, as each view has it."""
    sizes = [rows * view.crop * view.crop * 3 for view in views]
    if not 0 <= rows <= MAX_ROWS or sum(sizes) != len(blob):
        raise ValueError("rows")
    made = {}
    at = 0
    for view, size in zip(views, sizes, strict=True):
        seen = np.frombuffer(blob, np.uint8, size, at).reshape(rows, view.crop, view.crop, 3)
        made[view] = seen if view.dtype == "uint8" else np.subtract(seen, view.subtract, dtype=np.float32)
        at += size
    return made


def _look(said: Any) -> Look:
    at = said["at"]
    return Look(
        frame=int(said["frame"]),
        at=None if at is None else float(at),
        how=_text(said["how"]),
        alone=bool(said["alone"]),
        pdq=_digest(said["pdq"]),
        pdq_quality=None if said["pdq_quality"] is None else int(said["pdq_quality"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value[:500]


def _digest(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != 64:
        raise ValueError("digest")
    return bytes.fromhex(value).hex()
