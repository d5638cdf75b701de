"""Attention by steps: what the page computes in every state is what torch computes, and what it says is true."""

from __future__ import annotations

import itertools
import math
import re

import pytest
import torch
from explorers_03 import TOKENS, W_K, W_Q, W_V, X, qkv_steps

from course_lib.attention import scaled_dot_product_attention
from course_lib.explorers import explore_qkv_steps
from course_lib.language import LANGUAGES, use_language

NOTHING, ROOT, SOFTMAX = range(3)  # what "break it" leaves out
SWAPS = [(0, 1), (1, 2), (0, 2)]  # the buttons, in order


def expected(query: int, left_out: int, owner: tuple[int, ...], x: torch.Tensor) -> dict[int, list[float]]:
    """The numbers that can be chosen in each step, in the order of the page, computed with torch."""
    Q, K, V = x @ W_Q, x @ W_K, (x @ W_V)[list(owner)]
    scores = Q[query] @ K.T
    scaled = scores / (1 if left_out == ROOT else math.sqrt(Q.shape[-1]))
    weights = scaled if left_out == SOFTMAX else scaled.softmax(-1)
    if left_out == NOTHING:
        output, packaged = scaled_dot_product_attention(Q, K, V)
        assert torch.equal(packaged[query], weights)
        assert torch.allclose(output[query], weights @ V)
    powers = scaled.exp()
    fourth = torch.stack([powers, weights], dim=-1)
    if left_out == SOFTMAX:
        fourth = weights[:, None]
    return {
        1: torch.cat([Q, K, V], dim=-1).flatten().tolist(),
        2: scores.tolist(),
        3: scaled.tolist(),
        4: [*fourth.flatten().tolist(), *fourth.sum(0).tolist()],
        5: (weights[:, None] * V).flatten().tolist(),
        6: (weights @ V).tolist(),
    }


# Puts the page into a state through its controls and reads the numbers of all steps. Answers every question at once.
COMPUTED = """async ({query, leftOut, swaps, x}) => {
  const root = document.querySelector(".tx-explorer"), press = (group, i) => root.querySelectorAll(`[data-ref=${group}] button`)[i].click();
  const answer = () => root.querySelector(".tx-ask button")?.click();
  root.querySelector("[data-ref=reset]").click();
  press("query", query);
  press("step", 1); answer();
  press("step", 0);
  for (const [i, value] of x.entries()) {
    const field = root.querySelectorAll("input")[i];
    if (+field.value === value) continue;
    field.value = value;
    field.dispatchEvent(new Event("change"));
    await new Promise(done => setTimeout(done));
  }
  press("leave", leftOut);
  for (const i of swaps) { press("swaps", i); answer(); }
  const found = {};
  for (let step = 1; step <= 6; step++) {
    press("step", step - 1);
    found[step] = [...root.querySelectorAll("button.tx-cell")].map(cell => {
      cell.dispatchEvent(new Event("mouseenter"));
      return {value: +cell.value, text: cell.textContent, says: root.querySelector("[data-ref=spelled]").textContent};
    });
  }
  return {found, view: root.dataset.view, text: root.innerText};
}"""


def states():
    """Every query, every break, rows of V swapped none, once in each way and twice, three inputs."""
    inputs = (X.flatten().tolist(), [2, -1, 0.5, 1, -1, 3], [-3, 3, 3, -3, 3, 3])
    return itertools.product(range(3), (NOTHING, ROOT, SOFTMAX), ((), (0,), (1,), (2,), (0, 1)), inputs)


def owners(swaps: tuple[int, ...]) -> tuple[int, ...]:
    rows = list(range(3))
    for swap in swaps:
        i, j = SWAPS[swap]
        rows[i], rows[j] = rows[j], rows[i]
    return tuple(rows)


def value_of(arithmetic: str) -> float:
    """The value of the arithmetic that the page spells out, as a reader works it out."""
    text = re.sub(r"√(\d+)", r"math.sqrt(\1)", arithmetic.replace("−", "-").replace("·", "*"))
    text = re.sub(r"exp (\(.*?\)|\S+)", r"math.exp(\1)", text)
    return eval(text, {"math": math})  # our own page's text, of digits and signs


