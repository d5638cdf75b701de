"""Claims: what the notes say, and what a lesson measured about it.

The table of all claims is ``claims.toml`` next to this module: one ``[[claim]]`` per row of the notes, with its
verdict and the lesson that executes it. A lesson calls :func:`claim` beside the measurement and ends with
:func:`ledger`. Nothing here imports torch.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from course_lib.language import LANGUAGES, language, say
from course_lib.tables import show_table

VERDICTS = ("confirmed", "refined", "corrected", "corrected in part", "measured", "explained", "answered")
#: The shape of the one line that :func:`claim` prints, in any language: id, verdict, measurement.
LINE = re.compile(r"^\[(?P<id>\d+\.\d+)\] (?P<verdict>[^·\n]+) · (?P<measured>.+)$", re.MULTILINE)
#: A duration changes from machine to machine, so it can stand in no compared output.
_DURATION = re.compile(r"\d\s*(?:s|ms|µs|us|ns|sec|secs|seconds?|minutes?)\b")

_measured: dict[str, list[str]] = {}


@dataclass(frozen=True)
class Row:
    """One row of the table of claims; ``statement`` and ``finding`` are ``{"en": …, "ru": …}``."""

    id: str
    lesson: int
    executed_in: int
    verdict: str
    statement: dict[str, str]
    finding: dict[str, str]

    @property
    def executable(self) -> bool:
        """Whether some lesson has to run it: every row but the explained ones."""
        return self.verdict != "explained"


@cache
def rows() -> tuple[Row, ...]:
    """All rows of ``claims.toml``, in its order.

    Raises:
        ValueError: if an id stands twice or does not belong to its lesson, a verdict is none of :data:`VERDICTS`, a
            text lacks a language, or a row has a field that :class:`Row` does not know.
    """
    text = resources.files("course_lib").joinpath("claims.toml").read_text(encoding="utf-8")
    table = []
    for entry in tomllib.loads(text).get("claim", []):
        try:
            row = Row(**entry)
        except TypeError as error:
            raise ValueError(f"claims.toml: {entry.get('id', '?')}: {error}") from None
        if not re.fullmatch(r"\d+\.\d+", row.id) or row.id.split(".")[0] != str(row.lesson):
            raise ValueError(
                f"claims.toml: {row.id}: an id is LESSON.NUMBER, and this row stands in lesson {row.lesson}"
            )
        if row.verdict not in VERDICTS:
            raise ValueError(
                f"claims.toml: {row.id}: unknown verdict {row.verdict!r}: use one of {', '.join(VERDICTS)}"
            )
        for field in ("statement", "finding"):
            if set(getattr(row, field)) != set(LANGUAGES):
                raise ValueError(f"claims.toml: {row.id}: {field} needs exactly the languages {', '.join(LANGUAGES)}")
        table.append(row)
    ids = [row.id for row in table]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"claims.toml: {', '.join(twice)} more than once")
    return tuple(table)


def find(id: str) -> Row:
    """The row with this id.

    Raises:
        KeyError: if there is none.
    """
    for row in rows():
        if row.id == id:
            return row
    raise KeyError(f"no claim {id!r} in claims.toml")


def verdict_word(verdict: str) -> str:
    """The verdict in the session's language."""
    return say(f"verdict.{verdict.replace(' ', '-')}")


