"""What the tests of every lesson's figures share."""

from __future__ import annotations

import re
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from course_lib import language
from course_lib.figures import drawings, show
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


def assert_is_a_wording(key: str, lang: str, text: str) -> None:
    """A caption or an alternative text: a sentence of its language, without markup, in an alternative text without TeX."""
    assert text.endswith(".") and text[0] == text[0].upper() and len(text) > 40
    assert "*" not in text and text.count("$") % 2 == 0
    assert not (key.endswith(".alt") and ("$" in text or "\\" in text))
    assert bool(re.search("[а-яё]", text)) == (lang == "ru")


def assert_is_shown_twice_alike(
    draw: Callable[[], Figure], name: str, values: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure is shown as a picture and a caption, without a warning, the second time as the first."""
    shown: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda data, metadata=None, raw=False: shown.append(data))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that the font lacks is only a warning
        for _ in range(2):
            show(draw(), name, **values)
    assert len(shown) == 4 and shown[:2] == shown[2:]


def assert_is_whole_and_legible(figure: Figure) -> None:
    """Nothing is cut off, and no type is tiny."""
    figure.draw_without_rendering()
    used, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert used.x0 >= 0 and used.y0 >= 0 and used.x1 <= width and used.y1 <= height
    written = [text for text in figure.findobj(plt.Text) if text.get_text().strip()]
    assert len(written) >= 6
    assert min(text.get_fontsize() for text in written) >= 9
