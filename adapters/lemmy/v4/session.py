"""The bot's login on Lemmy 1.0, whose tokens end after a week."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from adapters.lemmy.session import PAUSE, Session
from bot.domain.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.http import Transport
    from adapters.lemmy.settings import LemmySettings
    from bot.domain.errors import RateLimitedError

log = structlog.get_logger(__name__)

EARLY = timedelta(days=1)
"""How long before the end of its token a new one is fetched. A token lives for a week
(LemmyNet/lemmy 1.0.0-beta.1, crates/api/api_utils/src/claims.rs)."""

ENDLESS = timedelta(days=3650)
"""What lives longer was made not to end."""


def end_of(token: str) -> datetime | None:
    """When a token ends, by its own word; ``None`` if it says nothing of an end, or one that nobody will see."""
    try:
        claims = token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        end = datetime.fromtimestamp(float(told), UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return end if end - datetime.now(UTC) < ENDLESS else None


class WeekSession(Session):
    """Gives out the token, and fetches a new one before it ends. Thread-safe.

    ``stay_logged_in`` would give one that never ends; whoever finds that in a backup can use it for ever.
    """

    login_path = "/api/v4/account/auth/login"
    quiet = True

    def __init__(
        self,
        settings: LemmySettings,
        transport: Transport,
        *,
        window: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``window``: seconds in which the server counts logins."""
        super().__init__(settings, transport, monotonic=monotonic)
        self._window = window
        self._now = now
        self._failed_at: float | None = None

    def ends(self) -> datetime | None:
        """When the token in use ends, if it does. Raises as ``token`` does."""
        return end_of(self.token())

    def _lasting(self, token: str) -> str:
        end = end_of(token)
        if end is None or end - self._now() > EARLY or self._settings.password is None:
            return token
        if self._failed_at is not None and self._monotonic() - self._failed_at < PAUSE:
            return token
        try:
            fresh = self._log_in()
        except PlatformError as error:
            self._failed_at = self._monotonic()
            log.warning("the token ends soon and cannot be renewed yet", ends=end.isoformat(), error=str(error))
            return token
        self._failed_at = None
        return fresh

    def _logins_refused(self, error: RateLimitedError) -> float:
        """The whole window: while it was tried every ten seconds, a real 1.0 went on refusing."""
        wait = max(error.retry_after, self._window())
        self._transport.buckets.rest("register", wait)
        return wait
