"""How fast a detector is on this machine, in each way it can be run, and how far the ways are apart."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bot.ports import Detector

LEAST_ROUNDS = 3


class Way(Protocol):
    """A detector that can be opened."""

    @property
    def keys(self) -> Mapping[str, Any]:
        """What the configuration would have to say for it."""
        ...

    def open(self) -> Detector:
        """The detector. Raises ``ConfigError``."""
        ...


class Measured(NamedTuple):
    """``speed``: pictures in a second, median of the rounds.

    ``apart``: the largest difference, to the first way, of the cosine between any two of the pictures; ``None`` where
    the first way gave nothing to compare with.
    """

    keys: Mapping[str, Any]
    batch: int
    speed: float
    apart: float | None


class Failed(NamedTuple):
    """A way that cannot be opened or run on this machine, or not further than was measured, and why."""

    keys: Mapping[str, Any]
    reason: str


def measure(ways: Sequence[Way], batches: Sequence[int], *, seconds: float) -> Iterator[Measured | Failed]:
    """Each way with each size of batch, for about ``seconds`` and three rounds at least; the first way is exact.

    The pictures are soft noise: what they show does not change how long it takes.
    """
    exact: np.ndarray[Any, Any] | None = None
    for number, way in enumerate(ways):
        try:
            detector = way.open()
            pictures = _pictures(detector, max(batches))
            rows = _checked(detector.infer(pictures))
            exact = rows if number == 0 else exact
            apart = None if exact is None else float(np.abs(rows @ rows.T - exact @ exact.T).max())
            for batch in batches:
                some = [view[:batch] for view in pictures]
                detector.infer(some)
                yield Measured(keys=way.keys, batch=batch, speed=batch / _round(detector, some, seconds), apart=apart)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises; the other ways may run
            yield Failed(keys=way.keys, reason=(str(error).splitlines() or [type(error).__name__])[0])


def recommended(measured: Sequence[Measured], *, margin: float) -> Measured | None:
    """The fastest whose similarities stay within ``margin``; of those that are nearly as fast, the smallest batch.

    ``None`` where none is known to.
    """
    good = [one for one in measured if one.apart is not None and one.apart <= margin]
    if not good:
        return None
    fastest = max(one.speed for one in good)
    return min((one for one in good if one.speed >= 0.95 * fastest), key=lambda one: (one.batch, -one.speed))


def _checked(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not np.isfinite(rows).all():
        raise ConfigError("gives numbers that are none (NaN or infinite)")
    return rows


def _round(detector: Detector, pictures: Sequence[np.ndarray[Any, Any]], seconds: float) -> float:
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while len(taken) < LEAST_ROUNDS or time.perf_counter() < until:
        began = time.perf_counter()
        detector.infer(pictures)
        taken.append(time.perf_counter() - began)
    return median(taken)


def _pictures(detector: Detector, count: int) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(1)
    made = []
    for view in detector.views:
        cells = random.integers(0, 256, (count, 8, 8, 3)).astype(view.dtype)
        size = -(-view.crop // 8)
        full = cells.repeat(size, axis=1).repeat(size, axis=2)[:, : view.crop, : view.crop]
        made.append(np.ascontiguousarray(full))
    return made
