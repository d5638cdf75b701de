"""Explorer 11, generation: a small GPT that writes in the page, with and without a KV cache."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_lib.explorers.page import Explorer, control, table, words
from course_lib.language import say

if TYPE_CHECKING:
    from torch import Tensor

    from course_lib.gpt import GPT

__all__ = ["END", "Step", "explore_generation", "generated", "multiply_adds", "rounded"]

END = "<|endoftext|>"
"""The token that stands before and after every text."""

MOST_PROMPTS = 4

TOP_K = (1, 3, 10, 50)
"""What top-k can be set to."""

LEVELS = 45
"""A rounded weight is its row's scale times an integer from −45 to 45: 91 levels, as many as there are printable ASCII
characters that need no escape in the page. One character is a weight; base64 of 8 bits would take a third more."""

ALPHABET = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"<\\')

FINENESS, LARGEST = 8, 0.25
"""The scales are LARGEST · 2^(−i/FINENESS) with i = 0 … 90, so that a scale is one character too."""

MOST_ROWS = 10
"""Steps in the table that stands in for the page; the weights need the bytes."""

DRAWS = 10_000
"""The uniform numbers of the steps have four decimals."""


class Step(NamedTuple):
    """One step of generation.

    Attributes:
        token: what was drawn.
        p: the probability that it was drawn with.
        u: the uniform number of the step.
        cached, fresh: multiply-adds of the step with the cache and without.
    """

    token: str
    p: float
    u: float
    cached: int
    fresh: int


def explore_generation(
    model: GPT, vocabulary: Sequence[str], prompts: Sequence[str | Sequence[str]], *, seed: int = 0
) -> Explorer:
    """A small GPT writes on: the distribution of the next token, the draw, and what a step costs with and without a cache.

    The page holds the weights of :func:`rounded` and computes in double precision what that model computes: the logits of
    the next token once by feeding the new tokens alone to a KV cache and once by computing the whole text anew. It counts
    the multiply-adds of both (:func:`multiply_adds`) and compares the logits. The learner steps through the text, turns
    the cache off and on, and sets temperature, top-k and top-p (:func:`course_lib.sampling.distribution`); the token is
    the one at which the cumulative probability exceeds the uniform number u of the step
    (:func:`course_lib.sampling.draw`). Each place of a text has its own u, so that going back and forth repeats itself.
    Writing stops after ``<|endoftext|>``, or where the model has no more positions.

    Args:
        model: trained; about 31,000 weights fit in a page.
        vocabulary: the n_vocab tokens, by id; none has a blank; END is one of them.
        prompts: 1 to 4 beginnings, as tokens or as a text with blanks between them. END stands before every text and is
            put there where it is missing.
        seed: of the uniform numbers.

    Raises:
        ValueError: if the vocabulary is not the model's, a prompt is too long or has an unknown token, there are too few or
            too many prompts, a part of the model has no counterpart in the page, or it is too large.
    """
    tokens = _checked(vocabulary, len(model.embedding))
    texts = [_ids(prompt, tokens, model.longest) for prompt in prompts]
    if not 1 <= len(texts) <= MOST_PROMPTS:
        raise ValueError(f"{len(texts)} prompts: the explorer shows 1 to {MOST_PROMPTS}")
    own = rounded(model)
    draws = uniform(model.longest, seed)
    attention, first = own.stack.blocks[0].attention, own.stack.blocks[0].feed_forward
    steps = generated(own, tokens, [tokens[i] for i in texts[0]], seed=seed)
    total = {name: _grouped(sum(getattr(step, name) for step in steps)) for name in ("cached", "fresh")}
    return Explorer(
        "generation",
        data={
            "answers": say("explorer.generation.answers").split("|"),
            "draws": draws,
            "end": tokens.index(END),
            # Unlike a number, a text is not rounded.
            "eps": repr(own.stack.norm.eps),
            "frame": _frame([[tokens[i] for i in text[1:]] for text in texts]),
            "prompts": texts,
            "sizes": [*own.positions.shape[::-1], attention.heads, len(own.stack.blocks), first.d_ff],
            "tokens": " ".join(tokens),
            "top_k": TOP_K,
            "weights": _packed(own),
            "words": words("generation"),
        },
        label=say("explorer.generation.label"),
        summary=say(
            "explorer.generation.summary",
            prompt=_text([tokens[i] for i in texts[0][1:]]),
            text=_text([step.token for step in steps if step.token != END]),
            steps=len(steps),
            **total,
        ),
        static=_static(_text([tokens[i] for i in texts[0][1:]]), steps, total),
        tokens=max(([tokens[i] for i in text] for text in texts), key=len),
    )


# ----------------------------------------------------------------------------------------------------------- the model


def rounded(model: GPT) -> GPT:
    """A copy of the model in float64 with the weights that the page gets: 91 levels, and a scale per row.

    A row is a token's embedding, a position, what leads to one component of a matrix's product (a column of W), or a
    vector (a bias, γ or β). Rounding what is rounded changes nothing.

    Raises:
        ValueError: if a part of the model has no counterpart in the page, or a weight is too large.
    """
    import torch

    own = copy.deepcopy(model).double()
    with torch.no_grad():
        for rows in _rows(own):
            scales, levels = _levels(rows)
            rows.copy_(torch.from_numpy(levels * _scale(scales)[:, None]))
    return own


def multiply_adds(model: GPT, past: int, new: int) -> int:
    """Multiply-adds of the products of matrices that give the logits of the next token, for ``new`` tokens after ``past``.

    Counted are, for each new token and block, 4D² for the queries, keys, values and W_O, 2·D·d_ff for the feed-forward
    layer, and for each token that it looks at 2D: D for the scores and D for the weighted sum; then n_vocab · D for the
    read-out, which only the last token needs. What the causal mask hides is neither computed nor counted.

    Args:
        model: gives the sizes.
        past: tokens in the cache; 0 without a cache.
        new: tokens after them; all of the text without a cache.
    """
    (n_vocab, d), d_ff = model.embedding.shape, model.stack.blocks[0].feed_forward.d_ff
    looks = sum(range(past + 1, past + new + 1))
    return len(model.stack.blocks) * (new * (4 * d * d + 2 * d * d_ff) + 2 * d * looks) + n_vocab * d


def generated(
    model: GPT,
    vocabulary: Sequence[str],
    prompt: str | Sequence[str],
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> list[Step]:
    """What the explorer writes after a prompt, step by step, up to ``<|endoftext|>`` or the last position.

    The page uses the rounded weights: give ``rounded(model)`` to see its steps.

    Args:
        model, vocabulary, prompt, seed: as for :func:`explore_generation`.
        temperature, top_k, top_p: see :func:`course_lib.sampling.distribution`.
    """
    import torch

    from course_lib.sampling import distribution, draw

    tokens = _checked(vocabulary, len(model.embedding))
    text, steps = _ids(prompt, tokens, model.longest), []
    draws, cache, new = uniform(model.longest, seed), model.start(), list(text)
    while True:
        with torch.no_grad():
            p = distribution(model.step(torch.tensor([new]), cache)[0, -1], temperature, top_k, top_p)
        u = draws[len(text) - 1]
        i = int(draw(p, u))
        costs = (multiply_adds(model, len(text) - len(new), len(new)), multiply_adds(model, 0, len(text)))
        steps.append(Step(tokens[i], float(p[i]), u, *costs))
        if tokens[i] == END or len(text) == model.longest:
            return steps
        text, new = [*text, i], [i]


def uniform(count: int, seed: int) -> list[float]:
    """Uniform numbers in [0, 1) of four decimals, one for each length of a text."""
    return (np.random.default_rng(seed).integers(DRAWS, size=count) / DRAWS).tolist()


def _rows(model: GPT) -> list[Tensor]:
    """The weights as matrices (rows, size) in the order in which the page reads them, views of the parameters."""
    for block in model.stack.blocks:
        if block.feed_forward.activation != "gelu_tanh":
            raise ValueError(f"the page computes GELU by tanh, not {block.feed_forward.activation}")
        if block.attention.kv_heads != block.attention.heads:
            raise ValueError("in the page every head has its own keys and values")
    layers: list[tuple[Tensor | None, ...]] = [(model.embedding,), (model.positions,)]
    for block in model.stack.blocks:
        attention, wide = block.attention, block.feed_forward
        layers.append((block.norm_1.gamma, block.norm_1.beta))
        layers += [(getattr(attention, f"W_{name}"), getattr(attention, f"b_{name}")) for name in "QKVO"]
        layers += [(block.norm_2.gamma, block.norm_2.beta), (wide.W_1, wide.b_1), (wide.W_2, wide.b_2)]
    layers.append((model.stack.norm.gamma, model.stack.norm.beta))
    if any(part is None for layer in layers for part in layer):
        raise ValueError("in the page linear layers and LayerNorm have biases")
    # Embeddings and positions are rows already; of a matrix the columns are, and a vector is one row.
    return [
        part.detach() if len(layer) == 1 else part.detach().T if part.dim() == 2 else part.detach()[None]
        for layer in layers
        for part in layer
    ]


def _levels(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's scale (rows,), the finest that reaches its largest weight, and the levels (rows, size)."""
    values = rows.double().numpy()
    largest = np.abs(values).max(1)
    if not largest.max() < (LEVELS + 0.5) * LARGEST:  # NaN fails the comparison
        raise ValueError(f"a weight of {largest.max():.3g} has no place in the page")
    finest = len(ALPHABET) - 1
    steps = np.log2((LEVELS + 0.5) * LARGEST / np.maximum(largest, 1e-9))
    scales = np.minimum(np.floor(FINENESS * steps), finest).astype(int)
    levels = np.clip(np.rint(values / _scale(scales)[:, None]), -LEVELS, LEVELS)
    return scales, levels


