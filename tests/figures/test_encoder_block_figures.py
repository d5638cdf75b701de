"""The figures of lesson 06: the diagrams show what the formulas give, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

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
    both_languages,
    catalogue,
    cells,
    colours,
    diagram,
    labels,
    matrices,
    said,
    session_as_it_was,
)
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib import language
from course_lib.figures import draw, drawings
from course_lib.figures import encoder_block as diagrams
from course_lib.figures import encoder_block_curves as curves
from course_lib.figures.draw import Box, Stroke
from course_lib.figures.style import COLOURS, contrast

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("encoder_block_curves")
CARDS = {"ffn_memory", "norm_axes", "norm_orders"}
DIAGRAMS = {"sub_layers", "residual_paths", *CARDS}


def strokes(name: str) -> list[Stroke]:
    return diagram(name).drawing.strokes


def places(name: str) -> dict[str, list[tuple[float, float]]]:
    """Where each text of a diagram stands."""
    found: dict[str, list[tuple[float, float]]] = {}
    for label in diagram(name).drawing.labels:
        found.setdefault(label.artist.get_text(), []).append(label.artist.get_position())
    return found


def frames(name: str) -> list[Box]:
    """The unfilled rectangles with a bold edge, without the outlines of matrices."""
    found = []
    for patch in diagram(name).axes[0].patches:
        if isinstance(patch, Rectangle) and patch.get_facecolor()[3] == 0 and patch.get_linewidth() > 1.8 * draw.POINT:
            found.append(Box(*patch.get_xy(), patch.get_width(), patch.get_height()))
    return found


# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_encoder_block")}
    assert {name for name in DIAGRAMS if drawings()[name].card} == CARDS


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("sub_layers", {"output"}),
        ("ffn_memory", {"key", "value", "output"}),
        ("residual_paths", set()),
        ("norm_axes", set()),
        ("norm_orders", {"output"}),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


def test_attention_joins_every_column_to_every_other_and_the_feed_forward_layer_none() -> None:
    figure = diagram("sub_layers")
    rows: dict[float, list[Box]] = {}
    for place in figure.drawing.boxes:
        if cells(figure, place):
            rows.setdefault(place.y, []).append(place)
    above, middle, below = (sorted(rows[y], key=lambda place: place.x) for y in sorted(rows))
    centres = [place.cx for place in below]
    assert len(centres) == 3 and all([place.cx for place in row] == centres for row in (middle, above))
    pairs = set()
    for stroke in strokes("sub_layers"):
        (x, y), (to_x, to_y) = stroke.points[0], stroke.points[-1]
        if y == below[0].y and to_y == middle[0].bottom:
            column = [min(range(3), key=lambda i: abs(centres[i] - at)) for at in (x, to_x)]
            pairs.add(tuple(column))
        elif y <= middle[0].y:
            assert max(abs(centre - at) for centre, at in zip(*[[min(centres, key=lambda c: abs(c - x))] * 2, (x, to_x)],
                       strict=True)) < 68, "a line leaves its column"  # fmt: skip
    assert pairs == {(i, j) for i in range(3) for j in range(3)}


def test_the_vectors_of_the_columns_are_those_of_the_formulas() -> None:
    vectors = np.array(draw.numbers(3, diagrams.SIZE, seed=9))
    powers = np.exp(2 * np.array(draw.numbers(3, 3, seed=3)))
    mixed = powers / powers.sum(axis=1, keepdims=True) @ vectors
    assert np.array(diagrams.attended(vectors.tolist())) == pytest.approx(mixed)
    hidden = np.maximum(0, mixed @ np.array(draw.numbers(diagrams.SIZE, diagrams.HIDDEN, seed=5)))
    output = hidden @ np.array(draw.numbers(diagrams.HIDDEN, diagrams.SIZE, seed=6))
    assert np.array(diagrams.fed_forward(mixed.tolist())) == pytest.approx(output)
    shown = matrices("sub_layers")
    for values, group in ((vectors, shown[:3]), (mixed, shown[3:6]), (output, shown[6:])):
        shades = [int(row[0][i][1:3], 16) for row in group for i in range(diagrams.SIZE)]
        assert np.argsort(shades, kind="stable")[0] == np.argmax(values), "the largest number is the darkest"
        assert len(set(shades)) > 4
    assert all(np.ptp(row) > 0.1 for row in mixed.T), "attention does not make the columns alike"


@both_languages
def test_the_memory_computes_what_it_shows(lang: str) -> None:
    language.use_language(lang)
    x, keys, values = (np.array(table) for table in (diagrams.ASKED, diagrams.KEYS, diagrams.VALUES))
    scores = keys @ x
    hidden = np.maximum(0, scores + diagrams.BIAS)
    assert hidden.tolist() == [0, 0, 1, 0, 0, 0]
    at = diagram("ffn_memory").drawing.labels
    numbers = [
        (label.artist.get_position(), int(label.artist.get_text().replace("−", "-")))
        for label in at
        if re.fullmatch(r"−?\d", label.artist.get_text())
    ]
    lines: dict[float, list[int]] = {}
    for (_, py), number in sorted(numbers, key=lambda item: (round(item[0][1]), item[0][0])):
        lines.setdefault(next((y for y in lines if abs(y - py) < 3), py), []).append(number)
    rows = [lines[y] for y in sorted(lines)]
    assert rows[0] == x.tolist() and rows[-1] == (hidden @ values).tolist()
    assert rows[1:-1] == [
        [j + 1, *keys[j].tolist(), scores[j], hidden[j], *values[j].tolist()] for j in range(len(keys))
    ]
    alt = said("ffn_memory", "alt")
    for row in (x, scores, hidden, hidden @ values):
        assert ", ".join(str(number).replace("-", "−") for number in row) in alt
    assert str(-diagrams.BIAS) in alt and any(f"- {-diagrams.BIAS})" in text for text in labels("ffn_memory"))


def test_only_the_neuron_that_fires_is_framed() -> None:
    framed = frames("ffn_memory")
    (y,) = {place.y for place in framed}
    assert len(framed) == 2
    third = sorted({place.y for place in diagram("ffn_memory").drawing.boxes})[3]
    assert y == pytest.approx(third - 2)


@both_languages
def test_the_ways_are_multiplied_out(lang: str) -> None:
    language.use_language(lang)
    written = labels("residual_paths")
    assert "$(I + J_3)(I + J_2)(I + J_1)$" in written
    start = written.index("$I$")
    terms = [text.strip("$") for text in written[start : start + 15] if text != "+"]
    assert terms == ["I", "J_1", "J_2", "J_3", "J_2J_1", "J_3J_1", "J_3J_2", "J_3J_2J_1"]
    assert len(terms) == 2**diagrams.STACK and written[start + 1] == "+"
    assert written.count("$J_3J_2J_1$") == 2, "the last of the eight terms is the whole chain"

    # The product is what is written: for numbers in the place of matrices.
    factors = {"I": 1.0, "J_1": 2.0, "J_2": 3.0, "J_3": 5.0}
    total = sum(np.prod([factors[name] for name in re.findall(r"I|J_\d", term)]) for term in terms)
    assert total == (1 + 2) * (1 + 3) * (1 + 5)


def test_the_marked_ways_go_from_the_last_vector_to_the_first() -> None:
    figure = diagram("residual_paths")
    first, last = (
        [box for box in figure.drawing.boxes if (box.x, box.w) == (x, 58) and box.y < 200][0] for x in (20, 682)
    )
    back = [s for s in strokes("residual_paths") if s.points[0][0] > s.points[-1][0] and s.points[0][1] < 250]
    straight = [s for s in back if len(s.points) == 2 and s.points[0][0] == last.x]
    assert [s.points[-1][0] for s in straight] == [first.right]
    into, out = [s for s in back if len(s.points) == 4]
    assert into.points[0][0] == last.x and out.points[-1][0] == first.right
    (taken,) = (box for box in figure.drawing.boxes if box.w == 62 and box.right == into.points[-1][0] and box.y < 200)
    assert out.points[0][0] == taken.x
    names = places("residual_paths")[f"$f_{diagrams.TAKEN}$"]
    assert any(taken.x < x < taken.right for x, _ in names)
    for lang in language.LANGUAGES:
        language.use_language(lang)
        alt = said("residual_paths", "alt")
        assert re.search(rf"f_{diagrams.TAKEN}\b.{{,40}}J_{diagrams.TAKEN}\b", alt), "as the text says"


def test_the_marked_terms_have_the_lines_of_their_ways() -> None:
    """Dashed is the way through one block, and so is its term's frame: the colour is not needed."""
    dashed = [
        patch
        for patch in diagram("residual_paths").axes[0].patches
        if to_hex(patch.get_edgecolor()).upper() == COLOURS["warning"]
    ]
    assert len(dashed) == 2 + 4
    assert all(patch.get_linestyle() not in ("-", "solid") for patch in dashed)


