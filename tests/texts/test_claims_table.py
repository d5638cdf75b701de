"""The table of claims is complete: every row of the notes, its verdict, and both languages."""

from __future__ import annotations

import re

import pytest

from course_lib.claims import VERDICTS, Row, rows

# How many rows each lesson has, written down apart from the table: a row dropped by mistake is missed here.
ROWS_OF_LESSON = {0: 8, 1: 8, 2: 10, 3: 14, 4: 6, 5: 5, 6: 12, 7: 9, 8: 9}

# The rows whose verdict is another than `confirmed`.
VERDICT = {
    "refined": "0.1 0.6 0.7 0.8 1.2 1.4 1.5 2.1 2.4 2.6 2.8 3.2 3.4 3.7 3.10 3.13 4.1 4.2 5.1 5.4 6.3 6.5 6.6 6.7 6.8 6.11 6.12 7.3 7.9 8.1 8.5 8.6 8.7",
    "corrected": "2.7 2.10 3.6 6.4 6.10 7.2 7.5 8.3",
    "corrected in part": "3.8",
    "measured": "0.2 0.3 0.4 6.2 8.9",
    "explained": "3.1 4.5 4.6",
    "answered": "2.2",
}

# The rows that another lesson executes.
EXECUTED_ELSEWHERE = {"0.2": 8, "0.3": 8, "0.4": 8, "3.1": 7}

CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


def expected_ids() -> list[str]:
    return [f"{lesson}.{number}" for lesson, count in ROWS_OF_LESSON.items() for number in range(1, count + 1)]


def problems(row: Row) -> list[str]:
    """What is wrong with the texts of a row."""
    found = []
    for field in ("statement", "finding"):
        wordings = getattr(row, field)
        for lang, text in wordings.items():
            if not text.strip():
                found.append(f"no {field} in {lang}")
            elif text[-1] not in ".?":
                found.append(f"the {field} in {lang} does not end like a sentence")
            elif not text[0].isupper() and not text.startswith(("vocab_size", "softmax")):
                found.append(f"the {field} in {lang} does not begin like a sentence")
            if re.search(r"[.?!] [A-ZА-ЯЁ]", text):
                found.append(f"the {field} in {lang} is more than one sentence")
            if text != text.strip() or "  " in text or "|" in text:
                found.append(f"the {field} in {lang} has stray spaces or a pipe, which breaks a table")
        if wordings["ru"] and not CYRILLIC.search(wordings["ru"]):
            found.append(f"the {field} in ru is not Russian")
        # The notes' own example, «непреднамеренный», stands in an English statement too.
        if CYRILLIC.search(re.sub("«.*?»", "", wordings["en"])):
            found.append(f"the {field} in en has Cyrillic letters")
        if "“" in wordings["ru"] or '"' in wordings["ru"]:
            found.append(f"the {field} in ru has other quotation marks than «ёлочки»")
    return found


def test_every_row_of_the_notes_stands_in_the_table_in_order() -> None:
    assert [row.id for row in rows()] == expected_ids()


def test_every_row_belongs_to_its_lesson_and_is_executed_where_the_notes_want_it() -> None:
    for row in rows():
        assert row.lesson == int(row.id.split(".")[0])
        assert row.executed_in == EXECUTED_ELSEWHERE.get(row.id, row.lesson), row.id


def test_the_verdicts_are_those_expected() -> None:
    expected = {id: verdict for verdict, ids in VERDICT.items() for id in ids.split()}
    assert {row.id: row.verdict for row in rows()} == {id: expected.get(id, "confirmed") for id in expected_ids()}
    assert {row.verdict for row in rows()} <= set(VERDICTS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_the_texts_of_a_row_are_in_order(row: Row) -> None:
    assert problems(row) == []


@pytest.mark.parametrize(
    ("statement", "finding", "expected"),
    [
        ({"en": "A.", "ru": ""}, {"en": "", "ru": ""}, "no statement in ru"),
        ({"en": "A.", "ru": "A."}, {"en": "", "ru": ""}, "the statement in ru is not Russian"),
        ({"en": "А.", "ru": "А."}, {"en": "", "ru": ""}, "the statement in en has Cyrillic letters"),
        ({"en": "A", "ru": "А."}, {"en": "", "ru": ""}, "the statement in en does not end like a sentence"),
        ({"en": "A. B.", "ru": "А."}, {"en": "", "ru": ""}, "the statement in en is more than one sentence"),
        ({"en": "A.", "ru": "А “б”."}, {"en": "", "ru": ""}, "other quotation marks"),
        ({"en": "A.", "ru": "А."}, {"en": "A.", "ru": ""}, "no finding in ru"),
        ({"en": "The size is |V|.", "ru": "А."}, {"en": "", "ru": ""}, "a pipe"),
    ],
)
def test_a_planted_fault_is_found(statement: dict[str, str], finding: dict[str, str], expected: str) -> None:
    row = Row("0.1", 0, 0, "refined", statement, finding)
    assert any(expected in problem for problem in problems(row))
