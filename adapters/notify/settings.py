"""What an operator writes about the channels by which the bot tells them something."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from adapters.durations import read_duration
from bot.ports import Topic

PORTS = {"starttls": 587, "tls": 465, "none": 25}

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+")


def is_loopback(host: str) -> bool:
    """Whether a name or address is certainly this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _mail_address(text: str) -> str:
    if _ADDRESS.fullmatch(text) is None:
        raise ValueError("is not a mail address; write it like warden@lemmy.example")
    return text


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL; write it like https://chat.example/hooks/abc") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or " " in url:
        raise ValueError("is not a web address; write it like https://chat.example/hooks/abc")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("must not have a user, a password or a fragment in it")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("has to begin with https:// unless the receiver is on this machine")
    return url


MailAddress = Annotated[str, AfterValidator(_mail_address)]
Span = Annotated[timedelta, BeforeValidator(read_duration)]


class ChannelSettings(BaseModel):
    """What all kinds of channels have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    about: Annotated[frozenset[Topic], Field(min_length=1)] = frozenset({Topic.ALARMS, Topic.CASES, Topic.HELD})
    batch_every: Span = timedelta(minutes=5)
    per_hour: Annotated[int, Field(ge=1, le=3600)] = 12
    accounts: bool = False
    ca_file: Path | None = None


class SmtpSettings(ChannelSettings):
    """A mail server that takes the bot's mail."""

    kind: Literal["smtp"] = "smtp"
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: MailAddress = Field(alias="from")
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _safe(self) -> SmtpSettings:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("`security: none` is for a mail server on this machine; write starttls or tls")
        if (self.username is None) != (self.password is None):
            raise ValueError("give `username` and `password`, or neither")
        return self


class WebhookSettings(ChannelSettings):
    """An address that takes a signed POST."""

    kind: Literal["webhook"] = "webhook"
    url: Annotated[str, AfterValidator(_web_address)]
    secret: Annotated[SecretStr, Field(min_length=16)]
