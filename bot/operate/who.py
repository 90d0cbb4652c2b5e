"""From a name to everything known about it: uploader, every place, every other name, and how each is known."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.attribution.returns import Returns
from bot.domain.content import Alias, StorageKey, SubjectKey
from bot.domain.errors import PlatformError
from bot.operate.pasted import pasted
from bot.operate.returned import returned
from bot.ports import Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution import Index, Known
    from bot.domain.content import InstanceId, Name
    from bot.ports import FileRecord, Instance, Ledger

ASKED = 5
"""Names of a file that its platform is searched for: each costs two searches, and Lemmy allows sixty in ten minutes."""

DEEPEST = 30
"""Folders before a path that are left out one by one."""

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file that the text may mean."""

    file: FileRecord
    known: Known
    returned: Returns
    unasked: Sequence[str] = ()  # what could not be asked, in words: there may be more places than these

    def known_by(self, name: Name) -> Sequence[str]:
        """How the bot came to know that the file has this name: ``seen``, ``listed``, or ``file store``."""
        ways = {
            "seen": any(sighting.name == name for sighting in self.known.sightings),
            "listed": any(upload.name == name for upload in self.known.uploads),
        }
        return [way for way, is_so in ways.items() if is_so] or [
            "file store" if hasattr(name, "instance") else "asked for"
        ]

    @property
    def says_something(self) -> bool:
        """Whether anything is known but that somebody asked for it."""
        known, file = self.known, self.file
        return bool(file.sha256 or file.scan or file.case or known.sightings or known.uploads)


def who(ledger: Ledger, index: Index, instances: Mapping[InstanceId, Instance], text: str) -> Sequence[Found]:
    """What an alias, a URL, a SHA-256, a path in the file store, an object key or the URL of a post leads to.

    Empty if nothing is known. A file of this machine counts as its SHA-256. Servers are asked about aliases of their
    own, and searched for places that no feed has brought, which go into the ledger as if one had. What could not be
    asked stands beside what is known; where nothing is, ``PlatformError`` is raised.
    """
    text = _digest_of(text.strip()) or pasted(text)
    files: dict[int, list[PlatformError]] = {}
    known = ledger.file_by_sha256(text.lower()) if _DIGEST.fullmatch(text) else None
    if known is not None:
        files[known.id] = [*index.asking.complete(known.id)]
    keys, silent = ((), ()) if known is not None else _names(ledger, instances, text)
    for key in keys:
        troubles = _learn(ledger, index, key)
        record = ledger.name(key)
        if record is not None:
            files.setdefault(record.file_id, [*silent]).extend(troubles)
    found = [_told(ledger, index, instances, file_id, troubles) for file_id, troubles in files.items()]
    found = [one for one in found if one.says_something]
    for trouble in [] if found else [*silent, *(one for troubles in files.values() for one in troubles)]:
        raise trouble
    return found


def _digest_of(text: str) -> str | None:
    """The SHA-256 of a file of this machine, if the text is the path of one."""
    try:
        if not Path(text).is_file():  # a device or a pipe may have no end
            return None
        with Path(text).open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _names(
    ledger: Ledger, instances: Mapping[InstanceId, Instance], text: str
) -> tuple[Sequence[str], Sequence[PlatformError]]:
    """Keys of the names that it means, as far as ledger and servers can tell; and what could not be asked."""
    records = [record for one in _endings(text) for record in ledger.names_ending(one)]
    keys = [str(record.name) for record in records]
    paths = [record.file_id for record in records if isinstance(record.name, StorageKey)]
    for file_id in paths:
        # The server is asked by an alias: from a path it would have to look through all that it stores.
        aliases = [record.name for record in ledger.names_of(file_id) if isinstance(record.name, Alias)]
        keys += map(str, aliases[-1:])
    silent: list[PlatformError] = []
    for instance in () if paths else instances.values():
        try:
            keys += _meant(ledger, instance, text)
        except PlatformError as error:
            silent.append(error)
            if "://" in text:  # whose address it is can be read without anybody's help
                keys.append(str(instance.resolver.named(text)))
    return list(dict.fromkeys(keys)), silent


def _meant(ledger: Ledger, instance: Instance, text: str) -> Sequence[str]:
    """By what the server of an instance says."""
    meant = instance.resolver.locate(text)
    if isinstance(meant, SubjectKey):
        return _shown_in(ledger, instance, meant)
    if isinstance(meant, Alias):
        ledger.add_name(meant, instance.resolver.address(meant))
    return [] if meant is None else [str(meant)]


def _shown_in(ledger: Ledger, instance: Instance, key: SubjectKey) -> Sequence[str]:
    """Keys of the names that a place shows. It is read if no feed has brought it."""
    seen = ledger.sightings_in(key)
    if not seen:
        _read(ledger, instance, key)
        seen = ledger.sightings_in(key)
    return [str(sighting.name) for sighting in seen]


def _endings(text: str) -> Sequence[str]:
    """The text, and what a path ends with: a store's folder or a bucket may stand before what the ledger has."""
    parts = text.split("/")
    return [text, *("/".join(parts[first:]) for first in range(1, min(len(parts) - 1, DEEPEST)))]


def _learn(ledger: Ledger, index: Index, key: str) -> Sequence[PlatformError]:
    """Ask the server about a name; what could not be asked."""
    record = ledger.name(key)
    if record is None or not isinstance(record.name, Alias):
        return ()
    learned = index.asking.learn(record.name)
    now = ledger.name(key)
    return (*learned.troubles, *(index.asking.complete(now.file_id) if now is not None else ()))


def _told(
    ledger: Ledger,
    index: Index,
    instances: Mapping[InstanceId, Instance],
    file_id: int,
    troubles: Sequence[PlatformError],
) -> Found:
    unasked = list(dict.fromkeys(map(str, troubles)))
    aliases = [record.name for record in ledger.names_of(file_id) if isinstance(record.name, Alias)]
    for name in aliases[:ASKED]:
        instance = instances.get(name.instance)
        if instance is None:
            unasked.append(f"{name.instance} is not configured any more")
            continue
        try:
            _search(ledger, instance, name, {str(one.subject.key) for one in ledger.sightings_of(file_id)})
        except PlatformError as error:
            unasked.append(f"{name.instance} could not be searched for {name.value}: {error}")
    if len(aliases) > ASKED:
        unasked.append(f"{len(aliases) - ASKED} more names were not searched for")
    file = ledger.file(file_id)
    if file is None:
        raise LookupError(file_id)
    back = Returns() if file.case is None else returned(ledger, file.case)
    return Found(file=file, known=index.about(file_id), returned=back, unasked=unasked)


def _search(ledger: Ledger, instance: Instance, name: Alias, seen: set[str]) -> None:
    """Have places recorded that show a name and that no feed has brought."""
    for subject in instance.resolver.uses(name):
        if str(subject.key) not in seen:
            _read(ledger, instance, subject.key)


def _read(ledger: Ledger, instance: Instance, key: SubjectKey) -> None:
    batch = instance.sources[0].read(key)
    if not isinstance(batch, Gone):
        ledger.record("", batch, examine_uploads=False)
