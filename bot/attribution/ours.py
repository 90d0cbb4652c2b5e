"""Files of one of our servers that another of ours shows by their address: whose they are, the first one tells."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.attribution.origin import attribute
from bot.domain.content import RemoteUrl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import Account, InstanceId, Name, Sighting, Upload
    from bot.domain.evidence import Attribution
    from bot.ports import Library, Resolver

KEPT = 20_000
"""Addresses that are kept in mind: those of a file are read again each time that it is judged."""

NESTING = 20
"""Proxies of ours that are looked behind, one in the address of another."""


class Ours:
    """Reads an address as the server that it leads to reads it. Contacts nobody. Thread-safe."""

    def __init__(self, library: Library, resolvers: Mapping[InstanceId, Resolver]) -> None:
        """``resolvers``: one for each instance."""
        self._library = library
        self._resolvers = resolvers
        self._behind = lru_cache(KEPT)(self._read)

    def behind(self, name: Name) -> Name:
        """What the server that has it calls the file of a name; the name itself, unless that is an address of ours."""
        return self._behind(name) if isinstance(name, RemoteUrl) else name

    def attribute(
        self,
        name: Name,
        *,
        uploads: Sequence[Upload],
        sightings: Sequence[Sighting],
        original: Attribution | None = None,
        proxied: Attribution | None = None,
        resembles: Attribution | None = None,
    ) -> Attribution:
        """Who put the file of a name on a server (see ``bot.attribution.origin``).

        Of an address of one of our servers that server tells it, or nobody does. Another one sees who shows it and not
        who stored it: to have an account there, or to be the only one who shows it, makes nobody its uploader.
        """
        own = self.behind(name)
        if own == name:
            return attribute(
                name, uploads=uploads, sightings=sightings, original=original, proxied=proxied, resembles=resembles
            )
        stored = self._library.upload(own)
        told = attribute(own, uploads=() if stored is None else (stored,), sightings=self._library.sightings_under(own))
        subjects = tuple(dict.fromkeys(sighting.subject.key for sighting in sightings))
        return replace(told, uploader=_as_known_there(told.uploader, sightings), subjects=subjects)

    def _read(self, name: RemoteUrl) -> Name:
        url = name.value
        for _ in range(NESTING):
            read = (resolver.named(url) for resolver in self._resolvers.values())
            found = next((one for one in read if not isinstance(one, RemoteUrl) or one.value != url), None)
            if found is None:
                break
            if not isinstance(found, RemoteUrl):
                return found
            url = found.value
        return name


def _as_known_there(uploader: Account | None, sightings: Sequence[Sighting]) -> Account | None:
    """The same account as the server knows it that shows the file, where it is the one who shows it.

    It can be dealt with there, too.
    """
    if uploader is None:
        return None
    authors = (sighting.subject.author for sighting in sightings)
    return next((one for one in authors if one is not None and one.uri == uploader.uri), uploader)
