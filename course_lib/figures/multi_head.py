"""The diagrams of lesson 04: why one head is not enough, how heads are cut, joined and shared."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.figures.draw import (
    CARD_WIDTH,
    Box,
    Canvas,
    Matrix,
    drawing,
    matmul,
    numbers,
    shades,
    softmax,
    transpose,
)
from course_lib.figures.style import tint

HEADS = 3

# The tokens of the letters stay English in both languages, as in the lesson's code.
LETTER = (("from", "Ann"), ("to", "Bob"), ("about", "Carl"), ("cc", "Dora"))
ASKED = ("about", "from")
"""The roles that are asked for, in this order."""


@drawing(CARD_WIDTH, 596, card=True)
def multi_head(c: Canvas) -> None:
    """Multi-head attention with three heads: own projections, own outputs, concatenation, W_O."""
    length, d_model, d_head, cell = 4, 6, 2, 14
    middle, columns = 225, (84, 225, 366)
    inputs = numbers(length, d_model, seed=2)
    x = c.matrix(middle - 42, 14, length, d_model, cell=cell, colour="input", shades=shades(inputs))
    c.text(x.x - 12, x.cy, "$X$", size=19, align="right")
    c.text(x.right + 12, x.cy, r"$T \times D$", size=17, align="left")
    outputs = []
    for i, cx in enumerate(columns):
        head = c.box(cx - 62, 114, 124, 104, look="tint", strength=0.06)
        grey = tint("neutral", 0.06)
        c.text(cx, 133, c.say("head", number=i + 1), size=15, bold=True, inside=head, ground=grey)
        for letter, role, shift in (("Q", "query", -38), ("K", "key", 0), ("V", "value", 38)):
            c.box(cx + shift - 17, 149, 34, 32, f"$W_{letter}^{i + 1}$", colour=role, size=14, radius=5)
        c.text(cx, 199, c.say("attention"), size=15, inside=head, ground=grey)
        start = (x.x + (0.2, 0.5, 0.8)[i] * x.w, x.bottom)
        corners = () if i == 1 else ((start[0], 92), (cx, 92))
        c.arrow(start, *corners, head.top_at())
        query, key, value = (
            matmul(inputs, numbers(d_model, d_head, seed=10 * i + role)) for role in (1, 2, 3)
        )  # its own triple
        scores = [[score / d_head**0.5 for score in row] for row in matmul(query, transpose(key))]
        outputs.append(matmul([softmax(row) for row in scores], value))
    joined = [sum((output[t] for output in outputs), []) for t in range(length)]
    low, amounts = 374, shades(joined, 0.12, 0.7)
    for i, cx in enumerate(columns):
        part = [row[d_head * i : d_head * (i + 1)] for row in amounts]
        place = c.matrix(cx - cell, 246, length, d_head, cell=cell, colour="output", shades=part)
        c.arrow((cx, 218), place.top_at())
        c.text(place.right + 8, place.cy - 13, f"$Z_{i + 1}$", size=18, align="left", colour="output")
        c.text(place.right + 8, place.cy + 13, r"$T \times d_v$", size=17, align="left")
        end = (middle - 42 + cell * d_head * (i + 0.5), low)
        corners = () if i == 1 else ((cx, 338), (end[0], 338))
        c.arrow(place.bottom_at(), *corners, end)
    concat = c.matrix(middle - 42, low, length, d_model, cell=cell, colour="output", shades=amounts)
    for i in range(1, HEADS):
        x_border = concat.x + cell * d_head * i
        c.arrow((x_border, concat.y), (x_border, concat.bottom), colour="output", head=False, touches=(False, False))
    c.text(concat.x - 12, concat.cy, c.say("concat"), size=15, align="right")
    c.text(concat.right + 12, concat.cy, r"$T \times H d_v$", size=17, align="left")
    final = matmul(joined, numbers(d_model, d_model, seed=77))
    result = c.matrix(middle - 42, 522, length, d_model, cell=cell, colour="output", shades=shades(final))
    mix = c.box(middle - 42, 454, 84, 36, "$W_O$", colour="output", look="solid", size=18)
    c.arrow(concat.bottom_at(), mix.top_at())
    c.arrow(mix.bottom_at(), result.top_at(), colour="output")
    c.text(mix.right + 12, mix.cy, r"$H d_v \times D$", size=17, align="left")
    c.text(result.x - 12, result.cy, c.say("output"), size=15, align="right")
    c.text(result.right + 12, result.cy, r"$T \times D$", size=17, align="left")


# ---------------------------------------------------------------- one head and two


def _attended(asked: Sequence[str]) -> list[float]:
    """The weights of a query that asks for roles: its scores with keys that are the roles' one-hot vectors."""
    keys = [[float(row == column) for column, _ in enumerate(LETTER)] for row, _ in enumerate(LETTER)]
    query = [20.0 * (role in asked) for role, _ in LETTER]
    return softmax(matmul([query], transpose(keys))[0])


