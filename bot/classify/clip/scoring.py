"""From one embedding of a picture to the values of all labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.classify.clip.labels import Combination, Label, LabelFile, Term

Rows = np.ndarray[Any, Any]

_LEAST_ODDS: Final = 1e-9  # keeps a threshold of 0 or 1 from being infinitely far away


class Question(Protocol):
    """One label: values for embeddings, and how near to a threshold an embedding is."""

    @property
    def label(self) -> str:
        """Its id."""
        ...

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest value that any embedding can have."""
        ...

    def values(self, rows: Rows) -> Rows:
        """``(n, dim) float32`` of length 1 to ``(n,)``, each from -1 to 1."""
        ...

    def near(self, rows: Rows, threshold: float, margin: float) -> Rows:
        """``(n,) bool``: whether it might be on the other side if each cosine were off by ``margin``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The logistic function of: nearest prompt less nearest counter-prompt, times the model's own scale."""

    label: str
    prompts: Rows
    counter: Rows
    scale: float

    @property
    def reach(self) -> tuple[float, float]:
        """See ``Question``."""
        return 0.0, 1.0

    def values(self, rows: Rows) -> Rows:
        """See ``Question``: from 0 to 1."""
        return _logistic(self.scale * self._lead(rows))

    def near(self, rows: Rows, threshold: float, margin: float) -> Rows:
        """See ``Question``. Both cosines of a lead may be off, in opposite directions."""
        return np.asarray(np.abs(self._lead(rows) - _odds(threshold) / self.scale) <= 2 * margin)

    def _lead(self, rows: Rows) -> Rows:
        exact = rows.astype(np.float64)
        return np.asarray((exact @ self.prompts.T).max(axis=1) - (exact @ self.counter.T).max(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The cosine to the nearest of some embeddings: of prompts, or of the operator's samples."""

    label: str
    targets: Rows

    @property
    def reach(self) -> tuple[float, float]:
        """See ``Question``."""
        return -1.0, 1.0

    def values(self, rows: Rows) -> Rows:
        """See ``Question``."""
        return np.asarray((rows.astype(np.float64) @ self.targets.T).max(axis=1))

    def near(self, rows: Rows, threshold: float, margin: float) -> Rows:
        """See ``Question``."""
        return np.asarray(np.abs(self.values(rows) - threshold) <= margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A linear classifier that somebody trained on embeddings of the same weights."""

    label: str
    weight: Rows  # (dim,)
    bias: float

    def values(self, rows: Rows) -> Rows:
        """See ``Question``: from 0 to 1."""
        return _logistic(self._raw(rows))

    @property
    def reach(self) -> tuple[float, float]:
        """See ``Question``: embeddings are of length 1."""
        length = float(np.linalg.norm(self.weight))
        lowest, highest = _logistic(np.array([self.bias - length, self.bias + length]))
        return float(lowest), float(highest)

    def near(self, rows: Rows, threshold: float, margin: float) -> Rows:
        """See ``Question``."""
        reach = margin * float(np.linalg.norm(self.weight))
        return np.asarray(np.abs(self._raw(rows) - _odds(threshold)) <= reach)

    def _raw(self, rows: Rows) -> Rows:
        return np.asarray(rows.astype(np.float64) @ self.weight + self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One term of a combination, and the range of its values."""

    label: str
    at_least: float
    lowest: float  # 0 or -1
    denied: bool

    def scaled(self, values: Rows) -> Rows:
        """0 to 1, with 0.5 at the threshold; the other way round where the label must not hold."""
        below = 0.5 * (values - self.lowest) / (self.at_least - self.lowest)
        above = 0.5 + 0.5 * (values - self.at_least) / (1 - self.at_least)
        made = np.clip(np.where(values < self.at_least, below, above), 0, 1)
        if not self.denied:
            return made
        # A label that is exactly at its threshold holds, and what it denies does not.
        return np.where(values >= self.at_least, np.minimum(1 - made, np.nextafter(0.5, 0)), 1 - made)

    def unscaled(self, threshold: float) -> float:
        """The value of the label at which the combination's would be ``threshold``."""
        wanted = 1 - threshold if self.denied else threshold
        if wanted < 0.5:
            return self.lowest + 2 * wanted * (self.at_least - self.lowest)
        return self.at_least + (2 * wanted - 1) * (1 - self.at_least)


@dataclass(slots=True)
class Scoring:
    """All questions of one detector.

    ``combinations``: by their labels, groups that all have to hold; one part of each is enough.
    """

    questions: Sequence[Question]
    combinations: Mapping[str, Sequence[Sequence[Part]]] = field(default_factory=dict)
    watched: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """In the order of their values."""
        return [question.label for question in self.questions] + list(self.combinations)

    def values(self, rows: Rows) -> Sequence[Mapping[str, float]]:
        """For each embedding a value from 0 to 1 for every label; a cosine below 0 counts as 0.

        What is no number stays none, so that it is refused instead of being taken for harmless.
        """
        raw = {question.label: question.values(rows) for question in self.questions}
        for label, groups in self.combinations.items():
            raw[label] = np.min(
                [np.max([part.scaled(raw[part.label]) for part in group], axis=0) for group in groups], axis=0
            )
        return [
            {label: float(np.maximum(0.0, values[row])) for label, values in raw.items()} for row in range(len(rows))
        ]

    def watch(self, thresholds: Mapping[str, Sequence[float]]) -> None:
        """From which values on rules fire. A combination's threshold is one of each of its labels."""
        made: dict[str, set[float]] = {}
        for label, wanted in thresholds.items():
            for threshold in wanted:
                if label not in self.combinations:
                    made.setdefault(label, set()).add(threshold)
                for part in chain.from_iterable(self.combinations.get(label, ())):
                    made.setdefault(part.label, set()).add(part.unscaled(threshold))
        self.watched = {label: sorted(values) for label, values in made.items()}

    def near(self, rows: Rows, margin: float) -> Rows:
        """``(n,) bool``: which embeddings are within ``margin`` of a threshold that is watched."""
        close = np.zeros(len(rows), dtype=bool)
        for question in self.questions:
            for threshold in self.watched.get(question.label, ()):
                close |= question.near(rows, threshold, margin)
        return close


def questions_of(files: Sequence[LabelFile], embedded: Mapping[str, Rows], scale: float) -> list[Question]:
    """The labels of files. ``embedded``: prompt to its embedding, ``scale``: the model's own factor for cosines."""
    return [_question(label, embedded, scale) for file in files for label in file.labels]


def combinations_of(files: Sequence[LabelFile]) -> dict[str, Sequence[Sequence[Part]]]:
    """The combinations of files, by their ids."""
    measures = {label.id: label.measure for file in files for label in file.labels}
    return {one.id: _parts(one, measures) for file in files for one in file.combinations}


def _question(label: Label, embedded: Mapping[str, Rows], scale: float) -> Question:
    prompts = np.stack([embedded[prompt] for prompt in label.prompts])
    if label.measure == "cosine":
        return Likeness(label=label.id, targets=prompts)
    counter = np.stack([embedded[prompt] for prompt in label.counter])
    return Contrast(label=label.id, prompts=prompts, counter=counter, scale=scale)


def _parts(combination: Combination, measures: Mapping[str, str]) -> list[list[Part]]:
    def part(term: Term, *, denied: bool) -> Part:
        # A label that is not of a file is a head (0 to 1) or a likeness (-1 to 1): the wider range fits both.
        lowest = 0.0 if measures.get(term.label) == "contrast" else -1.0
        return Part(label=term.label, at_least=term.at_least, lowest=lowest, denied=denied)

    return [
        *([part(term, denied=False) for term in group] for group in combination.groups),
        *([part(term, denied=True)] for term in combination.unless),
    ]


def _logistic(values: Rows) -> Rows:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -700, 700))))


def _odds(threshold: float) -> float:
    bounded = min(max(threshold, _LEAST_ODDS), 1 - _LEAST_ODDS)
    return float(np.log(bounded / (1 - bounded)))
