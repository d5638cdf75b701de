"""The pointer of lesson 03: its sentences, its numbers against the model's own, its switches, its picture."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch

from course_lib import coreference, language
from course_lib.corpora import crossing
from course_lib.explorers import explore_pointer, pointer
from course_lib.explorers.kernel import LIVE_DPI
from course_lib.explorers.pointer import WIDTHS, adjectives, answer, sentence

ROOT = Path(__file__).parents[2]
PLACES = [place for places in crossing.PLACES.values() for place in places]


@pytest.fixture(autouse=True)
def _session_as_it_was():
    before = language.language()
    with matplotlib.rc_context():
        yield
    language.use_language(before)


@pytest.fixture(scope="module")
def models() -> dict[int, coreference.Pointer]:
    """The lesson's two models, trained for a shorter time: enough to be right."""
    trained = {depth: coreference.Pointer(depth, seed=0) for depth in (2, 1)}
    for model in trained.values():
        coreference.train(model, steps=250)
    assert coreference.accuracy(trained[2], coreference.test_sentences()[:200]) > 0.95
    return trained


@pytest.fixture
def explorer(models):
    return explore_pointer(models)


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d\.\d\d", text)]


# --------------------------------------------------------------------------------------------------- the sentences


def test_sentences_are_those_of_the_corpus() -> None:
    compared = 0
    for pair in crossing.twins(4000, seed=3):
        for text in pair:
            if text.tokens[0] == "the" and text.tokens[2:4] == ("didn't", "cross"):
                words = (text.tokens[n] for n in (*text.nouns, text.adjective))
                assert sentence(*words) == (text, True)
                compared += 1
    assert compared > 100
    assert tuple(sentence("animal", "street", adjective)[0] for adjective in ("tired", "wide")) == crossing.example()


def test_every_choice_is_a_sentence_and_unknown_answers_are_marked() -> None:
    known = 0
    for place, adjective in ((place, adjective) for place in PLACES for adjective in adjectives()):
        text, answered = sentence("animal", place, adjective)
        kind = next(kind for kind, places in crossing.PLACES.items() if place in places)
        assert answered == (adjective in {*crossing.AGENT_ADJECTIVES, *crossing.PLACE_ADJECTIVES[kind]})
        assert text.tokens[text.referent] == (place if adjective in crossing.PLACE_ADJECTIVES[kind] else "animal")
        known += answered
    assert known < len(PLACES) * len(adjectives())
    assert len(set(adjectives())) == len(adjectives()) == 59  # as the lesson counts them


def test_exchanged_nouns_keep_the_referent() -> None:
    for adjective, word in (("tired", "animal"), ("wide", "street")):
        text, _ = sentence("animal", "street", adjective, exchange=True)
        assert str(text) == f"The street didn't cross the animal because it was too {adjective}."
        assert text.tokens[text.referent] == word


# ------------------------------------------------------------------------------------------------------ the numbers


def test_weights_are_those_of_a_direct_pass(models) -> None:
    for depth, model in models.items():
        for text in (*crossing.example(), sentence("wolf", "river", "deep", exchange=True)[0]):
            ids, lengths, _, _ = coreference.batch([text])
            with torch.no_grad():
                direct = model(ids, lengths)
            ours = answer(model, text)
            assert len(ours) == depth
            for mine, theirs in zip(ours, direct, strict=True):
                assert np.abs(mine - theirs[0].numpy()).max() < 1e-14


def test_blind_is_the_lesson_s_intervention(models) -> None:
    texts = [sentence(agent, place, adjective)[0] for agent, place, adjective in zip(
        crossing.AGENTS * 2, PLACES * 3, [a for a in adjectives() if a in crossing.AGENT_ADJECTIVES or a == "wide"], strict=False
    )]  # fmt: skip
    changed = 0
    for text in (*texts, crossing.example()[1]):
        maps = answer(models[2], text, blind=True)
        assert maps[0][text.it, text.adjective] == 0 and maps[0][text.adjective].min() > 0
        assert maps[0].sum(-1) == pytest.approx(1)
        right = int(maps[1][text.it].argmax()) == text.referent
        kind = "wide" if text.referent == text.nouns[1] else "tired"
        assert coreference.blind_accuracy(models[2], [text])[f"blind, {kind}"] == right
        changed += int(answer(models[2], text)[1][text.it].argmax()) != int(maps[1][text.it].argmax())
    assert changed > 0


def test_without_the_sum_the_output_replaces_the_input(models) -> None:
    bare = coreference.Pointer(2, seed=0, residual=False)
    bare.load_state_dict(models[2].state_dict())
    text = crossing.example()[1]
    ids, lengths, _, _ = coreference.batch([text])
    with torch.no_grad():
        direct = bare(ids, lengths)[1][0].numpy()
    without = answer(models[2], text, residual=False)[1]
    assert np.abs(without - direct).max() < 1e-14
    assert np.abs(without - answer(models[2], text)[1]).max() > 0.01


