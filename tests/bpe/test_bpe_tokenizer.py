"""A tokenizer as a user meets it: ids, special tokens, texts that are none, ids that are none, files that are broken."""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat

import numpy as np
import pytest

from course_lib import bpe_tokenizer
from course_lib.bpe import BYTES
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.pretokenisation import GPT2_PATTERN
from course_lib.tokenizer_json import as_bytes, as_characters

END = "<|endoftext|>"
TEXT = "low lower lowest newest widest "
SMALL = Tokenizer.train(TEXT, 268, special=[END])

# ---------------------------------------------------------------------------------------------------------------- ids


def test_merges_are_made_in_the_order_in_which_they_were_learned():
    # The longest token that fits at the beginning is another one: "abc".
    ours = Tokenizer.from_merges([(b"b", b"c"), (b"c", b"d"), (b"a", b"bc"), (b"cd", b"e")])
    assert [ours.token_bytes(i) for i in ours.encode("abcde")] == [b"abc", b"d", b"e"]
    ours = Tokenizer.from_merges([(b"c", b"d"), (b"b", b"c"), (b"a", b"bc"), (b"cd", b"e")])
    assert [ours.token_bytes(i) for i in ours.encode("abcde")] == [b"a", b"b", b"cde"]


def test_bytes_come_first_then_the_merges_then_the_special_tokens():
    assert len(SMALL) == 268 and [SMALL.token_bytes(number) for number in range(256)] == list(BYTES)
    assert [SMALL.token_bytes(256 + i) for i, (left, right) in enumerate(SMALL.merges)] == [
        left + right for left, right in SMALL.merges
    ]
    assert SMALL.special == {END: 267} and SMALL.token_bytes(267) == END.encode()
    given = Tokenizer.from_merges(SMALL.merges, special={"<b>": 258, "<a>": 0})
    assert given.token_bytes(1) == b"!" and given.token_bytes(257) == SMALL.token_bytes(256)[:0] + b"".join(
        SMALL.merges[0]
    )
    assert sorted([*given.vocabulary.values(), *given.special.values()]) == list(range(269))


def test_special_tokens_are_recognised_only_when_allowed():
    assert SMALL.encode(f"low{END}low", allow_special=True).count(267) == 1
    ids = SMALL.encode(f"low{END}low")
    assert 267 not in ids and SMALL.decode(ids) == f"low{END}low"
    assert SMALL.encode_bytes(END.encode(), allow_special=True) == [267] == SMALL.encode(END, allow_special=True)
    assert SMALL.decode([267, 267]) == 2 * END
    # Without special tokens there is nothing to allow.
    none = Tokenizer.from_merges(SMALL.merges)
    assert none.encode(END, allow_special=True) == none.encode(END)


def test_special_tokens_are_no_regular_expressions_and_the_longest_counts():
    ours = Tokenizer.from_merges((), special=["a.c", "(", "((", "\n"])
    assert ours.encode("abc", allow_special=True) == ours.encode("abc")
    assert ours.encode("(((a.c\n", allow_special=True) == [258, 257, 256, 259]


def test_ids_may_come_in_arrays_and_generators():
    ids = SMALL.encode("lowest")
    assert SMALL.decode(np.array(ids)) == SMALL.decode(iter(ids)) == SMALL.decode(tuple(ids)) == "lowest"
    assert (
        SMALL.decode([]) == "" and SMALL.decode_bytes([]) == b"" and SMALL.encode("") == [] == SMALL.encode_bytes(b"")
    )


def test_bytes_that_are_no_text():
    broken = "я🙂".encode()[1:-1]
    assert SMALL.decode_bytes(SMALL.encode_bytes(broken)) == broken
    assert SMALL.decode(SMALL.encode_bytes(broken)) == "\ufffd\ufffd"
    assert SMALL.decode(SMALL.encode_bytes(b"a\xffb"), errors="ignore") == "ab"
    with pytest.raises(UnicodeDecodeError):
        SMALL.decode(SMALL.encode_bytes(b"\xff"), errors="strict")
    assert SMALL.encode_bytes(bytearray(b"low")) == SMALL.encode("low")


