"""Everything policy may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bot.domain.content import Alias
from bot.domain.evidence import How

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, Community, InstanceId, Name, Sighting, Subject
    from bot.domain.evidence import Attribution, Evidence

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A thumbnail that the server made, in the thumbnail slot of a post that shows the file.

    ``looks_alike``: its PDQ lies near the file's. Without that it might be anything, a custom thumbnail for instance.
    ``orphan``: no post shows it in that slot, or at all; that it looks alike is everything that speaks for it.
    """

    name: Name
    url: str
    looks_alike: bool
    orphan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One file: what it is, who put it there, where it is shown."""

    evidence: Evidence
    attributions: Mapping[Name, Attribution]  # one for each name of the bytes
    addresses: Mapping[Name, str]  # public URL of each name
    sightings: Sequence[Sighting]  # under any of the names
    derived: Sequence[Derived]
    platforms: Mapping[InstanceId, str]
    backlog: bool  # everything that is known of the file was there before the bot started
    now: datetime
    fetched_again: int = 0  # how often our servers' image proxies brought the file back after it was purged
    proxied: int = 0  # addresses under which they show it
    items: Mapping[str, int] = field(default_factory=dict)  # account, by its ActivityPub id, to subjects of it seen
    _once: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def uploaders(self) -> Mapping[str, Account]:
        """Everybody who stored the bytes, by ActivityPub id."""
        return self._told("uploaders", self._uploaders)

    @property
    def trust(self) -> Mapping[str, How]:
        """The best evidence that somebody stored the bytes, by ActivityPub id."""
        return self._told("trust", self._trust)

    @property
    def shown_by_others(self) -> Sequence[Subject]:
        """Places that show the file from our servers, of others than those who stored it.

        Weak evidence makes nobody one of those, for it would let a purge take what an innocent shows: it counts for the
        very name that it is about, and for the others from ``hosted_by_authors_server`` on.
        """
        return self._told("shown by others", self._shown_by_others)

    @property
    def communities(self) -> Sequence[Community]:
        """Where it is shown, each once."""
        return self._told("communities", self._communities)

    def _told(self, what: str, found: Callable[[], T]) -> T:
        """Found out once: the guard asks for each of what may be ten thousand intents."""
        if what not in self._once:
            self._once[what] = found()
        kept: T = self._once[what]
        return kept

    def _uploaders(self) -> Mapping[str, Account]:
        return {a.uploader.uri: a.uploader for a in self.attributions.values() if a.uploader is not None}

    def _trust(self) -> Mapping[str, How]:
        best: dict[str, How] = {}
        for attribution in self.attributions.values():
            if attribution.uploader is not None:
                uri = attribution.uploader.uri
                best[uri] = min(attribution.how, best.get(uri, attribution.how))
        return best

    def _stored(self, name: Name, author: Account | None) -> bool:
        """Whether it is known well enough that somebody stored the bytes which are shown under a name."""
        if author is None:
            return False
        told = self.attributions.get(name)
        if told is not None and told.uploader is not None and told.uploader.uri == author.uri:
            return True
        return self.trust.get(author.uri, How.UNKNOWN) <= How.HOSTED_BY_AUTHORS_SERVER

    def _communities(self) -> Sequence[Community]:
        found = (sighting.subject.community for sighting in self.sightings)
        return list({one.uri: one for one in found if one is not None}.values())

    def _shown_by_others(self) -> Sequence[Subject]:
        uses: dict[str, Subject] = {}
        for sighting in self.sightings:
            if isinstance(sighting.name, Alias) and not self._stored(sighting.name, sighting.subject.author):
                uses[str(sighting.subject.key)] = sighting.subject
        return list(uses.values())
