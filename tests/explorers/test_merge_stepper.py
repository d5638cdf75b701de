"""The merge stepper: every state is that of merge_steps, the own word is cut as by its merges, and it asks before it tells."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from explorers_02 import BOTH, ENGLISH, MERGES, RUSSIAN, merge_stepper

from course_lib.bpe import Step, learn_merges, merge_pair, merge_steps
from course_lib.explorers import explore_merge_stepper
from course_lib.explorers import page as frame
from course_lib.language import LANGUAGES, use_language

PACKAGE = Path(frame.__file__).parent
LISTED = 6
"""Pairs that the page lists."""


def drawn(seed: int) -> dict[str, int]:
    """Words of a few letters, in which many pairs are equally frequent and the same letter often stands twice."""
    draw = random.Random(seed)
    return {"".join(draw.choices("abж", k=draw.randint(4, 12))): draw.randint(1, 4) for _ in range(10)}


CORPORA = {
    "english": (ENGLISH, MERGES),
    "russian": (RUSSIAN, MERGES),
    "overlaps": ({"aaaaaaa": 2, "aaab": 3, "baaaa": 1, "abab": 1}, 7),
    "astral": ({" low": 3, "😀a😀ﬁ": 2, "a😀 b": 4, "ﬁ😀ﬁ😀": 1}, 7),
    "drawn": (drawn(1), 30),
}
OWN = (
    *(
        "lowest",
        "low",
        "newer",
        "widest",
        "wow",
        "estestest",
        "lllow",
        "Low",
        "lowé",
        "x",
        "",
        " ",
        "l o w",
        "кот",
        "котята",
    ),
    *(
        "aaaaaaaaaaa",
        "baaaab",
        "ababab",
        "aaab",
        "бaaa",
        "😀a😀",
        " low",
        "ﬁ😀",
        "abжabжbbb",
        "жжжж",
        "a.b|c",
        "<b>&amp;",
    ),
)


def numbers_after(corpus: Mapping[str, int], steps: list[Step], k: int) -> dict[str, int]:
    """The symbols after k merges, with their numbers."""
    symbols = {symbol: number for number, symbol in enumerate(sorted(set("".join(corpus))))}
    for step in steps[:k]:
        symbols[step.left + step.right] = len(symbols)
    return symbols


def cut(own: str, steps: list[Step]) -> tuple[list[list[str]], list[int]]:
    """The own word at first and after each merge that changes it, and the numbers of these merges."""
    rows, used = [list(own)], []
    for number, step in enumerate(steps, start=1):
        merged = merge_pair(rows[-1], step.left, step.right)
        if merged != rows[-1]:
            rows.append(merged)
            used.append(number)
    return rows, used


def seen(text: str) -> str:
    return text.replace(" ", "␣")


# Steps through all states; answers whatever is asked with its first option. Types each own word in each state.
WALK = """({merges, own}) => {
  const root = document.querySelector(".tx-explorer"), range = root.querySelector("input[type=range]"), field = root.querySelector("input[type=text]");
  const to = k => { range.value = k; range.dispatchEvent(new Event("input")); };
  for (let k = 0; k < 4; k++) { to(merges); root.querySelector(".tx-ask button")?.click(); }
  const chips = row => [...row.querySelectorAll(".tx-chip")].map(chip => chip.lastChild.textContent);
  return Array.from({length: merges + 1}, (_, k) => {
    to(k);
    const buttons = [...root.querySelectorAll("[data-ref=pairs] button")], words = [...root.querySelector("[data-ref=words]").children];
    const symbols = [...root.querySelectorAll("[data-ref=symbols] .tx-chip")];
    const state = {
      at: root.dataset.view.split(".")[0], said: root.querySelector("[aria-live]").textContent,
      words: words.map(row => [row.querySelector("small").textContent, chips(row)]),
      fresh: [...root.querySelectorAll("[data-ref=words] .tx-new")].map(chip => chip.textContent),
      symbols: symbols.map(chip => [chip.firstChild.textContent, chip.lastChild.textContent]),
      tiles: [...root.querySelectorAll(".tx-tile > b")].map(b => b.textContent),
      curves: [...root.querySelectorAll(".tx-tile path")].map(path => path.getAttribute("d")),
      most: root.querySelector("[data-ref=pairs] .tx-quiet")?.textContent ?? "",
      text: root.innerText,
    };
    state.pairs = buttons.map(one => {
      one.click();
      return {text: [...one.children].map(part => part.textContent.trim()), width: one.style.getPropertyValue("--w"), won: one.className,
        spelled: root.querySelector(".tx-spell").textContent,
        marked: [...root.querySelector("[data-ref=words]").children].map(row => [...row.querySelectorAll(".tx-left")].length)};
    });
    state.own = own.map(word => {
      field.value = word;
      field.dispatchEvent(new Event("input"));
      return {rows: [...root.querySelector(".tx-cuts").children].map(row => [row.querySelector("small").textContent, chips(row)]),
        unknown: [...(root.querySelector(".tx-cuts").lastElementChild?.querySelectorAll(".tx-unknown") ?? [])].map(chip => chip.textContent),
        said: root.querySelector("[aria-live]").textContent, view: root.dataset.view};
    });
    return state;
  });
}"""


@pytest.mark.parametrize("name", CORPORA)
def test_every_state_is_that_of_merge_steps(bare, name):
    corpus, merges = CORPORA[name]
    steps = list(merge_steps(corpus, merges + 1))
    assert [(s.left, s.right, s.count) for s in steps] == [tuple(m) for m in learn_merges(corpus, merges + 1)]
    shown = bare(explore_merge_stepper(corpus, merges))
    states = shown.page.evaluate(WALK, {"merges": merges, "own": list(OWN)})
    assert len(states) == merges + 1
    totals = []
    for k, state in enumerate(states):
        numbers = numbers_after(corpus, steps, k)
        words = steps[k - 1].words if k else [(list(word), n) for word, n in corpus.items()]
        assert state["at"] == str(k)
        assert state["words"] == [[f"{n} ×", [seen(s) for s in symbols]] for symbols, n in words]
        made = steps[k - 1].left + steps[k - 1].right if k else None
        assert state["fresh"] == [seen(s) for symbols, _ in words for s in symbols if s == made]
        assert state["symbols"] == [[f"{number} ", seen(symbol)] for symbol, number in numbers.items()]
        totals.append(sum(len(symbols) * n for symbols, n in words))
        assert state["tiles"] == [str(len(numbers)), str(totals[-1])]
        heights = [[float(p.split(",")[1]) for p in curve[1:].split("L")] for curve in state["curves"]]
        assert heights[1] == pytest.approx([50 - 50 * total / totals[0] for total in totals])
        if k:
            assert heights[0][-1] < heights[0][-2] and len(numbers) == len(numbers_after(corpus, steps, k - 1)) + 1
            assert f"Symbols in the vocabulary: {len(numbers) - 1} → {len(numbers)}" in state["said"]
            assert f"in the corpus: {totals[-2]} → {totals[-1]}" in state["said"]
        # The pairs before the next merge, the winner first; with too few merges left, those that remain.
        if k < len(steps):
            pairs = sorted(steps[k].pairs.items(), key=lambda p: (-p[1], numbers[p[0][0]], numbers[p[0][1]]))
            assert pairs[0][0] == (steps[k].left, steps[k].right)
        else:
            pairs = []
        assert state["most"] == (f"Different pairs in all: {len(pairs)}" if len(pairs) > LISTED else "")
        assert len(state["pairs"]) == min(len(pairs), LISTED)
        for i, (((left, right), count), row) in enumerate(zip(pairs, state["pairs"], strict=False)):
            won = i == 0 and k < merges
            label = f"{seen(left)} + {seen(right)}"
            ids = f"№ {numbers[left]}, {numbers[right]}"
            assert row["text"] == [label, ids, "merged next" if won else "", str(count)]
            assert row["won"] == ("tx-won" if won else "")
            assert float(row["width"]) == pytest.approx(count / pairs[0][1])
            # The count spelled out adds up, and so do the places that are marked.
            name_, arithmetic = row["spelled"].split(": ")
            sum_, result = arithmetic.rsplit(" = ", 1)
            terms = [re.fullmatch(r".+? (?:(\d+) × )?(\d+)", term) for term in sum_.split(" + ")]
            assert name_ == label and int(result) == count
            assert sum(int(term[1] or 1) * int(term[2]) for term in terms) == count
            assert sum(n * m for n, (_, m) in zip(row["marked"], words, strict=True)) == count
        if k < merges:
            tied = len(pairs) > 1 and pairs[1][1] == pairs[0][1]
            assert ("just as frequent" in state["said"]) == tied
            if tied:
                ids = [", ".join(str(numbers[s]) for s in pair) for pair, _ in pairs[:2]]
                assert f"the symbol numbers ({ids[0]}) come before ({ids[1]})" in state["said"]
            else:
                assert f"no other pair has so many occurrences ({pairs[0][1]})" in state["said"]
        else:
            assert "That was the last merge here." in state["said"]
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))
        for own, found in zip(OWN, state["own"], strict=True):
            rows, used = cut(own, steps[:k])
            labels = ["at first", *(f"{n}.  {seen(steps[n - 1].left)} + {seen(steps[n - 1].right)}" for n in used)]
            wanted = [[label, [seen(s) for s in row]] for label, row in zip(labels, rows, strict=True)]
            assert found["rows"] == (wanted if own else [])
            assert found["view"].endswith("." + "|".join(rows[-1]))
            assert found["unknown"] == [seen(c) for c in own if c not in set("".join(corpus))]
            if not own:
                assert found["said"] == "Type a word to see how the merges cut it."
                continue
            tokens = " · ".join(seen(s) for s in rows[-1])
            assert found["said"].startswith(f"Your word “{seen(own)}”: {tokens}, tokens: {len(rows[-1])}.")
            assert (f"in this order: {', '.join(map(str, used))}." in found["said"]) == bool(used)
            assert ("Unknown, since absent from the corpus" in found["said"]) == bool(found["unknown"])


def test_the_summary_and_the_table_hold_the_figures():
    explorer, steps = merge_stepper(), list(merge_steps(ENGLISH, MERGES))
    assert repr(explorer) == (
        "BPE on 4 words: 10 merges take the vocabulary from 10 to 20 symbols and the corpus from 79 to 20; the first are "
        "e + s (9), es + t (9), l + o (7); “lowest” becomes low · est (tokens: 2)."
    )
    total = 79
    for k, step in enumerate(steps, start=1):
        total = sum(len(symbols) * n for symbols, n in step.words)
        cells = [f"{step.left} + {step.right}", step.count, 10 + k, total]
        assert f'<th scope="row">{k}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) in explorer.static
    assert total == 20
    assert "lowest" not in repr(explore_merge_stepper(ENGLISH, MERGES))
    spaced = explore_merge_stepper({" low": 3, " lower": 2}, 3)
    assert "␣ + l (5)" in repr(spaced) and "<td>␣ + l</td>" in spaced.static


# ---------------------------------------------------------------------------------------------- what the learner meets


def state(shown) -> list[str]:
    """Merges made, whether the counts are seen, the chosen pair, the tokens of the own word."""
    return shown.view.split(".")


def press(shown, ref: str) -> None:
    shown.root.locator(f"[data-ref={ref}]").click()


def slide(shown, to: int) -> None:
    shown.root.locator("[data-ref=range]").evaluate(
        "(range, to) => { range.value = to; range.dispatchEvent(new Event('input')); }", to
    )


def options(shown):
    return shown.root.locator(".tx-ask button")


def test_the_questions_come_at_ties_and_late():
    assert merge_stepper().data["asked"] == [0, 2, 5]
    # l + o and o + w compete before merge 3.
    assert explore_merge_stepper(RUSSIAN, MERGES).data["asked"] == [0, 2, 5]
    # Ties all the way: the first two merges do not count.
    assert explore_merge_stepper({"abcdefgh": 1}, 5).data["asked"] == [0, 2, 3]
    # No tie but near the end: a third of the way, and the second half.
    plain = {"abcdefgh": 1, "abcdefg": 2, "abcdef": 4, "abcde": 8, "abcd": 16, "abc": 32, "ab": 64}
    assert explore_merge_stepper(plain, 5).data["asked"] == [0, 1, 3]


def test_the_counts_are_hidden_until_the_prediction_is_made(bare):
    shown = bare(merge_stepper())
    assert state(shown)[:2] == ["0", "0"] and options(shown).count() == 0
    assert shown.page.evaluate("document.activeElement === document.body"), "nothing takes the focus of the notebook"
    assert shown.root.locator("[data-ref=pairs] button").count() == 0
    assert shown.root.locator("[data-ref=spelled]").inner_text() == ""
    assert shown.root.locator("[data-ref=words] .tx-left").count() == 0
    assert not re.search(r"\d", shown.root.locator(".tx-sides section").last.inner_text())
    press(shown, "next")
    assert state(shown)[:2] == ["0", "0"] and shown.said.startswith("No merge yet.")
    assert [option.inner_text() for option in options(shown).all()] == ["w + e", "e + s", "s + t"]
    assert shown.page.evaluate("document.activeElement.closest('.tx-ask') !== null")
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    assert state(shown)[:2] == ["0", "1"]
    assert shown.said.startswith("As you predicted. Next is e + s, occurrences: 9. s + t is just as frequent")
    assert "the symbol numbers (1, 7) come before (7, 8)" in shown.said
    assert shown.root.locator("[data-ref=pairs] button").count() == LISTED
    assert shown.page.evaluate("document.activeElement.dataset.ref") == "next"
    shown.page.keyboard.press("Enter")
    assert state(shown)[:2] == ["1", "1"] and options(shown).count() == 0
    assert shown.said.startswith("Merge 1: e + s → es, occurrences: 9. Symbols in the vocabulary: 10 → 11")


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [
        (0, "You predicted w + e; its occurrences: 8. Next is e + s, occurrences: 9."),
        (1, "As you predicted. Next is e + s"),
        (2, "You predicted s + t; its occurrences: 9. Next is e + s, occurrences: 9. s + t is just as frequent"),
    ],
)
def test_the_prediction_is_judged(bare, guess, verdict):
    shown = bare(merge_stepper())
    press(shown, "next")
    options(shown).nth(guess).click()
    assert shown.said.startswith(verdict)


def test_nobody_slides_past_a_prediction(bare):
    shown = bare(merge_stepper())
    visited = []
    for _ in range(4):
        slide(shown, MERGES)
        visited.append(state(shown)[0])
        assert shown.root.locator("[data-ref=range]").input_value() == visited[-1]
        if options(shown).count():
            assert shown.root.locator("[data-ref=pairs] button").count() == 0
            # Back and away is no way around.
            if visited[-1] != "0":
                press(shown, "back")
                assert options(shown).count() == 0 and int(state(shown)[0]) == int(visited[-1]) - 1
                press(shown, "next")
                press(shown, "next")
                assert state(shown)[:2] == [visited[-1], "0"]
            options(shown).first.click()
    assert visited == ["0", "2", "5", "10"]
    # Asked once only.
    slide(shown, 0)
    assert state(shown)[:2] == ["0", "1"] and shown.root.locator("[data-ref=pairs] button").count() == LISTED
    slide(shown, MERGES)
    assert state(shown)[0] == "10" and options(shown).count() == 0


def test_arriving_at_a_prediction_by_steps_asks_at_the_next_one(bare):
    shown = bare(merge_stepper())
    press(shown, "next")
    options(shown).nth(1).click()
    press(shown, "next")
    press(shown, "next")
    assert state(shown)[:2] == ["2", "0"] and options(shown).count() == 0
    assert "To go on, predict the next merge." in shown.said and "just as frequent" not in shown.said
    press(shown, "next")
    assert options(shown).count() == 3


def test_slider_and_buttons_answer_to_the_keyboard(bare):
    shown = bare(merge_stepper())
    for _ in range(4):
        slide(shown, MERGES)
        if options(shown).count():
            options(shown).first.click()
    assert shown.root.locator("[data-ref=next]").is_disabled()
    shown.root.locator("[data-ref=range]").focus()
    shown.page.keyboard.press("ArrowLeft")
    assert state(shown)[0] == "9"
    assert shown.root.locator("[data-ref=range]").get_attribute("aria-valuetext") == "9 / 10"
    # A button that can do no more gives the focus to the other one.
    shown.root.locator("[data-ref=next]").focus()
    shown.page.keyboard.press("Enter")
    assert state(shown)[0] == "10" and shown.page.evaluate("document.activeElement.dataset.ref") == "back"
    for _ in range(MERGES):
        shown.page.keyboard.press("Enter")
    assert state(shown)[0] == "0" and shown.page.evaluate("document.activeElement.dataset.ref") == "next"


def test_pairs_are_chosen_by_arrows_and_previewed_by_the_mouse(bare):
    shown = bare(merge_stepper())
    press(shown, "next")
    options(shown).first.click()
    pairs, spelled = shown.root.locator("[data-ref=pairs] button"), shown.root.locator(".tx-spell")
    assert spelled.inner_text() == "e + s: newest 6 + widest 3 = 9"
    pairs.nth(2).hover()
    assert spelled.inner_text() == "w + e: lower 2 + newest 6 = 8" and state(shown)[2] == "0"
    shown.page.mouse.move(2, 2)
    assert spelled.inner_text() == "e + s: newest 6 + widest 3 = 9"
    pairs.first.focus()
    for _ in range(2):
        shown.page.keyboard.press("ArrowDown")
    assert state(shown)[2] == "2" and spelled.inner_text().startswith("w + e")
    assert pairs.nth(2).get_attribute("aria-checked") == "true"
    assert shown.root.locator("[data-ref=pairs] [tabindex='0']").count() == 1
    assert shown.root.locator("[data-ref=words] .tx-left + .tx-right").count() == 2


def test_an_own_word_is_typed_and_nothing_of_it_reaches_the_notebook(bare):
    shown = bare(explore_merge_stepper(ENGLISH, MERGES))
    for _ in range(3):
        slide(shown, MERGES)
        options(shown).first.click()
    slide(shown, 4)
    shown.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    field = shown.root.locator("[data-ref=own]")
    assert field.evaluate("e => e.labels[0].innerText.trim()") == "Your word"
    assert shown.root.locator(".tx-cuts > div").count() == 0
    field.focus()
    shown.page.keyboard.type("slowest!")
    assert field.input_value() == "slowest!"
    assert state(shown)[3] == "s|low|est|!"
    assert shown.said.startswith(
        "Your word “slowest!”: s · low · est · !, tokens: 4. Merges applied, in this order: 1, 2, 3, 4."
    )
    assert shown.said.endswith("absent from the corpus: !. No merge can touch that.")
    shown.page.keyboard.press("Backspace")
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Escape")
    assert state(shown)[3] == "s|low|est" and shown.page.evaluate("heard") == []
    # It is cut anew by every merge.
    slide(shown, 1)
    assert state(shown)[3] == "s|l|o|w|es|t" and "Your word “slowest”: s · l · o · w · es · t, tokens: 6." in shown.said
    shown.root.locator("[data-ref=range]").focus()
    shown.page.keyboard.press("Control+s")
    assert "s" in shown.page.evaluate("heard"), "shortcuts with Ctrl pass"


def test_typing_leaves_an_open_question_alone(bare):
    shown = bare(merge_stepper())
    press(shown, "next")
    shown.root.locator("[data-ref=own]").fill("low")
    assert options(shown).count() == 3 and state(shown)[:2] == ["0", "0"]


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, 5), "no words"),
        ((["low"], 5), "words are counted"),
        (({"low": 0}, 5), "occurs 0 times"),
        (({b"low": 5, b"lower": 3}, 3), "a word is a string"),
        (({"low": 5, "": 3, "lower": 3}, 3), "a word is a string of 1 to 20"),
        (({"l" * 21: 5}, 3), "a word is a string of 1 to 20"),
        (({f"{n}abcd": 1 for n in range(13)}, 3), "13 words"),
        ((ENGLISH, 2), "from 3 to 30, not 2"),
        ((ENGLISH, 31), "from 3 to 30, not 31"),
        ((ENGLISH, True), "not True"),
        ((ENGLISH, "5"), "not '5'"),
        ((ENGLISH, 20), "no pair left after 12 merges"),
        (({"abcd": 1}, 3), "predicts three merges"),
        ((ENGLISH, 5, "x" * 25), "24 characters at most"),
        ((ENGLISH, 5, None), "24 characters at most"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        explore_merge_stepper(*arguments)


def test_hostile_words_stay_text(bare):
    hostile = {"</script><b>": 2, "\"a\" & 'b'": 3, "<!-- <script>": 1}
    explorer = explore_merge_stepper(hostile, 8, own='"><b>{own}')
    shown = bare(explorer)
    for _ in range(4):
        slide(shown, 8)
        if options(shown).count():
            options(shown).first.click()
    assert shown.root.locator("script + b").count() == 0
    assert shown.root.locator("[data-ref=own]").input_value() == '"><b>{own}'
    data = re.search(r'<script type="application/json">(.*?)</script>', explorer._repr_html_()).group(1)
    assert json.loads(data)["corpus"] == [list(pair) for pair in hostile.items()]


# ------------------------------------------------------------------------------------ both explorers of the lesson


@pytest.fixture(params=BOTH)
def kind(request):
    return request.param


def in_language(kind: str, lang: str):
    use_language(lang)
    try:
        return BOTH[kind]()
    finally:
        use_language("en")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_can_be_read_on_a_phone(bare, theme, lang):
    """The letter counting has its own test of this."""
    shown = bare(in_language("merge_stepper", lang), theme=theme, width=390)
    shown.root.locator("[data-ref=own]").fill("lowest żółw")
    assert shown.contrasts() == [] and shown.overflow() == []
    for _ in range(4):
        slide(shown, MERGES)
        assert shown.contrasts() == [] and shown.overflow() == []
        if options(shown).count():
            options(shown).first.click()
        assert shown.contrasts() == [] and shown.overflow() == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_longest_words_and_most_merges_fit_a_phone(bare, lang):
    corpus = {f"{chr(ord('а') + n)}превысокомногорассм"[:20]: 10**6 + n for n in range(12)}
    use_language(lang)
    try:
        explorer = explore_merge_stepper(corpus, 20, own="непреднамеренныйабвгдежз")
    finally:
        use_language("en")
    assert len(explorer._repr_html_().encode()) <= frame.MAX_BYTES
    shown = bare(explorer, width=390)
    for _ in range(4):
        assert shown.overflow() == []
        slide(shown, 20)
        if options(shown).count():
            options(shown).first.click()
    assert state(shown)[0] == "20" and shown.overflow() == []


def test_the_block_is_small_complete_and_asks_for_nothing(kind):
    explorer = BOTH[kind]()
    text = explorer._repr_html_()
    assert len(text.encode()) <= 30_000 and len(frame.script(kind).encode()) <= frame.MAX_SCRIPT_BYTES
    assert text.index("<table") < text.index("<script")
    assert repr(explorer) == explorer.summary and repr(explorer).endswith(".") and "\n" not in repr(explorer)
    free = text.replace('"http://www.w3.org/"', "")
    assert not re.findall(r"https?:|\b(?:fetch|require|import|eval|setInterval)\b *\(|@import|url\(|localStorage", free)


def test_the_bytes_do_not_depend_on_the_process():
    code = (
        "import hashlib, explorers_02 as e; from course_lib.language import use_language\n"
        "for lang in ('en', 'ru'):\n"
        "  use_language(lang)\n"
        "  for make in e.BOTH.values(): print(hashlib.sha256(make()._repr_html_().encode()).hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": str(PACKAGE.parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    here = [
        hashlib.sha256(in_language(kind, lang)._repr_html_().encode()).hexdigest()
        for lang in LANGUAGES
        for kind in BOTH
    ]
    assert done.stdout.split() == here and len(set(here)) == 4


def test_it_leaves_nothing_behind_and_can_be_shown_twice(bare, kind):
    shown = bare(BOTH[kind]()._repr_html_() * 2)
    roots = shown.page.locator(".tx-explorer")
    assert [roots.nth(n).get_attribute("data-on") for n in (0, 1)] == ["1", "1"]
    before = roots.nth(0).get_attribute("data-view")
    if kind == "merge_stepper":
        roots.nth(1).locator("[data-ref=own]").fill("newer")
    else:
        roots.nth(1).locator("[data-ref=shuffle]").check()
    assert roots.nth(0).get_attribute("data-view") == before != roots.nth(1).get_attribute("data-view")
    left = shown.page.evaluate(
        """() => { const empty = document.body.appendChild(document.createElement("iframe")), known = new Set(Object.getOwnPropertyNames(empty.contentWindow));
        return Object.getOwnPropertyNames(window).filter(name => !known.has(name) && !/^\\d+$|playwright|pw_/i.test(name)); }"""
    )
    assert left == []


def test_without_a_script_the_table_is_seen(bare, kind):
    shown = bare(BOTH[kind](), script=False)
    assert shown.root.locator("table").is_visible()
    assert shown.root.locator("button, input").count() == 0 and shown.contrasts() == []


def test_letters_stay_inside(bare, kind):
    shown = bare(BOTH[kind]())
    shown.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = shown.root.locator("[tabindex='0'], input, button:not([tabindex])")
    # Slider, two buttons and the word; or words, switch, cards, two numbers, two buttons, stages.
    assert controls.count() == {"merge_stepper": 4, "letter_counting": 8}[kind]
    for control in controls.all():
        for key in ("a", "d", "x", "1", "Enter", "Escape"):
            control.dispatch_event("keydown", {"key": key, "bubbles": True})
    assert shown.page.evaluate("heard") == []


def test_every_control_has_a_name_and_shows_the_focus(bare, kind):
    shown = bare(BOTH[kind]())
    if kind == "merge_stepper":
        press(shown, "next")
    names = """root => [...root.querySelectorAll("button, input")].map(e => (e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || "").trim())"""
    assert all(shown.root.evaluate(names))
    for control in shown.root.locator("[tabindex='0'], input, button:enabled:not([tabindex])").all():
        control.focus()
        shown.page.keyboard.press("Shift")  # the keyboard is in use
        assert control.evaluate(
            "e => getComputedStyle(e).outlineStyle + parseFloat(getComputedStyle(e).outlineWidth)"
        ) in ("solid2",)


def test_texts_have_the_same_fields_in_both_languages_and_are_all_used(kind):
    texts = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_bpe.toml").read_text("utf-8"))
    own = {key: text for key, text in texts.items() if key.startswith(f"explorer.{kind}.")}
    assert len(own) >= 30 and {key.split(".")[1] for key in texts} == set(BOTH)
    python, script = ((PACKAGE / f"{kind}.{end}").read_text("utf-8") for end in ("py", "js"))
    for key, text in own.items():
        fields = [sorted(set(re.findall(r"\{(\w+)\}", text[lang]))) for lang in LANGUAGES]
        assert fields[0] == fields[1], key
        word = key.removeprefix(f"explorer.{kind}.").removeprefix("ui.")
        numbered = re.sub(r"\d$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".{kind}.{word}"]
        uses += [f'"{numbered}" +'] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key


def test_the_style_names_no_colour_and_leaves_those_of_attention_alone(kind):
    css = (PACKAGE / f"{kind}.css").read_text("utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", css)
    assert not re.findall(r"--tx-(?:query|key|value|output)\b", css)
