"""The whole job on servers that live on this machine only."""

from bot.demo.story import run_demo

__all__ = ["run_demo"]
