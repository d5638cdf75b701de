"""Planted faults: each is put in, and the check that is there for it must fail.

A check that passes with its fault in place would guard nothing. The checks themselves stand, without faults, in the
tests of the packages, of rendering and of media.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from card_tools import NOW, PNG
from test_cards_media import check_links_out_are_refused
from test_cards_notes import check_a_renamed_deck_keeps_its_cards, check_ids_are_written
from test_cards_package import check_history_survives_a_reworded_card, check_two_builds_are_byte_identical
from test_cards_rendering import check_second_wall, check_typed_text_survives
from test_cards_year import YearOfNotes, check_most_ids_were_kept

from course_lib.cards import history, marking, media, notes, package, rendering


def test_genankis_default_guid_is_noticed(tmp_path, monkeypatch):
    class ByFields(package._StampedNote):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            self.guid = None  # genanki then hashes the fields

    monkeypatch.setattr(package, "_StampedNote", ByFields)
    with pytest.raises(AssertionError, match="updated"):
        check_history_survives_a_reworded_card(tmp_path)


def test_a_constant_mtime_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(history.LearnerLock, "mtime", lambda self, card_id, content, now: NOW)
    with pytest.raises(AssertionError, match="updated"):
        check_history_survives_a_reworded_card(tmp_path)


def test_raw_html_is_noticed(monkeypatch):
    real = rendering.markdown_parser

    def with_html():
        parser = real()
        parser.options["html"] = True
        return parser.enable(["html_inline", "html_block"])

    monkeypatch.setattr(rendering, "markdown_parser", with_html)
    with pytest.raises(AssertionError, match="is shown as"):
        check_typed_text_survives()


def test_a_missing_sanitiser_is_noticed(monkeypatch):
    monkeypatch.setattr(rendering.nh3, "clean", lambda text, **options: text)
    with pytest.raises(AssertionError):
        check_second_wall()


def test_a_missing_path_check_is_noticed(tmp_path, monkeypatch):
    vault = tmp_path / "vault"
    vault.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    monkeypatch.setattr(media, "is_inside", lambda path, roots: True)
    with pytest.raises(AssertionError):
        check_links_out_are_refused(vault)


def test_kept_zip_dates_are_noticed(tmp_path, monkeypatch):
    def with_dates(database: bytes, pictures: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("collection.anki2", database)
            archive.writestr("media", json.dumps({str(n): name for n, name in enumerate(sorted(pictures))}))
            for number, name in enumerate(sorted(pictures)):
                archive.writestr(str(number), pictures[name])
        return buffer.getvalue()

    monkeypatch.setattr(package, "_archive", with_dates)
    with pytest.raises(AssertionError):
        check_two_builds_are_byte_identical(tmp_path, monkeypatch)


def test_a_time_of_the_build_in_the_database_is_noticed(tmp_path, monkeypatch):
    real = package.genanki.Package.write_to_db

    def with_clock(self, cursor, timestamp, id_gen):
        import time

        real(self, cursor, timestamp, id_gen)
        cursor.execute("update col set mod = ?", (int(time.time() * 1000),))

    monkeypatch.setattr(package.genanki.Package, "write_to_db", with_clock)
    with pytest.raises(AssertionError):
        check_two_builds_are_byte_identical(tmp_path, monkeypatch)


# --- the review history -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"least": 0.0, "lead": 0.0, "in_place": lambda key, card_id: True},
        {"lead": 0.0},
        {"kept": ()},
        {"in_place": lambda key, card_id: True},
    ],
    ids=["any likeness", "no lead", "no neighbours", "any place"],
)
def test_a_card_that_inherits_a_removed_ones_history_is_noticed(tmp_path, monkeypatch, fault):
    real = notes.match_reworded
    monkeypatch.setattr(notes, "match_reworded", lambda before, now, **options: real(before, now, **(options | fault)))
    with pytest.raises(AssertionError, match="inherits the history"):
        YearOfNotes(tmp_path).play()


def test_swapped_ids_are_noticed(tmp_path, monkeypatch):
    real = notes.match_reworded

    def swapped(before, now, **options):
        matched = real(before, now, **options)
        ids = list(matched.values())
        return dict(zip(matched, [*ids[1:], *ids[:1]], strict=True))

    monkeypatch.setattr(notes, "match_reworded", swapped)
    with pytest.raises(AssertionError, match="inherits the history"):
        YearOfNotes(tmp_path, cards=60, releases=2).play()


def test_lost_ids_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(notes, "match_reworded", lambda before, now, **options: {})
    year = YearOfNotes(tmp_path, cards=60, releases=1)
    year.play()
    with pytest.raises(AssertionError, match="ids kept"):
        check_most_ids_were_kept(year)


def test_a_time_that_stands_still_is_noticed_in_a_year(tmp_path, monkeypatch):
    monkeypatch.setattr(history.LearnerLock, "mtime", lambda self, card_id, content, now: NOW)
    with pytest.raises(AssertionError, match=" reads "):
        YearOfNotes(tmp_path, cards=60, releases=2).play()


def test_ids_from_the_fields_are_noticed_in_a_year(tmp_path, monkeypatch):
    class ByFields(package._StampedNote):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            self.guid = None

    monkeypatch.setattr(package, "_StampedNote", ByFields)
    with pytest.raises(AssertionError, match="2 notes of Card"):
        YearOfNotes(tmp_path, cards=60, releases=2).play()


def test_a_lock_that_is_sought_by_the_decks_name_only_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(notes, "find_learner_locks", lambda default, *_: [default])
    with pytest.raises(AssertionError):
        check_a_renamed_deck_keeps_its_cards(tmp_path)


@pytest.mark.parametrize("answer", ["```\nx\n```", "| a |\n|---|\n| b |", "- a\n- b"])
def test_an_id_in_the_wrong_line_is_noticed(tmp_path, monkeypatch, answer):
    real = marking._marked

    def one_line_up(data, source, cards, ids, report):
        for card in cards:
            card.end_line -= 1
        return real(data, source, cards, ids, report)

    monkeypatch.setattr(marking, "_marked", one_line_up)
    with pytest.raises((AssertionError, ValueError)):
        check_ids_are_written(tmp_path, f"q\n?\n{answer}\n", 1)
