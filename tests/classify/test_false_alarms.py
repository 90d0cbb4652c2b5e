"""Bounds and thresholds, against exact sums and for whatever values there are."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.classify.false_alarms import allowed, by_chance, pictures_needed, precision, share, threshold

values = st.lists(st.floats(0, 1), min_size=1, max_size=400)
rates = st.sampled_from([0.5, 0.1, 0.05, 0.01])


def at_most(flagged: int, pictures: int, rate: float) -> float:
    """How likely so few are flagged, summed up exactly."""
    exact = Fraction(rate)
    return float(sum(comb(pictures, k) * exact**k * (1 - exact) ** (pictures - k) for k in range(flagged + 1)))


@pytest.mark.parametrize(
    ("flagged", "pictures", "low", "high"),
    [  # the last two: R's binom.test(10, 100) and (1, 1000)
        (0, 100, 0.0, 1 - 0.025**0.01),
        (100, 100, 0.025**0.01, 1.0),
        (10, 100, 0.04900469, 0.17622260),
        (1, 1000, 0.00002531749, 0.005558924),
    ],
)
def test_known_bounds(flagged: int, pictures: int, low: float, high: float) -> None:
    made = share(flagged, pictures)
    assert made.low == pytest.approx(low, rel=1e-6, abs=1e-15)
    assert made.high == pytest.approx(high, rel=1e-6)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_at_a_bound_what_was_seen_has_the_chance_of_one_tail(seen: tuple[int, int]) -> None:
    flagged, pictures = seen
    made = share(flagged, pictures)
    assert made.low <= made.rate <= made.high
    if flagged < pictures:
        assert at_most(flagged, pictures, made.high) == pytest.approx(0.025, rel=1e-9)
    if flagged:
        assert 1 - at_most(flagged - 1, pictures, made.low) == pytest.approx(0.025, rel=1e-9)


@pytest.mark.parametrize("rate", [0.0001, 0.0004, 0.01, 0.3])
@pytest.mark.parametrize("pictures", [10, 1000, 40_000])
def test_bounds_hold_the_true_rate_as_often_as_they_say(rate: float, pictures: int) -> None:
    seen = np.random.default_rng(5).binomial(pictures, rate, 400)
    bounds = {int(one): share(int(one), pictures) for one in set(seen)}
    assert np.mean([bounds[int(one)].low <= rate <= bounds[int(one)].high for one in seen]) >= 0.925


@pytest.mark.parametrize(("flagged", "pictures"), [(0, 0), (2, 1), (-1, 5)])
def test_share_of_nothing_is_an_error(flagged: int, pictures: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        share(flagged, pictures)


@given(st.floats(1e-5, 0.9))
def test_pictures_that_are_needed_are_just_enough(rate: float) -> None:
    needed = pictures_needed(rate)
    assert allowed(needed, rate) is not None
    assert allowed(needed - 1, rate) is None
    assert share(0, needed).high <= rate * (1 + 1e-9)


@given(st.integers(1, 5000), rates)
def test_one_more_than_allowed_would_be_above_the_rate(pictures: int, rate: float) -> None:
    may = allowed(pictures, rate)
    if may is not None:
        assert share(may, pictures).high <= rate * (1 + 1e-9)
    assert share(0 if may is None else may + 1, pictures).high > rate


@given(values, rates)
def test_threshold_flags_no_more_than_is_allowed(found: list[float], rate: float) -> None:
    made = threshold(found, rate)
    may = allowed(len(found), rate)
    if made is None:
        assert may is None or sorted(found)[-may - 1] == 1.0
    else:
        assert may is not None
        assert 0 < made <= 1
        assert sum(value >= made for value in found) <= may
        # nearly the lowest one: what comes next below it would be flagged too many
        assert made - sorted(found)[-may - 1] <= 0.0101


@given(values)
def test_rarer_alarms_need_a_higher_threshold(found: list[float]) -> None:
    made = [one for one in (threshold(found, rate) for rate in (0.5, 0.1, 0.05, 0.01)) if one is not None]
    assert made == sorted(made)


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_threshold_keeps_its_promise_on_pictures_that_were_not_looked_at(rate: float) -> None:
    random = np.random.default_rng(3)
    kept = [1 - made <= rate for _ in range(300) if (made := threshold(list(random.random(700)), rate)) is not None]
    assert len(kept) == 300
    assert np.mean(kept) >= 0.95


def test_threshold_is_written_with_few_digits() -> None:
    assert threshold([0.1] * 300 + [0.637219], 0.05) == 0.101
    assert threshold([0.99963] * 400, 0.01) == 0.999631
    assert threshold([0.0] * 400, 0.01) == pytest.approx(1e-6)
    assert threshold([1.0] * 400, 0.01) is None


def test_precision_at_the_prevalence_of_the_pilot() -> None:
    assert precision(4.29e-5, 0.01) == pytest.approx(0.00427, abs=1e-5)
    assert precision(4.29e-5, 0.0) == 1.0
    assert precision(0.0, 0.0) == 0.0


@given(st.floats(1e-6, 0.5), st.floats(0, 1), st.floats(0, 1))
def test_more_false_alarms_never_make_it_more_precise(prevalence: float, one: float, other: float) -> None:
    assert precision(prevalence, min(one, other)) >= precision(prevalence, max(one, other))


@pytest.mark.parametrize(
    ("table", "chance"),
    [((1, 10, 11, 14), 0.002759456), ((3, 4, 1, 4), 0.4857143), ((0, 50, 0, 50), 1.0), ((0, 50, 0, 0), 1.0)],
)
def test_known_chances(table: tuple[int, int, int, int], chance: float) -> None:
    assert by_chance(*table) == pytest.approx(chance, rel=1e-6)


@given(st.integers(0, 20), st.integers(20, 40), st.integers(0, 20), st.integers(20, 40))
def test_it_does_not_matter_which_group_is_named_first(a: int, of_a: int, b: int, of_b: int) -> None:
    assert by_chance(a, of_a, b, of_b) == pytest.approx(by_chance(b, of_b, a, of_a))
    assert by_chance(a, of_a, b, of_b) == pytest.approx(by_chance(of_a - a, of_a, of_b - b, of_b))
