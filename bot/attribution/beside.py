"""What is shown beside a file: the thumbnail that the server made from it, and the picture that one was made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.attribution.likeness import LOOKS_ALIKE
from bot.domain.content import Alias, Role
from bot.domain.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.attribution.ours import Ours
    from bot.domain.content import Name, Sighting, Subject
    from bot.domain.evidence import Attribution
    from bot.ports import FileRecord, Ledger, NameRecord, Place

PRINTS = 20_000
"""PDQ hashes that are kept in mind: a picture is compared with all thumbnails that were made from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the server may have made from a file: a thumbnail beside it that nobody is known to have stored.

    ``sure``: it was never seen but as a thumbnail, where the file was seen before it or together with it. Anything else
    may be another post's thumbnail or somebody's upload, which the author of a post has chosen for his own.
    """

    record: NameRecord
    looks_alike: bool
    sure: bool
    shown_in: Sequence[Subject]  # one of each author in each community


class Beside:
    """By the places that the ledger knows, and by what the pictures look like."""

    def __init__(self, library: Ledger, ours: Ours) -> None:
        self._library = library
        self._ours = ours
        self._prints = lru_cache(PRINTS)(self._pdq)

    def thumbnails(self, file_id: int) -> Sequence[Made]:
        """Thumbnails that the server may have made from this file, as far as they were looked at.

        What somebody stored is no such thumbnail, though it may be shown as one.
        """
        beside = [
            one.record
            for one in self._library.beside(file_id, own=Role.ATTACHMENT, theirs=Role.THUMBNAIL)
            # One that was not looked at yet comes back when it was.
            if isinstance(one.record.name, Alias) and not one.uploaded and one.looked_at
        ]
        files = {record.file_id for record in beside}
        only_there = self._only_beside(file_id, files)
        shown_in = {made: _by_whom_and_where(self._library.sightings_of(made)) for made in files}
        return [
            Made(
                record=record,
                looks_alike=self._alike(file_id, record.file_id),
                sure=record.file_id in only_there,
                shown_in=shown_in[record.file_id],
            )
            for record in beside
        ]

    def still_made_from(self, file_id: int, made: int) -> bool:
        """Whether what was surely a thumbnail of a file is so by all that is known now."""
        return not self._library.uploaded(made) and made in self._only_beside(file_id, {made})

    def _only_beside(self, file_id: int, files: Collection[int]) -> Collection[int]:
        """Those of these files that were never seen but as thumbnails beside a file, or another one of its case."""
        since = _earliest(self._library.places(self._same_case(file_id)), Role.ATTACHMENT) if files else {}
        elsewhere = {
            place.file_id
            for place in self._library.places(files)
            if place.role is not Role.THUMBNAIL or place.subject not in since or place.since < since[place.subject]
        }
        return set(files) - elsewhere

    def _same_case(self, file_id: int) -> Collection[int]:
        """A file, and what its case holds for the same picture: the same thumbnail is made from all of them."""
        case = self._library.case_for(file_id)
        return {file_id, *(() if case is None else case.files)}

    def thumbnails_of(self, name: Name) -> Sequence[tuple[NameRecord, bool]]:
        """Thumbnails of the posts that show the file under this name, its own or not; do they look alike?"""
        own = self._library.name(str(name))
        found: dict[Name, tuple[NameRecord, bool]] = {}
        for beside in self._beside(self._library.sightings_under(name), Role.ATTACHMENT, Role.THUMBNAIL):
            record = self._library.name(str(beside.name))
            if own is None or record is None or record.file_id == own.file_id or not isinstance(record.name, Alias):
                continue
            file = self._library.file(record.file_id)
            if file is not None and file.scan is not None and not self._library.uploaded(file.id):
                found[beside.name] = (record, self._alike(own.file_id, file.id))
        return list(found.values())

    def made_from(self, file_id: int, name: Name | None = None) -> Sequence[tuple[FileRecord, bool]]:
        """The pictures that a thumbnail was made from, if the server made this file, and whether it looks like them.

        ``name``: only by what is shown under this name of it.
        """
        if self._library.uploaded(file_id):
            return ()
        of = self._library.sightings_of(file_id) if name is None else self._library.sightings_under(name)
        found: dict[int, tuple[FileRecord, bool]] = {}
        for beside in self._beside(of, Role.THUMBNAIL, Role.ATTACHMENT):
            record = self._library.name(str(beside.name))
            if record is None or record.file_id in found:
                continue
            file = self._library.file(record.file_id)
            if file is not None and file.id != file_id:
                found[record.file_id] = (file, self._alike(file_id, file.id))
        return list(found.values())

    def only_thumbnail(self, file_id: int, name: Name | None = None) -> bool:
        """Whether a file is shown as a thumbnail and as nothing else; ``name``: under this name of it."""
        of = self._library.sightings_of(file_id) if name is None else self._library.sightings_under(name)
        return all(sighting.media.role is Role.THUMBNAIL for sighting in of)

    def _beside(self, sightings: Sequence[Sighting], own: Role, theirs: Role) -> Iterator[Sighting]:
        """What is shown as ``theirs`` where a file is shown as ``own``."""
        for key in {s.subject.key: None for s in sightings if s.media.role is own}:
            yield from (beside for beside in self._library.sightings_in(key) if beside.media.role is theirs)

    def original(self, file_id: int, own: set[Name]) -> Attribution | None:
        """Of the picture that a file was made from as a thumbnail, if everything says that it is one account's.

        Everywhere that it was seen as a thumbnail a picture was, no later, that looks like it. Beside what does not, or
        came there after it, it is somebody's own choice of a thumbnail, and may be anybody's file.
        """
        shown = _earliest(self._library.places([file_id]), Role.THUMBNAIL)
        if not shown:
            return None
        pictures = [
            one.record
            for one in self._library.beside(file_id, own=Role.THUMBNAIL, theirs=Role.ATTACHMENT)
            if one.record.name not in own and self._alike(file_id, one.record.file_id)
        ]
        there = [
            place
            for place in self._library.places({record.file_id for record in pictures})
            if place.role is Role.ATTACHMENT and place.subject in shown and place.since <= shown[place.subject]
        ]
        if {place.subject for place in there} != set(shown):
            return None
        files = {place.file_id for place in there}
        return self._of_one_account([record.name for record in pictures if record.file_id in files])

    def _of_one_account(self, names: Sequence[Name]) -> Attribution | None:
        """The weakest attribution of these names, if they are all of the same account."""
        weakest: Attribution | None = None
        for name in names:
            upload = self._library.upload(name)
            uploads = () if upload is None else (upload,)
            found = self._ours.attribute(name, uploads=uploads, sightings=self._library.sightings_under(name))
            if found.uploader is None:
                return None
            if weakest is not None and weakest.uploader is not None and weakest.uploader.uri != found.uploader.uri:
                return None
            weakest = found if weakest is None or found.how > weakest.how else weakest
        return weakest

    def _alike(self, one: int, other: int) -> bool:
        hashes = [self._print_of(file_id) for file_id in (one, other)]
        if hashes[0] is None or hashes[1] is None:
            return False
        return (hashes[0] ^ hashes[1]).bit_count() <= LOOKS_ALIKE

    def _print_of(self, file_id: int) -> int | None:
        """Of bytes, which do not change: what is not known yet is asked for again."""
        try:
            return self._prints(file_id)
        except LookupError:
            return None

    def _pdq(self, file_id: int) -> int:
        file = self._library.file(file_id)
        if file is None or not isinstance(file.scan, Evidence) or file.scan.pdq is None:
            raise LookupError(file_id)
        return int(file.scan.pdq, 16)


def _earliest(places: Sequence[Place], role: Role) -> Mapping[str, datetime]:
    """Since when something was seen in this role, by subject."""
    since: dict[str, datetime] = {}
    for place in places:
        if place.role is role:
            since[place.subject] = min(place.since, since.get(place.subject, place.since))
    return since


def _by_whom_and_where(sightings: Sequence[Sighting]) -> Sequence[Subject]:
    """One subject of each author in each community: in a raid a thumbnail is shown in ten thousand."""
    found: dict[tuple[str | None, str | None], Subject] = {}
    for subject in (one.subject for one in sightings):
        author, community = subject.author, subject.community
        whose = None if author is None else author.uri
        found.setdefault((whose, None if community is None else community.uri), subject)
    return list(found.values())
