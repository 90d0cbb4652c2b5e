"""Precedence of evidence about the uploader of one name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.attribution.addresses import carried
from bot.domain.content import SHOWS, Attachment, Profile, RemoteUrl, Role, StorageKey
from bot.domain.evidence import Attribution, How
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.content import Account, Name, Sighting, Upload

NOT_BY_AUTHOR = {Role.THUMBNAIL, Role.EMOJI}
"""Roles of what its author did not bring there: whoever shows it first need not have stored it."""


def attribute(
    name: Name,
    *,
    uploads: Sequence[Upload],
    sightings: Sequence[Sighting],
    original: Attribution | None = None,
    proxied: Attribution | None = None,
    resembles: Attribution | None = None,
    names: Sequence[Name] = (),
) -> Attribution:
    """Who put the file of this name on a server, by the best evidence there is.

    ``uploads`` and ``sightings`` are those of this very name: two aliases of the same bytes have two uploaders.
    ``original``: for a thumbnail that the server made, the attribution of the picture it was made from; ``proxied``:
    for a copy that the server fetched, that of the address which it was fetched from; ``resembles``: for a file that
    nobody is known to have stored or shown, that of the one which it looks like. The author of a post is never taken
    for the uploader of a file on our own server, for anybody can link it; but an attachment is its author's. A file of
    another server that a page of nobody's shows, or that is only shown as a custom emoji, is nobody's.
    """
    account, how = _best(name, uploads, sightings, original, proxied, resembles)
    subjects = tuple(dict.fromkeys(sighting.subject.key for sighting in sightings))
    return Attribution(uploader=account, how=how, subjects=subjects, names=tuple(names))


def _best(
    name: Name,
    uploads: Sequence[Upload],
    sightings: Sequence[Sighting],
    original: Attribution | None,
    proxied: Attribution | None,
    resembles: Attribution | None,
) -> tuple[Account | None, How]:
    for upload in uploads:
        if upload.name == name:
            return upload.uploader, How.LISTED
    for sighting in sightings:
        if sighting.subject.author is not None and _belongs_there(name, sighting):
            return sighting.subject.author, How.ATTACHED
    at_home = _shown_at_home(name, sightings)
    if at_home is not None:
        return at_home, How.HOSTED_BY_AUTHORS_SERVER
    if original is not None:
        return original.uploader, max(How.THUMBNAIL_OF, original.how)
    if proxied is not None:
        return proxied.uploader, How.PROXIED_FOR
    only_use = _author_of_only_use(name, sightings)
    if only_use is not None:
        return only_use, How.AUTHOR_OF_ONLY_USE
    if resembles is not None and resembles.uploader is not None:
        return resembles.uploader, How.LOOKS_LIKE
    return None, How.UNKNOWN


def _shown_at_home(name: Name, sightings: Sequence[Sighting]) -> Account | None:
    """The one account of another server that shows a file which lies there; nobody where two of that server do.

    Nobody either where a page shows it that is not one person's, as the banner of a community.
    """
    if not isinstance(name, RemoteUrl) or carried(name.value) is not None or not _by_people(sightings):
        return None
    host = host_of(name.value)
    neighbours: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        author = sighting.subject.author
        if author is None or author.is_local or author.home_host != host:
            continue
        if sighting.media.role in SHOWS | {Role.EMOJI}:
            neighbours.setdefault(author.uri, []).append(sighting)
    if len(neighbours) != 1:
        return None
    (shown,) = neighbours.values()
    return next((one.subject.author for one in shown if one.media.role in SHOWS), None)


def _author_of_only_use(name: Name, sightings: Sequence[Sighting]) -> Account | None:
    """The one account that shows or links a file of another server, unless it could not choose it."""
    if not isinstance(name, RemoteUrl) or not _by_people(sightings):
        return None
    authors = {one.subject.author.uri: one.subject.author for one in sightings if one.subject.author is not None}
    if len(authors) != 1 or all(one.media.role in NOT_BY_AUTHOR for one in sightings):
        return None
    return next(iter(authors.values()))


def _by_people(sightings: Sequence[Sighting]) -> bool:
    return all(one.subject.author is not None for one in sightings)


def _belongs_there(name: Name, sighting: Sighting) -> bool:
    """Whether nobody but the author of a place can show a file there under this name."""
    role = sighting.media.role
    if isinstance(name, Attachment):  # nobody can attach what somebody else uploaded
        return role is Role.ATTACHMENT
    # A server keeps the pictures of an account's page under keys of that account.
    return isinstance(name, StorageKey) and isinstance(sighting.subject, Profile) and role in {Role.AVATAR, Role.BANNER}
