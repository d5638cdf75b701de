"""A task of pure memory: which value stood with this key? Asked of a recurrent network and of attention; lesson 00.

A sequence is n pairs of a key and a value, perhaps some pauses, and a question: one of the keys. A token's vector is the sum of
a row for its key and a row for its value; a pause has a row of its own in both tables, the question has a mark in place of a
value. All keys of a sequence differ. Both kinds of network read the question last, and their weights are equally many.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import attention, recurrent, training
from course_lib.attention import SelfAttention, scaled_dot_product_attention
from course_lib.recurrent import LSTM, RNN, to_torch
from course_lib.results import experiment

KEYS, VALUES = 16, 8
QUESTION, PAUSE = VALUES, VALUES + 1
"""Rows of the table of values: the mark of a question, and a pause, whose key is row :data:`KEYS`."""
D, STATE = 32, 32
"""The size of a token's vector, and that of a recurrent network's state."""
D_K, D_V = 84, 80
"""Sizes of attention's queries and keys, and of its values, chosen so that its weights are as many as the LSTM's."""

Kind = Literal["RNN", "LSTM", "attention"]


class Batch(NamedTuple):
    """Sequences of one length.

    Attributes:
        keys, values: what each token is made of, (B, T), rows of the two tables; the last token is the question.
        answers: the right values (B,).
        distance: how many tokens the question stands behind the pair asked for, (B,); 1 is directly behind.
    """

    keys: Tensor
    values: Tensor
    answers: Tensor
    distance: Tensor


def batch(pairs: int, size: int, seed: int, pauses: int = 0) -> Batch:
    """Draw ``size`` sequences of so many pairs, then so many pauses, then the question.

    Raises:
        ValueError: if there are fewer pairs than 1 or more than keys.
    """
    if not 1 <= pairs <= KEYS:
        raise ValueError(f"there are {KEYS} keys, so a sequence has 1 to {KEYS} pairs, not {pairs}")
    generator = torch.Generator().manual_seed(seed)
    keys = torch.rand(size, KEYS, generator=generator, dtype=torch.float64).argsort(-1)[:, :pairs]
    values = torch.randint(VALUES, (size, pairs), generator=generator)
    asked = torch.randint(pairs, (size, 1), generator=generator)
    return Batch(
        torch.cat([keys, torch.full((size, pauses), KEYS), keys.gather(1, asked)], dim=1),
        torch.cat([values, torch.full((size, pauses), PAUSE), torch.full((size, 1), QUESTION)], dim=1),
        values.gather(1, asked)[:, 0],
        pairs + pauses - asked[:, 0],
    )


class Reader(nn.Module):
    """The two tables, a network that reads the vectors, and a read-out of what it has when it has met the question.

    Args:
        kind: of the network.
        seed: of the initial weights: of both tables first.
        state: the size of the state of a recurrent one.
        forget: what the bias of an LSTM's forget gate begins with, more than its random number.

    Raises:
        ValueError: for another kind.
    """

    def __init__(self, kind: Kind, seed: int, *, state: int = STATE, forget: float = 0.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def normal(rows: int, columns: int, std: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=generator, dtype=torch.float64) * std)

        self.kind = kind
        self.keys, self.values = normal(KEYS + 1, D, 1.0), normal(VALUES + 2, D, 1.0)
        if kind == "attention":
            self.network = SelfAttention(D, D_K, D_V, generator=generator)
            state = D_V
        elif kind in ("RNN", "LSTM"):
            layer = (RNN if kind == "RNN" else LSTM)(D, state, generator=generator)
            if forget:
                with torch.no_grad():
                    layer.b[state : 2 * state] += forget
            self.network = to_torch(layer)  # the same function, many times faster
            self.network.bias_hh_l0.requires_grad_(False)
        else:
            raise ValueError(f"unknown kind {kind!r}: use 'RNN', 'LSTM' or 'attention'")
        self.read = normal(state, VALUES, state**-0.5)

    def vectors(self, keys: Tensor, values: Tensor) -> Tensor:
        """keys, values (B, T) → the tokens' vectors (B, T, D)."""
        return self.keys[keys] + self.values[values]

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        """keys, values (B, T) → a score for each possible answer (B, 8)."""
        return self.answer(self.vectors(keys, values))[0]

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Vectors x (B, T, D) → scores (B, 8), and how the question's attention is shared out (B, T), if there is any."""
        if self.kind != "attention":
            return self.network(x)[0][:, -1] @ self.read, None
        head = self.network
        found, weights = scaled_dot_product_attention(x[:, -1:] @ head.W_Q, x @ head.W_K, x @ head.W_V)
        return found[:, 0] @ self.read, weights[:, 0]


