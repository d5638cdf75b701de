"""The two explorers of lesson 03 that compute in the page, as the lesson shows them."""

from __future__ import annotations

from functools import cache

import torch

from course_lib.explorers import Explorer, explore_qkv_steps, explore_saturation

TOKENS = ["animal", "street", "it"]
X = torch.tensor([[1.0, 0], [0, 1], [1, 1]], dtype=torch.float64)
W_Q = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.float64)
W_K = torch.tensor([[2.0, 1, 1, 0], [-1, 0, 0, -1]], dtype=torch.float64)
W_V = torch.tensor([[1.0, 0, 2], [0, 3, 1]], dtype=torch.float64)
SIZES = [2**n for n in range(11)]


def randn(*shape: int, seed: int) -> torch.Tensor:
    """The lesson's source of random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@cache
def drawn_scores() -> dict[int, torch.Tensor]:
    """The lesson's scores: 200 queries, each with 32 keys of its own, for every d_k."""
    return {d_k: (randn(200, 1, d_k, seed=d_k) * randn(200, 32, d_k, seed=d_k + 1)).sum(-1) for d_k in SIZES}


def qkv_steps(tokens: list[str] = TOKENS) -> Explorer:
    """The worked example of section "by-hand"."""
    return explore_qkv_steps(tokens, X, W_Q, W_K, W_V)


def saturation() -> Explorer:
    """The experiment of section "scale" with more sizes."""
    return explore_saturation(drawn_scores())


BOTH = {"qkv_steps": qkv_steps, "saturation": saturation}
