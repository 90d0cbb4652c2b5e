"""Whoever is protected by now is not acted on, whatever was allowed or approved before."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import making
from bot.domain.content import Alias, InstanceId
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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bot.domain.decisions import Intent
    from bot.policy import Staff
    from bot.wiring.house import House

REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
PURGE = PurgeFile(instance=making.HERE, name=making.alias("1.png"), url="u")
BAN = BanAccount(instance=making.HERE, account=making.account())
BAN_THERE = replace(BAN, scope=Scope.COMMUNITY, community_id=making.community().local_id)
BAN_ELSEWHERE = replace(BAN_THERE, community_id="id-another")
SERVER = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "warden", "password": "x"}
WRITTEN: dict[str, Any] = {"schema": 1, "ledger": "sqlite:///ledger.db", "instances": [SERVER]}
THERE = making.post(2, making.account("bob"))
NOBODY = Limits(irreversible=frozenset({"purge_file"}), evidence="none")


class Town(World):
    """A world with a guard, whose limits change."""

    def restart(self) -> None:
        super().restart()
        self.limits = NOBODY
        self.staff: set[str] = set()
        self.acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=self.confirmed.append,
            protected=Protection(self.ledger, lambda: Guard(limits=self.limits), self.staff_of),
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
        )

    def staff_of(self, instances: Iterable[InstanceId]) -> Staff:
        return {instance: self.staff for instance in instances if instance == making.HERE}

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


@pytest.mark.parametrize("deed", [REPORT, REMOVE, PURGE, BAN, BAN_THERE], ids=lambda deed: deed.kind)
def test_what_is_ready_is_not_done_to_whom_has_become_staff(town: Town, deed: Intent) -> None:
    town.plan(deed)
    town.ledger.record("", Batch(uploads=[making.upload(making.alias("1.png"))]), examine_uploads=False)
    town.staff = {making.account().local_id}
    town.settle()
    assert (town.states(), town.reasons()) == ({deed.kind: "held"}, {HoldReason.PROTECTED})
    assert not town.platform.done


def test_a_file_is_not_purged_whose_uploader_is_protected_by_now(town: Town) -> None:
    town.plan(PURGE)
    upload = making.upload(making.alias("1.png"))
    town.ledger.record("", Batch(uploads=[upload]), examine_uploads=False)
    town.protect("alice@here.example")
    town.settle()
    assert (town.states(), town.reasons()) == ({"purge_file": "held"}, {HoldReason.PROTECTED})


def test_staff_of_the_server_that_has_a_file_stay_its_owners_where_another_knows_them_as_strangers(town: Town) -> None:
    town.plan(PURGE)
    admin, there = making.account("admin", is_staff=True), InstanceId("there")
    stranger = replace(admin, instance=there, is_staff=False, is_local=False)
    theirs = Alias(instance=there, value="2.png")
    seen = replace(making.sighting(making.post(2, stranger, instance=there)), name=theirs)
    stored = making.upload(making.alias("1.png"), admin)
    town.ledger.record("", Batch(sightings=[seen], uploads=[stored]), examine_uploads=False)
    town.ledger.bind(theirs, f"{1:064x}")
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


def test_a_community_that_another_server_knows_too_stays_protected_here(town: Town) -> None:
    town.plan(BAN_THERE)
    there = InstanceId("there")
    same = replace(making.community(), instance=there, local_id="7")
    elsewhere = making.sighting(making.post(2, instance=there, community=same), making.alias("1.png"))
    town.ledger.record("", Batch(sightings=[elsewhere]), examine_uploads=False)
    town.protect(communities=("pictures@here.example",))
    town.settle()
    assert (town.states(), town.reasons()) == ({"ban_account": "held"}, {HoldReason.PROTECTED})


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


def lived_in(folder: Path) -> tuple[House, int, int]:
    """A house where a report is ready, its case, and the fence of whoever may act."""
    (folder / "config.yaml").write_text(yaml.safe_dump(WRITTEN))
    house = build_house(load(folder / "config.yaml"), base=folder)
    ledger = house.ledger
    ledger.record("", Batch(sightings=[making.sighting()]), examine_uploads=False)
    file_id = ledger.bind(making.alias(), "0" * 64)
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id="known", rule_digest="d", because=making.EXACT, intents=())
    ledger.add_verdict(case, file_id, verdict, [(replace(REPORT, instance=InstanceId("here")), Allow())])
    lease = ledger.acquire("tester", seconds=60)
    assert lease is not None
    return house, case, lease.fence


def is_protected(house: House) -> bool:
    (record,) = house.ledger.intents()
    house.close()
    return (record.state, tuple(record.reasons)) == (IntentState.HELD, (HoldReason.PROTECTED,))


def test_a_reload_holds_what_was_ready_for_whom_it_protects(tmp_path: Path) -> None:
    house, case, fence = lived_in(tmp_path)
    acting = house.enforcement
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**WRITTEN, "protected": {"accounts": ["@alice@here.example"]}}))
    assert list(house.take_up(load(config)).taken_up) == ["protected"]
    acting.work(case, fence)
    assert is_protected(house)


def test_the_house_asks_its_servers_who_is_staff_before_a_deed(tmp_path: Path) -> None:
    house, case, fence = lived_in(tmp_path)
    alice = SimpleNamespace(staff=lambda: {making.account().local_id})
    house.__dict__["instances"] = {id_: replace(instance, resolver=alice) for id_, instance in house.instances.items()}
    house.enforcement.work(case, fence)
    assert is_protected(house)
