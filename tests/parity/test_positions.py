"""course_lib.positions against the models of Hugging Face transformers, forward and gradient, and by other routes.

Their programs fix float32 here and there: for a comparison in float64 they are run as they stand, but see ``in_float64``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import LlamaConfig, T5Config
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.gptj import modeling_gptj as gptj
from transformers.models.llama import modeling_llama as llama
from transformers.models.t5.modeling_t5 import T5Attention

from course_lib import positions
from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.multi_head import MultiHeadAttention, merge_heads, split_heads
from course_lib.parity import parity
from course_lib.positions import (
    LearnedPositions,
    T5Bias,
    alibi_bias,
    alibi_slopes,
    distances,
    frequencies,
    relative_bucket,
    rotate,
    shift_matrix,
    sinusoidal_table,
)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a: Tensor, b: Tensor, atol: float = 1e-12) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


class _Wider(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        def wider(value: object) -> object:
            return torch.float64 if value is torch.float32 else value

        func = torch.Tensor.double if func is torch.Tensor.float else func
        return func(*map(wider, args), **{name: wider(value) for name, value in (kwargs or {}).items()})


@contextmanager
def in_float64() -> Iterator[None]:
    """Every float32 that a reference writes in its program is float64 here; the program itself is untouched."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Wider():
            yield
    finally:
        torch.set_default_dtype(before)


# ---------------------------------------------------------------------------------------------------------- rotary


def llama_config(size: int, base: float, **options: object) -> LlamaConfig:
    rope = {"rope_type": "default", "rope_theta": base}
    return LlamaConfig(head_dim=size, rope_parameters=rope, attn_implementation="eager", **options)


def llama_angles(x: Tensor, positions: Tensor, base: float) -> tuple[Tensor, Tensor]:
    """(cos, sin) of Llama's own module, each (1, T, d_k)."""
    return llama.LlamaRotaryEmbedding(llama_config(x.shape[-1], base))(x, positions[None])


def of_llama(query: Tensor, key: Tensor, positions: Tensor | None = None, base: float = 1e4) -> tuple[Tensor, Tensor]:
    with in_float64():
        positions = torch.arange(query.shape[-2]) if positions is None else positions
        return llama.apply_rotary_pos_emb(query, key, *llama_angles(query, positions, base))


def of_gptj(x: Tensor) -> Tensor:
    """GPT-J has the heads after the tokens, and always the base 10,000."""
    with in_float64():
        sin, cos = gptj.create_sinusoidal_positions(x.shape[-2], x.shape[-1]).chunk(2, dim=-1)
        return gptj.apply_rotary_pos_emb(x.transpose(1, 2), sin[None], cos[None]).transpose(1, 2)


def of_complex(x: Tensor, positions: Tensor | None = None, base: float = 1e4) -> Tensor:
    """Each pair is a complex number, and a turn is a multiplication by e^(iωt)."""
    size = x.shape[-1]
    positions = torch.arange(x.shape[-2]) if positions is None else positions
    omega = torch.tensor([math.exp(-math.log(base) * i / size) for i in range(0, size, 2)], dtype=torch.float64)
    turn = torch.polar(torch.ones((), dtype=torch.float64), positions.double()[..., None] * omega)
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turn).flatten(-2)


ODD_PLACES = torch.tensor([0.0, 0.25, -3.0, 7.5, 1000.0, 12_345.0, 2.0], dtype=torch.float64)
ROTARY = pytest.mark.parametrize(
    ("batch", "heads", "length", "size"), [(1, 1, 1, 2), (2, 3, 7, 6), (1, 2, 13, 10), (3, 1, 64, 128)]
)
BASES = pytest.mark.parametrize("base", [1.5, 100.0, 10_000.0, 500_000.0])


@ROTARY
@BASES
def test_halves_equal_llama(batch: int, heads: int, length: int, size: int, base: float) -> None:
    parity(
        "RoPE, Llama",
        lambda q, k: (rotate(q, base=base, layout="halves"), rotate(k, base=base, layout="halves")),
        lambda q, k: of_llama(q, k, base=base),
        randn(batch, heads, length, size), randn(batch, heads, length, size, seed=1),
    )  # fmt: skip


@ROTARY
@BASES
def test_pairs_equal_multiplication_by_complex_numbers(
    batch: int, heads: int, length: int, size: int, base: float
) -> None:
    x = randn(batch, heads, length, size)
    parity("RoPE", lambda x: rotate(x, base=base), lambda x: of_complex(x, base=base), x)


@ROTARY
def test_pairs_equal_gptj(batch: int, heads: int, length: int, size: int) -> None:
    parity("RoPE, GPT-J", rotate, of_gptj, randn(batch, heads, length, size))


