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
from test_cards_package import check_history_survives_a_reworded_card, check_two_builds_are_byte_identical
from test_cards_rendering import check_second_wall, check_typed_text_survives

from course_lib.cards import history, media, package, rendering


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
