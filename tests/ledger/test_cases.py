"""Cases: which files belong together, what state they are in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import IntentState
from bot.domain.errors import LedgerError
from ledger.docket import BY_SCORE, EXACT, HOLD, PURGE, REMOVE, REPORT, deeds, plan, verdict
from making import NOW, SHA, alias, evidence

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock

OTHER = "cd" * 32


def test_case_numbers_are_small_and_start_at_one(ledger: SqlLedger) -> None:
    first = ledger.open_case(ledger.bind(alias(), SHA))
    second = ledger.open_case(ledger.bind(alias("b.png"), OTHER))
    assert (first.number, second.number) == (1, 2)
    assert (first.state, first.opened_at, first.headline, first.waiting) == ("closed", NOW, "", 0)
    assert ledger.case(1) == first
    assert ledger.case(3) is None
    assert [case.number for case in ledger.cases()] == [2, 1]
    assert [case.number for case in ledger.cases(limit=1)] == [2]


def test_file_has_one_case(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    assert ledger.open_case(file_id) == ledger.open_case(file_id)
    assert ledger.file(file_id).case == 1  # type: ignore[union-attr]


def test_same_pixels_are_one_case(ledger: SqlLedger, clock: StillClock) -> None:
    files = []
    for name, sha, pixels in ((alias(), SHA, "p1"), (alias("b.png"), OTHER, "p1"), (alias("c.png"), "ef" * 32, "p2")):
        file_id = ledger.bind(name, sha)
        ledger.save_scan(file_id, replace(evidence(), sha256=sha, pixels=pixels))
        ledger.open_case(file_id)
        files.append(file_id)
        clock.pass_(seconds=1)
    assert [case.files for case in ledger.cases()] == [(files[2],), (files[0], files[1])]


def test_case_that_a_file_would_join_is_known_before_it_does(ledger: SqlLedger) -> None:
    first, twin = (ledger.bind(name, sha) for name, sha in ((alias(), SHA), (alias("b.png"), OTHER)))
    for file_id, sha in ((first, SHA), (twin, OTHER)):
        ledger.save_scan(file_id, replace(evidence(), sha256=sha, pixels="p1"))
    assert ledger.case_for(twin) is None
    case = ledger.open_case(first)
    assert ledger.case_for(twin) == case
    assert ledger.case_for(first) == case
    assert case.files == (first,)


def test_files_without_pixels_are_no_twins(ledger: SqlLedger) -> None:
    for name, sha in ((alias(), SHA), (alias("b.png"), OTHER)):
        file_id = ledger.bind(name, sha)
        ledger.save_scan(file_id, replace(evidence(), sha256=sha))
        ledger.open_case(file_id)
    assert len(ledger.cases()) == 2


def test_case_is_open_while_anything_waits(ledger: SqlLedger) -> None:
    plan(ledger, REMOVE)
    held = plan(ledger, REPORT, decision=HOLD)[0]
    case = ledger.case(1)
    assert case is not None
    assert (case.state, case.waiting) == ("open", 1)
    ledger.set_state(1, IntentState.DONE)
    assert ledger.case(1).state == "open"  # type: ignore[union-attr]
    ledger.set_state(held.id, IntentState.DISMISSED)
    assert ledger.case(1).state == "closed"  # type: ignore[union-attr]
    ledger.set_state(1, IntentState.UNDOING)
    assert ledger.case(1).state == "open"  # type: ignore[union-attr]


def test_headline_is_the_exact_hit_then_the_newest_verdict(ledger: SqlLedger) -> None:
    plan(ledger, because=BY_SCORE)
    assert ledger.case(1).headline == BY_SCORE.text  # type: ignore[union-attr]
    plan(ledger, because=EXACT)
    plan(ledger, because=replace(BY_SCORE, text="another"))
    assert ledger.case(1).headline == EXACT.text  # type: ignore[union-attr]


def test_dismissed_case_keeps_verdicts_and_plans_nothing(ledger: SqlLedger) -> None:
    plan(ledger)
    ledger.set_case(1, "dismissed", by="mod", note="a meme")
    assert plan(ledger, REMOVE, because=BY_SCORE) == ()
    assert ledger.intents() == []
    assert deeds(ledger) == ()
    assert ledger.case(1).state == "dismissed"  # type: ignore[union-attr]
    assert [event.detail for event in ledger.timeline(1) if event.what in {"verdict", "decision"}] == [
        f"{EXACT.text} (rule known, d1)",
        f"{BY_SCORE.text} (rule known, d1)",
        "mod: case dismissed (a meme)",
    ]


def test_reopened_case_plans_again(ledger: SqlLedger) -> None:
    plan(ledger)
    ledger.set_case(1, "dismissed", by="mod")
    ledger.set_case(1, "open", by="mod")
    assert len(plan(ledger, REMOVE)) == 1


def test_undone_case_stays_undone(ledger: SqlLedger) -> None:
    plan(ledger, REMOVE)
    ledger.set_case(1, "undone", by="mod")
    ledger.set_state(1, IntentState.UNDOING)
    plan(ledger, REPORT)
    assert ledger.case(1).state == "undone"  # type: ignore[union-attr]


def test_closed_case_opens_when_something_waits_again(ledger: SqlLedger) -> None:
    plan(ledger)
    ledger.set_case(1, "closed", by="mod")
    plan(ledger, PURGE, decision=HOLD)
    assert ledger.case(1).state == "open"  # type: ignore[union-attr]


def test_unknown_cases_and_states_are_refused(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    with pytest.raises(LedgerError, match="no case 7"):
        ledger.set_case(7, "open", by="mod")
    with pytest.raises(LedgerError, match="no case 7"):
        ledger.timeline(7)
    with pytest.raises(LedgerError, match="no case 7"):
        ledger.add_verdict(7, file_id, verdict(), [])
    ledger.open_case(file_id)
    with pytest.raises(LedgerError, match="guilty"):
        ledger.set_case(1, "guilty", by="mod")
