"""Drawing primitives: labelled boxes, arrows and matrices on explicit coordinates.

The unit is the CSS pixel, the origin the top left corner, y grows downwards, as on a web page. A diagram is a function
that draws on a :class:`Canvas`; :func:`drawing` turns it into a function that returns a figure and enters it in
:data:`DRAWINGS`. The canvas remembers what it drew, so that :mod:`course_lib.figures.layout` can measure the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from course_lib.figures.style import COLOURS, CSS_DPI, contrast, drawing_style, tint
from course_lib.language import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

POINT = 72 / CSS_DPI
"""Points per CSS pixel: matplotlib measures type and line width in points."""

CAP_HEIGHT = 0.729
"""Height of a capital of DejaVu Sans, in units of the type size. Centring capitals keeps the labels of a row level."""

CARD_WIDTH = 450
"""Width of the figures that also stand on flashcards: 720 pixels of PNG, shown 360 wide on a phone."""

Point = tuple[float, float]
Look = Literal["tint", "solid", "outline", "dashed", "plain"]


@dataclass(frozen=True)
class Box:
    """A rectangle of the page: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2

    def top_at(self, share: float = 0.5) -> Point:
        """A point of the upper edge, ``share`` of the width from the left."""
        return self.x + share * self.w, self.y

    def bottom_at(self, share: float = 0.5) -> Point:
        return self.x + share * self.w, self.bottom

    def left_at(self, share: float = 0.5) -> Point:
        """A point of the left edge, ``share`` of the height from the top."""
        return self.x, self.y + share * self.h

    def right_at(self, share: float = 0.5) -> Point:
        return self.right, self.y + share * self.h


@dataclass(frozen=True)
class Label:
    """A line of text as it was drawn: the artist, the colour behind it, the box it must fit into, if any."""

    artist: Text
    ground: str
    inside: Box | None


@dataclass(frozen=True)
class Stroke:
    """A line or arrow as it was drawn: its course as a chain of points, and which ends must touch something."""

    points: tuple[Point, ...]
    touches: tuple[bool, bool]


