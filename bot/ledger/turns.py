"""What there is to do for a case, piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from bot.domain.decisions import BanAccount, IntentState, LimitAccount, MarkSensitive, Remove, Report
from bot.ledger import schema
from bot.ledger.columns import digest_of, fingerprint
from bot.ledger.database import parts
from bot.ledger.part import Part
from bot.ledger.planning import INTENT, MOVING, done_elsewhere, records_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from bot.domain.content import Account
    from bot.domain.decisions import Intent
    from bot.ports import IntentRecord

ALSO = schema.also_named.c
READY = IntentState.READY.value
HELD = IntentState.HELD.value
TRACED = (Remove.kind, MarkSensitive.kind, LimitAccount.kind, BanAccount.kind)


def _names(digests: Sequence[str]) -> ColumnElement[bool]:
    """Reports that name one of these posts, as their target or beside it."""
    beside = select(ALSO.intent_id).where(ALSO.target_digest.in_(digests))
    return or_(INTENT.target_digest.in_(digests), INTENT.id.in_(beside))


class TurnsPart(Part):
    """``Turns``. Each question walks along an index from where its answer begins."""

    def turns(
        self,
        case: int,
        state: IntentState,
        kind: str,
        *,
        due: datetime,
        after: int = 0,
        limit: int,
        repeats: bool | None = None,
    ) -> Sequence[IntentRecord]:
        """Intents of one kind whose time has come."""
        time_has_come = or_(INTENT.not_before.is_(None), INTENT.not_before <= due)
        which = [INTENT.case_number == case, INTENT.state == state.value, INTENT.kind == kind, INTENT.id > after]
        if repeats is not None:
            which.append(done_elsewhere(self._now()) if repeats else ~done_elsewhere(self._now()))
        with self._database.read() as connection:
            return records_in(connection, *which, time_has_come, limit=limit)

    def unlike_all_done(self, kind: str, *, limit: int) -> Sequence[IntentRecord]:
        """Those of all cases that are ready."""
        which = (INTENT.state == READY, INTENT.kind == kind, ~done_elsewhere(self._now()))
        with self._database.read() as connection:
            return records_in(connection, *which, limit=limit)

    def next_turn(self, case: int, *, later_than: datetime) -> datetime | None:
        """When the next one may be tried."""
        waiting = select(func.min(INTENT.not_before, type_=INTENT.not_before.type)).where(
            INTENT.case_number == case, INTENT.state.in_(MOVING), INTENT.not_before > later_than
        )
        with self._database.read() as connection:
            return connection.execute(waiting).scalar()

    def ready(self, *, most: int) -> int:
        """Intents that are allowed and not done, counted up to ``most``."""
        some = select(INTENT.id).where(INTENT.state == READY).limit(most).subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def reports_about(self, account: Account, *, before: int | None = None, limit: int) -> Sequence[IntentRecord]:
        """Allowed reports on an account that were never tried."""
        which = [
            INTENT.account_digest == digest_of(account),
            INTENT.kind == Report.kind,
            INTENT.state == READY,
            INTENT.attempts == 0,
        ]
        if before is not None:
            which.append(INTENT.id < before)
        with self._database.read() as connection:
            return records_in(connection, *which, limit=limit)

    def reports_on(self, case: int, targets: Sequence[str]) -> Sequence[IntentRecord]:
        """Reports that are not settled, on these targets."""
        open_here = or_(INTENT.state == READY, and_(INTENT.state == HELD, INTENT.case_number == case))
        found: list[IntentRecord] = []
        with self._database.read() as connection:
            for some in parts(targets):
                digests = [fingerprint(target) for target in some]
                found += records_in(connection, INTENT.kind == Report.kind, _names(digests), open_here)
        return found

    def reports_unfiled(
        self, account: Account, *, case: int, before: int | None = None, limit: int
    ) -> Sequence[IntentRecord]:
        """Reports on an account that were tried and are to be tried again, and those of a case that are held."""
        which = [INTENT.account_digest == digest_of(account), INTENT.kind == Report.kind]
        if before is not None:
            which.append(INTENT.id < before)
        tried = and_(INTENT.state == READY, INTENT.attempts > 0)
        held = and_(INTENT.state == HELD, INTENT.case_number == case)
        with self._database.read() as connection:
            return records_in(connection, *which, or_(tried, held), limit=limit)

    def reports_done(self, case: int, deed: Intent) -> Sequence[IntentRecord]:
        """Reports of a case that are filed, on what a deed is about."""
        match deed:
            case LimitAccount() | BanAccount():
                about = INTENT.account_digest == digest_of(deed.account)
            case _:
                about = _names([fingerprint(deed.target)])
        which = (INTENT.case_number == case, INTENT.kind == Report.kind, INTENT.state == IntentState.DONE.value, about)
        with self._database.read() as connection:
            found = records_in(connection, *which)
        return [record for record in found if record.intent.instance == deed.instance]

    def interrupted_on(self, account: Account, *, limit: int) -> Sequence[IntentRecord]:
        """Deeds on an account or its posts that have a try without an end."""
        tries, ends = schema.attempt.c, schema.outcome.c
        without_end = (
            select(tries.id)
            .where(tries.intent_id == INTENT.id, tries.reverting.is_(False))
            .where(~select(ends.attempt_id).where(ends.attempt_id == tries.id).exists())
            .exists()
        )
        which = (INTENT.account_digest == digest_of(account), INTENT.kind.in_(TRACED), INTENT.state == READY)
        with self._database.read() as connection:
            return records_in(connection, *which, INTENT.attempts > 0, without_end, limit=limit)

    def unsettled(self, case: int, kinds: Sequence[str]) -> IntentRecord | None:
        """The first of these kinds that is allowed or held."""
        with self._database.read() as connection:
            for kind in kinds:
                for state in (READY, HELD):
                    which = (INTENT.case_number == case, INTENT.state == state, INTENT.kind == kind)
                    for record in records_in(connection, *which, limit=1):
                        return record
        return None

    def any_held(self, case: int) -> bool:
        """Whether anything of a case waits for a human."""
        held = select(INTENT.id).where(INTENT.case_number == case, INTENT.state == HELD).limit(1)
        with self._database.read() as connection:
            return connection.execute(held).first() is not None

    def unplanned(self, case: int, intents: Sequence[Intent]) -> Sequence[Intent]:
        """Those that a case does not have."""
        planned = select(INTENT.kind, INTENT.target_digest).where(INTENT.case_number == case)
        beside = select(ALSO.target_digest).where(ALSO.case_number == case)
        with self._database.read() as connection:
            there = {(row[0], row[1]) for row in connection.execute(planned)}
            there |= {(Report.kind, row[0]) for row in connection.execute(beside)}
        return [intent for intent in intents if (intent.kind, fingerprint(intent.target)) not in there]

    def files_of(self, case: int) -> Sequence[int]:
        """Ids of the files that a case is about."""
        files = schema.case_file.c
        of_case = select(files.file_id).where(files.case_number == case).order_by(files.joined_at, files.file_id)
        with self._database.read() as connection:
            return connection.execute(of_case).scalars().all()
