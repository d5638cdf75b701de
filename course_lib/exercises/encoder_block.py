"""Checkers of lesson 06. All sizes differ where a mix-up of axes would be hidden by equal ones; ε is large where it counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from numbers import Integral, Real

import torch
from torch import Tensor

from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.feed_forward import gelu, gelu_tanh, silu
from course_lib.language import say
from course_lib.model_weights import MODELS, attention_weights, feed_forward_weights
from course_lib.normalisation import EPS, layer_norm

# ---------------------------------------------------------------- 1


def _layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    return layer_norm(x, gamma, beta, eps)


def _wrong_norms(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> list[tuple[str, Tensor]]:
    """What comes of x (B, T, D) after one slip, and the name of the slip."""

    def over(axes: tuple[int, ...], *, unbiased: bool = False, outside: bool = False) -> Tensor:
        centred = x - x.mean(axes, keepdim=True)
        count = math.prod(x.shape[axis] for axis in axes)
        variance = centred.square().sum(axes, keepdim=True) / (count - 1 if unbiased else count)
        return gamma * centred / (variance.sqrt() + eps if outside else (variance + eps).sqrt()) + beta

    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    square = x.square().mean(-1, keepdim=True)
    deviation = (variance + eps).sqrt()
    z = centred / deviation
    axes = {"over-tokens": (1,), "over-batch": (0,), "batch-norm": (0, 1), "over-text": (1, 2), "over-all": (0, 1, 2)}
    return [
        # A slip of the axis may come with one of the two common slips of the divisor: the axis is mended first.
        *(
            (name, over(which, unbiased=unbiased, outside=outside))
            for name, which in axes.items()
            for unbiased, outside in product((False, True), repeat=2)
        ),
        ("plain", z),
        ("no-gamma", z + beta),
        ("no-beta", gamma * z),
        ("beta-scaled", gamma * (z + beta)),
        ("gamma-divides", z / gamma + beta),
        ("gamma-first", layer_norm(gamma * x, None, beta, eps)),
        ("gamma-first", layer_norm(gamma * x + beta, None, None, eps)),
        ("swapped", beta * z + gamma),
        ("one-more", (1 + gamma) * z + beta),
        ("not-centred", gamma * x / deviation + beta),
        ("not-centred", gamma * x / (square + eps).sqrt() + beta),
        ("not-centred", gamma * x / (square + eps).sqrt()),
        ("raw-square", gamma * centred / (square + eps).sqrt() + beta),
        ("only-centred", gamma * centred + beta),
        ("no-root", gamma * centred / (variance + eps) + beta),
        ("no-eps", gamma * centred / variance.sqrt() + beta),
        ("no-eps", layer_norm(x, gamma, beta, EPS)),
        ("unbiased", over((-1,), unbiased=True)),
        ("unbiased", over((-1,), unbiased=True, outside=True)),
        ("eps-outside", over((-1,), outside=True)),
    ]


@checker("layer-norm", reference=_layer_norm)
def _(norm) -> Verdicts:
    name = "layer-norm"
    B, T, D, eps = 2, 3, 5, 0.3

    def inputs(B: int, T: int, D: int) -> tuple[Tensor, Tensor, Tensor]:
        return 1 + 2 * random(B, T, D), random(D, seed=4), random(D, seed=5)

    given = x, gamma, beta = inputs(B, T, D)
    copies = [tensor.clone() for tensor in given]
    out, right = norm(*copies, eps), layer_norm(*given, eps)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "shape", shape=tuple(out.shape), expected=(B, T, D)), tuple(out.shape) == (B, T, D)
    for mistake, wrong in _wrong_norms(x, gamma, beta, eps):
        yield hint(name, mistake), not close(out, wrong, 1e-4)
    # Any other slip: first what is left when γ, β and ε are as good as absent.
    token = norm(x.clone(), torch.ones_like(gamma), torch.zeros_like(beta), 1e-9)[0, 0].double()
    yield hint(name, "mean", mean=f"{token.mean():.2f}"), abs(token.mean()) < 1e-4
    variance = token.square().mean()
    yield hint(name, "variance", variance=f"{variance:.2f}"), abs(variance - 1) < 1e-4
    yield hint(name, "gamma-beta"), close(norm(x.clone(), gamma, beta, 1e-9), layer_norm(x, gamma, beta, 1e-9), 1e-4)
    yield hint(name, "eps"), close(out, right, 1e-4)
    yield hint(name, "changed"), all(torch.equal(copy, tensor) for copy, tensor in zip(copies, given, strict=True))
    yield hint(name, "precision"), close(out, right, 1e-10)
    far = x + 1e6
    yield hint(name, "cancelled"), close(norm(far.clone(), gamma, beta, eps), layer_norm(far, gamma, beta, eps), 1e-6)
    for B, T, D in ((1, 1, 4), (4, 4, 4), (3, 2, 1), (1, 6, 9)):
        other = inputs(B, T, D)
        right = layer_norm(*other, EPS)
        yield hint(name, "other-sizes", B=B, T=T, D=D), close(norm(*(each.clone() for each in other), EPS), right)


# ---------------------------------------------------------------- 2


def _swiglu(x: Tensor, W_1: Tensor, W_3: Tensor, W_2: Tensor) -> Tensor:
    return silu(x @ W_1) * (x @ W_3) @ W_2


def _wrong_gates(x: Tensor, W_1: Tensor, W_3: Tensor, W_2: Tensor) -> list[tuple[str, Tensor]]:
    """What comes of x (T, D) after one slip, and the name of the slip."""
    gate, passed = x @ W_1, x @ W_3
    return [
        ("sigmoid", gate.sigmoid() * passed @ W_2),
        ("sigmoid", gate * passed.sigmoid() @ W_2),
        ("swapped", gate * silu(passed) @ W_2),
        ("both", silu(gate) * silu(passed) @ W_2),
        ("sum", (silu(gate) + passed) @ W_2),
        ("of-product", silu(gate * passed) @ W_2),
        ("of-product", gate * passed * (gate * passed).sigmoid() @ W_2),
        ("relu", gate.relu() * passed @ W_2),
        *(("gelu", other(gate) * passed @ W_2) for other in (gelu, gelu_tanh)),
        ("tanh", gate.tanh() * passed @ W_2),
        ("tanh", gate * gate.tanh() * passed @ W_2),
        ("softmax", gate.softmax(-1) * passed @ W_2),
        ("sign", gate * (-gate).sigmoid() * passed @ W_2),
        ("afterwards", silu(gate * passed @ W_2)),
        ("no-gate", gate * passed @ W_2),
        ("one-path", silu(gate) @ W_2),
        ("one-path", silu(passed) @ W_2),
        ("one-path", passed @ W_2),
        ("same-path", silu(gate) * gate @ W_2),
        ("of-x", (silu(x) @ W_1) * passed @ W_2),
    ]


@checker("swiglu", reference=_swiglu)
def _(swiglu) -> Verdicts:
    name = "swiglu"
    T, D, d_ff = 3, 4, 7

    def inputs(T: int, D: int, d_ff: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return random(T, D), random(D, d_ff, seed=4), random(D, d_ff, seed=5), random(d_ff, D, seed=6)

    given = x, W_1, W_3, W_2 = inputs(T, D, d_ff)
    copies = [tensor.clone() for tensor in given]
    out, right = swiglu(*copies), _swiglu(*given)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "no-way-back"), shape != (T, d_ff)
    yield hint(name, "shape", shape=shape, expected=(T, D)), shape == (T, D)
    for mistake, wrong in _wrong_gates(*given):
        yield hint(name, mistake), not close(out, wrong, 1e-4)
    # Any other slip, by what must hold for each part.

    def ask(*given: Tensor) -> Tensor:
        return swiglu(*(each.clone() for each in given))

    other = x.clone()
    other[1] = random(D, seed=9)
    yield hint(name, "mixes"), close(ask(other, W_1, W_3, W_2)[[0, 2]], out[[0, 2]], 1e-4)
    yield hint(name, "closed"), close(ask(x, torch.zeros_like(W_1), W_3, W_2), torch.zeros_like(x), 1e-4)
    for part, doubled in (("W_3", (x, W_1, 2 * W_3, W_2)), ("W_2", (x, W_1, W_3, 2 * W_2))):
        yield hint(name, "not-linear", part=part), close(ask(*doubled), 2 * out, 1e-4)
    one = torch.ones(1, 1, dtype=torch.float64)
    for z in (-1.0, 2.0):
        let_through = float(ask(one, z * one, one, one))
        expected = float(silu(torch.tensor(z, dtype=torch.float64)))
        numbers = {"z": f"{z:g}", "gate": f"{let_through:.2f}", "expected": f"{expected:.2f}"}
        yield hint(name, "gate", **numbers), abs(let_through - expected) < 1e-4
    yield hint(name, "value"), close(out, right, 1e-4)
    yield hint(name, "changed"), all(torch.equal(copy, tensor) for copy, tensor in zip(copies, given, strict=True))
    yield hint(name, "precision"), close(out, right, 1e-10)
    yield hint(name, "overflow"), bool(ask(1e4 * x, W_1, W_3, W_2).isfinite().all())
    for T, D, d_ff in ((1, 5, 3), (6, 2, 1), (4, 4, 4)):
        other = inputs(T, D, d_ff)
        yield hint(name, "other-sizes", T=T, D=D, d_ff=d_ff), close(ask(*other), _swiglu(*other))


# ---------------------------------------------------------------- 3

_ROUGH = 1e-5  # a bias made in float32 is none of the mistakes


def _plant(
    W_1: Tensor, b_1: Tensor, W_2: Tensor, key: Tensor, value: Tensor, limit: float
) -> tuple[Tensor, Tensor, Tensor]:
    scale = 1 / (1 - limit)
    bias = b_1.new_tensor([-limit * scale])
    return torch.cat([W_1, scale * key[:, None]], dim=1), torch.cat([b_1, bias]), torch.cat([W_2, value[None]])


def _soil(D: int, d_ff: int, limit: float) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, float]:
    """What plant is given: a layer with random weights, a key of length 1, a value."""
    key = random(D, seed=7)
    return (
        random(D, d_ff, seed=4), random(d_ff, seed=5), random(d_ff, D, seed=6), key / key.norm(), random(D, seed=8), limit,
    )  # fmt: skip


def _around(key: Tensor, dot: float, towards: Tensor) -> Tensor:
    """(n, D): vectors of length 1 whose dot product with the key (D,) is ``dot``, on different sides of it.

    Args:
        towards: (n, D), each the direction in which one of them lies off the key; none may be parallel to it.
    """
    sideways = towards - (towards @ key)[:, None] * key
    return dot * key + math.sqrt(max(0.0, 1 - dot**2)) * sideways / sideways.norm(dim=1, keepdim=True)


def _grown(x: Tensor, before: tuple[Tensor, ...], after: tuple[Tensor, ...]) -> Tensor:
    """(n, D): what the planted neuron adds to the layer's output for the vectors x (n, D)."""
    outputs = [torch.relu(x @ W_1.double() + b_1.double()) @ W_2.double() for W_1, b_1, W_2 in (before, after)]
    return outputs[1] - outputs[0]


