"""When each card last changed, and what became of it: the lock files.

Anki takes an update only if the note's own time grew. So every card has a time of its own, kept in a lock file together
with a hash of its rendered fields and tags, and the time moves only when the hash does.

**The course's lock** (``flashcards/lock.json``, committed) moves at a *release* only (:meth:`CourseLock.release`): a
changed card gets the time of the release. A plain build never writes it and still has to be the same bytes every time:
an unchanged card has its locked time, a changed one its locked time plus one second, a new one the time of the first
edition. That is newer than what learners have, so even an unreleased build brings them a changed card; a second change
before the release would not arrive until the release, whose time is newer than both. Nothing in a lock is ever deleted:
a card that comes back has its history.

**A learner's lock** (``<deck>.lock.json`` beside the note) is written by every build: it also keeps the text of each
question and answer, by which a card without an id is recognised after it was reworded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.cards.package import replace_file

FIRST_EDITION = 1_795_392_000
"""The time of a card that no release has seen yet: 2026-11-23, before the first release."""

_FORMAT = 1
_LEARNER_KEYS = {"file", "deck", "question", "answer", "hash", "mtime"}


class LockError(ValueError):
    """A lock file that is not one; better refused than overwritten, since it cannot be rebuilt."""


def content_hash(fields: Mapping[str, str], tags: Sequence[str]) -> str:
    """A hash of everything about a note that an update carries."""
    parts = [f"{name}={fields[name]}" for name in sorted(fields)]
    return hashlib.sha256("\x1f".join([*parts, "tags=" + " ".join(tags)]).encode()).hexdigest()[:16]


@dataclass
class CourseLock:
    """The times of the course's own cards, per language; and the deck names, which must not change either.

    Attributes:
        cards: language → id → ``{"hash": …, "mtime": …}``.
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

    def mtime(self, language: str, card_id: str, content: str, release: int | None = None) -> int:
        """When the card with this content hash changed last.

        Args:
            release: the time of the release that is being made, or ``None`` in a plain build.
        """
        entry = self.cards.get(language, {}).get(card_id)
        if entry and entry["hash"] == content:
            return entry["mtime"]
        self.changed.append(card_id)
        if entry is None:
            time = FIRST_EDITION if release is None else release
        else:
            time = entry["mtime"] + 1 if release is None else max(release, entry["mtime"] + 1)
        if release is not None:
            self.cards.setdefault(language, {})[card_id] = {"hash": content, "mtime": time}
        return time

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
        cards: id → ``{"file", "deck", "question", "answer", "hash", "mtime"}``.
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
            raise LockError(f"{path}: no collection")
        _check_entries(path, data.get("cards", {}).values(), _LEARNER_KEYS)
        return cls(path, data.get("collection", collection), data.get("language", language), data.get("cards", {}))

    def mtime(self, card_id: str, content: str, now: int) -> int:
        """When the card with this content hash changed last; ``now`` if it is new or has just changed."""
        entry = self.cards.get(card_id)
        if entry is None:
            return now
        return entry["mtime"] if entry["hash"] == content else max(now, entry["mtime"] + 1)

    def save(self) -> None:
        """Write the lock."""
        data = {"format": _FORMAT, "collection": self.collection, "language": self.language, "cards": self.cards}
        _write(self.path, data)


def _read(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LockError(f"{path}: {error}") from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("cards"), dict):
        raise LockError(f"{path}: not a lock file of format {_FORMAT}")
    return data


def _check_entries(path: Path, entries: Iterable[object], keys: set[str]) -> None:
    for entry in entries:
        if not isinstance(entry, dict) or not keys <= set(entry) or not isinstance(entry["mtime"], int):
            raise LockError(f"{path}: an entry lacks one of {', '.join(sorted(keys))}")


def _write(path: Path, data: Mapping) -> None:
    replace_file(path, (json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())
