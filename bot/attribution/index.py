"""Joins names, uploads and sightings of the same bytes, asking the platform for what no feed has brought yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from bot.attribution.addresses import by_proxy, to_fetch
from bot.attribution.likeness import LOOKS_ALIKE, Likeness
from bot.attribution.origin import attribute
from bot.attribution.returns import Returns, returns
from bot.domain.content import Alias, RemoteUrl, Role
from bot.domain.errors import PlatformError
from bot.domain.evidence import Attribution, Evidence, How
from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, InstanceId, Name, Sighting, Upload
    from bot.ports import FileRecord, Ledger, NameRecord, Resolver

NameT = TypeVar("NameT", Alias, RemoteUrl)

ASKED_FOR_NAMES = 3
"""Names of one file that its platform is asked by, the newest first: it does not know the others of a deleted one."""

LOOKED_UP = 20
"""Addresses on other servers of one file, the newest, for which it is looked up whether ours show it by a proxy."""

MOST_ALIKE = 500
"""Files that look like one, the nearest, among which those are looked for that nothing explains."""

PRINTS = 20_000
"""PDQ hashes that are kept in mind: a picture is compared with all thumbnails that were made from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of one file at this moment."""

    attributions: Mapping[Name, Attribution]
    addresses: Mapping[Name, str]
    sightings: Sequence[Sighting]
    uploads: Sequence[Upload]
    thumbnails: Sequence[tuple[NameRecord, bool]]  # made by the server from this file; does it look alike?
    orphans: Sequence[NameRecord] = ()  # of files of our servers that nothing explains, and that look like this one
    records: Sequence[NameRecord] = ()  # its names, and since when each is known
    proxied: int = 0  # addresses on other servers under which ours show it by fetching it themselves
    untold: Collection[InstanceId] = ()  # servers of ours that have it and do not list all that was stored

    def returned(self, purged_at: datetime | None) -> Returns:
        """How it came back after it was purged for the first time."""
        return returns(self.records, self.uploads, self.sightings, purged_at=purged_at)

    @property
    def backlog(self) -> bool:
        """Nothing of it is younger than the bot's first look."""
        flags = [s.backlog for s in self.sightings] + [u.backlog for u in self.uploads]
        # Of what nobody shows or is listed for, nobody can tell how old it is: only a feed that says so makes it new.
        return all(flags) if flags else bool(self.records) and all(record.backlog for record in self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What an instance said of one of its names. ``digest``: SHA-256 of the bytes, which may save a download.

    ``troubles``: what could not be asked.
    """

    digest: str | None
    troubles: Sequence[PlatformError] = ()


class Index:
    """The ledger's knowledge of files, completed by the platforms' own answers."""

    def __init__(self, library: Ledger, resolvers: Mapping[InstanceId, Resolver]) -> None:
        """``resolvers``: one for each instance."""
        self._library = library
        self._resolvers = resolvers
        self._prints = lru_cache(PRINTS)(self._pdq)
        self._likeness = Likeness(library)

    def addresses(self, record: NameRecord) -> Sequence[str]:
        """Where to fetch what a name stands for, best first: as our server shows it, then its origin.

        A file of our own is fetched whole, whatever smaller copy of it a post asks for.
        """
        name = record.name
        if isinstance(name, Alias) and name.instance in self._resolvers:
            return [self._resolvers[name.instance].address(name)]
        if isinstance(name, RemoteUrl):
            return to_fetch(name.value, [record.url, *(s.media.url for s in self._library.sightings_under(name))])
        return [record.url]

    def learn(self, name: Name) -> Learned:
        """Ask the instance about a name of its own: uploader, digest of the bytes.

        What one part of a platform does not answer keeps the others from nothing; it is among the troubles.
        """
        if not isinstance(name, Alias):
            return Learned(digest=None)
        troubles: list[PlatformError] = []
        try:
            self.learn_uploader(name)
        except PlatformError as error:
            troubles.append(error)
        learned = self.recognise(name)
        return replace(learned, troubles=(*troubles, *learned.troubles))

    def learn_uploader(self, name: Alias) -> None:
        """Ask the instance who stored one of its own names, unless that is known. Raises ``PlatformError``."""
        self._learn_uploader(name, self._resolvers[name.instance])

    def recognise(self, name: Name) -> Learned:
        """Ask the instance about the bytes that a name of its own stands for, and about nothing else."""
        if not isinstance(name, Alias):
            return Learned(digest=None)
        try:
            digest = self._resolvers[name.instance].digest(name)
        except PlatformError as error:
            return Learned(digest=None, troubles=(error,))
        if digest is not None:
            self._bind(name, digest)
        return Learned(digest=digest)

    def complete(self, file_id: int) -> Sequence[PlatformError]:
        """Ask the instances for other names of a file, and who stored it under each; what could not be asked.

        Once for the file, not for each of its names: in a raid it may have ten thousand, and each would be told all.
        """
        file = self._library.file(file_id)
        if file is None or file.sha256 is None:
            return ()
        own: dict[InstanceId, list[Alias]] = defaultdict(list)
        proxied: dict[InstanceId, list[RemoteUrl]] = defaultdict(list)
        remote: list[RemoteUrl] = []
        for record in self._library.names_of(file_id):
            if isinstance(record.name, Alias):
                own[record.name.instance].append(record.name)
            elif isinstance(record.name, RemoteUrl):
                remote.append(record.name)
        for name in remote[-LOOKED_UP:]:
            for instance in self._proxied_by(name):
                proxied[instance].append(name)
        troubles: list[PlatformError] = []
        stored = self._stored(file_id)
        for instance in dict.fromkeys([*own, *proxied]):
            asked: list[Name] = [*_newest(own[instance]), *_newest(proxied[instance])]
            resolver = self._resolvers[instance]
            try:
                for alias in own[instance]:
                    if alias not in stored:
                        self._ask_uploader(alias, resolver)
                if not stored.issuperset(own[instance]):
                    resolver.lists_all_uploads()  # it is remembered there, and ``about`` goes by it
                self._complete(file_id, file.sha256, asked, resolver)
            except PlatformError as error:
                troubles.append(error)
        return tuple(troubles)

    def _stored(self, file_id: int) -> set[Name]:
        """Names of which it is known who stored them, or that none was: see ``_only_thumbnail``."""
        roles: dict[Name, set[Role]] = defaultdict(set)
        for sighting in self._library.sightings_of(file_id):
            roles[sighting.name].add(sighting.media.role)
        thumbnails = {name for name, some in roles.items() if some == {Role.THUMBNAIL}}
        return thumbnails | {upload.name for upload in self._library.uploads_of(file_id)}

    def _ask_uploader(self, name: Name, resolver: Resolver) -> None:
        upload = resolver.uploader(name)
        if upload is not None:
            self._library.add_upload(upload)

    def _complete(self, file_id: int, sha256: str, asked: Sequence[Name], resolver: Resolver) -> None:
        for name in asked:
            others = resolver.names(name)
            strangers = self._library.strangers(file_id, others)
            same = [one for one in strangers if isinstance(name, Alias) or self._is_same(one, sha256, resolver)]
            for other in same:
                self._learn_uploader(other, resolver)
                self._library.bind(other, sha256)
            if len(others) > len(strangers) - len(same):
                return  # some are names of this file: whoever was asked knows it

    def _is_same(self, name: Name, sha256: str, resolver: Resolver) -> bool:
        """Whether the copy that a server made of an address has the bytes that the address had when we looked.

        Another server may give other bytes by now, and they may be anybody's: where the digest is not that of the file,
        or nobody tells it, the copy is looked at like anything new, and counts for nothing here until then.
        """
        if resolver.digest(name) == sha256:
            return True
        record = self._library.add_name(name, resolver.address(name))
        file = self._library.file(record.file_id)
        if file is None or file.scan is None:
            self._library.enqueue(TaskKind.EXAMINE, str(name), Lane.NEW)
        return False

    def _proxied_by(self, name: RemoteUrl) -> Sequence[InstanceId]:
        """The servers of ours that were seen to show a file of another server by fetching it themselves."""
        seen = self._library.sightings_under(name)
        return list(
            {one.subject.instance: None for one in seen if by_proxy(one) and one.subject.instance in self._resolvers}
        )

    def _learn_uploader(self, name: Name, resolver: Resolver) -> None:
        if self._library.name(str(name)) is None:
            self._library.add_name(name, resolver.address(name))
        if self._library.upload(name) is None and not self._only_thumbnail(name):
            self._ask_uploader(name, resolver)

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
        shown: dict[Name, list[Sighting]] = defaultdict(list)
        for sighting in sightings:
            shown[sighting.name].append(sighting)
        stored: dict[Name, list[Upload]] = defaultdict(list)
        for upload in uploads:
            stored[upload.name].append(upload)
        original = None if uploads else self._original_attribution(file_id, sightings, {one.name for one in names})
        alike = [] if uploads or sightings else self._listed_in_full(self._uploads_alike(file_id))
        fetched = {
            instance: _fetched_for(instance, shown)
            for instance in {record.name.instance for record in names if _is_copy(record.name, shown, stored)}
        }
        return Known(
            attributions={
                record.name: attribute(
                    record.name,
                    uploads=stored.get(record.name, ()),
                    sightings=shown.get(record.name, ()),
                    original=original,
                    proxied=fetched[record.name.instance] if _is_copy(record.name, shown, stored) else None,
                    resembles=_one_of(alike, record.name),
                )
                for record in names
            },
            addresses={record.name: record.url for record in names},
            sightings=sightings,
            uploads=uploads,
            thumbnails=self.thumbnails(file_id),
            orphans=self._orphans_like(file_id, names) if uploads or sightings else (),
            records=names,
            proxied=sum(any(map(by_proxy, seen)) for seen in shown.values()),
            untold=self._untold(name for name in shown if name not in stored),
        )

    def thumbnails(self, file_id: int) -> Sequence[tuple[NameRecord, bool]]:
        """Thumbnails that the server made from this file, as far as they were looked at; do they look alike?

        What somebody stored is no such thumbnail, though it may be shown as one.
        """
        beside = self._library.beside(file_id, own=Role.ATTACHMENT, theirs=Role.THUMBNAIL)
        return [
            (one.record, self._alike(file_id, one.record.file_id))
            for one in beside
            # One that was not looked at yet comes back when it was.
            if isinstance(one.record.name, Alias) and not one.uploaded and one.looked_at
        ]

    def thumbnails_of(self, name: Name) -> Sequence[tuple[NameRecord, bool]]:
        """The same, of the posts that show the file under this name."""
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

    def _only_thumbnail(self, name: Name) -> bool:
        """The upload list never has the server's own thumbnails: walking it for each of them would be in vain.

        A custom thumbnail that is somebody's upload is found all the same, by the feed of uploads.
        """
        seen = self._library.sightings_under(name)
        return bool(seen) and all(s.media.role is Role.THUMBNAIL for s in seen)

    def _beside(self, sightings: Sequence[Sighting], own: Role, theirs: Role) -> Iterator[Sighting]:
        """What is shown as ``theirs`` where a file is shown as ``own``."""
        for key in {s.subject.key: None for s in sightings if s.media.role is own}:
            yield from (beside for beside in self._library.sightings_in(key) if beside.media.role is theirs)

    def _original_attribution(self, file_id: int, sightings: Sequence[Sighting], own: set[Name]) -> Attribution | None:
        """Of the picture beside which a file is shown as a thumbnail, if that is what it was made from.

        What does not look like it is somebody's own choice of a thumbnail, and may be anybody's file.
        """
        for beside in self._beside(sightings, Role.THUMBNAIL, Role.ATTACHMENT):
            record = self._library.name(str(beside.name)) if beside.name not in own else None
            if record is not None and self._alike(file_id, record.file_id):
                upload = self._library.upload(beside.name)
                return attribute(
                    beside.name,
                    uploads=() if upload is None else (upload,),
                    sightings=self._library.sightings_under(beside.name),
                )
        return None

    def _uploads_alike(self, file_id: int) -> Sequence[Upload]:
        """Who stored the nearest picture that looks like a file which nobody is known to have stored or shown."""
        for known in self._likeness.near(file_id):
            uploads = self._library.uploads_of(known)
            if uploads:
                return uploads
        return ()

    def _listed_in_full(self, uploads: Sequence[Upload]) -> Sequence[Upload]:
        """Those of servers that list all that was stored.

        Where a server does not, somebody else may have stored what nobody is listed for. So where it cannot be asked.
        """
        instances = {upload.name.instance for upload in uploads if isinstance(upload.name, Alias)}
        full = {instance for instance in instances if self._lists_all(instance)}
        return [one for one in uploads if isinstance(one.name, Alias) and one.name.instance in full]

    def _untold(self, names: Iterable[Name]) -> Collection[InstanceId]:
        """Of the servers of these names those that do not tell who stored what, and can be asked."""
        instances = {name.instance for name in names if isinstance(name, Alias)}
        return {instance for instance in instances if self._lists_all(instance) is False}

    def _lists_all(self, instance: InstanceId) -> bool | None:
        """Whether a server lists all that was stored; ``None``: it cannot be asked."""
        try:
            return self._resolvers[instance].lists_all_uploads() if instance in self._resolvers else None
        except PlatformError:
            return None

    def _orphans_like(self, file_id: int, names: Sequence[NameRecord]) -> Sequence[NameRecord]:
        """What a server of ours may have made from a file and lost sight of: a thumbnail that was replaced."""
        own = {record.name.instance for record in names if isinstance(record.name, Alias)}
        if not own:
            return ()
        found = self._library.unexplained(self._likeness.near(file_id)[:MOST_ALIKE])
        return [record for record in found if isinstance(record.name, Alias) and record.name.instance in own]

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


def _newest(names: Sequence[NameT]) -> Sequence[NameT]:
    return names[: -ASKED_FOR_NAMES - 1 : -1]


def _is_copy(name: Name, shown: Collection[Name], stored: Collection[Name]) -> TypeGuard[Alias]:
    """Whether a name may be that of a copy which a server made for its proxy: no post has it, and nobody stored it."""
    return isinstance(name, Alias) and name not in shown and name not in stored


def _fetched_for(instance: InstanceId, shown: Mapping[Name, Sequence[Sighting]]) -> Attribution | None:
    """Of the copies that a server made for its proxy: by the addresses of the same bytes that it shows so.

    An account is named only where it is the same for all of these addresses.
    """
    told: dict[str, Account] = {}
    proxied = False
    for other, seen in shown.items():
        if any(by_proxy(one) and one.subject.instance == instance for one in seen):
            proxied = True
            uploader = attribute(other, uploads=(), sightings=seen).uploader
            if uploader is None:
                return Attribution(uploader=None, how=How.PROXIED_FOR)
            told[uploader.uri] = uploader
    if not proxied:
        return None
    return Attribution(uploader=next(iter(told.values())) if len(told) == 1 else None, how=How.PROXIED_FOR)


def _one_of(uploads: Sequence[Upload], name: Name) -> Attribution | None:
    """The one account that stored them on the server of a name."""
    accounts = {
        one.uploader.uri: one.uploader
        for one in uploads
        if isinstance(name, Alias) and isinstance(one.name, Alias) and one.name.instance == name.instance
    }
    return Attribution(uploader=next(iter(accounts.values())), how=How.LOOKS_LIKE) if len(accounts) == 1 else None
