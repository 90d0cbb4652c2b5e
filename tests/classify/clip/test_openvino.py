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

from bot.classify.clip.eight_bits import group, linear_layers, pixels
from bot.classify.clip.engines import ScreeningEngine
from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.model import SHIPPED, open_model
from bot.classify.clip.openvino_engine import OpenVinoEngine, _streams, openvino
from bot.classify.clip.texts import key
from bot.domain.errors import ConfigError
from classify.clip.models import detector, pictures, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Request:
    """One of OpenVINO's, which tells what it was given, and may fail when it is waited for."""

    def __init__(self, real: Any, error: Exception | None = None) -> None:
        self.real = real
        self.error = error
        self.given: list[int] = []
        self.running = False

    def start_async(self, said: Any) -> None:
        assert not self.running
        self.real.start_async(said)
        self.given.append(len(said[0]))
        self.running = True

    def wait(self) -> None:
        try:
            self.real.wait()
        finally:
            self.running = False
        if self.error is not None:
            raise self.error

    def get_output_tensor(self, number: int) -> Any:
        assert not self.running, "its result is still being written"
        return self.real.get_output_tensor(number)


def in_shares(engine: OpenVinoEngine, count: int) -> list[Request]:
    """As many requests as a machine with more cores would have."""
    model = engine._requests[0].get_compiled_model()
    made = [Request(model.create_infer_request()) for _ in range(count)]
    engine._requests = made
    return made


@pytest.fixture(scope="module")
def started() -> OpenVinoEngine:
    made = open_model(settings(engine="openvino")).start(lambda rows: rows[:, 0] > 2)
    assert isinstance(made, OpenVinoEngine)
    return made


@pytest.fixture
def plain(started: OpenVinoEngine) -> Iterator[OpenVinoEngine]:
    requests = started._requests
    yield started
    started._requests = requests


@installed
@pytest.mark.parametrize(
    ("count", "given"), [(0, [[], [], []]), (1, [[1], [], []]), (2, [[1], [1], []]), (8, [[3], [3], [2]])]
)
def test_pictures_are_shared_out_and_come_back_in_their_order(
    plain: OpenVinoEngine, shown: np.ndarray[Any, Any], count: int, given: list[list[int]]
) -> None:
    alone = [plain.encode(shown[at : at + 1]) for at in range(count)]
    requests = in_shares(plain, 3)
    made = plain.encode(shown[:count])
    assert [request.given for request in requests] == given
    assert (made.shape, made.dtype) == ((count, 64), np.float32)
    np.testing.assert_allclose(made, np.concatenate([np.zeros((0, 64)), *alone]), atol=1e-5)
    np.testing.assert_array_equal(plain.encode(shown[:count].astype(np.uint8)), made)


@installed
def test_int8_gives_a_picture_the_same_embedding_in_any_company(shown: np.ndarray[Any, Any]) -> None:
    engine = open_model(settings(engine="openvino-int8")).start(lambda rows: np.zeros(len(rows), dtype=bool))
    together = engine.encode(shown[:9])
    np.testing.assert_allclose(together, np.concatenate([engine.encode(one[None]) for one in shown[:9]]), atol=0.01)


@installed
@pytest.mark.parametrize("failing", [0, 1, 2])
def test_error_of_one_share_is_the_callers_and_leaves_none_running(
    plain: OpenVinoEngine, shown: np.ndarray[Any, Any], failing: int
) -> None:
    before = plain.encode(shown[:6])
    requests = in_shares(plain, 3)
    requests[failing].error = RuntimeError("the processor is on fire")
    with pytest.raises(RuntimeError, match="on fire"):
        plain.encode(shown[:6])
    assert not any(request.running for request in requests)
    requests[failing].error = None
    np.testing.assert_allclose(plain.encode(shown[:6]), before, atol=1e-5)


@installed
def test_share_that_cannot_be_started_is_an_error_and_the_others_are_waited_for(
    plain: OpenVinoEngine, shown: np.ndarray[Any, Any]
) -> None:
    requests = in_shares(plain, 2)
    with pytest.raises(RuntimeError):
        plain.encode(shown[:4, :40])  # none of them has the side that the tower looks at
    requests[1].real = None
    with pytest.raises(AttributeError):
        plain.encode(shown[:4])
    assert not any(request.running for request in requests)


@pytest.mark.parametrize(("threads", "streams"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1), (6, 3), (7, 1), (16, 4)])
def test_no_thread_is_left_without_a_share(threads: int, streams: int) -> None:
    assert _streams(threads) == streams


