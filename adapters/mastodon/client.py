"""Calls to one Mastodon server as the bot's account: limits, retries of reads, typed errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from adapters.mastodon import errors, limits
from adapters.mastodon.library import library
from bot.domain.errors import BadAnswerError, NotPermittedError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mastodon import Mastodon

    from adapters.http import Answer, Transport
    from adapters.mastodon.settings import MastodonSettings
    from adapters.mastodon.wire import Json

_NEXT = re.compile(r"<([^>]*)>\s*;\s*rel=\"next\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of a listing. ``following``: what to ask for behind it, ``None`` where it ends."""

    rows: Sequence[Any]
    following: Mapping[str, str] | None


class MastodonClient:
    """The API of one server. Thread-safe."""

    def __init__(self, settings: MastodonSettings, transport: Transport) -> None:
        """Contacts nobody until the first call."""
        self.settings = settings
        self.transport = transport
        limits.feed(transport.buckets, settings.calls)

    def __repr__(self) -> str:
        return f"MastodonClient({self.settings.url!r})"

    @cached_property
    def library(self) -> Mastodon:
        """Mastodon.py over this very client, for deeds: its calls go before all listings. Raises ``PlatformError``."""
        return library(self, urgent=True)

    @cached_property
    def reading(self) -> Mastodon:
        """The same for listings and looks."""
        return library(self, urgent=False)

    @property
    def headers(self) -> dict[str, str]:
        """Who we are, and which server we mean where its address does not say so."""
        return {**self.authorization, **self.naming}

    @property
    def authorization(self) -> dict[str, str]:
        """Who we are."""
        return {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}

    @property
    def naming(self) -> dict[str, str]:
        """Which server we mean. ``X-Forwarded-Proto``, or a server reached by plain HTTP sends us to HTTPS."""
        if self.settings.host is None:
            return {}
        return {"Host": self.settings.host, "X-Forwarded-Proto": "https"}

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, urgent: bool = False, patient: bool = True
    ) -> Any:
        """Read something, as often as it takes; not ``patient``: unless that had to wait for a rate limit.

        ``None`` values are left out; sequences become ``name[]``.
        """
        query = as_query(params or {})
        return self._read(path, query, urgent=urgent, patient=patient).json()

    def object(
        self, path: str, params: Mapping[str, Any] | None = None, *, urgent: bool = False, patient: bool = True
    ) -> Json:
        """``get`` where the answer has to be an object."""
        found = self.get(path, params, urgent=urgent, patient=patient)
        if not isinstance(found, dict):
            raise BadAnswerError(f"GET {path} was answered with a JSON {type(found).__name__}, not an object")
        return found

    def listing(self, path: str, params: Mapping[str, Any] | None = None, *, urgent: bool = False) -> Listed:
        """``get`` where the answer has to be a list, with where it goes on."""
        answer = self._read(path, as_query(params or {}), urgent=urgent, patient=True)
        found = answer.json()
        if not isinstance(found, list):
            raise BadAnswerError(f"GET {path} was answered with a JSON {type(found).__name__}, not a list")
        match = _NEXT.search(answer.headers.get("link", ""))
        # Mastodon names a next page whenever this one has anything on it at all.
        following = dict(parse_qsl(urlsplit(match[1]).query)) if match is not None and found else None
        return Listed(rows=found, following=following)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, urgent: bool = True) -> Any:
        """Change something: once, before all listings, and never again by itself."""
        return self.send("POST", path, body=body or {}, urgent=urgent).json()

    def put(self, path: str, body: Mapping[str, Any] | None = None, *, urgent: bool = True) -> Any:
        """As ``post``."""
        return self.send("PUT", path, body=body or {}, urgent=urgent).json()

    def delete(self, path: str, params: Mapping[str, Any] | None = None, *, urgent: bool = True) -> Any:
        """As ``post``."""
        return self.send("DELETE", path, params=as_query(params or {}), urgent=urgent).json()

    def plain(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read something as a stranger; of any status below 500."""
        return self.transport.read(lambda: self.transport.call("GET", path, params=params, headers=self.naming))

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | Sequence[str]] | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
        urgent: bool,
        patient: bool = True,
    ) -> Answer:
        """One call as ourselves, below all limits. Raises ``PlatformError`` for everything but a good answer."""
        besides = limits.besides(method, path, params or {})
        used = [limits.TOKEN] if besides is None else [besides, limits.TOKEN]
        for name in used:
            self.transport.buckets.take(name, urgent=urgent, patient=patient)
        headers = self.headers if content_type is None else {**self.headers, "Content-Type": content_type}
        try:
            answer = self.transport.call(
                method, path, params=params, body=body, content=content, headers=headers, urgent=urgent
            )
        except RateLimitedError as error:
            for name in limits.resting(besides, error, self.settings.calls):
                self.transport.buckets.rest(name, error.retry_after)
            raise
        try:
            errors.check(answer)
        except NotPermittedError as error:
            if error.code == errors.NOT_ALLOWED and "/admin/" in path:
                self._not_ourselves(urgent=urgent)
            raise
        return answer

    def _read(self, path: str, query: Mapping[str, str | Sequence[str]], *, urgent: bool, patient: bool) -> Answer:
        return self.transport.read(
            lambda: self.send("GET", path, params=query, urgent=urgent, patient=patient), patient=patient
        )

    def _not_ourselves(self, *, urgent: bool) -> None:
        """Raise ``NotLoggedInError`` if the token is dead: the admin API answers it like one that may not."""
        path = "/api/v1/accounts/verify_credentials"
        answer = self.transport.read(
            lambda: self.transport.call("GET", path, headers=self.headers, limiter=limits.TOKEN, urgent=urgent)
        )
        if answer.status in {401, 422} or (answer.status == 403 and errors.error_of(answer).code == errors.DISABLED):
            raise errors.error_of(answer) from None


def as_query(params: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """A query as Rails reads it: ``true``, never ``True``; ``id[]`` for each of several."""
    query: dict[str, str | Sequence[str]] = {}
    for name, value in params.items():
        if value is None:
            continue
        if isinstance(value, list | tuple):
            query[f"{name}[]"] = [_plain(one) for one in value]
        else:
            query[name] = _plain(value)
    return query


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "value", value))
