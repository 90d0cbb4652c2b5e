"""From facts and rules to verdicts. A rule only records what it wants; nothing here acts, limits or holds."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, assert_never

from bot.domain.content import Alias, Attachment, Comment, Post
from bot.domain.decisions import (
    BanAccount,
    Because,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    Scope,
    SetSwitch,
    Switch,
    Verdict,
)
from bot.domain.evidence import How, ListMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.domain.content import Account, InstanceId, Sighting
    from bot.domain.decisions import Intent
    from bot.domain.evidence import Evidence, Hit, Score
    from bot.policy.facts import Facts
    from bot.policy.rules import Condition, Rule, Want


def judge(rules: Iterable[Rule], facts: Facts) -> Sequence[Verdict]:
    """What each rule that fires makes of the file, in the order of the rules.

    An exact hit on an allow list silences scores and near matches, never an exact block hit: that conflict is for the
    guard to hold.
    """
    verdicts = []
    for rule in rules:
        because = _because(rule.when, facts.evidence)
        if because is None or (_allowed(facts) and not because.exact):
            continue
        places = [sighting for sighting in facts.sightings if _fits(rule.when, sighting, facts)]
        unposted = not facts.sightings and _fits_unposted(rule.when, facts)
        if not places and not unposted:
            continue
        intents = _unique(chain.from_iterable(_wanted(want, rule, facts, places) for want in rule.then))
        verdicts.append(Verdict(rule_id=rule.id, rule_digest=rule.digest, because=because, intents=intents))
    return verdicts


def may_fire(rules: Iterable[Rule], evidence: Evidence) -> bool:
    """Whether any rule would fire on this evidence in some place."""
    return any(_because(rule.when, evidence) is not None for rule in rules)


def _allowed(facts: Facts) -> bool:
    return any(hit.mode is ListMode.ALLOW and hit.by.exact for hit in facts.evidence.hits)


def _because(when: Condition, evidence: Evidence) -> Because | None:
    if when.lists:
        hits = [
            hit
            for hit in evidence.hits
            if hit.mode is ListMode.BLOCK and hit.list_id in when.lists and (hit.by.exact or when.near)
        ]
        if hits:
            best = min(hits, key=lambda hit: (not hit.by.exact, hit.distance))
            ids = tuple(sorted({hit.list_id for hit in hits if hit.by.exact == best.by.exact}))
            distance = None if best.by.exact else best.distance
            return Because(text=_hit_text(best), exact=best.by.exact, list_ids=ids, distance=distance)
    if when.score is not None:
        for score in evidence.scores:
            if (score.detector, score.label) == (when.score.detector, when.score.label) and (
                score.agreed(when.score.frames) >= when.score.at_least
            ):
                threshold = when.score.at_least
                return Because(text=_score_text(score, threshold), exact=False, score=score.value, threshold=threshold)
    return None


def _hit_text(hit: Hit) -> str:
    how = f"{hit.by.value}" if hit.by.exact else f"{hit.by.value}, {hit.distance} bits away"
    how += f", {hit.where}" if hit.where else ""
    return f"flagged by list {hit.list_id} ({how})"


def _score_text(score: Score, threshold: float) -> str:
    reached = sum(value >= threshold for value in score.frames)
    frames = f" in {reached} of {len(score.frames)} frames looked at" if score.frames else ""
    return f"flagged by {score.detector}/{score.label} at threshold {threshold:g}{frames} (score {score.value:.3f})"


def _flagged_by(when: Condition, evidence: Evidence) -> str:
    """What may leave the house of the reason: ids and a threshold of the operator's own, no score."""
    because = _because(when, evidence)
    if because is not None and because.list_ids:
        return f"flagged by list {', '.join(because.list_ids)}"
    if when.score is not None:
        return f"flagged by {when.score.detector}/{when.score.label} at threshold {when.score.at_least:g}"
    return "flagged"


def _fits(when: Condition, sighting: Sighting, facts: Facts) -> bool:
    subject = sighting.subject
    if when.platforms and facts.platforms.get(subject.instance) not in when.platforms:
        return False
    return sighting.media.role in when.roles and _fits_account(when, subject.author, facts)


def _fits_account(when: Condition, account: Account | None, facts: Facts) -> bool:
    if when.local_author is not None and (account is None or account.is_local != when.local_author):
        return False
    if when.account_younger_than is not None:
        born = account.created_at if account else None
        if born is None or facts.now - born >= when.account_younger_than:
            return False
    if when.account_items_below is not None:
        return account is not None and facts.items.get(account.uri, 0) < when.account_items_below
    return True


def _fits_unposted(when: Condition, facts: Facts) -> bool:
    """A stored file that nobody posted has an uploader instead of an author, who may be unknown, and no role."""
    return any(
        (not when.platforms or facts.platforms.get(name.instance) in when.platforms)
        and _fits_account(when, attribution.uploader, facts)
        for name, attribution in facts.attributions.items()
        if isinstance(name, Alias | Attachment)
    )


