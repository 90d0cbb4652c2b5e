"""Measures how often detectors flag the operator's own harmless pictures, and which thresholds follow from that."""

from bot.operate.calibrate.document import calibration_of, document
from bot.operate.calibrate.looking import Seen, look_at
from bot.operate.calibrate.page import as_page
from bot.operate.calibrate.shape import Asked, Line, Measured, Report
from bot.operate.calibrate.weighing import report

__all__ = [
    "Asked",
    "Line",
    "Measured",
    "Report",
    "Seen",
    "as_page",
    "calibration_of",
    "document",
    "look_at",
    "report",
]
