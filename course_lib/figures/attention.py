"""The diagrams of lesson 03: from translation and embeddings to attention, its masks and its cost."""

from __future__ import annotations

from course_lib.figures.draw import (
    CARD_WIDTH,
    Box,
    Canvas,
    drawing,
    matmul,
    numbers,
    shades,
    softmax,
    transpose,
)
from course_lib.figures.style import COLOURS, tint

# The tokens of the crossing corpus stay English in both languages, as in the lesson's code.
TIRED = "The animal didn't cross the street because it was too tired".split()
WIDE = [*TIRED[:-1], "wide"]
ROLES = (("query", "Q", "d_k"), ("key", "K", "d_k"), ("value", "V", "d_v"))


def _shape(rows: str, columns: str) -> str:
    """A matrix's shape as a formula: T × d_k."""
    return rf"${rows} \times {columns}$"


# ---------------------------------------------------------------- where attention comes from


@drawing(760, 330)
def encoder_decoder_overview(c: Canvas) -> None:
    """Translation through a shared space of meaning: an encoder per source language, a decoder per target language."""
    rows = (92, 162, 232)
    sources = (("EN", "The animal was tired."), ("DE", "Das Tier war müde."), ("FR", "L’animal était fatigué."))
    targets = (("RU", "Животное устало."), ("ES", "El animal estaba cansado."), ("IT", "L’animale era stanco."))
    for x, word in ((96, "sources"), (240, "encoders"), (380, "space"), (520, "decoders"), (664, "targets")):
        c.text(x, 28, c.say(word), size=13, bold=True)
    space = c.box(306, 56, 148, 212, colour="accent", look="plain", radius=26, strength=0.12)
    for x, y in ((346, 78), (404, 74), (322, 96), (432, 100), (322, 226), (430, 226), (352, 248), (400, 250)):
        c.dot(x, y, 3.5, colour="neutral", strength=0.35)
    meanings = ((382, 150), (369, 162), (382, 174))
    for y, meaning, (source, sentence), (target, translation) in zip(rows, meanings, sources, targets, strict=True):
        start = c.box(8, y - 20, 176, 40, sentence, colour="input", look="outline", size=12)
        encoder = c.box(206, y - 20, 68, 40, source, colour="input")
        decoder = c.box(486, y - 20, 68, 40, target, colour="output")
        end = c.box(576, y - 20, 176, 40, translation, colour="output", look="outline", size=12)
        c.arrow(start.right_at(), encoder.left_at())
        c.arrow(encoder.right_at(), (meaning[0] - 6, meaning[1]), colour="accent")
        c.arrow((392, 162), decoder.left_at(), colour="accent")
        c.arrow(decoder.right_at(), end.left_at())
    for x, y in meanings:
        c.dot(x, y, 5, colour="accent", strength=1)
    c.text(space.cx, 302, c.say("count"), size=13)


