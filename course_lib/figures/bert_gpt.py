"""The diagrams of lesson 08: three families of transformers, how BERT and GPT are trained, how GPT writes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from course_lib.figures.draw import CARD_WIDTH, POINT, Box, Canvas, drawing, numbers, shades
from course_lib.figures.labels import text_size
from course_lib.figures.style import COLOURS, tint

CLS, SEP, MASK = "[CLS]", "[SEP]", "[MASK]"
PRE, SUF, MID, END = "<PRE>", "<SUF>", "<MID>", "<|endoftext|>"

Seen = list[list[bool]]
"""A mask: row i is what token i may look at."""


def full(n: int) -> Seen:
    """Every token looks at every one."""
    return [[True] * n for _ in range(n)]


def causal(n: int, prefix: int = 0) -> Seen:
    """A token looks at itself and at those before it; the first ``prefix`` tokens are seen by all."""
    return [[j <= i or j < prefix for j in range(n)] for i in range(n)]


def both_stacks(n: int) -> Seen:
    """What the tokens of an encoder (the first n) and of its decoder (the other n) look at, as one mask."""
    return [[True] * n + [False] * n for _ in range(n)] + [[True] * n + row for row in causal(n)]


def _mask(c: Canvas, x: float, y: float, seen: Seen, cell: float) -> Box:
    """A mask as a grid: what may be looked at is filled, what is hidden stays white."""
    amounts = [[0.5 if ok else 0.0 for ok in row] for row in seen]
    return c.matrix(x, y, len(seen), len(seen[0]), cell=cell, colour="accent", shades=amounts)


def _hatched(c: Canvas, place: Box, *, cross: bool = False) -> None:
    """A hatched rectangle with a thin edge: what is not there any more, or not computed; ``cross`` strikes it out."""
    from matplotlib.patches import Rectangle

    c.axes.add_patch(
        Rectangle(
            (place.x, place.y), place.w, place.h, facecolor=COLOURS["ground"], edgecolor=tint("neutral", 0.55),
            hatch="////", linewidth=POINT, zorder=1,
        )
    )  # fmt: skip
    c.boxes.append(place)
    if cross:
        c.cross(place.cx, place.cy, min(place.w, place.h) * 0.32, colour="warning")


# ---------------------------------------------------------------- three families


@drawing(CARD_WIDTH, 532, card=True)
def three_families(c: Canvas) -> None:
    """Encoder only, decoder only, encoder and decoder: what goes in, what comes out, and who may look at whom."""
    n, top, floor = 5, 148, 246
    stacks = (("bert", 8, 122, "x_1", "x_5"), ("gpt", 142, 122, "x_1", "x_5"))
    pair = (("encoder", 278, 70, "x_1", "x_5"), ("decoder", 370, 72, "y_0", "y_4"))
    drawn: dict[str, Box] = {}
    for name, x, w, first, last in (*stacks, *pair):
        blocks = [c.box(x, top + 30 * i, w, 26, text, colour="accent", size=12) for i, text in
                  enumerate((c.say("block", number="$L$"), "…", c.say("block", number="1")))]  # fmt: skip
        stack = drawn[name] = Box(x, top, w, blocks[-1].bottom - top)
        words = c.box(x, floor + 12, w, 28, f"${first}$ … ${last}$", colour="input", size=13)
        for i in range(n):
            share = (i + 0.5) / n
            c.arrow(words.top_at(share), stack.bottom_at(share), width=1.1)
        if name == "encoder":
            continue
        result = {"bert": "$z_1$ … $z_5$", "gpt": "$x_2$ … $x_6$", "decoder": "$y_1$ … $y_5$"}[name]
        out = c.box(x, top - 50, w, 28, result, colour="output", size=13)
        for i in range(n):
            share = (i + 0.5) / n
            c.arrow(stack.top_at(share), out.bottom_at(share), width=1.1)
        if name != "decoder":
            c.text(out.cx, 74, c.say(f"{name}_out"), size=12)
    read, write = drawn["encoder"], drawn["decoder"]
    c.text(write.right, 74, c.say("t5_out"), size=12, align="right")
    for name in ("encoder", "decoder"):
        c.text(drawn[name].cx, floor + 54, c.say(name), size=12)
    for i in range(3):  # the memory goes to every block of the decoder
        y, lane = top + 13 + 30 * i, (read.right + write.x) / 2 - 2
        c.arrow((read.right, top + 13), (lane, top + 13), (lane, y), (write.x, y), colour="output", width=2.2, radius=5)
    for name, cx in (("bert", 69), ("gpt", 203), ("t5", 360)):
        c.text(cx, 18, c.say(name), size=16, bold=True)
        c.text(cx, 40, c.say(f"{name}_kind"), size=12)
    y = floor + 110
    c.text(CARD_WIDTH / 2, y - 32, c.say("reading"), size=12, bold=True)
    for name, cx, seen, cell in (
        ("bert", 69, full(n), 22),
        ("gpt", 203, causal(n), 22),
        ("t5", 368, both_stacks(n), 14),
    ):
        grid = _mask(c, cx - cell * len(seen) / 2, y, seen, cell)
        c.text(cx, y + (160 if name == "t5" else 138), c.say(f"{name}_mask"), size=12)
        if name == "t5":
            for i, letter in enumerate("xy"):
                c.text(grid.x - 10, grid.y + grid.h * (i + 0.5) / 2, f"${letter}$", size=14)
                c.text(grid.x + grid.w * (i + 0.5) / 2, grid.y - 10, f"${letter}$", size=14)
                for j in range(2):
                    c.frame(Box(grid.x + 70 * j, grid.y + 70 * i, 70, 70), line=1.6)


# ---------------------------------------------------------------- BERT

PAIR = (CLS, "the", "fox", "slept", ".", SEP, "it", "was", "tired", ".", SEP)
SEGMENTS = "AAAAAABBBBB"
_WIDTH = 5  # numbers of a vector in the picture


def input_vectors() -> list[tuple[list[float], list[float], list[float]]]:
    """For each token of :data:`PAIR` its three vectors: the same token, segment or position gives the same one."""
    kinds = sorted(set(PAIR))
    words = dict(zip(kinds, numbers(len(kinds), _WIDTH, seed=8), strict=True))
    segments = dict(zip("AB", numbers(2, _WIDTH, seed=11), strict=True))
    positions = numbers(len(PAIR), _WIDTH, seed=5)
    return [(words[word], segments[one], at) for word, one, at in zip(PAIR, SEGMENTS, positions, strict=True)]


@drawing(CARD_WIDTH, 546, card=True)
def bert_input(c: Canvas) -> None:
    """Each token's vector is the sum of three: of the token, of its segment, of its position."""
    cell, pitch, top = 12, 32, 78
    vectors = input_vectors()
    # Where each vector begins, and where the name of what it stands for ends.
    columns = (("token", 72, 64, "input"), ("segment", 180, 172, "neutral"), ("position", 292, 285, "ink"))
    c.text(206, 20, c.say("embedding"), size=14, bold=True)
    for name, x, _, colour in columns:
        c.text(x + 30, 46, c.say(name), size=13, bold=True, colour=colour)
    c.text(401, 46, c.say("sum"), size=13, bold=True)
    totals = [[sum(parts) for parts in zip(*row, strict=True)] for row in vectors]
    parts = [shades([row[k] for row in vectors], 0.08, 0.85) for k in range(3)]
    sums = shades(totals, 0.08, 0.85)
    last: Box | None = None
    for i, (word, segment) in enumerate(zip(PAIR, SEGMENTS, strict=True)):
        y = top + pitch * i
        for (name, x, right, colour), rows in zip(columns, parts, strict=True):
            text = {"token": word, "segment": segment, "position": str(i)}[name]
            c.text(right, y, text, size=13, align="right", bold=name == "segment")
            c.matrix(x, y - 9, 1, _WIDTH, cell=(cell, 18), colour=colour, shades=[rows[i]])
        for x in (145, 254):
            c.text(x, y, "+", size=15)
        c.text(362, y, "=", size=15)
        last = c.matrix(371, y - 9, 1, _WIDTH, cell=(cell, 18), colour="accent", shades=[sums[i]])
    assert last is not None
    norm = c.box(356, 446, 90, 30, "LayerNorm", look="outline", size=14)
    block = c.box(356, 500, 90, 34, c.say("block"), colour="accent", size=14)
    c.arrow(last.bottom_at(), norm.top_at())
    c.arrow(norm.bottom_at(), block.top_at())
    c.text(14, 484, c.say("note"), size=13, align="left")


