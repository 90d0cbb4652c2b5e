"""Logs: one line an event on stderr, for people on a terminal and as JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

SECRET_KEYS = ("password", "token", "jwt", "secret", "api_key", "authorization")


def configure_logs(level: str) -> None:
    """Set up structlog; ``level`` as in the standard library, in any case. Raises ``ConfigError`` for another word."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ConfigError(f"log level {level!r} is none of debug, info, warning, error")
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.dict_tracebacks,
            *([] if terminal else [structlog.processors.JSONRenderer()]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log their requests with addresses and headers; only their warnings are ours to show.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Whatever is called like a secret is not printed, however it came into an event."""
    for key in event:
        if any(word in key.lower() for word in SECRET_KEYS):
            event[key] = "***"
    return event
