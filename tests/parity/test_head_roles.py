"""The experiments of lesson 04: the letters with two questions, and the heads of a model that finds the referent of *it*."""

from __future__ import annotations

import re

import pytest
import torch

from course_lib import head_roles, two_questions
from course_lib.coreference import test_sentences as sentences_of_test
from course_lib.multi_head import MultiHeadAttention


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------------------------------ the letters


def test_a_header_answers_its_own_questions() -> None:
    for seed in range(20):
        header, asked, answers = re.fullmatch(
            r"(.*) · (.*) → (.*)", str(two_questions.letters(1, generator(seed)))
        ).groups()
        names = dict(token.split() for token in header.split(", "))
        assert set(names) == set(two_questions.ROLES) and len(set(names.values())) == 4
        questions = asked.replace("?", "").split()
        assert len(set(questions)) == 2
        assert answers.split(", ") == [names[role] for role in questions]


def test_every_role_name_and_order_of_questions_occurs_about_equally() -> None:
    batch = two_questions.letters(6000, generator())
    for column in (batch.roles[:, 0], batch.asked[:, 0], batch.asked[:, 1]):
        assert (column.bincount(minlength=4) / 6000 - 0.25).abs().max() < 0.03
    assert (batch.names[:, 2].bincount(minlength=12) / 6000 - 1 / 12).abs().max() < 0.02
    assert torch.equal(batch.names, two_questions.letters(6000, generator()).names)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_models_have_equally_many_parameters_and_guess_at_first(heads: int) -> None:
    model = two_questions.Answerer(heads, seed=1)
    assert sum(p.numel() for p in model.parameters()) == sum(
        p.numel() for p in two_questions.Answerer(1, 0).parameters()
    )
    assert max(two_questions.accuracy(model)) < 0.25
    looks = two_questions.looks(model)
    assert looks.shape == (heads, 3)
    torch.testing.assert_close(looks.sum(-1), torch.ones(heads, dtype=torch.float64))


@pytest.mark.parametrize(("output", "parted"), [(True, False), (False, True)])
def test_heads_that_are_alike_get_the_same_gradients_unless_their_slices_of_w_o_differ(
    output: bool, parted: bool
) -> None:
    model = two_questions.Answerer(2, seed=0)
    assert two_questions.difference_of_heads(model.layer) > 0.1
    two_questions.make_alike(model.layer, output=output)
    assert two_questions.difference_of_heads(model.layer) == 0
    assert torch.equal(model.layer.W_O[:16], model.layer.W_O[16:]) == output
    _, watched = two_questions.train(model, steps=20, watch=lambda m: two_questions.difference_of_heads(m.layer))
    assert len(watched) == 20 and (watched[0] > 1e-3) == parted and (max(watched) <= 1e-9) != parted


def test_the_difference_of_heads_sees_one_number_of_any_triple() -> None:
    for name, column in (("W_Q", 5), ("W_K", 9), ("W_V", 11)):
        layer = MultiHeadAttention(12, 3, generator=generator())
        two_questions.make_alike(layer)
        with torch.no_grad():
            getattr(layer, name)[3, column] += 0.25
        assert two_questions.difference_of_heads(layer) == pytest.approx(0.25)


# --------------------------------------------------------------------------------------------------------- the heads


@pytest.fixture(scope="module")
def reader() -> head_roles.Reader:
    """A little trained: so that heads differ and the loss means something."""
    model = head_roles.Reader(heads=4, seed=0)
    losses = head_roles.train(model, steps=60)
    assert len(losses) == 60 and losses[-1] < losses[0] / 3
    return model


TEXTS = sentences_of_test()[:200]


def test_gates_of_one_change_nothing_and_a_head_without_output_is_not_missed(reader: head_roles.Reader) -> None:
    ones = torch.ones(2, 4, dtype=torch.float64)
    assert head_roles.evaluate(reader, TEXTS, ones) == pytest.approx(head_roles.evaluate(reader, TEXTS))
    grown, fallen = head_roles.ablation(reader, TEXTS)
    assert grown.shape == fallen.shape == (2, 4) and (grown != 0).all()
    kept = reader.layers[1].W_O.detach().clone()
    with torch.no_grad():
        reader.layers[1].W_O[8:16] = 0
    without, _ = head_roles.ablation(reader, TEXTS)
    loss, _ = head_roles.evaluate(reader, TEXTS)
    with torch.no_grad():
        reader.layers[1].W_O.copy_(kept)
    assert without[1, 1] == 0 and (without[0] != 0).all()
    assert loss - head_roles.evaluate(reader, TEXTS)[0] == pytest.approx(float(grown[1, 1]))


def test_looks_are_shares_of_the_row_of_it(reader: head_roles.Reader) -> None:
    seen = head_roles.looks(reader, TEXTS)
    assert seen.shape == (2, 4, len(head_roles.PLACES) + 1)
    torch.testing.assert_close(seen.sum(-1), torch.ones(2, 4, dtype=torch.float64))
    row = head_roles.weights_of_it(reader, TEXTS[:1])[0]
    one = head_roles.looks(reader, TEXTS[:1])
    text = TEXTS[0]
    assert torch.equal(one[..., 0], row[..., text.referent]) and torch.equal(one[..., 2], row[..., text.adjective])
    assert torch.equal(one[..., 1], row[..., text.nouns[1] if text.referent == text.nouns[0] else text.nouns[0]])
    the = [place for place, token in enumerate(text.tokens) if token == "the" and place not in text.nouns]
    assert len(the) >= 2
    torch.testing.assert_close(one[..., 4], row[..., the].sum(-1))
    torch.testing.assert_close(one.sum(-1), torch.ones(2, 4, dtype=torch.float64))


def test_the_distance_of_heads_is_0_to_itself_and_1_at_most(reader: head_roles.Reader) -> None:
    apart = head_roles.distance_of_heads(reader, TEXTS)
    assert apart.shape == (2, 4, 4) and torch.equal(apart, apart.mT)
    assert not apart.diagonal(dim1=-2, dim2=-1).any() and 0.01 < apart.max() <= 1
    with torch.no_grad():
        two_questions.make_alike(reader.layers[0])
    assert head_roles.distance_of_heads(reader, TEXTS)[0].max() < 1e-12


def test_padding_is_not_seen(reader: head_roles.Reader) -> None:
    shortest, longest = min(TEXTS, key=lambda t: len(t.tokens)), max(TEXTS, key=lambda t: len(t.tokens))
    alone = head_roles.weights_of_it(reader, [shortest])[0]
    padded = head_roles.weights_of_it(reader, [shortest, longest])[0]
    torch.testing.assert_close(padded[..., : alone.shape[-1]], alone)
    assert not padded[..., alone.shape[-1] :].any()
