"""A server that says exactly the bytes it is told to, however broken."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Script = Callable[[socket.socket], None]


@dataclass(slots=True)
class Raw:
    url: str
    requests: list[bytes] = field(default_factory=list)


def saying(*pieces: bytes, pause: float = 0.0) -> Script:
    """Send pieces, with pauses between them, and close."""

    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return script


def answer(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Script:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return saying("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


@contextmanager
def serving(*scripts: Script) -> Iterator[Raw]:
    """Play one script for each connection; the last one again and again."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    raw = Raw(f"http://127.0.0.1:{listener.getsockname()[1]}")
    ended = threading.Event()

    def run() -> None:
        number = 0
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    raw.requests.append(connection.recv(65536))
                    scripts[min(number, len(scripts) - 1)](connection)
                except OSError:
                    pass  # the client has gone, as it may
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield raw
    finally:
        ended.set()
        thread.join()
        listener.close()
