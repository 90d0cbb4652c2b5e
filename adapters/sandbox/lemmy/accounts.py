"""Accounts: registering, logging in and out, settings, the second factor."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import pyotp
from starlette.responses import JSONResponse

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.applications import add_application, check_application
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError, unknown
from adapters.sandbox.lemmy.lookup import check_known_languages
from adapters.sandbox.lemmy.messages.people import Login, Register, SaveUserSettings, UpdateTotp
from adapters.sandbox.lemmy.messages.site import Nothing
from adapters.sandbox.lemmy.profiles import replaced_picture
from adapters.sandbox.lemmy.rows import LocalUser, Person, VoteDisplayMode, as_json
from adapters.sandbox.lemmy.sessions import SameTokenError, log_in
from adapters.sandbox.lemmy.state import UNDETERMINED, all_languages
from adapters.sandbox.lemmy.text import BIO_LIMIT, check_actor_name, check_display_name, check_length
from adapters.sandbox.lemmy.wording import check_slurs, processed

if TYPE_CHECKING:
    from starlette.responses import Response

    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.state import State

_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 10, 60
_PLAIN_SETTINGS = (
    "show_nsfw",
    "blur_nsfw",
    "auto_expand",
    "theme",
    "interface_language",
    "show_avatars",
    "send_notifications_to_email",
    "show_bot_accounts",
    "show_read_posts",
    "open_links_in_new_tab",
    "infinite_scroll_enabled",
    "enable_keyboard_navigation",
    "enable_animated_images",
    "collapse_bot_comments",
    "show_scores",
)
_CHOSEN_SETTINGS = ("default_sort_type", "default_listing_type", "post_listing_mode")


def add_account(state: State, name: str, password: str, *, admin: bool = False, show_nsfw: bool = False) -> LocalUser:
    """A new person of our own server."""
    person = Person(
        id=state.next_id("person"),
        name=name,
        published=now(),
        actor_id=f"{state.url}/u/{name}",
        local=True,
        instance_id=state.site.instance_id,
    )
    user = LocalUser(
        id=state.next_id("local_user"),
        person_id=person.id,
        password=password,
        admin=admin,
        show_nsfw=show_nsfw,
        default_listing_type=state.local_site.default_post_listing_type,
        post_listing_mode=state.local_site.default_post_listing_mode,
        accepted_application=state.local_site.registration_mode != "RequireApplication",
        last_donation_notification=now(),
        languages=set(state.site_languages),
    )
    state.people[person.id] = person
    state.local_users[person.id] = user
    state.vote_modes[user.id] = VoteDisplayMode(local_user_id=user.id)
    return user


def new_account(call: Call, form: Register) -> tuple[LocalUser, bool]:
    """A new account, and whether it is logged in at once: nobody has to approve it, no mail has to be answered."""
    state, site = call.state, call.state.local_site
    if site.registration_mode == "Closed":
        raise LemmyError("registration_closed")
    if not _SHORTEST_PASSWORD <= len(form.password) <= _LONGEST_PASSWORD:
        raise LemmyError("invalid_password")
    if form.honeypot:
        raise LemmyError("honeypot_failed")
    if site.require_email_verification and form.email is None:
        raise LemmyError("email_required")
    needs_application = site.registration_mode == "RequireApplication"
    if needs_application and form.answer is None:
        raise LemmyError("registration_application_answer_required")
    if form.password != form.password_verify:
        raise LemmyError("passwords_do_not_match")
    if site.captcha_enabled:
        raise LemmyError("captcha_incorrect")
    check_slurs(state, form.username)
    check_slurs(state, form.answer)
    check_actor_name(form.username, site.actor_name_max_length)
    if form.email is not None and any(user.email == form.email.lower() for user in state.local_users.values()):
        raise LemmyError("email_already_exists")
    if state.person_by_name(form.username) is not None:
        raise LemmyError("user_already_exists")
    show_nsfw = state.site.content_warning is not None if form.show_nsfw is None else form.show_nsfw
    user = add_account(state, form.username, form.password, show_nsfw=show_nsfw)
    user.email = None if form.email is None else form.email.lower()
    if needs_application and form.answer is not None:
        add_application(state, user, form.answer)
    # 0.19 says so when the account is there already; 1.0 sends its letters later, and nobody learns that it cannot.
    if site.require_email_verification and call.server.api == "v3":
        raise LemmyError("no_email_setup")
    return user, not (needs_application or site.require_email_verification)


@route("POST", "/api/v3/user/register", Register, bucket="register")
def register(call: Call, form: Register) -> Json:
    """A new account, logged in at once if nobody has to approve it."""
    user, comes_in = new_account(call, form)
    return _logged_in(call, user) if comes_in else waiting_answer(call)


def waiting_answer(call: Call) -> Json:
    """``LoginResponse`` without a token."""
    site = call.state.local_site
    needs_application = site.registration_mode == "RequireApplication"
    return {"registration_created": needs_application, "verify_email_sent": site.require_email_verification}


def _logged_in(call: Call, user: LocalUser) -> Json:
    try:
        token = log_in(call.state, user, address=call.address, user_agent=call.headers.get("user-agent"))
    except SameTokenError as error:
        raise unknown(str(error)) from None
    return {"jwt": token, "registration_created": False, "verify_email_sent": False}


@route("POST", "/api/v3/user/login", Login, bucket="register")
def login(call: Call, form: Login) -> Json:
    """A token for a name, or an address, and a password."""
    return _logged_in(call, known_account(call.state, form, banned_too=False))


def known_account(state: State, form: Login, *, banned_too: bool) -> LocalUser:
    """The account of a name and a password, if it may come in."""
    wanted = form.username_or_email.lower()
    user = next(
        (
            user
            for user in state.local_users.values()
            if wanted in {state.people[user.person_id].name.lower(), user.email}
        ),
        None,
    )
    if user is None or not hmac.compare_digest(user.password.encode(), form.password.encode()):
        raise LemmyError("incorrect_login")
    person = state.people[user.person_id]
    if person.banned and not banned_too:
        raise LemmyError("site_ban")
    if person.deleted:
        raise LemmyError("deleted")
    if state.local_site.require_email_verification and not (user.admin or user.email_verified):
        raise LemmyError("email_not_verified")
    if state.local_site.registration_mode != "Open" and not (user.accepted_application or user.admin):
        check_application(state, person.id)
    if user.totp_2fa_enabled:
        _check_totp(user, form.totp_2fa_token)
    return user


def _check_totp(user: LocalUser, code: str | None) -> None:
    if code is None:
        raise LemmyError("missing_totp_token")
    if user.totp_2fa_secret is None:
        raise LemmyError("missing_totp_secret")
    if not pyotp.TOTP(user.totp_2fa_secret).verify(code, valid_window=1):
        raise LemmyError("incorrect_totp_token")


@route("POST", "/api/v3/user/totp/generate", Nothing, login=True)
def generate_totp(call: Call, _: Nothing) -> Json:
    """A secret for the second factor, which counts once a code of it has been sent."""
    if call.me.totp_2fa_enabled:
        raise LemmyError("totp_already_enabled")
    call.me.totp_2fa_secret = pyotp.random_base32()
    totp = pyotp.TOTP(call.me.totp_2fa_secret, name=call.person.name, issuer=call.state.site.name)
    return {"totp_secret_url": totp.provisioning_uri()}


@route("POST", "/api/v3/user/totp/update", UpdateTotp, login=True)
def update_totp(call: Call, form: UpdateTotp) -> Json:
    """Switch the second factor on or off."""
    _check_totp(call.me, form.totp_token)
    call.me.totp_2fa_enabled = form.enabled
    if not form.enabled:
        call.me.totp_2fa_secret = None
    return {"enabled": form.enabled}


@route("POST", "/api/v3/user/logout", Nothing, login=True)
def logout(call: Call, _: Nothing) -> Response:
    """Forget the token that was sent."""
    call.state.tokens.pop(call.token or "", None)
    answer = JSONResponse({"success": True})
    answer.delete_cookie("jwt")
    return answer


@route("GET", "/api/v3/user/validate_auth")
def validate_auth(call: Call, _: Nothing) -> Json:
    """The one call that says of a bad token that it is bad, and of a purged account that it is banned."""
    if call.viewer is None:
        row = call.state.tokens.get(call.token or "")
        gone = row is not None and any(
            call.state.people[user.person_id].banned
            for user in call.state.local_users.values()
            if user.id == row.user_id
        )
        raise LemmyError("site_ban" if gone else "not_logged_in")
    return {"success": True}


@route("GET", "/api/v3/user/list_logins", login=True)
def list_logins(call: Call, _: Nothing) -> Response:
    """One's own sessions."""
    mine = [row for row in call.state.tokens.values() if row.user_id == call.me.id]
    return JSONResponse([as_json(row) for row in mine])


