"""Every exercise: untouched it says so, the printed solution and others like it are right, known mistakes get their hint."""

from __future__ import annotations

import re

import pytest
from exercise_runs import ALSO_RIGHT, WRITTEN, WRONG, exercises, notebook, run_of

from course_lib import exercises as package
from course_lib.language import LANGUAGES, say, use_language

EXERCISES = [(lesson, one) for lesson in WRITTEN for one in exercises(notebook(lesson))]
each_exercise = pytest.mark.parametrize("lesson,one", EXERCISES, ids=[f"{x.slug}-{one.name}" for x, one in EXERCISES])
each_lesson = pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)


@pytest.fixture(autouse=True)
def english():
    yield
    use_language("en")


def first_words(status: str, name: str, lang: str) -> str:
    """How the line of ``check`` begins in a language."""
    use_language(lang)
    return say(f"exercise.{status}", name=name, hint="")


def test_there_are_exercises_and_nothing_is_left_over():
    assert EXERCISES
    names = [one.name for _, one in EXERCISES]
    assert len(names) == len(set(names))
    assert set(names) == set(package.names()) == set(WRONG) == set(ALSO_RIGHT)


@each_lesson
def test_a_lesson_has_three_to_five_exercises_and_the_last_is_a_bug_hunt(lesson):
    hunts = [one.bug_hunt for one in exercises(notebook(lesson))]
    assert 3 <= len(hunts) <= 5
    assert hunts[-1] and not any(hunts[:-1])


@each_exercise
def test_enough_is_known_about_it(lesson, one):
    labels = [label for label, _, _ in WRONG[one.name]]
    assert len(labels) >= 3 and len(labels) == len(set(labels))
    assert len({source.strip() for source in ALSO_RIGHT[one.name]}) >= 2


@pytest.mark.parametrize("lang", LANGUAGES)
@each_exercise
def test_untouched(lesson, one, lang):
    book = {other.name: other for other in exercises(notebook(lesson, lang))}[one.name]
    begins = first_words("wrong" if one.bug_hunt else "todo", one.name, lang)
    assert book.printed.startswith(begins) and len(book.printed.strip()) > len(begins)
    assert book.printed.count("\n") == 1, "one line"


@each_exercise
def test_the_reference_is_right(lesson, one):
    assert package.grade(one.name, package.reference(one.name)) == (package.RIGHT, "")


@each_exercise
def test_the_printed_solution_is_right(lesson, one):
    assert run_of(lesson).solved[one.name] == f"[{one.name}] correct\n"


@each_lesson
def test_a_solved_lesson_prints_what_the_committed_one_prints(lesson):
    assert run_of(lesson).differences == []


def tried(lesson, one, place):
    return run_of(lesson).tried[one.name][place]


ANSWERS = [(x, one, n, *wrong) for x, one in EXERCISES for n, wrong in enumerate(WRONG.get(one.name, []))]


@pytest.mark.parametrize(
    "lesson,one,place,label,source,hint", ANSWERS, ids=[f"{a[0].slug}-{a[1].name}: {a[3]}" for a in ANSWERS]
)
def test_a_known_mistake_gets_its_hint_and_the_lesson_goes_on(lesson, one, place, label, source, hint):
    received = tried(lesson, one, place)
    assert received["error"] == "", "an answer ended its cell with a traceback"
    assert re.fullmatch(rf"\[{one.name}\] not yet: .*(?:{hint}).*\n", received["printed"]), received["printed"]
    assert received["reference"], "the lesson goes on with the wrong answer"


@each_exercise
def test_mistakes_are_told_apart(lesson, one):
    hints = {tried(lesson, one, place)["printed"] for place in range(len(WRONG[one.name]))}
    assert len(hints) >= 3, hints


RIGHT = [(x, one, n) for x, one in EXERCISES for n in range(len(ALSO_RIGHT.get(one.name, [])))]


@pytest.mark.parametrize("lesson,one,place", RIGHT, ids=[f"{x.slug}-{one.name}: {n}" for x, one, n in RIGHT])
def test_another_right_answer_is_right_and_stays(lesson, one, place):
    received = tried(lesson, one, len(WRONG[one.name]) + place)
    assert (received["error"], received["printed"]) == ("", f"[{one.name}] correct\n")
    assert not received["reference"], "the learner's own answer is taken away"
