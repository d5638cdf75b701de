"""Lesson 02: what learners really write, and the hint each must get (a pattern in the English message)."""


def _function(head: str, body: str) -> str:
    lines = "\n    ".join(body.strip("\n").splitlines())
    return f"def {head}:\n    {lines}"


def _counts(body: str) -> str:
    return _function("pair_counts(words)", body)


def _counted(
    pairs: str = "zip(symbols, symbols[1:])",
    key: str = "(left, right)",
    add: str = "count",
    returned: str = "counts",
) -> str:
    return _counts(f"""
counts = {{}}
for symbols, count in words.items():
    for left, right in {pairs}:
        counts[{key}] = counts.get({key}, 0) + {add}
return {returned}""")


def _merge(body: str) -> str:
    return _function("merge(symbols, left, right)", body)


def _stepped(
    condition: str = "symbols[i : i + 2] == [left, right]",
    new: str = "left + right",
    step: str = "2",
    end: str = "len(symbols)",
    returned: str = "merged",
) -> str:
    return _merge(f"""
merged, i = [], 0
while i < {end}:
    if {condition}:
        merged.append({new})
        i += {step}
    else:
        merged.append(symbols[i])
        i += 1
return {returned}""")


_WHOLE = "symbols[i] == left and symbols[i + 1] == right"
_FROM_SPACES = 'return " ".join(symbols).replace(left + " " + right, left + right).split()'


def _encode(body: str) -> str:
    return _function("encode(word, merges)", body)


_ALL_PLACES = """
    new, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == best:
            new.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            new.append(symbols[i])
            i += 1
    symbols = new"""


def _chosen(best: str, loop: str = "while True", start: str = "list(word)", returned: str = "symbols") -> str:
    """``fits`` are the known pairs of the word from left to right."""
    return _encode(f"""
symbols = {start}
{loop}:
    fits = [pair for pair in zip(symbols, symbols[1:]) if pair in merges]
    if not fits:
        break
    best = {best}{_ALL_PLACES}
return {returned}""")


_EARLIEST = "min(fits, key=merges.index)"
_ONE_PASS = _encode(f"symbols = list(word)\nfor best in merges:{_ALL_PLACES}\nreturn symbols")
_LONGEST = _encode("""
vocabulary = {left + right for left, right in merges} | set(word)
symbols, start = [], 0
while start < len(word):
    end = len(word)
    while word[start:end] not in vocabulary:
        end -= 1
    symbols.append(word[start:end])
    start = end
return symbols""")
_REPLACED = _encode("""
text = " ".join(word)
for left, right in merges:
    text = text.replace(left + " " + right, left + right)
return text.split()""")

_THREE = "first_three = {}"

_MERGED = "[(merge(symbols, left, right), count) for symbols, count in corpus]"
_BEST = "min(pairs, key=lambda pair: (-pairs[pair], pair))"
_COUNT = """pairs = {{}}
{indent}for symbols, count in corpus:
{indent}    for pair in zip(symbols, symbols[1:]):
{indent}        pairs[pair] = pairs.get(pair, 0) + {add}"""


def _train(
    add: str = "count",
    best: str = _BEST,
    merged: str = _MERGED,
    once: bool = False,
    forget: str = "",
    start: str = "[(list(word), count) for word, count in words.items()]",
    guard: str = "if not pairs:\n            break",
    appended: str = "(left, right)",
) -> str:
    """The mended trainer, with one thing in it changed."""
    before = _COUNT.format(indent="    ", add=add) if once else ""
    inside = "" if once else _COUNT.format(indent="        ", add=add)
    return f"""def train(words, n):
    corpus = {start}
    {before or "pass"}
    merges = []
    while len(merges) < n:
        {inside or "pass"}
        {guard}
        left, right = {best}
        merges.append({appended})
        corpus = {merged}
        {forget or "pass"}
    return merges"""


