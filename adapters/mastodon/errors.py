"""Mastodon's answers as typed errors. It has no codes: the status and a few fixed texts decide, and we name them.

The texts are those of app/controllers/concerns/api/error_handling.rb and of Doorkeeper, which do not change with the
language of the account. GoToSocial puts its own words in front of a reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.errors import (
    BadAnswerError,
    NotFoundError,
    NotLoggedInError,
    NotPermittedError,
    PlatformError,
    RateLimitedError,
    RejectedError,
)

if TYPE_CHECKING:
    from adapters.http import Answer

OUTSIDE_SCOPES = "missing_scope"
NOT_ALLOWED = "not_allowed"
MISSING_PERMISSION = "missing_permission"
DEAD_TOKEN = "dead_token"  # noqa: S105 - a code, no token
DISABLED = "account_disabled"
NOT_A_PERSON = "token_of_an_app"
NOT_FOUND = "not_found"
NO_ROUTE = "no_such_route"
INVALID = "invalid"

MENDABLE = {OUTSIDE_SCOPES, MISSING_PERMISSION, DISABLED}
"""What our own account lacks and an operator can give it; a target that ranks higher will do so tomorrow."""

_TEXTS = {
    "This action is outside the authorized scopes": OUTSIDE_SCOPES,
    "Forbidden: token has insufficient scope permission": OUTSIDE_SCOPES,
    "This action is not allowed": NOT_ALLOWED,
    "Your login is currently disabled": DISABLED,
    "This method requires an authenticated user": NOT_A_PERSON,
}

_REQUIRED = re.compile(r"requires scope _?([a-z: _]+?)_?\.?\"?$")

_SCOPES = (
    # method, path, what one of must be there; the first that fits counts
    ("GET", r"/api/v[12]/admin/accounts", "admin:read:accounts"),
    ("*", r"/api/v1/admin/accounts", "admin:write:accounts"),
    ("GET", r"/api/v1/admin/reports", "admin:read:reports"),
    ("*", r"/api/v1/admin/reports", "admin:write:reports"),
    ("GET", r"/api/v1/admin/statuses", "admin:read:statuses"),
    ("*", r"/api/v1/admin/statuses", "admin:write:statuses"),
    ("GET", r"/api/v1/admin/", "admin:read"),
    ("*", r"/api/v1/admin/", "admin:write"),
    ("POST", r"/api/v1/reports", "write:reports"),
    ("GET", r"/api/v1/accounts/verify_credentials", "read:accounts"),
    ("GET", r"/api/v1/accounts/[^/]+/statuses", "read:statuses"),
    ("GET", r"/api/v1/accounts", "read:accounts"),
    ("GET", r"/api/v1/(statuses|timelines|streaming)", "read:statuses"),
    ("GET", r"/api/v2/search", "read:search"),
    ("GET", r"/api/v1/blocks", "read:blocks"),
    ("GET", r"/api/v1/mutes", "read:mutes"),
    ("GET", r"/api/v1/domain_blocks", "read:blocks"),
    ("GET", r"/api/v1/notifications", "read:notifications"),
    ("*", r"/api/v1/statuses", "write:statuses"),
)

_PERMISSIONS = (
    ("DELETE", r"/api/v1/admin/accounts", ("delete_user_data",)),
    ("GET", r"/api/v[12]/admin/accounts", ("manage_users",)),
    ("POST", r"/api/v1/admin/accounts/[^/]+/action", ("manage_users", "manage_reports")),
    ("*", r"/api/v1/admin/accounts", ("manage_users",)),
    ("*", r"/api/v1/admin/reports", ("manage_reports",)),
    ("*", r"/api/v1/admin/domain_", ("manage_federation",)),
    ("*", r"/api/v1/admin/(ip|email_domain|canonical_email)_blocks", ("manage_blocks",)),
    ("*", r"/api/v1/admin/(measures|dimensions|retention)", ("view_dashboard",)),
    ("*", r"/api/v1/admin/(trends|tags)", ("manage_taxonomies",)),
)


def check(answer: Answer) -> None:
    """Raise what an answer means, unless it is a good one."""
    if answer.status >= 400:
        raise error_of(answer)


def error_of(answer: Answer) -> PlatformError:
    """The error that an answer of 400 and above stands for."""
    said = _said(answer)
    code = _TEXTS.get(said, "")
    if answer.status == 401:
        reason = f" ({said})" if said else ""
        return NotLoggedInError(
            f"{answer.what}: the server does not accept the configured `token` (any more){reason}: make a new one at "
            "Preferences, Development, and configure it",
            code=DEAD_TOKEN,
        )
    if code == NOT_A_PERSON:
        return NotLoggedInError(
            f"{answer.what}: the token belongs to an application and to no account, or was not sent: use the access "
            "token that Preferences, Development shows for the bot's account",
            code=code,
        )
    if code == OUTSIDE_SCOPES:
        return NotPermittedError(
            f"{answer.what}: the token lacks the scope {required_scope(answer)}: give it to the application at "
            "Preferences, Development, and configure the token that is shown then",
            code=code,
        )
    if code == DISABLED:
        return NotLoggedInError(
            f"{answer.what}: the bot's account cannot log in: it is disabled, suspended, not confirmed or not "
            "approved, or its role demands two-factor login that is not set up",
            code=code,
        )
    if code == NOT_ALLOWED or answer.status == 403:
        return NotPermittedError(
            f"{answer.what}: the account may not do this{_needs(answer)}, or the target ranks as high as the bot does, "
            "or it is so already",
            code=NOT_ALLOWED,
        )
    if answer.status in {404, 410}:
        if said:
            return NotFoundError(
                f"{answer.what}: there is no such thing (any more), or we may not see it", code=NOT_FOUND
            )
        return NotFoundError(f"{answer.what}: this server has no such call", code=NO_ROUTE)
    if answer.status == 429:
        return RateLimitedError(f"{answer.what}: the server asks to slow down", retry_after=60.0)
    if said:
        return RejectedError(f"{answer.what}: {said}", code=INVALID)
    return BadAnswerError(
        f"{answer.what}: status {answer.status} without an error of Mastodon's: a proxy or another program answers at "
        "this address; check the configured URL and what stands in front of the server"
    )


def required_scope(answer: Answer) -> str:
    """The scope that a call wants: by the server's own word (4.4 and newer), or by what is known of the call."""
    match = _REQUIRED.search(answer.headers.get("www-authenticate", ""))
    if match is not None:
        # The broadest comes first, and the one that is enough last.
        return f"`{match[1].split()[-1]}`"
    method, _, path = answer.what.partition(" ")
    for wanted, pattern, scope in _SCOPES:
        if wanted in {method, "*"} and re.match(pattern, path):
            return f"`{scope}`"
    return "that this call wants"


def required_permissions(answer_what: str) -> tuple[str, ...]:
    """The permissions of a role that a call (``GET /api/…``) wants."""
    method, _, path = answer_what.partition(" ")
    for wanted, pattern, permissions in _PERMISSIONS:
        if wanted in {method, "*"} and re.match(pattern, path):
            return permissions
    return ()


def _needs(answer: Answer) -> str:
    wanted = required_permissions(answer.what)
    words = " and ".join(name.replace("_", " ").title() for name in wanted)
    return f": its role has to have {words}" if words else ""


def _said(answer: Answer) -> str:
    """The server's own words; empty where the answer is no error of the API."""
    try:
        body = answer.json()
    except BadAnswerError:
        return ""
    said = body.get("error") if isinstance(body, dict) else None
    return said[:300] if isinstance(said, str) else ""
