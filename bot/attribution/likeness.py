"""Finds the file that another one looks like, among all that were scanned lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from bot.domain.evidence import Evidence

if TYPE_CHECKING:
    from bot.ports import Library

LOOKS_ALIKE = 31
"""Hamming distance in bits up to which two PDQ hashes are taken for the same picture.

https://github.com/facebook/ThreatExchange/blob/main/pdq/README.md recommends 31 of 256.
"""

LEAST_QUALITY = 50
"""PDQ quality (0 to 100) below which a hash tells too little to compare pictures of a whole server by it.

The same page: hashes of quality 49 and lower are to be left out.
"""

KEPT = 50_000
"""The newest files that are looked through: a server makes a thumbnail within minutes of the picture."""


class Likeness:
    """Compares by PDQ. Thread-safe. Reads each scan once."""

    def __init__(self, library: Library) -> None:
        """Nothing is read before the first question."""
        self._library = library
        self._lock = threading.Lock()
        self._prints: OrderedDict[int, int] = OrderedDict()  # by file, the newest last
        self._read_up_to = 0  # id of a scan

    def near(self, file_id: int) -> list[int]:
        """Files that look like this one, the nearest first."""
        file = self._library.file(file_id)
        if file is None or not isinstance(file.scan, Evidence) or file.scan.pdq is None:
            return []
        if (file.scan.pdq_quality or 0) < LEAST_QUALITY:
            return []
        own = int(file.scan.pdq, 16)
        with self._lock:
            self._catch_up()
            distances = [
                ((own ^ other).bit_count(), known) for known, other in self._prints.items() if known != file.id
            ]
        return [known for distance, known in sorted(distances) if distance <= LOOKS_ALIKE]

    def _catch_up(self) -> None:
        for scan_id, file_id, pdq in reversed(self._library.prints(after=self._read_up_to, limit=KEPT)):
            self._read_up_to = max(self._read_up_to, scan_id)
            self._prints[file_id] = int(pdq, 16)
            self._prints.move_to_end(file_id)
        while len(self._prints) > KEPT:
            self._prints.popitem(last=False)
