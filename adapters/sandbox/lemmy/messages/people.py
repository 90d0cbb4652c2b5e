"""Forms of the calls about accounts, their settings, bans and uploads."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.messages.choices import ListingType, PostListingMode, SortType


@form
class Login:
    """POST /user/login."""

    username_or_email: str
    password: str
    totp_2fa_token: str | None = None


@form
class Register:
    """POST /user/register."""

    username: str
    password: str
    password_verify: str
    show_nsfw: bool | None = None
    email: str | None = None
    captcha_uuid: str | None = None
    captcha_answer: str | None = None
    honeypot: str | None = None
    answer: str | None = None


@form
class SaveUserSettings:
    """PUT /user/save_user_settings."""

    show_nsfw: bool | None = None
    blur_nsfw: bool | None = None
    auto_expand: bool | None = None
    theme: str | None = None
    default_sort_type: SortType | None = None
    default_listing_type: ListingType | None = None
    interface_language: str | None = None
    avatar: str | None = None
    banner: str | None = None
    display_name: str | None = None
    email: str | None = None
    bio: str | None = None
    matrix_user_id: str | None = None
    show_avatars: bool | None = None
    send_notifications_to_email: bool | None = None
    bot_account: bool | None = None
    show_bot_accounts: bool | None = None
    show_read_posts: bool | None = None
    discussion_languages: list[Id] | None = None
    open_links_in_new_tab: bool | None = None
    infinite_scroll_enabled: bool | None = None
    post_listing_mode: PostListingMode | None = None
    enable_keyboard_navigation: bool | None = None
    enable_animated_images: bool | None = None
    collapse_bot_comments: bool | None = None
    show_scores: bool | None = None
    show_upvotes: bool | None = None
    show_downvotes: bool | None = None
    show_upvote_percentage: bool | None = None


@form
class UpdateTotp:
    """POST /user/totp/update."""

    totp_token: str
    enabled: bool


@form
class GetPersonDetails:
    """GET /user."""

    person_id: Id | None = None
    username: str | None = None
    sort: SortType | None = None
    page: Long | None = None
    limit: Long | None = None
    community_id: Id | None = None
    saved_only: bool | None = None


@form
class BanPerson:
    """POST /user/ban."""

    person_id: Id
    ban: bool
    remove_data: bool | None = None
    reason: str | None = None
    expires: Long | None = None


@form
class BlockPerson:
    """POST /user/block."""

    person_id: Id
    block: bool


@form
class GetReportCount:
    """GET /user/report_count."""

    community_id: Id | None = None


@form
class AddAdmin:
    """POST /admin/add."""

    person_id: Id
    added: bool


@form
class ListMedia:
    """GET /account/list_media and /admin/list_all_media."""

    page: Long | None = None
    limit: Long | None = None


@form
class GetApplication:
    """GET /admin/registration_application."""

    person_id: Id


@form
class ListApplications:
    """GET /admin/registration_application/list."""

    unread_only: bool | None = None
    page: Long | None = None
    limit: Long | None = None


@form
class ApproveApplication:
    """PUT /admin/registration_application/approve."""

    id: Id
    approve: bool
    deny_reason: str | None = None


@form
class PurgePerson:
    """POST /admin/purge/person."""

    person_id: Id
    reason: str | None = None
