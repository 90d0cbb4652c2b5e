"""A pretend remote server: accounts and statuses that arrive, change and go, made from inside the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from adapters.sandbox.blurhash import blurhash
from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.files import stored_path
from adapters.sandbox.mastodon.pictures import SMALL, encode, open_picture, shrink
from adapters.sandbox.mastodon.posting import add_status, edit, erase
from adapters.sandbox.mastodon.rows import Account, Media, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from adapters.sandbox.mastodon.rows import Report
    from adapters.sandbox.mastodon.state import State

REMOTE_HOST = "remote.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A picture of another sandbox, with what its server says of it."""

    data: bytes
    address: str
    description: str | None
    blurhash: str | None


class Peer(Protocol):
    """Another sandbox, which answers what is asked of it."""

    def find_account(self, *, handle: str, address: str) -> Account | None:
        """Bring an account here, by handle or address."""

    def find_status(self, address: str) -> Status | None:
        """Bring a status here, by its address."""

    def forward(self, report: Report) -> None:
        """File a report over there."""

    def follow(self, who: Account, whom: Account, *, follows: bool) -> None:
        """Tell over there who follows whom, or does no longer."""


@dataclass(slots=True)
class Federation:
    """The link to other servers. ``waiting`` are statuses over there that nobody here has asked for yet.

    ``peers`` are other sandboxes, by domain. All other domains exist only as far as this class is told.
    """

    state: State
    waiting: dict[str, Status] = field(default_factory=dict)  # by address
    strangers: dict[str, Account] = field(default_factory=dict)  # by handle, not looked up yet
    forwarded: list[Report] = field(default_factory=list)  # to the servers of their targets
    peers: dict[str, Peer] = field(default_factory=dict)

    def account(self, username: str, domain: str = REMOTE_HOST, **details: Any) -> Account:
        """A remote account, made at its first mention; ``details`` are fields of ``Account``."""
        with self.state.lock:
            known = self.state.find(username, domain)
            if known is not None:
                return known
            stranger = self.strangers.get(f"{username}@{domain}")
            return self._admit(stranger or self.stranger(username, domain, **details))

    def stranger(self, username: str, domain: str = REMOTE_HOST, **details: Any) -> Account:
        """A remote account that is not known here until somebody looks it up."""
        with self.state.lock:
            fixed: dict[str, Any] = {
                "created_at": now(),
                "uri": f"https://{domain}/users/{username}",
                "url": f"https://{domain}/@{username}",
            }
            made = Account(id=self.state.snowflake(), username=username, domain=domain, **(fixed | details))
            self.strangers[made.acct] = made
            return made

    def _admit(self, account: Account) -> Account:
        del self.strangers[account.acct]
        self.state.accounts[account.id] = account
        return account

    def find_account(self, *, handle: str = "", address: str = "") -> Account | None:
        """Fetch an account by its handle or address."""
        known = list(self.strangers.values())
        found = next((one for one in known if one.acct == handle or address in {one.uri, one.url}), None)
        if found is not None:
            return self._admit(found)
        brought = (peer.find_account(handle=handle, address=address) for peer in self.peers.values())
        return next((one for one in brought if one is not None), None)

    def forward(self, report: Report) -> None:
        """Send a report to the server of its target, which cannot be taken back."""
        self.forwarded.append(report)
        peer = self.peers.get(self.state.accounts[report.target_account_id].domain or "")
        if peer is not None:
            peer.forward(report)

    def follow(self, who: Account, whom: Account, *, follows: bool = True) -> None:
        """Tell the server of a remote account who follows it, or does no longer."""
        peer = self.peers.get(whom.domain or "")
        if peer is not None:
            peer.follow(who, whom, follows=follows)

    def status(
        self,
        author: Account,
        text: str,
        *,
        published: datetime | None = None,
        pictures: Sequence[bytes | Carried] = (),
        cached: bool = True,
        arrives: bool = True,
        **details: Any,
    ) -> Status:
        """A status of a remote account arrives, with an id of the time when it was published.

        ``cached``: its files are kept here, byte for byte; otherwise only their address is known. Without ``arrives``
        it waits over there until somebody looks its address up. ``details`` are fields of ``Status``.
        """
        with self.state.lock:
            moment = published or now()
            number = self.state.snowflake(moment)
            fixed: dict[str, Any] = {
                "uri": f"{author.uri}/statuses/{number}",
                "url": f"{author.url}/{number}",
                "content": f"<p>{text}</p>",
                "visibility": "public",
            }
            status = Status(
                id=number, account_id=author.id, created_at=moment, local=False, text=text, **(fixed | details)
            )
            if author.suspended and arrives:
                # It is refused for good, and does not come after the suspension either.
                return status
            status.media_ids = [self._media(status, one, cached=cached).id for one in pictures]
            if arrives:
                add_status(self.state, status)
            else:
                self.waiting[status.url] = status
            return status

    def edit(
        self,
        status: Status,
        text: str,
        pictures: Sequence[bytes | Carried] | None = None,
        *,
        edited: datetime | None = None,
        content: str | None = None,
    ) -> None:
        """The author changes a status. One that was removed here stays away."""
        with self.state.lock:
            author = self.state.accounts[status.account_id]
            if not status.live or author.suspended:
                return
            media = None if pictures is None else [self._media(status, one, cached=True) for one in pictures]
            told = content or f"<p>{text}</p>"
            edit(self.state, status, by=author, text=text, content=told, media=media, moment=edited)

    def delete(self, status: Status) -> None:
        """The author deletes a status: nothing is left here, not even in reports."""
        with self.state.lock:
            erase(self.state, status)

    def resolve(self, address: str) -> Status | None:
        """Fetch a status by its address, unless it was removed here."""
        known = next((one for one in self.state.statuses.values() if address in {one.uri, one.url}), None)
        if known is not None:
            return known if known.live else None
        found = next((one for one in self.waiting.values() if address in {one.uri, one.url}), None)
        if found is not None:
            del self.waiting[found.url]
            add_status(self.state, found)
            return found
        brought = (peer.find_status(address) for peer in self.peers.values())
        return next((one for one in brought if one is not None), None)

    def _media(self, status: Status, sent: bytes | Carried, *, cached: bool) -> Media:
        state = self.state
        author = state.accounts[status.account_id]
        number = state.snowflake()
        address = f"https://{author.domain}/files/{number}.png" if isinstance(sent, bytes) else sent.address
        media = Media(
            id=number,
            account_id=author.id,
            created_at=now(),
            type="image",
            original=None,
            small=None,
            meta=None,
            blurhash=None,
            ready_at=now(),
            status_id=status.id,
            remote_url=address,
        )
        state.media[number] = media
        if cached:
            self.keep(media, sent if isinstance(sent, bytes) else sent.data)
        if isinstance(sent, Carried):
            media.description, media.blurhash = sent.description, sent.blurhash
        return media

    def keep(self, media: Media, data: bytes) -> None:
        """Store a copy. A picture that is small enough is its own preview."""
        picture = open_picture(data)
        kind = picture.format or "PNG"
        extension = {"JPEG": "jpg"}.get(kind, kind.lower())
        small = shrink(picture, SMALL)
        shown = encode(small, kind, self.state.version)
        media.original = stored_path("cache/media_attachments/files", media.id, "original", extension)
        media.small = media.original.replace("/original/", "/small/")
        self.state.files.put(media.original, data, f"image/{kind.lower()}")
        self.state.files.put(media.small, data if small is picture else shown.data, shown.content_type)
        measures = {"width": picture.width, "height": picture.height, "size": f"{picture.width}x{picture.height}"}
        media.meta = {"original": measures | {"aspect": picture.width / picture.height}, "small": shown.meta}
        media.blurhash = blurhash(small, across=4, down=4)
