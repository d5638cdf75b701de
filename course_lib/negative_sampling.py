"""Negative sampling: the loss of one pair of words, its gradients by hand, and both for whole blocks of text at once.

Shapes: V words in the vocabulary, D the size of a vector, W the window, k negatives per true word. There are two tables of
vectors (V, D), *inputs* and *outputs*. A *hidden* vector h is compared with output vectors o by their dot product: for
skip-gram h is the input vector of the centre word, and the words of its window are predicted; for CBOW it is the mean of
the window's input vectors, and the centre is predicted.

Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed Representations of Words and Phrases and their
Compositionality", section 2.2. The two models: Mikolov, Chen, Corrado & Dean 2013, "Efficient Estimation of Word
Representations in Vector Space", section 3.

A *block* is S consecutive words of a text and K noise words that they share. All its scores are one small matrix, in which
the true pairs form a band:

    words      the  dog  bites  man  and  runs        K noise words
    dog         1         1      1                    c  c  c  …
    bites       1    1           1    1               c  c  c  …
    man              1    1           1    1          c  c  c  …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid


def noise_distribution(counts: np.ndarray, power: float = 0.75) -> np.ndarray:
    """(V,) the probability with which each word is drawn as a negative, ∝ count^¾ (Mikolov et al. 2013, section 2.2)."""
    weight = counts.astype(np.float64) ** power
    return weight / weight.sum()


# ------------------------------------------------------------------------------------------------------------ one pair


def pair_loss(hidden: Tensor, output: Tensor, noise: Tensor, noise_weight: float = 1.0) -> Tensor:
    """The loss of one true pair: −log σ(h·o) − c Σⱼ log σ(−h·nⱼ).

    Mikolov et al. 2013, equation 4, with the sign turned to make it a loss and a weight c.

    Args:
        hidden, output: h and o (D,).
        noise: the vectors n₁ … (K, D) of words drawn from :func:`noise_distribution`.
        noise_weight: c, how much each of them counts.
    """
    return -logsigmoid(hidden @ output) - noise_weight * logsigmoid(-(noise @ hidden)).sum()


def pair_gradients(
    hidden: Tensor, output: Tensor, noise: Tensor, noise_weight: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of :func:`pair_loss`, by hand.

    d/ds (−log σ(s)) = σ(s) − 1 and d/ds (−log σ(−s)) = σ(s): the error is the prediction minus the label, which is 1 for
    the true word and 0 for noise. A dot product hands it to each side times the other side.

    Returns:
        dh (D,), do (D,), dn (K, D).
    """
    true_error = torch.sigmoid(hidden @ output) - 1
    noise_error = noise_weight * torch.sigmoid(noise @ hidden)
    return true_error * output + noise_error @ noise, true_error * hidden, noise_error[:, None] * hidden


