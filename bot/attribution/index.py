"""Joins names, uploads and sightings of the same bytes, and tells whose they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeGuard

from bot.attribution.addresses import by_proxy, to_fetch
from bot.attribution.asking import Asking
from bot.attribution.beside import Beside, Made
from bot.attribution.likeness import Likeness
from bot.attribution.ours import Ours
from bot.attribution.returns import Returns, returns
from bot.domain.content import Alias, RemoteUrl
from bot.domain.errors import PlatformError
from bot.domain.evidence import Attribution, How

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, InstanceId, Name, Sighting, Upload
    from bot.ports import Ledger, NameRecord, Resolver

MOST_ALIKE = 500
"""Files that look like one, the nearest, among which those are looked for that nothing explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of one file at this moment."""

    attributions: Mapping[Name, Attribution]
    addresses: Mapping[Name, str]
    sightings: Sequence[Sighting]
    uploads: Sequence[Upload]
    thumbnails: Sequence[Made]  # that the server may have made from this file
    orphans: Sequence[NameRecord] = ()  # of files of our servers that nothing explains, and that look like this one
    records: Sequence[NameRecord] = ()  # its names, and since when each is known
    proxied: int = 0  # addresses on other servers under which ours show it by fetching it themselves
    untold: Collection[InstanceId] = ()  # servers of ours that have it and do not list all that was stored
    elsewhere: Sequence[Sighting] = ()  # on another server of ours, under an address of it that was not looked at yet
    ours: Mapping[Name, Name] = field(default_factory=dict)  # to such an address what the file's own server calls it

    def returned(self, purged_at: datetime | None) -> Returns:
        """How it came back after it was purged for the first time."""
        return returns(self.records, self.uploads, self.sightings, purged_at=purged_at)

    @property
    def backlog(self) -> bool:
        """Nothing of it is younger than the bot's first look."""
        flags = [s.backlog for s in self.sightings] + [u.backlog for u in self.uploads]
        # Of what nobody shows or is listed for, nobody can tell how old it is: only a feed that says so makes it new.
        return all(flags) if flags else bool(self.records) and all(record.backlog for record in self.records)


