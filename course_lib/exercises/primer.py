"""Checkers of the primer. Sizes differ wherever equal ones would hide a mix-up of axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_lib.exercises import checker
from course_lib.exercises.asking import Verdicts, close, hint, random
from course_lib.language import say

# ---------------------------------------------------------------- 1


class _Calls(TorchFunctionMode):
    """Counts the calls of torch: a Python loop over rows makes some for every row."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.number += 1
        return function(*args, **(kwargs or {}))


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return (a[:, None] - b[None]).square().sum(dim=-1)


@checker("distances", reference=_distances)
def _(distances) -> Verdicts:
    name = "distances"
    n, m, d = 4, 3, 2
    a, b = random(n, d), random(m, d, seed=4)
    given = a.clone(), b.clone()
    out = distances(*given)
    right = _distances(a, b)
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "components"), tuple(out.shape) not in ((n, m, d), (m, n, d))
    yield hint(name, "summed-away"), tuple(out.shape) not in ((n, d), (m, d))
    yield hint(name, "transposed"), tuple(out.shape) != (m, n)
    yield hint(name, "number"), out.dim() > 0
    yield hint(name, "shape", shape=tuple(out.shape), expected=(n, m)), tuple(out.shape) == (n, m)
    out = out.double()
    product, squares = a @ b.T, a.square().sum(-1)[:, None] + b.square().sum(-1)
    yield hint(name, "root"), not close(out, right.sqrt())
    yield hint(name, "mean"), not close(out, right / d)
    yield hint(name, "product"), not close(out, product)
    yield hint(name, "not-squared"), not close(out, (a[:, None] - b).sum(-1))
    yield hint(name, "absolute"), not close(out, (a[:, None] - b).abs().sum(-1))
    yield hint(name, "sign"), not close(out, squares + 2 * product)
    yield hint(name, "once"), not (close(out, squares - product) or close(out, squares))
    yield hint(name, "value"), close(out, right)
    yield hint(name, "changed"), torch.equal(given[0], a) and torch.equal(given[1], b)
    with _Calls() as calls:
        distances(random(60, 2), random(50, 2))
    yield hint(name, "loop", number=calls.number), calls.number < 50
    for sizes in ((1, 1, 1), (5, 5, 5), (2, 7, 3)):
        x, y = random(sizes[0], sizes[2], seed=5), random(sizes[1], sizes[2], seed=6)
        yield hint(name, "other-sizes", n=sizes[0], m=sizes[1], d=sizes[2]), close(distances(x, y), _distances(x, y))


# ---------------------------------------------------------------- 2


def _logits_to_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits, targets)


@checker("logits-to-loss", reference=_logits_to_loss)
def _(logits_to_loss) -> Verdicts:
    name = "logits-to-loss"
    N, C = 5, 3
    logits, targets = random(N, C), torch.tensor([2, 0, 1, 2, 1])
    given = logits.clone().requires_grad_()
    out = logits_to_loss(given, targets.clone())
    yield say("exercise.returned-none"), out is not None
    yield hint(name, "tensor", kind=type(out).__name__), isinstance(out, Tensor)
    yield hint(name, "per-row"), tuple(out.shape) != (N,)
    yield hint(name, "number", shape=tuple(out.shape)), out.numel() == 1
    value, right = out.item(), F.cross_entropy(logits, targets).item()
    of_rows, of_columns = (logits.log_softmax(axis).gather(1, targets[:, None])[:, 0] for axis in (1, 0))

    def is_(candidate: Tensor | float) -> bool:
        return math.isclose(value, float(candidate), rel_tol=1e-6)

    yield hint(name, "negative"), not is_(of_rows.mean())
    yield hint(name, "sum"), not is_(-of_rows.sum())
    yield hint(name, "over-rows"), not (is_(-of_columns.mean()) or is_(-of_columns.sum()))
    yield hint(name, "over-classes"), not (is_(right / C) or is_(-of_rows.sum() / C))
    yield hint(name, "all-classes"), not is_(-logits.log_softmax(1).mean())
    yield hint(name, "probability"), not (is_(of_rows.exp().mean()) or is_(1 - of_rows.exp().mean()))
    yield hint(name, "mean-first"), not is_(-of_rows.exp().mean().log())
    yield hint(name, "base"), not (is_(right / math.log(2)) or is_(right / math.log(10)))
    yield hint(name, "no-denominator"), not is_(-logits.gather(1, targets[:, None]).mean())
    yield hint(name, "twice"), not is_(F.cross_entropy(logits.softmax(1), targets))
    yield hint(name, "value", value=f"{value:.4f}", expected=f"{right:.4f}"), is_(right)
    one = torch.tensor([[1000.0, 998.0]], dtype=torch.float64)
    large = float(logits_to_loss(one, torch.tensor([1])))
    yield hint(name, "overflow", value=large), math.isfinite(large)
    # One row far below the other: the largest logit of all is no help to it.
    far = torch.tensor([[0.0, 1.0], [-2000.0, -2001.0]], dtype=torch.float64)
    apart = float(logits_to_loss(far, torch.tensor([1, 0])))
    yield hint(name, "row-maximum", value=apart), math.isclose(apart, F.cross_entropy(far, torch.tensor([1, 0])).item())
    hopeless = float(logits_to_loss(torch.tensor([[0.0, -1000.0]], dtype=torch.float64), torch.tensor([1])))
    yield hint(name, "underflow", value=hopeless), math.isclose(hopeless, 1000.0)
    yield hint(name, "no-gradient"), out.requires_grad
    (gradient,) = torch.autograd.grad(out, given, allow_unused=True)
    expected = (logits.softmax(1) - F.one_hot(targets, C)) / N
    yield hint(name, "gradient"), gradient is not None and close(gradient, expected)
    yield hint(name, "changed"), torch.equal(given.detach(), logits)
    for sizes in ((1, 1), (1, 4), (7, 2)):
        some, of = random(*sizes, seed=7), torch.arange(sizes[0]) % sizes[1]
        same = math.isclose(float(logits_to_loss(some, of)), F.cross_entropy(some, of).item(), abs_tol=1e-9)
        yield hint(name, "other-sizes", N=sizes[0], C=sizes[1]), same


