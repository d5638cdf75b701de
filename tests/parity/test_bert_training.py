"""Pre-training BERT on stories: frames, corruption, losses, writing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from course_lib import bert_training
from course_lib.bert_training import AS_MASK, AS_RANDOM, CHOSEN, FULL, IGNORED
from course_lib.corpora import stories
from course_lib.corpora.stories import CLS, MASK, PAD, SEP, SPECIAL

TINY = replace(FULL, d_model=16, layers=1, d_ff=32, steps=20, size=8, warm_up=5)


def test_the_frame_of_one_and_of_two_sentences() -> None:
    of = bert_training.texts([(("the", "fox"), ("it", ".")), (("the", "fox", "."),)])
    the, fox, it, stop = stories.ids(("the", "fox", "it", "."))
    assert of.ids.tolist() == [[CLS, the, fox, SEP, it, stop, SEP], [CLS, the, fox, stop, SEP, PAD, PAD]]
    assert of.segments.tolist() == [[0, 0, 0, 0, 1, 1, 1], [0] * 7]
    assert of.lengths.tolist() == [7, 5]


def many() -> torch.Tensor:
    return bert_training.texts([(story.first, story.second) for story in stories.stories(4000, seed=0)]).ids


def test_corruption_chooses_and_changes_the_shares_it_says() -> None:
    ids = many()
    before = ids.clone()
    changed, targets = bert_training.corrupt(ids, torch.Generator().manual_seed(0))
    assert torch.equal(ids, before)
    chosen, ordinary = targets != IGNORED, ids >= len(SPECIAL)
    assert not (chosen & ~ordinary).any() and torch.equal(targets[chosen], ids[chosen])
    assert torch.equal(changed[~chosen], ids[~chosen])
    assert chosen.sum() / ordinary.sum() == pytest.approx(CHOSEN, abs=0.005)
    masked = (changed[chosen] == MASK).double().mean()
    other = ((changed[chosen] != MASK) & (changed[chosen] != ids[chosen])).double().mean()
    assert masked == pytest.approx(AS_MASK, abs=0.01) and other == pytest.approx(AS_RANDOM, abs=0.01)
    assert (changed[chosen] >= MASK).all()  # a random word is never [PAD], [CLS] or [SEP]


def test_all_chosen_tokens_can_become_mask() -> None:
    changed, targets = bert_training.corrupt(many(), torch.Generator().manual_seed(0), 1.0, 0.0)
    assert (changed[targets != IGNORED] == MASK).all()


def test_the_losses_are_those_of_all_logits_at_once() -> None:
    model = bert_training.untrained(replace(TINY, dtype=torch.float64), seed=0)
    of = bert_training.batch(stories.pairs(6, seed=0), seed=0)
    hidden, following = bert_training.losses(model, of)
    vectors = model(*of.texts)
    everywhere = model.masked_logits(vectors).flatten(0, 1)
    assert hidden.item() == pytest.approx(F.cross_entropy(everywhere, of.targets.flatten()).item())
    p = model.next_logits(model.pooled(vectors)).log_softmax(-1)
    assert following.item() == pytest.approx(-p[torch.arange(6), of.next].mean().item())
    assert of.next.tolist() == [int(not pair.follows) for pair in stories.pairs(6, seed=0)]


def test_training_lowers_the_loss_and_repeats_itself() -> None:
    runs = [bert_training.train(bert_training.untrained(TINY, seed=0), TINY, seed=0) for _ in range(2)]
    assert runs[0] == runs[1] and runs[0][-1] < runs[0][0] - 0.5


def test_scores_of_a_model_that_names_what_it_sees() -> None:
    """Every kept word is right, no hidden one but by chance: the scores tell the kinds apart."""

    class Copies(torch.nn.Module):
        def forward(self, ids, segments, lengths):  # noqa: ANN001, ANN202
            return F.one_hot(ids, len(stories.vocabulary())).double()

        masked_logits = staticmethod(lambda vectors: vectors)
        pooled = staticmethod(lambda vectors: vectors[:, 0])
        next_logits = staticmethod(lambda vectors: torch.tensor([[1.0, 0.0]]).expand(len(vectors), 2))

    found = bert_training.scores(Copies(), 400)
    assert found.kept == 1 and found.masked == 0 and found.random == 0
    assert found.next == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("template", [True, False])
def test_written_stories_have_the_length_of_one(template: bool) -> None:
    model = bert_training.untrained(TINY, seed=0)
    texts = bert_training.write(model, 3, seed=0, template=template)
    assert [len(text) for text in texts] == [25] * 3
    assert not any(word in SPECIAL for text in texts for word in text)
    assert texts == bert_training.write(model, 3, seed=0, template=template)


def test_while_writing_the_mask_stands_at_the_next_place(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = bert_training.untrained(TINY, seed=0), []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda ids, segments: read.append((ids, segments)) or forward(ids, segments))
    (text,) = bert_training.write(model, 1, seed=0, template=False)
    for place, (ids, segments) in enumerate(read):
        row = ids[0].tolist()
        assert row.count(MASK) == 1 and row[-2:] == [MASK, SEP] and row[0] == CLS
        assert [token for token in row if token not in (CLS, SEP, MASK)] == stories.ids(text[:place])
        assert row.count(SEP) == (2 if place >= 13 else 1) and segments.max() == int(place >= 13)
