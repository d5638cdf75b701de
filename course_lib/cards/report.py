"""What the compiler has to say: one line per finding, and the exit status that follows from all of them.

A line reads ``file:line: level CODE message``, the form that editors and CI turn into a link. The level belongs to the
code and not to the place that reports it, so that one table, :data:`LEVELS`, says what stops a build. The messages
themselves stand in the catalogue under ``cards.issue.<CODE>``, in both languages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from course_lib.language import say

ERROR, WARNING, INFO = "error", "warning", "info"

LEVELS: dict[str, str] = {
    # reading a file
    "UNREADABLE": ERROR,
    "TOO_BIG": ERROR,
    "ENCODING": ERROR,
    "UTF16": ERROR,
    "MOJIBAKE": WARNING,
    "MOJIBAKE_REFUSED": ERROR,
    "CONTROL_CHARACTERS": WARNING,
    # finding the cards in it
    "FENCE_OPEN": ERROR,
    "MATH_OPEN": ERROR,
    "COMMENT_OPEN": WARNING,
    "SECOND_SEPARATOR": ERROR,
    "NO_BLANK_LINE": WARNING,
    "EMPTY_QUESTION": ERROR,
    "EMPTY_ANSWER": ERROR,
    "STRAY_TEXT": INFO,
    "NUMBERS": INFO,
    "CARD_TOO_LONG": ERROR,
    "NO_CARDS": ERROR,
    "SETTING": WARNING,
    "INLINE_EMPTY": WARNING,
    "CLOZE_MANY": WARNING,
    # identity
    "BAD_ID": INFO,
    "NO_ID": ERROR,
    "DUPLICATE_ID": ERROR,
    "RETIRED_ID": ERROR,
    "ID_KEPT": INFO,
    "ID_CHANGED": WARNING,
    "ID_REUSED": WARNING,
    "DECK_MOVED": INFO,
    "CARD_MOVED": INFO,
    "CARD_SPLIT": INFO,
    "CARDS_GONE": INFO,
    "IDS_WRITTEN": INFO,
    "IDS_NOT_WRITTEN": WARNING,
    "LOCK_FOUND": INFO,
    "LOCKS_SEVERAL": ERROR,
    "LOCK_BROKEN": ERROR,
    "EMBEDS_BROKEN": ERROR,
    "UNWRITABLE": ERROR,
    # rendering
    "TOO_DEEP": ERROR,
    "TEX": ERROR,
    "LINK_DROPPED": INFO,
    "PICTURE_PATH": ERROR,
    "ACTIVE_SVG": ERROR,
    "PICTURE_TOO_BIG": ERROR,
    "NOT_A_PICTURE": WARNING,
    "MISSING_PICTURE": WARNING,
    "REMOTE_PICTURE": WARNING,
    "EMBED_TYPE": WARNING,
    "PICTURE_AMBIGUOUS": WARNING,
    "PICTURE_PICKED": INFO,
    "VAULT_SETTINGS": WARNING,
    "VAULT_OUTSIDE": WARNING,
    "VAULT_TOO_LARGE": INFO,
    # the course's own decks
    "LESSON": ERROR,
    "DECK_RENAMED": ERROR,
    "VANISHED": WARNING,
    "RETIRED": INFO,
    "UNRELEASED": INFO,
    "NO_SECTION": ERROR,
    "UNKNOWN_SECTION": ERROR,
    "NOT_IN_OTHER_LANGUAGE": ERROR,
    "LANGUAGES_DIFFER": ERROR,
    # the numbers that a card of ours keeps to
    "NO_KIND": ERROR,
    "KEY_WORDS": ERROR,
    "KEY_BULLETS": ERROR,
    "QUESTION_WORDS": ERROR,
    "QUESTION_MARKS": ERROR,
    "ANSWER_WORDS": ERROR,
    "FORMULAS": ERROR,
    "PICTURES": ERROR,
    "DRAW_PICTURE": ERROR,
    "DRAW_CHECKLIST": ERROR,
    "YES_NO": ERROR,
    "LIST_ALL": ERROR,
    "PRONOUN": WARNING,
    "TERM_TWICE": WARNING,
    "NUMBER_DRIFTED": ERROR,
    "CONSTANT_UNUSED": WARNING,
    "FEW_ATOMS": WARNING,
    "FEW_WHY": ERROR,
}
"""The level of every code. A code that is not here cannot be reported."""

RAISED_BY_STRICT = frozenset({"MISSING_PICTURE", "REMOTE_PICTURE", "EMBED_TYPE", "NOT_A_PICTURE", "PICTURE_AMBIGUOUS"})
"""Warnings that ``--strict`` makes errors: the deck would be complete but for a placeholder."""

RAISED_IN_OWN_FILES = frozenset({"STRAY_TEXT", "BAD_ID"})
"""What is normal in somebody's notes, and a slip in a file that holds cards only."""

USAGE_CODES = frozenset({"UNREADABLE", "NO_CARDS"})
"""Errors that say "this is not an input for me": exit status 2."""


@dataclass(frozen=True)
class Issue:
    """One finding. ``line`` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    level: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level} {self.code} {self.message}"


@dataclass
class Report:
    """The findings of one build and what it wrote.

    Attributes:
        strict: pictures that cannot be packed are errors.
        own: the input is the course's own cards.
        output: the package that was written, or ``None`` when nothing was.
        cards: how many cards were found.
        retired_search: the search for Anki's browser that finds the cards that this deck has dropped; may be empty.
    """

    strict: bool = False
    own: bool = False
    issues: list[Issue] = field(default_factory=list)
    output: Path | None = None
    cards: int = 0
    media: int = 0
    retired_search: str = ""

    def add(self, code: str, file: str | Path, line: int = 0, /, **values: object) -> None:
        """Record a finding.

        Raises:
            KeyError: if ``code`` is not in :data:`LEVELS`, or its message needs a value that is not given.
        """
        level = LEVELS[code]
        if (self.strict and code in RAISED_BY_STRICT) or (self.own and code in RAISED_IN_OWN_FILES):
            level = ERROR
        self.issues.append(Issue(str(file), line, level, code, say(f"cards.issue.{code}", **values)))

    @property
    def errors(self) -> list[Issue]:
        return [issue for issue in self.issues if issue.level == ERROR]

    @property
    def exit_code(self) -> int:
        """0: written, maybe with warnings; 1: errors, nothing written; 2: no such file, or no card in it."""
        codes = {issue.code for issue in self.errors}
        if not codes:
            return 0
        return 2 if codes <= USAGE_CODES else 1

    def codes(self) -> list[str]:
        """The codes in the order in which they were found; handy in tests."""
        return [issue.code for issue in self.issues]

    def lines(self) -> list[str]:
        """The findings as printable lines, in the order of the files and their lines."""
        order = {file: index for index, file in enumerate(dict.fromkeys(issue.file for issue in self.issues))}
        return [str(issue) for issue in sorted(self.issues, key=lambda issue: (order[issue.file], issue.line))]

    def summary(self) -> str:
        """One closing line: what was written, or why nothing was."""
        if self.output is None:
            return say("cards.summary.nothing", errors=len(self.errors))
        return say("cards.summary.written", file=self.output, cards=self.cards, media=self.media)
