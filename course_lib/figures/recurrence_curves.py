"""Pictures of what lesson 00 measures: they draw the arrays they are given and compute nothing but means over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator, PercentFormatter

from course_lib.figures.curves import LOOKS, check_lengths, check_names, label
from course_lib.figures.style import COLOURS, tint

NO_BREAK = "\N{NO-BREAK SPACE}"

NETWORKS: dict[str, dict[str, Any]] = {
    "attention": LOOKS[0],
    "LSTM": LOOKS[1],
    "RNN": LOOKS[2],
    "LSTM, b_f = 3": LOOKS[3],
    "LSTM, trained": LOOKS[3],
    "block": LOOKS[3],
    "scores and sum": {"color": COLOURS["neutral"], "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5)), "marker": "v"},
}
"""What is compared in this lesson; each has one look in all its pictures."""

ERRORS: dict[str, tuple[str, ...]] = {"digits": ("block", "CNN", "linear"), "series": ("block", "LSTM", "linear")}
"""The tasks of :func:`block_margins` and whose errors each may show."""

_MARKS: dict[str, Any] = {"marker": "D", "markersize": 4.5, "markerfacecolor": COLOURS["ground"], "linestyle": "none"}
_CIRCLE: dict[str, Any] = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgewidth": 1.6}


def _slug(name: str) -> str:
    """A name of the data as part of a catalogue's key: ``"LSTM, b_f = 3"`` → ``"lstm-b-f-3"``."""
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name).split()).lower()


def _whole(value: float, _: object = None) -> str:
    """A whole number; from five digits on in groups of three."""
    return f"{value:,.0f}".replace(",", NO_BREAK) if value >= 10_000 else f"{value:.0f}"


def _per_cent(ax: Axes) -> None:
    """A vertical axis of shares from 0 to 1; the sign stands apart from the number, as in the texts of both languages."""
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%"))


def _legend(figure: Figure, ax: Axes, columns: int) -> None:
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=columns)


def _log_axes(ax: Axes, lengths: Sequence[int]) -> None:
    """Both axes logarithmic, the horizontal one with powers of 2 alone, so few that they stand apart."""
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    first, last = math.ceil(math.log2(lengths[0])), math.floor(math.log2(lengths[-1]))
    powers = range(first, last + 1, max(1, round((last - first) / 7)))
    ax.xaxis.set_major_locator(FixedLocator([2.0**power for power in powers]))
    ax.xaxis.set_major_formatter(FuncFormatter(_whole))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(True, which="major")


# ---------------------------------------------------------------- recall


