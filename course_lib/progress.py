"""What a learner has done: lessons begun and run to their end, exercises tried and solved; ``course progress``.

The record is a journal outside the repository: one line of JSON for each thing that happened, ``{"what", "name",
"time"}``, written when it happens for the first time. Lines are only ever added, so that two kernels need no lock: what one
of them writes cannot undo what the other has written, a line that is torn or that a newer version wrote disturbs no other
line, and an exercise once solved stays solved. Nothing is written twice, so the file stays as short as the course. Only
the command, never a lesson, moves a file with lines that cannot be read out of the way.

``COURSE_PROGRESS`` names another file; empty or ``off``, it keeps nothing, which is how notebooks are built and checked.
Recording prints nothing and raises nothing: a lesson goes on without its record. Nothing here imports torch.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.bootstrap import ROOT
from course_lib.language import language, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from course_lib.cards.parsing import Card
    from course_lib.lessons import Lesson

VARIABLE = "COURSE_PROGRESS"
SHOWN_CARDS = 5

LESSON_STARTED, LESSON_ENDED = "lesson-started", "lesson-ended"
EXERCISE = {"todo": "exercise-seen", "wrong": "exercise-tried", "right": "exercise-solved"}
"""What the journal calls the statuses of :class:`course_lib.exercises.Status`."""

_CHECK = re.compile(r"^(\w+) = check\(\"([a-z0-9-]+)\", \1\)$", re.MULTILINE)


class State(StrEnum):
    """How far a lesson is run, or an exercise solved."""

    NONE = "none"
    BEGUN = "begun"
    DONE = "done"


MARKS = {State.NONE: "○", State.BEGUN: "◐", State.DONE: "●"}


# ---------------------------------------------------------------------------------------------------------- recording


def place() -> Path | None:
    """The file of the journal, or None where nothing is kept: it is switched off, or there is no home directory.

    ``COURSE_PROGRESS`` if it is set, a relative path being taken from the clone; otherwise a file in the folder where the
    platform keeps the data of programs.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        import platformdirs

        try:
            path = platformdirs.user_data_path("transformers-course", appauthor=False) / "progress.jsonl"
        except RuntimeError:  # no home directory; older versions return a path that begins with "~"
            return None
        return path if path.is_absolute() else None
    if named.strip().lower() in ("", "off"):
        return None
    named = os.path.expanduser(named)
    return None if named.startswith("~") else ROOT / named


def lesson_started(lesson: int | str) -> None:
    """Record that a lesson was begun: its number, or the name of a notebook that has none."""
    _record(LESSON_STARTED, key(lesson))


def lesson_ended(lesson: int | str) -> None:
    """Record that the last cell of a lesson was reached."""
    _record(LESSON_ENDED, key(lesson))


def exercise_checked(name: str, status: str) -> None:
    """Record the verdict on an answer: ``"todo"``, ``"wrong"`` or ``"right"``."""
    _record(EXERCISE[status], name)


def key(lesson: int | str) -> str:
    """What a lesson is called in the journal: ``"03"``, ``"primer"``."""
    return f"{lesson:02d}" if isinstance(lesson, int) else lesson


def _key_of(lesson: Lesson) -> str:
    return key(lesson.slug if lesson.number is None else lesson.number)


def _record(what: str, name: str) -> None:
    """Add a line to the journal, unless it says so already."""
    try:
        path = place()
        if path is None:
            return
        journal = _read(path)
        if any(entry.get("what") == what and entry.get("name") == name for entry in journal.entries):
            return
        line = json.dumps({"what": what, "name": name, "time": datetime.now(UTC).isoformat(timespec="seconds")})
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, (b"\n" if journal.torn else b"") + line.encode() + b"\n")
    except Exception:  # a full disk, a folder that may not be written, …: no reason to stop a lesson
        return


def _append(path: Path, content: bytes) -> None:
    """Add lines in one write, which a POSIX system never mixes with that of another process.

    Where a system gives no such promise a line may be lost; the next run of the lesson writes it again.
    """
    with path.open("ab", buffering=0) as file:
        file.write(content)


@dataclass(frozen=True)
class _Journal:
    """A journal as it stands in the file: what could be read, how many lines could not, whether the last has no end."""

    lines: tuple[bytes, ...] = ()
    entries: tuple[dict[str, Any], ...] = ()
    unreadable: int = 0
    torn: bool = False


