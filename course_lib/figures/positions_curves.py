"""Pictures of what lesson 05 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, PercentFormatter

from course_lib.figures.curves import LOOKS, check_count, label
from course_lib.figures.style import COLOURS, tint

NO_BREAK = "\N{NO-BREAK SPACE}"

LEAST_SHARE = 0.001
"""The least share of the training sequences that the axis of :func:`row_updates` reaches."""

PANELS = (("none", "learned", "sinusoidal"), ("causal", "rotary", "alibi", "t5"))
"""What stands on which side in :func:`accuracy_behind`: on the left vectors alone, on the right what acts in attention."""


BEYOND = 2
"""Words by which the line of :func:`accuracy_behind` stands right of the last trained point, clear of its markers."""

ASIDE = 0.7
"""Words by which neighbouring curves are moved apart there."""


def _share_axis(ax: Axes) -> None:
    # As in the texts of both languages the sign stands apart from the number.
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%"))


def _markers(places: Sequence[float], number: int, *, log: bool = False) -> list[int]:
    """The points of curve ``number`` that get a marker: eight, evenly along the axis, elsewhere on each curve."""
    along = np.log(places) if log else np.asarray(places, dtype=float)
    share = (np.arange(8) + (number + 0.5) / len(LOOKS)) / 8
    wanted = along[0] + share * (along[-1] - along[0])
    return sorted({int(np.abs(along - one).argmin()) for one in wanted})


# ---------------------------------------------------------------- absolute positions


def position_table(table: np.ndarray) -> Figure:
    """A table of positions as a heat map.

    Args:
        table: (T, D), numbers from −1 to 1, one row per position.
    """
    figure, ax = plt.subplots(figsize=(7.2, 4.2))
    image = ax.imshow(table, cmap="cividis", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    ax.grid(False)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel=label("component"), ylabel=label("position"))
    bar = figure.colorbar(image, ax=ax, ticks=[-1, -0.5, 0, 0.5, 1], pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label("number-in-table"))
    return figure


def similarity(distances: Sequence[float], curves: Mapping[str, Sequence[float]]) -> Figure:
    """How like each other two places are, by how far apart they stand; the distance on a logarithmic axis.

    Args:
        distances: in tokens, from 1 upwards.
        curves: the mean of cos(ω_i · distance) over the pairs at each distance, by a name of the catalogue (``curves.<name>``): ``"base-10000"``,
            ``"base-500000"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    ax.axhline(0, color=COLOURS["neutral"], linewidth=0.8)
    for number, (name, values) in enumerate(curves.items()):
        look = LOOKS[number] | {"linewidth": 1.5, "markevery": _markers(distances, number, log=True)}
        ax.plot(distances, values, label=label(name), **look)
    least = min([0.0, *(float(np.min(values)) for values in curves.values())])
    ax.set(xscale="log", xlim=(distances[0], None), ylim=(least - 0.05, 1.05))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    ax.set(xlabel=label("distance-tokens"), ylabel=label("mean-cosine"))
    ax.legend(loc="best")
    return figure


def row_updates(rows: Sequence[int], shares: Mapping[str, Sequence[float]]) -> Figure:
    """How much of the training reaches each row of a learned table; the share on a logarithmic axis.

    Args:
        rows: the rows' numbers.
        shares: the share of the training sequences that update each row, by a name of the catalogue
            (``curves.<name>``): ``"one-text"``, ``"short-then-long"``, ``"packed"``; at most four. A share of 0 has no
            place on the axis and is left out.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(shares))
    figure, ax = plt.subplots(figsize=(6.8, 4.0))
    for number, (name, values) in enumerate(shares.items()):
        drawn = np.where(np.asarray(values, dtype=float) > 0, values, np.nan)
        ax.plot(rows, drawn, label=label(name), markevery=_markers(rows, number), **LOOKS[number])
    ax.set(yscale="log", ylim=(LEAST_SHARE, 1.3), xlabel=label("row"), ylabel=label("share-of-sequences"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}{NO_BREAK}%"))
    ax.margins(x=0.02)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=1)
    return figure


# ---------------------------------------------------------------- accuracy at late positions

Seeds = Sequence[Sequence[float]]
"""At each point the values of the seeds."""


def _seeds(ax: Axes, words: Sequence[float], values: Seeds, name: str, number: int, shift: float) -> None:
    """The mean over the seeds with a marker, and a thin bar from the least to the greatest of them.

    Args:
        shift: how far the points are moved aside, so that bars at one place do not cover each other.
    """
    means = np.array([np.mean(point) for point in values])
    reach = np.abs(np.array([[np.min(point), np.max(point)] for point in values]).T - means)
    look: dict[str, Any] = {"markersize": 4.5, "elinewidth": 1.2, "capsize": 3, "clip_on": False, "zorder": 3}
    ax.errorbar(np.asarray(words) + shift, means, yerr=reach, label=label(name), **look, **LOOKS[number])


def late_rows(words: Sequence[int], curves: Mapping[str, Seeds]) -> Figure:
    """Accuracy by how late the sentence stands, for training with long texts as frequent as short ones, or rare.

    Args:
        words: how many words stand before the sentence, at each point.
        curves: for each point the accuracies of the seeds, from 0 to 1, by a name of the catalogue (``curves.<name>``):
            ``"learned-evenly"``, ``"learned-mostly-few"``, ``"rotary-mostly-few"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.8, 4.1))
    for number, (name, values) in enumerate(curves.items()):
        _seeds(ax, words, values, name, number, 0.5 * (number - (len(curves) - 1) / 2))
    ax.set_xticks(words, [str(count) for count in words])
    ax.set(ylim=(0, 1.02), xlabel=label("words-before"), ylabel=label("accuracy"))
    _share_axis(ax)
    figure.legend(*_lines(ax), loc="outside upper center", ncols=1)
    return figure


