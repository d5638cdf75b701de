"""Word2Vec against gensim with one worker: from sentences to vectors, vocabulary included, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from interleaving import Contender, Race

from course_lib.word2vec import train

WORDS, DIM, WINDOW, NEGATIVES = 5_000_000, 100, 5, 5
GOALS = {"skip-gram": 2.0, "cbow": 0.7}


def zipf_text(words: int, vocabulary: int = 30_000, length: int = 20) -> list[list[str]]:
    """Words drawn by Zipf's law, so that speed depends on no corpus: the frequent ones fill the text, as in any language."""
    share = 1 / np.arange(1, vocabulary + 1)
    cumulative = share.cumsum() / share.sum()
    drawn = np.searchsorted(cumulative, np.random.default_rng(0).random(words // length * length), side="right")
    names = np.array([f"word{i}" for i in range(vocabulary)], dtype=object)
    return names[drawn].reshape(-1, length).tolist()


def ours(text: list[list[str]], model: str) -> None:
    """One pass, on one thread."""
    torch.set_num_threads(1)
    train(text, model=model, dim=DIM, window=WINDOW, negatives=NEGATIVES, epochs=1)


def gensim_name() -> str:
    """With its version, if it is installed."""
    try:
        import gensim
    except ModuleNotFoundError:
        return "gensim"
    return f"gensim {gensim.__version__}, one worker"


def gensims(text: list[list[str]], model: str) -> None:
    """The same job, with the same arguments."""
    from gensim.models import Word2Vec

    Word2Vec(
        text, vector_size=DIM, window=WINDOW, negative=NEGATIVES, sample=1e-3, min_count=5,
        sg=int(model == "skip-gram"), epochs=1, workers=1,
    )  # fmt: skip


def races(quick: bool) -> Iterator[Race]:
    """Skip-gram and CBOW; a tenth of the text if ``quick``."""
    text = zipf_text(WORDS // 10 if quick else WORDS)
    size = sum(map(len, text))
    for model, goal in GOALS.items():
        yield Race(
            f"{model}, {size:,} words, D = {DIM}, window {WINDOW}, {NEGATIVES} negatives",
            size,
            "words",
            (
                Contender(gensim_name(), partial(gensims, text, model)),
                Contender("ours, one thread", partial(ours, text, model), goal),
            ),
        )
