"""Where the bytes of a name are fetched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.attribution.addresses import carried, to_fetch

FAR = "https://far.example/a.png?id=1"
SHOWN = "https://own.example/api/v3/image_proxy?url=https%3A%2F%2Ffar.example%2Fa.png%3Fid%3D1"


def test_what_our_server_shows_comes_first_and_the_origin_second() -> None:
    assert to_fetch(FAR, [FAR, SHOWN]) == [SHOWN, FAR]
    assert to_fetch(FAR, [FAR]) == [FAR]
    assert to_fetch(FAR, []) == [FAR]


def test_smaller_copies_are_fetched_whole_and_once() -> None:
    seen = [f"{SHOWN}&format=webp&thumbnail=96", SHOWN, f"{SHOWN}&max_size=512#x"]
    assert to_fetch(FAR, seen) == [SHOWN, FAR]


@given(st.text())
def test_never_raises(text: str) -> None:
    carried(text)
    assert to_fetch(FAR, [f"https://x.example/?{text}"])[-1] == FAR
