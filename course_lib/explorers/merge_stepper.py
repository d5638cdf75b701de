"""Explorer 2, the merge stepper: a BPE vocabulary is made of pair counts and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from course_lib.bpe import Step, Symbol, merge_pair, merge_steps
from course_lib.explorers.page import Explorer, control, table
from course_lib.explorers.page import words as script_texts
from course_lib.language import say

__all__ = ["explore_merge_stepper"]

MOST_WORDS, MOST_LETTERS = 12, 20
"""What fits a screen: so many distinct words, of so many characters each."""

LEAST_MERGES, MOST_MERGES = 3, 30
"""There is a question before the first merge and before two later ones."""

OPTIONS = 3
"""Pairs that the learner chooses from when asked which is merged next."""

LONGEST_OWN = 24
"""Characters of the learner's own word."""

NAMED = 3
"""Merges that the summary names."""


def explore_merge_stepper(words: Mapping[str, int], merges: int, own: str = "") -> Explorer:
    """Merges learned one by one on a few counted words, and an own word cut by those made so far.

    The page learns the merges itself, as :func:`course_lib.bpe.merge_steps` does: it shows the words in symbols, the most
    frequent pairs, the vocabulary with its numbers, and the length of the corpus in symbols. Which pair comes next must be
    predicted before the first merge and before two later ones: the first after the second merge at which equally
    frequent pairs compete, if there is one, and one in the second half.

    Args:
        words: how often each word occurs, as in ``{"low": 5, "lower": 2}``: 1 to 12 words of 20 characters at most.
        merges: how many can be stepped through, 3 to 30.
        own: the word in the learner's field to begin with, 24 characters at most.

    Returns:
        the explorer; its ``repr`` holds the sizes of vocabulary and corpus before and after, and the first merges.

    Raises:
        ValueError: if there is nothing to learn from (see :func:`course_lib.bpe.merge_steps`), a word is not a string, a word, their
            number, ``merges`` or ``own`` is out of bounds, or the corpus has no pairs left for so many merges or for
            the three questions.
    """
    if isinstance(merges, bool) or not isinstance(merges, int) or not LEAST_MERGES <= merges <= MOST_MERGES:
        raise ValueError(f"merges must be a whole number from {LEAST_MERGES} to {MOST_MERGES}, not {merges!r}")
    if not isinstance(own, str) or len(own) > LONGEST_OWN:
        raise ValueError(f"the own word is a string of {LONGEST_OWN} characters at most, not {own!r}")
    steps = list(merge_steps(words, merges))
    if len(words) > MOST_WORDS:
        raise ValueError(f"{len(words)} words; the stepper shows {MOST_WORDS} at most")
    for word in words:
        if not isinstance(word, str) or not 0 < len(word) <= MOST_LETTERS:
            raise ValueError(f"a word is a string of 1 to {MOST_LETTERS} characters, not {word!r}")
    if len(steps) < merges:
        raise ValueError(f"the corpus has no pair left after {len(steps)} merges, so there cannot be {merges}")

    alphabet = sorted(set("".join(words)))
    sizes = [len({*alphabet, *(step.left + step.right for step in steps[:k])}) for k in range(merges + 1)]
    totals = [sum(len(word) * n for word, n in words.items()), *(_total(step.words) for step in steps)]
    first = ", ".join(f"{_seen(step.left)} + {_seen(step.right)} ({step.count})" for step in steps[:NAMED])
    summary = say(
        "explorer.merge_stepper.summary",
        words=len(words),
        merges=merges,
        first=first,
        **{"size0": sizes[0], "size1": sizes[-1], "total0": totals[0], "total1": totals[-1]},
    )
    if own:
        tokens: list[Symbol] = list(own)
        for step in steps:
            tokens = merge_pair(tokens, step.left, step.right)
        cut = " · ".join(map(_seen, tokens))
        summary += say("explorer.merge_stepper.summary_own", own=own, cut=cut, tokens=len(tokens))
    rows = [
        [str(k), f"{_seen(step.left)} + {_seen(step.right)}", str(step.count), str(sizes[k]), str(totals[k])]
        for k, step in enumerate(steps, start=1)
    ]
    return Explorer(
        "merge_stepper",
        data={
            "alphabet": alphabet,
            "asked": _asked(steps),
            "corpus": [[word, occurrences] for word, occurrences in words.items()],
            "frame": _frame(merges, own),
            "merges": merges,
            "words": script_texts("merge_stepper"),
        },
        label=say("explorer.merge_stepper.label"),
        summary=summary + ".",
        static=table(
            say("explorer.merge_stepper.table", size=sizes[0], total=totals[0]),
            [say(f"explorer.merge_stepper.{name}") for name in ("number", "pair", "count", "size", "total")],
            rows,
        ),
    )


