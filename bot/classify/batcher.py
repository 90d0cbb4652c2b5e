"""All detectors together: files that wait at the same time share batches."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np
import structlog

from bot.classify.device import Device, ItemFailedError, UnavailableError
from bot.domain.errors import ConfigError
from bot.domain.evidence import Score, failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bot.ports import Decoded, Detector, ViewSpec

PATIENCE: Final = 120.0
"""Seconds that 16 pictures may take before their device counts as hanging; a larger inference has more, in proportion.
"""

REMEMBERED: Final = 1000
"""Files of which each detector remembers what it made: no picture is among that."""

LARGEST: Final = 16_384
"""Bytes of it that are remembered of one file at most: of a picture always, of a film with many frames not."""

SOON: Final = 1024 * 1024
"""Bytes whose digest (0.6 ms) costs no more than to have a thread make it. A picture has fewer, a film more."""

_TOLERANCE: Final = 1e-3  # what rounding may add beyond 0 and 1
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """A detector looks only at files to whose ``label`` another one, ``detector``, gave ``at_least``."""

    detector: str
    label: str
    at_least: float


@runtime_checkable
class Sized(Protocol):
    """A detector that says how many pictures it takes at once."""

    @property
    def batch(self) -> int:
        """Pictures in one inference, at most."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A detector that looks more closely at what is near a threshold."""

    def watch(self, thresholds: Mapping[str, Sequence[float]]) -> None:
        """Label to the values from which on rules fire."""
        ...


@runtime_checkable
class Labelled(Protocol):
    """A detector that says which labels it has."""

    @property
    def labels(self) -> Sequence[str]:
        """What it gives a value for."""
        ...


def check_label(detector: Detector, label: str, where: str) -> None:
    """Raises ``ConfigError``, which begins with ``where``, for a label that the detector does not have."""
    if isinstance(detector, Labelled) and label not in detector.labels:
        known = ", ".join(detector.labels)
        raise ConfigError(f"{where}: the detector {detector.id!r} has no label {label!r}; it has {known}")


