"""The errors of Lemmy 1.0: fewer codes than before, and each with a ``cause`` that tells more than it should."""

from __future__ import annotations

from adapters.sandbox.lemmy.errors import (
    ConstraintError,
    LemmyError,
    MalformedRequestError,
    RegistrationDeniedError,
    UnkeptCharacterError,
)
from adapters.sandbox.lemmy.v4.names import pascal

_RECORD = "Record not found"
# What shared code calls an error, and what 1.0 calls it.
_RENAMED = {
    "banned_from_community": "person_is_banned_from_community",
    "community_already_exists": "already_exists",
    "community_moderator_already_exists": "already_exists",
    "couldnt_create_comment": "couldnt_create",
    "couldnt_create_report": "couldnt_create",
    "couldnt_update_comment": "couldnt_update",
    "couldnt_update_community": "couldnt_update",
    "couldnt_update_post": "couldnt_update",
    "email_already_exists": "email_already_taken",
    "only_mods_can_post_in_community": "not_a_moderator",
    "rate_limit_error": "too_many_requests",
    "user_already_exists": "username_already_taken",
}


class CausedError(LemmyError):
    """A refusal whose cause is not just its code."""

    def __init__(self, code: str, cause: str, *, message: str | None = None, status: int | None = None) -> None:
        super().__init__(code, message, status=status)
        self.cause = cause


def not_found(cause: str = _RECORD) -> CausedError:
    """Nothing there."""
    return CausedError("not_found", cause, status=404)


def answer_for(error: LemmyError) -> tuple[dict[str, str | None], int]:
    """Body and status of an error, of shared code too."""
    if isinstance(error, MalformedRequestError):
        return error.body, error.status
    if isinstance(error, CausedError):
        return error.body | {"cause": error.cause}, error.status
    if isinstance(error, UnkeptCharacterError):
        cause = str(error.message)
        return answer_for(not_found(cause) if error.reading else CausedError("couldnt_create", cause))
    if isinstance(error, ConstraintError):
        return answer_for(CausedError("couldnt_update", str(error.message)))
    if isinstance(error, RegistrationDeniedError):
        return {"error": error.code, "message": error.message or "", "cause": _cause(error.code)}, error.status
    code, status = _RENAMED.get(error.code, error.code), error.status
    if code.startswith("couldnt_find") or error.message == _RECORD or code == "object_not_local":
        return answer_for(not_found())
    if code == "too_many_requests":
        return {"error": code}, 429
    body = error.body | {"error": code}
    cause = error.message if code == "unknown" and error.message is not None else _cause(code)
    return body | {"cause": cause}, status


def _cause(code: str) -> str:
    """The name of the code in Lemmy's source."""
    return pascal(code)
