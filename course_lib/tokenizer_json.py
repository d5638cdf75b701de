"""Byte-level BPE in the file format of Hugging Face's ``tokenizers``, tokenizer.json.

The format holds tokens as text, each byte as one character of :data:`course_lib.bpe.BYTE_CHARACTERS`, and says besides how
a text is prepared and what is added to it. Much more fits into it than byte-level BPE: :func:`read` refuses what would
give other ids, rather than to read half of it.

The format has no description of its own; it is what ``tokenizers`` writes and reads (its Rust sources, ``serialization.rs``
of each part). ``vocab`` holds the special tokens, too, as only there they can be given any number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.bpe import BYTE_CHARACTERS
from course_lib.pretokenisation import GPT2_PATTERN

_CHARACTER_BYTES = {character: byte for byte, character in BYTE_CHARACTERS.items()}
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
_PLAIN_MODEL = {
    "dropout": None,
    "unk_token": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
    "ignore_merges": False,
}
_HARMLESS = {"unk_token", "fuse_unk"}  # no byte is ever unknown
_PLAIN_TOKEN = {"single_word": False, "lstrip": False, "rstrip": False}


@dataclass(frozen=True)
class Parts:
    """What a file holds; the attributes are those of :class:`course_lib.bpe_tokenizer.Tokenizer`."""

    vocabulary: Mapping[bytes, int]
    merges: Sequence[tuple[bytes, bytes]]
    special: Mapping[str, int]
    pattern: str | None


def as_characters(token: bytes) -> str:
    """Bytes as the format writes them: ``b" dog"`` is ``"Ġdog"``."""
    return "".join(map(BYTE_CHARACTERS.__getitem__, token))


def as_bytes(characters: str) -> bytes:
    """The bytes that :func:`as_characters` has written.

    Raises:
        ValueError: if there is a character that stands for no byte.
    """
    try:
        return bytes(map(_CHARACTER_BYTES.__getitem__, characters))
    except KeyError as error:
        raise ValueError(
            f"{error} in the token {characters!r} stands for no byte: the vocabulary is not a byte-level one"
        ) from error


# ------------------------------------------------------------------------------------------------------------- writing


def write(parts: Parts) -> str:
    """The content of a file.

    Raises:
        ValueError: if a special token reads as one of the vocabulary; both could not stand there.
    """
    vocabulary = {as_characters(token): number for token, number in parts.vocabulary.items()}
    for token in parts.special:
        if token in vocabulary:
            raise ValueError(
                f"the special token {token!r} is written like the token {as_bytes(token)!r} of the vocabulary: "
                "the format cannot hold both"
            )
    vocabulary |= parts.special
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": token, **_PLAIN_TOKEN, "normalized": False, "special": True}
            for token, number in sorted(parts.special.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(parts.pattern),
        "post_processor": None,
        "decoder": {**_BYTE_LEVEL, "use_regex": True},
        "model": {
            "type": "BPE",
            **_PLAIN_MODEL,
            "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
            "merges": [[as_characters(left), as_characters(right)] for left, right in parts.merges],
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _pre_tokenizer(pattern: str | None) -> dict[str, Any]:
    if pattern in (None, GPT2_PATTERN):
        return {**_BYTE_LEVEL, "use_regex": pattern is not None}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, {**_BYTE_LEVEL, "use_regex": False}]}


# ------------------------------------------------------------------------------------------------------------- reading


def read(content: bytes) -> Parts:
    """What a file holds.

    All tokens that the file calls *added*, special or not, are special ones here: they are found in a text before it is
    cut, and that is all the difference they make to the ids.

    Raises:
        ValueError: if the file is not JSON, lacks something, holds something twice, or is not byte-level BPE alone.
    """
    try:
        whole = json.loads(content, object_pairs_hook=_without_repetition)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not a file in JSON: {error}") from error
    model = _field(whole, "model", dict)
    kind = model.get("type", "BPE")  # old files leave it out
    if kind != "BPE":
        raise ValueError(f"the model is {kind}, not BPE")
    for name, plain in _PLAIN_MODEL.items():
        if name not in _HARMLESS and (model.get(name) or None) != (plain or None):
            raise ValueError(f"the model has {name} = {model[name]!r}, which this tokenizer does not know")
    for name in ("normalizer", "truncation", "padding"):
        if whole.get(name) is not None:
            raise ValueError(f"the {name} {_kind(whole[name])} changes the ids, and this tokenizer does not know it")
    for name in ("post_processor", "decoder"):
        if whole.get(name) is not None and _kind(whole[name]) != "ByteLevel":
            raise ValueError(f"the {name} {_kind(whole[name])} is not ByteLevel")
    special = _added_tokens(whole.get("added_tokens") or [])
    vocabulary = {}
    for token, number in _field(model, "vocab", dict).items():
        if token not in special:
            vocabulary[as_bytes(token)] = number
        elif number != special[token]:
            raise ValueError(
                f"the token {token!r} has the id {number} in the vocabulary, {special[token]} among the added"
            )
    merges = [_merge(line) for line in _field(model, "merges", list)]
    return Parts(vocabulary, merges, special, _pattern(_field(whole, "pre_tokenizer", dict)))


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"{name!r} stands twice in one place")
    return found


def _field(where: Any, name: str, kind: type) -> Any:
    if not isinstance(where, dict) or not isinstance(where.get(name), kind):
        raise ValueError(f"{name!r} is missing, or is not {'an object' if kind is dict else 'a list'}")
    return where[name]


def _kind(part: Any) -> str:
    return str(part.get("type")) if isinstance(part, dict) else repr(part)


def _added_tokens(tokens: Any) -> dict[str, int]:
    special: dict[str, int] = {}
    if not isinstance(tokens, list):
        raise ValueError("'added_tokens' is not a list")
    for token in tokens:
        if not isinstance(token, dict) or not isinstance(token.get("content"), str) or "id" not in token:
            raise ValueError(f"an added token has a content and an id, not {token!r:.80}")
        for name in _PLAIN_TOKEN:
            if token.get(name):
                raise ValueError(f"the added token {token['content']!r} has {name}, which this tokenizer does not know")
        if token["content"] in special:
            raise ValueError(f"the added token {token['content']!r} stands there twice")
        special[token["content"]] = token["id"]
    return special


def _merge(line: Any) -> tuple[bytes, bytes]:
    """A merge is a list of two tokens, or in older files one string with a space between them."""
    tokens = line.split(" ") if isinstance(line, str) else line
    if not isinstance(tokens, list) or len(tokens) != 2 or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"a merge is two tokens, not {line!r:.80}")
    left, right = tokens
    return as_bytes(left), as_bytes(right)


def _pattern(pre_tokenizer: dict[str, Any]) -> str | None:
    """The pattern by which the file has texts cut."""
    steps = pre_tokenizer.get("pretokenizers") if _kind(pre_tokenizer) == "Sequence" else [pre_tokenizer]
    kinds = [_kind(step) for step in steps] if isinstance(steps, list) else []
    if kinds not in (["ByteLevel"], ["Split", "ByteLevel"]):
        raise ValueError(f"the pre-tokenizer is not ByteLevel, alone or after one Split: {', '.join(kinds) or None}")
    *split, byte_level = steps
    if byte_level.get("add_prefix_space", True):
        raise ValueError("the pre-tokenizer has add_prefix_space, which this tokenizer does not know")
    by_gpt2 = byte_level.get("use_regex", True)
    if not split:
        return GPT2_PATTERN if by_gpt2 else None
    pattern = split[0].get("pattern")
    if by_gpt2 or split[0].get("behavior") != "Isolated" or split[0].get("invert"):
        raise ValueError("the pre-tokenizer's Split is not one by a pattern alone, with the behaviour Isolated")
    if not isinstance(pattern, dict) or not isinstance(pattern.get("Regex"), str):
        raise ValueError(f"the pre-tokenizer's Split has no regular expression: {pattern!r}")
    return pattern["Regex"]
