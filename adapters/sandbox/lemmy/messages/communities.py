"""Forms of the calls about communities."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.messages.choices import CommunityVisibility, ListingType, SortType


@form
class CreateCommunity:
    """POST /community."""

    name: str
    title: str
    description: str | None = None
    icon: str | None = None
    banner: str | None = None
    nsfw: bool | None = None
    posting_restricted_to_mods: bool | None = None
    discussion_languages: list[Id] | None = None
    visibility: CommunityVisibility | None = None


@form
class GetCommunity:
    """GET /community."""

    id: Id | None = None
    name: str | None = None


@form
class EditCommunity:
    """PUT /community."""

    community_id: Id
    title: str | None = None
    description: str | None = None
    icon: str | None = None
    banner: str | None = None
    nsfw: bool | None = None
    posting_restricted_to_mods: bool | None = None
    discussion_languages: list[Id] | None = None
    visibility: CommunityVisibility | None = None


@form
class ListCommunities:
    """GET /community/list."""

    type_: ListingType | None = None
    sort: SortType | None = None
    show_nsfw: bool | None = None
    page: Long | None = None
    limit: Long | None = None


@form
class FollowCommunity:
    """POST /community/follow."""

    community_id: Id
    follow: bool


@form
class BlockCommunity:
    """POST /community/block."""

    community_id: Id
    block: bool


@form
class BanFromCommunity:
    """POST /community/ban_user."""

    community_id: Id
    person_id: Id
    ban: bool
    remove_data: bool | None = None
    reason: str | None = None
    expires: Long | None = None


@form
class RemoveCommunity:
    """POST /community/remove."""

    community_id: Id
    removed: bool
    reason: str | None = None


@form
class DeleteCommunity:
    """POST /community/delete."""

    community_id: Id
    deleted: bool


@form
class HideCommunity:
    """PUT /community/hide."""

    community_id: Id
    hidden: bool
    reason: str | None = None


@form
class AddModToCommunity:
    """POST /community/mod."""

    community_id: Id
    person_id: Id
    added: bool


@form
class PurgeCommunity:
    """POST /admin/purge/community."""

    community_id: Id
    reason: str | None = None
