"""Explorer 10, cross-attention: where the decoder looks for each word it writes, and where the encoder's *it* looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_lib.explorers.page import Explorer, control, radios, table, words
from course_lib.language import say

if TYPE_CHECKING:
    from course_lib.corpora.crossing import Sentence
    from course_lib.translator_model import Transformer

__all__ = ["Case", "case_of", "explore_cross_attention"]

MOST_CASES = 4

MOST_WORDS = 24
"""So many columns fit a phone."""

ROW_TOLERANCE = 1e-3
"""How far the sum of a row may be from 1."""

END = "</s>"


class Case(NamedTuple):
    """A sentence, its translation, and where the model looked when it was given both.

    Attributes:
        source: the T_s tokens that are read.
        target: the T tokens that rows 1 … T predict, the end token last.
        cross: (H, T, T_s), the weights of cross-attention in one decoder block.
        own: (H, T_s, T_s), the weights of self-attention in one encoder block.
        alignment: for each of the T tokens the positions of the source tokens it stands for; the end token has none.
        it: position of the pronoun in the source; referent: of the noun it means; other: of the other noun.
    """

    source: Sequence[str]
    target: Sequence[str]
    cross: Any
    own: Any
    alignment: Sequence[Sequence[int]]
    it: int
    referent: int
    other: int


def case_of(model: Transformer, sentence: Sentence, *, decoder_block: int = -1, encoder_block: int = -1) -> Case:
    """Where a translator looks while it is given a sentence and the right translation.

    Args:
        model: a translator of :mod:`course_lib.translator_training`, trained.
        sentence: from :mod:`course_lib.corpora.crossing`.
        decoder_block, encoder_block: whose weights; the last by default.

    Raises:
        IndexError: if there is no such block.
    """
    from course_lib.corpora import translation
    from course_lib.translator_looks import attention_maps
    from course_lib.translator_training import batch

    own, _, across = attention_maps(model, batch([sentence]))
    right = translation.translate(sentence)
    return Case(
        source=sentence.tokens,
        target=(*right.tokens, translation.END),
        cross=across[decoder_block][0],
        own=own[encoder_block][0],
        alignment=(*right.alignment, ()),
        it=sentence.it,
        referent=sentence.referent,
        other=sum(sentence.nouns) - sentence.referent,
    )


def explore_cross_attention(cases: Sequence[Case | Mapping[str, Any]]) -> Explorer:
    """The weights of cross-attention, word by word of the translation, beside those of the encoder's *it*.

    The learner chooses a sentence and a head, or the mean of the heads, and steps through the translation: bars over the
    source words show the weights of the row that predicts the present word, frames the words that the alignment names;
    bars under them show where *it* looks in the encoder, which never sees the translation. Weights are stored in
    hundredths: each number on the page is its input, rounded; the means and the largest weights come from the exact ones.

    Args:
        cases: 1 to 4 sentences, twins by preference, each a :class:`Case` or a mapping with its fields;
            :func:`case_of` makes one from a model. All have the same number of heads. At most 24 tokens on each side.

    Raises:
        ValueError: if shapes, words and positions do not fit, a weight is negative or not a number, or a row does not
            sum to 1.
    """
    found = [_checked(Case(**one) if isinstance(one, Mapping) else Case(*one), i) for i, one in enumerate(cases)]
    if not 1 <= len(found) <= MOST_CASES:
        raise ValueError(f"{len(found)} sentences: the explorer shows 1 to {MOST_CASES}")
    heads = {len(one.cross) for one in found} | {len(one.own) for one in found}
    if len(heads) > 1:
        raise ValueError(f"the sentences must have weights of the same heads, not of {sorted(heads)}")
    first, count = found[0], heads.pop()
    # The first of the maps is the mean of the heads; the others are the heads.
    at = _pronoun(first)
    row, own = first.cross.mean(0)[at], first.own.mean(0)[first.it]
    return Explorer(
        "cross_attention",
        data={
            "cases": [_packed(one) for one in found],
            "frame": _frame(found, count),
            "words": words("cross_attention"),
        },
        label=say("explorer.cross_attention.label"),
        summary=say(
            "explorer.cross_attention.summary",
            sentence=_text(first.source),
            word=first.target[at],
            heads=count,
            top=first.source[int(row.argmax())],
            weight=_number(row.max()),
            it=first.source[first.it],
            referent=first.source[first.referent],
            to_referent=_number(own[first.referent]),
            other=first.source[first.other],
            to_other=_number(own[first.other]),
        ),
        static=_static(found, count),
        tokens=max((one for case in found for one in (case.source, case.target)), key=len),
    )


# ----------------------------------------------------------------------------------------------------- what is checked


def _checked(case: Case, number: int) -> Case:
    """The case with its weights as float64; tensors are recognised by what they can do, so that torch is not imported."""
    name, rows, columns = f"sentence {number}", len(case.target), len(case.source)
    if not (1 <= rows <= MOST_WORDS and 2 <= columns <= MOST_WORDS):
        raise ValueError(f"{name}: {columns} and {rows} tokens; the explorer shows {MOST_WORDS} at most")
    cross = _weights(case.cross, (rows, columns), f"{name}: cross")
    own = _weights(case.own, (columns, columns), f"{name}: own")
    alignment = [sorted(int(place) for place in places) for places in case.alignment]
    if len(alignment) != rows:
        raise ValueError(f"{name}: {rows} words are predicted, but {len(alignment)} are aligned")
    named = [int(place) for place in (case.it, case.referent, case.other)]
    for place in (*named, *(place for places in alignment for place in places)):
        if not 0 <= place < columns:
            raise ValueError(f"{name}: there is no source token {place}, counted from 0 to {columns - 1}")
    if len(set(named)) < 3:
        raise ValueError(f"{name}: it, referent and other must be three different tokens, not {named}")
    return Case(list(map(str, case.source)), list(map(str, case.target)), cross, own, alignment, *named)


def _weights(given: Any, shape: tuple[int, int], name: str) -> np.ndarray:
    if hasattr(given, "detach"):
        given = given.detach().cpu().double().numpy()
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 3 or 0 in values.shape or values.shape[1:] != shape:
        raise ValueError(f"{name} must have the shape (H, {shape[0]}, {shape[1]}), not {values.shape}")
    if not (values >= 0).all() or not np.isfinite(values).all():  # NaN fails the first comparison
        raise ValueError(f"{name} must hold weights: numbers from 0 to 1")
    if (np.abs(values.sum(-1) - 1) > ROW_TOLERANCE).any():
        raise ValueError(f"{name}: a row does not sum to 1: softmax goes along the last dimension")
    return values


def _pronoun(case: Case) -> int:
    """The first row that predicts a translation of *it*, or the first of all."""
    return next((row for row, places in enumerate(case.alignment) if case.it in places), 0)


# ------------------------------------------------------------------------------------------------------------ the page


def _packed(case: Case) -> dict[str, Any]:
    cross, own = (np.concatenate([part.mean(0, keepdims=True), part]) for part in (case.cross, case.own))
    return {
        "align": case.alignment,
        "cross": np.rint(100 * cross).astype(int).tolist(),
        "it": case.it,
        "other": case.other,
        "own": np.rint(100 * own[:, case.it]).astype(int).tolist(),
        "pronoun": _pronoun(case),
        "referent": case.referent,
        "source": case.source,
        "target": case.target,
        "top": cross.argmax(-1).tolist(),
    }


def _text(tokens: Sequence[str]) -> str:
    text = " ".join(tokens).replace(" ,", ",").replace(" .", ".")
    return text[:1].upper() + text[1:]


def _number(weight: float) -> str:
    return f"{np.rint(100 * weight) / 100:.2f}"


def _frame(cases: Sequence[Case], heads: int) -> str:
    keys = ("title", "sentence", "translation", "source", "legend")
    text = {key: escape(say(f"explorer.cross_attention.{key}")) for key in keys}
    options = "".join(f"<option>{escape(_text(case.source))}</option>" for case in cases)
    choice = radios(
        say("explorer.cross_attention.head"),
        [say("explorer.cross_attention.mean"), *(str(h + 1) for h in range(heads))],
        "head",
    )
    return (
        f'<p class="tx-title">{text["title"]}</p>'
        f'<div class="tx-row"><label>{text["sentence"]} <select data-ref="sentence">{options}</select></label></div>'
        f'{choice}<div class="tx-row">{control(say("explorer.cross_attention.back"), "back")}'
        f"{control(say('explorer.cross_attention.next'), 'next')}</div>"
        f'<div class="tx-text" role="radiogroup" aria-label="{text["translation"]}" data-ref="text"></div>'
        '<div data-ref="question"></div><div class="tx-slot"></div>'
        '<p class="tx-quiet" data-ref="over"></p>'
        f'<div class="tx-words" role="radiogroup" aria-label="{text["source"]}" data-ref="columns"></div>'
        f'<p class="tx-quiet" data-ref="under"></p><p class="tx-spell" data-ref="spelled"></p>'
        f'<p class="tx-quiet">{text["legend"]}</p>'
    )


def _static(cases: Sequence[Case], heads: int) -> str:
    def listed(row: np.ndarray, source: Sequence[str], places: Sequence[int]) -> str:
        return ", ".join(f"{source[place]} {_number(row[place])}" for place in places)

    first = cases[0]
    rows = [
        [word, listed(row, first.source, [int(row.argmax())]), listed(row, first.source, places) or "—"]
        for word, row, places in zip(first.target, first.cross.mean(0), first.alignment, strict=True)
    ]
    of_it = [
        [
            _text(case.source),
            *(listed(case.own.mean(0)[case.it], case.source, [at]) for at in (case.referent, case.other)),
        ]
        for case in cases
    ]
    text = {
        key: say(f"explorer.cross_attention.{key}", heads=heads, sentence=_text(first.source))
        for key in ("table", "word", "most", "aligned", "table_it", "sentence", "referent", "other")
    }
    return table(text["table"], [text["word"], text["most"], text["aligned"]], rows) + table(
        text["table_it"], [text["sentence"], text["referent"], text["other"]], of_it
    )
