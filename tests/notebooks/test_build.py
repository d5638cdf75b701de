"""The way from the source to two notebooks: what the source may be, what the builder writes, and when it writes
nothing."""

from __future__ import annotations

import pytest

from course_lib import lessons
from course_lib import notebook_rules as rules
from course_lib.lessons import LESSONS, LessonError, assemble, build, find, read_source, run_checks, select, stale


def rewrite(lesson, old, new):
    text = lesson.source.read_text(encoding="utf-8")
    assert old in text
    lesson.source.write_text(text.replace(old, new, 1), encoding="utf-8")


SPOILED_SOURCES = [
    (' id="numbers"', "", "has no id"),
    ('id="title" lang="ru"', 'id="titel" lang="ru"', "title: the English text is not followed"),
    ('id="title" lang="en"', 'id="title"', 'title: a text cell needs lang="en"'),
    ('id="title" lang="en"', 'id="title" lang="de"', "title: a text cell needs"),
    ('id="title" lang="en"', 'id="title" lang="ru"', "title: a Russian text without"),
    ('id="claim"', 'id="numbers"', "numbers: the id stands twice"),
    ('id="claim"', 'id="title"', "title: the id stands twice"),
    ('id="numbers"', 'id="numbers" lang="en"', "numbers: code has no language"),
    ('id="numbers"', 'id="numbers" colour="red"', "numbers: only id, lang and tags"),
    ("start(lesson=3)", "start(lesson=4)", "set-up: write exactly"),
    ("start(lesson=3)", 'start(lesson=3, lang="en")', "set-up: write exactly"),
    ("start(lesson=3)", "pass", "found in none"),
    ("rng =", "start(lesson=3)\nrng =", "must stand in one cell|write exactly"),
    ("# A lesson in miniature for", "lost = 1\n# A lesson for", "only comments"),
    ('# %% id="claim"\n', '# %% id="empty"\n# %% id="claim"\n', "empty: the cell is empty"),
]


@pytest.mark.parametrize("old,new,says", SPOILED_SOURCES, ids=range(len(SPOILED_SOURCES)))
def test_a_spoiled_source_is_refused_by_the_cells_name(small_lesson, old, new, says):
    assert read_source(small_lesson)
    rewrite(small_lesson, old, new)
    if says.startswith("must stand"):  # twice in different cells
        with pytest.raises(LessonError, match="must stand in one cell"):
            read_source(small_lesson)
    else:
        with pytest.raises(LessonError, match=says):
            read_source(small_lesson)


def test_both_notebooks_have_the_same_cells_and_their_own_texts(small_lesson):
    en, ru = assemble(small_lesson, "en"), assemble(small_lesson, "ru")
    assert [c.id for c in en.cells] == [c.id for c in ru.cells]
    assert en.cells[0].source.startswith("# A lesson") and ru.cells[0].source.startswith("# Урок")
    assert "start(lesson=3)" in en.cells[1].source and 'start(lesson=3, lang="ru")' in ru.cells[1].source
    assert (en.metadata.course.lang, ru.metadata.course.lang) == ("en", "ru")


def test_two_builds_are_byte_identical_and_pass_every_rule(built, small_lesson):
    assert build([small_lesson]) == 0
    for lang in ("en", "ru"):
        once = built.notebook(lang).read_bytes()
        again = small_lesson.notebook(lang).read_bytes()
        # The timing cell is measured anew in a folder without a committed notebook; everything else is the same.
        once_nb, again_nb = (rules.read(x.notebook(lang)) for x in (built, small_lesson))
        for book in (once_nb, again_nb):
            rules.code_cells(book)[-1].outputs = []
        assert rules.written(once_nb) == rules.written(again_nb)
        assert once != again
        assert rules.problems(rules.read(small_lesson.notebook(lang))) == []
        assert stale(small_lesson, lang) == []
    # Now there is one, and its timing stays: the third build changes no byte.
    before = [small_lesson.notebook(lang).read_bytes() for lang in ("en", "ru")]
    assert build([small_lesson]) == 0
    assert before == [small_lesson.notebook(lang).read_bytes() for lang in ("en", "ru")]
    assert not list(small_lesson.root.rglob("*.tmp"))


