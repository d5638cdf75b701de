"""The explorers of lesson 02 on small corpora."""

from __future__ import annotations

from functools import cache

from course_lib.bpe_tokenizer import Tokenizer
from course_lib.corpora import course_text
from course_lib.explorers import Explorer, explore_letter_counting, explore_merge_stepper

ENGLISH = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
"""The corpus of Sennrich et al. 2016, without the end mark."""

RUSSIAN = {"кот": 6, "котик": 4, "котёнок": 2, "кит": 3, "китёнок": 1}

MERGES = 10

CASES = [("strawberry", "r"), ("непреднамеренный", "н"), ("attention", "t"), ("внимание", "и")]


def merge_stepper() -> Explorer:
    """The stepper on the English corpus, in the session's language."""
    return explore_merge_stepper(ENGLISH, MERGES, own="lowest")


@cache
def tokenizer() -> Tokenizer:
    """A vocabulary of 4,000 tokens from the course's own text in both languages."""
    return Tokenizer.train([*course_text.frozen("en"), *course_text.frozen("ru")], 4000)


def letter_counting() -> Explorer:
    """Words of both languages, in the session's language."""
    return explore_letter_counting(tokenizer(), CASES)


BOTH = {"merge_stepper": merge_stepper, "letter_counting": letter_counting}
