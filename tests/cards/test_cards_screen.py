"""Cards on a phone, in a real browser: nothing overflows, every picture loads, every formula is typeset."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
from card_tools import FIXTURES, NOW, ROOT, need
from test_cards_notes import notes_in

from course_lib.cards import compile_course, compile_notes


@pytest.fixture(scope="module")
def tools():
    """A function that imports a module of tools/."""
    need("playwright")
    need("anki")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))  # the tools import each other
        yield importlib.import_module


@pytest.fixture(scope="module")
def shoot(chromium, node_modules, tools, tmp_path_factory):
    """Runs tools/card_screenshots.py on a package; returns its exit status."""
    tool = tools("card_screenshots")
    pictures = tmp_path_factory.mktemp("pictures")

    def run(package, *ids: str) -> int:
        options = ["--modules", str(node_modules), "--chromium", chromium]
        status = tool.main([str(package), str(pictures), *options, *(part for one in ids for part in ("--card", one))])
        assert all((pictures / f"{one}-{mode}.png").stat().st_size > 5000 for one in ids for mode in tool.MODES)
        return status

    return run


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_formula_a_drawing_and_a_plain_card_fit_a_phone(shoot, tmp_path, language):
    report = compile_course(ROOT, language, tmp_path / "deck.apkg")
    ids = ["key-attention-scaling", "key-multi-head", "key-rnn-memory"]
    if os.environ.get("COURSE_ALL"):
        ids = sorted(notes_in(report.output))
    assert shoot(report.output, *ids) == 0


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("$$" + "x + " * 30 + "x$$", "wider than the card"),
        ("$" + "xyz" * 30 + "$", "wide on a screen"),
        (r"$\nosuchcommand$", "MathJax"),
    ],
)
def test_what_does_not_fit_or_typeset_is_seen(shoot, tmp_path, capsys, answer, problem):
    (tmp_path / "note.md").write_text(
        f"A question of some length, to be asked on a phone?\n?\n{answer} ^a-card\n", "utf-8"
    )
    report = compile_notes([tmp_path / "note.md"], tmp_path / "deck.apkg", lang="en", now=NOW)
    assert report.exit_code == 0
    assert shoot(report.output, "a-card") == 1
    assert problem in capsys.readouterr().out


@pytest.fixture
def contact_sheet(chromium, node_modules, tools, tmp_path):
    """Runs tools/contact_sheet.py on notes; returns its exit status and the pages."""

    def run(*notes: Path) -> tuple[int, list[str]]:
        options = ["--lang", "ru", "--output", str(tmp_path / "pages")]
        options += ["--modules", str(node_modules), "--chromium", chromium]
        status = tools("contact_sheet").main([*options, *(part for note in notes for part in ("--note", str(note)))])
        return status, sorted(path.name for path in (tmp_path / "pages").iterdir())

    return run


def test_everything_in_a_real_note_fits_a_phone_and_is_typeset(contact_sheet):
    status, pages = contact_sheet(FIXTURES / "learner_note_lists.md", FIXTURES / "learner_note_markup.md")
    assert status == 0
    assert {page.rpartition("-")[0] for page in pages} == {"contact-sheet-ru-light", "contact-sheet-ru-night"}
    assert not list(FIXTURES.glob("*.lock.json")), "a note is looked at, not compiled"


def test_the_sheet_holds_every_card_and_names_what_is_wrong(contact_sheet, tools, tmp_path, capsys, monkeypatch):
    note = tmp_path / "note.md"
    card = "Question {0}?\n?\n{1}end ^card-{0:02}\n\n"
    cards = "".join(card.format(number, "- line\n" * 6 * number) for number in range(1, 10))
    note.write_text(cards + "Too wide?\n?\n$$" + "x + " * 30 + "x$$ ^too-wide\n", "utf-8")
    drawn = []
    tile = tools("contact_sheet").Tile
    draw = tile.draw
    monkeypatch.setattr(tile, "draw", lambda self, *place: (drawn.append(self.card_id), draw(self, *place)))
    status, pages = contact_sheet(note)
    assert status == 1 and "too-wide, night: 1 formula(s) wider than the card" in capsys.readouterr().out
    assert len(pages) > 2, "a page has room for a few cards only"
    expected = [*(f"card-{number:02}" for number in range(1, 10)), "too-wide"]
    assert drawn == expected * 2, "each once by day and once by night, in order"
