"""The figures of lesson 00: the diagrams show what they say, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
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
    catalogue,
    cells,
    colours,
    diagram,
    said,
    session_as_it_was,
    written,
)
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle

from course_lib import language, one_block, recall
from course_lib.explorers.costs import CROSSINGS, layer_costs
from course_lib.figures import draw, drawings
from course_lib.figures import recurrence as diagrams
from course_lib.figures import recurrence_curves as curves
from course_lib.figures.draw import Box, Canvas
from course_lib.figures.layout import problems
from course_lib.figures.style import COLOURS, tint

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("recurrence_curves")
CARDS = {"recurrence_and_attention", "lstm_cell", "one_block_three_tasks"}
DIAGRAMS = {"picture_patches", *CARDS}

# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_recurrence")}
    assert {name for name in DIAGRAMS if drawings()[name].card} == CARDS


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("recurrence_and_attention", {"output"}),
        ("lstm_cell", set()),
        ("picture_patches", set()),
        ("one_block_three_tasks", {"output"}),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


def graph(drawn: Canvas) -> set[tuple[str, str]]:
    """The arrows of a diagram as pairs of names: what stands in the box where an arrow begins and where it ends.

    Boxes with the same text are told apart by a number, from left to right; an arrow that begins on another one bears
    that one's name, ``"one → other"``.
    """
    texts = [(*label.artist.get_position(), label.artist.get_text()) for label in drawn.labels]
    named: dict[Box, str] = {}
    count: dict[str, int] = {}
    for box in sorted(drawn.boxes, key=lambda box: (box.x, box.y)):
        inside = [(y, text) for x, y, text in texts if box.x < x < box.right and box.y < y < box.bottom]
        name = min(inside)[1] if inside else ""
        count[name] = count.get(name, 0) + 1
        named[box] = f"{name} ({count[name]})" if count[name] > 1 else name

    def at(point: tuple[float, float]) -> str:
        """The box on whose edge a point lies; else the arrow on which it lies."""
        x, y = point
        found = [
            name
            for box, name in named.items()
            if box.x - 6 <= x <= box.right + 6
            and box.y - 6 <= y <= box.bottom + 6
            and not (box.x + 8 < x < box.right - 8 and box.y + 8 < y < box.bottom - 8)
        ]
        if found:
            return found[0]
        for other in drawn.strokes:
            (x0, y0), (x1, y1) = other.points[0], other.points[-1]
            if y0 == y1 == y and x0 < x < x1:
                return f"{at((x0, y0))} → {at((x1, y1))}"
        return ""

    return {(at(stroke.points[0]), at(stroke.points[-1])) for stroke in drawn.strokes}


def marked(name: str) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Begin and end of the marked lines, from left to right; a line with a head ends a little before the head's point."""
    found = []
    for patch in diagram(name).axes[0].patches:
        if isinstance(patch, PathPatch) and patch.get_edgecolor() == _rgba("warning"):
            points = patch.get_path().vertices
            found.append((tuple(points[0]), tuple(points[-1])))
    return sorted(found)


def _rgba(colour: str) -> tuple[float, ...]:
    return to_rgba(COLOURS[colour])


@both_languages
def test_the_chain_takes_four_steps_and_the_look_takes_one(lang: str) -> None:
    language.use_language(lang)
    name = "recurrence_and_attention"
    drawn = diagram(name).drawing
    found = graph(drawn)
    chain = {(f"$h_{i}$", f"$h_{i + 1}$") for i in range(1, 5)}
    assert found == {
        *chain,
        *((f"$x_{i}$", f"$h_{i}$") for i in range(1, 6)),
        *((f"$x_{i}$ (2)", "$z_5$") for i in range(1, 6)),
    }
    # The way of the first token is marked: up and four steps on the left, one step on the right.
    middle = drawn.width / 2
    lines = marked(name)
    left, right = ([line for line in lines if (line[0][0] > middle) == side] for side in (False, True))
    assert len(left) == 5 and len(right) == 1
    first, last = (box_of(name, text) for text in ("$x_1$", "$z_5$"))
    assert right[0][0] == first[1].top_at() and abs(right[0][1][0] - last[0].x) < 15
    numbers = [label.artist.get_text() for label in drawn.labels if label.artist.get_color() == COLOURS["warning"]]
    assert numbers == ["1", "2", "3", "4", "1"]
    steps = {"recurrence": "4", "attention": "1"}
    for panel, count in steps.items():
        assert count in said(name, f"{panel}_way").split("\n")[1]