@both_languages
def test_the_normalisations_take_a_row_and_a_column_together(lang: str) -> None:
    language.use_language(lang)
    row, column = sorted(frames("norm_axes"), key=lambda place: place.h)
    figure = diagram("norm_axes")
    grids = sorted(
        (place for place in figure.drawing.boxes if len(cells(figure, place)) == 3),
        key=lambda place: (place.x, place.y),
    )
    assert len(grids) == 4
    left, right = grids[:2], grids[2:]
    assert row.w == pytest.approx(left[0].w + 2) and row.h == pytest.approx(left[0].h / 3 + 2)
    assert row.cy == pytest.approx(left[0].y + left[0].h * (diagrams.CHOSEN_TOKEN + 0.5) / 3)
    assert column.w == pytest.approx(right[0].w / 4 + 2)
    assert (column.y, column.bottom) == pytest.approx((right[0].y - 1, right[1].bottom + 1)), "through both sequences"
    assert column.cx == pytest.approx(right[0].x + right[0].w * (diagrams.CHOSEN_FEATURE + 0.5) / 4)
    # What the frames hold is shaded more deeply, and nothing else is.
    shades = [cells(figure, place) for place in grids]
    darkest = min(cell for rows in shades for row in rows for cell in row)
    deep = {
        (grid, i, j)
        for grid, rows in enumerate(shades)
        for i, row in enumerate(rows)
        for j, cell in enumerate(row)
        if cell == darkest
    }
    assert deep == {
        *((0, diagrams.CHOSEN_TOKEN, j) for j in range(diagrams.FEATURES)),
        *((grid, i, diagrams.CHOSEN_FEATURE) for grid in (2, 3) for i in range(3)),
    }
    written = labels("norm_axes")
    for token in (token for tokens in diagrams.BATCH for token in tokens):
        assert written.count(token) == 1 and token in said("norm_axes", "alt")
    for letter in (r"\gamma", r"\beta"):
        for feature in range(1, diagrams.FEATURES + 1):
            assert written.count(f"${letter}_{feature}$") == 2


