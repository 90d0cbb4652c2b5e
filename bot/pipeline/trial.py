"""What rules would make of files. Nothing is done, nothing is written, and no server is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.attribution import Index
from bot.domain.decisions import Offer
from bot.domain.evidence import Evidence, failed
from bot.pipeline.scan import hits_of, matched
from bot.pipeline.weighing import gather, weigh, whose_turn
from bot.policy import judge, may_fire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import InstanceId
    from bot.domain.decisions import Because, Decision, Intent
    from bot.domain.evidence import Scan
    from bot.pipeline.scan import Blind
    from bot.pipeline.stand_in import StandIn
    from bot.pipeline.standing import Limiter
    from bot.policy import Facts, Guard, Rule
    from bot.ports import Clock, Ledger, Looked, Matcher, Resolver

ASSUMED = (
    "that your servers offer every deed, and that what can be undone on their platform can be undone on them",
    "that the file is shown nowhere else than where the bot has seen it",
    "that nobody has become staff of your servers since the bot saw what they posted or uploaded",
    "quotas, breakers, first deeds and the kill switch as they stand now, for each file by itself",
)
"""What a trial cannot know, in words: it follows ``Assumed:``."""

NOTES = {
    "dismissed": "its case was dismissed: nothing more would be planned for it",
    "undone": "its case was undone: nothing new would be done for it without you",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One rule fires on one file."""

    rule_id: str
    rule_digest: str
    because: Because
    decisions: Sequence[tuple[Intent, Decision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the rules would make of one file."""

    scan: Scan
    firings: Sequence[Firing] = ()
    lacks: Sequence[str] = ()  # what rules would need to know besides, in words
    note: str = ""


class Trial:
    """Rules that are tried: the same judging and the same guard as in the pipeline."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        rules: Sequence[Rule],
        guard: Guard,
        limiter: Limiter,
        matcher: Matcher,
        platforms: Mapping[InstanceId, str],
        irreversible: Mapping[str, frozenset[str]],
        revisions: Mapping[str, str],
        passed_over: Mapping[str, str],
        behind: Mapping[str, str],
        resolvers: Mapping[InstanceId, Resolver],
    ) -> None:
        """``resolvers``: one for each instance; none is contacted. ``irreversible``: for each platform the kinds of
        deeds that nothing takes back. By the ids of detectors: ``revisions``; ``passed_over``, see ``Scorer``;
        ``behind``: the one that looks first.
        """
        self._ledger = ledger
        self._clock = clock
        self._index = Index(ledger, resolvers, asks=False)
        self._rules = rules
        self._guard = guard
        self._limiter = limiter
        self._matcher = matcher
        self._platforms = platforms
        self._irreversible = irreversible
        self._revisions = revisions
        self._passed_over = passed_over
        self._behind = behind

    def stored(self, looked: Looked) -> Tried:
        """A file that the ledger knows, by its newest scan and today's lists. Ages are as of that scan."""
        scan = replace(looked.scan, hits=hits_of(looked.scan, self._matcher))
        lacks = self._lacks(scan)
        if not may_fire(self._rules, scan):
            return Tried(scan=scan, lacks=lacks)
        if not whose_turn(self._index, looked.file, scan).itself:
            return Tried(scan=scan, lacks=lacks, note="a thumbnail: it is judged with the picture it was made from")
        known = self._index.about(looked.file)
        facts = gather(scan, known, library=self._ledger, rules=self._rules, platforms=self._platforms, now=looked.at)
        return Tried(scan=scan, lacks=lacks, firings=self._firings(facts), note=NOTES.get(looked.case_state, ""))

    def picture(self, seen: Evidence | Blind, stand_in: StandIn) -> Tried:
        """A picture that nobody posted, as if somebody had."""
        scan = matched(seen, self._matcher)
        if not isinstance(scan, Evidence):
            return Tried(scan=scan)
        facts = stand_in.facts(scan, platforms=self._platforms, now=self._clock.now())
        return Tried(scan=scan, lacks=self._lacks(scan), firings=self._firings(facts))

    def _firings(self, facts: Facts) -> Sequence[Firing]:
        rules = {rule.id: rule for rule in self._rules}
        return [
            Firing(
                rule_id=verdict.rule_id,
                rule_digest=verdict.rule_digest,
                because=verdict.because,
                decisions=weigh(
                    verdict,
                    facts,
                    rule=rules[verdict.rule_id],
                    guard=self._guard,
                    limiter=self._limiter,
                    offers=self._offers,
                ),
            )
            for verdict in judge(self._rules, facts)
        ]

    def _offers(self, intent: Intent) -> Offer:
        everywhere = frozenset[str]().union(*self._irreversible.values())
        lasting = self._irreversible.get(self._platforms.get(intent.instance, ""), everywhere)
        return Offer(supported=True, reversible=intent.kind not in lasting, route="assumed")

    def _lacks(self, scan: Evidence) -> Sequence[str]:
        """Scores that rules ask for and the scan does not have, or has from another revision of the detector."""
        scored = {(score.detector, score.revision) for score in scan.scores}
        wanted = dict.fromkeys(rule.when.score.detector for rule in self._rules if rule.when.score is not None)
        lacks = []
        for detector in wanted:
            revision = self._revisions.get(detector)
            if (detector, revision) in scored:
                continue
            if revision is not None and failed(detector, revision) in scan.gaps:
                lacks.append(f"{detector} failed on it")
            elif any(gap.startswith(f"{detector}: failed") for gap in scan.gaps):
                lacks.append(f"another revision of {detector} failed on it")
            elif any(known == detector for known, _ in scored):
                lacks.append(f"scored by another revision of {detector}")
            elif any(gap.startswith(f"{detector}: not needed") for gap in scan.gaps):
                lacks += self._passed_over_then(detector, scan)
            else:
                lacks.append(f"not scored by {detector} yet")
        return lacks

    def _passed_over_then(self, detector: str, scan: Evidence) -> Sequence[str]:
        """What is lacking although another detector had found it not worth a look: nothing, if it would today."""
        first = self._behind.get(detector)
        if first is None or self._passed_over.get(detector) not in scan.gaps:
            return [f"passed over by {detector} under another `after` than today's"]
        if not any((score.detector, score.revision) == (first, self._revisions.get(first)) for score in scan.scores):
            return [f"passed over by {detector} after another revision of {first}"]
        return []
