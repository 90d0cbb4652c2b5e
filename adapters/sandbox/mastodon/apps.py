"""Clients and their tokens."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import Response

from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, challenge, invalid
from adapters.sandbox.mastodon.oauth_scopes import scopes_of
from adapters.sandbox.mastodon.seeding import OUT_OF_BAND, add_app, add_token

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, App, Json

_REFUSALS = {
    "invalid_client": "Client authentication failed due to unknown client, no client authentication included, or "
    "unsupported authentication method.",
    "invalid_grant": "The provided authorization grant is invalid, expired, revoked, does not match the redirection "
    "URI used in the authorization request, or was issued to another client.",
    "invalid_scope": "The requested scope is invalid, unknown, or malformed.",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server.",
    "unauthorized_client": "You are not authorized to revoke this token",
}


def app_view(app: App) -> Json:
    """A client without its secrets."""
    return {
        "id": str(app.id),
        "name": app.name,
        "website": app.website,
        "scopes": list(app.scopes),
        "redirect_uris": list(app.redirect_uris),
        "vapid_key": None,
        "redirect_uri": "\n".join(app.redirect_uris),
    }


@route("POST", "/api/v1/apps", access="open")
def register(call: Call) -> Json:
    """Register a client; anybody may."""
    params = call.params
    scopes = tuple(params.text("scopes", "read").split()) or ("read",)
    uris = tuple(uri for line in params.items("redirect_uris") for uri in line.split())
    name = params.text("client_name")
    faults = []
    if not name:
        faults.append("Application name can't be blank")
    if not uris:
        faults.append("Redirect URI can't be blank")
    if not set(scopes) <= set(scopes_of(call.version)):
        those = "those " if call.version.newer else ""
        faults.append(f"Scopes doesn't match {those}configured on the server.")
    if faults:
        raise invalid(*faults)
    app = add_app(call.state, name, scopes, website=params.text("website") or None, redirect_uris=uris)
    return app_view(app) | {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "client_secret_expires_at": 0,
    }


@route("GET", "/api/v1/apps/verify_credentials", access="token")
def verify(call: Call) -> Json:
    """The client of the token."""
    if call.token is None:
        raise ApiError(401, "The access token is invalid")
    return app_view(call.token.app)


def _client(call: Call) -> App | None:
    known = {app.client_id: app for app in call.state.apps.values()}
    name, secret = call.params.text("client_id"), call.params.text("client_secret")
    scheme, _, basic = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(basic).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        name, secret = unquote(name), unquote(secret)
    app = known.get(name)
    return app if app is not None and app.client_secret == secret else None


def _refused(code: str, status: int = 400) -> Response:
    answer = _answer({"error": code, "error_description": _REFUSALS[code]}, status)
    answer.headers["www-authenticate"] = challenge(code, _REFUSALS[code])
    return answer


def _answer(body: Json, status: int = 200) -> Response:
    headers = {"content-type": "application/json; charset=utf-8", "cache-control": "no-store", "vary": "Origin"}
    return Response(json.dumps(body), status, headers)


@route("POST", "/oauth/token", access="open")
def token(call: Call) -> Response:
    """A token for a client, or on 4.3 for a user whose password it has."""
    grant = call.params.text("grant_type")
    if grant == "authorization_code":
        # Nobody can have got a code: the page that gives it out is not here.
        return _refused("invalid_grant")
    if grant not in {"client_credentials", *(() if call.version.newer else ("password",))}:
        return _refused("unsupported_grant_type")
    app = _client(call)
    if app is None:
        return _refused("invalid_client", 401)
    scopes = tuple(call.params.text("scope", "read").split()) or ("read",)
    if not set(scopes) <= set(app.scopes):
        return _refused("invalid_scope")
    account: Account | None = None
    if grant == "password":
        account = _by_password(call)
        if account is None:
            return _refused("invalid_grant")
    made = add_token(call.state, app, account, scopes)
    return _answer(
        {
            "access_token": made.token,
            "token_type": "Bearer",
            "scope": " ".join(scopes),
            "created_at": int(made.created_at.timestamp()),
        }
    )


def _by_password(call: Call) -> Account | None:
    """Whoever has this address and password, and no second factor."""
    for account in call.state.accounts.values():
        user = account.user
        if (
            user is not None
            and user.email == call.params.text("username")
            and user.password == call.params.text("password")
        ):
            return account if user.totp_secret is None else None
    return None


@route("POST", "/oauth/revoke", access="open")
def revoke(call: Call) -> Response:
    """Make a token worthless; only its own client may."""
    app = _client(call)
    known = call.state.tokens.get(call.params.text("token"))
    if app is None or (known is not None and known.app is not app):
        return _refused("unauthorized_client", 403)
    if known is not None:
        known.revoked = True
    answer = _answer({})
    answer.headers["cache-control"] = "max-age=0, private, must-revalidate"
    return answer


@route("GET", "/oauth/authorize", access="open")
def authorize(_: Call) -> Response:
    """The page where a user lets a client in is not part of the sandbox: its people have their tokens."""
    body = f"There is no authorization page here; {OUT_OF_BAND} codes are not given out."
    return Response(body, 501, {"content-type": "text/plain; charset=utf-8"})
