"""The commands: options, exit codes, tables. What they do is in ``bot.operate`` and the rooms."""

from bot.cli.app import main

__all__ = ["main"]
