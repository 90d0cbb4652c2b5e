"""Answers of API v4 in the words of ``adapters.lemmy.wire``, which are those of API v3. Pure.

A missing field raises ``KeyError`` and its kin: the caller says whose end that is. What v4 says besides is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.lemmy.wire import Json

VISIBILITY = {
    "public": "Public",
    "unlisted": "Unlisted",
    "local_only_public": "LocalOnly",
    "local_only_private": "LocalOnly",
    "private": "Private",
}
"""LemmyNet/lemmy 1.0.0-beta.1, crates/db_schema_file/src/enums.rs, ``CommunityVisibility``."""

REGISTRATION = {"open": "Open", "require_application": "RequireApplication", "closed": "Closed"}
"""The same file, ``RegistrationMode``."""

LIMITERS = ("message", "post", "comment", "register", "image", "search")


def _dated(of: Json) -> Json:
    edited = of.get("updated_at")
    return {**of, "published": of["published_at"], **({"updated": edited} if edited else {})}


def person(of: Json, *, banned: bool = False, expires: str | None = None) -> Json:
    """An account. Whether it is banned stands beside it in v4."""
    return {**_dated(of), "actor_id": of["ap_id"], "banned": banned, "ban_expires": expires}


def person_view(of: Json) -> Json:
    """An account and how it stands."""
    return {**of, "person": person(of["person"], banned=bool(of["banned"]), expires=of.get("ban_expires_at"))}


def community(of: Json) -> Json:
    """A community. One whose visibility is a word that came after this was written counts as private."""
    return {
        **_dated(of),
        "actor_id": of["ap_id"],
        "description": of.get("sidebar"),
        "visibility": VISIBILITY.get(of["visibility"], "Private"),
    }


def community_view(of: Json) -> Json:
    """A community with what is around it."""
    return {**of, "community": community(of["community"])}


def post_view(of: Json) -> Json:
    """A post with those around it. None is pinned: v4 has no pinned posts first among the newest."""
    return {
        **of,
        "post": _dated(of["post"]),
        "creator": person(of["creator"]),
        "community": community(of["community"]),
    }


def comment_view(of: Json) -> Json:
    """A comment with those around it."""
    return {
        **of,
        "comment": _dated(of["comment"]),
        "creator": person(of["creator"]),
        "community": community(of["community"]),
    }


def image(of: Json) -> Json:
    """A row of the list of images. ``person`` is who uploaded it unless ``thumbnail_for_post_id`` says otherwise."""
    return {**of, "local_image": _dated(of["local_image"]), "person": person(of["person"])}


def message_report(of: Json) -> Json:
    """A private message that its recipient reported."""
    return {
        **of,
        "private_message_report": _dated(of["private_message_report"]),
        "private_message": _dated(of["private_message"]),
        "private_message_creator": person(of["private_message_creator"]),
    }


def tagline(of: Json) -> Json:
    """A line that the server shows on top of its pages."""
    return _dated(of)


def emoji(of: Json) -> Json:
    """A custom emoji."""
    return {**of, "custom_emoji": _dated(of["custom_emoji"])}


def site(of: Json, account: Json | None) -> Json:
    """``GET /site`` and, where it was asked as ourselves, ``GET /account``, as the one answer that v3 gives."""
    view = of["site_view"]
    limits, local = view["local_site_rate_limit"], view["local_site"]
    described = {
        **of,
        "site_view": {
            **view,
            "site": {
                **_dated(view["site"]),
                "actor_id": view["site"]["ap_id"],
                "description": view["site"].get("summary"),
            },
            "local_site": {
                **local,
                "registration_mode": REGISTRATION.get(local["registration_mode"], local["registration_mode"]),
            },
            "local_site_rate_limit": {
                **{name: limits[f"{name}_max_requests"] for name in LIMITERS},
                **{f"{name}_per_second": limits[f"{name}_interval_seconds"] for name in LIMITERS},
            },
        },
    }
    if account is not None:
        mine = account["local_user_view"]
        described["my_user"] = {**account, "local_user_view": {**mine, "person": person(mine["person"])}}
    return described
