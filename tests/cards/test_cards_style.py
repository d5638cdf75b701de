"""How cards look and what is said about them: contrast by day and night, complete messages, formulas that fit a phone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from card_tools import ROOT, need

from course_lib.cards.course import load_lessons
from course_lib.cards.package import style_sheet
from course_lib.cards.report import LEVELS, Report
from course_lib.language import catalogue

SOURCES = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "course_lib" / "cards").glob("*.py")))
MAX_FORMULA_PIXELS = 290
FONT_PIXELS = 19


def test_every_code_is_reported_somewhere_and_has_its_message():
    without_table = SOURCES.replace(SOURCES[SOURCES.index("LEVELS: dict") : SOURCES.index("RAISED_BY_STRICT")], "")
    for code in LEVELS:
        assert f'"{code}"' in without_table, f"{code} is never reported"
        assert f"cards.issue.{code}" in catalogue()
    known = {key.removeprefix("cards.issue.") for key in catalogue() if key.startswith("cards.issue.")}
    assert known == set(LEVELS)


def test_every_text_that_the_code_asks_for_exists_and_none_is_left_over():
    asked = set(re.findall(r"[\"'](cards\.[a-z_.]+)[\"']", SOURCES))
    asked |= {f"cards.placeholder.{kind}" for kind in ("missing", "remote", "embed", "refused")}
    present = {key for key in catalogue() if key.startswith("cards.") and not key.startswith("cards.issue.")}
    assert asked == present


def test_both_languages_fill_in_the_same_values():
    for key, text in catalogue().items():
        if key.startswith("cards."):
            fields = [set(re.findall(r"{(\w+)}", text[language])) for language in ("en", "ru")]
            assert fields[0] == fields[1], key


# --- colours ----------------------------------------------------------------------------------------------------------


def palette(selector: str) -> dict[str, str]:
    """The colours that a rule of the sheet defines."""
    rule = style_sheet().split(selector + " {")[1].split("}")[0]
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", rule))


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("selector", [".card", ".card.nightMode, .nightMode .card, .card.night_mode"])
def test_every_colour_of_text_is_readable_by_day_and_by_night(selector):
    colours = palette(selector)
    assert len(colours) == 14
    for name in ("text", "quiet", "link", "warn", "keyword", "string", "number", "comment", "name"):
        for ground in ("ground", "panel"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["mark-text"], colours["mark"]) >= 4.5


def test_the_judge_of_contrast_knows_the_two_ends():
    assert round(contrast("#000000", "#ffffff")) == 21 and contrast("#777777", "#888888") < 1.5


def test_pictures_keep_white_paper_and_wide_formulas_scroll():
    sheet = style_sheet()
    picture = re.search(r"^img \{(.+?)\}", sheet, re.M)[1]
    assert "background: #ffffff" in picture and "padding: 8px" in picture and "max-width: 100%" in picture
    assert re.search(r'mjx-container\[display="true"\][^{]*\{[^}]*overflow-x: auto', sheet)


def test_every_token_class_of_our_code_has_a_colour():
    pygments = need("pygments")
    assert pygments
    from course_lib.cards.rendering import highlighted

    code = "import os\nclass A(B):\n    def f(self, x=1.5): return f'{x}' + \"s\"  # c\n@d\ndef g(): raise ValueError(None)\n"
    plain = {"n", "p", "o", "w", "nn", "si", "err"}
    used = set(re.findall(r'class="(\w+)"', highlighted(code, "python"))) - plain - {"highlight"}
    for name in used:
        assert f".highlight .{name}" in style_sheet(), name
    assert len(used) > 6


# --- formulas, typeset by the real MathJax ----------------------------------------------------------------------------


def typeset(formulas: list[tuple[str, bool]], node_modules: Path) -> list[dict]:
    """MathJax's verdict on each (TeX, is it a display formula): ``{"error": …, "pixels": width at 19 px type}``."""
    script = """
        require('mathjax').init({
            loader: {load: ['input/tex', 'output/svg']},
            tex: {packages: {'[-]': ['noundefined']}},  // an unknown command is an error, not red text
        }).then(MathJax => {
            const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));
            const adaptor = MathJax.startup.adaptor;
            const judge = ([tex, display]) => {
                const html = adaptor.outerHTML(MathJax.tex2svg(tex, {display}));
                const error = (html.match(/data-mjx-error="([^"]*)"/) || [])[1] || null;
                return {error, ex: parseFloat((html.match(/<svg[^>]* width="([0-9.]+)ex"/) || [])[1] || '0')};
            };
            console.log(JSON.stringify(input.map(judge)));
        });"""
    done = subprocess.run(
        ["node", "-e", script],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NODE_PATH": str(node_modules)},
    )
    assert done.returncode == 0, done.stderr
    ex = 0.442 * FONT_PIXELS  # the x-height of MathJax's TeX font
    return [{"error": one["error"], "pixels": one["ex"] * ex} for one in json.loads(done.stdout)]


def formulas_of(language: str) -> list[tuple[str, str, bool]]:
    """(where, TeX, is it a display formula) of all our cards in a language."""
    from course_lib.cards.markdown import markdown_parser

    found = []
    for lesson in load_lessons(ROOT, language, Report(own=True)):
        for card in lesson.cards:
            for passage in (card.question, card.answer):
                for token in markdown_parser().parse(passage.text, {}):
                    for each in [token, *(token.children or [])]:
                        if each.type.startswith("math_"):
                            found.append((f"{card.file.name}:{card.line}", each.content, each.type != "math_inline"))
    return found


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_formula_of_ours_is_typeset_and_fits_a_phone(language, node_modules):
    formulas = formulas_of(language)
    assert len(formulas) > 10
    verdicts = typeset([(tex, display) for _, tex, display in formulas], node_modules)
    for (where, tex, _), verdict in zip(formulas, verdicts, strict=True):
        assert verdict["error"] is None, f"{where}: {tex}: {verdict['error']}"
        assert 0 < verdict["pixels"] <= MAX_FORMULA_PIXELS, f"{where}: {tex} is {verdict['pixels']:.0f} px wide"


def test_mathjax_judges_as_we_expect(node_modules):
    good, broken, unknown, wide = typeset(
        [("x", True), (r"\frac{a", True), (r"\nosuch", False), ("x" * 60, True)], node_modules
    )
    assert good["error"] is None and broken["error"] and unknown["error"]
    assert good["pixels"] < 20 and wide["pixels"] > MAX_FORMULA_PIXELS
