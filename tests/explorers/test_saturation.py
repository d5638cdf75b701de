"""Saturation: the page's numbers are torch's, and what it says about them holds."""

from __future__ import annotations

import math

import pytest
import torch
from explorers_03 import SIZES, drawn_scores, randn, saturation

from course_lib.explorers import explore_saturation
from course_lib.explorers.saturation import SHOWN, sharpness
from course_lib.language import LANGUAGES, use_language


def test_sharpness_is_what_autograd_and_the_definitions_give():
    scores = 3 * randn(4, 6, seed=1)
    measured = sharpness(scores)
    for row in range(4):
        a = scores[row].softmax(-1)
        jacobian = torch.autograd.functional.jacobian(lambda s: s.softmax(-1), scores[row])
        assert measured["largest"][row] == a.max()
        assert torch.allclose(measured["entropy"][row], torch.distributions.Categorical(a).entropy())
        assert torch.allclose(measured["jacobian"][row], torch.linalg.matrix_norm(jacobian))


def test_sharpness_of_a_mere_choice_is_finite():
    measured = sharpness(torch.tensor([[0.0, 2000.0]], dtype=torch.float64))
    assert [float(number) for number in measured.values()] == [1, 0, 0]


def test_the_medians_are_those_of_the_lesson():
    """The figures that the lesson's cell "scale-variance" prints for the sizes that both have."""
    medians = dict(zip(("largest", "entropy", "jacobian"), saturation().data["medians"], strict=True))
    for d_k in (1, 4, 16, 64, 256, 1024):
        raw, at = drawn_scores()[d_k], SIZES.index(d_k)
        for divided, s in ((0, raw), (1, raw / math.sqrt(d_k))):
            a = s.softmax(dim=-1)
            entropy = -(a * a.clamp_min(1e-300).log()).sum(-1)
            jacobian = torch.diag_embed(a) - a[:, :, None] * a[:, None, :]
            assert medians["entropy"][divided][at] == pytest.approx(float(entropy.median()), abs=6e-5)
            norm = torch.linalg.matrix_norm(jacobian).median()
            assert medians["jacobian"][divided][at] == pytest.approx(float(norm), abs=6e-5)
            assert medians["largest"][divided][at] == pytest.approx(float(a.amax(-1).median()), abs=6e-5)


def test_what_the_learner_is_to_see_is_there():
    largest, entropy, jacobian = saturation().data["medians"]
    assert largest[0][-1] > 0.99 and max(largest[1]) < 0.2
    assert entropy[0][-1] < 0.01 and min(entropy[1]) > 2.9
    assert jacobian[0][-1] < 0.001 < 0.2 < min(jacobian[1])
    assert max(jacobian[0]) > 1.5 * jacobian[0][0], "undivided, the norm first rises"


def test_the_summary_and_the_table_hold_the_medians():
    explorer = saturation()
    (u, d), _, (k, j) = explorer.data["medians"]
    for curve in (u, d, k, j):
        for number in (curve[0], curve[-1]):
            assert f"{number:.4f}" in repr(explorer)
    for at, size in enumerate(SIZES):
        assert f'<th scope="row">{size}</th><td>{d[at]:.4f} / {u[at]:.4f}</td>' in explorer.static


STATES = """({query, sizes}) => {
  const root = document.querySelector(".tx-explorer"), range = root.querySelector("input[type=range]");
  root.querySelectorAll("[data-ref=draw] button")[query].click();
  return sizes.map((_, at) => {
    range.value = at;
    range.dispatchEvent(new Event("input"));
    const bars = [...root.querySelectorAll(".tx-bars button")].map(bar => ({weight: +bar.value, label: bar.ariaLabel, drawn: +bar.style.getPropertyValue("--w")}));
    return {bars, measures: root.querySelector(".tx-tiles").dataset.values.split(" ").map(Number), view: root.dataset.view,
      says: root.querySelector(".tx-spell").textContent, text: root.innerText};
  });
}"""


def undivided(shown, guess: int = 2) -> None:
    """Predict, then leave the division out."""
    shown.root.locator("input[type=checkbox]").click()
    shown.root.locator(".tx-ask button").nth(guess).click()


