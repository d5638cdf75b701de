"""The transformer that translates: embeddings, positions, encoder, decoder, read-out, and two ways of writing with it.

Vaswani et al. 2017, "Attention Is All You Need", section 3; lesson 07 builds and trains it. Shapes use the course's letters:
B texts in a batch, T tokens of the text that is written, T_s of the text that is read, D the size of a token's vector, n
the size of the vocabulary that is written. Texts are ids, padded behind their end with any id: lengths tell where it is.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.attention import causal_mask, padding_mask
from course_lib.decoder import Decoder, DecoderCache
from course_lib.encoder import Encoder, Order
from course_lib.feed_forward import Activation
from course_lib.positions import LearnedPositions, frequencies, sinusoidal_table

Positions = Literal["sinusoidal", "learned", "none"]


class Transformer(nn.Module):
    """From the ids of a text and of the beginning of its translation to the logits of each next token.

    A token's vector is √D times a row of an embedding (section 3.4), plus its position (section 3.5). The paper gives no
    reason for the factor; this is one. Tied, a matrix has two tasks (Press & Wolf 2017, "Using the Output Embedding to
    Improve Language Models", section 3): as the read-out it meets vectors of length √D, so that rows of length 1 give logits
    of variance 1; as the embedding its rows should have length √D, or the positions, sinusoids of length √(D/2), would
    drown them. The factor serves both. Untied it stays, so that nothing else differs.

    Args:
        source_vocabulary: how many tokens may be read.
        target_vocabulary: n, how many may be written.
        d_model: D.
        heads: H, a divisor of D.
        d_ff: the size of the hidden vector of each feed-forward layer; 4D if None.
        encoder_layers, decoder_layers: how many blocks.
        norm: "pre", with a last normalisation in encoder and decoder, or "post", without.
        activation: of the feed-forward layers.
        positions: "sinusoidal", "learned" (a table for each side) or "none".
        longest: T_max of the learned tables.
        tied: whether the read-out is the transposed target embedding, or a matrix of its own.
        generator: source of the initial weights: embeddings, encoder, decoder, read-out, positions.
        dtype: of the weights.

    Attributes:
        source_embedding: (source_vocabulary, D), drawn with standard deviation 1/√D; target_embedding: (n, D), likewise.
        encoder, decoder: the blocks.
        read_out: (D, n), drawn with standard deviation 1/√D; None when tied.
        source_positions, target_positions: the learned tables, or None.

    Raises:
        ValueError: if an option is unknown, a number less than 1, D no multiple of H, or odd with sinusoids.
    """

    def __init__(
        self,
        source_vocabulary: int,
        target_vocabulary: int,
        d_model: int,
        heads: int,
        d_ff: int | None,
        encoder_layers: int,
        decoder_layers: int,
        *,
        norm: Order = "pre",
        activation: Activation = "relu",
        positions: Positions = "sinusoidal",
        longest: int = 64,
        tied: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if positions not in ("sinusoidal", "learned", "none"):
            raise ValueError(f"unknown positions {positions!r}: use 'sinusoidal', 'learned' or 'none'")
        if positions == "sinusoidal":
            frequencies(d_model)  # refuses an odd D at once
        if min(source_vocabulary, target_vocabulary, longest) < 1:
            raise ValueError("both vocabularies and the tables of positions need one row or more")
        self.positions = positions

        def matrix(rows: int, columns: int) -> nn.Parameter:
            drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64) / math.sqrt(d_model)
            return nn.Parameter(drawn.to(dtype))

        self.source_embedding = matrix(source_vocabulary, d_model)
        self.target_embedding = matrix(target_vocabulary, d_model)
        options = {"norm": norm, "activation": activation, "generator": generator, "dtype": dtype}
        self.encoder = Encoder(encoder_layers, d_model, heads, d_ff, **options)
        self.decoder = Decoder(decoder_layers, d_model, heads, d_ff, **options)
        self.register_parameter("read_out", None if tied else matrix(d_model, target_vocabulary))
        self.source_positions, self.target_positions = (
            LearnedPositions(longest, d_model, generator=generator, dtype=dtype) if positions == "learned" else None
            for _ in range(2)
        )

    @property
    def tied(self) -> bool:
        """Whether the read-out is the target embedding."""
        return self.read_out is None

    def forward(
        self, source: Tensor, source_lengths: Tensor | None, target_in: Tensor, target_lengths: Tensor | None
    ) -> Tensor:
        """The logits of every next token, each from the source and the tokens up to its own place.

        Args:
            source: (B, T_s), ids.
            source_lengths: (B,), without padding; None where there is none.
            target_in: (B, T), ids: the start token, then the translation but for its last token.
            target_lengths: (B,), or None.

        Returns:
            (B, T, n). Logits at padding mean nothing.

        Raises:
            ValueError: if ids or lengths do not fit, or a text is longer than a learned table.
        """
        memory, _ = self.encode(source, source_lengths)
        return self.decode(memory, source_lengths, target_in, target_lengths)[0]

    def encode(self, source: Tensor, source_lengths: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """ids (B, T_s) → the memory (B, T_s, D), and the encoder's attention weights (B, H, T_s, T_s) of each block.

        Arguments and errors as in :meth:`forward`.
        """
        x = self._vectors("source", source)
        return self.encoder(x, _mask(source_lengths, *source.shape))

    def decode(
        self,
        memory: Tensor,
        source_lengths: Tensor | None,
        target_in: Tensor,
        target_lengths: Tensor | None = None,
        *,
        causal: bool = True,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The logits, given the memory.

        Args:
            memory: (B, T_s, D), from :meth:`encode`.
            causal: whether later tokens are hidden. A model that may look at them learns to copy the next token instead
                of predicting it: an experiment of the lesson.

        Other arguments and errors as in :meth:`forward`.

        Returns:
            logits (B, T, n), and for each block the weights of self-attention (B, H, T, T) and of cross-attention
            (B, H, T, T_s).
        """
        x = self._vectors("target", target_in)
        mask = _mask(target_lengths, *target_in.shape)
        if causal:
            triangle = causal_mask(target_in.shape[1])
            mask = triangle if mask is None else mask & triangle
        x, own, across = self.decoder(x, memory, mask, _mask(source_lengths, *memory.shape[:2]))
        return self._logits(x), own, across

    def _vectors(self, side: str, ids: Tensor, start: int = 0) -> Tensor:
        """ids (B, T) at the positions start, start + 1, … → what encoder or decoder begins with, (B, T, D)."""
        embedding = getattr(self, f"{side}_embedding")
        if ids.ndim != 2 or ids.dtype != torch.int64:
            raise ValueError(f"the {side} must be ids (B, T) of type int64, not {ids.dtype} {tuple(ids.shape)}")
        if ids.numel() and not 0 <= ids.min() <= ids.max() < len(embedding):  # −1 would pick the last row
            raise ValueError(f"the {side} has ids from {ids.min()} to {ids.max()}, its vocabulary {len(embedding)}")
        x = embedding[ids] * math.sqrt(embedding.shape[1])
        if self.positions == "sinusoidal":
            return x + sinusoidal_table(start + x.shape[1], x.shape[2], dtype=x.dtype)[start:]
        if self.positions == "learned":
            # The table counts from 0: zeros stand in for the tokens before.
            return getattr(self, f"{side}_positions")(F.pad(x, (0, 0, start, 0)))[:, start:]
        return x

    def _logits(self, x: Tensor) -> Tensor:
        return x @ (self.target_embedding.mT if self.tied else self.read_out)

    # ------------------------------------------------------------------------------------------------------- writing

    def start(self, source: Tensor, source_lengths: Tensor | None = None) -> DecoderCache:
        """A cache for :meth:`step`: the sources are read, nothing is written yet. Arguments and errors as in :meth:`encode`."""
        memory, _ = self.encode(source, source_lengths)
        return self.decoder.start(memory, _mask(source_lengths, *source.shape))

    def step(self, ids: Tensor, cache: DecoderCache) -> Tensor:
        """The logits after new tokens: the last rows of what :meth:`decode` gives for all tokens so far.

        Args:
            ids: (B, T_new), the tokens after those of the cache; at first the start token.
            cache: the new tokens are added to it.

        Returns:
            (B, T_new, n).

        Raises:
            ValueError: if ids or cache do not fit, or the text grows longer than a learned table.
        """
        return self._logits(self.decoder.step(self._vectors("target", ids, cache.length), cache)[0])

    @torch.no_grad()
    def greedy(
        self, source: Tensor, source_lengths: Tensor | None, start: int, stop: int, max_length: int
    ) -> list[list[int]]:
        """Translations in which every token is the most probable one after those before it (of equals the first).

        Args:
            source: (B, T_s), ids.
            source_lengths: (B,), or None.
            start: the id that every translation begins with.
            stop: the id that ends it.
            max_length: how many tokens are written at most, the stop token among them.

        Returns:
            for each text the ids without the start token, with the stop token: where it is missing, the text was cut.

        Raises:
            ValueError: if an argument does not fit.
        """
        self._check_writing(start, stop, max_length)
        cache = self.start(source, source_lengths)
        last, written = torch.full((len(source), 1), start), []
        unfinished = torch.ones(len(source), 1, dtype=torch.bool)
        while unfinished.any() and len(written) < max_length:
            last = self.step(last, cache)[:, -1].argmax(-1, keepdim=True)
            written.append(last)
            unfinished &= last != stop
        texts = torch.cat(written, dim=1).tolist()
        return [text[: text.index(stop) + 1] if stop in text else text for text in texts]

    @torch.no_grad()
    def beam(
        self,
        source: Tensor,
        source_lengths: Tensor | None,
        start: int,
        stop: int,
        max_length: int,
        *,
        width: int,
        length_penalty: float = 0.0,
    ) -> list[list[int]]:
        """Translations with a high probability as a whole, as far as beam search finds them.

        At every length the ``width`` most probable texts are kept. Those that end are put aside, the others grow by a token.
        The answer is the text with the highest log P / lp (:func:`penalty`) among those that ended. A text is given up
        once it could not win any more even if all its next tokens were certain, which changes no answer.

        Args:
            width: how many texts are kept; 1 is greedy search.
            length_penalty: α ≥ 0. At 0 the most probable text wins, which favours short ones: every token makes a text less
                probable.

        Other arguments, the answer and errors as in :meth:`greedy`. Where no text has ended after ``max_length`` tokens, the
        most probable one is given, cut.
        """
        self._check_writing(start, stop, max_length)
        if width < 1 or not length_penalty >= 0:
            raise ValueError(f"width must be 1 or more and length_penalty 0 or more, not {width} and {length_penalty}")
        n, batch = len(self.target_embedding), len(source)
        first = torch.arange(batch)[:, None] * width  # where each source's texts begin among the rows of the cache
        cache = self.start(source, source_lengths).select(torch.arange(batch).repeat_interleave(width))
        texts = torch.full((batch, width, 1), start)
        # All begin alike: only one may go on, or the beam would hold every text several times.
        total = torch.full((batch, width), -math.inf, dtype=torch.float64)
        total[:, 0] = 0
        best: list[tuple[float, list[int]]] = [(-math.inf, [])] * batch
        for length in range(1, max_length + 1):
            logits = self.step(texts[..., -1].reshape(-1, 1), cache)[:, -1].double()
            grown = total[..., None] + logits.log_softmax(-1).unflatten(0, (batch, width))
            # Sorted stably and not by topk, whose choice among equals is left open.
            total, chosen = (part[:, :width] for part in grown.flatten(1).sort(dim=1, descending=True, stable=True))
            parent, token = chosen // n, chosen % n
            texts = torch.cat([texts.take_along_dim(parent[..., None], dim=1), token[..., None]], dim=2)
            ended = token == stop
            for row, place in (ended & (total > -math.inf)).nonzero().tolist():
                score = total[row, place].item() / penalty(length, length_penalty)
                if score > best[row][0]:
                    best[row] = (score, texts[row, place, 1:].tolist())
            # A text's log P only falls, and no divisor is larger than that of max_length.
            reachable = total / penalty(max_length, length_penalty)
            reached = torch.tensor([score for score, _ in best], dtype=torch.float64)[:, None]
            total = total.masked_fill(ended | (reachable <= reached), -math.inf)
            if (total == -math.inf).all():
                break
            cache = cache.select((first + parent).flatten())
        cut = texts[torch.arange(batch), total.argmax(1), 1:].tolist()
        return [text or other for (_, text), other in zip(best, cut, strict=True)]

    def _check_writing(self, start: int, stop: int, max_length: int) -> None:
        n = len(self.target_embedding)
        if not (0 <= start < n and 0 <= stop < n):
            raise ValueError(f"the start token {start} or the stop token {stop} is not among the {n} tokens")
        if max_length < 1:
            raise ValueError(f"max_length must be 1 or more, not {max_length}")

    # -------------------------------------------------------------------------------------------- from and to torch

    @classmethod
    def from_torch(
        cls,
        core: nn.Transformer,
        source_embedding: nn.Embedding,
        target_embedding: nn.Embedding,
        read_out: nn.Linear,
        *,
        positions: Positions = "sinusoidal",
    ) -> Self:
        """The same function as PyTorch's modules compute one after another, with copies of their weights.

        ``core(√D · source_embedding(source) + positions, …)`` and then ``read_out``, without dropout. It is tied if
        ``read_out.weight`` is ``target_embedding.weight``, one object.

        Args:
            positions: "sinusoidal" or "none": PyTorch has no module of learned ones.

        Raises:
            ValueError: for learned positions, a read-out with a bias, sizes that do not fit, or parts without a counterpart
                (:meth:`course_lib.encoder.Encoder.from_torch`, :meth:`course_lib.decoder.Decoder.from_torch`).
        """
        if positions == "learned":
            raise ValueError("nn.Transformer has no learned positions to copy")
        if read_out.bias is not None:
            raise ValueError("the read-out has no bias here")
        encoder, decoder = Encoder.from_torch(core.encoder), Decoder.from_torch(core.decoder)
        (source_size, d_model), dtype = source_embedding.weight.shape, source_embedding.weight.dtype
        size, heads = len(target_embedding.weight), core.nhead
        shapes = [tuple(part.weight.shape) for part in (source_embedding, target_embedding, read_out)]
        if shapes != [(source_size, core.d_model), (size, core.d_model), (size, core.d_model)]:
            raise ValueError(f"weights of shapes {shapes} do not fit an nn.Transformer of D = {core.d_model}")
        tied = read_out.weight is target_embedding.weight
        own = cls(source_size, size, d_model, heads, 1, 1, 1, positions=positions, tied=tied, dtype=dtype)
        own.encoder, own.decoder = encoder, decoder
        with torch.no_grad():
            own.source_embedding.copy_(source_embedding.weight)
            own.target_embedding.copy_(target_embedding.weight)
            if not tied:
                own.read_out.copy_(read_out.weight.T)
        return own

    def to_torch(self) -> tuple[nn.Transformer, nn.Embedding, nn.Embedding, nn.Linear]:
        """PyTorch's modules with copies of these weights, ``batch_first`` and without dropout, see :meth:`from_torch`.

        Positions and the factor √D are no part of them. If tied, the read-out and the target embedding share their weight.

        Raises:
            ValueError: if PyTorch's modules have no such form.
        """
        encoder, decoder = self.encoder.to_torch(), self.decoder.to_torch()
        heads = self.encoder.blocks[0].attention.heads
        d_model, dtype = self.source_embedding.shape[1], self.source_embedding.dtype
        # Put in afterwards: whatever nn.Transformer is given, it draws all weights anew.
        core = nn.Transformer(
            d_model, heads, custom_encoder=nn.Identity(), custom_decoder=nn.Identity(), batch_first=True
        )
        core.encoder, core.decoder = encoder, decoder
        embeddings = []
        for weight in (self.source_embedding, self.target_embedding):
            embeddings.append(nn.Embedding.from_pretrained(weight.detach().clone(), freeze=False))
        read_out = nn.Linear(d_model, len(self.target_embedding), bias=False, dtype=dtype)
        if self.tied:
            read_out.weight = embeddings[1].weight
        else:
            with torch.no_grad():
                read_out.weight.copy_(self.read_out.T)
        return core, *embeddings, read_out


def penalty(length: int, alpha: float) -> float:
    """lp(Y) = ((5 + |Y|) / 6)^α: beam search divides log P(Y | X) by it. |Y| counts the stop token.

    Wu et al. 2016, "Google's Neural Machine Translation System", section 7, equation 14, without the term for coverage.
    """
    return ((5 + length) / 6) ** alpha


def _mask(lengths: Tensor | None, batch: int, longest: int) -> Tensor | None:
    """(B, 1, 1, T), True at tokens; None if there is no padding to hide.

    Raises:
        ValueError: if there is not one length of 1 … T for each text.
    """
    if lengths is None:
        return None
    if lengths.shape != (batch,) or (batch and not 1 <= lengths.min() <= lengths.max() <= longest):
        raise ValueError(f"there must be {batch} lengths, each from 1 to {longest}, not {lengths.tolist()}")
    return padding_mask(lengths, longest)[:, None]
