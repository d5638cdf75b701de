"""The diagrams of lesson 01: from one-hot vectors to Word2Vec, its two models, its shortcuts and its limits.

The matrix W, whose rows u are kept as embeddings, is slate; the matrix W′, whose rows v serve training only, is ochre.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from course_lib.figures.draw import CARD_WIDTH, POINT, Box, Canvas, Point, drawing, numbers, shades, softmax
from course_lib.figures.style import COLOURS, tint

WINDOW = 2


def _shape(*sizes: str) -> str:
    """A shape as the code prints it: [n_vocab, D]."""
    return "$[" + r",\,".join(sizes) + "]$"


def _signed(value: float, digits: int) -> str:
    """A rounded number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def _moved(point: Point, *steps: Point) -> Point:
    return point[0] + sum(x for x, _ in steps), point[1] + sum(y for _, y in steps)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return _dot(a, b) / (math.hypot(*a) * math.hypot(*b))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# ---------------------------------------------------------------- from strangers to neighbours


@drawing(760, 424)
def word2vec_strangers(c: Canvas) -> None:
    """Three words as one-hot vectors, all at right angles, and as dense vectors, two of which are neighbours."""
    words = c.say("words").split()
    dense = ((0.4, 0.9, -0.1, 0.2), (0.7, 0.7, -0.2, 0.1), (1.0, -0.4, 0.1, -0.2))
    for i, word in enumerate(words):
        y = 52 + 28 * i
        bits = ["01"[i == 0], "01"[i == 1], "01"[i == 2], "0", "…", "0"]
        amounts = [[0.35 if bit == "1" else 0.0 for bit in bits]]
        c.text(104, y + 11, word, size=14, align="right")
        c.matrix(114, y, 1, 6, cell=(27, 22), shades=amounts, texts=[bits], size=13)
        c.text(494, y + 11, word, size=14, align="right")
        values = [[_signed(value, 1) for value in dense[i]]]
        amounts = [[0.1 + 0.25 * (value + 1) for value in dense[i]]]
        c.matrix(504, y, 1, 4, cell=(44, 22), colour="input", shades=amounts, texts=values, size=13)
    c.text(14, 24, c.say("one_hot"), size=15, bold=True, align="left")
    c.text(398, 24, c.say("dense"), size=15, bold=True, align="left")
    c.text(290, 91, _shape("3", "n_{vocab}"), size=14, align="left")
    c.text(692, 91, _shape("3", "D"), size=14, align="left")
    # Left: the axes of a cube seen from a corner, so that every angle is a right one.
    origin = (174, 284)
    axes = ((0, -124), (138, 0), (-70, 58))
    for pair in combinations(axes, 2):
        one, other = ((13 * x / math.hypot(x, y), 13 * y / math.hypot(x, y)) for x, y in pair)
        corner = (_moved(origin, one), _moved(origin, one, other), _moved(origin, other))
        c.arrow(*corner, radius=0, width=1.1, head=False, touches=(False, False))
    for axis, word, shift, align in zip(
        axes, words, ((10, 6), (8, 0), (-10, -4)), ("left", "left", "right"), strict=True
    ):
        tip = _moved(origin, axis)
        c.arrow(origin, tip, colour="ink", width=2.2, touches=(False, False))
        c.text(*_moved(tip, shift), word, size=14, bold=True, align=align)
    # Right: the first two of the components printed above, to scale.
    origin = (442, 304)
    for end in ((442, 154), (740, 304)):
        c.arrow(origin, end, width=1.1, touches=(False, False))
    for vector, word in zip(dense, words, strict=True):
        tip = _moved(origin, (150 * vector[0], -150 * vector[1]))
        c.arrow(origin, tip, colour="input", width=2.6, touches=(False, False))
        c.text(*_moved(tip, (9, -3)), word, size=14, bold=True, align="left", colour="input")
    for i in (1, 2):
        for x, cosine in ((178, "0"), (582, _signed(_cosine(dense[0], dense[i]), 2))):
            c.text(x, 358 + 24 * i, c.say("cosine", one=words[0], other=words[i], value=cosine), size=14)


# ---------------------------------------------------------------- training pairs and the two models


