"""Letter counting: the ids are the tokenizer's, no letter is seen before the guess, and what is uncovered adds up."""

from __future__ import annotations

import hashlib
import re

import pytest
from explorers_02 import CASES, letter_counting, tokenizer

from course_lib.bpe import BYTES
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.explorers import explore_letter_counting
from course_lib.explorers.letter_counting import renumbered
from course_lib.language import LANGUAGES, use_language

YO = "ёж"
"""Four bytes: D1 91, D0 B6."""


def cutting() -> Tokenizer:
    """A vocabulary of 257 tokens, one of which is the end of ё and the beginning of ж."""
    return Tokenizer.from_merges([(b"\x91", b"\xd0")])


def state(shown) -> list[str]:
    """The word, what is uncovered, shuffled, the chosen token, the two fields, the answer."""
    return shown.view.split(".")


def press(shown, ref: str, number: int | None = None) -> None:
    place = shown.root.locator(f"[data-ref={ref}]")
    (place if number is None else place.locator("button").nth(number)).click()


def answer(shown, letters: object, times: object) -> None:
    shown.root.locator("[data-ref=letters]").fill(str(letters))
    shown.root.locator("[data-ref=times]").fill(str(times))
    press(shown, "answer")


def texts(shown, what: str) -> list[str]:
    return shown.root.locator(f"[data-ref=tokens] {what}").all_inner_texts()


# ------------------------------------------------------------------------------------------------------- the numbers


def test_renumbering_is_a_fixed_permutation_that_says_nothing():
    ids = list(range(4000))
    numbers = renumbered(ids)
    assert sorted(numbers) == sorted(numbers.values()) == ids
    assert renumbered(ids[::-1]) == numbers
    digest = [hashlib.sha256(str(i).encode()).digest() for i in ids]
    assert [numbers[i] for i in range(50)] == [sum(other < digest[i] for other in digest) for i in range(50)]
    assert sum(old == new for old, new in numbers.items()) < 10
    # Neighbours do not stay neighbours.
    assert sum(abs(numbers[i] - numbers[i + 1]) == 1 for i in range(3999)) < 10
    assert sorted(renumbered([5, 900, 7]).values()) == [5, 7, 900]


@pytest.mark.parametrize("shuffled", [False, True])
def test_ids_pieces_and_letters_are_those_of_the_tokenizer(bare, shuffled):
    shown = bare(letter_counting())
    numbers = renumbered(list(tokenizer().vocabulary.values()))
    assert len(numbers) == 4000 and "The vocabulary has 4000 tokens." in shown.root.inner_text()
    if shuffled:
        shown.root.locator("[data-ref=shuffle]").check()
    for n, (word, letter) in enumerate(CASES):
        press(shown, "cases", n)
        ids = tokenizer().encode(word)
        pieces = [tokenizer().token_bytes(number).decode() for number in ids]
        assert "".join(pieces) == word
        seen = [str(numbers[number] if shuffled else number) for number in ids]
        assert texts(shown, "b") == seen and f"The model sees {', '.join(seen)}." in shown.said
        answer(shown, 1, 0)
        press(shown, "stage", 1)
        assert texts(shown, ".tx-piece") == pieces and texts(shown, "b") == seen
        assert " · ".join(pieces) in shown.said and ", ".join(seen) in shown.said
        press(shown, "stage", 2)
        assert texts(shown, "i") == list(word)
        assert texts(shown, ".tx-kind2") == [letter] * word.count(letter)
        counts = [(len(piece), piece.count(letter)) for piece in pieces]
        assert texts(shown, "small") == [f"letters {a}, {letter}: {b}" for a, b in counts]
        for at, total in ((0, len(word)), (1, word.count(letter))):
            terms = " + ".join(str(count[at]) for count in counts)
            assert (f"{terms} = {total}" if len(pieces) > 1 else terms) in shown.said
        # Each token's neighbours in the numbering.
        back = {new: old for old, new in numbers.items()}
        for i, number in enumerate(ids):
            shown.root.locator("[data-ref=tokens] button").nth(i).click()
            own = numbers[number] if shuffled else number
            beside = [
                (m, tokenizer().token_bytes(back[m] if shuffled else m)) for m in (own - 1, own + 1) if 0 <= m < 4000
            ]
            said = shown.root.locator(".tx-spell").inner_text()
            assert said.startswith(f"{own} stands for “{pieces[i]}”.")
            for m, token in beside:
                assert f"{m} “" in said
                if all(char.isalpha() for char in token.decode(errors="replace")):
                    assert f"{m} “{token.decode()}”" in said


