"""Vocabularies and word vectors: lookup, neighbours, analogies, and the text format that gensim reads and writes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.word_vectors import Vocabulary, WordVectors, principal_plane

SENTENCES = [["the", "dog", "bites", "the", "man"], ["the", "man", "runs"], [], ["a", "dog"]]


def plane() -> WordVectors:
    """Words in a plane, where angles can be read off: two columns of a grid, and a word without a direction."""
    vectors = {"king": (3, 1), "queen": (1, 3), "man": (4, -1), "woman": (-1, 4), "tea": (-2, -2), "none": (0, 0)}
    return WordVectors(Vocabulary(tuple(vectors)), np.array(list(vectors.values()), dtype=np.float64))


# ---------------------------------------------------------------------------------------------------------- vocabulary


def test_words_stand_by_frequency_and_then_by_the_alphabet():
    vocabulary = Vocabulary.build(SENTENCES, 1)
    assert vocabulary.words == ("the", "dog", "man", "a", "bites", "runs")
    assert vocabulary.counts.tolist() == [3, 2, 2, 1, 1, 1]
    assert Vocabulary.build(SENTENCES, 2).words == ("the", "dog", "man") and len(vocabulary) == 6
    assert Vocabulary.build((iter(s) for s in SENTENCES), 2).counts.tolist() == [3, 2, 2]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), max_size=8).filter(lambda s: any(s)))
def test_encoding_keeps_what_is_known_sentence_by_sentence(sentences):
    vocabulary = Vocabulary.build(sentences, 1)
    vocabulary = Vocabulary(vocabulary.words[:3])
    indices, lengths = vocabulary.encode(sentences)
    pieces = np.split(indices, lengths.cumsum()[:-1])
    kept = [[word for word in sentence if word in vocabulary] for sentence in sentences]
    assert [[vocabulary.words[i] for i in piece] for piece in pieces] == kept


@pytest.mark.parametrize(
    "sentences,says",
    [
        ([], "the corpus is empty"),
        ([[], []], "the corpus is empty"),
        ("the dog bites", r"one string: give a list of lists of words, as \[text.split\(\)\]"),
        (["the dog bites", "the man runs"], "a sentence is a list of words, not a string: split 'the dog bites'"),
        ([["the", 5]] * 9, "a word is a string, not int: 5"),
        (SENTENCES, "none of the 6 distinct words occurs min_count=4 times; the most frequent, 'the', occurs 3 times"),
    ],
)
def test_texts_that_are_no_sentences_of_words(sentences, says):
    with pytest.raises(ValueError, match=says):
        Vocabulary.build(sentences, 4)


def test_an_unknown_word_is_named_with_words_spelt_alike():
    vectors = WordVectors(Vocabulary(("animal", "animals", "street", "кошка")), np.eye(4))
    for ask in (vectors.index, vectors.neighbours, lambda word: vectors.similarity("street", word)):
        with pytest.raises(
            KeyError, match="the word 'anmial' is not among the 4 words .*; spelt alike: animal, animals"
        ):
            ask("anmial")
    with pytest.raises(KeyError, match="spelt alike: кошка"):
        vectors["кошки"]
    with pytest.raises(KeyError) as unlike:
        vectors["qqq"]
    assert "alike" not in str(unlike.value)
    with pytest.raises(KeyError, match="a word is a string, not int: 3"):
        vectors[3]
    assert "street" in vectors and "anmial" not in vectors and len(vectors) == 4


# ------------------------------------------------------------------------------------------------------------- vectors


def test_similarity_is_the_cosine():
    vectors = plane()
    assert vectors.similarity("king", "queen") == pytest.approx((3 * 1 + 1 * 3) / 10)
    assert vectors.similarity("king", "king") == pytest.approx(1)
    assert vectors.similarity("none", "king") == 0
    np.testing.assert_allclose(np.linalg.norm(vectors.unit_vectors, axis=1), [1, 1, 1, 1, 1, 0])


def test_neighbours_come_in_order_without_the_word():
    vectors = plane()
    found = vectors.neighbours("king", 5)
    assert [word for word, _ in found] == ["man", "queen", "woman", "none", "tea"]
    cosine = [value for _, value in found]
    assert cosine == sorted(cosine, reverse=True)
    assert found[1][1] == pytest.approx(vectors.similarity("king", "queen"))
    assert len(vectors.neighbours("king", 99)) == 5
    assert vectors.nearest(np.array([1.0, 3.0]), 1) == [("queen", pytest.approx(1))]
    # Words at the same angle stand in the vocabulary's order; few of them would stay so under any sort.
    words = tuple(f"w{i}" for i in range(500))
    tied = WordVectors(Vocabulary(words), np.where(np.arange(500)[:, None] % 2, [[1.0, 0.0]], [[0.0, 1.0]]))
    assert [word for word, _ in tied.neighbours("w1", 499)] == [*words[3::2], *words[::2]]


def test_analogies_are_taken_at_length_one():
    vectors = plane()
    # man is to king as woman is to queen; with the vectors as they are, and not at length 1, the direction is another.
    unit = vectors.unit_vectors
    direction = unit[0] - unit[2] + unit[3]
    found = vectors.analogy("man", "king", "woman", n=2)
    assert found[0][0] == "queen"
    assert found[0][1] == pytest.approx(float(unit[1] @ direction / np.linalg.norm(direction)))
    inputs = {"man", "king", "woman"}
    assert not inputs & {word for word, _ in vectors.analogy("man", "king", "woman", n=6)}
    everyone = vectors.analogy("man", "king", "woman", n=6, exclude_inputs=False)
    assert inputs <= {word for word, _ in everyone} and len(everyone) == 6


def test_many_questions_are_answered_as_one_by_one():
    rng = np.random.default_rng(0)
    vectors = WordVectors(Vocabulary(tuple(f"w{i}" for i in range(40))), rng.standard_normal((40, 6)))
    questions = [tuple(f"w{i}" for i in rng.choice(40, 4, replace=False)) for _ in range(1100)]
    for exclude in (True, False):
        one_by_one = [vectors.analogy(a, b, c, exclude_inputs=exclude)[0][0] for a, b, c, _ in questions]
        assert vectors.answers(questions, exclude_inputs=exclude) == one_by_one
    assert vectors.answers([]) == []


@pytest.mark.parametrize(
    "call,says",
    [
        (lambda v: v.neighbours("king", 0), "n must be 1 or more, not 0"),
        (lambda v: v.nearest(np.zeros(3)), r"the vector has shape \(3,\), the words' vectors \(2,\)"),
        (lambda v: v.nearest(np.zeros((1, 2))), r"shape \(1, 2\)"),
    ],
)
def test_what_has_no_neighbours(call, says):
    with pytest.raises(ValueError, match=says):
        call(plane())


# --------------------------------------------------------------------------------------------------------------- files

WORDS = ["the", "dog's", "кошка", "😀", "naïve", "#", "5"]


def some_vectors(dtype) -> WordVectors:
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((len(WORDS), 3)) * 10.0 ** rng.integers(-9, 9, (len(WORDS), 3))
    return WordVectors(Vocabulary(tuple(WORDS)), numbers.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_file_gives_back_the_same_bits(tmp_path, dtype):
    vectors = some_vectors(dtype)
    vectors.save(tmp_path / "v.txt")
    back = WordVectors.load(tmp_path / "v.txt", dtype)
    assert back.words == vectors.words and back.counts is None and back.context_vectors is None
    assert back.vectors.dtype == dtype and np.array_equal(back.vectors, vectors.vectors)
    assert (tmp_path / "v.txt").read_bytes().startswith(b"7 3\nthe ")


def test_gensim_reads_our_file_and_we_read_gensims(tmp_path):
    if not os.environ.get("COURSE_CI"):
        pytest.importorskip("gensim", reason="gensim is not installed")
    from gensim.models import KeyedVectors

    vectors = some_vectors(np.float32)
    vectors.save(tmp_path / "ours.txt")
    theirs = KeyedVectors.load_word2vec_format(tmp_path / "ours.txt")
    assert theirs.index_to_key == WORDS and np.array_equal(theirs.vectors, vectors.vectors)
    theirs.save_word2vec_format(tmp_path / "theirs.txt")
    back = WordVectors.load(tmp_path / "theirs.txt")
    assert list(back.words) == WORDS and np.array_equal(back.vectors, vectors.vectors)
    # Their neighbours and analogies are ours.
    assert [w for w, _ in theirs.most_similar("кошка", topn=4)] == [w for w, _ in vectors.neighbours("кошка", 4)]
    ours = vectors.analogy("the", "#", "5", n=3)
    assert [w for w, _ in ours] == [w for w, _ in theirs.most_similar(positive=["#", "5"], negative=["the"], topn=3)]


@pytest.mark.parametrize("word", ["", "New York", "a\u00a0b", "line\n"])
def test_a_word_that_the_format_cannot_hold(tmp_path, word):
    with pytest.raises(ValueError, match="the text format cannot hold it"):
        WordVectors(Vocabulary(("a", word)), np.eye(2)).save(tmp_path / "v.txt")
    assert not (tmp_path / "v.txt").exists()


@pytest.mark.parametrize(
    "content,says",
    [
        (b"", "v.txt, line 1: the number of words and of dimensions is expected"),
        (b"a 1 2\nb 3 4\n", "line 1: the number of words"),
        (b"0 3\n", "line 1: the number of words"),
        (b"99999999999 9999\na 1\n", "line 2: a word and 9999 numbers"),
        (b"2 2\na 1 2\n", "line 1 announces 2 words, there are 1"),
        (b"1 2\na 1 2\nb 1 2\n", "line 3: a word and 2 numbers are expected, 1 such lines"),
        (b"1 2\na 1\n", "line 2: a word and 2 numbers"),
        (b"1 2\na 1 2 3\n", "line 2: a word and 2 numbers"),
        (b"1 2\na 1 x\n", "line 2: a word and 2 numbers"),
        (b"2 1\na 1\na 2\n", "the word 'a' stands there 2 times"),
        (b"2 1\na 1\nb nan\n", "the vector of 'b' is not finite"),
        (b"1 2\na \xff\x80\x3f\x00\n", "not text in UTF-8: is it word2vec's binary format"),
    ],
)
def test_files_that_are_not_in_the_format(tmp_path, content, says):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        WordVectors.load(tmp_path / "v.txt")


def test_the_principal_plane_keeps_the_largest_spread():
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    cloud = (rng.standard_normal((300, 5)) * [5, 3, 0.2, 0.1, 0.1]) @ turned + 7
    points, share = principal_plane(cloud)
    assert points.shape == (300, 2) and share > 0.99
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(points.std(0), [5, 3], rtol=0.2)
    # Distances survive, and a mirrored cloud of the same axes does not turn the picture over by chance.
    np.testing.assert_allclose(
        np.linalg.norm(points[:50] - points[50:100], axis=1), np.linalg.norm(cloud[:50] - cloud[50:100], axis=1), atol=1
    )
    with pytest.raises(ValueError, match="two points or more"):
        principal_plane(cloud[:1])
    with pytest.raises(ValueError, match="all points are one"):
        principal_plane(np.ones((4, 3)))


def test_word_vectors_need_no_torch():
    code = "import sys, course_lib.word_vectors; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
