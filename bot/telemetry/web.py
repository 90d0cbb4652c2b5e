"""``/healthz``, ``/readyz`` and ``/metrics`` on an address of the operator's choice."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

import structlog
import uvicorn
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry
    from starlette.requests import Request

    from bot.telemetry.health import Health

log = structlog.get_logger(__name__)

STUCK = 60.0
"""Seconds without a tick of the watchdog, which is due every second: then the process does not count as alive."""

FRESH = 1.0
"""Seconds for which a scrape holds: two Prometheus servers ask the ledger once."""

GRACE = 1  # seconds that answers under way get when the bot ends


class Pages:
    """What is answered. Nothing can be changed here, and nothing is asked of anybody but the ledger."""

    def __init__(self, *, idle: Callable[[], float], health: Health, registry: CollectorRegistry) -> None:
        """``idle``: seconds since the last tick of the watchdog."""
        self._idle = idle
        self._health = health
        self._registry = registry
        self._scraped: tuple[float, str, Response] | None = None
        self._scraping = asyncio.Lock()

    def app(self) -> Starlette:
        """The three pages."""
        return Starlette(
            routes=[
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
            ]
        )

    async def healthz(self, _request: Request) -> Response:
        """Whether the process is alive; that it answers at all says that its event loop turns."""
        idle = self._idle()
        alive = idle < STUCK
        body = {"alive": alive, "reasons": [] if alive else [f"nothing was scheduled for {idle:.0f} s"]}
        return JSONResponse(body, status_code=200 if alive else 503)

    async def readyz(self, _request: Request) -> Response:
        """Whether it can do its work."""
        reasons = await self._health.reasons()
        return JSONResponse({"ready": not reasons, "reasons": list(reasons)}, status_code=503 if reasons else 200)

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        accept = request.headers.get("accept", "")
        async with self._scraping:
            if self._scraped is None or time.monotonic() - self._scraped[0] > FRESH or self._scraped[1] != accept:
                encode, kind = choose_encoder(accept)
                try:
                    text = await asyncio.to_thread(encode, self._registry)
                except LedgerError:
                    return PlainTextResponse("the ledger cannot be read\n", status_code=503)
                self._scraped = (time.monotonic(), accept, Response(text, headers={"content-type": kind}))
            return self._scraped[2]


class _QuietServer(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class MetricsServer:
    """Serves the pages inside the daemon's own event loop."""

    def __init__(self, pages: Pages, listen: str) -> None:
        """Takes the address ``host:port`` at once. Raises ``ConfigError`` where that cannot be had."""
        self._pages = pages
        self._socket = _bound(listen)

    async def serve(self) -> None:
        """Until it is cancelled."""
        host, port = self._socket.getsockname()[:2]
        log.info("serving metrics", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics")
        config = uvicorn.Config(
            self._pages.app(),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=GRACE,
        )
        server = _QuietServer(config)
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
        finally:
            self._socket.close()


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, int(port)))
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"metrics.listen: {listen} cannot be had ({error.strerror}); does another Fediwarden run here? Then write "
            "another port"
        ) from None
    return listening