def test_the_summary_and_the_table_hold_the_counts():
    explorer = letter_counting()
    assert repr(explorer).startswith("Letter counting with a vocabulary of 4000 tokens: “strawberry” has tokens: ")
    for word, letter in CASES:
        ids = tokenizer().encode(word)
        fact = f"“{word}” has tokens: {len(ids)}, letters: {len(word)}, of them “{letter}”: {word.count(letter)}"
        assert fact in repr(explorer)
        pieces = " · ".join(tokenizer().token_bytes(number).decode() for number in ids)
        cells = [" ".join(map(str, ids)), pieces, len(word), f"{letter}: {word.count(letter)}"]
        assert f'<th scope="row">{word}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) in explorer.static


def test_a_letter_cut_between_two_tokens_belongs_to_neither(bare):
    shown = bare(explore_letter_counting(cutting(), [(YO, "ж"), (" он", "о")]))
    assert cutting().encode(YO) == [cutting().vocabulary[part] for part in (b"\xd1", b"\x91\xd0", b"\xb6")]
    answer(shown, 2, 1)
    press(shown, "stage", 1)
    assert texts(shown, ".tx-piece") == ["‹D1›", "‹91›‹D0›", "‹B6›"]
    press(shown, "stage", 2)
    assert texts(shown, ".tx-kind0") == ["D1", "91", "D0", "B6"] and texts(shown, "i") == ["D1", "91", "D0", "B6"]
    assert "Letters: 0 + 0 + 0 + 2 = 2; of them “ж”: 0 + 0 + 0 + 1 = 1." in shown.said
    assert "Letters cut between two tokens, which are nothing but bytes there: 2." in shown.said
    assert "Both your numbers are right" in shown.said
    # The space in front is no letter.
    press(shown, "cases", 1)
    answer(shown, 2, 1)
    press(shown, "stage", 2)
    assert texts(shown, ".tx-piece")[0] == "␣" and texts(shown, "i") == ["D0", "BE", "D0", "BD"]
    assert "“он”. Letters: 0 + 0 + 0 + 0 + 0 + 2 = 2; of them “о”: 0 + 0 + 0 + 0 + 0 + 1 = 1." in shown.said


def test_upper_and_lower_case_are_one_letter_and_ids_need_not_begin_at_0(bare):
    apart = Tokenizer.from_merges([(b"R", b"e"), (b"Re", b"r")], special={"<|end|>": 0})
    shown = bare(explore_letter_counting(apart, [("Rerr", "R")]))
    assert texts(shown, "b") == [str(number) for number in apart.encode("Rerr")]
    answer(shown, 4, 3)
    press(shown, "stage", 2)
    assert "Letters: 3 + 1 = 4; of them “R”: 2 + 1 = 3." in shown.said
    # The last token of the vocabulary has one neighbour; the letter r is one of the 256 bytes.
    assert (
        shown.root.locator(".tx-spell").inner_text()
        == "258 stands for “Rer”. Its neighbours in the vocabulary: 257 “Re”."
    )
    assert len(BYTES) == 256


def test_the_tokens_of_a_special_kind_are_renumbered_too():
    marked = Tokenizer.from_merges([(b"a", b"b")], special=["<|end|>"])
    (token,) = explore_letter_counting(marked, [("ab", "a")]).data["cases"][0]["tokens"]
    numbers = renumbered(range(258))
    assert token["ids"] == [256, numbers[256]]
    assert token["near"][0] == [[255, "‹AD›"], [257, "<|end|>"]]
    back = {new: old for old, new in numbers.items()}
    (before, _), (after, _) = token["near"][1]
    assert (before, after) == (numbers[256] - 1, numbers[256] + 1) and {back[before], back[after]} <= set(range(258))


# ---------------------------------------------------------------------------------------------- what the learner meets

# All texts of the explorer that a learner or a screen reader may meet, not the data of the script.
MET = """root => { const copy = root.cloneNode(true); copy.querySelectorAll("script, style").forEach(e => e.remove()); return copy.outerHTML; }"""


