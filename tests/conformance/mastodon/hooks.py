"""Listening to the webhook of the server under test."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ..waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request of the server's. ``raw`` is what the signature is over."""

    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """``event``, ``created_at`` and ``object``."""
        found: dict[str, Any] = json.loads(self.raw)
        return found

    def signed_by(self, secret: str) -> bool:
        """Whether the signature is that of the raw bytes."""
        good = "sha256=" + hmac.new(secret.encode(), self.raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(good, self.headers.get("x-hub-signature", ""))


class Listener:
    """Takes everything that is delivered, as soon as it is entered."""

    def __init__(self, url: str = "http://127.0.0.1:0/webhook") -> None:
        self.deliveries: list[Delivery] = []
        self.refused_once: set[str] = set()  # words: the first delivery that has one is answered 503
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                names = {name.lower(): value for name, value in self.headers.items()}
                listener.deliveries.append(Delivery(headers=names, raw=raw))
                self.send_response(listener._status(raw))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", urlsplit(url).port or 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{urlsplit(url).path or '/'}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def _status(self, raw: bytes) -> int:
        for word in [word for word in self.refused_once if word.encode() in raw]:
            self.refused_once.discard(word)
            return 503
        return 200

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, event: str, what: Callable[[dict[str, Any]], bool]) -> Delivery:
        """The first delivery of an event whose object is the one wanted."""

        def found() -> list[Delivery]:
            return [one for one in list(self.deliveries) if one.body["event"] == event and what(one.body["object"])]

        eventually(lambda: bool(found()), f"a webhook delivery of {event}")
        return found()[0]
