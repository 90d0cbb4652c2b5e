"""The only room that acts: carries out what is ready, verifies it, and puts back what is to be undone."""

from bot.enforce.apply import Enforcement, Progress

__all__ = ["Enforcement", "Progress"]
