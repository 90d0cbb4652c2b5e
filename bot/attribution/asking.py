"""Asks the platforms about what no feed has brought yet: who stored a file, and what else it is called."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from bot.attribution.addresses import by_proxy
from bot.domain.content import Alias, RemoteUrl, Role
from bot.domain.errors import PlatformError
from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution.ours import Ours
    from bot.domain.content import InstanceId, Name
    from bot.ports import Ledger, Resolver

NameT = TypeVar("NameT", Alias, RemoteUrl)

ASKED_FOR_NAMES = 3
"""Names of one file that its platform is asked by, the newest first: it does not know the others of a deleted one."""

LOOKED_UP = 20
"""Addresses on other servers of one file, the newest, for which it is looked up whether ours show it by a proxy; and
names that one of our servers has for what another shows by such an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What an instance said of one of its names. ``digest``: SHA-256 of the bytes, which may save a download.

    ``troubles``: what could not be asked.
    """

    digest: str | None
    troubles: Sequence[PlatformError] = ()


class Asking:
    """What instances say goes into the ledger as if a feed had brought it."""

    def __init__(self, library: Ledger, resolvers: Mapping[InstanceId, Resolver], ours: Ours) -> None:
        """``resolvers``: one for each instance."""
        self._library = library
        self._resolvers = resolvers
        self._ours = ours

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

    def complete(self, file_id: int, *, thumbnail: bool = False) -> Sequence[PlatformError]:
        """Ask the instances for other names of a file, and who stored it under each; what could not be asked.

        Once for the file, not for each of its names: in a raid it may have ten thousand, and each would be told all.
        ``thumbnail``: it is to be purged as one that the server made, so it has to be known that nobody stored it.
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
        elsewhere = self._shown_elsewhere(remote)
        troubles: list[PlatformError] = []
        stored = self._stored(file_id, thumbnail=thumbnail)
        for instance in dict.fromkeys([*own, *proxied, *elsewhere]):
            asked: list[Name] = [*_newest(own[instance]), *_newest(proxied[instance])]
            resolver = self._resolvers[instance]
            try:
                for alias in elsewhere.get(instance, ()):
                    self._learn_uploader(alias, resolver)
                    if self._library.strangers(file_id, [alias]) and self._is_same(alias, file.sha256, resolver):
                        self._library.bind(alias, file.sha256)
                for alias in own[instance]:
                    if alias not in stored:
                        self._ask_uploader(alias, resolver)
                if not stored.issuperset(own[instance]):
                    resolver.lists_all_uploads()  # it is remembered there, and ``about`` goes by it
                self._complete(file_id, file.sha256, asked, resolver, thumbnail=thumbnail)
            except PlatformError as error:
                troubles.append(error)
        return tuple(troubles)

    def had(self, file_id: int, names: Sequence[Alias]) -> bool:
        """Names that a file of a server had until it was purged; whether any of them was not known to be its.

        Who stored it under one is asked by ``complete``, like that of any other.
        """
        file = self._library.file(file_id)
        if file is None or file.sha256 is None:
            return False
        new = self._library.strangers(file_id, names)
        for name in names:
            if name in new:
                self._library.add_name(name, self._resolvers[name.instance].address(name))
                self._library.bind(name, file.sha256)
        return bool(new)

    def _shown_elsewhere(self, names: Sequence[RemoteUrl]) -> Mapping[InstanceId, Sequence[Alias]]:
        """Files of our servers that others of ours show by these addresses, the newest, by the server that has them."""
        found = dict.fromkeys(one for one in map(self._ours.behind, names) if isinstance(one, Alias))
        by_server: dict[InstanceId, list[Alias]] = defaultdict(list)
        for alias in list(found)[-LOOKED_UP:]:
            by_server[alias.instance].append(alias)
        return by_server

    def _stored(self, file_id: int, *, thumbnail: bool) -> set[Name]:
        """Names of which it is known who stored them, or taken for granted that nobody did: see ``_only_thumbnail``."""
        known: set[Name] = {upload.name for upload in self._library.uploads_of(file_id)}
        if thumbnail:
            return known
        roles: dict[Name, set[Role]] = defaultdict(set)
        for sighting in self._library.sightings_of(file_id):
            roles[sighting.name].add(sighting.media.role)
        thumbnails = {name for name, some in roles.items() if some == {Role.THUMBNAIL}}
        return thumbnails | known

    def _ask_uploader(self, name: Name, resolver: Resolver) -> None:
        upload = resolver.uploader(name)
        if upload is not None:
            self._library.add_upload(upload)

    def _complete(
        self, file_id: int, sha256: str, asked: Sequence[Name], resolver: Resolver, *, thumbnail: bool
    ) -> None:
        for name in asked:
            others = resolver.names(name)
            strangers = self._library.strangers(file_id, others)
            same = [one for one in strangers if isinstance(name, Alias) or self._is_same(one, sha256, resolver)]
            for other in same:
                self._learn_uploader(other, resolver, thumbnail=thumbnail)
                self._library.bind(other, sha256)
            if len(others) > len(strangers) - len(same):
                return  # some are names of this file: whoever was asked knows it

    def _is_same(self, name: Name, sha256: str, resolver: Resolver) -> bool:
        """Whether what a server of ours has of an address has the bytes that the address had when we looked.

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

    def _learn_uploader(self, name: Name, resolver: Resolver, *, thumbnail: bool = False) -> None:
        if self._library.name(str(name)) is None:
            self._library.add_name(name, resolver.address(name))
        if self._library.upload(name) is None and (thumbnail or not self._only_thumbnail(name)):
            self._ask_uploader(name, resolver)

    def _bind(self, name: Name, digest: str) -> None:
        """Unless it is so already: a write for every look at every file would keep the others waiting."""
        record = self._library.name(str(name))
        file = self._library.file(record.file_id) if record is not None else None
        if file is None or file.sha256 != digest:
            self._library.bind(name, digest)

    def _only_thumbnail(self, name: Name) -> bool:
        """The upload list never has the server's own thumbnails: walking it for each of them would be in vain.

        A custom thumbnail that is somebody's upload is found all the same, by the feed of uploads; but before one is
        purged that was taken for the server's own, it is asked for.
        """
        seen = self._library.sightings_under(name)
        return bool(seen) and all(s.media.role is Role.THUMBNAIL for s in seen)


def _newest(names: Sequence[NameT]) -> Sequence[NameT]:
    return names[: -ASKED_FOR_NAMES - 1 : -1]