@installed
def test_as_many_requests_as_openvino_makes_shares_of_the_threads_that_it_was_given() -> None:
    engine = open_model(settings(engine="openvino", threads=1)).start(lambda rows: rows[:, 0] > 2)
    assert isinstance(engine, OpenVinoEngine)
    assert len(engine._requests) == 1


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
    assert linear_layers(graph) == [6, 6, 6]
    rows = random.normal(0, 1, (4, 6)).astype(np.float32)
    found = list(package.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(rows).values())
    for made in found[:3]:
        np.testing.assert_allclose(made, rows @ weights.T, atol=np.abs(rows).sum(axis=1).max() * 13 / 255)
        np.testing.assert_array_equal(made[:, 2], 0)
    np.testing.assert_allclose(found[3], rows @ rows.T, rtol=1e-4)


@pytest.mark.parametrize(
    ("widths", "size"),
    [([768, 3072], 256), ([1024, 4096, 1024], 256), ([384, 1536], 192), ([96, 384], 96), ([1664], 208)],
)
def test_rows_are_divided_evenly(widths: list[int], size: int) -> None:
    assert group(widths) == size


def patches(op: Any, weights: np.ndarray[Any, Any], *, padding: int = 0, twice: bool = False, users: int = 1) -> Any:
    """An image tower that is nothing but its first layer."""
    package = openvino()
    given = op.parameter([-1, 3, 8, 8], np.float32)
    kept = op.multiply(op.constant(weights), op.constant(np.float32(1))) if twice else op.constant(weights)
    made = [op.convolution(given, kept, [4, 4], [padding] * 2, [padding] * 2, [1, 1]) for _ in range(users)]
    return package.Model([op.result(one) for one in [*made, op.shape_of(given)]], [given], "patches")


MEAN, DEVIATION = (122.0, 116.0, 104.0), (68.0, 66.0, 70.0)


@installed
def test_first_layer_takes_pixels_as_they_are_and_only_its_weights_are_rounded() -> None:
    package = openvino()
    from openvino import opset13 as op

    random = np.random.default_rng(3)
    weights = random.normal(0, 1, (5, 3, 4, 4)).astype(np.float32)
    weights[2] = 0
    weights[4] *= 100
    shown = random.integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    shown[1], shown[2] = 0, 255
    made = pixels(package, patches(op, weights), MEAN, DEVIATION)
    found, shape = package.Core().compile_model(made, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(shown).values()
    assert tuple(shape) == (3, 3, 8, 8)
    flat = ((shown.astype(np.float64) - MEAN) / DEVIATION).reshape(3, 2, 4, 2, 4, 3)
    wanted = np.einsum("nyaxbc,ocab->noyx", flat, weights)
    step = np.abs(weights / np.reshape(DEVIATION, (1, 3, 1, 1))).max(axis=(1, 2, 3)) / 127  # of one weight
    most = (
        step[None, :, None, None]
        / 2
        * np.abs(shown - np.array(MEAN)).reshape(3, 2, 4, 2, 4, 3).sum(axis=(2, 4, 5))[:, None]
    )
    assert (np.abs(found - wanted) <= most + 1e-3).all()
    np.testing.assert_array_equal(found[:, 2], 0)


@installed
@pytest.mark.parametrize("said", [{"padding": 1}, {"twice": True}, {"users": 2}], ids=str)
def test_first_layer_of_another_kind_stays_as_it_is(said: dict[str, Any]) -> None:
    package = openvino()
    from openvino import opset13 as op

    graph = patches(op, np.ones((2, 3, 4, 4), np.float32), **said)
    before = len(graph.get_ops())
    assert pixels(package, graph, MEAN, DEVIATION) is None
    assert len(graph.get_ops()) == before


@installed
def test_int8_multiplies_pixels_in_8_bits_where_the_processor_can() -> None:
    if "BF16" not in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("the processor has no bf16")
    engine = open_model(settings(engine="openvino-int8")).start(lambda rows: rows[:, 0] > 2)
    assert isinstance(engine, ScreeningEngine)
    fast = engine._fast
    assert isinstance(fast, OpenVinoEngine)
    running = fast._requests[0].get_compiled_model().get_runtime_model().get_ordered_ops()
    kinds = [
        node.get_rt_info()["primitiveType"].astype(str)
        for node in running
        if node.get_rt_info()["layerType"].astype(str) == "Convolution"
    ]
    assert len(kinds) == 1
    assert kinds[0].endswith("_I8")


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
