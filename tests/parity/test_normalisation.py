"""course_lib.normalisation against PyTorch's own layers, forward and gradient, and against itself by other routes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import normalisation
from course_lib.normalisation import LayerNorm, RMSNorm, batch_norm, layer_norm, rms_norm
from course_lib.parity import parity


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a: Tensor, b: Tensor, atol: float = 1e-12) -> None:
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def tokens(*shape: int) -> Tensor:
    """Vectors with means and spreads of their own; in the first the spread is so small that ε counts."""
    x = randn(*shape, seed=1) * (1 + randn(*shape[:-1], 1, seed=2).abs()) + 3 * randn(*shape[:-1], 1, seed=3)
    x[..., 0, :] *= 1e-2
    return x


def of_torch(kind: type, size: int, **options: object) -> nn.Module:
    """A layer of PyTorch's whose weights are not 1 and 0."""
    layer = kind(size, dtype=torch.float64, **options)
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters()):
            parameter.copy_(randn(size, seed=10 + seed))
    return layer


def pairs(ours: nn.Module, theirs: nn.Module) -> list[tuple]:
    names = {"gamma": "weight", "beta": "bias"}
    return [(parameter, getattr(theirs, names[name])) for name, parameter in ours.named_parameters()]


# ------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize("shape", [(3, 2), (3, 4), (2, 5, 7), (2, 3, 1, 13), (1, 512)])
@pytest.mark.parametrize("eps", [1e-5, 1e-12, 0.1])
@pytest.mark.parametrize("bias", [False, True])
def test_layer_norm_equals_torch(shape: tuple[int, ...], eps: float, bias: bool) -> None:
    theirs = of_torch(nn.LayerNorm, shape[-1], eps=eps, bias=bias)
    ours = LayerNorm.from_torch(theirs)
    parity("LayerNorm", ours, theirs, tokens(*shape), parameters=pairs(ours, theirs))
    parity(
        "F.layer_norm",
        lambda x: layer_norm(x, eps=eps),
        lambda x: F.layer_norm(x, x.shape[-1:], eps=eps),
        tokens(*shape),
    )


@pytest.mark.parametrize("shape", [(3, 2), (3, 4), (2, 5, 7), (2, 3, 1, 13), (1, 512)])
@pytest.mark.parametrize("eps", [None, 1e-5, 0.1])
def test_rms_norm_equals_torch(shape: tuple[int, ...], eps: float | None) -> None:
    theirs = of_torch(nn.RMSNorm, shape[-1], eps=eps)
    ours = RMSNorm.from_torch(theirs)
    assert ours.eps == (torch.finfo(torch.float64).eps if eps is None else eps)
    parity("RMSNorm", ours, theirs, tokens(*shape), parameters=pairs(ours, theirs))


@pytest.mark.parametrize("shape", [(2, 3), (7, 4), (3, 5, 6), (1, 2, 1)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_equals_torch_and_so_do_its_running_statistics(shape: tuple[int, ...], training: bool) -> None:
    size, momentum = shape[-1], 0.3
    theirs = of_torch(nn.BatchNorm1d, size, momentum=momentum).train(training)
    mean, variance = randn(size, seed=20), randn(size, seed=21).abs() + 0.1
    theirs.running_mean.copy_(mean)
    theirs.running_var.copy_(variance)
    gamma, beta = (p.detach().clone().requires_grad_() for p in (theirs.weight, theirs.bias))

    def mine(x: Tensor) -> Tensor:
        return batch_norm(x, gamma, beta, running=(mean, variance), training=training, momentum=momentum)

    def reference(x: Tensor) -> Tensor:
        return theirs(x) if x.ndim == 2 else theirs(x.mT).mT

    parity("BatchNorm1d", mine, reference, tokens(*shape), parameters=[(gamma, theirs.weight), (beta, theirs.bias)])
    close(mean, theirs.running_mean)
    close(variance, theirs.running_var)
    assert torch.equal(mean, randn(size, seed=20)) != training
    assert not mean.requires_grad and not variance.requires_grad


def test_batch_norm_without_weights_equals_torch() -> None:
    def reference(x: Tensor) -> Tensor:
        return F.batch_norm(x.mT, None, None, training=True, eps=0.1).mT

    parity("F.batch_norm", lambda x: batch_norm(x, eps=0.1), reference, tokens(4, 5, 3))


FAULTS = {
    "unbiased": lambda x, g, b, e: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + e).sqrt() * g + b,
    "eps outside the root": lambda x, g, b, e: (
        (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True, correction=0) + e) * g + b
    ),
    "no eps": lambda x, g, b, e: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0) * g + b,
    "over the tokens": lambda x, g, b, e: (
        (x - x.mean(-2, keepdim=True)) / (x.var(-2, keepdim=True, correction=0) + e).sqrt() * g + b
    ),
    "not centred": lambda x, g, b, e: x / (x.square().mean(-1, keepdim=True) + e).sqrt() * g + b,
    "shifted before scaled": lambda x, g, b, e: (F.layer_norm(x, x.shape[-1:], eps=e) + b) * g,
}


