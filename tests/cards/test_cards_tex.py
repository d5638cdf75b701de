"""Slips in a formula are found when the deck is built, not on the learner's phone."""

from __future__ import annotations

import pytest

from course_lib.cards.tex import MAX_CHARACTERS, tex_problem

GOOD = [
    r"\frac{a}{b}", r"\frac12", r"\sqrt{x}", r"\sqrt[3]{x}", r"\left( x \right)", r"\left\{ x \right.",
    r"\left\langle a \middle| b \right\rangle", r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
    r"\begin{matrix} 1 & 2 \\[2pt] 3 & 4 \end{matrix}", r"\{a\}", r"100\,\%", r"\text{a} \& b", r"x^{a_b}", r"x_\text{max}",
    r"\operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V", r"a < b", r"{}^2 x", r"\hat y", r"f'(x)",
    r"p_i(\delta_{ij} - p_j)", r"\underbrace{x}_{n}", r"\left.\frac{a}{b}\right|_{x=0}",
]  # fmt: skip

BAD = [
    (r"\frac{a", "{ is never closed"), (r"\frac{a}", r"\frac lacks its argument"), (r"a}", "} closes nothing"),
    (r"\sqrt", r"\sqrt lacks its argument"), (r"\left( x", r"\left is never closed"), (r"x \right)", r"\right closes"),
    (r"\left( {x \right)}", r"\right comes while { is open"), (r"\left x \right)", r"\left lacks its bracket"),
    (r"\begin{aligned} a", r"\begin{aligned} is never closed"), (r"\end{aligned}", r"\end{aligned} closes nothing"),
    (r"\begin{matrix} a \end{aligned}", r"\end{aligned}"), (r"\begin x", r"\begin lacks its argument"),
    ("a & b", "& outside a table"), ("50%", "% hides"), ("x^", "^ lacks its argument"), ("{x_}", "_ lacks its argument"),
    (r"a \) b", r"\) would end the formula"), (r"\[ a", r"\[ would end"), ("a\\", "backslash"), ("  ", "nothing"),
    (r"\middle| a", r"\middle closes nothing"), ("x" * (MAX_CHARACTERS + 1), "characters"),
]  # fmt: skip


@pytest.mark.parametrize("tex", GOOD)
def test_sound_formulas_pass(tex):
    assert tex_problem(tex) is None


@pytest.mark.parametrize(("tex", "message"), BAD)
def test_slips_are_named(tex, message):
    problem = tex_problem(tex)
    assert problem is not None and message in problem, problem
