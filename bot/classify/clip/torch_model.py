"""open_clip's models and tokenizers, with weights that are safetensors and nothing else. Imports torch when asked."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_kept_alive: list[Any] = []
"""Operator definitions that a broken torchvision lacks; they go when nothing refers to them."""

_TEXT: Final = ("token_embedding", "transformer.", "text.", "text_projection", "positional_embedding", "ln_final")
"""How the names of a text tower's weights begin."""

_AT_ONCE: Final = 64  # prompts in one inference


def open_clip() -> Any:
    """The package. Raises ``ConfigError`` where the extra ``clip`` is not installed."""
    remedy = "install fediwarden[clip], or use an exported model with the engine onnxruntime"
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ConfigError(f"the engine torch needs torch: {remedy}") from error
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # A torchvision for CUDA beside a torch for the processor: its operators are missing, and none is needed here.
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept_alive.append(library)
    except ModuleNotFoundError as error:
        raise ConfigError(f"the engine torch needs torchvision: {remedy}") from error
    try:
        import open_clip as package
    except ModuleNotFoundError as error:
        raise ConfigError(f"the engine torch needs open_clip: {remedy}") from error
    return package


def named(model: str | Path) -> str:
    """The name under which open_clip knows a model: the name itself, or that of a file with a model's configuration.

    Raises ``ConfigError`` for a model that it does not know, or that would fetch something by itself.
    """
    package = open_clip()
    if isinstance(model, Path):
        name = f"fediwarden-{model.parent.name}"
        # `add_model_config` would go by the stem of the file alone.
        package.factory._MODEL_CONFIGS[name] = json.loads(model.read_text(encoding="utf-8"))  # noqa: SLF001
        return name
    config = package.get_model_config(model) if ":" not in model else None
    if config is None:
        raise ConfigError(f"open_clip has no model {model!r}; its names are like ViT-B-32 and ViT-L-14")
    text = config.get("text_cfg")
    if not text:
        raise ConfigError(f"the model {model!r} has no text tower, so that it cannot be asked anything in words")
    if text.get("hf_model_name") or text.get("hf_tokenizer_name"):
        raise ConfigError(f"the model {model!r} fetches its tokenizer from the network; use one with open_clip's own")
    return model


def make_model(model: str | Path, *, quick_gelu: bool = False) -> Any:
    """A model with random weights, for inference in single precision on the processor."""
    name = named(model)
    with silent():
        return (
            open_clip()
            .create_model(name, pretrained=None, load_weights=False, pretrained_text=False, force_quick_gelu=quick_gelu)
            .eval()
        )


def load_model(model: str | Path, weights: Path, *, quick_gelu: bool = False) -> Any:
    """A model with the weights of a safetensors file, which was checked before. Raises ``ConfigError``."""
    if weights.suffix != ".safetensors":
        raise ConfigError(f"{weights}: only safetensors are read, for other formats can run code; convert it first")
    made = make_model(model, quick_gelu=quick_gelu)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="pt") as file:
            names = list(file.keys())
        if not any(name.startswith(_TEXT) for name in names):
            raise ConfigError(f"{weights}: the weights have no text tower; export it for use with heads and samples")
        with silent():
            open_clip().load_checkpoint(made, str(weights), strict=True, weights_only=True)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{weights}: is no safetensors file: {error}") from error
    except (RuntimeError, KeyError, ValueError) as error:
        said = str(error).splitlines()
        raise ConfigError(
            f"{weights}: the weights do not fit the model {model}: {' '.join(line.strip() for line in said[:3])[:300]}"
        ) from error
    return made


def tokenizer_of(model: str | Path) -> Any:
    """open_clip's own tokenizer for it."""
    name = named(model)
    with silent():
        return open_clip().get_tokenizer(name)


def embed(model: Any, tokenizer: Any, prompts: Sequence[str]) -> np.ndarray[Any, Any]:
    """``(prompts, dim) float32`` of length 1. Runs where the model is: on the processor, once."""
    import torch

    made = []
    with torch.inference_mode():
        for at in range(0, len(prompts), _AT_ONCE):
            rows = model.encode_text(tokenizer(list(prompts[at : at + _AT_ONCE])))
            made.append(torch.nn.functional.normalize(rows.float(), dim=-1).cpu().numpy())
    return np.concatenate(made)


def image_tower(model: Any, *, exported: bool = False) -> Any:
    """The part of it that looks at pictures; the text tower can go. The model is of no other use then.

    ``exported``: to be written down, and not to be run by torch.
    """
    from bot.classify.clip.tower import shorten

    return shorten(model.visual, every=exported)


@contextmanager
def silent() -> Iterator[None]:
    """Others report by the root logger's functions, which would set up logging for the whole program."""
    root = logging.getLogger()
    nothing = logging.NullHandler()
    before = logging.root.manager.disable
    root.addHandler(nothing)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        root.removeHandler(nothing)