@pytest.mark.parametrize("text,at", [("\ud83d", 0), ("ok \udc80", 3), ("\ud83d\ude42", 0)])
def test_half_of_a_surrogate_pair_is_no_character(text, at):
    with pytest.raises(ValueError, match=f"character {at} of the text is .*, half of a surrogate pair"):
        SMALL.encode(text)


def test_bytes_that_were_met_before_do_not_let_a_surrogate_pass():
    SMALL.encode_bytes(b"x \x80 \x80")  # these are remembered as \udc80
    with pytest.raises(ValueError, match=r"is '\\udc80', half of a surrogate pair"):
        SMALL.encode("x \udc80")


@pytest.mark.parametrize("text", [b"low", None, 5, ["low"]])
def test_only_strings_are_texts(text):
    with pytest.raises(ValueError, match=f"a text is a string, not {type(text).__name__}"):
        SMALL.encode(text)


@pytest.mark.parametrize("number", [268, -1, "a", None, 0.5])
def test_unknown_ids(number):
    with pytest.raises(KeyError, match=f"no token has the id {number!r}: there are 268 tokens up to 267"):
        SMALL.decode([0, number])
    with pytest.raises(KeyError):
        SMALL.token_bytes(number)


def test_long_pieces_take_no_quadratic_time(monkeypatch):
    ours = Tokenizer.from_merges([(b"a", b"a"), (b"aa", b"aa"), (b"b", b"aa")], pattern=None)
    monkeypatch.setattr(Tokenizer, "_merge_short", None)  # a list of so many pairs would be searched for hours
    assert len(ours.encode("a" * 200_000 + "b")) == 50_001


def test_a_copy_gives_the_same_ids_and_starts_without_memories():
    SMALL.encode(TEXT)
    for other in (copy.copy(SMALL), copy.deepcopy(SMALL), pickle.loads(pickle.dumps(SMALL))):
        assert not any(name.startswith("_") for name in vars(other))
        assert other.encode(TEXT) == SMALL.encode(TEXT) and len(other) == len(SMALL)
    with pytest.raises(AttributeError):
        SMALL.pattern = None


@pytest.mark.parametrize(
    "merges,says",
    [
        ([(b"a", b"b"), (b"a", b"b")], "the merge of b'a' and b'b' stands there twice"),
        ([(b"a", b"bc")], "the merge of b'a' and b'bc' needs b'bc', which is not in the vocabulary"),
    ],
)
def test_merges_that_cannot_be(merges, says):
    with pytest.raises(ValueError, match=says):
        Tokenizer.from_merges(merges)


def test_vocabularies_that_cannot_be():
    vocabulary = dict(SMALL.vocabulary)
    with pytest.raises(ValueError, match=r"the tokens .* and b'zz' have the same id 5"):
        Tokenizer(vocabulary | {b"zz": 5}, SMALL.merges)
    with pytest.raises(ValueError, match=r"the byte b'\\xff' has no token"):
        Tokenizer({token: number for token, number in vocabulary.items() if token != b"\xff"}, SMALL.merges)
    with pytest.raises(ValueError, match="the id of the token b'zz' is a whole number"):
        Tokenizer(vocabulary | {b"zz": "5"}, SMALL.merges)


def test_ranks_that_would_give_other_ids_are_not_given_to_tiktoken():
    assert SMALL.mergeable_ranks() == SMALL.vocabulary
    swapped = dict(SMALL.vocabulary)
    one, other = (left + right for left, right in SMALL.merges[:2])
    swapped[one], swapped[other] = swapped[other], swapped[one]
    with pytest.raises(ValueError, match="do not grow in the order of the merges"):
        Tokenizer(swapped, SMALL.merges).mergeable_ranks()
    with pytest.raises(ValueError, match="tokens that no merge makes"):
        Tokenizer(SMALL.vocabulary | {b"qqq": 999}, SMALL.merges).mergeable_ranks()


# --------------------------------------------------------------------------------------------------------------- files


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tokenizer.json"


