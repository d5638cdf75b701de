"""A vocabulary and a vector for each of its words: lookup, neighbours, analogies, files that other programs read."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

Sentences = Iterable[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words that have an index, from the most frequent down.

    Attributes:
        words: V words; ties in frequency stand in alphabetical order.
        counts: (V,) how often each occurs, or None where that is not known (vectors from a file).
    """

    words: tuple[str, ...]
    counts: np.ndarray | None = None

    @classmethod
    def build(cls, sentences: Sentences, min_count: int = 5) -> Vocabulary:
        """The words that occur ``min_count`` times or more.

        Raises:
            ValueError: if the sentences hold no words, no word occurs often enough, or they are not lists of words.
        """
        frequency: Counter[str] = Counter()
        for sentence in _checked(sentences):
            frequency.update(sentence)
        if not frequency:
            raise ValueError("the corpus is empty: there is no word in it")
        strange = next((word for word in frequency if not isinstance(word, str)), None)
        if strange is not None:
            raise ValueError(f"a word is a string, not {type(strange).__name__}: {strange!r}")
        kept = sorted((word for word, n in frequency.items() if n >= min_count), key=lambda w: (-frequency[w], w))
        if not kept:
            word, n = frequency.most_common(1)[0]
            raise ValueError(
                f"none of the {len(frequency)} distinct words occurs min_count={min_count} times; "
                f"the most frequent, {word!r}, occurs {n} times: lower min_count"
            )
        return cls(tuple(kept), np.array([frequency[word] for word in kept]))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._index

    def index(self, word: str) -> int:
        """The row of a word.

        Raises:
            KeyError: if it has none; the message names words that are spelt alike.
        """
        if word in self._index:
            return self._index[word]
        if not isinstance(word, str):
            raise KeyError(f"a word is a string, not {type(word).__name__}: {word!r}")
        from rapidfuzz.distance import Indel
        from rapidfuzz.process import extract

        near = [
            w for w, _, _ in extract(word, self.words, scorer=Indel.normalized_similarity, score_cutoff=0.6, limit=3)
        ]
        advice = f"; spelt alike: {', '.join(near)}" if near else ""
        raise KeyError(f"the word {word!r} is not among the {len(self)} words of the vocabulary{advice}")

    def encode(self, sentences: Sentences) -> tuple[np.ndarray, np.ndarray]:
        """The indices of all words that the vocabulary has, the others dropped, and how many each sentence keeps.

        Returns:
            indices (N,), all sentences in a row, and lengths (number of sentences,).

        Raises:
            ValueError: if the sentences are not lists of words.
        """
        indices, ends, index = array("q"), array("q", [0]), self._index
        for sentence in _checked(sentences):
            indices.extend([index[word] for word in sentence if word in index])
            ends.append(len(indices))
        return np.array(indices, dtype=np.int64), np.diff(np.array(ends, dtype=np.int64))


