"""The refusals of Mastodon: one sentence each, and sometimes nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Json


class ApiError(Exception):
    """An answer that is not what was asked for. Without a ``body`` nothing is said, as in a crash.

    ``lacking`` are the scopes of which the token has none. ``early``: said before the token was looked at closely.
    """

    def __init__(
        self,
        status: int,
        error: str | None = None,
        *,
        more: Json | None = None,
        lacking: tuple[str, ...] = (),
        early: bool = False,
    ) -> None:
        super().__init__(error or str(status))
        self.status = status
        self.body = None if error is None else {"error": error} | (more or {})
        self.lacking = lacking
        self.early = early


class PageError(Exception):
    """An answer in HTML: a page that is not there, or that went wrong."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class CrashError(Exception):
    """Something that Mastodon does not expect: 500 without a word."""


def record_not_found() -> ApiError:
    """A row that is not there."""
    return ApiError(404, "Record not found")


def not_found() -> ApiError:
    """A status that is not there, or not for the one who asks."""
    return ApiError(404, "Not Found")


def not_allowed() -> ApiError:
    """A role without the permission, or a deed that does not apply."""
    return ApiError(403, "This action is not allowed")


def outside_scopes(*wanted: str) -> ApiError:
    """A token that has none of these scopes."""
    return ApiError(403, "This action is outside the authorized scopes", lacking=wanted)


def invalid(*faults: str) -> ApiError:
    """A row that may not be saved as it is."""
    return ApiError(422, f"Validation failed: {', '.join(faults)}")


def challenge(error: str, words: str) -> str:
    """What is wrong with a token, as a header tells it."""
    return f'Bearer realm="Doorkeeper", error="{error}", error_description="{words}"'
