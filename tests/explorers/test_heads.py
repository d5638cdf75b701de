"""The heads viewer: what it stores, what it refuses, and what a learner sees and can do."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib import language
from course_lib.explorers import explore_heads, heads, page
from course_lib.figures.style import STYLE

PACKAGE = Path(heads.__file__).parent
TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_models.toml").read_text("utf-8"))
SENTENCE = "the animal didn't cross the street because it was too tired .".split()
# The largest error of a stored weight, and that of printing two decimals.
QUANTISED, PRINTED = 1 / 508, 0.005


@pytest.fixture(autouse=True)
def _language_as_it_was():
    before = language.language()
    yield
    language.use_language(before)


def attention(layers: int, heads: int, queries: int, keys: int | None = None, seed: int = 0) -> np.ndarray:
    """Rows of softmax over normal scores: (layers, heads, queries, keys)."""
    scores = np.exp(2 * np.random.default_rng(seed).normal(size=(layers, heads, queries, keys or queries)))
    return scores / scores.sum(-1, keepdims=True)


def causal(layers: int, heads: int, length: int) -> np.ndarray:
    weights = np.tril(attention(layers, heads, length))
    return weights / weights.sum(-1, keepdims=True)


def html(*arguments, **options) -> str:
    return explore_heads(*arguments, **options)._repr_html_()


def stored(explorer, data: dict | None = None) -> np.ndarray:
    """The levels as the script reads them."""
    levels = np.frombuffer(base64.b64decode((data or explorer.data)["weights"]), dtype=np.uint8)
    return levels.reshape(explorer.data["shape"]).astype(float)


# ------------------------------------------------------------------------------------------------- what is stored


def test_stored_weights_are_within_the_stated_error() -> None:
    weights = attention(6, 8, 24)
    levels = stored(explore_heads(weights, [str(n) for n in range(24)]))
    assert levels.max() <= 254
    error = np.abs(levels / 254 - weights).max()
    assert 1 / 600 < error <= QUANTISED + 1e-12 < 1 / 254


def test_a_masked_cell_is_told_from_a_small_weight() -> None:
    weights = causal(2, 2, 5)
    weights[0, 0, 4] = [0, 1, 0, 0, 0]  # zeros in one head only: weights, not a mask
    levels = stored(explore_heads(weights, list("abcde")))
    masked = ~np.tri(5, dtype=bool)
    assert (levels[..., masked] == 255).all() and (levels[..., ~masked] <= 254).all()
    assert not (stored(explore_heads(attention(1, 1, 5), list("abcde"))) == 255).any()


def test_tensors_arrays_and_lists_of_layers_give_the_same_bytes() -> None:
    weights = attention(3, 2, 4)
    tensor = torch.tensor(weights, requires_grad=True)
    expected = html(weights, list("abcd"))
    assert html(tensor, list("abcd")) == expected
    assert html(list(tensor), list("abcd")) == expected
    assert html(weights.tolist(), tuple("abcd")) == expected
    half = tensor.detach().bfloat16().softmax(-1)
    assert explore_heads(half / half.sum(-1, keepdim=True), list("abcd"))


def test_six_layers_eight_heads_and_24_tokens_fit() -> None:
    for lang, words in (("en", "understandings"), ("ru", "взаимопонимание")):
        language.use_language(lang)
        size = len(html(attention(6, 8, 24), [words[n % 6 :] for n in range(24)]).encode())
        assert 45_000 < size <= 60_000, (lang, size)
    assert len(page.script("heads").encode()) <= 8_000
    with pytest.raises(ValueError, match="bytes, allowed 60,000"):
        explore_heads(attention(6, 8, 32), [str(n) for n in range(32)])


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language() -> None:
    code = (
        "import hashlib, test_heads as t\n"
        "for lang in t.language.LANGUAGES:\n"
        "  t.language.use_language(lang)\n"
        "  block = t.html(t.attention(2, 2, 5), list('abcda'), shuffled=(t.attention(2, 2, 5, seed=1), [4, 3, 2, 1, 0]))\n"
        "  print(hashlib.sha256(block.encode()).hexdigest())"
    )
    environment = {"PYTHONPATH": str(PACKAGE.parents[1]), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env=environment | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "77")
    ]
    assert runs[0] == runs[1] and len(set(runs[0])) == 2


def test_no_torch_is_imported() -> None:
    code = (
        "import sys; from course_lib.explorers import explore_heads\n"
        "explore_heads([[[[0.5, 0.5], [0.5, 0.5]]]], ['a', 'b']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


def test_the_colours_are_those_of_the_course_s_heatmaps() -> None:
    from matplotlib import colormaps

    shown = np.array(explore_heads(attention(1, 1, 2), ["a", "b"]).data["colours"])
    expected = colormaps[STYLE["image.cmap"]](np.linspace(0, 1, len(shown)))[:, :3] * 255
    assert np.abs(shown - expected).max() <= 0.5


# -------------------------------------------------------------------------------------------------- what is refused


def broken(**changes: float) -> np.ndarray:
    weights = attention(2, 2, 3)
    for place, value in changes.items():
        weights[tuple(int(digit) for digit in place[1:])] = value
    return weights


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((attention(1, 1, 3)[0], list("abc")), {}, r"shape \(layers, heads, T_q, T_k\), not \(1, 3, 3\)"),
        ((np.zeros((1, 0, 3, 3)), list("abc")), {}, r"not \(1, 0, 3, 3\)"),
        (([attention(1, 1, 3)[0], attention(1, 2, 3)[0]], list("abc")), {}, "layers have different shapes"),
        ((attention(1, 1, 3), list("ab")), {}, "3 queries and 3 keys, but there are 2 and 2 tokens"),
        ((attention(1, 1, 3, 2), list("abc")), {"keys": list("abc")}, "3 queries and 2 keys"),
        ((attention(1, 1, 33), ["a"] * 33), {}, "33 tokens do not fit"),
        ((attention(1, 1, 2, 33), ["a"] * 2), {"keys": ["a"] * 33}, "33 tokens do not fit"),
        ((broken(_0121=np.nan), list("abc")), {}, r"weights\[0, 1, 2, 1\] is not a number"),
        ((broken(_1000=np.inf), list("abc")), {}, r"weights\[1, 0, 0, 0\] is not a number"),
        ((broken(_1100=-0.1), list("abc")), {}, r"weights\[1, 1, 0, 0\] is negative"),
        ((broken(_0010=0.9), list("abc")), {}, r"the row weights\[0, 0, 1\] sums to 1\.\d+, not 1"),
        ((attention(1, 1, 3).swapaxes(2, 3), list("abc")), {}, "softmax goes along the last dimension"),
        ((attention(1, 1, 3), list("abc")), {"shuffled": (attention(1, 1, 3), [0, 1, 1])}, "each of 0 … 2 once"),
        ((attention(1, 1, 3), list("abc")), {"shuffled": (attention(2, 1, 3), [0, 1, 2])}, "the others"),
        ((attention(1, 1, 3), list("abc")), {"shuffled": (broken(_0000=np.nan), [0, 1, 2])}, r"shuffled weights\[0"),
        (
            (attention(1, 1, 3), list("abc")),
            {"keys": list("abc"), "shuffled": (attention(1, 1, 3), [0, 1, 2])},
            "self-attention",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_with_a_reason(arguments, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        explore_heads(*arguments, **options)


@pytest.mark.parametrize("choice", [{"layer": 2}, {"head": -1}, {"query": 3}])
def test_a_first_choice_must_exist(choice) -> None:
    with pytest.raises(IndexError, match=next(iter(choice))):
        explore_heads(attention(2, 2, 3), list("abc"), **choice)


# ------------------------------------------------------------------------------------------------------ the words


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_the_summary_is_one_sentence_with_the_dominant_key(lang) -> None:
    language.use_language(lang)
    weights = attention(2, 1, len(SENTENCE))
    weights[1, 0, 7] = 0
    weights[1, 0, 7, [1, 5]] = 0.75, 0.25
    weights[0, 0, 0] = 0
    quote = "“{}”" if lang == "en" else "«{}»"
    text = repr(explore_heads(weights, SENTENCE, layer=1, query=7))
    assert f"{quote.format('animal')} 0.75, {quote.format('street')} 0.25." in text and "\n" not in text
    assert text.count(". ") == 0 and text.endswith(".")
    nobody = repr(explore_heads(weights, SENTENCE))
    assert f"{quote.format('the')} ({'token' if lang == 'en' else 'токен'} 1)" in nobody
    assert language.say("explorer.heads.none") in nobody


def test_texts_have_the_same_fields_and_are_all_used() -> None:
    code = "".join(PACKAGE.joinpath(f"heads{end}").read_text("utf-8") for end in (".py", ".js"))
    for key, text in TEXTS.items():
        assert re.findall(r"\{(\w+)\}", text["en"]) == re.findall(r"\{(\w+)\}", text["ru"]) or sorted(
            re.findall(r"\{(\w+)\}", text["en"])
        ) == sorted(re.findall(r"\{(\w+)\}", text["ru"])), key
        if key.startswith("explorer.heads."):
            word = key.split(".")[-1]
            assert re.search(rf"\bwords\.{word}\b|\"{word}\"|heads\.{word}\b|ui\.{word}\b", code), key
    used = set(re.findall(r"\bwords\.(\w+)", code))
    assert {f"explorer.heads.ui.{word}" for word in used} <= set(TEXTS)


HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--", "{keys}", "\"&'", " ", "\n", "", "a" * 200]


def test_hostile_tokens_stay_text(bare) -> None:
    explorer = explore_heads(attention(2, 1, len(HOSTILE)), HOSTILE)
    text = explorer._repr_html_()
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)[1]
    shown = [HOSTILE[0].replace(" ", "␣"), *HOSTILE[1:4], "␣", "⏎", "∅", HOSTILE[7]]
    assert json.loads(data)["tokens"] == shown
    browser = bare(explorer)
    assert browser.root.locator("[role=radio]").all_inner_texts() == shown
    browser.root.locator("[role=radio]").nth(2).click()
    assert "“{keys}”" in browser.said
    assert browser.root.locator("img").count() == 0 and browser.overflow() == []


# -------------------------------------------------------------------------------------------------- in a browser


def shown_weights(browser) -> list[str]:
    return browser.root.locator(".tx-fan > div:last-child > div > b").all_inner_texts()


def choose(browser, layer: int, head: int) -> None:
    browser.root.get_by_label("Layer").select_option(str(layer + 1))
    browser.root.get_by_label("Head").select_option(str(head + 1))


def test_the_numbers_on_the_screen_are_the_model_s(bare) -> None:
    weights = torch.softmax(
        2 * torch.randn(3, 4, 12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64), -1
    )
    browser = bare(explore_heads(weights, SENTENCE, layer=1, head=2, query=7))
    for layer, head, query in ((1, 2, 7), (0, 0, 0), (2, 3, 11), (2, 0, 4)):
        choose(browser, layer, head)
        browser.root.locator("[role=radio]").nth(query).click()
        row = weights[layer, head, query]
        numbers = torch.tensor([float(number) for number in shown_weights(browser)], dtype=torch.float64)
        assert (numbers - row).abs().max() <= QUANTISED + PRINTED + 1e-9
        bars = browser.root.locator(".tx-fan > div:last-child > div").evaluate_all(
            "all => all.map(e => +e.style.getPropertyValue('--w'))"
        )
        assert (torch.tensor(bars, dtype=torch.float64) - row).abs().max() <= QUANTISED + 1e-9
        best = int(row.argmax())
        assert browser.view == f"{layer}.{head}.{query}.{best}.0"
        assert f"Layer {layer + 1}, head {head + 1}, query “{SENTENCE[query]}”" in browser.said
        assert re.search(rf": largest weights “{re.escape(SENTENCE[best])}”(?: \(token {best + 1}\))? ", browser.said)
        assert browser.root.locator(".tx-fan > div:last-child > .tx-now span").all_inner_texts() == [SENTENCE[best]]
        widths = browser.root.locator("line").evaluate_all(
            "all => all.map(e => parseFloat(getComputedStyle(e).strokeWidth))"
        )
        assert int(np.argmax(widths)) == best


def test_the_maps_are_painted_with_the_weights(bare) -> None:
    weights = causal(2, 2, 4)
    explorer = explore_heads(weights, list("abcd"))
    colours, levels = np.array(explorer.data["colours"]), stored(explorer)
    places = 16 * np.sqrt(np.minimum(levels, 254) / 254)
    expected = np.stack([np.interp(places, np.arange(17), channel) for channel in (*colours.T, np.full(17, 255))], -1)
    expected[levels == 255] = 0  # masked: transparent
    browser = bare(explorer)
    read = "e => [...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]"
    small = browser.root.locator(".tx-grid canvas")
    assert small.count() == 4
    for n in range(4):
        found = np.array(small.nth(n).evaluate(read)).reshape(4, 4, 4)
        assert np.abs(found - expected[n // 2, n % 2]).max() <= 0.5
    browser.root.locator(".tx-grid button").nth(2).click()
    assert browser.view.startswith("1.0.0.")
    large = np.array(browser.root.locator(".tx-map canvas").evaluate(read)).reshape(4, 4, 4)
    assert np.abs(large - expected[1, 0]).max() <= 0.5


def test_everything_can_be_done_from_the_keyboard(bare) -> None:
    browser = bare(explore_heads(attention(2, 3, 5), list("abcde"), query=1))
    stops = []
    for _ in range(4):
        browser.page.keyboard.press("Tab")
        stops.append(
            browser.page.evaluate(
                "document.activeElement.tagName + '.' + (document.activeElement.getAttribute('role') || '')"
            )
        )
    assert stops[:3] == ["SELECT.", "SELECT.", "BUTTON.radio"] and stops[3] != "BUTTON.radio"
    browser.root.locator("[role=radio][tabindex='0']").focus()
    places = []
    for key in ("ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "ArrowRight"):
        browser.page.keyboard.press(key)
        places.append(int(browser.view.split(".")[2]))
        focused = browser.page.evaluate(
            "[...document.querySelectorAll('[role=radio]')].indexOf(document.activeElement)"
        )
        assert focused == places[-1]
        assert browser.root.locator("[aria-checked=true]").count() == 1
        assert browser.root.locator("[role=radio][tabindex='0']").count() == 1
    assert places == [2, 4, 0, 4, 0, 1]
    browser.root.get_by_label("Head").focus()
    browser.page.keyboard.press("ArrowDown")
    assert browser.view.startswith("0.1.1.")


def test_the_mouse_previews_and_a_click_keeps(bare) -> None:
    browser = bare(explore_heads(attention(2, 2, 5), list("abcde")))
    before, said, weights = browser.view, browser.said, shown_weights(browser)
    for target in (browser.root.locator("[role=radio]").nth(3), browser.root.locator(".tx-grid button").nth(3)):
        target.hover()
        assert (browser.view, browser.said) == (before, said) and shown_weights(browser) != weights
        browser.page.mouse.move(1, 1)
        assert shown_weights(browser) == weights
    row = {"x": 10, "y": browser.root.locator(".tx-map").bounding_box()["height"] * 0.5}
    browser.root.locator(".tx-map").hover(position=row)
    assert shown_weights(browser) != weights and browser.view == before
    browser.root.locator(".tx-map").click(position=row)
    browser.page.mouse.move(1, 1)
    assert "“c”" in browser.said and browser.view.split(".")[2] == "2"
    browser.root.locator(".tx-grid button").nth(3).click()
    assert browser.view.startswith("1.1.2.")
    # The small maps are hidden from screen readers, so the focus may not go there.
    assert browser.page.evaluate("!document.activeElement.closest('[aria-hidden]')")


def test_letters_stay_inside(bare) -> None:
    browser = bare(explore_heads(attention(1, 2, 3), list("abc")))
    browser.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    for control in browser.root.locator("select, [role=radio][tabindex='0']").all():
        for key in ("a", "x", "1", "Enter"):
            control.focus()
            browser.page.keyboard.press(key)
    assert browser.page.evaluate("heard") == []


def test_masked_keys_and_queries_without_keys(bare) -> None:
    weights = causal(2, 1, 4)
    weights[:, :, 0] = 0
    browser = bare(explore_heads(weights, list("abcd"), query=1))
    assert shown_weights(browser)[2:] == ["masked"] * 2 and "masked" not in shown_weights(browser)[:2]
    browser.root.locator("[role=radio]").first.click()
    assert "may look at no key" in browser.said and shown_weights(browser) == ["masked"] * 4


def test_cross_attention_has_two_lists(bare) -> None:
    weights = attention(1, 2, 3, 5)
    language.use_language("ru")
    browser = bare(explore_heads(weights, ["он", "не", "перешёл"], keys=list("abcde"), query=2))
    assert browser.root.locator("[role=radio]").all_inner_texts() == ["он", "не", "перешёл"]
    assert browser.root.locator(".tx-fan span").all_inner_texts() == list("abcde")
    best = int(weights[0, 0, 2].argmax())
    assert f"запрос «перешёл»: наибольшие веса — «{'abcde'[best]}»" in browser.said


def test_the_shuffle_keeps_the_token_and_says_what_it_changed(bare) -> None:
    weights, order = attention(1, 2, 4), [2, 0, 3, 1]
    moved = weights[:, :, order][:, :, :, order].copy()  # a model that does not see the order …
    moved[0, 1, 0] = [0.25] * 4  # … but for one query of its second head
    change = np.abs(moved[0, 1, 0] - weights[0, 1, 2][order]).max()
    browser = bare(explore_heads(weights, list("abcd"), query=3, shuffled=(moved, order)))
    said = browser.said
    browser.root.get_by_label("shuffle the tokens").check()
    assert browser.root.locator("[role=radio]").all_inner_texts() == list("cadb")
    assert browser.root.locator("[aria-checked=true]").inner_text() == "d" and browser.view.endswith(".1")
    assert said in browser.said and "changed no weight" in browser.said
    choose(browser, 0, 1)
    assert f"by up to {change:.2g}: for this head" in browser.said
    browser.root.locator("[role=radio]").first.click()
    assert shown_weights(browser) == ["0.25"] * 4
    browser.root.get_by_label("shuffle the tokens").uncheck()
    assert browser.root.locator("[aria-checked=true]").inner_text() == "c" and browser.view.startswith("0.1.2.")
    assert "shuffle" not in browser.said


@pytest.mark.parametrize("lang", language.LANGUAGES)
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390), ("dark", 390)])
def test_it_can_be_read_on_every_ground_and_on_a_phone(bare, lang, theme, width) -> None:
    language.use_language(lang)
    for weights, tokens in (
        (attention(6, 8, 24), ["understandable", "взаимопонимание", "it"] * 8),
        (causal(2, 1, 12), SENTENCE),
    ):
        browser = bare(explore_heads(weights, tokens, query=5), theme=theme, width=width)
        assert browser.contrasts() == [] and browser.overflow() == []
        heights = browser.root.locator(".tx-fan > div").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().height)"
        )
        lines = browser.root.locator(".tx-fan svg").evaluate("e => e.getBoundingClientRect().height")
        assert [*heights, lines] == [len(tokens) * 22] * 3, "the lines end at their rows"


def test_without_a_script_the_table_is_read(bare) -> None:
    browser = bare(explore_heads(attention(1, 1, 12), SENTENCE), script=False)
    assert browser.root.locator("table").is_visible() and browser.root.locator("tbody tr").count() == 12
    assert browser.contrasts() == []
