"""The Russian side of the *crossing* corpus: a translation of every sentence, with its alignment, and what both sides cost.

English says *it* of every animal and every place; Russian has to choose between *он*, *она* and *оно*, by the gender of the
noun that is meant. Whoever translates "The dog didn't cross the bridge because it was too tired / too wide" shows with the
pronoun, the copula and the adjective what *it* refers to: «Собака не перешла мост, потому что она была слишком уставшей» or
«он был слишком широким». Two nouns of one gender prove nothing.

Russian is a function of English. It has no articles, its verbs agree with their subjects in gender and ask for a case, and
its words stand elsewhere: a negation is a word of its own, *avoided* encloses its object (обошёл … стороной), the time
follows the subject if the reason comes first. The words are in ``russian_forms.toml``.

The corpus is drawn from finite lists and every sentence can be drawn in one way only, so that its entropy is known exactly:
no model can have a smaller expected loss on fresh sentences.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import product
from typing import Literal

import numpy as np

from course_lib.corpora import crossing
from course_lib.corpora.crossing import PAD, Sentence

START, END = "<s>", "</s>"
"""The tokens that a text begins and ends with; their ids are 1 and 2 in both languages, that of padding is 0."""

GENDERS = ("m", "f", "n")
"""Masculine, feminine, neuter."""

Language = Literal["en", "ru"]
Gender = Literal["m", "f", "n"]
Piece = list[tuple[str, tuple[int, ...]]]  # Russian words, each with the positions of the English ones it stands for


@dataclass(frozen=True)
class Translation:
    """A sentence in Russian.

    Attributes:
        tokens: the words, lower case, with the punctuation.
        alignment: for each token the positions of the English tokens it stands for, in rising order; the comma that only
            Russian has stands for none. English articles have no counterpart, but for that of *in the morning*.
        verb: position of the main clause's verb in the past tense, which agrees with the first noun.
        nouns: positions of the two nouns, in the order of the text.
        pronoun, copula, adjective: positions of the three words that agree with the referent.
        genders: of the two nouns.
        gender: of the referent.
    """

    tokens: tuple[str, ...]
    alignment: tuple[tuple[int, ...], ...]
    verb: int
    nouns: tuple[int, int]
    pronoun: int
    copula: int
    adjective: int
    genders: tuple[Gender, Gender]
    gender: Gender

    def __str__(self) -> str:
        text = " ".join(self.tokens).replace(" ,", ",").replace(" .", ".")
        return text[0].upper() + text[1:]


@cache
def forms() -> dict[str, dict]:
    """``russian_forms.toml``: agents and places with gender and cases, adjectives, verbs and the small words."""
    text = resources.files("course_lib.corpora").joinpath("russian_forms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def gender(noun: str) -> Gender:
    """The gender of the Russian word for an English noun of the corpus.

    Raises:
        ValueError: for another word.
    """
    return _noun(noun)["gender"]


def _noun(word: str) -> dict[str, str]:
    return _entry("agents" if word in forms()["agents"] else "places", word)


def _entry(group: str, english: str):
    """What the table has for an English word or phrase."""
    if english not in forms()[group]:
        raise ValueError(f"no Russian for {english!r} among the {group}")
    return forms()[group][english]


def _kind(noun: str) -> str:
    """What a noun as the object says of the rest of its sentence: "agent", the kind of place, or "unknown"."""
    if noun in crossing.AGENTS:
        return "agent"
    return next((kind for kind, places in crossing.PLACES.items() if noun in places), "unknown")


def translate(sentence: Sentence) -> Translation:
    """The sentence in Russian.

    What *it* refers to decides the pronoun, the copula and the adjective's ending, and nothing else.

    Raises:
        ValueError: for words that the corpus does not put together: a place that crosses, say.
    """
    english, table = sentence.tokens, forms()
    first, second = sentence.nouns
    reason_first = sentence.it < first
    begin = english.index(",") + 1 if reason_first else 0  # of the main clause
    subject, thing = english[first], english[second]
    opening, verb = " ".join(english[begin : first - 1]), " ".join(english[first + 1 : second - 1])
    kind, of_referent = _kind(thing), gender(english[sentence.referent])
    if subject not in table["agents"]:
        raise ValueError(f"no sentence has the subject {subject!r}")
    if kind not in table["verbs"].get(verb, ()):
        raise ValueError(f"no Russian for {verb!r} with the object {thing!r}")

    def phrase(pattern: str, start: int) -> Piece:
        """The words of a pattern of the table whose English phrase begins at ``start``."""
        piece = []
        for part in pattern.split():
            word, _, places = part.partition(":")
            if word.startswith("="):
                piece.append((_noun(thing)[word[1:]], (second,)))
            else:
                word = table["past"][word[1:]][gender(subject)] if word.startswith("@") else word
                piece.append((word, tuple(start + int(place) for place in places.split(","))))
        return piece

    pattern = table["verbs"][verb][kind]
    degree = " ".join(_entry("degrees", word) for word in english[sentence.it + 2 : sentence.adjective])
    description = _entry("adjectives", english[sentence.adjective])
    described = [description[of_referent], *description.get("tail", "").split()]
    pieces: dict[str, Piece] = {
        "time": phrase(_entry("openings", opening), begin) if opening else [],
        "subject": [(table["agents"][subject]["nom"], (first,))],
        "predicate": phrase(pattern, first + 1),
        "comma": [(",", (begin - 1,) if reason_first else ())],
        "because": phrase(table["because"]["before" if reason_first else "behind"], sentence.it - 1),
        "pronoun": [(table["pronouns"][of_referent], (sentence.it,))],
        "copula": [(table["past"]["быть"][of_referent], (sentence.it + 1,))],
        "degree": phrase(degree, sentence.it + 2),
        "adjective": [(word, (sentence.adjective,)) for word in described],
        "stop": [(".", (len(english) - 1,))],
    }
    reason = ("because", "pronoun", "copula", "degree", "adjective")
    if reason_first:
        order = (*reason, "comma", "subject", "time", "predicate", "stop")
    else:
        order = ("time", "subject", "predicate", "comma", *reason, "stop")
    tokens, alignment = zip(*(pair for name in order for pair in pieces[name]), strict=True)
    at = {name: sum(len(pieces[before]) for before in order[:i]) for i, name in enumerate(order)}
    marks = [part[0] for part in pattern.split()]
    return Translation(
        tokens=tokens,
        alignment=alignment,
        verb=at["predicate"] + marks.index("@"),
        nouns=(at["subject"], at["predicate"] + marks.index("=")),
        pronoun=at["pronoun"],
        copula=at["copula"],
        adjective=at["adjective"],
        genders=(gender(subject), gender(thing)),
        gender=of_referent,
    )


# -------------------------------------------------------------------------------------------------------- tokens and ids


@cache
def vocabulary(language: Language) -> tuple[str, ...]:
    """Padding, start and end token, then every token of the language's sentences in alphabetical order.

    Raises:
        ValueError: for a language other than "en" and "ru".
    """
    _check_language(language)
    if language == "en":
        return (PAD, START, END, *crossing.vocabulary()[1:])
    table = forms()
    words = {",", ".", *table["pronouns"].values()}
    words.update(noun[case] for noun in table["agents"].values() for case in ("nom", "acc", "gen", "ins"))
    words.update(noun["acc"] for noun in table["places"].values())
    patterns = [*table["openings"].values(), *table["because"].values(), *table["degrees"].values()]
    patterns += [pattern for by_kind in table["verbs"].values() for pattern in by_kind.values()]
    words.update(part.partition(":")[0] for pattern in patterns for part in pattern.split() if part[0] not in "@=")
    for entry in (*table["past"].values(), *table["adjectives"].values()):
        words.update(entry[one] for one in GENDERS)
        words.update(entry.get("tail", "").split())
    return (PAD, START, END, *sorted(words))


def encode(
    texts: Sequence[Sentence | Translation], language: Language, *, framed: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids, padded to the longest text.

    Args:
        texts: sentences for "en", translations for "ru".
        language: whose vocabulary it is.
        framed: whether start and end token stand around each text.

    Returns:
        ids (B, T) and lengths (B,), both int64; the lengths count start and end token.

    Raises:
        ValueError: for an unknown language, or a token that it does not have.
    """
    _check_language(language)
    index = _index(language)
    frame = ((START,), (END,)) if framed else ((), ())
    rows = [(*frame[0], *text.tokens, *frame[1]) for text in texts]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.zeros((len(rows), lengths.max(initial=0)), dtype=np.int64)
    for row, tokens in zip(ids, rows, strict=True):
        try:
            row[: len(tokens)] = [index[token] for token in tokens]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is no token of {language!r}") from None
    return ids, lengths