def test_every_state_computes_what_torch_computes(bare):
    shown = bare(qkv_steps())
    views = set()
    checked = 0
    for query, left_out, swaps, x in states():
        state = {"query": query, "leftOut": left_out, "swaps": swaps, "x": x}
        answer = shown.page.evaluate(COMPUTED, state)
        views.add(answer["view"])
        wanted = expected(query, left_out, owners(swaps), torch.tensor(x, dtype=torch.float64).reshape(3, 2))
        for step in range(1, 7):
            cells = answer["found"][str(step)]
            numbers = [cell["value"] for cell in cells]
            assert len(numbers) == len(wanted[step]), (state, step)
            for cell, number in zip(cells, wanted[step], strict=True):
                assert cell["value"] == pytest.approx(number, abs=1e-6, rel=1e-9), (state, step)
                _, arithmetic, result = cell["says"].split(" = ")
                assert result.strip("()") == cell["text"]
                shown_number = float(cell["text"].replace("−", "-"))
                assert shown_number == pytest.approx(number, abs=5.1e-5, rel=6e-3)
                if re.fullmatch(r"[\d.+\-−·/√() e]+|exp .*", arithmetic):
                    # The terms are rounded to four decimals, large ones to three figures.
                    assert value_of(arithmetic) == pytest.approx(number, rel=2e-2, abs=2e-3), (state, step, cell)
                    checked += 1
                else:
                    assert arithmetic in ("q·k", "s")
        assert "undefined" not in answer["text"] and "NaN" not in answer["text"] and "{" not in answer["text"]
    assert len(views) == 3 * 3 * 5 * 3 and checked > 5000


def test_the_numbers_are_the_lessons():
    explorer = qkv_steps()
    text = repr(explorer)
    for number in ("animal 0.7054", "street 0.0351", "it 0.2595", "(0.9649, 0.8838, 2.2244)"):
        assert number in text
    for cell in ("(−1, 0, 0, −1)", "0.7054", "(1, 3, 3)", "(0.9649, 0.8838, 2.2244)"):
        assert f">{cell}<" in explorer.static


def test_the_arithmetic_of_a_component_of_a_key(bare):
    shown = bare(qkv_steps())
    shown.root.get_by_role("radio", name="2", exact=True).first.hover()
    assert (
        shown.root.locator("[data-ref=spelled]").inner_text().replace("\n", "") == "kanimal, 1 = 1 · 2 + 0 · (−1) = 2"
    )


# ------------------------------------------------------------------------------------------- what the learner meets


def step(shown, number: int) -> None:
    shown.root.locator("[data-ref=step] button").nth(number - 1).click()


def answer(shown, number: int) -> None:
    shown.root.locator(".tx-ask button").nth(number).click()


def test_the_guess_comes_before_the_scores_and_is_judged(bare):
    for guess, verdict in ((0, "As you predicted, “animal”"), (1, "You predicted “street”, but “animal”")):
        shown = bare(qkv_steps())
        step(shown, 4)
        assert shown.view.startswith("2.1."), "no scores before the prediction"
        assert "predict" in shown.root.locator(".tx-ask").inner_text()
        answer(shown, guess)
        assert shown.view.startswith("2.4.")
        assert shown.root.locator(".tx-ask").count() == 0
        assert verdict in shown.said
        assert shown.page.evaluate("document.activeElement.dataset.ref") == "next"


@pytest.mark.parametrize(
    ("expectation", "verdict"),
    [(0, "Not what you predicted."), (1, "You predicted it."), (2, "Not what you predicted.")],
)
def test_swapping_values_leaves_the_weights(bare, expectation, verdict):
    shown = bare(qkv_steps())
    assert not shown.root.locator("[data-ref=swaps]").is_visible(), "before there are values to weigh"
    step(shown, 6)
    answer(shown, 0)
    weights = [e.inner_text() for e in shown.root.locator("td .tx-a").all()]
    swap = shown.root.locator("[data-ref=swaps] button")
    swap.nth(0).click()
    assert ".012." in shown.view, "nothing moves before the prediction"
    answer(shown, expectation)
    assert ".102." in shown.view
    assert shown.said.startswith(verdict) and "The weights are as they were; the output moved" in shown.said
    assert [e.inner_text() for e in shown.root.locator("td .tx-a").all()] == weights
    swap.nth(0).click()  # asked once only
    assert ".012." in shown.view and "moved from (0.2946, 2.8946, 1.5541) to (0.9649, 0.8838, 2.2244)" in shown.said


def test_changing_the_input_changes_both(bare):
    shown = bare(qkv_steps())
    field = shown.root.get_by_label("x animal, 1")
    field.fill("2")
    field.press("Tab")
    shown.page.wait_for_function("() => document.querySelector('.tx-explorer').dataset.view.endsWith('2,0,0,1,1,1')")
    assert "The weights changed, and the output with them" in shown.said
    assert shown.page.evaluate("document.activeElement.getAttribute('aria-label')") == "x animal, 2"
    for text, kept in (("99", "3"), ("-99", "-3"), ("", "0")):
        field.fill(text)
        field.press("Enter")
        shown.page.wait_for_function(
            f"() => document.querySelector('.tx-explorer').dataset.view.endsWith('{kept},0,0,1,1,1')"
        )
    shown.root.locator("[data-ref=reset]").click()
    assert shown.view == "2.1.0.0.012.1,0,0,1,1,1"


