"""From what is known of a file to verdicts and intents in the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Alias, Post
from bot.domain.decisions import Allow, Hold, HoldReason, IntentState, PurgeFile
from bot.domain.errors import PlatformError, SupersededError
from bot.domain.evidence import Evidence, ListMode
from bot.pipeline.stages import in_thread
from bot.policy import Derived, Facts, judge, may_fire
from bot.ports import Gone, Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution import Known
    from bot.domain.content import Name, SubjectKey
    from bot.domain.decisions import Decision, Intent, Verdict
    from bot.pipeline.stages import Stages


FACTUAL = {HoldReason.SHARED_FILE, HoldReason.WEAK_ATTRIBUTION, HoldReason.LIST_CONFLICT, HoldReason.PROTECTED}
"""Reasons that rest on what is known of a file, which may come to be known better."""

FIRST_LOOK = timedelta(seconds=5)
"""Lemmy makes the thumbnail of a post within seconds after it has published the post."""


class Judge:
    """Policy and guard, one file at a time: quotas are counted and spent by one."""

    def __init__(self, stages: Stages) -> None:
        """``stages``: the furnished rooms."""
        self._s = stages
        self._asked: set[Name] = set()  # names whose uses the platform was asked for
        self._revisited: set[SubjectKey] = set()
        self._one_at_a_time = asyncio.Lock()

    async def consider(self, file_id: int, scan: Evidence, *, all_known: bool = True) -> None:
        """Judge a file, or the picture it was made from: a server's thumbnail is no case of its own.

        It is one when it does not look like that picture, when the picture cannot be scanned, or when its very bytes
        are on a block list. ``all_known``: False while the platform has not said which other names the file has; a
        purge would take them along, so it has to wait.
        """
        listed = any(hit.by.exact and hit.mode is ListMode.BLOCK for hit in scan.hits)
        made_from = await in_thread(self._s.index.made_from, file_id)
        if any(original.scan is None for original, _ in made_from) and not listed:
            return  # the picture comes next, and asks for its thumbnails then
        alike = [original for original, looks_alike in made_from if looks_alike]
        for original in alike:
            if isinstance(original.scan, Evidence):
                await self._judge(original.id, original.scan, all_known=all_known)
        if listed or not alike:
            await self._judge(file_id, scan, all_known=all_known)

    async def consider_thumbnails(self, file_id: int) -> None:
        """Thumbnails that waited for this picture and turn out not to look like it."""
        for record, looks_alike in await in_thread(self._s.index.thumbnails, file_id):
            file = await in_thread(self._s.ledger.file, record.file_id)
            if file is not None and isinstance(file.scan, Evidence) and not looks_alike:
                await self._judge(file.id, file.scan)

    async def _judge(self, file_id: int, scan: Evidence, *, all_known: bool = True) -> None:
        """Verdicts and intents of one file, into the ledger.

        Before a file may go, its platform is asked where else it is shown. While that cannot be asked, everything but
        the purge is planned, and the error is raised afterwards so that the purge follows with the next try.
        """
        if not may_fire(self._s.rules, scan):
            return  # by far the most: nothing about them needs to be gathered
        verdicts, known = await self._verdicts(file_id, scan)
        unasked: PlatformError | None = None
        if not all_known:
            verdicts = [_without_purge(verdict) for verdict in verdicts]
        if any(isinstance(intent, PurgeFile) for verdict in verdicts for intent in verdict.intents):
            try:
                await in_thread(self._find_uses, known)
                verdicts, known = await self._verdicts(file_id, scan)
            except PlatformError as error:
                unasked = error
                verdicts = [_without_purge(verdict) for verdict in verdicts]
        if not verdicts:
            return
        facts = self._facts(scan, known)
        async with self._one_at_a_time:
            case = await in_thread(self._s.ledger.open_case, file_id)
            for verdict in verdicts:
                decisions = await in_thread(self._decide, verdict, facts)
                if case.state == "undone":
                    decisions = [_asked_first(intent, decision) for intent, decision in decisions]
                await in_thread(self._s.ledger.add_verdict, case.number, file_id, verdict, decisions)
                await in_thread(self._s.limiter.account_for, verdict)
                await in_thread(self._decide_again, case.number, decisions)
        await in_thread(self._look_again_later, known)
        if unasked is not None:
            raise unasked

    def _decide_again(self, case: int, decisions: Sequence[tuple[Intent, Decision]]) -> None:
        """What was decided on facts that turned out to be others: an uploader found late, another place that shows it.

        Only what nobody has decided or begun yet; limits and stages are for humans to overrule.
        """
        known = {(r.intent.kind, r.intent.target): r for r in self._s.ledger.intents(case=case)}
        for intent, decision in decisions:
            record = known.get((intent.kind, intent.target))  # nothing is planned for a case that was dismissed
            if record is None or record.approved_by is not None or record.attempts:
                continue
            try:
                if record.state is IntentState.HELD and isinstance(decision, Allow) and set(record.reasons) <= FACTUAL:
                    self._s.ledger.set_state(record.id, IntentState.READY, detail="known better now", seen=record)
                if record.state is IntentState.READY and isinstance(decision, Hold) and FACTUAL & set(decision.reasons):
                    self._s.ledger.set_state(
                        record.id, IntentState.HELD, reasons=decision.reasons, detail=decision.detail, seen=record
                    )
            except SupersededError:
                continue

    def _look_again_later(self, known: Known) -> None:
        """Once removed, a post is in no feed any more; what its server adds to it then is found by reading it again."""
        due = self._s.clock.now() + FIRST_LOOK
        for key in dict.fromkeys(s.subject.key for s in known.sightings if isinstance(s.subject, Post)):
            if key not in self._revisited:
                self._revisited.add(key)
                self._s.ledger.enqueue(TaskKind.REVISIT, str(key), Lane.REVISIT, not_before=due)

    async def _verdicts(self, file_id: int, scan: Evidence) -> tuple[Sequence[Verdict], Known]:
        known = await in_thread(self._s.index.about, file_id)
        return judge(self._s.rules, self._facts(scan, known)), known

    def _facts(self, scan: Evidence, known: Known) -> Facts:
        return Facts(
            evidence=scan,
            attributions=known.attributions,
            addresses=known.addresses,
            sightings=known.sightings,
            derived=[
                Derived(name=record.name, url=record.url, looks_alike=alike) for record, alike in known.thumbnails
            ],
            platforms={instance.id: instance.platform for instance in self._s.instances.values()},
            backlog=known.backlog,
            now=self._s.clock.now(),
            items=self._items(known),
        )

    def _items(self, known: Known) -> Mapping[str, int]:
        """How much was seen of everybody who shows or stored the file; asked only where a rule wants to know."""
        most = max((rule.when.account_items_below or 0 for rule in self._s.rules), default=0)
        if not most:
            return {}
        authors = [sighting.subject.author for sighting in known.sightings]
        uploaders = [attribution.uploader for attribution in known.attributions.values()]
        accounts = {account.uri: account for account in (*authors, *uploaders) if account is not None}
        return {uri: self._s.ledger.items_of(account, most=most) for uri, account in accounts.items()}

    def _find_uses(self, known: Known) -> None:
        """Ask our own servers, once for each name, for subjects that show the file and were never seen."""
        seen = {sighting.subject.key for sighting in known.sightings}
        for name in known.attributions:
            if not isinstance(name, Alias) or name in self._asked:
                continue
            instance = self._s.instances[name.instance]
            for subject in instance.resolver.uses(name):
                if subject.key not in seen:
                    seen.add(subject.key)
                    read_again(self._s, subject.key)
            self._asked.add(name)

    def _decide(self, verdict: Verdict, facts: Facts) -> Sequence[tuple[Intent, Decision]]:
        rule = next(rule for rule in self._s.rules if rule.id == verdict.rule_id)
        limiter = self._s.limiter
        round_ = limiter.begin(rule.id)
        decisions: list[tuple[Intent, Decision]] = []
        for intent in verdict.intents:
            offer = self._s.instances[intent.instance].enforcer.offers(intent)
            standing = limiter.stands(intent, round_)
            decision = self._s.guard.decide(
                intent, rule=rule, because=verdict.because, facts=facts, offer=offer, standing=standing
            )
            if isinstance(decision, Allow):
                limiter.spend(intent, round_)
            decisions.append((intent, decision))
        return decisions


def read_again(stages: Stages, key: SubjectKey) -> None:
    """Record a subject as it is now, if it still is. Raises ``PlatformError``."""
    batch = stages.instances[key.instance].sources[0].read(key)
    if not isinstance(batch, Gone):
        stages.ledger.record("", batch, examine_uploads=False)


def _asked_first(intent: Intent, decision: Decision) -> tuple[Intent, Decision]:
    """A human took back what was done for the case: nothing new is done for it without one."""
    if isinstance(decision, Allow):
        return intent, Hold(reasons=(HoldReason.NEEDS_APPROVAL,), detail="the case was undone")
    return intent, decision


def _without_purge(verdict: Verdict) -> Verdict:
    return replace(verdict, intents=tuple(i for i in verdict.intents if not isinstance(i, PurgeFile)))
