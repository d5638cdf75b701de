"""The diagrams of lesson 06: the encoder block, what its sub-layers see and store, the gradient's ways, the normalisations."""

from __future__ import annotations

from itertools import combinations

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
)


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


# ---------------------------------------------------------------- what a sub-layer sees

# Tokens stay English in both languages, as in the lesson's code.
TOKENS = ("the", "cat", "sleeps")
SIZE, HIDDEN = 3, 5
"""D and d_ff of the picture."""


def attended(x: Matrix) -> Matrix:
    """Attention over three vectors with made-up scores."""
    return matmul([softmax([2 * score for score in row]) for row in numbers(len(x), len(x), seed=3)], x)


def fed_forward(x: Matrix) -> Matrix:
    """A feed-forward layer with made-up weights, ReLU and no biases."""
    hidden = matmul(x, numbers(SIZE, HIDDEN, seed=5))
    return matmul([[max(0.0, number) for number in row] for row in hidden], numbers(HIDDEN, SIZE, seed=6))


@drawing(760, 508)
def sub_layers(c: Canvas) -> None:
    """Three tokens from the bottom up: attention takes from all columns, the feed-forward layer stays in each."""
    columns, cell = (92, 262, 432), (30.0, 24.0)
    vectors = numbers(len(TOKENS), SIZE, seed=9)
    mixed = attended(vectors)
    rows: list[list[Box]] = []
    for y, matrix, colour in ((414, vectors, "input"), (272, mixed, "input"), (22, fed_forward(mixed), "output")):
        amounts = shades(matrix, 0.08, 0.75)
        rows.append(
            [
                c.matrix(cx - 1.5 * cell[0], y, 1, SIZE, cell=cell, colour=colour, shades=[amounts[i]])
                for i, cx in enumerate(columns)
            ]
        )
    below, middle, above = rows
    for token, cx, place in zip(TOKENS, columns, below, strict=True):
        word = c.box(cx - 52, 460, 104, 36, token, colour="input", size=15)
        c.arrow(word.top_at(), place.bottom_at())
    for i, to in enumerate(middle):
        for j, start in enumerate(below):
            # What one token gathers is drawn bold, so that the nine arrows can be read.
            bold = i == 1
            # The arrows into a vector end side by side, in the order in which they come.
            c.arrow(
                start.top_at(0.3 + 0.2 * i),
                to.bottom_at(0.2 + 0.3 * j),
                colour="accent" if bold else "neutral",
                width=2.6 if bold else 1.0,
            )
    for cx, start, to in zip(columns, middle, above, strict=True):
        net = c.box(cx - 68, 78, 136, 160, colour="input", look="outline", radius=10)
        c.arrow(start.top_at(), net.bottom_at())
        c.arrow(net.top_at(), to.bottom_at())
        _network(c, net)
    for y, name in ((340, "attention"), (98, "ffn")):
        for part, look in (("", {"size": 15, "bold": True}), ("_note", {"size": 14})):
            text = c.say(name + part)
            lines = text.count("\n") + 1
            y = c.text(520, y + 10 * lines, text, align="left", **look).bottom + 6


def _network(c: Canvas, frame: Box) -> None:
    """A network of two linear layers inside a box, from the bottom up, with the names of its matrices."""
    left, pitch = frame.x + 46, 19
    layers = [
        [(left + (i + (HIDDEN - count) / 2) * pitch, y) for i in range(count)]
        for count, y in ((SIZE, frame.bottom - 20), (HIDDEN, frame.cy), (SIZE, frame.y + 20))
    ]
    for lower, upper in zip(layers, layers[1:], strict=False):
        for start in lower:
            for end in upper:
                c.arrow(start, end, width=0.7, head=False, touches=(False, False))
    for layer in layers:
        for x, y in layer:
            c.dot(x, y, 6, colour="input", strength=0.25)
    for name, y in (("W_1", frame.cy + 38), ("W_2", frame.cy - 38)):
        c.text(frame.x + 22, y, f"${name}$", size=15)


# ---------------------------------------------------------------- the feed-forward layer as a memory

ASKED = (1, -1, -1, 1)
"""The vector x."""
KEYS = (
    (1, 1, -1, -1),
    (-1, -1, -1, 1),
    (1, -1, -1, 1),
    (-1, 1, 1, -1),
    (1, 1, -1, 1),
    (-1, -1, 1, 1),
)
"""The columns of W_1, one for each neuron."""
BIAS = -3
"""Each component of b_1: only a key that agrees with x everywhere passes it."""
VALUES = ((1, 0, 0, 2), (0, 3, -1, 0), (2, 0, 5, -1), (0, 1, 1, 0), (-2, 0, 0, 1), (0, 0, -3, 2))
"""The rows of W_2; b_2 is 0."""


