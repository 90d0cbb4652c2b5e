"""One task through the stages, in order: attribution, media, matching, classify, policy; or enforcement."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

import structlog

from bot.attribution import Learned
from bot.domain.content import Alias, RemoteUrl, SubjectKey
from bot.domain.errors import (
    BadAnswerError,
    LeaseLostError,
    LedgerError,
    NotLoggedInError,
    PlatformError,
    RateLimitedError,
    UnreachableError,
    WorkerStartError,
)
from bot.domain.evidence import Evidence, Unscannable, UnscannableKind
from bot.enforce import LONGEST_WAIT, back_off
from bot.pipeline.aftermath import came_back
from bot.pipeline.judge import Judge
from bot.pipeline.memory import Memory
from bot.pipeline.patience import TRIES, counts, is_lost, until_it_answers, until_it_is_back
from bot.pipeline.scan import Scanner, detector_out, transient
from bot.pipeline.stages import in_thread
from bot.pipeline.uses import read_again
from bot.ports import ABSENT, Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.content import Name
    from bot.domain.evidence import Scan
    from bot.pipeline.stages import Stages
    from bot.pipeline.standing import Limiter
    from bot.policy import Guard, Rule
    from bot.ports import FileRecord, Lease, Matcher, NameRecord, Task

log = structlog.get_logger(__name__)

SECOND_LOOK = 60.0
"""Seconds until a flagged post is read once more: Lemmy replaces the thumbnails of federated posts after a while."""

AWAY = (UnreachableError, BadAnswerError, NotLoggedInError)
"""What says nothing of a task, but that its server is away, or that something else answers in its place."""

STOPS = 3
"""Times that a decoder may be stopped at a file. One that is out of memory or starved may have met any file."""

OPINIONS = 3
"""Times that another server has to give us something else than media before it is believed. A proxy that is in trouble
answers with a page, sometimes with status 200. Our own server's store holds nothing else than media."""


