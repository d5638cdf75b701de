"""The diagrams of lesson 07: the transformer, its decoder block, how it is trained, how it writes, how its parts fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, prod, radians, sin
from statistics import fmean
from typing import Any

from course_lib.figures.draw import CARD_WIDTH, POINT, Box, Canvas, drawing, softmax
from course_lib.figures.style import COLOURS, tint

START, END, PADDING = "<s>", "</s>", "<pad>"

# ---------------------------------------------------------------- the whole model


@drawing(CARD_WIDTH, 800, card=True)
def transformer(c: Canvas) -> None:
    """Encoder and decoder side by side, from the bottom up; the memory C goes to the cross-attention of every block."""
    width, pitch, ground = 150, 134, 656
    # The middle of a column, where its residual connections run (on the outside), and the sub-layers of a block.
    columns = {"encoder": (112, 20, ("attention", "ffn")), "decoder": (316, 426, ("masked", "cross", "ffn"))}
    readers: list[Box] = []  # of the memory
    for side, (cx, skip, parts) in columns.items():
        reads = side == "encoder"
        x, size = cx - width / 2, rf"${'T_s' if reads else 'T'} \times D$"
        c.text(cx, 784, c.say(side), size=16, bold=True)
        text = "the animal … ." if reads else f"{START} $y_1$ $y_2$ …"
        words = c.box(x, 734, width, 32, text, colour="input", size=15)
        stream = c.box(x, 680, width, 40, c.say("vectors"), colour="input", look="outline", size=14)
        c.arrow(words.top_at(), stream.bottom_at())
        c.text(cx + 8, ground + 13, size, size=14, align="left")
        left, right = min(skip, x) - 12, max(skip, x + width) + 12
        top = ground - pitch * len(parts) - 8
        c.box(left, top, right - left, ground - top, look="outline", radius=12)
        # On the side where no residual connection runs.
        c.text(*((right - 10, top + 16) if reads else (left + 10, top + 16)), c.say("first"), size=14,
               align="right" if reads else "left")  # fmt: skip
        for i, part in enumerate(parts):
            floor = ground - pitch * i
            norm = c.box(x, floor - 50, width, 26, "LayerNorm", look="outline", size=14)
            colour = "input" if part == "ffn" else "accent"
            layer = c.box(x, floor - 102, width, 40, c.say(part), colour=colour, size=14)
            plus = c.circle(cx, floor - 123, radius=10)
            c.arrow(stream.top_at(), norm.bottom_at())
            c.arrow(norm.top_at(), layer.bottom_at())
            c.arrow(layer.top_at(), plus.bottom_at())
            end = plus.left_at() if reads else plus.right_at()
            c.arrow((cx, floor - 6), (skip, floor - 6), (skip, plus.cy), end, colour="ink", width=2.4)
            if part == "cross":
                readers.append(layer)
            stream = plus
        rest = c.box(x, top - 42, width, 28, c.say("rest"), colour="accent", look="outline", size=14)
        norm = c.box(x, rest.y - 40, width, 26, "LayerNorm", look="outline", size=14)
        c.arrow(stream.top_at(), rest.bottom_at())
        c.arrow(rest.top_at(), norm.bottom_at())
        if reads:
            memory = c.box(x, norm.y - 72, width, 46, c.say("memory"), colour="output", size=15)
            c.arrow(norm.top_at(), memory.bottom_at())
            c.text(cx + 8, norm.y - 13, size, size=14, align="left")
            continue
        readers.append(rest)
        linear = c.box(x, norm.y - 40, width, 26, c.say("linear"), colour="input", size=14)
        soft = c.box(x, linear.y - 54, width, 26, "softmax", colour="accent", size=14)
        result = c.box(x, soft.y - 46, width, 32, c.say("result"), colour="output", size=15)
        for start, to in ((norm, linear), (linear, soft), (soft, result)):
            c.arrow(start.top_at(), to.bottom_at())
        c.text(cx + 8, linear.y - 14, r"$T \times n_{vocab}$", size=14, align="left")
    # One bundle: the same C for all blocks.
    lane = (memory.right + readers[0].x) / 2 + 2
    for reader in readers:
        c.arrow(memory.right_at(), (lane, memory.cy), (lane, reader.cy), reader.left_at(), colour="output", width=3)
    c.text(memory.x, memory.y - 32, c.say("bundle"), size=14, align="left", bold=True)


@drawing(CARD_WIDTH, 680, card=True)
def decoder_block(c: Canvas) -> None:
    """The pre-norm decoder block from the bottom up: three sub-layers; K and V of the middle one come from the memory."""
    cx, w, skip, edge = 150, 184, 34, 330
    c.box(14, 72, edge - 14, 546, look="outline", radius=14)
    stream = c.box(cx - w / 2, 634, w, 36, c.say("input"), colour="input", size=16)
    result = c.box(cx - w / 2, 14, w, 36, c.say("output"), colour="output", size=16)
    floor = 616
    for name in ("masked", "cross", "ffn"):
        norm = c.box(cx - w / 2, floor - 56, w, 32, "LayerNorm", look="outline", size=16)
        c.arrow(stream.top_at(), norm.bottom_at())
        below = norm
        if name == "cross":
            below = c.box(cx - 27, norm.y - 42, 54, 28, "$W_Q$", colour="query", size=15, radius=5)
            c.arrow(norm.top_at(), below.bottom_at())
        rise = 22 if name == "cross" else 14
        colour = "input" if name == "ffn" else "accent"
        layer = c.box(cx - w / 2, below.y - rise - 44, w, 44, c.say(name), colour=colour, size=15)
        plus = c.circle(cx, layer.y - 26, radius=13)
        c.arrow(layer.top_at(), plus.bottom_at())
        # The residual connection leaves the stream below LayerNorm and goes round the sub-layer.
        c.arrow((cx, floor - 6), (skip, floor - 6), (skip, plus.cy), plus.left_at(), colour="ink", width=3)
        if name == "cross":
            c.arrow(below.top_at(), layer.bottom_at(), colour="query", width=2.2)
            c.text(cx - 12, below.y - 11, "$Q$", size=15, align="right", colour="query")
            _memory(c, layer, edge)
            c.text(edge + 12, layer.cy + 100, c.say("cross_note"), size=14, align="left")
        else:
            c.arrow(below.top_at(), layer.bottom_at())
            c.text(edge + 12, layer.cy + 22, c.say(f"{name}_note"), size=14, align="left")
        stream, floor = plus, plus.y - 8
    c.arrow(stream.top_at(), result.bottom_at())
    c.text(edge + 12, plus.cy - 8, c.say("residual_note"), size=14, align="left", bold=True)


def _memory(c: Canvas, layer: Box, edge: float) -> None:
    """The memory at the right, and how its keys and values enter cross-attention."""
    memory = c.box(edge + 16, layer.cy - 60, 96, 120, c.say("memory"), colour="output", size=14)
    for letter, role, way in (("K", "key", -1), ("V", "value", 1)):
        matrix = c.box(edge - 54, layer.cy + 16 * way - 14, 42, 28, f"$W_{letter}$", colour=role, size=15, radius=5)
        c.arrow((memory.x, matrix.cy), matrix.right_at())
        c.arrow(matrix.left_at(), (layer.right, matrix.cy), colour=role, width=2.2)
        c.text((layer.right + matrix.x) / 2, matrix.cy + 17 * way, f"${letter}$", size=15, colour=role)


# ---------------------------------------------------------------- training

# The words of the translation are data: they stay Russian in both languages, as in the lesson's code.
SENTENCE = ("он", "не", "перешёл", "улицу")


@drawing(CARD_WIDTH, 420, card=True)
def training_mask(c: Canvas) -> None:
    """Five rows read the start of one translation under the causal mask; each has to predict the word that it does not see."""
    read, answers = (START, *SENTENCE), (*SENTENCE, END)
    side, height, left, top = 56, 42, 70, 76
    n = len(read)
    amounts = [[0.3 if j <= i else 0 for j in range(n)] for i in range(n)]
    grid = c.matrix(left, top, n, n, cell=(side, height), colour="accent", shades=amounts)
    c.text(grid.x, 22, c.say("reads"), size=14, bold=True, align="left", colour="key")
    c.text(CARD_WIDTH - 6, 22, c.say("predicts"), size=14, bold=True, align="right")
    for i, (word, answer) in enumerate(zip(read, answers, strict=True)):
        y = top + height * (i + 0.5)
        c.text(left + side * (i + 0.5), top - 18, word, size=12, colour="key")
        c.text(left - 8, y, word, size=12, align="right", colour="query")
        for j in range(n):
            x = left + side * (j + 0.5)
            if j <= i:
                c.dot(x, y, 5, colour="ink", strength=1)
            else:
                c.cross(x, y, 7, colour="warning")
            if j == i + 1:
                c.frame(Box(x - side / 2, y - height / 2, side, height), line=2.6, margin=-3)
        c.arrow((grid.right + 2, y), (grid.right + 18, y), colour="ink", width=2)
        c.text(grid.right + 23, y, answer, size=13, align="left", bold=True)
    y = grid.bottom + 26
    c.dot(24, y, 5, colour="ink", strength=1)
    c.cross(24, y + 28, 7, colour="warning")
    c.cross(24, y + 56, 6, colour="warning")
    c.frame(Box(12, y + 45, 24, 22), line=2.6)
    for i, name in enumerate(("seen", "hidden", "answer")):
        c.text(46, y + 28 * i, c.say(name), size=14, align="left")
    c.text(CARD_WIDTH / 2, y + 92, c.say("at_once"), size=14, bold=True)


TEXT = ("животное", "не", "перешло", "улицу", ".")
FILLED = 2
"""Places of the padding in the picture's target."""


