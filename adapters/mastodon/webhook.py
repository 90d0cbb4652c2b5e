"""Receives Mastodon's webhooks: everything that its own accounts do, replies and unlisted posts too.

Mastodon forgets a delivery for ever when it is answered with most codes of the 400s, and tries again after 401, 408,
429 and the 500s (app/workers/webhooks/delivery_worker.rb, app/helpers/json_ld_helper.rb): so what cannot be taken in
now is asked to come again, and what is signed and makes no sense is thanked for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from adapters.mastodon.convert import moment
from adapters.mastodon.letters import Kept, letter_of
from adapters.mastodon.serving import bound, serve
from bot.domain.errors import LedgerError

if TYPE_CHECKING:
    import socket
    from datetime import datetime

    from starlette.requests import Request

    from adapters.mastodon.settings import WebhookSettings
    from bot.ports import Clock, Inbox

log = structlog.get_logger(__name__)

REMEMBERED = 20_000
"""Deliveries that are recognised when they come again."""

OLDEST = timedelta(days=7)
"""Age of an event that is still taken: sixteen tries of Sidekiq's take less than five days."""

PATIENCE = 20.0
"""Seconds for a whole delivery to arrive."""

SIGNED = "sha256="
"""How the signature of a delivery begins."""

RECENT = timedelta(hours=1)
"""For how long ``trouble`` tells of deliveries that were refused."""


class WebhookPush:
    """Listens on the configured address; each delivery is in the inbox before it is answered."""

    def __init__(
        self, instance: str, settings: WebhookSettings, inbox: Inbox, clock: Clock, *, sweeps: str | None = None
    ) -> None:
        """``sweeps``: name under which accounts that want a look are left in the inbox. Binds nothing yet."""
        self._name = f"{instance}/webhook"
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._sweeps = sweeps
        self._busy = 0
        self._seen: OrderedDict[bytes, bool] = OrderedDict()  # digest of a body -> whether it is stored
        self._trouble = ""
        self._refused: tuple[datetime, str] | None = None
        self.address: tuple[str, int] | None = None  # while it listens

    @property
    def name(self) -> str:
        """``mastodon-main/webhook``: of the push and of its letters."""
        return self._name

    def trouble(self) -> str:
        """What is wrong now: the address, the ledger, or a secret that does not fit."""
        if self._trouble:
            return self._trouble
        if self._refused is not None and self._clock.now() - self._refused[0] < RECENT:
            return self._refused[1]
        return ""

    async def run(self) -> None:
        """Until it is cancelled; ends at once where the address cannot be had, and ``trouble`` says so."""
        try:
            listening = bound(self._settings.listen)
        except OSError as error:
            self._trouble = f"webhook.listen: {self._settings.listen} cannot be had ({error.strerror}): write another"
            log.warning("webhooks are not received", push=self._name, error=self._trouble)
            return
        self._trouble = ""
        self.address = _address_of(listening)
        log.info("receiving webhooks", push=self._name, listen=self._settings.listen, path=self._settings.path)
        try:
            await serve(self.app(), listening)
        finally:
            self.address = None

    def app(self) -> Starlette:
        """What answers."""
        routes = [
            Route(self._settings.path, self.receive, methods=["POST"]),
            Route("/{rest:path}", self.astray, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def receive(self, request: Request) -> Response:
        """One delivery."""
        given = request.headers.get("x-hub-signature", "")
        if not given.startswith(SIGNED):
            return Response(status_code=401)  # Mastodon signs everything: whoever else calls here is no trouble
        if self._busy >= self._settings.at_once:
            return _later()
        self._busy += 1
        try:
            async with asyncio.timeout(PATIENCE):
                body = await self._body(request)
        except (TimeoutError, ClientDisconnect):
            return _later()
        else:
            return await self._take(body, given)
        finally:
            self._busy -= 1

    async def astray(self, request: Request) -> Response:
        """One delivery to another path: asked to come again, for a 404 would be the end of it."""
        if request.headers.get("x-hub-signature", "").startswith(SIGNED):
            self._note(
                f"a delivery came to {request.url.path[:200]!r}, and is asked to come again: does `webhook.path` fit?"
            )
        return _later()

    async def _body(self, request: Request) -> bytes | None:
        """The raw body, which is what is signed; ``None`` where it is too long."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.most_bytes:
                return None
        return bytes(body)

    async def _take(self, body: bytes | None, given: str) -> Response:
        if body is None:
            self._note(f"a delivery of more than {self._settings.most_bytes} bytes came in: raise `webhook.most_bytes`")
            return _later()
        wanted = hmac.new(self._settings.secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"sha256={wanted}".encode(), given.encode()):
            return self._refuse("a delivery with a wrong signature came in: does `webhook.secret` fit?")
        digest = hashlib.sha256(body).digest()
        if digest in self._seen:
            # Stored: thanked for once more. Under way: whether it will be stored is not known yet.
            return Response(status_code=200) if self._seen[digest] else _later()
        self._seen[digest] = False
        try:
            await asyncio.to_thread(self._keep, body)
        except LedgerError as error:
            del self._seen[digest]
            self._trouble = f"the ledger cannot be written ({error}): deliveries are asked to come again"
            return _later()
        except BaseException:
            del self._seen[digest]
            raise
        self._seen[digest] = True
        self._trouble, self._refused = "", None  # the secret fits: who else calls here is no trouble
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return Response(status_code=200)

    def _keep(self, body: bytes) -> None:
        try:
            told: Any = json.loads(body)
            event, what, at = str(told["event"]), told["object"], moment(told["created_at"])
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            self._inbox.drop(self._name, "not understood")
            return
        if self._clock.now() - at > OLDEST:
            self._inbox.drop(self._name, "too old")
            return
        letter = letter_of(event, what)
        if not isinstance(letter, Kept):
            self._inbox.drop(self._name, letter.reason)
            return
        if letter.sweep is not None and self._sweeps is not None:
            account, why = letter.sweep
            self._inbox.deliver(self._sweeps, {"account": account, "why": why})
        self._inbox.deliver(self._name, letter.payload)

    def _refuse(self, why: str) -> Response:
        self._note(why)
        return Response(status_code=401)

    def _note(self, why: str) -> None:
        if self.trouble() != why:
            log.warning("a webhook was not taken in", push=self._name, reason=why)
        self._refused = (self._clock.now(), why)


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": "30"})


def _address_of(listening: socket.socket) -> tuple[str, int]:
    host, port = listening.getsockname()[:2]
    return str(host), int(port)
