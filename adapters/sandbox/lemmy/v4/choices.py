"""The enumerations of API v4, in the order in which Lemmy lists them in its messages."""

from enum import StrEnum


class PostSortType(StrEnum):
    """Orders of posts."""

    ACTIVE = "active"
    HOT = "hot"
    NEW = "new"
    OLD = "old"
    TOP = "top"
    MOST_COMMENTS = "most_comments"
    NEW_COMMENTS = "new_comments"
    CONTROVERSIAL = "controversial"
    SCALED = "scaled"


class CommentSortType(StrEnum):
    """Orders of comments."""

    HOT = "hot"
    TOP = "top"
    NEW = "new"
    OLD = "old"
    CONTROVERSIAL = "controversial"


class CommunitySortType(StrEnum):
    """Orders of communities."""

    ACTIVE_SIX_MONTHS = "active_six_months"
    ACTIVE_MONTHLY = "active_monthly"
    ACTIVE_WEEKLY = "active_weekly"
    ACTIVE_DAILY = "active_daily"
    HOT = "hot"
    NEW = "new"
    OLD = "old"
    NAME_ASC = "name_asc"
    NAME_DESC = "name_desc"
    COMMENTS = "comments"
    POSTS = "posts"
    SUBSCRIBERS = "subscribers"
    SUBSCRIBERS_LOCAL = "subscribers_local"


class PersonSortType(StrEnum):
    """Orders of people."""

    NEW = "new"
    OLD = "old"
    POST_SCORE = "post_score"
    COMMENT_SCORE = "comment_score"


class LocalUserSortType(StrEnum):
    """Orders of accounts, and of reports without their default."""

    NEW = "new"
    OLD = "old"


class ReportSortType(StrEnum):
    """Orders of reports."""

    DEFAULT = "default"
    NEW = "new"
    OLD = "old"


class ListingType(StrEnum):
    """Which communities are listed."""

    ALL = "all"
    LOCAL = "local"
    SUBSCRIBED = "subscribed"
    MODERATOR_VIEW = "moderator_view"
    SUGGESTED = "suggested"


class PersonListingType(StrEnum):
    """Which people are listed."""

    ALL = "all"
    LOCAL = "local"


class SearchType(StrEnum):
    """What is searched."""

    ALL = "all"
    COMMENTS = "comments"
    POSTS = "posts"
    COMMUNITIES = "communities"
    USERS = "users"
    MULTI_COMMUNITIES = "multi_communities"


class PersonContentType(StrEnum):
    """What of somebody's writings is listed."""

    ALL = "all"
    COMMENTS = "comments"
    POSTS = "posts"


class ReportType(StrEnum):
    """Which reports are listed."""

    ALL = "all"
    POSTS = "posts"
    COMMENTS = "comments"
    PRIVATE_MESSAGES = "private_messages"
    COMMUNITIES = "communities"


class RegistrationMode(StrEnum):
    """Who may register."""

    CLOSED = "closed"
    REQUIRE_APPLICATION = "require_application"
    REQUIRE_INVITATION = "require_invitation"
    OPEN = "open"


class PostListingMode(StrEnum):
    """How a web page lists posts."""

    LIST = "list"
    CARD = "card"
    SMALL_CARD = "small_card"


class PostFeatureType(StrEnum):
    """Where a post is pinned."""

    LOCAL = "local"
    COMMUNITY = "community"


class CommunityVisibility(StrEnum):
    """Who sees a community."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    LOCAL_ONLY_PUBLIC = "local_only_public"
    LOCAL_ONLY_PRIVATE = "local_only_private"
    PRIVATE = "private"


class FederationMode(StrEnum):
    """Whose votes count."""

    ALL = "all"
    LOCAL = "local"
    DISABLE = "disable"


class ImageMode(StrEnum):
    """What is done with images of other servers."""

    NONE = "none"
    STORE_LINK_PREVIEWS = "store_link_previews"
    PROXY_ALL_IMAGES = "proxy_all_images"


class VoteShow(StrEnum):
    """To whom votes are shown."""

    SHOW = "show"
    SHOW_FOR_OTHERS = "show_for_others"
    HIDE = "hide"


class InstancesKind(StrEnum):
    """Which known servers are listed."""

    ALL = "all"
    LINKED = "linked"
    ALLOWED = "allowed"
    BLOCKED = "blocked"


MODLOG_KINDS = frozenset(
    (
        "admin_add",
        "admin_ban",
        "admin_allow_instance",
        "admin_block_instance",
        "admin_purge_comment",
        "admin_purge_community",
        "admin_purge_person",
        "admin_purge_post",
        "mod_add_to_community",
        "mod_ban_from_community",
        "admin_feature_post_site",
        "mod_feature_post_community",
        "mod_change_community_visibility",
        "mod_lock_post",
        "mod_remove_comment",
        "admin_remove_community",
        "mod_remove_post",
        "mod_transfer_community",
        "mod_lock_comment",
        "mod_warn_comment",
        "mod_warn_post",
    )
)
