"""Which Lemmy a sandbox is."""

from __future__ import annotations

import pytest

from adapters.sandbox.lemmy import LemmySandbox
from bot.settings import ConfigError
from bot.wiring import serve_lemmy


def test_there_are_two_versions() -> None:
    with pytest.raises(ConfigError, match=r"0\.19, 1\.0"):
        serve_lemmy("0.18", port=0, default_limits=False)


def test_the_announcement_of_both_has_the_same_shape() -> None:
    old, new = (LemmySandbox(version=version).announcement() for version in ("0.19", "1.0"))
    assert (old["version"], new["version"]) == ("0.19.20", "1.0.0-beta.1")
    assert list(old) == list(new)
    assert list(old["people"]) == list(new["people"])
