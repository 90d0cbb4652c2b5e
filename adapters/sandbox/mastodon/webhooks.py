"""Webhooks: every event is posted to one address, signed over the bytes of the body.

What nobody outside may see is posted too: statuses of every visibility, and boosts. Deletions are not.

https://github.com/mastodon/mastodon/blob/main/app/workers/webhooks/delivery_worker.rb
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from adapters.sandbox.clock import http_date, now, now_ns
from adapters.sandbox.loopback import NO_AUTHORITIES, require_loopback
from adapters.sandbox.mastodon.account_views import admin_account_view
from adapters.sandbox.mastodon.report_views import admin_report_view
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.text import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.mastodon.rows import Json
    from adapters.sandbox.mastodon.state import State

RETRIES = 16
_PATIENCE = 10.0  # seconds for an answer
# Of the refusals of a receiver these are taken as its trouble of the moment; all others end the delivery.
_HOPEFUL = {401, 408, 429}
_HTTP_LIBRARY = {"4.3": "http.rb/5.2.0", "4.6": "http.rb/5.3.1"}
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(order=True, slots=True)
class _Delivery:
    due: float
    order: int
    body: bytes = field(compare=False)
    tries: int = field(compare=False, default=0)


def soon(tries: int) -> float:
    """Seconds until the next try. Mastodon waits a quarter of a minute at least, and days in the end."""
    return 0.25 * float(2**tries)


class Webhooks:
    """Posts events to one address on this machine, in their order, from a thread of its own between start and stop."""

    def __init__(self, state: State, url: str, secret: str, *, pause: Callable[[int], float] = soon) -> None:
        """Raises ``OutsideLoopbackError`` for an address that is not on this machine."""
        require_loopback(url)
        self._state = state
        self._url = url
        self._secret = secret
        self._pause = pause
        self._waiting: list[_Delivery] = []
        self._made = 0
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self.dropped = 0
        state.subscribe(self._take)

    def start(self) -> None:
        """Deliver from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver nothing more; what waits is lost."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _take(self, event: str, number: str) -> None:
        """Something has happened; called with the lock of the state held."""
        found = self._object(event, int(number))
        if found is None:
            return
        told, thing = found
        body = self._bytes({"event": told, "created_at": iso(now()), "object": thing})
        with self._changed:
            self._made += 1
            heapq.heappush(self._waiting, _Delivery(time.monotonic(), self._made, body))
            self._changed.notify()

    def _object(self, event: str, number: int) -> tuple[str, Json] | None:
        """The event under its own name, with what it is about."""
        state = self._state
        kind = event.partition(".")[0]
        if event in {"status.created", "status.updated"} and state.statuses[number].local:
            return event, status_view(state, state.statuses[number])
        if kind == "account" and state.accounts[number].local and state.accounts[number].user is not None:
            told = "account.updated" if event == "account.suspended" else event
            return told, admin_account_view(state, state.accounts[number])
        if kind == "report":
            return event, admin_report_view(state, state.reports[number])
        return None

    def _bytes(self, value: Json) -> bytes:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return (text.translate(_ESCAPED) if self._state.version.newer else text).encode()

    def _run(self) -> None:
        with httpx.Client(verify=NO_AUTHORITIES, trust_env=False, timeout=_PATIENCE) as client:
            client.headers.clear()  # Mastodon sends no others than its own
            while (delivery := self._next()) is not None:
                if self._post(client, delivery.body):
                    continue
                delivery.tries += 1
                if delivery.tries > RETRIES:
                    self.dropped += 1
                    continue
                delivery.due = time.monotonic() + self._pause(delivery.tries - 1)
                with self._changed:
                    heapq.heappush(self._waiting, delivery)

    def _next(self) -> _Delivery | None:
        with self._changed:
            while not self._ended:
                wait = self._waiting[0].due - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(wait)
            return None

    def _post(self, client: httpx.Client, body: bytes) -> bool:
        """Whether this delivery is over: taken, or dropped for ever."""
        try:
            status = client.post(self._url, content=body, headers=self._headers(body)).status_code
        except httpx.HTTPError:
            return False
        over = status == 501 or (400 <= status < 500 and status not in _HOPEFUL)
        self.dropped += over
        return over or 200 <= status < 300

    def _headers(self, body: bytes) -> dict[str, str]:
        version = self._state.version
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        return {
            "User-Agent": f"Mastodon/{version.number} ({_HTTP_LIBRARY[version.name]}; +{self._state.url}/)",
            "Host": urlsplit(self._url).netloc,
            "Date": http_date(now_ns()),
            "Accept-Encoding": "gzip",
            "Digest": f"SHA-256={digest}",
            "Content-Type": "application/json",
            "X-Hub-Signature": f"sha256={signature}",
            "Connection": "close",
        }
