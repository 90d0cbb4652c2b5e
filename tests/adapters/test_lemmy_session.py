from __future__ import annotations

import json
import logging
import stat
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from adapters.http import Transport
from adapters.lemmy.session import PAUSE, Session
from adapters.lemmy.settings import LemmySettings
from adapters.sandbox.lemmy import respond
from bot.domain.content import SubjectKey
from bot.domain.errors import BadAnswerError, NotLoggedInError, RateLimitedError
from bot.ports import Batch

if TYPE_CHECKING:
    from pathlib import Path

    from lemmy_town import Town

    from bot.ports import Instance


def logins(town: Town) -> int:
    user = town.box.state.local_users[town.box.people["warden"].id].id
    return sum(row.user_id == user for row in town.box.state.tokens.values())


def forget_tokens(town: Town, who: str = "warden") -> None:
    state = town.box.state
    user = state.local_users[town.box.people[who].id].id
    for token in [token for token, row in state.tokens.items() if row.user_id == user]:
        town.box.revoke(token)


def test_building_contacts_nobody(town: Town) -> None:
    before = logins(town)
    town.connect(url="http://127.0.0.1:9")
    assert logins(town) == before


def test_one_login_for_everything(town: Town, instance: Instance) -> None:
    before = logins(town)
    for source in instance.sources:
        source.poll(source.poll(None).cursor)
    instance.inspector.check()
    assert logins(town) == before + 1


def test_stored_token_saves_the_login(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "main.token"
    town.connect(token_file=file).sources[0].poll(None)
    before = logins(town)
    town.connect(token_file=file).sources[0].poll(None)
    assert logins(town) == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert town.box.people["warden"].password not in file.read_text()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"url":1}', '{"url":"https://other","username":"warden","token":"x"}']
)
def test_unusable_stored_token_is_left_alone(town: Town, tmp_path: Path, content: str) -> None:
    file = tmp_path / "main.token"
    file.write_text(content)
    town.connect(token_file=file).sources[0].poll(None)
    assert json.loads(file.read_text())["url"] == town.box.url


def test_token_that_cannot_be_stored_is_used_all_the_same(town: Town, tmp_path: Path) -> None:
    town.connect(token_file=tmp_path / "nowhere" / "main.token").sources[0].poll(None)


def test_configured_token_needs_no_login(town: Town) -> None:
    before = logins(town)
    instance = town.connect(password=None, token=town.box.people["warden"].jwt)
    instance.sources[2].poll(None)
    assert logins(town) == before


def test_revoked_token_is_replaced_once_during_a_deed_or_a_listing(town: Town, instance: Instance) -> None:
    instance.sources[2].poll(None)
    forget_tokens(town)
    instance.sources[2].poll(None)
    forget_tokens(town)
    cursor = instance.sources[0].poll(None).cursor
    forget_tokens(town)
    town.post(url=town.url(town.upload()))
    assert instance.sources[0].poll(cursor).sightings
    assert logins(town) == 1


def test_what_a_stranger_cannot_see_is_not_taken_for_gone(town: Town, instance: Instance) -> None:
    post = town.post(url=town.url(town.upload()))
    town.call("admin", "POST", "post/remove", post_id=post, removed=True, reason="x")
    source = instance.sources[0]
    key = SubjectKey(instance=instance.id, kind="post", local_id=str(post))
    assert isinstance(source.read(key), Batch)
    forget_tokens(town)
    assert isinstance(source.read(key), Batch)


def test_listing_made_as_a_stranger_is_not_committed(town: Town) -> None:
    instance = town.connect(password=None, token="not-a-token")
    with pytest.raises(NotLoggedInError, match="configure a new `token`"):
        instance.sources[0].poll(None)


def test_refused_password_is_not_tried_again_at_once(town: Town) -> None:
    secret = "wrong-passw0rd"
    instance = town.connect(password=secret)
    for _ in range(5):
        with pytest.raises(NotLoggedInError, match="check `username` and `password`") as caught:
            instance.sources[0].poll(None)
        assert secret not in str(caught.value)
    town.box.faults.before("POST", "/user/login", respond(500), times=100)
    with pytest.raises(NotLoggedInError):  # the server was not even asked
        instance.sources[1].poll(None)
    assert PAUSE > 60


def test_login_over_the_limit_says_so(town: Town, instance: Instance) -> None:
    town.box.faults.before("POST", "/user/login", respond(400, '{"error":"rate_limit_error"}'), times=9)
    with pytest.raises(RateLimitedError, match="refuses logins") as caught:
        instance.sources[0].poll(None)
    assert caught.value.retry_after >= 60


