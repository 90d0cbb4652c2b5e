"""The operator's rules, with the thresholds that were measured for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.domain.decisions import SetSwitch
from bot.domain.errors import ConfigError
from bot.wiring.detectors import frames_wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from bot.classify.calibration import Calibration
    from bot.operate.calibrate import Asked
    from bot.policy import Rule, ScoreAtLeast
    from bot.settings import RuleSettings, Settings


def asked_by(rules: Sequence[RuleSettings]) -> Sequence[Asked]:
    """Which scores rules follow."""
    from bot.operate.calibrate import Asked

    return [
        Asked(rule=rule.id)
        if rule.when.score is None
        else Asked(
            rule=rule.id,
            detector=rule.when.score.detector,
            label=rule.when.score.label,
            at_least=rule.when.score.at_least,
            preset=rule.when.score.preset,
        )
        for rule in rules
    ]


def thresholds(rules: Sequence[Rule]) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Detector to label to the values from which on rules fire."""
    found: dict[str, dict[str, list[float]]] = {}
    for score in (rule.when.score for rule in rules):
        if score is not None:
            found.setdefault(score.detector, {}).setdefault(score.label, []).append(score.at_least)
    return found


def _score(
    rule: RuleSettings,
    measured: Mapping[Any, Calibration],
    needed: Collection[Any],
    frames: Mapping[Any, Mapping[str, int]],
) -> ScoreAtLeast | None:
    """``measured``: calibrations by detector. ``needed``: detectors whose scores mean nothing without one.

    ``frames``: by detector and label, how many frames of what moves a rule wants that does not say so itself.
    """
    from bot.policy import ScoreAtLeast

    said = rule.when.score
    if said is None:
        return None
    calibration = measured.get(said.detector)
    at_least = said.at_least
    if said.preset is not None:
        if calibration is None:
            raise ConfigError(
                f"rule {rule.id}: `preset` needs `calibration` at the detector {said.detector!r}, which "
                "`fediwarden calibrate` writes"
            )
        at_least = calibration.at(said.label, said.preset)
    if at_least is None:
        raise ConfigError(f"rule {rule.id}: has no threshold")
    revisions = frozenset({calibration.revision} if calibration is not None and calibration.enough else ())
    return ScoreAtLeast(
        detector=said.detector,
        label=said.label,
        at_least=at_least,
        frames=said.frames or frames.get(said.detector, {}).get(said.label, 1),
        calibrated_for=revisions if said.detector in needed or said.preset is not None else None,
        preset=said.preset is not None,
    )


def _rule(
    rule: RuleSettings,
    settings: Settings,
    measured: Mapping[Any, Calibration],
    needed: Collection[Any],
    frames: Mapping[Any, Mapping[str, int]],
) -> Rule:
    from bot.policy import Condition, Rule, Want
    from bot.policy.rules import SHOWN

    when = rule.when
    return Rule(
        id=rule.id,
        stage=settings.stage if rule.stage is None else rule.stage,
        when=Condition(
            lists=when.lists,
            near=when.near,
            score=_score(rule, measured, needed, frames),
            platforms=when.platforms,
            roles=when.roles or SHOWN,
            local_author=None if when.author is None else when.author == "local",
            account_younger_than=when.account_younger_than,
            account_items_below=when.account_items_below,
        ),
        then=[
            Want(kind=kind, switch=rule.switch.turn, value=rule.switch.to)
            if kind == SetSwitch.kind and rule.switch is not None
            else Want(kind=kind, scope=rule.ban.scope, days=rule.ban.days, how=rule.limit.how)
            for kind in rule.then
        ],
        unattended=rule.unattended,
        uncalibrated=rule.uncalibrated == "accept",
        any_use=rule.any_use,
        hold_first=rule.hold_first,
        min_attribution=rule.attribution,
        text=rule.text,
    )


def read_rules(settings: Settings, base: Path) -> Sequence[Rule]:
    """The rules. Raises ``ConfigError`` for what was measured and cannot be used."""
    from bot.classify.calibration import read_calibration
    from bot.classify.registry import KINDS

    measured: dict[Any, Calibration] = {}
    needed: set[Any] = set()
    frames: dict[Any, Mapping[str, int]] = {}
    for block in settings.detectors:
        with suppress(ConfigError):  # told where detectors are built, and at a reload
            frames[block.get("id")] = frames_wanted(block, base)
    for block in settings.detectors:  # an entry that cannot be used is told where detectors are built
        kind = KINDS.get(str(block.get("kind")))
        if kind is not None and kind.zero_shot:
            needed.add(block.get("id"))
        if block.get("calibration") is not None:
            path = base / str(block["calibration"])
            measured[block.get("id")] = found = read_calibration(path)
            if found.detector != block.get("id"):
                raise ConfigError(f"{path}: is of the detector {found.detector!r}, not of {block.get('id')!r}")
    return [_rule(rule, settings, measured, needed, frames) for rule in settings.rules]
