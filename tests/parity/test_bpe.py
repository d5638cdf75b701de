"""Byte-pair encoding against Hugging Face tokenizers and tiktoken, and against itself by slower routes."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import random
import textwrap
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import bpe_tokenizer, pretokenisation
from course_lib.bpe import BYTE_CHARACTERS, BYTES, Corpus, learn_merges, merge_pair, merge_steps
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.corpora import course_text, library_docs
from course_lib.pretokenisation import GPT2_PATTERN, count_words, pre_tokens
from course_lib.tokenizer_json import as_characters

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def hf():
    if not os.environ.get("COURSE_CI"):
        pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    import tokenizers

    return tokenizers


@pytest.fixture(scope="module")
def tiktoken():
    if not os.environ.get("COURSE_CI"):
        pytest.importorskip("tiktoken", reason="tiktoken is not installed")
    import tiktoken

    return tiktoken


# ----------------------------------------------------------------------------------------------------------- the texts

GRAPHEMES = [
    *"🙂🚀🤖❤️👍🏽",
    "👩‍👩‍👧‍👦",
    "🇷🇺🇬🇧",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "#️⃣",
    "é",
    "ё",
    "Å",
    "ﬁ",
    "語",
    "日本語",
    "한국어",
    "العربية",
    "हिन्दी",
    "ไทย",
]
GRAPHEMES += [
    "\n",
    "\r\n",
    "\t",
    "  ",
    " ",
    "\xa0",
    "\u2028",
    "\x1c",
    "\x00",
    "\ufeff",
    "'s",
    "'LL",
    "’s",
    "1½",
    "٣",
    "Ⅷ",
    "_",
    "x²",
]


def mixed(seed: int = 0, pieces: int = 12_000) -> str:
    """Emoji, marks, spaces of all kinds, words, and syllables of many scripts, in a random order."""
    draw = random.Random(seed)
    words = "the The токен токены token tokens don't it's naïve".split()
    scripts = [
        "aeiklnorst",
        "аеиклнорст",
        "αειλνορσ",
        "אבגדה",
        "कखगिा",
        "的一是不了人我在有他",
        "のにはをたがで",
        "가나다라마",
    ]

    def piece() -> str:
        kind = draw.random()
        if kind < 0.3:
            return draw.choice(GRAPHEMES)
        return f" {draw.choice(words)}" if kind < 0.6 else " " + "".join(draw.choices(draw.choice(scripts), k=5))

    return "".join(piece() for _ in range(pieces))


@cache
def corpus(name: str) -> tuple[str, ...]:
    if name == "english":
        return tuple(document.text for document in library_docs.frozen())
    if name == "russian":
        return course_text.frozen("ru")
    if name == "code":
        return tuple(inspect.getsource(module) for module in (argparse, ast, inspect, textwrap, json.decoder, random))
    return tuple(mixed(seed, 3000) for seed in range(4))


CORPORA = ("english", "russian", "code", "mixed")


@cache
def trained(name: str, vocab_size: int = 3000) -> Tokenizer:
    return Tokenizer.train(corpus(name), vocab_size)


characters = st.characters(exclude_categories=("Cs", "Cn"))  # what is not assigned yet, Unicode's versions class apart
any_text = st.lists(st.one_of(st.text(characters, max_size=8), st.sampled_from(GRAPHEMES)), max_size=12).map("".join)
tied_text = st.text("ab c\nя", max_size=60)
"""Texts of few symbols, in which many pairs are equally frequent and many stand side by side with themselves."""


def by_hugging_face(hf, texts, vocab_size: int, *, special=(), pattern: str | None = GPT2_PATTERN, **options):
    theirs = hf.Tokenizer(hf.models.BPE())
    theirs.pre_tokenizer = hf.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is not None)
    theirs.decoder = hf.decoders.ByteLevel()
    trainer = hf.trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=list(special), show_progress=False,
        initial_alphabet=hf.pre_tokenizers.ByteLevel.alphabet(), **options,
    )  # fmt: skip
    theirs.train_from_iterator(texts, trainer)
    return theirs


def merges_of(theirs) -> list[tuple[str, str]]:
    return [tuple(merge) for merge in json.loads(theirs.to_str())["model"]["merges"]]


def written(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    return [(as_characters(left), as_characters(right)) for left, right in tokenizer.merges]


def vocabulary(tokenizer: Tokenizer) -> dict[str, int]:
    return {as_characters(token): number for token, number in tokenizer.vocabulary.items()} | dict(tokenizer.special)


def read_by_hugging_face(hf, tokenizer: Tokenizer):
    return hf.Tokenizer.from_str(tokenizer.to_json())


def read_by_tiktoken(tiktoken, tokenizer: Tokenizer):
    return tiktoken.Encoding(
        "ours",
        pat_str=tokenizer.pattern,
        mergeable_ranks=tokenizer.mergeable_ranks(),
        special_tokens=dict(tokenizer.special),
    )


# ------------------------------------------------------------------------------------------------------------ training


@pytest.mark.parametrize("name", CORPORA)
def test_merges_vocabulary_and_ids_are_hugging_faces(hf, name):
    theirs, ours = by_hugging_face(hf, corpus(name), 3000), trained(name)
    assert written(ours) == merges_of(theirs) and len(ours) == 3000
    assert vocabulary(ours) == theirs.get_vocab()
    for other in CORPORA:
        for text in corpus(other)[:40]:
            assert ours.encode(text) == theirs.encode(text).ids


def test_the_corpora_have_ties():
    # Else the order of equally frequent pairs would not have been compared.
    for name in CORPORA:
        words = {word.encode(): n for word, n in count_words(corpus(name)).items()}
        counts = [merge.count for merge in learn_merges(words, 2744)]
        assert sum(a == b for a, b in pairwise(counts)) > 1000


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, None], ids=["GPT-2", "uncut"])
@settings(max_examples=150, deadline=None)
@given(st.lists(tied_text, min_size=1, max_size=6).filter(any))
def test_ties_are_broken_as_hugging_face_breaks_them(hf, pattern, texts):
    # So many tokens are asked for that the pairs run out.
    theirs = by_hugging_face(hf, texts, 700, pattern=pattern)
    ours = Tokenizer.train(texts, 700, pattern=pattern)
    assert written(ours) == merges_of(theirs) and vocabulary(ours) == theirs.get_vocab()


@settings(max_examples=60, deadline=None)
@given(st.lists(any_text, min_size=1, max_size=6).filter(any), st.integers(1, 4), st.integers(257, 320))
def test_any_text_teaches_the_same(hf, texts, min_count, vocab_size):
    theirs = by_hugging_face(hf, texts, vocab_size, min_frequency=min_count)
    ours = Tokenizer.train(texts, vocab_size, min_count=min_count)
    assert written(ours) == merges_of(theirs) and vocabulary(ours) == theirs.get_vocab()


def test_special_tokens_may_stand_where_hugging_faces_trainer_puts_them(hf):
    texts = [*corpus("english")[:50], f"one{END}two"]  # in a text that is learned from they are like any other
    theirs = by_hugging_face(hf, texts, 600, special=["<pad>", END])
    ours = Tokenizer.train(texts, 600, special={"<pad>": 0, END: 1})
    assert written(ours) == merges_of(theirs) and vocabulary(ours) == theirs.get_vocab() and len(ours) == 600
    text = f"{END}some text<pad> {END}{END}"
    assert ours.encode(text, allow_special=True) == theirs.encode(text).ids


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text("abcя", min_size=1, max_size=12), st.integers(1, 9), min_size=1, max_size=12))
def test_characters_are_merged_as_by_hugging_face(hf, words):
    theirs = hf.Tokenizer(hf.models.BPE())
    theirs.pre_tokenizer = hf.pre_tokenizers.WhitespaceSplit()
    theirs.train_from_iterator(
        [f"{word} " * n for word, n in words.items()], hf.trainers.BpeTrainer(vocab_size=500, show_progress=False)
    )
    assert [(merge.left, merge.right) for merge in learn_merges(words)] == merges_of(theirs)


words_of_characters = st.dictionaries(
    st.text("abc", min_size=1, max_size=14), st.integers(1, 5), min_size=1, max_size=8
)
words_of_bytes = st.dictionaries(st.binary(min_size=1, max_size=14), st.integers(1, 5), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.one_of(words_of_characters, words_of_bytes), st.integers(1, 3))
def test_the_fast_trainer_learns_what_counting_anew_learns(words, min_count):
    steps = list(merge_steps(words, min_count=min_count))
    assert learn_merges(words, min_count=min_count) == [(step.left, step.right, step.count) for step in steps]
    # Nothing is lost: the symbols of every word are still the word.
    for step in steps:
        assert [type(word)().join(symbols) for word, (symbols, _) in zip(words, step.words, strict=True)] == list(words)


def test_counts_and_places_stay_right_merge_by_merge():
    words = {word.encode(): n for word, n in count_words([*corpus("russian")[:60], "aaaaaaa abababab"]).items()}
    kept = Corpus.of(words, BYTES)
    for _ in kept.merges(400):
        counts, places = Counter(), {}
        for place, (word, n) in enumerate(zip(kept.words, kept.occurrences, strict=True)):
            for left, right in pairwise(word):
                counts[left + right] += n
                places.setdefault(left + right, set()).add(place)
        assert kept.counts == counts
        assert kept.places.keys() == places.keys()
        assert all(places[pair] <= set(kept.places[pair]) for pair in places)


@pytest.mark.parametrize("size", [0xD7F0, 0xFFF0])
def test_numbers_may_be_those_of_surrogates(size):
    # A symbol is one character of Python's: half of a surrogate pair is one, and so is one beyond 16 bits.
    words = {word.encode(): n for word, n in count_words(corpus("russian")[:60]).items()}
    usual, shifted = Corpus.of(words, BYTES), Corpus.of(words, BYTES)
    shifted.size = size
    assert [count for _, count in shifted.merges(200)] == [count for _, count in usual.merges(200)]
    assert sorted(map(len, shifted.words)) == sorted(map(len, usual.words))


# ------------------------------------------------------------------------------------------------- cutting into pieces


@settings(max_examples=300, deadline=None)
@given(st.one_of(any_text, st.text("a1!' \n\t\xa0\x1c\x85\u3000я", max_size=40)))
def test_pieces_are_hugging_faces(hf, text):
    cut = hf.pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    assert pre_tokens(text) == [text[start:end] for _, (start, end) in cut]


@settings(max_examples=300, deadline=None)
@given(st.text("a1!' \n\t\xa0\x1c\x1f\x85\u3000я😀", max_size=80), st.integers(1, 9))
def test_a_text_may_be_cut_into_slices_and_chunks_first(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretokenisation, "SLICE", size)
        patch.setattr(pretokenisation, "BATCH", 2 * size)
        tokeniser = pretokenisation.PreTokeniser()
        found = []
        for part in tokeniser.slices(text):
            first, others = tokeniser.chunks(part)
            for chunk in (first, *(f" {chunk}" for chunk in others)):
                found += tokeniser.pieces(chunk)
        assert found == regex.findall(GPT2_PATTERN, text)
        assert count_words(text) == Counter(found)


def test_other_patterns_keep_what_they_leave_out(hf):
    pattern = r"(\d)\d*|(?=x)|[aeiou]+"
    text = "queue 1234x, banana\n"
    split = hf.pre_tokenizers.Split(hf.Regex(pattern), "isolated")
    assert pre_tokens(text, pattern) == [piece for piece, _ in split.pre_tokenize_str(text)]
    assert pre_tokens(text, pattern) == ["q", "ueue", " ", "1234", "x, b", "a", "n", "a", "n", "a", "\n"]


# ------------------------------------------------------------------------------------------------------------ encoding


def naive(tokenizer: Tokenizer, text: str) -> list[int]:
    """Of the pairs in the word the one that was learned first is merged, wherever it stands; and so on."""
    ranks = {pair: rank for rank, pair in enumerate(tokenizer.merges)}
    ids = []
    for piece in pre_tokens(text, tokenizer.pattern):
        symbols = [bytes([byte]) for byte in piece.encode()]
        while known := [pair for pair in pairwise(symbols) if pair in ranks]:
            symbols = merge_pair(symbols, *min(known, key=ranks.__getitem__))
        ids += [tokenizer.vocabulary[symbol] for symbol in symbols]
    return ids


@pytest.mark.parametrize("name", CORPORA)
@settings(max_examples=40, deadline=None)
@given(text=any_text)
def test_ids_are_the_same_by_every_route(hf, tiktoken, name, text):
    ours = trained(name)
    ids = ours.encode(text)
    assert ids == naive(ours, text)
    assert ids == read_by_hugging_face(hf, ours).encode(text).ids if text else ids == []
    assert ids == read_by_tiktoken(tiktoken, ours).encode_ordinary(text)
    assert ids == ours.encode_bytes(text.encode()) and ours.decode(ids) == text


@pytest.mark.parametrize("name", CORPORA)
def test_whole_corpora_get_tiktokens_ids(tiktoken, name):
    for vocabulary_of in CORPORA:
        ours = trained(vocabulary_of)
        theirs = read_by_tiktoken(tiktoken, ours)
        text = "\n\n".join(corpus(name))
        assert ours.encode(text) == theirs.encode_ordinary(text) == ours.encode(text)


@settings(max_examples=100, deadline=None)
@given(tied_text.filter(bool), st.text("abcя ", min_size=1, max_size=150))
def test_long_pieces_are_merged_like_short_ones(learned_from, text):
    ours = Tokenizer.train(learned_from, 400, pattern=None)
    symbols = [ours.vocabulary[bytes([byte])] for byte in text.encode()]
    short = ours._merge_short(list(symbols))
    assert short == ours._merge_long(list(symbols)) == naive(ours, text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_merges_in_any_order_are_made_as_hugging_face_makes_them(hf, data):
    # No training puts a merge before those that make its parts, or makes a token in two ways; a file may.
    tokens, merges = [b"a", b"b", b"c"], []
    for _ in range(data.draw(st.integers(1, 10))):
        pair = data.draw(st.sampled_from(tokens)), data.draw(st.sampled_from(tokens))
        if pair not in merges:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    ours = Tokenizer.from_merges(data.draw(st.permutations(merges)), pattern=None)
    theirs = read_by_hugging_face(hf, ours)
    text = data.draw(st.text("abc", min_size=1, max_size=40))
    expected = theirs.encode(text).ids
    assert ours.encode(text) == expected
    symbols = [ours.vocabulary[bytes([byte])] for byte in text.encode()]
    assert ours._merge_long(symbols) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(any_text, st.sampled_from(["<|a|>", "<|a|>b", END, "<|", "|>"])), max_size=8).map("".join))
def test_special_tokens_are_found_as_hugging_face_finds_them(hf, tiktoken, text):
    plain = trained("english", 600)
    ours = Tokenizer.from_merges(plain.merges, special=(END, "<|a|>", "<|a|>b"))
    ids = ours.encode(text, allow_special=True)
    assert ids == read_by_hugging_face(hf, ours).encode(text).ids and ours.decode(ids) == text
    assert ours.encode(text) == plain.encode(text)
    two = Tokenizer.from_merges(plain.merges, special=(END, "<|a|>"))  # tiktoken has no rule for one inside another
    assert two.encode(text, allow_special=True) == read_by_tiktoken(tiktoken, two).encode(text, allowed_special="all")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_come_back(data):
    for name in CORPORA:
        ours = trained(name)
        ids = ours.encode_bytes(data)
        assert ours.decode_bytes(ids) == data
        assert ours.decode(ids) == data.decode(errors="replace")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 599), max_size=30))
def test_any_ids_are_decoded_as_hugging_face_and_tiktoken_decode_them(hf, tiktoken, ids):
    ours = trained("mixed", 600)
    assert ours.decode_bytes(ids) == b"".join(map(ours.token_bytes, ids))
    assert ours.decode_bytes(ids) == read_by_tiktoken(tiktoken, ours).decode_bytes(ids)
    assert ours.decode(ids) == read_by_hugging_face(hf, ours).decode(ids)


def test_what_is_forgotten_is_found_again(monkeypatch):
    text = "\n".join(corpus("english")[:40])
    ours = trained("english")
    expected = ours.encode(text)
    monkeypatch.setattr(bpe_tokenizer, "CACHED", 5)
    monkeypatch.setattr(bpe_tokenizer, "LONGEST_CACHED", 8)
    forgetful = Tokenizer.from_merges(ours.merges)
    assert forgetful.encode(text) == forgetful.encode(text) == expected
    for cached in (forgetful._ids_of_piece, forgetful._ids_of_chunk):
        assert 0 < len(cached) <= 5 and max(map(len, cached)) <= 8


# --------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, None, r"\p{L}+|\s+|\d{1,3}"], ids=["GPT-2", "uncut", "other"])
def test_files_go_both_ways(hf, tmp_path, pattern):
    ours = Tokenizer.train(corpus("russian")[:40], 500, special={END: 0, "<pad>": 300}, pattern=pattern)
    ours.save(tmp_path / "tokenizer.json")
    theirs = hf.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.get_vocab() == vocabulary(ours)
    theirs.save(str(tmp_path / "theirs.json"))
    back = Tokenizer.load(tmp_path / "theirs.json")
    assert (back.merges, back.vocabulary, back.special, back.pattern) == (
        ours.merges,
        ours.vocabulary,
        ours.special,
        pattern,
    )
    for text in (*corpus("russian")[:50], f"{END}1234 слова<pad>\n", mixed(9, 300)):
        assert theirs.encode(text).ids == ours.encode(text, allow_special=True) == back.encode(text, allow_special=True)
        assert theirs.decode(theirs.encode(text).ids, skip_special_tokens=False) == text


def test_a_tokenizer_that_hugging_face_has_trained(hf, tmp_path):
    theirs = by_hugging_face(hf, corpus("code"), 2000, special=[END])
    theirs.add_tokens(["<tool>"])  # not special there, though found in the same way
    theirs.save(str(tmp_path / "theirs.json"), pretty=False)
    ours = Tokenizer.load(tmp_path / "theirs.json")
    assert len(ours) == 2001 and ours.special == {END: 0, "<tool>": 2000}
    for text in (*corpus("code"), f"{END}x <tool>{END}"):
        assert ours.encode(text, allow_special=True) == theirs.encode(text).ids


def test_the_bytes_are_written_as_gpt2_writes_them(hf):
    assert sorted(BYTE_CHARACTERS.values()) == sorted(hf.pre_tokenizers.ByteLevel.alphabet())
    every = "".join(map(chr, range(0x20, 0x250)))
    (piece, _), *_ = hf.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(every)
    assert as_characters(every.encode()) == piece
    # The order in which GPT-2's own vocabulary has them: ! first, the space at 220, the soft hyphen last.
    numbers = {token: number for number, token in enumerate(BYTES)}
    assert (numbers[b"!"], numbers[b"a"], numbers[b"\x00"], numbers[b" "], numbers[b"\xad"]) == (0, 64, 188, 220, 255)
