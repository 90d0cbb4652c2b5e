"""Federation with another server, off and on; nothing else of a server is turned by Mastodon's API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_square import MAIN

from adapters.mastodon.addresses import Addresses
from adapters.mastodon.convert import Converter
from adapters.sandbox.faults import drop
from bot.domain.decisions import AlreadyDone, Done, Failed, LastWord, Refused, SetSwitch, Switch
from making import NOW

if TYPE_CHECKING:
    from mastodon_square import Square

OFF = SetSwitch(instance=MAIN, switch=Switch.FEDERATION, value="off", host="bad.example")
ON = SetSwitch(instance=MAIN, switch=Switch.FEDERATION, value="on", host="bad.example")


def blocks(square: Square) -> dict[str, dict[str, Any]]:
    found = square.call("admin", "GET", "/api/v1/admin/domain_blocks")
    return {row["domain"]: row for row in found}


def test_off_limits_the_server_and_undo_lifts_that(square: Square) -> None:
    bot = square.bot(who="admin")
    assert bot.enforcer.offers(OFF).reversible
    before = bot.enforcer.verify(OFF).state
    assert isinstance(bot.enforcer.apply(OFF), Done)
    assert blocks(square)["bad.example"]["severity"] == "silence"
    assert bot.enforcer.verify(OFF).so
    assert isinstance(bot.enforcer.apply(OFF), AlreadyDone)
    assert bot.enforcer.last_word(OFF, NOW) is LastWord.NOBODYS
    assert isinstance(bot.enforcer.revert(OFF, before), Done)
    assert not blocks(square)
    assert isinstance(bot.enforcer.revert(OFF, before), AlreadyDone)


def test_server_whose_name_is_in_another_script_is_limited_by_the_name_that_the_bot_has_of_its_people(
    square: Square,
) -> None:
    with square.box.state.lock:
        number = square.box.federation.account("rita", "xn--bcher-kva.example").id
    shown = square.call("nobody", "GET", f"/api/v1/accounts/{number}")
    assert shown["acct"] == "rita@bücher.example"
    rita = Converter(addresses=Addresses(instance=MAIN, url=square.box.url), domain="here").account(shown)
    off = replace(OFF, host=rita.home_host)
    bot = square.bot(who="admin")
    assert isinstance(bot.enforcer.apply(off), Done)
    assert list(blocks(square)) == ["xn--bcher-kva.example"]
    assert bot.enforcer.verify(off).so
    assert isinstance(bot.enforcer.apply(replace(off, value="on")), Done)
    assert not blocks(square)


def test_block_that_was_there_is_put_back_as_it_was(square: Square) -> None:
    square.call(
        "admin", "POST", "/api/v1/admin/domain_blocks", domain="bad.example", severity="noop", reject_media=True
    )
    was = blocks(square)["bad.example"]
    bot = square.bot(who="admin")
    before = bot.enforcer.verify(OFF).state
    assert isinstance(bot.enforcer.apply(OFF), Done)
    assert blocks(square)["bad.example"]["severity"] == "silence"
    bot.enforcer.revert(OFF, before)
    assert blocks(square)["bad.example"] == was
    assert isinstance(bot.enforcer.revert(OFF, before), AlreadyDone)
    before = bot.enforcer.verify(ON).state
    assert isinstance(bot.enforcer.apply(ON), Done)
    assert isinstance(bot.enforcer.apply(ON), AlreadyDone)
    bot.enforcer.revert(ON, before)
    back = blocks(square)["bad.example"]
    assert (back["severity"], back["reject_media"]) == ("noop", True)


def test_stricter_block_is_off_already(square: Square) -> None:
    square.call("admin", "POST", "/api/v1/admin/domain_blocks", domain="bad.example", severity="suspend")
    assert isinstance(square.bot(who="admin").enforcer.apply(OFF), AlreadyDone)
    assert blocks(square)["bad.example"]["severity"] == "suspend"


def test_suspending_a_server_has_to_be_asked_for_and_cannot_be_undone(square: Square) -> None:
    bot = square.bot(who="admin", domain_block="suspend")
    assert not bot.enforcer.offers(OFF).reversible
    assert bot.enforcer.offers(ON).reversible
    assert isinstance(bot.enforcer.apply(OFF), Done)
    assert blocks(square)["bad.example"]["severity"] == "suspend"


def test_role_without_the_permission_is_not_offered(square: Square) -> None:
    offer = square.bot().enforcer.offers(OFF)
    assert not offer.supported
    assert "Manage Federation" in offer.why_not
    outcome = square.bot().enforcer.apply(OFF)
    assert isinstance(outcome, Refused)
    assert not blocks(square)


def test_token_without_the_scope_is_not_offered(square: Square) -> None:
    assert "admin:read:domain_blocks" in square.bot(who="admin", label="no_admin_scope").enforcer.offers(OFF).why_not


@pytest.mark.parametrize(
    ("switch", "value", "host"),
    [
        (Switch.REGISTRATION, "closed", ""),
        (Switch.UPLOADS, "off", ""),
        (Switch.FEDERATION, "off", ""),
        (Switch.FEDERATION, "sideways", "bad.example"),
    ],
)
def test_what_the_api_does_not_turn(square: Square, switch: Switch, value: str, host: str) -> None:
    intent = SetSwitch(instance=MAIN, switch=switch, value=value, host=host)
    bot = square.bot(who="admin")
    assert not bot.enforcer.offers(intent).supported
    assert isinstance(bot.enforcer.apply(intent), Refused)
    assert isinstance(bot.enforcer.revert(intent, {}), Refused)


def test_server_is_not_cut_off_from_itself(square: Square) -> None:
    own = SetSwitch(instance=MAIN, switch=Switch.FEDERATION, value="off", host=square.box.url.removeprefix("http://"))
    assert not square.bot(who="admin").enforcer.offers(own).supported


def test_lost_answer_is_found_out(square: Square) -> None:
    bot = square.bot(who="admin")
    square.box.faults.after("POST", "/domain_blocks$", drop())
    outcome = bot.enforcer.apply(OFF)
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert bot.enforcer.verify(OFF).so
    assert len(blocks(square)) == 1
