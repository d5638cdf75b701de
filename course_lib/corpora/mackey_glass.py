"""A time series that is hard to foretell and needs no file: the equation of Mackey and Glass; lesson 00.

dx/dt = 0.2 · x(t − 17) / (1 + x(t − 17)¹⁰) − 0.1 · x(t): how much there is of a kind of blood cell, when its making answers to
how much there was 17 days before. Mackey & Glass 1977, "Oscillation and Chaos in Physiological Control Systems", equation 4b.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor

DELAY = 17
STEPS = 10
"""Steps of Euler's method for one unit of time."""
UNSEEN = 500
"""Units of time that are left out at the beginning, until the start is forgotten."""


def series(length: int, seed: int = 0) -> Tensor:
    """x at so many successive units of time, (length,), float64.

    The start is 1.2, with a small random number added for each step before time 0. Only additions, multiplications and
    divisions of Python's numbers are used, which every processor rounds alike.
    """
    drawn = random.Random(seed)
    lag = DELAY * STEPS
    x = [1.2 + 0.1 * (drawn.random() - 0.5) for _ in range(lag + 1)]
    for _ in range((length + UNSEEN) * STEPS):
        now, then = x[-1], x[-1 - lag]
        square = then * then
        fourth = square * square
        x.append(now + (0.2 * then / (1 + fourth * fourth * square) - 0.1 * now) / STEPS)
    return torch.tensor(x[lag + 1 :: STEPS][UNSEEN:], dtype=torch.float64)