@both_languages
def test_the_cell_computes_what_the_layer_computes(lang: str) -> None:
    language.use_language(lang)
    found = graph(diagram("lstm_cell").drawing)
    letters = {f"${letter}$: {function}": letter for letter, _, function in diagrams.GATES}
    short = letters | {
        "$c_{t-1}$": "c before", "$c_t$": "c", "$h_{t-1}$": "h before", "$h_t$": "h", "$x_t$": "x", "•": "keep",
        "• (2)": "new", "• (3)": "out", "$x_t W_x + h_{t-1} W_h + b$": "sums", "+": "+", "tanh": "tanh", "+ → $c_t$": "c",
    }  # fmt: skip
    arrows = {(short[one], short[other]) for one, other in found}
    assert arrows == {
        ("x", "sums"), ("h before", "sums"), ("sums", "f"), ("sums", "i"), ("sums", "g"), ("sums", "o"),
        ("c before", "keep"), ("f", "keep"), ("i", "new"), ("g", "new"),  # f ⊙ c_(t−1), i ⊙ g
        ("keep", "+"), ("new", "+"), ("+", "c"),
        ("c", "tanh"), ("tanh", "out"), ("o", "out"), ("out", "h"),  # o ⊙ tanh(c_t)
    }  # fmt: skip
    assert {letter: function for letter, _, function in diagrams.GATES} == {"f": "σ", "i": "σ", "g": "tanh", "o": "σ"}
    # The cell's way through the step is straight and thicker than all other lines.
    widths = sorted(
        (patch.get_linewidth(), patch.get_path().vertices[:, 1].tolist())
        for patch in diagram("lstm_cell").axes[0].patches
        if isinstance(patch, PathPatch)
    )
    thick = [ys for width, ys in widths if width > 3 * draw.POINT]
    assert len(thick) == 3 and len({y for ys in thick for y in ys}) == 1


PICTURE = np.random.default_rng(0).integers(0, 17, (8, 8)).astype(float)


@pytest.mark.parametrize("given", [None, PICTURE, torch.tensor(PICTURE), PICTURE.tolist()])
def test_the_squares_are_the_tokens_of_the_lesson(given: object) -> None:
    figure = diagrams.picture_patches(*([] if given is None else [given]))
    picture = np.array(diagrams.SEVEN, dtype=float) if given is None else PICTURE
    amounts = np.array(draw.shades(picture.tolist(), 0.03, 0.88))
    tokens = one_block.patches(torch.tensor(amounts)[None])[0]
    assert tokens.shape == (16, 4)
    places = [box for box in figure.drawing.boxes if cells(figure, box)]
    assert len(places) == 1 + 16 + 16
    shown = [np.array(cells(figure, place)) for place in places]

    def tone(amount: float) -> str:
        return tint("ink", amount)

    assert shown[0].tolist() == [[tone(amount) for amount in row] for row in amounts]
    for square, column, token in zip(shown[1:17], shown[17:], tokens.tolist(), strict=True):
        assert square.shape == (2, 2) and column.shape == (4, 1)
        assert square.ravel().tolist() == column.ravel().tolist() == [tone(amount) for amount in token]
    # The squares stand as in the picture, the tokens in one row; each with its number.
    grid = places[1:17]
    assert [(round(box.y), round(box.x)) for box in grid] == sorted((round(box.y), round(box.x)) for box in grid)
    assert len({box.y for box in places[17:]}) == 1
    texts = [(*label.artist.get_position(), label.artist.get_text()) for label in figure.drawing.labels]
    for number, (square, column) in enumerate(zip(grid, places[17:], strict=True), start=1):
        (beside,) = [t for x, y, t in texts if square.x - 12 < x < square.x and square.y < y < square.bottom]
        (below,) = [t for x, y, t in texts if column.x < x < column.right and 0 < y - column.bottom < 30]
        assert (beside, below) == (str(number), f"$x_{{{number}}}$")
    frames = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_edgecolor() == _rgba("warning")]
    row, column = divmod(6, 4)
    inside = [
        (places[0].x + 44 * column, places[0].y + 44 * row), (grid[6].x, grid[6].y), (places[23].x, places[23].y),
    ]  # fmt: skip
    np.testing.assert_allclose([(p.get_x() + 1.5, p.get_y() + 1.5) for p in frames], inside)
    assert problems(figure) == []


