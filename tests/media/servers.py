"""A server that speaks whatever bytes a test wants, on a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


class Server:
    """Answers every request to a path with its bytes, or lets a function write to the socket; then hangs up."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, bytes | Callable[[socket.socket], None]] = {}
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it and its threads."""
        if self.stopped.is_set():
            return
        self.stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            talk = connection if self._context is None else self._context.wrap_socket(connection, server_side=True)
            with talk:
                request = b""
                while b"\r\n\r\n" not in request:
                    received = talk.recv(65536)
                    if not received:
                        return
                    request += received
                self.requests.append(request)
                answer = self.answers[request.split(b" ", 2)[1].decode()]
                if isinstance(answer, bytes):
                    talk.sendall(answer)
                else:
                    answer(talk)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server(context)
    try:
        yield server
    finally:
        server.close()


def ok(body: bytes, *headers: str, kind: str = "image/png") -> bytes:
    """A whole answer with its length."""
    return head(200, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers) + body


def head(status: int, *headers: str) -> bytes:
    """A status line and headers."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def redirect(where: str, status: int = 302) -> bytes:
    """Go there."""
    return head(status, f"Location: {where}", "Content-Length: 0")
