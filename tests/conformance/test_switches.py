"""Settings that are turned in a raid: who may register, and which servers are not listened to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .people import Person
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from .server import Server
    from .stage import Stage

QUESTION = "Why do you want to join?"


@pytest.fixture
def turned_back(admin: Person) -> Iterator[None]:
    """Whatever a test turns is as it was afterwards; nobody waits for approval then."""
    local = body(admin.get("site"))["site_view"]["local_site"]
    blocked = _blocked(admin)
    yield
    body(admin.put("site", registration_mode="Open", application_question=local.get("application_question", "")))
    body(admin.put("site", blocked_instances=blocked))


def _blocked(admin: Person) -> list[str]:
    listed = body(admin.get("federated_instances"))["federated_instances"]
    return [instance["domain"] for instance in listed["blocked"]]


def _mode(admin: Person) -> str:
    return str(body(admin.get("site"))["site_view"]["local_site"]["registration_mode"])


class Applicants:
    """People who register under whatever the server asks for."""

    def __init__(self, server: Server, stage: Stage) -> None:
        self._server = server
        self._stage = stage

    def apply(self, **more: Any) -> tuple[Person, httpx.Response]:
        name, password = f"applicant_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        person = Person(self._server, name=name, password=password)
        self._stage.people.append(person)
        answer = person.post("user/register", username=name, password=password, password_verify=password, **more)
        return person, answer

    def row(self, admin: Person, person: Person) -> dict[str, Any]:
        """The application; also tells us who that is, so that the account can be purged."""
        rows = body(admin.get("admin/registration_application/list", unread_only="false", limit=50))
        found: dict[str, Any] = next(
            row for row in rows["registration_applications"] if row["creator"]["name"] == person.name
        )
        person.id = found["creator"]["id"]
        return found


@pytest.fixture
def applicants(server: Server, stage: Stage) -> Applicants:
    return Applicants(server, stage)


@pytest.mark.usefixtures("turned_back")
def test_nobody_registers_while_registration_is_closed(admin: Person, applicants: Applicants) -> None:
    answer = body(admin.put("site", registration_mode="Closed"))
    assert answer["site_view"]["local_site"]["registration_mode"] == "Closed"
    eventually(lambda: _mode(admin) == "Closed", "the site tells that registration is closed")
    _, refused = applicants.apply()
    assert refusal(refused) == (400, "registration_closed")


@pytest.mark.usefixtures("turned_back")
def test_applications_need_a_question(admin: Person) -> None:
    body(admin.put("site", registration_mode="Open"))
    body(admin.put("site", application_question=""))
    assert refusal(admin.put("site", registration_mode="RequireApplication")) == (400, "application_question_required")
    eventually(lambda: _mode(admin) == "Open", "the site tells that registration is open still")


@pytest.mark.usefixtures("turned_back")
def test_who_waits_for_approval_is_let_in_when_registration_opens_or_asks_again(
    admin: Person, applicants: Applicants
) -> None:
    body(admin.put("site", registration_mode="RequireApplication", application_question=QUESTION))
    eventually(lambda: _mode(admin) == "RequireApplication", "the site tells that it asks for applications")
    person, answer = applicants.apply(answer="To share pictures of bread")
    assert body(answer)["registration_created"] is True
    row = applicants.row(admin, person)
    assert row["creator_local_user"]["accepted_application"] is False
    assert "admin_id" not in row["registration_application"]
    assert body(admin.get("admin/registration_application/count"))["registration_applications"] >= 1

    body(admin.put("site", registration_mode="Closed"))
    login = person.post("user/login", username_or_email=person.name, password=person.password)
    assert refusal(login) == (400, "registration_application_is_pending")

    body(admin.put("site", registration_mode="RequireApplication"))
    assert applicants.row(admin, person)["creator_local_user"]["accepted_application"] is True
    person.sign_in()


@pytest.mark.usefixtures("turned_back")
def test_list_of_blocked_servers_is_replaced_as_a_whole_and_only_when_it_is_sent(admin: Person) -> None:
    before = _blocked(admin)
    one, other = (f"{secrets.token_hex(4)}.example" for _ in range(2))
    body(admin.put("site", blocked_instances=[*before, one]))
    assert sorted(_blocked(admin)) == sorted([*before, one])
    body(admin.put("site", registration_mode="Closed"))
    assert sorted(_blocked(admin)) == sorted([*before, one])
    body(admin.put("site", blocked_instances=[*before, other]))
    assert sorted(_blocked(admin)) == sorted([*before, other])
    body(admin.put("site", blocked_instances=before))
    assert sorted(_blocked(admin)) == sorted(before)


@pytest.mark.usefixtures("turned_back")
def test_only_administrators_turn_anything(stage: Stage) -> None:
    somebody = stage.register("somebody")
    assert refusal(somebody.put("site", registration_mode="Closed")) == (400, "not_an_admin")
    assert refusal(somebody.put("site", blocked_instances=[])) == (400, "not_an_admin")
