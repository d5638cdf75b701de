"""What is wrong with a formula, as far as that can be told without a TeX engine.

MathJax shows a broken formula as red text on the learner's phone and tells nobody else. So the slips that people make
are looked for when the deck is built: groups, ``\\left``/``\\right``, environments, arguments that are missing, and the
characters ``%`` and ``&``, which mean something in TeX that no card wants. A test typesets every formula of the
course's own cards with the real MathJax besides.
"""

from __future__ import annotations

import re

from course_lib.language import say

MAX_CHARACTERS = 5_000
"""No formula on a card is longer; arguments are looked for ahead, so the limit also bounds the time."""

_TOKEN = re.compile(r"\\([A-Za-z]+|.|$)|[{}%&]|[\^_]", re.DOTALL)
_NAME = re.compile(r"\s*\{([A-Za-z]+\*?)\}")
_SPACE = re.compile(r"\s*")
_GROUP_END = re.compile(r"\\.|[{}]", re.DOTALL)
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)|.", re.DOTALL)
_DELIMITERS = frozenset("()[]|/.<>")
_NO_DELIMITER = frozenset({"left", "right", "middle", "begin", "end", "frac", "sqrt"})

_ARGUMENTS = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "binom", "overset", "underset", "stackrel"), 2),
    **dict.fromkeys(("sqrt", "text", "textbf", "textit", "mathrm", "mathbf", "mathbb", "mathcal", "mathsf"), 1),
    **dict.fromkeys(("operatorname", "boldsymbol", "hat", "bar", "vec", "tilde", "widehat", "overline"), 1),
    **dict.fromkeys(("underbrace", "overbrace", "underline", "boxed", "tag"), 1),
}


def tex_problem(tex: str) -> str | None:
    """One sentence about the first slip in ``tex`` (what stands between the dollars), or ``None`` if none is seen.

    >>> tex_problem(r"\\frac{a}{b}") is None
    True
    """
    if not tex.strip():
        return say("cards.tex.empty")
    if len(tex) > MAX_CHARACTERS:
        return say("cards.tex.long", limit=MAX_CHARACTERS)
    open_marks: list[tuple[str, str]] = []  # (kind, what the author wrote); kinds: { left begin
    for match in _TOKEN.finditer(tex):
        token = match[0]
        problem = None
        if token == "{":
            open_marks.append(("{", "{"))
        elif token == "}":
            problem = _close(open_marks, "{", "}")
        elif token == "%":
            problem = say("cards.tex.percent")
        elif token == "&":
            if not any(kind == "begin" for kind, _ in open_marks):
                problem = say("cards.tex.ampersand")
        elif token in "^_":
            if not _has_argument(tex, match.end()):
                problem = say("cards.tex.argument", command=token)
        else:
            problem = _command(tex, match, open_marks)
        if problem:
            return problem
    if open_marks:
        return say("cards.tex.open", mark=open_marks[-1][1])
    return None


def _command(tex: str, match: re.Match[str], open_marks: list[tuple[str, str]]) -> str | None:
    """Check a control sequence; keeps ``open_marks`` up to date."""
    name = match[1]
    if name == "":
        return say("cards.tex.backslash")
    if name in "()[]":
        return say("cards.tex.delimiters", mark=match[0])  # they would end the formula in Anki
    if name in ("left", "right", "middle"):
        if not _has_delimiter(tex, match.end()):
            return say("cards.tex.delimiter", command=match[0])
        if name == "left":
            open_marks.append(("left", match[0]))
        elif name == "right":
            return _close(open_marks, "left", match[0])
        elif not any(kind == "left" for kind, _ in open_marks):
            return say("cards.tex.alone", mark=match[0])
        return None
    if name in ("begin", "end"):
        environment = _NAME.match(tex, match.end())
        if not environment:
            return say("cards.tex.argument", command=match[0])
        written = match[0] + "{" + environment[1] + "}"
        # The braces around the name come next and are balanced by themselves.
        if name == "begin":
            open_marks.append(("begin", written))
            return None
        if not open_marks or open_marks[-1] != ("begin", rf"\begin{{{environment[1]}}}"):
            return _close(open_marks, "begin", written) or say("cards.tex.alone", mark=written)
        open_marks.pop()
        return None
    missing = _ARGUMENTS.get(name, 0)
    position = match.end()
    if name == "sqrt" and tex.startswith("[", position):
        position = tex.find("]", position) + 1 or len(tex)
    for _ in range(missing):
        end = _argument_end(tex, position)
        if end is None:
            return say("cards.tex.argument", command=match[0])
        if end > len(tex):
            break  # an open group: its missing brace is the better message
        position = end
    return None


def _close(open_marks: list[tuple[str, str]], kind: str, written: str) -> str | None:
    if not open_marks:
        return say("cards.tex.alone", mark=written)
    if open_marks[-1][0] != kind:
        return say("cards.tex.crossed", mark=written, open=open_marks[-1][1])
    open_marks.pop()
    return None


def _has_argument(tex: str, position: int) -> bool:
    return _argument_end(tex, position) is not None


def _argument_end(tex: str, position: int) -> int | None:
    """Where the argument that begins at ``position`` ends; ``None`` if there is none.

    An open group counts as an argument here: its missing brace is reported as such.
    """
    position = _SPACE.match(tex, position).end()
    if position >= len(tex) or tex[position] in "}&":
        return None
    if tex[position] != "{":
        return _COMMAND.match(tex, position).end()
    depth = 0
    for match in _GROUP_END.finditer(tex, position):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(tex) + 1 if depth else None


def _has_delimiter(tex: str, position: int) -> bool:
    position = _SPACE.match(tex, position).end()
    if position >= len(tex):
        return False
    if tex[position] == "\\":
        command = _COMMAND.match(tex, position)[0][1:]
        return bool(command) and command not in _NO_DELIMITER
    return tex[position] in _DELIMITERS