def _fires_at(before: tuple[Tensor, ...], after: tuple[Tensor, ...], key: Tensor, limit: float) -> float | None:
    """A dot product with the key, no larger than the limit, at which the output changes; None if there is none."""
    column = after[0].double()[:, -1]
    sides = torch.cat([random(4, len(key), seed=9), column[None]])
    sideways = sides - (sides @ key)[:, None] * key
    sides = sides[sideways.norm(dim=1) > 1e-6]
    for dot in (-1.0, 0.0, limit / 2, limit):
        if not close(_grown(_around(key, dot, sides), before, after), torch.zeros_like(sides), _ROUGH):
            return dot
    return None


@checker("plant", reference=_plant)
def _(plant) -> Verdicts:
    name = "plant"
    # Size d_ff = D first: a key laid as a row and a value laid as a column fit, and can be called by their names.
    for D, d_ff in ((5, 5), (4, 6)):
        given = _soil(D, d_ff, 0.6)
        copies = [each.clone() if isinstance(each, Tensor) else each for each in given]
        out = plant(*copies)
        yield say("exercise.returned-none"), out is not None
        three = isinstance(out, (tuple, list)) and len(out) == 3 and all(isinstance(part, Tensor) for part in out)
        yield hint(name, "three"), three
        shapes = [tuple(part.shape) for part in out]
        yield hint(name, "replaced"), shapes != [(D, d_ff), (d_ff,), (d_ff, D)]
        yield hint(name, "key-row"), shapes[0] != (D + 1, d_ff)
        yield hint(name, "value-column"), shapes[2] != (d_ff, D + 1)
        expected = {"W_1": (D, d_ff + 1), "b_1": (d_ff + 1,), "W_2": (d_ff + 1, D)}
        for (part, right), shape in zip(expected.items(), shapes, strict=True):
            yield hint(name, "shape", part=part, shape=shape, expected=right), shape == right
    W_1, b_1, W_2, key, value, limit = given
    before, after = (W_1, b_1, W_2), tuple(out)
    rest = after[0][:, 1:], after[1][1:], after[2][1:]
    yield hint(name, "front"), not any(close(part, old) for part, old in zip(rest, before, strict=True))
    kept = after[0][:, :-1], after[1][:-1], after[2][:-1]
    for part, new, old in zip(expected, kept, before, strict=True):
        yield hint(name, "old-changed", part=part), close(new, old, _ROUGH)
    unchanged = all(torch.equal(copy, each) for copy, each in zip(copies[:5], given[:5], strict=True))
    yield hint(name, "changed"), unchanged

    column, bias, row = after[0][:, -1].double(), float(after[1][-1]), after[2][-1].double()
    added = _grown(key[None], before, after)[0]
    fires = _fires_at(before, after, key, limit)
    along = float(column @ key)

    def parallel(one: Tensor, other: Tensor) -> bool:
        return abs(float(one @ other)) > (1 - 1e-6) * float(one.norm() * other.norm()) > 0

    # The reasons first; a layer that does what it should is not asked for them.
    right = fires is None and close(added, value, _ROUGH)
    yield hint(name, "exchanged"), right or not (parallel(column, value) and parallel(row, key))
    yield hint(name, "column"), right or parallel(column, key)
    yield hint(name, "opposite"), right or along > 0
    yield hint(name, "bias-positive"), right or bias < _ROUGH
    yield hint(name, "bias-zero"), right or bias < -_ROUGH
    yield hint(name, "silent"), right or along + bias > _ROUGH
    threshold = -bias / along
    numbers = {"threshold": f"{threshold:.2f}", "limit": limit}
    yield hint(name, "threshold", **numbers), right or threshold > limit - _ROUGH
    yield hint(name, "too-little"), right or not close(added, (1 - limit) * value, _ROUGH)
    yield hint(name, "too-much"), right or not close(added, value / (1 - limit), _ROUGH)
    factor = float(added @ value / (value @ value))
    yield hint(name, "factor", factor=f"{factor:.2f}"), right or not close(added, factor * value, _ROUGH)
    yield hint(name, "value"), right
    for D, d_ff, limit in ((4, 6, 0.0), (4, 6, 0.95), (2, 3, 0.3), (7, 1, 0.5)):
        given = _soil(D, d_ff, limit)
        W_1, b_1, W_2, key, value, _ = given
        before, after = (W_1, b_1, W_2), tuple(plant(*given))
        grows = close(_grown(key[None], before, after)[0], value, _ROUGH)
        silent = _fires_at(before, after, key, limit) is None
        yield hint(name, "other-sizes", D=D, d_ff=d_ff, limit=limit), grows and silent


