"""Where the words of a map go: labels that neither overlap nor cover a point, by the same rule on every machine.

Lengths are CSS pixels. Which way the y axis points makes no difference, as long as it is the same for all arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.textpath import TextPath

from course_lib.figures.style import CSS_DPI

Place = tuple[float, float]
"""x and y of a point."""

Rect = tuple[float, float, float, float]
"""The least x and y and the greatest x and y of a rectangle."""


def text_size(word: str, points: float, weight: str = "normal") -> tuple[float, float]:
    """Width and height of a label in DejaVu Sans of that size in points, with a small margin."""
    pixels = CSS_DPI / 72
    plain = word.replace("$", r"\$")  # a dollar sign would begin a formula
    path = TextPath((0, 0), plain, size=points, prop={"family": "DejaVu Sans", "weight": weight})
    return math.ceil(path.get_extents().width * pixels) + 4, math.ceil(points * pixels) + 2


def fit(points: np.ndarray, frame: Rect, across: float, up: float) -> tuple[list[Place], float, np.ndarray]:
    """Points brought into a frame on one scale, since distances and directions are what a map is about.

    Args:
        points: (n, 2).
        frame: where they go.
        across, up: room to be left for labels at the sides, and above and below.

    Returns:
        the n places, to whole pixels (rounding noise must not move a label); the scale; and what (2,) is added to the
        scaled points.
    """
    least, most = points.min(axis=0), points.max(axis=0)
    spans = np.maximum(most - least, 1e-12)
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    scale = min((width - 2 * across) / spans[0], (height - 2 * up) / spans[1])
    middle = (least + most) / 2
    centre = np.array([frame[0] + width / 2, frame[1] + height / 2])
    places = [(float(x), float(y)) for x, y in np.rint((points - middle) * scale + centre)]
    return places, float(scale), centre - middle * scale


def place_labels(
    places: Sequence[Place],
    sizes: Sequence[tuple[float, float]],
    frame: Rect,
    marker: float,
    arrows: Sequence[tuple[Place, Place]] = (),
) -> list[Rect | None]:
    """A rectangle for the label of each point, or None where there is no room left.

    The most crowded words choose first. Each takes the cheapest free place: near its point, to the right of it rather
    than elsewhere, off the arrows and off the lines of other labels.

    Args:
        places: n points.
        sizes: width and height of their labels.
        frame: what the labels must not leave.
        marker: half the width of a point's marker.
        arrows: lines that labels keep off if they can.
    """
    taken: list[Rect] = [_around(place, marker) for place in places]
    lines = [_course(*arrow) for arrow in arrows]
    crowd = [sum(math.dist(place, other) < 70 for other in places) for place in places]
    result: list[Rect | None] = [None] * len(places)
    for i in sorted(range(len(places)), key=lambda i: (-crowd[i], i)):
        best: tuple[float, Rect] | None = None
        for price, rect in _candidates(places[i], sizes[i], marker):
            if (best is not None and price >= best[0]) or not _is_free(rect, taken, frame):
                continue
            price += 40 * _meetings([rect], lines)
            line = tie(places[i], rect)
            if line is not None:
                others = [other for other in taken if not _inside(places[i], other)]
                price += 40 * _meetings(others, [_course(*line)])
            if best is None or price < best[0]:
                best = price, rect
        if best is None:
            continue
        result[i] = best[1]
        taken.append(best[1])
        line = tie(places[i], best[1])
        if line is not None:
            lines.append(_course(*line))
    return result


def tie(place: Place, rect: Rect) -> tuple[Place, Place] | None:
    """The line from a point to its label, if the label stands apart."""
    nearest = min(max(place[0], rect[0]), rect[2]), min(max(place[1], rect[1]), rect[3])
    return (place, nearest) if math.dist(place, nearest) > 12 else None


def _candidates(place: Place, size: tuple[float, float], marker: float) -> Iterator[tuple[float, Rect]]:
    """Places of a label about its point, each with its price: its distance, and a little for the direction."""
    (x, y), (w, h) = place, size
    near = ((1, 0), (-1, 0), (0.7, 0.7), (0.7, -0.7), (-0.7, 0.7), (-0.7, -0.7), (0, 1), (0, -1))
    far = (*near, *((a, b) for s, t in ((0.92, 0.38), (0.38, 0.92)) for a in (s, -s) for b in (t, -t)))
    for distance in (marker + 2, 14, 22, 30, 38, 48, 58, 70, 84, 100, 120, 145, 175, 210):
        for order, (dx, dy) in enumerate(near if distance < 30 else far):
            # The label's middle, so that its nearest border is ``distance`` away.
            cx = x + dx * distance + math.copysign(w / 2, dx) * (abs(dx) > 0.5)
            cy = y + dy * distance + math.copysign(h / 2, dy) * (abs(dy) > 0.2)
            yield distance + order, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)


def _is_free(rect: Rect, taken: Sequence[Rect], frame: Rect) -> bool:
    inside = rect[0] > frame[0] and rect[1] > frame[1] and rect[2] < frame[2] and rect[3] < frame[3]
    return inside and not any(
        rect[0] < other[2] and other[0] < rect[2] and rect[1] < other[3] and other[1] < rect[3] for other in taken
    )


def _inside(place: Place, rect: Rect) -> bool:
    return rect[0] < place[0] < rect[2] and rect[1] < place[1] < rect[3]


def _course(start: Place, end: Place) -> np.ndarray:
    """Two hundred points along a line, closer to one another than any label is high."""
    return np.linspace(start, end, 200)


def _meetings(rects: Sequence[Rect], lines: Sequence[np.ndarray]) -> int:
    """How many pairs of a rectangle and a line meet."""
    if not rects or not lines:
        return 0
    low, high = np.array(rects)[:, None, None, :2], np.array(rects)[:, None, None, 2:]
    points = np.stack(lines)[None]
    return int(((low < points) & (points < high)).all(axis=-1).any(axis=-1).sum())


def _around(place: Place, half: float) -> Rect:
    return place[0] - half, place[1] - half, place[0] + half, place[1] + half
