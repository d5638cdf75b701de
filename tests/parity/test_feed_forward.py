"""course_lib.feed_forward against PyTorch and against Llama's layer in Hugging Face transformers, forward and gradient."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from course_lib import feed_forward
from course_lib.feed_forward import FeedForward, gelu, gelu_tanh, silu
from course_lib.parity import parity

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "gelu_tanh": lambda: nn.GELU(approximate="tanh")}


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer(*sizes: int, seed: int = 0, **options: object) -> FeedForward:
    """A layer whose biases are not 0."""
    own = FeedForward(*sizes, generator=torch.Generator().manual_seed(seed), **options)
    with torch.no_grad():
        for number, (name, parameter) in enumerate(own.named_parameters()):
            if name.startswith("b_"):
                parameter.copy_(randn(*parameter.shape, seed=seed + number))
    return own


def of_torch(size: int, hidden: int, activation: str, *, bias: bool) -> nn.Sequential:
    linear = [nn.Linear(*sizes, bias=bias, dtype=torch.float64) for sizes in ((size, hidden), (hidden, size))]
    with torch.no_grad():
        for seed, parameter in enumerate(p for part in linear for p in part.parameters()):
            parameter.copy_(randn(*parameter.shape, seed=seed))
    return nn.Sequential(linear[0], ACTIVATIONS[activation](), linear[1])


def linear_pairs(ours: FeedForward, names: str, layers: list[nn.Linear]) -> list[tuple]:
    """Our parameters and theirs, with what turns their layout into ours."""
    found = []
    for name, theirs in zip(names, layers, strict=True):
        found.append((getattr(ours, f"W_{name}"), theirs.weight, lambda w: w.mT))
        if theirs.bias is not None:
            found.append((getattr(ours, f"b_{name}"), theirs.bias))
    return found


# --------------------------------------------------------------------------------------------- activation functions


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (gelu, F.gelu),
        (gelu_tanh, lambda x: F.gelu(x, approximate="tanh")),
        (silu, F.silu),
    ],
)
def test_activation_functions_equal_torch(ours, theirs) -> None:
    parity("activation", ours, theirs, torch.cat([randn(7, 5).flatten(), torch.linspace(-40, 40, 81).double()]))


def test_the_approximation_of_gelu_is_close_and_not_equal() -> None:
    x = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
    worst = float((gelu(x) - gelu_tanh(x)).abs().max())
    assert 0.0004 < worst < 0.0005
    share = torch.distributions.Normal(0.0, 1.0).cdf(x)
    torch.testing.assert_close(gelu(x), x * share, atol=1e-12, rtol=0)


# ---------------------------------------------------------------------------------------------------- the layer


@pytest.mark.parametrize(("size", "hidden", "shape"), [(1, 1, (3,)), (6, 7, (2, 5)), (5, 20, ()), (8, 3, (2, 1, 3))])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_equals_torch_forward_and_gradient(
    size: int, hidden: int, shape: tuple[int, ...], activation: str, bias: bool
) -> None:
    theirs = of_torch(size, hidden, activation, bias=bias)
    ours = FeedForward.from_torch(theirs)
    assert (ours.d_model, ours.d_ff, ours.activation) == (size, hidden, activation)
    pairs = linear_pairs(ours, "12", [theirs[0], theirs[2]])
    parity("FFN", ours, theirs, randn(*shape, size, seed=9), parameters=pairs)


@pytest.mark.parametrize(("size", "hidden"), [(6, 7), (5, 3), (2, 11)])
@pytest.mark.parametrize("bias", [False, True])
def test_swiglu_equals_llama(size: int, hidden: int, bias: bool) -> None:
    config = LlamaConfig(
        hidden_size=size, intermediate_size=hidden, hidden_act="silu", mlp_bias=bias, num_attention_heads=1, head_dim=2
    )
    theirs = LlamaMLP(config).double()
    ours = layer(size, hidden, activation="swiglu", bias=bias)
    linear = [theirs.gate_proj, theirs.down_proj, theirs.up_proj]
    with torch.no_grad():
        for name, part in zip("123", linear, strict=True):
            part.weight.copy_(getattr(ours, f"W_{name}").T)
            if bias:
                part.bias.copy_(getattr(ours, f"b_{name}"))
    parity("SwiGLU", ours, theirs, randn(2, 4, size, seed=9), parameters=linear_pairs(ours, "123", linear))


@pytest.mark.parametrize("fault", ["approximation", "gate", "bias"])
def test_parity_notices_planted_faults(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_torch(6, 7, "gelu", bias=True)
    ours = FeedForward.from_torch(theirs)
    if fault == "approximation":
        monkeypatch.setattr(feed_forward, "gelu", gelu_tanh)
    elif fault == "gate":  # x Φ(x) without the x
        monkeypatch.setattr(feed_forward, "gelu", lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2)
    else:
        with torch.no_grad():
            ours.b_2.zero_()
    with pytest.raises(AssertionError, match="differs"):
        parity("planted", ours, theirs, randn(3, 6, seed=9))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_weights_go_to_torch_and_come_back(activation: str, bias: bool) -> None:
    ours = layer(6, 7, activation=activation, bias=bias)
    theirs = ours.to_torch()
    x = randn(3, 6, seed=9)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-12, rtol=0)
    back = FeedForward.from_torch(theirs)
    assert back.activation == activation and back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(back.state_dict()[name], value) for name, value in ours.state_dict().items())
    with torch.no_grad():
        theirs[0].weight.zero_()
    assert ours.W_1.all() and back.W_1.all(), "the weights are copied, not shared"
    single = FeedForward(6, activation=activation, dtype=torch.float32)
    assert single.to_torch()[0].weight.dtype == FeedForward.from_torch(single.to_torch()).W_2.dtype == torch.float32


# ---------------------------------------------------------------------------------------------- by other routes


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "swiglu"])
def test_each_token_goes_through_by_itself(activation: str) -> None:
    ours, x = layer(6, 7, activation=activation), randn(2, 5, 6, seed=9)
    one_by_one = torch.stack([torch.stack([ours(token) for token in text]) for text in x])
    torch.testing.assert_close(ours(x), one_by_one, atol=1e-12, rtol=0)


def test_the_output_is_a_sum_of_rows_of_the_second_matrix() -> None:
    ours = layer(3, 5)
    with torch.no_grad():
        ours.b_1.copy_(torch.tensor([-9.0, -9, 0, -9, -9]))
        ours.W_1.zero_()
        ours.W_1[1, 2] = 2.0
    x = torch.tensor([7.0, 0.5, -7.0], dtype=torch.float64)
    assert ours.hidden(x).tolist() == [0, 0, 1, 0, 0]
    torch.testing.assert_close(ours(x), ours.W_2[2] + ours.b_2)


def test_sizes_and_initial_weights() -> None:
    ours = layer(64)
    assert ours.d_ff == 256 and sum(p.numel() for p in ours.parameters()) == 2 * 64 * 256 + 256 + 64
    assert ours.W_3 is None and ours.b_3 is None and FeedForward(4, bias=False).b_1 is None
    plain = sum(p.numel() for p in FeedForward(12, bias=False).parameters())
    assert sum(p.numel() for p in FeedForward(12, 8 * 12 // 3, "swiglu", bias=False).parameters()) == plain
    assert 2 * sum(p.numel() for p in FeedForward(12, activation="swiglu", bias=False).parameters()) == 3 * plain
    x, h = randn(2000, 64), randn(2000, 256)
    assert abs(float((x @ ours.W_1.detach()).std()) - 1) < 0.05
    assert abs(float((h @ ours.W_2.detach()).std()) - 1) < 0.05
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), layer(64).parameters(), strict=True))
    assert not FeedForward(4).b_1.any() and not FeedForward(4, activation="swiglu").b_3.any()
    assert FeedForward(4, dtype=torch.float32)(torch.zeros(3, 4)).dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: FeedForward(4, activation="tanh"), "unknown activation 'tanh': use one of relu, gelu,"),
        (lambda: FeedForward(4, 0), "1 or more, not 4 and 0"),
        (lambda: FeedForward(0), "1 or more, not 0 and 0"),
        (lambda: layer(4)(randn(3, 5)), "size 5, W_1 expects D = 4"),
        (lambda: layer(4, activation="swiglu").to_torch(), "SwiGLU"),
        (lambda: FeedForward.from_torch(nn.Sequential()), "were expected, not nothing"),
        (lambda: FeedForward.from_torch(nn.Sequential(nn.Linear(2, 3), nn.ReLU())), "not Linear, ReLU"),
        (lambda: _from(nn.Linear(2, 3), nn.SiLU(), nn.Linear(3, 2)), "must be ReLU or GELU, not SiLU"),
        (lambda: _from(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3)), "from 3 to 2 features, not from 3 to 3"),
        (lambda: _from(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2)), "either both"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def _from(*layers: nn.Module) -> FeedForward:
    return FeedForward.from_torch(nn.Sequential(*layers))
