"""Forms of the calls about the site, its images, the mod log and search."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.v4.choices import (
    CommentSortType,
    FederationMode,
    ImageMode,
    InstancesKind,
    ListingType,
    PostListingMode,
    PostSortType,
    RegistrationMode,
    SearchType,
)


@form
class Page:
    """Calls that only list."""

    page_cursor: str | None = None
    limit: Long | None = None


@form
class GetImage:
    """GET /image/ALIAS."""

    file_type: str | None = None
    max_size: Id | None = None


@form
class ImageProxy:
    """GET /image/proxy."""

    url: str
    file_type: str | None = None
    max_size: Id | None = None


@form
class DeleteImage:
    """DELETE /image and /account/media."""

    filename: str


@form
class GetModlog:
    """GET /modlog. ``type_`` is read by hand: a kind, or all of them."""

    mod_person_id: Id | None = None
    community_id: Id | None = None
    type_: str | None = None
    listing_type: ListingType | None = None
    other_person_id: Id | None = None
    post_id: Id | None = None
    comment_id: Id | None = None
    show_bulk: bool | None = None
    bulk_action_parent_id: Id | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class Search:
    """GET /search."""

    search_term: str
    community_id: Id | None = None
    community_name: str | None = None
    creator_id: Id | None = None
    creator_username: str | None = None
    type_: SearchType | None = None
    time_range_seconds: Id | None = None
    listing_type: ListingType | None = None
    title_only: bool | None = None
    post_url_only: bool | None = None
    show_nsfw: bool | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class ResolveObject:
    """GET /resolve_object."""

    q: str


@form
class GetFederatedInstances:
    """GET /federated_instances."""

    kind: InstancesKind
    domain_filter: str | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class AdminBlockInstance:
    """POST /admin/instance/block."""

    instance: str
    block: bool
    reason: str
    expires_at: Long | None = None


@form
class AdminAllowInstance:
    """POST /admin/instance/allow."""

    instance: str
    allow: bool
    reason: str


@form
class CreateTagline:
    """POST /admin/tagline."""

    content: str


@form
class EditSite:
    """PUT /site."""

    name: str | None = None
    sidebar: str | None = None
    summary: str | None = None
    community_creation_admin_only: bool | None = None
    email_verification_required: bool | None = None
    application_question: str | None = None
    private_instance: bool | None = None
    default_theme: str | None = None
    default_post_listing_type: ListingType | None = None
    default_post_listing_mode: PostListingMode | None = None
    default_post_sort_type: PostSortType | None = None
    default_items_per_page: Id | None = None
    default_post_time_range_seconds: Id | None = None
    default_comment_sort_type: CommentSortType | None = None
    legal_information: str | None = None
    application_email_admins: bool | None = None
    federation_signed_fetch: bool | None = None
    discussion_languages: list[Id] | None = None
    slur_filter_regex: str | None = None
    rate_limit_message_max_requests: Id | None = None
    rate_limit_message_interval_seconds: Id | None = None
    rate_limit_post_max_requests: Id | None = None
    rate_limit_post_interval_seconds: Id | None = None
    rate_limit_register_max_requests: Id | None = None
    rate_limit_register_interval_seconds: Id | None = None
    rate_limit_image_max_requests: Id | None = None
    rate_limit_image_interval_seconds: Id | None = None
    rate_limit_comment_max_requests: Id | None = None
    rate_limit_comment_interval_seconds: Id | None = None
    rate_limit_search_max_requests: Id | None = None
    rate_limit_search_interval_seconds: Id | None = None
    federation_enabled: bool | None = None
    blocked_urls: list[str] | None = None
    registration_mode: RegistrationMode | None = None
    reports_email_admins: bool | None = None
    content_warning: str | None = None
    oauth_registration: bool | None = None
    post_upvotes: FederationMode | None = None
    post_downvotes: FederationMode | None = None
    comment_upvotes: FederationMode | None = None
    comment_downvotes: FederationMode | None = None
    nsfw_content_disallowed: bool | None = None
    email_notifications_disabled: bool | None = None
    image_mode: ImageMode | None = None
    image_proxy_bypass_domains: str | None = None
    image_upload_timeout_seconds: Id | None = None
    image_max_thumbnail_size: Id | None = None
    image_max_avatar_size: Id | None = None
    image_max_banner_size: Id | None = None
    image_max_upload_size: Id | None = None
    image_allow_video_uploads: bool | None = None
    image_upload_disabled: bool | None = None
    max_invites_per_user_allowed: Id | None = None
