"""A signed POST to one address.

The signature covers the time of sending and the raw body: the header ``Fediwarden-Signature: t=<seconds>,v1=<hex>``
holds HMAC-SHA256 over ``<seconds>.<body>`` with the shared secret. A receiver compares in constant time, refuses what
is older than some minutes, and drops a ``Fediwarden-Delivery`` that it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from adapters.http import user_agent
from bot.domain.errors import NotLoggedInError, PlatformError, RateLimitedError, RejectedError, UnreachableError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.notify.settings import WebhookSettings
    from bot.ports import Message

TIMEOUT = 10.0
"""Seconds to connect, and without a byte of the answer."""

TOTAL = 20.0
"""Seconds for a whole answer, however it trickles."""

READ = 64 * 1024
"""Bytes of an answer that are read; nothing in it matters but the status."""

LONGEST = 3600.0
DEFAULT = 30.0
"""Seconds until a receiver is asked again that says ``429`` without saying when."""

SIGNATURE, DELIVERY = "Fediwarden-Signature", "Fediwarden-Delivery"


def body_of(message: Message) -> bytes:
    """The raw body: the same bytes for the same message. ``text`` is what chats show."""
    told = {
        "version": 1,
        "id": message.id,
        "at": message.at.isoformat(timespec="seconds"),
        "kind": message.topics[0] if message.topics else "",
        "topics": list(message.topics),
        "cases": list(message.cases),
        "subject": message.subject,
        "text": message.text,
    }
    return json.dumps(told, ensure_ascii=True).encode("ascii")


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of ``Fediwarden-Signature``. ``at``: seconds since 1970."""
    digest = hmac.new(secret.encode(), f"{at}.".encode("ascii") + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class WebhookNotifier:
    """``Notifier``: contacts the configured address and no other, redirects or not."""

    def __init__(self, settings: WebhookSettings, now: Callable[[], float] = time.time) -> None:
        """``now``: seconds since 1970. Connects to nothing yet."""
        self._settings = settings
        self._now = now

    def send(self, message: Message) -> None:
        """See ``Notifier``."""
        body = body_of(message)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: sign(self._settings.secret.get_secret_value(), body, int(self._now())),
            DELIVERY: message.id,
        }
        status, retry_after = self._call("POST", body, headers)
        if 200 <= status < 300:
            return
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise RateLimitedError(f"{self._where()} asks to slow down", retry_after=retry_after)
        if status >= 500 or status in {408, 425}:
            raise UnreachableError(f"{self._where()} answered {status}", sent=True)
        if status in {401, 403}:
            raise NotLoggedInError(f"{self._where()} answered {status}: does it know the same `secret`?")
        if 300 <= status < 400:
            raise RejectedError(f"{self._where()} redirects, and no redirect is followed: correct `url`")
        raise RejectedError(f"{self._where()} answered {status}: correct `url`")

    def check(self) -> CheckResult:
        """Ask what the address allows (``OPTIONS``): any answer says that the way is open."""
        try:
            status, _ = self._call("OPTIONS", b"", {})
        except PlatformError as error:
            remedy = "correct `url` or `ca_file` of this channel, or start the receiver"
            return CheckResult(what="connection", ok=False, detail=str(error), remedy=remedy)
        test = f"`fediwarden notify test {self._settings.id}` sends a message"
        return CheckResult(what="connection", ok=True, detail=f"{self._where()} answers ({status}); {test}")

    def _call(self, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
        """Status and ``Retry-After`` in seconds. Raises ``UnreachableError``."""
        deadline = time.monotonic() + TOTAL
        try:
            with (
                httpx.Client(
                    verify=ssl.create_default_context(cafile=self._settings.ca_file),
                    timeout=TIMEOUT,
                    follow_redirects=False,
                    trust_env=False,
                    headers={"User-Agent": user_agent()},
                ) as client,
                client.stream(method, self._settings.url, content=body, headers=headers) as answer,
            ):
                read = 0
                for chunk in answer.iter_raw():
                    read += len(chunk)
                    if read > READ or time.monotonic() > deadline:
                        break
                return answer.status_code, _retry_after(answer.headers.get("retry-after", ""))
        except (httpx.HTTPError, OSError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                remedy = "correct `url`, or name the authority in `ca_file`"
                raise UnreachableError(
                    f"{self._where()}: the certificate cannot be trusted; {remedy}", sent=False
                ) from None
            sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise UnreachableError(f"{self._where()} gave no answer ({type(error).__name__})", sent=sent) from None

    def _where(self) -> str:
        """Without the path: in many chats that is the secret."""
        parts = urlsplit(self._settings.url)
        return f"the webhook at {parts.hostname}{f':{parts.port}' if parts.port else ''}"


def _retry_after(value: str) -> float:
    try:
        return min(LONGEST, max(1.0, float(value)))
    except ValueError:
        return DEFAULT
