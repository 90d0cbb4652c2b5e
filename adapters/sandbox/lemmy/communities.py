"""Communities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.lookup import named_community
from adapters.sandbox.lemmy.messages.choices import ModlogActionType
from adapters.sandbox.lemmy.messages.communities import (
    AddModToCommunity,
    BlockCommunity,
    CreateCommunity,
    DeleteCommunity,
    EditCommunity,
    FollowCommunity,
    GetCommunity,
    HideCommunity,
    RemoveCommunity,
)
from adapters.sandbox.lemmy.modlog import note
from adapters.sandbox.lemmy.profiles import replaced_picture
from adapters.sandbox.lemmy.proxying import proxied_image
from adapters.sandbox.lemmy.rights import (
    check_higher_mod_or_admin,
    check_mod_action,
    check_user_action,
    existing_community,
    is_mod_or_admin,
    require_admin,
)
from adapters.sandbox.lemmy.rows import Community, as_json
from adapters.sandbox.lemmy.state import all_languages
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_actor_name, check_length, url_to_create
from adapters.sandbox.lemmy.views import community_view, moderator_views
from adapters.sandbox.lemmy.wording import check_slurs, processed

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json

_ACCEPT_SECONDS = 1.0  # until a remote community has answered a request to follow it


def shown_languages(languages: set[int]) -> list[int]:
    """The languages of something; all of them are written as none."""
    return [] if len(languages) == len(all_languages()) else sorted(languages)


def answer_with(call: Call, community: Community) -> Json:
    """``CommunityResponse``."""
    gone = community.removed or community.deleted
    if gone and not is_mod_or_admin(call, community.id):
        raise LemmyError("couldnt_find_community")
    return {
        "community_view": community_view(call.state, community, call.viewer_id),
        "discussion_languages": shown_languages(community.languages),
    }


@route("POST", "/api/v3/community", CreateCommunity, bucket="register", login=True, locked=False)
def create_community(call: Call, form: CreateCommunity) -> Json:
    """Found a community; its founder moderates and follows it."""
    state, site = call.state, call.state.local_site
    if site.community_creation_admin_only and not call.me.admin:
        raise LemmyError("only_admins_can_create_communities")
    check_slurs(state, form.name)
    check_slurs(state, form.title)
    description = processed(call.server, form.description)
    icon, banner = url_to_create(form.icon), url_to_create(form.banner)
    icon = None if icon is None else proxied_image(call.server, icon)
    banner = None if banner is None else proxied_image(call.server, banner)
    check_actor_name(form.name, site.actor_name_max_length)
    check_length(form.description, BODY_LIMIT, "invalid_body_field")
    with state.lock:
        if state.community_by_name(form.name) is not None:
            raise LemmyError("community_already_exists")
        languages = set(form.discussion_languages or ()) or call.me.languages & state.site_languages
        if not languages <= state.site_languages:
            raise LemmyError("language_not_allowed")
        community = Community(
            id=state.next_id("community"),
            name=form.name,
            title=form.title,
            description=description,
            icon=icon,
            banner=banner,
            nsfw=bool(form.nsfw),
            posting_restricted_to_mods=bool(form.posting_restricted_to_mods),
            visibility=str(form.visibility or "Public"),
            published=now(),
            actor_id=f"{state.url}/c/{form.name}",
            local=True,
            instance_id=state.site.instance_id,
            languages=languages,
        )
        state.communities[community.id] = community
        state.moderators[(community.id, call.me.person_id)] = now()
        state.followers[(community.id, call.me.person_id)] = False
        return answer_with(call, community)


@route("GET", "/api/v3/community", GetCommunity, private=True)
def get_community(call: Call, form: GetCommunity) -> Json:
    """One community."""
    if form.id is not None:
        community = existing_community(call.state, form.id)
    elif form.name is not None:
        try:
            community = named_community(call, form.name)
        except LemmyError as error:
            raise LemmyError("couldnt_find_community", status=error.status) from error
    else:
        raise LemmyError("no_id_given")
    answer = answer_with(call, community)
    if community.visibility == "LocalOnly" and call.viewer is None:
        raise LemmyError("couldnt_find_community")
    site = call.state.site_of(community.actor_id)
    return {
        "community_view": answer["community_view"],
        **({} if site is None else {"site": as_json(site)}),
        "moderators": moderator_views(call.state, community),
        "discussion_languages": answer["discussion_languages"],
    }


@route("PUT", "/api/v3/community", EditCommunity, login=True, locked=False)
def edit_community(call: Call, form: EditCommunity) -> Json:
    """Change a community that one moderates."""
    state = call.state
    with state.lock:
        check_mod_action(call, form.community_id)
        community = existing_community(state, form.community_id)
        check_slurs(state, form.title)
    description = processed(call.server, form.description)
    check_length(description, BODY_LIMIT, "invalid_body_field")
    icon = replaced_picture(call, form.icon, community.icon)
    banner = replaced_picture(call, form.banner, community.banner)
    with state.lock:
        if form.discussion_languages is not None:
            languages = set(form.discussion_languages) or set(state.site_languages)
            if not languages <= state.site_languages:
                raise LemmyError("language_not_allowed")
            community.languages = languages
        community.title = community.title if form.title is None else form.title
        community.description = community.description if form.description is None else (description or None)
        community.icon, community.banner = icon, banner
        community.nsfw = community.nsfw if form.nsfw is None else form.nsfw
        if form.posting_restricted_to_mods is not None:
            community.posting_restricted_to_mods = form.posting_restricted_to_mods
        community.visibility = community.visibility if form.visibility is None else str(form.visibility)
        community.updated = now()
        return answer_with(call, community)


@route("POST", "/api/v3/community/follow", FollowCommunity, login=True)
def follow_community(call: Call, form: FollowCommunity) -> Json:
    """Follow or leave; a remote community accepts a moment later."""
    state, me = call.state, call.me.person_id
    community = existing_community(state, form.community_id)
    key = (community.id, me)
    if not form.follow:
        state.followers.pop(key, None)
    elif community.local:
        check_user_action(call, community.id, joining=True)
        # Nobody approves of anybody here: whoever asks a private community (1.0) waits.
        state.followers[key] = community.visibility == "Private" and not is_mod_or_admin(call, community.id)
    else:
        state.followers[key] = True

        def accept() -> None:
            with state.lock:
                if key in state.followers:
                    state.followers[key] = False

        state.later(_ACCEPT_SECONDS, accept)
    return answer_with(call, community)


@route("POST", "/api/v3/community/block", BlockCommunity, login=True)
def block_community(call: Call, form: BlockCommunity) -> Json:
    """Hide a community from one's own lists; that also ends the subscription."""
    state, key = call.state, (form.community_id, call.me.person_id)
    community = state.communities.get(form.community_id)
    if community is None:
        raise LemmyError("community_block_already_exists")
    if form.block:
        state.community_blocks.add(key)
        state.followers.pop(key, None)
    else:
        state.community_blocks.discard(key)
    return {"community_view": community_view(state, community, call.viewer_id), "blocked": form.block}


