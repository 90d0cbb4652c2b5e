"""People who talk to a Lemmy 1.0, each over a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from ..answers import body
from ..people import LAST, PATIENCE
from ..waiting import next_second

if TYPE_CHECKING:
    from ..server import Server


class Person:
    """Somebody with a token, or nobody at all. Paths are below ``/api/v4``."""

    def __init__(self, server: Server, *, name: str = "", password: str = "") -> None:
        self.name = name
        self.password = password
        self.id = 0
        self.client = httpx.Client(base_url=server.url, timeout=PATIENCE)

    def use(self, jwt: str) -> None:
        """Speak with this token from now on, and learn from the server who that is."""
        self.client.headers["Authorization"] = f"Bearer {jwt}"
        self.id = body(self.get("account"))["local_user_view"]["person"]["id"]

    def sign_in(self) -> None:
        """Get a token."""
        credentials = {"username_or_email": self.name, "password": self.password}
        next_second()
        self.use(body(self.post("account/auth/login", **credentials))["jwt"])

    def get(self, path: str, **query: str | int) -> httpx.Response:
        """``GET`` with a query; write booleans as ``"true"``."""
        return self.client.get(f"/api/v4/{path}", params=query)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """``POST`` of a JSON object."""
        return self.client.post(f"/api/v4/{path}", json=content, headers=LAST)

    def put(self, path: str, **content: Any) -> httpx.Response:
        """``PUT`` of a JSON object."""
        return self.client.put(f"/api/v4/{path}", json=content, headers=LAST)

    def delete(self, path: str, **content: Any) -> httpx.Response:
        """``DELETE`` with a JSON object."""
        return self.client.request("DELETE", f"/api/v4/{path}", json=content, headers=LAST)

    def upload(self, content: bytes, *, name: str = "picture.png", kind: str = "image/png") -> httpx.Response:
        """Give the server a file."""
        return self.client.post("/api/v4/image", files={"images[]": (name, content, kind)}, headers=LAST)

    def fetch(self, alias: str, **query: str | int) -> httpx.Response:
        """A file at its public address."""
        return self.get(f"image/{alias}", **query)

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()
