"""The same town and bot as in the crash tests."""

from crash.conftest import Town, bot, listed, town

__all__ = ["Town", "bot", "listed", "town"]
