"""The ``Matcher``: lists of the ledger and list files, read again when they change."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import ConfigError
from bot.domain.evidence import MatchedBy
from bot.matching.fingerprints import FingerprintIndex
from bot.matching.lists import check_entry, parse_list_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bot.domain.evidence import Hit, Look
    from bot.matching.lists import ListFile
    from bot.ports import ListEntry, ListStore

PDQ_DISTANCE: Final = 31
"""Bits of 256 that may differ; the threshold that PDQ's makers recommend.

https://github.com/facebook/ThreatExchange/tree/main/pdq#matching.
"""
PDQ_MIN_QUALITY: Final = 50
"""Below it a picture has too little structure for its hash to mean much; same source."""

_log = structlog.get_logger(__name__)


class ListMatcher:
    """See ``Matcher``. Every match asks whether a list changed: one cheap query, and one ``stat`` for each file.

    ``pdq_distance``: bits; ``pdq_min_quality``: 0 to 100, below which PDQ is not compared. Raises ``ConfigError`` when
    a file is bad at the start; a file that turns bad later is logged, and its old entries stay.
    """

    def __init__(
        self,
        store: ListStore,
        files: Sequence[ListFile],
        pdq_distance: int = PDQ_DISTANCE,
        pdq_min_quality: int = PDQ_MIN_QUALITY,
    ) -> None:
        self._store = store
        self._files = files
        self._pdq_distance = pdq_distance
        self._pdq_min_quality = pdq_min_quality
        self._lock = threading.Lock()
        self._stamps: dict[ListFile, _Stamp] = {}
        self._from_files: dict[ListFile, Sequence[ListEntry]] = {}
        self._bad: set[str] = set()  # ids of lists whose file turned bad
        for file in files:
            self._stamps[file] = _stamp(file.path)
            self._from_files[file] = parse_list_file(file.path, file.list_id, file.mode)
        self._version = store.lists_version()
        self._index = FingerprintIndex(self._entries())

    @property
    def bad_files(self) -> Sequence[str]:
        """Ids of the lists whose file could not be read when it changed: their old entries are in force."""
        return sorted(self._bad)

    def match(
        self,
        *,
        sha256: str,
        pixels: str | None,
        pdq: str | None,
        pdq_quality: int | None,
        looks: Sequence[Look] = (),
    ) -> Sequence[Hit]:
        """See ``Matcher``. Raises ``LedgerError`` when the lists of the ledger cannot be read."""
        index = self._fresh()
        hits = [*index.exact(MatchedBy.SHA256, sha256.lower())]
        if pixels is not None:
            hits += index.exact(MatchedBy.PIXELS, pixels.lower())
        return hits + self._near(index, pdq, pdq_quality, looks)

    def _near(
        self, index: FingerprintIndex, pdq: str | None, pdq_quality: int | None, looks: Sequence[Look]
    ) -> list[Hit]:
        """Each entry once, by the picture that is nearest to it; the file's own PDQ where none is nearer."""
        best: dict[tuple[str, str], Hit] = {}
        for digest, quality, where in [
            (pdq, pdq_quality, ""),
            *((look.pdq, look.pdq_quality, look.where) for look in looks if look.pdq != pdq),
        ]:
            if digest is None or quality is None or quality < self._pdq_min_quality:
                continue
            for hit in index.near(digest, self._pdq_distance):
                known = best.get((hit.list_id, hit.entry))
                if known is None or hit.distance < known.distance:
                    best[hit.list_id, hit.entry] = replace(hit, where=where)
        return sorted(best.values(), key=lambda hit: hit.distance)

    def _fresh(self) -> FingerprintIndex:
        with self._lock:
            # The version is read before the entries: a change in between is seen once more next time.
            version = self._store.lists_version()
            changed = [file for file in self._files if self._reload(file)]
            if version != self._version or changed:
                self._index = FingerprintIndex(self._entries())
                self._version = version
            return self._index

    def _reload(self, file: ListFile) -> bool:
        stamp = _stamp(file.path)
        if stamp == self._stamps[file]:
            return False
        self._stamps[file] = stamp
        try:
            self._from_files[file] = parse_list_file(file.path, file.list_id, file.mode)
        except ConfigError as error:
            _log.error("list file not usable, its old entries stay", list=file.list_id, reason=str(error))
            self._bad.add(file.list_id)
            return False
        self._bad.discard(file.list_id)
        _log.info("list file read again", list=file.list_id, entries=len(self._from_files[file]))
        return True

    def _entries(self) -> Iterator[ListEntry]:
        for entries in self._from_files.values():
            yield from entries
        for entry in self._store.entries():
            try:
                check_entry(entry)
            except ConfigError as error:
                _log.error("list entry left out", list=entry.list_id, reason=str(error))
            else:
                yield entry


_Stamp = tuple[int, int, int] | None


def _stamp(path: Path) -> _Stamp:
    """What changes with a file's content: modification time, size, and the file itself where it was replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
