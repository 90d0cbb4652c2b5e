"""The HTTP face of a Lemmy server: finding the call, counting it, reading it, answering it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.sandbox.lemmy import (  # noqa: F401 - each registers its calls
    accounts,
    applications,
    comments,
    communities,
    community_lists,
    idle,
    images,
    moderation,
    modlog,
    people,
    posts,
    private_messages,
    purges,
    reports,
    search,
    site,
    votes,
)
from adapters.sandbox.lemmy.calling import ROUTES, Call, Route, Server
from adapters.sandbox.lemmy.errors import LemmyError, MalformedRequestError, UnkeptCharacterError
from adapters.sandbox.lemmy.forms import check_json, has_nul, read_json, read_query
from adapters.sandbox.lemmy.messages.site import Nothing
from adapters.sandbox.lemmy.sessions import sent_token, viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from adapters.sandbox.lemmy.limits import Bucket
    from adapters.sandbox.lemmy.rows import LocalUser

_LIMITED = {
    *("account", "admin", "comment", "community", "custom_emoji"),
    *("federated_instances", "post", "private_message", "site", "user"),
}
_CORS_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


class LemmyApp:
    """The ASGI application."""

    routes: Sequence[Route] = ROUTES

    def __init__(self, server: Server, passes: Callable[[Bucket, str], bool]) -> None:
        """``passes`` says whether one more call of a kind is taken from an address."""
        self._server = server
        self._passes = passes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            await self._preflight(request)(scope, receive, send)
            return
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        answer = await run_in_threadpool(self._answer, request, body)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        token, malformed = sent_token(request), False
        try:
            answer = self._dispatch(request, body, token)
        except LemmyError as error:
            answer = json_answer(error.body, error.status)
            malformed = isinstance(error, MalformedRequestError)
        self._finish(request, answer, token, plain=malformed)
        return answer

    def _dispatch(self, request: Request, body: bytes, token: str | None) -> Response:
        segments = tuple(request.scope["path"][1:].split("/"))
        found = [route for route in self.routes if _fits(route, segments)]
        chosen = next((route for route in found if route.method == request.method), None)
        if chosen is None:
            bucket = self._bucket_of_nothing(segments, found)
            if bucket is not None and not self._passes(bucket, address_of(request)):
                raise LemmyError("rate_limit_error")
            allowed = [route.method for route in found if route.strict]
            if allowed:
                return Response(b"", status_code=405, headers={"allow": ", ".join(allowed)})
            return Response(b"", status_code=404)
        address = address_of(request)
        if chosen.bucket is not None and not self._passes(chosen.bucket, address):
            raise LemmyError("rate_limit_error")
        # A query is there at once, and a body only if it is empty: strangers are told so before any other is read.
        takes_json = self._takes_json(chosen, request)
        if takes_json:
            check_json(body, request.headers.get("content-type", ""))
            if not body:
                read_json(chosen.form, body)
        form = None if takes_json else self._query(chosen, request)
        state = self._server.state
        with state.lock:
            viewer = self._viewer(token)
        if chosen.login and viewer is None:
            raise LemmyError("incorrect_login")
        if takes_json:
            form = read_json(chosen.form, body)
        if has_nul(form):
            raise UnkeptCharacterError(reading=request.method == "GET")
        if chosen.private and viewer is None and state.local_site.private_instance:
            raise LemmyError("instance_is_private")
        path = tuple(part for part, pattern in zip(segments, chosen.segments, strict=True) if pattern == "{}")
        call = Call(self._server, viewer, token, address, request.headers, path, body)
        if not chosen.locked:
            made = chosen.handler(call, form)
        else:
            with state.lock:
                made = chosen.handler(call, form)
        return made if isinstance(made, Response) else json_answer(made)

    @staticmethod
    def _bucket_of_nothing(segments: tuple[str, ...], found: Sequence[Route]) -> Bucket | None:
        """What a call costs that there is not: limits stand before whole places, not before single calls."""
        strict = next((route for route in found if route.strict), None)
        if strict is not None:
            return strict.bucket
        return "message" if segments[:2] == ("api", "v3") and segments[2:3] and segments[2] in _LIMITED else None

    def _viewer(self, token: str | None) -> LocalUser | None:
        return viewer_of(self._server.state, token)

    def _takes_json(self, route: Route, request: Request) -> bool:
        return route.form is not Nothing and request.method != "GET"

    def _query(self, route: Route, request: Request) -> object:
        return Nothing() if route.form is Nothing else read_query(route.form, request.url.query)

    @staticmethod
    def _finish(request: Request, answer: Response, token: str | None, *, plain: bool) -> None:
        """The headers that the middleware of Lemmy adds."""
        if "cache-control" not in answer.headers:
            # Whoever sends a token gets a private answer, even if the token is worth nothing.
            answer.headers["cache-control"] = "private" if token is not None else "public, max-age=60"
        if plain:
            return
        packs = answer.headers.get("content-type") == "application/json" and _takes_gzip(request)
        answer.headers["vary"] = f"accept-encoding, {_CORS_VARY}" if packs else _CORS_VARY
        if packs:
            answer.body = gzip.compress(bytes(answer.body), compresslevel=1)
            answer.headers["content-encoding"] = "gzip"
            answer.headers["content-length"] = str(len(answer.body))
        answer.headers["access-control-expose-headers"] = ", ".join(sorted(set(answer.headers)))
        if "origin" in request.headers:
            answer.headers["access-control-allow-origin"] = request.headers["origin"]

    @staticmethod
    def _preflight(request: Request) -> Response:
        headers = {
            "access-control-allow-methods": "CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE",
            "access-control-max-age": "3600",
            "cache-control": "public, max-age=60",
            "vary": _CORS_VARY,
        }
        for asked, told in (("origin", "origin"), ("access-control-request-headers", "headers")):
            if asked in request.headers:
                headers[f"access-control-allow-{told}"] = request.headers[asked]
        return Response(b"", headers=headers)


def _fits(route: Route, segments: tuple[str, ...]) -> bool:
    return len(route.segments) == len(segments) and all(
        part if pattern == "{}" else pattern == part for pattern, part in zip(route.segments, segments, strict=True)
    )


def json_answer(value: object, status: int = 200) -> Response:
    """An answer in JSON, written as Lemmy writes it."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status_code=status, headers={"content-type": "application/json"})


def address_of(request: Request) -> str:
    """The client as a reverse proxy names it, or the peer."""
    for part in request.headers.get("forwarded", "").split(",")[0].split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "for" and value:
            return value.strip('"')
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "127.0.0.1")


def _takes_gzip(request: Request) -> bool:
    accepted = request.headers.get("accept-encoding", "")
    return any(part.split(";")[0].strip() in {"gzip", "*"} for part in accepted.split(","))
