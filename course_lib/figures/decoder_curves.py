"""Pictures of what lesson 07 measures: they draw the arrays they are given and compute nothing but means over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from course_lib.figures.curves import LOOKS, check_names, label
from course_lib.figures.style import COLOURS, contrast, tint

NO_BREAK = "\N{NO-BREAK SPACE}"

WITHOUT = ("full", "mask", "mask before softmax", "distant tokens", "source positions", "cross-attention")
"""What a model of :func:`without_parts` may lack, in the order of the bars; "full" lacks nothing."""

PARTS: dict[str, dict[str, Any]] = {
    "embedding": {"facecolor": tint("input", 0.1), "edgecolor": COLOURS["input"], "hatch": "..."},
    "read-out": {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]},
    "blocks": {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]},
}
"""The parts of a model in the order of the bars of :func:`output_share`, and how they are told apart."""

LEAST_WRITTEN = 0.08
"""The smallest share that is written in its bar."""

FROM_SOURCE = ("subject", "verb", "object", "adjective")
OTHER_WORDS = ("pronoun", "copula", "rest")
"""The kinds of words of :func:`alignment_share`: the first four follow from nothing but the source."""

TARGETS = ("one-hot", "smoothed")
"""The panels of :func:`smoothed_target`."""

GROUPS = ("place", "roles")
GUESSERS: dict[str, dict[str, Any]] = {
    "majority": {"facecolor": tint("neutral", 0.08), "edgecolor": COLOURS["neutral"], "hatch": "///"},
    "bag": {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]},
    "translator": {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]},
}
"""Who guesses the pronoun in :func:`pronouns`, from the top down, and how they are told apart."""

MOST_WORDS = 16
"""Words on either side that stay readable in :func:`alignment`."""


def _sentence(name: str) -> str:
    """A label where it begins a line of its own: with a capital."""
    text = label(name)
    return text[0].upper() + text[1:]


def _per_cent(ax: Axes, axis: str = "x") -> None:
    """An axis of shares from 0 to 1; the sign stands apart from the number, as in the texts of both languages."""
    formatter = PercentFormatter(xmax=1, decimals=0, symbol=f"{NO_BREAK}%")
    (ax.xaxis if axis == "x" else ax.yaxis).set_major_formatter(formatter)


def _share(value: float) -> str:
    """A share as a number, with one decimal unless nothing or all of it is there."""
    return f"{100 * value:.{0 if value in (0, 1) else 1}f}{NO_BREAK}%"


# ---------------------------------------------------------------- training


def schedules(steps: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """The learning rate over the training steps, with the place of each peak marked.

    Args:
        steps: ascending.
        curves: the rate at each, by a name of the catalogue (``curves.schedule-<name>``): ``"inverse_root"`` (Vaswani et al.
            2017, "Attention Is All You Need", section 5.3), ``"linear"``.

    Raises:
        ValueError: for another name.
    """
    check_names(curves, ("inverse_root", "linear"))
    figure, ax = plt.subplots(figsize=(7.0, 3.6))
    for number, (name, rates) in enumerate(curves.items()):
        every = max(1, len(steps) // 8)
        ax.plot(
            steps,
            rates,
            label=label(f"schedule-{name}"),
            clip_on=False,
            zorder=3,
            markevery=(number * every // 2, every),
            **LOOKS[number],
        )
    peaks = sorted({int(steps[int(np.argmax(rates))]) for rates in curves.values()})
    highest = max(max(rates) for rates in curves.values())
    for peak in peaks:
        ax.axvline(peak, color=COLOURS["neutral"], linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    side = ("left", 5) if peaks[0] < (steps[0] + steps[-1]) / 2 else ("right", -5)
    ax.annotate(
        label("peak", steps=", ".join(map(str, peaks))),
        (peaks[-1] if side[0] == "left" else peaks[0], 1.1 * highest),
        xytext=(side[1], 0),
        textcoords="offset points",
        ha=side[0],
        va="center",
        fontsize=9,
    )
    ax.set(xlim=(0, steps[-1]), ylim=(0, 1.17 * highest), xlabel=label("step"), ylabel=label("learning-rate"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(curves))
    return figure


def loss_against_entropy(steps: Sequence[int], losses: Sequence[float], without_source: float) -> Figure:
    """The training loss on a logarithmic axis, with the least loss of a model that does not see the source.

    Args:
        steps: of the training.
        losses: at each, in nats per token, all greater than 0.
        without_source: the entropy of the target in nats per token.

    Raises:
        ValueError: for a number that has no place on the axis.
    """
    if min(*losses, without_source) <= 0:
        raise ValueError("a loss of 0 or less has no place on a logarithmic axis")
    figure, ax = plt.subplots(figsize=(7.0, 3.9))
    every = max(1, len(steps) // 8)
    ax.plot(
        steps,
        losses,
        label=label("training-loss"),
        markevery=(0, every),
        zorder=3,
        linewidth=1.6,
        clip_on=False,
        **LOOKS[0],
    )
    look = {"color": COLOURS["warning"], "linestyle": "--", "linewidth": 1.6}
    ax.axhline(without_source, label=label("least-without-source", nats=f"{without_source:.2f}"), zorder=2, **look)
    ax.set_yscale("log")
    low, high = min(*losses, without_source), max(*losses, without_source)
    ax.set(
        xlim=(steps[0], steps[-1]), ylim=(low / 2.6, 1.4 * high), xlabel=label("step"), ylabel=label("nats-per-token")
    )
    ax.text(0.01, 0.03, label("least-with-source"), transform=ax.transAxes, ha="left", va="bottom", fontsize=9)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=1)
    return figure


def smoothed_target(targets: Mapping[str, Sequence[float]], predicted: Mapping[str, Sequence[float]]) -> Figure:
    """Two targets of the loss, and beside each the prediction that makes the loss least.

    Args:
        targets: (n,) probabilities by the panel (:data:`TARGETS`).
        predicted: the same for the predictions.

    Raises:
        ValueError: for another panel, or if the two do not fit together.
    """
    check_names(targets, TARGETS)
    if list(targets) != list(predicted) or any(len(targets[name]) != len(predicted[name]) for name in targets):
        raise ValueError("a target and its prediction must have the same names and lengths")
    figure, axes = plt.subplots(1, len(targets), figsize=(9.0, 3.4), sharey=True, squeeze=False)
    looks = (
        ("target", {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]}),
        ("best-prediction", {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]}),
    )
    for ax, name in zip(axes[0], targets, strict=True):
        places = np.arange(1, len(targets[name]) + 1)
        for shift, (kind, look), values in zip((-0.2, 0.2), looks, (targets[name], predicted[name]), strict=True):
            ax.bar(places + shift, values, 0.4, label=label(kind), linewidth=0.8, **look)
        for place, value in zip(places, targets[name], strict=True):
            top = max(value, predicted[name][place - 1])
            ax.text(place, top + 0.02, f"{value:.4f}".rstrip("0").rstrip("."), ha="center", va="bottom", fontsize=9)
        ax.set_xticks(places)
        ax.set(title=_sentence(f"target-{name}"), xlabel=label("token-of-vocabulary"), ylim=(0, 1.12))
    axes[0, 0].set_ylabel(label("probability"))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, handlelength=1.4)
    return figure


# ---------------------------------------------------------------- parts


def without_parts(rows: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]]) -> Figure:
    """What a translator loses with each part: its loss, and the share of translations that are right to the last token.

    Args:
        rows: by what the model lacks (:data:`WITHOUT`) the values of the seeds: loss in nats per token, exact matches from 0
            to 1 for sentences with a place, and for those with two agents.

    Raises:
        ValueError: for another name.
    """
    check_names(rows, WITHOUT)
    figure, axes = plt.subplots(
        1, 3, figsize=(9.2, 1.5 + 0.42 * len(rows)), sharey=True, width_ratios=(1.1, 1, 1), squeeze=False
    )
    places = np.arange(len(rows))
    for number, (ax, title) in enumerate(zip(axes[0], ("fresh-loss", "exact-place", "exact-roles"), strict=True)):
        values = [row[number] for row in rows.values()]
        most = max(max(seeds) for seeds in values) if number == 0 else 1.0
        _bars(ax, places, values, [_look_of_row(name) for name in rows], most, (_number if number == 0 else _share))
        ax.set_title(_sentence(title))
        if number:
            _per_cent(ax)
        ax.xaxis.set_major_locator(MaxNLocator(4) if number == 0 else mpl.ticker.FixedLocator([0, 0.5, 1]))
        ax.set_xlabel(label("nats-per-token" if number == 0 else "share-of-translations"))
    axes[0, 0].set_yticks(places, [label(f"without-{name.replace(' ', '-')}") for name in rows])
    axes[0, 0].invert_yaxis()
    return figure


def _look_of_row(name: str) -> dict[str, Any]:
    """The complete model is black, the others pale."""
    if name == "full":
        return {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]}
    return {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]}


def _number(value: float) -> str:
    """A loss with two digits that count."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _bars(
    ax: Axes,
    places: np.ndarray,
    values: Sequence[Sequence[float]],
    looks: Sequence[dict[str, Any]],
    most: float,
    write: Any,
    height: float = 0.62,
) -> None:
    """Horizontal bars of the means with a mark for each seed, and the mean as a number at the end."""
    for place, seeds, look in zip(places, values, looks, strict=True):
        mean = float(np.mean(seeds))
        ax.barh(place, mean, height, linewidth=0.8, **look)
        if len(seeds) > 1:
            marks = {"marker": "D", "markersize": 4.5, "markerfacecolor": COLOURS["ground"], "linestyle": "none"}
            ax.plot(seeds, [place] * len(seeds), color=COLOURS["warning"], clip_on=False, zorder=4, **marks)
        end = max(mean, *seeds)
        ax.annotate(
            write(mean), (end, place), xytext=(8, 0), textcoords="offset points", ha="left", va="center", fontsize=9
        )
    ax.set_xlim(0, 1.34 * most)
    ax.tick_params(axis="y", length=0)