def _total(corpus: Sequence[tuple[Sequence[Symbol], int]]) -> int:
    """How many symbols the corpus has, each word as often as it occurs."""
    return sum(len(symbols) * occurrences for symbols, occurrences in corpus)


def _asked(steps: Sequence[Step]) -> list[int]:
    """The numbers of merges after which the learner predicts the next one.

    Raises:
        ValueError: if there are not three of them with enough pairs to choose from.
    """
    open_ = [k for k, step in enumerate(steps) if len(step.pairs) >= OPTIONS]
    if open_[:1] != [0] or len(open_) < 3:
        raise ValueError(
            f"the learner predicts three merges out of {OPTIONS} pairs each, but the corpus has so many pairs "
            f"before {len(open_)} of its merges only"
        )
    tied = [k for k in open_[1:] if k >= 2 and list(steps[k].pairs.values()).count(steps[k].count) > 1]
    early = tied[0] if tied else open_[len(open_) // 3] or open_[1]
    others = [k for k in open_[1:] if k != early]
    late = next((k for k in others if 2 * k >= len(steps)), others[-1])
    return sorted({0, early, late})


def _seen(symbol: Symbol) -> str:
    return str(symbol).replace(" ", "␣")


def _frame(merges: int, own: str) -> str:
    names = ("title", "rule", "made", "words", "key", "pairs", "vocabulary", "size", "total", "own")
    text = {name: escape(say(f"explorer.merge_stepper.{name}")) for name in names}
    tiles = "".join(
        f'<div class="tx-tile"><span>{text[name]}</span><b></b><small></small>'
        '<svg viewBox="-5 -5 210 60" aria-hidden="true"></svg></div>'
        for name in ("size", "total")
    )
    return (
        f'<p class="tx-title">{text["title"]}</p><p class="tx-quiet">{text["rule"]}</p>'
        f'<div class="tx-row"><label><span>{text["made"]} <b data-ref="made"></b></span>'
        f'<input type="range" min="0" max="{merges}" value="0" data-ref="range" aria-label="{text["made"]}"></label>'
        + control(say("explorer.merge_stepper.back"), "back")
        + control(say("explorer.merge_stepper.next"), "next")
        + '</div><div data-ref="question"></div><div class="tx-slot"></div><div class="tx-sides">'
        f'<section><b>{text["words"]}</b><div data-ref="words"></div><p class="tx-quiet">{text["key"]}</p>'
        f'<b>{text["vocabulary"]}</b><div class="tx-symbols" data-ref="symbols"></div></section>'
        f'<section><b>{text["pairs"]}</b><div role="radiogroup" aria-label="{text["pairs"]}" data-ref="pairs"></div>'
        '<p class="tx-spell" data-ref="spelled"></p></section></div>'
        f'<div class="tx-tiles" data-ref="tiles">{tiles}</div>'
        f'<div class="tx-row"><label><b>{text["own"]}</b><input type="text" maxlength="{LONGEST_OWN}" autocomplete="off" '
        f'autocapitalize="off" spellcheck="false" value="{escape(own)}" data-ref="own"></label></div>'
        '<div class="tx-cuts" data-ref="cuts"></div>'
    )