@dataclass
class Canvas:
    """A white page of ``width`` × ``height`` CSS pixels."""

    name: str
    width: float
    height: float
    labels: list[Label] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)

    def __post_init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(self.width / CSS_DPI, self.height / CSS_DPI), dpi=CSS_DPI, layout="none")
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        self.axes.axis("off")
        self.figure.drawing = self

    def say(self, word: str, **values: object) -> str:
        """A word of this figure in the session's language: the catalogue's ``figure.<name>.<word>``."""
        return say(f"figure.{self.name}.{word}", **values)

    # ------------------------------------------------------------ text

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        colour: str = "ink",
        bold: bool = False,
        italic: bool = False,
        align: Literal["left", "center", "right"] = "center",
        spacing: float = 1.3,
        ground: str = "#FFFFFF",
        inside: Box | None = None,
    ) -> Box:
        """Lines of text whose block is centred on ``y``; each line's capitals are centred on its own height.

        Args:
            x: where the lines begin, have their middle or end, by ``align``.
            colour: a name of :data:`~course_lib.figures.style.COLOURS` or a hexadecimal value.
            ground: the colour behind the text, for the test of contrast.
            inside: the box the text must not leave.

        Returns:
            the nominal place of the block: an anchor for arrows.
        """
        lines = text.split("\n")
        step = spacing * size
        first = y - step * (len(lines) - 1) / 2
        artists = []
        for i, line in enumerate(lines):
            artist = self.axes.text(
                x,
                first + i * step + CAP_HEIGHT / 2 * size,
                line,
                fontsize=size * POINT,
                color=COLOURS.get(colour, colour),
                weight="bold" if bold else "normal",
                style="italic" if italic else "normal",
                ha=align,
                va="baseline",
                zorder=5,
            )
            self.labels.append(Label(artist, ground, inside))
            artists.append(artist)
        extents = [artist.get_window_extent() for artist in artists]
        left, right = min(e.x0 for e in extents), max(e.x1 for e in extents)
        height = step * len(lines)
        return Box(left, y - height / 2, right - left, height)

    def words(self, x: float, y: float, words: Sequence[str], *, size: float = 14, gap: float = 8) -> list[Box]:
        """A sentence from ``x`` on, word by word; returns the place of each word."""
        places = []
        for word in words:
            places.append(self.text(x, y, word, size=size, align="left"))
            x = places[-1].right + gap
        return places

    # ------------------------------------------------------------ shapes

    def box(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        text: str = "",
        *,
        colour: str = "neutral",
        look: Look = "tint",
        size: float = 14,
        bold: bool = False,
        radius: float = 7,
        line: float = 1.5,
        strength: float = 0.13,
        text_colour: str | None = None,
    ) -> Box:
        """A rounded box with its text in the middle; returns its place.

        ``look``: ``tint`` pale with a coloured edge, ``solid`` filled with white text, ``outline`` white, ``dashed``
        white with a dashed edge (optional parts), ``plain`` pale without an edge.
        """
        from matplotlib.patches import FancyBboxPatch

        fill = {"tint": tint(colour, strength), "plain": tint(colour, strength), "solid": COLOURS[colour]}.get(
            look, COLOURS["ground"]
        )
        place = Box(x, y, w, h)
        self.axes.add_patch(
            FancyBboxPatch(
                (x, y),
                w,
                h,
                boxstyle=f"round,pad=0,rounding_size={min(radius, w / 2, h / 2)}",
                facecolor=fill,
                edgecolor="none" if look == "plain" else COLOURS[colour],
                linewidth=line * POINT,
                linestyle=(0, (4, 2.5)) if look == "dashed" else "-",
                zorder=1,
            )
        )
        self.boxes.append(place)
        if text:
            ink = text_colour or ("ground" if look == "solid" else "ink")
            self.text(place.cx, place.cy, text, size=size, bold=bold, colour=ink, ground=fill, inside=place)
        return place

    def header(self, place: Box, height: float, text: str = "", *, colour: str, size: float = 14) -> Box:
        """A filled strip with white text at the top of a box; returns the strip."""
        from matplotlib.patches import Rectangle

        strip = self.box(place.x, place.y, place.w, height, colour=colour, look="solid")
        edge = 0.75  # half of the edge's width, which the box has outside itself
        lower = Rectangle((place.x - edge, place.y + height / 2), place.w + 2 * edge, height / 2 + edge, linewidth=0)
        lower.set(facecolor=COLOURS[colour], zorder=1)
        self.axes.add_patch(lower)  # so that the strip's lower corners are square
        if text:
            self.text(
                strip.cx, strip.cy, text, size=size, bold=True, colour="ground", ground=COLOURS[colour], inside=strip
            )
        return strip

    def circle(self, x: float, y: float, text: str = "+", *, radius: float = 13, colour: str = "ink") -> Box:
        """A small circle with a sign in it: where vectors are added or multiplied."""
        return self.dot(x, y, radius, colour=colour, text=text)

    def dot(self, x: float, y: float, radius: float, *, colour: str, strength: float = 0, text: str = "") -> Box:
        """A circle, white or with the given share of its colour."""
        from matplotlib.patches import Circle

        fill, place = tint(colour, strength), Box(x - radius, y - radius, 2 * radius, 2 * radius)
        self.axes.add_patch(
            Circle((x, y), radius, facecolor=fill, edgecolor=COLOURS[colour], linewidth=1.5 * POINT, zorder=1)
        )
        self.boxes.append(place)
        if text:
            # A sign is centred by its own middle, which for + and × lies below that of a capital.
            self.text(x, y - 0.045 * radius, text, size=1.3 * radius, ground=fill, inside=place)
        return place

    def matrix(
        self,
        x: float,
        y: float,
        rows: int,
        columns: int,
        *,
        cell: float | tuple[float, float] = 18,
        colour: str = "neutral",
        shades: Sequence[Sequence[float]] | None = None,
        texts: Sequence[Sequence[str]] | None = None,
        size: float = 12,
        strength: float = 0.22,
    ) -> Box:
        """A matrix as cells, one colour; returns its place.

        Args:
            cell: side of a cell, or width and height.
            shades: rows × columns, how much of the colour each cell has, from 0 (white) to 1.
            texts: rows × columns, what stands in each cell.
            strength: how much of the colour all cells have if ``shades`` is not given.
        """
        from matplotlib.patches import Rectangle

        width, height = cell if isinstance(cell, tuple) else (cell, cell)
        place = Box(x, y, columns * width, rows * height)
        amounts = shades if shades is not None else [[strength] * columns] * rows
        # Empty cells first: their grey rules must not cover the white ones between coloured cells.
        for i, j in sorted(product(range(rows), range(columns)), key=lambda at: amounts[at[0]][at[1]] > 0):
            fill = tint(colour, amounts[i][j])
            corner = (x + j * width, y + i * height)
            rule = "white" if amounts[i][j] > 0 else "#D5D8DC"
            self.axes.add_patch(
                Rectangle(corner, width, height, facecolor=fill, edgecolor=rule, linewidth=POINT, zorder=1)
            )
            if texts is not None and texts[i][j]:
                # Whichever of ink and white reads better on this shade.
                ink = max(("ink", "ground"), key=lambda name: contrast(COLOURS[name], fill))
                middle = (corner[0] + width / 2, corner[1] + height / 2)
                self.text(*middle, texts[i][j], size=size, colour=ink, ground=fill, inside=Box(*corner, width, height))
        self.axes.add_patch(
            Rectangle(
                (x, y), place.w, place.h, facecolor="none", edgecolor=COLOURS[colour], linewidth=1.4 * POINT, zorder=1
            )
        )
        self.boxes.append(place)
        return place

    def frame(self, place: Box, *, colour: str = "ink", line: float = 2.2, margin: float = 0) -> None:
        """A rectangle drawn around part of a matrix, to single it out."""
        from matplotlib.patches import Rectangle

        self.axes.add_patch(
            Rectangle(
                (place.x - margin, place.y - margin),
                place.w + 2 * margin,
                place.h + 2 * margin,
                facecolor="none",
                edgecolor=COLOURS[colour],
                linewidth=line * POINT,
                zorder=1,
            )
        )

    def cross(self, x: float, y: float, half: float, *, colour: str = "neutral") -> None:
        """A small × of lines: an entry that is −∞."""
        for lean in (1, -1):
            self._line(
                [(x - half, y - lean * half), (x + half, y + lean * half)], None, (x, y), colour, 1.4, False, False
            )

    # ------------------------------------------------------------ lines

    def arrow(
        self,
        *points: Point,
        colour: str = "neutral",
        width: float = 1.6,
        head: bool = True,
        radius: float = 9,
        dashed: bool = False,
        touches: tuple[bool, bool] = (True, True),
    ) -> None:
        """A line through ``points`` with rounded corners and a head at the last.

        Args:
            touches: whether the first and the last point lie on the edge of a box, matrix or text, as a test will ask.
        """
        from matplotlib.path import Path

        vertices: list[Point] = [points[0]]
        codes = [Path.MOVETO]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            reach = min(radius, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
            vertices += [_toward(corner, before, reach), corner, _toward(corner, after, reach)]
            codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
        vertices.append(points[-1])
        codes.append(Path.LINETO)
        self._line(vertices, codes, points[-2], colour, width, head, dashed)
        self.strokes.append(Stroke(points, touches))

    def arc(
        self,
        start: Point,
        end: Point,
        rise: float,
        *,
        colour: str = "neutral",
        width: float = 1.8,
        dashed: bool = False,
    ) -> None:
        """An arrow from ``start`` to ``end`` in an arc whose summit lies ``rise`` above the higher end."""
        from matplotlib.path import Path

        top = min(start[1], end[1]) - rise
        # Two control points at the same height keep the summit flat: a cubic reaches 3/4 of its control points' rise.
        first, second = ((p[0] + lean * (end[0] - start[0]), p[1] - (p[1] - top) / 0.75) for p, lean in
                         ((start, 0.08), (end, -0.08)))  # fmt: skip
        course = [
            tuple(
                (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
                for a, b, c, d in zip(start, first, second, end, strict=True)
            )
            for t in (i / 40 for i in range(41))
        ]
        vertices = [start, first, second, end]
        self._line(vertices, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4], second, colour, width, True, dashed)
        self.strokes.append(Stroke(tuple(course), (True, True)))

    def _line(
        self,
        vertices: list[Point],
        codes: list[Any] | None,
        before: Point,
        colour: str,
        width: float,
        head: bool,
        dashed: bool,
    ) -> None:
        from matplotlib.patches import PathPatch, Polygon
        from matplotlib.path import Path

        tip = vertices[-1]
        length = 5.5 + 2.2 * width
        if head:
            vertices = [*vertices[:-1], _toward(tip, before, 0.8 * length)]
        self.axes.add_patch(
            PathPatch(
                Path(vertices, codes),
                facecolor="none",
                edgecolor=COLOURS[colour],
                linewidth=width * POINT,
                linestyle=(0, (3, 2)) if dashed else "-",
                capstyle="butt",
                zorder=1,
            )
        )
        if head:
            base = _toward(tip, before, length)
            half = 0.42 * length
            across = ((tip[1] - base[1]) / length * half, (base[0] - tip[0]) / length * half)
            wings = [(base[0] + s * across[0], base[1] + s * across[1]) for s in (1, -1)]
            self.axes.add_patch(
                Polygon([tip, *wings], closed=True, facecolor=COLOURS[colour], edgecolor="none", zorder=1)
            )

    def bracket(
        self,
        start: Point,
        end: Point,
        depth: float = 7,
        *,
        text: str = "",
        size: float = 13,
        colour: str = "neutral",
        gap: float = 5,
    ) -> None:
        """A square bracket along a horizontal or vertical side, its text outside.

        A positive ``depth`` puts the back of the bracket, and the text, to the right of or below the side.
        """
        from matplotlib.patches import Polygon

        horizontal = start[1] == end[1]
        shift = (0, depth) if horizontal else (depth, 0)
        back = [(p[0] + shift[0], p[1] + shift[1]) for p in (start, end)]
        course = (start, back[0], back[1], end)
        self.axes.add_patch(
            Polygon(course, closed=False, facecolor="none", edgecolor=COLOURS[colour], linewidth=1.4 * POINT, zorder=1)
        )
        self.strokes.append(Stroke(course, (False, False)))
        if not text:
            return
        middle = ((back[0][0] + back[1][0]) / 2, (back[0][1] + back[1][1]) / 2)
        lines = text.count("\n") + 1
        outward = math.copysign(gap, depth)
        if horizontal:
            rise = math.copysign((1.3 * (lines - 1) + 1.0) * size / 2, depth)
            self.text(middle[0], middle[1] + outward + rise, text, size=size, colour=colour)
        else:
            self.text(
                middle[0] + outward, middle[1], text, size=size, colour=colour, align="left" if depth > 0 else "right"
            )


def _toward(start: Point, end: Point, distance: float) -> Point:
    share = distance / (math.dist(start, end) or 1)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


# ---------------------------------------------------------------- numbers for the cells of matrices

Matrix = list[list[float]]


def numbers(rows: int, columns: int, seed: int) -> Matrix:
    """A matrix of made-up numbers between −1 and 1, the same on every machine."""
    state, cells = 7919 * seed + 1, []
    for _ in range(rows * columns + 3):
        state = (1103515245 * state + 12345) % 2**31  # the linear congruential generator of the C standard's example
        cells.append((state >> 16) % 1000 / 499.5 - 1)
    return [cells[3 + i * columns : 3 + (i + 1) * columns] for i in range(rows)]


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """The product of two matrices: pictures show the numbers that their formulas give."""
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def transpose(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def softmax(row: Sequence[float]) -> list[float]:
    powers = [math.exp(score) for score in row]
    return [power / sum(powers) for power in powers]


def shades(a: Matrix, low: float = 0.12, high: float = 0.75) -> Matrix:
    """The numbers as amounts of colour: the smallest gets ``low``, the largest ``high``."""
    least, most = min(map(min, a)), max(map(max, a))
    return [[low + (high - low) * (value - least) / ((most - least) or 1) for value in row] for row in a]


# ---------------------------------------------------------------- the list of all drawings


@dataclass(frozen=True)
class Drawing:
    """A diagram of the course: the function that draws it, and whether it stands on a flashcard."""

    name: str
    draw: Callable[..., Figure]
    card: bool


DRAWINGS: dict[str, Drawing] = {}
"""All diagrams by name, as far as their modules were imported; :func:`course_lib.figures.drawings` imports them all."""


def drawing(width: float, height: float, *, card: bool = False) -> Callable[..., Callable[..., Figure]]:
    """Make a function that draws on a canvas into one that returns the figure, and list it under its name.

    The figure is drawn under the course's settings, whatever the session changed, and in the session's language.
    """

    def wrap(function: Callable[..., None]) -> Callable[..., Figure]:
        name = function.__name__
        if name in DRAWINGS:
            raise ValueError(f"two drawings are called {name!r}")

        @functools.wraps(function)
        def draw(*args: Any, **values: Any) -> Figure:
            with drawing_style():
                canvas = Canvas(name, width, height)
                function(canvas, *args, **values)
            return canvas.figure

        # ``wraps`` hands on the annotations of the function that draws; this one takes no canvas and returns a figure.
        del draw.__wrapped__
        DRAWINGS[name] = Drawing(name, draw, card)
        return draw

    return wrap
