"""Two-sentence *stories*: what BERT and GPT of lesson 08 are trained on, with everything that can be known about them.

"Yesterday the happy fox crossed the lovely river on a fine morning. Then it found a splendid boat and felt glad and proud." Every story is an
independent draw from a small grammar:

* its six adjectives have one *polarity*: all are pleasant or all are unpleasant. So a hidden one can be guessed from the
  others, and a reader of many stories can find out which words go together without being told what they mean;
* the thing that is found fits the kind of place: a boat at the river, a bicycle in the street, a cave in the gorge;
* the second sentence names the agent again, or says *it*;
* every kind of word has its place, counted from the start.

Every word has one place in the grammar, so a text has one derivation at most. Entropy, expected length and the best possible
accuracy at telling whether two sentences belong together are therefore known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

AGENTS = tuple("bear camel cat cow deer dog duck fox goat hare horse monkey sheep toad turkey wolf".split())
PLACES = {
    "paved": ("avenue", "bridge", "road", "square"),
    "wild": ("desert", "gorge", "meadow", "valley"),
    "water": ("canal", "lake", "river", "swamp"),
}
THINGS = {
    "paved": ("bicycle", "bus", "kiosk", "lorry"),
    "wild": ("boulder", "bush", "cave", "tent"),
    "water": ("boat", "fish", "net", "raft"),
}
OPENINGS = ("once", "recently", "today", "yesterday")
VERBS = ("crossed", "left", "reached", "visited")
TIMES = ("afternoon", "day", "evening", "morning")
SIGHTS = ("discovered", "found", "noticed")
LOOKS = {
    True: "beautiful brilliant charming delightful fantastic fine gorgeous great lovely magnificent marvellous nice perfect"
    " pleasant splendid wonderful".split(),
    False: "bad creepy depressing dismal dreadful foul ghastly grim hateful hideous horrible nasty repulsive rotten"
    " terrible vile".split(),
}
"""Adjectives of the place, of the time and of the thing, by polarity: True is pleasant."""
MOODS = {
    True: "bold brave carefree cheerful confident content glad happy hopeful jolly joyful lucky merry proud relaxed"
    " satisfied".split(),
    False: "desperate fearful furious gloomy hopeless hurt jealous lonely miserable nervous sad sick tired troubled"
    " worried wretched".split(),
}
"""Adjectives of the animal."""

PAD, CLS, SEP, MASK, END = range(5)
"""The ids of padding, of BERT's three special tokens, and of the token that stands before and after GPT's texts."""
PREFIX, SUFFIX, MIDDLE = range(5, 8)
"""The ids of the tokens that mark the parts of a text whose middle has to be filled in."""
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "<|endoftext|>", "<PRE>", "<SUF>", "<MID>")
LONGEST = 32
"""More tokens than any story has, with all its special tokens."""


@dataclass(frozen=True)
class Story:
    """Two sentences and what is known about them.

    Attributes:
        first, second: the words, lower case, each with its full stop.
        positive: the polarity of the adjectives.
        place_kind: "paved", "wild" or "water".
        named: whether the second sentence names the agent again, or says *it*.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    positive: bool
    place_kind: str
    named: bool

    @property
    def tokens(self) -> tuple[str, ...]:
        """Both sentences in one."""
        return self.first + self.second

    def __str__(self) -> str:
        return " ".join(
            (text := " ".join(words).replace(" .", "."))[0].upper() + text[1:] for words in (self.first, self.second)
        )


@cache
def _kinds() -> dict[str, str]:
    """The kind of each place."""
    return {place: kind for kind, places in PLACES.items() for place in places}


def stories(count: int, seed: int) -> list[Story]:
    """``count`` independent draws; the same seed gives the same stories everywhere."""
    rng = np.random.default_rng(seed)
    places = list(_kinds())

    def pick(options: Sequence):
        return options[rng.integers(len(options))]

    drawn = []
    for _ in range(count):
        agent, place, positive, named = pick(AGENTS), pick(places), bool(rng.integers(2)), bool(rng.integers(2))
        kind = _kinds()[place]
        looks, moods = LOOKS[positive], MOODS[positive]
        first = (pick(OPENINGS), "the", pick(moods), agent, pick(VERBS), "the", pick(looks), place)
        first += ("on", "a", pick(looks), pick(TIMES), ".")
        subject = ("the", agent) if named else ("then", "it")
        found = (pick(SIGHTS), "a", pick(looks), pick(THINGS[kind]))
        second = (*subject, *found, "and", "felt", pick(moods), "and", pick(moods), ".")
        drawn.append(Story(first, second, positive, kind, named))
    return drawn


@cache
def vocabulary() -> tuple[str, ...]:
    """The special tokens, then every word in alphabetical order."""
    words = {"the", "on", "a", "then", "it", "and", "felt", ".", *OPENINGS, *AGENTS, *_kinds(), *VERBS, *TIMES, *SIGHTS}
    words.update(word for things in THINGS.values() for word in things)
    words.update(word for pool in (LOOKS, MOODS) for side in pool.values() for word in side)
    return (*SPECIAL, *sorted(words))