def _scale(number: np.ndarray) -> np.ndarray:
    return LARGEST * 2.0 ** (-number / FINENESS)


def _packed(model: GPT) -> str:
    """Row by row, a character for the scale and one for each weight."""
    text = []
    for rows in _rows(model):
        scales, levels = _levels(rows)
        numbers = np.concatenate([scales[:, None], levels.astype(int) + LEVELS], axis=1)
        text += [ALPHABET[number] for number in numbers.flatten().tolist()]
    return "".join(text)


# ----------------------------------------------------------------------------------------------------- what is checked


def _checked(vocabulary: Sequence[str], size: int) -> list[str]:
    tokens = list(vocabulary)
    if len(tokens) != size or len(set(tokens)) != size:
        raise ValueError(f"the model knows {size} tokens, the vocabulary has {len(set(tokens))} different ones")
    if any(len(token.split()) != 1 for token in tokens):
        raise ValueError("a token of the vocabulary is empty or has a blank")
    if END not in tokens:
        raise ValueError(f"the vocabulary lacks {END}, which ends a text")
    return tokens


def _ids(prompt: str | Sequence[str], tokens: Sequence[str], longest: int) -> list[int]:
    """The prompt as ids, END first."""
    read = prompt.split() if isinstance(prompt, str) else list(prompt)
    unknown = [token for token in read if token not in tokens]
    if unknown:
        raise ValueError(f"the model does not know {', '.join(map(repr, unknown))}")
    text = [tokens.index(token) for token in (read if read[:1] == [END] else [END, *read])]
    if len(text) >= longest:
        raise ValueError(f"a prompt of {len(text)} tokens leaves no room: the model has {longest} positions")
    return text


