"""The diagrams of lesson 05: attention without order, sinusoids as clocks, turned queries and keys, and where each enters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from course_lib.figures.draw import (
    CARD_WIDTH,
    Box,
    Canvas,
    Matrix,
    Point,
    drawing,
    matmul,
    numbers,
    shades,
    softmax,
    transpose,
)
from course_lib.figures.style import COLOURS

# ---------------------------------------------------------------- order

# The tokens of the crossing corpus stay English in both languages, as in the lesson's code.
TOKENS = ("wolf", "chased", "hare")
SIZE = 3
"""Components of a token's vector in the picture."""
SHARPNESS = 6.0
"""By what the made-up scores are multiplied."""


def self_attention(order: Sequence[str]) -> dict[str, list[float]]:
    """The output of each token of :data:`TOKENS` when they stand in this order: attention with made-up matrices."""
    vectors = dict(zip(TOKENS, numbers(len(TOKENS), SIZE, seed=32), strict=True))
    x = [vectors[token] for token in order]
    query, key, value = (matmul(x, numbers(SIZE, SIZE, seed=seed)) for seed in (51, 52, 53))
    # Scores large enough for the three words to look at different ones.
    scores = [[SHARPNESS * score / SIZE**0.5 for score in row] for row in matmul(query, transpose(key))]
    return dict(zip(order, matmul([softmax(row) for row in scores], value), strict=True))


@drawing(760, 440)
def order_blind(c: Canvas) -> None:
    """Two orders of the same tokens: attention without positions gives each word the same vector in both."""
    pitch, cell, top = 122, (72, 27), 176
    columns: dict[str, list[Box]] = {token: [] for token in TOKENS}
    for left, order, title in ((14, TOKENS, "first"), (394, TOKENS[::-1], "second")):
        middle = left + 1.5 * pitch - 7
        c.text(middle, 22, c.say(title), size=14, bold=True)
        bar = c.box(left, 106, 3 * pitch - 14, 42, c.say("attention"), colour="accent", size=14)
        outputs = self_attention(order)
        amounts = dict(zip(order, shades([outputs[token] for token in order], 0.06, 0.45), strict=True))
        for i, token in enumerate(order):
            cx = left + 54 + pitch * i
            word = c.box(cx - 54, 42, 108, 36, token, colour="input", size=15, bold=token == TOKENS[1])
            column: Matrix = [[amount] for amount in amounts[token]]
            texts = [[f"{number:.2f}".replace("-", "−")] for number in outputs[token]]
            place = c.matrix(
                cx - cell[0] / 2,
                top,
                SIZE,
                1,
                cell=cell,
                colour="output",
                shades=column,
                texts=texts,
                size=14,
            )
            c.arrow(word.bottom_at(), (cx, bar.y))
            # Clear of the frame that the verb's vector gets.
            c.arrow((cx, bar.bottom), (cx, place.y - 4 * (token == TOKENS[1])), colour="output")
            columns[token].append(place)
    # The second order mirrors the first, so the three lines lie inside one another and never cross.
    for depth, token in enumerate(reversed(TOKENS)):
        one, other = sorted(columns[token], key=lambda place: place.x)
        y, verb = one.bottom + 42 + 42 * depth, token == TOKENS[1]
        if verb:
            for place in (one, other):
                c.frame(place, line=3, margin=2)
        c.arrow(
            one.bottom_at(),
            (one.cx, y),
            (other.cx, y),
            other.bottom_at(),
            colour="ink" if verb else "neutral",
            width=2.6 if verb else 1.4,
            head=False,
        )
        c.text(380, y - 15, c.say("same"), size=14, bold=verb)
    c.text(380, 420, c.say("nobody_knows"), size=14)


# ---------------------------------------------------------------- sinusoids

PAIRS, BASE, TIMES = 3, 100.0, 8


def _polar(centre: Point, angle: float, length: float) -> Point:
    """The end of a vector that is turned counterclockwise from the right; y grows downwards."""
    return centre[0] + length * math.cos(angle), centre[1] - length * math.sin(angle)


