"""From a name to everything known about it: uploader, every place, every other name, and how each is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.content import SubjectKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution import Index, Known
    from bot.domain.content import InstanceId
    from bot.ports import FileRecord, Instance, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file that the text may mean."""

    file: FileRecord
    known: Known


def who(ledger: Ledger, index: Index, instances: Mapping[InstanceId, Instance], text: str) -> Sequence[Found]:
    """What an alias, a URL, a SHA-256 or the URL of a post leads to; empty if nothing is known.

    Servers are asked about aliases of their own; where they cannot be reached, ``PlatformError`` is raised.
    """
    found: dict[int, FileRecord] = {}
    for key in _names(ledger, index, instances, text.strip()):
        record = ledger.name(key)
        file = ledger.file(record.file_id) if record is not None else None
        if file is not None:
            found[file.id] = file
    if len(text.strip()) == 64:
        file = ledger.file_by_sha256(text.strip().lower())
        if file is not None:
            found[file.id] = file
    return [Found(file=file, known=index.about(file.id)) for file in found.values()]


def _names(ledger: Ledger, index: Index, instances: Mapping[InstanceId, Instance], text: str) -> Sequence[str]:
    keys = [str(record.name) for record in ledger.names_ending(text)]
    for instance in instances.values():
        meant = instance.resolver.locate(text)
        if isinstance(meant, SubjectKey):
            keys += [str(sighting.name) for sighting in ledger.sightings_in(meant)]
        elif meant is not None:
            troubles = index.learn(meant).troubles
            record = ledger.name(str(meant))
            for trouble in (*troubles, *(index.complete(record.file_id) if record is not None else ())):
                raise trouble
            keys.append(str(meant))
    return list(dict.fromkeys(keys))
