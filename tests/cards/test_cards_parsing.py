"""Text to cards: every rule of the syntax, and what is said about slips."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_tools import FIXTURES, read_cards

from course_lib.cards.parsing import parse
from course_lib.cards.reading import read_source
from course_lib.cards.report import Report


def shape(text: str, *, own: bool = False):
    cards, report = read_cards(text, own=own)
    return [(card.question.text, card.answer.text) for card in cards], report.codes()


def lines_of(report: Report, code: str) -> list[int]:
    return [issue.line for issue in report.issues if issue.code == code]


def test_a_card_is_a_block_split_by_a_question_mark():
    text = "Prose.\n\n### Head\n7. Where?\n ? \n- a\n- b ^my-id\n\nMore prose.\n"
    (card,), report = read_cards(text)
    assert (card.question.text, card.answer.text, card.id, card.number) == ("Where?", "- a\n- b", "my-id", 7)
    assert (card.line, card.end_line, card.headings) == (4, 7, ("Head",))
    assert report.codes() == []


def test_two_question_marks_ask_both_ways():
    cards, _ = read_cards("a\n??\nb\n\nc\n?\nd")
    assert [card.both_ways for card in cards] == [True, False]


def test_headings_are_context_and_end_a_card():
    cards, report = read_cards("# One\n## Two\nq1\n?\na1\n### Three\nq2\n?\na2\n# Four #\nq3\n?\na3\n####no heading\n")
    assert [card.headings for card in cards] == [("One", "Two"), ("One", "Two", "Three"), ("Four",)]
    assert cards[2].answer.text == "a3\n####no heading"


def test_a_tag_line_holds_for_the_cards_below_until_the_next_one():
    cards, _ = read_cards("#key\nq1\n?\na1\n\nq2\n?\na2\n\n#🃏/nlp #atom\n\nq3\n?\na3\n")
    assert [card.tags for card in cards] == [("key",), ("key",), ("🃏/nlp", "atom")]
    assert [card.question.text for card in cards] == ["q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("question", "number", "text"),
    [
        ("12. Why?", 12, "Why?"),
        ("3) Why?", 3, "Why?"),
        ("2013. A year", None, "2013. A year"),
        ("1. one\n2. two", None, "1. one\n2. two"),
        ("4. Describe:\n- Q\n- K", 4, "Describe:\n- Q\n- K"),
        ("1.5 is a number", None, "1.5 is a number"),
    ],
)
def test_a_leading_number_is_dropped_unless_the_question_is_a_list(question, number, text):
    (card,), _ = read_cards(f"{question}\n?\nanswer")
    assert (card.number, card.question.text) == (number, text)


def test_wrong_numbering_is_information_and_identifies_nothing():
    cards, report = read_cards("\n\n".join(f"{n}. q{i}\n?\na" for i, n in enumerate((4, 4, 11, 11, 12))))
    assert [card.number for card in cards] == [4, 4, 11, 11, 12]
    assert report.codes() == ["NUMBERS"] * 3 and lines_of(report, "NUMBERS") == [5, 9, 13]
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("answer", "card_id", "text"),
    [
        ("a ^att-scale", "att-scale", "a"),
        ("a\n^att-scale", "att-scale", "a"),
        ("$$x$$ ^att-scale", "att-scale", "$$x$$"),
        ("$$\nx\n$$ ^att-scale", "att-scale", "$$\nx\n$$"),
        ("```\ncode\n```\n^att-scale", "att-scale", "```\ncode\n```"),
        ("```\ncode\n``` ^att-scale", "att-scale", "```\ncode\n```"),
        ("a ^att-scale\n<!--SR:!2024-01-01,1,250-->", "att-scale", "a"),
        ("a ^att-scale <!--SR:!2024-01-01,1,250!2024-01-01,1,250-->", "att-scale", "a"),
        ("x^2", "", "x^2"),
        ("x ^2", "", "x ^2"),
        ("^up in the middle", "", "^up in the middle"),
    ],
)
def test_the_id_ends_the_answer(answer, card_id, text):
    (card,), report = read_cards(f"q\n?\n{answer}")
    assert (card.id, card.answer.text) == (card_id, text)
    assert report.codes() == []


def test_a_block_id_of_obsidian_is_neither_text_nor_an_id():
    (card,), report = read_cards("q\n?\nanswer ^37066d")
    assert (card.id, card.answer.text) == ("", "answer")
    assert report.codes() == ["BAD_ID"] and report.exit_code == 0
    assert read_cards("q\n?\nanswer ^Bad_Id", own=True)[1].exit_code == 1


def test_block_ids_of_obsidian_inside_a_card_are_not_text():
    text = "q ^abc123\n?\n- a ^first-1\n- b\n  c ^def456\n```\nx ^ghi789\n```\n- $x ^2$ ^y ^last-id"
    (card,), report = read_cards(text)
    assert card.question.text == "q" and card.id == "last-id"
    assert card.answer.text == "- a\n- b\n  c\n```\nx ^ghi789\n```\n- $x ^2$ ^y"
    assert report.codes() == []


@pytest.mark.parametrize("rule", ["---", "***", "- - -", "_____"])
def test_a_rule_at_the_edge_of_a_card_is_no_part_of_it(rule):
    text = f"{rule}\nq\n?\na\n{rule}\nb ^the-card\n{rule}\n\n{rule}\n\nr\n?\nc\n"
    cards, report = read_cards(text)
    assert [(card.question.text, card.answer.text) for card in cards] == [("q", f"a\n{rule}\nb"), ("r", "c")]
    assert (cards[0].id, cards[0].end_line) == ("the-card", 6), "the line at which an id would be written"
    assert report.codes() == [] and read_cards(text, own=True)[1].codes() == []


def test_a_footnote_belongs_to_the_cards_that_refer_to_it():
    text = (
        "Prose.[^2]\n\nq[^1]\n?\na[^x-y] and [^none]\n[^x-y]: second\n    and more\nb\n\n[^1]: the *first*\n"
        "\nr\n?\nc\n\n```\n[^1]: code\n```\n"
    )
    cards, report = read_cards(text)
    assert [(card.question.text, card.answer.text) for card in cards] == [
        ("q[^1]", "a[^x-y] and [^none]\nb"),
        ("r", "c"),
    ]
    assert cards[0].question.footnotes == (("1", "the *first*"),)
    assert cards[0].answer.footnotes == (("x-y", "second and more"),) and cards[1].answer.footnotes == ()
    assert report.codes() == []


@pytest.mark.parametrize(
    ("text", "tags", "headings"),
    [
        ("## Вопросы #🃏/nlp\nq\n?\na", ("🃏/nlp",), ("Вопросы",)),
        ("#exam\n## Вопросы #тема #flashcards/x\nq\n?\na", ("тема", "flashcards/x"), ("Вопросы",)),
        ("#exam\n## About C#\nq\n?\na", ("exam",), ("About C",)),
        ("#exam\n## Вопросы #тема\nq\n?\na", ("exam",), ("Вопросы #тема",)),
    ],
)
def test_a_heading_may_name_the_deck(text, tags, headings):
    (card,), _ = read_cards(text)
    assert (card.tags, card.headings) == (tags, headings)


def test_a_question_may_name_its_own_deck():
    cards, _ = read_cards("#🃏/a\n#🃏/b #exam 3. q\n?\na\n\nr #🃏/c\n?\nb\n\n#hashtag s\n?\nc")
    assert [(card.tags, card.question.text, card.number) for card in cards] == [
        (("🃏/b", "exam"), "q", 3),
        (("🃏/a",), "r #🃏/c", None),
        (("🃏/a",), "#hashtag s", None),
    ]


def test_spaces_that_nobody_sees_do_not_hide_a_separator_or_a_blank_line():
    assert shape("q\n\u200b?\u00a0\na\n\u200b\nr\n??\u2060\nb") == ([("q", "a"), ("r", "b")], [])


def test_scheduling_comments_are_dropped_wherever_they_stand():
    sr = "<!--SR:!2024-01-01,1,250-->"
    cards, codes = shape(f"{sr}\nq {sr}\n?\n{sr}\na\n{sr}\nb {sr}\n")
    assert cards == [("q", "a\nb")] and codes == []


def test_comments_hide_what_is_in_them():
    text = "<!-- note -->\nq1\n?\na1\n\n<!--\nq2\n?\na2\n\n-->\n%%\nq3\n?\na3\n%%\n\nq4\n?\n<!-- one\ntwo -->\na4\n"
    assert shape(text) == ([("q1", "a1"), ("q4", "a4")], [])


def test_an_unclosed_comment_is_told_and_read_as_text():
    cards, report = read_cards("q\n?\na\n\n<!-- oh\n\nq2\n?\na2")
    assert len(cards) == 2 and lines_of(report, "COMMENT_OPEN") == [5]


@pytest.mark.parametrize(
    "answer",
    [
        "```python\na\n\n?\n\nb\n```",
        "~~~\n\n```\n\n~~~",
        "- ```py\n  a\n\n  b\n  ```",
        "$$\na\n\nb\n$$",
        "- $$\n\na\n$$",
    ],
)
def test_blank_lines_in_code_and_formulas_do_not_end_a_card(answer):
    cards, codes = shape(f"q1\n?\n{answer}\n\nq2\n?\na2")
    assert cards == [("q1", answer), ("q2", "a2")] and codes == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("q\n?\n```python\ncode\n\nq2\n?\na2\n", "FENCE_OPEN", 3),
        ("q\n?\n```python\ncode\n\nq2\n?\n```python\ncode\n```\n", "FENCE_OPEN", 3),
        ("q\n?\n```\ncode\n\nq2\n?\n```\ncode\n```\n", "FENCE_OPEN", 3),
        ("q\n?\n$$\na\n\nq2\n?\na2\n", "MATH_OPEN", 3),
        ("q\n?\nso $$a\n\nq2\n?\na2\n", "MATH_OPEN", 3),
        ("q\n?\n$$ a\n", "MATH_OPEN", 3),
    ],
)
def test_an_unclosed_fence_or_formula_is_an_error_at_the_line_that_opened_it(text, code, line):
    _, report = read_cards(text)
    assert lines_of(report, code) == [line] and report.exit_code == 1


def test_dollars_in_prose_are_no_error():
    cards, codes = shape("It costs $$ a lot.\n\n`$$` and \\$$ too.\n\nq\n?\n$$a$$")
    assert cards == [("q", "$$a$$")] and codes == []


def test_a_fence_inside_a_longer_fence_is_its_content():
    answer = "````\n```python\n````"
    assert shape(f"q\n?\n{answer}") == ([("q", answer)], [])


@pytest.mark.parametrize(
    ("text", "code"),
    [("?\nanswer", "EMPTY_QUESTION"), ("4. \n?\na", "EMPTY_QUESTION"), ("q\n?\n", "EMPTY_ANSWER"),
     ("q\n?\n\nanswer", "EMPTY_ANSWER"), ("q\n?\n^some-id", "EMPTY_ANSWER")],
)  # fmt: skip
def test_an_empty_side_is_an_error_and_the_other_cards_are_still_read(text, code):
    cards, report = read_cards(f"before\n?\nfine\n\n{text}\n\nafter\n?\nfine")
    assert [card.question.text for card in cards if card.answer.text == "fine"] == ["before", "after"]
    assert code in report.codes() and report.exit_code == 1


def test_a_forgotten_blank_line_is_seen_by_the_number_of_the_next_question():
    cards, codes = shape("1. q1\n?\na1\n2. q2\n?\na2")
    assert cards == [("q1", "a1"), ("q2", "a2")] and codes == ["NO_BLANK_LINE"]
    _, codes = shape("q1\n?\na1\nq2\n?\na2")
    assert codes == ["SECOND_SEPARATOR"]


def test_stray_text_is_normal_around_the_cards_told_between_them_and_wrong_in_our_files():
    text = "Prose.\n\nq1\n?\na1\n\nStray.\n\nq2\n?\na2\n\nProse.\n"
    _, report = read_cards(text)
    assert lines_of(report, "STRAY_TEXT") == [7] and report.exit_code == 0
    _, report = read_cards(text, own=True)
    assert lines_of(report, "STRAY_TEXT") == [1, 7, 13] and report.exit_code == 1


def test_a_block_without_a_blank_line_is_too_long_for_a_card():
    _, codes = shape("q\n?\n" + "word " * 20_000)
    assert codes == ["CARD_TOO_LONG"]


def test_every_line_of_a_passage_knows_its_line_in_the_file():
    (card,), _ = read_cards("\n\nq\nq\n?\n<!--SR:!2024-01-01,1,250-->\na\n<!-- x -->\nb\n")
    assert card.question.lines == (3, 4) and card.answer.lines == (7, 9)


def test_the_fixture_has_every_trait_of_a_real_note():
    report = Report()
    source = read_source(Path(FIXTURES / "learner_note.md"), report)
    cards = parse(source, report)
    assert [card.number for card in cards] == [1, 2, 3, 4, 4, 5, 7, 8, 9, 11, 11, 12]
    assert {card.tags for card in cards} == {("🃏/nlp/метрики",)}
    assert report.codes() == ["NUMBERS"] * 4 and not report.errors
    text = "\n".join(source.lines)
    for trait in ("\n\t- ", "\n \t- ", "$$", "<\\N>", "[[", "![[", "> [!", "<!--SR:", "==", "```python", "\n??\n"):
        assert trait in text, trait