def output_share(models: Mapping[str, Mapping[str, float]]) -> Figure:
    """What share of a model's weights the tables of its vocabulary hold, as stacked bars.

    Args:
        models: by model the share of each part (:data:`PARTS`), from 0 to 1; those that a model lacks may be left out.

    Raises:
        ValueError: for an unknown part.
    """
    for bar in models.values():
        check_names(bar, PARTS)
    figure, ax = plt.subplots(figsize=(7.2, 1.5 + 0.5 * len(models)))
    places, start = np.arange(len(models)), np.zeros(len(models))
    handles = {}
    for part in (part for part in PARTS if any(bar.get(part, 0) > 0 for bar in models.values())):
        values = np.array([bar.get(part, 0.0) for bar in models.values()])
        handles[part] = ax.barh(places, values, 0.66, left=start, linewidth=0.8, **PARTS[part])
        ground = to_hex(PARTS[part]["facecolor"])
        ink = max((COLOURS["ink"], COLOURS["ground"]), key=lambda one, ground=ground: contrast(one, ground))
        for y, left, value in zip(places, start, values, strict=True):
            if value >= LEAST_WRITTEN:
                text = ax.text(left + value / 2, y, f"{100 * value:.0f}{NO_BREAK}%", ha="center", va="center")
                # On the hatching of some parts letters would be hard to read.
                box = {"facecolor": ground, "edgecolor": "none", "boxstyle": "square,pad=0.15"}
                text.set(color=ink, fontsize=9, bbox=box)
        start += values
    _per_cent(ax)
    ax.set(xlim=(0, 1), xlabel=label("share-of-weights"))
    ax.tick_params(axis="y", length=0)
    ax.set_yticks(places, list(models))
    ax.invert_yaxis()
    named = [(handle, label(f"part-{part}")) for part, handle in handles.items()]
    figure.legend(*zip(*named, strict=True), loc="outside upper center", ncols=len(named), handlelength=1.4)
    return figure


