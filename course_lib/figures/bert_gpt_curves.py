"""Pictures of what lesson 08 measures: they draw the arrays they are given and compute nothing but means and slopes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from course_lib.figures.curves import LOOKS, check_count, check_lengths, check_names, label
from course_lib.figures.style import COLOURS, tint

NO_BREAK = "\N{NO-BREAK SPACE}"

Seeds = Sequence[Sequence[float]]
"""One sequence of values per place on the axis: those of the seeds."""

WAYS = ("fine-tuned", "frozen [CLS]", "frozen mean", "from scratch")
"""How the sentiment is learned in :func:`few_labels` and :func:`pretraining_steps`; each has one look in both."""

RECIPES: dict[str, dict[str, Any]] = {
    "80/10/10": {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]},
    "100 % [MASK]": {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"], "hatch": "///"},
}
"""What becomes of the chosen words in :func:`corruption`, and how the bars are told apart."""

FATES = ("masked", "random word", "unchanged")
"""What stands in the place that is asked for in :func:`corruption`."""

BARS: tuple[dict[str, Any], ...] = (
    {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]},
    {"facecolor": tint("accent", 0.45), "edgecolor": COLOURS["accent"]},
    {"facecolor": tint("neutral", 0.08), "edgecolor": COLOURS["neutral"], "hatch": "///"},
    {"facecolor": COLOURS["ground"], "edgecolor": COLOURS["warning"], "hatch": "..."},
)
"""Bars of one group, told apart by lightness and hatching."""

_MARKS: dict[str, Any] = {"marker": "D", "markersize": 4.5, "markerfacecolor": COLOURS["ground"], "linestyle": "none"}


def _slug(name: str) -> str:
    """A name of the data as part of a catalogue's key: ``"frozen [CLS]"`` → ``"frozen-cls"``."""
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name).split()).lower()


def _per_cent(ax: Axes, axis: str = "y") -> None:
    """An axis of shares from 0 to 1; the sign stands apart from the number, as in the texts of both languages."""
    formatter = PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%")
    (ax.xaxis if axis == "x" else ax.yaxis).set_major_formatter(formatter)


def _whole(value: float, _: object = None) -> str:
    """A whole number; from five digits on in groups of three."""
    return f"{value:,.0f}".replace(",", NO_BREAK) if value >= 10_000 else f"{value:.0f}"


def _places(ax: Axes, values: Sequence[float]) -> None:
    """Ticks at the values themselves, without those that would stand too close to the one before."""
    transform = ax.xaxis.get_transform()
    at = transform.transform(np.asarray(values, dtype=float))
    least = 0.085 * (at[-1] - at[0])
    kept: list[float] = []
    for value, place in zip(values, at, strict=True):
        if not kept or place - transform.transform(np.array([kept[-1]]))[0] >= least:
            kept.append(value)
    ax.xaxis.set_major_locator(FixedLocator(kept))
    ax.xaxis.set_major_formatter(FuncFormatter(_whole))
    ax.xaxis.set_minor_locator(NullLocator())


def _legend(figure: Figure, ax: Axes, columns: int) -> None:
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=columns)


# ---------------------------------------------------------------- pre-training