def test_every_state_computes_what_torch_computes(bare):
    shown = bare(saturation())
    views = set()
    for divided in (1, 0):
        if not divided:
            undivided(shown)
        for query in range(SHOWN):
            for d_k, state in zip(SIZES, shown.page.evaluate(STATES, {"query": query, "sizes": SIZES}), strict=True):
                assert state["view"] == f"{d_k}.{divided}.{query}.0"
                views.add(state["view"])
                # What stands in the page are the scores with four decimals.
                kept = (drawn_scores()[d_k][query] * 1e4).round() / 1e4
                scores = kept / math.sqrt(d_k) if divided else kept
                weights, order = scores.softmax(-1).sort(descending=True, stable=True)
                assert [bar["weight"] for bar in state["bars"]] == pytest.approx(weights.tolist(), abs=1e-9)
                assert [bar["drawn"] for bar in state["bars"]] == pytest.approx(weights.tolist(), abs=1e-6)
                labels = [bar["label"] for bar in state["bars"]]
                assert labels[0] == f"key {int(order[0]) + 1}, weight {float(weights[0]):.4f}"
                wanted = [float(number[0]) for number in sharpness(scores[None]).values()]
                assert state["measures"] == pytest.approx(wanted, abs=1e-6, rel=1e-6)
                exact = drawn_scores()[d_k][query] / (math.sqrt(d_k) if divided else 1)
                assert state["measures"] == pytest.approx(
                    [float(n[0]) for n in sharpness(exact[None]).values()], abs=2e-4
                )
                assert f"Key {int(order[0]) + 1}: score {float(kept[order[0]]):.4f}" in state["says"].replace("−", "-")
                assert (f" / √{d_k} = " in state["says"]) == bool(divided)
                assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))
    assert len(views) == 2 * SHOWN * len(SIZES)


def test_leaving_the_division_out_needs_a_prediction_which_is_judged(bare):
    for guess, verdict in (
        (0, "You predicted “about 0.03, like all the others”; it is 0.9999."),
        (2, "As you predicted."),
    ):
        shown = bare(saturation())
        dashed = shown.root.locator(".tx-dashed")
        shown.root.locator("input[type=checkbox]").click()
        assert shown.view == "4.1.0.0" and shown.root.locator("input[type=checkbox]").is_checked()
        assert not dashed.first.is_visible(), "the curves would give the answer away"
        shown.root.locator(".tx-ask button").nth(guess).click()
        assert shown.view == "4.0.0.0" and dashed.first.is_visible()
        assert not shown.root.locator("input[type=checkbox]").is_checked()
        for _ in range(8):
            shown.page.keyboard.press("ArrowRight")  # the slider has the focus
        assert shown.view == "1024.0.0.0"
        assert shown.said.endswith(verdict)
        shown.root.locator("input[type=checkbox]").click()
        assert shown.view == "1024.1.0.0" and "stays soft" in shown.said


def test_the_slider_answers_to_arrows(bare):
    shown = bare(saturation())
    shown.root.locator("input[type=range]").focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.view == "2.1.0.0"
    assert shown.root.locator("input[type=range]").get_attribute("aria-valuetext") == "d_k = 2"


def test_bars_are_chosen_by_arrows_and_previewed_by_the_mouse(bare):
    shown = bare(saturation())
    bars, spelled = shown.root.locator(".tx-bars button"), shown.root.locator(".tx-spell")
    first = spelled.inner_text()
    bars.nth(3).hover()
    third = spelled.inner_text()
    assert third != first and shown.view == "4.1.0.0"
    shown.page.mouse.move(2, 2)
    assert spelled.inner_text() == first
    bars.first.focus()
    for _ in range(3):
        shown.page.keyboard.press("ArrowRight")
    assert spelled.inner_text() == third and shown.view == "4.1.0.3"
    assert bars.nth(3).get_attribute("aria-checked") == "true"
    assert shown.root.locator(".tx-bars [tabindex='0']").count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_can_be_read_on_a_phone(bare, theme, lang):
    use_language(lang)
    try:
        explorer = saturation()
    finally:
        use_language("en")
    shown = bare(explorer, theme=theme, width=390)
    assert shown.contrasts() == [] and shown.overflow() == []
    shown.root.locator("input[type=checkbox]").click()
    assert shown.contrasts() == [] and shown.overflow() == []
    shown.root.locator(".tx-ask button").first.click()
    for _ in range(8):
        shown.page.keyboard.press("ArrowRight")
    assert shown.contrasts() == [] and shown.overflow() == []


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({4: randn(5, 3, seed=1)}, "two or more"),
        ({4: randn(5, 3, seed=1), 2: randn(5, 3, seed=1)}, "rising"),
        ({1: randn(5, 3, seed=1), 2: randn(5, 3, seed=1)}, "among them 4"),
        ({4: randn(5, 3, seed=1), 8: randn(5, 4, seed=1)}, "one shape"),
        ({4: randn(4, 3, seed=1), 8: randn(4, 3, seed=1)}, "N ≥ 5"),
        ({4: randn(5, seed=1), 8: randn(5, seed=1)}, "one shape"),
    ],
)
def test_what_does_not_fit_is_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        explore_saturation(scores)