def test_a_change_that_this_query_does_not_notice_is_called_so(bare):
    """Two equal values swapped: neither weights nor output move."""
    same = torch.ones(2, 3, dtype=torch.float64)
    shown = bare(explore_qkv_steps(["a", "b"], same[:, :2], W_Q, W_K, W_V))
    step(shown, 6)
    answer(shown, 0)
    shown.root.locator("[data-ref=swaps] button").click()
    answer(shown, 1)
    assert "nothing changed" in shown.said


def test_without_softmax_a_weight_is_negative(bare):
    shown = bare(qkv_steps())
    step(shown, 4)
    answer(shown, 0)
    shown.root.locator("[data-ref=leave] button").nth(2).click()
    assert "animal 2, street −1, it 1, together 2" in shown.said
    assert shown.root.locator("i.tx-minus").count() == 1


def test_hovering_previews_and_a_click_stays(bare):
    shown = bare(qkv_steps())
    spelled, cells = shown.root.locator("[data-ref=spelled]"), shown.root.locator("button.tx-cell")
    first, before = spelled.inner_text(), shown.view
    cells.nth(5).hover()
    assert spelled.inner_text() != first and shown.view == before
    shown.page.mouse.move(5, 5)
    assert spelled.inner_text() == first
    cells.nth(5).click()
    shown.page.mouse.move(5, 5)
    assert spelled.inner_text() != first and shown.view == "2.1.5.0.012.1,0,0,1,1,1"


def test_arrows_walk_through_the_numbers(bare):
    shown = bare(qkv_steps())
    shown.root.locator("button.tx-cell").first.focus()
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowDown", 12),
        ("ArrowDown", 23),
        ("ArrowLeft", 22),
        ("ArrowUp", 11),
        ("End", 32),
        ("ArrowRight", 0),
        ("Home", 0),
    ):
        shown.page.keyboard.press(key)
        assert shown.view.split(".")[2] == str(place), key
        assert (
            shown.page.evaluate("[...document.querySelectorAll('button.tx-cell')].indexOf(document.activeElement)")
            == place
        )
    assert shown.root.locator("button.tx-cell[tabindex='0']").count() == 1


def test_arrows_choose_query_and_step(bare):
    shown = bare(qkv_steps())
    shown.root.locator("[data-ref=query] [tabindex='0']").focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.view.startswith("0.1.")
    assert shown.page.evaluate("document.activeElement.textContent") == "animal"
    assert shown.root.locator("[data-ref=query] [aria-checked=true]").inner_text() == "animal"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_step_can_be_read_on_a_phone(bare, theme, lang):
    use_language(lang)
    try:
        explorer = qkv_steps()
    finally:
        use_language("en")
    shown = bare(explorer, theme=theme, width=390)
    for number in range(1, 7):
        step(shown, number)
        assert shown.contrasts() == [] and shown.overflow() == [], number
        if number == 2:
            answer(shown, 0)
    table = shown.page.evaluate(
        "(() => { const s = document.querySelector('.tx-scroll'); return s.scrollWidth - s.clientWidth; })()"
    )
    assert table <= 0
    shown.root.locator("[data-ref=swaps] button").first.click()
    assert shown.contrasts() == [] and shown.overflow() == []


def test_the_first_step_fits_a_phone_without_scrolling(bare):
    shown = bare(qkv_steps(), width=390)
    assert (
        shown.page.evaluate(
            "(() => { const s = document.querySelector('.tx-scroll'); return s.scrollWidth - s.clientWidth; })()"
        )
        <= 0
    )


def test_hostile_tokens_are_shown_as_they_are(bare):
    tokens = ["</script><b>", "\"a\" & 'b'", "<img src=x>"]
    shown = bare(qkv_steps(tokens))
    assert [cell.inner_text() for cell in shown.root.locator("tbody th").all()] == tokens
    state = {"query": 1, "leftOut": 0, "swaps": [0], "x": [1, 2, 3, 1, 2, 3]}
    answered = shown.page.evaluate(COMPUTED, state)
    assert all(token in answered["text"] for token in tokens)
    shown.root.locator("button.tx-cell").last.focus()
    shown.root.locator("[data-ref=reset]").evaluate("button => button.click()")  # draws anew under the focus
    assert shown.page.evaluate("document.activeElement.className").startswith("tx-cell")
    assert shown.page.locator("img").count() == 0


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "b"], X, W_Q, W_K, W_V), "2 tokens need x"),
        ((TOKENS, X, W_Q, W_V, W_V), "W_Q and W_K"),
        ((TOKENS, X, W_Q.T, W_K.T, W_V), "not"),
        ((TOKENS, X[:, 0], W_Q, W_K, W_V), "need x"),
        ((TOKENS[:1], X[:1], W_Q, W_K, W_V), "2 to 6 tokens"),
        ((TOKENS, X, torch.ones(2, 6), torch.ones(2, 6), W_V), "5 numbers"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        explore_qkv_steps(*arguments)


def test_an_unknown_query_is_refused():
    with pytest.raises(IndexError):
        explore_qkv_steps(TOKENS, X, W_Q, W_K, W_V, query=3)
