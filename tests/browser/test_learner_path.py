"""What a learner does with a lesson, in JupyterLab as ``course lab`` starts it, from a clone of its own.

Go by the links from the primer through all lessons, in either language. Open lesson 03, run, answer an exercise right and
wrong, restart the kernel, run again, save, and take a clean copy back. Only the cells that the exercise needs are run: that
the whole lesson runs is proved elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from notebook_page import NotebookPage, free_port, own_folders, started

from course_lib.language import catalogue
from course_lib.lessons import LESSONS, PRIMER, ROOT, Lesson, find

LESSON = find(3)
EXERCISE = "scaled-dot-product"
SET_UP = ("start", "imports")


def exercise_tools():
    """tests/exercises/exercise_runs.py, which knows every exercise and the answers to it."""
    spec = importlib.util.spec_from_file_location("exercise_runs", ROOT / "tests" / "exercises" / "exercise_runs.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@dataclass
class Clone:
    """A clone of the course in which ``course lab`` runs."""

    root: Path
    environment: dict[str, str]
    address: str

    def course(self, *arguments: str) -> str:
        """What a ``course`` command prints."""
        command = [sys.executable, "-m", "course_lib.cli", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=self.environment, check=True, capture_output=True, text=True
        ).stdout


@pytest.fixture(scope="module")
def clone(chromium, tmp_path_factory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("learner")
    root = folder / "course"
    for name in ("course_lib", "flashcards", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (root / "build").mkdir()
    # The clone's own package, as its editable installation would give it.
    environment = own_folders(folder) | {"PYTHONPATH": str(root)}
    config = Path(environment["JUPYTER_CONFIG_DIR"])
    config.mkdir()
    (config / "jupyter_lab_config.json").write_text(
        json.dumps({"IdentityProvider": {"token": ""}, "LabApp": {"expose_app_in_browser": True}}), encoding="utf-8"
    )
    port = free_port()
    command = [sys.executable, "-m", "course_lib.cli", "lab", "--no-browser", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with started(command, environment, address, folder / "log", cwd=root):
        yield Clone(root, environment, address)


@pytest.fixture
def window(browser, clone) -> Iterator[NotebookPage]:
    page = NotebookPage(browser, clone.address)
    yield page
    page.close()


@pytest.mark.parametrize("lang", ["en", pytest.param("ru", marks=pytest.mark.slow)])
def test_the_links_lead_from_the_primer_through_all_lessons(lang, window):
    def name(lesson: Lesson) -> str:
        return lesson.notebook(lang).relative_to(ROOT / "notebooks").as_posix()

    window.open(name(PRIMER), alone=False)
    cell = "title"  # where the primer names the first lesson; a lesson names the next one at its end
    for lesson in LESSONS:
        window.follow(cell, name(lesson))
        window.show("title")
        heading = window.page.locator(".jp-mod-active h1:visible").inner_text()
        assert re.match(rf"\w+ {lesson.number:02d}\. ", heading), heading
        cell = window.js("() => course.cells().at(-1).model.id")
    window.follow(cell, name(LESSONS[0]))  # and back to the map
    assert window.faults() == []


def test_a_learner_answers_saves_and_starts_afresh(window, clone):
    window.open(LESSON.notebook().name, alone=False)
    tools = exercise_tools()
    exercise = next(one for one in tools.exercises(tools.notebook(LESSON)) if one.name == EXERCISE)
    cell, copy = f"ex-{EXERCISE}", clone.root / "work" / LESSON.notebook().name
    original = (clone.root / "notebooks" / LESSON.notebook().name).read_bytes()
    assert copy.read_bytes() == original

    def run(name: str, source: str | None = None) -> str:
        window.edit(name, source)
        window.press("Shift+Enter")
        return window.output(name)

    def verdict(status: str) -> str:
        return catalogue()[f"exercise.{status}"]["en"].format(name=EXERCISE, hint="")

    for name in SET_UP:
        assert run(name) == ""
    assert run(cell).startswith(verdict("todo"))
    assert run(cell, exercise.with_answer(exercise.solution)) == verdict("right")
    for what, answer, hint in tools.WRONG[EXERCISE][:2]:
        said = run(cell, exercise.with_answer(answer))
        assert said.startswith(verdict("wrong")) and re.search(hint, said), what

    window.js("() => { window.restarted = window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    window.page.locator(".jp-Dialog button.jp-mod-accept").click()  # "Restart", not "Cancel"
    window.js("() => window.restarted")
    window.settle()
    assert "NameError" in run(cell), "the kernel remembers what was defined before its restart"
    for name in SET_UP:
        run(name)
    right = exercise.with_answer(exercise.solution)
    assert run(cell, right) == verdict("right")

    window.press("Control+s")
    assert window.eventually("() => !course.panel().context.model.dirty")
    assert source_of(copy, cell) == right.rstrip("\n")
    assert window.faults() == []

    said = clone.course("reset", "03")
    (backup,) = (clone.root / "work" / "backups").iterdir()
    assert str(backup.relative_to(clone.root)) in said
    assert source_of(backup, cell) == right.rstrip("\n") and copy.read_bytes() == original

    window.open(copy.name, alone=False)  # as on the next day
    assert window.js("([id]) => course.cells().find(c => c.model.id === id).model.sharedModel.getSource()", cell) == (
        exercise.stub
    )
    assert window.faults() == []


def source_of(notebook: Path, cell: str) -> str:
    """The source of a cell in a file."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return next("".join(one["source"]) for one in cells if one["id"] == cell)
