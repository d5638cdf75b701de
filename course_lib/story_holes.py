"""Filling in one hidden word of a story: what BERT is made for, and four ways for a GPT; lesson 08.

Every function gives a distribution over the vocabulary for one place of each story. Shapes use the course's letters: B stories,
T tokens, n_vocab tokens in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib import bert_training, gpt_training
from course_lib.bert import BERT
from course_lib.corpora import stories
from course_lib.corpora.stories import FIRST, MASK, MIDDLE, SPECIAL, Story
from course_lib.gpt import GPT

Hole = tuple[Story, int]
"""A story and the place of the word that is hidden."""


def holes(count: int, seed: int) -> list[Hole]:
    """Stories, each with one of its :func:`~course_lib.corpora.stories.dependent_places`."""
    drawn = stories.stories(count, seed)
    numbers = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).tolist()
    places = map(stories.dependent_places, drawn)
    return [(one, where[int(u * len(where))]) for one, where, u in zip(drawn, places, numbers, strict=True)]


@torch.no_grad()
def by_mask(model: BERT, of: Sequence[Hole]) -> Tensor:
    """BERT's way: [MASK] in the place of the word, the rest of the story on both sides of it. (B, n_vocab)."""
    texts = bert_training.texts([(story.first, story.second) for story, _ in of])
    rows, at = torch.arange(len(of)), torch.tensor([1 + place + (place >= FIRST) for _, place in of])
    texts.ids[rows, at] = MASK
    return _words_alone(model.masked_logits(model(*texts)[rows, at]))


@torch.no_grad()
def from_the_left(model: GPT, of: Sequence[Hole]) -> Tensor:
    """A GPT's next word after what stands left of the hole; it does not see the rest. (B, n_vocab)."""
    ids = gpt_training.batch([gpt_training.plain(story) for story, _ in of])
    return _words_alone(model(ids)[torch.arange(len(of)), torch.tensor([place for _, place in of])])


@torch.no_grad()
def by_trying(model: GPT, of: Sequence[Hole]) -> Tensor:
    """A GPT gives every possible whole text its probability: P(word | rest) ∝ P(text with this word). (B, n_vocab).

    Exact by Bayes' rule for what the model believes, and n_vocab times as dear.
    """
    found = []
    candidates = torch.arange(len(SPECIAL), len(stories.vocabulary()))
    for story, place in of:
        ids = torch.tensor(gpt_training.plain(story)).repeat(len(candidates), 1)
        ids[:, place + 1] = candidates
        log_p = model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None]).sum((1, 2))
        found.append(torch.cat([log_p.new_full((len(SPECIAL),), -torch.inf), log_p]).softmax(-1))
    return torch.stack(found)


@torch.no_grad()
def by_middle(model: GPT, of: Sequence[Hole]) -> Tensor:
    """A GPT trained to fill in the middle: <PRE> left <SUF> right <MID>, and then the next word. (B, n_vocab)."""
    texts = [gpt_training.rearranged(story, place, place + 1) for story, place in of]
    prompts = torch.tensor([text[: text.index(MIDDLE) + 1] for text in texts])  # all of one length
    return _words_alone(model(prompts)[:, -1])


def _words_alone(logits: Tensor) -> Tensor:
    """Probabilities of words: special tokens can never stand in a story."""
    logits = logits.clone()
    logits[..., : len(SPECIAL)] = -torch.inf
    return logits.softmax(-1)


class Fit(NamedTuple):
    """How well holes are filled.

    Attributes:
        best: the share of holes whose most probable word the grammar allows there.
        probability: the mean probability of all allowed words together.
    """

    best: float
    probability: float


def fit(fill: Callable[[Sequence[Hole]], Tensor], of: Sequence[Hole]) -> Fit:
    """Judge one way of filling by the grammar, not by the word that happened to stand there."""
    p = fill(of)
    allowed = torch.zeros_like(p)
    for row, (story, place) in zip(allowed, of, strict=True):
        row[stories.ids(sorted(stories.fitting(story.tokens, place)))] = 1
    best = allowed[torch.arange(len(of)), p.argmax(-1)]
    return Fit(best.mean().item(), (p * allowed).sum(-1).mean().item())
