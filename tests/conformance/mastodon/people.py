"""People who talk to the server under test, each over a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ..answers import body

if TYPE_CHECKING:
    from .server import Credentials, Server

PATIENCE = 60.0  # seconds


class Person:
    """Somebody with a token, or nobody at all. Paths are below ``/api``; lists are JSON lists."""

    def __init__(self, server: Server, credentials: Credentials | None = None, token: str | None = None) -> None:
        """``token``: another one than the ``full`` token of these credentials."""
        self.server = server
        self.name = credentials.name if credentials else ""
        self.id = credentials.id if credentials else ""
        self.credentials = credentials
        self.client = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=server.headers)
        self.token = token or (credentials.tokens["full"] if credentials else "")
        if self.token:
            self.client.headers["Authorization"] = f"Bearer {self.token}"

    def get(self, path: str, query: dict[str, Any] | None = None) -> httpx.Response:
        """``GET``; lists in a query are written ``{"id[]": […]}``."""
        return self.client.get(f"/api/{path}", params=query)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """``POST`` of a JSON object."""
        return self.client.post(f"/api/{path}", json=content)

    def put(self, path: str, **content: Any) -> httpx.Response:
        """``PUT`` of a JSON object."""
        return self.client.put(f"/api/{path}", json=content)

    def delete(self, path: str, query: dict[str, Any] | None = None) -> httpx.Response:
        """``DELETE``."""
        return self.client.delete(f"/api/{path}", params=query)

    def upload(self, content: bytes, *, name: str = "picture.png", kind: str = "image/png") -> httpx.Response:
        """Give the server a file. Skips the test where the 30 uploads of half an hour are used up."""
        answer = self.client.post("/api/v2/media", files={"file": (name, content, kind)})
        if answer.status_code == 429:
            pytest.skip(f"{self.name} has used up the uploads of this half hour")
        return answer

    def fetch(self, url: str) -> httpx.Response:
        """A file at its public address, asked for where the server is reached."""
        return self.client.get(httpx.URL(url).raw_path.decode(), headers={"Authorization": ""})

    def found(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """The JSON of a ``GET`` that must succeed."""
        return body(self.get(path, query))

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()