def test_positions_may_be_any_numbers() -> None:
    x = randn(2, 3, 7, 6)
    parity("RoPE", lambda x: rotate(x, ODD_PLACES), lambda x: of_complex(x, ODD_PLACES), x)
    parity(
        "RoPE, Llama",
        lambda x: rotate(x, ODD_PLACES, layout="halves"),
        lambda x: of_llama(x, x, ODD_PLACES)[0],
        x,
    )


def test_positions_of_each_text_of_a_batch_and_vectors_without_a_batch() -> None:
    x, places = randn(2, 3, 5, 4), torch.tensor([[0, 1, 2, 3, 4], [7, 9, 4, 4, 0]])
    turned = rotate(x, places[:, None])
    for text in range(2):
        for token, place in enumerate(places[text].tolist()):
            for head in range(3):
                alone = rotate(x[text, head, token : token + 1], torch.tensor([place]))
                close(turned[text, head, token], alone[0])


def test_one_layout_is_the_other_after_a_permutation_of_columns() -> None:
    x, size = randn(2, 3, 7, 10), 10
    order = torch.tensor([0, 2, 4, 6, 8, 1, 3, 5, 7, 9])
    close(rotate(x)[..., order], rotate(x[..., order], layout="halves"))
    assert (rotate(x) - rotate(x, layout="halves")).abs().max() > 0.1
    # As the docstring says: the permutation may be applied to the columns of W_Q and W_K, head by head.
    layer = MultiHeadAttention(20, 2, kv_heads=1, generator=torch.Generator().manual_seed(0))
    x = randn(2, 7, 20, seed=1)
    before = layer(x, rotate=rotate)
    with torch.no_grad():
        for weight in (layer.W_Q, layer.W_K):
            weight.copy_(weight.unflatten(1, (-1, size))[..., order].flatten(1))
    after = layer(x, rotate=lambda t: rotate(t, layout="halves"))
    for a, b in zip(before, after, strict=True):
        close(a, b)


@pytest.mark.parametrize("layout", ["pairs", "halves"])
@pytest.mark.parametrize("shift", [1, 5, -3, 1000, 0.5, -2.75, math.pi])
def test_dot_products_depend_on_the_difference_of_positions_only(layout: str, shift: float) -> None:
    query, key, places = randn(7, 6), randn(7, 6, seed=1), torch.arange(7.0, dtype=torch.float64)

    def scores(of_queries: Tensor, of_keys: Tensor) -> Tensor:
        return rotate(query, of_queries, layout=layout) @ rotate(key, of_keys, layout=layout).T

    close(scores(places + shift, places + shift), scores(places, places), atol=1e-11)
    assert (scores(places + shift, places) - scores(places, places)).abs().max() > 0.1


@pytest.mark.parametrize("layout", ["pairs", "halves"])
def test_turning_keeps_lengths_and_position_0_changes_nothing(layout: str) -> None:
    x = randn(2, 3, 7, 6)
    close(rotate(x, ODD_PLACES, layout=layout).norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(rotate(x, layout=layout)[..., 0, :], x[..., 0, :])
    assert torch.equal(rotate(x, torch.zeros(7), layout=layout), x)


def test_turning_and_turning_back() -> None:
    x = randn(2, 7, 6)
    close(rotate(rotate(x, ODD_PLACES), -ODD_PLACES), x)
    close(rotate(rotate(x, ODD_PLACES), ODD_PLACES), rotate(x, 2 * ODD_PLACES), atol=1e-10)


def test_float32_equals_llama_untouched() -> None:
    x = randn(1, 2, 300, 64).float()
    cos, sin = llama_angles(x, torch.arange(300), 1e4)
    theirs, _ = llama.apply_rotary_pos_emb(x, x, cos, sin)
    assert theirs.dtype == torch.float32
    # An angle of 300 radians is known to 3e-5 in float32.
    torch.testing.assert_close(rotate(x, layout="halves"), theirs, atol=2e-4, rtol=0)


def test_low_precision_tells_neighbouring_positions_apart() -> None:
    x = torch.ones(400, 4, dtype=torch.bfloat16)
    turned = rotate(x)
    assert turned.dtype == torch.bfloat16
    # bfloat16 knows 256 and 258, but not 257.
    torch.testing.assert_close(turned.double(), rotate(x.double()), atol=2e-2, rtol=0)
    assert not torch.equal(turned[256], turned[257])


def test_whole_numbers_are_turned_as_if_they_were_not_whole() -> None:
    turned = rotate(torch.tensor([[1, 0], [1, 0]]))
    assert turned.dtype == torch.float32
    close(turned[1], torch.tensor([math.cos(1), math.sin(1)]), atol=1e-6)


def test_the_turned_vectors_stay_on_their_device() -> None:
    assert rotate(torch.zeros(3, 4, device="meta")).device.type == "meta"


ROTARY_FAULTS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    # x in two halves a, b, with the cosines and sines of the right angles.
    "sin and cos swapped": lambda x, c, s: _turned(x, s, c),
    "wrong sign of one sine": lambda x, c, s: torch.cat([_a(x) * c + _b(x) * s, _a(x) * s + _b(x) * c], -1),
    "turned the other way": lambda x, c, s: _turned(x, c, -s),
    "base left out": lambda x, c, s: rotate(x, layout="halves"),
    "the other layout": lambda x, c, s: rotate(x, base=100.0),
    "dead first channel": lambda x, c, s: _turned(x, torch.cat([c[:, :1] * 0 + 1, c[:, 1:]], -1), s * _not_first(s)),
    "positions from 1": lambda x, c, s: rotate(x, torch.arange(1, 8), base=100.0, layout="halves"),
    "size instead of its half": lambda x, c, s: _turned(x, *_angles(x, 12)),
    "no gradient": lambda x, c, s: x + (_turned(x, c, s) - x).detach(),
}


