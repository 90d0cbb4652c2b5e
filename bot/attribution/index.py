"""Joins names, uploads and sightings of the same bytes, asking the platform for what no feed has brought yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.attribution.origin import attribute
from bot.domain.content import Alias, Role
from bot.domain.errors import PlatformError
from bot.domain.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import InstanceId, Name, Sighting, Upload
    from bot.domain.evidence import Attribution
    from bot.ports import FileRecord, Library, NameRecord, Resolver

LOOKS_ALIKE = 31
"""Hamming distance in bits up to which two PDQ hashes are taken for the same picture.

https://github.com/facebook/ThreatExchange/blob/main/pdq/README.md recommends 31 of 256.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of one file at this moment."""

    attributions: Mapping[Name, Attribution]
    addresses: Mapping[Name, str]
    sightings: Sequence[Sighting]
    uploads: Sequence[Upload]
    thumbnails: Sequence[tuple[NameRecord, bool]]  # made by the server from this file; does it look alike?

    @property
    def backlog(self) -> bool:
        """Nothing of it is younger than the bot's first look."""
        flags = [s.backlog for s in self.sightings] + [u.backlog for u in self.uploads]
        return bool(flags) and all(flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What an instance said of one of its names. ``digest``: SHA-256 of the bytes, which may save a download."""

    digest: str | None
    troubles: Sequence[PlatformError] = ()


class Index:
    """The ledger's knowledge of files, completed by the platforms' own answers."""

    def __init__(self, library: Library, resolvers: Mapping[InstanceId, Resolver]) -> None:
        """``resolvers``: one for each instance."""
        self._library = library
        self._resolvers = resolvers

    def learn(self, name: Name) -> Learned:
        """Ask the instance about a name of its own: uploader, other names, digest of the bytes.

        What one part of a platform does not answer keeps the others from nothing; it is among the troubles.
        """
        if not isinstance(name, Alias):
            return Learned(digest=None)
        resolver = self._resolvers[name.instance]
        troubles: list[PlatformError] = []
        others: Sequence[Name] = ()
        digest: str | None = None
        try:
            others = [other for other in resolver.names(name) if other != name]
        except PlatformError as error:
            troubles.append(error)
        try:
            for one in [name, *others]:
                self._learn_uploader(one, resolver)
        except PlatformError as error:
            troubles.append(error)
        try:
            digest = resolver.digest(name)
        except PlatformError as error:
            troubles.append(error)
        if digest is not None:
            for one in [name, *others]:
                self._bind(one, digest)
        return Learned(digest=digest, troubles=tuple(troubles))

    def _learn_uploader(self, name: Name, resolver: Resolver) -> None:
        record = self._library.name(str(name)) or self._library.add_name(name, resolver.address(name))
        if not self._upload_of(name) and not self._only_thumbnail(record):
            upload = resolver.uploader(name)
            if upload is not None:
                self._library.add_upload(upload)

    def _bind(self, name: Name, digest: str) -> None:
        """Unless it is so already: a write for every look at every file would keep the others waiting."""
        record = self._library.name(str(name))
        file = self._library.file(record.file_id) if record is not None else None
        if file is None or file.sha256 != digest:
            self._library.bind(name, digest)

    def about(self, file_id: int) -> Known:
        """Everything known of a file, one attribution for each of its names."""
        names = self._library.names_of(file_id)
        uploads = self._library.uploads_of(file_id)
        sightings = self._library.sightings_of(file_id)
        original = None if uploads else self._original_attribution(sightings, {record.name for record in names})
        attributions = {
            record.name: attribute(
                record.name,
                uploads=uploads,
                sightings=[sighting for sighting in sightings if sighting.name == record.name],
                original=original,
                names=[other.name for other in names if other.name != record.name],
            )
            for record in names
        }
        return Known(
            attributions=attributions,
            addresses={record.name: record.url for record in names},
            sightings=sightings,
            uploads=uploads,
            thumbnails=self._thumbnails(file_id, sightings),
        )

    def thumbnails(self, file_id: int) -> Sequence[tuple[NameRecord, bool]]:
        """Thumbnails that the server made from this file, as far as they were looked at; do they look alike?"""
        return self._thumbnails(file_id, self._library.sightings_of(file_id))

    def made_from(self, file_id: int) -> Sequence[tuple[FileRecord, bool]]:
        """The pictures that a thumbnail was made from, if the server made this file, and whether it looks like them."""
        if self._library.uploads_of(file_id):
            return ()
        found: dict[int, tuple[FileRecord, bool]] = {}
        for beside in self._attached_beside(self._library.sightings_of(file_id)):
            record = self._library.name(str(beside.name))
            file = self._library.file(record.file_id) if record is not None else None
            if file is not None and file.id != file_id:
                found[file.id] = (file, self._alike(file_id, file.id))
        return list(found.values())

    def _upload_of(self, name: Name) -> bool:
        record = self._library.name(str(name))
        return record is not None and any(u.name == name for u in self._library.uploads_of(record.file_id))

    def _only_thumbnail(self, record: NameRecord) -> bool:
        """The upload list never has the server's own thumbnails: walking it for each of them would be in vain.

        A custom thumbnail that is somebody's upload is found all the same, by the feed of uploads.
        """
        seen = [s for s in self._library.sightings_of(record.file_id) if s.name == record.name]
        return bool(seen) and all(s.media.role is Role.THUMBNAIL for s in seen)

    def _attached_beside(self, sightings: Sequence[Sighting]) -> Sequence[Sighting]:
        """What is attached to the posts in whose thumbnail slot a file is."""
        slots = {s.subject.key: s for s in sightings if s.media.role is Role.THUMBNAIL}
        return [
            beside
            for key in slots
            for beside in self._library.sightings_in(key)
            if beside.media.role is Role.ATTACHMENT
        ]

    def _original_attribution(self, sightings: Sequence[Sighting], own: set[Name]) -> Attribution | None:
        for beside in self._attached_beside(sightings):
            record = self._library.name(str(beside.name))
            if beside.name not in own and record is not None:
                uploads = self._library.uploads_of(record.file_id)
                return attribute(beside.name, uploads=uploads, sightings=[beside])
        return None

    def _thumbnails(self, file_id: int, sightings: Sequence[Sighting]) -> Sequence[tuple[NameRecord, bool]]:
        own = {sighting.name for sighting in sightings}
        found: dict[Name, tuple[NameRecord, bool]] = {}
        for key in {s.subject.key: None for s in sightings if s.media.role is Role.ATTACHMENT}:
            for beside in self._library.sightings_in(key):
                if beside.media.role is not Role.THUMBNAIL or beside.name in own or not isinstance(beside.name, Alias):
                    continue
                record = self._library.name(str(beside.name))
                if record is None or self._library.uploads_of(record.file_id):
                    continue
                file = self._library.file(record.file_id)
                if file is not None and file.scan is not None:  # one that was not looked at yet comes back when it was
                    found[beside.name] = (record, self._alike(file_id, record.file_id))
        return list(found.values())

    def _alike(self, one: int, other: int) -> bool:
        hashes = [self._pdq(file_id) for file_id in (one, other)]
        if hashes[0] is None or hashes[1] is None:
            return False
        return (hashes[0] ^ hashes[1]).bit_count() <= LOOKS_ALIKE

    def _pdq(self, file_id: int) -> int | None:
        file = self._library.file(file_id)
        if file is None or not isinstance(file.scan, Evidence) or file.scan.pdq is None:
            return None
        return int(file.scan.pdq, 16)
