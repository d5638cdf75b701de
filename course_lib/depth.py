"""Depth against width with equally many weights: many narrow encoder blocks, or one wide; lesson 06.

Two tasks: the table of facts (:mod:`course_lib.fact_table`), where everything has to be stored, and the referent of *it*
(:mod:`course_lib.coreference`), where two steps have to be taken one after the other: what does the adjective fit, and
which noun is that?
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib import attention, coreference, encoder, fact_table, feed_forward, multi_head, normalisation, training
from course_lib.attention import SelfAttention, padding_mask
from course_lib.corpora import crossing
from course_lib.encoder import Encoder
from course_lib.fact_table import Memory
from course_lib.results import experiment

FACTS = {1: (20, 74), 2: (16, 47), 4: (12, 33), 8: (8, 30)}
"""D and d_ff by the number of blocks: about 8,000 weights in all, embeddings and read-out among them."""
REFERENT = {1: (48, 200), 2: (32, 156), 4: (24, 97)}
"""D and d_ff by the number of blocks: about 29,000 weights in the blocks."""
HEADS = 4


def deep_memory(blocks: int, seed: int) -> Memory:
    """A model that learns the table of facts with so many blocks."""
    d_model, d_ff = FACTS[blocks]
    memory = Memory(d_model, d_ff, seed)
    generator = torch.Generator().manual_seed(seed)
    memory.block = Encoder(blocks, d_model, HEADS, d_ff, final_norm=False, generator=generator)
    return memory


class DeepPointer(nn.Module):
    """Encoder blocks, and a head of attention that answers with its own weights, as in lesson 03.

    Args:
        blocks: L.
        seed: of the initial weights.
    """

    def __init__(self, blocks: int, seed: int) -> None:
        super().__init__()
        d_model, d_ff = REFERENT[blocks]
        generator = torch.Generator().manual_seed(seed)
        words = len(crossing.vocabulary())
        self.embedding = nn.Parameter(torch.randn(words, d_model, generator=generator, dtype=torch.float64))
        self.encoder = Encoder(blocks, d_model, HEADS, d_ff, generator=generator)
        self.point = SelfAttention(d_model, coreference.D_K, d_model, generator=generator)

    def forward(self, ids: Tensor, lengths: Tensor) -> list[Tensor]:
        """ids (B, T), lengths (B,) → the weights (B, T, T) of the answering head, as a list of one."""
        mask = padding_mask(lengths, ids.shape[1])
        x, _ = self.encoder(self.embedding[ids], mask[:, None])
        return [self.point(x, mask)[1]]


@experiment(
    "depth-width",
    rows=[
        {"task": task, "blocks": blocks}
        for task, shapes in (("facts", FACTS), ("referent", REFERENT))
        for blocks in shapes
    ],
    seeds=(0, 1, 2),
    depends=(
        *(deep_memory, DeepPointer, attention, coreference, crossing, encoder, fact_table, feed_forward, multi_head),
        *(normalisation, training, FACTS, REFERENT, HEADS),
    ),
    tolerance=5e-2,
)
def depth_width(seed: int, task: str, blocks: int) -> dict[str, float]:
    """The share of right answers after equally many steps, by the number of blocks among which the weights are spread."""
    torch.set_num_threads(1)
    if task == "facts":
        memory = deep_memory(blocks, seed)
        fact_table.train(memory, steps=1000)
        weights, accuracy = sum(p.numel() for p in memory.parameters()), fact_table.evaluate(memory)[1]
    else:
        pointer = DeepPointer(blocks, seed)
        coreference.train(pointer, steps=300, size=128, rate=0.01)
        weights = sum(p.numel() for p in pointer.encoder.parameters())
        accuracy = coreference.accuracy(pointer, coreference.test_sentences())
    return {"parameters": weights, "accuracy": accuracy}
