"""The drift gate, and the proof that it can fail."""

from __future__ import annotations

import subprocess
import sys

import drift
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib import notebook_rules as rules
from course_lib.lessons import NOTEBOOKS, ROOT

pytestmark = [
    pytest.mark.drift,
    pytest.mark.skipif(not drift.applies(), reason="the drift gate switches instructions of x86-64 off"),
]
WRITTEN = [lesson.slug for lesson in NOTEBOOKS if lesson.written]
SHOW = """
import numpy, torch
print(torch.backends.cpu.get_cpu_capability(), numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
"""
CHECK_FILE = """
import pathlib, sys
from course_lib.validation import run_checks
sys.exit(run_checks([pathlib.Path(sys.argv[1])]))
"""


def test_the_libraries_obey_the_switches():
    assert drift.run(SHOW, "oldest").stdout.split() == ["DEFAULT", "[]"]
    assert drift.run(SHOW, "avx2").stdout.split()[0] in ("AVX2", "DEFAULT")
    assert drift.run("import numpy, torch", "oldest").stderr == ""  # NumPy warns of features that it cannot switch off


ALWAYS = ("primer", "03_attention")
"""Notebooks that every run sends through the gate; the others take some minutes each, and go with the slow tests."""


@pytest.mark.parametrize(
    "lesson", [pytest.param(slug, marks=[] if slug in ALWAYS else [pytest.mark.slow]) for slug in WRITTEN]
)
def test_every_output_is_the_committed_one_on_an_old_cpu(lesson):
    done = drift.check([lesson], "oldest")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_every_run_sends_through_the_gate_exists():
    assert set(ALWAYS) <= set(WRITTEN)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", WRITTEN)
def test_every_output_is_the_committed_one_without_avx512(lesson):
    done = drift.check([lesson], "avx2")
    assert done.returncode == 0, done.stdout + done.stderr


def test_last_bits_in_an_output_are_caught(tmp_path):
    """What the gate is for: float32 numbers from randn, printed to the last bit."""
    import torch

    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this CPU is as old as the one the gate stands for")
    source = "import torch\nx = torch.randn(64, generator=torch.Generator().manual_seed(0))\nprint(x.tolist())"
    space: dict = {}
    exec(source.replace("print(x.tolist())", ""), space)
    cell = new_code_cell(source, id="last-bits", outputs=[new_output("stream", text=f"{space['x'].tolist()}\n")])
    path = tmp_path / "drifts.ipynb"
    path.write_text(rules.written(rules.canonical(new_notebook(cells=[cell]))), encoding="utf-8")
    done = drift.run(CHECK_FILE, "oldest", str(path))
    assert done.returncode == 1 and "last-bits" in done.stdout, done.stdout + done.stderr
    here = subprocess.run([sys.executable, "-c", CHECK_FILE, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert here.returncode == 0, here.stdout + here.stderr
