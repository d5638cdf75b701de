"""The two explorers of lesson 08: the page computes what course_lib.gpt computes, and shows what BERT has said."""

from __future__ import annotations

import copy
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
from torch.utils.flop_counter import FlopCounterMode

from course_lib.bert import BERT
from course_lib.corpora import stories
from course_lib.explorers import (
    Explorer,
    explore_generation,
    explore_hidden_word,
    generation,
    hidden_word,
    page,
)
from course_lib.explorers.generation import END, LEVELS, generated, multiply_adds, rounded, uniform
from course_lib.explorers.hidden_word import SIDES, WAYS, Answer, Case, case_of, story_fits
from course_lib.gpt import GPT
from course_lib.language import LANGUAGES, use_language
from course_lib.sampling import distribution, draw

TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_bert_gpt.toml").read_text("utf-8"))
KINDS = ("generation", "hidden_word")
SYLLABLES = "ba de fi go ku la me ni po ru sa te vi wo".split()
VOCABULARY = ("[PAD]", END, "the", "fox", *(one + other for one in SYLLABLES for other in SYLLABLES))
PROMPTS = ("bade the fox", "", ["the", "vivi", "lame"])


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


def jittered(model, seed: int):
    """The untrained model with sharper embeddings, and with biases, γ and β that are numbers like any others."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        model.embedding.mul_(15)
        for part in model.parameters():
            if part.dim() == 1:
                part.add_(0.1 * torch.randn(part.shape, generator=generator, dtype=part.dtype))
    return model


@cache
def gpt(d_ff: int = 64, longest: int = 32) -> GPT:
    return jittered(GPT(len(VOCABULARY), longest, 32, 4, 2, d_ff, generator=torch.Generator().manual_seed(1)), 2)


def ids(words) -> list[int]:
    return [VOCABULARY.index(word) for word in words]


@cache
def bert() -> BERT:
    return jittered(BERT(len(stories.vocabulary()), 32, 16, 2, 2, generator=torch.Generator().manual_seed(3)), 4)


def tokens_of(story: stories.Story) -> list[str]:
    return ["[CLS]", *story.first, "[SEP]", *story.second, "[SEP]"]


@cache
def cases() -> tuple[Case, ...]:
    """Two cases of a model, and a handmade one of three words, whose numbers lie far apart."""
    drawn = [case_of(bert(), tokens_of(story), seed=i) for i, story in enumerate(stories.stories(2, 7))]
    rng = np.random.default_rng(5)
    answers = {}
    for place in (1, 2, 3):
        for way in WAYS:
            for side in SIDES:
                top = sorted(rng.dirichlet([0.4] * 5).tolist(), reverse=True)
                named = list(zip(["fox", "bear", "the", "ran", "it"], top, strict=True))
                answers[place, way, side] = Answer(named, dict(named)["fox"], float(rng.random()))
    made = Case(["[CLS]", "the", "fox", "the", "[SEP]"], answers, {1: "it", 2: "bear", 3: "ran"})
    return (*drawn, made)


@cache
def made(kind: str, lang: str = "en") -> Explorer:
    use_language(lang)
    return explore_generation(gpt(), VOCABULARY, PROMPTS) if kind == "generation" else explore_hidden_word(cases())


# ------------------------------------------------------------------------------------- both: the block of HTML, texts


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_block_is_within_the_limits_and_speaks_one_language(kind, lang):
    explorer = made(kind, lang)
    block = explorer._repr_html_()
    assert 15_000 < len(block.encode()) <= 60_000 and len(page.script(kind).encode()) <= 8_192
    assert block.index('<div class="tx-static">') < block.index("<script")
    assert not re.findall(r"https?://(?!www\.w3\.org)|\b(?:fetch|require|import|eval)\b *\(|@import|url\(", block)
    assert "\n" not in repr(explorer) and bool(re.search("[а-я]", repr(explorer))) == (lang == "ru")
    assert bool(re.search("[а-я]", explorer.label)) == (lang == "ru")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_feed_forward_layer_of_4d_fits(lang):
    use_language(lang)
    words = stories.vocabulary()
    own = GPT(len(words), stories.LONGEST, 32, 4, 2)
    explorer = explore_generation(own, words, ["", " ".join(stories.stories(1, 0)[0].first)])
    assert len(explorer._repr_html_().encode()) <= 60_000


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language():
    assert_bytes_hang_on_the_language_alone("test_bert_gpt_explorers", made, KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_have_the_same_fields_and_numbers_in_both_languages_and_are_all_used(kind):
    assert_texts_match_and_are_used(TEXTS, kind)
    assert {key.split(".")[1] for key in TEXTS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_style_names_no_colour_but_the_palette(kind):
    assert_style_names_no_colour(kind)


def test_showing_what_was_computed_imports_no_torch():
    code = (
        "import sys; from course_lib.explorers import explore_hidden_word as e\n"
        "answer = ([(word, 0.1) for word in 'abcde'], 0.1, 0.2)\n"
        "keys = [(1, way, side) for way in ('mask', 'random', 'keep') for side in ('both', 'left')]\n"
        "e([dict(tokens=['[CLS]', 'a', '[SEP]'], answers=dict.fromkeys(keys, answer), others={1: 'b'})])\n"
        "sys.exit('torch' in sys.modules)"
    )
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
    roots.nth(1).locator("select").first.select_option(index=2)
    after = [roots.nth(i).get_attribute("data-view") for i in range(2)]
    assert views[0] == views[1] == after[0] != after[1]


@pytest.mark.parametrize("kind", KINDS)
def test_letters_typed_reach_nothing(bare, kind):
    opened = bare(made(kind))
    opened.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = opened.root.locator("[tabindex='0'], input, select, button:not([tabindex])")
    assert controls.count() == {"generation": 8, "hidden_word": 4}[kind]
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
        inside = "all => all.map(e => e.scrollWidth - e.clientWidth)"
        assert max(opened.root.locator("th, td, .tx-text").evaluate_all(inside)) <= 1, "a cell holds what it says"
        narrow = opened.root.locator(".tx-text button").evaluate_all("all => all.map(e => e.offsetWidth)")
        assert min(narrow, default=18) >= 16, "a finger finds what is to be pressed"

    fits()
    opened.root.locator("input[type=checkbox]").click()
    fits()
    opened.root.locator(".tx-ask button").nth(2).click()
    fits()
    for one in range(3):
        opened.root.locator("select").first.select_option(index=one)
        if kind == "generation":
            opened.root.locator("[data-ref=next]").click()
            opened.root.locator("[data-ref=k]").select_option(index=one + 1)
            opened.root.locator("[data-ref=temperature]").fill(str(one))
            opened.root.locator("[data-ref=p]").fill("0.5")
        else:
            opened.root.locator("[data-ref=ways] button").nth(one).click()
        fits()


# --------------------------------------------------------------------------------------------------------- generation


def test_rounding_leaves_the_model_alone_and_every_weight_within_half_a_level():
    before = copy.deepcopy(gpt().state_dict())
    own = rounded(gpt())
    assert all(torch.equal(value, before[name]) for name, value in gpt().state_dict().items())
    moved = 0
    for given, kept in zip(generation._rows(gpt()), generation._rows(own), strict=True):
        largest = given.abs().amax(1, keepdim=True)
        # The scale is at most an eighth of an octave coarser than needed.
        level = largest * 2 ** (1 / 8) / (LEVELS + 0.5)
        assert ((given - kept).abs() <= level / 2 + 1e-4).all()
        assert all(len(row.unique()) <= 2 * LEVELS + 1 for row in kept)
        moved += int((given != kept).sum())
    assert moved > 20_000
    assert len(generation._rows(own)) == len(list(own.parameters())), "every parameter goes into the page"


def test_rounding_what_is_rounded_changes_nothing():
    own = rounded(gpt())
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in rounded(own).state_dict().items())
    assert explore_generation(own, VOCABULARY, PROMPTS)._repr_html_() == made("generation")._repr_html_()


def test_a_model_in_float32_is_rounded_in_float64():
    own = rounded(copy.deepcopy(gpt()).float())
    assert {part.dtype for part in own.parameters()} == {torch.float64}


@pytest.mark.parametrize(("past", "new"), [(0, 1), (5, 1), (31, 1), (0, 7), (3, 4)])
def test_multiply_adds_are_those_of_the_model_s_steps(past, new):
    cache, counted, read_out = gpt().start(), 0, gpt().embedding.numel()
    ids = torch.arange(past + new)[None]
    with torch.no_grad():
        if past:
            gpt().step(ids[:, :past], cache)
        # Token by token, since a product of whole matrices also computes what the mask hides.
        for at in range(past, past + new):
            with FlopCounterMode(display=False) as counter:
                gpt().step(ids[:, at : at + 1], cache)
            counted += counter.get_total_flops() // 2 - read_out
    assert multiply_adds(gpt(), past, new) == counted + read_out


SETTINGS = [(1, 0, 1), (0, 0, 1), (0.7, 0, 1), (2, 0, 1), (1, 1, 1), (1, 2, 1), (1.5, 4, 1), (1, 0, 0.5), (2, 0, 0.05),
            (2, 3, 0.8), (0.1, 2, 0.95), (0, 3, 0.3)]  # fmt: skip

WRITE = """([prompt, steps, settings]) => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`), found = [];
  const set = (name, value, event) => {
    if (event === "change") ref(name).selectedIndex = value; else ref(name).value = value;
    ref(name).dispatchEvent(new Event(event));
  };
  const state = () => ({view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText,
    logits: ref("bars").dataset.logits.split(" ").map(Number), draw: ref("draw").textContent, difference: ref("difference").textContent,
    written: [...ref("text").children].map(e => [e.tagName, e.className, e.textContent]),
    bars: [...ref("bars").children].map(row => [...row.children].map(e => e.textContent).concat(row.className.trim())),
    widths: [...ref("bars").querySelectorAll("i")].map(e => +e.style.getPropertyValue("--w")),
    hatched: [...ref("bars").querySelectorAll("i")].map(e => getComputedStyle(e).backgroundImage !== "none"),
    strip: [...ref("strip").querySelectorAll("i")].map(e => [+e.style.getPropertyValue("--x"), +e.style.getPropertyValue("--w"), e.className]),
    at: +ref("strip").querySelector("b").style.getPropertyValue("--x"),
    cost: [...ref("cost").children].map(row => [...row.children].map(e => e.textContent).concat(row.className)),
    off: ["back", "next"].map(name => ref(name).ariaDisabled)});
  set("prompt", prompt, "change");
  for (let step = 0; step < steps; step++) {
    for (const [temperature, k, p] of settings) {
      set("temperature", temperature, "input"); set("p", p, "input"); set("k", k, "change");
      for (const _ of [0, 1]) {
        found.push(state());
        ref("cache").click();
      }
    }
    set("temperature", 1, "input"); set("p", 1, "input"); set("k", 0, "change");
    if (ref("next").ariaDisabled === "true") break;
    ref("next").click();
  }
  return found;
}"""


@pytest.fixture(scope="module")
def written(plain):
    """By prompt the states of the page: step by step, for all settings, with the cache and without."""
    opened = plain(made("generation"))
    opened.locator("[data-ref=cache]").click()
    opened.locator(".tx-ask button").first.click()
    opened.locator("[data-ref=cache]").click()
    found = [opened.evaluate(WRITE, [prompt, 4, SETTINGS]) for prompt in range(3)]
    return found


def read_prompt(prompt) -> list[str]:
    return [END, *(prompt.split() if isinstance(prompt, str) else prompt)]


def number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"


def test_the_page_computes_and_draws_as_the_engine(written):
    own, draws, cut_off, drawn = rounded(gpt()), uniform(32, 0), 0, set()
    for states, prompt in zip(written, PROMPTS, strict=True):
        text, per_step = ids(read_prompt(prompt)), 2 * len(SETTINGS)
        begin, logits = len(text), None
        assert len(states) == 4 * per_step
        for n, state in enumerate(states):
            if n and n % per_step == 0:
                text.append(int(draw(distribution(logits), draws[len(text) - 1])))
            with torch.no_grad():
                logits = own(torch.tensor([text]))[0, -1]
            assert state["logits"] == pytest.approx(logits.tolist(), abs=1e-6)
            temperature, k, limit = SETTINGS[n % per_step // 2]
            cached = 1 - n % 2
            share = (logits / (temperature or 1)).softmax(-1).tolist()
            p = distribution(logits, temperature, [None, *generation.TOP_K][k], None if limit == 1 else limit)
            u = draws[len(text) - 1]
            following = int(draw(p, u))
            ends = p.cumsum(-1).tolist()
            p = p.tolist()
            token = VOCABULARY[following]
            drawn.add(token)
            place = f"{PROMPTS.index(prompt)}.{len(text)}.{following}"
            assert state["view"] == f"{place}.{round(10 * temperature)}.{k}.{round(100 * limit)}.{cached}"

            shown = sorted(range(len(p)), key=lambda i: -float(logits[i]))
            top = shown[:9] if following in shown[:9] else [*shown[:8], following]
            others = [i for i in range(len(p)) if i not in top]
            rows = [
                [("▸ " if i == following else "") + VOCABULARY[i], number(share[i]), number(p[i]) if p[i] else "✕ cut off",
                 ("" if p[i] else "tx-cut ") + "tx-now" * (i == following)]
                for i in top
            ]  # fmt: skip
            rest = sum(p[i] for i in others)
            left = any(p[i] for i in others)
            rows.append([f"the other {len(others)}", number(sum(share[i] for i in others)), number(rest) if left else "✕ cut off",
                         "" if left else "tx-cut"])  # fmt: skip
            assert state["bars"] == [[*row[:3], row[3].strip()] for row in rows]
            assert state["widths"] == pytest.approx([*(share[i] for i in top), sum(share[i] for i in others)], abs=1e-5)
            assert state["hatched"] == ["tx-cut" in row[3] for row in rows]
            cut_off += sum("tx-cut" in row[3] for row in rows)

            given = [["SPAN", "tx-given" if i < begin else "", VOCABULARY[one]] for i, one in enumerate(text)][1:]
            assert state["written"] == [*given, ["B", "", token]]
            if temperature:
                stretch = f"It falls between {number(ends[following] - p[following], 4)} and {number(ends[following], 4)}: the stretch of “{token}”."
                assert state["draw"] == f"Uniform number of this step: u = {number(u, 4)}. {stretch}"
            else:
                assert f"“{token}” is the most probable token, and u = {number(u, 4)} decides" in state["draw"]
            assert state["at"] == u
            stretches = [[ends[i] - p[i], p[i], i == following] for i in shown if p[i] > 0.001]
            assert [[x, w, c == "tx-now"] for x, w, c in state["strip"]] == [
                [pytest.approx(x, abs=1e-6), pytest.approx(w, abs=1e-6), c] for x, w, c in stretches
            ]

            lengths = range(begin, len(text) + 1)
            fresh = [multiply_adds(own, 0, length) for length in lengths]
            kept = [multiply_adds(own, 0, begin), *(multiply_adds(own, length, 1) for length in lengths[:-1])]
            assert state["cost"] == [
                ["with the KV cache" + " ◂" * cached, f"{kept[-1]:,}", f"{sum(kept):,}", "tx-now" if cached else ""],
                ["without it, all anew" + " ◂" * (not cached), f"{fresh[-1]:,}", f"{sum(fresh):,}", "" if cached else "tx-now"],
            ]  # fmt: skip
            costs = [f"{kept[-1]:,}", f"{fresh[-1]:,}"][:: 1 if cached else -1]
            said = f"“{token}”, p = {number(p[following], 2)}; this step cost {costs[0]} multiply-adds, {'without' if cached else 'with'} the cache {costs[1]}."
            assert state["said"] == said + " Here the text ends." * (token == END)
            assert state["off"] == [str(len(text) == begin).lower(), str(token == END).lower()]
            # In the page both ways sum in the same order.
            assert state["difference"].endswith("computed just now: 0.")
            assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))
    assert cut_off > 200 and len(drawn) > 15


def test_the_cache_changes_the_cost_and_nothing_else(written):
    for states in written:
        for one, other in zip(states[::2], states[1::2], strict=True):
            for name in ("logits", "bars", "strip", "draw", "written"):
                assert one[name] == other[name]
            assert one["cost"] != other["cost"] and one["said"] != other["said"]


@pytest.mark.parametrize("settings", [{}, {"temperature": 0}, {"temperature": 1.3, "top_k": 10, "top_p": 0.9}])
def test_what_is_generated_in_python_is_what_the_page_writes(bare, settings):
    steps = generated(rounded(gpt()), VOCABULARY, PROMPTS[0], **settings)
    opened = bare(made("generation"))
    opened.root.locator("[data-ref=temperature]").fill(str(settings.get("temperature", 1)))
    opened.root.locator("[data-ref=k]").select_option(index=3 if "top_k" in settings else 0)
    opened.root.locator("[data-ref=p]").fill(str(settings.get("top_p", 1)))
    forth = opened.root.locator("[data-ref=next]")
    for step in steps:
        assert opened.said.startswith(
            f"“{step.token}”, p = {step.p:.2f}; this step cost {step.cached:,} multiply-adds, without the cache {step.fresh:,}."
        )
        if forth.get_attribute("aria-disabled") != "true":
            forth.click()
    assert len(steps) > 5 and forth.get_attribute("aria-disabled") == "true"
    end = "Here the text ends." if steps[-1].token == END else "The model has no more positions."
    assert opened.said.endswith(end)
    before = opened.view
    forth.click(force=True)
    assert opened.view == before


def ending(at: int) -> GPT:
    """A model that repeats a word up to a position and then writes END."""
    own = copy.deepcopy(gpt())
    with torch.no_grad():
        for part in own.parameters():
            part.zero_()
        own.stack.norm.gamma.fill_(1)
        own.embedding[VOCABULARY.index(END), 0] = 1
        own.embedding[VOCABULARY.index("fox"), 1] = 1
        own.positions[:, 1], own.positions[at:, 1], own.positions[at:, 0] = 9, 0, 9
    return own


def test_it_stops_where_the_text_ends_and_goes_on_at_another_temperature(bare):
    explorer = explore_generation(ending(5), VOCABULARY, [""], seed=1)
    opened = bare(explorer)
    opened.root.locator("[data-ref=temperature]").fill("0")
    forth = opened.root.locator("[data-ref=next]")
    for _ in range(5):
        assert opened.said.startswith("“fox”") and forth.get_attribute("aria-disabled") == "false"
        forth.click()
    assert opened.said.startswith(f"“{END}”") and opened.said.endswith("Here the text ends.")
    assert forth.get_attribute("aria-disabled") == "true"
    assert opened.root.locator("[data-ref=text]").inner_text() == f"fox fox fox fox fox {END}"
    opened.root.locator("[data-ref=temperature]").fill("2")
    assert END not in opened.said and forth.get_attribute("aria-disabled") == "false"


def test_back_and_forth_repeats_itself(bare):
    opened = bare(made("generation"))
    back, forth, restart = (opened.root.locator(f"[data-ref={name}]") for name in ("back", "next", "restart"))

    def state() -> tuple[str, str, str]:
        return (
            opened.view,
            opened.root.inner_text(),
            opened.root.locator("[data-ref=bars]").get_attribute("data-logits"),
        )

    seen = [state()]
    back.click(force=True)
    assert state() == seen[0]
    for _ in range(4):
        forth.focus()
        opened.page.keyboard.press("Enter")
        seen.append(state())
    assert len(set(seen)) == 5
    for one in seen[-2::-1]:
        back.click()
        assert state() == one
    for one in seen[1:3]:
        forth.click()
        assert state() == one
    restart.click()
    assert state() == seen[0]
    opened.root.locator("[data-ref=prompt]").select_option(index=2)
    assert opened.view.startswith("2.4.") and back.get_attribute("aria-disabled") == "true"


@pytest.mark.parametrize("guess", [0, 1, 2])
def test_turning_the_cache_off_needs_a_prediction_which_is_judged_once(bare, guess):
    opened = bare(made("generation"))
    box, before = opened.root.locator("[data-ref=cache]"), opened.view
    assert box.is_checked() and before.endswith(".1")
    box.click()
    assert opened.view == before and box.is_checked() and opened.root.locator(".tx-ask").count() == 1
    answers = opened.root.locator(".tx-ask button")
    chosen = answers.nth(guess).inner_text()
    answers.nth(guess).click()
    verdict = f"As you predicted: {chosen}." if guess == 0 else f"You predicted: {chosen}. The cost has changed"
    assert opened.view == before[:-1] + "0" and verdict in opened.said and not box.is_checked()
    assert opened.page.evaluate("document.activeElement.type") == "checkbox"
    opened.page.keyboard.press("Space")
    assert opened.view == before and "redicted" not in opened.said and opened.root.locator(".tx-ask").count() == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_and_the_table_hold_the_steps_of_the_first_prompt(lang):
    explorer = made("generation", lang)
    use_language(lang)
    steps = generated(rounded(gpt()), VOCABULARY, PROMPTS[0])
    found = re.findall(r"<tr><th scope=\"row\">([^<]*)</th>((?:<td>[^<]*</td>)+)</tr>", explorer.static)
    rows = [[unescape(word), *re.findall(r"<td>([^<]*)</td>", cells)] for word, cells in found]

    def grouped(value: int) -> str:
        return f"{value:,}".replace(",", "," if lang == "en" else "\u00a0")

    assert rows[:-1] == [
        [step.token, f"{step.p:.2f}", f"{step.u:.4f}", grouped(step.cached), grouped(step.fresh)] for step in steps[:10]
    ]
    total = [grouped(sum(step.cached for step in steps)), grouped(sum(step.fresh for step in steps))]
    assert rows[-1][1:] == ["", "", *total] and str(len(steps)) in rows[-1][0]
    assert all(one in repr(explorer) for one in [*total, PROMPTS[0]])


def test_the_seed_gives_the_numbers():
    assert uniform(32, 0) == uniform(32, 0) != uniform(32, 1) and all(0 <= u < 1 for u in uniform(10_000, 2))
    other = explore_generation(gpt(), VOCABULARY, PROMPTS, seed=1)
    assert other.data["draws"] == uniform(32, 1) != made("generation").data["draws"]


def changed(change) -> GPT:
    own = copy.deepcopy(gpt())
    with torch.no_grad():
        change(own)
    return own


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocabulary": VOCABULARY[:-1]}, "knows 200 tokens, the vocabulary has 199"),
        ({"vocabulary": [*VOCABULARY[:-1], "the"]}, "has 199 different"),
        ({"vocabulary": [*VOCABULARY[:-1], "a b"]}, "has a blank"),
        ({"vocabulary": ["x" if token == END else token for token in VOCABULARY]}, "lacks <|endoftext|>"),
        ({"prompts": []}, "0 prompts: the explorer shows 1 to 4"),
        ({"prompts": [""] * 5}, "5 prompts"),
        ({"prompts": ["the unicorn"]}, "does not know 'unicorn'"),
        ({"prompts": ["the " * 31]}, "a prompt of 32 tokens leaves no room: the model has 32 positions"),
        ({"model": GPT(200, 32, 32, 4, 2, 64, bias=False)}, "have biases"),
        ({"model": GPT(200, 32, 32, 4, 2, 64, activation="gelu")}, "GELU by tanh, not gelu"),
        ({"model": GPT(200, 32, 64, 4, 2)}, "bytes, allowed 60,000"),
        ({"model": changed(lambda own: own.positions[0, 0].fill_(12))}, "a weight of 12 has no place"),
        ({"model": changed(lambda own: own.positions[0, 0].fill_(torch.nan))}, "a weight of nan has no place"),
    ],
)  # fmt: skip
def test_what_is_no_model_for_a_page_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore_generation(**({"model": gpt(), "vocabulary": VOCABULARY, "prompts": PROMPTS} | change))


def test_a_text_may_begin_with_its_mark():
    assert explore_generation(gpt(), VOCABULARY, [f"{END} the fox"]).data["prompts"] == [ids([END, "the", "fox"])]


# -------------------------------------------------------------------------------------------------------- hidden word


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("side", SIDES)
def test_a_case_is_what_the_model_says(way, side):
    story = stories.stories(1, 7)[0]
    tokens = tokens_of(story)
    case = cases()[0]
    assert case.tokens == tokens and {place for place, _, _ in case.answers} == set(case.others)
    for place in (1, len(story.first), len(story.first) + 2, len(tokens) - 2):
        text = list(tokens)
        if side == "left":
            text[place + 1 :] = [token if token == "[SEP]" else "[MASK]" for token in tokens[place + 1 :]]
        text[place] = {"mask": "[MASK]", "random": case.others[place], "keep": tokens[place]}[way]
        segments = torch.tensor([[0] * (len(story.first) + 2) + [1] * (len(story.second) + 1)])
        with torch.no_grad():
            p = bert().masked_logits(bert()(torch.tensor([stories.ids(text)]), segments))[0, place].softmax(-1)
        answer = case.answers[place, way, side]
        best = p.argsort(descending=True)[:5]
        assert [word for word, _ in answer.top] == [stories.vocabulary()[i] for i in best]
        assert [one for _, one in answer.top] == pytest.approx(p[best].tolist(), abs=1e-12)
        assert answer.original == pytest.approx(float(p[stories.ids([tokens[place]])[0]]), abs=1e-12)
        words = [word for word in tokens if word not in ("[CLS]", "[SEP]")]
        at = place - 1 - (place > len(story.first))
        allowed = stories.ids(stories.fitting(words, at))
        assert words[at] in stories.fitting(words, at)
        assert answer.fits == pytest.approx(float(p[allowed].sum()), abs=1e-12)
        assert story_fits(tokens, place) == set(allowed)


def test_the_other_words_are_words_and_others():
    small = case_of(
        BERT(5, 12, 4, 1, 1),
        ["[CLS]", *"abaabbab", "[SEP]"],
        lambda *_: {3},
        vocabulary=[*"ab", "[MASK]", "[CLS]", "[SEP]"],
    )
    assert small.others == dict(enumerate("babbaaba", 1)), "of two words the other one"
    story = tokens_of(stories.stories(1, 7)[0])
    assert case_of(bert(), story, seed=0).others == cases()[0].others != case_of(bert(), story, seed=9).others


def test_what_fits_may_be_told():
    case = case_of(bert(), ["[CLS]", "the", "[SEP]"], lambda tokens, place: {place})
    assert 0 < case.answers[1, "mask", "both"].fits < 1
    with pytest.raises(ValueError, match="does not know 'unicorn'"):
        case_of(bert(), ["[CLS]", "unicorn"])
    with pytest.raises(ValueError, match="tokens, the vocabulary has 2"):
        case_of(bert(), ["[CLS]", "a"], vocabulary=["[CLS]", "a"])


HIDE = """() => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`), found = [];
  for (let c = 0; c < ref("story").options.length; c++) {
    ref("story").selectedIndex = c;
    ref("story").dispatchEvent(new Event("change"));
    const items = ref("text").querySelectorAll("button");
    for (let n = 0; n < items.length; n++)
      for (let way = 0; way < 3; way++)
        for (const _ of [0, 1]) {
          items[n].click();
          ref("ways").querySelectorAll("button")[way].click();
          ref("hide").click();
          found.push({case: c, n, way, view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, text: root.innerText,
            words: [...ref("text").children].map(e => [e.tagName, e.textContent, e.ariaChecked]), hidden: ref("hide").checked,
            reads: [...ref("reads").children].map(e => [e.tagName, e.textContent, e.className]),
            bars: [...ref("bars").children].map(row => [...row.children].map(e => e.textContent)), note: ref("note").textContent,
            widths: [...ref("bars").querySelectorAll("i")].map(e => +e.style.getPropertyValue("--w")),
            drawn: [...ref("bars").querySelectorAll("i")].map(e => e.offsetWidth / e.parentNode.clientWidth)});
        }
  }
  return found;
}"""


def thousandths(p: float) -> str:
    return f"{round(1000 * p) / 1000:.3f}"


def named(tokens, place: int) -> str:
    return f"“{tokens[place]}”" + (f" (token {place + 1})" if tokens.count(tokens[place]) > 1 else "")


def test_every_state_shows_the_answer_that_was_given(bare):
    opened = bare(made("hidden_word"))
    opened.root.locator("[data-ref=hide]").click()
    opened.root.locator(".tx-ask button").first.click()
    states = opened.page.evaluate(HIDE)
    places = [sorted(case.others) for case in cases()]
    assert len({state["view"] for state in states}) == len(states) == sum(6 * len(some) for some in places)
    for state in states:
        case, place = cases()[state["case"]], places[state["case"]][state["n"]]
        tokens, way, side = list(case.tokens), WAYS[state["way"]], SIDES[state["hidden"]]
        assert state["view"] == f"{state['case']}.{place}.{state['way']}.{int(state['hidden'])}"
        answer = case.answers[place, way, side]
        special = ("[CLS]", "[SEP]")
        assert state["words"] == [
            ["SPAN", token, None] if token in special else ["BUTTON", token, str(i == place).lower()]
            for i, token in enumerate(tokens)
        ]
        text = [
            token if i <= place or token in special or side == "both" else "[MASK]" for i, token in enumerate(tokens)
        ]
        text[place] = {"mask": "[MASK]", "random": case.others[place], "keep": tokens[place]}[way]
        assert [word for _, word, _ in state["reads"]] == text
        assert [i for i, (tag, _, _) in enumerate(state["reads"]) if tag == "B"] == [place]
        assert [kind == "tx-hidden" for _, _, kind in state["reads"]] == [word == "[MASK]" for word in text]
        rows = [[word + " ◂" * (word == tokens[place]), "", thousandths(p)] for word, p in answer.top]
        rows += [
            ["original word ◂", "", thousandths(answer.original)],
            ["all words that fit", "", thousandths(answer.fits)],
        ]
        assert state["bars"] == rows
        assert state["widths"] == [pytest.approx(float(row[2]), abs=1e-9) for row in rows]
        assert state["drawn"] == pytest.approx([max(width * 0.97, 0) for width in state["widths"]], abs=0.04)
        how = {
            "mask": "is hidden as [MASK]",
            "random": f"is replaced by “{case.others[place]}”",
            "keep": "is left as it is",
        }
        seen = {"both": "both sides are seen", "left": "only the left side is seen"}[side]
        assert state["said"] == (
            f"{named(tokens, place)} {how[way]}, {seen}: most probable is “{answer.top[0][0]}” ({rows[0][2]}); "
            f"the original word has {rows[5][2]}, all words that fit {rows[6][2]}."
        )
        assert not any(word in state["text"] for word in ("undefined", "NaN", "{"))
    assert len({state["note"] for state in states}) == 3


def test_it_begins_where_the_right_side_helps_most(bare):
    case = cases()[0]
    gains = {
        p: case.answers[p, "mask", "both"].original - case.answers[p, "mask", "left"].original for p in case.others
    }
    assert bare(made("hidden_word")).view == f"0.{max(gains, key=gains.get)}.0.0"


@pytest.mark.parametrize(("left", "right"), [(0.9, 0), (0.2, 1), (0.54, 2), (0.46, 2)])
@pytest.mark.parametrize("guess", [0, 1, 2])
def test_hiding_the_right_side_needs_a_prediction_which_is_judged_once(bare, guess, left, right):
    case = cases()[2]
    answers = {key: answer._replace(fits=0.5 if key[2] == "both" else left) for key, answer in case.answers.items()}
    opened = bare(explore_hidden_word([case._replace(answers=answers)]))
    box, before = opened.root.locator("[data-ref=hide]"), opened.view
    box.click()
    assert opened.view == before and not box.is_checked() and thousandths(left) not in opened.root.inner_text()
    buttons = opened.root.locator(".tx-ask button")
    assert "0.500 now?" in opened.root.locator(".tx-ask p").inner_text()
    chosen = buttons.nth(guess).inner_text()
    buttons.nth(guess).click()
    verdict = f"As you predicted: {chosen}." if guess == right else f"You predicted: {chosen}; before it was 0.500."
    assert (
        opened.said.endswith(verdict)
        and opened.view == before[:-1] + "1"
        and opened.root.locator(".tx-ask").count() == 0
    )
    assert opened.page.evaluate("document.activeElement.type") == "checkbox"
    for _ in range(2):
        opened.page.keyboard.press("Space")
    assert opened.view == before[:-1] + "1" and "redicted" not in opened.said


def test_a_question_about_another_word_goes(bare):
    opened = bare(made("hidden_word"))
    opened.root.locator("[data-ref=hide]").click()
    opened.root.locator("[data-ref=text] button").nth(4).click()
    assert opened.root.locator(".tx-ask").count() == 0 and not opened.root.locator("[data-ref=hide]").is_checked()


def test_it_is_moved_through_by_keys(bare):
    opened = bare(made("hidden_word"))
    opened.root.locator("[data-ref=text] [tabindex='0']").focus()
    words = sorted(cases()[0].others)
    for key, at in (("Home", 0), ("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("End", -1)):
        opened.page.keyboard.press(key)
        assert opened.view == f"0.{words[at]}.0.0"
    opened.root.locator("[data-ref=ways] [tabindex='0']").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.view == f"0.{words[-1]}.1.0"
    opened.root.locator("[data-ref=story]").select_option(index=2)
    assert opened.view == "2.3.1.0", "the short text has no word so far to the right"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_hidden_word_s_summary_and_table_hold_the_given_numbers(lang):
    explorer, case = made("hidden_word", lang), cases()[0]
    found = re.findall(r"<tr><th scope=\"row\">([^<]*)</th>((?:<td>[^<]*</td>)+)</tr>", explorer.static)
    rows = [[unescape(word), *re.findall(r"<td>([^<]*)</td>", cells)] for word, cells in found]
    places = sorted(case.others)
    assert len(rows) == len(places)
    for row, place in zip(rows, places, strict=True):
        both, left = (case.answers[place, "mask", side] for side in SIDES)
        tops = [f"{one.top[0][0]} {thousandths(one.top[0][1])}" for one in (both, left)]
        assert row == [case.tokens[place], tops[0], thousandths(both.fits), tops[1], thousandths(left.fits)]
    for field in ("original", "fits"):
        for side in SIDES:
            mean = np.mean([getattr(case.answers[place, "mask", side], field) for place in places])
            assert thousandths(mean) in repr(explorer)
    assert str(stories.stories(1, 7)[0]) in repr(explorer)


def test_the_names_are_those_of_the_corpus():
    assert {*hidden_word.FIXED, hidden_word.MASK, END} <= set(stories.SPECIAL)


def test_a_case_may_be_a_mapping():
    given = [{**one._asdict(), "answers": {key: tuple(a) for key, a in one.answers.items()}} for one in cases()]
    assert explore_hidden_word(given)._repr_html_() == made("hidden_word")._repr_html_()


def altered(key=(2, "keep", "left"), **change):
    case = cases()[2]
    return case.answers | {key: case.answers[key]._replace(**change)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": {}}, "text 0: there is no answer"),
        ({"tokens": ["[CLS]", "the"]}, "no word at place 2"),
        ({"tokens": ["[CLS]", "[SEP]", "fox", "the"]}, "no word at place 1"),
        ({"others": {1: "it", 2: "bear"}}, "no other word for place 3"),
        ({"answers": {k: a for k, a in cases()[2].answers.items() if k != (1, "keep", "left")}}, "(1, 'keep', 'left')"),
        ({"answers": cases()[2].answers | {(1, "swap", "left"): cases()[2].answers[1, "keep", "left"]}}, "swap"),
        ({"answers": altered(top=[("fox", 0.5)])}, "has 5 words, the most probable first"),
        ({"answers": altered(top=[(word, p / 10) for p, word in enumerate("abcde")])}, "the most probable first"),
        ({"answers": altered(original=-0.1)}, "probabilities from 0 to 1"),
        ({"answers": altered(fits=1.1)}, "probabilities from 0 to 1"),
        ({"answers": altered(fits=float("nan"))}, "probabilities from 0 to 1"),
        ({"tokens": ["[CLS]", *["the"] * 32]}, "33 tokens; an explorer shows 32 at most"),
    ],
)
def test_what_is_no_case_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore_hidden_word([cases()[2]._replace(**change)])


def test_the_number_of_texts_is_limited():
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"{count} texts: the explorer shows 1 to 3"):
            explore_hidden_word([cases()[2]] * count)