def _signed(number: int) -> str:
    return f"{number}".replace("-", "−")


@drawing(CARD_WIDTH, 448, card=True)
def ffn_memory(c: Canvas) -> None:
    """Six neurons as six lines: the key is compared with x, ReLU lets one through, and its value is the output."""
    scores = [sum(x * k for x, k in zip(ASKED, key, strict=True)) for key in KEYS]
    hidden = [max(0, score + BIAS) for score in scores]
    output = [sum(h * v for h, v in zip(hidden, column, strict=True)) for column in zip(*VALUES, strict=True)]
    top, pitch, side, height = 166, 36, 29, 26
    left, middle, right = 38, 213, 300
    width = 4 * side

    def strip(x: float, y: float, row: tuple[int, ...] | list[int], *, colour: str, vivid: bool) -> Box:
        deep, pale = (0.5, 0.1) if vivid else (0.28, 0.05)
        # A negative number is pale, a positive one deep; each is written as well.
        amounts = [[deep if number > 0 else pale for number in row]]
        texts = [[_signed(number) for number in row]]
        return c.matrix(x, y, 1, 4, cell=(side, height), colour=colour, shades=amounts, texts=texts, size=14)

    asked = strip(left, 12, ASKED, colour="input", vivid=True)
    c.text(left - 17, asked.cy, "$x$", size=19)
    c.text(asked.right + 14, asked.cy, c.say("compare"), size=14, align="left")
    heads = []
    for x, name, colour in ((left, "keys", "key"), (right, "values", "value")):
        text = c.say(name)
        # The last lines of both stand at one height.
        y = 124 - 9.1 * text.count("\n")
        heads.append(c.text(x + width / 2, y, text, size=14, bold=True, colour=colour))
    c.arrow(asked.bottom_at(), (asked.cx, heads[0].y - 2), colour="ink", width=2.2)
    c.text(middle, 144, r"$x \cdot k_j$", size=15)
    c.text(middle + 46, 144, "$h_j$", size=15)
    for j, (key, value) in enumerate(zip(KEYS, VALUES, strict=True)):
        y, fires = top + pitch * j, hidden[j] > 0
        found = strip(left, y, key, colour="key", vivid=fires)
        c.text(left - 17, found.cy, f"{j + 1}", size=14, bold=fires)
        c.text(middle, found.cy, _signed(scores[j]), size=15, bold=fires)
        fired = c.matrix(
            middle + 31,
            y,
            1,
            1,
            cell=(30, height),
            colour="ink",
            shades=[[0.85 if fires else 0.0]],
            texts=[[f"{hidden[j]}"]],
            size=15,
        )
        row = strip(right, y, value, colour="value", vivid=fires)
        if fires:
            for place in (found, row):
                c.frame(place, line=3, margin=2)
            c.arrow((fired.right, fired.cy), (right - 3, row.cy), colour="ink", width=2.6)
            added = row
    result = strip(right, 404, output, colour="output", vivid=True)
    # Past the rows of the neurons that are silent.
    c.arrow(
        (added.right + 3, added.cy),
        (added.right + 18, added.cy),
        (added.right + 18, result.cy),
        (result.right, result.cy),
        colour="ink",
        width=2.6,
    )
    c.text(right - 12, result.cy, c.say("output"), size=14, align="right")
    formula = rf"$h_j = \mathrm{{ReLU}}(x \cdot k_j - {-BIAS})$"
    c.text(middle + 61, 60, formula, size=15)


# ---------------------------------------------------------------- the gradient's ways

STACK = 3
"""Blocks of the picture."""
TAKEN = 2
"""The block through which the marked second way goes."""


