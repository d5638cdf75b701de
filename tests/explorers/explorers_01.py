"""The word map of lesson 01 on vectors that train in a second."""

from __future__ import annotations

from functools import cache

import torch

from course_lib.corpora import relations
from course_lib.explorers import Explorer, explore_word_map
from course_lib.word2vec import train
from course_lib.word_vectors import WordVectors

NATIONS, PERSONS = 12, 7
"""Rows of the grids that are frequent enough to have vectors in so small a text."""

START = ("france", "paris", "japan")


@cache
def vectors() -> WordVectors:
    """Vectors of D = 30 from 6,000 sentences, the same ones every time."""
    torch.set_num_threads(1)
    return train(relations.sentences(6000, seed=1), dim=30, epochs=5, dtype=torch.float64)


def column(grid: str, name: str, rows: int) -> list[str]:
    """The most frequent words of a column."""
    found = relations.GRIDS[grid]
    return [row[found.columns.index(name)] for row in found.rows[:rows]]


def groups() -> dict[str, list[str]]:
    """Countries, capitals and people: 38 words."""
    return {
        "country": column("nations", "country", NATIONS),
        "capital": column("nations", "capital", NATIONS),
        "person": [*column("persons", "male", PERSONS), *column("persons", "female", PERSONS)],
    }


def pairs() -> dict[str, list[tuple[str, str]]]:
    """The two relations among them, 132 and 42 questions."""
    shown = groups()
    people = shown["person"]
    return {
        "country–capital": list(zip(shown["country"], shown["capital"], strict=True)),
        "male–female": list(zip(people[:PERSONS], people[PERSONS:], strict=True)),
    }


@cache
def word_map() -> Explorer:
    """The explorer in English."""
    return explore_word_map(vectors(), groups(), pairs(), start=START)
