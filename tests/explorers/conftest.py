"""A bare page in a real browser for one explorer at a time: no Jupyter, no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

# What the two themes of JupyterLab declare, as far as an explorer reads it.
THEMES = {
    "light": ("true", "--jp-ui-font-color1:rgba(0,0,0,.87);--jp-layout-color0:#fff"),
    "dark": ("false", "--jp-ui-font-color1:rgba(255,255,255,1);--jp-layout-color0:#111"),
}


@dataclass
class Bare:
    """A page that shows one explorer.

    Attributes:
        page: the browser's page.
        errors: JavaScript errors so far.
        requests: addresses that the page asked for, besides the page itself.
    """

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def root(self) -> Any:
        """The explorer's element."""
        return self.page.locator(".tx-explorer").first

    @property
    def view(self) -> str:
        """The explorer's state as text."""
        return self.root.get_attribute("data-view")

    @property
    def said(self) -> str:
        """The sentence that a screen reader announces."""
        return self.root.locator("[aria-live]").inner_text()

    def contrasts(self) -> list[tuple[str, float]]:
        """Texts with their contrast to the ground behind them, as painted, where it is below 4.5."""
        return [(text, ratio) for text, ratio in self.page.evaluate(_CONTRASTS) if ratio < 4.5]

    def overflow(self) -> list[str]:
        """Elements that reach beyond the right edge of the screen, outside what scrolls by itself."""
        return self.page.evaluate(_OVERFLOW)


_CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of layers) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = (e) => { const all = []; for (; e; e = e.parentElement) all.unshift(getComputedStyle(e).backgroundColor); return ["white", ...all]; };
  const found = [];
  for (const e of document.querySelectorAll(".tx-explorer, .tx-explorer *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest("script, style, :disabled")) continue;
    const colour = e.namespaceURI.endsWith("svg") ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const behind = grounds(e), back = luminance(over(behind)), front = luminance(over([...behind, colour]));
    found.push([e.textContent.trim().slice(0, 30), (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05)]);
  }
  return found;
}"""

_OVERFLOW = """() => [...document.querySelectorAll(".tx-explorer, .tx-explorer *")]
  .filter(e => e.getClientRects().length && !e.parentElement.closest(".tx-scroll"))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 || (
    e.matches(".tx-explorer") && e.scrollWidth > e.clientWidth))
  .map(e => e.tagName + "." + (e.getAttribute("class") || "") + " " + Math.round(e.getBoundingClientRect().right))"""


@pytest.fixture(scope="module")
def plain(browser, tmp_path_factory):
    """``plain(explorer)`` opens it for all tests of a file and returns the browser's page, to ask for many states at once."""
    contexts = []

    def show(explorer):
        file = tmp_path_factory.mktemp("plain") / "page.html"
        file.write_text(f'<!doctype html><meta charset="utf-8">{explorer._repr_html_()}', encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": 900, "height": 900}))
        opened = contexts[-1].new_page()
        opened.goto(file.as_uri())
        return opened

    yield show
    for context in contexts:
        context.close()


@pytest.fixture
def bare(browser, tmp_path):
    """Opens an explorer: ``bare(explorer, theme="dark", width=390, script=False)`` returns a :class:`Bare`.

    At the end of the test no page may have met an error or asked for anything.
    """
    opened: list[Bare] = []
    contexts = []

    def open_page(explorer: object, theme: str = "light", width: int = 900, script: bool = True) -> Bare:
        light, variables = THEMES[theme]
        text = explorer if isinstance(explorer, str) else explorer._repr_html_()
        file = tmp_path / f"page{len(opened)}.html"
        file.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>explorer</title><style>:root{{{variables}}}body{{background:var(--jp-layout-color0);margin:8px}}</style>"
            f'<body data-jp-theme-light="{light}">{text}</body></html>',
            encoding="utf-8",
        )
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        one = Bare(page)
        opened.append(one)
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        page.on("console", lambda message: one.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: one.requests.append(request.url))
        page.goto(file.as_uri())
        one.requests[:] = [url for url in one.requests if url != file.as_uri() and not url.startswith("data:")]
        return one

    yield open_page
    for context in contexts:
        context.close()
    for one in opened:
        assert one.errors == []
        assert [url for url in one.requests if not url.startswith("data:")] == []
