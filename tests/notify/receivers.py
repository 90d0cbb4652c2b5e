"""A mail server and a webhook receiver on 127.0.0.1 that do what a test tells them to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

SECRET = "correct horse battery staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def delivery(self) -> str:
        return self.headers["fediwarden-delivery"]

    def signed_with(self, secret: str) -> bool:
        """As a receiver checks it, from the documentation alone."""
        parts = dict(part.split("=", 1) for part in self.headers["fediwarden-signature"].split(","))
        wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, parts["v1"])


@dataclass(slots=True)
class Receiver:
    """``answers`` are used up one by one; then everything is taken."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]] | Callable[[], tuple[int, dict[str, str]]]] = field(default_factory=list)

    @property
    def taken(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]


@contextmanager
def receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A webhook receiver for the length of a block."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            found.requests.append(Request(method=self.command, path=self.path, headers=headers, body=body))
            answer: Any = found.answers.pop(0) if found.answers and self.command == "POST" else (204, {})
            status, more = answer() if callable(answer) else answer
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_OPTIONS = do_POST  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Clients may go away, or not trust us."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    found.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}/hooks/abc"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox:
    """Mail that arrived; ``answers`` as in ``Receiver``, for the end of each mail."""

    def __init__(self) -> None:
        self.port = 0
        self.raw: list[bytes] = []
        self.senders: list[str] = []
        self.answers: list[str | Callable[[], str]] = []
        self.refuses: set[str] = set()

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]  # type: ignore[misc]

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        self.raw.append(envelope.content)
        self.senders.append(envelope.mail_from)
        answer = self.answers.pop(0) if self.answers else "250 OK"
        return await asyncio.to_thread(answer) if callable(answer) else answer


@contextmanager
def mailbox(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[Mailbox]:
    """A mail server for the length of a block."""
    box = Mailbox()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == login, handled=False)

    options: dict[str, Any] = {}
    if login is not None:
        options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": starttls is not None}
    if starttls is not None:
        options |= {"tls_context": starttls, "require_starttls": True}
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), ssl_context=tls, **options)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
