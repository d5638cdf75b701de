"""Explorer 4, attention by steps: Q and K decide who is asked, V decides what is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from course_lib.explorers.page import Explorer, control, radios, table, words
from course_lib.language import say

__all__ = ["explore_qkv_steps"]

MOST_TOKENS, MOST_NUMBERS = 6, 5
"""Everything is spelled out, so sizes stay what one can check with a pencil: T tokens, and D, d_k and d_v numbers."""


LEAST_RANGE = 3
"""The learner may set any number of x between −3 and 3, or as far as the largest one given."""


def explore_qkv_steps(tokens: Sequence[str], x: Any, W_Q: Any, W_K: Any, W_V: Any, query: int = -1) -> Explorer:
    """One head of self-attention, one query at a time, in six steps with the arithmetic of every number.

    The learner chooses the query and the step, changes numbers of ``x``, swaps two rows of V and leaves out the
    division by √d_k or softmax. The page computes in double precision what
    :func:`course_lib.attention.scaled_dot_product_attention` computes (a test compares them in every state).

    Args:
        tokens: T tokens, 2 to 6.
        x: (T, D), a tensor, an array or lists; W_Q, W_K: (D, d_k); W_V: (D, d_v); no size above 5.
        query: the token whose query is followed at first, counted as in a list.

    Raises:
        ValueError: if the shapes do not fit or something is too large to be spelled out.
        IndexError: if there is no such token.
    """
    import torch

    from course_lib.attention import scaled_dot_product_attention

    matrices = [torch.as_tensor(matrix, dtype=torch.float64).detach() for matrix in (x, W_Q, W_K, W_V)]
    X, Q, K, V = _checked(len(tokens), *matrices)
    query = range(len(tokens))[query]
    most = max(LEAST_RANGE, float(X.abs().max()))
    output, weights = scaled_dot_product_attention(X @ Q, X @ K, X @ V)
    scores = (X @ Q)[query] @ (X @ K).T
    rows = [
        [token, _vector(key), _number(score), _number(weight), _vector(value)]
        for token, key, score, weight, value in zip(tokens, X @ K, scores, weights[query], X @ V, strict=True)
    ]
    rows.append([say("explorer.qkv.output"), "", "", "", _vector(output[query])])
    text = words("qkv")
    head = [say("explorer.qkv.token"), f"{text['k']} k", f"{text['q·k']} q·k", f"{text['a']} a", f"{text['v']} v"]
    return Explorer(
        "qkv_steps",
        data={
            "answers": say("explorer.qkv.answers").split("|"),
            "frame": _frame(tokens),
            "most": most,
            "query": query,
            "tokens": list(tokens),
            "W": {"q": Q.tolist(), "k": K.tolist(), "v": V.tolist()},
            "words": text,
            "x": X.tolist(),
        },
        label=say("explorer.qkv.label"),
        summary=say(
            "explorer.qkv.summary",
            token=tokens[query],
            weights=", ".join(f"{t} {_number(w)}" for t, w in zip(tokens, weights[query], strict=True)),
            output=_vector(output[query]),
        ),
        static=table(say("explorer.qkv.table", token=tokens[query]), head, rows),
        tokens=tokens,
    )


def _checked(count: int, x: Any, *projections: Any) -> list[Any]:
    shapes = [tuple(matrix.shape) for matrix in (x, *projections)]
    w_q, w_k, w_v = shapes[1:]
    if not (
        all(len(shape) == 2 for shape in shapes)
        and shapes[0][0] == count
        and {w_q[0], w_k[0], w_v[0]} == {shapes[0][1]}
        and w_q == w_k
    ):
        raise ValueError(
            f"{count} tokens need x (T, D), W_Q and W_K (D, d_k) and W_V (D, d_v), not {', '.join(map(str, shapes))}"
        )
    if not 2 <= count <= MOST_TOKENS or max(shapes[0][1], w_k[1], w_v[1]) > MOST_NUMBERS:
        raise ValueError(
            f"{count} tokens with shapes {shapes}: what is spelled out has 2 to {MOST_TOKENS} tokens "
            f"and {MOST_NUMBERS} numbers a row at most"
        )
    return [x, *projections]


def _frame(tokens: Sequence[str]) -> str:
    steps = [
        f"{n}\u2002{name}" for n, name in enumerate(("q k v", "q · k", "/ √d_k", "softmax", "a · v", "Σ"), start=1)
    ]
    count = len(tokens)
    # Each token with the next one; of two tokens there is one pair.
    pairs = [sorted((j, (j + 1) % count)) for j in range(count if count > 2 else 1)]
    swaps = "".join(control(f"{tokens[i]} ⇄ {tokens[j]}", value=f"[{i},{j}]") for i, j in pairs)
    leave = radios(say("explorer.qkv.leave"), [say("explorer.qkv.nothing"), "√d_k", "softmax"], "leave")
    return (
        f'<p class="tx-title">{escape(say("explorer.qkv.title"))}</p>'
        + radios(say("explorer.qkv.query"), tokens, "query")
        + radios(say("explorer.qkv.step"), steps, "step")
        + '<div class="tx-work"><div class="tx-row tx-head"><b data-ref="heading"></b>'
        + control(say("explorer.qkv.next"), "next")
        + '</div><div class="tx-scroll" data-ref="stage"></div><p class="tx-spell" data-ref="spelled"></p></div>'
        + '<div data-ref="question"></div><div class="tx-slot"></div>'
        + f'<div class="tx-row" data-ref="swaps"><span>{escape(say("explorer.qkv.swap"))}</span>{swaps}</div>'
        + f'<div class="tx-row tx-foot">{leave}{control(say("explorer.qkv.reset"), "reset")}</div>'
    )


def _number(value: Any) -> str:
    number = float(value)
    return (f"{number:.0f}" if abs(number - round(number)) < 1e-9 else f"{number:.4f}").replace("-", "−")


def _vector(values: Any) -> str:
    return "(" + ", ".join(_number(value) for value in values) + ")"
