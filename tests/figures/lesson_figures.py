"""What the tests of every lesson's figures share."""

from __future__ import annotations

import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle

from course_lib import language
from course_lib.figures import curves, drawings, show
from course_lib.figures.draw import Box, Canvas, Stroke
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


@cache
def _drawn(name: str, lang: str) -> Figure:
    return drawings()[name].draw()


def diagram(name: str) -> Figure:
    """A diagram in the session's language, drawn once for all tests that only look at it."""
    return _drawn(name, language.language())


def labels(name: str) -> list[str]:
    """The words of a diagram, in the order of drawing."""
    return [label.artist.get_text() for label in diagram(name).drawing.labels]


def said(name: str, word: str, **values: object) -> str:
    """A word of a diagram in the session's language."""
    return language.say(f"figure.{name}.{word}", **values)


def canvas(name: str) -> Canvas:
    """The page of a diagram, with what was drawn on it."""
    return diagram(name).drawing


def places(name: str) -> list[tuple[float, float, str]]:
    """x, y and words of every line of text of a diagram."""
    return [(*label.artist.get_position(), label.artist.get_text()) for label in canvas(name).labels]


def box_of(name: str, text: str) -> list[Box]:
    """The smallest box around each label that begins with a text, from left to right."""
    drawn = canvas(name)
    found = []
    for label in drawn.labels:
        x, y = label.artist.get_position()
        if label.artist.get_text() == text.split("\n")[0]:
            around = [box for box in drawn.boxes if box.x < x < box.right and box.y < y < box.bottom]
            found.append(min(around, key=lambda box: box.w * box.h))
    return sorted(found, key=lambda box: (box.x, box.y))


def ends(stroke: Stroke) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a line begins and where it ends."""
    return stroke.points[0], stroke.points[-1]


def crosses(name: str) -> list[tuple[float, float]]:
    """The middles of the small crosses, which are drawn as two lines each."""
    found: dict[tuple[int, int], int] = {}
    for patch in diagram(name).axes[0].patches:
        if isinstance(patch, PathPatch) and to_hex(patch.get_edgecolor()).upper() == COLOURS["warning"]:
            points = patch.get_path().vertices
            if len(points) == 2 and abs(abs(points[0][0] - points[1][0]) - abs(points[0][1] - points[1][1])) < 1e-6:
                middle = tuple(round(float(part)) for part in points.mean(axis=0))
                found[middle] = found.get(middle, 0) + 1
    return [middle for middle, lines in found.items() if lines == 2]


def written(figure: Figure, number: int = 0) -> list[str]:
    """The words in one of a figure's axes, without those of its ticks and titles."""
    return [text.get_text() for text in figure.axes[number].texts]


def bars(figure: Figure, number: int = 0) -> list[Rectangle]:
    """The bars in one of a figure's axes, in the order of drawing."""
    return [patch for patch in figure.axes[number].patches if isinstance(patch, Rectangle)]


def cells(figure: Figure, place: Box) -> list[list[str]]:
    """The colours of a matrix, row by row."""
    found: dict[float, dict[float, str]] = {}
    for patch in figure.axes[0].patches:
        if not isinstance(patch, Rectangle) or patch.get_facecolor()[3] == 0:
            continue
        (x, y), w, h = patch.get_xy(), patch.get_width(), patch.get_height()
        if place.x - 0.1 <= x and x + w <= place.right + 0.1 and place.y - 0.1 <= y and y + h <= place.bottom + 0.1:
            found.setdefault(round(y, 3), {})[round(x, 3)] = to_hex(patch.get_facecolor()).upper()
    return [[row[x] for x in sorted(row)] for _, row in sorted(found.items())]


def matrices(name: str) -> list[list[list[str]]]:
    """The matrices of a diagram in the order of drawing."""
    figure = diagram(name)
    return [rows for place in figure.drawing.boxes if (rows := cells(figure, place))]


def colours(name: str) -> set[str]:
    """The colours of a diagram, as #RRGGBB."""
    used = set()
    for artist in diagram(name).findobj():
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


def assert_has_its_two_texts(texts: Mapping[str, Mapping[str, str]], names: Iterable[str]) -> None:
    """A file of the catalogue holds the caption and the alternative text of these figures and of no other."""
    keys = {f"figure.{name}.{part}" for name in names for part in ("alt", "caption")}
    assert {key for key in texts if key.startswith("figure.")} == keys
    for key in keys:
        for lang in language.LANGUAGES:
            assert_is_a_wording(key, lang, texts[key][lang])


def assert_both_languages_have_the_same_numbers(texts: Mapping[str, Mapping[str, str]]) -> None:
    for key, wording in texts.items():
        numbers = [sorted(re.findall(r"\d+(?:[./]\d+)?|½", wording[lang])) for lang in language.LANGUAGES]
        assert numbers[0] == numbers[1], key


def assert_every_label_is_used(
    texts: Mapping[str, Mapping[str, str]],
    draws: Iterable[Callable[[], Figure]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No label of a file of the catalogue is left unsaid when these figures are drawn."""
    used: set[str] = set()
    original = language.say
    monkeypatch.setattr(curves, "say", lambda key, **values: used.add(key) or original(key, **values))
    for draw in draws:
        draw()
    labels = {key for key in texts if key.startswith("curves.")}
    assert labels and labels <= used, labels - used


def assert_no_two_texts_overlap(figure: Figure) -> None:
    """Values over bars, names under them, words under strips: each is alone in its place."""
    figure.draw_without_rendering()
    beyond = set()  # labels of ticks outside the axes, which matplotlib keeps and does not draw
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        beyond |= {tick.label1 for tick in ticks if not low <= tick.get_loc() <= high}
    written = [text for text in figure.findobj(plt.Text) if text.get_visible() and text not in beyond]
    places = [(text.get_text(), text.get_window_extent()) for text in written if text.get_text().strip()]
    for (one, a), (other, b) in combinations(places, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        assert across <= 0.5 or min(a.y1, b.y1) - max(a.y0, b.y0) <= 0.5, (one, other)


def assert_keeps_off_the_colours_of_attention(figure: Figure) -> None:
    """Lines, bars, their edges, and words in the picture have none of the four colours of attention."""
    used = [artist.get_color() for ax in figure.axes for artist in (*ax.get_lines(), *ax.texts)]
    patches = [patch for ax in figure.axes for patch in ax.patches]
    used += [patch.get_edgecolor() for patch in patches]
    used += [patch.get_facecolor() for patch in patches if patch.get_fill()]
    used += [colour for ax in figure.axes for group in ax.collections for colour in group.get_edgecolor()]
    assert used or any(ax.images for ax in figure.axes)
    assert not {to_hex(colour).upper() for colour in used} & OF_ATTENTION


def assert_differ_by_more_than_colour(lines: Iterable[Line2D]) -> None:
    """At least two lines, no two of which share line style and marker, or the colour."""
    lines = list(lines)
    for looks in (
        [(line.get_linestyle(), line.get_marker()) for line in lines],
        [line.get_color() for line in lines],
    ):
        assert len(looks) >= 2 and len(set(looks)) == len(looks)


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
