"""How the tests are handed out to the processes of ``make test``: what shares a run of a lesson stays together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rules(pytestconfig):
    """The root conftest.py."""
    return pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))


def test_the_files_that_it_names_exist(rules):
    assert all((ROOT / name).exists() for name in (*rules.IN_PARTS, *rules.LONG))


@pytest.mark.parametrize(
    ("nodeid", "part"),
    [
        ("tests/exercises/test_exercises.py::test_untouched[03_attention-ex-one-en]", "[03_attention]"),
        ("tests/exercises/test_exercises.py::test_a[02_bpe-pair-counts: counts[0] is wrong]", "[02_bpe]"),
        ("tests/notebooks/test_drift.py::test_every_output[primer]", "[primer]"),
        ("tests/exercises/test_exercises.py::test_there_are_exercises", ""),
        ("tests/browser/test_browser_lessons.py::test_a_lesson_again[3]", ""),
    ],
)
def test_a_lesson_is_a_part_of_its_file(rules, nodeid, part):
    assert rules.part(nodeid) == nodeid.split("::")[0] + part


def test_other_files_and_notebooks_are_one_part(rules):
    assert rules.part("tests/parity/test_gpt.py::test_parity[03_attention]") == "tests/parity/test_gpt.py"
    assert rules.part("notebooks/primer.ipynb::Cell 3") == "notebooks/primer.ipynb"


def test_every_test_of_a_lesson_goes_where_the_others_go():
    """In the real suite: under ``-v`` each test says which process ran it."""
    command = [sys.executable, "-m", "pytest", "tests/exercises/test_exercises.py", "-k", "enough_is_known"]
    command += ["-n", "2", "--dist", "loadfile", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    ran = re.findall(r"^\[(gw\d)\] .*PASSED \S+\[(primer|\d\d_\w+?)-", done.stdout, re.M)
    assert len({lesson for _, lesson in ran}) >= 10, done.stdout
    assert len(set(ran)) == len({lesson for _, lesson in ran}), "a lesson's tests ran in two processes"
    assert len({process for process, _ in ran}) == 2, "the lessons ran in one process"