@drawing(720, 424)
def embedding_lookup(c: Canvas) -> None:
    """An id picks its row of the embedding table, which equals a one-hot vector times the table."""
    vocabulary = ("the", "animal", "street", "it", "was", "tired", "wide")
    chosen, width, cell = 5, 26, 20
    values = shades(numbers(len(vocabulary), 5, seed=58), 0.08, 0.6)
    for top, title in ((52, "look_up"), (246, "product")):
        looks_up = title == "look_up"
        c.text(20, top - 26, c.say(title), size=14, bold=True, align="left")
        table = c.matrix(340, top, len(vocabulary), 5, cell=(width, cell), colour="input", shades=values)
        row = Box(table.x, table.y + chosen * cell, table.w, cell)
        c.frame(row, colour="accent")
        result = c.matrix(
            560,
            row.y if looks_up else table.cy - cell / 2,
            1,
            5,
            cell=(width, cell),
            colour="input",
            shades=[values[chosen]],
        )
        c.frame(result, colour="accent")
        c.text(result.cx, result.y - 16, rf"$x = E[{chosen}]$" if looks_up else "$x$", size=15)
        c.text(result.cx, result.bottom + 16, _shape("1", "D"), size=13, colour="neutral")
        c.text(table.right + 12, table.y + 9, "$E$", size=16, align="left")
        c.text(table.cx, table.bottom + 16, _shape("n_{vocab}", "D"), size=13, colour="neutral")
        if looks_up:
            for i, token in enumerate(vocabulary):
                y = table.y + (i + 0.5) * cell
                label = c.text(table.x - 8, y, f"{token}  {i}", size=12, align="right", bold=i == chosen)
                if i == chosen:
                    picked = label
            token = c.box(20, row.cy - 17, 74, 34, vocabulary[chosen], look="outline")
            number = c.box(132, row.cy - 17, 44, 34, str(chosen), colour="accent", bold=True)
            c.text(token.cx, row.cy - 31, c.say("token"), size=12, colour="neutral")
            c.text(number.cx, row.cy - 31, c.say("id"), size=12, colour="neutral")
            c.arrow(token.right_at(), number.left_at())
            c.arrow(number.right_at(), (picked.x - 4, row.cy), colour="accent")
            c.arrow((row.right, row.cy), result.left_at(), colour="accent")
        else:
            bits = [float(i == chosen) for i in range(len(vocabulary))]
            one_hot = c.matrix(
                20,
                table.cy - 14,
                1,
                len(vocabulary),
                cell=(34, 28),
                colour="accent",
                shades=[[0.3 * bit for bit in bits]],
                texts=[[f"{bit:.0f}" for bit in bits]],
                size=13,
            )
            c.text(one_hot.cx, one_hot.y - 16, c.say("one_hot", id=chosen), size=12, colour="neutral")
            c.text(one_hot.cx, one_hot.bottom + 16, _shape("1", "n_{vocab}"), size=13, colour="neutral")
            c.text((one_hot.right + table.x) / 2, table.cy, "×", size=18)
            c.text((table.right + result.x) / 2, table.cy, "=", size=18)


@drawing(760, 250)
def it_refers(c: Canvas) -> None:
    """One sentence twice: with *tired* the pronoun stands for the animal, with *wide* for the street."""
    for y, words, referent in ((88, TIRED, "animal"), (206, WIDE, "street")):
        places = dict(zip(words, c.words(34, y, words, size=18, gap=21), strict=True))
        for word, colour in (("it", "query"), (referent, "key"), (words[-1], "accent")):
            place = places[word]
            c.box(place.x - 6, y - 17, place.w + 12, 34, colour=colour, strength=0.16)
        c.arc((places["it"].cx, y - 17), (places[referent].cx, y - 17), 44, colour="query", width=2.2)


# ---------------------------------------------------------------- queries, keys, values


@drawing(760, 344)
def query_key_matching(c: Canvas) -> None:
    """What the three vectors are for: what I seek, what I am found by, what I hand over."""
    asker = c.box(14, 112, 200, 136, colour="query", look="outline")
    c.header(asker, 34, "it", colour="query", size=15)
    c.text(asker.cx, 168, c.say("query"), size=13, bold=True, colour="query", inside=asker)
    c.text(asker.cx, 212, c.say("seeks"), size=13, inside=asker)
    c.text(421, 26, c.say("key"), size=13, bold=True, colour="key")
    c.text(644, 26, c.say("value"), size=13, bold=True, colour="value")
    for word, y, width in (("animal", 48, 6.0), ("street", 144, 2.2), ("because", 240, 1.0)):
        card = c.box(302, y, 446, 84, look="outline")
        c.text(card.x + 15, y + 17, word, size=14, bold=True, align="left", inside=card)
        key = c.box(314, y + 34, 214, 40, c.say(f"key_{word}"), colour="key", size=12)
        c.box(540, y + 34, 196, 40, c.say(f"value_{word}"), colour="value", size=12)
        c.arrow(asker.right_at(), (card.x, key.cy), colour="query", width=width)
    c.text(asker.cx, 284, c.say("match"), size=12, colour="query")


