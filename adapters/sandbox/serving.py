"""An HTTP server on 127.0.0.1 in a thread of its own, which can be stopped and started again on the same port."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope

HOST = "127.0.0.1"


class _ReachableProtocol(H11Protocol):
    """HTTP/1.1 that hands its transport to the application, so that a fault can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _PromptServer(uvicorn.Server):
    """Looks fifty times a second, not ten, whether it is to end: tests start and stop many of these."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - another thread sets the end
            await asyncio.sleep(0.02)


def cut(scope: Scope) -> None:
    """Close the connection of a request at once, without an answer or in the middle of one."""
    scope["state"]["transport"].abort()


class LoopbackServer:
    """Serves an ASGI application on 127.0.0.1; ``port`` 0 takes a free one and keeps it over stops and starts.

    ``sockets``: WebSocket connections are accepted too.
    """

    def __init__(self, app: ASGIApp, port: int = 0, *, sockets: bool = False) -> None:
        self._app = app
        self._sockets = sockets
        self._socket: socket.socket | None = self._bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    def start(self) -> None:
        """Serve from now on; returns once connections are accepted."""
        if self._server is not None:
            return
        listening = self._socket or self._bind(self.port)
        self._socket = None
        server = _PromptServer(
            uvicorn.Config(
                self._app,
                http=_ReachableProtocol,
                ws="websockets-sansio" if self._sockets else "none",
                ws_ping_interval=30.0,  # what Mastodon's streaming server does
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name=f"sandbox-{self.port}", daemon=True
        )
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the sandbox server on port {self.port} did not start")
            time.sleep(0.002)
        self._server = server

    def stop_soon(self) -> None:
        """Begin to stop; ``stop`` waits for the end."""
        if self._server is not None:
            self._server.should_exit = True

    def stop(self) -> None:
        """Refuse connections from now on; returns when the thread has ended."""
        self.stop_soon()
        if self._thread is not None:
            self._thread.join()
        self._server = self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @staticmethod
    def _bind(port: int) -> socket.socket:
        # Named in full, because asyncio switches Nagle's delay off only where it reads TCP.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError:
            listening.close()
            raise
        return listening
