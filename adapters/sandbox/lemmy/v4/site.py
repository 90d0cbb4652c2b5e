"""The site of a Lemmy 1.0: its description, its settings, and what other software asks about it."""

from __future__ import annotations

import time
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import site
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages import site as old
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.state import all_languages
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.messages.site import EditSite
from adapters.sandbox.lemmy.v4.names import pascal, snake
from adapters.sandbox.lemmy.v4.rows import present
from adapters.sandbox.lemmy.v4.tables import Snapshot
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from starlette.responses import Response

    from adapters.sandbox.lemmy.calling import Call, Server
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Json

_CACHE_SECONDS = 1.0
_BUCKETS = ("message", "post", "register", "image", "comment", "search")
_SAME = (  # in both versions
    "name",
    "sidebar",
    "community_creation_admin_only",
    "application_question",
    "private_instance",
    "default_theme",
    "legal_information",
    "application_email_admins",
    "discussion_languages",
    "slur_filter_regex",
    "federation_enabled",
    "reports_email_admins",
    "content_warning",
    "blocked_urls",
)


def _taken(server: Server) -> Snapshot:
    """The settings as they are now."""
    state = server.state
    return Snapshot(
        at=time.monotonic(),
        site=copy(state.site),
        local_site=copy(state.local_site),
        rate_limits=copy(state.rate_limits),
        settings=copy(server.v4.settings),
        image_mode=server.image_mode,
    )


def take_snapshot(server: Server) -> Snapshot:
    """The settings as they were at most a second ago: that is how old Lemmy lets them get, whatever it is asked."""
    known = server.v4.snapshot
    if known is None or time.monotonic() - known.at > _CACHE_SECONDS:
        known = server.v4.snapshot = _taken(server)
    return known


def site_view(server: Server, seen: Snapshot) -> Json:
    """``SiteView``."""
    state, limits = server.state, seen.rate_limits
    local, more = seen.local_site, asdict(seen.settings)
    counts = site.counts(state)
    images = {name: value for name, value in more.items() if name.startswith("image_")}
    local_site = present(
        id=1,
        site_id=state.site.id,
        site_setup=True,
        community_creation_admin_only=local.community_creation_admin_only,
        email_verification_required=local.require_email_verification,
        application_question=local.application_question,
        private_instance=local.private_instance,
        default_theme=local.default_theme,
        default_post_listing_type=snake(local.default_post_listing_type),
        legal_information=local.legal_information,
        application_email_admins=local.application_email_admins,
        slur_filter_regex=local.slur_filter_regex,
        federation_enabled=local.federation_enabled,
        published_at=local.published,
        updated_at=local.updated,
        registration_mode=snake(local.registration_mode),
        reports_email_admins=local.reports_email_admins,
        federation_signed_fetch=local.federation_signed_fetch,
        default_post_listing_mode=snake(local.default_post_listing_mode),
        default_post_sort_type=snake(local.default_sort_type),
        default_comment_sort_type=more["default_comment_sort_type"],
        oauth_registration=more["oauth_registration"],
        post_upvotes=more["post_upvotes"],
        post_downvotes=more["post_downvotes"],
        comment_upvotes=more["comment_upvotes"],
        comment_downvotes=more["comment_downvotes"],
        nsfw_content_disallowed=not local.enable_nsfw,
        **{name: value for name, value in counts.items() if name != "site_id"},
        email_notifications_disabled=more["email_notifications_disabled"],
        default_items_per_page=more["default_items_per_page"],
        default_post_time_range_seconds=more["default_post_time_range_seconds"] or None,  # 0 takes it away
        image_mode=snake(seen.image_mode),
        **images,
        max_invites_per_user_allowed=more["max_invites_per_user_allowed"],
    )
    allowed: Json = {"local_site_id": 1}
    for bucket in _BUCKETS:
        allowed[f"{bucket}_max_requests"] = getattr(limits, bucket)
        allowed[f"{bucket}_interval_seconds"] = getattr(limits, f"{bucket}_per_second")
    allowed |= present(published_at=limits.published, updated_at=limits.updated)
    allowed["import_user_settings_max_requests"] = limits.import_user_settings
    allowed["import_user_settings_interval_seconds"] = limits.import_user_settings_per_second
    own = state.instances[state.site.instance_id]
    return {
        "site": rows.site(seen.site),
        "local_site": local_site,
        "local_site_rate_limit": allowed,
        "instance": rows.instance(own, updated=own.published),
    }


