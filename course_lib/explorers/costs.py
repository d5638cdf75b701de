"""What a layer costs for T tokens of D numbers: attention, the feed-forward layer, recurrent layers; where they cross."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from course_lib.explorers.depth import shown
from course_lib.explorers.page import Explorer, control, table, words
from course_lib.language import say

__all__ = ["explore_costs", "layer_costs"]

LENGTHS = tuple(2**power for power in range(3, 18))
"""T, the steps of its slider: 8 … 131,072."""

WIDTHS = tuple(sorted({768, *(2**power for power in range(4, 15))}))
"""D, the steps of its slider: 16 … 16,384, with GPT-2's 768 among them."""

FORMULAS = {
    "scores and sum": "2T²D",
    "projections": "4TD²",
    "feed-forward": "8TD²",
    "LSTM": "8TD²",
    "RNN": "2TD²",
}
"""What has a bar, from the top down: the three parts of a block, then two recurrent layers."""

CROSSINGS = (
    ("scores_rnn", 1),
    ("scores_projections", 2),
    ("attention_lstm", 2),
    ("scores_lstm", 4),
    ("scores_rest", 6),
)
"""Two amounts that are compared, and how many times D the T is at which they are equal."""

MODELS = {"GPT-2": (1024, 768), "Llama 3 8B": (8192, 4096), "Llama 3.1 8B": (131_072, 4096)}
"""Greatest T and D. Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 and table 2 (the
smallest of the four); Grattafiori et al. 2024, "The Llama 3 Herd of Models", table 3 and sections 3.4.1 and 3.4.2."""

RIGHT = 1
"""Which of the answers is the crossing of attention and the LSTM."""

_NAMES = dict(zip(FORMULAS, ("scores", "projections", "feed_forward", "lstm", "rnn"), strict=True))


def layer_costs(length: int, width: int) -> dict[str, int]:
    """Multiply-adds of the matrix products of one layer for a sequence, biases and elementwise work left out.

    Args:
        length: T.
        width: D; the size of the state of a recurrent layer, too. The feed-forward layer is 4D wide.

    Returns:
        ``"scores and sum"`` 2T²D: QKᵀ and the weighted sum; ``"projections"`` 4TD²: W_Q, W_K, W_V, W_O; ``"feed-forward"``
        8TD²; ``"attention"``, the first two together; ``"block"``, all three; ``"LSTM"`` 8TD²: three gates and the
        candidate, each of input and state; ``"RNN"`` 2TD². The orders of growth are those of Vaswani et al. 2017, "Attention Is All You Need",
        table 1.

    Raises:
        ValueError: if a size is less than 1.
    """
    if min(length, width) < 1:
        raise ValueError(f"T and D must be 1 or more, not {length} and {width}")
    own, square = 2 * length**2 * width, length * width**2
    return {
        "scores and sum": own,
        "projections": 4 * square,
        "feed-forward": 8 * square,
        "attention": own + 4 * square,
        "block": own + 12 * square,
        "LSTM": 8 * square,
        "RNN": 2 * square,
    }


def explore_costs(length: int = 256, width: int = 512) -> Explorer:
    """Bars of the multiply-adds of a layer, and the lengths from which on one costs more than the other.

    First the learner predicts where attention overtakes the LSTM. Then they set T and D, or take those of a model; the page
    computes what :func:`layer_costs` computes (a test compares them).

    Args:
        length: the T to begin with, one of :data:`LENGTHS`.
        width: the D to begin with, one of :data:`WIDTHS`.

    Raises:
        ValueError: for another T or D.
    """
    if length not in LENGTHS or width not in WIDTHS:
        raise ValueError(f"T and D must be steps of the sliders, not {length} and {width}")
    names = {name: say(f"explorer.costs.{key}") for name, key in _NAMES.items()}
    examples = [
        (f"T = {_grouped(k * 512)}, D = 512".replace(" = ", "\u00a0=\u00a0"), (k * 512, 512)) for k in (1, 2, 4, 6)
    ]
    examples += MODELS.items()
    return Explorer(
        "costs",
        data={
            "answers": say("explorer.costs.answers").split("|"),
            "formulas": list(FORMULAS.values()),
            "frame": _frame(names, length, width),
            "lengths": LENGTHS,
            "models": [[LENGTHS.index(t), WIDTHS.index(d)] for t, d in MODELS.values()],
            "names": list(names.values()),
            "right": RIGHT,
            "times": [times for _, times in CROSSINGS],
            "widths": WIDTHS,
            "words": words("costs"),
        },
        label=say("explorer.costs.label"),
        summary=say("explorer.costs.summary"),
        static=table(
            say("explorer.costs.table"),
            ["T, D", *(f"{names[name]}, {formula}" for name, formula in FORMULAS.items())],
            [[title, *(shown(layer_costs(*sizes)[name]) for name in FORMULAS)] for title, sizes in examples],
        ),
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", say("explorer.costs.ui.group"))


def _frame(names: dict[str, str], length: int, width: int) -> str:
    keys = ("title", "guess", "models", "bars", "length", "width", "logarithmic", "compared", "equal", "now", "legend")
    text = {key: escape(say(f"explorer.costs.{key}")) for key in keys}
    sliders = "".join(
        f'<label>{letter} = <b></b><input type="range" min="0" max="{len(steps) - 1}" value="{steps.index(at)}" '
        f'aria-label="{text[ref]}" data-ref="{ref}"></label>'
        for letter, ref, steps, at in (("T", "length", LENGTHS, length), ("D", "width", WIDTHS, width))
    )
    bars = "".join(
        f'<tr><th scope="row">{escape(names[name])} <small>{formula}</small></th>'
        '<td><button type="button" role="radio"><i></i></button></td><td></td></tr>'
        for name, formula in FORMULAS.items()
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(say(f"explorer.costs.{name}"))}</th><td></td><td></td></tr>'
        for name, _ in CROSSINGS
    )
    return (
        f'<p class="tx-title">{text["title"]}</p>'
        f'<div class="tx-ask" data-ref="ask"><p>{text["guess"]}</p><div class="tx-row">'
        + _buttons(say("explorer.costs.answers").split("|"))
        + f'</div></div><div class="tx-row tx-sliders">{sliders}</div>'
        f'<div class="tx-row" role="group" aria-label="{text["models"]}" data-ref="models"><span>{text["models"]}</span>'
        + _buttons(MODELS)
        + '</div><div class="tx-slot"></div>'
        f'<div class="tx-scroll"><table><caption>{text["bars"]}</caption>'
        f'<tbody role="radiogroup" aria-label="{text["bars"]}" data-ref="bars">{bars}</tbody></table></div>'
        f'<div class="tx-row"><label><input type="checkbox" data-ref="log">{text["logarithmic"]}</label></div>'
        '<p class="tx-spell" data-ref="spelled"></p><p data-ref="chain"></p>'
        f'<div class="tx-scroll" data-ref="later" hidden><table><thead><tr><th scope="col">{text["compared"]}</th>'
        f'<th scope="col">{text["equal"]}</th><th scope="col">{text["now"]}</th></tr></thead>'
        f'<tbody data-ref="rows">{rows}</tbody></table></div><p class="tx-quiet">{text["legend"]}</p>'
    )


def _buttons(texts: Iterable[str]) -> str:
    return "".join(control(text) for text in texts)
