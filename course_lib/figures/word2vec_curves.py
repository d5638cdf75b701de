"""Pictures of what lesson 01 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from course_lib.figures.curves import LOOKS, label
from course_lib.figures.labels import Place, Rect, fit, place_labels, text_size, tie
from course_lib.figures.style import COLOURS, CSS_DPI, contrast, tint

MOST_WORDS = 60
"""Words that a map holds; with more of them their labels hide each other."""


TYPE = 9.0
"""Size of the words inside a picture, in points."""


# ---------------------------------------------------------------- curves


def cost(sizes: Sequence[int], full: Sequence[float], tree: Sequence[float], negative: Sequence[float]) -> Figure:
    """Multiply-adds of one training pair against the size of the vocabulary, both axes logarithmic.

    Args:
        sizes: the values of n_vocab.
        full, tree, negative: multiply-adds at each size with the full softmax, with the hierarchical softmax, with
            negative sampling.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.8))
    names = ("full-softmax", "hierarchical-softmax", "negative-sampling")
    for name, values, look in zip(names, (full, tree, negative), LOOKS, strict=False):
        ax.plot(sizes, values, label=label(name), **look)
    ax.set(xscale="log", yscale="log", xlabel=label("vocabulary-size"), ylabel=label("multiply-adds"))
    ax.legend(loc="upper left")
    return figure


def noise(
    words: Sequence[str],
    unigram: Sequence[float],
    smoothed: Sequence[float],
    uniform: Sequence[float],
    marked: Sequence[int] = (),
) -> Figure:
    """The probability of being drawn as noise by a word's rank, for the exponents 1, ¾ and 0; both axes logarithmic.

    Args:
        words: the vocabulary, the most frequent word first.
        unigram, smoothed, uniform: the probability of each word under each exponent.
        marked: the places (from 0) of words to be named in the picture.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.8))
    ranks = np.arange(len(words)) + 1
    for name, values, look in zip(
        ("unigram", "smoothed", "uniform"), (unigram, smoothed, uniform), LOOKS, strict=False
    ):
        ax.plot(ranks, values, label=label(name), **(look | {"marker": ""}))
    for place in marked:
        ax.axvline(place + 1, color=COLOURS["neutral"], linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
        ax.annotate(
            words[place],
            (place + 1, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            color=COLOURS["neutral"],
            fontsize=TYPE,
        )
    ax.set(xscale="log", yscale="log", xlabel=label("rank"), ylabel=label("noise-probability"))
    ax.legend(loc="lower left", frameon=True, edgecolor="none", framealpha=1.0)
    return figure


def by_frequency(
    buckets: Sequence[str],
    skip_gram: Sequence[float],
    cbow: Sequence[float],
    spread: Mapping[str, Sequence[tuple[float, float]]],
) -> Figure:
    """Accuracy of the two models in each bucket of word frequency, with the least and the most of all seeds.

    Args:
        buckets: what each bucket holds, such as ``"5–9"`` occurrences, rare words first.
        skip_gram, cbow: the accuracy in each bucket, as a share from 0 to 1.
        spread: for ``"skip-gram"`` and ``"cbow"`` the least and the greatest accuracy in each bucket.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    places = np.arange(len(buckets))
    for name, values, look, shift in zip(("skip-gram", "cbow"), (skip_gram, cbow), LOOKS, (-0.08, 0.08), strict=False):
        low, high = np.array(spread[name], dtype=float).T
        whiskers = np.abs([np.subtract(values, low), np.subtract(high, values)])
        ax.errorbar(
            places + shift, values, yerr=whiskers, label=label(name), capsize=4, elinewidth=1.4, **(look | {"lw": 1.4})
        )
    ax.set_xticks(places, list(buckets))
    ax.set(ylim=(0, None), xlabel=label("occurrences"), ylabel=label("accuracy"))
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    ax.legend(loc="best")
    return figure


def losses(curves: Mapping[str, Sequence[float]], every: int = 1) -> Figure:
    """Training losses.

    Args:
        curves: the recorded losses by the catalogue's name of the model (``curves.<name>``), at most four.
        every: how many steps lie between two records, of which the first is made before the first step.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.4))
    for (name, values), look in zip(curves.items(), _looks(curves), strict=True):
        ax.plot(every * np.arange(len(values)), values, label=label(name), **(look | {"marker": ""}))
    ax.set(ylim=(0, None), xlabel=label("step"), ylabel=label("loss"))
    ax.legend(loc="best")
    return figure


def lost_share(sizes: Sequence[int], shares_by_language: Mapping[str, Sequence[float]]) -> Figure:
    """The share of running text that falls outside the vocabulary against the vocabulary's size.

    Args:
        sizes: the values of n_vocab.
        shares_by_language: the share lost at each size, from 0 to 1, by a name of the catalogue (``curves.<name>``),
            such as ``"english"`` and ``"russian"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    for (name, shares), look in zip(shares_by_language.items(), _looks(shares_by_language), strict=True):
        ax.plot(sizes, shares, label=label(name), **look)
    ax.set(xscale="log", ylim=(0, None), xlabel=label("vocabulary-size"), ylabel=label("lost"))
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    ax.legend(loc="best")
    return figure


def _looks(curves: Mapping[str, object]) -> tuple[dict[str, Any], ...]:
    if len(curves) > len(LOOKS):
        raise ValueError(f"{len(curves)} curves, at most {len(LOOKS)} can be told apart")
    return LOOKS[: len(curves)]


