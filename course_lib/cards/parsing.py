"""From clean text to cards: the multi-line syntax of the Obsidian plugin *spaced repetition*.

A block is a run of lines up to a blank one. A block with a line that is just ``?`` is a card: question above, answer
below (``??``: asked in both directions). Everything here is one pass over the lines; nothing looks at Markdown inside
a card, except at what decides where a card ends (code fences, ``$$`` blocks, comments) and at what is no part of it:
block ids, footnote definitions, a horizontal rule at its edge.

The plugin's two shorter forms, off unless asked for, are read by :mod:`course_lib.cards.short_forms`.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib.cards.reading import Source
from course_lib.cards.report import Report
from course_lib.cards.short_forms import CLOZE_MARKS, DEFAULT_MARKS, MAX_DELETIONS, fill_ins, inline_parts

MAX_CARD_CHARACTERS = 50_000
"""A longer block is no card; the limit keeps the time of every later step within a second."""

CARD_ID = re.compile(r"[a-z][a-z0-9-]{2,40}")

DECK_TAGS = ("🃏", "flashcards", "flashcard")
"""The tags, or their first parts, by which the plugin knows that a tag names a deck."""

_TAG_LINE = re.compile(r"#[^\s#]+(?:\s+#[^\s#]+)*")
_NUMBER = re.compile(r"\s{0,3}(\d{1,3})[.)](?:\s+|$)")
_SCHEDULING = re.compile(r"\s?<!--SR:[^<>\n]*-->")
_FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}|~{3,})([^\n]*)")
_CODE_SPAN = re.compile(r"`+[^`]*`+")
_FENCE_END = re.compile(r"\s*(?:\s\^[A-Za-z0-9_-]+)?")
_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9_-]{3,})$")
_QUOTE = re.compile(r"[\s>]*")
_RULE = re.compile(r"\s{0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]+)\]:[ \t]+(\S.*)")
_FOOTNOTE_MARK = re.compile(r"\[\^([^\[\]\s]+)\]")
_LEADING_TAGS = re.compile(r"(?:#[^\s#]+\s+)+")
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060"  # what comes along when text is pasted from a page
_SEPARATORS = ("?", "??")
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")
_LONGEST_FENCE = 8
# Longer ones count as this long. A search that fails is followed by shorter fences only, so few searches ever fail.


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block. ``literal`` lines stand inside a fence or a ``$$`` block and are never a separator."""

    number: int
    text: str
    literal: bool = False

    @property
    def separates(self) -> bool:
        return not self.literal and _is_separator(self.text)


@dataclass(frozen=True)
class Passage:
    """A question or an answer.

    Attributes:
        text: its Markdown.
        lines: for each of its lines, the line of the file it came from.
        footnotes: label and text of the footnotes that it refers to, wherever in the file they stand.
    """

    text: str
    lines: tuple[int, ...]
    footnotes: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> int:
        return self.lines[0] if self.lines else 0


@dataclass
class Card:
    """A question with its answer, as written.

    Attributes:
        file: where it stands.
        line, end_line: its first line, and the last line of its answer that is more than a scheduling comment.
        id: the ``^card-id``, or empty.
        both_ways: the separator was ``??``.
        number: the leading number of the question; never an identity, people number with mistakes.
        tags: of the tag line above it, without ``#``.
        headings: the headings above it, outermost first.
        short: it was read from a short form.
        cloze: which deletion of a text it asks for; 0: it is no fill-in.
        asked: what that deletion says; empty if it is no fill-in.
    """

    file: Path
    line: int
    end_line: int
    question: Passage
    answer: Passage
    id: str = ""
    both_ways: bool = False
    number: int | None = None
    tags: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    short: bool = False
    cloze: int = 0
    asked: str = ""

    @property
    def wording(self) -> tuple[str, str]:
        """Question and answer by which the card is recognised when it was reworded.

        The deletions of one text have almost the same answer; what a fill-in asks for tells it from the others.
        """
        return self.question.text, self.asked or self.answer.text


