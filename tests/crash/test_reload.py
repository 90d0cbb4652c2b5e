"""A configuration that is read again while the bot runs."""

from __future__ import annotations

import hashlib
import signal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.clock import SystemClock
from bot.domain.decisions import HoldReason, IntentState
from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import open_ledger
from bot.operate import reload
from bot.ports import ListEntry
from bot.settings import load
from bot.wiring import build_house
from conformance.pictures import png
from conformance.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.bot import Bot
    from bot.ledger import SqlLedger

    from .conftest import Town


@pytest.fixture
def ledger(bot: Bot) -> Iterator[SqlLedger]:
    """The ledger of the bot, which answers sooner than commands do."""
    one = open_ledger(f"sqlite:///{bot.config.parent / 'ledger.db'}", clock=SystemClock())
    yield one
    one.close()


def change(bot: Bot, **changes: Any) -> dict[str, Any]:
    """Write the configuration anew; what it was before."""
    before: dict[str, Any] = yaml.safe_load(bot.config.read_text(encoding="utf-8"))
    bot.config.write_text(yaml.safe_dump({**before, **changes}), encoding="utf-8")
    return before


def digest_of_listed(bot: Bot, ledger: SqlLedger) -> str:
    house = build_house(load(bot.config), base=bot.config.parent, ledger=ledger)
    return next(rule.digest for rule in house.rules if rule.id == "listed")


def share(town: Town, ledger: SqlLedger, who: str, content: bytes) -> set[str]:
    """Somebody posts a picture that is on the list; digests of the rules by which it was judged."""
    known = len(ledger.cases())
    digest = hashlib.sha256(content).hexdigest()
    ledger.add_entries([ListEntry(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, digest=digest)])
    town.post(who, town.upload(who, content))
    eventually(lambda: len(ledger.cases()) > known and bool(_newest(ledger)), "there is a case")
    return {record.rule_digest for record in _newest(ledger)}


def _newest(ledger: SqlLedger) -> Any:
    return ledger.intents(case=ledger.cases()[0].number)


def trouble(ledger: SqlLedger) -> str:
    result = reload.last(ledger)
    return result.trouble if result is not None else ""


def test_rules_change_while_the_bot_runs_and_a_fault_changes_nothing(town: Town, bot: Bot, ledger: SqlLedger) -> None:
    old_digest = digest_of_listed(bot, ledger)
    assert share(town, ledger, "alice", png(310, 200)) == {old_digest}

    (rule, score) = change(bot)["rules"]
    observed = {**rule, "stage": "observe", "text": "Please have a look"}
    good = {"rules": [observed, score], "poll_every": "2s", "tasks_at_once": 4}
    change(bot, **good)
    assert bot.json("reload") == {"taken_up": ["poll_every", "rules.listed"], "needs_restart": ["tasks_at_once"]}
    new_digest = digest_of_listed(bot, ledger)
    assert new_digest != old_digest
    assert share(town, ledger, "bob", png(320, 200)) == {new_digest}
    assert {(record.state, *record.reasons) for record in _newest(ledger)} == {(IntentState.HELD, HoldReason.STAGE)}
    assert {record.rule_digest for record in ledger.intents(case=1)} == {old_digest}, "what was reached then stays"
    wordings = {digest: ledger.rule_text(digest) or "" for digest in (old_digest, new_digest)}
    assert ["Please have a look" in wording for wording in wordings.values()] == [False, True]
    assert all("bad" in wording for wording in wordings.values())

    # What has an error is refused as a whole, whoever asks.
    change(bot, lists=[{"id": "bad", "mode": "block", "file": "nowhere.txt"}], rules=[rule])
    bot.command("reload", code=2)
    assert "nowhere.txt" in bot.json("status")["reload"]["trouble"]
    bot.command("check", code=1)
    assert share(town, ledger, "bob", png(330, 200)) == {new_digest}
    bot.config.write_text(f"schema: 1\ninstances: {rule['id']}\n", encoding="utf-8")
    bot.signal(signal.SIGHUP)
    eventually(lambda: "1 thing to mend" in trouble(ledger), "it says what is wrong")
    assert "the old one stays in force" in bot.log.read_text()
    assert not town.banned("bob")

    bot.config.write_text(town.config(bot.config.parent, **good).read_text(encoding="utf-8"), encoding="utf-8")
    bot.signal(signal.SIGHUP)
    eventually(lambda: not trouble(ledger), f"it is taken up again\n{bot.log.read_text()[-3000:]}")
    assert "needs a restart" in bot.log.read_text()

    bot.command("status", "--alive")
    bot.stop()
    bot.command("status", "--alive", code=1)
    bot.command("reload", code=1)
