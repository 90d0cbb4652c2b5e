"""Models with random weights, as an operator would have them: a pinned file of weights, and what was exported from it.

There is no hub where this has to run. What the weights say changes neither how long they take nor how an engine rounds,
but how far int8 moves the cosines of a *trained* model is not shown by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors.torch import save_file

from bot.classify.clip.export import export
from bot.classify.clip.labels import prompts_of, read_all
from bot.classify.clip.model import MANIFEST
from bot.classify.clip.settings import ClipSettings
from bot.classify.clip.torch_model import make_model
from bot.classify.clip.weights import digest_of

if TYPE_CHECKING:
    from pathlib import Path

SETS = ("sexual-content", "graphic-violence", "minors", "drawing", "suspected-abuse")
"""All that the program ships for real pictures."""


class Made(NamedTuple):
    """``exported``: the folder for the engines that need no torch."""

    name: str
    weights: Path
    sha256: str
    exported: Path

    def settings(self, **said: object) -> ClipSettings:
        """As the configuration would say it."""
        source: dict[str, object] = {"model": self.name, "weights": self.weights, "sha256": self.sha256}
        if said.get("engine", "torch") != "torch":
            source = {"exported": self.exported, "sha256": digest_of(self.exported / MANIFEST)}
        return ClipSettings.model_validate({"id": "clip", "labels": SETS, **source, **said})


def made(name: str, folder: Path) -> Made:
    """Made once in ``folder``; what is there already is used again."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{name}.safetensors"
    if not weights.exists():
        torch.manual_seed(20260)
        model = make_model(name)
        part = weights.with_suffix(".part")
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, part)
        part.rename(weights)
    one = Made(name, weights, digest_of(weights), folder / name)
    if not (one.exported / MANIFEST).exists():
        export(one.settings(), one.exported, name=name, weights=weights, prompts=prompts_of(read_all(SETS)))
    return one