# ---------------------------------------------------------------- 4


def _block_weights(D: int, d_ff: int, H: int, H_KV: int, gated: bool, bias: bool) -> tuple[int, int]:
    return attention_weights(D, H, H_KV, bias=bias), feed_forward_weights(D, d_ff, gated=gated, bias=bias)


@checker("block-weights", reference=_block_weights)
def _(block_weights) -> Verdicts:
    name = "block-weights"
    D, d_ff, H, H_KV = 24, 40, 6, 2
    d_k = D // H
    square, narrow, matrix = D * D, D * H_KV * d_k, D * d_ff

    out = block_weights(D, d_ff, H, H, False, False)
    yield say("exercise.returned-none"), out is not None
    pair = isinstance(out, (tuple, list)) and len(out) == 2
    yield hint(name, "pair"), pair and all(isinstance(part, Real) and not isinstance(part, bool) for part in out)
    attention, feed_forward = out
    # Plain attention and a plain feed-forward layer.
    yield hint(name, "swapped"), (attention, feed_forward) != (2 * matrix, 4 * square)
    norms = (D, 2 * D)
    yield hint(name, "norms"), attention not in [4 * square + n for n in norms]
    yield hint(name, "norms"), feed_forward not in [2 * matrix + n for n in norms]
    yield hint(name, "biases-anyway"), attention != 4 * square + 4 * D and feed_forward != 2 * matrix + d_ff + D
    yield hint(name, "per-head"), attention not in (4 * H * square, (3 * H + 1) * square)
    yield hint(name, "one-head"), attention not in (4 * D * d_k, 3 * D * d_k + square)
    yield hint(name, "no-output"), attention != 3 * square
    yield hint(name, "attention"), attention == 4 * square
    yield hint(name, "always-three"), feed_forward != 3 * matrix
    yield hint(name, "one-way"), feed_forward != matrix
    yield hint(name, "four-times"), feed_forward != 8 * square
    yield hint(name, "feed-forward"), feed_forward == 2 * matrix

    attention, feed_forward = block_weights(D, d_ff, H, H_KV, False, False)
    yield hint(name, "heads-not-shared"), attention != 4 * square
    yield hint(name, "keys-only"), attention != 3 * square + narrow
    yield hint(name, "queries-too"), attention not in (square + 3 * narrow, 4 * narrow)
    yield hint(name, "one-shared-head"), attention != 2 * square + 2 * D * d_k
    yield hint(name, "no-head-size"), attention != 2 * square + 2 * D * H_KV
    yield hint(name, "shared"), (attention, feed_forward) == (2 * square + 2 * narrow, 2 * matrix)

    attention, feed_forward = block_weights(D, d_ff, H, H, True, False)
    yield hint(name, "always-two"), feed_forward != 2 * matrix
    yield hint(name, "gated"), (attention, feed_forward) == (4 * square, 3 * matrix)

    attention, feed_forward = block_weights(D, d_ff, H, H, False, True)
    yield hint(name, "no-biases"), attention != 4 * square and feed_forward != 2 * matrix
    yield hint(name, "way-back"), feed_forward != 2 * matrix + 2 * d_ff
    yield hint(name, "one-of-two"), feed_forward not in (2 * matrix + d_ff, 2 * matrix + D)
    yield hint(name, "attention-biases"), attention == 4 * square + 4 * D
    yield hint(name, "feed-forward-biases"), feed_forward == 2 * matrix + d_ff + D
    attention, _ = block_weights(D, d_ff, H, H_KV, False, True)
    yield hint(name, "wide-biases"), attention != 2 * square + 2 * narrow + 4 * D
    yield hint(name, "shared-biases"), attention == 2 * square + 2 * narrow + 2 * D + 2 * H_KV * d_k
    _, feed_forward = block_weights(D, d_ff, H, H, True, True)
    yield hint(name, "third-bias"), feed_forward != 3 * matrix + d_ff + D
    yield hint(name, "gated-biases"), feed_forward == 3 * matrix + 2 * d_ff + D

    yield hint(name, "whole"), all(isinstance(part, Integral) for part in out)
    for model, sizes in MODELS.items():
        key_heads = sizes.key_heads or sizes.heads
        given = sizes.d_model, sizes.d_ff, sizes.heads, key_heads, sizes.gated, sizes.bias
        yield hint(name, "model", model=model), tuple(block_weights(*given)) == _block_weights(*given)
    for D, d_ff, H, H_KV in ((5, 7, 1, 1), (21, 1, 7, 1), (8, 100, 8, 4)):
        for gated, bias in product((False, True), repeat=2):
            given = D, d_ff, H, H_KV, gated, bias
            right = tuple(block_weights(*given)) == _block_weights(*given)
            yield hint(name, "other-sizes", D=D, d_ff=d_ff, H=H, few=H_KV, gated=gated, bias=bias), right