def test_a_file_gives_the_tokenizer_back(path):
    SMALL.save(path)
    back = Tokenizer.load(str(path))
    for name in ("vocabulary", "merges", "special", "pattern"):
        assert getattr(back, name) == getattr(SMALL, name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)
    SMALL.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_written_whole_or_not_at_all(path, monkeypatch):
    SMALL.save(path)
    before = path.read_bytes()

    def fails(*_):
        raise OSError("the disk is full")

    for name in ("replace", "fdopen"):
        with monkeypatch.context() as patch:
            patch.setattr(bpe_tokenizer.os, name, fails)
            with pytest.raises(OSError, match="the disk is full"):
                Tokenizer.from_merges(()).save(path)
        assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]
    with pytest.raises(ValueError, match=r"the special token 'low' is written like the token b'low'"):
        Tokenizer.from_merges(SMALL.merges, special=["low"]).save(path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]
    with pytest.raises(FileNotFoundError):
        SMALL.save(path.parent / "missing" / "tokenizer.json")


def test_bytes_as_characters_and_back():
    every = bytes(range(256))
    assert as_bytes(as_characters(every)) == every and len(set(as_characters(every))) == 256
    assert as_characters(" я\n".encode()) == "ĠÑıĊ"
    with pytest.raises(ValueError, match="'▁' in the token '▁the' stands for no byte"):
        as_bytes("▁the")


def content() -> dict:
    return json.loads(SMALL.to_json())


def test_files_of_older_versions(path):
    old = content()
    old["model"]["merges"] = [" ".join(merge) for merge in old["model"]["merges"]]
    for name in ("type", "ignore_merges", "byte_fallback", "fuse_unk", "dropout"):
        del old["model"][name]
    del old["pre_tokenizer"]["use_regex"], old["added_tokens"]
    old["model"]["unk_token"], old["model"]["end_of_word_suffix"] = END, ""
    del old["model"]["vocab"][END]
    path.write_text(json.dumps(old), encoding="utf-8")
    back = Tokenizer.load(path)
    assert (back.merges, back.vocabulary, back.special) == (SMALL.merges, SMALL.vocabulary, {})
    assert back.pattern == GPT2_PATTERN


def changed(*keys, to):
    """The content with one thing put in another's place."""
    whole = content()
    where = whole
    for key in keys[:-1]:
        where = where[key]
    if to is ...:
        del where[keys[-1]]
    else:
        where[keys[-1]] = to
    return json.dumps(whole)


VOCABULARY = content()["model"]["vocab"]
SPLIT = {"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated", "invert": False}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}


