"""Tests of ``bot.classify``."""
