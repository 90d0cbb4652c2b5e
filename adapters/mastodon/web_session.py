"""A moderator's session in Mastodon's web interface, for what its API has no call for.

Signing in is what a browser does: the page with the form, the form, a second form for the one-time code. The session is
kept across restarts and renewed when the server does not know it any more (it answers 403 then, and no redirect).
Nothing is ever sent twice by itself: what a form did is for the caller to look at.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog

from adapters.credentials import one_time_code, write_secretly
from adapters.mastodon.pages import read_page
from bot.domain.errors import (
    BadAnswerError,
    NotFoundError,
    NotLoggedInError,
    NotPermittedError,
    PlatformError,
    RateLimitedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.http import Answer, Transport
    from adapters.mastodon.deed_settings import WebSettings
    from adapters.mastodon.pages import Form, Page

log = structlog.get_logger(__name__)

SIGN_IN = "/auth/sign_in"

PAUSE = 300.0
"""Seconds after a refused sign-in before the next try: Mastodon allows 25 an hour for an address of mail, and ten
one-time codes."""

STEP = 30.0
"""Seconds for which a one-time code holds; Mastodon takes each only once."""

_FORM = "application/x-www-form-urlencoded"
_MOST = 8 * 1024 * 1024


class FormChangedError(PlatformError):
    """A page is not what this version of the bot knows: nothing was sent, or it was refused as a whole."""


class SessionEndedError(FormChangedError):
    """The session, or a form's token, did not hold any more: nothing was done, and a new one may do."""


