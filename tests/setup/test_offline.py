"""Nothing is looked up or connected to outside the machine while a lesson runs or a deck is compiled.

The guard stands in the process that is watched, from its first line on: a ``sitecustomize`` with an audit hook, which every
Python started below it inherits. It lets loopback pass, by which Jupyter talks to a kernel, refuses the rest, and notes it in
a file, so that a lesson which catches the error is found out as well. Native code that opens sockets of its own, past
Python's, is not seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib import lessons
from course_lib.language import LANGUAGES
from course_lib.lessons import NOTEBOOKS, PRIMER, ROOT, LessonError

GUARD = """\
import os
import sys

RECORD = {record!r}
HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "")


def note(line):
    with open(RECORD, "a", encoding="utf-8") as file:
        file.write(line + "\\n")


def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        place = arguments[1]
        if not isinstance(place, tuple):  # a socket of Unix, or one that is connected already
            return
        host = place[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host or ""
    if host in HERE or host.startswith("127."):
        return
    note(f"{{event}} {{host}}")
    raise ConnectionRefusedError(f"the test lets nothing out: {{event}} {{host}}")


sys.addaudithook(watch)
note("guarded")
"""


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """Guards every process started from here; a function that returns what they tried, one line each.

    It fails if no process was guarded: then nothing would have been seen.
    """
    record = tmp_path / "tried.txt"
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD.format(record=str(record)), encoding="utf-8")
    inherited = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    # Before everything else: an installation may have a sitecustomize of its own.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "guard"), *inherited]))

    def read() -> list[str]:
        lines = record.read_text("utf-8").splitlines() if record.exists() else []
        assert "guarded" in lines, "no process was guarded"
        return [line for line in lines if line != "guarded"]

    return read


def run(*cells: str, folder: Path) -> None:
    """Run a notebook of these cells as a lesson is run."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    lessons.execute(nb, folder, label="planted")


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, marks=() if lesson is PRIMER else pytest.mark.slow, id=lesson.slug)
        for lesson in NOTEBOOKS
        if lesson.written
    ],
)
def test_a_lesson_runs_without_the_network(lesson, tried):
    folder = lesson.notebook("en").parent
    lessons.execute(lessons.assemble(lesson, "en"), folder, label=lesson.slug)
    assert tried() == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_deck_compiles_without_the_network(lang, tried, tmp_path):
    package = tmp_path / "deck.apkg"
    command = [sys.executable, "-m", "course_lib.cli", "deck", "--lang", lang, "-o", str(package)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and package.exists(), done.stdout + done.stderr
    assert tried() == []


# ---------------------------------------------------------------- the guard sees what it should


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)", "192.0.2.1"),
        ("import urllib.request; urllib.request.urlopen('http://example.invalid/', timeout=1)", "example.invalid"),
        ("import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))", "192.0.2.1"),
        ("import huggingface_hub; huggingface_hub.hf_hub_download('someone/model', 'config.json')", "huggingface.co"),
    ],
    ids=["connection", "name", "datagram", "hub"],
)
def test_a_cell_that_goes_out_is_caught(cell, seen, tried, tmp_path):
    with pytest.raises(LessonError):
        run(cell, folder=tmp_path)
    assert seen in "\n".join(tried())


def test_a_cell_that_hides_it_is_caught(tried, tmp_path):
    run(
        "import subprocess, sys\ncode = 'import socket; socket.getaddrinfo(\"example.invalid\", 80)'\n"
        "subprocess.run([sys.executable, '-c', code], stderr=subprocess.DEVNULL)",
        "import socket\ntry:\n    socket.socket().connect(('192.0.2.1', 80))\nexcept OSError:\n    pass",
        folder=tmp_path,
    )
    assert tried() == ["socket.getaddrinfo example.invalid", "socket.connect 192.0.2.1"]


def test_what_stays_on_the_machine_passes(tried, tmp_path):
    run(
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', server.getsockname()[1])).close()",
        folder=tmp_path,
    )
    assert tried() == []


def test_a_process_without_the_guard_is_noticed(tried, monkeypatch, tmp_path):
    monkeypatch.delenv("PYTHONPATH")
    run("1 + 1", folder=tmp_path)
    with pytest.raises(AssertionError, match="no process was guarded"):
        tried()
