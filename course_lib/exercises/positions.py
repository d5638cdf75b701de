"""Checkers of lesson 05. All sizes differ, so that a mix-up of axes shows; bases are small where waves have to be told apart."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.attention import scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say
from course_lib.multi_head import merge_heads, split_heads
from course_lib.positions import BASE, alibi_bias, frequencies, rotate, shift_matrix, sinusoidal_table

# ---------------------------------------------------------------- 1


def _sinusoids(T: int, D: int, base: float) -> Tensor:
    return sinusoidal_table(T, D, base)


def _side_by_side(sine: Tensor, cosine: Tensor) -> Tensor:
    """sine, cosine (..., D / 2) → (..., D): of each pair first the sine, then the cosine."""
    return torch.stack([sine, cosine], dim=-1).flatten(-2)


def _halves(sine: Tensor, cosine: Tensor) -> Tensor:
    return torch.cat([sine, cosine], dim=-1)


def _wrong_tables(T: int, D: int, base: float) -> list[tuple[str, Tensor]]:
    """Tables (T, D) with one slip each, and the name of the slip."""
    t, i, j = (torch.arange(n, dtype=torch.float64) for n in (T, D // 2, D))
    right = frequencies(D, base)

    def table(omega: Tensor, start: int = 0) -> Tensor:
        angles = (t + start)[:, None] * omega
        return _side_by_side(angles.sin(), angles.cos())

    def by_component(power: float) -> Tensor:
        angles = t[:, None] * base ** (-power * j / D)
        return _side_by_side(angles.sin()[:, 0::2], angles.cos()[:, 1::2])

    angles = t[:, None] * right
    return [
        ("halves", _halves(angles.sin(), angles.cos())),
        ("halves", _halves(angles.cos(), angles.sin())),
        ("cosine-first", _side_by_side(angles.cos(), angles.sin())),
        ("from-one", table(right, start=1)),
        ("pairs-from-one", table(base ** (-2 * (i + 1) / D))),
        ("grows", table(1 / right)),
        ("exponent", table(base ** (-i / D))),
        ("doubled", table(base ** (-4 * i / D))),
        ("per-component", by_component(1)),
        ("per-component", by_component(2)),
        ("ends", table(base ** (-2 * i / (D - 2)))),
        ("base", table(frequencies(D, BASE))),
    ]


@checker("sinusoids", reference=_sinusoids)
def _(sinusoids) -> Verdicts:
    name = "sinusoids"
    T, D, base = 5, 8, 50.0
    out, right = sinusoids(T, D, base), sinusoidal_table(T, D, base)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "half"), shape != (T, D // 2)
    yield hint(name, "twice"), shape != (T, 2 * D)
    yield hint(name, "pairs-axis"), shape != (T, D // 2, 2)
    yield hint(name, "turned-over"), shape != (D, T)
    yield hint(name, "shape", shape=shape, expected=(T, D)), shape == (T, D)
    # The slips are told apart before the type is asked for: whoever made two will mend the larger one first.
    for mistake, table in _wrong_tables(T, D, base):
        yield hint(name, mistake), not close(out, table, 1e-4)
    yield hint(name, "first-row"), close(out[0], right[0], 1e-4)
    wrong = next((column for column in range(D) if not close(out[:, column], right[:, column], 1e-4)), -1)
    yield hint(name, "column", column=wrong), wrong == -1
    yield hint(name, "type", type=str(out.dtype).removeprefix("torch.")), out.dtype == torch.float64
    yield hint(name, "precision"), close(out, right, 1e-12)
    for T, D, base in ((1, 6, 10.0), (6, 2, 30.0), (3000, 4, 1e4), (9, 14, 500.0)):
        yield (
            hint(name, "other-sizes", T=T, D=D, base=f"{base:g}"),
            close(sinusoids(T, D, base), _sinusoids(T, D, base)),
        )


# ---------------------------------------------------------------- 2


def _advance(row: Tensor, k: int, base: float) -> Tensor:
    return row @ shift_matrix(len(row), k, base)


def _row(t: int, D: int, base: float) -> Tensor:
    """(D,): row t of the table of sinusoids, without the rows above it."""
    angles = t * frequencies(D, base)
    return _side_by_side(angles.sin(), angles.cos())


def _wrong_rows(row: Tensor, k: int, base: float) -> list[tuple[str, Tensor]]:
    """What comes of a row (D,) after one slip, and the name of the slip."""
    D = len(row)
    s, c = row[0::2], row[1::2]

    def turned(s: Tensor, c: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        return s * angle.cos() + c * angle.sin(), c * angle.cos() - s * angle.sin()

    angle = k * frequencies(D, base)
    sine, cosine = turned(s, c, angle)
    of_k = _row(k, D, base)
    return [
        ("unchanged", row),
        ("backwards", _advance(row, -k, base)),
        ("adds", row + of_k),
        ("multiplies", row * of_k),
        ("row-of-k", of_k),
        ("one-step", _advance(row, 1, base)),
        ("one-angle", _side_by_side(*turned(s, c, torch.full_like(angle, k)))),
        ("overwritten", _side_by_side(sine, c * angle.cos() - sine * angle.sin())),
        ("overwritten", _side_by_side(s * angle.cos() + cosine * angle.sin(), cosine)),
        ("cosines", _side_by_side(sine, c)),
        ("sines", _side_by_side(s, cosine)),
        ("halves", _halves(*turned(row[: D // 2], row[D // 2 :], angle))),
        ("exponent", _side_by_side(*turned(s, c, k * base ** (-torch.arange(D // 2, dtype=torch.float64) / D)))),
        ("base", _advance(row, k, BASE)),
    ]


@checker("advance", reference=_advance)
def _(advance) -> Verdicts:
    name = "advance"
    D, k, base = 8, 3, 50.0
    # At position 1 all angles are in the first quarter: who looks for the position passes here, and is told further below.
    row = _row(1, D, base)
    given = row.clone()
    out, right = advance(given, k, base), _advance(row, k, base)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "shape", shape=tuple(out.shape), expected=(D,)), tuple(out.shape) == (D,)
    for mistake, wrong in _wrong_rows(row, k, base):
        yield hint(name, mistake), not close(out, wrong, 1e-4)
    yield hint(name, "zero"), close(advance(row.clone(), 0, base), row, 1e-4)

    def first(verdicts: Tensor) -> int:
        """The first pair that is not as it should be, −1 if all are."""
        return next((pair for pair, well in enumerate(verdicts.tolist()) if not well), -1)

    squares = out[0::2] ** 2 + out[1::2] ** 2
    pair = first((squares - 1).abs() < 1e-4)
    yield hint(name, "length", pair=pair, squares=f"{squares[pair]:.2f}"), pair == -1
    pair = first(((out - right).abs() < 1e-4).unflatten(0, (-1, 2)).all(-1))
    yield hint(name, "pair", pair=pair), pair == -1
    yield hint(name, "precision"), close(out, right, 1e-10)
    yield hint(name, "changed"), torch.equal(given, row)

    def after(t: int, k: int) -> bool:
        row = _row(t, D, base)
        return close(advance(row.clone(), k, base), _advance(row, k, base))

    for t in (2, 5):
        yield hint(name, "quarter", t=t), after(t, k)
    yield hint(name, "turn", t=29), after(29, k)
    for t in (1000, 3_000_017):
        yield hint(name, "far", t=t), after(t, k)
    yield hint(name, "negative"), after(29, -4)
    for D, k, base in ((2, 5, 30.0), (6, 1, 10.0), (14, 700, 1e4)):
        row = _row(11, D, base)
        yield (
            hint(name, "other-sizes", D=D, k=k, base=f"{base:g}"),
            close(advance(row.clone(), k, base), _advance(row, k, base)),
        )


# ---------------------------------------------------------------- 3


def _alibi(H: int, T: int) -> Tensor:
    return alibi_bias(H, T)


def _wrong_biases(H: int, T: int) -> list[tuple[str, Tensor]]:
    """Biases (H, T, T) with one slip each, and the name of the slip."""
    h, t = torch.arange(1, H + 1, dtype=torch.float64), torch.arange(T, dtype=torch.float64)
    after = t[None, :] - t[:, None]
    slopes, distance = 2 ** (-8 * h / H), after.abs()

    def bias(slopes: Tensor, distance: Tensor = distance) -> Tensor:
        return -slopes[:, None, None] * distance

    per_query, per_key = t[:, None].expand(T, T), t[None, :].expand(T, T)
    return [
        ("plus", bias(-slopes)),
        ("signed", bias(slopes, -after)),
        ("signed-past", bias(slopes, after)),
        ("future-free", bias(slopes, distance.tril())),
        ("past-free", bias(slopes, distance.triu())),
        ("squared", bias(slopes, distance**2)),
        ("from-one", bias(slopes, distance + 1)),
        *(("position", bias(sign * slopes, place)) for sign in (1, -1) for place in (per_query, per_key)),
        ("reversed", bias(slopes.flip(0))),
        ("first-one", bias(2 ** (-8 * (h - 1) / H))),
        ("first-one", bias(2 ** -(h - 1))),
        ("any-heads", bias(2**-h)),
        ("upside-down", bias(2 ** (-H * h / 8))),
        ("not-divided", bias(2 ** (-8 * h))),
        ("grows", bias(1 / slopes)),
        ("base", bias((-8 * h / H).exp())),
        ("linear", bias(h / H)),
        ("linear", bias(1 / h)),
        ("no-slope", bias(torch.ones(H, dtype=torch.float64))),
    ]


@checker("alibi", reference=_alibi)
def _(alibi) -> Verdicts:
    name = "alibi"
    H, T = 4, 5
    out, right = alibi(H, T), alibi_bias(H, T)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "slopes-only"), shape not in ((H,), (H, 1, 1))
    yield hint(name, "one-head"), shape not in ((T, T), (1, T, T))
    yield hint(name, "heads-last"), shape not in ((T, T, H), (T, H, T))
    yield hint(name, "one-query"), shape not in ((H, T), (H, 1, T))
    yield hint(name, "shape", shape=shape, expected=(H, T, T)), shape == (H, T, T)
    yield hint(name, "masked"), bool(out.isfinite().all())

    def is_(candidate: Tensor) -> bool:
        return close(out, candidate, 1e-6)

    for mistake, bias in _wrong_biases(H, T):
        yield hint(name, mistake), not is_(bias)
    yield hint(name, "itself"), close(out.diagonal(dim1=1, dim2=2), torch.zeros(H, T, dtype=torch.float64), 1e-6)
    yield hint(name, "alike"), not is_(out[:1].double().expand_as(right))
    steps = out[:, 0, 1].double()  # of a query at position 0 and the key next to it: minus the slope, if all is well
    if is_(steps[:, None, None] * (right / right[:, :1, 1:2])):
        wrong = next((h for h in range(H) if abs(steps[h] - right[h, 0, 1]) > 1e-6), -1)
        yield hint(name, "slope", h=wrong, slope=f"{-steps[wrong]:.4g}"), wrong == -1
    yield hint(name, "value"), is_(right)
    for H, T in ((8, 3), (1, 6), (2, 1), (16, 7)):
        yield hint(name, "other-sizes", H=H, T=T), close(alibi(H, T), alibi_bias(H, T), 1e-6)


# ---------------------------------------------------------------- 4


def _next_token(
    q: Tensor, k: Tensor, v: Tensor, cached_keys: Tensor, cached_values: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    here = torch.tensor([cached_keys.shape[1]])
    keys = torch.cat([cached_keys, rotate(k[:, None], here)], dim=1)
    values = torch.cat([cached_values, v[:, None]], dim=1)
    z = scaled_dot_product_attention(rotate(q[:, None], here), keys, values)[0]
    return z.squeeze(1), keys, values


def _step(H: int, t: int, d_k: int, d_v: int) -> tuple[Tensor, ...]:
    """What next_token is given after t tokens: q, k, v, and the cache of keys (turned) and values."""
    q, k, v = random(H, d_k, seed=4), random(H, d_k, seed=5), random(H, d_v, seed=6)
    return q, k, v, rotate(random(H, t, d_k, seed=7)), random(H, t, d_v, seed=8)


@checker("rotary-cache", reference=_next_token)
def _(next_token) -> Verdicts:
    name = "rotary-cache"
    H, t, d_k, d_v = 3, 7, 6, 4
    given = q, k, v, cached_keys, cached_values = _step(H, t, d_k, d_v)
    copies = [tensor.clone() for tensor in given]
    out = next_token(*copies)
    yield say("exercise.returned-none"), out is not None
    three = isinstance(out, (tuple, list)) and len(out) == 3 and all(isinstance(part, Tensor) for part in out)
    yield hint(name, "three"), three
    z, keys, values = out
    yield hint(name, "not-kept"), keys.shape[:2] != (H, t) and values.shape[:2] != (H, t)
    expected = {"z": (H, d_v), "keys": (H, t + 1, d_k), "values": (H, t + 1, d_v)}
    for part, tensor in zip(expected, out, strict=True):
        shape = tuple(tensor.shape)
        yield hint(name, "shape", part=part, shape=shape, expected=expected[part]), shape == expected[part]

    def turned(x: Tensor, position: int) -> Tensor:
        return rotate(x[:, None], torch.tensor([position]))[:, 0]

    def attend(query: Tensor, divisor: float = math.sqrt(d_k), keys: Tensor = keys, values: Tensor = values) -> Tensor:
        scores = (query[:, None] @ keys.double().mT) / divisor
        return (scores.softmax(-1) @ values.double())[:, 0]

    # First what is kept: the next token will live on it.
    new, old = keys[:, -1], keys[:, :-1]
    yield hint(name, "front"), not close(keys[:, 1:], cached_keys)
    yield hint(name, "cache-turned"), not close(old, rotate(cached_keys))
    yield hint(name, "cache-turned"), not close(old, rotate(cached_keys, torch.tensor([t])))
    yield hint(name, "cache-changed", part="keys"), close(old, cached_keys)
    yield hint(name, "query-kept"), not any(close(new, turned(q, position)) for position in (0, t))
    yield hint(name, "position-zero"), not (close(new, k) and close(z, attend(q)))
    yield hint(name, "key-unturned"), not close(new, k)
    for shift, mistake in ((1, "too-far"), (-1, "too-near"), (-2 * t, "backwards")):
        yield hint(name, mistake), not close(new, turned(k, t + shift))
    yield hint(name, "heads-as-positions"), not close(new, rotate(k))
    yield hint(name, "halves"), not close(new, rotate(k[:, None], torch.tensor([t]), layout="halves")[:, 0])
    yield hint(name, "key"), close(new, turned(k, t))
    yield hint(name, "values-turned"), not close(values[:, -1], turned(v, t))
    yield hint(name, "values-turned"), not close(values, rotate(torch.cat([cached_values, v[:, None]], dim=1)))
    yield hint(name, "cache-changed", part="values"), close(values[:, :-1], cached_values)
    yield hint(name, "value"), close(values[:, -1], v)

    # Then the output: keys and values are right from here on.
    ones = torch.ones(H, t + 1, d_v, dtype=torch.float64)
    even = next_token(q.clone(), k.clone(), ones[:, 0].clone(), cached_keys.clone(), ones[:, :-1].clone())[0]
    query = turned(q, t)
    without_own = attend(query, keys=old, values=values[:, :-1])
    yield hint(name, "own-left-out"), not close(z, without_own)
    yield hint(name, "first-only"), not close(z, values[:, 0])
    yield hint(name, "values-mixed"), not close(z, attend(query, values=rotate(values)))
    yield hint(name, "axis"), close(even, ones[:, 0])
    yield hint(name, "query-unturned"), not close(z, attend(q))
    for shift in (1, -1, -2 * t):
        yield hint(name, "query-elsewhere"), not close(z, attend(turned(q, t + shift)))
    yield hint(name, "query-elsewhere"), not close(z, attend(rotate(q)))
    again = rotate(keys)
    unturned = torch.cat([cached_keys, k[:, None]], dim=1)
    yield hint(name, "turned-twice"), not close(z, attend(query, keys=again))
    yield hint(name, "turned-twice"), not close(z, attend(query, keys=rotate(unturned)))
    yield hint(name, "unturned-scores"), not close(z, attend(query, keys=unturned))
    yield hint(name, "no-scale"), not close(z, attend(query, 1))
    yield hint(name, "scale-square"), not close(z, attend(query, d_k))
    for divisor in (d_v, H * d_k, t + 1):
        yield hint(name, "scale-other"), not close(z, attend(query, math.sqrt(divisor)))
    yield hint(name, "output"), close(z, attend(query))
    yield hint(name, "changed"), all(torch.equal(copy, tensor) for copy, tensor in zip(copies, given, strict=True))

    def same(inputs: tuple[Tensor, ...]) -> bool:
        answers = next_token(*(tensor.clone() for tensor in inputs))
        return all(close(mine, right) for mine, right in zip(answers, _next_token(*inputs), strict=True))

    yield hint(name, "empty"), same(_step(H, 0, d_k, d_v))
    large, *_ = next_token(1e4 * q, *(tensor.clone() for tensor in given[1:]))
    yield hint(name, "overflow"), bool(large.isfinite().all())
    for H, t, d_k, d_v in ((1, 1, 2, 3), (4, 300, 8, 5), (2, 6, 4, 7)):
        yield hint(name, "other-sizes", H=H, t=t, d_k=d_k, d_v=d_v), same(_step(H, t, d_k, d_v))


# ---------------------------------------------------------------- 5


def _rotary_attention(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, H: int) -> Tensor:
    q, k, v = (split_heads(x @ W, H) for W in (W_Q, W_K, W_V))
    return merge_heads(scaled_dot_product_attention(rotate(q), rotate(k), v)[0])


_ROOM = 16  # longer than any text below, so that the tokens' size does not give away how long the text is


def _weights(attention: Callable, x: Tensor, W_Q: Tensor, W_K: Tensor, H: int) -> Tensor:
    """(H, T, T): the weights of an answer, read off its output.

    Each token gets more components, 1 at its own place and 0 elsewhere, which the queries and keys do not look at and
    which are its value: the weights themselves come out.
    """
    T, D = x.shape
    own, unseen = torch.eye(_ROOM, dtype=x.dtype), torch.zeros(_ROOM, W_Q.shape[-1], dtype=x.dtype)
    W_V = torch.cat([torch.zeros(D, H * _ROOM, dtype=x.dtype), own.repeat(1, H)])
    out = attention(torch.cat([x, own[:T]], dim=-1), torch.cat([W_Q, unseen]), torch.cat([W_K, unseen]), W_V, H)
    return out.reshape(T, H, _ROOM).transpose(0, 1)[..., :T]


def _slants(attention: Callable, d_k: int, pair: int) -> tuple[float, float]:
    """By how much the scores of a key 1 and 2 positions after the query exceed that at distance 0.

    The query is (1, 0) in one pair of components, the key (0, 1): −sin ω / √d_k and −sin 2ω / √d_k if all is well. The
    logarithm of a weight is the score but for a constant.
    """
    x, (W_Q, W_K) = torch.ones(3, 1, dtype=torch.float64), torch.zeros(2, 1, d_k, dtype=torch.float64)
    W_Q[0, 2 * pair] = W_K[0, 2 * pair + 1] = 1
    logs = _weights(attention, x, W_Q, W_K, 1)[0, 0].log()
    return float(logs[1] - logs[0]), float(logs[2] - logs[0])


@checker("position-bug-hunt", reference=_rotary_attention)
def _(attention) -> Verdicts:
    name = "position-bug-hunt"
    T, D, H, d_k, d_v = 5, 7, 3, 4, 2
    tolerance = 1e-5  # angles in float32 are none of the bugs

    def matrices(D: int, H: int, d_k: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(random(D, H * size, seed=4 + i) / math.sqrt(D) for i, size in enumerate((d_k, d_k, d_v)))

    x, (W_Q, W_K, W_V) = random(T, D), matrices(D, H, d_k, d_v)
    given = x, W_Q, W_K, W_V, H
    out = attention(*given)
    yield say("exercise.returned-none"), out is not None
    right_shape = isinstance(out, Tensor) and tuple(out.shape) == (T, H * d_v)
    yield hint(name, "shape"), right_shape

    # Values of 1 everywhere and equal weights: neither the split nor the scores can be seen, a turn of the values can.
    one, zero, constant = torch.ones(T, H * d_v, dtype=torch.float64), torch.zeros_like(W_Q), torch.zeros_like(W_V)
    ones = torch.cat([one[:, :1], x[:, 1:]], dim=-1)
    constant[0] = 1
    yield hint(name, "values"), close(attention(ones, zero, W_K, constant, H), one, tolerance)
    yield hint(name, "axis"), close(attention(ones, W_Q, W_K, constant, H), one, tolerance)
    means = (x @ W_V).mean(0).expand(T, H * d_v)
    yield hint(name, "split"), close(attention(x, zero, W_K, W_V, H), means, tolerance)

    weights, right = (_weights(which, x, W_Q, W_K, H) for which in (attention, _rotary_attention))
    backwards = _weights(attention, x.flip(0), W_Q, W_K, H).flip(1, 2)
    yield hint(name, "no-order"), not close(backwards, weights, tolerance)
    # Whatever the frequencies are, turned queries and keys know the distance alone. Weights in the longer text differ by a
    # factor for each query, so their ratios are compared.
    longer = _weights(attention, torch.cat([random(5, D, seed=9), x]), W_Q, W_K, H)[:, 5:, 5:]
    ratios, ratios_longer = (w.log() - w.log()[..., :1] for w in (weights, longer))
    yield hint(name, "shift"), close(ratios_longer, ratios, tolerance)
    alike = _weights(attention, x, *(W[:, :d_k].repeat(1, H) for W in (W_Q, W_K)), H)
    other = next((h for h in range(H) if not close(alike[h], alike[0], tolerance)), -1)
    yield hint(name, "heads", h=other), other == -1

    def halves(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, H: int) -> Tensor:
        q, k, v = (split_heads(x @ W, H) for W in (W_Q, W_K, W_V))
        return merge_heads(scaled_dot_product_attention(rotate(q, layout="halves"), rotate(k, layout="halves"), v)[0])

    yield hint(name, "halves"), not close(weights, _weights(halves, x, W_Q, W_K, H), tolerance)
    # sin 2ω / sin ω = 2 cos ω, whatever the scores are divided by; the divisor that comes of it serves for the slower pair.
    near, far = _slants(attention, d_k, 0)
    yield hint(name, "standstill"), abs(near) > tolerance
    turns = [math.acos(max(-1.0, min(1.0, far / near / 2)))]
    slower = _slants(attention, d_k, 1)[0] / near * math.sin(turns[0])
    turns.append(abs(math.asin(max(-1.0, min(1.0, slower)))))
    for pair, (turn, expected) in enumerate(zip(turns, frequencies(d_k).tolist(), strict=True)):
        numbers = {"turn": f"{turn:.2g}", "expected": f"{expected:.2g}"}
        yield hint(name, "frequency", d_k=d_k, pair=pair, **numbers), math.isclose(turn, expected, rel_tol=1e-3)
    yield hint(name, "direction"), near < 0
    q, k = (rotate(split_heads(x @ W, H)) for W in (W_Q, W_K))
    for mistake, divisor in (("no-scale", 1), ("scale-all", math.sqrt(H * d_k)), ("scale-square", d_k)):
        yield hint(name, mistake), not close(weights, (q @ k.mT / divisor).softmax(-1), tolerance)
    yield hint(name, "scores"), close(weights, right, tolerance) and close(out, _rotary_attention(*given), tolerance)
    for T, D, H, d_k, d_v in ((4, 6, 2, 6, 3), (9, 5, 1, 8, 2), (3, 4, 4, 2, 5), (1, 3, 2, 4, 1)):
        sizes = {"T": T, "D": D, "H": H, "d_k": d_k, "d_v": d_v}
        other = random(T, D), *matrices(D, H, d_k, d_v), H
        yield hint(name, "other-sizes", **sizes), close(attention(*other), _rotary_attention(*other), tolerance)
