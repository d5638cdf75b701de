"""The frame of every explorer: one self-contained block of HTML that needs no kernel, no network and no library.

The block holds, in this order, the shared style, a *static form* (a table or a picture, which is all that an untrusted
notebook and GitHub show), the data as JSON, and one script that replaces the static form by the interactive one. The
script is ``page.js``, which every explorer shares, followed by the explorer's own ``<kind>.js``; the style is
``page.css`` followed by ``<kind>.css`` where there is one. Scripts and styles are written with comments and indentation
and go into a notebook without.

The bytes depend on the data and the session's language only: numbers are rounded, keys are sorted, and the element's id
is a hash of what is shown.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from course_lib.figures.style import COLOURS
from course_lib.language import catalogue, language

MAX_BYTES = 60_000
"""Bytes of one explorer in a notebook (UTF-8)."""

MAX_SCRIPT_BYTES = 8_192
"""Bytes of the shared and the own script together, as they stand in a notebook."""

MAX_TOKENS = 32
"""Longer sentences do not fit a screen, let alone a phone."""

DARK: dict[str, str] = {
    "query": "#6CB8F2",
    "key": "#F79A5B",
    "value": "#4CC79C",
    "output": "#DA9BD3",
    "input": "#AEBACB",
    "neutral": "#A7AFB9",
    "accent": "#DDB545",
    "warning": "#FF86A5",
}
"""The colours of :data:`course_lib.figures.style.COLOURS` for a dark ground: the same hues, lightened."""

# Who says that the page is dark: JupyterLab and nbconvert, VS Code, Sphinx themes, Colab.
_DARK_PAGES = (
    "[data-jp-theme-light=false]",
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    "[data-theme=dark]",
    "[theme=dark]",
)
# A page that declares no theme follows the reader's system, as the fallback colours Canvas and CanvasText do.
_UNDECLARED = ":root:not([data-theme],[theme]) body:not([data-jp-theme-light],[class*=vscode-])"


class Explorer:
    """An interactive piece of a lesson; a notebook shows it where it ends a cell.

    Args:
        kind: the explorer's name: its script is ``<kind>.js`` beside this module, its root has the class ``tx-<kind>``.
        data: what the script needs, made of dicts with string keys, lists, strings, numbers, booleans and None. The
            key ``words`` by custom holds the texts, see :func:`words`. Numbers are rounded to ``digits`` decimals.
        label: names the explorer to a screen reader; one short phrase.
        summary: one sentence of plain text with the main figures. It is the object's ``repr``, so that a terminal
            shows it and the validation of a notebook compares it.
        static: HTML that says the same without a script: a :func:`table` or a :func:`picture`.
        tokens: the tokens that are shown, for the limit on their number only.
        digits: decimals that numbers keep.

    Raises:
        ValueError: if there are more than :data:`MAX_TOKENS` tokens, a number is not finite, or the block exceeds
            :data:`MAX_BYTES` or its script :data:`MAX_SCRIPT_BYTES`.
    """

    def __init__(
        self,
        kind: str,
        *,
        data: Mapping[str, Any],
        label: str,
        summary: str,
        static: str,
        tokens: Sequence[str] = (),
        digits: int = 4,
    ) -> None:
        if len(tokens) > MAX_TOKENS:
            raise ValueError(f"{kind}: {len(tokens)} tokens; an explorer shows {MAX_TOKENS} at most")
        self.kind = kind
        self.data: dict[str, Any] = rounded(data, digits)
        self.label = label
        self.summary = summary
        self.static = static
        # The script's texts are part of the data, so the same numbers in two languages have two ids.
        self.id = f"tx-{kind}-{hashlib.sha256((_json(self.data) + static).encode('utf-8')).hexdigest()[:10]}"
        self._html = self._block()

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        return self._html

    def _block(self) -> str:
        code = script(self.kind)
        _limit(f"{self.kind}: the script", code, MAX_SCRIPT_BYTES)
        block = (
            f'<div class="tx-explorer tx-{self.kind}" id="{self.id}" data-on="" data-view="" role="region" '
            f'aria-label="{html.escape(self.label)}">'
            f"<style>{style(self.kind)}</style>"
            f'<div class="tx-static">{self.static}</div>'
            f'<script type="application/json">{_json(self.data)}</script>'
            f'<script>(()=>{{"use strict";const ID="{self.id}";\n{code}}})();</script>'
            "</div>"
        )
        _limit(f"{self.kind}: the explorer", block, MAX_BYTES)
        return block


def _limit(what: str, text: str, allowed: int) -> None:
    size = len(text.encode("utf-8"))
    if size > allowed:
        raise ValueError(f"{what} has {size:,} bytes, allowed {allowed:,}")


# --------------------------------------------------------------------------------------------------- data and texts


def rounded(value: Any, digits: int = 4) -> Any:
    """A copy of nested data with every float rounded, −0 made 0 and whole floats made integers.

    Raises:
        ValueError: for NaN or an infinity, which JSON does not know.
        TypeError: for anything but dicts with string keys, lists, tuples, strings, numbers, booleans and None.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"an explorer cannot show {value}")
        number = round(float(value), digits)
        return int(number) if number == int(number) else number
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner, digits) for inner in value]
    raise TypeError(f"an explorer's data cannot hold a {type(value).__name__}: use lists, strings and numbers")


