"""Asks the platforms where a file is shown, for what no feed has brought."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Alias
from bot.ports import Gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from bot.attribution import Known
    from bot.domain.content import Name, SubjectKey
    from bot.pipeline.memory import Memory
    from bot.pipeline.stages import Stages

WATCHED = timedelta(hours=1)
"""A name that we met so soon after the upload has no older places: what shows it came later, and by the feeds."""

ASKED_ALL_THE_SAME = 10
"""Names that are asked for within ``LATELY`` although they were watched from the beginning: somebody may have put one
into an old post. Each costs two searches, more where it is shown in more than fifty places; Lemmy allows sixty in ten
minutes, and a raid brings ten thousand names in hundreds of files."""

LATELY = timedelta(minutes=10)


class Uses:
    """Each name is asked for once."""

    def __init__(self, stages: Stages, memory: Memory) -> None:
        """``stages``: the furnished rooms."""
        self._s = stages
        self._memory = memory

    def ask(self, file_id: int, known: Known) -> int:
        """Have subjects recorded that show the file and were never seen; how many there were.

        Raises ``PlatformError``; what was asked until then is not asked again.
        """
        return self._ask(known, known.addresses, self._watched(file_id, known))

    def ask_of_thumbnails(self, known: Known) -> bool:
        """The same of what would be purged as a thumbnail of the file, and who stored that; whether anything was asked.

        Raises ``PlatformError``; what was asked until then is not asked again.
        """
        sure = [one.record for one in known.thumbnails if one.looks_alike and one.sure]
        new = [record for record in sure if record.name not in self._memory.told_of]
        for made in dict.fromkeys(record.file_id for record in new):
            troubles = self._s.index.asking.complete(made, thumbnail=True)
            if troubles:
                raise troubles[0]
        for record in new:
            self._memory.told_of.add(record.name)
        # What we saw appear beside its picture has no older places; what was there before us may have.
        watched = {one.name for one in sure if isinstance(one.name, Alias) and not one.backlog}
        return self._ask(known, [record.name for record in sure], watched) > 0 or bool(new)

    def _ask(self, known: Known, names: Iterable[Name], watched: set[Alias]) -> int:
        seen = {sighting.subject.key for sighting in known.sightings}
        new = 0
        now = self._s.clock.now()
        chosen = self._choose(names, watched, now)
        try:
            for name in chosen:
                instance = self._s.instances[name.instance]
                for subject in instance.resolver.uses(name):
                    if subject.key not in seen:
                        seen.add(subject.key)
                        new += 1
                        read_again(self._s, subject.key)
                self._memory.asked.add(name)
        finally:
            with self._memory.choosing:
                for name in chosen:
                    if name in watched and name not in self._memory.asked:
                        with suppress(ValueError):  # it was long ago
                            self._memory.asked_lately.remove(now)
        return new

    def _choose(self, among: Iterable[Name], watched: set[Alias], now: datetime) -> Sequence[Alias]:
        """The names to ask for; those among them that were watched are counted from now on."""
        with self._memory.choosing:
            lately = self._memory.asked_lately
            while lately and lately[0] <= now - LATELY:
                lately.popleft()
            names = [name for name in among if isinstance(name, Alias) and name not in self._memory.asked]
            some = [name for name in names if name in watched][: max(0, ASKED_ALL_THE_SAME - len(lately))]
            lately.extend(now for _ in some)
        return [name for name in names if name not in watched or name in some]

    def _watched(self, file_id: int, known: Known) -> set[Alias]:
        """Names that cannot have been shown before we watched."""
        met = {record.name: record.first_seen for record in self._s.ledger.names_of(file_id)}
        return {
            upload.name
            for upload in known.uploads
            if isinstance(upload.name, Alias)
            and not upload.backlog
            and upload.name in met
            and met[upload.name] - upload.uploaded_at < WATCHED
        }


def read_again(stages: Stages, key: SubjectKey) -> None:
    """Record a subject as it is now, if it still is. Raises ``PlatformError``."""
    batch = stages.instances[key.instance].sources[0].read(key)
    if not isinstance(batch, Gone):
        stages.ledger.record("", batch, examine_uploads=False)
