"""From clean text to cards: the multi-line syntax of the Obsidian plugin *spaced repetition*.

A block is a run of lines up to a blank one. A block with a line that is just ``?`` is a card: question above, answer
below (``??``: asked in both directions). Everything here is one pass over the lines; nothing looks at Markdown inside
a card, except at what decides where a card ends: code fences, ``$$`` blocks and comments.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.reading import Source
from course_lib.cards.report import Report

MAX_CARD_CHARACTERS = 50_000
"""A longer block is no card; the limit keeps the time of every later step within a second."""

CARD_ID = re.compile(r"[a-z][a-z0-9-]{2,40}")

_TAG_LINE = re.compile(r"#[^\s#]+(?:\s+#[^\s#]+)*")
_NUMBER = re.compile(r"\s{0,3}(\d{1,3})[.)](?:\s+|$)")
_SCHEDULING = re.compile(r"\s?<!--SR:[^<>\n]*-->")
_FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}|~{3,})([^\n]*)")
_CODE_SPAN = re.compile(r"`+[^`]*`+")
_FENCE_END = re.compile(r"\s*(?:\s\^[A-Za-z0-9_-]+)?")
_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9_-]{3,})$")
_QUOTE = re.compile(r"[\s>]*")
_SEPARATORS = ("?", "??")
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
        return not self.literal and self.text.strip() in _SEPARATORS


@dataclass(frozen=True)
class Passage:
    """A question or an answer: its text and, for each of its lines, the line of the file it came from."""

    text: str
    lines: tuple[int, ...]

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
    """All cards of ``source`` in order. What is wrong is reported, and the other cards are still returned."""
    blocks = list(_Blocks(source, report))
    are_cards = [bool(block.separators) for block in blocks]
    cards: list[Card] = []
    for block, is_card in zip(blocks, are_cards, strict=True):
        if is_card:
            for code, line in block.problems:
                report.add(code, source.path, line)
            for part in _split_at_second_separator(block, source, report):
                card = _read_card(part, block, source, report)
                if card:
                    cards.append(card)
    _report_stray_text(blocks, are_cards, source, report)
    _report_numbers(cards, source, report)
    return cards


class _Blocks:
    """Iterates over the blocks of a source, with the tags and headings that apply to each."""

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
        stripped = line.text.strip()
        if not stripped:
            self._close()
            self._index += 1
        elif not (
            self._take_comment(stripped)
            or self._take_heading(line.text)
            or self._take_tags(stripped)
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
        self._headings = [(outer, name) for outer, name in self._headings if outer < level]
        self._headings.append((level, title))
        self._index += 1
        return True

    def _take_tags(self, stripped: str) -> bool:
        if self._current or not _TAG_LINE.fullmatch(stripped):
            return False
        self._tags = tuple(word.lstrip("#") for word in stripped.split())
        self._index += 1
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
            holds_separator = holds_separator or text in _SEPARATORS
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
            if candidate.strip() in _SEPARATORS or (blank and not begins_line):
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


def _after_list_marker(text: str) -> str:
    return re.sub(r"^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*", "", text)


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
    answer_lines = lines[separator + 1 :]
    end_line = lines[-1].number
    card_id, answer_lines = _take_id(answer_lines, source, report)
    question = _passage(lines[:separator])
    number, question = _take_number(question)
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
        both_ways=lines[separator].text.strip() == "??",
        number=number,
        tags=block.tags,
        headings=block.headings,
    )


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
    """The lines without their common indent; blank lines at either end are gone."""
    texts = textwrap.dedent("\n".join(line.text.rstrip() for line in lines)).split("\n") if lines else []
    numbers = [line.number for line in lines]
    while texts and not texts[0].strip():
        del texts[0], numbers[0]
    while texts and not texts[-1].strip():
        del texts[-1], numbers[-1]
    return Passage("\n".join(texts), tuple(numbers))


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
            report.add("STRAY_TEXT", source.path, blocks[index].lines[0].number)


def _report_numbers(cards: list[Card], source: Source, report: Report) -> None:
    """Gaps and repeats in the numbering, each where it is met."""
    previous = None
    for card in cards:
        if card.number is None:
            continue
        if previous is not None and card.number != previous + 1:
            report.add("NUMBERS", source.path, card.line, number=card.number, previous=previous)
        previous = card.number
