"""Training and judging the translator of lesson 07: English sentences of the *crossing* corpus into Russian.

Shapes use the course's letters: B sentences in a batch, T tokens that are written, T_s tokens that are read, n the size of
the Russian vocabulary. A target of T tokens is written after the start token and ends with the end token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from statistics import fmean
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import (
    training,
)
from course_lib.corpora import crossing, translation
from course_lib.corpora.crossing import Sentence
from course_lib.corpora.translation import GENDERS
from course_lib.translator_model import Positions, Transformer

PAD, START, END = 0, 1, 2
"""The ids of padding, start and end token in both languages."""
LONGEST = 24
"""How many tokens are written at most; no sentence of the corpus has more."""

Kind = Literal["place", "roles", "both"]
"""Sentences with a place, sentences with two agents, or half of each."""


# ------------------------------------------------------------------------------------------------------------ batches


class Batch(NamedTuple):
    """Sentences and their translations as ids, padded at the end.

    Attributes:
        source: (B, T_s), English.
        source_lengths: (B,).
        target: (B, T + 1), Russian, with the start token and the end token.
        target_lengths: (B,), T + 1 of each sentence.
    """

    source: Tensor
    source_lengths: Tensor
    target: Tensor
    target_lengths: Tensor


def draw(count: int, seed: int, kind: Kind = "place", pairs: str = "train") -> list[Sentence]:
    """``count`` sentences; for "both" first those with two agents. Arguments as :func:`course_lib.corpora.crossing.sentences`."""
    if kind != "both":
        return crossing.sentences(count, seed, kind, pairs)
    agents = crossing.sentences(count // 2, seed, "roles", pairs)
    return agents + crossing.sentences(count - count // 2, seed, "place", pairs)


def batch(sentences: Sequence[Sentence]) -> Batch:
    """The sentences and their translations as numbers."""
    english = translation.encode(sentences, "en", framed=False)
    russian = translation.encode([translation.translate(one) for one in sentences], "ru")
    return Batch(*(torch.from_numpy(part) for part in (*english, *russian)))


def loss(model: Transformer, of: Batch, smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of a target token, given the source and the target tokens before it, in nats.

    Teacher forcing: the tokens before are the right ones, not those that the model would have written.

    Args:
        smoothing: ε of label smoothing: 1 − ε of the target goes to the token, ε to all n in equal parts (Szegedy et al.
            2016, "Rethinking the Inception Architecture for Computer Vision", section 7).
    """
    logits = model(of.source, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)
    wanted = of.target[:, 1:]
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD, label_smoothing=smoothing)


# ----------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Recipe:
    """A model's sizes and how it is trained: Adam, a rate that rises over ``warm_up`` steps and then falls to zero.

    Attributes:
        kind: of the sentences.
        d_model, heads, d_ff: D, H and the size of the hidden vector.
        encoder_layers, decoder_layers: how many blocks, pre-norm.
        positions: see :class:`course_lib.translator_model.Transformer`.
        steps, size: how many batches, and of how many sentences.
        rate, warm_up: the highest learning rate, and after how many steps it is reached.
        dtype: of the weights.
    """

    kind: Kind
    d_model: int
    heads: int
    d_ff: int
    encoder_layers: int
    decoder_layers: int
    positions: Positions
    steps: int
    size: int
    rate: float
    warm_up: int
    dtype: torch.dtype


BETAS, CLIP = (0.9, 0.98), 1.0
"""β₁ and β₂ of Adam (Vaswani et al. 2017, section 5.3), and the largest norm of the gradient."""

SMALL = Recipe("place", 64, 4, 128, 1, 1, "sinusoidal", 350, 64, 0.01, 50, torch.float64)
"""What a lesson can wait for: sentences with a place, one block on each side."""

FULL = Recipe("both", 64, 4, 256, 2, 2, "learned", 2000, 128, 0.002, 100, torch.float32)
"""The whole corpus, two blocks on each side."""


def untrained(recipe: Recipe, seed: int, build: Callable[..., Transformer] = Transformer) -> Transformer:
    """A model with the sizes of a recipe."""
    sizes = (recipe.d_model, recipe.heads, recipe.d_ff, recipe.encoder_layers, recipe.decoder_layers)
    return build(
        len(translation.vocabulary("en")),
        len(translation.vocabulary("ru")),
        *sizes,
        positions=recipe.positions,
        longest=LONGEST,
        generator=torch.Generator().manual_seed(seed),
        dtype=recipe.dtype,
    )


