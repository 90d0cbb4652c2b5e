"""A plan goes out as lines, and what a human left of it comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import BanAccount, Because, Hold, HoldReason, IntentState, PurgeFile, Remove, Verdict
from bot.ledger import open_ledger
from bot.operate import decide, plan
from bot.operate.plan import PlanError
from bot.policy import Guard, Limits
from bot.ports import Batch, Filter
from making import HERE, StillClock, account, address, alias, post, sighting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.ledger import SqlLedger

SCORED = Because(text="flagged by nsfw/nsfw at threshold 0.8 (score 0.910)", exact=False, score=0.91, threshold=0.8)
HELD = Filter(states=(IntentState.HELD,))
GUARD = Guard(limits=Limits(evidence="none"))


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    made = open_ledger("sqlite://", clock=StillClock())
    yield made
    made.close()


def hold(ledger: SqlLedger, *intents: Remove | BanAccount | PurgeFile) -> None:
    ledger.record("", Batch(sightings=[sighting()]), examine_uploads=False)
    file_id = ledger.bind(alias(), "ab" * 32)
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id="low", rule_digest="digest", because=SCORED, intents=())
    ledger.add_verdict(case, file_id, verdict, [(one, Hold(reasons=(HoldReason.STAGE,))) for one in intents])


def removals(number: int) -> list[Remove]:
    return [Remove(instance=HERE, subject=post(n), text="t") for n in range(1, number + 1)]


def exported(ledger: SqlLedger) -> list[str]:
    return [json.dumps(plan.line_of(record)) for record in plan.pages(ledger, HELD)]


def test_a_line_has_what_a_human_decides_by_and_no_picture(ledger: SqlLedger) -> None:
    hold(ledger, *removals(1), PurgeFile(instance=HERE, name=alias(), url=address(alias()), uploader=account("bob")))
    first, second = (json.loads(line) for line in exported(ledger))
    assert first == {
        "plan": 1,
        "intent": 1,
        "case": 1,
        "deed": "remove",
        "target": "here/post/1",
        "rule": "low",
        "rule_digest": "digest",
        "because": "flagged by nsfw/nsfw at threshold 0.8 (score 0.910)",
        "exact": False,
        "score": 0.91,
        "threshold": 0.8,
        "distance": None,
        "reasons": ["stage"],
        "detail": "",
        "account": "alice@here.example",
        "account_id": "https://here.example/u/alice",
        "community": "pictures@here.example",
        "created": "2026-11-22T12:00:00+00:00",
    }
    assert (second["account"], second["community"]) == ("bob@here.example", None)
    assert "/pictrs/image/" not in json.dumps([first, second])


def test_only_the_lines_that_were_left_are_chosen(ledger: SqlLedger) -> None:
    hold(ledger, *removals(3))
    lines = exported(ledger)
    chosen = plan.choose(ledger, ["\ufeff" + lines[2] + "\r\n", "\n", lines[0]])
    assert [record.id for record in chosen.records] == [3, 1]
    assert chosen.skipped == []


def test_a_line_needs_no_more_than_what_names_the_intent(ledger: SqlLedger) -> None:
    hold(ledger, *removals(1))
    line = {"intent": 1, "deed": "remove", "target": "here/post/1", "rule_digest": "digest"}
    assert [record.id for record in plan.choose(ledger, [json.dumps(line)]).records] == [1]


def test_what_changed_since_the_export_is_skipped_with_a_reason(ledger: SqlLedger) -> None:
    hold(ledger, *removals(4))
    lines = [json.loads(line) for line in exported(ledger)]
    ledger.set_state(1, IntentState.DISMISSED, by="somebody else")
    lines[1]["rule_digest"] = "another"
    lines[2]["target"] = "here/post/99"
    chosen = plan.choose(ledger, [json.dumps(line) for line in lines])
    assert [record.id for record in chosen.records] == [4]
    assert [(one.record.id, one.ok, one.detail) for one in chosen.skipped] == [
        (1, False, "skipped: is dismissed by now, not held"),
        (2, False, "skipped: it rests on another version of its rule"),
        (3, False, "skipped: the intent of this number is another deed, or has another target"),
    ]


GOOD = '{"intent": 1, "deed": "remove", "target": "here/post/1", "rule_digest": "digest"}'


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: has to be a JSON object"),
        ("{}", "line 2: `intent` is missing, or is no number"),
        (GOOD.replace("1,", "true,", 1), "line 2: `intent` is missing, or is no number"),
        (GOOD.replace('"remove"', "3"), "line 2: `deed` is missing, or is no text"),
        (GOOD.replace("digest", "d", 1), "line 2: `rule_digest` is missing"),
        (GOOD.replace("{", '{"plan": 2, '), "line 2: this version reads plans of the format 1"),
        (GOOD, "line 2: intent 1 stands in line 1 already"),
        (GOOD.replace("1,", "99,", 1), "line 2: this ledger has no intent 99"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_decided(ledger: SqlLedger, bad: str, why: str) -> None:
    hold(ledger, *removals(2))
    with pytest.raises(PlanError) as error:
        plan.choose(ledger, [GOOD, bad])
    assert str(error.value).startswith(why)
    assert {record.state for record in ledger.intents()} == {IntentState.HELD}


def test_a_long_plan_comes_page_by_page(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(ledger, *removals(7))
    monkeypatch.setattr(plan, "PAGE", 3)
    assert [record.id for record in plan.pages(ledger, HELD)] == [1, 2, 3, 4, 5, 6, 7]
    assert [record.id for record in plan.pages(ledger, HELD, limit=5)] == [1, 2, 3, 4, 5]
    assert [record.id for record in plan.pages(ledger, HELD, limit=3)] == [1, 2, 3]


# ------------------------------------------------------------------------------------------------------- approval


def approved(ledger: SqlLedger, guard: Guard = GUARD) -> Sequence[str]:
    return [result.detail for result in decide.approve(ledger, guard, ledger.intents(), by="human")]


def test_approval_does_not_overrule_the_kill_switch(ledger: SqlLedger) -> None:
    hold(ledger, *removals(2))
    ledger.stop_acting(by="ann", why="a bad night")
    assert approved(ledger) == ["acting was stopped by ann: `fediwarden start-acting` goes on"] * 2
    assert {record.state for record in ledger.intents()} == {IntentState.HELD}
    ledger.start_acting(by="ann")
    assert approved(ledger) == ["released"] * 2


@pytest.mark.parametrize("reason", HoldReason)
def test_every_reason_has_words(ledger: SqlLedger, reason: HoldReason) -> None:
    hold(ledger, *removals(1))
    ledger.set_state(1, IntentState.HELD, reasons=(reason,))
    (record,) = ledger.intents()
    assert decide.needs(record)
