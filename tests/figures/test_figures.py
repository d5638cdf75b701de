"""The static figures: legible, complete in both languages, the same on every machine, and true where they show numbers.

The checks of a drawing's layout are proved in ``test_layout.py``, where each is seen to find its planted fault.
"""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import tomllib
import warnings
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from course_lib import language
from course_lib.figures import cards, drawings, png, show
from course_lib.figures.cards import LARGEST, card_names, card_png, file_name, save_card_figures
from course_lib.figures.draw import Canvas, drawing
from course_lib.figures.layout import problems
from course_lib.figures.style import COLOURS, CSS_DPI, PNG_DPI, contrast, use_style

ROOT = Path(__file__).parents[2]
MEDIA = ROOT / "flashcards" / "media"
TEXTS = {
    key: wording
    for path in sorted((ROOT / "course_lib" / "catalogue").glob("figures*.toml"))
    for key, wording in tomllib.loads(path.read_text(encoding="utf-8")).items()
}
NAMES = sorted(drawings())
both_languages = pytest.mark.parametrize("lang", language.LANGUAGES)


@pytest.fixture(autouse=True)
def _session_as_it_was():
    before = language.language()
    with matplotlib.rc_context():
        yield
    language.use_language(before)


def variants(name: str) -> list[dict[str, int]]:
    """The arguments with which a drawing is checked."""
    return [{"here": lesson} for lesson in range(9)] if name == "course_map" else [{}]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=float)


