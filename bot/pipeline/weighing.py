"""From what is known of a file to what the guard says of it. Asks no server; common to judging and to trying rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.decisions import Allow
from bot.domain.evidence import Evidence, ListMode
from bot.policy import Derived, Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.attribution import Index, Known, Made
    from bot.domain.content import Account, InstanceId, Name
    from bot.domain.decisions import Decision, Intent, Offer, Verdict
    from bot.domain.evidence import Scan
    from bot.pipeline.standing import Limiter
    from bot.policy import Guard, Rule, Staff
    from bot.ports import FileRecord, Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is judged when a file was scanned."""

    itself: bool
    pictures: Sequence[FileRecord] = ()  # that it is a thumbnail of, and that take it along


def by_todays(scan: Evidence, revisions: Mapping[str, str]) -> Evidence:
    """Without the scores of detectors that are others by now: no deed follows from those.

    ``revisions``: of the detectors of today, by their ids. The very same scan where nothing is left out.
    """
    scores = [score for score in scan.scores if revisions.get(score.detector) == score.revision]
    return scan if len(scores) == len(scan.scores) else replace(scan, scores=scores)


def whose_turn(index: Index, file_id: int, scan: Evidence, name: Name | None = None) -> Turn:
    """The file, or the picture it was made from: a server's thumbnail is no case of its own.

    It is one when it does not look like that picture, when the picture cannot be scanned, or when it is on a block list
    itself. A small picture and its thumbnail have the same pixels, and so are on the same list: then the thumbnail goes
    with the picture all the same, unless it is shown as something else, too. In a raid each post has one of its own.
    ``name``: by what is shown under this name of it, instead of all of them.
    """
    listed = _listed(scan)
    made_from = index.beside.made_from(file_id, name)
    if any(original.scan is None for original, _ in made_from) and not listed:
        return Turn(itself=False)  # the picture comes next, and asks for its thumbnails then
    alike = [original for original, looks_alike in made_from if looks_alike]
    taken_along = bool(alike) and all(_listed(original.scan) for original in alike)
    if taken_along and listed:
        taken_along = index.beside.only_thumbnail(file_id, name)
    return Turn(itself=not alike or (listed and not taken_along), pictures=alike)


def _listed(scan: Scan | None) -> bool:
    """Whether a file is on a block list, by its bytes or its very pixels."""
    return isinstance(scan, Evidence) and any(hit.by.exact and hit.mode is ListMode.BLOCK for hit in scan.hits)


def gather(
    scan: Evidence,
    known: Known,
    *,
    library: Library,
    rules: Sequence[Rule],
    platforms: Mapping[InstanceId, str],
    now: datetime,
    purged_at: datetime | None = None,
    staff: Callable[[Iterable[InstanceId]], Staff] = lambda _: {},
) -> Facts:
    """Everything that these rules and the guard may look at.

    ``now``: what ages of accounts are reckoned by. ``purged_at``: when the file was purged for the first time.
    ``staff``: who is staff of these servers now; without it, whoever was when the bot saw them.
    """
    accounts = _accounts(known)
    beside = [subject.author for made in known.thumbnails for subject in made.shown_in if subject.author is not None]
    return Facts(
        evidence=scan,
        attributions=known.attributions,
        addresses=known.addresses,
        sightings=known.sightings,
        elsewhere=known.elsewhere,
        ours=known.ours,
        derived=[
            *map(_derived, known.thumbnails),
            *(Derived(name=one.name, url=one.url, looks_alike=True, likeness_only=True) for one in known.orphans),
        ],
        platforms=platforms,
        backlog=known.backlog,
        now=now,
        items=_items(accounts, library, rules),
        staff=staff({account.instance for account in (*accounts, *beside)}),
        fetched_again=known.returned(purged_at).fetched,
        proxied=known.proxied,
        untold=known.untold,
    )


def _accounts(known: Known) -> Sequence[Account]:
    """Everybody who shows or stored the file, as each server knows them."""
    authors = [sighting.subject.author for sighting in known.sightings]
    uploaders = [attribution.uploader for attribution in known.attributions.values()]
    return [account for account in (*authors, *uploaders) if account is not None]


def _derived(made: Made) -> Derived:
    return Derived(
        name=made.record.name,
        url=made.record.url,
        looks_alike=made.looks_alike,
        likeness_only=made.looks_alike and not made.sure,
        shown_in=made.shown_in,
    )


def _items(accounts: Sequence[Account], library: Library, rules: Sequence[Rule]) -> Mapping[str, int]:
    """How much was seen of each of these; asked only where a rule wants to know."""
    most = max((rule.when.account_items_below or 0 for rule in rules), default=0)
    if not most:
        return {}
    return {uri: library.items_of(one, most=most) for uri, one in {one.uri: one for one in accounts}.items()}


def weigh(
    verdict: Verdict,
    facts: Facts,
    *,
    rule: Rule,
    guard: Guard,
    limiter: Limiter,
    offers: Callable[[Intent], Offer],
) -> Sequence[tuple[Intent, Decision]]:
    """What the guard says of each intent of a verdict, in order: one that is allowed counts for the next."""
    round_ = limiter.begin(rule)
    decisions: list[tuple[Intent, Decision]] = []
    for intent in verdict.intents:
        offer, standing = offers(intent), limiter.stands(intent, round_)
        decision = guard.decide(intent, rule=rule, because=verdict.because, facts=facts, offer=offer, standing=standing)
        if isinstance(decision, Allow):
            limiter.spend(intent, round_)
        decisions.append((intent, decision))
    return decisions
