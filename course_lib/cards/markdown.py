"""A Markdown parser that reads what Obsidian reads and knows no HTML.

``markdown-it`` does the work; the rules here add formulas, ``![[embeds]]``, ``[[wikilinks]]``, ``==marks==``,
comments, callouts and the few HTML tags that people type in notes (``<br>``, ``<sub>x</sub>``). Tokens carry what was
written; :mod:`course_lib.cards.rendering` decides what becomes of it.

The formula rules are our own: those of ``mdit-py-plugins`` do not let a ``$$`` line end a paragraph (so a formula line
that begins with ``-`` becomes a list), refuse a digit before the opening dollar, and look at the last character of the
text when the formula stands first.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

MAX_LEVEL = 64
"""Nesting of blocks; a list takes two levels. Deeper text would be dropped by the parser, so it is refused."""

_EMBED = re.compile(r"!\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_WIKILINK = re.compile(r"\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_FORMULA = re.compile(r"\$(?!\s)((?:[^$\\]|\\.)+)(?<!\s)\$(?!\d)", re.DOTALL)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_PAIR = re.compile(r"<(sub|sup|kbd|u)>([^<>\n]{1,200})</\1>")
_CALLOUT = re.compile(r"\[!([^\W\d_][\w-]{0,30})\][+-]?[ \t]*([^\n]*)\n?")
_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]+)\]")
_MARK = ord("=")


def markdown_parser() -> MarkdownIt:
    """A parser for the text of one field. Raw HTML is off: ``<`` is a character like any other."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False, "maxNesting": MAX_LEVEL})
    parser.enable(["table", "strikethrough"])
    # Indented code would swallow lists nested with tabs; an underline under a line is a list of dashes more often than
    # a heading; a reference definition makes its line disappear.
    parser.disable(["code", "lheading", "html_block", "html_inline", "reference"])
    block_rules = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math_block", _math_block, block_rules)
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    parser.inline.ruler.before("link", "lone_brackets", _lone_brackets)
    parser.inline.ruler.before("link", "obsidian_link", _obsidian_link)
    parser.inline.ruler.before("link", "footnote", _footnote)
    parser.inline.ruler.before("autolink", "comment", _comment)
    parser.inline.ruler.before("autolink", "safe_tag", _safe_tag)
    parser.inline.ruler.before("emphasis", "mark", _mark)
    parser.inline.ruler2.after("balance_pairs", "mark", _mark_pairs)
    parser.core.ruler.after("block", "callouts", _callouts)
    return parser


# --- formulas ---------------------------------------------------------------------------------------------------------


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """``$$ … $$`` that begins a line and ends one, blank lines and stray indents included."""
    first = _line(state, start_line)
    if not first.startswith("$$") or state.sCount[start_line] < state.blkIndent:
        return False
    rest = first[2:].rstrip()
    if "$$" in rest:
        content, closing = rest[:-2], start_line
        if "$$" in content or not content.strip() or not rest.endswith("$$"):
            return False  # text follows: the inline rule reads it
    else:
        closing = next((line for line in range(start_line + 1, end_line) if "$$" in _line(state, line)), -1)
        if closing < 0:
            return False
        last = _line(state, closing).rstrip()
        if last.index("$$") != len(last) - 2:
            return False
        inner = [_line(state, line) for line in range(start_line + 1, closing)]
        content = "\n".join(line for line in [rest, *inner, last[:-2]] if line.strip())
    if silent:
        return True
    state.line = closing + 1
    token = state.push("math_block", "", 0)
    token.block, token.content, token.map = True, content.strip(), [start_line, state.line]
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _math_inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    if state.src.startswith("$$", state.pos):
        closing = state.src.find("$$", state.pos + 2)
        if closing < 0 or not state.src[state.pos + 2 : closing].strip():
            return False
        content, end, kind = state.src[state.pos + 2 : closing], closing + 2, "math_display"
    else:
        match = _FORMULA.match(state.src, state.pos)
        if not match:
            return False
        content, end, kind = match[1], match.end(), "math_inline"
    if not silent:
        state.push(kind, "", 0).content = content.strip()
    state.pos = end
    return True


# --- Obsidian ---------------------------------------------------------------------------------------------------------


def _lone_brackets(state: StateInline, silent: bool) -> bool:
    """Opening brackets that nothing closes are text; each of them would be looked at as a link, by a long way."""
    if state.src[state.pos] != "[" or state.src.find("]", state.pos) >= 0:
        return False
    end = state.pos
    while end < state.posMax and state.src[end] == "[":
        end += 1
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _obsidian_link(state: StateInline, silent: bool) -> bool:
    for kind, opening, pattern in (("embed", "![[", _EMBED), ("wikilink", "[[", _WIKILINK)):
        if not state.src.startswith(opening, state.pos):
            continue
        match = pattern.match(state.src, state.pos)
        if not match:
            return False
        if not silent:
            token = state.push(kind, "", 0)
            token.meta = {"target": match[1].strip().rstrip("\\"), "label": (match[2] or "").strip()}
        state.pos = match.end()
        return True
    return False