def accuracy_behind(words: Sequence[int], curves: Mapping[str, Seeds], trained: int) -> Figure:
    """Accuracy by how late the sentence stands, up to positions that training never reached, on two panels.

    Args:
        words: how many words stand before the sentence, at each point.
        curves: for each point the accuracies of the seeds, from 0 to 1, by a name of the catalogue (``curves.<name>``),
            one of :data:`PANELS`, which says on which panel it stands.
        trained: the largest number of words in training; a vertical line just right of it says so.

    Raises:
        ValueError: for a name that has no panel.
    """
    for name in curves:
        if not any(name in panel for panel in PANELS):
            raise ValueError(f"{name!r} has no panel: use {', '.join(name for panel in PANELS for name in panel)}")
    figure, panels = plt.subplots(1, 2, figsize=(9.0, 4.2), sharey=True)
    for ax, names in zip(panels, PANELS, strict=True):
        shown = [name for name in names if name in curves]
        for number, name in enumerate(shown):
            _seeds(ax, words, curves[name], name, number, ASIDE * (number - (len(shown) - 1) / 2))
        ax.axvline(trained + BEYOND, color=COLOURS["neutral"], linewidth=1.2, linestyle=(0, (1, 2)))
        ax.annotate(
            label("trained-up-to", number=trained),
            (trained + BEYOND, 0),
            xytext=(5, 6),
            textcoords="offset points",
            fontsize=9,
            color=COLOURS["neutral"],
        )
        ax.set_xticks(words, [str(count) for count in words])
        ax.set(ylim=(0, 1.02), xlabel=label("words-before"))
        if shown:
            ax.legend(*_lines(ax), loc="lower center", bbox_to_anchor=(0.5, 1.04), ncols=2, borderaxespad=0)
    panels[0].set_ylabel(label("accuracy"))
    _share_axis(panels[0])
    return figure


def _lines(ax: Axes) -> tuple[list[Any], list[str]]:
    """The handles of a legend that shows lines and markers without their bars."""
    handles, labels = ax.get_legend_handles_labels()
    return [handle.lines[0] for handle in handles], labels


# ---------------------------------------------------------------- biases


def biases(distances: Sequence[int], alibi: np.ndarray, t5: np.ndarray, trained: int) -> Figure:
    """What is added to the scores by distance: ALiBi's straight lines, and the steps of a table as in T5, a strip for each
    head.

    Args:
        distances: key's position minus query's, n of them.
        alibi: (heads, n), at most four heads.
        t5: (heads, n), at most four heads; drawn as steps, in the order of the heads.
        trained: the largest distance that training met on either side; what lies beyond is hatched for T5.

    Raises:
        ValueError: for more heads than can be told apart.
    """
    check_count(max(len(alibi), len(t5)))
    figure = plt.figure(figsize=(9.0, 4.8))
    grid = figure.add_gridspec(len(t5), 2, width_ratios=(2, 3))
    figure.get_layout_engine().set(hspace=0.02)

    ax = figure.add_subplot(grid[:, 0])
    ax.axvline(0, color=COLOURS["neutral"], linewidth=0.8)
    for number, values in enumerate(alibi):
        look = LOOKS[number] | {"linewidth": 1.4, "markevery": _markers(distances, number)}
        ax.plot(distances, values, label=label("head", number=number + 1), **look)
    ax.set(title=_title("alibi"), xlabel=label("key-minus-query"), ylabel=label("bias"))
    ax.set_xlim(distances[0], distances[-1])

    strange = {"facecolor": tint("neutral", 0.1), "edgecolor": tint("neutral", 0.5), "hatch": "//", "linewidth": 0}
    unmet = [(distances[0], -trained - 0.5), (trained + 0.5, distances[-1])]
    most = 1.1 * float(np.abs(t5).max())
    strips: list[Axes] = []
    for number, values in enumerate(t5):
        strip = figure.add_subplot(grid[number, 1], sharex=strips[0] if strips else None)
        strips.append(strip)
        for start, end in unmet:
            if start < end:
                strip.axvspan(start, end, zorder=0, **strange)
        colour = LOOKS[number]["color"]
        pale = tint(next(name for name, value in COLOURS.items() if value == colour), 0.45)
        strip.fill_between(distances, values, step="mid", facecolor=pale, edgecolor="none")
        strip.axhline(0, color=COLOURS["neutral"], linewidth=0.8)
        strip.axvline(0, color=COLOURS["neutral"], linewidth=0.8)
        strip.plot(distances, values, color=colour, drawstyle="steps-mid", linewidth=1.3)
        strip.set(xlim=(distances[0], distances[-1]), ylim=(-most, most))
        strip.tick_params(labelbottom=number == len(t5) - 1)
        strip.text(1.015, 0.5, label("head", number=number + 1), transform=strip.transAxes, va="center", fontsize=9)
    strips[0].set_title(_title("t5"))
    strips[-1].set_xlabel(label("key-minus-query"))
    # One name for the axes of all strips, in their middle.
    strips[(len(strips) - 1) // 2].set_ylabel(label("bias"), y=0.5 if len(strips) % 2 else 0)
    handles, labels = ax.get_legend_handles_labels()
    handles.append(Patch(**strange))
    figure.legend(handles, [*labels, label("never-met")], loc="outside upper center", ncols=len(handles))
    return figure


def _title(name: str) -> str:
    """A label where it begins a line of its own: with a capital."""
    text = label(name)
    return text[0].upper() + text[1:]
