"""A learner's own notes: decks and tags, identities that survive editing, ids written into the note."""

from __future__ import annotations

import json
import sqlite3
import zipfile

import pytest
from card_tools import FIXTURES, NOW, PNG

from course_lib.cards import print_report
from course_lib.cards.notes import compile_notes

TWO = "#🃏/nlp\nWhat is a token?\n?\nA piece of text.\n\nWhy are there merges at all?\n?\nFrequent pairs become one.\n"


def build(folder, text=None, *, now=NOW, name="note.md", output="out.apkg", **options):
    if text is not None:
        (folder / name).write_text(text, "utf-8")
    return compile_notes([folder / name], folder / output, **({"lang": "en", "now": now} | options))


def notes_in(package) -> dict[str, dict]:
    """Id field → guid, mtime, tags, question, of the notes in a package."""
    with zipfile.ZipFile(package) as archive, sqlite3.connect(":memory:") as connection:
        connection.deserialize(archive.read("collection.anki2"))
        rows = connection.execute("select guid, mod, tags, flds from notes order by id").fetchall()
    return {
        fields.split("\x1f")[5]: {"guid": guid, "mod": mod, "tags": tags.split(), "fields": fields.split("\x1f")}
        for guid, mod, tags, fields in rows
    }


def decks_in(package) -> set[str]:
    with zipfile.ZipFile(package) as archive, sqlite3.connect(":memory:") as connection:
        connection.deserialize(archive.read("collection.anki2"))
        decks = json.loads(connection.execute("select decks from col").fetchone()[0])
    return {deck["name"] for deck in decks.values()} - {"Default"}


# --- decks and tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decks"),
    [
        ("---\ndeck: Mine::NLP\n---\n#🃏/x\nq\n?\na", {"Mine::NLP"}),
        ("#🃏/nlp/bert\nq\n?\na", {"🃏::nlp::bert"}),
        ("#exam #flashcards/nlp\nq\n?\na", {"flashcards::nlp"}),
        ("#key\nq\n?\na", {"note"}),
        ("q\n?\na", {"note"}),
        ("#🃏/a\nq\n?\na\n\n#🃏/b\nr\n?\nb", {"🃏::a", "🃏::b"}),
        ('---\ndeck: " A :: B\\"c "\n---\nq\n?\na', {"A::B\\'c"}),
    ],
)
def test_the_deck_comes_from_front_matter_tag_line_or_file_name(tmp_path, text, decks):
    assert build(tmp_path, text).exit_code == 0
    assert decks_in(tmp_path / "out.apkg") == decks


def test_other_tags_reach_anki(tmp_path):
    build(tmp_path, "---\ntags: [nlp/course]\n---\n#🃏/x #key #exam/2024\nq\n?\na ^the-card")
    assert notes_in(tmp_path / "out.apkg")["the-card"]["tags"] == ["nlp::course", "key", "exam::2024"]


def test_the_source_field_is_the_way_to_the_card(tmp_path):
    build(tmp_path, "# A\n## B $x$ [[p|c]]\nq\n?\na ^the-card", name="My note.md")
    assert notes_in(tmp_path / "out.apkg")["the-card"]["fields"][4] == r"My note › A › B \(x\) c"


# --- identities -------------------------------------------------------------------------------------------------------


def test_ids_are_kept_in_the_lock_beside_the_note(tmp_path):
    report = build(tmp_path, TWO)
    assert report.exit_code == 0 and report.cards == 2
    lock = json.loads((tmp_path / "🃏-nlp.lock.json").read_text("utf-8"))
    assert set(lock["cards"]) == set(notes_in(tmp_path / "out.apkg"))
    assert all(entry["file"] == "note.md" and entry["mtime"] == NOW for entry in lock["cards"].values())


