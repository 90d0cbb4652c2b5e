"""The moderator's web session: the only way to remove one post."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from ..waiting import eventually
from .pages import Browser, Page, code, where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .people import Person
    from .server import Credentials, Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

with_picture = pytest.mark.parametrize("pictures", [1])
BUTTONS = ("mark_as_sensitive", "delete", "silence", "suspend")


@pytest.fixture
def stranger(server: Server) -> Iterator[Browser]:
    """A browser that nobody has signed in with."""
    browser = Browser(server)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    """The bot's own browser, signed in."""
    opened = Browser(server)
    assert where(opened.sign_in(server.people["warden"])) == "/"
    yield opened
    opened.close()


@pytest.fixture
def pictures() -> int:
    """How many pictures the post has: uploads are few."""
    return 0


@pytest.fixture
def status(stage: Stage, target: Person, pictures: int) -> dict[str, Any]:
    """A public post."""
    return stage.post(target, pictures=pictures)


@pytest.fixture
def report(stage: Stage, warden: Person, target: Person, status: dict[str, Any]) -> Iterator[str]:
    """The bot's report on it, of a category that has the author told."""
    yield stage.report(warden, target.id, status_ids=[status["id"]], category="other")["id"]
    stage.close_reports(target.id)


@pytest.fixture
def quiet_report(stage: Stage, warden: Person, target: Person, status: dict[str, Any]) -> Iterator[str]:
    """The same, of the category that does not."""
    yield stage.report(warden, target.id, status_ids=[status["id"]], category="spam")["id"]
    stage.close_reports(target.id)


def test_page_of_a_report_is_forbidden_to_the_signed_out(stranger: Browser, report: str) -> None:
    assert stranger.request("GET", f"/admin/reports/{report}").status_code == 403


def test_sign_in_page_has_a_form_and_a_token(stranger: Browser) -> None:
    page = stranger.page("/auth/sign_in")
    assert {"authenticity_token", "user[email]", "user[password]"} <= set(page.form("/auth/sign_in").fields)
    assert page.csrf


def test_wrong_password_shows_the_form_again(stranger: Browser, server: Server) -> None:
    answer = stranger.sign_in(server.people["warden"], password="not the password")
    assert answer.status_code == 200
    page = Page(answer)
    assert "address or password" in page.text
    assert page.form("/auth/sign_in")
    assert stranger.request("GET", "/api/v1/admin/reports").status_code == 403


def test_sign_in_without_the_token_of_the_form_is_refused(stranger: Browser, server: Server) -> None:
    stranger.page("/auth/sign_in")
    one = server.people["warden"]
    form = {"user[email]": one.email, "user[password]": one.password}
    assert stranger.request("POST", "/auth/sign_in", data=form).status_code == 422


def test_ordinary_user_has_no_page_of_a_report(stranger: Browser, server: Server, alice: Person, report: str) -> None:
    assert where(stranger.sign_in(server.people[alice.name])) == "/"
    assert stranger.request("GET", f"/admin/reports/{report}").status_code == 403


def test_session_ends_with_a_sign_out(stranger: Browser, server: Server, report: str) -> None:
    stranger.sign_in(server.people["mod"])
    page = stranger.page(f"/admin/reports/{report}")
    assert page.status == 200
    answer = stranger.request("DELETE", "/auth/sign_out", headers={"X-CSRF-Token": page.csrf})
    assert where(answer) == "/auth/sign_in"
    assert stranger.request("GET", f"/admin/reports/{report}").status_code == 403


def test_session_alone_reads_as_an_admin_and_is_no_token(browser: Browser) -> None:
    assert browser.request("GET", "/api/v1/admin/reports", params={"limit": 1}).status_code == 200
    answer = browser.request("GET", "/api/v1/accounts/verify_credentials")
    assert refusal(answer) == (401, "The access token is invalid")


def test_session_alone_does_not_act(browser: Browser, target: Person) -> None:
    answer = browser.request("POST", f"/api/v1/admin/accounts/{target.id}/action", json={"type": "none"})
    assert refusal(answer) == (403, "This action is not allowed")


