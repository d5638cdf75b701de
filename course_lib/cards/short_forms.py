"""The plugin's two short forms of a card: ``question::answer`` on one line, and ``==text==`` to be filled in.

Both are off unless asked for: highlights and double colons are ordinary Markdown in most notes. What the plugin does by
default is done here (its settings of 2026): ``::`` one direction, ``:::`` both; highlights are deletions, bold text and
curly brackets only if the note says so. A deletion may carry a number and a hint, ``==1;;text;;hint==``, or the hint
behind it, ``==text==^[hint]``; deletions with the same number are asked together. Nothing is read inside code, formulas,
links or comments.

**A deletion becomes a note of the one frozen note type**, its question the text with ``[…]`` in place of the deletion,
its answer the whole text. Anki's own cloze kind would need a second note type with a second set of frozen numbers,
names and templates, and would tie the review history to an ordinal inside one note: a deletion inserted in front of the
others would hand each one's history to its neighbour. Here each deletion has its own identity: with a block id on the
text ``card-id-1``, ``card-id-2`` …, else the hash of its question with the gap, which the lock follows when the text is
reworded. What is lost is Anki's burying of siblings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CLOZE_MARKS: dict[str, tuple[str, str]] = {"highlights": ("==", "=="), "bold": ("**", "**"), "curly": ("{{", "}}")}
"""What may mark a deletion: the name in the settings, and the signs before and after."""

DEFAULT_MARKS = ("highlights",)
"""The plugin's own default: bold text and curly brackets are text."""

MAX_DELETIONS = 100
"""A text with more is no set of cards: each of them would hold the whole text."""

# What is read as a whole: an escaped character, code, formulas, links, addresses, comments.
_WHOLE = re.compile(
    r"\\.|`+[^`]*`+|\$\$[^$]+\$\$|\$(?!\s)(?:[^$\\\n]|\\.)+(?<!\s)\$(?!\d)|\[\[[^\[\]\n]*\]\]|\]\([^()\s]*\)|<[^<>\s]*>"
    r"|<!--[^<>]*-->|%%[^%\n]*%%"
)
_PARTS = re.compile(r"(?:(\d{1,3});;)?(.+?)(?:;;([^;]*))?")
_HINT_BEHIND = re.compile(r"\^\[([^\[\]\n]{1,200})\]")
_UNFIT_FOR_HINT = re.compile(r"[\[\]$`<>=\\]")
_GAP = "…"


@dataclass(frozen=True)
class ShortForms:
    """Which short forms are read where the front matter says nothing.

    Attributes:
        inline: ``question::answer``.
        cloze: the marks of deletions, names of :data:`CLOZE_MARKS`; empty for none.
    """

    inline: bool = False
    cloze: tuple[str, ...] = ()


NO_SHORT_FORMS = ShortForms()


@dataclass(frozen=True)
class Deletion:
    """One marked piece of a text.

    Attributes:
        start, end: where it stands, marks and hint included.
        content: what it says.
        elsewhere: what it looks like while another deletion is asked for: bold stays bold, other marks go.
    """

    start: int
    end: int
    content: str
    elsewhere: str
    number: int | None
    hint: str


def masked(text: str) -> str:
    """The text with everything that is read as a whole replaced by as many ``x``: what is left can be searched."""
    return _WHOLE.sub(lambda match: "x" * len(match[0]), text)


def inline_parts(line: str) -> tuple[str, str, bool] | None:
    """Question, answer and whether it is asked both ways, of ``question::answer``; ``None`` if the line has no ``::``.

    >>> inline_parts("token::a piece of text")
    ('token', 'a piece of text', False)
    >>> inline_parts("`std::vector`") is None
    True
    """
    if "::" not in line:
        return None
    visible = masked(line)
    at = visible.find("::")
    if at < 0 or visible.lstrip().startswith("|"):  # a row of a table is no card
        return None
    both_ways = visible.startswith(":::", at)
    return line[:at].strip(), line[at + 2 + both_ways :].strip(), both_ways