def _read(path: Path) -> _Journal:
    """Read a journal; one that does not exist is empty. A last line without its end may be on its way: it is no fault."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _Journal()
    lines = content.split(b"\n")
    found = [(line, _entry(line)) for line in lines if line.strip()]
    readable = [(line, entry) for line, entry in found if entry is not None]
    torn = bool(lines[-1])
    unfinished = torn and _entry(lines[-1]) is None
    return _Journal(
        tuple(line for line, _ in readable),
        tuple(entry for _, entry in readable),
        len(found) - len(readable) - unfinished,
        torn,
    )


def _entry(line: bytes) -> dict[str, Any] | None:
    """The object that a line holds, known or not, or None if it holds none."""
    try:
        entry = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _sound_journal(path: Path) -> _Journal:
    """Read a journal; if lines of it cannot be read, keep the file aside and go on with the others in a new one.

    Of what a kernel writes in the same moment a line may stay in the file aside; its lesson writes it again.
    """
    journal = _read(path)
    if not journal.unreadable:
        return journal
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".broken")
    os.close(handle)
    aside = Path(name)
    try:
        os.replace(path, aside)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    moved = _read(aside)  # a kernel may have written to it meanwhile
    if moved.lines:
        _append(path, b"\n".join(moved.lines) + b"\n")
    return _read(path)


# ------------------------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class Record:
    """What the journal says.

    Attributes:
        path: the journal, whether it exists or not; None where nothing is kept.
        facts: pairs of what happened and the name of the lesson or exercise, in the order in which they came.
        broken: files that could not be read in full, kept beside the journal; the journal itself, if it cannot be moved.
    """

    path: Path | None
    facts: tuple[tuple[str, str], ...] = ()
    broken: tuple[Path, ...] = ()

    @property
    def writable(self) -> bool:
        """Whether something new can be recorded, as far as permissions tell."""
        if self.path is None:
            return False
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        return os.access(there, os.W_OK) and (there == self.path or there.is_dir())

    def lesson(self, name: str) -> State:
        """How far a lesson was run."""
        if (LESSON_ENDED, name) in self.facts:
            return State.DONE
        return State.BEGUN if (LESSON_STARTED, name) in self.facts else State.NONE

    def exercise(self, name: str) -> State:
        """How far an exercise was solved: begun once an answer was tried."""
        if (EXERCISE["right"], name) in self.facts:
            return State.DONE
        return State.BEGUN if (EXERCISE["wrong"], name) in self.facts else State.NONE

    def reached(self, name: str) -> bool:
        """Whether the cell of an exercise was run, with an answer or without."""
        return any((what, name) in self.facts for what in EXERCISE.values())


def load() -> Record:
    """Read the journal.

    Raises:
        OSError: if it exists and cannot be read.
    """
    path = place()
    if path is None:
        return Record(None)
    try:
        journal = _sound_journal(path)
    except OSError:  # the folder may not be written: what can be read of it still counts
        journal = _read(path)
    facts = [(entry.get("what"), entry.get("name")) for entry in journal.entries]
    known = [(what, name) for what, name in facts if isinstance(what, str) and isinstance(name, str)]
    return Record(path, tuple(dict.fromkeys(known)), (*([path] if journal.unreadable else ()), *_broken(path)))


def _broken(path: Path) -> Iterator[Path]:
    """What was kept aside of a journal."""
    yield from sorted(
        file for file in path.parent.glob("*.broken") if file.name.startswith(f"{path.name}.") and file.is_file()
    )


def forget(record: Record) -> list[Path]:
    """Delete the journal and what was kept aside of it; returns what was deleted.

    Raises:
        OSError: if a file cannot be deleted.
    """
    files = dict.fromkeys((record.path, *record.broken))
    there = [path for path in files if path is not None and path.exists()]
    for path in there:
        path.unlink()
    return there


@dataclass(frozen=True)
class Row:
    """A lesson and what was done of it; ``cards`` are its flashcards, in order, and ``deck`` the name of their deck."""

    lesson: Lesson
    state: State
    exercises: dict[str, State]
    cards: Sequence[Card] = ()
    deck: str = ""

    @property
    def title(self) -> str:
        """Number and title in the session's language; the primer has no number."""
        title = self.lesson.title[language()]
        return title if self.lesson.number is None else f"{self.lesson.number:02d} {title}"

    @property
    def begun(self) -> bool:
        """Whether something of it was done."""
        return self.state is not State.NONE or any(state is not State.NONE for state in self.exercises.values())

    @property
    def solved(self) -> int:
        """How many exercises are solved."""
        return sum(state is State.DONE for state in self.exercises.values())

    @property
    def unsolved(self) -> list[str]:
        """The names of the others."""
        return [name for name, state in self.exercises.items() if state is not State.DONE]


