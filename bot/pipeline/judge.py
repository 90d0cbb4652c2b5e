"""From what is known of a file to verdicts and intents in the ledger."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from bot.domain.content import Post
from bot.domain.decisions import (
    Allow,
    BanAccount,
    Hold,
    HoldReason,
    IntentState,
    LimitAccount,
    MarkSensitive,
    PurgeFile,
    Remove,
    Report,
)
from bot.domain.errors import PlatformError, RateLimitedError, SupersededError
from bot.domain.evidence import Evidence
from bot.pipeline.stages import in_thread
from bot.pipeline.uses import Uses
from bot.pipeline.weighing import by_todays, gather, weigh, whose_turn
from bot.policy import Standing, joined, judge, may_fire, wording
from bot.ports import Filter, Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.attribution import Known
    from bot.domain.content import Name
    from bot.domain.decisions import Decision, Intent, Offer, Verdict
    from bot.pipeline.memory import Memory
    from bot.pipeline.stages import Stages
    from bot.policy import Facts, Rule
    from bot.ports import CaseRecord, IntentRecord

_Told: TypeAlias = "tuple[Facts, Sequence[Verdict]]"

FACTUAL = {HoldReason.SHARED_FILE, HoldReason.WEAK_ATTRIBUTION, HoldReason.LIST_CONFLICT, HoldReason.PROTECTED}
"""Reasons that rest on what is known of a file, which may come to be known better."""

FIRST_LOOK = timedelta(seconds=5)
"""Lemmy makes the thumbnail of a post within seconds after it has published the post."""

AT_ONCE = 200
"""Intents that are decided in one transaction."""

TOGETHER = 50
"""Names and places from which on a file that is seen again and again is not judged anew for each of them."""

RESTS = 10.0
"""How much longer than its judging such a file rests, for each file that rests: all of it is looked at each time, so a
tenth of the time goes into that, however large a raid is, and of however many files."""

SHORTEST_REST, LONGEST_REST = 1.0, 120.0  # seconds

SOON = timedelta(milliseconds=500)
"""After which a file that is being judged is asked for again."""


class Judge:
    """Policy and guard, one file at a time: quotas are counted and spent by one."""

    def __init__(self, stages: Stages, memory: Memory) -> None:
        """``stages``: the furnished rooms. ``memory``: shared by all judges of a process."""
        self._s = stages
        self._memory = memory
        self._uses = Uses(stages, memory)

    async def consider(self, name: Name, file_id: int, scan: Evidence, *, lane: Lane, all_known: bool = True) -> None:
        """Judge a file that was seen under a name, or the picture it was made from (see ``whose_turn``).

        A file that is being judged, or was just now and is seen again and again, is left to a task in ``lane``.
        ``all_known``: False while the platform has not said all about the name; a purge has to wait.
        """
        turn = await in_thread(whose_turn, self._s.index, file_id, scan, name)
        for picture in turn.pictures:
            if isinstance(picture.scan, Evidence):
                await self._now_or_later(picture.id, picture.scan, lane=lane, all_known=all_known)
        if turn.itself:
            await self._now_or_later(file_id, scan, lane=lane, all_known=all_known)

    async def consider_thumbnails(self, name: Name, *, lane: Lane) -> None:
        """Thumbnails that waited for what has this name, and turn out not to look like it."""
        for record, looks_alike in await in_thread(self._s.index.beside.thumbnails_of, name):
            file = await in_thread(self._s.ledger.file, record.file_id)
            if file is not None and isinstance(file.scan, Evidence) and not looks_alike:
                await self._now_or_later(file.id, file.scan, lane=lane)

    def rests_until(self, file_id: int) -> datetime | None:
        """When a file may be judged again; ``None``: now."""
        now = self._s.clock.now()
        if file_id in self._memory.busy:
            return max(now + SOON, self._memory.rests.get(file_id, now))
        until = self._memory.rests.get(file_id)
        return until if until is not None and until > now else None

    async def judge(self, file_id: int, *, all_known: bool = True) -> None:
        """Judge a file by its newest scan, whatever else is under way."""
        self._memory.busy.add(file_id)
        began, size = time.perf_counter(), 0
        began_at = self._s.clock.now()
        try:
            file = await in_thread(self._s.ledger.file, file_id)
            if file is not None and isinstance(file.scan, Evidence):
                scan = by_todays(file.scan, self._s.scorer.revisions)
                if scan is not file.scan and may_fire(self._s.rules, file.scan):
                    await in_thread(self._look_anew, file_id)
                if may_fire(self._s.rules, scan):
                    size = await self._judge(file.id, scan, all_known=all_known)
            if all_known:
                self._s.judged(file_id, began_at)
        finally:
            self._memory.busy.discard(file_id)
            if size > TOGETHER:
                self._rest(file_id, time.perf_counter() - began)

    def _look_anew(self, file_id: int) -> None:
        """Have today's detectors score a file of which an earlier one said what a rule acts on."""
        records = self._s.ledger.names_of(file_id)
        if records:
            self._s.ledger.enqueue(TaskKind.EXAMINE, str(records[-1].name), Lane.NEW)

    def _rest(self, file_id: int, took: float) -> None:
        """``took``: seconds of the judging that has just ended."""
        now = self._s.clock.now()
        others = sum(until > now for other, until in self._memory.rests.items() if other != file_id)
        rest = min(LONGEST_REST, max(SHORTEST_REST, RESTS * took * (1 + others)))
        self._memory.rests[file_id] = now + timedelta(seconds=rest)

    async def _now_or_later(self, file_id: int, scan: Evidence, *, lane: Lane, all_known: bool = True) -> None:
        """The first sightings are judged at once; of many that follow, those that come meanwhile are judged together.

        Judging many takes long, so whoever scans leaves it to those who do nothing else. What is left for later is in
        the task table before the task that found it ends: a crash loses none of it.
        """
        if not may_fire(self._s.rules, scan):
            return  # by far the most: nothing about them needs to be gathered
        until = self.rests_until(file_id)
        if until is None and file_id not in self._memory.rests:
            try:
                await self.judge(file_id, all_known=all_known)
                return
            except RateLimitedError as error:  # what is missing is not for the name that was seen to wait for
                until = self._s.clock.now() + timedelta(seconds=error.retry_after)
        await in_thread(lambda: self._s.ledger.enqueue(TaskKind.JUDGE, str(file_id), lane, not_before=until))

    async def _judge(self, file_id: int, scan: Evidence, *, all_known: bool) -> int:
        """Verdicts and intents of one file, into the ledger; the number of its names and places.

        Before a file may go, its platform is asked for its other names and where else it is shown. While that cannot
        be asked, everything but the purge is planned, and the error is raised afterwards so that the purge follows with
        the next try.
        """
        await in_thread(self._read_outdated, file_id)
        unasked: PlatformError | None = next(iter(await in_thread(self._s.index.asking.complete, file_id)), None)
        facts, verdicts, known = await in_thread(self._look, file_id, scan)
        size = len(known.sightings) + len(known.addresses)
        asks_first = any(self._waits_for_uses(verdict) for verdict in verdicts)
        if unasked is None and any(map(_purges, verdicts)):
            try:
                if await in_thread(self._ask_first, file_id, known, asks_first):
                    facts, verdicts, known = await in_thread(self._look, file_id, scan)
            except PlatformError as error:
                unasked = error
        if unasked is not None or not all_known:
            verdicts = [_without_purge(verdict) for verdict in verdicts]
        if not verdicts:
            return size
        case = await in_thread(self._s.ledger.open_case, file_id)
        for verdict in verdicts:
            await self._plan(case, file_id, verdict, facts)
        if unasked is None and not asks_first and any(map(_purges, verdicts)):
            await self._ask_afterwards(file_id, known)
        if unasked is not None:
            raise unasked
        return size

    def _read_outdated(self, file_id: int) -> None:
        """Have places read again that may have been edited before the address in them stood for this file.

        Nothing is done about them until then. The file is judged anew where it is still shown; each place is read once
        for it, or whoever edits a thousand would have them all read with every judging.
        """
        places = {one.subject.key: None for one in self._s.ledger.outdated(file_id)}
        new = [key for key in places if key.instance in self._s.instances and (file_id, key) not in self._memory.reread]
        self._s.ledger.enqueue_all(TaskKind.REVISIT, [str(key) for key in new], Lane.NEW)
        for key in new:
            self._memory.reread.add((file_id, key))

    def _ask_first(self, file_id: int, known: Known, uses: bool) -> bool:
        """What a purge must not be planned without; whether there may be anything new.

        ``uses``: also where the file itself is shown. A thumbnail may be another one's whatever the rule says of that.
        """
        new = self._uses.ask(file_id, known) > 0 if uses else False
        return self._uses.ask_of_thumbnails(known) or new

    async def _ask_afterwards(self, file_id: int, known: Known) -> None:
        """Other places cannot keep this file from going, but they are to be reported and cleared, too."""
        if await in_thread(self._uses.ask, file_id, known):
            await in_thread(self._s.ledger.enqueue, TaskKind.JUDGE, str(file_id), Lane.DEEDS)

    def _waits_for_uses(self, verdict: Verdict) -> bool:
        return _purges(verdict) and not self._rule(verdict).any_use

    def _rule(self, verdict: Verdict) -> Rule:
        return next(rule for rule in self._s.rules if rule.id == verdict.rule_id)

    def _look(self, file_id: int, scan: Evidence) -> tuple[Facts, Sequence[Verdict], Known]:
        known = self._s.index.about(file_id)
        facts = gather(
            scan,
            known,
            library=self._s.ledger,
            rules=self._s.rules,
            platforms={instance.id: instance.platform for instance in self._s.instances.values()},
            now=self._s.clock.now(),
            purged_at=self._purged_at(file_id),
            staff=self._s.staff,
        )
        return facts, judge(self._s.rules, facts), known

    def _purged_at(self, file_id: int) -> datetime | None:
        file = self._s.ledger.file(file_id)
        return None if file is None or file.case is None else self._s.ledger.first_done(file.case, PurgeFile.kind)

    async def _plan(self, case: CaseRecord, file_id: int, verdict: Verdict, facts: Facts) -> None:
        """Decide on the intents that the case does not have yet, in pieces: others wait for the ledger meanwhile."""
        wanted = () if case.state == "dismissed" else verdict.intents
        new = joined(await in_thread(self._s.ledger.unplanned, case.number, wanted), self._s.names_several)
        await in_thread(self._keep_wording, self._rule(verdict))
        await in_thread(self._look_again_later, new, facts)
        planned: set[tuple[str, str]] = set()
        for first in range(0, max(1, len(new)), AT_ONCE):
            piece = replace(verdict, intents=new[first : first + AT_ONCE])
            async with self._memory.one_at_a_time:
                planned |= await in_thread(self._decide, case, file_id, piece, facts)
        async with self._memory.one_at_a_time:
            await in_thread(self._s.limiter.account_for, verdict)
            # Another file of the case may have planned some meanwhile, on what is known of it.
            old = [intent for intent in wanted if (intent.kind, intent.target) not in planned]
            await in_thread(self._decide_again, case, file_id, replace(verdict, intents=old), facts)

    def _keep_wording(self, rule: Rule) -> None:
        self._s.ledger.keep_rule(rule.digest, rule.id, wording(rule))

    def _decide(self, case: CaseRecord, file_id: int, verdict: Verdict, facts: Facts) -> set[tuple[str, str]]:
        """Kind and target of what was planned by this, and not by others before."""
        new = self._s.ledger.add_verdict(case.number, file_id, verdict, self._weighed(case, verdict, facts))
        return {(record.intent.kind, record.intent.target) for record in new}

    def _weighed(self, case: CaseRecord, verdict: Verdict, facts: Facts) -> Sequence[tuple[Intent, Decision]]:
        rule = self._rule(verdict)
        decisions = weigh(verdict, facts, rule=rule, guard=self._s.guard, limiter=self._s.limiter, offers=self._offers)
        if case.state == "undone":
            return [_asked_first(intent, decision) for intent, decision in decisions]
        return decisions

    def _offers(self, intent: Intent) -> Offer:
        return self._s.instances[intent.instance].enforcer.offers(intent)

    def _decide_again(self, case: CaseRecord, file_id: int, verdict: Verdict, facts: Facts) -> None:
        """What was decided on facts that turned out to be others: an uploader found late, another place that shows it.

        Only what nobody has decided or begun yet; limits and stages are for humans to overrule. Better evidence about
        an uploader may come from any file of a case, worse only where no other file of it tells more: the thumbnail of
        a picture always tells less of who stored it than the picture does.
        """
        held = self._held_for_facts(case)
        known_better = [intent for intent in verdict.intents if (intent.kind, intent.target) in held]
        for intent, decision in self._weighed(case, replace(verdict, intents=known_better), facts):
            record = held[intent.kind, intent.target]
            if isinstance(decision, Allow) and set(record.reasons) <= FACTUAL and _untouched(record):
                self._move(record, IntentState.READY, detail="known better now")
        fresh = lru_cache(maxsize=None)(self._fresh)
        for intent in verdict.intents:
            if (intent.kind, intent.target) in held:
                continue
            decision = self._on_facts(intent, verdict, facts)
            if not isinstance(decision, Hold) or not FACTUAL & set(decision.reasons):
                continue
            for record in self._s.ledger.intents(case=case.number, kind=intent.kind, target=intent.target):
                if record.state is not IntentState.READY or not _untouched(record):
                    continue
                if not self._rests_on_better(case, file_id, record, decision, fresh):
                    self._move(record, IntentState.HELD, reasons=decision.reasons, detail=decision.detail)

    def _rests_on_better(
        self,
        case: CaseRecord,
        file_id: int,
        record: IntentRecord,
        decision: Hold,
        fresh: Callable[[int], _Told | None],
    ) -> bool:
        """Whether what speaks against a deed is only that this file tells less than another, or than it does by now.

        The file that it was decided on may be the one that tells less: a thumbnail that was judged before its picture.
        Whether others show what a purge would take, and who stored that, the file itself tells better than one that it
        is a thumbnail of, or that it looks like; and by now, than by what was known when its judging began: its picture
        may have been looked at meanwhile.
        """
        against = FACTUAL & set(decision.reasons)
        weak = against == {HoldReason.WEAK_ATTRIBUTION}
        if isinstance(record.intent, BanAccount | LimitAccount | PurgeFile) and weak and record.file != file_id:
            return True
        known = self._s.ledger.case(case.number)
        files = set() if known is None else {*known.files}
        if isinstance(record.intent, PurgeFile) and against <= {HoldReason.WEAK_ATTRIBUTION, HoldReason.SHARED_FILE}:
            own = self._s.ledger.name(str(record.intent.name))
            others = files & (set() if own is None else {own.file_id})
        elif isinstance(record.intent, BanAccount | LimitAccount) and weak:
            others = files - {file_id}
        else:
            return False
        return any(self._justifies(fresh(other), record.intent) for other in others)

    def _fresh(self, file_id: int) -> _Told | None:
        """What is known of a file by now, and what follows; ``None``: it cannot be judged."""
        file = self._s.ledger.file(file_id)
        if file is None or not isinstance(file.scan, Evidence):
            return None
        facts, verdicts, _known = self._look(file.id, file.scan)
        return facts, verdicts

    def _justifies(self, known: _Told | None, intent: Intent) -> bool:
        """Whether what is known of a file speaks for a deed, limits aside."""
        if known is None:
            return False
        facts, verdicts = known
        return any(
            not (isinstance(decision, Hold) and FACTUAL & set(decision.reasons))
            for verdict in verdicts
            if (intent.kind, intent.target) in {(one.kind, one.target) for one in verdict.intents}
            for decision in [self._on_facts(intent, verdict, facts)]
        )

    def _on_facts(self, intent: Intent, verdict: Verdict, facts: Facts) -> Decision:
        """What the guard says where nothing is used up."""
        rule = self._rule(verdict)
        return self._s.guard.decide(
            intent,
            rule=rule,
            because=verdict.because,
            facts=facts,
            offer=self._offers(intent),
            standing=Standing(approvals=rule.hold_first),
        )

    def _held_for_facts(self, case: CaseRecord) -> Mapping[tuple[str, str], IntentRecord]:
        return {
            (record.intent.kind, record.intent.target): record
            for reason in FACTUAL
            for record in self._s.ledger.find(Filter(case=case.number, states=(IntentState.HELD,), reason=reason))
        }

    def _move(
        self, record: IntentRecord, state: IntentState, *, detail: str, reasons: Sequence[HoldReason] = ()
    ) -> None:
        try:
            self._s.ledger.set_state(record.id, state, reasons=reasons, detail=detail, seen=record)
        except SupersededError:
            return  # somebody has decided otherwise meanwhile

    def _look_again_later(self, new: Sequence[Intent], facts: Facts) -> None:
        """Once removed, a post is in no feed any more; what its server adds to it then is found by reading it again."""
        subjects = {intent.subject.key for intent in new if isinstance(intent, Remove | MarkSensitive)}
        subjects |= {subject.key for intent in new if isinstance(intent, Report) for subject in intent.subjects}
        names = {intent.name for intent in new if isinstance(intent, PurgeFile)}
        due = self._s.clock.now() + FIRST_LOOK
        posts = [
            sighting.subject.key
            for sighting in facts.sightings
            if isinstance(sighting.subject, Post) and (sighting.subject.key in subjects or sighting.name in names)
        ]
        targets = [str(key) for key in dict.fromkeys(posts)]
        self._s.ledger.enqueue_all(TaskKind.REVISIT, targets, Lane.REVISIT, not_before=due)


def _asked_first(intent: Intent, decision: Decision) -> tuple[Intent, Decision]:
    """A human took back what was done for the case: nothing new is done for it without one."""
    if isinstance(decision, Allow):
        return intent, Hold(reasons=(HoldReason.NEEDS_APPROVAL,), detail="the case was undone")
    return intent, decision


def _without_purge(verdict: Verdict) -> Verdict:
    return replace(verdict, intents=tuple(i for i in verdict.intents if not isinstance(i, PurgeFile)))


def _purges(verdict: Verdict) -> bool:
    return any(isinstance(intent, PurgeFile) for intent in verdict.intents)


def _untouched(record: IntentRecord) -> bool:
    return record.approved_by is None and record.attempts == 0
