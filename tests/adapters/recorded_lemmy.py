"""A server that gives the recorded answers of a real Lemmy 1.0.0-beta.1, and remembers what it was asked."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lemmy_town import TestClock
from starlette.requests import Request
from starlette.responses import Response

from adapters.registry import PLATFORMS
from adapters.sandbox.serving import LoopbackServer
from bot.ledger import open_ledger
from golden.replay import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

    from bot.ports import Instance

HOST = "http://lemmy-one:8561"
FILES = ("auth-and-site", "bans", "create", "delete-media", "image-proxy", "lists", "reports", "remove", "uploads")


def recorded(name: str) -> dict[str, Any]:
    """The first exchange of this name."""
    return next(one for file in FILES for one in load("lemmy-1.0", file) if one["name"] == name)


def token(seconds: float) -> str:
    """A token that says it ends then, as Lemmy's do."""
    claims = json.dumps({"sub": "6", "iss": "lemmy-one", "iat": 0, "exp": int(time.time() + seconds)}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


@dataclass(slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    token: str


@dataclass(slots=True)
class Recorded:
    """Answers by method and path, the newest first; one that was given once is used up if it is not the last."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def say(self, *names: str) -> None:
        """From now on, answer so where that was asked, one after the other; the last stays."""
        fresh: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for exchange in map(recorded, names):
            place = (exchange["request"]["method"], exchange["request"]["path"])
            fresh.setdefault(place, []).append(exchange["response"])
        self.answers.update(fresh)

    def answer(self, method: str, path: str, status: int, body: Any = "") -> None:
        """From now on, answer something that nobody recorded."""
        self.answers[(method, path)] = [{"status": status, "headers": {}, "body": body}]

    def of(self, method: str, path: str) -> list[Asked]:
        """The requests of one kind."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        one = Asked(request.method, request.url.path, dict(request.query_params), json.loads(body or b"{}"), bearer)
        self.asked.append(one)
        waiting = self.answers.get((one.method, one.path), [{"status": 404, "headers": {}, "body": ""}])
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        content = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
        kept = {k: v for k, v in said["headers"].items() if k.startswith(("x-ratelimit", "retry-after"))}
        await Response(content, said["status"], {"content-type": "application/json", **kept})(scope, receive, send)


@contextmanager
def lemmy() -> Iterator[Recorded]:
    """One that has answered nothing yet, and knows the bot."""
    server = Recorded()
    server.say("nodeinfo", "site, as admin", "account, as admin", "validate_auth, good")
    server.answer("GET", "/api/v4/modlog", 200, {"items": []})
    server.answer("GET", "/api/v4/admin/tagline/list", 200, {"items": []})
    server.answer("GET", "/api/v4/custom_emoji/list", 200, {"custom_emojis": []})
    server.answer("POST", "/api/v4/account/auth/login", 200, {"jwt": token(7 * 86400)})
    loopback = LoopbackServer(server)
    server.url = loopback.url
    loopback.start()
    try:
        yield server
    finally:
        loopback.stop()


def connect(server: Recorded, *, start_from: timedelta | None = timedelta(0), **changes: Any) -> Instance:
    """The adapter, configured for it."""
    block = {
        "id": "main",
        "platform": "lemmy",
        "url": server.url,
        "public_url": HOST,
        "username": "warden",
        "password": "secret",
    } | changes
    settings = PLATFORMS["lemmy"].settings.model_validate({k: v for k, v in block.items() if v is not None})
    clock = TestClock()

    return PLATFORMS["lemmy"].build(settings, clock, start_from, open_ledger("sqlite://", clock=clock))
