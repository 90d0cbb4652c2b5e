"""Who did it: the newest entry of Lemmy's mod log about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pythorhead.types import ModlogActionType

from adapters.lemmy.convert import moment
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.lemmy.requestor import Endpoints


SKEW = timedelta(minutes=5)
"""How far a server's clock may be behind ours. To take an older word for a new one only asks a human too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. ``on``: removed or banned, as against restored or unbanned."""

    by: int
    on: bool
    at: datetime
    expires: datetime | None

    def is_newer(self, since: datetime) -> bool:
        """Whether it was written after that, as far as two clocks can tell."""
        return self.at >= since - SKEW


class ModLog:
    """The mod log of one server."""

    def __init__(self, endpoints: Endpoints) -> None:
        """``endpoints``: of the server."""
        self._endpoints = endpoints

    def post(self, post_id: int) -> Entry | None:
        """Removal or restoration of a post."""
        kind = ModlogActionType.ModRemovePost
        return self._newest("removed_posts", "mod_remove_post", "removed", type_=kind, post_id=post_id)

    def comment(self, comment_id: int) -> Entry | None:
        """Removal or restoration of a comment."""
        kind = ModlogActionType.ModRemoveComment
        return self._newest("removed_comments", "mod_remove_comment", "removed", type_=kind, comment_id=comment_id)

    def site_ban(self, person_id: int) -> Entry | None:
        """Ban or unban of an account."""
        return self._newest("banned", "mod_ban", "banned", type_=ModlogActionType.ModBan, other_person_id=person_id)

    def community_ban(self, person_id: int, community_id: int) -> Entry | None:
        """Ban or unban of an account in a community."""
        return self._newest(
            "banned_from_community",
            "mod_ban_from_community",
            "banned",
            type_=ModlogActionType.ModBanFromCommunity,
            other_person_id=person_id,
            community_id=community_id,
        )

    def _newest(self, listed: str, inner: str, flag: str, **query: Any) -> Entry | None:
        answer = self._endpoints.modlog.get(limit=1, page=1, **query)
        try:
            rows = answer[listed]
            if not rows:
                return None
            row = rows[0][inner]
            expires = row.get("expires")
            return Entry(
                by=int(row["mod_person_id"]),
                on=bool(row[flag]),
                at=moment(row["when_"]),
                expires=moment(expires) if expires else None,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadAnswerError(f"the mod log is not in the shape of API v3 ({type(error).__name__})") from error
