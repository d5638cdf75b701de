"""Normalisation in training: where it stands (before or after a sub-layer), and over what (a token, or a batch); lesson 06.

Both experiments train the model of :mod:`course_lib.questions`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib import attention, encoder, feed_forward, multi_head, normalisation, questions, training
from course_lib.encoder import Order
from course_lib.normalisation import batch_norm
from course_lib.questions import QuestionReader, Questions
from course_lib.results import experiment

LOOP = (attention, encoder, feed_forward, multi_head, normalisation, questions, training)
"""The modules that both experiments run."""

BLOCKS, STEPS, SIZE, WARM_UP = 8, 200, 64, 100
"""Of the experiment on warm-up; a rate that rises does so over the first ``WARM_UP`` steps."""


def train_warm(model: QuestionReader, rate: float, warm_up: int, steps: int = STEPS) -> list[float]:
    """Minimise the cross-entropy of the answers, with a rate that rises linearly and then stays.

    Args:
        model: what is trained.
        rate: the learning rate of Adam once it has risen.
        warm_up: over how many steps it rises; 0 = it does not, the first step has the full rate.
        steps: how many, with batches of :data:`SIZE` questions.

    Returns:
        the loss of each step, in nats.
    """
    asked = questions.all_questions()
    return training.minimise(
        lambda step: questions.loss(model, asked, step, SIZE),
        model.parameters(),
        steps=steps,
        rate=rate,
        schedule=training.warm(warm_up),
    )


@experiment(
    "warm-up",
    rows=[
        {"norm": norm, "rate": rate, "warm_up": warm_up}
        for rate in (0.001, 0.003, 0.01)
        for norm in ("pre", "post")
        for warm_up in (0, WARM_UP)
    ],
    seeds=(0, 1, 2),
    depends=(train_warm, *LOOP, BLOCKS, STEPS, SIZE, WARM_UP),
    tolerance=5e-2,  # where training stumbles, when it gets up again hangs on last bits
)
def warm_up_needed(seed: int, norm: Order, rate: float, warm_up: int) -> dict[str, float]:
    """The share of right answers after training, and the mean loss of the last 20 steps, by where LayerNorm stands."""
    torch.set_num_threads(1)
    model = QuestionReader(BLOCKS, seed, norm=norm)
    losses = train_warm(model, rate, warm_up)
    return {"accuracy": questions.accuracy(model, questions.all_questions()), "loss": sum(losses[-20:]) / 20}


class BatchNorm(nn.Module):
    """:func:`~course_lib.normalisation.batch_norm` with learned γ and β and running statistics.

    Args:
        d: D.

    Attributes:
        mask: boolean (B, T), the tokens that count, to be set before each batch; None = all, padding too.
        running: running mean (D,) and variance (D,).
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(d, dtype=torch.float64))
        self.beta = nn.Parameter(torch.zeros(d, dtype=torch.float64))
        self.running = (torch.zeros(d, dtype=torch.float64), torch.ones(d, dtype=torch.float64))
        self.mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, D) → (B, T, D)."""
        return batch_norm(x, self.gamma, self.beta, mask=self.mask, running=self.running, training=self.training)


class BatchNormReader(QuestionReader):
    """The model with BatchNorm in each block in the place of LayerNorm, and no last normalisation.

    Args:
        blocks: L.
        seed: of the initial weights, which are those of the model with LayerNorm.
        masked: whether padding is kept out of the mean and the variance. PyTorch's BatchNorm cannot do that.
    """

    def __init__(self, blocks: int, seed: int, *, masked: bool) -> None:
        super().__init__(blocks, seed)
        self.masked = masked
        self.encoder.norm = None
        for block in self.encoder.blocks:
            block.norm_1, block.norm_2 = BatchNorm(questions.D), BatchNorm(questions.D)

    def trace(self, asked: Questions) -> list[Tensor]:
        """See :meth:`course_lib.questions.QuestionReader.trace`."""
        real = torch.arange(asked.ids.shape[1]) < asked.lengths[:, None]
        for block in self.encoder.blocks:
            for norm in (block.norm_1, block.norm_2):
                norm.mask = real if self.masked else None
        return super().trace(asked)


SIZES = (1, 2, 4, 8, 16, 64)
"""Sequences in a batch."""


@experiment(
    "batch-size",
    rows=[{"normalisation": name, "size": size} for size in SIZES for name in ("layer", "batch", "batch, masked")],
    seeds=(0, 1, 2),
    depends=(BatchNorm, BatchNormReader, *LOOP, SIZES),
    tolerance=5e-2,
)
def batch_size(seed: int, normalisation: str, size: int) -> dict[str, float]:
    """The share of right answers after 300 steps with batches of a size, in inference."""
    torch.set_num_threads(1)
    if normalisation == "layer":
        model = QuestionReader(2, seed)
        model.encoder.norm = None
    else:
        model = BatchNormReader(2, seed, masked=normalisation == "batch, masked")
    questions.train(model, size=size)
    model.eval()
    return {"accuracy": questions.accuracy(model, questions.all_questions())}
