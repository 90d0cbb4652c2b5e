"""Accounts and the second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

if TYPE_CHECKING:
    from .visitors import Visitors


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
