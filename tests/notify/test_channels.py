"""Mail and webhooks on real sockets: what arrives, how it is protected, and what becomes of every fault."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from adapters.notify.registry import build_channel
from adapters.notify.settings import SmtpSettings, WebhookSettings
from bot.domain.errors import ConfigError, NotLoggedInError, RateLimitedError, RejectedError, UnreachableError
from bot.operate import checks
from bot.ports import Message
from bot.wiring.blocks import open_channel
from making import rule
from notify.receivers import SECRET, mailbox, receiver

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import Notifier
    from notify.conftest import Trust

MESSAGE = Message(
    id="0123456789abcdef",
    subject="[fediwarden] 1 case",
    text="Cases\n- case 7 on here: rule known, flagged by list bad\n",
    topics=["cases"],
    cases=[7],
    at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)


def webhook(url: str, **more: Any) -> Notifier:
    settings = WebhookSettings.model_validate({"id": "chat", "url": url, "secret": SECRET, **more})
    return build_channel("webhook", settings).notifier


def smtp(port: int, **more: Any) -> Notifier:
    given = {
        "id": "mail",
        "host": "127.0.0.1",
        "port": port,
        "from": "warden@here.example",
        "to": ["team@here.example"],
    }
    return build_channel("smtp", SmtpSettings.model_validate({**given, "security": "none", **more})).notifier


def test_webhook_is_signed_over_time_and_raw_body() -> None:
    with receiver() as there:
        webhook(there.url).send(MESSAGE)
        (request,) = there.requests
    assert request.signed_with(SECRET)
    assert not request.signed_with("another secret, as long")
    sent_at = int(request.headers["fediwarden-signature"].split(",")[0].removeprefix("t="))
    assert abs(time.time() - sent_at) < 600
    assert request.delivery == MESSAGE.id
    assert request.headers["content-type"] == "application/json"
    told = request.told
    assert (told["id"], told["kind"], told["topics"], told["cases"]) == (MESSAGE.id, "cases", ["cases"], [7])
    assert (told["text"], told["subject"]) == (MESSAGE.text, MESSAGE.subject)
    assert told["at"] == "2026-11-22T12:00:00+00:00"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((500, {}), UnreachableError, "answered 500"),
        ((429, {"Retry-After": "77"}), RateLimitedError, "slow down"),
        ((401, {}), NotLoggedInError, "`secret`"),
        ((404, {}), RejectedError, "correct `url`"),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}), RejectedError, "redirects"),
    ],
)
def test_webhook_faults_have_names(answer: tuple[int, dict[str, str]], error: type[Exception], words: str) -> None:
    with receiver() as there:
        there.answers.append(answer)
        with pytest.raises(error, match=words) as raised:
            webhook(there.url).send(MESSAGE)
        assert len(there.requests) == 1  # wherever a redirect leads, nobody goes there
    assert "/hooks/abc" not in str(raised.value)  # in many chats the path is the secret
    if isinstance(raised.value, RateLimitedError):
        assert raised.value.retry_after == 77


def test_webhook_that_is_down_hangs_or_babbles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.notify.webhook.TIMEOUT", 0.3)
    monkeypatch.setattr("adapters.notify.webhook.TOTAL", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnreachableError) as hung:
            webhook(f"http://127.0.0.1:{port}/").send(MESSAGE)
        assert hung.value.sent
    with pytest.raises(UnreachableError) as down:
        webhook(f"http://127.0.0.1:{port}/").send(MESSAGE)
    assert not down.value.sent
    with receiver() as there:
        there.answers.append((200, {"Content-Length": "1000000000"}))  # and nothing follows
        with pytest.raises(UnreachableError):
            webhook(there.url).send(MESSAGE)


def test_webhook_over_tls_trusts_whom_it_is_told_to(trust: Trust) -> None:
    with receiver(trust.context) as there:
        with pytest.raises(UnreachableError, match="certificate"):
            webhook(there.url).send(MESSAGE)
        assert there.requests == []
        webhook(there.url, ca_file=trust.ca_file).send(MESSAGE)
        assert there.requests[0].signed_with(SECRET)


@pytest.mark.parametrize("url", ["http://chat.example/x", "ftp://127.0.0.1/", "https://u:p@chat.example/", "chat"])
def test_webhook_goes_over_tls_or_stays_on_this_machine(url: str) -> None:
    with pytest.raises(ValidationError):
        webhook(url)


def test_webhook_is_checked_without_a_message() -> None:
    with receiver() as there:
        result = webhook(there.url).check()
        assert result.ok
        assert "fediwarden notify test chat" in result.detail
        assert [request.method for request in there.requests] == ["OPTIONS"]
    assert not webhook(there.url).check().ok


def test_mail_is_plain_text_written_by_a_machine() -> None:
    with mailbox() as box:
        smtp(box.port).send(MESSAGE)
        smtp(box.port).send(MESSAGE)
        one, other = box.mails
    assert one["Message-ID"] == other["Message-ID"] == "<0123456789abcdef@here.example>"
    assert one["Auto-Submitted"] == "auto-generated"
    assert one.get_content_type() == "text/plain"
    assert not one.is_multipart()
    assert one.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert (one["From"], one["To"], one["Subject"]) == ("warden@here.example", "team@here.example", MESSAGE.subject)


def test_mail_goes_encrypted_and_with_a_password(trust: Trust) -> None:
    login = {"username": "warden", "password": "s3cret-of-the-mail"}
    with mailbox(starttls=trust.context, login=("warden", login["password"])) as box:
        smtp(box.port, security="starttls", ca_file=trust.ca_file, **login).send(MESSAGE)
        assert len(box.raw) == 1
        with pytest.raises(UnreachableError, match="certificate"):
            smtp(box.port, security="starttls", **login).send(MESSAGE)
        wrong = smtp(box.port, security="starttls", ca_file=trust.ca_file, **{**login, "password": "wr0ng"})
        with pytest.raises(NotLoggedInError) as refused:
            wrong.send(MESSAGE)
        assert "wr0ng" not in str(refused.value)
        assert not wrong.check().ok
        assert smtp(box.port, security="starttls", ca_file=trust.ca_file, **login).check().ok
        assert len(box.raw) == 1
    with mailbox(tls=trust.context) as box:
        smtp(box.port, security="tls", ca_file=trust.ca_file).send(MESSAGE)
        assert len(box.raw) == 1


def test_mail_is_not_sent_in_the_clear_where_encryption_was_asked_for() -> None:
    with mailbox() as box:
        with pytest.raises(RejectedError, match="security"):
            smtp(box.port, security="starttls").send(MESSAGE)
        assert box.raw == []


@pytest.mark.parametrize(
    ("answer", "error"), [("451 later", RateLimitedError), ("554 spam", RejectedError), ("421 bye", RateLimitedError)]
)
def test_mail_faults_have_names(answer: str, error: type[Exception]) -> None:
    with mailbox() as box:
        box.answers.append(answer)
        with pytest.raises(error):
            smtp(box.port).send(MESSAGE)


def test_mail_that_some_addressees_refuse_counts_as_sent() -> None:
    with mailbox() as box:
        box.refuses.add("gone@here.example")
        smtp(box.port, to=["team@here.example", "gone@here.example"]).send(MESSAGE)
        assert len(box.raw) == 1
        with pytest.raises(RejectedError, match="550"):
            smtp(box.port, to=["gone@here.example"]).send(MESSAGE)


def test_mail_server_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError):
        smtp(port).send(MESSAGE)
    assert not smtp(port).check().ok


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example"},
        {"username": "warden"},
        {"from": "nobody"},
        {"to": []},
        {"to": ["a@b.example\r\nBcc: c@d.example"]},
    ],
)
def test_mail_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        smtp(25, **wrong)


def test_check_says_when_nobody_would_hear_a_rule() -> None:
    with receiver() as there:
        settings = {"id": "chat", "url": there.url, "secret": SECRET}
        loud = build_channel("webhook", WebhookSettings.model_validate(settings))
        deaf = build_channel("webhook", WebhookSettings.model_validate({**settings, "about": ["alarms"]}))
        telling, silent = rule(then=("notify",)), rule()
        assert [row.ok for row in checks.channels([loud], [telling])] == [True]
        assert [row.ok for row in checks.channels([deaf], [silent])] == [True]
        assert [row.ok for row in checks.channels([deaf], [telling])] == [True, False]


def test_block_of_an_unknown_kind_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is: smtp, webhook"):
        open_channel(0, {"id": "x", "kind": "pigeon"}, tmp_path)
    with pytest.raises(ConfigError, match="secret"):
        open_channel(0, {"id": "x", "kind": "webhook", "url": "https://x.example/"}, tmp_path)
    given = {"id": "x", "kind": "webhook", "url": "https://x.example/", "secret": SECRET, "ca_file": "ca.pem"}
    notifier: Any = open_channel(0, given, tmp_path).notifier
    assert notifier._settings.ca_file == tmp_path / "ca.pem"
