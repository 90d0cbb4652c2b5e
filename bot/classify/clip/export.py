"""An image tower as ONNX, whole and in 8 bits, with the embeddings of prompts: what runs without torch.

    python -m bot.classify.clip.export FOLDER --model ViT-B-32 --weights FILE --sha256 DIGEST --labels sexual-content

Prints the digest of the manifest, which the configuration has to name beside ``exported``. It needs the extra ``clip``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import save

from bot.classify.clip import torch_model
from bot.classify.clip.external import locations
from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.model import (
    CONFIG,
    IMAGE,
    IMAGE_INT8,
    MANIFEST,
    PROMPTS,
    WEIGHTS,
    Manifest,
    Model,
    OpenClipModel,
)
from bot.classify.clip.settings import ClipSettings
from bot.classify.clip.texts import key
from bot.classify.clip.weights import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def export(settings: ClipSettings, folder: Path, *, name: str | Path, weights: Path, prompts: Sequence[str]) -> str:
    """Write everything into ``folder``; the digest of its manifest. Raises ``ConfigError``."""
    if settings.sha256 is None:
        raise ValueError("an export needs pinned weights")
    model = OpenClipModel(settings, name=name, weights=weights, sha256=settings.sha256)
    loaded = torch_model.load_model(name, weights, quick_gelu=model.quick_gelu)
    tower = torch_model.image_tower(loaded, exported=True)
    folder.mkdir(parents=True, exist_ok=True)
    _image_tower(tower, model.preprocessing.side, folder)
    rows = {key(prompt): row for prompt, row in zip(prompts, model.embed(prompts), strict=True)} if prompts else {}
    (folder / PROMPTS).write_bytes(save(rows))
    if isinstance(name, Path):
        for source, target in ((name, CONFIG), (weights, WEIGHTS)):
            if source != folder / target:
                shutil.copyfile(source, folder / target)
    return write_manifest(model, folder, weights=isinstance(name, Path))


def write_manifest(model: Model, folder: Path, *, weights: bool) -> str:
    """The digest of what it wrote. ``weights``: whether theirs and the configuration are part of the export.

    Whatever else lies in ``folder``, such as what another model left there, is not named.
    """
    names = [IMAGE, IMAGE_INT8, PROMPTS, *([CONFIG, WEIGHTS] if weights else [])]
    names += sorted({other for name in (IMAGE, IMAGE_INT8) for other in locations((folder / name).read_bytes())})
    said = Manifest.model_validate(
        {
            "schema": 1,
            "model": model.identity.model,
            "pretrained": model.identity.pretrained,
            "weights": model.identity.weights,
            "preprocessing": model.preprocessing,
            "scale": model.scale,
            "dim": model.dim,
            "files": {name: digest_of(folder / name) for name in names},
        }
    )
    text = json.dumps(said.model_dump(mode="json", by_alias=True), indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return digest_of(folder / MANIFEST)


def _image_tower(tower: Any, side: int, folder: Path) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # its fused operator has no counterpart in ONNX
    try:
        with warnings.catch_warnings(), torch_model.silent():
            warnings.simplefilter("ignore")  # about the exporter's own insides
            torch.onnx.export(
                tower,
                (torch.zeros(2, 3, side, side),),
                str(folder / IMAGE),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=["pictures"],
                output_names=["embeddings"],
                external_data=_large(tower),
                verbose=False,
            )
            _forget_where(folder / IMAGE)
            quantize_dynamic(
                str(folder / IMAGE),
                str(folder / IMAGE_INT8),
                weight_type=QuantType.QInt8,
                per_channel=True,  # queries, keys and values share weights, and are of different sizes
                nodes_to_exclude=_by_head(folder / IMAGE),
                use_external_data_format=_large(tower),
            )
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _forget_where(file: Path) -> None:
    """The exporter notes at each node which line of which file it comes from, with the paths of this machine."""
    import onnx

    graph = onnx.load(str(file), load_external_data=False)
    for part in (*_parts(graph.graph), *(inner for function in graph.functions for inner in _parts(function))):
        for told in ("doc_string", "metadata_props"):
            part.ClearField(told)
    onnx.save(graph, str(file))


def _by_head(file: Path) -> list[str]:
    """Products with weights that are kept apart for each head: few numbers, for which ONNX Runtime has no 8 bits."""
    import onnx

    graph = onnx.load(str(file), load_external_data=False).graph
    stacked = {weights.name for weights in graph.initializer if len(weights.dims) > 2}
    return [node.name for node in graph.node if node.op_type == "MatMul" and stacked.intersection(node.input)]


def _parts(graph: Any) -> Iterator[Any]:
    """A graph or function, and all of it that can carry notes."""
    yield graph
    for kind in ("node", "initializer", "input", "output", "value_info"):
        yield from (part for part in getattr(graph, kind, ()) if not isinstance(part, str))


def _large(tower: Any) -> bool:
    """Whether it is over what fits into one ONNX file: 2 GB."""
    size: int = sum(value.numel() * value.element_size() for value in tower.state_dict().values())
    return size > 1_800_000_000


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", required=True, help="a name of open_clip, or a file with a model's configuration")
    parser.add_argument("--pretrained", help="open_clip's tag for the weights")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--sha256", help="of the weights")
    parser.add_argument("--labels", nargs="*", default=[], help="sets and files whose prompts are embedded")
    options = parser.parse_args()
    name = Path(options.model) if options.model.endswith(".json") else options.model
    settings = ClipSettings(
        id="export",
        model=str(options.model),
        pretrained=options.pretrained,
        weights=options.weights,
        sha256=options.sha256 or digest_of(options.weights),
        labels=tuple(options.labels) or ("shapes",),
    )
    prompts = prompts_of(read_all(options.labels))
    made = export(settings, options.folder, name=name, weights=options.weights, prompts=prompts)
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main()