def train(
    model: Transformer,
    recipe: Recipe,
    seed: int,
    *,
    smoothing: float = 0.0,
    of: Callable[[Batch], Tensor] | None = None,
    parameters: Sequence[nn.Parameter] | None = None,
    after: Callable[[int], object] | None = None,
    progress: str | None = None,
) -> list[float]:
    """Train on fresh sentences over training pairs of nouns.

    Args:
        model: what is trained.
        recipe: how.
        seed: of the sentences; every seed draws its own.
        smoothing: see :func:`loss`.
        of: from a batch to its loss, in the place of :func:`loss`.
        parameters: what is trained, if not the whole model.
        after, progress: see :func:`course_lib.training.minimise`.

    Returns:
        the loss of each step, in nats per token.

    Raises:
        Diverged: see :func:`course_lib.training.minimise`.
    """
    of = of or (lambda drawn: loss(model, drawn, smoothing))
    return training.minimise(
        lambda step: of(batch(draw(recipe.size, seed=1_000_003 * seed + step, kind=recipe.kind))),
        model.parameters() if parameters is None else parameters,
        steps=recipe.steps,
        rate=recipe.rate,
        schedule=training.warm(recipe.warm_up, training.falling),
        betas=BETAS,
        clip=CLIP,
        after=after,
        progress=progress,
    )


# ------------------------------------------------------------------------------------------------------------ judging


def unseen(kind: Kind, count: int = 600) -> list[Sentence]:
    """Sentences over pairs of nouns that never stand together in training; always the same."""
    return draw(count, seed=10**6, kind=kind, pairs="held-out")


def write(model: Transformer, of: Batch, *, width: int = 1, length_penalty: float = 0.0) -> list:
    """The model's translations as tuples of tokens, without the end token: greedy, or by beam search of a width."""
    task = (of.source, of.source_lengths, START, END, LONGEST)
    rows = model.greedy(*task) if width == 1 else model.beam(*task, width=width, length_penalty=length_penalty)
    return [translation.decode(row, "ru") for row in rows]


@torch.no_grad()
def write_slowly(model: Transformer, of: Batch) -> list[tuple[str, ...]]:
    """What :func:`write` gives, without a cache: for every token the decoder reads all that was written, as in training."""
    memory, _ = model.encode(of.source, of.source_lengths)
    written = torch.full((len(memory), 1), START)
    while written.shape[1] <= LONGEST:
        following = model.decode(memory, of.source_lengths, written)[0][:, -1].argmax(-1, keepdim=True)
        written = torch.cat([written, following], dim=1)
        if (written == END).any(1).all():
            break
    return [translation.decode(row, "ru") for row in written.tolist()]


@cache
def word_genders() -> dict[str, frozenset[str]]:
    """Which genders a Russian pronoun, past tense or adjective of the corpus can have; no two of its verbs are alike."""
    table = translation.forms()
    found: dict[str, set[str]] = {}
    for entry in (table["pronouns"], *table["past"].values(), *table["adjectives"].values()):
        for one in GENDERS:
            found.setdefault(entry[one], set()).add(one)
    return {word: frozenset(genders) for word, genders in found.items()}


class Scores(NamedTuple):
    """Shares of the translations, 0 … 1.

    Attributes:
        exact: every token is right.
        pronoun: он, она or оно is right, of the sentences whose two nouns differ in gender; the others prove nothing.
        verb: the verb of the main clause agrees with its subject.
        agreement: copula and adjective agree with the pronoun that was *written*, be it right or wrong.
    """

    exact: float
    pronoun: float
    verb: float
    agreement: float


def scores(written: Sequence[tuple[str, ...]], sentences: Sequence[Sentence]) -> Scores:
    """Compare translations with the right ones, word by word.

    A word counts at the place where the right translation has it: a text that goes astray before it is wrong.
    """
    genders = word_genders()

    def at(words: tuple[str, ...], place: int) -> frozenset[str]:
        return genders.get(words[place], frozenset()) if place < len(words) else frozenset()

    exact, pronoun, verb, agreement = [], [], [], []
    for words, sentence in zip(written, sentences, strict=True):
        right = translation.translate(sentence)
        exact.append(words == right.tokens)
        verb.append(right.genders[0] in at(words, right.verb))
        said = at(words, right.pronoun)
        agreement.append(bool(said & at(words, right.copula) & at(words, right.adjective)))
        if right.genders[0] != right.genders[1]:
            pronoun.append(right.gender in said)
    return Scores(*(fmean(one) for one in (exact, pronoun, verb, agreement)))


def least_loss(kind: Kind = "place") -> tuple[float, float]:
    """The smallest expected loss per token, in nats, of a model that reads no source; and of one that does, which is 0.

    The entropy of the Russian sentences over their expected length, the end token counted; Russian is a function of English,
    so that given the source nothing is left to chance.
    """
    kinds = ("place", "roles") if kind == "both" else (kind,)
    # Which half a sentence belongs to is part of its entropy: no sentence belongs to both.
    bits = log(len(kinds)) + fmean(translation.entropy(one, "ru") for one in kinds)
    return bits / fmean(translation.expected_length(one, "ru") for one in kinds), 0.0


def fresh_loss(model: Transformer, kind: Kind, count: int = 1000) -> float:
    """The loss on sentences of the training distribution that training has not drawn, in nats per token."""
    with torch.no_grad():
        return float(loss(model, batch(draw(count, seed=2 * 10**6, kind=kind))))
