"""How a model learns the order of its tokens: one definition of each way that lesson 05 builds.

Two kinds. *Absolute*: a vector of the position is added to each token's vector, from a learned table or from sinusoids.
*Relative*: attention itself is told how far apart two tokens are, by turning queries and keys (rotary positions) or by a bias
on the scores (ALiBi, T5). Shapes use the course's letters: T tokens, D the size of a token's vector, H heads, d_k the size of a
query and of a key. Positions count from 0.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

BASE = 10_000.0
"""The wavelengths of sinusoids and rotary positions grow from 2π tokens towards 2π·BASE: in vectors of size D the longest is
2π·BASE^(1 − 2/D)."""

Layout = Literal["pairs", "halves"]


def frequencies(size: int, base: float = BASE, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """(size / 2,): by how many radians a position turns each pair of components, base^(−2i/size) for i = 0, 1, …

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5; Su et al. 2021, "RoFormer", section 3.2.2.

    Raises:
        ValueError: if the size is odd or less than 2, or the base not greater than 1.
    """
    if size < 2 or size % 2:
        raise ValueError(f"positions turn pairs of components, so their size must be even, not {size}")
    if not base > 1:
        raise ValueError(f"the base must be greater than 1, not {base}")
    return (base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)).to(dtype)


# ------------------------------------------------------------------------------------------------------- absolute


def sinusoidal_table(length: int, d_model: int, base: float = BASE, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """(T, D): row t holds sin(ω_i t), cos(ω_i t) for each frequency ω_i, side by side.

    Vaswani et al. 2017, section 3.5. Computed in float64 and rounded once: angles grow with t, and so would their error.

    Raises:
        ValueError: as :func:`frequencies`.
    """
    angles = torch.arange(length)[:, None] * frequencies(d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).to(dtype)


def shift_matrix(d_model: int, shift: float, base: float = BASE, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """(D, D): the matrix M with P[t + shift] = P[t] M for every row of :func:`sinusoidal_table`, whatever t.

    It turns each pair (sin, cos) by the angle ω_i·shift: sin(a + b) = sin a cos b + cos a sin b, and
    cos(a + b) = cos a cos b − sin a sin b.

    Raises:
        ValueError: as :func:`frequencies`.
    """
    angles = frequencies(d_model, base) * shift
    cos, sin = angles.cos(), angles.sin()
    blocks = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    return torch.block_diag(*blocks).to(dtype)


class LearnedPositions(nn.Module):
    """A learned table of positions: row t is added to the vector of the token at position t.

    Gehring et al. 2017, "Convolutional Sequence to Sequence Learning", section 3.1; BERT and GPT-2.

    Args:
        longest: T_max, how many rows there are.
        d_model: D.
        generator: source of the initial rows.
        std: of the initial rows; 0.02 in BERT, 0.01 in the program of GPT-2.
    """

    def __init__(
        self,
        longest: int,
        d_model: int,
        *,
        generator: torch.Generator | None = None,
        std: float = 0.02,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        rows = std * torch.randn(longest, d_model, generator=generator, dtype=torch.float64)
        self.table = nn.Parameter(rows.to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., T, D) plus the first T rows.

        Raises:
            ValueError: if the text is longer than the table, or its vectors do not have size D.
        """
        length, (longest, size) = x.shape[-2], self.table.shape
        if x.shape[-1] != size:
            raise ValueError(f"the vectors have size {x.shape[-1]}, the rows of the table have size D = {size}")
        if length > longest:
            raise ValueError(
                f"the text has {length} tokens, but the table has only {longest} rows: position {longest} has no vector"
            )
        return x + self.table[:length]


# --------------------------------------------------------------------------------------------------------- rotary


