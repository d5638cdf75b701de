"""The task of lesson 05: only the order of the words decides, and each way of telling positions is what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import order_task, training
from course_lib.corpora import crossing

TEXTS = crossing.sentences(30, seed=3, kind="roles")


def test_words_before_a_sentence_move_it_whole() -> None:
    for words, (original, text) in enumerate(zip(TEXTS, order_task.behind(TEXTS, range(30), seed=1), strict=True)):
        assert text.tokens[words:] == original.tokens and set(text.tokens[:words]) <= set(order_task.FILLER)
        assert text.tokens[text.it] == "it" and text.tokens[text.adjective] == original.tokens[original.adjective]
        assert [text.tokens[n] for n in text.nouns] == [original.tokens[n] for n in original.nouns]
        assert text.tokens[text.referent] == original.tokens[original.referent]


def test_the_model_is_asked_at_the_verb_for_the_noun_before_it() -> None:
    ids, lengths, verb, actor = order_task.batch(TEXTS)
    verbs = {verb[0] for verb in crossing.HUNTING_VERBS + crossing.FLEEING_VERBS}
    for n, text in enumerate(TEXTS):
        assert text.tokens[verb[n]] in verbs and lengths[n] == len(text.tokens)
        assert crossing.vocabulary()[actor[n]] == text.tokens[verb[n] - 1] == text.tokens[text.nouns[0]]
    exchanged = order_task.batch([crossing.exchange_nouns(text) for text in TEXTS])
    assert torch.equal(exchanged[2], verb) and not (exchanged[3] == actor).any()
    assert torch.equal(exchanged[0].sort().values, ids.sort().values)


@pytest.mark.parametrize("encoding", order_task.ENCODINGS)
def test_only_the_model_without_positions_is_blind_to_the_order(encoding: str) -> None:
    model = order_task.OrderReader(encoding, seed=1)
    with torch.no_grad():
        one, other = (model(*order_task.batch(texts)[:3]) for texts in (TEXTS, [*map(crossing.exchange_nouns, TEXTS)]))
    change = (one - other).abs().max()
    assert change < 1e-10 if encoding == "none" else change > 1e-3


@pytest.mark.parametrize("encoding", order_task.ENCODINGS)
def test_padding_changes_nothing(encoding: str) -> None:
    model = order_task.OrderReader(encoding, seed=1)
    longer = order_task.behind(TEXTS[:1], [9], seed=0)
    with torch.no_grad():
        alone = model(*order_task.batch(TEXTS[1:2])[:3])
        padded = model(*order_task.batch([TEXTS[1], *longer])[:3])
    torch.testing.assert_close(padded[:1], alone)


def test_relative_positions_do_not_care_where_a_sentence_stands() -> None:
    """The same sentence, moved: with the words before it hidden, relative ways give the same scores, absolute ones others."""
    text = TEXTS[0]
    moved = order_task.behind([text], [5], seed=0)[0]
    for encoding in order_task.ENCODINGS:
        model = order_task.OrderReader(encoding, seed=1)
        ids, lengths, verb, _ = order_task.batch([text])
        later, _, place, _ = order_task.batch([moved])
        with torch.no_grad():
            here = model(ids, lengths, verb)
            visible = (torch.arange(later.shape[1]) >= 5)[None, None, None]
            there = model.vectors(later, visible)[torch.arange(1), place] @ model.read
        same = torch.allclose(here, there, atol=1e-10)
        assert same == (encoding not in ("learned", "sinusoidal")), encoding


def test_a_little_training_helps_the_model_that_sees_the_order() -> None:
    model = order_task.OrderReader("rotary", seed=0)
    losses = order_task.train(model, steps=60)
    assert len(losses) == 60 and losses[-1] < losses[0] / 3
    assert order_task.accuracy(model, 6, count=50) > 0.6


def test_an_answer_is_right_names_the_other_noun_or_another_word() -> None:
    model = order_task.OrderReader("none", seed=0)
    with torch.no_grad():  # every word is read as itself, so that the answer is the verb
        model.read.copy_(model.embedding.T)
        for layer in model.layers:
            layer.W_O.zero_()
    assert order_task.answers(model, 3, count=20) == (0, 0, 1)


def test_a_sentence_and_its_twin_stand_behind_the_same_words() -> None:
    """So a model that is blind to the order gives both the same answer, and at most one of two is right, behind any words."""
    model = order_task.OrderReader("none", seed=0)
    order_task.train(model, steps=40)
    for words in (0, 5, 30):
        right, other, neither = order_task.answers(model, words, count=40)
        assert right <= 0.5 and right == pytest.approx(other) and right + other + neither == pytest.approx(1)


def test_numbers_of_words_are_drawn_evenly_or_mostly_few() -> None:
    rng = np.random.default_rng(0)
    even, few = order_task.evenly(rng, 20_000, most=60), order_task.mostly_few(rng, 20_000, mean=7, most=60)
    assert (even.min(), even.max(), few.min(), few.max()) == (0, 60, 0, 60)
    assert even.mean() == pytest.approx(30, abs=0.5) and few.mean() == pytest.approx(7, abs=0.2)
    counts = np.bincount(few)
    assert counts[1:6] / counts[:5] == pytest.approx(7 / 8, abs=0.06)


def test_only_unmet_buckets_get_another_bias() -> None:
    table = torch.arange(16.0).view(8, 2)
    met = torch.tensor([True, True, False, False, True, True, True, False])
    changed = table.clone()
    order_task.set_unmet(changed, met, -2)
    assert torch.equal(changed[met], table[met]) and (changed[~met] == -2).all()


def test_an_unknown_encoding_and_a_text_beyond_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'relative'"):
        order_task.OrderReader("relative", seed=0)
    model = order_task.OrderReader("learned", seed=0)
    with pytest.raises(ValueError, match="has only 128 rows"):
        order_task.accuracy(model, order_task.LONGEST, count=2)


# ------------------------------------------------------------------------------------------------ the training loop


def test_the_loop_takes_adam_s_steps_at_a_rate_that_falls() -> None:
    """Against PyTorch's Adam, driven by hand."""
    mine, theirs = (nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64)) for _ in range(2))
    optimizer = torch.optim.Adam([theirs], lr=0.1)
    expected = []
    for step in range(5):
        optimizer.param_groups[0]["lr"] = 0.1 * (5 - step) / 5
        optimizer.zero_grad()
        value = ((theirs - step) ** 2).sum()
        value.backward()
        optimizer.step()
        expected.append(value.item())
    assert training.minimise(lambda step: ((mine - step) ** 2).sum(), [mine], steps=5, rate=0.1) == pytest.approx(
        expected
    )
    torch.testing.assert_close(mine, theirs)


def test_without_decay_the_rate_stays() -> None:
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    seen: list[tuple[int, float]] = []
    training.minimise(
        lambda step: -weight.sum(),
        [weight],
        steps=10,
        rate=0.01,
        schedule=training.constant,
        after=lambda n: seen.append((n, weight.item())),
    )
    assert seen[-1] == (9, weight.item()) and [n for n, _ in seen] == list(range(10)) and seen[0][1] > 0
    assert weight.item() == pytest.approx(0.1, rel=1e-3)  # a constant gradient: Adam steps by the rate
