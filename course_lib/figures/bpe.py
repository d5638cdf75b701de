"""The diagrams of lesson 02: letters, tokens and words, byte-pair encoding, its bytes and pieces, and its relatives.

What has just been merged or taken is ochre. Merges, counts, bytes and pieces are computed by the modules that the lesson
explains, from the words of the catalogue: a figure cannot show a merge that the algorithm would not make.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from course_lib.bpe import BYTE_CHARACTERS, Merge, merge_pair, merge_steps
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.figures.draw import CARD_WIDTH, POINT, Box, Canvas, Look, drawing
from course_lib.figures.labels import text_size
from course_lib.figures.style import tint
from course_lib.language import say
from course_lib.pretokenisation import pre_tokens


def _corpus(text: str) -> dict[str, int]:
    """Counted words from a line of the catalogue: ``low 5 lower 2``."""
    parts = text.split()
    return {word: int(count) for word, count in zip(parts[::2], parts[1::2], strict=True)}


def _counted(words: Mapping[str, int]) -> str:
    return "    ".join(f"{word} × {count}" for word, count in words.items())


def _merges(words: Mapping[str, int], number: int) -> list[Merge]:
    return [Merge(step.left, step.right, step.count) for step in merge_steps(words, number)]


def _visible(text: str) -> str:
    """Spaces can be seen: a dot on half height, as in an editor."""
    return text.replace(" ", "·")


def _row(
    c: Canvas,
    x: float,
    y: float,
    symbols: Sequence[str],
    *,
    pitch: float,
    height: float = 30,
    size: float = 14,
    looks: Mapping[int, tuple[Look, str]] | None = None,
) -> list[Box]:
    """Symbols as boxes, each as wide as it has characters, so that the rows of a picture stand letter under letter.

    Args:
        pitch: width of one character.
        looks: look and colour of some of the boxes by their places; the others are white.
    """
    places, at = [], 0
    for i, symbol in enumerate(symbols):
        look, colour = (looks or {}).get(i, ("outline", "neutral"))
        width = pitch * len(symbol) - 4
        text, bold = _visible(symbol), look == "solid"
        place = c.box(
            x + pitch * at + 2, y, width, height, text, look=look, colour=colour, size=size, radius=5, bold=bold
        )
        places.append(place)
        at += len(symbol)
    return places


# ---------------------------------------------------------------- how finely a text is cut


@drawing(760, 344)
def bpe_scale(c: Canvas) -> None:
    """One sentence as letters, as tokens and as words; how long the sequence is and how large the vocabulary."""
    sentence, tokens = c.say("sentence"), c.say("tokens_of_sentence").split("|")
    pitch = 732 / len(sentence)
    for i, (name, cut) in enumerate((("letters", list(sentence)), ("tokens", tokens), ("words", sentence.split()))):
        top = 14 + 114 * i
        middle = name == "tokens"
        c.text(14, top + 10, c.say(name), size=15, bold=True, align="left")
        looks = dict.fromkeys(range(len(cut)), ("tint", "accent" if middle else "input"))
        if name != "words":
            _row(c, 14, top + 28, cut, pitch=pitch, looks=looks)
        else:
            at = 0
            for word in cut:
                _row(c, 14 + pitch * at, top + 28, [word], pitch=pitch, looks=looks)
                at += len(word) + 1
        y = top + 78
        c.text(16, y, f"$T$ = {len(cut)}", size=15, align="left")
        c.text(128, y, c.say(f"size_{name}"), size=15, align="left")
        c.text(744, y, c.say(f"remark_{name}"), size=14, align="right")
        if i < 2:
            c.arrow((14, top + 98), (746, top + 98), width=0.8, head=False, touches=(False, False))


# ---------------------------------------------------------------- learning


@drawing(CARD_WIDTH, 382, card=True)
def bpe_merges(c: Canvas) -> None:
    """The first four merges of a small corpus, on a word that it does not hold: it ends as two tokens."""
    words, word = _corpus(c.say("corpus")), c.say("word")
    pitch, left, size = 43, 14, 16
    c.text(left, 20, _counted(words), size=14, align="left")
    c.arrow((left, 40), (436, 40), width=0.8, head=False, touches=(False, False))
    symbols, y = list(word), 54.0
    places = _row(c, left, y, symbols, pitch=pitch, size=size)
    c.text(318, y + 15, c.say("pair"), size=15, align="left")
    c.text(436, y + 15, c.say("count"), size=15, align="right")
    for number, merge in enumerate(_merges(words, 4), 1):
        before, symbols = symbols, merge_pair(symbols, merge.left, merge.right)
        at = next(i for i, pair in enumerate(pairwise(before)) if pair == merge[:2])
        parents, y = places[at : at + 2], y + 60
        places = _row(c, left, y, symbols, pitch=pitch, size=size, looks={at: ("solid", "accent")})
        for parent in parents:
            c.arrow((parent.cx, parent.bottom), (parent.cx, y), colour="accent", width=2)
        c.text(294, y + 15, f"{number}.", size=15, align="left")
        c.text(318, y + 15, f"{merge.left} + {merge.right}", size=15, align="left")
        c.text(436, y + 15, str(merge.count), size=15, bold=True, align="right")
    c.text(left, y + 58, c.say("result", count=len(symbols)), size=15, align="left")


@drawing(760, 300)
def bpe_pieces(c: Canvas) -> None:
    """A sentence cut by GPT-2's pattern: pairs are counted inside the pieces, not across their borders."""
    sentence = c.say("sentence")
    pieces = pre_tokens(sentence)
    gap = 24
    pitch = (732 - gap * (len(pieces) - 1)) / len(sentence)
    c.text(14, 26, c.say("before"), size=15, bold=True, align="left")
    c.text(14, 58, sentence, size=20, align="left")
    c.text(14, 104, c.say("after", count=len(pieces)), size=15, bold=True, align="left")
    x, y = 14.0, 124.0
    for i, piece in enumerate(pieces):
        if i:
            c.cross(x - gap / 2, y + 17, 6, colour="warning")
        width = pitch * len(piece)
        block = c.box(x, y, width, 34, colour="accent", radius=5)
        for j, character in enumerate(piece):
            middle, ground = x + (j + 0.5) * pitch, tint("accent", 0.13)
            c.text(middle, block.cy, _visible(character), size=17, ground=ground, inside=block)
        if len(piece) > 1:
            text = str(len(piece) - 1)
            c.bracket((x + pitch / 2, y + 42), (x + width - pitch / 2, y + 42), 7, text=text, size=14, colour="accent")
        x += width + gap
    inside = sum(len(piece) - 1 for piece in pieces)
    c.bracket((14, 228), (44, 228), 7, colour="accent")
    c.text(58, 232, c.say("inside", count=inside), size=15, align="left")
    c.cross(29, 268, 6, colour="warning")
    c.text(58, 268, c.say("across", count=len(pieces) - 1), size=15, align="left")