def test_no_letter_of_the_word_is_met_before_the_answer(bare):
    cases = [("strawberry", "y"), ("непреднамеренный", "ы")]
    shown = bare(explore_letter_counting(tokenizer(), cases))
    for n, (word, _) in enumerate(cases):
        press(shown, "cases", n)
        pieces = [tokenizer().token_bytes(number).decode() for number in tokenizer().encode(word)]
        hidden = [
            word,
            *(f">{piece}<" for piece in pieces),
            *(f'="{piece}"' for piece in pieces),
            *(f"“{piece}”" for piece in pieces if piece not in "yы"),
        ]
        met = shown.root.evaluate(MET)
        assert not [text for text in hidden if text in met]
        for i in (1, 2):
            press(shown, "stage", i)
            assert shown.said == "Your answer first: until then the word stays covered."
            assert state(shown)[:2] == [str(n), "0"] and not [
                text for text in hidden if text in shown.root.evaluate(MET)
            ]
            assert shown.page.evaluate("document.activeElement.dataset.ref") == "letters"
            assert shown.root.locator("[data-ref=stage] [aria-checked=true]").inner_text() == "ids only"
        shown.root.locator("[data-ref=tokens] button").last.click()
        assert not [text for text in hidden if text in shown.root.evaluate(MET)]
        press(shown, "untold")
        assert not [text for text in hidden if text in shown.root.evaluate(MET)]
        press(shown, "stage", 1)
        assert f">{pieces[0]}<" in shown.root.evaluate(MET) and word not in shown.root.inner_text()
        press(shown, "stage", 2)
        assert f"“{word}”" in shown.said


@pytest.mark.parametrize(
    ("guess", "given", "verdict"),
    [
        (
            (10, 3),
            "Your answer: letters 10, of them “r” 3.",
            "Both your numbers are right, but the ids could not tell you.",
        ),
        ((9, 3), "Your answer: letters 9, of them “r” 3.", "Your answer was 9 and 3."),
        ((10, 0), "Your answer: letters 10, of them “r” 0.", "Your answer was 10 and 0."),
        (None, "Your answer: these numbers do not tell.", "You said that the ids do not tell, and they do not."),
    ],
)
def test_the_answer_is_kept_and_judged_when_letters_are_seen(bare, guess, given, verdict):
    shown = bare(letter_counting())
    if guess:
        answer(shown, *guess)
    else:
        press(shown, "untold")
    assert shown.root.locator("[data-ref=given]").inner_text() == given
    assert not shown.root.locator("[data-ref=form]").is_visible()
    assert shown.page.evaluate("document.activeElement.textContent") == "ids only"
    assert "your" not in shown.said.lower()
    shown.page.keyboard.press("ArrowRight")
    assert state(shown)[1] == "1" and verdict not in shown.said
    shown.page.keyboard.press("ArrowRight")
    assert state(shown)[1] == "2" and verdict in shown.said and shown.said.endswith("what is left then is to add up.")
    # Each word has its own answer; that of the first one stays.
    press(shown, "cases", 1)
    assert state(shown)[:2] == ["1", "0"] and shown.root.locator("[data-ref=form]").is_visible()
    assert [shown.root.locator(f"[data-ref={field}]").input_value() for field in ("letters", "times")] == ["", ""]
    assert "letter “н”?" in shown.root.locator("[data-ref=form]").inner_text()
    press(shown, "cases", 0)
    assert shown.root.locator("[data-ref=given]").inner_text() == given and state(shown)[1] == "0"


@pytest.mark.parametrize(
    ("letters", "times", "missing"), [("", "", 0), ("9", "", 1), ("", "2", 0), ("9.5", "2", 0), ("9", "-1", 1)]
)
def test_half_an_answer_is_none(bare, letters, times, missing):
    shown = bare(letter_counting())
    answer(shown, letters, times)
    assert shown.said == "Enter a whole number in both fields." and state(shown)[-1] == ""
    assert shown.page.evaluate("document.activeElement.dataset.ref") == ("letters", "times")[missing]


def test_the_form_answers_to_the_keyboard(bare):
    shown = bare(letter_counting())
    shown.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    shown.root.locator("[data-ref=letters]").focus()
    shown.page.keyboard.type("1")
    assert state(shown)[4] == "1"
    shown.page.keyboard.press("ArrowUp")
    assert state(shown)[4] == "2"
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.dataset.ref") == "times"
    shown.page.keyboard.type("4")
    # Shift+Enter runs the cell; it is no answer.
    shown.page.keyboard.press("Shift+Enter")
    assert state(shown)[-1] == ""
    shown.page.keyboard.press("Enter")
    assert state(shown)[-1] == "2,4"
    assert set(shown.page.evaluate("heard")) <= {"Tab", "Shift", "Enter"}


