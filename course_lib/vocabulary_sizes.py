"""How the size of a vocabulary shows on a text: how short it becomes, and how many tokens are rare; lesson 02.

The text is :mod:`course_lib.corpora.library_docs`, of which a fifth is kept aside
(:func:`course_lib.preprocessing.split_documents`).
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache

from course_lib import bpe, bpe_tokenizer, files, pretokenisation, tokenizer_json
from course_lib.bpe_tokenizer import Tokenizer
from course_lib.corpora import library_docs
from course_lib.preprocessing import split_documents
from course_lib.results import experiment

RARE = 10
"""A token seen fewer times is called rare."""

TEXTS = {"extract": library_docs.frozen, "all": library_docs.documents}
"""What there is to learn from: the stored extract, or all that is installed, twenty times as much."""

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""From the bare bytes to what a real model has."""


def coverage(tokenizer: Tokenizer, text: str, new: str) -> dict[str, float]:
    """What a vocabulary does to the text that it was learned from, and to a new one.

    Args:
        tokenizer: without special tokens.
        text: that it was trained on.
        new: words of this one are counted at white space.

    Returns:
        ``"tokens per word"`` of the new text; the share of the tokens of the vocabulary that are seen fewer than
        :data:`RARE` times in ``text``, ``"rare of vocabulary"``; and the share of the tokens of ``text`` that are
        occurrences of such, ``"rare of text"``.
    """
    seen = Counter(tokenizer.encode(text))
    rare = [number for number in range(len(tokenizer)) if seen[number] < RARE]
    return {
        "tokens per word": len(tokenizer.encode(new)) / len(new.split()),
        "rare of vocabulary": len(rare) / len(tokenizer),
        "rare of text": sum(seen[number] for number in rare) / sum(seen.values()),
    }


@cache
def parts(text: str) -> tuple[str, str]:
    """One of :data:`TEXTS` in its two parts: to learn from, and new."""
    known, new = split_documents(TEXTS[text]())
    return "\n".join(document.text for document in known), "\n".join(document.text for document in new)


@cache
def _learned(text: str, most: int) -> list[bpe.Merge]:
    words = Counter(pretokenisation.pre_tokens(parts(text)[0]))
    return bpe.learn_merges({word.encode(): n for word, n in words.items()}, most - len(bpe.BYTES))


@experiment(
    "bpe-vocabulary-size",
    rows=[{"text": "extract", "size": 4096}, *({"text": "all", "size": size} for size in SIZES)],
    depends=(
        sys.modules[__name__],
        bpe,
        bpe_tokenizer,
        files,
        split_documents,
        pretokenisation,
        tokenizer_json,
        library_docs,
    ),
    tolerance=2e-2,  # the texts differ a little between versions of the packages
)
def vocabulary_size(seed: int, text: str, size: int) -> dict[str, float]:
    """The figures of :func:`coverage`, and how often the last merge was seen when it was made (0 if there is none).

    The merges of a smaller vocabulary are the first ones of a larger, so that they are learned once.
    """
    merges = _learned(text, max(SIZES))[: size - len(bpe.BYTES)]
    tokenizer = Tokenizer.from_merges((merge.left, merge.right) for merge in merges)
    known, new = parts(text)
    return {
        **coverage(tokenizer, known, new),
        "last merge": merges[-1].count if merges else 0,
        "characters": len(known),
    }
