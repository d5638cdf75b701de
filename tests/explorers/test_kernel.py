"""The frame of explorers that need a kernel: what a notebook stores, what a change does, how a fault shows."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import warnings
from pathlib import Path

import ipywidgets
import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from course_lib import language, notebook_rules
from course_lib.explorers import kernel
from course_lib.explorers.kernel import KernelExplorer
from course_lib.figures.style import STYLE, drawing_style

ROOT = Path(__file__).parents[2]
VIEW = notebook_rules.WIDGET


@pytest.fixture(autouse=True)
def _session_as_it_was():
    before = language.language()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    language.use_language(before)


def parabola(**changes) -> KernelExplorer:
    """y = a x² − b, with a fault for a = 13."""
    x = np.linspace(-1, 1, 50)
    with drawing_style():
        figure = Figure(figsize=(5, 3), layout="none")
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        (line,) = axes.plot(x, x)
        axes.set_ylim(-9, 9)

    def update(a: int, b: bool) -> str:
        if a == 13:
            raise ZeroDivisionError("13 <is> unlucky")
        line.set_ydata(a * x**2 - b)
        return f"a = {a}, y(0) = {-int(b)} & no <more>."

    controls = {
        "a": ipywidgets.IntSlider(value=2, min=-20, max=20, description="a"),
        "b": ipywidgets.Checkbox(description="minus one"),
    }
    options = {"figure": figure, "update": update, "controls": controls, "alt": "A parabola.", "prompt": "Which <way>?"}
    return KernelExplorer(**options | changes)


def bundle(explorer: KernelExplorer) -> dict:
    return explorer._repr_mimebundle_()[0]


def image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def hash_of(explorer: KernelExplorer) -> str:
    stored = (bundle(explorer)["image/png"] + repr(explorer)).encode()
    return hashlib.sha256(stored + explorer._picture.value).hexdigest()


# ------------------------------------------------------------------------------------------------ in a notebook


def test_one_bundle_holds_the_view_a_picture_and_the_sentence() -> None:
    explorer = parabola()
    data, metadata = explorer._repr_mimebundle_()
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert data["text/plain"] == repr(explorer) == explorer.sentence == "a = 2, y(0) = 0 & no <more>."
    assert data[VIEW]["model_id"] == explorer.model_id
    assert metadata == {"image/png": {"alt": "A parabola. a = 2, y(0) = 0 & no <more>.", "width": 400}}
    stored = image(base64.b64decode(data["image/png"]))
    live = image(explorer._picture.value)
    assert stored.size == (800, 480) and live.size == (400, 240)
    assert np.asarray(stored.convert("RGBA"))[..., 3].min() == 255  # a dark page would swallow a transparent ground
    assert stored.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_long_sentence_is_stored_whole() -> None:
    long = "ж" * 500
    assert bundle(parabola(update=lambda **_: long))["text/plain"] == long


def test_the_bytes_depend_on_nothing_but_the_values() -> None:
    first = hash_of(parabola())
    matplotlib.rcParams.update(
        {"font.size": 30, "savefig.bbox": "tight", "lines.linewidth": 9, "savefig.facecolor": "red"}
    )
    assert hash_of(parabola()) == first
    code = "import test_kernel as t; print(t.hash_of(t.parabola()))"
    for seed in ("1", "77"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == first


def test_strict_validation_accepts_it(tmp_path) -> None:
    """Executed twice: the second run gives what the builder stored of the first, by nbval's rule and by ours."""
    import nbformat

    from course_lib.lessons import execute

    source = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_kernel import parabola\nparabola()"
    )
    committed, fresh = (
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="explorer")]) for _ in range(2)
    )
    for notebook in (committed, fresh):
        execute(notebook, tmp_path, label="test")
    assert VIEW in committed.cells[0].outputs[0].data
    notebook_rules.canonical(committed)
    (stored,), (now,) = (notebook.cells[0].outputs for notebook in (committed, fresh))
    assert set(stored.data) == {"image/png", "text/plain"}
    assert stored.data == {mime: now.data[mime] for mime in stored.data}
    assert notebook_rules.difference([stored], [now]) is None
    for rule in (notebook_rules.pictures_can_be_compared, notebook_rules.lasting_outputs):
        assert rule(committed) == []


# --------------------------------------------------------------------------------------------------- its changes


