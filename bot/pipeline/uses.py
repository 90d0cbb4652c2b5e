"""Asks the platforms where a file is shown, for what no feed has brought."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Alias
from bot.ports import Gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.attribution import Known
    from bot.domain.content import SubjectKey
    from bot.pipeline.memory import Memory
    from bot.pipeline.stages import Stages

WATCHED = timedelta(hours=1)
"""A name that we met so soon after the upload has no older places: what shows it came later, and by the feeds."""

ASKED_ALL_THE_SAME = 10
"""Names of one file that are asked for although they were watched from the beginning: somebody may have put one into
an old post. Each costs two searches, of which Lemmy allows sixty in ten minutes, and a raid brings ten thousand."""


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
        seen = {sighting.subject.key for sighting in known.sightings}
        new = 0
        for name in self._to_ask(file_id, known):
            instance = self._s.instances[name.instance]
            for subject in instance.resolver.uses(name):
                if subject.key not in seen:
                    seen.add(subject.key)
                    new += 1
                    read_again(self._s, subject.key)
            self._memory.asked.add(name)
        return new

    def _to_ask(self, file_id: int, known: Known) -> Sequence[Alias]:
        names = [name for name in known.addresses if isinstance(name, Alias)]
        asked = self._memory.asked
        wanted = [name for name in names if name not in asked]
        if len(names) <= ASKED_ALL_THE_SAME:
            return wanted
        watched = self._watched(file_id, known)
        more = max(0, ASKED_ALL_THE_SAME - sum(name in asked for name in names if name in watched))
        some = set([name for name in wanted if name in watched][:more])
        return [name for name in wanted if name not in watched or name in some]

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
