"""Days may pass between a verdict and its deeds: is it about somebody who is protected by now?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.domain.decisions import BanAccount, PurgeFile, Scope
from bot.pipeline.lately import Lately
from bot.policy.facts import alone_with, communities_of, each_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.domain.content import Account, Community, InstanceId
    from bot.domain.decisions import Intent
    from bot.policy import Guard, Staff
    from bot.ports import IntentRecord, Ledger

_Known: TypeAlias = "tuple[Sequence[Account], Sequence[Community]]"


class Protection:
    """Asks the guard again about what is in the ledger. Thread-safe."""

    def __init__(
        self,
        ledger: Ledger,
        guard: Callable[[], Guard],
        staff: Callable[[Iterable[InstanceId]], Staff] = lambda _: {},
    ) -> None:
        """``guard``: the one that is in force. ``staff``: who is staff of these servers now; without it, whoever was
        when the bot saw them.
        """
        self._ledger = ledger
        self._guard = guard
        self._staff = staff
        self._cases: Lately[_Known] = Lately()
        self._thumbnails: Lately[_Known] = Lately()

    def __call__(self, record: IntentRecord) -> bool:
        """Whether this must not be done, whatever was allowed or approved before. Raises ``LedgerError``."""
        intent = record.intent
        hits_files = isinstance(intent, PurgeFile) or (
            isinstance(intent, BanAccount) and intent.scope is Scope.COMMUNITY
        )
        owners, communities = self._cases.of(record.case, lambda: self._known(record)) if hits_files else ((), ())
        if self._protects(intent, owners, communities):
            return True
        made = thumbnail_of(self._ledger, record)
        if made is None:
            return False
        return self._protects(intent, *self._thumbnails.of(made, lambda: self._known_of_thumbnail(made)))

    def _protects(self, intent: Intent, owners: Sequence[Account], communities: Sequence[Community]) -> bool:
        servers = {one.instance for one in (intent.about, *owners) if one is not None}
        return self._guard().protects(intent, owners, communities, self._staff(servers))

    def _known(self, record: IntentRecord) -> _Known:
        case = self._ledger.case(record.case)
        files = list(dict.fromkeys([record.file, *(case.files if case is not None else ())]))
        uploads = [one for file in files for one in self._ledger.uploads_of(file)]
        sightings = [one for file in files for one in self._ledger.sightings_of(file)]
        # Not by their addresses on other servers of ours, too: that somebody shows a file there unprotects nobody here.
        alone = alone_with(sightings, {one.name for one in uploads}, {})
        owners = each_once([*(upload.uploader for upload in uploads), *alone.values()])
        return owners, communities_of(sightings)

    def _known_of_thumbnail(self, made: int) -> _Known:
        """It may be another one's: of whoever stored it, or shows it."""
        sightings = self._ledger.sightings_of(made)
        shown_by = [one.subject.author for one in sightings if one.subject.author is not None]
        stored_by = [upload.uploader for upload in self._ledger.uploads_of(made)]
        return each_once([*stored_by, *shown_by]), communities_of(sightings)


def thumbnail_of(ledger: Ledger, record: IntentRecord) -> int | None:
    """The file that a purge takes beside that which it was decided on, unless it is in the same case by itself."""
    known = ledger.name(str(record.intent.name)) if isinstance(record.intent, PurgeFile) else None
    if known is None or known.file_id == record.file:
        return None
    file = ledger.file(known.file_id)
    return None if file is None or file.case == record.case else file.id
