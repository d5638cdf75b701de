"""The way from the source to two notebooks: what the source may be, what the builder writes, and when it writes
nothing."""

from __future__ import annotations

import pytest

from course_lib import lessons, validation
from course_lib import notebook_rules as rules
from course_lib.lessons import (
    LESSONS,
    NOTEBOOKS,
    PRIMER,
    Lesson,
    LessonError,
    assemble,
    build,
    find,
    read_source,
    select,
    stale,
)
from course_lib.validation import run_checks


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


def copy_notebooks(old, new):
    for lang in ("en", "ru"):
        new.notebook(lang).parent.mkdir(parents=True, exist_ok=True)
        new.notebook(lang).write_bytes(old.notebook(lang).read_bytes())


def contents(lesson):
    return [lesson.notebook(lang).read_bytes() for lang in ("en", "ru")]


def test_a_second_build_changes_no_byte_and_a_built_lesson_passes_every_rule(built, small_lesson, capsys):
    copy_notebooks(built, small_lesson)
    assert build([small_lesson]) == 0
    assert contents(small_lesson) == contents(built)
    assert "unchanged, 0 problem(s)" in capsys.readouterr().out
    assert not list(small_lesson.root.rglob("*.tmp"))
    for lang in ("en", "ru"):
        assert rules.problems(rules.read(built.notebook(lang))) == []
        assert stale(built, lang) == []


def test_an_output_that_differs_from_run_to_run_is_no_second_build(tiny_lesson):
    """The comparison of bytes above can fail."""
    rewrite(tiny_lesson, "print(0.5)", "print(time.perf_counter())")
    build([tiny_lesson])
    once = contents(tiny_lesson)
    build([tiny_lesson])
    assert contents(tiny_lesson) != once


def test_a_failing_cell_leaves_the_committed_notebooks(tiny_lesson, capsys):
    assert build([tiny_lesson]) == 0
    before = contents(tiny_lesson)
    # It fails in Russian only: the English notebook must not be written alone.
    rewrite(tiny_lesson, "print(0.5)", "print(1 / (language() != 'ru'))")
    assert build([tiny_lesson]) == 1
    assert contents(tiny_lesson) == before
    assert stale(tiny_lesson, "en") and stale(tiny_lesson, "ru")
    out = capsys.readouterr().out
    assert "(ru): numbers: the cell failed" in out and "ZeroDivisionError" in out


def test_a_dead_kernel_is_named_by_its_cell(tiny_lesson):
    rewrite(tiny_lesson, "print(0.5)", "import os\n\nos._exit(1)")
    with pytest.raises(LessonError, match="numbers: the kernel died"):
        lessons.make(tiny_lesson)


def test_an_endless_cell_is_named(tiny_lesson, monkeypatch):
    monkeypatch.setattr(lessons, "CELL_TIMEOUT", 5)
    rewrite(tiny_lesson, "print(0.5)", "while True:\n    pass")
    with pytest.raises(LessonError, match="numbers: the cell did not end within 5 seconds"):
        lessons.make(tiny_lesson)


def test_what_breaks_a_rule_is_written_and_reported(tiny_lesson, capsys):
    rewrite(tiny_lesson, "print(0.5)", "print(0.123456789)")
    assert build([tiny_lesson]) == 1
    assert "numbers: more than four decimals" in capsys.readouterr().out
    assert tiny_lesson.notebook().exists()


def test_the_timing_cell_keeps_its_output_until_refreshed_or_changed(tiny_lesson):
    def timing():
        return rules.code_cells(rules.read(tiny_lesson.notebook()))[-1].outputs

    build([tiny_lesson])
    first = timing()
    assert build([tiny_lesson]) == 0
    assert timing() == first
    assert build([tiny_lesson], refresh=True) == 0
    second = timing()
    assert second != first
    rewrite(tiny_lesson, 'print(f"{time', 'print(1, f"{time')
    assert build([tiny_lesson]) == 0
    assert timing() != second


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
    for name in ("12", "mer", "None"):
        with pytest.raises(LessonError, match=f"no lesson '{name}'"):
            find(name)
    unwritten = [lesson for lesson in NOTEBOOKS if not lesson.written]
    for lesson in unwritten:
        with pytest.raises(LessonError, match="not written"):
            select([lesson.slug])
    assert build(["no-such-lesson"]) == 2
    assert validation.check(["no-such-lesson"]) == 2


def test_the_primer_is_found_like_a_lesson_and_stands_last():
    assert {find(x) for x in ("primer", "notebooks/primer.ipynb", "notebooks/ru/primer.ipynb")} == {PRIMER}
    assert NOTEBOOKS == (*LESSONS, PRIMER)
    assert len({name for lesson in NOTEBOOKS for name in lesson.names}) == sum(len(x.names) for x in NOTEBOOKS)


def test_a_notebook_without_a_number_starts_by_its_name(tiny_lesson):
    rewrite(tiny_lesson, "start(lesson=3)", 'start(lesson="tiny")')
    with pytest.raises(LessonError, match=r"write exactly start\(lesson=3\)"):
        read_source(tiny_lesson)
    nameless = Lesson(None, "tiny", tiny_lesson.title, tiny_lesson.root)
    tiny_lesson.source.rename(nameless.source)
    assert "missing: run `course build tiny`" in stale(nameless, "en")[0]
    assert build([nameless]) == 0  # which compares the two languages
    en, ru = (rules.read(nameless.notebook(lang)) for lang in ("en", "ru"))
    assert 'start(lesson="tiny")' in en.cells[1].source and 'start(lesson="tiny", lang="ru")' in ru.cells[1].source
    assert en.metadata.course.lesson == ru.metadata.course.lesson == "tiny"
    assert stale(nameless, "en") == stale(nameless, "ru") == []


def test_check_shows_a_readable_difference_with_the_cells_id(tiny_lesson, capsys):
    build([tiny_lesson])
    assert run_checks([tiny_lesson.notebook(), tiny_lesson.notebook("ru")]) == 0
    assert capsys.readouterr().out.count("3 cells as committed") == 2
    book = rules.read(tiny_lesson.notebook())
    book.cells[2].outputs[0].text = "0.6\n"
    tiny_lesson.notebook().write_text(rules.written(book), encoding="utf-8")
    assert run_checks([tiny_lesson.notebook()]) == 1
    out = capsys.readouterr().out
    for expected in ("1 of 3 cells differ", "numbers", "-0.6", "+0.5"):
        assert expected in out
    book.metadata.course.code = "0" * 16
    tiny_lesson.notebook().write_text(rules.written(book), encoding="utf-8")
    assert run_checks([tiny_lesson.notebook()]) == 1
    assert "code changed after its outputs were made" in capsys.readouterr().out
    assert run_checks([tiny_lesson.root / "missing.ipynb"]) not in (0, 1)
