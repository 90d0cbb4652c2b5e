"""What moderators and administrators do: remove, restore, lock, pin, ban."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import comments, posts
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.erasure import remove_data, remove_data_in_community
from adapters.sandbox.lemmy.errors import LemmyError, record_not_found
from adapters.sandbox.lemmy.messages.choices import ModlogActionType, PostFeatureType
from adapters.sandbox.lemmy.messages.comments import RemoveComment
from adapters.sandbox.lemmy.messages.communities import BanFromCommunity
from adapters.sandbox.lemmy.messages.people import AddAdmin, BanPerson
from adapters.sandbox.lemmy.messages.posts import FeaturePost, LockPost, RemovePost
from adapters.sandbox.lemmy.modlog import note
from adapters.sandbox.lemmy.rights import (
    check_higher_admin,
    check_higher_mod_or_admin,
    check_mod_action,
    expiry,
    require_admin,
)
from adapters.sandbox.lemmy.sessions import log_out_everywhere
from adapters.sandbox.lemmy.site import general_answer
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_length
from adapters.sandbox.lemmy.views import person_view

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import CommentReport, Json, Person, PostReport


def close_report(report: PostReport | CommentReport, resolver: int, *, resolved: bool = True) -> None:
    """Mark a report as resolved, or as open again."""
    report.resolved, report.resolver_id, report.updated = resolved, resolver, now()


@route("POST", "/api/v3/post/remove", RemovePost, login=True)
def remove_post(call: Call, form: RemovePost) -> Json:
    """Remove or restore a post. Either closes its reports. Its files stay where they are."""
    state = call.state
    post = posts.existing_post(state, form.post_id)
    check_mod_action(call, post.community_id)
    check_higher_mod_or_admin(call, post.community_id, post.creator_id)
    post.removed = form.removed
    for report in state.post_reports.values():
        if report.post_id == post.id:
            close_report(report, call.me.person_id)
    note(call, ModlogActionType.MOD_REMOVE_POST, post_id=post.id, reason=form.reason, on=form.removed)
    return posts.answer_with(call, post)


@route("POST", "/api/v3/comment/remove", RemoveComment, login=True)
def remove_comment(call: Call, form: RemoveComment) -> Json:
    """Remove or restore a comment, unless its author deleted it. Either closes its reports."""
    state = call.state
    comment = comments.existing_comment(call, form.comment_id)
    community_id = state.posts[comment.post_id].community_id
    check_mod_action(call, community_id)
    check_higher_mod_or_admin(call, community_id, comment.creator_id)
    if comment.deleted:
        raise LemmyError("couldnt_update_comment")
    comment.removed = form.removed
    for report in state.comment_reports.values():
        if report.comment_id == comment.id:
            close_report(report, call.me.person_id)
    note(call, ModlogActionType.MOD_REMOVE_COMMENT, comment_id=comment.id, reason=form.reason, on=form.removed)
    return comments.answer_with(call, comment, comments.notified(state, comment, call.me.person_id, mentions=False))


@route("POST", "/api/v3/post/lock", LockPost, login=True)
def lock_post(call: Call, form: LockPost) -> Json:
    """Close or open the comments of a post."""
    post = posts.existing_post(call.state, form.post_id)
    check_mod_action(call, post.community_id)
    post.locked = form.locked
    note(call, ModlogActionType.MOD_LOCK_POST, post_id=post.id, on=form.locked)
    return posts.answer_with(call, post)


@route("POST", "/api/v3/post/feature", FeaturePost, login=True)
def feature_post(call: Call, form: FeaturePost) -> Json:
    """Pin a post, or let it go."""
    post = posts.existing_post(call.state, form.post_id)
    check_mod_action(call, post.community_id)
    in_community = form.feature_type == PostFeatureType.COMMUNITY
    if in_community:
        post.featured_community = form.featured
    else:
        require_admin(call)
        post.featured_local = form.featured
    note(call, ModlogActionType.MOD_FEATURE_POST, post_id=post.id, on=form.featured, in_community=in_community)
    return posts.answer_with(call, post)


@route("POST", "/api/v3/user/ban", BanPerson, login=True)
def ban_person(call: Call, form: BanPerson) -> Json:
    """Ban from the site, or let back in. ``remove_data`` removes the data in both cases."""
    state = call.state
    require_admin(call)
    check_higher_admin(call, form.person_id)
    check_length(form.reason, BODY_LIMIT, "invalid_body_field")
    expires = expiry(form.expires)
    person = state.people.get(form.person_id)
    if person is None:
        raise record_not_found("couldnt_update_user")
    person.banned, person.ban_expires = form.ban, expires
    user = state.local_user(person.id)
    if user is not None:
        log_out_everywhere(state, user)
    if form.remove_data:
        remove_data(call.server, person)
    note(
        call,
        ModlogActionType.MOD_BAN,
        other_person_id=person.id,
        reason=form.reason,
        on=form.ban,
        expires=expires,
    )
    ban_remote_from_local_communities(call, person, ban=form.ban, reason=form.reason, expires=expires)
    return {"person_view": person_view(state, person), "banned": form.ban}


def ban_remote_from_local_communities(
    call: Call, person: Person, *, ban: bool, reason: str | None, expires: datetime | None
) -> None:
    """A site ban means nothing elsewhere, so a remote person is also banned from our communities he wrote in."""
    state = call.state
    if person.local:
        return
    written = {post.community_id for post in state.posts.values() if post.creator_id == person.id}
    written |= {
        state.posts[comment.post_id].community_id
        for comment in state.comments.values()
        if comment.creator_id == person.id
    }
    for community_id in sorted(written):
        community = state.communities[community_id]
        if not community.local or community.deleted or community.removed:
            continue
        set_community_ban(call, community_id, person.id, ban=ban, expires=expires)
        note(
            call,
            ModlogActionType.MOD_BAN_FROM_COMMUNITY,
            other_person_id=person.id,
            community_id=community_id,
            reason=reason,
            on=ban,
            expires=expires,
        )


def set_community_ban(call: Call, community_id: int, person_id: int, *, ban: bool, expires: datetime | None) -> None:
    """Ban from a community, which ends the subscription, or let back in."""
    if ban:
        call.state.community_bans[(community_id, person_id)] = expires
        call.state.followers.pop((community_id, person_id), None)
    else:
        call.state.community_bans.pop((community_id, person_id), None)


@route("POST", "/api/v3/community/ban_user", BanFromCommunity, login=True)
def ban_from_community(call: Call, form: BanFromCommunity) -> Json:
    """Ban from a community, or let back in."""
    state = call.state
    expires = expiry(form.expires)
    check_mod_action(call, form.community_id)
    check_higher_mod_or_admin(call, form.community_id, form.person_id)
    check_length(form.reason, BODY_LIMIT, "invalid_body_field")
    person = state.people.get(form.person_id)
    if person is None:
        raise LemmyError("community_user_already_banned")
    set_community_ban(call, form.community_id, person.id, ban=form.ban, expires=expires)
    if form.remove_data:
        remove_data_in_community(state, person, form.community_id)
    note(
        call,
        ModlogActionType.MOD_BAN_FROM_COMMUNITY,
        other_person_id=person.id,
        community_id=form.community_id,
        reason=form.reason,
        on=form.ban,
        expires=expires,
    )
    return {"person_view": person_view(state, person), "banned": form.ban}


@route("POST", "/api/v3/admin/add", AddAdmin, login=True)
def add_admin(call: Call, form: AddAdmin) -> Json:
    """Make somebody an administrator, or take that away."""
    state = call.state
    require_admin(call)
    if not form.added:
        check_higher_admin(call, form.person_id)
    user = state.local_user(form.person_id)
    if user is None:
        raise LemmyError("object_not_local")
    user.admin = form.added
    note(call, ModlogActionType.MOD_ADD, other_person_id=form.person_id, on=not form.added)
    return {"admins": [person_view(state, person) for person in state.admins()]}


@route("POST", "/api/v3/user/leave_admin", login=True)
def leave_admin(call: Call, _: Nothing) -> Json:
    """Be an administrator no longer, unless nobody else is one; answers with the site."""
    require_admin(call)
    if len(call.state.admins()) == 1:
        raise LemmyError("cannot_leave_admin")
    call.me.admin = False
    call.me.accepted_application = True  # administrators need no approval, and would be locked out now
    note(call, ModlogActionType.MOD_ADD, other_person_id=call.me.person_id, on=True)
    return general_answer(call.state)
