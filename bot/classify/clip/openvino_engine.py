"""The image tower of an exported model on OpenVINO's processor engine. Imports OpenVINO when asked."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from bot.classify.clip import eight_bits
from bot.classify.clip.external import checked
from bot.classify.clip.weights import unit
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Rows = np.ndarray[Any, Any]

Precision = Literal["fp32", "bf16", "int8"]

MOST_STREAMS: Final = 4
"""Into how many parts a batch is divided at most, to be computed at the same time, each by its share of the threads.

Threads that have one part together wait for each other at every layer: on two cores, two parts with a thread each took
10 % less processor time than one with both. More cores were not measured. The price: one picture alone has one share.
"""


def openvino() -> Any:
    """The package. Raises ``ConfigError`` where the extra ``openvino`` is not installed.

    Importing OpenVINO tells its maker of it, over the network, if the package ``openvino_telemetry`` is there, which
    pip installs with it. This bot contacts nobody but those it is told to: here that package is not there.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # makes any import of it fail
    try:
        import openvino as package
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the engine openvino needs the package openvino: install fediwarden[openvino], or say onnxruntime instead"
        ) from error
    return package


class OpenVinoEngine:
    """``Engine`` on OpenVINO."""

    def __init__(
        self,
        path: Path,
        digests: Mapping[str, str],
        *,
        threads: int,
        precision: Precision,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        """``digests``: see ``OnnxEngine``. ``threads``: of the processor, 0: one for each core.

        Raises ``ConfigError`` for a file that is not the one that was exported, and what OpenVINO raises.
        """
        package = openvino()
        core = package.Core()
        graph = core.read_model(model=checked(path, digests))
        # What 8 bits leave over may be in bf16; where a processor has to emulate it, that would be slower.
        recent = precision == "int8" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        said: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" or recent else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # the processes that decode are on the same cores
        }
        if threads:
            said["INFERENCE_NUM_THREADS"] = threads
        if precision == "int8":
            widths = eight_bits.linear_layers(graph)
            if not widths:
                raise ConfigError(f"{path}: has no weights that int8 could round; use another engine")
            said["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(eight_bits.group(widths))
        mean, deviation = ([255 * value for value in values] for values in (mean, deviation))
        # Older processors add up such products in 16 bits, which whole pixels overflow. Those with bf16 do not.
        whole = eight_bits.pixels(package, graph, mean, deviation) if recent else None
        graph = whole or _prepared(package, graph, mean, deviation)
        said["NUM_STREAMS"] = _streams(_threads(package, core, said))
        compiled = core.compile_model(graph, "CPU", said)
        self._dim = compiled.output(0).partial_shape[1].get_length()
        self._requests = [compiled.create_infer_request() for _ in range(compiled.get_property("NUM_STREAMS"))]

    def encode(self, pictures: Rows) -> Rows:
        """See ``Engine``. Whole numbers may come as they are, in ``uint8``."""
        if pictures.dtype == np.uint8:
            return self._infer(pictures)
        # What is no number becomes one where it is rounded, to whole numbers or to bf16.
        finite = np.isfinite(pictures).all(axis=(1, 2, 3))
        with np.errstate(invalid="ignore"):
            whole = pictures.astype(np.uint8)
        made = self._infer(whole)
        made[~finite] = np.nan
        return made

    def _infer(self, pictures: Rows) -> Rows:
        """An even part of them for each request, all at the same time; the first error there is."""
        parts = [part for part in np.array_split(pictures, len(self._requests)) if len(part)]
        if not parts:
            return np.zeros((0, self._dim), dtype=np.float32)
        running = list(zip(self._requests, parts, strict=False))
        # All are waited for, whatever fails: nothing writes into a request any more when its results are read, or when
        # the next batch is put into it.
        with ExitStack() as waiting:
            for request, part in running:
                request.start_async([part])
                waiting.callback(request.wait)
        return unit(np.concatenate([request.get_output_tensor(0).data for request, _ in running]))


def _streams(threads: int) -> int:
    """Into how many equal shares so many threads are divided: none is left over."""
    return max(count for count in range(1, MOST_STREAMS + 1) if threads % count == 0)


def _threads(package: Any, core: Any, said: Mapping[str, Any]) -> int:
    """How many OpenVINO would use, which knows of cores that are only seeming and of cores that are not ours."""
    from openvino import opset13 as op

    given = op.parameter([1], np.float32)
    least = package.Model([op.result(op.relu(given))], [given], "least")
    found: int = core.compile_model(least, "CPU", {**said, "NUM_STREAMS": 1}).get_property("INFERENCE_NUM_THREADS")
    return found


def _prepared(package: Any, graph: Any, mean: Sequence[float], deviation: Sequence[float]) -> Any:
    """For ``(n, side, side, 3) uint8``: what a picture needs beforehand is done there too, in less time."""
    steps = package.preprocess.PrePostProcessor(graph)
    steps.input().tensor().set_element_type(package.Type.u8).set_layout(package.Layout("NHWC"))
    steps.input().model().set_layout(package.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(package.Type.f32).mean(mean).scale(deviation)
    return steps.build()
