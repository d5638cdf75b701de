"""The pointing model: what one layer cannot do, exactly."""

from __future__ import annotations

import pytest
import torch

from course_lib.coreference import Pointer, accuracy, answers, batch, test_sentences, train
from course_lib.corpora import crossing

test_sentences.__test__ = False  # a corpus, not a test


@pytest.mark.parametrize("seed", range(3))
def test_one_layer_weighs_the_nouns_alike_in_both_twins(seed):
    model = Pointer(1, seed)
    train(model, steps=20)
    pairs = crossing.twins(50, seed=seed)
    ids, lengths, it, _ = batch([s for pair in pairs for s in pair])
    with torch.no_grad():
        rows = model(ids, lengths)[-1][torch.arange(len(ids)), it]
    for (one, _), first, second in zip(pairs, rows[::2], rows[1::2], strict=True):
        a, b = one.nouns
        assert float(first[a] / first[b] / (second[a] / second[b])) == pytest.approx(1, abs=1e-12)


def test_two_layers_do_not():
    model = Pointer(2, 0)
    one, other = crossing.twins(1, seed=0)[0]
    ids, lengths, it, _ = batch([one, other])
    with torch.no_grad():
        first, second = model(ids, lengths)[-1][torch.arange(2), it]
    a, b = one.nouns
    assert abs(float(first[a] / first[b] / (second[a] / second[b])) - 1) > 1e-3


def test_padding_changes_nothing():
    short, long = sorted(crossing.sentences(40, seed=1), key=lambda s: len(s.tokens))[::39]
    model = Pointer(2, 0)
    alone, together = (model(*batch(texts)[:2])[-1][0] for texts in ([short], [short, long]))
    size = len(short.tokens)
    assert len(long.tokens) > size
    torch.testing.assert_close(alone, together[:size, :size], atol=1e-14, rtol=0)
    assert not together[:size, size:].any()


def test_without_positions_exchanged_nouns_get_the_same_word():
    model = Pointer(2, 0)
    train(model, steps=20, kind="roles")
    texts = crossing.sentences(50, seed=2, kind="roles")
    exchanged = [crossing.exchange_nouns(text) for text in texts]
    for text, other, one, two in zip(texts, exchanged, answers(model, texts), answers(model, exchanged), strict=True):
        assert text.tokens[one] == other.tokens[two]


def test_training_learns_and_repeats_itself():
    models = [Pointer(2, 3), Pointer(2, 3)]
    losses = [train(model, steps=60) for model in models]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0] / 2
    assert 0.3 < accuracy(models[0], crossing.sentences(200, seed=3)) <= 1
