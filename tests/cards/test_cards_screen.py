"""Cards on a phone, in a real browser: nothing overflows, every picture loads, every formula is typeset."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest
from card_tools import NOW, ROOT, need
from test_cards_notes import notes_in

from course_lib.cards import compile_course, compile_notes


@pytest.fixture(scope="module")
def shoot(chromium, node_modules, tmp_path_factory):
    """Runs tools/card_screenshots.py on a package; returns its exit status."""
    need("playwright")
    need("anki")
    spec = importlib.util.spec_from_file_location("card_screenshots", ROOT / "tools" / "card_screenshots.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool  # dataclasses look their module up
    spec.loader.exec_module(tool)
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
