"""The enumerations of the API, in the order in which Lemmy lists them in its messages."""

from enum import StrEnum


class SortType(StrEnum):
    """Orders of posts, communities and people."""

    ACTIVE = "Active"
    HOT = "Hot"
    NEW = "New"
    OLD = "Old"
    TOP_DAY = "TopDay"
    TOP_WEEK = "TopWeek"
    TOP_MONTH = "TopMonth"
    TOP_YEAR = "TopYear"
    TOP_ALL = "TopAll"
    MOST_COMMENTS = "MostComments"
    NEW_COMMENTS = "NewComments"
    TOP_HOUR = "TopHour"
    TOP_SIX_HOUR = "TopSixHour"
    TOP_TWELVE_HOUR = "TopTwelveHour"
    TOP_THREE_MONTHS = "TopThreeMonths"
    TOP_SIX_MONTHS = "TopSixMonths"
    TOP_NINE_MONTHS = "TopNineMonths"
    CONTROVERSIAL = "Controversial"
    SCALED = "Scaled"


class CommentSortType(StrEnum):
    """Orders of comments."""

    HOT = "Hot"
    TOP = "Top"
    NEW = "New"
    OLD = "Old"
    CONTROVERSIAL = "Controversial"


class ListingType(StrEnum):
    """Which communities are listed."""

    ALL = "All"
    LOCAL = "Local"
    SUBSCRIBED = "Subscribed"
    MODERATOR_VIEW = "ModeratorView"


class SearchType(StrEnum):
    """What is searched."""

    ALL = "All"
    COMMENTS = "Comments"
    POSTS = "Posts"
    COMMUNITIES = "Communities"
    USERS = "Users"
    URL = "Url"


class ModlogActionType(StrEnum):
    """Kinds of entries of the mod log."""

    ALL = "All"
    MOD_REMOVE_POST = "ModRemovePost"
    MOD_LOCK_POST = "ModLockPost"
    MOD_FEATURE_POST = "ModFeaturePost"
    MOD_REMOVE_COMMENT = "ModRemoveComment"
    MOD_REMOVE_COMMUNITY = "ModRemoveCommunity"
    MOD_BAN_FROM_COMMUNITY = "ModBanFromCommunity"
    MOD_ADD_COMMUNITY = "ModAddCommunity"
    MOD_TRANSFER_COMMUNITY = "ModTransferCommunity"
    MOD_ADD = "ModAdd"
    MOD_BAN = "ModBan"
    MOD_HIDE_COMMUNITY = "ModHideCommunity"
    ADMIN_PURGE_PERSON = "AdminPurgePerson"
    ADMIN_PURGE_COMMUNITY = "AdminPurgeCommunity"
    ADMIN_PURGE_POST = "AdminPurgePost"
    ADMIN_PURGE_COMMENT = "AdminPurgeComment"


class RegistrationMode(StrEnum):
    """Who may register."""

    CLOSED = "Closed"
    REQUIRE_APPLICATION = "RequireApplication"
    OPEN = "Open"


class PostListingMode(StrEnum):
    """How a web page lists posts."""

    LIST = "List"
    CARD = "Card"
    SMALL_CARD = "SmallCard"


class PostFeatureType(StrEnum):
    """Where a post is pinned."""

    LOCAL = "Local"
    COMMUNITY = "Community"


class CommunityVisibility(StrEnum):
    """Who sees a community."""

    PUBLIC = "Public"
    LOCAL_ONLY = "LocalOnly"
