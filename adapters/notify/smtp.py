"""Mail to the operators: plain text, marked as written by a machine, through the one configured server."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

import structlog

from adapters.notify.settings import PORTS
from bot.domain.errors import NotLoggedInError, PlatformError, RateLimitedError, RejectedError, UnreachableError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.notify.settings import SmtpSettings
    from bot.ports import Message

log = structlog.get_logger(__name__)

TIMEOUT = 30.0
"""Seconds without a word from the server: some let strangers wait for their greeting."""

LATER = 300.0
"""Seconds until a server is asked again that says it takes nothing now (greylisting)."""


class SmtpNotifier:
    """``Notifier``: one connection for each message."""

    def __init__(self, settings: SmtpSettings) -> None:
        """Connects to nothing yet."""
        self._settings = settings
        self._port = settings.port or PORTS[settings.security]
        self._domain = settings.sender.rpartition("@")[2]

    def send(self, message: Message) -> None:
        """See ``Notifier``. The ``Message-ID`` is that of the message, so a repetition is recognized.

        What the server takes for some of the addressees is sent: trying again would send it to those twice.
        """
        mail = self._mail(message)
        with self._connected() as server:
            refused = server.send_message(mail, from_addr=self._settings.sender, to_addrs=list(self._settings.to))
        if refused:
            log.warning("mail refused for some", channel=self._settings.id, refused=len(refused), remedy="correct `to`")

    def check(self) -> CheckResult:
        """Connect and log in, as for a mail, and send none."""
        try:
            with self._connected():
                pass
        except PlatformError as error:
            remedy = "correct `host`, `port`, `security`, `username` or `password` of this channel"
            return CheckResult(what="connection", ok=False, detail=str(error), remedy=remedy)
        return CheckResult(what="connection", ok=True, detail=f"{self._where()} lets the bot in; no mail was sent")

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(self._settings.to)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
        mail.set_content(message.text, subtype="plain", charset="utf-8")
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            server = self._open()
            try:
                yield server
            finally:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPException as error:
            raise self._told(error) from None
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(
                f"{self._where()}: the certificate cannot be trusted ({error.verify_message}); correct `host`, or name "
                "the authority in `ca_file`",
                sent=False,
            ) from None
        except OSError as error:
            raise UnreachableError(f"{self._where()}: no answer ({type(error).__name__})", sent=True) from None

    def _open(self) -> smtplib.SMTP:
        settings = self._settings
        trust = ssl.create_default_context(cafile=settings.ca_file)
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, self._port, local_hostname=self._domain, timeout=TIMEOUT, context=trust
            )
        else:
            server = smtplib.SMTP(settings.host, self._port, local_hostname=self._domain, timeout=TIMEOUT)
        try:
            if settings.security == "starttls":
                server.starttls(context=trust)
            if settings.username is not None and settings.password is not None:
                server.login(settings.username, settings.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _told(self, error: smtplib.SMTPException) -> PlatformError:
        """Codes only: what a server writes beside them may repeat addresses and more."""
        match error:
            case smtplib.SMTPAuthenticationError():
                return NotLoggedInError(f"{self._where()} refuses `username` and `password` ({error.smtp_code})")
            case smtplib.SMTPRecipientsRefused():
                code = max((code for code, _ in error.recipients.values()), default=0)
            case smtplib.SMTPResponseException():
                code = error.smtp_code
            case smtplib.SMTPNotSupportedError():
                return RejectedError(f"{self._where()} does not offer what is configured: correct `security`")
            case _:
                return UnreachableError(f"{self._where()}: the connection broke ({type(error).__name__})", sent=True)
        if 400 <= code < 500:
            return RateLimitedError(f"{self._where()} takes no mail now ({code})", retry_after=LATER)
        return RejectedError(f"{self._where()} refuses the mail ({code}): correct `from` and `to`")

    def _where(self) -> str:
        return f"the mail server {self._settings.host}:{self._port}"
