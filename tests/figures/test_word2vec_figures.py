"""The figures of lesson 01: the diagrams are true where they show numbers, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from lesson_figures import (  # noqa: F401
    OF_ATTENTION,
    assert_has_its_two_texts,
    assert_is_shown_twice_alike,
    assert_is_whole_and_legible,
    assert_keeps_off_the_colours_of_attention,
    both_languages,
    catalogue,
    colours,
    labels,
    session_as_it_was,
)
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from course_lib import language
from course_lib.figures import drawings, word2vec
from course_lib.figures import word2vec_curves as curves
from course_lib.figures.style import COLOURS

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("word2vec_curves")
DIAGRAMS = sorted(name for name in drawings() if name.startswith("word2vec_"))


def decimals(texts: list[str], digits: int) -> list[float]:
    shown = (text.replace("−", "-") for text in texts)
    return [float(text) for text in shown if re.fullmatch(rf"-?\d\.\d{{{digits}}}", text)]


# ---------------------------------------------------------------- diagrams


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_colours_of_attention_are_kept_for_attention(name: str) -> None:
    used = colours(name)
    assert used & {COLOURS["input"], COLOURS["accent"]}, "no colour was found"
    assert not used & OF_ATTENTION


def test_the_cosines_are_those_of_the_numbers_shown() -> None:
    shown = labels("word2vec_strangers")
    king, queen, street = np.array(decimals(shown, 1)).reshape(3, 4)
    cosines = [king @ other / np.linalg.norm(king) / np.linalg.norm(other) for other in (queen, street)]
    written = [float(text.split(" = ")[1].replace("−", "-")) for text in shown if text.startswith("cos(")]
    assert written[::2] == [0, 0]
    assert written[1::2] == [pytest.approx(cosine, abs=0.005) for cosine in cosines]
    assert cosines[0] > 0.9 and abs(cosines[1]) < 0.2


def test_the_window_leaves_out_the_word_itself_and_ends_with_the_sentence() -> None:
    words = list("abcdefg")
    for centre in range(7):
        expected = {i: words[i] for i in range(7) if 0 < abs(i - centre) <= 2}
        assert word2vec.window_pairs(words, centre) == expected


@both_languages
def test_the_pairs_shown_are_those_of_the_two_windows(lang: str) -> None:
    language.use_language(lang)
    words = language.say("figure.word2vec_window.sentence").split()
    shown = labels("word2vec_window")
    commas = [i for i, text in enumerate(shown) if text == ","]
    pairs = [(shown[i - 1], shown[i + 1]) for i in commas]
    assert pairs == [(words[i], words[j]) for i in (2, 5) for j in range(7) if 0 < abs(i - j) <= 2]
    titles = [int(re.search(r": (\d)", text)[1]) for text in shown if re.search(r": \d", text)]
    assert titles == [4, 3] and len(pairs) == sum(titles)


def test_the_probabilities_are_the_softmax_of_the_scores_and_sum_to_one_as_printed() -> None:
    scores, chances = (np.array(decimals(labels("word2vec_network"), digits)) for digits in (1, 2))
    assert len(scores) == len(chances) == 7
    assert np.exp(scores) / np.exp(scores).sum() == pytest.approx(chances, abs=0.01)
    assert chances.sum() == pytest.approx(1, abs=1e-9)


def test_the_tree_is_a_shortest_one_and_the_frequent_words_stand_high() -> None:
    counts = word2vec.COUNTS
    paths = word2vec.huffman(counts).paths()

    @cache
    def least(members: frozenset[int]) -> int:
        """The cost of the best binary tree over some words, by trying all ways to split them in two."""
        if len(members) == 1:
            return 0
        first, *rest = sorted(members)
        splits = (
            frozenset({first, *part}) for size in range(len(rest)) for part in combinations(rest, size)
        )  # each split once: the first word is on one side
        return sum(counts[i] for i in members) + min(least(part) + least(members - part) for part in splits)

    cost = sum(counts[word] * len(turns) for word, turns in paths.items())
    assert cost == least(frozenset(range(len(counts))))
    assert sum(2.0 ** -len(turns) for turns in paths.values()) == 1
    assert [len(paths[word]) for word in range(6)] == sorted(len(turns) for turns in paths.values())
    assert any(f"{cost / sum(counts):.1f}" in text for text in labels("word2vec_softmax_tree"))


def test_the_path_s_product_is_that_of_the_turns_shown() -> None:
    shown = labels("word2vec_softmax_tree")
    turns = [text for text in shown if text in ("left", "right")]
    path = word2vec.huffman(word2vec.COUNTS).paths()[4]
    assert "".join(turn[0].upper() for turn in turns) == path
    signs = ["L" if "(u_c" in text else "R" for text in shown if "sigma" in text]
    assert signs == list(path)
    chances = decimals(shown, 2)
    assert chances == pytest.approx([p if t == "L" else 1 - p for p, t in zip(word2vec.LEFT, path, strict=True)])
    assert decimals(shown, 3) == [pytest.approx(math.prod(chances), abs=5e-4)]


def test_one_step_of_negative_sampling_goes_down_the_gradient() -> None:
    def loss(vectors: np.ndarray) -> float:
        scores = vectors @ np.array(word2vec.CENTRE) * [1, -1, -1, -1]
        return float(np.log1p(np.exp(-scores)).sum())

    vectors, h = np.array([word2vec.CONTEXT, *word2vec.NOISE]), 1e-6
    gradient = np.zeros_like(vectors)
    for at in np.ndindex(vectors.shape):
        shift = np.zeros_like(vectors)
        shift[at] = h
        gradient[at] = (loss(vectors + shift) - loss(vectors - shift)) / (2 * h)
    assert np.array(word2vec.negative_sampling_step()) == pytest.approx(-word2vec.STEP * gradient, abs=1e-8)


def test_the_band_holds_the_pairs_of_both_sentences() -> None:
    kinds = word2vec.band()
    sentences = (range(0, word2vec.BORDER), range(word2vec.BORDER, 10))
    for i, row in enumerate(kinds):
        centre = i + word2vec.WINDOW
        sentence = next(s for s in sentences if centre in s)
        contexts = word2vec.window_pairs([str(position) for position in sentence], sentence.index(centre))
        assert [j for j, kind in enumerate(row) if kind == "pair"] == [int(position) for position in contexts.values()]
        assert [j for j, kind in enumerate(row) if kind == "self"] == [centre]
        assert {j for j, kind in enumerate(row) if kind == "cut"} == {
            j for j in range(10) if 0 < abs(j - centre) <= 2 and j not in sentence
        }
    shown = [int(text.rsplit(" ", 1)[1]) for text in labels("word2vec_band") if re.search(r": \d+$", text)]
    assert shown == [sum(row.count(kind) for row in kinds) for kind in ("pair", "self", "cut")]


def test_the_nearest_word_is_an_input_word_and_the_next_is_queen() -> None:
    places = word2vec.PLACES | word2vec.OTHERS
    corner = word2vec.fourth_corner()
    assert np.subtract(corner, places["king"]) == pytest.approx(np.subtract(places["woman"], places["man"]))
    assert sorted(places, key=lambda word: math.dist(corner, places[word]))[:2] == ["king", "queen"]


# ---------------------------------------------------------------- curves

COSINES = np.array([[1.0, 0.5, -0.001], [0.5, 1.0, -0.7], [-0.001, -0.7, 1.0]])


def crowd(seed: int, n: int = 60, pairs: int = 10) -> dict:
    """A map's arguments: clusters of words, some of them on top of each other."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(6, 2)) * 3
    points = np.array([centres[i % 6] for i in range(n)]) + rng.normal(size=(n, 2)) * 0.6
    points[1] = points[0]
    words = ["".join(rng.choice(list("abcdeilmnortw"), rng.integers(2, 9))) + str(i) for i in range(n)]
    groups = [("country", "capital", "person", "animal", "verb", "number")[i % 6] for i in range(n)]
    return {"points": points, "words": words, "groups": groups,
            "pairs": [(words[i], words[i + 1]) for i in range(0, 2 * pairs, 2)]}  # fmt: skip


