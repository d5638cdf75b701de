"""The word map: what the page finds in every state is what WordVectors finds, and it asks before it tells."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from explorers_01 import START, groups, pairs, vectors, word_map

from course_lib.explorers import explore_word_map
from course_lib.explorers import page as frame
from course_lib.explorers.word_map import LEVELS, LISTED, MARKERS, answer_counts
from course_lib.language import LANGUAGES, use_language
from course_lib.word_vectors import Vocabulary, WordVectors, principal_plane

PACKAGE = Path(frame.__file__).parent
COSINE_TOLERANCE = 0.005
"""How far a cosine of the page, whose vectors are whole numbers from −127 to 127, may be from the true one."""


@cache
def shown_words() -> list[str]:
    return [word for group in groups().values() for word in group]


@cache
def questions() -> list[tuple[str, str, str, str]]:
    """All questions that the pairs of a relation make, with their right answers."""
    return [
        (*one, *other) for family in pairs().values() for one, other in itertools.permutations(family, 2)
    ]  # no word stands in two pairs here


@cache
def kept() -> WordVectors:
    """The vectors as they stand in the page."""
    levels = np.frombuffer(base64.b64decode(word_map().data["vectors"]), dtype=np.int8)
    words = tuple(shown_words())
    return WordVectors(Vocabulary(words), levels.reshape(len(words), -1).astype(float))


@cache
def exact() -> WordVectors:
    """The true vectors of the shown words."""
    words = tuple(shown_words())
    return WordVectors(Vocabulary(words), np.stack([vectors()[word] for word in words]))


def on_the_map(a: str, b: str, c: str, exclude: bool) -> list[tuple[str, float]]:
    """The words by their distance from b − a + c in the plane, the nearest first."""
    at = {word: np.array(point) for word, point in zip(shown_words(), word_map().data["points"], strict=True)}
    target = at[b] - at[a] + at[c]
    found = [(word, float(np.hypot(*(at[word] - target)))) for word in shown_words()]
    return sorted((one for one in found if not (exclude and one[0] in (a, b, c))), key=lambda one: one[1])


def expected(a: str, b: str, c: str, plane: int, allowed: int) -> list[tuple[str, float]]:
    """All candidates in order, with what decides: the cosine, or the distance on the map."""
    if plane:
        return on_the_map(a, b, c, not allowed)
    return kept().analogy(a, b, c, exclude_inputs=not allowed, n=len(shown_words()))


# ---------------------------------------------------------------------------------------------------- what is counted


def test_the_counts_are_those_of_word_vectors():
    """In all dimensions WordVectors.answers counts, on the map a loop; the table and the summary say the same."""
    counts = {}
    for exclude in (True, False):
        found = kept().answers(questions(), exclude_inputs=exclude)
        near = [on_the_map(*question[:3], exclude)[0][0] for question in questions()]
        for space, answers in (("full", found), ("plane", near)):
            counts.setdefault(space, []).append(sum(x == q[3] for x, q in zip(answers, questions(), strict=True)))
            if not exclude:
                counts[space].append(sum(x in q[:3] for x, q in zip(answers, questions(), strict=True)))
    assert len(questions()) == 174
    total = len(questions())
    cells = [[f"{n} ({100 * n / total:.0f}\u202f%)" for n in counts[space]] for space in ("full", "plane")]
    assert [[text for text, _ in row] for row in word_map().data["counts"]] == cells
    for name, row in zip(("in all 30 dimensions", "on the map"), cells, strict=True):
        assert f'<th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in row) in word_map().static
    (without, allowed, itself), (*plane, plane_itself) = counts["full"], counts["plane"]
    assert f"{without} with the input words left out, {allowed} with them allowed" in repr(word_map())
    assert f"(an input word is the answer {itself} times); on the map: {plane[0]} and {plane[1]}" in repr(word_map())
    assert f"({plane_itself} times)." in repr(word_map())


def test_the_true_vectors_give_the_same_counts_but_for_close_calls():
    at = {word: i for i, word in enumerate(shown_words())}
    asked = np.array([[at[word] for word in question] for question in questions()])
    plane, _ = principal_plane(exact().unit_vectors)
    true = answer_counts(exact().unit_vectors, plane, asked)
    stored = answer_counts(kept().unit_vectors, np.array(word_map().data["points"]), asked)
    for space in true:
        assert np.abs(np.subtract(true[space], stored[space])).max() <= 2


def test_counts_of_a_case_worked_out_by_hand():
    """a, b, c and x are a square; a fifth word d lies in the plane on x, but far away in the third direction."""
    points = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1], [1, 1]])
    unit = np.array([[0.6, 0, 0.8], [0.6, 0.8, 0], [0.8, 0, 0.6], [0.8, 0.6, 0], [0, 0, -1]])
    asked = np.array([[0, 1, 2, 3]])
    # b − a + c = (0.8, 0.8, −0.2): x with 1.12 before b with 1.12, which comes first where both are candidates.
    assert answer_counts(unit, points, asked)["full"][0] == 1
    assert answer_counts(unit, points, asked)["plane"] == [1, 1, 0]
    points[3] = [2, 2]
    assert answer_counts(unit, points, asked)["plane"] == [0, 0, 0]  # d is nearest
    points[4] = [-5, -5]
    points[1] = [0.1, 0.1]  # b − a + c is (1.1, 0.1), next to c
    assert answer_counts(unit, points, asked)["plane"] == [1, 0, 1]


def test_the_plane_is_the_principal_one_and_its_share_is_told():
    points, share = principal_plane(exact().unit_vectors)
    assert np.allclose(points, word_map().data["points"], atol=5.1e-5)
    assert f"keeps {100 * share:.0f}\u00a0% of their" in repr(word_map())
    assert f"keeps {100 * share:.0f}\u00a0% of their variance" in word_map().data["frame"]


def test_whole_numbers_keep_the_cosines():
    difference = exact().unit_vectors @ exact().unit_vectors.T - kept().unit_vectors @ kept().unit_vectors.T
    assert 0 < np.abs(difference).max() < COSINE_TOLERANCE
    assert np.abs(kept().vectors).max(axis=1).min() == LEVELS


# ------------------------------------------------------------------------------------------------- what the page finds

# Puts the page into a state through its controls and reads what it shows. Answers every question at once.
FOUND = """async ({plane, allowed, asked}) => {
  const root = document.querySelector(".tx-explorer"), selects = root.querySelectorAll("select"), states = [];
  for (const [name, on] of [["space", plane], ["allowed", allowed]]) {
    root.querySelectorAll(`[data-ref=${name}] button`)[on].click();
    await 0;
    root.querySelector(".tx-ask button")?.click();
  }
  for (const [k, words] of asked.entries()) {
    words.forEach((word, n) => { selects[n].value = word; selects[n].dispatchEvent(new Event("change")); });
    const at = e => e.getAttribute("transform").match(/-?[\\d.]+(e-?\\d+)?/g).map(Number), over = root.querySelector("[data-ref=over]").children;
    states.push({
      rows: [...root.querySelectorAll("[data-ref=near] tbody tr")].filter(row => !row.hidden).map(row => [
        row.cells[0].textContent, row.cells[1].textContent, +row.cells[2].dataset.value, +row.cells[3].dataset.value,
        row.cells[2].textContent, row.cells[3].textContent]),
      view: root.dataset.view, said: root.querySelector("[aria-live]").textContent, spelled: root.querySelector(".tx-spell").textContent,
      answer: root.querySelector("[data-ref=answer]").textContent, over: [...over].map(at), text: k % 10 ? "" : root.innerText,
      dashed: getComputedStyle(over[5]).display !== "none", arrows: root.querySelector("[data-ref=arrows]").getAttribute("d"),
      words: Object.fromEntries([...root.querySelectorAll("svg [role=radio]")].map(word => [word.ariaLabel, at(word)])),
    });
  }
  return states;
}"""

MODES = list(itertools.product((0, 1), repeat=2))


def found(shown, plane: int, allowed: int, asked: list[tuple[str, ...]]) -> list[dict]:
    return shown.page.evaluate(FOUND, {"plane": plane, "allowed": allowed, "asked": [list(q[:3]) for q in asked]})


def test_every_question_in_every_mode_finds_what_word_vectors_finds(bare):
    shown = bare(word_map())
    counted = []
    for plane, allowed in MODES:
        right = itself = 0
        for (a, b, c, x), state in zip(questions(), found(shown, plane, allowed, questions()), strict=True):
            wanted = expected(a, b, c, plane, allowed)
            ranks = {word: rank for rank, (word, _) in enumerate(wanted, start=1)}
            best = wanted[0][0]
            right, itself = right + (best == x), itself + (best in (a, b, c))
            assert state["view"] == f"{a}.{b}.{c}.{plane}.{allowed}.2.false.{best}"
            # The five nearest, and the right one if it is none of them.
            listed = [*wanted[:LISTED], *([wanted[ranks[x] - 1]] if ranks[x] > LISTED else [])]
            tags = {a: " (a)", b: " (b)", c: " (c)", x: " ✓"}
            tags.setdefault(best, " ✗")
            assert [row[:2] for row in state["rows"]] == [[str(ranks[w]), w + tags.get(w, "")] for w, _ in listed]
            cosines = dict(kept().analogy(a, b, c, exclude_inputs=False, n=len(shown_words())))
            distances = dict(on_the_map(a, b, c, False))
            for row, (word, value) in zip(state["rows"], listed, strict=True):
                assert row[2] == pytest.approx(cosines[word], abs=1e-12)
                assert row[3] == pytest.approx(distances[word], abs=1e-12)
                assert row[2 + plane] == pytest.approx(value, abs=1e-12)
                assert [text.replace("−", "-") for text in row[4:]] == [f"{n + 0:.3f}" for n in row[2:4]]
            assert state["answer"] == best + tags[best]
            assert "(0.000)" not in state["spelled"], "no −0"
            assert state["dashed"] == (best != x)
            assert f"{a} : {b} = {c} : “{best}”" in state["said"]
            assert ("The answer is right." in state["said"]) == (best == x)
            if best != x:
                assert f"The right answer, “{x}”, has rank {ranks[x]}." in state["said"]
            assert ("one of the three input words" in state["said"]) == (best in (a, b, c))
            if plane:
                other = kept().analogy(a, b, c, exclude_inputs=not allowed)[0][0]
                told = "it is the nearest, too." if other == best else f"“{other}” is the nearest."
                assert state["said"].endswith(f"In all 30 dimensions {told}")
            assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))
        counted.append((right, itself))
    texts = [[text.split(" ")[0] for text, _ in row] for row in word_map().data["counts"]]
    for (plane, allowed), (right, itself) in zip(MODES, counted, strict=True):
        assert str(right) == texts[plane][allowed]
        assert str(itself) == (texts[plane][2] if allowed else "0")


def test_the_true_vectors_give_the_same_answers_within_the_tolerance(bare):
    states = found(bare(word_map()), 0, 0, questions())
    differ = 0
    for (a, b, c, _), state in zip(questions(), states, strict=True):
        true = dict(exact().analogy(a, b, c, n=len(shown_words())))
        best = state["rows"][0][1].split(" ")[0]
        for _, text, cosine, *_ in state["rows"]:
            assert cosine == pytest.approx(true[text.split(" ")[0]], abs=2 * COSINE_TOLERANCE)
        assert true[best] >= max(true.values()) - 2 * COSINE_TOLERANCE
        differ += best != max(true, key=true.get)
    assert differ <= 3


def test_any_three_words_can_be_asked(bare):
    """Words of no relation, the same word twice, pairs the other way round, and b and c in each other's place."""
    shown = bare(word_map())
    words = shown_words()
    asked = [tuple(words[(i * step + 5) % len(words)] for step in (7, 11, 16)) for i in range(30)]
    asked += [("france", "france", "paris"), ("king", "king", "king"), ("france", "paris", "paris")]
    for plane, allowed in MODES:
        for question, state in zip(asked, found(shown, plane, allowed, asked), strict=True):
            wanted = expected(*question, plane, allowed)
            values = [row[2 + plane] for row in state["rows"][:LISTED]]
            assert values == pytest.approx([value for _, value in wanted[:LISTED]], abs=1e-12)
            assert state["view"].endswith(f".{wanted[0][0]}") or values[0] == pytest.approx(values[1], abs=1e-12)
    for question, answer in (
        (("paris", "france", "tokyo"), "japan"),
        (("france", "japan", "paris"), "tokyo"),
        (("paris", "tokyo", "france"), "japan"),
        (("woman", "man", "queen"), "king"),
        (("france", "paris", "king"), None),
        (("france", "tokyo", "japan"), None),
        (("france", "paris", "paris"), None),
    ):
        (state,) = found(shown, 0, 0, [question])
        assert ("is not known" in state["said"]) == (answer is None)
        if answer:
            assert [row[1] for row in state["rows"] if "✓" in row[1]] == [f"{answer} ✓"]


