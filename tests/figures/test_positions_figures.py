"""The figures of lesson 05: the diagrams show what the formulas give, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

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
    colours,
    diagram,
    labels,
    matrices,
    said,
    session_as_it_was,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib import language, positions
from course_lib.figures import draw, drawings
from course_lib.figures import positions as diagrams
from course_lib.figures import positions_curves as curves
from course_lib.figures.draw import Stroke
from course_lib.figures.style import COLOURS

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("positions_curves")
CARDS = {"clock_hands", "rotary", "where_positions_enter"}
DIAGRAMS = {"order_blind", *CARDS}


def strokes(name: str) -> list[Stroke]:
    return diagram(name).drawing.strokes


def direction(stroke: Stroke) -> complex:
    """From a stroke's first point to its last, as on paper: the imaginary axis points up."""
    (x, y), (to_x, to_y) = stroke.points[0], stroke.points[-1]
    return complex(to_x - x, y - to_y)


# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_positions")}
    assert {name for name in DIAGRAMS if drawings()[name].card} == CARDS


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("order_blind", {"output"}),
        ("clock_hands", set()),
        ("rotary", {"query", "key"}),
        ("where_positions_enter", {"query", "key", "value", "output"}),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


def attended(order: list[str]) -> np.ndarray:
    """The outputs of the made-up attention of the picture, in float64 by NumPy, a row for each word."""
    vectors = np.array(draw.numbers(3, 3, seed=32))[[diagrams.TOKENS.index(word) for word in order]]
    query, key, value = (vectors @ np.array(draw.numbers(3, 3, seed=seed)) for seed in (51, 52, 53))
    powers = np.exp(diagrams.SHARPNESS * query @ key.T / math.sqrt(3))
    return powers / powers.sum(axis=1, keepdims=True) @ value


