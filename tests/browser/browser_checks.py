"""What must hold of every notebook in a browser: functions from an open page to a list of findings, each a sentence.

The tests of the lessons and the tests of the planted faults use the same functions. A finding begins with the id of the
cell, or of the explorer, which is its cell's.

*Explorers* are the elements of class ``tx-explorer``, which live in the page, and the outermost native widgets of an
output with something to operate, which live in the kernel. Both are found in the page; nobody lists them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from notebook_page import NotebookPage
from PIL import Image

CONTRAST = 4.5
"""The least contrast of text (WCAG 2.2, level AA, success criterion 1.4.3); we ask it of large text as well."""

PHONE = 390
"""The width of a phone in CSS pixels."""

NOT_OURS = {
    ("image-alt", ".jp-RenderedImage > img"): "JupyterLab shows a PNG without the alternative text of its metadata; "
    "that every picture has one is a rule of course_lib.notebook_rules",
    (
        "aria-input-field-name",
        ".noUi-handle",
    ): "ipywidgets gives the handle of a slider no name; its label stands beside it",
}
"""Findings of axe that JupyterLab itself causes, within the outputs: rule and selector, with the reason."""


def names(page: NotebookPage) -> list[str]:
    """The explorers of a notebook by the ids of their cells, the second one of a cell as ``id (2)``."""
    return page.js("() => course.names()")


def explorer_cells(page: NotebookPage) -> list[str]:
    """The ids of the cells that show an explorer."""
    return list(dict.fromkeys(name.split(" ")[0] for name in names(page)))


def _each(page: NotebookPage) -> Iterator[tuple[int, str]]:
    page.use_theme("light")
    page.resize(1280)
    yield from enumerate(names(page))


# ------------------------------------------------------------------------------------------------------- the notebook


def runs_clean(page: NotebookPage) -> list[str]:
    """After *run all* on a restarted kernel every cell was run, once and in order, without error or warning."""
    found = []
    for place, cell in enumerate(page.js("() => course.ran()"), start=1):
        name = cell["id"]
        if cell["count"] != place:
            found.append(f"{name}: execution count {cell['count']}, expected {place}")
        for output in cell["outputs"]:
            if output["output_type"] == "error" and "raises-exception" not in cell["tags"]:
                found.append(f"{name}: {output['ename']}: {output['evalue']}")
            text = output.get("text", "")
            if output.get("name") == "stderr":
                found.append(f"{name}: stderr: {text.strip()[:200]}")
            elif re.search(r"^Traceback \(most recent|\b\w*Warning: ", text, re.MULTILINE):
                found.append(f"{name}: a traceback or a warning in the output: {text.strip()[:200]}")
    return found + page.js("() => course.bareObjects()")


def formulas_are_typeset(page: NotebookPage) -> list[str]:
    """MathJax has typeset every formula and refused none."""
    page.eventually("() => !course.badMaths().length", seconds=5)
    return page.js("() => course.badMaths()")


def figures_have_a_white_ground(page: NotebookPage) -> list[str]:
    """In the dark theme, every figure brings its own ground: opaque white."""
    page.use_theme("dark")
    return page.js("() => course.figures()")


def fits_a_phone(page: NotebookPage) -> list[str]:
    """On a screen 390 px wide no output, and nothing within one, is cut off or makes the page scroll sideways.

    What scrolls by itself may be wider: a table in its own box. The box that JupyterLab puts around every output
    scrolls too; that counts for listings and plain tables, not for pictures and explorers.
    """
    page.use_theme("light")
    page.resize(PHONE, 844)
    return page.js("() => course.overflows()")


def _axe(page: NotebookPage, axe: Path, rules: list[str] | None = None) -> list[str]:
    if not page.js("() => Boolean(window.axe)"):
        page.page.evaluate(axe.read_text(encoding="utf-8"))
    # What has been scrolled off the top of the window axe takes for hidden on purpose.
    page.js("() => course.show(course.cells()[0].model.id)")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    violations = page.js(
        """async ([options]) => {
            if (!document.querySelector(".jp-OutputArea-output")) return [];
            // JupyterLab's frame, the body included, hides what overflows; axe takes for invisible what is scrolled out of it.
            const frame = [];
            for (let one = document.querySelector(".jp-Notebook"); one; one = one.parentElement) frame.push(one);
            frame.forEach(one => one.style.setProperty("overflow", "visible", "important"));
            const {violations} = await axe.run({include: [[".jp-OutputArea-output"]]}, {elementRef: true, ...options});
            frame.forEach(one => one.style.removeProperty("overflow"));
            return violations.flatMap(one => one.nodes.map(node => ({
                rule: one.id, impact: node.impact, help: one.help, cell: course.cellOf(node.element),
                html: node.html.slice(0, 100), is: JSON.parse(JSON.stringify(options.known.filter(s => node.element.matches(s)))),
            })));
        }""",
        options | {"known": [selector for _, selector in NOT_OURS]},
    )
    return [
        f"{one['cell']}: axe {one['rule']} ({one['impact']}): {one['help']}: {one['html']}"
        for one in violations
        if one["impact"] in ("serious", "critical") and not any((one["rule"], s) in NOT_OURS for s in one["is"])
    ]


def accessible(page: NotebookPage, axe: Path) -> list[str]:
    """axe-core finds nothing serious in the outputs; ``axe`` is its script.

    Only the outputs are ours: JupyterLab's own frame, menus and editors are left out, and :data:`NOT_OURS`. All of
    axe's rules in the light theme, its rule for contrast in the dark one, too.
    """
    page.use_theme("light")
    page.resize(1280)
    found = _axe(page, axe)
    page.use_theme("dark")
    return found + [f"{one} (dark theme)" for one in _axe(page, axe, ["color-contrast"])]


# ---------------------------------------------------------------------------------------------------------- explorers


def explorers_are_alive(page: NotebookPage) -> list[str]:
    """Each explorer's script runs, says a sentence to screen readers, and every control answers to its key.

    A control may have nothing to do in one state, such as *back* at the first step, so whatever stayed dead is tried
    again after the others, three times. A control may also ask a question instead of changing the state, but some key
    must change the state.
    """
    found = []
    for i, name in _each(page):
        if page.js("([i]) => course.explorers()[i].matches('.tx-explorer') && !course.explorers()[i].dataset.on", i):
            found.append(f"{name}: its script has not run: no data-on")
            continue
        operated = _Operated(page, i)
        if not operated.state():
            found.append(f"{name}: its state is empty: no data-view")
        for _ in range(3):
            operated.try_all()
        found += [f"{name}: the control {one} changes nothing" for one in sorted(operated.tried - operated.alive)]
        if not operated.moved:
            found.append(f"{name}: no key changes its state")
        if not page.js("([i]) => course.says(course.explorers()[i])", i):
            found.append(f"{name}: no sentence that a screen reader would announce (aria-live)")
    return found


class _Operated:
    """What came of pressing keys on the controls of an explorer.

    Attributes:
        tried: the controls, by name.
        alive: those that did something.
        moved: whether the state ever changed.
    """

    def __init__(self, page: NotebookPage, explorer: int) -> None:
        self._page, self._explorer = page, explorer
        self.tried: set[str] = set()
        self.alive: set[str] = set()
        self.moved = False

    def state(self) -> str:
        """The explorer's state as text."""
        return self._ask("view")

    def _ask(self, what: str) -> str:
        return self._page.js(f"([i]) => course.{what}(course.explorers()[i])", self._explorer)

    def try_all(self) -> None:
        """Press the key of each control that is not known to be alive, as the explorer stands then."""
        at = 0
        while at < len(stops := _stops(self._page, self._explorer)):
            name, keys = stops[at]["name"], stops[at]["keys"]
            if keys and name not in self.alive:
                self.tried.add(name)
                self._press(at, name, keys)
            at += 1

    def _press(self, at: int, name: str, keys: list[str]) -> None:
        state, before = self.state(), self._ask("reaction")
        for key in keys:
            if not self._page.js("([i, at]) => course.focus(course.explorers()[i], at)", self._explorer, at):
                return
            self._page.page.keyboard.press("Space" if key == " " else key)
            if self._ask("reaction") == before:
                self._ask("acted")
            if self._ask("reaction") != before:
                self.alive.add(name)
                self.moved |= self.state() != state
                return


