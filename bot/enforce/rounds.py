"""One round over a case: picks what may be done now, in which order, until others should have their turn.

A case may have tens of thousands of deeds while the server takes a few a second. So a round does some and comes back by
the task table, where the bans of other cases go first; and it never looks at more of the case than it needs to.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from bot.domain.decisions import (
    BanAccount,
    IntentState,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    SetSwitch,
)
from bot.enforce.order import CROWD, FIRST_IN_A_CROWD, blocker, purges_fail
from bot.ports import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bot.domain.content import InstanceId
    from bot.enforce.absent import Absent
    from bot.ports import Clock, Docket, IntentRecord

SLICE = 20
"""Deeds after which others have their turn."""

SLICE_SECONDS = 10.0
"""Seconds after which nothing new is begun in this round."""

PAGE = 50
"""Intents that are read at once."""

DEAF = 3
"""Deeds in a row whose server could not be asked: the others on that server wait for the next round."""

FOREIGN = 100
"""Bans of other cases whose reports are looked for in this one."""

WAIT = 1.0
"""Seconds until a round that was held up looks again; longer, if looking took long."""

KINDS = (Report, Notify, Remove, MarkSensitive, PurgeFile, LimitAccount, BanAccount, SetSwitch)
"""In the order of their ranks."""

ON_ACCOUNTS = (BanAccount.kind, LimitAccount.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a round over a case came to: when to come again, if anything is left, and in which lane."""

    again_at: datetime | None = None
    why: str = ""
    lane: Lane | None = None
    first: Sequence[int] = ()  # cases with reports that a ban of this one waits for
    tried: bool = True  # of one deed: whether its server was asked anything