def _footnote(state: StateInline, silent: bool) -> bool:
    """``[^1]``, if ``env["footnotes"]`` has its text, and ``^[text]``: a token with the text, to be shown elsewhere."""
    if state.src.startswith("[^", state.pos):
        match = _FOOTNOTE.match(state.src, state.pos)
        text = state.env.get("footnotes", {}).get(match[1]) if match else None
        if text is None:
            return False
        end = match.end()
    elif state.src.startswith("^[", state.pos):
        closing = state.md.helpers.parseLinkLabel(state, state.pos + 1)
        if closing < 0 or not state.src[state.pos + 2 : closing].strip():
            return False
        text, end = state.src[state.pos + 2 : closing], closing + 1
    else:
        return False
    if not silent:
        state.push("footnote", "sup", 0).meta = {"text": text.strip()}
    state.pos = end
    return True


def _comment(state: StateInline, silent: bool) -> bool:
    for opening, closing in (("<!--", "-->"), ("%%", "%%")):
        if not state.src.startswith(opening, state.pos):
            continue
        end = state.src.find(closing, state.pos + len(opening))
        if end < 0:
            return False
        state.pos = end + len(closing)
        return True
    return False


def _safe_tag(state: StateInline, silent: bool) -> bool:
    """``<br>``, and a short pair like ``<sub>k</sub>``; a tag without its end could bleed into the rest of the card."""
    match = _BREAK.match(state.src, state.pos)
    if match:
        if not silent:
            state.push("hardbreak", "br", 0)
        state.pos = match.end()
        return True
    match = _PAIR.match(state.src, state.pos)
    if not match:
        return False
    if not silent:
        state.push("safe_open", match[1], 1)
        state.push("text", "", 0).content = match[2]
        state.push("safe_close", match[1], -1)
    state.pos = match.end()
    return True


def _mark(state: StateInline, silent: bool) -> bool:
    """Each ``==`` is a delimiter; which ones pair is decided together with emphasis, in linear time.

    As in Obsidian, only a space inside keeps it from being one: a word of which «==часть==» is marked is marked.
    """
    if silent or not state.src.startswith("==", state.pos):
        return False
    length = state.scanDelims(state.pos, True).length
    state.push("text", "", 0).content = "=" * length
    if length == 2:
        before, after = state.src[state.pos - 1 : state.pos], state.src[state.pos + 2 : state.pos + 3]
        can_open, can_close = bool(after.strip()), bool(before.strip())
        state.delimiters.append(Delimiter(_MARK, 0, len(state.tokens) - 1, -1, can_open, can_close))
    state.pos += length
    return True


def _mark_pairs(state: StateInline) -> None:
    inner = [meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta]
    for delimiters in [state.delimiters, *inner]:
        for opening in delimiters:
            if opening.marker != _MARK or opening.end == -1:
                continue
            for position, nesting in ((opening.token, 1), (delimiters[opening.end].token, -1)):
                token = state.tokens[position]
                token.type, token.tag, token.nesting, token.content = "mark", "mark", nesting, ""


def _callouts(state: StateCore) -> None:
    """``> [!quote] Title`` makes a quote a callout: its class, and the title as a paragraph of its own."""
    tokens = state.tokens
    result: list[Token] = []
    for index, token in enumerate(tokens):
        opening = tokens[index - 2] if index >= 2 else None
        if token.type == "inline" and opening is not None and opening.type == "blockquote_open":
            match = _CALLOUT.match(token.content)
            if match:
                kind = match[1].lower()
                opening.attrSet("class", f"callout callout-{kind}" if kind.isascii() else "callout")
                tokens[index - 1].attrSet("class", "callout-title")
                body = token.content[match.end() :]
                token.content = match[2].strip() or match[1].capitalize()
                if body.strip():
                    result += [token, *_paragraph(body, token)]
                    continue
        result.append(token)
    state.tokens = result


def _paragraph(content: str, title: Token) -> list[Token]:
    """The tokens that end the title's paragraph and begin the body's, whose own end follows in the stream."""
    close = Token("paragraph_close", "p", -1, level=title.level - 1, block=True)
    start = Token("paragraph_open", "p", 1, level=title.level - 1, block=True, map=title.map)
    first = title.map[0] if title.map else 0
    inline = Token("inline", "", 0, level=title.level, block=True, content=content, children=[])
    inline.map = [first + 1, title.map[1] if title.map else first + 1]
    return [close, start, inline]
