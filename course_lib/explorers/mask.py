"""Explorer 9, the mask editor: which tokens each row of the decoder may look at, and what a model trained so is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from course_lib.explorers.page import Explorer, control, table, words
from course_lib.language import say

if TYPE_CHECKING:
    from torch import Tensor

    from course_lib.corpora.crossing import Sentence
    from course_lib.translator_model import Transformer

__all__ = ["PRESETS", "decoder_scores", "explore_mask"]

PRESETS = ("causal", "none", "after", "window")
"""The triangle before softmax; no mask; the triangle after softmax; the last :data:`WINDOW` tokens alone."""

WINDOW = 3
"""As :data:`course_lib.translator_experiments.WINDOW` (a test compares them), which would bring torch along."""

SHIFT = 2
"""How much the scores of the last token rise when it is "changed"."""

END = "</s>"
"""What the last row has to predict."""

MOST_TOKENS = 14
"""So many columns fit a phone."""

Matrix = list[list[float]]


def explore_mask(scores: Any, tokens: Sequence[str], results: Mapping[str, tuple[float, float]]) -> Explorer:
    """The weights of one head of the decoder's self-attention under a mask that the learner edits, cell by cell.

    Row i is the query of token i; from it the model has to predict token i + 1, which the page marks where the row may
    look at it. The learner takes one of the :data:`PRESETS`, hides and shows single cells, and changes the last token:
    all scores of its column rise by 2, as those of another token would differ, and the page counts the earlier rows
    whose weights move. The page computes in double precision what :mod:`course_lib.attention` computes (a test compares
    them).

    Args:
        scores: (T, T), the scaled scores QKᵀ/√d_k without any mask: a tensor, an array or lists. :func:`decoder_scores`
            takes them from a model.
        tokens: the T tokens that are read, the start token first; 2 to 14.
        results: by preset the loss in nats per token and the share of exact translations, 0 … 1, of models trained with
            that mask; they are measured elsewhere.

    Raises:
        ValueError: if the scores are not (T, T) or not finite, there are too few or too many tokens, or ``results`` are
            not two numbers in range for each preset.
    """
    rows, tokens = _checked(scores, tokens), list(tokens)
    measured = _measured(results)
    found = {preset: _figures(rows, preset) for preset in PRESETS}
    names = [say(f"explorer.mask.{preset}") for preset in PRESETS]
    said = {
        f"{preset}_{name}": value
        for preset, (loss, exact) in measured.items()
        for name, value in (("loss", f"{loss:.4f}"), ("exact", f"{exact:.3f}"))
    }
    (loss, exact), (bare_loss, bare_exact) = measured["causal"], measured["none"]
    return Explorer(
        "mask",
        data={
            "answers": say("explorer.mask.answers").split("|"),
            "frame": _frame(tokens, names),
            "names": names,
            # What the question is about: the loss falls and the translations are worse, or as the numbers have it.
            "right": [[0, 3], [2, 1]][bare_loss < loss][bare_exact > exact],
            "results": [[said[f"{preset}_loss"], said[f"{preset}_exact"]] for preset in PRESETS],
            "scores": rows,
            "shift": SHIFT,
            "tokens": [*tokens, END],
            "window": WINDOW,
            "words": words("mask"),
        },
        label=say("explorer.mask.label"),
        summary=say("explorer.mask.summary", rows=len(tokens), seeing=found["none"][0], **said),
        static=table(
            say("explorer.mask.table", rows=len(tokens)),
            [say(f"explorer.mask.{key}") for key in ("mask", "seeing", "least", "loss", "exact")],
            [
                [name, str(seeing), f"{least:.2f}", said[f"{preset}_loss"], said[f"{preset}_exact"]]
                for name, (preset, (seeing, least)) in zip(names, found.items(), strict=True)
            ],
        ),
        tokens=tokens,
        digits=9,
    )


def decoder_scores(
    model: Transformer, sentence: Sentence, *, block: int = 0, head: int = 0
) -> tuple[Tensor, list[str]]:
    """The scaled scores of a head of the decoder's masked self-attention, before any mask, and the tokens it reads.

    Args:
        model: a translator of :mod:`course_lib.translator_training`, trained.
        sentence: whose right translation is read, the start token first.
        block, head: counted from 0.

    Returns:
        scores (T, T) = QKᵀ/√d_k, and the T tokens.

    Raises:
        IndexError: if there is no such block or head.
    """
    import torch

    from course_lib.corpora import translation
    from course_lib.multi_head import affine, split_heads
    from course_lib.translator_training import batch

    of, read = batch([sentence]), []
    attention = model.decoder.blocks[block].self_attention
    # Its input is the block's own, normalised or not: what comes in is the same in both orders of the sub-layers.
    handle = attention.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    try:
        with torch.no_grad():
            model(of.source, None, of.target[:, :-1], None)
            query = split_heads(affine(read[0], attention.W_Q, attention.b_Q), attention.heads)
            key = split_heads(affine(read[0], attention.W_K, attention.b_K), attention.kv_heads)
    finally:
        handle.remove()
    shared = attention.heads // attention.kv_heads
    scores = query[0, head] @ key[0, head // shared].mT / math.sqrt(attention.d_k)
    return scores, [translation.START, *translation.translate(sentence).tokens]


# ----------------------------------------------------------------------------------------------------- what is checked


def _checked(scores: Any, tokens: Sequence[str]) -> Matrix:
    """The scores as lists; tensors and arrays are recognised by what they can do, so that torch need not be imported."""
    numbers = scores.detach() if hasattr(scores, "detach") else scores
    numbers = numbers.tolist() if hasattr(numbers, "tolist") else numbers
    count = len(tokens)
    if not 2 <= count <= MOST_TOKENS:
        raise ValueError(f"{count} tokens: the grid has 2 to {MOST_TOKENS}")
    try:
        rows = [[float(number) for number in row] for row in numbers]
    except TypeError:
        raise ValueError(f"the scores must be (T, T) numbers, not {scores!r:.60}") from None
    if [len(row) for row in rows] != [count] * count:
        raise ValueError(f"{count} tokens need scores of shape ({count}, {count})")
    for i, row in enumerate(rows):
        for j, number in enumerate(row):
            if not math.isfinite(number):
                raise ValueError(f"scores[{i}, {j}] is {number}: give the scores before the mask")
    return rows


def _measured(results: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    if set(results) != set(PRESETS):
        raise ValueError(f"results are needed for {', '.join(PRESETS)}, not for {', '.join(map(str, results))}")
    found = {}
    for preset in PRESETS:
        loss, exact = map(float, results[preset])
        if not (0 <= loss < math.inf and 0 <= exact <= 1):
            raise ValueError(f"results[{preset!r}] must be a loss ≥ 0 and a share from 0 to 1, not {loss} and {exact}")
        found[preset] = loss, exact
    return found


def _figures(rows: Matrix, preset: str) -> tuple[int, float]:
    """How many rows see their answer, and the smallest sum of a row."""
    visible = [[_visible(preset, i, j) for j in range(len(rows))] for i in range(len(rows))]
    sums = []
    for row, seen in zip(rows, visible, strict=True):
        top = max(row)
        powers = [math.exp(number - top) for number in row]
        shown = math.fsum(power for power, one in zip(powers, seen, strict=True) if one)
        sums.append(shown / math.fsum(powers) if preset == "after" else 1.0)
    return sum(visible[i][i + 1] for i in range(len(rows) - 1)), min(sums)


def _visible(preset: str, i: int, j: int) -> bool:
    return preset == "none" or (j <= i and (preset != "window" or i - j < WINDOW))


# ------------------------------------------------------------------------------------------------------------ the frame


def _frame(tokens: Sequence[str], names: Sequence[str]) -> str:
    keys = ("title", "preset", "reset", "change", "grid", "reads", "sum", "predicts")
    text = {key: escape(say(f"explorer.mask.{key}")) for key in keys}
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    head = "".join(f'<th scope="col"><span>{escape(token)}</span></th>' for token in tokens)
    return (
        f'<p class="tx-title">{text["title"]}</p><div class="tx-row">'
        f'<label>{text["preset"]} <select data-ref="preset">{options}</select></label>{control(say("explorer.mask.reset"), "reset")}'
        f'<label><input type="checkbox" data-ref="change">{text["change"]}</label></div>'
        '<div data-ref="question"></div><div class="tx-slot"></div>'
        f'<div class="tx-scroll" role="group" aria-label="{text["grid"]}"><table data-ref="grid">'
        f'<thead><tr><th scope="col">{text["reads"]}</th>{head}<th scope="col" aria-label="{text["sum"]}">Σ</th>'
        f'<td></td><th scope="col">{text["predicts"]}</th></tr></thead><tbody data-ref="rows"></tbody></table></div>'
        '<p class="tx-spell" data-ref="spelled"></p><p class="tx-line" data-ref="line"></p>'
        f'<p data-ref="note"></p><p class="tx-quiet">{escape(say("explorer.mask.legend", shift=SHIFT))}</p>'
    )