def similarity_matrix(words: Sequence[str], matrix: np.ndarray) -> Figure:
    """Cosines between words as a heat map with its numbers; white is 0, slate positive, red negative.

    Args:
        words: n words, a dozen at most.
        matrix: array (n, n) of cosines.
    """
    n, cell, gap = len(words), 62, 8
    sizes = [text_size(word, TYPE) for word in words]
    longest, line = max(w for w, _ in sizes), sizes[0][1]
    # Words too long to stand side by side lean over their columns; the last of them leans out of the matrix.
    lean = math.radians(40) if longest > cell else 0.0
    left, right = longest + 2 * gap, gap + (math.cos(lean) * sizes[-1][0] - cell / 2 if lean else 0)
    top, width = line + math.sin(lean) * longest + 2 * gap, left + n * cell + max(right, gap)
    height = top + n * cell + gap
    figure = plt.figure(figsize=(width / CSS_DPI, height / CSS_DPI), layout="none")
    ax = figure.add_axes((left / width, gap / height, n * cell / width, n * cell / height))
    colours = LinearSegmentedColormap.from_list("cosine", [tint("warning", 0.85), "#FFFFFF", tint("input", 0.85)])
    ax.imshow(matrix, cmap=colours, vmin=-1, vmax=1)
    ax.xaxis.tick_top()
    rotation = {"rotation": math.degrees(lean), "ha": "left", "rotation_mode": "anchor"} if lean else {}
    ax.set_xticks(range(n), words, fontsize=TYPE, **rotation)
    ax.set_yticks(range(n), words, fontsize=TYPE)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for i, j in np.ndindex(n, n):
        value = float(matrix[i][j])
        fill = to_hex(colours((value + 1) / 2))
        ink = max(("ink", "ground"), key=lambda name: contrast(COLOURS[name], fill))
        text = f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # no −0.00
        ax.text(j, i, text, ha="center", va="center", fontsize=TYPE, color=COLOURS[ink])
    return figure


# ---------------------------------------------------------------- a map of words

GROUPS = tuple(zip("osD^vPX*", ("ink", "warning", "accent", "input", "neutral") * 2, strict=False))
"""Marker and colour of each group: both, so that no group needs its colour."""

WIDTH, HEIGHT = 760, 560  # of the map, in CSS pixels
MAP: Rect = (10.0, 10.0, 750.0, 520.0)  # its frame: left, lower, right and upper border, y upwards
MARKER = 5.0  # half of a marker, in CSS pixels


def word_map(
    points: np.ndarray, words: Sequence[str], groups: Sequence[str], pairs: Sequence[tuple[str, str]] = ()
) -> Figure:
    """Word vectors in a plane, each with its word, grouped by marker and colour.

    Both axes have one scale, since distances and directions are what the picture is about. The words' labels neither
    overlap nor cover a point; one that does not fit beside its point is set apart and tied to it by a line.

    Args:
        points: array (n, 2), the vectors' places.
        words: n different words, at most :data:`MOST_WORDS`.
        groups: the group of each word, a name of the catalogue (``curves.group.<name>``); at most eight groups.
        pairs: words to be joined by an arrow, such as a country and its capital.

    Raises:
        ValueError: if there are too many words or groups, if a word stands twice, or if the labels do not fit.
    """
    names = list(dict.fromkeys(groups))
    if len(words) > MOST_WORDS:
        raise ValueError(f"{len(words)} words, at most {MOST_WORDS} can be labelled")
    if len(set(words)) < len(words):
        raise ValueError("a word stands twice")
    if len(names) > len(GROUPS):
        raise ValueError(f"{len(names)} groups, at most {len(GROUPS)} can be told apart")
    figure = plt.figure(figsize=(WIDTH / CSS_DPI, HEIGHT / CSS_DPI), layout="none")
    left, low, right, high = MAP
    ax = figure.add_axes((left / WIDTH, low / HEIGHT, (right - left) / WIDTH, (high - low) / HEIGHT))
    ax.set(xlim=(left, right), ylim=(low, high), xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="#C9CDD2")
    places, *_ = fit(np.asarray(points, dtype=float), MAP, across=70, up=26)
    at = dict(zip(words, places, strict=True))
    for name, (marker, colour) in zip(names, GROUPS, strict=False):
        members = [place for place, group in zip(places, groups, strict=True) if group == name]
        style = {"linestyle": "none", "marker": marker, "color": COLOURS[colour], "markersize": 6.5}
        ax.plot(*zip(*members, strict=True), label=label(f"group.{name}"), zorder=3, **style)
    for start, end in pairs:
        arrow = {"arrowstyle": "-|>", "color": COLOURS["neutral"], "lw": 1, "shrinkA": 5, "shrinkB": 5}
        ax.annotate("", xy=at[end], xytext=at[start], arrowprops=arrow, zorder=1)
    arrows = [(at[start], at[end]) for start, end in pairs]
    sizes, inside = [text_size(word, TYPE) for word in words], (left + 4, low + 4, right - 4, high - 4)
    rects = place_labels(places, sizes, inside, MARKER, arrows)
    for word, group, place, rect in zip(words, groups, places, rects, strict=True):
        if rect is None:
            raise ValueError(f"no room for the label of {word!r}: show fewer words")
        _write(ax, word, COLOURS[GROUPS[names.index(group)][1]], place, rect)
    figure.legend(*ax.get_legend_handles_labels(), loc="upper left", ncols=min(len(names), 6), handlelength=1.2,
                  columnspacing=1.4, borderaxespad=0.3)  # fmt: skip
    return figure


def _write(ax: Axes, word: str, colour: str, place: Place, rect: Rect) -> None:
    """Set a label into its rectangle, with a line to its point if it stands apart."""
    middle = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    ax.text(*middle, word, ha="center", va="center_baseline", fontsize=TYPE, color=colour, zorder=4)
    line = tie(place, rect)
    if line is not None:
        ax.plot(*zip(*line, strict=True), color="#B5BAC1", linewidth=0.8, linestyle="-", marker="", zorder=2)