# ---------------------------------------------------------------- where the translator looks


def alignment(
    weights: np.ndarray, source: Sequence[str], target: Sequence[str], marks: Sequence[Sequence[int]]
) -> Figure:
    """The weights of cross-attention as a heat map, with a frame around each cell that the corpus's alignment names.

    Args:
        weights: (T, T_s), from 0 to 1; row t is the look by which token t of the translation was predicted.
        source: T_s words.
        target: T words.
        marks: for each row the columns that its word stands for; none for a word without a counterpart.

    Raises:
        ValueError: if the sizes do not fit together, or for more than :data:`MOST_WORDS` words on a side.
    """
    grid = np.asarray(weights, dtype=float)
    if grid.shape != (len(target), len(source)) or len(marks) != len(target):
        raise ValueError(f"weights {grid.shape} and {len(marks)} marks for {len(target)} and {len(source)} words")
    if max(grid.shape) > MOST_WORDS:
        raise ValueError(f"{max(grid.shape)} words, at most {MOST_WORDS} fit")
    figure, ax = plt.subplots(figsize=(2.6 + 0.36 * len(source), 1.5 + 0.34 * len(target)))
    image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.set_xticks(range(len(source)), source, rotation=90)
    ax.set_yticks(range(len(target)), target)
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel=label("read-words"), ylabel=label("written-words"))
    for row, columns in enumerate(marks):
        for column in columns:
            # A dark line in a white one is seen on every shade.
            for colour, line in ((COLOURS["ground"], 4.8), (COLOURS["ink"], 2.0)):
                corner = (column - 0.5 + 0.06, row - 0.5 + 0.06)
                ax.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor=colour, linewidth=line, zorder=3))
    bar = figure.colorbar(image, ax=ax, ticks=[0, 0.5, 1], pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label("weight"))
    return figure


