"""The diagrams of the primer: broadcasting, a matrix product, derivatives that travel back along a computation.

The colours of queries, keys, values and outputs are left alone: nothing here is one of them.
"""

from __future__ import annotations

from course_lib.figures.draw import Box, Canvas, Matrix, drawing, matmul

COLUMN, ROW = (10, 20, 30), (1, 2, 3, 4)
"""What the picture of broadcasting adds: a column of shape (3, 1) and a row of shape (1, 4)."""

LEFT: Matrix = [[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1]]
RIGHT: Matrix = [[2, 1], [1, 0], [0, 2], [1, 2]]
"""The factors of the picture of a product, of shapes (3, 4) and (4, 2)."""
CHOSEN = (1, 0)
"""Row and column of the entry that is worked out."""

X, W, B, TARGET = 3, 2, 1, 5
"""The numbers of the picture of the chain rule: L = (w x + b − t)²."""


def _texts(numbers: Matrix | list[list[int]]) -> list[list[str]]:
    return [[f"{number:g}" for number in row] for row in numbers]


@drawing(760, 220)
def broadcasting(c: Canvas) -> None:
    """A column and a row are added: each is repeated along the axis where its size is 1."""
    cell, top, size = (44.0, 34.0), 52, (len(COLUMN), len(ROW))
    column = [[number] * size[1] for number in COLUMN]
    row = [list(ROW) for _ in COLUMN]
    total = [[a + b for b in ROW] for a in COLUMN]
    drawn = []
    for x, numbers, own, colour, shape in (
        (20, column, lambda i, j: j == 0, "input", "(3, 1)"),
        (288, row, lambda i, j: i == 0, "accent", "(1, 4)"),
        (556, total, lambda i, j: True, "neutral", "(3, 4)"),
    ):
        amounts = [[0.34 if own(i, j) else 0.06 for j in range(size[1])] for i in range(size[0])]
        place = c.matrix(x, top, *size, cell=cell, colour=colour, shades=amounts, texts=_texts(numbers), size=14)
        c.text(place.cx, top - 24, shape, size=14, bold=True)
        drawn.append(place)
    first, second, result = drawn
    c.text((first.right + second.x) / 2, first.cy, "+", size=22)
    c.text((second.right + result.x) / 2, first.cy, "=", size=22)
    for place, word in ((first, "column"), (second, "row"), (result, "result")):
        c.text(place.cx, place.bottom + 32, c.say(word), size=13, colour="neutral")


@drawing(760, 334)
def matrix_product(c: Canvas) -> None:
    """One entry of a product is the dot product of a row of the left factor and a column of the right one."""
    cell, (i, j) = (40.0, 34.0), CHOSEN
    left = c.matrix(40, 186, 3, 4, cell=cell, colour="input", texts=_texts(LEFT), size=14, strength=0.1)
    right = c.matrix(236, 18, 4, 2, cell=cell, colour="accent", texts=_texts(RIGHT), size=14, strength=0.1)
    product = matmul(LEFT, RIGHT)
    result = c.matrix(236, 186, 3, 2, cell=cell, colour="neutral", texts=_texts(product), size=14, strength=0.1)
    c.frame(Box(left.x, left.y + i * cell[1], left.w, cell[1]))
    c.frame(Box(right.x + j * cell[0], right.y, cell[0], right.h))
    c.frame(Box(result.x + j * cell[0], result.y + i * cell[1], *cell))
    c.text(left.cx, left.y - 20, "$A$  (3, 4)", size=14)
    c.text(right.x - 14, right.cy, "$B$  (4, 2)", size=14, align="right")
    c.text(result.cx, result.bottom + 20, "$AB$  (3, 2)", size=14)
    column = [line[j] for line in RIGHT]
    terms = " + ".join(f"{a:g}·{b:g}" for a, b in zip(LEFT[i], column, strict=True))
    x = 366
    c.text(x, 76, c.say("rule"), size=14, align="left")
    c.text(x, result.y + (i + 0.5) * cell[1], f"{terms} = {product[i][j]:g}", size=15, align="left", bold=True)
    c.text(x, result.bottom + 20, c.say("count"), size=13, colour="neutral", align="left")


@drawing(760, 304)
def chain_rule(c: Canvas) -> None:
    """A computation from left to right, and under each number the derivative of the result with respect to it."""
    product = W * X
    y = product + B
    e = y - TARGET
    to_e = 2 * e
    w, h, middle = 92, 38, 118

    def number(x: float, cy: float, text: str, derivative: str = "", colour: str = "input") -> Box:
        place = c.box(x, cy - h / 2, w, h, text, colour=colour, size=14)
        if derivative:
            c.text(place.cx, place.bottom + 15, derivative, size=13, colour="warning", bold=True)
        return place

    weight = number(12, 62, f"$w$ = {W}", f"{to_e * X}")
    given = number(12, 174, f"$x$ = {X}", f"{to_e * W}")
    times = c.circle(154, middle, "×")
    p = number(186, middle, f"$wx$ = {product}", f"{to_e}")
    plus = c.circle(308, middle, "+")
    bias = number(262, 222, f"$b$ = {B}", f"{to_e}")
    out = number(340, middle, f"$y$ = {y}", f"{to_e}")
    minus = c.circle(462, middle, "−")
    target = number(416, 222, f"$t$ = {TARGET}", colour="neutral")
    error = number(494, middle, f"$e$ = {e}", f"{to_e}")
    loss = number(656, middle, f"$L$ = {e * e}", "1", colour="accent")
    c.arrow(weight.right_at(), (times.x + 3, times.y + 4))
    c.arrow(given.right_at(), (times.x + 3, times.bottom - 4))
    for start, end in ((times, p), (p, plus), (plus, out), (out, minus), (minus, error), (error, loss)):
        c.arrow(start.right_at(), end.left_at())
    c.arrow(bias.top_at(), plus.bottom_at())
    c.arrow(target.top_at(), minus.bottom_at())
    c.text((error.right + loss.x) / 2, middle - 16, "$e^2$", size=14)
    c.arrow((748, 26), (12, 26), colour="warning", dashed=True, touches=(False, False))
    c.text(380, 284, c.say("legend"), size=13, colour="neutral")