def test_only_a_picture_of_8_by_8_is_cut() -> None:
    for wrong in (PICTURE[:7], PICTURE[:, :7]):
        with pytest.raises(ValueError, match="8 × 8"):
            diagrams.picture_patches(wrong)


def test_a_picture_of_one_grey_is_drawn() -> None:
    assert problems(diagrams.picture_patches(np.zeros((8, 8)))) == []


@both_languages
def test_every_task_goes_through_the_same_block(lang: str) -> None:
    language.use_language(lang)
    name = "one_block_three_tasks"
    drawn = diagram(name).drawing
    (block,) = box_of(name, said(name, "block"))
    ways, rows = {stroke.points for stroke in drawn.strokes}, []
    for task in ("text", "picture", "series"):
        (embed,) = [box for box in drawn.boxes if _text(drawn, box) == said(name, f"{task}_embed")]
        (answer,) = [box for box in drawn.boxes if _text(drawn, box) == said(name, f"{task}_answer")]
        assert embed.right < block.x and answer.x > block.right and embed.cy == answer.cy
        assert ((embed.right, embed.cy), (block.x, embed.cy)) in ways
        assert ((block.right, answer.cy), answer.left_at()) in ways
        rows.append(embed.y)
    assert rows == sorted(rows) and len(set(rows)) == 3


def _text(drawn: Canvas, box: Box) -> str:
    """The lines within a box."""
    lines = [(*label.artist.get_position()[::-1], label.artist.get_text()) for label in drawn.labels]
    return "\n".join(text for y, x, text in sorted(lines) if box.x < x < box.right and box.y < y < box.bottom)


# ---------------------------------------------------------------- curves

WIDTH = 512
LENGTHS = [2**power for power in range(4, 18)]
COSTS = {
    name: [layer_costs(length, WIDTH)[name] for length in LENGTHS]
    for name in ("scores and sum", "attention", "block", "LSTM", "RNN")
}
CROSS = {("scores and sum", "RNN"): WIDTH, ("attention", "LSTM"): 2 * WIDTH, ("scores and sum", "LSTM"): 4 * WIDTH}
PAIRS = {
    "LSTM": {2: [1.0, 1.0, 0.99], 4: [0.98, 0.97, 0.7], 8: [0.5, 0.45, 0.3], 16: [0.2, 0.22, 0.21]},
    "attention": {2: [1.0, 1.0, 1.0], 4: [1.0, 1.0, 1.0], 8: [1.0, 1.0, 0.98], 16: [1.0, 0.99, 1.0]},
}
DISTANCES = {
    "LSTM": {0: [1.0, 1.0, 1.0], 5: [1.0, 0.9, 0.6], 10: [0.5, 0.4, 0.5], 40: [0.13, 0.12, 0.5]},
    "LSTM, b_f = 3": {40: [0.9, 0.8, 1.0]},
    "attention": {0: [1.0, 1.0, 1.0], 5: [1.0, 1.0, 1.0], 10: [1.0, 1.0, 1.0], 40: [1.0, 1.0, 0.99]},
}
NORMS = {
    "RNN": [0.6**i for i in range(64)],
    "LSTM": [0.5 * 0.8**i for i in range(64)],
    "LSTM, trained": [0.5 * 0.97**i for i in range(64)],
    "attention": [0.02 + 0.001 * np.sin(i) for i in range(64)],
}
CHAINS = {"RNN": [3 * t for t in LENGTHS], "LSTM": [8 * t for t in LENGTHS], "attention": [9] * len(LENGTHS)}
WIDTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
SHARE = [0.6, 0.75, 0.86, 0.92, 0.96, 0.98, 0.99, 0.995, 0.998]
MARGINS = {
    "digits": {"block": [0.04, 0.036, 0.05], "CNN": [0.016, 0.02, 0.014]},
    "series": {"block": [0.11, 0.12, 0.1], "LSTM": [0.09, 0.085, 0.1], "linear": [0.3]},
}
CURVES: dict[str, Callable[[], Figure]] = {
    "recall_pairs": lambda: curves.recall_pairs(PAIRS),
    "recall_distance": lambda: curves.recall_distance(DISTANCES),
    "gradient_distance": lambda: curves.gradient_distance(NORMS),
    "chain_lengths": lambda: curves.chain_lengths(LENGTHS, CHAINS | {"block": [14] * len(LENGTHS)}),
    "cost_crossings": lambda: curves.cost_crossings(WIDTH, LENGTHS, COSTS, CROSS),
    "matmul_share": lambda: curves.matmul_share(WIDTHS, SHARE),
    "block_margins": lambda: curves.block_margins(MARGINS),
}
VARIANTS: dict[str, Callable[[], Figure]] = CURVES | {
    "recall_pairs, one seed": lambda: curves.recall_pairs({"LSTM": {2: [0.1], 16: [0.05]}}),
    "recall_distance, trained on some": lambda: curves.recall_distance(
        {name: {pauses: [0.9, 0.3, 0.125] for pauses in recall.BEYOND} for name in ("RNN", "LSTM", "attention")}
    ),
    "gradient_distance, short and wide": lambda: curves.gradient_distance({"RNN": [1.0, 1e-120, 0.0]}),
    "chain_lengths, few": lambda: curves.chain_lengths([4, 8], {"LSTM": [32, 64], "attention": [9, 9]}),
    "cost_crossings, small": lambda: curves.cost_crossings(
        64, [8, 64, 128, 256, 512], {name: [layer_costs(t, 64)[name] for t in (8, 64, 128, 256, 512)] for name in ("scores and sum", "LSTM")},
        {("scores and sum", "LSTM"): 256},
    ),
    "cost_crossings, none": lambda: curves.cost_crossings(WIDTH, LENGTHS, {"RNN": COSTS["RNN"], "LSTM": COSTS["LSTM"]}, {}),
    "cost_crossings, long only": lambda: curves.cost_crossings(
        4096, [2048, 4096, 8192, 16384, 32768, 131072],
        {name: [layer_costs(t, 4096)[name] for t in (2048, 4096, 8192, 16384, 32768, 131072)] for name in COSTS},
        {("scores and sum", "RNN"): 4096, ("attention", "LSTM"): 8192, ("scores and sum", "LSTM"): 16384},
    ),
    "matmul_share, two": lambda: curves.matmul_share([8, 4096], [0.0, 1.0]),
    "block_margins, one task": lambda: curves.block_margins({"series": MARGINS["series"]}),
}  # fmt: skip


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, CURVES)


