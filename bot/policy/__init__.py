"""What is to be done about a file, and whether it may be done: pure functions over what is known."""

from bot.policy.facts import Derived, Facts, Staff
from bot.policy.guard import Guard
from bot.policy.joint import joined
from bot.policy.limits import Breaker, Limits, Quotas, Standing, Used
from bot.policy.rules import Condition, Rule, ScoreAtLeast, Want
from bot.policy.verdict import judge, may_fire
from bot.policy.wording import wording

__all__ = [
    "Breaker",
    "Condition",
    "Derived",
    "Facts",
    "Guard",
    "Limits",
    "Quotas",
    "Rule",
    "ScoreAtLeast",
    "Staff",
    "Standing",
    "Used",
    "Want",
    "joined",
    "judge",
    "may_fire",
    "wording",
]
