"""Accounts of a Lemmy 1.0: tokens that end after a week, settings, and one call about oneself."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import accounts
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages import people as old
from adapters.sandbox.lemmy.messages.site import Nothing
from adapters.sandbox.lemmy.rights import check_not_banned
from adapters.sandbox.lemmy.sessions import SameTokenError, log_in
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import URL_SAFE, checked_limit, decoded
from adapters.sandbox.lemmy.v4.errors import CausedError
from adapters.sandbox.lemmy.v4.messages.people import Login, Register, SaveUserSettings, UpdateTotp
from adapters.sandbox.lemmy.v4.names import pascal
from adapters.sandbox.lemmy.v4.tables import Preferences
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from starlette.responses import Response

    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json, LocalUser

WEEK_SECONDS = 7 * 86400  # crates/api/api_utils/src/claims.rs
NEVER = 8_210_266_876_799  # the last second that Lemmy's library of time knows: the year 262142
_SHORTEST_KEYWORD, _LONGEST_KEYWORD = 3, 50
_SAME_SETTINGS = (
    "show_nsfw",
    "blur_nsfw",
    "theme",
    "interface_language",
    "display_name",
    "email",
    "bio",
    "matrix_user_id",
    "show_avatars",
    "send_notifications_to_email",
    "bot_account",
    "show_bot_accounts",
    "show_read_posts",
    "discussion_languages",
    "open_links_in_new_tab",
    "infinite_scroll_enabled",
    "collapse_bot_comments",
)


def _logged_in(call: Call, user: LocalUser, *, stay: bool | None) -> Json:
    exp = NEVER if stay else int(time.time()) + WEEK_SECONDS
    agent = call.headers.get("user-agent")
    try:
        token = log_in(call.state, user, address=call.address, user_agent=agent, exp=exp)
    except SameTokenError as error:
        raise CausedError("couldnt_create", str(error)) from None
    return {"jwt": token, "registration_created": False, "verify_email_sent": False}


@route("POST", "/api/v4/account/auth/register", Register, bucket="register")
def register(call: Call, form: Register) -> Json:
    """A new account, logged in at once if nobody has to approve it."""
    if call.state.local_site.registration_mode == "RequireInvitation":
        raise LemmyError("missing_invite_token")  # there are no invitations here
    taken = {item.name: getattr(form, item.name) for item in fields(old.Register)}
    user, comes_in = accounts.new_account(call, old.Register(**taken))
    return _logged_in(call, user, stay=form.stay_logged_in) if comes_in else accounts.waiting_answer(call)


@route("POST", "/api/v4/account/auth/login", Login, bucket="register")
def login(call: Call, form: Login) -> Json:
    """A token for a week, or for ever with ``stay_logged_in``. The banned get one too."""
    given = old.Login(
        username_or_email=form.username_or_email, password=form.password, totp_2fa_token=form.totp_2fa_token
    )
    user = accounts.known_account(call.state, given, banned_too=True)
    return _logged_in(call, user, stay=form.stay_logged_in)


@route("POST", "/api/v4/account/auth/logout", Nothing, bucket="register", login=True)
def logout(call: Call, form: Nothing) -> Response:
    """Forget the token that was sent."""
    return accounts.logout(call, form)


@route("POST", "/api/v4/account/auth/totp/generate", Nothing, bucket="register", login=True)
def generate_totp(call: Call, form: Nothing) -> Json:
    """A secret for the second factor, which counts once a code of it has been sent."""
    check_not_banned(call)
    return accounts.generate_totp(call, form)


@route("POST", "/api/v4/account/auth/totp/edit", UpdateTotp, bucket="register", login=True)
def update_totp(call: Call, form: UpdateTotp) -> Json:
    """Switch the second factor on or off."""
    check_not_banned(call)
    return accounts.update_totp(call, old.UpdateTotp(totp_token=form.totp_token, enabled=form.enabled))


@route("GET", "/api/v4/account/validate_auth")
def validate_auth(call: Call, _: Nothing) -> Json:
    """The one call that says of a bad token that it is bad, and why. Of somebody banned it is good."""
    if call.viewer is None:
        raise CausedError("not_logged_in", _fault(call.token))
    return {"success": True}


def _fault(token: str | None) -> str:
    """What is wrong with a token, in the words of the library that reads it."""
    if token is None:
        return "NotLoggedIn"
    parts = token.split(".")
    if len(parts) != 3:
        return "InvalidToken"
    try:
        claims = [json.loads(decoded(part, URL_SAFE)) for part in parts[:2]][1]
    except json.JSONDecodeError as error:
        return f"JSON error: expected value at line {error.lineno} column {error.colno}"
    except ValueError as error:
        return f"Base64 error: {error}"
    exp = claims.get("exp") if isinstance(claims, dict) else None
    return "ExpiredSignature" if isinstance(exp, int) and exp <= time.time() else "NotLoggedIn"


@route("GET", "/api/v4/account", Nothing, login=True)
def get_account(call: Call, _: Nothing) -> Json:
    """All about oneself: account, settings, what one follows, moderates and blocks."""
    state, me, views = call.state, call.me, Views.of(call)
    mine = me.person_id
    return {
        "local_user_view": views.local_user_view(me),
        "follows": [
            {"community": views.community(state.communities[community]), "follower": views.person(call.person)}
            for community, follower in state.followers
            if follower == mine
        ],
        "moderates": [
            {"community": views.community(state.communities[community]), "moderator": views.person(call.person)}
            for community, moderator in state.moderators
            if moderator == mine
        ],
        "multi_community_follows": [],
        "community_blocks": [
            views.community(state.communities[community]) for community, who in state.community_blocks if who == mine
        ],
        "instance_communities_blocks": [
            rows.instance(state.instances[number]) for number, who in state.instance_blocks if who == mine
        ],
        "instance_persons_blocks": [
            rows.instance(state.instances[number]) for number, who in state.instance_people_blocks if who == mine
        ],
        "person_blocks": [views.person(state.people[target]) for target, who in state.person_blocks if who == mine],
        "keyword_blocks": list(call.server.v4.preferences_of(me.id).blocking_keywords),
        "discussion_languages": sorted(me.languages),
    }


@route("GET", "/api/v4/account/login/list", login=True)
def list_logins(call: Call, _: Nothing) -> Json:
    """One's own sessions."""
    mine = [row for row in call.state.tokens.values() if row.user_id == call.me.id]
    return {
        "logins": [
            rows.present(user_id=row.user_id, published_at=row.published, ip=row.ip, user_agent=row.user_agent)
            for row in mine
        ]
    }


