"""The kinds of channels there are. A new one is a file beside this one and an entry here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapters.notify.settings import ChannelSettings, SmtpSettings, WebhookSettings
from adapters.notify.smtp import SmtpNotifier
from adapters.notify.webhook import WebhookNotifier
from bot.ports import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.ports import Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How to read a channel's block of the configuration, and what carries its messages."""

    settings: type[ChannelSettings]
    build: Callable[[Any], Notifier]


CHANNELS: Mapping[str, Kind] = MappingProxyType(
    {
        "smtp": Kind(settings=SmtpSettings, build=SmtpNotifier),
        "webhook": Kind(settings=WebhookSettings, build=WebhookNotifier),
    }
)
"""Kind to how it is configured and built, in alphabetical order."""


def build_channel(kind: str, settings: ChannelSettings) -> Channel:
    """A channel, connected to nothing yet."""
    return Channel(
        id=settings.id,
        kind=kind,
        about=settings.about,
        batch_every=settings.batch_every,
        per_hour=settings.per_hour,
        accounts=settings.accounts,
        notifier=CHANNELS[kind].build(settings),
    )
