"""Precedence of evidence about the uploader of one name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.content import Attachment, Profile, RemoteUrl, Role, StorageKey
from bot.domain.evidence import Attribution, How

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.content import Account, Name, Sighting, Upload


def attribute(
    name: Name,
    *,
    uploads: Sequence[Upload],
    sightings: Sequence[Sighting],
    original: Attribution | None = None,
    names: Sequence[Name] = (),
) -> Attribution:
    """Who put the file of this name on a server, by the best evidence there is.

    ``uploads`` and ``sightings`` are those of this very name: two aliases of the same bytes have two uploaders.
    ``original``: for a thumbnail that the server made, the attribution of the picture it was made from. The author of a
    post is never taken for the uploader of a file on our own server, for anybody can link it; but an attachment is its
    author's.
    """
    account, how = _best(name, uploads, sightings, original)
    subjects = tuple(dict.fromkeys(sighting.subject.key for sighting in sightings))
    return Attribution(uploader=account, how=how, subjects=subjects, names=tuple(names))


def _best(
    name: Name, uploads: Sequence[Upload], sightings: Sequence[Sighting], original: Attribution | None
) -> tuple[Account | None, How]:
    for upload in uploads:
        if upload.name == name:
            return upload.uploader, How.LISTED
    for sighting in sightings:
        if sighting.subject.author is not None and _belongs_there(name, sighting):
            return sighting.subject.author, How.ATTACHED
    if isinstance(name, RemoteUrl):
        host = urlsplit(name.value).netloc
        for sighting in sightings:
            author = sighting.subject.author
            if author is not None and not author.is_local and author.home_host == host:
                return author, How.HOSTED_BY_AUTHORS_SERVER
    if original is not None:
        return original.uploader, max(How.THUMBNAIL_OF, original.how)
    authors = {s.subject.author.uri: s.subject.author for s in sightings if s.subject.author is not None}
    only_thumbnails = all(sighting.media.role is Role.THUMBNAIL for sighting in sightings)
    if isinstance(name, RemoteUrl) and len(authors) == 1 and not only_thumbnails:
        return next(iter(authors.values())), How.AUTHOR_OF_ONLY_USE
    return None, How.UNKNOWN


def _belongs_there(name: Name, sighting: Sighting) -> bool:
    """Whether nobody but the author of a place can show a file there under this name."""
    role = sighting.media.role
    if isinstance(name, Attachment):  # nobody can attach what somebody else uploaded
        return role is Role.ATTACHMENT
    # A server keeps the pictures of an account's page under keys of that account.
    return isinstance(name, StorageKey) and isinstance(sighting.subject, Profile) and role in {Role.AVATAR, Role.BANNER}
