"""The tests of exercises can fail: faults planted in a small notebook with one exercise."""

from __future__ import annotations

import pytest
from exercise_runs import exercises, run
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib import notebook_rules as rules
from course_lib.lessons import LessonError

CHECKER = """
from course_lib.exercises import check, checker

def reference(x):
    return 2 * x

@checker("double", reference=reference)
def _(double):
    yield "the function returned None", double(3) is not None
    yield "three becomes six", double(3) == 6
"""
STUB = 'def double(x):\n    raise NotImplementedError  # your code\n\n\ndouble = check("double", double)'
SOLUTION = "<details><summary>Solution</summary>\n\n```python\ndef double(x):\n    return x + x\n```\n\n</details>"


def text(content):
    return [new_output("stream", text=content)]


@pytest.fixture
def nb():
    cells = [
        new_code_cell(CHECKER, id="checker"),
        new_code_cell(STUB, id="ex-double", outputs=text("[double] not attempted yet: …\n")),
        new_markdown_cell(SOLUTION, id="ex-double-solution"),
        new_code_cell("print(double(4))", id="use", outputs=text("8\n")),
    ]
    cells[1].metadata.tags = ["exercise"]
    return rules.canonical(new_notebook(cells=cells))


def test_a_sound_exercise(nb, tmp_path):
    answers = [
        "def double(x): return x << 1",
        "def double(x): x * 2",
        "def double(x): return x ** 2",
        "def double(x): 1 / 0",
    ]
    done = run(nb, {"double": answers}, tmp_path)
    assert done.solved == {"double": "[double] correct\n"} and done.differences == []
    right, nothing, square, crash = done.tried["double"]
    assert right == {"printed": "[double] correct\n", "error": "", "reference": False}
    assert nothing == {"printed": "[double] not yet: the function returned None\n", "error": "", "reference": True}
    assert square["printed"] == "[double] not yet: three becomes six\n"
    assert crash["printed"] == "[double] not yet: your code stopped with ZeroDivisionError: division by zero\n"


def test_a_printed_solution_that_is_wrong_shows(nb, tmp_path):
    nb.cells[2].source = SOLUTION.replace("x + x", "x + 1")
    assert run(nb, {}, tmp_path).solved["double"] == "[double] not yet: three becomes six\n"


def test_a_lesson_that_depends_on_the_answer_shows(nb, tmp_path):
    nb.cells[3].source = "print(double.__code__.co_varnames, double(4))"
    nb.cells[3].outputs = text("('y',) 8\n")
    assert "use" in run(nb, {}, tmp_path).differences[0]


def test_an_answer_that_ends_its_cell_shows(nb, tmp_path):
    (received,) = run(nb, {"double": ["raise SystemExit"]}, tmp_path).tried["double"]
    assert received["error"] == "SystemExit()"


def test_a_solution_that_breaks_the_lesson_shows(nb, tmp_path):
    nb.cells[2].source = SOLUTION.replace("return x + x", "return x + x\ndel check, checker\nundefined")
    with pytest.raises(LessonError, match="ex-double"):
        run(nb, {}, tmp_path)


@pytest.mark.parametrize(
    "plant,says",
    [
        (lambda nb: nb.cells.pop(2), "no cell ex-double-solution"),
        (lambda nb: nb.cells[2].update(source="```python\nx\n```"), "0 folded Python blocks"),
        (lambda nb: nb.cells[2].update(source=SOLUTION * 2), "2 folded Python blocks"),
        (lambda nb: nb.cells[1].update(source=STUB.replace('"double"', '"other"')), "ends with"),
        (lambda nb: nb.cells[1].update(source="def double(x): ..."), "ends with"),
        (lambda nb: nb.cells[1].metadata.clear(), "tag exercise is missing"),
    ],
)
def test_an_exercise_that_is_not_whole_is_refused(nb, plant, says):
    assert [one.name for one in exercises(nb)] == ["double"]
    plant(nb)
    with pytest.raises(AssertionError, match=says):
        exercises(nb)