def rms(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square difference in grey levels of 255."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


# ---------------------------------------------------------------- every drawing


def test_the_lesson_s_figures_exist() -> None:
    assert set(NAMES) >= {
        "attention_matrix_form", "bpe_bytes", "bpe_families", "bpe_merges", "bpe_order", "bpe_pieces", "bpe_scale",
        "causal_mask", "clock_hands", "course_map", "embedding_lookup", "encoder_block",
        "encoder_decoder_overview", "grouped_query", "it_refers", "multi_head", "multi_head_sum", "one_mixture", "order_blind",
        "query_key_matching", "quadratic_cost", "qkv_of_two_words", "rotary", "scaled_dot_product", "self_attention_one_token",
        "ffn_memory", "norm_axes", "norm_orders", "residual_paths", "sliding_window", "split_heads", "sub_layers",
        "tiled_attention",
        "lstm_cell", "one_block_three_tasks", "picture_patches", "recurrence_and_attention",
        "bert_input", "fill_in_middle", "gpt_inference", "masked_language_model", "multi_token", "next_sentence",
        "objective_masks", "sampling_steps", "three_families",
        "beam_tree", "decoder_block", "late_mask", "shift_by_one", "swap", "training_mask", "transformer",
        "two_layers_for_it", "where_positions_enter", "word2vec_analogy", "word2vec_band", "word2vec_models", "word2vec_negative_sampling",
        "word2vec_network", "word2vec_softmax_tree", "word2vec_strangers", "word2vec_two_senses", "word2vec_window",
    }  # fmt: skip


@both_languages
@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_legible(name: str, lang: str) -> None:
    language.use_language(lang)
    for values in variants(name):
        figure = drawings()[name].draw(**values)
        assert problems(figure, card=drawings()[name].card) == [], values


@both_languages
@pytest.mark.parametrize("name", NAMES)
def test_two_draws_are_byte_identical_whatever_the_session_s_settings(name: str, lang: str) -> None:
    language.use_language(lang)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that the font lacks is only a warning
        first = png(drawings()[name].draw())
    matplotlib.rcParams.update({"font.size": 30, "mathtext.fontset": "cm", "font.family": "serif", "figure.dpi": 50})
    assert png(drawings()[name].draw()) == first


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_are_drawn(name: str) -> None:
    """A drawing that has words of its own differs between the languages, in size it does not."""
    pictures = []
    for lang in language.LANGUAGES:
        language.use_language(lang)
        pictures.append(pixels(png(drawings()[name].draw())))
    assert pictures[0].shape == pictures[1].shape
    has_words = any(TEXTS[key]["en"] != TEXTS[key]["ru"] for key in labels_of(name))
    assert (rms(*pictures) > 0) == has_words


@pytest.mark.parametrize("name", NAMES)
def test_no_card_has_too_many_colours_for_its_palette(name: str) -> None:
    if drawings()[name].card:
        assert rms(pixels(card_png(name)), pixels(png(drawings()[name].draw()))) < 2


# ---------------------------------------------------------------- texts


def labels_of(name: str) -> list[str]:
    return [k for k in TEXTS if k.startswith(f"figure.{name}.") and not k.endswith((".alt", ".caption"))]


@pytest.mark.parametrize("name", NAMES)
def test_alternative_text_and_caption_stand_in_both_languages(name: str) -> None:
    for part in ("alt", "caption"):
        for lang in language.LANGUAGES:
            text = TEXTS[f"figure.{name}.{part}"][lang]
            assert text.endswith(".") and text[0] == text[0].upper() and text == text.strip()
            assert text.count("$") % 2 == 0
            assert "*" not in text, "the caption is set in italics by asterisks"
            assert len(text) > 40
            if part == "alt":
                assert "$" not in text and "\\" not in text, "a screen reader would spell the formula out"
            assert bool(re.search("[а-яё]", text)) == (lang == "ru")


def test_every_word_of_the_catalogue_is_drawn_and_none_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    original = Canvas.say

    def record(canvas: Canvas, word: str, **values: object) -> str:
        said.add(f"figure.{canvas.name}.{word}")
        return original(canvas, word, **values)

    monkeypatch.setattr(Canvas, "say", record)
    for name in NAMES:
        for values in variants(name):
            drawings()[name].draw(**values)
    of_drawings = {key for name in NAMES for key in labels_of(name)}
    assert said == of_drawings
    texts = {f"figure.{name}.{part}" for name in NAMES for part in ("alt", "caption")} | {"figure.caption"}
    assert set(TEXTS) - of_drawings == texts


def test_no_word_stands_in_the_code() -> None:
    """A label in the code would be the same in both languages; tokens, names and formulas may be."""
    same_everywhere = {
        "tanh", "The", "animal", "was", "tired", "Das", "Tier", "war", "müde", "L’animal", "était", "fatigué", "Животное",
        "устало", "El", "estaba", "cansado", "L’animale", "era", "stanco", "the", "street", "it", "wide", "because",
        "cross", "didn't", "too", "softmax", "LayerNorm", "EN", "DE", "FR", "RU", "ES", "IT",
        "Skip", "gram", "CBOW", "BPE", "WordPiece", "Unigram", "Ñı", "ðŁ", "ðŁĺ", "Ġlow",
        "from", "Ann", "to", "Bob", "about", "Carl", "cc", "Dora",
        "wolf", "chased", "hare", "cat", "sleeps", "purrs", "PAD", "BatchNorm",
        "он", "не", "перешёл", "улицу", "животное", "перешло", "pad",
        "CLS", "SEP", "MASK", "PRE", "SUF", "MID", "endoftext", "GELU", "fox", "slept", "crossed", "fish", "glad",
        "yesterday", "felt", "river", "lake", "bridge", "road", "meadow", "square",
    }  # fmt: skip
    for name in NAMES:
        catalogue = " ".join(TEXTS[key]["en"] for key in labels_of(name))
        for label in drawings()[name].draw().drawing.labels:
            text = re.sub(r"\$[^$]*\$", " ", label.artist.get_text())
            for word in re.findall(r"[^\W\d_][^\W\d_’']+(?:[’'][^\W\d_]+)?|L’\w+", text):
                assert word in catalogue or word in same_everywhere, f"{name}: {word!r}"


# ---------------------------------------------------------------- show


def test_show_displays_the_picture_then_its_caption(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict, dict]] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, metadata=None, raw=False: shown.append((data, metadata or {}))
    )
    for lang, word, here in (("en", "*Figure. ", "Lesson 03"), ("ru", "*Рисунок. ", "Урок 03")):
        language.use_language(lang)
        shown.clear()
        for _ in range(2):
            show(drawings()["course_map"].draw(here=3), "course_map", here=3)
        assert shown[:2] == shown[2:], "two calls differ"
        (picture, metadata), (caption, _) = shown[:2]
        assert set(picture) == {"image/png", "text/plain"} and set(caption) == {"text/markdown", "text/plain"}
        alternative = metadata["image/png"]["alt"]
        assert alternative == picture["text/plain"] and here in alternative
        assert caption["text/markdown"].startswith(word) and caption["text/markdown"].endswith(".*")
        image = Image.open(io.BytesIO(base64.b64decode(picture["image/png"])))
        assert image.width / PNG_DPI == pytest.approx(metadata["image/png"]["width"] / CSS_DPI, abs=0.01)
        assert image.info["Software"].startswith("Matplotlib version")
        assert np.asarray(image.convert("RGBA"))[0, 0].tolist() == [255, 255, 255, 255]


