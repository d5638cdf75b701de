"""GPT and BERT beside ``transformers``, PyTorch's own layers and a small GPT of the usual making: training steps and writing.

All contenders of a race have the same weights and compute the same function, with the exact GELU, which all of them know;
before a race they must agree. 512 tokens make the models of 4 layers with D = 128 and of 6 layers with D = 384 ones of 0.9
and 10.9 million parameters. BERT has the vocabulary that it was published with, since the number of logits that need not be
computed depends on it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import cycle
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers
from interleaving import Contender, Race
from torch import Tensor, nn

from course_lib import bert_training, fast_gpt
from course_lib.bert import BERT
from course_lib.bert_training import IGNORED, Batch, Texts
from course_lib.gpt import GPT


class Job(NamedTuple):
    """A model's sizes and what it does.

    Attributes:
        d_model, heads, layers, vocabulary, length: D, H, L, n_vocab, T.
        texts, steps: how many texts a training step has, and how many steps a turn.
        prompt, written: tokens that are given and those that are written, together at most T.
        reduced: how many times as fast as NanoLike we are to train in reduced precision.
        writing: for batches of 1 and 16, how many times as fast as ``transformers`` we are to write.
    """

    d_model: int
    heads: int
    layers: int
    vocabulary: int = 512
    length: int = 128
    texts: int = 32
    steps: int = 4
    prompt: int = 16
    written: int = 112
    reduced: float = 2.8
    writing: tuple[float, float] = (4.0, 2.0)


SMALL = Job(128, 4, 4)
LARGE = Job(384, 6, 6, steps=1, written=32, reduced=3.4, writing=(2.0, 1.0))
BERTS = Job(128, 4, 4, vocabulary=30_522, texts=16, steps=1)
EXACT_GOAL = 1.18
"""No slower than nanoGPT, whose lead over ``transformers`` was 1.18 where both were measured."""
BERT_GOAL = 1.0

TRANSFORMERS = f"transformers {transformers.__version__}"
TORCH = f"torch {torch.__version__.partition('+')[0]}"
BATCHES = 1, 16


def quickly(job: Job) -> Job:
    """The same with everything small."""
    return job._replace(
        d_model=8 * job.heads, layers=2, vocabulary=61, length=16, texts=2, steps=1, prompt=4, written=6
    )


# ----------------------------------------------------------------------------------------------- whom we compare with


class NanoBlock(nn.Module):
    """A block as most small GPTs have it: one layer for queries, keys and values, PyTorch's attention."""

    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.project, self.join = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.widen, self.narrow = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.project(self.norm_1(x)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        z = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.join(z.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.widen(self.norm_2(x))))


