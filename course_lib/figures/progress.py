"""The picture of ``course progress``: a row for each lesson, marks that fill as its exercises are solved.

A mark is outlined, half filled or filled, so that nothing is said by its colour. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.language import say
from course_lib.progress import Row, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RUN, FIRST, CARDS = 3.4, 4.6, 7.5
"""Where the columns stand, in inches from the left: the lesson's mark, the first exercise, the right end of the number."""

HEIGHT = 0.36
"""Inches that a row takes."""

_FILL = {State.NONE: "none", State.BEGUN: "left", State.DONE: "full"}


def figure(rows: Sequence[Row]) -> Figure:
    """Draw the rows of :func:`course_lib.progress.rows` in the session's language."""
    from matplotlib.figure import Figure

    from course_lib.figures.style import COLOURS, drawing_style

    width, height = 7.6, HEIGHT * (len(rows) + 4.6)
    widest = max([len(row.exercises) for row in rows], default=0)
    step = min(0.36, (CARDS - 0.6 - FIRST) / max(widest, 1))
    with drawing_style():
        drawn = Figure(figsize=(width, height), layout="none")
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(height / HEIGHT, 0))  # rows count downwards
        axes.text(0.15, 0.7, say("progress.figure.title"), size=11, weight="bold", va="center")
        heads = {0.15: ("lesson", "left"), RUN: ("run", "center"), FIRST - 0.1: ("exercises", "left")}
        for x, (name, align) in (heads | {CARDS: ("cards", "right")}).items():
            head = say(f"progress.head.{name}")
            axes.text(x, 1.7, head, size=9, color=COLOURS["neutral"], ha=align, va="center")
        axes.plot([0.15, CARDS], [2.2, 2.2], color=COLOURS["neutral"], linewidth=0.8, linestyle="-")
        for place, row in enumerate(rows, 2):
            y = place + 0.75
            axes.text(0.15, y, row.title, va="center")
            _mark(axes, RUN, y, row.state, "o")
            for number, state in enumerate(row.exercises.values()):
                _mark(axes, FIRST + number * step, y, state, "s")
            if row.cards:
                axes.text(CARDS, y, str(len(row.cards)), ha="right", va="center")
        axes.plot([0.15, CARDS], [len(rows) + 2.4] * 2, color=COLOURS["neutral"], linewidth=0.8, linestyle="-")
        _legend(axes, len(rows) + 3.1)
    return drawn


def _mark(axes: Axes, x: float, y: float, state: State, marker: str) -> None:
    """The sign of a lesson (``"o"``) or an exercise (``"s"``)."""
    from course_lib.figures.style import COLOURS

    axes.plot(
        [x],
        [y],
        marker=marker,
        linestyle="",
        markersize=9,
        fillstyle=_FILL[state],
        color=COLOURS["accent"],
        markerfacecoloralt=COLOURS["ground"],
        markeredgewidth=1.2,
        gid=f"{marker} {state}",
    )


def _legend(axes: Axes, top: float) -> None:
    """Two lines below the rows: what the three fillings say of a lesson and of an exercise."""
    lines = (("o", "lesson", "progress.run"), ("s", "exercise", "progress.figure.exercise"))
    for below, (marker, name, texts) in enumerate(lines):
        y = top + 0.8 * below
        axes.text(0.15, y, say(f"progress.figure.{name}"), size=9, va="center")
        for column, state in enumerate(State):
            x = 1.5 + 1.9 * column
            _mark(axes, x, y, state, marker)
            axes.text(x + 0.18, y, say(f"{texts}.{state}"), size=9, va="center")
