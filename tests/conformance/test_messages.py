"""Private messages: nobody else's, whoever asks, unless their recipient reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal

if TYPE_CHECKING:
    from .people import Person

pytestmark = pytest.mark.conformance


@pytest.fixture
def message(alice: Person, bob: Person) -> dict[str, Any]:
    """From bob to alice."""
    made = body(bob.post("private_message", recipient_id=alice.id, content="![p](https://far.example/a.png)"))
    view: dict[str, Any] = made["private_message_view"]
    return view


def mail(person: Person) -> list[int]:
    found = body(person.get("private_message/list", limit=50))["private_messages"]
    return [view["private_message"]["id"] for view in found]


def reported(person: Person) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = body(person.get("private_message/report/list", limit=50))["private_message_reports"]
    return views


def test_message_is_listed_for_both_of_them_and_for_no_admin(
    message: dict[str, Any], alice: Person, bob: Person, warden: Person
) -> None:
    number = message["private_message"]["id"]
    assert number in mail(alice)
    assert number in mail(bob)
    assert number not in mail(warden)
    assert number not in [view["private_message"]["id"] for view in reported(warden)]


def test_reported_message_is_shown_to_admins_as_it_was_and_as_it_is(
    message: dict[str, Any], alice: Person, bob: Person, warden: Person
) -> None:
    number = message["private_message"]["id"]
    body(alice.post("private_message/report", private_message_id=number, reason="not nice"))
    body(bob.put("private_message", private_message_id=number, content="nothing"))
    view = reported(warden)[0]
    assert view["private_message_report"]["original_pm_text"] == "![p](https://far.example/a.png)"
    assert view["private_message"]["content"] == "nothing"
    assert view["private_message"]["ap_id"].endswith(f"/private_message/{number}")
    assert view["private_message_creator"]["id"] == bob.id
    assert view["creator"]["id"] == alice.id
    assert view["private_message_report"]["resolved"] is False


def test_only_the_recipient_reports_a_message_and_once(message: dict[str, Any], alice: Person, bob: Person) -> None:
    number = message["private_message"]["id"]
    again = {"private_message_id": number, "reason": "x"}
    assert refusal(bob.post("private_message/report", **again)) == (400, "couldnt_create_report")
    body(alice.post("private_message/report", **again))
    assert refusal(alice.post("private_message/report", **again)) == (400, "couldnt_create_report")


def test_only_admins_see_reports_of_messages(alice: Person) -> None:
    assert refusal(alice.get("private_message/report/list")) == (400, "not_an_admin")
