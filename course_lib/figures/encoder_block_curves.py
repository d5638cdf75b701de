"""Pictures of what lesson 06 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from course_lib.figures.curves import LOOKS, check_count, label
from course_lib.figures.style import COLOURS, contrast, tint

NO_BREAK = "\N{NO-BREAK SPACE}"

Seeds = Sequence[Sequence[float]]
"""At each point the values of the seeds."""

PARTS: dict[str, dict[str, Any]] = {
    "attention": {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]},
    "cross-attention": {"facecolor": tint("accent", 0.1), "edgecolor": COLOURS["accent"], "hatch": "\\\\\\"},
    "feed-forward": {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]},
    "normalisation": {"facecolor": COLOURS["warning"], "edgecolor": COLOURS["warning"]},
    "embeddings": {"facecolor": tint("input", 0.1), "edgecolor": COLOURS["input"], "hatch": "..."},
}
"""The parts of a model in the order of the bars of :func:`weight_shares`, and how they are told apart."""

LEAST_WRITTEN = 0.08
"""The smallest share that is written in its bar."""

MOST_GRIDS = 4
"""Neurons that fit side by side in :func:`firing`."""


def _share_axis(ax: Axes) -> None:
    """A vertical axis of shares from 0 to 1; the sign stands apart from the number, as in the texts of both languages."""
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%"))


def _line(ax: Axes, x: Sequence[float], values: Sequence[float], name: str, number: int, **more: Any) -> None:
    """A curve with about eight markers, which stand elsewhere on each, so that curves that meet stay apart."""
    every = max(1, len(x) // 8)
    look = {"clip_on": False, "zorder": 3, "markevery": (number * every // len(LOOKS), every)} | LOOKS[number] | more
    ax.plot(x, values, label=label(name), **look)


def _seeds(ax: Axes, x: Sequence[float], values: Seeds, number: int, name: str | None = None) -> None:
    """The mean over the seeds with a marker, and a thin bar from the least to the greatest of them."""
    means = np.array([np.mean(point) for point in values])
    reach = np.abs(np.array([[np.min(point), np.max(point)] for point in values]).T - means)
    look: dict[str, Any] = {"markersize": 4.5, "elinewidth": 1.2, "capsize": 3, "clip_on": False, "zorder": 3}
    ax.errorbar(x, means, yerr=reach, label=None if name is None else label(name), **look, **LOOKS[number])


def _powers(ax: Axes, places: Sequence[float]) -> None:
    """A logarithmic axis to the base 2 with the given ticks."""
    ax.set_xscale("log", base=2)
    ax.set_xticks(places, [f"{place:g}" for place in places])
    ax.xaxis.set_minor_locator(NullLocator())


def _positive(values: Sequence[float]) -> np.ndarray:
    """The values that have a place on a logarithmic axis, with gaps for the others."""
    return np.where(np.asarray(values, dtype=float) > 0, values, np.nan)


def _norms(ax: Axes) -> None:
    """A logarithmic axis of norms with at most nine ticks."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(base=10, numticks=9))
    ax.yaxis.set_minor_locator(NullLocator())


def _sentence(name: str) -> str:
    """A label where it begins a line of its own: with a capital."""
    text = label(name)
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- the feed-forward layer