@both_languages
def test_the_outputs_are_those_of_attention_and_travel_with_their_words(lang: str) -> None:
    language.use_language(lang)
    shown = labels("order_blind")
    orders, vectors = [], []
    for title in ("first", "second"):
        start = shown.index(said("order_blind", title))
        part = shown[start + 1 : start + 14]
        orders.append([text for text in part if text in diagrams.TOKENS])
        numbers = [float(text.replace("−", "-")) for text in part if re.fullmatch(r"−?\d\.\d\d", text)]
        vectors.append(np.array(numbers).reshape(3, 3))
    assert orders == [["wolf", "chased", "hare"], ["hare", "chased", "wolf"]]
    for order, shown_vectors in zip(orders, vectors, strict=True):
        assert shown_vectors == pytest.approx(attended(order), abs=0.005 + 1e-9)
    assert (vectors[0] == vectors[1][::-1]).all(), "the same vectors in the other order"
    distances = [abs(vectors[0][i] - vectors[0][j]).min() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert min(distances) > 0.2, "equal vectors would prove nothing"
    shades = matrices("order_blind")
    assert len(shades) == 6 and shades[:3] == shades[:2:-1] and len({str(shade) for shade in shades}) == 3


@both_languages
def test_each_line_joins_the_vectors_of_one_word(lang: str) -> None:
    language.use_language(lang)
    canvas = diagram("order_blind").drawing
    words = {
        label.artist.get_position()[0]: label.artist.get_text()
        for label in canvas.labels
        if label.artist.get_text() in diagrams.TOKENS
    }
    lines = [stroke for stroke in canvas.strokes if len(stroke.points) == 4]
    ends = [(words[line.points[0][0]], words[line.points[-1][0]]) for line in lines]
    assert sorted(ends) == [(word, word) for word in sorted(diagrams.TOKENS)]
    depths = {line.points[1][1]: line.points[0][0] for line in lines}
    starts = [depths[y] for y in sorted(depths)]
    assert starts == sorted(starts, reverse=True), "each line lies inside the next, so that none cross"
    assert labels("order_blind").count(said("order_blind", "same")) == 3


def test_the_hands_stand_where_the_table_says() -> None:
    hands = [s for s in strokes("clock_hands") if abs(direction(s)) > 10]
    assert len(hands) == diagrams.PAIRS * diagrams.TIMES
    table = positions.sinusoidal_table(diagrams.TIMES, 2 * diagrams.PAIRS, diagrams.BASE).numpy()
    xs = sorted({hand.points[0][0] for hand in hands})
    ys = sorted({hand.points[0][1] for hand in hands})
    assert (len(xs), len(ys)) == (diagrams.TIMES, diagrams.PAIRS)
    for hand in hands:
        (x, y), way = hand.points[0], direction(hand)
        t, i = xs.index(x), ys.index(y)
        sine, cosine = table[t, 2 * i : 2 * i + 2]
        assert way / abs(way) == pytest.approx(complex(cosine, sine), abs=1e-9), (t, i)


@both_languages
def test_the_frequencies_and_wavelengths_are_those_of_the_pairs(lang: str) -> None:
    language.use_language(lang)
    shown = labels("clock_hands")
    rows = [re.search(r"i = (\d)\$.*= ([\d.]+)\$,\D+([\d.]+)$", text) for text in shown]
    found = np.array([[float(number) for number in row.groups()] for row in rows if row])
    omegas = positions.frequencies(2 * diagrams.PAIRS, diagrams.BASE).numpy()
    assert found[:, 0].tolist() == [0, 1, 2]
    assert found[:, 1] == pytest.approx(omegas, rel=3e-3)
    assert found[:, 2] == pytest.approx(2 * np.pi / omegas, rel=1e-2)
    assert [text for text in shown if text.isdecimal()] == [str(t) for t in range(diagrams.TIMES)]
    for number in found[1:, 1]:
        assert f"{number:g}" in said("clock_hands", "alt")


def panel(name: str, number: int) -> list[Stroke]:
    middle = diagram(name).drawing.width / 2
    own = [s for s in strokes(name) if (s.points[0][0] < middle) == (number == 0)]
    return [s for s in own if s.points[0][0] != middle]


def test_queries_and_keys_are_turned_by_their_positions() -> None:
    for number, (m, n) in enumerate(diagrams.PLACES):
        query, _, turned_query, key, _, turned_key = (
            direction(stroke) for stroke in panel("rotary", number)[:6]
        )  # each vector before, the way of its tip, the vector after
        for before, after, position in ((query, turned_query, m), (key, turned_key, n)):
            turn = np.exp(1j * diagrams.TURN * position)
            assert after == pytest.approx(before * turn, abs=1e-9), "as positions.rotate turns a pair"
        assert abs(query) != abs(key)


def test_the_angle_and_the_dot_product_are_the_same_in_both_panels() -> None:
    (m, n), (far_m, far_n) = diagrams.PLACES
    assert m - n == far_m - far_n and m != far_m
    products = []
    for number in (0, 1):
        _, _, query, _, _, key, arc = panel("rotary", number)
        q, k = direction(query), direction(key)
        products.append((q * k.conjugate()).real)
        centre = complex(query.points[0][0], -query.points[0][1])
        for point, vector in ((arc.points[0], k), (arc.points[-1], q)):
            mark = complex(point[0], -point[1]) - centre
            assert mark / abs(mark) == pytest.approx(vector / abs(vector), abs=1e-9), "the arc goes from k' to q'"
    assert products[0] == pytest.approx(products[1])


@both_languages
def test_the_numbers_of_the_panels_are_right(lang: str) -> None:
    language.use_language(lang)
    shown = labels("rotary")
    marks = [float(text) for text in shown if re.fullmatch(r"\d\.\d", text)]
    apart = diagrams.UNTURNED["query"][0] - diagrams.UNTURNED["key"][0]
    m, n = diagrams.PLACES[0]
    assert marks == pytest.approx([apart + diagrams.TURN * (m - n)] * 2)
    for m, n in diagrams.PLACES:
        assert f"$m = {m}$,  $n = {n}$" in shown
        for letter, position in (("m", m), ("n", n)):
            assert rf"${letter}\,\omega = {position} \cdot 0.4 = {0.4 * position:.1f}$" in shown
    assert shown.count(rf"${apart:.1f} + (m - n)\,\omega = {marks[0]:.1f}$") == 2
    for number in (f"{marks[0]:g}", f"{apart:g}", "0.4", "1.2", "2.8"):
        assert number in said("rotary", "alt")


@both_languages
def test_the_three_places_are_numbered_where_they_are_and_where_they_are_explained(lang: str) -> None:
    language.use_language(lang)
    figure = diagram("where_positions_enter")
    marks = [label.artist for label in figure.drawing.labels if label.artist.get_text() in ("1", "2", "3")]
    assert sorted(mark.get_text() for mark in marks) == list("112233")
    near, explained = (
        {mark.get_text(): mark.get_position()[1] for mark in marks if (mark.get_position()[0] > 240) == right}
        for right in (False, True)
    )
    for places in (near, explained):
        assert sorted(places, key=places.get) == ["1", "2", "3"], "from top to bottom"
    at = {label.artist.get_text(): label.artist.get_position()[1] for label in figure.drawing.labels}
    assert at["$X$"] < near["1"] < at["$Q$"] < near["2"] < at[said("where_positions_enter", "scores")] < near["3"]
    assert near["3"] < at["softmax"] < at["×"] < at["$Z$"]
    assert labels("where_positions_enter").count("↺") == 2
    text = "\n".join(labels("where_positions_enter"))
    for name in ("RoPE", "ALiBi", "T5"):
        assert name in text and name in said("where_positions_enter", "alt")


def test_no_position_reaches_the_values_after_place_1() -> None:
    lines = strokes("where_positions_enter")
    (value,) = {box.cx for box in diagram("where_positions_enter").drawing.boxes if box.x == 165}
    own = [line for line in lines if {x for x, _ in line.points} == {value}]
    assert len(own) == 2, "from V to the product, from the product to Z"


# ---------------------------------------------------------------- curves

WORDS = (0, 6, 12, 20, 40, 80)
SPREAD = [[0.9, 0.96, 0.99], [1.0, 1.0, 1.0], [0.2, 0.5, 0.8]]
DISTANCES = np.arange(-63, 64)
ROWS = list(range(40))
TABLE = positions.sinusoidal_table(20, 16).numpy()
ALIBI = positions.alibi_bias(4, 127)[:, 63].numpy()
STEPS = positions.T5Bias(4)(127)[:, 63].detach().numpy()
BEHIND = {name: [[0.9 - 0.1 * i, 0.95 - 0.1 * i] for i in range(6)] for names in curves.PANELS for name in names}
SHARES = {
    "one-text": [max(0.0, 1 - row / 30) for row in ROWS],
    "short-then-long": [1.0 if row < 10 else 0.1 for row in ROWS],
    "packed": [1.0 for _ in ROWS],
}
CURVES: dict[str, Callable[[], Figure]] = {
    "table": lambda: curves.position_table(TABLE),
    "similarity": lambda: curves.similarity(
        [1, 10, 100, 1000, 10_000], {"base-10000": [1, 0.7, 0.4, 0.1, -0.1], "base-500000": [1, 0.8, 0.6, 0.4, 0.2]}
    ),
    "row_updates": lambda: curves.row_updates(ROWS, SHARES),
    "late_rows": lambda: curves.late_rows(
        [0, 10, 20],
        {"learned-evenly": SPREAD, "learned-mostly-few": SPREAD[::-1], "rotary-mostly-few": [[1.0, 1.0]] * 3},
    ),
    "accuracy": lambda: curves.accuracy_behind(WORDS, BEHIND, trained=12),
    "biases": lambda: curves.biases(DISTANCES, ALIBI, STEPS, trained=25),
}
PANELS = {"similarity": 1, "row_updates": 1, "late_rows": 1, "accuracy": 2, "biases": 1}


def lines(name: str, number: int = 0) -> list:
    """The named curves of a panel, without the lines that mark a place."""
    return [line for line in CURVES[name]().axes[number].get_lines() if line.get_marker() in set("so^D")]


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, [f"position_{name}" for name in CURVES])