def test_each_pair_of_learned_numbers_stands_under_its_feature() -> None:
    figure = diagram("norm_axes")
    at = {}
    for label in figure.drawing.labels:
        at.setdefault(label.artist.get_text(), []).append(label.artist.get_position()[0])
    grids = sorted({place.x for place in figure.drawing.boxes if len(cells(figure, place)) == 3})
    for feature in range(diagrams.FEATURES):
        expected = [x + 32 * (feature + 0.5) for x in grids]
        assert sorted(at[rf"$\gamma_{feature + 1}$"]) == pytest.approx(expected)


@both_languages
def test_the_stream_of_pre_norm_meets_nothing_but_sums(lang: str) -> None:
    language.use_language(lang)
    figure = diagram("norm_orders")
    at = places("norm_orders")
    last = said("norm_orders", "last").split("\n")[0]
    columns = {"post": at["post-norm (2017)"][0][0] + 40, "pre": at["pre-norm"][0][0] + 40}
    on_stream: dict[str, list[str]] = {}
    for order, x in columns.items():
        found = [(y, text) for text, spots in at.items() for cx, y in spots if abs(cx - x) < 1]
        on_stream[order] = [text for y, text in sorted(found, reverse=True)]
    output = said("norm_orders", "output")
    assert on_stream["post"] == ["$x$", "+", "LayerNorm", "+", "LayerNorm", output]
    assert on_stream["pre"] == ["$x$", "+", "+", "LayerNorm", output], "the last is that after all blocks"
    beside = [y for x, y in at[last] if x > columns["pre"]]
    norms = [y for x, y in at["LayerNorm"] if abs(x - columns["pre"]) < 1]
    assert len(norms) == 1 and abs(norms[0] - beside[0]) < 25
    assert len(at["LayerNorm"]) == 5 and figure.drawing.width == draw.CARD_WIDTH


