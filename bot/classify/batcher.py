"""All detectors together: files that wait at the same time share batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from bot.classify.device import Device, ItemFailedError, UnavailableError
from bot.domain.evidence import Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.ports import Decoded, Detector, ViewSpec

PATIENCE: Final = 120.0
"""Seconds that one batch may take before its device counts as hanging."""

_TOLERANCE: Final = 1e-3  # what rounding may add beyond 0 and 1
_log = structlog.get_logger(__name__)


class BatchScorer:
    """``Scorer``: one device thread for each detector.

    ``max_batch``: pictures (frames count singly) in one inference; ``max_wait``: seconds that the first of them waits
    for company; ``patience``: seconds until a batch without an answer is given up. A file never waits for ever, and
    never fails for the sake of another: what could not be scored is a gap, ``"<id>: failed"`` where the file is to
    blame and ``"<id>: unavailable"`` where the detector is.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        max_batch: int = 16,
        max_wait: float = 0.02,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._patience = patience
        self._devices = [
            Device(detector, max_batch=max_batch, max_wait=max_wait, patience=patience) for detector in detectors
        ]
        self._revisions = {detector.id: detector.revision for detector in detectors}
        self._views = tuple(dict.fromkeys(view for detector in detectors for view in detector.views))

    @property
    def revisions(self) -> Mapping[str, str]:
        """See ``Scorer``."""
        return self._revisions

    @property
    def views(self) -> Sequence[ViewSpec]:
        """See ``Scorer``."""
        return self._views

    async def score(self, decoded: Decoded) -> tuple[Sequence[Score], Sequence[str]]:
        """See ``Scorer``."""
        scores: list[Score] = []
        gaps: list[str] = []
        answers = await asyncio.gather(*(self._ask(device, decoded) for device in self._devices))
        for answer in answers:
            if isinstance(answer, str):
                gaps.append(answer)
            else:
                scores += answer
        return scores, gaps

    async def aclose(self) -> None:
        """Stop the device threads; files that still wait get gaps."""
        await asyncio.gather(*(asyncio.to_thread(device.close) for device in self._devices))

    async def _ask(self, device: Device, decoded: Decoded) -> list[Score] | str:
        detector = device.detector
        try:
            views = [decoded.views[view] for view in detector.views]
        except KeyError:
            return f"{detector.id}: failed"
        if not views or any(len(rows) == 0 for rows in views):
            return f"{detector.id}: failed"
        waiting = asyncio.wrap_future(device.submit(views))
        try:
            while not waiting.done():
                # How long the queue is does not matter, only whether it moves.
                await asyncio.wait({waiting}, timeout=self._patience / 4)
                device.give_up_if_stuck()
            best = _highest(detector.finish(waiting.result()))
        except UnavailableError as error:
            _log.warning("not scored", detector=detector.id, reason=str(error))
            return f"{detector.id}: unavailable"
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - a detector is foreign code; its faults are gaps of this file
            reason = str(error) if isinstance(error, ItemFailedError) else f"{type(error).__name__}: {error}"
            _log.warning("not scored", detector=detector.id, reason=reason)
            return f"{detector.id}: failed"
        revision = self._revisions[detector.id]
        return [
            Score(detector=detector.id, revision=revision, label=label, value=value) for label, value in best.items()
        ]


def _highest(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """For each label the highest over all rows. Raises ``ValueError`` for what is no score."""
    best: dict[str, float] = {}
    for row in rows:
        for label, value in row.items():
            if not -_TOLERANCE <= value <= 1 + _TOLERANCE:
                raise ValueError(f"{label} is {value}, not between 0 and 1")
            best[label] = max(best.get(label, 0.0), min(value, 1.0))
    return best
