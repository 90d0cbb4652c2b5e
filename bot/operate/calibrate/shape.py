"""What is measured, as data: for the file, the page and the screen alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.classify.calibration import Preset
    from bot.classify.false_alarms import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a rule asks of a detector: a label, and a threshold or a preset. Without a detector it asks for no score."""

    rule: str
    detector: str | None = None
    label: str = ""
    at_least: float | None = None
    preset: Preset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupShare:
    """What is flagged of one group. ``by_chance``: how often such a difference to the others would be mere chance."""

    group: str
    share: Share | None  # None: no picture of it could be measured
    by_chance: float
    differs: bool  # by more than chance, with regard to how many comparisons there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One threshold on one label, and what it flags of the harmless pictures."""

    name: str  # of the preset or the rule
    label: str
    at_least: float | None
    share: Share | None = None
    lacks: str = ""  # why there is no threshold or no share, in words
    groups: Sequence[GroupShare] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of a detector. ``highest``: the pictures that are nearest to a false alarm, by their names."""

    id: str
    values: Sequence[float]  # in descending order, one for each picture
    presets: Mapping[Preset, Line]
    highest: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One revision of one detector."""

    detector: str
    revision: str
    pictures: int
    not_scored: Mapping[str, int]  # why the detector gave no answer, and for how many pictures
    labels: Sequence[Label]
    rules: Sequence[Line]
    note: str = ""  # what the numbers do not know of its configuration

    @property
    def lines(self) -> Sequence[Line]:
        """Every threshold."""
        return [*(line for label in self.labels for line in label.presets.values()), *self.rules]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was measured in one run. All detectors have seen the same pictures."""

    folder: str
    made: datetime
    prevalence: float  # of files in 100,000
    pictures: int
    twins: int  # files with the bytes of another one: not counted again
    unread: Sequence[tuple[str, str, str]]  # file, kind and detail. Neither clean nor flagged
    by: str | None
    groups: Sequence[str]
    detectors: Sequence[Measured]
    passed_over: Sequence[Line]  # rules that nothing was measured for
