"""The numbers that our own cards keep to: each rule passes a good card and catches its slip."""

from __future__ import annotations

import pytest
from card_tools import read_cards

from course_lib.cards.lint import count_formulas, count_words, lint_card, lint_languages, lint_lesson
from course_lib.cards.report import Report

ATOM = "#atom\nWhere does $d_k$ stand in the scores?\n?\nUnder the root. ^an-atom\n"
KEY = "#key\nHow is the block built?\n?\n- one\n- two ^a-key\n"
DRAW = "#draw #key\nOn paper: how do heads join?\n?\n![[heads.png|Heads]]\n- a\n- b\n- c\n- d ^a-drawing\n"


def codes(text: str, language: str = "en") -> list[str]:
    cards, report = read_cards(text, own=True)
    for card in cards:
        lint_card(card, language, report)
    return report.codes()


@pytest.mark.parametrize("text", [ATOM, KEY, DRAW])
def test_a_good_card_passes(text):
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ATOM.replace("#atom", "#other"), "NO_KIND"),
        (ATOM.replace("#atom", "#atom #key"), "NO_KIND"),
        (ATOM.replace("stand", "stand " + "w " * 14), "QUESTION_WORDS"),
        (ATOM.replace("scores?", "scores? So?"), "QUESTION_MARKS"),
        (ATOM.replace("scores?", "scores."), "QUESTION_MARKS"),
        (ATOM.replace("Under", "w " * 23 + "Under"), "ANSWER_WORDS"),
        (ATOM.replace("Under", "$a = b$ and $c \\le d$ under"), "FORMULAS"),
        (ATOM.replace("Under", "![[a.png]] ![[b.png]]"), "PICTURES"),
        (KEY.replace("- one", "- " + "w " * 80), "KEY_WORDS"),
        (KEY.replace("- one\n", "- one\n" * 6), "KEY_BULLETS"),
        (DRAW.replace("![[heads.png|Heads]]\n", ""), "DRAW_PICTURE"),
        (DRAW.replace("![[heads.png|Heads]]", "![[a.png]]\n![[b.png]]"), "DRAW_PICTURE"),
        (DRAW.replace("- a\n", ""), "DRAW_CHECKLIST"),
        (DRAW.replace("- a\n", "- a\n" * 4), "DRAW_CHECKLIST"),
        (ATOM.replace("Where does", "Does"), "YES_NO"),
        (ATOM.replace("Where does $d_k$ stand in", "List all"), "LIST_ALL"),
        (ATOM.replace("$d_k$", "it"), "PRONOUN"),
    ],
)
def test_each_rule_catches_its_slip(text, code):
    assert codes(text) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("#atom\nДелят ли оценки на корень?\n?\nНа корень. ^card-x", "YES_NO"),
        ("#atom\nПравда, что оценки делят?\n?\nНа корень. ^card-x", "YES_NO"),
        ("#atom\nНазовите все матрицы внимания?\n?\nТри. ^card-x", "LIST_ALL"),
        ("#atom\nЗачем это делят на корень?\n?\nДисперсия. ^card-x", "PRONOUN"),
        ("#atom\nЗачем внимание (attention) делит?\n?\nВнимание (attention) растёт. ^card-x", "TERM_TWICE"),
    ],
)
def test_the_russian_rules(text, code):
    assert codes(text, "ru") == [code]
    assert codes("#atom\nЗачем оценки (scores) делят на корень?\n?\nИначе softmax насыщается. ^card-x", "ru") == []


def test_what_counts_as_a_word_and_as_a_formula():
    assert (
        count_words("- **Two** words, $x + y$ ![[pic.png|no words]] [[a#b|alias]] it's well-known\n```\ncode x\n```")
        == 6
    )
    assert count_words("[text](https://a.b/c/d)") == 1
    assert count_formulas("$d_k$ and $\\sqrt{64} = 8$") == 1
    assert count_formulas("$$x$$ $a \\to b$ $\\leftarrow$ $\\text{in}$") == 2


def test_the_limits_are_inclusive():
    assert codes(ATOM.replace("Under the root", "w " * 25)) == []
    assert codes(ATOM.replace("Under the root", "w " * 26)) == ["ANSWER_WORDS"]
    assert codes(KEY.replace("- one\n- two", "w " * 80)) == []


def lesson_codes(*questions: str) -> list[str]:
    text = "".join(f"#{kind}\n{question}\n?\na ^card-{index}\n\n" for index, (kind, question) in enumerate(questions))
    cards, report = read_cards(text, own=True)
    lint_lesson(cards, "en", report)
    return report.codes()


def test_a_lesson_needs_two_atoms_a_key_question_and_a_why_in_three():
    why, what, tagged, key = ("atom", "Why x?"), ("atom", "What is x?"), ("atom #why", "How come?"), ("key", "Key?")
    assert lesson_codes(key, why, what) == []
    assert lesson_codes(key, what, tagged, what) == []
    assert lesson_codes(key, why) == ["FEW_ATOMS"]
    assert lesson_codes(key, why, what, what, what) == ["FEW_WHY"]
    assert lesson_codes() == []


def test_both_languages_must_agree():
    def index(text):
        cards, _ = read_cards(text)
        return {card.id: (card, "03_attention#scale") for card in cards}

    both = index(ATOM)
    for others, codes in (
        (index(ATOM), []),
        ({}, ["NOT_IN_OTHER_LANGUAGE"]),
        (index(ATOM.replace("#atom", "#key")), ["LANGUAGES_DIFFER"]),
        ({"an-atom": (both["an-atom"][0], "03_attention#mask")}, ["LANGUAGES_DIFFER"]),
    ):
        report = Report(own=True)
        lint_languages(both, others, report)
        assert report.codes() == codes
