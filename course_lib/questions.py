"""Questions about things, and encoders that answer them; lesson 06.

"what is internet ?", "what is internet for ?", "who is internet for ?": no single word tells what is asked, two of them
together do, and a third names the thing. The answer has to be looked up: nothing about one thing follows from another. The
model reads the answer off the vector of the question mark, so that one can follow through the blocks what is in it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import training
from course_lib.attention import padding_mask
from course_lib.encoder import Encoder, Order

KINDS = {
    "category": ("what", None),
    "use": ("what", "for"),
    "matter": ("what", "of"),
    "place": ("where", None),
    "origin": ("where", "from"),
    "user": ("who", "for"),
    "maker": ("who", "from"),
}
"""The word before and the word after the thing, if any, by what they ask for together."""

FACTS = {
    thing: dict(zip(KINDS, answers.split(), strict=True))
    for thing, answers in {
        "internet": "network messages cables everywhere laboratory people engineers",
        "bread": "food eating flour kitchen field family baker",
        "letter": "text messages paper drawer office friend author",
        "piano": "instrument music wood hall factory musician carpenter",
        "ship": "vehicle travel steel sea harbour sailor engineers",
        "railway": "network travel steel everywhere city people engineers",
        "novel": "text reading paper library office reader author",
        "guitar": "instrument music wood stage workshop musician carpenter",
        "soup": "food eating vegetables kitchen garden family cook",
        "bicycle": "vehicle travel steel street factory child mechanic",
        "telephone": "device messages plastic office laboratory people inventor",
        "lamp": "device light glass room factory reader mechanic",
        "window": "opening light glass wall factory family glazier",
        "house": "building living bricks street quarry family builder",
        "bridge": "building travel stone river quarry people builder",
        "coat": "garment warmth wool wardrobe farm child tailor",
    }.items()
}
"""What the things are, answer by answer: 112 facts."""

OPENINGS = ((), ("please",), ("tell", "me"), ("now",), ("do", "you", "know"), ("friend",), ("say",), ("well",))
"""Words before a question, which say nothing."""

THINGS = tuple(FACTS)
ANSWERS = tuple(sorted({answer for facts in FACTS.values() for answer in facts.values()}))
PAD, MARK = "<pad>", "?"
WORDS = (
    PAD,
    MARK,
    "is",
    *sorted({word for words in (*KINDS.values(), *OPENINGS) for word in words if word is not None}),
    *THINGS,
)
D, HEADS = 32, 4


class Questions(NamedTuple):
    """Questions as numbers.

    Attributes:
        ids: (N, T), the words, padded at the end.
        lengths: (N,), the numbers of words; the last word of each question is the question mark.
        opening: (N,), the number of the opening.
        thing: (N,), the number of the thing.
        kind: (N,), the number of what is asked.
        answer: (N,), the number of the answer.
    """

    ids: Tensor
    lengths: Tensor
    opening: Tensor
    thing: Tensor
    kind: Tensor
    answer: Tensor

    def __getitem__(self, chosen: Tensor | slice) -> Questions:
        """Some of the questions."""
        return Questions(*(values[chosen] for values in tuple(self)))


def question(thing: str, kind: str, opening: tuple[str, ...] = ()) -> list[str]:
    """The words of a question."""
    first, last = KINDS[kind]
    return [*opening, first, "is", thing, *([] if last is None else [last]), MARK]


def all_questions() -> Questions:
    """Each of the 112 facts, asked behind each of the openings: 896 questions."""
    texts, rows = [], []
    for o, opening in enumerate(OPENINGS):
        for t, thing in enumerate(THINGS):
            for k, kind in enumerate(KINDS):
                texts.append(question(thing, kind, opening))
                rows.append((o, t, k, ANSWERS.index(FACTS[thing][kind])))
    longest = max(map(len, texts))
    ids = torch.tensor([[WORDS.index(word) for word in [*text, *[PAD] * (longest - len(text))]] for text in texts])
    return Questions(ids, torch.tensor([len(text) for text in texts]), *torch.tensor(rows).T)


class QuestionReader(nn.Module):
    """An encoder without positions, since here the words decide; the vector of the question mark gives the answer.

    Args:
        blocks: L.
        seed: of the initial weights.
        norm: "pre" or "post", see :class:`course_lib.encoder.EncoderBlock`.
        d_ff: the size of the feed-forward layers' hidden vector.
    """

    def __init__(self, blocks: int, seed: int, *, norm: Order = "pre", d_ff: int = 2 * D) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(len(WORDS), D, generator=generator, dtype=torch.float64))
        self.encoder = Encoder(blocks, D, HEADS, d_ff, norm=norm, generator=generator)
        self.read = nn.Parameter(torch.randn(D, len(ANSWERS), generator=generator, dtype=torch.float64) / math.sqrt(D))

    def forward(self, asked: Questions) -> Tensor:
        """The scores of all answers (N, n_answers)."""
        return self.read_out(self.trace(asked)[-1])

    def trace(self, asked: Questions) -> list[Tensor]:
        """The vectors (N, D) of the question marks on their way: as they enter and after each block, L + 1 in all."""
        mask = padding_mask(asked.lengths, asked.ids.shape[1])[:, None]
        vectors, _ = self.encoder.trace(self.embedding[asked.ids], mask)
        return [x[torch.arange(len(x)), asked.lengths - 1] for x in vectors]

    def read_out(self, x: Tensor) -> Tensor:
        """The scores of all answers (..., n_answers) from vectors (..., D), as if no block followed."""
        return (x if self.encoder.norm is None else self.encoder.norm(x)) @ self.read


def train(model: QuestionReader, steps: int = 300, size: int = 128, rate: float = 0.01) -> list[float]:
    """Minimise the cross-entropy of the answers over random batches of the questions.

    Returns:
        the loss of each step, in nats.
    """
    asked = all_questions()
    return training.minimise(lambda step: loss(model, asked, step, size), model.parameters(), steps=steps, rate=rate)


def loss(model: nn.Module, asked: Questions, step: int, size: int) -> Tensor:
    """The cross-entropy of the answers, in nats, over the batch that belongs to a step."""
    chosen = asked[torch.randint(len(asked.ids), (size,), generator=torch.Generator().manual_seed(step))]
    return F.cross_entropy(model(chosen), chosen.answer)


def accuracy(model: nn.Module, asked: Questions) -> float:
    """The share of right answers."""
    with torch.no_grad():
        return float((model(asked).argmax(-1) == asked.answer).double().mean())