@with_picture
def test_page_of_a_report_offers_the_actions(browser: Browser, report: str) -> None:
    page = browser.page(f"/admin/reports/{report}")
    assert page.csrf
    assert set(BUTTONS) <= set(page.form(f"/admin/reports/{report}/actions/preview").fields)


def test_preview_leads_to_the_form_that_acts(browser: Browser, report: str, warden: Person) -> None:
    token = browser.page(f"/admin/reports/{report}").csrf
    form = {"authenticity_token": token, "delete": ""}
    page = Page(browser.request("POST", f"/admin/reports/{report}/actions/preview", data=form))
    assert page.form(f"/admin/reports/{report}/actions").fields["moderation_action"] == "delete"
    assert warden.found(f"v1/admin/reports/{report}")["action_taken"] is False


def test_action_with_a_wrong_token_is_refused(
    browser: Browser, report: str, status: dict[str, Any], warden: Person
) -> None:
    form = {"authenticity_token": "wrong", "moderation_action": "delete"}
    assert browser.request("POST", f"/admin/reports/{report}/actions", data=form).status_code == 422
    assert warden.found(f"v1/statuses/{status['id']}")
    assert warden.found(f"v1/admin/reports/{report}")["action_taken"] is False


@with_picture
def test_marking_as_sensitive_covers_the_post_and_closes_the_report(
    browser: Browser, quiet_report: str, status: dict[str, Any], warden: Person, anonymous: Person
) -> None:
    assert where(browser.act(quiet_report, "mark_as_sensitive")) == "/admin/reports"
    found = warden.found(f"v1/admin/reports/{quiet_report}")
    assert found["action_taken"] is True
    assert found["action_taken_by_account"]["id"] == warden.id
    for person in (warden, anonymous):
        eventually(
            lambda who=person: who.found(f"v1/statuses/{status['id']}")["sensitive"] is True, "a post is covered"
        )
    assert anonymous.fetch(status["media_attachments"][0]["url"]).status_code == 200


def test_removal_takes_the_post_from_everybody(
    browser: Browser, report: str, status: dict[str, Any], warden: Person, target: Person, anonymous: Person
) -> None:
    assert where(browser.act(report, "delete")) == "/admin/reports"
    for person in (anonymous, warden, target):
        assert refusal(person.get(f"v1/statuses/{status['id']}")) == (404, "Not Found")
    assert refusal(warden.get(f"v1/statuses/{status['id']}/history")) == (404, "Not Found")


@with_picture
def test_removed_local_post_stays_in_the_report(
    browser: Browser, report: str, status: dict[str, Any], warden: Person, stage: Stage
) -> None:
    browser.act(report, "delete")
    found = warden.found(f"v1/admin/reports/{report}")
    assert found["action_taken"] is True
    assert [one["id"] for one in found["statuses"]] == [status["id"]]
    (media,) = found["statuses"][0]["media_attachments"]
    was = status["media_attachments"][0]
    proxied = f"/media_proxy/{was['id']}/original"
    assert media["url"] == was["url"] if stage.version < (4, 4) else media["url"].endswith(proxied)


def test_removal_tells_the_author_once_for_each_time(
    browser: Browser, report: str, stage: Stage, target: Person
) -> None:
    before = stage.last_warning(target)
    for times in (1, 2):
        assert where(browser.act(report, "delete")) == "/admin/reports"  # the second one is not refused
        eventually(lambda times=times: stage.warnings(target, before) == times, "a warning is shown")


def test_removal_for_spam_tells_the_author_nothing(
    browser: Browser, quiet_report: str, stage: Stage, target: Person, warden: Person
) -> None:
    before = stage.last_warning(target)
    browser.act(quiet_report, "delete")
    assert warden.found(f"v1/admin/reports/{quiet_report}")["action_taken"] is True
    body(warden.post(f"v1/admin/accounts/{target.id}/action", type="silence"))  # this one does tell
    body(warden.post(f"v1/admin/accounts/{target.id}/unsilence"))
    eventually(lambda: stage.warnings(target, before) > 0, "a warning is shown")
    assert stage.warnings(target, before) == 1