def value_of(arithmetic: str) -> float:
    text = re.sub(r"√(\(.*\))", r"math.sqrt\1", arithmetic.replace("−", "-").replace("²", "**2"))
    return eval(text, {"math": math})  # our own page's text, of digits and signs


def test_the_arithmetic_gives_the_number(bare):
    shown = bare(word_map())
    for plane in (0, 1):
        for (a, b, c, _), state in zip(questions()[::7], found(shown, plane, 0, questions()[::7]), strict=True):
            best = expected(a, b, c, plane, 0)[0][0]
            if plane:
                assert state["spelled"].startswith(f"From the cross to “{best}”")
                *_, arithmetic, result = re.split(r"; distance | = ", state["spelled"])
                gap = [float(n) for n in re.findall(r"-?\d\.\d{3}", arithmetic.replace("−", "-"))]
                at = dict(zip(shown_words(), word_map().data["points"], strict=True))
                assert gap == pytest.approx([at[best][m] - (at[b][m] - at[a][m] + at[c][m]) for m in (0, 1)], abs=6e-4)
            else:
                formula, arithmetic, result = state["spelled"].split(" = ")[-3:]
                assert formula == f"({best}·{b} − {best}·{a} + {best}·{c}) / |{b} − {a} + {c}|"
                terms = [kept().similarity(best, word) for word in (b, a, c)]
                assert [float(n) for n in re.findall(r"-?\d\.\d{3}", re.sub(r"− ", "", arithmetic).replace("−", "-"))][
                    :3
                ] == pytest.approx(terms, abs=6e-4)
            assert value_of(arithmetic) == pytest.approx(float(result.replace("−", "-")), abs=4e-3)


