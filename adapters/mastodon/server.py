"""Asks a server what it offers and what the bot is there; see ``adapters.mastodon.capabilities``."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.mastodon.capabilities import Access, Capabilities, Me, Permission
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
    from collections.abc import Callable

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.wire import Json

KEPT = 300.0
"""Seconds for which an answer holds."""


class Server:
    """Asks a server what it offers, once in a while. Thread-safe."""

    def __init__(self, client: MastodonClient, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Contacts nobody until it is asked."""
        self._client = client
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: tuple[float, Capabilities] | None = None
        self._staff: tuple[float, frozenset[str]] | None = None

    def now(self, *, fresh: bool = False, urgent: bool = False) -> Capabilities:
        """Raises ``PlatformError`` where the server cannot be asked; a token that it refuses is part of the answer."""
        with self._lock:
            known = self._known
        if known is not None and not fresh and self._monotonic() - known[0] < KEPT:
            return known[1]
        try:  # without the lock: a look that waits for its turn must not keep a deed waiting
            found = self._ask(urgent=urgent)
        except (UnreachableError, RateLimitedError):
            if known is None or fresh:
                raise
            return known[1]  # what it was is the best guess until it answers again
        if found.me is not None:  # a refused token may be a new one with the next look
            with self._lock:
                self._known = (self._monotonic(), found)
        return found

    def me(self, *, urgent: bool = False) -> Me:
        """Raises ``NotLoggedInError`` where the token is not accepted."""
        found = self.now(urgent=urgent)
        if found.me is None:
            raise NotLoggedInError(found.trouble)
        return found.me

    def staff(self, *, fresh: bool = False, urgent: bool = False) -> frozenset[str]:
        """Ids of the accounts whose role has any permission of staff; empty where we may not know."""
        with self._lock:
            if self._staff is not None and not fresh and self._monotonic() - self._staff[0] < KEPT:
                return self._staff[1]
        found: frozenset[str] = frozenset()
        try:
            query = {"permissions": "staff", "limit": 200}
            listed = self._client.listing("/api/v2/admin/accounts", query, urgent=urgent)
            found = frozenset(str(row["id"]) for row in listed.rows if _ranks(row))
        except (UnreachableError, RateLimitedError):
            if self._staff is None:
                raise
            return self._staff[1]
        except (NotPermittedError, NotFoundError, RejectedError):
            pass  # ``check`` says so; roles that an account shows still count
        except (KeyError, TypeError) as error:
            raise BadAnswerError(f"the list of staff is not in the shape of Mastodon's ({error})") from error
        with self._lock:
            self._staff = (self._monotonic(), found)
        return found

    def _ask(self, *, urgent: bool) -> Capabilities:
        software, version = self._software()
        instance = self._client.transport.read(lambda: self._client.plain("/api/v2/instance"))
        if instance.status in {401, 403, 404}:
            instance = self._client.plain("/api/v1/instance")
        told = instance.json()
        if instance.status >= 400 or not isinstance(told, dict):
            raise BadAnswerError(f"{instance.what} was answered with {instance.status}: no Mastodon API answers there")
        me, trouble = self._me(urgent=urgent)
        api = _dig(told, "api_versions", "mastodon")
        return Capabilities(
            software=software or _guess(str(told.get("version", ""))),
            version=version or str(told.get("version", "")),
            api=api if isinstance(api, int) else None,
            domain=_domain(told, self._client.settings.public),
            streaming=_streaming(told),
            feeds=_access(told),
            scopes=self._scopes(),
            me=me,
            trouble=trouble,
        )

    def _software(self) -> tuple[str, str]:
        """Name and version by nodeinfo; empty where it is switched off."""
        links = self._client.plain("/.well-known/nodeinfo")
        if links.status != 200:
            return "", ""
        listed = _dig(links.json(), "links") or ()
        hrefs = [link.get("href") for link in listed if isinstance(link, dict)]
        if not hrefs:
            return "", ""
        # The path only: the server that we reach is the one that we ask, whatever it calls itself.
        told = self._client.plain(urlsplit(str(hrefs[-1])).path)
        if told.status != 200:
            return "", ""
        said = told.json()
        return str(_dig(said, "software", "name") or "").lower(), str(_dig(said, "software", "version") or "")

    def _scopes(self) -> frozenset[str]:
        metadata = self._client.plain("/.well-known/oauth-authorization-server")
        if metadata.status != 200:
            return frozenset()
        try:
            told = metadata.json()
        except BadAnswerError:
            return frozenset()
        listed = told.get("scopes_supported") if isinstance(told, dict) else None
        return frozenset(str(scope) for scope in listed or ())

    def _me(self, *, urgent: bool) -> tuple[Me | None, str]:
        try:
            mine = self._client.object("/api/v1/accounts/verify_credentials", urgent=urgent)
        except (NotLoggedInError, NotPermittedError) as error:
            return None, str(error)
        role: Json = mine["role"] if isinstance(mine.get("role"), dict) else {}
        try:
            permissions = _permissions(mine)
            account_id, name = str(mine["id"]), str(mine["acct"])
        except (KeyError, ValueError, TypeError) as error:
            raise BadAnswerError(f"verify_credentials is not in the shape of Mastodon's ({error})") from error
        return (
            Me(
                id=account_id,
                handle=name,
                language=_dig(mine, "source", "language"),
                scopes=self._own_scopes(urgent=urgent),
                role=str(role["name"]) if role.get("name") else None,
                permissions=permissions,
                two_factor=bool(role.get("require_2fa")),
            ),
            "",
        )

    def _own_scopes(self, *, urgent: bool) -> frozenset[str] | None:
        """Those of the token's application (4.3 and newer), which a token of Preferences, Development has."""
        try:
            app = self._client.object("/api/v1/apps/verify_credentials", urgent=urgent)
        except (NotFoundError, NotPermittedError, NotLoggedInError, RejectedError):
            return None
        listed = app.get("scopes")
        return frozenset(str(scope) for scope in listed) if isinstance(listed, list) else None