# ---------------------------------------------------------------- curves

X = np.linspace(-4, 4, 81)
SPREAD = [[0.4, 0.45, 0.5], [0.6, 0.7, 0.65], [0.8, 0.8, 0.83], [0.97, 1.0, 1.0]]
RATIOS = (1, 2, 4, 8)
SHAPES = ((12, 216), (16, 128), (20, 74), (24, 33), (28, 2))
EQUAL = [[0.91, 0.89, 0.93], [0.98, 0.99, 0.98], [0.98, 1.0, 0.99], [0.97, 0.98, 0.99], [0.75, 0.77, 0.76]]
PARTS = ("attention", "cross-attention", "feed-forward", "normalisation", "embeddings")
WHOLE = {
    "BERT-base": dict(zip(PARTS, (0.26, 0.0, 0.52, 0.001, 0.219), strict=True)),
    "T5-base": dict(zip(PARTS, (0.254, 0.127, 0.508, 0.001, 0.11), strict=True)),
    "Llama 3 8B": {"attention": 0.167, "feed-forward": 0.702, "normalisation": 0.001, "embeddings": 0.13},
}
BLOCKS = {
    "BERT-base": {"attention": 0.333, "feed-forward": 0.666, "normalisation": 0.001},
    "T5-base": {"attention": 0.285, "cross-attention": 0.143, "feed-forward": 0.571, "normalisation": 0.001},
    "Llama 3 8B": {"attention": 0.192, "feed-forward": 0.807, "normalisation": 0.001},
}
NORMS = {"pre": [0.6, 0.4, 0.3, 0.2], "post": [0.4, 0.5, 0.5, 0.6]}
DEPTHS = (1, 2, 4, 8, 16, 32, 64)
ANSWERS = ("engineers", "messages", "network", "people", "laboratory", "everywhere")
TRACE = np.arange(30).reshape(5, 6) / 29
THINGS = ("internet", "telephone", "railway", "coat")
KINDS = ("category", "origin", "matter")
NEURONS = (6, 1, 18, 63)
NUMBERS = np.arange(4 * 4 * 3, dtype=float).reshape(4, 4, 3) / 40
CURVES: dict[str, Callable[[], Figure]] = {
    "activations": lambda: curves.activations(
        X, {"relu": np.maximum(X, 0), "gelu": X / (1 + np.exp(-1.702 * X)), "silu": X / (1 + np.exp(-X))}
    ),
    "hidden_width": lambda: curves.hidden_width(RATIOS, SPREAD, SHAPES, EQUAL),
    "weight_shares": lambda: curves.weight_shares(WHOLE, BLOCKS),
    "gradient_norms": lambda: curves.gradient_norms(NORMS),
    "gradient_by_depth": lambda: curves.gradient_by_depth(
        DEPTHS,
        {"plain": [0.3**d for d in DEPTHS], "residual": [1.2**d for d in DEPTHS], "pre": [1.0] * 7,
         "normalised": [d**-0.5 for d in DEPTHS]},
    ),
    "first_steps": lambda: curves.first_steps(range(1, 41), {name: [4 / (i + 1) for i in range(40)] for name in ("pre", "post")}),
    "depth_width": lambda: curves.depth_width((1, 2, 4, 8), {"facts": SPREAD[::-1], "referent": SPREAD}),
    "probes": lambda: curves.probes(
        range(5),
        {panel: {"word": [1, 1, 0.9, 0.7, 0.5], "phrase": [0.1, 0.9, 1, 1, 1], "answer": [0.05, 0.2, 0.6, 0.97, 1]}
         for panel in ("trained", "untrained", "untrained-no-residual")},
    ),
    "trace": lambda: curves.trace(ANSWERS, TRACE),
    "firing": lambda: curves.firing(NUMBERS, NEURONS, THINGS, KINDS),
}  # fmt: skip
SEVERAL = ("activations", "gradient_norms", "gradient_by_depth", "first_steps", "depth_width", "probes")
VARIANTS: dict[str, Callable[[], Figure]] = CURVES | {
    "weight_shares, one panel": lambda: curves.weight_shares(WHOLE),
    "firing, one": lambda: curves.firing(NUMBERS[:1], NEURONS[:1], THINGS, KINDS),
    "depth_width, one task ends early": lambda: curves.depth_width(
        (1, 2, 4, 8), {"facts": SPREAD, "referent": SPREAD[:3]}
    ),
}


