"""What becomes of texts on their way in: slurs struck out, blocked links refused, images sent through the proxy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.proxying import proxied_image

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.state import State

_IMAGE = re.compile(r'(!\[[^\]]*\]\()(<[^>]*>|[^\s)]+)((?:\s+"[^"]*")?\))')


def slur_filter(state: State) -> re.Pattern[str] | None:
    """The filter of the site settings."""
    pattern = state.local_site.slur_filter_regex
    return re.compile(pattern, re.IGNORECASE) if pattern else None


def check_slurs(state: State, text: str | None) -> None:
    """Raise ``slurs`` if the filter finds something."""
    pattern = slur_filter(state)
    if pattern is not None and text is not None and pattern.search(text):
        raise LemmyError("slurs")


def check_blocked(state: State, text: str | None) -> None:
    """Raise ``blocked_url`` if a blocked URL is in the text."""
    for row in state.blocked_urls:
        if text is not None and re.search(rf"\b{re.escape(row.url)}\b", text):
            raise LemmyError("blocked_url")


def processed(server: Server, text: str | None) -> str | None:
    """A Markdown text as it is stored."""
    if text is None:
        return None
    state = server.state
    with state.lock:
        pattern = slur_filter(state)
        if pattern is not None:
            text = pattern.sub("*removed*", text)
        check_blocked(state, text)
    if server.image_mode != "ProxyAllImages":
        return text

    def rewritten(match: re.Match[str]) -> str:
        return match[1] + proxied_image(server, match[2].strip("<>")) + match[3]

    return _IMAGE.sub(rewritten, text)
