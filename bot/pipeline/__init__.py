"""The road through the rooms."""

from bot.pipeline.confirmed import remember_confirmed
from bot.pipeline.run import Pipeline
from bot.pipeline.stages import Stages

__all__ = ["Pipeline", "Stages", "remember_confirmed"]
