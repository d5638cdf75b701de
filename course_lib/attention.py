"""Attention: one definition of each mechanism that lesson 03 builds.

Shapes use the course's letters: T tokens, D the size of a token's vector, d_k the size of a query and of a key, d_v the
size of a value. Leading dimensions (a batch, heads) are written ``...``. A mask is boolean, True where a query may look
at a key, the convention of ``torch.nn.functional.scaled_dot_product_attention``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    scale: float | None = None,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V.

    Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1, equation 1.

    Args:
        query: (..., T_q, d_k).
        key: (..., T_k, d_k).
        value: (..., T_k, d_v); d_v may differ from d_k.
        mask: boolean, broadcastable to (..., T_q, T_k); True = this query may look at this key. A query that may look
            at no key gets weights and an output of zero.
        scale: the factor of the scores; 1/√d_k by default.
        bias: broadcastable to (..., T_q, T_k), added to the scaled scores (relative positions: lesson 05).

    Returns:
        output (..., T_q, d_v) and weights (..., T_q, T_k); each row of weights sums to 1 (or to 0, see ``mask``).

    Raises:
        ValueError: if the sizes of queries, keys and values do not fit, or the mask is not boolean.
    """
    _check_shapes(query, key, value)
    scores = query @ key.mT * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        if mask.dtype != torch.bool:
            raise ValueError(f"the mask must be boolean (True = may look), not {mask.dtype}")
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
        # A row of nothing but −∞ has no softmax (0/0): such a query sees nothing and gets zeros.
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ value, weights


def _check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"queries have size {query.shape[-1]}, keys have size {key.shape[-1]}: "
            "a dot product needs vectors of one size, d_k"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"there are {key.shape[-2]} keys but {value.shape[-2]} values: every key carries one value")


