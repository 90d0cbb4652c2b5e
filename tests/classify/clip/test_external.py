"""Files that a model in ONNX reads besides itself: none that was not pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.classify.clip.engines import OnnxEngine
from bot.classify.clip.external import locations
from bot.classify.clip.model import SHIPPED
from bot.classify.clip.weights import digest_of
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

onnx = pytest.importorskip("onnx")  # of the extra `clip`; the bot itself does without


def tensor(name: str, location: str | None) -> Any:
    made = onnx.numpy_helper.from_array(np.eye(3, dtype=np.float32), name)
    if location is not None:
        onnx.external_data_helper.set_external_data(made, location)
        made.ClearField("raw_data")
    return made


def model(location: str | None) -> Any:
    """The mean colour of pictures, by a matrix that may lie in a file of its own."""
    floats = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceMean", ["pictures", "axes"], ["mean"], keepdims=0),
            onnx.helper.make_node("MatMul", ["mean", "weights"], ["embeddings"]),
        ],
        "tower",
        [onnx.helper.make_tensor_value_info("pictures", floats, ["n", 3, 4, 4])],
        [onnx.helper.make_tensor_value_info("embeddings", floats, ["n", 3])],
        [tensor("weights", location), onnx.numpy_helper.from_array(np.array([2, 3]), "axes")],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def written(folder: Path, location: str | None) -> Path:
    (folder / "image.onnx").write_bytes(model(location).SerializeToString())
    (folder / "weights.data").write_bytes(np.eye(3, dtype=np.float32).tobytes())
    return folder / "image.onnx"


def engine(path: Path, *names: str) -> OnnxEngine:
    digests = {name: digest_of(path.parent / name) for name in (path.name, *names)}
    return OnnxEngine(path, digests, threads=1, mean=(0, 0, 0), deviation=(1, 1, 1))


def test_pinned_file_beside_the_model_is_read(tmp_path: Path) -> None:
    batch = np.full((1, 4, 4, 3), 255, dtype=np.float32)
    whole = engine(written(tmp_path, None)).encode(batch)
    split = engine(written(tmp_path, "weights.data"), "weights.data").encode(batch)
    np.testing.assert_allclose(split, whole)
    np.testing.assert_allclose(split, np.full((1, 3), 3**-0.5), rtol=1e-6)


def test_file_that_nobody_pinned_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "weights.data")
    with pytest.raises(ConfigError, match=r"image\.onnx: reads the file 'weights\.data', which the manifest does not"):
        engine(path)


def test_pinned_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "weights.data")
    digests = {name: digest_of(tmp_path / name) for name in ("image.onnx", "weights.data")}
    (tmp_path / "weights.data").write_bytes(np.zeros((3, 3), dtype=np.float32).tobytes())
    with pytest.raises(ConfigError, match=r"weights\.data: has the digest"):
        OnnxEngine(path, digests, threads=1, mean=(0, 0, 0), deviation=(1, 1, 1))


def test_names_are_found_wherever_a_tensor_may_stand() -> None:
    made = model("graph")
    node = made.graph.node.add(op_type="If")
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(tensor("a", "attribute"))
    node.attribute.add(name="values", type=onnx.AttributeProto.TENSORS).tensors.append(tensor("b", "attributes"))
    node.attribute.add(name="branch", type=onnx.AttributeProto.GRAPH).g.initializer.append(tensor("c", "branch"))
    node.attribute.add(name="branches").graphs.add().initializer.append(tensor("d", "branches"))
    node.attribute.add(name="sparse").sparse_tensor.values.CopyFrom(tensor("e", "sparse"))
    node.attribute.add(name="sparse").sparse_tensors.add().indices.CopyFrom(tensor("f", "sparses"))
    made.graph.sparse_initializer.add().values.CopyFrom(tensor("g", "sparse-initializer"))
    function = made.functions.add(name="one")
    function.node.add().attribute.add().t.CopyFrom(tensor("h", "function"))
    function.attribute_proto.add().t.CopyFrom(tensor("i", "default"))
    made.training_info.add().initialization.initializer.append(tensor("j", "training"))
    assert locations(made.SerializeToString()) == {
        *("graph", "attribute", "attributes", "branch", "branches", "sparse", "sparses"),
        *("sparse-initializer", "function", "default", "training"),
    }


@pytest.mark.parametrize("name", ["image.onnx", "image-int8.onnx"])
def test_shipped_model_reads_nothing_else(name: str) -> None:
    assert locations((SHIPPED / name).read_bytes()) == frozenset()


def test_what_is_cut_short_is_refused() -> None:
    with pytest.raises(ConfigError, match="no model in ONNX"):
        locations(model("graph").SerializeToString()[:-3])
