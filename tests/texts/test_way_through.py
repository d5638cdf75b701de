"""The way through the course: each lesson links to the one before and the one after, at its beginning and at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from course_lib import notebook_rules as rules
from course_lib.language import LANGUAGES
from course_lib.lessons import LESSONS, NOTEBOOKS, PRIMER, Lesson

BUILT = [(one, lang) for one in LESSONS for lang in LANGUAGES if one.notebook(lang).exists()]
EVERY = [(one, lang) for one in NOTEBOOKS for lang in LANGUAGES if one.notebook(lang).exists()]
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+\.ipynb)(?:#[^)]*)?\)")


def name(one: object) -> str:
    return one.slug if isinstance(one, Lesson) else str(one)


def texts(lesson: Lesson, lang: str) -> dict[str, str]:
    """The Markdown cells of a built notebook by id, in order."""
    return {c.id: c.source for c in rules.read(lesson.notebook(lang)).cells if c.cell_type == "markdown"}


def wrong_ways(lesson: Lesson, cells: Mapping[str, str]) -> list[str]:
    """What is wrong with the links in a lesson's title and at its end."""
    before, after = [LESSONS[n] if 0 <= n < len(LESSONS) else None for n in (lesson.number - 1, lesson.number + 1)]
    title, end = (list(cells.values())[i].splitlines()[-1] for i in (0, -1))
    ways = {
        "title": (title, [one for one in (before, after) if one]),
        # From the last lesson the way leads back to the map.
        "end": (end, [after or LESSONS[0]]),
    }
    found = []
    for place, (line, wanted) in ways.items():
        links = [(text, target) for text, target in _LINK.findall(line) if target != PRIMER.notebook().name]
        targets = [one.notebook().name for one in wanted]
        if [target for _, target in links] != targets:
            found.append(f"{place}: links to {[target for _, target in links]}, expected {targets}")
        else:
            found += [
                f"{place}: the link to {one.slug} is called {text!r}"
                for (text, _), one in zip(links, wanted, strict=True)
                if f"{one.number:02d}" not in text
            ]
    return found


def broken(cells: Mapping[str, str], folder: Path) -> list[str]:
    """Links to notebooks that are not there."""
    return [target for text in cells.values() for _, target in _LINK.findall(text) if not (folder / target).is_file()]


@pytest.mark.parametrize(("lesson", "lang"), BUILT, ids=name)
def test_title_and_end_link_to_the_neighbours(lesson, lang):
    assert wrong_ways(lesson, texts(lesson, lang)) == []


@pytest.mark.parametrize(("lesson", "lang"), EVERY, ids=name)
def test_every_link_to_a_notebook_leads_to_one(lesson, lang):
    assert broken(texts(lesson, lang), lesson.notebook(lang).parent) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_lesson_links_to_the_primer(lang):
    assert PRIMER.notebook().name in [
        target for _, target in _LINK.findall(next(iter(texts(LESSONS[0], lang).values())))
    ]


def test_faults_are_found():
    lesson = LESSONS[4]
    sound = texts(lesson, "en")
    first, last = list(sound)[0], list(sound)[-1]
    assert wrong_ways(lesson, sound) == []
    folder = lesson.notebook().parent
    for cell, old, new in (
        (first, "(03_attention.ipynb)", "(02_bpe.ipynb)"),
        (first, "[05, ", "[06, "),
        (last, "(05_positions.ipynb)", "(06_encoder_block.ipynb)"),
        (last, "Next: ", "Next: [03](03_attention.ipynb), "),
    ):
        assert sound[cell].count(old) == 1
        assert len(wrong_ways(lesson, {**sound, cell: sound[cell].replace(old, new)})) == 1, new
    wrong = sound[last].replace("05_positions", "05_position")
    assert broken({**sound, last: wrong}, folder) == ["05_position.ipynb"]
