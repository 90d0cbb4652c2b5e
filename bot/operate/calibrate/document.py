"""The measurements as JSON: one file for each detector, which rules take their thresholds from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.classify.calibration import RATES
from bot.classify.false_alarms import METHOD, precision

if TYPE_CHECKING:
    from bot.classify.false_alarms import Share
    from bot.operate.calibrate.shape import Line, Measured, Report


def calibration_of(measured: Measured, told: Report) -> dict[str, Any]:
    """What ``bot.classify.calibration`` reads, with everything else that was found beside it."""
    return {
        "schema": 1,
        "detector": measured.detector,
        "revision": measured.revision,
        "pictures": measured.pictures,
        "made": told.made.isoformat(timespec="seconds"),
        "bounds": METHOD,
        "wanted_rates": dict(RATES),
        "prevalence_per_100000": told.prevalence,
        "thresholds": {
            label.id: {preset: line.at_least for preset, line in label.presets.items()} for label in measured.labels
        },
        "note": measured.note,
        "not_scored": dict(measured.not_scored),
        "labels": {
            label.id: {
                "median": _median(label.values),
                "highest": [{"file": file, "value": value} for file, value in label.highest],
                "presets": {preset: _line(line, told.prevalence) for preset, line in label.presets.items()},
            }
            for label in measured.labels
        },
        "rules": {line.name: _line(line, told.prevalence) for line in measured.rules},
    }


def document(told: Report) -> dict[str, Any]:
    """Everything, for scripts."""
    return {
        "folder": told.folder,
        "pictures": told.pictures,
        "twins": told.twins,
        "unread": [{"file": file, "kind": kind, "detail": detail} for file, kind, detail in told.unread],
        "by": told.by,
        "groups": list(told.groups),
        "detectors": [calibration_of(measured, told) for measured in told.detectors],
        "not_measured": [{"rule": line.name, "why": line.lacks} for line in told.passed_over],
    }


def precise(share: Share, prevalence: float) -> tuple[float, float]:
    """Between which shares true alarms lie, at ``prevalence`` in 100,000, if none is missed."""
    true = prevalence / 100_000
    return precision(true, share.high), precision(true, share.low)


def _line(line: Line, prevalence: float) -> dict[str, Any]:
    made: dict[str, Any] = {"label": line.label, "at_least": line.at_least, "lacks": line.lacks}
    if line.share is not None:
        made |= _share(line.share)
        made["precision_between"] = precise(line.share, prevalence)
    if line.groups:
        made["groups"] = {
            one.group: {
                **(_share(one.share) if one.share is not None else {"pictures": 0}),
                "by_chance": one.by_chance,
                "differs": one.differs,
            }
            for one in line.groups
        }
    return made


def _share(share: Share) -> dict[str, Any]:
    return {
        "flagged": share.flagged,
        "pictures": share.pictures,
        "rate": share.rate,
        "low": share.low,
        "high": share.high,
    }


def _median(descending: Any) -> float:
    return float(descending[len(descending) // 2])