def claim(id: str, *, holds: bool, measured: str) -> None:
    """State that a claim was tested here: print one line ``[3.8] corrected in part · <measured>`` and remember it.

    Args:
        id: a row of ``claims.toml`` that the running lesson executes.
        holds: whether the measurement supports the row's verdict: a bool, or a one-element array or tensor of bool.
        measured: the figures behind the verdict, on one line: counts and values, never a duration.

    Raises:
        KeyError: if no row has this id.
        ValueError: if another lesson executes the row, nothing is to be executed (``explained``), or ``measured`` is
            empty, longer than a line, or names a duration.
        TypeError: if ``holds`` is not a truth value; a list, say, would count as true whatever it holds.
        AssertionError: if the claim does not hold; then nothing is printed.
    """
    from course_lib.session import current_lesson

    row = find(id)
    if not row.executable:
        raise ValueError(f"claim {id} is explained in prose: there is nothing to execute")
    if current_lesson() != row.executed_in:
        raise ValueError(f"claim {id} is executed in lesson {row.executed_in}, this is lesson {current_lesson()}")
    if not isinstance(measured, str) or not measured.strip() or "\n" in measured:
        raise ValueError(f"claim {id}: `measured` is one line of text with the figures")
    if _DURATION.search(measured):
        raise ValueError(f"claim {id}: {measured!r} names a duration, which differs between machines; count operations")
    truth = holds.item() if hasattr(holds, "item") else holds
    if not isinstance(truth, bool):
        raise TypeError(f"claim {id}: `holds` must be True or False, not {type(holds).__name__}")
    if not truth:
        raise AssertionError(f"claim {id} does not hold: {measured}")
    remembered = _measured.setdefault(id, [])
    if measured not in remembered:  # a cell may be run again
        remembered.append(measured)
    print(say("claim.line", id=id, verdict=verdict_word(row.verdict), measured=measured))


def of_lesson(lesson: int) -> tuple[Row, ...]:
    """The rows that a lesson deals with: its own, and those of other lessons that it executes; in the table's order."""
    return tuple(row for row in rows() if lesson in (row.lesson, row.executed_in))


def _found(row: Row, lesson: int, measured: list[str]) -> str:
    """The last column of the ledger: the right statement, and what this session measured."""
    parts = [row.finding[language()]] if row.finding[language()] else []
    if measured:
        parts.append("; ".join(measured))
    elif row.executable and row.executed_in != lesson:
        parts.append(say("ledger.elsewhere", lesson=f"{row.executed_in:02d}"))
    elif row.executable:
        parts.append(say("ledger.not-run"))
    elif not parts:
        parts.append(say("ledger.nothing-to-run"))
    return " · ".join(parts)


def ledger(lesson: int) -> None:
    """Show the lesson's claims as a table: id, what the notes say, the verdict, what was found in this session."""
    table = [
        (row.id, row.statement[language()], verdict_word(row.verdict), _found(row, lesson, _measured.get(row.id, [])))
        for row in of_lesson(lesson)
    ]
    head = ("", say("ledger.head.statement"), say("ledger.head.verdict"), say("ledger.head.found"))
    show_table(head, table)


def lines_of(cell: dict[str, Any]) -> Iterator[re.Match[str]]:
    """The lines that :func:`claim` printed, in the outputs of a notebook's cell; the ledger's table is none of them."""
    for output in cell.get("outputs", []):
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            yield from LINE.finditer("".join(output["text"]))


def _lines(notebook: Path) -> Iterator[re.Match[str]]:
    """The lines that :func:`claim` printed, in the outputs of a notebook."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        yield from lines_of(cell)


def printed(notebook: Path) -> dict[str, list[str]]:
    """The claims that a committed notebook printed: ``{id: [measured, …]}``, read from its outputs."""
    found: dict[str, list[str]] = {}
    for match in _lines(notebook):
        found.setdefault(match["id"], []).append(match["measured"])
    return found


def unfinished(lesson: int, notebook: Path, lang: str) -> list[str]:
    """Why a written lesson is not done with its claims, in words; nothing if it is.

    Every row that the lesson executes stands in an output of the notebook, with the verdict of the table in the
    notebook's language, and no other does; every row that it settles has its finding.
    """
    from course_lib.language import catalogue

    wanted = {row.id: row for row in rows() if row.executed_in == lesson and row.executable}
    found = {match["id"]: match["verdict"] for match in _lines(notebook)}
    name = notebook.name
    missing = [f"claim {id} belongs to lesson {lesson}, {name} does not print it" for id in wanted if id not in found]
    missing += [f"{name} prints claim {id}, which is not of lesson {lesson}" for id in found if id not in wanted]
    for id, verdict in found.items():
        right = catalogue()[f"verdict.{wanted[id].verdict.replace(' ', '-')}"][lang] if id in wanted else verdict
        if verdict != right:
            missing.append(f"{name} prints claim {id} as {verdict!r}, the table says {right!r}")
    for row in rows():
        if row.executed_in == lesson and not all(row.finding.values()):
            missing.append(f"claim {row.id} has no finding, though lesson {lesson} is written")
    return missing
