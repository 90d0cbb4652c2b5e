"""The HTTP face of a Lemmy 1.0: every call of its API costs one of ``message``, and most answers say what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.app import LemmyApp, address_of, json_answer
from adapters.sandbox.lemmy.errors import LemmyError, MalformedRequestError
from adapters.sandbox.lemmy.sessions import sent_token, viewer_of
from adapters.sandbox.lemmy.v4 import (  # noqa: F401 - each registers its calls
    accounts,
    comments,
    communities,
    images,
    instances,
    moderation,
    modlog,
    old_api,
    people,
    pictures,
    posts,
    private_messages,
    purges,
    report_lists,
    reports,
    search,
    site,
    votes,
)
from adapters.sandbox.lemmy.v4.calling import ROUTES
from adapters.sandbox.lemmy.v4.errors import answer_for
from adapters.sandbox.lemmy.v4.messages.content import CommunityId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from adapters.sandbox.lemmy.calling import Route, Server
    from adapters.sandbox.lemmy.limits import Bucket
    from adapters.sandbox.lemmy.rows import LocalUser
    from adapters.sandbox.lemmy.v4.limits import WindowLimiter

_SCOPES = ("/api/v4/", "/api/v3/")


class LemmyV4App(LemmyApp):
    """The ASGI application."""

    routes: Sequence[Route] = ROUTES

    def __init__(self, server: Server, limiter: WindowLimiter) -> None:
        super().__init__(server, lambda bucket, address: limiter.take(bucket, address) is not None)
        self._limiter = limiter

    def _answer(self, request: Request, body: bytes) -> Response:
        token = sent_token(request)
        told: dict[str, str] = {}
        try:
            if request.scope["path"].startswith(_SCOPES):
                told = self._charged(request)
                with self._server.state.lock:
                    site.take_snapshot(self._server)
            answer = self._dispatch(request, body, token)
        except LemmyError as error:
            answer = json_answer(*answer_for(error))
            if isinstance(error, MalformedRequestError) or answer.status_code == 429:
                told = {}
        answer.headers.update(told)
        self._finish(request, answer, token, plain=False)
        return answer

    def _charged(self, request: Request) -> dict[str, str]:
        """What is left after one more call; raises ``too_many_requests``."""
        left = self._limiter.take("message", address_of(request))
        if left is None:
            raise LemmyError("too_many_requests")
        return left

    @staticmethod
    def _bucket_of_nothing(segments: tuple[str, ...], found: Sequence[Route]) -> Bucket | None:  # noqa: ARG004 - see there
        """Every place has paid a message already; those with a limit of their own cost that, too."""
        strict = next((route for route in found if route.strict), None)
        return None if strict is None else strict.bucket

    def _viewer(self, token: str | None) -> LocalUser | None:
        return viewer_of(self._server.state, token, banned_too=True)

    def _takes_json(self, route: Route, request: Request) -> bool:
        # A picture of a community comes in the body, and the community in the query.
        return super()._takes_json(route, request) and not (route.form is CommunityId and request.method == "POST")
