"""Forms of the calls about the site, the mod log, search and images."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.messages.choices import (
    ListingType,
    ModlogActionType,
    PostListingMode,
    RegistrationMode,
    SearchType,
    SortType,
)


@form
class Nothing:
    """No fields."""


@form
class BlockInstance:
    """POST /site/block, and in 1.0 POST /account/block/instance/communities and …/persons."""

    instance_id: Id
    block: bool


@form
class GetModlog:
    """GET /modlog."""

    mod_person_id: Id | None = None
    community_id: Id | None = None
    page: Long | None = None
    limit: Long | None = None
    type_: ModlogActionType | None = None
    other_person_id: Id | None = None
    post_id: Id | None = None
    comment_id: Id | None = None


@form
class Search:
    """GET /search."""

    q: str
    community_id: Id | None = None
    community_name: str | None = None
    creator_id: Id | None = None
    type_: SearchType | None = None
    sort: SortType | None = None
    listing_type: ListingType | None = None
    page: Long | None = None
    limit: Long | None = None
    post_title_only: bool | None = None


@form
class ResolveObject:
    """GET /resolve_object."""

    q: str


@form
class ImageProxy:
    """GET /image_proxy."""

    url: str
    format: str | None = None
    thumbnail: Id | None = None


@form
class GetImage:
    """GET /pictrs/image/ALIAS."""

    format: str | None = None
    thumbnail: Id | None = None


@form
class GetSiteMetadata:
    """GET /post/site_metadata."""

    url: str


@form
class CreateCustomEmoji:
    """POST /custom_emoji."""

    category: str
    shortcode: str
    image_url: str
    alt_text: str
    keywords: list[str]


@form
class EditSite:
    """PUT /site."""

    name: str | None = None
    sidebar: str | None = None
    description: str | None = None
    icon: str | None = None
    banner: str | None = None
    enable_downvotes: bool | None = None
    enable_nsfw: bool | None = None
    community_creation_admin_only: bool | None = None
    require_email_verification: bool | None = None
    application_question: str | None = None
    private_instance: bool | None = None
    default_theme: str | None = None
    default_post_listing_type: ListingType | None = None
    default_sort_type: SortType | None = None
    legal_information: str | None = None
    application_email_admins: bool | None = None
    hide_modlog_mod_names: bool | None = None
    discussion_languages: list[Id] | None = None
    slur_filter_regex: str | None = None
    actor_name_max_length: Id | None = None
    rate_limit_message: Id | None = None
    rate_limit_message_per_second: Id | None = None
    rate_limit_post: Id | None = None
    rate_limit_post_per_second: Id | None = None
    rate_limit_register: Id | None = None
    rate_limit_register_per_second: Id | None = None
    rate_limit_image: Id | None = None
    rate_limit_image_per_second: Id | None = None
    rate_limit_comment: Id | None = None
    rate_limit_comment_per_second: Id | None = None
    rate_limit_search: Id | None = None
    rate_limit_search_per_second: Id | None = None
    federation_enabled: bool | None = None
    federation_debug: bool | None = None
    captcha_enabled: bool | None = None
    captcha_difficulty: str | None = None
    allowed_instances: list[str] | None = None
    blocked_instances: list[str] | None = None
    blocked_urls: list[str] | None = None
    taglines: list[str] | None = None
    registration_mode: RegistrationMode | None = None
    reports_email_admins: bool | None = None
    content_warning: str | None = None
    default_post_listing_mode: PostListingMode | None = None