@drawing(760, 196)
def shift_by_one(c: Canvas) -> None:
    """Input and target of the decoder: the same tokens, the target one place further; padding is not counted."""
    row = (START, *TEXT, END, *[PADDING] * FILLED)
    pitch, width, left = 83, 78, 92
    counted = len(TEXT) + 1
    for name, y in (("input", 20), ("target", 108)):
        c.text(12, y + 20, c.say(name), size=14, bold=True, align="left")
    for t, (given, wanted) in enumerate(zip(row, row[1:], strict=False)):
        x = left + pitch * t
        counts = t < counted
        look = "tint" if counts else "dashed"
        start = c.box(x, 20, width, 40, given, colour="input" if counts else "neutral", look=look, size=13)
        end = c.box(x, 108, width, 40, wanted, colour="output" if counts else "neutral", look=look, size=13)
        c.arrow(start.bottom_at(), end.top_at(), colour="ink" if counts else "neutral", dashed=not counts)
        if not counts:
            c.cross((start.cx + end.cx) / 2, (start.bottom + end.y) / 2 - 3, 8, colour="warning")
    begin = left + pitch * counted
    for x, y, span, name in (
        (left, 160, pitch * counted - 6, "counted"),
        (begin, 160, pitch * FILLED - 6, "not_counted"),
    ):
        c.bracket((x, y - 6), (x + span, y - 6), 7, text=c.say(name), size=13)


