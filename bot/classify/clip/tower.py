"""open_clip's vision transformer, with the same result by fewer steps. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def shorten(tower: Any, *, every: bool) -> Any:
    """The tower, which is changed, where it is one of those that this is known of; any other one as it is.

    Known: open_clip's own transformer with its plain blocks, of which the class token alone is looked at afterwards.
    The last block is made for that token only. ``every``: the others are put in other words too, which pays where
    they are exported; torch itself has words of its own for them. Their weights have other names then.
    """
    if _plain(tower):
        blocks = tower.transformer.resblocks
        if every:
            for at in range(len(blocks) - 1):
                blocks[at] = Block(blocks[at])
        blocks[-1] = LastBlock(blocks[-1])
    return tower


def _plain(tower: Any) -> bool:
    from open_clip import transformer

    # Exactly these classes, and nothing in them that is not known: what inherits from them may do something else, and
    # so may a later open_clip.
    return (
        type(tower) is transformer.VisionTransformer
        and _names(tower) == {"conv1", "patch_dropout", "ln_pre", "transformer", "ln_post"}
        and tower.pool_type == "tok"
        and not tower.output_tokens
        and not tower.training
        and type(tower.transformer) is transformer.Transformer
        and tower.transformer.batch_first
        and all(type(block) is transformer.ResidualAttentionBlock for block in tower.transformer.resblocks)
        and all(_attends_plainly(block) for block in tower.transformer.resblocks)
    )


def _attends_plainly(block: Any) -> bool:
    attention = block.attn
    return (
        _names(block) == {"ln_1", "attn", "ls_1", "ln_2", "mlp", "ls_2"}
        and type(attention) is torch.nn.MultiheadAttention
        and attention.batch_first
        and attention.in_proj_weight is not None
        and attention.in_proj_bias is not None
        and attention.bias_k is None
        and not attention.add_zero_attn
    )


def _names(module: Any) -> set[str]:
    return {name for name, _ in module.named_children()}


class _Base(torch.nn.Module):  # type: ignore[misc]  # torch is not checked
    """What is left of a block of open_clip's without its attention."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.heads = block.attn.num_heads
        self.part = block.attn.head_dim  # numbers of each head
        self.ln_1, self.ln_2, self.mlp = block.ln_1, block.ln_2, block.mlp
        self.ls_1, self.ls_2, self.out_proj = block.ls_1, block.ls_2, block.attn.out_proj

    def _after(self, before: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        tokens = before + self.ls_1(self.out_proj(attended))
        made: torch.Tensor = tokens + self.ls_2(self.mlp(self.ln_2(tokens)))
        return made


class Block(_Base):
    """A block of open_clip's in which numbers are moved about once before attention and once after.

    Queries are divided by the square root of their length in the weights already. On ViT-B-32 in 8 bits OpenVINO took
    0.7 ms of 24.7 less for a picture, without the transposing and dividing of torch's own words, as they are exported.
    """

    def __init__(self, block: Any) -> None:
        super().__init__(block)
        weight, bias = _divided(block.attn)
        self.weight, self.bias = _kept(weight), _kept(bias)

    def forward(self, tokens: torch.Tensor, attn_mask: None) -> torch.Tensor:  # noqa: ARG002 - none is used here
        """``(n, tokens, width)`` to the same."""
        count, length, width = tokens.shape
        made = functional.linear(self.ln_1(tokens), self.weight, self.bias)
        query, key, value = made.reshape(count, length, 3, self.heads, self.part).permute(2, 0, 3, 1, 4)
        # Torch's own function would transpose the keys once more when it is exported.
        share = torch.matmul(query, key.transpose(-1, -2)).softmax(dim=-1)
        return self._after(tokens, torch.matmul(share, value).transpose(1, 2).reshape(count, length, width))


class LastBlock(_Base):
    """The last one, for the class token alone, for which no keys and values have to be made.

    A query times all keys is the query times the keys' weights, times all tokens: each head asks in the tokens' own
    terms. What the keys' bias adds is the same for all tokens, and changes nothing of how they compare. In the same
    way tokens are summed up before the values' weights; their bias is added once, for the shares make a whole. That
    saves one layer of twelve.
    """

    def __init__(self, block: Any) -> None:
        super().__init__(block)
        weight, bias = _divided(block.attn)
        query, key, value = weight.chunk(3)
        self.query, self.query_bias = _kept(query), _kept(bias.chunk(3)[0])
        self.key = _kept(key.reshape(self.heads, self.part, -1))
        self.value = _kept(value.reshape(self.heads, self.part, -1).transpose(1, 2))
        self.value_bias = _kept(bias.chunk(3)[2])

    def forward(self, tokens: torch.Tensor, attn_mask: None) -> torch.Tensor:  # noqa: ARG002 - none is used here
        """``(n, tokens, width)`` to ``(n, 1, width)``: the class token is the first."""
        count, _, width = tokens.shape
        seen = self.ln_1(tokens)
        query = functional.linear(seen[:, 0], self.query, self.query_bias).reshape(count, self.heads, self.part)
        asked = torch.bmm(query.transpose(0, 1), self.key).transpose(0, 1)  # (n, heads, width)
        share = torch.matmul(asked, seen.transpose(1, 2)).softmax(dim=-1)  # (n, heads, tokens)
        found = torch.bmm(torch.matmul(share, seen).transpose(0, 1), self.value)  # (heads, n, part)
        attended = found.transpose(0, 1).reshape(count, width) + self.value_bias
        return self._after(tokens[:, 0], attended).unsqueeze(1)


def _divided(attention: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of queries, keys and values, the queries' divided by the square root of a head's numbers."""
    factor = torch.ones(3, device=attention.in_proj_weight.device)
    factor[0] = attention.head_dim**-0.5
    factor = factor.repeat_interleave(attention.embed_dim)
    return attention.in_proj_weight.detach() * factor[:, None], attention.in_proj_bias.detach() * factor


def _kept(values: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(values.clone(memory_format=torch.contiguous_format), requires_grad=False)
