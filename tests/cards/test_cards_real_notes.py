"""Two notes with everything that real notes hold, all the way into Anki: what a learner sees of every card.

The notes are ours, written to be hostile but plausible: numbering with mistakes, lists nested by tabs and by a space and
a tab, levels that are skipped, two spaces under ``1.``, code with blank lines, tables, nested callouts, footnotes,
comments, block ids, embeds of every kind, a horizontal rule where a blank line should be.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from card_tools import FIXTURES, NOW, anki_collection, dangers, import_package, imported, visible_text
from test_cards_indents import outline
from test_cards_notes import decks_in

from course_lib.cards.notes import compile_notes
from course_lib.cards.report import Report

COUNTS = {"learner_note_lists": 9, "learner_note_markup": 11}


class Note:
    """A compiled fixture: its report, and question and answer of each card as Anki renders them."""

    def __init__(self, name: str, folder) -> None:
        (folder / f"{name}.md").write_bytes((FIXTURES / f"{name}.md").read_bytes())
        self.report: Report = compile_notes([folder / f"{name}.md"], folder / "out.apkg", lang="ru", now=NOW)
        self.package = folder / "out.apkg"
        self.cards: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        with anki_collection() as collection:
            self.imported = import_package(collection, self.package)
            self.missing = list(collection.media.check().missing)
            for card in map(collection.get_card, collection.find_cards("", order="c.due asc")):
                note = card.note()
                self.cards.append((note["Question"], note["Answer"]))
                self.tags |= set(note.tags)

    def answer(self, question: str) -> str:
        (found,) = [answer for asked, answer in self.cards if question in visible_text(asked)]
        return found


@pytest.fixture(scope="module", params=COUNTS)
def note(request, tmp_path_factory):
    return request.param, Note(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    return Note("learner_note_lists", tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def markup(tmp_path_factory):
    return Note("learner_note_markup", tmp_path_factory.mktemp("markup"))


def test_every_card_arrives_and_nothing_is_an_error(note):
    name, compiled = note
    assert compiled.report.exit_code == 0 and compiled.report.cards == COUNTS[name]
    both_ways = 1 if name == "learner_note_lists" else 0
    assert compiled.imported == imported(new=COUNTS[name] + both_ways) and compiled.missing == []


def test_no_card_shows_its_source(note):
    """Nothing of the Markdown is left to be seen, and nothing dangerous gets in."""
    _, compiled = note
    for field in (field for card in compiled.cards for field in card):
        assert dangers(field) == []
        seen = visible_text(re.sub(r"<(pre|code)\b.*?</\1>|\\\(.*?\\\)|\\\[.*?\\\]", "", field, flags=re.DOTALL))
        for mark in ("**", "==", "~~", "[[", "![", "[!", "%%", "$", "[^", "^[", "|--", "<!--", "&mdash;", " ^"):
            assert mark not in seen, f"{mark!r} in {seen!r}"
        assert not re.search(r"(?:^|<br>|<p>)\s*(?:[-*+] |\d+[.)] )", field), f"a list shown as text: {field}"
        assert "<hr>" not in field


def test_what_is_said_about_the_notes(lists, markup):
    assert Counter(lists.report.codes()) == {"NUMBERS": 6, "BAD_ID": 1}
    expected = {"NUMBERS": 6, "STRAY_TEXT": 1, "MISSING_PICTURE": 3, "EMBED_TYPE": 3}
    assert Counter(markup.report.codes()) == expected


def test_decks_and_tags(lists, markup):
    assert decks_in(lists.package) == {"🃏::dl::оптимизация"} and decks_in(markup.package) == {"Учёба::Языковые модели"}
    assert lists.tags == {"учёба::dl", "конспект", "экзамен"} and markup.tags == {"нлп::модели", "!_странный_тег"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Что делает градиентный спуск", [1, 2, 2]),
        ("Чем стохастический спуск отличается от полного, и почему", [1, 1, 2, 3, 1]),
        ("Как устроен Adam", [1, 2, 1, 2, 1]),
        ("Что выведет этот код", [1, 1]),
        ("Зачем разогрев", [1, 1, 2, 1, 1]),
    ],
)
def test_lists_keep_the_levels_that_are_seen_in_the_note(lists, question, expected):
    assert [depth for depth, _ in outline(lists.answer(question))] == expected


def test_numbered_items_go_on_counting(lists):
    assert lists.answer("Как устроен Adam").count("<ol>") == 1
    assert 'start="2"' not in lists.answer("Чем стохастический спуск")


def test_code_in_an_item_keeps_its_blank_line_and_its_indents(lists):
    code = re.search(r"<pre>(.*?)</pre>", lists.answer("Что выведет этот код"), re.DOTALL)[1]
    text = re.sub(r"<[^>]+>", "", code).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text == "def step(w, g, lr=0.1):\n    # обычный шаг\n\n    return w - lr * g  # a<b && c>d\n"


def test_tasks_a_table_and_both_directions(lists):
    assert lists.answer("Зачем разогрев").count('<li class="task">') == 3
    table = lists.answer("Сравните расписания")
    assert table.count("<tr>") == 4 and "|обратный корень|" in visible_text(table)
    assert visible_text(lists.answer("Производные потерь")) == "Что считает loss.backward()?"


def test_ids_and_block_ids(lists, markup):
    answer = visible_text(lists.answer("Почему веса не начинают"))
    assert answer.endswith("не нарушится никогда.")
    assert visible_text(markup.answer("перекрёстная энтропия")).count("^") == 0
    assert "а&nbsp;значения нет" in markup.answer("перекрёстная энтропия").replace("\u00a0", "&nbsp;")


def test_footnotes_stand_below_the_card_that_refers_to_them(markup):
    answer = markup.answer("Что такое языковая модель")
    assert "раньше.<sup>1</sup>" in answer and answer.count('class="footnotes"') == 1
    assert "Индекс" in answer.split('class="footnotes"')[1]
    assert "натуральный логарифм" in markup.answer("Что такое перплексия").split('class="footnotes"')[1]


def test_nested_callouts_hold_lists_formulas_and_code(markup):
    answer = markup.answer("Что значит запись")
    assert answer.count("<blockquote") == 2 and 'class="callout callout-warning"' in answer
    assert r"\[p(a,b) = p(a)\,p(b \mid a)\]" in answer and '<div class="highlight">' in answer
    assert [depth for depth, _ in outline(answer)] == [1, 2]


def test_every_embed_leaves_something_to_see(markup):
    answer = markup.answer("Что на картинке")
    assert answer.count('<span class="missing">') == 6
    for name in ("Pasted image 20240401120000.png", "архитектура.png", "images/схема.png", "запись лекции.mp3"):
        assert name in visible_text(answer)


def test_typed_signs_stay_and_comments_go(markup):
    answer = visible_text(markup.answer("Перечень обозначений"))
    assert "*не курсив*, 2 * 3 * 4 = 24, snake_case_name, a<b>c." in answer.replace("\u00a0", " ")
    assert "H2O" in answer and "Ctrl+S" in answer
    assert "дописать" not in visible_text(markup.answer("[MASK] и [CLS]"))
    assert "&#91;sound:x.mp3]" in markup.answer("[MASK] и [CLS]") or "[sound:" not in markup.answer("[MASK] и [CLS]")


def test_a_formula_of_two_lines_is_one_formula(markup):
    assert markup.answer("Как из логитов").count(r"\[") == 1 and "aligned" in markup.answer("Как из логитов")