def exercises(lesson: Lesson) -> list[str]:
    """The names of a lesson's exercises, in order, from its source."""
    return [name for _, name in _CHECK.findall(lesson.source.read_text(encoding="utf-8"))]


def rows(record: Record) -> list[Row]:
    """The primer and the written lessons in their order, with what was done of each, in the session's language."""
    from course_lib import lessons
    from course_lib.cards.course import load_lessons
    from course_lib.cards.report import Report

    decks = {deck.number: deck for deck in load_lessons(ROOT, language(), Report(own=True))}
    table = []
    for lesson in (lessons.PRIMER, *lessons.LESSONS):
        if not lesson.written:
            continue
        deck = decks.get(lesson.number)
        names = exercises(lesson)
        state = record.lesson(_key_of(lesson))
        if deck is None and names and record.reached(names[-1]):
            state = State.DONE  # no questions at its end tell that it was reached; its last exercise does
        done = {one: record.exercise(one) for one in names}
        table.append(Row(lesson, state, done, deck.cards if deck else (), deck.deck if deck else ""))
    return table


def next_row(table: Sequence[Row]) -> Row | None:
    """The lesson to go on with: the furthest that was begun, the one after it if that is done; None if all are.

    A learner may begin anywhere, so lessons that were skipped come last; the primer is for those who look for it.
    """
    numbered = [row for row in table if row.lesson.number is not None]
    begun = [index for index, row in enumerate(numbered) if row.state is not State.NONE]
    furthest = begun[-1] if begun else 0
    ahead = [*numbered[furthest:], *numbered[:furthest]]
    return next((row for row in ahead if row.state is not State.DONE), None)


def last_ended(table: Sequence[Row], record: Record) -> Row | None:
    """The lesson with cards that was run to its end last: those cards come next."""
    order = {name: place for place, (what, name) in enumerate(record.facts) if what == LESSON_ENDED}
    ended = [row for row in table if row.cards and _key_of(row.lesson) in order]
    return max(ended, key=lambda row: order[_key_of(row.lesson)], default=None)


# ------------------------------------------------------------------------------------------------------ in the terminal


def print_progress(table: Sequence[Row], record: Record, console: Console) -> None:
    """The table of the lessons, what is open, what comes next, and where the record stands."""
    from rich.markup import escape

    from course_lib.cards.notebook import plain_markdown

    def line(text: str) -> None:
        console.print(escape(text), soft_wrap=True)

    console.print(_table(table))
    if not record.facts:
        line(say("progress.nothing"))
    for row in table:
        if row.begun and row.unsolved:
            line(say("progress.unsolved", lesson=row.title, names=", ".join(row.unsolved)))
    following = next_row(table)
    if following is not None and record.facts:
        line(say("progress.next", lesson=following.title))
    ended = last_ended(table, record)
    if ended is not None:
        line(say("progress.cards", lesson=ended.title, count=len(ended.cards), deck=ended.deck))
        for card in ended.cards[:SHOWN_CARDS]:
            line(f"  {card.id}: {plain_markdown(card.question.text, escape=False)}".replace("\n", " "))
        line(say("progress.deck"))
    for path in record.broken:
        line(say("progress.broken", path=path))
    if record.path is None:
        line(say("progress.off", variable=VARIABLE))
    else:
        line(say("progress.where" if record.writable else "progress.unwritable", path=record.path))


def _table(table: Sequence[Row]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, caption=say("progress.legend", **MARKS), caption_justify="left")
    shown.add_column(say("progress.head.lesson"))
    shown.add_column(say("progress.head.run"), no_wrap=True)
    shown.add_column(say("progress.head.exercises"), no_wrap=True)
    shown.add_column(say("progress.head.cards"), justify="right", no_wrap=True)
    for row in table:
        marks = " ".join(MARKS[state] for state in row.exercises.values())
        count = say("progress.solved", solved=row.solved, all=len(row.exercises))
        shown.add_row(
            escape(row.title),
            f"{MARKS[row.state]} {say(f'progress.run.{row.state}')}",
            f"{marks}  {count}" if row.exercises else "",
            str(len(row.cards) or ""),
        )
    return shown