def test_login_that_our_own_count_forbids_waits_for_the_next_one_only(town: Town) -> None:
    person = town.box.people["warden"]
    settings = LemmySettings(id="main", url=town.box.url, username="warden", password=person.password)
    transport = Transport(town.box.url)
    session = Session(settings, transport)
    transport.buckets.feed("register", count=10, seconds=3600, burst=1)
    token = session.token()
    with pytest.raises(RateLimitedError, match="our own share of the limit") as caught:
        session.renew(token)
    assert caught.value.retry_after < 600
    with pytest.raises(RateLimitedError, match="our own share") as again:
        session.renew(token)
    assert again.value.retry_after < 600


def test_login_that_a_proxy_slows_down_waits_as_long_as_that_says(
    town: Town, instance: Instance, no_naps: list[float], pauses: list[tuple[str, float]]
) -> None:
    town.box.faults.before("POST", "/user/login", respond(429, "slow down", "text/html", retry_after="3"))
    assert isinstance(instance.sources[0].poll(None), Batch)
    assert no_naps == [3]
    assert pauses == [("register", 3)]


def test_second_factor(town: Town) -> None:
    made = town.call("warden", "POST", "user/totp/generate")
    secret = pyotp.parse_uri(made["totp_secret_url"]).secret
    code = pyotp.TOTP(secret).now()
    town.call("warden", "POST", "user/totp/update", totp_token=code, enabled=True)
    with pytest.raises(NotLoggedInError, match="configure `totp_secret`"):
        town.connect().sources[0].poll(None)
    with pytest.raises(NotLoggedInError, match="clock of this machine"):
        town.connect(totp_secret=pyotp.random_base32()).sources[0].poll(None)
    with pytest.raises(NotLoggedInError, match="otpauth"):
        town.connect(totp_secret="1!").sources[0].poll(None)
    for spelled in (secret, made["totp_secret_url"], secret.lower()):
        assert isinstance(town.connect(totp_secret=spelled).sources[0].poll(None), Batch)


def test_banned_bot_says_so(town: Town, instance: Instance) -> None:
    instance.sources[0].poll(None)
    town.call("admin", "POST", "user/ban", person_id=town.box.people["warden"].id, ban=True, reason="x")
    with pytest.raises(NotLoggedInError, match="banned from this server"):
        instance.sources[0].poll(None)


def test_secrets_are_in_no_repr_and_no_log(town: Town, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG)
    settings = town.settings(token="t0ken-of-ours")
    instance = town.connect(token="t0ken-of-ours")
    instance.sources[0].poll(None)
    said = repr(settings) + str(settings) + repr(instance) + caplog.text + str(capsys.readouterr())
    client = instance.sources[0]._generations.parts().sources["posts"]._client  # type: ignore[attr-defined]
    said += repr(client) + repr(client._session) + repr(client.transport)
    for secret in (town.box.people["warden"].password, town.box.pictrs_key, "t0ken-of-ours", client._session.token()):
        assert secret not in said


@pytest.mark.parametrize(
    "page", [("<html>busy</html>", "text/html"), ("[]", "application/json"), ("{}", "application/json")]
)
def test_page_of_a_proxy_does_not_vouch_for_a_listing_made_as_a_stranger(
    town: Town, instance: Instance, page: tuple[str, str]
) -> None:
    source = instance.sources[0]
    cursor = source.poll(None).cursor
    forget_tokens(town)
    town.box.faults.before("GET", "/user/validate_auth$", respond(200, *page))
    with pytest.raises(BadAnswerError):
        source.poll(cursor)
    source.poll(cursor)


@pytest.mark.parametrize("page", ['{"unexpected":true}', "[]"])
def test_answer_of_something_else_to_a_login_keeps_nobody_waiting(town: Town, instance: Instance, page: str) -> None:
    """Unlike a refusal, after which the few logins that Lemmy allows are saved."""
    town.box.faults.before("POST", "/user/login$", respond(200, page))
    instance.sources[0].poll(None)


def test_account_that_has_just_logged_in_elsewhere_logs_in_a_second_later(town: Town) -> None:
    body = json.dumps({"error": "unknown", "message": 'duplicate key value violates … "login_token_pkey"'})
    town.box.faults.before("POST", "/user/login$", respond(400, body))
    before = logins(town)
    town.connect().sources[0].poll(None)
    assert logins(town) == before + 1
