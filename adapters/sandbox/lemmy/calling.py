"""One call of the API: who asks, from where, and of which server; and the table of all calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages.site import Nothing
from adapters.sandbox.lemmy.v4.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers
    from starlette.responses import Response

    from adapters.sandbox.lemmy.limits import Bucket
    from adapters.sandbox.lemmy.rows import Json, LocalUser, Person
    from adapters.sandbox.lemmy.state import State
    from adapters.sandbox.pictrs import FileStore

    Answer = Json | Response
    Handler = Callable[["Call", Any], Answer]
    H = TypeVar("H", bound=Callable[..., Any])

VERSIONS = {"v3": "0.19.20", "v4": "1.0.0-beta.1"}


@dataclass(slots=True)
class Server:
    """A Lemmy server: its data, its files and how it treats images.

    ``image_mode`` is ``StoreLinkPreviews``, ``ProxyAllImages`` or ``None``, as in Lemmy's configuration. ``api`` is the
    first version of the API that shows images: 1.0 moved them.
    """

    state: State
    files: FileStore
    image_mode: str = "StoreLinkPreviews"
    site_cache: tuple[float, Json] | None = None
    resolve_remote: Callable[[str], object] = field(default=lambda _: None)
    api: Literal["v3", "v4"] = "v3"
    v4: Tables = field(default_factory=Tables)

    @property
    def version(self) -> str:
        """What the server says it is."""
        return VERSIONS[self.api]

    @property
    def thumbnail_side(self) -> int:
        """The longest side of a thumbnail, in pixels; only 1.0 lets administrators choose it."""
        return self.v4.settings.image_max_thumbnail_size

    @property
    def closed_to_strangers(self) -> bool:
        """Whether strangers are shown no images (1.0 only): the site is private, and no other server asks it."""
        site = self.state.local_site
        return self.api == "v4" and site.private_instance and not site.federation_enabled

    @property
    def images_url(self) -> str:
        """What the public addresses of our own files begin with."""
        return f"{self.state.url}/{'pictrs' if self.api == 'v3' else 'api/v4'}/image/"

    @property
    def proxy_url(self) -> str:
        """What the addresses of other servers' images begin with where they are shown through ours."""
        return f"{self.state.url}/api/{'v3/image_proxy' if self.api == 'v3' else 'v4/image/proxy'}?url="


@dataclass(slots=True)
class Call:
    """One call. ``token`` is what the client sent, valid or not; ``viewer`` is whom it stands for, if anyone."""

    server: Server
    viewer: LocalUser | None
    token: str | None
    address: str
    headers: Headers
    path: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def state(self) -> State:
        """The data of the server."""
        return self.server.state

    @property
    def me(self) -> LocalUser:
        """The account that asks; raises ``incorrect_login`` if nobody is logged in."""
        if self.viewer is None:
            raise LemmyError("incorrect_login")
        return self.viewer

    @property
    def person(self) -> Person:
        """The person that asks."""
        return self.state.people[self.me.person_id]

    @property
    def viewer_id(self) -> int | None:
        """The person that asks, if somebody is logged in."""
        return None if self.viewer is None else self.viewer.person_id

    @property
    def viewer_is_admin(self) -> bool:
        """Whether an administrator asks."""
        return self.viewer is not None and self.viewer.admin


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API.

    ``private`` routes are refused to strangers where the site is private. ``strict`` ones refuse another method with
    405; the others say 404, because other calls share their place. ``locked`` holds the state meanwhile.
    """

    method: str
    segments: tuple[str, ...]
    form: type[Any]
    bucket: Bucket | None
    login: bool
    locked: bool
    strict: bool
    private: bool
    handler: Handler


class Register(Protocol):
    """Decorates the handlers of one API."""

    def __call__(
        self,
        method: str,
        path: str,
        form: type[Any] = Nothing,
        *,
        bucket: Bucket | None = ...,
        login: bool = False,
        locked: bool = True,
        strict: bool = False,
        private: bool = False,
    ) -> Callable[[H], H]:
        """Register a handler; ``{}`` in the path stands for any one segment, ``locked`` holds the state meanwhile."""


def registering(routes: list[Route], *, default: Bucket | None) -> Register:
    """A decorator that adds to ``routes``. ``default``: what a call costs where nothing else is said."""

    def route(
        method: str,
        path: str,
        form: type[Any] = Nothing,
        *,
        bucket: Bucket | None = default,
        login: bool = False,
        locked: bool = True,
        strict: bool = False,
        private: bool = False,
    ) -> Callable[[H], H]:
        def register(handler: H) -> H:
            segments = tuple(path.strip("/").split("/"))
            routes.append(Route(method, segments, form, bucket, login, locked, strict, private, handler))
            return handler

        return register

    return route


ROUTES: list[Route] = []
route = registering(ROUTES, default="message")