def test_show_closes_the_figure_and_names_a_missing_text() -> None:
    from matplotlib import pyplot

    figure = pyplot.figure()
    with pytest.raises(KeyError, match="no_such_figure"):
        show(figure, "no_such_figure")
    with pytest.raises(KeyError, match="here"):
        show(figure, "course_map")
    show(figure, "it_refers")
    assert not pyplot.fignum_exists(figure.number)


def test_the_map_refuses_an_unknown_lesson() -> None:
    with pytest.raises(ValueError, match="9"):
        drawings()["course_map"].draw(here=9)


def test_figures_import_no_torch() -> None:
    code = "import sys; from course_lib.figures import drawings; drawings(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# ---------------------------------------------------------------- colours


def test_colours_can_be_read_on_white() -> None:
    faint = [name for name, value in COLOURS.items() if name != "ground" and contrast(value) < 4.5]
    assert faint == []


def test_contrast_is_that_of_the_recommendation() -> None:
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#777777") == pytest.approx(4.48, abs=0.01)  # the best-known near miss


# Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1: what a reader without one kind of cone sees, in linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, deficiency: str) -> np.ndarray:
    """The colour as the reader sees it, in CIELAB, where distances are those of perception."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.where((t := xyz / [0.9505, 1, 1.089]) > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_query_key_value_and_output_stay_distinct(deficiency: str) -> None:
    roles = ("query", "key", "value", "output")
    distances = {
        (one, other): np.linalg.norm(lab(COLOURS[one], deficiency) - lab(COLOURS[other], deficiency))
        for one, other in combinations(roles, 2)
    }
    assert min(distances.values()) > 12, distances
    # Okabe and Ito's own blue and bluish green, darkened alike, would not do for readers without blue cones.
    assert np.linalg.norm(lab("#0072B2", "tritan") - lab("#007A58", "tritan")) < 12


def test_use_style_sets_what_a_plot_looks_like() -> None:
    use_style()
    assert matplotlib.rcParams["savefig.bbox"] is None
    assert matplotlib.rcParams["figure.facecolor"] == "#FFFFFF"
    assert matplotlib.rcParams["font.family"] == ["DejaVu Sans"]
    assert matplotlib.rcParams["figure.dpi"] == CSS_DPI


# ---------------------------------------------------------------- cards


def test_the_cards_have_their_figures() -> None:
    assert {file_name(name) for name in card_names()} >= {
        "self-attention-one-token.png", "multi-head.png", "encoder-block.png", "scaled-dot-product.png",
        "attention-matrix-form.png", "bpe-merges.png", "word2vec-negative-sampling.png", "word2vec-window.png",
    }  # fmt: skip
    for lang in language.LANGUAGES:
        assert {path.name for path in (MEDIA / lang).glob("*.png")} >= {file_name(name) for name in card_names()}


@both_languages
@pytest.mark.parametrize("name", card_names())
def test_a_committed_card_figure_is_the_one_drawn_today(name: str, lang: str) -> None:
    language.use_language(lang)
    committed = (MEDIA / lang / file_name(name)).read_bytes()
    stored, fresh = Image.open(io.BytesIO(committed)), Image.open(io.BytesIO(card_png(name)))
    assert stored.mode == "P" and stored.width == 720 and len(committed) <= LARGEST
    if stored.info["Software"] != fresh.info["Software"]:
        message = f"drawn by {stored.info['Software']}, here is {fresh.info['Software']}"
        if os.environ.get("COURSE_CI") == "1":
            pytest.fail(f"{message}: draw the card figures anew")
        pytest.skip(message)
    assert stored.size == fresh.size
    assert rms(pixels(committed), pixels(card_png(name))) <= 1


def test_saving_writes_what_is_committed_and_keeps_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three are really drawn; that all are as committed is tested above."""
    some = card_names()[::9]
    assert len(some) >= 3
    monkeypatch.setattr(
        cards, "card_png", lambda name: card_png(name) if name in some else f"{name} {language.language()}".encode()
    )
    language.use_language("en")
    written = save_card_figures(tmp_path)
    assert language.language() == "en"
    assert sorted(str(path.relative_to(tmp_path)) for path in written) == sorted(
        f"{lang}/{file_name(name)}" for lang in language.LANGUAGES for name in card_names()
    )
    drawn = {file_name(name) for name in some}
    for path in written:
        if path.name in drawn:
            committed = (MEDIA / path.relative_to(tmp_path)).read_bytes()
            assert rms(pixels(committed), pixels(path.read_bytes())) <= 1
        else:
            assert path.read_text() == f"{path.stem.replace('-', '_')} {path.parent.name}"
    again = {path: path.read_bytes() for path in written}
    save_card_figures(tmp_path)
    assert {path: path.read_bytes() for path in written} == again


