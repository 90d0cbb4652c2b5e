"""Puts the measurements where rules find them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.classify.calibration import read_calibration
from bot.domain.errors import ConfigError
from bot.operate.calibrate.document import calibration_of
from bot.operate.setup import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.classify.settings import DetectorSettings
    from bot.operate.calibrate.shape import Report


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


def write(told: Report, files: Mapping[str, Path], page: Path, html: str) -> None:
    """Every file whole or not at all; the page last. Raises ``ConfigError`` where one cannot be written."""
    texts = {
        files[measured.detector]: json.dumps(calibration_of(measured, told), indent=1, ensure_ascii=False) + "\n"
        for measured in told.detectors
    }
    for path, text in {**texts, page: html}.items():
        try:
            write_private(path, text)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
