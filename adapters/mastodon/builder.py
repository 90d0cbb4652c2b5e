"""Puts the parts for one Mastodon server together."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.http import Transport
from adapters.mastodon.addresses import Addresses
from adapters.mastodon.client import MastodonClient
from adapters.mastodon.convert import Converter
from adapters.mastodon.deeds import deeds
from adapters.mastodon.inspector import MastodonInspector
from adapters.mastodon.letters import LetterSource
from adapters.mastodon.reader import Reader
from adapters.mastodon.resolver import MastodonResolver
from adapters.mastodon.server import Server
from adapters.mastodon.sources import EmojiSource, timelines
from adapters.mastodon.streaming import StreamPush
from adapters.mastodon.sweeps import Notes, SweepSource
from adapters.mastodon.webhook import WebhookPush
from bot.domain.content import InstanceId
from bot.domain.hosts import host_of
from bot.ports import Instance, PrivateHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from adapters.mastodon.settings import MastodonSettings
    from bot.ports import Clock, Inbox, Push, Source


def build(settings: MastodonSettings, clock: Clock, start_from: timedelta | None, inbox: Inbox) -> Instance:
    """One server, connected; contacts nobody yet.

    ``start_from``: how far before the first poll sources begin (zero: now); ``None``: with everything there is.
    """
    instance = InstanceId(settings.id)
    sweeps = f"{instance}/sweeps"
    client = MastodonClient(settings, Transport(settings.url))
    server = Server(client)
    addresses = Addresses(instance=instance, url=settings.public, files=settings.files_url)
    converter = Converter(addresses=addresses, domain=host_of(settings.public))
    notes = Notes(sweeps, inbox, clock)
    reader = Reader(client, server, converter, clock, flagged=notes.flagged)
    pushes = list(_pushes(settings, client, server, inbox, clock, sweeps))
    acting = deeds(client, server)
    sources: list[Source] = [
        *timelines(client, server, reader, inbox, start_from),
        *(LetterSource(push.name, inbox, reader) for push in pushes),
        SweepSource(sweeps, client, reader, inbox, settings.sweeps, start_from),
        EmojiSource(f"{instance}/emoji", client, reader, clock),
    ]
    return Instance(
        id=instance,
        platform="mastodon",
        sources=sources,
        resolver=MastodonResolver(client, server, addresses),
        enforcer=acting.enforcer,
        inspector=MastodonInspector(client, server, removals=acting.removals.lines),
        hosts=tuple(_hosts(settings, client)),
        pushes=pushes,
    )


def _pushes(
    settings: MastodonSettings, client: MastodonClient, server: Server, inbox: Inbox, clock: Clock, sweeps: str
) -> Iterator[Push]:
    if settings.webhook is not None:
        yield WebhookPush(settings.id, settings.webhook, inbox, clock, sweeps=sweeps)
    if not settings.streaming.enabled:
        return
    for local, which in ((True, settings.feeds.local), (False, settings.feeds.remote)):
        if which != "none":
            yield StreamPush(client, server, inbox, clock, local=local, only_media=which == "media")


def _hosts(settings: MastodonSettings, client: MastodonClient) -> Iterator[PrivateHost]:
    for url in dict.fromkeys(filter(None, (settings.public, settings.url, settings.files_url))):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        past = settings.host is not None and settings.public_url is None and url == settings.public
        yield PrivateHost(
            host=parts.hostname or "", port=port, at=settings.url if past else "", headers=client.naming if past else {}
        )
