"""Bytes to text: what is undone, and what is refused with the place and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_tools import FIXTURES, read_cards

from course_lib.cards.parsing import parse
from course_lib.cards.reading import MAX_BYTES, read_source, undo_mojibake
from course_lib.cards.report import Report

NOTE = "#🃏/nlp\n1. Чем й отличается от и?\n?\n- Краткостью — «кратка» №1… 🙂\n\nWhat’s next?\n?\nNothing.\n"


def read(tmp_path: Path, data: bytes, *, repair: bool = True):
    path = tmp_path / "note.md"
    path.write_bytes(data)
    report = Report()
    source = read_source(path, report, repair=repair)
    cards = parse(source, report) if source else []
    return [(card.question.text, card.answer.text, card.line) for card in cards], report


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + NOTE.encode(),
        NOTE.replace("\n", "\r\n").encode(),
        NOTE.replace("\n", "\r").encode(),
        NOTE.replace("\n", "   \n").encode(),
        NOTE.replace("й", "и\u0306").encode(),
    ],
    ids=["bom", "crlf", "cr", "trailing-spaces", "decomposed"],
)
def test_dirty_but_harmless_files_give_the_same_cards_as_the_clean_one(tmp_path, data):
    clean, _ = read(tmp_path, NOTE.encode())
    dirty, report = read(tmp_path, data)
    assert dirty == clean and len(clean) == 2
    assert report.codes() == []


def test_cp1251_is_refused_with_the_byte_and_the_line(tmp_path):
    cards, report = read(tmp_path, "Ascii\nПочему?\n".encode("cp1251"))
    assert cards == [] and report.codes() == ["ENCODING"]
    issue = report.issues[0]
    assert issue.line == 2 and "byte 6" in issue.message and "UTF-8" in issue.message
    assert report.exit_code == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_or_without_its_mark(tmp_path, encoding):
    cards, report = read(tmp_path, NOTE.encode(encoding))
    assert cards == [] and report.codes() in (["UTF16"], ["ENCODING"])
    assert "UTF-8" in report.issues[0].message


def test_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "note.md"
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("the file was read"))
    report = Report()
    assert read_source(path, report) is None
    assert report.codes() == ["TOO_BIG"]


@pytest.mark.parametrize("hidden", ["\x00", "\x1f", "\u202e", "\u2066", "\x85", "\ufeff"])
def test_invisible_characters_are_removed_with_a_warning_that_names_the_line(tmp_path, hidden):
    clean, _ = read(tmp_path, NOTE.encode())
    dirty, report = read(tmp_path, NOTE.replace("отличается", f"отли{hidden}чается").encode())
    assert dirty == clean
    assert report.codes() == ["CONTROL_CHARACTERS"] and report.issues[0].line == 2


@pytest.mark.parametrize("wrong", ["mac_roman", "sloppy-windows-1251", "sloppy-windows-1252"])
def test_mojibake_of_a_whole_file_is_undone(tmp_path, wrong):
    import ftfy.bad_codecs  # noqa: F401  (registers the two lenient Windows code pages)

    spoilt = NOTE.encode().decode(wrong)
    assert spoilt != NOTE
    clean, _ = read(tmp_path, NOTE.encode())
    repaired, report = read(tmp_path, spoilt.encode())
    assert repaired == clean
    assert report.codes() == ["MOJIBAKE"] and report.exit_code == 0
    refused, report = read(tmp_path, spoilt.encode(), repair=False)
    assert refused == [] and report.codes() == ["MOJIBAKE_REFUSED"] and report.exit_code == 1


def test_the_macroman_twin_of_the_fixture_gives_the_same_cards(tmp_path):
    note = (FIXTURES / "learner_note.md").read_bytes()
    twin = (FIXTURES / "learner_note_macroman.md").read_bytes()
    assert twin == note.decode().encode().decode("mac_roman").encode()
    clean, _ = read(tmp_path, note)
    repaired, report = read(tmp_path, twin)
    assert repaired == clean and len(clean) == 12
    assert "MOJIBAKE" in report.codes()


@pytest.mark.parametrize("wrong", ["mac_roman", "cp1251"])
def test_mojibake_of_a_single_word_is_undone(wrong):
    note = "A mostly English note: внимание.\n?\nattention\n"
    assert undo_mojibake(note.encode().decode(wrong)) == note


@pytest.mark.parametrize(
    "note", ["Ünïcödé – naïve façade", "Рёв «ёж» №1", "a — b … “c” €5", "Œuvre Ångström", "日本語", "é"]
)
def test_sound_text_is_left_alone(note):
    assert undo_mojibake(note) == note


def test_a_note_about_encodings_keeps_its_quoted_mojibake():
    note = "Почему «Почему» превращается в «–ü–æ—á–µ–º—É»?\n?\nUTF-8 прочли как MacRoman.\n"
    assert undo_mojibake(note) == note


def test_front_matter_gives_deck_tags_and_language(tmp_path):
    path = tmp_path / "note.md"
    path.write_text('---\ndeck: "НЛП::Метрики"\nlanguage: ru\ntags: [a, "b/c"]\nother:\n  - x\n---\nQ\n?\nA\n', "utf-8")
    source = read_source(path, Report())
    assert (source.setting("deck"), source.setting("language"), source.tags) == ("НЛП::Метрики", "ru", ["a", "b/c"])
    path.write_text("---\ntags:\n  - one\n  - two\n---\n", "utf-8")
    assert read_source(path, Report()).tags == ["one", "two"]


def test_a_rule_at_the_top_is_no_front_matter():
    for text in ("---\nQuestion?\n?\nAnswer.\n", "---\nQuestion?\n?\nAnswer.\n\n---\n\nProse: text.\n"):
        cards, _ = read_cards(text)
        assert [card.question.text for card in cards] == ["Question?"]


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    report = Report()
    assert read_source(tmp_path / "none.md", report) is None
    assert report.codes() == ["UNREADABLE"] and report.exit_code == 2
