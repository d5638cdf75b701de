"""The training loop of small models: fresh data in every step, Adam, a rate that falls to zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def minimise(
    loss: Callable[[int], Tensor],
    parameters: Iterable[nn.Parameter],
    *,
    steps: int,
    rate: float,
    decay: bool = True,
    after: Callable[[int], object] | None = None,
) -> list[float]:
    """Adam on what ``loss`` gives, step by step.

    Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1, with the defaults of PyTorch.

    Args:
        loss: from the number of the step, 0 first, to a number with a gradient; it draws its own data.
        parameters: what is trained.
        steps: how many.
        rate: the learning rate of the first step.
        decay: whether it falls linearly, to zero after the last step.
        after: called with the number of each step when it is done, to look at what is trained.

    Returns:
        the loss of each step.
    """
    optimizer = torch.optim.Adam(parameters, lr=rate)
    losses = []
    for step in range(steps):
        if decay:
            optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        value = loss(step)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        if after is not None:
            after(step)
    return losses