# ---------------------------------------------------------------- 5

_Weights = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def _encoder_block(
    x: Tensor,
    attend: Callable[[Tensor], Tensor],
    W_1: Tensor,
    b_1: Tensor,
    W_2: Tensor,
    b_2: Tensor,
    gamma_1: Tensor,
    beta_1: Tensor,
    gamma_2: Tensor,
    beta_2: Tensor,
) -> Tensor:
    x = x + attend(layer_norm(x, gamma_1, beta_1))
    return x + torch.relu(layer_norm(x, gamma_2, beta_2) @ W_1 + b_1) @ W_2 + b_2


def _block(T: int, D: int, d_ff: int) -> tuple[Tensor, _Weights]:
    """Tokens and the weights of a block."""
    sizes = (D, d_ff), (d_ff,), (d_ff, D), (D,), (D,), (D,), (D,), (D,)
    return 1 + 2 * random(T, D), tuple(random(*size, seed=4 + i) for i, size in enumerate(sizes))


def _mixing(y: Tensor) -> Tensor:
    """(T, D) → (T, D): in place of attention, something in which every token hears the others."""
    return y.cumsum(0).flip(-1) / len(y)


def _silent(y: Tensor) -> Tensor:
    return torch.zeros_like(y)


@checker("encoder-block-hunt", reference=_encoder_block)
def _(block) -> Verdicts:
    name = "encoder-block-hunt"
    T, D, d_ff = 4, 6, 9
    # Whether ε is 1e-5 or another small number is none of the bugs.
    tolerance = 1e-3
    x, weights = _block(T, D, d_ff)
    W_1, b_1, W_2, b_2, gamma_1, beta_1, gamma_2, beta_2 = weights
    norms = weights[4:]
    nothing = W_1, b_1, torch.zeros_like(W_2), torch.zeros_like(b_2)  # a feed-forward layer that returns zeros
    copies = [tensor.clone() for tensor in (x, *weights)]
    out = block(copies[0], _mixing, *copies[1:])
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "shape"), isinstance(out, Tensor) and tuple(out.shape) == (T, D)

    def heard(x: Tensor, attention: Tensor, *weights: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The block's output with an attention that returns the same whatever it gets, and what it got, call by call."""
        got = []

        def attend(y: Tensor) -> Tensor:
            got.append(y.clone())
            return attention.clone()

        return block(x.clone(), attend, *weights), got

    zero = torch.zeros_like(x)
    still, got = heard(x, zero, *weights)
    yield hint(name, "not-asked"), bool(got) and all(isinstance(y, Tensor) and y.shape == x.shape for y in got)
    other = x.clone()
    other[1] = random(D, seed=20)
    moved, got_moved = heard(other, zero, *weights)
    elsewhere = [0, 2, 3]
    alone = close(still[elsewhere], moved[elsewhere], 1e-6)
    yield hint(name, "tokens"), alone and close(got[-1][elsewhere], got_moved[-1][elsewhere], 1e-6)
    idle, _ = heard(x, zero, *nothing, *norms)
    yield hint(name, "not-the-input"), close(idle, x, tolerance)
    said = random(T, D, seed=21)
    after, _ = heard(x, said, *nothing, *norms)
    yield hint(name, "attention-lost"), not close(after, x, tolerance)
    yield hint(name, "attention-added"), close(after, x + said, tolerance)

    # What attention gets.
    yield hint(name, "attention-raw"), not close(got[-1], x, tolerance)
    yield hint(name, "other-norm"), not close(got[-1], layer_norm(x, gamma_2, beta_2), tolerance)
    ones, zeros = torch.ones_like(gamma_1), torch.zeros_like(beta_1)
    plain = heard(x, zero, W_1, b_1, W_2, b_2, ones, zeros, ones, zeros)[1][-1]
    yield hint(name, "norm"), close(plain, layer_norm(x), tolerance)
    yield hint(name, "gamma-beta"), close(got[-1], layer_norm(x, gamma_1, beta_1), tolerance)

    # The feed-forward layer. Numbers that are added after W_2 have both signs; a W_1 of zeros leaves b_1 alone before f.
    change, _ = heard(x, zero, W_1, b_1, W_2, torch.zeros_like(b_2), *norms)
    yield hint(name, "never-less"), bool(((change - x) < -tolerance).any())
    without, _ = heard(x, zero, torch.zeros_like(W_1), b_1, W_2, b_2, *norms)

    def constant(vector: Tensor) -> bool:
        return close(without - x, vector.expand(T, D), tolerance)

    yield hint(name, "no-relu"), not constant(b_1 @ W_2 + b_2)
    yield hint(name, "other-function"), not any(constant(f(b_1) @ W_2 + b_2) for f in (gelu, gelu_tanh, silu))
    yield hint(name, "b_1"), not constant(b_2)
    yield hint(name, "b_2"), not constant(b_1.relu() @ W_2)
    yield hint(name, "hidden"), constant(b_1.relu() @ W_2 + b_2)
    # A layer that returns what it gets: W_1 and W_2 hand on, and b_1 lifts everything above zero, b_2 back down again.
    unit = torch.eye(D, d_ff, dtype=torch.float64)
    handing_on = unit, torch.full_like(b_1, 100), unit.T, torch.full_like(b_2, -100)
    fed = heard(x, said, *handing_on, *norms)[0] - x - said
    yield hint(name, "feed-forward-raw"), not close(fed, x + said, tolerance)
    yield hint(name, "before-attention"), not close(fed, layer_norm(x, gamma_2, beta_2), tolerance)
    yield hint(name, "attention-alone"), not close(fed, layer_norm(said, gamma_2, beta_2), tolerance)
    yield hint(name, "same-norm"), not close(fed, layer_norm(x + said, gamma_1, beta_1), tolerance)
    yield hint(name, "fed"), close(fed, layer_norm(x + said, gamma_2, beta_2), tolerance)
    yield hint(name, "value"), close(out, _encoder_block(x, _mixing, *weights), tolerance)
    alike = x.clone()
    alike[2] = 3.0
    yield hint(name, "no-eps"), bool(block(alike, _silent, *weights).isfinite().all())
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, (x, *weights), strict=True))
    for T, D, d_ff in ((1, 5, 3), (6, 6, 6), (7, 3, 12)):
        x, weights = _block(T, D, d_ff)
        right = close(block(x.clone(), _mixing, *weights), _encoder_block(x, _mixing, *weights), tolerance)
        yield hint(name, "other-sizes", T=T, D=D, d_ff=d_ff), right
