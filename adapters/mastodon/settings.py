"""What an operator writes about a Mastodon server."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from adapters.durations import read_duration
from adapters.http import checked_url
from adapters.mastodon.deed_settings import RemovalSettings, ReportSettings, Severity
from adapters.mastodon.limits import USUAL

Duration = Annotated[timedelta, BeforeValidator(read_duration)]


def _checked_listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ValueError("write an address and a port, such as 127.0.0.1:9481")
    return text


def _checked_path(text: str) -> str:
    if not text.startswith("/") or any(character in text for character in "?#% "):
        raise ValueError("write a path, such as /mastodon")
    return text


def _checked_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 12:
        raise ValueError("is shorter than any of Mastodon's: copy it from Administration, Webhooks")
    return secret


class WebhookSettings(BaseModel):
    """Where the server sends what happens on it: Administration, Webhooks.

    ``most_bytes``: the largest delivery that is read. ``at_once``: deliveries that are taken in at the same time; those
    above are asked to come again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Annotated[str, AfterValidator(_checked_listen)]
    path: Annotated[str, AfterValidator(_checked_path)] = "/mastodon"
    secret: Annotated[SecretStr, AfterValidator(_checked_secret)]
    most_bytes: Annotated[int, Field(ge=64 * 1024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    at_once: Annotated[int, Field(ge=1, le=256)] = 16


class StreamingSettings(BaseModel):
    """Public posts as they appear. ``url`` only where the server names an address that the bot cannot reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    url: Annotated[str, AfterValidator(checked_url)] | None = None


Posts = Literal["all", "media", "none"]
"""Which posts of a timeline are read. Without those that attach nothing, their links and authors' pages go unseen."""


class FeedSettings(BaseModel):
    """The public timelines.

    ``overlap``: how far each look reads again what was read before; ``late``: how far, once in ``late_every``, for what
    came later still. Posts of other servers stand where they were written, not where they came.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    local: Posts = "all"
    remote: Posts = "media"
    overlap: Duration = timedelta(minutes=20)
    late: Duration = timedelta(hours=12)
    late_every: Duration = timedelta(hours=2)


class SweepSettings(BaseModel):
    """Looks at the media of single accounts, for replies and unlisted posts, which are in no public timeline.

    ``per_hour``: accounts in an hour, a call each, and up to two of the 1200 paged ones that Mastodon allows in it.
    ``every``: how long after its beginning a round over all accounts begins again, at the earliest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_hour: Annotated[int, Field(ge=0, le=600)] = 120
    every: Duration = timedelta(hours=1)


class MastodonSettings(BaseModel):
    """One server and the bot's account there.

    ``public_url`` is wanted only where the bot reaches the server under another address than the world does, and
    ``host`` where it has to name the server besides (``Host``), because what usually does so is passed by.
    ``calls``: in five minutes, that the server allows one token, where its own limit was changed.
    ``files_url``: where the world finds stored files, if that is another host. ``domain_block``: what it means that
    federation with a server is switched off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: Literal["mastodon"] = "mastodon"
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    url: Annotated[str, AfterValidator(checked_url)]
    public_url: Annotated[str, AfterValidator(checked_url)] | None = None
    host: Annotated[str, Field(min_length=1)] | None = None
    files_url: Annotated[str, AfterValidator(checked_url)] | None = None
    token: SecretStr
    calls: Annotated[int, Field(ge=30)] = USUAL
    feeds: FeedSettings = FeedSettings()
    sweeps: SweepSettings = SweepSettings()
    streaming: StreamingSettings = StreamingSettings()
    webhook: WebhookSettings | None = None
    report: ReportSettings = ReportSettings()
    removal: RemovalSettings = RemovalSettings()
    domain_block: Severity = Severity.SILENCE

    @property
    def public(self) -> str:
        """The address under which the world sees the server."""
        if self.public_url is None and self.host is not None:
            return f"https://{self.host}"
        return self.public_url or self.url