def fill_ins(text: str, literal: Sequence[bool], marks: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """The cards of a text with deletions: ``(number, question, answer, what is asked for)``, by number.

    Args:
        literal: for each line, whether it stands in a code fence or a ``$$`` block, where nothing is a deletion.
        marks: names of :data:`CLOZE_MARKS`.

    In the question the gap is ``==[…]==``, or holds the hint; in the answer only the deletion that is asked for stays
    marked. A deletion without a number takes the lowest one that is free.

    Raises:
        ValueError: if there are more than :data:`MAX_DELETIONS`.
    """
    lines = text.split("\n")
    visible = "\n".join(
        "x" * len(line) if is_literal else masked(line) for line, is_literal in zip(lines, literal, strict=True)
    )
    deletions = _deletions(text, visible, marks)
    if len(deletions) > MAX_DELETIONS:
        raise ValueError(f"{len(deletions)} deletions")
    taken = {deletion.number for deletion in deletions}
    free = (number for number in range(1, len(deletions) + len(taken) + 1) if number not in taken)
    groups: dict[int, list[Deletion]] = {}
    for deletion in deletions:
        number = next(free) if deletion.number is None else deletion.number
        groups.setdefault(number, []).append(deletion)
    cards = []
    for number, asked in sorted(groups.items()):
        content = " … ".join(deletion.content for deletion in asked)
        cards.append((number, _with_gaps(text, deletions, asked), _with_answers(text, deletions, asked), content))
    return cards


def _deletions(text: str, visible: str, marks: Sequence[str]) -> list[Deletion]:
    """All deletions in order; where two overlap, the one that begins first."""
    found: list[Deletion] = []
    for name in marks:
        opening, closing = CLOZE_MARKS[name]
        for start, end in _pairs(visible, opening, closing):
            inner = text[start + len(opening) : end - len(closing)]
            parts = _PARTS.fullmatch(inner)
            if not parts:
                continue
            hint = parts[3] or ""
            behind = _HINT_BEHIND.match(text, end)
            if behind:
                hint, end = behind[1], behind.end()
            content = parts[2]
            elsewhere = f"**{content}**" if name == "bold" else content
            number = int(parts[1]) if parts[1] else None
            found.append(Deletion(start, end, content, elsewhere, number, hint.strip()))
    found.sort(key=lambda deletion: (deletion.start, -deletion.end))
    kept: list[Deletion] = []
    for deletion in found:
        if not kept or deletion.start >= kept[-1].end:
            kept.append(deletion)
    return kept


def _pairs(visible: str, opening: str, closing: str) -> list[tuple[int, int]]:
    """Where marked pieces begin and end: on one line, nearest marks, no space inside next to a mark."""
    if opening == closing:
        sign = re.escape(opening[0])
        pattern = re.compile(rf"(?<!{sign}){sign}{{2}}(?!{sign})|\n")
    else:
        pattern = re.compile(rf"{re.escape(opening)}|{re.escape(closing)}|\n")
    pairs = []
    start = -1
    for match in pattern.finditer(visible):
        if match[0] == "\n":
            start = -1
            continue
        closes = match[0] == closing and start >= 0 and match.start() > start + len(opening)
        if closes and not visible[match.start() - 1].isspace():
            pairs.append((start, match.end()))
            start = -1
        elif match[0] == opening and not visible[match.end() : match.end() + 1].isspace():
            start = match.start()
    return pairs


def _with_gaps(text: str, deletions: Sequence[Deletion], asked: Sequence[Deletion]) -> str:
    def gap(deletion: Deletion) -> str:
        return f"[{_UNFIT_FOR_HINT.sub('', deletion.hint).strip() or _GAP}]"

    return _replaced(text, deletions, lambda one: _highlighted(text, one, gap(one)) if one in asked else one.elsewhere)


def _with_answers(text: str, deletions: Sequence[Deletion], asked: Sequence[Deletion]) -> str:
    return _replaced(
        text, deletions, lambda one: _highlighted(text, one, one.content) if one in asked else one.elsewhere
    )


def _highlighted(text: str, deletion: Deletion, content: str) -> str:
    beside = text[max(deletion.start - 1, 0) : deletion.start] + text[deletion.end : deletion.end + 1]
    return content if "=" in beside else f"=={content}=="  # three signs in a row would be no mark


def _replaced(text: str, deletions: Sequence[Deletion], replacement: Callable[[Deletion], str]) -> str:
    pieces, position = [], 0
    for deletion in deletions:
        pieces += [text[position : deletion.start], replacement(deletion)]
        position = deletion.end
    return "".join([*pieces, text[position:]])
