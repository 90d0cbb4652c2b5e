"""The second factor at login (RFC 6238: SHA-1, six digits, thirty seconds)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from .answers import body, refusal
from .waiting import next_second

if TYPE_CHECKING:
    import httpx

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def careful(stage: Stage) -> tuple[Person, str]:
    """Somebody who has switched the second factor on, and the secret."""
    person = stage.register("careful")
    address = body(person.post("user/totp/generate"))["totp_secret_url"]
    secret = parse_qs(urlsplit(address).query)["secret"][0]
    answer = person.post("user/totp/update", totp_token=code(secret), enabled=True)
    if answer.status_code == 400 and refusal(answer)[1] == "couldnt_generate_totp":
        pytest.skip("a Lemmy whose hostname has a port cannot switch the second factor on")
    assert body(answer) == {"enabled": True}
    return person, secret


def test_login_without_the_second_factor_is_refused(careful: tuple[Person, str], anonymous: Person) -> None:
    assert refusal(log_in(anonymous, careful[0])) == (400, "missing_totp_token")


def test_login_with_a_wrong_second_factor_is_refused(careful: tuple[Person, str], anonymous: Person) -> None:
    person, secret = careful
    wrong = f"{(int(code(secret)) + 1) % 1_000_000:06d}"
    assert refusal(log_in(anonymous, person, totp_2fa_token=wrong)) == (400, "incorrect_totp_token")


def test_login_with_the_second_factor_gives_a_token(careful: tuple[Person, str], anonymous: Person) -> None:
    person, secret = careful
    assert body(log_in(anonymous, person, totp_2fa_token=code(secret)))["jwt"]


def test_token_from_before_the_second_factor_still_works(careful: tuple[Person, str]) -> None:
    assert body(careful[0].get("user/validate_auth")) == {"success": True}


def log_in(caller: Person, person: Person, **extra: str) -> httpx.Response:
    next_second()
    return caller.post("user/login", username_or_email=person.name, password=person.password, **extra)


def code(secret: str) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