def test_tokens_are_chosen_by_arrows_and_previewed_by_the_mouse(bare):
    shown = bare(letter_counting())
    cards, said = shown.root.locator("[data-ref=tokens] button"), shown.root.locator(".tx-spell")
    ids = tokenizer().encode("strawberry")
    row = "{} is one of 4000 ids. To the model it says which row of the embedding table to take, and no more."
    assert said.inner_text() == row.format(ids[0])
    cards.nth(2).hover()
    assert said.inner_text() == row.format(ids[2]) and state(shown)[3] == "0"
    shown.page.mouse.move(2, 2)
    assert said.inner_text() == row.format(ids[0])
    cards.first.focus()
    shown.page.keyboard.press("ArrowRight")
    assert said.inner_text() == row.format(ids[1]) and state(shown)[3] == "1"
    assert cards.nth(1).get_attribute("aria-checked") == "true"
    assert shown.root.locator("[data-ref=tokens] [tabindex='0']").count() == 1


def test_the_switch_says_what_it_does_and_undoes_it(bare):
    shown = bare(letter_counting())
    before = texts(shown, "b")
    shown.root.locator("[data-ref=shuffle]").focus()
    shown.page.keyboard.press("Space")
    after = texts(shown, "b")
    assert state(shown)[2] == "1" and not set(before) & set(after)
    assert shown.said.startswith(f"All 4000 tokens have new ids: {', '.join(before)} → {', '.join(after)}.")
    assert "computes exactly what it computed before" in shown.said
    shown.page.keyboard.press("Space")
    assert shown.said == f"The old ids are back: {', '.join(after)} → {', '.join(before)}."
    assert texts(shown, "b") == before


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_can_be_read_on_a_phone(bare, theme, lang):
    use_language(lang)
    try:
        explorer = letter_counting()
        bytewise = explore_letter_counting(cutting(), [("непреднамеренный", "н")])  # 32 tokens
    finally:
        use_language("en")
    assert not re.search(r"\{\w+\}", explorer.summary)
    for one, words in ((explorer, len(CASES)), (bytewise, 1)):
        shown = bare(one, theme=theme, width=390)
        for n in range(words):
            press(shown, "cases", n)
            assert shown.contrasts() == [] and shown.overflow() == []
            press(shown, "untold") if n % 2 else answer(shown, 12, 3)
            for stage in (1, 2):
                press(shown, "stage", stage)
                assert shown.contrasts() == [] and shown.overflow() == []
            press(shown, "shuffle")
            assert shown.contrasts() == [] and shown.overflow() == []
            assert not any(word in shown.root.inner_text() for word in ("undefined", "NaN", "{"))


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([], "0 words"),
        ([("word", "w")] * 7, "7 words: 1 to 6"),
        (["ab"], "a case is a word and a letter"),
        ([("word", "w", "o")], "a case is a word and a letter"),
        ([("", "w")], "letters only"),
        ([(" ", "w")], "letters only"),
        ([("two words", "w")], "letters only"),
        ([("  word", "w")], "letters only"),
        ([("r2d", "r")], "letters only"),
        ([(b"word", "w")], "letters only"),
        ([("word", "")], "single letter"),
        ([("word", "wo")], "single letter"),
        ([("word", "1")], "single letter"),
        ([("непреднамеренными", "н")], "34 tokens"),
    ],
)
def test_what_does_not_fit_is_refused(cases, message):
    with pytest.raises(ValueError, match=message):
        explore_letter_counting(cutting(), cases)


def test_hostile_tokens_stay_text(bare):
    odd = Tokenizer.from_merges([(b"<", b"b"), (b"<b", b">")], pattern=None, special={"</script><b>": 64, "{id}": 66})
    explorer = explore_letter_counting(odd, [("ab", "b")])
    shown = bare(explorer)
    press(shown, "untold")
    press(shown, "stage", 2)
    assert shown.root.locator("script + b").count() == 0 and shown.root.locator(".tx-spell b").count() == 0
    said = []
    for n in range(2):
        shown.root.locator("[data-ref=tokens] button").nth(n).click()
        said.append(shown.root.locator(".tx-spell").inner_text())
    assert any("“</script><b>”" in text for text in said) and any("“{id}”" in text for text in said)
