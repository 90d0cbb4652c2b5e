"""Calls to one Lemmy 1.0 as the bot's account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from adapters.lemmy.client import DEFAULT_LIMITS, LemmyClient
from adapters.lemmy.v4 import wire
from adapters.lemmy.v4.session import WeekSession
from bot.domain.errors import BadAnswerError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from adapters.http import Answer, Transport
    from adapters.lemmy.settings import LemmySettings
    from adapters.lemmy.wire import Json

BURST = 0.3
"""Share of a limit that is used at once. 1.0 counts in windows: a full bucket and what flows into it meanwhile are in
one of them (LemmyNet/lemmy 1.0.0-beta.1, crates/utils/src/rate_limit/backend.rs)."""

TAGLINE_PAGES = 20

SHORTEST_WAIT = 5.0
"""Seconds after a refusal: it names no time, and each further try counts, too."""


class LemmyV4Client(LemmyClient):
    """API v4 of one server. Thread-safe. What it says of itself is told in the words of v3: see ``v4.wire``."""

    api = "/api/v4"
    searches: ClassVar[Collection[str]] = {"/search", "/resolve_object"}
    who_am_i = "/account/validate_auth"
    quiet = True

    _session: WeekSession
    _login_window = float(DEFAULT_LIMITS["register"][1])

    def token_ends(self) -> datetime | None:
        """When the token in use ends, if it does. Raises what a login raises."""
        return self._session.ends()

    def shown_on(self, described: Json) -> Json:
        """What the server said of itself, with its taglines and emoji, in the words of v3. Raises ``PlatformError``."""
        taglines: list[Json] = []
        cursor: str | None = None
        for _ in range(TAGLINE_PAGES):
            page = self.get("/admin/tagline/list", {"limit": 50, "page_cursor": cursor})
            taglines += page.get("items") or []
            following = page.get("next_page")
            if not following or following == cursor:
                break
            cursor = following
        emoji = self.get("/custom_emoji/list").get("custom_emojis") or []
        try:
            return {
                **described,
                "taglines": [wire.tagline(one) for one in taglines],
                "custom_emojis": [wire.emoji(one) for one in emoji],
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswerError(f"the taglines or emoji are not in the shape of API v4 ({error})") from error

    def delete_file(self, alias: str) -> None:
        """Purge a file with all its names, as an admin. Counts as an upload: six an hour by default."""
        self._as_ourselves(
            lambda token: self._ask(
                "DELETE",
                f"{self.api}/image",
                limiter="image",
                body={"filename": alias},
                headers={"Authorization": f"Bearer {token}"},
                urgent=True,
            )
        )

    def _new_session(
        self, settings: LemmySettings, transport: Transport, monotonic: Callable[[], float]
    ) -> WeekSession:
        return WeekSession(settings, transport, window=lambda: self._login_window, monotonic=monotonic)

    def _described(self, *, urgent: bool) -> Json:
        told = self.transport.read(lambda: self._call("GET", "/site", params={}, urgent=urgent))
        account = self.transport.read(lambda: self._call("GET", "/account", params={}, urgent=urgent))
        return wire.site(told, account)

    def _of_strangers(self, described: Json) -> Json:
        return wire.site(described, None)

    def _feed(self, name: str, *, count: int, seconds: float) -> None:
        if name == "register":
            self._login_window = float(seconds)
        self.transport.buckets.feed(name, count=count, seconds=seconds, burst=max(1, int(count * BURST)))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        limiter: str = "message",
        urgent: bool = False,
        patient: bool = True,
        **more: Any,
    ) -> Answer:
        self.transport.buckets.take(limiter, urgent=urgent, patient=patient)
        try:
            answer = self.transport.call(method, path, **more)
        except RateLimitedError as error:
            raise self._slowed(error, limiter) from None
        return self._checked(answer, limiter)

    def _slowed(self, error: RateLimitedError, limiter: str) -> RateLimitedError:
        """The same error, with how long nothing of that limiter passes: as long as whoever refused asks for."""
        told = super()._slowed(error, limiter)
        wait = max(SHORTEST_WAIT, told.retry_after, error.retry_after)
        self.transport.buckets.pause(limiter, wait)
        return RateLimitedError(str(told), retry_after=wait)
