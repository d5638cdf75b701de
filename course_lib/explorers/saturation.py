"""Explorer 5, saturation: undivided scores grow with d_k until softmax is a mere choice and its gradient is gone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from course_lib.explorers.page import Explorer, radios, table, words
from course_lib.language import say

__all__ = ["explore_saturation", "sharpness"]

SHOWN = 5
"""Queries whose weights are shown one by one: the first ones, so that nobody has chosen them."""

QUANTITIES = ("largest", "entropy", "jacobian")


def sharpness(scores: Any) -> dict[str, Any]:
    """How sharp softmax is for each row of scores.

    Args:
        scores: (N, T) tensor, what softmax is given.

    Returns:
        three tensors (N,): ``largest``, the largest weight; ``entropy``, −Σ_j a_j ln a_j in nats; ``jacobian``, the
        Frobenius norm of the derivatives ∂a_j/∂s_l = a_j (δ_jl − a_l).
    """
    import torch

    a = scores.softmax(dim=-1)
    # Multiplied out the norm needs no T × T table, but its terms cancel where one weight is nearly 1.
    derivatives = torch.diag_embed(a) - a[:, :, None] * a[:, None, :]
    return {
        "largest": a.amax(-1),
        "entropy": -(a * a.clamp_min(1e-300).log()).sum(-1),
        "jacobian": derivatives.square().sum((-1, -2)).sqrt(),
    }


def explore_saturation(scores: Mapping[int, Any], start: int = 4) -> Explorer:
    """The softmax weights of a few queries, and how sharp they are, against d_k, divided by √d_k or not.

    Args:
        scores: for each d_k, in rising order, the products q · k of N queries with T keys of their own, (N, T),
            undivided; as tensors or arrays. The first :data:`SHOWN` queries are shown one by one; the curves are
            medians over all N.
        start: the d_k to begin with.

    Raises:
        ValueError: if the shapes differ, there are fewer than two d_k or fewer than :data:`SHOWN` queries, the values of
            d_k do not rise, or the block exceeds the size of an explorer.
    """
    import torch

    sizes = list(scores)
    raw = [torch.as_tensor(scores[size], dtype=torch.float64).detach() for size in sizes]
    if len(sizes) < 2 or sizes != sorted(set(sizes)) or start not in sizes:
        raise ValueError(f"d_k must take two or more rising values, among them {start}, not {sizes}")
    if len({tuple(s.shape) for s in raw}) > 1 or raw[0].ndim != 2 or raw[0].shape[0] < SHOWN:
        raise ValueError(f"the scores must have one shape (N, T) with N ≥ {SHOWN}, not {[tuple(s.shape) for s in raw]}")
    rows, keys = raw[0].shape
    # Not divided comes first: the script takes [0] or [1] for the state of its switch.
    measured = [
        [sharpness(s) for s in raw],
        [sharpness(s / size**0.5) for s, size in zip(raw, sizes, strict=True)],
    ]
    medians = [[[float(one[name].median()) for one in curve] for curve in measured] for name in QUANTITIES]
    text, counts = words("saturation"), {"keys": keys, "rows": rows, "first": sizes[0], "last": sizes[-1]}
    now = medians[0][1][sizes.index(start)]
    answers = say("explorer.saturation.answers", equal=f"{1 / keys:.2f}", now=f"{now:.2f}").split("|")
    static = [
        [str(size), *(f"{divided[i]:.4f} / {undivided[i]:.4f}" for undivided, divided in medians)]
        for i, size in enumerate(sizes)
    ]
    names = [say(f"explorer.saturation.{name}") for name in QUANTITIES]
    (u, d), _, (k, j) = medians
    ends = {f"{name}{n}": f"{m[-n]:.4f}" for name, m in (("u", u), ("d", d), ("k", k), ("j", j)) for n in (0, 1)}
    return Explorer(
        "saturation",
        data={
            "answers": answers,
            "counts": counts,
            "frame": _frame(counts, names),
            # The nearest answer to the truth is the right one.
            "right": min(range(3), key=lambda n: abs((1 / keys, now, 1.0)[n] - u[-1])),
            "medians": medians,
            "scores": [s[:SHOWN].tolist() for s in raw],
            "sizes": sizes,
            "start": sizes.index(start),
            "words": text,
        },
        label=say("explorer.saturation.label"),
        summary=say("explorer.saturation.summary", **counts, **ends),
        static=table(say("explorer.saturation.table", **counts), [say("explorer.saturation.size"), *names], static),
    )


def _frame(counts: Mapping[str, int], names: list[str]) -> str:
    tiles = "".join(
        f'<div class="tx-tile"><span>{escape(name)}</span><b></b><small></small>'
        '<svg viewBox="-4 -4 208 68" aria-hidden="true"></svg></div>'
        for name in names
    )
    size, divide, keys, legend = (
        escape(say(f"explorer.saturation.{name}", **counts)) for name in ("size", "divide", "keys", "legend")
    )
    return (
        f'<p class="tx-title">{escape(say("explorer.saturation.title"))}</p>'
        f'<div class="tx-row"><label><b data-ref="size"></b><input type="range" min="0" data-ref="range" aria-label="{size}"></label>'
        f'<label class="tx-switch"><input type="checkbox" checked data-ref="divide">{divide}</label>'
        + radios(say("explorer.saturation.draw"), [str(n + 1) for n in range(SHOWN)], "draw")
        + f'</div><div data-ref="question"></div><p class="tx-quiet">{keys}</p>'
        '<div class="tx-plot" aria-hidden="true"><span>1</span><span>0.5</span></div>'
        f'<div class="tx-bars" role="radiogroup" aria-label="{keys}" data-ref="bars"></div>'
        f'<p class="tx-spell" data-ref="spelled"></p><div class="tx-tiles" data-ref="tiles">{tiles}</div>'
        f'<p class="tx-quiet">{legend}</p><div class="tx-slot"></div>'
    )