def test_a_change_redraws_and_speaks() -> None:
    explorer = parabola()
    assert explorer.children[1:-2] == tuple(explorer.controls.values())
    before = explorer._picture.value, explorer.sentence
    artists = len(explorer._figure.axes[0].get_children())
    explorer.children[1].value = 7
    assert explorer.sentence == "a = 7, y(0) = 0 & no <more>."
    assert "a = 7, y(0) = 0 &amp; no &lt;more&gt;." in explorer._status.value
    assert explorer._picture.value != before[0]
    explorer.controls["b"].value = True
    assert explorer.sentence.startswith("a = 7, y(0) = -1")
    explorer.controls["a"].value, explorer.controls["b"].value = 2, False
    assert (explorer._picture.value, explorer.sentence) == before
    assert len(explorer._figure.axes[0].get_children()) == artists
    assert "Which &lt;way&gt;?" in explorer.children[0].value


def test_a_figure_with_fixed_axes_keeps_them() -> None:
    explorer = parabola()
    for value in (3, 4, 5):
        explorer.controls["a"].value = value
    bundle(explorer)
    assert explorer._figure.axes[0].get_position().bounds == pytest.approx((0.1, 0.1, 0.8, 0.8))
    assert STYLE["figure.constrained_layout.use"], "the reason for this test"


@pytest.mark.parametrize(("lang", "words"), [("en", "cannot be shown"), ("ru", "показать не удалось")])
def test_a_fault_is_shown_and_goes_away(lang, words) -> None:
    language.use_language(lang)
    explorer = parabola()
    explorer.controls["a"].value = 13
    assert words in explorer.sentence and explorer.sentence.endswith("ZeroDivisionError: 13 <is> unlucky")
    assert "13 &lt;is&gt; unlucky" in explorer._status.value
    assert explorer._picture.layout.display == "none"
    explorer.controls["a"].value = 4
    assert explorer.sentence.startswith("a = 4") and explorer._picture.layout.display is None


def test_a_fault_at_the_start_is_the_author_s() -> None:
    with pytest.raises(ZeroDivisionError):
        parabola(controls={"a": ipywidgets.IntText(13, description="a"), "b": ipywidgets.Checkbox(description="b")})


def test_no_second_picture_below_the_cell() -> None:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(2, 2))
    KernelExplorer(figure, lambda: "said", {}, alt="Nothing.")
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"controls": {"a": ipywidgets.IntSlider(), "b": ipywidgets.Checkbox(description="b")}}, "'a' needs"),
        ({"controls": {"a": ipywidgets.Button(description="go")}}, "'a' needs"),
        ({"alt": " "}, "alternative text"),
    ],
)
def test_what_a_screen_reader_needs_is_not_optional(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        parabola(**changes)


# ---------------------------------------------------------------------------------------------------- in a page


def test_letters_stay_inside_and_the_sentence_is_a_live_region(bare) -> None:
    """The widgets' own HTML brings its listener along, even if it is put into the page a moment later."""
    explorer = parabola()
    above = explorer.children[0].value
    browser = bare(f'<div id="widget"><select><option>tired</select><p class="{kernel.SAID_CLASS}"></p></div>')
    browser.page.evaluate(
        """html => { window.heard = []; document.addEventListener("keydown", e => heard.push(e.key));
        const part = document.createElement("div"); part.innerHTML = html;
        setTimeout(() => { widget.prepend(part); widget.className = "tx-kernel"; }, 200); }""",
        above,
    )
    browser.page.wait_for_selector("#widget[data-guarded]")
    assert browser.page.locator(f".{kernel.SAID_CLASS}").get_attribute("aria-live") == "polite"
    choice = browser.page.locator("select")
    for key in ("a", "d", "x", "Enter", "ArrowDown"):
        choice.dispatch_event("keydown", {"key": key, "bubbles": True})
    assert browser.page.evaluate("heard") == []
    for held in ({"key": "s", "ctrlKey": True}, {"key": "Enter", "shiftKey": True}, {"key": "Tab"}):
        choice.dispatch_event("keydown", held | {"bubbles": True})
    assert browser.page.evaluate("heard") == ["s", "Enter", "Tab"]
    assert "Which <way>?" in browser.page.locator("#widget").inner_text()
    assert {kernel.ROOT_CLASS} <= set(explorer._dom_classes) and kernel.SAID_CLASS in explorer._status._dom_classes
