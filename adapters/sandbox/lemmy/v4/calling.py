"""The table of all calls of API v4, and of the few of v3 that 1.0 still answers.

Every one of them costs one of ``message``; ``bucket`` is what it costs besides.
"""

from __future__ import annotations

from adapters.sandbox.lemmy.calling import Route, registering

ROUTES: list[Route] = []
route = registering(ROUTES, default=None)