def window_pairs(words: Sequence[str], centre: int, window: int = WINDOW) -> dict[int, str]:
    """The contexts of one position: index → word, without the word itself, no further than the sentence."""
    reach = range(max(0, centre - window), min(len(words), centre + window + 1))
    return {i: words[i] for i in reach if i != centre}


def _width(c: Canvas, word: str, size: float) -> float:
    """How wide a word will be drawn."""
    artist = c.axes.text(0, 0, word, fontsize=size * POINT)
    width = artist.get_window_extent().width
    artist.remove()
    return width


def _pair(c: Canvas, place: Box, x: float, centre: str, context: str, ground: str) -> None:
    """A training pair inside a box, its comma at ``x``."""
    c.text(x, place.cy, centre, size=15, bold=True, align="right", colour="input", ground=ground, inside=place)
    c.text(x + 1, place.cy, ",", size=15, align="left", ground=ground, inside=place)
    c.text(x + 11, place.cy, context, size=15, align="left", colour="accent", ground=ground, inside=place)


@drawing(CARD_WIDTH, 452, card=True)
def word2vec_window(c: Canvas) -> None:
    """A window of two words either side at two places of a sentence, and the training pairs it gives there."""
    words, size, gap = c.say("sentence").split(), 14, 4
    widths = [_width(c, word, size) for word in words]
    margin = (422 - sum(widths) - gap * (len(words) - 1)) / (2 * len(words))  # the row fills the picture
    for top, centre, title in ((10, 2, "inside"), (238, 5, "at_the_end")):
        contexts = window_pairs(words, centre)
        c.text(14, top + 12, c.say(title, count=len(contexts)), size=15, bold=True, align="left")
        places, x, y = [], 14.0, top + 82
        for i, (word, width) in enumerate(zip(words, widths, strict=True)):
            look, colour = ("tint", "accent") if i in contexts else ("outline", "neutral")
            if i == centre:
                look, colour = "solid", "input"
            places.append(c.box(x, y - 16, width + 2 * margin, 32, word, look=look, colour=colour, size=size, radius=5))
            x = places[-1].right + gap
        for i in contexts:
            near = abs(i - centre) == 1
            start = places[centre].top_at(0.5 + (0.12 if near else 0.3) * (1 if i > centre else -1))
            c.arc(start, places[i].top_at(), 11 if near else 25, colour="accent")
        seen = [places[i] for i in (*contexts, centre)]
        left, right = min(place.x for place in seen), max(place.right for place in seen)
        c.bracket((left, y + 21), (right, y + 21), 6)
        for number, context in enumerate(contexts.values()):
            pair = c.box(14 + 214 * (number % 2), top + 122 + 36 * (number // 2), 208, 30, look="outline", radius=5)
            _pair(c, pair, pair.cx + 2, words[centre], context, COLOURS["ground"])


@drawing(760, 424)
def word2vec_models(c: Canvas) -> None:
    """Skip-gram and CBOW side by side: the same two matrices, used in opposite directions."""
    words = c.say("sentence").split()
    centre = words[WINDOW]
    contexts = [word for i, word in enumerate(words) if i != WINDOW]
    rows = shades(numbers(len(contexts) + 1, 5, seed=21), 0.12, 0.6)
    for left, model in ((14, "Skip-gram"), (390, "CBOW")):
        skip_gram, cx = model == "Skip-gram", left + 178
        c.text(cx, 24, model, size=16, bold=True)
        spread = [left + 86 * i + 49 for i in range(4)]
        ends = {"top": [cx], "bottom": spread} if skip_gram else {"top": spread, "bottom": [cx]}
        look_up = c.box(left + 8, 104, 340, 38, colour="input")
        score = c.box(left + 8, 282, 340, 38, colour="accent")
        for place, letter, word in ((look_up, "W", "pick" if skip_gram else "pick_several"), (score, "W'", "score")):
            colour = "input" if letter == "W" else "accent"
            text = c.say(word, matrix=f"${letter}$ {_shape('n_{vocab}', 'D')}", count=len(contexts))
            c.text(place.cx, place.cy, text, size=14, ground=tint(colour, 0.13), inside=place)
        for where, y in (("top", 44), ("bottom", 352)):
            given = where == "top"
            for x, word in zip(ends[where], [centre] if len(ends[where]) == 1 else contexts, strict=True):
                look, colour = ("solid", "input") if given else ("outline", "accent")
                alone = len(ends[where]) == 1
                w = 104 if alone else 82
                box = c.box(x - w / 2, y, w, 34, word, look=look, colour=colour, size=14, bold=alone)
                start, end = (box.bottom_at(), (x, look_up.y)) if given else ((x, score.bottom), box.top_at())
                c.arrow(start, end, colour="input" if given else "accent")
        hidden = [rows[-1]] if skip_gram else [[sum(column) / 4 for column in zip(*rows[:4], strict=True)]]
        vector = c.matrix(cx - 60, 240, 1, 5, cell=(24, 22), colour="input", shades=hidden)
        c.text(vector.x - 10, vector.cy, "$u_c$" if skip_gram else "$h$", size=17, align="right")
        c.text(vector.right + 10, vector.cy, _shape("D"), size=14, align="left")
        c.arrow(vector.bottom_at(), (cx, score.y), colour="accent")
        if skip_gram:
            c.arrow((cx, look_up.bottom), vector.top_at(), colour="input")
        else:
            mean = c.box(cx - 46, 196, 92, 28, c.say("mean"), look="outline", colour="input", size=14, radius=14)
            for i, x in enumerate(spread):
                part = c.matrix(x - 35, 160, 1, 5, cell=(14, 16), colour="input", shades=[rows[i]])
                c.arrow((x, look_up.bottom), part.top_at(), colour="input")
                inner = i in (1, 2)
                end = mean.top_at(0.25 if i == 1 else 0.75) if inner else mean.left_at() if i == 0 else mean.right_at()
                start = (end[0], part.bottom) if inner else part.bottom_at()
                c.arrow(start, *(() if inner else ((x, mean.cy),)), end, colour="input")
            c.arrow(mean.bottom_at(), vector.top_at(), colour="input")
        c.text(cx, 408, c.say("four" if skip_gram else "one", count=len(contexts)), size=14)


# ---------------------------------------------------------------- the network and its two shortcuts


@drawing(760, 376)
def word2vec_network(c: Canvas) -> None:
    """One-hot vector, W, hidden vector, W′, scores, softmax; which of the two matrices is kept."""
    words = c.say("words").split()
    chosen, size, top, cell = 2, 4, 72, 24
    n = len(words)
    inner = numbers(n, size, seed=32)
    outer = [[4 * value for value in row] for row in numbers(n, size, seed=21)]
    scores = [_dot(inner[chosen], row) for row in outer]
    chances = softmax(scores)
    kept = shades(inner, 0.1, 0.65)

    def column(x: float, width: float, values: Sequence[str], amounts: Sequence[float], colour: str) -> Box:
        cells = [[amount] for amount in amounts]
        return c.matrix(
            x, top, n, 1, cell=(width, cell), colour=colour, shades=cells, texts=[[v] for v in values], size=13
        )

    bits = [float(i == chosen) for i in range(n)]
    one_hot = column(88, 30, [f"{bit:.0f}" for bit in bits], [0.35 * bit for bit in bits], "input")
    table = c.matrix(160, top, n, size, cell=(23, cell), colour="input", shades=kept)
    row = Box(table.x, top + chosen * cell, table.w, cell)
    c.frame(row, colour="ink")
    vector = c.matrix(290, row.y, 1, size, cell=(23, cell), colour="input", shades=[kept[chosen]])
    c.frame(vector, colour="ink")
    contexts = c.matrix(416, top, n, size, cell=(23, cell), colour="accent", shades=shades(outer, 0.1, 0.65))
    pale = [row[0] for row in shades([[score] for score in scores], 0.05, 0.4)]
    raw = column(540, 50, [_signed(score, 1) for score in scores], pale, "accent")
    shares = column(624, 50, [f"{chance:.2f}" for chance in chances], [0.8 * chance for chance in chances], "accent")
    for i, word in enumerate(words):
        y = top + (i + 0.5) * cell
        c.text(one_hot.x - 8, y, word, size=13, align="right", bold=i == chosen)
        c.text(shares.right + 8, y, word, size=13, align="left")
    for place, title, text, sizes in (
        (one_hot, c.say("one_hot"), "$x$", ("n_{vocab}",)),
        (table, "", "$W$", ("n_{vocab}", "D")),
        (vector, c.say("hidden"), "$u_c = x W$", ("D",)),
        (contexts, "", "$W'$", ("n_{vocab}", "D")),
        (raw, c.say("scores"), r"$u_c W'^{\top}$", ("n_{vocab}",)),
        (shares, "softmax", "", ("n_{vocab}",)),
    ):
        above = place.y if place is vector else top
        if text:
            c.text(place.cx, above - 20, text, size=16)
        if title:
            c.text(place.cx, above - (44 if text else 20), title, size=13, bold=True)
        c.text(place.cx, place.bottom + 20, _shape(*sizes), size=14)
    y = row.cy
    c.arrow((one_hot.right, y), (table.x, y), colour="input")
    c.arrow((table.right, y), vector.left_at(), colour="input")
    c.arrow(vector.right_at(), (contexts.x, y), colour="accent")
    c.arrow((contexts.right, y), (raw.x, y), colour="accent")
    c.arrow((raw.right, y), (shares.x, y), colour="accent")
    keep = c.box(table.cx - 112, 304, 224, 54, c.say("kept"), colour="input", size=14)
    drop = c.box(contexts.cx - 112, 304, 224, 54, c.say("dropped"), colour="accent", look="dashed", size=14)
    for place, box in ((table, keep), (contexts, drop)):
        c.arrow((place.cx, place.bottom + 34), box.top_at(), touches=(False, True))


# ---- hierarchical softmax

COUNTS = (40, 14, 12, 9, 7, 4)
"""How often the six words of the tree occur; the fifth is the one whose path is shown."""

LEFT = (0.4, 0.7, 0.2, 0.5)
"""The probability of turning left at each node of that path."""


@dataclass(frozen=True)
class Node:
    """A node of a Huffman tree; a leaf has a word's index, an inner node its two children."""

    count: int
    word: int | None = None
    left: Node | None = None
    right: Node | None = None

    def paths(self, turns: str = "") -> dict[int, str]:
        """The way to each word, a letter L or R for each decision."""
        if self.word is not None:
            return {self.word: turns}
        return self.left.paths(turns + "L") | self.right.paths(turns + "R")


def huffman(counts: Sequence[int]) -> Node:
    """The Huffman tree (Huffman 1952): the two rarest nodes are joined until one is left, the rarer on the left."""
    heap = [(n, i, Node(n, word=i)) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (n, _, left), (m, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (n + m, 2 * len(counts) - len(heap), Node(n + m, left=left, right=right)))
    return heap[0][2]


@drawing(760, 416)
def word2vec_softmax_tree(c: Canvas) -> None:
    """A Huffman tree over six words: a word is reached by left or right decisions, a frequent word by few of them."""
    words = c.say("words").split()
    tree = huffman(COUNTS)
    paths = tree.paths()
    chosen = 4
    way = paths[chosen]
    order = sorted(paths, key=lambda word: paths[word])  # from left to right
    columns = {word: 54 + 88 * i for i, word in enumerate(order)}

    def across(node: Node) -> float:
        return columns[node.word] if node.word is not None else (across(node.left) + across(node.right)) / 2

    def draw(node: Node, turns: str) -> Box:
        x, y, on_way = across(node), 36 + 84 * len(turns), way.startswith(turns)
        look, strength = ("tint", 0.13) if on_way else ("outline", 0)
        if node.word is not None:
            colour, line = ("accent", 2.4) if on_way else ("neutral", 1.5)
            place = c.box(x - 40, y - 22, 80, 52, colour=colour, look=look, line=line)
            style = {"ground": tint("accent", strength), "inside": place}
            c.text(x, place.y + 18, words[node.word], size=14, bold=True, **style)
            c.text(x, place.y + 37, str(node.count), size=13, **style)
            return place
        place = c.dot(x, y, 17, colour="accent", strength=strength)
        if on_way:
            c.text(x, y, f"$n_{len(turns) + 1}$", size=16, ground=tint("accent", strength), inside=place)
        for turn, child, lean in (("L", node.left, -0.7), ("R", node.right, 0.7)):
            taken = way.startswith(turns + turn)
            start = (x + 17 * lean, y + 17 * math.sqrt(1 - lean**2))
            end = draw(child, turns + turn).top_at()
            c.arrow(start, end, colour="accent" if taken else "neutral", width=3.2 if taken else 1.4)
        return place

    draw(tree, "")
    panel = c.box(556, 14, 190, 330, look="outline")
    c.text(panel.cx, panel.y + 24, c.say("path", target=words[chosen]), size=14, bold=True, inside=panel)
    product = 1.0
    for i, turn in enumerate(way):
        y, chance, sign = panel.y + 64 + 56 * i, LEFT[i] if turn == "L" else 1 - LEFT[i], "" if turn == "L" else "-"
        product *= chance
        c.text(panel.x + 14, y, f"$n_{i + 1}$", size=16, align="left", inside=panel)
        c.text(panel.x + 44, y, c.say("left" if turn == "L" else "right"), size=14, align="left", inside=panel)
        c.text(panel.right - 14, y, f"{chance:.2f}", size=14, align="right", inside=panel)
        c.text(panel.x + 44, y + 22, rf"$\sigma({sign}u_c \cdot n_{i + 1})$", size=14, align="left", inside=panel)
    y = panel.bottom - 26
    c.arrow((panel.x + 14, y - 22), (panel.right - 14, y - 22), head=False, touches=(False, False))
    c.text(panel.x + 14, y, c.say("product"), size=14, align="left", bold=True, inside=panel)
    c.text(panel.right - 14, y, f"{product:.3f}", size=14, align="right", bold=True, inside=panel)
    mean = sum(COUNTS[word] * len(turns) for word, turns in paths.items()) / sum(COUNTS)
    c.text(panel.cx, 384, c.say("mean", mean=f"{mean:.1f}", count=len(COUNTS)), size=14)


# ---- negative sampling

CENTRE, CONTEXT = (1.36, 0.5), (-0.25, 1.1)
NOISE = ((1.0, -0.4), (0.1, -0.95), (-1.0, -0.25))
STEP = 0.6


def negative_sampling_step() -> list[Point]:
    """How far one step moves the context's vector and the three noise vectors, all of them along u_c.

    The gradient of −log σ(u·v_o) − Σ log σ(−u·v_i), equation 4 of Mikolov et al. 2013 ("Distributed Representations of
    Words and Phrases and their Compositionality"), with respect to v_o is (σ(u·v_o) − 1) u, to v_i it is σ(u·v_i) u.
    """
    shares = [1 - _sigmoid(_dot(CENTRE, CONTEXT)), *(-_sigmoid(_dot(CENTRE, vector)) for vector in NOISE)]
    return [(STEP * share * CENTRE[0], STEP * share * CENTRE[1]) for share in shares]


@drawing(CARD_WIDTH, 600, card=True)
def word2vec_negative_sampling(c: Canvas) -> None:
    """k + 1 yes-or-no questions in place of one with n_vocab answers, and what one step does to the vectors."""
    centre, context, *noise = c.say("words").split()
    c.text(14, 22, c.say("softmax"), size=15, bold=True, align="left")
    c.box(14, 38, 422, 38, c.say("question", centre=centre), look="outline", colour="accent", size=14)
    c.text(14, 104, c.say("negative", questions=len(noise) + 1), size=15, bold=True, align="left")
    names = ("$v_o$", *(f"$v_{i + 1}$" for i in range(len(noise))))
    for i, word in enumerate((context, *noise)):
        true = i == 0
        row = c.box(
            14, 120 + 34 * i, 422, 30, look="tint" if true else "dashed", colour="accent", radius=5, strength=0.1
        )
        ground = tint("accent", 0.1) if true else COLOURS["ground"]
        _pair(c, row, 110, centre, word, ground)
        c.text(226, row.cy, names[i], size=17, colour="accent", ground=ground, inside=row)
        c.text(256, row.cy, c.say("real"), size=14, align="left", ground=ground, inside=row)
        c.text(
            424, row.cy, c.say("yes" if true else "no"), size=14, bold=True, align="right", ground=ground, inside=row
        )
    c.text(14, 284, c.say("step"), size=15, bold=True, align="left")
    origin, scale = (212, 446), 112
    tip = _moved(origin, (scale * CENTRE[0], -scale * CENTRE[1]))
    c.arrow(origin, tip, colour="input", width=3.2, touches=(False, False))
    c.text(*_moved(tip, (8, -6)), "$u_c$", size=18, align="left", colour="input")
    shifts = ((-8, -8), (-2, 18), (14, 12), (-2, -18))
    for i, (vector, (dx, dy)) in enumerate(zip((CONTEXT, *NOISE), negative_sampling_step(), strict=True)):
        tip = _moved(origin, (scale * vector[0], -scale * vector[1]))
        c.arrow(origin, tip, colour="accent", width=2.2, dashed=i > 0, touches=(False, False))
        end = _moved(tip, (scale * dx, -scale * dy))
        c.arrow(tip, end, colour="warning" if i else "ink", width=3, touches=(False, False))
        align = "right" if i == 0 else "left"
        c.text(*_moved(tip, shifts[i]), names[i], size=18, align=align, colour="accent")


# ---------------------------------------------------------------- how the lesson computes it


CHUNK, BORDER = 6, 5
"""The chunk of the picture has six centres; the second sentence begins at the fifth of its ten positions (from 0)."""


def band(centres: int = CHUNK, window: int = WINDOW, border: int = BORDER) -> list[list[str]]:
    """What each dot product of a chunk is: a ``pair``, the word it``self``, ``cut`` by the border, or ``out`` of reach.

    Centre i of the chunk stands at position i + window.
    """
    kinds = []
    for i in range(window, centres + window):
        split = [(i < border) != (j < border) for j in range(centres + 2 * window)]
        reach = [abs(i - j) for j in range(centres + 2 * window)]
        kinds.append(
            [
                "out" if far > window else "self" if far == 0 else "cut" if apart else "pair"
                for far, apart in zip(reach, split, strict=True)
            ]
        )
    return kinds


@drawing(760, 410)
def word2vec_band(c: Canvas) -> None:
    """A chunk of six centres against ten positions: one product holds all the pairs of the chunk, inside a band."""
    words, kinds = c.say("words").split(), band()
    left, top, w, h = 140, 86, 60, 34
    amounts = [[0.5 if kind == "pair" else 0.0 for kind in row] for row in kinds]
    grid = c.matrix(left, top, CHUNK, CHUNK + 2 * WINDOW, cell=(w, h), colour="accent", shades=amounts)
    c.text(grid.cx, 22, c.say("contexts", size=f"$S + 2m = {CHUNK + 2 * WINDOW}$"), size=14, bold=True, colour="accent")
    c.text(
        left - 10, top - 18, c.say("centres", size=f"$S = {CHUNK}$"), size=14, bold=True, align="right", colour="input"
    )
    for j, word in enumerate(words):
        c.text(left + (j + 0.5) * w, top - 18, word, size=14, colour="accent")

    def mark(kind: str, x: float, y: float) -> None:
        if kind == "self":
            c.dot(x, y, 4, colour="neutral", strength=1)
        elif kind == "cut":
            c.cross(x, y, 6, colour="warning")

    for i, row in enumerate(kinds):
        y = top + (i + 0.5) * h
        c.text(left - 10, y, words[i + WINDOW], size=14, align="right", colour="input")
        for j, kind in enumerate(row):
            mark(kind, left + (j + 0.5) * w, y)
    across, down = left + BORDER * w, top + (BORDER - WINDOW) * h
    for start, end in (((across, top - 36), (across, grid.bottom + 12)), ((14, down), (grid.right + 12, down))):
        c.arrow(start, end, colour="ink", width=2.4, head=False, touches=(False, False))
    for kind, x in (("pair", 96), ("self", 310), ("cut", 510)):
        cell = c.matrix(x, 332, 1, 1, cell=(30, 22), colour="accent", shades=[[0.5 if kind == "pair" else 0.0]])
        mark(kind, cell.cx, cell.cy)
        count = sum(row.count(kind) for row in kinds)
        c.text(cell.right + 10, cell.cy, c.say(kind, count=count), size=14, align="left")
    shapes = (_shape("S", "D"), _shape("D", "S + 2m"), _shape("S", "S + 2m"))
    c.text(grid.cx, 388, c.say("product", formula=rf"{shapes[0]} $\times$ {shapes[1]} $=$ {shapes[2]}"), size=14)


# ---------------------------------------------------------------- what the vectors can and cannot do

PLACES = {"man": (170, 318), "woman": (282, 294), "king": (310, 156), "queen": (538, 160)}
OTHERS = {"prince": (160, 116), "girl": (430, 318), "street": (652, 316)}


def fourth_corner() -> Point:
    """king − man + woman in the picture's plane."""
    (a, b), (x, y), (p, q) = PLACES["man"], PLACES["woman"], PLACES["king"]
    return p - a + x, q - b + y


@drawing(760, 384)
def word2vec_analogy(c: Canvas) -> None:
    """king − man + woman as a parallelogram, and the word that is really nearest to its fourth corner."""
    radius, corner = 7, fourth_corner()
    for name, (x, y) in (PLACES | OTHERS).items():
        other = name in OTHERS
        c.dot(x, y, 5 if other else radius, colour="neutral" if other else "input", strength=0.4 if other else 1)
        style = {"colour": "neutral"} if other else {"colour": "input", "bold": True}
        (dx, dy), align = {"man": ((0, 24), "center"), "woman": ((6, 24), "center"), "king": ((-16, 0), "right")}.get(
            name, ((16, 0), "left")
        )
        c.text(x + dx, y + dy, c.say(name), size=14, align=align, **style)
    c.dot(*corner, radius, colour="ink")
    points = PLACES | {"corner": corner}
    sides = (("man", "woman", False), ("king", "corner", False), ("man", "king", True), ("woman", "corner", True))
    for start, end, dashed in sides:
        c.arrow(
            *_between(points[start], points[end], radius + 1),
            colour="neutral" if dashed else "ink",
            width=1.4 if dashed else 2.6,
            dashed=dashed,
        )
    c.text(corner[0] + 14, corner[1] - 18, c.say("corner"), size=14, align="left")
    start, end = (corner[0] - 3, corner[1] - radius), (PLACES["king"][0] - 2, PLACES["king"][1] - radius - 1)
    c.arc(start, end, 34, colour="warning", width=2.2)
    c.text(362, 40, c.say("nearest"), size=14, colour="warning")
    c.arrow(*_between(corner, PLACES["queen"], radius + 1), colour="input", width=2.2)
    c.text(PLACES["queen"][0] + 16, PLACES["queen"][1] + 24, c.say("answer"), size=14, align="left", colour="input")


def _between(start: Point, end: Point, gap: float) -> tuple[Point, Point]:
    """The segment between two dots, shortened at both ends."""
    share = gap / math.dist(start, end)
    dx, dy = share * (end[0] - start[0]), share * (end[1] - start[1])
    return _moved(start, (dx, dy)), _moved(end, (-dx, -dy))


@drawing(760, 372)
def word2vec_two_senses(c: Canvas) -> None:
    """A word of two senses has one vector, which lies between the neighbours of the one and of the other."""
    word, radius = c.say("word"), 7
    spots = ((44, 70), (150, 52), (78, 136), (132, 178))
    senses = {}
    for left, name in ((14, "one"), (496, "other")):
        area = c.box(left, 20, 250, 216, look="plain", radius=40, strength=0.07)
        ground = tint("neutral", 0.07)
        flip = name == "other"
        for (dx, dy), neighbour in zip(spots, c.say(f"{name}_neighbours").split(), strict=True):
            x = area.x + dx + (28 if flip else 0)
            c.dot(x, area.y + dy, 5, colour="input", strength=1)
            c.text(x + 12, area.y + dy, neighbour, size=14, align="left", ground=ground)
        x = area.x + 44 if flip else area.right - 44
        c.dot(x, 126, radius, colour="input")
        c.text(x, 150, f"{word}?", size=14, colour="input", ground=ground)
        senses[name] = (x, 126)
    middle = ((senses["one"][0] + senses["other"][0]) / 2, 126)
    point = c.dot(*middle, radius + 2, colour="input", strength=1)
    for end in senses.values():
        c.arrow(*_between(middle, end, radius + 3), colour="neutral", dashed=True)
    c.text(middle[0], 96, word, size=16, bold=True, colour="input")
    c.text(middle[0], 54, c.say("one_vector"), size=14)
    for x, name in ((139, "one"), (621, "other")):
        box = c.box(x - 125, 306, 250, 46, c.say(f"{name}_sentence"), look="outline", size=14)
        c.arrow((x, box.y), (x, 274), (middle[0], 274), colour="input", width=2.2, head=False)
    c.arrow((middle[0], 274), point.bottom_at(), colour="input", width=2.2)
