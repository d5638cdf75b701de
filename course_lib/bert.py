"""BERT: an encoder with three heads; lesson 08 builds it.

Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", section 3. Shapes use
the course's letters: B texts, T tokens, D the size of a token's vector, H heads, L blocks, n_vocab tokens in the vocabulary.
Leading dimensions are written ``...``. There is no dropout, see :mod:`course_lib.encoder`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from course_lib.attention import padding_mask
from course_lib.encoder import Encoder
from course_lib.feed_forward import Activation, gelu
from course_lib.multi_head import affine
from course_lib.normalisation import LayerNorm

if TYPE_CHECKING:
    from transformers import BertForPreTraining

INITIAL = 0.02
"""The standard deviation of the initial embeddings (Devlin et al. 2019, in the code published with it)."""


class BERT(nn.Module):
    """Token, segment and position embeddings, added and normalised; L post-norm blocks without a causal mask; the heads.

    Devlin et al. 2019, section 3 and figure 2.

    Args:
        vocabulary: n_vocab.
        longest: how many tokens a text may have, the size of the table of positions.
        d_model, heads, layers, d_ff: D, H, L, and the size of a feed-forward layer's hidden vector, 4D by default.
        segments: how many segments can be told apart.
        activation, eps: see :class:`course_lib.encoder.Encoder`; BERT's by default.
        spread: the standard deviation of the initial token embeddings. With that of the positions, as in the paper, the
            words have an equal share in the sum; narrow models learn sooner which words go together if they have more.
        generator: source of the initial weights: embeddings, positions, segments, blocks, heads.
        dtype: of the weights.

    Attributes:
        embedding: (n_vocab, D); positions: (longest, D); segments: (segments, D).
        norm: LayerNorm of their sum.
        stack: the blocks.
        W_pool, b_pool: (D, D), (D,): the layer over [CLS].
        W_head, b_head, norm_head, b_out: (D, D), (D,), a LayerNorm, (n_vocab,): the head of masked language modelling, whose
            last matrix is ``embedding`` transposed.
        W_next, b_next: (D, 2), (2,): the head of next sentence prediction.

    Raises:
        ValueError: if a size is less than 1, or D no multiple of H.
    """

    def __init__(
        self,
        vocabulary: int,
        longest: int,
        d_model: int,
        heads: int,
        layers: int,
        d_ff: int | None = None,
        *,
        segments: int = 2,
        activation: Activation = "gelu",
        eps: float = 1e-12,
        spread: float = INITIAL,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if min(vocabulary, longest, segments) < 1:
            raise ValueError(
                f"a BERT knows one token, position and segment or more, not {vocabulary}, {longest}, {segments}"
            )

        def drawn(rows: int, columns: int, deviation: float) -> nn.Parameter:
            return nn.Parameter(
                (torch.randn(rows, columns, generator=generator, dtype=torch.float64) * deviation).to(dtype)
            )

        def zeros(size: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(size, dtype=dtype))

        self.embedding, self.positions, self.segments = (
            drawn(rows, d_model, deviation)
            for rows, deviation in ((vocabulary, spread), (longest, INITIAL), (segments, INITIAL))
        )
        self.norm = LayerNorm(d_model, eps, dtype=dtype)
        self.stack = Encoder(
            layers, d_model, heads, d_ff, norm="post", activation=activation, eps=eps, generator=generator, dtype=dtype
        )
        self.W_pool, self.W_head = (drawn(d_model, d_model, d_model**-0.5) for _ in range(2))
        self.W_next = drawn(d_model, 2, d_model**-0.5)
        self.b_pool, self.b_head, self.b_next, self.b_out = map(zeros, (d_model, d_model, 2, vocabulary))
        self.norm_head = LayerNorm(d_model, eps, dtype=dtype)

    @property
    def longest(self) -> int:
        """How many tokens a text may have."""
        return len(self.positions)

    def forward(self, ids: Tensor, segments: Tensor | None = None, lengths: Tensor | None = None) -> Tensor:
        """The vectors of all tokens, each of which has seen the whole text.

        Args:
            ids: (B, T).
            segments: (B, T), which segment each token belongs to; all to segment 0 by default.
            lengths: (B,), the real tokens; padding after them is not looked at.

        Returns:
            (B, T, D).

        Raises:
            ValueError: if the text is longer than the table of positions.
        """
        return self.trace(ids, segments, lengths)[0]

    def trace(
        self, ids: Tensor, segments: Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The vectors, and the attention weights (B, H, T, T) of each block. Arguments and errors as :meth:`forward`."""
        if ids.shape[-1] > self.longest:
            raise ValueError(f"a text of {ids.shape[-1]} tokens, but there are {self.longest} positions")
        segments = torch.zeros_like(ids) if segments is None else segments
        x = self.embedding[ids] + self.segments[segments] + self.positions[: ids.shape[-1]]
        mask = None if lengths is None else padding_mask(lengths, ids.shape[-1])[:, None]
        return self.stack(self.norm(x), mask)

    def pooled(self, vectors: Tensor) -> Tensor:
        """tanh(x W_pool + b_pool) of the first token, [CLS]: (B, T, D) → (B, D)."""
        return torch.tanh(affine(vectors[:, 0], self.W_pool, self.b_pool))

    def masked_logits(self, vectors: Tensor) -> Tensor:
        """The logits of masked language modelling: LayerNorm(GELU(x W_head + b_head)) Eᵀ + b_out; (..., D) → (..., n_vocab).

        Only the vectors of the chosen tokens need be given.
        """
        return affine(self.norm_head(gelu(affine(vectors, self.W_head, self.b_head))), self.embedding.T, self.b_out)

    def next_logits(self, pooled: Tensor) -> Tensor:
        """The logits of next sentence prediction: class 0 is "follows", 1 "another text"; (B, D) → (B, 2)."""
        return affine(pooled, self.W_next, self.b_next)

    # -------------------------------------------------------------------------------------------------- from and to others

    @classmethod
    def from_transformers(cls, model: BertForPreTraining) -> Self:
        """The same function as the ``transformers`` library's BERT computes without dropout, with copies of its weights.

        Raises:
            ValueError: if its configuration asks for something that this class has not.
        """
        from course_lib import pretrained

        return pretrained.bert_from_state(model.config.to_dict(), model.state_dict())

    def to_transformers(self) -> BertForPreTraining:
        """The ``transformers`` library's BERT with copies of these weights and without dropout.

        Raises:
            ValueError: if that library's BERT has no such form.
        """
        from course_lib import pretrained

        return pretrained.bert_to_transformers(self)

    @classmethod
    def from_pretrained(cls, name: str | os.PathLike[str]) -> Self:
        """A model from a folder with ``config.json`` and ``model.safetensors``, or one of the Hugging Face hub by its name.

        Raises:
            ValueError: if it is no BERT with its pre-training heads, or damaged.
            FileNotFoundError: if the folder lacks a file.
            ConnectionError: if a name was given and the hub cannot be reached.
        """
        from course_lib import pretrained

        return pretrained.load_bert(name)

    def save_pretrained(self, folder: str | os.PathLike[str], config: Mapping[str, Any] | None = None) -> None:
        """Write ``config.json`` and ``model.safetensors``, from which :meth:`from_pretrained` and ``transformers`` read it.

        Args:
            folder: made if it is not there.
            config: further entries of the configuration.

        Raises:
            ValueError: if that library's BERT has no such form.
            OSError: if it cannot be written.
        """
        from course_lib import pretrained

        pretrained.save_bert(self, folder, config or {})