def activations(x: Sequence[float], curves: Mapping[str, Sequence[float]]) -> Figure:
    """Activation functions.

    Args:
        x: the arguments, ascending.
        curves: the values at each, by a name of the catalogue (``curves.<name>``): ``"relu"``, ``"gelu"``, ``"silu"``; at
            most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    ax.axhline(0, color=COLOURS["neutral"], linewidth=0.8)
    ax.axvline(0, color=COLOURS["neutral"], linewidth=0.8)
    for number, (name, values) in enumerate(curves.items()):
        _line(ax, x, values, name, number)
    ax.set(xlim=(x[0], x[-1]), xlabel="$x$", ylabel="$f(x)$")
    ax.legend(loc="upper left")
    return figure


def hidden_width(
    ratios: Sequence[float],
    equal_steps: Seeds,
    shapes: Sequence[tuple[int, int]],
    equal_parameters: Seeds,
) -> Figure:
    """The share of facts learned by the width of the hidden vector: with D fixed, and with the number of weights fixed.

    Args:
        ratios: d_ff / D of the left panel, ascending.
        equal_steps: at each of them the shares of the seeds, from 0 to 1.
        shapes: D and d_ff of the right panel; each point has its D written above it.
        equal_parameters: at each of them the shares of the seeds.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.9), sharey=True, width_ratios=(4, 5))
    _seeds(left, ratios, equal_steps, 0)
    _powers(left, ratios)
    order = sorted(range(len(shapes)), key=lambda i: shapes[i][1] / shapes[i][0])
    places = [shapes[i][1] / shapes[i][0] for i in order]
    _seeds(right, places, [equal_parameters[i] for i in order], 1)
    right.set_xscale("log")
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.xaxis.set_minor_locator(NullLocator())
    right.margins(x=0.1)
    for i, place in zip(order, places, strict=True):
        top, note = (place, max(equal_parameters[i])), f"$D = {shapes[i][0]}$"
        right.annotate(note, top, xytext=(0, 7), textcoords="offset points", ha="center", va="bottom", fontsize=9)
    for ax, title in ((left, "same-size"), (right, "same-weights")):
        ax.set_title(_sentence(title))
        ax.set_xlabel("$d_{ff} / D$")
    left.set_ylabel(label("facts-learned"))
    _share_axis(left)
    left.set(yticks=np.linspace(0, 1, 6), ylim=(0, 1.12))  # room for what is written above
    return figure


def weight_shares(
    shares: Mapping[str, Mapping[str, float]], blocks: Mapping[str, Mapping[str, float]] | None = None
) -> Figure:
    """What share of a model's weights each part holds, as stacked bars; with ``blocks`` on two panels.

    Args:
        shares: by model the share of each part, from 0 to 1, over the whole model; the parts are those of
            :data:`PARTS`, and those that a model lacks may be left out.
        blocks: the same over the blocks alone, for the same models in the same order.

    Raises:
        ValueError: for an unknown part, or if the two mappings name different models.
    """
    unknown = {part for panel in (shares, blocks or {}) for bar in panel.values() for part in bar} - set(PARTS)
    if unknown:
        raise ValueError(f"unknown parts {sorted(unknown)}: use {', '.join(PARTS)}")
    if blocks is not None and list(blocks) != list(shares):
        raise ValueError(f"the panels name different models: {list(blocks)} and {list(shares)}")
    panels = {"whole-model": shares} if blocks is None else {"blocks-alone": blocks, "whole-model": shares}
    size = (6.4 if blocks is None else 9.2, 1.5 + 0.46 * len(shares))
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    figure.get_layout_engine().set(wspace=0.06)
    places = np.arange(len(shares))
    used = [part for part in PARTS if any(bar.get(part, 0) > 0 for panel in panels.values() for bar in panel.values())]
    handles: dict[str, Any] = {}
    for ax, (title, models) in zip(axes[0], panels.items(), strict=True):
        start = np.zeros(len(models))
        for part in used:
            values = np.array([bar.get(part, 0.0) for bar in models.values()])
            handles[part] = ax.barh(places, values, 0.66, left=start, linewidth=0.8, **PARTS[part])
            _write_shares(ax, places, start, values, part)
            start += values
        ax.set(title=_sentence(title), xlim=(0, 1))
        ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%"))
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(label("share-of-weights"))
    axes[0, 0].set_yticks(places, list(shares))
    axes[0, 0].invert_yaxis()
    columns = 2 if blocks is None else len(used)
    named = [(handles[part], label(part)) for part in used]
    figure.legend(
        *zip(*named, strict=True), loc="outside upper center", ncols=columns, columnspacing=1.0, handlelength=1.4
    )
    return figure


