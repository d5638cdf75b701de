"""The table of facts of lesson 06: facts are arbitrary, the model stores them, and a wider layer stores more."""

from __future__ import annotations

import torch

from course_lib import fact_table
from course_lib.results import recorded


def test_no_fact_follows_from_another() -> None:
    facts = fact_table.facts()
    assert facts.shape == (fact_table.FIRST, fact_table.SECOND)
    assert torch.equal(facts, fact_table.facts()) and not torch.equal(facts, fact_table.facts(seed=1))
    counts = facts.flatten().bincount(minlength=fact_table.ANSWERS)
    assert counts.min() > 0 and counts.max() < 3 * counts.double().mean()
    for lines in (facts, facts.T):  # no name has a favourite answer
        assert max(line.bincount().max() for line in lines) <= 6


def test_all_pairs_stand_once_in_the_order_of_the_table() -> None:
    first, second = fact_table.pairs()
    assert torch.equal(fact_table.facts()[first, second], fact_table.facts().flatten())
    assert len({*zip(first.tolist(), second.tolist(), strict=True)}) == fact_table.FIRST * fact_table.SECOND


def test_both_names_reach_the_answer() -> None:
    model = fact_table.Memory(16, 32, seed=0)
    first, second = torch.tensor([3, 4, 3]), torch.tensor([5, 5, 6])
    scores = model(first, second)
    assert scores.shape == (3, fact_table.ANSWERS)
    assert not torch.allclose(scores[0], scores[1]) and not torch.allclose(scores[0], scores[2])
    assert torch.equal(model.embed(first, second)[:, 0], model.embedding[first])
    assert torch.equal(model.embed(first, second)[:, 1], model.embedding[fact_table.FIRST + second])


def test_training_stores_facts_and_a_model_without_training_knows_none() -> None:
    model = fact_table.Memory(16, 64, seed=0)
    loss, accuracy = fact_table.evaluate(model)
    assert accuracy < 0.05
    losses = fact_table.train(model, steps=80)
    assert len(losses) == 80
    better, more = fact_table.evaluate(model)
    assert better < 0.9 * loss and more > 2 * accuracy


def test_models_of_equal_size_are_of_equal_size() -> None:
    """To one in a hundred, as the experiment says; and with D fixed a wider layer learned more in each of three seeds."""
    rows = recorded("feed-forward-width")["rows"]
    size = {(row["d_model"], row["d_ff"]): row["parameters"] for row in rows}
    for sizes in fact_table.EQUAL:
        assert abs(size[sizes] / size[16, 128] - 1) < 0.01
    assert size[16, 64] == sum(p.numel() for p in fact_table.Memory(16, 64, seed=0).parameters())
    for seed in range(3):
        losses = [
            next(row["loss"] for row in rows if (row["d_model"], row["d_ff"], row["seed"]) == (*sizes, seed))
            for sizes in fact_table.WIDTHS
        ]
        assert losses == sorted(losses, reverse=True)
