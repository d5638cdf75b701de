"""Flashcards: Markdown → checked → rendered → an Anki package.

The modules stand in the order of the work: :mod:`reading` (bytes to text), :mod:`parsing` (text to cards),
:mod:`rendering` with :mod:`markdown`, :mod:`tex` and :mod:`media` (cards to fields), :mod:`identity` and
:mod:`history` (which card is which, and when it changed), :mod:`package` (fields to a file). :mod:`course` compiles
the course's own decks, held to :mod:`lint` and :mod:`numbers`; :mod:`notes` compiles a learner's notes, with
:mod:`short_forms` and :mod:`vault` for what Obsidian adds, and :mod:`marking` writes ids into them; :mod:`statistics`
counts cards; :mod:`notebook` shows them in the lessons.
Nothing here imports torch, and only a picture of the counts imports matplotlib: a deck builds in a second.
"""

from __future__ import annotations

from course_lib.cards.course import compile_course, retired_search
from course_lib.cards.notebook import key_questions, recall
from course_lib.cards.notes import compile_notes
from course_lib.cards.report import Issue, Report

__all__ = ["Issue", "Report", "compile_course", "compile_notes", "key_questions", "print_report", "recall",
           "retired_search"]  # fmt: skip


def print_report(report: Report) -> int:
    """Print a report's findings and its closing line; returns the exit status (0, 1 or 2)."""
    for line in report.lines():
        print(line)
    print(report.summary())
    return report.exit_code