@pytest.mark.parametrize("file", ["recurrence_curves", "figures_recurrence"])
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


def named(figure: Figure) -> dict[str, object]:
    """The curves of a figure by their names in the legend."""
    return {line.get_label(): line for line in figure.axes[0].get_lines() if not line.get_label().startswith("_")}


@both_languages
@pytest.mark.parametrize(("name", "rows"), [("recall_pairs", PAIRS), ("recall_distance", DISTANCES)])
def test_recall_is_shown_as_means_with_their_seeds_over_the_line_of_guessing(
    name: str, rows: dict[str, dict[int, list[float]]], lang: str
) -> None:
    language.use_language(lang)
    figure = CURVES[name]()
    ax, shown = figure.axes[0], named(figure)
    assert_differ_by_more_than_colour(shown.values())
    at = sorted({place for values in rows.values() for place in values})
    assert [text.get_text() for text in ax.get_xticklabels()] == [str(place) for place in at]
    assert list(shown) == [language.say(f"curves.network-{curves._slug(row)}") for row in rows]
    for line, values in zip(shown.values(), rows.values(), strict=True):
        assert list(line.get_ydata()) == pytest.approx([np.mean(values[place]) for place in sorted(values)])
        wanted = [at.index(place) for place in sorted(values)]
        assert np.abs(np.array(line.get_xdata()) - wanted).max() < 0.25, "it stands by its own tick"
    marks = [list(line.get_ydata()) for line in ax.get_lines() if line.get_marker() == "_"]
    assert marks == [values[place] for values in rows.values() for place in sorted(values)]
    (guess,) = (line for line in ax.get_lines() if set(line.get_ydata()) == {1 / recall.VALUES})
    assert guess.get_linestyle() != "-" and written(figure) == [language.say("curves.one-of-eight")]
    assert str(recall.VALUES) in written(figure)[0]
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 1


