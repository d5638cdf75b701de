"""The numbers on our own cards are those that the lessons print.

A figure that a lesson computes may change when the lesson does; on a card it would stay behind, unseen. So every number
of a card with a decimal point or at least three digits has to stand, as precisely as the card gives it, in a stored
output of the section that the card links to, once that lesson is built. What is no result of ours (a year, a size that
the question sets, 768) is listed by card in ``flashcards/constants.toml``::

    cost-quadratic = ["2000", "500"]

so that a card stays plain Markdown, and somebody has looked at each number that no lesson vouches for.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

from course_lib.cards.lint import shown_text
from course_lib.cards.parsing import Card
from course_lib.cards.report import Report

CONSTANTS_FILE = "constants.toml"
LEAST_DIGITS = 3
"""A whole number of fewer digits is a count or a step more often than a result, and too common to be told apart."""

_SPACES = "\u00a0\u2009\u202f"
_SEPARATORS = {"en": ("," + _SPACES, "."), "ru": (" " + _SPACES, ".,")}  # of thousands, of decimals
_IN_TEX = (("{,}", ","), ("{.}", "."), (r"\,", "\u2009"))
_PRINTED = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d{1,3}(?!\d))?", re.IGNORECASE)
_HEADING = re.compile(r"(#{1,6})\s")
_SHOWS_CARDS = re.compile(r"^\s*(?:key_questions|recall)\(", re.MULTILINE)


def lint_numbers(
    root: Path, language: str, page: str, cards: Sequence[Card], anchors: Mapping[str, str], report: Report
) -> None:
    """Report every number of a lesson's cards that its notebook does not print; nothing if it is not built yet.

    Args:
        root: of the repository.
        page: the lesson's file name without suffix.
        anchors: id of a card → id of the cell at which its section begins.
    """
    constants = read_constants(root / "flashcards" / CONSTANTS_FILE)
    notebook = root / "notebooks" / ("" if language == "en" else language) / f"{page}.ipynb"
    printed = printed_numbers(notebook) if notebook.exists() else None
    for card in cards:
        numbers = [*numbers_in(card.question.text, language), *numbers_in(card.answer.text, language)]
        exempt = [Decimal(number) for number in constants.get(card.id, ())]
        for number in exempt:
            if number not in numbers:
                report.add("CONSTANT_UNUSED", card.file, card.line, number=number)
        if printed is None:
            continue
        section = printed.get(anchors.get(card.id, ""), set())
        for number in dict.fromkeys(numbers):
            if number not in exempt and not _stands_in(number, section):
                where = f"{page}#{anchors.get(card.id, '')}"
                report.add("NUMBER_DRIFTED", card.file, card.line, number=number, section=where)


def numbers_in(markdown: str, language: str) -> list[Decimal]:
    """The numbers of a text that a lesson has to vouch for, in order."""
    thousands, decimals = _SEPARATORS[language]
    text = shown_text(markdown)
    for written, meant in _IN_TEX:
        text = text.replace(written, meant)
    pattern = rf"(?<![\w.,])(\d{{1,3}}(?:[{thousands}]\d{{3}})+(?!\d)|\d+)(?:[{decimals}](\d+))?(?!\w)"
    found = []
    for whole, part in re.findall(pattern, text):
        digits = "".join(character for character in whole if character.isdigit())
        if part or len(digits) >= LEAST_DIGITS:
            found.append(Decimal(f"{digits}.{part}" if part else digits))
    return found


def printed_numbers(notebook: Path) -> dict[str, set[Decimal]]:
    """Id of each cell → the numbers printed from there to the end of its section (a heading of its rank or higher).

    What shows the cards themselves does not count, since it would vouch for anything; nor what differs between runs.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    levels = [_level(cell) for cell in cells]
    numbers = [_numbers_printed(cell) for cell in cells]
    found: dict[str, set[Decimal]] = {}
    for index, cell in enumerate(cells):
        rank = levels[index] or max((level for level in levels if level), default=6)
        end = next((later for later in range(index + 1, len(cells)) if 0 < levels[later] <= rank), len(cells))
        found[cell.get("id", "")] = set().union(*numbers[index:end])
    return found


def read_constants(path: Path) -> dict[str, list[str]]:
    """The numbers that no lesson computes, by card.

    Raises:
        ValueError: if the file is not TOML, or an entry is no list of numbers written as text.
    """
    if not path.exists():
        return {}
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for card_id, numbers in table.items():
        if not isinstance(numbers, list) or not all(re.fullmatch(r"\d+(?:\.\d+)?", str(one)) for one in numbers):
            raise ValueError(f'{path}: {card_id} must read {card_id} = ["768", "0.5"]')
    return table


def _level(cell: Mapping) -> int:
    """The rank of the heading that a cell begins with; 0: none."""
    match = _HEADING.match("".join(cell["source"])) if cell["cell_type"] == "markdown" else None
    return len(match[1]) if match else 0


def _numbers_printed(cell: Mapping) -> set[Decimal]:
    tags = cell.get("metadata", {}).get("tags", ())
    if _SHOWS_CARDS.search("".join(cell["source"])) or "nbval-ignore-output" in tags:
        return set()
    found: set[Decimal] = set()
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        texts = [output.get("text", ""), *(data.get(kind, "") for kind in ("text/plain", "text/markdown"))]
        for text in texts:
            for match in _PRINTED.findall("".join(text)):
                found |= set(_readings(match))
    return found


def _readings(printed: str) -> Iterable[Decimal]:
    """What a printed run of digits, points and commas may mean: ``2,000`` is two thousand, 2.000, or 2 and 0."""
    mantissa, _, exponent = printed.lower().partition("e")
    power = Decimal(10) ** int(exponent) if exponent else Decimal(1)
    parts = re.split(r"[.,]", mantissa)
    yield from (Decimal(part) for part in parts)
    yield from (Decimal(f"{whole}.{part}") * power for whole, part in zip(parts, parts[1:], strict=False))
    if len(parts) > 1 and all(len(part) == 3 for part in parts[1:]):
        yield Decimal("".join(parts))
    elif len(parts) == 1:
        yield Decimal(parts[0]) * power


def _stands_in(number: Decimal, printed: Iterable[Decimal]) -> bool:
    """Whether a printed number is ``number`` when rounded to as many places."""
    places = Decimal(1).scaleb(number.as_tuple().exponent)
    return any(
        one.quantize(places, rounding) == number
        for one in printed
        if abs(one - number) <= places
        for rounding in (ROUND_HALF_EVEN, ROUND_HALF_UP)
    )
