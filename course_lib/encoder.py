"""The encoder: attention and the feed-forward layer, with residual connections and normalisation, block after block.

Vaswani et al. 2017, "Attention Is All You Need", section 3.1; lesson 06 builds it. Shapes use the course's letters: T
tokens, D the size of a token's vector, H heads, L blocks, d_ff the size of the feed-forward layer's hidden vector. Leading
dimensions (a batch) are written ``...``. A mask is boolean, True where a query may look at a key.

There is no dropout: the lessons' models are small and see fresh sentences at every step, so there is nothing to learn by
heart; and its random numbers differ between kinds of processors, which the figures that lessons print must not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self, TypeVar

import torch
from torch import Tensor, nn

from course_lib.feed_forward import Activation, FeedForward
from course_lib.multi_head import MultiHeadAttention
from course_lib.normalisation import EPS, LayerNorm, Normalisation, RMSNorm, normalisation_layer

Order = Literal["pre", "post"]


class EncoderBlock(nn.Module):
    """Two sub-layers, attention and the feed-forward layer, each with a residual connection and a normalisation.

    For each sub-layer f, x becomes Norm(x + f(x)) in the order "post" (Vaswani et al. 2017, section 3.1), and x + f(Norm(x))
    in the order "pre" (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", figure 1b).

    Args:
        d_model: D.
        heads: H, a divisor of D.
        d_ff: the size of the feed-forward layer's hidden vector; 4D by default.
        norm: whether the normalisation stands before ("pre") or after ("post") a sub-layer.
        activation: of the feed-forward layer, see :class:`~course_lib.feed_forward.FeedForward`.
        bias: whether attention, the feed-forward layer and LayerNorm have biases (RMSNorm never has).
        normalisation: "layer" or "rms".
        eps: ε of the normalisations.
        residual: whether a sub-layer's output is added to its input, or replaces it.
        generator: source of the initial weights: first those of attention, then those of the feed-forward layer.
        dtype: of the weights.

    Attributes:
        attention, feed_forward: the sub-layers.
        norm_1, norm_2: the normalisation of attention and that of the feed-forward layer.

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
        residual: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f"unknown norm {norm!r}: use 'pre' or 'post'")
        self.norm, self.residual = norm, residual
        self.attention = MultiHeadAttention(d_model, heads, bias=bias, generator=generator, dtype=dtype)
        self.feed_forward = FeedForward(d_model, d_ff, activation, bias=bias, generator=generator, dtype=dtype)
        self.norm_1, self.norm_2 = (normalisation_layer(normalisation, d_model, eps, bias, dtype) for _ in range(2))

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        bias: Tensor | None = None,
        rotate: Callable[[Tensor], Tensor] | None = None,
        gate: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The vectors after the block.

        Args:
            x: (..., T, D).
            mask: boolean, broadcastable to (..., H, T, T): for a mask of each sequence of a batch, (B, 1, T, T).
            bias, rotate, gate: see :meth:`course_lib.multi_head.MultiHeadAttention.forward`.

        Returns:
            vectors (..., T, D) and attention weights (..., H, T, T).

        Raises:
            ValueError: if the vectors do not have size D, or the mask is not boolean.
        """
        pre = self.norm == "pre"
        gathered, weights = self.attention(self.norm_1(x) if pre else x, mask=mask, bias=bias, rotate=rotate, gate=gate)
        x = x + gathered if self.residual else gathered
        x = x if pre else self.norm_1(x)
        change = self.feed_forward(self.norm_2(x) if pre else x)
        x = x + change if self.residual else change
        return x if pre else self.norm_2(x), weights

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(cls, layer: nn.TransformerEncoderLayer) -> Self:
        """The same function as PyTorch's layer computes without dropout, with copies of its weights.

        It takes vectors (..., T, D), whatever the layer's ``batch_first``.

        Raises:
            ValueError: if the layer is of another class, its activation is neither ReLU nor the exact GELU, or one of
                its parts has no counterpart here.
        """
        if type(layer) is not nn.TransformerEncoderLayer:
            raise ValueError(f"an nn.TransformerEncoderLayer was expected, not {type(layer).__name__}")
        feed_forward = FeedForward.from_torch_layer(layer)
        if feed_forward.activation == "gelu_tanh":
            # In inference PyTorch's layer silently computes the exact GELU instead.
            raise ValueError(f"the activation must be ReLU or the exact GELU, not {layer.activation}")
        attention = MultiHeadAttention.from_torch(layer.self_attn)
        norm = "pre" if layer.norm_first else "post"
        own = cls(attention.d_model, attention.heads, norm=norm, dtype=attention.W_O.dtype)
        own.attention, own.feed_forward = attention, feed_forward
        own.norm_1, own.norm_2 = (LayerNorm.from_torch(part) for part in (layer.norm1, layer.norm2))
        return own

    def to_torch(self) -> nn.TransformerEncoderLayer:
        """PyTorch's layer with copies of these weights, ``batch_first`` and without dropout.

        Raises:
            ValueError: if PyTorch's layer has no such form: RMSNorm, no residual connection, another activation than ReLU
                or the exact GELU.
        """
        if not self.residual:
            raise ValueError("nn.TransformerEncoderLayer always has residual connections")
        layer = torch_layer(nn.TransformerEncoderLayer, self.norm, self.attention, self.feed_forward, self.norm_1)
        layer.self_attn = self.attention.to_torch()
        layer.norm1, layer.norm2 = self.norm_1.to_torch(), self.norm_2.to_torch()
        return layer


class Encoder(nn.Module):
    """L blocks one after another, and, if asked for, a last normalisation.

    Args:
        layers: L.
        d_model, heads, d_ff, norm, activation, bias, normalisation, eps, residual, dtype: of each block, see
            :class:`EncoderBlock`.
        final_norm: whether the vectors after the last block are normalised. By default they are in the order "pre", where
            each block adds to a sum that nobody else keeps in bounds (Xiong et al. 2020, table 1), and are not in the order
            "post", where each block already ends with a normalisation.
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
        residual: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"an encoder has one block or more, not {layers}")
        self.blocks = nn.ModuleList(
            EncoderBlock(
                d_model, heads, d_ff, norm=norm, activation=activation, bias=bias, normalisation=normalisation, eps=eps,
                residual=residual, generator=generator, dtype=dtype,
            )
            for _ in range(layers)
        )  # fmt: skip
        last = (norm == "pre") if final_norm is None else final_norm
        self.norm = normalisation_layer(normalisation, d_model, eps, bias, dtype) if last else None

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        bias: Tensor | None = None,
        rotate: Callable[[Tensor], Tensor] | None = None,
        gate: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The vectors after all blocks.

        Args:
            x: (..., T, D).
            mask: of every block, boolean, broadcastable to (..., H, T, T): for a mask of each sequence of a batch,
                (B, 1, T, T).
            bias, rotate: of every block, see :meth:`course_lib.multi_head.MultiHeadAttention.forward`.
            gate: (L, H), a factor of the output of each head of each block.

        Returns:
            vectors (..., T, D), and the attention weights (..., H, T, T) of each block.

        Raises:
            ValueError: if the vectors do not have size D, the mask is not boolean, or the gate does not fit.
        """
        vectors, weights = self.trace(x, mask, bias=bias, rotate=rotate, gate=gate)
        return vectors[-1] if self.norm is None else self.norm(vectors[-1]), weights

    def trace(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        bias: Tensor | None = None,
        rotate: Callable[[Tensor], Tensor] | None = None,
        gate: Tensor | None = None,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The vectors on their way: ``x`` itself and those after each block, L + 1 in all, before the last normalisation.

        Arguments and errors as in :meth:`forward`; so is the second value, the weights of each block.
        """
        heads = self.blocks[0].attention.heads
        if gate is not None and gate.shape != (len(self.blocks), heads):
            raise ValueError(
                f"the gate has shape {tuple(gate.shape)}, not {(len(self.blocks), heads)}: a factor per block and head"
            )
        vectors, maps = [x], []
        for number, block in enumerate(self.blocks):
            x, weights = block(x, mask, bias=bias, rotate=rotate, gate=None if gate is None else gate[number])
            vectors.append(x)
            maps.append(weights)
        return vectors, maps

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(cls, encoder: nn.TransformerEncoder) -> Self:
        """The same function as PyTorch's encoder computes without dropout, with copies of its weights.

        In inference without gradients PyTorch may set the vectors at padding to 0; here they are computed like all others.

        Raises:
            ValueError: if there is no layer, the last normalisation is no ``nn.LayerNorm``, or a layer has no counterpart
                (:meth:`EncoderBlock.from_torch`).
        """
        blocks = [EncoderBlock.from_torch(layer) for layer in encoder.layers]
        if not blocks:
            raise ValueError("an encoder has one block or more, not 0")
        first = blocks[0].attention
        own = cls(1, first.d_model, first.heads, final_norm=False, dtype=first.W_O.dtype)
        own.blocks = nn.ModuleList(blocks)
        own.norm = None if encoder.norm is None else LayerNorm.from_torch(encoder.norm)
        return own

    def to_torch(self) -> nn.TransformerEncoder:
        """PyTorch's encoder with copies of these weights, ``batch_first`` and without dropout.

        Raises:
            ValueError: if PyTorch's encoder has no such form (:meth:`EncoderBlock.to_torch`).
        """
        layers = [block.to_torch() for block in self.blocks]
        # Nested tensors would set the vectors at padding to 0.
        encoder = nn.TransformerEncoder(layers[0], len(layers), enable_nested_tensor=False)
        encoder.layers = nn.ModuleList(layers)
        encoder.norm = None if self.norm is None else self.norm.to_torch()
        return encoder


