"""A Lemmy 0.19.20 or 1.0 with pict-rs 0.5 and a remote instance, in memory, over HTTP on 127.0.0.1."""

from adapters.sandbox.faults import Faults, delay, drop, hold, respond, truncate
from adapters.sandbox.lemmy.sandbox import VERSIONS, LemmySandbox, Person, serve

__all__ = ["VERSIONS", "Faults", "LemmySandbox", "Person", "delay", "drop", "hold", "respond", "serve", "truncate"]
