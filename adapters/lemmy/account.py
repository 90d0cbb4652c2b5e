"""Whether the bot's own account sees everything. Lemmy's listings leave out what the account is not to be shown.

Settings, languages and communities that admins have hidden (a listing shows those to their followers only) are put
right while the bot runs. Blocks somebody made on purpose: they are told, and lifted by ``fediwarden check --repair``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from adapters.lemmy.feeds import LIMIT
from bot.domain.errors import NotLoggedInError, PlatformError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.lemmy.client import LemmyClient, Site
    from adapters.lemmy.wire import Json

log = structlog.get_logger(__name__)

WANTED = {"show_nsfw": True, "show_bot_accounts": True, "show_read_posts": True}
"""Settings of the account without which Lemmy leaves things out of its listings."""

HIDES = 5
"""Pages of the mod log that are searched for hidden communities; few servers ever fill one."""

FOLLOWED_AT_ONCE = 25

BLOCKS = {
    # in ``my_user``: the call that lifts it, what the call names, and where that is found
    "person_blocks": ("/user/block", "person_id", "target"),
    "community_blocks": ("/community/block", "community_id", "community"),
    "instance_blocks": ("/site/block", "instance_id", "instance"),
}


class Account:
    """The account of one server."""

    wanted: Mapping[str, bool] = WANTED
    settings_path = "/user/save_user_settings"
    blocks: Mapping[str, tuple[str, str, str]] = BLOCKS
    told: Collection[str] = tuple(BLOCKS)  # what of ``my_user`` has to be empty

    def __init__(self, client: LemmyClient) -> None:
        """``client``: logged in as that account."""
        self._client = client

    def look(self, *, mend: bool) -> Sequence[CheckResult]:
        """Admin, settings, languages, blocks, hidden communities."""
        try:
            self._client.still_logged_in()
            self._client.my_id()
            site = self._client.site(fresh=True)
        except PlatformError as error:
            remedy = "run `fediwarden check`"
            return [CheckResult(what="login", ok=False, detail=str(error), remedy=remedy)]
        found = [_admin(site), self._settings(site, mend=mend), self._blocks(site)]
        try:
            found.append(self.hidden(mend=mend))
        except (PlatformError, KeyError, TypeError) as error:
            detail = f"cannot be looked through: {error}"
            found.append(CheckResult(what="hidden communities", ok=False, detail=detail, remedy="see the log"))
        return found

    def _settings(self, site: Site, *, mend: bool) -> CheckResult:
        what = "account settings"
        lacking = self._lacking(site)
        if not lacking:
            return CheckResult(what=what, ok=True, detail="nothing is hidden from the account")
        named = ", ".join(lacking)
        remedy = "let `fediwarden check --repair` set it, or set it on the account's settings page"
        if not mend:
            return CheckResult(what=what, ok=False, detail=f"not switched on: {named}", remedy=remedy)
        try:
            self._client.do("PUT", self.settings_path, lacking)
            still = self._lacking(self._client.site(fresh=True))
        except PlatformError as error:
            return CheckResult(what=what, ok=False, detail=f"not switched on: {named}: {error}", remedy=remedy)
        if still:
            detail = f"does not stay switched on: {', '.join(still)}"
            return CheckResult(what=what, ok=False, detail=detail, remedy=remedy)
        log.warning("the account had settings that hide things; they are switched on again", settings=named)
        return CheckResult(what=what, ok=True, detail=f"switched on again: {named}")

    def hidden(self, *, mend: bool) -> CheckResult:
        """Communities that admins have hidden, and that the account does not follow. Raises ``PlatformError``."""
        what = "hidden communities"
        unseen = self._unseen(self._client.site(fresh=mend))
        if not unseen:
            return CheckResult(what=what, ok=True, detail="none that the account does not follow")
        names = ", ".join(sorted(unseen.values())[:10])
        if not mend:
            remedy = "let `fediwarden check --repair` follow them: only followers are shown what is posted there"
            return CheckResult(what=what, ok=False, detail=f"hidden, and not followed: {names}", remedy=remedy)
        for number in list(unseen)[:FOLLOWED_AT_ONCE]:
            self._client.do("POST", "/community/follow", {"community_id": number, "follow": True})
        left = self._unseen(self._client.site(fresh=True))
        if left:
            remedy = "follow them with the bot's account by hand"
            detail = f"hidden, and still not followed: {', '.join(sorted(left.values())[:10])}"
            return CheckResult(what=what, ok=False, detail=detail, remedy=remedy)
        log.warning("hidden communities are followed now, so that what is posted there is seen", communities=names)
        return CheckResult(what=what, ok=True, detail=f"followed now: {names}")

    def offered(self, site: Site) -> set[int]:
        """The languages that the account can choose, by their ids."""
        return {language["id"] for language in site.json.get("all_languages", ())}

    def unchosen(self, site: Site) -> set[int]:
        """Languages that the account has not selected, by their ids: what is written in them is not listed."""
        chosen = site.json["my_user"].get("discussion_languages") or []
        return self.offered(site) - set(chosen) if chosen else set()  # an empty list stands for all of them

    def off(self, me: Json) -> dict[str, bool]:
        """Settings that are not as they have to be, as they have to be."""
        return {name: value for name, value in self.wanted.items() if me["local_user"].get(name) is not value}

    def blocked(self, site: Site) -> Sequence[str]:
        """Kinds of things that the account blocks some of."""
        mine = site.json.get("my_user") or {}
        return [kind for kind in self.told if mine.get(kind)]

    def _lacking(self, site: Site) -> dict[str, Any]:
        """What has to be sent so that the account is shown everything; empty where it is."""
        me, mine = site.me, site.json.get("my_user")
        if me is None or not isinstance(mine, dict):
            raise NotLoggedInError("the server does not say who the bot is")
        lacking: dict[str, Any] = self.off(me)
        if self.unchosen(site):
            lacking["discussion_languages"] = sorted(self.offered(site))
        return lacking

    def lift_blocks(self) -> None:
        """See whom the account blocked again. Raises ``PlatformError``."""
        mine = self._client.site(fresh=True).json["my_user"]
        for kind, (path, key, inner) in self.blocks.items():
            for block in mine.get(kind) or ():
                blocked = block[inner] if inner else block
                self._client.do("POST", path, {key: blocked["id"], "block": False})

    def _blocks(self, site: Site) -> CheckResult:
        blocked = self.blocked(site)
        if not blocked:
            return CheckResult(what="blocks", ok=True, detail="the account blocks nobody")
        detail = f"the account blocks others ({', '.join(blocked)}): what they post is never seen"
        remedy = "`fediwarden check --repair` lifts the blocks"
        return CheckResult(what="blocks", ok=False, detail=detail, remedy=remedy)

    def _unseen(self, site: Site) -> Mapping[int, str]:
        """Hidden communities by id. The mod log knows which were hidden; how they stand now comes with each entry."""
        followed = {int(one["community"]["id"]) for one in site.json["my_user"].get("follows") or ()}
        unseen: dict[int, str] = {}
        for page in range(1, HIDES + 1):
            query = {"type_": "ModHideCommunity", "limit": LIMIT, "page": page}
            entries = self._client.get("/modlog", query)["hidden_communities"]
            for community in (entry["community"] for entry in entries):
                there = not community.get("removed") and not community.get("deleted")
                if community.get("hidden") and there and int(community["id"]) not in followed:
                    unseen[int(community["id"])] = str(community["name"])
            if len(entries) < LIMIT:
                break
        return unseen


def ban(me: Json) -> CheckResult | None:
    """The line that says that the account is banned. ``me``: our own ``LocalUserView``.

    0.19 does not know a banned account any more; 1.0 lets it in and shows it everything, and refuses its deeds.
    """
    if not me.get("banned"):
        return None
    name = me["person"]["name"]
    remedy = f"let an admin unban {name}: until then it can read, and do nothing"
    return CheckResult(what="admin", ok=False, detail=f"{name} is banned from this server", remedy=remedy)


def _admin(site: Site) -> CheckResult:
    me = site.me
    if me is not None and (banned := ban(me)) is not None:
        return banned
    if me is not None and me["local_user"].get("admin"):
        return CheckResult(what="admin", ok=True, detail="the account is an admin")
    remedy = "let an admin make it one again: the upload list, removals and bans need it"
    return CheckResult(what="admin", ok=False, detail="the account is not an admin (any more)", remedy=remedy)