@drawing(760, 430)
def qkv_of_two_words(c: Canvas) -> None:
    """Two words, three shared matrices: each word gets a query, a key and a value of its own."""
    words = (("animal", 262), ("it", 346))
    x = numbers(2, 5, seed=11)
    for (word, y), amounts, i in zip(words, shades(x), (1, 2), strict=True):
        place = c.matrix(96, y - 11, 1, 5, cell=22, colour="input", shades=[amounts])
        c.text(20, y, word, size=14, bold=True, align="left")
        c.text(place.cx, y - 26, rf"$x_{i}$", size=15)
        c.arrow(place.right_at(), (260, y))
    c.text(151, 384, _shape("1", "D"), size=13, colour="neutral")
    c.text(136, 126, c.say("shared"), size=13)
    for (role, letter, size), columns, cx in zip(ROLES, (3, 3, 4), (332, 502, 672), strict=True):
        c.box(cx - 72, 14, 144, 402, colour=role, look="plain", radius=12, strength=0.05)
        c.text(cx, 36, c.say(role), size=14, bold=True, colour=role, ground=tint(role, 0.05))
        weights = numbers(5, columns, seed=columns + ord(letter))
        matrix = c.matrix(cx - 11 * columns, 82, 5, columns, cell=(22, 20), colour=role, shades=shades(weights))
        c.text(cx, 65, rf"$W_{letter}$", size=16)
        c.text(cx, matrix.bottom + 15, _shape("D", size), size=13, colour="neutral", ground=tint(role, 0.05))
        products = shades(matmul(x, weights))
        for (_, y), amounts, i in zip(words, products, (1, 2), strict=True):
            c.matrix(cx - 11 * columns, y - 11, 1, columns, cell=22, colour=role, shades=[amounts])
            c.text(cx, y - 26, rf"${letter.lower()}_{i} = x_{i} W_{letter}$", size=14)
        c.text(cx, 390, c.say(f"{role}_means"), size=12)


# ---------------------------------------------------------------- the computation


@drawing(CARD_WIDTH, 616, card=True)
def self_attention_one_token(c: Canvas) -> None:
    """Self-attention for token 2 of three: scores, scaling and softmax, weighted sum of values."""
    columns, left, w = (178, 280, 382), 62, 90
    weights = softmax([1.0, 2.0, 0.0])

    def vector(cx: float, y: float, role: str, symbol: str) -> Box:
        place = c.box(cx - w / 2, y, w, 50, colour=role)
        c.text(cx, y + 14, c.say(role), size=14, inside=place, ground=tint(role, 0.13))
        c.text(cx, y + 34, f"${symbol}$", size=17, inside=place, ground=tint(role, 0.13))
        return place

    asker = c.box(left - 30, 14, 60, 40, "$x_2$", colour="input", size=18, line=3)
    query = vector(left, 163, "query", "q_2")
    c.arrow(asker.bottom_at(), query.top_at(), colour="query")
    c.text(left + 9, 109, "$W_Q$", size=17, align="left", colour="query")
    bar = c.box(columns[0] - w / 2, 250, columns[2] - columns[0] + w, 44, colour="accent", look="solid")
    c.text(bar.cx, bar.cy, c.say("softmax"), size=17, colour="ground", ground=COLOURS["accent"], inside=bar)
    total = c.circle(columns[1], 494, "Σ", radius=17)
    end = query.right_at()
    for i, cx in enumerate(columns):
        x = c.box(cx - 30, 14, 60, 40, rf"$x_{i + 1}$", colour="input", size=18, line=3 if i == 1 else 1.5)
        key = vector(cx, 84, "key", f"k_{i + 1}")
        c.arrow(x.bottom_at(), key.top_at(), colour="key")
        score = c.box(cx - w / 2, 168, w, 40, rf"$q_2 \cdot k_{i + 1}$", colour="accent", look="outline", size=17)
        c.arrow(key.bottom_at(), score.top_at(), colour="key")
        c.arrow(end, score.left_at(), colour="query")
        end = score.right_at()
        c.arrow(score.bottom_at(), (cx, bar.y))
        weight = c.matrix(
            cx - w / 2,
            322,
            1,
            1,
            cell=(w, 36),
            colour="accent",
            shades=[[0.5 * weights[i] + 0.04]],
            texts=[[f"{weights[i]:.2f}"]],
            size=16,
        )
        c.arrow((cx, bar.bottom), weight.top_at())
        c.text(cx, 371, "×", size=16)
        value = vector(cx, 384, "value", f"v_{i + 1}")
        into = (total.left_at(), total.top_at(), total.right_at())[i]
        corner = () if i == 1 else ((cx, total.cy),)
        c.arrow(value.bottom_at(), *corner, into, colour="value")
    c.text(columns[2] + 9, 68, "$W_K$", size=17, align="left", colour="key")
    c.text(left, 340, c.say("weights"), size=14)
    c.text(left, 409, "$v_i = x_i W_V$", size=17, colour="value")
    formula = " + ".join(rf"{weight:.2f}\,v_{i + 1}" for i, weight in enumerate(weights))
    output = c.box(columns[0] - 164, 548, 422, 50, colour="output")
    c.text(output.cx, output.cy, c.say("output", formula=formula), size=17, inside=output, ground=tint("output", 0.13))
    c.arrow(total.bottom_at(), (total.cx, output.y), colour="output")


