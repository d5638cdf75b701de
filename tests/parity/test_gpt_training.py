"""Training a GPT on stories: texts, loss, writing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from course_lib import gpt_training
from course_lib.corpora import stories
from course_lib.corpora.stories import END, MIDDLE, PAD, PREFIX, SUFFIX
from course_lib.gpt_training import SMALL

TINY = replace(SMALL, d_model=16, layers=1, d_ff=32, steps=30, size=8)


def test_a_plain_text_stands_between_end_tokens() -> None:
    story = stories.stories(1, seed=0)[0]
    text = gpt_training.plain(story)
    assert text[0] == text[-1] == END and stories.words(text[1:-1]) == story.tokens


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 25), (25, 25), (7, 9), (3, 3)])
def test_a_rearranged_text_holds_the_same_words(start: int, stop: int) -> None:
    story = stories.stories(1, seed=0)[0]
    text = gpt_training.rearranged(story, start, stop)
    assert text[0] == PREFIX and text[-1] == END
    suffix, middle = text.index(SUFFIX), text.index(MIDDLE)
    before, after, between = text[1:suffix], text[suffix + 1 : middle], text[middle + 1 : -1]
    assert len(between) == stop - start
    assert stories.words(before + between + after) == story.tokens


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (4, 3), (0, 26)])
def test_a_middle_outside_the_text_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="is no part of"):
        gpt_training.rearranged(stories.stories(1, seed=0)[0], start, stop)


def test_about_the_asked_share_of_texts_is_rearranged() -> None:
    texts = gpt_training.with_middles(stories.stories(2000, seed=1), seed=1, share=0.3)
    assert sum(PREFIX in text for text in texts) / 2000 == pytest.approx(0.3, abs=0.04)
    assert texts == gpt_training.with_middles(stories.stories(2000, seed=1), seed=1, share=0.3)


def test_the_loss_counts_every_token_but_the_first_and_no_padding() -> None:
    model = gpt_training.untrained(TINY, seed=0)
    ids = gpt_training.batch([[END, 20, 30, END], [END, 40, END]])
    assert ids[1, -1] == PAD
    with torch.no_grad():
        log_p = model(ids[:, :-1]).log_softmax(-1)
        wanted = [log_p[0, 0, 20], log_p[0, 1, 30], log_p[0, 2, END], log_p[1, 0, 40], log_p[1, 1, END]]
        assert float(gpt_training.loss(model, ids)) == pytest.approx(-sum(map(float, wanted)) / 5)


def test_training_lowers_the_loss_and_repeats_itself() -> None:
    runs = []
    for _ in range(2):
        model = gpt_training.untrained(TINY, seed=0)
        runs.append(gpt_training.train(model, TINY, seed=0))
    assert runs[0] == runs[1] and runs[0][-1] < runs[0][0] - 0.2
    assert runs[0] != gpt_training.train(gpt_training.untrained(TINY, seed=0), TINY, seed=1)


def test_no_model_is_judged_by_stories_it_was_trained_on() -> None:
    trained = {story.tokens for step in range(50) for story in stories.stories(SMALL.size, step)}
    assert not trained & {story.tokens for story in gpt_training.fresh(600)}


def test_writing_begins_with_the_prompt_and_stops_at_the_end_token() -> None:
    model = gpt_training.untrained(TINY, seed=0)
    gpt_training.train(model, TINY, seed=0)
    texts = gpt_training.write(model, 5, seed=0, prompt=("yesterday", "the"))
    assert len(texts) == 5 and all(text[:2] == ("yesterday", "the") for text in texts)
    assert all("<|endoftext|>" not in text for text in texts)
    assert texts == gpt_training.write(model, 5, seed=0, prompt=("yesterday", "the"))
    assert len(set(gpt_training.write(model, 5, seed=0, temperature=0))) == 1


def test_the_share_of_accepted_texts() -> None:
    good = stories.stories(3, seed=0)
    assert gpt_training.accepted([*(story.tokens for story in good), ("the", "fox")]) == 0.75