@cache
def index() -> dict[str, int]:
    """The id of each token."""
    return {word: number for number, word in enumerate(vocabulary())}


def ids(words: Sequence[str]) -> list[int]:
    """The words as numbers.

    Raises:
        KeyError: for a word that the corpus does not have.
    """
    return [index()[word] for word in words]


def words(numbers: Sequence[int]) -> tuple[str, ...]:
    """The numbers as words."""
    return tuple(vocabulary()[number] for number in numbers)


# ------------------------------------------------------------------------------------------------------- the grammar


@cache
def _forms() -> tuple[tuple[frozenset[str], ...], ...]:
    """What may stand at each place, if the second sentence names the agent again, and if it does not."""
    looks, things, moods = (sum((tuple(pool) for pool in pools.values()), ()) for pools in (LOOKS, THINGS, MOODS))
    first = (
        OPENINGS,
        ("the",),
        moods,
        AGENTS,
        VERBS,
        ("the",),
        looks,
        tuple(_kinds()),
        ("on",),
        ("a",),
        looks,
        TIMES,
        (".",),
    )
    second = (SIGHTS, ("a",), looks, things, ("and",), ("felt",), moods, ("and",), moods, (".",))
    subjects = ((("the",), AGENTS), (("then",), ("it",)))
    return tuple(tuple(map(frozenset, (*first, *subject, *second))) for subject in subjects)


FIRST = 13
"""The number of words of the first sentence."""
_AGENT, _PLACE, _AGAIN, _THING = 3, 7, 14, 18
_ADJECTIVES = (2, 6, 10, 17, 21, 23)
"""Where the words stand that depend on each other."""


def dependent_places(story: Story) -> tuple[int, ...]:
    """The places of the words that depend on other words of the story: adjectives, place and thing, and the agent if it is
    named twice."""
    return tuple(sorted((*_ADJECTIVES, _PLACE, _THING, *((_AGENT, _AGAIN) if story.named else ()))))


def accepts(tokens: Sequence[str]) -> bool:
    """Whether the grammar can say exactly this: form, polarity, thing and place, the same agent."""
    for slots in _forms():
        if len(tokens) != len(slots) or any(word not in options for word, options in zip(tokens, slots, strict=True)):
            continue
        polarities = {tokens[place] in (*LOOKS[True], *MOODS[True]) for place in _ADJECTIVES}
        fits = tokens[_THING] in THINGS[_kinds()[tokens[_PLACE]]]
        return len(polarities) == 1 and fits and tokens[_AGAIN] in ("it", tokens[_AGENT])
    return False


def fitting(tokens: Sequence[str], place: int) -> set[str]:
    """The words that could stand at one place of a text, all others being as they are."""
    return {word for word in vocabulary() if accepts((*tokens[:place], word, *tokens[place + 1 :]))}


def entropy() -> float:
    """The entropy of a story in nats: the logarithm of how many there are, all places being equally probable, and so on.

    All stories but those whose choices are of unequal number would be equally probable; here every choice has the same
    number of options whatever was chosen before, so all are.
    """
    sizes = [len(OPENINGS), len(AGENTS), len(VERBS), len(_kinds()), len(TIMES), len(SIGHTS)]
    sizes += [len(LOOKS[True]) ** 3, len(THINGS["water"]), len(MOODS[True]) ** 3]
    return math.log(2 * 2 * math.prod(sizes))


def length() -> int:
    """The number of tokens of a story, of each one, the token that ends it among them."""
    return len(_forms()[0]) + 1


def entropy_per_token() -> float:
    """The least expected loss of a language model on fresh stories: nats over tokens, the end counted, the start not."""
    return entropy() / length()


# ---------------------------------------------------------------------------------------------------- two sentences


@dataclass(frozen=True)
class Pair:
    """Two sentences that may or may not belong together.

    Attributes:
        first, second: the words.
        follows: whether they are of one story.
        positive: the polarity of the first one.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    follows: bool
    positive: bool


def pairs(count: int, seed: int) -> list[Pair]:
    """Sentences for next sentence prediction: in half of the draws the second one is that of another, independent story."""
    drawn = stories(2 * count, seed)
    follows = np.random.default_rng([seed, 1]).integers(2, size=count)
    return [
        Pair(one.first, (one if stays else other).second, bool(stays), one.positive)
        for one, other, stays in zip(drawn[:count], drawn[count:], follows, strict=True)
    ]


def best_next_accuracy() -> float:
    """The highest expected accuracy at telling the two halves of :func:`pairs` apart.

    A second sentence that contradicts the first is of another story for sure. One that fits is more probably of the same, and
    whoever says so is wrong only where a strange one happens to fit: in polarity, in kind, and in the agent if it is named.
    """
    shares = [len(places) / len(_kinds()) for places in PLACES.values()]
    fits = 0.5 * sum(share**2 for share in shares) * (0.5 + 0.5 / len(AGENTS))
    return 1 - 0.5 * fits
