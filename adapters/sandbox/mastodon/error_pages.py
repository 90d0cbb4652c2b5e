"""The pages that Mastodon shows instead of an answer."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.versions import Version

_TITLES = {
    400: "The request you submitted was invalid or malformed.",
    403: "You don't have permission to view this page.",
    404: "The page you are looking for isn't here.",
    422: "Security verification failed",
    500: "This page is not correct",
}
# Where the page itself says something else than its title.
_HEADINGS = {
    422: "Security verification failed. Are you blocking cookies?",
    500: "We're sorry, but something went wrong on our end.",
}


def error_page(version: Version, status: int) -> Response:
    """A small page with the sentence that belongs to the status."""
    sentence = _escaped(_TITLES[status])
    heading = _escaped(_HEADINGS.get(status, _TITLES[status]))
    opening = '<html data-color-scheme="auto" lang="en">' if version.newer else "<html lang='en'>"
    body = (
        f"<!DOCTYPE html>\n{opening}\n<head>\n<meta charset='utf-8'>\n<title>{sentence}\n - Mastodon</title>\n</head>\n"
        f"<body class='error'>\n<h1>{heading}\n</h1>\n</body>\n</html>\n"
    )
    return Response(body, status, {"content-type": "text/html; charset=utf-8", "cache-control": "private, no-store"})


def _escaped(sentence: str) -> str:
    return html.escape(sentence, quote=False).replace("'", "&#39;")
