"""Reads the operator's pictures and has every detector score them. No picture is kept."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.domain.errors import ConfigError
from bot.domain.evidence import PARTLY_SEEN, Evidence, Unscannable
from bot.operate.trying import files_in, looked_into

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.ports import Decoder, Scorer

HIDDEN: Final = frozenset({"truncated", "damaged", PARTLY_SEEN})
AT_ONCE: Final = 16  # files that are read and scored together, so that batches fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture, by its path within the folder. ``values``: detector to label to value; ``gaps``: of the detectors"""

    path: str
    group: str | None
    values: Mapping[str, Mapping[str, float]]
    gaps: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """``unread``: file, kind and detail. ``twins``: files with the bytes of another one."""

    pictures: Sequence[Picture]
    unread: Sequence[tuple[str, str, str]]
    twins: int
    groups: Sequence[str]


async def look_at(
    folder: Path,
    *,
    by: str | None,
    decoder: Decoder,
    scorer: Scorer,
    max_bytes: int,
    tell: Callable[[int, int], object],
) -> Seen:
    """Every file in ``folder`` and below. The same bytes count once: a copy is no second opinion.

    ``by``: a folder within it whose own folders are the groups, ``.`` for itself. ``tell``: how many of how many are
    done. Raises ``ConfigError`` for a folder without files, and for groups that are not there.
    """
    groups, paths = await asyncio.to_thread(_found, folder, by)
    pictures: list[Picture] = []
    unread: list[tuple[str, str, str]] = []
    known: set[str] = set()
    twins = done = 0
    found = looked_into(paths, decoder=decoder, scorer=scorer, max_bytes=max_bytes, at_once=AT_ONCE)
    async for path, seen in found:
        done += 1
        tell(done, len(paths))
        name = _in_text(path.relative_to(folder))
        if not isinstance(seen, Evidence):
            why = seen if isinstance(seen, Unscannable) else seen.why
            unread.append((name, why.kind.value, why.detail))
        elif part := _in_part(seen):
            unread.append((name, "in_part", part))
        elif seen.sha256 in known:
            twins += 1
        else:
            known.add(seen.sha256)
            values: dict[str, dict[str, float]] = {}
            for score in seen.scores:
                values.setdefault(score.detector, {})[score.label] = score.value
            group = next((group for group, place in groups.items() if path.is_relative_to(place)), None)
            pictures.append(Picture(path=name, group=group, values=values, gaps=seen.gaps))
    return Seen(pictures=pictures, unread=unread, twins=twins, groups=sorted(groups))


def _in_text(path: Path) -> str:
    """A name that can be printed and written down: file systems take bytes that are no text."""
    return os.fsencode(path).decode("utf-8", "replace")


def _in_part(seen: Evidence) -> str:
    """What hides a part of the file, in words; empty if nothing does."""
    hidden = [finding.detail for finding in seen.findings if finding.kind in HIDDEN]
    missing = [gap for gap in seen.gaps if gap.startswith("picture: ") or "cannot be read" in gap]
    return "; ".join([*hidden, *missing])


def _found(folder: Path, by: str | None) -> tuple[Mapping[str, Path], Sequence[Path]]:
    """Groups with their folders, and all files."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is no folder")
    paths = files_in([folder])
    if not paths:
        raise ConfigError(f"{folder}: is empty; put harmless pictures of your own server there")
    return {} if by is None else _groups(folder, by), paths


def _groups(folder: Path, by: str) -> dict[str, Path]:
    """Their names and folders."""
    above = folder / by
    if not above.resolve().is_relative_to(folder.resolve()) or not above.is_dir():
        raise ConfigError(f"--by {by}: there is no such folder in {folder}; `.` means its own folders")
    found = {_in_text(Path(place.name)): place for place in sorted(above.iterdir()) if place.is_dir()}
    if len(found) < 2:
        raise ConfigError(f"--by {by}: {above} has {len(found)} folder(s); groups can be compared from two on")
    return found
