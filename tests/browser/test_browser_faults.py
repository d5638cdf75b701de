"""The checks of the browser suite find what they are for: a notebook with one fault in each cell, and one without.

Every check must report the cells of its own faults and no other: what it says of a sound lesson then means something.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import browser_checks as checks
import pytest
from notebook_page import NotebookPage
from specimen import FIGURE, SOUND, explorer, widget, write

GUARD = "event.stopPropagation()"
END = "\n})();"  # of the explorer's script

OUTPUTS = {
    "broken-formula": r"#: $\nosuchcommand{x}$",
    "impossible-formula": r"#: $\frac{1}$",
    "bare-object": "object()",
    "transparent-figure": FIGURE.replace('"white")', '"#ffffff00")'),
    "dark-figure": FIGURE.replace('"white")', '"#222")'),
    "unconfined-figure": FIGURE.replace("(120, 40)", "(800, 40)").replace('field"', 'field", "unconfined": True'),
    "warning": 'import warnings\n\nwarnings.warn("careful")',
    "printed-warning": 'print("a.py:1: UserWarning: careful")',
    "error": "1 / 0",
    "not-run": "print(1)",
}
"""No explorer among them; the error ends the run, so it stands near the end."""

OPERATED = {
    "no-guard": explorer("no-guard", (GUARD, "0")),
    "half-a-guard": explorer(
        "half-a-guard", ("event.stopPropagation()", "if (event.key.length === 1) event.stopPropagation()")
    ),
    "losing-focus": explorer(
        "losing-focus", ("state.step += 1; draw();", 'state.step += 1; draw(); find("next").blur();')
    ),
    "dead-control": explorer("dead-control", ('"layer", "scale",', '"layer",')),
    "dead-list": explorer("dead-list", ("if (to === i || !tokens[to]) return;", "return;")),
    "not-started": explorer("not-started", ("root.dataset.on = 1;", "")),
    "stateless": explorer("stateless", ('root.dataset.view = view.join(".");', "")),
    "silent": explorer("silent", (' aria-live="polite"', "")),
    "trap": explorer("trap", (GUARD, f'{GUARD}; if (event.key === "Tab") event.preventDefault()')),
    "invisible-focus": explorer("invisible-focus", ("outline: 2px solid currentColor", "outline: none")),
    "mouse-only": explorer("mouse-only", ("<details>", '<span style="cursor: pointer">press</span><details>')),
    "not-in-the-tab-order": explorer("order", ('class="next"', 'class="next" tabindex="-1"')),
    "dead-widget": widget(('self.slider.observe(self.draw, "value")', "")),
    "widget-without-guard": widget((", ipywidgets.HTML(GUARD)", "")),
}

SEEN = {
    "too-wide": explorer("too-wide", ("max-width: 640px", "width: 640px")),
    "wide-drawing": explorer(
        "wide-drawing", ("svg { display: block; max-width: 100%", "svg { display: block; width: 500px; max-width: none")
    ),
    "no-static-form": explorer("no-static", ("<table>", "<p>"), ("</table>", "</p>")),
    "folded-static-form": explorer("folded", ("<table>", "<details><table>"), ("</table>", "</table></details>")),
    "unlabelled": explorer("unlabelled", ("<label>layer <select", "<select"), ("</select></label>", "</select>")),
    "widget-without-picture": widget(('bundle["image/png"] = self.png', "")),
    "dim-in-the-dark": explorer("dim", ("</style>", "#specimen-ID .said { color: #555; }</style>")),
    "dim-drawing": explorer("drawing", ("rect { fill: #0072b2", "rect { fill: #8ab4d8")),
    "see-through-text": explorer("opacity", ("</style>", "#specimen-ID .said { opacity: .4; }</style>")),
}

NOISY = {
    "js-error": explorer("js-error", (END, f"  noSuchFunction();{END}")),
    "console-error": explorer("console-error", (END, f'  console.error("out of order");{END}')),
    "picture-from-the-web": explorer("web", ("<details>", '<img src="https://example.org/a.png" alt=""><details>')),
    "call-home": explorer("call", (END, f'  fetch("https://example.com/b").catch(() => 0);{END}')),
    "socket": explorer("socket", (END, f'  new WebSocket("wss://example.net/c");{END}')),
}

# In this order: what spoils a notebook or an explorer's state comes after what looks at it.
PLANTED: dict[str, tuple[dict[str, str], dict[Callable, dict[str, str]]]] = {
    "outputs": (
        OUTPUTS,
        {
            checks.runs_clean: {
                "bare-object": "<object at 0x",
                "warning": "stderr: .*UserWarning: careful",
                "printed-warning": "a traceback or a warning",
                "error": "ZeroDivisionError: division by zero",
                "not-run": "execution count None",
            },
            checks.formulas_are_typeset: {
                "broken-formula": r"MathJax does not know \\nosuchcommand",
                "impossible-formula": "Missing argument",
            },
            checks.figures_have_a_white_ground: {
                "transparent-figure": "not opaque white",
                "dark-figure": r"rgba\(34, 34, 34, 255\)",
            },
            checks.fits_a_phone: {"unconfined-figure": "<img> reaches to 8.. px"},
        },
    ),
    "operated": (
        OPERATED,
        {
            checks.explorers_are_alive: {
                "no-guard": "changes nothing",  # the notebook takes the arrow keys
                "half-a-guard": "changes nothing",
                "dead-control": "the control range “scale” changes nothing",
                "dead-list": "the control list “tokens” changes nothing",
                "not-started": "its script has not run",
                "stateless": "no key changes its state",
                "not-in-the-tab-order": "“back” changes nothing",  # without a *next* there is no way back
                "silent": "no sentence that a screen reader would announce",
                "dead-widget": "the control slider “width” changes nothing",
            },
            checks.usable_by_keyboard: {
                "trap": "Tab does not leave it",
                "invisible-focus": "nobody sees that button “next” has the focus",
                "mouse-only": "only a mouse can use <span> “press”",
                "not-in-the-tab-order": "only a mouse can use <button> “next”",
            },
            checks.keys_stay_inside: {
                "no-guard": "'a' on select “layer” .*changes the cells of the notebook",
                "half-a-guard": "'ArrowUp' on button “back” selects another cell",
                "losing-focus": "'Enter' on button “next” takes the focus away",
                "widget-without-guard": "'a' on slider “width” .*changes the cells",
            },
        },
    ),
    "seen": (
        SEEN,
        {
            checks.text_can_be_read: {
                "dim-in-the-dark": "contrast 2.* of “Step .* in the dark theme",
                "dim-drawing": "contrast .* of “cat” in the light theme",
                "see-through-text": "contrast .* of “Step",
            },
            checks.fits_a_phone: {"too-wide": "<div> reaches to 6.. px", "wide-drawing": "<svg> reaches to 5.. px"},
            checks.accessible: {
                "unlabelled": "axe select-name \\(critical\\)",
                "see-through-text": "axe color-contrast",
                "dim-in-the-dark": "axe color-contrast .*dark theme",
            },
            checks.readable_untrusted: {
                "no-static-form": "neither a picture nor a table",
                "folded-static-form": "neither a picture nor a table",
                "widget-without-picture": "neither a picture nor a table",
            },
        },
    ),
}
ALL_CHECKS = list(dict.fromkeys(check for _, planted in PLANTED.values() for check in planted))


def run_of(opened, folder, name: str, cells: dict[str, str]) -> NotebookPage:
    """A window in which a notebook of these cells has been run."""
    page = opened(write(folder / f"{name}.ipynb", cells), f"{name}.ipynb")
    page.run_all()
    return page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("specimens")


@pytest.fixture(scope="module")
def sound(opened, folder) -> NotebookPage:
    return run_of(opened, folder, "sound", SOUND)


@pytest.fixture(scope="module")
def faulty(opened, folder) -> Callable[[str], NotebookPage]:
    """The page of a notebook of :data:`PLANTED`, run when it is first asked for."""
    return cache(lambda name: run_of(opened, folder, name, PLANTED[name][0]))


def untrusted(opened, folder, page: NotebookPage, name: str) -> NotebookPage:
    """A window on the notebook as it would be saved from ``page``, in a file that Jupyter has not signed."""
    path = folder / f"{name}-saved.ipynb"
    path.write_text(page.as_saved(), encoding="utf-8")
    return opened(path, f"untrusted/{name}.ipynb")


def findings(check: Callable, page: NotebookPage, request, opened, folder, name: str) -> list[str]:
    """What a check finds, with what it needs besides the page."""
    if check is checks.accessible:
        return check(page, request.getfixturevalue("axe"))
    if check is checks.readable_untrusted:
        return check(untrusted(opened, folder, page, name), checks.explorer_cells(page))
    return check(page)


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, planted) in PLANTED.items() for check in planted],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_check_reports_its_own_faults_and_nothing_else(name, check, faulty, request, opened, folder):
    expected = PLANTED[name][1][check]
    found = findings(check, faulty(name), request, opened, folder, name)
    by_cell: dict[str, list[str]] = {}
    for finding in found:
        by_cell.setdefault(finding.split(":")[0], []).append(finding)
    assert sorted(by_cell) == sorted(expected), "\n".join(found)
    for cell, pattern in expected.items():
        assert any(re.search(pattern, finding, re.DOTALL) for finding in by_cell[cell]), by_cell[cell]


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_fault_is_expected_by_some_check(name):
    cells, planted = PLANTED[name]
    assert set(cells) == set().union(*planted.values())


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.__name__)
def test_a_sound_notebook_passes(check, sound, request, opened, folder):
    assert findings(check, sound, request, opened, folder, "sound") == []
    assert sound.faults() == []


def test_errors_of_scripts_and_requests_to_other_machines_are_noticed(opened, folder):
    page = run_of(opened, folder, "noisy", NOISY)
    found = "\n".join(page.faults())
    for expected in ("noSuchFunction", "console: out of order", "https://example.org/a.png", "https://example.com/b"):
        assert expected in found
    assert "request that leaves the machine: wss://example.net/c" in found
    assert page.faults() == [], "what was said once is not said again"
    copy = untrusted(opened, folder, page, "noisy")
    assert "https://example.org/a.png" in "\n".join(copy.faults()), "any copy asks for a picture from the web"


def test_waiting_ends_with_the_last_change(sound):
    sound.js(
        """() => {
            const text = course.explorers()[0].querySelector("summary");
            [100, 300, 600, 900].forEach(time => setTimeout(() => { text.textContent = `after ${time} ms`; }, time));
        }"""
    )
    sound.settle()
    assert sound.page.locator("summary").first.inner_text() == "after 900 ms"


def test_a_trusted_copy_would_prove_nothing(sound):
    with pytest.raises(AssertionError, match="trusts this copy"):
        checks.readable_untrusted(sound, [])


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(10))
def test_a_sound_notebook_passes_again(repetition, opened, folder):
    page = run_of(opened, folder, f"again-{repetition}", SOUND)
    simple = [check for check in ALL_CHECKS if check not in (checks.accessible, checks.readable_untrusted)]
    assert {check.__name__: found for check in simple if (found := check(page))} == {}
    assert page.faults() == []
