"""What the heads of a trained model do: where each looks, and what is lost without it; lesson 04.

The model names the noun that *it* stands for in a sentence of :mod:`course_lib.corpora.crossing`: two layers of multi-head
attention with residual sums, and a matrix that scores the words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import attention, multi_head, training
from course_lib.attention import padding_mask
from course_lib.coreference import batch, test_sentences
from course_lib.corpora import crossing
from course_lib.multi_head import MultiHeadAttention
from course_lib.results import experiment

D, LAYERS = 32, 2
PLACES = ("referent", "other noun", "adjective", "it", "the")
"""Places of a sentence, in the order of :func:`looks`; the rest comes after them."""


class Reader(nn.Module):
    """Names what *it* stands for.

    Args:
        heads: H of both layers, with D / H columns for each head: the number of parameters does not depend on it.
        seed: of the initial weights.
    """

    def __init__(self, heads: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        words = len(crossing.vocabulary())
        self.embedding = nn.Parameter(torch.randn(words, D, generator=generator, dtype=torch.float64))
        self.layers = nn.ModuleList(MultiHeadAttention(D, heads, generator=generator) for _ in range(LAYERS))
        self.read = nn.Parameter(torch.randn(D, words, generator=generator, dtype=torch.float64) / math.sqrt(D))

    def forward(self, ids: Tensor, lengths: Tensor, it: Tensor, gates: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The scores of all words for *it*, and where every head looks.

        Args:
            ids: (B, T); lengths: (B,); it: (B,), the place of *it*.
            gates: (layers, H), a factor of each head's output; 0 takes it out.

        Returns:
            scores (B, n_vocab) and weights (B, layers, H, T, T).
        """
        mask = padding_mask(lengths, ids.shape[1])[:, None]
        x, maps = self.embedding[ids], []
        for number, layer in enumerate(self.layers):
            gathered, weights = layer(x, mask=mask, gate=None if gates is None else gates[number])
            x = x + gathered
            maps.append(weights)
        return x[torch.arange(len(ids)), it] @ self.read, torch.stack(maps, dim=1)


def train(model: Reader, steps: int = 400, size: int = 128, rate: float = 0.015) -> list[float]:
    """Minimise the cross-entropy of the referent's word; Adam, its rate falling linearly to zero, fresh sentences.

    At the rate of :func:`course_lib.coreference.train`, 0.02, the last bits grow to whole weights within the 400 steps, and
    every CPU gets a model of its own; at 0.015 they do not.

    Returns:
        the loss of each step, in nats.
    """

    def loss(step: int) -> Tensor:
        ids, lengths, it, referent = batch(crossing.sentences(size, seed=step))
        scores, _ = model(ids, lengths, it)
        return F.cross_entropy(scores, ids[torch.arange(size), referent])

    return training.minimise(loss, model.parameters(), steps=steps, rate=rate)


def evaluate(model: Reader, texts: Sequence[crossing.Sentence], gates: Tensor | None = None) -> tuple[float, float]:
    """The mean cross-entropy in nats, and the share of sentences whose referent gets the highest score of all words."""
    ids, lengths, it, referent = batch(texts)
    with torch.no_grad():
        scores, _ = model(ids, lengths, it, gates)
    word = ids[torch.arange(len(texts)), referent]
    return F.cross_entropy(scores, word).item(), float((scores.argmax(-1) == word).double().mean())


def ablation(model: Reader, texts: Sequence[crossing.Sentence]) -> tuple[Tensor, Tensor]:
    """By how much the loss grows, and the accuracy falls, when one head is taken out: two of shape (layers, H).

    Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 3.2: the other heads stay as they are.
    """
    heads = model.layers[0].heads
    loss, right = evaluate(model, texts)
    grown, fallen = (torch.zeros(LAYERS, heads, dtype=torch.float64) for _ in range(2))
    for layer in range(LAYERS):
        for head in range(heads):
            gates = torch.ones(LAYERS, heads, dtype=torch.float64)
            gates[layer, head] = 0
            other_loss, other_right = evaluate(model, texts, gates)
            grown[layer, head], fallen[layer, head] = other_loss - loss, right - other_right
    return grown, fallen


def weights_of_it(model: Reader, texts: Sequence[crossing.Sentence]) -> Tensor:
    """The weights in the row of *it*: (B, layers, H, T)."""
    ids, lengths, it, _ = batch(texts)
    with torch.no_grad():
        weights = model(ids, lengths, it)[1]
    return weights[torch.arange(len(texts)), :, :, it]


def looks(model: Reader, texts: Sequence[crossing.Sentence]) -> Tensor:
    """(layers, H, 6): the mean weight that *it* gives to each of :data:`PLACES` (to both *the* together), and to the rest."""
    rows = weights_of_it(model, texts)
    found = torch.zeros(*rows.shape[1:3], len(PLACES) + 1, dtype=rows.dtype)
    for text, row in zip(texts, rows, strict=True):
        named = {text.referent: 0, sum(text.nouns) - text.referent: 1, text.adjective: 2, text.it: 3}
        for place, token in enumerate(text.tokens):
            found[:, :, named.get(place, PLACES.index("the") if token == "the" else -1)] += row[:, :, place]
    return found / len(texts)


def distance_of_heads(model: Reader, texts: Sequence[crossing.Sentence]) -> Tensor:
    """(layers, H, H): how differently two heads of a layer distribute the weights of *it*, from 0 to 1.

    The share of the weight that would have to move, ½ Σ_j |a_j − b_j| (total variation), the mean over the sentences.
    """
    rows = weights_of_it(model, texts)
    return (rows[:, :, :, None] - rows[:, :, None, :]).abs().sum(-1).mean(0) / 2


@experiment(
    "heads",
    rows=[{"heads": heads} for heads in (1, 2, 4, 8, 16)],
    seeds=(0, 1, 2),
    depends=(
        *(Reader, train, evaluate, ablation, looks, weights_of_it, batch, test_sentences),
        *(attention, multi_head, crossing, training, D, LAYERS, PLACES),
    ),
    tolerance=2e-2,  # taking out a head magnifies what training has left of the last bits
)
def heads(seed: int, heads: int) -> dict[str, float]:
    """Loss and accuracy on twins over held-out noun pairs, and what taking out one head costs: in the mean, and at most.

    ``rank`` is the place of that head of the second layer which looks most at the referent, among the heads of its layer in
    the order of what their removal costs: 1 if it is missed most.
    """
    torch.set_num_threads(1)  # products so small gain nothing by a second thread
    model = Reader(heads, seed)
    train(model)
    texts = test_sentences()
    loss, right = evaluate(model, texts)
    grown, fallen = ablation(model, texts)
    return {
        "loss": loss,
        "accuracy": right,
        "mean growth": float(grown.mean()),
        "least growth": float(grown.min()),
        "largest growth": float(grown.max()),
        "largest fall": float(fallen.max()),
        "rank": 1 + int((grown[1] > grown[1, looks(model, texts)[1, :, 0].argmax()]).sum()),
    }
