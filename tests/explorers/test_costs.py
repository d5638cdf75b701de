"""The explorer of lesson 00: its costs are those that a counter finds, and the page computes what Python does."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tomllib
from functools import cache
from itertools import product

import pytest
import torch
from explorer_checks import (
    PACKAGE,
    assert_bytes_hang_on_the_language_alone,
    assert_style_names_no_colour,
    assert_texts_match_and_are_used,
)

from course_lib.counting import OperationCounter
from course_lib.encoder import EncoderBlock
from course_lib.explorers import Explorer, costs, explore_costs, page
from course_lib.explorers.costs import CROSSINGS, FORMULAS, LENGTHS, MODELS, RIGHT, WIDTHS, layer_costs
from course_lib.explorers.depth import shown
from course_lib.feed_forward import FeedForward
from course_lib.language import LANGUAGES, use_language
from course_lib.multi_head import MultiHeadAttention
from course_lib.recurrent import LSTM, RNN

TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_costs.toml").read_text("utf-8"))


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


@cache
def made(kind: str = "costs", lang: str = "en") -> Explorer:
    use_language(lang)
    return explore_costs()


# ---------------------------------------------------------------------------------------------------------- the costs


def counted(layer, length: int, width: int) -> int:
    with torch.no_grad(), OperationCounter() as counter:
        layer(torch.zeros(1, length, width, dtype=torch.float64))
    return counter.matmul


@pytest.mark.parametrize(("length", "width"), [(3, 8), (16, 8), (5, 32), (40, 8)])
def test_the_costs_are_what_the_course_s_layers_take(length, width):
    found = layer_costs(length, width)
    attention, forward = MultiHeadAttention(width, 2), FeedForward(width, 4 * width)
    assert counted(attention, length, width) == found["attention"]
    assert counted(forward, length, width) == found["feed-forward"]
    assert counted(EncoderBlock(width, 2), length, width) == found["block"]
    assert counted(LSTM(width, width), length, width) == found["LSTM"]
    assert counted(RNN(width, width), length, width) == found["RNN"]
    # Twice as many tokens: the projections cost twice, scores and sum four times as much.
    once, twice = (counted(attention, times * length, width) for times in (1, 2))
    assert found["projections"] == (4 * once - twice) // 2
    assert found["scores and sum"] == found["attention"] - found["projections"]
    assert set(FORMULAS) < set(found) and all(type(cost) is int for cost in found.values())


def test_a_formula_says_what_is_computed():
    for name, formula in FORMULAS.items():
        terms = re.fullmatch(r"(\d)(T²?)(D²?)", formula).groups()
        number, t, d = int(terms[0]), len(terms[1]), len(terms[2])
        for length, width in ((7, 48), (64, 16)):
            assert layer_costs(length, width)[name] == number * length**t * width**d


@pytest.mark.parametrize(("length", "width"), [(0, 8), (8, 0), (-1, 8)])
def test_no_size_below_one(length, width):
    with pytest.raises(ValueError, match="1 or more"):
        layer_costs(length, width)


def compared(name: str, length: int, width: int) -> tuple[int, int]:
    """The two amounts of a row of the table of crossings."""
    found = layer_costs(length, width)
    rest = found | {"rest": found["projections"] + found["feed-forward"]}
    full = {"scores": "scores and sum", "rnn": "RNN", "lstm": "LSTM"}
    one, other = (full.get(part, part) for part in name.split("_"))
    return rest[one], rest[other]


@pytest.mark.parametrize(("name", "times"), CROSSINGS)
def test_the_crossings_lie_where_the_costs_are_equal(name, times):
    for width in (16, 96, 768):
        one, other = compared(name, times * width, width)
        assert one == other
        less, more = (compared(name, times * width + step, width) for step in (-1, 1))
        assert less[0] < less[1] and more[0] > more[1]


def test_the_right_answer_is_the_crossing():
    for lang in LANGUAGES:
        answer = TEXTS["explorer.costs.answers"][lang].split("|")[RIGHT]
        assert answer == f"T = {dict(CROSSINGS)['attention_lstm']}D"
        others = {text for at, text in enumerate(TEXTS["explorer.costs.answers"][lang].split("|")) if at != RIGHT}
        assert len(others) == 3 and answer not in others


# --------------------------------------------------------------------------------------------- the block of HTML, texts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_block_is_within_the_limits_and_speaks_one_language(lang):
    explorer = made(lang=lang)
    block = explorer._repr_html_()
    assert 10_000 < len(block.encode()) <= 60_000 and len(page.script("costs").encode()) <= 8_192
    assert block.index('<div class="tx-static">') < block.index("<script")
    assert not re.findall(r"https?://(?!www\.w3\.org)|\b(?:fetch|require|import|eval)\b *\(|@import|url\(", block)
    assert "\n" not in repr(explorer) and bool(re.search("[а-я]", repr(explorer))) == (lang == "ru")
    assert bool(re.search("[а-я]", explorer.label)) == bool(re.search("[а-я]", explorer.static)) == (lang == "ru")


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language():
    assert_bytes_hang_on_the_language_alone("test_costs", made, ["costs"])


def test_texts_have_the_same_fields_and_numbers_in_both_languages_and_are_all_used():
    # What stands before a crossing is looked up by its name, and the names of the amounts by a table.
    assert_texts_match_and_are_used(TEXTS, "costs")
    assert {key.split(".")[1] for key in TEXTS} == {"costs"}


def test_the_style_names_no_colour_but_the_palette():
    assert_style_names_no_colour("costs")


def test_it_imports_no_torch():
    code = "import sys; from course_lib.explorers import explore_costs as e; e(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


@pytest.mark.parametrize("sizes", [(100, 512), (256, 100), (4, 16), (256, 32768)])
def test_only_steps_of_the_sliders_are_a_beginning(sizes):
    with pytest.raises(ValueError, match="steps of the sliders"):
        explore_costs(*sizes)


def test_it_begins_where_it_is_told(bare):
    opened = bare(explore_costs(8, 16384))
    assert opened.view.startswith("8.16384.") and opened.said.startswith("T = 8, D = 16,384:")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_a_script_the_table_is_read(bare, lang):
    shown_page = bare(made(lang=lang), script=False)
    assert shown_page.root.locator("table").is_visible() and shown_page.contrasts() == []
    assert shown_page.root.locator("button, input").count() == 0
    rows = [row.locator("th, td").all_inner_texts() for row in shown_page.root.locator("tbody tr").all()]
    sizes = [(512, 512), (1024, 512), (2048, 512), (3072, 512), *MODELS.values()]
    assert len(rows) == len(sizes)
    for (head, *cells), (length, width) in zip(rows, sizes, strict=True):
        assert cells == [shown(layer_costs(length, width)[name]) for name in FORMULAS]
        if head in MODELS:
            assert MODELS[head] == (length, width)
        else:
            assert re.findall(r"\d+", re.sub(r"(?<=\d)\D(?=\d{3})", "", head)) == [str(length), str(width)]


# -------------------------------------------------------------------------------------------------------- in a browser


def test_it_comes_to_life_twice_on_a_page(bare):
    opened = bare(made()._repr_html_() * 2)
    roots = opened.page.locator(".tx-explorer")
    assert opened.page.evaluate("document.activeElement === document.body"), "an output takes no focus when it appears"
    views = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    roots.nth(1).locator("[data-ref=models] button").first.click()
    after = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    assert views[0] == views[1] == after[0] != after[1]


def test_letters_typed_reach_nothing(bare):
    opened = bare(made())
    opened.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = opened.root.locator("[tabindex='0'], input, button:not([tabindex])")
    assert controls.count() == 4 + 2 + 3 + 1 + 1
    for one in controls.all():
        for key in ("a", "d", "x", "1", "Escape"):
            one.focus()
            opened.page.keyboard.press(key)
    assert opened.page.evaluate("heard") == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390), ("dark", 350)])
def test_it_can_be_read_on_every_ground_and_on_a_phone(bare, lang, theme, width):
    opened = bare(made(lang=lang), theme=theme, width=width)

    def fits() -> None:
        assert opened.contrasts() == [] and opened.overflow() == []
        wide = opened.root.locator(".tx-scroll").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
        assert max(wide) <= 0, "the table fits without scrolling"
        cut = opened.root.locator("th, td").evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        )
        assert cut == []

    fits()
    opened.root.locator(".tx-ask button").nth(3).click()
    fits()
    for one in opened.root.locator("[data-ref=models] button").all():
        one.click()
        fits()
    for at in range(5):
        opened.root.locator("[data-ref=bars] button").nth(at).click()
        fits()


STATES = """([lengths, widths]) => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`), found = [];
  const slide = (name, at) => { ref(name).value = at; ref(name).dispatchEvent(new Event("input")); };
  for (let t = 0; t < lengths; t++) for (let d = 0; d < widths; d++) {
    slide("length", t);
    slide("width", d);
    const bars = [...root.querySelectorAll("td button")];
    found.push({
      view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText, spelled: ref("spelled").textContent,
      chain: ref("chain").textContent, values: bars.map(bar => +bar.value), labels: bars.map(bar => bar.ariaLabel),
      widths: bars.map(bar => +bar.style.getPropertyValue("--w")), numbers: bars.map(bar => bar.closest("tr").lastChild.textContent),
      spoken: ["length", "width"].map(name => ref(name).ariaValueText), shown: ["length", "width"].map(name => ref(name).parentNode.querySelector("b").textContent),
      pressed: [...ref("models").querySelectorAll("button")].filter(it => it.ariaPressed === "true").map(it => it.textContent),
      rows: [...ref("rows").children].map(row => ({above: row.className, cells: [...row.children].map(cell => cell.textContent)}))});
  }
  return found;
}"""


@pytest.fixture(scope="module")
def states(plain):
    """The page at every T and D, once with linear and once with logarithmic bars."""
    opened = plain(made())
    opened.locator(".tx-ask button").first.click()
    found = []
    for _ in range(2):
        every = opened.evaluate(STATES, [len(LENGTHS), len(WIDTHS)])
        found.append(dict(zip(product(LENGTHS, WIDTHS), every, strict=True)))
        opened.locator("[data-ref=log]").click()
    return found


def number(text: str) -> float:
    """A number as the page writes it."""
    mantissa, *power = text.replace("\u00a0", "").replace(",", "").split("·10")
    return float(mantissa) * 10.0 ** int(power[0].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")) if power else 0)


def test_the_page_computes_what_python_computes(states):
    names = [costs.say(f"explorer.costs.{key}") for key in costs._NAMES.values()]
    for (length, width), state in states[0].items():
        found = layer_costs(length, width)
        wanted = [found[name] for name in FORMULAS]
        assert state["values"] == wanted
        assert state["view"].split(".")[:3] == [str(length), str(width), "0"]
        assert [number(text) for text in state["numbers"]] == pytest.approx(wanted, rel=5.1e-3)
        assert state["labels"] == [f"{name}: {cost:,}" for name, cost in zip(names, wanted, strict=True)]
        assert state["widths"] == pytest.approx([cost / max(wanted) for cost in wanted], rel=1e-6)
        assert state["shown"] == [f"{length:,}", f"{width:,}"]
        assert state["spoken"] == [f"T = {length:,}", f"D = {width:,}"]
        assert state["pressed"] == [name for name, sizes in MODELS.items() if sizes == (length, width)]
        terms = f"2\u00a0· {length:,}²\u00a0· {width:,}"
        assert state["spelled"] == f"{names[0]}: 2T²D = {terms} = {wanted[0]:,} multiply-adds."
        assert f"{length:,} in the LSTM" in state["chain"]
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


def test_the_sentence_says_which_is_dearer_and_from_where_on(states):
    seen = set()
    for (length, width), state in states[0].items():
        found, said = layer_costs(length, width), state["said"]
        attention, lstm = found["attention"], found["LSTM"]
        amounts = re.search(r"its projections (.+?) multiply-adds, LSTM (.+?)\. ", said).groups()
        assert [number(text) for text in amounts] == pytest.approx([attention, lstm], rel=5.1e-3)
        if attention == lstm:
            assert "Both cost the same." in said and length == 2 * width
            seen.add("equal")
        else:
            one, other, words = (attention, lstm, "Attention costs {} times as much as the LSTM.")
            if attention < lstm:
                one, other, words = lstm, attention, "The LSTM costs {} times as much as attention."
            told = re.search(re.escape(words).replace(r"\{\}", r"([\d.,]+)"), said)
            assert number(told.group(1)) == pytest.approx(one / other, rel=0.05)
            assert number(told.group(1)) > 1
            seen.add(words)
        assert said.endswith(f"means T > 2D, and 2D = {2 * width:,} here.")
    assert len(seen) == 3


def test_the_table_says_for_each_pair_where_it_is_equal_and_what_it_is_now(states):
    for (length, width), state in states[0].items():
        for row, (name, times) in zip(state["rows"], CROSSINGS, strict=True):
            one, other = compared(name, length, width)
            head, equal, now = row["cells"]
            assert head == costs.say(f"explorer.costs.{name}")
            assert equal == f"T = {times if times > 1 else ''}D = {times * width:,}"
            sign, ratio = now.removesuffix("\u00a0×").split(" ")
            assert sign == ("▲" if one > other else "▽" if one < other else "=")
            assert number(ratio) == pytest.approx(one / other, rel=0.05)
            assert (row["above"] == "tx-above") == (one > other)
            # The sign is that of the length against the crossing.
            assert (one > other) == (length > times * width)


def test_logarithmic_bars_begin_at_a_thousand(states):
    for (length, width), state in states[1].items():
        wanted = [layer_costs(length, width)[name] for name in FORMULAS]
        assert state["view"].split(".")[2] == "1" and min(wanted) > 1000
        shares = [math.log10(cost / 1000) / math.log10(max(wanted) / 1000) for cost in wanted]
        assert state["widths"] == pytest.approx(shares, rel=1e-6)


def test_bars_are_as_long_as_they_say(bare):
    opened = bare(made())
    long = opened.page.evaluate(
        "() => [...document.querySelectorAll('td button')].map(b => [b.offsetWidth, b.firstChild.getBoundingClientRect().width])"
    )
    wanted = [layer_costs(256, 512)[name] for name in FORMULAS]
    for (whole, bar), cost in zip(long, wanted, strict=True):
        assert bar == pytest.approx(whole * cost / max(wanted), abs=1)
    fills = opened.page.evaluate(
        "() => [...document.querySelectorAll('td i')].map(b => getComputedStyle(b).backgroundImage.slice(0, 9))"
    )
    assert fills == ["none"] * 3 + ["repeating"] * 2, "the recurrent layers are hatched"


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [(0, "You predicted “T = D”."), (1, "As you predicted."), (3, "You predicted “at every T”.")],
)
def test_the_crossings_are_hidden_until_the_learner_has_predicted(bare, guess, verdict):
    opened = bare(made())
    assert opened.root.locator(".tx-ask").is_visible() and not opened.root.locator("[data-ref=rows]").is_visible()
    opened.root.locator("[data-ref=models] button").nth(1).click()
    assert opened.said.endswith("Both cost the same.") and "2D" not in opened.said
    opened.root.locator(".tx-ask button").nth(guess).click()
    assert opened.said.endswith(verdict) and not opened.root.locator(".tx-ask").is_visible()
    assert opened.root.locator("[data-ref=rows]").is_visible()
    assert opened.page.evaluate("document.activeElement.dataset.ref") == "length"
    opened.page.keyboard.press("ArrowRight")
    assert opened.view.startswith("16384.4096.") and "redicted" not in opened.said


def test_bars_are_moved_through_by_arrows_and_spelled_out(bare):
    opened = bare(made())
    spelled = opened.root.locator("[data-ref=spelled]")
    opened.root.locator("td button").first.focus()
    for at, name in enumerate(("projections", "feed-forward layer", "LSTM", "RNN", "scores and sum")):
        opened.page.keyboard.press("ArrowDown")
        assert spelled.inner_text().startswith(f"{name}: ")
        assert opened.view.split(".")[3] == str((at + 1) % 5)
    opened.root.locator("td button").nth(3).hover()
    assert spelled.inner_text().startswith("LSTM: 8TD² = 8\u00a0· 256\u00a0· 512² = ")
    opened.root.locator(".tx-title").hover()
    assert spelled.inner_text().startswith("scores and sum: ")


def test_in_russian_thousands_stand_apart(bare):
    opened = bare(made(lang="ru"))
    opened.root.locator("[data-ref=models] button").nth(2).click()
    assert "T = 131\u00a0072, D = 4\u00a0096" in opened.root.locator("[aria-live]").text_content()
