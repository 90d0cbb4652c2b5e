from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import MAIN

from adapters.sandbox.lemmy import respond
from adapters.sandbox.lemmy.errors import LemmyError
from bot.domain.decisions import AlreadyDone, Done, Failed, Refused, SetSwitch, Switch

if TYPE_CHECKING:
    from lemmy_town import Town

    from bot.ports import Instance


def registration(to: str) -> SetSwitch:
    return SetSwitch(instance=MAIN, switch=Switch.REGISTRATION, value=to)


def block(host: str) -> SetSwitch:
    return SetSwitch(instance=MAIN, switch=Switch.FEDERATION, value="off", host=host)


def mode(town: Town) -> str:
    return town.box.state.local_site.registration_mode


def blocked(town: Town) -> list[str]:
    listed = town.call("admin", "GET", "federated_instances")["federated_instances"]["blocked"]
    return [row["domain"] for row in listed]


def turn(instance: Instance, intent: SetSwitch) -> tuple[Any, dict[str, Any]]:
    """Outcome, and how it stood before: what enforcement writes down."""
    before = dict(instance.enforcer.verify(intent).state)
    return instance.enforcer.apply(intent), before


@pytest.mark.parametrize(("to", "then"), [("closed", "Closed"), ("applications", "RequireApplication")])
def test_registration_is_turned_verified_and_turned_back(town: Town, instance: Instance, to: str, then: str) -> None:
    acting, intent = instance.enforcer, registration(to)
    assert acting.offers(intent).supported
    outcome, before = turn(instance, intent)
    assert isinstance(outcome, Done)
    assert mode(town) == then
    assert acting.verify(intent).so
    assert isinstance(acting.apply(intent), AlreadyDone)
    assert isinstance(acting.revert(intent, before), Done)
    assert mode(town) == "Open"
    assert acting.verify(intent).so is False


def test_applications_without_a_question_are_not_offered(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", application_question="")
    offer = instance.enforcer.offers(registration("applications"))
    assert not offer.supported
    assert "site settings" in offer.why_not
    outcome = instance.enforcer.apply(registration("applications"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_offered"
    assert mode(town) == "Open"


def test_nothing_is_turned_that_would_let_those_in_who_wait_for_approval(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", registration_mode="RequireApplication")
    outcome, before = turn(instance, registration("closed"))
    assert isinstance(outcome, Done)
    with town.box.state.lock:
        town.box.state.local_site.registration_mode = "RequireApplication"
    name, password = "applicant", "0123456789"
    town.call("alice", "POST", "user/register", username=name, password=password, password_verify=password, answer="Me")
    with town.box.state.lock:
        town.box.state.local_site.registration_mode = "Closed"

    refused = instance.enforcer.revert(registration("closed"), before)
    assert isinstance(refused, Refused)
    assert refused.code == "applications_wait"
    assert mode(town) == "Closed"

    (row,) = town.call("admin", "GET", "admin/registration_application/list")["registration_applications"]
    number = row["registration_application"]["id"]
    town.call("admin", "PUT", "admin/registration_application/approve", id=number, approve=False, deny_reason="raid")
    assert isinstance(instance.enforcer.revert(registration("closed"), before), Refused)
    town.call("admin", "PUT", "admin/registration_application/approve", id=number, approve=True)
    assert isinstance(instance.enforcer.revert(registration("closed"), before), Done)
    assert mode(town) == "RequireApplication"


def test_one_server_is_blocked_and_unblocked_and_the_others_stay(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", blocked_instances=["old.example"])
    domain = town.box.federation.domain
    outcome, before = turn(instance, block(domain))
    assert isinstance(outcome, Done)
    assert blocked(town) == [domain, "old.example"]
    assert instance.enforcer.verify(block(domain)).so
    with pytest.raises(LemmyError, match="domain_blocked"):
        town.box.federate_post()

    town.call("admin", "PUT", "site", blocked_instances=["old.example", domain, "new.example"])
    assert isinstance(instance.enforcer.revert(block(domain), before), Done)
    assert blocked(town) == ["old.example", "new.example"]
    assert town.box.federate_post() > 0


def test_block_of_humans_is_left_when_ours_is_taken_back(town: Town, instance: Instance) -> None:
    town.call("admin", "PUT", "site", blocked_instances=["bad.example"])
    outcome, before = turn(instance, block("bad.example"))
    assert isinstance(outcome, AlreadyDone)
    assert isinstance(instance.enforcer.revert(block("bad.example"), before), AlreadyDone)
    assert blocked(town) == ["bad.example"]


@pytest.mark.parametrize("host", ["", "not a host", "https://bad.example", "bad.example/x", "BAD.example"])
def test_what_is_no_name_of_a_server_is_not_blocked(instance: Instance, host: str) -> None:
    assert not instance.enforcer.offers(block(host)).supported


def test_a_server_is_not_cut_off_from_itself(town: Town, instance: Instance) -> None:
    assert not instance.enforcer.offers(block(town.box.url.removeprefix("http://"))).supported


def test_uploads_are_not_offered_and_it_says_what_to_do_instead(instance: Instance) -> None:
    offer = instance.enforcer.offers(SetSwitch(instance=MAIN, switch=Switch.UPLOADS, value="off"))
    assert not offer.supported
    assert "POST /pictrs/image" in offer.why_not


def test_unknown_state_before_is_not_guessed(instance: Instance) -> None:
    assert isinstance(instance.enforcer.revert(registration("closed"), {}), Refused)
    assert isinstance(instance.enforcer.revert(block("bad.example"), {}), Refused)


def test_server_that_fails_before_the_change_has_changed_nothing(town: Town, instance: Instance) -> None:
    town.box.faults.before("PUT", "/api/v3/site", respond(503, ""))
    outcome = instance.enforcer.apply(registration("closed"))
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert mode(town) == "Open"
