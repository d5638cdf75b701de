"""A learner's own notes: decks and tags, identities that survive editing, ids written into the note."""

from __future__ import annotations

import json
import re
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


def notes_in(package, *, first: bool = False) -> dict[str, dict]:
    """Id field → guid, mtime, tags, fields, of the notes in a package.

    Of the two notes of a card that asks both ways it is either, or with ``first`` the one that asks the question.
    """
    with zipfile.ZipFile(package) as archive, sqlite3.connect(":memory:") as connection:
        connection.deserialize(archive.read("collection.anki2"))
        order = "(select due from cards where nid = notes.id) desc" if first else "id"
        rows = connection.execute(f"select guid, mod, tags, flds from notes order by {order}").fetchall()
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
    assert report.codes() == ["DECK_MOVED"]


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


# --- the lock is found again ------------------------------------------------------------------------------------------


def guids(folder, output="out.apkg") -> dict[str, str]:
    """Question → GUID."""
    return {note["fields"][0]: note["guid"] for note in notes_in(folder / output).values()}


def issue_of(report, code: str):
    (issue,) = [issue for issue in report.issues if issue.code == code]
    return issue


def check_a_renamed_deck_keeps_its_cards(folder) -> None:
    build(folder, TWO)
    before = guids(folder)
    renamed = TWO.replace("#🃏/nlp", "#🃏/language")
    report = build(folder, renamed, now=NOW + 5)
    assert guids(folder) == before
    assert "🃏-nlp.lock.json" in issue_of(report, "LOCK_FOUND").message and report.exit_code == 0
    assert not (folder / "🃏-language.lock.json").exists(), "one lock, not two"
    reworded = renamed.replace("Why are there merges at all", "Why are there any merges")
    build(folder, reworded, now=NOW + 9)
    assert sorted(guids(folder).values()) == sorted(before.values())


def test_a_renamed_deck_keeps_its_cards(tmp_path):
    check_a_renamed_deck_keeps_its_cards(tmp_path)


def test_a_note_without_a_deck_name_keeps_its_cards_when_it_is_renamed(tmp_path):
    text = TWO.replace("#🃏/nlp\n", "")
    build(tmp_path, text, name="old name.md")
    assert (tmp_path / "old-name.lock.json").exists(), "the deck is named after the file"
    before = guids(tmp_path)
    (tmp_path / "old name.md").rename(tmp_path / "new name.md")
    report = build(tmp_path, text.replace("at all", "here"), name="new name.md")
    assert sorted(guids(tmp_path).values()) == sorted(before.values())
    assert "old-name.lock.json" in issue_of(report, "LOCK_FOUND").message
    moved = issue_of(report, "CARD_MOVED")
    assert moved.line == 1 and "2 card(s) came here from old name.md:1" in moved.message


