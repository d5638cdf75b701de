"""Fixtures of the card tests: tools that a machine may lack."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from card_tools import ROOT


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory) -> Path:
    """A folder with MathJax: $COURSE_NODE_MODULES, the clone's own node_modules, or in CI a fresh one."""
    folders = [Path(os.environ["COURSE_NODE_MODULES"])] if "COURSE_NODE_MODULES" in os.environ else []
    for folder in [*folders, ROOT / "node_modules"]:
        if (folder / "mathjax").exists() and shutil.which("node"):
            return folder
    if not os.environ.get("COURSE_CI"):
        pytest.skip("no MathJax: npm install --no-save mathjax@3.2.2")
    folder = tmp_path_factory.mktemp("mathjax")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), "mathjax@3.2.2"]
    subprocess.run(command, check=True, timeout=300)
    return folder / "node_modules"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, but in CI it fails."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        (pytest.fail if os.environ.get("COURSE_CI") else pytest.skip)("no Chromium")
    return path
