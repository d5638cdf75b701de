"""Linear probes of lesson 06: they find what is there, by the same classifier as ridge regression solved otherwise."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from course_lib.probing import probe


def randn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labelled() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Vectors in which one of four labels is written along a direction of its own, under noise and a large mean."""
    labels = torch.arange(200) % 4
    x = 3 * randn(4, 10, seed=1)[labels] + randn(200, 10, seed=2) + 50
    return x, labels, torch.arange(200) < 120


def test_what_is_there_is_found_and_what_is_not_is_not():
    x, labels, learned = labelled()
    assert probe(x, labels, learned) > 0.95
    assert probe(randn(200, 10, seed=3), labels, learned) < 0.5


def test_it_is_tested_on_the_other_vectors():
    x, labels, learned = labelled()
    wrong = torch.where(learned, labels, (labels + 1) % 4)
    assert probe(x, wrong, learned) < 0.05


def test_the_answers_are_those_of_ridge_regression_by_least_squares():
    x, labels, learned = labelled()
    x = x + 3 * randn(200, 10, seed=4)  # so noisy that some answers are wrong
    fitted = x[learned]
    z = (x - fitted.mean(0)) / fitted.std(0, correction=0)
    wanted = F.one_hot(labels).double()
    # The penalty as further rows of a least-squares problem.
    rows = torch.cat([z[learned], (0.01 * 120) ** 0.5 * torch.eye(10, dtype=torch.float64)])
    goal = torch.cat([wanted[learned] - wanted[learned].mean(0), torch.zeros(10, 4, dtype=torch.float64)])
    answers = (z @ torch.linalg.lstsq(rows, goal).solution + wanted[learned].mean(0)).argmax(-1)
    expected = (answers == labels)[~learned].double().mean().item()
    assert probe(x, labels, learned) == pytest.approx(expected, abs=1e-12)
    assert 0.3 < expected < 1


def test_a_feature_that_never_changes_does_no_harm():
    x, labels, learned = labelled()
    still = torch.cat([x, torch.full((200, 1), 7.0, dtype=torch.float64)], dim=1)
    assert probe(still, labels, learned) == probe(x, labels, learned)


@pytest.mark.parametrize("value", [True, False])
def test_it_needs_vectors_on_both_sides(value):
    x, labels, _ = labelled()
    with pytest.raises(ValueError, match="fitted on, and others"):
        probe(x, labels, torch.full((200,), value))