class NanoLike(nn.Module):
    """A GPT in the manner of nanoGPT, with the weights of one of ours."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        d_model = model.embedding.shape[1]
        self.embedding = nn.Embedding.from_pretrained(model.embedding.detach().clone(), freeze=False)
        self.positions = nn.Parameter(model.positions.detach().clone())
        self.blocks = nn.ModuleList(NanoBlock(d_model, block.attention.heads) for block in model.stack.blocks)
        self.norm = model.stack.norm.to_torch()
        with torch.no_grad():
            for mine, block in zip(self.blocks, model.stack.blocks, strict=True):
                ours = block.attention.to_torch()
                mine.project.weight.copy_(ours.in_proj_weight)
                mine.project.bias.copy_(ours.in_proj_bias)
                mine.join.load_state_dict(ours.out_proj.state_dict())
                mine.widen, _, mine.narrow = block.feed_forward.to_torch()
                mine.norm_1, mine.norm_2 = block.norm_1.to_torch(), block.norm_2.to_torch()

    def vectors(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward(self, ids: Tensor) -> Tensor:
        return F.linear(self.vectors(ids), self.embedding.weight)

    @torch.no_grad()
    def generate(self, prompt: Tensor, count: int) -> Tensor:
        """Without a cache: the whole text again for each token."""
        text = prompt
        for _ in range(count):
            last = F.linear(self.vectors(text)[:, -1:], self.embedding.weight)
            text = torch.cat([text, last.argmax(dim=-1)], dim=1)
        return text[:, prompt.shape[1] :]


class TorchLayers(nn.Module):
    """``nn.TransformerEncoder`` with a causal mask, between our embeddings and a read-out tied to them."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(model.embedding.detach().clone(), freeze=False)
        self.positions = nn.Parameter(model.positions.detach().clone())
        self.stack = model.stack.to_torch()

    def forward(self, ids: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        x = self.embedding(ids) + self.positions[: ids.shape[1]]
        return F.linear(self.stack(x, mask=mask, is_causal=True), self.embedding.weight)


def cross_entropy(model: Callable[[Tensor], Tensor], ids: Tensor) -> Tensor:
    """Of the next tokens, from a model's logits; as :func:`fast_gpt.loss`."""
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


def by_transformers(model: nn.Module, ids: Tensor) -> Tensor:
    return cross_entropy(lambda read: model(read, use_cache=False).logits, ids)


# ----------------------------------------------------------------------------------------------------------- training


class Training:
    """A model that takes some steps of AdamW with one batch after another.

    Args:
        model: what is trained.
        loss: of the model and a batch.
        batches: the same for all contenders.
        precision: the context in which loss and gradients are computed.
        steps: how many make a turn.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, object], Tensor],
        batches: Sequence[object],
        steps: int,
        precision: Callable[[], object] = nullcontext,
    ) -> None:
        self.model, self.of, self.precision, self.steps = model.train(), loss, precision, steps
        self.first, self.batches = batches[0], cycle(batches)
        # The same fused update for everybody: it is models that are compared.
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)

    def loss(self) -> float:
        """Of the first batch, with the weights as they are."""
        with torch.no_grad(), self.precision():
            return float(self.of(self.model, self.first))

    def turn(self) -> None:
        """The steps."""
        for _ in range(self.steps):
            self.optimizer.zero_grad()
            with self.precision():
                loss = self.of(self.model, next(self.batches))
                loss.backward()
            self.optimizer.step()


def contenders(trainings: dict[str, tuple[Training, float | None]], atol: float) -> list[Contender]:
    """Who takes part, by name and with a goal, if the first losses differ by no more than ``atol`` from the first one's.

    Raises:
        ValueError: if their first losses differ.
    """
    losses = {name: training.loss() for name, (training, _) in trainings.items()}
    first = next(iter(losses.values()))
    if not all(math.isclose(loss, first, abs_tol=atol) for loss in losses.values()):
        raise ValueError(f"the contenders compute different losses: {losses}")
    return [Contender(name, training.turn, goal) for name, (training, goal) in trainings.items()]


def model(job: Job) -> GPT:
    """Untrained, float32."""
    generator = torch.Generator().manual_seed(0)
    return GPT(
        job.vocabulary, job.length, job.d_model, job.heads, job.layers, activation="gelu", generator=generator,
        dtype=torch.float32,
    )  # fmt: skip


def millions(model: nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.1f} M parameters"


def tokens(*shape: int, vocabulary: int, seed: int = 0) -> Tensor:
    return torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))


def described(job: Job, model: nn.Module) -> str:
    return (
        f"{job.layers} layers, D = {job.d_model}, T = {job.length}, B = {job.texts}, {job.vocabulary:,} tokens, "
        f"{millions(model)}"
    )


def training_races(job: Job) -> Iterator[Race]:
    """In float32, and in reduced precision, whose errors are printed; loss, gradients and AdamW."""
    ours = model(job)
    batches = list(tokens(4, job.texts, job.length + 1, vocabulary=job.vocabulary))
    work, title = job.steps * job.texts * job.length, f"GPT training step, {described(job, ours)}"

    def trained(model: nn.Module, loss: Callable, precision: Callable[[], object] = nullcontext) -> Training:
        return Training(model, loss, batches, job.steps, precision)

    def fast(*modes: fast_gpt.Mode) -> Training:
        return trained(copy.deepcopy(ours), fast_gpt.loss, partial(fast_gpt.precision, *modes))

    nano = f"NanoLike, {TORCH}"
    float32 = {
        TRANSFORMERS: (trained(ours.to_transformers(), by_transformers), None),
        f"TransformerEncoder, {TORCH}": (trained(TorchLayers(ours), cross_entropy), None),
        nano: (trained(NanoLike(ours), cross_entropy), None),
        "ours, clear": (trained(copy.deepcopy(ours), cross_entropy), None),
        "ours, fast": (fast(), EXACT_GOAL),
    }
    yield Race(f"{title}, float32", work, "tokens", contenders(float32, 1e-4))
    for modes in (("medium",), ("bf16",), ("medium", "bf16")):
        logit, loss = fast_gpt.error(ours, batches[0], *modes)
        print(f"ours, fast, {' + '.join(modes)}: largest error of a logit {logit:.1e}, error of the loss {loss:.1e}")
    autocast = partial(torch.autocast, "cpu", dtype=torch.bfloat16)
    reduced = {
        nano: (trained(NanoLike(ours), cross_entropy), None),
        "NanoLike, bf16": (trained(NanoLike(ours), cross_entropy, autocast), None),
        "ours, fast, medium": (fast("medium"), None),
        "ours, fast, medium + bf16": (fast("medium", "bf16"), job.reduced),
    }
    yield Race(f"{title}, reduced precision", work, "tokens", contenders(reduced, 0.02))


def bert_race(job: Job) -> Race:
    """BERT's two tasks: there logits of all tokens, here of those chosen to be predicted."""
    generator = torch.Generator().manual_seed(0)
    ours = BERT(
        job.vocabulary, job.length, job.d_model, job.heads, job.layers, generator=generator, dtype=torch.float32
    )
    ids = tokens(job.texts, job.length, vocabulary=job.vocabulary)
    chosen = torch.rand(ids.shape, generator=generator) < bert_training.CHOSEN
    chosen[0, 0] = True
    segments = (torch.arange(job.length) >= job.length // 2).long().expand_as(ids)
    read = Texts(ids, segments, torch.full((job.texts,), job.length))
    batch = Batch(read, ids.masked_fill(~chosen, IGNORED), tokens(job.texts, vocabulary=2))

    def theirs(model: nn.Module, batch: Batch) -> Tensor:
        return model(
            batch.texts.ids, token_type_ids=batch.texts.segments, attention_mask=torch.ones_like(batch.texts.ids),
            labels=batch.targets, next_sentence_label=batch.next,
        ).loss  # fmt: skip

    def both(model: BERT, batch: Batch) -> Tensor:
        return sum(bert_training.losses(model, batch))

    trainings = {
        TRANSFORMERS: (Training(ours.to_transformers(), theirs, [batch], job.steps), None),
        "ours, clear": (Training(ours, both, [batch], job.steps), BERT_GOAL),
    }
    work = job.steps * job.texts * job.length
    return Race(f"BERT training step, {described(job, ours)}, float32", work, "tokens", contenders(trainings, 1e-4))


# ------------------------------------------------------------------------------------------------------------ writing


def writing_race(job: Job, batch: int, goal: float) -> Race:
    """Always the most probable token.

    Raises:
        ValueError: if the texts differ.
    """
    ours = model(job)
    theirs, nano = ours.to_transformers(), NanoLike(ours)
    prompt = tokens(batch, job.prompt, vocabulary=job.vocabulary)

    def by_transformers() -> Tensor:
        written = theirs.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=job.written, pad_token_id=0
        )
        return written[:, job.prompt :]

    ways = [
        Contender(f"{TRANSFORMERS}, cache", by_transformers),
        Contender("NanoLike, no cache", partial(nano.generate, prompt, job.written)),
        Contender("ours, clear, cache", partial(ours.generate, prompt, job.written)),
        Contender("ours, fast, cache", partial(fast_gpt.generate, ours, prompt, job.written), goal),
    ]
    first = ways[0].run()
    if different := [way.name for way in ways if not torch.equal(way.run(), first)]:
        raise ValueError(f"other tokens than {ways[0].name}: {', '.join(different)}")
    title = f"GPT writing, {job.layers} layers, D = {job.d_model}, {millions(ours)}, float32, batch {batch}"
    size = f"{job.written} tokens after {job.prompt}"
    return Race(f"{title}, {size}", batch * job.written, "tokens", ways)


def races(quick: bool) -> Iterator[Race]:
    """Training at two sizes, writing at both with batches of 1 and 16, BERT; tiny models if ``quick``."""
    torch.set_num_threads(1)
    small, large, bert = (quickly(job) if quick else job for job in (SMALL, LARGE, BERTS))
    for job in (small, large):
        yield from training_races(job)
    for job in (small, large):
        for batch, goal in zip(BATCHES, job.writing, strict=True):
            yield writing_race(job, batch, goal)
    yield bert_race(bert)
