"""A pretend remote server: accounts and statuses that arrive, change and go, made from inside the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.blurhash import blurhash
from adapters.sandbox.mastodon.files import stored_path
from adapters.sandbox.mastodon.pictures import SMALL, encode, open_picture, shrink
from adapters.sandbox.mastodon.posting import add_status, edit, erase
from adapters.sandbox.mastodon.rows import Account, Media, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from adapters.sandbox.mastodon.rows import Report
    from adapters.sandbox.mastodon.state import State

REMOTE_HOST = "remote.test"


@dataclass(slots=True)
class Federation:
    """The link to other servers. ``waiting`` are statuses over there that nobody here has asked for yet."""

    state: State
    waiting: dict[str, Status] = field(default_factory=dict)  # by address
    strangers: dict[str, Account] = field(default_factory=dict)  # by handle, not looked up yet
    forwarded: list[Report] = field(default_factory=list)  # to the servers of their targets

    def account(self, username: str, domain: str = REMOTE_HOST, *, created_at: datetime | None = None) -> Account:
        """A remote account, made at its first mention."""
        known = self.state.find(username, domain) or self.find_account(handle=f"{username}@{domain}")
        if known is not None:
            return known
        made = self.stranger(username, domain, created_at=created_at)
        del self.strangers[made.acct]
        self.state.accounts[made.id] = made
        return made

    def stranger(self, username: str, domain: str = REMOTE_HOST, *, created_at: datetime | None = None) -> Account:
        """A remote account that is not known here until somebody looks it up."""
        number = self.state.snowflake()
        made = Account(
            id=number,
            username=username,
            domain=domain,
            created_at=created_at or now(),
            uri=f"https://{domain}/users/{username}",
            url=f"https://{domain}/@{username}",
        )
        self.strangers[made.acct] = made
        return made

    def find_account(self, *, handle: str = "", address: str = "") -> Account | None:
        """Fetch an account by its handle or address."""
        found = next(
            (one for one in self.strangers.values() if one.acct == handle or address in {one.uri, one.url}), None
        )
        if found is not None:
            del self.strangers[found.acct]
            self.state.accounts[found.id] = found
        return found

    def forward(self, report: Report) -> None:
        """Send a report to the server of its target, which cannot be taken back."""
        self.forwarded.append(report)

    def status(
        self,
        author: Account,
        text: str,
        *,
        published: datetime | None = None,
        pictures: Sequence[bytes] = (),
        cached: bool = True,
        arrives: bool = True,
        name: str | None = None,
    ) -> Status:
        """A status of a remote account arrives, with an id of the time when it was published.

        ``cached``: its files are kept here, byte for byte; otherwise only their address is known. Without ``arrives``
        it waits over there until somebody looks its address up.
        """
        moment = published or now()
        number = self.state.snowflake(moment)
        slug = name or str(number)
        status = Status(
            id=number,
            account_id=author.id,
            created_at=moment,
            uri=f"{author.uri}/statuses/{slug}",
            url=f"{author.url}/{slug}",
            local=False,
            text=text,
            content=f"<p>{text}</p>",
            visibility="public",
        )
        status.media_ids = [self._media(status, data, cached=cached).id for data in pictures]
        if arrives and not author.suspended:
            add_status(self.state, status)
        elif arrives:
            # A suspended account's posts are refused for good.
            self._forget(status)
        else:
            self.waiting[status.url] = status
        return status

    def edit(self, status: Status, text: str, pictures: Sequence[bytes] | None = None) -> None:
        """The author changes a status. One that was removed here stays away."""
        if not status.live or status.uri in self.state.tombstones:
            return
        media = None if pictures is None else [self._media(status, data, cached=True) for data in pictures]
        author = self.state.accounts[status.account_id]
        edit(self.state, status, by=author, text=text, content=f"<p>{text}</p>", media=media)

    def delete(self, status: Status) -> None:
        """The author deletes a status: nothing is left here, not even in reports."""
        erase(self.state, status)

    def resolve(self, address: str) -> Status | None:
        """Fetch a status by its address, unless it was removed here."""
        known = next((one for one in self.state.statuses.values() if address in {one.uri, one.url}), None)
        if known is not None:
            return known if known.live else None
        found = next((one for one in self.waiting.values() if address in {one.uri, one.url}), None)
        if found is None or found.uri in self.state.tombstones:
            return None
        del self.waiting[found.url]
        add_status(self.state, found)
        return found

    def _forget(self, status: Status) -> None:
        for number in status.media_ids:
            media = self.state.media.pop(number)
            self.state.files.delete(media.original)
            self.state.files.delete(media.small)

    def _media(self, status: Status, data: bytes, *, cached: bool) -> Media:
        state = self.state
        number = state.snowflake()
        author = state.accounts[status.account_id]
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
            remote_url=f"https://{author.domain}/files/{number}.png",
        )
        state.media[number] = media
        if cached:
            self.keep(media, data)
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
        media.blurhash = blurhash(small)
