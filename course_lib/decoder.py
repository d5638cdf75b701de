"""The decoder: self-attention, cross-attention to the encoder's vectors and the feed-forward layer, block after block.

Vaswani et al. 2017, "Attention Is All You Need", section 3.1; lesson 07 builds it. Shapes use the course's letters: T
tokens of the text that is written, T_s tokens of the text that is read, D the size of a token's vector, H heads, L blocks,
d_ff the size of the feed-forward layer's hidden vector. The *memory* is what the encoder gives, one vector for each token
read. Leading dimensions (a batch) are written ``...``. A mask is boolean, True where a query may look at a key.

The causal mask is the caller's: ``mask=None`` hides nothing here, as in all other modules, so that the lesson can take the
mask away, or put padding into it, without an option for each; :class:`course_lib.translator_model.Transformer` makes it.
Step by step, with a :class:`DecoderCache`, a token sees itself and what was written before, because nothing else is there.

There is no dropout, see :mod:`course_lib.encoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.encoder import Order, torch_layer
from course_lib.feed_forward import Activation, FeedForward
from course_lib.multi_head import MultiHeadAttention, affine, merge_heads, split_heads
from course_lib.normalisation import EPS, LayerNorm, Normalisation, normalisation_layer

# ------------------------------------------------------------------------------- attention to keys computed before


def keys_and_values(attention: MultiHeadAttention, y: Tensor) -> tuple[Tensor, Tensor]:
    """What a layer's queries meet: the keys (..., H_KV, T, d_k) and the values (..., H_KV, T, d_v) of y (..., T, D).

    Raises:
        ValueError: if the vectors do not have size D.
    """
    return _projected(attention, "K", y, attention.kv_heads), _projected(attention, "V", y, attention.kv_heads)


def attend_to(
    attention: MultiHeadAttention, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """``attention(x, y, mask)`` for a ``y`` whose :func:`keys_and_values` are already there.

    Args:
        x: (..., T_q, D).
        key: (..., H_KV, T_k, d_k).
        value: (..., H_KV, T_k, d_v).
        mask: boolean, broadcastable to (..., H, T_q, T_k).

    Returns:
        output (..., T_q, D) and weights (..., H, T_q, T_k).

    Raises:
        ValueError: if the vectors do not have size D, or the mask is not boolean.
    """
    query = _projected(attention, "Q", x, attention.heads)
    if attention.kv_heads < attention.heads:
        key, value = (part.repeat_interleave(attention.heads // attention.kv_heads, dim=-3) for part in (key, value))
    z, weights = scaled_dot_product_attention(query, key, value, mask)
    return affine(merge_heads(z), attention.W_O, attention.b_O), weights


def _projected(attention: MultiHeadAttention, letter: str, x: Tensor, heads: int) -> Tensor:
    if x.shape[-1] != attention.d_model:
        raise ValueError(f"the vectors have size {x.shape[-1]}, the heads expect D = {attention.d_model}")
    weight, vector = (getattr(attention, f"{kind}_{letter}") for kind in "Wb")
    return split_heads(affine(x, weight, vector), heads)


@dataclass
class BlockCache:
    """The keys and values of one block.

    Attributes:
        keys: (..., H, T, d_k), of the tokens so far; every step adds its own.
        values: (..., H, T, d_v), of the tokens so far.
        memory_keys: (..., H, T_s, d_k), computed once.
        memory_values: (..., H, T_s, d_v), computed once.
    """

    keys: Tensor
    values: Tensor
    memory_keys: Tensor
    memory_values: Tensor


@dataclass
class DecoderCache:
    """The keys and values of all blocks, so that a step computes those of the new tokens alone.

    The masked self-attention makes this possible: no earlier vector of any block depends on a token that comes later, so
    none has to be computed again. Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1.

    Attributes:
        blocks: what each block keeps.
        memory_mask: of every cross-attention, boolean, broadcastable to (..., H, 1, T_s), or None.
    """

    blocks: list[BlockCache]
    memory_mask: Tensor | None = None

    @property
    def length(self) -> int:
        """T, the tokens so far."""
        return self.blocks[0].keys.shape[-2]

    def select(self, rows: Tensor) -> Self:
        """A cache of other rows of the batch, some of them perhaps several times: what beam search goes on with.

        Args:
            rows: (B',), numbers of rows of the first axis.
        """
        blocks = [BlockCache(*(part[rows] for part in vars(block).values())) for block in self.blocks]
        mask = self.memory_mask
        if mask is not None and mask.ndim == self.blocks[0].keys.ndim and len(mask) > 1:  # not one mask for all rows
            mask = mask[rows]
        return type(self)(blocks, mask)


# ------------------------------------------------------------------------------------------------------------ blocks


class DecoderBlock(nn.Module):
    """Three sub-layers: self-attention, cross-attention to the memory, the feed-forward layer.

    Each has a residual connection and a normalisation, in the order "pre" or "post", as in
    :class:`~course_lib.encoder.EncoderBlock`. Vaswani et al. 2017, sections 3.1 and 3.2.3. The memory is normalised by
    nobody here: only the queries of cross-attention are the block's own vectors.

    Args:
        d_model: D.
        heads: H, a divisor of D.
        d_ff: the size of the feed-forward layer's hidden vector; 4D by default.
        norm: whether the normalisation stands before ("pre") or after ("post") a sub-layer.
        activation: of the feed-forward layer, see :class:`~course_lib.feed_forward.FeedForward`.
        bias: whether attention, the feed-forward layer and LayerNorm have biases (RMSNorm never has).
        normalisation: "layer" or "rms".
        eps: ε of the normalisations.
        generator: source of the initial weights: self-attention, cross-attention, feed-forward layer.
        dtype: of the weights.

    Attributes:
        self_attention, cross_attention, feed_forward: the sub-layers.
        norm_1, norm_2, norm_3: their normalisations, in this order.

    Raises:
        ValueError: if an option is unknown, or D no multiple of H.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_ff: int | None = None,
        *,
        norm: Order = "pre",
        activation: Activation = "relu",
        bias: bool = True,
        normalisation: Normalisation = "layer",
        eps: float = EPS,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f"unknown norm {norm!r}: use 'pre' or 'post'")
        self.norm = norm
        self.self_attention, self.cross_attention = (
            MultiHeadAttention(d_model, heads, bias=bias, generator=generator, dtype=dtype) for _ in range(2)
        )
        self.feed_forward = FeedForward(d_model, d_ff, activation, bias=bias, generator=generator, dtype=dtype)
        self.norm_1, self.norm_2, self.norm_3 = (
            normalisation_layer(normalisation, d_model, eps, bias, dtype) for _ in range(3)
        )

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The vectors after the block.

        Args:
            x: (..., T, D).
            memory: (..., T_s, D), the encoder's vectors.
            mask: of self-attention, boolean, broadcastable to (..., H, T, T); :func:`course_lib.attention.causal_mask`
                for a decoder that writes token after token.
            memory_mask: of cross-attention, boolean, broadcastable to (..., H, T, T_s).

        Returns:
            vectors (..., T, D), the weights of self-attention (..., H, T, T) and those of cross-attention (..., H, T, T_s).

        Raises:
            ValueError: if the vectors do not have size D, or a mask is not boolean.
        """
        return self._through(
            x,
            lambda y: self.self_attention(y, mask=mask),
            lambda y: self.cross_attention(y, memory, mask=memory_mask),
        )

    def start(self, memory: Tensor) -> BlockCache:
        """A cache with the keys and values of the memory (..., T_s, D) and of no token yet.

        Raises:
            ValueError: if the vectors do not have size D.
        """
        own, shape = self.self_attention, (*memory.shape[:-2], self.self_attention.kv_heads, 0)
        empty = (memory.new_empty(*shape, size) for size in (own.d_k, own.d_v))
        return BlockCache(*empty, *keys_and_values(self.cross_attention, memory))

    def step(self, x: Tensor, cache: BlockCache, memory_mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The vectors after the block of new tokens alone; their keys and values are added to the cache.

        Args:
            x: (..., T_new, D), the tokens after those of the cache.
            cache: changed in place.
            memory_mask: of cross-attention, boolean, broadcastable to (..., H, 1, T_s).

        Returns:
            as :meth:`forward` for the last T_new of T tokens under the causal mask: vectors (..., T_new, D), weights
            (..., H, T_new, T) and (..., H, T_new, T_s).

        Raises:
            ValueError: if the vectors do not have size D, or the mask is not boolean.
        """

        def look_back(y: Tensor) -> tuple[Tensor, Tensor]:
            key, value = keys_and_values(self.self_attention, y)
            cache.keys = torch.cat([cache.keys, key], dim=-2)
            cache.values = torch.cat([cache.values, value], dim=-2)
            mask = causal_mask(cache.keys.shape[-2])[-x.shape[-2] :]  # a single new token sees everything
            return attend_to(self.self_attention, y, cache.keys, cache.values, mask)

        def look_across(y: Tensor) -> tuple[Tensor, Tensor]:
            return attend_to(self.cross_attention, y, cache.memory_keys, cache.memory_values, memory_mask)

        return self._through(x, look_back, look_across)

    def _through(
        self,
        x: Tensor,
        look_back: Callable[[Tensor], tuple[Tensor, Tensor]],
        look_across: Callable[[Tensor], tuple[Tensor, Tensor]],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Residual connections and normalisations around the two attentions, wherever their keys come from."""
        pre, maps = self.norm == "pre", []
        for norm, attend in ((self.norm_1, look_back), (self.norm_2, look_across)):
            gathered, weights = attend(norm(x) if pre else x)
            x = x + gathered
            x = x if pre else norm(x)
            maps.append(weights)
        x = x + self.feed_forward(self.norm_3(x) if pre else x)
        return x if pre else self.norm_3(x), *maps

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(cls, layer: nn.TransformerDecoderLayer) -> Self:
        """The same function as PyTorch's layer computes without dropout, with copies of its weights.

        It takes vectors (..., T, D), whatever the layer's ``batch_first``.

        Raises:
            ValueError: if the layer is of another class, its activation is neither ReLU nor GELU, or one of its parts
                has no counterpart here.
        """
        if type(layer) is not nn.TransformerDecoderLayer:
            raise ValueError(f"an nn.TransformerDecoderLayer was expected, not {type(layer).__name__}")
        attention = MultiHeadAttention.from_torch(layer.self_attn)
        norm = "pre" if layer.norm_first else "post"
        own = cls(attention.d_model, attention.heads, norm=norm, dtype=attention.W_O.dtype)
        own.self_attention, own.cross_attention = attention, MultiHeadAttention.from_torch(layer.multihead_attn)
        own.feed_forward = FeedForward.from_torch_layer(layer)
        own.norm_1, own.norm_2, own.norm_3 = (
            LayerNorm.from_torch(part) for part in (layer.norm1, layer.norm2, layer.norm3)
        )
        return own

    def to_torch(self) -> nn.TransformerDecoderLayer:
        """PyTorch's layer with copies of these weights, ``batch_first`` and without dropout.

        Raises:
            ValueError: if PyTorch's layer has no such form: RMSNorm, another activation than ReLU
                or the exact GELU, fewer heads of keys and values.
        """
        layer = torch_layer(nn.TransformerDecoderLayer, self.norm, self.self_attention, self.feed_forward, self.norm_1)
        layer.self_attn, layer.multihead_attn = self.self_attention.to_torch(), self.cross_attention.to_torch()
        layer.norm1, layer.norm2, layer.norm3 = (
            norm.to_torch() for norm in (self.norm_1, self.norm_2, self.norm_3)
        )  # fmt: skip
        return layer


class Decoder(nn.Module):
    """L blocks one after another, and, if asked for, a last normalisation. Every block looks at the same memory.

    Args:
        layers: L.
        d_model, heads, d_ff, norm, activation, bias, normalisation, eps, dtype: of each block, see :class:`DecoderBlock`.
        final_norm: whether the vectors after the last block are normalised; by default in the order "pre" alone, see
            :class:`course_lib.encoder.Encoder`.
        generator: source of the initial weights, block after block.

    Attributes:
        blocks: the blocks.
        norm: the last normalisation, or None.

    Raises:
        ValueError: if there is no block, an option is unknown, or D no multiple of H.
    """

    def __init__(
        self,
        layers: int,
        d_model: int,
        heads: int,
        d_ff: int | None = None,
        *,
        norm: Order = "pre",
        final_norm: bool | None = None,
        activation: Activation = "relu",
        bias: bool = True,
        normalisation: Normalisation = "layer",
        eps: float = EPS,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"a decoder has one block or more, not {layers}")
        self.blocks = nn.ModuleList(
            DecoderBlock(
                d_model, heads, d_ff, norm=norm, activation=activation, bias=bias, normalisation=normalisation, eps=eps,
                generator=generator, dtype=dtype,
            )
            for _ in range(layers)
        )  # fmt: skip
        last = (norm == "pre") if final_norm is None else final_norm
        self.norm = normalisation_layer(normalisation, d_model, eps, bias, dtype) if last else None

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The vectors after all blocks.

        Args:
            x: (..., T, D).
            memory: (..., T_s, D), the encoder's vectors.
            mask, memory_mask: of every block, see :meth:`DecoderBlock.forward`.

        Returns:
            vectors (..., T, D), and for each block the weights of self-attention (..., H, T, T) and of cross-attention
            (..., H, T, T_s).

        Raises:
            ValueError: if the vectors do not have size D, or a mask is not boolean.
        """
        vectors, own, across = self.trace(x, memory, mask, memory_mask)
        return self._last(vectors[-1]), own, across

    def trace(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """The vectors on their way: ``x`` itself and those after each block, L + 1 in all, before the last normalisation.

        Arguments, errors and the other two values as in :meth:`forward`.
        """
        vectors, own, across = [x], [], []
        for block in self.blocks:
            x, *weights = block(x, memory, mask, memory_mask)
            vectors.append(x)
            own.append(weights[0])
            across.append(weights[1])
        return vectors, own, across

    def start(self, memory: Tensor, memory_mask: Tensor | None = None) -> DecoderCache:
        """A cache for writing token after token, with the keys and values of the memory and of no token yet.

        Args:
            memory: (..., T_s, D).
            memory_mask: of every step, boolean, broadcastable to (..., H, 1, T_s).

        Raises:
            ValueError: if the vectors do not have size D, or the mask is not the same for all queries.
        """
        if memory_mask is not None and memory_mask.ndim > 1 and memory_mask.shape[-2] != 1:
            raise ValueError(
                f"step by step all queries have one mask of the memory, (..., 1, T_s), not {tuple(memory_mask.shape)}"
            )
        return DecoderCache([block.start(memory) for block in self.blocks], memory_mask)

    def step(self, x: Tensor, cache: DecoderCache) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The vectors after all blocks of new tokens alone: the last rows of what :meth:`forward` gives for all of them.

        Args:
            x: (..., T_new, D), mostly of a single token. The caller gives it its position, :attr:`DecoderCache.length`.
            cache: of this decoder; the new tokens are added to it.

        Returns:
            vectors (..., T_new, D), and for each block the weights (..., H, T_new, T) and (..., H, T_new, T_s).

        Raises:
            ValueError: if the vectors do not have size D, or the cache is of another batch or depth.
        """
        if len(cache.blocks) != len(self.blocks):
            raise ValueError(f"the cache is of {len(cache.blocks)} blocks, the decoder has {len(self.blocks)}")
        batch = cache.blocks[0].keys.shape[:-3]
        if x.shape[:-2] != batch:
            raise ValueError(f"the cache is of a batch of shape {tuple(batch)}, the vectors of {tuple(x.shape[:-2])}")
        own, across = [], []
        for block, kept in zip(self.blocks, cache.blocks, strict=True):
            x, *weights = block.step(x, kept, cache.memory_mask)
            own.append(weights[0])
            across.append(weights[1])
        return self._last(x), own, across

    def _last(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(cls, decoder: nn.TransformerDecoder) -> Self:
        """The same function as PyTorch's decoder computes without dropout, with copies of its weights.

        Raises:
            ValueError: if there is no layer, the last normalisation is no ``nn.LayerNorm``, or a layer has no counterpart
                (:meth:`DecoderBlock.from_torch`).
        """
        blocks = [DecoderBlock.from_torch(layer) for layer in decoder.layers]
        if not blocks:
            raise ValueError("a decoder has one block or more, not 0")
        first = blocks[0].self_attention
        own = cls(1, first.d_model, first.heads, final_norm=False, dtype=first.W_O.dtype)
        own.blocks = nn.ModuleList(blocks)
        own.norm = None if decoder.norm is None else LayerNorm.from_torch(decoder.norm)
        return own

    def to_torch(self) -> nn.TransformerDecoder:
        """PyTorch's decoder with copies of these weights, ``batch_first`` and without dropout.

        Raises:
            ValueError: if PyTorch's decoder has no such form (:meth:`DecoderBlock.to_torch`).
        """
        layers = [block.to_torch() for block in self.blocks]
        decoder = nn.TransformerDecoder(layers[0], len(layers))
        decoder.layers = nn.ModuleList(layers)
        decoder.norm = None if self.norm is None else self.norm.to_torch()
        return decoder