def _example_scores() -> tuple[list[list[float]], list[list[float]]]:
    """Q and K of four tokens with d_k = 2, made so that the weights differ visibly."""
    return [[2.2 * q for q in row] for row in numbers(4, 2, seed=28)], [
        [1.4 * k for k in row] for row in numbers(4, 2, seed=32)
    ]


@drawing(CARD_WIDTH, 590, card=True)
def scaled_dot_product(c: Canvas) -> None:
    """The five operations of scaled dot-product attention, with the T × T matrix after each."""
    cx, w, cell = 208, 190, 14
    query, key = _example_scores()
    raw = matmul(query, transpose(key))
    scaled = [[score / 2**0.5 for score in row] for row in raw]
    size = len(raw)
    # One scale for scores and scaled scores, so that the division shows as paler and less different cells.
    span = max(abs(score) for row in raw for score in row)
    grey = [[[0.42 + 0.38 * score / span for score in row] for row in matrix] for matrix in (raw, scaled)]
    masked = [[shade if j <= i else 0 for j, shade in enumerate(row)] for i, row in enumerate(grey[1])]
    weights = [softmax(row[: i + 1]) + [0.0] * (size - 1 - i) for i, row in enumerate(scaled)]
    steps = (
        ("scores", 96, "tint", grey[0]),
        ("scale", 176, "tint", grey[1]),
        ("mask", 256, "dashed", masked),
        ("softmax", 336, "solid", [[0.85 * weight for weight in row] for row in weights]),
    )
    c.box(cx - w / 2, 14, 90, 44, "$Q$", colour="query", look="solid", size=19)
    c.box(cx + w / 2 - 90, 14, 90, 44, "$K$", colour="key", look="solid", size=19)
    for x, colour in ((cx - w / 2 + 45, "query"), (cx + w / 2 - 45, "key")):
        c.arrow((x, 58), (x, 96), colour=colour)
    c.text(352, 36, _shape("T", "d_k"), size=17)
    for name, y, look, amounts in steps:
        box = c.box(cx - w / 2, y, w, 46, c.say(name), colour="accent", look=look, size=17)
        c.arrow(box.bottom_at(), (cx, 416 + 20 if name == "softmax" else y + 80))
        grid = c.matrix(324, y - 5, size, size, cell=cell, colour="accent", shades=amounts)
        if name == "mask":
            for i in range(size):
                for j in range(i + 1, size):
                    c.cross(grid.x + cell * (j + 0.5), grid.y + cell * (i + 0.5), 3)
    c.bracket((387, 91), (387, 387), 8, text=_shape("T", "T"), size=17, colour="ink")
    weighted = c.box(cx - w / 2, 436, w, 46, c.say("sum"), colour="value", size=17)
    value = c.box(14, 437, 66, 44, "$V$", colour="value", look="solid", size=19)
    c.text(value.cx, 500, _shape("T", "d_v"), size=17)
    c.arrow(value.right_at(), weighted.left_at(), colour="value")
    output = c.box(cx - w / 2, 528, w, 46, colour="output", look="solid")
    c.text(cx, output.cy, c.say("output"), size=18, colour="ground", ground=COLOURS["output"], inside=output)
    c.arrow(weighted.bottom_at(), output.top_at(), colour="output")
    c.text(352, output.cy, _shape("T", "d_v"), size=17)


