"""Values of labels, and which embeddings are too near a threshold to trust a rounded one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.classify.clip.scoring import Contrast, Head, Likeness, Part, Scoring

if TYPE_CHECKING:
    from bot.classify.clip.scoring import Question


def rows(*values: tuple[float, ...]) -> np.ndarray[Any, Any]:
    made = np.array(values, dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


X, Y, Z = rows((1, 0, 0), (0, 1, 0), (0, 0, 1))
CONTRAST = Contrast(label="contrast", prompts=rows((1, 0, 0)), counter=rows((0, 1, 0)), scale=10.0)
LIKENESS = Likeness(label="likeness", targets=rows((1, 0, 0), (0, 0, 1)))
HEAD = Head(label="head", weight=np.array([6.0, 0, 0]), bias=-1.0)


def test_contrast_is_half_in_the_middle_and_grows_towards_its_prompts() -> None:
    between = rows((1, 1, 0), (2, 1, 0), (1, 2, 0))
    middle, nearer, farther = CONTRAST.values(between)
    assert middle == pytest.approx(0.5)
    assert nearer > 0.9
    assert farther < 0.1
    assert nearer == pytest.approx(1 / (1 + math.exp(-10 * (2 - 1) / math.sqrt(5))))


def test_likeness_is_the_cosine_to_the_nearest() -> None:
    assert LIKENESS.values(rows((1, 0, 1), (0, 1, 0))).tolist() == pytest.approx([1 / math.sqrt(2), 0])


def test_negative_cosine_counts_as_nothing() -> None:
    (values,) = Scoring([LIKENESS]).values(-rows((1, 0, 1)))
    assert values == {"likeness": 0.0}


def test_head_is_logistic() -> None:
    assert HEAD.values(rows((1, 0, 0)))[0] == pytest.approx(1 / (1 + math.exp(-5)))


@pytest.mark.parametrize("question", [CONTRAST, LIKENESS, HEAD])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.85])
def test_what_is_not_near_stays_on_its_side_whatever_moves_by_the_margin(question: Question, threshold: float) -> None:
    """The promise behind looking again: nothing that moves cosines by the margin changes a decision."""
    random = np.random.default_rng(3)
    given = rows(*random.normal(size=(400, 3)))
    margin = 0.03
    off = random.normal(size=(400, 3))
    moved = given + margin * off / np.linalg.norm(off, axis=1, keepdims=True)
    before, after = question.values(given) >= threshold, question.values(moved) >= threshold
    near = question.near(given, threshold, margin)
    assert not (before != after)[~near].any()
    assert (before != after).any()
    assert not near.all()


def combined(*groups: list[Part]) -> Scoring:
    return Scoring([CONTRAST, LIKENESS], {"both": groups})


WANTED = Part(label="contrast", at_least=0.7, lowest=0.0, denied=False)
COSINE = Part(label="likeness", at_least=0.3, lowest=-1.0, denied=False)
DENIED = Part(label="likeness", at_least=0.6, lowest=-1.0, denied=True)


def test_combination_holds_exactly_if_every_label_reaches_its_threshold_and_nothing_speaks_against_it() -> None:
    given = rows(*np.random.default_rng(5).normal(size=(500, 3)))
    contrast, likeness = CONTRAST.values(given), LIKENESS.values(given)
    values = np.array([row["both"] for row in combined([WANTED], [COSINE], [DENIED]).values(given)])
    so = (contrast >= 0.7) & (likeness >= 0.3) & (likeness < 0.6)
    assert ((values >= 0.5) == so).all()
    assert 0 < so.sum() < 500
    assert values.min() >= 0
    assert values.max() <= 1


def test_one_of_a_group_is_enough() -> None:
    given = rows(*np.random.default_rng(6).normal(size=(500, 3)))
    values = np.array([row["both"] for row in combined([WANTED, COSINE]).values(given)])
    assert ((values >= 0.5) == ((CONTRAST.values(given) >= 0.7) | (LIKENESS.values(given) >= 0.3))).all()


def test_label_exactly_at_its_threshold_holds_and_denies() -> None:
    at = np.array([0.6])
    assert Part(label="x", at_least=0.6, lowest=0.0, denied=False).scaled(at)[0] >= 0.5
    assert Part(label="x", at_least=0.6, lowest=0.0, denied=True).scaled(at)[0] < 0.5


@pytest.mark.parametrize("part", [WANTED, COSINE, DENIED])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
def test_threshold_of_a_combination_is_watched_at_its_labels(part: Part, threshold: float) -> None:
    assert part.scaled(np.array([part.unscaled(threshold)]))[0] == pytest.approx(threshold)
    scoring = combined([part])
    scoring.watch({"both": [threshold]})
    assert scoring.watched == {part.label: [pytest.approx(part.unscaled(threshold))]}


def test_nothing_is_near_where_no_threshold_is_watched() -> None:
    assert not combined([WANTED]).near(rows((1, 1, 0)), 1.0).any()


@pytest.mark.parametrize("question", [CONTRAST, LIKENESS, HEAD])
def test_no_embedding_is_beyond_the_reach(question: Question) -> None:
    lowest, highest = question.reach
    around = np.random.default_rng(1).normal(size=(200, 3))
    values = question.values(rows(*map(tuple, around)))
    assert ((lowest - 1e-6 <= values) & (values <= highest + 1e-6)).all()


def test_head_reaches_as_far_as_its_weights() -> None:
    assert HEAD.values(rows((-1, 0, 0), (1, 0, 0))) == pytest.approx(HEAD.reach)


@pytest.mark.parametrize("question", [CONTRAST, LIKENESS, HEAD])
def test_nan_stays_nan(question: Question) -> None:
    """It must not become a score, least of all that of a harmless picture."""
    parts = [[Part(label=question.label, at_least=0.5, lowest=0.0, denied=False)]]
    (values,) = Scoring([question], {"both": parts}).values(np.full((1, 3), np.nan, dtype=np.float32))
    assert np.isnan(list(values.values())).all()
    assert set(values) == {question.label, "both"}
