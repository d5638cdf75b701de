"""Pictures of what lesson 02 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from course_lib.figures.curves import LOOKS, check_count, label
from course_lib.figures.style import COLOURS

MOST_TICKS = 9
"""Sizes of the vocabulary that are written at the axis one by one; of more of them, the powers of ten."""

BARS: tuple[dict[str, Any], ...] = tuple(
    {"color": COLOURS[colour], "hatch": hatch, "edgecolor": "white", "linewidth": 0}
    for colour, hatch in (("input", ""), ("accent", "////"), ("warning", "...."), ("ink", "xxxx"))
)
"""The looks of bars that stand side by side: colour and hatch, so that none needs its colour."""

Points = Sequence[float] | Mapping[str, Sequence[float]]
"""Where the points of curves stand: all at the same places, of which a shorter curve has the first ones; or by curve."""


def _plot(ax: Axes, points: Points, curves: Mapping[str, Sequence[float]], **style: object) -> None:
    """A line for each curve, named by the catalogue."""
    check_count(len(curves))
    for (name, values), look in zip(curves.items(), LOOKS, strict=False):
        places = points[name] if isinstance(points, Mapping) else points[: len(values)]
        ax.plot(places, values, label=label(name), **(look | style))


def _vocabulary_axis(ax: Axes, points: Points) -> None:
    sizes = sorted({int(size) for part in points.values() for size in part} if isinstance(points, Mapping) else points)
    ax.set(xscale="log", xlabel=label("vocabulary-size"))
    if len(sizes) <= MOST_TICKS:
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()


def _share_axis(ax: Axes) -> None:
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


# ---------------------------------------------------------------- words


def heaps(words_read: Points, vocabulary_sizes: Mapping[str, Sequence[int]]) -> Figure:
    """How many distinct words a text has, by how much of it was read; both axes logarithmic.

    Args:
        words_read: running words read so far, at each point; a text that ends earlier has the first of these points. Or
            the points of each text by its name.
        vocabulary_sizes: distinct words at each point, by a name of the catalogue (``curves.<name>``), such as
            ``"english"`` and ``"russian"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.8))
    _plot(ax, words_read, vocabulary_sizes)
    ax.set(xscale="log", yscale="log", xlabel=label("words-read"), ylabel=label("distinct-words"))
    ax.legend(loc="upper left")
    return figure


# ---------------------------------------------------------------- the size of the vocabulary


def tokens_per_word(vocab_sizes: Points, values: Mapping[str, Sequence[float]]) -> Figure:
    """Tokens per word against the size of the vocabulary, which is on a logarithmic axis.

    Args:
        vocab_sizes: the values of n_vocab; of a shorter curve the first ones, or by curve.
        values: tokens per word at each size, by a name of the catalogue (``curves.<name>``); at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    _plot(ax, vocab_sizes, values)
    _vocabulary_axis(ax, vocab_sizes)
    ax.axhline(1, color=COLOURS["neutral"], linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
    ax.set(ylim=(0, None), ylabel=label("tokens-per-word"))
    ax.legend(loc="upper right")
    return figure


def rare_share(
    vocab_sizes: Mapping[str, Sequence[int]],
    of_vocabulary: Mapping[str, Sequence[float]],
    of_text: Mapping[str, Sequence[float]],
    limit: int = 10,
) -> Figure:
    """The rare tokens: their share of the vocabulary and their share of the running text, by the vocabulary's size.

    A panel for each text, all with the same axes.

    Args:
        vocab_sizes: the values of n_vocab, by the text's name in the catalogue (``curves.<name>``); at most three texts.
        of_vocabulary: share of the vocabulary's tokens that occur fewer than ``limit`` times, from 0 to 1.
        of_text: share of the text's tokens that are such, from 0 to 1.

    Raises:
        ValueError: for more panels than fit.
    """
    if len(vocab_sizes) > 3:
        raise ValueError(f"{len(vocab_sizes)} panels, at most 3 fit")
    figure, panels = plt.subplots(
        1,
        len(vocab_sizes),
        figsize=(7.6 if len(vocab_sizes) > 1 else 5.4, 3.6),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, (text, sizes) in zip(panels[0], vocab_sizes.items(), strict=True):
        shares = {"share-of-vocabulary": of_vocabulary[text], "share-of-text": of_text[text]}
        _plot(ax, sizes, shares)
        _vocabulary_axis(ax, vocab_sizes)
        ax.tick_params(axis="x", rotation=45)
        ax.set_title(label(text), fontsize=10)
    panels[0][0].set(ylim=(0, None), ylabel=label("rare-tokens", limit=limit))
    _share_axis(panels[0][0])
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def last_merges(ranks: Sequence[int], counts: Sequence[int]) -> Figure:
    """How often a merged pair stood side by side, by the number of its merge; both axes logarithmic.

    Args:
        ranks: numbers of merges, the first is 1.
        counts: the count of each pair at the moment when it was merged.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    look = LOOKS[0] | {"marker": ""}
    ax.plot(ranks, counts, **look)
    ax.plot(ranks[-1:], counts[-1:], **(look | {"marker": "s", "linestyle": "none"}))
    place, style = (ranks[-1], counts[-1]), {"ha": "left", "va": "center", "fontsize": 9}
    ax.annotate(str(counts[-1]), place, xytext=(6, 0), textcoords="offset points", **style)
    ax.margins(x=0.08)
    ax.set(xscale="log", yscale="log", xlabel=label("merge-number"), ylabel=label("merge-count"))
    return figure