@drawing(CARD_WIDTH, 548, card=True)
def attention_matrix_form(c: Canvas) -> None:
    """All tokens at once: X gives Q, K and V, their products give the scores, the weights and the output Z."""
    length, cell = 4, 15
    inputs = numbers(length, 6, seed=2)
    x = c.matrix(180, 14, length, 6, cell=cell, colour="input", shades=shades(inputs))
    c.text(x.x - 12, x.cy, "$X$", size=19, align="right")
    c.text(x.right + 12, x.cy, _shape("T", "D"), size=17, align="left")
    placed, values = {}, {}
    for (role, letter, size), columns, cx, start in zip(ROLES, (2, 2, 3), (78, 215, 354), (200, 215, 250), strict=True):
        values[role] = matmul(inputs, numbers(6, columns, seed=ord(letter)))
        part = c.matrix(
            cx - columns * cell / 2, 146, length, columns, cell=cell, colour=role, shades=shades(values[role])
        )
        c.text(part.x - 9, part.cy, f"${letter}$", size=19, align="right", colour=role)
        c.text(part.right + 8, part.cy, _shape("T", size), size=17, align="left")
        corners = () if start == cx else ((start, 104), (cx, 104))
        c.arrow((start, x.bottom), *corners, part.top_at(), colour=role)
        c.text(cx + 9, 124, rf"$W_{letter}$", size=17, align="left", colour=role)
        placed[role] = part
    scaled = [[score / 2**0.5 for score in row] for row in matmul(values["query"], transpose(values["key"]))]
    attention = [softmax(row) for row in scaled]
    scores = c.matrix(118, 264, length, length, cell=cell, colour="accent", shades=shades(scaled, 0.1, 0.6))
    for role, enters in (("query", 0.25), ("key", 0.75)):
        part, top = placed[role], scores.top_at(enters)
        c.arrow(part.bottom_at(), (part.cx, 236), (top[0], 236), top, colour=role)
    c.text(scores.right + 12, scores.cy - 13, r"$QK^{\!\top} / \sqrt{d_k}$", size=17, align="left")
    c.text(scores.right + 12, scores.cy + 15, _shape("T", "T"), size=17, align="left")
    weights = c.matrix(
        118,
        388,
        length,
        length,
        cell=cell,
        colour="accent",
        shades=[[0.05 + 0.9 * a for a in row] for row in attention],
    )
    c.arrow(scores.bottom_at(), weights.top_at())
    c.text(scores.cx + 11, 356, "softmax", size=17, align="left")
    c.text(weights.x - 12, weights.cy, "$A$", size=19, align="right")
    c.text(weights.cx, weights.bottom + 17, _shape("T", "T"), size=17)
    c.text(weights.cx, weights.bottom + 41, c.say("rows"), size=14)
    times = c.circle(354, weights.cy, "×")
    c.arrow(weights.right_at(), times.left_at())
    c.arrow(placed["value"].bottom_at(), times.top_at(), colour="value")
    output = c.matrix(
        354 - 1.5 * cell, 470, length, 3, cell=cell, colour="output", shades=shades(matmul(attention, values["value"]))
    )
    c.arrow(times.bottom_at(), output.top_at(), colour="output")
    c.text(output.x - 9, output.cy, "$Z = A V$", size=19, align="right", colour="output")
    c.text(output.right + 8, output.cy, _shape("T", "d_v"), size=17, align="left")


# ---------------------------------------------------------------- cost and masks


@drawing(760, 306)
def quadratic_cost(c: Canvas) -> None:
    """T against 2T tokens: twice the rows to project, four times the scores."""
    cell, length, floor = 18, 6, 264
    side = length * cell
    for left, times in ((24, 1), (284, 2)):
        tokens = times * length
        strip = c.matrix(left, floor - tokens * cell, tokens, 1, cell=(64, cell), colour="input", strength=0.3)
        grid = c.matrix(left + 94, strip.y, tokens, tokens, cell=cell, colour="accent", strength=0.3)
        for i in range(times):
            c.frame(Box(strip.x, strip.y + i * side, strip.w, side), colour="input")
            for j in range(times):
                c.frame(Box(grid.x + j * side, grid.y + i * side, side, side), colour="accent")
        c.text(strip.cx, strip.y - 17, c.say("rows", count=tokens), size=13, bold=True, colour="input")
        c.text(grid.cx, strip.y - 17, c.say("scores", count=tokens**2), size=13, bold=True, colour="accent")
        c.text((strip.x + grid.right) / 2, floor + 21, rf"${'' if times == 1 else '2'}T = {tokens}$", size=15)
    for y, word, growth, colour in ((100, "project", "× 2", "input"), (196, "all_pairs", "× 4", "accent")):
        c.text(614, y, c.say(word), size=12, align="left")
        c.text(614, y + 38, growth, size=22, bold=True, align="left", colour=colour)


