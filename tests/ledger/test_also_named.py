"""Reports that name several posts: no post is in two of a case, and each is found by any of its posts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from bot.domain.decisions import BanAccount, HoldReason, IntentState, Refused, Remove, Report
from bot.ledger import schema
from ledger.docket import ALLOW, BAN, HOLD, plan, seen_file
from making import HERE, account, post

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from bot.ports import IntentRecord
    from making import StillClock


@pytest.fixture
def ready(ledger: SqlLedger) -> SqlLedger:
    seen_file(ledger)
    return ledger


def report(first: int, *others: int) -> Report:
    return Report(instance=HERE, subject=post(first), text="t", also=tuple(post(number) for number in others))


def numbers(record: IntentRecord) -> list[str]:
    assert isinstance(record.intent, Report)
    return [subject.local_id for subject in record.intent.subjects]


def test_posts_beside_the_first_come_back_with_it(ready: SqlLedger) -> None:
    (record,) = plan(ready, report(1, 2, 3))
    assert numbers(record) == ["1", "2", "3"]
    assert ready.intent(record.id) == record


@pytest.mark.parametrize(
    ("later", "left"),
    [(report(2), None), (report(1), None), (report(3, 1), None), (report(2, 4), ["4"]), (report(4, 3, 5), ["4", "5"])],
)
def test_no_post_is_named_by_two_reports_of_a_case(ready: SqlLedger, later: Report, left: list[str] | None) -> None:
    plan(ready, report(1, 2, 3))
    assert [numbers(record) for record in plan(ready, later)] == ([] if left is None else [left])


def test_posts_that_are_named_already_are_not_unplanned(ready: SqlLedger) -> None:
    plan(ready, report(1, 2))
    removal = Remove(instance=HERE, subject=post(2), text="t")
    assert ready.unplanned(1, [report(1), report(2), report(3), removal]) == [report(3), removal]


def test_a_removal_finds_the_report_by_any_of_its_posts(ready: SqlLedger) -> None:
    (record,) = plan(ready, report(1, 2))
    for number in (1, 2):
        assert ready.reports_on(1, [str(post(number).key)]) == [record]
    assert ready.reports_on(1, [str(post(3).key)]) == []


def test_filed_reports_are_found_by_post_and_by_account(ready: SqlLedger) -> None:
    (record,) = plan(ready, report(1, 2))
    plan(ready, report(5))
    assert ready.reports_done(1, BAN) == []
    ready.set_state(record.id, IntentState.DONE)
    (done,) = ready.reports_done(1, BAN)
    assert done.id == record.id
    assert ready.reports_done(1, Remove(instance=HERE, subject=post(2), text="t")) == [done]
    assert ready.reports_done(1, Remove(instance=HERE, subject=post(5), text="t")) == []
    assert ready.reports_done(1, BanAccount(instance=HERE, account=account("bob"))) == []
    assert ready.reports_done(2, BAN) == []


def test_reports_that_a_ban_would_make_impossible(ready: SqlLedger, clock: StillClock) -> None:
    (tried,) = plan(ready, report(1))
    (held,) = plan(ready, report(2), decision=HOLD)
    plan(ready, report(3), decision=ALLOW)  # never tried: found by ``reports_about``
    ready.acquire("tester", seconds=60)
    fence = ready.holder().fence  # type: ignore[union-attr]
    ready.end(
        ready.begin(tried.id, reverting=False, before={}, fence=fence),
        Refused(code="later"),
        state=IntentState.READY,
        not_before=clock.now(),
    )
    found = ready.reports_unfiled(account(), case=1, limit=10)
    assert [record.id for record in found] == [tried.id, held.id]
    assert [record.id for record in ready.reports_unfiled(account(), case=2, limit=10)] == [tried.id]
    assert [record.id for record in ready.reports_unfiled(account(), case=1, before=held.id, limit=10)] == [tried.id]
    assert ready.reports_unfiled(account("bob"), case=1, limit=10) == []
    assert held.reasons == (HoldReason.STAGE, HoldReason.PROTECTED)


def test_what_is_erased_names_nothing_any_more(ready: SqlLedger) -> None:
    (record,) = plan(ready, report(1, 2))
    ready.set_state(record.id, IntentState.DONE)
    ready.erase_case(1, limit=100, by="ann")
    with ready._database.read() as connection:
        assert connection.execute(select(schema.also_named)).all() == []
    assert [numbers(one) for one in plan(ready, replace(report(2), also=(post(1),)))] == [["2", "1"]]
