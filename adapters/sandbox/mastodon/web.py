"""The web interface of a Mastodon server, as far as a moderator's work with reports goes through it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.error_pages import error_page
from adapters.sandbox.mastodon.errors import ApiError, PageError
from adapters.sandbox.mastodon.forms import Params, read
from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, MANAGE_USERS, can
from adapters.sandbox.mastodon.web_actions import batch, pressed, process, take_picture
from adapters.sandbox.mastodon.web_limits import SignInLimits, address
from adapters.sandbox.mastodon.web_pages import PageWriter
from adapters.sandbox.mastodon.web_sessions import BROWSER, LOGIN, Browser, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

    from adapters.sandbox.mastodon.limits import RateLimiter
    from adapters.sandbox.mastodon.rows import Account, Report
    from adapters.sandbox.mastodon.state import State
    from adapters.sandbox.mastodon.web_actions import Led

BELOW = ("/auth/", "/admin/")
_HTML = "text/html; charset=utf-8"
_STORE_NOTHING = "private, no-store"
_REVALIDATE = "max-age=0, private, must-revalidate"
_PRELOAD = "</packs/locale/en-json.js>; rel=preload; as=script; type=text/javascript"
_YEAR = 365 * 24 * 3600  # seconds


@dataclass(slots=True)
class _Visit:
    """One request of a browser. ``browser`` may be exchanged for another on the way."""

    request: Request
    params: Params
    browser: Browser
    account: Account | None
    told: list[str]  # notices of the request before
    known: bool  # the browser came with a cookie of ours
    signed_out: bool = False  # by this very request


class WebApp:
    """The ASGI application for everything ``BELOW``."""

    def __init__(self, state: State, limiter: RateLimiter, *, clock: Callable[[], float] = time.time) -> None:
        self.sessions = Sessions()
        self._state = state
        self.limits = SignInLimits(limiter, clock)
        self._used_codes: dict[int, str] = {}

    def user(self, headers: Headers, method: str) -> int | None:
        """The account that a session stands for in a call of the API: to change anything, it needs its token."""
        browser = self.sessions.of(headers)
        if browser is None or browser.account_id is None:
            return None
        if method in {"GET", "HEAD", "OPTIONS"} or browser.takes(headers.get("x-csrf-token", ""), "", method.lower()):
            return browser.account_id
        return None

    def renew(self, request: Request, answer: Response) -> None:
        """Give a browser that reads through the API its cookies again."""
        if request.method not in {"GET", "HEAD"} or "authorization" in request.headers:
            return
        browser = self.sessions.of(request.headers)
        if browser is not None and browser.account_id is not None:
            self._give_cookies(answer, browser, request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            params = await read(request)
        except ClientDisconnect:
            return
        except PageError:
            params = Params({})
        answer = await run_in_threadpool(self._answer, request, params)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    def _answer(self, request: Request, params: Params) -> Response:
        refusal = self._throttled(request, params)
        if refusal is not None:
            return refusal
        with self._state.lock:
            browser = self.sessions.of(request.headers)
            told = [] if browser is None else browser.notices
            if browser is not None:
                browser.notices = []  # they are for one request, shown or not
            visit = _Visit(
                told=told,
                request=request,
                params=params,
                browser=browser or Browser(),
                account=None if browser is None else self._state.accounts.get(browser.account_id or 0),
                known=browser is not None,
            )
            method = _method(request, params)
            if method not in {"GET", "HEAD"} and not self._genuine(visit, method):
                return self._forged(visit)
            try:
                answer = self._dispatch(visit, method)
            except (PageError, ApiError) as error:
                return self._failed(visit, error.status)
            return self._with_cookies(answer, visit)

    # -- before anything is looked at

    def _throttled(self, request: Request, params: Params) -> Response | None:
        if request.method != "POST" or request.url.path.rstrip("/") != "/auth/sign_in":
            return None
        browser, sent = self.sessions.of(request.headers), _user(params)
        owes = browser.attempt if browser is not None and sent.get("otp_attempt") else None
        headers = self.limits.refusal(request, str(sent.get("email") or ""), owes)
        if headers is None:
            return None
        return JSONResponse(
            {"error": "Too many requests"}, 429, {"cache-control": "no-cache", "vary": "Origin"} | headers
        )

    def _genuine(self, visit: _Visit, method: str) -> bool:
        origin = visit.request.headers.get("origin")
        if origin is not None and origin != _base_url(visit.request):  # "null" too
            return False
        sent = visit.params.text("authenticity_token") or visit.request.headers.get("x-csrf-token", "")
        return visit.browser.takes(sent, visit.request.url.path, method.lower())

    def _forged(self, visit: _Visit) -> Response:
        page = error_page(self._state.version, 422)
        page.headers["cache-control"] = "no-cache"
        return page if visit.account is not None else self._with_cookies(page, visit)

    def _failed(self, visit: _Visit, status: int) -> Response:
        if status == 422:  # of a form that the server does not know what to do with: not a word
            return Response(b"", 422, {"content-type": "text/html; charset=UTF-8"})
        page = error_page(self._state.version, status)
        return self._with_cookies(page, visit) if visit.known else page

    # -- which page

    def _dispatch(self, visit: _Visit, method: str) -> Response:
        parts = visit.request.url.path.strip("/").split("/")
        match method, parts:
            case "GET" | "HEAD", ["auth", "sign_in"]:
                return self._sign_in_page(visit)
            case "POST", ["auth", "sign_in"]:
                return self._sign_in(visit)
            case "DELETE", ["auth", "sign_out"]:
                visit.browser, visit.signed_out = self.sessions.sign_out(visit.browser), True
                return self._redirect("/auth/sign_in")
            case _, ["admin", *rest]:
                return self._admin(visit, method, rest)
        raise PageError(404)

    def _admin(self, visit: _Visit, method: str, rest: list[str]) -> Response:
        by = visit.account
        if by is None or by.user is None:
            raise PageError(403)
        if by.suspended or by.user.disabled or not by.user.approved:
            return self._redirect("/auth/edit")
        pages = self._writer(visit)
        match method, rest:
            case "GET" | "HEAD", ["reports"]:
                self._require(by, MANAGE_REPORTS)
                return self._page(pages.reports(one for one in self._state.reports.values() if not one.resolved))
            case "GET" | "HEAD", ["reports", number]:
                return self._page(pages.report(self._report(by, number)))
            case "POST", ["reports", number, "actions", "preview"]:
                return self._page(pages.preview(self._report(by, number), pressed(visit.params)))
            case "POST", ["reports", number, "actions"]:
                return self._led(visit, process(self._state, self._report(by, number), visit.params, by))
            case "GET" | "HEAD", ["accounts", number]:
                return self._page(pages.account(self._account(by, number)))
            case "GET" | "HEAD", ["accounts", number, "statuses"]:
                account = self._account(by, number)
                shown = [one for one in self._state.statuses_of(account.id) if one.reblog_of_id is None]
                public = [one for one in shown if one.visibility in {"public", "unlisted"}]
                return self._page(pages.statuses(account, public))
            case "POST", ["accounts", number, "statuses", "batch"]:
                return self._led(visit, batch(self._state, self._account(by, number), visit.params, by))
            case "POST", ["accounts", number, "remove_avatar"]:
                return self._led(visit, take_picture(self._state, self._account(by, number), "avatar", by))
            case "POST", ["accounts", number, "remove_header"]:
                return self._led(visit, take_picture(self._state, self._account(by, number), "header", by))
        raise PageError(404)

    def _report(self, by: Account, number: str) -> Report:
        self._require(by, MANAGE_REPORTS)
        report = self._state.reports.get(int(number)) if number.isdigit() else None
        if report is None:
            raise PageError(404)
        return report

    def _account(self, by: Account, number: str) -> Account:
        self._require(by, MANAGE_USERS)
        account = self._state.accounts.get(int(number)) if number.isdigit() else None
        if account is None:
            raise PageError(404)
        return account

    @staticmethod
    def _require(by: Account, permission: int) -> None:
        if not can(by, permission):
            raise PageError(403)

    # -- signing in

    def _sign_in_page(self, visit: _Visit) -> Response:
        if visit.account is not None:
            visit.browser.notices.append("You are already logged in.")
            return self._redirect("/")
        return self._page(self._writer(visit).sign_in())

    def _sign_in(self, visit: _Visit) -> Response:
        sent = _user(visit.params)
        if "otp_attempt" in sent and visit.browser.attempt is not None:
            return self._second_step(visit, str(sent["otp_attempt"]))
        email, password = str(sent.get("email", "")).strip().lower(), str(sent.get("password", ""))
        account = next(
            (one for one in self._state.accounts.values() if one.user is not None and one.user.email == email), None
        )
        if account is None or account.user is None or account.user.password != password:
            wording = "e-mail" if self._state.version.newer else "E-mail"
            return self._page(self._writer(visit).sign_in([f"Invalid {wording} address or password."]))
        if account.user.totp_secret is not None:
            visit.browser.attempt = account.id
            return self._page(self._writer(visit).second_factor(), cache=_REVALIDATE)
        return self._signed_in(visit, account)

    def _second_step(self, visit: _Visit, code: str) -> Response:
        account = self._state.accounts[visit.browser.attempt or 0]
        secret = account.user.totp_secret if account.user is not None else None
        good = secret is not None and pyotp.TOTP(secret).verify(code, valid_window=1)
        if not good or self._used_codes.get(account.id) == code:  # each code is taken once
            return self._page(self._writer(visit).second_factor(["Invalid two-factor code"]), cache=_REVALIDATE)
        self._used_codes[account.id] = code
        return self._signed_in(visit, account)

    def _signed_in(self, visit: _Visit, account: Account) -> Response:
        visit.browser, visit.account = self.sessions.sign_in(visit.browser, account.id), account
        if account.user is not None:
            account.user.sign_ins[address(visit.request)] = now()
        return self._redirect("/")

    def _writer(self, visit: _Visit) -> PageWriter:
        return PageWriter(self._state, visit.browser, visit.told)

    # -- answers

    def _led(self, visit: _Visit, led: Led) -> Response:
        if led.notice:
            visit.browser.notices.append(led.notice)
        return self._redirect(led.path)

    def _redirect(self, path: str) -> Response:
        headers = {"location": f"{self._state.url}{path}", "content-type": _HTML, "cache-control": _STORE_NOTHING}
        return Response(b"", 302, headers)

    def _page(self, text: str, *, cache: str = _STORE_NOTHING) -> Response:
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        headers = {"content-type": _HTML, "cache-control": cache, "etag": f'W/"{digest}"'}
        if not self._state.version.newer:
            headers["link"] = _PRELOAD
        return Response(text.encode(), 200, headers)

    def _with_cookies(self, answer: Response, visit: _Visit) -> Response:
        self.sessions.keep(visit.browser)
        self._give_cookies(answer, visit.browser, visit.request, signed_out=visit.signed_out)
        return answer

    def _give_cookies(self, answer: Response, browser: Browser, request: Request, *, signed_out: bool = False) -> None:
        secure = request.headers.get("x-forwarded-proto") == "https"
        login = browser.login if browser.account_id is not None else ""
        if login:
            self._set(answer, LOGIN, login, secure=secure, max_age=_YEAR)
        self._set(answer, BROWSER, browser.key, secure=secure)
        if signed_out:
            answer.set_cookie(LOGIN, "", max_age=0, path="/", httponly=True, samesite="lax")

    @staticmethod
    def _set(answer: Response, name: str, value: str, *, secure: bool, max_age: int | None = None) -> None:
        answer.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax")


def _method(request: Request, params: Params) -> str:
    """The method that is meant: a form can only send ``POST`` and says in a field what it stands for."""
    if request.method == "POST" and params.text("_method").upper() in {"DELETE", "PATCH", "PUT"}:
        return params.text("_method").upper()
    return request.method


def _base_url(request: Request) -> str:
    """How the browser calls this server, by what it and the proxies say."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme)
    host = headers.get("x-forwarded-host", "").split(",")[-1].strip() or headers.get("host", "")
    return f"{scheme}://{host}"


def _user(params: Params) -> dict[str, Any]:
    found = params.get("user")
    return found if isinstance(found, dict) else {}