@dataclass
class _Block:
    lines: list[Line]
    tags: tuple[str, ...]
    headings: tuple[str, ...]
    problems: list[tuple[str, int]] = field(default_factory=list)  # reported only if the block is a card

    @property
    def separators(self) -> list[int]:
        return [index for index, line in enumerate(self.lines) if line.separates]


def parse(source: Source, report: Report) -> list[Card]:
    """All cards of ``source`` in order. What is wrong is reported, and the other cards are still returned.

    The short forms are those of ``source.forms``, unless the front matter says otherwise: ``inline: true`` or ``false``;
    ``cloze: true`` for highlights, names of :data:`CLOZE_MARKS`, or ``false``. A block that has a
    ``?`` line is a card of its own and never read for a shorter form, so that neither can change a card that was there
    before.
    """
    inline = _inline_setting(source, report)
    cloze = _cloze_setting(source, report)
    reader = _Blocks(source, report)
    blocks = list(reader)
    are_cards: list[bool] = []
    cards: list[Card] = []
    for block in blocks:
        found: list[Card] = []
        if block.separators:
            _report_problems(block, source, report)
            for part in _split_at_second_separator(block, source, report):
                found += filter(None, [_read_card(part, block, source, report)])
        elif inline or cloze:
            found = _read_short_forms(block, inline, cloze, source, report)
            if found:
                _report_problems(block, source, report)
        are_cards.append(bool(block.separators or found))
        cards += found
    for card in cards:
        card.question = _with_footnotes(card.question, reader.footnotes)
        card.answer = _with_footnotes(card.answer, reader.footnotes)
    _report_stray_text(blocks, are_cards, source, report)
    _report_numbers(cards, source, report)
    return cards


def _inline_setting(source: Source, report: Report) -> bool:
    value = source.setting("inline").lower()
    if value and value not in _YES + _NO:
        report.add("SETTING", source.path, 1, name="inline", value=value, known="true, false")
        value = ""
    return value in _YES if value else source.forms.inline


def _cloze_setting(source: Source, report: Report) -> tuple[str, ...]:
    value = source.setting("cloze").lower()
    if not value:
        return source.forms.cloze
    if value in _YES + _NO:
        return DEFAULT_MARKS if value in _YES else ()
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in CLOZE_MARKS:
            known = ", ".join(["true", "false", *CLOZE_MARKS])
            report.add("SETTING", source.path, 1, name="cloze", value=name, known=known)
    return tuple(name for name in names if name in CLOZE_MARKS)


