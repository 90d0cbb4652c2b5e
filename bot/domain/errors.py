"""Everything that can go wrong with the world, in one tree. Messages tell the operator what to do next."""

from __future__ import annotations


class FediwardenError(Exception):
    """The root of the tree."""


class ConfigError(FediwardenError):
    """The configuration cannot be used; the message names the key and the remedy."""


class LedgerError(FediwardenError):
    """The ledger cannot be read or written (locked, full, from another version)."""


class LedgerBusyError(LedgerError):
    """Another process writes to the ledger; the same call may work in a moment."""


class LeaseLostError(LedgerError):
    """Another process has become the one that acts."""


class SupersededError(LedgerError):
    """Somebody decided otherwise in the meantime: what was about to be written no longer applies."""


class StillWaitingError(LedgerError):
    """What is to be erased is needed still: something of it waits for a human, or for its turn."""


class StoppedError(LedgerError):
    """The kill switch is on: nothing is done until somebody starts acting again."""


class WorkerStartError(FediwardenError):
    """A decode worker does not start; its own words are on standard error."""


class PlatformError(FediwardenError):
    """A server did not do what was asked. ``code`` is its own word for it, where it has one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        """``code``: the server's error code, such as ``couldnt_find_post``."""
        super().__init__(message)
        self.code = code


class UnreachableError(PlatformError):
    """No answer, a broken answer, or a 5xx: it may work later.

    ``sent``: the request may have reached the server, so nobody knows whether it was carried out.
    """

    def __init__(self, message: str, *, sent: bool, code: str = "") -> None:
        """``sent``: False only when the request certainly did not reach the server."""
        super().__init__(message, code=code)
        self.sent = sent


class RateLimitedError(PlatformError):
    """The server asked us to slow down."""

    def __init__(self, message: str, *, retry_after: float, told: bool = False, limit: int | None = None) -> None:
        """``retry_after``: seconds until the server accepts the next call. ``told``: by its own word, or by our count
        of our own calls; else that is a guess. ``limit``: calls in a window, if it says.
        """
        super().__init__(message, code="rate_limited")
        self.retry_after = retry_after
        self.told = told
        self.limit = limit


class NotLoggedInError(PlatformError):
    """The token or password is not accepted."""


class NotPermittedError(PlatformError):
    """The account may not do this: not an admin, or the target ranks higher."""


class NotFoundError(PlatformError):
    """What was asked for is not there (any more)."""


class RejectedError(PlatformError):
    """The server understood and refused; asking again will not help."""


class BadAnswerError(PlatformError):
    """The server answered, but not in the shape its version promises."""
