"""Puts the measurements where rules find them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.classify.calibration import RATES, read_calibration
from bot.classify.false_alarms import pictures_needed
from bot.domain.errors import ConfigError
from bot.operate.calibrate.document import calibration_of
from bot.operate.setup import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.classify.settings import DetectorSettings
    from bot.operate.calibrate.shape import Asked, Report


def places(chosen: Sequence[DetectorSettings], base: Path) -> Mapping[str, Path]:
    """For each detector the file of its ``calibration``, or one beside the configuration.

    Raises ``ConfigError`` where another kind of file is in the way, and where two detectors would share one.
    """
    found: dict[str, Path] = {}
    for one in chosen:
        path = one.calibration or base / f"{one.id}.calibration.json"
        if path in found.values():
            raise ConfigError(f"detectors: {one.id}: `calibration` names {path}, and so does another detector")
        if path.exists():
            try:
                read_calibration(path)
            except ConfigError as error:
                raise ConfigError(
                    f"{path}: is no earlier measurement, so it is not overwritten; move it away"
                ) from error
        found[one.id] = path
    return found


def losses(told: Report, files: Mapping[str, Path], rules: Sequence[Asked]) -> Mapping[str, str]:
    """Detectors whose file has to stay, and why.

    A rule has its threshold from there, and would have none any more: its configuration is refused, so that the bot
    would not start. Or the file is enough for rules to act by, and what was measured now is not.
    """
    found: dict[str, str] = {}
    for measured in told.detectors:
        path = files[measured.detector]
        if not path.exists():
            continue
        earlier = read_calibration(path)
        before = earlier.thresholds
        needed = pictures_needed(RATES["strict"])
        if earlier.enough and measured.pictures < needed:
            found[measured.detector] = (
                f"it was measured on {earlier.pictures:,} pictures, and now there were {measured.pictures}, which is "
                f"less than the {needed} that rules need"
            )
        labels = {label.id: label for label in measured.labels}
        for rule in rules:
            if rule.detector != measured.detector or rule.preset is None:
                continue
            label = labels.get(rule.label)
            if label is not None and label.presets[rule.preset].at_least is not None:
                continue
            if before.get(rule.label, {}).get(rule.preset) is not None:
                why = "there is no such label" if label is None else label.presets[rule.preset].lacks
                found[measured.detector] = (
                    f"without this the bot would not start: rule {rule.rule}, {rule.preset}: {why}"
                )
    return found


def write(told: Report, files: Mapping[str, Path], page: Path, html: str) -> None:
    """Those of ``files`` (by detector), and the page; every file whole or not at all. Raises ``ConfigError``."""
    texts = {
        files[measured.detector]: json.dumps(calibration_of(measured, told), indent=1, ensure_ascii=False) + "\n"
        for measured in told.detectors
        if measured.detector in files
    }
    for path, text in {**texts, page: html}.items():
        try:
            write_private(path, text)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
