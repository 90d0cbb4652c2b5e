"""A cache in front of a sandbox server, as a CDN is: it shows what it has until somebody clears it.

It is asked past with ``Cache-Control: no-cache``, and cleared with the method PURGE, as Varnish and others are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox

PREFIX = "/pictrs/image/"
Headers = list[tuple[bytes, bytes]]


class Cache:
    """An ASGI application around another one."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.kept: dict[str, tuple[Headers, bytes]] = {}
        self.purged: list[str] = []
        self.obeys = True  # whether it lets itself be asked past

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        if scope["method"] == "PURGE":
            self.purged.append(path)
            self.kept.pop(path, None)
            await _answer(send, 200, [], b"purged")
            return
        asked = dict(scope["headers"])
        past = self.obeys and b"no-cache" in asked.get(b"cache-control", b"")
        if path in self.kept and not past:
            headers, body = self.kept[path]
            ranged = b"range" in asked
            await _answer(send, 206 if ranged else 200, headers, body[:1] if ranged else body)
            return
        await self._inner(scope, receive, self._keeping(path, send))

    def _keeping(self, path: str, send: Any) -> Any:
        status, headers, body = 0, Headers(), b""

        async def pass_on(message: Any) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")
                if status == 200 and not message.get("more_body"):
                    self.kept[path] = ([h for h in headers if h[0].lower() != b"content-length"], body)
            await send(message)

        return pass_on


def cache_in_front(box: LemmySandbox) -> Cache:
    """Put one in front of a server that runs."""
    later: Any = box._lemmy._app
    later.app = Cache(later.app)
    cache: Cache = later.app
    return cache


async def _answer(send: Any, status: int, headers: Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
