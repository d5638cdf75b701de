"""Layers for the comparisons of blocks with PyTorch's: no factor is 1 and no bias 0, so that none can be forgotten unseen."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