def recall_pairs(rows: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """The share of right answers against the number of pairs to be kept, the horizontal axis logarithmic.

    Args:
        rows: by network (:data:`NETWORKS`) and number of pairs the shares of the seeds, from 0 to 1.

    Raises:
        ValueError: for another name.
    """
    figure, ax = _recall(rows)
    ax.set_xlabel(label("pairs-to-keep"))
    return figure


def recall_distance(rows: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """The share of right answers against the number of tokens between the pair and the question.

    The places stand at equal distances whatever their numbers, since 0 is among them.

    Args:
        rows: by network (:data:`NETWORKS`) and number of tokens in between the shares of the seeds, from 0 to 1. A network
            may lack some places.

    Raises:
        ValueError: for another name.
    """
    figure, ax = _recall(rows)
    ax.set_xlabel(label("tokens-in-between"))
    return figure


def _recall(rows: Mapping[str, Mapping[int, Sequence[float]]]) -> tuple[Figure, Axes]:
    """Curves of means with a small mark for each seed, the curves set a little apart, over the line of guessing."""
    check_names(rows, NETWORKS)
    figure, ax = plt.subplots(figsize=(6.8, 3.8))
    places = sorted({place for values in rows.values() for place in values})
    for number, (name, values) in enumerate(rows.items()):
        at = [places.index(place) + 0.08 * (number - (len(rows) - 1) / 2) for place in sorted(values)]
        seeds = [values[place] for place in sorted(values)]
        look = NETWORKS[name] | {"linewidth": 1.6, "markersize": 6, "zorder": 3, "clip_on": False}
        ax.plot(at, [float(np.mean(one)) for one in seeds], label=label(f"network-{_slug(name)}"), **look)
        for place, one in zip(at, seeds, strict=True):
            if len(one) > 1:
                mark = {"linestyle": "none", "marker": "_", "markersize": 9, "clip_on": False, "zorder": 2}
                ax.plot([place] * len(one), one, color=look["color"], **mark)
    ax.axhline(1 / 8, color=COLOURS["neutral"], linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    ax.annotate(
        label("one-of-eight"), (0, 1 / 8), xycoords=("axes fraction", "data"), xytext=(4, -4),
        textcoords="offset points", ha="left", va="top", fontsize=9,
    )  # fmt: skip
    ax.set_xticks(range(len(places)), [_whole(place) for place in places])
    ax.set(xlim=(-0.3, len(places) - 0.7), ylim=(0, 1.02), yticks=np.linspace(0, 1, 6), ylabel=label("accuracy"))
    _per_cent(ax)
    _legend(figure, ax, len(rows))
    return figure, ax


# ---------------------------------------------------------------- gradients


def gradient_distance(rows: Mapping[str, Sequence[float]]) -> Figure:
    """The norm of the gradient of the last output with respect to an input, against how far back the input lies.

    Args:
        rows: by network (:data:`NETWORKS`) the norms, the first for the last input, distance 0. The vertical axis is
            logarithmic; a norm of 0 is left out.

    Raises:
        ValueError: for another name, or a row without a positive number.
    """
    check_names(rows, NETWORKS)
    figure, ax = plt.subplots(figsize=(6.8, 3.8))
    for number, (name, norms) in enumerate(rows.items()):
        values = np.asarray(norms, dtype=float)
        if not (values > 0).any():
            raise ValueError(f"{name!r} has no positive norm")
        every = max(1, len(values) // 8)
        look = NETWORKS[name] | {"linewidth": 1.6, "markevery": (number * every // len(rows), every)}
        ax.plot(np.where(values > 0, values, np.nan), label=label(f"network-{_slug(name)}"), **look)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(True, axis="y", which="major")
    ax.margins(x=0.02)
    ax.set(xlabel=label("tokens-back"), ylabel=label("gradient-of-last-output"))
    _legend(figure, ax, len(rows))
    return figure


# ---------------------------------------------------------------- costs


def chain_lengths(lengths: Sequence[int], rows: Mapping[str, Sequence[float]]) -> Figure:
    """The longest chain of operations that wait for one another, against the number of tokens; both axes logarithmic.

    Args:
        lengths: T, ascending.
        rows: by network (:data:`NETWORKS`) the length of the chain for each T.

    Raises:
        ValueError: for another name, or a row of another length than ``lengths``.
    """
    figure, ax = _against_length(lengths, rows, "network")
    ax.set_ylabel(label("longest-chain"))
    _legend(figure, ax, len(rows))
    return figure


def cost_crossings(
    width: int,
    lengths: Sequence[int],
    rows: Mapping[str, Sequence[float]],
    crossings: Mapping[tuple[str, str], float],
) -> Figure:
    """Multiply-adds of one layer per token against the number of tokens, both axes logarithmic, and where curves cross.

    Args:
        width: D.
        lengths: T, ascending.
        rows: for each T the multiply-adds for all tokens together of ``"scores and sum"`` 2T²D, ``"attention"`` with its
            projections, ``"block"``, ``"LSTM"``, ``"RNN"``. They are drawn divided by T.
        crossings: by two names of ``rows`` the T from which on the first costs more.

    Raises:
        ValueError: for another name, a row of another length than ``lengths``, or two curves that do not cross there.
    """
    check_lengths(len(lengths), rows)
    per_token = {name: np.asarray(costs) / lengths for name, costs in rows.items()}
    figure, ax = _against_length(lengths, per_token, "cost")
    marks = []
    for (one, other), at in crossings.items():
        check_names((one, other), rows)
        # Straight between the logarithms: for a sum of two powers of T close enough to tell whether curves meet.
        heights = [math.exp(np.interp(math.log(at), np.log(lengths), np.log(per_token[name]))) for name in (one, other)]
        if not lengths[0] <= at <= lengths[-1] or not 0.8 < heights[0] / heights[1] < 1.25:
            raise ValueError(f"{one!r} and {other!r} do not cross at T = {at}")
        marks.append((at, math.sqrt(heights[0] * heights[1])))
    # Below and to the right of every crossing there is room: the further to the left it lies, the lower its words.
    marks.sort()
    low, high = (math.log(end) for end in ax.get_ylim())
    room = 0.08 * (len(marks) + 1)
    if marks:
        least = math.log(min(min(values[np.asarray(lengths) >= marks[0][0]]) for values in per_token.values()))
        low = min(low, (least - room * high) / (1 - room))
    ax.set_ylim(math.exp(low), math.exp(high))
    for number, (at, height) in enumerate(marks):
        floor = math.exp(low + 0.08 * (number + 0.6) * (high - low))
        ax.plot([at, at], [height, floor], color=COLOURS["ink"], linewidth=1.0, linestyle=(0, (1, 1.5)), zorder=1)
        ax.plot([at], [height], color=COLOURS["ink"], zorder=4, **_CIRCLE)
        times = "" if at == width else f"{at / width:.3g}"
        ax.annotate(
            label("crossing", tokens=_whole(at), times=times), (at, floor), xytext=(4, 0), textcoords="offset points",
            ha="left", va="center", fontsize=9,
        )  # fmt: skip
    ax.set_ylabel(label("multiply-adds-per-token"))
    _legend(figure, ax, 2)
    return figure


def _against_length(lengths: Sequence[int], rows: Mapping[str, Sequence[float]], kind: str) -> tuple[Figure, Axes]:
    check_names(rows, NETWORKS)
    check_lengths(len(lengths), rows)
    figure, ax = plt.subplots(figsize=(7.0, 4.2))
    every = max(1, len(lengths) // 8)
    for number, (name, values) in enumerate(rows.items()):
        look = NETWORKS[name] | {"linewidth": 1.6, "markevery": (number * every // len(rows), every)}
        ax.plot(lengths, values, label=label(f"{kind}-{_slug(name)}"), **look)
    _log_axes(ax, lengths)
    ax.margins(x=0.03)
    ax.set_xlabel(label("length-in-tokens"))
    return figure, ax


def matmul_share(widths: Sequence[int], share: Sequence[float]) -> Figure:
    """The share of matrix products among all floating-point operations of a block, against the size of the vectors.

    Args:
        widths: D, ascending.
        share: for each from 0 to 1.

    Raises:
        ValueError: if there are not as many shares as widths, or one is none.
    """
    check_lengths(len(widths), {"share": share})
    if not all(0 <= one <= 1 for one in share):
        raise ValueError(f"shares from 0 to 1, not {list(share)}")
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    products = {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"], "linewidth": 0.0}
    rest = {"facecolor": COLOURS["ground"], "edgecolor": COLOURS["neutral"], "hatch": "///", "linewidth": 0.0}
    ax.fill_between(widths, 0, share, label=label("matrix-products"), **products)
    ax.fill_between(widths, share, 1, label=label("all-the-rest"), **rest)
    ax.plot(widths, share, clip_on=False, zorder=3, **LOOKS[0])
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(list(widths)))
    ax.xaxis.set_major_formatter(FuncFormatter(_whole))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlim=(widths[0], widths[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6))
    ax.set(xlabel=label("size-of-vectors"), ylabel=label("share-of-operations"))
    _per_cent(ax)
    _legend(figure, ax, 2)
    return figure


# ---------------------------------------------------------------- one block, other data


def block_margins(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """The errors of one and the same block and of networks made for the task, a panel for each task.

    Args:
        rows: by task and model (:data:`ERRORS`) the errors of the seeds: the share of wrong digits, from 0 to 1; the root of
            the mean squared error of the series, in its standard deviations.

    Raises:
        ValueError: for another name.
    """
    check_names(rows, ERRORS)
    figure, axes = plt.subplots(1, len(rows), figsize=(1.0 + 3.2 * len(rows), 3.6), squeeze=False)
    for ax, (task, models) in zip(axes[0], rows.items(), strict=True):
        check_names(models, ERRORS[task])
        for place, seeds in enumerate(models.values()):
            mean = float(np.mean(seeds))
            ax.bar(place, mean, 0.5, linewidth=0.8, facecolor=tint("accent", 0.3), edgecolor=COLOURS["accent"])
            ax.plot([place] * len(seeds), seeds, color=COLOURS["ink"], zorder=4, **_MARKS)
            text = f"{100 * mean:.1f}{NO_BREAK}%" if task == "digits" else f"{mean:.3f}"
            ax.annotate(
                text, (place, max(*seeds, mean)), xytext=(0, 7), textcoords="offset points", ha="center", va="bottom",
                fontsize=9,
            )  # fmt: skip
        ax.set_xticks(range(len(models)), [label(f"model-{_slug(model)}") for model in models])
        ax.tick_params(axis="x", length=0)
        ax.set(xlim=(-0.6, len(models) - 0.4), ylim=(0, 1.2 * max(max(seeds) for seeds in models.values())))
        ax.set(title=label(f"task-{task}"), ylabel=label(f"error-{task}"))
        if task == "digits":
            _per_cent(ax)
    return figure