READ = (CLS, "the", MASK, "crossed", "the", "fish", ".", "it", "felt", "glad", ".", SEP)
CHOSEN = {2: ("fox", "masked"), 5: ("river", "random"), 9: ("glad", "kept")}
"""The chosen places: the original word, and what became of it."""


@drawing(CARD_WIDTH, 534, card=True)
def masked_language_model(c: Canvas) -> None:
    """Twelve tokens, three of them chosen: only over these the head names the original word."""
    pitch, top, h = 33, 60, 26
    bottom = top + pitch * (len(READ) - 1)
    c.text(150, 22, c.say("read"), size=13, bold=True)
    c.text(396, 22, c.say("target"), size=13, bold=True)
    encoder = c.box(214, top - 15, 44, bottom - top + 30, colour="accent")
    c.axes.text(
        encoder.cx, encoder.cy, c.say("encoder"), fontsize=15 * POINT, rotation=90, ha="center", va="center",
        color=COLOURS["ink"], zorder=5,
    )  # fmt: skip
    for i, word in enumerate(READ):
        y = top + pitch * i
        chosen = CHOSEN.get(i)
        look = {"colour": "ink", "look": "outline", "line": 2.4} if chosen else {"colour": "input"}
        box = c.box(106, y - h / 2, 88, h, word, size=13, bold=bool(chosen), **look)
        c.arrow(box.right_at(), (encoder.x, y), width=1.2)
        if not chosen:
            continue
        answer, fate = chosen
        c.text(98, y, c.say(fate), size=12, align="right")
        head = c.box(278, y - h / 2, 52, h, c.say("head"), colour="ink", look="solid", size=12)
        c.arrow((encoder.right, y), head.left_at(), width=1.8, colour="ink")
        out = c.box(350, y - h / 2, 92, h, answer, colour="output", size=13, bold=True)
        c.arrow(head.right_at(), out.left_at(), width=1.8, colour="ink")
    c.text(354, top + pitch * 7, c.say("not_predicted"), size=12)
    y = bottom + 42
    c.text(8, y, c.say("inside"), size=13, bold=True, align="left")
    x, before = 8.0, None
    for text, width in ((r"$D \times D$", 66), ("GELU", 62), ("LayerNorm", 90), (r"$E^{\!\top}$", 56), ("softmax", 80)):
        box = c.box(x, y + 18, width, 30, text, look="outline", colour="ink", size=13)
        if before is not None:
            c.arrow(before.right_at(), box.left_at())
        x, before = box.right + 20, box