def test_an_exact_question_keeps_its_id_whatever_its_new_answer(tmp_path):
    build(tmp_path, TWO)
    before = notes_in(tmp_path / "out.apkg")
    report = build(tmp_path, TWO.replace("Frequent pairs become one.", "Nothing like it."), now=NOW + 5)
    after = notes_in(tmp_path / "out.apkg")
    assert set(after) == set(before) and "ID_KEPT" not in report.codes()
    assert sorted(note["mod"] for note in after.values()) == [NOW, NOW + 5]


def test_a_reworded_question_keeps_its_id_and_is_told(tmp_path):
    build(tmp_path, TWO)
    before = notes_in(tmp_path / "out.apkg")
    report = build(tmp_path, TWO.replace("Why are there merges at all", "Why are there any merges"), now=NOW + 5)
    assert set(notes_in(tmp_path / "out.apkg")) == set(before)
    assert [issue.line for issue in report.issues if issue.code == "ID_KEPT"] == [6]


def test_a_question_that_only_changed_its_capitals_keeps_its_id(tmp_path):
    build(tmp_path, TWO)
    before = notes_in(tmp_path / "out.apkg")
    build(tmp_path, TWO.replace("What is a token", "What is a Token"))
    assert set(notes_in(tmp_path / "out.apkg")) == set(before)


def test_swapped_and_renumbered_cards_keep_their_ids(tmp_path):
    build(tmp_path, TWO)
    before = {note["fields"][0]: key for key, note in notes_in(tmp_path / "out.apkg").items()}
    head, first, second = TWO.split("\n", 1)[0], *TWO.split("\n", 1)[1].split("\n\n")
    build(tmp_path, f"{head}\n9. {second}\n\n2. {first}\n", now=NOW + 5)
    after = notes_in(tmp_path / "out.apkg")
    assert {note["fields"][0]: key for key, note in after.items()} == before
    assert {note["mod"] for note in after.values()} == {NOW}


def test_a_new_card_that_takes_an_old_wording_gets_an_id_of_its_own(tmp_path):
    build(tmp_path, TWO)
    old = set(notes_in(tmp_path / "out.apkg"))
    reworded = TWO.replace("What is a token", "What is a token, exactly")
    build(tmp_path, reworded)
    build(tmp_path, reworded + "\nWhat is a token?\n?\nSomething else entirely, a coin.\n")
    now = set(notes_in(tmp_path / "out.apkg"))
    assert old < now and len(now) == 3


def test_two_notes_that_share_a_lock_do_not_take_each_others_ids(tmp_path):
    build(tmp_path, TWO, name="a.md", output="a.apkg")
    build(tmp_path, TWO.replace("at all", "here"), name="b.md", output="b.apkg")
    assert set(notes_in(tmp_path / "a.apkg")).isdisjoint(notes_in(tmp_path / "b.apkg"))
    before = notes_in(tmp_path / "a.apkg")
    (tmp_path / "a.md").rename(tmp_path / "renamed.md")
    build(tmp_path, None, name="renamed.md", output="a.apkg")
    assert set(notes_in(tmp_path / "a.apkg")) == set(before), "a renamed note keeps its cards"


def test_the_language_and_the_deck_of_the_first_build_stay_in_the_guids(tmp_path):
    build(tmp_path, TWO, lock=tmp_path / "own.lock.json")
    before = {note["guid"] for note in notes_in(tmp_path / "out.apkg").values()}
    report = build(tmp_path, TWO.replace("#🃏/nlp", "#🃏/new"), lang="ru", lock=tmp_path / "own.lock.json")
    assert {note["guid"] for note in notes_in(tmp_path / "out.apkg").values()} == before
    assert report.codes().count("DECK_MOVED") == 2


def test_a_lost_lock_costs_nothing_while_questions_are_unchanged(tmp_path):
    build(tmp_path, TWO)
    before = {note["guid"] for note in notes_in(tmp_path / "out.apkg").values()}
    (tmp_path / "🃏-nlp.lock.json").unlink()
    build(tmp_path, None)
    assert {note["guid"] for note in notes_in(tmp_path / "out.apkg").values()} == before