def _stops(page: NotebookPage, explorer: int) -> list[dict[str, Any]]:
    return page.js("([i]) => course.described(course.explorers()[i])", explorer)


def _changed(page: NotebookPage, explorer: int, before: str) -> bool:
    """Whether the explorer reacts otherwise than ``before``, at once or when its kernel has answered."""
    differs = "([i, before]) => course.reaction(course.explorers()[i]) !== before"
    if page.js(differs, explorer, before):
        return True
    page.settle(100)
    return page.js(differs, explorer, before)


def keys_stay_inside(page: NotebookPage) -> list[str]:
    """No key typed on a control does anything to the notebook, where ``a`` inserts a cell and ``x`` cuts one.

    The keys are those that this JupyterLab knows as commands without Ctrl or Alt, and Enter, which starts to edit; on a
    link, Enter leads elsewhere, as it should.
    """
    keys, known = page.js("() => course.commandKeys()"), names(page)
    assert {"a", "b", "x", "ArrowDown"} <= set(keys), f"JupyterLab's commands have changed: {keys}"
    letters = "".join(key for key in keys if len(key) == 1)
    others = [key for key in keys if len(key) > 1] + ["Enter"]
    found = []
    for i, name in _each(page):
        at = 0
        while at < len(stops := _stops(page, i)):
            page.js("([i, at]) => course.focus(course.explorers()[i], at)", i, at)
            page.js("([i]) => course.watch(course.explorers()[i])", i)
            page.page.keyboard.type(letters)
            for key in others:
                if key != "Enter" or not stops[at]["link"]:
                    page.page.keyboard.press(key)
            events = page.js("() => course.watched()")
            if events:
                key, what = events[0][0], " and ".join(dict.fromkeys(what for _, what in events))
                found.append(f"{name}: {key!r} on {stops[at]['name']} {what}")
            if names(page) != known:  # an explorer was cut out: nothing stands where it stood
                return found
            at += 1
    return found


