"""Says of each intent whether it may be carried out now, or why it waits for a human. Limits hold; they never drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from bot.domain.decisions import (
    Allow,
    BanAccount,
    Hold,
    HoldReason,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    Scope,
    SetSwitch,
    Stage,
)
from bot.domain.evidence import How, ListMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.content import Account, Community, Subject
    from bot.domain.decisions import Because, Decision, Intent, Offer
    from bot.policy.facts import Facts, Staff
    from bot.policy.limits import Limits, Standing, Used
    from bot.policy.rules import Rule


RETURNS = 3
"""Times that a file may come back through the image proxy, for each address of it, before a human looks at why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The one place where permission is given."""

    limits: Limits

    def decide(
        self, intent: Intent, *, rule: Rule, because: Because, facts: Facts, offer: Offer, standing: Standing
    ) -> Decision:
        """Allow, or hold with every reason that applies. Limits are only asked where nothing else holds."""
        reasons = [
            reason
            for reason, applies in (
                (HoldReason.STOPPED, bool(standing.stopped)),
                (HoldReason.STAGE, _stage_of(intent, offer) > self._stage(rule, facts)),
                (HoldReason.UNCALIBRATED, _uncalibrated(rule, because, facts)),
                (
                    HoldReason.NEEDS_APPROVAL,
                    not because.exact
                    and not rule.unattended
                    and (isinstance(intent, BanAccount | SetSwitch) or not offer.reversible),
                ),
                (HoldReason.IRREVERSIBLE_OFF, not offer.reversible and intent.kind not in self.limits.irreversible),
                (HoldReason.NO_EVIDENCE_POLICY, self.no_evidence_policy(intent)),
                (HoldReason.PROTECTED, self._protects(intent, facts)),
                (HoldReason.LIST_CONFLICT, _conflict(facts)),
                (HoldReason.WEAK_ATTRIBUTION, _weak(intent, rule, facts)),
                (HoldReason.SHARED_FILE, not rule.any_use and bool(_innocent_uses(intent, facts))),
                (HoldReason.RETURNS, _in_a_loop(intent, facts)),
                (HoldReason.FIRST_DEEDS, standing.approvals < rule.hold_first),
                (HoldReason.NOT_OFFERED, offer.hold),
                (HoldReason.BREAKER, bool(standing.tripped) and not because.exact),
            )
            if applies
        ]
        over = "" if reasons else self._over(intent, standing.used)
        if over:
            reasons.append(HoldReason.QUOTA)
        if not reasons:
            return Allow()
        return Hold(
            reasons=tuple(reasons),
            detail="; ".join(self._details(reasons, intent, rule, facts, offer, standing, over)),
        )

    def _details(
        self,
        reasons: Sequence[HoldReason],
        intent: Intent,
        rule: Rule,
        facts: Facts,
        offer: Offer,
        standing: Standing,
        over: str,
    ) -> Iterator[str]:
        for reason in reasons:
            match reason:
                case HoldReason.STOPPED:
                    yield standing.stopped
                case HoldReason.SHARED_FILE:
                    yield "also shown in " + ", ".join(str(use.key) for use in _innocent_uses(intent, facts)[:5])
                case HoldReason.RETURNS:
                    yield (
                        f"purged, and fetched again {facts.fetched_again} times by the image proxy: as long as a post "
                        "that shows it is seen, it comes back; remove the post, or block the address on your server"
                    )
                case HoldReason.FIRST_DEEDS:
                    yield f"{standing.approvals} of the first {rule.hold_first} are approved so far"
                case HoldReason.NOT_OFFERED:
                    yield offer.why_not
                case HoldReason.BREAKER:
                    yield standing.tripped
                case HoldReason.QUOTA:
                    yield over

    def _over(self, intent: Intent, used: Used) -> str:
        """Which limit is reached, in words; empty if none is."""
        quotas = self.limits.quotas
        for limits, so_far, where in (
            (quotas.per_hour, used.hour, "within an hour"),
            (quotas.per_day, used.day, "within a day"),
            (quotas.per_account, used.account, "within a day about one account"),
            (quotas.per_community, used.community, "within a day in one community"),
        ):
            limit = limits.get(intent.kind)
            if limit is not None and so_far >= limit:
                return f"more than {limit} {where}"
        return ""

    def _stage(self, rule: Rule, facts: Facts) -> Stage:
        return min(rule.stage, self.limits.backlog_stage) if facts.backlog else rule.stage

    def no_evidence_policy(self, intent: Intent) -> bool:
        """A purge destroys evidence; the operator has to have said that this is wanted."""
        return isinstance(intent, PurgeFile) and self.limits.evidence is None

    def protects(
        self, intent: Intent, owners: Sequence[Account], communities: Sequence[Community], staff: Staff
    ) -> bool:
        """Staff, and accounts and communities that the operator listed, are never acted on.

        What hits an account everywhere is about the account, whichever places it was seen in. ``owners`` of the file,
        for a purge; ``communities`` that it is shown in, for a purge and for a ban from one of them. ``staff``: of the
        servers of these accounts, and of the one that the intent is about.
        """
        match intent:
            case Report() | Remove() | MarkSensitive():
                return self._protected(intent.subject.author, staff) or self._protected_place(intent.subject.community)
            case PurgeFile():
                return any(self._protected(one, staff) for one in owners) or any(
                    map(self._protected_place, communities)
                )
            case BanAccount(scope=Scope.COMMUNITY):
                there = [one for one in communities if _is(one, intent)]
                return self._protected(intent.account, staff) or any(map(self._protected_place, there))
            case LimitAccount() | BanAccount():
                return self._protected(intent.account, staff)
            case SetSwitch() | Notify():
                return False
            case _:
                assert_never(intent)

    def _protects(self, intent: Intent, facts: Facts) -> bool:
        return self.protects(intent, _accounts(intent, facts), _communities(intent, facts), facts.staff)

    def _protected(self, account: Account | None, staff: Staff) -> bool:
        if account is None:
            return False
        is_staff = account.is_staff or account.local_id in staff.get(account.instance, ())
        return is_staff or self.limits.names_account(account)

    def _protected_place(self, community: Community | None) -> bool:
        return community is not None and self.limits.names_community(community)


def _stage_of(intent: Intent, offer: Offer) -> Stage:
    """The lowest stage that allows it: what the platform cannot take back does more than hide."""
    return Stage.ENFORCE if intent.stage is Stage.HIDE and not offer.reversible else intent.stage


def _is(community: Community, ban: BanAccount) -> bool:
    return (community.instance, community.local_id) == (ban.instance, ban.community_id)


def _accounts(intent: Intent, facts: Facts) -> Sequence[Account]:
    """Whose file a purge would take. A thumbnail is also of whoever shows it, for it may be another one's."""
    if not isinstance(intent, PurgeFile):
        return ()
    shown_by = [subject.author for subject in _shown_in(intent, facts) if subject.author is not None]
    return [*facts.owners, *shown_by] if shown_by else facts.owners


