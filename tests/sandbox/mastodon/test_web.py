"""The web interface, where the conformance tests do not go: limits, tokens of forms, lost permissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest

from adapters.sandbox.mastodon import MastodonSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = re.compile(r'name="authenticity_token" value="([^"]+)"')
META = re.compile(r'name="csrf-token" content="([^"]+)"')


@pytest.fixture
def box() -> Iterator[MastodonSandbox]:
    with MastodonSandbox("4.6", default_limits=True) as started:
        now = 1_800_000_000.0  # the beginning of no window in particular, and its end neither
        started.limiter.clock = started.web.limits.clock = lambda: now
        yield started


@pytest.fixture
def browser(box: MastodonSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.url, trust_env=False) as client:
        yield client


def sign_in(browser: httpx.Client, email: str, password: str) -> httpx.Response:
    token = TOKEN.findall(browser.get("/auth/sign_in").text)[0]
    form = {"authenticity_token": token, "user[email]": email, "user[password]": password}
    return browser.post("/auth/sign_in", data=form)


def warden(browser: httpx.Client, box: MastodonSandbox) -> httpx.Response:
    person = box.people["warden"]
    return sign_in(browser, person.email, person.password)


def report(box: MastodonSandbox, whom: str = "alice") -> str:
    headers = {"Authorization": f"Bearer {box.people['bob'].tokens['full']}"}
    content = {"account_id": box.people[whom].id}
    answer = httpx.post(f"{box.url}/api/v1/reports", json=content, headers=headers, trust_env=False)
    return str(answer.raise_for_status().json()["id"])


def test_twenty_five_sign_ins_in_five_minutes_are_enough_for_one_place(
    box: MastodonSandbox, browser: httpx.Client
) -> None:
    answers = [sign_in(browser, f"nobody{number}@mastodon.test", "x").status_code for number in range(26)]
    assert answers == [200] * 25 + [429]


def test_twenty_five_sign_ins_in_an_hour_are_enough_for_one_address_of_mail(
    box: MastodonSandbox, browser: httpx.Client
) -> None:
    for number in range(25):
        browser.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        assert sign_in(browser, box.people["warden"].email, "wrong").status_code == 200
    browser.headers["X-Forwarded-For"] = "198.51.100.99"
    answer = warden(browser, box)
    assert (answer.status_code, answer.json()) == (429, {"error": "Too many requests"})


def test_ten_codes_in_an_hour_are_enough(box: MastodonSandbox, browser: httpx.Client) -> None:
    chief = box.people["chief"]
    assert chief.totp_secret is not None
    page = sign_in(browser, chief.email, chief.password).text
    for _ in range(10):
        page = browser.post("/auth/sign_in", data=_code(page, "000000")).text
        assert "Invalid two-factor code" in page
    right = _code(page, pyotp.TOTP(chief.totp_secret).now())
    assert browser.post("/auth/sign_in", data=right).status_code == 429


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 302),
        ({"Origin": "{url}"}, 302),
        ({"Origin": "https://elsewhere.example"}, 422),
        ({"Origin": "null"}, 422),
        ({"Origin": "{url}", "X-Forwarded-Proto": "https"}, 422),
    ],
)
def test_form_from_another_origin_is_refused(
    box: MastodonSandbox, browser: httpx.Client, sent: dict[str, str], status: int
) -> None:
    """As Rails does, whatever token comes with it; who reaches it by HTTPS comes from there."""
    person = box.people["warden"]
    token = TOKEN.findall(browser.get("/auth/sign_in").text)[0]
    form = {"authenticity_token": token, "user[email]": person.email, "user[password]": person.password}
    headers = {name: value.format(url=box.url) for name, value in sent.items()}
    assert browser.post("/auth/sign_in", data=form, headers=headers).status_code == status


def test_action_that_names_a_report_on_somebody_else_leaves_that_one_open(box: MastodonSandbox) -> None:
    other, own = report(box, "carol"), report(box)
    headers = {"Authorization": f"Bearer {box.people['warden'].tokens['full']}"}
    action = {"type": "silence", "report_id": other}
    path = f"/api/v1/admin/accounts/{box.people['alice'].id}/action"
    with httpx.Client(base_url=box.url, headers=headers, trust_env=False) as client:
        client.post(path, json=action).raise_for_status()
        closed = {one: client.get(f"/api/v1/admin/reports/{one}").json()["action_taken"] for one in (other, own)}
    assert closed == {other: False, own: True}


def test_code_is_taken_once(box: MastodonSandbox) -> None:
    chief = box.people["chief"]
    assert chief.totp_secret is not None
    code = pyotp.TOTP(chief.totp_secret).now()
    statuses = []
    for _ in range(2):
        with httpx.Client(base_url=box.url, trust_env=False) as client:
            page = sign_in(client, chief.email, chief.password).text
            statuses.append(client.post("/auth/sign_in", data=_code(page, code)).status_code)
    assert statuses == [302, 200]


def _code(page: str, digits: str) -> dict[str, str]:
    return {"authenticity_token": TOKEN.findall(page)[0], "user[otp_attempt]": digits}


def test_token_of_another_form_is_refused(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    number = report(box)
    page = browser.get(f"/admin/reports/{number}").text
    for token, status in ((TOKEN.findall(page)[0], 422), (META.findall(page)[0], 302)):
        form = {"authenticity_token": token, "moderation_action": "silence"}
        assert browser.post(f"/admin/reports/{number}/actions", data=form).status_code == status


def test_token_from_before_the_sign_in_is_refused_after_it(box: MastodonSandbox, browser: httpx.Client) -> None:
    early = META.findall(browser.get("/auth/sign_in").text)[0]
    warden(browser, box)
    number = report(box)
    form = {"authenticity_token": early, "moderation_action": "silence"}
    assert browser.post(f"/admin/reports/{number}/actions", data=form).status_code == 422


def test_session_with_the_token_acts_through_the_api(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    token = META.findall(browser.get(f"/admin/reports/{report(box)}").text)[0]
    path = f"/api/v1/admin/accounts/{box.people['alice'].id}/action"
    assert browser.post(path, json={"type": "silence"}).status_code == 403
    assert browser.post(path, json={"type": "silence"}, headers={"X-CSRF-Token": token}).status_code == 200


def test_role_that_is_lost_closes_the_pages(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    number = report(box)
    assert browser.get(f"/admin/reports/{number}").status_code == 200
    account = box.state.local("warden")
    assert account is not None
    assert account.user is not None
    account.user.role = box.state.accounts[int(box.people["alice"].id)].user.role  # type: ignore[union-attr]
    assert browser.get(f"/admin/reports/{number}").status_code == 403


def test_report_on_a_higher_role_is_not_acted_on(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    number = report(box, "mod")
    token = META.findall(browser.get(f"/admin/reports/{number}").text)[0]
    form = {"authenticity_token": token, "moderation_action": "suspend"}
    assert browser.post(f"/admin/reports/{number}/actions", data=form).status_code == 403
    assert not box.state.accounts[int(box.people["mod"].id)].suspended


def test_disabled_moderator_is_led_to_the_settings(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    account = box.state.local("warden")
    assert account is not None
    assert account.user is not None
    account.user.disabled = True
    answer = browser.get("/admin/reports")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{box.url}/auth/edit")


def test_session_ends_everywhere_when_it_is_ended(box: MastodonSandbox, browser: httpx.Client) -> None:
    warden(browser, box)
    assert browser.get("/admin/reports").status_code == 200
    box.web.sessions.end_all(int(box.people["warden"].id))
    assert browser.get("/admin/reports").status_code == 403


def test_cookies_are_for_https_only_behind_a_proxy(box: MastodonSandbox, browser: httpx.Client) -> None:
    plain = browser.get("/auth/sign_in").headers["set-cookie"].lower()
    proxied = browser.get("/auth/sign_in", headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"].lower()
    assert ("secure" in plain, "secure" in proxied) == (False, True)