def test_the_sentence_says_what_the_model_says(explorer, models) -> None:
    controls = explorer.controls
    controls["agent"].value, controls["place"].value = "wolf", "river"
    for adjective, blind, residual, exchange, layers in (
        ("thirsty", False, True, False, 2),
        ("deep", True, True, False, 2),
        ("deep", False, False, True, 2),
        ("deep", True, True, True, 1),
        ("icy", False, True, False, 1),
    ):
        for name, value in (("adjective", adjective), ("blind", blind), ("residual", residual),
                            ("exchange", exchange), ("layers", layers)):  # fmt: skip
            controls[name].value = value
        text, known = sentence("wolf", "river", adjective, exchange)
        row = answer(models[layers], text, blind=blind, residual=residual)[-1][text.it]
        chosen = int(row.argmax())
        others = [noun for noun in text.nouns if noun != chosen]
        assert numbers(explorer.sentence) == [round(float(row[n]), 2) for n in (chosen, *others)]
        assert f"“{text}” The model points at “{text.tokens[chosen]}” {row[chosen]:.2f}" in explorer.sentence
        verdict = "no answer" if not known else "right." if chosen == text.referent else "wrong"
        assert verdict in explorer.sentence
        pairs = {side: crossing.noun_pairs("place", side) for side in ("train", "held-out")}
        assert ("never occurred" in explorer.sentence) == (("wolf", "river") in pairs["held-out"])


def test_what_the_lesson_says_can_be_seen(explorer) -> None:
    """Predicted and true: two layers follow the adjective wherever the nouns stand, one layer does not see it."""
    controls = explorer.controls
    for exchange in (False, True):
        controls["exchange"].value = exchange
        for adjective, noun in (("wide", "street"), ("tired", "animal")):
            controls["adjective"].value = adjective
            assert f"points at “{noun}”" in explorer.sentence and "right." in explorer.sentence
    controls["layers"].value = 1
    said = {}
    for adjective in ("wide", "tired"):
        controls["adjective"].value = adjective
        said[adjective] = explorer.sentence
    chosen = [re.search(r"points at “(\w+)”", text)[1] for text in said.values()]
    assert chosen[0] == chosen[1]
    assert sorted("wrong" in text for text in said.values()) == [False, True]


# ------------------------------------------------------------------------------------------- the widgets, the picture


def test_every_control_changes_the_picture_and_none_leaves_anything_behind(explorer) -> None:
    assert repr(explorer).startswith("“The animal didn't cross the street because it was too tired.”")
    start = {name: control.value for name, control in explorer.controls.items()}
    assert list(start) == ["agent", "place", "adjective", "exchange", "blind", "residual", "layers"]
    pictures = {explorer._picture.value}
    artists = len(explorer._figure.axes[0].get_children())
    for name, value in (("agent", "wolf"), ("place", "river"), ("adjective", "deep"), ("exchange", True),
                        ("blind", True), ("residual", False), ("layers", 1)):  # fmt: skip
        explorer.controls[name].value = value
        pictures.add(explorer._picture.value)
        before = explorer._picture.value
        explorer.controls[name].value = start[name]
        pictures.add(explorer._picture.value)
        assert explorer._picture.value != before
    assert len(pictures) == 1 + len(start), "and back: the picture is the first one again"
    assert len(explorer._figure.axes[0].get_children()) == artists


def drawn(explorer) -> dict[str, list]:
    """The texts of the picture that are seen, by what they say."""
    texts: dict[str, list] = {}
    for text in explorer._figure.axes[0].texts:
        if text.get_visible() and text.get_text():
            texts.setdefault(text.get_text(), []).append(text)
    return texts


def test_the_picture_shows_the_model_s_numbers(explorer, models) -> None:
    for depth, blind in ((2, False), (2, True), (1, True)):
        explorer.controls["layers"].value, explorer.controls["blind"].value = depth, blind
        text = crossing.example()[0]
        maps = answer(models[depth], text, blind=blind)
        rows = [(weights[text.it], text.nouns) for weights in maps]
        if depth == 2:
            rows.append((maps[0][text.adjective], ()))
        expected = [
            f"{row[n]:.2f}"
            for layer, (row, always) in enumerate(rows)
            for n in range(len(row))
            if (row[n] >= 0.005 or n in always) and not (blind and layer == 0 and n == text.adjective)
        ]
        found = drawn(explorer)
        assert sorted(expected) == sorted(
            number for number, all_ in found.items() if re.fullmatch(r"\d\.\d\d", number) for _ in all_
        )
        assert ("–" in found) == ("✗" in found) == blind
        assert ("layer 2" in found) == (depth == 2)
        # The thickest line goes to the answer.
        lines = [line for line in explorer._figure.axes[0].lines if line.get_visible()]
        thickest = max(lines, key=lambda line: line.get_linewidth())
        chosen = int(maps[-1][text.it].argmax())
        word, *_ = found[text.tokens[chosen]]
        assert abs(thickest.get_xdata()[1] - word.get_position()[0]) < 1


