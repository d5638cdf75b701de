"""The diagram of lesson 06: the encoder block with residual connections and LayerNorm before each sub-layer."""

from __future__ import annotations

from course_lib.figures.draw import CARD_WIDTH, Canvas, drawing


@drawing(CARD_WIDTH, 600, card=True)
def encoder_block(c: Canvas) -> None:
    """The pre-norm encoder block, read from the bottom up: two sub-layers, each with a LayerNorm and a residual sum."""
    cx, w, skip = 202, 206, 58
    c.box(30, 66, 296, 456, look="outline", radius=14)
    stream = c.box(cx - w / 2, 546, w, 40, c.say("input"), colour="input", size=17)
    result = c.box(cx - w / 2, 14, w, 40, c.say("output"), colour="output", size=17)
    for floor, name, colour in ((500, "attention", "accent"), (284, "ffn", "input")):
        norm = c.box(cx - w / 2, floor - 66, w, 42, "LayerNorm", look="outline", size=17)
        layer = c.box(cx - w / 2, floor - 138, w, 50, c.say(name), colour=colour, size=16)
        plus = c.circle(cx, floor - 178, radius=15)
        c.arrow(stream.top_at(), norm.bottom_at())
        c.arrow(norm.top_at(), layer.bottom_at())
        c.arrow(layer.top_at(), plus.bottom_at())
        # The residual connection leaves the stream below LayerNorm and goes round both.
        c.arrow((cx, floor - 6), (skip, floor - 6), (skip, plus.cy), plus.left_at(), colour="ink", width=3)
        c.text(341, layer.cy, c.say(f"{name}_note"), size=14, align="left")
        c.text(341, plus.cy, c.say("residual_note"), size=14, align="left", bold=True)
        stream = plus
    c.arrow(stream.top_at(), result.bottom_at())