class BatchScorer:
    """``Scorer``: one device thread for each detector.

    ``max_batch``: pictures (frames count singly) in one inference, unless a detector says; ``max_wait``: seconds that
    the first of them waits for company; ``patience``: seconds until an inference of 16 pictures without an answer is
    given up, and more in proportion for more. A file never waits for ever, and never fails for the sake of another:
    what could not be scored is a gap, ``"<id>: failed, revision <revision>"`` where the file is to blame and
    ``"<id>: unavailable"`` where the detector is.

    ``after``: detectors that look only at what another one found worth it; that one looks at everything. Where it could
    not answer, they look too. What a detector has just seen, to the last bit of its views, it does not look at again:
    it remembers ``remember`` files.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        max_batch: int = 16,
        max_wait: float = 0.02,
        *,
        patience: float = PATIENCE,
        after: Mapping[str, After] | None = None,
        remember: int = REMEMBERED,
    ) -> None:
        self._patience = patience
        self._after = dict(after or {})
        self._devices = [
            Device(
                detector,
                max_batch=detector.batch if isinstance(detector, Sized) else max_batch,
                max_wait=max_wait,
                patience=patience,
            )
            for detector in detectors
        ]
        self._remember = remember
        self._seen = {detector.id: _Seen(remember) for detector in detectors}
        self._revisions = {detector.id: detector.revision for detector in detectors}
        self._views = tuple(dict.fromkeys(view for detector in detectors for view in detector.views))

    @property
    def revisions(self) -> Mapping[str, str]:
        """See ``Scorer``."""
        return self._revisions

    @property
    def passed_over(self) -> Mapping[str, str]:
        """See ``Scorer``."""
        return {
            id_: f"{id_}: not needed, {after.detector}/{after.label} is below {after.at_least:g}"
            for id_, after in self._after.items()
        }

    @property
    def views(self) -> Sequence[ViewSpec]:
        """See ``Scorer``."""
        return self._views

    def check(self, thresholds: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Raises ``ConfigError`` for what ``watch`` would refuse."""
        for device in self._devices:
            for label in thresholds.get(device.detector.id, ()):
                check_label(device.detector, label, "rules")

    def watch(self, thresholds: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """For each detector, by its id: label to the values from which on rules fire.

        Raises ``ConfigError`` for a label that one does not have: a rule on it would never fire. Then nothing changes.
        """
        self.check(thresholds)
        for device in self._devices:
            if isinstance(device.detector, Watching):
                device.detector.watch(self._watched(device.detector.id, thresholds.get(device.detector.id, {})))
                # Another one: what is under way was looked at with the thresholds of before.
                self._seen[device.detector.id] = _Seen(self._remember)

    def _watched(self, detector: str, rules: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        """What decides whether another detector has to look is a threshold as those of rules are."""
        wanted = {label: list(values) for label, values in rules.items()}
        for after in self._after.values():
            if after.detector == detector:
                wanted.setdefault(after.label, []).append(after.at_least)
        return wanted

    async def score(self, decoded: Decoded) -> tuple[Sequence[Score], Sequence[str]]:
        """See ``Scorer``."""
        first = [device for device in self._devices if device.detector.id not in self._after]
        answers = await self._all(first, decoded)
        needed, gaps = [], []
        for device in self._devices:
            after = self._after.get(device.detector.id)
            if after is None:
                continue
            if _passes(answers.get(after.detector), after):
                gaps.append(self.passed_over[device.detector.id])
            else:
                needed.append(device)
        answers |= await self._all(needed, decoded)
        scores = [score for answer in answers.values() if not isinstance(answer, str) for score in answer]
        return scores, [*(answer for answer in answers.values() if isinstance(answer, str)), *gaps]

    async def aclose(self) -> None:
        """Stop the device threads; files that still wait get gaps."""
        await asyncio.gather(*(asyncio.to_thread(device.close) for device in self._devices))

    async def _all(self, devices: Sequence[Device], decoded: Decoded) -> dict[str, list[Score] | str]:
        """By detector: scores, or a gap."""
        answers = await asyncio.gather(*(self._ask(device, decoded) for device in devices))
        return {device.detector.id: answer for device, answer in zip(devices, answers, strict=True)}

    async def _ask(self, device: Device, decoded: Decoded) -> list[Score] | str:
        detector = device.detector
        try:
            views = [decoded.views[view] for view in detector.views]
        except KeyError:
            return failed(detector.id, self._revisions[detector.id])
        if not views or any(len(rows) == 0 for rows in views):
            return failed(detector.id, self._revisions[detector.id])
        seen = self._seen[detector.id]
        many = sum(rows.nbytes for rows in views) > SOON
        looked = await asyncio.to_thread(_digest, views) if many else _digest(views)
        known = seen.get(looked)
        waiting = _answered(known) if known is not None else asyncio.wrap_future(device.submit(views))
        try:
            while not waiting.done():
                # How long the queue is does not matter, only whether it moves.
                await asyncio.wait({waiting}, timeout=self._patience / 4)
                device.give_up_if_stuck()
            rows = detector.finish(waiting.result())
            best = _highest(rows)
        except UnavailableError as error:
            _log.warning("not scored", detector=detector.id, reason=str(error))
            return f"{detector.id}: unavailable"
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - a detector is foreign code; its faults are gaps of this file
            reason = str(error) if isinstance(error, ItemFailedError) else f"{type(error).__name__}: {error}"
            _log.warning("not scored", detector=detector.id, reason=reason)
            return failed(detector.id, self._revisions[detector.id])
        seen.keep(looked, waiting.result())
        revision = self._revisions[detector.id]
        frames, alone = _by_frame(rows, decoded)
        return [
            Score(
                detector=detector.id,
                revision=revision,
                label=label,
                value=value,
                frames=tuple(frame.get(label, 0.0) for frame in frames),
                alone=alone.get(label, 0.0),
            )
            for label, value in best.items()
        ]


class _Seen:
    """What a detector made of the last pictures: in a flood the same one comes again and again, in other bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[bytes, NDArray[Any]] = {}

    def get(self, looked: bytes) -> NDArray[Any] | None:
        return self._made.get(looked)

    def keep(self, looked: bytes, made: NDArray[Any]) -> None:
        if made.nbytes > LARGEST:
            return
        self._made.pop(looked, None)
        self._made[looked] = made.copy()  # of a batch that would be kept with it
        while len(self._made) > self._most:
            del self._made[next(iter(self._made))]


def _digest(views: Sequence[NDArray[Any]]) -> bytes:
    """Of all that a detector gets to see of a file."""
    digest = hashlib.sha256()  # which processors have instructions for
    for view in views:
        digest.update(f"{view.shape} {view.dtype}".encode())
        digest.update(np.ascontiguousarray(view).data)
    return digest.digest()


def _answered(made: NDArray[Any]) -> asyncio.Future[NDArray[Any]]:
    future: asyncio.Future[NDArray[Any]] = asyncio.get_running_loop().create_future()
    future.set_result(made)
    return future


def _passes(answer: list[Score] | str | None, after: After) -> bool:
    """Whether the first detector answered, and found nothing that a second one should look at."""
    if answer is None or isinstance(answer, str):
        return False
    found = [score.value for score in answer if score.label == after.label]
    return bool(found) and max(found) < after.at_least


def _by_frame(
    rows: Sequence[Mapping[str, float]], decoded: Decoded
) -> tuple[Sequence[Mapping[str, float]], Mapping[str, float]]:
    """Of what moves the highest of each frame, however often it was looked at, and of those that stand for themselves.

    Nothing of a picture: what it shows on another background is no second opinion.
    """
    if not decoded.moving or len(decoded.looks) != len(rows):
        return (), {}
    frames: dict[int, list[Mapping[str, float]]] = {}
    for row, look in zip(rows, decoded.looks, strict=True):
        frames.setdefault(look.frame, []).append(row)
    alone = [row for row, look in zip(rows, decoded.looks, strict=True) if look.alone]
    return [_highest(those) for those in frames.values()], _highest(alone)


def _highest(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """For each label the highest over all rows. Raises ``ValueError`` for what is no score."""
    best: dict[str, float] = {}
    for row in rows:
        for label, value in row.items():
            if not -_TOLERANCE <= value <= 1 + _TOLERANCE:
                raise ValueError(f"{label} is {value}, not between 0 and 1")
            best[label] = max(best.get(label, 0.0), min(value, 1.0))
    return best
