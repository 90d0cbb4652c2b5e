"""People who talk to the server under test, each over a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from .answers import body
from .waiting import next_second

if TYPE_CHECKING:
    from .server import Server

PATIENCE = 120.0  # seconds; a debug build of Lemmy takes long over a password

# Where Lemmy refuses before it has read what was sent (a bad token, a rate limit), the next request on the same
# connection may wait for ever. So whatever has a body is the last thing on its connection.
LAST = {"Connection": "close"}


class Person:
    """Somebody with a token, or nobody at all (``jwt=None``). Paths are below ``/api/v3``."""

    def __init__(self, server: Server, *, name: str = "", password: str = "", jwt: str | None = None) -> None:
        self.name = name
        self.password = password
        self.id = 0
        self.local_user_id = 0
        self.client = httpx.Client(base_url=server.url, timeout=PATIENCE)
        if jwt is not None:
            self.use(jwt)

    def use(self, jwt: str) -> None:
        """Speak with this token from now on, and learn from the server who that is."""
        self.client.headers["Authorization"] = f"Bearer {jwt}"
        myself = body(self.get("site")).get("my_user")
        if myself is not None:
            self.id = myself["local_user_view"]["person"]["id"]
            self.local_user_id = myself["local_user_view"]["local_user"]["id"]

    def get(self, path: str, **query: str | int) -> httpx.Response:
        """``GET`` with a query; write booleans as ``"true"``, which is all that Lemmy understands."""
        return self.client.get(f"/api/v3/{path}", params=query)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """``POST`` of a JSON object."""
        return self.client.post(f"/api/v3/{path}", json=content, headers=LAST)

    def put(self, path: str, **content: Any) -> httpx.Response:
        """``PUT`` of a JSON object."""
        return self.client.put(f"/api/v3/{path}", json=content, headers=LAST)

    def upload(self, content: bytes, *, name: str = "picture.png", kind: str = "image/png") -> httpx.Response:
        """Give the server a file."""
        return self.client.post("/pictrs/image", files={"images[]": (name, content, kind)}, headers=LAST)

    def fetch(self, alias: str, *, headers: dict[str, str] | None = None, **query: str | int) -> httpx.Response:
        """A file at its public address."""
        return self.client.get(f"/pictrs/image/{alias}", params=query, headers=headers)

    def first_byte(self, alias: str) -> httpx.Response:
        """One byte of a file: the cheapest way to its ``ETag``, since Lemmy refuses ``HEAD``."""
        return self.fetch(alias, headers={"Range": "bytes=0-0"})

    def sign_in(self) -> None:
        """Get a new token, as after a ban, which ends all sessions."""
        next_second()
        self.use(body(self.post("user/login", username_or_email=self.name, password=self.password))["jwt"])

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()
