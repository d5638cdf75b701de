"""The recurrent layers against PyTorch's, forward and backward; what their gradients do over a distance."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from course_lib.parity import parity
from course_lib.recurrent import LSTM, RNN, to_torch

LAYERS = {"RNN": RNN, "LSTM": LSTM}


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer(kind: str, d_in: int = 5, d_state: int = 3, seed: int = 1) -> RNN:
    return LAYERS[kind](d_in, d_state, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("shape", [(7, 5), (2, 7, 5), (2, 3, 1, 5)], ids=["one", "batch", "one-token"])
def test_states_and_gradients_are_torchs(kind: str, shape: tuple[int, ...]) -> None:
    ours, x = layer(kind), randn(*shape, seed=2)
    twin = to_torch(ours)

    def theirs(x: Tensor) -> Tensor:
        return twin(x.reshape(-1, *x.shape[-2:]))[0].reshape(*x.shape[:-1], -1)

    weights = [
        (ours.W_x, twin.weight_ih_l0, lambda w: w.T),
        (ours.W_h, twin.weight_hh_l0, lambda w: w.T),
        (ours.b, twin.bias_ih_l0),
    ]
    parity(kind, ours, theirs, x, parameters=weights)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_gates_stand_in_torchs_order(kind: str) -> None:
    """A layer of PyTorch's own weights, its two biases added up, gives the same states."""
    torch.manual_seed(3)
    theirs = getattr(nn, kind)(4, 3, batch_first=True, dtype=torch.float64)
    ours = layer(kind, 4, 3)
    with torch.no_grad():
        ours.W_x.copy_(theirs.weight_ih_l0.T)
        ours.W_h.copy_(theirs.weight_hh_l0.T)
        ours.b.copy_(theirs.bias_ih_l0 + theirs.bias_hh_l0)
        x = randn(2, 6, 4, seed=4)
        torch.testing.assert_close(ours(x), theirs(x)[0], rtol=0, atol=1e-12)


def test_one_seed_draws_the_same_weights_in_every_precision() -> None:
    one, other = (
        LSTM(4, 3, generator=torch.Generator().manual_seed(0), dtype=d) for d in (torch.float64, torch.float32)
    )
    assert torch.equal(one.W_h.float(), other.W_h) and one.W_h.abs().max() <= 3**-0.5


def test_an_open_forget_gate_lets_the_gradient_through() -> None:
    """∂c_T/∂c_0 along the cell is the product of the forget gates: with f = 1 and i = 0 it is 1."""
    ours = layer("LSTM", 2, 3)
    with torch.no_grad():
        ours.W_x.zero_(), ours.W_h.zero_(), ours.b.zero_()
        ours.b[0:3], ours.b[3:6] = -100, 100
    h, c = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64, requires_grad=True)
    state: tuple[Tensor, ...] = (h, c)
    for _ in range(50):
        state = ours.step(ours.b, state)
    (gradient,) = torch.autograd.grad(state[1].sum(), c)
    torch.testing.assert_close(gradient, torch.ones(3, dtype=torch.float64))