@drawing(760, 322)
def next_sentence(c: Canvas) -> None:
    """Two texts in one row; from the vector of [CLS] alone follows whether the second continues the first."""
    pitch, w = 67, 61
    words = [c.box(14 + pitch * i, 236, w, 32, word, colour="input", size=13, bold=word == CLS,
                   line=2.6 if word == CLS else 1.5) for i, word in enumerate(PAIR)]  # fmt: skip
    encoder = c.box(14, 168, words[-1].right - 14, 36, c.say("encoder"), colour="accent", size=14)
    for word in words:
        c.arrow(word.top_at(), (word.cx, encoder.bottom), width=1.2)
    for segment, first, last in (("A", 0, 5), ("B", 6, 10)):
        c.bracket((words[first].x, 274), (words[last].right, 274), 7, text=c.say(segment), size=13)
    y = 74
    vector = c.box(14, y - 20, w, 40, r"$z_{\mathrm{[CLS]}}$", colour="output", size=14)
    c.arrow((words[0].cx, encoder.y), vector.bottom_at(), width=2.4, colour="ink")
    for word in words[1:]:
        c.arrow((word.cx, encoder.y), (word.cx, encoder.y - 14), width=1.0, dashed=True, touches=(True, False))
    c.text(words[6].cx, encoder.y - 26, c.say("unused"), size=12)
    pooler = c.box(120, y - 20, 164, 40, c.say("dense"), look="outline", colour="ink", size=13)
    linear = c.box(326, y - 20, 138, 40, c.say("linear"), look="outline", colour="ink", size=13)
    soft = c.box(506, y - 20, 78, 40, "softmax", colour="accent", size=13)
    c.text(pooler.cx, y - 36, c.say("pooler"), size=13, bold=True)
    for one, other in ((vector, pooler), (pooler, linear), (linear, soft)):
        c.arrow(one.right_at(), other.left_at(), width=2.4, colour="ink")
    for name, middle in (("follows", y - 24), ("other", y + 24)):
        answer = c.box(624, middle - 17, 122, 34, c.say(name), colour="output", size=13)
        c.arrow(soft.right_at(), answer.left_at(), width=1.8, colour="ink")


