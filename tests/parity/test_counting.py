"""The counter sees what runs, and no more."""

from __future__ import annotations

import torch

from course_lib.attention import SelfAttention, scaled_dot_product_attention, sliding_window_attention, tiled_attention
from course_lib.counting import OperationCounter, saved_for_backward


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
