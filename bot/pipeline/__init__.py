"""The road through the rooms."""

from bot.pipeline.aftermath import Strangers, follow_up
from bot.pipeline.confirmed import forget_taken_back, remember_confirmed
from bot.pipeline.mistaken import Mistaken
from bot.pipeline.protection import Protection
from bot.pipeline.recheck import Recheck
from bot.pipeline.run import Pipeline
from bot.pipeline.staff import PresentStaff
from bot.pipeline.stages import Stages

__all__ = [
    "Mistaken",
    "Pipeline",
    "PresentStaff",
    "Protection",
    "Recheck",
    "Stages",
    "Strangers",
    "follow_up",
    "forget_taken_back",
    "remember_confirmed",
]
