"""A task in which only the order of the words decides, for encoders with each way of telling positions; lesson 05.

"The wolf chased the hare because …" and "The hare chased the wolf because …" have the same words. The model is asked at the
verb who acts: the noun before it (:mod:`course_lib.corpora.crossing`, kind ``"roles"``). Before the sentence stand words that say
nothing, more or fewer of them, so that the same sentence is read at other positions, at last at positions that training has
never reached.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import attention, multi_head, positions, training
from course_lib.attention import causal_mask, padding_mask
from course_lib.corpora import crossing
from course_lib.multi_head import MultiHeadAttention
from course_lib.results import experiment

ENCODINGS = ("none", "causal", "learned", "sinusoidal", "rotary", "alibi", "t5")
"""``"causal"`` has no positions either, but a causal mask."""
D, LAYERS, HEADS = 32, 2, 4
TRAINED = 12
"""Words before a sentence, at most, in training."""
LONGEST = 128
"""Rows of the learned table."""
FILLER = tuple(word for opening in crossing.OPENINGS for word in opening)


class OrderReader(nn.Module):
    """Two layers of multi-head attention with residual sums, which name the noun before the verb.

    Args:
        encoding: one of :data:`ENCODINGS`.
        seed: of the initial weights.

    Raises:
        ValueError: for another encoding.
    """

    def __init__(self, encoding: str, seed: int) -> None:
        super().__init__()
        if encoding not in ENCODINGS:
            raise ValueError(f"unknown encoding {encoding!r}: use one of {', '.join(ENCODINGS)}")
        self.encoding = encoding
        generator = torch.Generator().manual_seed(seed)
        words = len(crossing.vocabulary())
        self.embedding = nn.Parameter(torch.randn(words, D, generator=generator, dtype=torch.float64))
        self.layers = nn.ModuleList(MultiHeadAttention(D, HEADS, generator=generator) for _ in range(LAYERS))
        self.read = nn.Parameter(torch.randn(D, words, generator=generator, dtype=torch.float64) / math.sqrt(D))
        self.rotate = positions.rotate if encoding == "rotary" else None
        if encoding == "learned":
            self.table = positions.LearnedPositions(LONGEST, D, generator=generator, std=1.0)
        elif encoding == "t5":
            self.bias = positions.T5Bias(HEADS, generator=generator, std=D**-0.5)

    def forward(self, ids: Tensor, lengths: Tensor, verb: Tensor) -> Tensor:
        """ids (B, T), lengths (B,), verb (B,), the place of the verb → the scores of all words (B, n_vocab).

        Raises:
            ValueError: if the text is longer than a learned table.
        """
        x = self.vectors(ids, padding_mask(lengths, ids.shape[1])[:, None])
        return x[torch.arange(len(ids)), verb] @ self.read

    def vectors(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """ids (B, T) → the vectors (B, T, D) after both layers.

        Args:
            mask: broadcastable to (B, H, T, T), True where a query may look at a key.

        Raises:
            ValueError: if the text is longer than a learned table.
        """
        length = ids.shape[1]
        x, bias = self.embedding[ids], None
        if self.encoding == "learned":
            x = self.table(x)
        elif self.encoding == "sinusoidal":
            x = x + positions.sinusoidal_table(length, D)
        elif self.encoding == "alibi":
            bias = positions.alibi_bias(HEADS, length)
        elif self.encoding == "t5":
            bias = self.bias(length)
        elif self.encoding == "causal":
            mask = causal_mask(length) if mask is None else mask & causal_mask(length)
        for layer in self.layers:
            x = x + layer(x, mask=mask, bias=bias, rotate=self.rotate)[0]
        return x


def behind(texts: Sequence[crossing.Sentence], words: Sequence[int], seed: int) -> list[crossing.Sentence]:
    """The sentences, each behind so many words that say nothing, drawn from :data:`FILLER`."""
    rng = np.random.default_rng(seed)
    moved = []
    for text, count in zip(texts, words, strict=True):
        before = tuple(FILLER[n] for n in rng.integers(len(FILLER), size=count))
        first, second = text.nouns
        moved.append(
            replace(
                text,
                tokens=before + text.tokens,
                it=text.it + count,
                nouns=(first + count, second + count),
                referent=text.referent + count,
                adjective=text.adjective + count,
            )
        )
    return moved


def batch(texts: Sequence[crossing.Sentence]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ids (B, T), lengths (B,), the place (B,) of the verb and the id (B,) of the noun before it."""
    ids, lengths = (torch.from_numpy(a) for a in crossing.encode(texts))
    actor = torch.tensor([text.nouns[0] for text in texts])
    return ids, lengths, actor + 1, ids[torch.arange(len(texts)), actor]


def evenly(rng: np.random.Generator, size: int, most: int = TRAINED) -> np.ndarray:
    """So many numbers of words (size,): 0 … ``most``, each equally often."""
    return rng.integers(most + 1, size=size)


def mostly_few(rng: np.random.Generator, size: int, mean: int, most: int) -> np.ndarray:
    """So many numbers of words (size,): one more word is rarer by a constant factor, ``most`` at the most."""
    return np.minimum(rng.geometric(1 / (mean + 1), size=size) - 1, most)


