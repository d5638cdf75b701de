"""Every card of the course on a few pages, to be looked through: as Anki renders it, on a phone, by day and by night.

    make contact-sheet                       build/contact-sheet-{en,ru}-{light,night}-N.png
    make contact-sheet ARGS="--lang ru"      one language
    make contact-sheet ARGS="--note MY.md"   a learner's note instead of the course's cards

The decks are built, imported into the real Anki backend and shown card by card in headless Chromium, question and
answer, formulas by MathJax. A card wider than the screen, a formula that MathJax refuses and a picture that does not
load are listed, and the exit status is 1. Needs Chromium and, where ``$COURSE_NODE_MODULES`` holds no MathJax, ``npm``.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from card_screenshots import (  # beside this file
    CHROMIUM_OPTIONS,
    MODES,
    RenderedCard,
    find_mathjax,
    rendered_cards,
    screen,
    show,
)
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 360
COLUMNS = 4
PAGE_HEIGHT = 1600
GAP = 14
LABEL = 18
PAPER, INK = {"light": "#c9ced4", "night": "#000000"}, {"light": "#1f2328", "night": "#a9b1ba"}


@dataclass
class Tile:
    """A card's two sides, one above the other."""

    card_id: str
    question: Image.Image
    answer: Image.Image

    @property
    def height(self) -> int:
        return LABEL + self.question.height + 2 + self.answer.height

    def draw(self, page: Image.Image, x: int, y: int, ink: str) -> None:
        font = ImageFont.load_default(13)
        ImageDraw.Draw(page).text((x, y), self.card_id, fill=ink, font=font)
        page.paste(self.question, (x, y + LABEL))
        page.paste(self.answer, (x, y + LABEL + self.question.height + 2))


def tiles_of(
    browser: Browser, cards: Sequence[RenderedCard], mode: str, media: Path, mathjax: Path, problems: list[str]
) -> Iterator[Tile]:
    """Photograph the cards; what is wrong with them is added to ``problems``."""
    with screen(browser, cards[0].css, mode, media, mathjax, WIDTH, scale=1) as page:
        for card in cards:
            sides = []
            for side in (card.question, card.answer):
                problems += [f"{card.id}, {mode}: {problem}" for problem in show(page, side, WIDTH)]
                shown = page.locator("body").bounding_box()
                picture = page.screenshot(full_page=True, clip={**shown, "x": 0, "y": 0, "width": WIDTH})
                sides.append(Image.open(io.BytesIO(picture)).convert("RGB"))
            yield Tile(card.id, *sides)


def pages_of(tiles: Sequence[Tile], mode: str) -> Iterator[Image.Image]:
    """The tiles on pages: each in the column that is shortest, a new page when none has room."""
    waiting = list(tiles)
    while waiting:
        page = Image.new("RGB", (COLUMNS * (WIDTH + GAP) + GAP, PAGE_HEIGHT), PAPER[mode])
        heights = [GAP] * COLUMNS
        while waiting:
            column = heights.index(min(heights))
            is_empty = max(heights) == GAP
            if heights[column] + waiting[0].height + GAP > PAGE_HEIGHT and not is_empty:
                break
            tile = waiting.pop(0)
            if tile.height + 2 * GAP > page.height:  # a card longer than a page gets a longer page
                taller = Image.new("RGB", (page.width, tile.height + 2 * GAP), PAPER[mode])
                page = taller
            tile.draw(page, GAP + column * (WIDTH + GAP), heights[column], INK[mode])
            heights[column] += tile.height + GAP
        yield page.crop((0, 0, page.width, max(heights)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lang", choices=["en", "ru"], help="one language only")
    parser.add_argument("--note", type=Path, action="append", metavar="FILE", help="a learner's note instead")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="the folder for the pages")
    parser.add_argument("--modules", type=Path, help="the node_modules folder that holds mathjax 3")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        mathjax = find_mathjax(Path(name), options.modules)
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(CHROMIUM_OPTIONS))
        for lang in [options.lang] if options.lang else ["en", "ru"]:
            package = Path(name) / f"{lang}.apkg"
            build_deck(package, lang, options.note or [], Path(name))
            with rendered_cards(package) as (cards, media):
                for mode in MODES:
                    tiles = list(tiles_of(browser, cards, mode, media, mathjax, problems))
                    write_pages(tiles, mode, options.output / f"contact-sheet-{lang}-{mode}")
        browser.close()
    print("\n".join(problems))
    return 1 if problems else 0


def build_deck(package: Path, lang: str, notes: Sequence[Path], scratch: Path) -> None:
    """Compile the course's cards, or copies of the notes, so that no lock is written beside them.

    Raises:
        SystemExit: if there are errors.
    """
    copies = []
    for note in notes:
        copies.append(scratch / note.name)
        copies[-1].write_bytes(note.read_bytes())
    folders = [part for note in notes for part in ("--attachments", str(note.absolute().parent))]
    command = [sys.executable, "-m", "course_lib", "deck", *map(str, copies), *folders, "--lang", lang, "-o", package]
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.returncode)


def write_pages(tiles: Sequence[Tile], mode: str, stem: Path) -> None:
    for old in stem.parent.glob(f"{stem.name}-*.png"):
        old.unlink()
    for number, page in enumerate(pages_of(tiles, mode), 1):
        path = stem.with_name(f"{stem.name}-{number}.png")
        page.save(path, optimize=True)
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main())