def test_the_same_question_twice_is_an_error_that_names_both(tmp_path):
    report = build(tmp_path, "q one\n?\na\n\nr\n?\nb\n\nq *one*?\n?\nc\n")
    assert report.codes() == ["DUPLICATE_ID"] and report.issues[0].line == 9 and "note.md:1" in report.issues[0].message
    assert not (tmp_path / "out.apkg").exists()


def test_an_own_id_on_a_known_question_is_warned_about(tmp_path):
    build(tmp_path, TWO)
    report = build(tmp_path, TWO.replace("A piece of text.", "A piece of text. ^my-token"))
    assert "ID_CHANGED" in report.codes() and report.exit_code == 0


def test_a_card_that_left_and_came_back_has_its_history(tmp_path):
    build(tmp_path, TWO)
    before = notes_in(tmp_path / "out.apkg")
    report = build(tmp_path, TWO.split("\n\n")[0] + "\n", now=NOW + 1)
    assert "CARDS_GONE" in report.codes() and "Id:q-" in report.retired_search
    build(tmp_path, TWO, now=NOW + 2)
    assert notes_in(tmp_path / "out.apkg") == before


def test_after_an_error_neither_package_nor_lock_changes(tmp_path):
    build(tmp_path, TWO)
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".md"}
    report = build(tmp_path, TWO + "\nbroken\n?\n$\\frac{a$\n", now=NOW + 9)
    assert report.exit_code == 1 and report.output is None
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".md"} == files


def test_a_spoilt_lock_stops_the_build(tmp_path):
    build(tmp_path, TWO)
    (tmp_path / "🃏-nlp.lock.json").write_text("{")
    assert build(tmp_path, None).codes() == ["LOCK_BROKEN"]
    assert (tmp_path / "🃏-nlp.lock.json").read_text() == "{"


def test_a_lock_with_a_broken_entry_stops_the_build(tmp_path):
    build(tmp_path, TWO)
    path = tmp_path / "🃏-nlp.lock.json"
    for key in ("file", "question", "mtime"):
        lock = json.loads(path.read_text("utf-8"))
        del next(iter(lock["cards"].values()))[key]
        broken = json.dumps(lock)
        path.write_text(broken, "utf-8")
        assert build(tmp_path, None).codes() == ["LOCK_BROKEN"] and path.read_text("utf-8") == broken
        path.unlink()
        build(tmp_path, None)


# --- ids into the note ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_ids_are_written_with_a_backup_and_every_other_byte_stays(tmp_path, newline):
    text = (
        "\ufeff# Проза  \n\n#🃏/nlp\nq1\n?\na1\n<!--SR:!2024-01-01,1,250-->\n\nq2\n?\na2 <!--SR:!2024-01-01,1,250-->\n\n"
        "q3\n?\n```\ncode\n```\n\nq4\n?\n$$\nx\n$$\n\nq5\n?\n| a |\n|---|\n| b |\n\nq6\n?\nhas one ^own-id\n\nEnd."
    ).replace("\n", newline)
    path = tmp_path / "note.md"
    path.write_bytes(text.encode())
    report = build(tmp_path, write_ids=True)
    assert report.exit_code == 0 and "IDS_WRITTEN" in report.codes()
    assert (tmp_path / "note.md.bak").read_bytes() == text.encode()
    before = notes_in(tmp_path / "out.apkg")
    written = path.read_bytes().decode()
    ids = [key for key in before if key != "own-id"]
    for ending in ("```", "$$", "| b |"):  # an id behind one of these would break it
        assert f"{newline}{ending}{newline}^q-" in written
    stripped = written
    for key in ids:
        assert written.count(f"^{key}") == 1
        stripped = stripped.replace(f"{newline}^{key}", "").replace(f" ^{key}", "")
    assert stripped == text
    (tmp_path / "🃏-nlp.lock.json").unlink()
    report = build(tmp_path, now=NOW)
    assert notes_in(tmp_path / "out.apkg") == before, "the ids in the note give the same cards"


