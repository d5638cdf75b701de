"""The diagrams of lesson 00: a chain of states beside a direct look, a step of an LSTM, pictures as tokens, one block for all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from course_lib.figures.draw import CARD_WIDTH, Box, Canvas, Matrix, drawing, shades

COUNT = 5
"""Tokens in the picture of the two ways."""

_MARKED = {"colour": "warning", "width": 2.6}
"""The way whose steps are counted."""

# ---------------------------------------------------------------- two ways through a sequence


@drawing(CARD_WIDTH, 268, card=True)
def recurrence_and_attention(c: Canvas) -> None:
    """From the first token to the last: through every state in between, or by one look."""
    pitch, w, floor, level = 42, 32, 178, 96
    for left, name in ((12, "recurrence"), (238, "attention")):
        tokens = [c.box(left + pitch * i, floor, w, 30, f"$x_{i + 1}$", colour="input") for i in range(COUNT)]
        middle = (tokens[0].x + tokens[-1].right) / 2
        c.text(middle, 20, c.say(name), size=15, bold=True)
        c.text(middle, 236, c.say(f"{name}_way"), size=13)
        if name == "recurrence":
            states = [
                c.box(token.cx - 13, level + 4, 26, 26, f"$h_{i + 1}$", radius=13) for i, token in enumerate(tokens)
            ]
            for i, (token, state) in enumerate(zip(tokens, states, strict=True)):
                marked = i == 0
                c.arrow(token.top_at(), state.bottom_at(), **(_MARKED if marked else {"width": 1.3}))
            for step, (one, other) in enumerate(pairwise(states), start=1):
                c.arrow(one.right_at(), other.left_at(), **_MARKED | {"width": 2.2})
                c.text((one.right + other.x) / 2, level - 12, str(step), size=13, bold=True, colour="warning")
        else:
            found = c.box(tokens[-1].x, level, w, 34, f"$z_{COUNT}$", colour="output", radius=16)
            for i, token in enumerate(tokens):
                # The arrows end side by side on the vector's edge, the first ones on its left side.
                end = found.left_at(0.25 + 0.25 * i) if i < 3 else found.bottom_at(0.25 if i == 3 else 0.5)
                c.arrow(token.top_at(), end, **(_MARKED if i == 0 else {"width": 1.3}))
            c.text(tokens[1].right, level + 14, "1", size=13, bold=True, colour="warning")


# ---------------------------------------------------------------- a step of an LSTM

GATES = (("f", 104, "σ"), ("i", 178, "σ"), ("g", 252, "tanh"), ("o", 326, "σ"))
"""Letter, middle and function of each gate, and of the candidate g, from left to right."""


@drawing(CARD_WIDTH, 440, card=True)
def lstm_cell(c: Canvas) -> None:
    """What a step does with the cell, in the upper row, and with the state, in the lower."""
    line, inner = 56, 128
    before = c.box(8, line - 19, 58, 38, "$c_{t-1}$", colour="ink", size=15)
    after = c.box(384, line - 19, 58, 38, "$c_t$", colour="ink", size=15)
    state = c.box(384, inner + 47, 58, 38, "$h_t$", size=15)
    columns = {name: x for name, x, _ in GATES}
    keep = c.circle(columns["f"], line, "•")
    plus = c.circle((columns["i"] + columns["g"]) / 2, line, "+")
    new = c.circle(plus.cx, inner, "•")
    squash = c.box(columns["o"] - 27, inner - 26, 54, 32, "tanh", look="outline", size=13)
    out = c.circle(columns["o"], state.cy, "•")
    for one, other in ((before, keep), (keep, plus), (plus, after)):
        c.arrow(one.right_at(), other.left_at(), colour="ink", width=3.2)
    c.text((before.right + after.x) / 2, 18, c.say("cell"), size=13)
    sums = c.box(72, 328, 286, 38, "$x_t W_x + h_{t-1} W_h + b$", look="outline", size=15)
    for name, x, function in GATES:
        gate = c.box(x - 33, 228, 66, 72, colour="neutral" if name == "g" else "accent")
        c.text(x, 242, f"${name}$: {function}", size=13, bold=True)
        c.text(x, 275, c.say(name), size=12, spacing=1.2, inside=gate)
        c.arrow((x, sums.y), gate.bottom_at())
        if name == "f":
            c.arrow(gate.top_at(), keep.bottom_at())
        elif name == "o":
            c.arrow(gate.top_at(), out.bottom_at())
        else:
            c.arrow(gate.top_at(), (x, inner), new.left_at() if name == "i" else new.right_at())
    c.arrow(new.top_at(), plus.bottom_at())
    c.arrow((columns["o"], line), squash.top_at())
    c.arrow(squash.bottom_at(), out.top_at())
    c.arrow(out.right_at(), state.left_at())
    token = c.box(sums.cx - 29, 392, 58, 36, "$x_t$", colour="input", size=15)
    c.arrow(token.top_at(), sums.bottom_at())
    last = c.box(8, 392, 58, 36, "$h_{t-1}$", size=15)
    c.arrow(last.top_at(), (last.cx, sums.cy), sums.left_at())
    c.text(token.right + 16, token.cy, c.say("legend"), size=12, align="left")


# ---------------------------------------------------------------- a picture as a sequence

SIDE = 2
"""Pixels along the side of a patch."""

SEVEN: Matrix = [
    [0, 0, 1, 2, 2, 1, 0, 0],
    [0, 3, 8, 8, 8, 8, 4, 0],
    [0, 2, 4, 3, 4, 8, 5, 0],
    [0, 0, 0, 0, 4, 8, 2, 0],
    [0, 0, 2, 5, 8, 6, 2, 0],
    [0, 0, 3, 7, 7, 4, 1, 0],
    [0, 0, 3, 8, 3, 0, 0, 0],
    [0, 0, 5, 7, 0, 0, 0, 0],
]
"""A made-up picture of a seven, for where none is at hand."""


def cut(picture: Sequence[Sequence[float]], side: int = SIDE) -> list[list[float]]:
    """The squares of a picture, row by row, each as its side² numbers, row by row."""
    return [
        [float(picture[y + i][x + j]) for i in range(side) for j in range(side)]
        for y in range(0, len(picture), side)
        for x in range(0, len(picture[0]), side)
    ]


@drawing(760, 452)
def picture_patches(c: Canvas, picture: Sequence[Sequence[float]] = SEVEN) -> None:
    """A picture (8, 8) whole, cut into squares, and as a row of tokens, with the numbers as grey cells.

    Raises:
        ValueError: if the picture is not 8 × 8.
    """
    if len(picture) != 8 or any(len(row) != 8 for row in picture):
        raise ValueError("a picture of 8 × 8 numbers is needed")
    amounts = shades([[float(number) for number in row] for row in picture], 0.03, 0.88)
    squares, across, cell, gap, chosen = cut(amounts), len(picture[0]) // SIDE, 22, 20, 6
    whole = c.matrix(96, 68, 8, 8, cell=cell, colour="ink", shades=amounts)
    parts, pitch = [], SIDE * cell + gap
    for number, square in enumerate(squares):
        row, column = divmod(number, across)
        rows = [square[SIDE * i : SIDE * (i + 1)] for i in range(SIDE)]
        parts.append(c.matrix(424 + column * pitch, 42 + row * pitch, SIDE, SIDE, cell=cell, colour="ink", shades=rows))
        c.text(parts[-1].x - 5, parts[-1].cy, str(number + 1), size=11, align="right")
    grid = Box(parts[0].x, parts[0].y, parts[-1].right - parts[0].x, parts[-1].bottom - parts[0].y)
    c.text(whole.cx, 20, c.say("picture"), size=14, bold=True)
    c.text(grid.cx, 20, c.say("patches"), size=14, bold=True)
    c.arrow((whole.right + 24, whole.cy), (grid.x - 42, whole.cy), width=2.2, touches=(False, False))
    # One square is framed in all three places.
    row, column = divmod(chosen, across)
    side = SIDE * cell
    places = [Box(whole.x + column * side, whole.y + row * side, side, side), parts[chosen]]
    height, top = 19, 336
    for number, square in enumerate(squares):
        place = c.matrix(
            28 + 45 * number, top, SIDE * SIDE, 1, cell=(28, height), colour="ink", shades=[[n] for n in square]
        )
        c.text(place.cx, place.bottom + 15, f"$x_{{{number + 1}}}$", size=13)
        if number == chosen:
            places.append(place)
    for place in places:
        c.frame(place, colour="warning", line=3, margin=1.5)
    c.text(380, 310, c.say("tokens"), size=14, bold=True)


# ---------------------------------------------------------------- one block, three tasks

SERIES = (0.35, 0.62, 0.9, 0.7, 0.3, 0.12, 0.4, 0.78, 0.6)
"""Made-up values of a series, from 0 to 1."""
WORDS = ("the", "fox", "slept")


@drawing(CARD_WIDTH, 372, card=True)
def one_block_three_tasks(c: Canvas) -> None:
    """Text, picture and series become vectors in three ways; the block between them and the read-out is the same."""
    rows = {"text": 100, "picture": 200, "series": 300}
    block = c.box(226, 60, 84, 288, c.say("block"), colour="accent", size=14, bold=True)
    for cx, name in ((50, "tokens"), (159, "vectors"), (block.cx, "same"), (385, "read_out")):
        c.text(cx, 24, c.say(name), size=13, bold=True)
    for name, y in rows.items():
        embed = c.box(110, y - 32, 98, 64, colour="input", look="outline")
        c.text(embed.cx, y, c.say(f"{name}_embed"), size=12, inside=embed, spacing=1.35)
        answer = c.box(330, y - 25, 112, 50, c.say(f"{name}_answer"), colour="output", size=13)
        c.arrow((embed.right, y), (block.x, y))
        c.arrow((block.right, y), answer.left_at())
        c.arrow((95, y), embed.left_at(), touches=(False, True))
    y = rows["text"]
    for i, word in enumerate(WORDS):
        c.box(11, y - 39 + 27 * i, 78, 24, word, colour="input", size=13)
    y = rows["picture"]
    for number in range(3):
        square = cut(shades(SEVEN, 0.03, 0.88))[(1, 6, 9)[number]]
        c.matrix(10 + 28 * number, y - 12, SIDE, SIDE, cell=12, colour="ink", shades=[square[:2], square[2:]])
    points = [(12 + 9.2 * i, rows["series"] + 28 - 56 * value) for i, value in enumerate(SERIES)]
    c.arrow(*points, head=False, radius=0, width=1.3, touches=(False, False))
    for x, y in points:
        c.dot(x, y, 3.2, colour="ink", strength=1)