def _write_shares(ax: Axes, places: np.ndarray, start: np.ndarray, values: np.ndarray, part: str) -> None:
    """The shares of one part as numbers in its bars, as far as they are large enough."""
    ground = to_hex(PARTS[part]["facecolor"])
    ink = max((COLOURS["ink"], COLOURS["ground"]), key=lambda one: contrast(one, ground))
    for y, left, value in zip(places, start, values, strict=True):
        if value >= LEAST_WRITTEN:
            text = ax.text(left + value / 2, y, f"{100 * value:.0f}{NO_BREAK}%", ha="center", va="center", fontsize=9)
            # On the hatching of some parts letters would be hard to read.
            text.set(color=ink, bbox={"facecolor": ground, "edgecolor": "none", "boxstyle": "square,pad=0.15"})


def firing(grids: np.ndarray, neurons: Sequence[int], things: Sequence[str], kinds: Sequence[str]) -> Figure:
    """For which questions neurons of the feed-forward layer fire, a heat map for each neuron.

    Args:
        grids: (n, things, kinds), n from 1 to 4: the hidden numbers, from 0 up.
        neurons: (n,), their numbers, for the titles.
        things: the names of the rows.
        kinds: the names of the columns.

    Raises:
        ValueError: for more neurons than fit, or names that are not as many as the rows and columns.
    """
    grids = np.asarray(grids, dtype=float)
    if len(grids) > MOST_GRIDS:
        raise ValueError(f"{len(grids)} neurons, at most {MOST_GRIDS} fit")
    if grids.shape != (len(neurons), len(things), len(kinds)):
        raise ValueError(f"numbers {grids.shape} for {len(neurons)} neurons, {len(things)} things, {len(kinds)} kinds")
    figure, axes = plt.subplots(1, len(grids), figsize=(2.0 + 2.2 * len(grids), 4.4), sharey=True, squeeze=False)
    most = max(float(grids.max()), np.finfo(float).tiny)
    for ax, grid, neuron in zip(axes[0], grids, neurons, strict=True):
        image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=most, interpolation="nearest", aspect="auto")
        ax.grid(False)
        ax.tick_params(length=0)
        ax.set_title(_neuron(neuron))
        ax.set_xticks(range(len(kinds)), kinds, rotation=90)
        ax.set_yticks(range(len(things)), things)
    bar = figure.colorbar(image, ax=axes[0].tolist(), pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label("hidden-number"))
    return figure


def _neuron(number: int) -> str:
    text = label("neuron", number=number)
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- residual connections and normalisation


