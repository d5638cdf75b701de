"""What nbval cannot see, of every committed notebook: the static rules, the pairs, the claims. No kernel."""

from __future__ import annotations

import re

import pytest

from course_lib import claims
from course_lib import notebook_pairs as pairs
from course_lib import notebook_rules as rules
from course_lib.language import LANGUAGES
from course_lib.lessons import LESSONS, NOTEBOOKS, ROOT, stale

WRITTEN = [lesson for lesson in NOTEBOOKS if lesson.written]
BOOKS = [pytest.param(lesson, lang, id=f"{lesson.slug}-{lang}") for lesson in WRITTEN for lang in LANGUAGES]


def locked(package: str) -> str:
    """The version of a package in requirements.lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return re.search(rf"^{package}==([^\s;]+)", lock, re.MULTILINE)[1]


def test_there_is_a_lesson():
    assert set(WRITTEN) & set(LESSONS), "no lesson is written: every test of notebooks would pass unseen"


def test_every_notebook_is_one_of_a_lesson():
    known = {lesson.notebook(lang) for lesson in WRITTEN for lang in LANGUAGES}
    assert set((ROOT / "notebooks").rglob("*.ipynb")) == known


@pytest.mark.parametrize("lesson,lang", BOOKS)
def test_it_is_what_the_source_says(lesson, lang):
    assert stale(lesson, lang) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("lesson,lang", BOOKS)
def test_rule(lesson, lang, rule):
    assert rule(rules.read(lesson.notebook(lang))) == []


@pytest.mark.parametrize("lesson,lang", BOOKS)
def test_the_file_is_written_as_the_builder_writes_it(lesson, lang):
    path = lesson.notebook(lang)
    assert path.read_bytes() == rules.written(rules.read(path)).encode("utf-8")


@pytest.mark.parametrize("lesson,lang", BOOKS)
def test_pictures_are_of_the_locked_matplotlib(lesson, lang):
    assert rules.pictures_of_the_locked_matplotlib(rules.read(lesson.notebook(lang)), locked("matplotlib")) == []


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_the_two_languages_are_one_lesson(lesson):
    assert pairs.pair_problems(*(rules.read(lesson.notebook(lang)) for lang in LANGUAGES)) == []


@pytest.mark.parametrize("lesson,lang", BOOKS)
def test_a_written_lesson_executes_its_claims(lesson, lang):
    if lesson in LESSONS:
        assert claims.unfinished(lesson.number, lesson.notebook(lang), lang) == []
    else:  # the primer tests no statement of the notes
        assert claims.printed(lesson.notebook(lang)) == {}


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_both_languages_measured_the_same(lesson):
    en, ru = (claims.printed(lesson.notebook(lang)) for lang in LANGUAGES)
    assert en == ru
