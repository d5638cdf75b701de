"""The package, judged by the real Anki: what is new, updated, kept; and what never gets written."""

from __future__ import annotations

import sqlite3
import time
import zipfile

import pytest
from card_tools import FIXTURES, NOW, PNG, anki_collection, dangers, import_package, imported

from course_lib.cards import package
from course_lib.cards.notes import compile_notes
from course_lib.cards.package import FIELDS, Deck, Note, PackageError, check_notes, write_package

NOTE = """#🃏/test
Where are the scores divided, and $a<b$?
?
- before softmax: $\\frac{QK^\\top}{\\sqrt{d_k}}$
- ![[figure.png]] ^att-scale

Second question?
?
Second answer. ^second
"""


def compiled(folder, text: str = NOTE, now: int = NOW, name: str = "deck.apkg", **options):
    """The package of a note, written anew, with the lock of earlier builds."""
    (folder / "figure.png").write_bytes(PNG)
    (folder / "note.md").write_text(text, "utf-8")
    report = compile_notes([folder / "note.md"], folder / name, lang="en", now=now, **options)
    assert report.exit_code == 0, report.lines()
    return folder / name


def check_history_survives_a_reworded_card(folder) -> None:
    """New, then nothing, then one update that keeps its reviews."""
    with anki_collection() as collection:
        assert import_package(collection, compiled(folder)) == imported(new=2)
        assert import_package(collection, compiled(folder, now=NOW + 50)) == imported(duplicate=2)
        collection.decks.select(collection.decks.id("🃏::test"))
        card = collection.sched.getCard()
        collection.sched.answerCard(card, 4)
        reviewed = collection.find_cards("prop:reps>0")
        reworded = NOTE.replace("Where are the scores divided", "At which step does one divide the scores")
        reworded = reworded.replace("Second answer", "A better answer")
        assert import_package(collection, compiled(folder, reworded, NOW + 100)) == imported(updated=2)
        assert collection.find_cards("prop:reps>0") == reviewed and collection.card_count() == 2
        note = collection.get_note(collection.find_notes("Id:att-scale")[0])
        assert "At which step" in note["Question"]


def test_history_survives_a_reworded_card(tmp_path):
    check_history_survives_a_reworded_card(tmp_path)


def test_only_the_changed_card_is_updated(tmp_path):
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path))
        changed = NOTE.replace("Second answer", "Another")
        assert import_package(collection, compiled(tmp_path, changed, NOW + 1)) == imported(updated=1, duplicate=1)


def test_a_change_that_is_older_than_a_learners_own_edit_waits_for_the_next_one(tmp_path):
    with anki_collection() as collection:
        now = int(time.time())
        import_package(collection, compiled(tmp_path, now=now - 1000))
        note = collection.get_note(collection.find_notes("Id:second")[0])
        note.tags.append("marked")
        collection.update_note(note)
        changed = NOTE.replace("Second answer", "Another")
        assert import_package(collection, compiled(tmp_path, changed, now - 500)) == imported(duplicate=2)
        changed = NOTE.replace("Second answer", "A third")
        assert import_package(collection, compiled(tmp_path, changed, now + 500)) == imported(updated=1, duplicate=1)


def test_a_card_reworded_beyond_recognition_is_new_without_an_id_and_the_same_with_one(tmp_path):
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path))
        other = "#🃏/test\nOther words altogether?\n?\nNothing in common here. ^second\n"
        assert import_package(collection, compiled(tmp_path, other, NOW + 1)) == imported(updated=1)
        nameless = "#🃏/test\nAnd yet again quite different?\n?\nAlso that.\n"
        assert import_package(collection, compiled(tmp_path, nameless, NOW + 2)) == imported(new=1)


def test_a_note_of_another_type_with_our_guid_is_told_as_conflicting(tmp_path, monkeypatch):
    first = compiled(tmp_path)
    monkeypatch.setattr(package, "NOTE_TYPE_ID", package.NOTE_TYPE_ID + 1)
    monkeypatch.setattr(package, "NOTE_TYPE", "Something else")
    second = compiled(tmp_path, NOTE.replace("Second answer", "Changed"), NOW + 5, name="other.apkg")
    with anki_collection() as collection:
        import_package(collection, first)
        assert import_package(collection, second)["conflicting"] >= 1


