"""Communities through API v4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import communities
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.lookup import named_community
from adapters.sandbox.lemmy.messages import communities as old
from adapters.sandbox.lemmy.messages.choices import CommunityVisibility as OldVisibility
from adapters.sandbox.lemmy.rights import (
    check_mod_action,
    check_not_banned,
    existing_community,
    is_member,
    is_mod_or_admin,
    require_admin,
)
from adapters.sandbox.lemmy.text import check_display_name, check_length, matches
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.messages.content import (
    AddModToCommunity,
    CreateCommunity,
    DeleteCommunity,
    EditCommunity,
    FollowCommunity,
    GetCommunity,
    ListCommunities,
    RemoveCommunity,
)
from adapters.sandbox.lemmy.v4.modlog import write
from adapters.sandbox.lemmy.v4.names import pascal
from adapters.sandbox.lemmy.v4.posts import default_limit
from adapters.sandbox.lemmy.v4.rows import visibility
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Community, Json
    from adapters.sandbox.lemmy.v4.choices import CommunityVisibility
    from adapters.sandbox.lemmy.v4.cursors import Key

_TITLE_LIMIT = 50
_SUMMARY_LIMIT = 150


def answer_with(call: Call, community: Community) -> Json:
    """``CommunityResponse``. Here all languages are written out."""
    gone = community.removed or community.deleted
    if gone and not is_mod_or_admin(call, community.id):
        raise not_found()
    return {
        "community_view": Views.of(call).community_view(community),
        "discussion_languages": sorted(community.languages),
    }


def _set_new(community: Community, summary: str | None, wanted: CommunityVisibility | None) -> None:
    """What 0.19 does not have, or calls otherwise."""
    if summary is not None:
        community.summary = summary or None
    if wanted is not None:
        community.hidden = wanted == "unlisted"
        community.visibility = "Public" if community.hidden else pascal(wanted)


@route("POST", "/api/v4/community", CreateCommunity, bucket="register", login=True, locked=False)
def create_community(call: Call, form: CreateCommunity) -> Json:
    """Found a community; its founder moderates and follows it."""
    check_not_banned(call)
    if form.title is not None:
        check_display_name(form.title, _TITLE_LIMIT)
    check_length(form.summary, _SUMMARY_LIMIT, "site_description_length_overflow")
    made = communities.create_community(
        call,
        old.CreateCommunity(
            name=form.name,
            title=form.title or form.name,
            description=form.sidebar,
            nsfw=form.nsfw,
            posting_restricted_to_mods=form.posting_restricted_to_mods,
            discussion_languages=form.discussion_languages,
            visibility=OldVisibility.PUBLIC,
        ),
    )
    with call.state.lock:
        community = existing_community(call.state, made["community_view"]["community"]["id"])
        _set_new(community, form.summary, form.visibility)
        call.server.v4.did("follow", community.id, call.me.person_id)
        return answer_with(call, community)


@route("GET", "/api/v4/community", GetCommunity, private=True)
def get_community(call: Call, form: GetCommunity) -> Json:
    """One community."""
    if form.id is not None:
        community = existing_community(call.state, form.id)
    elif form.name is not None:
        community = named_community(call, form.name)
    else:
        raise LemmyError("no_id_given")
    answer = answer_with(call, community)
    if visibility(community) == "local_only_private" and call.viewer is None:
        raise not_found()
    site = call.state.site_of(community.actor_id)
    return {
        "community_view": answer["community_view"],
        **({} if site is None else {"site": rows.site(site)}),
        "moderators": Views.of(call).moderator_views(community),
        "discussion_languages": answer["discussion_languages"],
    }


@route("PUT", "/api/v4/community", EditCommunity, login=True, locked=False)
def edit_community(call: Call, form: EditCommunity) -> Json:
    """Change a community that one moderates. Pictures have calls of their own."""
    if form.title is not None:
        check_display_name(form.title, _TITLE_LIMIT)
    check_length(form.summary, _SUMMARY_LIMIT, "site_description_length_overflow")
    communities.edit_community(
        call,
        old.EditCommunity(
            community_id=form.community_id,
            title=form.title,
            description=form.sidebar,
            nsfw=form.nsfw,
            posting_restricted_to_mods=form.posting_restricted_to_mods,
            discussion_languages=form.discussion_languages,
        ),
    )
    with call.state.lock:
        community = existing_community(call.state, form.community_id)
        before = visibility(community)
        _set_new(community, form.summary, form.visibility)
        if visibility(community) != before:
            write(call.server, call.me.person_id, "mod_change_community_visibility", community_id=community.id)
        return answer_with(call, community)


@route("DELETE", "/api/v4/community", DeleteCommunity, login=True)
def delete_community(call: Call, form: DeleteCommunity) -> Json:
    """Delete or restore a community; only its first moderator."""
    communities.delete_community(call, old.DeleteCommunity(community_id=form.community_id, deleted=form.deleted))
    return answer_with(call, existing_community(call.state, form.community_id))


@route("POST", "/api/v4/community/follow", FollowCommunity, login=True)
def follow_community(call: Call, form: FollowCommunity) -> Json:
    """Follow or leave; a remote community accepts a moment later."""
    check_not_banned(call)
    communities.follow_community(call, old.FollowCommunity(community_id=form.community_id, follow=form.follow))
    call.server.v4.did("follow", form.community_id, call.me.person_id)
    return answer_with(call, existing_community(call.state, form.community_id))


@route("POST", "/api/v4/community/remove", RemoveCommunity, login=True)
def remove_community(call: Call, form: RemoveCommunity) -> Json:
    """Remove or restore a community; only administrators. Its reports are closed."""
    check_mod_action(call, form.community_id, allow_deleted=True)
    require_admin(call)
    community = existing_community(call.state, form.community_id)
    community.removed = form.removed
    for report in call.server.v4.community_reports.values():
        if report.community_id == community.id:
            report.resolved, report.resolver_id, report.updated = True, call.me.person_id, now()
    owner = next(iter(call.state.moderators_of(community.id)), None)
    write(
        call.server,
        call.me.person_id,
        "admin_remove_community",
        done=form.removed,
        reason=form.reason,
        community_id=community.id,
        person_id=owner,
        instance_id=call.state.site.instance_id,
    )
    return answer_with(call, community)


@route("POST", "/api/v4/community/mod", AddModToCommunity, login=True)
def add_moderator(call: Call, form: AddModToCommunity) -> Json:
    """Make somebody a moderator, or take that away."""
    given = old.AddModToCommunity(community_id=form.community_id, person_id=form.person_id, added=form.added)
    communities.add_moderator(call, given)
    facts = {"person_id": form.person_id, "community_id": form.community_id}
    write(call.server, call.me.person_id, "mod_add_to_community", done=form.added, **facts)
    community = existing_community(call.state, form.community_id)
    return {"moderators": Views.of(call).moderator_views(community)}


def communities_wanted(
    call: Call, *, listing: str | None, show_nsfw: bool | None, term: str | None = None, title_only: bool = False
) -> list[Community]:
    """Communities by name, title, summary or sidebar; unlisted ones too. Administrators also see removed ones."""
    state, me = call.state, call.viewer_id

    def shows(row: Community) -> bool:
        follows, seen = is_member(state, row.id, me), visibility(row)
        if not call.viewer_is_admin and (row.removed or row.deleted):
            return False
        if seen == "local_only_private" and me is None:
            return False
        texts = (row.name, row.title, *(() if title_only else (row.summary, row.description)))
        if term is not None and not matches(term, *texts):
            return False
        if (listing == "subscribed" and not follows) or (listing == "local" and not row.local):
            return False
        if (listing == "moderator_view" and (row.id, me) not in state.moderators) or listing == "suggested":
            return False
        wants = show_nsfw or (call.viewer.show_nsfw if call.viewer else state.site.content_warning is not None)
        if (row.id, me) in state.community_blocks or (row.instance_id, me) in state.instance_blocks:
            return False
        return wants or not row.nsfw

    return [row for row in state.communities.values() if shows(row)]


def community_listing(call: Call, sort: str) -> Listing[Community]:
    """How they are paged."""
    rows_, counts = call.state.communities, Views.of(call).counts

    def order(row: Community) -> Key:
        numbers, published = counts.of_community(row), row.published.timestamp()
        match sort:
            case "old":
                return (-published, -row.id)
            case "name_asc":
                return (*(-ord(character) for character in row.name.lower()), 1, -row.id)
            case "name_desc":
                return (*(ord(character) for character in row.name.lower()), -1, row.id)
            case "comments" | "posts" | "subscribers" | "subscribers_local":
                return (numbers[sort], row.id)
        return (published, row.id)

    return Listing(order=order, name=lambda row: str(row.id), find=lambda text: rows_.get(number(text)))


@route("GET", "/api/v4/community/list", ListCommunities, private=True)
def list_communities(call: Call, form: ListCommunities) -> Json:
    """A page of communities."""
    wanted = communities_wanted(
        call,
        listing=None if form.type_ is None else str(form.type_),
        show_nsfw=form.show_nsfw,
        term=form.search_term,
        title_only=bool(form.search_title_only),
    )
    limit = checked_limit(form.limit, default_limit(call))
    found, around = community_listing(call, str(form.sort or "hot")).page(wanted, form.page_cursor, limit)
    views = Views.of(call)
    return {"items": [views.community_view(row) for row in found]} | around
