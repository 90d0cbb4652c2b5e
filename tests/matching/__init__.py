"""Tests of ``bot.matching``."""
