"""Whether the bot's own account sees everything on a Lemmy 1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.account import HIDES, WANTED, Account
from adapters.lemmy.feeds import LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.lemmy.client import Site

READING = {**WANTED, "hide_posts_with_media": False, "auto_mark_fetched_posts_as_read": False}
"""1.0 can leave out posts with pictures altogether, and those that were listed before."""

SETTINGS = "/account/settings/save"

BLOCKS = {
    # as in ``adapters.lemmy.account``; what is blocked stands in the list itself
    "person_blocks": ("/account/block/person", "person_id", ""),
    "community_blocks": ("/account/block/community", "community_id", ""),
    "instance_communities_blocks": ("/account/block/instance/communities", "instance_id", ""),
    "instance_persons_blocks": ("/account/block/instance/persons", "instance_id", ""),
}
WORDS = "keyword_blocks"


class V4Account(Account):
    """The account of one server."""

    wanted: Mapping[str, bool] = READING
    settings_path = SETTINGS
    blocks: Mapping[str, tuple[str, str, str]] = BLOCKS
    told = (*BLOCKS, WORDS)

    def offered(self, site: Site) -> set[int]:
        """Those that the site offers, which may be fewer than there are."""
        allowed, every = site.json.get("discussion_languages"), super().offered(site)
        return every & set(allowed) if allowed else every

    def lift_blocks(self) -> None:
        """See whom the account blocked again, and posts with words that it did not want. Raises ``PlatformError``."""
        super().lift_blocks()
        if self._client.site(fresh=True).json["my_user"].get(WORDS):
            self._client.do("PUT", SETTINGS, {"blocking_keywords": []})

    def _unseen(self, site: Site) -> Mapping[int, str]:
        """Unlisted communities by id, as far as the mod log knows of them; how they stand comes with each entry."""
        followed = {int(one["community"]["id"]) for one in site.json["my_user"].get("follows") or ()}
        unseen: dict[int, str] = {}
        query = {"type_": "mod_change_community_visibility", "limit": LIMIT}
        for _ in range(HIDES):
            answer = self._client.get("/modlog", query)
            for community in (entry.get("target_community") for entry in answer["items"]):
                if community is None or community.get("removed") or community.get("deleted"):
                    continue
                if community["visibility"] == "unlisted" and int(community["id"]) not in followed:
                    unseen[int(community["id"])] = str(community["name"])
            following = answer.get("next_page")
            if not following or following == query.get("page_cursor"):
                break
            query = {**query, "page_cursor": following}
        return unseen
