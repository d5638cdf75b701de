"""From rendered cards to an ``.apkg`` file that Anki imports without losing anybody's history.

What Anki does with a second import was found out by trying, and decides what is frozen here:

* a field added later, or a template renamed, freezes or doubles every note a learner has: so the seven fields, the
  template's name and all numbers below never change (``Spare`` is for the day when a field is missing);
* the style sheet and the templates' text may change, but arrive only if the note type's time grows:
  :data:`NOTE_TYPE_REVISED`, which a test holds to the hash of both;
* a note is updated only if its own time grew: :mod:`course_lib.cards.history` keeps one per card;
* a note without cards, a GUID twice, or ``\\x1f`` in a field spoil an import: checked before anything is written.

The package is written canonically (fixed dates, order, permissions; the three fields of the SQLite header that name the
writing library normalised), so that two builds of the same cards are byte-identical.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import genanki

from course_lib import files
from course_lib.cards.identity import note_id
from course_lib.cards.rendering import is_blank

FIELDS = ("Question", "Answer", "Hint", "Extra", "Source", "Id", "Spare")
NOTE_TYPE = "Transformers course"
NOTE_TYPE_ID = 1_795_466_731
TEMPLATE = "Question → Answer"

NOTE_TYPE_REVISED = 1_795_478_769
"""When the style sheet or a template last changed (seconds since 1970). Raise it with every change of either."""

NOTE_TYPE_FINGERPRINT = "32ac9ee58496a688"
"""Of the style sheet and the templates at that time; a test compares."""

_FRONT = '<div class="question">{{Question}}</div>{{#Hint}}<div class="hint">{{Hint}}</div>{{/Hint}}'
_BACK = (
    '{{FrontSide}}<hr id="answer"><div class="answer">{{Answer}}</div>'
    '{{#Extra}}<div class="extra">{{Extra}}</div>{{/Extra}}'
    '{{#Source}}<div class="source">{{Source}}</div>{{/Source}}'
)

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_SQLITE_CHANGE_COUNTER, _SQLITE_VALID_FOR, _SQLITE_VERSION = slice(24, 28), slice(92, 96), slice(96, 100)


class PackageError(ValueError):
    """A note that would spoil the import. The compiler's checks come first, so this names a fault of the compiler."""


@dataclass(frozen=True)
class Note:
    """What Anki stores of a card.

    Attributes:
        mtime: when its content last changed, in seconds since 1970.
    """

    guid: str
    fields: Mapping[str, str]
    tags: tuple[str, ...]
    mtime: int

    def field_values(self) -> list[str]:
        """All seven fields in their order.

        Raises:
            PackageError: if a field's name is unknown.
        """
        if not set(self.fields) <= set(FIELDS):
            raise PackageError(f"unknown field in {sorted(self.fields)}")
        return [self.fields.get(name, "") for name in FIELDS]


@dataclass
class Deck:
    name: str
    id: int
    notes: list[Note] = field(default_factory=list)


def style_sheet() -> str:
    """The cards' CSS, for day and night."""
    return resources.files("course_lib.cards").joinpath("card.css").read_text(encoding="utf-8")


def note_type_fingerprint() -> str:
    """A hash of everything in the note type that may change."""
    return hashlib.sha256("\x1f".join((style_sheet(), _FRONT, _BACK)).encode()).hexdigest()[:16]


def note_type() -> genanki.Model:
    """The note type of all our cards, in every deck and language."""
    return genanki.Model(
        NOTE_TYPE_ID,
        NOTE_TYPE,
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": TEMPLATE, "qfmt": _FRONT, "afmt": _BACK}],
        css=style_sheet(),
    )


def package_bytes(decks: Sequence[Deck], media: Mapping[str, bytes]) -> bytes:
    """The package that holds ``decks`` and their pictures.

    Args:
        media: name in the fields → content.

    Raises:
        PackageError: if a note would spoil the import.
    """
    check_notes([note for deck in decks for note in deck.notes])
    return _archive(_database(decks), media)


def write_package(output: Path, decks: Sequence[Deck], media: Mapping[str, bytes]) -> None:
    """Write :func:`package_bytes` to ``output``; an existing file is replaced only by a complete one.

    Raises:
        PackageError: if a note would spoil the import.
        OSError: if ``output`` cannot be written.
    """
    replace_file(output, package_bytes(decks, media))


def check_notes(notes: Sequence[Note]) -> None:
    """The faults that Anki does not report.

    Raises:
        PackageError: at the first of them.
    """
    guids: dict[str, str] = {}
    for note in notes:
        values = note.field_values()
        name = note.fields.get("Id", note.guid)
        if any("\x1f" in value for value in values):
            raise PackageError(f"{name}: the field separator \\x1f stands in a field")
        if is_blank(values[0]):
            raise PackageError(f"{name}: the question is empty, Anki would make a note without a card")
        if note.guid in guids:
            raise PackageError(f"{name}: the same GUID as {guids[note.guid]}")
        if note.mtime <= 0:
            raise PackageError(f"{name}: no time of its last change")
        guids[note.guid] = name


def replace_file(path: Path, content: bytes) -> None:
    """:func:`course_lib.files.replace_file`, which makes the folder, too, if there is none."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace_file(path, content)


class _StampedNote(genanki.Note):
    """A note that is written with its own time and number instead of those of the build."""

    def __init__(self, note: Note, model: genanki.Model, number: int, position: int) -> None:
        super().__init__(model, note.field_values(), guid=note.guid, tags=list(note.tags), due=position)
        self._mtime = note.mtime
        self._number = number

    def write_to_db(self, cursor: sqlite3.Cursor, timestamp: float, deck_id: int, id_gen: Iterator[int]) -> None:
        super().write_to_db(cursor, self._mtime, deck_id, itertools.count(self._number))


def _database(decks: Sequence[Deck]) -> bytes:
    """The collection as SQLite bytes."""
    model = note_type()
    used: set[int] = set()
    packed = []
    position = 0
    for deck in decks:
        anki_deck = genanki.Deck(deck.id, deck.name)
        for note in deck.notes:
            number = note_id(note.guid)
            while number in used:
                number += 16
            used.add(number)
            position += 1
            anki_deck.add_note(_StampedNote(note, model, number, position))
        packed.append(anki_deck)
    connection = sqlite3.connect(":memory:")
    try:
        genanki.Package(packed).write_to_db(connection.cursor(), NOTE_TYPE_REVISED, itertools.count(1))
        connection.commit()
        data = bytearray(connection.serialize())
    finally:
        connection.close()
    data[_SQLITE_CHANGE_COUNTER] = data[_SQLITE_VALID_FOR] = (1).to_bytes(4, "big")
    data[_SQLITE_VERSION] = (3_040_000).to_bytes(4, "big")
    return bytes(data)


def _archive(database: bytes, media: Mapping[str, bytes]) -> bytes:
    """The zip file that Anki calls a package: the collection, the pictures by number, and the table of their names."""
    names = sorted(media)
    table = json.dumps({str(number): name for number, name in enumerate(names)})
    members = [("collection.anki2", database), ("media", table.encode())]
    members += [(str(number), media[name]) for number, name in enumerate(names)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=9)
    return buffer.getvalue()
