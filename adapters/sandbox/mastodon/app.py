"""The HTTP face of a Mastodon server: counting a call, finding it, checking its token, answering it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.sandbox.mastodon import every_call  # noqa: F401 - it registers the calls
from adapters.sandbox.mastodon.calling import ROUTES, Call, Route, Server
from adapters.sandbox.mastodon.error_pages import error_page
from adapters.sandbox.mastodon.errors import ApiError, CrashError, PageError, challenge
from adapters.sandbox.mastodon.forms import Params, read
from adapters.sandbox.mastodon.limits import Asked, RateLimiter
from adapters.sandbox.mastodon.rights import require_scope, require_working_login

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from adapters.sandbox.mastodon.rows import Account, Token
    from adapters.sandbox.mastodon.versions import Version

_TAGGED = ("application/json", "application/jrd+json", "text/plain")
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_REVALIDATE = "stale-while-revalidate=30, stale-if-error=86400"


class MastodonApp:
    """The ASGI application. ``mounted`` are others that get the requests below a path, before anything is looked at."""

    def __init__(self, server: Server, limiter: RateLimiter) -> None:
        self._server = server
        self._limiter = limiter
        self.mounted: list[tuple[str, ASGIApp]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        for below, app in self.mounted:
            if scope["path"].startswith(below):
                await app(scope, receive, send)
                return
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            params: Params | None = await read(request)
        except ClientDisconnect:
            return
        except PageError:
            params = None
        answer = await run_in_threadpool(self._answer, request, params)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    def _answer(self, request: Request, params: Params | None) -> Response:
        token = self._token(request)
        counted = self._limiter.count(_asked(request, token))
        if counted is not None and not counted.passes:
            refusal = _json({"error": "Too many requests"}, self._server.state.version, 429)
            refusal.headers.update(counted.headers | {"content-type": "application/json", "cache-control": "no-cache"})
            refusal.headers["vary"] = "Origin"
            return refusal
        if params is None:
            return error_page(self._server.state.version, 400)
        try:
            answer = self._dispatch(request, params, token)
        except ApiError as error:
            answer = self._refusal(error, request)
        except PageError as error:
            answer = error_page(self._server.state.version, error.status)
            if request.url.path.startswith("/api/"):
                answer.headers["vary"] = "Origin"
            self._server.web_cookies(request, answer)
            return answer
        except CrashError:
            return Response(b"", 500, {"content-type": "text/html; charset=UTF-8", "vary": "Origin"})
        if counted is not None and request.url.path.startswith("/api/"):
            answer.headers.update(counted.headers)
        if answer.status_code == 200 and answer.headers["content-type"].startswith(_TAGGED):
            answer.headers["etag"] = f'W/"{hashlib.md5(bytes(answer.body), usedforsecurity=False).hexdigest()}"'
        self._server.web_cookies(request, answer)
        return answer

    def _dispatch(self, request: Request, params: Params, token: Token | None) -> Response:
        segments = tuple(request.scope["path"].strip("/").split("/"))
        method = "GET" if request.method == "HEAD" else request.method
        found = [chosen for chosen in ROUTES if chosen.method == method and _fits(chosen, segments)]
        if not found:
            raise PageError(404)
        # What is spelled out goes before what stands for anything.
        chosen = min(found, key=lambda one: one.segments.count("{}") + one.segments.count("*"))
        path = tuple(part for part, pattern in zip(segments, chosen.segments, strict=False) if pattern == "{}")
        state = self._server.state
        with state.lock:
            viewer = self._viewer(request, token)
            call = Call(self._server, token, viewer, request.headers, path, params, request.scope["path"].rstrip("/"))
            _admit(chosen, call)
        if chosen.locked:
            with state.lock:
                made = chosen.handler(call)
        else:
            made = chosen.handler(call)
        return made if isinstance(made, Response) else _finished(call, chosen, made)

    def _token(self, request: Request) -> Token | None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        text = sent.strip() if scheme.lower() == "bearer" else request.query_params.get("access_token")
        return None if text is None else self._server.state.tokens.get(text)

    def _viewer(self, request: Request, token: Token | None) -> Account | None:
        number = None
        if token is not None:
            number = None if token.revoked else token.account_id
        elif "authorization" not in request.headers:
            number = self._server.web_user(request.headers, request.method)
        return None if number is None else self._server.state.accounts.get(number)

    def _refusal(self, error: ApiError, request: Request) -> Response:
        if error.body is None:
            headers = {"content-type": "text/html", "cache-control": "private, no-store", "vary": "Origin"}
            return Response(b"", error.status, headers)
        answer = _json(error.body, self._server.state.version, error.status)
        answer.headers["cache-control"] = "private, no-store"
        answer.headers["vary"] = "Origin" if error.early else "Authorization, Origin"
        if error.status == 401 and request.url.path.startswith("/api/"):
            answer.headers["www-authenticate"] = challenge("invalid_token", error.body["error"])
        elif error.lacking and self._server.state.version.newer:
            scopes = f"Access to this resource requires scope _{' '.join(error.lacking)}_."
            answer.headers["www-authenticate"] = challenge("insufficient_scope", scopes)
        return answer


def _asked(request: Request, token: Token | None) -> Asked:
    good = token is not None and not token.revoked and token.account_id is not None
    return Asked(
        method=request.method,
        path=request.scope["path"],
        names=frozenset(request.query_params),
        token=token.token if token is not None and good else None,
        account_id=token.account_id if token is not None and good else None,
        address=request.headers.get("x-forwarded-for", "").split(",")[0].strip()
        or (request.client.host if request.client else "127.0.0.1"),
    )


def _admit(chosen: Route, call: Call) -> None:
    """Check the token before anything else, in the order in which Mastodon does."""
    if chosen.access == "open":
        return
    if call.viewer is not None and call.viewer.suspended:
        require_working_login(call.viewer)
    if chosen.access == "maybe":
        if call.token is not None:
            require_scope(call.token, chosen.scopes)
        return
    if call.token is None:
        raise ApiError(401, "The access token is invalid")
    require_scope(call.token, chosen.scopes)
    if chosen.access == "user":
        require_working_login(call.me)


def _fits(chosen: Route, segments: tuple[str, ...]) -> bool:
    if chosen.segments[-1] == "*":
        head = chosen.segments[:-1]
        return len(segments) > len(head) and segments[: len(head)] == head
    return len(chosen.segments) == len(segments) and all(
        pattern in {"{}", part} for pattern, part in zip(chosen.segments, segments, strict=True)
    )


def _finished(call: Call, chosen: Route, made: object) -> Response:
    answer = _json(made, call.version, call.status)
    if chosen.cache is not None and (chosen.access == "open" or (call.viewer is None and call.token is None)):
        answer.headers["cache-control"] = f"max-age={chosen.cache}, public, {_REVALIDATE}"
    else:
        answer.headers["cache-control"] = "private, no-store"
    for_all = chosen.access == "open" and chosen.cache is not None
    answer.headers["vary"] = "Origin" if for_all else "Authorization, Origin"
    answer.headers.update(call.headers_out)
    if call.links:
        answer.headers["link"] = ", ".join(f'<{address}>; rel="{relation}"' for relation, address in call.links)
    return answer


def _json(value: object, version: Version, status: int = 200) -> Response:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # In 4.3 the API escapes what has a meaning in HTML; in 4.6 it does not.
    body = (text if version.newer else text.translate(_ESCAPED)).encode()
    return Response(body, status_code=status, headers={"content-type": "application/json; charset=utf-8"})