def test_the_rendered_answer_holds_formula_picture_and_source_and_nothing_is_missing(tmp_path):
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path))
        card = collection.get_card(collection.find_cards("Id:att-scale")[0])
        rendered = card.render_output()
        assert r"\(\frac{QK^\top}{\sqrt{d_k}}\)" in rendered.answer_text and r"\(a&lt;b\)" in rendered.question_text
        assert '<img src="course-' in rendered.answer_text and "note" in rendered.answer_text
        assert "<hr id=answer>" in rendered.answer_text or '<hr id="answer">' in rendered.answer_text
        check = collection.media.check()
        assert list(check.missing) == [] and list(check.unused) == []
        assert collection.decks.name(card.did) == "🃏::test"
        assert dangers(card.note()["Question"] + card.note()["Answer"]) == []
        assert rendered.css == package.style_sheet()


def test_anki_runs_nothing_that_a_card_says(tmp_path):
    text = "q [sound:x.mp3] [latex]x[/latex]\n?\n`[sound:y.mp3]` [$]x[/$]\n"
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path, text))
        card = collection.get_card(collection.find_cards("")[0])
        output = card.render_output()
        assert not output.question_av_tags and not output.answer_av_tags
        assert list(collection.media.check().missing) == []


def test_both_directions_are_two_cards_that_update_together(tmp_path):
    text = "term\n??\nmeaning ^the-term\n"
    with anki_collection() as collection:
        assert import_package(collection, compiled(tmp_path, text)) == imported(new=2)
        changed = text.replace("meaning", "a better meaning")
        assert import_package(collection, compiled(tmp_path, changed, NOW + 1)) == imported(updated=2)
        questions = {collection.get_note(note)["Question"] for note in collection.find_notes("Id:the-term")}
        assert questions == {"<p>term</p>", "<p>a better meaning</p>"}


def shown_css(collection) -> str:
    return collection.get_card(collection.find_cards("")[0]).render_output().css


def test_new_styles_arrive_when_the_note_types_time_grows(tmp_path, monkeypatch):
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path))
        monkeypatch.setattr(package, "style_sheet", lambda: ".card { color: teal; }")
        import_package(collection, compiled(tmp_path))
        assert "teal" not in shown_css(collection), "Anki ignores a style sheet of the same time"
        monkeypatch.setattr(package, "NOTE_TYPE_REVISED", package.NOTE_TYPE_REVISED + 1)
        import_package(collection, compiled(tmp_path))
        assert "teal" in shown_css(collection)


def test_a_retired_card_is_found_by_the_printed_search(tmp_path):
    with anki_collection() as collection:
        import_package(collection, compiled(tmp_path))
        (tmp_path / "note.md").write_text(NOTE.split("Second question")[0], "utf-8")
        report = compile_notes([tmp_path / "note.md"], tmp_path / "deck.apkg", lang="en", now=NOW + 1)
        assert "CARDS_GONE" in report.codes()
        found = collection.find_notes(report.retired_search)
        assert [collection.get_note(note)["Id"] for note in found] == ["second"]


def test_the_search_for_cards_whose_deck_has_changed_finds_them_whatever_the_deck_is_called(tmp_path):
    head = "---\ndeck: %s\n---\n"
    names = ["A_b::50 * 2", "(a) or -b", 'it is "so"', "back\\slash", "🃏::имя"]
    with anki_collection() as collection:
        for number, name in enumerate(names):
            text = f"q {number}\n?\na ^card-{number}\n"
            import_package(collection, compiled(tmp_path, head % name + text))
            (tmp_path / "note.md").write_text(head % "Axb::50 x 2" + text, "utf-8")
            report = compile_notes([tmp_path / "note.md"], tmp_path / "deck.apkg", lang="en", now=NOW)
            (message,) = [issue.message for issue in report.issues if issue.code == "DECK_MOVED"]
            search = message.partition("search for ")[2].partition(", select")[0]
            found = [collection.get_note(note)["Id"] for note in collection.find_notes(search)]
            assert found == [f"card-{number}"], search
            assert len(collection.find_notes(search.partition(" (")[0])) == 1
            for path in tmp_path.glob("*.lock.json"):
                path.unlink()


# --- frozen forever ---------------------------------------------------------------------------------------------------


def test_what_learners_have_already_is_frozen():
    assert FIELDS == ("Question", "Answer", "Hint", "Extra", "Source", "Id", "Spare")
    model = package.note_type()
    assert (model.model_id, model.name) == (1_795_466_731, "Transformers course")
    assert [template["name"] for template in model.templates] == ["Question → Answer"]