def _share(weight: float) -> str:
    """A weight as the lesson writes it."""
    return {0.0: "0", 0.5: "½", 1.0: "1"}[round(weight, 6)]


@drawing(760, 332)
def one_mixture(c: Canvas) -> None:
    """Two questions of one token: one head adds both answers up, two heads keep them apart."""
    values = [[float(row == column) for column, _ in enumerate(LETTER)] for row, _ in enumerate(LETTER)]
    for name, left, questions in (("one", 14, [ASKED]), ("two", 396, [[role] for role in ASKED])):
        middle, pitch = left + 175, 63
        c.text(middle, 20, c.say(f"{name}_head"), size=15, bold=True)
        for i, (role, who) in enumerate(LETTER):
            c.box(left + pitch * i + 2, 40, pitch - 4, 46, f"{role}\n{who}", colour="input", size=14, radius=5)
        c.box(left + 270, 40, 80, 46, "\n".join(f"{role}?" for role in ASKED), colour="query", size=14, radius=5)
        rows = [_attended(asked) for asked in questions]
        mixed, cell = matmul(rows, values), 40
        # The vectors of the heads stand side by side, in the order of the heads.
        width = len(LETTER) * cell
        gap = 18
        first = left + 2 * pitch - width / 2 if len(rows) == 1 else middle - width - gap / 2
        for head, (weights, vector) in enumerate(zip(rows, mixed, strict=True)):
            y = (112 if len(rows) == 1 else 96) + 36 * head
            row = c.matrix(
                left,
                y,
                1,
                len(weights),
                cell=(pitch, 30),
                colour="accent",
                shades=[[0.75 * weight for weight in weights]],
                texts=[[_share(weight) for weight in weights]],
                size=15,
            )
            c.text(row.right + 10, row.cy, c.say("weights", number=head + 1), size=12, align="left", spacing=1.2)
            z = c.matrix(
                first + head * (width + gap),
                206,
                1,
                len(vector),
                cell=(cell, 30),
                colour="output",
                shades=[[0.75 * number for number in vector]],
                texts=[[_share(number) for number in vector]],
                size=15,
            )
            for i, (_, who) in enumerate(LETTER):
                c.text(z.x + (i + 0.5) * cell, z.bottom + 13, who, size=12)
            if head < len(rows) - 1:  # around the rows below
                c.arrow(row.left_at(), (row.x - 10, row.cy), (row.x - 10, 190), (z.cx, 190), z.top_at(), colour="value")
            else:
                corners = () if len(rows) == 1 else ((row.cx, 178), (z.cx, 178))
                c.arrow(row.bottom_at(), *corners, z.top_at(), colour="value")
            parts = [
                f"{_share(weight)} v({who})" for weight, (_, who) in zip(weights, LETTER, strict=True) if weight > 0.1
            ]
            c.text(z.cx, 272, " + ".join(reversed(parts)).replace("1 v", "v"), size=15, colour="output")
        answers = [LETTER[weights.index(max(weights))][1] for weights in rows]
        text = c.say("unclear") if len(rows) == 1 else c.say("clear", answers=" | ".join(answers))
        c.text(middle, 308, text, size=15, bold=True, colour="warning" if len(rows) == 1 else "ink")
    c.arrow((374, 14), (374, 318), width=0.8, head=False, touches=(False, False))


