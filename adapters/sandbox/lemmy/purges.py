"""Purging: rows leave the database, and for posts also the files that they point at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from adapters.sandbox.lemmy import comments, posts
from adapters.sandbox.lemmy.calling import Call, Server, route
from adapters.sandbox.lemmy.erasure import purge_account
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.links import own_alias
from adapters.sandbox.lemmy.messages.choices import ModlogActionType
from adapters.sandbox.lemmy.messages.comments import PurgeComment
from adapters.sandbox.lemmy.messages.communities import PurgeCommunity
from adapters.sandbox.lemmy.messages.people import PurgePerson
from adapters.sandbox.lemmy.messages.posts import PurgePost
from adapters.sandbox.lemmy.moderation import ban_remote_from_local_communities
from adapters.sandbox.lemmy.modlog import note
from adapters.sandbox.lemmy.rights import check_higher_admin, existing_community, require_admin
from adapters.sandbox.loopback import OutsideLoopbackError, fetch
from adapters.sandbox.pictrs.store import AliasNotFoundError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json

_DONE = {"success": True}


@route("POST", "/api/v3/admin/purge/post", PurgePost, login=True, locked=False)
def purge_post(call: Call, form: PurgePost) -> Json:
    """Delete a post, and purge the files of its link and of its thumbnail."""
    state = call.state
    with state.lock:
        require_admin(call)
        post = posts.existing_post(state, form.post_id)
        check_higher_admin(call, post.creator_id)
        urls = [url for url in (post.url, post.thumbnail_url) if url is not None]
    for url in urls:
        purge_file(call.server, url)
    with state.lock:
        if post.id in state.posts:
            state.drop_post(post)
        note(call, ModlogActionType.ADMIN_PURGE_POST, community_id=post.community_id, reason=form.reason)
    return _DONE


def purge_file(server: Server, url: str) -> list[str]:
    """Purge by the last part of a URL, whatever server it names, if that server shows an image there.

    Returns the names that the file had, if there was one.
    """
    alias = url.split("?", maxsplit=1)[0].rstrip("/").split("/")[-1]
    try:
        own = own_alias(server, url) is not None
        if own and server.closed_to_strangers:
            return []  # the server asks itself like anybody else
        if not own:
            kind = fetch(url, f"Lemmy/{server.version}").headers.get("content-type", "")
            if not kind.startswith("image/"):
                return []
        return server.files.purge(alias)
    except (OutsideLoopbackError, httpx.HTTPError, AliasNotFoundError):
        return []


@route("POST", "/api/v3/admin/purge/comment", PurgeComment, login=True)
def purge_comment(call: Call, form: PurgeComment) -> Json:
    """Delete a comment; pictures in it stay."""
    require_admin(call)
    comment = comments.existing_comment(call, form.comment_id)
    check_higher_admin(call, comment.creator_id)
    call.state.drop_comment(comment)
    note(call, ModlogActionType.ADMIN_PURGE_COMMENT, post_id=comment.post_id, reason=form.reason)
    return _DONE


@route("POST", "/api/v3/admin/purge/person", PurgePerson, login=True)
def purge_person(call: Call, form: PurgePerson) -> Json:
    """Overwrite what somebody wrote and delete what he uploaded; a banned shell stays."""
    require_admin(call)
    check_higher_admin(call, form.person_id)
    person = call.state.people.get(form.person_id)
    if person is None:
        raise LemmyError("couldnt_find_person")
    ban_remote_from_local_communities(call, person, ban=True, reason=form.reason, expires=None)
    purge_account(call.server, person)
    note(call, ModlogActionType.ADMIN_PURGE_PERSON, reason=form.reason)
    return _DONE


@route("POST", "/api/v3/admin/purge/community", PurgeCommunity, login=True)
def purge_community(call: Call, form: PurgeCommunity) -> Json:
    """Delete a community with its posts; no file is touched."""
    require_admin(call)
    community = existing_community(call.state, form.community_id)
    check_higher_admin(call, *call.state.moderators_of(community.id))
    call.state.drop_community(community)
    note(call, ModlogActionType.ADMIN_PURGE_COMMUNITY, reason=form.reason)
    return _DONE
