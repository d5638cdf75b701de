"""The recall task and its readers: what is drawn, what is equal between them, and that each can be right for its reason."""

from __future__ import annotations

import pytest
import torch

from course_lib import recall


def test_a_sequence_is_what_it_says() -> None:
    drawn = recall.batch(pairs=5, size=300, seed=1, pauses=3)
    assert drawn.keys.shape == drawn.values.shape == (300, 9)
    for keys, values, answer, distance in zip(*(part.tolist() for part in drawn), strict=True):
        assert len(set(keys[:5])) == 5 and keys[5:8] == [recall.KEYS] * 3 and values[5:8] == [recall.PAUSE] * 3
        assert values[-1] == recall.QUESTION and max(values[:5]) < recall.VALUES
        place = keys[:5].index(keys[-1])
        assert answer == values[place] and distance == 8 - place
    assert set(drawn.distance.tolist()) == {4, 5, 6, 7, 8}


@pytest.mark.parametrize("pairs", [0, recall.KEYS + 1])
def test_pairs_that_cannot_be_drawn_are_refused(pairs: int) -> None:
    with pytest.raises(ValueError, match="1 to 16 pairs"):
        recall.batch(pairs, 2, 0)


def test_both_readers_have_as_many_weights() -> None:
    assert recall.size(recall.Reader("LSTM", 0)) == recall.size(recall.Reader("attention", 0)) == 9440


def test_an_unknown_reader_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'GRU'"):
        recall.Reader("GRU", 0)  # type: ignore[arg-type]


def test_the_bias_of_the_forget_gate_and_nothing_else_is_raised() -> None:
    plain, raised = recall.Reader("LSTM", 0), recall.Reader("LSTM", 0, forget=3.0)
    for (name, one), other in zip(plain.named_parameters(), raised.parameters(), strict=True):
        moved = other.detach() - one.detach()
        if name == "network.bias_ih_l0":
            state = recall.STATE
            assert torch.allclose(moved[state : 2 * state], torch.full((state,), 3.0, dtype=torch.float64))
            moved = torch.cat([moved[:state], moved[2 * state :]])
        assert moved.abs().max() == 0, name


def test_attention_reads_the_token_that_it_looks_at() -> None:
    """Weights by hand: keys are compared, values are read. The answers are then right without any training."""
    model = recall.Reader("attention", 0)
    d = recall.D
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        # The table of keys fills the first half of a vector, that of values the second.
        model.keys[: recall.KEYS, : recall.KEYS] = torch.eye(recall.KEYS, dtype=torch.float64)
        model.values[: recall.VALUES, d // 2 : d // 2 + recall.VALUES] = torch.eye(recall.VALUES, dtype=torch.float64)
        model.values[recall.QUESTION, -1] = 1
        model.network.W_Q[: d // 2, : d // 2] = 1000 * torch.eye(d // 2, dtype=torch.float64)
        model.network.W_K[: d // 2, : d // 2] = torch.eye(d // 2, dtype=torch.float64)
        model.network.W_V[d // 2 :, : d // 2] = torch.eye(d // 2, dtype=torch.float64)
        model.read[: recall.VALUES] = torch.eye(recall.VALUES, dtype=torch.float64)
    assert recall.accuracy(model, pairs=16, pauses=7, count=200) == 1


def test_training_teaches_attention_and_its_bookkeeping_is_right() -> None:
    model = recall.Reader("attention", 0)
    before = recall.accuracy(model, 4)
    losses = recall.train(model, 4, 120, pauses=(0, 2))
    assert len(losses) == 120 and before < 0.3 and recall.accuracy(model, 4, 2) > 0.95
