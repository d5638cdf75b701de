"""Training and judging a GPT on the stories of lesson 08: next tokens, and filling in the middle.

Shapes use the course's letters: B texts in a batch, T tokens, n_vocab tokens in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_lib import training
from course_lib.corpora import stories
from course_lib.corpora.stories import END, LONGEST, MIDDLE, PAD, PREFIX, SUFFIX, Story
from course_lib.gpt import GPT
from course_lib.sampling import distribution, draw


@dataclass(frozen=True)
class Recipe:
    """A model's sizes and how it is trained: Adam, a rate that rises over ``warm_up`` steps, then falls to zero.

    Attributes:
        d_model, heads, layers, d_ff: D, H, L and the size of a feed-forward layer's hidden vector.
        steps, size: how many batches, and of how many texts.
        rate, warm_up: the learning rate that the straight fall begins from, and over how many steps it comes in.
        dtype: of the weights.
    """

    d_model: int
    heads: int
    layers: int
    d_ff: int
    steps: int
    size: int
    rate: float
    warm_up: int
    dtype: torch.dtype


SMALL = Recipe(32, 4, 2, 64, 400, 32, 0.01, 60, torch.float64)
"""What a lesson can wait for, and a page can hold."""
SPREAD = 0.1
"""Of the initial token embeddings: with 0.02 for words and positions alike, these models of D = 32 see for hundreds of steps, or
for good, where a word stands and not which other words stand with it."""
BETAS, CLIP = (0.9, 0.98), 1.0
"""β₁ and β₂ of Adam, and the largest norm of the gradient."""


def untrained(recipe: Recipe, seed: int) -> GPT:
    """A GPT with the sizes of a recipe and the vocabulary of the stories."""
    sizes = (recipe.d_model, recipe.heads, recipe.layers, recipe.d_ff)
    generator = torch.Generator().manual_seed(seed)
    return GPT(len(stories.vocabulary()), LONGEST, *sizes, spread=SPREAD, generator=generator, dtype=recipe.dtype)


# -------------------------------------------------------------------------------------------------------------- texts


def plain(story: Story) -> list[int]:
    """The ids of a story between two end tokens: the first one says that a text begins."""
    return [END, *stories.ids(story.tokens), END]


def rearranged(story: Story, start: int, stop: int) -> list[int]:
    """The ids of a story whose words start … stop − 1 come last: <PRE> prefix <SUF> suffix <MID> middle, and an end token.

    Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle", section 3 (the order "PSM"). No end
    token stands before <PRE>: so the first token says which of the two kinds of text comes, and whoever begins with an end
    token gets a plain story.

    Raises:
        ValueError: if 0 ≤ start ≤ stop ≤ number of words does not hold.
    """
    ids = stories.ids(story.tokens)
    if not 0 <= start <= stop <= len(ids):
        raise ValueError(f"the middle {start} … {stop} is no part of a text of {len(ids)} words")
    return [PREFIX, *ids[:start], SUFFIX, *ids[stop:], MIDDLE, *ids[start:stop], END]


def with_middles(drawn: Sequence[Story], seed: int, share: float = 0.5) -> list[list[int]]:
    """The stories as ids; about a ``share`` of them rearranged at two random places, as in Bavarian et al. 2022."""
    generator = torch.Generator().manual_seed(seed)
    texts = []
    for story in drawn:
        if torch.rand((), generator=generator) < share:
            ends = torch.randint(len(story.tokens) + 1, (2,), generator=generator).tolist()
            texts.append(rearranged(story, *sorted(ends)))
        else:
            texts.append(plain(story))
    return texts


def batch(texts: Sequence[Sequence[int]]) -> Tensor:
    """ids (B, T), padded at the end."""
    return pad_sequence([torch.tensor(text) for text in texts], batch_first=True, padding_value=PAD)


# ----------------------------------------------------------------------------------------------------------- training


def loss(model: GPT, ids: Tensor) -> Tensor:
    """The mean cross-entropy of a token given those before it, in nats: every row's first token is given, padding not counted.

    Args:
        ids: (B, T). Padding at the end needs no mask of its own: the causal one already hides it from real tokens.
    """
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=PAD)


def train(
    model: GPT,
    recipe: Recipe,
    seed: int,
    *,
    texts: Callable[[list[Story], int], list[list[int]]] | None = None,
    after: Callable[[int], object] | None = None,
    progress: str | None = None,
) -> list[float]:
    """Train on fresh stories.

    Args:
        model: what is trained.
        recipe: how.
        seed: of the stories; every seed draws its own.
        texts: from stories and a seed to texts as ids; :func:`plain` by default.
        after, progress: see :func:`course_lib.training.minimise`.

    Returns:
        the loss of each step, in nats per token.

    Raises:
        Diverged: see :func:`course_lib.training.minimise`.
    """

    def of(step: int) -> Tensor:
        number = 1_000_003 * seed + step
        drawn = stories.stories(recipe.size, number)
        return loss(model, batch(texts(drawn, number) if texts else [plain(story) for story in drawn]))

    return training.minimise(
        of,
        model.parameters(),
        steps=recipe.steps,
        rate=recipe.rate,
        schedule=training.warm(recipe.warm_up, training.falling),
        betas=BETAS,
        clip=CLIP,
        after=after,
        progress=progress,
    )


# ------------------------------------------------------------------------------------------------------------ judging


def fresh(count: int = 600) -> list[Story]:
    """Stories that training has not drawn; always the same."""
    return stories.stories(count, seed=10**9)


@torch.no_grad()
def fresh_loss(model: GPT, count: int = 1000) -> float:
    """The loss on fresh stories, in nats per token; nobody's is less than :func:`stories.entropy_per_token` in the mean."""
    return float(loss(model, batch([plain(story) for story in fresh(count)])))


def write(
    model: GPT,
    count: int,
    seed: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    prompt: Sequence[str] = (),
) -> list[tuple[str, ...]]:
    """``count`` texts that continue a prompt, drawn token by token; the prompt is part of them, the end token is not."""
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: Tensor) -> Tensor:
        u = torch.rand(len(logits), generator=generator, dtype=torch.float64)
        return draw(distribution(logits, temperature, top_k, top_p), u)

    given = torch.tensor([[END, *stories.ids(prompt)]]).repeat(count, 1)
    new = model.generate(given, model.longest - given.shape[1], choose, stop=END)
    return [(*prompt, *stories.words(row[: row.index(END)] if END in row else row)) for row in new.tolist()]


def accepted(texts: Sequence[Sequence[str]]) -> float:
    """The share of texts that the grammar can say."""
    return sum(map(stories.accepts, texts)) / len(texts)