Layer = TypeVar("Layer", nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def torch_layer(
    kind: type[Layer],
    order: Order,
    attention: MultiHeadAttention,
    feed_forward: FeedForward,
    norm: LayerNorm | RMSNorm,
) -> Layer:
    """A layer of PyTorch, ``batch_first`` and without dropout, for the parts of a block; it has its feed-forward weights.

    Args:
        kind: the class of the layer.
        order: where its normalisations stand.
        attention: gives D, H and the type of the weights.
        feed_forward: copied.
        norm: one of the block's normalisations; the layer gets new ones, as it does attentions.

    Raises:
        ValueError: if PyTorch's layer has no such form: RMSNorm, another activation than ReLU or the exact GELU.
    """
    if isinstance(norm, RMSNorm):
        raise ValueError(f"nn.{kind.__name__} has LayerNorm, not RMSNorm")
    if feed_forward.activation not in ("relu", "gelu"):
        # The approximation of GELU could only be given as a module, which PyTorch's layers lose or ignore in silence.
        raise ValueError(f"nn.{kind.__name__} has ReLU or the exact GELU, not {feed_forward.activation}")
    layer = kind(
        attention.d_model,
        attention.heads,
        feed_forward.d_ff,
        dropout=0.0,
        activation=feed_forward.activation,
        batch_first=True,
        norm_first=order == "pre",
        dtype=attention.W_O.dtype,
    )
    layer.linear1, _, layer.linear2 = feed_forward.to_torch()
    return layer
