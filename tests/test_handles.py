"""How the name of an account or community is written, and which two ways to write it are the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.whatwg import ascii_host
from bot.domain.handles import meant, plain


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("@Rita@Bücher.example", "rita@xn--bcher-kva.example"),
        ("rita@bücher.example:8080", "rita@xn--bcher-kva.example:8080"),
        ("rita@bücher。example", "rita@xn--bcher-kva.example"),
        ("rita@straße.example", "rita@xn--strae-oqa.example"),
        ("rita@STRASSE.example", "rita@strasse.example"),
        ("rita@🐘.example", "rita@xn--go8h.example"),
        ("https://Bücher.example/c/Cats/", "https://xn--bcher-kva.example/c/Cats"),
        ("!Über@here.example", "über@here.example"),
    ],
)
def test_a_host_in_another_script_is_the_one_that_is_looked_up_for_it(written: str, same: str) -> None:
    assert plain(written) == plain(same) == same
    assert same in meant(written)


def test_page_of_an_account_means_its_handle_whatever_the_script_of_either_server() -> None:
    assert "rita@xn--bcher-kva.example" in meant("https://bücher.example/@Rita")
    assert "rita@xn--bcher-kva.example" in meant("https://für.example/u/rita@bücher.example")


def test_host_that_cannot_be_looked_up_is_only_the_same_as_itself() -> None:
    nowhere = "ü" * 64
    assert not ascii_host(nowhere)
    assert plain(f"rita@{nowhere}") == f"rita@{nowhere}"


@given(st.text())
@example("rita@\ud800ü")
@example("http://\ud800")
def test_never_raises(text: str) -> None:
    plain(text)
