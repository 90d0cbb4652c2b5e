"""How the weights beside this were made.

    python -m bot.classify.clip.shapes.train FOLDER [--steps 1000]

Contrastive training on pictures that ``drawing`` makes, from nothing but a seed: the same versions on the same kind of
machine give the same weights. Eight minutes of one core. Writes ``weights.safetensors`` in half precision, with rows
of words that never occurred at zero, and prints how often the right one of all classes comes first.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from PIL import Image

from bot.classify.clip.shapes.drawing import CLASSES, MANY, NOTHING, draw
from bot.classify.clip.torch_model import make_model, tokenizer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED: Final = 20260
PICTURES: Final = 24_000
BATCH: Final = 96
TEMPLATES: Final = ("{}", "a {}", "a picture of a {}", "a drawing of a {}", "the {} on a plain ground")
SPOKEN: Final = {
    MANY: (MANY, "a picture of several shapes", "a drawing of many shapes", "shapes of many colours"),
    NOTHING: (NOTHING, "nothing", "a texture", "a picture of an empty ground", "a photograph"),
}
CONFIG: Final = Path(__file__).parent / "model.json"


def pictures(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``(count, 3, 64, 64) uint8`` and the number of each one's class, all classes equally often."""
    random = np.random.default_rng(seed)
    rows = np.empty((count, 64, 64, 3), dtype=np.uint8)
    kinds = np.arange(count) % len(CLASSES)
    for row, kind in enumerate(kinds):
        rows[row] = np.asarray(draw(CLASSES[kind], random).resize((64, 64), Image.Resampling.BICUBIC))
    return torch.from_numpy(rows).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(kinds)


def spoken(kind: str) -> Sequence[str]:
    """Ways to say it."""
    return SPOKEN.get(kind) or [template.format(kind) for template in TEMPLATES]


def train(steps: int, *, count: int = PICTURES, threads: int = 1) -> Any:
    """The trained model."""
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    model = make_model(CONFIG)
    tokens = tokenizer_of(CONFIG)
    words = [tokens(list(spoken(kind))) for kind in CLASSES]
    seen, kinds = pictures(count, SEED)
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (model.visual.image_mean, model.visual.image_std)
    )
    decayed = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=2e-3, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    dice = np.random.default_rng(SEED)
    began = time.monotonic()
    model.train()
    for step in range(steps):
        chosen = torch.from_numpy(dice.choice(count, BATCH, replace=False))
        kind = kinds[chosen]
        batch = seen[chosen].float()
        if step % 2:
            batch = batch.flip(-1)
        batch = batch * float(dice.uniform(0.85, 1.1)) + torch.randn_like(batch) * float(dice.uniform(0, 8))
        batch = (batch.clamp(0, 255) / 255 - mean) / deviation
        said = torch.stack([words[k][int(dice.integers(len(words[k])))] for k in kind.tolist()])
        image = model.encode_image(batch, normalize=True)
        text = model.encode_text(said, normalize=True)
        scores = model.logit_scale.exp() * image @ text.T
        # Two pictures of one class fit each other's words as well as their own.
        wanted = (kind[:, None] == kind[None, :]).float()
        wanted = wanted / wanted.sum(dim=1, keepdim=True)
        loss = (
            torch.nn.functional.cross_entropy(scores, wanted) + torch.nn.functional.cross_entropy(scores.T, wanted)
        ) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, float(np.log(50)))
        if step % 50 == 0:
            say(f"{step:5} of {steps}  loss {loss.item():.3f}  {time.monotonic() - began:.0f} s")
    model.eval()
    return model


def right_first(model: Any, count: int = 1520) -> float:
    """How often, on pictures that were not trained on, the class that is shown fits best."""
    seen, kinds = pictures(count, SEED + 1)
    tokens = tokenizer_of(CONFIG)
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (model.visual.image_mean, model.visual.image_std)
    )
    with torch.inference_mode():
        text = torch.stack([model.encode_text(tokens(list(spoken(kind))), normalize=True).mean(0) for kind in CLASSES])
        text = torch.nn.functional.normalize(text, dim=-1)
        image = model.encode_image((seen.float() / 255 - mean) / deviation, normalize=True)
        return float(((image @ text.T).argmax(1) == kinds).float().mean())


def save(model: Any, path: Path) -> None:
    """In half precision; rows of words that were never trained are zero, so that the file packs well."""
    from safetensors.torch import save_file

    tokens = tokenizer_of(CONFIG)
    known = torch.unique(torch.cat([tokens(list(spoken(kind))).flatten() for kind in CLASSES]))
    state = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    for name, value in state.items():
        if name.endswith("token_embedding.weight"):
            kept = torch.zeros_like(value)
            kept[known] = value[known]
            state[name] = kept
    # One entry: several are written in any order, and the same weights would have another digest each time.
    save_file(state, path, metadata={"licence": "CC0-1.0"})


def say(line: str) -> None:
    """Progress."""
    sys.stderr.write(line + "\n")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    model = train(options.steps, threads=options.threads)
    say(f"right first: {right_first(model):.3f} of {len(CLASSES)} classes")
    save(model, options.folder / "weights.safetensors")


if __name__ == "__main__":
    main()