class Index:
    """The ledger's knowledge of files, completed by the platforms' own answers."""

    def __init__(self, library: Ledger, resolvers: Mapping[InstanceId, Resolver], *, asks: bool = True) -> None:
        """``resolvers``: one for each instance. ``asks``: whether they may be contacted; without, all is as known."""
        self._library = library
        self._resolvers = resolvers if asks else {}
        self._one_server = len(resolvers) < 2
        self._ours = Ours(library, resolvers)
        self.asking = Asking(library, self._resolvers, self._ours)
        self.beside = Beside(library, self._ours)
        self._likeness = Likeness(library)

    def addresses(self, record: NameRecord) -> Sequence[str]:
        """Where to fetch what a name stands for, best first: as our server shows it, then its origin.

        A file of our own is fetched whole, whatever smaller copy of it a post asks for, on whichever server of ours.
        """
        name = record.name
        if isinstance(name, Alias) and name.instance in self._resolvers:
            return [self._resolvers[name.instance].address(name)]
        if isinstance(name, RemoteUrl):
            seen = [record.url, *(s.media.url for s in self._library.sightings_under(name))]
            return to_fetch(self._origin(name), seen)
        return [record.url]

    def _origin(self, name: RemoteUrl) -> str:
        own = self._ours.behind(name)
        return next(self._addresses_of([own] if isinstance(own, Alias) else ()), name.value)

    def _addresses_of(self, names: Iterable[Alias]) -> Iterator[str]:
        """Where our servers show these files. One that did not say yet where it does so is asked once, and left out."""
        silent: set[InstanceId] = set()
        for name in names:
            if name.instance in self._resolvers and name.instance not in silent:
                try:
                    yield self._resolvers[name.instance].address(name)
                except PlatformError:
                    silent.add(name.instance)

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
        original = None if uploads else self.beside.original(file_id, {one.name for one in names})
        alike = [] if uploads or sightings else self._listed_in_full(self._uploads_alike(file_id))
        elsewhere = self._elsewhere(file_id, names)
        behind = {name: self._ours.behind(name) for name in (*shown, *(sighting.name for sighting in elsewhere))}
        explained = {*behind, *behind.values(), *stored}
        fetched = {
            instance: self._fetched_for(instance, shown)
            for instance in {record.name.instance for record in names if _is_copy(record.name, explained)}
        }
        return Known(
            attributions={
                record.name: self._ours.attribute(
                    record.name,
                    uploads=stored.get(record.name, ()),
                    sightings=shown.get(record.name, ()),
                    original=original,
                    proxied=fetched[record.name.instance] if _is_copy(record.name, explained) else None,
                    resembles=_one_of(alike, record.name),
                )
                for record in names
            },
            addresses={record.name: record.url for record in names},
            sightings=sightings,
            uploads=uploads,
            thumbnails=self._thumbnails(file_id),
            orphans=self._orphans_like(file_id, names) if uploads or sightings else (),
            records=names,
            proxied=sum(any(map(by_proxy, seen)) for seen in shown.values()),
            untold=self._untold(name for name in shown if name not in stored),
            elsewhere=elsewhere,
            ours={name: own for name, own in behind.items() if own != name},
        )

    def _elsewhere(self, file_id: int, names: Sequence[NameRecord]) -> Sequence[Sighting]:
        """Where another server of ours shows the file by an address that does not stand for it yet, or never will.

        What lies behind an address of ours is known before anybody has looked.
        """
        if self._one_server:
            return ()
        own = {record.name: record.url for record in names if isinstance(record.name, Alias)}
        addresses = self._addresses_of(own) if self._resolvers else own.values()
        return self._library.sightings_besides(file_id, [RemoteUrl(value=address) for address in addresses])

    def _fetched_for(self, instance: InstanceId, shown: Mapping[Name, Sequence[Sighting]]) -> Attribution | None:
        """Of the copies that a server made for its proxy: by the addresses of the same bytes that it shows so.

        An account is named only where it is the same for all of these addresses.
        """
        told: dict[str, Account] = {}
        proxied = False
        for other, seen in shown.items():
            if any(by_proxy(one) and one.subject.instance == instance for one in seen):
                proxied = True
                uploader = self._ours.attribute(other, uploads=(), sightings=seen).uploader
                if uploader is None:
                    return Attribution(uploader=None, how=How.PROXIED_FOR)
                told[uploader.uri] = uploader
        if not proxied:
            return None
        return Attribution(uploader=next(iter(told.values())) if len(told) == 1 else None, how=How.PROXIED_FOR)

    def _thumbnails(self, file_id: int) -> Sequence[Made]:
        """Where a server does not tell of all that was stored whose it is, it may be anybody's picture."""
        found = self.beside.thumbnails(file_id)
        instances = {one.record.name.instance for one in found if isinstance(one.record.name, Alias)}
        # One that cannot be asked is believed: these are rules that are tried, which contact nobody.
        told = {one for one in instances if one not in self._resolvers or self._lists_all(one)}
        return [
            replace(one, sure=one.sure and isinstance(one.record.name, Alias) and one.record.name.instance in told)
            for one in found
        ]

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


def _is_copy(name: Name, explained: Collection[Name]) -> TypeGuard[Alias]:
    """Whether a name may be that of a copy which a server made for its proxy: no post has it, and nobody stored it."""
    return isinstance(name, Alias) and name not in explained


def _one_of(uploads: Sequence[Upload], name: Name) -> Attribution | None:
    """The one account that stored them on the server of a name."""
    accounts = {
        one.uploader.uri: one.uploader
        for one in uploads
        if isinstance(name, Alias) and isinstance(one.name, Alias) and one.name.instance == name.instance
    }
    return Attribution(uploader=next(iter(accounts.values())), how=How.LOOKS_LIKE) if len(accounts) == 1 else None