@pytest.mark.parametrize("size", [4, 512])
@pytest.mark.parametrize("fault", FAULTS)
def test_parity_notices_planted_faults(fault: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_torch(nn.LayerNorm, size)
    ours = LayerNorm.from_torch(theirs)
    monkeypatch.setattr(normalisation, "layer_norm", FAULTS[fault])
    with pytest.raises(AssertionError, match="differs"):
        parity("planted", ours, theirs, tokens(3, size), parameters=pairs(ours, theirs))


@pytest.mark.parametrize(("size", "share"), [(4, 0.8660), (512, 0.9990)])
def test_the_unbiased_variance_shows_in_small_vectors(size: int, share: float) -> None:
    """It makes every number √((d − 1) / d) times what it should be: 13 % too small at d = 4, 0.1 % at d = 512."""
    x = randn(3, size)
    wrong = FAULTS["unbiased"](x, 1.0, 0.0, 1e-5)
    close(wrong / layer_norm(x), torch.full((3, size), share, dtype=torch.float64), 1e-4)


# ---------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize(
    ("ours", "kind"),
    [
        (LayerNorm(5), nn.LayerNorm),
        (LayerNorm(5, 1e-12, bias=False), nn.LayerNorm),
        (RMSNorm(5, 1e-6), nn.RMSNorm),
        (LayerNorm(5, dtype=torch.float32), nn.LayerNorm),
        (RMSNorm(5, dtype=torch.float32), nn.RMSNorm),
    ],
)
def test_weights_go_to_torch_and_come_back(ours: nn.Module, kind: type) -> None:
    with torch.no_grad():
        for seed, parameter in enumerate(ours.parameters()):
            parameter.copy_(randn(5, seed=seed))
    theirs = ours.to_torch()
    assert type(theirs) is kind
    x = randn(3, 5, seed=9).to(ours.gamma.dtype)
    close(ours(x), theirs(x), 1e-12 if x.dtype == torch.float64 else 1e-6)
    back = type(ours).from_torch(theirs)
    assert back.eps == ours.eps == theirs.eps
    assert back.state_dict().keys() == ours.state_dict().keys()
    for name, value in ours.state_dict().items():
        assert torch.equal(back.state_dict()[name], value) and back.state_dict()[name].dtype == value.dtype
    with torch.no_grad():
        theirs.weight.zero_()
    assert ours.gamma.all() and back.gamma.all(), "the weights are copied, not shared"


def test_rms_norm_in_float32_has_the_epsilon_of_torch() -> None:
    theirs = nn.RMSNorm(4)
    assert RMSNorm.from_torch(theirs).eps == torch.finfo(torch.float32).eps
    x = torch.tensor([[1e-4, 2e-4, -1e-4, 3e-4]])  # so small that ε decides
    torch.testing.assert_close(RMSNorm.from_torch(theirs)(x), theirs(x))


def test_modules_begin_at_one_and_zero() -> None:
    own = LayerNorm(3)
    assert own.gamma.tolist() == [1, 1, 1] and own.beta.tolist() == [0, 0, 0] and RMSNorm(2).gamma.tolist() == [1, 1]
    assert LayerNorm(3, bias=False).beta is None and own.eps == RMSNorm(2).eps == 1e-5


# ---------------------------------------------------------------------------------------------- by other routes


