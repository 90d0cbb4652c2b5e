"""The system's time, which may be set back while the bot runs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SystemClock:
    """``Clock`` by the operating system. Within one process it stands still rather than run backwards."""

    def __init__(self) -> None:
        """Starts at the present moment."""
        self._latest = datetime.now(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        with self._lock:
            self._latest = max(self._latest, datetime.now(UTC))
            return self._latest
