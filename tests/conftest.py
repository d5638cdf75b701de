"""What several suites need of a machine: programs and packages of npm. Without them a test is skipped; in CI it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
NPM = {"axe-core": "4.14.1", "mathjax": "3.2.2"}
"""The packages and their versions. Only CI fetches them by itself."""


def missing(what: str) -> NoReturn:
    """Skip the test, saying what this machine lacks; fail it in CI, which installs everything."""
    (pytest.fail if os.environ.get("COURSE_CI") else pytest.skip)(what)


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """The path of the first of some programs that is installed: ``program("node")``."""

    def find(*names: str) -> str:
        return next(filter(None, map(shutil.which, names)), None) or missing(f"no {names[0]}")

    return find


@pytest.fixture(scope="session")
def chromium(program: Callable[..., str]) -> str:
    """The path of a Chromium: $COURSE_CHROMIUM, or what the system has; never one that Playwright would download."""
    named = os.environ.get("COURSE_CHROMIUM")
    return program(*([named] if named else ["chromium", "chromium-browser", "google-chrome"]))


# Not for the session: while it runs, Playwright holds an event loop, which tests of other folders need for themselves.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """The browser of a file's tests."""
    from playwright.sync_api import sync_playwright

    from tests.browser.notebook_page import launch

    with sync_playwright() as playwright:
        browser = launch(playwright, chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def npm_package(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a package of :data:`NPM`: in $COURSE_NODE_MODULES, in the clone's own node_modules, in CI fetched."""
    folders = [ROOT / "node_modules"]
    if "COURSE_NODE_MODULES" in os.environ:
        folders.insert(0, Path(os.environ["COURSE_NODE_MODULES"]))

    def package(name: str) -> Path:
        for folder in folders:
            if (folder / name / "package.json").exists():
                return folder / name
        if not os.environ.get("COURSE_CI"):
            missing(f"no {name}: npm install --no-save {' '.join(f'{one}@{NPM[one]}' for one in NPM)}")
        fetched = tmp_path_factory.mktemp("npm")
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(fetched)]
        subprocess.run([*command, *(f"{one}@{version}" for one, version in NPM.items())], check=True, timeout=300)
        folders.append(fetched / "node_modules")
        return fetched / "node_modules" / name

    return package