class WebSession:
    """Pages and forms as one moderator. Thread-safe; one call at a time."""

    def __init__(
        self,
        settings: WebSettings,
        transport: Transport,
        *,
        headers: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Contacts nobody until the first page. ``headers``: sent with every call, to name the server."""
        self._settings = settings
        self._transport = transport
        self._headers = dict(headers or {})
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._cookies: dict[str, str] | None = None
        self._refused: tuple[float, PlatformError] | None = None
        self._last_code = ""

    def __repr__(self) -> str:
        return f"WebSession({self._settings.email!r} at {self._transport.base_url!r})"

    def page(self, path: str) -> Page:
        """A page, as often as it takes; signs in where that is needed.

        Raises ``NotLoggedInError``; ``NotPermittedError`` where the account may not see it; ``NotFoundError``;
        ``FormChangedError`` where it leads somewhere else; ``UnreachableError`` and its kin.
        """
        with self._lock:
            fresh = self._ensure()
            answer = self._get(path)
            if not fresh and _signed_out(answer):
                self._sign_in()
                answer = self._get(path)
            try:
                return _page(answer)
            except NotPermittedError as error:
                self._refused = (self._monotonic(), error)  # signing in again does not help
                raise

    def submit(self, path: str, page: Page, fields: Mapping[str, str]) -> str:
        """Send a form, once; the path that the server leads to afterwards.

        Raises ``FormChangedError`` and ``NotPermittedError`` only where the server has not done anything.
        """
        with self._lock:
            token = page.csrf_token
            if not token:
                raise FormChangedError(f"{page.title or path}: the page has no token against forged requests")
            answer = self._post(path, {"authenticity_token": token, **fields})
            self._keep()
        if answer.status == 422:
            self.forget()
            raise SessionEndedError(f"{answer.what}: the server did not accept the form's token")
        if answer.status == 403:
            raise _not_permitted(answer)
        if answer.status == 404:
            raise NotFoundError(f"{answer.what}: there is no such page: has the web interface changed?", code="no_form")
        leads = _leads(answer)
        if leads is None:
            raise BadAnswerError(f"{answer.what}: status {answer.status} where a redirect was expected")
        if leads == SIGN_IN:
            self.forget()
            raise SessionEndedError(f"{answer.what}: the session has ended meanwhile")
        return leads

    def check(self) -> None:
        """Sign in unless a session is there. Raises as ``page`` does."""
        with self._lock:
            self._ensure()

    def forget(self) -> None:
        """The next call signs in."""
        with self._lock:
            self._cookies = {}

    # ------------------------------------------------------------------------------------------------ signing in

    def _ensure(self) -> bool:
        """Whether the session was made just now."""
        if self._cookies is None:
            self._cookies = self._stored()
        if self._cookies:
            return False
        self._sign_in()
        return True

    def _sign_in(self) -> None:
        if self._refused is not None and self._monotonic() - self._refused[0] < PAUSE:
            raise self._refused[1]
        self._cookies = {}
        try:
            self._try_to_sign_in()
        except (NotLoggedInError, NotPermittedError, FormChangedError) as error:
            self._cookies = {}
            self._refused = (self._monotonic(), error)  # to ask again at once would only use up what is allowed
            raise
        except PlatformError:
            self._cookies = {}
            raise
        self._refused = None
        self._keep()
        log.info("signed in at the web interface", server=self._transport.base_url)

    def _try_to_sign_in(self) -> None:
        form = self._form_with(self._get(SIGN_IN), "user[password]")
        answer = self._post(
            SIGN_IN,
            {
                **form.fields,
                "user[email]": self._settings.email,
                "user[password]": self._settings.password.get_secret_value(),
            },
        )
        if answer.status == 200:
            answer = self._one_time(answer)
        self._in(answer)

    def _one_time(self, answer: Answer) -> Answer:
        """Answer the question for the code. Raises ``NotLoggedInError`` where another one was asked."""
        page = read_page(answer.body.decode("utf-8", "replace"))
        form = page.form_with("user[otp_attempt]")
        if form is None:
            if page.form_with("user[password]") is not None:
                raise NotLoggedInError(
                    f"the web interface does not let {self._settings.email} in: {_said(page)}; check `removal.web`: "
                    "`email` and `password`",
                    code="incorrect_login",
                )
            raise FormChangedError(f"{page.title or SIGN_IN}: neither a session nor a question for a one-time code")
        if self._settings.totp_secret is None:
            raise NotLoggedInError(
                f"two-factor login is on for {self._settings.email}: configure `removal.web.totp_secret`",
                code="missing_totp_token",
            )
        code = one_time_code(self._settings.totp_secret.get_secret_value())
        if code in {self._last_code, str(self._kept().get("code"))}:
            raise RateLimitedError("the one-time code of this moment was used before", retry_after=STEP)
        self._last_code = code
        self._write({})  # before it is used: whatever becomes of us, nobody sends it again
        answer = self._post(SIGN_IN, {**form.fields, "user[otp_attempt]": code})
        if answer.status == 200:
            page = read_page(answer.body.decode("utf-8", "replace"))
            raise NotLoggedInError(
                f"the web interface did not accept the one-time code: {_said(page)}; check `removal.web.totp_secret` "
                "and the clock of this machine",
                code="incorrect_totp_token",
            )
        return answer

    def _in(self, answer: Answer) -> None:
        leads = _leads(answer)
        if answer.status == 422:
            raise FormChangedError(f"{answer.what}: the server did not accept the form's token")
        if answer.status == 403:
            raise _not_permitted(answer)
        if leads is None:
            raise FormChangedError(f"{answer.what}: status {answer.status} where a redirect was expected")
        if leads in {SIGN_IN, "/auth/setup"} or "two_factor" in leads or "/otp" in leads:
            raise NotLoggedInError(
                f"{self._settings.email} has no use of the web interface yet, which leads to {leads}: sign in there "
                "once, and do what it asks for",
                code="sign_in_incomplete",
            )

    def _form_with(self, answer: Answer, field: str) -> Form:
        form = _page(answer).form_with(field)
        if form is None:
            raise FormChangedError(
                f"{answer.what}: there is no form for a password: does the server sign people in elsewhere (single "
                "sign-on), or has the page changed?"
            )
        if not form.fields.get("authenticity_token"):
            raise FormChangedError(f"{answer.what}: the form has no token against forged requests")
        return form

    # ------------------------------------------------------------------------------------------------ calls

    def _get(self, path: str) -> Answer:
        def once() -> Answer:
            return self._transport.call("GET", path, headers=self._sent(), urgent=True, most=_MOST, whole=False)

        answer = self._transport.read(once)
        self._take(answer)
        return answer

    def _post(self, path: str, fields: Mapping[str, str]) -> Answer:
        headers = {**self._sent(), "Content-Type": _FORM}
        content = urlencode(fields).encode("ascii")
        answer = self._transport.call(
            "POST", path, content=content, headers=headers, urgent=True, most=_MOST, whole=False
        )
        self._take(answer)
        return answer

    def _sent(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in (self._cookies or {}).items())
        return {**self._headers, "Accept": "text/html", **({"Cookie": cookies} if cookies else {})}

    def _take(self, answer: Answer) -> None:
        """Remember the cookies. By hand: Mastodon marks them for HTTPS only, and on loopback there may be none."""
        headers = answer.headers
        lines = headers.get_list("set-cookie") if isinstance(headers, httpx.Headers) else []
        cookies = dict(self._cookies or {})
        for line in lines:
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if value.strip() and "max-age=0" not in attributes.replace(" ", "").lower():
                cookies[name.strip()] = value.strip()
            else:
                cookies.pop(name.strip(), None)
        self._cookies = cookies

    # ------------------------------------------------------------------------------------------------ keeping

    def _stored(self) -> dict[str, str]:
        cookies = self._kept().get("cookies")
        return {str(name): str(value) for name, value in cookies.items()} if isinstance(cookies, dict) else {}

    def _kept(self) -> dict[str, Any]:
        """What was stored about this account at this server: ``cookies``, and the last one-time ``code``."""
        path = self._settings.session_file
        if path is None:
            return {}
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["url"] == self._transport.base_url and kept["email"] == self._settings.email:
                path.chmod(0o600)
                return dict(kept)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("stored session is unusable", file=str(path), error=type(error).__name__)
        return {}

    def _keep(self) -> None:
        if self._cookies:
            self._write(self._cookies)

    def _write(self, cookies: Mapping[str, str]) -> None:
        path = self._settings.session_file
        if path is None:
            return
        kept = {"url": self._transport.base_url, "email": self._settings.email, "cookies": dict(cookies)}
        try:
            write_secretly(path, {**kept, "code": self._last_code})
        except OSError as error:
            log.warning("session cannot be stored; the next start signs in again", file=str(path), error=error.strerror)


def _signed_out(answer: Answer) -> bool:
    """Mastodon says the same to who is not signed in and to who may not."""
    return answer.status in {401, 403} or _leads(answer) == SIGN_IN


def _page(answer: Answer) -> Page:
    if answer.status in {401, 403}:
        raise _not_permitted(answer)
    if answer.status in {404, 410}:
        raise NotFoundError(f"{answer.what}: there is no such page", code="no_page")
    leads = _leads(answer)
    if leads is not None and ("two_factor" in leads or "/otp" in leads):
        raise NotPermittedError(
            f"{answer.what}: the role of the account demands two-factor login, which is not set up", code="needs_2fa"
        )
    if answer.status != 200:
        where = f", which leads to {leads}" if leads else ""
        raise FormChangedError(f"{answer.what}: status {answer.status}{where}: the page is not what the bot knows")
    return read_page(answer.body.decode("utf-8", "replace"))


def _not_permitted(answer: Answer) -> NotPermittedError:
    return NotPermittedError(
        f"{answer.what}: the account signed in at the web interface may not: its role needs Manage Reports and Manage "
        "Users, and has to rank above the target",
        code="web_not_permitted",
    )


def _leads(answer: Answer) -> str | None:
    """The path of a redirect."""
    if not 300 <= answer.status < 400:
        return None
    return urlsplit(answer.headers.get("location", "")).path.rstrip("/") or "/"


def _said(page: Page) -> str:
    return " ".join(page.notices)[:200] or "it does not say why"