def test_a_changed_style_sheet_raises_the_note_types_time():
    assert package.note_type_fingerprint() == package.NOTE_TYPE_FINGERPRINT, (
        "card.css or a template has changed: raise NOTE_TYPE_REVISED to now and put "
        f"{package.note_type_fingerprint()!r} into NOTE_TYPE_FINGERPRINT"
    )


# --- canonical bytes --------------------------------------------------------------------------------------------------


def check_two_builds_are_byte_identical(folder, monkeypatch) -> None:
    """Also an hour later, and after a build into another file."""
    first = compiled(folder, name="one.apkg").read_bytes()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    local = time.localtime
    monkeypatch.setattr(time, "localtime", lambda seconds=None: local((seconds or real()) + 3600))
    assert compiled(folder, name="two.apkg", now=NOW + 3600).read_bytes() == first


def test_two_builds_are_byte_identical(tmp_path, monkeypatch):
    check_two_builds_are_byte_identical(tmp_path, monkeypatch)


def test_the_archive_has_fixed_dates_order_and_permissions(tmp_path):
    with zipfile.ZipFile(compiled(tmp_path)) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["collection.anki2", "media", "0"]
    assert {(info.date_time, info.external_attr >> 16, info.create_system) for info in infos} == {
        ((1980, 1, 1, 0, 0, 0), 0o644, 3)
    }


def test_the_database_is_sound_sqlite(tmp_path):
    with zipfile.ZipFile(compiled(tmp_path)) as archive:
        data = archive.read("collection.anki2")
    (tmp_path / "c.db").write_bytes(data)
    with sqlite3.connect(tmp_path / "c.db") as connection:
        assert data[96:100] == (3_040_000).to_bytes(4, "big"), "the version of the writing library is not kept"
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert connection.execute("select count(*) from notes").fetchone() == (2,)


# --- checked before anything is written -------------------------------------------------------------------------------


def note(**changes) -> Note:
    fields = {"Question": "q", "Answer": "a", "Id": "x"} | changes.pop("fields", {})
    return Note(**({"guid": "g", "fields": fields, "tags": (), "mtime": NOW} | changes))


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ([note(fields={"Answer": "a\x1fb"})], "separator"),
        ([note(fields={"Question": "<p> </p>"})], "empty"),
        ([note(), note()], "same GUID"),
        ([note(mtime=0)], "time"),
        ([note(fields={"Question2": "x"})], "unknown field"),
    ],
)
def test_what_would_spoil_an_import_is_refused(tmp_path, notes, message):
    with pytest.raises(PackageError, match=message):
        check_notes(notes)
    (tmp_path / "out.apkg").write_bytes(b"the old one")
    with pytest.raises(PackageError):
        write_package(tmp_path / "out.apkg", [Deck("d", 5, notes)], {})
    assert (tmp_path / "out.apkg").read_bytes() == b"the old one"


def test_the_old_package_stays_when_writing_fails(tmp_path, monkeypatch):
    output = compiled(tmp_path)
    before = output.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("course_lib.files.os.replace", full)
    (tmp_path / "note.md").write_text(NOTE.replace("Second", "Third"), "utf-8")
    report = compile_notes([tmp_path / "note.md"], output, lang="en", now=NOW)
    assert report.codes() == ["UNWRITABLE"] and report.exit_code == 1 and report.output is None
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_no_temporary_files_are_left_behind(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    compiled(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_fixture_note_goes_through_anki(tmp_path):
    (tmp_path / "note.md").write_bytes((FIXTURES / "learner_note.md").read_bytes())
    report = compile_notes([tmp_path / "note.md"], tmp_path / "deck.apkg", lang="ru", now=NOW)
    assert report.exit_code == 0 and report.cards == 12
    with anki_collection() as collection:
        assert import_package(collection, tmp_path / "deck.apkg") == imported(new=13)  # the last asks both ways
        assert list(collection.media.check().missing) == []
        texts = " ".join(collection.get_note(one)["Answer"] for one in collection.find_notes(""))
        assert "&lt;\\N&gt;" in " ".join(collection.get_note(n)["Question"] for n in collection.find_notes(""))
        assert "a&lt;b" in texts and "[нет картинки: Pasted image 20240312101210.png]" in texts
        assert {collection.decks.name(c.did) for c in map(collection.get_card, collection.find_cards(""))} == {
            "🃏::nlp::метрики"
        }
