"""Linear probes: what can be read off a model's vectors by a linear map; lesson 06."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def probe(x: Tensor, labels: Tensor, learned: Tensor, penalty: float = 0.01) -> float:
    """The share of labels that a linear classifier reads off vectors it was not fitted on.

    A linear *probe*: Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes", section 3. The
    classifier is ridge regression on one-hot labels, which needs no random start and has its solution in closed form; the
    label with the largest value is its answer.

    Args:
        x: (N, D), the vectors.
        labels: (N,), integers from 0.
        learned: (N,), boolean: the vectors on which the classifier is fitted; it is tested on all others.
        penalty: of the squared weights, per fitted vector, on features brought to standard deviation 1.

    Raises:
        ValueError: if there is nothing to fit on, or nothing to test on.
    """
    if learned.all() or not learned.any():
        raise ValueError("a probe needs vectors to be fitted on, and others to be tested on")
    fitted = x[learned]
    # A feature that never changes has no deviation to divide by, and tells nothing.
    scale = fitted.std(0, correction=0)
    features = (x - fitted.mean(0)) / torch.where(scale > 0, scale, torch.ones_like(scale))
    wanted = F.one_hot(labels).to(x.dtype)
    mean = wanted[learned].mean(0)
    known = features[learned]
    gram = known.T @ known + penalty * len(known) * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, known.T @ (wanted[learned] - mean))
    answers = (features[~learned] @ weights + mean).argmax(dim=-1)
    return float((answers == labels[~learned]).double().mean())