def _a(x: Tensor) -> Tensor:
    return x[..., : x.shape[-1] // 2]


def _b(x: Tensor) -> Tensor:
    return x[..., x.shape[-1] // 2 :]


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.cat([_a(x) * cos - _b(x) * sin, _a(x) * sin + _b(x) * cos], dim=-1)


def _not_first(x: Tensor) -> Tensor:
    return (torch.arange(x.shape[-1]) > 0).to(x.dtype)


def _angles(x: Tensor, size: int) -> tuple[Tensor, Tensor]:
    angles = torch.arange(x.shape[-2])[:, None] * frequencies(size, 100.0)[: x.shape[-1] // 2]
    return angles.cos(), angles.sin()


@pytest.mark.parametrize("fault", [None, *ROTARY_FAULTS])
def test_parity_notices_planted_faults_of_rotary_positions(fault: str | None) -> None:
    x = randn(2, 3, 7, 6)

    def compare() -> None:
        mine = ROTARY_FAULTS[fault] if fault else _turned
        parity("planted", lambda x: mine(x, *_angles(x, 6)), lambda x: of_llama(x, x, base=100.0)[0], x)

    if fault is None:
        compare()  # without a fault the same comparison succeeds
        return
    with pytest.raises(AssertionError, match="differs by"):
        compare()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_a_whole_layer_equals_llama(kv_heads: int, masked: bool) -> None:
    config = llama_config(6, 500.0, hidden_size=20, num_attention_heads=4, num_key_value_heads=kv_heads)
    theirs = llama.LlamaAttention(config, layer_idx=0).double()
    ours = MultiHeadAttention(20, 4, kv_heads=kv_heads, d_k=6, generator=torch.Generator().manual_seed(0))
    parameters = [
        (ours.W_Q, theirs.q_proj.weight, lambda w: w.T),
        (ours.W_K, theirs.k_proj.weight, lambda w: w.T),
        (ours.W_V, theirs.v_proj.weight, lambda w: w.T),
        (ours.W_O, theirs.o_proj.weight, lambda w: w.T),
    ]
    copy(parameters)
    mask = causal_mask(7) if masked else None
    added = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    if masked:
        added = added.masked_fill(~mask, -math.inf)

    def reference(x: Tensor) -> Tensor:
        with in_float64():
            angles = llama_angles(x.new_zeros(1, 6), torch.arange(7), 500.0)
            return theirs(x, position_embeddings=angles, attention_mask=added)[0]

    parity(
        "attention of Llama",
        lambda x: ours(x, mask=mask, rotate=lambda t: rotate(t, base=500.0, layout="halves"))[0],
        reference,
        randn(2, 7, 20, seed=1),
        parameters=parameters,
    )


def copy(parameters: list[tuple]) -> None:
    """Our weights into their layer; the third entry, a transposition, is its own inverse."""
    with torch.no_grad():
        for mine, theirs, *layout in parameters:
            theirs.copy_(layout[0](mine) if layout else mine)


# ----------------------------------------------------------------------------------------------------------- ALiBi


def slopes_by_loops(heads: int) -> list[float]:
    """The authors' rule, with exact exponents."""

    def of_power(power: int) -> list[Fraction]:
        return [Fraction(-8 * k, power) for k in range(1, power + 1)]

    power = 1
    while 2 * power <= heads:
        power *= 2
    exponents = of_power(power) + [e for i, e in enumerate(of_power(2 * power)) if i % 2 == 0][: heads - power]
    return [2.0**e for e in map(float, exponents)]


@pytest.mark.parametrize("heads", range(1, 21))
def test_slopes_equal_bloom_and_the_rule(heads: int) -> None:
    with in_float64():
        theirs = build_alibi_tensor(torch.ones(1, 3), heads, torch.float64)
    assert theirs.shape == (heads, 1, 3)
    close(alibi_slopes(heads), theirs[:, 0, 1])
    close(alibi_slopes(heads), torch.tensor(slopes_by_loops(heads), dtype=torch.float64))
    assert len(alibi_slopes(heads).unique()) == heads


def test_slopes_of_eight_heads_are_halves() -> None:
    assert alibi_slopes(8).tolist() == [2.0**-k for k in range(1, 9)]


@pytest.mark.parametrize("heads", [1, 3, 8, 12])
def test_attention_weights_equal_those_with_the_bias_of_bloom(heads: int) -> None:
    mask = causal_mask(9)
    with in_float64():
        theirs = build_alibi_tensor(torch.ones(1, 9), heads, torch.float64)
    difference = (alibi_bias(heads, 9) - theirs).masked_fill(~mask, 0)
    close(difference, difference[..., :1].masked_fill(~mask, 0))  # a constant per row where the query may look
    assert difference.abs().max() > 0.01
    parity(
        "ALiBi, BLOOM",
        lambda q, k, v: scaled_dot_product_attention(q, k, v, mask, bias=alibi_bias(heads, 9)),
        lambda q, k, v: scaled_dot_product_attention(q, k, v, mask, bias=theirs),
        randn(2, heads, 9, 4), randn(2, heads, 9, 4, seed=1), randn(2, heads, 9, 3, seed=2),
    )  # fmt: skip


@pytest.mark.parametrize("fault", ["steeper slopes", "distances not counted from the end", "divided by the root too"])
def test_parity_notices_planted_faults_of_alibi(fault: str) -> None:
    mask, right = causal_mask(9)[-4:], alibi_bias(3, 4, 9)
    wrong = {
        "steeper slopes": 2 * right,
        "distances not counted from the end": alibi_bias(3, 9)[:, :4],
        "divided by the root too": right / 2,
    }[fault]
    with in_float64():
        theirs = build_alibi_tensor(torch.ones(1, 9), 3, torch.float64)
    q, k, v = randn(3, 4, 4), randn(3, 9, 4, seed=1), randn(3, 9, 4, seed=2)

    def compare(bias: Tensor) -> None:
        parity(
            "planted",
            lambda q, k, v: scaled_dot_product_attention(q, k, v, mask, bias=bias)[0],
            lambda q, k, v: scaled_dot_product_attention(q, k, v, mask, bias=theirs)[0],
            q, k, v,
        )  # fmt: skip

    compare(right)
    with pytest.raises(AssertionError, match="differs by"):
        compare(wrong)


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (5, 5), (1, 7), (3, 8), (0, 4)])
def test_alibi_in_loops(queries: int, keys: int) -> None:
    bias, distance = alibi_bias(6, queries, keys), distances(queries, keys)
    assert bias.shape == (6, queries, keys) and distance.dtype == torch.int64
    for h, slope in enumerate(slopes_by_loops(6)):
        for i in range(queries):
            for j in range(keys):
                place = keys - queries + i
                assert distance[i, j] == j - place
                assert float(bias[h, i, j]) == pytest.approx(-slope * abs(j - place), abs=1e-15)


def test_a_later_step_sees_the_last_rows() -> None:
    assert torch.equal(distances(3, 8), distances(8, 8)[-3:])
    assert torch.equal(alibi_bias(3, 2, 8), alibi_bias(3, 8)[:, -2:])
    bias = T5Bias(3, buckets=8)
    assert torch.equal(bias(2, 8), bias(8)[:, -2:])


def test_no_negative_zero_is_printed() -> None:
    assert not alibi_bias(2, 4).diagonal(dim1=-2, dim2=-1).signbit().any()


# -------------------------------------------------------------------------------------------------------------- T5


def bucket_in_whole_numbers(d: int, bidirectional: bool, buckets: int, max_distance: int) -> int:
    """Without a logarithm: the j-th wide bucket begins where (d / exact)^n ≥ (max_distance / exact)^j, n of them."""
    own, first = (buckets // 2, buckets // 2 * (d > 0)) if bidirectional else (buckets, 0)
    d = abs(d) if bidirectional else max(-d, 0)
    exact = own // 2
    if d < exact:
        return first + d
    wide, j = own - exact, 0
    while j + 1 < wide and d**wide * exact ** (j + 1) >= max_distance ** (j + 1) * exact**wide:
        j += 1
    return first + exact + j


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("buckets", "max_distance"), [(32, 128), (32, 256), (16, 64), (64, 512), (8, 20), (10, 160), (6, 9), (40, 300)]
)
def test_buckets_equal_t5_and_whole_numbers(bidirectional: bool, buckets: int, max_distance: int) -> None:
    distance = torch.arange(-2000, 2001)
    ours = relative_bucket(distance, bidirectional=bidirectional, buckets=buckets, max_distance=max_distance)
    theirs = T5Attention._relative_position_bucket(distance, bidirectional, buckets, max_distance)
    assert torch.equal(ours, theirs) and ours.dtype == torch.int64
    expected = [bucket_in_whole_numbers(d, bidirectional, buckets, max_distance) for d in distance.tolist()]
    assert ours.tolist() == expected
    assert ours.min() == 0 and ours.max() == buckets - 1


def test_buckets_as_the_docstring_tells() -> None:
    near = relative_bucket(torch.arange(-8, 9))
    assert near.tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0, 17, 18, 19, 20, 21, 22, 23, 24]
    far = relative_bucket(torch.tensor([-90, -91, -127, -128, -10_000]))
    assert far.tolist() == [14, 15, 15, 15, 15]
    assert not relative_bucket(torch.arange(0, 50), bidirectional=False).any(), "later keys count as distance 0"
    assert relative_bucket(torch.zeros(2, 3, 4, dtype=torch.int64)).shape == (2, 3, 4)
    assert relative_bucket(torch.tensor([-3, 5], dtype=torch.int32)).tolist() == [3, 21]


