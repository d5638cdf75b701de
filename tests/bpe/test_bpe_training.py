"""Training as a user meets it: by hand, from generators, until nothing is left; bad input named; nothing kept."""

from __future__ import annotations

import doctest
import subprocess
import sys
import weakref

import pytest

from course_lib import bpe, bpe_tokenizer, pretokenisation
from course_lib.bpe import Merge, learn_merges, merge_pair, merge_steps, pair_counts
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.pretokenisation import count_words, pre_tokens

SENNRICH = {"low": 5, "lower": 2, "newest": 6, "widest": 3}


def learn_plainly(words, merges=None, **options) -> list[Merge]:
    return [Merge(step.left, step.right, step.count) for step in merge_steps(words, merges, **options)]


by_both = pytest.mark.parametrize("learn", [learn_merges, learn_plainly], ids=["fast", "plain"])


# ------------------------------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize("module", [bpe, bpe_tokenizer, pretokenisation], ids=lambda module: module.__name__)
def test_the_examples_of_the_docstrings(module):
    assert doctest.testmod(module) == (0, 1 if module is not bpe_tokenizer else 3)


def test_a_merge_keeps_to_the_borders_of_symbols():
    # In the spelling "a b" + "a" stands twice; replacing strings would merge b and a inside "ab a" as well.
    assert merge_pair(["xa", "b", "a", "ba"], "b", "a") == ["xa", "ba", "ba"]
    assert merge_pair(["ab", "a", "b", "a"], "b", "a") == ["ab", "a", "ba"]
    assert merge_pair(list("aaaaa"), "a", "a") == ["aa", "aa", "a"]
    assert merge_pair([b"a", b"b"], b"b", b"a") == [b"a", b"b"]
    assert merge_pair(["ab", "c"], "a", "bc") == ["ab", "c"] and merge_pair([], "a", "b") == []


def test_pairs_are_counted_where_they_overlap():
    assert pair_counts([(list("aaa"), 2), (list("ab"), 3)]) == {("a", "a"): 4, ("a", "b"): 3}


def test_the_steps_of_sennrichs_words():
    steps = list(merge_steps(SENNRICH, 4))
    assert [(step.left, step.right, step.count) for step in steps] == [
        ("e", "s", 9),
        ("es", "t", 9),
        ("l", "o", 7),
        ("lo", "w", 7),
    ]
    assert steps[0].pairs["w", "e"] == 8 and steps[0].words[2] == (["n", "e", "w", "es", "t"], 6)
    assert steps[-1].words == [
        (["low"], 5),
        (["low", "e", "r"], 2),
        (list("new") + ["est"], 6),
        (list("wid") + ["est"], 3),
    ]


@by_both
def test_ties_go_to_the_symbols_that_came_first(learn):
    def first(words):
        return learn(words, 1)[0][:2]

    assert first({"yz": 1, "ba": 1, "bc": 1}) == ("b", "a")
    # Bytes are numbered as GPT-2 does: the space comes after the letters, and they after the exclamation mark.
    assert first({b" a": 1, b"zz": 1}) == (b"z", b"z") and first({b"zz": 1, b"!z": 1}) == (b"!", b"z")
    # A new symbol comes last, whatever its letters: after ab, the pair (x, y) goes before (ab, c).
    assert learn({"abc": 2, "ab": 1, "xy": 2}, 2) == [("a", "b", 3), ("x", "y", 2)]


@by_both
def test_learning_stops_when_asked_or_when_nothing_is_left(learn):
    assert len(learn(SENNRICH, 3)) == 3 and learn(SENNRICH, 0) == []
    assert len(learn(SENNRICH)) == len(learn(SENNRICH, 1000)) < 20
    assert all(one.count >= 5 for one in learn(SENNRICH, min_count=5)) and len(learn(SENNRICH, min_count=5)) == 7
    assert learn({"a": 3, "b": 1}) == []


# -------------------------------------------------------------------------------------------------------- the tokenizer


def test_training_stops_early_if_the_text_has_no_more_pairs():
    ours = Tokenizer.train("ababab", 1000, special=["<|end|>"])
    assert ours.merges == ((b"a", b"b"), (b"ab", b"ab"), (b"abab", b"ab"))
    assert len(ours) == 260 and ours.special == {"<|end|>": 259}
    assert ours.encode("ababab<|end|>", allow_special=True) == [258, 259]


def test_a_vocabulary_of_bytes_alone():
    ours = Tokenizer.train("anything", 256)
    assert len(ours) == 256 and ours.merges == () and ours.decode(ours.encode("да 🙂")) == "да 🙂"
    assert len(Tokenizer.train("anything", 258, special=["a", "b"])) == 258


def test_texts_may_come_from_a_generator_and_do_not_touch():
    texts = ["some text ", "and more", ""]
    assert Tokenizer.train(iter(texts), 270).merges == Tokenizer.train(texts, 270).merges
    assert count_words(iter(["ab", "cd"])) == {"ab": 1, "cd": 1} and count_words("abcd") == {"abcd": 1}
    assert count_words(iter(["ab", "cd"]), None) == {"ab": 1, "cd": 1}


def test_the_pattern_decides_what_can_be_merged():
    text = "the dog. the dog! the dog? " * 3
    assert b" dog" in Tokenizer.train(text, 300).vocabulary
    assert not any(b"g." in token for token in Tokenizer.train(text, 300).vocabulary)
    assert any(b"dog. the" in token for token in Tokenizer.train(text, 300, pattern=None).vocabulary)
    assert pre_tokens(text, None) == [text] and pre_tokens("", None) == pre_tokens("") == []