def loss_and_entropy(steps: Sequence[int], losses: Sequence[float], floor: float) -> Figure:
    """The training loss against the step, with the entropy of the corpus.

    Args:
        steps: of the training, ascending.
        losses: at each, in nats per token.
        floor: the entropy of the corpus, in nats per token.

    Raises:
        ValueError: if there are not as many losses as steps.
    """
    check_lengths(len(steps), {"losses": losses})
    figure, ax = plt.subplots(figsize=(7.0, 3.7))
    every = max(1, len(steps) // 8)
    look = LOOKS[0] | {"markevery": (0, every), "linewidth": 1.6, "zorder": 3, "clip_on": False}
    ax.plot(steps, losses, label=label("training-loss"), **look)
    line = {"color": COLOURS["warning"], "linestyle": "--", "linewidth": 1.6, "zorder": 2}
    ax.axhline(floor, label=label("entropy-of-corpus", nats=f"{floor:.2f}"), **line)
    most, least = max(*losses, floor), min(*losses, floor)
    ax.set(xlim=(steps[0], steps[-1]), xlabel=label("step"), ylabel=label("nats-per-token"))
    ax.set_ylim(max(0.0, least - 0.12 * (most - least)), most + 0.05 * (most - least))
    _legend(figure, ax, 2)
    return figure


def scaling(sizes: Sequence[int], excess: Mapping[int, Sequence[float]]) -> Figure:
    """The loss above the entropy against the number of weights, both axes logarithmic.

    Args:
        sizes: the numbers of weights to draw, ascending.
        excess: by number of weights the values of the seeds, in nats per token.

    Raises:
        ValueError: for a size without values, or for a value of 0 or less, which has no place on the axis.
    """
    missing = [size for size in sizes if size not in excess]
    if missing or not sizes:
        raise ValueError(f"no values for the sizes {missing}")
    values = [list(excess[size]) for size in sizes]
    if min(min(seeds) for seeds in values) <= 0:
        raise ValueError("a loss that is not above the entropy has no place on a logarithmic axis")
    figure, ax = plt.subplots(figsize=(6.4, 3.9))
    means = [float(np.mean(seeds)) for seeds in values]
    ax.plot(sizes, means, label=label("mean-of-seeds"), linewidth=1.6, zorder=2, color=COLOURS["ink"])
    pairs = [(size, value) for size, seeds in zip(sizes, values, strict=True) for value in seeds]
    ax.plot(*zip(*pairs, strict=True), label=label("one-training"), color=COLOURS["warning"], zorder=3, **_MARKS)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.margins(x=0.06, y=0.1)
    _places(ax, sizes)
    _decades(ax)
    ax.grid(True, which="major")
    ax.set(xlabel=label("number-of-weights"), ylabel=label("loss-above-entropy"))
    _legend(figure, ax, 2)
    return figure


def _decades(ax: Axes) -> None:
    """A few labels on a logarithmic vertical axis, whose range may be less than a decade or many."""
    low, high = (float(end) for end in ax.get_ylim())
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    if high / low < 8:
        ticks = [float(tick) for tick in MaxNLocator(5).tick_values(low, high)]
    else:
        ticks = [step * 10.0**power for power in powers for step in ((1,) if high / low > 1000 else (1, 2, 5))]
    ax.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(low, high)


# ---------------------------------------------------------------- fine-tuning


def few_labels(counts: Sequence[int], rows: Mapping[str, Seeds]) -> Figure:
    """Accuracy of the sentiment against the number of labelled texts, the horizontal axis logarithmic.

    Args:
        counts: numbers of labels, ascending, from 1 up.
        rows: by how it is learned (:data:`WAYS`) the accuracies of the seeds at each, from 0 to 1.

    Raises:
        ValueError: for another name, or a row of another length than ``counts``.
    """
    figure, ax = _accuracies(counts, rows)
    ax.set_xscale("log")
    _spread(ax, counts, rows, lambda place, shift: place * 1.035**shift)
    ax.set_xlabel(label("number-of-labels"))
    return _finished(figure, ax, counts)


def pretraining_steps(steps: Sequence[int], rows: Mapping[str, Seeds]) -> Figure:
    """Accuracy of the sentiment with a fixed number of labels against the steps of pre-training.

    Args:
        steps: ascending; the first may be 0. The axis is logarithmic from the first positive one on, linear below it.
        rows: as for :func:`few_labels`.

    Raises:
        ValueError: as for :func:`few_labels`.
    """
    figure, ax = _accuracies(steps, rows)
    first = next(step for step in steps if step > 0)
    # From 0 to the first positive step as far as a doubling takes.
    ax.set_xscale("symlog", linthresh=first, linscale=0.3, base=10)
    transform = ax.xaxis.get_transform()
    low, high = transform.transform(np.array([steps[0], steps[-1]], dtype=float))
    shifted = transform.inverted()
    unit = 0.006 * (high - low)

    def beside(place: float, shift: float) -> float:
        return float(shifted.transform(transform.transform(np.array([place], dtype=float)) + unit * shift)[0])

    _spread(ax, steps, rows, beside)
    ax.set_xlabel(label("steps-of-pretraining"))
    return _finished(figure, ax, steps)


def _accuracies(places: Sequence[int], rows: Mapping[str, Seeds]) -> tuple[Figure, Axes]:
    """Empty axes of accuracies, once the names and the lengths are right."""
    check_names(rows, WAYS)
    check_lengths(len(places), rows)
    return plt.subplots(figsize=(7.0, 4.1))


def _spread(ax: Axes, places: Sequence[int], rows: Mapping[str, Seeds], beside: Any) -> None:
    """A curve of means with a small mark for each seed, the curves set a little apart."""
    for number, (name, values) in enumerate(rows.items()):
        look = LOOKS[WAYS.index(name)]
        at = [beside(place, number - (len(rows) - 1) / 2) for place in places]
        means = [float(np.mean(seeds)) for seeds in values]
        ax.plot(at, means, label=label(f"way-{_slug(name)}"), linewidth=1.6, markersize=6, zorder=3, **look)
        for place, seeds in zip(at, values, strict=True):
            if len(seeds) > 1:
                ax.plot(
                    [place] * len(seeds), seeds, linestyle="none", marker="_", markersize=8, color=look["color"], zorder=2
                )  # fmt: skip


def _finished(figure: Figure, ax: Axes, places: Sequence[int]) -> Figure:
    ax.axhline(0.5, color=COLOURS["neutral"], linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    ax.margins(x=0.04)
    low = min([0.5, *(float(np.min(line.get_ydata())) for line in ax.get_lines())])
    ax.set(ylim=(low - 0.06, 1.02), ylabel=label("accuracy"))
    ax.annotate(
        label("guessing"), (1, 0.5), xycoords=("axes fraction", "data"), xytext=(0, -4), textcoords="offset points",
        ha="right", va="top", fontsize=9,
    )  # fmt: skip
    _per_cent(ax)
    _places(ax, places)
    handles, names = ax.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def corruption(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """How often the original word is named, by what stands in its place, for two ways of spoiling the chosen words.

    Args:
        rows: by the way of spoiling (:data:`RECIPES`) and by what stands there (:data:`FATES`) the accuracies of the
            seeds, from 0 to 1.

    Raises:
        ValueError: for another name.
    """
    check_names(rows, RECIPES)
    figure, ax = plt.subplots(figsize=(7.0, 3.8))
    width = 0.8 / len(rows)
    for number, (recipe, fates) in enumerate(rows.items()):
        check_names(fates, FATES)
        look = RECIPES[recipe] | {"label": label(f"recipe-{_slug(recipe)}"), "linewidth": 0.8}
        used = [fate for fate in FATES if fate in fates]
        at = [FATES.index(fate) + (number - (len(rows) - 1) / 2) * width for fate in used]
        ax.bar(at, [float(np.mean(fates[fate])) for fate in used], 0.92 * width, **look)
        for place, fate in zip(at, used, strict=True):
            _seeds_and_mean(ax, place, fates[fate])
    ax.set_xticks(range(len(FATES)), [label(f"fate-{_slug(fate)}") for fate in FATES])
    ax.tick_params(axis="x", length=0)
    ax.set(ylim=(0, 1.12), yticks=np.linspace(0, 1, 6), xlabel=label("in-the-place"), ylabel=label("word-named"))
    _per_cent(ax)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=1.4)
    return figure


def _seeds_and_mean(ax: Axes, place: float, seeds: Sequence[float]) -> None:
    """The seeds as marks on an upright bar, and the mean as a number above them."""
    if len(seeds) > 1:
        ax.plot([place] * len(seeds), seeds, color=COLOURS["warning"], clip_on=False, zorder=4, **_MARKS)
    ax.annotate(
        f"{100 * float(np.mean(seeds)):.1f}{NO_BREAK}%", (place, max(seeds)), xytext=(0, 6),
        textcoords="offset points", ha="center", va="bottom", fontsize=9,
    )  # fmt: skip


# ---------------------------------------------------------------- writing


def fitting(rows: Mapping[str, float]) -> Figure:
    """The share of answers that fit, a bar for each way of answering.

    Args:
        rows: from 0 to 1, by the way's name, which is written as it is; from the top down.

    Raises:
        ValueError: for no row, or a share that is none.
    """
    if not rows or not all(0 <= share <= 1 for share in rows.values()):
        raise ValueError(f"shares from 0 to 1, not {dict(rows)}")
    figure, ax = plt.subplots(figsize=(7.2, 1.0 + 0.42 * len(rows)))
    places = np.arange(len(rows))
    ax.barh(places, list(rows.values()), 0.62, linewidth=0.8, **BARS[1])
    for place, share in zip(places, rows.values(), strict=True):
        text = f"{100 * share:.{0 if share in (0, 1) else 1}f}{NO_BREAK}%"
        ax.annotate(text, (share, place), xytext=(6, 0), textcoords="offset points", ha="left", va="center", fontsize=9)
    ax.set_yticks(places, list(rows))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    _per_cent(ax, "x")
    ax.set(xlim=(0, 1.12), xticks=np.linspace(0, 1, 6), xlabel=label("answers-that-fit"))
    return figure


def cache_cost(lengths: Sequence[int], with_cache: Sequence[float], without: Sequence[float]) -> Figure:
    """The multiply-adds of writing T tokens with a KV cache and without, both axes logarithmic.

    Args:
        lengths: T, ascending, at least two.
        with_cache: for each T the multiply-adds if keys and values are kept.
        without: the same if everything is computed anew for each token.

    Raises:
        ValueError: for rows of another length than ``lengths``, or for fewer than two lengths.
    """
    rows = {"without-cache": without, "with-cache": with_cache}
    check_lengths(len(lengths), rows)
    if len(lengths) < 2:
        raise ValueError("a slope takes at least two lengths")
    figure, ax = plt.subplots(figsize=(7.0, 4.0))
    for number, (name, values) in enumerate(rows.items()):
        look = LOOKS[1 - number] | {"markevery": max(1, len(lengths) // 8), "linewidth": 1.6}
        ax.plot(lengths, values, label=label(name), **look)
        slope = math.log(values[-1] / values[-2]) / math.log(lengths[-1] / lengths[-2])
        ax.annotate(
            label("slope", slope=f"{slope:.1f}"), (lengths[-1], values[-1]), xytext=(8, 0), textcoords="offset points",
            ha="left", va="center", fontsize=9, annotation_clip=False,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(lengths[0] / 1.1, lengths[-1] * (lengths[-1] / lengths[0]) ** 0.2)
    _places(ax, lengths)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(True, which="major")
    ax.set(xlabel=label("tokens-written"), ylabel=label("multiply-adds"))
    _legend(figure, ax, 2)
    return figure


def temperature_curves(words: Sequence[str], rows: Mapping[float, Sequence[float]]) -> Figure:
    """The distribution of the next token at several temperatures, as grouped bars.

    Args:
        words: n tokens.
        rows: by temperature (n,) probabilities; at most four.

    Raises:
        ValueError: for more temperatures than can be told apart, or a row of another length than ``words``.
    """
    check_count(len(rows), len(BARS))
    check_lengths(len(words), {f"{temperature}": row for temperature, row in rows.items()})
    figure, ax = plt.subplots(figsize=(min(9.2, 2.2 + 0.9 * len(words)), 3.6))
    width = 0.84 / len(rows)
    for number, (temperature, values) in enumerate(rows.items()):
        at = np.arange(len(words)) + (number - (len(rows) - 1) / 2) * width
        name = label("temperature", value=f"{temperature:g}")
        ax.bar(at, values, width, label=name, linewidth=0.8, **BARS[number])
    ax.set_xticks(range(len(words)), list(words))
    if max(len(word) for word in words) * len(words) > 64:
        ax.tick_params(axis="x", labelrotation=90)
    ax.tick_params(axis="x", length=0)
    top = max(max(row) for row in rows.values())
    ax.set(ylim=(0, min(1.0, 1.08 * top)), xlabel=label("next-token"), ylabel=label("probability"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(rows), handlelength=1.4)
    return figure
