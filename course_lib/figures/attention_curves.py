"""Pictures of what lesson 03 measures: they draw the arrays they are given and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from course_lib.figures.curves import label
from course_lib.figures.style import COLOURS

# Blue, vermilion, green and purple mean query, key, value and output; curves keep off them.
SOUND, UNSOUND = COLOURS["ink"], COLOURS["warning"]


def saturation(
    sizes: Sequence[int], divided: Mapping[str, Sequence[float]], undivided: Mapping[str, Sequence[float]]
) -> Figure:
    """What the scores' scale does as d_k grows.

    Args:
        sizes: the values of d_k.
        divided, undivided: for each of ``"std"``, ``"entropy"``, ``"jacobian"`` one number per d_k, with and without
            the division by √d_k.
    """
    figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.2))
    for ax, quantity in zip(axes, ("std", "entropy", "jacobian"), strict=True):
        ax.plot(sizes, undivided[quantity], "o--", color=UNSOUND, label=label("undivided"))
        ax.plot(sizes, divided[quantity], "s-", color=SOUND, label=label("divided"))
        ax.set_xscale("log", base=4)
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
        ax.set_xlabel("$d_k$")
        ax.set_title(label(quantity))
        ax.set_ylim(bottom=0)
    axes[0].legend()
    return figure


def cost(lengths: Sequence[int], projections: Sequence[int], mixing: Sequence[int], crossing: float) -> Figure:
    """Multiply-adds of one head against the length, and where the two parts cross.

    Args:
        lengths: the values of T.
        projections, mixing: multiply-adds at each length.
        crossing: the length at which they are equal.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    ax.plot(lengths, projections, "s-", color=SOUND, label=label("projections"))
    ax.plot(lengths, mixing, "o--", color=UNSOUND, label=label("mixing"))
    ax.axvline(crossing, color=COLOURS["neutral"], linewidth=1, linestyle=":")
    ax.annotate(
        f"$T = {crossing:g}$",
        (crossing, min(mixing)),
        xytext=(6, 0),
        textcoords="offset points",
        color=COLOURS["neutral"],
    )
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=10)
    ax.set_xticks(lengths, [str(length) for length in lengths])
    ax.minorticks_off()
    ax.set_xlabel("$T$")
    ax.set_ylabel(label("multiply-adds"))
    ax.legend(loc="upper left", frameon=True, edgecolor="none", framealpha=1.0)
    return figure


def receptive_field(reached: Sequence[np.ndarray], window: int) -> Figure:
    """Which inputs have a gradient in which outputs, after 1, 2, … layers.

    Args:
        reached: one boolean (T, T) array per depth; entry [i, j] says that output i depends on input j.
        window: tokens either side that one layer sees.
    """
    figure, axes = plt.subplots(1, len(reached), figsize=(2.6 * len(reached), 3.0))
    for depth, (ax, field) in enumerate(zip(axes, reached, strict=True), start=1):
        ax.imshow(field, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        ax.grid(False)
        ax.set_title(label("depth", depth=depth, reach=depth * window))
        ax.set_xlabel(label("input"))
    axes[0].set_ylabel(label("output"))
    return figure


def losses(curves: Mapping[str, Sequence[float]], floor: float, window: int = 10) -> Figure:
    """Training losses, averaged over ``window`` steps, with a level that one model cannot pass.

    Args:
        curves: the loss of every step by the catalogue's name of the model (``curves.<name>``).
        floor: the level, in nats.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.2))
    looks = (("-", SOUND), ("--", UNSOUND), (":", COLOURS["accent"]))
    for (name, values), (line, colour) in zip(curves.items(), looks, strict=False):
        smooth = np.convolve(values, np.ones(window) / window, mode="valid")
        ax.plot(np.arange(len(smooth)) + window, smooth, line, color=colour, label=label(name))
    ax.axhline(floor, color=COLOURS["neutral"], linewidth=1)
    ax.annotate(r"$\ln 2$", (0, floor), xytext=(2, -12), textcoords="offset points")
    ax.set_ylim(0, 1.5)
    ax.set_xlabel(label("step"))
    ax.set_ylabel(label("loss"))
    ax.legend(loc="upper right")
    return figure


def rows_of_it(
    sentences: Sequence[Sequence[str]], weights: Sequence[Sequence[np.ndarray]], nouns: Sequence[int]
) -> Figure:
    """The weights of *it* in every layer, for several sentences, as strips over the words.

    Args:
        sentences: the tokens of each sentence.
        weights: for each sentence the rows of *it*, one array (T,) per layer.
        nouns: the positions of the two candidates, marked by a frame.
    """
    figure, axes = plt.subplots(len(sentences), 1, figsize=(9.0, 2.05 * len(sentences)))
    for ax, tokens, rows in zip(axes, sentences, weights, strict=True):
        grid = np.stack(rows)
        ax.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        ax.grid(False)
        ax.set_xticks(range(len(tokens)), tokens)
        ax.set_yticks(range(len(rows)), [label("layer", layer=n) for n in range(1, len(rows) + 1)])
        ax.tick_params(length=0)
        for position in nouns:
            ax.add_patch(
                plt.Rectangle(
                    (position - 0.48, -0.48), 0.96, len(rows) - 0.04, fill=False, color=COLOURS["warning"], lw=1.5
                )
            )
        for y, x in np.ndindex(grid.shape):
            if grid[y, x] >= 0.05:
                dark = grid[y, x] < 0.5
                ax.text(
                    x, y, f"{grid[y, x]:.2f}", ha="center", va="center", fontsize=9, color="white" if dark else "black"
                )
    return figure
