"""People who talk to the server under test, each over a connection of their own."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ..answers import body
from ..waiting import eventually

if TYPE_CHECKING:
    from .server import Credentials, Server

PATIENCE = 60.0  # seconds
LONGEST_WAIT = 305.0  # seconds: the calls of a token are counted in windows of five minutes


class _Patient(httpx.HTTPTransport):
    """Waits where a token has used up its calls, if that is for some minutes only, and asks once more.

    A run stays within the limits of Mastodon; two in a row may not.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if answer.status_code != 429 or "x-ratelimit-reset" not in answer.headers:
            return answer
        ends = datetime.fromisoformat(answer.headers["x-ratelimit-reset"]).timestamp()
        if ends - time.time() > LONGEST_WAIT:
            return answer
        answer.close()
        eventually(lambda: time.time() > ends, "the end of a window", deadline=LONGEST_WAIT + 10)
        return super().handle_request(request)


class Person:
    """Somebody with a token, or nobody at all. Paths are below ``/api``; lists are JSON lists."""

    def __init__(self, server: Server, credentials: Credentials | None = None, token: str | None = None) -> None:
        """``token``: another one than the ``full`` token of these credentials."""
        self.server = server
        self.name = credentials.name if credentials else ""
        self.id = credentials.id if credentials else ""
        self.credentials = credentials
        transport = _Patient() if server.lasting else None
        self.client = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=server.headers, transport=transport)
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
        """A file at its public address, asked for where the server is reached, and in nobody's name."""
        path = httpx.URL(url).raw_path.decode()
        return httpx.get(self.server.url + path, headers=self.server.headers, timeout=PATIENCE)

    def found(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """The JSON of a ``GET`` that must succeed."""
        return body(self.get(path, query))

    def close(self) -> None:
        """Give the connection back."""
        self.client.close()