@route("PUT", "/api/v4/account/settings/save", SaveUserSettings, login=True, locked=False)
def save_settings(call: Call, form: SaveUserSettings) -> Json:
    """Change one's settings and profile; pictures have calls of their own."""
    check_not_banned(call)
    if form.default_items_per_page is not None:
        checked_limit(form.default_items_per_page, form.default_items_per_page)
    for keyword in form.blocking_keywords or ():
        if not _SHORTEST_KEYWORD <= len(keyword) <= _LONGEST_KEYWORD:
            raise LemmyError(f"block_keyword_too_{'short' if len(keyword) < _SHORTEST_KEYWORD else 'long'}")
    same = {name: getattr(form, name) for name in _SAME_SETTINGS}
    accounts.save_user_settings(
        call,
        old.SaveUserSettings(
            **same,
            enable_animated_images=form.animated_images_enabled,
        ),
    )
    with call.state.lock:
        for name, chosen in (
            ("default_listing_type", form.default_listing_type),
            ("post_listing_mode", form.post_listing_mode),
            ("default_sort_type", form.default_post_sort_type),
        ):
            if chosen is not None:
                setattr(call.me, name, pascal(chosen))
        mine = call.server.v4.preferences_of(call.me.id)
        for item in fields(Preferences):
            value = getattr(form, item.name)
            if value is not None:
                setattr(mine, item.name, value if isinstance(value, bool | int | list) else str(value))
    return {"success": True}
