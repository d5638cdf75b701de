"""Explorer 12, a hidden word: what BERT predicts at the place of one word, by both sides of it or by the left one alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_lib.explorers.page import Explorer, radios, table, words
from course_lib.language import say

if TYPE_CHECKING:
    from course_lib.bert import BERT

__all__ = ["SIDES", "WAYS", "Answer", "Case", "case_of", "explore_hidden_word", "story_fits"]

WAYS = ("mask", "random", "keep")
"""What becomes of the word: [MASK], another word, itself (Devlin et al. 2019, section 3.1)."""

SIDES = ("both", "left")
"""What stands around it: the text as it is, or with every word to the right as [MASK]."""

TOP = 5
"""How many words are shown."""

MOST_CASES = 3

FIXED, MASK = ("[CLS]", "[SEP]"), "[MASK]"
"""Tokens that are never hidden, as in training, and what stands for a hidden one."""


class Answer(NamedTuple):
    """The distribution at one place.

    Attributes:
        top: the five most probable words with their probabilities, the most probable first.
        original: the probability of the word that stood there.
        fits: the probability of all words together that the grammar allows there.
    """

    top: Sequence[tuple[str, float]]
    original: float
    fits: float


class Case(NamedTuple):
    """A text and what the model says about each of its words.

    Attributes:
        tokens: the T tokens, [CLS] and [SEP] among them.
        answers: by ``(place, way, side)``, the way one of :data:`WAYS`, the side one of :data:`SIDES`; all six for each
            place that can be chosen.
        others: by place the word that stands there in the way "random".
    """

    tokens: Sequence[str]
    answers: Mapping[tuple[int, str, str], Answer]
    others: Mapping[int, str]


def story_fits(tokens: Sequence[str], place: int) -> set[int]:
    """The ids that the grammar of :mod:`course_lib.corpora.stories` allows at a place, the rest of the text being as it is.

    Args:
        tokens: a story with [CLS] and [SEP].
        place: of a word.
    """
    from course_lib.corpora import stories

    shown = [i for i, token in enumerate(tokens) if token not in FIXED]
    return set(stories.ids(sorted(stories.fitting([tokens[i] for i in shown], shown.index(place)))))


def case_of(
    model: BERT,
    tokens: Sequence[str],
    fits: Callable[[Sequence[str], int], Collection[int]] = story_fits,
    seed: int = 0,
    *,
    vocabulary: Sequence[str] | None = None,
) -> Case:
    """What a model says about every word of a text, in all ways and by both sides or the left one.

    Args:
        model: trained.
        tokens: with [CLS] and [SEP]; what comes after the first [SEP] is of the second segment.
        fits: from the tokens and a place to the ids that the grammar allows there.
        seed: of the other words, each drawn evenly from all that are not special and not the original.
        vocabulary: the n_vocab tokens, by id; those of :mod:`course_lib.corpora.stories` by default.

    Raises:
        ValueError: if a token is not in the vocabulary, the vocabulary is not the model's, or the text is too long.
    """
    import torch

    from course_lib.corpora import stories

    known, tokens = list(stories.vocabulary() if vocabulary is None else vocabulary), list(tokens)
    if len(known) != len(model.embedding):
        raise ValueError(f"the model knows {len(model.embedding)} tokens, the vocabulary has {len(known)}")
    unknown = [token for token in tokens if token not in known]
    if unknown:
        raise ValueError(f"the model does not know {', '.join(map(repr, unknown))}")
    places = [place for place, token in enumerate(tokens) if token not in FIXED]
    ordinary, rng = [token for token in known if token not in stories.SPECIAL], np.random.default_rng(seed)
    others = {}
    for place in places:
        options = [token for token in ordinary if token != tokens[place]]
        others[place] = options[rng.integers(len(options))]
    keys = [(place, way, side) for place in places for way in WAYS for side in SIDES]
    texts = [read(tokens, place, way, side, others[place]) for place, way, side in keys]
    ids = torch.tensor([[known.index(token) for token in text] for text in texts])
    ends = torch.tensor([token == "[SEP]" for token in tokens])
    segments = (ends.cumsum(0) - ends.long()).clamp(max=1).expand_as(ids)
    with torch.no_grad():
        vectors = model(ids, segments)[range(len(keys)), [place for place, _, _ in keys]]
        p = model.masked_logits(vectors).double().softmax(-1)
    answers, allowed = {}, {place: sorted(fits(tokens, place)) for place in places}
    for key, row in zip(keys, p, strict=True):
        order = row.argsort(descending=True, stable=True)[:TOP].tolist()
        answers[key] = Answer(
            top=[(known[i], float(row[i])) for i in order],
            original=float(row[known.index(tokens[key[0]])]),
            fits=float(row[allowed[key[0]]].sum()),
        )
    return Case(tokens, answers, others)


def read(tokens: Sequence[str], place: int, way: str, side: str, other: str) -> list[str]:
    """The tokens as the model reads them, changed at a place and hidden to the right of it."""
    shown = {"mask": MASK, "random": other, "keep": tokens[place]}[way]
    hidden = side == "left"
    return [
        shown if i == place else MASK if hidden and i > place and token not in FIXED else token
        for i, token in enumerate(tokens)
    ]


def explore_hidden_word(cases: Sequence[Case | Mapping[str, Any]]) -> Explorer:
    """What BERT predicts at the place of a word that is hidden, replaced or left, by both sides or by the left one alone.

    The learner chooses a text and a word, what becomes of the word, and whether the words to its right are hidden too; the
    page shows the most probable words, the probability of the original and that of all words that fit. Probabilities are
    stored in thousandths: each number on the page is its input, rounded.

    Args:
        cases: 1 to 3 texts, each a :class:`Case` or a mapping with its fields; :func:`case_of` makes one from a model. At
            most 32 tokens each.

    Raises:
        ValueError: if places, ways, sides and words do not fit, or a probability is not a number from 0 to 1.
    """
    found = [_checked(Case(**one) if isinstance(one, Mapping) else Case(*one), i) for i, one in enumerate(cases)]
    if not 1 <= len(found) <= MOST_CASES:
        raise ValueError(f"{len(found)} texts: the explorer shows 1 to {MOST_CASES}")
    shown = sorted({word for case in found for answer in case.answers.values() for word, _ in answer.top})
    first = found[0]
    places = _places(first)
    # It begins where the right side helps the word itself most.
    gain = [first.answers[p, "mask", "both"].original - first.answers[p, "mask", "left"].original for p in places]
    mean = {
        f"{field}_{side}": _number(
            math.fsum(getattr(first.answers[p, "mask", side], field) for p in places) / len(places)
        )
        for field in ("original", "fits")
        for side in SIDES
    }
    return Explorer(
        "hidden_word",
        data={
            "answers": say("explorer.hidden_word.answers").split("|"),
            "cases": [_packed(one, shown) for one in found],
            "fixed": FIXED,
            "frame": _frame(found),
            "mask": MASK,
            "shown": shown,
            "start": gain.index(max(gain)),
            "words": words("hidden_word"),
        },
        label=say("explorer.hidden_word.label"),
        summary=say("explorer.hidden_word.summary", text=_text(first.tokens), places=len(places), **mean),
        static=_static(first),
        tokens=max((case.tokens for case in found), key=len),
    )


# ----------------------------------------------------------------------------------------------------- what is checked


def _checked(case: Case, number: int) -> Case:
    name, tokens = f"text {number}", [str(token) for token in case.tokens]
    answers = {(int(place), way, side): Answer(*answer) for (place, way, side), answer in case.answers.items()}
    others = {int(place): str(word) for place, word in case.others.items()}
    places = sorted({place for place, _, _ in answers})
    if not places:
        raise ValueError(f"{name}: there is no answer")
    for place in places:
        if not 0 <= place < len(tokens) or tokens[place] in FIXED:
            raise ValueError(f"{name}: there is no word at place {place}")
        if place not in others:
            raise ValueError(f"{name}: there is no other word for place {place}")
    wanted = {(place, way, side) for place in places for way in WAYS for side in SIDES}
    if wanted != set(answers):
        odd = sorted(map(str, wanted ^ set(answers)))[0]
        raise ValueError(f"{name}: every place has an answer for each way and side, and no other; see {odd}")
    for key, answer in answers.items():
        top = [(str(word), float(p)) for word, p in answer.top]
        numbers = [*(p for _, p in top), float(answer.original), float(answer.fits)]
        if len(top) != TOP or [p for _, p in top] != sorted((p for _, p in top), reverse=True):
            raise ValueError(f"{name}: the answer for {key} has {TOP} words, the most probable first")
        # Sums of many probabilities may exceed 1 by rounding.
        if not all(0 <= p <= 1 + 1e-9 for p in numbers):
            raise ValueError(f"{name}: the answer for {key} must hold probabilities from 0 to 1, not {numbers}")
        answers[key] = Answer(top, *numbers[TOP:])
    return Case(tokens, answers, others)


def _places(case: Case) -> list[int]:
    return sorted({place for place, _, _ in case.answers})


# ------------------------------------------------------------------------------------------------------------ the page


def _packed(case: Case, shown: Sequence[str]) -> dict[str, Any]:
    """The answers by place, way and side: the numbers of the five words, then seven probabilities in thousandths."""
    places, at = _places(case), {word: i for i, word in enumerate(shown)}
    answers = [case.answers[place, way, side] for place in places for way in WAYS for side in SIDES]
    return {
        "answers": [
            [
                *(at[word] for word, _ in one.top),
                *(round(1000 * p) for p in (*(p for _, p in one.top), one.original, one.fits)),
            ]
            for one in answers
        ],
        "others": [case.others[place] for place in places],
        "places": places,
        "tokens": case.tokens,
    }


def _text(tokens: Sequence[str]) -> str:
    """The sentences between the special tokens, each with a capital."""
    sentences: list[list[str]] = [[]]
    for token in tokens:
        if token in FIXED:
            sentences.append([])
        else:
            sentences[-1].append(token)
    texts = [" ".join(words).replace(" .", ".") for words in sentences if words]
    return " ".join(text[:1].upper() + text[1:] for text in texts)


def _number(p: float) -> str:
    return f"{round(1000 * p) / 1000:.3f}"


def _frame(cases: Sequence[Case]) -> str:
    keys = ("title", "story", "choose", "hide", "reads", "says", "legend")
    text = {key: escape(say(f"explorer.hidden_word.{key}")) for key in keys}
    options = "".join(f"<option>{escape(_text(case.tokens))}</option>" for case in cases)
    ways = radios(say("explorer.hidden_word.becomes"), say("explorer.hidden_word.ways").split("|"), "ways")
    return (
        f'<p class="tx-title">{text["title"]}</p>'
        f'<div class="tx-row"><label>{text["story"]} <select data-ref="story">{options}</select></label></div>'
        f'<div class="tx-text" role="radiogroup" aria-label="{text["choose"]}" data-ref="text"></div>{ways}'
        f'<div class="tx-row"><label><input type="checkbox" data-ref="hide">{text["hide"]}</label></div>'
        f'<div data-ref="question"></div><div class="tx-slot"></div>'
        f'<p class="tx-spell">{text["reads"]}: <span data-ref="reads"></span></p>'
        f'<table><caption>{text["says"]}</caption><tbody data-ref="bars"></tbody></table>'
        f'<p data-ref="note"></p><p class="tx-quiet">{text["legend"]}</p>'
    )


def _static(case: Case) -> str:
    rows = []
    for place in _places(case):
        row = [case.tokens[place]]
        for side in SIDES:
            answer = case.answers[place, "mask", side]
            row += [f"{answer.top[0][0]} {_number(answer.top[0][1])}", _number(answer.fits)]
        rows.append(row)
    heads = ("word", "top_both", "fits_both", "top_left", "fits_left")
    return table(
        say("explorer.hidden_word.table", text=_text(case.tokens)),
        [say(f"explorer.hidden_word.{key}") for key in heads],
        rows,
    )
