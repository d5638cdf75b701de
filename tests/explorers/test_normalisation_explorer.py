"""The two explorers of lesson 06: the gradients are the encoder's, and the page normalises as course_lib.normalisation."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from explorer_checks import assert_bytes_hang_on_the_language_alone

from course_lib import gradient_flow, normalisation
from course_lib.encoder import Encoder
from course_lib.explorers import Explorer, explore_depth, explore_layer_norm, page
from course_lib.explorers.depth import DEPTHS, shown
from course_lib.explorers.layer_norm import EPS
from course_lib.language import LANGUAGES, use_language
from course_lib.normalisation import layer_norm

PACKAGE = Path(page.__file__).parent
TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_encoder_block.toml").read_text("utf-8"))
NORMS = ("none", "pre", "post")
KINDS = [(residual, norm) for residual in (0, 1) for norm in range(3)]
X = (3, -1, 0.5, 4, -2)


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


@cache
def made(kind: str, lang: str = "en") -> Explorer:
    use_language(lang)
    return {"depth": explore_depth, "layer_norm": explore_layer_norm}[kind]()


@cache
def profile(residual: int, norm: int, depth: int) -> list[float]:
    """Gradients by ``backward`` through an encoder that is made here."""
    order = NORMS[norm] if norm else "pre"
    encoder = Encoder(
        depth,
        32,
        4,
        norm=order,
        final_norm=False,
        residual=bool(residual),
        generator=torch.Generator().manual_seed(0),
    )
    if not norm:
        for block in encoder.blocks:
            block.norm_1 = block.norm_2 = torch.nn.Identity()
    x, direction = gradient_flow.vectors_and_direction()
    assert x.shape == (8, 32)
    (encoder(x)[0] * direction).sum().backward()
    return [float(block.feed_forward.W_1.grad.norm()) for block in encoder.blocks]


def number(text: str) -> float:
    """A number as the page writes it."""
    mantissa, *power = text.replace("\u00a0", "").replace("−", "-").split("·10")
    powers = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    return float(mantissa) * (10.0 ** int(power[0].translate(powers)) if power else 1)


# ------------------------------------------------------------------------------------- both: the block of HTML, texts


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_the_block_is_within_the_limits_and_speaks_one_language(kind, lang):
    use_language(lang)
    explorer = made(kind, lang)
    block = explorer._repr_html_()
    assert 15_000 < len(block.encode()) <= 60_000 and len(page.script(kind).encode()) <= 8_192
    assert block.index('<div class="tx-static">') < block.index("<script")
    assert not re.findall(r"https?://(?!www\.w3\.org)|\b(?:fetch|require|import|eval)\b *\(|@import|url\(", block)
    assert "\n" not in repr(explorer) and bool(re.search("[а-я]", repr(explorer))) == (lang == "ru")
    assert bool(re.search("[а-я]", explorer.static)) == (lang == "ru")


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language():
    assert_bytes_hang_on_the_language_alone("test_normalisation_explorer", made, ("depth", "layer_norm"))


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_texts_have_the_same_fields_and_numbers_in_both_languages_and_are_all_used(kind):
    python, script = ((PACKAGE / f"{kind}.{end}").read_text("utf-8") for end in ("py", "js"))
    own = {key: wording for key, wording in TEXTS.items() if key.startswith(f"explorer.{kind}.")}
    assert len(own) >= 20
    for key, wording in own.items():
        for pattern in (r"\{(\w+)\}", r"\d{2,}"):
            found = [sorted(re.findall(pattern, wording[lang])) for lang in LANGUAGES]
            assert (found[0] if pattern[1] == "d" else set(found[0])) == (
                found[1] if pattern[1] == "d" else set(found[1])
            ), key
        word = key.removeprefix(f"explorer.{kind}.").removeprefix("ui.")
        numbered = re.sub(r"\d+$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".{kind}.{word}"] + [f'words["{numbered}" +'] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key
    assert {key.split(".")[1] for key in TEXTS} == {"depth", "layer_norm"}


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_the_style_names_no_colour_but_the_palette(kind):
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", (PACKAGE / f"{kind}.css").read_text("utf-8"))


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_importing_them_imports_no_torch(kind):
    # The gradients need torch; LayerNorm of five numbers does not.
    use = "e()" if kind == "layer_norm" else "e"
    code = f"import sys; from course_lib.explorers import explore_{kind} as e; {use}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_without_a_script_the_table_is_read(bare, kind):
    shown_page = bare(made(kind), script=False)
    assert shown_page.root.locator("table").is_visible() and shown_page.root.locator("tbody tr").count() >= 5
    assert shown_page.root.locator("button, input").count() == 0 and shown_page.contrasts() == []


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_it_comes_to_life_twice_on_a_page(bare, kind):
    opened = bare(made(kind)._repr_html_() * 2)
    roots = opened.page.locator(".tx-explorer")
    assert opened.page.evaluate("document.activeElement === document.body"), "an output takes no focus when it appears"
    views = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    press = "[data-ref=depth] button" if kind == "depth" else "[data-ref=at] button"
    roots.nth(1).locator(press).nth(2).click()
    after = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    assert views[0] == views[1] == after[0] != after[1]


@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_letters_typed_reach_nothing(bare, kind):
    opened = bare(made(kind))
    opened.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = opened.root.locator("[tabindex='0'], input, button:not([tabindex])")
    assert controls.count() == (4 if kind == "depth" else 3 + 5 + 2 + 1)
    for one in controls.all():
        for key in ("a", "d", "x", "1", "Escape"):
            one.focus()
            opened.page.keyboard.press(key)
    assert opened.page.evaluate("heard") == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390), ("dark", 390)])
@pytest.mark.parametrize("kind", ["depth", "layer_norm"])
def test_it_can_be_read_on_every_ground_and_on_a_phone(bare, kind, lang, theme, width):
    use_language(lang)
    opened = bare(made(kind, lang), theme=theme, width=width)

    def fits() -> None:
        assert opened.contrasts() == [] and opened.overflow() == []
        wide = opened.root.locator(".tx-scroll").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
        assert max(wide) <= 0, "the table fits without scrolling"

    fits()
    asked(opened, kind)
    fits()
    opened.root.locator(".tx-ask button").nth(2).click()
    fits()
    for ref in ("norm", "at"):
        for one in opened.root.locator(f"[data-ref={ref}] button").all():
            one.click()
            fits()


def asked(opened, kind: str) -> None:
    """Brings up the question."""
    opened.root.locator("[data-ref=residual]" if kind == "depth" else "[data-ref=changes] button >> nth=0").click()


# ------------------------------------------------------------------------------------------------------------- depth


def test_every_number_is_the_encoder_s():
    data = made("depth").data
    assert data["depths"] == list(DEPTHS) == [1, 2, 4, 8, 16, 32, 64]
    every = []
    for residual, norm in KINDS:
        ratios = data["ratios"][residual][norm].split(" ")
        for at, depth in enumerate(DEPTHS):
            wanted, texts = profile(residual, norm, depth), data["profiles"][residual][norm][at].split(" ")
            assert len(texts) == depth and all(re.fullmatch(r"\d\.\d\de[+-]\d\d", text) for text in texts)
            # Three significant digits: off by no more than half of the last one.
            assert [float(text) for text in texts] == pytest.approx(wanted, rel=5.01e-3)
            assert texts == [f"{n:.2e}" for n in wanted]
            assert ratios[at] == f"{wanted[0] / wanted[-1]:.2e}"
            every += wanted
    assert data["low"] <= math.log10(min(every)) and math.log10(max(every)) <= data["high"]


def test_what_the_notes_say_holds():
    def first(residual: int, norm: int, depth: int = 64) -> float:
        return profile(residual, norm, depth)[0]

    def last(residual: int, norm: int, depth: int = 64) -> float:
        return profile(residual, norm, depth)[-1]

    assert made("depth").data["right"] == 2 and profile(0, 0, 1)[0] / first(0, 0) > 1e6
    # note00: it falls with depth in every block, the last one included.
    for one, other in zip(DEPTHS, DEPTHS[1:], strict=False):
        assert max(profile(0, 0, other)) < 1.01 * max(profile(0, 0, one))
        assert last(0, 0, other) < last(0, 0, one)
    # note01, note02: the last block is spared, the first is not.
    for norm in (1, 2):
        assert 0.5 < last(0, norm) / last(0, norm, 1) < 2
        assert first(0, norm) / last(0, norm) < 1e-3 and first(0, norm, 32) / last(0, norm, 32) < 0.1
    # note10: the vectors grow, and the gradient with them.
    encoder = gradient_flow.stack(64, residual=True, norm="none")
    with torch.no_grad():
        lengths = [float(v.norm()) for v in encoder.trace(gradient_flow.vectors_and_direction()[0])[0]]
    assert all(b > a for a, b in zip(lengths, lengths[1:], strict=False)) and first(1, 0) > 1e15
    # note11: a little larger in the first block, at every depth.
    assert all(1 < first(1, 1, depth) / last(1, 1, depth) < 10 for depth in DEPTHS[1:])
    # note12: less in the first blocks of deep stacks, without vanishing.
    assert all(0.01 < first(1, 2, depth) / last(1, 2, depth) < 0.6 for depth in DEPTHS[3:])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_and_the_table_hold_the_encoder_s_numbers(lang):
    explorer = made("depth", lang)
    for residual, norm in KINDS:
        assert shown(profile(residual, norm, 64)[0]) in repr(explorer)
        wanted = [profile(residual, norm, depth)[0] for depth in (1, 8, 64)] + [profile(residual, norm, 64)[-1]]
        row = "".join(f"<td>{shown(n)}</td>" for n in wanted)
        assert f"</th>{row}</tr>" in explorer.static
    assert explorer.static.count('<th scope="row">') == 6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.694e-12, "3.69 · 10⁻¹²"),
        (2.31e16, "2.31 · 10¹⁶"),
        (0.0615, "0.0615"),
        (0.0025, "2.50 · 10⁻³"),
        (0.01234, "0.0123"),
        (2.996e-4, "3.00 · 10⁻⁴"),
        (9.996e-4, "1.00 · 10⁻³"),
        (1, "1.00"),
        (53.16, "53.2"),
        (3690, "3690"),
        (9996, "1.00 · 10⁴"),
    ],
)
def test_numbers_are_written_with_three_digits(value, text):
    assert shown(value).replace("\u00a0", " ") == text


STATES = """() => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`);
  const found = {};
  for (const residual of [0, 1]) for (const norm of [0, 1, 2]) for (let at = 0; at < 7; at++) {
    if (ref("residual").checked != residual) ref("residual").click();
    ref("norm").querySelectorAll("button")[norm].click();
    ref("depth").querySelectorAll("button")[at].click();
    const area = ref("bars").getBoundingClientRect();
    found[[residual, norm, at]] = {
      view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText, note: ref("note").textContent,
      bars: [...ref("bars").children].map(bar => ({value: +bar.value, label: bar.ariaLabel,
        bottom: +bar.style.getPropertyValue("--b"), height: +bar.style.getPropertyValue("--h")})),
      rows: [...ref("rows").children].map(row => ({now: row.className, cells: [...row.children].map(cell => cell.textContent)}))};
  }
  return found;
}"""


def test_every_state_shows_the_encoder_s_numbers(bare):
    opened = bare(made("depth"))
    asked(opened, "depth")
    opened.root.locator(".tx-ask button").first.click()
    states, data = opened.page.evaluate(STATES), made("depth").data
    assert len({state["view"] for state in states.values()}) == 42
    assert len({state["note"] for state in states.values()}) == 6
    span = data["high"] - data["low"]
    for residual, norm in KINDS:
        for at, depth in enumerate(DEPTHS):
            state, wanted = states[f"{residual},{norm},{at}"], profile(residual, norm, depth)
            assert state["view"].startswith(f"{depth}.{residual}.{norm}.")
            assert [bar["value"] for bar in state["bars"]] == [float(f"{n:.2e}") for n in wanted]
            labels = [f"block {i + 1}: {shown(n)}" for i, n in enumerate(wanted)]
            assert [bar["label"] for bar in state["bars"]] == labels
            for bar in state["bars"]:
                ends = sorted((0, math.log10(bar["value"])))
                assert bar["bottom"] == pytest.approx((ends[0] - data["low"]) / span, abs=1e-6)
                assert bar["height"] == pytest.approx((ends[1] - ends[0]) / span, abs=1e-6)
                assert bar["bottom"] >= 0 and bar["bottom"] + bar["height"] <= 1
            assert [row["now"] for row in state["rows"]] == ["tx-now" if i == at else "" for i in range(7)]
            for row, blocks in zip(state["rows"], DEPTHS, strict=True):
                one = profile(residual, norm, blocks)
                assert row["cells"] == [str(blocks), shown(one[0]), shown(one[-1]), shown(one[0] / one[-1])]
            kind = f"with{'' if residual else 'out'} residual connections, {['no normalisation', 'pre-norm', 'post-norm'][norm]}"
            assert state["said"].startswith(f"L = {depth}, {kind}: {shown(wanted[0])} in ")
            if depth > 1:
                assert f"{shown(wanted[-1])} in block {depth}; ratio" in state["said"]
                assert state["said"].endswith(f"{shown(wanted[0] / wanted[-1])}.")
            assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


def test_the_bars_begin_at_one_and_the_ticks_stand_where_they_say(bare):
    opened = bare(made("depth"))
    boxes = opened.page.evaluate(
        """() => {
          const area = document.querySelector(".tx-bars").getBoundingClientRect();
          return [...document.querySelectorAll(".tx-ticks span")].map(tick => {
            const box = tick.getBoundingClientRect();
            return [tick.textContent, (area.bottom - (box.top + box.bottom) / 2) / area.height];
          });
        }"""
    )
    data = made("depth").data
    for text, height in boxes:
        power = 0 if text == "1" else math.log10(number("1·" + text))
        assert height == pytest.approx((power - data["low"]) / (data["high"] - data["low"]), abs=0.01)
    assert [text for text, _ in boxes] == ["10⁻¹⁰", "10⁻⁵", "1", "10⁵", "10¹⁰", "10¹⁵"]


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [
        (0, "You predicted “about as large”."),
        (1, "You predicted “about 64 times smaller”."),
        (2, "As you predicted."),
    ],
)
def test_leaving_the_residual_connections_out_needs_a_prediction_which_is_judged_once(bare, guess, verdict):
    opened = bare(made("depth"))
    assert opened.view == "8.1.1.0"
    asked(opened, "depth")
    assert opened.view == "8.1.1.0" and opened.root.locator("[data-ref=residual]").is_checked()
    assert shown(profile(0, 0, 64)[0]) not in opened.root.inner_text()
    assert shown(profile(0, 0, 1)[0]) in opened.root.locator(".tx-ask").inner_text()
    opened.root.locator(".tx-ask button").nth(guess).click()
    assert opened.view == "64.0.0.0" and opened.said.endswith(verdict)
    assert not opened.root.locator("[data-ref=residual]").is_checked()
    assert opened.page.evaluate("document.activeElement.textContent") == "64"
    opened.root.locator("[data-ref=residual]").click()
    assert opened.view == "64.1.0.0" and "redicted" not in opened.said
    opened.root.locator("[data-ref=residual]").click()
    assert opened.view == "64.0.0.0" and "redicted" not in opened.said


def test_blocks_are_chosen_by_arrows_and_previewed_by_the_mouse(bare):
    opened = bare(made("depth"))
    bars, spelled = opened.root.locator("[data-ref=bars] button"), opened.root.locator(".tx-spell")
    wanted = profile(1, 1, 8)
    assert spelled.inner_text() == f"Block 1 of 8: {shown(wanted[0])}"
    bars.nth(3).hover()
    assert spelled.inner_text() == f"Block 4 of 8: {shown(wanted[3])}" and opened.view == "8.1.1.0"
    opened.page.mouse.move(2, 2)
    assert spelled.inner_text() == f"Block 1 of 8: {shown(wanted[0])}"
    bars.first.focus()
    opened.page.keyboard.press("End")
    assert opened.view == "8.1.1.7" and spelled.inner_text() == f"Block 8 of 8: {shown(wanted[7])}"
    opened.page.keyboard.press("ArrowLeft")
    assert opened.view == "8.1.1.6" and opened.page.evaluate("document.activeElement.ariaLabel").startswith("block 7")
    opened.root.locator("[data-ref=depth] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.view == "4.1.1.3", "the chosen block is one that there is"
    opened.root.locator("[data-ref=norm] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.view == "4.1.2.3"


# --------------------------------------------------------------------------------------------------------- LayerNorm


def test_epsilon_is_that_of_the_engine():
    assert EPS == normalisation.EPS


def test_the_table_is_what_the_engine_computes():
    x = torch.tensor(X, dtype=torch.float64)
    z = layer_norm(x)
    rows = [(x, 1), (10 * x + 100, 1), (z, 3), (layer_norm(10 * x + 100), 3), (0.5 * z + 1, 3)]
    cells = re.findall(r"<td>([^<]*)</td>", made("layer_norm").static)
    wanted = []
    for vector, digits in rows:
        wanted += [f"{n:z.{digits}f}" for n in vector.tolist()]
        wanted += [f"{n:z.3f}" for n in (float(vector.mean()), float(vector.std(correction=0)))]
    assert [cell.replace("−", "-") for cell in cells] == wanted


LAYER_NORM = """cases => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`);
  const [times, plus] = ref("changes").querySelectorAll("button");
  const move = (input, value) => { input.value = value; input.dispatchEvent(new Event("input")); };
  return cases.map(([x, scaled, shifted, gamma, beta, only]) => {
    for (const [it, on] of [[times, scaled], [plus, shifted]]) if ((it.ariaPressed === "true") !== Boolean(on)) it.click();
    ref("sliders").querySelectorAll("input").forEach((it, i) => move(it, x[i]));
    move(ref("gamma"), gamma);
    move(ref("beta"), beta);
    ref("at").querySelectorAll("button")[only].click();
    const row = name => ({values: ref(name).dataset.values.split(" ").map(Number), under: ref(name + "_under").textContent,
      cells: [...ref(name).querySelectorAll("span")].map(cell => cell.textContent),
      bars: [...ref(name).querySelectorAll("i")].map(bar => (bar.className ? -1 : 1) * bar.style.getPropertyValue("--v")),
      drawn: [...ref(name).querySelectorAll("td")].map(cell => {
        const box = cell.firstChild.getBoundingClientRect(), bar = cell.querySelector("i").getBoundingClientRect(), middle = (box.top + box.bottom) / 2;
        return [(middle - bar.top) / box.height * 2, (middle - bar.bottom) / box.height * 2];
      })});
    return {view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText,
      x: row("x"), z: row("z"), y: row("y")};
  });
}"""

CASES = [
    (x, scaled, shifted, gamma, beta, only)
    for x in (X, (0, 0, 0, 0, 0.5), (5, -5, -5, -5, -5), (2, 2, 2, 2, 2), (0, 0, 0, 0, 0), (-1, -1, 2, 2, 4.5))
    for scaled, shifted in ((0, 0), (1, 0), (0, 1), (1, 1))
    for gamma, beta, only in ((1, 0, 0), (-1.5, 1, 0), (0, -0.75, 0), (0.5, 1, 3), (1.25, -1, 5))
]


@pytest.fixture(scope="module")
def states(plain):
    """Every case with the state of the page."""
    opened = plain(made("layer_norm"))
    opened.locator("[data-ref=changes] button").first.click()
    opened.locator(".tx-ask button").first.click()
    found = list(zip(CASES, opened.evaluate(LAYER_NORM, CASES), strict=True))
    return found


def shown_number(value: float, digits: int = 3) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")


def test_the_page_normalises_as_the_engine(states):
    for (x, scaled, shifted, gamma, beta, only), state in states:
        given = torch.tensor(x, dtype=torch.float64) * (10 if scaled else 1) + (100 if shifted else 0)
        shift = torch.full((5,), float(beta), dtype=torch.float64)
        if only:
            shift[torch.arange(5) != only - 1] = 0
        factor = torch.full((5,), float(gamma), dtype=torch.float64)
        rows = {"x": given, "z": layer_norm(given), "y": layer_norm(given, factor, shift)}
        for name, wanted in rows.items():
            row = state[name]
            assert row["values"] == pytest.approx(wanted.tolist(), abs=1e-9)
            assert row["cells"] == [shown_number(n, 1 if name == "x" else 3) for n in row["values"]]
            mean, deviation = float(wanted.mean()), float(wanted.std(correction=0))
            end = (5 * (10 if scaled else 1) + (100 if shifted else 0)) if name == "x" else 4
            assert row["under"] == (
                f"mean μ = {shown_number(mean)}, standard deviation σ = {shown_number(deviation)}; axis ±{end}"
            )
            assert row["bars"] == pytest.approx([n / end for n in wanted.tolist()], abs=1e-5)
            assert max(map(abs, row["bars"])) <= 1
            for (top, bottom), n in zip(row["drawn"], wanted.tolist(), strict=True):
                assert [top, bottom] == pytest.approx([max(0, n / end), min(0, n / end)], abs=0.02)
        if len(set(x)) > 1:
            assert state["z"]["under"].startswith("mean μ = 0.000, standard deviation σ = 1.000;")
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


def test_the_sentence_says_what_holds(states):
    before, others = {}, 0
    for (x, scaled, shifted, gamma, beta, only), state in states:
        said, flat = state["said"], len(set(x)) == 1
        assert ("All five features are equal" in said) == flat
        assert ("has mean" in said) or flat
        if not scaled and not shifted:
            before[x] = state["z"]["cells"]
            assert "LayerNorm now gets" not in said
        else:
            name = f"{'10' if scaled else ''}x{' + 100' if shifted else ''}"
            same = state["z"]["cells"] == before[x]
            assert f"LayerNorm now gets {name}: {'all three decimals' if same else 'z has changed by 0.0000'}" in said
            others += not same
        if x == X:
            assert state["z"]["cells"] == before[x]
        y = torch.tensor(state["y"]["values"], dtype=torch.float64)
        mean, deviation = shown_number(float(y.mean())), shown_number(float(y.std(correction=0)))
        if beta and only:
            assert said.endswith(f"feature {only} alone: γz + β has mean {mean} and standard deviation {deviation}.")
        elif not flat and (beta or gamma != 1):
            assert said.endswith(f"mean {mean}, which is β, and standard deviation {deviation}: |γ| = {abs(gamma):g}.")
            assert float(mean.replace("−", "-")) == beta and float(deviation) == pytest.approx(abs(gamma), abs=1e-3)
        assert "predicted" not in said
    assert others, "one of the vectors shows what ε does"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("guess", "verdict"),
    [(0, "As you predicted: what is added"), (1, "You predicted “ten times as large”, but"), (2, "100 more”, but")],
)
def test_changing_x_needs_a_prediction_which_is_judged_once(bare, first, guess, verdict):
    opened = bare(made("layer_norm"))
    changes = opened.root.locator("[data-ref=changes] button")
    view = opened.view
    assert view == "0.0.3.-1.0.5.4.-2.1.0.0"
    changes.nth(first).click()
    assert opened.view == view and opened.page.evaluate("document.activeElement.closest('.tx-ask') !== null")
    z = opened.root.locator("[data-ref=z] span").all_inner_texts()
    opened.root.locator(".tx-ask button").nth(guess).click()
    assert opened.view == "1.1" + view[3:] and verdict in opened.said and opened.root.locator(".tx-ask").count() == 0
    assert opened.root.locator("[data-ref=z] span").all_inner_texts() == z
    assert opened.page.evaluate("document.activeElement.textContent") == "×10"
    opened.page.keyboard.press("Enter")
    assert opened.view == "0.1" + view[3:] and "predicted" not in opened.said
    assert [one.get_attribute("aria-pressed") for one in changes.all()[:2]] == ["false", "true"]
    opened.root.locator("[data-ref=reset]").click()
    assert opened.view == view


def test_everything_can_be_done_from_the_keyboard(bare):
    opened = bare(made("layer_norm"))
    for steps, keys, view in (
        (4, "ArrowRight", "0.0.3.5.-1.0.5.4.-2.1.0.0"),
        (4, "ArrowLeft", "0.0.3.5.-1.0.5.4.-2.5.1.0.0"),
        (1, "ArrowLeft", "0.0.3.5.-1.0.5.4.-2.5.0.75.0.0"),
        (1, "End", "0.0.3.5.-1.0.5.4.-2.5.0.75.1.0"),
        (1, "ArrowRight", "0.0.3.5.-1.0.5.4.-2.5.0.75.1.1"),
    ):
        for _ in range(steps):
            opened.page.keyboard.press("Tab")
        opened.page.keyboard.press(keys)
        assert opened.view == view
    slider = opened.root.get_by_label("feature 5")
    assert slider.get_attribute("aria-valuetext") == "−2.5"
    assert opened.root.locator("[data-ref=gamma]").get_attribute("aria-valuetext") == "0.75"
    opened.root.locator("[data-ref=reset]").focus()
    opened.page.keyboard.press("Space")
    assert opened.view == "0.0.3.-1.0.5.4.-2.1.0.0"
    assert opened.page.evaluate("document.activeElement.dataset.ref") == "reset"


def test_whatever_holds_five_numbers_may_be_given():
    wanted = made("layer_norm")._repr_html_()
    for given in (list(X), np.array(X), torch.tensor(X, requires_grad=True)):
        assert explore_layer_norm(given)._repr_html_() == wanted
    assert explore_layer_norm((0, 0, 0, 0, 0))._repr_html_() != wanted


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ((1, 2, 3, 4), "must have 5 features, not 4"),
        (torch.ones(5, 2), "one vector of 5 numbers"),
        (7, "one vector of 5 numbers"),
        ((0, 0, 0, 0, 5.5), r"x\[4\] must be a multiple of 0.5 from −5 to 5, not 5.5"),
        ((0, 0.3, 0, 0, 0), r"x\[1\] must be"),
        ((0, 0, math.nan, 0, 0), r"x\[2\] must be"),
        ((0, 0, math.inf, 0, 0), r"x\[2\] must be"),
    ],
)
def test_what_does_not_fit_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        explore_layer_norm(x)
