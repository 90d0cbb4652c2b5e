"""Purging a stored file through Lemmy 1.0, for servers whose pict-rs the bot cannot reach."""

from __future__ import annotations

from adapters.lemmy.files import Files


class V4Files(Files):
    """Purges files of one server by name."""

    route = "Lemmy's purge route (all names of the same bytes; the server counts it as an upload)"
    since = (1, 0, 0)