def gradient_norms(curves: Mapping[str, Sequence[float]]) -> Figure:
    """The norm of the gradient of W_1 in each block, by where LayerNorm stands.

    Args:
        curves: the norms from block 1 to block L, by a name of the catalogue (``curves.<name>``): ``"pre"``, ``"post"``; at
            most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    for number, (name, values) in enumerate(curves.items()):
        _line(ax, range(1, len(values) + 1), values, name, number, markevery=1)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set(ylim=(0, None), xlabel=label("block"), ylabel=label("gradient-of-weights"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(curves))
    return figure


def gradient_by_depth(depths: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """The norm of the gradient at the input of a stack, by how deep the stack is; both axes logarithmic.

    Args:
        depths: the numbers of blocks.
        curves: the norm at each depth, by a name of the catalogue (``curves.stack-<name>``): ``"plain"`` (neither
            residual connections nor normalisation), ``"residual"``, ``"normalised"`` (LayerNorm alone), ``"pre"`` (both);
            at most four. A norm of 0 has no place on the axis and is left out.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.8, 4.3))
    for number, (name, values) in enumerate(curves.items()):
        _line(ax, depths, _positive(values), f"stack-{name}", number, markevery=1)
    _powers(ax, depths)
    _norms(ax)
    ax.set(xlabel=label("number-of-blocks"), ylabel=label("gradient-at-input"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def first_steps(steps: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """Training losses over the first steps at the full learning rate, by where LayerNorm stands.

    Args:
        steps: the training steps.
        curves: the loss at each in nats, by a name of the catalogue (``curves.<name>``): ``"pre"``, ``"post"``; at most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(len(curves))
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    for number, (name, values) in enumerate(curves.items()):
        _line(ax, steps, values, name, number, linewidth=1.5)
    ax.set(ylim=(0, None), xlabel=label("step"), ylabel=label("loss"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(curves))
    return figure


# ---------------------------------------------------------------- depth


def depth_width(blocks: Sequence[int], panels: Mapping[str, Seeds]) -> Figure:
    """Accuracy on two tasks by how many blocks share the same number of weights.

    Args:
        blocks: the numbers of blocks, ascending.
        panels: at each of them, or at the first few, the accuracies of the seeds, from 0 to 1, by the task
            (``curves.task-<name>``): ``"facts"``, ``"referent"``; at most four.

    Raises:
        ValueError: for more tasks than can be told apart.
    """
    check_count(len(panels))
    figure, ax = plt.subplots(figsize=(6.4, 3.8))
    for number, (name, values) in enumerate(panels.items()):
        # Set a little apart, so that bars at one number of blocks do not cover each other.
        aside = 2 ** (0.08 * (number - (len(panels) - 1) / 2))
        _seeds(ax, [aside * count for count in blocks[: len(values)]], values, number, f"task-{name}")
    _powers(ax, blocks)
    ax.set(xlabel=label("number-of-blocks"), ylabel=label("accuracy"))
    _share_axis(ax)
    handles, labels = ax.get_legend_handles_labels()
    # Lines and markers, without their bars.
    figure.legend([handle.lines[0] for handle in handles], labels, loc="outside upper center", ncols=len(handles))
    return figure


def probes(layers: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """What a linear probe reads off the vectors after each block, a panel for each model.

    Args:
        layers: how many blocks the vectors have gone through, from 0 to L.
        panels: by the model (``curves.model-<name>``: ``"trained"``, ``"untrained"``, ``"untrained-no-residual"``) the accuracy after
            each, from 0 to 1, by what is asked for (``curves.probe-<name>``): ``"word"``, ``"phrase"``, ``"answer"``; at
            most four.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    check_count(max(len(curves) for curves in panels.values()))
    figure, axes = plt.subplots(1, len(panels), figsize=(9.0, 3.5), sharey=True, squeeze=False)
    for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for number, (name, values) in enumerate(curves.items()):
            _line(ax, layers, values, f"probe-{name}", number, markevery=1)
        ax.set_xticks(layers, [str(layer) for layer in layers])
        ax.set(title=_sentence(f"model-{title}"), xlabel=label("blocks-passed"))
        _share_axis(ax)
    axes[0, 0].set_ylabel(label("probe-accuracy"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(curves))
    return figure


def trace(answers: Sequence[str], probabilities: np.ndarray) -> Figure:
    """The probabilities of some answers if the vector is read out after each block, as a heat map with its numbers.

    Args:
        answers: the candidates.
        probabilities: (L + 1, answers), from 0 to 1; row 0, before the first block, is drawn at the bottom.

    Raises:
        ValueError: if there are not as many columns as answers.
    """
    grid = np.asarray(probabilities, dtype=float)
    if grid.shape[1] != len(answers):
        raise ValueError(f"{grid.shape[1]} columns for {len(answers)} answers")
    figure, ax = plt.subplots(figsize=(min(9.0, 2.0 + 0.95 * len(answers)), 1.2 + 0.38 * len(grid)))
    colours = mpl.colormaps["cividis"]
    image = ax.imshow(grid, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest", origin="lower")
    ax.grid(False)
    ax.set_xticks(range(len(answers)), answers)
    ax.set_yticks(range(len(grid)), [str(layer) for layer in range(len(grid))])
    ax.tick_params(length=0)
    ax.set(xlabel=label("candidate"), ylabel=label("blocks-passed"))
    for (y, x), value in np.ndenumerate(grid):
        ground = to_hex(colours(float(value)))
        ink = max(("#FFFFFF", "#000000"), key=lambda one, ground=ground: contrast(one, ground))
        ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
    bar = figure.colorbar(image, ax=ax, ticks=[0, 0.5, 1], pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label("probability"))
    return figure
