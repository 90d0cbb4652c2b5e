"""Signing in as a moderator: cookies, tokens against forged requests, one-time codes, and pages that have changed."""

from __future__ import annotations

import json
import logging
import stat
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from adapters.http import Transport
from adapters.mastodon.deed_settings import WebSettings
from adapters.mastodon.web_session import FormChangedError, SessionEndedError, WebSession
from adapters.sandbox.faults import drop, respond
from adapters.sandbox.mastodon import MastodonSandbox
from bot.domain.errors import (
    NotFoundError,
    NotLoggedInError,
    NotPermittedError,
    RateLimitedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORTS = "/admin/reports"
HTML = "text/html; charset=utf-8"


@pytest.fixture(params=["4.3", "4.6"])
def box(request: pytest.FixtureRequest) -> Iterator[MastodonSandbox]:
    with MastodonSandbox(request.param) as started:
        yield started


def session(box: MastodonSandbox, who: str = "warden", **more: Any) -> WebSession:
    person = box.people[who]
    settings = WebSettings.model_validate({"email": person.email, "password": person.password, **more})
    return WebSession(settings, Transport(box.url))


def count(box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls from now on, as ``METHOD path``."""
    calls: list[str] = []
    call = Transport.call

    def counting(self: Transport, method: str, path: str, **more: Any) -> Any:
        calls.append(f"{method} {path}")
        return call(self, method, path, **more)

    monkeypatch.setattr(Transport, "call", counting)
    return calls


def test_one_sign_in_for_many_pages(box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    web, calls = session(box), count(box, monkeypatch)
    assert web.page(REPORTS).title == "Reports - Mastodon"
    assert web.page(REPORTS).csrf_token
    assert calls.count("POST /auth/sign_in") == 1


def test_wrong_password_is_said_and_not_tried_again_at_once(
    box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, calls = session(box, password="wrong"), count(box, monkeypatch)
    for _ in range(3):
        with pytest.raises(NotLoggedInError, match=r"(?i)invalid e-mail address or password") as raised:
            web.page(REPORTS)
        assert raised.value.code == "incorrect_login"
    assert calls.count("POST /auth/sign_in") == 1


def test_one_time_code(box: MastodonSandbox) -> None:
    web = session(box, "chief", totp_secret=box.people["chief"].totp_secret)
    assert web.page(REPORTS).title == "Reports - Mastodon"


def test_one_time_code_is_demanded_and_none_is_configured(box: MastodonSandbox) -> None:
    with pytest.raises(NotLoggedInError, match=r"configure `removal\.web\.totp_secret`") as raised:
        session(box, "chief").page(REPORTS)
    assert raised.value.code == "missing_totp_token"


def test_wrong_one_time_code(box: MastodonSandbox) -> None:
    with pytest.raises(NotLoggedInError, match=r"Invalid two-factor code") as raised:
        session(box, "chief", totp_secret=pyotp.random_base32()).page(REPORTS)
    assert raised.value.code == "incorrect_totp_token"


def test_code_of_this_moment_is_not_sent_twice(box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    web = session(box, "chief", totp_secret=box.people["chief"].totp_secret)
    monkeypatch.setattr("adapters.mastodon.web_session.one_time_code", lambda _: "123456")
    with pytest.raises(NotLoggedInError):
        web.page(REPORTS)
    monkeypatch.setattr("adapters.mastodon.web_session.PAUSE", 0.0)
    calls = count(box, monkeypatch)
    with pytest.raises(RateLimitedError, match="used before"):
        web.page(REPORTS)
    assert calls.count("POST /auth/sign_in") == 1  # the password, and no code


def test_refused_code_is_not_sent_again_after_a_restart(
    box: MastodonSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.mastodon.web_session.one_time_code", lambda _: "123456")
    more = {"totp_secret": box.people["chief"].totp_secret, "session_file": tmp_path / "main.session"}
    with pytest.raises(NotLoggedInError):
        session(box, "chief", **more).page(REPORTS)
    calls = count(box, monkeypatch)
    with pytest.raises(RateLimitedError, match="used before"):
        session(box, "chief", **more).page(REPORTS)
    assert calls.count("POST /auth/sign_in") == 1  # the password, and no code


def test_code_that_let_us_in_is_not_sent_again_after_a_restart(
    box: MastodonSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mastodon takes each once, and counts the second time as a wrong one."""
    secret, file = box.people["chief"].totp_secret, tmp_path / "main.session"
    assert secret is not None
    code = pyotp.TOTP(secret).now()
    monkeypatch.setattr("adapters.mastodon.web_session.one_time_code", lambda _: code)
    session(box, "chief", totp_secret=secret, session_file=file).page(REPORTS)
    file.write_text(json.dumps({**json.loads(file.read_text()), "cookies": {"_session_id": "gone"}}))
    with pytest.raises(RateLimitedError, match="used before"):
        session(box, "chief", totp_secret=secret, session_file=file).page(REPORTS)


def test_who_may_not_moderate_is_told_so_and_signs_in_once(
    box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, calls = session(box, "alice"), count(box, monkeypatch)
    for _ in range(3):
        with pytest.raises(NotPermittedError, match="Manage Reports and Manage Users"):
            web.page(REPORTS)
    assert calls.count("POST /auth/sign_in") == 1


def test_session_that_ended_is_renewed(box: MastodonSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    web = session(box)
    web.page(REPORTS)
    web._cookies = {"_session_id": "0" * 32, "_mastodon_session": "x"}
    calls = count(box, monkeypatch)
    assert web.page(REPORTS).title == "Reports - Mastodon"
    assert calls.count("POST /auth/sign_in") == 1


def test_session_is_kept_across_restarts(box: MastodonSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "main.session"
    session(box, session_file=file).page(REPORTS)
    calls = count(box, monkeypatch)
    assert session(box, session_file=file).page(REPORTS).title == "Reports - Mastodon"
    assert calls == [f"GET {REPORTS}"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert box.people["warden"].password not in file.read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url":1}', '{"url":"https://other","email":"x","cookies":{}}'])
def test_unusable_stored_session_is_left_alone(box: MastodonSandbox, tmp_path: Path, content: str) -> None:
    file = tmp_path / "main.session"
    file.write_text(content)
    session(box, session_file=file).page(REPORTS)
    assert json.loads(file.read_text())["url"] == box.url


def test_session_that_cannot_be_stored_is_used_all_the_same(box: MastodonSandbox, tmp_path: Path) -> None:
    session(box, session_file=tmp_path / "nowhere" / "main.session").page(REPORTS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html><title>Log in</title><form action='/auth/auth/openid'></form></html>", "single sign-on"),
        (
            "<form action='/auth/sign_in'><input name='user[email]'><input name='user[password]'></form>",
            "token against forged requests",
        ),
        ("no page at all", "no form for a password"),
    ],
)
def test_sign_in_page_that_changed_is_a_clear_error(box: MastodonSandbox, body: str, said: str) -> None:
    box.faults.before("GET", "/auth/sign_in", respond(200, body, HTML), times=2)
    with pytest.raises(FormChangedError, match=said):
        session(box).page(REPORTS)


def test_sign_in_that_leads_nowhere_known(box: MastodonSandbox) -> None:
    box.faults.before("POST", "/auth/sign_in", respond(200, "<title>Welcome</title>", HTML))
    with pytest.raises(FormChangedError, match="Welcome: neither a session nor a question"):
        session(box).page(REPORTS)


def test_dead_server_is_no_fault_of_the_password(box: MastodonSandbox) -> None:
    box.faults.before("GET", "/auth/sign_in", drop(), times=10)
    web = session(box)
    with pytest.raises(UnreachableError):
        web.page(REPORTS)
    box.faults.clear()
    assert web.page(REPORTS).title == "Reports - Mastodon"


def test_missing_page(box: MastodonSandbox) -> None:
    with pytest.raises(NotFoundError):
        session(box).page(f"{REPORTS}/99999")


def test_form_with_a_token_that_does_not_hold(box: MastodonSandbox) -> None:
    web = session(box)
    page = web.page(REPORTS)
    other = session(box)
    other.page(REPORTS)
    with pytest.raises(SessionEndedError, match="did not accept the form's token"):
        other.submit(f"{REPORTS}/1/actions", page, {"moderation_action": "delete"})


def test_password_and_cookies_are_in_no_message_and_no_log(
    box: MastodonSandbox, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "main.session"
    web = session(box, session_file=file)
    web.page(REPORTS)
    box.faults.before("GET", REPORTS, respond(404, "", HTML))
    with pytest.raises(NotFoundError) as raised:
        web.page(REPORTS)
    shown = f"{raised.value} {web!r} {caplog.text}"
    assert box.people["warden"].password not in shown
    for value in json.loads(file.read_text())["cookies"].values():
        assert value not in shown