@drawing(760, 300)
def causal_mask(c: Canvas) -> None:
    """Five words: scores, the same with later words at −∞, and the weights, whose rows still sum to 1."""
    words, cell = c.say("sentence").split(), (41, 34)
    scores = [
        [1.2, 0.3, 0.8, 0.1, 0.5],
        [0.6, 1.5, 0.2, 0.9, 0.4],
        [0.2, 1.1, 0.9, 0.7, 1.3],
        [0.4, 0.5, 1.4, 1.0, 0.6],
        [0.1, 0.8, 0.6, 1.2, 1.0],
    ]
    n = len(scores)
    weights = [softmax(row[: i + 1]) + [0.0] * (n - 1 - i) for i, row in enumerate(scores)]
    pale = [[0.06 + 0.2 * score for score in row] for row in scores]
    masked = [[shade if j <= i else 0 for j, shade in enumerate(row)] for i, row in enumerate(pale)]
    written = [[f"{score:.1f}" for score in row] for row in scores]
    hidden = [[text if j <= i else "−∞" for j, text in enumerate(row)] for i, row in enumerate(written)]
    shares = [[f"{weight:.2f}" if j <= i else "0" for j, weight in enumerate(row)] for i, row in enumerate(weights)]
    panels = (
        ("scores", 64, pale, written),
        ("masked", 301, masked, hidden),
        ("weights", 538, [[0.75 * weight for weight in row] for row in weights], shares),
    )
    before: Box | None = None
    for name, left, amounts, texts in panels:
        grid = c.matrix(left, 82, n, n, cell=cell, colour="accent", shades=amounts, texts=texts)
        c.text(grid.cx, 28, c.say(name), size=14, bold=True)
        for j, word in enumerate(words):
            c.text(grid.x + (j + 0.5) * cell[0], 66, word, size=12, colour="key")
            if before is None:
                c.text(grid.x - 9, grid.y + (j + 0.5) * cell[1], word, size=12, align="right", colour="query")
        if before is not None:
            c.arrow(before.right_at(), grid.left_at())
        before = grid
        c.text(grid.cx, grid.bottom + 22, c.say(f"{name}_note"), size=12)


@drawing(760, 326)
def sliding_window(c: Canvas) -> None:
    """A window of two tokens either side: the band of scores, and what one token sees after three layers."""
    tokens, window, cell = 13, 2, 17
    band = [[0.5 if abs(i - j) <= window else 0.0 for j in range(tokens)] for i in range(tokens)]
    grid = c.matrix(20, 62, tokens, tokens, cell=cell, colour="accent", shades=band)
    c.text(grid.cx, 24, c.say("band"), size=14, bold=True)
    c.text(grid.cx, 46, c.say("roles"), size=12)
    c.text(grid.cx, grid.bottom + 22, c.say("cells"), size=12)
    middle, step, left = tokens // 2, 28, 402
    heights = (275, 207, 139, 71)  # the input, then layers 1 to 3
    last = len(heights) - 1
    for layer in range(1, last + 1):
        reach = window * (last - layer)
        for i in range(middle - reach, middle + reach + 1):
            for j in range(i - window, i + window + 1):
                c.arrow(
                    (left + j * step, heights[layer - 1]),
                    (left + i * step, heights[layer]),
                    colour="accent",
                    head=False,
                    width=1.0,
                    touches=(False, False),
                )
    for layer, y in enumerate(heights):
        reach = window * (last - layer)
        for i in range(tokens):
            seen = abs(i - middle) <= reach
            c.dot(left + i * step, y, 8, colour="accent" if seen else "neutral", strength=0.55 if seen else 0)
        c.text(left - 20, y - 9, c.say("layer", number=layer) if layer else c.say("input"), size=12, align="right")
        c.text(left - 20, y + 9, c.say("tokens", count=2 * reach + 1), size=12, align="right", colour="accent")
    centre = left + middle * step
    c.text(centre, 24, c.say("field"), size=14, bold=True)
    c.text(centre, grid.bottom + 22, c.say("formula"), size=12)


