"""Purging through API v4: rows leave the database, and for posts also the files that they point at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.purges import purge_file
from adapters.sandbox.lemmy.rights import check_higher_admin, existing_community, require_admin
from adapters.sandbox.lemmy.v4 import comments, posts
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.erasure import purge_account_later
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.messages.content import ReportCommunity, WarnComment, WarnPost
from adapters.sandbox.lemmy.v4.messages.people import PurgePerson
from adapters.sandbox.lemmy.v4.modlog import about_comment, write

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json

_DONE = {"success": True}


def forget_aliases(call: Call, aliases: list[str]) -> None:
    """The rows of files that pict-rs has purged."""
    with call.state.lock:
        for alias in aliases:
            call.state.images.pop(alias, None)


def _forget_what_depended(call: Call) -> None:
    """The rows of thumbnails go away with their posts, and the mod log's entries with all that they are about.

    That is so whatever became of the files. The entry of the purge itself is written afterwards.
    """
    state, tables = call.state, call.server.v4
    state.images = {
        alias: image
        for alias, image in state.images.items()
        if image.thumbnail_for_post_id is None or image.thumbnail_for_post_id in state.posts
    }
    kept = [
        entry
        for entry in tables.modlog
        if (entry.post_id is None or entry.post_id in state.posts)
        and (entry.comment_id is None or entry.comment_id in state.comments)
        and (entry.community_id is None or entry.community_id in state.communities)
    ]
    tables.modlog[:] = kept


@route("POST", "/api/v4/admin/purge/post", WarnPost, login=True, locked=False)
def purge_post(call: Call, form: WarnPost) -> Json:
    """Delete a post, and purge the files of its link and of its thumbnail."""
    state = call.state
    with state.lock:
        require_admin(call)
        post = posts.existing(call, form.post_id)
        check_higher_admin(call, post.creator_id)
        urls = [url for url in (post.url, post.thumbnail_url) if url is not None]
    for url in urls:
        forget_aliases(call, purge_file(call.server, url))
    with state.lock:
        if post.id in state.posts:
            state.drop_post(post)
        _forget_what_depended(call)
        me = call.me.person_id
        write(call.server, me, "admin_purge_post", reason=form.reason, community_id=post.community_id)
    return _DONE


@route("POST", "/api/v4/admin/purge/comment", WarnComment, login=True)
def purge_comment(call: Call, form: WarnComment) -> Json:
    """Delete a comment; pictures in it stay."""
    require_admin(call)
    comment = comments.existing(call, form.comment_id)
    check_higher_admin(call, comment.creator_id)
    facts = about_comment(call.server, comment)
    call.state.drop_comment(comment)
    _forget_what_depended(call)
    del facts["comment_id"]
    write(call.server, call.me.person_id, "admin_purge_comment", reason=form.reason, **facts)
    return _DONE


@route("POST", "/api/v4/admin/purge/person", PurgePerson, login=True)
def purge_person(call: Call, form: PurgePerson) -> Json:
    """Overwrite what somebody wrote and delete his files, a moment later; a banned shell stays."""
    require_admin(call)
    check_higher_admin(call, form.person_id)
    person = call.state.people.get(form.person_id)
    if person is None:
        raise not_found()
    person.banned = True  # the end of a ban from before stays its end
    purge_account_later(call.server, person)
    write(call.server, call.me.person_id, "admin_purge_person", reason=form.reason)
    return _DONE


@route("POST", "/api/v4/admin/purge/community", ReportCommunity, login=True)
def purge_community(call: Call, form: ReportCommunity) -> Json:
    """Delete a community with its posts; no file is touched."""
    require_admin(call)
    community = existing_community(call.state, form.community_id)
    check_higher_admin(call, *call.state.moderators_of(community.id))
    call.state.drop_community(community)
    reports = call.server.v4.community_reports
    for number in [number for number, row in reports.items() if row.community_id == community.id]:
        del reports[number]
    _forget_what_depended(call)
    write(call.server, call.me.person_id, "admin_purge_community", reason=form.reason)
    return _DONE
