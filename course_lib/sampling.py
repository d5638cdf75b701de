"""From logits to the next token: temperature, top-k, top-p, and the draw; lesson 08.

Shapes use the course's letters: n_vocab tokens in the vocabulary. Leading dimensions (a batch) are written ``...``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def distribution(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """The probabilities that the next token is drawn with.

    In this order: the logits are divided by the temperature; only the k most probable tokens stay (Fan, Lewis & Dauphin 2018,
    "Hierarchical Neural Story Generation", section 5.3), rescaled to sum to 1; of these only the smallest set of most probable
    ones whose sum is p or more (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1), rescaled
    again. Of equal ones the token with the smaller id counts as the more probable.

    Args:
        logits: (..., n_vocab).
        temperature: τ; 0 is greedy: all probability on the most probable token.
        top_k: k, None for no limit.
        top_p: p, None for no limit.

    Returns:
        (..., n_vocab), each row sums to 1.

    Raises:
        ValueError: if τ is negative, k less than 1, or p not in (0, 1].
    """
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError(
            f"the temperature is 0 or more, top_k 1 or more, top_p in (0, 1], not {temperature}, {top_k}, {top_p}"
        )
    if temperature == 0:
        temperature, top_k = 1.0, 1
    # The largest logit is taken away first: dividing by a small temperature could overflow otherwise.
    p = ((logits - logits.max(dim=-1, keepdim=True).values) / temperature).softmax(dim=-1)
    order = logits.argsort(dim=-1, descending=True, stable=True)
    ordered = p.gather(-1, order)
    if top_k is not None:
        ordered = ordered * (torch.arange(ordered.shape[-1], device=p.device) < top_k)
        ordered = ordered / ordered.sum(dim=-1, keepdim=True)
    if top_p is not None:
        before = ordered.cumsum(dim=-1) - ordered  # a token stays if those before it do not reach p yet
        ordered = ordered * (before < top_p)
        ordered = ordered / ordered.sum(dim=-1, keepdim=True)
    return torch.zeros_like(p).scatter(-1, order, ordered)


def draw(p: Tensor, u: Tensor | float) -> Tensor:
    """The token at which the cumulative probability first exceeds u: inverse transform sampling (Devroye 1986, "Non-Uniform
    Random Variate Generation", section III.2).

    Args:
        p: (..., n_vocab), sums to 1.
        u: (...), uniform in [0, 1).

    Returns:
        ids (...), int64; never a token of probability 0.
    """
    u = torch.as_tensor(u, dtype=p.dtype, device=p.device)
    # Rounding can leave the last sum below 1, and u between them.
    last = p.shape[-1] - 1 - (p > 0).flip(-1).to(torch.int8).argmax(dim=-1)
    return torch.minimum((p.cumsum(dim=-1) <= u[..., None]).sum(dim=-1), last)
