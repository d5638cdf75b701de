"""The proof that ``pytest --nbval``, as the root conftest.py makes it, catches what it is for."""

from __future__ import annotations

import base64
import copy
import io
import re
import time

import prove
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image, PngImagePlugin

from course_lib import notebook_rules as rules
from course_lib.lessons import NOTEBOOKS

FAILED = re.compile(r"^FAILED .*::Cell (\d+)", re.MULTILINE)


def save(nb, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rules.written(nb), encoding="utf-8")
    return path


def failed_cells(nb, done):
    cells = rules.code_cells(nb)
    return {cells[int(n)].id for n in FAILED.findall(done.stdout)}


def cell(nb, name):
    return next(c for c in nb.cells if c.id == name)


def test_every_way_to_spoil_the_small_lesson_is_caught(built):
    proof = prove.prove([built.notebook()])
    assert proof.broken == [] and proof.missed == []
    kinds = " ".join(proof.caught)
    for what in (
        "never run",
        "blank",
        "stroke",
        "removed",
        "swapped",
        "metadata",
        "text/html",
        "the message",
        "code edited",
    ):
        assert what in kinds, f"the small lesson has no cell for the fault {what!r}"
    assert len(proof.caught) > 80


@pytest.mark.slow
@pytest.mark.parametrize("lesson", [x for x in NOTEBOOKS if x.written], ids=lambda x: x.slug)
def test_every_way_to_spoil_a_lesson_is_caught(lesson):
    proof = prove.prove([lesson.notebook()])
    assert proof.caught and proof.broken == [] and proof.missed == []


def test_the_prover_would_notice_a_check_that_catches_nothing(built, monkeypatch):
    monkeypatch.setattr(rules, "difference", lambda committed, fresh: None)
    monkeypatch.setattr(rules, "not_as_built", lambda nb, cell: None)
    missed = " ".join(prove.prove([built.notebook()]).missed)
    for what in ("picture blank", "metadata", "never run, no outputs", "code edited"):  # nbval alone lets them pass
        assert what in missed


def test_faults_from_outside(nb, tmp_path, run_pytest):
    """The same faults without any replaying: files on disk, the plain command, one fault a cell."""
    cell(nb, "set-up").outputs = [new_output("stream", text="x\n")]
    cell(nb, "numbers").outputs[0].text = prove._other_character(cell(nb, "numbers").outputs[0].text)
    cell(nb, "claim").outputs = []
    png = cell(nb, "picture").outputs[0].data
    png["image/png"] = prove._repainted(png["image/png"], prove._blank)
    cell(nb, "two-views").execution_count = None
    cell(nb, "expected-error").outputs[0].evalue += "!"
    done = run_pytest(save(nb, tmp_path / "spoiled.ipynb"))
    assert done.returncode == 1
    spoiled = {"set-up", "numbers", "claim", "picture", "two-views", "expected-error"}
    assert failed_cells(nb, done) == spoiled, done.stdout


@pytest.fixture
def tiny():
    """A notebook that starts in a second: it imports nothing."""
    sources = {"quiet": "x = 1", "shows": "print(x)", "counts": "x + 1"}
    nb = new_notebook(cells=[new_code_cell(source, id=name) for name, source in sources.items()])
    cell(nb, "shows").outputs = [new_output("stream", text="1\n")]
    cell(nb, "counts").outputs = [new_output("execute_result", {"text/plain": "2"}, execution_count=3)]
    return rules.canonical(nb)


