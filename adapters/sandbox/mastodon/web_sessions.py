"""Browsers: cookies, who is signed in with them, tokens against forged requests, and notices for the next page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BROWSER = "_mastodon_session"
LOGIN = "_session_id"
_SECRET_BYTES = 32
_EVERY_FORM = "!real_csrf_token"


@dataclass(slots=True)
class Browser:
    """What the server keeps for one browser. ``attempt``: whose password was right, and who still owes a code."""

    key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(_SECRET_BYTES))
    account_id: int | None = None
    login: str = ""
    attempt: int | None = None
    notices: list[str] = field(default_factory=list)

    def token(self, action: str = "", method: str = "post") -> str:
        """A token for one form, or for every form without ``action``. Masked, so that no two are alike.

        https://github.com/rails/rails/blob/main/actionpack/lib/action_controller/metal/request_forgery_protection.rb
        """
        pad = secrets.token_bytes(_SECRET_BYTES)
        masked = bytes(a ^ b for a, b in zip(pad, self._bare(action, method), strict=True))
        return base64.urlsafe_b64encode(pad + masked).decode().rstrip("=")

    def takes(self, token: str, action: str, method: str) -> bool:
        """Whether a token was given out for this form, or for every form."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return False
        if len(raw) != 2 * _SECRET_BYTES:
            return False
        bare = bytes(a ^ b for a, b in zip(raw[:_SECRET_BYTES], raw[_SECRET_BYTES:], strict=True))
        good = (self._bare("", method), self._bare(action, method))
        return any(hmac.compare_digest(bare, one) for one in good)

    def _bare(self, action: str, method: str) -> bytes:
        purpose = f"{action}#{method}" if action else _EVERY_FORM
        return hmac.new(self.secret, purpose.encode(), hashlib.sha256).digest()


@dataclass(slots=True)
class Sessions:
    """Every browser, by its cookies."""

    _browsers: dict[str, Browser] = field(default_factory=dict)
    _logins: dict[str, int] = field(default_factory=dict)

    def of(self, headers: Mapping[str, str]) -> Browser | None:
        """The browser that sends these headers; none if it has no cookie of ours yet.

        The cookie of a login alone is enough to be signed in.
        """
        cookies = _cookies(headers.get("cookie", ""))
        browser = self._browsers.get(cookies.get(BROWSER, ""))
        login = cookies.get(LOGIN, "")
        if (browser is None or browser.account_id is None) and login in self._logins:
            browser = browser or self.keep(Browser())
            browser.account_id, browser.login = self._logins[login], login
        return browser

    def keep(self, browser: Browser) -> Browser:
        """Know this browser when it comes again."""
        self._browsers[browser.key] = browser
        return browser

    def sign_in(self, before: Browser, account_id: int) -> Browser:
        """A new session in place of the one before, whose tokens are good no longer."""
        self._browsers.pop(before.key, None)
        browser = self.keep(Browser())
        browser.account_id, browser.login = account_id, secrets.token_hex(16)
        browser.notices.append("Signed in successfully.")
        self._logins[browser.login] = account_id
        return browser

    def sign_out(self, before: Browser) -> Browser:
        """The same browser with nobody in it."""
        self._logins.pop(before.login, None)
        self._browsers.pop(before.key, None)
        browser = self.keep(Browser())
        browser.notices.append("Logged out successfully.")
        return browser

    def end_all(self, account_id: int) -> None:
        """Sign somebody out everywhere."""
        self._logins = {login: one for login, one in self._logins.items() if one != account_id}
        for browser in self._browsers.values():
            if browser.account_id == account_id:
                browser.account_id, browser.login = None, ""


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