_STUB = """def train(words, n):
    corpus = {{" ".join(word): count for word, count in words.items()}}
    pairs = {{}}
    for text in corpus:
        symbols = text.split(" ")
        for i in range(len(symbols) - 1):
            pair = symbols[i], symbols[i + 1]
            pairs[pair] = pairs.get(pair, 0) + {add}
    merges = []
    while pairs and len(merges) < n:
        left, right = {best}
        merges.append((left, right))
        corpus = {{text.replace(f"{{left}} {{right}}", left + right): k for text, k in corpus.items()}}
        del pairs[left, right]
    return merges"""
_AS_TEXT = """def train(words, n):
    corpus = [(" ".join(word), count) for word, count in words.items()]
    merges = []
    while len(merges) < n:
        pairs = {{}}
        for text, count in corpus:
            symbols = text.split()
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((left, right))
        corpus = [({replaced}, count) for text, count in corpus]
    return merges"""

WRONG = {
    "pair-counts": [
        ("no return", _counted(returned="None"), "returned None"),
        ("a list of pairs", _counted(returned="list(counts)"), "the answer is a list"),
        ("joined keys", _counted(key="left + right"), "ab \\+ c and a \\+ bc"),
        ("counted symbols", _counted("((s, s) for s in symbols)", key="(left,)"), "tuple of two symbols"),
        ("unordered", _counted(key="frozenset((left, right))"), "it matters which comes first"),
        ("sorted", _counted(key="tuple(sorted((left, right)))"), "it matters which comes first"),
        (
            "both orders",
            _counted().replace(
                "+ count", "+ count\n            counts[right, left] = counts.get((right, left), 0) + count"
            ),
            "it matters which comes first",
        ),
        ("turned round", _counted(key="(right, left)"), "turned round"),
        ("characters", _counted('zip("".join(symbols), "".join(symbols)[1:])'), "is not taken apart again"),
        ("unweighted", _counted(add="1"), "every word is counted once"),
        (
            "once per word, unweighted",
            _counted("set(zip(symbols, symbols[1:]))", add="1"),
            "every word is counted once",
        ),
        ("once per word", _counted("set(zip(symbols, symbols[1:]))"), "every place counts"),
        (
            "last pair",
            _counted("((symbols[i], symbols[i + 1]) for i in range(len(symbols) - 2))"),
            "the last pair of every word",
        ),
        (
            "first pair",
            _counted("((symbols[i], symbols[i + 1]) for i in range(1, len(symbols) - 1))"),
            "the first pair of every word",
        ),
        (
            "cut into pairs",
            _counted("((symbols[i], symbols[i + 1]) for i in range(0, len(symbols) - 1, 2))"),
            "every other pair",
        ),
        (
            "negative index",
            _counted("((symbols[i - 1], symbols[i]) for i in range(len(symbols)))"),
            "what does Python do with a negative index",
        ),
        (
            "all pairs of the word",
            _counted("((a, b) for i, a in enumerate(symbols) for b in symbols[i + 1 :])"),
            "with another one between them",
        ),
        (
            "one long text",
            _counts("""
text = [symbol for symbols, count in words.items() for symbol in symbols * count]
counts = {}
for pair in zip(text, text[1:]):
    counts[pair] = counts.get(pair, 0) + 1
return counts"""),
            "a merge never crosses their border",
        ),
        (
            "all words after each other",
            _counts("""
text = [(symbol, count) for symbols, count in words.items() for symbol in symbols]
counts = {}
for (left, count), (right, _) in zip(text, text[1:]):
    counts[left, right] = counts.get((left, right), 0) + count
return counts"""),
            "a merge never crosses their border",
        ),
        (
            "without overlap",
            _counts("""
counts = {}
for symbols, count in words.items():
    text = "·" + "··".join(symbols) + "·"
    for left, right in set(zip(symbols, symbols[1:])):
        found = text.count(f"·{left}··{right}·")
        counts[left, right] = counts.get((left, right), 0) + found * count
return counts"""),
            "in a a a one pair was found",
        ),
        ("written over", _counted().replace("counts.get((left, right), 0) + ", ""), "takes the place of the old one"),
        ("added to nothing", _counted().replace("counts.get((left, right), 0)", "counts[left, right]"), "KeyError"),
        (
            "shares",
            _counted(returned="{pair: count / sum(counts.values()) for pair, count in counts.items()}"),
            "these are shares",
        ),
        (
            "zeros",
            _counts("""
every = {symbol for symbols in words for symbol in symbols}
counts = {(a, b): 0 for a in every for b in every}
for symbols, count in words.items():
    for pair in zip(symbols, symbols[1:]):
        counts[pair] += count
return counts"""),
            "some counts are 0",
        ),
        (
            "words used up",
            _counts("""
counts = {}
while words:
    symbols, count = words.popitem()
    for pair in zip(symbols, symbols[1:]):
        counts[pair] = counts.get(pair, 0) + count
return counts"""),
            "changed the words",
        ),
        (
            "lists of counts",
            _counted().replace(
                "counts[(left, right)] = counts.get((left, right), 0) + count",
                "counts.setdefault((left, right), []).append(count)",
            ),
            "belongs one number",
        ),
        (
            "rare pairs left out",
            _counted(returned="{pair: n for pair, n in counts.items() if n > 2}"),
            "have not counted it",
        ),
        ("one more than the count", _counted(add="count + 1"), "the pairs are right, the counts are not"),
        ("squares", _counted(add="count * (1 if len(words) > 2 and ('re',) in words else 2)"), "wrong for another"),
        (
            "nothing for no pairs",
            _counted(returned="counts or None"),
            "the answer is an empty dict",
        ),
    ],
    "merge-pair": [
        ("no return", _stepped(returned="None"), "returned None"),
        ("a string", _merge('return "".join(symbols).replace(left + right, left + right)'), "the answer is one string"),
        ("a tuple", _stepped(returned="tuple(merged)"), "the answer is a tuple"),
        ("a pair in the list", _stepped(new="(left, right)"), "put side by side"),
        ("an untrue comparison", _stepped("symbols[i : i + 2] == (left, right)"), "nothing was merged"),
        (
            "in place",
            _merge("""
i = 0
while i < len(symbols) - 1:
    if symbols[i] == left and symbols[i + 1] == right:
        symbols[i : i + 2] = [left + right]
    i += 1
return symbols"""),
            "changed the list",
        ),
        ("last symbol lost", _stepped(_WHOLE, end="len(symbols) - 1"), "the last symbol is lost"),
        ("off the end", _stepped(_WHOLE), "stopped with IndexError|at the very end"),
        ("right part stays", _stepped(step="1"), "takes the place of both"),
        (
            "left part stays",
            _merge("""
merged = []
for i, symbol in enumerate(symbols):
    if symbol == right and i and symbols[i - 1] == left:
        merged.append(left + right)
    else:
        merged.append(symbol)
return merged"""),
            "takes the place of both",
        ),
        (
            "first place only",
            _merge("""
for i in range(len(symbols) - 1):
    if symbols[i] == left and symbols[i + 1] == right:
        return symbols[:i] + [left + right] + symbols[i + 2 :]
return list(symbols)"""),
            "only the first place",
        ),
        (
            "last place only",
            _merge("""
for i in reversed(range(len(symbols) - 1)):
    if symbols[i] == left and symbols[i + 1] == right:
        return symbols[:i] + [left + right] + symbols[i + 2 :]
return list(symbols)"""),
            "only the last place",
        ),
        ("skips one", _stepped(step="2\n        merged += symbols[i : i + 1]\n        i += 1"), "passed over"),
        (
            "spaces on both sides",
            _merge("""
text = f" {' '.join(symbols)} "
return text.replace(f" {left} {right} ", f" {left + right} ").split()"""),
            "passed over",
        ),
        ("text replaced", _merge(_FROM_SPACES), "compare symbols, not text"),
        (
            "a border on the left only",
            _merge("""
text = " " + " ".join(symbols)
return text.replace(f" {left} {right}", f" {left + right}").split()"""),
            "compare symbols, not text",
        ),
        (
            "ends compared",
            _stepped("symbols[i].endswith(left) and symbols[i + 1 : i + 2] == [right]"),
            "not the symbols b",
        ),
        ("either order", _stepped("{*symbols[i : i + 2]} == {left, right}"), "has to stand on the left"),
        ("joined text compared", _stepped('"".join(symbols[i : i + 2]) == left + right'), "two other symbols"),
        (
            "members",
            _stepped("i + 1 < len(symbols) and symbols[i] in (left, right) and symbols[i + 1] == right"),
            "only the two in the middle",
        ),
        (
            "used twice",
            _merge("""
merged, done = [], False
for i, symbol in enumerate(symbols):
    fits = symbols[i : i + 2] == [left, right]
    if fits:
        merged.append(left + right)
    elif not done:
        merged.append(symbol)
    done = fits
return merged"""),
            "the middle symbol was used twice",
        ),
        (
            "from the right",
            _merge("""
merged, i = list(symbols), len(symbols) - 2
while i >= 0:
    if merged[i : i + 2] == [left, right]:
        merged[i : i + 2] = [left + right]
    i -= 1
return merged"""),
            "a a a became a aa",
        ),
        ("not at the end", _stepped(f"i + 2 < len(symbols) and {_WHOLE}"), "at the very end"),
        (
            "one symbol forgotten",
            _stepped().replace("merged, i", "if len(symbols) < 2:\n        return []\n    merged, i"),
            "comes back as it is",
        ),
        (
            "borders by regular expression",
            _merge("""
import re
return re.sub(rf"(?<!\\S){left} {right}(?!\\S)", left + right, " ".join(symbols)).split()"""),
            "no character is free to mark the borders",
        ),
        ("wrong way round", _stepped(new="right + left"), "wrong for x b c y and the pair b, c"),
    ],
    "bpe-encode": [
        ("no return", _chosen(_EARLIEST, returned="None"), "returned None"),
        ("a string", _chosen(_EARLIEST, returned='" ".join(symbols)'), "the answer is a str"),
        ("numbers", _chosen(_EARLIEST, returned="[len(symbol) for symbol in symbols]"), "these are numbers"),
        (
            "pairs in the list",
            _chosen(_EARLIEST, returned="[(s, 1) for s in symbols]"),
            "every symbol should be a string",
        ),
        ("nothing merged", _encode("return list(word)"), "no merge was made"),
        ("ids compared", _chosen(_EARLIEST).replace("pair in merges", "list(pair) in merges"), "no merge was made"),
        ("longest match", _LONGEST, "as WordPiece does it"),
        ("first pair in the word", _chosen("fits[0]"), "first known pair that you come across"),
        ("last pair in the word", _chosen("fits[-1]"), "first known pair that you come across"),
        (
            "sweeps",
            _encode("""
symbols, changed = list(word), True
while changed:
    new, i, changed = [], 0, False
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) in merges:
            new.append(symbols[i] + symbols[i + 1])
            i, changed = i + 2, True
        else:
            new.append(symbols[i])
            i += 1
    symbols = new
return symbols"""),
            "first known pair that you come across",
        ),
        ("latest merge first", _chosen("max(fits, key=merges.index)"), "upside down"),
        ("one pass backwards", _ONE_PASS.replace("in merges:", "in merges[::-1]:"), "upside down"),
        ("alphabet", _chosen("min(fits)"), "the first in the alphabet"),
        ("most frequent in the word", _chosen("max(fits, key=fits.count)"), "counting belongs to training"),
        ("one merge", _chosen(_EARLIEST, loop="for _ in range(1)"), "only one merge was made"),
        (
            "one place of each",
            _encode("""
symbols = list(word)
for left, right in merges:
    for i in range(len(symbols) - 1):
        if (symbols[i], symbols[i + 1]) == (left, right):
            symbols[i : i + 2] = [left + right]
            break
return symbols"""),
            "at one place only",
        ),
        ("text replaced", _REPLACED, "across the borders of symbols"),
        (
            "unknown left out",
            _chosen(_EARLIEST, start="[c for c in word if any(c in left + right for left, right in merges)]"),
            "letters of assessment are lost: a, t",
        ),
        (
            "unknown marked",
            _chosen(_EARLIEST, start='[c if any(c in l + r for l, r in merges) else "<unk>" for c in word]'),
            "'<unk>' does not stand in the word",
        ),
        ("in any order", _chosen(_EARLIEST, returned="sorted(symbols)"), "no longer give the word"),
        (
            "found among unknown pairs",
            _encode("""
ranks = {pair: rank for rank, pair in enumerate(merges)}
symbols = list(word)
while len(symbols) > 1:
    best = min(zip(symbols, symbols[1:]), key=lambda pair: ranks[pair])
    i = list(zip(symbols, symbols[1:])).index(best)
    symbols[i : i + 2] = [best[0] + best[1]]
return symbols"""),
            "KeyError",
        ),
        (
            "two symbols stay two",
            _chosen(_EARLIEST, loop="while len(symbols) > 2"),
            "short word se",
        ),
        (
            "merges used up",
            _encode(f"symbols = list(word)\nwhile merges:\n    best = merges.pop(0){_ALL_PLACES}\nreturn symbols"),
            "changed the list of merges",
        ),
        (
            "min of nothing",
            _encode("""
ranks = {pair: rank for rank, pair in enumerate(merges)}
symbols = list(word)
while True:
    rank, i = min((ranks.get(pair, len(merges)), i) for i, pair in enumerate(zip(symbols, symbols[1:])))
    if rank == len(merges):
        return symbols
    symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]"""),
            "stopped with ValueError",
        ),
        ("empty word", _chosen(_EARLIEST, returned="symbols or [word]"), "the answer is an empty list"),
        (
            "from the right",
            _encode("""
symbols = list(word)
for best in merges:
    i = len(symbols) - 2
    while i >= 0:
        if tuple(symbols[i : i + 2]) == best:
            symbols[i : i + 2] = ["".join(best)]
        i -= 1
return symbols"""),
            "times the letter a",
        ),
        (
            "letters only",
            _chosen(_EARLIEST, start="[c for c in word if c.isascii()]"),
            "characters that no merge knows",
        ),
        (
            "whole word without merges",
            _ONE_PASS.replace("symbols = list(word)", "symbols = list(word) if merges else [word]"),
            "with an empty list",
        ),
        (
            "longest pair, last place",
            _chosen('max(fits[::-1], key=lambda pair: len("".join(pair)))'),
            "first known pair",
        ),
        ("nine merges at most", _ONE_PASS.replace("in merges:", "in merges[:9]:"), "wrong for another list"),
    ],
    "bpe-by-hand": [
        ("a set", _THREE.format("{'st', 're', 'ore'}"), "in which order"),
        ("a string", _THREE.format("'st re ore'"), "give a list"),
        ("counts", _THREE.format("[14, 10, 9]"), "these are counts"),
        ("pairs", _THREE.format("[('s', 't'), ('r', 'e'), ('o', 're')]"), "these are the pairs"),
        ("pairs as text", _THREE.format("['s t', 'r e', 'o re']"), "these are the pairs"),
        ("flat", _THREE.format("['s', 't', 'r', 'e', 'o', 're']"), "single letters are there from the start"),
        ("letters", _THREE.format("['e', 's', 't']"), "single letters are there from the start"),
        ("two merges", _THREE.format("['st', 're']"), "three merges make three"),
        ("four merges", _THREE.format("['st', 're', 'ore', 'be']"), "symbols in the answer: 4"),
        ("unweighted", _THREE.format("['re', 'st', 'ore']"), "brings each of its pairs 8 times"),
        ("unweighted, another tie", _THREE.format("['re', 'ore', 'st']"), "brings each of its pairs 8 times"),
        ("words", _THREE.format("['best', 'store', 'core']"), "whole words"),
        ("grown", _THREE.format("['st', 'est', 'best']"), "let one symbol grow"),
        ("grown the other way", _THREE.format("['st', 'sto', 'stor']"), "let one symbol grow"),
        ("across the words", _THREE.format("['st', 'est', 'or']"), "written one after the other"),
        ("across the words, another tie", _THREE.format("['es', 'est', 'or']"), "written one after the other"),
        ("counts not renewed", _THREE.format("['st', 're', 'or']"), "before the first merge"),
        ("longest first", _THREE.format("['ore', 'st', 're']"), "in another order"),
        ("third before its part", _THREE.format("['st', 'ore', 're']"), "in another order"),
        ("first wrong", _THREE.format("['or', 'ore', 'st']"), "“or” is not first"),
        ("second wrong", _THREE.format("['st', 'be', 're']"), "“be” is not the second"),
        ("third wrong", _THREE.format("['st', 're', 'be']"), "“be” is not the third"),
    ],
    "bpe-bug-hunt": [
        (
            "all four left",
            _STUB.format(add="1", best="max(pairs, key=lambda pair: (pairs[pair], pair))"),
            "occurs 6 times",
        ),
        ("unweighted", _train(add="1"), "occurs 6 times"),
        ("rarest", _train(best="min(pairs, key=lambda pair: (pairs[pair], pair))"), "that of a rare pair"),
        ("first pair of all", _train(best="min(pairs)"), "that of a rare pair"),
        (
            "only the ties left",
            _train(best="max(pairs, key=lambda pair: (pairs[pair], pair))"),
            "what does max do with the second part",
        ),
        ("first of equals", _train(best="max(pairs, key=pairs.get)"), "must not depend on the order of the words"),
        (
            "last of equals",
            _train(best="max(reversed(pairs), key=pairs.get)"),
            "must not depend on the order of the words",
        ),
        (
            "left symbol only",
            _train(best="min(pairs, key=lambda pair: (-pairs[pair], pair[0]))"),
            "the right ones decide",
        ),
        ("text of the symbol", _train(best='min(pairs, key=lambda p: (-pairs[p], "".join(p)))'), "among longer ones"),
        (
            "shortest symbol",
            _train(best="min(pairs, key=lambda p: (-pairs[p], len(p[0] + p[1]), p))"),
            "among longer ones",
        ),
        ("counted once", _train(once=True, forget="del pairs[left, right]"), "how old are the counts"),
        ("counted once, nothing forgotten", _train(once=True), "again and again"),
        (
            "two mended, in the old shape",
            _STUB.format(add="corpus[text]", best=_BEST),
            "how old are the counts",
        ),
        ("corpus never merged", _train(merged="corpus"), "again and again"),
        (
            "counts added to the old ones",
            _train(
                once=True,
                forget="del pairs[left, right]\n        "
                + _COUNT.format(indent="        ", add="count").split("\n        ", 1)[1],
            ),
            "how old are the counts",
        ),
        (
            "text replaced",
            _AS_TEXT.format(replaced='text.replace(f"{left} {right}", left + right)'),
            "no merge has made",
        ),
        (
            "a border on the left only",
            _AS_TEXT.format(replaced='(" " + text).replace(f" {left} {right}", f" {left + right}").strip()'),
            "no merge has made",
        ),
        (
            "shared border",
            _AS_TEXT.format(
                replaced='f" {text} ".replace(f" {left} {right} ", f" {left + right} ").strip()',
            ),
            "share a border",
        ),
        (
            "only one place",
            _train(merged="[(merge_first(symbols, left, right), count) for symbols, count in corpus]").replace(
                "def train",
                """def merge_first(symbols, left, right):
    for i in range(len(symbols) - 1):
        if symbols[i : i + 2] == [left, right]:
            return symbols[:i] + [left + right] + symbols[i + 2 :]
    return symbols


def train""",
            ),
            "one place stayed unmerged",
        ),
        (
            "no overlap",
            _train().replace("for pair in zip(symbols, symbols[1:])", "for pair in set(zip(symbols, symbols[1:]))"),
            "overlapping pairs count",
        ),
        (
            "from the right",
            _train(merged="[(merge_back(symbols, left, right), count) for symbols, count in corpus]").replace(
                "def train",
                """def merge_back(symbols, left, right):
    symbols, i = list(symbols), len(symbols) - 2
    while i >= 0:
        if symbols[i : i + 2] == [left, right]:
            symbols[i : i + 2] = [left + right]
        i -= 1
    return symbols


def train""",
            ),
            "merged from left to right",
        ),
        ("joined", _train(appended="left + right"), "list of pairs"),
        ("no guard", _train(guard="pass"), "stopped with ValueError"),
        ("one more", _train().replace("len(merges) < n", "len(merges) <= n"), "another number came"),
        ("at least one", _train().replace("while len(merges) < n", "while not merges or len(merges) < n"), "n = 0"),
        ("words used up", _train(start="[(list(w), words.pop(w)) for w in list(words)]"), "changed the words"),
        ("eight at most", _train().replace("len(merges) < n", "len(merges) < min(n, 8)"), "from merge 9 on"),
    ],
}
ALSO_RIGHT = {
    "pair-counts": [
        _counts("""
from collections import Counter
from itertools import pairwise
counts = Counter()
for symbols, count in words.items():
    for pair in pairwise(symbols):
        counts[pair] += count
return counts"""),
        _counts("""
from collections import defaultdict
counts = defaultdict(int)
for symbols in words:
    for i in range(1, len(symbols)):
        counts[symbols[i - 1], symbols[i]] += words[symbols]
return counts"""),
        _counts("""
found = [(pair, n) for symbols, n in words.items() for pair in zip(symbols[:-1], symbols[1:])]
return {pair: sum(n for other, n in found if other == pair) for pair, _ in found}"""),
    ],
    "merge-pair": [
        _stepped(f"i + 1 < len(symbols) and {_WHOLE}"),
        _merge("""
merged, rest = [], list(symbols)
while rest:
    symbol = rest.pop(0)
    if symbol == left and rest and rest[0] == right:
        symbol += rest.pop(0)
    merged.append(symbol)
return merged"""),
        _merge("""
merged, open_left = [], False
for symbol in symbols:
    if open_left and symbol == right:
        merged[-1] = left + right
        open_left = False
    else:
        merged.append(symbol)
        open_left = symbol == left
return merged"""),
        _merge("""
if len(symbols) < 2:
    return list(symbols)
if symbols[:2] == [left, right]:
    return [left + right] + merge(symbols[2:], left, right)
return symbols[:1] + merge(symbols[1:], left, right)""").replace("merge(symbols", "merging(symbols")
        + "\n\n\nmerge = merging",
    ],
    "bpe-encode": [
        _chosen(_EARLIEST),
        _ONE_PASS,  # each merge once, in the order learned: nothing that a later one makes fits an earlier one
        _encode("""
ranks = {pair: rank for rank, pair in enumerate(merges)}
symbols = list(word)
while True:
    found = [(ranks[pair], i) for i, pair in enumerate(zip(symbols, symbols[1:])) if pair in ranks]
    if not found:
        return symbols
    _, i = min(found)
    symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]"""),
        # tiktoken's way: of two neighbours it asks only what they make. No string is made by two merges of a training.
        _encode("""
ranks = {left + right: rank for rank, (left, right) in enumerate(merges)}
symbols = list(word)
while True:
    made = [ranks.get(a + b, len(ranks)) for a, b in zip(symbols, symbols[1:])]
    if not made or min(made) == len(ranks):
        return symbols
    i = made.index(min(made))
    symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]"""),
        # A word that is a symbol already is that symbol, whatever way leads there.
        _chosen(_EARLIEST).replace(
            "    symbols = list(word)",
            "    if word in [left + right for left, right in merges]:\n        return [word]\n    symbols = list(word)",
        ),
    ],
    "bpe-by-hand": [
        _THREE.format("['st', 're', 'ore']"),
        _THREE.format("('st', 're', 'ore')"),
        _THREE.format("['s' + 't', 'r' + 'e', 'o' + 'r' + 'e']"),
    ],
    "bpe-bug-hunt": [
        _train(),
        _train(best="sorted(pairs, key=lambda pair: (-pairs[pair], *pair))[0]"),
        _train(best="min(pair for pair in pairs if pairs[pair] == max(pairs.values()))"),
        _train(best="max(sorted(pairs), key=pairs.get)"),
        """def train(words, n):
    corpus, merges = {tuple(word): count for word, count in words.items()}, []
    while len(merges) < n and (pairs := pair_counts(corpus)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        corpus = {tuple(merge(list(symbols), *best)): count for symbols, count in corpus.items()}
    return merges""",
    ],
}
