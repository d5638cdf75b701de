"""Filling holes and telling sentiment: each way against a slower one, or a model whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from course_lib import bert_training, gpt_training, story_experiments, story_holes, story_sentiment
from course_lib.bert import BERT
from course_lib.corpora import stories
from course_lib.gpt import GPT
from course_lib.results import recorded

TINY = replace(gpt_training.SMALL, d_model=16, layers=1, d_ff=32)


@pytest.fixture(scope="module")
def gpt() -> GPT:
    return gpt_training.untrained(TINY, seed=0)


@pytest.fixture(scope="module")
def bert() -> BERT:
    return bert_training.untrained(TINY, seed=0)


def test_holes_are_at_places_that_depend_on_others() -> None:
    of = story_holes.holes(400, seed=0)
    assert all(place in stories.dependent_places(story) for story, place in of)
    assert {place for _, place in of} == {2, 3, 6, 7, 10, 14, 17, 18, 21, 23}
    assert of == story_holes.holes(400, seed=0)


def test_by_mask_reads_the_story_with_one_word_hidden(bert: BERT) -> None:
    for story, place in story_holes.holes(5, seed=1):
        hidden = ["[MASK]" if i == place else word for i, word in enumerate(story.tokens)]
        of = bert_training.texts([(hidden[:13], hidden[13:])])
        with torch.no_grad():
            logits = bert.masked_logits(bert(*of))[0, of.ids[0].tolist().index(stories.MASK)]
        p = logits[8:].softmax(-1)
        torch.testing.assert_close(story_holes.by_mask(bert, [(story, place)])[0, 8:], p, atol=1e-12, rtol=0)


def test_from_the_left_does_not_see_the_word_or_what_follows(gpt: GPT) -> None:
    (story, place), (other, _) = story_holes.holes(2, seed=2)
    mixed = replace(story, first=(story.tokens[:place] + other.tokens[place:])[:13], second=other.second)
    same = replace(story, first=(story.tokens[:place] + other.tokens[place:])[:13]) if place < 13 else mixed
    if place >= 13:
        same = replace(story, second=story.second[: place - 13] + other.second[place - 13 :])
    found = [story_holes.from_the_left(gpt, [(one, place)])[0] for one in (story, same)]
    torch.testing.assert_close(found[0], found[1], atol=1e-12, rtol=0)
    with torch.no_grad():
        logits = gpt(torch.tensor([[stories.END, *stories.ids(story.tokens[:place])]]))[0, -1]
    torch.testing.assert_close(found[0][8:], logits[8:].softmax(-1), atol=1e-12, rtol=0)


def test_by_trying_is_bayes_rule_over_whole_texts(gpt: GPT) -> None:
    story, place = story_holes.holes(1, seed=3)[0]
    log_p = []
    for word in stories.vocabulary()[8:]:
        text = [stories.END, *stories.ids((*story.tokens[:place], word, *story.tokens[place + 1 :])), stories.END]
        log_p.append(-gpt_training.loss(gpt, torch.tensor([text])).item() * (len(text) - 1))
    wanted = torch.tensor(log_p, dtype=torch.float64).softmax(-1)
    found = story_holes.by_trying(gpt, [(story, place)])[0]
    torch.testing.assert_close(found[8:], wanted, atol=1e-10, rtol=0)
    assert found[:8].sum() == 0


def test_by_middle_asks_behind_the_last_mark(gpt: GPT) -> None:
    story, place = story_holes.holes(1, seed=4)[0]
    ids = stories.ids(story.tokens)
    text = [stories.PREFIX, *ids[:place], stories.SUFFIX, *ids[place + 1 :], stories.MIDDLE]
    with torch.no_grad():
        wanted = gpt(torch.tensor([text]))[0, -1, 8:].softmax(-1)
    torch.testing.assert_close(story_holes.by_middle(gpt, [(story, place)])[0, 8:], wanted, atol=1e-12, rtol=0)


def test_the_fit_is_judged_by_the_grammar() -> None:
    of = story_holes.holes(50, seed=5)

    def knows(asked: list) -> torch.Tensor:
        p = torch.full((len(asked), len(stories.vocabulary())), 0.5 / len(stories.vocabulary()))
        for row, (story, place) in zip(p, asked, strict=True):
            row[stories.ids([story.tokens[place]])] += 0.5
        return p

    found = story_holes.fit(knows, of)
    assert found.best == 1 and 0.5 < found.probability < 0.7
    assert story_holes.fit(lambda asked: knows(asked).flip(-1), of).best < 0.5


# ------------------------------------------------------------------------------------------------------------ sentiment


def test_labels_are_balanced_and_true() -> None:
    texts, wanted = story_sentiment.labelled(10, seed=0)
    assert wanted.tolist() == [0, 1] * 5 and [int(one.positive) for one in texts] == wanted.tolist()
    for count in (0, 7):
        with pytest.raises(ValueError, match="even number"):
            story_sentiment.labelled(count, seed=0)


@pytest.mark.parametrize("kind", ["bert", "gpt"])
@pytest.mark.parametrize("frozen", [True, False])
def test_fine_tuning_learns_its_labels_and_leaves_the_model_alone(kind: str, frozen: bool, request) -> None:  # noqa: ANN001
    model = request.getfixturevalue(kind)
    before = [weight.clone() for weight in model.parameters()]
    classifier = story_sentiment.fine_tune(model, 8, seed=0, frozen=frozen)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    moved = not torch.equal(classifier.model.stack.blocks[0].attention.W_V, model.stack.blocks[0].attention.W_V)
    assert moved != frozen
    assert story_sentiment.right(classifier, *story_sentiment.labelled(8, seed=0)) >= 0.75


def test_the_vector_of_the_whole_has_seen_the_last_word(gpt: GPT, bert: BERT) -> None:
    story = stories.stories(1, seed=0)[0]
    other = replace(story, second=(*story.second[:-2], "sad" if story.second[-2] != "sad" else "happy", "."))
    for model in (gpt, bert):
        for reading in ("whole", "mean"):
            features = story_sentiment.Sentiment(model, reading).features([story, other])
            assert (features[0] - features[1]).abs().max() > 1e-6


# ------------------------------------------------------------------------------------------------------ the kept models


def test_the_kept_models_are_those_of_the_recorded_results() -> None:
    model = BERT.from_pretrained(story_experiments.FOLDER / "bert")
    found = bert_training.scores(model)
    row = next(row for row in recorded("bert-stories")["rows"] if row["how"] == "80/10/10" and row["seed"] == 0)
    assert [found.masked, found.random, found.kept, found.next] == pytest.approx(
        [row["masked"], row["random word"], row["unchanged"], row["next"]], abs=5e-3
    )
    writer = GPT.from_pretrained(story_experiments.FOLDER / "gpt-middles")
    row = next(
        row
        for row in recorded("readers-and-writers")["rows"]
        if row["model"] == "GPT with middles" and row["seed"] == 0
    )
    assert gpt_training.fresh_loss(writer) == pytest.approx(row["loss"], abs=1e-4)
