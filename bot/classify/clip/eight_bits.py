"""What ``openvino-int8`` means: layers of an exported image tower in 8 bits. Imports OpenVINO when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = np.ndarray[Any, Any]

GROUP: Final = 256
"""How many numbers of a row, what goes into a linear layer for one patch of one picture, share a scale at most.

Scales are of the picture at hand, so that nothing has to be measured beforehand. The fewer, the less a single large
number spoils its neighbours: whole rows were 5 % faster on ViT-B-32 and 64 numbers 11 % slower, but with four of 768
numbers twenty times as large as the others, whole rows were twice as far off. What is in 8 bits neither here nor by its
weights is computed in bf16 where the processor has it, which made int8 13 % faster.
"""

RECIPE: Final = f"weights unsigned, a scale and zero for each row; even groups up to {GROUP}; pixels whole"
"""For the revision: the weights in 8 bits are made when they are loaded, and pinned nowhere."""


def group(widths: Sequence[int]) -> int:
    """Into parts of how many numbers the rows of these layers are divided evenly.

    OpenVINO does without 8 bits where a part is larger than the row, and was a tenth slower where the last part of rows
    of 384 numbers was smaller than the first.
    """
    return max(size for size in range(1, GROUP + 1) if min(widths) % size == 0)


def linear_layers(graph: Any) -> Sequence[int]:
    """Round the weights of every linear layer; of how many numbers a row is that goes into each of them.

    OpenVINO multiplies such weights in 8 bits with what comes in, which it rounds as it comes. The products within
    attention have no weights, and stay as they are.
    """
    from openvino import opset13 as op

    widths: list[int] = []
    for node in graph.get_ordered_ops():
        weights = _weights(node)
        if weights is None:
            continue
        lowest = np.minimum(weights.min(axis=1, keepdims=True), 0)
        reach = np.maximum(weights.max(axis=1, keepdims=True), 0) - lowest
        scale = np.where(reach > 0, reach / 255, 1).astype(np.float32)
        zero = np.rint(-lowest / scale)
        rounded = np.clip(np.rint(weights / scale) + zero, 0, 255).astype(np.uint8)
        whole = op.convert(op.constant(rounded), "f32")
        offset = op.convert(op.constant(zero.astype(np.uint8)), "f32")
        back = op.multiply(op.subtract(whole, offset), op.constant(scale))
        node.output(0).replace(op.matmul(node.input_value(0), back, False, True).output(0))
        widths.append(weights.shape[1])
    graph.validate_nodes_and_infer_types()
    return widths


def pixels(package: Any, graph: Any, mean: Sequence[float], deviation: Sequence[float]) -> Any | None:
    """The graph for ``(n, side, side, 3) uint8``, whose first layer multiplies them as they are; the other is used up.

    Pixels are whole numbers of 8 bits to begin with, so that only the weights are rounded: ``deviation`` is in them,
    and ``mean`` in what is added, both from 0 to 255. ``None``, and nothing is changed, where a graph does not begin
    with one layer that looks at patches, none of which reaches beyond the edge: there is no pixel that means nothing.
    """
    from openvino import opset13 as op

    (before,) = graph.get_parameters()
    users = list(before.output(0).get_target_inputs())
    layers = [user.get_node() for user in users if user.get_node().get_type_name() != "ShapeOf"]
    if [layer.get_type_name() for layer in layers] != ["Convolution"] or not before.get_partial_shape()[2].is_static:
        return None
    (layer,) = layers
    said, source = layer.get_attributes(), layer.input_value(1).get_node()
    if source.get_type_name() != "Constant" or any([*said["pads_begin"], *said["pads_end"]]):
        return None
    weights = np.asarray(source.get_data(), dtype=np.float32) / np.asarray(deviation, np.float32).reshape(1, 3, 1, 1)
    reach = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scale = np.where(reach > 0, reach / 127, 1).astype(np.float32)
    rounded = np.rint(weights / scale).astype(np.int8)
    # Of the rounded weights, or a bright picture would be off by what the rounding adds up to.
    added = -(rounded * scale * np.asarray(mean, np.float64).reshape(1, 3, 1, 1)).sum(axis=(1, 2, 3))

    side = before.get_partial_shape()[2].get_length()
    given = op.parameter([-1, side, side, 3], np.uint8, name="pictures")
    whole = op.convert(op.transpose(given, op.constant(np.array([0, 3, 1, 2]))), "f32")
    for user in users:
        user.replace_source_output(whole.output(0))
    ends = [op.constant(np.full((1, 1, 1, 1), end, np.float32)) for end in (0, 255)]
    exact = op.fake_quantize(whole, *ends, *ends, 256)  # how OpenVINO is told that these are 8 bits
    back = op.multiply(op.convert(op.constant(rounded), "f32"), op.constant(scale))
    steps = [said[name] for name in ("strides", "pads_begin", "pads_end", "dilations")]
    made = op.add(op.convolution(exact, back, *steps), op.constant(added.reshape(1, -1, 1, 1).astype(np.float32)))
    layer.output(0).replace(made.output(0))
    return package.Model(graph.get_results(), [given], graph.get_name())


def _weights(node: Any) -> Rows | None:
    """``(out, in) float32`` of a linear layer; ``None`` for everything else."""
    if node.get_type_name() != "MatMul":
        return None
    attributes, source = node.get_attributes(), node.input_value(1).get_node()
    turned = bool(attributes["transpose_b"])
    if source.get_type_name() == "Transpose":
        turned, source = not turned, source.input_value(0).get_node()
    if attributes["transpose_a"] or source.get_type_name() != "Constant":
        return None
    weights = np.asarray(source.get_data(), dtype=np.float32)
    if weights.ndim != 2:
        return None
    return weights if turned else np.ascontiguousarray(weights.T)
