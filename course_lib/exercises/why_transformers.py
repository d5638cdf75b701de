"""Checkers of lesson 00. Sizes differ wherever equal ones would hide a mix-up of axes; no picture is square."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attention import scaled_dot_product_attention
from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say
from course_lib.one_block import patches as _patches
from course_lib.recurrent import LSTM, RNN, to_torch

# ---------------------------------------------------------------- 1


def _rnn(x: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> Tensor:
    """Elman 1990, "Finding Structure in Time", figure 2; gradients reach all four arguments."""
    layer = RNN(*W_x.shape, generator=torch.Generator())  # the weights that it draws are not used
    return torch.func.functional_call(layer, {"W_x": W_x, "W_h": W_h, "b": b}, (x,))


def _loop(x: Tensor, step: Callable[[Tensor, Tensor], Tensor], d_state: int) -> Tensor:
    """The states that another step would lead to: ``step`` takes x_t and h_{t−1}."""
    h, states = x.new_zeros(d_state), []
    for token in x:
        h = step(token, h)
        states.append(h)
    return torch.stack(states)


@checker("rnn", reference=_rnn)
def _(rnn) -> Verdicts:
    name = "rnn"
    T, d_in, d_state = 5, 2, 3
    given = random(T, d_in), random(d_in, d_state, seed=4), random(d_state, d_state, seed=5), random(d_state, seed=6)
    x, W_x, W_h, b = given
    copies = [each.clone() for each in given]
    out = rnn(*copies)
    right = _rnn(*given)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape = tuple(out.shape)
    yield hint(name, "last-only"), shape not in ((d_state,), (1, d_state))
    yield hint(name, "start-kept"), shape != (T + 1, d_state)
    yield hint(name, "shape", shape=shape, expected=(T, d_state)), shape == (T, d_state)
    inner = x @ W_x + b
    yield hint(name, "late"), not close(out, torch.cat([torch.zeros_like(right[:1]), right[:-1]]))
    yield hint(name, "not-handed-on"), not close(out, inner.tanh())
    slips: list[tuple[str, Callable[[Tensor, Tensor], Tensor]]] = [
        ("no-tanh", lambda u, h: u @ W_x + h @ W_h + b),
        ("half-tanh", lambda u, h: torch.tanh(u @ W_x + b) + h @ W_h),
        ("half-tanh", lambda u, h: torch.tanh(u @ W_x) + h @ W_h + b),
        ("two-tanhs", lambda u, h: torch.tanh(u @ W_x + b) + torch.tanh(h @ W_h)),
        ("bias-outside", lambda u, h: torch.tanh(u @ W_x + h @ W_h) + b),
        ("no-bias", lambda u, h: torch.tanh(u @ W_x + h @ W_h)),
        ("transposed", lambda u, h: torch.tanh(u @ W_x + h @ W_h.T + b)),
        ("no-matrix", lambda u, h: torch.tanh(u @ W_x + h + b)),
        ("sigmoid", lambda u, h: torch.sigmoid(u @ W_x + h @ W_h + b)),
    ]
    for mistake, step in slips:
        yield hint(name, mistake), not close(out, _loop(x, step, d_state))
    backwards = _rnn(x.flip(0), W_x, W_h, b)
    yield hint(name, "backwards"), not (close(out, backwards) or close(out, backwards.flip(0)))
    yield hint(name, "first"), close(out[0], right[0])
    wrong = next((t for t in range(T) if not close(out[t], right[t])), 0)
    yield hint(name, "value", t=wrong + 1), close(out, right)
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, given, strict=True))
    leaf = x.clone().requires_grad_()
    last = rnn(leaf, W_x, W_h, b)[-1].sum()
    yield hint(name, "no-gradient"), last.requires_grad
    (gradient,) = torch.autograd.grad(last, leaf, allow_unused=True)
    yield hint(name, "no-gradient"), gradient is not None
    (expected,) = torch.autograd.grad(_rnn(leaf, W_x, W_h, b)[-1].sum(), leaf)
    yield hint(name, "gradient"), close(gradient, expected)
    for T, d_in, d_state in ((1, 3, 2), (4, 4, 4), (9, 1, 5)):
        other = random(T, d_in, seed=7), random(d_in, d_state), random(d_state, d_state, seed=8), random(d_state)
        yield hint(name, "other-sizes", T=T, d_in=d_in, d_state=d_state), close(rnn(*other), _rnn(*other))


# ---------------------------------------------------------------- 2

_State = tuple[Tensor, Tensor]


def _lstm_step(inner: Tensor, h: Tensor, c: Tensor, W_h: Tensor) -> _State:
    """Hochreiter & Schmidhuber 1997, section 4, with the forget gate of Gers, Schmidhuber & Cummins 2000, section 3."""
    return LSTM.step(SimpleNamespace(W_h=W_h), inner, (h, c))  # all that a step needs of the layer is this matrix


def _step_slips(inner: Tensor, h: Tensor, c: Tensor, W_h: Tensor) -> list[tuple[str, _State]]:
    """What comes of one slip, and the name of the slip."""
    raw = (inner + h @ W_h).chunk(4)
    i, f, _, o = (part.sigmoid() for part in raw)
    g, z = raw[2].tanh(), raw[2]
    new = f * c + i * g
    without_squashing = raw[1] * c + raw[0] * g

    def out(cell: Tensor) -> _State:
        return o * cell.tanh(), cell

    return [
        ("no-state", _lstm_step(inner, torch.zeros_like(h), c, W_h)),
        ("candidate-sigmoid", out(f * c + i * z.sigmoid())),
        ("candidate-raw", out(f * c + i * z)),
        ("no-sigmoid", (raw[3] * without_squashing.tanh(), without_squashing)),
        ("forgotten", out(i * g)),
        ("all-kept", out(c + i * g)),
        ("all-let-in", out(f * c + g)),
        ("kept-out", out((1 - f) * c + i * g)),
        ("no-tanh", (o * new, new)),
        ("always-open", (new.tanh(), new)),
        ("old-cell", (o * c.tanh(), new)),
    ]


@checker("lstm-step", reference=_lstm_step)
def _(lstm_step) -> Verdicts:
    name = "lstm-step"
    d = 3
    given = random(4 * d), random(d, seed=4), random(d, seed=5), random(d, 4 * d, seed=6)
    copies = [each.clone() for each in given]
    out = lstm_step(*copies)
    right = _lstm_step(*given)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "pair"), isinstance(out, (tuple, list)) and len(out) == 2
    for which, part in zip(("h", "c"), out, strict=True):
        yield hint(name, "tensor", which=which, kind=type(part).__name__), isinstance(part, Tensor)
        yield hint(name, "shape", which=which, shape=tuple(part.shape), expected=(d,)), tuple(part.shape) == (d,)

    def is_(pair: _State) -> bool:
        return close(out[0], pair[0]) and close(out[1], pair[1])

    yield hint(name, "exchanged"), not is_(right[::-1])
    inner, h, c, W_h = given
    # Taking the parts in another order is the same as having the columns in another order.
    columns = dict(zip("ifgo", torch.arange(4 * d).chunk(4), strict=True))
    for taken in permutations("ifgo"):
        if taken != tuple("ifgo"):
            place = torch.cat([columns["ifgo"[taken.index(gate)]] for gate in "ifgo"])
            mistake = {"figo": "in-for-forget", "ifog": "candidate-last"}.get("".join(taken), "order")
            wrong = _lstm_step(inner[place], h, c, W_h[:, place])
            yield hint(name, mistake, order=", ".join(taken)), not is_(wrong)
    for mistake, wrong in _step_slips(*given):
        yield hint(name, mistake), not is_(wrong)
    yield hint(name, "cell"), close(out[1], right[1])
    yield hint(name, "state"), close(out[0], right[0])
    yield hint(name, "changed"), all(torch.equal(a, b) for a, b in zip(copies, given, strict=True))
    # What a cell is for: it is kept through many steps if the forget gate is open and the input gate is shut.
    shut = torch.tensor([-60.0, 60.0, 1.0, 0.0], dtype=torch.float64)
    kept = torch.tensor([0.75], dtype=torch.float64)
    state = torch.zeros(1, dtype=torch.float64), kept
    for _step in range(100):
        state = lstm_step(shut, *state, torch.zeros(1, 4, dtype=torch.float64))
    yield hint(name, "not-kept"), close(state[1], kept)
    for d in (1, 4, 7):
        other = random(4 * d, seed=7), random(d, seed=8), random(d, seed=9), random(d, 4 * d)
        pair = lstm_step(*other)
        same = all(close(a, b) for a, b in zip(pair, _lstm_step(*other), strict=True))
        yield hint(name, "other-sizes", d=d), same


# ---------------------------------------------------------------- 3


@checker("patches", reference=_patches)
def _(patches) -> Verdicts:
    name = "patches"
    B, height, width, side = 2, 6, 12, 3
    rows, columns = height // side, width // side
    pictures = torch.arange(B * height * width, dtype=torch.float64).reshape(B, height, width)
    copy = pictures.clone()
    out = patches(copy, side)
    right = _patches(pictures, side)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    shape, expected = tuple(out.shape), tuple(right.shape)
    yield hint(name, "not-flat"), shape not in ((B, rows, columns, side, side), (B, rows * columns, side, side))
    yield hint(name, "grid"), shape != (B, rows, columns, side * side)
    yield hint(name, "one-sequence"), shape != (B * rows * columns, side * side)
    yield hint(name, "axes"), shape != (B, side * side, rows * columns)
    yield hint(name, "shape", shape=shape, expected=expected), shape == expected
    cut = pictures.reshape(B, rows, side, columns, side)
    for mistake, wrong in (
        ("plain", pictures),
        ("columns-first", cut.permute(0, 3, 1, 2, 4)),
        ("pixels-by-column", cut.permute(0, 1, 3, 4, 2)),
        ("both-by-column", cut.permute(0, 3, 1, 4, 2)),
        ("sizes-mixed", pictures.reshape(B, columns, side, rows, side).transpose(2, 3)),
        ("scattered", pictures.reshape(B, side, rows, side, columns).permute(0, 2, 4, 1, 3)),
    ):
        yield hint(name, mistake), not torch.equal(out, wrong.reshape(right.shape))
    token = int((out != right).any(-1)[0].double().argmax())
    yield hint(name, "value", token=token), torch.equal(out, right)
    yield hint(name, "changed"), torch.equal(copy, pictures)
    # A square that fits the number of pixels need not fit the picture.
    for height, width, side in ((8, 7, 4), (7, 8, 4), (2, 8, 4), (8, 2, 4)):
        numbers = {"height": height, "width": width, "side": side}
        error = None
        try:
            patches(random(1, height, width), side)
        except Exception as raised:
            error = raised
        yield hint(name, "not-refused", **numbers), error is not None
        yield hint(name, "other-error", error=type(error).__name__, **numbers), isinstance(error, ValueError)
    for B, height, width, side in ((1, 4, 4, 4), (3, 8, 8, 2), (2, 3, 5, 1), (4, 10, 15, 5)):
        other = random(B, height, width)
        same = torch.equal(patches(other.clone(), side), _patches(other, side))
        yield hint(name, "other-sizes", B=B, height=height, width=width, side=side), same


# ---------------------------------------------------------------- 4


def _layer_costs(T: int, D: int, d_state: int) -> tuple[int, int, float]:
    return 2 * T * T * D + 4 * T * D * D, 4 * T * (D + d_state) * d_state, 2 * (D + d_state) * d_state / D - 2 * D


@checker("layer-costs", reference=_layer_costs)
def _(layer_costs) -> Verdicts:
    name = "layer-costs"
    sizes = T, D, d_state = 7, 5, 6
    answer = layer_costs(*sizes)
    yield say("exercise.returned-none"), answer is not None
    yield hint(name, "three"), isinstance(answer, (tuple, list)) and len(answer) == 3
    attention, lstm, length = answer
    pairs, square = T * T * D, T * D * D  # one product over all pairs of tokens; one product with a (D, D) matrix
    gate = T * (D + d_state) * d_state
    right = _layer_costs(*sizes)
    yield hint(name, "exchanged"), (lstm, attention) != right[:2]
    for mistake, wrong in (
        ("no-projections", (2 * pairs, pairs)),
        ("no-output", (2 * pairs + 3 * square,)),
        ("one-projection", (2 * pairs + square, pairs + square)),
        ("half-of-pairs", (pairs + 4 * square, pairs + 3 * square)),
        ("no-pairs", (4 * square, 3 * square)),
        ("linear", (2 * square + 4 * square,)),
        ("with-feed-forward", (2 * pairs + 12 * square,)),
        ("pairs-without-size", (2 * T * T + 4 * square,)),
        ("projections-of-pairs", (2 * pairs + 4 * pairs * D,)),
        ("doubled", (2 * right[0],)),
    ):
        yield hint(name, mistake), attention not in wrong
    yield hint(name, "attention", value=attention, T=T, D=D), attention == right[0]
    for mistake, wrong in (
        ("one-gate", (gate,)),
        ("three-gates", (3 * gate,)),
        ("token-alone", (4 * T * D * d_state, T * D * d_state)),
        ("state-alone", (4 * T * d_state * d_state, T * d_state * d_state)),
        ("equal-sizes", (8 * square, 8 * T * d_state * d_state, 2 * square)),
        ("lstm-of-pairs", (4 * T * gate, T * gate)),
        ("one-step", (4 * (D + d_state) * d_state, (D + d_state) * d_state)),
        ("doubled", (2 * right[1],)),
    ):
        yield hint(name, mistake), lstm not in wrong
    yield hint(name, "lstm", value=lstm, T=T, D=D, d_state=d_state), lstm == right[1]
    for mistake, wrong in (
        ("growth", (D, d_state, d_state * d_state / D)),
        ("core-only", (2 * (D + d_state) * d_state / D,)),
        ("equal-length", (2 * D, 2 * d_state)),
        ("quotient", (lstm / attention, attention / lstm)),
    ):
        yield hint(name, mistake), not any(math.isclose(length, one) for one in wrong)
    yield hint(name, "length", value=length, D=D, d_state=d_state), math.isclose(length, right[2])
    for T, D, d_state in ((1, 1, 1), (64, 32, 32), (100, 3, 7), (12, 96, 40)):
        same = all(
            math.isclose(a, b, abs_tol=1e-9)
            for a, b in zip(layer_costs(T, D, d_state), _layer_costs(T, D, d_state), strict=True)
        )
        yield hint(name, "other-sizes", T=T, D=D, d_state=d_state), same


# ---------------------------------------------------------------- 5

_Read = Callable[[Tensor], Tensor]


def _recall_shares(
    x: Tensor,
    answers: Tensor,
    lstm: nn.LSTM,
    W_Q: Tensor,
    W_K: Tensor,
    W_V: Tensor,
    read_state: _Read,
    read_found: _Read,
) -> tuple[float, float]:
    """The two readers of :mod:`course_lib.recall`, without what they share: the tables of vectors."""
    state = lstm(x.transpose(0, 1))[0][-1]
    found = scaled_dot_product_attention(x[:, -1:] @ W_Q, x @ W_K, x @ W_V)[0][:, 0]
    share, other = (
        (logits.argmax(-1) == answers).double().mean().item() for logits in (read_state(state), read_found(found))
    )
    return share, other


class _Recorded:
    """A read-out, (B, size) → (B, number of values), that remembers what it got, call by call."""

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.got = weight, []

    def __call__(self, vectors: Tensor) -> Tensor:
        self.got.append(vectors.detach().clone() if isinstance(vectors, Tensor) else vectors)
        return vectors @ self.weight


def _layers(D: int, d_state: int, d_k: int, d_v: int, seed: int = 20) -> tuple[LSTM, list[Tensor], list[Tensor]]:
    """The course's LSTM; the three matrices of attention; the weights of the two read-outs, for four values."""
    layer = LSTM(D, d_state, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weight in layer.parameters():
            weight.mul_(2)
    W = [random(D, size, seed=seed + n) for n, size in enumerate((d_k, d_k, d_v))]
    return layer, W, [random(size, 4, seed=seed + 3 + n) for n, size in enumerate((d_state, d_v))]


def _by_default(layer: LSTM) -> nn.LSTM:
    """PyTorch's LSTM with these weights, as it is made unless one asks for something else: tokens first."""
    twin = to_torch(layer)
    twin.batch_first = False
    return twin


@checker("recall-hunt", reference=_recall_shares)
def _(recall_shares) -> Verdicts:
    name = "recall-hunt"
    B, T, D, d_state, d_k, d_v = 7, 5, 4, 3, 2, 6
    layer, W, weights = _layers(D, d_state, d_k, d_v)
    x, answers = random(B, T, D), torch.tensor([2, 0, 1, 1, 0, 3, 2])

    def run(x: Tensor) -> tuple[Any, list[_Recorded]]:
        recorded = [_Recorded(weight) for weight in weights]
        with torch.no_grad():
            return recall_shares(x, answers.clone(), _by_default(layer), *W, *recorded), recorded

    copy = x.clone()
    out, recorded = run(copy)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "pair"), isinstance(out, (tuple, list)) and len(out) == 2
    for which, read in zip(("read_state", "read_found"), recorded, strict=True):
        yield hint(name, "not-called", which=which), bool(read.got)
        yield hint(name, "called-twice", which=which), len(read.got) == 1
    for which, read, size in zip(("read_state", "read_found"), recorded, (d_state, d_v), strict=True):
        shape = tuple(read.got[0].shape)
        yield hint(name, "shape", which=which, shape=shape, expected=(B, size)), shape == (B, size)
    state, found = (read.got[0] for read in recorded)

    def moved(reader: int, text: int, place: int) -> Tensor:
        """Which sequences' vectors change with one token of one sequence, (B,)."""
        other = x.clone()
        other[text, place] += 1
        return ~torch.isclose(run(other)[1][reader].got[0], recorded[reader].got[0], rtol=0, atol=1e-12).all(-1)

    def meets_others(reader: int) -> bool:
        return any(
            moved(reader, text, place)[torch.arange(B) != text].any() for text in (0, B - 1) for place in (0, -1)
        )

    # What is read of the LSTM.
    with torch.no_grad():
        states = layer(x)
        cell = _by_default(layer)(x.transpose(0, 1))[1][1][0]
    yield hint(name, "state-of-others"), not meets_others(0)
    yield hint(name, "question-unread"), moved(0, 1, -1)[1]
    for mistake, wrong in (
        ("cell", cell),
        ("mean-state", states.mean(1)),
        ("last-token-alone", layer(x[:, -1:])[:, 0]),
    ):
        yield hint(name, mistake), not close(state, wrong)
    yield hint(name, "state"), close(state, states[:, -1])

    # What attention finds.
    W_Q, W_K, W_V = W
    values = x @ W_V
    right = scaled_dot_product_attention(x[:, -1:] @ W_Q, x @ W_K, values)[0][:, 0]
    yield hint(name, "found-of-others"), not meets_others(1)
    yield hint(name, "all-weights-one"), not close(found, values.sum(1))
    yield hint(name, "equal-weights"), not close(found, values.mean(1))
    asked_first = scaled_dot_product_attention(x[:, :1] @ W_Q, x @ W_K, values)[0][:, 0]
    yield hint(name, "first-asks"), not close(found, asked_first)
    everybody = scaled_dot_product_attention(x @ W_Q, x @ W_K, values)[0]
    yield hint(name, "all-ask"), not (close(found, everybody.mean(1)) or close(found, everybody.sum(1)))
    scores = (x[:, -1:] @ W_Q @ (x @ W_K).mT)[:, 0]
    for factor in (1.0, 1 / d_k, D**-0.5, d_v**-0.5):
        wrong = ((scores * factor).softmax(-1)[:, None] @ values)[:, 0]
        yield hint(name, "scale"), not close(found, wrong)
    yield hint(name, "found"), close(found, right)

    # The shares of right answers.
    logits = [vectors @ weight for vectors, weight in zip((state, found), weights, strict=True)]
    own = [(z.argmax(-1) == answers).double().mean().item() for z in logits]
    for which, answer in zip(("LSTM", "attention"), out, strict=True):
        number = isinstance(answer, (int, float)) or (isinstance(answer, Tensor) and answer.numel() == 1)
        yield hint(name, "number", which=which, kind=type(answer).__name__), number
    values = [float(answer) for answer in out]
    yield hint(name, "exchanged"), not all(math.isclose(a, b) for a, b in zip(values, own[::-1], strict=True))
    for which, value, z, expected in zip(("LSTM", "attention"), values, logits, own, strict=True):
        guess = z.argmax(-1)
        correct = (guess == answers).double()
        numbers = {"which": which, "value": f"{value:.4f}", "expected": f"{expected:.4f}"}
        for mistake, wrong in (
            ("all-pairs", (guess[:, None] == answers).double().mean()),
            ("count", correct.sum()),
            ("percent", 100 * expected),
            ("wrong-share", 1 - expected),
            ("probability", z.softmax(-1).gather(1, answers[:, None]).mean()),
        ):
            yield hint(name, mistake, **numbers), not math.isclose(value, float(wrong), abs_tol=1e-9)
        yield hint(name, "share", **numbers), math.isclose(value, expected, abs_tol=1e-9)
    yield hint(name, "changed"), torch.equal(copy, x)
    for B, T, D, d_state, d_k, d_v in ((1, 1, 2, 3, 4, 2), (6, 6, 3, 5, 3, 3), (9, 4, 5, 2, 1, 5), (20, 3, 4, 4, 4, 4)):
        layer, W, weights = _layers(D, d_state, d_k, d_v, seed=B)
        x, answers = random(B, T, D, seed=B), torch.arange(B) % 4
        shares, _ = run(x)
        expected = _recall_shares(x, answers, _by_default(layer), *W, *(_Recorded(weight) for weight in weights))
        same = all(math.isclose(float(a), b, abs_tol=1e-9) for a, b in zip(shares, expected, strict=True))
        yield hint(name, "other-sizes", B=B, T=T), same