@drawing(760, 474)
def residual_paths(c: Canvas) -> None:
    """Three blocks with residual connections, two of the gradient's eight ways marked, and three without, with its one."""
    pitch, stream, road, chain, lane = 180, 166, 80, 398, 10
    # The boxes' height has room for the ways above and below the stream.
    ends = {}
    for y, up, down in ((stream, 46, 34), (chain, 23, 23)):
        ends[y] = [
            c.box(x, y - up, 58, up + down, f"$x_{i}$", colour="input", size=18) for x, i in ((20, 0), (682, STACK))
        ]
    start, end = ends[stream]
    c.text(20, 22, c.say("with"), size=15, bold=True, align="left")
    before: Point = (start.right, stream)
    for i in range(1, STACK + 1):
        fork = 122 + pitch * (i - 1)
        plus = c.circle(fork + 124, stream, radius=14)
        block = c.box(fork + 31, road - 23, 62, 46, f"$f_{i}$", colour="accent", size=18)
        # The way forward: grey, thin.
        c.arrow(before, plus.left_at())
        c.arrow((fork, stream), (fork, road + lane), (block.x, road + lane))
        c.arrow((block.right, road + lane), (plus.cx, road + lane), plus.top_at())
        if i == TAKEN:
            # The gradient's way back runs beside the roads that it takes.
            above, look = stream - 34, {"colour": "warning", "width": 2.4, "dashed": True}
            turn = plus.cx + 12
            c.arrow((end.x, above), (turn, above), (turn, road - lane), (block.right, road - lane), **look)
            turn = fork - 12
            c.arrow((block.x, road - lane), (turn, road - lane), (turn, above), (start.right, above), **look)
        before = plus.right_at()
    c.arrow(before, (end.x, stream))
    below = stream + 24
    c.arrow((end.x, below), (start.right, below), colour="ink", width=4)
    c.text(20, 220, c.say("straight"), size=14, align="left")
    c.text(20, 243, c.say("through", number=TAKEN), size=14, align="left", colour="warning")

    # The product multiplied out: a term for each choice of blocks.
    change = rf"\partial x_{STACK} / \partial x_0"
    product = "".join(f"(I + J_{i})" for i in range(STACK, 0, -1))
    left = c.text(20, 280, f"${change}$", size=16, align="left").right + 8
    for y in (280, 313):
        x = c.text(left, y, "=", size=16, align="left").right + 12
    c.text(x, 280, f"${product}$", size=16, align="left")
    choices = [chosen for count in range(STACK + 1) for chosen in combinations(range(1, STACK + 1), count)]
    for chosen in choices:
        if chosen:
            x = c.text(x, y, "+", size=16, align="left").right + 12
        place = c.text(x, y, f"${_term(chosen)}$", size=16, align="left")
        if chosen in ((), (TAKEN,)):
            _mark(c, Box(place.x - 5, y - 14, place.w + 10, 30), dashed=bool(chosen))
        x = place.right + 12

    c.text(20, 354, c.say("without"), size=15, bold=True, align="left")
    stops = [ends[chain][0]]
    for i in range(1, STACK + 1):
        stops.append(c.box(153 + pitch * (i - 1), chain - 23, 62, 46, f"$f_{i}$", colour="accent", size=18))
    stops.append(ends[chain][1])
    for one, other in zip(stops, stops[1:], strict=False):
        c.arrow((one.right, chain - 8), (other.x, chain - 8))
        c.arrow((other.x, chain + lane), (one.right, chain + lane), colour="ink", width=4)
    c.text(20, 448, f"${change}$", size=16, align="left")
    x = c.text(left, 448, "=", size=16, align="left").right + 12
    c.text(x, 448, f"${_term(tuple(range(1, STACK + 1)))}$", size=16, align="left")


def _term(blocks: tuple[int, ...]) -> str:
    """The factor of the way through these blocks: the last block stands first."""
    return "".join(f"J_{i}" for i in reversed(blocks)) or "I"


def _mark(c: Canvas, place: Box, *, dashed: bool) -> None:
    """A frame about a term, with the line of the way to which it belongs."""
    corners = ((place.x, place.y), (place.right, place.y), (place.right, place.bottom), (place.x, place.bottom))
    for one, other in zip(corners, (*corners[1:], corners[0]), strict=True):
        c.arrow(
            one,
            other,
            colour="warning" if dashed else "ink",
            width=2.0 if dashed else 2.6,
            dashed=dashed,
            head=False,
            touches=(False, False),
        )


# ---------------------------------------------------------------- normalisation

BATCH = (("the", "cat", "sleeps"), ("it", "purrs", "[PAD]"))
"""B = 2 sequences of T = 3 tokens, the second filled up."""
FEATURES = 4
CHOSEN_TOKEN, CHOSEN_FEATURE = 1, 2
"""The token (of the first sequence) whose numbers LayerNorm takes together, and the feature of BatchNorm."""


