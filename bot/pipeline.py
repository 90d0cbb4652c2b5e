"""One task through the stages, in order: attribution, media, matching, classify, policy; or enforcement."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.domain.content import Alias
from bot.domain.decisions import Allow, PurgeFile, Remove
from bot.domain.errors import LeaseLostError, LedgerError, PlatformError, RateLimitedError
from bot.domain.evidence import Evidence, ListMode, MatchedBy, Unscannable, UnscannableKind
from bot.policy import Derived, Facts, judge
from bot.ports import Gone, ListEntry, TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.attribution import Index, Known
    from bot.domain.content import InstanceId, Name
    from bot.domain.decisions import Decision, Intent, Verdict
    from bot.domain.evidence import Hit, Scan
    from bot.enforce import Enforcement
    from bot.policy import Guard, Rule
    from bot.ports import (
        Clock,
        Decoder,
        Fetcher,
        FileRecord,
        Instance,
        IntentRecord,
        Lease,
        Ledger,
        Matcher,
        Scorer,
        Task,
    )

T = TypeVar("T")
log = structlog.get_logger(__name__)

TRIES = 12
"""Tries of one file before it is parked: with the back-off below, about half a day."""

LONGEST_WAIT = 3600.0  # seconds

GOOD_PDQ = 50
"""Quality under which a PDQ hash says little, by https://github.com/facebook/ThreatExchange/tree/main/pdq."""

HOPELESS = {UnscannableKind.GONE, UnscannableKind.NOT_MEDIA, UnscannableKind.UNSUPPORTED}
"""Nothing to come back for; a new sighting asks again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The rooms, as the composition root furnished them."""

    ledger: Ledger
    instances: Mapping[InstanceId, Instance]
    index: Index
    fetcher: Fetcher
    decoder: Decoder
    matcher: Matcher
    scorer: Scorer
    rules: Sequence[Rule]
    guard: Guard
    enforcement: Enforcement
    clock: Clock
    confirmed_list: str  # the block list that confirmed cases fill