def decode(ids: Sequence[int], language: Language) -> tuple[str, ...]:
    """The tokens up to the end token, without it, the start token and padding.

    Raises:
        ValueError: for an unknown language.
    """
    of_ids = vocabulary(language)
    words = [of_ids[i] for i in ids]
    words = words[: words.index(END)] if END in words else words
    return tuple(word for word in words if word not in (START, PAD))


@cache
def _index(language: Language) -> dict[str, int]:
    return {word: i for i, word in enumerate(vocabulary(language))}


def _check_language(language: str) -> None:
    if language not in ("en", "ru"):
        raise ValueError(f"unknown language {language!r}: use 'en' or 'ru'")


# --------------------------------------------------------------------------------------------- when the pronoun is a test


def gender_differs(sentence: Sentence) -> bool:
    """Whether the two nouns differ in gender, so that the pronoun shows which of them is meant."""
    one, other = (gender(sentence.tokens[noun]) for noun in sentence.nouns)
    return one != other


def differing_share(kind: str = "place", pairs: str = "train") -> Fraction:
    """The probability that the nouns of a sentence differ in gender, exactly. Arguments as :func:`crossing.noun_pairs`."""
    every = crossing.noun_pairs(kind, pairs)
    return Fraction(sum(gender(one) != gender(other) for one, other in every), len(every))