def t5_attention(heads: int, *, decoder: bool, buckets: int, max_distance: int) -> T5Attention:
    config = T5Config(
        d_model=12, d_kv=5, num_heads=heads, relative_attention_num_buckets=buckets,
        relative_attention_max_distance=max_distance, is_decoder=decoder, dropout_rate=0.0, attn_implementation="eager",
    )  # fmt: skip
    return T5Attention(config, has_relative_attention_bias=True, layer_idx=0).double()


T5_CASES = pytest.mark.parametrize(
    ("decoder", "buckets", "max_distance", "length"),
    [(False, 32, 128, 1), (False, 32, 128, 200), (True, 32, 128, 200), (False, 8, 20, 31), (True, 10, 40, 61)],
)


@T5_CASES
def test_the_bias_equals_t5(decoder: bool, buckets: int, max_distance: int, length: int) -> None:
    theirs = t5_attention(3, decoder=decoder, buckets=buckets, max_distance=max_distance)
    ours = T5Bias(3, bidirectional=not decoder, buckets=buckets, max_distance=max_distance)
    table = (ours.table, theirs.relative_attention_bias.weight)
    copy([table])
    parity("T5, bias", lambda: ours(length), lambda: theirs.compute_bias(length, length)[0], parameters=[table])


@pytest.mark.parametrize("decoder", [False, True])
def test_a_whole_layer_equals_t5(decoder: bool) -> None:
    theirs = t5_attention(3, decoder=decoder, buckets=8, max_distance=20)
    bias = T5Bias(3, bidirectional=not decoder, buckets=8, max_distance=20)
    weights = {name: randn(12, 15, seed=i).requires_grad_() for i, name in enumerate("qkv")}
    weights["o"] = randn(15, 12, seed=4).requires_grad_()
    parameters = [(w, getattr(theirs, name).weight, lambda w: w.T) for name, w in weights.items()]
    parameters.append((bias.table, theirs.relative_attention_bias.weight))
    copy(parameters)
    mask = causal_mask(25) if decoder else None

    def ours(x: Tensor) -> Tensor:
        x = x / 4  # scores that are not divided grow large
        q, k, v = (split_heads(x @ weights[name], 3) for name in "qkv")
        return merge_heads(scaled_dot_product_attention(q, k, v, mask, scale=1.0, bias=bias(25))[0]) @ weights["o"]

    def reference(x: Tensor) -> Tensor:
        added = theirs.compute_bias(25, 25)
        if decoder:
            added = added.masked_fill(~mask, -math.inf)
        with in_float64():
            return theirs(x / 4, position_bias=added)[0]

    parity("attention of T5", ours, reference, randn(2, 25, 12, seed=9), parameters=parameters)


