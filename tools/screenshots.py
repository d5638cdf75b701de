"""Take the pictures of the README from the real thing: a lesson in JupyterLab and a card in Anki's own rendering.

    .venv/bin/python tools/screenshots.py                          docs/images/{lesson,card}-{en,ru}-{light,dark}.png
    .venv/bin/python tools/screenshots.py --pages FOLDER           every screenful of the lesson, to look through
    .venv/bin/python tools/screenshots.py --card why-two-layers    another card

Needs Chromium (``--chromium`` says where) and, for a card's formulas, ``npm``, which fetches MathJax. JupyterLab runs
in folders of its own: neither your settings nor your kernels are touched.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import card_screenshots  # beside this file
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # All cells in the page at once: a cell outside the window would be an empty frame.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
PANEL = "window.jupyterapp.shell.currentWidget"


@contextlib.contextmanager
def jupyterlab(notebook: Path) -> Iterator[str]:
    """A JupyterLab of its own that serves a copy of ``notebook``; yields its address."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("root", "settings"):
            (folder / part).mkdir()
        shutil.copy(notebook, folder / "root")
        (folder / "settings" / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        options = [
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--port-retries=0",
            "--allow-root",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={folder / 'root'}",
            f"--LabApp.app_settings_dir={folder / 'settings'}",
            "--LabApp.expose_app_in_browser=True",
        ]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=dict(os.environ, IPYTHONDIR=str(folder / "ipython"), **own),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{address}/api/status", timeout=2)
                    break
                if server.poll() is not None:
                    raise SystemExit((folder / "log").read_text(encoding="utf-8")[-2000:])
                time.sleep(0.25)
            yield address
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def open_notebook(page: Page, address: str, notebook: Path, theme: str) -> None:
    """Show the notebook by itself, in a theme, and wait until nothing moves any more."""
    page.goto(f"{address}/doc/tree/{notebook.name}?reset", wait_until="domcontentloaded")
    page.wait_for_function(f"() => window.jupyterapp && {PANEL} && {PANEL}.context && {PANEL}.context.isReady")
    page.evaluate("() => window.jupyterapp.restored")
    page.evaluate("t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", THEMES[theme])
    page.wait_for_selector(f"body[data-jp-theme-name='{THEMES[theme]}']", state="attached")
    page.wait_for_function(f"() => {PANEL}.sessionContext.session?.kernel?.status === 'idle'", timeout=120_000)
    settle(page)


def settle(page: Page, quiet: int = 600) -> None:
    """Wait until the notebook's page has not changed for ``quiet`` ms: formulas are typeset after the text stands."""
    page.evaluate(
        """quiet => new Promise(done => {
            let timer;
            const finish = () => { watch.disconnect(); done(); };
            const watch = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(finish, quiet); });
            watch.observe(document.querySelector('.jp-Notebook'),
                          {subtree: true, childList: true, attributes: true, characterData: true});
            timer = setTimeout(finish, quiet);
        })""",
        quiet,
    )


def scroll_to(page: Page, cell: str) -> None:
    """Put the cell with this id at the top of the window.

    Raises:
        SystemExit: if the notebook has no such cell.
    """
    found = page.evaluate(
        f"""id => {{
            const cell = {PANEL}.content.widgets.find(c => c.model.id === id);
            cell?.node.scrollIntoView({{block: 'start'}});
            return Boolean(cell);
        }}""",
        cell,
    )
    if not found:
        raise SystemExit(f"the lesson has no cell {cell!r}")
    settle(page)


def save(picture: bytes, path: Path) -> None:
    """Write a picture, packed as small as PNG allows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)
    print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def shoot_lesson(browser: Browser, notebook: Path, cell: str, pages: Path | None, lang: str) -> None:
    """The lesson at ``cell``, in both themes; or every screenful of it into the folder ``pages``."""
    with jupyterlab(notebook) as address:
        for theme in THEMES:
            page = browser.new_page(viewport={"width": 1080, "height": 860}, device_scale_factor=1.5)
            page.set_default_timeout(60_000)
            open_notebook(page, address, notebook, theme)
            if pages is None:
                scroll_to(page, cell)
                save(page.screenshot(), IMAGES / f"lesson-{lang}-{theme}.png")
            else:
                shoot_pages(page, pages / lang / theme)
            page.close()


def shoot_pages(page: Page, folder: Path) -> None:
    """Every screenful of the open notebook, numbered."""
    page.evaluate(
        """() => {  // which element scrolls depends on the windowing mode
            const hidden = element => element.scrollHeight - element.clientHeight;
            const all = [...document.querySelectorAll('.jp-NotebookPanel *')].filter(e => e.matches('[class*=jp-]'));
            window.scroller = all.reduce((a, b) => (hidden(b) > hidden(a) ? b : a));
        }"""
    )
    height, total = page.evaluate("() => [window.scroller.clientHeight, window.scroller.scrollHeight]")
    for number, top in enumerate(range(0, total, height - 40), start=1):
        page.evaluate("top => window.scroller.scrollTo(0, top)", top)
        settle(page, 300)
        save(page.screenshot(), folder / f"{number:02d}.png")


def mathjax(folder: Path) -> Path:
    """MathJax 3, which Anki uses, fetched into ``folder``; the script that typesets TeX."""
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "mathjax@3.2.2"], check=True
    )
    return folder / "node_modules" / "mathjax" / "es5" / "tex-chtml.js"


def shoot_card(browser: Browser, card_id: str, lang: str) -> None:
    """A card of the course's deck, imported into Anki and rendered by it, answer side, by day and by night.

    Raises:
        SystemExit: if the picture would show something wrong.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        deck = folder / "deck.apkg"
        subprocess.run([sys.executable, "-m", "course_lib", "deck", "--lang", lang, "-o", deck], cwd=ROOT, check=True)
        script = mathjax(folder)
        with card_screenshots.rendered_cards(deck, [card_id]) as ([card], media):
            problems = card_screenshots.shoot(browser, card, media, script, folder, width=480)
        if problems:
            raise SystemExit("\n".join(problems))
        for theme, mode in (("light", "light"), ("dark", "night")):
            save((folder / f"{card_id}-{mode}.png").read_bytes(), IMAGES / f"card-{lang}-{theme}.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lesson", default="03_attention", help="the name of its notebook")
    parser.add_argument("--cell", default="coreference-maps", help="the id of the cell at the top of the picture")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="every screenful of the lesson instead")
    parser.add_argument("--card", default="key-self-attention", metavar="ID", help="the id of the card")
    parser.add_argument("--lang", choices=["en", "ru"], help="one language only")
    parser.add_argument("--only", choices=["lesson", "card"])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium, args=list(card_screenshots.CHROMIUM_OPTIONS)
        )
        for lang in [arguments.lang] if arguments.lang else ["en", "ru"]:
            notebook = ROOT / "notebooks" / ("" if lang == "en" else lang) / f"{arguments.lesson}.ipynb"
            if arguments.only != "card":
                shoot_lesson(browser, notebook, arguments.cell, arguments.pages, lang)
            if arguments.only != "lesson" and arguments.pages is None:
                shoot_card(browser, arguments.card, lang)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
