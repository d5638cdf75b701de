"""The course's own decks: the rules about them on a small course, and the real ones through Anki."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from card_tools import NOW, PNG, ROOT, anki_collection, dangers, import_package, imported
from test_cards_notes import decks_in, notes_in

from course_lib.cards import compile_course, retired_search
from course_lib.cards.course import COLLECTION, DECK_IDS, load_lessons
from course_lib.cards.history import CourseLock
from course_lib.cards.report import Report

LESSON = """---
lesson: 3
deck: Course::03 Attention
---
# Attention

### [[03_attention#scale|Why divide by $\\sqrt{d_k}$]]

#key
How are scores scaled, $a<b$?
?
By $\\sqrt{d_k}$. ^key-scale

#atom #why
Why does softmax saturate?
?
One score is far above the rest. ^atom-one

#atom #what
What is scaled?
?
![[figure.png|A figure]] The scores. ^atom-two
"""


@pytest.fixture
def course(tmp_path):
    """A course of one lesson in two languages, with a figure each."""
    for language in ("en", "ru"):
        (tmp_path / "flashcards" / language).mkdir(parents=True)
        (tmp_path / "flashcards" / language / "03_attention.md").write_text(LESSON, "utf-8")
        (tmp_path / "flashcards" / "media" / language).mkdir(parents=True)
        (tmp_path / "flashcards" / "media" / language / "figure.png").write_bytes(PNG)
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    source = '# %% [markdown] id="scale" lang="en"\n# ## Scale\n# %% id="scale-run" tags=["x"]\n1\n'
    (tmp_path / "notebooks" / "source" / "03_attention.py").write_text(source, "utf-8")
    return tmp_path


def build(course, change=None, language="en", **options):
    if change:
        for each in ("en", "ru"):
            path = course / "flashcards" / each / "03_attention.md"
            path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    return compile_course(course, language, course / f"{language}.apkg", **options)


def errors(report) -> list[tuple[str, int]]:
    return [(issue.code, issue.line) for issue in report.errors]


def test_a_sound_course_builds(course):
    report = build(course)
    assert report.codes() == ["UNRELEASED"] and report.exit_code == 0 and (report.cards, report.media) == (3, 1)
    assert decks_in(report.output) == {"Course::03 Attention"}
    note = notes_in(report.output)["atom-one"]
    assert note["tags"] == ["transformers::atom", "transformers::why", "transformers::lesson-03"]
    assert note["fields"][4] == r"Lesson 03 · Why divide by \(\sqrt{d_k}\)"


def test_the_source_is_a_link_when_there_is_a_base(course):
    address = '<a href="https://x.example/nb/03_attention.ipynb#scale">'
    assert address in notes_in(build(course, base_url="https://x.example/nb/").output)["key-scale"]["fields"][4]
    report = build(course, ("lesson: 3", "lesson: 3\nbase_url: https://x.example/nb"), language="ru")
    source = notes_in(report.output)["key-scale"]["fields"][4]
    assert source.startswith('<a href="https://x.example/nb/ru/03_attention.ipynb#scale">Урок 03')


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        ((" ^atom-one", ""), "NO_ID", 15),
        (("^atom-one", "^Atom_One"), "BAD_ID", 17),
        (("^atom-two", "^atom-one"), "DUPLICATE_ID", 20),
        (("#scale|", "#scales|"), "UNKNOWN_SECTION", 10),
        (("[[03_attention#", "[[04_heads#"), "UNKNOWN_SECTION", 10),
        (("### [[03_attention#scale|Why divide by $\\sqrt{d_k}$]]", "### Scale"), "NO_SECTION", 10),
        (("# Attention", "Some text."), "STRAY_TEXT", 5),
        (("lesson: 3", "lesson: 4"), "LESSON", 1),
        (("deck: Course::03 Attention\n", ""), "LESSON", 1),
        (("figure.png", "none.png"), "MISSING_PICTURE", 22),
        (("figure.png", "../ru/figure.png"), "PICTURE_PATH", 22),
        (("Why does softmax saturate", "Does softmax saturate"), "YES_NO", 15),
        (("$\\sqrt{d_k}$. ^", "$\\sqrt{d_k$. ^"), "TEX", 12),
    ],
)
def test_slips_in_our_own_files_are_errors(course, change, code, line):
    report = build(course, change)
    assert (code, line) in errors(report), report.lines()
    assert report.exit_code == 1 and not (course / "en.apkg").exists()


def test_a_card_that_the_other_language_lacks_is_an_error(course):
    path = course / "flashcards" / "ru" / "03_attention.md"
    path.write_text(LESSON.replace("^atom-two", "^atom-three"), "utf-8")
    assert ("NOT_IN_OTHER_LANGUAGE", 20) in errors(build(course))
    path.write_text(LESSON.replace("#atom #what", "#atom #where"), "utf-8")
    assert ("LANGUAGES_DIFFER", 20) in errors(build(course))


def test_mojibake_is_not_repaired_in_our_own_files(course):
    path = course / "flashcards" / "en" / "03_attention.md"
    path.write_text(LESSON.replace("saturate", "насыщается").encode().decode("mac_roman"), "utf-8")
    assert "MOJIBAKE_REFUSED" in build(course).codes()


# --- releases ---------------------------------------------------------------------------------------------------------


def test_a_plain_build_writes_no_lock_and_two_are_byte_identical(course):
    first = build(course).output.read_bytes()
    assert not (course / "flashcards" / "lock.json").exists()
    assert build(course).output.read_bytes() == first


def test_a_release_stamps_what_changed_and_a_plain_build_after_it_is_the_release(course):
    release = build(course, update_lock=True, now=NOW)
    assert release.codes() == [] and release.exit_code == 0
    released = release.output.read_bytes()
    plain = build(course)
    assert plain.codes() == [] and plain.output.read_bytes() == released
    build(course, ("One score", "A single score"), update_lock=True, now=NOW + 60)
    times = {key: note["mod"] for key, note in notes_in(course / "en.apkg").items()}
    assert times == {"key-scale": NOW, "atom-one": NOW + 60, "atom-two": NOW}
    assert set(json.loads((course / "flashcards" / "lock.json").read_text("utf-8"))["cards"]) == {"en"}


def test_a_changed_picture_is_a_change(course):
    build(course, update_lock=True, now=NOW)
    (course / "flashcards" / "media" / "en" / "figure.png").write_bytes(PNG + b"new")
    report = build(course)
    assert report.codes() == ["UNRELEASED"] and "atom-two" in report.issues[0].message


def test_learners_get_every_release_and_even_an_unreleased_build(course):
    with anki_collection() as collection:
        assert import_package(collection, build(course, update_lock=True, now=NOW).output) == imported(new=3)
        package = build(course, ("One score", "A single score")).output
        assert import_package(collection, package) == imported(updated=1, duplicate=2)
        package = build(course, ("A single score", "One large score"), update_lock=True, now=NOW + 60).output
        assert import_package(collection, package) == imported(updated=1, duplicate=2)
        answer = collection.get_note(collection.find_notes("Id:atom-one")[0])["Answer"]
        assert "One large score" in answer


def test_a_renamed_deck_is_an_error_after_its_release(course):
    build(course, update_lock=True, now=NOW)
    assert ("DECK_RENAMED", 1) in errors(build(course, ("Course::03 Attention", "Course::03 Focus")))


def test_a_vanished_card_is_retired_by_the_next_release_and_its_id_never_used_again(course):
    build(course, update_lock=True, now=NOW)
    with anki_collection() as collection:
        import_package(collection, course / "en.apkg")
        gone = LESSON.split("#atom #what")[0]
        for language in ("en", "ru"):
            (course / "flashcards" / language / "03_attention.md").write_text(gone, "utf-8")
        assert "VANISHED" in build(course).codes()
        assert not (course / "flashcards" / "retired.txt").exists()
        report = build(course, update_lock=True, now=NOW + 1)
        (retired,) = [issue.message for issue in report.issues if issue.code == "RETIRED"]
        assert "1 id(s) retired by this release: atom-two;" in retired and report.retired_search in retired
        assert (course / "flashcards" / "retired.txt").read_text("utf-8") == "atom-two\n"
        assert report.retired_search == retired_search(course, "en")
        found = [collection.get_note(note)["Id"] for note in collection.find_notes(report.retired_search)]
        assert found == ["atom-two"]
    assert build(course).codes() == ["FEW_ATOMS"]
    (course / "flashcards" / "en" / "03_attention.md").write_text(LESSON, "utf-8")
    report = build(course)
    assert ("RETIRED_ID", 20) in errors(report)
    assert any("retired.txt:1" in issue.message for issue in report.errors)


def test_a_card_that_moved_to_another_lesson_keeps_its_history_and_learners_are_told_how_to_move_it(course):
    build(course, update_lock=True, now=NOW)
    with anki_collection() as collection:
        import_package(collection, course / "en.apkg")
        moved = "#atom #what" + LESSON.split("#atom #what")[1]
        head = LESSON.partition("#key")[0].replace("lesson: 3", "lesson: 4").replace("03 Attention", "04 Heads")
        for language in ("en", "ru"):
            folder = course / "flashcards" / language
            (folder / "03_attention.md").write_text(LESSON.replace(moved, ""), "utf-8")
            (folder / "04_heads.md").write_text(head.replace("03_attention", "04_heads") + moved, "utf-8")
        for options in ({}, {"update_lock": True, "now": NOW + 60}):
            report = build(course, **options)
            (issue,) = [issue for issue in report.issues if issue.code == "DECK_MOVED"]
            assert issue.file.endswith("04_heads.md") and issue.line == 10
            assert "1 card(s), earlier 03_attention.md, now in the deck Course::04 Heads" in issue.message
        assert import_package(collection, report.output) == imported(updated=1, duplicate=2)
        (card,) = collection.find_cards('"note:Transformers course" "deck:Course::03 Attention" (Id:atom-two)')
        assert '"deck:Course::03 Attention" (Id:atom-two)' in issue.message
        assert collection.decks.name(collection.get_card(card).did) == "Course::03 Attention", "Anki does not move it"
        assert "DECK_MOVED" not in build(course).codes(), "told until it is released"


def test_a_lock_that_cannot_be_written_is_named(course, monkeypatch):
    from course_lib.cards import history

    def refuse(path, content):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(history, "replace_file", refuse)
    report = build(course, update_lock=True, now=NOW)
    assert report.codes() == ["UNWRITABLE"] and report.issues[0].file.endswith("lock.json") and report.exit_code == 1


def test_a_spoilt_lock_and_an_empty_course(course, tmp_path):
    (course / "flashcards" / "lock.json").write_text("[")
    assert build(course).codes() == ["LOCK_BROKEN"]
    assert compile_course(tmp_path / "nothing", "en", tmp_path / "x.apkg").exit_code == 2


def test_an_unknown_language_is_a_wrong_call(course):
    with pytest.raises(ValueError, match="language"):
        compile_course(course, "de", course / "x.apkg")


# --- the real decks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["en", "ru"])
def real(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decks")
    report = compile_course(ROOT, request.param, folder / f"transformers-{request.param}.apkg")
    assert report.exit_code == 0, "\n".join(report.lines())
    return request.param, report


def test_the_real_deck_builds_without_warnings_and_twice_the_same(real, tmp_path):
    language, report = real
    assert [issue for issue in report.issues if issue.code != "UNRELEASED"] == []
    again = compile_course(ROOT, language, tmp_path / "again.apkg")
    assert again.output.read_bytes() == report.output.read_bytes()


def test_the_committed_lock_knows_every_card_as_it_is(real):
    _, report = real
    assert "UNRELEASED" not in report.codes(), (
        f"{report.issues[0]}\nlearners would not get a second change: `course deck --release`, and commit the lock"
    )


def test_the_real_deck_imports_into_anki_with_all_its_pictures(real):
    language, report = real
    lessons = load_lessons(ROOT, language, Report(own=True))
    with anki_collection() as collection:
        assert import_package(collection, report.output) == imported(new=report.cards)
        assert import_package(collection, report.output) == imported(duplicate=report.cards)
        check = collection.media.check()
        assert list(check.missing) == [] and list(check.unused) == []
        decks = {deck.name for deck in collection.decks.all_names_and_ids(include_filtered=False)}
        assert decks >= {lesson.deck for lesson in lessons}
        drawn = collection.find_notes("tag:transformers::draw")
        assert len(drawn) >= 3 and all("<img" in collection.get_note(note)["Answer"] for note in drawn)
        scaling = collection.get_card(collection.find_cards("Id:key-attention-scaling")[0]).render_output()
        assert r"\frac{QK^\top}{\sqrt{d_k}}" in scaling.answer_text and "03 · " in scaling.answer_text
        for note in map(collection.get_note, collection.find_notes("")):
            assert dangers(note["Question"] + note["Answer"] + note["Source"]) == [] and note["Source"]
            assert len(note.cards()) == 1


def test_deck_names_are_those_learners_have(real):
    language, _ = real
    root = {"en": "Transformers", "ru": "Трансформеры"}[language]
    for lesson in load_lessons(ROOT, language, Report(own=True)):
        assert lesson.deck.startswith(f"{root}::{lesson.number:02d} ")
    assert COLLECTION == "transformers-course" and DECK_IDS == {"en": 1_795_466_100, "ru": 1_795_466_200}


def test_both_languages_share_a_collection_but_no_note(tmp_path):
    with anki_collection() as collection:
        total = 0
        for language in ("en", "ru"):
            report = compile_course(ROOT, language, tmp_path / f"{language}.apkg")
            assert import_package(collection, report.output) == imported(new=report.cards)
            total += report.cards
        assert collection.note_count() == total


def test_the_lock_is_sorted_and_complete():
    lock = CourseLock.load(ROOT / "flashcards" / "lock.json")
    assert set(lock.ids("en")) == set(lock.ids("ru"))


def test_neither_torch_nor_matplotlib_is_imported():
    code = (
        "import sys; from course_lib import cards; r = cards.compile_course(sys.argv[1], 'ru', sys.argv[2], strict=False);"
        "print(r.cards, sorted({'torch', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), "/dev/null/x.apkg"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.endswith("[]\n") and not done.stdout.startswith("0 "), done.stdout + done.stderr
