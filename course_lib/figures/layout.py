"""What a machine can check of a drawing: nothing cut off, nothing overlapping, everything legible.

:func:`problems` measures the rendered text of a figure made by :mod:`course_lib.figures.draw`. It does not replace
looking at the picture in both languages; it keeps a reworded label or a translation from spoiling one unseen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.colors import to_hex

from course_lib.figures.draw import CARD_WIDTH, Box, Canvas, Point
from course_lib.figures.style import CSS_DPI, contrast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHONE_WIDTH = 360
SMALLEST_TYPE_ON_PHONE = 9.0
SMALLEST_TYPE = 11.0
LEAST_CONTRAST = 4.5
MARGIN = 3.0
"""Least distance in CSS pixels of a text from the edge of the picture and of its box."""


def problems(figure: Figure, *, card: bool = False) -> list[str]:
    """The faults of a drawing, each as a sentence; empty if there are none.

    Checked: texts inside the picture and inside their boxes, no two texts overlapping, no line or box edge through a
    text, arrows that begin and end at something, boxes that do not cut each other, contrast, size of type.

    Args:
        figure: as returned by a drawing function.
        card: whether the figure stands on a flashcard, hence is shown 360 pixels wide.
    """
    canvas: Canvas = figure.drawing
    renderer = figure.canvas.get_renderer()
    page = Box(0, 0, canvas.width, canvas.height)
    texts: list[tuple[str, Box]] = []
    found: list[str] = []
    if card and canvas.width != CARD_WIDTH:
        found.append(f"a card figure is {CARD_WIDTH} wide, not {canvas.width}")
    for label in canvas.labels:
        extent = label.artist.get_window_extent(renderer)
        text, place = label.artist.get_text(), Box(extent.x0, page.h - extent.y1, extent.width, extent.height)
        texts.append((text, place))
        if not _contains(page, place, MARGIN):
            found.append(f"{text!r} reaches the edge of the picture")
        if label.inside is not None and not _contains(label.inside, place, min(MARGIN, label.inside.h / 20)):
            found.append(f"{text!r} does not fit its box ({place.w:.0f} of {label.inside.w:.0f} wide)")
        size = label.artist.get_fontsize() * CSS_DPI / 72
        if card:
            size *= PHONE_WIDTH / canvas.width
        if size < (SMALLEST_TYPE_ON_PHONE if card else SMALLEST_TYPE) - 1e-9:
            found.append(f"{text!r} is set in type of {size:.1f} px")
        ratio = contrast(to_hex(label.artist.get_color()), label.ground)
        if ratio < LEAST_CONTRAST:
            found.append(f"{text!r} has a contrast of {ratio:.1f}")
    for (one, a), (other, b) in combinations(texts, 2):
        if _overlap(a, b):
            found.append(f"{one!r} overlaps {other!r}")
    for text, place in texts:
        ink = _shrunk(place, 1.5)
        for stroke in canvas.strokes:
            if any(_crosses(p, q, ink) for p, q in zip(stroke.points, stroke.points[1:], strict=False)):
                found.append(f"a line runs through {text!r}")
        for box in canvas.boxes:
            if _overlap(box, place) and not _contains(box, place, 0):
                found.append(f"the edge of a box runs through {text!r}")
    for box in canvas.boxes:
        if not _contains(page, box, 1):
            found.append(f"a box at {box.x:.0f}, {box.y:.0f} leaves the picture")
    for a, b in combinations(canvas.boxes, 2):
        if _overlap(a, b) and not _contains(a, b, 0) and not _contains(b, a, 0):
            found.append(f"the boxes at {a.x:.0f}, {a.y:.0f} and {b.x:.0f}, {b.y:.0f} cut each other")
    places = [*canvas.boxes, *(place for _, place in texts)]
    for end in _loose_ends(canvas, places):
        found.append(f"an arrow's end at {end[0]:.0f}, {end[1]:.0f} touches nothing")
    return found


def _loose_ends(canvas: Canvas, places: list[Box]) -> Iterator[Point]:
    for stroke in canvas.strokes:
        for end, touches in zip((stroke.points[0], stroke.points[-1]), stroke.touches, strict=True):
            on_a_line = any(
                _distance(end, p, q) <= 2
                for other in canvas.strokes
                if other is not stroke
                for p, q in zip(other.points, other.points[1:], strict=False)
            )
            if touches and not on_a_line and min((_to_edge(end, place) for place in places), default=math.inf) > 6:
                yield end


def _contains(outer: Box, inner: Box, margin: float) -> bool:
    return (
        inner.x >= outer.x + margin - 1e-6
        and inner.right <= outer.right - margin + 1e-6
        and inner.y >= outer.y + margin - 1e-6
        and inner.bottom <= outer.bottom - margin + 1e-6
    )


def _overlap(a: Box, b: Box) -> bool:
    slack = 0.5
    return min(a.right, b.right) - max(a.x, b.x) > slack and min(a.bottom, b.bottom) - max(a.y, b.y) > slack


def _shrunk(box: Box, by: float) -> Box:
    return Box(box.x + by, box.y + by, max(box.w - 2 * by, 0), max(box.h - 2 * by, 0))


def _crosses(p: Point, q: Point, box: Box) -> bool:
    """Whether the segment from p to q meets the box (Liang–Barsky clipping)."""
    low, high = 0.0, 1.0
    for start, step, least, most in (
        (p[0], q[0] - p[0], box.x, box.right),
        (p[1], q[1] - p[1], box.y, box.bottom),
    ):
        if step == 0:
            if not least < start < most:
                return False
            continue
        enter, leave = sorted(((least - start) / step, (most - start) / step))
        low, high = max(low, enter), min(high, leave)
    return low < high


def _distance(point: Point, p: Point, q: Point) -> float:
    """Distance of a point from the segment from p to q."""
    length = math.dist(p, q) ** 2
    if length == 0:
        return math.dist(point, p)
    share = ((point[0] - p[0]) * (q[0] - p[0]) + (point[1] - p[1]) * (q[1] - p[1])) / length
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])))


def _to_edge(point: Point, box: Box) -> float:
    """Distance of a point from the outline of a box; 0 inside a small one, where an arrow's head covers the box."""
    corners = ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom))
    return min(_distance(point, p, q) for p, q in zip(corners, (*corners[1:], corners[0]), strict=True))
