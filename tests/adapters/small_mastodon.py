"""Servers that speak some of Mastodon's API: a fork with a call for one post, Akkoma, Sharkey, GoToSocial.

No more of each than a deed and its proof want, in the shapes that they answer with.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

BOT = "900"
AUTHOR = "100"


def account(number: str, name: str) -> dict[str, Any]:
    return {"id": number, "username": name, "acct": name, "uri": f"https://here.example/users/{name}", "url": ""}


def admin_account(number: str, name: str) -> dict[str, Any]:
    flags = {"suspended": False, "silenced": False}
    return {"id": number, "email": f"{name}@x", "role": None, "account": account(number, name), **flags}


class Small:
    """One of them, and everything that it was told to do."""

    def __init__(self, software: str, *, scopes: tuple[str, ...] = (), version: str = "1.0") -> None:
        self.software = software
        self.version = version
        self.scopes = scopes
        self.own_scopes: tuple[str, ...] = ("read", "write", "admin:read", "admin:write")
        self.url = ""
        self.told: list[tuple[str, str, Any]] = []
        self.statuses: dict[str, dict[str, Any]] = {}
        self.reports: list[dict[str, Any]] = []
        self.author = admin_account(AUTHOR, "alice")
        self.strangers = True  # are shown posts

    def status(self, number: str = "1") -> dict[str, Any]:
        """A post of alice's."""
        made = {
            "id": number,
            "uri": f"https://here.example/notes/{number}",
            "url": f"https://here.example/@alice/{number}",
            "account": account(AUTHOR, "alice"),
            "sensitive": False,
            "media_attachments": [
                {"id": "5", "url": f"{self.url}/media/{number}.png", "preview_url": f"{self.url}/media/{number}.png"}
            ],
        }
        self.statuses[number] = made
        return made

    def closed(self, path: str) -> tuple[int, Any] | None:
        """What somebody without a token gets to hear instead."""
        if self.strangers or not path.startswith("/api/v1/statuses/"):
            return None
        return 404, {"error": "Record not found"}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if method != "GET":
            self.told.append((method, path, body))
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", [".well-known", "nodeinfo"]:
                return 200, {"links": [{"rel": "x", "href": "https://elsewhere.example/nodeinfo/2.0"}]}
            case "GET", ["nodeinfo", "2.0"]:
                return 200, {"software": {"name": self.software, "version": self.version}}
            case "GET", ["api", "v2", "instance"]:
                return 200, {"domain": "here.example", "version": self.version}
            case "GET", [".well-known", "oauth-authorization-server"] if self.scopes:
                return 200, {"scopes_supported": list(self.scopes)}
            case "GET", ["api", "v1", "accounts", "verify_credentials"]:
                return 200, {**account(BOT, "warden"), "role": {"name": "Warden", "permissions": "1"}}
            case "GET", ["api", "v1", "apps", "verify_credentials"]:
                return 200, {"scopes": list(self.own_scopes)}
            case _, ["api", "v1", "statuses", number]:
                return self._status(method, number)
            case "GET", ["media", name]:
                return (200, "x") if name.split(".")[0] in self.statuses else (404, "")
            case _, ["api", "v1", "admin", *rest]:
                return self._admin(method, rest, query, body)
            case "POST", ["api", "v1", "reports"]:
                return 200, {"id": self._file(body)}
        return 404, {"error": "Not Found"}

    def _status(self, method: str, number: str) -> tuple[int, Any]:
        if number not in self.statuses:
            return 404, {"error": "Record not found"}
        if method == "DELETE":
            if self.software not in {"akkoma", "sharkey"}:
                return 404, {"error": "Record not found"}
            return 200, self.statuses.pop(number)
        return 200, self.statuses[number]

    def _admin(self, method: str, rest: list[str], query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if self.software in {"akkoma", "sharkey"}:
            return 404, {"error": "Not Found"}
        match method, rest:
            case "DELETE", ["statuses", number] if self.scopes:
                return 200, self.statuses.pop(number)
            case "POST", ["statuses", number, "action"] if self.scopes:
                self.statuses[number]["sensitive"] = True
                return 200, {}
            case "POST", ["statuses", number, "unsensitive"] if self.scopes:
                self.statuses[number]["sensitive"] = False
                return 200, self.statuses[number]
            case "GET", ["reports"]:
                resolved = query.get("resolved") == ["true"]
                every = self.software == "gotosocial"
                return 200, [one for one in self.reports if every or one["action_taken"] == resolved]
            case "GET", ["accounts", number] if number == AUTHOR:
                return 200, self.author
            case "POST", ["accounts", _, "action"]:
                if body["type"] != "suspend":
                    return 400, {"error": f"Bad Request: admin action type {body['type']} is not supported"}
                self.author["suspended"] = True
                return 200, {"message": "OK"}
        return 404, {"error": "Not Found"}

    def _file(self, body: Any) -> str:
        number = str(len(self.reports) + 1)
        self.reports.append(
            {
                "id": number,
                "action_taken": False,
                "action_taken_at": None,
                "created_at": "2026-11-22T07:13:55.000Z",
                "action_taken_by_account": None,
                "account": admin_account(BOT, "warden"),
                "target_account": admin_account(body["account_id"], "alice"),
                "statuses": [self.statuses[one] for one in body.get("status_ids", ())],
            }
        )
        return number


@contextmanager
def running(small: Small) -> Iterator[Small]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length) or b"null")
            parts = urlsplit(self.path)
            stranger = "Authorization" not in self.headers
            refusal = small.closed(parts.path) if stranger else None
            status, body = refusal or small.answer(self.command, parts.path, parse_qs(parts.query), sent)
            out = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def __getattr__(self, name: str) -> Any:
            """``do_GET`` and its like."""
            if name.startswith("do_"):
                return self._do
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    small.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield small
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
