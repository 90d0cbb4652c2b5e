from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.etag import digest_in

REAL = '"2L6pF1ff7xRXAxKy7f1DlN67PwXATUfp78xbfP0pREMAAAAAFhIH"'
DIGEST = "d8bea91757dfef14570312b2edfd4394debb3f05c04d47e9efcc5b7cfd294443"


def test_real_one() -> None:
    assert digest_in(REAL) == DIGEST
    assert digest_in(f"W/{REAL}") == DIGEST


def etag(digest: bytes, size: int, kind: int) -> str:
    return base64.b64encode(digest + size.to_bytes(6, "big") + bytes([kind])).decode()


@pytest.mark.parametrize(
    "text", [None, "", '"abc"', '"5f-1234"', REAL[:-5], etag(b"x" * 32, 0, 7), etag(b"x" * 32, 5, 99), "ä" * 52]
)
def test_anything_else_is_nothing(text: str | None) -> None:
    assert digest_in(text) is None


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**39), st.integers(0, 10))
def test_every_digest_comes_back(digest: bytes, size: int, kind: int) -> None:
    assert digest_in(f'"{etag(digest, size, kind)}"') == digest.hex()


@given(st.text())
def test_never_raises(text: str) -> None:
    digest_in(text)
