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
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

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
    """What Anki's reviewer would put into its page for a card's answer."""

    id: str
    answer: str
    css: str


@contextmanager
def rendered_cards(package: Path, ids: Sequence[str]) -> Iterator[tuple[list[RenderedCard], Path]]:
    """Import ``package`` into an empty collection; yields its cards with these ids and the folder of their pictures.

    Raises:
        SystemExit: if the package has no card with one of the ids.
    """
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(str(Path(folder) / "collection.anki2"))
        try:
            request = ImportAnkiPackageRequest(package_path=str(package), options=ImportAnkiPackageOptions())
            collection.import_anki_package(request)
            cards = []
            for card_id in ids:
                found = collection.find_cards(f"Id:{card_id}")
                if not found:
                    raise SystemExit(f"{package} has no card {card_id!r}")
                output = collection.get_card(found[0]).render_output()
                cards.append(RenderedCard(card_id, output.answer_text, output.css))
            yield cards, Path(collection.media.dir())
        finally:
            collection.close()


def page_of(card: RenderedCard, mode: str, mathjax: Path) -> str:
    """The page that shows a card's answer."""
    script = html.escape(mathjax.as_uri())
    # Anki's own ground stands behind the card's, so that a card without one would be seen.
    return f"""<!doctype html><html class="{"night-mode" if mode == "night" else ""}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html {{ background: {"#2c2c2c" if mode == "night" else "#f5f5f5"} }} body {{ min-height: 100vh }}</style>
<style>{card.css}</style><script>window.MathJax = {json.dumps(MATHJAX)}</script><script src="{script}"></script></head>
<body class="{MODES[mode]}"><div id="qa">{card.answer}</div></body></html>"""


def shoot(browser: Browser, card: RenderedCard, media: Path, mathjax: Path, output: Path, width: int) -> list[str]:
    """Write the card's two pictures into ``output``; returns what is wrong with what is seen, in words."""
    problems = []
    for mode in MODES:
        page_file = media / "_page.html"  # beside the pictures, whose names are relative
        page_file.write_text(page_of(card, mode, mathjax), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 300}, device_scale_factor=2)
        try:
            page.goto(page_file.as_uri())
            page.evaluate("() => MathJax.startup.promise")
            page.evaluate("() => document.fonts.ready")
            seen = page.evaluate(
                """() => ({
                    width: document.documentElement.scrollWidth,
                    broken: [...document.images].filter(image => !image.naturalWidth).map(image => image.alt),
                    errors: [...document.querySelectorAll('[data-mjx-error]')].map(e => e.dataset.mjxError),
                    scrolled: [...document.querySelectorAll('mjx-container[display=true]')]
                        .filter(formula => formula.scrollWidth > formula.clientWidth + 1).length,
                })"""
            )
            page.screenshot(path=str(output / f"{card.id}-{mode}.png"), full_page=True)
        finally:
            page.close()
        where = f"{card.id}, {mode}"
        if seen["width"] > width:
            problems.append(f"{where}: {seen['width']} px wide on a screen of {width}")
        problems += [f"{where}: the picture “{alt}” does not load" for alt in seen["broken"]]
        problems += [f"{where}: MathJax: {error}" for error in seen["errors"]]
        if seen["scrolled"]:
            problems.append(f"{where}: {seen['scrolled']} formula(s) wider than the card")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("output", type=Path, help="the folder for the pictures")
    parser.add_argument("--card", action="append", required=True, metavar="ID")
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder that holds mathjax 3")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--width", type=int, default=360, help="of the screen, in CSS pixels")
    options = parser.parse_args(arguments)
    mathjax = options.modules.resolve() / "mathjax" / "es5" / "tex-chtml.js"
    if not mathjax.exists():
        parser.error(f"{mathjax} does not exist: npm install --prefix FOLDER mathjax@3.2.2")
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
