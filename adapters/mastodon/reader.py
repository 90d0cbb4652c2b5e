"""Reads one thing again, whatever its kind, and makes sightings of posts with all that belongs to them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from adapters.mastodon import errors
from adapters.mastodon.basket import Basket
from adapters.mastodon.convert import edited, hidden, quoted, unwrapped
from bot.domain.content import Post, Profile, SitePage
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
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from adapters.mastodon import wire
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.convert import Converter
    from adapters.mastodon.server import Server
    from bot.domain.content import SubjectKey
    from bot.ports import Clock

HISTORIES = 2000
"""Histories of edits that are remembered: feeds overlap, and show an edited post again and again."""

ANSWERS = timedelta(minutes=1)
"""For how long a server that fails at one thing is not asked again whether it answers at all."""


class Reader:
    """One server. Thread-safe."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        converter: Converter,
        clock: Clock,
        *,
        flagged: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``flagged``: told of accounts whose posts are read again, for what is read again was flagged."""
        self._client = client
        self._server = server
        self._plain = converter
        self._clock = clock
        self._flagged = flagged
        self._histories: OrderedDict[tuple[str, str], Sequence[Mapping[str, Any]]] = OrderedDict()
        self._answered: datetime | None = None  # when the server as a whole was last found to answer
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        """The time by which sightings are dated."""
        return self._clock

    def converter(self) -> Converter:
        """For this server as it is known by now. Raises ``PlatformError``."""
        return self._plain.knowing(domain=self._server.now().domain, staff=self._server.staff())

    def status(self, status_id: str) -> wire.Status:
        """One post as it is now. Raises ``NotFoundError``."""
        return cast("wire.Status", self._client.object(f"/api/v1/statuses/{status_id}"))

    def account(self, account_id: str) -> wire.Account:
        """One account as it is now. Raises ``NotFoundError``."""
        return cast("wire.Account", self._client.object(f"/api/v1/accounts/{account_id}"))

    def see(self, status: Mapping[str, Any], basket: Basket, *, converter: Converter, backlog: bool) -> None:
        """Everything that a post shows: its media, those edited out of it, its author's page.

        A boost is its post. What only some may see is dropped and counted; what nobody understands is a hole. Raises
        ``PlatformError`` where the server does not tell what was edited out, when the rest is in the basket.
        """
        failed: PlatformError | None = None
        history: Sequence[Mapping[str, Any]] = ()
        try:
            whole = unwrapped(cast("wire.Status", status))
            if (reason := hidden(whole)) is not None:
                basket.drop(reason)
                return
            now = self._clock.now()
            try:
                history = self._history(whole)
            except PlatformError as error:
                failed = error
            basket.add(converter.seen_in_post(whole, at=now, backlog=backlog, history=history))
            basket.add(converter.seen_around(whole, at=now, backlog=backlog))
            inner = quoted(whole)
            if inner is not None and hidden(inner) is None:
                basket.add(converter.seen_in_post(inner, at=now, backlog=backlog))
        except BadAnswerError as error:
            basket.holes.append(str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            basket.holes.append(f"a post is not in Mastodon's shape ({type(error).__name__})")
        if failed is not None:
            raise failed

    def see_row(self, status: Mapping[str, Any], basket: Basket, *, converter: Converter, backlog: bool) -> str:
        """``see`` of one of many, which must not be the end of the others; what it failed at, or nothing.

        Raises ``PlatformError`` only where the whole server cannot be asked.
        """
        try:
            self.see(status, basket, converter=converter, backlog=backlog)
        except PlatformError as error:
            self.bear(error)
            return str(error)
        return ""

    def bear(self, error: PlatformError) -> None:
        """Go on after an error about one thing. Raises ``PlatformError`` where it is about the whole server."""
        down = isinstance(error, UnreachableError) and not error.sent
        if down or isinstance(error, RateLimitedError | NotLoggedInError) or error.code in errors.MENDABLE:
            raise error
        now = self._clock.now()
        with self._lock:
            known = self._answered
        if known is None or not timedelta(0) <= now - known < ANSWERS:
            self._server.now(fresh=True)
            with self._lock:
                self._answered = now

    def see_account(self, account: Mapping[str, Any], basket: Basket, *, converter: Converter, backlog: bool) -> None:
        """What an account's page shows."""
        try:
            seen = converter.seen_in_profile(cast("wire.Account", account), at=self._clock.now(), backlog=backlog)
        except BadAnswerError as error:
            basket.holes.append(str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            basket.holes.append(f"an account is not in Mastodon's shape ({type(error).__name__})")
        else:
            basket.add(seen)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """The media of a subject as it is now. Raises ``PlatformError`` when the server cannot be asked."""
        try:
            return self._read(what)
        except NotFoundError as error:
            return Gone(detail=str(error))
        except (KeyError, TypeError) as error:
            raise BadAnswerError(f"{what} is not in Mastodon's shape ({type(error).__name__} {error})") from error

    def _read(self, what: SubjectKey) -> Batch | Gone:
        if what.kind != SitePage.kind and not (what.local_id.isascii() and what.local_id.isalnum()):
            return Gone(detail=f"{what.local_id!r} is not an id of Mastodon's")
        basket, convert = Basket(), self.converter()
        match what.kind:
            case Post.kind:
                status = self.status(what.local_id)
                if hidden(status) is not None:
                    return Gone(detail="only some may see the post now")
                self._flagged(str(status["account"]["id"]))
                now = self._clock.now()
                # What is not understood is the error of this one read.
                history = self._history(status)
                basket.add(convert.seen_in_post(status, at=now, backlog=False, history=history))
                basket.add(convert.seen_around(status, at=now, backlog=False))
            case Profile.kind:
                account = self.account(what.local_id)
                self._flagged(what.local_id)
                basket.add(convert.seen_in_profile(account, at=self._clock.now(), backlog=False))
            case SitePage.kind:
                return self._emoji(what, convert)
            case _:
                return Gone(detail=f"Mastodon has no subject of the kind {what.kind!r}")
        return basket.batch(None, more=False)

    def _emoji(self, what: SubjectKey, convert: Converter) -> Batch | Gone:
        basket = Basket()
        for emoji in self._client.listing("/api/v1/custom_emojis").rows:
            seen = convert.seen_as_emoji(emoji, at=self._clock.now(), backlog=False)
            basket.add(one for one in seen if one.subject.key == what)
        if not basket.sightings:
            return Gone(detail="there is no such emoji among those that are listed")
        return basket.batch(None, more=False)

    def _history(self, status: wire.Status) -> Sequence[Mapping[str, Any]]:
        """Versions before the last edit: their pictures stay public, though the post shows them no more."""
        when = edited(status)
        if when is None:
            return ()
        key = (str(status["id"]), when)
        with self._lock:
            if key in self._histories:
                self._histories.move_to_end(key)
                return self._histories[key]
        try:
            found: Sequence[Mapping[str, Any]] = self._client.listing(f"/api/v1/statuses/{key[0]}/history").rows
        except (NotFoundError, NotPermittedError, RejectedError):
            return ()  # gone meanwhile, or a server that keeps none
        with self._lock:
            self._histories[key] = found
            while len(self._histories) > HISTORIES:
                self._histories.popitem(last=False)
        return found
