"""Parity: our own version of a component against the field's reference implementation, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from course_lib.language import say

#: An output or gradient must be this many tolerances large, or agreeing within the tolerance would mean nothing.
_SCALE = 1e3


def _require(condition: bool, message: str) -> None:
    """A proof must not vanish under ``python -O``, as an assert statement would."""
    if not condition:
        raise AssertionError(message)


def _floating(outputs: Any, who: str) -> list[Tensor]:
    """The floating tensors of what a side returned: a tensor, or a tuple or list of tensors and None."""
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    tensors = [t for t in tensors if t is not None]
    for t in tensors:
        _require(isinstance(t, Tensor), f"{who} returned {type(t).__name__} where a tensor was expected")
        _require(t.dtype == torch.float64, f"{who} returned {t.dtype}: parity compares in float64")
        _require(torch.isfinite(t).all(), f"{who} returned values that are not finite")
    _require(tensors, f"{who} returned no tensor")
    return tensors


def _run(function: Callable, inputs: Sequence, parameters: list[Tensor], who: str) -> tuple[list[Tensor], list]:
    """One side's outputs, and its gradients (None where nothing flows) for every floating input and every parameter."""
    own = [x.detach().clone() if isinstance(x, Tensor) else x for x in inputs]
    leaves = [x.requires_grad_() for x in own if isinstance(x, Tensor) and x.is_floating_point()]
    with torch.enable_grad():
        outputs = _floating(function(*own), who)
        # One projection per output, the same on both sides: a single backward pass then sees every entry of the output.
        generator = torch.Generator().manual_seed(0)
        total = sum((out * torch.randn(out.shape, generator=generator, dtype=torch.float64)).sum() for out in outputs)
        _require(total.requires_grad, f"{who}: no gradient flows from the output to any input or parameter")
        gradients = torch.autograd.grad(total, [*leaves, *parameters], allow_unused=True)
    return [out.detach() for out in outputs], list(gradients)


def _largest(a: Tensor) -> float:
    return a.abs().max().item() if a.numel() else 0.0


def parity(
    name: str,
    mine: Callable,
    reference: Callable,
    *inputs: Any,
    tolerance: float = 1e-10,
    parameters: Sequence[tuple] = (),
) -> None:
    """Compare two implementations over the same inputs: every output, and every gradient.

    The gradients are those of one fixed random projection of the outputs, taken with respect to every floating input
    and to every pair of parameters. The printed line gives the limits and never the measured difference, whose last
    bits depend on the CPU.

    Args:
        name: the reference's name, as the field writes it.
        mine: our implementation; a callable over ``inputs`` that returns a tensor, or a tuple of tensors and None.
        reference: the implementation to agree with, with the same signature and shapes.
        *inputs: float64 tensors of any shape; other tensors (ids, boolean masks) and values are passed on as they are.
        tolerance: the largest absolute difference allowed, for outputs and gradients alike.
        parameters: pairs ``(mine_p, reference_p)`` of leaf tensors with equal values. A third entry maps the
            reference's layout to ours where they differ: ``(W_Q, layer.in_proj_weight, lambda w: w[:d].T)``.

    Raises:
        AssertionError: if anything differs by more than ``tolerance`` (the message names the largest difference and
            where), or if the comparison would prove nothing: a floating input that is not float64, an output that is
            not finite or is too small for the tolerance, an input that neither side uses, both sides the same object.
    """
    _require(mine is not reference, f"parity {name}: both sides are the same object")
    for i, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.is_floating_point():
            _require(x.dtype == torch.float64, f"parity {name}: input {i} is {x.dtype}: parity compares in float64")
    pairs = [(mine_p, reference_p, *(rest or (lambda w: w,))) for mine_p, reference_p, *rest in parameters]
    for i, (mine_p, reference_p, layout) in enumerate(pairs):
        moved = layout(reference_p.detach())
        _require(moved.shape == mine_p.shape, f"parity {name}: parameters {i}: shapes {mine_p.shape} and {moved.shape}")
        _require(_largest(moved - mine_p.detach()) <= tolerance, f"parity {name}: parameters {i} hold different values")

    ours, our_gradients = _run(mine, inputs, [p for p, _, _ in pairs], f"parity {name}: our version")
    theirs, their_gradients = _run(reference, inputs, [p for _, p, _ in pairs], f"parity {name}: the reference")

    _require(len(ours) == len(theirs), f"parity {name}: {len(ours)} outputs and {len(theirs)} of the reference")
    where_ours = [f"output {i}" if len(ours) > 1 else "output" for i in range(len(ours))]
    compared = list(zip(where_ours, ours, theirs, strict=True))
    for where, a, b in compared:
        _require(a.shape == b.shape, f"parity {name}: {where}: shapes {tuple(a.shape)} and {tuple(b.shape)}")
        _require(
            _largest(b) >= _SCALE * tolerance,
            f"parity {name}: {where} is all but zero: choose inputs that show something",
        )

    floating = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.is_floating_point()]
    labels = [f"gradient of input {i}" for i in floating] + [f"gradient of parameters {i}" for i in range(len(pairs))]
    layouts = [lambda w: w] * len(floating) + [layout for _, _, layout in pairs]
    gradients = []
    for where, a, b, layout in zip(labels, our_gradients, their_gradients, layouts, strict=True):
        _require(a is not None or b is not None, f"parity {name}: {where}: neither side uses it")
        b = layout(b) if b is not None else torch.zeros_like(a)
        gradients.append((where, torch.zeros_like(b) if a is None else a, b))
    # One gradient may vanish by rights (a bias added to every key leaves softmax as it was), all of them may not.
    _require(
        max(_largest(b) for _, _, b in gradients) >= _SCALE * tolerance,
        f"parity {name}: all gradients are all but zero",
    )

    differences = [
        (_largest(a - b) if torch.isfinite(a).all() and torch.isfinite(b).all() else float("inf"), where)
        for where, a, b in compared + gradients
    ]
    worst, where = max(differences)
    _require(worst <= tolerance, f"parity {name}: {where} differs by {worst:.2e}, allowed {tolerance:.0e}")
    key = "parity.line" if len(gradients) != 1 else "parity.line-one"
    print(say(key, name=name, tolerance=f"{tolerance:.0e}", count=len(gradients)))
