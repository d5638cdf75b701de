"""What the checkers of every lesson ask with: hints from the catalogue, numbers to try an answer on, and comparisons."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.language import say

Verdicts = Iterator[tuple[str, bool]]
"""What a checker yields: a sentence, and whether the answer is as it says."""


def hint(exercise: str, mistake: str, **values: object) -> str:
    """The catalogue's hint for a mistake in an exercise."""
    return say(f"exercise.{exercise}.{mistake}", **values)


def random(*shape: int, seed: int = 3) -> Tensor:
    """Normal numbers in float64, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(answer: Tensor, expected: Tensor, tolerance: float = 1e-8) -> bool:
    """Whether two tensors have one shape and differ by no more than ``tolerance`` anywhere."""
    return answer.shape == expected.shape and torch.allclose(answer.double(), expected, atol=tolerance, rtol=0)
