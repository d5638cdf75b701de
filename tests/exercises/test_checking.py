"""``grade`` and ``check``: what an answer may do, and what never happens whatever it does."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch

from course_lib import exercises
from course_lib.exercises import RIGHT, TODO, WRONG, check, checker, grade
from course_lib.language import use_language


def reference(x):
    return 2 * x


@pytest.fixture(autouse=True)
def double():
    @checker("test-double", reference=reference)
    def _(answer):
        yield "it returned None", answer(3) is not None
        yield f"three became {answer(3)}", answer(3) == 6

    yield
    del exercises._checkers["test-double"]
    use_language("en")


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


def raises(error):
    def answer(x):
        raise error

    return answer


def test_right_wrong_and_not_attempted():
    assert grade("test-double", lambda x: x + x) == (RIGHT, "")
    assert grade("test-double", lambda x: None) == (WRONG, "it returned None")
    assert grade("test-double", lambda x: x * x) == (WRONG, "three became 9")
    for untouched in (None, ..., raises(NotImplementedError), raises(NotImplementedError())):
        status, hint = grade("test-double", untouched)
        assert status is TODO and "run the cell again" in hint


@pytest.mark.parametrize(
    "error,says",
    [
        (ValueError("bad\n\nmuch more"), "ValueError: bad"),
        (ValueError("\n\nlate"), "ValueError: late"),
        (KeyError(), "KeyError"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (RecursionError("deep"), "RecursionError: deep"),
        (Unprintable(), "Unprintable"),
        (NotImplementedError("aten::foo is not implemented for this type"), "NotImplementedError: aten"),
        (ValueError("x" * 500), "x…"),
    ],
)
def test_whatever_an_answer_raises_is_one_line(error, says):
    status, hint = grade("test-double", raises(error))
    assert status is WRONG and says in hint and "\n" not in hint and len(hint) < 260


def test_endless_recursion_is_a_wrong_answer():
    def forever(x):
        return forever(x)

    assert grade("test-double", forever)[0] is WRONG
    assert grade("test-double", 5) == (WRONG, "your code stopped with TypeError: 'int' object is not callable")


def test_ctrl_c_passes():
    with pytest.raises(KeyboardInterrupt):
        grade("test-double", raises(KeyboardInterrupt()))


@pytest.mark.parametrize(
    "verdict", [[False], [True], 1, "yes", torch.tensor([True, True]), np.array([True, False]), None]
)
def test_only_a_truth_value_is_a_verdict(verdict):
    @checker("test-verdict", reference=None)
    def _(answer):
        yield "no", verdict

    assert grade("test-verdict", 1) == (WRONG, "no")
    del exercises._checkers["test-verdict"]


@pytest.mark.parametrize("verdict", [True, np.bool_(True), torch.tensor(True), np.array([True])])
def test_one_truth_value_of_any_library_is_a_verdict(verdict):
    @checker("test-verdict", reference=None)
    def _(answer):
        yield "no", verdict

    assert grade("test-verdict", 1) == (RIGHT, "")
    del exercises._checkers["test-verdict"]


def test_a_checker_that_asks_nothing_is_no_checker():
    @checker("test-empty", reference=None)
    def _(answer):
        yield from ()

    with pytest.raises(RuntimeError, match="asked nothing"):
        grade("test-empty", 1)
    del exercises._checkers["test-empty"]


def test_random_streams_stay_where_they_were():
    def draws(x):
        random.random(), np.random.rand(), torch.rand(1)
        return 2 * x

    def following():
        return random.random(), np.random.rand(), torch.rand(1).item()

    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = following()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    assert grade("test-double", draws)[0] is RIGHT
    assert following() == expected


def test_warnings_of_an_answer_do_not_reach_the_notebook():
    def warns(x):
        warnings.warn("overflow", stacklevel=1)
        return np.float64(1e308) * 10 * x

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert grade("test-double", warns)[0] is WRONG
    assert seen == []


def test_check_prints_one_line_and_returns_what_the_lesson_goes_on_with(capsys):
    def right(x):
        return x + x

    assert check("test-double", right) is right
    assert check("test-double", None) is reference
    assert check("test-double", lambda x: 0) is reference
    use_language("ru")
    assert check("test-double", right) is right
    assert check("test-double", None) is reference
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[test-double] correct"
    assert lines[1].startswith("[test-double] not attempted yet: ")
    assert lines[2] == "[test-double] not yet: three became 0"
    assert lines[3] == "[test-double] верно"
    assert lines[4].startswith("[test-double] ещё не решено: ")


def test_an_unknown_exercise_and_a_second_checker_are_errors_of_the_author():
    with pytest.raises(KeyError, match="no exercise 'nothing'"):
        check("nothing", 1)
    with pytest.raises(ValueError, match="two checkers"):

        def other(answer):
            yield "x", True

        other.__module__ = "elsewhere"
        checker("test-double", reference=None)(other)