def test_an_edited_silent_cell_and_markers_fail(tiny, tmp_path, run_pytest):
    tiny_file = save(tiny, tmp_path / "tiny.ipynb")
    assert run_pytest(tiny_file).returncode == 0
    cell(tiny, "quiet").source += "  # edited"
    done = run_pytest(save(tiny, tiny_file))
    assert done.returncode == 1 and "code changed" in done.stdout

    # The hash is right again: what is left to notice are the markers themselves.
    cell(tiny, "quiet").metadata.tags = ["nbval-skip"]
    cell(tiny, "shows").source = "# NBVAL_IGNORE_OUTPUT\n" + cell(tiny, "shows").source
    cell(tiny, "counts").source = "# NBVAL_SKIP\n" + cell(tiny, "counts").source
    tiny.metadata.course.code = rules.code_hash(tiny)
    done = run_pytest(save(tiny, tiny_file))
    assert failed_cells(tiny, done) == {"quiet", "shows", "counts"}, done.stdout


def test_an_endless_cell_fails_at_the_limit(tiny, tmp_path, run_pytest):
    cell(tiny, "quiet").source = "while True: pass"
    tiny.metadata.course.code = rules.code_hash(tiny)
    done = run_pytest(save(tiny, tmp_path / "endless.ipynb"), "--nbval-cell-timeout=2")
    assert done.returncode == 1 and "Timeout of 2 seconds" in done.stdout, done.stdout


def test_a_dead_kernel_fails_at_once(tiny, tmp_path, run_pytest):
    cell(tiny, "quiet").source = "import os\nos._exit(1)"
    tiny.metadata.course.code = rules.code_hash(tiny)
    began = time.monotonic()
    done = run_pytest(save(tiny, tmp_path / "dead.ipynb"))
    assert done.returncode == 1 and "0" in FAILED.findall(done.stdout), done.stdout
    assert "the kernel died" in done.stdout and time.monotonic() - began < 60  # the cell's timeout is 180


REFUSED = [
    (["-n", "2"], "--dist loadfile"),
    (["-n", "2", "--dist", "load"], "--dist loadfile"),
    (["-n", "2", "--dist", "worksteal"], "--dist loadfile"),
    (["--nbval-sanitize-with", "anything.cfg"], "compared as they are"),
    (["-p", "randomly"], "shuffles"),
]


@pytest.mark.parametrize("options,says", REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_options_that_would_loosen_it_are_refused(options, says, tiny, tmp_path, run_pytest):
    (tmp_path / "randomly.py").write_text("")  # a stand-in for pytest-randomly, by the name that it registers
    done = run_pytest(save(tiny, tmp_path / "tiny.ipynb"), *options, PYTHONPATH=str(tmp_path))
    assert done.returncode == 4 and says in done.stderr, done.stdout + done.stderr


def test_workers_that_take_whole_notebooks_are_accepted(tiny, tmp_path, run_pytest):
    done = run_pytest(save(tiny, tmp_path / "tiny.ipynb"), "-n", "1", "--dist", "loadfile")
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr


def test_another_matplotlib_is_no_difference_and_its_own_is(nb):
    outputs = cell(nb, "picture").outputs
    changed = copy.deepcopy(outputs)
    png = changed[0].data
    png["image/png"] = prove._repainted(png["image/png"], prove._blank)
    assert "rms" in rules.difference(outputs, changed)
    png["image/png"] = _redrawn_by("Matplotlib version0.9, https://matplotlib.org/", png["image/png"])
    assert rules.difference(outputs, changed) is None
    # A picture that says nothing about its origin is compared.
    png["image/png"] = _redrawn_by("", png["image/png"])
    assert "rms" in rules.difference(outputs, changed)


def _redrawn_by(program, png):
    fields = PngImagePlugin.PngInfo()
    if program:
        fields.add_text("Software", program)
    buffer = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).save(buffer, "png", pnginfo=fields)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def test_a_kernel_has_one_thread_and_the_package_of_this_clone(tiny, tmp_path, run_pytest):
    cell(tiny, "shows").source = "import os, course_lib\nprint(os.environ['OMP_NUM_THREADS'], course_lib.__file__)"
    tiny.metadata.course.code = rules.code_hash(tiny)
    done = run_pytest(save(tiny, tmp_path / "where.ipynb"), "-vv")
    assert f"1 {rules._HERE}/course_lib/__init__.py" in done.stdout, done.stdout
