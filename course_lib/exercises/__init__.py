"""Exercises: a stub that says "not attempted yet", a checker that names the misconception, and a lesson that runs on.

A checker is a generator of pairs ``(sentence, verdict)``. The first false verdict ends the check and its sentence
becomes the hint, so the order of the pairs is the order in which a teacher would ask. The checkers stand in this
package, one module per subject of the course, and are imported when an exercise is first checked.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from course_lib import progress
from course_lib.language import say


class Status(StrEnum):
    """What the check of an answer came to."""

    TODO = "todo"
    WRONG = "wrong"
    RIGHT = "right"


TODO, WRONG, RIGHT = Status.TODO, Status.WRONG, Status.RIGHT
Checker = Callable[[Any], Iterator[tuple[str, bool]]]

_checkers: dict[str, tuple[Checker, Any]] = {}


def checker(name: str, *, reference: Any) -> Callable[[Checker], Checker]:
    """Register the decorated generator as the checker of the exercise ``name``.

    Args:
        name: as in the cell's id ``ex-<name>``.
        reference: the right answer (a function, a class, a value); the lesson goes on with it while the learner's is
            not right.

    Raises:
        ValueError: if another checker has the name.
    """

    def register(function: Checker) -> Checker:
        known = _checkers.get(name)
        if known is not None and known[0].__module__ != function.__module__:
            raise ValueError(f"two checkers for the exercise {name!r}: {known[0].__module__}, {function.__module__}")
        _checkers[name] = (function, reference)
        return function

    return register


def names() -> list[str]:
    """The names of all exercises of the course; imports every subject."""
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    return sorted(_checkers)


def _find(name: str) -> tuple[Checker, Any]:
    """The checker and the reference of an exercise, importing subjects only until its name turns up."""
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        if name in _checkers:
            break
        importlib.import_module(f"{__name__}.{module}")
    if name not in _checkers:
        raise KeyError(f"no exercise {name!r}: there are {', '.join(sorted(_checkers)) or 'none'}")
    return _checkers[name]


def reference(name: str) -> Any:
    """The reference answer of an exercise.

    Raises:
        KeyError: if there is no such exercise.
    """
    return _find(name)[1]


@contextlib.contextmanager
def _global_random_state_kept() -> Iterator[None]:
    """Leave every global random stream as it was: the cells below print the same, however far the check went."""
    python = random.getstate()
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    torch_state = torch.get_rng_state() if torch else None
    numpy_state = numpy.random.get_state() if numpy else None
    try:
        yield
    finally:
        random.setstate(python)
        if torch:
            torch.set_rng_state(torch_state)
        if numpy:
            numpy.random.set_state(numpy_state)


def _true(verdict: Any) -> bool:
    """Strictly true: a bool, or an array or tensor of one bool. A list or a longer array is no verdict."""
    try:
        return (verdict.item() if hasattr(verdict, "item") else verdict) is True
    except (TypeError, ValueError, RuntimeError):
        return False


def _in_words(error: BaseException) -> str:
    """An error on one short line: frameworks write messages of several paragraphs."""
    try:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    except Exception:  # an error class of the learner's own may fail to print itself
        first = ""
    text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"


def grade(name: str, answer: Any) -> tuple[Status, str]:
    """Judge an answer without printing: the status, and the hint that goes with it (empty if right).

    Whatever the answer does, no exception of its own leaves this function (Ctrl-C does).

    Raises:
        KeyError: if there is no exercise of this name.
    """
    check_answer, _ = _find(name)
    if answer is ... or answer is None:
        return TODO, say("exercise.todo.value")
    try:
        with _global_random_state_kept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong answer's overflow must not fill the notebook with stderr
            asked = 0
            for sentence, verdict in check_answer(answer):
                asked += 1
                if not _true(verdict):
                    return WRONG, sentence
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a learner's exit() must not end the lesson
        # The stub's bare `raise NotImplementedError` carries no message; torch raises the same class, with one.
        if isinstance(error, NotImplementedError) and not error.args:
            return TODO, say("exercise.todo.code")
        return WRONG, say("exercise.stopped", error=_in_words(error))
    if not asked:
        raise RuntimeError(f"the checker of {name!r} asked nothing")
    return RIGHT, ""


def check(name: str, answer: Any) -> Any:
    """Print the verdict on an answer; return the answer if it is right, otherwise the reference.

    So the lesson runs to its end whether or not the exercise is solved.

    Raises:
        KeyError: if there is no exercise of this name.
    """
    status, hint = grade(name, answer)
    print(say(f"exercise.{status}", name=name, hint=hint))
    progress.exercise_checked(name, status)
    return answer if status is RIGHT else _find(name)[1]