def test_the_places_of_pairs_are_evenly_apart_as_on_a_logarithmic_axis() -> None:
    assert np.ptp(np.diff(np.log2(recall.PAIRS))) == 0
    assert np.ptp(np.diff(CURVES["recall_pairs"]().axes[0].get_xticks())) == 0


def test_a_network_looks_alike_in_all_pictures() -> None:
    def looks(figure: Figure) -> dict[str, tuple]:
        return {
            name: (line.get_linestyle(), line.get_marker(), line.get_color()) for name, line in named(figure).items()
        }

    all_looks: dict[str, tuple] = {}
    for name in ("recall_pairs", "recall_distance", "gradient_distance", "chain_lengths"):
        for network, look in looks(CURVES[name]()).items():
            assert all_looks.setdefault(network, look) == look
    assert len(all_looks) == 6
    costs = looks(CURVES["cost_crossings"]())
    for name in ("attention", "block", "LSTM", "RNN"):
        own = costs[language.say(f"curves.cost-{name.lower()}")]
        assert own == all_looks[language.say(f"curves.network-{name.lower()}")]


def test_gradients_stand_at_their_distance_and_zeros_are_left_out() -> None:
    figure = CURVES["gradient_distance"]()
    shown = named(figure)
    assert_differ_by_more_than_colour(shown.values())
    for line, norms in zip(shown.values(), NORMS.values(), strict=True):
        assert list(line.get_xdata()) == list(range(64)) and list(line.get_ydata()) == norms
    assert figure.axes[0].get_yscale() == "log"
    (line,) = named(VARIANTS["gradient_distance, short and wide"]()).values()
    assert list(line.get_ydata())[:2] == [1.0, 1e-120] and np.isnan(line.get_ydata()[2])


def test_chains_are_drawn_as_given_on_logarithmic_axes() -> None:
    figure = CURVES["chain_lengths"]()
    ax, shown = figure.axes[0], named(figure)
    assert_differ_by_more_than_colour(shown.values())
    assert [list(line.get_ydata()) for line in shown.values()][:3] == list(CHAINS.values())
    assert all(list(line.get_xdata()) == LENGTHS for line in shown.values())
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert curves._whole(131072) == "131\u00a0072" and curves._whole(4096) == "4096"


