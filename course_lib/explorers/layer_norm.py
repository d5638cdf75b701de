"""Explorer 8b, LayerNorm: mean 0 and standard deviation 1 whatever the vector is, and then γ and β decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from course_lib.explorers.page import Explorer, control, radios, table, words
from course_lib.language import say

__all__ = ["explore_layer_norm"]

FEATURES = 5
"""D: as many sliders fit a phone side by side."""

LARGEST = 5
"""A slider goes from −5 to 5."""

STEP = 0.5

FACTOR, SHIFT = 10, 100
"""What the two buttons do to x: ten times as large, and then 100 more."""

GAMMA, BETA = 1.5, 1
"""The largest γ and β in absolute value."""

REACH = 4.0
"""The end of the axis of z and of γz + β. |z| ≤ √(D − 1) = 2 for five features, so that |γz + β| ≤ 1.5 · 2 + 1."""

EPS = 1e-5
"""ε, as in :data:`course_lib.normalisation.EPS` (a test compares them), which would bring torch along."""

Vector = list[float]


def explore_layer_norm(x: Any = (3, -1, 0.5, 4, -2)) -> Explorer:
    """One token's five features, their z = (x − μ)/√(σ² + ε), and γz + β.

    The learner moves the features, makes x ten times as large or adds 100 to it, and chooses γ and β, which are the same
    for all features unless β is given to one alone. The page computes in double precision what
    :func:`course_lib.normalisation.layer_norm` computes (a test compares them).

    Args:
        x: the features to begin with: five numbers from −5 to 5, multiples of 0.5; a tensor, an array or a list.

    Raises:
        ValueError: if ``x`` is no such vector.
    """
    start = _checked(x)
    moved = [FACTOR * number + SHIFT for number in start]
    z, far = _normalised(start), _normalised(moved)
    y = [0.5 * number + 1 for number in z]
    rows = [("x", start, 1), ("10x + 100", moved, 1), (say("explorer.layer_norm.of", of="x"), z, 3)]
    rows += [(say("explorer.layer_norm.of", of="10x + 100"), far, 3), ("0.5z + 1", y, 3)]
    (mu, sigma), (mu_far, sigma_far) = _moments(start), _moments(moved)
    return Explorer(
        "layer_norm",
        data={
            "answers": say("explorer.layer_norm.answers").split("|"),
            "eps": EPS,
            "factor": FACTOR,
            "frame": _frame(start),
            "largest": LARGEST,
            "reach": REACH,
            "shift": SHIFT,
            "words": words("layer_norm"),
        },
        label=say("explorer.layer_norm.label"),
        summary=say(
            "explorer.layer_norm.summary",
            x=_list(start, 1),
            mu=_number(mu),
            sigma=_number(sigma),
            z=_list(z, 3),
            mu_far=_number(mu_far),
            sigma_far=_number(sigma_far),
        ),
        static=table(
            say("explorer.layer_norm.table"),
            [
                "",
                *(str(i + 1) for i in range(FEATURES)),
                say("explorer.layer_norm.mean"),
                say("explorer.layer_norm.deviation"),
            ],
            [
                [name, *(_number(number, digits) for number in vector), *map(_number, _moments(vector))]
                for name, vector, digits in rows
            ],
        ),
        digits=6,
    )


def _checked(given: Any) -> Vector:
    """The features; tensors and arrays are recognised by what they can do, so that torch need not be imported."""
    numbers = given.detach() if hasattr(given, "detach") else given
    numbers = numbers.tolist() if hasattr(numbers, "tolist") else numbers
    try:
        x = [float(number) for number in numbers]
    except (TypeError, ValueError):
        raise ValueError(f"x must be one vector of {FEATURES} numbers, not {given!r:.60}") from None
    if len(x) != FEATURES:
        raise ValueError(f"x must have {FEATURES} features, not {len(x)}")
    for at, number in enumerate(x):
        if not abs(number) <= LARGEST or number % STEP:
            raise ValueError(f"x[{at}] must be a multiple of {STEP} from −{LARGEST} to {LARGEST}, not {number}")
    return x


def _moments(vector: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation; the variance is biased, as in LayerNorm."""
    mean = math.fsum(vector) / len(vector)
    return mean, math.sqrt(math.fsum((number - mean) ** 2 for number in vector) / len(vector))


def _normalised(vector: Sequence[float]) -> Vector:
    mean, deviation = _moments(vector)
    return [(number - mean) / math.sqrt(deviation**2 + EPS) for number in vector]


def _frame(start: Vector) -> str:
    keys = ("title", "changes", "reset", "beta_at", "bars")
    text = {key: escape(say(f"explorer.layer_norm.{key}")) for key in keys}
    head = "".join(f'<th scope="col">{i + 1}</th>' for i in range(FEATURES))
    sliders = "".join(
        f'<td><input type="range" min="{-LARGEST}" max="{LARGEST}" step="{STEP}" value="{number:g}" '
        f'aria-label="{escape(say("explorer.layer_norm.feature", i=i + 1))}"></td>'
        for i, number in enumerate(start)
    )
    rows = "".join(
        f'<tr data-ref="{ref}"><th scope="row">{name}</th>{"<td><div><i></i></div><span></span></td>" * FEATURES}</tr>'
        f'<tr class="tx-under"><td colspan="{FEATURES + 1}" data-ref="{ref}_under"></td></tr>'
        for ref, name in (("x", "x"), ("z", "z"), ("y", "γz + β"))
    )
    ranges = "".join(
        f'<label>{name} <b></b><input type="range" min="{-most}" max="{most}" step="0.25" value="{value}" data-ref="{ref}"></label>'
        for ref, name, most, value in (("gamma", "γ", GAMMA, 1), ("beta", "β", BETA, 0))
    )
    options = [say("explorer.layer_norm.all"), *(str(i + 1) for i in range(FEATURES))]
    return (
        f'<p class="tx-title">{text["title"]}</p>'
        f'<div class="tx-row" role="group" aria-label="{text["changes"]}" data-ref="changes"><span>{text["changes"]}</span>'
        + control(f"×{FACTOR}")
        + control(f"+{SHIFT}")
        + control(say("explorer.layer_norm.reset"), ref="reset")
        + f'</div><div data-ref="question"></div><div class="tx-scroll"><table><caption>{text["bars"]}</caption>'
        f'<thead><tr><td></td>{head}</tr></thead><tbody><tr data-ref="sliders"><td></td>{sliders}</tr>{rows}</tbody></table></div>'
        f'<div class="tx-row">{ranges}</div>'
        + radios(say("explorer.layer_norm.beta_at"), options, "at")
        + '<div class="tx-slot"></div><p class="tx-quiet" data-ref="note"></p>'
    )


def _number(value: float, digits: int = 3) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")


def _list(vector: Vector, digits: int) -> str:
    return f"({', '.join(_number(number, digits) for number in vector)})"