def training_pairs(length: int, reach: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The (centre, context) positions of a sentence of so many words, the centre i seeing ``reach[i]`` words either way."""
    for centre in range(length):
        for context in range(max(0, centre - reach[centre]), min(length, centre + reach[centre] + 1)):
            if context != centre:
                yield centre, context


def loop_gradients(
    inputs: Tensor, outputs: Tensor, pairs: Iterable[tuple[int, int]], noise: Sequence[int], noise_weight: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Skip-gram pair by pair: the gradients of both tables (V, D) for pairs that share their noise.

    Clear and slow; :func:`batch_gradients` gives the same.

    Args:
        inputs, outputs: the tables (V, D).
        pairs: (centre, context), indices of words.
        noise: the indices of the K noise words.
        noise_weight: how much each of them counts, for every pair.
    """
    d_inputs, d_outputs = torch.zeros_like(inputs), torch.zeros_like(outputs)
    noise_vectors = outputs[list(noise)]
    for centre, context in pairs:
        d_hidden, d_output, d_noise = pair_gradients(inputs[centre], outputs[context], noise_vectors, noise_weight)
        d_inputs[centre] += d_hidden
        d_outputs[context] += d_output
        for word, gradient in zip(noise, d_noise, strict=True):  # a word may have been drawn twice
            d_outputs[word] += gradient
    return d_inputs, d_outputs


# -------------------------------------------------------------------------------------------------------- whole blocks


@dataclass(frozen=True)
class Examples:
    """The training examples of n blocks: S hidden vectors each, which meet C output vectors.

    Attributes:
        inputs: indices of input vectors, (n, S) for skip-gram, (n, S + 2W) for CBOW.
        mixture: (n, S, S + 2W), the weights by which CBOW mixes input vectors into hidden ones; None: taken as they are.
        outputs: (n, C) indices of output vectors, those of true words first, then the noise.
        weight: (n, S, C), how much each score counts in the loss; 0 where hidden and output form no example.
        true: how many of the C columns are true words.
    """

    inputs: Tensor
    mixture: Tensor | None
    outputs: Tensor
    weight: Tensor
    true: int

    @property
    def count(self) -> Tensor:
        """How many true examples there are, a number in a tensor."""
        return self.weight[..., : self.true].sum()


def band_matrix(left: Tensor, right: Tensor, window: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """(n, S, S + 2W): 1 where the word of the column stands in the window of the word of the row, else 0.

    Column j stands for the word j − W places after the block's first.

    Args:
        left, right: (n, S) how many words each centre sees before and behind itself, at most W; int16.
        window: W.
        dtype: of the result.
    """
    row = torch.arange(left.shape[1], dtype=torch.int16)[:, None]
    distance = torch.arange(left.shape[1] + 2 * window, dtype=torch.int16) - window - row
    return ((distance >= -left[:, :, None]) & (distance <= right[:, :, None]) & (distance != 0)).to(dtype)


def skip_gram_examples(text: Tensor, band: Tensor, noise: Tensor, noise_weight: float) -> Examples:
    """Every centre with each word of its window, and with the noise once per such word.

    Args:
        text: (n, S + 2W) indices of the words of each block, with W more at either end.
        band: :func:`band_matrix`, (n, S, S + 2W).
        noise: (n, K) indices.
        noise_weight: how much each noise word counts; k/K, so that k of them count for each true word.
    """
    window = (text.shape[1] - band.shape[1]) // 2
    of_noise = band.sum(2, keepdim=True).mul_(noise_weight).expand(-1, -1, noise.shape[1])
    outputs, weight = torch.cat([text, noise], 1), torch.cat([band, of_noise], 2)
    return Examples(text[:, window : window + band.shape[1]], None, outputs, weight, text.shape[1])


def cbow_examples(text: Tensor, band: Tensor, noise: Tensor, noise_weight: float) -> Examples:
    """The mean of every window with its centre, and with the noise; arguments as for :func:`skip_gram_examples`."""
    size, window = band.shape[1], (text.shape[1] - band.shape[1]) // 2
    seen = band.sum(2, keepdim=True)
    alive = seen.clamp(max=1)  # a word that stands alone has nothing to be predicted from
    of_noise = alive.mul(noise_weight).expand(-1, -1, noise.shape[1])
    outputs = torch.cat([text[:, window : window + size], noise], 1)
    weight = torch.cat([torch.eye(size, dtype=band.dtype) * alive, of_noise], 2)
    return Examples(text, band / seen.clamp(min=1), outputs, weight, size)


def hidden_vectors(inputs: Tensor, examples: Examples) -> Tensor:
    """(n, S, D) what is compared with output vectors: rows of the table ``inputs`` (V, D), or their means."""
    rows = embedding(examples.inputs, inputs)
    return rows if examples.mixture is None else torch.bmm(examples.mixture, rows)


def batch_loss(inputs: Tensor, outputs: Tensor, examples: Examples) -> Tensor:
    """The sum of :func:`pair_loss` over all examples, given the two tables (V, D)."""
    scores = torch.bmm(hidden_vectors(inputs, examples), embedding(examples.outputs, outputs).mT)
    true, noise = scores[..., : examples.true], scores[..., examples.true :]
    return -(logsigmoid(torch.cat([true, -noise], -1)) * examples.weight).sum()


def batch_gradients(inputs: Tensor, outputs: Tensor, examples: Examples) -> tuple[Tensor, Tensor]:
    """The gradients of :func:`batch_loss` by hand: one row for every index in ``examples``, repeated words apart.

    The matrix of errors is E = (σ(H Oᵀ) − label) ⊙ weight. As for one pair, it hands on the other side: dH = E O and
    dO = Eᵀ H. For CBOW H = M X, the windows' means, so that dX = Mᵀ dH.

    Returns:
        the gradients of ``inputs[examples.inputs]`` (n, S or S + 2W, D) and of ``outputs[examples.outputs]`` (n, C, D).
    """
    hidden, output = hidden_vectors(inputs, examples), embedding(examples.outputs, outputs)
    error = torch.bmm(hidden, output.mT).sigmoid_()
    error[..., : examples.true] -= 1
    error *= examples.weight
    d_hidden = torch.bmm(error, output)
    d_inputs = d_hidden if examples.mixture is None else torch.bmm(examples.mixture.mT, d_hidden)
    return d_inputs, torch.bmm(error.mT, hidden)
