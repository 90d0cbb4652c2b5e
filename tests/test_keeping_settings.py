"""How long things are kept, and the digest of a configuration: the same for the same, and telling nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.settings import Settings, digest

LEAST: dict[str, Any] = {"schema": 1, "instances": [{"id": "main", "platform": "lemmy"}]}


def read(**more: Any) -> Settings:
    return Settings.model_validate({**LEAST, **more})


def test_retention_has_a_default_a_time_or_never() -> None:
    assert read().retention.cases == timedelta(days=365)
    kept = read(retention={"cases": "never", "unflagged": "1d", "uploads": "10w"}).retention
    assert (kept.cases, kept.unflagged, kept.uploads) == (None, timedelta(days=1), timedelta(weeks=10))


@pytest.mark.parametrize("value", ["23h", "0d", "1", "", "always", 30])
def test_less_than_a_day_and_what_is_no_time_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        read(retention={"unflagged": value})


def test_digest_changes_with_what_is_in_force_and_not_with_order() -> None:
    assert digest(read()) == digest(read(stage="observe"))
    assert digest(read()) != digest(read(stage="hide"))
    assert digest(read(irreversible=["purge_file"])) != digest(read())
    one, two = {"id": "a", "mode": "block"}, {"id": "b", "mode": "allow"}
    assert digest(read(lists=[one, two])) == digest(read(lists=[two, one]))


def test_digest_is_the_same_in_every_process() -> None:
    code = (
        "from bot.settings import Settings, digest;"
        "print(digest(Settings.model_validate({'schema': 1, 'instances': [{'id': 'x'}],"
        "'protected': {'accounts': ['a@b.example', 'c@d.example', 'e@f.example', 'g@h.example']}})))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_secrets_do_not_go_into_the_digest() -> None:
    def with_secrets(word: str) -> str:
        instance = {"id": "main", "password": word, "pictrs": {"url": "http://x", "api_key": word}, "totp_secret": word}
        notify = [{"id": "mail", "kind": "webhook", "secret": word, "url": f"https://me:{word}@hook.example"}]
        return digest(
            read(instances=[instance], notify=notify, ledger=f"postgresql://fediwarden:{word}@db.example/fediwarden")
        )

    assert with_secrets("one") == with_secrets("two")
    assert with_secrets("one") != digest(read())
