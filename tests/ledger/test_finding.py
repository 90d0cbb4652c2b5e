"""Intents are found by what a human knows of them, and the database does the looking."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from bot.domain.decisions import (
    Allow,
    BanAccount,
    Because,
    Done,
    Hold,
    HoldReason,
    IntentState,
    PurgeFile,
    Remove,
    Report,
    Verdict,
)
from bot.ledger import finding, open_ledger, planning, schema
from bot.ledger.codec import encode
from bot.ledger.columns import digest_of, fingerprint
from bot.ports import Batch, Filter
from ledger.docket import PURGE, plan
from making import EXACT, HERE, NOW, StillClock, account, address, alias, community, post, sighting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.decisions import Decision, Intent
    from bot.ledger import SqlLedger

HELD = Hold(reasons=(HoldReason.STAGE,))
ASKED = Hold(reasons=(HoldReason.NEEDS_APPROVAL, HoldReason.SHARED_FILE), detail="also shown elsewhere")
ALICE, BOB = account("alice"), account("bob")
CATS = replace(community("cats"), uri="https://far.example/c/cats", handle="cats@far.example")


def flagged(value: float) -> Because:
    return Because(text=f"flagged by nsfw/nsfw ({value})", exact=False, score=value, threshold=0.5)


def remove(number: int, author: object = ALICE, **more: object) -> Remove:
    return Remove(instance=HERE, subject=post(number, author, **more), text="t")  # type: ignore[arg-type]


def add(
    ledger: SqlLedger, number: int, *decisions: tuple[Intent, Decision], rule: str = "known", because: Because = EXACT
) -> int:
    """A case of its own for file ``number``."""
    name = alias(f"{number}.png")
    ledger.record("", Batch(sightings=[sighting(post(number), name)]), examine_uploads=False)
    file_id = ledger.bind(name, f"{number:064x}")
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id=rule, rule_digest="d", because=because, intents=())
    ledger.add_verdict(case, file_id, verdict, decisions)
    return case


@pytest.fixture
def town(ledger: SqlLedger, clock: StillClock) -> SqlLedger:
    """Seven intents in four cases, an hour between the cases."""
    add(ledger, 1, (remove(1), HELD), (BanAccount(instance=HERE, account=ALICE), ASKED))
    clock.pass_(hours=1)
    add(ledger, 2, (remove(2, BOB), HELD), rule="low", because=flagged(0.6))
    clock.pass_(hours=1)
    purge = PurgeFile(instance=HERE, name=alias(), url=address(alias()), uploader=BOB)
    add(ledger, 3, (remove(3, BOB, community=CATS), HELD), (purge, ASKED), rule="low", because=flagged(0.97))
    clock.pass_(hours=1)
    add(ledger, 4, (remove(4), Allow()), (Report(instance=HERE, subject=post(4, BOB), text="t"), HELD))
    return ledger


FOUND: list[tuple[Filter, list[int]]] = [
    (Filter(), [1, 2, 3, 4, 5, 6, 7]),
    (Filter(states=(IntentState.HELD,)), [1, 2, 3, 4, 5, 7]),
    (Filter(case=3), [4, 5]),
    (Filter(kind="remove"), [1, 3, 4, 6]),
    (Filter(rule="low"), [3, 4, 5]),
    (Filter(reason=HoldReason.STAGE), [1, 3, 4, 7]),
    (Filter(reason=HoldReason.SHARED_FILE), [2, 5]),
    (Filter(reason=HoldReason.STOPPED), []),
    (Filter(score_at_least=0.6), [3, 4, 5]),
    (Filter(score_at_least=0.61), [4, 5]),
    (Filter(score_below=0.97), [3]),
    (Filter(score_at_least=0.5, score_below=0.7), [3]),
    (Filter(since=NOW + timedelta(hours=1)), [3, 4, 5, 6, 7]),
    (Filter(until=NOW + timedelta(hours=1)), [1, 2]),
    (Filter(since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=90)), [3]),
    (Filter(account=ALICE.uri), [1, 2, 6]),
    (Filter(account="bob@here.example"), [3, 4, 5, 7]),
    (Filter(account=" @BOB@here.example "), [3, 4, 5, 7]),
    (Filter(account="bo_@here.example"), []),
    (Filter(account="pictures@here.example"), []),
    (Filter(community="!cats@far.example"), [4]),
    (Filter(community=CATS.uri, kind="remove", rule="low"), [4]),
    (Filter(account=BOB.uri, reason=HoldReason.STAGE, score_at_least=0.9), [4]),
]


def test_every_filter_narrows_down(town: SqlLedger) -> None:
    for which, found in FOUND:
        assert [record.id for record in town.find(which)] == found, which
        assert sum(town.tally(which).values()) == len(found), which


@pytest.mark.parametrize("known", ["rita@bücher.example", "rita@xn--bcher-kva.example"])
@pytest.mark.parametrize("wanted", ["rita@bücher.example", "@Rita@XN--BCHER-KVA.example"])
def test_account_of_a_server_in_another_script_is_found_in_either_writing(
    ledger: SqlLedger, known: str, wanted: str
) -> None:
    add(ledger, 1, (remove(1, account("rita", uri="https://xn--bcher-kva.example/u/rita", handle=known)), HELD))
    add(ledger, 2, (remove(2, account("rita")), HELD))
    assert [record.id for record in ledger.find(Filter(account=wanted))] == [1]


def test_pages_follow_each_other(town: SqlLedger) -> None:
    which = Filter(states=(IntentState.HELD,))
    first = town.find(which, limit=4)
    assert [record.id for record in first] == [1, 2, 3, 4]
    assert [record.id for record in town.find(which, limit=4, after=first[-1].id)] == [5, 7]
    assert town.tally(which) == {"ban_account": 1, "purge_file": 1, "remove": 3, "report": 1}


def test_what_was_done_is_found_by_when_it_was(ledger: SqlLedger, clock: StillClock) -> None:
    add(ledger, 1, (remove(1), Allow()))
    add(ledger, 2, (remove(2), Allow()))
    add(ledger, 3, (remove(3), Allow()))
    fence = ledger.acquire("tester", seconds=1e6).fence  # type: ignore[union-attr]

    def do(number: int, *, reverting: bool = False, state: IntentState = IntentState.DONE) -> None:
        attempt = ledger.begin(number, reverting=reverting, before={}, fence=fence)
        ledger.end(attempt, Done(), state=state)

    def acted(**span: float) -> list[int]:
        return [record.id for record in ledger.find(Filter(acted_since=NOW + timedelta(**span)))]

    do(1)
    clock.pass_(hours=1)
    do(2)
    ledger.begin(3, reverting=False, before={}, fence=fence)  # nobody knows how it ended
    assert acted() == [1, 2, 3]
    assert acted(hours=1) == [2, 3]
    clock.pass_(hours=1)
    ledger.set_state(1, IntentState.UNDOING)
    do(1, reverting=True, state=IntentState.DONE)
    assert acted(hours=2) == [], "an undo that was refused is no deed"
    earlier = Filter(acted_since=NOW, acted_until=NOW + timedelta(hours=1))
    assert [record.id for record in ledger.find(earlier)] == [1]


# ------------------------------------------------------------------------------------------------------ a big ledger

MANY = 100_000
WORST = 40  # of them, by one account


@pytest.fixture(scope="module")
def full() -> Iterator[SqlLedger]:
    ledger = open_ledger("sqlite://", clock=StillClock())
    file_id = ledger.bind(alias(), f"{1:064x}")
    case = ledger.open_case(file_id).number
    scores = [encode(flagged(step / 1000)) for step in range(1000)]
    people = [account(f"person{number}") for number in range(MANY // WORST)]
    payloads = [encode(remove(1, person)) for person in people]
    reasons = encode((HoldReason.STAGE,))
    verdicts = [
        {
            "id": number,
            "case_number": case,
            "file_id": file_id,
            "rule_id": "low",
            "rule_digest": "d",
            "because_digest": str(number),
            "exact": False,
            "because": scores[number % 1000],
            "at": NOW,
        }
        for number in range(1, MANY + 1)
    ]
    intents = [
        {
            "id": number,
            "case_number": case,
            "verdict_id": number,
            "kind": "remove",
            "target_digest": fingerprint(str(number)),
            "account_digest": digest_of(people[number % len(people)]),
            "payload": payloads[number % len(people)],
            "planned": "held (stage)",
            "state": "held",
            "reasons": reasons,
            "detail": "",
            "attempts": 0,
            "turn": 0,
            "created_at": NOW,
        }
        for number in range(1, MANY + 1)
    ]
    with ledger._database.write() as connection:
        connection.execute(insert(schema.verdict), verdicts)
        connection.execute(insert(schema.intent), intents)
    yield ledger
    ledger.close()


@pytest.mark.parametrize(
    ("which", "number"),
    [
        (Filter(rule="low", score_at_least=0.998), 2 * MANY // 1000),
        (Filter(states=(IntentState.HELD,), account="person7@here.example"), WORST),
        (Filter(account=account("person7").uri, score_below=0.5), WORST // 2),
        (Filter(since=NOW + timedelta(hours=1)), 0),
    ],
    ids=["score", "handle", "address and score", "time"],
)
def test_of_a_hundred_thousand_only_what_fits_leaves_the_database(
    full: SqlLedger, monkeypatch: pytest.MonkeyPatch, which: Filter, number: int
) -> None:
    read = 0

    def counted(text: str) -> Intent:
        nonlocal read
        read += 1
        return intent_of(text)

    intent_of = planning.intent_of
    monkeypatch.setattr(planning, "intent_of", counted)
    monkeypatch.setattr(finding, "intent_of", counted)
    assert len(full.find(which)) == number
    assert read <= number + 1, "one more: the account that a handle means"
    assert sum(full.tally(which).values()) == number
    assert len(full.find(which, limit=3)) == min(3, number)


def test_when_one_of_a_kind_was_done_first(ledger: SqlLedger, clock: StillClock) -> None:
    for number in range(3):
        plan(ledger, replace(PURGE, name=alias(f"{number}.png")))
    lease = ledger.acquire("tester", seconds=3600)
    assert lease is not None
    assert ledger.first_done(1, "purge_file") is None
    for record in reversed(ledger.intents(kind="purge_file")):
        clock.pass_(minutes=1)
        attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
        ledger.end(attempt, Done(), state=IntentState.DONE)
    assert ledger.first_done(1, "purge_file") == NOW + timedelta(minutes=1)
    assert ledger.first_done(1, "remove") is None
    assert ledger.first_done(2, "purge_file") is None
