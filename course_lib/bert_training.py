"""Pre-training BERT on the stories of lesson 08: masked language modelling and next sentence prediction.

Shapes use the course's letters: B texts in a batch, T tokens, D the size of a token's vector, n_vocab tokens in the
vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_lib import training
from course_lib.bert import BERT
from course_lib.corpora import stories
from course_lib.corpora.stories import CLS, LONGEST, MASK, PAD, SEP, SPECIAL, Pair
from course_lib.gpt_training import BETAS, CLIP, SPREAD, Recipe
from course_lib.sampling import distribution, draw

IGNORED = -100
"""The target of a token that has not been chosen, as in ``F.cross_entropy``."""
CHOSEN = 0.15
"""The share of tokens that are chosen to be predicted (Devlin et al. 2019, section 3.1)."""
AS_MASK, AS_RANDOM = 0.8, 0.1
"""Of the chosen ones, how many become [MASK] and how many a random word; the rest stay (the same section)."""

FULL = Recipe(32, 4, 2, 64, 1500, 64, 0.01, 60, torch.float32)
"""The sizes of the lesson's GPT, and four times as long as a lesson can wait."""


def untrained(recipe: Recipe, seed: int) -> BERT:
    """A BERT with the sizes of a recipe and the vocabulary of the stories."""
    sizes = (recipe.d_model, recipe.heads, recipe.layers, recipe.d_ff)
    generator = torch.Generator().manual_seed(seed)
    return BERT(len(stories.vocabulary()), LONGEST, *sizes, spread=SPREAD, generator=generator, dtype=recipe.dtype)


# ------------------------------------------------------------------------------------------------------------ batches


class Texts(NamedTuple):
    """Texts as BERT reads them: [CLS] first [SEP] second [SEP], padded at the end.

    Attributes:
        ids, segments: (B, T).
        lengths: (B,), the real tokens.
    """

    ids: Tensor
    segments: Tensor
    lengths: Tensor


class Batch(NamedTuple):
    """What pre-training sees.

    Attributes:
        texts: with the chosen tokens corrupted.
        targets: (B, T), what a chosen token was; IGNORED for all others.
        next: (B,), 0 where the second sentence follows, 1 where it is of another story.
    """

    texts: Texts
    targets: Tensor
    next: Tensor


def texts(sentences: Sequence[tuple[Sequence[str], ...]]) -> Texts:
    """One or two sentences each as ids and segments.

    Raises:
        KeyError: for a word that the corpus does not have.
    """
    ids, segments = [], []
    for parts in sentences:
        row, places = [CLS], [0]
        for segment, words in enumerate(parts):
            row += [*stories.ids(words), SEP]
            places += [segment] * (len(words) + 1)
        ids.append(torch.tensor(row))
        segments.append(torch.tensor(places))
    lengths = torch.tensor([len(row) for row in ids])
    padded = (pad_sequence(rows, batch_first=True, padding_value=PAD) for rows in (ids, segments))
    return Texts(*padded, lengths)


def corrupt(
    ids: Tensor, generator: torch.Generator, as_mask: float = AS_MASK, as_random: float = AS_RANDOM
) -> tuple[Tensor, Tensor]:
    """Choose tokens to be predicted and corrupt them: Devlin et al. 2019, section 3.1, task 1, and appendix A.1.

    Each token that is no special one is chosen by itself with probability CHOSEN. (The authors' code fixes the number
    chosen of each text instead.)

    Args:
        ids: (B, T); not changed.
        generator: source of the choices.
        as_mask, as_random: which shares of the chosen become [MASK] and a random word; the rest stay.

    Returns:
        the corrupted ids and the targets, both (B, T).
    """
    choice, kind = (torch.rand(ids.shape, generator=generator) for _ in range(2))
    strange = torch.randint(len(SPECIAL), len(stories.vocabulary()), ids.shape, generator=generator)
    chosen = (choice < CHOSEN) & (ids >= len(SPECIAL))
    changed = torch.where(kind < as_mask, MASK, torch.where(kind < as_mask + as_random, strange, ids))
    return torch.where(chosen, changed, ids), torch.where(chosen, ids, IGNORED)


def batch(pairs: Sequence[Pair], seed: int, as_mask: float = AS_MASK, as_random: float = AS_RANDOM) -> Batch:
    """Pairs of sentences as pre-training sees them. Arguments as :func:`corrupt`."""
    clean = texts([(pair.first, pair.second) for pair in pairs])
    ids, targets = corrupt(clean.ids, torch.Generator().manual_seed(seed), as_mask, as_random)
    return Batch(clean._replace(ids=ids), targets, torch.tensor([int(not pair.follows) for pair in pairs]))


