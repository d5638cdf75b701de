"""Preprocessing: what each step does to words, and what it saves of a text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from rapidfuzz.distance import OSA

from course_lib import preprocessing as pre
from course_lib.corpora import course_text, library_docs
from course_lib.language import use_language


def library():
    return [document.text for document in library_docs.frozen()]


# -- the steps --


def test_the_steps_one_by_one():
    tokens = pre.words('The "Tensors" cost 3.5%, don\'t re-use x_1!')
    assert tokens == ["The", '"Tensors"', "cost", "3.5%,", "don't", "re-use", "x_1!"]
    tokens = pre.strip_special(pre.lower(tokens))
    assert tokens == ["the", "tensors", "cost", "3.5", "don't", "re-use", "x", "1"]
    tokens = pre.mark_numbers(tokens)
    assert tokens == ["the", "tensors", "cost", "<num>", "don't", "re-use", "x", "<num>"]
    assert pre.stem(tokens)[1:4] == ["tensor", "cost", "<num>"]


def test_special_characters_of_russian():
    assert pre.strip_special(["бо́льшая", "«ёлка»,", "и/или", "—", "Йод…", "25-й"]) == [
        *("большая", "елка", "и", "или", "Йод", "25", "й"),
    ]


@pytest.mark.parametrize("token", ["2d", "utf8", "x1", "3-letter-word"])
def test_a_word_with_a_digit_is_no_number(token):
    assert pre.mark_numbers([token]) == [token]
    assert pre.NUMBER not in pre.mark_numbers(pre.strip_special(["2d", "utf8", "x1"]))


def test_stems_and_lemmas():
    assert pre.stem(["running", "runs", "easily"], "en") == ["run", "run", "easili"]
    assert pre.stem(["матрица", "матрицами", pre.NUMBER], "ru") == ["матриц", "матриц", pre.NUMBER]
    assert pre.lemmatise(["стали", "людьми", "softmax", pre.NUMBER]) == ["стать", "человек", "softmax", pre.NUMBER]
    assert pre.lemmatise(["ее", "пёс"]) == ["она", "пес"]  # as strip_special writes them


def test_nothing_is_downloaded_and_nothing_warns():
    """The stemmer and the lemmas work where no data of NLTK can be found, with warnings as errors."""
    program = "from course_lib import preprocessing as p; print(p.stem(['words']), p.stem(['слова'], 'ru'), p.lemmatise(['слова']))"
    environment = {**os.environ, "NLTK_DATA": os.devnull, "HOME": os.devnull, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)
    assert done.stdout.strip() == "['word'] ['слов'] ['слово']", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("tensr", "tensor"),  # a letter left out
        ("tennsor", "tensor"),  # one too many
        ("tansor", "tensor"),  # another one
        ("tesnor", "tensor"),  # two exchanged
        ("tensors", "tensor"),  # no error at all: it cannot know
        ("tesnors", "tesnors"),  # two changes
        ("mode", "mode"),  # too short, though model is near
        ("gird", "gird"),
        ("matrox", "matrix"),  # both matrix and matron are one change away: the more frequent one
        ("vector", "vector"),  # rare, but nothing is near
        ("tens0r", "tens0r"),  # no word
    ],
)
def test_spelling(written, read):
    spelling = pre.Spelling({"tensor": 9, "matron": 6, "matrix": 8, "grid": 9, "model": 9, "tensors": 2, "vector": 1})
    assert spelling.correct(written) == read
    assert spelling([written, "tensor"]) == [read, "tensor"]


def test_a_frequent_word_is_right_whatever_is_near():
    assert pre.Spelling({"tensor": 9, "tensors": 5}).correct("tensors") == "tensors"
    assert pre.Spelling({"tensor": 4}).correct("tensr") == "tensr"


def test_equally_frequent_neighbours_are_told_apart_by_the_alphabet():
    for counts in ({"matrix": 8, "matron": 8}, {"matron": 8, "matrix": 8}):
        assert pre.Spelling(counts).correct("matrox") == "matrix"


# -- the split and the loss --


def test_the_split_is_a_partition_in_order_and_depends_on_the_seed_alone():
    texts = [f"text {i}" for i in range(50)]
    train, held_out = pre.split_documents(texts, 0.2, seed=1)
    assert len(held_out) == 10 and sorted(train + held_out, key=texts.index) == texts
    assert train == [text for text in texts if text in set(train)]
    assert pre.split_documents(texts, 0.2, seed=1) == (train, held_out)
    assert pre.split_documents(texts, 0.2, seed=2)[1] != held_out
    assert len(pre.split_documents(texts[:3], 0.01)[1]) == 1


@pytest.mark.parametrize(("count", "share"), [(5, 0), (5, 1), (5, -0.1), (1, 0.5), (0, 0.5), (2, 0.9)])
def test_an_impossible_split_is_refused(count, share):
    with pytest.raises(ValueError):
        pre.split_documents(["text"] * count, share)


def test_vocabulary_and_lost_share():
    tokens = "b a b d a b c".split()
    assert pre.vocabulary(tokens) == ["b", "a", "c", "d"]
    assert pre.vocabulary(tokens, size=2) == pre.vocabulary(tokens, min_count=2) == ["b", "a"]
    assert pre.lost_share(["a", "b"], ["a", "x", "b", "x"]) == 0.5
    with pytest.raises(ValueError, match="no tokens"):
        pre.lost_share(["a"], [])


@pytest.mark.parametrize(
    ("texts", "lang"),
    [(library, "en"), (lambda: course_text.frozen("en"), "en"), (lambda: course_text.frozen("ru"), "ru")],
)
def test_every_step_makes_the_vocabulary_smaller_and_loses_less(texts, lang):
    rows = pre.losses(texts(), lang)
    assert tuple(row.step for row in rows) == pre.steps(lang)
    in_turn = rows[:6]  # lemmas take the place of stems
    assert all(a.vocabulary > b.vocabulary and a.lost >= b.lost for a, b in zip(in_turn, in_turn[1:], strict=False))
    assert rows[0].lost > 2 * rows[-1].lost and rows[-1].lost > 0.02
    for row in rows[5:]:
        assert row.lost < 0.8 * rows[4].lost


def test_russian_loses_more_of_the_same_content_and_gains_more_from_stems():
    english, russian = ({row.step: row for row in pre.losses(course_text.frozen(lang), lang)} for lang in ("en", "ru"))
    assert russian["numbers"].lost > 1.5 * english["numbers"].lost
    gains = [rows["spelling"].lost - rows["stems"].lost for rows in (english, russian)]
    assert gains[1] > 2 * gains[0]


def test_rare_words_left_out_lose_more():
    for lang in ("en", "ru"):
        texts = course_text.frozen(lang)
        for every, frequent in zip(pre.losses(texts, lang), pre.losses(texts, lang, min_count=2), strict=True):
            assert frequent.vocabulary < every.vocabulary and frequent.lost > every.lost


def test_the_figures_are_the_same_under_another_hash_seed():
    program = (
        "from course_lib import preprocessing as p; from course_lib.corpora import course_text as c;"
        "print([p.losses(c.frozen(lang), lang) for lang in ('en', 'ru')])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1 and "lemmas" in answers.pop()


def test_the_table_follows_the_language(capsys):
    rows = [pre.Loss(step, 100, 0.125) for step in pre.steps("ru")]
    for lang, wording in (
        ("en", "split at white space · 100 · 12.5 %"),
        ("ru", "разбиение по пробелам · 100 · 12.5 %"),
    ):
        use_language(lang)
        try:
            pre.show_losses(rows)
        finally:
            use_language("en")
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == wording and len(lines) == len(rows)


@pytest.mark.parametrize(
    "function", [pre.steps, lambda lang: pre.losses(["a", "b"], lang), lambda lang: pre.stem([], lang)]
)
def test_an_unknown_language_is_refused(function):
    with pytest.raises(ValueError, match="unknown language"):
        function("de")


# -- planted errors --


def test_planted_errors_are_one_change_and_leave_the_first_letter():
    tokens = pre.strip_special(pre.lower(pre.words(" ".join(library()[:100]))))
    changed, right = pre.plant_typos(tokens, 0.5, seed=3)
    assert len(changed) == len(tokens)
    assert right == {i: token for i, token in enumerate(tokens) if changed[i] != token}
    assert all(OSA.distance(changed[i], word) == 1 and changed[i][0] == word[0] for i, word in right.items())
    assert all(len(word) >= 5 for word in right.values())
    longer = sum(len(token) >= 5 and token.isalpha() for token in tokens)
    assert 0.45 < len(right) / longer < 0.51  # a letter exchanged with its like is no error
    kinds = Counter(len(changed[i]) - len(word) for i, word in right.items())
    assert min(kinds[-1], kinds[1], kinds[0] / 2) > 0.2 * len(right)
    assert pre.plant_typos(tokens, 0.5, seed=3) == (changed, right) != pre.plant_typos(tokens, 0.5, seed=4)


def test_the_correction_mends_errors_and_spoils_right_words():
    train, held_out = pre.split_documents(library())
    tokens, rest = pre.after_steps("\n".join(train), "\n".join(held_out), "en")["numbers"]
    report = pre.check_spelling(pre.Spelling(Counter(tokens)), rest)
    assert report.planted == report.recovered + report.mistaken + report.untouched
    assert report.planted + report.right_tokens == len(rest)
    assert report.recovered > 0.5 * report.planted
    assert report.spoiled_tokens >= len(report.spoiled) > 20
    assert any(word == became + "s" for word, became in report.spoiled)  # an inflection taken for an error
    for word, became in report.spoiled:
        assert OSA.distance(word, became) == 1


def test_a_correction_that_does_nothing_leaves_every_error():
    report = pre.check_spelling(pre.Spelling({}), ["tensor", "matrix"] * 50, share=0.5)
    assert report.untouched == report.planted > 0 and report.recovered == report.mistaken == report.spoiled_tokens == 0
