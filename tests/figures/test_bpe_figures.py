"""The figures of lesson 02: the diagrams show what the algorithm does, the curves show what they are given.

That a diagram is legible, complete in both languages and the same on every machine is proved for all in
``test_figures.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from lesson_figures import (  # noqa: F401
    OF_ATTENTION,
    assert_differ_by_more_than_colour,
    assert_every_label_is_used,
    assert_has_its_two_texts,
    assert_is_shown_twice_alike,
    assert_is_whole_and_legible,
    assert_keeps_off_the_colours_of_attention,
    both_languages,
    catalogue,
    colours,
    diagram,
    labels,
    session_as_it_was,
)
from matplotlib.figure import Figure

from course_lib import language
from course_lib.bpe import BYTE_CHARACTERS, Merge, learn_merges, merge_pair
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.figures import bpe, drawings
from course_lib.figures import bpe_curves as curves
from course_lib.figures.style import COLOURS
from course_lib.pretokenisation import pre_tokens

pytestmark = pytest.mark.usefixtures("session_as_it_was")
TEXTS = catalogue("bpe_curves")
DIAGRAMS = sorted(name for name in drawings() if name.startswith("bpe_"))


def said(name: str, word: str, **values: object) -> str:
    return language.say(f"figure.bpe_{name}.{word}", **values)


def corpus(name: str) -> dict[str, int]:
    return {word: int(count) for word, count in re.findall(r"(\w+) (\d+)", said(name, "corpus"))}


def encoded(word: str, merges: list[Merge]) -> list[str]:
    """A word by the course's tokenizer, whose symbols are bytes: each letter is written as one byte."""
    byte = {letter: bytes([number]) for number, letter in enumerate(sorted({*word, *"".join(m.left for m in merges),
                                                                            *"".join(m.right for m in merges)}), 97)}  # fmt: skip
    letter = {value: key for key, value in byte.items()}

    def narrow(text: str) -> bytes:
        return b"".join(byte[one] for one in text)

    tokenizer = Tokenizer.from_merges([(narrow(merge.left), narrow(merge.right)) for merge in merges])
    tokens = map(tokenizer.token_bytes, tokenizer.encode(narrow(word).decode()))
    return ["".join(letter[bytes([one])] for one in token) for token in tokens]


# ---------------------------------------------------------------- diagrams


def test_the_lesson_s_diagrams_exist() -> None:
    assert DIAGRAMS == [f"bpe_{name}" for name in ("bytes", "families", "merges", "order", "pieces", "scale")]
    assert [name for name in DIAGRAMS if drawings()[name].card] == ["bpe_merges"]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_colours_of_attention_are_kept_for_attention(name: str) -> None:
    used = colours(name)
    assert used & {COLOURS["input"], COLOURS["accent"]}, "no colour was found"
    assert not used & OF_ATTENTION


@both_languages
def test_the_three_cuts_are_of_one_sentence_and_the_lengths_are_counted(lang: str) -> None:
    language.use_language(lang)
    shown = labels("bpe_scale")
    tokens = said("scale", "tokens_of_sentence").split("|")
    sentence = said("scale", "sentence")
    assert "".join(tokens) == sentence and sentence in said("scale", "alt")
    assert all(token.count(" ") == token.startswith(" ") for token in tokens), "no token crosses a word's border"
    first = shown.index(said("scale", "letters")) + 1
    assert "".join(shown[first : first + len(sentence)]) == sentence.replace(" ", "·")
    assert [token.replace(" ", "·") for token in tokens] == shown[shown.index(said("scale", "tokens")) + 1 :][
        : len(tokens)
    ]
    assert sentence.split() == shown[shown.index(said("scale", "words")) + 1 :][: len(sentence.split())]
    lengths = [int(text.split("= ")[1]) for text in shown if text.startswith("$T$ = ")]
    assert lengths == [len(sentence), len(tokens), len(sentence.split())]
    assert lengths[0] > 3 * lengths[1] and lengths[1] > lengths[2]
    for length in lengths[1:]:  # that of the letters differs between the two languages
        assert str(length) in re.findall(r"\d+", said("scale", "alt"))


