"""Explorer 8a, depth: what becomes of the gradient on its way through many blocks, with and without residual connections."""

from __future__ import annotations

import math
from html import escape

from course_lib.explorers.page import Explorer, radios, table, words
from course_lib.language import say

__all__ = ["DEPTHS", "explore_depth"]

DEPTHS = (1, 2, 4, 8, 16, 32, 64)
"""L: how many blocks a stack has."""

NORMS = ("none", "pre", "post")

START = 3
"""The index of the depth to begin with."""

TICK = 5
"""Decades from one label of the axis to the next."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
""":meth:`str.translate` makes an exponent of a whole number by it."""


def explore_depth() -> Explorer:
    """The norm of the gradient of every block's W_1 in stacks of 1 to 64 blocks, at the initial weights.

    The learner chooses the depth, takes the residual connections out and puts LayerNorm before, after or nowhere. All
    numbers come from :func:`course_lib.gradient_flow.gradient_flow` with its first seed and stand in the page with
    three significant digits; the page itself computes only the heights of the bars.
    """
    from course_lib.gradient_flow import D_MODEL, HEADS, TOKENS, gradient_flow

    # Without residual connections come first: the script takes [0] or [1] for the state of its switch.
    exact = [
        [[gradient_flow(depth, residual=residual, norm=norm).weights for depth in DEPTHS] for norm in NORMS]
        for residual in (False, True)
    ]
    every = [math.log10(n) for kinds in exact for depths in kinds for profile in depths for n in profile]
    low, high = math.floor(min(every)), math.ceil(max(every))
    sizes = {"tokens": TOKENS, "size": D_MODEL, "heads": HEADS, "hidden": 4 * D_MODEL, "deep": DEPTHS[-1]}
    alone, deep = exact[0][0][0][0], exact[0][0][-1][0]
    names = [say(f"explorer.depth.{norm}") for norm in NORMS]
    residuals = [say(f"explorer.depth.{key}") for key in ("off", "on")]
    ends = {
        f"{norm}{residual}": shown(exact[residual][n][-1][0]) for residual in (0, 1) for n, norm in enumerate(NORMS)
    }
    return Explorer(
        "depth",
        data={
            "answers": say("explorer.depth.answers", **sizes).split("|"),
            "deep": sizes["deep"],
            "depths": DEPTHS,
            "frame": _frame(sizes, names, low, high),
            "low": low,
            "high": high,
            "names": names,
            # As text: rounding to decimals, which JSON's numbers get, would make 0 of the smallest.
            "profiles": _texts(exact),
            "ratios": [[" ".join(f"{p[0] / p[-1]:.2e}" for p in depths) for depths in kinds] for kinds in exact],
            "residuals": residuals,
            # The nearest answer on the logarithmic scale: as large, as many times smaller as there are blocks, 10⁶ times.
            "right": min(range(3), key=lambda n: abs(math.log10(alone / deep) - (0, math.log10(sizes["deep"]), 6)[n])),
            "start": START,
            "words": words("depth"),
        },
        label=say("explorer.depth.label"),
        summary=say("explorer.depth.summary", **sizes, **ends),
        static=table(
            say("explorer.depth.table", **sizes),
            [
                say("explorer.depth.kind"),
                *(f"L = {depth}" for depth in (DEPTHS[0], DEPTHS[START], DEPTHS[-1])),
                say("explorer.depth.last", **sizes),
            ],
            [
                [
                    f"{residuals[residual]}, {names[n]}",
                    *(shown(exact[residual][n][at][0]) for at in (0, START, -1)),
                    shown(exact[residual][n][-1][-1]),
                ]
                for residual in (1, 0)
                for n in range(len(NORMS))
            ],
        ),
    )


def shown(number: float) -> str:
    """Three significant digits, with a power of ten where the number is small or large: 0.0615, 3.69 · 10⁻¹².

    The blanks beside the dot are no-break ones.
    """
    mantissa, power = f"{number:.2e}".split("e")
    if -3 < int(power) < 4:
        return f"{float(f'{number:.2e}'):.{max(0, 2 - int(power))}f}"
    return f"{mantissa}\u00a0·\u00a010{str(int(power)).translate(RAISED)}"


def _texts(exact: list) -> list:
    """The profiles, each as one text of numbers with three significant digits."""
    return [[[" ".join(f"{n:.2e}" for n in profile) for profile in depths] for depths in kinds] for kinds in exact]


def _frame(sizes: dict[str, int], names: list[str], low: int, high: int) -> str:
    keys = ("title", "residual", "bars", "legend", "depth", "first", "end", "ratio", "table_short")
    text = {key: escape(say(f"explorer.depth.{key}", **sizes)) for key in keys}
    ticks = "".join(
        f'<span style="--y:{(power - low) / (high - low):.4f}"{_base(power)}>{_power(power)}</span>'
        for power in range(math.ceil(low / TICK) * TICK, high + 1, TICK)
    )
    head = "".join(f'<th scope="col">{text[key]}</th>' for key in ("depth", "first", "end", "ratio"))
    rows = "".join(f'<tr><th scope="row">{depth}</th>{"<td></td>" * 3}</tr>' for depth in DEPTHS)
    return (
        f'<p class="tx-title">{text["title"]}</p>'
        + radios(say("explorer.depth.blocks"), [str(depth) for depth in DEPTHS], "depth")
        + f'<div class="tx-row"><label><input type="checkbox" checked data-ref="residual">{text["residual"]}</label>'
        + radios("LayerNorm", names, "norm")
        + '</div><div data-ref="question"></div><div class="tx-slot"></div><div class="tx-sides"><div>'
        f'<p class="tx-quiet">{text["bars"]}</p><div class="tx-plot"><div class="tx-ticks" aria-hidden="true">{ticks}</div>'
        f'<div class="tx-bars" role="radiogroup" aria-label="{text["bars"]}" data-ref="bars"></div></div>'
        '<p class="tx-spell" data-ref="spelled"></p></div>'
        f'<div class="tx-scroll"><table><caption>{text["table_short"]}</caption>'
        f'<thead><tr>{head}</tr></thead><tbody data-ref="rows">{rows}</tbody></table></div></div>'
        f'<p data-ref="note"></p><p class="tx-quiet">{text["legend"]}</p>'
    )


def _base(power: int) -> str:
    return "" if power else ' class="tx-one"'


def _power(power: int) -> str:
    return f"10{str(power).translate(RAISED)}" if power else "1"