@drawing(CARD_WIDTH, 446, card=True)
def clock_hands(c: Canvas) -> None:
    """Three pairs of sinusoids as clocks whose hands turn by their own angle from position to position."""
    left, pitch, radius = 52, 52, 23
    c.text(8, 24, "$t$", size=17, align="left")
    for t in range(TIMES):
        c.text(left + pitch * t, 24, str(t), size=16, bold=t == TIMES - 1)
    for i in range(PAIRS):
        omega = BASE ** (-2 * i / (2 * PAIRS))
        y = 106 + 108 * i
        wave = 2 * math.pi / omega
        label = c.say("pair", number=i, omega=f"{omega:.3g}", wave=f"{wave:.1f}" if wave < 10 else f"{wave:.0f}")
        c.text(left - radius, y - 46, label, size=15, align="left")
        for t in range(TIMES):
            cx = left + pitch * t
            c.dot(cx, y, radius, colour="neutral", strength=0.05)
            # Where the hand stands at t = 0.
            c.arrow((cx + radius - 6, y), (cx + radius, y), head=False, touches=(False, False))
            angle = omega * t
            c.arrow((cx, y), _polar((cx, y), angle, 0.93 * radius), colour="accent", width=2.2, touches=(False, False))
    last = left + pitch * (TIMES - 1)
    c.frame(Box(last - radius - 3, 78, 2 * radius + 6, 274), line=2)
    c.text(last + radius, 374, c.say("row", position=TIMES - 1), size=15, bold=True, align="right")
    c.text(left - radius, 402, c.say("tip"), size=15, align="left")
    # The hand's horizontal coordinate is the cosine, which is the second of the pair in the table.
    c.text(left - radius, 426, c.say("sine_first"), size=15, align="left")


# ---------------------------------------------------------------- rotary positions

TURN = 0.4
"""ω of the picture, radians per position."""
UNTURNED = {"query": (0.0, 80.0), "key": (-1.1, 50.0)}
"""Angle and length of the query and the key before they are turned."""
PLACES = ((3, 1), (7, 5))
"""m and n in each panel."""


def _along(centre: Point, start: float, end: float, radius: float) -> list[Point]:
    """Points of an arc about a centre, close enough to look round."""
    steps = max(2, math.ceil(abs(end - start) / 0.06))
    return [_polar(centre, start + (end - start) * step / steps, radius) for step in range(steps + 1)]


@drawing(CARD_WIDTH, 424, card=True)
def rotary(c: Canvas) -> None:
    """A query and a key turned by their positions, twice: the same distance gives the same angle between them."""
    apart = UNTURNED["query"][0] - UNTURNED["key"][0]
    for cx, (m, n) in zip((113, 337), PLACES, strict=True):
        centre = (cx, 154.0)
        c.text(cx, 24, f"$m = {m}$,  $n = {n}$", size=18)
        turned = {}
        for role, letter, position in (("query", "q", m), ("key", "k", n)):
            start, length = UNTURNED[role]
            end = turned[role] = start + TURN * position
            free = (False, False)
            c.arrow(centre, _polar(centre, start, length), colour=role, width=1.2, dashed=True, touches=free)
            c.arrow(*_along(centre, start, end - 5 / length, length), colour=role, width=1.0, touches=free)
            c.arrow(centre, _polar(centre, end, length), colour=role, width=3.4, touches=free)
            for text, angle, size in ((letter, start, 15), (f"{letter}'", end, 19)):
                c.text(*_polar(centre, angle, length + 15), f"${text}$", size=size, colour=role)
        between = turned["query"] - turned["key"]
        arc = _along(centre, turned["key"], turned["query"], 30)
        c.arrow(*arc, width=2.4, head=False, colour="ink", touches=(False, False))
        c.text(*_polar(centre, turned["query"] - 0.55, 56), f"{between:.1f}", size=16, bold=True)
        for y, formula, value, colour in (
            (258, rf"m\,\omega = {m} \cdot {TURN}", TURN * m, "query"),
            (284, rf"n\,\omega = {n} \cdot {TURN}", TURN * n, "key"),
            (310, rf"{apart:.1f} + (m - n)\,\omega", apart + TURN * (m - n), "ink"),
        ):
            c.text(cx, y, f"${formula} = {value:.1f}$", size=16, colour=colour)
    c.arrow((225, 14), (225, 322), width=0.8, head=False, touches=(False, False))
    c.text(225, 346, c.say("frequency", omega=TURN), size=15)
    c.text(225, 372, c.say("dashed"), size=15)
    c.text(225, 402, c.say("same"), size=15, bold=True)


