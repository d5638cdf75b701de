"""What a text goes through before a model with a fixed vocabulary of words sees it, and what each step saves.

A vocabulary of words is made from the training text; a word of another text that is not in it is lost. Each step below
makes several forms of a word into one: the vocabulary shrinks, less is lost, and so does what the forms told apart. The
steps are functions from tokens to tokens; stems are Snowball's (NLTK), Russian lemmas are pymorphy3's, distances between
spellings are rapidfuzz's. Nothing is downloaded. NLTK's English lemmas would need WordNet, which does not come with the
package, so English has stems alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

import numpy as np

from course_lib.language import LANGUAGES, say
from course_lib.tables import show_table

Tokens = list[str]
NUMBER = "<num>"
"""The token that stands for every number."""

Item = TypeVar("Item")


# -- the steps --


def words(text: str) -> Tokens:
    """The text cut at white space, with everything that sticks to a word."""
    return text.split()


def lower(tokens: Sequence[str]) -> Tokens:
    """Lower case."""
    return [token.lower() for token in tokens]


_ACCENT = "\u0301"  # bо́льшая: a mark of stress, not a letter
_PARTS = re.compile(r"\d+(?:[.,]\d+)*(?![^\W_])|[^\W_]+(?:['’\-‑][^\W_]+)*")


def strip_special(tokens: Sequence[str]) -> Tokens:
    """Letters and digits alone, with hyphens and apostrophes inside a word and the point inside a number.

    Punctuation, quotation marks and other symbols go; a token they divide becomes several. Russian ё becomes е, as most
    texts have it, and marks of stress go.
    """
    result = []
    for token in tokens:
        token = unicodedata.normalize("NFC", token.replace(_ACCENT, "")).replace("ё", "е").replace("Ё", "Е")
        result += _PARTS.findall(token.replace("’", "'").replace("‑", "-"))
    return result


def mark_numbers(tokens: Sequence[str]) -> Tokens:
    """Every token that begins with a digit and has no letters becomes :data:`NUMBER`."""
    return [NUMBER if re.fullmatch(r"\d[\d.,:%-]*", token) else token for token in tokens]


@cache
def _stemmer(lang: str) -> Callable[[str], str]:
    from nltk.stem.snowball import SnowballStemmer  # a second to import

    return cache(SnowballStemmer({"en": "english", "ru": "russian"}[lang]).stem)


def stem(tokens: Sequence[str], lang: str = "en") -> Tokens:
    """Snowball's stems (Porter's rules): endings cut off by rule, so a stem need not be a word.

    Raises:
        ValueError: if ``lang`` is neither ``"en"`` nor ``"ru"``.
    """
    of_word = _stemmer(_known(lang))
    return [token if token == NUMBER else of_word(token) for token in tokens]


@cache
def _lemma() -> Callable[[str], str]:
    import pymorphy3

    analyzer = pymorphy3.MorphAnalyzer(lang="ru")
    return cache(lambda word: analyzer.parse(word)[0].normal_form.replace("ё", "е"))


def lemmatise(tokens: Sequence[str]) -> Tokens:
    """Russian dictionary forms by pymorphy3: of several readings of a form the one it holds most probable.

    Words that are not in its dictionary are guessed from their endings; Latin words stay as they are.
    """
    of_word = _lemma()
    return [of_word(token) if re.search("[а-яё]", token) else token for token in tokens]


@dataclass
class Spelling:
    """Reads a rare word as a frequent one if a single change of a letter makes one of the other.

    A change is a letter inserted, left out, replaced, or exchanged with its neighbour (the distance of Damerau and
    Levenshtein in its restricted form). It knows nothing of language: *tensors* is one letter from *tensor*.

    Attributes:
        counts: how often each word occurs in the training text.
        frequent: from how many occurrences on a word counts as right.
        length: shorter words are left alone, since most have a neighbour by chance.
    """

    counts: Mapping[str, int]
    frequent: int = 5
    length: int = 5
    _known: list[str] = field(init=False, repr=False)
    _read: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        known = [word for word, count in self.counts.items() if count >= self.frequent and len(word) >= self.length]
        # The most frequent first; equal ones by the alphabet, so that the order of the text plays no part.
        self._known = sorted(known, key=lambda word: (-self.counts[word], word))

    def correct(self, word: str) -> str:
        """The word it reads: the most frequent one at distance 1, or ``word`` itself."""
        if word not in self._read:
            self._read[word] = self._nearest(word)
        return self._read[word]

    def _nearest(self, word: str) -> str:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(word) < self.length or not word.isalpha() or self.counts.get(word, 0) >= self.frequent:
            return word
        near = process.extract(word, self._known, scorer=OSA.distance, score_cutoff=1, limit=None)
        return self._known[min(index for _, _, index in near)] if near else word

    def __call__(self, tokens: Sequence[str]) -> Tokens:
        """Every token as :meth:`correct` reads it."""
        return [self.correct(token) for token in tokens]


# -- what they save --


def split_documents(texts: Sequence[Item], held_out: float = 0.2, seed: int = 0) -> tuple[list[Item], list[Item]]:
    """Training and held-out documents, each in the order of ``texts``; whole documents go to one side.

    Args:
        texts: documents of any kind.
        held_out: share of them to hold out, rounded, at least one.
        seed: which ones.

    Raises:
        ValueError: if ``held_out`` does not lie between 0 and 1, or if nothing would be left to train on.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is {held_out}: it is a share between 0 and 1")
    count = max(1, round(held_out * len(texts)))
    if count >= len(texts):
        raise ValueError(f"{len(texts)} documents are too few to hold out {held_out:.0%} of them")
    chosen = set(np.random.default_rng(seed).permutation(len(texts))[:count].tolist())
    return (
        [text for i, text in enumerate(texts) if i not in chosen],
        [text for i, text in enumerate(texts) if i in chosen],
    )


