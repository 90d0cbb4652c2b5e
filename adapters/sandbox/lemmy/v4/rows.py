"""Rows as API v4 writes them. Absent values are left out, here too."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import chrono
from adapters.sandbox.lemmy.v4.names import snake

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.private_messages import PrivateMessage, PrivateMessageReport
    from adapters.sandbox.lemmy.rows import (
        Comment,
        CommentReport,
        Community,
        ImageDetails,
        Json,
        LocalUser,
        Person,
        Post,
        PostReport,
    )
    from adapters.sandbox.lemmy.site_rows import Application, Site
    from adapters.sandbox.lemmy.state import Instance
    from adapters.sandbox.lemmy.v4.counts import Counts
    from adapters.sandbox.lemmy.v4.tables import CommunityReport


def present(**values: Any) -> Json:
    """Those values that are there, times as text."""
    return {
        name: chrono(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def person(row: Person, counts: Counts) -> Json:
    """``Person``: no word of a ban."""
    return present(
        id=row.id,
        name=row.name,
        display_name=row.display_name,
        avatar=row.avatar,
        published_at=row.published,
        updated_at=row.updated,
        ap_id=row.actor_id,
        bio=row.bio,
        local=row.local,
        last_refreshed_at=row.published,
        banner=row.banner,
        deleted=row.deleted,
        matrix_user_id=row.matrix_user_id,
        bot_account=row.bot_account,
        instance_id=row.instance_id,
        post_count=counts.posts_by[row.id],
        comment_count=counts.comments_by[row.id],
    )


def votes(given: dict[int, int] | None) -> Json:
    """``score``, ``upvotes`` and ``downvotes``."""
    scores = list((given or {}).values())
    ups, downs = sum(score > 0 for score in scores), sum(score < 0 for score in scores)
    return {"score": ups - downs, "upvotes": ups, "downvotes": downs}


def post(server: Server, row: Post, counts: Counts, *, body: str | None = None) -> Json:
    """``Post``; ``body``: another one than it has."""
    state = server.state
    every, open_ = counts.post_reports.get(row.id, (0, 0))
    answered = bool(state.comments_of.get(row.id))
    return present(
        id=row.id,
        name=row.name,
        url=row.url,
        body=row.body if body is None else body,
        creator_id=row.creator_id,
        community_id=row.community_id,
        removed=row.removed,
        locked=row.locked,
        published_at=row.published,
        updated_at=row.updated,
        deleted=row.deleted,
        nsfw=row.nsfw,
        embed_title=row.embed_title,
        embed_description=row.embed_description,
        thumbnail_url=row.thumbnail_url,
        ap_id=row.ap_id,
        local=row.local,
        embed_video_url=row.embed_video_url,
        language_id=row.language_id,
        featured_community=row.featured_community,
        featured_local=row.featured_local,
        url_content_type=row.url_content_type,
        alt_text=row.alt_text,
        newest_comment_time_at=row.newest_comment_time if answered else None,
        comments=state.counted_comments(row.id),
        **votes(state.post_votes.get(row.id)),
        report_count=every,
        unresolved_report_count=open_,
        federation_pending=False,
    )


def comment(server: Server, row: Comment, counts: Counts, *, content: str | None = None) -> Json:
    """``Comment``; ``content`` takes the place of its text."""
    state = server.state
    every, open_ = counts.comment_reports.get(row.id, (0, 0))
    return present(
        id=row.id,
        creator_id=row.creator_id,
        post_id=row.post_id,
        content=row.content if content is None else content,
        removed=row.removed,
        published_at=row.published,
        updated_at=row.updated,
        deleted=row.deleted,
        ap_id=row.ap_id,
        local=row.local,
        path=row.path,
        distinguished=row.distinguished,
        language_id=row.language_id,
        **votes(state.comment_votes.get(row.id)),
        child_count=state.children(row),
        report_count=every,
        unresolved_report_count=open_,
        federation_pending=False,
        locked=row.locked,
    )


def visibility(row: Community) -> str:
    """Who sees a community; what 0.19 hides is unlisted here."""
    if row.visibility == "Public" and row.hidden:
        return "unlisted"
    return {"LocalOnly": "local_only_private"}.get(row.visibility, snake(row.visibility))


def community(row: Community, counts: Counts) -> Json:
    """``Community``."""
    return present(
        id=row.id,
        name=row.name,
        title=row.title,
        sidebar=row.description,
        removed=row.removed,
        published_at=row.published,
        updated_at=row.updated,
        deleted=row.deleted,
        nsfw=row.nsfw,
        ap_id=row.actor_id,
        local=row.local,
        last_refreshed_at=row.published,
        icon=row.icon,
        banner=row.banner,
        posting_restricted_to_mods=row.posting_restricted_to_mods,
        instance_id=row.instance_id,
        visibility=visibility(row),
        summary=row.summary,
        **counts.of_community(row),
        local_removed=False,
    )


def image_details(row: ImageDetails) -> Json:
    """``ImageDetails``."""
    return present(
        link=row.link, width=row.width, height=row.height, content_type=row.content_type, blurhash=row.blurhash
    )


def site(row: Site) -> Json:
    """``Site``: what was the description is the summary now, and the key is not shown."""
    return present(
        id=row.id,
        name=row.name,
        sidebar=row.sidebar,
        published_at=row.published,
        updated_at=row.updated,
        icon=row.icon,
        banner=row.banner,
        summary=row.description,
        ap_id=row.actor_id,
        last_refreshed_at=row.last_refreshed_at,
        inbox_url=row.inbox_url,
        instance_id=row.instance_id,
        content_warning=row.content_warning,
    )


def instance(row: Instance, *, updated: datetime | None = None, software: str | None = None) -> Json:
    """``Instance``. A recorded server had a time of update for itself."""
    return present(id=row.id, domain=row.domain, published_at=row.published, updated_at=updated, software=software)


def local_user(server: Server, row: LocalUser) -> Json:
    """``LocalUser``."""
    more = asdict(server.v4.preferences_of(row.id))
    more.pop("blocking_keywords")
    private_messages, sort = more.pop("private_messages_enabled"), more.pop("default_comment_sort_type")
    return present(
        id=row.id,
        person_id=row.person_id,
        email=row.email,
        show_nsfw=row.show_nsfw,
        theme=row.theme,
        default_post_sort_type=snake(row.default_sort_type),
        default_listing_type=snake(row.default_listing_type),
        interface_language=row.interface_language,
        show_avatars=row.show_avatars,
        send_notifications_to_email=row.send_notifications_to_email,
        show_bot_accounts=row.show_bot_accounts,
        show_read_posts=row.show_read_posts,
        email_verified=row.email_verified,
        accepted_application=row.accepted_application,
        open_links_in_new_tab=row.open_links_in_new_tab,
        blur_nsfw=row.blur_nsfw,
        infinite_scroll_enabled=row.infinite_scroll_enabled,
        admin=row.admin,
        post_listing_mode=snake(row.post_listing_mode),
        totp_2fa_enabled=row.totp_2fa_enabled,
        animated_images_enabled=row.enable_animated_images,
        collapse_bot_comments=row.collapse_bot_comments,
        last_donation_notification_at=row.last_donation_notification,
        private_messages_enabled=private_messages,
        default_comment_sort_type=sort,
        **more,
    )


def _report(
    row: PostReport | CommentReport | CommunityReport | PrivateMessageReport, about: Json, *, rules: bool | None
) -> Json:
    return present(
        id=row.id,
        creator_id=row.creator_id,
        **about,
        reason=row.reason,
        resolved=row.resolved,
        resolver_id=row.resolver_id,
        published_at=row.published,
        updated_at=row.updated,
        violates_instance_rules=rules,
        conclusion=row.conclusion,
    )


def post_report(row: PostReport) -> Json:
    """``PostReport``."""
    about = {
        "post_id": row.post_id,
        "original_post_name": row.original_post_name,
        "original_post_url": row.original_post_url,
        "original_post_body": row.original_post_body,
    }
    return _report(row, about, rules=row.violates_instance_rules)


def comment_report(row: CommentReport) -> Json:
    """``CommentReport``."""
    about = {"comment_id": row.comment_id, "original_comment_text": row.original_comment_text}
    return _report(row, about, rules=row.violates_instance_rules)


def community_report(row: CommunityReport) -> Json:
    """``CommunityReport``: always for administrators."""
    about = {
        "community_id": row.community_id,
        "original_community_name": row.original_community_name,
        "original_community_title": row.original_community_title,
        "original_community_summary": row.original_community_summary,
        "original_community_sidebar": row.original_community_sidebar,
        "original_community_icon": row.original_community_icon,
        "original_community_banner": row.original_community_banner,
    }
    return _report(row, about, rules=None)


def private_message_report(row: PrivateMessageReport) -> Json:
    """``PrivateMessageReport``: always for administrators."""
    about = {"private_message_id": row.private_message_id, "original_pm_text": row.original_pm_text}
    return _report(row, about, rules=None)


def private_message(row: PrivateMessage, *, told: bool = False) -> Json:
    """``PrivateMessage``; ``told``: whether its recipient has deleted it, which nobody but himself is told."""
    return present(
        id=row.id,
        creator_id=row.creator_id,
        recipient_id=row.recipient_id,
        content=row.content,
        deleted=row.deleted,
        published_at=row.published,
        updated_at=row.updated,
        ap_id=row.ap_id,
        local=row.local,
        removed=row.removed,
        deleted_by_recipient=told and row.deleted_by_recipient,
    )


def application(row: Application) -> Json:
    """``RegistrationApplication``."""
    return present(
        id=row.id,
        local_user_id=row.local_user_id,
        answer=row.answer,
        admin_id=row.admin_id,
        deny_reason=row.deny_reason,
        published_at=row.published,
        updated_at=row.updated,
    )
