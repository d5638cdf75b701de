"""Multi-head attention: the one definition of what lesson 04 builds.

Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2. Shapes use the course's letters: T tokens, D the size of a
token's vector, H heads, H_KV heads that have keys and values of their own, d_k the size of a query and of a key, d_v the size
of a value. Leading dimensions (a batch) are written ``...``. A mask is boolean, True where a query may look at a key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from course_lib.attention import scaled_dot_product_attention


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., T, H·d) → (..., H, T, d): head h has the h-th d columns of every token.

    Raises:
        ValueError: if the width is no multiple of the number of heads.
    """
    width = x.shape[-1]
    if heads < 1 or width % heads:
        raise ValueError(f"vectors of size {width} cannot be cut into {heads} heads of one size")
    return x.unflatten(-1, (heads, width // heads)).transpose(-2, -3)


def merge_heads(z: Tensor) -> Tensor:
    """(..., H, T, d) → (..., T, H·d): the outputs of a token's heads side by side, the inverse of :func:`split_heads`."""
    return z.transpose(-2, -3).flatten(-2)


class MultiHeadAttention(nn.Module):
    """H heads of attention side by side, joined by W_O: [Z_1, …, Z_H] W_O with Z_h = Attention(X W_Q^h, Y W_K^h, Y W_V^h).

    Vaswani et al. 2017, section 3.2.2. In self-attention Y = X. With fewer heads for keys and values than for queries this
    is grouped-query attention (Ainslie et al. 2023, "GQA", section 2.2), with one alone multi-query attention (Shazeer 2019,
    "Fast Transformer Decoding: One Write-Head is All You Need", section 3): query head h uses the keys and values of head
    h // (H / H_KV).

    The matrices of all heads stand side by side in one: the columns h·d_k … (h + 1)·d_k of ``W_Q`` are W_Q^h, and the rows
    h·d_v … (h + 1)·d_v of ``W_O`` are W_O^h. They are applied on the right, ``X @ W_Q``; ``nn.Linear`` stores the transpose.

    Args:
        d_model: D.
        heads: H.
        kv_heads: H_KV, a divisor of H; H by default.
        d_k: D / H by default.
        d_v: d_k by default.
        bias: whether queries, keys, values and the output get one.
        generator: source of the initial weights, drawn in float64 with standard deviation 1/√(number of rows); biases
            begin at 0.
        dtype: of the weights.

    Attributes:
        W_Q: (D, H·d_k); W_K: (D, H_KV·d_k); W_V: (D, H_KV·d_v); W_O: (H·d_v, D).
        b_Q, b_K, b_V, b_O: of size H·d_k, H_KV·d_k, H_KV·d_v, D; None without ``bias``.

    Raises:
        ValueError: if D is no multiple of H and no d_k is given, or H no multiple of H_KV.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        d_k: int | None = None,
        d_v: int | None = None,
        bias: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        kv_heads = heads if kv_heads is None else kv_heads
        if heads < 1 or kv_heads < 1 or heads % kv_heads:
            raise ValueError(
                f"{heads} query heads cannot be shared out evenly among {kv_heads} heads of keys and values"
            )
        if d_k is None and d_model % heads:
            raise ValueError(f"vectors of size {d_model} cannot be cut into {heads} heads of one size; give d_k")
        self.d_model, self.heads, self.kv_heads = d_model, heads, kv_heads
        self.d_k = d_model // heads if d_k is None else d_k
        self.d_v = self.d_k if d_v is None else d_v
        shapes = {
            "Q": (d_model, heads * self.d_k),
            "K": (d_model, kv_heads * self.d_k),
            "V": (d_model, kv_heads * self.d_v),
            "O": (heads * self.d_v, d_model),
        }
        for name, (rows, columns) in shapes.items():
            drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64) / math.sqrt(rows)
            setattr(self, f"W_{name}", nn.Parameter(drawn.to(dtype)))
            vector = nn.Parameter(torch.zeros(columns, dtype=dtype)) if bias else None
            self.register_parameter(f"b_{name}", vector)

    def forward(
        self,
        x: Tensor,
        y: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        gate: Tensor | None = None,
        bias: Tensor | None = None,
        rotate: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The outputs of all heads, joined.

        Args:
            x: (..., T_q, D), where the queries come from.
            y: (..., T_k, D), where the keys and values come from; ``x`` itself by default.
            mask: boolean, broadcastable to (..., H, T_q, T_k): for a mask of each sequence of a batch, (B, 1, T_q, T_k).
            gate: (H,), a factor of each head's output: 0 takes the head out (Michel et al. 2019, section 2.3).
            bias: broadcastable to (..., H, T_q, T_k), added to the scaled scores (relative positions: lesson 05).
            rotate: what becomes of queries and keys, (..., heads, T, d_k), before they meet (rotary positions: lesson 05).

        Returns:
            output (..., T_q, D) and weights (..., H, T_q, T_k).

        Raises:
            ValueError: if the vectors do not have size D, or the mask is not boolean.
        """
        z, weights = self.attend(x, y, mask, bias=bias, rotate=rotate)
        if gate is not None:
            z = z * gate[:, None, None]
        joined = merge_heads(z) @ self.W_O
        return joined if self.b_O is None else joined + self.b_O, weights

    def attend(
        self,
        x: Tensor,
        y: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        bias: Tensor | None = None,
        rotate: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The outputs of the heads before they are joined, Z (..., H, T_q, d_v), and the weights (..., H, T_q, T_k).

        Arguments and errors as in :meth:`forward`.
        """
        y = x if y is None else y
        for vectors in (x, y):
            if vectors.shape[-1] != self.d_model:
                raise ValueError(f"the vectors have size {vectors.shape[-1]}, the heads expect D = {self.d_model}")
        query = split_heads(affine(x, self.W_Q, self.b_Q), self.heads)
        key = split_heads(affine(y, self.W_K, self.b_K), self.kv_heads)
        value = split_heads(affine(y, self.W_V, self.b_V), self.kv_heads)
        if rotate is not None:
            query, key = rotate(query), rotate(key)
        if self.kv_heads < self.heads:
            key, value = (part.repeat_interleave(self.heads // self.kv_heads, dim=-3) for part in (key, value))
        return scaled_dot_product_attention(query, key, value, mask, bias=bias)

    def contributions(self, x: Tensor, y: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """What each head adds to the output, Z_h W_O^h: (..., H, T_q, D). Their sum, and b_O, is the output.

        Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", "Attention Heads are Independent and
        Additive".
        """
        z, _ = self.attend(x, y, mask)
        return z @ self.W_O.unflatten(0, (self.heads, self.d_v))

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(cls, layer: nn.MultiheadAttention) -> Self:
        """The same function as PyTorch's layer computes, with copies of its weights.

        Raises:
            ValueError: if the layer uses what this class has not: other sizes of keys and values (``kdim``, ``vdim``),
                an extra key (``add_bias_kv``, ``add_zero_attn``).
        """
        if not layer._qkv_same_embed_dim or layer.bias_k is not None or layer.add_zero_attn:
            raise ValueError("layers with kdim, vdim, add_bias_kv or add_zero_attn have no counterpart here")
        dtype = layer.out_proj.weight.dtype
        own = cls(layer.embed_dim, layer.num_heads, bias=layer.in_proj_bias is not None, dtype=dtype)
        with torch.no_grad():
            for name, weight in zip("QKV", layer.in_proj_weight.chunk(3), strict=True):
                getattr(own, f"W_{name}").copy_(weight.T)
            own.W_O.copy_(layer.out_proj.weight.T)
            if layer.in_proj_bias is not None:
                for name, vector in zip("QKV", layer.in_proj_bias.chunk(3), strict=True):
                    getattr(own, f"b_{name}").copy_(vector)
                own.b_O.copy_(layer.out_proj.bias)
        return own

    def to_torch(self) -> nn.MultiheadAttention:
        """PyTorch's layer with copies of these weights, ``batch_first``.

        Raises:
            ValueError: if PyTorch's layer has no such form: H·d_k or H·d_v other than D, or shared keys and values.
        """
        if self.kv_heads != self.heads or {self.heads * self.d_k, self.heads * self.d_v} != {self.d_model}:
            raise ValueError(
                "nn.MultiheadAttention has H·d_k = H·d_v = D and a head of keys and values for each of queries"
            )
        layer = nn.MultiheadAttention(
            self.d_model, self.heads, bias=self.b_O is not None, batch_first=True, dtype=self.W_O.dtype
        )
        with torch.no_grad():
            layer.in_proj_weight.copy_(torch.cat([self.W_Q, self.W_K, self.W_V], dim=1).T)
            layer.out_proj.weight.copy_(self.W_O.T)
            if self.b_O is not None:
                layer.in_proj_bias.copy_(torch.cat([self.b_Q, self.b_K, self.b_V]))
                layer.out_proj.bias.copy_(self.b_O)
        return layer

    # ----------------------------------------------------------------------------------------------- fewer keys

    def grouped(self, kv_heads: int) -> Self:
        """The layer with fewer heads of keys and values, each the mean of those that it stands for.

        Ainslie et al. 2023, "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints",
        section 2.1: a start from which a trained model is trained on for a while, not an equal of it.

        Raises:
            ValueError: if the present number is no multiple of ``kv_heads``.
        """
        if kv_heads < 1 or self.kv_heads % kv_heads:
            raise ValueError(f"{self.kv_heads} heads of keys and values do not make {kv_heads} groups of one size")
        own = type(self)(
            self.d_model, self.heads, kv_heads=kv_heads, d_k=self.d_k, d_v=self.d_v, bias=self.b_O is not None,
            dtype=self.W_O.dtype,
        )  # fmt: skip
        state = self.state_dict()
        for name in ("W_K", "W_V", "b_K", "b_V"):
            if name in state:
                size = state[name].shape[-1] // self.kv_heads
                state[name] = state[name].unflatten(-1, (kv_heads, -1, size)).mean(-2).flatten(-2)
        own.load_state_dict(state)
        return own


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x (..., rows) → x · weight + bias (..., columns); without the bias where it is None."""
    return x @ weight if bias is None else x @ weight + bias


def key_value_cache(layers: int, kv_heads: int, d_k: int, length: int, *, bytes_per_number: int = 2) -> int:
    """Bytes of the keys and values that a decoder keeps of one text while it writes on (d_v = d_k).

    Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1.

    Args:
        layers: how many layers have attention.
        kv_heads: H_KV of each layer.
        d_k: the size of a key, and of a value.
        length: T, tokens so far.
        bytes_per_number: 2 in float16 and bfloat16.

    Raises:
        ValueError: if a size is less than 1.
    """
    sizes = {"layers": layers, "kv_heads": kv_heads, "d_k": d_k, "length": length, "bytes_per_number": bytes_per_number}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be 1 or more, not {size}")
    return 2 * layers * kv_heads * d_k * length * bytes_per_number
