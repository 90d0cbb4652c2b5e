"""Tries rules on what was scanned and on pictures of this machine, and compares with what was reached then."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from bot.domain.decisions import Allow
from bot.domain.errors import ConfigError
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.pipeline.scan import look
from bot.pipeline.trial import Tried

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.domain.evidence import Evidence
    from bot.pipeline.scan import Blind
    from bot.pipeline.stand_in import StandIn
    from bot.pipeline.trial import Trial
    from bot.ports import Decoder, Looked, Scans, Scorer

PAGE = 200
AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A stored file: what rules have made of it, and what they would make of it."""

    looked: Looked
    tried: Tried

    @property
    def fires(self) -> Sequence[str]:
        """Rules that would fire."""
        return [firing.rule_id for firing in self.tried.firings]

    @property
    def new(self) -> Sequence[str]:
        """Rules that would fire and did not."""
        return [rule for rule in self.fires if rule not in self.looked.rules]

    @property
    def no_longer(self) -> Sequence[str]:
        """Rules that fired and would not."""
        return [rule for rule in self.looked.rules if rule not in self.fires]

    @property
    def otherwise(self) -> Sequence[str]:
        """Kinds of deeds that are wanted and were not, or the other way, or that the guard would judge unlike then."""
        then = {(kind, target): allowed for kind, target, allowed in self.looked.planned}
        now: dict[tuple[str, str], bool] = {}
        for firing in self.tried.firings:
            for intent, decision in firing.decisions:
                now.setdefault((intent.kind, intent.target), isinstance(decision, Allow))
        flips = {kind for kind, target in then.keys() & now.keys() if then[kind, target] != now[kind, target]}
        return sorted(flips | ({kind for kind, _ in then} ^ {kind for kind, _ in now}))

    @property
    def changed(self) -> bool:
        """Whether anything differs from what was reached then."""
        return bool(self.new or self.no_longer or self.otherwise)


@dataclass(slots=True)
class Sums:
    """How often each rule would fire, and how often it did. ``more``: there are older scans that were not looked at."""

    scans: int = 0
    more: bool = False
    changed: int = 0
    fires: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    no_longer: Counter[str] = field(default_factory=Counter)
    lacks: Counter[str] = field(default_factory=Counter)

    def add(self, one: Compared) -> None:
        """Count one file."""
        self.scans += 1
        self.changed += one.changed
        self.fires.update(one.fires)
        self.before.update(one.looked.rules)
        self.new.update(one.new)
        self.no_longer.update(one.no_longer)
        self.lacks.update(one.tried.lacks)


def stored(scans: Scans, trial: Trial, *, since: datetime | None, case: int | None, limit: int) -> Iterator[Compared]:
    """Files that could be read, newest scan first, at most ``limit``."""
    before: int | None = None
    left = limit
    while left > 0:
        page = scans.looked_at(since=since, case=case, before=before, limit=min(PAGE, left))
        for looked in page:
            yield Compared(looked=looked, tried=trial.stored(looked))
        if len(page) < min(PAGE, left):
            return
        left -= len(page)
        before = page[-1].scan_id


def compared(
    scans: Scans, trial: Trial, *, since: datetime | None, case: int | None, limit: int, only_changed: bool
) -> tuple[Sums, list[Compared]]:
    """``summed`` over ``stored``, and whether that was all."""
    found = stored(scans, trial, since=since, case=case, limit=limit + 1)
    sums, worth = summed(islice(found, limit), only_changed=only_changed)
    sums.more = next(found, None) is not None
    return sums, worth


def summed(compared: Iterable[Compared], *, only_changed: bool) -> tuple[Sums, list[Compared]]:
    """The sums over all of them, and those that are worth a look."""
    sums = Sums()
    worth: list[Compared] = []
    for one in compared:
        sums.add(one)
        if one.changed or (not only_changed and (one.tried.firings or one.tried.note)):
            worth.append(one)
    return sums, worth


def files_in(paths: Sequence[Path]) -> Sequence[Path]:
    """Files as they are named, and everything in folders, in alphabetical order. Raises ``ConfigError``."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigError(f"{path}: there is no such file or folder")
    return found


async def looked_into(
    paths: Sequence[Path], *, decoder: Decoder, scorer: Scorer, max_bytes: int, at_once: int = AT_ONCE
) -> AsyncIterator[tuple[Path, Evidence | Blind | Unscannable]]:
    """Decoded and scored like everything that is fetched, in the order that was given. ``Unscannable``: not read."""

    async def one(path: Path) -> Evidence | Blind | Unscannable:
        data = await read_in_bounds(path, max_bytes)
        if isinstance(data, Unscannable):
            return data
        digest = hashlib.sha256(data).hexdigest()
        return await look(data, sha256=digest, declared_type=None, decoder=decoder, scorer=scorer)

    for start in range(0, len(paths), at_once):
        some = paths[start : start + at_once]
        for path, seen in zip(some, await asyncio.gather(*(one(path) for path in some)), strict=True):
            yield path, seen


async def pictures(
    paths: Sequence[Path], trial: Trial, stand_in: StandIn, *, decoder: Decoder, scorer: Scorer, max_bytes: int
) -> AsyncIterator[tuple[Path, Tried]]:
    """What would follow from each picture, in the order that was given."""
    async for path, seen in looked_into(paths, decoder=decoder, scorer=scorer, max_bytes=max_bytes):
        if isinstance(seen, Unscannable):
            yield path, Tried(scan=seen)
        else:
            yield path, await asyncio.to_thread(trial.picture, seen, stand_in)


async def read_in_bounds(path: Path, max_bytes: int) -> bytes | Unscannable:
    """A file of this machine, as it would be fetched: no more of it than ``max_bytes``."""

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)

    try:
        data = await asyncio.to_thread(read)
    except OSError as error:
        return Unscannable(kind=UnscannableKind.UNREACHABLE, detail=error.strerror or "cannot be read")
    if len(data) > max_bytes:
        return Unscannable(kind=UnscannableKind.TOO_LARGE, detail=f"has more than {max_bytes} bytes")
    return data
