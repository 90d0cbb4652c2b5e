"""Before and after a purge: names that nobody had told of, and places that go on naming the file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Alias, RemoteUrl
from bot.domain.decisions import IntentState, PurgeFile, Remove
from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.attribution import Index
    from bot.domain.content import SubjectKey
    from bot.domain.decisions import Verification
    from bot.domain.errors import PlatformError
    from bot.ports import Clock, IntentRecord, Ledger

ASKED_AGAIN = timedelta(minutes=10)
"""How long a file that got new names is purged without asking for newer ones: in a raid there are always some."""

APPROVED = timedelta(minutes=10)
"""After which what a human approved is purged although its file could not be judged anew."""

SOON = timedelta(seconds=5)
"""After which a place that showed the file is read again: whoever views it may have had it fetched anew."""

NAMED = 5
"""Places that are named in a line of the timeline; of more there is the number."""

LOOKED_AT = 200
"""Places of a purged file that are followed up: a raid has ten thousand, each with a removal of its own."""

REMOVED = (IntentState.READY, IntentState.HELD, IntentState.DONE)


class Strangers:
    """Names that a file has got since its purge was planned. Thread-safe enough: twice does no harm."""

    def __init__(self, ledger: Ledger, index: Index, clock: Clock) -> None:
        """``index``: over the same ledger."""
        self._ledger = ledger
        self._index = index
        self._clock = clock
        self._met: dict[int, datetime] = {}
        self._since: dict[int, datetime] = {}  # files to be judged before they are purged
        self._judged: dict[int, datetime] = {}  # when the last judging of these began

    def __call__(self, record: IntentRecord, found: Verification) -> bool:
        """Whether there are any. They are asked about, and the file is judged again: others may share it now."""
        intent, now = record.intent, self._clock.now()
        told = found.state.get("names") or ()
        if not isinstance(intent, PurgeFile) or not told:
            return False
        known = self._ledger.name(str(intent.name))
        if known is None or now - self._met.get(known.file_id, now - 2 * ASKED_AGAIN) < ASKED_AGAIN:
            return False
        if self._waited_enough(record, known.file_id):
            return False
        names = [Alias(instance=intent.instance, value=str(one)) for one in told]
        if not self._ledger.strangers(known.file_id, names):
            return False
        self._met[known.file_id] = self._since[known.file_id] = now
        # First, for once they are bound they are no strangers any more, even to whoever goes on after a crash.
        self._ledger.enqueue(TaskKind.JUDGE, str(known.file_id), Lane.DEEDS)
        self._index.asking.complete(known.file_id)  # whatever could not be asked, is asked when it is judged
        return True

    def gone_with(self, record: IntentRecord, names: Sequence[str]) -> None:
        """A file was purged, and these were its names: somebody may have stored it in the last moment before that.

        Nobody can ask for it under such a name any more, and what he shows would be judged as a file that is not there.
        """
        known = self._ledger.name(str(record.intent.name)) if isinstance(record.intent, PurgeFile) else None
        if known is None:
            return
        aliases = [Alias(instance=record.intent.instance, value=one) for one in names]
        if self._index.asking.had(known.file_id, aliases):
            self._ledger.enqueue(TaskKind.JUDGE, str(known.file_id), Lane.DEEDS)

    def unjudged(self, record: IntentRecord) -> bool:
        """Whether a file that is to be purged, under whatever name, has to be judged first.

        As long as that is in the task table. In a raid it always is, so there one judging since is enough.
        """
        known = self._ledger.name(str(record.intent.name)) if isinstance(record.intent, PurgeFile) else None
        if known is None:
            return False
        if not self._ledger.wanted(TaskKind.JUDGE, str(known.file_id)):
            self._since.pop(known.file_id, None)
            self._judged.pop(known.file_id, None)
            return False
        since = self._since.setdefault(known.file_id, self._clock.now())
        judged = self._judged.get(known.file_id)
        if judged is not None and judged >= since:
            return False
        return not self._waited_enough(record, known.file_id)

    def _waited_enough(self, record: IntentRecord, file_id: int) -> bool:
        now = self._clock.now()
        return record.approved_by is not None and now - self._since.get(file_id, now) >= APPROVED

    def judged(self, file_id: int, began: datetime) -> None:
        """A file was judged with all that its platform says of it, from then on."""
        if file_id in self._since:
            self._judged[file_id] = began


def follow_up(ledger: Ledger, clock: Clock, record: IntentRecord) -> None:
    """A file was purged: whatever still names it is listed in the case and read again."""
    intent = record.intent
    if not isinstance(intent, PurgeFile):
        return
    known = ledger.name(str(intent.name))
    if known is None:
        return
    left = [key for key in _places(ledger, known.file_id) if not _is_removed(ledger, record.case, key)]
    if left:
        ledger.enqueue_all(TaskKind.REVISIT, left, Lane.REVISIT, not_before=clock.now() + SOON)
        ledger.tell(record.id, f"still named in {_some(left)}; what is named there is gone")


def came_back(ledger: Ledger, index: Index, key: SubjectKey) -> Sequence[PlatformError]:
    """A place was read again: have what was purged, and is fetched anew for it by its server, judged as it is now.

    What could not be asked is returned.
    """
    troubles: list[PlatformError] = []
    asked: set[int] = set()
    for sighting in ledger.sightings_in(key):
        known = ledger.name(str(sighting.name)) if isinstance(sighting.name, RemoteUrl) else None
        file = ledger.file(known.file_id) if known is not None else None
        if file is None or file.case is None or file.id in asked:
            continue
        asked.add(file.id)
        if ledger.first_done(file.case, PurgeFile.kind) is None:
            continue
        before = len(ledger.names_of(file.id))
        troubles += index.asking.complete(file.id)
        if len(ledger.names_of(file.id)) > before:
            ledger.enqueue(TaskKind.JUDGE, str(file.id), Lane.DEEDS)
    return troubles


def _places(ledger: Ledger, file_id: int) -> Sequence[str]:
    found = dict.fromkeys(str(one.subject.key) for one in ledger.sightings_of(file_id))
    return list(found)[:LOOKED_AT]


def _is_removed(ledger: Ledger, case: int, key: str) -> bool:
    """Or is about to be: the removal is a deed of its own, which nobody forgets."""
    return bool(ledger.intents(case=case, states=REMOVED, kind=Remove.kind, target=key, limit=1))


def _some(places: Sequence[str]) -> str:
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(places[:NAMED]) + more