# ---------------------------------------------------------------- GPT writes

PROMPT, WRITTEN = 4, 3
"""Tokens of the prompt, and how many are written after it, in :func:`gpt_inference`."""


@drawing(760, 452)
def gpt_inference(c: Canvas) -> None:
    """Prefill computes the columns of the prompt at once; each step of decoding computes one, with the cache."""
    step, cell = 25, 12
    lengths = [PROMPT + i for i in range(WRITTEN + 1)]
    rows = {2: 116, 1: 154}  # blocks, from the top
    words, store = 202, 284
    for number, y in rows.items():
        c.text(12, y + 15, c.say("block", number=number), size=13, align="left")
    c.text(12, words + 13, c.say("input"), size=13, align="left")
    c.text(12, store - 19, c.say("cache"), size=13, bold=True, align="left")
    for number in (1, 2):
        y = store + (number - 1) * 40 + cell
        c.text(12, y, c.say("block", number=number), size=13, align="left")
        for letter, role, shift in (("K", "key", -cell / 2), ("V", "value", cell / 2)):
            c.text(92, y + shift, f"${letter}$", size=12, align="right", colour=role)
    x = 100.0
    for panel, length in enumerate(lengths):
        new = range(PROMPT) if panel == 0 else range(length - 1, length)
        c.text(x + step * length / 2, 26, c.say("decode", number=panel) if panel else c.say("prefill"),
               size=13, bold=True)  # fmt: skip
        out = c.box(x + step * (length - 1) - 3, 62, step + 4, 26, f"$x_{length + 1}$", colour="output", size=13)
        for t in range(length):
            left = x + step * t
            fresh = t in new
            for y in rows.values():
                place = Box(left, y, step - 4, 30)
                if fresh:
                    c.box(place.x, place.y, place.w, place.h, colour="ink", look="solid", radius=3)
                else:
                    _hatched(c, place, cross=True)
            if fresh:
                word = c.box(left, words, step - 4, 26, colour="input", radius=3)
                c.text(word.cx, word.cy, f"$x_{t + 1}$", size=12, ground=tint("input", 0.13))
                c.arrow(word.top_at(), (word.cx, rows[1] + 30), width=1.2)
            if t == length - 1:
                c.arrow((left + step / 2 - 2, rows[2]), (left + step / 2 - 2, out.bottom), width=1.4)
        for number in (1, 2):
            y = store + (number - 1) * 40
            for role, shift in (("key", 0), ("value", cell)):
                amounts = [[0.75 if t in new else 0.25 for t in range(length)]]
                c.matrix(x - 2, y + shift, 1, length, cell=(step, cell), colour=role, shades=amounts)
            c.frame(Box(x - 2 + step * new[0], y, step * len(new), 2 * cell), line=2.0)
            # Prefill fills the cache; later steps read it.
            block, kept = (x + step * length - 4, rows[number] + 15), (x - 2 + step * length, y + cell)
            lane = kept[0] + (7 if number == 1 else 13)
            way = (block, (lane, block[1]), (lane, kept[1]), kept)
            c.arrow(*(way if panel == 0 else way[::-1]), colour="ink", width=1.4, radius=5)
        x += step * length + 30
    y = 380
    c.box(14, y, 22, 24, colour="ink", look="solid", radius=3)
    _hatched(c, Box(14, y + 36, 22, 24), cross=True)
    c.text(48, y + 12, c.say("computed"), size=13, align="left")
    c.text(48, y + 48, c.say("spared"), size=13, align="left")
    for i, word in enumerate(("new", "kept")):
        place = Box(420, y + 36 * i, 26, 24)
        for role, shift in (("key", 0), ("value", cell)):
            amounts = [[0.25 if i else 0.75]]
            c.matrix(place.x, place.y + shift, 1, 1, cell=(step, cell), colour=role, shades=amounts)
        if not i:
            c.frame(place, line=2.0)
        c.text(458, place.cy, c.say(word), size=13, align="left")