def test_removal_covers_every_post_of_the_report(
    browser: Browser, stage: Stage, status: dict[str, Any], warden: Person, target: Person
) -> None:
    other = stage.post(target)
    both = stage.report(warden, target.id, status_ids=[status["id"], other["id"]], category="spam")["id"]
    browser.act(both, "delete")
    for one in (status, other):
        assert warden.get(f"v1/statuses/{one['id']}").status_code == 404


@pytest.mark.parametrize(
    ("action", "mark", "deed"), [("silence", "silenced", "unsilence"), ("suspend", "suspended", "unsuspend")]
)
def test_form_acts_on_the_account_too(
    browser: Browser, quiet_report: str, warden: Person, target: Person, action: str, mark: str, deed: str
) -> None:
    assert where(browser.act(quiet_report, action)) == "/admin/reports"
    try:
        assert warden.found(f"v1/admin/accounts/{target.id}")[mark] is True
        assert warden.found(f"v1/admin/reports/{quiet_report}")["action_taken"] is True
    finally:
        body(warden.post(f"v1/admin/accounts/{target.id}/{deed}"))


def test_unknown_action_leads_back_to_the_report_and_does_nothing(
    browser: Browser, report: str, status: dict[str, Any], warden: Person
) -> None:
    assert where(browser.act(report, "nonsense")) == f"/admin/reports/{report}"
    assert "Unknown action" in browser.page(f"/admin/reports/{report}").text
    assert warden.found(f"v1/statuses/{status['id']}")
    assert warden.found(f"v1/admin/reports/{report}")["action_taken"] is False


def test_removal_without_a_report_ended_with_4_6(
    browser: Browser, stage: Stage, status: dict[str, Any], target: Person, warden: Person
) -> None:
    token = browser.page(f"/admin/accounts/{target.id}/statuses").csrf
    form = {
        "authenticity_token": token,
        "admin_status_batch_action[status_ids][]": [status["id"]],
        "delete": "",
    }
    answer = browser.request("POST", f"/admin/accounts/{target.id}/statuses/batch", data=form)
    if stage.version < (4, 6):
        assert where(answer) == f"/admin/accounts/{target.id}/statuses"
        assert warden.get(f"v1/statuses/{status['id']}").status_code == 404
    else:
        assert answer.status_code == 422
        assert warden.found(f"v1/statuses/{status['id']}")


@pytest.fixture
def careful(server: Server) -> Credentials:
    """A moderator with a second factor."""
    for one in server.people.values():
        if one.totp_secret:
            return one
    pytest.skip("nobody here has a totp_secret")


def test_second_factor_is_asked_for_after_the_password(stranger: Browser, careful: Credentials, report: str) -> None:
    page = Page(stranger.sign_in(careful))
    assert page.status == 200
    form = page.form("/auth/sign_in")
    assert "user[otp_attempt]" in form.fields

    def attempt(digits: str) -> Any:
        fields = {"authenticity_token": form.fields["authenticity_token"], "user[otp_attempt]": digits}
        return stranger.request("POST", "/auth/sign_in", data=fields)

    wrong = f"{(int(code(careful.totp_secret)) + 1) % 1_000_000:06d}"
    again = Page(attempt(wrong))
    assert again.status == 200
    assert "Invalid two-factor code" in again.text
    form = again.form("/auth/sign_in")
    answer = attempt(code(careful.totp_secret))
    if answer.status_code == 200:  # a code works once: one from a run just before is refused
        form = Page(answer).form("/auth/sign_in")
        step = int(time.time()) // 30
        eventually(lambda: int(time.time()) // 30 > step, "the next code is due")
        answer = attempt(code(careful.totp_secret))
    assert where(answer) == "/"
    assert stranger.page(f"/admin/reports/{report}").status == 200
