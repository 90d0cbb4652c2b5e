"""Who may do what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.errors import LemmyError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Community
    from adapters.sandbox.lemmy.state import State

_LONGEST_BAN = timedelta(days=3650)


def require_admin(call: Call) -> None:
    """Only administrators who are not banned."""
    check_not_banned(call)
    if not call.me.admin:
        raise LemmyError("not_an_admin")


def is_mod_or_admin(call: Call, community_id: int | None) -> bool:
    """Whether the viewer moderates the community or administers the server; the banned do neither."""
    if call.viewer is None or call.person.banned:
        return False
    moderates = community_id is not None and call.state.is_moderator(community_id, call.viewer.person_id)
    return moderates or call.viewer.admin


def require_mod_or_admin(call: Call, community_id: int) -> None:
    """Only moderators of the community and administrators, and of them nobody who is banned."""
    check_not_banned(call)
    if not is_mod_or_admin(call, community_id):
        raise LemmyError("not_a_mod_or_admin")


def is_mod_of_any_or_admin(call: Call) -> bool:
    """Whether the viewer moderates anything or administers the server."""
    if call.viewer is None:
        return False
    return call.viewer.admin or any(person == call.viewer.person_id for _, person in call.state.moderators)


def require_mod_of_any_or_admin(call: Call) -> None:
    """Only moderators of anything and administrators, and of them nobody who is banned."""
    check_not_banned(call)
    if not is_mod_of_any_or_admin(call):
        raise LemmyError("not_a_mod_or_admin")


def existing_community(state: State, community_id: int) -> Community:
    """A community by number."""
    community = state.communities.get(community_id)
    if community is None:
        raise LemmyError("couldnt_find_community")
    return community


def is_member(state: State, community_id: int, person_id: int | None) -> bool:
    """Whether somebody follows a community and was let in."""
    return person_id is not None and state.followers.get((community_id, person_id)) is False


def is_open_to(state: State, community: Community, person_id: int | None) -> bool:
    """Whether what is in a community may be read: by whoever has an account, or by its members (1.0 only)."""
    if community.visibility in {"LocalOnly", "LocalOnlyPrivate"}:
        return person_id is not None
    if community.visibility != "Private" or is_member(state, community.id, person_id):
        return True
    return person_id is not None and (state.is_moderator(community.id, person_id) or state.is_admin(person_id))


def check_user_action(call: Call, community_id: int, *, joining: bool = False) -> Community:
    """An ordinary deed in a community: it must be there, and the viewer not banned from it.

    Into a private one (1.0) not even administrators write who are no members; ``joining``: it is that they want to be.
    """
    community = existing_community(call.state, community_id)
    if community.deleted or community.removed:
        raise LemmyError("deleted")
    check_not_banned(call)
    if (community_id, call.me.person_id) in call.state.community_bans:
        raise LemmyError("banned_from_community")
    if community.visibility == "Private" and not (joining or is_member(call.state, community_id, call.me.person_id)):
        raise LemmyError("couldnt_find_community")
    return community


def check_not_banned(call: Call) -> None:
    """Raise ``site_ban``. 0.19 does not even let the banned in; in 1.0 their tokens still work."""
    if call.person.banned:
        raise LemmyError("site_ban")


def check_mod_action(call: Call, community_id: int, *, allow_deleted: bool = False) -> None:
    """A moderator's deed in a community."""
    require_mod_or_admin(call, community_id)
    if not call.me.admin and (community_id, call.me.person_id) in call.state.community_bans:
        raise LemmyError("banned_from_community")
    if not allow_deleted:
        community = existing_community(call.state, community_id)
        if community.deleted or community.removed:
            raise LemmyError("deleted")


def check_higher_admin(call: Call, *targets: int) -> None:
    """Among the viewer and the targets, the administrator with the oldest account must be the viewer."""
    people = {*targets, call.me.person_id}
    users = [user for user in call.state.local_users.values() if user.admin and user.person_id in people]
    if min(users, key=lambda user: user.id).person_id != call.me.person_id:
        raise LemmyError("not_higher_admin")


def check_higher_mod_or_admin(call: Call, community_id: int, *targets: int) -> None:
    """The same, with the moderators of a community below the administrators."""
    people = {*targets, call.me.person_id}
    admins = sorted(
        (user for user in call.state.local_users.values() if user.admin and user.person_id in people),
        key=lambda user: user.id,
    )
    ranked = [user.person_id for user in admins]
    ranked += [person for person in call.state.moderators_of(community_id) if person in people]
    if not ranked or ranked[0] != call.me.person_id:
        raise LemmyError("not_higher_mod")


def expiry(unix_seconds: int | None) -> datetime | None:
    """The end of a ban: none in the past, and what is more than ten years away is no end."""
    if unix_seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(unix_seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise LemmyError("invalid_unix_time") from error
    if moment < now():
        raise LemmyError("ban_expiration_in_past")
    return None if moment > now() + _LONGEST_BAN else moment