@route("GET", "/api/v3/user/get_captcha", bucket="post", strict=True)
def get_captcha(_: Call, __: Nothing) -> Response:
    """There are no captchas here."""
    return JSONResponse({}, headers={"cache-control": "no-store"})


@route("PUT", "/api/v3/user/save_user_settings", SaveUserSettings, login=True, locked=False)
def save_user_settings(call: Call, form: SaveUserSettings) -> Json:
    """Change one's settings and profile. An empty text takes a value away."""
    state, me = call.state, call.me
    bio = processed(call.server, form.bio)
    with state.lock:
        person = call.person
    avatar = replaced_picture(call, form.avatar, person.avatar)
    banner = replaced_picture(call, form.banner, person.banner)
    check_length(bio, BIO_LIMIT, "bio_length_overflow")
    check_known_languages(form.discussion_languages, "local_user_language")
    if form.display_name:
        check_display_name(form.display_name.strip(), state.local_site.actor_name_max_length)
    if form.matrix_user_id and not form.matrix_user_id.startswith("@"):
        raise LemmyError("invalid_matrix_id")
    with state.lock:
        if form.email:
            address = form.email.lower()
            if any(user.email == address and user.id != me.id for user in state.local_users.values()):
                raise LemmyError("email_already_exists")
            # 0.19 sends a letter at once, to see whether the address is one, and there is no post office here.
            if call.server.api == "v3" and address != me.email:
                raise LemmyError("no_email_setup")
        me.email = me.email if form.email is None else (form.email.lower() or None)
        person.avatar, person.banner = avatar, banner
        person.bio = person.bio if form.bio is None else (bio or None)
        if form.display_name is not None:
            person.display_name = form.display_name or None
        if form.matrix_user_id is not None:
            person.matrix_user_id = form.matrix_user_id or None
        person.bot_account = person.bot_account if form.bot_account is None else form.bot_account
        if form.discussion_languages is not None:
            every = range(len(all_languages()))
            me.languages = (set(form.discussion_languages) or set(every)) | {UNDETERMINED}
        for name in _PLAIN_SETTINGS:
            if getattr(form, name) is not None:
                setattr(me, name, getattr(form, name))
        for name in _CHOSEN_SETTINGS:
            if getattr(form, name) is not None:
                setattr(me, name, str(getattr(form, name)))
        _set_vote_mode(state.vote_modes[me.id], form)
    return {"success": True}


def _set_vote_mode(mode: VoteDisplayMode, form: SaveUserSettings) -> None:
    if form.show_scores is not None:
        mode.score = form.show_scores
    if form.show_upvotes is not None:
        mode.upvotes = form.show_upvotes
    if form.show_downvotes is not None:
        mode.downvotes = form.show_downvotes
    if form.show_upvote_percentage is not None:
        mode.upvote_percentage = form.show_upvote_percentage
