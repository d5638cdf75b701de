"""When each card last changed, and what became of it: the lock files.

Anki takes an update only if the note's own time grew. So every card has a time of its own, kept in a lock file together
with a hash of its rendered fields and tags, and the time moves only when the hash does.

**The course's lock** (``flashcards/lock.json``, committed) moves at a *release* only (:meth:`CourseLock.release`): a
changed card gets the time of the release. A plain build never writes it and still has to be the same bytes every time:
an unchanged card has its locked time, a changed one its locked time plus one second, a new one the time of the first
edition. That is newer than what learners have, so even an unreleased build brings them a changed card; a second change
before the release would not arrive until the release, whose time is newer than both. A release also notes the lesson of
every card, by which the next one sees that a card has moved. Nothing in a lock is ever deleted: a card that comes back
has its history.

**A learner's lock** (``<deck>.lock.json`` beside the note) is written by every build: it also keeps the text of each
question and answer, by which a card without an id is recognised after it was reworded, and where it stood. An entry
whose card is no longer in its note is marked ``gone``: only the very same question brings it back, since a card that
was reworded has always been there in the build before.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.identity import question_id
from course_lib.cards.package import replace_file

FIRST_EDITION = 1_795_392_000
"""The time of a card that no release has seen yet: 2026-11-23, before the first release."""

LEARNER_SUFFIX = ".lock.json"

_FORMAT = 1
_LEARNER_KEYS = {"file", "deck", "question", "answer", "hash", "mtime"}


class LockError(ValueError):
    """A lock file that is not one; better refused than overwritten, since it cannot be rebuilt.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, problem: object) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def content_hash(fields: Mapping[str, str], tags: Sequence[str]) -> str:
    """A hash of everything about a note that an update carries."""
    parts = [f"{name}={fields[name]}" for name in sorted(fields)]
    return hashlib.sha256("\x1f".join([*parts, "tags=" + " ".join(tags)]).encode()).hexdigest()[:16]


@dataclass
class CourseLock:
    """The times of the course's own cards, per language; and the deck names, which must not change either.

    Attributes:
        cards: language → id → ``{"hash": …, "mtime": …, "lesson": …}``; a lock from before has no lesson.
        decks: language → lesson → name of its deck.
        changed: ids whose content differs from the lock, or that it lacks, as far as :meth:`mtime` was asked.
    """

    path: Path
    cards: dict[str, dict[str, dict]] = field(default_factory=dict)
    decks: dict[str, dict[str, str]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> CourseLock:
        """The lock at ``path``, empty if there is none.

        Raises:
            LockError: if the file is not a lock.
        """
        data = _read(path)
        cards = data.get("cards", {})
        _check_entries(path, [entry for entries in cards.values() for entry in entries.values()], {"hash", "mtime"})
        return cls(path, cards, data.get("decks", {}))

    def mtime(
        self, language: str, card_id: str, content: str, release: int | None = None, lesson: int | None = None
    ) -> int:
        """When the card with this content hash changed last.

        Args:
            release: the time of the release that is being made, or ``None`` in a plain build.
            lesson: the lesson that the card belongs to; a release notes it.
        """
        entry = self.cards.get(language, {}).get(card_id)
        if entry and entry["hash"] == content:
            time = entry["mtime"]
        else:
            self.changed.append(card_id)
            unreleased = entry["mtime"] + 1 if entry else FIRST_EDITION
            time = unreleased if release is None else max(release, unreleased + 1)
        if release is not None:
            where = {} if lesson is None else {"lesson": lesson}
            self.cards.setdefault(language, {})[card_id] = {"hash": content, "mtime": time} | where
        return time

    def lesson(self, language: str, card_id: str) -> int | None:
        """The lesson in which the card was released last; ``None`` if that is not known."""
        return self.cards.get(language, {}).get(card_id, {}).get("lesson")

    def ids(self, language: str) -> list[str]:
        """Every id that was ever released."""
        return sorted(self.cards.get(language, {}))

    def release(self) -> None:
        """Write the lock."""
        _write(self.path, {"format": _FORMAT, "decks": self.decks, "cards": self.cards})


@dataclass
class LearnerLock:
    """The identities of a learner's cards.

    Attributes:
        collection, language: of the first build; they are part of every GUID, so they never change after.
        cards: id → ``{"file", "deck", "question", "answer", "hash", "mtime"}``, with ``"line"`` since that is kept, and
            ``"gone"``, the time of the build that no longer found the card.
    """

    path: Path
    collection: str
    language: str
    cards: dict[str, dict] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, collection: str, language: str) -> LearnerLock:
        """The lock at ``path``; a new one for this collection and language if there is none.

        Raises:
            LockError: if the file is not a lock.
        """
        data = _read(path)
        if data and not isinstance(data.get("collection"), str):
            raise LockError(path, "no collection")
        _check_entries(path, data.get("cards", {}).values(), _LEARNER_KEYS)
        return cls(path, data.get("collection", collection), data.get("language", language), data.get("cards", {}))

    def mtime(self, card_id: str, content: str, now: int) -> int:
        """When the card with this content hash changed last; ``now`` if it is new or has just changed."""
        entry = self.cards.get(card_id)
        if entry is None:
            return now
        return entry["mtime"] if entry["hash"] == content else max(now, entry["mtime"] + 1)

    def name_of(self, note: Path) -> str:
        """What the entries call a note: its path from the lock's folder, so that both can move together."""
        return _from_folder(note, self.path.parent)

    def has_file(self, name: str) -> bool:
        """Whether the note that entries call ``name`` is still there."""
        return (self.path.parent / name).exists()

    def save(self) -> None:
        """Write the lock."""
        data = {"format": _FORMAT, "collection": self.collection, "language": self.language, "cards": self.cards}
        _write(self.path, data)