class _Blocks:
    """Iterates over the blocks of a source, with the tags and headings that apply to each.

    Attributes:
        footnotes: label → text of the definitions met so far, which belong to no block.
    """

    def __init__(self, source: Source, report: Report) -> None:
        self._path = source.path
        self._report = report
        self._lines = _without_scheduling(source)
        self._index = 0
        self._tags: tuple[str, ...] = ()
        self._headings: list[tuple[int, str]] = []
        self._current: list[Line] = []
        self._problems: list[tuple[str, int]] = []
        self._ready: list[_Block] = []
        self._fence_around_separator: dict[str, int] = {}
        self.footnotes: dict[str, str] = {}
        # A search for a closing mark that reached the end of the file is never repeated: time stays linear.
        self._no_closing_comment: set[str] = set()

    def __iter__(self) -> Iterator[_Block]:
        while self._index < len(self._lines):
            self._take()
            yield from self._finished()
        self._close()
        yield from self._finished()

    def _finished(self) -> list[_Block]:
        ready, self._ready = self._ready, []
        return ready

    def _close(self) -> None:
        if self._current:
            headings = tuple(text for _, text in self._headings)
            self._ready.append(_Block(self._current, self._tags, headings, self._problems))
        self._current, self._problems = [], []

    def _keep(self, count: int, *, literal: bool) -> None:
        for line in self._lines[self._index : self._index + count]:
            self._current.append(Line(line.number, line.text, literal))
        self._index += count

    def _take(self) -> None:
        line = self._lines[self._index]
        stripped = _bare(line.text)
        if not stripped:
            self._close()
            self._index += 1
        elif not (
            self._take_comment(stripped)
            or self._take_heading(line.text)
            or self._take_tags(stripped)
            or self._take_footnote(line.text)
            or self._take_fence(line)
            or self._take_formula(line)
        ):
            self._keep(1, literal=False)

    def _take_comment(self, stripped: str) -> bool:
        """A comment that begins a line is skipped with all its lines, so that a card inside it is no card."""
        for opening, closing in (("<!--", "-->"), ("%%", "%%")):
            if not stripped.startswith(opening):
                continue
            if closing in stripped[len(opening) :]:
                if not stripped.endswith(closing):
                    return False  # text follows on the same line: an inline comment, dropped when the card is rendered
                self._index += 1
                return True
            end = None
            if opening not in self._no_closing_comment:
                end = self._find(self._index + 1, lambda text, closing=closing: closing in text)
            if end is None:
                if opening not in self._no_closing_comment:
                    self._report.add("COMMENT_OPEN", self._path, self._lines[self._index].number, mark=opening)
                self._no_closing_comment.add(opening)
                return False
            self._index = end + 1
            return True
        return False

    def _take_heading(self, text: str) -> bool:
        level = len(text) - len(text.lstrip("#"))
        if not 1 <= level <= 6 or text[level : level + 1] not in (" ", "\t"):
            return False
        self._close()
        title = text[level:].strip().rstrip("#").rstrip()
        words = title.split()
        tags = list(itertools.takewhile(lambda word: word.startswith("#"), reversed(words)))[::-1]
        if _names_deck(tags):
            self._tags = _tag_names(tags)
            title = " ".join(words[: len(words) - len(tags)])
        self._headings = [(outer, name) for outer, name in self._headings if outer < level]
        self._headings.append((level, title))
        self._index += 1
        return True

    def _take_tags(self, stripped: str) -> bool:
        if self._current or not _TAG_LINE.fullmatch(stripped):
            return False
        self._tags = _tag_names(stripped.split())
        self._index += 1
        return True

    def _take_footnote(self, text: str) -> bool:
        """``[^1]: text`` with its indented further lines; shown below the cards that refer to it."""
        match = _FOOTNOTE.match(text) if text.startswith("[^") else None
        if not match:
            return False
        parts = [match[2].strip()]
        self._index += 1
        while self._index < len(self._lines):
            more = self._lines[self._index].text
            if not more.strip() or not more.startswith(("\t", "  ")) or _is_separator(more):
                break
            parts.append(more.strip())
            self._index += 1
        self.footnotes.setdefault(match[1], " ".join(parts))
        return True

    def _take_fence(self, line: Line) -> bool:
        match = _FENCE.match(line.text)
        if not match or (match[1][0] == "`" and "`" in match[2]):
            return False
        mark, length = match[1][0], min(len(match[1]), _LONGEST_FENCE)
        holds_separator = False
        for index in range(self._index + 1, len(self._lines)):
            text = _QUOTE.sub("", self._lines[index].text, count=1).rstrip()
            if text.startswith(mark * length):
                if _FENCE_END.fullmatch(text.lstrip(mark)):
                    if holds_separator:
                        self._fence_around_separator.setdefault(mark, line.number)
                    self._keep(index - self._index + 1, literal=True)
                    return True
                if mark == "~" or "`" not in text.lstrip(mark):
                    # A fence that opens inside an open one: the first was never closed, or it would show its own end.
                    self._report.add("FENCE_OPEN", self._path, line.number)
                    return False
            holds_separator = holds_separator or _is_separator(text)
        # With an odd number of bare fences the last one seems open; one that swallowed a card is the likelier culprit.
        self._report.add("FENCE_OPEN", self._path, self._fence_around_separator.get(mark, line.number))
        return False

    def _take_formula(self, line: Line) -> bool:
        """A ``$$`` that is not closed on its own line: the formula's lines belong together, blank or not."""
        if "$$" not in line.text:
            return False
        text = _CODE_SPAN.sub("", line.text)
        if text.replace("\\$", "").count("$$") % 2 == 0:
            return False
        begins_line = _after_list_marker(text).startswith("$$")
        for index in range(self._index + 1, len(self._lines)):
            candidate = self._lines[index].text
            if "$$" in candidate:
                self._keep(index - self._index + 1, literal=True)
                return True
            blank = not candidate.strip()
            if _is_separator(candidate) or (blank and not begins_line):
                break
        if begins_line:
            self._report.add("MATH_OPEN", self._path, line.number)
        else:
            self._problems.append(("MATH_OPEN", line.number))
        return False

    def _find(self, start: int, wanted: Callable[[str], bool]) -> int | None:
        return next((index for index in range(start, len(self._lines)) if wanted(self._lines[index].text)), None)


