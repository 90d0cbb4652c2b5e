"""Which server an address leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hosts import host_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example:443/x", "a.example"),
        ("http://a.example:80/", "a.example"),
        ("https://a.example:80", "a.example:80"),
        ("http://a.example:8080/", "a.example:8080"),
        ("http://[::1]:8080/x", "::1:8080"),
        ("https://u:p@a.example./", "a.example"),
        ("https://a.example:99999/", ""),
        ("mailto:a@b", ""),
    ],
)
def test_hosts_are_written_as_accounts_have_them(url: str, host: str) -> None:
    assert host_of(url) == host


@given(st.text())
def test_never_raises(text: str) -> None:
    assert host_of(text) == host_of(text.lower())