@drawing(760, 386)
def tiled_attention(c: Canvas) -> None:
    """Blocks of keys and values pass a block of queries; only a maximum, a sum and an accumulator are kept."""
    w, h, left, top, current = 68, 48, 84, 122, 2
    c.text(left + 2 * w, 24, c.say("stream"), size=13)
    for j in range(4):
        look = "solid" if j == current else "tint" if j < current else "outline"
        for letter, role, y in (("K", "key", 46), ("V", "value", 80)):
            c.box(left + j * w + 4, y, w - 8, 28, rf"${letter}_{j + 1}$", colour=role, look=look)
    for i in range(3):
        c.box(16, top + i * h + 6, 56, h - 12, rf"$Q_{i + 1}$", colour="query", look="solid" if i == 1 else "outline")
    amounts = [[0.0] * 4, [0.12, 0.12, 0.5, 0.0], [0.0] * 4]
    tiles = c.matrix(left, top, 3, 4, cell=(w, h), colour="accent", shades=amounts)
    for j, word in enumerate(("gone", "gone", "now", "next")):
        tile = Box(left + j * w, top + h, w, h)
        c.text(tile.cx, tile.cy, c.say(word), size=12, ground=tint("accent", amounts[1][j]), inside=tile)
        if j == current:
            c.frame(tile, colour="accent")
    state = c.box(420, 46, 326, 266, look="outline")
    c.text(state.cx, 70, c.say("state"), size=13, bold=True, inside=state)
    rows = (
        (120, "maximum", r"$m' = \max(m,\ \max S)$"),
        (192, "sum", r"$\ell\,' = e^{m - m'}\,\ell + \Sigma\,e^{S - m'}$"),
        (264, "accumulator", r"$o' = e^{m - m'}\,o + e^{S - m'}\,V_3$"),
    )
    for y, word, formula in rows:
        c.text(440, y - 12, c.say(word), size=12, align="left", colour="neutral", inside=state)
        c.text(440, y + 15, formula, size=17, align="left", inside=state)
    below = (left + (current + 0.5) * w, top + 2 * h)
    c.arrow(below, (below[0], 292), (state.x, 292), colour="accent", width=2.2, touches=(False, True))
    c.text(tiles.cx, 356, c.say("never"), size=13)
    result = c.box(566, 336, 180, 40, r"$Z_2 = o \,/\, \ell$", colour="output", size=17)
    c.arrow((result.cx, state.bottom), result.top_at(), colour="output")
    c.text(result.x - 12, result.cy, c.say("finally"), size=12, align="right")


@drawing(760, 476)
def two_layers_for_it(c: Canvas) -> None:
    """Why reference takes two layers: the adjective must reach *it* before *it* can look for its noun."""
    columns = {"animal": 172, "street": 310, "it": 484, "tired": 676}
    low, middle, high, w, h = 444, 250, 36, 108, 40
    layers = [c.box(8, y, 744, height, look="plain", strength=0.07) for y, height in ((78, 142), (280, 134))]
    band = tint("neutral", 0.07)

    def token(word: str, y: float, text: str, width: float = w, **style: object) -> Box:
        return c.box(columns[word] - width / 2, y - h / 2, width, h, text, **style)

    c.text(20, low, c.say("input"), size=12, bold=True, align="left")
    for layer, word in zip(layers, ("layer2", "layer1"), strict=True):
        c.text(20, layer.cy, c.say(word), size=13, bold=True, align="left", ground=band)
    start = {word: token(word, low, word, colour="input") for word in columns}
    after = {word: token(word, middle, word, colour="input", look="outline") for word in columns if word != "it"}
    after["it"] = token("it", middle, "it + tired", colour="accent", bold=True)
    end = token("it", high, "it + tired + animal", 190, colour="output", bold=True)
    for word in ("animal", "street", "tired"):
        c.arrow(start[word].top_at(), after[word].bottom_at(), width=1.2)
    first, second = c.circle(columns["it"], 310), c.circle(columns["it"], 104)
    for below, plus, above in ((start["it"], first, after["it"]), (after["it"], second, end)):
        c.arrow(below.top_at(), plus.bottom_at())
        c.arrow(plus.top_at(), above.bottom_at())
    # What is carried: values, in green.
    source = start["tired"].top_at(0.2)
    c.arrow(source, (source[0], first.cy), first.right_at(), colour="value", width=2.6)
    c.text(566, 328, c.say("carries_tired"), size=12, colour="value", ground=band)
    source = after["animal"].top_at(0.25)
    c.arrow(source, (source[0], second.cy), second.left_at(), colour="value", width=2.6)
    c.text(310, 120, c.say("carries_animal"), size=12, colour="value", ground=band)
    # Who is looked at: queries, in blue.
    asks = after["it"].top_at(0.25)
    c.arc(asks, after["animal"].top_at(0.7), 76, colour="query", width=3.4)
    c.arc(after["it"].top_at(0.12), after["street"].top_at(0.6), 36, colour="query", width=1.2, dashed=True)
    c.text(506, 176, c.say("query2"), size=12, align="left", colour="query", ground=band)
    c.text(466, 368, c.say("query1"), size=12, align="right", colour="query", ground=band)