@both_languages
@pytest.mark.parametrize("name", ["cost_crossings", "cost_crossings, long only", "cost_crossings, small"])
def test_costs_cross_where_the_circles_are(name: str, lang: str) -> None:
    language.use_language(lang)
    figure = VARIANTS[name]()
    ax = figure.axes[0]
    width = {"cost_crossings": WIDTH, "cost_crossings, long only": 4096, "cost_crossings, small": 64}[name]
    circles = [line for line in ax.get_lines() if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    wanted = [(width * k, k) for k in (1, 2, 4)] if len(circles) == 3 else [(4 * width, 4)]
    assert len(circles) == len(wanted)
    assert [float(line.get_xdata()[0]) for line in circles] == [at for at, _ in wanted]
    # Two of the curves meet in the circle.
    for line, (at, _) in zip(circles, wanted, strict=True):
        height = float(line.get_ydata()[0])
        heights = {kind: layer_costs(at, width)[kind] / at for kind in COSTS}
        assert sum(abs(one / height - 1) < 1e-9 for one in heights.values()) >= 2
    texts = [text.get_text() for text in ax.texts]
    assert texts == [f"$T = {k if k > 1 else ''}D$ = {curves._whole(at)}" for at, k in wanted]
    # The words stand below all curves from their place on, and to the right of their line.
    figure.draw_without_rendering()
    for text, (at, _) in zip(ax.texts, wanted, strict=True):
        place = text.get_window_extent().transformed(ax.transData.inverted())
        lowest = min(layer_costs(t, width)[kind] / t for kind in COSTS for t in (at, max(LENGTHS)))
        assert ax.get_ylim()[0] < place.y0 < place.y1 < lowest and place.x0 > at and place.x1 < ax.get_xlim()[1]


def test_costs_are_drawn_per_token() -> None:
    shown = named(CURVES["cost_crossings"]())
    assert_differ_by_more_than_colour(shown.values())
    for line, (name, costs) in zip(shown.values(), COSTS.items(), strict=True):
        assert line.get_label() == language.say(f"curves.cost-{curves._slug(name)}")
        assert list(line.get_ydata()) == pytest.approx([cost / t for cost, t in zip(costs, LENGTHS, strict=True)])


def test_the_formulas_of_the_legend_are_the_costs() -> None:
    for name in COSTS:
        for lang in language.LANGUAGES:
            (formula,) = re.findall(r"\$(.+)\$", TEXTS[f"curves.cost-{curves._slug(name)}"][lang])
            for t, d in ((7, 16), (64, 8)):
                terms = re.findall(r"(\d+)T(\^2)?D(\^2)?", formula)
                assert " + ".join(f"{number}T{more}D{most}" for number, more, most in terms) == formula
                cost = sum(int(number) * t ** (1 + bool(more)) * d ** (1 + bool(most)) for number, more, most in terms)
                assert cost == layer_costs(t, d)[name]
    # The crossings of the picture are among those that the explorer tells.
    assert {1, 2, 4} <= {times for _, times in CROSSINGS}


def test_the_two_areas_fill_the_whole() -> None:
    figure = CURVES["matmul_share"]()
    ax = figure.axes[0]
    (line,) = ax.get_lines()
    assert list(line.get_xdata()) == WIDTHS and list(line.get_ydata()) == SHARE
    lower, upper = (area.get_paths()[0].vertices for area in ax.collections)
    assert set(lower[:, 1]) >= {0.0, *SHARE} and lower[:, 1].max() == max(SHARE)
    assert set(upper[:, 1]) >= {1.0, *SHARE} and upper[:, 1].min() == min(SHARE)
    assert ax.collections[1].get_hatch() and not ax.collections[0].get_hatch()
    assert ax.get_ylim() == (0, 1) and ax.get_xscale() == "log"


@both_languages
def test_margins_stand_under_their_names_with_seeds_and_means(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["block_margins"]()
    for number, (task, models) in enumerate(MARGINS.items()):
        ax = figure.axes[number]
        means = [np.mean(seeds) for seeds in models.values()]
        assert [bar.get_height() for bar in bars(figure, number)] == pytest.approx(means)
        assert [list(line.get_ydata()) for line in ax.get_lines()] == list(models.values())
        assert [text.get_text() for text in ax.get_xticklabels()] == [
            language.say(f"curves.model-{curves._slug(model)}") for model in models
        ]
        assert ax.get_title(loc="left") == language.say(f"curves.task-{task}")
        assert ax.get_ylabel() == language.say(f"curves.error-{task}") and ax.get_ylim()[0] == 0
    assert written(figure, 0) == ["4.2\u00a0%", "1.7\u00a0%"]
    assert written(figure, 1) == ["0.110", "0.092", "0.300"]


def test_what_does_not_fit_together_is_refused() -> None:
    for call, message in (
        (lambda: curves.recall_pairs({"GRU": {2: [0.5]}}), "GRU"),
        (lambda: curves.recall_distance({}), "unknown names"),
        (lambda: curves.gradient_distance({"GRU": [1.0]}), "GRU"),
        (lambda: curves.gradient_distance({"RNN": [0.0, 0.0]}), "no positive norm"),
        (lambda: curves.chain_lengths([1, 2], {"RNN": [1]}), "1 values for 2"),
        (lambda: curves.chain_lengths([1, 2], {"GRU": [1, 2]}), "GRU"),
        (lambda: curves.cost_crossings(WIDTH, [1, 2], {"RNN": [1]}, {}), "1 values for 2"),
        (lambda: curves.cost_crossings(WIDTH, LENGTHS, COSTS, {("attention", "GRU"): 64}), "GRU"),
        (lambda: curves.cost_crossings(WIDTH, LENGTHS, COSTS, {("attention", "LSTM"): 3 * WIDTH}), "do not cross"),
        (lambda: curves.cost_crossings(WIDTH, LENGTHS, COSTS, {("attention", "LSTM"): WIDTH}), "do not cross"),
        (lambda: curves.cost_crossings(WIDTH, LENGTHS, COSTS, {("attention", "LSTM"): 2**20}), "do not cross"),
        (lambda: curves.matmul_share([1, 2], [0.5]), "1 values for 2"),
        (lambda: curves.matmul_share([1, 2], [0.5, 50.0]), "shares"),
        (lambda: curves.block_margins({"texts": {"block": [0.1]}}), "texts"),
        (lambda: curves.block_margins({"digits": {"LSTM": [0.1]}}), "LSTM"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
