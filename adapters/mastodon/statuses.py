"""A post as others see it: what proves that it is gone, or covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.mastodon import errors
from bot.domain.errors import BadAnswerError, NotFoundError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.http import Answer
    from adapters.mastodon.client import MastodonClient

STRANGERS = "strangers"
"""The limit of calls without a token, by address: 300 in five minutes, config/initializers/rack_attack.rb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """``json is None``: nobody is shown it."""

    json: Mapping[str, Any] | None

    @property
    def sensitive(self) -> bool:
        """Whether its media is behind a warning."""
        return bool(self.json and self.json.get("sensitive"))


class Statuses:
    """Posts of one server."""

    def __init__(self, client: MastodonClient) -> None:
        """Contacts nobody yet."""
        self._client = client
        client.transport.buckets.feed(STRANGERS, count=300, seconds=300, burst=90)

    def look(self, status_id: str) -> Shown:
        """As a stranger sees it, and where strangers see nothing as our own account. Raises ``PlatformError``.

        What strangers are not shown may be there: Akkoma and glitch-soc have posts for their own people only.
        """
        path = f"/api/v1/statuses/{status_id}"
        answer = self._client.transport.read(lambda: self._as_stranger(path))
        if answer.status in {401, 403, 422}:
            return self._as_ourselves(path)
        body = answer.json()
        if answer.status in {404, 410} and isinstance(body, dict) and "error" in body:
            return self._as_ourselves(path)
        if answer.status != 200 or not isinstance(body, dict) or "id" not in body:
            raise BadAnswerError(f"{answer.what}: status {answer.status} is neither a post nor its absence")
        return Shown(json=body)

    def _as_ourselves(self, path: str) -> Shown:
        try:
            return Shown(json=self._client.object(path, urgent=True))
        except NotFoundError as error:
            if error.code == errors.NO_ROUTE:
                raise BadAnswerError(str(error)) from error
            return Shown(json=None)

    def _as_stranger(self, path: str) -> Answer:
        transport = self._client.transport
        try:
            return transport.call("GET", path, headers=self._client.naming, limiter=STRANGERS, urgent=True)
        except RateLimitedError as error:
            transport.buckets.rest(STRANGERS, error.retry_after)
            raise