def _wanted(want: Want, rule: Rule, facts: Facts, places: Sequence[Sighting]) -> Iterator[Intent]:
    """The deeds that a word in ``then`` means for this file.

    Posts and comments that show the file are reported, removed or marked; the file is purged under each of its names
    on our own servers; who *uploaded* it is limited or banned, whoever else posted it.
    """
    subjects = [place.subject for place in places if isinstance(place.subject, Post | Comment)]
    match want.kind:
        case Report.kind:
            yield from (Report(instance=s.instance, subject=s, text=rule.text) for s in subjects)
        case Remove.kind:
            yield from (Remove(instance=s.instance, subject=s, text=rule.text) for s in subjects)
        case MarkSensitive.kind:
            yield from (MarkSensitive(instance=s.instance, subject=s, text=rule.text) for s in subjects)
        case PurgeFile.kind:
            for name, url in facts.addresses.items():
                if isinstance(name, Alias | Attachment):
                    told = facts.attributions.get(name)
                    yield PurgeFile(
                        instance=name.instance,
                        name=name,
                        url=url,
                        uploader=None if told is None else told.uploader,
                        how=None if told is None else told.how,
                    )
            for derived in facts.derived:
                if isinstance(derived.name, Alias):
                    yield PurgeFile(
                        instance=derived.name.instance,
                        name=derived.name,
                        url=derived.url,
                        how=How.LOOKS_LIKE if derived.likeness_only else How.THUMBNAIL_OF,
                    )
        case LimitAccount.kind:
            for account in dict.fromkeys(a.uploader for a in facts.attributions.values() if a.uploader is not None):
                yield LimitAccount(
                    instance=account.instance,
                    account=account,
                    how=want.how,
                    text=rule.text,
                    known=facts.trust.get(account.uri),
                )
        case BanAccount.kind:
            yield from _bans(want, rule, facts, places)
        case SetSwitch.kind:
            yield from _switches(want, facts, places)
        case Notify.kind:
            text = f"rule {rule.id}: {_flagged_by(rule.when, facts.evidence)}"
            for instance in _instances(facts, places):
                yield Notify(instance=instance, text=text, sha256=facts.evidence.sha256)
        case other:
            raise ValueError(f"unknown deed {other!r}: the settings refuse it before it comes here")


def _bans(want: Want, rule: Rule, facts: Facts, places: Sequence[Sighting]) -> Iterator[BanAccount]:
    for attribution in facts.attributions.values():
        account = attribution.uploader
        if account is None:
            continue
        known = facts.trust.get(account.uri)
        match want.scope:
            case Scope.SITE:
                yield BanAccount(
                    instance=account.instance, account=account, days=want.days, text=rule.text, known=known
                )
            case Scope.COMMUNITY:
                for community in sorted(_communities_on(account.instance, places)):
                    yield BanAccount(
                        instance=account.instance,
                        account=account,
                        scope=Scope.COMMUNITY,
                        community_id=community,
                        days=want.days,
                        text=rule.text,
                        known=known,
                    )
            case _:
                assert_never(want.scope)


def _communities_on(instance: InstanceId, places: Sequence[Sighting]) -> set[str]:
    """The numbers that a server has for the communities where it shows a file: another one has other numbers."""
    shown = [place.subject.community for place in places if place.subject.instance == instance]
    return {community.local_id for community in shown if community is not None}


def _switches(want: Want, facts: Facts, places: Sequence[Sighting]) -> Iterator[SetSwitch]:
    """On every server where the file is; federation is switched off with the servers that it came from."""
    if want.switch is None:
        raise ValueError("a rule that turns a switch names it: the settings refuse it before it comes here")
    for instance in _instances(facts, places):
        if want.switch is not Switch.FEDERATION:
            yield SetSwitch(instance=instance, switch=want.switch, value=want.value)
            continue
        authors = [place.subject.author for place in places if place.subject.instance == instance]
        for host in sorted({author.home_host for author in authors if author is not None and not author.is_local}):
            yield SetSwitch(instance=instance, switch=want.switch, value=want.value, host=host)


def _instances(facts: Facts, places: Sequence[Sighting]) -> Sequence[InstanceId]:
    shown = [place.subject.instance for place in places]
    stored = [name.instance for name in facts.attributions if isinstance(name, Alias | Attachment)]
    uploaders = [attribution.uploader.instance for attribution in facts.attributions.values() if attribution.uploader]
    return list(dict.fromkeys([*shown, *uploaders, *(() if shown else stored)]))


def _unique(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    first: dict[tuple[str, str], Intent] = {}
    for intent in intents:
        first.setdefault((intent.kind, intent.target), intent)
    return tuple(sorted(first.values(), key=lambda intent: intent.rank))