@both_languages
def test_the_merges_shown_are_those_of_the_corpus(lang: str) -> None:
    language.use_language(lang)
    words, word = corpus("merges"), said("merges", "word")
    assert word not in words
    shown, symbols = labels("bpe_merges"), list(word)
    assert shown[0] == "    ".join(f"{word} × {count}" for word, count in words.items())
    expected = [*symbols, said("merges", "pair"), said("merges", "count")]
    learned = learn_merges(words)
    for number, merge in enumerate(learned[:4], 1):
        before, symbols = symbols, merge_pair(symbols, merge.left, merge.right)
        assert len(symbols) == len(before) - 1, "every step of the picture changes the word"
        expected += [*symbols, f"{number}.", f"{merge.left} + {merge.right}", str(merge.count)]
    assert shown[1:-1] == expected
    assert [merge.count for merge in learned[:4]] == [9, 9, 7, 7]
    assert encoded(word, learned) == symbols, "no later merge would change the word"
    assert len(symbols) == 2 and shown[-1].startswith("2 ")
    for part in (*symbols, *words):
        assert part in said("merges", "alt")


def test_the_merges_are_those_that_the_lesson_counts_by_hand() -> None:
    assert corpus("merges") == {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    assert [text for text in labels("bpe_merges") if "+" in text] == ["e + s", "es + t", "l + o", "lo + w"]


@both_languages
def test_a_card_has_few_parts(lang: str) -> None:
    """The corpus, the heading, a row for each merge and the result."""
    language.use_language(lang)
    figure = diagram("bpe_merges")
    rows = {round(label.artist.get_position()[1]) // 10 for label in figure.drawing.labels}
    assert len(rows) == 7


@both_languages
def test_the_pieces_are_those_of_the_pattern_and_the_pairs_are_counted(lang: str) -> None:
    language.use_language(lang)
    sentence = said("pieces", "sentence")
    pieces, shown = pre_tokens(sentence), labels("bpe_pieces")
    assert shown[0] == said("pieces", "before") and shown[1] == sentence
    expected: list[str] = []
    for piece in pieces:
        expected += [*piece.replace(" ", "·"), *([str(len(piece) - 1)] if len(piece) > 1 else [])]
    assert shown[3:-2] == expected
    figure = diagram("bpe_pieces")
    assert len(figure.drawing.boxes) == len(pieces)
    inside, across = (int(re.search(r": (\d+)", text)[1]) for text in shown[-2:])
    assert (inside, across) == (sum(len(piece) - 1 for piece in pieces), len(pieces) - 1)
    assert inside + across == len(list(pairwise(sentence)))
    assert sum(piece.startswith(" ") for piece in pieces) >= 3


@both_languages
def test_merge_order_and_longest_match_differ_on_the_word_shown(lang: str) -> None:
    language.use_language(lang)
    word, merges = said("order", "word"), learn_merges(corpus("order"), 3)
    counts = [merge.count for merge in merges]
    assert counts == sorted(set(counts), reverse=True), "a tie would make the order a matter of the rule"
    tokens = [merge.left + merge.right for merge in merges]
    by_order, longest = bpe.in_merge_order(word, merges), bpe.longest_match(word, tokens)
    assert by_order[-1][1] == encoded(word, merges) != longest
    assert [place for place, _ in by_order] == [0, 1], "the third merge is never made"
    assert "".join(longest) == word and longest[0] == tokens[2]
    shown = labels("bpe_order")
    written = [f"{number}.  {merge.left} + {merge.right}  ({merge.count})" for number, merge in enumerate(merges, 1)]
    assert shown[1:4] == written
    results = [text for text in shown if "|" in text]
    assert results == [f"{'  |  '.join(cut)}   ({len(cut)})" for cut in (by_order[-1][1], longest)]


def test_the_order_of_merges_is_that_of_the_tokenizer_on_any_word() -> None:
    rng = np.random.default_rng(0)
    words = {"".join(rng.choice(list("abc"), rng.integers(2, 9))): int(rng.integers(1, 9)) for _ in range(40)}
    merges = learn_merges(words, 30)
    for _ in range(200):
        word = "".join(rng.choice(list("abc"), rng.integers(1, 14)))
        steps = bpe.in_merge_order(word, merges)
        assert (steps[-1][1] if steps else list(word)) == encoded(word, merges)
        assert [place for place, _ in steps] == sorted(place for place, _ in steps)


def test_longest_match_takes_the_longest_token_each_time() -> None:
    assert bpe.longest_match("abcab", ["ab", "abc", "ca"]) == ["abc", "ab"]
    assert bpe.longest_match("xab", ["ab"]) == ["x", "ab"]
    assert bpe.longest_match("", ["ab"]) == []


@both_languages
def test_bytes_and_tokens_are_those_of_the_characters(lang: str) -> None:
    language.use_language(lang)
    shown = labels("bpe_bytes")[4:-2]
    tokenizer = Tokenizer.from_merges(bpe.BYTE_MERGES)
    expected: list[str] = []
    for character in bpe.CHARACTERS:
        data = character.encode()
        tokens = [tokenizer.token_bytes(number) for number in tokenizer.encode(character)]
        visible = ["".join(BYTE_CHARACTERS[byte] for byte in token) for token in tokens]
        expected += [character, *data.hex(" ").upper().split(), *(BYTE_CHARACTERS[byte] for byte in data), *visible]
    assert shown == expected
    assert [len(character.encode()) for character in bpe.CHARACTERS] == [1, 2, 4]
    assert shown[-2:] == ["ðŁĺ", "Ģ"] and "Ñı" in shown
    for token in tokens:  # of the emoji
        with pytest.raises(UnicodeDecodeError):
            token.decode()
    merges = labels("bpe_bytes")[-2]
    assert re.findall(r"\w+ \+ \w+", merges) == ["Ñ + ı", "ð + Ł", "ðŁ + ĺ"]
    for code in re.findall(r"\b[0-9A-F]{2}\b", " ".join(shown)):
        assert code in said("bytes", "alt")


@both_languages
def test_bpe_and_wordpiece_choose_differently_by_the_numbers_shown(lang: str) -> None:
    language.use_language(lang)
    words, shown = corpus("merges"), labels("bpe_families")
    text = " ".join(word for word, count in words.items() for _ in range(count))  # counted anew, in the plainest way
    best, rival = learn_merges(words, 1)[0], said("families", "rival").split()
    ratios, counts = [], []
    for a, b in (best[:2], rival):
        counts.append(text.count(a + b))
        ratios.append(counts[-1] / (text.count(a) * text.count(b)))
        plain, measured = shown.index(f"{a} {b}"), shown.index(f"##{a} ##{b}")
        assert shown[plain + 1] == str(counts[-1])
        assert shown[measured + 1] == f"{counts[-1]}/({text.count(a)}·{text.count(b)}) = {ratios[-1]:.2f}"
        assert not any(word.startswith(symbol) for word in words for symbol in (a, b)), "## would be wrong"
        assert said("families", "alt").count(f"{a} {b}") == 2, "named with BPE and with WordPiece"
    assert counts[0] == best.count > counts[1] and ratios[0] < ratios[1]
    bold = {label.artist.get_text() for label in diagram("bpe_families").drawing.labels
            if label.artist.get_weight() == "bold"}  # fmt: skip
    assert {" ".join(best[:2]), "##{} ##{}".format(*rival)} <= bold
    assert not {" ".join(rival), "##{} ##{}".format(*best[:2])} & bold


@both_languages
def test_the_word_is_written_with_the_mark_of_each_family(lang: str) -> None:
    language.use_language(lang)
    root, end = encoded(said("merges", "word"), learn_merges(corpus("merges")))
    shown = labels("bpe_families")
    places = [i + 1 for i, text in enumerate(shown) if text == said("families", "written")]
    assert [tuple(shown[i : i + 2]) for i in places] == [(f"Ġ{root}", end), (root, f"##{end}"), (f"▁{root}", end)]
    pool = said("families", "pool").split()
    assert {root, end} < set(pool) and len(pool) == 6


# ---------------------------------------------------------------- curves

SIZES = [300, 1000, 3000]
CURVES: dict[str, Callable[[], Figure]] = {
    "heaps": lambda: curves.heaps([10, 100, 1000], {"english": [8, 50, 300], "russian": [9, 70]}),
    "tokens_per_word": lambda: curves.tokens_per_word(
        SIZES, {"library-docs": [3, 2, 1.5], "course-english": [3.2, 2.1, 1.6], "course-russian": [6, 4, 3]}
    ),
    "rare_share": lambda: curves.rare_share(
        {"library-docs-extract": SIZES[:2], "library-docs-all": SIZES},
        {"library-docs-extract": [0.3, 0.7], "library-docs-all": [0.1, 0.3, 0.6]},
        {"library-docs-extract": [0.01, 0.02], "library-docs-all": [0.001, 0.01, 0.03]},
        limit=10,
    ),
    "last_merges": lambda: curves.last_merges([1, 2, 3, 10, 100], [5000, 3000, 2500, 400, 12]),
    "token_lengths": lambda: curves.token_lengths([1, 2, 3], {"english": [90, 50, 20], "russian": [80, 70, 10]}),
    "bits_per_character": lambda: curves.bits_per_character(
        {"letters": [1, 2, 4], "tokens": [3.5, 7], "words": [6]},
        {"letters": [3.5, 3.0, 2.4], "tokens": [2.6, 2.2], "words": [2.5]},
    ),
    "length_probe": lambda: curves.length_probe(
        [2, 5, 9], {"trained": [2.5, 5.1, 8.0], "random": [5.0, 5.5, 5.2]}, 5.3
    ),
}


VALUES = {"rare_share": {"limit": 10}}
"""What the captions name in braces."""


def test_every_measured_figure_has_its_two_texts() -> None:
    assert_has_its_two_texts(TEXTS, [f"bpe_{name}" for name in CURVES])


def test_every_label_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = partial(curves.token_lengths, [1], {"english": [0.5]}, unit="bytes", shares=True)
    assert_every_label_is_used(TEXTS, [*CURVES.values(), shares], monkeypatch)


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_shown_twice_alike_and_without_a_warning(
    name: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    language.use_language(lang)
    assert_is_shown_twice_alike(CURVES[name], f"bpe_{name}", VALUES.get(name, {}), monkeypatch)


@both_languages
@pytest.mark.parametrize("name", CURVES)
def test_nothing_is_cut_off_and_no_type_is_tiny(name: str, lang: str) -> None:
    language.use_language(lang)
    assert_is_whole_and_legible(CURVES[name]())


@pytest.mark.parametrize("name", CURVES)
def test_curves_keep_off_the_colours_of_attention(name: str) -> None:
    assert_keeps_off_the_colours_of_attention(CURVES[name]())


@pytest.mark.parametrize("name", sorted(set(CURVES) - {"last_merges", "token_lengths"}))
def test_no_two_curves_differ_by_colour_alone(name: str) -> None:
    lines = [line for line in CURVES[name]().axes[0].get_lines() if line.get_color() != COLOURS["neutral"]]
    assert_differ_by_more_than_colour(lines)


def test_bars_of_two_vocabularies_differ_by_hatch_and_do_not_overlap() -> None:
    ax = CURVES["token_lengths"]().axes[0]
    one, other = ax.containers
    assert {bar.get_hatch() for bar in one} != {bar.get_hatch() for bar in other}
    assert len({look["hatch"] for look in curves.BARS}) == len({look["color"] for look in curves.BARS}) == 4
    edges = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in (*one, *other))
    assert all(right <= left + 1e-9 for (_, right), (left, _) in pairwise(edges))


def test_the_curves_show_the_numbers_they_are_given() -> None:
    drawn = {name: CURVES[name]().axes[0] for name in CURVES}

    def values(name: str) -> list[tuple[list, list]]:
        return [(list(line.get_xdata()), list(line.get_ydata())) for line in drawn[name].get_lines()]

    assert values("heaps") == [([10, 100, 1000], [8, 50, 300]), ([10, 100], [9, 70])]
    assert values("tokens_per_word")[:3] == [(SIZES, [3, 2, 1.5]), (SIZES, [3.2, 2.1, 1.6]), (SIZES, [6, 4, 3])]
    assert list(drawn["tokens_per_word"].get_lines()[3].get_ydata()) == [1, 1]
    assert values("rare_share") == [(SIZES[:2], [0.3, 0.7]), (SIZES[:2], [0.01, 0.02])]
    drawn["rare_share"] = CURVES["rare_share"]().axes[1]
    assert values("rare_share") == [(SIZES, [0.1, 0.3, 0.6]), (SIZES, [0.001, 0.01, 0.03])]
    assert values("last_merges") == [([1, 2, 3, 10, 100], [5000, 3000, 2500, 400, 12]), ([100], [12])]
    assert [text.get_text() for text in drawn["last_merges"].texts] == ["12"]
    assert values("bits_per_character") == [([1, 2, 4], [3.5, 3.0, 2.4]), ([3.5, 7], [2.6, 2.2]), ([6], [2.5])]
    assert values("length_probe") == [([2, 5, 9], [2.5, 5.1, 8.0]), ([2, 9], [2, 9]), ([2, 9], [5.3, 5.3])]
    heights = [[bar.get_height() for bar in bars] for bars in drawn["token_lengths"].containers]
    assert heights == [[90, 50, 20], [80, 70, 10]]
    for name in ("heaps", "last_merges"):
        assert drawn[name].get_xscale() == drawn[name].get_yscale() == "log"
    for name in ("tokens_per_word", "rare_share"):
        assert drawn[name].get_xscale() == "log" and drawn[name].get_ylim()[0] == 0
        assert [label.get_text() for label in drawn[name].get_xticklabels()] == list(map(str, SIZES))


def test_curves_of_different_sizes_stand_at_their_own() -> None:
    sizes = {"library-docs-extract": SIZES[1:], "russian": [100, 300]}
    ax = curves.tokens_per_word(sizes, {"library-docs-extract": [2, 1.5], "russian": [5, 4]}).axes[0]
    assert [list(line.get_xdata()) for line in ax.get_lines()[:2]] == [[1000, 3000], [100, 300]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "300", "1000", "3000"]


@pytest.mark.parametrize("name", ["length_probe", "rare_share"])
def test_both_panels_have_one_scale(name: str) -> None:
    one, other = CURVES[name]().axes
    assert one.get_xlim() == other.get_xlim() and one.get_ylim() == other.get_ylim()


def test_the_panels_of_the_probe_are_in_their_order() -> None:
    _, other = CURVES["length_probe"]().axes
    assert list(other.get_lines()[0].get_ydata()) == [5.0, 5.5, 5.2]


def test_many_sizes_are_not_written_one_by_one() -> None:
    sizes = list(range(300, 3300, 100))
    ax = curves.tokens_per_word(sizes, {"english": [2.0] * len(sizes)}).axes[0]
    assert len(ax.get_xticks()) < len(sizes)


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    five = {name: [1, 2] for name in ("english", "russian", "letters", "tokens", "words")}
    for draw in (curves.heaps, curves.tokens_per_word, curves.bits_per_character, curves.token_lengths):
        with pytest.raises(ValueError, match="5 curves"):
            draw([1, 2], five)
    with pytest.raises(ValueError, match="5 panels"):
        curves.length_probe([1, 2], five, 1.5)
    with pytest.raises(ValueError, match="5 panels"):
        curves.rare_share(five, five, five)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="'letters'"):
        curves.token_lengths([1], {"english": [1]}, unit="letters")
