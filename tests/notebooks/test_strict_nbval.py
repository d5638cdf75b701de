"""The proof that ``pytest --nbval``, as the root conftest.py makes it, catches what it is for."""

from __future__ import annotations

import base64
import copy
import io
import os
import re

import prove
import pytest
from PIL import Image, PngImagePlugin

from course_lib import notebook_rules as rules
from course_lib.lessons import LESSONS

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


@pytest.mark.skipif(not os.environ.get("COURSE_ALL"), reason="slow: runs with `make test-all`")
@pytest.mark.parametrize("lesson", [x for x in LESSONS if x.written], ids=lambda x: x.slug)
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
    clean = save(nb, tmp_path / "clean" / "lesson.ipynb")
    done = run_pytest(clean)
    assert done.returncode == 0 and "7 passed" in done.stdout, done.stdout

    cell(nb, "set-up").outputs = [{"output_type": "stream", "name": "stdout", "text": "x\n"}]
    cell(nb, "numbers").outputs[0].text = prove._other_character(cell(nb, "numbers").outputs[0].text)
    cell(nb, "claim").outputs = []
    png = cell(nb, "picture").outputs[0].data
    png["image/png"] = prove._repainted(png["image/png"], prove._blank)
    cell(nb, "two-views").execution_count = None
    cell(nb, "expected-error").outputs[0].evalue += "!"
    done = run_pytest(save(nb, tmp_path / "spoiled" / "lesson.ipynb"))
    assert done.returncode == 1
    spoiled = {"set-up", "numbers", "claim", "picture", "two-views", "expected-error"}
    assert failed_cells(nb, done) == spoiled, done.stdout


def test_an_edited_silent_cell_and_a_skipped_cell_fail(nb, tmp_path, run_pytest):
    cell(nb, "set-up").source += "\n# edited"
    done = run_pytest(save(nb, tmp_path / "edited.ipynb"))
    assert done.returncode == 1 and "code changed" in done.stdout
    nb.metadata.course.code = rules.code_hash(nb)
    assert run_pytest(save(nb, tmp_path / "edited.ipynb")).returncode == 0

    # Hashes are right here: what is left to notice is the marker itself.
    cell(nb, "numbers").metadata.tags = ["nbval-skip"]
    cell(nb, "claim").source = "# NBVAL_IGNORE_OUTPUT\n" + cell(nb, "claim").source
    cell(nb, "picture").source += "\n# NBVAL_SKIP"
    nb.metadata.course.code = rules.code_hash(nb)
    done = run_pytest(save(nb, tmp_path / "skipped.ipynb"))
    assert {"numbers", "claim", "picture"} <= failed_cells(nb, done), done.stdout


def test_a_dead_kernel_and_an_endless_cell_fail_soon(nb, tmp_path, run_pytest):
    cell(nb, "numbers").source = "while True: pass"
    cell(nb, "numbers").outputs = []
    nb.metadata.course.code = rules.code_hash(nb)
    done = run_pytest(save(nb, tmp_path / "endless.ipynb"), "--nbval-cell-timeout=2")
    assert done.returncode == 1 and "Timeout of 2 seconds" in done.stdout, done.stdout


def test_options_that_would_loosen_it_are_refused(built, tmp_path, run_pytest):
    done = run_pytest(built.notebook(), "-n", "2")
    assert done.returncode == 4 and "--dist loadfile" in done.stderr
    done = run_pytest(built.notebook(), "-n", "2", "--dist", "loadfile")
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "sanitize.cfg").write_text("[numbers]\nregex: \\d\nreplace: N\n")
    done = run_pytest(built.notebook(), "--nbval-sanitize-with", tmp_path / "sanitize.cfg")
    assert done.returncode == 4 and "compared as they are" in done.stderr
    (tmp_path / "randomly.py").write_text("")
    done = run_pytest(built.notebook(), "-p", "randomly", PYTHONPATH=str(tmp_path))
    assert done.returncode == 4 and "shuffles" in done.stderr
    done = run_pytest(built.notebook(), "-p", "no:randomly", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0


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


def test_a_notebook_kernel_runs_on_one_thread_and_this_clone(nb, tmp_path, run_pytest):
    cell(nb, "numbers").source = "import os, course_lib\nprint(os.environ['OMP_NUM_THREADS'], course_lib.__file__)"
    nb.metadata.course.code = rules.code_hash(nb)
    done = run_pytest(save(nb, tmp_path / "where.ipynb"))
    assert re.search(rf"1 {re.escape(str(rules._HERE))}/course_lib/__init__.py", done.stdout), done.stdout
