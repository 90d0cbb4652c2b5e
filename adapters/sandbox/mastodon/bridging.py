"""Two sandboxes that federate with each other, without a network between them.

What an account over there posts, changes or deletes arrives here if somebody here follows it; all else is fetched when
it is asked for. Times travel in whole seconds, as in ActivityPub.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.federation import Carried
from adapters.sandbox.mastodon.reports import file_report

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.mastodon.federation import Federation
    from adapters.sandbox.mastodon.rows import Account, Report, Status
    from adapters.sandbox.mastodon.state import State

_MOMENT = 0.05  # seconds
_DELIVERED = {"public", "unlisted", "private"}


def connect(one: Federation, other: Federation) -> None:
    """Let two servers federate. Do so before either of them is started: from then on they share a lock."""
    other.state.lock = one.state.lock
    for here, there in ((one, other), (other, one)):
        bridge = _Bridge(here, there)
        here.peers[there.state.host] = bridge
        there.state.subscribe(bridge.hear)
        here.state.subscribe(bridge.notice)


class _Bridge:
    """One direction: from ``there`` to ``here``."""

    def __init__(self, here: Federation, there: Federation) -> None:
        self._here = here
        self._other = there
        self._there = there.state
        self._suspended: set[int] = set()  # of their accounts, here

    def notice(self, event: str, number: str) -> None:
        """A moment after a suspension has ended the account is fetched anew, and with it how much it has posted."""
        account = self._here.state.accounts.get(int(number)) if event.startswith("account.") else None
        if account is None or account.domain != self._there.host:
            return
        if event == "account.suspended":
            self._suspended.add(account.id)
        elif account.id in self._suspended and not account.suspended:
            self._suspended.remove(account.id)
            later = threading.Timer(_MOMENT, self._count_anew, (account,))
            later.daemon = True
            later.start()

    def _count_anew(self, account: Account) -> None:
        with self._here.state.lock:
            theirs = next((one for one in self._there.accounts.values() if one.uri == account.uri), None)
            if theirs is not None:
                account.statuses_count = theirs.statuses_count

    def hear(self, event: str, number: str) -> None:
        """Deliver what happened over there."""
        if not event.startswith("status."):
            return
        status = self._there.statuses[int(number)]
        author = self._there.accounts[status.account_id]
        if not status.local or status.reblog_of_id is not None:
            return
        known = self._known_status(status)
        if event == "status.created":
            mirrored = self._here.state.find(author.username, self._there.host)
            if mirrored is not None and self._followed(mirrored) and status.visibility in _DELIVERED:
                self._bring(status, mirrored)
        elif known is not None and event == "status.updated":
            pictures = self._carried(status)
            edited = status.edited_at or status.created_at
            self._here.edit(known, status.text, pictures, edited=_whole(edited), content=status.content)
        elif known is not None:
            self._here.delete(known)

    def _followed(self, account: Account) -> bool:
        return any(whom == account.id for _, whom in self._here.state.follows)

    def _known_status(self, status: Status) -> Status | None:
        found = (one for one in self._here.state.statuses.values() if one.uri == status.uri)
        return next(found, None)

    def find_account(self, *, handle: str, address: str) -> Account | None:
        """Bring an account here, by handle or address."""
        for account in self._there.accounts.values():
            theirs = f"{account.username}@{self._there.host}"
            if account.local and account.id > 0 and (theirs == handle or address in {account.uri, account.url}):
                return self._mirror(account)
        return None

    def _mirror(self, account: Account) -> Account:
        return _mirrored(self._here, account, self._there.host)

    def follow(self, who: Account, whom: Account, *, follows: bool) -> None:
        """Tell an account over there that somebody here follows it, or does no longer."""
        theirs = next((one for one in self._there.accounts.values() if one.uri == whom.uri), None)
        if theirs is None:
            return
        mirrored = _mirrored(self._other, who, self._here.state.host)
        if follows:
            self._there.follows[mirrored.id, theirs.id] = now()
        else:
            self._there.follows.pop((mirrored.id, theirs.id), None)

    def find_status(self, address: str) -> Status | None:
        """Bring a status here, by its address, unless it was removed here."""
        for status in self._there.statuses.values():
            if address in {status.uri, status.url} and status.live and status.visibility in {"public", "unlisted"}:
                if status.uri in self._here.state.tombstones:
                    return None
                return self._bring(status, self._mirror(self._there.accounts[status.account_id]))
        return None

    def _bring(self, status: Status, author: Account) -> Status:
        details: dict[str, Any] = {
            "uri": status.uri,
            "url": status.url,
            "content": status.content,
            "visibility": status.visibility,
            "sensitive": status.sensitive,
            "spoiler_text": status.spoiler_text,
            "language": status.language,
            "tags": list(status.tags),
        }
        return self._here.status(
            author, status.text, published=_whole(status.created_at), pictures=self._carried(status), **details
        )

    def _carried(self, status: Status) -> list[Carried]:
        found = []
        for number in status.media_ids:
            media = self._there.media[number]
            file = self._there.files.get(media.original or "")
            if file is not None and media.type == "image":
                address = f"{self._there.url}{media.original}"
                found.append(
                    Carried(data=file.data, address=address, description=media.description, blurhash=media.blurhash)
                )
        return found

    def forward(self, report: Report) -> None:
        """File a report over there in the name of this server: our comment and statuses, no category."""
        state, there = self._here.state, self._there
        target = state.accounts[report.target_account_id]
        theirs = next((one for one in there.accounts.values() if one.uri == target.uri), None)
        if theirs is None:
            return
        uris = {state.statuses[number].uri for number in report.status_ids if number in state.statuses}
        statuses = [one.id for one in there.statuses.values() if one.uri in uris]
        back = _server_account(self._other, state)
        file_report(there, back, theirs, sorted(statuses, reverse=True), comment=report.comment, category="other")


def _mirrored(into: Federation, account: Account, host: str) -> Account:
    """An account as another server knows it."""
    return into.account(
        account.username,
        host,
        uri=account.uri,
        url=account.url,
        # Without a name of their own, people travel under their user name.
        display_name=account.display_name or account.username,
        note=account.note,
        statuses_count=account.statuses_count,
        created_at=account.created_at.replace(hour=0, minute=0, second=0, microsecond=0),
        discoverable=bool(account.discoverable),
        hide_collections=bool(account.hide_collections),
    )


def _server_account(there: Federation, here: State) -> Account:
    """The account that a server has for another server itself."""
    return there.account(
        "mastodon.internal",
        here.host,
        uri=f"{here.url}/actor",
        url=f"{here.url}/about/more?instance_actor=true",
        locked=True,
        bot=True,
        discoverable=False,
        hide_collections=True,
    )


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
