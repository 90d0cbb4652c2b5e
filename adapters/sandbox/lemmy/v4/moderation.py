"""What moderators and administrators do through API v4. A reason is asked for everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.sandbox.lemmy import moderation
from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError, unknown
from adapters.sandbox.lemmy.messages import people as old
from adapters.sandbox.lemmy.moderation import close_report, set_community_ban
from adapters.sandbox.lemmy.rights import (
    check_higher_admin,
    check_higher_mod_or_admin,
    check_mod_action,
    existing_community,
    expiry,
    require_admin,
)
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_length
from adapters.sandbox.lemmy.v4 import comments, posts
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.erasure import remove_or_restore_later, set_removed
from adapters.sandbox.lemmy.v4.messages.content import (
    BanFromCommunity,
    FeaturePost,
    LockComment,
    LockPost,
    RemoveComment,
    RemovePost,
    WarnComment,
    WarnPost,
)
from adapters.sandbox.lemmy.v4.messages.people import AddAdmin, BanPerson
from adapters.sandbox.lemmy.v4.modlog import about_comment, about_post, write
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Comment, Json, Person, Post


def _close_reports(call: Call, *, post: Post | None = None, comment: Comment | None = None) -> None:
    """Whatever is done to a thing closes its reports."""
    state = call.state
    for report in state.post_reports.values():
        if post is not None and report.post_id == post.id:
            close_report(report, call.me.person_id)
    for remark in state.comment_reports.values():
        if comment is not None and remark.comment_id == comment.id:
            close_report(remark, call.me.person_id)


@route("POST", "/api/v4/post/remove", RemovePost, login=True)
def remove_post(call: Call, form: RemovePost) -> Json:
    """Remove or restore a post, with its comments if ``remove_children`` says which. Its files stay where they are."""
    post = posts.existing(call, form.post_id)
    check_mod_action(call, post.community_id)
    check_higher_mod_or_admin(call, post.community_id, post.creator_id)
    removed = form.removed if form.remove_children is None else form.remove_children
    post.removed = removed
    _close_reports(call, post=post)
    me = call.me.person_id
    write(call.server, me, "mod_remove_post", done=removed, reason=form.reason, **about_post(post))
    if form.remove_children is not None:
        for comment_id in call.state.comments_of.get(post.id, ()):
            _remove_comment(call, call.state.comments[comment_id], removed=removed, reason=form.reason)
    return posts.answer_with(call, post)


def _remove_comment(call: Call, comment: Comment, *, removed: bool, reason: str) -> None:
    comment.removed = removed
    _close_reports(call, comment=comment)
    if comment.deleted:
        return  # the mod log would show its text
    facts = about_comment(call.server, comment)
    write(call.server, call.me.person_id, "mod_remove_comment", done=removed, reason=reason, **facts)


def _answers_to(call: Call, comment: Comment) -> list[Comment]:
    """All that is below it."""
    around = (call.state.comments[comment_id] for comment_id in call.state.comments_of[comment.post_id])
    return [one for one in around if one.path.startswith(comment.path + ".")]


@route("POST", "/api/v4/comment/remove", RemoveComment, login=True)
def remove_comment(call: Call, form: RemoveComment) -> Json:
    """Remove or restore a comment, unless its author deleted it; with the answers to it if asked."""
    comment = comments.existing(call, form.comment_id)
    community_id = call.state.posts[comment.post_id].community_id
    check_mod_action(call, community_id)
    check_higher_mod_or_admin(call, community_id, comment.creator_id)
    if comment.deleted:
        raise LemmyError("couldnt_update")
    removed = form.removed if form.remove_children is None else form.remove_children
    _remove_comment(call, comment, removed=removed, reason=form.reason)
    if form.remove_children is not None:
        for below in _answers_to(call, comment):
            _remove_comment(call, below, removed=removed, reason=form.reason)
    return comments.answer_with(call, comment)


@route("POST", "/api/v4/post/lock", LockPost, login=True)
def lock_post(call: Call, form: LockPost) -> Json:
    """Close or open the comments of a post."""
    post = posts.existing(call, form.post_id)
    check_mod_action(call, post.community_id)
    post.locked = form.locked
    me = call.me.person_id
    write(call.server, me, "mod_lock_post", done=form.locked, reason=form.reason, **about_post(post))
    return posts.answer_with(call, post)


@route("POST", "/api/v4/comment/lock", LockComment, login=True)
def lock_comment(call: Call, form: LockComment) -> Json:
    """Close or open a comment and the answers to it."""
    comment = comments.existing(call, form.comment_id)
    check_mod_action(call, call.state.posts[comment.post_id].community_id)
    for one in (comment, *_answers_to(call, comment)):
        one.locked = form.locked
    facts = about_comment(call.server, comment)
    write(call.server, call.me.person_id, "mod_lock_comment", done=form.locked, reason=form.reason, **facts)
    return comments.answer_with(call, comment)


@route("POST", "/api/v4/post/warn", WarnPost, login=True)
def warn_post(call: Call, form: WarnPost) -> Json:
    """Tell the author of a post off; nothing else becomes of it."""
    post = posts.existing(call, form.post_id)
    check_mod_action(call, post.community_id)
    check_higher_mod_or_admin(call, post.community_id, post.creator_id)
    write(call.server, call.me.person_id, "mod_warn_post", reason=form.reason, **about_post(post))
    return posts.answer_with(call, post)


@route("POST", "/api/v4/comment/warn", WarnComment, login=True)
def warn_comment(call: Call, form: WarnComment) -> Json:
    """Tell the author of a comment off."""
    comment = comments.existing(call, form.comment_id)
    community_id = call.state.posts[comment.post_id].community_id
    check_mod_action(call, community_id)
    check_higher_mod_or_admin(call, community_id, comment.creator_id)
    facts = about_comment(call.server, comment)
    write(call.server, call.me.person_id, "mod_warn_comment", reason=form.reason, **facts)
    return comments.answer_with(call, comment)


@route("POST", "/api/v4/post/feature", FeaturePost, login=True)
def feature_post(call: Call, form: FeaturePost) -> Json:
    """Pin a post, or let it go."""
    post = posts.existing(call, form.post_id)
    check_mod_action(call, post.community_id)
    place: dict[str, Any] = {"community_id": post.community_id, "post_id": post.id}
    me = call.me.person_id
    if form.feature_type == "community":
        post.featured_community = form.featured
        write(call.server, me, "mod_feature_post_community", done=form.featured, **place)
    else:
        require_admin(call)
        post.featured_local = form.featured
        here = call.state.site.instance_id
        write(call.server, me, "admin_feature_post_site", done=form.featured, instance_id=here, **place)
    return posts.answer_with(call, post)


def _person(call: Call, person_id: int, table: str) -> Person:
    """Somebody to ban; of somebody who is not there the database itself complains."""
    person = call.state.people.get(person_id)
    if person is None:
        complaint = ConstraintError(table, "person_id")
        raise complaint if table == "community_actions" else unknown(str(complaint.message))
    return person


@route("POST", "/api/v4/admin/ban", BanPerson, login=True)
def ban_person(call: Call, form: BanPerson) -> Json:
    """Ban from the site, or let back in. Tokens stay good: the banned still come in and upload.

    A ban without an end upon a ban with one does not take the end away.
    """
    require_admin(call)
    check_higher_admin(call, form.person_id)
    check_length(form.reason, BODY_LIMIT, "invalid_body_field")
    expires = expiry(form.expires_at)
    person = _person(call, form.person_id, "instance_actions")
    person.ban_expires = (expires or person.ban_expires) if form.ban else None
    person.banned = form.ban
    here = call.state.site.instance_id
    entry = write(
        call.server,
        call.me.person_id,
        "admin_ban",
        done=form.ban,
        reason=form.reason,
        expires=expires,
        person_id=person.id,
        instance_id=here,
    )
    view = Views.of(call).person_view(person)
    if form.remove_or_restore_data:
        remove_or_restore_later(call.server, person, entry)
    return {"person_view": view}


@route("POST", "/api/v4/community/ban_user", BanFromCommunity, login=True)
def ban_from_community(call: Call, form: BanFromCommunity) -> Json:
    """Ban from a community, or let back in."""
    expires = expiry(form.expires_at)
    existing_community(call.state, form.community_id)
    check_mod_action(call, form.community_id)
    check_higher_mod_or_admin(call, form.community_id, form.person_id)
    check_length(form.reason, BODY_LIMIT, "invalid_body_field")
    person = _person(call, form.person_id, "community_actions")
    set_community_ban(call, form.community_id, person.id, ban=form.ban, expires=expires)
    if form.ban:
        call.server.v4.did("ban", form.community_id, person.id)
    facts = {"person_id": person.id, "community_id": form.community_id}
    entry = write(
        call.server,
        call.me.person_id,
        "mod_ban_from_community",
        done=form.ban,
        reason=form.reason,
        expires=expires,
        **facts,
    )
    if form.remove_or_restore_data:
        _remove_or_restore_there(call, form, parent=entry.id)
    return {"person_view": Views.of(call).person_view(person)}


def _remove_or_restore_there(call: Call, form: BanFromCommunity, *, parent: int) -> None:
    state, me = call.state, call.me.person_id
    for post in state.posts.values():
        if post.creator_id == form.person_id and post.community_id == form.community_id:
            set_removed(post, removed=form.ban)
            if form.ban:
                state.post_votes.pop(post.id, None)  # everybody's: so it is in crates/db_schema/src/impls/post.rs
            part = {"reason": form.reason, "parent_id": parent}
            write(call.server, me, "mod_remove_post", done=form.ban, **part, **about_post(post))
    for comment in state.comments.values():
        facts = about_comment(call.server, comment)
        if comment.creator_id == form.person_id and facts["community_id"] == form.community_id:
            set_removed(comment, removed=form.ban)
            if form.ban:
                state.comment_votes.pop(comment.id, None)
            write(call.server, me, "mod_remove_comment", done=form.ban, reason=form.reason, parent_id=parent, **facts)


@route("POST", "/api/v4/admin/add", AddAdmin, login=True)
def add_admin(call: Call, form: AddAdmin) -> Json:
    """Make somebody an administrator, or take that away.

    The recorded server marked the making as a revert, and so it is here.
    """
    moderation.add_admin(call, old.AddAdmin(person_id=form.person_id, added=form.added))
    here = call.state.site.instance_id
    me = call.me.person_id
    write(call.server, me, "admin_add", done=not form.added, person_id=form.person_id, instance_id=here)
    views = Views.of(call)
    return {"admins": [views.person_view(person) for person in call.state.admins()]}