def _checked(sentences: Sentences) -> Iterable[Sequence[str]]:
    if isinstance(sentences, str):
        raise ValueError("the sentences are one string: give a list of lists of words, as [text.split()]")
    for sentence in sentences:
        if isinstance(sentence, str):
            raise ValueError(f"a sentence is a list of words, not a string: split {sentence[:40]!r}")
        yield sentence


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Trained vectors.

    Attributes:
        vocabulary: the words, V of them.
        vectors: (V, D) the vectors that are kept: the input side of Word2Vec.
        context_vectors: (V, D) the output side, which training needs besides; None for vectors from a file.
        losses: the loss along the training, in nats; see :func:`course_lib.word2vec.train`.
    """

    vocabulary: Vocabulary
    vectors: np.ndarray
    context_vectors: np.ndarray | None = None
    losses: tuple[float, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words in the order of their rows."""
        return self.vocabulary.words

    @property
    def counts(self) -> np.ndarray | None:
        """How often each word occurs in the training text; None if that is not known."""
        return self.vocabulary.counts

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __getitem__(self, word: str) -> np.ndarray:
        """The vector (D,) of a word; KeyError as :meth:`index`."""
        return self.vectors[self.index(word)]

    def index(self, word: str) -> int:
        """The row of a word; KeyError, naming words that are spelt alike, if it has none."""
        return self.vocabulary.index(word)

    @cached_property
    def unit_vectors(self) -> np.ndarray:
        """(V, D) the vectors, each divided by its length: their dot products are cosines."""
        length = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return self.vectors / np.where(length > 0, length, 1)  # a word never trained may have the zero vector

    def similarity(self, one: str, other: str) -> float:
        """The cosine of the angle between the vectors of two words."""
        return float(self.unit_vectors[self.index(one)] @ self.unit_vectors[self.index(other)])

    def nearest(self, vector: np.ndarray, n: int = 10, exclude: Iterable[str] = ()) -> list[tuple[str, float]]:
        """The n words whose vectors make the smallest angles with ``vector`` (D,), with the cosines, the nearest first.

        Raises:
            ValueError: if n is not positive, or the vector does not have size D.
        """
        if n < 1:
            raise ValueError(f"n must be 1 or more, not {n}")
        if np.shape(vector) != self.vectors.shape[1:]:
            raise ValueError(f"the vector has shape {np.shape(vector)}, the words' vectors {self.vectors.shape[1:]}")
        cosine = self.unit_vectors @ (vector / (np.linalg.norm(vector) or 1))
        left_out = {self.index(word) for word in exclude}
        order = np.argsort(-cosine, kind="stable")[: n + len(left_out)]
        return [(self.words[i], float(cosine[i])) for i in order if i not in left_out][:n]

    def neighbours(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """The n words nearest to a word, without itself: ``[(word, cosine), …]``."""
        return self.nearest(self[word], n, exclude=[word])

    def analogy(self, a: str, b: str, c: str, *, exclude_inputs: bool = True, n: int = 1) -> list[tuple[str, float]]:
        """a is to b as c is to …: the words nearest to b − a + c, all three at length 1, with the cosines.

        Mikolov, Yih & Zweig 2013, "Linguistic Regularities in Continuous Space Word Representations", section 4.

        Args:
            a, b, c: as *man*, *king*, *woman*.
            exclude_inputs: leave a, b and c out of the answers, as is customary: the nearest word is often b or c itself.
            n: how many answers.
        """
        left, right, third = (self.unit_vectors[self.index(word)] for word in (a, b, c))
        return self.nearest(right - left + third, n, exclude={a, b, c} if exclude_inputs else ())

    def answers(self, questions: Sequence[Sequence[str]], *, exclude_inputs: bool = True) -> list[str]:
        """The first answer of :meth:`analogy` to each of many questions ``(a, b, c, …)``, computed together."""
        found: list[str] = []
        for start in range(0, len(questions), 512):
            rows = np.array(
                [[self.index(word) for word in question[:3]] for question in questions[start : start + 512]]
            )
            a, b, c = self.unit_vectors[rows.T]
            cosine = (b - a + c) @ self.unit_vectors.T
            if exclude_inputs:
                np.put_along_axis(cosine, rows, -np.inf, axis=1)
            found += [self.words[i] for i in cosine.argmax(axis=1)]
        return found

    # ------------------------------------------------------------------------------------------------------ files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vectors in the text format of the original word2vec program, which gensim and others read.

        The first line is ``V D``, every other one a word and its D numbers, each with the digits it takes to get the
        same number back. Counts and context vectors are not part of the format.

        Raises:
            ValueError: if a word is empty or holds white space, which the format has no place for.
        """
        for word in self.words:
            if not word or word.split() != [word]:
                raise ValueError(f"the word {word!r} is empty or holds white space: the text format cannot hold it")
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            print(len(self), self.vectors.shape[1], file=file)
            for word, vector in zip(self.words, self.vectors, strict=True):
                print(word, *(str(number) for number in vector), file=file)

    @classmethod
    def load(cls, path: str | os.PathLike[str], dtype: Any = np.float32) -> WordVectors:
        """Read a file that :meth:`save`, gensim or the original program wrote in the text format.

        Args:
            path: of the file.
            dtype: of the vectors.

        Raises:
            ValueError: if the file is not in this format; the message names the line.
        """
        words: list[str] = []
        rows: list[np.ndarray] = []
        try:
            with Path(path).open(encoding="utf-8", newline="\n") as file:
                head = file.readline().split()
                if len(head) != 2 or not all(number.isdecimal() and int(number) for number in head):
                    raise ValueError(f"{path}, line 1: the number of words and of dimensions is expected, as in '9 50'")
                size, dim = (int(number) for number in head)
                for number, line in enumerate(file, start=2):
                    word, *numbers = line.rstrip().split(" ")
                    try:
                        row = np.array([float(n) for n in numbers], dtype)
                    except ValueError:
                        row = None
                    if row is None or len(row) != dim or len(rows) == size:
                        raise ValueError(
                            f"{path}, line {number}: a word and {dim} numbers are expected, {size} such lines"
                        )
                    words.append(word)
                    rows.append(row)
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not text in UTF-8: is it word2vec's binary format?") from error
        if len(words) != size:
            raise ValueError(f"{path}: line 1 announces {size} words, there are {len(words)}")
        if len(set(words)) != size:
            word, n = Counter(words).most_common(1)[0]
            raise ValueError(f"{path}: the word {word!r} stands there {n} times")
        for word, row in zip(words, rows, strict=True):
            if not np.isfinite(row).all():
                raise ValueError(f"{path}: the vector of {word!r} is not finite")
        return cls(Vocabulary(tuple(words)), np.stack(rows))


def principal_plane(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane through a cloud of points that keeps most of its variance, for a map of words.

    Pearson 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space".

    Args:
        vectors: (n, D), n ≥ 2, D ≥ 2.

    Returns:
        points (n, 2) in the plane, the cloud's centre at 0, each axis turned so that its longest component is positive
        (a singular vector's sign is arbitrary), and the share of the variance that the plane keeps.

    Raises:
        ValueError: if there are fewer than two points or dimensions, or all points are one.
    """
    if vectors.ndim != 2 or min(vectors.shape) < 2:
        raise ValueError(f"two points or more in two dimensions or more are needed, not {vectors.shape}")
    centred = vectors - vectors.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    if spread[0] <= 1e-12 * np.abs(vectors).max():
        raise ValueError("all points are one: there is no variance to keep")
    axes = axes[:2]
    # Of equal components the first, whatever the last bits say.
    longest = np.abs(axes).round(9).argmax(axis=1)
    axes = axes * np.sign(axes[[0, 1], longest])[:, None]
    return centred @ axes.T, float((spread[:2] ** 2).sum() / (spread**2).sum())
