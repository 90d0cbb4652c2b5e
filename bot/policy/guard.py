"""Says of each intent whether it may be carried out now, or why it waits for a human. Limits hold; they never drop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from bot.domain.content import Alias
from bot.domain.decisions import (
    Allow,
    BanAccount,
    Hold,
    HoldReason,
    PurgeFile,
    Remove,
    Report,
    Stage,
)
from bot.domain.evidence import How, ListMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import Account, Community, Subject
    from bot.domain.decisions import Because, Decision, Intent, Offer
    from bot.policy.facts import Facts
    from bot.policy.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator decided once, for all rules."""

    irreversible: frozenset[str] = frozenset()  # kinds that may be done although nothing brings them back
    evidence: str | None = None  # the choice that a purge needs: "none" keeps no copy
    per_hour: Mapping[str, int] = field(default_factory=dict)  # kind -> deeds allowed in any hour
    backlog_stage: Stage = Stage.REPORT  # how far to go with what was there before the bot started
    protected_accounts: frozenset[str] = frozenset()  # handles or ActivityPub ids
    protected_communities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The one place where permission is given."""

    limits: Limits

    def decide(
        self, intent: Intent, *, rule: Rule, because: Because, facts: Facts, offer: Offer, used: int
    ) -> Decision:
        """``used``: how many intents of this kind were allowed within the last hour."""
        reasons = [
            reason
            for reason, applies in (
                (HoldReason.STAGE, intent.stage > self._stage(rule, facts)),
                (
                    HoldReason.NEEDS_APPROVAL,
                    not because.exact
                    and not rule.unattended
                    and (isinstance(intent, BanAccount) or not offer.reversible),
                ),
                (HoldReason.IRREVERSIBLE_OFF, not offer.reversible and intent.kind not in self.limits.irreversible),
                (HoldReason.NO_EVIDENCE_POLICY, self.no_evidence_policy(intent)),
                (HoldReason.PROTECTED, self.protects(intent, _accounts(intent, facts))),
                (HoldReason.LIST_CONFLICT, _conflict(facts)),
                (HoldReason.WEAK_ATTRIBUTION, _weak(intent, rule, facts)),
                (HoldReason.SHARED_FILE, not rule.any_use and bool(_innocent_uses(intent, facts))),
            )
            if applies
        ]
        if not reasons and used >= self.limits.per_hour.get(intent.kind, used + 1):
            reasons.append(HoldReason.QUOTA)
        if not reasons:
            return Allow()
        return Hold(reasons=tuple(reasons), detail=self._detail(intent, facts, reasons))

    def _stage(self, rule: Rule, facts: Facts) -> Stage:
        return min(rule.stage, self.limits.backlog_stage) if facts.backlog else rule.stage

    def no_evidence_policy(self, intent: Intent) -> bool:
        """A purge destroys evidence; the operator has to have said that this is wanted."""
        return isinstance(intent, PurgeFile) and self.limits.evidence is None

    def protects(self, intent: Intent, uploaders: Sequence[Account]) -> bool:
        """Staff, and accounts and communities that the operator listed, are never acted on.

        ``uploaders``: of the file, for a purge.
        """
        match intent:
            case Report() | Remove():
                return self._protected(intent.subject.author) or self._protected_place(intent.subject.community)
            case PurgeFile():
                return any(self._protected(account) for account in uploaders)
            case BanAccount():
                return self._protected(intent.account)
            case _:
                assert_never(intent)

    def _protected(self, account: Account | None) -> bool:
        if account is None:
            return False
        return account.is_staff or not self.limits.protected_accounts.isdisjoint({account.handle, account.uri})

    def _protected_place(self, community: Community | None) -> bool:
        if community is None:
            return False
        return not self.limits.protected_communities.isdisjoint({community.handle, community.uri})

    def _detail(self, intent: Intent, facts: Facts, reasons: Sequence[HoldReason]) -> str:
        if HoldReason.SHARED_FILE in reasons:
            uses = _innocent_uses(intent, facts)
            return "also shown in " + ", ".join(str(use.key) for use in uses[:5])
        if HoldReason.QUOTA in reasons:
            return f"more than {self.limits.per_hour[intent.kind]} within an hour"
        return ""


def _accounts(intent: Intent, facts: Facts) -> Sequence[Account]:
    if not isinstance(intent, PurgeFile):
        return ()
    return [a.uploader for a in facts.attributions.values() if a.uploader is not None]


def _conflict(facts: Facts) -> bool:
    exact = {hit.mode for hit in facts.evidence.hits if hit.by.exact}
    return exact >= {ListMode.ALLOW, ListMode.BLOCK}


def _weak(intent: Intent, rule: Rule, facts: Facts) -> bool:
    match intent:
        case BanAccount():
            known = [a.how for a in facts.attributions.values() if _same(a.uploader, intent.account)]
            return min(known, default=How.UNKNOWN) > rule.min_attribution
        case PurgeFile():
            return any(d.name == intent.name and not d.looks_alike for d in facts.derived)
        case _:
            return False


def _same(one: Account | None, other: Account) -> bool:
    return one is not None and one.uri == other.uri


def _innocent_uses(intent: Intent, facts: Facts) -> Sequence[Subject]:
    """Places that would lose the picture although somebody else than its uploaders put it there.

    A purge takes the bytes, so every name of them counts; places on other servers keep their own copy.
    """
    if not isinstance(intent, PurgeFile):
        return ()
    uploaders = {a.uploader.uri for a in facts.attributions.values() if a.uploader is not None}
    uses: dict[str, Subject] = {}
    for sighting in facts.sightings:
        author = sighting.subject.author
        if isinstance(sighting.name, Alias) and (author is None or author.uri not in uploaders):
            uses[str(sighting.subject.key)] = sighting.subject
    return list(uses.values())
