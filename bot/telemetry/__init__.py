"""What the process says about itself."""

from bot.telemetry.logs import configure_logs

__all__ = ["configure_logs"]
