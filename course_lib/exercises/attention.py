"""Checkers of lesson 03. Sizes are chosen unequal everywhere, so that a mix-up of axes shows as a shape or a value."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say


def _is_tensor(answer: object) -> bool:
    return isinstance(answer, Tensor)


# ---------------------------------------------------------------- 1


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, key, value)[0]


@checker("scaled-dot-product", reference=_attention)
def _(attention) -> Verdicts:
    name = "scaled-dot-product"
    query, key, value = random(2, 4), random(3, 4, seed=4), random(3, 5, seed=5)
    out = attention(query, key, value)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), _is_tensor(out)
    yield hint(name, "weights"), tuple(out.shape) != (2, 3)
    yield hint(name, "shape", shape=tuple(out.shape)), tuple(out.shape) == (2, 5)
    # With equal values every proper set of weights returns that value: this isolates the softmax from the scores.
    constant = torch.ones(3, 5, dtype=torch.float64)
    yield hint(name, "axis"), close(attention(query, key, constant), torch.ones(2, 5, dtype=torch.float64))
    scores, right = query @ key.T, _attention(query, key, value)
    yield hint(name, "no-scale"), not close(out, scores.softmax(-1) @ value)
    yield hint(name, "scale-d"), not close(out, (scores / 4).softmax(-1) @ value)
    yield hint(name, "scale-v"), not close(out, (scores / math.sqrt(5)).softmax(-1) @ value)
    yield hint(name, "scale-after"), not close(out, scores.softmax(-1) / 2 @ value)
    yield hint(name, "value"), close(out, right)
    one = attention(query[:1], key[:1], value[:1])
    yield hint(name, "one-token"), close(one, value[:1])
    large = attention(1e5 * query, key, value)
    yield hint(name, "overflow"), _is_tensor(large) and bool(large.isfinite().all())


# ---------------------------------------------------------------- 2


def _causal_weights(scores: Tensor) -> Tensor:
    return scores.masked_fill(~causal_mask(len(scores)), -math.inf).softmax(-1)


@checker("causal-mask", reference=_causal_weights)
def _(causal_weights) -> Verdicts:
    name = "causal-mask"
    scores = random(4, 4)
    given = scores.clone()
    weights = causal_weights(given)
    yield say("exercise.returned-none"), weights is not None
    yield hint(name, "shape"), _is_tensor(weights) and weights.shape == scores.shape
    yield hint(name, "nan"), bool(weights.isfinite().all())
    future, past = weights.triu(1).abs().max(), weights.tril(-1).abs().max()
    yield hint(name, "wrong-side"), not (past < 1e-12 and future > 1e-3)
    yield hint(name, "future"), bool(future < 1e-12)
    yield hint(name, "self"), bool((weights.diagonal() > 1e-6).all())
    yield hint(name, "after-softmax"), not close(weights, scores.softmax(-1).tril())
    yield hint(name, "rows"), close(weights.sum(-1), torch.ones(4, dtype=torch.float64))
    yield hint(name, "value"), close(weights, _causal_weights(scores))
    yield hint(name, "changed"), torch.equal(given, scores)
    # A stand-in for −∞ has to lose against every visible score, so against −10 000 too.
    low = torch.tensor([[-1e4, 0.0], [0.0, 0.0]], dtype=torch.float64)
    of_low = causal_weights(low)
    yield hint(name, "underflow"), bool(of_low.isfinite().all())
    yield hint(name, "small-infinity"), bool(of_low[0, 1] < 1e-12)


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
        yield hint(name, "numbers"), False
        return
    scores = _Q[_STREET] @ _K.T
    weights = (scores / 2).softmax(-1)

    def is_(candidate: Tensor, tolerance: float = 0.006) -> bool:
        return z.shape == candidate.shape and bool((z - candidate).abs().max() < tolerance)

    right = weights @ _V
    yield hint(name, "size", size=len(z)), len(z) in (2, 3)
    yield hint(name, "vectors"), len(z) != 2
    yield hint(name, "weights"), not is_(weights)
    yield hint(name, "scores"), not (is_(scores) or is_(scores / 2))
    yield hint(name, "no-scale"), not is_(scores.softmax(-1) @ _V)
    yield hint(name, "scale-d"), not is_((scores / 4).softmax(-1) @ _V)
    yield hint(name, "other-token"), not any(is_(row) for i, row in enumerate(_attention(_Q, _K, _V)) if i != _STREET)
    yield hint(name, "no-softmax"), not (is_(scores @ _V) or is_(scores / 2 @ _V))
    yield hint(name, "average"), not is_(_V.mean(0))
    yield hint(name, "value"), is_(right, tolerance=0.03)  # weights rounded to two decimals are forgiven


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
    yield hint(name, "two"), isinstance(answer, tuple | list) and len(answer) == 2
    projections, mixing = answer
    yield hint(name, "order"), (mixing, projections) != _cost(*sizes)
    yield hint(name, "one-projection"), projections not in (T * D * d_k, T * D * d_v)
    yield hint(name, "two-projections"), projections != T * D * 2 * d_k
    yield hint(name, "equal-sizes"), projections != 3 * T * D * d_k
    yield hint(name, "quadratic-projections"), projections != T * T * (2 * d_k + d_v)
    yield hint(name, "projections"), projections == T * D * (2 * d_k + d_v)
    yield hint(name, "linear-mixing"), mixing != T * (d_k + d_v)
    yield hint(name, "scores-only"), mixing not in (T * T * d_k, T * T * d_v)
    yield hint(name, "no-depth"), mixing not in (T * T, 2 * T * T)
    yield hint(name, "d-model"), mixing != 2 * T * T * D
    yield hint(name, "mixing"), mixing == T * T * (d_k + d_v)
    yield hint(name, "value"), all(tuple(cost(*s)) == _cost(*s) for s in ((1, 1, 1, 1), (11, 13, 17, 19)))


# ---------------------------------------------------------------- 5


def _mended(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, mask: Tensor) -> Tensor:
    return scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V, mask)[0]


@checker("bug-hunt", reference=_mended)
def _(head) -> Verdicts:
    name = "bug-hunt"
    T, D, d_k, d_v = 4, 9, 4, 3
    x, W_Q, W_K, W_V = random(T, D), random(D, d_k, seed=4), random(D, d_k, seed=5), random(D, d_v, seed=6)
    everything = torch.ones(T, T, dtype=torch.bool)

    out = head(x, W_Q, W_K, W_V, everything)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "shape"), _is_tensor(out) and tuple(out.shape) == (T, d_v)
    # All tokens alike: every softmax over the keys returns that one value, whatever the scores and their scale.
    alike = x[:1].expand(T, D)
    yield hint(name, "values"), not close(head(alike, W_Q, W_K, W_V, everything), alike @ W_K[:, :d_v])
    # Zero queries give equal scores: the mean of the values, with either axis, so a failure here is not the scale.
    zero = torch.zeros_like(W_Q)
    yield hint(name, "mean"), close(head(x, zero, W_K, W_V, everything), (x @ W_V).mean(0).expand(T, d_v))
    # A constant value column comes back unchanged only if each query's weights sum to 1.
    ones = torch.cat([x[:, :1] * 0 + 1, x[:, 1:]], dim=-1)
    constant = torch.zeros_like(W_V)
    constant[0] = 1
    summed = head(ones, W_Q, W_K, constant, everything)
    yield hint(name, "axis"), close(summed, torch.ones_like(summed))
    yield hint(name, "scale-model"), not close(out, ((x @ W_Q) @ (x @ W_K).T / math.sqrt(D)).softmax(-1) @ (x @ W_V))
    yield hint(name, "no-scale"), not close(out, ((x @ W_Q) @ (x @ W_K).T).softmax(-1) @ (x @ W_V))
    yield hint(name, "unmasked"), close(out, _mended(x, W_Q, W_K, W_V, everything))
    mask = causal_mask(T)
    masked = head(x, W_Q, W_K, W_V, mask)
    yield hint(name, "mask-ignored"), not close(masked, out)
    leak = head(ones, W_Q, W_K, constant, mask)
    yield hint(name, "mask-after"), close(leak, torch.ones_like(leak))
    yield hint(name, "masked"), close(masked, _mended(x, W_Q, W_K, W_V, mask))
