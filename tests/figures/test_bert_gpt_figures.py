"""The figures of lesson 08: the diagrams show what they say, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from lesson_figures import (  # noqa: F401
    OF_ATTENTION,
    assert_both_languages_have_the_same_numbers,
    assert_differ_by_more_than_colour,
    assert_every_label_is_used,
    assert_has_its_two_texts,
    assert_is_shown_twice_alike,
    assert_is_whole_and_legible,
    assert_keeps_off_the_colours_of_attention,
    assert_no_two_texts_overlap,
    bars,
    both_languages,
    box_of,
    canvas,
    catalogue,
    cells,
    colours,
    crosses,
    diagram,
    ends,
    labels,
    matrices,
    places,
    said,
    session_as_it_was,
    written,
)
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from course_lib import language
from course_lib.figures import bert_gpt as diagrams
from course_lib.figures import bert_gpt_curves as curves
from course_lib.figures import draw, drawings
from course_lib.figures.draw import Box
from course_lib.figures.layout import problems
from course_lib.figures.style import COLOURS, contrast, tint

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("bert_gpt_curves")
CARDS = {"three_families", "bert_input", "masked_language_model"}
DIAGRAMS = {
    "next_sentence", "gpt_inference", "objective_masks", "multi_token", "fill_in_middle", "sampling_steps", *CARDS,
}  # fmt: skip

# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_bert_gpt")}
    assert {name for name in DIAGRAMS if drawings()[name].card} == CARDS


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("three_families", {"output"}),
        ("bert_input", set()),
        ("masked_language_model", {"output"}),
        ("next_sentence", {"output"}),
        ("gpt_inference", {"key", "value", "output"}),
        ("objective_masks", {"query", "output"}),
        ("multi_token", {"output"}),
        ("fill_in_middle", set()),
        ("sampling_steps", set()),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


def masks(name: str) -> list[np.ndarray]:
    """The matrices of a diagram as masks, in the order of drawing: whatever is not white may be looked at."""
    return [np.array([[shade != "#FFFFFF" for shade in row] for row in rows]) for rows in matrices(name)]


CAUSAL = {n: np.tril(np.ones((n, n), dtype=bool)) for n in (5, 6, 7)}
PREFIX = np.array([[j <= i or (i < 3 and j < 3) for j in range(7)] for i in range(7)])


def test_each_family_has_its_mask() -> None:
    bert, gpt, t5 = masks("three_families")
    assert bert.shape == (5, 5) and bert.all()
    assert (gpt == CAUSAL[5]).all()
    assert t5[:5, :5].all() and not t5[:5, 5:].any(), "the encoder does not look at the decoder"
    assert t5[5:, :5].all() and (t5[5:, 5:] == CAUSAL[5]).all()


@both_languages
def test_the_families_take_and_give_what_they_should(lang: str) -> None:
    language.use_language(lang)
    by_x = sorted((x, -y, text) for x, y, text in places("three_families") if "$ … $" in text)
    assert [text for _, _, text in by_x] == [
        "$x_1$ … $x_5$", "$z_1$ … $z_5$",  # a vector for each token
        "$x_1$ … $x_5$", "$x_2$ … $x_6$",  # the same tokens, one place further
        "$x_1$ … $x_5$",
        "$y_0$ … $y_4$", "$y_1$ … $y_5$",
    ]  # fmt: skip
    # From the encoder one arrow to each block of the decoder, and no other line across.
    drawn = canvas("three_families")
    columns = box_of("three_families", said("three_families", "block", number="1"))
    read, write = columns[2:]
    between = (read.right + write.x) / 2 + 1
    across = [s for s in drawn.strokes if min(p[0] for p in s.points) < between < max(p[0] for p in s.points)]
    blocks = [box for box in drawn.boxes if box.x == write.x and box.h == write.h]
    assert len(blocks) == 3 and {s.points[-1] for s in across} == {box.left_at() for box in blocks}
    assert {s.points[0][0] for s in across} == {read.right}


def test_the_input_of_bert_is_really_the_sum() -> None:
    vectors = diagrams.input_vectors()
    rows = [shades[0] for shades in matrices("bert_input")]
    assert len(rows) == 4 * len(diagrams.PAIR) == 44
    word, segment, position, total = (rows[k::4] for k in range(4))
    for shown, names in ((word, diagrams.PAIR), (segment, diagrams.SEGMENTS), (position, range(11))):
        for (one, a), (other, b) in combinations(zip(shown, names, strict=True), 2):
            assert (one == other) == (a == b), (a, b)
    sums = np.array([np.sum(parts, axis=0) for parts in vectors])
    amounts = draw.shades(sums.tolist(), 0.08, 0.85)
    assert total == [[tint("accent", amount) for amount in row] for row in amounts]
    # The segment changes after the first [SEP], and the names stand beside their vectors.
    assert diagrams.SEGMENTS == "A" * (diagrams.PAIR.index("[SEP]") + 1) + "B" * 5
    by_y: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in places("bert_input"):
        by_y.setdefault(round(y), []).append((x, text))
    lines = [[text for _, text in sorted(line)] for y, line in sorted(by_y.items()) if len(line) >= 6]
    assert [(a, b, c) for a, _, b, _, c, *_ in lines] == [
        (word, segment, str(i)) for i, (word, segment) in enumerate(zip(diagrams.PAIR, diagrams.SEGMENTS, strict=True))
    ]


@both_languages
def test_only_the_chosen_places_are_predicted(lang: str) -> None:
    language.use_language(lang)
    name = "masked_language_model"
    drawn = canvas(name)
    heads = sorted(box_of(name, said(name, "head")), key=lambda box: box.y)
    column = sorted((b for b in drawn.boxes if b.w == 88), key=lambda box: box.y)

    def word(box: Box) -> str:
        (found,) = (t for x, y, t in places(name) if box.x < x < box.right and box.y < y < box.bottom)
        return found

    assert [word(box) for box in column] == list(diagrams.READ) and len(column) == 12
    lines = [ends(stroke) for stroke in drawn.strokes]
    answers = []
    for head in heads:
        (end,) = (to for start, to in lines if start == head.right_at())
        (answer,) = (box for box in drawn.boxes if box.left_at() == end)
        (row,) = (i for i, box in enumerate(column) if box.cy == head.cy)
        answers.append((row, word(answer)))
    assert answers == [(row, original) for row, (original, _) in diagrams.CHOSEN.items()]
    restored = [diagrams.CHOSEN[row][0] if row in diagrams.CHOSEN else word for row, word in enumerate(diagrams.READ)]
    assert " ".join(restored) == "[CLS] the fox crossed the river . it felt glad . [SEP]"
    # Each of the three fates occurs once, and is what it is called.
    assert sorted(fate for _, fate in diagrams.CHOSEN.values()) == ["kept", "masked", "random"]
    for row, (original, fate) in diagrams.CHOSEN.items():
        stands = diagrams.READ[row]
        assert {"masked": stands == "[MASK]", "kept": stands == original, "random": stands != original}[fate]
        assert fate != "random" or stands != "[MASK]"
        (note,) = ((x, y) for x, y, text in places(name) if text == said(name, fate))
        assert note[0] < column[row].x and column[row].y < note[1] < column[row].bottom
    bold = {round(p.get_y()) for p in figure_boxes(name) if p.get_width() == 88 and p.get_linewidth() > 2 * draw.POINT}
    assert bold == {round(column[row].y) for row in diagrams.CHOSEN}
    chain = [text for _, text in sorted((x, t) for x, y, t in places(name) if y > column[-1].bottom + 45)]
    assert chain == [r"$D \times D$", "GELU", "LayerNorm", r"$E^{\!\top}$", "softmax"]


def figure_boxes(name: str) -> list[FancyBboxPatch]:
    return [patch for patch in diagram(name).axes[0].patches if isinstance(patch, FancyBboxPatch)]


@both_languages
def test_one_vector_decides_about_the_next_sentence(lang: str) -> None:
    language.use_language(lang)
    name = "next_sentence"
    (encoder,) = box_of(name, said(name, "encoder"))
    (vector,) = box_of(name, r"$z_{\mathrm{[CLS]}}$")
    leaving = [stroke for stroke in canvas(name).strokes if stroke.points[0][1] == encoder.y]
    assert [s.points[-1] for s in leaving if s.touches[1]] == [vector.bottom_at()]
    assert len([s for s in leaving if not s.touches[1]]) == len(diagrams.PAIR) - 1
    (cls,) = box_of(name, "[CLS]")
    assert cls.cx == vector.cx
    chain = [vector, *(box_of(name, said(name, part))[0] for part in ("dense", "linear")), box_of(name, "softmax")[0]]
    lines = {ends(stroke) for stroke in canvas(name).strokes}
    assert lines >= {(one.right_at(), other.left_at()) for one, other in itertools.pairwise(chain)}
    for answer in ("follows", "other"):
        assert (chain[-1].right_at(), box_of(name, said(name, answer))[0].left_at()) in lines


@both_languages
def test_a_step_of_decoding_computes_one_column(lang: str) -> None:
    language.use_language(lang)
    name = "gpt_inference"
    drawn, figure = canvas(name), diagram(name)
    strips = sorted((box for box in drawn.boxes if cells(figure, box) and box.h == 12 and box.w > 30),
                    key=lambda box: (box.x, box.y))  # fmt: skip
    solid = [p for p in figure_boxes(name) if to_hex(p.get_facecolor()).upper() == COLOURS["ink"]]
    hatched = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_hatch()]
    assert len(strips) == 16, "four panels of K and V of two blocks"
    for panel in range(4):
        of_panel = strips[4 * panel : 4 * panel + 4]
        left, right, length = of_panel[0].x, of_panel[0].right, 4 + panel

        def inside(patches: list, left: float = left, right: float = right) -> int:
            return sum(left < p.get_x() < right and p.get_y() < 200 for p in patches)

        new = 4 if panel == 0 else 1
        assert inside(solid) == 2 * new and inside(hatched) == 2 * (length - new)
        struck = [(x, y) for x, y in crosses(name) if left < x < right and y < 200]
        assert len(struck) == inside(hatched)
        for strip, role in zip(of_panel, ("key", "value") * 2, strict=True):
            shades = cells(figure, strip)[0]
            assert shades == [tint(role, 0.25)] * (length - new) + [tint(role, 0.75)] * new
        given = [text for x, y, text in sorted(places(name)) if left < x < right and 200 < y < 240]
        assert given == [f"$x_{t}$" for t in range(length - new + 1, length + 1)]
        (result,) = (text for x, y, text in places(name) if left < x < right + 4 and 60 < y < 90)
        assert result == f"$x_{length + 1}$"
        # Prefill writes the cache, the later steps read it.
        lanes = [s for s in drawn.strokes if len(s.points) == 4 and right < max(p[0] for p in s.points) < right + 20]
        assert len(lanes) == 2
        for lane in lanes:
            start, end = ends(lane)
            assert (start[1] < end[1]) == (panel == 0)
            # Block 1 stands below block 2, and above it in the cache: the lines do not cross.
            upper, lower = sorted((start[1], end[1]))
            assert (upper, lower) in {(131, 336), (169, 296)}
    legend = {text for text in labels(name) if text in [said(name, w) for w in ("computed", "spared", "new", "kept")]}
    assert len(legend) == 4


@both_languages
def test_each_objective_has_its_mask_and_its_predictions(lang: str) -> None:
    language.use_language(lang)
    name = "objective_masks"
    causal, prefix, encoder, decoder, fill = masks(name)
    assert (causal == CAUSAL[7]).all() and (fill == CAUSAL[7]).all() and (decoder == CAUSAL[6]).all()
    assert (prefix == PREFIX).all()
    assert encoder.shape == (6, 6) and encoder.all()
    figure = diagram(name)
    grids = [box for box in figure.drawing.boxes if cells(figure, box)]
    found = []
    for grid, mask in zip(grids, masks(name), strict=True):
        rows = []
        for i in range(len(mask)):
            y = grid.y + grid.h * (i + 0.5) / len(mask)
            (read,) = (t for x, at, t in places(name) if grid.x - 50 < x < grid.x and abs(at - y) < 9)
            (goal,) = [t for x, at, t in places(name) if 20 < x - grid.right < 30 and abs(at - y) < 9] or [None]
            arrow = [s for s in figure.drawing.strokes if s.points[0] == (grid.right + 1, y)]
            assert len(arrow) == (goal is not None)
            rows.append((read, goal))
        found.append(rows)
    x = [f"$x_{t}$" for t in range(9)]
    assert found[0] == [(x[t], x[t + 1]) for t in range(1, 8)]
    assert found[1] == [(x[t], x[t + 1] if t >= 3 else None) for t in range(1, 8)]
    assert found[2] == [(token, None) for token in (x[1], "<X>", x[4], x[5], "<Y>", x[7])]
    row = ["<s>", "<X>", x[2], x[3], "<Y>", x[6], "<Z>"]
    assert found[3] == list(itertools.pairwise(row))
    row = ["<PRE>", x[1], "<SUF>", x[4], "<MID>", x[2], x[3], "<|endoftext|>"]
    assert found[4] == list(itertools.pairwise(row))
    # What was cut out and what is left are together the seven tokens, and the sentinels fit.
    left, cut = [read for read, _ in found[2]], [goal for _, goal in found[3]]
    assert sorted(t for t in left + cut if t.startswith("$")) == x[1:8]
    assert [t for t in cut if t.startswith("<")] == [*(t for t in left if t.startswith("<")), "<Z>"]
    (frame,) = (p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_width() == 98)
    last = grids[4]
    assert frame.get_y() == pytest.approx(last.y + last.h * 4 / 7) and frame.get_height() == pytest.approx(
        last.h * 3 / 7
    )


@both_languages
def test_the_heads_look_one_two_and_three_tokens_ahead(lang: str) -> None:
    language.use_language(lang)
    name = "multi_token"
    (mask,) = masks(name)
    assert (mask == CAUSAL[5]).all()
    drawn = canvas(name)
    (trunk,) = box_of(name, said(name, "trunk"))
    thick = [p for p in figure_boxes(name) if p.get_linewidth() > 2.5 * draw.POINT]
    singled = []
    for head in (1, 2, 3):
        (box,) = box_of(name, said(name, "head", number=head))
        (arrow,) = (s for s in drawn.strokes if s.points[-1] == box.bottom_at())
        assert arrow.points[0][1] == trunk.y
        above = [(x, t) for x, y, t in sorted(places(name)) if box.x < x < box.right and 44 < y < 80]
        assert [text for _, text in above] == [f"$x_{t + head}$" for t in range(1, 6)]
        assert said(name, "ahead", number=head) in labels(name)
        singled += [t for x, t in above for p in thick if p.get_x() < x < p.get_x() + p.get_width() and p.get_y() < 80]
    assert singled == [f"$x_{diagrams_shown + k}$" for k in (1, 2, 3) for diagrams_shown in (3,)]
    (given,) = (p for p in thick if p.get_y() > trunk.bottom)
    (word,) = (t for x, y, t in places(name) if y > trunk.bottom and given.get_x() < x < given.get_x() + 52)
    assert word == "$x_3$"


def test_the_pieces_of_the_text_go_to_their_new_places() -> None:
    name = "fill_in_middle"
    drawn = canvas(name)

    def row(y: float) -> list[tuple[Box, str]]:
        boxes = sorted((box for box in drawn.boxes if box.y == y), key=lambda box: box.x)
        return [
            (box, next(t for x, at, t in places(name) if box.x < x < box.right and box.y < at < box.bottom))
            for box in boxes
        ]

    above, below = row(52), row(168)
    prefix, middle, suffix = (text for _, text in above)
    assert [text for _, text in below] == ["<PRE>", prefix, "<SUF>", suffix, "<MID>", middle, "<|endoftext|>"]
    lines = {ends(s) for s in drawn.strokes if s.touches == (True, True)}
    new = {text: box for box, text in below}
    assert lines == {(box.bottom_at(), new[text].top_at()) for box, text in above}
    # What is given ends before the middle.
    brackets = sorted((s.points[0][0], s.points[-1][0]) for s in drawn.strokes if len(s.points) == 4)
    assert len(brackets) == 2 and brackets[0][1] < new[middle].x == brackets[1][0]
    assert brackets[1][1] == below[-1][0].right


# ---------------------------------------------------------------- sampling


def sample(
    words: tuple[str, ...], p: list[float], k: int, share: float, u: float
) -> tuple[Figure, list[list[float]], str]:
    """The picture, the three distributions and the word that is drawn, by a rule of its own."""
    chances = np.array(p)
    order = np.argsort(-chances, kind="stable")
    top = np.where(np.isin(np.arange(len(p)), order[:k]), chances, 0)
    kept = order[: int(np.searchsorted(np.cumsum(chances[order]), share) + 1)]
    nucleus = np.where(np.isin(np.arange(len(p)), kept), chances, 0)
    rows = [chances, top / top.sum(), nucleus / nucleus.sum()]
    drawn = words[int(np.searchsorted(np.cumsum(rows[2]), u, side="right"))]
    return diagrams.sampling_steps(words, *rows, u), [row.tolist() for row in rows], drawn


CASES = {
    "as it stands": (diagrams.WORDS, list(diagrams.CHANCES), 3, 0.8, 0.72),
    "in no order": (("was", "<|endoftext|>", "felt", "$5", "discovered", "it", "magnificent"),
                    [0.1, 0.3, 0.05, 0.2, 0.25, 0.002, 0.098], 4, 0.7, 0.3),
    "from the start": (("a", "b"), [0.5, 0.5], 1, 0.9, 0.0),
    "on a landing": (("a", "b"), [0.5, 0.5], 1, 0.9, 0.5),
    "to the end": (("a", "b", "magnificent"), [0.2, 0.2, 0.6], 2, 1.0, 0.999),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_bars_are_the_distributions_and_u_draws_its_word(case: str) -> None:
    words, p, k, share, u = CASES[case]
    figure, rows, wanted = sample(words, p, k, share, u)
    assert problems(figure) == []
    boxes = [b for b in figure.drawing.boxes if b.w == 30]
    patches = {(round(q.get_x(), 3), round(q.get_y(), 3)): q for q in figure.axes[0].patches
               if isinstance(q, Rectangle | FancyBboxPatch)}  # fmt: skip
    assert len(boxes) == 3 * len(words)
    scale = None
    for i, row in enumerate(rows):
        of_panel = boxes[i * len(words) : (i + 1) * len(words)]
        assert [box.x for box in of_panel] == sorted(box.x for box in of_panel)
        for box, chance, before in zip(of_panel, row, p, strict=True):
            patch = patches[round(box.x, 3), round(box.y, 3)]
            assert bool(patch.get_hatch()) == (chance == 0)
            scale = scale or box.h / chance
            assert box.h == pytest.approx(max(scale * (chance or before), 0 if chance else 3))
    bold = [label.artist.get_text() for label in figure.drawing.labels if label.artist.get_weight() == "bold"]
    assert [text for text in bold if text in words] == [wanted]
    # The dashed way turns on the staircase, at the height of u, and ends over the word.
    stairs, way = (s.points for s in figure.drawing.strokes[-2:])
    tops = sorted({y for _, y in stairs}, reverse=True)
    floor, ceiling = tops[0], tops[-1]
    assert [(floor - y) / (floor - ceiling) for y in tops] == pytest.approx(
        [0, *np.cumsum([chance for chance in rows[2] if chance])]
    )
    turn, foot = way[1], way[2]
    assert (floor - turn[1]) / (floor - ceiling) == pytest.approx(u) and turn[0] == foot[0] and foot[1] == floor
    (riser,) = ((a, b) for a, b in itertools.pairwise(stairs) if a[0] == b[0] == turn[0])
    assert riser[1][1] - 1e-9 <= turn[1] <= riser[0][1] + 1e-9


def test_the_example_is_made_by_the_rules_it_names() -> None:
    words, p, k, share, u = CASES["as it stands"]
    assert {label.artist.get_text() for label in canvas("sampling_steps").labels} == {
        label.artist.get_text() for label in sample(words, p, k, share, u)[0].drawing.labels
    }


def test_dropped_words_are_crossed() -> None:
    zeros = sum(
        chance == 0
        for row in (diagrams._cut(diagrams.CHANCES, 3), diagrams._cut(diagrams.CHANCES, 4))
        for chance in row
    )
    assert len(crosses("sampling_steps")) == zeros == 5


def test_what_is_no_distribution_is_refused() -> None:
    half = [0.5, 0.5]
    for arguments, message in (
        ((["a"] * 8, [0.125] * 8, [0.125] * 8, [0.125] * 8, 0.5), "8 words"),
        (([], [], [], [], 0.5), "0 words"),
        ((["a", "b"], [0.5, 0.4], half, half, 0.5), "all: not a distribution"),
        ((["a", "b"], half, [1.0], half, 0.5), "top_k: not a distribution"),
        ((["a", "b"], half, half, [1.5, -0.5], 0.5), "top_p: not a distribution"),
        ((["a", "b"], half, half, half, 1.0), "less than 1"),
    ):
        with pytest.raises(ValueError, match=message):
            diagrams.sampling_steps(*arguments)


# ---------------------------------------------------------------- curves

STEPS = list(range(0, 3001, 50))
LOSSES = [1.4 + 4 * math.exp(-step / 300) + 0.05 * math.sin(step) for step in STEPS]
SIZES = [2_848, 7_120, 20_096, 66_304, 240_000]
EXCESS = {size: [f * 300 * size**-0.75 for f in (0.9, 1.0, 1.2)] for size in SIZES}
COUNTS = [4, 8, 16, 32, 64, 128, 256, 512]
ROWS = {
    name: [[min(1.0, 0.5 + 0.06 * i * (4 - k) / 4 + d) for d in (-0.03, 0.0, 0.03)] for i in range(len(COUNTS))]
    for k, name in enumerate(curves.WAYS)
}
PRETRAINED = [0, 100, 200, 400, 800, 1600, 3200, 6400]
SPOILT = {
    "80/10/10": {"masked": [0.61, 0.6], "random word": [0.44, 0.5], "unchanged": [0.97, 0.98]},
    "100 % [MASK]": {"masked": [0.63, 0.61], "random word": [0.0, 0.1], "unchanged": [0.67, 0.48]},
}
SHARES = {"BERT": 0.98, "GPT, <PRE> <SUF> <MID>": 0.953, "GPT": 0.4, "p(w)": 0.0}
LENGTHS = [16, 32, 64, 128, 256, 512, 1024]
CACHE = [2e5 * t + 60 * t**2 for t in LENGTHS]
ANEW = [1e5 * t**2 + 20 * t**3 for t in LENGTHS]
NEXT = ("river", "lake", "bridge", "road", "meadow", "square", "canal")
TEMPERATURES = {
    0.5: [0.6, 0.2, 0.1, 0.05, 0.03, 0.015, 0.005],
    1: [0.4, 0.22, 0.14, 0.1, 0.07, 0.04, 0.03],
    2: [0.26, 0.2, 0.16, 0.13, 0.1, 0.08, 0.07],
}
CURVES: dict[str, Callable[[], Figure]] = {
    "loss_and_entropy": lambda: curves.loss_and_entropy(STEPS, LOSSES, 1.4),
    "scaling": lambda: curves.scaling(SIZES, EXCESS),
    "few_labels": lambda: curves.few_labels(COUNTS, ROWS),
    "pretraining_steps": lambda: curves.pretraining_steps(PRETRAINED, {name: ROWS[name] for name in curves.WAYS[:2]}),
    "corruption": lambda: curves.corruption(SPOILT),
    "fitting": lambda: curves.fitting(SHARES),
    "cache_cost": lambda: curves.cache_cost(LENGTHS, CACHE, ANEW),
    "temperature_curves": lambda: curves.temperature_curves(NEXT, TEMPERATURES),
}
LONG = ("<|endoftext|>", "discovered", "magnificent", "delightful", "repulsive", "depressing", "afternoon")
VARIANTS: dict[str, Callable[[], Figure]] = CURVES | {
    "scaling, a narrow range": lambda: curves.scaling([1000, 1500, 2000], {1000: [0.021], 1500: [0.019], 2000: [0.0175]}),
    "scaling, a wide range": lambda: curves.scaling([1000, 10**7], {1000: [5.0], 10**7: [0.0002]}),
    "few_labels, one": lambda: curves.few_labels(COUNTS, {"from scratch": ROWS["from scratch"]}),
    "few_labels, below a guess": lambda: curves.few_labels([1, 1000], {"frozen mean": [[0.2, 0.3], [0.4]]}),
    "pretraining_steps, evenly": lambda: curves.pretraining_steps(
        range(0, 4001, 250), {"fine-tuned": [[0.5 + i / 40] for i in range(17)]}
    ),
    "corruption, one": lambda: curves.corruption({"80/10/10": SPOILT["80/10/10"]}),
    "fitting, many": lambda: curves.fitting({f"GPT, way {i}": i / 9 for i in range(10)}),
    "cache_cost, many": lambda: curves.cache_cost(range(1, 200), range(1, 200), [t**2 for t in range(1, 200)]),
    "temperature_curves, long words": lambda: curves.temperature_curves(LONG, dict.fromkeys((0.1, 0.5, 1, 2), TEMPERATURES[1])),
}  # fmt: skip


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, CURVES)


@pytest.mark.parametrize("file", ["bert_gpt_curves", "figures_bert_gpt"])
def test_both_languages_have_the_same_numbers(file: str) -> None:
    assert_both_languages_have_the_same_numbers(catalogue(file))


def test_every_label_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_every_label_is_used(TEXTS, CURVES.values(), monkeypatch)


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_shown_twice_alike_and_without_a_warning(
    name: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    language.use_language(lang)
    assert_is_shown_twice_alike(CURVES[name], name, {}, monkeypatch)


@both_languages
@pytest.mark.parametrize("name", VARIANTS)
def test_nothing_is_cut_off_and_no_type_is_tiny(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_is_whole_and_legible(VARIANTS[name]())


@both_languages
@pytest.mark.parametrize("name", VARIANTS)
def test_no_two_texts_overlap(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_no_two_texts_overlap(VARIANTS[name]())


@pytest.mark.parametrize("name", VARIANTS)
def test_curves_keep_off_the_colours_of_attention(name: str) -> None:
    assert_keeps_off_the_colours_of_attention(VARIANTS[name]())


def test_the_loss_stands_over_the_entropy() -> None:
    ax = CURVES["loss_and_entropy"]().axes[0]
    loss, floor = ax.get_lines()
    assert list(loss.get_xdata()) == STEPS and list(loss.get_ydata()) == LOSSES
    assert set(floor.get_ydata()) == {1.4} and "1.40" in floor.get_label()
    assert loss.get_linestyle() != floor.get_linestyle()
    low, high = ax.get_ylim()
    assert 0 <= low < 1.35 and high > max(LOSSES)


def test_scaling_shows_each_seed_and_the_means() -> None:
    for name, excess in (
        ("scaling", EXCESS),
        ("scaling, a narrow range", {1000: [0.021], 1500: [0.019], 2000: [0.0175]}),
    ):
        ax = VARIANTS[name]().axes[0]
        line, points = ax.get_lines()
        assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == [
            (size, pytest.approx(np.mean(seeds))) for size, seeds in excess.items()
        ]
        assert list(zip(points.get_xdata(), points.get_ydata(), strict=True)) == [
            (size, value) for size, seeds in excess.items() for value in seeds
        ]
        assert ax.get_xscale() == ax.get_yscale() == "log"
        assert len(ax.get_yticks()) >= 3, "less than one decade needs labels too"
    assert [curves._whole(value) for value in (2848, 66304, 10**7)] == ["2848", "66\u00a0304", "10\u00a0000\u00a0000"]


@both_languages
@pytest.mark.parametrize("name", ["few_labels", "pretraining_steps"])
def test_accuracies_are_means_with_their_seeds_over_the_line_of_guessing(name: str, lang: str) -> None:
    language.use_language(lang)
    at = {"few_labels": COUNTS, "pretraining_steps": PRETRAINED}[name]
    figure = CURVES[name]()
    ax = figure.axes[0]
    shown = [line for line in ax.get_lines() if len(line.get_xdata()) == len(at)]
    used = list(ROWS) if name == "few_labels" else list(ROWS)[:2]
    assert_differ_by_more_than_colour(shown)
    for line, way in zip(shown, used, strict=True):
        assert line.get_label() == language.say(f"curves.way-{curves._slug(way)}")
        assert list(line.get_ydata()) == pytest.approx([np.mean(seeds) for seeds in ROWS[way]])
        # Set aside by less than half of the way to the next place.
        transform = ax.xaxis.get_transform()
        shift = transform.transform(np.asarray(line.get_xdata())) - transform.transform(np.asarray(at, dtype=float))
        gaps = np.diff(transform.transform(np.asarray(at, dtype=float)))
        assert np.abs(shift).max() < 0.2 * gaps.min()
    marks = [list(line.get_ydata()) for line in ax.get_lines() if line.get_marker() == "_"]
    assert marks == [seeds for way in used for seeds in ROWS[way]]
    (guess,) = (line for line in ax.get_lines() if set(line.get_ydata()) == {0.5} and len(line.get_xdata()) == 2)
    assert guess.get_linestyle() != "-" and written(figure) == [language.say("curves.guessing")]
    low, high = ax.get_ylim()
    assert low < 0.5 and low < min(min(marks)) and high > 1


def test_a_way_looks_alike_in_both_pictures() -> None:
    def looks(figure: Figure) -> dict[str, tuple[str, str, str]]:
        lines = (line for line in figure.axes[0].get_lines() if not line.get_label().startswith("_"))
        return {line.get_label(): (line.get_linestyle(), line.get_marker(), line.get_color()) for line in lines}

    every = looks(CURVES["few_labels"]())
    assert len(every) == 4
    for figure in (CURVES["pretraining_steps"](), VARIANTS["few_labels, one"]()):
        assert looks(figure).items() <= every.items()


def test_no_pretraining_has_its_place_on_the_axis() -> None:
    ax = CURVES["pretraining_steps"]().axes[0]
    ax.figure.draw_without_rendering()
    assert list(ax.get_xticks()) == PRETRAINED
    places = ax.xaxis.get_transform().transform(np.array(PRETRAINED, dtype=float))
    gaps = np.diff(places)
    assert gaps.min() > 0.8 * gaps.max(), "0 stands no further from the next than the others"


@both_languages
def test_corruption_is_grouped_by_what_stands_there(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["corruption"]()
    ax = figure.axes[0]
    drawn = bars(figure)
    assert [bar.get_height() for bar in drawn] == pytest.approx(
        [np.mean(SPOILT[recipe][fate]) for recipe in SPOILT for fate in curves.FATES]
    )
    for bar, place in zip(drawn, [*range(3), *range(3)], strict=True):
        assert abs(bar.get_x() + bar.get_width() / 2 - place) < 0.25
    for one, other in zip(drawn[:3], drawn[3:], strict=True):
        assert one.get_x() + one.get_width() < other.get_x()
        assert contrast(to_hex(one.get_facecolor()), to_hex(other.get_facecolor())) > 3
        assert one.get_hatch() != other.get_hatch()
    seeds = [list(line.get_ydata()) for line in ax.get_lines()]
    assert seeds == [SPOILT[recipe][fate] for recipe in SPOILT for fate in curves.FATES]
    assert written(figure)[0] == "60.5\u00a0%" and written(figure)[4] == "5.0\u00a0%"
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        language.say(f"curves.fate-{curves._slug(fate)}") for fate in curves.FATES
    ]
    lonely = curves.corruption({"100 % [MASK]": {"unchanged": [0.5]}}).axes[0]
    assert not lonely.get_lines(), "one seed needs no mark"
    (bar,) = bars(lonely.figure)
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(2), "its group keeps its place"


def test_the_shares_that_fit_stand_in_the_order_given() -> None:
    figure = CURVES["fitting"]()
    ax = figure.axes[0]
    assert [bar.get_width() for bar in bars(figure)] == list(SHARES.values())
    assert [label.get_text() for label in ax.get_yticklabels()] == list(SHARES)
    assert written(figure) == ["98.0\u00a0%", "95.3\u00a0%", "40.0\u00a0%", "0\u00a0%"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_xlim()[0] == 0


def test_the_slopes_of_the_cost_are_those_of_its_ends() -> None:
    figure = CURVES["cache_cost"]()
    ax = figure.axes[0]
    anew, cached = ax.get_lines()
    assert list(anew.get_ydata()) == ANEW and list(cached.get_ydata()) == CACHE
    assert_differ_by_more_than_colour([anew, cached])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    for text, power in zip(
        curves.cache_cost([1, 2, 4], [1, 2, 4], [1, 8, 64]).axes[0].texts, ("3.0", "1.0"), strict=True
    ):
        assert text.get_text().endswith(f" {power}")
    # The slope of the end, not of the whole.
    bent = curves.cache_cost([1, 10, 100], [1, 10, 1000], [1, 10, 10]).axes[0].texts
    assert [text.get_text().split()[-1] for text in bent] == ["0.0", "2.0"]


def test_the_temperatures_stand_side_by_side() -> None:
    figure = CURVES["temperature_curves"]()
    drawn = bars(figure)
    assert [bar.get_height() for bar in drawn] == [x for row in TEMPERATURES.values() for x in row]
    n = len(NEXT)
    for i in range(n):
        group = [drawn[i + n * k] for k in range(3)]
        for one, other in itertools.pairwise(group):
            assert one.get_x() + one.get_width() == pytest.approx(other.get_x())
        assert abs(group[1].get_x() + group[1].get_width() / 2 - i) < 1e-9
    for one, other in combinations(curves.BARS, 2):
        lightness = contrast(to_hex(one["facecolor"]), to_hex(other["facecolor"]))
        assert one.get("hatch") != other.get("hatch") or lightness > 1.5
    names = [text.get_text().split()[-1] for text in figure.legends[0].get_texts()]
    assert names == ["0.5", "1", "2"]
    assert {label.get_rotation() for label in figure.axes[0].get_xticklabels()} == {0}
    long = VARIANTS["temperature_curves, long words"]()
    assert {label.get_rotation() for label in long.axes[0].get_xticklabels()} == {90}


def test_what_does_not_fit_together_is_refused() -> None:
    for call, message in (
        (lambda: curves.loss_and_entropy([1, 2], [1.0], 0.9), "1 values for 2"),
        (lambda: curves.scaling([10, 20], {10: [1.0]}), "20"),
        (lambda: curves.scaling([], {}), "no values"),
        (lambda: curves.scaling([10], {10: [0.1, 0.0]}), "logarithmic"),
        (lambda: curves.few_labels([4], {"zero-shot": [[0.5]]}), "zero-shot"),
        (lambda: curves.few_labels([4, 8], {"fine-tuned": [[0.5]]}), "1 values for 2"),
        (lambda: curves.pretraining_steps([0, 8], {}), "fine-tuned"),
        (lambda: curves.pretraining_steps([0, 8], {"from scratch": [[0.5]]}), "1 values for 2"),
        (lambda: curves.corruption({"50/50": {}}), "50/50"),
        (lambda: curves.corruption({"80/10/10": {"deleted": [1.0]}}), "deleted"),
        (lambda: curves.fitting({}), "shares"),
        (lambda: curves.fitting({"GPT": 98.0}), "shares"),
        (lambda: curves.cache_cost([1, 2], [1], [1, 2]), "1 values for 2"),
        (lambda: curves.cache_cost([1], [1], [1]), "two lengths"),
        (lambda: curves.temperature_curves(["a"], {t: [1.0] for t in range(5)}), "5 curves"),
        (lambda: curves.temperature_curves(["a", "b"], {1.0: [1.0]}), "1 values for 2"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