def train(
    model: OrderReader,
    steps: int = 300,
    size: int = 128,
    rate: float = 0.01,
    draw: Callable[[np.random.Generator, int], np.ndarray] = evenly,
) -> list[float]:
    """Minimise the cross-entropy of the noun before the verb; how many words stand before each sentence says ``draw``."""

    def loss(step: int) -> Tensor:
        words = draw(np.random.default_rng([step, 7]), size)
        ids, lengths, verb, actor = batch(behind(crossing.sentences(size, seed=step, kind="roles"), words, step))
        return F.cross_entropy(model(ids, lengths, verb), actor)

    return training.minimise(loss, model.parameters(), steps=steps, rate=rate)


def answers(model: OrderReader, words: int, count: int = 250) -> tuple[float, float, float]:
    """The shares of answers that are right, that name the other noun, and that name neither: over held-out pairs of nouns,
    each sentence once as it is and once with its nouns exchanged, both behind the same ``words`` words."""
    texts = crossing.sentences(count, seed=10**6, kind="roles", pairs="held-out")
    twins = [crossing.exchange_nouns(text) for text in texts]
    texts = [moved for some in (texts, twins) for moved in behind(some, [words] * count, seed=10**6)]
    ids, lengths, verb, actor = batch(texts)
    other = ids[torch.arange(len(texts)), torch.tensor([text.nouns[1] for text in texts])]
    with torch.no_grad():
        best = model(ids, lengths, verb).argmax(-1)
    right, wrong = (float((best == noun).double().mean()) for noun in (actor, other))
    return right, wrong, 1 - right - wrong


def accuracy(model: OrderReader, words: int, count: int = 250) -> float:
    """The share of right answers, see :func:`answers`."""
    return answers(model, words, count)[0]


BEHIND = (0, 6, 12, 20, 40, 80)
"""Words before the sentence in the experiment: up to :data:`TRAINED` as in training, then more."""


@experiment(
    "order",
    rows=[{"encoding": encoding} for encoding in ENCODINGS],
    seeds=(0, 1, 2),
    depends=(
        *(OrderReader, behind, batch, evenly, train, answers, accuracy),
        *(
            attention,
            multi_head,
            positions,
            training,
            crossing,
            D,
            LAYERS,
            HEADS,
            TRAINED,
            LONGEST,
            FILLER,
            ENCODINGS,
            BEHIND,
        ),
    ),
    tolerance=5e-2,  # beyond the trained positions the answers hang on last bits
)
def order(seed: int, encoding: str) -> dict[str, float]:
    """The share of right answers behind so many words, by the way of telling positions; learned, 128 rows are enough."""
    torch.set_num_threads(1)  # products so small gain nothing by a second thread
    model = OrderReader(encoding, seed)
    train(model)
    return {f"behind {words}": accuracy(model, words) for words in BEHIND}


LONG = 60
"""Words before a sentence, at most, in the experiment on late rows."""
LATE = (0, 10, 20, 30, 40, 50, 60)


@experiment(
    "late-rows",
    rows=[
        {"encoding": "learned", "words": "evenly"},
        {"encoding": "learned", "words": "mostly few"},
        {"encoding": "rotary", "words": "mostly few"},
    ],
    seeds=(0, 1, 2),
    depends=(
        *(OrderReader, behind, batch, evenly, mostly_few, train, answers, accuracy),
        *(attention, multi_head, positions, training, crossing),
        *(D, LAYERS, HEADS, LONGEST, FILLER, ENCODINGS, LONG, LATE),
    ),
    tolerance=5e-2,
)
def late_rows(seed: int, encoding: str, words: str) -> dict[str, float]:
    """The share of right answers behind so many words, where long texts are as frequent in training as short ones, or
    rare."""
    torch.set_num_threads(1)
    draws = {"evenly": partial(evenly, most=LONG), "mostly few": partial(mostly_few, mean=7, most=LONG)}
    model = OrderReader(encoding, seed)
    train(model, steps=600, size=64, draw=draws[words])
    return {f"behind {count}": accuracy(model, count) for count in LATE}


LOWERED = -2.0
"""A bias that leaves a key e⁻² = 0.14 of its weight."""


def set_unmet(table: Tensor, met: Tensor, value: float) -> None:
    """Give each bucket of T5's table that training has not met the bias ``value``, in place.

    Args:
        table: (buckets, H), as in :class:`course_lib.positions.T5Bias`.
        met: (buckets,) of truth values.
        value: the bias.
    """
    with torch.no_grad():
        table[~met] = value


@experiment(
    "far-buckets",
    seeds=(0, 1, 2),
    depends=(
        *(OrderReader, behind, batch, evenly, train, answers, accuracy, set_unmet),
        *(attention, multi_head, positions, training, crossing),
        *(D, LAYERS, HEADS, TRAINED, LONGEST, FILLER, ENCODINGS, BEHIND, LOWERED),
    ),
    tolerance=5e-2,
)
def far_buckets(seed: int) -> dict[str, float]:
    """The share of right answers behind most words with T5's bias: as trained, and with another bias in its unmet buckets."""
    torch.set_num_threads(1)
    model = OrderReader("t5", seed)
    before = model.bias.table.detach().clone()
    train(model)
    met = (model.bias.table.detach() != before).any(dim=1)
    shares = {"as trained": accuracy(model, BEHIND[-1])}
    for name, value in (("zero", 0.0), ("lowered", LOWERED)):
        set_unmet(model.bias.table, met, value)
        shares[name] = accuracy(model, BEHIND[-1])
    return shares