def token_lengths(
    lengths: Sequence[int], counts: Mapping[str, Sequence[float]], unit: str = "characters", shares: bool = False
) -> Figure:
    """How many tokens of a vocabulary have each length: bars, those of several vocabularies side by side.

    Args:
        lengths: the lengths, one group of bars each.
        counts: how many tokens have each length, by a name of the catalogue (``curves.<name>``); at most four.
        unit: ``"characters"`` or ``"bytes"``, in which a length is measured.
        shares: whether the counts are shares from 0 to 1, so that vocabularies of different sizes can be compared.

    Raises:
        ValueError: for more vocabularies than can be told apart, or another unit.
    """
    check_count(len(counts), len(BARS))
    if unit not in ("characters", "bytes"):
        raise ValueError(f"a length is measured in characters or bytes, not in {unit!r}")
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    places, width = np.arange(len(lengths)), 0.8 / len(counts)
    for i, ((name, values), look) in enumerate(zip(counts.items(), BARS, strict=False)):
        shift = (i - (len(counts) - 1) / 2) * width
        ax.bar(places + shift, values, width, label=label(name), **look)
    ax.set_xticks(places, [str(length) for length in lengths])
    ax.tick_params(axis="x", length=0)
    ax.set(xlabel=label(f"length-in-{unit}"), ylabel=label("share-of-vocabulary" if shares else "number-of-tokens"))
    if shares:
        _share_axis(ax)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=len(counts))
    return figure


# ---------------------------------------------------------------- what a model gets


def bits_per_character(contexts: Points, bits: Mapping[str, Sequence[float]]) -> Figure:
    """Bits per character of a predictor against the length of its context, one curve per scheme.

    Args:
        contexts: the lengths of the context in characters at which it was measured, the same ones for all schemes or by
            scheme.
        bits: bits per character at each of them, by a name of the catalogue (``curves.<name>``), such as ``"letters"``,
            ``"tokens"`` and ``"words"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    figure, ax = plt.subplots(figsize=(6.8, 3.6))
    _plot(ax, contexts, bits)
    ax.set(xlim=(0, None), xlabel=label("context-in-characters"), ylabel=label("bits-per-character"))
    ax.legend(loc="best")
    return figure


def length_probe(true: Sequence[float], predicted: Mapping[str, Sequence[float]], baseline: float) -> Figure:
    """What a probe reads of a word's length from its vector, against the true length; a panel for each kind of vector.

    Args:
        true: true lengths in letters, one per word.
        predicted: the predicted ones, by a name of the catalogue (``curves.<name>``) for the vectors that the probe reads,
            such as ``"trained"`` and ``"random"``; at most three.
        baseline: the mean length, which a probe that reads nothing would answer; it is drawn as a level line.

    Raises:
        ValueError: for more panels than fit.
    """
    if len(predicted) > 3:
        raise ValueError(f"{len(predicted)} panels, at most 3 fit")
    width = {1: 4.6, 2: 7.2, 3: 7.6}[len(predicted)]
    figure, panels = plt.subplots(1, len(predicted), figsize=(width, 3.9), sharex=True, sharey=True, squeeze=False)
    ends = [min(true), max(true)]
    for ax, (name, lengths) in zip(panels[0], predicted.items(), strict=True):
        ax.plot(true, lengths, linestyle="none", marker="o", markersize=4, markeredgewidth=0, color=COLOURS["accent"],
                alpha=0.3, label=label("one-word"), zorder=1)  # fmt: skip
        ax.plot(ends, ends, linestyle="-", linewidth=1.4, color=COLOURS["ink"], label=label("exact"), zorder=2)
        style = {"linestyle": "--", "linewidth": 1.4, "color": COLOURS["warning"], "label": label("mean-length")}
        ax.plot(ends, [baseline, baseline], marker="", zorder=2, **style)
        ax.set_title(label(name), fontsize=10)
        ax.set_xlabel(label("true-length"))
    panels[0][0].set_ylabel(label("predicted-length"))
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
