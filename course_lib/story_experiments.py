"""What lesson 08 measures beside its own small GPT: pre-training, few labels, sizes, readers against writers.

Two of the models are kept, as the field hands models on: a BERT and a GPT that fills in middles, both of seed 0, in
:data:`FOLDER`. ``python -m course_lib.story_experiments`` trains and writes them again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from course_lib import (
    attention,
    bert,
    bert_training,
    decoder,
    encoder,
    feed_forward,
    gpt,
    gpt_training,
    multi_head,
    normalisation,
    results,
    sampling,
    story_holes,
    story_sentiment,
    training,
)
from course_lib.bert import BERT
from course_lib.bert_training import AS_MASK, AS_RANDOM, FULL
from course_lib.corpora import stories
from course_lib.gpt import GPT
from course_lib.gpt_training import Recipe
from course_lib.results import experiment
from course_lib.story_holes import by_mask, by_middle, by_trying, fit, from_the_left, holes
from course_lib.story_sentiment import accuracy, fine_tune

FOLDER = results.FOLDER / "models"
"""Where the two models are kept, in ``bert`` and ``gpt-middles``."""

MODEL = (
    *(attention, bert, bert_training, decoder, encoder, feed_forward, gpt, gpt_training, multi_head, normalisation),
    *(sampling, stories, training),
)
"""What all experiments below use."""


class _Enough(Exception):
    """Training has come to the step that was asked for."""


_trained: dict[tuple, BERT | GPT] = {}
"""The models of this session, which several experiments share."""


def pretrained_bert(seed: int, steps: int = FULL.steps, all_masked: bool = False) -> BERT:
    """A BERT after so many of the full recipe's steps: the schedule of the rate is that of the whole run."""
    name = ("BERT", seed, steps, all_masked)
    if name in _trained:
        return _trained[name]
    torch.set_num_threads(1)
    model = bert_training.untrained(FULL, seed)

    def after(step: int) -> None:
        if step + 1 == steps:
            raise _Enough

    try:
        if steps:
            as_mask, as_random = (1.0, 0.0) if all_masked else (AS_MASK, AS_RANDOM)
            bert_training.train(model, FULL, seed, as_mask=as_mask, as_random=as_random, after=after)
    except _Enough:
        pass
    return _trained.setdefault(name, model)


def trained_gpt(seed: int, middles: bool) -> GPT:
    """A GPT of the same sizes and budget; with ``middles`` half of its texts are rearranged to fill in the middle."""
    name = ("GPT", seed, middles)
    if name in _trained:
        return _trained[name]
    torch.set_num_threads(1)
    model = gpt_training.untrained(FULL, seed)
    gpt_training.train(model, FULL, seed, texts=gpt_training.with_middles if middles else None)
    return _trained.setdefault(name, model)


LABELS = (4, 8, 16, 32, 64)
WAYS: dict[str, dict] = {
    "fine-tuned": {},
    "frozen [CLS]": {"frozen": True},
    "frozen mean": {"frozen": True, "reading": "mean"},
}


# ----------------------------------------------------------------------------------------------------------------- BERT


@experiment(
    "bert-stories",
    rows=[{"how": "80/10/10"}, {"how": "100 % [MASK]"}],
    seeds=(0, 1, 2),
    depends=(
        *MODEL,
        story_sentiment,
        FULL,
        AS_MASK,
        AS_RANDOM,
        _Enough,
        pretrained_bert,
        WAYS,
    ),
    tolerance=3e-2,
)
def bert_stories(seed: int, how: str) -> dict[str, float]:
    """Pre-training with the mixture, and with [MASK] alone: tokens and pairs told right, and sentiment with 8 labels."""
    model = pretrained_bert(seed, all_masked=how != "80/10/10")
    found = bert_training.scores(model)
    shares = {"masked": found.masked, "random word": found.random, "unchanged": found.kept, "next": found.next}
    return shares | {name: accuracy(fine_tune(model, 8, 100 + seed, **way)) for name, way in WAYS.items()}


