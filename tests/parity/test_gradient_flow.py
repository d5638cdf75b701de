"""course_lib.gradient_flow against gradients through a stack that is written out by hand, and against finite differences."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.gradient_flow import (
    gradient_flow,
    stack,
    vectors_and_direction,
)

KINDS = [(residual, norm) for residual in (False, True) for norm in ("none", "pre", "post")]
SMALL = {"tokens": 5, "d_model": 6, "heads": 2}


def drawn(depth: int, seed: int, d_model: int) -> list[list[Tensor]]:
    """The matrices of every block in the order of drawing: W_Q, W_K, W_V, W_O, W_1, W_2."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(d_model, d_model)] * 4 + [(d_model, 4 * d_model), (4 * d_model, d_model)]
    return [
        [torch.randn(*s, generator=generator, dtype=torch.float64) / math.sqrt(s[0]) for s in shapes]
        for _ in range(depth)
    ]


def by_hand(matrices: list[list[Tensor]], x: Tensor, heads: int, residual: bool, norm: str) -> Tensor:
    """The stack with torch's functions only."""

    def layer_norm(vectors: Tensor) -> Tensor:
        return F.layer_norm(vectors, vectors.shape[-1:])

    def attend(vectors: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor) -> Tensor:
        q, k, v = (
            (vectors @ w).unflatten(-1, (heads, -1)).transpose(0, 1)[None] for w in (w_q, w_k, w_v)
        )  # (1, H, T, d_k)
        return F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1) @ w_o

    def feed(vectors: Tensor, w_1: Tensor, w_2: Tensor) -> Tensor:
        return F.relu(vectors @ w_1) @ w_2

    for *attention, w_1, w_2 in matrices:
        for sub, weights in ((attend, attention), (feed, (w_1, w_2))):
            change = sub(layer_norm(x) if norm == "pre" else x, *weights)
            x = x + change if residual else change
            x = layer_norm(x) if norm == "post" else x
    return x


@pytest.mark.parametrize(("residual", "norm"), KINDS)
@pytest.mark.parametrize(("depth", "seed"), [(1, 0), (3, 4)])
def test_equals_autograd_through_a_stack_written_by_hand(depth: int, seed: int, residual: bool, norm: str) -> None:
    matrices = drawn(depth, seed, SMALL["d_model"])
    x, direction = vectors_and_direction(seed, tokens=SMALL["tokens"], d_model=SMALL["d_model"])
    assert direction.shape == x.shape == (SMALL["tokens"], SMALL["d_model"])
    torch.testing.assert_close(direction.norm(), torch.tensor(1.0, dtype=torch.float64))
    for tensor in (x, *(block[4] for block in matrices)):
        tensor.requires_grad_()
    (by_hand(matrices, x, SMALL["heads"], residual, norm) * direction).sum().backward()
    wanted = [float(block[4].grad.norm()) for block in matrices]
    options = {"residual": residual, "norm": norm, "seed": seed, **SMALL}
    found = gradient_flow(depth, **options)
    assert found.weights == pytest.approx(wanted, rel=1e-8)
    assert found.at_input == pytest.approx(float(x.grad.norm()), rel=1e-8)


@pytest.mark.parametrize(("residual", "norm"), KINDS)
def test_equals_finite_differences(residual: bool, norm: str) -> None:
    """Each entry of W_1 of the first of two blocks, moved a little up and a little down."""
    encoder = stack(2, residual=residual, norm=norm, seed=2, d_model=4, heads=2)
    x, direction = vectors_and_direction(2, tokens=3, d_model=4)
    weights, step = encoder.blocks[0].feed_forward.W_1, 1e-6
    slopes = []
    with torch.no_grad():
        for at in range(weights.numel()):
            ends = []
            for by in (step, -step):
                weights.view(-1)[at] += by
                ends.append(float((encoder(x)[0] * direction).sum()))
                weights.view(-1)[at] -= by
            slopes.append((ends[0] - ends[1]) / (2 * step))
    found = gradient_flow(2, residual=residual, norm=norm, seed=2, tokens=3, d_model=4, heads=2).weights
    assert found[0] == pytest.approx(math.hypot(*slopes), rel=1e-6)


def test_stacks_of_one_seed_share_their_matrices_and_only_those() -> None:
    deep = stack(3, residual=True, norm="pre", seed=1, d_model=8, heads=2)
    shapes = [p for p in deep.parameters() if p.ndim == 2]
    for residual, norm in KINDS:
        other = stack(2, residual=residual, norm=norm, seed=1, d_model=8, heads=2)
        assert other.norm is None
        matrices = [p for p in other.parameters() if p.ndim == 2]
        assert len(matrices) == 2 * 6
        for own, theirs in zip(matrices, shapes, strict=False):
            assert torch.equal(own, theirs)
    assert not torch.equal(deep.blocks[0].feed_forward.W_1, deep.blocks[1].feed_forward.W_1)
    another = stack(3, residual=True, norm="pre", seed=2, d_model=8, heads=2)
    assert not torch.equal(deep.blocks[0].feed_forward.W_1, another.blocks[0].feed_forward.W_1)


def test_without_normalisation_there_is_nothing_to_normalise_or_to_learn_but_sub_layers() -> None:
    plain = stack(2, residual=True, norm="none", d_model=8, heads=2)
    assert not any("norm" in name for name, _ in plain.named_parameters())
    x, _ = vectors_and_direction(d_model=8)
    with torch.no_grad():
        (y, _), (doubled, _) = plain(x), plain(2 * x)
    assert float((y.norm(dim=-1) / doubled.norm(dim=-1)).max()) < 0.9, "what enters twice as long leaves longer"


@pytest.mark.parametrize(
    ("depth", "options", "message"),
    [
        (0, {"norm": "pre"}, "one block or more, not 0"),
        (1, {"norm": "both"}, "unknown norm 'both'"),
        (1, {"norm": "none", "d_model": 6, "heads": 4}, "heads"),
    ],
)
def test_what_does_not_fit_is_refused(depth: int, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradient_flow(depth, residual=True, **options)


def test_what_the_lesson_shows_holds() -> None:
    """The first block's matrix in a stack of 32: by how much its gradient differs from that in a stack of 1."""
    change = {}
    for residual, norm in KINDS:
        shallow, deep = (gradient_flow(depth, residual=residual, norm=norm).weights[0] for depth in (1, 32))
        change[residual, norm] = deep / shallow
    assert change[False, "none"] < 1e-5
    assert change[True, "none"] > 1e6
    assert change[False, "pre"] < 0.1 and change[False, "post"] < 0.1
    assert 0.1 < change[True, "post"] < 10 and 0.1 < change[True, "pre"] < 10
