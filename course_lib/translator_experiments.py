"""What lesson 07 measures beside its own small translator: the whole corpus, models without a part, two source languages.

And what the translator is compared with: whoever always says the most frequent pronoun, and whoever sees which words there
are, but not their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import (
    attention,
    decoder,
    encoder,
    feed_forward,
    multi_head,
    normalisation,
    positions,
    training,
    translator_looks,
    translator_model,
    translator_training,
)
from course_lib.corpora import crossing, translation
from course_lib.corpora.crossing import Sentence
from course_lib.corpora.translation import GENDERS
from course_lib.decoder import keys_and_values
from course_lib.multi_head import MultiHeadAttention
from course_lib.results import experiment
from course_lib.translator_looks import alignment_scores, attention_maps, looks_of_it
from course_lib.translator_model import Transformer
from course_lib.translator_training import (
    FULL,
    PAD,
    SMALL,
    Batch,
    Kind,
    batch,
    draw,
    fresh_loss,
    loss,
    scores,
    train,
    unseen,
    untrained,
    write,
    write_slowly,
)

# ---------------------------------------------------------------------------------------------------------- baselines


class BagOfWords(nn.Module):
    """Guesses the pronoun from which English words there are, and not from their order: counts, a hidden layer, three scores.

    Args:
        seed: of the initial weights.
    """

    def __init__(self, seed: int, hidden: int = 128) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def matrix(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=generator, dtype=torch.float64) / rows**0.5)

        self.embedding = matrix(len(translation.vocabulary("en")), hidden)
        self.hidden, self.read = matrix(hidden, hidden), matrix(hidden, len(GENDERS))

    def forward(self, source: Tensor, lengths: Tensor) -> Tensor:
        """ids (B, T_s) → the scores of the three genders (B, 3)."""
        real = (torch.arange(source.shape[1]) < lengths[:, None])[..., None]
        x = torch.relu((self.embedding[source] * real).sum(1))
        return torch.relu(x @ self.hidden) @ self.read


def bag_of_words(kind: Kind, seed: int, steps: int = 1000, size: int = 128, rate: float = 0.01) -> BagOfWords:
    """A trained bag of words."""
    model = BagOfWords(seed)

    def of(step: int) -> Tensor:
        sentences = draw(size, seed=1_000_003 * seed + step, kind=kind)
        wanted = torch.tensor([GENDERS.index(translation.translate(one).gender) for one in sentences])
        return F.cross_entropy(model(*batch(sentences)[:2]), wanted)

    training.minimise(of, model.parameters(), steps=steps, rate=rate)
    return model


def guesses(model: BagOfWords | None, kind: Kind, sentences: Sequence[Sentence]) -> float:
    """The share of right genders of the pronoun where the nouns differ in gender: of the bag, or of always the most frequent."""
    counted = [one for one in sentences if translation.gender_differs(one)]
    wanted = [GENDERS.index(translation.translate(one).gender) for one in counted]
    if model is None:
        guess = GENDERS.index(translation.majority_gender(kind))
        return fmean(guess == one for one in wanted)
    with torch.no_grad():
        said = model(*batch(counted)[:2]).argmax(-1).tolist()
    return fmean(a == b for a, b in zip(said, wanted, strict=True))


# ------------------------------------------------------------------------------------------------------ without a part


class WithoutMask(Transformer):
    """Every target token may look at all others in training; whoever writes has only those before."""

    def decode(self, *args, **options):  # noqa: ANN002, ANN003, D102
        return super().decode(*args, **options, causal=False)


class LateMask(MultiHeadAttention):
    """Softmax over all keys, and only then the weights of the hidden ones set to zero: the rows sum to less than 1."""

    def attend(self, x: Tensor, y: Tensor | None = None, mask: Tensor | None = None, **options):  # noqa: ANN003, ANN201
        """See :meth:`course_lib.multi_head.MultiHeadAttention.attend`."""
        if mask is None:
            return super().attend(x, y, **options)
        there = mask.any(dim=-2, keepdim=True)  # hidden from everyone: padding, not a later token
        _, weights = super().attend(x, y, there, **options)
        weights = weights * mask
        return weights @ keys_and_values(self, x if y is None else y)[1], weights


WINDOW = 3
"""How many tokens a token of :class:`Windowed` sees, itself among them."""


class NearAttention(MultiHeadAttention):
    """A query sees its own token and the WINDOW − 1 before it, no matter how many the mask would let it see."""

    def attend(self, x: Tensor, y: Tensor | None = None, mask: Tensor | None = None, **options):  # noqa: ANN003, ANN201
        """See :meth:`course_lib.multi_head.MultiHeadAttention.attend`."""
        near = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril().triu(1 - WINDOW)
        return super().attend(x, y, near if mask is None else mask & near, **options)


class MaskAfterSoftmax(Transformer):
    """The mask of the decoder's self-attention comes after softmax."""

    def __init__(self, *args, **options) -> None:  # noqa: ANN002, ANN003
        super().__init__(*args, **options)
        for block in self.decoder.blocks:
            block.self_attention.__class__ = LateMask