def vocabulary(tokens: Iterable[str], size: int | None = None, min_count: int = 1) -> list[str]:
    """The words that occur at least ``min_count`` times, the most frequent first (equal ones by the alphabet).

    Args:
        tokens: of the training text.
        size: how many words to keep; all by default.
        min_count: rarer words are left out.
    """
    counts = Counter(tokens)
    kept = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))
    return kept[:size]


def lost_share(known: Iterable[str], tokens: Sequence[str]) -> float:
    """Share of the tokens that are not among the known words: what a model with this vocabulary does not see.

    Raises:
        ValueError: if there are no tokens.
    """
    if not tokens:
        raise ValueError("there are no tokens to lose")
    known = set(known)
    return sum(token not in known for token in tokens) / len(tokens)


@dataclass(frozen=True)
class Loss:
    """One row of the table: after this step and those before it.

    Attributes:
        step: its name, one of :func:`steps`.
        vocabulary: how many words the training text has.
        lost: share of the held-out text that is not among them.
    """

    step: str
    vocabulary: int
    lost: float


def _known(lang: str) -> str:
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}: use one of {', '.join(LANGUAGES)}")
    return lang


def steps(lang: str) -> tuple[str, ...]:
    """The names of the steps in order. Each builds on those before it, but lemmas take the place of stems.

    Raises:
        ValueError: if ``lang`` is neither ``"en"`` nor ``"ru"``.
    """
    return ("words", "lower", "special", "numbers", "spelling", "stems", "lemmas")[: 6 if _known(lang) == "en" else 7]


def after_steps(train: str, held_out: str, lang: str) -> dict[str, tuple[Tokens, Tokens]]:
    """Both texts as tokens after each step.

    The spelling is corrected towards the frequent words of the training text, in both.

    Args:
        train: the text the vocabulary is made from.
        held_out: the text that is read with it.
        lang: ``"en"`` or ``"ru"``.

    Returns:
        step → training tokens, held-out tokens.
    """
    result = {"words": (words(train), words(held_out))}

    def add(step: str, before: str, function: Callable[[Sequence[str]], Tokens]) -> None:
        result[step] = tuple(function(tokens) for tokens in result[before])

    add("lower", "words", lower)
    add("special", "lower", strip_special)
    add("numbers", "special", mark_numbers)
    add("spelling", "numbers", Spelling(Counter(result["numbers"][0])))
    add("stems", "spelling", lambda tokens: stem(tokens, lang))
    if "lemmas" in steps(lang):
        add("lemmas", "spelling", lemmatise)
    return result


