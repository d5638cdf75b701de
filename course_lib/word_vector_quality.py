"""How good word vectors are, measured on a text whose word families are known; the two experiments of lesson 01.

The text is :mod:`course_lib.corpora.relations`, the measures are three: the share of analogies answered rightly, what
kind of words the neighbours are, and the loss on other sentences (:func:`course_lib.word2vec.held_out_loss`).
"""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import torch

from course_lib import negative_sampling, word2vec, word_vectors
from course_lib.corpora import relations
from course_lib.results import experiment
from course_lib.word2vec import held_out_loss, train
from course_lib.word_vectors import Vocabulary, WordVectors

WINDOW, NEGATIVES, SAMPLE, MIN_COUNT = 5, 5, 1e-3, 5
"""What gensim and the original program take by default, and we too."""


def right_answers(vectors: WordVectors, *, exclude_inputs: bool = True) -> np.ndarray:
    """(number of questions,) whether each analogy of :func:`~course_lib.corpora.relations.questions` comes out right."""
    questions = relations.questions()
    answers = vectors.answers(questions, exclude_inputs=exclude_inputs)
    return np.array([answer == question[3] for answer, question in zip(answers, questions, strict=True)])


def accuracy_by_bucket(vectors: WordVectors) -> dict[str, float]:
    """The share of right answers by the frequency of the question's rarest word, and over all questions (``"all"``)."""
    right = right_answers(vectors)
    buckets = np.array([relations.bucket(*question[:4]) for question in relations.questions()])
    return {name: float(right[buckets == name].mean()) for name in relations.BUCKETS} | {"all": float(right.mean())}


@cache
def _columns() -> dict[str, tuple[str, int]]:
    """Word → its grid and the column it stands in; the rows are the other way to be alike."""
    return {row[i]: (name, i) for name, grid in relations.GRIDS.items() for row in grid.rows for i in range(len(row))}


@cache
def _near(vectors: WordVectors) -> dict[str, list[str]]:
    """The ten nearest words of every word of the grids."""
    return {word: [other for other, _ in vectors.neighbours(word, 10)] for word in _columns()}


def neighbours_of_the_same_form(vectors: WordVectors) -> float:
    """The share of the ten nearest words that stand in the word's own column of the grid: capitals beside capitals."""
    column = _columns()
    return float(np.mean([column.get(o) == column[word] for word, others in _near(vectors).items() for o in others]))


def shared_neighbours(one: WordVectors, other: WordVectors) -> float:
    """The share of the ten nearest words that two sets of vectors have in common, the mean over all words of the grids."""
    nearest, theirs = _near(one), _near(other)
    return float(np.mean([len({*nearest[word]} & {*theirs[word]}) / 10 for word in nearest]))


def of_gensim(
    text: list[list[str]], vocabulary: Vocabulary, *, model: str, dim: int, epochs: int, seed: int
) -> WordVectors:
    """The same training by gensim, one worker, the rows in the order of our vocabulary.

    The learning rate starts where the original program has it: at 0.025 for skip-gram, at 0.05 for CBOW.

    Raises:
        ModuleNotFoundError: if gensim is not installed; it comes with the ``dev`` extra.
    """
    from gensim.models import Word2Vec

    theirs = Word2Vec(
        text, sg=int(model == "skip-gram"), vector_size=dim, epochs=epochs, seed=seed, workers=1,
        window=WINDOW, negative=NEGATIVES, sample=SAMPLE, min_count=MIN_COUNT,
        alpha=0.025 if model == "skip-gram" else 0.05,
    )  # fmt: skip
    rows = [theirs.wv.key_to_index[word] for word in vocabulary.words]
    return WordVectors(vocabulary, theirs.wv.vectors[rows], theirs.syn1neg[rows])


# ---------------------------------------------------------------------------------------------------- the experiments

_DEPENDS = (sys.modules[__name__], negative_sampling, word2vec, word_vectors, relations)
SENTENCES = 30_000
"""Sentences of the lesson's text; the rarest word of the grids occurs some thirty times in it."""


def _trained(engine: str, text: list[list[str]], *, model: str, dim: int, epochs: int, seed: int) -> WordVectors:
    """The vectors of our engine (``"course"``, in float64) or of ``"gensim"``."""
    torch.set_num_threads(1)
    options = {"model": model, "dim": dim, "epochs": epochs, "seed": seed}
    if engine == "gensim":
        return of_gensim(text, Vocabulary.build(text, MIN_COUNT), **options)
    return train(
        text, **options, window=WINDOW, negatives=NEGATIVES, sample=SAMPLE, min_count=MIN_COUNT, dtype=torch.float64
    )


@experiment(
    "word2vec-frequency",
    rows=[
        {"engine": engine, "sentences": sentences, "model": model, "epochs": epochs}
        for engine, sentences, passes in (
            ("course", SENTENCES, (3, 6, 12, 24)),
            ("course", 2 * SENTENCES, (3,)),
            ("course", 4 * SENTENCES, (3,)),
            ("gensim", SENTENCES, (6, 24)),
        )
        for epochs in passes
        for model in word2vec.MODELS
    ],
    seeds=(1, 2, 3),
    depends=_DEPENDS,
    tolerance=5e-3,  # in float64 the last bits hardly grow; a few of the 4,614 answers may change sides all the same
)
def frequency(seed: int, engine: str, sentences: int, model: str, epochs: int) -> dict[str, float]:
    """Analogies by frequency of the words, skip-gram and CBOW, after so many passes through so much text."""
    text = relations.sentences(sentences, seed=1)
    return accuracy_by_bucket(_trained(engine, text, model=model, dim=50, epochs=epochs, seed=seed))


@cache
def _at_full_scale(engine: str, model: str, epochs: int, seed: int) -> WordVectors:
    text = relations.sentences(2 * SENTENCES, seed=1)
    return _trained(engine, text, model=model, dim=100, epochs=epochs, seed=seed)


@experiment(
    "word2vec-quality",
    rows=[
        {"model": model, "engine": engine, "epochs": epochs}
        for model in word2vec.MODELS
        for engine, epochs in (("course", 5), ("gensim", 5), ("gensim", 15))
    ],
    seeds=(1, 2, 3),
    depends=_DEPENDS,
    tolerance=3e-2,  # gensim trains in float32, whose last bits differ between CPUs and grow
)
def quality(seed: int, model: str, engine: str, epochs: int) -> dict[str, float]:
    """Our engine after five passes, and gensim after five and fifteen, by the same measures.

    ``shared`` is the share of neighbours in common with our vectors of the next seed: for ours it is how much agreement
    to expect of two runs.
    """
    vectors = _at_full_scale(engine, model, epochs, seed)
    return {
        "accuracy": float(right_answers(vectors).mean()),
        "loss": held_out_loss(vectors, relations.sentences(2000, seed=2), model=model),
        "same form": neighbours_of_the_same_form(vectors),
        "shared": shared_neighbours(vectors, _at_full_scale("course", model, 5, 1 + seed % 3)),
    }
