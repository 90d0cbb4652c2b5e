"""Just before a thumbnail is purged with its picture: is it still nothing but that?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import PurgeFile
from bot.pipeline.lately import Lately
from bot.pipeline.protection import thumbnail_of

if TYPE_CHECKING:
    from bot.attribution import Index
    from bot.ports import IntentRecord, Ledger


class Mistaken:
    """Goes by the ledger. Contacts nobody. Thread-safe."""

    def __init__(self, ledger: Ledger, index: Index) -> None:
        """``index``: over the same ledger."""
        self._ledger = ledger
        self._index = index
        self._still_made: Lately[bool] = Lately()

    def __call__(self, record: IntentRecord) -> bool:
        """Whether somebody stored it, or it is shown elsewhere; not what a human approved, who knew what it looks like.

        What its case holds for the picture itself is no thumbnail of it: it is judged by itself. Raises
        ``LedgerError``.
        """
        if not isinstance(record.intent, PurgeFile) or record.approved_by is not None:
            return False
        made = thumbnail_of(self._ledger, record)
        if made is None:
            return False
        still = self._index.beside.still_made_from
        return not self._still_made.of((record.file, made), lambda: still(record.file, made))