def _without_scheduling(source: Source) -> list[Line]:
    """The body without the plugin's scheduling comments; a line that held nothing else is gone, not blank."""
    lines = []
    for number, text in enumerate(source.lines[source.body :], source.body + 1):
        if "<!--SR:" in text:
            rest = _SCHEDULING.sub("", text)
            if not rest.strip():
                continue
            text = rest
        lines.append(Line(number, text))
    return lines


def _bare(text: str) -> str:
    """The text of a line without the spaces around it, those that nobody sees included."""
    return text.strip().strip(_ZERO_WIDTH).strip()


def _is_separator(text: str) -> bool:
    return _bare(text) in _SEPARATORS


def _tag_names(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(tag.lstrip("#") for tag in tags)


def _names_deck(tags: Iterable[str]) -> bool:
    return any(tag.split("/")[0] in DECK_TAGS for tag in _tag_names(tags))


def _after_list_marker(text: str) -> str:
    return re.sub(r"^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*", "", text)


def _report_problems(block: _Block, source: Source, report: Report) -> None:
    for code, line in block.problems:
        report.add(code, source.path, line)


def _split_at_second_separator(block: _Block, source: Source, report: Report) -> Iterable[list[Line]]:
    """One list of lines per card: a numbered question right under an answer shows that a blank line was forgotten."""
    starts = [0]
    for separator in block.separators[1:]:
        question = separator - 1
        if question > starts[-1] and not block.lines[question].literal and _NUMBER.match(block.lines[question].text):
            report.add("NO_BLANK_LINE", source.path, block.lines[question].number)
            starts.append(question)
        else:
            report.add("SECOND_SEPARATOR", source.path, block.lines[separator].number)
    return [block.lines[start:end] for start, end in zip(starts, [*starts[1:], len(block.lines)], strict=True)]


def _read_card(lines: list[Line], block: _Block, source: Source, report: Report) -> Card | None:
    separator = next(index for index, line in enumerate(lines) if line.separates)
    first = lines[0].number
    if sum(len(line.text) + 1 for line in lines) > MAX_CARD_CHARACTERS:
        report.add("CARD_TOO_LONG", source.path, first, limit=MAX_CARD_CHARACTERS)
        return None
    question_lines, answer_lines = _without_rules(lines[:separator]), _without_rules(lines[separator + 1 :])
    end_line = (answer_lines or lines)[-1].number
    card_id, answer_lines = _take_id(answer_lines, source, report)
    tags, question_lines = _take_deck_tags(question_lines)
    number, question = _take_number(_passage(question_lines))
    answer = _passage(answer_lines)
    if not question.text.strip():
        report.add("EMPTY_QUESTION", source.path, lines[separator].number)
        return None
    if not answer.text.strip():
        report.add("EMPTY_ANSWER", source.path, lines[separator].number)
        return None
    return Card(
        file=source.path,
        line=first,
        end_line=end_line,
        question=question,
        answer=answer,
        id=card_id,
        both_ways=_bare(lines[separator].text) == "??",
        number=number,
        tags=tags or block.tags,
        headings=block.headings,
    )


def _read_short_forms(block: _Block, inline: bool, cloze: Sequence[str], source: Source, report: Report) -> list[Card]:
    """The cards of a block without ``?``: one per line with ``::``, and the deletions of each run of other lines."""
    cards: list[Card] = []
    others: list[Line] = []
    for line in [*block.lines, None]:
        parts = inline_parts(line.text) if inline and line and not line.literal else None
        if line and not parts:
            others.append(line)
            continue
        if cloze:
            cards += _read_fill_ins(others, block, cloze, source, report)
        others = []
        if line and parts:
            cards += _read_inline(line, parts, block, source, report)
    return cards


def _read_inline(line: Line, parts: tuple[str, str, bool], block: _Block, source: Source, report: Report) -> list[Card]:
    question, answer, both_ways = parts
    if len(line.text) > MAX_CARD_CHARACTERS:
        report.add("CARD_TOO_LONG", source.path, line.number, limit=MAX_CARD_CHARACTERS)
        return []
    card_id, answer_lines = _take_id([Line(line.number, answer)], source, report)
    tags, question_lines = _take_deck_tags([Line(line.number, _after_list_marker(question + " "))])
    passages = [_passage(question_lines), _passage(answer_lines)]
    if not all(passage.text for passage in passages):
        report.add("INLINE_EMPTY", source.path, line.number)
        return []
    context = {"tags": tags or block.tags, "headings": block.headings}
    return [
        Card(source.path, line.number, line.number, *passages, id=card_id, both_ways=both_ways, short=True, **context)
    ]


def _read_fill_ins(
    lines: list[Line], block: _Block, cloze: Sequence[str], source: Source, report: Report
) -> list[Card]:
    lines = _without_rules(lines)
    signs = [sign for name in cloze for sign in CLOZE_MARKS[name]]
    if not any(sign in line.text for line in lines for sign in signs):
        return []
    first, end_line = lines[0].number, lines[-1].number
    if sum(len(line.text) + 1 for line in lines) > MAX_CARD_CHARACTERS:
        report.add("CARD_TOO_LONG", source.path, first, limit=MAX_CARD_CHARACTERS)
        return []
    quiet = Report(report.strict, report.own)  # an id that is no id matters only if the text turns out to be a card
    card_id, lines = _take_id(lines, source, quiet)
    tags, lines = _take_deck_tags(lines)
    number, passage = _take_number(_passage(lines))
    literal = {line.number: line.literal for line in lines}
    try:
        gaps = fill_ins(passage.text, [literal[line] for line in passage.lines], cloze)
    except ValueError:
        report.add("CLOZE_MANY", source.path, first, limit=MAX_DELETIONS)
        return []
    cards = [
        Card(
            source.path,
            first,
            end_line,
            Passage(question, passage.lines),
            Passage(answer, passage.lines),
            id=f"{card_id}-{which}" if card_id else "",
            number=number,
            tags=tags or block.tags,
            headings=block.headings,
            short=True,
            cloze=which,
            asked=asked,
        )
        for which, question, answer, asked in gaps
    ]
    if cards:
        report.issues += quiet.issues
    return cards


def _take_deck_tags(lines: list[Line]) -> tuple[tuple[str, ...], list[Line]]:
    """Tags in front of a question, if one of them names a deck: they hold for this card instead of the tag line."""
    match = _LEADING_TAGS.match(lines[0].text) if lines else None
    if not match or not _names_deck(match[0].split()):
        return (), lines
    return _tag_names(match[0].split()), [Line(lines[0].number, lines[0].text[match.end() :]), *lines[1:]]


def _without_rules(lines: list[Line]) -> list[Line]:
    """Without the horizontal rules at both ends: they part cards from each other."""
    begin, end = 0, len(lines)
    while begin < end and _is_rule(lines[begin]):
        begin += 1
    while begin < end and _is_rule(lines[end - 1]):
        end -= 1
    return lines[begin:end]


def _is_rule(line: Line) -> bool:
    return not line.literal and _RULE.fullmatch(line.text) is not None


def _with_footnotes(passage: Passage, footnotes: Mapping[str, str]) -> Passage:
    labels = dict.fromkeys(_FOOTNOTE_MARK.findall(passage.text)) if footnotes and "[^" in passage.text else {}
    return replace(passage, footnotes=tuple((label, footnotes[label]) for label in labels if label in footnotes))


def _take_id(answer: list[Line], source: Source, report: Report) -> tuple[str, list[Line]]:
    """The ``^card-id`` that ends the answer, and the answer without it."""
    if not answer:
        return "", answer
    last = answer[-1]
    text = last.text.rstrip()
    match = _BLOCK_ID.search(text[-120:])
    if not match:
        return "", answer
    if not CARD_ID.fullmatch(match[1]):
        # Obsidian makes block ids like ^37066d by itself: no text of the answer, but no id of ours either.
        report.add("BAD_ID", source.path, last.number, id=match[1])
    rest = text[: len(text) - (len(match[0]))].rstrip()
    kept = answer[:-1] + ([Line(last.number, rest, last.literal)] if rest.strip() else [])
    return (match[1] if CARD_ID.fullmatch(match[1]) else ""), kept


def _passage(lines: list[Line]) -> Passage:
    """The lines without their common indent and without Obsidian's block ids; blank lines at either end are gone."""
    texts = textwrap.dedent("\n".join(_without_block_id(line) for line in lines)).split("\n") if lines else []
    numbers = [line.number for line in lines]
    while texts and not texts[0].strip():
        del texts[0], numbers[0]
    while texts and not texts[-1].strip():
        del texts[-1], numbers[-1]
    return Passage("\n".join(texts), tuple(numbers))


def _without_block_id(line: Line) -> str:
    """Obsidian marks a line that something links to with `` ^a1b2c3`` at its end, and shows nothing of it."""
    text = line.text.rstrip()
    match = _BLOCK_ID.search(text[-120:]) if not line.literal and "^" in text[-120:] else None
    return text[: len(text) - len(match[0])].rstrip() if match and match[0] != text else text


def _take_number(question: Passage) -> tuple[int | None, Passage]:
    """A leading ``12.`` is the question's number, unless another line has one too: then the question is a list."""
    match = _NUMBER.match(question.text)
    if not match or any(_NUMBER.match(line) for line in question.text.split("\n")[1:]):
        return None, question
    return int(match[1]), Passage(question.text[match.end() :], question.lines)


def _report_stray_text(blocks: list[_Block], are_cards: list[bool], source: Source, report: Report) -> None:
    """Text of no card: normal prose in somebody's notes unless it stands between two cards; a slip in our own files."""
    if report.own:
        suspects = range(len(blocks))
    elif True in are_cards:
        last = len(are_cards) - 1 - are_cards[::-1].index(True)
        suspects = range(are_cards.index(True), last)
    else:
        return
    for index in suspects:
        if not are_cards[index]:
            lines = _without_rules(blocks[index].lines)
            if lines:
                report.add("STRAY_TEXT", source.path, lines[0].number)


def _report_numbers(cards: list[Card], source: Source, report: Report) -> None:
    """Gaps and repeats in the numbering, each where it is met."""
    previous = None
    for card in cards:
        if card.number is None:
            continue
        if previous is not None and card.number != previous + 1:
            report.add("NUMBERS", source.path, card.line, number=card.number, previous=previous)
        previous = card.number