def gender_shares(kind: str = "place", pairs: str = "train", *, differing: bool = True) -> dict[Gender, Fraction]:
    """How probable each gender of the referent is, exactly: the baseline that always says the same pronoun is right as often.

    Args:
        kind, pairs: see :func:`crossing.noun_pairs`.
        differing: whether only sentences count in which the nouns differ in gender.
    """
    # Every pair is drawn equally often, and each of its nouns is the referent of every other sentence.
    every = [(gender(one), gender(other)) for one, other in crossing.noun_pairs(kind, pairs)]
    counted = Counter(one for pair in every if not differing or pair[0] != pair[1] for one in pair)
    return {one: Fraction(counted[one], counted.total()) for one in GENDERS}


def majority_gender(kind: str = "place", *, differing: bool = True) -> Gender:
    """The most probable gender of the referent in training. Arguments as :func:`gender_shares`."""
    shares = gender_shares(kind, differing=differing)
    return max(GENDERS, key=shares.__getitem__)


# ------------------------------------------------------------------------------------------------------------- entropy


def every_sentence(first: str, second: str) -> Iterator[tuple[Sentence, float]]:
    """All sentences with these nouns in this order, each once, with its probability given the nouns; the sum is 1.

    Raises:
        ValueError: if the corpus has no sentence with these nouns in this order.
    """
    kind = _kind(second)
    if first not in crossing.AGENTS or kind == "unknown" or first == second:
        raise ValueError(f"no sentence has the nouns {first!r}, {second!r}")
    roles = kind == "agent"
    verbs = crossing.HUNTING_VERBS + crossing.FLEEING_VERBS if roles else crossing.CROSSING_VERBS
    for verb, opening, reason_first in product(verbs, crossing.OPENINGS, (False, True)):
        if not roles:
            adjectives = (crossing.AGENT_ADJECTIVES, crossing.PLACE_ADJECTIVES[kind])
        elif verb in crossing.HUNTING_VERBS:
            adjectives = (crossing.HUNTER_ADJECTIVES, crossing.QUARRY_ADJECTIVES)
        else:
            adjectives = (crossing.QUARRY_ADJECTIVES, crossing.HUNTER_ADJECTIVES)
        # The reason comes first in one sentence of four, and each noun is the referent of every other one.
        p = (1 if reason_first else 3) / 4 / 2 / len(verbs) / len(crossing.OPENINGS)
        for referent, words in enumerate(adjectives):
            for word in words:
                description = (word,) if roles else ("too", word)
                sentence = crossing.assemble(opening, first, verb, second, description, reason_first, referent)
                yield sentence, p / len(words)


