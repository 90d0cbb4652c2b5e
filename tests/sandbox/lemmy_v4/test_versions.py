"""Which Lemmy a sandbox is."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.sandbox.lemmy import LemmySandbox
from bot.domain.errors import ConfigError
from bot.wiring import serve_lemmy


def test_there_are_two_versions() -> None:
    with pytest.raises(ConfigError, match=r"0\.19, 1\.0"):
        serve_lemmy("0.18", port=0, default_limits=False)


def announced(version: str) -> dict[str, Any]:
    box = LemmySandbox(version=version)
    try:
        return box.announcement()
    finally:
        box.stop()


def test_the_announcement_of_both_has_the_same_shape() -> None:
    old, new = announced("0.19"), announced("1.0")
    assert (old["version"], new["version"]) == ("0.19.20", "1.0.0-beta.1")
    assert list(old) == list(new)
    assert list(old["people"]) == list(new["people"])