# ---------------------------------------------------------------- encoding


def in_merge_order(word: str, merges: Sequence[Merge]) -> list[tuple[int, list[str]]]:
    """A word as its merges are made, the one that was learned first before the others: its place and the symbols then."""
    symbols, done = list(word), []
    while True:
        pairs = set(pairwise(symbols))
        place = next((i for i, merge in enumerate(merges) if merge[:2] in pairs), None)
        if place is None:
            return done
        symbols = merge_pair(symbols, *merges[place][:2])
        done.append((place, symbols))


def longest_match(word: str, tokens: Sequence[str]) -> list[str]:
    """A word cut from the left, each time as far as a token reaches; single characters are tokens, too."""
    cut, rest = [], word
    while rest:
        cut.append(max((token for token in (*tokens, rest[0]) if rest.startswith(token)), key=len))
        rest = rest[len(cut[-1]) :]
    return cut


@drawing(760, 364)
def bpe_order(c: Canvas) -> None:
    """The same word and the same tokens, cut by the order of the merges and by longest match: not alike."""
    words, word = _corpus(c.say("corpus")), c.say("word")
    merges = _merges(words, 3)
    c.text(14, 22, _counted(words), size=14, align="left")
    x = 14.0
    for i, merge in enumerate(merges, 1):
        text = f"{i}.  {merge.left} + {merge.right}  ({merge.count})"
        place = c.box(x, 42, 164, 30, text, colour="accent", size=15, radius=5)
        x = place.right + 12
    pitch, top = 44, 142
    c.arrow((380, 100), (380, 352), width=0.8, head=False, touches=(False, False))
    aside, labels = pitch * len(word) + 16, {"size": 14, "align": "left"}

    c.text(14, 112, c.say("by_merges"), size=15, bold=True, align="left")
    _row(c, 14, top, list(word), pitch=pitch, size=16)
    made = dict(in_merge_order(word, merges))
    symbols = list(word)
    for number, merge in enumerate(merges):
        y = top + 44 * (number + 1)
        if number in made:
            symbols = made[number]
            new = symbols.index(merge.left + merge.right)
            _row(c, 14, y, symbols, pitch=pitch, size=16, looks={new: ("solid", "accent")})
            c.text(14 + aside, y + 15, c.say("merge", number=number + 1), **labels)
        else:
            c.text(16, y + 15, c.say("apart", number=number + 1, left=merge.left, right=merge.right), **labels)
    _result(c, 14, symbols)

    c.text(404, 112, c.say("longest"), size=15, bold=True, align="left")
    _row(c, 404, top, list(word), pitch=pitch, size=16)
    cut = longest_match(word, [merge.left + merge.right for merge in merges])
    for number, token in enumerate(cut):
        y, taken = top + 44 * (number + 1), cut[: number + 1]
        rest = list(word[len("".join(taken)) :])
        looks = dict.fromkeys(range(number), ("tint", "accent")) | {number: ("solid", "accent")}
        _row(c, 404, y, taken + rest, pitch=pitch, size=16, looks=looks)
        c.text(404 + aside, y + 15, c.say("match", token=token), **labels)
    _result(c, 404, cut)