class Pipeline:
    """Carries tasks through the stages. Everything synchronous runs in threads."""

    def __init__(self, stages: Stages, memory: Memory | None = None) -> None:
        """``stages``: the furnished rooms. ``memory``: of the pipeline before, if this process had one."""
        self._s = stages
        self._memory = memory or Memory()
        self._scanner = Scanner(stages)
        self._judge = Judge(stages, self._memory)

    def under(self, *, rules: Sequence[Rule], guard: Guard, limiter: Limiter, matcher: Matcher) -> Pipeline:
        """The same road by other rules. What is on its way already arrives by the old ones: no verdict mixes them."""
        stages = replace(self._s, rules=rules, guard=guard, limiter=limiter, matcher=matcher)
        return Pipeline(stages, self._memory)

    async def run(self, task: Task, lease: Lease | None) -> None:
        """Do one task and say in the ledger what came of it.

        A fault of one item ends with that item: it is postponed or parked, and shown. Raises only ``LedgerError``.
        """
        try:
            match task.kind:
                case TaskKind.EXAMINE:
                    await self._examine_task(task)
                case TaskKind.JUDGE:
                    await self._judge_task(task)
                case TaskKind.REVISIT:
                    await self._revisit_task(task)
                case TaskKind.ENFORCE:
                    await self._enforce_task(task, lease)
                case _:
                    assert_never(task.kind)
        except LeaseLostError:
            await self._later(task, 5.0, "somebody else acts now", count=False)
        except LedgerError:
            raise
        except RateLimitedError as error:
            await self._slowed_down(task, error)
        except AWAY as error:
            await self._away(task, str(error))
        except PlatformError as error:
            await self._again(task, str(error))
        except WorkerStartError as error:  # no fault of the file, however long it lasts
            await self._later(task, back_off(task.attempts), str(error))
        except Exception as error:
            log.exception("task failed", kind=task.kind.value, target=task.target)
            await self._again(task, f"{type(error).__name__}: {error}")

    async def examine(self, key: str, *, lane: Lane = Lane.DEEDS) -> Scan | None:
        """Scan what a name stands for and act on it in the ledger; ``None`` if the name is not known.

        When the platform cannot be asked about the name, the file is scanned and judged by what is known already, and
        the ``PlatformError`` is raised afterwards, so that the rest follows with the next try. ``lane``: of the task
        that judges the file, where that is not done at once.
        """
        record, learned, known = await in_thread(self._recall, key)
        if record is None:
            return None
        scan: Scan | None = known.scan if known is not None else None
        if known is not None and scan is not None:
            file_id = known.id
        else:
            scan, file_id = await self._scanner.scan(record.name, await in_thread(self._s.index.addresses, record))
        seen = scan if isinstance(scan, Evidence) else await in_thread(self._seen_before, record.name, file_id)
        if seen is not None:
            await self._judge.consider(record.name, file_id, seen, lane=lane, all_known=not learned.troubles)
        await self._judge.consider_thumbnails(record.name, lane=lane)
        for trouble in learned.troubles:
            raise trouble
        return scan

    def _seen_before(self, name: Name, file_id: int) -> Evidence | None:
        """What is known of an alias whose file is gone, or cannot be had now: it never stands for other bytes.

        Who shows it may come late: a feed tells of a post when its picture, known from the uploads, has been purged.
        """
        return self._evidence_of(file_id) if isinstance(name, Alias) else None

    def _evidence_of(self, file_id: int) -> Evidence | None:
        file = self._s.ledger.file(file_id)
        return file.scan if file is not None and isinstance(file.scan, Evidence) else None

    def _recall(self, key: str) -> tuple[NameRecord | None, Learned, FileRecord | None]:
        """The name, what its platform says of it, and its file if that was scanned well enough already."""
        record = self._s.ledger.name(key)
        if record is None:
            return None, Learned(digest=None), None
        learned = self._s.index.asking.recognise(record.name)
        file = self._s.ledger.file_by_sha256(learned.digest) if learned.digest is not None else None
        scan = self._scanner.fresh(file) if file is not None else None
        return record, learned, replace(file, scan=scan) if file is not None and scan is not None else None

    async def _examine_task(self, task: Task) -> None:
        scan = await self.examine(task.target, lane=Lane.BACKLOG if task.lane is Lane.BACKLOG else Lane.DEEDS)
        if isinstance(scan, Unscannable):
            await self._unscannable(task, scan, await in_thread(self._s.ledger.name, task.target))
            return
        if isinstance(scan, Evidence) and any(transient(gap) for gap in scan.gaps):
            reason = "; ".join(scan.gaps)
            if any(detector_out(gap) for gap in scan.gaps):
                # However long it is out, it has not seen the file: that stays queued and counted until it has.
                await self._later(task, back_off(task.attempts), reason)
            else:
                await self._again(task, reason)
            return
        await in_thread(self._s.ledger.finish, task)

    async def _unscannable(self, task: Task, scan: Unscannable, record: NameRecord | None) -> None:
        ours = record is not None and not isinstance(record.name, RemoteUrl)
        now, why = self._s.clock.now(), f"{scan.kind.value}: {scan.detail}"
        asks_for = scan.retry_at - now if scan.retry_at is not None else timedelta(0)
        match scan.kind:
            case UnscannableKind.GONE:
                wait = until_it_is_back(task, now, ours=ours)
                known = await in_thread(self._evidence_of, record.file_id) if record is not None else None
                if wait is None or known is not None:
                    await in_thread(self._s.ledger.finish, task)
                else:
                    await self._until(task, now + wait, ABSENT)
            case UnscannableKind.UNREACHABLE:
                await self._away(task, why, ours=ours, least=asks_for)
            case UnscannableKind.NOT_MEDIA if ours:
                await self._away(task, why, ours=True)
            case UnscannableKind.NOT_MEDIA if task.attempts < OPINIONS:
                await self._later(task, back_off(task.attempts), why)
            case UnscannableKind.NOT_MEDIA | UnscannableKind.UNSUPPORTED:
                await in_thread(self._s.ledger.finish, task)
            case UnscannableKind.KILLED if task.attempts < STOPS:
                await self._later(task, back_off(task.attempts), why)
            case _ if scan.retry_at is not None and task.attempts < TRIES:
                await self._later(task, max(back_off(task.attempts), asks_for.total_seconds()), why)
            case _:
                await in_thread(self._s.ledger.park, task, why)

    async def _judge_task(self, task: Task) -> None:
        file_id = int(task.target)
        until = self._judge.rests_until(file_id)
        if until is not None:
            await self._until(task, until, "", count=False)
            return
        await self._judge.judge(file_id)
        await in_thread(self._s.ledger.finish, task)

    async def _revisit_task(self, task: Task) -> None:
        """Twice, for what a server adds after it has published something: a thumbnail has a name of its own."""
        key = SubjectKey.parse(task.target)
        await in_thread(read_again, self._s, key)
        troubles = await in_thread(came_back, self._s.ledger, self._s.index, key)
        for trouble in troubles:
            raise trouble
        if task.attempts == 1:
            await self._later(task, SECOND_LOOK, "a second look")
        else:
            await in_thread(self._s.ledger.finish, task)

    async def _enforce_task(self, task: Task, lease: Lease | None) -> None:
        if lease is None:
            await self._later(task, 5.0, "nobody here may act", count=False)
            return
        work = self._s.enforcement.work
        progress = await in_thread(lambda: work(int(task.target), lease.fence, lane=task.lane))
        for case in progress.first:
            await in_thread(self._s.ledger.enqueue, TaskKind.ENFORCE, str(case), Lane.BANS)
        if progress.again_at is None:
            await in_thread(self._s.ledger.finish, task)
        else:
            until = max(progress.again_at, self._s.clock.now() + timedelta(milliseconds=200))
            await self._until(task, until, progress.why, count=False, lane=progress.lane)

    async def _slowed_down(self, task: Task, error: RateLimitedError) -> None:
        """No fault of the task. Those that judge wait longer each time, for there may be many, and few may ask."""
        judges = task.kind is TaskKind.JUDGE
        seconds = max(error.retry_after, back_off(task.attempts)) if judges else error.retry_after
        await self._later(task, seconds, str(error), count=judges)

    async def _away(self, task: Task, reason: str, *, ours: bool = True, least: timedelta = timedelta(0)) -> None:
        """No fault of the task, and outages last for hours. ``least``: what the server asked for."""
        now = self._s.clock.now()
        if task.kind is not TaskKind.JUDGE and is_lost(task, now, ours=ours):
            await in_thread(self._s.ledger.park, task, reason)
        else:
            await self._until(
                task, now + max(until_it_answers(task, now, ours=ours), least), reason, count=counts(task)
            )

    async def _again(self, task: Task, reason: str) -> None:
        # What judges has waited for limits, too, which count for its pauses: it is never given up for a server's sake.
        if task.attempts >= TRIES and task.kind is not TaskKind.JUDGE:
            await in_thread(self._s.ledger.park, task, reason)
        else:
            await self._later(task, back_off(task.attempts), reason)

    async def _later(self, task: Task, seconds: float, reason: str, *, count: bool = True) -> None:
        until = self._s.clock.now() + timedelta(seconds=min(seconds, LONGEST_WAIT))
        await self._until(task, until, reason, count=count)

    async def _until(
        self, task: Task, until: datetime, reason: str, *, count: bool = True, lane: Lane | None = None
    ) -> None:
        await in_thread(lambda: self._s.ledger.postpone(task, until=until, reason=reason, count=count, lane=lane))