def lines(name: str, number: int = 0) -> list:
    """The named curves of a panel, without the lines that mark a place."""
    return [line for line in CURVES[name]().axes[number].get_lines() if line.get_marker() in set("so^D")]


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, CURVES)


@pytest.mark.parametrize("file", ["encoder_block_curves", "figures_encoder_block"])
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


@pytest.mark.parametrize("name", SEVERAL)
def test_no_two_curves_differ_by_colour_alone(name: str) -> None:
    assert_differ_by_more_than_colour(lines(name))


def test_activations_are_drawn_as_given() -> None:
    shown = lines("activations")
    assert [line.get_label() for line in shown] == ["ReLU", "GELU", "SiLU"]
    for line in shown:
        assert (np.asarray(line.get_xdata()) == X).all()
    assert (np.asarray(shown[0].get_ydata()) == np.maximum(X, 0)).all()


def bars(name: str, number: int = 0) -> list[list[tuple[float, float, float, float]]]:
    """For each curve of a panel and every point: place, mean, least and greatest as drawn."""
    found = []
    for container in CURVES[name]().axes[number].containers:
        line, _, (group,) = container.lines
        ends = [segment[:, 1] for segment in group.get_segments()]
        points = zip(line.get_xdata(), line.get_ydata(), ends, strict=True)
        found.append([(x, y, min(end), max(end)) for x, y, end in points])
    return found


def test_points_are_means_of_the_seeds_and_bars_their_extremes() -> None:
    order = (4, 3, 2, 1, 0)  # by growing d_ff / D
    places = [SHAPES[i][1] / SHAPES[i][0] for i in order]
    for found, xs, given, aside in (
        (bars("hidden_width")[0], RATIOS, SPREAD, 1.0),
        (bars("hidden_width", 1)[0], places, [EQUAL[i] for i in order], 1.0),
        (bars("depth_width")[0], (1, 2, 4, 8), SPREAD[::-1], 2**-0.04),
        (bars("depth_width")[1], (1, 2, 4, 8), SPREAD, 2**0.04),
    ):
        for (x, mean, least, most), place, seeds in zip(found, xs, given, strict=True):
            assert x == pytest.approx(place * aside)
            assert (mean, least, most) == pytest.approx((np.mean(seeds), min(seeds), max(seeds)))