REFUSED = [
    ("", "not a file in JSON"),
    ("{", "not a file in JSON"),
    ("[" * 100_000, "not a file in JSON"),
    (b"\xff\xfe{}", "not a file in JSON"),
    ("[]", "'model' is missing, or is not an object"),
    ("{}", "'model' is missing"),
    (changed("model", to=...), "'model' is missing"),
    (changed("model", "vocab", to=...), "'vocab' is missing, or is not an object"),
    (changed("model", "merges", to=...), "'merges' is missing, or is not a list"),
    (changed("model", "merges", to={}), "'merges' is missing, or is not a list"),
    (changed("pre_tokenizer", to=None), "'pre_tokenizer' is missing"),
    (changed("model", "type", to="WordPiece"), "the model is WordPiece, not BPE"),
    (changed("model", "type", to="Unigram"), "the model is Unigram, not BPE"),
    (changed("model", "dropout", to=0.1), "the model has dropout = 0.1"),
    (changed("model", "byte_fallback", to=True), "the model has byte_fallback = True"),
    (changed("model", "ignore_merges", to=True), "the model has ignore_merges = True"),
    (changed("model", "end_of_word_suffix", to="</w>"), "the model has end_of_word_suffix = '</w>'"),
    (changed("model", "continuing_subword_prefix", to="##"), "the model has continuing_subword_prefix"),
    (changed("normalizer", to={"type": "NFC"}), "the normalizer NFC changes the ids"),
    (changed("truncation", to={"max_length": 5}), "the truncation"),
    (changed("padding", to={"length": 5}), "the padding"),
    (changed("post_processor", to={"type": "TemplateProcessing"}), "the post_processor TemplateProcessing is not"),
    (changed("decoder", to={"type": "Metaspace"}), "the decoder Metaspace is not ByteLevel"),
    (changed("pre_tokenizer", to={"type": "Metaspace"}), "the pre-tokenizer is not ByteLevel, .*: Metaspace"),
    (changed("pre_tokenizer", "add_prefix_space", to=True), "add_prefix_space"),
    (changed("pre_tokenizer", "add_prefix_space", to=...), "add_prefix_space"),
    (changed("pre_tokenizer", to={"type": "Sequence"}), "the pre-tokenizer is not ByteLevel"),
    (
        changed("pre_tokenizer", to={"type": "Sequence", "pretokenizers": [{"type": "Digits"}, BYTE_LEVEL]}),
        "the pre-tokenizer is not ByteLevel, alone or after one Split: Digits, ByteLevel",
    ),
    (
        changed("pre_tokenizer", to={"type": "Sequence", "pretokenizers": [SPLIT | {"invert": True}, BYTE_LEVEL]}),
        "the pre-tokenizer's Split is not one by a pattern alone",
    ),
    (
        changed("pre_tokenizer", to={"type": "Sequence", "pretokenizers": [SPLIT, BYTE_LEVEL | {"use_regex": True}]}),
        "the pre-tokenizer's Split is not one by a pattern alone",
    ),
    (
        changed(
            "pre_tokenizer",
            to={"type": "Sequence", "pretokenizers": [SPLIT | {"pattern": {"String": "a"}}, BYTE_LEVEL]},
        ),
        "the pre-tokenizer's Split has no regular expression",
    ),
    (
        changed(
            "pre_tokenizer",
            to={"type": "Sequence", "pretokenizers": [SPLIT | {"pattern": {"Regex": "(a"}}, BYTE_LEVEL]},
        ),
        r"the pattern '\(a' is not a regular expression",
    ),
    (changed("model", "merges", to=[["l", "qq"]]), "needs b'qq', which is not in the vocabulary"),
    (changed("model", "merges", to=[["q", "q"]]), "needs b'qq', which is not in the vocabulary"),
    (changed("model", "merges", to=["l o w"]), "a merge is two tokens, not 'l o w'"),
    (changed("model", "merges", to=[["l"]]), "a merge is two tokens"),
    (changed("model", "merges", to=[5]), "a merge is two tokens, not 5"),
    (changed("model", "merges", to=[["e", "s"]] * 2), "the merge of b'e' and b's' stands there twice"),
    (changed("model", "vocab", to={"▁the": 0}), "the vocabulary is not a byte-level one"),
    (changed("model", "vocab", to={"a": 0}), "the byte b'!' has no token"),
    (changed("model", "vocab", "a", to=1), "have the same id 1"),
    (changed("model", "vocab", "a", to="64"), "the id of the token b'a' is a whole number"),
    (changed("model", "vocab", "a", to=-1), "the id of the token b'a' is a whole number"),
    (SMALL.to_json().replace('"a": 64,', '"a": 64, "a": 64,'), "'a' stands twice in one place"),
    (changed("added_tokens", to={"a": 1}), "'added_tokens' is not a list"),
    (changed("added_tokens", to=[{"id": 267}]), "an added token has a content and an id"),
    (changed("added_tokens", to=[{"content": END}]), "an added token has a content and an id"),
    (
        changed("added_tokens", 0, "id", to=5),
        f"the token {END!r} has the id 267 .*, 5 among the added".replace("|", r"\|"),
    ),
    (changed("added_tokens", 0, "lstrip", to=True), "has lstrip, which this tokenizer does not know"),
    (changed("added_tokens", to=content()["added_tokens"] * 2), "stands there twice"),
    (changed("added_tokens", to=[{"id": 300, "content": ""}]), "a special token is a string that is not empty"),
    (changed("added_tokens", to=[{"id": 64, "content": "<x>"}]), "stands for no byte|have the same id 64"),
]


@pytest.mark.parametrize("text,says", REFUSED, ids=[says for _, says in REFUSED])
def test_broken_files_and_other_kinds_of_files(path, text, says):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=says) as raised:
        Tokenizer.load(path)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_not_there(path):
    with pytest.raises(FileNotFoundError):
        Tokenizer.load(path)