@experiment(
    "few-labels",
    rows=[{"pretraining": steps} for steps in (0, 150, 300, 600, FULL.steps)],
    seeds=(0, 1, 2),
    depends=(
        *MODEL,
        story_sentiment,
        FULL,
        AS_MASK,
        AS_RANDOM,
        _Enough,
        pretrained_bert,
        LABELS,
        WAYS,
    ),
    tolerance=6e-2,
)
def few_labels(seed: int, pretraining: int) -> dict[str, float]:
    """Sentiment after so many steps of pre-training, by number of labels; without any, fine-tuning is training from scratch."""
    model = pretrained_bert(seed, pretraining)
    return {
        f"{name}, {labels}": accuracy(fine_tune(model, labels, 100 + seed, **how))
        for labels in LABELS
        for name, how in WAYS.items()
    }


# ------------------------------------------------------------------------------------------------------------------ GPT


SIZES = ((8, 1), (16, 1), (32, 1), (32, 2), (64, 2))
"""D and L."""


@experiment(
    "gpt-sizes",
    rows=[{"d_model": d_model, "layers": layers} for d_model, layers in SIZES],
    seeds=(0, 1, 2),
    depends=(*MODEL, SIZES),
    tolerance=3e-2,
)
def gpt_sizes(seed: int, d_model: int, layers: int) -> dict[str, float]:
    """Equal steps, five sizes: the loss on fresh stories above the entropy of the grammar, in nats per token."""
    torch.set_num_threads(1)
    recipe = Recipe(d_model, 4, layers, 2 * d_model, 600, 64, 0.005, 60, torch.float32)
    model = gpt_training.untrained(recipe, seed)
    gpt_training.train(model, recipe, seed)
    weights = sum(weight.numel() for weight in model.parameters())
    return {"weights": weights, "excess": gpt_training.fresh_loss(model) - stories.entropy_per_token()}


# ------------------------------------------------------------------------------------------------- readers and writers

HOLES, TRIED, WRITTEN = 1000, 200, 400
"""How many holes are filled, how many by trying every word, and how many stories are written."""


@experiment(
    "readers-and-writers",
    rows=[{"model": "BERT"}, {"model": "GPT"}, {"model": "GPT with middles"}],
    seeds=(0, 1, 2),
    depends=(
        *(
            *MODEL,
            story_holes,
            story_sentiment,
            FULL,
            AS_MASK,
            AS_RANDOM,
            _Enough,
            pretrained_bert,
            trained_gpt,
        ),
        *(HOLES, TRIED, WRITTEN),
    ),
    tolerance=6e-2,
)
def readers_and_writers(seed: int, model: str) -> dict[str, float]:
    """The same stories, sizes and steps: what each can do that it was trained for, and what it was not."""
    if model == "BERT":
        own = pretrained_bert(seed)
        written = {
            "written": bert_training.write(own, WRITTEN, seed, template=True),
            "written, one [MASK]": bert_training.write(own, WRITTEN, seed, template=False),
        }
        fills: dict[str, Callable[..., Tensor]] = {"hole": partial(by_mask, own)}
    else:
        own = trained_gpt(seed, model != "GPT")
        written = {"written": gpt_training.write(own, WRITTEN, seed)}
        fills = {"hole from the left": partial(from_the_left, own)}
        if model == "GPT":
            fills["hole by trying"] = partial(by_trying, own)
        else:
            fills["hole"] = partial(by_middle, own)
    found = {name: gpt_training.accepted(texts) for name, texts in written.items()}
    for name, fill in fills.items():
        found[name] = fit(fill, holes(TRIED if "trying" in name else HOLES, 10**8)).best
    if model != "BERT":
        found["loss"] = gpt_training.fresh_loss(own)
    found["8 labels, fine-tuned"] = accuracy(fine_tune(own, 8, 100 + seed))
    found["8 labels, frozen mean"] = accuracy(fine_tune(own, 8, 100 + seed, reading="mean", frozen=True))
    return found


def write_models(folder: Path = FOLDER) -> None:
    """Train the two models of seed 0 and write them."""
    pretrained_bert(0).save_pretrained(folder / "bert")
    trained_gpt(0, True).save_pretrained(folder / "gpt-middles")


if __name__ == "__main__":
    write_models()
