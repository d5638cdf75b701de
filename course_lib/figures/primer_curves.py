"""The picture of what the primer measures: it draws the arrays it is given and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from course_lib.figures.curves import LOOKS, label
from course_lib.figures.style import COLOURS


def training(steps: Sequence[int], fitted: Sequence[float], held_out: Sequence[float], level: float) -> Figure:
    """The loss on the data a model learns from and on data kept aside.

    Args:
        steps: the steps after which both losses were taken, ascending.
        fitted, held_out: the losses, in nats, one per entry of ``steps``.
        level: the loss of the model that gives all answers the same probability, in nats.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.4))
    ax.axhline(level, color=COLOURS["neutral"], linewidth=1)
    ax.annotate(label("primer-uniform"), (steps[-1], level), xytext=(0, 4), textcoords="offset points", ha="right")
    for number, (name, values) in enumerate((("primer-fitted", fitted), ("primer-held-out", held_out))):
        ax.plot(steps, values, label=label(name), markevery=max(1, len(steps) // 8), clip_on=False, **LOOKS[number])
    ax.set(xlim=(0, steps[-1]), ylim=(0, 1.15 * max(*fitted, *held_out, level)))
    ax.set_xlabel(label("step"))
    ax.set_ylabel(label("loss"))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.08))
    return figure
