"""Forms of the calls about accounts, people, private messages and bans."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.v4.choices import (
    CommentSortType,
    ListingType,
    LocalUserSortType,
    PersonContentType,
    PersonListingType,
    PersonSortType,
    PostListingMode,
    PostSortType,
    VoteShow,
)


@form
class Login:
    """POST /account/auth/login."""

    username_or_email: str
    password: str
    totp_2fa_token: str | None = None
    stay_logged_in: bool | None = None


@form
class Register:
    """POST /account/auth/register."""

    username: str
    password: str
    password_verify: str
    show_nsfw: bool | None = None
    email: str | None = None
    captcha_uuid: str | None = None
    captcha_answer: str | None = None
    honeypot: str | None = None
    answer: str | None = None
    stay_logged_in: bool | None = None


@form
class SaveUserSettings:
    """PUT /account/settings/save."""

    show_nsfw: bool | None = None
    blur_nsfw: bool | None = None
    theme: str | None = None
    default_listing_type: ListingType | None = None
    post_listing_mode: PostListingMode | None = None
    default_post_sort_type: PostSortType | None = None
    default_post_time_range_seconds: Id | None = None
    default_items_per_page: Id | None = None
    default_comment_sort_type: CommentSortType | None = None
    interface_language: str | None = None
    display_name: str | None = None
    email: str | None = None
    bio: str | None = None
    matrix_user_id: str | None = None
    show_avatars: bool | None = None
    show_media: bool | None = None
    send_notifications_to_email: bool | None = None
    bot_account: bool | None = None
    show_bot_accounts: bool | None = None
    show_read_posts: bool | None = None
    discussion_languages: list[Id] | None = None
    blocking_keywords: list[str] | None = None
    open_links_in_new_tab: bool | None = None
    infinite_scroll_enabled: bool | None = None
    animated_images_enabled: bool | None = None
    private_messages_enabled: bool | None = None
    collapse_bot_comments: bool | None = None
    show_score: bool | None = None
    show_upvotes: bool | None = None
    show_downvotes: VoteShow | None = None
    show_upvote_percentage: bool | None = None
    auto_mark_fetched_posts_as_read: bool | None = None
    hide_posts_with_media: bool | None = None
    show_person_votes: bool | None = None


@form
class UpdateTotp:
    """POST /account/auth/totp/edit."""

    totp_token: str
    enabled: bool


@form
class BlockPerson:
    """POST /account/block/person."""

    person_id: Id
    block: bool


@form
class BlockCommunity:
    """POST /account/block/community."""

    community_id: Id
    block: bool


@form
class GetPerson:
    """GET /person."""

    person_id: Id | None = None
    username: str | None = None


@form
class ListPersonContent:
    """GET /person/content."""

    type_: PersonContentType | None = None
    person_id: Id | None = None
    username: str | None = None
    community_id: Id | None = None
    community_name: str | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class ListPersons:
    """GET /person/list."""

    type_: PersonListingType | None = None
    sort: PersonSortType | None = None
    search_term: str | None = None
    search_title_only: bool | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class AdminListUsers:
    """GET /admin/users."""

    banned_only: bool | None = None
    sort: LocalUserSortType | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class BanPerson:
    """POST /admin/ban."""

    person_id: Id
    ban: bool
    reason: str
    remove_or_restore_data: bool | None = None
    expires_at: Long | None = None


@form
class AddAdmin:
    """POST /admin/add."""

    person_id: Id
    added: bool


@form
class PurgePerson:
    """POST /admin/purge/person."""

    person_id: Id
    reason: str


@form
class CreatePrivateMessage:
    """POST /private_message."""

    content: str
    recipient_id: Id


@form
class DeletePrivateMessage:
    """DELETE /private_message."""

    private_message_id: Id
    deleted: bool


@form
class GetApplication:
    """GET /admin/registration_application."""

    person_id: Id


@form
class EditPrivateMessage:
    """PUT /private_message."""

    private_message_id: Id
    content: str


@form
class ReportPrivateMessage:
    """POST /private_message/report."""

    private_message_id: Id
    reason: str


@form
class ApproveApplication:
    """PUT /admin/registration_application/approve."""

    id: Id
    approve: bool
    deny_reason: str | None = None


@form
class ListApplications:
    """GET /admin/registration_application/list."""

    unread_only: bool | None = None
    page_cursor: str | None = None
    limit: Long | None = None