def rotate(x: Tensor, positions: Tensor | None = None, base: float = BASE, layout: Layout = "pairs") -> Tensor:
    """Turn each pair of components of queries or keys by an angle that grows with the position (RoPE).

    The dot product of a query turned by its position m and a key turned by its position n depends on m and n through m − n
    alone. Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", section 3.4.2, equation 34.
    Angles of a low-precision ``x`` are computed in float32: bfloat16 cannot tell position 256 from 257.

    Args:
        x: (..., T, d_k), d_k even.
        positions: (T,) or broadcastable to (..., T); 0, 1, …, T − 1 by default. They need not be whole.
        layout: which components form a pair: neighbours, as in the paper, or component i with i + d_k / 2, as in
            Llama and GPT-NeoX. One is the other after a permutation of the columns of W_Q and W_K.

    Returns:
        of the shape and type of ``x`` (float32 for integers); lengths are unchanged.

    Raises:
        ValueError: if d_k is odd, the base not greater than 1, the layout unknown, or the positions do not fit ``x``.
    """
    if layout not in ("pairs", "halves"):
        raise ValueError(f"unknown layout {layout!r}: use 'pairs' or 'halves'")
    size, precise = x.shape[-1], torch.promote_types(x.dtype, torch.float32)
    if positions is None:
        positions = torch.arange(x.shape[-2], device=x.device)
    try:
        positions.expand(x.shape[:-1])
    except RuntimeError:
        raise ValueError(
            f"positions of shape {tuple(positions.shape)} do not fit vectors of shape {tuple(x.shape)}: one for each"
        ) from None
    angles = positions.to(precise)[..., None] * frequencies(size, base, dtype=precise).to(x.device)
    cos, sin = angles.cos(), angles.sin()
    if layout == "pairs":
        first, second = x[..., 0::2], x[..., 1::2]
        turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1).flatten(-2)
    else:
        first, second = x[..., : size // 2], x[..., size // 2 :]
        turned = torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.to(x.dtype) if x.is_floating_point() else turned


# ----------------------------------------------------------------------------------------------------------- biases


def alibi_slopes(heads: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """(H,): how fast each head's scores fall with the distance: 2^(−8/H), 2^(−16/H), …, 2^(−8) for H a power of two.

    Press, Smith & Lewis 2022, "Train Short, Test Long", section 3. For other H, as in the authors' program: the slopes of
    the power of two below, then every second one of twice that power.

    Raises:
        ValueError: if there is no head.
    """
    if heads < 1:
        raise ValueError(f"there must be at least one head, not {heads}")
    power = 1 << (heads.bit_length() - 1)
    slopes = 2.0 ** (-8 * torch.arange(1, power + 1, dtype=torch.float64) / power)
    if power < heads:
        finer = 2.0 ** (-8 * torch.arange(1, 2 * power + 1, dtype=torch.float64) / (2 * power))
        slopes = torch.cat([slopes, finer[0::2][: heads - power]])
    return slopes.to(dtype)


def distances(queries: int, keys: int) -> Tensor:
    """(T_q, T_k) of integers: key's position minus query's. The last query stands at the last key's position, so that a
    new token can be asked about all earlier ones.

    Raises:
        ValueError: if there are more queries than keys: the first would stand before the text.
    """
    if queries > keys:
        raise ValueError(f"{queries} queries cannot all stand in a text of {keys} keys")
    return torch.arange(keys)[None, :] - torch.arange(keys - queries, keys)[:, None]


def alibi_bias(heads: int, queries: int, keys: int | None = None, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """(H, T_q, T_k): −slope · distance, to be added to the scaled scores. Positions after the query count like those before.

    Press, Smith & Lewis 2022, section 3, for causal attention, where only keys up to the query are seen.

    Raises:
        ValueError: as :func:`alibi_slopes` and :func:`distances`.
    """
    distance = distances(queries, queries if keys is None else keys).abs()
    return alibi_slopes(heads, dtype=dtype)[:, None, None] * -distance  # so, a distance of 0 gives 0.0 and not −0.0


def relative_bucket(
    distance: Tensor, *, bidirectional: bool = True, buckets: int = 32, max_distance: int = 128
) -> Tensor:
    """The bucket of each distance (key's position minus query's), as in T5: near ones apart, far ones together.

    Half of the buckets hold one distance each, the others grow by a constant factor up to ``max_distance``; everything
    further off shares the last. In an encoder (``bidirectional``) keys after the query have buckets of their own; in a
    decoder they all count as distance 0. Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified
    Text-to-Text Transformer", section 2.1, and the program that came with it.

    Args:
        distance: integers of any shape.
        bidirectional: whether keys may stand after the query.
        buckets: how many there are, even in an encoder.
        max_distance: from which on all distances share a bucket.

    Returns:
        integers from 0 to ``buckets`` − 1, of the same shape.

    Raises:
        ValueError: if the buckets are too few, or ``max_distance`` too small for the distances that have their own.
    """
    own = buckets // 2 if bidirectional else buckets
    exact = own // 2
    if exact < 1 or (bidirectional and buckets % 2):
        raise ValueError(f"{buckets} buckets are too few or cannot be halved")
    if max_distance <= exact:
        raise ValueError(f"max_distance must be greater than {exact}, the distances with a bucket of their own")
    after = torch.zeros_like(distance)
    if bidirectional:
        after = (distance > 0).long() * own
        distance = distance.abs()
    else:
        distance = (-distance).clamp_min(0)
    # In float32, as in the original: at the borders of buckets the rounding of the logarithm decides.
    far = torch.log(distance.clamp_min(1).float() / exact) / math.log(max_distance / exact) * (own - exact)
    far = (exact + far.long()).clamp_max(own - 1)
    return after + torch.where(distance < exact, distance, far)


class T5Bias(nn.Module):
    """A learned number for each bucket of distances and each head, added to the scores.

    Raffel et al. 2020, section 2.1. One such table serves all layers of the encoder, another all of the decoder. In the
    program that came with the paper the scores are not divided by √d_k.

    Args:
        heads: H.
        bidirectional, buckets, max_distance: see :func:`relative_bucket`.
        generator: source of the initial numbers.
        std: of the initial numbers; D^(−1/2) in the program of T5.

    Raises:
        ValueError: as :func:`relative_bucket`.
    """

    def __init__(
        self,
        heads: int,
        *,
        bidirectional: bool = True,
        buckets: int = 32,
        max_distance: int = 128,
        generator: torch.Generator | None = None,
        std: float = 1.0,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.options = {"bidirectional": bidirectional, "buckets": buckets, "max_distance": max_distance}
        relative_bucket(distances(1, 1), **self.options)  # a table that cannot be used is refused at once
        drawn = std * torch.randn(buckets, heads, generator=generator, dtype=torch.float64)
        self.table = nn.Parameter(drawn.to(dtype))

    def forward(self, queries: int, keys: int | None = None) -> Tensor:
        """(H, T_q, T_k), to be added to the scores.

        Raises:
            ValueError: as :func:`distances`.
        """
        bucket = relative_bucket(distances(queries, queries if keys is None else keys), **self.options)
        return self.table[bucket].movedim(-1, 0)
