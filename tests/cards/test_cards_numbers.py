"""The numbers on our cards are those that the lessons print: each drift is caught, and nothing else is."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from card_tools import ROOT, read_cards

from course_lib.cards.course import load_lessons
from course_lib.cards.numbers import (
    CONSTANTS_FILE,
    lint_numbers,
    numbers_in,
    printed_numbers,
    read_constants,
)
from course_lib.cards.report import Report

CARD = "### [[03_attention#scale|Scale]]\n#atom\nHow large is the deviation for d_k = 64?\n?\nIt is 8.10, of 2,000 samples. ^the-card\n"


def cell(kind: str, cell_id: str, source: str, *printed: str, tags: tuple[str, ...] = ()) -> dict:
    outputs = [{"output_type": "stream", "text": [text]} for text in printed]
    return {"cell_type": kind, "id": cell_id, "source": [source], "outputs": outputs, "metadata": {"tags": list(tags)}}


@pytest.fixture
def course(tmp_path):
    """A built lesson whose section "scale" prints 8.0972 and 2000."""
    (tmp_path / "notebooks" / "ru").mkdir(parents=True)
    (tmp_path / "flashcards").mkdir()
    cells = [
        cell("markdown", "title", "# Lesson"),
        cell("code", "before", "1", "std = 7.5"),
        cell("markdown", "scale", "## 7. Scale"),
        cell("code", "scale-run", "1", "samples 2000\nstd(q·k) = 8.0972, J = 1.5e-3"),
        cell("markdown", "scale-more", "### More"),
        cell("code", "scale-table", "1", "256  0.125\nlarge 1e40 123456789012345678901234567890.5\nhash 12e4567890"),
        cell("code", "cards", "key_questions(3)", "It is 9.99"),
        cell("code", "timing", "1", "6.66 s", tags=("nbval-ignore-output",)),
        cell("markdown", "next", "## 8. Next"),
        cell("code", "next-run", "1", "77.7"),
    ]
    for folder in ("", "ru"):
        (tmp_path / "notebooks" / folder / "03_attention.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    return tmp_path


def codes(course, card: str = CARD, anchor: str = "scale", language: str = "en") -> list[str]:
    cards, _ = read_cards(card)
    report = Report(own=True)
    lint_numbers(course, language, "03_attention", cards, {"the-card": anchor}, report)
    assert all(issue.line == cards[0].line for issue in report.issues)
    return report.codes()


def test_a_card_that_says_what_the_lesson_prints_passes(course):
    assert codes(course) == []
    assert codes(course, CARD.replace("8.10", "8.097").replace("2,000", "0.0015")) == []
    assert codes(course, CARD.replace("8.10", "0.125"), "scale-more") == ["NUMBER_DRIFTED"], (
        "2,000 is not printed there"
    )


@pytest.mark.parametrize("drifted", ["8.11", "8.2", "8.0971", "7.5", "77.7", "9.99", "6.66", "2,001", "810", "0.12345"])
def test_a_number_that_the_section_does_not_print_is_an_error(course, drifted):
    assert codes(course, CARD.replace("8.10", drifted)) == ["NUMBER_DRIFTED"]


def test_a_drift_in_the_lesson_is_seen_from_the_card(course):
    path = course / "notebooks" / "03_attention.ipynb"
    path.write_text(path.read_text("utf-8").replace("8.0972", "8.2072"), "utf-8")
    assert (
        codes(course) == ["NUMBER_DRIFTED"] and codes(course, language="ru", card=CARD.replace("2,000", "2000")) == []
    )


def test_russian_numbers_are_read_in_russian(course):
    assert codes(course, CARD.replace("8.10", "8,10").replace("2,000", "2\u00a0000"), language="ru") == []
    assert codes(course, CARD.replace("8.10", "8,11").replace("2,000", "2000"), language="ru") == ["NUMBER_DRIFTED"]


def test_constants_are_exempt_by_card_and_must_be_in_use(course):
    (course / "flashcards" / CONSTANTS_FILE).write_text('the-card = ["8.11"]\n', "utf-8")
    assert codes(course, CARD.replace("8.10", "8.11")) == []
    assert codes(course) == ["CONSTANT_UNUSED"]
    (course / "flashcards" / CONSTANTS_FILE).write_text('other = ["8.11"]\n', "utf-8")
    assert codes(course, CARD.replace("8.10", "8.11")) == ["NUMBER_DRIFTED"]
    for wrong in ('the-card = "8.11"', "the-card = [8.11", 'the-card = ["8,11"]'):
        (course / "flashcards" / CONSTANTS_FILE).write_text(wrong, "utf-8")
        with pytest.raises(ValueError):
            read_constants(course / "flashcards" / CONSTANTS_FILE)


def test_a_lesson_that_is_not_built_vouches_for_nothing(course):
    (course / "notebooks" / "03_attention.ipynb").unlink()
    assert codes(course) == []


def test_a_section_that_does_not_exist_prints_nothing(course):
    assert codes(course, anchor="elsewhere") == ["NUMBER_DRIFTED"] * 2


@pytest.mark.parametrize(
    ("text", "language", "numbers"),
    [
        ("0.71 of 768, in 2017.", "en", ["0.71", "768", "2017"]),
        ("12 tokens, 64 heads, step 3", "en", []),
        ("about 2,000 or 1,234,567", "en", ["2000", "1234567"]),
        ("около 2 000 и 0,5", "ru", ["2000", "0.5"]),
        ("около 2\u202f000 и 0,5", "ru", ["2000", "0.5"]),
        (r"$2{,}5 \cdot 10\,000$", "ru", ["2.5", "10000"]),
        ("d_512, v1.5x and `x[100]`", "en", ["100"]),
        ("![[fig-2017.png|300]] [a](http://x/2024) [[03#123|text 0.5]]", "en", ["0.5"]),
        ("```\n0.123\n```", "en", []),
        ("-0.25 and −0.5", "en", ["0.25", "0.5"]),
    ],
)
def test_which_numbers_a_lesson_has_to_vouch_for(text, language, numbers):
    assert numbers_in(text, language) == [Decimal(number) for number in numbers]


def test_a_section_ends_at_the_next_heading_of_its_rank(course):
    printed = printed_numbers(course / "notebooks" / "03_attention.ipynb")
    assert Decimal("0.125") in printed["scale"] and Decimal("77.7") not in printed["scale"]
    assert Decimal("0.125") in printed["scale-more"] and Decimal("8.0972") not in printed["scale-more"]
    assert {Decimal("7.5"), Decimal("77.7")} <= printed["title"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_our_own_cards_say_what_the_lessons_print_and_a_planted_drift_is_seen(language):
    lesson = next(one for one in load_lessons(ROOT, language, Report(own=True)) if one.number == 3)
    anchors = {card_id: section.anchor for card_id, section in lesson.sections.items()}
    report = Report(own=True)
    lint_numbers(ROOT, language, lesson.page, lesson.cards, anchors, report)
    assert report.codes() == []
    card = next(card for card in lesson.cards if card.id == "score-deviation")  # its section prints std(q·k) = 8.10
    planted = {"en": "8.10 measured", "ru": "измерено 8,10"}[language]
    for text, expected in ((planted, []), (planted.replace("10", "20"), ["NUMBER_DRIFTED"])):
        (changed,), _ = read_cards(f"q\n?\n{text} ^score-deviation\n")
        report = Report(own=True)
        lint_numbers(ROOT, language, lesson.page, [changed], {card.id: anchors[card.id]}, report)
        assert report.codes() == expected


def test_every_constant_belongs_to_a_card():
    ids = {card.id for lesson in load_lessons(ROOT, "en", Report(own=True)) for card in lesson.cards}
    assert set(read_constants(ROOT / "flashcards" / CONSTANTS_FILE)) <= ids
