"""Accounts and the second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

if TYPE_CHECKING:
    from .visitors import Visitors

PASSWORD = "a long enough password"


def test_everybody_seeded_can_log_in_and_out(visitors: Visitors) -> None:
    assert list(visitors.box.people) == ["admin", "alice", "bob", "carol", "dave", "warden", "erin"]
    for name, person in visitors.box.people.items():
        credentials = {"username_or_email": name.upper(), "password": person.password}
        token = visitors.call(None, "POST", "/api/v3/user/login", json=credentials).json()["jwt"]
        headers = {"Authorization": f"Bearer {token}"}
        assert visitors.call(None, "POST", "/api/v3/user/logout", headers=headers).json() == {"success": True}
        assert visitors.call(None, "GET", "/api/v3/user/validate_auth", headers=headers).status_code == 400
        assert visitors.call(name, "GET", "/api/v3/user/validate_auth").status_code == 200


def test_a_token_may_come_as_a_cookie(shared: Visitors) -> None:
    headers = {"Cookie": f"jwt={shared.box.people['alice'].jwt}"}
    assert shared.call(None, "GET", "/api/v3/user/validate_auth", headers=headers).json() == {"success": True}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"password": "short", "password_verify": "short"}, "invalid_password"),
        ({"password_verify": "another password"}, "passwords_do_not_match"),
        ({"username": "a b"}, "invalid_name"),
        ({"username": "x" * 21}, "invalid_name"),
        ({"username": "Alice"}, "user_already_exists"),
        ({"honeypot": "x"}, "honeypot_failed"),
    ],
)
def test_registrations_that_are_refused(shared: Visitors, fields: dict[str, str], code: str) -> None:
    good = {"username": "frank", "password": "a good password", "password_verify": "a good password"}
    assert shared.refusal(None, "/user/register", **(good | fields)) == (400, code)


def test_the_second_factor(visitors: Visitors) -> None:
    url = visitors.send("alice", "/user/totp/generate")["totp_secret_url"]
    totp = pyotp.TOTP(parse_qs(urlsplit(url).query)["secret"][0])
    wrong = f"{(int(totp.now()) + 1) % 1_000_000:06}"
    assert visitors.refusal("alice", "/user/totp/update", totp_token=wrong, enabled=True) == (
        400,
        "incorrect_totp_token",
    )
    assert visitors.send("alice", "/user/totp/update", totp_token=totp.now(), enabled=True) == {"enabled": True}
    credentials = {"username_or_email": "alice", "password": visitors.box.people["alice"].password}
    assert visitors.refusal(None, "/user/login", **credentials) == (400, "missing_totp_token")
    assert visitors.refusal(None, "/user/login", **credentials, totp_2fa_token=wrong) == (400, "incorrect_totp_token")
    whole = credentials | {"totp_2fa_token": totp.now()}
    assert visitors.call(None, "POST", "/api/v3/user/login", json=whole).json()["jwt"]
    assert visitors.refusal("alice", "/user/totp/generate") == (400, "totp_already_enabled")


def test_an_administrator_may_step_down_but_not_the_last_one(visitors: Visitors) -> None:
    assert visitors.refusal("alice", "/user/leave_admin") == (400, "not_an_admin")
    left = visitors.send("warden", "/user/leave_admin")
    assert [row["person"]["name"] for row in left["admins"]] == ["admin"]
    assert set(left) == set(visitors.get(None, "/site"))
    assert visitors.refusal("warden", "/admin/add", person_id=1, added=True) == (400, "not_an_admin")
    assert visitors.refusal("admin", "/user/leave_admin") == (400, "cannot_leave_admin")
    noted = visitors.get("admin", "/modlog", type_="ModAdd")["added"][0]
    assert (noted["moderator"]["name"], noted["mod_add"]["removed"]) == ("warden", True)


def test_captchas_are_not_kept(shared: Visitors) -> None:
    answer = shared.call(None, "GET", "/api/v3/user/get_captcha")
    assert (answer.json(), answer.headers["cache-control"]) == ({}, "no-store")


def applied(visitors: Visitors, name: str, **more: str) -> int:
    """The number of the application of somebody who is not let in yet."""
    fields = {"username": name, "password": PASSWORD, "password_verify": PASSWORD, "answer": f"I am {name}"}
    assert visitors.call(None, "POST", "/api/v3/user/register", json=fields | more).json()["registration_created"]
    [newest] = visitors.get("warden", "/admin/registration_application/list", limit=1)["registration_applications"]
    return int(newest["registration_application"]["id"])


def told_at_the_door(visitors: Visitors, name: str) -> dict[str, str | None]:
    credentials = {"username_or_email": name, "password": PASSWORD}
    answer = visitors.call(None, "POST", "/api/v3/user/login", json=credentials)
    assert answer.status_code == 400
    told: dict[str, str | None] = answer.json()
    return told


def test_whoever_was_turned_down_is_told_so_and_why(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", registration_mode="RequireApplication")
    number, path = applied(visitors, "newcomer"), "/admin/registration_application"
    assert told_at_the_door(visitors, "newcomer") == {"error": "registration_application_is_pending"}
    visitors.send("warden", f"{path}/approve", method="PUT", id=number, approve=False)
    assert told_at_the_door(visitors, "newcomer") == {"error": "registration_denied", "message": None}
    visitors.send("warden", f"{path}/approve", method="PUT", id=number, approve=False, deny_reason="no spam")
    assert told_at_the_door(visitors, "newcomer") == {"error": "registration_denied", "message": "no spam"}
    row = visitors.send("warden", f"{path}/approve", method="PUT", id=number, approve=True)["registration_application"]
    assert row["registration_application"]["deny_reason"] == "no spam"
    answer = visitors.call("warden", "PUT", f"/api/v3{path}/approve", json={"id": 999, "approve": True})
    assert (answer.status_code, answer.json()) == (404, {"error": "unknown", "message": "Record not found"})


def test_undecided_applications_are_listed_the_oldest_first(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", registration_mode="RequireApplication")
    numbers = [applied(visitors, name) for name in ("first", "second", "third")]
    path = "/admin/registration_application"
    visitors.send("warden", f"{path}/approve", method="PUT", id=numbers[1], approve=True)

    def listed(**query: str) -> list[int]:
        rows = visitors.get("warden", f"{path}/list", **query)["registration_applications"]
        return [row["registration_application"]["id"] for row in rows]

    assert listed() == numbers[::-1]
    assert listed(unread_only="true") == [numbers[0], numbers[2]]
    assert visitors.get("warden", f"{path}/count")["registration_applications"] == 2


def test_where_addresses_are_verified_applications_wait_for_that(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", registration_mode="RequireApplication")
    before = applied(visitors, "first", email="first@example.com")
    visitors.send("admin", "/site", method="PUT", require_email_verification=True)
    later = {"username": "second", "password": PASSWORD, "password_verify": PASSWORD, "answer": "x"}
    refused = visitors.refusal(None, "/user/register", **later, email="second@example.com")
    assert refused == (400, "no_email_setup")
    assert visitors.refusal(None, "/user/register", **later, email="third@example.com") == (400, "user_already_exists")
    path = "/admin/registration_application"
    [shown] = visitors.get("warden", f"{path}/list")["registration_applications"]
    assert shown["registration_application"]["id"] == before
    assert visitors.get("warden", f"{path}/count")["registration_applications"] == 1
    # A letter is sent to whoever is let in, and there is no post office: the decision stands all the same.
    refused = visitors.refusal("warden", f"{path}/approve", method="PUT", id=before, approve=True)
    assert refused == (400, "no_email_setup")
    [shown] = visitors.get("warden", f"{path}/list")["registration_applications"]
    assert shown["creator_local_user"]["accepted_application"] is True


def test_a_purged_account_is_told_that_it_is_banned(visitors: Visitors) -> None:
    visitors.send("warden", "/admin/purge/person", person_id=visitors.box.people["bob"].id)
    answer = visitors.call("bob", "GET", "/api/v3/user/validate_auth")
    assert (answer.status_code, answer.json()["error"]) == (400, "site_ban")
    assert visitors.refusal("bob", "/post", name="A post", community_id=2) == (401, "incorrect_login")
