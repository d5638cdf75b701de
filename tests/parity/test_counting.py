"""The counter sees what runs, and no more."""

from __future__ import annotations

import pytest
import torch

from course_lib.attention import SelfAttention, scaled_dot_product_attention, sliding_window_attention, tiled_attention
from course_lib.counting import ChainCounter, OperationCounter, WorkCounter, saved_for_backward


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_every_form_of_a_product_is_counted_with_its_size():
    a, b, c = randn(2, 3), randn(3, 5), randn(2, 5)
    with OperationCounter() as counter:
        a @ b
    assert counter.matmul == 2 * 3 * 5
    for extra, operation in (
        (30, lambda: torch.addmm(c, a, b)),
        (4 * 30, lambda: randn(4, 2, 3) @ randn(4, 3, 5)),
        (6, lambda: a @ randn(3)),
        (3, lambda: randn(3) @ randn(3)),
        (0, lambda: a + a),
    ):
        with OperationCounter() as counter:
            operation()
        assert counter.matmul == extra


def test_attention_costs_what_the_formula_says():
    for length, d_model, d_k, d_v in ((7, 5, 3, 2), (64, 16, 16, 16)):
        layer = SelfAttention(d_model, d_k, d_v)
        with OperationCounter() as counter:
            layer(randn(length, d_model))
        assert counter.matmul == length * d_model * (2 * d_k + d_v) + length**2 * (d_k + d_v)


def test_the_window_is_linear_and_tiling_changes_memory_not_work():
    counts = []
    for length in (64, 128):
        x = randn(length, 8)
        with OperationCounter() as window:
            sliding_window_attention(x, x, x, 3)
        counts.append(window.matmul)
    assert counts == [2 * 64 * 7 * 8, 2 * 128 * 7 * 8]
    with OperationCounter() as whole:
        scaled_dot_product_attention(x, x, x)
    with OperationCounter() as tiled:
        tiled_attention(x, x, x, query_block=16, key_block=16)
    assert tiled.matmul == whole.matmul
    assert whole.largest == 128 * 128 and tiled.largest == 128 * 8


def test_saved_memory_counts_each_storage_once():
    x = randn(6, 4).requires_grad_()
    with saved_for_backward() as memory:
        (x @ x.T).exp()
    assert memory.numbers == 6 * 4 + 6 * 6  # x is saved for both factors, but stands in memory once
    with saved_for_backward() as nothing, torch.no_grad():
        (x @ x.T).exp()
    assert nothing.numbers == 0


# ---------------------------------------------------------------- all work, and chains


def test_all_work_of_a_small_network_is_counted_by_hand():
    x, w, b = randn(3, 4), randn(4, 5), randn(5)
    with WorkCounter() as work:
        torch.softmax(torch.tanh(x @ w + b), dim=-1).mean()
    assert work.matmul == 3 * 4 * 5
    assert work.elsewhere == 15 + 15 + 5 * 15 + 15  # the bias, tanh, softmax, the mean
    assert work.share == 120 / (120 + work.elsewhere)


def test_without_a_matrix_product_the_share_is_nothing():
    x = randn(3, 4)
    with WorkCounter() as work:
        x * x - x
    assert work.share == 0 and work.elsewhere == 24


def test_moving_numbers_is_no_work_and_unknown_work_is_an_error():
    x = randn(3, 4)
    with WorkCounter() as work:
        torch.cat([x.T, x.T]).reshape(2, -1)[:, 1].clone()
    assert work.elsewhere == work.matmul == 0
    with pytest.raises(NotImplementedError, match="cumsum"), WorkCounter():
        x.cumsum(0)


def test_the_backward_pass_is_counted_too():
    x, w = randn(3, 4), randn(4, 5).requires_grad_()
    with WorkCounter() as forward:
        loss = torch.tanh(x @ w).sum()
    with WorkCounter() as backward:
        loss.backward()
    assert forward.matmul == backward.matmul == 60 and backward.elsewhere == 3 * 15  # x is no leaf: one product only


def test_a_chain_is_as_long_as_what_waits_for_each_other():
    x, w = randn(4, 4), randn(4, 4)
    with ChainCounter() as chain:
        side_by_side = [x @ w for _ in range(10)]
    assert chain.longest == 1
    with ChainCounter() as chain:
        y = x
        for _ in range(10):
            y = y @ w
    assert chain.longest == 10 and len(side_by_side) == 10
    with ChainCounter() as chain:
        parts = [torch.tanh(x[i]) for i in range(4)]  # looking at a part waits for nothing
        torch.stack(parts).T.sum()
    assert chain.longest == 2


def test_a_chain_goes_on_through_what_is_written_in_place_and_through_indices():
    x = randn(6)
    with ChainCounter() as chain:
        y = x + 1
        y.mul_(2)
        x[y.argmax()[None]] * 2
    assert chain.longest == 4  # sum, product, argmax, and the product of what it points at
