"""course_lib.multi_head against PyTorch's own layer, forward and gradient, and against itself by other routes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.attention import causal_mask, padding_mask
from course_lib.multi_head import MultiHeadAttention, key_value_cache, merge_heads, split_heads
from course_lib.parity import parity


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer(*sizes: int, seed: int = 0, **options: object) -> MultiHeadAttention:
    """A layer whose biases are not 0."""
    own = MultiHeadAttention(*sizes, generator=torch.Generator().manual_seed(seed), **options)
    with torch.no_grad():
        for name, parameter in own.named_parameters():
            if name.startswith("b_"):
                parameter.copy_(randn(*parameter.shape, seed=seed + 1))
    return own


def of_torch(d_model: int, heads: int, *, bias: bool, seed: int = 0) -> nn.MultiheadAttention:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        theirs = nn.MultiheadAttention(d_model, heads, bias=bias, batch_first=True, dtype=torch.float64)
        if bias:
            nn.init.normal_(theirs.in_proj_bias)
            nn.init.normal_(theirs.out_proj.bias)
    return theirs


def pairs(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> list[tuple]:
    """Our parameters and theirs, with what turns their layout into ours."""
    size = ours.d_model

    def part(number: int):
        return lambda w: w[number * size : (number + 1) * size].mT if w.ndim == 2 else w[number * size :][:size]

    found = [(getattr(ours, f"W_{n}"), theirs.in_proj_weight, part(i)) for i, n in enumerate("QKV")]
    found.append((ours.W_O, theirs.out_proj.weight, lambda w: w.mT))
    if ours.b_O is not None:
        found += [(getattr(ours, f"b_{n}"), theirs.in_proj_bias, part(i)) for i, n in enumerate("QKV")]
        found.append((ours.b_O, theirs.out_proj.bias))
    return found


# ------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize(("size", "heads", "length"), [(1, 1, 1), (15, 3, 7), (15, 5, 2), (6, 6, 9), (8, 1, 4)])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("masks", ["none", "causal", "padding", "both"])
def test_equals_torch_forward_and_gradient(size: int, heads: int, length: int, bias: bool, masks: str) -> None:
    theirs = of_torch(size, heads, bias=bias)
    ours = MultiHeadAttention.from_torch(theirs)
    causal = causal_mask(length) if masks in ("causal", "both") else torch.ones(length, length, dtype=torch.bool)
    lengths = torch.tensor([length, max(1, length - 2)]) if masks in ("padding", "both") else torch.full((2,), length)
    visible = padding_mask(lengths, length)

    def reference(x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = {"attn_mask": ~causal, "key_padding_mask": ~visible[:, 0]} if masks != "none" else {}
        return theirs(x, x, x, average_attn_weights=False, **hidden)

    mask = None if masks == "none" else (visible & causal)[:, None]
    parity(
        "MHA", lambda x: ours(x, mask=mask), reference, randn(2, length, size, seed=1), parameters=pairs(ours, theirs)
    )


def test_cross_attention_equals_torch() -> None:
    theirs = of_torch(10, 2, bias=True)
    ours = MultiHeadAttention.from_torch(theirs)
    mask = padding_mask(torch.tensor([6, 3]), 6)
    parity(
        "MHA, cross",
        lambda x, y: ours(x, y, mask[:, None]),
        lambda x, y: theirs(x, y, y, key_padding_mask=~mask[:, 0], average_attn_weights=False),
        randn(2, 4, 10, seed=1), randn(2, 6, 10, seed=2),
        parameters=pairs(ours, theirs),
    )  # fmt: skip


@pytest.mark.parametrize("fault", ["scale", "split", "order", "bias"])
def test_parity_notices_planted_faults(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_torch(12, 3, bias=True)
    ours = MultiHeadAttention.from_torch(theirs)
    if fault == "scale":  # by the root of D
        monkeypatch.setattr(
            "course_lib.multi_head.scaled_dot_product_attention", lambda q, k, v, m, bias: _attend(q, k, v, 12)
        )
    elif fault == "split":  # cut without bringing the heads to the front
        monkeypatch.setattr(
            "course_lib.multi_head.split_heads", lambda x, h: x.reshape(*x.shape[:-2], h, x.shape[-2], -1)
        )
    elif fault == "order":
        monkeypatch.setattr("course_lib.multi_head.merge_heads", lambda z: z.flip(-3).transpose(-2, -3).flatten(-2))
    else:
        with torch.no_grad():
            ours.b_V.zero_()
    with pytest.raises(AssertionError):
        parity("planted", lambda x: ours(x)[0], lambda x: theirs(x, x, x)[0], randn(2, 5, 12, seed=1))


def _attend(q: Tensor, k: Tensor, v: Tensor, size: int) -> tuple[Tensor, Tensor]:
    weights = (q @ k.mT / math.sqrt(size)).softmax(-1)
    return weights @ v, weights


@pytest.mark.parametrize("bias", [False, True])
def test_weights_go_to_torch_and_come_back(bias: bool) -> None:
    ours = layer(12, 4, bias=bias)
    theirs = ours.to_torch()
    assert theirs.batch_first and (theirs.in_proj_bias is not None) == bias
    x = randn(2, 5, 12, seed=3)
    torch.testing.assert_close(ours(x)[0], theirs(x, x, x)[0], atol=1e-12, rtol=0)
    back = MultiHeadAttention.from_torch(theirs)
    assert back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(back.state_dict()[name], value) for name, value in ours.state_dict().items())
    with torch.no_grad():
        theirs.out_proj.weight.zero_()
    assert ours.W_O.any(), "the weights are copied, not shared"


@pytest.mark.parametrize("kv_heads", [1, 2, 3, 6])
def test_shared_keys_equal_torch(kv_heads: int) -> None:
    ours = layer(12, 6, kv_heads=kv_heads, d_k=5, d_v=5, bias=True)
    copies = {name: p.detach().clone().requires_grad_() for name, p in ours.named_parameters()}

    def reference(x: Tensor) -> Tensor:
        q, k, v = (split_heads(x @ copies[f"W_{n}"] + copies[f"b_{n}"], 6 if n == "Q" else kv_heads) for n in "QKV")
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return merge_heads(z) @ copies["W_O"] + copies["b_O"]

    parameters = [(p, copies[name]) for name, p in ours.named_parameters()]
    parity("GQA", lambda x: ours(x, mask=causal_mask(7))[0], reference, randn(2, 7, 12, seed=1), parameters=parameters)


# ---------------------------------------------------------------------------------------------- by other routes


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_equals_a_loop_over_heads_written_out(kv_heads: int) -> None:
    ours = layer(7, 4, kv_heads=kv_heads, d_k=3, d_v=5, bias=True)
    x, y = randn(5, 7, seed=2), randn(6, 7, seed=3)
    total, maps = ours.b_O, []
    for h in range(4):
        group = h // (4 // kv_heads)
        keys, values = slice(3 * group, 3 * group + 3), slice(5 * group, 5 * group + 5)
        query = x @ ours.W_Q[:, 3 * h : 3 * h + 3] + ours.b_Q[3 * h : 3 * h + 3]
        scores = query @ (y @ ours.W_K[:, keys] + ours.b_K[keys]).T / math.sqrt(3)
        maps.append(scores.softmax(-1))
        total = total + maps[-1] @ (y @ ours.W_V[:, values] + ours.b_V[values]) @ ours.W_O[5 * h : 5 * h + 5]
    output, weights = ours(x, y)
    torch.testing.assert_close(output, total, atol=1e-12, rtol=0)
    torch.testing.assert_close(weights, torch.stack(maps), atol=1e-12, rtol=0)


def test_the_output_is_the_sum_of_the_contributions() -> None:
    ours, x = layer(12, 3, d_v=7, bias=True), randn(2, 5, 12, seed=2)
    parts = ours.contributions(x)
    assert parts.shape == (2, 3, 5, 12)
    torch.testing.assert_close(parts.sum(-3) + ours.b_O, ours(x)[0], atol=1e-12, rtol=0)
    gate = torch.tensor([1.0, 0.0, 0.5], dtype=torch.float64)
    gated = parts[:, 0] + 0.5 * parts[:, 2] + ours.b_O
    torch.testing.assert_close(ours(x, gate=gate)[0], gated, atol=1e-12, rtol=0)


def test_heads_are_cut_from_columns_and_joined_again() -> None:
    x = torch.arange(1, 19).reshape(3, 6)
    heads = split_heads(x, 3)
    assert heads.tolist()[0] == [[1, 2], [7, 8], [13, 14]] and heads.shape == (3, 3, 2)
    assert torch.equal(merge_heads(heads), x)
    batch = randn(2, 3, 5, 12)
    assert split_heads(batch, 4).shape == (2, 3, 4, 5, 3) and torch.equal(merge_heads(split_heads(batch, 4)), batch)


@pytest.mark.parametrize("bias", [False, True])
def test_grouping_heads_that_are_alike_changes_nothing_and_others_are_averaged(bias: bool) -> None:
    ours, x = layer(8, 4, d_k=3, d_v=2, bias=bias), randn(5, 8, seed=2)
    one = ours.grouped(1)
    torch.testing.assert_close(one.W_K, ours.W_K.unflatten(1, (4, 3)).mean(1))
    assert torch.equal(one.W_Q, ours.W_Q) and torch.equal(one.W_O, ours.W_O)
    two = ours.grouped(2)
    torch.testing.assert_close(two.W_V[:, 2:], (ours.W_V[:, 4:6] + ours.W_V[:, 6:8]) / 2)
    names = ("W_K", "W_V", "b_K", "b_V") if bias else ("W_K", "W_V")
    with torch.no_grad():
        for name in names:
            getattr(ours, name).copy_(getattr(two, name).unflatten(-1, (2, -1)).repeat_interleave(2, -2).flatten(-2))
    torch.testing.assert_close(two(x)[0], ours(x)[0], atol=1e-12, rtol=0)
    torch.testing.assert_close(two.grouped(1)(x)[0], ours.grouped(1)(x)[0], atol=1e-12, rtol=0)


def test_a_bias_is_added_to_the_scores_and_queries_and_keys_can_be_turned() -> None:
    ours, x, bias = layer(12, 3, bias=True), randn(2, 5, 12, seed=2), randn(3, 5, 5, seed=4)
    copies = {name: p.detach().clone() for name, p in ours.named_parameters()}

    def reference(x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = (split_heads(x @ copies[f"W_{n}"] + copies[f"b_{n}"], 3) for n in "QKV")
        z = F.scaled_dot_product_attention(
            q.flip(-1).cumsum(-1), k.flip(-1).cumsum(-1), v, attn_mask=bias.expand(2, 3, 5, 5)
        )
        return merge_heads(z) @ copies["W_O"] + copies["b_O"]

    def mine(x: Tensor, bias: Tensor) -> Tensor:
        return ours(x, bias=bias, rotate=lambda t: t.flip(-1).cumsum(-1))[0]

    parity("bias", mine, reference, x, bias)


def test_initial_weights_keep_the_variance_and_repeat_themselves() -> None:
    ours = layer(64, 4)
    x = randn(2000, 64)
    assert abs(float((x @ ours.W_Q.detach()).std()) - 1) < 0.05
    assert abs(float((x @ ours.W_O.detach()).std()) - 1) < 0.05
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), layer(64, 4).parameters(), strict=True))
    assert MultiHeadAttention(4, 2, dtype=torch.float32)(torch.zeros(3, 4))[0].dtype == torch.float32


def test_a_query_that_sees_nothing_gets_the_bias_alone() -> None:
    ours = layer(6, 2, bias=True)
    mask = torch.ones(4, 4, dtype=torch.bool)
    mask[1] = False
    output, weights = ours(randn(4, 6), mask=mask)
    assert not weights[:, 1].any()
    torch.testing.assert_close(output[1], ours.b_O)


# ------------------------------------------------------------------------------------------------------- the cache


def test_the_cache_is_what_keys_and_values_take() -> None:
    ours = layer(12, 6, kv_heads=2)
    x = randn(9, 12)
    kept = [split_heads(x @ w, 2) for w in (ours.W_K, ours.W_V)]
    assert key_value_cache(3, 2, ours.d_k, 9, bytes_per_number=8) == 3 * sum(part.numel() * 8 for part in kept)
    assert key_value_cache(32, 8, 128, 1) == 131072


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MultiHeadAttention(10, 3), "vectors of size 10 cannot be cut into 3 heads"),
        (lambda: MultiHeadAttention(12, 6, kv_heads=4), "6 query heads cannot be shared out evenly among 4"),
        (lambda: MultiHeadAttention(12, 0), "0 query heads"),
        (lambda: split_heads(randn(2, 5), 2), "size 5 cannot be cut into 2"),
        (lambda: layer(4, 2)(randn(3, 5)), "size 5, the heads expect D = 4"),
        (lambda: layer(4, 2)(randn(3, 4), randn(3, 6)), "size 6, the heads expect D = 4"),
        (lambda: layer(4, 2)(randn(3, 4), mask=torch.ones(3, 3)), "must be boolean"),
        (lambda: layer(4, 2, kv_heads=1).to_torch(), "a head of keys and values for each"),
        (lambda: layer(4, 2, d_k=3).to_torch(), "H·d_k = H·d_v = D"),
        (lambda: MultiHeadAttention.from_torch(nn.MultiheadAttention(4, 2, kdim=3)), "kdim"),
        (lambda: MultiHeadAttention.from_torch(nn.MultiheadAttention(4, 2, add_bias_kv=True)), "add_bias_kv"),
        (lambda: MultiHeadAttention.from_torch(nn.MultiheadAttention(4, 2, add_zero_attn=True)), "add_zero_attn"),
        (lambda: layer(12, 6).grouped(4), "6 heads of keys and values do not make 4 groups"),
        (lambda: key_value_cache(0, 1, 1, 1), "layers must be 1 or more"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
