"""Days may pass between a verdict and its deeds: is it about somebody who is protected by now?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from bot.domain.decisions import BanAccount, PurgeFile, Scope
from bot.policy.facts import alone_with, communities_of, each_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bot.domain.content import Account, Community, InstanceId
    from bot.domain.decisions import Intent
    from bot.policy import Guard, Staff
    from bot.ports import IntentRecord, Ledger

KEPT = 10.0
"""Seconds for which the owners and places of a case are remembered: it may hold a purge of each of 10,000 names."""

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
        self._last_case: tuple[int, float, _Known] | None = None
        self._last_thumbnail: tuple[int, float, _Known] | None = None

    def __call__(self, record: IntentRecord) -> bool:
        """Whether this must not be done, whatever was allowed or approved before. Raises ``LedgerError``."""
        intent = record.intent
        hits_files = isinstance(intent, PurgeFile) or (
            isinstance(intent, BanAccount) and intent.scope is Scope.COMMUNITY
        )
        owners, communities = self._known(record) if hits_files else ((), ())
        if self._protects(intent, owners, communities):
            return True
        made = thumbnail_of(self._ledger, record)
        return made is not None and self._protects(intent, *self._known_of_thumbnail(made))

    def _protects(self, intent: Intent, owners: Sequence[Account], communities: Sequence[Community]) -> bool:
        servers = {one.instance for one in (intent.about, *owners) if one is not None}
        return self._guard().protects(intent, owners, communities, self._staff(servers))

    def _known(self, record: IntentRecord) -> _Known:
        last, now = self._last_case, time.monotonic()
        if last is not None and last[0] == record.case and now - last[1] < KEPT:
            return last[2]
        case = self._ledger.case(record.case)
        files = list(dict.fromkeys([record.file, *(case.files if case is not None else ())]))
        uploads = [one for file in files for one in self._ledger.uploads_of(file)]
        sightings = [one for file in files for one in self._ledger.sightings_of(file)]
        # Not by their addresses on other servers of ours, too: that somebody shows a file there unprotects nobody here.
        alone = alone_with(sightings, {one.name for one in uploads}, {})
        owners = each_once([*(upload.uploader for upload in uploads), *alone.values()])
        known = owners, communities_of(sightings)
        self._last_case = record.case, now, known
        return known

    def _known_of_thumbnail(self, made: int) -> _Known:
        """It may be another one's: of whoever stored it, or shows it."""
        last, now = self._last_thumbnail, time.monotonic()
        if last is not None and last[0] == made and now - last[1] < KEPT:
            return last[2]
        sightings = self._ledger.sightings_of(made)
        shown_by = [one.subject.author for one in sightings if one.subject.author is not None]
        stored_by = [upload.uploader for upload in self._ledger.uploads_of(made)]
        known = each_once([*stored_by, *shown_by]), communities_of(sightings)
        self._last_thumbnail = made, now, known
        return known


def thumbnail_of(ledger: Ledger, record: IntentRecord) -> int | None:
    """The file that a purge takes beside that which it was decided on, unless it is in the same case by itself."""
    known = ledger.name(str(record.intent.name)) if isinstance(record.intent, PurgeFile) else None
    if known is None or known.file_id == record.file:
        return None
    file = ledger.file(known.file_id)
    return None if file is None or file.case == record.case else file.id
