"""The questions of lesson 06: no word gives the kind away, the model reads the question mark alone, padding is not seen."""

from __future__ import annotations

import pytest
import torch

from course_lib import questions
from course_lib.questions import ANSWERS, FACTS, KINDS, OPENINGS, THINGS, WORDS, QuestionReader


def test_each_fact_is_asked_once_behind_each_opening():
    asked = questions.all_questions()
    assert len(asked.ids) == len(OPENINGS) * len(THINGS) * len(KINDS) == 896
    rows = {*zip(asked.opening.tolist(), asked.thing.tolist(), asked.kind.tolist(), strict=True)}
    assert len(rows) == 896
    for n in (0, 111, 500, 895):
        words = [WORDS[i] for i in asked.ids[n]]
        thing, kind = THINGS[asked.thing[n]], list(KINDS)[asked.kind[n]]
        text = questions.question(thing, kind, OPENINGS[asked.opening[n]])
        assert words == text + [questions.PAD] * (len(words) - len(text))
        assert asked.lengths[n] == len(text) and text[-1] == questions.MARK
        assert ANSWERS[asked.answer[n]] == FACTS[thing][kind]


def test_the_two_words_of_a_kind_tell_it_and_a_single_word_does_not():
    assert len(set(KINDS.values())) == len(KINDS)
    words = {word for pair in KINDS.values() for word in pair}
    for word in words:
        assert sum(word in pair for pair in KINDS.values()) >= (2 if word != "of" else 1)
    assert sum(pair[1] == "of" for pair in KINDS.values()) == 1  # the one word that gives its kind away


def test_no_answer_follows_from_the_thing_or_the_kind():
    for facts in FACTS.values():
        assert len(set(facts.values())) >= 5
    for kind in KINDS:
        assert len({facts[kind] for facts in FACTS.values()}) >= 6


def test_questions_can_be_chosen_by_mask_and_by_number():
    asked = questions.all_questions()
    plain = asked[asked.opening == 0]
    assert len(plain.ids) == 112 and bool((plain.opening == 0).all())
    assert torch.equal(asked[torch.tensor([5, 3])].answer, asked.answer[[5, 3]])


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_trace_ends_where_the_answer_is_read_and_padding_is_not_seen(norm):
    asked = questions.all_questions()[torch.tensor([0, 700])]
    model = QuestionReader(3, seed=0, norm=norm)
    vectors = model.trace(asked)
    assert len(vectors) == 4 and vectors[0].shape == (2, questions.D)
    assert torch.equal(vectors[0][0], model.embedding[WORDS.index(questions.MARK)])
    assert torch.equal(model.read_out(vectors[-1]), model(asked))
    short = asked[torch.tensor([0])]
    cut = short._replace(ids=short.ids[:, : short.lengths[0]])
    assert torch.allclose(model(cut), model(short), atol=1e-12, rtol=0)


def test_training_teaches_the_answers():
    model, asked = QuestionReader(1, seed=0), questions.all_questions()
    assert questions.accuracy(model, asked) < 0.1
    losses = questions.train(model, steps=60, size=64)
    assert len(losses) == 60 and losses[-1] < losses[0] / 2
    assert questions.accuracy(model, asked) > 0.3


def test_the_batch_of_a_step_is_always_the_same():
    model, asked = QuestionReader(1, seed=0), questions.all_questions()
    first = questions.loss(model, asked, 3, 16).item()
    assert questions.loss(model, asked, 3, 16).item() == first != questions.loss(model, asked, 4, 16).item()