def test_by_hand() -> None:
    # The token 1, 3, 5, 7: mean 4, squared distances 9, 1, 1, 9, variance 20 / 4 = 5.
    x = torch.tensor([1.0, 3, 5, 7], dtype=torch.float64)
    root = math.sqrt(5)
    close(layer_norm(x, eps=0.0), torch.tensor([-3 / root, -1 / root, 1 / root, 3 / root], dtype=torch.float64))
    close(layer_norm(x, eps=4.0), torch.tensor([-1.0, -1 / 3, 1 / 3, 1], dtype=torch.float64))  # √(5 + 4) = 3
    # Its squares 1, 9, 25, 49 have the mean 21.
    close(rms_norm(x, eps=4.0), x / 5)
    # The feature 1, 3, 5, 7 of four tokens.
    close(batch_norm(x[:, None], eps=4.0)[:, 0], layer_norm(x, eps=4.0))


def test_a_token_has_mean_0_and_variance_1_whatever_stands_beside_it() -> None:
    x = randn(2, 5, 64, seed=4) * 3 + 7
    y = layer_norm(x)
    close(y.mean(-1), torch.zeros(2, 5, dtype=torch.float64))
    close(y.var(-1, correction=0), torch.ones(2, 5, dtype=torch.float64), 1e-5)
    close(layer_norm(x[1, 3]), y[1, 3])
    close(rms_norm(x[1, 3]), rms_norm(x)[1, 3])
    assert not torch.allclose(batch_norm(x[:, :3]), batch_norm(x)[:, :3])
    assert not layer_norm(torch.full((2, 4), 3.0)).any(), "no variance: 0, not 0/0"


def test_padding_has_no_part_in_masked_batch_norm() -> None:
    x, mask = tokens(3, 5, 4), torch.ones(3, 5, dtype=torch.bool)
    mask[0, 2:] = mask[2, 4:] = False
    gamma, beta = randn(4, seed=5), randn(4, seed=6)
    ours, theirs = [(torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)) for _ in range(2)]
    y = batch_norm(x, gamma, beta, mask=mask, running=ours)
    close(y[mask], F.batch_norm(x[mask], *theirs, gamma, beta, training=True))
    close(ours[0], theirs[0])
    close(ours[1], theirs[1])
    x[~mask] = 100.0
    close(batch_norm(x, gamma, beta, mask=mask)[mask], y[mask])
    assert not torch.allclose(batch_norm(x, gamma, beta)[mask], y[mask])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: layer_norm(randn(3, 4), randn(5)), r"gamma has shape \(5,\), the vectors have size 4"),
        (lambda: layer_norm(randn(3, 4), randn(4), randn(1)), r"beta has shape \(1,\)"),
        (lambda: LayerNorm(4)(randn(3, 1)), r"gamma has shape \(4,\), the vectors have size 1"),
        (lambda: RMSNorm(4)(randn(3, 1)), r"gamma has shape \(4,\)"),
        (lambda: batch_norm(randn(3, 4), randn(3)), r"gamma has shape \(3,\)"),
        (lambda: batch_norm(randn(3, 4), running=(randn(4), randn(3))), "the running variance has shape"),
        (lambda: batch_norm(randn(3, 4), training=False), "needs a running mean"),
        (lambda: batch_norm(randn(1, 4)), "two tokens or more to have a variance in training, not 1"),
        (lambda: batch_norm(randn(4)), "not 1"),
        (lambda: batch_norm(randn(3, 4), mask=torch.zeros(3, dtype=torch.bool)), "not 0"),
        (lambda: batch_norm(randn(3, 4), mask=torch.ones(3)), "must be boolean"),
        (lambda: batch_norm(randn(2, 3, 4), mask=torch.ones(2, 1, 3, dtype=torch.bool)), "one value per token"),
        (lambda: LayerNorm.from_torch(nn.RMSNorm(3)), "LayerNorm of PyTorch's was expected, not RMSNorm"),
        (lambda: RMSNorm.from_torch(nn.LayerNorm(3)), "RMSNorm of PyTorch's was expected, not LayerNorm"),
        (lambda: LayerNorm.from_torch(nn.LayerNorm((2, 3))), "on one axis, not on 2"),
        (lambda: LayerNorm.from_torch(nn.LayerNorm(3, elementwise_affine=False)), "elementwise_affine"),
        (lambda: RMSNorm.from_torch(nn.RMSNorm(3, elementwise_affine=False)), "elementwise_affine"),
    ],
)
def test_errors_say_what_does_not_fit(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
