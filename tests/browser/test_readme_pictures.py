"""The pictures of the README, taken from the real thing: a lesson in JupyterLab and a card in Anki's own rendering.

    .venv/bin/python -m pytest tests/browser --update-screenshots -k readme

writes ``docs/images/{lesson,card}-{en,ru}-{light,dark}.png``. Without the option the English pictures are taken all
the same, and thrown away: what the README shows must still be there.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_page import THEMES, NotebookPage, save_png

from course_lib.language import LANGUAGES
from course_lib.lessons import ROOT, find

LESSON, CELL = find(3), "coreference-maps"
CARD = "key-self-attention"
MODES = {"light": "light", "dark": "night"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both languages if the pictures are to be written."""
    if "lang" in metafunc.fixturenames:
        update = metafunc.config.getoption("--update-screenshots", default=False)
        metafunc.parametrize("lang", LANGUAGES if update else ["en"])


@pytest.fixture
def images(request, tmp_path) -> Path:
    """Where the pictures go."""
    update = request.config.getoption("--update-screenshots", default=False)
    return ROOT / "docs" / "images" if update else tmp_path


def test_readme_picture_of_a_lesson(lang, images, browser, server):
    page = NotebookPage(browser, server.address, width=1080, height=860, scale=1.5)
    try:
        page.open(server.serve(LESSON.notebook(lang), f"readme-{lang}.ipynb"))
        for theme in THEMES:
            page.use_theme(theme)
            page.show(CELL)
            figure = page.page.locator(".jp-mod-active .jp-OutputArea-output img").first
            box = figure.bounding_box()
            assert 0 < box["y"] and box["y"] + box["height"] < 860, f"the figure is not on the screen: {box}"
            save_png(page.page.screenshot(), images / f"lesson-{lang}-{theme}.png")
    finally:
        page.close()


def test_readme_picture_of_a_card(lang, images, browser, npm_package, tmp_path):
    spec = importlib.util.spec_from_file_location("card_screenshots", ROOT / "tools" / "card_screenshots.py")
    cards = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(cards)
    deck = tmp_path / "deck.apkg"
    command = [sys.executable, "-m", "course_lib.cli", "deck", "--lang", lang, "-o", str(deck)]
    subprocess.run(command, cwd=ROOT, check=True)
    mathjax = npm_package("mathjax") / "es5" / "tex-chtml.js"
    with cards.rendered_cards(deck, [CARD]) as ([card], media):
        assert cards.shoot(browser, card, media, mathjax, tmp_path, width=480) == []
    for theme, mode in MODES.items():
        save_png((tmp_path / f"{CARD}-{mode}.png").read_bytes(), images / f"card-{lang}-{theme}.png")


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_readme_shows_the_pictures_that_are_taken(name):
    lang = "ru" if name == "README.ru.md" else "en"
    text = (ROOT / name).read_text(encoding="utf-8")
    for picture in (f"{what}-{lang}-{theme}.png" for what in ("lesson", "card") for theme in THEMES):
        assert f"docs/images/{picture}" in text and (ROOT / "docs" / "images" / picture).exists()
