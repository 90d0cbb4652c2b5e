"""Whoever is protected by now is not acted on, whatever was allowed or approved before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import making
from bot.domain.content import InstanceId
from bot.domain.decisions import Allow, BanAccount, HoldReason, IntentState, PurgeFile, Remove, Report, Scope, Verdict
from bot.enforce import Enforcement
from bot.operate import decide
from bot.pipeline import Protection
from bot.policy import Guard, Limits
from bot.ports import Batch
from bot.settings import load
from bot.wiring import build_house
from enforce.test_apply import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.domain.decisions import Intent

REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
PURGE = PurgeFile(instance=making.HERE, name=making.alias("1.png"), url="u")
BAN = BanAccount(instance=making.HERE, account=making.account())
BAN_THERE = replace(BAN, scope=Scope.COMMUNITY, community_id=making.community().local_id)
BAN_ELSEWHERE = replace(BAN_THERE, community_id="id-another")
THERE = making.post(2, making.account("bob"))
NOBODY = Limits(irreversible=frozenset({"purge_file"}), evidence="none")


class Town(World):
    """A world with a guard, whose limits change."""

    def restart(self) -> None:
        super().restart()
        self.limits = NOBODY
        self.acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=self.confirmed.append,
            protected=Protection(self.ledger, lambda: Guard(limits=self.limits)),
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
        )

    def protect(self, *accounts: str, communities: tuple[str, ...] = ()) -> None:
        self.limits = replace(
            self.limits, protected_accounts=frozenset(accounts), protected_communities=frozenset(communities)
        )

    def reasons(self) -> set[HoldReason]:
        return {reason for record in self.ledger.intents(case=1) for reason in record.reasons}


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.ledger.close()


@pytest.mark.parametrize("deed", [REPORT, REMOVE, BAN, BAN_THERE], ids=lambda deed: deed.kind)
def test_what_is_ready_is_not_done_to_whom_is_protected_by_now(town: Town, deed: Intent) -> None:
    town.plan(deed)
    town.protect("@Alice@here.example")
    town.settle()
    assert (town.states(), town.reasons()) == ({deed.kind: "held"}, {HoldReason.PROTECTED})
    assert not town.platform.done
    (record,) = town.ledger.intents(case=1)
    assert not town.ledger.attempts(record.id), "nothing was tried"


def test_a_file_is_not_purged_whose_uploader_is_protected_by_now(town: Town) -> None:
    town.plan(PURGE)
    upload = making.upload(making.alias("1.png"))
    town.ledger.record("", Batch(uploads=[upload]), examine_uploads=False)
    town.protect("alice@here.example")
    town.settle()
    assert (town.states(), town.reasons()) == ({"purge_file": "held"}, {HoldReason.PROTECTED})


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "shown"])
def test_a_thumbnail_is_not_purged_with_a_picture_if_it_is_of_somebody_protected_by_now(
    town: Town, stored: bool
) -> None:
    name, bob = making.alias("t.png"), making.account("bob")
    town.plan(PURGE, replace(PURGE, name=name))
    told = Batch(uploads=[making.upload(name, bob)]) if stored else Batch(sightings=[making.sighting(THERE, name)])
    town.ledger.record("", told, examine_uploads=False)
    town.protect("bob@here.example")
    town.settle()
    states = {record.intent.name: record.state.value for record in town.ledger.intents(case=1)}
    assert states == {PURGE.name: "done", name: "held"}
    assert town.reasons() == {HoldReason.PROTECTED}


def test_in_a_community_that_is_protected_by_now_nothing_is_done(town: Town) -> None:
    town.plan(REPORT, REMOVE, PURGE, BAN_THERE, BAN_ELSEWHERE, replace(BAN, account=making.account("bob")))
    town.protect(communities=("!pictures@here.example",))
    town.settle()
    done = {record.intent.target for record in town.ledger.intents(case=1, states=(IntentState.DONE,))}
    assert done == {BAN_ELSEWHERE.target, replace(BAN, account=making.account("bob")).target}
    assert town.reasons() == {HoldReason.PROTECTED}


def test_what_failed_and_is_to_be_tried_again_is_not_tried_on_whom_is_protected_by_now(town: Town) -> None:
    town.plan(REMOVE)
    town.platform.faults = ["fail"]
    town.work()
    town.protect("alice@here.example")
    town.clock.pass_(hours=1)
    town.settle()
    assert (town.states(), town.platform.done) == ({"remove": "held"}, {})


@pytest.mark.parametrize("deed", [PURGE, BAN_THERE], ids=lambda deed: deed.kind)
def test_an_approval_does_not_help_where_the_community_is_protected(town: Town, deed: Intent) -> None:
    town.plan(deed, hold=(deed,))
    town.protect(communities=("pictures@here.example",))
    (result,) = decide.approve(town.ledger, Guard(limits=town.limits), town.ledger.intents(case=1), by="ann")
    assert (result.ok, result.detail.partition(":")[0]) == (False, "protected")


def test_a_reload_holds_what_was_ready_for_whom_it_protects(tmp_path: Path) -> None:
    server = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "warden", "password": "x"}
    written: dict[str, Any] = {"schema": 1, "ledger": "sqlite:///ledger.db", "instances": [server]}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(written))
    house = build_house(load(config), base=tmp_path)
    ledger = house.ledger
    ledger.record("", Batch(sightings=[making.sighting()]), examine_uploads=False)
    file_id = ledger.bind(making.alias(), "0" * 64)
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id="known", rule_digest="d", because=making.EXACT, intents=())
    ledger.add_verdict(case, file_id, verdict, [(replace(REPORT, instance=InstanceId("here")), Allow())])
    acting = house.enforcement
    lease = ledger.acquire("tester", seconds=60)
    assert lease is not None
    config.write_text(yaml.safe_dump({**written, "protected": {"accounts": ["@alice@here.example"]}}))
    assert list(house.take_up(load(config)).taken_up) == ["protected"]
    acting.work(case, lease.fence)
    (record,) = ledger.intents(case=case)
    assert (record.state, tuple(record.reasons)) == (IntentState.HELD, (HoldReason.PROTECTED,))
    house.close()
