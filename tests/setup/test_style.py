"""Ruff finds nothing, and every file is formatted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--output-format=concise", "--no-cache", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_test_files_have_one_name():
    """Pytest imports them by name: of two it would run one, and only where both are collected would it say so."""
    names = sorted(
        path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("__init__.py", "conftest.py")
    )
    assert names == sorted(set(names)), [name for name in set(names) if names.count(name) > 1]