def alignment_share(shares: Mapping[str, float]) -> Figure:
    """How often cross-attention looks most where the corpus says that a word comes from, by the kind of word.

    Args:
        shares: from 0 to 1, by the kind (:data:`FROM_SOURCE`, :data:`OTHER_WORDS`).

    Raises:
        ValueError: for another kind.
    """
    kinds = (*FROM_SOURCE, *OTHER_WORDS)
    check_names(shares, kinds)
    used = [kind for kind in kinds if kind in shares]
    # A gap between what only the source can tell and what the text so far tells as well.
    places = np.array([i + 0.9 * (kind in OTHER_WORDS) for i, kind in enumerate(used)])
    figure, ax = plt.subplots(figsize=(7.2, 1.1 + 0.42 * (len(used) + 1)))
    looks = [
        {"facecolor": COLOURS["ink"], "edgecolor": COLOURS["ink"]}
        if kind in FROM_SOURCE
        else {"facecolor": tint("accent", 0.35), "edgecolor": COLOURS["accent"]}
        for kind in used
    ]
    _bars(ax, places, [[shares[kind]] for kind in used], looks, 1.0, _share)
    ax.set_yticks(places, [label(f"word-{kind}") for kind in used])
    ax.invert_yaxis()
    _per_cent(ax)
    ax.set(xlim=(0, 1.12), xticks=np.linspace(0, 1, 6), xlabel=label("share-aligned"))
    return figure


def pronouns(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """How often the pronoun is right where the two nouns differ in gender, a panel for each kind of sentence.

    Args:
        rows: by the kind of sentence (:data:`GROUPS`) and who guesses (:data:`GUESSERS`) the shares of the seeds, from 0 to 1.

    Raises:
        ValueError: for another kind or guesser.
    """
    check_names(rows, GROUPS)
    figure, axes = plt.subplots(1, len(rows), figsize=(9.2, 2.4), sharey=True, squeeze=False)
    for ax, (group, guessers) in zip(axes[0], rows.items(), strict=True):
        check_names(guessers, GUESSERS)
        used = [name for name in GUESSERS if name in guessers]
        places = np.array([list(GUESSERS).index(name) for name in used])
        _bars(ax, places, [guessers[name] for name in used], [GUESSERS[name] for name in used], 1.0, _share)
        _per_cent(ax)
        ax.set(xticks=np.linspace(0, 1, 3), title=_sentence(f"pronouns-{group}"), xlabel=label("right-pronouns"))
    axes[0, 0].set_yticks(range(len(GUESSERS)), [label(f"guess-{name}") for name in GUESSERS])
    axes[0, 0].invert_yaxis()
    return figure
