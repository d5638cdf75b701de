"""course_lib.attention against PyTorch's own implementation, forward and gradient, and against itself by other routes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.attention import (
    SelfAttention,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
    sliding_window_attention,
    sliding_window_mask,
    tiled_attention,
)
from course_lib.parity import parity


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ours(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    return scaled_dot_product_attention(q, k, v, mask)[0]


@pytest.mark.parametrize(
    ("leading", "queries", "keys", "d_k", "d_v"),
    [((), 1, 1, 1, 1), ((), 5, 3, 7, 2), ((2,), 4, 6, 3, 5), ((2, 3), 7, 7, 5, 4), ((1,), 1, 9, 2, 11)],
)
@pytest.mark.parametrize("masked", [False, True])
def test_equals_torch_forward_and_gradient(leading, queries, keys, d_k, d_v, masked):
    q, k, v = randn(*leading, queries, d_k), randn(*leading, keys, d_k, seed=1), randn(*leading, keys, d_v, seed=2)
    mask = None
    if masked:
        mask = randn(queries, keys, seed=3) > 0
        mask[:, -1] = True
    parity(
        "scaled dot product",
        lambda *inputs: ours(*inputs, mask),
        lambda *inputs: F.scaled_dot_product_attention(*inputs, attn_mask=mask),
        q, k, v,
    )  # fmt: skip


def test_a_bias_is_added_after_the_scale_and_before_the_mask():
    q, k, v, bias = randn(2, 4, 3), randn(2, 6, 3, seed=1), randn(2, 6, 5, seed=2), randn(4, 6, seed=3)
    mask = randn(4, 6, seed=4) > -0.5
    mask[:, 0] = True
    parity(
        "scaled dot product with a bias",
        lambda q, k, v, bias: scaled_dot_product_attention(q, k, v, mask, bias=bias)[0],
        lambda q, k, v, bias: F.scaled_dot_product_attention(q, k, v, attn_mask=bias.masked_fill(~mask, -math.inf)),
        q, k, v, bias,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        lambda q, k, v: (q @ k.mT).softmax(-1) @ v,
        lambda q, k, v: (q @ k.mT / math.sqrt(v.shape[-1])).softmax(-1) @ v,
        lambda q, k, v: (q @ k.mT / math.sqrt(k.shape[-1])).softmax(-2) @ v,
        lambda q, k, v: ours(q, k.detach(), v),
    ],
    ids=["no scale", "root of d_v", "softmax over queries", "no gradient to the keys"],
)
def test_parity_notices_planted_faults(fault):
    with pytest.raises(AssertionError):
        parity(
            "planted",
            fault,
            F.scaled_dot_product_attention,
            randn(2, 4, 3),
            randn(2, 6, 3, seed=1),
            randn(2, 6, 5, seed=2),
        )


def test_weights_sum_to_one_and_a_query_that_sees_nothing_gets_zeros():
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    q, k, v = (randn(3, 2).requires_grad_(), randn(4, 2, seed=1).requires_grad_(), randn(4, 5, seed=2).requires_grad_())
    output, weights = scaled_dot_product_attention(q, k, v, mask)
    assert torch.allclose(weights.sum(-1), torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64))
    assert not output[1].any()
    torch.testing.assert_close(output, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    output.sum().backward()
    # A softmax over nothing but −∞ must not poison the gradients of the queries that do see something.
    assert q.grad[[0, 2]].isfinite().all() and v.grad.isfinite().all()


def test_module_equals_torch_with_its_weights():
    layer = SelfAttention(6, 4, 3, generator=torch.Generator().manual_seed(0))
    copies = [p.detach().clone().requires_grad_() for p in (layer.W_Q, layer.W_K, layer.W_V)]
    parity(
        "SelfAttention",
        lambda x: layer(x)[0],
        lambda x: F.scaled_dot_product_attention(*(x @ w for w in copies)),
        randn(2, 5, 6),
        parameters=list(zip((layer.W_Q, layer.W_K, layer.W_V), copies, strict=True)),
    )


def test_module_has_unit_variance_queries_and_repeats_itself():
    layer = SelfAttention(64, 48, generator=torch.Generator().manual_seed(0))
    assert abs(float((randn(2000, 64) @ layer.W_Q.detach()).std()) - 1) < 0.05
    again = SelfAttention(64, 48, generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ours(randn(2, 3), randn(2, 4), randn(2, 3)), "queries have size 3, keys have size 4"),
        (lambda: ours(randn(2, 3), randn(4, 3), randn(2, 3)), "4 keys but 2 values"),
        (lambda: ours(randn(2, 3), randn(2, 3), randn(2, 3), torch.ones(2, 2)), "must be boolean"),
        (lambda: SelfAttention(4, 2)(randn(3, 5)), "vectors have size 5.*4 rows"),
        (lambda: sliding_window_attention(randn(3, 2), randn(3, 2), randn(3, 2), -1), "must be 0 or more"),
        (lambda: sliding_window_attention(randn(3, 2), randn(4, 2), randn(4, 2), 1), "as many queries as keys"),
    ],
)
def test_errors_say_what_does_not_fit(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_masks():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert sliding_window_mask(4, 1).int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    assert sliding_window_mask(3, 0).int().tolist() == torch.eye(3).int().tolist()
    assert padding_mask(torch.tensor([3, 1]), 3).int().tolist() == [[[1, 1, 1]], [[1, 0, 0]]]


@pytest.mark.parametrize("window", [0, 1, 3, 20])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_sliding_window_equals_the_masked_matrix(window, length):
    mask = sliding_window_mask(length, window)
    parity(
        "sliding window",
        lambda q, k, v: sliding_window_attention(q, k, v, window),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=mask),
        randn(2, length, 3), randn(2, length, 3, seed=1), randn(2, length, 4, seed=2),
    )  # fmt: skip


@pytest.mark.parametrize("blocks", [(1, 1), (3, 2), (4, 100), (100, 5)])
def test_tiled_equals_the_whole_matrix(blocks):
    q, k, v = randn(2, 3, 11, 5), randn(2, 3, 13, 5, seed=1), randn(2, 3, 13, 4, seed=2)
    tiled = tiled_attention(q, k, v, query_block=blocks[0], key_block=blocks[1])
    torch.testing.assert_close(tiled, F.scaled_dot_product_attention(q, k, v), atol=1e-12, rtol=0)


def test_tiled_survives_scores_that_grow_along_the_text():
    # Each block brings a larger maximum, and exp(score) alone would overflow: the running rescaling is what is tested.
    q, k, v = 40 * torch.ones(4, 2, dtype=torch.float64), torch.arange(24.0).double().reshape(12, 2), randn(12, 3)
    torch.testing.assert_close(
        tiled_attention(q, k, v, query_block=2, key_block=3),
        F.scaled_dot_product_attention(q, k, v),
        atol=1e-12,
        rtol=0,
    )
