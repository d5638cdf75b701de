"""GPT: a stack of blocks with a causal mask, and nothing else; lesson 08 builds it.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.1; Radford et al. 2019, "Language
Models are Unsupervised Multitask Learners", section 2.3, for the order "pre" and the last normalisation. A decoder block
without its cross-attention is an encoder block with a causal mask, so the stack is :class:`course_lib.encoder.Encoder`.

Shapes use the course's letters: B texts, T tokens, D the size of a token's vector, H heads, L blocks, n_vocab tokens in the
vocabulary. There is no dropout, see :mod:`course_lib.encoder`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from course_lib.attention import causal_mask
from course_lib.decoder import attend_to, keys_and_values
from course_lib.encoder import Encoder
from course_lib.feed_forward import Activation

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

INITIAL = 0.02
"""The standard deviation of initial embeddings and positions (Radford et al. 2018, section 4.1)."""


@dataclass
class Cache:
    """The keys and values of all blocks, with room for the whole text, so that a step computes those of new tokens alone.

    Attributes:
        keys, values: (L, B, H, longest, d_k); filled up to ``length``.
        length: how many tokens are there.
    """

    keys: Tensor
    values: Tensor
    length: int = 0


class GPT(nn.Module):
    """Token embeddings plus learned positions, L pre-norm blocks under a causal mask, LayerNorm, tied read-out.

    Args:
        vocabulary: n_vocab.
        longest: how many tokens a text may have, the size of the table of positions.
        d_model, heads, layers, d_ff: D, H, L, and the size of a feed-forward layer's hidden vector, 4D by default.
        activation, eps, bias: see :class:`course_lib.encoder.Encoder`; GPT-2's by default.
        spread: the standard deviation of the initial token embeddings. With that of the positions, as in the paper, the
            words have an equal share in the sum; narrow models learn sooner which words go together if they have more.
        generator: source of the initial weights: embeddings, positions, blocks.
        dtype: of the weights.

    Attributes:
        embedding: (n_vocab, D), the read-out too.
        positions: (longest, D).
        stack: the blocks and the last LayerNorm.

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
        activation: Activation = "gelu_tanh",
        eps: float = 1e-5,
        bias: bool = True,
        spread: float = INITIAL,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if min(vocabulary, longest) < 1:
            raise ValueError(f"a GPT knows one token and one position or more, not {vocabulary} and {longest}")
        self.embedding, self.positions = (
            nn.Parameter((torch.randn(rows, d_model, generator=generator, dtype=torch.float64) * deviation).to(dtype))
            for rows, deviation in ((vocabulary, spread), (longest, INITIAL))
        )
        self.stack = Encoder(
            layers, d_model, heads, d_ff, activation=activation, eps=eps, bias=bias, generator=generator, dtype=dtype
        )

    @property
    def longest(self) -> int:
        """How many tokens a text may have."""
        return len(self.positions)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """The logits of the next token at every place.

        Args:
            ids: (B, T).
            mask: boolean, broadcastable to (B, H, T, T), in the place of the causal one.

        Returns:
            (B, T, n_vocab).

        Raises:
            ValueError: if the text is longer than the table of positions, or the mask is not boolean.
        """
        return self.trace(ids, mask)[0]

    def trace(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """The logits, and the attention weights (B, H, T, T) of each block. Arguments and errors as :meth:`forward`."""
        x, weights = self._through(ids, mask)
        return x @ self.embedding.T, weights

    def vectors(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """The vectors (B, T, D) after the last LayerNorm, which the read-out meets. Arguments and errors as :meth:`forward`."""
        return self._through(ids, mask)[0]

    def _through(self, ids: Tensor, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        return self.stack(self._embedded(ids, 0), causal_mask(ids.shape[-1]) if mask is None else mask)

    def _embedded(self, ids: Tensor, start: int) -> Tensor:
        stop = start + ids.shape[-1]
        if stop > self.longest:
            raise ValueError(f"a text of {stop} tokens, but there are {self.longest} positions")
        return self.embedding[ids] + self.positions[start:stop]

    # ---------------------------------------------------------------------------------------------- token after token

    def start(self, batch: int = 1, longest: int | None = None) -> Cache:
        """An empty cache for ``batch`` texts of at most ``longest`` tokens."""
        attention = self.stack.blocks[0].attention
        shape = (len(self.stack.blocks), batch, attention.kv_heads, longest or self.longest, attention.d_k)
        return Cache(self.embedding.new_zeros(shape), self.embedding.new_zeros(shape))

    @torch.no_grad()
    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """The logits at new tokens alone, without gradients; their keys and values go into the cache.

        With the whole prompt as new tokens this is *prefill*, with one token it is a step of *decoding* (Pope et al. 2022,
        "Efficiently Scaling Transformer Inference", section 2.1).

        Args:
            ids: (B, T_new), the tokens after those of the cache.
            cache: changed in place.

        Returns:
            (B, T_new, n_vocab): the last T_new rows of what :meth:`forward` gives for the whole text.

        Raises:
            ValueError: if the text becomes longer than the table of positions or the cache.
        """
        start, stop = cache.length, cache.length + ids.shape[-1]
        if stop > cache.keys.shape[-2]:
            raise ValueError(f"a text of {stop} tokens, but the cache has room for {cache.keys.shape[-2]}")
        x = self._embedded(ids, start)
        mask = causal_mask(stop)[start:] if stop - start > 1 else None  # a single new token sees everything
        for block, keys, values in zip(self.stack.blocks, cache.keys, cache.values, strict=True):
            y = block.norm_1(x)
            keys[..., start:stop, :], values[..., start:stop, :] = keys_and_values(block.attention, y)
            x = x + attend_to(block.attention, y, keys[..., :stop, :], values[..., :stop, :], mask)[0]
            x = x + block.feed_forward(block.norm_2(x))
        cache.length = stop
        return self.stack.norm(x) @ self.embedding.T

    @torch.no_grad()
    def generate(
        self,
        prompt: Tensor,
        count: int,
        choose: Callable[[Tensor], Tensor] | None = None,
        *,
        stop: int | None = None,
    ) -> Tensor:
        """Write on: prefill, then one token after another.

        Args:
            prompt: (B, T), one token or more.
            count: how many tokens are written at most.
            choose: from logits (B, n_vocab) to ids (B,); the most probable token by default.
            stop: a token after which a text is finished; the rest of its row is filled with it.

        Returns:
            the new tokens (B, at most ``count``): fewer if all texts are finished.

        Raises:
            ValueError: if there is no prompt, or the text becomes longer than the table of positions.
        """
        if prompt.shape[-1] < 1:
            raise ValueError("there is nothing to continue: give one token at least")
        choose = choose or (lambda logits: logits.argmax(dim=-1))
        cache = self.start(len(prompt), prompt.shape[-1] + count)
        written, new = [], prompt
        finished = torch.zeros(len(prompt), dtype=torch.bool)
        for _ in range(count):
            following = choose(self.step(new, cache)[:, -1])
            if stop is not None:
                following = torch.where(finished, stop, following)
                finished |= following == stop
            written.append(following)
            new = following[:, None]
            if stop is not None and finished.all():
                break
        return torch.stack(written, dim=1) if written else prompt[:, :0]

    # -------------------------------------------------------------------------------------------------- from and to others

    @classmethod
    def from_transformers(cls, model: GPT2LMHeadModel) -> Self:
        """The same function as the ``transformers`` library's GPT-2 computes without dropout, with copies of its weights.

        Raises:
            ValueError: if its configuration asks for something that this class has not.
        """
        from course_lib import pretrained

        return pretrained.gpt_from_state(model.config.to_dict(), model.state_dict())

    def to_transformers(self) -> GPT2LMHeadModel:
        """The ``transformers`` library's GPT-2 with copies of these weights and without dropout.

        Raises:
            ValueError: if GPT-2 has no such form.
        """
        from course_lib import pretrained

        return pretrained.gpt_to_transformers(self)

    @classmethod
    def from_pretrained(cls, name: str | os.PathLike[str]) -> Self:
        """A model from a folder with ``config.json`` and ``model.safetensors``, or one of the Hugging Face hub by its name.

        Raises:
            ValueError: if it is no GPT-2, or damaged.
            FileNotFoundError: if the folder lacks a file.
            ConnectionError: if a name was given and the hub cannot be reached.
        """
        from course_lib import pretrained

        return pretrained.load_gpt(name)

    def save_pretrained(self, folder: str | os.PathLike[str], config: Mapping[str, Any] | None = None) -> None:
        """Write ``config.json`` and ``model.safetensors``, from which :meth:`from_pretrained` and ``transformers`` read it.

        Args:
            folder: made if it is not there.
            config: further entries of the configuration, as ``{"eos_token_id": 0}``.

        Raises:
            ValueError: if GPT-2 has no such form.
            OSError: if it cannot be written.
        """
        from course_lib import pretrained

        pretrained.save_gpt(self, folder, config or {})
