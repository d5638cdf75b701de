"""The diagram of lesson 04: several heads, joined by concatenation and W_O."""

from __future__ import annotations

from course_lib.figures.draw import CARD_WIDTH, Canvas, drawing, matmul, numbers, shades, softmax, transpose
from course_lib.figures.style import tint

HEADS = 3


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
