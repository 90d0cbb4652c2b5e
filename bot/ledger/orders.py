"""Deeds that a human orders without any file: for switches of a whole server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from bot.domain.decisions import Allow, Because, Verdict
from bot.ledger import chain, schema
from bot.ledger.cases import decide
from bot.ledger.database import add
from bot.ledger.naming import known_file, new_file
from bot.ledger.part import Part
from bot.ledger.planning import INTENT, keep_verdict, plan_intent, records_in, wake
from bot.ports import ORDERED

if TYPE_CHECKING:
    from bot.domain.decisions import Intent
    from bot.ledger.chain import Entry
    from bot.ports import IntentRecord


class OrdersPart(Part):
    """The part of ``Docket`` that takes orders."""

    def order(self, intent: Intent, *, by: str, why: str = "") -> IntentRecord:
        """A case of its own, whose only intent is allowed: from here on it is a deed like any other.

        Its file is a stub that never gets any bytes: a case is about a file, whatever else is in it.
        """
        now = self._now()
        text = f"ordered by {by}: {why}" if why else f"ordered by {by}"
        verdict = Verdict(rule_id=ORDERED, rule_digest=ORDERED, because=Because(text=text, exact=False), intents=())
        with self._database.write() as connection:
            number = add(connection, schema.cases, opened_at=now)
            file_id = new_file(connection, None, now)
            connection.execute(schema.case_file.insert().values(file_id=file_id, case_number=number, joined_at=now))
            told: list[Entry] = []
            verdict_id = keep_verdict(connection, number, known_file(connection, file_id), verdict, now, told)
            intent_id = plan_intent(connection, number, verdict_id, intent, Allow(), now, told)
            chain.append(connection, now, told)
            connection.execute(update(schema.intent).where(INTENT.id == intent_id).values(approved_by=by))
            decide(connection, number, intent_id, at=now, who=by, what=f"ordered: {intent.kind}", note=why)
            wake(connection, number, now)
            (record,) = records_in(connection, INTENT.id == intent_id)
        return record
