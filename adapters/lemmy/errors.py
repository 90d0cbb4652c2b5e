"""Lemmy's error codes as typed errors. The code decides, not the status: 400 is its answer to nearly everything."""

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
    UnreachableError,
)

if TYPE_CHECKING:
    from adapters.http import Answer

NOT_LOGGED_IN = {"incorrect_login", "not_logged_in"}

WORDS = {
    "not_an_admin": "the bot's account is not an admin of this server (any more): make it one again",
    "not_a_mod_or_admin": "the bot's account is neither admin nor moderator there (any more): make it an admin again",
    "not_a_moderator": "the bot's account is not a moderator there (any more)",
    "not_higher_admin": "the target became an admin earlier than the bot did, and Lemmy lets only earlier admins act "
    "on later ones: a human admin has to do this",
    "not_higher_mod": "the target ranks above the bot in this community: a human admin has to do this",
    "instance_is_private": "the server is private and does not know the bot's token",
    "site_ban": "the bot's account is banned from this server: unban it",
    "banned_from_community": "the bot's account is banned from this community",
    "missing_totp_token": "two-factor login is on for this account: configure `totp_secret`",
    "incorrect_totp_token": "the two-factor code was not accepted: check `totp_secret` and the clock of this machine",
    "email_not_verified": "the account's e-mail address is not verified yet",
    "registration_application_is_pending": "the account's application is still waiting for approval",
    "registration_denied": "the account's application was denied",
    "slurs": "the text contains a word that this server's slur filter refuses: change `text` of the rule",
    "report_too_long": "the report text is longer than this server allows: shorten `text` of the rule",
    "report_reason_required": "a report needs a text: write `text` in the rule",
    "couldnt_find_post": "there is no such post (any more), or it cannot be reported",
    "couldnt_find_comment": "there is no such comment (any more)",
    "couldnt_find_person": "there is no such account (any more)",
    "couldnt_find_community": "there is no such community (any more)",
    "couldnt_update_user": "there is no such account (any more)",
    "couldnt_update_comment": "its author has deleted it, and Lemmy does not remove deleted comments",
    "couldnt_create_report": "the bot has reported this before",
    "deleted": "it, or the community that it is in, was removed or deleted before",
    "not_found": "there is no such thing (any more), or it was removed before",
    "couldnt_create": "the server could not create it; of a report: the bot has reported this before",
    "couldnt_update": "the server does not change it; of a comment: its author has deleted it",
    "image_upload_disabled": "uploads are switched off on this server",
    "cannot_combine_federation_blocklist_and_allowlist": "this server lists whom it federates with, and then blocks "
    "nobody by name: take the other server off that list",
}

_PERMISSION = {
    *("not_an_admin", "not_a_mod_or_admin", "not_a_moderator", "not_higher_admin", "not_higher_mod"),
    *("instance_is_private", "site_ban", "banned_from_community"),
}
MENDABLE = {"not_an_admin", "not_a_mod_or_admin", "not_a_moderator", "site_ban", "instance_is_private"}
"""What our own account lacks and an operator can give it; a target that ranks higher will do so tomorrow."""

UNKNOWN = "unknown"

TROUBLES = {
    UNKNOWN: "any call: what has no word of its own, such as a pool without a free connection",
    "couldnt_get_posts": "GET /post/list",
    "couldnt_get_comments": "GET /comment/list",
    "couldnt_mark_post_as_read": "GET /post, which notes that we have read it",
    "system_err_login": "GET /site, which tells how our account stands",
    "couldnt_resolve_report": "PUT /post/report/resolve, PUT /comment/report/resolve",
    "couldnt_update_user": "POST /user/ban; where there is no such account, it comes with 404",
    "community_user_already_banned": "POST /community/ban_user, which overwrites a ban that is there",
    "couldnt_set_all_registrations_accepted": "PUT /site",
    "couldnt_set_all_email_verified": "PUT /site",
}
"""What a Lemmy says with status 400 when its database has failed, and where: an error of its own gets one word in each
place (LemmyNet/lemmy 0.19.20, ``with_lemmy_type`` of crates/utils/src/error.rs), and some of it may have been done.

Two words stand for a refusal as well, and who meets them finds out: ``couldnt_create_report`` (``reports``) and
``couldnt_update_comment`` (``removals``), in API v4 ``couldnt_create`` and ``couldnt_update``.
"""

_LAST_PAGE = "Page limit is >"

_REFUSED = re.compile(
    rf"{_LAST_PAGE}|page is <|fetch limit is >|pagination token|deserialize error|content type error|missing field"
    r"|^invalid |relative URL|violates|value too long|http status client error",
    re.IGNORECASE,
)
"""Texts of ``UNKNOWN`` that no second try changes: of a call that is not in order, of a row that the database does not
take, and of a file that pict-rs has not."""

_LOGIN = {
    *("missing_totp_token", "incorrect_totp_token", "email_not_verified"),
    *("registration_application_is_pending", "registration_denied"),
}


def check(answer: Answer, *, quiet: bool = False) -> None:
    """Raise what an answer means, unless it is a good one.

    ``quiet``: nothing of the answer but its code gets into the error. Lemmy 1.0 writes SQL, addresses of its inner
    network and the word that a filter found into ``message`` and ``cause``.
    """
    if answer.status < 400:
        return
    if unrouted(answer):
        raise BadAnswerError(
            f"{answer.what}: the server has no such call. If it was upgraded a moment ago, that is noticed with the "
            "next one; if not, check the configured URL and what stands in front of the server"
        )
    try:
        body = answer.json()
        code = body["error"]
    except BadAnswerError:
        raise
    except (KeyError, TypeError):
        raise BadAnswerError(f"{answer.what}: status {answer.status} without an error code of Lemmy's") from None
    raise error_of(str(code), str(body.get("message", ""))[:200], answer, quiet=quiet)


def unrouted(answer: Answer) -> bool:
    """Whether it is how Lemmy answers what it has no route for."""
    return answer.status == 404 and not answer.body


def is_past_the_last_page(error: RejectedError) -> bool:
    """Whether a page was asked for that no list of the server has, however long it is."""
    return _LAST_PAGE in str(error)


def error_of(code: str, message: str, answer: Answer, *, quiet: bool) -> PlatformError:
    """The error that a code stands for."""
    trouble = code in TROUBLES and answer.status == 400 and not (code == UNKNOWN and _REFUSED.search(message))
    said = (not trouble and WORDS.get(code)) or (not quiet and message) or code
    text = f"{answer.what}: {said}" + (f" ({code})" if said != code else "")
    if code == "rate_limit_error":
        return RateLimitedError(f"{answer.what}: Lemmy's rate limit is used up", retry_after=60.0)
    if code in NOT_LOGGED_IN or code in _LOGIN:
        return NotLoggedInError(text, code=code)
    if code in _PERMISSION:
        return NotPermittedError(text, code=code)
    if code.startswith("couldnt_find_") or code == "deleted" or answer.status == 404:
        return NotFoundError(text, code=code)
    if trouble:
        return UnreachableError(f"{text}: the server's database fails", sent=True, code=code)
    return RejectedError(text, code=code)