# ------------------------------------------------------------------------------------------------------------ the page


def _text(tokens: Sequence[str]) -> str:
    return " ".join(tokens).replace(" .", ".")


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", say("explorer.generation.ui.group"))


def _frame(prompts: Sequence[Sequence[str]]) -> str:
    def text(key: str) -> str:
        return escape(say(f"explorer.generation.{key}"))

    def slider(key: str, ref: str, largest: float, step: float, least: float) -> str:
        scale = f'min="{least}" max="{largest}" step="{step}" value="1"'
        return f'<label>{text(key)} <input type="range" data-ref="{ref}" {scale}><b></b></label>'

    def heads(*keys: str) -> str:
        return "<tr>" + "".join(f'<th scope="col">{text(key)}</th>' for key in keys) + "</tr>"

    nothing = text("nothing")
    options = "".join(f"<option>{escape(_text(prompt)) or nothing}</option>" for prompt in prompts)
    limits = "".join(f"<option>{limit}</option>" for limit in (text("unlimited"), *TOP_K))
    buttons = "".join(control(say(f"explorer.generation.{key}"), key) for key in ("back", "next", "restart"))
    return (
        f'<p class="tx-title">{text("title")}</p>'
        f'<div class="tx-row"><label>{text("prompt")} <select data-ref="prompt">{options}</select></label></div>'
        f'<div class="tx-row">{buttons}'
        f'<label><input type="checkbox" data-ref="cache">{text("cache")}</label></div>'
        f'<div class="tx-row">{slider("temperature", "temperature", 2, 0.1, 0)}'
        f'<label>{text("top_k")} <select data-ref="k">{limits}</select></label>{slider("top_p", "p", 1, 0.05, 0.05)}</div>'
        '<p class="tx-text" data-ref="text"></p>'
        '<div data-ref="question"></div><div class="tx-slot"></div>'
        f'<table class="tx-next"><caption>{text("distribution")}</caption>'
        f'<thead>{heads("token", "probability", "drawn")}</thead><tbody data-ref="bars"></tbody></table>'
        '<p class="tx-spell" data-ref="draw"></p><div class="tx-strip" data-ref="strip" aria-hidden="true"></div>'
        f'<table class="tx-cost"><caption>{text("costs")}</caption>'
        f'<thead>{heads("way", "this_step", "so_far")}</thead><tbody data-ref="cost"></tbody></table>'
        f'<p class="tx-spell" data-ref="difference"></p><p class="tx-quiet">{text("legend")}</p>'
    )


def _static(prompt: str, steps: Sequence[Step], total: dict[str, str]) -> str:
    heads = ("written", "p", "u", "with", "without")
    rows = [
        [step.token, f"{step.p:.2f}", f"{step.u:.4f}", _grouped(step.cached), _grouped(step.fresh)]
        for step in steps[:MOST_ROWS]
    ]
    return table(
        say("explorer.generation.table", prompt=prompt),
        [say(f"explorer.generation.{key}") for key in heads],
        [*rows, [say("explorer.generation.all", steps=len(steps)), "", "", total["cached"], total["fresh"]]],
    )
