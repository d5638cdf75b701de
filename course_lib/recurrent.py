"""Recurrent networks, step by step: what there was before attention; lesson 00 builds them.

Shapes use the course's letters: T tokens, D the size of a token's vector, which is that of the state here too unless two
sizes are named. Leading dimensions (a batch) are written ``...``. Nothing here is fast: one Python loop runs over the tokens,
because that loop is what the lesson is about; ``torch.nn.RNN`` and ``torch.nn.LSTM`` compute the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def _uniform(generator: torch.Generator | None, bound: float, *shape: int, dtype: torch.dtype) -> nn.Parameter:
    """Evenly from −bound to bound, drawn in float64 so that every kind of processor draws the same."""
    drawn = torch.rand(*shape, generator=generator, dtype=torch.float64)
    return nn.Parameter(((2 * drawn - 1) * bound).to(dtype))


class RNN(nn.Module):
    """The plain recurrent layer: h_t = tanh(x_t W_x + h_{t−1} W_h + b), h_0 = 0.

    Elman 1990, "Finding Structure in Time", figure 2; the tanh and the initial weights, uniform within 1/√(size of the
    state), as in ``torch.nn.RNN``.

    Args:
        d_in: size of x_t.
        d_state: size of h_t.
        generator: source of the initial weights.
        dtype: of the weights.

    Attributes:
        W_x (d_in, d_state), W_h (d_state, d_state), b (d_state,).
    """

    gates = 1
    """How many vectors of the state's size a step computes from x_t and h_{t−1}."""

    def __init__(
        self,
        d_in: int,
        d_state: int,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        bound, width = 1 / math.sqrt(d_state), self.gates * d_state
        self.d_state = d_state
        self.W_x = _uniform(generator, bound, d_in, width, dtype=dtype)
        self.W_h = _uniform(generator, bound, d_state, width, dtype=dtype)
        self.b = _uniform(generator, bound, width, dtype=dtype)

    def step(self, inner: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One token.

        Args:
            inner: x_t W_x + b, (..., gates · d_state).
            state: h_{t−1} (..., d_state), alone in a tuple.

        Returns:
            h_t (..., d_state), alone in a tuple.
        """
        return (torch.tanh(inner + state[0] @ self.W_h),)

    def start(self, x: Tensor) -> tuple[Tensor, ...]:
        """The state before the first token of x (..., T, d_in)."""
        return (x.new_zeros(*x.shape[:-2], self.d_state),)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., T, d_in) → the states h_1 … h_T (..., T, d_state)."""
        inner = x @ self.W_x + self.b  # for all tokens at once: this half of the work does not wait
        state, states = self.start(x), []
        for t in range(x.shape[-2]):
            state = self.step(inner[..., t, :], state)
            states.append(state[0])
        return torch.stack(states, dim=-2)


class LSTM(RNN):
    """Long short-term memory: a cell c_t beside the state, which gates let in, keep and let out.

    i, f, o = σ(…), g = tanh(…), each of x_t W_x + h_{t−1} W_h + b; c_t = f ⊙ c_{t−1} + i ⊙ g; h_t = o ⊙ tanh(c_t).
    Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", section 4, with the forget gate f of Gers, Schmidhuber &
    Cummins 2000, "Learning to Forget", section 3. The gates stand in the order i, f, g, o, as in ``torch.nn.LSTM``.

    Args, Attributes: as :class:`RNN`, the weights four times as wide.
    """

    gates = 4

    def step(self, inner: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One token.

        Args:
            inner: x_t W_x + b, (..., 4 · d_state).
            state: h_{t−1} and c_{t−1}, each (..., d_state).

        Returns:
            h_t and c_t.
        """
        h, c = state
        i, f, g, o = (inner + h @ self.W_h).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def start(self, x: Tensor) -> tuple[Tensor, ...]:
        """h_0 = c_0 = 0 for x (..., T, d_in)."""
        zero = super().start(x)[0]
        return zero, zero


def to_torch(layer: RNN) -> nn.RNN | nn.LSTM:
    """PyTorch's layer (``batch_first``) with copies of the weights; it has two biases, of which the second is then 0."""
    kind = nn.LSTM if isinstance(layer, LSTM) else nn.RNN
    dtype = layer.W_x.dtype
    twin = kind(layer.W_x.shape[0], layer.d_state, batch_first=True, dtype=dtype)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(layer.W_x.T)
        twin.weight_hh_l0.copy_(layer.W_h.T)
        twin.bias_ih_l0.copy_(layer.b)
        twin.bias_hh_l0.zero_()
    return twin
