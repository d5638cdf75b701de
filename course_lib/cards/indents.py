"""Lists as their author sees them: indents that CommonMark reads otherwise are evened out before it does.

Obsidian's editor shows a list by its indents: what stands further to the right belongs to what stands above it.
CommonMark counts columns instead, so that an item one tab too deep, a list or a code block indented under a line of
text, or two spaces under ``1.`` become text of the line above, or a list of their own. Here every item is moved to where
its parent's text begins, with what belongs to it; what is nested right already is shown as before. Lines stay lines:
messages keep their line numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAB = 4
_STEP = 2
"""Columns by which something stands at least to the right of the list mark that it belongs to."""

_MAX_QUOTES = 64
_MAX_MARKS = 64

_MARK = re.compile(r"([-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_RULE = re.compile(r"(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}")
_QUOTE = re.compile(r"[ \t]*> ?")
_FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)")
_CODE_SPAN = re.compile(r"`+[^`]*`+")


def even_indents(text: str) -> str:
    """The Markdown ``text`` with its list items, and what belongs to them, indented as CommonMark wants it.

    >>> even_indents("- a\\n\\t\\t- b")
    '- a\\n  - b'
    """
    return "\n".join(_evened(text.split("\n"), 0))


@dataclass
class _Item:
    """An open list item: the columns of its mark as written, and of its text as shown."""

    mark: int
    shown: int


@dataclass
class _Literal:
    """An open fence or formula: the mark that closes it, its column as written and as shown."""

    mark: str
    column: int
    shown: int

    def is_closed_by(self, text: str) -> bool:
        if self.mark == "$$":
            return "$$" in text
        return text.startswith(self.mark) and not text.strip().strip(self.mark[0])


def _evened(lines: list[str], quotes: int) -> list[str]:
    items: list[_Item] = []
    literal: _Literal | None = None
    result: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        column, text = _indent(line)
        index += 1
        if literal:
            moved = literal.shown != literal.column
            result.append(" " * (literal.shown + max(column - literal.column, 0)) + text if moved and text else line)
            if literal.is_closed_by(text):
                literal = None
        elif not text:
            result.append(line)
        elif text.startswith(">") and quotes < _MAX_QUOTES:
            run = [line]
            while index < len(lines) and lines[index].lstrip(" \t").startswith(">"):
                run.append(lines[index])
                index += 1
            shown = _place(items, column)
            inner = _evened([_QUOTE.sub("", one, count=1) for one in run], quotes + 1)
            result += [(" " * shown + "> " + one).rstrip() for one in inner]
            if not shown:
                items.clear()  # a block that stands left of the list's text ends the list
        elif _MARK.match(text) and not _RULE.fullmatch(text):
            while items and column < items[-1].mark + _STEP:
                items.pop()
            shown = items[-1].shown if items else 0
            line, text, column = _take_marks(text, column, shown, items)
            result.append(line)
            literal = _opened(text, column, items[-1].shown)
        else:
            is_rule = _RULE.fullmatch(text) is not None
            shown = 0 if is_rule else _place(items, column)
            result.append(" " * shown + text)
            literal = _opened(text, column, shown)
            if not shown and (literal or is_rule):
                items.clear()
    return result


def _indent(line: str) -> tuple[int, str]:
    """The column at which the text of a line begins, and the text."""
    text = line.lstrip(" \t")
    return len(line[: len(line) - len(text)].expandtabs(_TAB)), text


def _place(items: list[_Item], column: int) -> int:
    """Where a line that is no item is shown: with the text of the item that it belongs to, if any."""
    return next((item.shown for item in reversed(items) if column >= item.mark + _STEP), 0)


def _take_marks(text: str, column: int, shown: int, items: list[_Item]) -> tuple[str, str, int]:
    """Open the items that a line begins, ``- 1. text`` two of them; the line as shown, its text and that one's column."""
    indent, marks = " " * shown, []
    while len(marks) < _MAX_MARKS and (match := _MARK.match(text)) and not _RULE.fullmatch(text):
        marks.append(match[1])
        shown += len(match[1]) + 1
        items.append(_Item(column, shown))
        column = len((" " * column + match[0]).expandtabs(_TAB))
        text = text[match.end() :]
    return indent + " ".join([*marks, text]).rstrip(), text, column


def _opened(text: str, column: int, shown: int) -> _Literal | None:
    """The fence or the formula that a line opens and does not close."""
    fence = _FENCE.match(text)
    if fence and not (fence[1][0] == "`" and "`" in fence[2]):
        return _Literal(fence[1], column, shown)
    if "$$" in text and _CODE_SPAN.sub("", text).replace("\\$", "").count("$$") % 2:
        return _Literal("$$", column, shown)
    return None
