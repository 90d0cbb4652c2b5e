"""Puts the parts for one Lemmy server together."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.http import Transport
from adapters.lemmy.account import Account
from adapters.lemmy.addresses import Addresses, host_of
from adapters.lemmy.bans import Bans
from adapters.lemmy.client import LemmyClient
from adapters.lemmy.convert import Converter
from adapters.lemmy.enforcer import LemmyEnforcer
from adapters.lemmy.files import Files
from adapters.lemmy.inspector import LemmyInspector
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
from adapters.public import PublicView
from bot.domain.content import InstanceId
from bot.ports import Instance, PrivateHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from adapters.lemmy.settings import LemmySettings
    from bot.ports import Clock


def build(settings: LemmySettings, clock: Clock, start_from: timedelta | None) -> Instance:
    """One server, connected; contacts nobody yet.

    ``start_from``: how far before the first poll sources begin (zero: now); ``None``: with everything there is.
    """
    client = LemmyClient(settings, Transport(settings.url))
    addresses = Addresses(instance=InstanceId(settings.id), url=settings.public)
    converter = Converter(addresses=addresses)
    public = public_view(settings)
    reading, acting = Endpoints(client, urgent=False), Endpoints(client, urgent=True)
    modlog = ModLog(acting)
    reader = Reader(reading, converter, clock)
    beside = places(client, converter, reader, clock, start_from)
    return Instance(
        id=addresses.instance,
        platform="lemmy",
        sources=[*sources(client, converter, reader, clock, start_from), *beside],
        resolver=LemmyResolver(client, converter, UploadIndex(client, converter), public, clock),
        enforcer=LemmyEnforcer(
            reports=Reports(client, acting),
            removals=Removals(client, acting, modlog),
            files=Files(client, addresses, public),
            bans=Bans(client, acting, modlog, clock),
            switches=Switches(client, host_of(settings.public)),
        ),
        inspector=LemmyInspector(client, public),
        hosts=tuple(_hosts(settings)),
        account=Account(client),
        rare=frozenset(source.name for source in beside),
    )


def public_view(settings: LemmySettings) -> PublicView:
    """How the world sees this server."""
    return PublicView(Transport(settings.public))


def _hosts(settings: LemmySettings) -> Iterator[PrivateHost]:
    for url in dict.fromkeys((settings.public, settings.url)):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        yield PrivateHost(host=parts.hostname or "", port=port)
