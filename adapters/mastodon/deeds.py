"""Puts the acting half of one server together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.http import Transport
from adapters.mastodon.accounts import Accounts
from adapters.mastodon.deed_settings import Way
from adapters.mastodon.enforcer import MastodonEnforcer
from adapters.mastodon.files import Files
from adapters.mastodon.posts import Posts
from adapters.mastodon.removals import Removals
from adapters.mastodon.report_book import ReportBook
from adapters.mastodon.reports import Reports
from adapters.mastodon.statuses import Statuses
from adapters.mastodon.switches import Switches
from adapters.mastodon.ways import Command, ForkApi, PlainDelete
from adapters.mastodon.web_form import WebForm
from adapters.mastodon.web_session import WebSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server
    from adapters.mastodon.ways import RemovalWay, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """``removals`` says for ``check`` by which ways a post can be removed here."""

    enforcer: MastodonEnforcer
    removals: Removals


def deeds(client: MastodonClient, server: Server) -> Deeds:
    """Of one server; contacts nobody yet."""
    settings = client.settings.removal
    book, statuses, files = ReportBook(client, server), Statuses(client), Files(client.settings)
    reports = Reports(client, server, book, statuses)
    ways: dict[Way, RemovalWay] = {Way.API: ForkApi(client), Way.DELETE: PlainDelete(client)}
    lists: list[Callable[[Target], bool | None]] = []
    if settings.web is not None:
        session = WebSession(settings.web, Transport(client.settings.url), headers=client.naming)
        form = WebForm(client, session, book, reports.file_for)
        ways[Way.WEB] = form
        lists.append(form.lists)
    if settings.command is not None:
        ways[Way.COMMAND] = Command(settings.command, book, statuses, reports.file_for)
    posts = Posts(client, server, book, statuses, files, lists)
    accounts = Accounts(client, server, book, files)
    removals = Removals(server, posts, files, [ways[way] for way in settings.order if way in ways], accounts.role_of)
    return Deeds(
        enforcer=MastodonEnforcer(
            server=server,
            book=book,
            reports=reports,
            removals=removals,
            accounts=accounts,
            switches=Switches(client, server),
        ),
        removals=removals,
    )
