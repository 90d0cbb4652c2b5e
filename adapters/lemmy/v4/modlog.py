"""The mod log of Lemmy 1.0: one list for all kinds of deeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.modlog import Entry, ModLog
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.wire import Json

_ROWS = 20
_NOBODY = -1  # a moderator whose account is gone: not us


class V4ModLog(ModLog):
    """The mod log of one server."""

    def __init__(self, client: LemmyV4Client) -> None:
        """``client``: of the server."""
        self._client = client

    def post(self, post_id: int) -> Entry | None:
        """Removal or restoration of a post."""
        return self._first({"type_": "mod_remove_post", "post_id": post_id})

    def comment(self, comment_id: int) -> Entry | None:
        """Removal or restoration of a comment."""
        return self._first({"type_": "mod_remove_comment", "comment_id": comment_id})

    def site_ban(self, person_id: int) -> Entry | None:
        """Ban or unban of an account from this server. What other servers did to it is in the same list."""
        ours = self._client.site(urgent=True).json["site_view"]["site"]["instance_id"]

        def here(row: Json) -> bool:
            target = row.get("target_instance")
            return target is None or target["id"] == ours

        return self._first({"type_": "admin_ban", "other_person_id": person_id}, here)

    def community_ban(self, person_id: int, community_id: int) -> Entry | None:
        """Ban or unban of an account in a community."""
        return self._first(
            {"type_": "mod_ban_from_community", "other_person_id": person_id, "community_id": community_id}
        )

    def _first(self, query: Json, meant: Callable[[Json], bool] = lambda _: True) -> Entry | None:
        # What a ban with data took along is left out unless it is asked for.
        asked: dict[str, Any] = {**query, "show_bulk": True, "limit": _ROWS}
        answer = self._client.get("/modlog", asked, urgent=True)
        try:
            row = next((row for row in answer["items"] if meant(row)), None)
            if row is None:
                return None
            entry, moderator = row["modlog"], row.get("moderator")
            expires = entry.get("expires_at")
            return Entry(
                by=_NOBODY if moderator is None else int(moderator["id"]),
                on=not entry["is_revert"],
                at=moment(entry["published_at"]),
                expires=moment(expires) if expires else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadAnswerError(f"the mod log is not in the shape of API v4 ({type(error).__name__})") from error