def size(model: nn.Module) -> int:
    """How many weights are trained."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def train(
    model: Reader, pairs: int, steps: int, *, pauses: tuple[int, int] = (0, 0), rate: float = 0.01
) -> list[float]:
    """Minimise the cross-entropy of the answer; the pauses are as many as ``pauses`` allows, each number equally often.

    Batches of 64, Adam, the rate falling to 0, gradients clipped at norm 1. Returns the loss of each step in nats.
    """

    def loss(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(10**9 + step)
        count = int(torch.randint(pauses[0], pauses[1] + 1, (1,), generator=generator))
        drawn = batch(pairs, 64, step, count)
        return F.cross_entropy(model(drawn.keys, drawn.values), drawn.answers)

    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return training.minimise(loss, weights, steps=steps, rate=rate, clip=1.0)


def right(model: Reader, drawn: Batch) -> Tensor:
    """Which of the sequences are answered rightly, (B,) of truth values."""
    with torch.no_grad():
        return model(drawn.keys, drawn.values).argmax(-1) == drawn.answers


def accuracy(model: Reader, pairs: int, pauses: int = 0, count: int = 2000) -> float:
    """The share of right answers over fresh sequences."""
    return right(model, batch(pairs, count, 10**8, pauses)).double().mean().item()


# ----------------------------------------------------------------------------------------------- recorded experiments

PAIRS = (2, 4, 8, 16)
PAUSES = (0, 5, 10, 40)
BEYOND = (0, 10, 20, 40, 80)
"""Pauses in the test of readers that were trained with 0 to 20."""
LONG, SHORT = 2000, 1200
"""Steps of training."""
_WHAT = (Batch, batch, Reader, train, right, accuracy, attention, recurrent, training)
_WITH = (KEYS, VALUES, QUESTION, PAUSE, D, STATE, D_K, D_V)


@experiment(
    "recall-pairs",
    rows=[{"kind": kind, "pairs": pairs} for kind in ("LSTM", "attention") for pairs in PAIRS]
    + [{"kind": "LSTM", "pairs": 8, "state": 64}],
    seeds=(0, 1, 2),
    depends=(*_WHAT, *_WITH, PAIRS, LONG),
    tolerance=5e-2,
)
def recall_pairs(seed: int, kind: Kind, pairs: int, state: int = STATE) -> dict[str, float]:
    """The share of right answers, the question directly behind so many pairs; with 16 pairs also by distance."""
    torch.set_num_threads(1)
    model = Reader(kind, seed, state=state)
    train(model, pairs, LONG)
    found = {"right": accuracy(model, pairs)}
    if pairs == max(PAIRS):
        drawn = batch(pairs, 8000, 10**8)
        correct = right(model, drawn).double()
        for low in range(1, pairs, 4):
            near = (drawn.distance >= low) & (drawn.distance < low + 4)
            found[f"{low}–{low + 3} back"] = correct[near].mean().item()
    return found


@experiment(
    "recall-distance",
    rows=[{"kind": kind, "pauses": pauses} for kind in ("LSTM", "attention") for pauses in PAUSES]
    + [{"kind": "LSTM", "pauses": PAUSES[-1], "forget": 3.0}],
    seeds=(0, 1, 2),
    depends=(*_WHAT, *_WITH, SHORT),
    tolerance=5e-2,
)
def recall_distance(seed: int, kind: Kind, pauses: int, forget: float = 0.0) -> dict[str, float]:
    """The share of right answers after two pairs and always so many pauses, in training as in the test."""
    torch.set_num_threads(1)
    model = Reader(kind, seed, forget=forget)
    train(model, 2, SHORT, pauses=(pauses, pauses))
    return {"right": accuracy(model, 2, pauses)}


@experiment(
    "recall-beyond",
    rows=[{"kind": kind} for kind in ("RNN", "LSTM", "attention")],
    seeds=(0, 1, 2),
    depends=(*_WHAT, *_WITH, SHORT, BEYOND),
    tolerance=5e-2,
)
def recall_beyond(seed: int, kind: Kind) -> dict[str, float]:
    """The share of right answers after two pairs and so many pauses, trained with 0 to 20 of them, in each number of pauses."""
    torch.set_num_threads(1)
    model = Reader(kind, seed)
    train(model, 2, SHORT, pauses=(0, 20))
    return {f"{pauses} pauses": accuracy(model, 2, pauses) for pauses in BEYOND}