class Pipeline:
    """Carries tasks through the stages. Everything synchronous runs in threads."""

    def __init__(self, stages: Stages) -> None:
        """``stages``: the furnished rooms."""
        self._s = stages
        self._asked: set[Name] = set()  # names whose uses the platform was asked for
        self._judging = asyncio.Lock()  # quotas are counted and spent by one at a time

    async def run(self, task: Task, lease: Lease | None) -> None:
        """Do one task and say in the ledger what came of it.

        A fault of one item ends with that item: it is postponed or parked, and shown. Raises only ``LedgerError``.
        """
        try:
            match task.kind:
                case TaskKind.EXAMINE:
                    await self._examine_task(task)
                case TaskKind.ENFORCE:
                    await self._enforce_task(task, lease)
        except LeaseLostError:
            await self._later(task, 5.0, "somebody else acts now", count=False)
        except LedgerError:
            raise
        except RateLimitedError as error:
            await self._later(task, error.retry_after, str(error), count=False)
        except PlatformError as error:
            await self._again(task, str(error))
        except Exception as error:
            log.exception("task failed", kind=task.kind.value, target=task.target)
            await self._again(task, f"{type(error).__name__}: {error}")

    async def examine(self, key: str) -> Scan | None:
        """Scan what a name stands for and act on it in the ledger; ``None`` if the name is not known."""
        record = await _thread(self._s.ledger.name, key)
        if record is None:
            return None
        digest = await _thread(self._s.index.learn, record.name)
        known = await _thread(self._s.ledger.file_by_sha256, digest) if digest else None
        scan: Scan | None = await self._fresh(known) if known is not None else None
        file_id = known.id if known is not None and scan is not None else record.file_id
        if scan is None:
            scan, file_id = await self._scan(record.name, record.url, record.file_id)
        if isinstance(scan, Evidence):
            await self._judge(file_id, scan)
            await self._wake_originals(file_id)
        return scan

    # ------------------------------------------------------------------------------------------------------- tasks

    async def _examine_task(self, task: Task) -> None:
        scan = await self.examine(task.target)
        if isinstance(scan, Unscannable) and scan.kind not in HOPELESS:
            now = self._s.clock.now()
            if scan.retry_at is not None and task.attempts < TRIES:
                wait = max(_back_off(task.attempts), (scan.retry_at - now).total_seconds())
                await self._later(task, wait, f"{scan.kind.value}: {scan.detail}")
            else:
                await _thread(self._s.ledger.park, task, f"{scan.kind.value}: {scan.detail}")
            return
        if isinstance(scan, Evidence) and any(gap.endswith(": unavailable") for gap in scan.gaps):
            await self._again(task, "; ".join(scan.gaps))
            return
        await _thread(self._s.ledger.finish, task)

    async def _enforce_task(self, task: Task, lease: Lease | None) -> None:
        if lease is None:
            await self._later(task, 5.0, "nobody here may act", count=False)
            return
        progress = await _thread(self._s.enforcement.work, int(task.target), lease.fence)
        if progress.again_at is None:
            await _thread(self._s.ledger.finish, task)
        else:
            until = max(progress.again_at, self._s.clock.now() + timedelta(milliseconds=200))
            await self._until(task, until, progress.why, count=False)

    async def _again(self, task: Task, reason: str) -> None:
        if task.attempts >= TRIES:
            await _thread(self._s.ledger.park, task, reason)
        else:
            await self._later(task, _back_off(task.attempts), reason)

    async def _later(self, task: Task, seconds: float, reason: str, *, count: bool = True) -> None:
        until = self._s.clock.now() + timedelta(seconds=min(seconds, LONGEST_WAIT))
        await self._until(task, until, reason, count=count)

    async def _until(self, task: Task, until: datetime, reason: str, *, count: bool) -> None:
        await _thread(lambda: self._s.ledger.postpone(task, until=until, reason=reason, count=count))

    # -------------------------------------------------------------------------------------------------------- scan

    async def _fresh(self, file: FileRecord) -> Evidence | None:
        """The scan we have, with hits by today's lists, unless a detector has changed or was missing."""
        scan = file.scan
        if not isinstance(scan, Evidence) or scan.gaps:
            return None
        known = {(score.detector, score.revision) for score in scan.scores}
        if not set(self._s.scorer.revisions.items()) <= known:
            return None
        hits = await self._match(scan)
        if tuple(hits) != tuple(scan.hits):
            scan = replace(scan, hits=tuple(hits))
            await _thread(self._s.ledger.save_scan, file.id, scan)
        return scan

    async def _match(self, scan: Evidence) -> Sequence[Hit]:
        return await _thread(
            lambda: self._s.matcher.match(
                sha256=scan.sha256, pixels=scan.pixels, pdq=scan.pdq, pdq_quality=scan.pdq_quality
            )
        )

    async def _scan(self, name: Name, url: str, file_id: int) -> tuple[Scan, int]:
        fetched = await self._s.fetcher.fetch(url)
        if isinstance(fetched, Unscannable):
            await _thread(self._s.ledger.save_scan, file_id, fetched)
            return fetched, file_id
        sha256 = await _thread(lambda: hashlib.sha256(fetched.data).hexdigest())
        file_id = await _thread(self._s.ledger.bind, name, sha256)
        file = await _thread(self._s.ledger.file, file_id)
        fresh = await self._fresh(file) if file is not None else None
        if fresh is not None:
            return fresh, file_id
        scan = await self._look(fetched.data, sha256)
        await _thread(self._s.ledger.save_scan, file_id, scan)
        return scan, file_id

    async def _look(self, data: bytes, sha256: str) -> Scan:
        decoded = await self._s.decoder.decode(data, self._s.scorer.views)
        if isinstance(decoded, Unscannable):
            blind = Evidence(
                sha256=sha256, media_type="", size=len(data), gaps=(f"decode: {decoded.kind.value}: {decoded.detail}",)
            )
            hits = await self._match(blind)
            # A hit on the bytes stands although nobody could look at them; without one there is no evidence at all.
            return replace(blind, hits=tuple(hits)) if hits else decoded
        scores, gaps = await self._s.scorer.score(decoded)
        scan = Evidence(
            sha256=sha256,
            media_type=decoded.media_type,
            size=len(data),
            width=decoded.width,
            height=decoded.height,
            pixels=decoded.pixels,
            pdq=decoded.pdq,
            pdq_quality=decoded.pdq_quality,
            findings=tuple(decoded.findings),
            scores=tuple(scores),
            gaps=(*decoded.gaps, *gaps),
        )
        return replace(scan, hits=tuple(await self._match(scan)))

    # ------------------------------------------------------------------------------------------------------- judge

    async def _judge(self, file_id: int, scan: Evidence) -> None:
        """Verdicts and intents of one file, into the ledger.

        Before a file may go, its platform is asked where else it is shown. While that cannot be asked, everything but
        the purge is planned, and the error is raised afterwards so that the purge follows with the next try.
        """
        verdicts, known = await self._verdicts(file_id, scan)
        unasked: PlatformError | None = None
        if any(isinstance(intent, PurgeFile) for verdict in verdicts for intent in verdict.intents):
            try:
                await _thread(self._find_uses, known)
                verdicts, known = await self._verdicts(file_id, scan)
            except PlatformError as error:
                unasked = error
                verdicts = [_without_purge(verdict) for verdict in verdicts]
        if not verdicts:
            return
        facts = self._facts(scan, known)
        async with self._judging:
            case = await _thread(self._s.ledger.open_case, file_id)
            for verdict in verdicts:
                decisions = await _thread(self._decide, verdict, facts)
                await _thread(self._s.ledger.add_verdict, case.number, file_id, verdict, decisions)
        if unasked is not None:
            raise unasked

    async def _verdicts(self, file_id: int, scan: Evidence) -> tuple[Sequence[Verdict], Known]:
        known = await _thread(self._s.index.about, file_id)
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
        )

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
                    batch = instance.sources[0].read(subject.key)
                    if not isinstance(batch, Gone):
                        self._s.ledger.record("", batch, examine_uploads=False)
            self._asked.add(name)

    def _decide(self, verdict: Verdict, facts: Facts) -> Sequence[tuple[Intent, Decision]]:
        rule = next(rule for rule in self._s.rules if rule.id == verdict.rule_id)
        hour_ago = self._s.clock.now() - timedelta(hours=1)
        spent: dict[str, int] = {}
        decisions: list[tuple[Intent, Decision]] = []
        for intent in verdict.intents:
            offer = self._s.instances[intent.instance].enforcer.offers(intent)
            used = self._s.ledger.used(intent.kind, hour_ago) + spent.get(intent.kind, 0)
            decision = self._s.guard.decide(
                intent, rule=rule, because=verdict.because, facts=facts, offer=offer, used=used
            )
            if isinstance(decision, Allow):
                spent[intent.kind] = spent.get(intent.kind, 0) + 1
            decisions.append((intent, decision))
        return decisions

    async def _wake_originals(self, file_id: int) -> None:
        """A thumbnail that is known now may belong to a case of the picture it was made from."""
        for name in await _thread(self._s.index.originals, file_id):
            record = await _thread(self._s.ledger.name, str(name))
            file = await _thread(self._s.ledger.file, record.file_id) if record is not None else None
            if file is not None and file.case is not None and isinstance(file.scan, Evidence):
                await self._judge(file.id, file.scan)


