"""Looking back at what was scanned, and a ledger in which nothing can be written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import making
from bot.domain.decisions import Allow, Hold, HoldReason, Report, Verdict
from bot.domain.errors import LedgerError
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.ledger import open_ledger
from bot.ports import Batch

if TYPE_CHECKING:
    from bot.ledger import SqlLedger


def scanned(ledger: SqlLedger, number: int, value: float = 0.1) -> int:
    """A file that is shown in a post of its own."""
    name = making.alias(f"{number}.png")
    seen = making.sighting(making.post(number), name)
    ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    sha = f"{number:064x}"
    file_id = ledger.bind(name, sha)
    ledger.save_scan(file_id, replace(making.evidence(making.score(value)), sha256=sha))
    return file_id


def flagged(ledger: SqlLedger, file_id: int, rule: str, *, held: bool) -> int:
    case = ledger.open_case(file_id).number
    report = Report(instance=making.HERE, subject=making.post(file_id), text="look")
    verdict = Verdict(rule_id=rule, rule_digest=f"digest of {rule}", because=making.BY_SCORE, intents=[report])
    decision = Hold(reasons=(HoldReason.STAGE,)) if held else Allow()
    ledger.add_verdict(case, file_id, verdict, [(report, decision)])
    return case


def test_files_come_by_their_newest_scan_and_newest_first(ledger: SqlLedger, clock: making.StillClock) -> None:
    files = []
    for number in range(1, 8):
        files.append(scanned(ledger, number))
        clock.pass_(hours=1)
    again = replace(making.evidence(making.score(0.9)), sha256=f"{1:064x}")
    ledger.save_scan(files[0], again)
    ledger.save_scan(files[1], Unscannable(kind=UnscannableKind.BROKEN, detail="no picture any more"))

    first = ledger.looked_at(limit=3)
    second = ledger.looked_at(limit=3, before=first[-1].scan_id)
    assert [one.file for one in (*first, *second)] == [files[0], *reversed(files[2:])]
    assert (first[0].scan, first[0].at) == (again, making.NOW + timedelta(hours=7))
    assert ledger.looked_at(limit=3, before=second[-1].scan_id) == []
    assert len(ledger.looked_at(limit=9, since=making.NOW + timedelta(hours=6))) == 2


def test_what_was_made_of_a_file_comes_with_it(ledger: SqlLedger) -> None:
    clean, low, both = (scanned(ledger, number) for number in (1, 2, 3))
    flagged(ledger, low, "low", held=True)
    case = flagged(ledger, both, "low", held=False)
    flagged(ledger, both, "high", held=False)
    ledger.set_case(case, "undone", by="ann")

    known = {one.file: one for one in ledger.looked_at(limit=9)}
    assert (known[clean].rules, known[clean].planned, known[clean].case) == ((), (), None)
    assert known[low].rules == ["low"]
    assert known[low].planned == [("report", f"here/post/{low}", False)]
    assert known[both].rules == ["high", "low"]
    assert known[both].planned == [("report", f"here/post/{both}", True)]
    assert (known[low].case_state, known[both].case_state) == ("", "undone")
    assert [one.file for one in ledger.looked_at(limit=9, case=case)] == [both]


def test_ledger_that_is_only_looked_at_refuses_to_be_written(shared_url: str) -> None:
    ledger = open_ledger(shared_url, clock=making.StillClock())
    scanned(ledger, 1)
    looking = open_ledger(shared_url, clock=making.StillClock(), look_only=True)
    try:
        assert len(looking.looked_at(limit=9)) == 1
        with pytest.raises(LedgerError):
            looking.set_flag("written", "now")
        with pytest.raises(LedgerError):
            looking.open_case(1)
        assert (ledger.flag("written"), ledger.cases()) == (None, [])
    finally:
        looking.close()
        ledger.close()


def test_ledger_that_is_only_looked_at_is_not_migrated(empty_url: str) -> None:
    with pytest.raises(LedgerError, match="brings it up to date"):
        open_ledger(empty_url, clock=making.StillClock(), look_only=True)