# ---------------------------------------------------------------- objectives


@drawing(760, 532)
def objective_masks(c: Canvas) -> None:
    """Four objectives: the order in which the text is read, who may look at whom, and which tokens are predicted."""
    names = [f"$x_{t}$" for t in range(1, 9)]
    _objective(c, "causal", 74, 52, names[:7], causal(7), names[1:])
    _objective(c, "prefix", 464, 52, names[:7], causal(7, prefix=3), [None, None, *names[3:]])
    # Spans x2 x3 and x6 are cut out; in the text a sentinel stands for each.
    left = [names[0], "<X>", names[3], names[4], "<Y>", names[6]]
    cut = ["<X>", names[1], names[2], "<Y>", names[5], "<Z>"]
    y, cell = 338, 21
    read = _grid(c, 46, y, left, full(6), [None] * 6, cell=cell)
    write = _grid(c, 224, y, ["<s>", *cut[:-1]], causal(6), cut, cell=cell)
    c.text(12, y - 46, c.say("span"), size=14, bold=True, align="left")
    lane = y - 16
    c.arrow(read.top_at(), (read.cx, lane), (write.cx, lane), write.top_at(), colour="output", width=2.4)
    for grid, name in ((read, "encoder"), (write, "decoder")):
        c.text(grid.cx, grid.bottom + 18, c.say(name), size=12)
    middle = [PRE, names[0], SUF, names[3], MID, names[1], names[2]]
    _objective(c, "fill", 464, 318, middle, causal(7), [*middle[1:], END])


def _objective(
    c: Canvas, name: str, x: float, y: float, read: Sequence[str], seen: Seen, predicted: Sequence[str | None]
) -> None:
    """One panel with a grid of 7 rows, its name above and a remark below."""
    cell = 24
    grid = _grid(c, x, y, read, seen, predicted, cell=cell)
    c.text(x - 62, y - 26, c.say(name), size=14, bold=True, align="left")
    c.text(grid.x, grid.bottom + 18, c.say(f"{name}_note"), size=12, align="left")
    if name == "fill":
        after = read.index(MID)
        c.frame(Box(grid.right + 21, y + cell * after, 98, cell * (len(read) - after)), line=1.8)


def _grid(
    c: Canvas, x: float, y: float, read: Sequence[str], seen: Seen, predicted: Sequence[str | None], *, cell: float
) -> Box:
    """A mask with the tokens that are read at the left, and at the right what each row has to predict, if anything."""
    grid = _mask(c, x, y, seen, cell)
    for i, (token, answer) in enumerate(zip(read, predicted, strict=True)):
        at = y + cell * (i + 0.5)
        c.text(x - 7, at, token, size=12, align="right", colour="query")
        if answer is not None:
            c.arrow((grid.right + 1, at), (grid.right + 20, at), colour="ink", width=1.6)
            c.text(grid.right + 25, at, answer, size=12, align="left")
    return grid


