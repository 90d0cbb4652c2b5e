"""What the process says about itself."""

from bot.telemetry.alarm_book import AlarmBook, Change, Raised, raised_alarms
from bot.telemetry.alarms import Sensitivity, State, alarms
from bot.telemetry.logs import configure_logs
from bot.telemetry.senses import Senses
from bot.telemetry.words import moment, span

__all__ = [
    "AlarmBook",
    "Change",
    "Raised",
    "Senses",
    "Sensitivity",
    "State",
    "alarms",
    "configure_logs",
    "moment",
    "raised_alarms",
    "span",
]
