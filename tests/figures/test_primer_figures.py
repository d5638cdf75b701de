"""The figures of the primer: the diagrams show what the formulas give, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import math
import re

import pytest
import torch
from lesson_figures import (  # noqa: F401
    OF_ATTENTION,
    assert_both_languages_have_the_same_numbers,
    assert_differ_by_more_than_colour,
    assert_every_label_is_used,
    assert_has_its_two_texts,
    assert_is_shown_twice_alike,
    assert_is_whole_and_legible,
    assert_keeps_off_the_colours_of_attention,
    assert_no_two_texts_overlap,
    both_languages,
    catalogue,
    colours,
    labels,
    session_as_it_was,
)
from matplotlib.figure import Figure

from course_lib import language
from course_lib.figures import drawings
from course_lib.figures import primer as diagrams
from course_lib.figures import primer_curves as curves

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("primer_curves")
DIAGRAMS = {"broadcasting", "matrix_product", "chain_rule"}
STEPS = range(0, 101, 10)
FITTED = [3.0 - 0.28 * i for i in range(11)]
HELD_OUT = [2.8 - 0.2 * i + 0.015 * i**2 for i in range(11)]


def whole_numbers(name: str) -> list[int]:
    """The labels of a diagram that are whole numbers, in the order of drawing."""
    return [int(text) for text in labels(name) if re.fullmatch(r"\d+", text)]


def draw() -> Figure:
    return curves.training(STEPS, FITTED, HELD_OUT, level=math.log(10))


# ---------------------------------------------------------------- diagrams


def test_the_primer_s_diagrams_exist_and_are_on_no_card() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_primer")}
    assert not any(drawings()[name].card for name in DIAGRAMS)


@pytest.mark.parametrize("name", sorted(DIAGRAMS))
def test_a_diagram_keeps_off_the_colours_of_attention(name: str) -> None:
    assert not colours(name) & OF_ATTENTION


def test_the_sum_is_that_of_broadcasting() -> None:
    column, row = torch.tensor(diagrams.COLUMN)[:, None], torch.tensor(diagrams.ROW)
    total = column + row
    shown = torch.tensor(whole_numbers("broadcasting")).reshape(3, *total.shape)
    assert torch.equal(shown, torch.stack([column.expand_as(total), row.expand_as(total), total]))
    shapes = [tuple(map(int, re.findall(r"\d", text))) for text in labels("broadcasting") if text.startswith("(")]
    assert shapes == [tuple(column.shape), (1, *row.shape), tuple(total.shape)]


@both_languages
def test_the_product_is_that_of_the_factors(lang: str) -> None:
    language.use_language(lang)
    left, right = (torch.tensor(factor, dtype=torch.int64) for factor in (diagrams.LEFT, diagrams.RIGHT))
    sizes = left.numel(), right.numel(), len(left) * right.shape[1]
    a, b, product = torch.tensor(whole_numbers("matrix_product")).split(sizes)
    assert torch.equal(a, left.flatten()) and torch.equal(b, right.flatten())
    assert torch.equal(product, (left @ right).flatten())
    i, j = diagrams.CHOSEN
    (worked,) = (text for text in labels("matrix_product") if "·" in text and "=" in text and "24" not in text)
    terms, result = worked.split(" = ")
    factors = [tuple(map(int, term.split("·"))) for term in terms.split(" + ")]
    assert factors == list(zip(left[i].tolist(), right[:, j].tolist(), strict=True))
    assert int(result) == sum(x * y for x, y in factors) == (left @ right)[i, j]
    (count,) = (text for text in labels("matrix_product") if "24" in text)
    assert count.startswith("3 · 4 · 2 = 24") and len(left) * len(right) * right.shape[1] == 24


def test_the_derivatives_are_those_of_autograd() -> None:
    w, x, b, t = (
        torch.tensor(float(number), requires_grad=True)
        for number in (diagrams.W, diagrams.X, diagrams.B, diagrams.TARGET)
    )
    inner = w * x
    y = inner + b
    e = y - t
    loss = e**2
    named = {"w": w, "x": x, "wx": inner, "b": b, "y": y, "e": e, "L": loss}
    gradients = torch.autograd.grad(loss, list(named.values()))
    texts = labels("chain_rule")
    for (name, value), gradient in zip(named.items(), gradients, strict=True):
        place = texts.index(f"${name}$ = {value.item():g}")
        assert float(texts[place + 1]) == gradient, name
    assert texts[texts.index("$t$ = 5") + 1].startswith("$e$"), "a target has no derivative"


# ---------------------------------------------------------------- the curve


@both_languages
def test_the_curve_is_whole_and_shows_what_it_is_given(lang: str) -> None:
    language.use_language(lang)
    figure = draw()
    level, fitted, held_out = figure.axes[0].get_lines()
    assert set(level.get_ydata()) == {math.log(10)}
    assert (list(fitted.get_ydata()), list(held_out.get_ydata())) == (FITTED, HELD_OUT)
    assert list(fitted.get_xdata()) == list(held_out.get_xdata()) == list(STEPS)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == [TEXTS[f"curves.primer-{name}"][lang] for name in ("fitted", "held-out")]
    assert_is_whole_and_legible(figure)
    assert_no_two_texts_overlap(figure)
    assert_keeps_off_the_colours_of_attention(figure)
    assert_differ_by_more_than_colour([fitted, held_out])


def test_the_texts_of_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_has_its_two_texts(TEXTS, ["primer_training"])
    assert_both_languages_have_the_same_numbers(TEXTS)
    assert_both_languages_have_the_same_numbers(catalogue("figures_primer"))
    assert_is_shown_twice_alike(draw, "primer_training", {}, monkeypatch)
    assert_every_label_is_used(TEXTS, [draw], monkeypatch)
