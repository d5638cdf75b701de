"""The *crossing* corpus: sentences in which only the meaning tells what *it* refers to.

Two parts, both generated from a seed:

* ``"place"``: "The animal didn't cross the street because it was too tired / too wide." One noun can be tired, the other
  can be wide; every adjective fits exactly one of the two.
* ``"roles"``: "The wolf chased the hare because it was hungry / defenceless." Both nouns could be either; the verb and
  the order of the nouns decide who hunts whom, and the adjective names the role.

The twin of a sentence differs from it in the adjective alone and has the other referent, so a reader who ignores the
adjective is right on exactly one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

AGENTS = tuple(
    "animal ant badger bat bear beaver beetle boar camel cat cow crab deer dog donkey duck fox frog goat goose hare"
    " hedgehog hen horse kitten lamb lizard lynx monkey mouse ox panda pig pony puppy rabbit raccoon rat sheep snail"
    " spider squirrel swan toad tortoise turkey wolf".split()
)
"""47 living things; each can be tired, none can be wide."""

PLACES = {
    "paved": "alley avenue boulevard bridge courtyard crossroads highway lane motorway road runway square street".split(),
    "wild": "beach clearing desert field glacier gorge meadow moor plain ravine valley".split(),
    "water": "canal creek estuary fjord lake marsh pond river stream swamp".split(),
}
"""34 places by kind; the kind decides which adjectives fit."""

AGENT_ADJECTIVES = tuple(
    "afraid anxious bored careful cautious clumsy confused cowardly distracted dizzy drowsy exhausted feeble frightened"
    " hesitant ill impatient lame lazy nervous scared shy sick sleepy startled stubborn suspicious thirsty timid tired"
    " upset weary worried young".split()
)
_ANYWHERE = "broad foggy misty stormy vast wide windswept windy".split()
PLACE_ADJECTIVES = {
    "paved": tuple(_ANYWHERE + "congested crowded flooded icy potholed slippery".split()),
    "wild": tuple(_ANYWHERE + "rocky rugged steep stony trackless uneven".split()),
    "water": tuple(_ANYWHERE + "choppy deep murky polluted turbulent".split()),
}

HUNTER_ADJECTIVES = tuple("bloodthirsty ferocious fierce greedy hungry predatory ravenous starving".split())
QUARRY_ADJECTIVES = tuple("defenceless harmless helpless unarmed unprotected vulnerable weak".split())

CROSSING_VERBS = (("didn't", "cross"), ("couldn't", "cross"), ("wouldn't", "cross"), ("avoided",))
HUNTING_VERBS = (("chased",), ("hunted",), ("attacked",))  # the subject hunts
FLEEING_VERBS = (("fled", "from"), ("hid", "from"), ("escaped", "from"))  # the subject is hunted
OPENINGS = ((), ("yesterday",), ("that", "night"), ("in", "the", "morning"))

PAD = "<pad>"
HELD_OUT_SHARE = 0.2
_SPLIT_SEED = 2017  # one split for the whole course: a pair held out in one lesson is held out in all


@dataclass(frozen=True)
class Sentence:
    """One sentence with its answer.

    Attributes:
        tokens: the words, lower case, with the full stop.
        it: position of the pronoun.
        nouns: positions of the two nouns it could refer to, in the order of the text.
        referent: position of the one it refers to.
        adjective: position of the adjective.
    """

    tokens: tuple[str, ...]
    it: int
    nouns: tuple[int, int]
    referent: int
    adjective: int

    def __str__(self) -> str:
        text = " ".join(self.tokens).replace(" ,", ",").replace(" .", ".")
        return text[0].upper() + text[1:]


@cache
def _pairs(kind: str, held_out: bool) -> tuple[tuple[str, str], ...]:
    if kind == "place":
        every = [(agent, place) for agent in AGENTS for places in PLACES.values() for place in places]
    else:
        every = [(one, other) for i, one in enumerate(AGENTS) for other in AGENTS[i + 1 :]]
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(every))
    cut = round(len(every) * HELD_OUT_SHARE)
    return tuple(every[i] for i in sorted(order[:cut] if held_out else order[cut:]))


def noun_pairs(kind: str = "place", pairs: str = "train") -> tuple[tuple[str, str], ...]:
    """The noun pairs of one side of the split; in ``"roles"`` a pair is held out in both orders.

    Raises:
        ValueError: for a kind other than ``"place"``, ``"roles"`` or a side other than ``"train"``, ``"held-out"``.
    """
    if kind not in ("place", "roles"):
        raise ValueError(f"unknown kind {kind!r}: use 'place' or 'roles'")
    if pairs not in ("train", "held-out"):
        raise ValueError(f"unknown side of the split {pairs!r}: use 'train' or 'held-out'")
    return _pairs(kind, pairs == "held-out")


def twins(count: int, seed: int, kind: str = "place", pairs: str = "train") -> list[tuple[Sentence, Sentence]]:
    """``count`` pairs of sentences that differ in the adjective alone and have different referents.

    In each pair *it* refers to the first noun of the text in the first sentence, to the second in the other.

    Args:
        count: how many pairs.
        seed: of NumPy's generator; the same seed gives the same sentences everywhere.
        kind: ``"place"`` or ``"roles"``.
        pairs: ``"train"`` or ``"held-out"`` noun pairs (every single noun occurs in both).

    Raises:
        ValueError: see :func:`noun_pairs`.
    """
    rng = np.random.default_rng(seed)
    allowed = noun_pairs(kind, pairs)

    def pick(options: Sequence):
        return options[rng.integers(len(options))]

    result = []
    for _ in range(count):
        first, second = pick(allowed)
        if kind == "place":
            surface = next(s for s, places in PLACES.items() if second in places)
            verb = pick(CROSSING_VERBS)
            of_first, of_second = pick(AGENT_ADJECTIVES), pick(PLACE_ADJECTIVES[surface])
        else:
            if rng.integers(2):
                first, second = second, first
            verb = pick(HUNTING_VERBS + FLEEING_VERBS)
            of_first, of_second = pick(HUNTER_ADJECTIVES), pick(QUARRY_ADJECTIVES)
            if verb in FLEEING_VERBS:
                of_first, of_second = pick(QUARRY_ADJECTIVES), pick(HUNTER_ADJECTIVES)
        degree = ("too",) if kind == "place" else ()
        opening = pick(OPENINGS)
        reason_first = bool(rng.integers(4) == 0)
        result.append(
            tuple(
                assemble(opening, first, verb, second, (*degree, adjective), reason_first, referent)
                for adjective, referent in ((of_first, 0), (of_second, 1))
            )
        )
    return result


def assemble(opening, first, verb, second, description, reason_first, referent) -> Sentence:
    main = [*opening, "the", first, *verb, "the", second]
    reason = ["because", "it", "was", *description]
    if reason_first:
        tokens, shift_main, shift_reason = [*reason, ",", *main, "."], len(reason) + 1, 0
    else:
        tokens, shift_main, shift_reason = [*main, *reason, "."], 0, len(main)
    nouns = (shift_main + len(opening) + 1, shift_main + len(main) - 1)
    return Sentence(tuple(tokens), shift_reason + 1, nouns, nouns[referent], shift_reason + len(reason) - 1)


def example() -> tuple[Sentence, Sentence]:
    """The two sentences that gave the corpus its name: too tired (the animal), too wide (the street)."""
    tired, wide = (
        assemble((), "animal", ("didn't", "cross"), "street", ("too", adjective), False, referent)
        for referent, adjective in enumerate(("tired", "wide"))
    )
    return tired, wide


def sentences(count: int, seed: int, kind: str = "place", pairs: str = "train") -> list[Sentence]:
    """``count`` single sentences, each an independent draw: one of a fresh pair of twins. Arguments as :func:`twins`."""
    side = np.random.default_rng([seed, 1]).integers(2, size=count)
    return [pair[s] for pair, s in zip(twins(count, seed, kind, pairs), side, strict=True)]


def exchange_nouns(sentence: Sentence) -> Sentence:
    """The sentence with its two nouns in each other's place; the referent keeps its place, so it is the other noun."""
    tokens = list(sentence.tokens)
    first, second = sentence.nouns
    tokens[first], tokens[second] = tokens[second], tokens[first]
    return replace(sentence, tokens=tuple(tokens))


@cache
def vocabulary() -> tuple[str, ...]:
    """Every token of both parts in alphabetical order, behind the padding token, which has id 0."""
    words = {"the", "because", "it", "was", "too", ",", "."}
    words.update(AGENTS, AGENT_ADJECTIVES, HUNTER_ADJECTIVES, QUARRY_ADJECTIVES)
    for group in (
        *PLACES.values(),
        *PLACE_ADJECTIVES.values(),
        *CROSSING_VERBS,
        *HUNTING_VERBS,
        *FLEEING_VERBS,
        *OPENINGS,
    ):
        words.update(group)
    return (PAD, *sorted(words))


def encode(texts: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids, padded to the longest sentence.

    Returns:
        ids (B, T) and lengths (B,), both int64.
    """
    index = {word: i for i, word in enumerate(vocabulary())}
    lengths = np.array([len(text.tokens) for text in texts])
    ids = np.zeros((len(texts), lengths.max(initial=0)), dtype=np.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text.tokens)] = [index[token] for token in text.tokens]
    return ids, lengths
