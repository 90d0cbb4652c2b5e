"""The tower by fewer steps: the same embeddings as open_clip's own, and other kinds of tower stay as they are."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.classify.clip import torch_model

torch = pytest.importorskip("torch")  # of the extra `clip`; the bot itself does without

if TYPE_CHECKING:
    from pathlib import Path

VISION: dict[str, Any] = {"image_size": 32, "patch_size": 8, "width": 48, "layers": 3, "head_width": 12}
TEXT = {"context_length": 4, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}


def model(folder: Path, *, config: dict[str, Any] | None = None, **vision: Any) -> Any:
    """A small one of open_clip's, in which nothing is zero or one because training begins with that."""
    file = folder / "model.json"
    said = {"embed_dim": 24, "vision_cfg": {**VISION, **vision}, "text_cfg": TEXT, **(config or {})}
    file.write_text(json.dumps(said), encoding="utf-8")
    torch.manual_seed(4)
    made = torch_model.make_model(file)
    with torch.no_grad():
        for value in made.parameters():
            value.add_(torch.randn_like(value), alpha=0.2)
    return made


def shown(side: int = 32) -> Any:
    torch.manual_seed(5)
    return torch.randn(3, 3, side, side)


def kinds(tower: Any) -> list[str]:
    return [type(block).__name__ for block in tower.transformer.resblocks]


@pytest.mark.parametrize("exported", [False, True])
@pytest.mark.parametrize(
    "vision",
    [
        {},
        {"layers": 1},
        {"ls_init_value": 0.3},
        {"final_ln_after_pool": True},
        {"no_ln_pre": True},
        {"patch_dropout": 0.5},
        {"pos_embed_type": "sin_cos_2d"},
        {"head_width": 48},
    ],
    ids=str,
)
def test_embeddings_are_those_of_the_whole_tower(tmp_path: Path, vision: dict[str, Any], exported: bool) -> None:
    made = model(tmp_path, **vision)
    with torch.inference_mode():
        wanted = made.encode_image(shown())
        tower = torch_model.image_tower(made, exported=exported)
        found = tower(shown())
    *others, last = kinds(tower)
    assert last == "LastBlock"
    assert set(others) <= {"Block" if exported else "ResidualAttentionBlock"}
    assert float(wanted.abs().mean()) > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_other_activation_is_kept(tmp_path: Path) -> None:
    made = model(tmp_path, config={"quick_gelu": True})
    with torch.inference_mode():
        wanted = made.encode_image(shown())
        torch.testing.assert_close(torch_model.image_tower(made, exported=True)(shown()), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "vision"),
    [
        ({}, {"pool_type": "avg"}),
        ({}, {"attentional_pool": True, "attn_pooler_heads": 4, "attn_pooler_queries": 3}),
        ({"embed_dim": 48}, {"attentional_pool": "cascade", "attn_pooler_heads": 4, "attn_pooler_queries": 3}),
        ({}, {"output_tokens": True}),
        ({}, {"qk_norm": True}),
        ({}, {"scale_attn": True}),
        ({}, {"layers": [1, 1, 1, 1], "width": 8, "head_width": 32}),
        ({}, {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "token", "image_size": 224}),
        (
            {"multimodal_cfg": {**TEXT, "mlp_ratio": 2, "dim_head": 8, "n_queries": 3}, "custom_text": True},
            {"attentional_pool": True, "attn_pooler_heads": 4, "attn_pooler_queries": 3, "output_tokens": True},
        ),
    ],
    ids=lambda said: ",".join(said) if isinstance(said, dict) else None,
)
def test_towers_of_other_kinds_stay_as_they_are(tmp_path: Path, config: dict[str, Any], vision: dict[str, Any]) -> None:
    made = model(tmp_path, config=config, **vision)
    before = copy.deepcopy(made.visual)
    tower = torch_model.image_tower(made, exported=True)
    assert tower is made.visual
    assert [(name, type(part)) for name, part in tower.named_modules()] == [
        (name, type(part)) for name, part in before.named_modules()
    ]
    with torch.inference_mode():
        pictures = shown(vision.get("image_size", 32))
        torch.testing.assert_close(tower(pictures), before(pictures))


def test_tower_of_a_class_or_with_a_part_that_is_not_known_stays_as_it_is(tmp_path: Path) -> None:
    made = model(tmp_path)

    class Other(type(made.visual)):  # type: ignore[misc]
        pass

    for change in (
        lambda tower: setattr(tower, "__class__", Other),
        lambda tower: tower.train(),
        lambda tower: tower.add_module("late", torch.nn.Identity()),
        lambda tower: tower.transformer.resblocks[1].add_module("late", torch.nn.Identity()),
        lambda tower: setattr(tower.transformer, "batch_first", False),
        lambda tower: setattr(tower.transformer.resblocks[1].attn, "bias_k", torch.nn.Parameter(torch.zeros(48))),
        lambda tower: setattr(tower.transformer.resblocks[0].attn, "add_zero_attn", True),
    ):
        changed = copy.deepcopy(made)
        change(changed.visual)
        assert set(kinds(torch_model.image_tower(changed, exported=True))) == {"ResidualAttentionBlock"}
    assert kinds(torch_model.image_tower(made)) == ["ResidualAttentionBlock", "ResidualAttentionBlock", "LastBlock"]
