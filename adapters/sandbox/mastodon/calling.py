"""One call of the API: who asks, with which token, and what for; and the table of all calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from adapters.sandbox.mastodon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response

    from adapters.sandbox.mastodon.federation import Federation
    from adapters.sandbox.mastodon.forms import Params
    from adapters.sandbox.mastodon.rows import Account, Json, Token
    from adapters.sandbox.mastodon.state import State
    from adapters.sandbox.mastodon.versions import Version

    Answer = Json | list[Any] | Response
    Handler = Callable[["Call"], Answer]
    H = TypeVar("H", bound=Callable[..., Any])

Access = Literal["open", "maybe", "token", "user"]


def _nobody(_: Headers, __: str) -> int | None:
    return None


def _no_cookies(_: Request, __: Response) -> None:
    return None


@dataclass(slots=True)
class Server:
    """A Mastodon server.

    ``web_user(headers, method)`` gives the account of a web session, if the request may stand for it;
    ``web_cookies`` renews that session in an answer. ``processing``
    is how many seconds a video takes. ``streaming_url`` is what the server says of its streaming part.
    """

    state: State
    federation: Federation
    processing: float = 1.0
    streaming_url: str = ""
    web_user: Callable[[Headers, str], int | None] = field(default=_nobody)
    web_cookies: Callable[[Request, Response], None] = field(default=_no_cookies)
    repeated: dict[tuple[int, str], int] = field(default_factory=dict)  # (account, Idempotency-Key) -> status


@dataclass(slots=True)
class Call:
    """One call. ``token`` is a known token, good or revoked; ``viewer`` is whom it, or a web session, stands for."""

    server: Server
    token: Token | None
    viewer: Account | None
    headers: Headers
    path: tuple[str, ...]
    params: Params
    place: str
    status: int = 200
    links: list[tuple[str, str]] = field(default_factory=list)  # relation and address
    headers_out: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The data of the server."""
        return self.server.state

    @property
    def version(self) -> Version:
        """Which Mastodon this is."""
        return self.server.state.version

    @property
    def me(self) -> Account:
        """The account that asks; routes with access ``user`` have one."""
        if self.viewer is None:
            raise ApiError(422, "This method requires an authenticated user")
        return self.viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API.

    ``access``: ``open`` looks at no token, ``maybe`` at one if it is known, ``token`` needs one and ``user`` one of a
    person. ``cache`` is for how many seconds the answer to a stranger may be kept. ``locked`` holds the state.
    """

    method: str
    segments: tuple[str, ...]
    access: Access
    scopes: tuple[str, ...]
    cache: int | None
    locked: bool
    handler: Handler


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *scopes: str,
    access: Access = "user",
    cache: int | None = None,
    locked: bool = True,
) -> Callable[[H], H]:
    """Register a handler. One of the scopes is enough.

    ``{}`` in the path stands for any one segment, ``*`` at its end for the rest.
    """

    def register(handler: H) -> H:
        segments = tuple(path.strip("/").split("/"))
        ROUTES.append(
            Route(
                method=method,
                segments=segments,
                access=access,
                scopes=scopes,
                cache=cache,
                locked=locked,
                handler=handler,
            )
        )
        return handler

    return register