# ---------------------------------------------------------------- cutting


@drawing(760, 372)
def split_heads(c: Canvas) -> None:
    """Q is cut into the heads' columns; reshaped without a transpose, a head gets a token's whole vector instead."""
    length, size, cell = 3, 2, (34, 28)
    width = HEADS * size
    q = [[float(width * t + j + 1) for j in range(width)] for t in range(length)]
    right = [[row[size * h : size * (h + 1)] for row in q] for h in range(HEADS)]
    memory = [number for row in q for number in row]
    block = length * size
    wrong = [[memory[block * h + size * t : block * h + size * (t + 1)] for t in range(length)] for h in range(HEADS)]

    def amounts(part: Matrix) -> Matrix:
        """A number keeps the shade of the head that it belongs to."""
        return [[0.1 + 0.22 * (int(number - 1) % width // size) for number in row] for row in part]

    def place(x: float, y: float, part: Matrix) -> Box:
        texts = [[f"{number:g}" for number in row] for row in part]
        return c.matrix(
            x, y, len(part), len(part[0]), cell=cell, colour="query", shades=amounts(part), texts=texts, size=14
        )

    whole = place(76, 179, q)
    c.text(whole.cx, 114, r"$Q$:  $T \times H \cdot d_k$", size=17)
    for h in range(HEADS):
        x = whole.x + cell[0] * size * h
        c.bracket((x + 4, whole.y - 6), (x + cell[0] * size - 4, whole.y - 6), -7)
        c.text(x + cell[0], whole.y - 26, c.say("head", number=h + 1), size=12)
        if h:
            c.arrow((x, whole.y), (x, whole.bottom), colour="query", width=2.4, head=False, touches=(False, False))
    for t in range(length):
        c.text(whole.x - 10, whole.y + (t + 0.5) * cell[1], c.say("token", number=t + 1), size=13, align="right")
    for name, x, parts in (("right", 336, right), ("wrong", 564, wrong)):
        colour = "ink" if name == "right" else "warning"
        c.text(x, 22, c.say(name), size=15, bold=True, align="left", colour=colour)
        c.text(x, 48, c.say(f"{name}_code"), size=13, align="left")
        for h, part in enumerate(parts):
            matrix = place(x, 72 + 98 * h, part)
            text = c.say("head" if name == "right" else "whole_token", number=h + 1)
            c.text(matrix.right + 12, matrix.cy, text, size=13, align="left")
            if name == "right" and matrix.y < whole.cy < matrix.bottom:
                c.arrow(whole.right_at(), (matrix.x, whole.cy))
    c.text(whole.cx, 300, r"$(T,\ H \cdot d_k) \to (H,\ T,\ d_k)$", size=17)
    c.cross(548, 22, 8, colour="warning")


# ---------------------------------------------------------------- joining


@drawing(760, 330)
def multi_head_sum(c: Canvas) -> None:
    """The joined outputs times W_O are the sum of each head's own product."""
    length, d_model, size, cell = 4, 6, 2, 16
    parts = [numbers(length, size, seed=5 + h) for h in range(HEADS)]
    joined = [sum((part[t] for part in parts), []) for t in range(length)]
    mixing = numbers(HEADS * size, d_model, seed=77)
    blocks = [mixing[size * h : size * (h + 1)] for h in range(HEADS)]
    at_once = matmul(joined, mixing)
    products = [matmul(part, block) for part, block in zip(parts, blocks, strict=True)]
    summed = [[sum(column) for column in zip(*rows, strict=True)] for rows in zip(*products, strict=True)]
    z_shades, w_shades = shades(joined, 0.12, 0.7), shades(mixing, 0.1, 0.6)

    def matrix(x: float, cy: float, amounts: Matrix, colour: str) -> Box:
        rows, columns = len(amounts), len(amounts[0])
        return c.matrix(x, cy - rows * cell / 2, rows, columns, cell=cell, colour=colour, shades=amounts)

    upper, lower = 106, 262
    z = matrix(130, upper, z_shades, "output")
    w = matrix(302, upper, w_shades, "input")
    for h in range(HEADS):
        x, y = z.x + cell * size * h, w.y + cell * size * h
        c.text(x + cell, z.y - 16, f"$Z_{h + 1}$", size=16, colour="output")
        c.text(w.right + 10, y + cell, f"$W_O^{h + 1}$", size=16, align="left")
        if h:
            c.arrow((x, z.y), (x, z.bottom), colour="output", width=2.4, head=False, touches=(False, False))
            c.arrow((w.x, y), (w.right, y), colour="input", width=2.4, head=False, touches=(False, False))
    c.text((z.right + w.x) / 2, upper, "×", size=20)
    c.text(z.cx, w.bottom + 18, r"$T \times H d_v$", size=15)
    c.text(w.cx, w.bottom + 18, r"$H d_v \times D$", size=15)
    c.text(z.cx, 22, c.say("joined"), size=15, bold=True)
    c.text(614, 22, c.say("output"), size=15, bold=True)
    x = 20.0
    for h in range(HEADS):
        if h:
            c.text(x - 20, lower, "+", size=20)
        part = [row[size * h : size * (h + 1)] for row in z_shades]
        one = matrix(x, lower, part, "output")
        other = matrix(one.right + 12, lower, w_shades[size * h : size * (h + 1)], "input")
        c.text(one.cx, one.y - 16, f"$Z_{h + 1}$", size=16, colour="output")
        c.text(other.cx, one.y - 16, f"$W_O^{h + 1}$", size=16)
        c.text(one.cx, one.bottom + 18, r"$T \times d_v$", size=15)
        c.text(other.cx, one.bottom + 18, r"$d_v \times D$", size=15)
        x = other.right + 40
    for cy, result in ((upper, at_once), (lower, summed)):
        place = matrix(566, cy, shades(result), "output")
        c.text(538, cy, "=", size=20)
        c.text(place.right + 12, cy, r"$T \times D$", size=15, align="left")


# ---------------------------------------------------------------- sharing keys and values


@drawing(760, 286)
def grouped_query(c: Canvas) -> None:
    """Eight heads of queries with eight, two and one pairs of keys and values, and how large the cache is then."""
    heads, pitch, side = 8, 28, 24
    for i, (name, pairs) in enumerate((("multi_head", 8), ("grouped", 2), ("multi_query", 1))):
        left = 18 + 250 * i
        middle = left + heads * pitch / 2
        c.text(middle, 22, c.say(name), size=14, bold=True)
        share = heads // pairs
        queries = [c.box(left + pitch * h + 2, 48, side, 26, "$Q$", colour="query", size=14, radius=4)
                   for h in range(heads)]  # fmt: skip
        for pair in range(pairs):
            x = left + pitch * (share * pair + share / 2) - side / 2
            key = c.box(x, 122, side, 26, "$K$", colour="key", size=14, radius=4)
            c.box(x, 150, side, 26, "$V$", colour="value", size=14, radius=4)
            for h in range(share * pair, share * (pair + 1)):
                c.arrow(queries[h].bottom_at(), key.top_at(), head=False, width=1.4)
        c.text(middle, 202, rf"$H_{{KV}} = {pairs}$", size=16)
        c.matrix(left + 2, 222, 1, pairs, cell=(pitch - 0.5, 16), colour="neutral", strength=0.45)
        size = "1" if pairs == heads else f"1/{share}"
        c.text(left + 2, 260, c.say("cache", share=size), size=14, align="left")
