"""Fixtures of the browser tests: one JupyterLab for the session, one Chromium and one run of a notebook for a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from notebook_page import NotebookPage, Server, jupyterlab


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-screenshots", action="store_true", help="write the pictures of the README into docs/images"
    )


@pytest.fixture(scope="session")
def server(chromium: str) -> Iterator[Server]:
    """The JupyterLab that all tests of this process share (asks for Chromium first: without one nothing is started)."""
    with jupyterlab() as running:
        yield running


@pytest.fixture(scope="module")
def opened(browser, server: Server) -> Iterator[Callable[..., NotebookPage]]:
    """Opens a notebook file under a name of its own: ``opened(path, name)``; the window closes with the file's tests."""
    pages = []

    def open_page(notebook: Path, name: str, **window) -> NotebookPage:
        page = NotebookPage(browser, server.address, **window)
        pages.append(page)
        page.open(server.serve(notebook, name))
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def axe(npm_package) -> Path:
    """The script of axe-core."""
    return npm_package("axe-core") / "axe.min.js"
