"""Training as a user meets it: the same vectors again, bad input named, divergence stopped, and gensim's quality."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib import word2vec
from course_lib.corpora import relations
from course_lib.word2vec import TrainingDiverged, held_out_loss, train
from course_lib.word_vector_quality import (
    accuracy_by_bucket,
    neighbours_of_the_same_form,
    of_gensim,
    right_answers,
    shared_neighbours,
)
from course_lib.word_vectors import Vocabulary, WordVectors

TEXT = relations.sentences(1500, seed=1)


def small(model: str = "skip-gram", **options) -> WordVectors:
    return train(TEXT, **{"model": model, "dim": 12, "epochs": 2, **options})


# ------------------------------------------------------------------------------------------------------- the same again


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("model", word2vec.MODELS)
def test_a_seed_gives_the_same_bits_whatever_the_threads(model, dtype):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = small(model, dtype=dtype)
        torch.set_num_threads(2)
        other = small(model, dtype=dtype)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(one.vectors, other.vectors) and np.array_equal(one.context_vectors, other.context_vectors)
    assert one.losses == pytest.approx(other.losses, rel=1e-5)  # a sum over all scores may be added up in two halves
    assert one.vectors.dtype == (np.float32 if dtype == torch.float32 else np.float64)
    assert not np.allclose(one.vectors, small(model, dtype=dtype, seed=2).vectors, atol=0.01)


def test_sentences_may_come_from_a_generator_and_in_tuples():
    again = train((tuple(sentence) for sentence in TEXT), dim=12, epochs=2)
    assert np.array_equal(again.vectors, small().vectors)


def test_the_curve_of_losses_has_about_a_hundred_points_at_most():
    short, long = small().losses, train(relations.sentences(12_000, seed=1), dim=4, epochs=5).losses
    assert 0 < len(short) < len(long) == word2vec.POINTS
    assert long[0] > 1.3 * long[-1]


def test_progress_goes_to_stderr_and_changes_nothing(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich take a file for a terminal
    loud = small(progress=True)
    captured = capfd.readouterr()
    assert "word2vec" in captured.err and not captured.out
    assert np.array_equal(loud.vectors, small().vectors)
    assert not capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.drift
@pytest.mark.parametrize("model", word2vec.MODELS)
def test_another_instruction_set_changes_no_fourth_decimal(model, tmp_path):
    oldest = {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Prescott",
    }
    code = (
        "import sys, numpy, torch; from course_lib import word2vec; from course_lib.corpora import relations;"
        "v = word2vec.train(relations.sentences(10_000, seed=1), model=sys.argv[1], dim=50, dtype=torch.float64);"
        "numpy.save(sys.argv[2], v.vectors)"
    )
    found = []
    for name, variables in (("this", {}), ("oldest", oldest)):
        subprocess.run(
            [sys.executable, "-c", code, model, str(tmp_path / f"{name}.npy")], check=True, env=os.environ | variables
        )
        found.append(np.load(tmp_path / f"{name}.npy"))
    assert np.abs(found[0] - found[1]).max() < 1e-8


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "options,says",
    [
        ({"model": "skipgram"}, "there is no model 'skipgram': it is one of skip-gram, cbow"),
        ({"window": 0}, "window must be a whole number of 1 or more, not 0"),
        ({"dim": -3}, "dim must be a whole number of 1 or more, not -3"),
        ({"dim": 10.0}, "dim must be a whole number"),
        ({"negatives": 0}, "negatives must be"),
        ({"epochs": True}, "epochs must be a whole number of 1 or more, not True"),
        ({"min_count": 0}, "min_count must be"),
        ({"min_count": 10**6}, "lower min_count"),
        ({"sample": -1e-3}, r"sample must be 0 \(keep every word\) or more, not -0.001"),
        ({"sample": float("nan")}, "sample must be"),
        ({"learning_rate": 0}, "learning_rate must be more than 0, not 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be more than 0, not inf"),
    ],
)
def test_arguments_that_cannot_be(options, says):
    with pytest.raises(ValueError, match=says):
        small(**options)


@pytest.mark.parametrize(
    "sentences,says",
    [
        ([], "the corpus is empty"),
        ("one string of words", "the sentences are one string"),
        (["one", "string", "each"] * 9, "a sentence is a list of words"),
        ([["alone"]] * 9, "no sentence has two words of the vocabulary"),
    ],
)
def test_texts_that_teach_nothing(sentences, says):
    with pytest.raises(ValueError, match=says):
        train(sentences)


@pytest.mark.parametrize("model", word2vec.MODELS)
@pytest.mark.parametrize("learning_rate", [60.0, 1e30])
def test_divergence_is_stopped_and_says_what_to_do(model, learning_rate):
    with pytest.raises(TrainingDiverged, match=r"knowing nothing costs 4\.16: .* is too large: try 0\.5"):
        small(model, learning_rate=learning_rate, epochs=20)


def test_vectors_that_overflow_after_the_last_loss_are_noticed():
    # So small a text is one batch, whose loss is recorded before the step is taken.
    with pytest.raises(TrainingDiverged, match="the loss is nan"):
        train([["a", "b"] * 10], dim=2, epochs=1, sample=0, learning_rate=3e38)


def test_tiny_texts_train():
    vectors = train([["a", "b"]] * 5, dim=3, epochs=3)
    assert vectors.words == ("a", "b") and np.isfinite(vectors.vectors).all()
    wide = train([["a", "b", "c"]] * 5, dim=3, window=50, sample=0)
    assert np.isfinite(wide.vectors).all()
    # Subsampling may drop every single word.
    assert train([["a", "b"]] * 5, dim=3, epochs=2, sample=1e-12).losses == ()


def test_a_held_out_loss_needs_all_that_training_leaves():
    vectors = small()
    with pytest.raises(ValueError, match="needs context vectors and counts"):
        held_out_loss(WordVectors(Vocabulary(vectors.words), vectors.vectors), TEXT)
    with pytest.raises(ValueError, match="there is no loss to compute"):
        held_out_loss(vectors, [["nothing", "of", "qqq"], ["the"]] if "of" not in vectors else [["the"]])
    with pytest.raises(ValueError, match="there is no model"):
        held_out_loss(vectors, TEXT, model="glove")


# ------------------------------------------------------------------------------------------------------------- quality


def test_the_measures_of_quality_on_vectors_whose_answers_are_known():
    """Vectors made of the rows and columns of the grids answer every question; random ones hardly any."""
    words = sorted({word for grid in relations.GRIDS.values() for row in grid.rows for word in row})
    rng = np.random.default_rng(0)
    made = dict(zip(words, rng.normal(size=(len(words), 200)), strict=True))
    random = WordVectors(Vocabulary(tuple(words)), np.stack([made[word] for word in words]))
    for grid in relations.GRIDS.values():
        forms = 3 * rng.normal(size=(len(grid.columns), 200))
        for row in grid.rows:
            thing = rng.normal(size=200)
            for word, form in zip(row, forms, strict=True):
                made[word] = thing + form
    perfect = WordVectors(Vocabulary(tuple(words)), np.stack([made[word] for word in words]))
    assert right_answers(perfect).mean() > 0.99 and right_answers(random).mean() < 0.02
    buckets = accuracy_by_bucket(perfect)
    assert list(buckets) == [*relations.BUCKETS, "all"] and buckets["all"] == right_answers(perfect).mean()
    assert neighbours_of_the_same_form(perfect) > 0.95 > 0.1 > neighbours_of_the_same_form(random)
    assert shared_neighbours(perfect, perfect) == 1 and shared_neighbours(perfect, random) < 0.1


@pytest.mark.parametrize("model", word2vec.MODELS)
def test_the_quality_is_gensims_or_better(model):
    if not os.environ.get("COURSE_CI"):
        pytest.importorskip("gensim", reason="gensim is not installed")
    text, other = relations.sentences(15_000, seed=1), relations.sentences(1000, seed=2)
    options, seeds = {"dim": 50, "epochs": 6}, (1, 2, 3)
    torch.set_num_threads(1)
    ours = [train(text, model=model, seed=seed, **options) for seed in seeds]
    theirs = [of_gensim(text, ours[0].vocabulary, model=model, seed=seed, **options) for seed in seeds]

    def compared(measure) -> tuple[float, float]:
        """How far ours are above theirs in the mean of the seeds, and three standard errors of that."""
        a, b = (np.array([measure(vectors) for vectors in side]) for side in (ours, theirs))
        return a.mean() - b.mean(), 3 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(seeds))

    ahead, noise = compared(lambda vectors: right_answers(vectors).mean())
    assert noise < 0.1 and ahead > -noise
    ahead, noise = compared(lambda vectors: held_out_loss(vectors, other, model=model))
    assert noise < 0.05 and ahead < noise
    ahead, noise = compared(neighbours_of_the_same_form)
    assert noise < 0.05 and ahead > -noise
    mixed = np.mean([shared_neighbours(a, b) for a, b in zip(ours, theirs, strict=True)])
    among = np.mean([shared_neighbours(theirs[i], theirs[i - 1]) for i in range(3)])
    assert mixed > 0.6 * among
