"""What an error of a server means for a deed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.domain.decisions import Failed, Refused
from bot.domain.errors import (
    BadAnswerError,
    NotFoundError,
    NotLoggedInError,
    NotPermittedError,
    RateLimitedError,
    RejectedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.domain.decisions import Outcome
    from bot.domain.errors import PlatformError

T = TypeVar("T")

LOGIN_WAIT = 300.0
"""Seconds before a deed is tried again that failed for our credentials: an operator has to act first."""


def outcome_of(error: PlatformError, *, mendable: Collection[str] = ()) -> Outcome:
    """The outcome of a deed that ended with this error.

    ``mendable``: codes of a refusal that is about our own account, so that an operator can end it.
    """
    match error:
        case RateLimitedError():
            return Failed(note=str(error), retry_after=error.retry_after)
        case UnreachableError():
            # Sent, and no answer: only the server knows whether it happened.
            return Failed(note=str(error), unknown=error.sent)
        case NotLoggedInError():
            return Failed(note=str(error), retry_after=LOGIN_WAIT)
        case NotPermittedError() if error.code in mendable:
            return Failed(note=str(error), retry_after=LOGIN_WAIT)
        case NotPermittedError() | NotFoundError() | RejectedError():
            return Refused(code=error.code or "refused", note=str(error))
        case BadAnswerError():
            return Failed(note=str(error), unknown=True)
        case _:
            return Failed(note=str(error), unknown=True)


def before_deed(look: Callable[[], T]) -> T:
    """Do a read that a deed begins with: whatever goes wrong with it, nothing has been changed yet."""
    try:
        return look()
    except (UnreachableError, BadAnswerError) as error:
        raise UnreachableError(str(error), sent=False, code=error.code) from error


def after_deed(look: Callable[[], T]) -> T:
    """Do a read after a deed went out: whatever goes wrong with it, only the server knows what has become of it."""
    try:
        return look()
    except (UnreachableError, RateLimitedError, NotLoggedInError, NotPermittedError) as error:
        raise UnreachableError(str(error), sent=True, code=error.code) from error
