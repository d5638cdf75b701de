"""Every screenful of a lesson in JupyterLab, in both themes and languages, to be looked through.

    .venv/bin/python tools/screenshots.py --pages FOLDER                       lesson 03 as it is stored
    .venv/bin/python tools/screenshots.py --pages FOLDER --lesson 04 --run     run first, so that explorers are alive
    .venv/bin/python tools/screenshots.py --pages FOLDER --width 390           as wide as a phone

Needs Chromium (``--chromium`` says where). JupyterLab runs in folders of its own: neither your settings nor your
kernels are touched. The pictures of the README are taken by the tests: ``pytest tests/browser --update-screenshots``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.notebook_page import NotebookPage

ROOT = Path(__file__).resolve().parents[1]


def shoot_pages(page: NotebookPage, folder: Path) -> None:
    """Every screenful of the open notebook, numbered."""
    from tests.browser.notebook_page import save_png

    page.js(
        """() => {  // which element scrolls depends on the windowing mode
            const hidden = element => element.scrollHeight - element.clientHeight;
            const all = [...document.querySelectorAll('.jp-NotebookPanel *')].filter(e => e.matches('[class*=jp-]'));
            window.scroller = all.reduce((a, b) => (hidden(b) > hidden(a) ? b : a));
        }"""
    )
    height, total = page.js("() => [window.scroller.clientHeight, window.scroller.scrollHeight]")
    for number, top in enumerate(range(0, total, height - 40), start=1):
        page.js("([top]) => window.scroller.scrollTo(0, top)", top)
        page.settle(300)
        path = folder / f"{number:02d}.png"
        save_png(page.page.screenshot(), path)
        print(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=Path, metavar="FOLDER", required=True, help="where the pictures go")
    parser.add_argument("--lesson", default="03", help="its number or name")
    parser.add_argument("--lang", choices=["en", "ru"], help="one language only")
    parser.add_argument("--theme", choices=["light", "dark"], help="one theme only")
    parser.add_argument("--run", action="store_true", help="run all cells first")
    parser.add_argument("--width", type=int, default=1080, help="of the window, in CSS pixels")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from playwright.sync_api import sync_playwright

    from course_lib.lessons import find
    from tests.browser.notebook_page import NotebookPage, jupyterlab, launch

    lesson = find(arguments.lesson)
    with sync_playwright() as playwright, jupyterlab() as server:
        browser = launch(playwright, arguments.chromium)
        for lang in [arguments.lang] if arguments.lang else ["en", "ru"]:
            page = NotebookPage(browser, server.address, width=arguments.width, height=860, scale=1.5)
            page.open(server.serve(lesson.notebook(lang), f"{lang}/{lesson.slug}.ipynb"))
            if arguments.run:
                page.run_all()
            for theme in [arguments.theme] if arguments.theme else ["light", "dark"]:
                page.use_theme(theme)
                shoot_pages(page, arguments.pages / lang / theme)
            page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
