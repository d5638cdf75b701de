"""A token that asks two questions at once: the smallest task that one head of attention cannot do and two can.

The text is the header of a letter: four tokens, each a role and a name ("from Ann", "to Bob", "about Carl", "cc Dora"), any
name in any role. One more token asks for the names of two roles, in an order: "about? from?". Lesson 04.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.multi_head import MultiHeadAttention
from course_lib.training import constant, minimise

ROLES = ("from", "to", "about", "cc")
NAMES = ("Ann", "Bob", "Carl", "Dora", "Egon", "Fay", "Gus", "Hana", "Ivan", "June", "Karl", "Lena")
D = 32
T = TypeVar("T")


class Letters(NamedTuple):
    """A batch of headers with their questions.

    Attributes:
        names: (B, 4), the number of the name of each token; the four of a header are different.
        roles: (B, 4), the number of the role of each token: a permutation, since the tokens stand in any order.
        asked: (B, 2), the roles that are asked for, first and second; never the same.
        answers: (B, 2), the names of these.
    """

    names: Tensor
    roles: Tensor
    asked: Tensor
    answers: Tensor

    def __str__(self) -> str:
        """The first header and its questions in words."""
        tokens = (f"{ROLES[role]} {NAMES[name]}" for name, role in zip(self.names[0], self.roles[0], strict=True))
        questions = " ".join(f"{ROLES[role]}?" for role in self.asked[0])
        return f"{', '.join(tokens)} · {questions} → {', '.join(NAMES[name] for name in self.answers[0])}"


def letters(count: int, generator: torch.Generator) -> Letters:
    """``count`` headers, drawn independently: four names, their order, and two different roles to ask for."""
    names = torch.rand(count, len(NAMES), generator=generator).argsort(-1)[:, : len(ROLES)]
    roles = torch.rand(count, len(ROLES), generator=generator).argsort(-1)
    asked = torch.rand(count, len(ROLES), generator=generator).argsort(-1)[:, :2]
    by_role = torch.empty_like(names).scatter_(1, roles, names)
    return Letters(names, roles, asked, by_role.gather(1, asked))


class Answerer(nn.Module):
    """One layer of attention that answers both questions from the asking token's output.

    A token of the header is the sum of a vector of its role and one of its name, the asking token the sum of a vector of
    what it asks first and one of what it asks second. The output z of the asking token is read by two matrices, one for
    each question: z R_1 and z R_2 are the scores of the names.

    Args:
        heads: H; the layer has D / H columns for each, so the number of parameters does not depend on it.
        seed: of the initial weights.
    """

    def __init__(self, heads: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def table(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))

        self.role, self.name, self.ask = table(len(ROLES), D), table(len(NAMES), D), table(2, len(ROLES), D)
        self.layer = MultiHeadAttention(D, heads, generator=generator)
        self.read = nn.Parameter(table(2, D, len(NAMES)).detach() / math.sqrt(D))

    def forward(self, batch: Letters) -> tuple[Tensor, Tensor]:
        """The scores of the names for each question (B, 2, names), and the weights of each head (B, H, tokens)."""
        x = (self.ask[0, batch.asked[:, 0]] + self.ask[1, batch.asked[:, 1]])[:, None]
        y = self.role[batch.roles] + self.name[batch.names]
        z, weights = self.layer(x, y)
        return torch.einsum("bd,qdn->bqn", z[:, 0], self.read), weights[:, :, 0]


def make_alike(layer: MultiHeadAttention, *, output: bool = True) -> None:
    """Give every head the first one's W_Q, W_K and W_V, and with ``output`` its rows of W_O, too."""
    with torch.no_grad():
        for name in ("W_Q", "W_K", "W_V"):
            weight = getattr(layer, name)
            weight.copy_(weight[:, : weight.shape[1] // layer.heads].repeat(1, layer.heads))
        if output:
            layer.W_O.copy_(layer.W_O[: layer.d_v].repeat(layer.heads, 1))


def difference_of_heads(layer: MultiHeadAttention) -> float:
    """The largest difference between a number of the first head's W_Q, W_K, W_V and the same number of another head's."""
    with torch.no_grad():
        heads = [weight.unflatten(1, (layer.heads, -1)) for weight in (layer.W_Q, layer.W_K, layer.W_V)]
        return max(float((head - head[:, :1]).abs().max()) for head in heads)


def train(
    model: Answerer, steps: int = 400, size: int = 64, rate: float = 0.01, watch: Callable[[Answerer], T] | None = None
) -> tuple[list[float], list[T]]:
    """Minimise the mean cross-entropy of both answers by Adam, with fresh headers in every step.

    Args:
        watch: what is asked of the model after every step.

    Returns:
        the loss of each step in nats, and what ``watch`` gave.
    """
    generator = torch.Generator().manual_seed(0)
    watched: list[T] = []

    def loss(step: int) -> Tensor:
        batch = letters(size, generator)
        return F.cross_entropy(model(batch)[0].flatten(0, 1), batch.answers.flatten())

    def look(step: int) -> None:
        if watch is not None:
            watched.append(watch(model))

    return minimise(loss, model.parameters(), steps=steps, rate=rate, schedule=constant, after=look), watched


def accuracy(model: Answerer, count: int = 2000) -> tuple[float, float]:
    """The share of right answers to the first and to the second question, on headers that training has not drawn."""
    batch = letters(count, torch.Generator().manual_seed(10**6))
    with torch.no_grad():
        right = model(batch)[0].argmax(-1) == batch.answers
    return float(right[:, 0].double().mean()), float(right[:, 1].double().mean())


def looks(model: Answerer, count: int = 2000) -> Tensor:
    """(H, 3): each head's mean weight on the token asked for first, on that asked for second, on the two others."""
    batch = letters(count, torch.Generator().manual_seed(10**6))
    with torch.no_grad():
        weights = model(batch)[1]
    asked = [(batch.roles == batch.asked[:, n : n + 1]).double() for n in (0, 1)]
    parts = [*asked, 1 - asked[0] - asked[1]]
    return torch.stack([(weights * part[:, None]).sum(-1).mean(0) for part in parts], dim=-1)
