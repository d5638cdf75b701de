"""Word2Vec: word vectors from plain text, by skip-gram or CBOW with negative sampling, for millions of words.

Mikolov, Chen, Corrado & Dean 2013, "Efficient Estimation of Word Representations in Vector Space" (here 2013a); Mikolov,
Sutskever, Chen, Corrado & Dean 2013, "Distributed Representations of Words and Phrases and their Compositionality"
(2013b). The losses and their gradients: :mod:`course_lib.negative_sampling`, whose letters are used here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from course_lib.negative_sampling import (
    Examples,
    band_matrix,
    batch_gradients,
    batch_loss,
    cbow_examples,
    hidden_vectors,
    noise_distribution,
    skip_gram_examples,
)
from course_lib.word_vectors import Sentences, Vocabulary, WordVectors

MODELS = {"skip-gram": skip_gram_examples, "cbow": cbow_examples}
BLOCK = 32
"""S, words in a block: with more of them, more of the matrix of scores lies off the band; with fewer, the words around the
block, which take part in it too, weigh more."""
NOISE = 32
"""K, the noise words that a block shares; each counts k/K times."""
BLOCKS = 32
"""Blocks in a batch, whose gradients are all taken at the same vectors."""
LEARNING_RATE = 0.5
CALM = 4.0
"""Where Adagrad's sums of squares begin. Until a row's own sum has grown to this size, its steps are about those of plain
gradient descent with a rate of half (1/√CALM) the learning rate; from zero, the first and noisiest gradients would move it
furthest."""
POINTS = 100
"""About how many points the curve of losses has."""


class TrainingDiverged(ArithmeticError):
    """The vectors grew out of bounds."""


# ------------------------------------------------------------------------------------------------------------ the text


def keep_probability(counts: np.ndarray, sample: float = 1e-3) -> np.ndarray:
    """(V,) the probability with which each occurrence of a word is kept: min(1, √(t/f) + t/f).

    f is the word's share of the text and t = ``sample``; 0 keeps everything. 2013b, section 2.3, prints 1 − √(t/f) as the
    probability of dropping a word; the authors' program, and gensim after it, keep t/f more than that.
    """
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)


@dataclass(frozen=True)
class Text:
    """A text cut into blocks.

    Attributes:
        words: (number of blocks, S + 2W) indices: the S words of each block, with W more at either end.
        left, right: (number of blocks, S) how many words each centre sees before and behind itself, as int16.
    """

    words: Tensor
    left: Tensor
    right: Tensor

    def __len__(self) -> int:
        return len(self.words)

    def examples(
        self, blocks: slice, model: str, noise: Tensor, noise_weight: float, dtype: torch.dtype = torch.float64
    ) -> Examples:
        """The training examples of some of the blocks, with noise (n, K) for each of them."""
        words, window = self.words[blocks], (self.words.shape[1] - self.left.shape[1]) // 2
        band = band_matrix(self.left[blocks], self.right[blocks], window, dtype)
        return MODELS[model](words, band, noise, noise_weight)


def cut(indices: np.ndarray, lengths: np.ndarray, keep: np.ndarray, window: int, rng: np.random.Generator) -> Text:
    """Subsample a text, draw how far each word sees, and cut it into blocks.

    Dropped words go first, so that a window reaches further over them. A word sees r words either way within its
    sentence, r being drawn from 1 … W: near words are seen more often (2013a, section 3.2).

    Args:
        indices, lengths: as :meth:`~course_lib.word_vectors.Vocabulary.encode` gives them.
        keep: (V,) :func:`keep_probability`.
        window: W.
        rng: where the draws come from.
    """
    kept = rng.random(len(indices)) < keep[indices]
    words, sentence = indices[kept], np.repeat(np.arange(len(lengths)), lengths)[kept]
    reach = rng.integers(1, window + 1, len(words))
    end = np.bincount(sentence, minlength=len(lengths)).cumsum()
    start = np.concatenate([[0], end[:-1]])
    position = np.arange(len(words))
    sight = np.minimum(reach, [position - start[sentence], end[sentence] - 1 - position])
    # The last block is filled up with words that see nothing; there is one even if no word was kept.
    missing = BLOCK * max(1, math.ceil(len(words) / BLOCK)) - len(words)
    sight = np.pad(sight, ((0, 0), (0, missing))).astype(np.int16).reshape(2, -1, BLOCK)
    padded = torch.from_numpy(np.pad(words, (window, missing + window)))
    return Text(padded.unfold(0, BLOCK + 2 * window, BLOCK), *torch.from_numpy(sight))


# ------------------------------------------------------------------------------------------------------------ training


class AdagradTable:
    """A table of vectors that learns by Adagrad with one sum of squares per row (after Duchi, Hazan & Singer 2011).

    Plain gradient descent diverges on batches: a frequent word gets hundreds of gradients at once, all taken at the same
    vector, and their sum throws it far across the minimum. Here a row's step is divided by the root of the mean squares of
    all the sums that it has got, this batch's included.

    Attributes:
        rows: (V, D) the vectors.
        squares: (V,) the sums of mean squares.
    """

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.squares = torch.full((len(rows),), CALM, dtype=rows.dtype)

    def descend(self, index: Tensor, gradient: Tensor, rate: float) -> None:
        """Take a step down the gradients (…, D) of the rows ``index`` (…), in which a row may stand many times."""
        # NumPy's unique is three times as fast as PyTorch's, and index_add_ four times as fast without its factor alpha.
        rows, place = (torch.from_numpy(a) for a in np.unique(index.numpy(), return_inverse=True))
        size = gradient.shape[-1]
        step = gradient.new_zeros(len(rows), size).index_add_(0, place.reshape(-1), gradient.reshape(-1, size))
        self.squares.index_add_(0, rows, torch.linalg.vector_norm(step, dim=1).square_().div_(size))
        step *= self.squares.index_select(0, rows).rsqrt_().mul_(-rate)[:, None]
        self.rows.index_add_(0, rows, step)


def batches(
    vocabulary: Vocabulary,
    sentences: Sentences,
    rng: np.random.Generator,
    *,
    model: str,
    window: int,
    negatives: int,
    epochs: int,
    sample: float,
    dtype: torch.dtype = torch.float64,
) -> Iterator[tuple[float, Examples]]:
    """What :func:`train` learns from: for each batch the share of the training that is done, and its examples.

    The arguments are those of :func:`train`.
    """
    indices, lengths = vocabulary.encode(sentences)
    if lengths.max() < 2:
        raise ValueError("no sentence has two words of the vocabulary: there is nothing to predict a word from")
    keep = keep_probability(vocabulary.counts, sample)
    cumulative = noise_distribution(vocabulary.counts).cumsum()
    cumulative /= cumulative[-1]
    for epoch in range(epochs):
        text = cut(indices, lengths, keep, window, rng)
        for first in range(0, len(text), BLOCKS):
            blocks = slice(first, min(first + BLOCKS, len(text)))
            # The cumulated probabilities are inverted here, as torch.multinomial draws otherwise on other CPUs.
            drawn = np.searchsorted(cumulative, rng.random((blocks.stop - first, NOISE)), side="right")
            examples = text.examples(blocks, model, torch.from_numpy(drawn), negatives / NOISE, dtype)
            yield (epoch + first / len(text)) / epochs, examples


def train(
    sentences: Sentences,
    *,
    model: str = "skip-gram",
    dim: int = 100,
    window: int = 5,
    negatives: int = 5,
    epochs: int = 5,
    min_count: int = 5,
    sample: float = 1e-3,
    learning_rate: float = LEARNING_RATE,
    seed: int = 1,
    dtype: torch.dtype = torch.float32,
    progress: bool = False,
) -> WordVectors:
    """Train word vectors by negative sampling.

    The same seed gives the same vectors on one machine. Another CPU differs in the last bits, which training amplifies:
    for figures that are to be the same everywhere, train in float64. One thread is best (``torch.set_num_threads(1)``):
    the matrices are small.

    Args:
        sentences: lists of words; gone through twice.
        model: ``"skip-gram"`` or ``"cbow"``.
        dim: D, the size of a vector.
        window: W, the furthest that a word can see.
        negatives: k, noise words per true word.
        epochs: passes through the text, each subsampled anew.
        min_count: words that occur less often are dropped.
        sample: the t of :func:`keep_probability`; 0 keeps all occurrences.
        learning_rate: of Adagrad, not comparable with that of plain gradient descent; it falls linearly to zero.
        seed: of everything that is drawn.
        dtype: ``torch.float32``, or ``torch.float64`` at about half the speed.
        progress: whether to show a progress bar on stderr.

    Returns:
        the vectors; their ``losses`` are the mean loss per true word, its k negatives included, at about 100 points of
        the training, from (k + 1) ln 2 at the beginning.

    Raises:
        ValueError: if the corpus or an argument is not usable.
        TrainingDiverged: if the loss grows out of bounds.
    """
    _check(model, sample, dim=dim, window=window, negatives=negatives, epochs=epochs, min_count=min_count)
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be more than 0, not {learning_rate!r}")
    sentences = list(sentences) if isinstance(sentences, Iterator) else sentences
    vocabulary = Vocabulary.build(sentences, min_count)
    rng = np.random.default_rng(seed)
    inputs = AdagradTable(torch.from_numpy((rng.random((len(vocabulary), dim)) - 0.5) / dim).to(dtype))
    outputs = AdagradTable(torch.zeros(len(vocabulary), dim, dtype=dtype))
    text = batches(
        vocabulary,
        sentences,
        rng,
        model=model,
        window=window,
        negatives=negatives,
        epochs=epochs,
        sample=sample,
        dtype=dtype,
    )
    losses: list[float] = []
    for done, examples in _tracked(text, progress):
        if done * POINTS >= len(losses) and examples.count:  # the next point of the curve is due
            losses.append(float(batch_loss(inputs.rows, outputs.rows, examples) / examples.count))
            _stop_if_diverged(losses[-1], negatives, learning_rate)
        d_inputs, d_outputs = batch_gradients(inputs.rows, outputs.rows, examples)
        inputs.descend(examples.inputs, d_inputs, learning_rate * (1 - done))
        outputs.descend(examples.outputs, d_outputs, learning_rate * (1 - done))
    if not (inputs.rows.isfinite().all() and outputs.rows.isfinite().all()):
        _stop_if_diverged(math.nan, negatives, learning_rate)
    return WordVectors(vocabulary, inputs.rows.numpy(), outputs.rows.numpy(), tuple(losses))


def _check(model: str, sample: float, **whole: int) -> None:
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r}: it is one of {', '.join(MODELS)}")
    for name, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number of 1 or more, not {value!r}")
    if not 0 <= sample < math.inf:
        raise ValueError(f"sample must be 0 (keep every word) or more, not {sample!r}")


def _stop_if_diverged(loss: float, negatives: int, learning_rate: float) -> None:
    """Vectors of zero, which know nothing, have a loss of (k + 1) ln 2; from ten times that no training recovers."""
    start = (negatives + 1) * math.log(2)
    if not loss < 10 * start:
        raise TrainingDiverged(
            f"the loss is {loss:.4g}, where knowing nothing costs {start:.2f}: training has diverged. "
            f"learning_rate={learning_rate:g} is too large: try {min(LEARNING_RATE, learning_rate / 4):g}"
        )


def _tracked(batches: Iterator[tuple[float, Examples]], progress: bool) -> Iterator[tuple[float, Examples]]:
    """The batches, with a progress bar on stderr if ``progress``."""
    if not progress:
        yield from batches
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("word2vec", total=1.0)
        for done, examples in batches:
            bar.update(task, completed=done)
            yield done, examples


def held_out_loss(
    vectors: WordVectors,
    sentences: Sentences,
    *,
    model: str = "skip-gram",
    window: int = 5,
    negatives: int = 5,
    sample: float = 1e-3,
    seed: int = 0,
) -> float:
    """The mean loss per true word on other sentences, the expectation over the noise computed exactly.

    Words outside the vocabulary are dropped. The cost grows with V: for vocabularies of up to some ten thousand words.

    Args:
        vectors: with context vectors and counts.
        sentences: lists of words.
        model, window, negatives, sample: as for :func:`train`.
        seed: of the subsampling and the windows: the same one gives the same examples to all vectors of a vocabulary.

    Returns:
        the loss in nats, comparable with ``losses`` of a training.

    Raises:
        ValueError: if the vectors have no context vectors or no counts, or the sentences hold no example.
    """
    _check(model, sample, window=window, negatives=negatives)
    if vectors.context_vectors is None or vectors.counts is None:
        raise ValueError("the loss needs context vectors and counts; vectors from a file have neither")
    inputs, outputs = (torch.from_numpy(table).double() for table in (vectors.vectors, vectors.context_vectors))
    distribution = torch.from_numpy(noise_distribution(vectors.counts))
    indices, lengths = vectors.vocabulary.encode(sentences)
    text = cut(indices, lengths, keep_probability(vectors.counts, sample), window, np.random.default_rng(seed))
    total = count = 0.0
    for first in range(0, len(text), BLOCKS):
        blocks = slice(first, first + BLOCKS)
        nothing_drawn = text.words[blocks, :0]
        examples = text.examples(blocks, model, nothing_drawn, 0.0)
        noise = -logsigmoid(-(hidden_vectors(inputs, examples) @ outputs.T)) @ distribution  # (n, S)
        total += float(batch_loss(inputs, outputs, examples) + negatives * (examples.weight.sum(2) * noise).sum())
        count += float(examples.count)
    if not count:
        raise ValueError("the sentences never have two words of the vocabulary together: there is no loss to compute")
    return total / count