def languages() -> list[Json]:
    """Every language. A real server lists them as its table happens to hold them, which is not by number."""
    listed = [{"id": number, "code": code, "name": name} for number, (code, name) in enumerate(all_languages())]
    return sorted(listed, key=lambda row: (str(row["code"])[::-1], row["id"]))


@route("GET", "/api/v4/site")
def get_site(call: Call, _: Nothing) -> Json:
    """All about the site, at most a second old, of settings that may have been a second old already.

    Not a word about the viewer: that is ``/account`` now.
    """
    server, state = call.server, call.state
    if server.site_cache is None or time.monotonic() - server.site_cache[0] > _CACHE_SECONDS:
        views = Views(server, None)
        taglines = [
            present(
                id=row.id,
                content=row.content,
                published_at=row.published,
                updated_at=row.updated,
            )
            for row in state.taglines
        ]
        body = {
            "site_view": site_view(server, take_snapshot(server)),
            "admins": [views.person_view(person) for person in state.admins()],
            "version": server.version,
            "all_languages": languages(),
            "discussion_languages": sorted(state.site_languages),
            # One of them by chance; the last is as good as any.
            **({"tagline": taglines[-1]} if taglines else {}),
            "oauth_providers": [],
            "admin_oauth_providers": [],
            "blocked_urls": [
                present(id=row.id, url=row.url, published_at=row.published, updated_at=row.updated)
                for row in state.blocked_urls
            ],
            "active_plugins": [],
            "captcha_enabled": False,
        }
        server.site_cache = (time.monotonic(), body)
    return server.site_cache[1]


@route("PUT", "/api/v4/site", EditSite, login=True, locked=False)
def edit_site(call: Call, form: EditSite) -> Json:
    """Change the settings, those of images among them."""
    require_admin(call)
    asks = (
        form.application_question
        if form.application_question is not None
        else call.state.local_site.application_question
    )
    if form.registration_mode == "require_application" and not asks:
        raise LemmyError("application_question_required")
    if form.default_post_listing_type not in {None, "all", "local"}:
        raise LemmyError("invalid_default_post_listing_type")
    changes = {name: getattr(form, name) for name in _SAME}
    site.edit_site(
        call,
        old.EditSite(
            **changes,
            description=form.summary,
            require_email_verification=form.email_verification_required,
            enable_nsfw=None if form.nsfw_content_disallowed is None else not form.nsfw_content_disallowed,
            **{
                f"rate_limit_{bucket}{ours}": getattr(form, f"rate_limit_{bucket}_{theirs}")
                for bucket in _BUCKETS
                for ours, theirs in (("", "max_requests"), ("_per_second", "interval_seconds"))
            },
        ),
    )
    state, settings = call.state, call.server.v4.settings
    with state.lock:
        state.rate_limits.updated = state.local_site.updated
        if form.registration_mode is not None:
            site.set_registration_mode(state, pascal(form.registration_mode))
        for name, chosen in (
            ("default_post_listing_type", form.default_post_listing_type),
            ("default_post_listing_mode", form.default_post_listing_mode),
            ("default_sort_type", form.default_post_sort_type),
        ):
            if chosen is not None:
                setattr(state.local_site, name, pascal(chosen))
        if form.image_mode is not None:
            call.server.image_mode = pascal(form.image_mode)
        if form.federation_signed_fetch is not None:
            state.local_site.federation_signed_fetch = form.federation_signed_fetch
        for name in asdict(settings):
            value = getattr(form, name)
            if value is not None:
                setattr(settings, name, value if isinstance(value, bool | int) else str(value))
        return {"site_view": site_view(call.server, _taken(call.server))}


@route("GET", "/nodeinfo/2.1", bucket=None)
def nodeinfo(call: Call, _: Nothing) -> Response:
    """What software this is."""
    return site.nodeinfo(call, _)


@route("GET", "/.well-known/nodeinfo", bucket=None)
def well_known_nodeinfo(call: Call, _: Nothing) -> Response:
    """Where that is told."""
    return site.well_known_nodeinfo(call, _)


@route("GET", "/version", bucket=None)
@route("GET", "/nodeinfo/2.0.json", bucket=None)
@route("GET", "/nodeinfo/2.1.json", bucket=None)
def old_nodeinfo(call: Call, _: Nothing) -> Response:
    """Its older addresses."""
    return site.old_nodeinfo(call, _)
