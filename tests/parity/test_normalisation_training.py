"""The experiments of lesson 06 on normalisation and on depth: what they train is what they say."""

from __future__ import annotations

import pytest
import torch

from course_lib import coreference, depth, normalisation_training, questions
from course_lib.normalisation_training import BatchNorm, BatchNormReader, train_warm
from course_lib.questions import QuestionReader
from course_lib.results import recorded


def test_the_rate_rises_over_the_steps_of_warm_up_and_then_stays(monkeypatch):
    rates = []
    step = torch.optim.Adam.step

    def seen(self, *args, **options):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", seen)
    train_warm(QuestionReader(1, seed=0), rate=0.01, warm_up=4, steps=6)
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])
    rates.clear()
    train_warm(QuestionReader(1, seed=0), rate=0.01, warm_up=0, steps=3)
    assert rates == pytest.approx([0.01] * 3)


def test_batch_norm_is_that_of_pytorch():
    own, theirs = BatchNorm(5), torch.nn.BatchNorm1d(5, dtype=torch.float64)
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for _ in range(3):
        assert torch.allclose(own(x), theirs(x.mT).mT, atol=1e-12, rtol=0)
        x = x * 1.5 + 1
    own.eval(), theirs.eval()
    assert torch.allclose(own(x), theirs(x.mT).mT, atol=1e-12, rtol=0)


@pytest.mark.parametrize("masked", [True, False])
def test_padding_counts_in_batch_norm_unless_it_is_masked(masked):
    asked = questions.all_questions()[torch.arange(0, 896, 37)]
    wider = asked._replace(ids=torch.nn.functional.pad(asked.ids, (0, 5)))
    before, after = (BatchNormReader(2, seed=0, masked=masked)(some) for some in (asked, wider))
    assert torch.allclose(before, after, atol=1e-9, rtol=0) == masked


def test_both_readers_begin_with_the_same_matrices():
    ours, theirs = QuestionReader(2, seed=3), BatchNormReader(2, seed=3, masked=False)
    assert torch.equal(ours.read, theirs.read)
    for one, other in zip(ours.encoder.blocks, theirs.encoder.blocks, strict=True):
        assert torch.equal(one.feed_forward.W_2, other.feed_forward.W_2)


def test_the_weights_are_equal_to_two_in_a_hundred_whatever_the_depth():
    for task, shapes in (("facts", depth.FACTS), ("referent", depth.REFERENT)):
        sizes = {row["blocks"]: row["parameters"] for row in recorded("depth-width")["rows"] if row["task"] == task}
        assert set(sizes) == set(shapes)
        assert max(sizes.values()) < 1.02 * min(sizes.values())
    for blocks, size in sizes.items():
        assert sum(p.numel() for p in depth.DeepPointer(blocks, 0).encoder.parameters()) == size


def test_the_pointer_answers_with_weights_and_does_not_see_padding():
    texts = coreference.test_sentences()[:6]
    ids, lengths, *_ = coreference.batch(texts)
    model = depth.DeepPointer(2, seed=0)
    weights = model(ids, lengths)[-1]
    assert weights.shape == (6, ids.shape[1], ids.shape[1])
    hidden = torch.arange(ids.shape[1]) >= lengths[:, None]
    assert bool((weights.transpose(1, 2)[hidden] == 0).all())
    losses = coreference.train(model, steps=3, size=8, rate=0.01)
    assert len(losses) == 3


def test_a_deep_memory_has_its_blocks():
    memory = depth.deep_memory(4, seed=0)
    assert len(memory.block.blocks) == 4 and memory.block.norm is None
    assert memory(torch.tensor([0, 1]), torch.tensor([2, 2])).shape == (2, 64)


def test_sizes_of_the_lesson():
    assert {row["size"] for row in recorded("batch-size")["rows"]} == set(normalisation_training.SIZES)
