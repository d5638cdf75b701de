"""The figures of lesson 07: the diagrams show what the formulas give, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import math
import re
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
    places,
    said,
    session_as_it_was,
    written,
)
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, PathPatch, Rectangle

from course_lib import language
from course_lib.figures import decoder as diagrams
from course_lib.figures import decoder_curves as curves
from course_lib.figures import draw, drawings
from course_lib.figures.draw import Box
from course_lib.figures.layout import problems
from course_lib.figures.style import COLOURS, contrast

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("decoder_curves")
CARDS = {"transformer", "decoder_block", "training_mask"}
DIAGRAMS = {"shift_by_one", "late_mask", "beam_tree", "swap", *CARDS}


# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_decoder")}
    assert {name for name in DIAGRAMS if drawings()[name].card} == CARDS


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("transformer", {"output"}),
        ("decoder_block", {"query", "key", "value", "output"}),
        ("training_mask", {"query", "key"}),
        ("shift_by_one", {"output"}),
        ("late_mask", set()),
        ("beam_tree", set()),
        ("swap", {"output"}),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


@both_languages
def test_nothing_but_the_memory_goes_from_the_encoder_to_the_decoder(lang: str) -> None:
    language.use_language(lang)
    (memory,) = box_of("transformer", said("transformer", "memory"))
    (cross,) = box_of("transformer", said("transformer", "cross"))
    rest = box_of("transformer", said("transformer", "rest"))[1]
    between = (memory.right + cross.x) / 2
    over = [
        stroke
        for stroke in canvas("transformer").strokes
        if min(x for x, _ in stroke.points) < between < max(x for x, _ in stroke.points)
    ]
    assert {ends(stroke) for stroke in over} == {
        (memory.right_at(), cross.left_at()),
        (memory.right_at(), rest.left_at()),
    }


@both_languages
def test_the_columns_of_the_transformer_stand_in_the_order_of_the_computation(lang: str) -> None:
    language.use_language(lang)
    written = places("transformer")
    parts = ("LayerNorm", "{}", "+")
    encoder = [*parts, *parts, "rest", "LayerNorm", "memory"]
    decoder = [*parts, *parts, *parts, "rest", "LayerNorm", "linear", "softmax", "result"]
    for title, names, column in (
        ("encoder", ("attention", "ffn"), encoder),
        ("decoder", ("masked", "cross", "ffn"), decoder),
    ):
        (cx,) = {x for x, _, text in written if text == said("transformer", title)}
        upwards = [text for x, y, text in sorted(written, key=lambda at: -at[1]) if abs(x - cx) < 1]
        wanted: list[str] = [title, "vectors"]
        left = iter(names)
        wanted += [next(left) if part == "{}" else part for part in column]
        first_lines = [
            said("transformer", word).split("\n")[0]
            if word.isalpha() and word not in ("LayerNorm", "softmax")
            else word
            for word in wanted
        ]
        assert [text for text in upwards if text in first_lines] == first_lines
    for size in (r"$T_s \times D$", r"$T \times D$", r"$T \times n_{vocab}$"):
        assert size in labels("transformer")


@both_languages
def test_query_from_the_stream_key_and_value_from_the_memory(lang: str) -> None:
    language.use_language(lang)
    (cross,) = box_of("decoder_block", said("decoder_block", "cross"))
    (memory,) = box_of("decoder_block", said("decoder_block", "memory"))
    lines = {ends(stroke) for stroke in canvas("decoder_block").strokes}
    for letter in "KV":
        (matrix,) = box_of("decoder_block", f"$W_{letter}$")
        assert ((memory.x, matrix.cy), matrix.right_at()) in lines
        assert (matrix.left_at(), (cross.right, matrix.cy)) in lines and cross.y < matrix.cy < cross.bottom
    (query,) = box_of("decoder_block", "$W_Q$")
    assert (query.top_at(), cross.bottom_at()) in lines and query.cx == cross.cx
    # From the bottom up, on the stream.
    stream = [text for x, y, text in sorted(places("decoder_block"), key=lambda at: -at[1]) if abs(x - cross.cx) < 1]
    names = {part: said("decoder_block", part).split("\n")[0] for part in ("masked", "cross", "ffn", "input", "output")}
    order = ["LayerNorm", "masked", "+", "LayerNorm", "$W_Q$", "cross", "+", "LayerNorm", "ffn", "+"]
    wanted = [names.get(part, part) for part in ["input", *order, "output"]]
    assert [text for text in stream if text in wanted] == wanted
    # Each of the three residual connections begins below LayerNorm and ends at the sum.
    around = [s for s in canvas("decoder_block").strokes if len(s.points) == 4]
    norms = sorted(box_of("decoder_block", "LayerNorm"), key=lambda box: -box.y)
    sums = sorted(box_of("decoder_block", "+"), key=lambda box: -box.y)
    assert len(around) == len(norms) == len(sums) == 3
    for stroke, norm, plus in zip(around, norms, sums, strict=True):
        assert stroke.points[0][1] > norm.bottom and stroke.points[-1] == plus.left_at()


def dots(name: str) -> list[tuple[float, float]]:
    return [
        tuple(float(part) for part in patch.center)
        for patch in diagram(name).axes[0].patches
        if isinstance(patch, Circle) and to_hex(patch.get_facecolor()).upper() == COLOURS["ink"]
    ]


def test_a_row_of_the_mask_sees_the_start_and_not_its_answer() -> None:
    figure = diagram("training_mask")
    (grid,) = (place for place in figure.drawing.boxes if len(cells(figure, place)) == 5)
    side, height = grid.w / 5, grid.h / 5

    def at(points: list[tuple[float, float]]) -> set[tuple[int, int]]:
        return {
            (int((y - grid.y) // height), int((x - grid.x) // side))
            for x, y in points
            if grid.x < x < grid.right and grid.y < y < grid.bottom
        }

    assert at(dots("training_mask")) == {(i, j) for i in range(5) for j in range(i + 1)}
    assert at(crosses("training_mask")) == {(i, j) for i in range(5) for j in range(i + 1, 5)}
    framed = [
        (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2)
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_facecolor()[3] == 0 and patch.get_linewidth() > 1.8 * draw.POINT
    ]
    written = places("training_mask")
    read, answers = [], []
    for i in range(5):
        middle = grid.y + height * (i + 0.5)
        row = sorted((x, text) for x, y, text in written if abs(y - middle) < 10)
        read.append(row[0][1])
        answers.append(row[-1][1])
    assert answers == [*read[1:], "</s>"]
    columns = sorted((x, text) for x, y, text in written if grid.y - 25 < y < grid.y and x < grid.right)
    assert [text for _, text in columns] == read
    assert at(framed) == {(i, read.index(answer)) for i, answer in enumerate(answers) if answer in read}


@both_languages
def test_every_target_is_the_next_input(lang: str) -> None:
    language.use_language(lang)
    drawn = canvas("shift_by_one")
    above, below = (sorted((b for b in drawn.boxes if b.y == y), key=lambda b: b.x) for y in (20, 108))

    def word(box: Box) -> str:
        (found,) = (text for x, y, text in places("shift_by_one") if box.x < x < box.right and box.y < y < box.bottom)
        return found

    given, wanted = [word(box) for box in above], [word(box) for box in below]
    assert given[1:] == wanted[:-1] and given[0] == "<s>" and set(wanted[-2:]) == {"<pad>"}
    down = [ends(stroke) for stroke in drawn.strokes if stroke.touches == (True, True)]
    assert down == [(one.bottom_at(), other.top_at()) for one, other in zip(above, below, strict=True)]
    struck = {round(box.cx) for box, word in zip(below, wanted, strict=True) if word == "<pad>"}
    assert {x for x, _ in crosses("shift_by_one")} == struck
    assert len([word for word in wanted if word != "<pad>"]) == 6, "as the label says"


@both_languages
def test_the_late_mask_computes_what_it_shows(lang: str) -> None:
    language.use_language(lang)
    figure = diagram("late_mask")
    written = places("late_mask")
    grids = []
    for place in (place for place in figure.drawing.boxes if len(cells(figure, place)) == 3):
        rows = [
            [
                text
                for x, y, text in sorted(written)
                if place.x < x < place.right and place.y + place.h * i / 3 < y < place.y + place.h * (i + 1) / 3
            ]
            for i in range(3)
        ]
        grids.append((place, rows))
    upper, lower = ([rows for place, rows in sorted(grids, key=lambda g: g[0].x) if (place.y < 180) == top]
                    for top in (True, False))  # fmt: skip
    scores = np.array(diagrams.SCORES, dtype=float)
    seen = np.tril(np.ones((3, 3), dtype=bool))
    full = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    masked = np.exp(scores) * seen / (np.exp(scores) * seen).sum(1, keepdims=True)
    for grid in (upper[0], lower[0]):
        assert np.array(grid, dtype=float).tolist() == scores.tolist()
    assert [[text == "−∞" for text in row] for row in upper[1]] == (~seen).tolist()
    assert np.array(upper[2], dtype=float) == pytest.approx(masked, abs=0.005)
    assert np.array(lower[1], dtype=float) == pytest.approx(full, abs=0.005)
    assert np.array(lower[2], dtype=float) == pytest.approx(full * seen, abs=0.005)
    sums = [text for x, y, text in sorted(written, key=lambda at: at[1]) if re.fullmatch(r"\d\.\d\d", text) and x > 655]
    assert sums == [f"{x:.2f}" for x in (*masked.sum(1), *(full * seen).sum(1))]
    assert labels("late_mask").count("< 1") == sum((full * seen).sum(1) < 0.99) == 2
    numbers = set(re.findall(r"\d\.\d\d", said("late_mask", "alt")))
    assert numbers == {text for grid in (upper[2], *lower[1:]) for row in grid for text in row if "." in text} | set(
        sums
    )


# ---------------------------------------------------------------- beam search

BY_HAND = [
    {"": {"a": 0.6, "b": 0.4}},
    {"a": {"a": 0.35, "b": 0.35, "</s>": 0.3}, "b": {"a": 0.05, "b": 0.05, "</s>": 0.9}},
    {"a a": {"a": 0.3, "b": 0.2, "</s>": 0.5}},
]


def test_the_two_most_probable_texts_are_kept() -> None:
    levels = diagrams.beam_levels(BY_HAND)
    assert [{" ".join(one.tokens) for one in level if one.kept} for level in levels] == [
        {"a", "b"},
        {"a a", "b </s>"},
        {"a a a", "a a </s>"},
    ]
    # It is the whole text that counts, not its last token.
    misled = diagrams.beam_levels([{"": {"a": 0.9, "b": 0.1}}, {"a": {"a": 0.6, "b": 0.4}, "b": {"a": 1.0}}])
    assert [one.tokens for one in misled[1] if one.kept] == [("a", "a"), ("a", "b")]
    for level in (*levels, *misled, *diagrams.EXAMPLE):
        kept, dropped = ([one.total for one in level if one.kept == fate] for fate in (True, False))
        assert len(kept) == 2 and min(kept) >= max(dropped, default=0)
        for one in level:
            assert one.total <= one.step


def lines_to(figure: Figure, colour: str, width: float) -> set[tuple[float, float]]:
    """Where the lines of one look end, without those of the legend."""
    found = set()
    for patch in figure.axes[0].patches:
        if (
            isinstance(patch, PathPatch)
            and to_hex(patch.get_edgecolor()).upper() == COLOURS[colour]
            and patch.get_linewidth() == pytest.approx(width * draw.POINT)
        ):
            start, end = patch.get_path().vertices[[0, -1]]
            if start[1] < 420:
                # The line stops short of its arrow's tip, in the direction of the tip.
                tips = {s.points[-1] for s in figure.drawing.strokes if math.dist(s.points[0], start) < 1e-6}
                found.add(min(tips, key=lambda tip: math.dist(tip, end)))
    return found


@pytest.mark.parametrize("levels", [diagrams.EXAMPLE, diagrams.beam_levels(BY_HAND), diagrams.beam_levels(BY_HAND[:2])])
def test_the_tree_shows_the_numbers_and_the_two_ways(levels: diagrams.Levels) -> None:
    figure = diagrams.beam_tree(levels)
    assert problems(figure) == []
    drawn = figure.drawing
    at = {}
    for label in drawn.labels:
        x, y = label.artist.get_position()
        for box in drawn.boxes:
            if box.w == 148 and box.x < x < box.right and box.y < y < box.bottom:
                at.setdefault(box, []).append(label.artist.get_text())
    found = {lines[0]: (box, lines[1]) for box, lines in at.items()}
    before = {(): 1.0}
    for level in levels:
        for one in level:
            box, product = found.pop(" ".join(one.tokens))
            factors, _, total = product.rpartition(" = ")
            assert float(total) == pytest.approx(one.total, rel=5e-3)
            if factors:
                parent = before[one.tokens[:-1]]
                assert [float(x) for x in factors.split(" × ")] == pytest.approx([parent, one.step], rel=5e-3)
            before[one.tokens] = one.total
            at[one.tokens] = box
    assert not found, "a box without a candidate"
    greedy, best = (), max(
        (one for level in levels for one in level if one.kept and one.tokens[-1] == "</s>"), key=lambda one: one.total
    ).tokens  # fmt: skip
    for level in levels:
        children = [one for one in level if one.tokens[:-1] == greedy]
        greedy = max(children, key=lambda one: one.step).tokens if children else greedy
    for text, (colour, width) in ((best, ("ink", 3.6)), (greedy, ("warning", 2.4))):
        assert lines_to(figure, colour, width) == {at[text[: i + 1]].left_at() for i in range(len(text))}
    assert greedy[0] == "a" and best[0] == "b", "greedy search misses the best text"


def test_a_dropped_candidate_is_dashed_and_crossed() -> None:
    figure = diagram("beam_tree")
    dropped = sum(not one.kept for level in diagrams.EXAMPLE for one in level)
    dashed = [p for p in figure.axes[0].patches if p.get_linestyle() not in ("-", "solid") and p.get_linewidth() < 1]
    assert len(crosses("beam_tree")) == len(dashed) == dropped + 1, "one of each is the legend's"


def test_a_tree_that_does_not_fit_is_refused() -> None:
    one = diagrams.Candidate(("a",), 0.5, 0.5, True)
    other = diagrams.Candidate(("b", "a"), 0.5, 0.25, True)
    wrong = diagrams.Candidate(("a", "a"), 0.5, 0.3, True)
    for levels, message in (
        ([[one]] * 4, "3 steps"),
        ([[one] * 7], "6 candidates"),
        ([], "3 steps"),
        ([[one], []], "6 candidates"),
        ([[one], [other]], "does not continue"),
        ([[one], [wrong]], "not the product"),
    ):
        with pytest.raises(ValueError, match=message):
            diagrams.beam_tree(levels)


# ---------------------------------------------------------------- exchanging encoders


def test_only_the_encoder_trained_apart_has_other_axes_and_only_a_finished_decoder_a_lock() -> None:
    figure = diagram("swap")
    circles = [box for box in figure.drawing.boxes if box.w == box.h == 52]
    assert len(circles) == 9
    leans = {}
    for box in circles:
        arms = [
            stroke
            for stroke in figure.drawing.strokes
            if all(box.x < x < box.right and box.y < y < box.bottom for x, y in stroke.points)
        ]
        assert len(arms) == 2 and arms[0].points[0] == arms[1].points[0]
        (x, y), (to_x, to_y) = ends(arms[0])
        leans[box] = round(math.degrees(math.atan2(y - to_y, to_x - x)))
    (turned,) = (box for box, lean in leans.items() if lean)
    assert leans[turned] == diagrams.TURNED and 253 < turned.cx < 506
    (question,) = (x for x, _, text in places("swap") if text == "?")
    assert abs(question - turned.cx) < 30
    (lock,) = (patch for patch in figure.axes[0].patches if isinstance(patch, Arc))
    assert lock.center[0] > 506


# ---------------------------------------------------------------- curves

STEPS = np.arange(1, 401)
RATES = {
    "inverse_root": 1e-3 * np.minimum(STEPS / 80, (STEPS / 80) ** -0.5),
    "linear": 1e-3 * np.minimum(STEPS / 80, (400 - STEPS) / 320),
}
LOSSES = np.array([5.0, 2.0, 0.8, 0.3, 0.05, 0.01])
SMOOTHED = [0.025, 0.025, 0.925, 0.025]
ONE_HOT = [0.0, 0.0, 1.0, 0.0]
ROWS = {
    "full": ([0.004, 0.006], [0.99, 0.98], [0.97, 0.99]),
    "mask": ([0.0004, 0.0006], [0.0, 0.0], [0.0, 0.0]),
    "mask before softmax": ([0.007, 0.006], [0.97, 0.98], [1.0, 1.0]),
    "distant tokens": ([0.02, 0.03], [0.8, 0.7], [0.6, 0.65]),
    "source positions": ([0.13, 0.12], [0.9, 0.5], [0.4, 0.45]),
    "cross-attention": ([1.0, 1.02], [0.0, 0.0], [0.0, 0.0]),
}
MODELS = {
    "T5-base": {"embedding": 0.11, "blocks": 0.89},
    "Llama 3 8B": {"embedding": 0.065, "read-out": 0.065, "blocks": 0.87},
    "one": {"embedding": 0.2, "read-out": 0.14, "blocks": 0.66},
}
SOURCE = ("the", "animal", "didn't", "cross", "the", "street", ".")
TARGET = ("животное", "не", "перешло", "улицу", ",", ".")
MARKS = ((1,), (2,), (2, 3), (5,), (), (6,))
WEIGHTS = np.arange(42).reshape(6, 7) / 41
SHARES = {"subject": 0.99, "verb": 0.85, "object": 1.0, "adjective": 0.953, "pronoun": 0.34, "copula": 0.2, "rest": 0.0}
PRONOUNS = {
    "place": {"majority": [0.54], "bag": [0.93, 0.94], "translator": [0.99, 1.0]},
    "roles": {"majority": [0.5], "bag": [0.51, 0.52], "translator": [0.97, 1.0]},
}
LONG = ("neighbourhood", "extraordinarily", "железнодорожный", "предупреждением") * 4
CURVES: dict[str, Callable[[], Figure]] = {
    "schedules": lambda: curves.schedules(STEPS, RATES),
    "loss_against_entropy": lambda: curves.loss_against_entropy(range(0, 600, 100), LOSSES, 0.99),
    "smoothed_target": lambda: curves.smoothed_target(
        {"one-hot": ONE_HOT, "smoothed": SMOOTHED}, {"one-hot": ONE_HOT, "smoothed": SMOOTHED}
    ),
    "without_parts": lambda: curves.without_parts(ROWS),
    "output_share": lambda: curves.output_share(MODELS),
    "alignment": lambda: curves.alignment(WEIGHTS, SOURCE, TARGET, MARKS),
    "alignment_share": lambda: curves.alignment_share(SHARES),
    "pronouns": lambda: curves.pronouns(PRONOUNS),
}
VARIANTS: dict[str, Callable[[], Figure]] = CURVES | {
    "alignment, as many as fit": lambda: curves.alignment(np.ones((16, 16)), LONG, LONG, [(i,) for i in range(16)]),
    "schedules, a late peak": lambda: curves.schedules(STEPS, {"linear": STEPS / 400}),
    "without_parts, few": lambda: curves.without_parts({name: ROWS[name] for name in ("full", "mask")}),
    "output_share, one": lambda: curves.output_share({"one": MODELS["one"]}),
    "loss_against_entropy, never below": lambda: curves.loss_against_entropy([1, 2, 3], [5.0, 3.0, 2.0], 0.99),
}


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, CURVES)


@pytest.mark.parametrize("file", ["decoder_curves", "figures_decoder"])
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


@both_languages
def test_schedules_are_drawn_as_given_and_their_peak_is_marked(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["schedules"]()
    ax = figure.axes[0]
    *shown, mark = ax.get_lines()
    for line, rates in zip(shown, RATES.values(), strict=True):
        assert (np.asarray(line.get_xdata()) == STEPS).all() and (np.asarray(line.get_ydata()) == rates).all()
    assert_differ_by_more_than_colour(shown)
    assert list(mark.get_xdata()) == [80, 80] and written(figure)[0].endswith(" 80")
    assert ax.get_xscale() == ax.get_yscale() == "linear" and ax.get_ylim()[0] == 0
    late = VARIANTS["schedules, a late peak"]().axes[0]
    assert list(late.get_lines()[-1].get_xdata()) == [400, 400] and late.texts[0].get_ha() == "right"


@both_languages
def test_the_loss_is_drawn_against_the_least_without_the_source(lang: str) -> None:
    language.use_language(lang)
    ax = CURVES["loss_against_entropy"]().axes[0]
    loss, least = ax.get_lines()
    assert list(loss.get_ydata()) == LOSSES.tolist() and set(least.get_ydata()) == {0.99}
    assert ax.get_yscale() == "log" and loss.get_linestyle() != least.get_linestyle()
    assert "0.99" in least.get_label()
    low, high = ax.get_ylim()
    assert low < 0.01 and high > 5
    # The text stays clear of a curve that is low from the first steps on.
    ax = curves.loss_against_entropy(range(20), [5.0] + [0.01] * 19, 0.99).axes[0]
    (note,), loss = ax.texts, ax.get_lines()[0]
    ax.figure.draw_without_rendering()
    points = ax.transData.transform(np.column_stack([loss.get_xdata(), loss.get_ydata()]))
    assert points[:, 1].min() > note.get_window_extent().y1 + 3


@both_languages
def test_targets_and_predictions_stand_side_by_side(lang: str) -> None:
    language.use_language(lang)
    off = [0.02, 0.02, 0.94, 0.02]
    figure = curves.smoothed_target({"one-hot": ONE_HOT, "smoothed": SMOOTHED}, {"one-hot": off, "smoothed": SMOOTHED})
    for number, (target, predicted) in enumerate(((ONE_HOT, off), (SMOOTHED, SMOOTHED))):
        drawn = bars(figure, number)
        assert [bar.get_height() for bar in drawn] == [*target, *predicted]
        for one, other in zip(drawn[:4], drawn[4:], strict=True):
            assert one.get_x() + one.get_width() == pytest.approx(other.get_x())
            assert contrast(to_hex(one.get_facecolor()), to_hex(other.get_facecolor())) > 3
        assert [float(text) for text in written(figure, number)] == pytest.approx(target)
    assert "0.025" in written(figure, 1) and "0.925" in said("smoothed_target", "alt")


@both_languages
def test_the_bars_without_a_part_are_the_means_with_their_seeds(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["without_parts"]()
    for number in range(3):
        ax = figure.axes[number]
        means = [np.mean(row[number]) for row in ROWS.values()]
        assert [bar.get_width() for bar in bars(figure, number)] == pytest.approx(means)
        assert [list(line.get_xdata()) for line in ax.get_lines()] == [list(row[number]) for row in ROWS.values()]
        for bar, line in zip(bars(figure, number), ax.get_lines(), strict=True):
            assert set(line.get_ydata()) == {bar.get_y() + bar.get_height() / 2}
        assert ax.get_xlim()[0] == 0
    assert written(figure)[:2] == ["0.005", "0.0005"] and written(figure)[-1] == "1.01"
    assert written(figure, 1)[0] == "98.5\u00a0%" and written(figure, 1)[1] == "0\u00a0%"
    assert written(figure, 2)[2] == "100\u00a0%"
    first = figure.axes[0]
    names = [label.get_text() for label in first.get_yticklabels()]
    assert names == [language.say(f"curves.without-{name.replace(' ', '-')}") for name in curves.WITHOUT]
    assert first.get_ylim()[0] > first.get_ylim()[1], "the complete model stands at the top"
    full, *others = bars(figure)
    assert all(contrast(to_hex(full.get_facecolor()), to_hex(bar.get_facecolor())) > 3 for bar in others)


def test_the_shares_of_the_output_stand_one_after_the_other() -> None:
    figure = CURVES["output_share"]()
    ax = figure.axes[0]
    start = dict.fromkeys(MODELS, 0.0)
    drawn = iter(bars(figure))
    for part in curves.PARTS:
        for model, parts in MODELS.items():
            bar = next(drawn)
            assert bar.get_width() == pytest.approx(parts.get(part, 0)) and bar.get_x() == pytest.approx(start[model])
            start[model] += bar.get_width()
    assert list(start.values()) == pytest.approx([1, 1, 1])
    assert sorted(written(figure)) == sorted(
        f"{100 * share:.0f}\u00a0%" for parts in MODELS.values() for share in parts.values() if share >= 0.08
    )
    for text in ax.texts:
        assert contrast(to_hex(text.get_color()), to_hex(text.get_bbox_patch().get_facecolor())) >= 4.5
    for one, other in combinations(curves.PARTS.values(), 2):
        lightness = contrast(to_hex(one["facecolor"]), to_hex(other["facecolor"]))
        assert one.get("hatch") != other.get("hatch") or lightness > 2
    (legend,) = curves.output_share({"T5-base": MODELS["T5-base"]}).legends
    assert len(legend.get_texts()) == 2, "a part that no model has is not named"


def test_the_alignment_is_shown_as_it_is_with_its_marks() -> None:
    ax, _ = CURVES["alignment"]().axes
    (image,) = ax.images
    assert (np.asarray(image.get_array()) == WEIGHTS).all() and image.get_clim() == (0, 1)
    assert image.get_cmap().name == "cividis" and ax.get_ylim() == (5.5, -0.5)
    assert [label.get_text() for label in ax.get_xticklabels()] == list(SOURCE)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(TARGET)
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {90}
    framed = {}
    for patch in bars(ax.figure):
        middle = (round(patch.get_y() + patch.get_height() / 2), round(patch.get_x() + patch.get_width() / 2))
        framed.setdefault(middle, []).append(to_hex(patch.get_edgecolor()).upper())
    assert set(framed) == {(row, column) for row, columns in enumerate(MARKS) for column in columns}
    # A white line below a dark one: one of the two is seen on every shade.
    shades = [to_hex(image.get_cmap()(value)) for value in np.linspace(0, 1, 21)]
    for lines in framed.values():
        assert lines == ["#FFFFFF", COLOURS["ink"]]
        assert all(max(contrast(line, shade) for line in lines) > 3 for shade in shades)


@both_languages
def test_the_words_that_only_the_source_tells_stand_apart(lang: str) -> None:
    language.use_language(lang)
    # In any order: the picture has its own.
    figure = curves.alignment_share(dict(reversed(SHARES.items())))
    ax = figure.axes[0]
    kinds = (*curves.FROM_SOURCE, *curves.OTHER_WORDS)
    assert [bar.get_width() for bar in bars(figure)] == [SHARES[kind] for kind in kinds]
    assert [label.get_text() for label in ax.get_yticklabels()] == [language.say(f"curves.word-{k}") for k in kinds]
    steps = np.diff(ax.get_yticks())
    assert steps[3] > 1.5 and set(np.delete(steps, 3).round(6)) == {1.0}
    assert written(figure)[2:4] == ["100\u00a0%", "95.3\u00a0%"] and written(figure)[-1] == "0\u00a0%"
    faces = [to_hex(bar.get_facecolor()) for bar in bars(figure)]
    assert len(set(faces[:4])) == len(set(faces[4:])) == 1 and contrast(faces[0], faces[4]) > 3


@both_languages
def test_pronouns_are_grouped_and_told_apart_without_colour(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["pronouns"]()
    for number, group in enumerate(PRONOUNS):
        assert (
            figure.axes[number].get_title(loc="left").casefold() == language.say(f"curves.pronouns-{group}").casefold()
        )
        drawn = bars(figure, number)
        assert [bar.get_width() for bar in drawn] == pytest.approx(
            [np.mean(PRONOUNS[group][n]) for n in curves.GUESSERS]
        )
        assert sum(len(line.get_xdata()) for line in figure.axes[number].get_lines()) == 4, "one seed needs no mark"
    for one, other in combinations(curves.GUESSERS.values(), 2):
        lightness = contrast(to_hex(one["facecolor"]), to_hex(other["facecolor"]))
        assert one.get("hatch") != other.get("hatch") or lightness > 2


def test_a_mark_stands_inside_the_axes_and_its_number_past_it() -> None:
    figure = CURVES["without_parts"]()
    figure.draw_without_rendering()
    for ax in figure.axes:
        for line, text in zip(ax.get_lines(), ax.texts, strict=True):
            furthest = ax.transData.transform((max(line.get_xdata()), 0))[0]
            assert text.get_window_extent().x0 > furthest + 2


def test_what_does_not_fit_together_is_refused() -> None:
    for call, message in (
        (lambda: curves.schedules(STEPS, {"cosine": STEPS}), "cosine"),
        (lambda: curves.schedules(STEPS, {}), "inverse_root"),
        (lambda: curves.loss_against_entropy([1, 2], [1.0, 0.0], 0.9), "logarithmic"),
        (lambda: curves.smoothed_target({"flat": [1.0]}, {"flat": [1.0]}), "flat"),
        (lambda: curves.smoothed_target({"one-hot": [1.0]}, {"one-hot": [0.5, 0.5]}), "lengths"),
        (lambda: curves.without_parts({"residual": ([1], [1], [1])}), "residual"),
        (lambda: curves.output_share({"GPT-2": {"head": 1.0}}), "head"),
        (lambda: curves.alignment(WEIGHTS, SOURCE[1:], TARGET, MARKS), "for 6 and 6 words"),
        (lambda: curves.alignment(WEIGHTS, SOURCE, TARGET, MARKS[1:]), "5 marks"),
        (lambda: curves.alignment(np.ones((1, 17)), ["the"] * 17, ["он"], [()]), "17 words"),
        (lambda: curves.alignment_share({"article": 1.0}), "article"),
        (lambda: curves.pronouns({"weather": {}}), "weather"),
        (lambda: curves.pronouns({"place": {"oracle": [1.0]}}), "oracle"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
