"""The sandbox as a program of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest

from adapters.sandbox.loopback import NO_AUTHORITIES
from bot.domain.errors import ConfigError
from bot.wiring import serve_mastodon

_LABELS = {
    "warden": {"full", "bot", "readonly", "reports"},
    "mod": {"full", "bot"},
    "admin": {"full", "no_admin_scope"},
}


def test_first_line_is_all_that_a_client_needs() -> None:
    command = [sys.executable, "-m", "bot", "sandbox", "mastodon", "--version", "4.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            with httpx.Client(verify=NO_AUTHORITIES, base_url=told["url"], headers={"Host": told["host"]}) as client:
                for person in told["people"].values():
                    for token in person["tokens"].values():
                        answer = client.get(
                            "/api/v1/accounts/verify_credentials", headers={"Authorization": f"Bearer {token}"}
                        )
                        seen = answer.json().get("id", answer.json().get("error"))
                        assert seen in {person["id"], "This action is outside the authorized scopes"}
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert told["platform"] == "mastodon"
    assert told["version"] == "4.3.23"
    assert {"streaming_url", "webhook_secret"} < set(told)
    assert {name: set(one["tokens"]) for name, one in told["people"].items() if name in _LABELS} == _LABELS
    assert all({"id", "email", "password", "tokens"} <= set(person) for person in told["people"].values())
    assert [name for name, person in told["people"].items() if "totp_secret" in person] == ["chief"]


@pytest.mark.parametrize(
    ("version", "webhook", "words"),
    [("4.7", None, "4.3, 4.6"), ("4.6", "https://example.org/hook", "this machine only")],
)
def test_what_cannot_be_run_is_said(version: str, webhook: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        serve_mastodon(version, port=0, webhook=webhook, default_limits=True)