def test_ids_are_not_written_into_a_note_in_a_broken_encoding(tmp_path):
    data = (FIXTURES / "learner_note_macroman.md").read_bytes()
    (tmp_path / "note.md").write_bytes(data)
    assert build(tmp_path, write_ids=True).exit_code == 0
    assert (tmp_path / "note.md").read_bytes() == data and not (tmp_path / "note.md.bak").exists()


# --- pictures, options, exit status -----------------------------------------------------------------------------------


def test_attachment_folders_and_the_picture_map(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.png").write_bytes(PNG)
    text = "q\n?\n![[Pasted image 1.png]]\n"
    assert "MISSING_PICTURE" in build(tmp_path, text).codes()
    (tmp_path / "embeds.toml").write_text('"Pasted image 1.png" = "real.png"\n')
    assert "MISSING_PICTURE" in build(tmp_path, text).codes()
    report = build(tmp_path, text, attachments=[tmp_path / "elsewhere"])
    assert report.codes() == [] and report.media == 1
    (tmp_path / "embeds.toml").write_text("not toml")
    assert build(tmp_path, text).codes() == ["EMBEDS_BROKEN"]


def test_the_picture_map_may_point_at_figures_of_the_course(tmp_path, monkeypatch):
    from course_lib.cards import notes

    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "multi-head.png").write_bytes(PNG)
    monkeypatch.setattr(notes, "_course_figures", lambda lang: tmp_path / "figures")
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "embeds.toml").write_text('"Pasted image 1.png" = "multi-head.png"\n')
    assert build(tmp_path / "vault", "q\n?\n![[Pasted image 1.png]]\n").codes() == []


def test_two_notes_make_one_package(tmp_path):
    (tmp_path / "a.md").write_text("q1\n?\na ^card-a", "utf-8")
    (tmp_path / "b.md").write_text("q2\n?\nb ^card-b", "utf-8")
    report = compile_notes([tmp_path / "a.md", tmp_path / "b.md"], tmp_path / "o.apkg", lang="en", now=NOW)
    assert report.cards == 2 and decks_in(tmp_path / "o.apkg") == {"a", "b"}
    (tmp_path / "b.md").write_text("q2\n?\nb ^card-a", "utf-8")
    report = compile_notes([tmp_path / "a.md", tmp_path / "b.md"], tmp_path / "o.apkg", lang="en", now=NOW)
    assert [issue.code for issue in report.errors] == ["DUPLICATE_ID"] and "a.md:1" in report.errors[0].message


def test_exit_status_and_lines(tmp_path, capsys):
    assert print_report(build(tmp_path, TWO)) == 0
    assert "2 cards" in capsys.readouterr().out
    assert print_report(build(tmp_path, "Only prose.\n")) == 2
    assert print_report(build(tmp_path, None, name="none.md")) == 2
    assert print_report(build(tmp_path, "q\n?\n")) == 1
    last = capsys.readouterr().out.splitlines()
    assert last[-2].endswith("note.md:2: error EMPTY_ANSWER the answer is empty: the line after ? must not be blank")
    assert last[-1] == "nothing written: 1 error(s)"


def test_messages_follow_the_session_and_placeholders_the_deck(tmp_path):
    from course_lib.language import use_language

    use_language("ru")
    try:
        report = build(tmp_path, "q\n?\n![[x.png]] ^the-card", lang="en")
    finally:
        use_language("en")
    assert "картинки x.png нет" in report.issues[0].message
    assert "[picture missing: x.png]" in notes_in(tmp_path / "out.apkg")["the-card"]["fields"][1]


def test_the_output_never_overwrites_the_note(tmp_path):
    report = build(tmp_path, TWO, output="note.md")
    assert report.codes() == ["UNWRITABLE"] and (tmp_path / "note.md").read_text("utf-8") == TWO


def test_wrong_calls_raise(tmp_path):
    with pytest.raises(ValueError, match="language"):
        compile_notes([tmp_path / "x.md"], tmp_path / "o.apkg", lang="de")
    with pytest.raises(ValueError, match="no notes"):
        compile_notes([], tmp_path / "o.apkg", lang="en")