CURVES: dict[str, Callable[[], Figure]] = {
    "cost": lambda: curves.cost([10, 100, 1000], [1e3, 1e4, 1e5], [300, 600, 900], [500, 500, 500]),
    "noise": lambda: curves.noise(["a", "b", "c"], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2], [1 / 3] * 3, [0, 2]),
    "map": lambda: curves.word_map(**crowd(1)),
    "by_frequency": lambda: curves.by_frequency(
        ["1–9", "≥ 10"], [0.3, 0.6], [0.2, 0.7], {"skip-gram": [(0.2, 0.5), (0.6, 0.7)], "cbow": [(0.1, 0.2)] * 2}
    ),
    "losses": lambda: curves.losses({"skip-gram": [3.0, 2.0, 1.5], "cbow": [3.0, 1.8, 1.4]}, every=50),
    "lost_share": lambda: curves.lost_share([10, 100], {"english": [0.5, 0.1], "russian": [0.8, 0.3]}),
    "similarity": lambda: curves.similarity_matrix(["king", "queen", "street"], COSINES),
}


VALUES = {"by_frequency": {"epochs": 6}}
"""What the captions name in braces."""


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, [f"word2vec_{name}" for name in CURVES])


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_shown_twice_alike_and_without_a_warning(
    name: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    language.use_language(lang)
    assert_is_shown_twice_alike(CURVES[name], f"word2vec_{name}", VALUES.get(name, {}), monkeypatch)


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_nothing_is_cut_off_and_no_type_is_tiny(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_is_whole_and_legible(CURVES[name]())


@pytest.mark.parametrize("name", CURVES)
def test_curves_keep_off_the_colours_of_attention(name: str) -> None:
    assert_keeps_off_the_colours_of_attention(CURVES[name]())


@pytest.mark.parametrize("name", ["cost", "noise", "by_frequency", "losses", "lost_share"])
def test_no_two_curves_differ_by_colour_alone(name: str) -> None:
    lines = [
        line
        for line in CURVES[name]().axes[0].get_lines()
        if len(line.get_xdata()) > 1 and line.get_color() != COLOURS["neutral"]
    ]
    styles = [line.get_linestyle() for line in lines if line.get_linestyle() != "None"]
    assert len(styles) >= 2 and len(set(styles)) == len(styles)


def test_the_curves_show_the_numbers_they_are_given() -> None:
    drawn = {name: CURVES[name]().axes[0] for name in CURVES}
    assert [list(line.get_ydata()) for line in drawn["cost"].get_lines()] == [
        [1e3, 1e4, 1e5], [300, 600, 900], [500, 500, 500]
    ]  # fmt: skip
    assert list(drawn["losses"].get_lines()[0].get_xdata()) == [0, 50, 100]
    assert list(drawn["noise"].get_lines()[1].get_ydata()) == [0.5, 0.3, 0.2]
    assert [text.get_text() for text in drawn["noise"].texts] == ["a", "c"]
    low, high = drawn["by_frequency"].containers[0].lines[1]
    assert list(low.get_ydata()) == pytest.approx([0.2, 0.6]) and list(high.get_ydata()) == pytest.approx([0.5, 0.7])
    written = [text.get_text() for text in drawn["similarity"].texts]
    assert written == ["1.00", "0.50", "0.00", "0.50", "1.00", "−0.70", "0.00", "−0.70", "1.00"]


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    for draw in (curves.losses, lambda many: curves.lost_share([1, 2], many)):
        with pytest.raises(ValueError, match="5 curves"):
            draw({name: [1, 2] for name in ("skip-gram", "cbow", "english", "russian", "full-softmax")})


# ---------------------------------------------------------------- the map of words


def labelled(figure: Figure) -> dict[str, plt.Text]:
    return {text.get_text(): text for text in figure.axes[0].texts if not isinstance(text, Annotation)}


@pytest.mark.parametrize("seed", range(6))
def test_the_labels_of_a_crowded_map_are_apart_and_inside_and_off_the_points(seed: int) -> None:
    given = crowd(seed)
    figure = curves.word_map(**given)
    figure.draw_without_rendering()
    ax, renderer = figure.axes[0], figure.canvas.get_renderer()
    boxes = {word: text.get_window_extent(renderer) for word, text in labelled(figure).items()}
    assert set(boxes) == set(given["words"])
    frame = ax.get_window_extent(renderer)
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        assert not a.overlaps(b), (one, other)
    points = [ax.transData.transform(point) for point in markers(figure)]
    for word, box in boxes.items():
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1, word
        assert not any(box.contains(*point) for point in points), word


def markers(figure: Figure) -> list[tuple[float, float]]:
    lines = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "None"]
    return [point for line in lines for point in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def test_the_map_keeps_distances_to_scale_and_groups_by_marker_and_colour() -> None:
    given = crowd(3, n=24, pairs=4)
    figure = curves.word_map(**given)
    names = list(dict.fromkeys(given["groups"]))
    order = [i for name in names for i, group in enumerate(given["groups"]) if group == name]
    drawn, true = np.array(markers(figure)), given["points"][order]
    ratios = [
        math.dist(drawn[i], drawn[j]) / math.dist(true[i], true[j])
        for i, j in combinations(range(24), 2)
        if math.dist(true[i], true[j]) > 2
    ]
    assert max(ratios) / min(ratios) < 1.05  # whole pixels
    groups = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "None"]
    assert len({line.get_marker() for line in groups}) == len(groups) == 6
    assert len({line.get_color() for line in groups}) == 5
    arrows = [text for text in figure.axes[0].texts if isinstance(text, Annotation)]
    assert len(arrows) == 4


def test_rounding_noise_does_not_move_a_label() -> None:
    # One unit is one pixel here, and the points of the column are as far apart as a label is high: the labels touch.
    points = np.array([(0, 0), (0, 458), *((0, 100 + 15 * i) for i in range(12))], dtype=float)
    words, rng = [f"word{i}" for i in range(len(points))], np.random.default_rng(0)

    def places(noise: float) -> dict[str, tuple[float, float]]:
        figure = curves.word_map(points + noise * rng.normal(size=points.shape), words, ["person"] * len(words))
        return {word: tuple(np.round(text.get_position(), 3)) for word, text in labelled(figure).items()}

    assert places(1e-12) == places(1e-12) == places(0)


def test_a_label_set_apart_is_tied_to_its_point() -> None:
    points = np.array([[0.0, 0.0]] * 12 + [[1.0, 1.0]])
    words = [f"word{i}" for i in range(13)]
    figure = curves.word_map(points, words, ["person"] * 13)
    ties = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "-"]
    assert len(ties) >= 4
    starts = {(line.get_xdata()[0], line.get_ydata()[0]) for line in ties}
    assert starts <= set(markers(figure))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given | crowd(0, n=61), "61 words"),
        (lambda given: given | {"groups": [f"g{i}" for i in range(12)]}, "12 groups"),
        (lambda given: given | {"words": ["same"] * 12}, "twice"),
    ],
)
def test_what_the_map_cannot_show_is_refused(change: Callable[[dict], dict], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        curves.word_map(**change(crowd(0, n=12, pairs=0)))


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        curves.word_map(np.zeros((60, 2)), [f"a-{'very-' * 8}long-word-{i}" for i in range(60)], ["person"] * 60)
