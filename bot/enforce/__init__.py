"""The only room that acts: carries out what is ready, verifies it, and puts back what is to be undone."""

from bot.enforce.apply import Enforcement
from bot.enforce.back_off import LONGEST_WAIT, back_off
from bot.enforce.lease import LEASE_SECONDS, become_actor, holder_name
from bot.enforce.rounds import Progress

__all__ = ["LEASE_SECONDS", "LONGEST_WAIT", "Enforcement", "Progress", "back_off", "become_actor", "holder_name"]
