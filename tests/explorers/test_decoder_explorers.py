"""The two explorers of lesson 07: the page masks as course_lib.attention does, and shows the weights that it was given."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tomllib
from functools import cache
from html import unescape

import numpy as np
import pytest
import torch
from explorer_checks import (
    PACKAGE,
    assert_bytes_hang_on_the_language_alone,
    assert_style_names_no_colour,
    assert_texts_match_and_are_used,
)

from course_lib import translator_experiments
from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.corpora import crossing, translation
from course_lib.explorers import Explorer, cross_attention, explore_cross_attention, explore_mask, mask, page
from course_lib.explorers.cross_attention import Case, case_of
from course_lib.explorers.mask import PRESETS, SHIFT, WINDOW, decoder_scores
from course_lib.language import LANGUAGES, use_language
from course_lib.translator_experiments import WITHOUT
from course_lib.translator_looks import attention_maps
from course_lib.translator_training import SMALL, batch, untrained

TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_decoder.toml").read_text("utf-8"))
KINDS = ("mask", "cross_attention")
TIRED, WIDE = crossing.example()
RESULTS = {"causal": (0.01234, 0.9567), "none": (0.0004, 0.0), "after": (0.0215, 0.4), "window": (0.05, 0.8125)}


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


@cache
def model():
    """A translator that was not trained: its weights are numbers like any others."""
    return untrained(SMALL, 3)


@cache
def scores() -> torch.Tensor:
    return 4 * decoder_scores(model(), WIDE, head=1)[0]


def tokens() -> list[str]:
    return decoder_scores(model(), WIDE)[1]


@cache
def cases() -> tuple[Case, ...]:
    """The twins, looking sharply here and there, as an untrained model does not."""
    found = []
    for seed, sentence in enumerate((TIRED, WIDE, crossing.twins(1, 5, "roles")[0][0])):
        case, rng = case_of(model(), sentence), np.random.default_rng(seed)
        sharp = [rng.dirichlet([0.2] * len(case.source), tuple(part.shape[:2])) for part in (case.cross, case.own)]
        found.append(case._replace(cross=sharp[0], own=sharp[1]))
    return tuple(found)


@cache
def made(kind: str, lang: str = "en") -> Explorer:
    use_language(lang)
    return explore_mask(scores(), tokens(), RESULTS) if kind == "mask" else explore_cross_attention(cases())


# ------------------------------------------------------------------------------------- both: the block of HTML, texts


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_block_is_within_the_limits_and_speaks_one_language(kind, lang):
    explorer = made(kind, lang)
    block = explorer._repr_html_()
    assert 15_000 < len(block.encode()) <= 60_000 and len(page.script(kind).encode()) <= 8_192
    assert block.index('<div class="tx-static">') < block.index("<script")
    assert not re.findall(r"https?://(?!www\.w3\.org)|\b(?:fetch|require|import|eval)\b *\(|@import|url\(", block)
    # The translation is Russian on every page; what stands around it is not.
    own = repr(explorer)
    for word in {word for case in cases() for word in case.target}:
        own = own.replace(f"“{word}”", "")
    assert "\n" not in own and bool(re.search("[а-я]", own)) == (lang == "ru")
    assert bool(re.search("[а-я]", explorer.label)) == (lang == "ru")


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language():
    assert_bytes_hang_on_the_language_alone("test_decoder_explorers", made, KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_have_the_same_fields_and_numbers_in_both_languages_and_are_all_used(kind):
    assert_texts_match_and_are_used(TEXTS, kind)
    assert {key.split(".")[1] for key in TEXTS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_style_names_no_colour_but_the_palette(kind):
    assert_style_names_no_colour(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_showing_what_was_computed_imports_no_torch(kind):
    use = {
        "mask": "e([[1.0, 2.0], [3.0, 4.0]], ['<s>', 'a'], dict.fromkeys(('causal', 'none', 'after', 'window'), (1, 0)))",
        "cross_attention": "e([dict(source='abc', target='x', cross=[[[1, 0, 0]]], own=[[[1, 0, 0]] * 3], alignment=[[0]], "
        "it=0, referent=1, other=2)])",
    }[kind]
    code = f"import sys; from course_lib.explorers import explore_{kind} as e; {use}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_script_the_table_is_read(bare, kind):
    shown = bare(made(kind), script=False)
    assert shown.root.locator("table").first.is_visible() and shown.root.locator("tbody tr").count() >= 4
    assert shown.root.locator("button, input, select").count() == 0 and shown.contrasts() == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_to_life_twice_on_a_page(bare, kind):
    opened = bare(made(kind)._repr_html_() * 2)
    roots = opened.page.locator(".tx-explorer")
    assert opened.page.evaluate("document.activeElement === document.body"), "an output takes no focus when it appears"
    views = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    roots.nth(1).locator("select").select_option(index=2)
    after = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    assert views[0] == views[1] == after[0] != after[1]


@pytest.mark.parametrize("kind", KINDS)
def test_letters_typed_reach_nothing(bare, kind):
    opened = bare(made(kind))
    opened.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = opened.root.locator("[tabindex='0'], input, select, button:not([tabindex])")
    assert controls.count() == {"mask": 4, "cross_attention": 6}[kind]
    for one in controls.all():
        for key in ("a", "d", "x", "1", "Escape"):
            one.focus()
            opened.page.keyboard.press(key)
    assert opened.page.evaluate("heard") == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390), ("dark", 350)])
@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_read_on_every_ground_and_on_a_phone(bare, kind, lang, theme, width):
    opened = bare(made(kind, lang), theme=theme, width=width)

    def fits() -> None:
        assert opened.contrasts() == [] and opened.overflow() == []
        wide = opened.root.locator(".tx-scroll").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
        assert max(wide, default=0) <= 0, "the table fits without scrolling"
        cells = opened.root.locator("td button, .tx-words button").evaluate_all("all => all.map(e => e.offsetWidth)")
        assert min(cells) >= 12, "a finger finds what is to be pressed"

    fits()
    asked(opened, kind)
    fits()
    opened.root.locator(".tx-ask button").nth(2).click()
    fits()
    for one in range(3):
        opened.root.locator("select").select_option(index=one)
        if kind == "mask":
            opened.root.locator("[data-ref=change]").click()
            opened.root.locator("td button").nth(7).click()
        fits()


def asked(opened, kind: str) -> None:
    """Brings up the question."""
    if kind == "mask":
        opened.root.locator("select").select_option(index=1)
    else:
        opened.root.locator("[data-ref=text] button").nth(opened_pronoun()).click()
    assert opened.root.locator(".tx-ask").count() == 1


def opened_pronoun() -> int:
    return translation.translate(TIRED).pronoun


# -------------------------------------------------------------------------------------------------------- mask editor


def number(value: float, digits: int = 2) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")


def weighed(preset: str, visible: torch.Tensor, changed: bool) -> torch.Tensor:
    """The weights by course_lib.attention: the scores are their own queries, met by unit vectors."""
    given = scores().clone()
    given[:, -1] += SHIFT * changed
    unit = torch.eye(len(given), dtype=torch.float64)
    early = None if preset == "after" else visible
    weights = scaled_dot_product_attention(given, unit, unit, early, scale=1)[1]
    return weights * visible if preset == "after" else weights


def preset_mask(preset: str) -> torch.Tensor:
    size = len(scores())
    triangle = causal_mask(size)
    return {"none": torch.ones_like(triangle), "window": triangle.triu(1 - WINDOW)}.get(preset, triangle)


def test_names_and_window_are_those_of_the_engine():
    assert WINDOW == translator_experiments.WINDOW
    assert mask.END == cross_attention.END == translation.END
    assert f"rise by {SHIFT}," in explore_mask.__doc__


@pytest.mark.parametrize(
    ("build", "preset"),
    [
        (None, "causal"),
        (WITHOUT["mask"], "none"),
        (WITHOUT["mask before softmax"], "after"),
        (WITHOUT["distant tokens"], "window"),
    ],
)
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_scores_of_a_model_give_its_weights_under_every_mask(build, preset, norm):
    own = untrained(SMALL, 5, *([build] if build else []))
    for block in own.decoder.blocks:
        block.norm = norm
    of = batch([WIDE])
    maps = attention_maps(own, of)[1][0][0]
    attention = own.decoder.blocks[0].self_attention
    for head in range(SMALL.heads):
        given, read = decoder_scores(own, WIDE, head=head)
        assert not attention._forward_pre_hooks, "the model is left as it was"
        assert read == ["<s>", *translation.translate(WIDE).tokens] and given.shape == (13, 13)
        visible = preset_mask(preset)
        weights = (given if preset == "after" else given.masked_fill(~visible, -math.inf)).softmax(-1)
        torch.testing.assert_close(weights * visible, maps[head], rtol=0, atol=1e-12)


MASK = """steps => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`);
  const cells = [...root.querySelectorAll("td button")];
  return steps.map(([preset, changed, edits]) => {
    ref("preset").selectedIndex = preset;
    ref("preset").dispatchEvent(new Event("change"));
    if (ref("change").checked !== changed) ref("change").click();
    edits.forEach(n => cells[n].click());
    return {view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, note: ref("note").textContent, text: root.innerText,
      spelled: ref("spelled").textContent, line: [...ref("line").querySelectorAll("span")].map(one => one.textContent.trim()),
      weights: cells.map(cell => +cell.value), labels: cells.map(cell => cell.ariaLabel), open: cells.map(cell => cell.ariaChecked === "true"),
      rings: cells.flatMap((cell, n) => cell.className === "tx-answer" ? [n] : []),
      tones: cells.map(cell => +cell.style.getPropertyValue("--w")),
      rows: [...ref("rows").children].map(row => {
        const [sum, moved, next] = [...row.children].slice(-3);
        return {head: row.children[0].textContent, sum: sum.textContent, less: sum.className, moved: moved.textContent,
          next: next.firstChild.textContent, sees: getComputedStyle(next.lastChild).display !== "none"};
      })};
  });
}"""

STEPS = [
    (preset, changed, edits)
    for preset in range(4)
    for changed in (False, True)
    for edits in ([], [1], [0], [14, 15, 13 * 5 + 6], list(range(0, 169, 14)), list(range(13 * 12, 169)), [3, 3])
]


@pytest.fixture(scope="module")
def states(plain):
    """Every step with the state of the page."""
    opened = plain(made("mask"))
    opened.locator("select").select_option(index=1)
    opened.locator(".tx-ask button").first.click()
    found = list(zip(STEPS, opened.evaluate(MASK, STEPS), strict=True))
    return found


def edited(preset: int, edits: list[int]) -> torch.Tensor:
    visible = preset_mask(PRESETS[preset]).clone().flatten()
    for n in edits:
        visible[n] = ~visible[n]
    return visible.view(13, 13)


def test_the_page_weighs_as_the_engine(states):
    assert len({state["view"] for _, state in states}) > 40
    read = tokens()
    for (preset, changed, edits), state in states:
        visible = edited(preset, edits)
        wanted = weighed(PRESETS[preset], visible, changed)
        assert state["weights"] == pytest.approx(wanted.flatten().tolist(), abs=1e-8)
        assert state["tones"] == pytest.approx(state["weights"], abs=1e-5)
        assert state["open"] == visible.flatten().tolist()
        at = edits[-1] if edits else int(state["view"].split(".")[1])
        i, j = divmod(at, 13)
        assert state["view"].split(".")[:3] == [str(preset), str(at), str(int(changed))]
        for n, label in enumerate(state["labels"]):
            one, other = read[n // 13], read[n % 13]
            shown = f"“{one}” looks at “{other}”: {number(state['weights'][n])}"
            assert label == (shown if state["open"][n] else f"“{other}” is hidden from “{one}”")
        given = float(scores()[i, j]) + SHIFT * (changed and j == 12)
        assert f"key “{read[j]}”: " in state["spelled"]
        assert f"weight {number(state['weights'][at])}, score {number(given)}." in state["spelled"]
        assert ("hidden" in state["spelled"]) == (not visible[i, j])
        row = [number(w) if one else "×" for w, one in zip(wanted[i].tolist(), visible[i].tolist(), strict=True)]
        assert state["line"] == [f"{word} {weight}" for word, weight in zip(read, row, strict=True)]
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


def test_rows_show_their_sum_and_whether_they_see_their_answer(states):
    read, seen_less = [*tokens(), "</s>"], 0
    for (preset, changed, edits), state in states:
        visible = edited(preset, edits)
        sums = weighed(PRESETS[preset], visible, changed).sum(-1).tolist()
        seeing = [i for i in range(12) if visible[i, i + 1]]
        assert state["rings"] == [13 * i + i + 1 for i in seeing]
        for i, row in enumerate(state["rows"]):
            assert (row["head"], row["next"], row["sum"]) == (read[i], read[i + 1], number(sums[i]))
            assert row["sees"] == (i in seeing)
            assert (row["less"] == "tx-less") == (sums[i] < 0.995)
        said = state["said"]
        assert f": {len(seeing)} of 13 rows see their answer." in said
        less = min(sums) < 0.995
        seen_less += less
        range_ = f"Rows sum to between {number(min(sums))} and {number(max(sums))}."
        assert (range_ if less else "Every row sums to 1.") in said
    assert 8 < seen_less < len(STEPS) - 8
    # What the two masks are about, without any edit.
    plain = {(preset, changed): state for (preset, changed, edits), state in states if not edits}
    assert plain[1, False]["rings"] == [14 * i + 1 for i in range(12)] and not plain[0, False]["rings"]
    assert all(float(row["sum"]) < 1 for row in plain[2, False]["rows"][:8])
    assert plain[2, False]["rows"][12]["sum"] == "1.00"


def test_changing_the_last_token_is_counted(states):
    for (preset, changed, edits), state in states:
        visible = edited(preset, edits)
        move = (weighed(PRESETS[preset], visible, True) - weighed(PRESETS[preset], visible, False)).abs().amax(-1)
        moved = [i for i in range(13) if move[i] > 1e-12]
        assert [i for i, row in enumerate(state["rows"]) if row["moved"]] == (moved if changed else [])
        earlier = [i for i in moved if i < 12]
        if not changed:
            assert "last token is another" not in state["said"]
        elif earlier:
            assert (
                f"changed in {len(earlier)} of the 12 rows before it, by up to {move[:12].max():.3f}." in state["said"]
            )
        else:
            assert "changed in 0 of the 12 rows before it." in state["said"]
        if not edits:
            assert len(earlier) == {0: 0, 1: 12, 2: 12, 3: 0}[preset]


def test_measured_results_are_told_for_presets_alone(states):
    for (preset, _, edits), state in states:
        loss, exact = RESULTS[PRESETS[preset]]
        trained = f"Trained so: loss {loss:.4f} nats per token, exact match {exact:.3f}."
        count = len({n for n in edits if edits.count(n) % 2})
        assert (trained in state["said"]) == (not count)
        assert (
            f"Cells changed by hand: {count}; loss and exact match of such a mask: not measured." in state["said"]
        ) == (count > 0)
        assert state["view"].split(".")[3] == "-".join(str(n) for n in sorted(n for n in edits if edits.count(n) % 2))
    assert len({state["note"] for _, state in states}) == 4


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_mask_s_summary_and_table_hold_the_measured_numbers(lang):
    explorer = made("mask", lang)
    rows = re.findall(r"<tr><th scope=\"row\">[^<]*</th>((?:<td>[^<]*</td>)+)</tr>", explorer.static)
    least = float(weighed("after", preset_mask("after"), False).sum(-1).min())
    for row, preset in zip(rows, PRESETS, strict=True):
        loss, exact = f"{RESULTS[preset][0]:.4f}", f"{RESULTS[preset][1]:.3f}"
        wanted = ["12" if preset == "none" else "0", f"{least:.2f}" if preset == "after" else "1.00", loss, exact]
        assert re.findall(r"<td>([^<]*)</td>", row) == wanted
        assert loss in repr(explorer) and exact in repr(explorer)


@pytest.mark.parametrize(
    ("none", "right"), [((0.0004, 0.0), 2), ((0.0004, 0.99), 1), ((0.9, 0.0), 0), ((0.9, 0.99), 3)]
)
def test_the_right_prediction_follows_from_the_results(none, right):
    assert explore_mask(scores(), tokens(), RESULTS | {"none": none}).data["right"] == right


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [(0, "You predicted “larger loss, worse translations”."), (1, "better translations”."), (2, "As you predicted.")],
)
def test_taking_the_mask_away_needs_a_prediction_which_is_judged_once(bare, guess, verdict):
    opened = bare(made("mask"))
    assert opened.view == "0.0.0."
    asked(opened, "mask")
    assert opened.view == "0.0.0." and opened.root.locator("select").evaluate("e => e.selectedIndex") == 0
    assert "0.0004" not in opened.root.inner_text()
    opened.root.locator(".tx-ask button").nth(guess).click()
    assert opened.view == "1.0.0." and opened.said.endswith(verdict) and opened.root.locator(".tx-ask").count() == 0
    assert opened.page.evaluate("document.activeElement.tagName") == "SELECT"
    opened.page.keyboard.press("ArrowUp")
    opened.page.keyboard.press("ArrowDown")
    assert opened.view == "1.0.0." and "redicted" not in opened.said


def test_cells_are_moved_through_by_arrows_and_hidden_by_the_space_bar(bare):
    opened = bare(made("mask"))
    opened.root.locator("td button[tabindex='0']").focus()
    for keys, view in (
        (["ArrowDown"], "0.13.0."),
        (["ArrowRight"], "0.14.0."),
        (["Space"], "0.14.0.14"),
        (["ArrowUp", "Enter"], "0.1.0.1-14"),
        (["Enter"], "0.1.0.14"),
        (["End"], "0.168.0.14"),
        (["Home", "Space"], "0.0.0.0-14"),
    ):
        for key in keys:
            opened.page.keyboard.press(key)
        assert opened.view == view
    assert opened.page.evaluate("document.activeElement.ariaChecked") == "false"
    # The first row looks at nobody now: no weights, and no division by 0.
    assert opened.root.locator("[data-ref=rows] tr").first.locator("td").nth(13).inner_text() == "0.00"
    opened.root.locator("[data-ref=change]").focus()
    opened.page.keyboard.press("Space")
    assert opened.view == "0.0.1.0-14"
    opened.root.locator("[data-ref=reset]").focus()
    opened.page.keyboard.press("Enter")
    assert opened.view == "0.0.0." and not opened.root.locator("[data-ref=change]").is_checked()


def test_the_mouse_previews_a_cell_without_changing_it(bare):
    opened = bare(made("mask"))
    spelled = opened.root.locator("[data-ref=spelled]")
    before = spelled.inner_text()
    opened.root.locator("td button").nth(13 * 4 + 2).hover()
    read = tokens()
    assert spelled.inner_text().startswith(f"Query “{read[4]}”, key “{read[2]}”: weight") and opened.view == "0.0.0."
    opened.page.mouse.move(2, 2)
    assert spelled.inner_text() == before


def test_scores_may_be_tensors_arrays_or_lists():
    wanted = made("mask")._repr_html_()
    for given in (scores().clone().requires_grad_(), scores().numpy(), scores().tolist()):
        assert explore_mask(given, tuple(tokens()), dict(RESULTS))._repr_html_() == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": ["a"] * 15}, "15 tokens: the grid has 2 to 14"),
        ({"tokens": ["a"]}, "1 tokens"),
        ({"tokens": ["a"] * 12}, r"12 tokens need scores of shape \(12, 12\)"),
        ({"scores": 7}, "must be"),
        ({"scores": torch.zeros(13)}, "must be"),
        ({"scores": torch.zeros(13, 12)}, "need scores of shape"),
        ({"scores": torch.zeros(13, 13).masked_fill(~causal_mask(13), -math.inf)}, r"scores\[0, 1\] is -inf"),
        ({"results": {"causal": (0, 1)}}, "results are needed for causal, none"),
        ({"results": RESULTS | {"none": (-0.1, 0)}}, r"results\['none'\] must be"),
        ({"results": RESULTS | {"none": (0.1, 90)}}, r"results\['none'\] must be"),
        ({"results": RESULTS | {"window": (math.nan, 0)}}, r"results\['window'\] must be"),
    ],
)
def test_what_is_no_head_under_a_mask_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        explore_mask(**({"scores": scores(), "tokens": tokens(), "results": RESULTS} | change))


# ---------------------------------------------------------------------------------------------------- cross-attention


def test_a_case_is_what_the_model_looks_at():
    case, right = case_of(model(), TIRED), translation.translate(TIRED)
    own, _, across = attention_maps(model(), batch([TIRED]))
    assert torch.equal(case.cross, across[-1][0]) and torch.equal(case.own, own[-1][0])
    assert tuple(case.target) == (*right.tokens, "</s>") and case.source == TIRED.tokens
    assert case.alignment == (*right.alignment, ())
    assert [case.source[at] for at in (case.it, case.referent, case.other)] == ["it", "animal", "street"]
    wide = case_of(model(), WIDE)
    assert [wide.source[at] for at in (wide.it, wide.referent, wide.other)] == ["it", "street", "animal"]


CROSS = """() => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`);
  const found = [];
  for (let c = 0; c < ref("sentence").options.length; c++) {
    ref("sentence").selectedIndex = c;
    ref("sentence").dispatchEvent(new Event("change"));
    for (let head = 0; head < 5; head++) {
      ref("head").querySelectorAll("button")[head].click();
      for (let row = 0; row < ref("text").children.length; row++) {
        ref("text").children[row].click();
        root.querySelector(".tx-ask button")?.click();
        const columns = [...ref("columns").children], style = (e, name) => +e.style.getPropertyValue(name);
        found.push({case: c, head, row, view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText,
          over: ref("over").textContent, under: ref("under").textContent, spelled: ref("spelled").textContent,
          words: [...ref("text").children].map(e => e.textContent), labels: columns.map(e => e.ariaLabel),
          above: columns.map(e => style(e, "--a")), below: columns.map(e => style(e, "--b")),
          drawn: columns.map(e => [...e.querySelectorAll("i")].map(i => parseFloat(getComputedStyle(i, "::before").height) / (i.clientHeight))),
          signs: columns.map(e => e.querySelector("b").textContent), source: columns.map(e => e.querySelector("span").textContent),
          framed: columns.flatMap((e, k) => e.classList.contains("tx-named") ? [k] : []),
          bold: columns.flatMap((e, k) => e.classList.contains("tx-top") ? [k] : []),
          off: ["back", "next"].map(name => ref(name).ariaDisabled)});
      }
    }
  }
  return found;
}"""


def named(source, k: int) -> str:
    return f"“{source[k]}” (word {k + 1})" if list(source).count(source[k]) > 1 else f"“{source[k]}”"


def test_every_state_shows_the_weights_that_were_given(bare):
    states = bare(made("cross_attention")).page.evaluate(CROSS)
    assert len({state["view"] for state in states}) == len(states) == sum(5 * len(case.target) for case in cases())
    for state in states:
        case, head, t = cases()[state["case"]], state["head"], state["row"]
        maps = [np.concatenate([part.mean(0, keepdims=True), part]) for part in (case.cross, case.own)]
        weights, own = maps[0][head, t], maps[1][head, case.it]
        assert state["above"] == pytest.approx(weights.tolist(), abs=0.005001)
        assert state["below"] == pytest.approx(own.tolist(), abs=0.005001)
        assert [bars[0] for bars in state["drawn"]] == pytest.approx(weights.tolist(), abs=0.02)
        assert [bars[1] for bars in state["drawn"]] == pytest.approx(own.tolist(), abs=0.02)
        a, b = ([f"{w:.2f}" for w in part] for part in (weights, own))
        source = list(case.source)
        assert state["source"] == source
        it = named(source, case.it)
        assert state["labels"] == [
            f"{named(source, k)}: {a[k]}; from {it} in the encoder {b[k]}" for k in range(len(source))
        ]
        signs = {case.it: "▲", case.referent: "●", case.other: "○"}
        assert state["signs"] == [signs.get(k, "") for k in range(len(source))]
        assert state["framed"] == list(case.alignment[t]) and state["bold"] == [int(weights.argmax())]
        assert state["words"] == [*case.target[: t + 1], *"·" * (len(case.target) - t - 1)]
        assert state["off"] == [str(t == 0).lower(), str(t == len(case.target) - 1).lower()]
        who = f"head {head}" if head else "mean of all heads"
        top = int(weights.argmax())
        aligned = ", ".join(f"{named(source, k)} ({a[k]})" for k in case.alignment[t]) or "no word"
        assert state["said"].startswith(
            f"Predicting “{case.target[t]}” ({who}): most weight on {named(source, top)} ({a[top]}); the alignment names {aligned}."
        )
        referent, other = named(source, case.referent), named(source, case.other)
        inside = f"In the encoder {it} gives {b[case.referent]} to {referent}, which it means, and {b[case.other]} to {other}."
        assert (inside in state["said"]) == (case.alignment[t] == (case.it,))
        assert state["over"].endswith(f"predicts “{case.target[t]}”, {who}")
        assert f"where {it} looks, {who}. ● {referent} {b[case.referent]}, ○ {other} {b[case.other]}." in state["under"]
        chosen = int(state["view"].split(".")[3])
        assert state["spelled"] == (
            f"{named(source, chosen)} ({who}): weight {a[chosen]} in the row that predicts “{case.target[t]}”; "
            f"weight {b[chosen]} for {it} in the encoder."
        )
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_and_the_tables_hold_the_given_weights(lang):
    explorer, case = made("cross_attention", lang), cases()[0]
    found = re.findall(r"<tr><th scope=\"row\">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td></tr>", explorer.static)
    rows = [tuple(map(unescape, row)) for row in found]
    mean, of_it = case.cross.mean(0), [one.own.mean(0)[one.it] for one in cases()]
    for (word, most, aligned), wanted, row, places in zip(rows, case.target, mean, case.alignment, strict=False):
        top = int(row.argmax())
        assert (word, most) == (wanted, f"{case.source[top]} {row[top]:.2f}")
        assert aligned == (", ".join(f"{case.source[k]} {row[k]:.2f}" for k in places) or "—")
    assert len(rows) == len(case.target) + 3
    for (sentence, to, away), one, looks in zip(rows[-3:], cases(), of_it, strict=True):
        assert sentence[:3].lower() == " ".join(one.source)[:3]
        assert to == f"{one.source[one.referent]} {looks[one.referent]:.2f}"
        assert away == f"{one.source[one.other]} {looks[one.other]:.2f}"
    at = translation.translate(TIRED).pronoun
    for wanted in (mean[at].max(), of_it[0][case.referent], of_it[0][case.other]):
        assert f"{wanted:.2f}" in repr(explorer)


def test_a_word_s_largest_weight_is_that_of_the_exact_numbers():
    # In hundredths both are 0.40.
    cross = np.array([[[0.396, 0.404, 0.2]]])
    one = Case("abc", "x", cross, np.eye(3)[None], [[0]], 0, 1, 2)
    assert explore_cross_attention([one]).data["cases"][0]["top"] == [[1], [1]]


@pytest.mark.parametrize("right", [0, 1, 2, 3])
@pytest.mark.parametrize("guess", [0, 1, 2, 3])
def test_the_pronoun_needs_a_prediction_which_is_judged_once(bare, guess, right):
    case = cases()[0]
    places = [case.it, case.referent, case.other, case.it + 1]
    cross = case.cross.copy()
    at = opened_pronoun()
    cross[:, at] = np.eye(len(case.source))[places[right]]
    opened = bare(explore_cross_attention([case._replace(cross=cross), cases()[1]]))
    opened.root.locator("[data-ref=text] button").nth(at - 1).click()
    opened.root.locator("[data-ref=next]").click()
    assert opened.view.split(".")[2] == str(at - 1)
    answers = opened.root.locator(".tx-ask button")
    assert answers.all_inner_texts() == ["“it”", "“animal”", "“street”", "another word"]
    answers.nth(guess).click()
    assert opened.view.split(".")[2] == str(at) and opened.root.locator(".tx-ask").count() == 0
    said = ["“it”", "“animal”", "“street”", "another word"][guess]
    assert opened.said.endswith(f"As you predicted: {said}." if guess == right else f"You predicted: {said}.")
    assert opened.page.evaluate("document.activeElement.textContent") == case.target[at]
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("ArrowRight")
    assert opened.view.split(".")[2] == str(at) and "redicted" not in opened.said


def test_it_is_stepped_through_by_buttons_and_by_keys(bare):
    opened = bare(made("cross_attention"))
    start = opened.view
    assert start == f"0.0.0.{TIRED.it}"
    opened.root.locator("[data-ref=back]").click(force=True)
    assert opened.view == start
    forth = opened.root.locator("[data-ref=next]")
    forth.focus()
    opened.page.keyboard.press("Enter")
    assert opened.view == f"0.0.1.{TIRED.it}"
    opened.root.locator("[data-ref=text] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.view == f"0.0.2.{TIRED.it}"
    opened.page.keyboard.press("End")
    last = len(cases()[0].target) - 1
    assert opened.view == f"0.0.{last}.{TIRED.it}" and forth.get_attribute("aria-disabled") == "true"
    forth.focus()
    opened.page.keyboard.press("Enter")
    assert opened.view == f"0.0.{last}.{TIRED.it}"
    opened.root.locator("[data-ref=columns] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.view == f"0.0.{last}.{TIRED.it - 1}"
    opened.root.locator("[data-ref=head] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.view == f"0.1.{last}.{TIRED.it - 1}"


def test_from_the_end_of_a_long_translation_to_a_short_one(bare):
    case, at = cases()[0], len(cases()[0].target) - 2
    short = case._replace(target=case.target[:at], cross=case.cross[:, :at], alignment=case.alignment[:at])
    opened = bare(explore_cross_attention([case, short]))
    opened.root.locator("[data-ref=text] button").last.click()
    opened.root.locator("select").select_option(index=1)
    assert (
        opened.view.split(".")[:3] == ["1", "0", str(at - 1)] and f"Predicting “{case.target[at - 1]}”" in opened.said
    )


def test_the_mouse_previews_a_source_word(bare):
    opened = bare(made("cross_attention"))
    spelled = opened.root.locator("[data-ref=spelled]")
    before = spelled.inner_text()
    opened.root.locator("[data-ref=columns] button").nth(1).hover()
    assert spelled.inner_text().startswith("“animal” (mean") and opened.view == f"0.0.0.{TIRED.it}"
    opened.page.mouse.move(2, 2)
    assert spelled.inner_text() == before


def test_a_case_may_be_a_mapping_and_hold_tensors():
    wanted = made("cross_attention")._repr_html_()
    given = [
        {**one._asdict(), "cross": torch.from_numpy(one.cross).requires_grad_(), "own": one.own.tolist()}
        for one in cases()
    ]
    assert explore_cross_attention(given)._repr_html_() == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cross": np.ones((4, 2, 2))}, r"sentence 0: cross must have the shape \(H, 13, 12\), not \(4, 2, 2\)"),
        ({"own": np.ones((12, 12))}, "own must have the shape"),
        ({"own": np.ones((4, 12, 12))}, "own: a row does not sum to 1"),
        ({"own": np.full((4, 12, 12), np.nan)}, "own must hold weights"),
        ({"own": np.eye(12)[None].repeat(4, 0) * 2 - 1 / 12}, "own must hold weights"),
        ({"own": np.eye(12)[None]}, r"the same heads, not of \[1, 4\]"),
        ({"alignment": [()]}, "13 words are predicted, but 1 are aligned"),
        ({"alignment": [(12,)] * 13}, "no source token 12, counted from 0 to 11"),
        ({"it": 1}, "three different tokens"),
        ({"other": -1}, "no source token -1"),
        ({"source": ["a"] * 25}, "25 and 13 tokens; the explorer shows 24 at most"),
    ],
)
def test_what_is_no_case_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        explore_cross_attention([cases()[0]._replace(**change)])


def test_the_number_of_sentences_is_limited():
    for count in (0, 5):
        with pytest.raises(ValueError, match=f"{count} sentences: the explorer shows 1 to 4"):
            explore_cross_attention([cases()[0]] * count)