SCORES = ((2, 1, 0), (0, 1, 2), (1, 1, 1))


@drawing(760, 356)
def late_mask(c: Canvas) -> None:
    """The causal mask before softmax, whose rows sum to 1, and after it, whose rows do not."""
    n, cell = len(SCORES), (52, 30)
    seen = [[j <= i for j in range(n)] for i in range(n)]
    pale = [[0.06 + 0.1 * score for score in row] for row in SCORES]

    def masked(rows: Sequence[Sequence[float]]) -> list[list[float]]:
        """The rows with 0 in the place of what may not be seen."""
        return [[float(x) if ok else 0.0 for x, ok in zip(*pair, strict=True)] for pair in zip(rows, seen, strict=True)]

    def grid(x: float, y: float, name: str, amounts: list[list[float]], texts: list[list[str]]) -> Box:
        place = c.matrix(x, y, n, n, cell=cell, colour="accent", shades=amounts, texts=texts, size=14)
        c.text(place.cx, y - 15, c.say(name), size=13)
        return place

    def write(rows: Sequence[Sequence[float]]) -> list[list[str]]:
        return [[f"{x:.2f}" if x else "0" for x in row] for row in rows]

    for name, y in (("before", 72), ("after", 252)):
        late = name == "after"
        c.text(14, y - 48, c.say(name), size=15, bold=True, align="left", colour="warning" if late else "ink")
        written = [[f"{score}" for score in row] for row in SCORES]
        hidden = [[x if ok else "−∞" for x, ok in zip(*pair, strict=True)] for pair in zip(written, seen, strict=True)]
        if late:
            full = [softmax(row) for row in SCORES]
            weights = masked(full)
            between = grid(256, y, "weights", [[0.75 * weight for weight in row] for row in full], write(full))
        else:
            weights = [softmax(row[: i + 1]) + [0.0] * (n - 1 - i) for i, row in enumerate(SCORES)]
            between = grid(256, y, "scores", masked(pale), hidden)
        start = grid(14, y, "scores", pale, written)
        end = grid(498, y, "weights", [[0.75 * weight for weight in row] for row in weights], write(weights))
        steps = (c.say("mask"), "softmax")
        for one, other, step in zip((start, between), (between, end), steps[::-1] if late else steps, strict=True):
            c.arrow(one.right_at(), other.left_at())
            c.text((one.right + other.x) / 2, one.cy - 16, step, size=14)
        c.text(end.right + 12, y - 15, c.say("sum"), size=13, align="left")
        for i, row in enumerate(weights):
            place = c.text(end.right + 12, y + cell[1] * (i + 0.5), f"{sum(row):.2f}", size=15, align="left", bold=True)
            if abs(sum(row) - 1) > 0.005:
                c.text(place.right + 6, place.cy, "< 1", size=14, align="left", colour="warning", bold=True)
    c.arrow((14, 180), (746, 180), width=0.8, head=False, touches=(False, False))


