"""The engine openvino: the same similarities, 8 bits without a file of them, and nobody told of it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.model import SHIPPED
from bot.classify.clip.openvino_engine import _in_eight_bits, openvino
from bot.classify.clip.texts import key
from bot.domain.errors import ConfigError
from classify.clip.models import detector, pictures

if TYPE_CHECKING:
    from pathlib import Path

    from bot.classify.clip.detector import ClipDetector

MARGIN = 0.03
"""How far rounding may move a cosine: the detector's ``margin``, unless it is set."""

installed = pytest.mark.skipif(find_spec("openvino") is None, reason="the extra `openvino` is not installed")


@pytest.fixture(scope="module")
def shown() -> np.ndarray[Any, Any]:
    return pictures(95)[0]


@pytest.fixture(scope="module")
def exact() -> ClipDetector:
    return detector()


@pytest.fixture(scope="module")
def screening() -> ClipDetector:
    return detector(engine="openvino-int8")


def cosines(made: ClipDetector, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of every picture with every prompt of the set: what thresholds are compared with."""
    known = load_file(SHIPPED / "prompts.safetensors")
    wanted = [known[key(prompt)] for prompt in prompts_of(read_all(["shapes"]))]
    found: np.ndarray[Any, Any] = made.infer([batch]) @ np.stack(wanted).T
    return found


@installed
@pytest.mark.parametrize(("precision", "most"), [("fp32", 1e-4), ("bf16", 0.02)])
def test_similarities_are_those_of_onnxruntime(
    exact: ClipDetector, shown: np.ndarray[Any, Any], precision: str, most: float
) -> None:
    made = detector(engine="openvino", precision=precision)
    assert np.abs(cosines(made, shown) - cosines(exact, shown)).max() < most
    assert cosines(made, shown[:1]) == pytest.approx(cosines(exact, shown[:1]), abs=most), "batches of any size"


@installed
def test_int8_stays_within_its_margin_and_decides_as_the_exact_engine_near_thresholds(
    exact: ClipDetector, screening: ClipDetector, shown: np.ndarray[Any, Any]
) -> None:
    screening.watch({})
    assert 0 < np.abs(cosines(screening, shown) - cosines(exact, shown)).max() < MARGIN
    values = exact.finish(exact.infer([shown]))
    for threshold in (0.3, 0.5, 0.9):
        screening.watch({"purple-ring": [threshold]})
        for one, other in zip(values, screening.finish(screening.infer([shown])), strict=True):
            assert (one["purple-ring"] >= threshold) == (other["purple-ring"] >= threshold)


@installed
def test_picture_that_is_no_numbers_has_no_embedding_although_8_bits_would_give_it_one(screening: ClipDetector) -> None:
    batch = pictures(3)[0].astype(np.float32)
    batch[1, 0, 0, 0] = np.nan
    made = screening.infer([batch])
    assert np.isnan(made[1]).all()
    assert np.isfinite(made[[0, 2]]).all()


@installed
def test_engine_and_precision_are_part_of_the_revision(screening: ClipDetector, exact: ClipDetector) -> None:
    plain, half = (detector(engine="openvino", precision=precision) for precision in ("fp32", "bf16"))
    assert len({made.revision for made in (screening, exact, plain, half)}) == 4
    assert detector(engine="openvino", threads=2).revision == plain.revision


@installed
def test_linear_layers_are_rounded_whichever_way_their_weights_lie_and_nothing_else_is() -> None:
    package = openvino()  # imported by itself it would tell its maker
    from openvino import opset13 as op

    random = np.random.default_rng(3)
    weights = random.normal(0, 1, (5, 6)).astype(np.float32)
    weights[2] = 0  # a layer may have a row that does nothing
    weights[3] = np.abs(weights[3]) + 9
    given = op.parameter([-1, 6], np.float32)
    layers = [
        op.matmul(given, op.constant(weights), False, True),
        op.matmul(given, op.constant(np.ascontiguousarray(weights.T)), False, False),
        op.matmul(given, op.transpose(op.constant(weights), op.constant(np.array([1, 0]))), False, False),
        op.matmul(given, given, False, True),
    ]
    graph = package.Model([op.result(layer) for layer in layers], [given], "layers")
    assert _in_eight_bits(graph) == 3
    rows = random.normal(0, 1, (4, 6)).astype(np.float32)
    found = list(package.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(rows).values())
    for made in found[:3]:
        np.testing.assert_allclose(made, rows @ weights.T, atol=np.abs(rows).sum(axis=1).max() * 13 / 255)
        np.testing.assert_array_equal(made[:, 2], 0)
    np.testing.assert_allclose(found[3], rows @ rows.T, rtol=1e-4)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"needs the package openvino: install fediwarden\[openvino\]"):
        detector(engine="openvino")


@installed
def test_importing_it_tells_nobody(tmp_path: Path) -> None:
    """The package reports its import to its maker where ``openvino_telemetry`` is installed, as pip does it."""
    told = tmp_path / "told"
    package = tmp_path / "openvino_telemetry"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(told)!r}, 'w').close()\nraise ImportError\n", encoding="utf-8")
    search = os.pathsep.join([str(tmp_path), *sys.path])

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": search}, check=True, timeout=240)

    run("from bot.classify.clip.openvino_engine import openvino; openvino()")
    assert not told.exists()
    run("import openvino")
    assert told.exists(), "it does so no more, and nothing has to be kept from it"
