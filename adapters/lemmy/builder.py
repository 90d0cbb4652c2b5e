"""Puts the parts for one Lemmy server together."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.http import Transport
from adapters.lemmy.account import Account
from adapters.lemmy.addresses import Addresses
from adapters.lemmy.bans import Bans
from adapters.lemmy.client import LemmyClient
from adapters.lemmy.convert import Converter
from adapters.lemmy.enforcer import LemmyEnforcer
from adapters.lemmy.feeds import PostFeed, comment_feed, upload_feed
from adapters.lemmy.files import Files
from adapters.lemmy.generation import (
    EitherAccount,
    EitherEnforcer,
    EitherInspector,
    EitherResolver,
    EitherSource,
    Generations,
    Parts,
)
from adapters.lemmy.inspector import LemmyInspector, not_reached
from adapters.lemmy.modlog import ModLog
from adapters.lemmy.places import places
from adapters.lemmy.reader import Reader
from adapters.lemmy.removals import Removals
from adapters.lemmy.reports import Reports
from adapters.lemmy.requestor import Endpoints
from adapters.lemmy.resolver import LemmyResolver
from adapters.lemmy.sources import sources
from adapters.lemmy.switches import Switches
from adapters.lemmy.uploads import UploadIndex
from adapters.lemmy.v4.builder import build as build_v4
from adapters.lemmy.v4.client import LemmyV4Client
from adapters.public import PublicView
from bot.domain.content import InstanceId
from bot.domain.hosts import host_of
from bot.ports import Instance, PrivateHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from adapters.lemmy.settings import LemmySettings
    from bot.ports import Clock

PLACES = ("communities", "profiles", "site", "messages")
FEEDS = ("posts", "comments", "uploads", *PLACES)
"""What is read of a server, whichever Lemmy it runs. ``PLACES`` may bring nothing for a long time."""


def build(settings: LemmySettings, clock: Clock, start_from: timedelta | None, *, file_store: bool = False) -> Instance:
    """One server, connected; contacts nobody yet. ``file_store``: its pict-rs is read, too.

    ``start_from``: how far before the first poll sources begin (zero: now); ``None``: with everything there is.
    """
    transport, public = Transport(settings.url, pauses=True), public_view(settings)
    generations = Generations(
        transport,
        old=lambda: _parts(LemmyClient(settings, transport, unrouted=generations.doubt), public, clock, start_from),
        new=lambda: build_v4(
            LemmyV4Client(settings, transport, unrouted=generations.doubt),
            public,
            clock,
            start_from,
            file_store=file_store,
        ),
    )
    instance = InstanceId(settings.id)
    return Instance(
        id=instance,
        platform="lemmy",
        sources=[EitherSource(f"{instance}/{word}", word, generations) for word in FEEDS],
        resolver=EitherResolver(generations, Addresses(instance=instance, url=settings.public).name_of),
        enforcer=EitherEnforcer(generations),
        inspector=EitherInspector(generations, lambda error: [not_reached(error, settings.url)]),
        hosts=tuple(_hosts(settings)),
        account=EitherAccount(generations, lambda error: [not_reached(error, settings.url)]),
        rare=lambda: frozenset(f"{instance}/{word}" for word in (*PLACES, *generations.silent())),
    )


def _parts(client: LemmyClient, public: PublicView, clock: Clock, start_from: timedelta | None) -> Parts:
    """Those that speak API v3."""
    settings = client.settings
    addresses = Addresses(instance=InstanceId(settings.id), url=settings.public)
    converter = Converter(addresses=addresses)
    reading, acting = Endpoints(client, urgent=False), Endpoints(client, urgent=True)
    modlog = ModLog(acting)
    reader = Reader(reading, converter, clock)
    feeds = sources(
        client,
        converter,
        reader,
        clock,
        start_from,
        posts=PostFeed(client),
        comments=comment_feed(client),
        uploads=upload_feed(client),
    )
    beside = places(client, converter, reader, clock, start_from)
    account = Account(client)
    return Parts(
        sources={source.name.rpartition("/")[2]: source for source in (*feeds, *beside)},
        resolver=LemmyResolver(client, converter, UploadIndex(client, converter), public, clock),
        enforcer=LemmyEnforcer(
            reports=Reports(client, acting),
            removals=Removals(client, acting, modlog),
            files=Files(client, addresses, public),
            bans=Bans(client, acting, modlog, clock),
            switches=Switches(client, host_of(settings.public)),
        ),
        inspector=LemmyInspector(client, public, account, clock),
        account=account,
    )


def public_view(settings: LemmySettings) -> PublicView:
    """How the world sees this server."""
    return PublicView(Transport(settings.public))


def _hosts(settings: LemmySettings) -> Iterator[PrivateHost]:
    for url in dict.fromkeys((settings.public, settings.url)):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        yield PrivateHost(host=parts.hostname or "", port=port)