def words(name: str) -> dict[str, str]:
    """The texts ``explorer.<name>.ui.*`` of the catalogue in the session's language, for the script to fill in.

    They keep their ``{fields}``: the script's ``fill(words.key, {field: value})`` does what ``say`` does here. What
    Python itself says (label, summary, static form) stands under ``explorer.<name>.*`` and comes from ``say``.
    """
    prefix = f"explorer.{name}.ui."
    return {
        key.removeprefix(prefix): wording[language()] for key, wording in catalogue().items() if key.startswith(prefix)
    }


def _json(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    # Neither the end of a script nor a comment that would swallow it may stand in the text, whatever the tokens are.
    return text.replace("<", "\\u003c")


# --------------------------------------------------------------------------------------------------- the static form


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain texts, escaped here; the first cell of each row is its heading."""
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="tx-scroll"><table><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def picture(png: bytes, alt: str, width: int) -> str:
    """A PNG within the page, ``width`` CSS pixels wide, with its alternative text."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" width="{width}">'


# ---------------------------------------------------------------------------------------------- the interactive form
#
# What a script fills stands in `data["frame"]` as HTML. It goes into the page as data, since a sanitizer that takes
# scripts away would leave the words on dead buttons behind.


def control(text: str, ref: str = "", value: str = "") -> str:
    """A button, which the script finds as ``refs.<ref>``."""
    attributes = "".join(f' {name}="{html.escape(v)}"' for name, v in (("data-ref", ref), ("value", value)) if v)
    return f'<button type="button"{attributes}>{html.escape(text)}</button>'


def radios(label: str, options: Sequence[str], ref: str) -> str:
    """A labelled row of buttons, one of which is chosen, for ``choices(refs.<ref>, act)``."""
    buttons = "".join(f'<button type="button" role="radio">{html.escape(option)}</button>' for option in options)
    return (
        f'<div class="tx-row tx-radios" role="radiogroup" aria-label="{html.escape(label)}" data-ref="{ref}">'
        f"<span>{html.escape(label)}</span><div>{buttons}</div></div>"
    )


# --------------------------------------------------------------------------------------------------- style and script


@cache
def style(kind: str) -> str:
    """The style sheet of an explorer: the palette for both grounds, ``page.css``, ``<kind>.css``; without comments."""
    light = {name: colour for name, colour in COLOURS.items() if name in DARK}
    pages = ",".join(f"{page} .tx-explorer" for page in _DARK_PAGES)
    palette = (
        f".tx-explorer{{{_variables(light)}color-scheme:light}}{pages}{{{_variables(DARK)}color-scheme:dark}}"
        f"@media (prefers-color-scheme:dark){{{_UNDECLARED} .tx-explorer{{{_variables(DARK)}color-scheme:dark}}}}"
    )
    own = _source(f"{kind}.css", missing="")
    # Another explorer further down the page brings the shared sheet again, which must not overrule this one's own.
    own = re.sub(rf"\.tx-{kind}(?![\w-])", f".tx-{kind}" * 3, own)
    sheet = re.sub(r"/\*.*?\*/", "", _source("page.css") + own, flags=re.DOTALL)
    return palette + re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}").strip()


@cache
def script(kind: str) -> str:
    """The script of an explorer: what it uses of ``page.js``, then ``<kind>.js``.

    Comment lines, indentation and empty lines stay out, and so do the shared helpers that nothing here calls.
    """
    own = _without_comments(_source(f"{kind}.js"))
    shared = _without_comments(_source("page.js"))
    # A helper begins at the margin; what stands indented is inside one.
    helpers = dict(re.findall(r"^const (\w+) = (.*?)(?=^const |\Z)", shared, re.MULTILINE | re.DOTALL))
    needed: set[str] = set()
    used = own
    while found := {name for name in helpers.keys() - needed if re.search(rf"\b{name}\b", used)}:
        needed |= found
        used = "".join(helpers[name] for name in sorted(found))
    code = "".join(f"const {name} = {body}" for name, body in helpers.items() if name in needed) + own
    return _squeezed(code)


# What must keep its blanks: strings, templates (none within another), and regular expressions, which follow a bracket.
_LITERAL = re.compile(r'("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=\()/(?:\\.|[^/\\\n])+/)')


def _squeezed(code: str) -> str:
    """The code without the blanks and line ends that separate nothing; every statement ends with ``;`` or ``}``."""
    parts = _LITERAL.split(code)
    for i in range(0, len(parts), 2):  # the odd ones are literals
        parts[i] = re.sub(r" ?([{}()\[\],;:=<>*/%?&|!]) ?", r"\1", re.sub(r"\s+", " ", parts[i]))
        # Blanks around + and - go too, but not between two of them: 1 - -1 is not 1--1.
        parts[i] = re.sub(r"(?<![+-]) ?([+-]) ?(?![ +-])", r"\1", parts[i])
    return "".join(parts).replace(";}", "}").strip() + "\n"


def _without_comments(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//"))


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--tx-{name}:{colour};" for name, colour in colours.items())


def _source(name: str, missing: str | None = None) -> str:
    file = resources.files("course_lib.explorers").joinpath(name)
    if missing is not None and not file.is_file():
        return missing
    return file.read_text(encoding="utf-8")
