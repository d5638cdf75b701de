"""What is measured of a vocabulary's size, on texts short enough to count by hand."""

from __future__ import annotations

import pytest

from course_lib.bpe_tokenizer import Tokenizer
from course_lib.results import recorded
from course_lib.vocabulary_sizes import RARE, SIZES, coverage, parts


def test_tokens_are_counted_per_word_of_the_new_text_and_rare_ones_in_the_old_one() -> None:
    tokenizer = Tokenizer.from_merges([(b"a", b"b"), (b"c", b"d")])
    text = "ab" * RARE + "cd" * (RARE - 1)
    figures = coverage(tokenizer, text, "abab cd")
    assert figures == {  # new: ab ab | space | cd
        "tokens per word": 4 / 2,
        "rare of vocabulary": 257 / 258,
        "rare of text": pytest.approx((RARE - 1) / (2 * RARE - 1)),
    }


def test_a_token_that_never_occurs_is_rare() -> None:
    assert coverage(Tokenizer.from_merges([]), "a" * RARE, "a")["rare of vocabulary"] == 255 / 256


def test_the_parts_of_a_text_share_no_document() -> None:
    known, new = parts("extract")
    assert len(known) > 3 * len(new) > 0
    assert not {*known.split("\n")} & {*new.split("\n")}


def test_the_recorded_sizes_go_from_the_bytes_to_a_real_model_s() -> None:
    rows = {row["size"]: row for row in recorded("bpe-vocabulary-size")["rows"] if row["text"] == "all"}
    assert tuple(rows) == SIZES and SIZES[0] == 256 and SIZES[-1] == 32768
    assert rows[256]["last merge"] == 0, "the bytes alone have no merge"
    assert rows[256]["characters"] > 3_000_000