def entropy(kind: str = "place", language: str = "en", pairs: str = "train") -> float:
    """The entropy of a sentence in nats, Σ −p log p over all there are, exactly but for rounding.

    Args:
        kind, pairs: see :func:`crossing.noun_pairs`.
        language: "en", "ru", or "both": of an English sentence together with its translation. What is left of the
            entropy of both when that of one language is taken away is the entropy of the other given this one. That of
            Russian given English is 0, since it is a function of English; that of English given Russian need not be:
            *wide* and *broad* have one translation.

    Raises:
        ValueError: for an unknown argument.
    """
    if language not in ("en", "ru", "both"):
        raise ValueError(f"unknown language {language!r}: use 'en', 'ru' or 'both'")
    # Pairs of nouns are equally probable (in "roles" in two orders), and no two have the same Russian words.
    count = len(crossing.noun_pairs(kind, pairs)) * (2 if kind == "roles" else 1)
    rest = sum(share * _of_pair(*pair)[language] for pair, share in _representatives(kind, pairs))
    return math.log(count) + rest


def expected_length(kind: str = "place", language: Language = "en", pairs: str = "train") -> float:
    """The expected number of tokens of a sentence, the end token among them. Arguments and errors as :func:`entropy`."""
    _check_language(language)
    return sum(share * _of_pair(*pair)[f"length {language}"] for pair, share in _representatives(kind, pairs))


def entropy_per_token(kind: str = "place", language: Language = "en", pairs: str = "train") -> float:
    """The entropy of a sentence over its expected number of tokens, the end token among them, in nats.

    No language model has a smaller expected loss on fresh sentences of this distribution, summed over them and divided by
    the number of their tokens (the start token is given, and not counted). Arguments and errors as :func:`entropy`.
    """
    return entropy(kind, language, pairs) / expected_length(kind, language, pairs)


def _representatives(kind: str, pairs: str) -> list[tuple[tuple[str, str], float]]:
    """One pair of nouns for each way in which the rest of a sentence can be drawn, and the share of pairs it stands for."""
    every = crossing.noun_pairs(kind, pairs)
    shares = Counter(_kind(second) for _, second in every)
    chosen = {_kind(pair[1]): pair for pair in reversed(every)}
    return [(chosen[of], shares[of] / len(every)) for of in shares]


@cache
def _of_pair(first: str, second: str) -> dict[str, float]:
    """Entropies and expected lengths of the sentences with these nouns."""
    probability: dict[str, Counter] = {"en": Counter(), "ru": Counter(), "both": Counter()}
    lengths: dict[str, list[float]] = {"length en": [], "length ru": []}
    for sentence, p in every_sentence(first, second):
        russian = translate(sentence).tokens
        for language, text in (("en", sentence.tokens), ("ru", russian), ("both", (sentence.tokens, russian))):
            probability[language][text] += p
        lengths["length en"].append(p * (len(sentence.tokens) + 1))
        lengths["length ru"].append(p * (len(russian) + 1))
    entropies = {language: math.fsum(-p * math.log(p) for p in of.values()) for language, of in probability.items()}
    return entropies | {name: math.fsum(terms) for name, terms in lengths.items()}
