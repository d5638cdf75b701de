"""Explorer 3, letter counting: a model gets numbers of tokens, and there are no letters in a number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape
from itertools import accumulate
from typing import Any

from course_lib.bpe_tokenizer import Tokenizer
from course_lib.explorers.page import Explorer, control, radios, table, words
from course_lib.language import say

__all__ = ["explore_letter_counting", "renumbered"]

MOST_CASES = 6

STAGES = ("numbers", "pieces", "letters")
"""What is shown of the tokens, one after the other."""

PART, LETTER, ASKED = 0, 1, 2
"""Kinds of what a token consists of: a byte of a letter that is cut in two, a letter, the letter asked for."""


def explore_letter_counting(tokenizer: Tokenizer, cases: Sequence[tuple[str, str]]) -> Explorer:
    """The ids of a few words, whose letters are to be counted before pieces and letters may be uncovered.

    A switch gives all tokens of the vocabulary other numbers, see :func:`renumbered`. For a model nothing is changed by
    that, if the rows of its embedding table move along.

    Args:
        tokenizer: cuts the words; every number that is shown is one of its ids, or stands for one after the switch.
        cases: 1 to 6 pairs of a word and the letter to be counted in it, as in ``[("strawberry", "r")]``. A word has
            letters only, but for one space that may stand before it, as it does in a text. Upper and lower case are one
            letter.

    Returns:
        the explorer; its ``repr`` holds each word's counts of tokens, of letters and of the letter asked for.

    Raises:
        ValueError: if there are no cases or too many, a word or a letter is none, a word has more tokens than an explorer
            shows, or the block exceeds the size of an explorer.
    """
    if not 1 <= len(cases) <= MOST_CASES:
        raise ValueError(f"{len(cases)} words: 1 to {MOST_CASES} are expected")
    numbers = renumbered([*tokenizer.vocabulary.values(), *tokenizer.special.values()])
    order = sorted(numbers)
    place = {number: i for i, number in enumerate(order)}
    origin = {new: old for old, new in numbers.items()}

    def near(number: int, shuffled: bool) -> list[list[Any]]:
        """The tokens that come before and after one in a numbering, each with its number there."""
        at = place[number]
        beside = [order[i] for i in (at - 1, at + 1) if 0 <= i < len(order)]
        return [[n, _seen(tokenizer.token_bytes(origin[n] if shuffled else n))] for n in beside]

    shown = []
    for case in cases:
        word, letter = _checked(case)
        ids = tokenizer.encode(word)
        parts = _parts(word, letter, [tokenizer.token_bytes(number) for number in ids])
        letters = [char.lower() == letter.lower() for char in word.strip()]
        whole = [kind for token in parts for _, kind in token]
        shown.append(
            {
                "cut": [len(letters) - len(whole) + whole.count(PART), sum(letters) - whole.count(ASKED)],
                "letter": letter,
                "tokens": [
                    {
                        "ids": [number, numbers[number]],
                        "near": [near(number, False), near(numbers[number], True)],
                        "parts": token,
                        "text": _seen(tokenizer.token_bytes(number)),
                    }
                    for number, token in zip(ids, parts, strict=True)
                ],
                "counts": [len(letters), sum(letters)],
                "word": word.strip(),
            }
        )
    facts = [
        {
            "word": case["word"],
            "tokens": len(case["tokens"]),
            "letters": case["counts"][0],
            "letter": case["letter"],
            "times": case["counts"][1],
        }
        for case in shown
    ]
    rows = [
        [
            case["word"],
            " ".join(str(token["ids"][0]) for token in case["tokens"]),
            " · ".join(token["text"] for token in case["tokens"]),
            str(fact["letters"]),
            f"{fact['letter']}: {fact['times']}",
        ]
        for case, fact in zip(shown, facts, strict=True)
    ]
    return Explorer(
        "letter_counting",
        data={
            "cases": shown,
            "frame": _frame(len(shown), len(order)),
            "size": len(order),
            "words": words("letter_counting"),
        },
        label=say("explorer.letter_counting.label"),
        summary=say(
            "explorer.letter_counting.summary",
            size=len(order),
            cases="; ".join(say("explorer.letter_counting.summary_case", **fact) for fact in facts),
        ),
        static=table(
            say("explorer.letter_counting.table", size=len(order)),
            [say(f"explorer.letter_counting.{name}") for name in ("word", "ids", "cut", "count", "times")],
            rows,
        ),
        tokens=max(([token["text"] for token in case["tokens"]] for case in shown), key=len),
    )


def renumbered(ids: Sequence[int]) -> dict[int, int]:
    """A fixed permutation of some ids: each gets another one's place, by the order of the SHA-256 of their digits.

    >>> renumbered([0, 1, 2, 3])
    {3: 0, 0: 1, 1: 2, 2: 3}
    """
    shuffled = sorted(ids, key=lambda number: hashlib.sha256(str(number).encode()).digest())
    return dict(zip(shuffled, sorted(ids), strict=True))


def _checked(case: tuple[str, str]) -> tuple[str, str]:
    if isinstance(case, str) or len(case) != 2:
        raise ValueError(f"a case is a word and a letter, as in ('strawberry', 'r'), not {case!r}")
    word, letter = case
    if not isinstance(word, str) or not word.removeprefix(" ").isalpha():
        raise ValueError(f"a word has letters only, and one space before them at most; {word!r} is none")
    if not isinstance(letter, str) or len(letter) != 1 or not letter.isalpha():
        raise ValueError(f"the letter asked for is a single letter, not {letter!r}")
    return word, letter


def _parts(word: str, letter: str, tokens: Sequence[bytes]) -> list[list[list[Any]]]:
    """What each token consists of, with the kind of each part; the space is left out."""
    starts = [0, *accumulate(len(token) for token in tokens)]
    found: list[list[list[Any]]] = [[] for _ in tokens]
    at = 0
    for char in word:
        encoded = char.encode()
        homes = [max(n for n, start in enumerate(starts[:-1]) if start <= at + i) for i in range(len(encoded))]
        at += len(encoded)
        if char == " ":
            continue
        if homes[0] == homes[-1]:
            found[homes[0]].append([char, ASKED if char.lower() == letter.lower() else LETTER])
        else:
            for home, byte in zip(homes, encoded, strict=True):
                found[home].append([f"{byte:02X}", PART])
    return found


def _seen(token: bytes) -> str:
    """The text of a token, to be shown: bytes that are half a letter in angle brackets, as in ``‹D0›``; blanks visible."""
    text = token.decode("utf-8", "surrogateescape").replace(" ", "␣").replace("\n", "↵")
    return "".join(
        f"‹{ord(char) - 0xDC00:02X}›"
        if 0xDC80 <= ord(char) <= 0xDCFF
        else char
        if char.isprintable()
        else f"‹{ord(char):02X}›"
        for char in text
    )


def _frame(cases: int, size: int) -> str:
    names = ("title", "only", "ids", "shuffle", "letters_asked")
    text = {name: escape(say(f"explorer.letter_counting.{name}", size=size)) for name in names}
    number = '<input type="number" min="0" max="99" step="1" data-ref="{}">'
    return (
        f'<p class="tx-title">{text["title"]}</p><div class="tx-row tx-top">'
        + radios(say("explorer.letter_counting.case"), [str(n + 1) for n in range(cases)], "cases")
        + f'<label class="tx-switch"><input type="checkbox" data-ref="shuffle">{text["shuffle"]}</label></div>'
        f'<p class="tx-quiet">{text["only"]}</p>'
        f'<div class="tx-tokens" role="radiogroup" aria-label="{text["ids"]}" data-ref="tokens"></div>'
        '<p class="tx-spell" data-ref="spelled"></p><div class="tx-ask" data-ref="form">'
        f"<label>{text['letters_asked']} {number.format('letters')}</label>"
        f'<label><span data-ref="asked"></span> {number.format("times")}</label><div class="tx-row">'
        + control(say("explorer.letter_counting.answer"), "answer")
        + control(say("explorer.letter_counting.untold"), "untold")
        + '</div></div><p class="tx-given" data-ref="given"></p>'
        + radios(
            say("explorer.letter_counting.show"),
            [say(f"explorer.letter_counting.{stage}") for stage in STAGES],
            "stage",
        )
        + '<div class="tx-slot"></div>'
    )
