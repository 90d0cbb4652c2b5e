from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Breaker


def test_a_flood_of_flags_opens_it():
    assert Breaker().opens(flagged=1000, scanned=1000)
    assert Breaker().opens(flagged=20, scanned=100)
    assert Breaker().opens(flagged=10, scanned=10)


def test_what_was_expected_does_not():
    assert not Breaker().opens(flagged=20, scanned=1000)
    assert not Breaker().opens(flagged=2000, scanned=100_000)
    assert Breaker().opens(flagged=2200, scanned=100_000)


@given(flagged=st.integers(0, 9), scanned=st.integers(0, 100))
def test_few_flags_prove_nothing(flagged, scanned):
    assert not Breaker(least=10).opens(flagged=flagged, scanned=scanned)


@given(
    flagged=st.integers(10, 3000),
    scanned=st.integers(1, 100_000),
    share=st.floats(0.001, 0.5),
    more=st.integers(1, 1000),
)
def test_more_flags_never_close_it_and_more_files_never_open_it(flagged, scanned, share, more):
    breaker = Breaker(share=share)
    if breaker.opens(flagged=flagged, scanned=max(scanned, flagged)):
        assert breaker.opens(flagged=flagged + more, scanned=max(scanned, flagged + more)) or scanned < flagged + more
    else:
        assert not breaker.opens(flagged=flagged, scanned=max(scanned, flagged) + more)