def test_a_failing_cell_leaves_the_committed_notebooks(built, small_lesson, capsys):
    for lang in ("en", "ru"):
        small_lesson.notebook(lang).parent.mkdir(parents=True, exist_ok=True)
        small_lesson.notebook(lang).write_bytes(built.notebook(lang).read_bytes())
    # It fails in Russian only: the English notebook must not be written alone.
    rewrite(small_lesson, "print(table)", "from course_lib.language import language\nprint(1 / (language() != 'ru'))")
    assert build([small_lesson]) == 1
    for lang in ("en", "ru"):
        assert small_lesson.notebook(lang).read_bytes() == built.notebook(lang).read_bytes()
        assert stale(small_lesson, lang)
    out = capsys.readouterr().out
    assert "(ru): numbers: the cell failed" in out and "ZeroDivisionError" in out


def test_a_dead_kernel_is_named_by_its_cell(small_lesson):
    rewrite(small_lesson, "print(table)", "import os\nos._exit(1)")
    with pytest.raises(LessonError, match="numbers: the kernel died"):
        lessons.make(small_lesson)


def test_an_endless_cell_is_named(small_lesson, monkeypatch):
    monkeypatch.setattr(lessons, "CELL_TIMEOUT", 1)
    rewrite(small_lesson, "import base64", "while True:\n    pass")
    with pytest.raises(LessonError, match="set-up: the cell did not end within 1 seconds"):
        lessons.make(small_lesson)


def test_what_breaks_a_rule_is_written_and_reported(small_lesson, capsys):
    rewrite(small_lesson, "print(table)", "print(0.123456789)")
    assert build([small_lesson]) == 1
    assert "numbers: more than four decimals" in capsys.readouterr().out
    assert small_lesson.notebook().exists()


def test_the_timing_cell_keeps_its_output_until_refreshed_or_changed(built, small_lesson):
    for lang in ("en", "ru"):
        small_lesson.notebook(lang).parent.mkdir(parents=True, exist_ok=True)
        small_lesson.notebook(lang).write_bytes(built.notebook(lang).read_bytes())

    def timing(lesson):
        return rules.code_cells(rules.read(lesson.notebook()))[-1].outputs

    assert build([small_lesson], refresh=True) == 0
    assert timing(small_lesson) != timing(built)
    refreshed = timing(small_lesson)
    rewrite(small_lesson, 'print(f"{time', 'print(1, f"{time')
    assert build([small_lesson]) == 0
    assert timing(small_lesson) != refreshed


def test_a_notebook_that_is_not_of_the_source_is_stale(built, small_lesson):
    small_lesson.notebook().write_bytes(built.notebook().read_bytes())
    assert stale(small_lesson, "en") == []
    assert "missing" in stale(small_lesson, "ru")[0]
    rewrite(small_lesson, "# Two views of one thing.", "# Two views of a thing.")
    assert "views is not as in the source" in stale(small_lesson, "en")[0]
    rewrite(small_lesson, "# Two views of a thing.", "# Two views of one thing.")
    rewrite(small_lesson, 'tags=["raises-exception"]', 'tags=["exercise", "raises-exception"]')
    assert "expected-error is not as in the source" in stale(small_lesson, "en")[0]


def test_lessons_are_found_by_number_slug_and_path():
    assert [lesson.number for lesson in LESSONS] == list(range(9))
    assert {find(x).slug for x in (3, "3", "03", "attention", "03_attention", "notebooks/ru/03_attention.ipynb")} == {
        "03_attention"
    }
    with pytest.raises(LessonError, match="no lesson '12'"):
        find("12")
    unwritten = [lesson for lesson in LESSONS if not lesson.written]
    for lesson in unwritten:
        with pytest.raises(LessonError, match="not written"):
            select([lesson.number])
    assert build(["no-such-lesson"]) == 2
    assert lessons.check(["no-such-lesson"]) == 2


def test_check_shows_a_readable_difference_with_the_cells_id(built, tmp_path, capsys):
    assert run_checks([built.notebook()]) == 0
    assert "7 cells as committed" in capsys.readouterr().out
    spoiled = tmp_path / "spoiled.ipynb"
    text = built.notebook().read_text(encoding="utf-8").replace("2 weights of 0.5000", "2 weights of 0.5001")
    spoiled.write_text(text, encoding="utf-8")
    assert run_checks([spoiled]) == 1
    out = capsys.readouterr().out
    assert "1 of 7 cells differ" in out
    for expected in ("claim", "-[3.9] confirmed · 2 weights of 0.5001", "+[3.9] confirmed · 2 weights of 0.5000"):
        assert expected in out
    assert run_checks([tmp_path / "missing.ipynb"]) not in (0, 1)