class Text(str):
    """A string that can be watched."""


def test_texts_are_not_kept():
    alive, most = weakref.WeakSet(), 0

    def texts():
        nonlocal most
        for number in range(50):
            text = Text(f"the {number % 7} words of a text, again and again. " * 200)
            alive.add(text)
            most = max(most, len(alive))
            yield text

    Tokenizer.train(texts(), 300)
    assert most <= 3


@pytest.mark.slow
def test_fifty_megabytes_take_little_memory():
    code = (
        "import random, resource; from course_lib.bpe_tokenizer import Tokenizer; r = random.Random(0);"
        "words = [''.join(r.choices('abcdefghijklmnopqrstuvwxyz', k=r.randint(2, 9))) for _ in range(60_000)];"
        "weights = [1 / (i + 1) for i in range(60_000)];"
        "texts = (' '.join(r.choices(words, weights, k=17_000)) for _ in range(500));"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "tokenizer = Tokenizer.train(texts, 8192);"
        "print(len(tokenizer), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    size, megabytes = map(int, done.stdout.split())
    assert size == 8192 and megabytes < 250


def test_progress_goes_to_stderr_and_changes_nothing(capfd, monkeypatch):
    texts = ["some words and some more words " * 50] * 40
    quiet = Tokenizer.train(texts, 280)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich take a file for a terminal
    loud = Tokenizer.train(texts, 280, progress=True)
    captured = capfd.readouterr()
    assert "characters read" in captured.err and "merges" in captured.err and not captured.out
    assert loud.merges == quiet.merges


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("texts", ["", [], ["", ""], iter(())])
def test_a_text_must_hold_something(texts):
    with pytest.raises(ValueError, match="the text is empty"):
        Tokenizer.train(texts, 300)


@pytest.mark.parametrize(
    "texts,vocab_size,options,says",
    [
        ("text", 255, {}, r"vocab_size must be a whole number of 256 or more \(256 bytes\), not 255"),
        ("text", 257, {"special": ["<a>", "<b>"]}, r"of 258 or more \(256 bytes and 2 special tokens\), not 257"),
        ("text", 300.0, {}, "vocab_size must be a whole number"),
        ("text", True, {}, "vocab_size must be a whole number"),
        ("text", 300, {"min_count": 0}, "min_count must be a whole number of 1 or more, not 0"),
        ("text", 300, {"special": [""]}, "a special token is a string that is not empty, not ''"),
        ("text", 300, {"special": ["<a>", "<a>"]}, "none stands twice"),
        ("text", 300, {"special": "<a>"}, "special tokens are a list of strings"),
        ("text", 300, {"special": {"<a>": -1}}, "the id of the token '<a>' is a whole number of 0 or more, not -1"),
        ("text", 300, {"special": {"<a>": 7, "<b>": 7}}, "the tokens '<a>' and '<b>' have the same id 7"),
        ("text", 300, {"special": ["\ud83d"]}, "half of a surrogate pair"),
        ("text", 300, {"pattern": "(a"}, r"the pattern '\(a' is not a regular expression: missing \)"),
        ("text", 300, {"pattern": 5}, "the pattern 5 is not a regular expression"),
        ([b"text"], 300, {}, "a text is a string, not bytes"),
        (b"text", 300, {}, "a text is a string, not int"),
        (["text", None], 300, {}, "a text is a string, not NoneType"),
        (["text", "a\udc00b"], 300, {}, r"character 1 of the text is '\\udc00', half of a surrogate pair"),
    ],
)
def test_what_cannot_be_trained(texts, vocab_size, options, says):
    with pytest.raises(ValueError, match=says):
        Tokenizer.train(texts, vocab_size, **options)


def test_arguments_are_looked_at_before_the_texts():
    def texts():
        raise AssertionError("read")
        yield

    with pytest.raises(ValueError, match="none stands twice"):
        Tokenizer.train(texts(), 300, special=["<a>", "<a>"])
    with pytest.raises(ValueError, match="vocab_size"):
        Tokenizer.train(texts(), 3)


@by_both
@pytest.mark.parametrize(
    "words,options,says",
    [
        ({}, {}, "there are no words"),
        (["low"], {}, r"words are counted, as in \{'low': 5\}; these are a list"),
        ({"low": 5, b"low": 5}, {}, "all strings or all bytes, not bytes, str"),
        ({5: 5}, {}, "all strings or all bytes, not int"),
        ({"low": 0}, {}, "the word 'low' occurs 0 times"),
        ({"low": 1.5}, {}, "the word 'low' occurs 1.5 times"),
        ({"low": 5}, {"merges": -1}, "merges must be a whole number of 0 or more, not -1"),
        ({"low": 5}, {"min_count": 0}, "min_count must be"),
        ({"low": 5}, {"min_count": None}, "min_count must be"),
    ],
)
def test_words_that_cannot_be(learn, words, options, says):
    with pytest.raises(ValueError, match=says):
        learn(words, **options)


@by_both
def test_words_that_are_empty_have_no_pairs(learn):
    assert learn({"": 3, "ab": 1}) == [("a", "b", 1)] and learn({"": 1}) == [] == learn({b"": 1})


def test_tokenizers_need_no_torch():
    code = "import sys, course_lib.bpe_tokenizer; print('torch' in sys.modules, 'tokenizers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr
