"""A small lesson, built once, for the tests of the machinery; and pytest in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from course_lib import notebook_rules as rules
from course_lib.lessons import ROOT, Lesson, build

FIXTURE = Path(__file__).parent / "fixture"


@pytest.fixture
def small_lesson(tmp_path: Path) -> Lesson:
    """The small lesson's source alone, in a folder of its own."""
    shutil.copytree(FIXTURE, tmp_path / "lesson")
    return Lesson(3, "03_fixture", {"en": "small", "ru": "малый"}, tmp_path / "lesson")


TINY = """# %% [markdown] id="title" lang="en"
# # Tiny
# %% [markdown] id="title" lang="ru"
# # Малый
# %% id="set-up"
import time

from course_lib.language import language, use_language


def start(lesson, lang="en"):
    use_language(lang)


start(lesson=3)
# %% id="numbers"
print(0.5)
# %% id="timing" tags=["nbval-ignore-output"]
print(f"{time.perf_counter():.9f}")  # not compared: a time
"""


@pytest.fixture
def tiny_lesson(tmp_path: Path) -> Lesson:
    """The source of a lesson that needs no torch: what is slow about the small one."""
    lesson = Lesson(3, "03_tiny", {"en": "tiny", "ru": "малый"}, tmp_path / "tiny")
    lesson.source.parent.mkdir(parents=True)
    lesson.source.write_text(TINY, encoding="utf-8")
    return lesson


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    """The small lesson, built; tests only read it."""
    root = tmp_path_factory.mktemp("built") / "lesson"
    shutil.copytree(FIXTURE, root)
    lesson = Lesson(3, "03_fixture", {"en": "small", "ru": "малый"}, root)
    assert build([lesson]) == 0
    return lesson


@pytest.fixture
def nb(built: Lesson):
    """The small lesson's English notebook, to be spoiled."""
    return rules.read(built.notebook())


@pytest.fixture
def run_pytest() -> Callable[..., subprocess.CompletedProcess]:
    """``pytest --nbval`` as anybody would run it, with the course's settings, on notebooks anywhere."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            str(ROOT / "pyproject.toml"),
            f"--rootdir={ROOT}",
            "-p",
            "conftest",
        ]
        command += ["-p", "no:cacheprovider", "--color=no", "-rA", "--tb=short", *map(str, arguments)]
        # The outer run may be a worker of xdist, whose variables would confuse the inner one.
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        return subprocess.run(command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True)

    return run
