"""What makes a card the same card next year: ids, the GUID that Anki knows it by, and reworded questions recognised.

Anki ties the review history to a note's GUID. genanki's default GUID is a hash of the fields, so that a corrected
typo would be a new card; ours depends on nothing that is ever corrected.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeVar

import genanki

KEEPS_ID_AT = 0.5
"""Least mean similarity of question and answer at which a reworded card of a learner's note keeps its id."""

_NOTE_ID_EPOCH = 1_600_000_000_000
_NOTE_ID_STEP = 16  # a note's own id, and room for its cards' ids after it
_NOTE_ID_SLOTS = 5_000_000_000

Key = TypeVar("Key")


def note_guid(collection: str, language: str, card_id: str) -> str:
    """The GUID of a card: a function of the deck's collection, its language and the card's id, and of nothing else."""
    return genanki.guid_for(collection, language, card_id)


def note_id(guid: str) -> int:
    """A number for the note's row. Anki replaces it if it is taken; it only has to be the same in every build."""
    return _NOTE_ID_EPOCH + _hash_number(f"note {guid}") % _NOTE_ID_SLOTS * _NOTE_ID_STEP


def deck_id(name: str) -> int:
    """A number for a learner's deck, from its name. The course's own decks have fixed numbers instead."""
    return (1 << 30) + _hash_number(f"deck {name}") % (1 << 30)


def question_id(question: str) -> str:
    """The id of a card whose author gave none: a hash of the question's words, as they are written.

    Capitals count here, since "What is K?" and "What is k?" may both be asked; a question that only changed them is
    still recognised, by :func:`match_reworded`.
    """
    return "q-" + hashlib.sha256(" ".join(_words(question)).encode()).hexdigest()[:12]


def word_list(text: str) -> list[str]:
    """The words and symbols of a text in one spelling, for comparing: neither commas nor capitals matter.

    A text of punctuation only is its own single word.
    """
    return _words(unicodedata.normalize("NFKC", text).casefold())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[<>=+^\\/-]", text) or [text.strip()]


def match_reworded(
    before: Mapping[str, tuple[str, str]], now: Mapping[Key, tuple[str, str]], least: float = KEEPS_ID_AT
) -> dict[Key, tuple[str, float]]:
    """Which of the cards ``now`` is which of those ``before``: ``{now's key: (before's id, similarity)}``.

    Args:
        before: id → (question, answer) of cards that are missing from the note.
        now: any key → (question, answer) of cards that have no id yet.
        least: below this mean similarity of question and answer two cards are two cards.

    The most similar pair is taken first and each card is used once. Words are compared, not letters: two unrelated
    Russian sentences share half of their letters, but hardly a word.
    """
    from rapidfuzz.distance import Indel

    old_words = {key: (word_list(question), word_list(answer)) for key, (question, answer) in before.items()}
    pairs: list[tuple[float, int, str, Key]] = []
    for order, (key, (question, answer)) in enumerate(now.items()):
        question_words, answer_words = word_list(question), word_list(answer)
        for old, (old_question, old_answer) in old_words.items():
            similarity = (
                Indel.normalized_similarity(question_words, old_question)
                + Indel.normalized_similarity(answer_words, old_answer)
            ) / 2
            if similarity >= least:
                pairs.append((-similarity, order, old, key))
    pairs.sort(key=lambda pair: pair[:3])
    matched: dict[Key, tuple[str, float]] = {}
    taken: set[str] = set()
    for negative, _, old, key in pairs:
        if key not in matched and old not in taken:
            matched[key] = (old, -negative)
            taken.add(old)
    return matched


def browser_search(note_type: str, deck: str, ids: Sequence[str]) -> str:
    """The search for Anki's browser that finds the cards with these ids; empty if there are none."""
    if not ids:
        return ""
    deck = deck.replace('"', '\\"')
    return f'"note:{note_type}" "deck:{deck}" (' + " OR ".join(f"Id:{card_id}" for card_id in sorted(ids)) + ")"


def _hash_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