# ---------------------------------------------------------------- beam search


@dataclass(frozen=True)
class Candidate:
    """A text that beam search weighs.

    Attributes:
        tokens: without the start token; the last may be ``</s>``.
        step: the probability of the last token, given those before it.
        total: that of the whole text.
        kept: whether it is among the best of its length.
    """

    tokens: tuple[str, ...]
    step: float
    total: float
    kept: bool


Levels = Sequence[Sequence[Candidate]]
"""The candidates of each step, in the order in which they stand one below the other."""


def beam_levels(chances: Sequence[dict[str, dict[str, float]]], width: int = 2) -> list[list[Candidate]]:
    """The levels of :func:`beam_tree` for made-up chances, as beam search goes through them.

    Args:
        chances: for each step, by the text so far (its tokens with spaces between them, "" at the first step) the
            probabilities of the next token. A text that is not named is not continued.
        width: how many candidates of a step are kept; of equal ones the first.
    """
    levels: list[list[Candidate]] = []
    totals = {"": 1.0}
    for step in chances:
        found = [
            ((*text.split(), token), chance, totals[text] * chance)
            for text, next_tokens in step.items()
            if text in totals
            for token, chance in next_tokens.items()
        ]
        best = sorted(range(len(found)), key=lambda i: -found[i][2])[:width]
        levels.append([Candidate(*candidate, kept=i in best) for i, candidate in enumerate(found)])
        totals = {" ".join(one.tokens): one.total for one in levels[-1] if one.kept and one.tokens[-1] != END}
    return levels


EXAMPLE = beam_levels(
    [
        {"": {"a": 0.6, "b": 0.4}},
        {"a": {"a": 0.4, "b": 0.35, END: 0.25}, "b": {"a": 0.05, "b": 0.9, END: 0.05}},
        {"a a": {"a": 0.3, "b": 0.3, END: 0.4}, "b b": {"a": 0.05, "b": 0.05, END: 0.9}},
    ]
)
MOST_STEPS, MOST_CANDIDATES = 3, 6

# A candidate's fate shows in its frame, a way in its line, and both without colour.
_KEPT: dict[str, Any] = {"look": "outline", "colour": "ink", "line": 2.8}
_DROPPED: dict[str, Any] = {"look": "dashed", "colour": "neutral", "line": 1.2}
_BEST: dict[str, Any] = {"colour": "ink", "width": 3.6}
_GREEDY: dict[str, Any] = {"colour": "warning", "width": 2.4, "dashed": True}