def _communities(intent: Intent, facts: Facts) -> Sequence[Community]:
    there = [subject.community for subject in _shown_in(intent, facts) if subject.community is not None]
    return [*facts.communities, *there] if there else facts.communities


def _shown_in(intent: Intent, facts: Facts) -> Sequence[Subject]:
    """Where a thumbnail is shown that would be purged."""
    made = facts.made.get(intent.name) if isinstance(intent, PurgeFile) else None
    return () if made is None else made.shown_in


def _conflict(facts: Facts) -> bool:
    exact = {hit.mode for hit in facts.evidence.hits if hit.by.exact}
    return exact >= {ListMode.ALLOW, ListMode.BLOCK}


def _weak(intent: Intent, rule: Rule, facts: Facts) -> bool:
    match intent:
        case LimitAccount() | BanAccount():
            return facts.trust.get(intent.account.uri, How.UNKNOWN) > rule.min_attribution
        case PurgeFile():
            made = facts.made.get(intent.name)
            return made is not None and (made.likeness_only or not made.looks_alike)
        case _:
            return False


def _uncalibrated(rule: Rule, because: Because, facts: Facts) -> bool:
    """Whether the verdict rests on a score of a revision that nobody measured on pictures of this server."""
    wanted = rule.when.score
    if wanted is None or wanted.calibrated_for is None or because.list_ids:
        return False
    if rule.uncalibrated and not wanted.preset:
        return False
    revisions = {
        score.revision
        for score in facts.evidence.scores
        if (score.detector, score.label) == (wanted.detector, wanted.label)
    }
    return not revisions or not revisions <= wanted.calibrated_for


def _in_a_loop(intent: Intent, facts: Facts) -> bool:
    """Whether purging a proxy's copy has proved to be in vain: what views a post brings it back."""
    if not isinstance(intent, PurgeFile) or intent.how is not How.PROXIED_FOR:
        return False
    return facts.fetched_again > RETURNS * max(1, facts.proxied)


def _innocent_uses(intent: Intent, facts: Facts) -> Sequence[Subject]:
    """Places that would lose the picture although somebody else than its uploaders put it there.

    A purge takes the bytes, so every name of them counts; places on other servers keep their own copy.
    """
    return facts.shown_by_others if isinstance(intent, PurgeFile) else ()
