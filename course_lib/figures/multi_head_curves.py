"""Pictures of what lesson 04 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from course_lib.figures.bpe_curves import BARS
from course_lib.figures.curves import LOOKS, check_count, label
from course_lib.figures.style import COLOURS, contrast

LEAST_WRITTEN = 0.15
"""The smallest weight whose number is written in its cell."""

MOST_BARS = 16
"""Heads that one row of bars holds: with more of them the values over the bars run into each other."""


# ---------------------------------------------------------------- training


def question_losses(curves: Mapping[str, Sequence[float]], window: int = 10) -> Figure:
    """Training losses, averaged over ``window`` steps.

    Args:
        curves: the loss of every step in nats, by a name of the catalogue (``curves.<name>``): ``"one-head"``,
            ``"two-heads"``, ``"four-heads"``; at most four.
        window: steps of one average; a point stands at the last of its steps.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.8, 3.4))
    for number, (name, values) in enumerate(curves.items()):
        smooth = np.convolve(values, np.ones(window) / window, mode="valid")
        _line(ax, np.arange(len(smooth)) + window, smooth, name, number)
    ax.set(ylim=(0, None), xlabel=label("step"), ylabel=label("loss"))
    ax.legend(loc="best")
    return figure


def divergence(steps: Sequence[int], distances: Mapping[str, Sequence[float]]) -> Figure:
    """How far two heads of a model are from each other while it is trained.

    Args:
        steps: the training steps at which it was measured.
        distances: the largest difference between a number of one head's W_Q, W_K, W_V and the same number of another
            head's at each of them, by a name of the catalogue (``curves.<name>``): ``"all-alike"``,
            ``"alike-but-output"``, ``"all-different"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(distances))
    figure, ax = plt.subplots(figsize=(6.8, 3.9))
    for number, (name, values) in enumerate(distances.items()):
        _line(ax, steps, values, name, number)
    ax.set(ylim=(0, None), xlabel=label("step"), ylabel=label("heads-apart"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=1)
    return figure


def _line(ax: Axes, steps: Sequence[int], values: Sequence[float], name: str, number: int) -> None:
    """A curve with about ten markers, which stand elsewhere on each, so that curves that meet stay apart."""
    every = max(1, len(steps) // 10)
    markers = (number * every // len(LOOKS), every)
    # Half of a line at exactly 0 would lie below the axes and be cut off.
    ax.plot(steps, values, label=label(name), clip_on=False, zorder=3, markevery=markers, **LOOKS[number])


# ---------------------------------------------------------------- what heads do


def looks(sentences: Sequence[Sequence[str]], weights: Sequence[np.ndarray], nouns: Sequence[Sequence[int]]) -> Figure:
    """The weights of *it* in every head of every layer, for several sentences, as strips over the words.

    Args:
        sentences: the tokens of each sentence.
        weights: for each sentence an array (layers, heads, T), the rows of *it*.
        nouns: for each sentence the positions of the candidates, each marked by a frame.
    """
    rows = [array.shape[0] * array.shape[1] for array in weights]
    figure, panels = plt.subplots(
        len(sentences),
        1,
        figsize=(9.0, sum(0.28 * count + 0.55 for count in rows)),
        height_ratios=rows,
        squeeze=False,
    )
    colours = mpl.colormaps["cividis"]
    for ax, tokens, array, places in zip(panels[:, 0], sentences, weights, nouns, strict=True):
        layers, heads, length = array.shape
        grid = array.reshape(layers * heads, length)
        ax.imshow(grid, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        ax.grid(False)
        ax.set_xticks(range(length), tokens)
        names = [
            label("head-of-layer", layer=layer + 1, head=head + 1)
            for layer, head in product(range(layers), range(heads))
        ]
        ax.set_yticks(range(layers * heads), names)
        ax.tick_params(length=0)
        ax.set_ylabel(label("layer-and-head"))
        for border in range(heads, layers * heads, heads):
            ax.axhline(border - 0.5, color=COLOURS["ground"], linewidth=4)
        for place in places:
            frame = plt.Rectangle((place - 0.49, -0.49), 0.98, layers * heads - 0.02, fill=False, lw=2.4)
            frame.set(edgecolor=COLOURS["warning"], zorder=3, clip_on=False)
            ax.add_patch(frame)
        for y, x in np.ndindex(grid.shape):
            if grid[y, x] >= LEAST_WRITTEN:
                ground = to_hex(colours(float(grid[y, x])))
                ink = max(("#FFFFFF", "#000000"), key=lambda one, ground=ground: contrast(one, ground))
                ax.text(x, y, f"{grid[y, x]:.2f}", ha="center", va="center", fontsize=9, color=ink)
    return figure


def ablation(increase: np.ndarray) -> Figure:
    """What a model loses with each of its heads: bars, a group for each layer.

    Args:
        increase: (layers, heads), by how many nats the loss grows when that head is taken out.

    Raises:
        ValueError: for more layers than can be told apart, or more heads than fit.
    """
    layers, heads = increase.shape
    if layers > len(BARS) or layers * heads > MOST_BARS:
        raise ValueError(f"{layers} layers of {heads} heads, at most {len(BARS)} layers and {MOST_BARS} heads fit")
    figure, ax = plt.subplots(figsize=(min(9.0, max(5.6, 1.4 + 0.46 * layers * (heads + 1))), 3.4))
    ticks: list[float] = []
    for layer, (values, look) in enumerate(zip(increase, BARS, strict=False)):
        places = layer * (heads + 1) + np.arange(heads)
        ax.bar(places, values, 0.8, **look)
        for place, value in zip(places, values, strict=True):
            # Above the bar, also where that one hangs down; zero has no sign, whatever side it was rounded from.
            written = f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")
            top = (place, max(0.0, float(value)))
            ax.annotate(written, top, xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=9)
        ax.annotate(
            label("layer", layer=layer + 1),
            (places.mean(), 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -20),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=10,
        )
        ticks += list(places)
    ax.set_xticks(ticks, [str(head + 1) for _ in range(layers) for head in range(heads)])
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=COLOURS["neutral"], linewidth=0.8)
    ax.margins(x=0.02, y=0.12)
    ax.set_xlabel(label("head-number"), labelpad=20)
    ax.set_ylabel(label("loss-increase"))
    return figure


# ---------------------------------------------------------------- the size of a head, and its price


def winners(sizes: Sequence[int], counts: Sequence[int], keys: int) -> Figure:
    """How many keys can be the best one of some query, by the size of the vectors.

    Args:
        sizes: the values of d_k.
        counts: how many of the keys win against all others for at least one query, at each size.
        keys: how many keys there are; drawn as a level line.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.4))
    ax.axhline(keys, color=COLOURS["neutral"], linewidth=1, linestyle=(0, (1, 2)), label=label("all-keys", keys=keys))
    ax.plot(sizes, counts, label=label("winning-keys"), clip_on=False, **LOOKS[0])
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set(ylim=(0, 1.06 * keys), xlabel="$d_k$", ylabel=label("number-of-keys"))
    ax.legend(loc="lower right")
    return figure


def cache(names: Sequence[str], multi_head: Sequence[float], actual: Sequence[float]) -> Figure:
    """The cache of keys and values of known models, and the one they would need if no query heads shared keys.

    Args:
        names: the models.
        multi_head: gibibytes if every query head had keys and values of its own.
        actual: gibibytes that the model needs.
    """
    figure, ax = plt.subplots(figsize=(7.2, 1.3 + 0.66 * len(names)))
    places = np.arange(len(names))
    for key, values, shift, look in (
        ("cache-unshared", multi_head, -0.2, BARS[1]),
        ("cache-actual", actual, 0.2, BARS[0]),
    ):
        bars = ax.barh(places + shift, values, 0.36, label=label(key), **look)
        ax.bar_label(bars, [f"{value:.3g}" for value in values], padding=4, fontsize=9)
    smallest, largest = min(*actual, *multi_head), max(*actual, *multi_head)
    ax.set_xscale("log")
    ax.set_xlim(smallest / 4, 2 * largest)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.minorticks_off()
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(label("gibibytes"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=1)
    return figure