def find_learner_locks(
    default: Path, notes: Sequence[Path], ids: Collection[str], questions: Collection[str]
) -> list[Path]:
    """The lock files beside the notes that know them, for a lock is named after a deck and a deck can be renamed.

    Args:
        default: the name that a new lock would get.
        ids, questions: the ids and the :func:`~course_lib.cards.identity.question_id` of the notes' cards, by which a
            renamed note is known.

    Returns:
        One path: ``default``, or the only lock with one of the notes in it (or, if there is none, the only one whose
        note has gone and had these cards). More than one if that leaves a choice.

    Raises:
        LockError: if a file that names a note is spoilt.
    """
    naming: dict[Path, set[str]] = {}
    renamed: list[Path] = []
    spelling = {unicodedata.normalize("NFC", str(default)): default}
    for folder in {note.resolve().parent: note.parent for note in notes}.values():
        for path in sorted(folder.glob(f"*{LEARNER_SUFFIX}")):
            path = spelling.get(unicodedata.normalize("NFC", str(path)), path)
            try:
                lock = LearnerLock.load(path, "", "")
            except LockError:
                # Other programs have lock files too; one that names the note is ours.
                if any(note.name in _text(path) for note in notes):
                    raise
                continue
            named = {entry["file"] for entry in lock.cards.values()} & {lock.name_of(note) for note in notes}
            if named:
                naming[path] = {str((path.parent / name).resolve()) for name in named}
            elif _had_these_cards(lock, ids, questions):
                renamed.append(path)
    if naming and all(files <= naming.get(default, set()) for files in naming.values()):
        return [default]
    if naming:
        return sorted(naming)
    return [default] if default in renamed or not renamed else renamed


def _had_these_cards(lock: LearnerLock, ids: Collection[str], questions: Collection[str]) -> bool:
    """Whether one of the notes in the lock has gone, and at least half of its cards (or of these) were these."""
    by_file: dict[str, list[bool]] = {}
    for card_id, entry in lock.cards.items():
        if "gone" not in entry and not lock.has_file(entry["file"]):
            is_here = card_id in ids or question_id(entry["question"]) in questions
            by_file.setdefault(entry["file"], []).append(is_here)
    return any(2 * sum(found) >= max(1, min(len(found), len(questions))) for found in by_file.values())


def _from_folder(path: Path, folder: Path) -> str:
    path = path.resolve()
    try:
        name = Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # another drive
        name = path.as_posix()
    return unicodedata.normalize("NFC", name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _read(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LockError(path, error) from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("cards"), dict):
        raise LockError(path, f"not a lock file of format {_FORMAT}")
    return data


def _check_entries(path: Path, entries: Iterable[object], keys: set[str]) -> None:
    for entry in entries:
        if not isinstance(entry, dict) or not keys <= set(entry) or not isinstance(entry["mtime"], int):
            raise LockError(path, f"an entry lacks one of {', '.join(sorted(keys))}")


def _write(path: Path, data: Mapping) -> None:
    content = (json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    if not path.exists() or path.read_bytes() != content:  # a file that did not change is not synchronised again
        replace_file(path, content)