def numbers(path: str) -> list[list[float]]:
    """The points of a path that is made of M and L."""
    return [[float(n) for n in point.split(",")] for point in re.findall(r"[ML]([^ML]+)", path)]


@pytest.mark.parametrize(("width", "zoom"), [(900, 1), (390, 0.5)])
@pytest.mark.parametrize("lens", [False, True])
def test_the_map_draws_the_places_and_two_equal_arrows(bare, width, zoom, lens):
    shown = bare(word_map(), width=width)
    if lens:
        shown.root.locator("[data-ref=lens]").check()
    data = word_map().data
    scale = data["scale"] * (4 if lens else zoom)
    for (a, b, c, _), state in zip(questions()[::29], found(shown, 1, 1, questions()[::29]), strict=True):
        points = dict(zip(shown_words(), np.array(data["points"]), strict=True))
        target = points[b] - points[a] + points[c]
        shift = zoom * np.array(data["size"]) / 2 - scale * target * [1, -1] if lens else zoom * np.array(data["shift"])
        place = {word: point * scale * [1, -1] + shift for word, point in points.items()}
        assert set(state["words"]) == set(place)
        for word, at in state["words"].items():
            assert at == pytest.approx(place[word], abs=1e-6)
        cross = place[b] - place[a] + place[c]
        best = expected(a, b, c, 1, 1)[0][0]
        assert state["over"][:5] == [
            pytest.approx(at, abs=1e-6) for at in (place[a], place[b], place[c], cross, place[best])
        ]
        one, other = numbers(state["arrows"])[:2], numbers(state["arrows"])[5:7]
        assert np.subtract(one[1], one[0]) == pytest.approx(np.subtract(other[1], other[0]), abs=1e-6)
        assert np.linalg.norm(np.subtract(one[0], place[a])) == pytest.approx(9, abs=1e-6)
        assert np.linalg.norm(np.subtract(other[1], cross)) == pytest.approx(9, abs=1e-6)
        # Every word of the map, and the cross of every question, lies within it.
        if not lens:
            assert all(
                (0 <= at).all() and (at <= zoom * np.array(data["size"])).all() for at in (*place.values(), cross)
            )