@drawing(760, 354)
def multi_token(c: Canvas) -> None:
    """One trunk under a causal mask, three heads: from position t they name the tokens t + 1, t + 2 and t + 3."""
    n, shown, pitch = 5, 3, 46
    bold = {"look": "outline", "colour": "ink", "line": 2.8}
    trunk = c.box(180, 210, 400, 44, c.say("trunk"), colour="accent", size=14)
    for t in range(1, n + 1):
        x = trunk.cx + (t - 3) * 76
        look = bold if t == shown else {"colour": "input"}
        word = c.box(x - 26, 290, 52, 34, f"$x_{t}$", size=15, **look)
        c.arrow(word.top_at(), (x, trunk.bottom), width=1.2)
    for head, cx in ((1, 132), (2, 380), (3, 628)):
        box = c.box(cx - 112, 106, 224, 34, c.say("head", number=head), look="outline", colour="ink", size=14)
        c.text(cx, 22, c.say("ahead", number=head), size=13, bold=True)
        lane = 176
        start = trunk.top_at((0.3, 0.5, 0.7)[head - 1])
        ways = (start, box.bottom_at()) if head == 2 else (start, (start[0], lane), (cx, lane), box.bottom_at())
        c.arrow(*ways, width=2.2, colour="ink")
        for t in range(1, n + 1):
            x = cx + (t - 3) * pitch
            look = bold if t == shown else {"colour": "output"}
            out = c.box(x - 20, 44, 40, 34, f"$x_{t + head}$", size=14, **look)
            c.arrow((x, box.y), out.bottom_at(), width=1.2)
    grid = _mask(c, 640, 218, causal(n), 20)
    c.text(grid.cx, grid.bottom + 18, c.say("mask"), size=12)


@drawing(760, 262)
def fill_in_middle(c: Canvas) -> None:
    """A text is cut twice and its pieces are put in another order: the middle comes last and can be written."""
    words = {"prefix": "yesterday the fox", "middle": "crossed the river", "suffix": ". it felt glad ."}
    widths = {"prefix": 142, "middle": 142, "suffix": 122}
    looks = {"prefix": {"colour": "input"}, "suffix": {"colour": "neutral", "look": "outline"},
             "middle": {"colour": "ink", "look": "outline", "line": 2.8}}  # fmt: skip
    c.text(12, 72, c.say("before"), size=13, bold=True, align="left")
    upper, x = {}, 172.0
    for name in ("prefix", "middle", "suffix"):
        upper[name] = c.box(x, 52, widths[name], 40, words[name], size=13, **looks[name])
        c.text(upper[name].cx, 28, c.say(name), size=13, bold=name == "middle")
        x = upper[name].right + 24
        if name != "suffix":
            c.arrow((x - 12, 14), (x - 12, 100), dashed=True, head=False, colour="warning", touches=(False, False))
    x, lower = 12.0, {}
    for name, token, width in (("prefix", PRE, 54), ("suffix", SUF, 54), ("middle", MID, 56)):
        mark = c.box(x, 168, width, 40, token, colour="accent", size=13)
        lower[name] = c.box(mark.right + 6, 168, widths[name], 40, words[name], size=13, **looks[name])
        x = lower[name].right + 6
    end = c.box(x, 168, 748 - x, 40, END, colour="accent", size=13)
    # The middle and the suffix change places.
    for name in words:
        start, to = upper[name], lower[name]
        bold = name == "middle"
        c.arrow(start.bottom_at(), to.top_at(), width=3.0 if bold else 1.8, colour="ink" if bold else "neutral")
    c.bracket((12, 214), (lower["middle"].x - 8, 214), 7, text=c.say("given"), size=13)
    c.bracket((lower["middle"].x, 214), (end.right, 214), 7, text=c.say("written"), size=13)


# ---------------------------------------------------------------- sampling

MOST_WORDS = 7
"""Words that :func:`sampling_steps` has room for."""

WORDS = ("river", "lake", "bridge", "road", "meadow", "square")
CHANCES = (0.36, 0.24, 0.16, 0.12, 0.08, 0.04)


def _cut(p: Sequence[float], kept: int) -> list[float]:
    """The first ``kept`` probabilities, rescaled so that they sum to 1; the others 0."""
    total = sum(p[:kept])
    return [chance / total if i < kept else 0.0 for i, chance in enumerate(p)]


