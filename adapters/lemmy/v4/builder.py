"""Puts the parts for one Lemmy 1.0 together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.addresses import READ_V4, Addresses
from adapters.lemmy.convert import Converter
from adapters.lemmy.enforcer import LemmyEnforcer
from adapters.lemmy.generation import Parts
from adapters.lemmy.reader import Reader
from adapters.lemmy.sources import sources
from adapters.lemmy.v4.account import V4Account
from adapters.lemmy.v4.bans import V4Bans
from adapters.lemmy.v4.endpoints import V4Endpoints
from adapters.lemmy.v4.feeds import comment_feed, post_feed
from adapters.lemmy.v4.files import V4Files
from adapters.lemmy.v4.inspector import V4Inspector
from adapters.lemmy.v4.modlog import V4ModLog
from adapters.lemmy.v4.places import places
from adapters.lemmy.v4.removals import V4Removals
from adapters.lemmy.v4.reports import V4Reports
from adapters.lemmy.v4.resolver import V4Resolver
from adapters.lemmy.v4.switches import V4Switches
from adapters.lemmy.v4.uploads import UploadSource, V4Uploads
from bot.domain.content import InstanceId
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from datetime import timedelta

    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.public import PublicView
    from bot.ports import Clock


def build(
    client: LemmyV4Client,
    public: PublicView,
    clock: Clock,
    start_from: timedelta | None,
    *,
    file_store: bool,
) -> Parts:
    """The parts that speak API v4; contacts nobody yet. The rest as in ``adapters.lemmy.builder``."""
    settings = client.settings
    addresses = Addresses(
        instance=InstanceId(settings.id),
        url=settings.public,
        files="/api/v4/image",
        retired="/pictrs/image",
        read=READ_V4,
    )
    converter = Converter(addresses=addresses)
    reading, acting = V4Endpoints(client, urgent=False), V4Endpoints(client, urgent=True)
    reader, modlog = Reader(reading, converter, clock), V4ModLog(client)
    uploads, account = V4Uploads(client, converter), V4Account(client)
    feeds = sources(
        client, converter, reader, clock, start_from, posts=post_feed(client), comments=comment_feed(client)
    )
    beside = places(client, converter, reader, clock, start_from)
    images = UploadSource(f"{addresses.instance}/uploads", uploads, reader, clock)
    return Parts(
        sources={
            **{source.name.rpartition("/")[2]: source for source in (*feeds, *beside)},
            "uploads": images,
        },
        resolver=V4Resolver(client, converter, uploads, public, clock),
        enforcer=LemmyEnforcer(
            reports=V4Reports(client, acting),
            removals=V4Removals(client, acting, modlog),
            files=V4Files(client, addresses, public),
            bans=V4Bans(client, acting, modlog, clock),
            switches=V4Switches(client, host_of(settings.public)),
        ),
        inspector=V4Inspector(client, public, account, uploads, clock, file_store=file_store),
        account=account,
        silent=lambda: ("uploads",) if images.is_cut else (),
    )
