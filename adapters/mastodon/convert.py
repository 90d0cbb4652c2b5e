"""Mastodon's entities become values of the domain. Pure: no HTTP, no clock.

An entity that is not in the promised shape raises ``BadAnswerError``; that is the end of that one item.

Which bytes are looked at: those of the original, because the files that a server keeps of others' are byte for byte
the origin's, and an exact hash is of them; where our server would have to fetch them first, the origin's own address.
Of films the picture that stands for them is looked at besides, under a name of its own.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from adapters.markup import links, looks_like_media
from adapters.mastodon.addresses import proxied
from adapters.whatwg import ascii_host
from bot.domain.content import (
    Account,
    Attachment,
    MediaRef,
    Post,
    Profile,
    Role,
    Sighting,
    SitePage,
    Visibility,
)
from bot.domain.errors import BadAnswerError
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from adapters.mastodon import wire
    from adapters.mastodon.addresses import Addresses
    from bot.domain.content import Name, Subject

_REVISION = 16  # hexadecimal digits: enough to tell two edits of one subject apart

_SHOWN_TO_ALL = {"public": Visibility.PUBLIC, "unlisted": Visibility.UNLISTED, "local": Visibility.LOCAL}
"""Everything else (private, direct, and what other servers add) is for some people only, and is not ours to keep."""

_SHOWN_TO_SOME = {"private", "direct", "limited", "list", "mutuals_only"}
"""Words that are counted by name; any other is counted as "other", for a server may write what it likes."""

_WITHOUT = ("/avatars/original/missing.png", "/headers/original/missing.png", "/assets/default_", "/images/avi.png")
"""How the addresses of pictures end that a server shows where an account has none."""

_MOVING = {"audio", "gifv", "video"}
"""What a picture stands for until it is played."""


def moment(text: str) -> datetime:
    """A point in time, aware, UTC. Raises ``ValueError`` for everything else that is a text."""
    parsed = datetime.fromisoformat(text)
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError("a point in time outside the years 1 to 9999") from None


def unwrapped(status: wire.Status) -> wire.Status:
    """The post that a boost is of; any other post itself."""
    inner = status.get("reblog")
    return cast("wire.Status", inner) if isinstance(inner, dict) else status


def quoted(status: wire.Status) -> wire.Status | None:
    """The post that a post shows within itself (4.5 and newer), as far as it may show it."""
    quote = status.get("quote")
    inner = quote.get("quoted_status") if isinstance(quote, dict) else None
    return cast("wire.Status", inner) if isinstance(inner, dict) else None


def hidden(status: Mapping[str, Any]) -> str | None:
    """Why a post is not ours to look at: only some may see it. ``None``: everybody may."""
    visibility = str(status.get("visibility", "private"))
    if visibility in _SHOWN_TO_ALL:
        return None
    return f"{visibility if visibility in _SHOWN_TO_SOME else 'other'} post"


def unfinished(status: wire.Status) -> bool:
    """Whether the server is still at work on a file of a post, so that it has no address yet."""
    attached = status.get("media_attachments") or ()
    return any(not media.get("url") and not media.get("remote_url") for media in attached)


def edited(status: wire.Status) -> str | None:
    """When a post was edited last; ``None``: never."""
    return status.get("edited_at")


def _looked_up(host: str) -> str:
    """A host as addresses and domain blocks have it; in ``acct`` it is in its own script."""
    return (host if host.isascii() else ascii_host(host)).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """Converts what one server says. ``domain``: the host of its accounts, where that is not its web address."""

    addresses: Addresses
    domain: str
    staff: frozenset[str] = frozenset()  # ids of accounts; empty: not known, and what an account shows counts

    def knowing(self, *, domain: str, staff: frozenset[str]) -> Converter:
        """The same for a server that one knows better by now."""
        return replace(self, domain=domain, staff=staff)

    def account(self, account: wire.Account) -> Account:
        """An account as this server knows it."""
        with _shape("account"):
            local_id, acct = str(account["id"]), account["acct"]
            name, _, host = acct.partition("@")
            return Account(
                instance=self.addresses.instance,
                local_id=local_id,
                uri=account.get("uri") or account["url"],
                handle=f"{name}@{host or self.domain}",
                home_host=_looked_up(host or self.domain),
                is_local=not host,
                is_staff=local_id in self.staff or (not self.staff and bool(account.get("roles")) and not host),
                created_at=moment(account["created_at"]),
            )

    def post(self, status: wire.Status) -> Post:
        """A post as it is now. Raises ``BadAnswerError`` for one that is not for everybody, which has no place here."""
        with _shape("status"):
            author = self.account(status["account"])
            return Post(
                instance=self.addresses.instance,
                local_id=str(status["id"]),
                uri=status["uri"],
                url=self._page_of(status),
                author=author,
                visibility=_SHOWN_TO_ALL[status["visibility"]],
                revision=_post_revision(status),
                published_at=moment(status["created_at"]),
            )

    def profile(self, account: wire.Account) -> Profile:
        """The page of an account."""
        with _shape("account"):
            owner = self.account(account)
            shown = [account.get("avatar"), account.get("header"), account.get("note")]
            return Profile(
                instance=self.addresses.instance,
                local_id=owner.local_id,
                uri=owner.uri,
                url=account["url"] if owner.is_local else self.addresses.profile(account["acct"]),
                author=owner,
                revision=_digest(shown),
                published_at=owner.created_at,
            )

    def seen_in_post(
        self, status: wire.Status, *, at: datetime, backlog: bool, history: Sequence[Mapping[str, Any]] = ()
    ) -> Sequence[Sighting]:
        """Media of a post, and what its ``history`` still shows of what was edited out."""
        subject = self.post(status)
        with _shape("status"):
            found = [
                *self._attached(status["media_attachments"]),
                *self._card(status.get("card")),
                *self._of_text(status.get("content")),
            ]
            for version in history:
                found += [
                    *self._attached(version.get("media_attachments") or ()),
                    *self._of_text(version.get("content")),
                ]
        return _sightings(subject, found, at, backlog=backlog)

    def seen_in_profile(self, account: wire.Account, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """Media of an account's page."""
        subject = self.profile(account)
        local = "@" not in account["acct"]
        with _shape("account"):
            found = [
                *self._picture(account.get("avatar"), Role.AVATAR, local=local),
                *self._picture(account.get("header"), Role.BANNER, local=local),
                *self._of_text(account.get("note")),
            ]
        return _sightings(subject, found, at, backlog=backlog)

    def seen_around(self, status: wire.Status, *, at: datetime, backlog: bool) -> Sequence[Sighting]:
        """The page of a post's author, and emoji of other servers, which every post brings along."""
        with _shape("status"):
            account = status["account"]
            emojis = [*(status.get("emojis") or ()), *(account.get("emojis") or ())]
            _, _, host = account["acct"].partition("@")
        seen = list(self.seen_in_profile(account, at=at, backlog=backlog))
        if host:  # those of our own are listed
            for emoji in emojis:
                seen += self.seen_as_emoji(emoji, host=host, at=at, backlog=backlog)
        return seen

    def seen_as_emoji(
        self, emoji: wire.Emoji, *, at: datetime, backlog: bool, host: str | None = None
    ) -> Sequence[Sighting]:
        """A custom emoji, which belongs to a server. ``host``: which, if not ours."""
        with _shape("emoji"):
            shortcode, url = emoji["shortcode"], emoji["url"]
            base = f"https://{host}" if host else self.addresses.url
            subject = SitePage(
                instance=self.addresses.instance,
                local_id=f"emoji/{shortcode}@{host or self.domain}",
                uri=f"{base}/emojis/{shortcode}",
                url=f"{self.addresses.url}/admin/custom_emojis?shortcode={shortcode}",
                revision=_digest([url]),
            )
            media = MediaRef(url=url, role=Role.EMOJI)
        return _sightings(subject, [(media, self.addresses.stored(url, local=host is None))], at, backlog=backlog)

    def _attached(self, attachments: Iterable[wire.MediaAttachment]) -> Iterator[tuple[MediaRef, Name]]:
        for media in attachments:
            media_id, kind = str(media["id"]), media.get("type", "unknown")
            url, preview, remote = media.get("url"), media.get("preview_url"), media.get("remote_url")
            # Our own copy first, because it is what our server shows; what it would have to fetch, we fetch ourselves.
            original = remote if remote and (not url or proxied(url) or kind == "unknown") else url
            if original:
                yield MediaRef(url=original, role=Role.ATTACHMENT), self.addresses.attachment(media_id)
            if kind in _MOVING and preview and not proxied(preview) and preview != original:
                name = self.addresses.attachment(media_id, preview=True)
                yield MediaRef(url=preview, role=Role.ATTACHMENT), name

    def _card(self, card: wire.Card | None) -> Iterator[tuple[MediaRef, Name]]:
        image = card.get("image") if card else None
        if image:
            yield MediaRef(url=image, role=Role.THUMBNAIL), self.addresses.stored(image, local=False)

    def _picture(self, url: str | None, role: Role, *, local: bool) -> Iterator[tuple[MediaRef, Name]]:
        if url and not any(part in url for part in _WITHOUT):
            yield MediaRef(url=url, role=role), self.addresses.stored(url, local=local)

    def _of_text(self, text: str | None) -> Iterator[tuple[MediaRef, Name]]:
        """Mastodon lets no picture stand in a text; what a link leads to is worth a look where it looks like one."""
        for link in links(text or "", self.addresses.url):
            name = self.addresses.name_of(link.url)
            if isinstance(name, Attachment) or looks_like_media(link.url):
                yield MediaRef(url=link.url, role=Role.LINK), name

    def _page_of(self, status: wire.Status) -> str:
        acct = status["account"]["acct"]
        url = status.get("url")
        if "@" not in acct and url and host_of(url) == self.addresses.host:
            return url
        return self.addresses.page(acct, str(status["id"]))


def _sightings(
    subject: Subject, found: Iterable[tuple[MediaRef, Name]], at: datetime, *, backlog: bool
) -> Sequence[Sighting]:
    places: dict[tuple[str, Role], Sighting] = {}
    for media, name in found:
        sighting = Sighting(subject=subject, media=media, name=name, seen_at=at, backlog=backlog)
        places.setdefault((media.url, media.role), sighting)
    return list(places.values())


def _post_revision(status: wire.Status) -> str:
    card = status.get("card")
    attached = [str(media["id"]) for media in status["media_attachments"]]
    return _digest([status.get("edited_at"), attached, card.get("image") if card else None])


def _digest(values: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:_REVISION]


@contextmanager
def _shape(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswerError(f"a {what} is not in Mastodon's shape: {type(error).__name__} {error}") from error
