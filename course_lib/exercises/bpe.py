"""Checkers of lesson 02. The words are few and odd, chosen so that every slip leads to symbols of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from course_lib import bpe
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, hint
from course_lib.language import say

Pair = tuple[str, str]
Words = Mapping[tuple[str, ...], int]

# ---------------------------------------------------------------- 1


def _pair_counts(words: Words) -> dict[Pair, int]:
    return dict(bpe.pair_counts(list(words.items())))


def _without_overlap(symbols: Sequence[str]) -> list[Pair]:
    """The pairs that are left if an occurrence may not begin inside another one of the same pair."""
    kept: list[Pair] = []
    free_from: dict[Pair, int] = {}
    for i, pair in enumerate(pairwise(symbols)):
        if i >= free_from.get(pair, 0):
            kept.append(pair)
            free_from[pair] = i + 2
    return kept


_COUNTED: dict[tuple[str, ...], int] = {
    ("b", "an", "an", "a"): 5,
    ("n", "a", "n", "a"): 2,
    ("a", "a", "a", "h"): 7,
    ("h", "an", "a"): 3,
    ("re",): 6,
}


@checker("pair-counts", reference=_pair_counts)
def _(pair_counts) -> Verdicts:
    name = "pair-counts"
    given = dict(_COUNTED)
    counts = pair_counts(given)
    yield say("exercise.returned-none"), counts is not None
    yield hint(name, "dict", kind=type(counts).__name__), isinstance(counts, Mapping)
    yield hint(name, "joined"), not any(isinstance(key, str) for key in counts)
    yield hint(name, "unordered"), not any(isinstance(key, frozenset) for key in counts)
    two = all(isinstance(key, tuple) and len(key) == 2 for key in counts)
    yield hint(name, "pairs"), two and all(isinstance(part, str) for key in counts for part in key)
    symbols = {symbol for word in _COUNTED for symbol in word}
    yield hint(name, "characters"), all(part in symbols for key in counts for part in key)
    whole = all(isinstance(count, int | float) for count in counts.values())
    yield hint(name, "numbers"), whole
    yield hint(name, "zeros"), 0 not in counts.values()
    yield hint(name, "changed"), given == _COUNTED

    # (an, b) and (h, a) stand in no word, but their mirror images do; (b, a) leaves a symbol out; (h, h) is the end of one
    # word and the beginning of the next; (a, b) joins the end of a word to its own beginning.
    turned = {("an", "b"), ("h", "a")} & counts.keys()
    one_order = (("a", "n") in counts) != (("n", "a") in counts)
    yield hint(name, "unordered"), not (turned and (one_order or {("an", "b"), ("b", "an")} <= counts.keys()))
    yield hint(name, "turned"), ("an", "b") not in counts
    yield hint(name, "distant"), ("b", "a") not in counts
    yield hint(name, "across"), ("h", "h") not in counts
    yield hint(name, "wraps"), ("a", "b") not in counts

    def counted(pairs: Callable = pairwise, weight: Callable[[int], int] = int) -> dict[Pair, int]:
        total: Counter[Pair] = Counter()
        for word, occurrences in _COUNTED.items():
            for pair in pairs(word):
                total[pair] += weight(occurrences)
        return dict(total)

    right = _pair_counts(_COUNTED)

    def once(word: tuple[str, ...]) -> set[Pair]:
        return set(pairwise(word))

    yield hint(name, "unweighted"), counts not in (counted(weight=lambda _: 1), counted(once, lambda _: 1))
    yield hint(name, "shares"), not all(isinstance(count, float) and count < 1 for count in counts.values())
    yield hint(name, "last-lost"), counts != counted(lambda word: pairwise(word[:-1]))
    yield hint(name, "first-lost"), counts != counted(lambda word: pairwise(word[1:]))
    yield hint(name, "every-other"), counts != counted(lambda word: zip(word[::2], word[1::2], strict=False))
    yield hint(name, "once-per-word"), counts != counted(once)
    yield hint(name, "no-overlap"), counts != counted(_without_overlap)
    written_over = {pair: occurrences for word, occurrences in _COUNTED.items() for pair in pairwise(word)}
    yield hint(name, "written-over"), counts != written_over
    odd = " + ".join(min(counts.keys() ^ right.keys(), default=()))
    yield hint(name, "which", pair=odd), odd == ""
    yield hint(name, "value"), counts == right
    for few in ({}, {("re",): 6}):
        yield hint(name, "empty"), pair_counts(dict(few)) == {}
    other = {("l", "o", "w"): 1, ("lo", "w", "e", "r"): 10, ("w", "w", "w", "w"): 3, ("o", "w", "e"): 4}
    yield hint(name, "other-words"), pair_counts(dict(other)) == _pair_counts(other)


# ---------------------------------------------------------------- 2


def _merge(symbols: Sequence[str], left: str, right: str) -> list[str]:
    return bpe.merge_pair(symbols, left, right)


@checker("merge-pair", reference=_merge)
def _(merge) -> Verdicts:
    name = "merge-pair"
    given = ["x", "b", "c", "y"]
    out = merge(given, "b", "c")
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "text"), not isinstance(out, str)
    yield hint(name, "list", kind=type(out).__name__), isinstance(out, list)
    yield hint(name, "nested"), not any(isinstance(symbol, tuple | list) for symbol in out)
    yield hint(name, "changed"), given == ["x", "b", "c", "y"]
    yield hint(name, "unchanged"), out != given
    yield hint(name, "last-lost"), out != ["x", "bc"]
    yield hint(name, "right-stays"), out not in (["x", "bc", "c", "y"], ["x", "b", "bc", "y"])
    yield hint(name, "value", symbols="x b c y", left="b", right="c"), out == ["x", "bc", "y"]

    def after(symbols: str, left: str, right: str) -> list[str]:
        """The answer for symbols written with spaces between them."""
        return merge(symbols.split(), left, right)

    yield hint(name, "end"), after("a b c", "b", "c") == ["a", "bc"]
    out = after("b c a b c", "b", "c")
    yield hint(name, "first-only"), out != ["bc", "a", "b", "c"]
    yield hint(name, "last-only"), out != ["b", "c", "a", "bc"]
    yield hint(name, "skips"), after("b c b c a", "b", "c") not in (["bc", "b", "c", "a"], ["bc", "c", "a"])
    yield hint(name, "borders"), after("ab c a b cd", "b", "c") == ["ab", "c", "a", "b", "cd"]
    yield hint(name, "order"), after("c b a c", "b", "c") == ["c", "b", "a", "c"]
    yield hint(name, "joined"), after("a bc ab c", "ab", "c") == ["a", "bc", "abc"]
    yield hint(name, "neighbours"), after("c c b c b b", "b", "c") == ["c", "c", "bc", "b", "b"]
    out = after("a a a", "a", "a")
    yield hint(name, "used-twice"), out not in (["aa", "aa"], ["aa", "aa", "a"])
    yield hint(name, "from-the-right"), out != ["a", "aa"]
    for length in range(2, 8):
        expected = ["aa"] * (length // 2) + ["a"] * (length % 2)
        yield hint(name, "overlap", length=length), after("a " * length, "a", "a") == expected
    for few in ([], ["b"], ["c"], ["a"]):
        yield hint(name, "short"), merge(list(few), "b", "c") == few
    spaced = [" ", "low", ".", " low", " ", "low", "."]
    for left, right in ((" ", "low"), ("low", ".")):
        yield hint(name, "any-character"), merge(list(spaced), left, right) == _merge(spaced, left, right)
    for symbols, left, right in (("b c b c b c", "b", "c"), ("b a b a b", "b", "a"), ("l ow l ow er", "l", "ow")):
        value = hint(name, "value", symbols=symbols, left=left, right=right)
        yield value, after(symbols, left, right) == _merge(symbols.split(), left, right)


# ---------------------------------------------------------------- 3


def _encode(word: str, merges: Sequence[Pair]) -> list[str]:
    """Each merge once, in the order learned; as good as looking for the earliest one again and again.

    A merge is made of symbols that are there before it: characters, or results of merges learned earlier. (No two merges
    of a training give one string: a stretch of letters that becomes one symbol does so by the merges within it alone, and
    so at the same step wherever it stands.) So what a merge makes fits merges that were learned later only, and those that
    have had their turn never get another one. Of a list that is shuffled this is not true.
    """
    symbols = list(word)
    for left, right in merges:
        symbols = bpe.merge_pair(symbols, left, right)
    return symbols


def _learned(words: Mapping[str, int], n: int) -> list[Pair]:
    return [(left, right) for left, right, _ in bpe.learn_merges(words, n)]


def _choosing(choose: Callable[[list[Pair], list[Pair]], Pair]) -> Callable[[str, list[Pair]], list[str]]:
    """Encoding in which ``choose`` picks one of the known pairs in the word, given from left to right, and the merges."""

    def encode(word: str, merges: list[Pair]) -> list[str]:
        symbols = list(word)
        while known := [pair for pair in pairwise(symbols) if pair in merges]:
            symbols = bpe.merge_pair(symbols, *choose(known, merges))
        return symbols

    return encode


def _longest_match(word: str, merges: list[Pair]) -> list[str]:
    vocabulary, symbols, start = {left + right for left, right in merges}, [], 0
    while start < len(word):
        ends = range(len(word), start, -1)
        end = next((end for end in ends if word[start:end] in vocabulary), start + 1)
        symbols.append(word[start:end])
        start = end
    return symbols


def _sweeps(word: str, merges: list[Pair]) -> list[str]:
    before, symbols = None, list(word)
    while symbols != before:
        before, symbols, i = symbols, [], 0
        while i < len(before):
            step = 2 if tuple(before[i : i + 2]) in merges else 1
            symbols.append("".join(before[i : i + step]))
            i += step
    return symbols


def _first_merge(word: str, merges: list[Pair]) -> list[str]:
    fits = next((pair for pair in merges if pair in pairwise(word)), ("", ""))
    return bpe.merge_pair(list(word), *fits)


def _one_place(word: str, merges: list[Pair]) -> list[str]:
    symbols = list(word)
    for left, right in merges:
        for i, pair in enumerate(pairwise(symbols)):
            if pair == (left, right):
                symbols[i : i + 2] = [left + right]
                break
    return symbols


def _replaced(word: str, merges: list[Pair]) -> list[str]:
    text = " ".join(word)
    for left, right in merges:
        text = text.replace(f"{left} {right}", left + right)
    return text.split()


_SLIPS: list[tuple[str, Callable[[str, list[Pair]], list[str]]]] = [
    ("stops", _first_merge),
    ("longest", _longest_match),
    ("any-pair", _choosing(lambda known, _: known[0])),
    ("any-pair", _choosing(lambda known, _: known[-1])),
    ("any-pair", _sweeps),
    ("latest", _choosing(lambda known, merges: max(known, key=merges.index))),
    ("latest", lambda word, merges: _encode(word, merges[::-1])),
    ("alphabet", _choosing(lambda known, _: min(known))),
    ("frequent", _choosing(lambda known, _: max(known, key=known.count))),
    ("one-place", _one_place),
    ("borders", _replaced),
]
_TAUGHT = {"see": 5, "mend": 4, "possess": 2}
_ASKED = ("possesses", "assessment", "seen", "sense")


@checker("bpe-encode", reference=_encode)
def _(encode) -> Verdicts:
    name = "bpe-encode"
    merges = _learned(_TAUGHT, 9)
    answers = []
    for word in _ASKED:
        symbols = encode(word, list(merges))
        yield say("exercise.returned-none"), symbols is not None
        yield hint(name, "list", kind=type(symbols).__name__), isinstance(symbols, list)
        yield hint(name, "ids"), not any(isinstance(symbol, int) for symbol in symbols)
        yield hint(name, "strings"), all(isinstance(symbol, str) for symbol in symbols)
        strange = next((symbol for symbol in symbols if symbol not in word), "")
        yield hint(name, "strange", word=word, symbol=repr(strange)), strange == ""
        lost = ", ".join(sorted(set(word) - set("".join(symbols))))
        yield hint(name, "lost", word=word, letters=lost), lost == ""
        yield hint(name, "spelling", word=word, got=" ".join(symbols)), "".join(symbols) == word
        answers.append(symbols)
    yield hint(name, "unmerged"), answers != [list(word) for word in _ASKED]
    for mistake, slip in _SLIPS:
        slipped, right = ([way(word, merges) for word in _ASKED] for way in (slip, _encode))
        word, got = next((w, s) for w, s, r in zip(_ASKED, slipped, right, strict=True) if s != r)
        yield hint(name, mistake, word=word, got=" ".join(got)), answers != slipped
    for word, got in zip(_ASKED, answers, strict=True):
        yield hint(name, "value", word=word, got=" ".join(got)), got == _encode(word, merges)

    given = list(merges)
    encode(_ASKED[0], given)
    yield hint(name, "changed"), given == merges
    yield hint(name, "empty"), encode("", list(merges)) == []
    for word in ("a", "s"):
        yield hint(name, "short", word=word), encode(word, list(merges)) == [word]
    yield hint(name, "short", word="se"), encode("se", list(merges)) == ["se"]
    yield hint(name, "unknown"), encode("ёжик", list(merges)) == list("ёжик")
    yield hint(name, "unknown"), encode("see.see", list(merges)) == ["see", ".", "see"]
    yield hint(name, "no-merges"), encode("see", []) == list("see")
    repeats = _learned({"aaaaa": 2, "baaa": 1}, 4)
    for length in range(2, 12):
        yield (
            hint(name, "repeats", length=length),
            encode("a" * length, list(repeats)) == _encode("a" * length, repeats),
        )
    others = {"nonsense": 8, "lessen": 3, "possess": 5, "unties": 2, "snow": 7, "interest": 5, "tomato": 4}
    for n in (3, 8, 15, 40):
        merges = _learned(others, n)
        for word in ("nonsensesnow", "assessment", "interesting", "lessons", "snowiness", "untie", "tomatoes"):
            got = encode(word, list(merges))
            right = got == _encode(word, merges)
            yield hint(name, "other-merges", n=n, word=word, got=" ".join(map(str, got or []))), right


# ---------------------------------------------------------------- 4

# Pairs before the first merge: s t 14, r e 10, o r 9, e s 8, b e 8, t o 6. After two merges: o re 9, e st 8.
_BY_HAND = ["st", "re", "ore"]
_WHOLE = {"best", "core", "store", "three"}


@checker("bpe-by-hand", reference=_BY_HAND)
def _(answer) -> Verdicts:
    name = "bpe-by-hand"
    yield hint(name, "list"), isinstance(answer, list | tuple)
    yield hint(name, "counts"), not any(isinstance(symbol, int | float) for symbol in answer)
    apart = any(isinstance(symbol, tuple | list) or not str(symbol).isalpha() for symbol in answer)
    yield hint(name, "pairs"), not apart
    yield hint(name, "letters"), not any(len(symbol) == 1 for symbol in answer)
    yield hint(name, "size", size=len(answer)), len(answer) == 3
    first, second, third = answer
    yield hint(name, "unweighted"), first != "re"
    yield hint(name, "words"), not _WHOLE.issuperset({first, second})
    yield hint(name, "grown"), not (first == "st" and "st" in second and second in third)
    # Written one after the other, e and s meet where best follows best: e s as often as s t, and then e st 14 times.
    yield hint(name, "across"), first != "es" and second != "est"
    yield hint(name, "order"), set(answer) != set(_BY_HAND) or list(answer) == _BY_HAND
    yield hint(name, "first", symbol=first), first == "st"
    yield hint(name, "second", symbol=second), second == "re"
    yield hint(name, "stale"), third != "or"
    yield hint(name, "third", symbol=third), third == "ore"


# ---------------------------------------------------------------- 5


def _train(words: Mapping[str, int], n: int) -> list[Pair]:
    corpus = [(list(word), count) for word, count in words.items()]
    merges: list[Pair] = []
    while len(merges) < n and (pairs := bpe.pair_counts(corpus)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        corpus = [(bpe.merge_pair(symbols, *best), count) for symbols, count in corpus]
        merges.append(best)
    return merges


def _written(merges: Sequence[Pair]) -> str:
    return ", ".join(f"{left} + {right}" for left, right in merges)


@checker("bpe-bug-hunt", reference=_train)
def _(train) -> Verdicts:
    name = "bpe-bug-hunt"
    words = {"xyd": 1, "cd": 2, "cde": 2, "xy": 6, "acd": 1}  # x y 7, c d 5; in how many words: 2 and 3
    given = dict(words)
    out = train(given, 1)
    yield say("exercise.returned-none"), out is not None
    two = isinstance(out, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in out)
    yield hint(name, "pairs"), two
    yield hint(name, "changed"), given == words
    yield hint(name, "how-many"), len(out) == 1
    yield hint(name, "rarest"), out[0] not in [("y", "d"), ("d", "e"), ("a", "c")]
    yield hint(name, "unweighted"), out != [("c", "d")]
    yield hint(name, "first-merge", got=_written(out)), out == [("x", "y")]
    out = train({"aaa": 4, "bc": 7}, 1)
    yield hint(name, "overlap"), out == [("a", "a")]

    # Ties: the pair seen first, the largest one, the one seen last and the smallest one are four different pairs.
    out = train({"mn": 3, "ab": 3, "xy": 3, "op": 3}, 1)
    yield hint(name, "tie-largest"), out != [("x", "y")]
    yield hint(name, "tie-seen"), out not in ([("m", "n")], [("o", "p")])
    yield hint(name, "tie"), out == [("a", "b")]
    yield hint(name, "tie-right"), train({"ad": 3, "ac": 3, "ae": 3}, 1) == [("a", "c")]

    out = train({"cab": 5, "abd": 2}, 2)
    yield hint(name, "again"), len(set(out)) == len(out)
    yield hint(name, "stale"), ("c", "a") not in out
    yield hint(name, "second-merge", got=_written(out)), out == [("a", "b"), ("c", "ab")]

    for words in ({"ab": 9, "bc": 6, "abc": 3, "de": 1}, {"cd": 9, "bc": 6, "bcd": 3, "fg": 1}):
        yield hint(name, "borders", words=", ".join(words)), train(dict(words), 3) == _train(words, 3)
    yield hint(name, "neighbour"), train({"bcbc": 5, "xy": 3}, 2) == [("b", "c"), ("bc", "bc")]
    yield hint(name, "repeats"), train({"aaaa": 3, "baaa": 1}, 3) == _train({"aaaa": 3, "baaa": 1}, 3)
    # Of equal counts: (ab, x) before (b, x), though ab is the younger symbol; (a, bc) before (ab, b), though abb is before abc.
    for words, n in ({"ab": 9, "abx": 2, "bx": 2}, 2), ({"bc": 20, "ab": 9, "abc": 2, "abb": 2}, 3):
        yield hint(name, "tie-later"), train(dict(words), n) == _train(words, n)
    yield hint(name, "none"), train({"ab": 2}, 0) == []
    yield hint(name, "no-more"), train({"ab": 2, "c": 1}, 5) == [("a", "b")]
    for words in (
        {"best": 8, "core": 3, "store": 6, "three": 1},
        {"low": 5, "lower": 2, "newest": 6, "widest": 3},
        {"banana": 2, "ananas": 3, "an": 1, "nana": 4},
    ):
        got = train(dict(words), 9)
        at = next((i for i, (a, b) in enumerate(zip(got, _train(words, 9), strict=False)) if a != b), len(got))
        yield hint(name, "value", words=", ".join(words), place=at + 1), got == _train(words, 9)