def test_each_point_of_equal_weights_has_its_d() -> None:
    left, right = CURVES["hidden_width"]().axes
    notes = {text.get_text(): text.xy for text in right.texts}
    assert set(notes) == {f"$D = {d_model}$" for d_model, _ in SHAPES}
    for (d_model, d_ff), seeds in zip(SHAPES, EQUAL, strict=True):
        assert notes[f"$D = {d_model}$"] == pytest.approx((d_ff / d_model, max(seeds)))
    assert left.get_ylim() == right.get_ylim() and left.get_ylim()[0] == 0
    assert left.get_xscale() == right.get_xscale() == "log"


def shown_bars(figure: Figure, number: int) -> dict[str, dict[str, tuple[float, float]]]:
    """By model and hatch and colour, where each part begins and how long it is, as drawn."""
    ax = figure.axes[number]
    models = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    found: dict[str, dict[str, tuple[float, float]]] = {model: {} for model in models}
    for patch in ax.patches:
        model = models[round(patch.get_y() + patch.get_height() / 2)]
        part = next(
            name
            for name, look in curves.PARTS.items()
            if to_hex(patch.get_facecolor()) == to_hex(look["facecolor"]) and patch.get_hatch() == look.get("hatch")
        )
        found[model][part] = (patch.get_x(), patch.get_width())
    return found


def test_bars_are_the_shares_one_after_the_other() -> None:
    figure = CURVES["weight_shares"]()
    for number, given in enumerate((BLOCKS, WHOLE)):
        shown = shown_bars(figure, number)
        assert list(shown) == list(given)
        for model, parts in given.items():
            start = 0.0
            for part in curves.PARTS:
                at, length = shown[model].get(part, (start, 0.0))
                assert length == pytest.approx(parts.get(part, 0.0)) and at == pytest.approx(start)
                start += length
            assert start == pytest.approx(1)
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1], "the first model stands at the top"


def test_shares_are_written_where_there_is_room() -> None:
    figure = CURVES["weight_shares"]()
    for ax, given in zip(figure.axes, (BLOCKS, WHOLE), strict=True):
        expected = sorted(
            f"{100 * share:.0f}\u00a0%" for parts in given.values() for share in parts.values() if share >= 0.08
        )
        assert sorted(text.get_text() for text in ax.texts) == expected
        for text in ax.texts:
            ground = to_hex(text.get_bbox_patch().get_facecolor())
            assert contrast(to_hex(text.get_color()), ground) >= 4.5


def test_the_parts_of_a_bar_are_told_apart_without_colour() -> None:
    """Any two differ by hatch, or strongly in lightness: in the legend each may stand beside each."""
    for one, other in combinations(curves.PARTS.values(), 2):
        lightness = contrast(to_hex(one["facecolor"]), to_hex(other["facecolor"]))
        assert one.get("hatch") != other.get("hatch") or lightness > 2
    (legend,) = CURVES["weight_shares"]().legends
    assert len(legend.get_texts()) == len(PARTS)


def test_a_part_that_no_model_has_is_not_named() -> None:
    few = {"GPT-2": {"attention": 0.4, "feed-forward": 0.6, "cross-attention": 0.0}}
    (legend,) = curves.weight_shares(few).legends
    assert len(legend.get_texts()) == 2


@both_languages
def test_gradients_stand_at_their_blocks_and_depths(lang: str) -> None:
    language.use_language(lang)
    (ax,) = CURVES["gradient_norms"]().axes
    assert ax.get_ylim()[0] == 0
    for line, values in zip(ax.get_lines(), NORMS.values(), strict=True):
        assert list(line.get_xdata()) == [1, 2, 3, 4] and list(line.get_ydata()) == values
    by_depth = CURVES["gradient_by_depth"]().axes[0]
    assert by_depth.get_xscale() == by_depth.get_yscale() == "log"
    assert [text.get_text() for text in by_depth.get_xticklabels()] == [str(depth) for depth in DEPTHS]


def test_a_norm_of_zero_leaves_a_gap() -> None:
    (line,) = curves.gradient_by_depth((1, 2, 4), {"plain": [1.0, 0.0, 1e-9]}).axes[0].get_lines()
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]


