"""Checkers of lesson 03. Sizes are chosen unequal everywhere, so that a mix-up of axes shows as a shape or a value."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.language import say

Verdicts = Iterator[tuple[str, bool]]


def _hint(exercise: str, mistake: str, **values: object) -> str:
    return say(f"exercise.{exercise}.{mistake}", **values)


def _random(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _close(answer: Tensor, expected: Tensor) -> bool:
    return answer.shape == expected.shape and torch.allclose(answer, expected, atol=1e-8, rtol=0)


def _is_tensor(answer: object) -> bool:
    return isinstance(answer, Tensor)


# ---------------------------------------------------------------- 1


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, key, value)[0]


@checker("scaled-dot-product", reference=_attention)
def _(attention) -> Verdicts:
    name = "scaled-dot-product"
    query, key, value = _random(2, 4), _random(3, 4, seed=4), _random(3, 5, seed=5)
    out = attention(query, key, value)
    yield say("exercise.returned-none"), out is not None
    yield _hint(name, "tensor", kind=type(out).__name__), _is_tensor(out)
    yield _hint(name, "weights"), tuple(out.shape) != (2, 3)
    yield _hint(name, "shape", shape=tuple(out.shape)), tuple(out.shape) == (2, 5)
    # With equal values every proper set of weights returns that value: this isolates the softmax from the scores.
    constant = torch.ones(3, 5, dtype=torch.float64)
    yield _hint(name, "axis"), _close(attention(query, key, constant), torch.ones(2, 5, dtype=torch.float64))
    scores, right = query @ key.T, _attention(query, key, value)
    yield _hint(name, "no-scale"), not _close(out, scores.softmax(-1) @ value)
    yield _hint(name, "scale-d"), not _close(out, (scores / 4).softmax(-1) @ value)
    yield _hint(name, "scale-v"), not _close(out, (scores / math.sqrt(5)).softmax(-1) @ value)
    yield _hint(name, "scale-after"), not _close(out, scores.softmax(-1) / 2 @ value)
    yield _hint(name, "value"), _close(out, right)
    one = attention(query[:1], key[:1], value[:1])
    yield _hint(name, "one-token"), _close(one, value[:1])
    large = attention(1e5 * query, key, value)
    yield _hint(name, "overflow"), _is_tensor(large) and bool(large.isfinite().all())


# ---------------------------------------------------------------- 2


def _causal_weights(scores: Tensor) -> Tensor:
    return scores.masked_fill(~causal_mask(len(scores)), -math.inf).softmax(-1)


@checker("causal-mask", reference=_causal_weights)
def _(causal_weights) -> Verdicts:
    name = "causal-mask"
    scores = _random(4, 4)
    given = scores.clone()
    weights = causal_weights(given)
    yield say("exercise.returned-none"), weights is not None
    yield _hint(name, "shape"), _is_tensor(weights) and weights.shape == scores.shape
    yield _hint(name, "nan"), bool(weights.isfinite().all())
    future, past = weights.triu(1).abs().max(), weights.tril(-1).abs().max()
    yield _hint(name, "wrong-side"), not (past < 1e-12 and future > 1e-3)
    yield _hint(name, "future"), bool(future < 1e-12)
    yield _hint(name, "self"), bool((weights.diagonal() > 1e-6).all())
    yield _hint(name, "after-softmax"), not _close(weights, scores.softmax(-1).tril())
    yield _hint(name, "rows"), _close(weights.sum(-1), torch.ones(4, dtype=torch.float64))
    yield _hint(name, "value"), _close(weights, _causal_weights(scores))
    yield _hint(name, "changed"), torch.equal(given, scores)
    # A stand-in for −∞ has to lose against every visible score, so against −10 000 too.
    low = torch.tensor([[-1e4, 0.0], [0.0, 0.0]], dtype=torch.float64)
    of_low = causal_weights(low)
    yield _hint(name, "underflow"), bool(of_low.isfinite().all())
    yield _hint(name, "small-infinity"), bool(of_low[0, 1] < 1e-12)


# ---------------------------------------------------------------- 3

_X = torch.tensor([[1.0, 0], [0, 1], [1, 1]], dtype=torch.float64)
_W_Q = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.float64)
_W_K = torch.tensor([[2.0, 1, 1, 0], [-1, 0, 0, -1]], dtype=torch.float64)
_W_V = torch.tensor([[1.0, 0, 2], [0, 3, 1]], dtype=torch.float64)
_Q, _K, _V = _X @ _W_Q, _X @ _W_K, _X @ _W_V
_STREET = 1


@checker("one-token", reference=_attention(_Q, _K, _V)[_STREET].tolist())
def _(answer) -> Verdicts:
    name = "one-token"
    try:
        z = torch.as_tensor(answer, dtype=torch.float64).flatten()
    except (TypeError, ValueError, RuntimeError):
        yield _hint(name, "numbers"), False
        return
    scores = _Q[_STREET] @ _K.T
    weights = (scores / 2).softmax(-1)

    def is_(candidate: Tensor, tolerance: float = 0.006) -> bool:
        return z.shape == candidate.shape and bool((z - candidate).abs().max() < tolerance)

    right = weights @ _V
    yield _hint(name, "size", size=len(z)), len(z) in (2, 3)
    yield _hint(name, "vectors"), len(z) != 2
    yield _hint(name, "weights"), not is_(weights)
    yield _hint(name, "scores"), not (is_(scores) or is_(scores / 2))
    yield _hint(name, "no-scale"), not is_(scores.softmax(-1) @ _V)
    yield _hint(name, "scale-d"), not is_((scores / 4).softmax(-1) @ _V)
    yield _hint(name, "other-token"), not any(is_(row) for i, row in enumerate(_attention(_Q, _K, _V)) if i != _STREET)
    yield _hint(name, "no-softmax"), not (is_(scores @ _V) or is_(scores / 2 @ _V))
    yield _hint(name, "average"), not is_(_V.mean(0))
    yield _hint(name, "value"), is_(right, tolerance=0.03)  # weights rounded to two decimals are forgiven


# ---------------------------------------------------------------- 4


def _cost(T: int, D: int, d_k: int, d_v: int) -> tuple[int, int]:
    return T * D * (2 * d_k + d_v), T * T * (d_k + d_v)


@checker("complexity", reference=_cost)
def _(cost) -> Verdicts:
    name = "complexity"
    sizes = (7, 5, 3, 2)
    T, D, d_k, d_v = sizes
    answer = cost(*sizes)
    yield say("exercise.returned-none"), answer is not None
    yield _hint(name, "two"), isinstance(answer, tuple | list) and len(answer) == 2
    projections, mixing = answer
    yield _hint(name, "order"), (mixing, projections) != _cost(*sizes)
    yield _hint(name, "one-projection"), projections not in (T * D * d_k, T * D * d_v)
    yield _hint(name, "two-projections"), projections != T * D * 2 * d_k
    yield _hint(name, "equal-sizes"), projections != 3 * T * D * d_k
    yield _hint(name, "quadratic-projections"), projections != T * T * (2 * d_k + d_v)
    yield _hint(name, "projections"), projections == T * D * (2 * d_k + d_v)
    yield _hint(name, "linear-mixing"), mixing != T * (d_k + d_v)
    yield _hint(name, "scores-only"), mixing not in (T * T * d_k, T * T * d_v)
    yield _hint(name, "no-depth"), mixing not in (T * T, 2 * T * T)
    yield _hint(name, "d-model"), mixing != 2 * T * T * D
    yield _hint(name, "mixing"), mixing == T * T * (d_k + d_v)
    yield _hint(name, "value"), all(tuple(cost(*s)) == _cost(*s) for s in ((1, 1, 1, 1), (11, 13, 17, 19)))


# ---------------------------------------------------------------- 5


def _mended(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, mask: Tensor) -> Tensor:
    return scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V, mask)[0]


@checker("bug-hunt", reference=_mended)
def _(head) -> Verdicts:
    name = "bug-hunt"
    T, D, d_k, d_v = 4, 9, 4, 3
    x, W_Q, W_K, W_V = _random(T, D), _random(D, d_k, seed=4), _random(D, d_k, seed=5), _random(D, d_v, seed=6)
    everything = torch.ones(T, T, dtype=torch.bool)

    out = head(x, W_Q, W_K, W_V, everything)
    yield say("exercise.returned-none"), out is not None
    yield _hint(name, "shape"), _is_tensor(out) and tuple(out.shape) == (T, d_v)
    # All tokens alike: every softmax over the keys returns that one value, whatever the scores and their scale.
    alike = x[:1].expand(T, D)
    yield _hint(name, "values"), not _close(head(alike, W_Q, W_K, W_V, everything), alike @ W_K[:, :d_v])
    # Zero queries give equal scores: the mean of the values, with either axis, so a failure here is not the scale.
    zero = torch.zeros_like(W_Q)
    yield _hint(name, "mean"), _close(head(x, zero, W_K, W_V, everything), (x @ W_V).mean(0).expand(T, d_v))
    # A constant value column comes back unchanged only if each query's weights sum to 1.
    ones = torch.cat([x[:, :1] * 0 + 1, x[:, 1:]], dim=-1)
    constant = torch.zeros_like(W_V)
    constant[0] = 1
    summed = head(ones, W_Q, W_K, constant, everything)
    yield _hint(name, "axis"), _close(summed, torch.ones_like(summed))
    yield _hint(name, "scale-model"), not _close(out, ((x @ W_Q) @ (x @ W_K).T / math.sqrt(D)).softmax(-1) @ (x @ W_V))
    yield _hint(name, "no-scale"), not _close(out, ((x @ W_Q) @ (x @ W_K).T).softmax(-1) @ (x @ W_V))
    yield _hint(name, "unmasked"), _close(out, _mended(x, W_Q, W_K, W_V, everything))
    mask = causal_mask(T)
    masked = head(x, W_Q, W_K, W_V, mask)
    yield _hint(name, "mask-ignored"), not _close(masked, out)
    leak = head(ones, W_Q, W_K, constant, mask)
    yield _hint(name, "mask-after"), _close(leak, torch.ones_like(leak))
    yield _hint(name, "masked"), _close(masked, _mended(x, W_Q, W_K, W_V, mask))