def _result(c: Canvas, x: float, tokens: Sequence[str]) -> None:
    c.text(x, 340, f"{'  |  '.join(tokens)}   ({len(tokens)})", size=16, bold=True, align="left")


# ---------------------------------------------------------------- bytes

CHARACTERS = "zя😀"
"""One byte, two bytes and four."""

BYTE_MERGES = tuple((bytes.fromhex(left), bytes.fromhex(right)) for left, right in (
    ("d1", "8f"), ("f0", "9f"), ("f09f", "98")
))  # fmt: skip
"""The merges of the picture: the second letter becomes one token, three bytes of the emoji another."""


def visible_bytes(data: bytes) -> str:
    """Bytes in the characters of GPT-2's table."""
    return "".join(map(BYTE_CHARACTERS.__getitem__, data))


@drawing(760, 344)
def bpe_bytes(c: Canvas) -> None:
    """Three characters, their bytes in UTF-8, the same bytes in GPT-2's visible alphabet, and the tokens."""
    tokenizer = Tokenizer.from_merges(BYTE_MERGES)
    pitch, first, bytes_x, table_x, tokens_x = 40, 62, 146, 360, 574
    for x, name in ((first, "character"), (bytes_x + 80, "bytes"), (table_x + 80, "table"), (tokens_x + 80, "tokens")):
        c.text(x, 30, c.say(name), size=14, bold=True)
    for i, character in enumerate(CHARACTERS):
        y = 76 + 62 * i
        data = character.encode()
        tokens = [visible_bytes(tokenizer.token_bytes(number)) for number in tokenizer.encode(character)]
        start = c.box(first - 24, y - 8, 48, 46, character, size=26, look="tint", colour="input")
        codes = [f"{byte:02X}" for byte in data]
        hexes = [c.box(bytes_x + pitch * j + 2, y, pitch - 4, 30, code, radius=5) for j, code in enumerate(codes)]
        table = _row(c, table_x, y, list(visible_bytes(data)), pitch=pitch, size=17)
        looks = dict.fromkeys(range(len(tokens)), ("tint", "accent"))
        last = _row(c, tokens_x, y, tokens, pitch=pitch, size=17, looks=looks)
        for one, other in ((start, hexes[0]), (hexes[-1], table[0]), (table[-1], last[0])):
            c.arrow((one.right + 3, y + 15), (other.x - 3, y + 15))
    merges = ",   ".join(f"{visible_bytes(left)} + {visible_bytes(right)}" for left, right in BYTE_MERGES)
    c.text(14, 280, c.say("merges", merges=merges), size=15, align="left")
    c.text(14, 316, c.say("halves"), size=15, align="left")