@pytest.mark.parametrize(
    "fault", ["query minus key", "not bidirectional", "another max_distance", "one bucket further", "no gradient"]
)
def test_parity_notices_planted_faults_of_buckets(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = t5_attention(3, decoder=False, buckets=8, max_distance=20)
    ours = T5Bias(3, buckets=8, max_distance=20)
    table = (ours.table, theirs.relative_attention_bias.weight)
    copy([table])
    if fault == "query minus key":
        monkeypatch.setattr(positions, "distances", lambda queries, keys: -distances(queries, keys))
    elif fault == "not bidirectional":
        ours.options["bidirectional"] = False
    elif fault == "another max_distance":
        ours.options["max_distance"] = 40
    elif fault == "one bucket further":
        monkeypatch.setattr(positions, "relative_bucket", lambda d, **o: (relative_bucket(d, **o) + 1) % 8)

    def mine() -> Tensor:
        return ours(30).detach() + 0 * ours.table.sum() if fault == "no gradient" else ours(30)

    with pytest.raises(AssertionError, match="differs by"):
        parity("planted", mine, lambda: theirs.compute_bias(30, 30)[0], parameters=[table])


# ------------------------------------------------------------------------------------------------------- sinusoids


def sinusoids_in_loops(length: int, size: int, base: float) -> Tensor:
    """Vaswani et al. 2017, section 3.5, as it is printed: PE(t, 2i) = sin(t / base^(2i/D)), PE(t, 2i + 1) its cosine."""
    table = torch.zeros(length, size, dtype=torch.float64)
    for t in range(length):
        for i in range(size // 2):
            table[t, 2 * i] = math.sin(t / base ** (2 * i / size))
            table[t, 2 * i + 1] = math.cos(t / base ** (2 * i / size))
    return table


@pytest.mark.parametrize(("length", "size"), [(1, 2), (7, 6), (200, 10), (0, 4)])
@BASES
def test_sinusoids_equal_the_formula_in_loops(length: int, size: int, base: float) -> None:
    close(sinusoidal_table(length, size, base), sinusoids_in_loops(length, size, base))


def test_sinusoids_equal_gptj_but_for_the_order_of_columns() -> None:
    with in_float64():
        theirs = gptj.create_sinusoidal_positions(300, 12)
    close(torch.cat([sinusoidal_table(300, 12)[:, 0::2], sinusoidal_table(300, 12)[:, 1::2]], dim=-1), theirs)


SINUSOID_FAULTS: dict[str, Callable[[], Tensor]] = {
    "sin and cos swapped": lambda: sinusoidal_table(9, 6).unflatten(-1, (-1, 2)).flip(-1).flatten(-2),
    "wrong sign of one sine": lambda: sinusoidal_table(9, 6) * torch.tensor([1, 1, -1, 1, 1, 1]),
    "base left out": lambda: sinusoidal_table(9, 6, math.e),
    "dead first channel": lambda: sinusoidal_table(9, 6) * torch.tensor([0, 1, 1, 1, 1, 1]),
    "positions from 1": lambda: sinusoidal_table(10, 6)[1:],
    "sines first, then cosines": lambda: torch.cat([sinusoidal_table(9, 6)[:, i::2] for i in (0, 1)], -1),
}


@pytest.mark.parametrize("fault", [None, *SINUSOID_FAULTS])
def test_parity_notices_planted_faults_of_sinusoids(fault: str | None) -> None:
    table, right = SINUSOID_FAULTS[fault]() if fault else sinusoidal_table(9, 6), sinusoids_in_loops(9, 6, 1e4)

    def compare() -> None:
        parity("planted", lambda x: (x + table).tanh(), lambda x: (x + right).tanh(), randn(2, 9, 6))

    if fault is None:
        compare()
        return
    with pytest.raises(AssertionError, match="differs by"):
        compare()


@pytest.mark.parametrize("shift", [0, 1, 17, -4, 0.5, -2.25, math.pi])
@pytest.mark.parametrize("size", [2, 10])
@pytest.mark.parametrize("base", [100.0, 10_000.0])
def test_one_matrix_shifts_every_row(shift: float, size: int, base: float) -> None:
    matrix = shift_matrix(size, shift, base)
    table = sinusoids_in_loops(40, size, base)
    moved = torch.zeros(40, size, dtype=torch.float64)
    for t in range(40):
        for i in range(size // 2):
            angle = (t + shift) / base ** (2 * i / size)
            moved[t, 2 * i], moved[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
    close(table @ matrix, moved)
    if shift == 17:
        close(sinusoidal_table(23, size, base) @ matrix, sinusoidal_table(40, size, base)[17:])


def test_shifts_are_turns_and_add_up() -> None:
    eye = torch.eye(10, dtype=torch.float64)
    assert torch.equal(shift_matrix(10, 0), eye)
    for a, b in [(3, 4), (-2, 7.5), (0.25, -0.25), (100, 1000)]:
        close(shift_matrix(10, a) @ shift_matrix(10, a).T, eye)
        close(shift_matrix(10, a) @ shift_matrix(10, b), shift_matrix(10, a + b))
        assert float(torch.linalg.det(shift_matrix(10, a))) == pytest.approx(1)


def test_the_dot_product_of_two_rows_depends_on_their_distance() -> None:
    products = sinusoidal_table(20, 12) @ sinusoidal_table(20, 12).T
    for t in range(20):
        for u in range(20):
            expected = sum(math.cos((t - u) * w) for w in frequencies(12).tolist())
            assert float(products[t, u]) == pytest.approx(expected, abs=1e-12)


def test_rotary_positions_turn_by_the_frequencies_of_sinusoids() -> None:
    # A row of the table holds (sin, cos); the vector (0, 1) of every pair, turned by −t, is (sin t, cos t).
    x = torch.tensor([0.0, 1.0], dtype=torch.float64).repeat(20, 4)
    close(rotate(x, -torch.arange(20)), sinusoidal_table(20, 8))


def test_frequencies_fall_from_1_towards_one_over_the_base() -> None:
    close(frequencies(4, 100.0), torch.tensor([1.0, 0.1], dtype=torch.float64))
    longest = 2 * math.pi / frequencies(512)[-1]
    assert float(longest) == pytest.approx(2 * math.pi * positions.BASE ** (1 - 2 / 512))


# ---------------------------------------------------------------------------------------------- a learned table


def test_a_learned_table_equals_an_embedding_of_the_positions() -> None:
    ours = LearnedPositions(9, 6, generator=torch.Generator().manual_seed(0), std=1.0)
    theirs = nn.Embedding.from_pretrained(ours.table.detach().clone(), freeze=False)
    parity(
        "learned positions",
        ours,
        lambda x: x + theirs(torch.arange(x.shape[-2])),
        randn(2, 3, 5, 6),
        parameters=[(ours.table, theirs.weight)],
    )


@pytest.mark.parametrize("length", [1, 4, 9])
def test_only_the_rows_in_use_learn(length: int) -> None:
    table = LearnedPositions(9, 6)
    x = randn(2, length, 6)
    close(table(x) - x, table.table[:length].detach().expand(2, length, 6))
    table(x).square().sum().backward()
    assert table.table.grad[:length].all() and not table.table.grad[length:].any()


def test_initial_numbers_repeat_themselves_and_have_their_spread() -> None:
    def drawn(kind: type, *sizes: int, seed: int = 3, **options: object) -> Tensor:
        return kind(*sizes, generator=torch.Generator().manual_seed(seed), **options).table.detach()

    assert torch.equal(drawn(LearnedPositions, 50, 8), drawn(LearnedPositions, 50, 8))
    assert not torch.equal(drawn(LearnedPositions, 50, 8), drawn(LearnedPositions, 50, 8, seed=4))
    assert torch.equal(drawn(T5Bias, 5), drawn(T5Bias, 5)) and drawn(T5Bias, 5).shape == (32, 5)
    assert not torch.equal(drawn(T5Bias, 5), drawn(T5Bias, 5, seed=4))
    assert float(drawn(LearnedPositions, 500, 64).std()) == pytest.approx(0.02, rel=0.02)
    assert float(drawn(LearnedPositions, 500, 64, std=0.5).std()) == pytest.approx(0.5, rel=0.02)
    low = drawn(LearnedPositions, 50, 8, dtype=torch.float32)
    assert torch.equal(low, drawn(LearnedPositions, 50, 8).float()), "drawn in float64 whatever the type"


# ---------------------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    "call",
    [
        lambda dtype: frequencies(6, dtype=dtype),
        lambda dtype: sinusoidal_table(5000, 6, dtype=dtype),
        lambda dtype: shift_matrix(6, 2.5, dtype=dtype),
        lambda dtype: alibi_slopes(6, dtype=dtype),
        lambda dtype: alibi_bias(6, 5, dtype=dtype),
        lambda dtype: rotate(randn(3, 5, 6).to(dtype)),
        lambda dtype: rotate(randn(3, 5, 6).to(dtype), torch.arange(5), layout="halves"),
        lambda dtype: LearnedPositions(5, 6, dtype=dtype, generator=torch.Generator().manual_seed(0)).table,
        lambda dtype: LearnedPositions(5, 6, dtype=dtype)(torch.ones(5, 6, dtype=dtype)) * 0,
        lambda dtype: T5Bias(3, dtype=dtype, generator=torch.Generator().manual_seed(0))(5),
    ],
)
def test_float32_stays_float32_and_is_as_good_as_float32_can_be(call: Callable[[torch.dtype], Tensor]) -> None:
    low, high = call(torch.float32), call(torch.float64)
    assert low.dtype == torch.float32 and high.dtype == torch.float64
    torch.testing.assert_close(low.double(), high, atol=1e-6, rtol=1e-6)


# --------------------------------------------------------------------------------------------------------- in use


@pytest.mark.parametrize("layout", ["pairs", "halves"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kv_heads", [3, 1])
def test_a_layer_with_rotary_positions_does_not_see_where_the_text_begins(
    layout: str, masked: bool, kv_heads: int
) -> None:
    layer = MultiHeadAttention(12, 3, kv_heads=kv_heads, generator=torch.Generator().manual_seed(0))
    x, mask = randn(2, 7, 12, seed=1), causal_mask(7) if masked else None

    def output(first: float) -> Tensor:
        places = first + torch.arange(7, dtype=torch.float64)
        return layer(x, mask=mask, rotate=lambda t: rotate(t, positions=places, layout=layout))[0]

    close(layer(x, mask=mask, rotate=lambda t: rotate(t, layout=layout))[0], output(0))
    for first in (1, 1000, -5, 0.5):
        close(output(first), output(0), atol=1e-11)
    assert (layer(x, mask=mask)[0] - output(0)).abs().max() > 1e-3


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["alibi", "t5", "rotary"])
def test_a_layer_that_knows_positions_sees_the_order_and_one_without_does_not(kind: str, masked: bool) -> None:
    layer = MultiHeadAttention(12, 3, generator=torch.Generator().manual_seed(0))
    x, mask = randn(2, 7, 12, seed=1), causal_mask(7) if masked else None
    options = {
        "alibi": {"bias": alibi_bias(3, 7)},
        "t5": {"bias": T5Bias(3, generator=torch.Generator().manual_seed(0))(7)},
        "rotary": {"rotate": rotate},
    }[kind]
    swapped = x[:, [3, 1, 2, 0, 4, 5, 6]]  # two tokens before the last one change places
    close(layer(swapped, mask=mask)[0][:, -1], layer(x, mask=mask)[0][:, -1])
    output, weights = layer(x, mask=mask, **options)
    close(weights.sum(-1), torch.ones(2, 3, 7, dtype=torch.float64))
    assert (layer(swapped, mask=mask, **options)[0] - output)[:, -1].abs().max() > 1e-3


def test_a_cached_step_equals_the_last_row() -> None:
    layer = MultiHeadAttention(12, 3, generator=torch.Generator().manual_seed(0))
    x = randn(7, 12, seed=1)
    with_bias = layer(x, mask=causal_mask(7), bias=alibi_bias(3, 7))[0]
    close(layer(x[-1:], x, bias=alibi_bias(3, 1, 7))[0], with_bias[-1:])
    turned = layer(x, mask=causal_mask(7), rotate=rotate)[0]
    step = layer(x[-1:], x, rotate=lambda t: rotate(t, torch.arange(7)[-t.shape[-2] :]))[0]
    close(step, turned[-1:])


# --------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: frequencies(5), "size must be even, not 5"),
        (lambda: frequencies(0), "size must be even, not 0"),
        (lambda: frequencies(4, 1.0), "the base must be greater than 1, not 1.0"),
        (lambda: frequencies(4, math.nan), "the base must be greater than 1, not nan"),
        (lambda: sinusoidal_table(3, 7), "must be even, not 7"),
        (lambda: sinusoidal_table(3, 8, 0.5), "the base must be greater than 1"),
        (lambda: shift_matrix(3, 1), "must be even, not 3"),
        (lambda: shift_matrix(4, 1, -2), "the base must be greater than 1"),
        (lambda: rotate(randn(4, 5)), "must be even, not 5"),
        (lambda: rotate(randn(4, 6), base=1), "the base must be greater than 1"),
        (lambda: rotate(randn(4, 6), layout="quarters"), "unknown layout 'quarters'"),
        (lambda: rotate(randn(4, 6), torch.arange(5)), r"positions of shape \(5,\) do not fit.*\(4, 6\)"),
        (lambda: rotate(randn(4, 6), torch.zeros(2, 4)), r"positions of shape \(2, 4\) do not fit"),
        (lambda: LearnedPositions(3, 4)(randn(4, 4)), "4 tokens.*only 3 rows: position 3 has no vector"),
        (lambda: LearnedPositions(3, 4)(randn(2, 1)), "size 1, the rows of the table have size D = 4"),
        (lambda: alibi_slopes(0), "at least one head, not 0"),
        (lambda: alibi_bias(0, 3), "at least one head, not 0"),
        (lambda: alibi_bias(2, 3, 2), "3 queries cannot all stand in a text of 2 keys"),
        (lambda: distances(2, 1), "2 queries cannot all stand in a text of 1 keys"),
        (lambda: relative_bucket(distances(2, 2), buckets=2), "2 buckets are too few"),
        (lambda: relative_bucket(distances(2, 2), buckets=9), "9 buckets are too few or cannot be halved"),
        (lambda: relative_bucket(distances(2, 2), buckets=1, bidirectional=False), "1 buckets are too few"),
        (lambda: relative_bucket(distances(2, 2), max_distance=8), "max_distance must be greater than 8"),
        (lambda: relative_bucket(distances(2, 2), bidirectional=False, max_distance=16), "must be greater than 16"),
        (lambda: T5Bias(2, buckets=7), "7 buckets are too few or cannot be halved"),
        (lambda: T5Bias(2, max_distance=3), "max_distance must be greater than 8"),
        (lambda: T5Bias(2)(5, 4), "5 queries cannot all stand in a text of 4 keys"),
    ],
)
def test_errors_say_what_does_not_fit(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
