"""A case with intents, in as few words as a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import (
    Allow,
    BanAccount,
    Because,
    Decision,
    Hold,
    HoldReason,
    Intent,
    PurgeFile,
    Remove,
    Report,
    Verdict,
)
from bot.ports import Batch, TaskKind
from making import BY_SCORE, EXACT, HERE, SHA, account, address, alias, evidence, hit, post, sighting, upload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ledger import SqlLedger
    from bot.ports import IntentRecord, Task

REPORT = Report(instance=HERE, subject=post(), text="A moderator should look at this.")
REMOVE = Remove(instance=HERE, subject=post(), text="Removed by the moderators.")
PURGE = PurgeFile(instance=HERE, name=alias(), url=address(alias()))
BAN = BanAccount(instance=HERE, account=account(), text="Against the rules.")
ALLOW = Allow()
HOLD = Hold(reasons=(HoldReason.STAGE, HoldReason.PROTECTED), detail="listed")


def verdict(because: Because = EXACT, digest: str = "d1") -> Verdict:
    return Verdict(rule_id="known", rule_digest=digest, because=because, intents=())


def seen_file(ledger: SqlLedger) -> int:
    """A file that was seen, uploaded and scanned."""
    batch = Batch(sightings=[sighting()], uploads=[upload()])
    ledger.record("here/posts", batch, examine_uploads=False)
    file_id = ledger.bind(alias(), SHA)
    ledger.save_scan(file_id, evidence(hit()))
    return file_id


def plan(
    ledger: SqlLedger, *intents: Intent, decision: Decision = ALLOW, because: Because = EXACT
) -> Sequence[IntentRecord]:
    """Intents in the first case; they are new unless the test made them before."""
    file_id = ledger.bind(alias(), SHA)
    case = ledger.open_case(file_id).number
    return ledger.add_verdict(case, file_id, verdict(because), [(intent, decision) for intent in intents])


def one(ledger: SqlLedger, intent: Intent = REMOVE, decision: Decision = ALLOW) -> IntentRecord:
    (record,) = plan(ledger, intent, decision=decision)
    return record


def deeds(ledger: SqlLedger) -> Sequence[Task]:
    return ledger.take([TaskKind.ENFORCE], limit=10, lease_seconds=60)


__all__ = [
    "ALLOW",
    "BAN",
    "BY_SCORE",
    "EXACT",
    "HOLD",
    "PURGE",
    "REMOVE",
    "REPORT",
    "deeds",
    "one",
    "plan",
    "seen_file",
    "verdict",
]
