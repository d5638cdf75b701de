"""What the two builds have in common: a card with its id becomes the notes that Anki stores."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.cards.identity import note_guid
from course_lib.cards.package import Note
from course_lib.cards.parsing import Card
from course_lib.cards.rendering import Renderer, is_blank
from course_lib.cards.report import Report

REVERSED = "~reversed"
"""Added to the id for the GUID of the second direction of a ``??`` card; no card id can hold it."""


def rendered_fields(card: Card, card_id: str, source: str, renderer: Renderer, report: Report) -> dict[str, str]:
    """The fields of a card; a question or an answer that shows nothing (a comment, say) is reported."""
    fields = {
        "Question": renderer.field(card.question),
        "Answer": renderer.field(card.answer),
        "Source": source,
        "Id": card_id,
    }
    if not report.errors:  # otherwise a field may be empty because of an error that has been told
        for name, code in (("Question", "EMPTY_QUESTION"), ("Answer", "EMPTY_ANSWER")):
            if is_blank(fields[name]):
                report.add(code, card.file, card.line)
    return fields


def notes_of(
    card: Card, fields: dict[str, str], tags: Sequence[str], mtime: int, collection: str, language: str
) -> list[Note]:
    """One note, or two for a ``??`` card: the note type has one template, and a second would change every deck."""
    card_id = fields["Id"]
    notes = [Note(note_guid(collection, language, card_id), fields, tuple(tags), mtime)]
    if card.both_ways:
        swapped = {**fields, "Question": fields["Answer"], "Answer": fields["Question"]}
        notes.append(Note(note_guid(collection, language, card_id + REVERSED), swapped, tuple(tags), mtime))
    return notes