@drawing(760, 478)
def beam_tree(c: Canvas, levels: Levels = EXAMPLE) -> None:
    """Beam search as a tree from left to right: what is kept, what is dropped, where greedy search goes, which text wins.

    Args:
        levels: see :class:`Candidate`; at most three steps of six candidates each. Greedy's way is the most probable next
            token at each step, of equal ones the first; the winner the most probable text that is kept and ended.

    Raises:
        ValueError: for more than fit, for a candidate whose parent is not a kept one of the step before, or for a
            ``total`` that is not the product of the steps.
    """
    _check_levels(levels)
    top, bottom, width, height, gap = 34, 402, 148, 46, 80
    root = c.box(8, (top + bottom) / 2 - 18, 52, 36, START, colour="input", size=15)
    greedy = _greedy(levels)
    ended = [one for level in levels for one in level if one.kept and one.tokens[-1] == END]
    winner = max(ended, key=lambda one: one.total).tokens if ended else ()
    places, totals = {(): root}, {(): 1.0}
    for number, level in enumerate(levels):
        x = root.right + gap + number * (width + gap)
        # A few candidates stand beside the texts that they continue.
        pitch = (bottom - top) / MOST_CANDIDATES if number else min(132, (bottom - top) / len(level))
        reach = pitch * len(level) / 2
        middle = fmean(places[one.tokens[:-1]].cy for one in level)
        middle = min(max(middle, top + reach), bottom - reach) if number else root.cy
        c.text(x + width / 2, 16, c.say("step", number=number + 1), size=14, bold=True)
        for i, one in enumerate(level):
            cy = middle + (i - (len(level) - 1) / 2) * pitch
            parent, before = places[one.tokens[:-1]], totals[one.tokens[:-1]]
            place = c.box(x, cy - height / 2, width, height, **_KEPT if one.kept else _DROPPED)
            ink = {"inside": place, "colour": "ink" if one.kept else "neutral"}
            c.text(place.cx, cy - 10, " ".join(one.tokens), size=14, bold=one.kept, **ink)
            product = f"{before:.3g} × {one.step:.3g} = {one.total:.3g}" if number else f"{one.total:.3g}"
            c.text(place.cx, cy + 11, product, size=12, **ink)
            start = parent.right_at(_port(i, level))
            ways = [way for text, way in ((winner, _BEST), (greedy, _GREEDY)) if one.tokens == text[: number + 1]]
            for look in ways or [{"width": 1.2}]:
                c.arrow(start, place.left_at(), **look)
            if not one.kept:
                c.cross(place.right - 1, place.y + 1, 6, colour="warning")
            places[one.tokens], totals[one.tokens] = place, one.total
    for x, y, name in ((12, 432, "kept"), (12, 460, "dropped"), (392, 432, "best"), (392, 460, "greedy")):
        if name in ("best", "greedy"):
            c.arrow((x, y), (x + 44, y), touches=(False, False), **_BEST if name == "best" else _GREEDY)
        else:
            c.box(x, y - 9, 44, 18, **_KEPT if name == "kept" else _DROPPED)
        if name == "dropped":
            c.cross(x + 43, y - 8, 6, colour="warning")
        c.text(x + 56, y, c.say(name), size=14, align="left")


def _port(i: int, level: Sequence[Candidate]) -> float:
    """Where on its parent's right edge the branch to a candidate begins: in the order of the children."""
    siblings = [j for j, other in enumerate(level) if other.tokens[:-1] == level[i].tokens[:-1]]
    return 0.25 + 0.5 * (siblings.index(i) + 0.5) / len(siblings)


def _greedy(levels: Levels) -> tuple[str, ...]:
    """The tokens that greedy search writes, as far as the levels show them."""
    text: tuple[str, ...] = ()
    for level in levels:
        children = [one for one in level if one.tokens[:-1] == text]
        if not children:
            break
        text = max(children, key=lambda one: one.step).tokens
    return text


