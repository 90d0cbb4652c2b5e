"""Tests of ``bot.media``."""