# ---------------------------------------------------------------- all ways in one picture


@drawing(CARD_WIDTH, 560, card=True)
def where_positions_enter(c: Canvas) -> None:
    """One attention layer from X to Z, and the three places at which positions can enter."""
    columns = {"query": 56, "key": 124, "value": 192}
    middle, right = columns["key"], 248
    c.box(14, 122, 218, 362, look="outline", radius=12)

    def mark(x: float, y: float, number: int) -> None:
        badge = c.dot(x, y, 11, colour="ink", strength=1)
        c.text(x, y, str(number), size=14, bold=True, colour="ground", ground=COLOURS["ink"], inside=badge)

    def explain(y: float, number: int, word: str) -> None:
        """What happens at a place, in bold from ``y`` down, and below it whose way it is."""
        mark(right + 11, y, number)
        for part, bold in (("what", True), ("who", False)):
            text = c.say(f"{word}_{part}")
            lines = text.count("\n") + 1
            c.text(right + 30, y + 9.5 * (lines - 1), text, size=14, bold=bold, align="left", spacing=1.36)
            y += 19 * lines + 6

    x = c.box(middle - 34, 14, 68, 36, "$X$", colour="input", look="solid", size=18)
    plus = c.circle(middle, 86, radius=14)
    table = c.box(22, 70, 46, 32, "$P$", look="outline", colour="ink", size=17)
    c.arrow(x.bottom_at(), plus.top_at())
    c.arrow(table.right_at(), plus.left_at(), colour="ink", width=2.4)
    mark(middle + 30, 86, 1)
    explain(74, 1, "added")
    c.arrow(plus.bottom_at(), (middle, 152), colour="key")
    boxes = {}
    for role, letter in (("query", "Q"), ("key", "K"), ("value", "V")):
        cx = columns[role]
        boxes[role] = c.box(cx - 27, 152, 54, 36, f"${letter}$", colour=role, look="solid", size=18)
        if role != "key":
            c.arrow((middle, 136), (cx, 136), boxes[role].top_at(), colour=role, touches=(True, True))
    scores = c.box(columns["query"] - 29, 268, 126, 38, c.say("scores"), colour="accent", size=16)
    for role in ("query", "key"):
        turn = c.circle(columns[role], 224, "↺", radius=15)
        c.arrow(boxes[role].bottom_at(), turn.top_at(), colour=role)
        c.arrow(turn.bottom_at(), (columns[role], scores.y), colour=role)
    mark(middle - 34, 224, 2)
    explain(206, 2, "turned")
    added = c.circle(scores.cx, 340, radius=14)
    c.arrow(scores.bottom_at(), added.top_at())
    bias = c.box(22, 324, 40, 32, "$b$", look="outline", colour="ink", size=17)
    c.arrow(bias.right_at(), added.left_at(), colour="ink", width=2.4)
    mark(scores.cx + 30, 340, 3)
    explain(318, 3, "bias")
    weights = c.box(scores.x, 376, scores.w, 36, "softmax", colour="accent", look="solid", size=16)
    c.arrow(added.bottom_at(), weights.top_at())
    times = c.circle(columns["value"], 452, "×", radius=14)
    c.arrow(boxes["value"].bottom_at(), times.top_at(), colour="value")
    c.arrow(weights.bottom_at(), (weights.cx, times.cy), times.left_at())
    output = c.box(columns["value"] - 34, 510, 68, 36, "$Z$", colour="output", look="solid", size=18)
    c.arrow(times.bottom_at(), output.top_at(), colour="output")
    c.text(28, 512, c.say("layer"), size=14, align="left")
    c.text(right, times.cy, c.say("values"), size=14, align="left")