def test_the_badge_agrees_with_the_sentence(explorer) -> None:
    badges = {"right.": "✓", "wrong": "✗", "no answer": "?"}
    seen = set()
    explorer.controls["layers"].value = 1  # points at the same noun whatever the adjective, so it is wrong at times
    for adjective in ("wide", "tired", "deep"):
        explorer.controls["adjective"].value = adjective
        (verdict,) = (words for words in badges if words in explorer.sentence)
        assert set(drawn(explorer)) & set(badges.values()) == {badges[verdict]}
        seen.add(verdict)
    assert seen == set(badges)


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_no_word_leaves_its_box_or_the_picture(models, lang) -> None:
    language.use_language(lang)
    explorer = explore_pointer(models)
    figure = explorer._figure
    figure.set_dpi(LIVE_DPI)  # measured in CSS pixels
    frame = crossing.example()[0]
    room = min(WIDTHS[n] for n in (*frame.nouns, frame.adjective)) - 4
    longest = (max(words, key=len) for words in (crossing.AGENTS, PLACES, adjectives()))
    for control, word in zip(("agent", "place", "adjective"), longest, strict=True):
        explorer.controls[control].value = word
    shown, *_ = drawn(explorer)[explorer.controls["agent"].value]
    for word in (*crossing.AGENTS, *PLACES, *adjectives()):
        shown.set(text=word, weight="normal" if word in adjectives() else "bold")
        assert shown.get_window_extent().width < room, word
    for layers in (1, 2):
        explorer.controls["layers"].value = layers
        for found in drawn(explorer).values():
            for text in found:
                extent = text.get_window_extent()
                assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width, text.get_text()


def test_the_words_come_from_the_catalogue(models) -> None:
    texts = tomllib.loads((ROOT / "course_lib" / "catalogue" / "explorers_models.toml").read_text("utf-8"))
    code = Path(pointer.__file__).read_text("utf-8")
    for key, text in texts.items():
        if not key.startswith("explorer.pointer."):
            continue
        assert sorted(re.findall(r"\{(\w+)\}", text["en"])) == sorted(re.findall(r"\{(\w+)\}", text["ru"])), key
        assert re.search(rf"\b{key.split('.')[-1].split('_')[0]}\b", code), key
    language.use_language("ru")
    explorer = explore_pointer(models)
    assert explorer.sentence.startswith(
        "«The animal didn't cross the street because it was too tired.» Модель указывает"
    )
    assert "“" not in explorer.sentence and re.search("[а-яё]", explorer.controls["blind"].description)
    explorer.controls["layers"].value = 1
    assert any("Единственный слой" in text for text in drawn(explorer))


def test_the_bytes_depend_on_the_weights_alone() -> None:
    code = "import test_pointer as t; print(t.fingerprint())"
    for seed in ("1", "77"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        matplotlib.rcParams.update({"font.size": 30, "lines.linewidth": 9})
        assert run.stdout.strip() == fingerprint()


def fingerprint() -> str:
    explorer = explore_pointer(coreference.Pointer(2, seed=3))
    explorer.controls["blind"].value = True
    bundle = explorer._repr_mimebundle_()[0]
    return hashlib.sha256((bundle["image/png"] + bundle["text/plain"]).encode()).hexdigest()


def test_one_model_needs_no_list_of_models() -> None:
    explorer = explore_pointer(coreference.Pointer(1, seed=0))
    assert "layers" not in explorer.controls and "points at" in explorer.sentence
    without = explore_pointer(coreference.Pointer(2, seed=0, residual=False))
    assert explorer.controls["residual"].value and not without.controls["residual"].value
    assert len(explorer._repr_mimebundle_()[0]["image/png"]) * 3 / 4 < 150_000


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({}, ValueError, "no model"),
        (torch.nn.Linear(2, 2), TypeError, "this is a Linear"),
        ({2: coreference.Pointer(1, seed=0)}, ValueError, "under 2 has 1 layers"),
        (coreference.Pointer(3, seed=0), ValueError, "has 3 layers; use one or two"),
    ],
)
def test_what_is_no_pointer_is_refused(wrong, error, message) -> None:
    with pytest.raises(error, match=message):
        explore_pointer(wrong)
