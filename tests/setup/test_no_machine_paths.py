"""No file of the repository names a folder of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = "home|root|Users|work|workspace|opt|mnt|tmp|private|scratch"
NOBODY = "someone|user|you"
MACHINE_PATH = re.compile(
    rf"(?<![\w.~:)}}\]>*/-])/(?:{FOLDERS})/(?!(?:{NOBODY})\b)[A-Za-z0-9][^\s\"'`)]*|\b[A-Z]:\\\\?Users\\\\?\w"
)
"""An absolute path into a folder that belongs to a person or a machine; ``/usr/bin/chromium`` is where Debian puts it."""

DELIBERATE = "machine-path"
"""A line that says this names such a path on purpose: a fixture that must be refused."""


def files() -> list[Path]:
    """The files of the repository: tracked, or new and not ignored."""
    answer = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
    )
    if answer.returncode == 0:
        names = answer.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    # A copy without its history: everything but what the first command makes.
    skipped = {".venv", "work", "build", "node_modules", "__pycache__"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(part in skipped or part.endswith("_cache") for part in path.parts)
    ]


def machine_paths(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if DELIBERATE not in line)
    return [match[0] for line in lines for match in MACHINE_PATH.finditer(line)]


@pytest.mark.parametrize(
    "text",
    [
        '"/home/anna/course/x.png"',  # machine-path
        "see /work/notes/a.md",  # machine-path
        'File "/tmp/x1/venv/lib/a.py"',  # machine-path
        "C:\\\\Users\\\\anna",  # machine-path
        "(/Users/anna/a)",  # machine-path
    ],
)
def test_a_machine_path_is_noticed(text):
    assert machine_paths(text)


@pytest.mark.parametrize(
    "text",
    [
        "/work/",
        "https://example.org/home/x",
        "../work/x",
        "/usr/bin/chromium",
        "{root}/work/x",
        "a/opt/b",
        "/home/someone/x.png",
    ],
)
def test_other_slashes_are_no_machine_path(text):
    assert not machine_paths(text)


def test_no_file_names_a_machine_path():
    found = {}
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue
        if paths := machine_paths(text):
            found[path.relative_to(ROOT).as_posix()] = paths
    assert found == {}
