"""Calls to one Lemmy server as the bot's account: login, limits, retries of reads, typed errors."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from adapters.lemmy import errors
from adapters.lemmy.session import Session
from bot.domain.errors import BadAnswerError, NotFoundError, NotLoggedInError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from adapters.http import Answer, Transport
    from adapters.lemmy.settings import LemmySettings
    from adapters.lemmy.wire import Json

T = TypeVar("T")

SITE_KEPT = 120.0
"""Seconds for which an answer of ``GET /site`` holds: rate limits, admins, and whether we are one."""

DEFAULT_LIMITS = {"message": (180, 60), "register": (10, 3600), "search": (60, 600)}
"""Calls and seconds, until the server has told its own. Lemmy 0.19, crates/db_schema, local_site_rate_limit."""

LIMITERS = ("message", "post", "comment", "register", "image", "search")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What ``GET /site`` says, and when it said it."""

    json: Json
    at: float

    @property
    def version(self) -> tuple[int, ...]:
        """``(0, 19, 20)``; letters of pre-releases are left out."""
        words = str(self.json.get("version", "")).split("-")[0].split(".")
        return tuple(int(word) for word in words if word.isdigit())

    @property
    def me(self) -> Json | None:
        """Our own ``LocalUserView``, ``None`` if the server does not know us."""
        mine = self.json.get("my_user")
        return mine.get("local_user_view") if isinstance(mine, dict) else None

    @property
    def admins(self) -> frozenset[int]:
        """Person ids of the admins."""
        return frozenset(admin["person"]["id"] for admin in self.json.get("admins", ()))


