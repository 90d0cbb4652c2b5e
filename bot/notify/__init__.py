"""Tells the operators: what happened becomes notes, notes become messages, messages are sent until they arrive."""

from bot.notify.deed import NotifyingEnforcer
from bot.notify.news import News
from bot.notify.sender import Sender
from bot.notify.watchdog import Watchdog

__all__ = ["News", "NotifyingEnforcer", "Sender", "Watchdog"]
