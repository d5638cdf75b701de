"""Show cards as Anki shows them: the real backend's HTML, its style sheet and MathJax, in headless Chromium.

    npm install --prefix FOLDER mathjax@3.2.2
    .venv/bin/python tools/card_screenshots.py build/transformers-en.apkg pictures --modules FOLDER/node_modules \\
        --card key-attention-scaling --card key-self-attention

writes ``ID-light.png`` and ``ID-night.png`` for each card, answer side, as wide as a phone (``--width``). A card wider
than the screen, a formula that MathJax refuses and a picture that does not load end it with exit status 1.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MODES = {"light": "card card1", "night": "card card1 nightMode"}
"""The classes that Anki puts on the page's body."""

MATHJAX = {
    "tex": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]], "packages": {"[-]": ["noundefined"]}},
    "options": {"enableMenu": False},
}


@dataclass(frozen=True)
class RenderedCard:
    """What Anki's reviewer would put into its page for a card: its question, and its answer with the question above."""

    id: str
    question: str
    answer: str
    css: str


@contextmanager
def rendered_cards(package: Path, ids: Sequence[str] | None = None) -> Iterator[tuple[list[RenderedCard], Path]]:
    """Import ``package`` into an empty collection; yields its cards and the folder of their pictures.

    Args:
        ids: of the cards wanted; all by default, in the order in which Anki would show them.

    Raises:
        SystemExit: if the package has no card with one of the ids.
    """
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(str(Path(folder) / "collection.anki2"))
        try:
            request = ImportAnkiPackageRequest(package_path=str(package), options=ImportAnkiPackageOptions())
            collection.import_anki_package(request)
            found: list[int] = []
            for card_id in ids or ():
                with_id = collection.find_cards(f"Id:{card_id}")
                if not with_id:
                    raise SystemExit(f"{package} has no card {card_id!r}")
                found.append(with_id[0])
            if ids is None:
                found = list(collection.find_cards("", order="c.due asc"))
            cards = []
            for card in map(collection.get_card, found):
                output = card.render_output()
                cards.append(RenderedCard(card.note()["Id"], output.question_text, output.answer_text, output.css))
            yield cards, Path(collection.media.dir())
        finally:
            collection.close()


@contextmanager
def screen(browser: Browser, css: str, mode: str, media: Path, mathjax: Path, width: int, scale: int) -> Iterator[Page]:
    """An empty card in Anki's page, by day or by night, into which :func:`show` puts one card after another.

    Args:
        media: the folder of the pictures, whose names in the cards are relative.
        scale: pixels of a screenshot per CSS pixel.
    """
    night = "night-mode" if mode == "night" else ""
    # Anki's own ground stands behind the card's, so that a card without one would be seen.
    ground = "#2c2c2c" if mode == "night" else "#f5f5f5"
    page_file = media / f"_page-{mode}.html"
    page_file.write_text(
        f"""<!doctype html><html class="{night}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html {{ background: {ground} }}</style><style>{css}</style>
<script>window.MathJax = {json.dumps(MATHJAX)}</script><script src="{html.escape(mathjax.as_uri())}"></script></head>
<body class="{MODES[mode]}"><div id="qa"></div></body></html>""",
        encoding="utf-8",
    )
    page = browser.new_page(viewport={"width": width, "height": 200}, device_scale_factor=scale)
    try:
        page.goto(page_file.as_uri())
        page.evaluate("() => MathJax.startup.promise")
        yield page
    finally:
        page.close()


def show(page: Page, content: str, width: int) -> list[str]:
    """Put a card's question or answer into the page, as the reviewer does; returns what is wrong with what is seen."""
    seen = page.evaluate(
        """async content => {
            const card = document.getElementById('qa');
            MathJax.typesetClear();
            MathJax.texReset();
            card.innerHTML = content;
            await MathJax.typesetPromise([card]);
            await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
            await document.fonts.ready;
            return {
                width: document.documentElement.scrollWidth,
                broken: [...document.images].filter(image => !image.naturalWidth).map(image => image.alt),
                errors: [...document.querySelectorAll('[data-mjx-error]')].map(e => e.dataset.mjxError),
                scrolled: [...document.querySelectorAll('mjx-container[display=true]')]
                    .filter(formula => formula.scrollWidth > formula.clientWidth + 1).length,
            };
        }""",
        content,
    )
    problems = []
    if seen["width"] > width:
        problems.append(f"{seen['width']} px wide on a screen of {width}")
    problems += [f"the picture “{alt}” does not load" for alt in seen["broken"]]
    problems += [f"MathJax: {error}" for error in seen["errors"]]
    if seen["scrolled"]:
        problems.append(f"{seen['scrolled']} formula(s) wider than the card")
    return problems


def shoot(browser: Browser, card: RenderedCard, media: Path, mathjax: Path, output: Path, width: int) -> list[str]:
    """Write the card's two pictures into ``output``; returns what is wrong with what is seen, in words."""
    problems = []
    for mode in MODES:
        with screen(browser, card.css, mode, media, mathjax, width, scale=2) as page:
            problems += [f"{card.id}, {mode}: {problem}" for problem in show(page, card.answer, width)]
            page.screenshot(path=str(output / f"{card.id}-{mode}.png"), full_page=True)
    return problems


def find_mathjax(folder: Path, modules: Path | None = None) -> Path:
    """The script of MathJax 3, which Anki uses: in ``modules``, ``$COURSE_NODE_MODULES``, or fetched into ``folder``."""
    script = Path("mathjax") / "es5" / "tex-chtml.js"
    known = [modules, *(Path(path) for path in [os.environ.get("COURSE_NODE_MODULES")] if path)]
    for place in known:
        if place is not None and (place / script).exists():
            return place.resolve() / script
    if modules is not None:
        raise SystemExit(f"{modules / script} does not exist: npm install --prefix FOLDER mathjax@3.2.2")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "mathjax@3.2.2"]
    subprocess.run(command, check=True)
    return folder.resolve() / "node_modules" / script


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("output", type=Path, help="the folder for the pictures")
    parser.add_argument("--card", action="append", required=True, metavar="ID")
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder that holds mathjax 3")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--width", type=int, default=360, help="of the screen, in CSS pixels")
    options = parser.parse_args(arguments)
    mathjax = find_mathjax(options.output, options.modules)
    options.output.mkdir(parents=True, exist_ok=True)
    problems = []
    with rendered_cards(options.package, options.card) as (cards, media), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(CHROMIUM_OPTIONS))
        try:
            for card in cards:
                problems += shoot(browser, card, media, mathjax, options.output, options.width)
        finally:
            browser.close()
    print("\n".join(problems) or f"{2 * len(cards)} pictures in {options.output}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