class LemmyClient:
    """API v3 of one server, and what its other generations have in common with it. Thread-safe."""

    api = "/api/v3"
    searches: ClassVar[Collection[str]] = {"/search"}
    who_am_i = "/user/validate_auth"
    quiet = False  # whether what errors say beside their code is kept to the server: see ``errors.check``

    def __init__(
        self,
        settings: LemmySettings,
        transport: Transport,
        *,
        unrouted: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Contacts nobody until the first call. ``unrouted``: told that the server lacks a call of this generation."""
        self.settings = settings
        self.transport = transport
        self._unrouted = unrouted
        self._session = self._new_session(settings, transport, monotonic)
        self._monotonic = monotonic
        self._site: Site | None = None
        self._site_lock = threading.Lock()
        for name, (count, seconds) in DEFAULT_LIMITS.items():
            self._feed(name, count=count, seconds=seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.url!r})"

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        urgent: bool = False,
        patient: bool = True,
        vouched: bool = False,
    ) -> Json:
        """Read something, as often as it takes; not ``patient``: unless that had to wait for a rate limit.

        ``None`` values are left out. ``vouched``: the caller looks at the login afterwards, for many reads at once.

        Lemmy ignores a token that it does not accept and answers as to a stranger, to whom much does not exist: what
        is not found is asked for again after a look at the login.
        """
        query = {key: _plain(value) for key, value in (params or {}).items() if value is not None}
        try:
            return self.transport.read(
                lambda: self._call("GET", path, params=query, urgent=urgent, patient=patient), patient=patient
            )
        except NotFoundError:
            if vouched or self.still_logged_in(urgent=urgent):
                raise
        return self.transport.read(lambda: self._call("GET", path, params=query, urgent=urgent))

    def do(self, method: str, path: str, body: Mapping[str, Any]) -> Json:
        """Change something: once, before all listings, and never again by itself."""
        return self._call(method, path, body=body, urgent=True)

    def delete_file(self, alias: str) -> None:
        """Delete one alias as an admin, Lemmy 0.19.12 and newer; the token in the path is not looked at there."""
        self._as_ourselves(
            lambda token: self._ask(
                "GET",
                f"/pictrs/image/delete/x/{alias}",
                headers={"Authorization": f"Bearer {token}"},
                urgent=True,
            )
        )

    def still_logged_in(self, *, urgent: bool = False) -> bool:
        """Whether the token is accepted, and was all the while; if not, a new one is fetched.

        A listing made with a token that the server does not accept is a stranger's: incomplete without saying so.
        Raises what a login raises.
        """
        token = self._session.token()

        def ask() -> None:
            headers = {"Authorization": f"Bearer {token}"}
            answer = self._ask("GET", f"{self.api}{self.who_am_i}", headers=headers, urgent=urgent)
            if self._object(answer).get("success") is not True:  # a proxy's page says nothing of it
                raise BadAnswerError(f"{answer.what} was answered with neither yes nor no")

        try:
            self.transport.read(ask)
        except NotLoggedInError:
            self._session.renew(token)
            return False
        return True

    def site(self, *, fresh: bool = False, urgent: bool = False) -> Site:
        """The server about itself and about us; feeds the rate limits."""
        with self._site_lock:
            known = self._site
            if known is not None and not fresh and self._monotonic() - known.at < SITE_KEPT:
                return known
        try:
            site = Site(json=self._described(urgent=urgent), at=self._monotonic())
            limits = site.json["site_view"]["local_site_rate_limit"]
            _ = site.version, site.admins
            for name in LIMITERS:
                self._feed(name, count=limits[name], seconds=limits[f"{name}_per_second"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadAnswerError(
                f"{self.settings.url} does not describe itself like Lemmy: this adapter speaks API v3 of 0.19 and API "
                "v4 of 1.0"
            ) from None
        with self._site_lock:
            self._site = site
        return site

    def site_of_strangers(self) -> Site:
        """The same without a login, for telling a wrong password from a dead server."""
        answer = self.transport.read(lambda: self._ask("GET", f"{self.api}/site"))
        return Site(json=self._of_strangers(self._object(answer)), at=self._monotonic())

    def my_id(self, *, urgent: bool = False) -> int:
        """The bot's person id. Raises ``NotLoggedInError`` if the server does not know it."""
        site = self.site(urgent=urgent)
        if site.me is None:
            self.still_logged_in(urgent=urgent)
            site = self.site(fresh=True, urgent=urgent)
        if site.me is None:
            raise NotLoggedInError(f"{self.settings.url} does not say who {self.settings.username} is")
        return int(site.me["person"]["id"])

    def _new_session(self, settings: LemmySettings, transport: Transport, monotonic: Callable[[], float]) -> Session:
        return Session(settings, transport, monotonic=monotonic)

    def _described(self, *, urgent: bool) -> Json:
        """The server about itself and us, in the words of API v3. Raises ``KeyError`` and its kin for other words."""
        return self.transport.read(lambda: self._call("GET", "/site", params={}, urgent=urgent))

    def _of_strangers(self, described: Json) -> Json:
        return described

    def spare(self) -> int:
        """Calls that may read now without waiting, and without keeping a deed waiting."""
        return self.transport.buckets.spare("message")

    def _feed(self, name: str, *, count: int, seconds: float) -> None:
        self.transport.buckets.feed(name, count=count, seconds=seconds)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        urgent: bool,
        patient: bool = True,
    ) -> Json:
        limiter = "search" if path in self.searches else "message"

        def once(token: str) -> Json:
            answer = self._ask(
                method,
                self.api + path,
                limiter=limiter,
                params=params,
                body=body,
                headers={"Authorization": f"Bearer {token}"},
                urgent=urgent,
                patient=patient,
            )
            return self._object(answer)

        return self._as_ourselves(once)

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
        """One request under a limit, and a good answer; anything else is raised as what it means."""
        answer = self.transport.call(method, path, limiter=limiter, urgent=urgent, patient=patient, **more)
        return self._checked(answer, limiter)

    def _as_ourselves(self, once: Callable[[str], T]) -> T:
        """Call with the token; where it is refused, log in once and call again: a refused call did nothing."""
        token = self._session.token()
        try:
            return once(token)
        except NotLoggedInError:
            return once(self._session.renew(token))

    def _checked(self, answer: Answer, limiter: str) -> Answer:
        if errors.unrouted(answer):
            self._unrouted()
        try:
            errors.check(answer, quiet=self.quiet)
        except RateLimitedError as error:
            raise self._slowed(error, limiter) from None
        return answer

    def _slowed(self, error: RateLimitedError, limiter: str) -> RateLimitedError:
        """The same error, with how long the limiter of ours waits now."""
        wait = self.transport.buckets.drain(limiter)
        with self._site_lock:
            self._site = None  # the limits may have been lowered
        return RateLimitedError(str(error), retry_after=wait)

    def _object(self, answer: Answer) -> Json:
        found = answer.json()
        if not isinstance(found, dict):
            raise BadAnswerError(f"{answer.what} was answered with a JSON {type(found).__name__}, not an object")
        return found


def _plain(value: object) -> str:
    """A query value as Lemmy reads it: ``true``, never ``True``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "value", value))