def test_a_changed_label_is_noticed_on_a_card() -> None:
    """The comparison of pictures sees a single letter: the threshold is not too wide."""

    def page(word: str):
        canvas = Canvas("planted", 450, 590)
        canvas.text(200, 200, word, size=16)
        return pixels(png(canvas.figure))

    assert rms(page("softmax"), page("softmin")) > 1


def test_two_drawings_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="encoder_block"):

        @drawing(100, 100)
        def encoder_block(c: Canvas) -> None:
            """Takes the name of another drawing."""


# ---------------------------------------------------------------- the numbers shown


def shown_texts(name: str) -> list[tuple[float, float, str]]:
    """x, y and words of every label, in the order of drawing."""
    labels = drawings()[name].draw().drawing.labels
    return [(*label.artist.get_position(), label.artist.get_text()) for label in labels]


def shown_numbers(name: str) -> list[str]:
    return [text for _, _, text in shown_texts(name)]


def test_the_weights_of_one_token_sum_to_one_as_printed() -> None:
    weights = [float(text) for text in shown_numbers("self_attention_one_token") if re.fullmatch(r"0\.\d\d", text)]
    assert len(weights) == 3 and sum(weights) == pytest.approx(1, abs=1e-9)
    formula = next(text for text in shown_numbers("self_attention_one_token") if "v_1" in text and "+" in text)
    assert [float(number) for number in re.findall(r"0\.\d\d", formula)] == weights


def test_the_masked_weights_are_the_softmax_of_the_scores_and_sum_to_one_as_printed() -> None:
    cells = sorted(shown for shown in shown_texts("causal_mask") if re.fullmatch(r"\d(\.\d+)?|−∞", shown[2]))
    assert len(cells) == 75
    # By x, then y: three panels, each column by column.
    scores, masked, weights = np.array([text for _, _, text in cells]).reshape(3, 5, 5).transpose(0, 2, 1)
    for i in range(5):
        assert (masked[i, : i + 1] == scores[i, : i + 1]).all() and (masked[i, i + 1 :] == "−∞").all()
        powers = np.exp(scores[i, : i + 1].astype(float))
        assert weights[i, : i + 1].astype(float) == pytest.approx(powers / powers.sum(), abs=0.005)
        assert (weights[i, i + 1 :] == "0").all()
        assert weights[i].astype(float).sum() == pytest.approx(1, abs=1e-9)


def test_the_window_s_counts_are_those_of_the_formula() -> None:
    counts = [int(text.split(": ")[1]) for text in shown_numbers("sliding_window") if text.startswith("tokens: ")]
    assert counts == [2 * 2 * layers + 1 for layers in (3, 2, 1, 0)]