# ---------------------------------------------------------------- relatives


def symbol_counts(words: Mapping[str, int]) -> Counter[str]:
    """How often each character occurs."""
    counts: Counter[str] = Counter()
    for word, occurrences in words.items():
        for character in word:
            counts[character] += occurrences
    return counts


@drawing(760, 468)
def bpe_families(c: Canvas) -> None:
    """BPE, WordPiece and unigram: what each does in one step, by which measure, how it writes a word, who uses it."""
    words = _corpus(say("figure.bpe_merges.corpus"))
    step = next(merge_steps(words, 1))
    frequent, rival = (step.left, step.right), tuple(c.say("rival").split())
    single = symbol_counts(words)
    root, end = in_merge_order(say("figure.bpe_merges.word"), _merges(words, 4))[-1][1]
    models = (
        ("BPE", r"$\max\ \mathrm{count}(ab)$", f"Ġ{root}", end),
        ("WordPiece", r"$\max\ \frac{\mathrm{count}(ab)}{\mathrm{count}(a)\,\mathrm{count}(b)}$", root, f"##{end}"),
        ("Unigram", r"$\min\ \Delta\,\mathrm{loss},\quad \mathrm{loss} = -\sum \log p$", f"▁{root}", end),
    )
    for i, (name, formula, *written) in enumerate(models):
        x, key = 14 + 248 * i, name.lower()
        panel = c.box(x, 14, 236, 440, look="outline", colour="input")
        c.header(panel, 36, name, colour="input", size=16)
        c.text(panel.cx, 80, c.say(f"idea_{key}"), size=14, inside=panel)
        c.text(panel.cx, 138, formula, size=18 if name == "WordPiece" else 15, inside=panel)
        if name == "Unigram":
            _candidates(c, panel, c.say("pool").split(), (root, end))
        else:
            pairs = (frequent, rival)
            for j, (a, b) in enumerate(pairs):
                count, mark = step.pairs[a, b], "##" if name == "WordPiece" else ""
                if mark:
                    share = f"{count / (single[a] * single[b]):.2f}"
                    value = f"{count}/({single[a]}·{single[b]}) = {share}"
                else:
                    value = str(count)
                chosen = (name == "BPE") == (j == 0)
                look, colour = ("tint", "accent") if chosen else ("outline", "neutral")
                place = c.box(
                    x + 10, 178 + 50 * j, 216, 42, look=look, colour=colour, radius=5, line=2 if chosen else 1
                )
                ground = tint("accent", 0.13) if chosen else "#FFFFFF"
                style = {"size": 14, "bold": chosen, "ground": ground, "inside": place}
                c.text(place.x + 10, place.cy, f"{mark}{a} {mark}{b}", align="left", **style)
                c.text(place.right - 10, place.cy, value, align="right", **style)
        c.text(panel.cx, 304, c.say("written"), size=14, inside=panel)
        sizes = [text_size(token, 16 * POINT)[0] + 16 for token in written]
        left = panel.cx - (sum(sizes) + 6) / 2
        for token, width in zip(written, sizes, strict=True):
            left = c.box(left, 322, width, 32, token, colour="accent", size=16, radius=5).right + 6
        c.text(panel.cx, 386, c.say("used_by"), size=14, inside=panel)
        c.text(panel.cx, 416, c.say(f"users_{key}"), size=14, bold=True, inside=panel)


def _candidates(c: Canvas, panel: Box, pool: Sequence[str], kept: Sequence[str]) -> None:
    """Six tokens to choose from in two rows; those that go have a dashed edge."""
    width = 70
    for i, token in enumerate(pool):
        stays = token in kept
        x, y = panel.x + 10 + 73 * (i % 3), 178 + 50 * (i // 3)
        look, colour = ("tint", "accent") if stays else ("dashed", "neutral")
        c.box(x, y, width, 42, token, look=look, colour=colour, size=14, radius=5, bold=stays, line=2 if stays else 1.2)