class Round:
    """Made for one round and thrown away."""

    def __init__(
        self,
        docket: Docket,
        clock: Clock,
        case: int,
        *,
        absent: Absent,
        lane: Lane | None = None,
        unreportable: Collection[InstanceId] = (),
        do: Callable[[IntentRecord], Progress],
        undo: Callable[[IntentRecord], Progress],
        spread: Callable[[Sequence[Callable[[], None]]], None],
    ) -> None:
        """``do`` and ``undo`` carry out one intent. ``spread`` calls what it is given, as much at a time as it likes.

        ``absent``: the deeds whose server could not be asked, which ``do`` and ``undo`` note there. ``lane``: in which
        this round was asked for. ``unreportable``: instances that take no report on an account that is banned.
        """
        self._docket = docket
        self._clock = clock
        self._case = case
        self._absent = absent
        self._asked_in = lane
        self._unreportable = unreportable
        self._do = do
        self._undo = undo
        self._spread = spread
        self._began, self._began_at = time.monotonic(), clock.now()
        self._done = 0
        self._progress = Progress()
        self._held_up = ""  # what something waits for that goes on by itself
        self._stuck: set[int] = set()
        self._for_human: set[int] = set()  # ready, and impossible to judge afterwards: what they wait for is held
        self._deaf: Counter[str] = Counter()
        self._elsewhere: set[int] = set()
        self._let_others_ban = False
        self._lock = threading.Lock()  # what is spread comes back from several threads

    def go(self) -> Progress:
        """Undo what is to be undone, then do what is ready."""
        for kind in reversed(KINDS):
            if kind is Report:
                self._reports_last()
            else:
                self._each(kind.kind, IntentState.UNDOING, self._undo)
        crowded = self._docket.ready(most=CROWD + 1) > CROWD
        if crowded:
            self._crowd()
        elif not self._is_over():
            self._in_order()
        return self._result(crowded=crowded)

    def _reports_last(self) -> None:
        """Where deeds close reports, taking them back opens these again: so reports are closed after all that."""
        closing = (Remove.kind, MarkSensitive.kind, *ON_ACCOUNTS)
        under_way = {
            one.intent.instance
            for kind in closing
            for one in self._docket.intents(case=self._case, states=(IntentState.UNDOING,), kind=kind, limit=PAGE)
        } & set(self._unreportable)
        self._each(Report.kind, IntentState.UNDOING, self._undo, without=under_way)

    def _is_over(self) -> bool:
        return self._done >= SLICE or time.monotonic() - self._began >= SLICE_SECONDS

    # ------------------------------------------------------------------------------------------------ few deeds

    def _in_order(self) -> None:
        ready = self._ready()
        failing = purges_fail(ready)

        def turn(one: IntentRecord) -> tuple[int, int, bool, int]:
            late = 1 + one.attempts if failing and isinstance(one.intent, PurgeFile) else 0
            return late, one.intent.rank, isinstance(one.intent, MarkSensitive), one.id

        for record in sorted(ready, key=turn):
            if self._is_over():
                return
            due = record.not_before is None or record.not_before <= self._clock.now()
            if due and self._may(record):
                others = [one for one in self._ready() if self._counts_for(record, one)]
                self._turn(record, [*others, *self._hindrances(record)], crowded=False)

    def _ready(self) -> Sequence[IntentRecord]:
        return self._docket.intents(case=self._case, states=(IntentState.READY,))

    def _counts_for(self, record: IntentRecord, other: IntentRecord) -> bool:
        """A mark waits for a removal, and not for one that has failed and waits for its next try."""
        if not isinstance(record.intent, MarkSensitive) or not isinstance(other.intent, Remove):
            return True
        return other.not_before is None or other.not_before <= self._clock.now()

    def _hindrances(self, record: IntentRecord) -> Iterator[IntentRecord]:
        """What else could keep a deed waiting: held deeds of the case, and reports of others."""
        match record.intent:
            case Remove() | MarkSensitive():
                yield from self._docket.reports_on(self._case, [record.intent.target])
            case PurgeFile():
                found = self._docket.unsettled(self._case, (Report.kind, Remove.kind))
                yield from () if found is None else (found,)
            case LimitAccount() | BanAccount():
                yield from self._docket.reports_about(record.intent.account, limit=PAGE)
                yield from self._unfiled(record)
            case _:
                return

    def _unfiled(self, record: IntentRecord) -> Sequence[IntentRecord]:
        """Reports that a ban would make impossible, beside those that were never tried."""
        if record.intent.instance not in self._unreportable or record.intent.about is None:
            return ()
        return self._docket.reports_unfiled(record.intent.about, case=self._case, before=record.id, limit=PAGE)

    def _turn(self, record: IntentRecord, others: Sequence[IntentRecord], *, crowded: bool) -> None:
        stuck = self._absent.now(self._clock.now()) | self._stuck if crowded else self._stuck
        first = blocker(record, others, stuck | self._for_human, crowded=crowded, unreportable=self._unreportable)
        if first is None:
            self._act(record, self._do)
        elif first.state is IntentState.HELD or first.id in self._for_human:
            self._for_human.add(record.id)  # approving or dismissing that wakes the case up
        else:
            if first.id in self._stuck:
                self._stuck.add(record.id)  # as little possible as what it waits for: neither keeps a raider in
            self._wait_for(first)

    def _wait_for(self, first: IntentRecord) -> None:
        with self._lock:
            self._held_up = self._held_up or f"waiting for {first.intent.kind}"
            if first.case != self._case:
                self._elsewhere.add(first.case)

    def _act(self, record: IntentRecord, deed: Callable[[IntentRecord], Progress]) -> bool:
        """Whether it had its turn."""
        progress = deed(record)
        with self._lock:
            self._done += progress.tried
            if self._absent.has(record.id, self._clock.now()):
                self._stuck.add(record.id)
                self._deaf[record.intent.instance] += 1
            elif progress.tried:
                self._deaf[record.intent.instance] = 0
            self._progress = sooner(self._progress, progress)
        return progress.tried

    # ------------------------------------------------------------------------------------------------ many deeds

    def _crowd(self) -> None:
        self._each(SetSwitch.kind, IntentState.READY, self._do)
        self._bans(repeats=False)
        self._reports_for_bans_elsewhere()
        self._let_others_ban = self._asked_in is Lane.BANS and not self._done and self._only_repeats()
        if self._let_others_ban:
            return
        self._bans(repeats=True)
        self._each(Report.kind, IntentState.READY, self._do)
        self._each(Notify.kind, IntentState.READY, self._do)
        self._removals()
        if not self._is_over():
            first = self._docket.unsettled(self._case, (Report.kind, Remove.kind))
            if first is None:
                # The first one takes the file with all its names, and the others find it gone.
                self._each(PurgeFile.kind, IntentState.READY, self._do, at_once=1)
            elif (
                self._docket.turns(self._case, IntentState.READY, PurgeFile.kind, due=self._clock.now(), limit=1)
                and first.state is not IntentState.HELD
            ):
                self._wait_for(first)

    def _only_repeats(self) -> bool:
        """Whether all bans of this case are of accounts that another one has banned: they end no flood."""
        due = self._clock.now()
        ready = (self._docket.turns(self._case, IntentState.READY, kind, due=due, limit=1) for kind in ON_ACCOUNTS)
        return any(ready) and self._lane() is not Lane.BANS

    def _bans(self, *, repeats: bool) -> None:
        """Account by account: the reports that come before a ban or a limit, then that."""
        for kind in ON_ACCOUNTS:
            for page in self._pages(kind, IntentState.READY, repeats=repeats):
                bans = sorted(page, key=lambda one: (one.intent.about.uri if one.intent.about else "", one.id))
                chains = [list(some) for _, some in groupby(bans, key=lambda one: one.intent.about)]
                self._at_once([self._chain(chain) for chain in chains])

    def _chain(self, bans: Sequence[IntentRecord]) -> Callable[[], None]:
        def carry_out() -> None:
            for ban in bans:
                self._ban(ban)

        return carry_out

    def _ban(self, ban: IntentRecord) -> None:
        if not isinstance(ban.intent, LimitAccount | BanAccount):
            return
        while not self._is_over() and self._may(ban):
            reports = self._docket.reports_about(ban.intent.account, before=ban.id, limit=PAGE)
            stuck = self._absent.now(self._clock.now())
            own = [one for one in reports if one.case == self._case and one.id not in stuck]
            if not own:
                self._turn(ban, [*reports, *self._unfiled(ban)], crowded=True)
                return
            for report in own:
                if self._is_over() or not self._may(report):
                    return
                if not self._act(report, self._do):
                    self._wait_for(report)
                    return

    def _reports_for_bans_elsewhere(self) -> None:
        """A ban of another case waits for reports that only this one may file."""
        if self._is_over():
            return
        for kind in ON_ACCOUNTS:
            for ban in self._docket.unlike_all_done(kind, limit=FOREIGN):
                self._reports_for(ban)

    def _reports_for(self, ban: IntentRecord) -> None:
        if not self._is_over() and ban.case != self._case and ban.intent.about is not None:
            reports = self._docket.reports_about(ban.intent.about, before=ban.id, limit=PAGE)
            self._at_once([self._one(one, self._do) for one in reports if one.case == self._case and self._may(one)])

    def _removals(self) -> None:
        for kind in (Remove.kind, MarkSensitive.kind):
            for page in self._pages(kind, IntentState.READY):
                reports: dict[str, list[IntentRecord]] = {}
                for report in self._docket.reports_on(self._case, [one.intent.target for one in page]):
                    for subject in report.intent.subjects if isinstance(report.intent, Report) else ():
                        reports.setdefault(str(subject.key), []).append(report)
                some = [one for one in page if self._may(one)]
                self._at_once([self._removal(one, reports.get(one.intent.target, [])) for one in some])

    def _removal(self, record: IntentRecord, reports: Sequence[IntentRecord]) -> Callable[[], None]:
        def carry_out() -> None:
            if self._goes_on(record):
                marks = isinstance(record.intent, MarkSensitive)
                same = self._docket.intents(
                    case=self._case, states=(IntentState.READY,), kind=Remove.kind, target=record.intent.target
                )
                ready = [one for one in same if marks and self._counts_for(record, one)]
                self._turn(record, [*reports, *ready], crowded=True)

        return carry_out

    # ------------------------------------------------------------------------------------------------ both

    def _each(
        self,
        kind: str,
        state: IntentState,
        deed: Callable[[IntentRecord], Progress],
        *,
        at_once: int = PAGE,
        without: Collection[InstanceId] = (),
    ) -> None:
        """Everything of a kind that waits for nothing else; nothing on the instances of ``without``."""
        for page in self._pages(kind, state):
            for first in range(0, len(page), at_once):
                some = [one for one in page[first : first + at_once] if self._may(one)]
                self._at_once([self._one(one, deed) for one in some if one.intent.instance not in without])

    def _one(self, record: IntentRecord, deed: Callable[[IntentRecord], Progress]) -> Callable[[], None]:
        def take_turn() -> None:
            if self._goes_on(record):
                self._act(record, deed)

        return take_turn

    def _goes_on(self, record: IntentRecord) -> bool:
        return not self._is_over() and self._may(record)

    def _pages(self, kind: str, state: IntentState, *, repeats: bool | None = None) -> Iterator[Sequence[IntentRecord]]:
        last = 0
        while not self._is_over():
            now = self._clock.now()
            page = self._docket.turns(self._case, state, kind, due=now, after=last, limit=PAGE, repeats=repeats)
            if page:
                yield page
                last = page[-1].id
            if len(page) < PAGE:
                return

    def _at_once(self, deeds: Sequence[Callable[[], None]]) -> None:
        if deeds:
            self._spread(deeds)

    def _may(self, record: IntentRecord) -> bool:
        """Whether its server answered so far, and it is not one that could not be asked about just now."""
        if self._deaf[record.intent.instance] >= DEAF:
            return False
        return not self._absent.has(record.id, self._clock.now())

    def _result(self, *, crowded: bool) -> Progress:
        now = self._clock.now()
        progress = self._progress
        # What was to be tried again while this round lasted may have been looked at just before.
        since = self._began_at
        again = [self._docket.next_turn(self._case, later_than=since), self._absent.next_of(self._case, since)]
        for at in again:
            progress = sooner(progress, Progress(again_at=at, why="waiting to try again"))
        if self._held_up:
            took = time.monotonic() - self._began
            until = now + timedelta(seconds=max(WAIT, 10 * took if self._done == 0 else 0))
            progress = sooner(progress, Progress(again_at=until, why=self._held_up))
        if self._is_over() or self._let_others_ban:
            progress = Progress(again_at=now, why="there is more to do")
        return Progress(
            again_at=progress.again_at,
            why=progress.why,
            lane=self._lane() if crowded else None,
            first=sorted(self._elsewhere),
        )

    def _lane(self) -> Lane:
        """Bans are waited for; a case that has none left gets out of the way of those that have."""
        now = self._clock.now()
        urgent = any(
            self._docket.turns(self._case, IntentState.READY, kind, due=now, limit=1, repeats=False)
            for kind in FIRST_IN_A_CROWD
        )
        return Lane.BANS if urgent else Lane.DEEDS


def sooner(one: Progress, other: Progress) -> Progress:
    """The one that wants to come again first."""
    if one.again_at is None or other.again_at is None:
        return other if one.again_at is None else one
    return min(one, other, key=lambda progress: progress.again_at or datetime.max.replace(tzinfo=UTC))
