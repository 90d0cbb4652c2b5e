"""From the values of harmless pictures to rates, thresholds and differences between groups. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.classify.calibration import RATES
from bot.classify.false_alarms import allowed, by_chance, pictures_needed, share, threshold
from bot.domain.errors import ConfigError
from bot.operate.calibrate.shape import GroupShare, Label, Line, Measured, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.classify.calibration import Preset
    from bot.operate.calibrate.looking import Picture, Seen
    from bot.operate.calibrate.shape import Asked

HIGHEST: Final = 5  # pictures that are named
BY_CHANCE: Final = 0.05  # over all comparisons of one detector together (Bonferroni)


def report(
    seen: Seen,
    *,
    folder: str,
    made: datetime,
    by: str | None,
    prevalence: float,
    revisions: Mapping[str, str],
    rules: Sequence[Asked],
    notes: Mapping[str, str],
) -> Report:
    """``prevalence``: in 100,000 files; ``revisions``: of every detector that was asked, by id; ``notes``: on some.

    Raises ``ConfigError`` where a detector has answered for no picture at all.
    """
    return Report(
        folder=folder,
        made=made,
        prevalence=prevalence,
        pictures=len(seen.pictures),
        twins=seen.twins,
        unread=seen.unread,
        by=by,
        groups=seen.groups,
        detectors=[
            _measured(id_, revision, seen, [rule for rule in rules if rule.detector == id_], notes.get(id_, ""))
            for id_, revision in revisions.items()
        ],
        passed_over=[_not_asked(rule) for rule in rules if rule.detector not in revisions],
    )


def _not_asked(rule: Asked) -> Line:
    why = "it has no score" if rule.detector is None else f"{rule.detector} was not asked this time"
    return Line(name=rule.rule, label=rule.label, at_least=rule.at_least, lacks=why)


def _measured(id_: str, revision: str, seen: Seen, rules: Sequence[Asked], note: str) -> Measured:
    scored = [picture for picture in seen.pictures if id_ in picture.values]
    missing = [picture for picture in seen.pictures if id_ not in picture.values]
    if not scored:
        raise ConfigError(
            f"{id_}: none of {len(seen.pictures) + len(seen.unread) + seen.twins} file(s) could be measured"
            + "".join(f"; {why} ({count})" for why, count in _reasons(id_, missing).items())
            + "".join(f"; {file}: {kind}: {detail}" for file, kind, detail in seen.unread[:3])
        )
    labels = {label: _label(id_, label, scored, seen.groups) for label in scored[0].values[id_]}
    lines = [_rule_line(rule, labels, id_, scored, seen.groups) for rule in rules]
    comparisons = len(seen.groups) * sum(
        line.share is not None for line in (*lines, *(line for one in labels.values() for line in one.presets.values()))
    )
    return Measured(
        detector=id_,
        revision=revision,
        pictures=len(scored),
        not_scored=_reasons(id_, missing),
        labels=[
            replace(one, presets={preset: _marked(line, comparisons) for preset, line in one.presets.items()})
            for one in labels.values()
        ],
        rules=[_marked(line, comparisons) for line in lines],
        note=note,
    )


def _reasons(id_: str, missing: Sequence[Picture]) -> Mapping[str, int]:
    found = Counter(
        next((gap.partition(": ")[2] for gap in picture.gaps if gap.startswith(f"{id_}: ")), "no answer")
        for picture in missing
    )
    return dict(sorted(found.items()))


def _label(id_: str, label: str, scored: Sequence[Picture], groups: Sequence[str]) -> Label:
    ranked = sorted(scored, key=lambda picture: (-picture.values[id_][label], picture.path))
    values = [picture.values[id_][label] for picture in ranked]
    presets: dict[Preset, Line] = {}
    for preset, rate in RATES.items():
        line = Line(name=preset, label=label, at_least=threshold(values, rate), lacks=_lacks(values, rate))
        presets[preset] = _counted(line, id_, scored, groups)
    highest = [(picture.path, picture.values[id_][label]) for picture in ranked[:HIGHEST]]
    return Label(id=label, values=values, presets=presets, highest=highest)


def _lacks(values: Sequence[float], rate: float) -> str:
    """Why there is no threshold for a rate; empty if there is one."""
    may, needed = allowed(len(values), rate), pictures_needed(rate)
    if may is None:
        return f"needs {needed:,} pictures; there are {len(values):,}"
    if threshold(values, rate) is None:
        return f"{sum(value >= 1 for value in values)} pictures have the highest value, and {may} may be flagged"
    return ""


def _rule_line(
    rule: Asked, labels: Mapping[str, Label], id_: str, scored: Sequence[Picture], groups: Sequence[str]
) -> Line:
    label = labels.get(rule.label)
    if label is None:
        return Line(name=rule.rule, label=rule.label, at_least=rule.at_least, lacks=f"{id_} gives no such label")
    if rule.preset is not None:
        return replace(label.presets[rule.preset], name=rule.rule)
    return _counted(Line(name=rule.rule, label=rule.label, at_least=rule.at_least), id_, scored, groups)


def _counted(line: Line, id_: str, scored: Sequence[Picture], groups: Sequence[str]) -> Line:
    """With what it flags, of all and of each group."""
    if line.at_least is None:
        return line
    all_, flagged = Counter[str | None](), Counter[str | None]()
    for picture in scored:
        all_[picture.group] += 1
        flagged[picture.group] += picture.values[id_][line.label] >= line.at_least
    # A group is compared with the other groups; a picture beside them says nothing of either.
    inside, inside_flagged = sum(all_[group] for group in groups), sum(flagged[group] for group in groups)
    return replace(
        line,
        share=share(flagged.total(), len(scored)),
        groups=[
            GroupShare(
                group=group,
                share=share(flagged[group], all_[group]) if all_[group] else None,
                by_chance=by_chance(flagged[group], all_[group], inside_flagged - flagged[group], inside - all_[group]),
                differs=False,
            )
            for group in groups
        ],
    )


def _marked(line: Line, comparisons: int) -> Line:
    return replace(line, groups=[replace(one, differs=one.by_chance * comparisons < BY_CHANCE) for one in line.groups])
