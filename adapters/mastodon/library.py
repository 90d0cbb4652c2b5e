"""Puts Mastodon.py on our own client.

By itself it waits five minutes for an answer, opens its own connections, and turns every fault of the network into
one kind of error. Here its session has no network of its own: what it sends goes through a ``MastodonClient``, with our
time-outs, limits and errors.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import requests
from mastodon import Mastodon
from mastodon.errors import MastodonError
from requests.adapters import BaseAdapter

from adapters.http import user_agent
from bot.domain.errors import BadAnswerError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.http import Answer
    from adapters.mastodon.client import MastodonClient


def library(client: MastodonClient, *, urgent: bool) -> Mastodon:
    """Mastodon.py, as far as its methods go. They raise ``PlatformError`` and nothing else, and share threads freely.

    ``urgent``: its calls go before listings. The token stays with the client.
    """
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _ThroughClient(client, urgent=urgent))
    made = Mastodon(
        api_base_url=client.settings.url,
        session=session,
        ratelimit_method="throw",
        version_check_mode="none",
        user_agent=user_agent(),
    )
    return cast("Mastodon", _Translated(made))


class _Translated:
    """Mastodon.py finds the types of its answers by who called it, so that its methods are wrapped from outside."""

    def __init__(self, library: Mastodon) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._library, name)
        if not callable(found):
            return found

        @wraps(found)
        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return found(*args, **kwargs)
            except MastodonError as error:
                if isinstance(error.__context__, PlatformError):
                    raise error.__context__ from None
                raise BadAnswerError(f"Mastodon.py did not understand an answer ({type(error).__name__})") from error

        return called


class _ThroughClient(BaseAdapter):
    def __init__(self, client: MastodonClient, *, urgent: bool) -> None:
        super().__init__()
        self._client = client
        self._urgent = urgent

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the promise of an adapter
        timeout: Any = None,  # noqa: ARG002
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        method = str(request.method)
        parts = urlsplit(str(request.url))
        kind = request.headers.get("Content-Type")
        content = request.body.encode() if isinstance(request.body, str) else request.body

        def once() -> Answer:
            return self._client.send(
                method,
                parts.path,
                params=parse_qs(parts.query, keep_blank_values=True),
                content=content if isinstance(content, bytes) else None,
                content_type=str(kind) if kind is not None else None,
                urgent=self._urgent,
            )

        answer = self._client.transport.read(once) if method == "GET" else once()
        return _as_response(request, answer)

    def close(self) -> None:
        """Nothing is open."""


def _as_response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(dict(answer.headers))
    response.url = str(request.url)
    response.request = request
    response.encoding = "utf-8"
    response._content = answer.body  # noqa: SLF001 - requests offers no other way
    return response