def usable_by_keyboard(page: NotebookPage) -> list[str]:
    """Tab stops at every control of an explorer, shows where it is, and leaves again, forwards and backwards."""
    found = []
    for i, name in _each(page):
        page.js("([i]) => course.startWalk(course.explorers()[i])", i)
        limit = 2 * len(_stops(page, i)) + 20
        for keys, end, direction in (("Tab", "after", "forwards"), ("Shift+Tab", "before", "backwards")):
            for _ in range(limit):
                page.page.keyboard.press(keys)
                if (place := page.js("() => course.step()")) != "inside":
                    break
            if place == "inside":
                found.append(f"{name}: {keys} does not leave it")
                break
            if place != end:
                found.append(f"{name}: {keys} does not lead through it {direction}")
                break
        walked = page.js("() => course.endWalk()")
        found += [f"{name}: Tab does not stop at {one}" for one in walked["missed"]]
        found += [f"{name}: nobody sees that {one} has the focus" for one in dict.fromkeys(walked["unseen"])]
        found += [f"{name}: only a mouse can use {one}" for one in walked["mouse"]]
    return found


def text_can_be_read(page: NotebookPage) -> list[str]:
    """In both themes, every text of an explorer has a contrast of 4.5 to what is really painted behind it.

    The page is pictured with the letters taken away; the ground of a text are the pixels where it stands, whatever
    painted them, and four fifths of them must be far enough from the text's colour.
    """
    found = []
    page.resize(1280)
    for theme in ("light", "dark"):
        page.use_theme(theme)
        for i, name in enumerate(names(page)):
            high = page.js("([i]) => Math.ceil(course.explorers()[i].getBoundingClientRect().height)", i)
            page.resize(1280, max(1000, high + 300))
            # In the middle: at the top, JupyterLab's toolbar would lie over it.
            page.js("([i]) => course.explorers()[i].scrollIntoView({block: 'center'})", i)
            page.settle(100)
            texts = page.js("([i]) => course.texts(course.explorers()[i])", i)
            page.js("() => course.hideTexts(true)")
            picture = page.page.screenshot(animations="disabled", caret="hide")
            page.js("() => course.hideTexts(false)")
            ground = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=float)
            for one in texts:
                ratio = min(_contrast(one["colour"], ground, box) for box in one["boxes"])
                if ratio < CONTRAST:
                    found.append(f"{name}: contrast {ratio:.1f} of “{one['text']}” in the {theme} theme")
    page.resize(1280)
    return list(dict.fromkeys(found))


def _contrast(colour: list[float], ground: np.ndarray, box: dict[str, float]) -> float:
    """The contrast of a text's colour ``[r, g, b, alpha]`` to the pixels in its box; a fifth of them may have less."""
    pixels = ground[round(box["top"]) : round(box["bottom"]), round(box["left"]) : round(box["right"])].reshape(-1, 3)
    if not len(pixels):
        return 21.0
    *rgb, alpha = colour
    back, front = _luminance(pixels), _luminance(alpha * np.array(rgb) + (1 - alpha) * pixels)
    ratios = (np.maximum(back, front) + 0.05) / (np.minimum(back, front) + 0.05)
    return float(np.quantile(ratios, 0.2))


def _luminance(rgb: np.ndarray) -> np.ndarray:
    channels = rgb / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


# --------------------------------------------------------------------------------------------------- an untrusted copy


def readable_untrusted(page: NotebookPage, cells: list[str]) -> list[str]:
    """A copy that JupyterLab does not trust, as from the web, shows a picture or a table for each explorer's cell."""
    assert page.js("() => course.untrusted()"), "JupyterLab trusts this copy: nothing would be proved"
    page.eventually("([ids]) => !course.nothingToSee(ids).length", cells, seconds=3)
    missing = page.js("([ids]) => course.nothingToSee(ids)", cells)
    ran = page.js("() => course.names().filter((_, i) => course.explorers()[i].dataset.on)")
    return [
        *(f"{cell}: neither a picture nor a table in an untrusted copy" for cell in missing),
        *(f"{name}: its script runs in an untrusted copy" for name in ran),
        *page.js("() => course.bareObjects()"),
    ]
