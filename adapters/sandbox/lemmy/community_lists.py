"""Lists of communities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.messages.communities import ListCommunities
from adapters.sandbox.lemmy.text import matches, span
from adapters.sandbox.lemmy.views import community_counts, community_view

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Community, Json


def list_communities(
    call: Call,
    *,
    sort: str | None,
    listing: str | None,
    show_nsfw: bool,
    page: slice,
    term: str | None = None,
) -> list[Community]:
    """One page of communities; administrators also see what is removed, deleted or hidden."""
    state, me = call.state, call.viewer_id

    def shows(community: Community) -> bool:
        follows = me is not None and (community.id, me) in state.followers
        if not call.viewer_is_admin and (community.removed or community.deleted or (community.hidden and not follows)):
            return False
        if term is not None and not matches(term, community.name, community.title):
            return False
        if (listing == "Subscribed" and not follows) or (listing == "Local" and not community.local):
            return False
        wants_nsfw = show_nsfw or (call.viewer.show_nsfw if call.viewer else state.site.content_warning is not None)
        if community.nsfw and not wants_nsfw:
            return False
        if (community.id, me) in state.community_blocks or (community.instance_id, me) in state.instance_blocks:
            return False
        return community.visibility == "Public" or me is not None

    found = [community for community in state.communities.values() if shows(community)]
    if sort == "New":
        found.sort(key=lambda community: community.published, reverse=True)
    elif sort == "Old":
        found.sort(key=lambda community: community.published)
    elif sort in {"MostComments", "Controversial"}:
        found.sort(key=lambda community: community_counts(state, community)["comments"], reverse=True)
    elif sort in {"TopAll", "TopYear", "TopNineMonths"}:
        found.sort(key=lambda community: community_counts(state, community)["subscribers"], reverse=True)
    return found[page]


@route("GET", "/api/v3/community/list", ListCommunities, private=True)
def get_communities(call: Call, form: ListCommunities) -> Json:
    """A page of communities."""
    show_nsfw = form.show_nsfw
    if show_nsfw is None:
        show_nsfw = call.state.site.content_warning is not None
    found = list_communities(
        call,
        sort=None if form.sort is None else str(form.sort),
        listing=None if form.type_ is None else str(form.type_),
        show_nsfw=show_nsfw,
        page=span(form.page, form.limit),
    )
    return {"communities": [community_view(call.state, community, call.viewer_id) for community in found]}
