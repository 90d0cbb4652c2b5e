"""Just before a thumbnail is purged with its picture: is it still nothing but that?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.domain.decisions import PurgeFile
from bot.pipeline.protection import thumbnail_of

if TYPE_CHECKING:
    from bot.attribution import Index
    from bot.ports import IntentRecord, Ledger

KEPT = 10.0
"""Seconds for which an answer is remembered: in a raid one thumbnail has ten thousand names, each with a purge."""


class Mistaken:
    """Goes by the ledger. Contacts nobody. Thread-safe."""

    def __init__(self, ledger: Ledger, index: Index) -> None:
        """``index``: over the same ledger."""
        self._ledger = ledger
        self._index = index
        self._last: tuple[int, int, float, bool] | None = None

    def __call__(self, record: IntentRecord) -> bool:
        """Whether somebody stored it, or it is shown elsewhere; not what a human approved, who knew what it looks like.

        What its case holds for the picture itself is no thumbnail of it: it is judged by itself. Raises
        ``LedgerError``.
        """
        if not isinstance(record.intent, PurgeFile) or record.approved_by is not None:
            return False
        made = thumbnail_of(self._ledger, record)
        return made is not None and not self._still_made(record.file, made)

    def _still_made(self, file_id: int, made: int) -> bool:
        last, now = self._last, time.monotonic()
        if last is not None and last[:2] == (file_id, made) and now - last[2] < KEPT:
            return last[3]
        still = self._index.beside.still_made_from(file_id, made)
        self._last = file_id, made, now, still
        return still
