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


def person(of: Json, *, banned: bool = False, expires: str | None = None) -> Json:
    """An account. Whether it is banned stands beside it in v4."""
    return {
        **of,
        "actor_id": of["ap_id"],
        "published": of["published_at"],
        "banned": banned,
        "ban_expires": expires,
    }


def person_view(of: Json) -> Json:
    """An account and how it stands."""
    return {**of, "person": person(of["person"], banned=bool(of["banned"]), expires=of.get("ban_expires_at"))}


def community(of: Json) -> Json:
    """A community. One whose visibility is a word that came after this was written counts as private."""
    return {
        **of,
        "actor_id": of["ap_id"],
        "published": of["published_at"],
        "description": of.get("sidebar"),
        "visibility": VISIBILITY.get(of["visibility"], "Private"),
    }


def community_view(of: Json) -> Json:
    """A community with what is around it."""
    return {**of, "community": community(of["community"])}


def post_view(of: Json) -> Json:
    """A post with those around it. None is pinned: v4 has no pinned posts first among the newest."""
    post = of["post"]
    return {
        **of,
        "post": {**post, "published": post["published_at"]},
        "creator": person(of["creator"]),
        "community": community(of["community"]),
    }


def comment_view(of: Json) -> Json:
    """A comment with those around it."""
    comment = of["comment"]
    return {
        **of,
        "comment": {**comment, "published": comment["published_at"]},
        "creator": person(of["creator"]),
        "community": community(of["community"]),
    }


def image(of: Json) -> Json:
    """A row of the list of images. ``person`` is who uploaded it unless ``thumbnail_for_post_id`` says otherwise."""
    row = of["local_image"]
    return {
        **of,
        "local_image": {**row, "published": row["published_at"]},
        "person": person(of["person"]),
    }


def site(of: Json, account: Json | None) -> Json:
    """``GET /site`` and, where it was asked as ourselves, ``GET /account``, as the one answer that v3 gives."""
    view = of["site_view"]
    limits, local = view["local_site_rate_limit"], view["local_site"]
    described = {
        **of,
        "site_view": {
            **view,
            "site": {**view["site"], "actor_id": view["site"]["ap_id"]},
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
