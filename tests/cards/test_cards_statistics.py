"""What is counted: cards by lesson, kind, language, length of answer and findings; a note by deck and heading."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from card_tools import FIXTURES, ROOT
from rich.console import Console

from course_lib.cards.course import load_lessons
from course_lib.cards.report import Report
from course_lib.cards.short_forms import CLOZE_MARKS, ShortForms
from course_lib.cards.statistics import (
    BINS,
    bin_names,
    course_statistics,
    distribution,
    figure,
    note_statistics,
    print_statistics,
)
from course_lib.cli import main
from course_lib.language import use_language


def printed(groups) -> list[str]:
    out = io.StringIO()
    print_statistics(groups, Console(file=out, width=100))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_the_course_is_counted_by_lesson_in_both_languages():
    groups = course_statistics(ROOT, ["en", "ru"])
    for language in ("en", "ru"):
        lessons = load_lessons(ROOT, language, Report(own=True))
        here = [group for group in groups if group.language == language]
        assert [group.name[:2] for group in here] == [f"{lesson.number:02d}" for lesson in lessons]
        assert [group.cards for group in here] == [len(lesson.cards) for lesson in lessons]
        for group, lesson in zip(here, lessons, strict=True):
            drawn = sum("draw" in card.tags for card in lesson.cards)
            assert group.kinds.get("draw", 0) == drawn
            assert group.kinds.get("key", 0) + group.kinds.get("atom", 0) == group.cards
            assert group.findings == 0
    attention = next(group for group in groups if group.language == "en" and group.name == "03 Attention")
    assert max(attention.words["atom"]) <= 25 and max(attention.words["key"]) <= 80


def test_findings_are_counted_by_card(tmp_path):
    for language in ("en", "ru"):
        (tmp_path / "flashcards" / language).mkdir(parents=True)
        (tmp_path / "flashcards" / language / "03_attention.md").write_text(
            "---\nlesson: 3\ndeck: C::03 A\n---\n### [[03_attention#scale|S]]\n#atom\nDoes it scale?\n?\nYes. ^card-a\n\n"
            "Why does attention scale?\n?\nBecause. ^card-b\n",
            "utf-8",
        )
    groups = course_statistics(tmp_path, ["en"])
    assert [(group.cards, group.findings) for group in groups] == [(2, 1)]


def test_a_note_is_counted_by_deck_and_heading():
    forms = ShortForms(inline=True, cloze=tuple(CLOZE_MARKS))
    groups, report = note_statistics(
        [FIXTURES / "learner_note_lists.md", FIXTURES / "learner_note_markup.md"], forms=forms
    )
    by_name = {(group.section, group.name): group for group in groups}
    questions = by_name["🃏::dl::оптимизация", "Вопросы к зачёту ✅"]
    assert questions.cards == 4 and questions.kinds == {"plain": 4}
    schedules = by_name["🃏::dl::оптимизация", "Вопросы к зачёту ✅ › Расписания шага"]
    assert schedules.kinds == {"plain": 4, "both_ways": 1}
    markup = by_name["Учёба::Языковые модели", "Ключевые вопросы"]
    assert (markup.cards, markup.findings) == (11, 1), "one card lacks its pictures"
    assert any(group.kinds.get("cloze") for group in groups)
    assert report.exit_code == 0 and report.cards == sum(group.cards for group in groups)


def test_a_note_without_cards_and_one_that_is_not_there(tmp_path):
    (tmp_path / "note.md").write_text("Prose.\n", "utf-8")
    assert note_statistics([tmp_path / "note.md"])[1].codes() == ["NO_CARDS"]
    assert note_statistics([tmp_path / "none.md"])[1].codes() == ["UNREADABLE"]


def test_the_classes_of_words_have_inclusive_ends_and_hold_every_answer():
    assert distribution([0, 5, 6, 10, 25, 26, 80, 81, 500]) == [2, 2, 0, 1, 1, 1, 2]
    assert len(bin_names()) == len(BINS) + 1 and bin_names()[0] == "0–5" and bin_names()[-1] == "81+"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_table_says_what_was_counted(language):
    use_language(language)
    try:
        lines = printed(course_statistics(ROOT, ["en", "ru"]))
    finally:
        use_language("en")
    groups = course_statistics(ROOT, ["en", "ru"])
    total = sum(group.cards for group in groups if group.language == "en")
    assert any(line.startswith({"en": "together", "ru": "всего"}[language] + f" {total} ") for line in lines)
    attention = next(group for group in groups if group.name == "03 Attention")
    kinds = " ".join(str(attention.kinds[kind]) for kind in ("key", "atom", "draw"))
    assert sum(line.startswith(f"03 Attention {attention.cards} {kinds} ") for line in lines) == 1
    drawn = {"en": "atoms ru", "ru": "атомы ru"}[language]
    counts = next(line for line in lines if line.startswith(drawn)).removeprefix(drawn).split()
    assert sum(map(int, counts)) == sum(len(group.words.get("atom", ())) for group in groups if group.language == "ru")


def test_where_the_languages_differ_both_numbers_are_shown():
    groups = [group for group in course_statistics(ROOT, ["en", "ru"]) if group.name[:2] == "03"]
    cards = groups[0].cards
    groups[1].words["atom"].pop()
    assert any(line.startswith(f"03 Attention {cards}/{cards - 1} ") for line in printed(groups))


def test_the_picture_shows_every_group_and_every_class():
    groups = course_statistics(ROOT, ["en", "ru"])
    drawn = figure(groups)
    counts, lengths = drawn.axes
    assert len(counts.get_yticklabels()) == len({group.name[:2] for group in groups})
    assert [label.get_text() for label in lengths.get_xticklabels()] == bin_names()
    heights = sum(bar.get_height() for bar in lengths.patches)
    assert heights == sum(group.cards for group in groups)
    drawn.canvas.draw()
    assert figure([]) is not None


def test_the_command_prints_and_draws(tmp_path, capsys, monkeypatch):
    picture = tmp_path / "stats.png"
    assert main(["deck", "--stats", "-o", str(picture)]) == 0
    assert "03 Attention" in capsys.readouterr().out and picture.read_bytes().startswith(b"\x89PNG")
    note = tmp_path / "note.md"
    note.write_text("q\n?\na\n\na::b\n", "utf-8")
    assert main(["deck", "--stats", "--inline", "-o", str(picture), str(note)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.md", "stats.png"], "no lock, no deck"
    assert main(["deck", "--stats", "--release"]) == 2 and main(["deck", "--stats", "--write-ids", str(note)]) == 2
    assert main(["deck", "--stats", str(tmp_path / "none.md")]) == 2


def test_counting_needs_neither_torch_nor_matplotlib():
    code = (
        "import sys; from pathlib import Path; from course_lib.cards import statistics as s;"
        "g = s.course_statistics(Path(sys.argv[1]), ['en']); print(len(g), sorted({'torch', 'matplotlib'} & set(sys.modules)));"
        "s.figure(g); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    assert lines[0].endswith("[]") and not lines[0].startswith("0 ") and lines[1] == "False", done.stdout + done.stderr