# ---------------------------------------------------------------- 3

_Batches = Sequence[tuple[Tensor, Tensor]]


def _train(model: nn.Module, optimizer: torch.optim.Optimizer, batches: _Batches) -> list[float]:
    losses = []
    for inputs, targets in batches:
        loss = F.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class _Watched(torch.optim.SGD):
    """Gradient descent that says what it found when it was asked to step."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__([weight], lr=0.5)
        self.weight = weight
        self.own: Tensor | None = None  # the gradient of the last backward pass alone
        self.passes = 0
        self.found: list[str] = []
        weight.register_hook(self._passed)

    def _passed(self, gradient: Tensor) -> None:
        self.own, self.passes = gradient.detach().clone(), self.passes + 1

    def step(self, closure: Any = None) -> Any:
        has = self.weight.grad is not None and bool(self.weight.grad.any())
        if self.own is None:
            self.found.append("before-backward")
        elif not has:
            self.found.append("zeroed-between")
        else:
            self.found.append("right" if torch.allclose(self.weight.grad, self.own, atol=1e-9) else "accumulated")
        self.own = None
        return super().step(closure)


def _tried(train: Callable) -> tuple[Any, _Watched, Tensor]:
    """What a training function returns, what its optimizer found, and the weights that it leaves; on a small problem."""
    model = nn.Linear(3, 4, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(random(4, 3, seed=8))
    batches = [(random(5, 3, seed=seed), torch.tensor([0, 3, 1, 2, 3])) for seed in (11, 12, 13)]
    optimizer = _Watched(model.weight)
    return train(model, optimizer, batches), optimizer, model.weight.detach().clone()


@checker("training-loop", reference=_train)
def _(train) -> Verdicts:
    name = "training-loop"
    losses, optimizer, weights = _tried(train)
    right, _, expected = _tried(_train)
    yield say("exercise.returned-none"), losses is not None
    yield hint(name, "list", kind=type(losses).__name__), isinstance(losses, (list, tuple))
    yield hint(name, "length", count=len(losses)), len(losses) == len(right)
    twice, _, _ = _tried(lambda model, *rest: _train(nn.Sequential(model, nn.Softmax(dim=-1)), *rest))
    yield hint(name, "softmax-twice"), not math.isclose(float(losses[0]), twice[0], rel_tol=1e-6)
    first = {"value": f"{float(losses[0]):.4f}", "expected": f"{right[0]:.4f}"}
    yield hint(name, "first-loss", **first), math.isclose(float(losses[0]), right[0], rel_tol=1e-6)
    yield hint(name, "no-step"), len(optimizer.found) > 0
    yield hint(name, "no-backward"), optimizer.passes > 0
    for mistake in ("before-backward", "zeroed-between", "accumulated"):
        yield hint(name, mistake), mistake not in optimizer.found
    yield hint(name, "steps", count=len(optimizer.found)), len(optimizer.found) == len(right)
    yield hint(name, "graph"), not any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses)
    yield hint(name, "value"), all(math.isclose(float(a), b, rel_tol=1e-6) for a, b in zip(losses, right, strict=True))
    yield hint(name, "weights"), close(weights, expected)
