"""Byte-pair encoding: how the merges are learned, step by step and fast.

Gage 1994, "A New Algorithm for Data Compression", replaces the most frequent pair of adjacent bytes by a new symbol, again
and again. Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2, cuts
words that way: the symbols are characters at first, pairs are counted within words, and every merge gives the vocabulary
one symbol more. (There a mark ends each word; whoever wants one writes it into the words, as in ``"low·"``.) Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2, begins with the
256 bytes. What a trained vocabulary does to a text: :mod:`course_lib.bpe_tokenizer`.

A *word* is a string, whose first symbols are its characters, or bytes, whose first symbols are single bytes.

    >>> for step in merge_steps({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 3):
    ...     print(step.left, step.right, step.count, [" ".join(word) for word, _ in step.words])
    e s 9 ['l o w', 'l o w e r', 'n e w es t', 'w i d es t']
    es t 9 ['l o w', 'l o w e r', 'n e w est', 'w i d est']
    l o 7 ['lo w', 'lo w e r', 'n e w est', 'w i d est']

**Ties.** Of pairs that are equally frequent the one with the smallest numbers is merged: the smaller number of its left
symbol, then of its right one. Symbols are numbered in the order in which they come into being: first the alphabet, then the
results of merges. An alphabet of characters is in the order of their code points. The alphabet of bytes is in that of
:data:`BYTE_CHARACTERS`, which GPT-2 began: the printable bytes come first, so that ``b"!"`` has the number 0 and
``b" "`` 220. This is the rule of Hugging Face's ``BpeTrainer``, whose merges are the same (tests/parity/test_bpe.py).
Another rule would be as good; it only has to be one and the same.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import add
from typing import NamedTuple, TypeVar

Symbol = str | bytes
Pair = tuple[Symbol, Symbol]
Word = str | bytes
T = TypeVar("T")


def _byte_characters() -> dict[int, str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


BYTE_CHARACTERS = _byte_characters()
"""A visible character for each of the 256 bytes, in the order of the characters' code points: GPT-2's table, by which files
of vocabularies hold bytes as text. The space is ``Ġ``, the newline ``Ċ``, and «я», two bytes in UTF-8, is ``Ñı``."""

BYTES = tuple(bytes([byte]) for byte in BYTE_CHARACTERS)
"""The alphabet of bytes in the order of their numbers."""

_BYTE_NUMBERS = bytes(sorted(range(256), key=list(BYTE_CHARACTERS).__getitem__))


class Merge(NamedTuple):
    """Two symbols that become one wherever they are neighbours, and how often they were when they were chosen."""

    left: Symbol
    right: Symbol
    count: int


# ------------------------------------------------------------------------------------------------------- step by step


def merge_pair(symbols: Sequence[Symbol], left: Symbol, right: Symbol) -> list[Symbol]:
    """The symbols of one word after a merge, made from left to right: of ``a a a``, a and a become one in ``aa a``."""
    merged: list[Symbol] = []
    position = 0
    while position < len(symbols):
        if tuple(symbols[position : position + 2]) == (left, right):
            merged.append(left + right)
            position += 2
        else:
            merged.append(symbols[position])
            position += 1
    return merged


def pair_counts(words: Sequence[tuple[Sequence[Symbol], int]]) -> Counter[Pair]:
    """How often each pair of symbols stands side by side, given words as symbols and how often each word occurs.

    Overlapping pairs count: there are two pairs in ``a a a``.
    """
    counts: Counter[Pair] = Counter()
    for symbols, occurrences in words:
        for pair in pairwise(symbols):
            counts[pair] += occurrences
    return counts


@dataclass(frozen=True)
class Step:
    """One merge as it is learned.

    Attributes:
        left, right: the symbols that are merged.
        count: how often they stood side by side.
        pairs: how often each pair did, before the merge.
        words: the symbols of each distinct word after the merge, and how often the word occurs.
    """

    left: Symbol
    right: Symbol
    count: int
    pairs: Counter[Pair]
    words: list[tuple[list[Symbol], int]]


def merge_steps(words: Mapping[Word, int], merges: int | None = None, *, min_count: int = 1) -> Iterator[Step]:
    """Learn merges in the plainest way: count all pairs anew before each.

    Clear and slow; :func:`learn_merges` finds the same ones.

    Args:
        words: how often each distinct word occurs: strings or bytes.
        merges: how many are learned at most; None: as many as there are.
        min_count: a pair that is rarer is not merged.

    Yields:
        each merge with its counts; fewer than asked for if no pair is left.

    Raises:
        ValueError: if there are no words, or an argument cannot be.
    """
    _check(words, merges, min_count)
    corpus: list[tuple[list[Symbol], int]] = [(_symbols(word), occurrences) for word, occurrences in words.items()]
    numbers = {symbol: number for number, symbol in enumerate(_alphabet(words))}
    done = 0
    while merges is None or done < merges:
        pairs = pair_counts(corpus)
        if not pairs:
            return
        left, right = min(pairs, key=lambda pair: (-pairs[pair], numbers[pair[0]], numbers[pair[1]]))
        count = pairs[left, right]
        if count < min_count:
            return
        corpus = [(merge_pair(symbols, left, right), occurrences) for symbols, occurrences in corpus]
        numbers[left + right] = len(numbers)
        yield Step(left, right, count, pairs, corpus)
        done += 1


def _symbols(word: Word) -> list[Symbol]:
    return list(word) if isinstance(word, str) else [bytes([byte]) for byte in word]


def _alphabet(words: Mapping[Word, int]) -> list[Symbol]:
    """The first symbols in the order of their numbers."""
    if isinstance(next(iter(words)), bytes):
        return list(BYTES)
    return sorted(set(chain.from_iterable(words)))


def _check(words: Mapping[Word, int], merges: int | None, min_count: int) -> None:
    for name, value, least in (("merges", merges, 0), ("min_count", min_count, 1)):
        if not (value is None and name == "merges") and (
            isinstance(value, bool) or not isinstance(value, int) or value < least
        ):
            raise ValueError(f"{name} must be a whole number of {least} or more, not {value!r}")
    if not isinstance(words, Mapping):
        raise ValueError(f"words are counted, as in {{'low': 5}}; these are a {type(words).__name__}")
    if not words:
        raise ValueError("there are no words to learn from: the text is empty")
    kinds = {type(word) for word in words}
    if kinds not in ({str}, {bytes}):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"the words are all strings or all bytes, not {names}")
    for word, occurrences in words.items():
        if isinstance(occurrences, bool) or not isinstance(occurrences, int) or occurrences < 1:
            raise ValueError(f"the word {word!r} occurs {occurrences!r} times: a whole number of 1 or more is expected")


# --------------------------------------------------------------------------------------------------------------- fast


def learn_merges(
    words: Mapping[Word, int], merges: int | None = None, *, min_count: int = 1, progress: bool = False
) -> list[Merge]:
    """Learn the merges of :func:`merge_steps` in a time that grows with what changes, not with the text.

    A merge changes pairs only beside the places where it happens. So the count of every pair is kept up to date, and with
    it a list of the words it stands in; a heap gives the most frequent pair.

    Args:
        words: how often each distinct word occurs: strings or bytes.
        merges: how many are learned at most; None: as many as there are.
        min_count: a pair that is rarer is not merged.
        progress: whether to show a progress bar on stderr.

    Returns:
        the merges in their order; fewer than asked for if no pair is left.

    Raises:
        ValueError: if there are no words, or an argument cannot be.
    """
    _check(words, merges, min_count)
    alphabet = _alphabet(words)
    symbols, learned = list(alphabet), []
    corpus = Corpus.of(words, alphabet)
    for (left, right), count in _tracked(corpus.merges(merges, min_count), merges, progress):
        learned.append(Merge(symbols[ord(left)], symbols[ord(right)], count))
        symbols.append(symbols[ord(left)] + symbols[ord(right)])
    return learned


class Corpus:
    """Distinct words whose pairs of symbols are counted, and stay counted while symbols merge.

    A symbol is one character here, whose code point is the symbol's number, and a pair is a string of two of them. That is
    what makes it fast to look for a pair in a word, and the order of strings is that of the numbers. Python has 1,114,112
    characters.

    Attributes:
        words: the symbols of each word.
        occurrences: how often each word occurs.
        counts: how often each pair stands side by side.
        places: for each pair the words that it stands in, as their places in ``words``; some of them more than once, and
            some in which it does not stand any more.
        size: how many symbols there are, which is the number of the next one.
    """

    def __init__(self, words: list[str], occurrences: list[int], size: int) -> None:
        self.words, self.occurrences, self.size = words, occurrences, size
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.places: defaultdict[str, list[int]] = defaultdict(list)
        for place, (word, n) in enumerate(zip(words, occurrences, strict=True)):
            for pair in map(add, word, word[1:]):
                self.counts[pair] += n
                self.places[pair].append(place)
        self._heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self._heap)

    @classmethod
    def of(cls, words: Mapping[Word, int], alphabet: Sequence[Symbol]) -> Corpus:
        """The corpus of counted words, their symbols numbered as in the alphabet."""
        if isinstance(next(iter(words)), bytes):
            numbered = [word.translate(_BYTE_NUMBERS).decode("latin-1") for word in words]
        else:
            numbers = {ord(symbol): number for number, symbol in enumerate(alphabet)}
            numbered = [word.translate(numbers) for word in words]
        return cls(numbered, list(words.values()), len(alphabet))

    def merges(self, most: int | None = None, min_count: int = 1) -> Iterator[tuple[str, int]]:
        """Merge the most frequent pair, again and again; each pair with its count."""
        done = 0
        while (most is None or done < most) and (best := self._most_frequent()):
            pair, count = best
            if count < min_count:
                return
            self._merge(pair)
            yield pair, count
            done += 1

    def _most_frequent(self) -> tuple[str, int] | None:
        """The pair to merge with its count, taken from the heap.

        A count that has sunk is not looked for in the heap: its entry is put right when it comes up. A count that has
        grown is that of a new pair, which gets its entry then. Of equal counts the smallest pair comes first.
        """
        while self._heap:
            negative, pair = heapq.heappop(self._heap)
            count = self.counts.get(pair, 0)
            if count == -negative:
                return pair, count
            if count:
                heapq.heappush(self._heap, (-count, pair))
        return None

    def _merge(self, pair: str) -> None:
        """Make one symbol z of a and b wherever they are neighbours.

        In x a b y the pairs x a and b y make room for x z and z y, and in a b a b, which becomes z z, the pair b a makes
        room for z z. Counts are settled once for each distinct neighbour, of which there are far fewer than places.
        """
        a, b = pair
        z = chr(self.size)
        self.size += 1
        before: defaultdict[str, list[int]] = defaultdict(list)
        after: defaultdict[str, list[int]] = defaultdict(list)
        for place in set(self.places.pop(pair)):
            word = self.words[place] = self.words[place].replace(pair, z)
            at = word.find(z)
            while at >= 0:
                if at:
                    before[word[at - 1]].append(place)
                at += 1
                if at < len(word) and word[at] != z:
                    after[word[at]].append(place)
                at = word.find(z, at)
        del self.counts[pair]
        for x, places in before.items():
            self._exchange((b if x == z else x) + a, x + z, places)
        for y, places in after.items():
            self._exchange(b + y, z + y, places)

    def _exchange(self, old: str, new: str, places: list[int]) -> None:
        """One pair becomes another one in these words, as often as each of them is named."""
        count = sum(map(self.occurrences.__getitem__, places))
        self.counts[new], self.places[new] = count, places
        heapq.heappush(self._heap, (-count, new))
        if old in self.counts:  # it may be the pair that is merged: a a in a a a
            self.counts[old] -= count
            if not self.counts[old]:
                del self.counts[old], self.places[old]


def _tracked(learned: Iterator[T], merges: int | None, progress: bool) -> Iterator[T]:
    """The merges, with a progress bar on stderr if ``progress``."""
    if not progress:
        yield from learned
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("merges", total=merges)
        for done, merge in enumerate(learned):
            if done % 64 == 0:
                bar.update(task, completed=done)
            yield merge
