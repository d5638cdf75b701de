"""Fixtures of the card tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def node_modules(program: Callable[..., str], npm_package: Callable[[str], Path]) -> Path:
    """The folder node_modules that holds MathJax, on a machine with Node.js."""
    program("node")
    return npm_package("mathjax").parent
