"""One detector, its device thread, and what happens when either fails."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np
import structlog

from bot.domain.errors import FediwardenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Detector

_FIRST_PAUSE: Final = 1.0  # seconds that a dead detector is left alone; doubles with each vain try
_LONGEST_PAUSE: Final = 60.0
_ABANDONED_AT_MOST: Final = 3
"""Threads given up because the device did not answer. Each keeps its memory until it does, so there is no fourth."""

PATIENT_ROWS: Final = 16
"""Rows for which ``patience`` is meant: a larger inference may take longer in proportion."""

_log = structlog.get_logger(__name__)


class ItemFailedError(Exception):
    """The detector works, but not on this item."""


class UnavailableError(FediwardenError):
    """The detector does not work at present; the item was not looked at."""


@runtime_checkable
class Restartable(Protocol):
    """A detector that can begin anew after its device failed."""

    def restart(self) -> None:
        """Make a new session. Raises whatever prevents it."""
        ...


class _Item:
    def __init__(self, views: Sequence[np.ndarray[Any, Any]]) -> None:
        self.views = views
        self.rows = len(views[0])
        self.answer: Future[np.ndarray[Any, Any]] = Future()

    def resolve(self, answer: np.ndarray[Any, Any] | Exception) -> None:
        # The caller may have gone, or a thread that was given up may answer after all.
        with contextlib.suppress(InvalidStateError):
            if isinstance(answer, Exception):
                self.answer.set_exception(answer)
            else:
                self.answer.set_result(answer)


class Device:
    """Feeds a detector from one thread, in batches of what waits at the same time.

    A batch takes ``max_batch`` rows, or what came within ``max_wait`` seconds of its first item. A batch that fails is
    tried again item by item. Whether an item or the detector is to blame for a failure is found out with a blank
    picture: if that passes, the item failed; if not, the detector is restarted, and left alone for a while if that
    does not help. An inference of up to 16 rows that takes longer than ``patience`` seconds, or a larger one in
    proportion, is given up together with its thread: a slow device that moves does not hang.
    """

    def __init__(self, detector: Detector, *, max_batch: int, max_wait: float, patience: float) -> None:
        self.detector = detector
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._running: list[_Item] = []
        self._busy_since: float | None = None
        self._allowed = patience
        self._pause = _FIRST_PAUSE
        self._down_until = 0.0
        self._abandoned = 0
        self._closed = False
        self._thread: threading.Thread | None = self._start()

    def submit(self, views: Sequence[np.ndarray[Any, Any]]) -> Future[np.ndarray[Any, Any]]:
        """Wait for ``(rows, labels) float32``, ``ItemFailedError`` or ``UnavailableError``.

        ``views``: one array ``(rows, crop, crop, 3)`` for each view of the detector, at least one row.
        """
        item = _Item(views)
        with self._lock:
            if self._closed or self._thread is None:
                item.resolve(UnavailableError("closed" if self._closed else "the device hangs again and again"))
            else:
                if not self._thread.is_alive():
                    self._thread = self._start()
                self._waiting.put(item)
        return item.answer

    def give_up_if_stuck(self) -> None:
        """Called by those who wait: a thread that hangs is left behind, and another takes the rest of the queue."""
        with self._lock:
            if self._busy_since is None or time.monotonic() - self._busy_since < self._allowed:
                return
            _log.error("detector hangs, its thread is given up", detector=self.detector.id, items=len(self._running))
            for item in self._running:
                item.resolve(UnavailableError("no answer from the device"))
            self._busy_since = None
            self._running = []
            self._abandoned += 1
            if self._abandoned > _ABANDONED_AT_MOST:
                self._thread = None  # until one of them comes back
                self._drain()
                return
            self._down_until = time.monotonic()  # the new thread begins with a restart
            self._thread = self._start()

    def close(self) -> None:
        """Stop after the running batch; what waits is unavailable. Waits for the thread, but not for ever."""
        with self._lock:
            self._closed = True
            self._drain()
            self._waiting.put(None)
            thread = self._thread
        if thread is not None:
            thread.join(timeout=min(self._patience, 10.0))

    def _start(self) -> threading.Thread:
        # A daemon, so that a device that hangs cannot keep the process from ending.
        thread = threading.Thread(target=self._run, name=f"detector-{self.detector.id}", daemon=True)
        thread.start()
        return thread

    def _drain(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._waiting.get_nowait()
                if item is not None:
                    item.resolve(UnavailableError("closed"))

    def _run(self) -> None:
        mine = threading.current_thread
        while True:
            items = self._collect()
            if items is None:
                return
            with self._lock:
                self._running = items
            self._moves(items[0].rows)
            self._process(items)
            with self._lock:
                if self._thread is not mine():  # given up meanwhile, and yet it holds nothing any more
                    self._abandoned -= 1
                    if self._thread is not None or self._closed:
                        return
                    self._thread, self._down_until = mine(), time.monotonic()
                self._running = []
                self._busy_since = None

    def _moves(self, rows: int) -> None:
        """An inference of so many rows begins now, or a restart; unless this thread was given up."""
        with self._lock:
            if self._thread is threading.current_thread():
                self._busy_since = time.monotonic()
                self._allowed = self._patience * max(1.0, rows / PATIENT_ROWS)

    def _collect(self) -> list[_Item] | None:
        """At least one item; ``None``: leave."""
        first = self._waiting.get()
        if first is None:
            return None
        items, rows = [first], first.rows
        until = time.monotonic() + self._max_wait
        while rows < self._max_batch:
            try:
                item = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if item is None:
                self._waiting.put(None)  # for the next round
                break
            items.append(item)
            rows += item.rows
        return items

    def _process(self, items: list[_Item]) -> None:
        if self._down_until and not self._revived():
            for item in items:
                item.resolve(UnavailableError("the detector does not work"))
            return
        try:
            raw = self._infer([np.concatenate(views) for views in zip(*(item.views for item in items), strict=True)])
        except BaseException as error:  # noqa: BLE001 - one by one it will show whose fault it is
            _log.warning(
                "batch failed, trying one by one", detector=self.detector.id, items=len(items), reason=str(error)
            )
            for item in items:
                item.resolve(self._alone(item))
            return
        at = 0
        for item in items:
            item.resolve(raw[at : at + item.rows])
            at += item.rows

    def _infer(self, views: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """In steps of ``max_batch``. Raises ``ValueError`` for an answer that is no answer."""
        total = len(views[0])
        made = []
        for at in range(0, total, self._max_batch):
            step = [view[at : at + self._max_batch] for view in views]
            self._moves(len(step[0]))
            made.append(self.detector.infer(step))
        raw = np.concatenate(made)
        if len(raw) != total or not np.isfinite(raw).all():
            raise ValueError("the answer has other rows, or numbers that are none")
        return raw

    def _alone(self, item: _Item) -> np.ndarray[Any, Any] | Exception:
        if self._down_until:
            return UnavailableError("the detector does not work")
        for _ in range(2):
            try:
                return self._infer(item.views)
            except BaseException as error:  # noqa: BLE001 - whatever it was, the blank picture decides
                reason = f"{type(error).__name__}: {error}"
            if self._works():
                return self._row_by_row(item, reason)
            self._down_until = time.monotonic()
            if not self._revived():
                return UnavailableError(reason)
        return ItemFailedError(reason)  # a new detector fell ill of it too

    def _row_by_row(self, item: _Item, reason: str) -> np.ndarray[Any, Any] | Exception:
        """All frames of a film at once may be more than the device has memory for."""
        if item.rows > 1:
            with contextlib.suppress(BaseException):
                rows = [[view[at : at + 1] for view in item.views] for at in range(item.rows)]
                return np.concatenate([self._infer(row) for row in rows])
        return ItemFailedError(reason)

    def _works(self) -> bool:
        blank = [np.zeros((1, view.crop, view.crop, 3), dtype=view.dtype) for view in self.detector.views]
        try:
            self._infer(blank)
        except BaseException as error:  # noqa: BLE001 - any failure at all means that it does not work
            _log.error("detector fails on a blank picture", detector=self.detector.id, reason=str(error))
            return False
        return True

    def _revived(self) -> bool:
        """Restart, unless that was tried in vain a moment ago. Whether the detector works now."""
        if time.monotonic() < self._down_until:
            return False
        try:
            if isinstance(self.detector, Restartable):
                self._moves(1)
                self.detector.restart()
        except BaseException as error:  # noqa: BLE001 - without a restart it is simply still down
            _log.error("detector cannot be restarted", detector=self.detector.id, reason=str(error))
        else:
            if self._works():
                _log.info("detector works again", detector=self.detector.id)
                self._pause, self._down_until = _FIRST_PAUSE, 0.0
                return True
        self._down_until = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return False
