"""The only room that acts: carries out what is ready, verifies it, and puts back what is to be undone."""

from bot.enforce.apply import Enforcement, Progress
from bot.enforce.lease import LEASE_SECONDS, become_actor, holder_name

__all__ = ["LEASE_SECONDS", "Enforcement", "Progress", "become_actor", "holder_name"]
