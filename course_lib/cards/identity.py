"""What makes a card the same card next year: ids, the GUID that Anki knows it by, and reworded questions recognised.

Anki ties the review history to a note's GUID. genanki's default GUID is a hash of the fields, so that a corrected
typo would be a new card; ours depends on nothing that is ever corrected.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import genanki

KEEPS_ID_AT = 0.5
"""Least mean similarity of question and answer at which a reworded card of a learner's note keeps its id."""

LEAD = 0.2
"""How much more like its earlier self than like any other card a reworded card has to be, if it has moved as well.

Where all cards follow a few patterns, one new card in eight would take the id of a removed one if the likeness alone
counted. With the lead and the places 2 of about 1650 did in twenty simulated years
(``tests/cards/test_cards_year.py``), and 98 % of the reworded cards kept their ids.
"""

SAME_QUESTION = 0.75
"""What an unchanged question counts at least, whatever its answer: only a closer rewording takes the id from it."""

_SPLIT_SHARE = 0.75
_SPLIT_WORDS = 3
# A card was split off another if so large a share of its answer stood in the other's, which is shorter now. Fewer words
# say nothing.

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


def similarity(one: tuple[str, str], other: tuple[str, str]) -> float:
    """How alike two cards (question, answer) are, 0 to 1: the mean of their questions' and their answers' likeness.

    Words are compared, not letters: two unrelated Russian sentences share half of their letters, but hardly a word.
    """
    return _similarity(_word_lists(one), _word_lists(other))


def match_reworded(
    before: Mapping[str, tuple[str, str]],
    now: Mapping[Key, tuple[str, str]],
    least: float = KEEPS_ID_AT,
    lead: float = LEAD,
    kept: Iterable[tuple[str, str]] = (),
    in_place: Callable[[Key, str], bool] = lambda key, card_id: False,
) -> dict[Key, tuple[str, float]]:
    """Which of the cards ``now`` is which of those ``before``: ``{now's key: (before's id, similarity)}``.

    Args:
        before: id → (question, answer) of cards that are missing from the note.
        now: any key → (question, answer) of cards that have no id yet.
        least: below this similarity two cards are two cards.
        lead: by how much the best of all earlier cards must be ahead of the second best.
        kept: earlier cards that are not missing. A card that is as much like one of them as like a missing one does
            but follow the pattern of its neighbours ("What does … do in BERT?"): it is new.
        in_place: whether a card (by its key) stands where that of an id stood; then it needs no lead.

    The most similar pair is taken first and each card is used once. A question that stayed as it was is the same card
    whatever became of its answer, unless a reworded card is much closer (:data:`SAME_QUESTION`).
    """
    earlier = {card_id: _word_lists(text) for card_id, text in before.items()}
    questions = {card_id: question_id(question) for card_id, (question, _) in before.items()}
    matched: dict[Key, tuple[str, float]] = {}
    taken: set[str] = set()
    ids = {question: card_id for card_id, question in questions.items()}
    for key, text in now.items():  # with hundreds of new answers, comparing all with all would take its time
        card_id = ids.get(question_id(text[0]))
        value = _similarity(_word_lists(text), earlier[card_id]) if card_id and card_id not in taken else 0.0
        if value > SAME_QUESTION:
            matched[key] = (card_id, value)
            taken.add(card_id)
    present = [*(_word_lists(text) for text in kept), *(earlier.pop(card_id) for card_id in taken)]
    pairs: list[tuple[float, int, str, Key]] = []
    for order, (key, text) in enumerate(now.items()):
        if key in matched:
            continue
        words, question = _word_lists(text), question_id(text[0])
        likeness = {card_id: _similarity(words, other) for card_id, other in earlier.items()}
        others = (_similarity(words, other) for other in present)
        first, second, *_ = *heapq.nlargest(2, [*likeness.values(), *others]), 0.0, 0.0
        for card_id, value in likeness.items():
            if questions[card_id] == question:
                pairs.append((-max(value, SAME_QUESTION), order, card_id, key))
            elif value >= least and value == first and (value - second >= lead or in_place(key, card_id)):
                pairs.append((-value, order, card_id, key))
    pairs.sort(key=lambda pair: pair[:3])
    for negative, _, card_id, key in pairs:
        if key not in matched and card_id not in taken:
            matched[key] = (card_id, -negative)
            taken.add(card_id)
    return matched


def share_split_off(part: str, before: str, after: str) -> float:
    """How much of what a text has lost stands in ``part``, 0 to 1; 0 unless ``part`` is made of the text's words.

    Args:
        part: the answer of a new card.
        before, after: the answer of a card whose words it may have got, in the last build and now.
    """
    from rapidfuzz.distance import Indel, LCSseq

    words, old, new = word_list(part), word_list(before), word_list(after)
    if min(len(words), len(old) - len(new)) < _SPLIT_WORDS or LCSseq.similarity(words, old) < _SPLIT_SHARE * len(words):
        return 0.0
    lost = [old[step.src_pos] for step in Indel.editops(old, new) if step.tag == "delete"]
    return LCSseq.similarity(words, lost) / len(lost)


def _word_lists(card: tuple[str, str]) -> tuple[list[str], list[str]]:
    return word_list(card[0]), word_list(card[1])


def _similarity(one: tuple[list[str], list[str]], other: tuple[list[str], list[str]]) -> float:
    from rapidfuzz.distance import Indel

    return (Indel.normalized_similarity(one[0], other[0]) + Indel.normalized_similarity(one[1], other[1])) / 2


def browser_search(note_type: str, deck: str, ids: Sequence[str]) -> str:
    """The search for Anki's browser that finds the cards with these ids; empty if there are none."""
    if not ids:
        return ""
    return in_deck(note_type, deck) + " (" + " OR ".join(f"Id:{card_id}" for card_id in sorted(ids)) + ")"


def in_deck(note_type: str, deck: str) -> str:
    """The search for all notes of a type in a deck and the decks below it; ``*`` is any deck."""
    if deck != "*":
        deck = re.sub(r'([\\"*_])', r"\\\1", deck)  # what Anki's searches give a meaning
    return f'"note:{note_type}" "deck:{deck}"'


def _hash_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
