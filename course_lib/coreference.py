"""Pointing at the referent of *it*: the smallest transformer-like model that can, and its experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from course_lib import attention, training
from course_lib.attention import SelfAttention, padding_mask
from course_lib.corpora import crossing
from course_lib.results import experiment

D, D_K = 32, 16


class Pointer(nn.Module):
    """Attention layers whose last one answers with its own weights.

    Every layer but the last adds what it gathered to the vectors it read (a residual sum); the last one only scores:
    the weights of its row at *it* are the answer, a distribution over the tokens of the sentence.

    Args:
        layers: how many attention layers, ≥ 1.
        seed: of the initial weights.
        residual: whether a layer's output is added to its input, or replaces it.
    """

    def __init__(self, layers: int, seed: int, *, residual: bool = True) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        table = torch.randn(len(crossing.vocabulary()), D, generator=generator, dtype=torch.float64)
        self.embedding = nn.Parameter(table)
        self.layers = nn.ModuleList(SelfAttention(D, D_K, D, generator=generator) for _ in range(layers))
        self.residual = residual

    def forward(self, ids: Tensor, lengths: Tensor) -> list[Tensor]:
        """ids (B, T), lengths (B,) → the weights (B, T, T) of every layer, the answering one last."""
        mask = padding_mask(lengths, ids.shape[1])
        return _attend(self.embedding[ids], self.layers, [mask] * len(self.layers), self.residual)


def _attend(x: Tensor, layers: Sequence[nn.Module], masks: Sequence[Tensor], residual: bool) -> list[Tensor]:
    """x (B, T, D) through attention layers, each with a mask of its own → the weights (B, T, T) of every layer."""
    maps = []
    for layer, mask in zip(layers, masks, strict=True):
        gathered, weights = layer(x, mask)
        x = x + gathered if residual else gathered
        maps.append(weights)
    return maps


def batch(texts: Sequence[crossing.Sentence]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ids (B, T), lengths (B,), and the positions (B,) of *it* and of its referent."""
    ids, lengths = (torch.from_numpy(a) for a in crossing.encode(texts))
    return ids, lengths, torch.tensor([t.it for t in texts]), torch.tensor([t.referent for t in texts])


def train(model: Pointer, steps: int = 500, size: int = 128, rate: float = 0.02, kind: str = "place") -> list[float]:
    """Minimise −log of the weight that the last layer gives the referent in the row of *it*.

    Adam, its rate falling linearly to zero. Every step draws ``size`` fresh sentences over the training pairs.

    Returns:
        the loss of each step, in nats.
    """
    rows = torch.arange(size)

    def loss(step: int) -> Tensor:
        ids, lengths, it, referent = batch(crossing.sentences(size, seed=step, kind=kind))
        return -model(ids, lengths)[-1][rows, it, referent].log().mean()

    return training.minimise(loss, model.parameters(), steps=steps, rate=rate)


def test_sentences() -> list[crossing.Sentence]:
    """The 2,000 test sentences: 1,000 pairs of twins over noun pairs that never occur in training."""
    return [sentence for pair in crossing.twins(1000, seed=10**6, pairs="held-out") for sentence in pair]


def answers(model: Pointer, texts: Sequence[crossing.Sentence]) -> np.ndarray:
    """For each sentence the position that gets the largest weight in the row of *it*: (B,)."""
    ids, lengths, it, _ = batch(texts)
    with torch.no_grad():
        return model(ids, lengths)[-1][torch.arange(len(texts)), it].argmax(-1).numpy()


def accuracy(model: Pointer, texts: Sequence[crossing.Sentence]) -> float:
    """Share of sentences whose largest weight lies on the referent."""
    return float((answers(model, texts) == [t.referent for t in texts]).mean())


def weight_on_adjective(model: Pointer, texts: Sequence[crossing.Sentence]) -> dict[str, float]:
    """Where the first layer sends the adjective: mean weights on it, in the rows of *it* and of the two nouns.

    Returns:
        ``"it, tired"`` and ``"it, wide"``: the row of *it*, over sentences whose adjective fits the first noun (a living
        thing) and the second (a place); ``"nouns"``: the mean of the rows of the two nouns over all sentences.
    """
    ids, lengths, it, referent = batch(texts)
    rows, adjective = torch.arange(len(texts)), torch.tensor([t.adjective for t in texts])
    first, second = (torch.tensor([t.nouns[n] for t in texts]) for n in (0, 1))
    with torch.no_grad():
        weights = model(ids, lengths)[0]
    of_it = weights[rows, it, adjective]
    of_nouns = (weights[rows, first, adjective] + weights[rows, second, adjective]) / 2
    tired = referent == first
    return {
        "it, tired": float(of_it[tired].mean()),
        "it, wide": float(of_it[~tired].mean()),
        "nouns": float(of_nouns.mean()),
    }


def blind_accuracy(model: nn.Module, texts: Sequence[crossing.Sentence]) -> dict[str, float]:
    """Accuracy when *it* may not look at the adjective in the first layer, everything else left as it was.

    Args:
        model: its ``embedding`` (n_vocab, D) and ``layers`` are used; residual sums unless it has ``residual = False``.

    Returns:
        ``"blind, tired"`` and ``"blind, wide"``: over sentences whose adjective fits the first noun, and the second.
    """
    ids, lengths, it, referent = batch(texts)
    rows = torch.arange(len(texts))
    mask = padding_mask(lengths, ids.shape[1])
    first = mask.repeat(1, ids.shape[1], 1)
    first[rows, it, torch.tensor([t.adjective for t in texts])] = False
    masks = [first, *[mask] * (len(model.layers) - 1)]
    with torch.no_grad():
        weights = _attend(model.embedding[ids], model.layers, masks, getattr(model, "residual", True))[-1]
    right = weights[rows, it].argmax(-1) == referent
    tired = referent == torch.tensor([t.nouns[0] for t in texts])
    return {"blind, tired": float(right[tired].double().mean()), "blind, wide": float(right[~tired].double().mean())}


@experiment(
    "coreference",
    rows=[{"layers": 2, "residual": True}, {"layers": 2, "residual": False}, {"layers": 1, "residual": True}],
    seeds=range(5),
    depends=(
        *(
            Pointer,
            _attend,
            batch,
            train,
            answers,
            accuracy,
            weight_on_adjective,
            blind_accuracy,
            test_sentences,
        ),
        *(attention, crossing, training, D, D_K),
    ),
    tolerance=2e-3,  # one sentence of the 2,000 may change sides on another CPU, in the worst case a few
)
def coreference(seed: int, layers: int, residual: bool) -> dict[str, float]:
    """Accuracy, and where the first layer sends the adjective, on twins over held-out noun pairs after 500 steps."""
    model = Pointer(layers, seed, residual=residual)
    train(model)
    texts = test_sentences()
    return {"accuracy": accuracy(model, texts), **weight_on_adjective(model, texts), **blind_accuracy(model, texts)}
