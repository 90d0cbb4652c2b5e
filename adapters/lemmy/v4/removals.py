"""Removals on Lemmy 1.0."""

from __future__ import annotations

from adapters.lemmy.removals import Removals


class V4Removals(Removals):
    """Removals by the bot's account on one server."""

    route = "Lemmy API v4"