def test_a_note_and_its_lock_move_together(tmp_path):
    build(tmp_path, TWO)
    before = guids(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    for name in ("note.md", "🃏-nlp.lock.json"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    report = build(tmp_path / "elsewhere", TWO.replace("at all", "here"), now=NOW + 5)
    assert sorted(guids(tmp_path / "elsewhere").values()) == sorted(before.values())
    assert report.codes() == ["ID_KEPT"]


def test_a_lock_that_two_decks_share_is_found_from_both(tmp_path):
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"#🃏/{name[0]}\nWhat is {name[0]}?\n?\nA letter.\n", "utf-8")
    compile_notes([tmp_path / "a.md", tmp_path / "b.md"], tmp_path / "out.apkg", lang="en", now=NOW)
    before = guids(tmp_path)
    compile_notes([tmp_path / "b.md", tmp_path / "a.md"], tmp_path / "out.apkg", lang="en", now=NOW)
    assert guids(tmp_path) == before, "the order does not matter"
    build(tmp_path, None, name="b.md")
    assert guids(tmp_path).items() < before.items(), "nor does it matter which are built"


def test_notes_with_locks_of_their_own_are_not_built_together(tmp_path):
    for name in ("a.md", "b.md"):
        build(tmp_path, f"#🃏/{name[0]}\nWhat is {name[0]}?\n?\nA letter.\n", name=name, output=name + ".apkg")
    report = compile_notes([tmp_path / "a.md", tmp_path / "b.md"], tmp_path / "out.apkg", lang="en", now=NOW)
    assert report.codes() == ["LOCKS_SEVERAL"] and not (tmp_path / "out.apkg").exists()
    assert "🃏-a.lock.json, 🃏-b.lock.json" in report.issues[0].message


def test_a_spoilt_lock_of_the_old_deck_is_not_passed_over(tmp_path):
    build(tmp_path, TWO)
    lock = tmp_path / "🃏-nlp.lock.json"
    lock.write_text(lock.read_text("utf-8")[:-20], "utf-8")
    report = build(tmp_path, TWO.replace("#🃏/nlp", "#🃏/new"))
    assert report.codes() == ["LOCK_BROKEN"] and report.issues[0].file == str(lock)
    lock.unlink()
    (tmp_path / "npm.lock.json").write_text("{}")
    (tmp_path / "poetry.lock.json").write_text("no JSON")
    assert build(tmp_path, None).codes() == [], "the lock files of other programs are none of ours"


# --- what became of a card --------------------------------------------------------------------------------------------


def test_cards_that_change_their_deck_are_told_in_one_line_with_the_way_to_move_them(tmp_path):
    text = "#🃏/nlp\nq one\n?\na\n\nq two\n?\nb\n\nq three\n?\nc\n"
    build(tmp_path, text)
    ids = {note["fields"][0]: name for name, note in notes_in(tmp_path / "out.apkg").items()}
    report = build(tmp_path, text.replace("q two", "#🃏/vision\nq two"), now=NOW + 1)
    moved = issue_of(report, "DECK_MOVED")
    assert moved.line == 7 and "2 card(s), earlier note.md:6, now in the deck 🃏::vision" in moved.message
    search = f'"note:Transformers course" "deck:🃏::nlp" (Id:{" OR Id:".join(sorted([ids["<p>q two</p>"], ids["<p>q three</p>"]]))})'
    assert search in moved.message and "Change Deck" in moved.message
    assert build(tmp_path, None, now=NOW + 2).codes() == [], "told once"


def test_a_whole_deck_is_searched_by_its_name(tmp_path):
    text = "#🃏/nlp\n" + "\n\n".join(f"question {number}\n?\nanswer {number}" for number in range(30))
    build(tmp_path, text)
    message = issue_of(build(tmp_path, text.replace("#🃏/nlp", "#🃏/new")), "DECK_MOVED").message
    assert '"note:Transformers course" "deck:🃏::nlp", select all' in message
    below = build(tmp_path, text.replace("#🃏/nlp", "#🃏/new/part"))
    assert issue_of(below, "DECK_MOVED").message.count("Id:") == 30, "a search in 🃏::new would find 🃏::new::part too"


def test_a_card_pasted_into_another_note_keeps_its_id_and_is_told(tmp_path):
    first, second = TWO.split("\n\n")
    build(tmp_path, TWO, name="a.md", output="a.apkg")
    before = guids(tmp_path, "a.apkg")
    (tmp_path / "a.md").write_text(first + "\n", "utf-8")
    report = build(tmp_path, f"#🃏/nlp\n\n{second}", name="b.md", output="b.apkg")
    moved = issue_of(report, "CARD_MOVED")
    assert moved.line == 3 and "came here from a.md:6" in moved.message
    assert guids(tmp_path, "b.apkg").items() < before.items()
    assert build(tmp_path, None, name="a.md", output="a.apkg").codes() == [], "it is not gone"


def test_the_same_question_in_another_note_is_another_card(tmp_path):
    build(tmp_path, TWO, name="a.md", output="a.apkg")
    build(tmp_path, TWO, name="b.md", output="b.apkg")
    assert set(guids(tmp_path, "a.apkg").values()).isdisjoint(guids(tmp_path, "b.apkg").values())


def test_an_id_that_another_note_of_the_lock_has_is_an_error(tmp_path):
    build(tmp_path, "#🃏/nlp\nq\n?\na ^the-card\n", name="a.md", output="a.apkg")
    report = build(tmp_path, "#🃏/nlp\nr\n?\nb ^the-card\n", name="b.md")
    assert report.codes() == ["DUPLICATE_ID"] and "a.md:2" in report.issues[0].message
    (tmp_path / "a.md").write_text("#🃏/nlp\nq\n?\na ^another\n", "utf-8")
    assert "DUPLICATE_ID" not in build(tmp_path, None, name="b.md").codes(), "it has moved"


LONG = """#🃏/nlp
What happens to the scores before softmax, and why?
?
They are divided by the root of the key's size. Without it their variance grows with that size, and softmax saturates.

What else?
?
Nothing.
"""


def test_a_split_card_keeps_its_id_in_the_more_similar_half_and_both_lines_are_told(tmp_path):
    build(tmp_path, LONG)
    before = {note["fields"][0]: note["guid"] for note in notes_in(tmp_path / "out.apkg").values()}
    (old,) = [guid for question, guid in before.items() if "scores" in question]
    halves = LONG.replace(
        " Without it their variance", "\n\nWhy are the scores divided at all?\n?\nTheir variance"
    ).replace("What happens to the scores before softmax, and why?", "What happens to the scores right before softmax?")
    report = build(tmp_path, halves, now=NOW + 1)
    split = issue_of(report, "CARD_SPLIT")
    assert split.line == 6 and "card of note.md:2:" in split.message and "stay with note.md:2," in split.message
    after = {note["fields"][0]: note["guid"] for note in notes_in(tmp_path / "out.apkg").values()}
    assert [question for question, guid in after.items() if guid == old] == [
        "<p>What happens to the scores right before softmax?</p>"
    ]
    assert len(after) == 3 and "CARDS_GONE" not in report.codes()


def test_a_removed_card_comes_back_for_the_same_question_only(tmp_path):
    build(tmp_path, TWO)
    before = set(notes_in(tmp_path / "out.apkg"))
    without = TWO.split("\n\n")[0] + "\n"
    build(tmp_path, without, now=NOW + 1)
    similar = TWO.replace("Why are there merges at all", "Why are there merges here")
    build(tmp_path, similar, now=NOW + 2)
    assert len(set(notes_in(tmp_path / "out.apkg")) - before) == 1, "a year later that is another card"
    build(tmp_path, TWO, now=NOW + 3)
    assert set(notes_in(tmp_path / "out.apkg")) == before


def test_an_own_id_of_a_removed_card_on_another_one_is_warned_about(tmp_path):
    build(tmp_path, TWO.replace("become one.", "become one. ^merges"))
    build(tmp_path, TWO.split("\n\n")[0])
    back = build(tmp_path, TWO.replace("become one.", "become one again. ^merges"))
    assert back.codes() == []
    build(tmp_path, TWO.split("\n\n")[0])
    report = build(tmp_path, TWO.split("\n\n")[0] + "\n\nWho wrote it?\n?\nNobody knows. ^merges\n")
    assert report.codes() == ["ID_REUSED"] and "Why are there merges" in report.issues[0].message


def test_neither_lock_nor_package_is_written_without_the_other(tmp_path, monkeypatch):
    from course_lib.cards import notes

    build(tmp_path, TWO)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    real = notes.replace_file

    def refuse(name):
        def replace_file(path, content):
            if path.name == name:
                raise PermissionError(13, "Permission denied")
            real(path, content)

        return replace_file

    changed = TWO.replace("A piece", "A small piece")
    monkeypatch.setattr(notes, "replace_file", refuse("out.apkg"))
    report = build(tmp_path, changed, now=NOW + 5)
    assert report.codes() == ["UNWRITABLE"] and report.issues[0].file.endswith("out.apkg") and report.output is None
    monkeypatch.setattr(notes, "replace_file", real)
    monkeypatch.setattr("course_lib.cards.history.replace_file", refuse("🃏-nlp.lock.json"))
    report = build(tmp_path, changed, now=NOW + 5)
    assert report.codes() == ["UNWRITABLE"] and report.issues[0].file.endswith(".lock.json") and report.output is None
    (tmp_path / "note.md").write_text(TWO, "utf-8")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


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


ANSWERS = {
    "plain": "a",
    "two spaces for a break": "a  ",
    "fence": "```python\nx = 1\n\n?\n```",
    "fence in a list": "- a\n\t```\n\tx\n\t```",
    "fence of tildes": "~~~\nx\n~~~",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "table without outer bars": "a | b\n---|---\n1 | 2",
    "display formula": "$$\nx\n\ny\n$$",
    "formula on one line": "- $$x$$",
    "callout": "> [!note] Title\n> text",
    "fence in a callout": "> [!note]\n> ```\n> x\n> ```",
    "table in a callout": "> [!note]\n> | a |\n> |---|\n> | b |",
    "list": "- a\n- b",
    "nested list with a tab": "- a\n\t- b\n \t- c",
    "numbered list": "1. a\n2. b",
    "empty item": "- a\n- ",
    "task": "- [ ] a",
    "picture": "![[x.png|300]]",
    "link": "see [[page#part|this]]",
    "footnote mark": "a[^1]",
    "code span": "`a|b`",
    "rule above": "a\n***\nb",
    "heading line of dashes": "a\n---",
    "equals signs": "a\n===",
    "comment line": "a\n%% hidden %%",
    "comment at the end": "a <!-- hidden -->",
    "scheduling": "a <!--SR:!2024-01-01,1,250-->",
    "scheduling below": "a\n<!--SR:!2024-01-01,1,250!2024-01-01,1,250-->",
    "caret": "x^2 and ^2",
    "backslash": "a\\",
    "highlight": "==a==",
    "nothing but a formula": "$x$",
    "emoji": "🃏",
    "decomposed letters": "и\u0306",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n"])
def test_whatever_an_answer_ends_in_its_id_is_read_again_and_nothing_else_changes(tmp_path, newline, ending):
    cards = [f"{number}. Question of {kind}?\n{'??' if number % 3 == 0 else '?'}\n{answer}"
             for number, (kind, answer) in enumerate(ANSWERS.items())]  # fmt: skip
    for order in (cards, cards[::-1]):  # the last card of the file ends in each of two ways
        text = ("#🃏/nlp\n\n" + "\n\n".join(order)).rstrip("\n") + ending
        check_ids_are_written(tmp_path, text.replace("\n", newline), len(cards))


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_last_card_of_a_file_without_a_last_line_end(tmp_path, kind):
    check_ids_are_written(tmp_path, f"q\n?\n{ANSWERS[kind]}", 1)


def check_ids_are_written(folder, text: str, count: int) -> None:
    for path in folder.iterdir():
        path.unlink()
    path = folder / "note.md"
    path.write_bytes(text.encode())
    before_report = build(folder, now=NOW)
    before = notes_in(folder / "out.apkg")
    package, lock = (folder / "out.apkg").read_bytes(), next(folder.glob("*.lock.json")).read_bytes()
    written = build(folder, now=NOW + 5, write_ids=True)
    assert issue_of(written, "IDS_WRITTEN").message.startswith(f"{count} id(s)"), written.lines()
    assert set(written.codes()) == {*before_report.codes(), "IDS_WRITTEN"}
    marked = path.read_bytes().decode()
    unmarked = marked
    for name in before:
        assert marked.count(f"^{name}") == 1
        unmarked = re.sub(rf"(?: |\r\n|\r|\n)\^{name}", "", unmarked)
    assert unmarked == text
    again = build(folder, now=NOW + 9)
    assert again.codes() == before_report.codes(), "no word about ids"
    assert (folder / "out.apkg").read_bytes() == package, "the same cards with the same times"
    lines = [json.loads(each.decode())["cards"] for each in (lock, next(folder.glob("*.lock.json")).read_bytes())]
    assert [{name: entry | {"line": 0} for name, entry in each.items()} for each in lines] == [
        {name: entry | {"line": 0} for name, entry in lines[0].items()}
    ] * 2
    twice = build(folder, now=NOW + 9, write_ids=True)
    assert "IDS_WRITTEN" not in twice.codes() and path.read_bytes().decode() == marked


def test_an_earlier_backup_is_never_overwritten(tmp_path):
    build(tmp_path, TWO, write_ids=True)
    more = (tmp_path / "note.md").read_text("utf-8") + "\nA third?\n?\nYes.\n"
    report = build(tmp_path, more, write_ids=True)
    assert "note.md.bak.2" in issue_of(report, "IDS_WRITTEN").message
    assert (tmp_path / "note.md.bak").read_text("utf-8") == TWO
    assert (tmp_path / "note.md.bak.2").read_text("utf-8") == more
    build(tmp_path, TWO, write_ids=True)
    assert sorted(path.name for path in tmp_path.glob("*.bak*")) == ["note.md.bak", "note.md.bak.2"], (
        "one copy is enough"
    )


def test_a_block_that_obsidian_has_named_keeps_its_name(tmp_path):
    text = TWO.replace("A piece of text.", "A piece of text. ^37066d\ufeff")
    report = build(tmp_path, text, write_ids=True)
    left_out = issue_of(report, "IDS_NOT_WRITTEN")
    assert left_out.line == 4 and "^37066d" in left_out.message and report.exit_code == 0
    written = (tmp_path / "note.md").read_text("utf-8")
    assert "A piece of text. ^37066d\ufeff\n" in written and "become one. ^q-" in written
    before = notes_in(tmp_path / "out.apkg")
    assert (
        set(build(tmp_path, None).codes()) == {"CONTROL_CHARACTERS", "BAD_ID"}
        and notes_in(tmp_path / "out.apkg") == before
    )


def test_a_note_that_cannot_be_written_still_becomes_a_deck(tmp_path, monkeypatch):
    from course_lib.cards import marking

    def read_only(path, mode):
        return False

    monkeypatch.setattr(marking.os, "access", read_only)
    report = build(tmp_path, TWO, write_ids=True)
    assert report.codes() == ["IDS_NOT_WRITTEN"] and "read-only" in report.issues[0].message and report.output
    monkeypatch.undo()

    def refuse(path, content):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(marking, "replace_file", refuse)
    report = build(tmp_path, None, write_ids=True)
    assert report.codes() == ["IDS_NOT_WRITTEN"] and "Permission denied" in report.issues[0].message
    assert (tmp_path / "note.md").read_text("utf-8") == TWO and report.exit_code == 0


def test_ids_that_would_change_a_card_are_not_written(tmp_path, monkeypatch):
    from course_lib.cards import marking

    real = marking._marked

    def spoil(*arguments):
        marked, written = real(*arguments)
        return marked.replace(b"of text", b"of  prose"), written

    monkeypatch.setattr(marking, "_marked", spoil)
    report = build(tmp_path, TWO, write_ids=True)
    assert "read differently" in issue_of(report, "IDS_NOT_WRITTEN").message and report.exit_code == 0
    assert (tmp_path / "note.md").read_text("utf-8") == TWO and not (tmp_path / "note.md.bak").exists()


def test_a_linked_and_a_private_note_stay_what_they_are(tmp_path):
    (tmp_path / "vault").mkdir()
    real = tmp_path / "vault" / "real.md"
    real.write_text(TWO, "utf-8")
    real.chmod(0o600)
    (tmp_path / "note.md").symlink_to(real)
    assert "IDS_WRITTEN" in build(tmp_path, None, write_ids=True).codes()
    assert (tmp_path / "note.md").is_symlink() and "^q-" in real.read_text("utf-8")
    assert real.stat().st_mode & 0o777 == 0o600 and (tmp_path / "note.md.bak").stat().st_mode & 0o777 == 0o600


def test_ids_are_not_written_into_a_note_in_a_broken_encoding(tmp_path):
    data = (FIXTURES / "learner_note_macroman.md").read_bytes()
    (tmp_path / "note.md").write_bytes(data)
    report = build(tmp_path, write_ids=True)
    assert report.exit_code == 0 and "encoding" in issue_of(report, "IDS_NOT_WRITTEN").message
    assert (tmp_path / "note.md").read_bytes() == data and not (tmp_path / "note.md.bak").exists()


def test_ids_are_written_into_short_forms_and_fill_ins_are_left_to_the_lock(tmp_path):
    text = "---\ninline: true\ncloze: true\n---\ntoken::a piece | of text\n\nThe ==query== meets the ==key==.\n"
    report = build(tmp_path, text, write_ids=True)
    assert issue_of(report, "IDS_WRITTEN").message.startswith("1 id(s)") and report.cards == 3
    before = notes_in(tmp_path / "out.apkg")
    assert build(tmp_path, None).codes() == [] and notes_in(tmp_path / "out.apkg") == before


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
