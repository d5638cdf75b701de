"""The working copy: it follows the clone, and no edit of a learner is ever written over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from course_lib import lab
from course_lib.lessons import LessonError


def notebook(text: str, *, output: str = "1\n", count: int | None = 1) -> str:
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": [f"# {text}"]},
        {
            "cell_type": "code",
            "id": "one",
            "metadata": {},
            "source": "print(1)",
            "execution_count": count,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": output}],
        },
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for folder in ("notebooks", "notebooks/ru", "notebooks/source"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notebooks/03_attention.ipynb").write_text(notebook("Attention"), encoding="utf-8")
    (tmp_path / "notebooks/ru/03_attention.ipynb").write_text(notebook("Внимание"), encoding="utf-8")
    (tmp_path / "notebooks/source/03_attention.py").write_text("# source\n", encoding="utf-8")
    return tmp_path


def write(path: Path, text: str) -> bytes:
    path.write_text(text, encoding="utf-8")
    return path.read_bytes()


ORIGINAL, COPY = "notebooks/03_attention.ipynb", "work/03_attention.ipynb"


def test_every_lesson_is_copied_once(clone):
    work = clone / "work"
    assert lab.update(clone, work) == lab.Update(new=["03_attention.ipynb", "ru/03_attention.ipynb"])
    assert (work / "03_attention.ipynb").read_bytes() == (clone / ORIGINAL).read_bytes()
    assert (work / "ru/03_attention.ipynb").read_bytes() == (clone / "notebooks/ru/03_attention.ipynb").read_bytes()
    assert not list(work.rglob("*.py"))
    assert lab.update(clone, work) == lab.Update()


def test_an_unedited_copy_follows_the_clone_even_if_it_was_run(clone):
    lab.update(clone, clone / "work")
    write(clone / COPY, notebook("Attention", output="another output\n", count=17))  # run, saved, nothing typed
    assert lab.update(clone, clone / "work") == lab.Update(), "nothing new in the clone: the learner's outputs stay"
    assert b"another output" in (clone / COPY).read_bytes()
    newer = write(clone / ORIGINAL, notebook("Attention, second edition"))
    assert lab.update(clone, clone / "work").refreshed == ["03_attention.ipynb"]
    assert (clone / COPY).read_bytes() == newer


def test_an_edited_copy_is_kept_and_reported(clone):
    lab.update(clone, clone / "work")
    edited = write(clone / COPY, notebook("Attention, my notes"))
    assert lab.update(clone, clone / "work") == lab.Update(), "no report while the clone has nothing new"
    write(clone / ORIGINAL, notebook("Attention, second edition"))
    for _ in range(2):  # also on every later start
        assert lab.update(clone, clone / "work").kept == ["03_attention.ipynb"]
        assert (clone / COPY).read_bytes() == edited


@pytest.mark.parametrize("manifest", [None, "", "{"])
def test_without_its_manifest_a_copy_that_differs_counts_as_edited(clone, manifest):
    lab.update(clone, clone / "work")
    edited = write(clone / COPY, notebook("Attention, my notes"))
    path = clone / "work" / lab.MANIFEST
    path.unlink() if manifest is None else path.write_text(manifest, encoding="utf-8")
    assert lab.update(clone, clone / "work").kept == ["03_attention.ipynb"]
    assert (clone / COPY).read_bytes() == edited


def test_a_broken_copy_is_kept(clone):
    lab.update(clone, clone / "work")
    broken = write(clone / COPY, "{ half a notebook")
    write(clone / ORIGINAL, notebook("Attention, second edition"))
    assert lab.update(clone, clone / "work").kept == ["03_attention.ipynb"]
    assert (clone / COPY).read_bytes() == broken


def test_a_deleted_copy_comes_back(clone):
    lab.update(clone, clone / "work")
    (clone / COPY).unlink()
    assert lab.update(clone, clone / "work").new == ["03_attention.ipynb"]


def test_reset_gives_a_clean_copy_and_keeps_each_edited_one(clone):
    work = clone / "work"
    lab.update(clone, work)
    for number, text in enumerate(["first try", "second try"], start=1):
        edited = write(clone / COPY, notebook(text))
        copy, backup = lab.reset("03", root=clone, work=work)
        assert copy.read_bytes() == (clone / ORIGINAL).read_bytes()
        assert backup == work / "backups" / f"03_attention.{number}.ipynb"
        assert backup.read_bytes() == edited
    assert lab.update(clone, work) == lab.Update(), "a reset copy follows the clone again"


def test_reset_of_an_unedited_copy_needs_no_backup(clone):
    lab.update(clone, clone / "work")
    write(clone / COPY, notebook("Attention", output="run\n"))
    assert lab.reset("3", root=clone, work=clone / "work") == (clone / COPY, None)
    write(clone / ORIGINAL, notebook("Attention, second edition"))  # the copy is the old edition, unedited
    assert lab.reset("3", root=clone, work=clone / "work")[1] is None


def test_reset_touches_the_named_language_only(clone):
    lab.update(clone, clone / "work")
    english = write(clone / COPY, notebook("mine"))
    copy, backup = lab.reset("03_attention", root=clone, work=clone / "work", lang="ru")
    assert copy == clone / "work/ru/03_attention.ipynb" and backup is None
    assert (clone / COPY).read_bytes() == english


def test_a_lesson_that_is_not_there_is_named_with_those_that_are(clone):
    assert lab.find("attention", root=clone).as_posix() == "03_attention.ipynb"
    assert lab.find("3", root=clone, lang="ru").as_posix() == "ru/03_attention.ipynb"
    with pytest.raises(LessonError, match=r"04_multi_head does not exist yet \(so far: 03_attention\)"):
        lab.find("4", root=clone)
    with pytest.raises(LessonError, match="no lesson '12'"):
        lab.find("12", root=clone)


def test_without_a_clone_the_error_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="needs a clone"):
        lab.update(tmp_path, tmp_path / "work")


@pytest.mark.parametrize(
    ("environment", "platform", "screen"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "1"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"SSH_CONNECTION": "1"}, "darwin", False),
    ],
)
def test_where_a_browser_can_be_opened(environment, platform, screen):
    assert lab.has_screen(environment, platform) is screen


def test_jupyterlab_opens_on_the_lesson_and_prints_its_address(clone, tmp_path):
    """The real server, in folders of its own."""
    work = clone / "work"
    lab.update(clone, work)
    program = (
        "import sys; from pathlib import Path; from course_lib import lab;"
        "sys.exit(lab.start(Path(sys.argv[1]), Path('03_attention.ipynb'), browser=False))"
    )
    folders = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = dict(os.environ, IPYTHONDIR=str(tmp_path / "ipython"), **folders)
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(work)], stdout=stream, stderr=subprocess.STDOUT, env=environment
        )
    try:
        address = _address(log, process)
        assert "/lab/tree/03_attention.ipynb?token=" in address
        server, token = address.split("/lab/", 1)[0], address.split("token=")[1]
        listing = json.load(urllib.request.urlopen(f"{server}/api/contents?token={token}", timeout=30))
        assert {entry["name"] for entry in listing["content"]} == {"03_attention.ipynb", "ru"}
        settings = urllib.request.urlopen(
            f"{server}/lab/api/settings/@jupyterlab/apputils-extension:notification?token={token}", timeout=30
        )
        assert json.load(settings)["schema"]["properties"]["fetchNews"]["default"] == "false", "no question about news"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(log: Path, process: subprocess.Popen) -> str:
    for _ in range(240):
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith("http://localhost:"):
                return line.strip()
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.25)
    raise AssertionError(f"no address within a minute:\n{log.read_text(encoding='utf-8')}")
