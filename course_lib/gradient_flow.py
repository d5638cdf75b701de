"""How far a gradient gets through a stack of encoder blocks at its initial weights; lesson 06.

Stacks of every depth, with and without residual connections and with LayerNorm before, after or nowhere, are asked for the
gradient of one number, S = Σ_t Σ_j Y_tj R_tj: Y (T, D) are the vectors after the last block, with no normalisation after
them, and R (T, D) is a random direction of norm 1. Nothing is trained.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from course_lib.encoder import Encoder

Norm = Literal["none", "pre", "post"]

TOKENS = 8
"""T, the number of vectors that enter a stack."""

D_MODEL = 32
"""D. The feed-forward layer's hidden vector has the usual size, d_ff = 4D."""

HEADS = 4
"""H."""


class GradientFlow(NamedTuple):
    """Frobenius norms of the gradient of S; they have no unit.

    Attributes:
        weights: of ∂S/∂W_1, the first matrix of the feed-forward layer: one number per block, the first block first.
        at_input: of ∂S/∂X, where X (T, D) are the vectors that enter the first block.
    """

    weights: list[float]
    at_input: float


def stack(
    depth: int, *, residual: bool, norm: Norm, seed: int = 0, d_model: int = D_MODEL, heads: int = HEADS
) -> Encoder:
    """An encoder with initial weights and without a last normalisation.

    One seed gives stacks of every kind the same matrices, and a deeper stack begins with those of a shallower one.

    Args:
        depth: L, the number of blocks.
        residual: whether a sub-layer's output is added to its input, or replaces it.
        norm: LayerNorm before ("pre") or after ("post") each sub-layer, or "none".
        seed: of the weights.
        d_model, heads: D and H.

    Raises:
        ValueError: if there is no block, ``norm`` is unknown, or D no multiple of H.
    """
    # Without normalisation "pre" and "post" are one and the same: what is left is x + f(x), or f(x).
    order = "pre" if norm == "none" else norm
    generator = torch.Generator().manual_seed(seed)
    encoder = Encoder(depth, d_model, heads, norm=order, final_norm=False, residual=residual, generator=generator)
    if norm == "none":
        for block in encoder.blocks:
            block.norm_1, block.norm_2 = nn.Identity(), nn.Identity()
    return encoder


def vectors_and_direction(seed: int = 0, *, tokens: int = TOKENS, d_model: int = D_MODEL) -> tuple[Tensor, Tensor]:
    """X (T, D) that enters every stack of a seed, standard normal, and R (T, D), of a random direction and norm 1."""
    # A generator of its own: what enters must depend neither on the depth nor on the matrices drawn before.
    generator = torch.Generator().manual_seed(seed + 1_000_000)
    x, direction = torch.randn(2, tokens, d_model, generator=generator, dtype=torch.float64)
    return x, direction / direction.norm()


def gradient_flow(
    depth: int,
    *,
    residual: bool,
    norm: Norm,
    seed: int = 0,
    tokens: int = TOKENS,
    d_model: int = D_MODEL,
    heads: int = HEADS,
) -> GradientFlow:
    """The norm of the gradient of S at every block's W_1 and at the vectors that enter.

    Args:
        depth, residual, norm, d_model, heads: of the stack, see :func:`stack`.
        seed: of the weights, of X and of R.
        tokens: T.

    Raises:
        ValueError: if there is no block, ``norm`` is unknown, or D no multiple of H.
    """
    encoder = stack(depth, residual=residual, norm=norm, seed=seed, d_model=d_model, heads=heads)
    x, direction = vectors_and_direction(seed, tokens=tokens, d_model=d_model)
    x.requires_grad_()
    y, _ = encoder(x)
    asked = [x, *(block.feed_forward.W_1 for block in encoder.blocks)]
    at_input, *weights = (gradient.norm().item() for gradient in torch.autograd.grad((y * direction).sum(), asked))
    return GradientFlow(weights, at_input)