@drawing(CARD_WIDTH, 474, card=True)
def norm_axes(c: Canvas) -> None:
    """One batch twice, rows tokens, columns features: LayerNorm takes a row together, BatchNorm a column."""
    side, height, top, gap, pale, deep = 32, 32, 116, 14, 0.1, 0.5
    width, tall = FEATURES * side, len(BATCH[0]) * height
    for x, name in ((92, "LayerNorm"), (292, "BatchNorm")):
        layer = name == "LayerNorm"
        c.text(x + width / 2, 20, name, size=17, bold=True)
        c.text(x + width / 2, 68, c.say("layer" if layer else "batch"), size=14)
        blocks = []
        for b, tokens in enumerate(BATCH):
            y = top + b * (tall + gap)
            taken = [
                [(b == 0 and t == CHOSEN_TOKEN) if layer else feature == CHOSEN_FEATURE for feature in range(FEATURES)]
                for t in range(len(tokens))
            ]
            amounts = [[deep if one else pale for one in row] for row in taken]
            blocks.append(c.matrix(x, y, len(tokens), FEATURES, cell=(side, height), colour="input", shades=amounts))
            for t, token in enumerate(tokens):
                cy = y + height * (t + 0.5)
                if layer:
                    c.text(x - 10, cy, token, size=14, align="right", bold=b == 0 and t == CHOSEN_TOKEN)
                if token == "[PAD]":
                    for feature in range(FEATURES):
                        c.cross(x + side * (feature + 0.5), cy, 5)
        if layer:
            row = Box(x, top + CHOSEN_TOKEN * height, width, height)
            c.frame(row, line=3, margin=1)
            c.arrow(row.right_at(), (row.right + 16, row.cy), colour="ink", width=2)
            c.text(row.right + 20, row.cy, r"$\mu,\sigma^2$", size=15, align="left")
        else:
            column = Box(x + CHOSEN_FEATURE * side, top, side, 2 * tall + gap)
            c.frame(column, line=3, margin=1)
            c.arrow(column.bottom_at(), (column.cx, column.bottom + 18), colour="ink", width=2)
            c.text(column.cx, column.bottom + 31, r"$\mu,\sigma^2$", size=15)
        for i, letter in enumerate((r"\gamma", r"\beta")):
            y = 380 + 26 * i
            texts = [[f"${letter}_{feature + 1}$" for feature in range(FEATURES)]]
            c.matrix(x, y, 1, FEATURES, cell=(side, 26), colour="ink", strength=0.05, texts=texts, size=15)
    c.text(CARD_WIDTH / 2, 454, c.say("per_feature"), size=14, bold=True)


@drawing(CARD_WIDTH, 596, card=True)
def norm_orders(c: Canvas) -> None:
    """Post-norm and pre-norm from the bottom up: where LayerNorm stands, on the stream or on the branches."""
    for left, order in ((4, "post"), (228, "pre")):
        cx, x, w, floor = left + 50, left + 78, 139, 496
        stream_look = {"colour": "ink", "width": 3.4}
        c.text(left + 10, 20, c.say(order), size=16, bold=True, align="left")
        result = c.box(cx - 36, 40, 72, 34, c.say("output"), colour="output", size=15)
        stream = c.box(cx - 36, floor, 72, 36, "$x$", colour="input", size=18)
        c.text(left + 10, 564, c.say(f"{order}_note"), size=14, bold=True, align="left")
        for name, colour in (("attention", "accent"), ("ffn", "input")):
            fork = floor - 20
            rise = 20
            if order == "pre":
                norm = c.box(x, fork - rise - 32, w, 32, "LayerNorm", look="outline", size=15)
                rise += 46
            layer = c.box(x, fork - rise - 44, w, 44, c.say(name), colour=colour, size=14)
            plus = c.circle(cx, layer.y - 28, radius=14)
            c.arrow((cx, fork), (layer.cx, fork), (layer.cx, fork - 20))
            if order == "pre":
                c.arrow(norm.top_at(), layer.bottom_at())
            c.arrow(layer.top_at(), (layer.cx, plus.cy), plus.right_at())
            c.arrow(stream.top_at(), plus.bottom_at(), **stream_look)
            stream = plus
            if order == "post":
                stream = c.box(cx - 46, plus.y - 46, 92, 32, "LayerNorm", look="outline", colour="ink", line=2.6)
                c.arrow(plus.top_at(), stream.bottom_at(), **stream_look)
            floor = stream.y
        if order == "pre":
            last = c.box(cx - 46, 96, 92, 32, "LayerNorm", look="dashed", colour="ink", line=2)
            c.text(last.right + 10, last.cy, c.say("last"), size=14, align="left")
            c.arrow(stream.top_at(), last.bottom_at(), **stream_look)
            stream = last
        c.arrow(stream.top_at(), result.bottom_at(), **stream_look)