class Windowed(Transformer):
    """A token that is written sees the last WINDOW tokens alone."""

    def __init__(self, *args, **options) -> None:  # noqa: ANN002, ANN003
        super().__init__(*args, **options)
        for block in self.decoder.blocks:
            block.self_attention.__class__ = NearAttention


class WithoutSourcePositions(Transformer):
    """The encoder does not know where a token stands: it reads a set of words."""

    def _vectors(self, side: str, ids: Tensor, start: int = 0) -> Tensor:
        if side == "target":
            return super()._vectors(side, ids, start)
        return self.source_embedding[ids] * self.source_embedding.shape[1] ** 0.5


class WithoutCrossAttention(Transformer):
    """The memory is zero whatever the source: cross-attention has nothing to tell."""

    def encode(self, source: Tensor, source_lengths: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """See :meth:`course_lib.translator_model.Transformer.encode`."""
        memory, weights = super().encode(source, source_lengths)
        return torch.zeros_like(memory), weights


WITHOUT: dict[str, type[Transformer]] = {
    "mask": WithoutMask,
    "mask before softmax": MaskAfterSoftmax,
    "distant tokens": Windowed,
    "source positions": WithoutSourcePositions,
    "cross-attention": WithoutCrossAttention,
}

MODEL = (
    *(attention, decoder, encoder, feed_forward, multi_head, normalisation, positions, training, translator_model),
    *(crossing, translation, translator_training),
)
"""What all experiments below use."""


def _judged(model: Transformer, how: Callable[..., list] = write, **options) -> dict[str, float]:  # noqa: ANN003
    """The scores on unseen pairs of nouns, for sentences with a place and with two agents."""
    found = {}
    for kind in ("place", "roles"):
        sentences = unseen(kind)
        for name, value in scores(how(model, batch(sentences), **options), sentences)._asdict().items():
            found[f"{name}, {kind}"] = value
    return found


@experiment(
    "translator",
    seeds=(0, 1, 2),
    depends=(*MODEL, translator_looks, _judged, guesses, bag_of_words, BagOfWords, GENDERS),
    tolerance=3e-2,
)
def full_translator(seed: int) -> dict[str, float]:
    """The whole corpus: scores of greedy and beam search on unseen pairs of nouns, baselines, loss, alignment."""
    torch.set_num_threads(1)
    model = untrained(FULL, seed)
    train(model, FULL, seed)
    found = {"loss": fresh_loss(model, "both")} | _judged(model)
    found |= {f"beam {name}": value for name, value in _judged(model, width=4, length_penalty=0.6).items()}
    for kind in ("place", "roles"):
        sentences = unseen(kind)
        found[f"bag, {kind}"] = guesses(bag_of_words(kind, seed), kind, sentences)
        found[f"majority, {kind}"] = guesses(None, kind, sentences)
        own, _, across = attention_maps(model, batch(sentences))
        for number, maps in enumerate(own, start=1):
            to_referent, to_other = looks_of_it(maps, sentences)
            found |= {f"it to referent, {kind}, block {number}": to_referent}
            found |= {f"it to other noun, {kind}, block {number}": to_other}
        for number, maps in enumerate(across, start=1):
            for name, share in alignment_scores(maps, sentences).items():
                found[f"aligned {name}, {kind}, block {number}"] = share
    return found


BRIEF = replace(FULL, steps=900)
"""The whole corpus in fewer steps: enough to see what a part is good for."""


@experiment(
    "translator-without",
    rows=[{"without": name} for name in ("nothing", *WITHOUT)],
    depends=(
        *(*MODEL, _judged, WITHOUT, WithoutMask, LateMask, MaskAfterSoftmax, NearAttention, Windowed, WINDOW, BRIEF),
        *(WithoutSourcePositions, WithoutCrossAttention),
    ),
    tolerance=5e-2,
)
def without_a_part(seed: int, without: str) -> dict[str, float]:
    """The same training without one part: loss on fresh sentences, scores on unseen pairs of nouns."""
    torch.set_num_threads(1)
    model = untrained(BRIEF, seed, WITHOUT.get(without, Transformer))
    train(model, BRIEF, seed)
    return {"loss": fresh_loss(model, "both")} | _judged(model, write_slowly)


# ---------------------------------------------------------------------------------------------- a second source language


def mirrored(of: Batch) -> Batch:
    """The same sentences in another language of the source: every word has another name, and the last word comes first.

    The names are the same ids, which another embedding reads: to a model of its own they have nothing to do with the English
    words.
    """
    places = torch.arange(of.source.shape[1])
    last = of.source_lengths[:, None] - 1
    turned = of.source.take_along_dim((last - places).clamp(min=0), dim=1)
    return of._replace(source=torch.where(places <= last, turned, PAD))


def with_decoder_of(reader: Transformer, writer: Transformer, seed: int) -> Transformer:
    """A model that reads with the encoder of one and writes with the decoder of the other; nothing is copied."""
    model = untrained(SMALL, seed)
    model.source_embedding, model.encoder = reader.source_embedding, reader.encoder
    model.target_embedding, model.decoder = writer.target_embedding, writer.decoder
    return model


@experiment(
    "swapped-encoders",
    rows=[{"trained": name} for name in ("jointly", "separately", "one after the other")],
    seeds=(0, 1, 2),
    depends=(*MODEL, PAD, mirrored, with_decoder_of),
    tolerance=3e-2,
)
def swapped_encoders(seed: int, trained: str) -> dict[str, float]:
    """Two encoders, of English and of its mirror, and one decoder: exact match on unseen pairs of nouns.

    "jointly": both are trained with one decoder. "separately": each with a decoder of its own, and then the second encoder is
    put before the first decoder. "one after the other": the second encoder is trained with the first decoder, which is
    finished and does not change.
    """
    torch.set_num_threads(1)
    first, second = untrained(SMALL, seed), untrained(SMALL, seed + 100)
    sentences = unseen("place")
    if trained == "jointly":
        second = with_decoder_of(second, first, seed)
        every = list({id(one): one for model in (first, second) for one in model.parameters()}.values())
        train(
            first,
            SMALL,
            seed,
            parameters=every,
            of=lambda drawn: (loss(first, drawn) + loss(second, mirrored(drawn))) / 2,
        )
        exchanged = second
    else:
        train(first, SMALL, seed)
        exchanged = with_decoder_of(second, first, seed)
        if trained == "separately":
            train(second, SMALL, seed, of=lambda drawn: loss(second, mirrored(drawn)))
        else:
            reading = [second.source_embedding, *second.encoder.parameters()]
            train(second, SMALL, seed, parameters=reading, of=lambda drawn: loss(exchanged, mirrored(drawn)))
    english = batch(sentences)
    found = {"english": scores(write(first, english), sentences).exact}
    if trained == "separately":
        found["mirror"] = scores(write(second, mirrored(english)), sentences).exact
    return found | {"mirror, first decoder": scores(write(exchanged, mirrored(english)), sentences).exact}
