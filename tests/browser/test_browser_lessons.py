"""Every built lesson in a real JupyterLab: run from a restarted kernel, operated by keyboard, in both themes, on a phone.

A lesson is opened and run once, and all checks look at that one page, in the order in which they stand here. A lesson
that is built is tested; nobody lists it. The Russian lessons, and more runs, belong to ``make test-all``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import browser_checks as checks
import pytest
from notebook_page import NotebookPage

from course_lib import notebook_rules as rules
from course_lib.language import LANGUAGES
from course_lib.lessons import NOTEBOOKS, Lesson

BUILT = [(lesson, lang) for lesson in NOTEBOOKS for lang in LANGUAGES if lesson.notebook(lang).exists()]
ENGLISH = [lesson for lesson, lang in BUILT if lang == "en"]
REPETITIONS = 10

CHECKS = (
    checks.runs_clean,
    checks.formulas_are_typeset,
    checks.explorers_are_alive,
    checks.keys_stay_inside,
    checks.usable_by_keyboard,
    checks.text_can_be_read,
    checks.figures_have_a_white_ground,
    checks.fits_a_phone,
)


@dataclass
class Run:
    """A lesson that has just been run."""

    lesson: Lesson
    lang: str
    page: NotebookPage


@contextlib.contextmanager
def window(browser, server, lesson: Lesson, lang: str, folder: str) -> Iterator[NotebookPage]:
    """A window that shows a copy of the lesson's notebook, with the outputs that are stored in it."""
    page = NotebookPage(browser, server.address)
    try:
        page.open(server.serve(lesson.notebook(lang), f"{folder}/{lang}/{lesson.slug}.ipynb"))
        yield page
    finally:
        page.close()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one, id=f"{one[0].slug}-{one[1]}", marks=[] if one[1] == "en" else [pytest.mark.slow])
        for one in BUILT
    ],
)
def ran(request, browser, server) -> Iterator[Run]:
    """A lesson after *run all* on a restarted kernel; its tests share the page."""
    lesson, lang = request.param
    with window(browser, server, lesson, lang, "run") as page:
        page.run_all()
        yield Run(lesson, lang, page)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_lesson_in_the_browser(ran, check):
    assert [*check(ran.page), *ran.page.faults()] == []


def test_axe_finds_nothing_serious(ran, axe):
    assert [*checks.accessible(ran.page, axe), *ran.page.faults()] == []


def test_every_explorer_of_the_file_is_among_those_that_were_checked(ran):
    stored = [
        cell.id
        for cell in rules.code_cells(rules.read(ran.lesson.notebook(ran.lang)))
        for output in cell.outputs
        if "tx-explorer" in output.get("data", {}).get("text/html", "")
    ]
    assert set(stored) <= set(checks.explorer_cells(ran.page))


def test_an_untrusted_copy_shows_every_explorer(ran, browser, server):
    """The copy is the committed file, in an account of Jupyter's that has never run it: as downloaded."""
    with window(browser, server, ran.lesson, ran.lang, "untrusted") as page:
        assert [*checks.readable_untrusted(page, checks.explorer_cells(ran.page)), *page.faults()] == []


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_a_lesson_again(repetition, browser, server):
    """More runs, each in a window of its own, spread over the lessons: a check that fails one time in ten is worthless."""
    lesson = ENGLISH[repetition % len(ENGLISH)]
    with window(browser, server, lesson, "en", f"again-{repetition}") as page:
        page.run_all()
        found = {check.__name__: check(page) for check in CHECKS}
        assert {name: findings for name, findings in found.items() if findings} == {}
        assert page.faults() == []
