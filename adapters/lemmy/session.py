"""The bot's login on one Lemmy server: one token, kept across restarts, renewed once when it is refused."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import structlog

from adapters.credentials import one_time_code, write_secretly
from adapters.lemmy import errors
from adapters.outcome import before_deed
from bot.domain.errors import BadAnswerError, NotLoggedInError, NotPermittedError, RateLimitedError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.http import Transport
    from adapters.lemmy.settings import LemmySettings

log = structlog.get_logger(__name__)

SECOND = 1.1
"""Seconds after which a token is another one than that of a moment ago: nothing else tells two of an account apart
(LemmyNet/lemmy 0.19.20, crates/api_common/src/claims.rs)."""

PAUSE = 120.0
"""Seconds after a refused login before the next try: Lemmy allows ten logins an hour."""


class Session:
    """Gives out the token. Thread-safe."""

    login_path = "/api/v3/user/login"
    quiet = False  # as ``errors.check`` takes it

    def __init__(
        self, settings: LemmySettings, transport: Transport, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Contacts nobody: the first ``token`` does, and only if none is configured or stored."""
        self._settings = settings
        self._transport = transport
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: str | None = None
        self._untried: list[str] | None = None  # tokens that came from elsewhere and were never refused
        self._refused: tuple[float, NotLoggedInError] | None = None

    def __repr__(self) -> str:
        return f"Session({self._settings.username!r} at {self._settings.url!r})"

    def token(self) -> str:
        """The token to send. Raises ``NotLoggedInError`` and what a login raises."""
        with self._lock:
            if self._token is None:
                self._token = self._next()
            self._token = self._lasting(self._token)
            return self._token

    def renew(self, refused: str) -> str:
        """A token to send instead of one that the server has refused. Raises as ``token`` does."""
        with self._lock:
            if self._token is not None and self._token != refused:
                return self._token  # another thread was faster
            self._token = None
            self._token = self._next()
            return self._token

    def _next(self) -> str:
        """The configured token, then the one that was kept, then a new one."""
        if self._untried is None:
            configured = self._settings.token
            self._untried = [configured.get_secret_value()] if configured is not None else []
            if (stored := self._stored()) is not None and stored not in self._untried:
                self._untried.append(stored)
        return self._untried.pop(0) if self._untried else self._log_in()

    def _lasting(self, token: str) -> str:
        """The token, or a new one in time before it ends. Tokens of Lemmy 0.19 do not end."""
        return token

    def _log_in(self) -> str:
        if self._settings.password is None:
            raise NotLoggedInError(
                f"{self._settings.url} does not accept the configured token of {self._settings.username} (any more), "
                "and there is no password to log in with: configure a new `token`, or `password`"
            )
        if self._refused is not None and self._monotonic() - self._refused[0] < PAUSE:
            raise self._refused[1]
        body = {"username_or_email": self._settings.username, "password": self._settings.password.get_secret_value()}
        if self._settings.totp_secret is not None:
            body["totp_2fa_token"] = one_time_code(self._settings.totp_secret.get_secret_value())
        try:
            token = before_deed(lambda: self._ask_again(body))
        except RateLimitedError as error:
            if error.told:  # by what stands in front of Lemmy, which itself never says how long, or nobody was asked
                raise
            raise RateLimitedError(
                f"{self._settings.url} refuses logins for a while: too many were made from this address",
                retry_after=self._logins_refused(error),
            ) from None
        except (NotLoggedInError, NotPermittedError) as error:
            raise self._remembered(str(error), error.code) from None
        if not isinstance(token, str):
            raise self._remembered("the login was answered without a token: is the account approved?", "")
        self._refused = None
        self._store(token)
        log.info("logged in", instance=self._settings.id, username=self._settings.username)
        return token

    def _ask_again(self, body: Mapping[str, str]) -> object:
        """``_ask``, once more if this account has just logged in elsewhere: of one second Lemmy keeps one token."""
        try:
            return self._ask(body)
        except RejectedError as error:
            if error.code != "couldnt_create" and "login_token" not in str(error):
                raise
            time.sleep(SECOND)
            return self._ask(body)

    def _ask(self, body: Mapping[str, str]) -> object:
        answer = self._transport.call("POST", self.login_path, body=body, limiter="register", urgent=True)
        errors.check(answer, quiet=self.quiet)
        found = answer.json()
        if not isinstance(found, dict) or not {"jwt", "registration_created"} & found.keys():
            # Not remembered as a refusal: whatever stands in front of the server may be gone with the next try.
            raise BadAnswerError(f"{answer.what} was answered with something else than Lemmy's answer to a login")
        return found.get("jwt")

    def _logins_refused(self, error: RateLimitedError) -> float:  # noqa: ARG002 - what a later Lemmy looks at
        """Seconds to wait for the next login; sees to it that none is tried before."""
        self._transport.buckets.drain("register")
        return 600.0

    def _remembered(self, why: str, code: str) -> NotLoggedInError:
        """The error, kept for a while: asking again at once would only use up the few logins that Lemmy allows."""
        advice = "; check `username` and `password`" if code in errors.NOT_LOGGED_IN else ""
        error = NotLoggedInError(f"{self._settings.username} cannot log in: {why}{advice}", code=code)
        self._refused = (self._monotonic(), error)
        return error

    def _stored(self) -> str | None:
        path = self._settings.token_file
        if path is None:
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["url"] == self._settings.url and kept["username"] == self._settings.username:
                path.chmod(0o600)
                return str(kept["token"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("stored token is unusable", file=str(path), error=type(error).__name__)
        return None

    def _store(self, token: str) -> None:
        path = self._settings.token_file
        if path is None:
            return
        try:
            write_secretly(path, {"url": self._settings.url, "username": self._settings.username, "token": token})
        except OSError as error:
            log.warning("token cannot be stored; the next start logs in again", file=str(path), error=error.strerror)