@drawing(760, 560)
def sampling_steps(
    c: Canvas,
    words: Sequence[str] = WORDS,
    p: Sequence[float] = CHANCES,
    cut_k: Sequence[float] = tuple(_cut(CHANCES, 3)),
    cut_p: Sequence[float] = tuple(_cut(CHANCES, 4)),
    u: float = 0.72,
) -> None:
    """A distribution, the same after top-k and after top-p, and how one number draws a word from the last.

    Args:
        words: n tokens, at most :data:`MOST_WORDS`.
        p: (n,) probabilities that sum to 1. What is not shown may stand as one more word, such as "…".
        cut_k, cut_p: (n,) the probabilities after the cut, 0 for what was dropped.
        u: from 0 to less than 1; the word drawn from ``cut_p`` is the first whose cumulative sum is greater.

    Raises:
        ValueError: for more words than fit, for distributions of another length or that do not sum to 1, for such a ``u``.
    """
    rows = {name: [float(chance) for chance in row] for name, row in (("all", p), ("top_k", cut_k), ("top_p", cut_p))}
    n = len(words)
    if not 0 < n <= MOST_WORDS:
        raise ValueError(f"{n} words, at most {MOST_WORDS} fit")
    for name, row in rows.items():
        if len(row) != n or min(row) < 0 or abs(sum(row) - 1) > 1e-4:
            raise ValueError(f"{name}: not a distribution over {n} words: {row}")
    if not 0 <= u < 1:
        raise ValueError(f"u is from 0 to less than 1, not {u}")
    pitch, tall = 318 / n, 140
    most = max(max(row) for row in rows.values())
    for i, (name, row) in enumerate(rows.items()):
        left, floor = 40 + 394 * (i % 2), 222 + 280 * (i // 2)
        c.text(left, floor - 200, c.say(name), size=14, bold=True, align="left")
        c.arrow((left, floor), (left + 318, floor), head=False, width=1.2, touches=(False, False))
        _under(c, words, left, floor, pitch)
        for j, (chance, before) in enumerate(zip(row, rows["all"], strict=True)):
            cx = left + pitch * (j + 0.5)
            if chance > 0:
                height = tall * chance / most
                c.box(cx - 15, floor - height, 30, height, colour="accent", radius=0, strength=0.45)
                c.text(cx, floor - height - 11, f"{chance:.2f}" if chance >= 0.005 else "<0.01", size=12)
            elif before > 0:
                height = max(tall * before / most, 3)
                _hatched(c, Box(cx - 15, floor - height, 30, height))
                c.cross(cx, floor - height - 11, 6, colour="warning")
    _staircase(c, words, rows["top_p"], u, 434, 502, pitch)


def _under(c: Canvas, words: Sequence[str], left: float, floor: float, pitch: float, drawn: int = -1) -> None:
    """The words under their columns, in two rows in turn, so that long ones find room; the drawn one in bold."""
    for j, word in enumerate(words):
        plain = word.replace("$", r"\$")  # a dollar sign would begin a formula
        half = text_size(word, 12 * POINT, "bold")[0] / 2
        cx = min(left + pitch * (j + 0.5), c.width - 4 - half)
        c.text(cx, floor + (14 if j % 2 == 0 else 33), plain, size=12, bold=j == drawn)


def _staircase(
    c: Canvas, words: Sequence[str], row: Sequence[float], u: float, left: float, floor: float, pitch: float
) -> None:
    """The cumulative sums as a staircase that rises over each word, and the way from u to the word."""
    tall = 150
    sums = list(accumulate(row))
    # Rounding may leave the last sum a little short of 1.
    drawn = next((j for j, total in enumerate(sums) if u < total), max(j for j, x in enumerate(row) if x > 0))
    c.text(left, floor - 200, c.say("drawing"), size=14, bold=True, align="left")
    c.arrow((left, floor), (left + 318, floor), head=False, width=1.2, touches=(False, False))
    c.arrow((left, floor), (left, floor - tall), head=False, width=1.2, touches=(False, False))
    for value in (0, 1):
        if abs(value - u) > 0.12:  # u's own label would stand there
            c.text(left - 7, floor - tall * value, f"{value}", size=12, align="right")
    course, before = [(left, floor)], 0.0
    for j, total in enumerate(sums):
        x = left + pitch * (j + 0.5)
        if total > before:
            course += [(x, floor - tall * before), (x, floor - tall * total)]
        before = total
    course.append((left + 318, floor - tall * before))
    c.arrow(*course, head=False, width=2.4, colour="accent", radius=0, touches=(False, False))
    x, y = left + pitch * (drawn + 0.5), floor - tall * u
    c.arrow((left, y), (x, y), (x, floor), width=2.2, colour="ink", dashed=True, radius=0, touches=(False, False))
    c.text(left - 7, y, f"u = {u:.3g}", size=12, align="right", bold=True)
    _under(c, words, left, floor, pitch, drawn)