# -------------------------------------------------------------------------------------------------------- pre-training


def losses(model: BERT, of: Batch) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of a chosen token, and that of next sentence prediction, in nats.

    The logits are computed for the chosen tokens alone: for the others nobody asks.
    """
    vectors = model(*of.texts)
    chosen = of.targets != IGNORED
    hidden = F.cross_entropy(model.masked_logits(vectors[chosen]), of.targets[chosen])
    return hidden, F.cross_entropy(model.next_logits(model.pooled(vectors)), of.next)


def train(
    model: BERT,
    recipe: Recipe,
    seed: int,
    *,
    as_mask: float = AS_MASK,
    as_random: float = AS_RANDOM,
    after: Callable[[int], object] | None = None,
    progress: str | None = None,
) -> list[float]:
    """Pre-train on fresh pairs of sentences; the loss is the sum of both (Devlin et al. 2019, appendix A.2).

    Arguments and errors as :func:`course_lib.gpt_training.train`, and as :func:`corrupt`.

    Returns:
        the loss of each step, in nats.
    """

    def of(step: int) -> Tensor:
        number = 1_000_003 * seed + step
        return sum(losses(model, batch(stories.pairs(recipe.size, number), number, as_mask, as_random)))

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


class Scores(NamedTuple):
    """How well a pre-trained model does its two tasks on fresh pairs.

    Attributes:
        masked, random, kept: the share of chosen tokens that are guessed right, by what became of them.
        next: the share of right answers whether the second sentence follows, on pairs in which nothing is corrupted.
    """

    masked: float
    random: float
    kept: float
    next: float


@torch.no_grad()
def scores(model: BERT, count: int = 2000) -> Scores:
    """Scores on pairs that training has not drawn; what is hidden is corrupted 80/10/10, however the model was trained."""
    pairs = stories.pairs(count, seed=10**9)
    clean = texts([(pair.first, pair.second) for pair in pairs])
    of = batch(pairs, seed=10**9)
    vectors = model(*of.texts)
    chosen = of.targets != IGNORED
    right = model.masked_logits(vectors[chosen]).argmax(-1) == of.targets[chosen]
    seen, was = of.texts.ids[chosen], clean.ids[chosen]
    ways = (seen == MASK, (seen != MASK) & (seen != was), seen == was)
    answers = model.next_logits(model.pooled(model(*clean))).argmax(-1)
    shares = [right[way].double().mean().item() for way in ways]
    return Scores(*shares, (answers == of.next).double().mean().item())


# -------------------------------------------------------------------------------------------------------------- writing


@torch.no_grad()
def write(model: BERT, count: int, seed: int, *, template: bool, temperature: float = 1.0) -> list[tuple[str, ...]]:
    """Stories from a model that was never asked to write: from left to right, each word drawn at a [MASK].

    The model is told how many words each sentence has, since it has no way to end one.

    Args:
        model: pre-trained.
        count: how many.
        seed: of the draws.
        template: whether the words to come stand there as [MASK], so that the model sees where the text will end; without,
            the text ends behind the one [MASK].
        temperature: see :func:`course_lib.sampling.distribution`.
    """
    generator = torch.Generator().manual_seed(seed)
    written = torch.empty(count, 0, dtype=torch.int64)
    total = stories.length() - 1
    for place in range(total):
        hidden = torch.full((count, total - place if template else 1), MASK)
        ids, segments = _framed(torch.cat([written, hidden], dim=1))
        logits = model.masked_logits(model(ids, segments)[:, 1 + place + (place >= stories.FIRST)])
        logits[:, : len(SPECIAL)] = -torch.inf
        u = torch.rand(count, generator=generator, dtype=torch.float64)
        written = torch.cat([written, draw(distribution(logits, temperature), u)[:, None]], dim=1)
    return [stories.words(row) for row in written.tolist()]


def _framed(words: Tensor) -> tuple[Tensor, Tensor]:
    """[CLS] first sentence [SEP] second sentence [SEP] and the segments, for words (B, T) of one length."""
    cls, sep = (torch.full((len(words), 1), token) for token in (CLS, SEP))
    first, second = words[:, : stories.FIRST], words[:, stories.FIRST :]
    parts = [torch.cat([cls, first, sep], dim=1)] + ([torch.cat([second, sep], dim=1)] if second.shape[1] else [])
    segments = [torch.full_like(part, number) for number, part in enumerate(parts)]
    return torch.cat(parts, dim=1), torch.cat(segments, dim=1)