def _permissions(mine: Json) -> Permission | None:
    """Those of our role. Pleroma and its kin have no roles, and tell who is staff; others tell nothing."""
    role, theirs = mine.get("role"), mine.get("pleroma")
    if isinstance(role, dict):
        return Permission(int(role.get("permissions") or 0))
    if isinstance(theirs, dict):
        staff = theirs.get("is_admin") or theirs.get("is_moderator")
        return Permission.MANAGE_REPORTS | Permission.MANAGE_USERS if staff else Permission(0)
    return None


def _ranks(row: Any) -> bool:
    """Whether an ``Admin::Account`` has a role above that of everybody."""
    role = row.get("role") or {}
    return bool(int(role.get("permissions") or 0) & ~(1 << 16))  # everybody may invite


def _dig(told: Json, *path: str) -> Any:
    found: Any = told
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _domain(told: Json, public: str) -> str:
    for key in ("account_domain", "domain", "uri"):
        value = told.get(key)
        if isinstance(value, str) and value:
            return (urlsplit(value).netloc if "//" in value else value).lower()
    return urlsplit(public).netloc.lower()


def _streaming(told: Json) -> str | None:
    url = _dig(told, "configuration", "urls", "streaming") or _dig(told, "urls", "streaming_api")
    if not isinstance(url, str) or not url:
        return None
    for ours, theirs in (("https://", "wss://"), ("http://", "ws://")):
        if url.startswith(theirs):
            return (ours + url.removeprefix(theirs)).rstrip("/")
    return url.rstrip("/")


def _access(told: Json) -> Access:
    live = _dig(told, "configuration", "timelines_access", "live_feeds")
    if not isinstance(live, dict):
        return Access()
    return Access(local=str(live.get("local", "public")), remote=str(live.get("remote", "public")))


def _guess(version: str) -> str:
    """By what other servers write behind the version that they imitate: ``2.7.2 (compatible; Akkoma 3.13.2)``."""
    lowered = version.lower()
    for name in ("akkoma", "pleroma", "rebased", "sharkey", "pixelfed", "friendica", "gotosocial"):
        if name in lowered:
            return name
    return "mastodon"