def _check_levels(levels: Levels) -> None:
    sizes = [len(level) for level in levels]
    if not 0 < len(sizes) <= MOST_STEPS or not 0 < min(sizes) <= max(sizes) <= MOST_CANDIDATES:
        raise ValueError(f"at most {MOST_STEPS} steps of {MOST_CANDIDATES} candidates fit")
    before = {(): 1.0}
    for level in levels:
        for one in level:
            if one.tokens[:-1] not in before:
                raise ValueError(f"{one.tokens} does not continue a text that was kept")
            if abs(prod((before[one.tokens[:-1]], one.step)) - one.total) > 1e-6:
                raise ValueError(f"{one.tokens}: {one.total} is not the product of the probabilities on its way")
        before = {one.tokens: one.total for one in level if one.kept and one.tokens[-1] != END}


# ---------------------------------------------------------------- exchanging encoders

TURNED = 50
"""Degrees by which the second encoder's space is turned against that of the decoder."""


@drawing(760, 360)
def swap(c: Canvas) -> None:
    """A second encoder before a decoder: trained together with it, trained without it, trained to fit it."""
    for number, name in enumerate(("together", "apart", "fitted")):
        left = 10 + 253 * number
        middle = left + 117
        c.text(middle, 34, c.say(name), size=14, bold=True)
        decoder = c.box(middle - 80, 78, 160, 66, colour="output", line=3 if name == "fitted" else 1.5)
        # The space in which the decoder was taught to read.
        _axes(c, decoder.x + 36, decoder.cy, 0)
        c.text(decoder.x + 110, decoder.cy, c.say("decoder"), size=14, inside=decoder, ground=tint("output", 0.13))
        if name == "fitted":
            _lock(c, decoder.right + 22, decoder.cy)
        for i, (x, encoder) in enumerate(((left, "first"), (left + 122, "second"))):
            # What is not used any more is dashed.
            out = name != "together" and encoder == "first"
            colour = "neutral" if out else "input"
            place = c.box(
                x, 268, 112, 74, c.say(encoder), colour=colour, look="dashed" if out else "tint", size=14,
                text_colour="neutral" if out else None,
            )  # fmt: skip
            turned = TURNED if name == "apart" and encoder == "second" else 0
            axes = _axes(c, place.cx, 218, turned, pale=out)
            c.arrow(place.top_at(), (place.cx, axes.bottom), colour="neutral", dashed=out)
            if out:
                continue
            port = decoder.bottom_at((0.3, 0.7)[i])
            fails = name == "apart"
            c.arrow((axes.cx, axes.y), port, colour="warning" if fails else "ink", width=2.2, dashed=fails)
            if fails:
                c.text(axes.cx + 16, (axes.y + port[1]) / 2 + 4, "?", size=22, bold=True, colour="warning")
        if number:
            c.arrow((left - 9, 14), (left - 9, 346), width=0.8, head=False, touches=(False, False))


def _axes(c: Canvas, x: float, y: float, turned: float, *, pale: bool = False) -> Box:
    """Two little axes in a circle: a space of vectors, turned by some degrees."""
    place = c.dot(x, y, 26, colour="neutral" if pale else "accent", strength=0.0 if pale else 0.1)
    arms = [
        (long * cos(radians(angle)), -long * sin(radians(angle))) for angle, long in ((turned, 27), (turned + 90, 20))
    ]
    # The middle of both arms is that of the circle.
    origin = x - sum(dx for dx, _ in arms) / 2, y - sum(dy for _, dy in arms) / 2
    for dx, dy in arms:
        c.arrow(
            origin,
            (origin[0] + dx, origin[1] + dy),
            colour="neutral" if pale else "ink",
            width=1.8,
            touches=(False, False),
        )
    return place


def _lock(c: Canvas, x: float, y: float) -> None:
    """A padlock: what is locked is not trained."""
    from matplotlib.patches import Arc

    body = c.box(x - 11, y - 3, 22, 18, colour="ink", look="solid", radius=3)
    c.axes.add_patch(
        Arc(
            (x, body.y),
            14,
            20,
            theta1=180,
            theta2=360,
            facecolor="none",
            edgecolor=COLOURS["ink"],
            linewidth=2.6 * POINT,
            zorder=1,
        )
    )