class SelfAttention(nn.Module):
    """One head of self-attention: Z = softmax(X W_Q (X W_K)ᵀ / √d_k) X W_V.

    Vaswani et al. 2017, section 3.2. The weights are applied on the right, ``X @ W_Q``, as in the paper, so W_Q has
    shape (D, d_k); ``nn.Linear`` stores the transpose. Several heads and W_O are the subject of lesson 04.

    Args:
        d_model: D, the size of a token's vector.
        d_k: the size of queries and keys.
        d_v: the size of values; d_k by default.
        generator: source of the initial weights, drawn in float64 with standard deviation 1/√D, so that queries and
            keys of unit-variance inputs have unit variance themselves.
        dtype: of the weights.
    """

    def __init__(
        self,
        d_model: int,
        d_k: int,
        d_v: int | None = None,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.d_model, self.d_k, self.d_v = d_model, d_k, d_k if d_v is None else d_v
        self.W_Q, self.W_K, self.W_V = (
            nn.Parameter(
                torch.randn(d_model, width, generator=generator, dtype=torch.float64).to(dtype) / math.sqrt(d_model)
            )
            for width in (self.d_k, self.d_k, self.d_v)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (..., T, D) → output (..., T, d_v) and weights (..., T, T).

        Raises:
            ValueError: if the vectors of ``x`` do not have size D.
        """
        if x.shape[-1] != self.d_model:
            raise ValueError(
                f"the vectors have size {x.shape[-1]}, but W_Q, W_K and W_V have {self.d_model} rows: "
                "they must fit the embedding size D"
            )
        return scaled_dot_product_attention(x @ self.W_Q, x @ self.W_K, x @ self.W_V, mask)


# ---------------------------------------------------------------- masks


def causal_mask(length: int) -> Tensor:
    """(T, T) boolean mask in which token i may look at tokens 0 … i: the lower triangle with the diagonal."""
    return torch.ones(length, length, dtype=torch.bool).tril()


def sliding_window_mask(length: int, window: int) -> Tensor:
    """(T, T) boolean mask in which token i may look at the tokens at most ``window`` places away, itself included.

    Beltagy et al. 2020, "Longformer", section 3.1 (their w is the whole width, 2·window + 1 here).
    """
    position = torch.arange(length)
    return (position[:, None] - position[None, :]).abs() <= window


def padding_mask(lengths: Tensor, longest: int) -> Tensor:
    """(B, 1, T) boolean mask that hides the padding behind sequences of the given lengths from every query."""
    return (torch.arange(longest) < lengths[:, None])[:, None, :]


# ---------------------------------------------------------------- long sequences


def sliding_window_attention(query: Tensor, key: Tensor, value: Tensor, window: int) -> Tensor:
    """Attention in which token i sees only tokens i − window … i + window; work and memory O(T · window).

    Equal to :func:`scaled_dot_product_attention` with :func:`sliding_window_mask`, but the T² scores are never made:
    each query meets a gathered strip of 2·window + 1 keys.

    Args:
        query, key: (..., T, d_k); value: (..., T, d_v); all of one length T.
        window: how many tokens either side, ≥ 0.

    Returns:
        (..., T, d_v).

    Raises:
        ValueError: if sizes do not fit, lengths differ, or the window is negative.
    """
    _check_shapes(query, key, value)
    if query.shape[-2] != key.shape[-2]:
        raise ValueError("a sliding window needs as many queries as keys")
    if window < 0:
        raise ValueError(f"the window must be 0 or more, not {window}")
    length = query.shape[-2]
    strip = torch.arange(length)[:, None] + torch.arange(-window, window + 1)  # (T, 2w + 1), may leave the text
    inside = (strip >= 0) & (strip < length)
    strip = strip.clamp(0, length - 1)
    near_keys, near_values = key[..., strip, :], value[..., strip, :]  # (..., T, 2w + 1, d)
    scores = (near_keys @ query[..., None]).squeeze(-1) / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~inside, -math.inf).softmax(dim=-1)
    return (weights[..., None, :] @ near_values).squeeze(-2)


def tiled_attention(
    query: Tensor, key: Tensor, value: Tensor, *, query_block: int = 1024, key_block: int = 512
) -> Tensor:
    """Exact attention that never holds more than one block of scores: the memory grows with T, not with T².

    The softmax is computed *online*: for each query a running maximum m, a running denominator ℓ and a running weighted
    sum of values are kept, and rescaled by exp(m_old − m_new) whenever a block brings a larger score.
    Milakov & Gimelshein 2018, "Online normalizer calculation for softmax", algorithm 3; the use in attention: Rabe &
    Staats 2021; Dao et al. 2022, "FlashAttention", algorithm 1 (which adds the GPU's memory hierarchy).
    A forward pass: nothing is kept for gradients.

    Args:
        query: (..., T_q, d_k); key: (..., T_k, d_k); value: (..., T_k, d_v), with equal leading dimensions.
        query_block, key_block: the block's height and width.

    Returns:
        (..., T_q, d_v), equal to :func:`scaled_dot_product_attention` up to rounding.

    Raises:
        ValueError: if the sizes do not fit.
    """
    _check_shapes(query, key, value)
    leading, length = query.shape[:-2], query.shape[-2]
    query, key, value = (t.detach().reshape(-1, *t.shape[-2:]) for t in (query, key, value))
    output = query.new_empty(query.shape[0], length, value.shape[-1])
    scale = 1 / math.sqrt(query.shape[-1])
    for head in range(query.shape[0]):
        keys, values = key[head].T, value[head]
        for top in range(0, length, query_block):
            rows = query[head, top : top + query_block] * scale
            maximum = rows.new_full((len(rows), 1), -math.inf)
            denominator = rows.new_zeros(len(rows), 1)
            total = rows.new_zeros(len(rows), values.shape[-1])
            for left in range(0, keys.shape[-1], key_block):
                scores = rows @ keys[:, left : left + key_block]
                new_maximum = torch.maximum(maximum, scores.amax(dim=-1, keepdim=True))
                shrink = (maximum - new_maximum).exp_()
                scores.sub_(new_maximum).exp_()
                denominator.mul_(shrink).add_(scores.sum(dim=-1, keepdim=True))
                total.mul_(shrink).addmm_(scores, values[left : left + key_block])
                maximum = new_maximum
            output[head, top : top + query_block] = total / denominator
    return output.reshape(*leading, length, value.shape[-1])
