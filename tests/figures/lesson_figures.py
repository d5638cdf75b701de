"""What the tests of every lesson's figures share."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from course_lib import language
from course_lib.figures import drawings
from course_lib.figures.style import COLOURS, drawing_style

CATALOGUE = Path(__file__).parents[2] / "course_lib" / "catalogue"
OF_ATTENTION = {COLOURS[role] for role in ("query", "key", "value", "output")}
both_languages = pytest.mark.parametrize("lang", language.LANGUAGES)


@pytest.fixture
def session_as_it_was() -> Iterator[None]:
    """The course's style while a test draws; afterwards no open figure, and the language of before."""
    before = language.language()
    with drawing_style():
        yield
    plt.close("all")
    language.use_language(before)


def catalogue(name: str) -> dict[str, dict[str, str]]:
    """The texts of one file of the catalogue, by key and language."""
    return tomllib.loads((CATALOGUE / f"{name}.toml").read_text(encoding="utf-8"))


def labels(name: str) -> list[str]:
    """The words of a diagram, in the order of drawing."""
    return [label.artist.get_text() for label in drawings()[name].draw().drawing.labels]


def colours(name: str) -> set[str]:
    """The colours of a diagram, as #RRGGBB."""
    used = set()
    for artist in drawings()[name].draw().findobj():
        for get in ("get_color", "get_facecolor", "get_edgecolor"):
            colour = getattr(artist, get, lambda: None)()
            if isinstance(colour, str) or (isinstance(colour, tuple) and len(colour) in (3, 4)):
                used.add(to_hex(colour).upper())
    return used
