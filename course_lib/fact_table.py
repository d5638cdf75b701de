"""A table of facts to be learned by heart, for encoder blocks of each width; lesson 06.

A fact is two names and what they give, drawn at random: nothing about one fact follows from another, so the model can only
store them. Attention brings the first name to the second; what the pair gives has to be looked up, and the feed-forward
layer is where there is room for it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import attention, encoder, feed_forward, multi_head, normalisation, training
from course_lib.encoder import EncoderBlock
from course_lib.results import experiment

FIRST, SECOND, ANSWERS = 48, 48, 64
"""How many first names, second names and answers there are: 2,304 facts of six bits each."""
HEADS = 4


def facts(seed: int = 0) -> Tensor:
    """(FIRST, SECOND) of integers: the answer of each pair of names."""
    return torch.randint(ANSWERS, (FIRST, SECOND), generator=torch.Generator().manual_seed(seed))


class Memory(nn.Module):
    """One encoder block over the two names; the vector of the second gives a score to each answer.

    Args:
        d_model: D.
        d_ff: the size of the feed-forward layer's hidden vector.
        seed: of the initial weights.
    """

    def __init__(self, d_model: int, d_ff: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(FIRST + SECOND, d_model, generator=generator, dtype=torch.float64))
        self.block = EncoderBlock(d_model, HEADS, d_ff, generator=generator)
        self.read = nn.Parameter(
            torch.randn(d_model, ANSWERS, generator=generator, dtype=torch.float64) / math.sqrt(d_model)
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """first (B,), second (B,) → scores (B, ANSWERS)."""
        return self.block(self.embed(first, second))[0][:, 1] @ self.read

    def embed(self, first: Tensor, second: Tensor) -> Tensor:
        """first (B,), second (B,) → the vectors (B, 2, D) that enter the block."""
        return self.embedding[torch.stack([first, FIRST + second], dim=1)]


def pairs() -> tuple[Tensor, Tensor]:
    """All pairs of names: first (FIRST · SECOND,), second (FIRST · SECOND,)."""
    first, second = torch.meshgrid(torch.arange(FIRST), torch.arange(SECOND), indexing="ij")
    return first.flatten(), second.flatten()


def train(model: Memory, steps: int, size: int = 768, rate: float = 0.01) -> list[float]:
    """Minimise the cross-entropy of the answers over random batches of facts."""
    first, second = pairs()
    answers = facts().flatten()

    def loss(step: int) -> Tensor:
        chosen = torch.randint(len(answers), (size,), generator=torch.Generator().manual_seed(step))
        return F.cross_entropy(model(first[chosen], second[chosen]), answers[chosen])

    return training.minimise(loss, model.parameters(), steps=steps, rate=rate)


def evaluate(model: Memory) -> tuple[float, float]:
    """Over all facts: the mean cross-entropy in nats, and the share of right answers."""
    answers = facts().flatten()
    with torch.no_grad():
        scores = model(*pairs())
    return float(F.cross_entropy(scores, answers)), float((scores.argmax(-1) == answers).double().mean())


WIDTHS = tuple((16, 16 * r) for r in (1, 2, 3, 4, 6, 8))
"""D and d_ff with D fixed: the larger d_ff is, the more parameters there are."""
EQUAL = ((12, 216), (20, 74), (24, 33), (28, 2))
"""D and d_ff with as many parameters as D = 16, d_ff = 128 has, to one in a hundred."""


@experiment(
    "feed-forward-width",
    rows=[{"d_model": d_model, "d_ff": d_ff} for d_model, d_ff in (*WIDTHS, *EQUAL)],
    seeds=(0, 1, 2),
    depends=(
        *(Memory, facts, pairs, train, evaluate),
        *(attention, encoder, feed_forward, multi_head, normalisation, training, FIRST, SECOND, ANSWERS, HEADS),
    ),
    tolerance=2e-2,
)
def feed_forward_width(seed: int, d_model: int, d_ff: int) -> dict[str, float]:
    """How much of the table is learned in equally many steps, by the size of the feed-forward layer."""
    torch.set_num_threads(1)
    model = Memory(d_model, d_ff, seed)
    train(model, steps=1500)
    loss, accuracy = evaluate(model)
    return {"parameters": sum(p.numel() for p in model.parameters()), "loss": loss, "accuracy": accuracy}