@route("POST", "/api/v3/community/remove", RemoveCommunity, login=True)
def remove_community(call: Call, form: RemoveCommunity) -> Json:
    """Remove or restore a community; only administrators."""
    check_mod_action(call, form.community_id, allow_deleted=True)
    require_admin(call)
    community = existing_community(call.state, form.community_id)
    community.removed = form.removed
    note(call, ModlogActionType.MOD_REMOVE_COMMUNITY, community_id=community.id, reason=form.reason, on=form.removed)
    return answer_with(call, community)


@route("POST", "/api/v3/community/delete", DeleteCommunity, login=True)
def delete_community(call: Call, form: DeleteCommunity) -> Json:
    """Delete or restore a community; only its first moderator."""
    check_mod_action(call, form.community_id, allow_deleted=True)
    community = existing_community(call.state, form.community_id)
    if call.state.moderators_of(community.id)[:1] != [call.me.person_id]:
        raise LemmyError("not_top_mod")
    community.deleted = form.deleted
    return answer_with(call, community)


@route("PUT", "/api/v3/community/hide", HideCommunity, login=True)
def hide_community(call: Call, form: HideCommunity) -> Json:
    """Keep a community out of the general lists."""
    require_admin(call)
    community = existing_community(call.state, form.community_id)
    community.hidden = form.hidden
    note(call, ModlogActionType.MOD_HIDE_COMMUNITY, community_id=community.id, reason=form.reason, on=form.hidden)
    return {"success": True}


@route("POST", "/api/v3/community/mod", AddModToCommunity, login=True)
def add_moderator(call: Call, form: AddModToCommunity) -> Json:
    """Make somebody a moderator, or take that away."""
    state, key = call.state, (form.community_id, form.person_id)
    check_mod_action(call, form.community_id)
    if not form.added:
        check_higher_mod_or_admin(call, form.community_id, form.person_id)
    community = existing_community(state, form.community_id)
    if call.me.admin and not community.local and not state.is_moderator(community.id, call.me.person_id):
        raise LemmyError("not_a_moderator")
    if form.person_id not in state.people or (form.added and key in state.moderators):
        raise LemmyError("community_moderator_already_exists")
    if form.added:
        state.moderators[key] = now()
    else:
        state.moderators.pop(key, None)
    note(
        call,
        ModlogActionType.MOD_ADD_COMMUNITY,
        other_person_id=form.person_id,
        community_id=community.id,
        on=not form.added,
    )
    return {"moderators": moderator_views(state, community)}