def test_next_asks_every_question_once(bare):
    shown = bare(word_map())
    asked = shown.page.evaluate(
        """count => Array.from({length: count}, () => { const root = document.querySelector(".tx-explorer");
        root.querySelector("[data-ref=next]").click(); return root.dataset.view.split(".").slice(0, 3).join(" "); })""",
        len(questions()),
    )
    assert sorted(asked) == sorted(" ".join(question[:3]) for question in questions())


# ---------------------------------------------------------------------------------------------- what the learner meets


def state(shown) -> list[str]:
    """a, b, c, plane, allowed, the word to be set, the lens, the answer."""
    return shown.view.split(".")


def counts(shown) -> list[list[str]]:
    rows = shown.root.locator("[data-ref=sums] tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]


def press(shown, group: str, number: int) -> None:
    shown.root.locator(f"[data-ref={group}] button").nth(number).click()


def test_the_plane_needs_a_prediction_which_is_judged(bare):
    full, plane = ([text for text, _ in row] for row in word_map().data["counts"])
    assert word_map().data["counts"][1][0] == ["18 (10\u202f%)", 0]
    for guess, verdict in (
        (0, "As you predicted: on the map 18 (10\u202f%) of 174 answers are right."),
        (2, "You predicted “more than three quarters”; measured: on the map 18 (10\u202f%) of 174 answers are right."),
    ):
        shown = bare(word_map())
        assert counts(shown) == [[full[0], "?", "?"], ["?", "?", "?"]]
        press(shown, "space", 1)
        question = shown.root.locator(".tx-ask").inner_text()
        assert "First predict: the map keeps 71\u00a0% of the variance." in question and "18" not in question
        assert state(shown)[3] == "0" and counts(shown)[1] == ["?", "?", "?"]
        assert shown.root.locator("[data-ref=space] [aria-checked=true]").inner_text() == "in all 30 dimensions"
        shown.root.locator(".tx-ask button").nth(guess).click()
        assert state(shown)[3] == "1" and shown.said.startswith(verdict)
        assert shown.root.locator(".tx-ask").count() == 0
        assert counts(shown) == [[full[0], "?", "?"], [plane[0], "?", "?"]]
        assert shown.page.evaluate("document.activeElement.textContent") == "on the map"
        assert shown.root.locator("td.tx-now").inner_text() == plane[0]
        # Asked once only.
        press(shown, "space", 0)
        assert state(shown)[3] == "0" and "redicted" not in shown.said
        press(shown, "space", 1)
        assert state(shown)[3] == "1" and shown.root.locator(".tx-ask").count() == 0


def test_inputs_as_answers_need_a_prediction_which_is_judged(bare):
    full, plane = ([text for text, _ in row] for row in word_map().data["counts"])
    assert [word_map().data["counts"][n][2] for n in (0, 1)] == [["119 (68\u202f%)", 1], ["42 (24\u202f%)", 0]]
    for on_map, guess, verdict in (
        (0, 1, "As you predicted: 119 (68\u202f%) of 174 answers are input words."),
        (0, 0, "You predicted “fewer than a quarter”; measured: 119 (68\u202f%) of 174 answers are input words."),
        (1, 0, "As you predicted: 42 (24\u202f%) of 174 answers are input words."),
    ):
        shown = bare(word_map())
        if on_map:
            press(shown, "space", 1)
            shown.root.locator(".tx-ask button").first.click()
        press(shown, "allowed", 1)
        assert state(shown)[4] == "0"
        shown.root.locator(".tx-ask button").nth(guess).click()
        assert state(shown)[4] == "1" and shown.said.startswith(verdict)
        assert shown.page.evaluate("document.activeElement.textContent") == "allowed"
        assert counts(shown) == [full, plane if on_map else ["?"] * 3]


def test_the_question_takes_the_focus_from_the_keyboard_as_well(bare):
    shown = bare(word_map())
    shown.root.locator("[data-ref=space] button").first.focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.page.evaluate("document.activeElement.closest('.tx-ask') !== null")
    shown.page.keyboard.press("Enter")
    assert state(shown)[3] == "1"
    shown.page.keyboard.press("ArrowLeft")
    assert state(shown)[3] == "0"


def test_words_are_chosen_by_arrows_previewed_by_the_mouse_and_set_in_turn_by_clicks(bare):
    shown = bare(word_map())
    words = shown.root.locator("svg [role=radio]")
    names, answer = shown_words(), shown.root.locator("[data-ref=answer]")
    assert words.count() == len(names)
    assert shown.root.locator("svg [tabindex='0']").get_attribute("aria-label") == "france"
    words.first.focus()
    for key, a in (("ArrowRight", names[1]), ("ArrowDown", names[2]), ("ArrowLeft", names[1]), ("End", names[-1])):
        shown.page.keyboard.press(key)
        assert state(shown)[:3] == [a, "paris", "japan"]
        assert shown.page.evaluate("document.activeElement.getAttribute('aria-label')") == a
    assert shown.root.locator("svg [tabindex='0']").count() == 1
    shown.page.keyboard.press("Home")
    before, said = answer.inner_text(), shown.said
    # The mouse shows what a word would do, and leaves it as it was.
    words.nth(names.index("king")).dispatch_event("mouseenter")
    wanted = expected("king", "paris", "japan", 0, 0)[0][0]
    assert answer.inner_text() == wanted and shown.said == said and state(shown)[0] == "france"
    shown.root.locator("[data-ref=map]").dispatch_event("mouseleave")
    assert answer.inner_text() == before
    # Clicks set a, b and c in turn; a control says which is next.
    for n, word in enumerate(("man", "woman", "king")):
        assert shown.root.locator("[data-ref=slot] [aria-checked=true]").inner_text() == "abc"[n]
        words.nth(names.index(word)).dispatch_event("click")
    assert state(shown)[:3] == ["man", "woman", "king"] and state(shown)[5] == "0"
    press(shown, "slot", 2)
    words.nth(names.index("boy")).dispatch_event("click")
    assert state(shown)[:3] == ["man", "woman", "boy"]
    assert [box.input_value() for box in shown.root.locator("select").all()] == ["man", "woman", "boy"]


def test_lists_and_lens_answer_to_the_keyboard(bare):
    shown = bare(word_map())
    boxes = shown.root.locator("select")
    assert [boxes.nth(n).evaluate("e => e.labels[0].childNodes[0].textContent.trim()") for n in range(3)] == [*"abc"]
    assert boxes.first.locator("optgroup").count() == 3
    boxes.nth(1).focus()
    shown.page.keyboard.press("ArrowDown")
    assert state(shown)[1] == shown_words()[shown_words().index("paris") + 1] and state(shown)[5] == "1"
    shown.root.locator("[data-ref=lens]").focus()
    shown.page.keyboard.press("Space")
    assert state(shown)[6] == "true"


def test_hovering_does_not_move_the_map(bare):
    shown = bare(word_map())
    top = shown.root.locator("[data-ref=map]").bounding_box()
    for word in shown.root.locator("svg [role=radio]").all():
        word.dispatch_event("mouseenter")
        assert shown.root.locator("[data-ref=map]").bounding_box() == top


LABELS = """() => [...document.querySelectorAll(".tx-word_map [data-ref=map] [role=radio]")].map(word => {
  const text = word.querySelector("text"), {left, top, right, bottom} = text.getBoundingClientRect();
  return {on: word.classList.contains("tx-on"), seen: getComputedStyle(text).visibility === "visible", box: [left, top, right, bottom]};
})"""


@pytest.mark.parametrize("width", [900, 390])
def test_labels_do_not_cover_each_other(bare, width):
    shown = bare(word_map(), width=width)
    for lens in (False, True):
        shown.root.locator("[data-ref=lens]").set_checked(lens)
        for _ in range(5):
            shown.root.locator("[data-ref=next]").click()
            labels = [label for label in shown.page.evaluate(LABELS) if label["seen"]]
            assert len(labels) >= (25 if width == 900 and not lens else 4)
            for one, other in itertools.combinations(labels, 2):
                if one["on"] and other["on"]:
                    continue  # words of the question keep their labels, however near they are
                (a, b, c, d), (e, f, g, h) = one["box"], other["box"]
                assert not (a + 1 < g and e + 1 < c and b + 1 < h and f + 1 < d)


# ------------------------------------------------------------------------------------------------------- in a notebook


def in_language(lang: str):
    use_language(lang)
    try:
        return explore_word_map(vectors(), groups(), pairs(), start=START)
    finally:
        use_language("en")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_can_be_read_on_a_phone(bare, theme, lang):
    shown = bare(in_language(lang), theme=theme, width=390)
    assert shown.contrasts() == [] and shown.overflow() == []
    for group in ("space", "allowed"):
        press(shown, group, 1)
        assert shown.contrasts() == [] and shown.overflow() == []
        shown.root.locator(".tx-ask button").first.click()
    shown.root.locator("[data-ref=lens]").check()
    for _ in range(3):
        shown.root.locator("[data-ref=next]").click()
        assert shown.contrasts() == [] and shown.overflow() == []


def test_the_block_is_small_complete_and_the_same_everywhere():
    text = word_map()._repr_html_()
    assert len(text.encode()) <= 45_000 and len(frame.script("word_map").encode()) <= frame.MAX_SCRIPT_BYTES
    assert text.index("<table") < text.index("<script")
    free = text.replace('"http://www.w3.org/"', "")
    assert not re.findall(r"https?:|\b(?:fetch|require|import|eval|setInterval)\b *\(|@import|url\(|localStorage", free)
    code = (
        "import hashlib, explorers_01 as e; from course_lib.language import use_language\n"
        "for lang in ('en', 'ru'):\n"
        "  use_language(lang); e.word_map.cache_clear()\n"
        "  print(hashlib.sha256(e.word_map()._repr_html_().encode()).hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": str(PACKAGE.parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    here = [hashlib.sha256(in_language(lang)._repr_html_().encode()).hexdigest() for lang in LANGUAGES]
    assert done.stdout.split() == here and here[0] != here[1]


def test_it_leaves_nothing_behind_and_can_be_shown_twice(bare):
    shown = bare(word_map()._repr_html_() * 2)
    roots = shown.page.locator(".tx-explorer")
    assert [roots.nth(n).get_attribute("data-on") for n in (0, 1)] == ["1", "1"]
    before = roots.nth(0).get_attribute("data-view")
    roots.nth(1).locator("[data-ref=next]").click()
    assert roots.nth(0).get_attribute("data-view") == before != roots.nth(1).get_attribute("data-view")
    left = shown.page.evaluate(
        """() => { const empty = document.body.appendChild(document.createElement("iframe")), known = new Set(Object.getOwnPropertyNames(empty.contentWindow));
        return Object.getOwnPropertyNames(window).filter(name => !known.has(name) && !/^\\d+$|playwright|pw_/i.test(name)); }"""
    )
    assert left == []


def test_without_a_script_the_table_is_seen(bare):
    shown = bare(word_map(), script=False)
    assert shown.root.locator("table").is_visible() and shown.root.locator("button").count() == 0
    assert shown.contrasts() == []


def test_letters_stay_inside(bare):
    shown = bare(word_map())
    shown.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    controls = shown.root.locator("[tabindex='0'], input, select, button:not([tabindex])")
    assert controls.count() == 3 + 3 + 1 + 1 + 1  # lists, rows of buttons, next, lens, the map
    for control in controls.all():
        for key in ("a", "d", "x", "1", "Escape"):
            control.dispatch_event("keydown", {"key": key, "bubbles": True})
    assert shown.page.evaluate("heard") == []


def test_texts_have_the_same_fields_in_both_languages_and_are_all_used():
    texts = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_word_map.toml").read_text("utf-8"))
    python, script = ((PACKAGE / f"word_map.{end}").read_text("utf-8") for end in ("py", "js"))
    assert len(texts) >= 30
    for key, text in texts.items():
        fields = [sorted(set(re.findall(r"\{(\w+)\}", text[lang]))) for lang in LANGUAGES]
        assert fields[0] == fields[1], key
        word = key.removeprefix("explorer.word_map.").removeprefix("ui.")
        numbered = re.sub(r"\d$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".word_map.{word}"]
        uses += [f'words["{numbered}" +'] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key


def test_the_style_names_no_colour_and_leaves_those_of_attention_alone():
    css = (PACKAGE / "word_map.css").read_text("utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", css)
    assert not re.findall(r"--tx-(?:query|key|value|output)\b", css)


def test_hostile_words_stay_text(bare):
    hostile = ["</script><b>", "\"a\" & 'b'", "<!-- <script>", "{number}"]
    rows = np.array([[1.0, 0, 0.2], [1, 1, 0], [0, 0.1, 1], [0, 1, 1]])
    explorer = explore_word_map(
        WordVectors(Vocabulary(tuple(hostile)), rows),
        {"country": hostile[::2], "capital": hostile[1::2]},
        {"r": [tuple(hostile[:2]), tuple(hostile[2:])]},
    )
    shown = bare(explorer)
    assert shown.root.locator("svg b, .tx-explorer script + b").count() == 0
    assert shown.root.locator("select").first.locator("option").all_inner_texts() == hostile[::2] + hostile[1::2]
    data = re.search(r'<script type="application/json">(.*?)</script>', explorer._repr_html_()).group(1)
    assert json.loads(data)["names"] == hostile[::2] + hostile[1::2]
    shown.root.locator("[data-ref=next]").click()
    assert shown.root.locator("[data-ref=near] tbody tr:visible").count() == 1  # four words, three of them left out


# ---------------------------------------------------------------------------------------------------------- bad input


def changed(**changes):
    return {"vectors": vectors(), "groups": groups(), "relations": pairs()} | changes


def scaled(word: str, factor: float) -> WordVectors:
    rows = vectors().vectors.copy()
    rows[vectors().index(word)] *= factor
    return WordVectors(vectors().vocabulary, rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": {"country": ["france"], "colour": ["red"]}}, "'colour' has no name .* capital, country"),
        ({"groups": {"country": ["france", "italy"], "capital": ["paris", "france"]}}, "'france' stands .* twice"),
        ({"groups": {"country": ["france"], "capital": ["paris", "rome"]}}, "3 words in 2 groups"),
        ({"groups": {"country": [f"w{i}" for i in range(67)]}}, "67 words in 1 groups"),
        (
            {"groups": dict.fromkeys("country capital person animal place number verb".split(), [])},
            f"{len(MARKERS)} groups at most",
        ),
        ({"relations": {"r": [("france", "paris")]}}, "no question"),
        ({"relations": {}}, "no question"),
        ({"relations": {"r": [("france", "paris"), ("paris", "france")]}}, "no question"),
        ({"relations": {"r": [("france", "paris"), ("italy", "atlantis")]}}, "two words of the groups"),
        ({"relations": {"r": [("france", "paris", "rome")]}}, "two words of the groups"),
        ({"relations": {"r": [("france", "paris"), ("italy", "paris")]}}, "'paris' stands in two pairs"),
        ({"start": ("france", "paris")}, "three words of the groups"),
        ({"start": ("france", "paris", "atlantis")}, "three words of the groups"),
        ({"vectors": scaled("france", 0)}, "'france' has no direction"),
        ({"vectors": scaled("france", math.nan)}, "'france' has no direction"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        explore_word_map(**changed(**changes))


def test_an_unknown_word_is_refused_with_those_spelt_alike():
    with pytest.raises(KeyError, match="'frence' is not among .* france"):
        explore_word_map(
            **changed(
                groups={"country": ["frence", "italy"], "capital": ["paris", "rome"]},
                relations={"r": [("frence", "paris"), ("italy", "rome")]},
            )
        )


def test_the_first_question_is_the_start_if_none_is_given():
    assert explore_word_map(**changed()).data["start"] == [shown_words().index(word) for word in questions()[0][:3]]
