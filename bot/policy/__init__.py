"""What is to be done about a file, and whether it may be done: pure functions over what is known."""

from bot.policy.facts import Derived, Facts
from bot.policy.guard import Guard, Limits
from bot.policy.rules import Condition, Rule, ScoreAtLeast, Want
from bot.policy.verdict import judge, may_fire

__all__ = ["Condition", "Derived", "Facts", "Guard", "Limits", "Rule", "ScoreAtLeast", "Want", "judge", "may_fire"]