def remember_confirmed(ledger: Ledger, record: IntentRecord, list_id: str) -> None:
    """What a confirmed case removed is known at once when it returns: its fingerprints join a block list."""
    if not isinstance(record.intent, Remove | PurgeFile) or not (record.because.exact or record.approved_by):
        return
    case = ledger.case(record.case)
    for file_id in case.files if case is not None else ():
        file = ledger.file(file_id)
        if file is None or not isinstance(file.scan, Evidence):
            continue
        prints = {
            MatchedBy.SHA256: file.scan.sha256,
            MatchedBy.PIXELS: file.scan.pixels,
            MatchedBy.PDQ: file.scan.pdq if (file.scan.pdq_quality or 0) >= GOOD_PDQ else None,
        }
        entries = [
            ListEntry(list_id=list_id, mode=ListMode.BLOCK, by=by, digest=digest, case=record.case)
            for by, digest in prints.items()
            if digest is not None
        ]
        ledger.add_entries(entries)


def _without_purge(verdict: Verdict) -> Verdict:
    return replace(verdict, intents=tuple(i for i in verdict.intents if not isinstance(i, PurgeFile)))


async def _thread(function: Callable[..., T], *arguments: object) -> T:
    return await asyncio.to_thread(function, *arguments)


def _back_off(tries: int) -> float:
    """Seconds to wait after so many tries: 2, 4, 8 … up to an hour."""
    return min(LONGEST_WAIT, 2.0**tries)
