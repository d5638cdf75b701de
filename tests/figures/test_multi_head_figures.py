"""The figures of lesson 04: the diagrams show what the algebra gives, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

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
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from course_lib import language
from course_lib.figures import draw, drawings, multi_head
from course_lib.figures import multi_head_curves as curves
from course_lib.figures.draw import Box
from course_lib.figures.style import COLOURS, contrast, tint

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("multi_head_curves")
DIAGRAMS = {"grouped_query", "multi_head_sum", "one_mixture", "split_heads"}


# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert set(drawings()) >= DIAGRAMS == {key.split(".")[1] for key in catalogue("figures_multi_head")}
    assert not any(drawings()[name].card for name in DIAGRAMS)


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("grouped_query", {"query", "key", "value"}),
        ("multi_head_sum", {"output"}),
        ("one_mixture", {"query", "value", "output"}),
        ("split_heads", {"query"}),
    ],
)
def test_the_colours_of_attention_have_their_roles(name: str, roles: set[str]) -> None:
    assert colours(name) & OF_ATTENTION == {COLOURS[role] for role in roles}


@both_languages
def test_one_head_has_one_mixture_and_two_heads_have_two(lang: str) -> None:
    language.use_language(lang)
    shown = labels("one_mixture")
    roles, names = zip(*multi_head.LETTER, strict=True)
    for half, asked in ((0, ["about from"]), (1, ["about", "from"])):
        start = shown.index(said("one_mixture", ("one_head", "two_head")[half]))
        part = shown[start : shown.index(said("one_mixture", "two_head")) if half == 0 else None]
        assert part[1:11] == [
            word for token in (*zip(roles, names, strict=True), ("about?", "from?")) for word in token
        ]
        numbers = np.array([Fraction("1/2") if text == "½" else Fraction(text) for text in part if text in "01½"])
        weights, outputs = np.array(numbers, dtype=float).reshape(len(asked), 2, 4).transpose(1, 0, 2)
        for row, output, question in zip(weights, outputs, asked, strict=True):
            scores = np.array([20.0 * (role in question.split()) for role in roles])
            assert row == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-6)
            assert row.sum() == 1
            assert (output == row @ np.eye(4)).all()
        formulas = [text for text in part if text.startswith(("v(", "½ v("))]
        if half == 0:
            assert formulas == ["½ v(Carl) + ½ v(Ann)"] and part[-1] == said("one_mixture", "unclear")
        else:
            assert formulas == ["v(Carl)", "v(Ann)"] and part[-1].endswith(" Carl | Ann")
    assert said("one_mixture", "alt").count("½ v(Carl) + ½ v(Ann)") == 1
    for role, name in multi_head.LETTER:
        assert f"{role} {name}" in said("one_mixture", "alt")


def test_the_shades_of_the_mixtures_are_those_of_their_numbers() -> None:
    pale, full = ({role: tint(role, amount) for role in ("accent", "output")} for amount in (0.375, 0.75))
    one, mixture, first, output_1, second, output_2 = (rows for (rows,) in matrices("one_mixture"))
    empty = "#FFFFFF"
    assert one == [pale["accent"], empty, pale["accent"], empty]
    assert mixture == [pale["output"], empty, pale["output"], empty]
    assert first == [empty, empty, full["accent"], empty] and output_1 == [empty, empty, full["output"], empty]
    assert second == [full["accent"], empty, empty, empty] and output_2 == [full["output"], empty, empty, empty]


@both_languages
def test_the_numbers_of_q_are_cut_as_numpy_cuts_them(lang: str) -> None:
    language.use_language(lang)
    shown = np.array([int(text) for text in labels("split_heads") if text.isdecimal()])
    whole, right, wrong = np.split(shown, 3)
    q = np.arange(1, 19).reshape(3, 6)
    assert (whole == q.flatten()).all()
    # The first head's matrix, then the second's: the columns of the heads, one after the other.
    assert (right == np.concatenate([q[:, :2].flatten(), q[:, 2:4].flatten(), q[:, 4:].flatten()])).all()
    assert (right.reshape(3, 3, 2) == q.reshape(3, 3, 2).transpose(1, 0, 2)).all()
    assert (wrong.reshape(3, 3, 2) == q.reshape(3, 3, 2)).all() and (wrong[:6] == q[0]).all()
    figures = re.findall(r"\d+", said("split_heads", "alt"))
    assert " ".join(map(str, right[:6])) in " ".join(figures)


def test_a_number_of_q_keeps_the_shade_of_its_head() -> None:
    whole, *parts = matrices("split_heads")
    shade = {number: whole[(number - 1) // 6][(number - 1) % 6] for number in range(1, 19)}
    blocks = [{row[j] for row in whole for j in (2 * h, 2 * h + 1)} for h in range(3)]
    assert [len(block) for block in blocks] == [1, 1, 1] and len(set.union(*blocks)) == 3
    shown = [int(text) for text in labels("split_heads") if text.isdecimal()][18:]
    for h, part in enumerate(parts):
        numbers = np.array(shown[6 * h : 6 * h + 6]).reshape(3, 2)
        assert part == [[shade[number] for number in row] for row in numbers]
        assert len({colour for row in part for colour in row}) == (1 if h < 3 else 3)


def shaded(values: np.ndarray, colour: str, low: float, high: float) -> list[list[str]]:
    scaled = low + (high - low) * (values - values.min()) / (values.max() - values.min())
    return [[tint(colour, amount) for amount in row] for row in scaled]


def test_the_joined_outputs_times_w_o_are_the_sum_over_the_heads() -> None:
    parts = [np.array(draw.numbers(4, 2, seed=5 + h)) for h in range(3)]
    mixing = np.array(draw.numbers(6, 6, seed=77))
    joined = np.concatenate(parts, axis=1)
    z, w, *pairs, at_once, summed = matrices("multi_head_sum")
    assert z == shaded(joined, "output", 0.12, 0.7) and w == shaded(mixing, "input", 0.1, 0.6)
    for h in range(3):
        own, block = pairs[2 * h : 2 * h + 2]
        assert own == [row[2 * h : 2 * h + 2] for row in z], "the part of the joined outputs, in the same shades"
        assert block == w[2 * h : 2 * h + 2]
    assert at_once == summed == shaded(joined @ mixing, "output", 0.12, 0.75)
    by_heads = np.einsum("thv,hvd->td", joined.reshape(4, 3, 2), mixing.reshape(3, 2, 6))
    assert summed == shaded(by_heads, "output", 0.12, 0.75)
    assert len({colour for row in summed for colour in row}) > 12, "equal shades would prove nothing"


@both_languages
def test_every_query_head_is_joined_to_its_pair(lang: str) -> None:
    language.use_language(lang)
    canvas = diagram("grouped_query").drawing
    rows: dict[float, list[Box]] = {}
    for box in canvas.boxes:
        rows.setdefault(box.y, []).append(box)
    queries, keys, values, bars = (sorted(rows[y], key=lambda box: box.x) for y in sorted(rows))
    assert [len(row) for row in (queries, keys, values, bars)] == [24, 11, 11, 3]
    assert [box.x for box in keys] == [box.x for box in values]
    lines = {(round(s.points[0][0], 3), round(s.points[-1][0], 3)) for s in canvas.strokes}
    joined = set()
    first = 0
    for panel, pairs in enumerate((8, 2, 1)):
        own = keys[first : first + pairs]
        for head in range(8):
            joined.add((round(queries[8 * panel + head].cx, 3), round(own[head // (8 // pairs)].cx, 3)))
        first += pairs
    assert lines == joined and len(canvas.strokes) == 24
    shown = labels("grouped_query")
    assert [int(text[:-1].split("= ")[1]) for text in shown if "H_{KV}" in text] == [8, 2, 1]
    shares = [
        Fraction(text.split(": ")[1]) for text in shown if text.startswith(said("grouped_query", "cache", share=""))
    ]
    assert shares == [1, Fraction(1, 4), Fraction(1, 8)]
    assert [bar.w / bars[0].w for bar in bars] == pytest.approx([float(share) for share in shares])
    for share in ("1/4", "1/8"):
        assert share in said("grouped_query", "alt")


def test_the_lines_leave_and_reach_what_they_join() -> None:
    canvas = diagram("grouped_query").drawing
    assert {s.points[0][1] for s in canvas.strokes} == {74} and {s.points[-1][1] for s in canvas.strokes} == {122}


# ---------------------------------------------------------------- curves

SENTENCES = (("The animal didn't cross", "it was tired"), ("The robot was slow", "so it stopped there early"))
LOOKS = tuple(np.random.default_rng(seed).dirichlet(np.full(length, 0.3), (2, 3)) for seed, length in enumerate((7, 9)))
GROWTH = np.array([[0.021, 1.314, -0.004], [0.9, 0.0, -0.05]])
CURVES: dict[str, Callable[[], Figure]] = {
    "question_losses": lambda: curves.question_losses(
        {"one-head": [2.0, 1.0, 1.0, 0.7], "two-heads": [2.0, 1.0, 0.5, 0.0], "four-heads": [1.9, 0.6, 0.2, 0.0]},
        window=2,
    ),
    "divergence": lambda: curves.divergence(
        [0, 10, 20], {"all-alike": [0, 0, 0], "alike-but-output": [0, 0.3, 0.6], "all-different": [1.0, 1.1, 1.3]}
    ),
    "looks": lambda: curves.looks([" ".join(words).split() for words in SENTENCES], LOOKS, [(1, 4), (1, 5)]),
    "ablation": lambda: curves.ablation(GROWTH),
    "winners": lambda: curves.winners([1, 2, 4, 8], [2, 7, 40, 50], 50),
    "cache": lambda: curves.cache(["GPT-2", "Llama 3 8B"], [0.0361, 4.0], [0.0361, 1.0]),
}
LINES = ("divergence", "question_losses", "winners")


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, [f"multi_head_{name}" for name in CURVES])


@pytest.mark.parametrize("file", ["multi_head_curves", "figures_multi_head"])
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
    assert_is_shown_twice_alike(CURVES[name], f"multi_head_{name}", {}, monkeypatch)


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


@pytest.mark.parametrize("name", LINES)
def test_no_two_curves_differ_by_colour_alone(name: str) -> None:
    assert_differ_by_more_than_colour(CURVES[name]().axes[0].get_lines())


@pytest.mark.parametrize("name", ["ablation", "cache"])
def test_bars_of_two_kinds_differ_by_hatch_and_do_not_overlap(name: str) -> None:
    one, other = CURVES[name]().axes[0].containers
    assert {bar.get_hatch() for bar in one} != {bar.get_hatch() for bar in other}
    start, length = ("get_x", "get_width") if name == "ablation" else ("get_y", "get_height")
    edges = sorted((getattr(bar, start)(), getattr(bar, start)() + getattr(bar, length)()) for bar in (*one, *other))
    assert len(edges) == (GROWTH.size if name == "ablation" else 4)
    assert all(right <= left + 1e-9 for (_, right), (left, _) in pairwise(edges))


def values(name: str) -> list[tuple[list, list]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in CURVES[name]().axes[0].get_lines()]


def test_losses_are_means_at_the_last_of_their_steps() -> None:
    expected = [[1.5, 1.0, 0.85], [1.5, 0.75, 0.25], [1.25, 0.4, 0.1]]
    for (steps, shown), means in zip(values("question_losses"), expected, strict=True):
        assert steps == [2, 3, 4] and shown == pytest.approx(means)
    ax = CURVES["question_losses"]().axes[0]
    assert ax.get_ylim()[0] == 0
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one head", "two heads", "four heads"]


def test_the_curve_at_zero_is_seen_whole() -> None:
    assert values("divergence") == [
        ([0, 10, 20], [0, 0, 0]), ([0, 10, 20], [0, 0.3, 0.6]), ([0, 10, 20], [1.0, 1.1, 1.3])
    ]  # fmt: skip
    for name in ("divergence", "question_losses"):
        ax = CURVES[name]().axes[0]
        assert ax.get_yscale() == "linear" and ax.get_ylim()[0] == 0
        for line in ax.get_lines():
            assert not line.get_clip_on() and line.get_zorder() > ax.spines["bottom"].get_zorder()


def test_markers_of_curves_that_meet_stand_apart() -> None:
    lines = curves.question_losses({name: [0.0] * 400 for name in ("one-head", "two-heads", "four-heads")}).axes[0]
    (starts, pace) = zip(*(line.get_markevery() for line in lines.get_lines()), strict=True)
    assert len(set(starts)) == 3 and len(set(pace)) == 1 and max(starts) < pace[0]


@both_languages
def test_the_strips_show_the_weights_they_are_given(lang: str) -> None:
    language.use_language(lang)
    figure = CURVES["looks"]()
    for ax, weights, words, nouns in zip(figure.axes, LOOKS, SENTENCES, [(1, 4), (1, 5)], strict=True):
        (image,) = ax.images
        grid = weights.reshape(6, -1)
        assert (np.asarray(image.get_array()) == grid).all()
        assert image.get_cmap().name == "cividis" and image.get_clim() == (0, 1)
        assert [text.get_text() for text in ax.get_xticklabels()] == " ".join(words).split()
        assert [text.get_text() for text in ax.get_yticklabels()] == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
        shown = {(round(text.get_position()[1]), round(text.get_position()[0])): text for text in ax.texts}
        assert set(shown) == {(y, x) for y, x in np.ndindex(grid.shape) if grid[y, x] >= 0.15}
        for place, text in shown.items():
            assert text.get_text() == f"{grid[place]:.2f}"
            ground = to_hex(colormaps["cividis"](grid[place]))
            assert contrast(to_hex(text.get_color()), ground) >= 4.5
        frames = [(patch.get_x() + patch.get_width() / 2, patch.get_height()) for patch in ax.patches]
        assert [middle for middle, _ in frames] == pytest.approx(nouns)
        assert all(height == pytest.approx(6, abs=0.05) for _, height in frames)
        assert [list(line.get_ydata()) for line in ax.get_lines()] == [[2.5, 2.5]], "one border between two layers"


@both_languages
def test_the_bars_of_the_heads_carry_their_values_and_numbers(lang: str) -> None:
    language.use_language(lang)
    ax = CURVES["ablation"]().axes[0]
    assert [[bar.get_height() for bar in bars] for bars in ax.containers] == GROWTH.tolist()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "3"] * 2
    middles = [bar.get_x() + bar.get_width() / 2 for bars in ax.containers for bar in bars]
    assert list(ax.get_xticks()) == pytest.approx(middles)
    over = [text for text in ax.texts if re.fullmatch(r"−?\d\.\d\d", text.get_text())]
    assert [text.get_text() for text in over] == ["0.02", "1.31", "0.00", "0.90", "0.00", "−0.05"]
    assert [text.xy[0] for text in over] == pytest.approx(middles)
    assert [text.xy[1] for text in over] == GROWTH.clip(0).flatten().tolist(), "over the bar, not in it"
    layers = [text for text in ax.texts if text not in over]
    assert [text.get_text() for text in layers] == [language.say("curves.layer", layer=n) for n in (1, 2)]
    assert [text.xy[0] for text in layers] == pytest.approx([middles[1], middles[4]])


def test_a_full_row_of_bars_still_fits() -> None:
    for shape in ((1, 16), (2, 8), (4, 4)):
        figure = curves.ablation(np.full(shape, -1.25))
        assert_is_whole_and_legible(figure)
        places = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() == "−1.25"]
        assert len(places) == 16 and all(a.x1 < b.x0 for a, b in pairwise(places))


def test_the_winners_stand_below_the_line_of_all_keys() -> None:
    (_, level), (sizes, counts) = values("winners")
    assert level == [50, 50] and (sizes, counts) == ([1, 2, 4, 8], [2, 7, 40, 50])
    ax = CURVES["winners"]().axes[0]
    assert ax.get_xscale() == "log" and [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    assert ax.get_ylim()[0] == 0 and 50 < ax.get_ylim()[1] < 60
    assert "50" in ax.get_legend().get_texts()[0].get_text()


def test_the_caches_are_those_of_the_models() -> None:
    figure = CURVES["cache"]()
    (ax,) = figure.axes
    unshared, actual = ax.containers
    assert [bar.get_width() for bar in unshared] == [0.0361, 4.0]
    assert [bar.get_width() for bar in actual] == [0.0361, 1.0]
    assert ax.get_xscale() == "log" and ax.get_xlim()[0] < 0.0361
    assert [text.get_text() for text in ax.texts] == ["0.0361", "4", "0.0361", "1"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["GPT-2", "Llama 3 8B"]
    bottom, top = ax.get_ylim()
    assert bottom > top, "the first model stands at the top"
    assert [bar.get_hatch() for bar in actual] == ["", ""]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        TEXTS["curves.cache-unshared"]["en"], TEXTS["curves.cache-actual"]["en"]
    ]  # fmt: skip


def test_more_than_can_be_told_apart_is_refused() -> None:
    five = {name: [1, 2] for name in ("one-head", "two-heads", "four-heads", "all-alike", "all-different")}
    with pytest.raises(ValueError, match="5 curves"):
        curves.question_losses(five, window=1)
    with pytest.raises(ValueError, match="5 curves"):
        curves.divergence([1, 2], five)
    for shape in ((5, 1), (1, 17)):
        with pytest.raises(ValueError, match=f"{shape[0]} layers of {shape[1]} heads"):
            curves.ablation(np.zeros(shape))