@pytest.mark.parametrize("file", ["positions_curves", "figures_positions"])
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
    assert_is_shown_twice_alike(CURVES[name], f"position_{name}", {}, monkeypatch)


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_nothing_is_cut_off_and_no_type_is_tiny(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_is_whole_and_legible(CURVES[name]())


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_no_two_texts_overlap(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_no_two_texts_overlap(CURVES[name]())


@pytest.mark.parametrize("name", CURVES)
def test_curves_keep_off_the_colours_of_attention(name: str) -> None:
    assert_keeps_off_the_colours_of_attention(CURVES[name]())


@pytest.mark.parametrize(("name", "number"), [(name, i) for name, count in PANELS.items() for i in range(count)])
def test_no_two_curves_differ_by_colour_alone(name: str, number: int) -> None:
    assert_differ_by_more_than_colour(lines(name, number))


def test_the_table_is_shown_as_it_is() -> None:
    ax, bar = CURVES["table"]().axes
    (image,) = ax.images
    assert (np.asarray(image.get_array()) == TABLE).all() and image.get_clim() == (-1, 1)
    assert image.get_cmap().name == "cividis", "its lightness grows all along, so it reads in grey"
    assert ax.get_ylim() == (19.5, -0.5), "position 0 stands at the top"
    assert bar.get_ylim() == (-1, 1)
    ticks = [*ax.get_xticks(), *ax.get_yticks()]
    assert all(tick == int(tick) for tick in ticks)


def test_the_cosines_stand_at_their_distances() -> None:
    ax = CURVES["similarity"]().axes[0]
    assert [list(line.get_ydata()) for line in lines("similarity")] == [
        [1, 0.7, 0.4, 0.1, -0.1], [1, 0.8, 0.6, 0.4, 0.2]
    ]  # fmt: skip
    assert ax.get_xscale() == "log" and ax.get_xlim()[0] == 1
    assert ax.get_ylim()[0] < -0.1 and ax.get_ylim()[1] > 1
    shown = [text.get_text() for text in ax.get_xticklabels()]
    assert {"1", "1000", "10000"} <= set(shown), "thousands are not set apart in the figures of the course"
    written = [text.get_text() for text in ax.get_legend().get_texts()]
    assert written == [TEXTS[f"curves.base-{base}"]["en"] for base in (10000, 500000)]


def test_markers_of_curves_that_meet_stand_apart() -> None:
    shared = [0.5] * 200
    figure = curves.similarity(range(1, 201), {"base-10000": shared, "base-500000": shared})
    one, other = (set(line.get_markevery()) for line in figure.axes[0].get_lines() if line.get_marker() in "so^D")
    assert len(one) >= 6 and len(other) >= 6
    assert len(one & other) <= 1, "on a logarithmic axis the first points are few"
    for points in (one, other):
        # Half of the logarithmic axis from 1 to 200 ends at 14.
        assert 3 <= sum(point + 1 < 14 for point in points) <= 5, "spread along the axis, not by the points"


def test_a_share_of_zero_is_left_out_and_the_axis_ends_at_a_thousandth() -> None:
    ax = CURVES["row_updates"]().axes[0]
    assert ax.get_yscale() == "log" and ax.get_ylim()[0] == 0.001 and ax.get_ylim()[1] > 1
    for line, values in zip(lines("row_updates"), SHARES.values(), strict=True):
        shown = np.asarray(line.get_ydata(), dtype=float)
        assert shown[np.array(values) > 0].tolist() == [value for value in values if value > 0]
        assert np.isnan(shown[np.array(values) == 0]).all()
    assert sum(value == 0 for value in SHARES["one-text"]) == 10


def seeds_shown(name: str, number: int = 0) -> dict[str, list[tuple[float, float, float, float]]]:
    """By label, for every point: place, mean, least and greatest as drawn."""
    found = {}
    for container in CURVES[name]().axes[number].containers:
        line, _, (bars,) = container.lines
        ends = [segment[:, 1] for segment in bars.get_segments()]
        assert [segment[0, 0] for segment in bars.get_segments()] == pytest.approx(list(line.get_xdata()))
        found[container.get_label()] = [
            (x, y, min(end), max(end)) for x, y, end in zip(line.get_xdata(), line.get_ydata(), ends, strict=True)
        ]
    return found


def test_points_are_means_of_the_seeds_and_bars_their_extremes() -> None:
    shown = seeds_shown("late_rows")
    names = ("learned-evenly", "learned-mostly-few", "rotary-mostly-few")
    assert list(shown) == [language.say(f"curves.{name}") for name in names]
    given = (SPREAD, SPREAD[::-1], [[1.0, 1.0]] * 3)
    for points, values in zip(shown.values(), given, strict=True):
        for (x, mean, least, most), seeds, words in zip(points, values, (0, 10, 20), strict=True):
            assert (mean, least, most) == pytest.approx((np.mean(seeds), min(seeds), max(seeds)))
            assert abs(x - words) <= 1, "set aside only a little"
    aside = [points[0][0] for points in shown.values()]
    assert len(set(aside)) == 3 and sum(aside) == pytest.approx(0)


@both_languages
def test_names_decide_the_panel(lang: str) -> None:
    language.use_language(lang)
    one, other = CURVES["accuracy"]().axes
    sides = (("none", "learned", "sinusoidal"), ("causal", "rotary", "alibi", "t5"))
    for number, (ax, names) in enumerate(zip((one, other), sides, strict=True)):
        shown = seeds_shown("accuracy", number)
        assert list(shown) == [language.say(f"curves.{name}") for name in names]
        for points in shown.values():
            assert [mean for _, mean, _, _ in points] == pytest.approx([0.925 - 0.1 * i for i in range(6)])
        assert [text.get_text() for text in ax.get_xticklabels()] == [str(count) for count in WORDS]
        (border,) = [line for line in ax.get_lines() if list(line.get_xdata()) == [14, 14]]
        assert border.get_marker() == "None" and border.get_color() == COLOURS["neutral"]
        assert [text.get_text() for text in ax.texts] == [language.say("curves.trained-up-to", number=12)]
        assert "12" in ax.texts[0].get_text()
        for points in shown.values():
            assert points[2][0] < 13.5 and points[3][0] > 18, "the points stay on their side of the line"
    assert one.get_ylim() == other.get_ylim() and one.get_ylim()[0] == 0
    few = curves.accuracy_behind(WORDS, {"rotary": BEHIND["rotary"]}, 12)
    assert [len(ax.containers) for ax in few.axes] == [0, 1]


def test_curves_at_100_per_cent_are_seen_whole() -> None:
    for name in ("late_rows", "accuracy"):
        for line in lines(name):
            assert not line.get_clip_on()


@pytest.mark.parametrize("name", ["row_updates", "late_rows", "accuracy"])
def test_the_sign_of_per_cent_stands_apart_as_in_the_texts(name: str) -> None:
    figure = CURVES[name]()
    figure.draw_without_rendering()
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels() if text.get_text()]
    assert "100\N{NO-BREAK SPACE}%" in shown
    assert all(re.fullmatch(r"[\d.]+\u00a0%", text) for text in shown)


def strips(figure: Figure) -> list[Axes]:
    """The panels of T5's heads, from top to bottom."""
    return sorted(figure.axes[1:], key=lambda ax: -ax.get_position().y0)


def test_the_biases_of_alibi_are_straight_lines() -> None:
    shown = lines("biases")
    assert len(shown) == 4 and {line.get_drawstyle() for line in shown} == {"default"}
    for line, values in zip(shown, ALIBI, strict=True):
        assert (np.asarray(line.get_xdata()) == DISTANCES).all() and (np.asarray(line.get_ydata()) == values).all()


@both_languages
def test_the_biases_of_t5_are_steps_a_strip_for_each_head(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["biases"]()
    figure.draw_without_rendering()
    for number, (strip, values) in enumerate(zip(strips(figure), STEPS, strict=True), 1):
        (steps,) = (line for line in strip.get_lines() if line.get_drawstyle() == "steps-mid")
        assert (np.asarray(steps.get_xdata()) == DISTANCES).all() and (np.asarray(steps.get_ydata()) == values).all()
        assert [text.get_text() for text in strip.texts] == [language.say("curves.head", number=number)]
        (area,) = (group for group in strip.collections if group.get_paths())
        heights = area.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((min(values.min(), 0), max(values.max(), 0)))
        assert strip.get_xlim() == (-63, 63)
    low, high = {strip.get_ylim() for strip in strips(figure)}.pop()
    assert low == -high and {strip.get_ylim() for strip in strips(figure)} == {(low, high)}, "one scale for all heads"
    assert high > abs(STEPS).max()


@both_languages
def test_a_panel_s_title_begins_with_a_capital(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["biases"]()
    titles = [ax.get_title(loc="left") for ax in (figure.axes[0], strips(figure)[0])]
    assert titles == {"en": ["ALiBi", "T5 bias"], "ru": ["ALiBi", "Смещения T5"]}[lang]


def test_what_training_never_met_is_shaded_and_hatched_on_the_right_alone() -> None:
    figure = CURVES["biases"]()
    assert not figure.axes[0].patches
    for strip in strips(figure):
        spans = sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in strip.patches)
        assert spans == [(-63, -25.5), (25.5, 63)]
        assert all(patch.get_hatch() for patch in strip.patches)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *(language.say("curves.head", number=n) for n in (1, 2, 3, 4)), language.say("curves.never-met")
    ]  # fmt: skip
    assert not any(strip.patches for strip in strips(curves.biases(DISTANCES, ALIBI, STEPS, trained=63)))


def test_more_than_can_be_told_apart_is_refused() -> None:
    five = {name: [1, 2] for name in ("base-10000", "base-500000", "one-text", "packed", "rotary")}
    for call in (
        lambda: curves.similarity([1, 2], five),
        lambda: curves.row_updates([1, 2], five),
        lambda: curves.late_rows([1, 2], {name: [[1], [1]] for name in five}),
        lambda: curves.biases([0, 1], np.zeros((5, 2)), np.zeros((4, 2)), 1),
        lambda: curves.biases([0, 1], np.zeros((4, 2)), np.zeros((5, 2)), 1),
    ):
        with pytest.raises(ValueError, match="5 curves"):
            call()


def test_a_name_without_a_panel_is_refused() -> None:
    with pytest.raises(ValueError, match="'packed' has no panel"):
        curves.accuracy_behind(WORDS, {"packed": BEHIND["none"]}, 12)
