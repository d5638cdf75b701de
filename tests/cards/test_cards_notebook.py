"""Cards inside a lesson: one output, folded answers, nothing that a notebook viewer would misread."""

from __future__ import annotations

import re

import pytest
from card_tools import read_cards

from course_lib.cards import key_questions, notebook, recall
from course_lib.cards.course import Lesson
from course_lib.cards.notebook import folded, plain_markdown, recalled_cards, unfolded
from course_lib.language import use_language


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as a list of mime bundles."""
    import IPython.display

    bundles: list[dict] = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw=False: bundles.append(bundle))
    yield bundles
    use_language("en")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_key_questions_are_one_output_with_folded_answers(shown, language):
    use_language(language)
    key_questions(3)
    (bundle,) = shown
    assert set(bundle) == {"text/markdown", "text/plain"}
    text = bundle["text/markdown"]
    word = {"en": "Answer", "ru": "Ответ"}[language]
    assert text.count("<details>\n<summary>" + word + "</summary>\n\n") == text.count("\n\n</details>") == 3
    assert "$\\sqrt{d_k}$" in text and "![" not in text and ".png" not in text and " ^" not in text
    assert "<" not in bundle["text/plain"].replace("<details>", "") or "$" in bundle["text/plain"]
    assert "details" not in bundle["text/plain"]


def test_both_languages_show_the_same_cards(shown):
    counts = []
    for language in ("en", "ru"):
        use_language(language)
        key_questions(3)
        recall(3)
        counts.append([re.findall(r"^\*\*\d\.\*\*", bundle["text/markdown"], re.M) for bundle in shown[-2:]])
    assert counts[0] == counts[1] == [["**1.**", "**2.**", "**3.**"]] * 2


def test_a_second_display_is_the_same(shown):
    for _ in range(2):
        recall(3)
        notebook._lessons.cache_clear()
    assert shown[0] == shown[1]


def lessons(*sizes: int) -> list[Lesson]:
    result = []
    for number, size in enumerate(sizes):
        cards, _ = read_cards("".join(f"#atom\nq{number}-{i}\n?\na ^card-{number}-{i}\n\n" for i in range(size)))
        result.append(Lesson(number, f"0{number}_x", "d", "", cards[0].file if cards else None, cards))
    return result


def test_recall_takes_the_nearest_lessons_in_turn():
    def numbers(sizes, lesson):
        return [card.id.split("-")[1] for card in recalled_cards(lessons(*sizes), lesson)]

    assert numbers((5, 5, 5, 5), 3) == ["2", "1", "0"]
    assert numbers((5, 5, 5, 5), 1) == ["0", "0", "0"]
    assert numbers((5, 5, 5, 5), 2) == ["1", "0", "1"]
    assert numbers((1, 1), 2) == ["1", "0"]
    assert numbers((5, 5), 0) == []


def test_recall_is_fixed_and_does_not_follow_the_order_of_a_file():
    course = lessons(6, 6, 6)
    chosen = [card.id for card in recalled_cards(course, 3)]
    for lesson in course:
        lesson.cards.reverse()
    assert [card.id for card in recalled_cards(course, 3)] == chosen
    ids = {tuple(card.id for card in recalled_cards(lessons(6, 6, 6, 6, 6), number)) for number in (3, 4, 5)}
    assert len(ids) == 3


def test_cards_to_draw_are_not_recalled():
    (lesson,) = lessons(4)
    for card in lesson.cards[:2]:
        card.tags = ("draw", "atom")
    assert {card.id for card in recalled_cards([lesson], 1)} == {"card-0-2", "card-0-3"}


def test_a_lesson_without_key_questions_shows_all_its_cards(shown, monkeypatch):
    course = lessons(2, 3)
    course[1].cards[0].tags = ("key",)
    monkeypatch.setattr(notebook, "_lessons", lambda lang: course)
    key_questions(0)
    key_questions(1)
    counts = [bundle["text/markdown"].count("<details>") for bundle in shown]
    assert counts == [2, 1]


def test_a_lesson_without_cards_is_named():
    with pytest.raises(LookupError, match="99"):
        key_questions(99)
    with pytest.raises(LookupError, match="00"):
        recall(0)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a<b and <\\N>", "a&lt;b and &lt;\\N>"),
        ("$a<b$ `<s>` & c", "$a<b$ `<s>` &amp; c"),
        ("[[page#h|alias]] [[page]]", "alias page"),
        ("==x==", "**x**"),
        ("![[heads.png|How heads join]]", "*See the figure: How heads join*"),
        ("![[heads.png|300]] ![](x.png)", "*See the figure* *See the figure*"),
        ("> [!quote] Who\n> said", "> **Who**  \n> said"),
        ("$$\na < b\n$$", "$$\na < b\n$$"),
    ],
)
def test_obsidian_becomes_plain_markdown(markdown, expected):
    assert plain_markdown(markdown) == expected


def test_the_answer_stands_between_blank_lines_so_that_viewers_read_it():
    cards, _ = read_cards("q\n?\n- a\n- $x$")
    assert folded(cards) == "**1.** q\n\n<details>\n<summary>Answer</summary>\n\n- a\n- $x$\n\n</details>\n"
    assert unfolded(cards) == "1. q\n\n   - a\n   - $x$\n"