def losses(
    documents: Sequence[str], lang: str, *, held_out: float = 0.2, seed: int = 0, min_count: int = 1
) -> list[Loss]:
    """After each step: the size of the vocabulary, and the share of held-out text that it loses.

    Args:
        documents: texts; a share of them is held out by :func:`split_documents`.
        lang: ``"en"`` or ``"ru"``.
        held_out, seed: see :func:`split_documents`.
        min_count: words rarer than this in the training text are left out of the vocabulary, as Word2Vec does.

    Raises:
        ValueError: for another language, or if there are too few documents.
    """
    _known(lang)
    train, rest = split_documents(documents, held_out, seed)
    result = []
    for step, (train_tokens, rest_tokens) in after_steps("\n".join(train), "\n".join(rest), lang).items():
        known = vocabulary(train_tokens, min_count=min_count)
        result.append(Loss(step, len(known), lost_share(known, rest_tokens)))
    return result


def show_losses(rows: Sequence[Loss]) -> None:
    """The table of :func:`losses`, in the language of the session."""
    head = [say(f"preprocessing.head.{name}") for name in ("step", "vocabulary", "lost")]
    show_table(
        head, [[say(f"preprocessing.step.{row.step}"), str(row.vocabulary), f"{100 * row.lost:.1f} %"] for row in rows]
    )


# -- what the correction of spelling gets right and wrong --


def plant_typos(tokens: Sequence[str], share: float, seed: int, length: int = 5) -> tuple[Tokens, dict[int, str]]:
    """A copy of the tokens in which a share of the longer words has a typing error, and what stood there.

    An error is one of the four changes that :class:`Spelling` undoes, at a random place; the first letter stays.

    Args:
        tokens: words in lower case.
        share: of the words of at least ``length`` letters.
        seed: of NumPy's generator.
        length: shorter words are left alone.

    Returns:
        the tokens, and position → the right word.
    """
    rng = np.random.default_rng(seed)
    letters = sorted({letter for token in tokens if token.isalpha() for letter in token})
    result, right = list(tokens), {}
    for i, token in enumerate(tokens):
        if len(token) < length or not token.isalpha() or rng.random() >= share:
            continue
        place, kind = int(rng.integers(2, len(token))), int(rng.integers(4))
        letter = letters[rng.integers(len(letters))]
        before, after = token[:place], token[place:]
        wrong = (
            before + letter + after,  # one too many
            before + after[1:],  # one too few
            before + letter + after[1:],  # another one
            before[:-1] + after[0] + before[-1] + after[1:],  # two exchanged
        )[kind]
        if wrong != token:
            result[i], right[i] = wrong, token
    return result, right


@dataclass(frozen=True)
class SpellingReport:
    """What became of the planted errors and of the words that were right.

    Attributes:
        planted: how many errors there were.
        recovered: how many became the right word again.
        mistaken: how many became another word.
        untouched: how many stayed as they were.
        spoiled: the right words that were changed: (word, what it became), the most frequent first.
        spoiled_tokens: how many tokens they are.
        right_tokens: how many tokens had no error.
    """

    planted: int
    recovered: int
    mistaken: int
    untouched: int
    spoiled: tuple[tuple[str, str], ...]
    spoiled_tokens: int
    right_tokens: int


def check_spelling(spelling: Spelling, tokens: Sequence[str], share: float = 0.05, seed: int = 0) -> SpellingReport:
    """Plants typing errors in a text and lets ``spelling`` correct it.

    Args:
        spelling: made from the training text.
        tokens: of a text without errors, or nearly.
        share, seed: see :func:`plant_typos`.
    """
    with_errors, right = plant_typos(tokens, share, seed, spelling.length)
    corrected = spelling(with_errors)
    recovered = sum(corrected[i] == word for i, word in right.items())
    untouched = sum(corrected[i] == with_errors[i] for i in right)
    spoiled = Counter(
        (tokens[i], corrected[i]) for i in range(len(tokens)) if i not in right and corrected[i] != tokens[i]
    )
    return SpellingReport(
        planted=len(right),
        recovered=recovered,
        mistaken=len(right) - recovered - untouched,
        untouched=untouched,
        spoiled=tuple(sorted(spoiled, key=lambda pair: (-spoiled[pair], pair))),
        spoiled_tokens=sum(spoiled.values()),
        right_tokens=len(tokens) - len(right),
    )
