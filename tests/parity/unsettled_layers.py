"""Layers for the comparisons of blocks with PyTorch's: no factor is 1 and no bias 0, so that none can be forgotten unseen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib.feed_forward import FeedForward
from course_lib.multi_head import MultiHeadAttention


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a: Tensor, b: Tensor, atol: float = 1e-12) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def unsettle(module: nn.Module) -> None:
    """Moves every factor away from 1 and every bias away from 0, and each layer's from the others'."""
    with torch.no_grad():
        for seed, parameter in enumerate(p for p in module.parameters() if p.ndim == 1):
            parameter.add_(0.5 * randn(*parameter.shape, seed=100 + seed))


def own(kind: type, *sizes: int, seed: int = 0, **options: object) -> nn.Module:
    made = kind(*sizes, generator=torch.Generator().manual_seed(seed), **options)
    unsettle(made)
    return made


def _columns(w: Tensor) -> Tensor:
    return w.mT


def pairs_of_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> list[tuple]:
    """The parameters of an attention and those of PyTorch's, with what turns their layout into ours."""

    def part(number: int, size: int):
        return lambda w: w[number * size : (number + 1) * size].mT if w.ndim == 2 else w[number * size :][:size]

    found = []
    for i, n in enumerate("QKV"):
        found.append((getattr(ours, f"W_{n}"), theirs.in_proj_weight, part(i, ours.d_model)))
        found.append((getattr(ours, f"b_{n}"), theirs.in_proj_bias, part(i, ours.d_model)))
    return [*found, (ours.W_O, theirs.out_proj.weight, _columns), (ours.b_O, theirs.out_proj.bias)]


def pairs_of_feed_forward(ours: FeedForward, layer: nn.Module) -> list[tuple]:
    """The parameters of a feed-forward layer and those of PyTorch's encoder or decoder layer that holds it."""
    return [
        *((ours.W_1, layer.linear1.weight, _columns), (ours.b_1, layer.linear1.bias)),
        *((ours.W_2, layer.linear2.weight, _columns), (ours.b_2, layer.linear2.bias)),
    ]