def test_losses_start_at_zero_and_stand_at_their_steps() -> None:
    ax = CURVES["first_steps"]().axes[0]
    assert ax.get_ylim()[0] == 0 and len(ax.get_lines()) == 2
    assert list(ax.get_lines()[0].get_xdata()) == list(range(1, 41))
    markers = [set(range(line.get_markevery()[0], 40, line.get_markevery()[1])) for line in ax.get_lines()]
    assert not set.intersection(*markers), "curves that meet have their markers elsewhere"


@pytest.mark.parametrize("name", ["hidden_width", "depth_width", "probes"])
def test_the_sign_of_per_cent_stands_apart_as_in_the_texts(name: str) -> None:
    figure = CURVES[name]()
    figure.draw_without_rendering()
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels() if text.get_text()]
    assert "100\N{NO-BREAK SPACE}%" in shown
    assert all(re.fullmatch(r"\d+\u00a0%", text) for text in shown)


def test_the_trace_is_shown_as_it_is_and_begins_at_the_bottom() -> None:
    ax, _ = CURVES["trace"]().axes
    (image,) = ax.images
    assert (np.asarray(image.get_array()) == TRACE).all() and image.get_clim() == (0, 1)
    assert image.get_cmap().name == "cividis" and ax.get_ylim() == (-0.5, 4.5)
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(x, y): f"{value:.2f}" for (y, x), value in np.ndenumerate(TRACE)}
    assert [text.get_text() for text in ax.get_xticklabels()] == list(ANSWERS)
    for text in ax.texts:
        x, y = text.get_position()
        ground = to_hex(image.get_cmap()(TRACE[y, x]))
        assert contrast(to_hex(text.get_color()), ground) >= 4.5


@both_languages
def test_neurons_share_one_scale_and_have_their_names(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["firing"]()
    maps = figure.axes[:4]
    for ax, numbers, neuron in zip(maps, NUMBERS, NEURONS, strict=True):
        (image,) = ax.images
        assert (np.asarray(image.get_array()) == numbers).all()
        assert image.get_clim() == (0, NUMBERS.max()) and image.get_cmap().name == "cividis"
        assert ax.get_title(loc="left") == {"en": f"Neuron {neuron}", "ru": f"Нейрон {neuron}"}[lang]
        assert [text.get_text() for text in ax.get_xticklabels()] == list(KINDS)
    assert [text.get_text() for text in maps[0].get_yticklabels()] == list(THINGS)
    silent = curves.firing(np.zeros((1, 4, 3)), (0,), THINGS, KINDS)
    assert silent.axes[0].images[0].get_clim()[1] > 0


def test_more_than_can_be_told_apart_is_refused() -> None:
    five = {name: [1, 2] for name in ("relu", "gelu", "silu", "pre", "post")}
    for call in (
        lambda: curves.activations([1, 2], five),
        lambda: curves.gradient_norms(five),
        lambda: curves.gradient_by_depth([1, 2], five),
        lambda: curves.first_steps([1, 2], five),
        lambda: curves.depth_width([1, 2], {name: [[1], [1]] for name in five}),
        lambda: curves.probes([0, 1], {"trained": five}),
    ):
        with pytest.raises(ValueError, match="5 curves"):
            call()
    with pytest.raises(ValueError, match="5 neurons"):
        curves.firing(np.zeros((5, 4, 3)), range(5), THINGS, KINDS)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown parts"):
        curves.weight_shares({"GPT-2": {"head": 1.0}})
    with pytest.raises(ValueError, match="different models"):
        curves.weight_shares(WHOLE, {"GPT-2": {"attention": 1.0}})
    with pytest.raises(ValueError, match="for 2 neurons, 4 things, 3 kinds"):
        curves.firing(NUMBERS[:1], NEURONS[:2], THINGS, KINDS)
    with pytest.raises(ValueError, match="6 columns for 2 answers"):
        curves.trace(("yes", "no"), TRACE)
