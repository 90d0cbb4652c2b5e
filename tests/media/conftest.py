from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from bot.media.decode import ProcessDecoder

from .servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.evidence import Unscannable
    from bot.ports import Decoded, ViewSpec


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


class Workers:
    """A decoder with its event loop in a thread, so that many tests share its processes."""

    def __init__(self, decoder: ProcessDecoder) -> None:
        self.decoder = decoder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._do(decoder.start())

    def decode(self, data: bytes, views: Sequence[ViewSpec] = ()) -> Decoded | Unscannable:
        """One file."""
        return self._do(self.decoder.decode(data, views))

    def close(self) -> None:
        """End processes and thread."""
        self._do(self.decoder.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    workers = Workers(ProcessDecoder(workers=1))
    yield workers
    workers.close()
