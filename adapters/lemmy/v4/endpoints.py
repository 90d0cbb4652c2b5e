"""The calls of API v4 about one thing, under the names that pythorhead gives those of v3 (it knows no v4).

Every deed carries a reason: without one 1.0 refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.lemmy.requestor import Endpoints
from adapters.lemmy.v4 import wire
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.wire import Json


class V4Endpoints(Endpoints):
    """Calls as ourselves. What they answer is in the words of v3."""

    def __init__(self, client: LemmyV4Client, *, urgent: bool) -> None:
        """``urgent``: reads go before listings, too."""
        calls = _Calls(client, urgent=urgent)
        self.post = _Things(calls, "post", wire.post_view)
        self.comment = _Things(calls, "comment", wire.comment_view)
        self.user = _People(calls)
        self.community = _Communities(calls)
        self.site = _Pages(client)


class _Calls:
    def __init__(self, client: LemmyV4Client, *, urgent: bool) -> None:
        self._client = client
        self._urgent = urgent

    def view(self, path: str, query: Json, key: str, read: Callable[[Json], Json]) -> Json:
        """The answer with the view in it that ``read`` translates."""
        answer = self._client.get(path, query, urgent=self._urgent)
        try:
            return {**answer, key: read(answer[key])}
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswerError(f"the answer to GET {path} is not in the shape of API v4 ({error})") from error

    def do(self, method: str, path: str, **body: Any) -> Json:
        return self._client.do(method, path, {key: value for key, value in body.items() if value is not None})


class _Things:
    """Posts, or comments."""

    def __init__(self, calls: _Calls, kind: str, read: Callable[[Json], Json]) -> None:
        self._calls = calls
        self._kind = kind
        self._read = read

    def get(self, number: int) -> Json:
        return self._calls.view(f"/{self._kind}", {"id": number}, f"{self._kind}_view", self._read)

    def remove(self, *, removed: bool, reason: str, **number: int) -> Json:
        return self._calls.do("POST", f"/{self._kind}/remove", removed=removed, reason=reason, **number)

    def report(self, *, reason: str, **number: int) -> Json:
        """To this server's admins and nobody else: such a report does not leave the server."""
        return self._calls.do("POST", f"/{self._kind}/report", reason=reason, violates_instance_rules=True, **number)

    def resolve_report(self, report_id: int, resolved: bool = True) -> Json:
        return self._calls.do("PUT", f"/{self._kind}/report/resolve", report_id=report_id, resolved=resolved)


class _People:
    def __init__(self, calls: _Calls) -> None:
        self._calls = calls

    def get(self, *, person_id: int, limit: int = 1) -> Json:  # noqa: ARG002 - v4 brings no content along
        return self._calls.view("/person", {"person_id": person_id}, "person_view", wire.person_view)

    def ban(self, *, ban: bool, person_id: int, expires: int | None, reason: str) -> Json:
        """Never with ``remove_or_restore_data``: with a ban it deletes files for good."""
        return self._calls.do("POST", "/admin/ban", person_id=person_id, ban=ban, expires_at=expires, reason=reason)


class _Pages:
    def __init__(self, client: LemmyV4Client) -> None:
        self._client = client

    def get(self) -> Json:
        return self._client.shown_on(self._client.site(fresh=True).json)


class _Communities:
    def __init__(self, calls: _Calls) -> None:
        self._calls = calls

    def get(self, *, id: int) -> Json:  # noqa: A002 - as pythorhead has it
        return self._calls.view("/community", {"id": id}, "community_view", wire.community_view)

    def ban_user(self, *, ban: bool, person_id: int, community_id: int, expires: int | None, reason: str) -> Json:
        return self._calls.do(
            "POST",
            "/community/ban_user",
            community_id=community_id,
            person_id=person_id,
            ban=ban,
            expires_at=expires,
            reason=reason,
        )
