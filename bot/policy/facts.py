"""Everything policy may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bot.domain.content import SHOWS, Alias
from bot.domain.evidence import How

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, Community, InstanceId, Name, Sighting, Subject
    from bot.domain.evidence import Attribution, Evidence

T = TypeVar("T")

Staff: TypeAlias = "Mapping[InstanceId, Collection[str]]"
"""Who is staff now: by server, the local ids of its accounts. What an account says of itself counts besides."""
BY_LIKENESS = {How.THUMBNAIL_OF, How.LOOKS_LIKE}
"""What speaks for an account only because a picture of it looks like the file: anybody can make one that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What the server may have made from the file: a thumbnail.

    ``looks_alike``: its PDQ lies near the file's. Without that it might be anything, a custom thumbnail for instance.
    ``likeness_only``: that it looks alike is all that speaks for it. It is shown elsewhere, too, or as something else,
    or nowhere at all; or nobody tells who stored it. ``shown_in``: one place for each author in each community.
    """

    name: Name
    url: str
    looks_alike: bool
    likeness_only: bool = False
    shown_in: Sequence[Subject] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One file: what it is, who put it there, where it is shown."""

    evidence: Evidence
    attributions: Mapping[Name, Attribution]  # one for each name of the bytes
    addresses: Mapping[Name, str]  # public URL of each name
    sightings: Sequence[Sighting]  # under any of the names
    elsewhere: Sequence[Sighting] = ()  # under an address of it on another server of ours, not looked at there yet
    ours: Mapping[Name, Name] = field(default_factory=dict)  # to such an address what the server of the file calls it
    derived: Sequence[Derived]
    platforms: Mapping[InstanceId, str]
    backlog: bool  # everything that is known of the file was there before the bot started
    now: datetime
    fetched_again: int = 0  # how often our servers' image proxies brought the file back after it was purged
    proxied: int = 0  # addresses under which they show it
    untold: Collection[InstanceId] = ()  # servers of ours that do not tell of all that was stored whose it is
    staff: Staff = field(default_factory=dict)  # of the servers of everybody who shows or stored it
    items: Mapping[str, int] = field(default_factory=dict)  # account, by its ActivityPub id, to subjects of it seen
    _once: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def trust(self) -> Mapping[str, How]:
        """The best evidence that somebody stored the bytes, by ActivityPub id."""
        return self._told("trust", self._trust)

    @property
    def shown_by_others(self) -> Sequence[Subject]:
        """Places that show the file from our servers, of others than those who stored it.

        Weak evidence makes nobody one of those, for it would let a purge take what an innocent shows: it counts for the
        very name that it is about, and for the others from ``hosted_by_authors_server`` on. Where a server does not
        tell whose a name is, the account of that server that alone shows it under that name is none of the others.
        What another server of ours shows by its address is shown from there, too.
        """
        return self._told("shown by others", self._shown_by_others)

    @property
    def owners(self) -> Sequence[Account]:
        """Whose file it is: who stored it, and who alone shows it under a name that nobody is known to have stored.

        Each as every server knows them that tells of them: staff of the one are strangers to the other. Where one who
        stored it is known well, nobody shields it whose picture it only looks like.
        """
        return self._told("owners", self._owners)

    @property
    def made(self) -> Mapping[Name, Derived]:
        """What the server may have made from it, by name."""
        return self._told("made", lambda: {one.name: one for one in self.derived})

    @property
    def _alone(self) -> Mapping[Name, Account]:
        return self._told("alone", self._alone_with)

    def _alone_with(self) -> Mapping[Name, Account]:
        known = {self._own(name) for name, told in self.attributions.items() if told.uploader is not None}
        return alone_with(self._shown, known, self.ours)

    @property
    def _shown(self) -> Iterable[Sighting]:
        return chain(self.sightings, self.elsewhere)

    def _own(self, name: Name) -> Name:
        """What the server of the file calls it."""
        return self.ours.get(name, name)

    def _owners(self) -> Sequence[Account]:
        known_well = any(how <= How.HOSTED_BY_AUTHORS_SERVER for how in self.trust.values())
        told = [one for one in self.attributions.values() if not (known_well and one.how in BY_LIKENESS)]
        stored = (one.uploader for one in told if one.uploader is not None)
        return each_once(chain(stored, self._alone.values()))

    @property
    def communities(self) -> Sequence[Community]:
        """Where it is shown, each once on every server that shows it: each has a number of its own for it."""
        return self._told("communities", self._communities)

    def _told(self, what: str, found: Callable[[], T]) -> T:
        """Found out once: the guard asks for each of what may be ten thousand intents."""
        if what not in self._once:
            self._once[what] = found()
        kept: T = self._once[what]
        return kept

    def _trust(self) -> Mapping[str, How]:
        best: dict[str, How] = {}
        for attribution in self.attributions.values():
            if attribution.uploader is not None:
                uri = attribution.uploader.uri
                best[uri] = min(attribution.how, best.get(uri, attribution.how))
        return best

    def _stored(self, name: Alias, author: Account | None) -> bool:
        """Whether it is known well enough that somebody stored the bytes which are shown under a name."""
        if author is None:
            return False
        told = self.attributions.get(name)
        if told is not None and told.uploader is not None and told.uploader.uri == author.uri:
            return True
        alone = self._alone.get(name) if name.instance in self.untold else None
        # Who has no account there cannot have stored it there.
        if alone is not None and alone.uri == author.uri and alone.is_local and alone.instance == name.instance:
            return True
        return self.trust.get(author.uri, How.UNKNOWN) <= How.HOSTED_BY_AUTHORS_SERVER

    def _communities(self) -> Sequence[Community]:
        return communities_of(self.sightings)

    def _shown_by_others(self) -> Sequence[Subject]:
        uses: dict[str, Subject] = {}
        for sighting in self._shown:
            name = self._own(sighting.name)
            if isinstance(name, Alias) and not self._stored(name, sighting.subject.author):
                uses[str(sighting.subject.key)] = sighting.subject
        return list(uses.values())


def communities_of(sightings: Iterable[Sighting]) -> Sequence[Community]:
    """Where they are, each once on every server: one that two servers know has a number of its own on either."""
    found = (sighting.subject.community for sighting in sightings)
    return list({(one.instance, one.uri): one for one in found if one is not None}.values())


def alone_with(
    sightings: Iterable[Sighting], stored: Collection[Name], ours: Mapping[Name, Name]
) -> Mapping[Name, Account]:
    """Who alone shows a file of ours under a name that is not in ``stored``, and does not just link it; by name.

    ``ours``: to addresses on another server of ours what the file's own server calls it. Its word for an account comes
    first.
    """
    shown: dict[Alias, list[Sighting]] = {}
    for sighting in sightings:
        name = ours.get(sighting.name, sighting.name)
        if isinstance(name, Alias) and name not in stored:
            shown.setdefault(name, []).append(sighting)
    found: dict[Name, Account] = {}
    for name, seen in shown.items():
        authors = {one.subject.author.uri if one.subject.author is not None else None for one in seen}
        seen.sort(key=lambda one: one.subject.instance != name.instance)
        author = next((one.subject.author for one in seen if one.media.role in SHOWS), None)
        if author is not None and authors == {author.uri}:
            found[name] = author
    return found


def each_once(accounts: Iterable[Account]) -> Sequence[Account]:
    """Accounts as each server knows them."""
    return list({(account.instance, account.uri): account for account in accounts}.values())
