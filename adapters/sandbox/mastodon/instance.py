"""What the server says of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from adapters.sandbox.mastodon.account_views import account_view
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, PageError
from adapters.sandbox.mastodon.kinds import ANNOUNCED
from adapters.sandbox.mastodon.oauth_scopes import scopes_of
from adapters.sandbox.mastodon.report_views import rule_view

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Json

_MINUTES_5 = 300
_ICONS = (36, 48, 72, 96, 144, 192, 256, 384, 512)
_JSON = "application/json; charset=utf-8"


def _static(body: Json, cache: str, content_type: str = _JSON) -> Response:
    text = json.dumps(body, separators=(",", ":"))
    return Response(text, headers={"content-type": content_type, "cache-control": cache, "vary": "Origin"})


@route("GET", "/.well-known/nodeinfo", access="open")
def nodeinfo_links(call: Call) -> Response:
    """Where the description of the server is."""
    schema = "http://nodeinfo.diaspora.software/ns/schema/2.0"
    return _static({"links": [{"rel": schema, "href": f"{call.state.url}/nodeinfo/2.0"}]}, "max-age=259200, public")


@route("GET", "/nodeinfo/2.0", access="open")
def nodeinfo(call: Call) -> Response:
    """The description of the server that all kinds of servers have."""
    state = call.state
    posted = sum(1 for status in state.statuses.values() if status.local and status.live)
    body = {
        "version": "2.0",
        "software": {"name": "mastodon", "version": call.version.number},
        "protocols": ["activitypub"],
        "services": {"outbound": [], "inbound": []},
        "usage": {
            "users": {"total": _users(call), "activeMonth": 0, "activeHalfyear": 0},
            "localPosts": posted,
        },
        "openRegistrations": not state.settings.approval_required,
        "metadata": {"nodeName": "Mastodon", "nodeDescription": ""},
    }
    return _static(body, "max-age=1800, public")


def _users(call: Call) -> int:
    return sum(1 for account in call.state.accounts.values() if account.user is not None and account.user.approved)


@route("GET", "/.well-known/webfinger", access="open")
def webfinger(call: Call) -> Response:
    """Who is behind a handle."""
    state = call.state
    resource = call.params.text("resource")
    name, _, domain = resource.removeprefix("acct:").removeprefix("@").partition("@")
    account = state.local(name) if domain == state.host else None
    if account is None or account.id < 0:
        raise PageError(404)
    follow = f"{state.url}/authorize_interaction?uri={{uri}}"
    links: list[Json] = [
        {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": account.url},
        {"rel": "self", "type": "application/activity+json", "href": account.uri},
        {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": follow},
    ]
    if call.version.newer:
        object_ = f"{state.url}/authorize_interaction?uri={{object}}"
        links += [
            {"rel": "https://w3id.org/fep/3b86/Create", "template": f"{state.url}/share?text={{content}}"},
            {"rel": "https://w3id.org/fep/3b86/Object", "template": object_},
        ]
    body = {"subject": f"acct:{name}@{state.host}", "aliases": [account.url, account.uri], "links": links}
    return _static(body, "max-age=259200, public", "application/jrd+json; charset=utf-8")


@route("GET", "/.well-known/oauth-authorization-server", access="open")
def oauth_metadata(call: Call) -> Response:
    """How clients get tokens here, and every scope there is."""
    url, newer = call.state.url, call.version.newer
    grants = ["authorization_code", *(() if newer else ("password",)), "client_credentials"]
    body: Json = {
        "issuer": f"{url}/",
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "revocation_endpoint": f"{url}/oauth/revoke",
    }
    if newer:
        body["userinfo_endpoint"] = f"{url}/oauth/userinfo"
    body |= {
        "scopes_supported": scopes_of(call.version),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "service_documentation": "https://docs.joinmastodon.org/",
        "app_registration_endpoint": f"{url}/api/v1/apps",
    }
    return _static(body, "max-age=0, private, must-revalidate")


@route("GET", "/health", access="open")
def health(_: Call) -> Response:
    """Whether the server lives."""
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "max-age=0, private, must-revalidate"}
    return Response("OK", headers=headers)


@route("GET", "/api/v1/instance/rules", access="open", cache=_MINUTES_5)
def rules(call: Call) -> list[Any]:
    """The rules of the server."""
    return [rule_view(call.state, rule) for rule in call.state.rules.values()]


@route("GET", "/api/v1/instance/domain_blocks", access="open")
def public_domain_blocks(_: Call) -> Json:
    """Whom the server blocks is not told here, as by default."""
    raise ApiError(404)


@route("GET", "/api/v1/custom_emojis", access="open", cache=_MINUTES_5)
def custom_emojis(_: Call) -> list[Any]:
    """There are none."""
    return []


def _media_limits(call: Call, *, alphabetical: bool) -> Json:
    limits: Json = {
        "supported_mime_types": list(ANNOUNCED),
        "image_size_limit": 16777216,
        "image_matrix_limit": 33177600,
        "video_size_limit": 103809024,
        "video_frame_rate_limit": 120,
        "video_matrix_limit": 8294400,
    }
    if alphabetical and call.version.newer:
        limits["description_limit"] = 10000
        return {name: limits[name] for name in sorted(limits)}
    return limits


_STATUS_LIMITS = {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23}
_POLL_LIMITS = {
    "max_options": 4,
    "max_characters_per_option": 50,
    "min_expiration": 300,
    "max_expiration": 2629746,
}


def _contact(call: Call) -> Json | None:
    owner = next((one for one in call.state.accounts.values() if one.user and one.user.role.name == "Owner"), None)
    return None if owner is None else account_view(call.state, owner)


def _packs(call: Call) -> str:
    return f"{call.state.url}/packs/" + ("" if call.version.newer else "media/")


@route("GET", "/api/v1/instance", access="open", cache=_MINUTES_5)
def instance_v1(call: Call) -> Json:
    """The old description of the server."""
    state = call.state
    if call.version.newer:
        call.headers_out["deprecation"] = "@1668384000"  # when the new one came
    posted = sum(1 for status in state.statuses.values() if status.local and status.live)
    return {
        "uri": state.host,
        "title": "Mastodon",
        "short_description": "",
        "description": "",
        "email": "",
        "version": call.version.number,
        "urls": {"streaming_api": _streaming(call)},
        "stats": {
            "user_count": _users(call),
            "status_count": posted,
            "domain_count": len({one.domain for one in state.accounts.values() if one.domain is not None}),
        },
        "thumbnail": f"{_packs(call)}images/preview.png",
        "languages": ["en"],
        "registrations": True,
        "approval_required": state.settings.approval_required,
        "invites_enabled": True,
        "configuration": {
            "accounts": {"max_featured_tags": 10},
            "statuses": dict(_STATUS_LIMITS),
            "media_attachments": _media_limits(call, alphabetical=False),
            "polls": dict(_POLL_LIMITS),
        },
        "contact_account": _contact(call),
        "rules": [rule_view(state, rule) for rule in state.rules.values()],
    }


def _streaming(call: Call) -> str:
    return call.server.streaming_url.replace("http://", "ws://", 1)


@route("GET", "/api/v2/instance", access="open", cache=_MINUTES_5)
def instance_v2(call: Call) -> Json:
    """The description of the server."""
    state, newer, url = call.state, call.version.newer, call.state.url
    thumbnail: Json = {"url": f"{_packs(call)}images/preview.png"}
    registrations: Json = {"enabled": True, "approval_required": state.settings.approval_required}
    if newer:
        thumbnail["description"] = "A picture of the sandbox"
        registrations["reason_required"] = False
    registrations["message"] = None
    if newer:
        registrations["min_age"] = None
    registrations["url"] = None
    shown: Json = {
        "domain": state.host,
        "title": "Mastodon",
        "version": call.version.number,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "",
        "usage": {"users": {"active_month": 0}},
        "thumbnail": thumbnail,
        "icon": [
            {"src": f"{_packs(call)}icons/android-chrome-{size}x{size}.png", "size": f"{size}x{size}"}
            for size in _ICONS
        ],
        "languages": ["en"],
        "configuration": _configuration(call, url),
        "registrations": registrations,
        "api_versions": {"mastodon": call.version.api},
    }
    if newer:
        shown["wrapstodon"] = None
    return shown | {
        "contact": {"email": "", "account": _contact(call)},
        "rules": [rule_view(state, rule) for rule in state.rules.values()],
    }


def _configuration(call: Call, url: str) -> Json:
    settings, newer = call.state.settings, call.version.newer
    urls: Json = {"streaming": _streaming(call), "status": None}
    accounts: Json = {}
    if newer:
        urls |= {"about": f"{url}/about", "privacy_policy": f"{url}/privacy-policy", "terms_of_service": None}
        accounts |= {
            "max_display_name_length": 40,
            "max_note_length": 500,
            "max_avatar_description_length": 150,
            "max_header_description_length": 150,
        }
    accounts |= {"max_featured_tags": 10, "max_pinned_statuses": 5}
    if newer:
        accounts |= {"max_profile_fields": 4, "profile_field_name_limit": 255, "profile_field_value_limit": 255}
    shown: Json = {
        "urls": urls,
        "vapid": {"public_key": None},
        "accounts": accounts,
        "statuses": dict(_STATUS_LIMITS),
        "media_attachments": _media_limits(call, alphabetical=True),
        "polls": dict(_POLL_LIMITS),
        "translation": {"enabled": False},
    }
    if newer:
        live = {"local": settings.feeds_local, "remote": settings.feeds_remote}
        open_ = {"local": "public", "remote": "public"}
        shown["timelines_access"] = {"live_feeds": live, "hashtag_feeds": open_, "trending_link_feeds": dict(open_)}
        shown["limited_federation"] = False
    return shown
