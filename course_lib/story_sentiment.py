"""Is a story pleasant? A classifier on few labels, over the vectors of a BERT or a GPT, pre-trained or not; lesson 08.

Shapes use the course's letters: B texts in a batch, T tokens, D the size of a token's vector.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib import bert_training, gpt_training, training
from course_lib.bert import BERT
from course_lib.corpora import stories
from course_lib.corpora.stories import Story
from course_lib.gpt import GPT
from course_lib.gpt_training import CLIP

Reading = Literal["whole", "mean"]
STEPS, RATE = 60, 0.003
"""Steps of Adam and its rate; a frozen model's layer gets FROZEN times as much of both, which costs nothing there."""
FROZEN = 5


class Sentiment(nn.Module):
    """A linear layer over one vector of a text.

    Args:
        model: whose vectors are read; it is not copied.
        reading: "whole": the one vector that has seen the whole text and has no word of its own: BERT's pooled [CLS] (Devlin
            et al. 2019, section 4.1), GPT's vector at the end token (Radford et al. 2018, section 3.2). "mean": the mean of
            the vectors of all tokens (Reimers & Gurevych 2019, "Sentence-BERT", section 3).
    """

    def __init__(self, model: BERT | GPT, reading: Reading = "whole") -> None:
        super().__init__()
        self.model, self.reading = model, reading
        size, dtype = model.embedding.shape[1], model.embedding.dtype
        self.weight, self.bias = (nn.Parameter(torch.zeros(shape, dtype=dtype)) for shape in ((size, 2), (2,)))

    def features(self, texts: list[Story]) -> Tensor:
        """(B, D)."""
        if isinstance(self.model, BERT):
            vectors = self.model(*bert_training.texts([(one.first, one.second) for one in texts]))
            whole = self.model.pooled(vectors) if self.reading == "whole" else None
        else:
            vectors = self.model.vectors(gpt_training.batch([gpt_training.plain(one) for one in texts]))
            whole = vectors[:, -1]
        # All stories have one length: there is no padding to leave out.
        return whole if self.reading == "whole" else vectors.mean(dim=1)

    def forward(self, texts: list[Story]) -> Tensor:
        """The logits of unpleasant and pleasant, (B, 2)."""
        return self.features(texts) @ self.weight + self.bias


def labelled(count: int, seed: int) -> tuple[list[Story], Tensor]:
    """Stories with their polarity, (B,): 1 is pleasant; as many of each.

    Raises:
        ValueError: if ``count`` is odd or less than 2.
    """
    if count < 2 or count % 2:
        raise ValueError(f"as many pleasant stories as others: an even number of 2 or more, not {count}")
    drawn = stories.stories(4 * count + 64, seed)
    sides = [[one for one in drawn if one.positive == side][: count // 2] for side in (False, True)]
    chosen = [one for both in zip(*sides, strict=True) for one in both]
    return chosen, torch.tensor([int(one.positive) for one in chosen])


def fine_tune(
    model: BERT | GPT, count: int, seed: int, *, reading: Reading = "whole", frozen: bool = False
) -> Sentiment:
    """A classifier trained on ``count`` labelled stories, all of them in every step, by Adam with a rate that falls to zero.

    Args:
        model: pre-trained or not; it is copied.
        count: how many labels, see :func:`labelled`.
        seed: of the stories.
        reading: see :class:`Sentiment`.
        frozen: whether only the linear layer is trained.

    Raises:
        ValueError: see :func:`labelled`.
        Diverged: see :func:`course_lib.training.minimise`.
    """
    classifier = Sentiment(copy.deepcopy(model), reading)
    texts, wanted = labelled(count, seed)
    if not frozen:
        # What the answer does not hang on, the heads of pre-training, gets no gradient and stays as it is.
        training.minimise(
            lambda step: F.cross_entropy(classifier(texts), wanted),
            classifier.parameters(),
            steps=STEPS,
            rate=RATE,
            clip=CLIP,
        )
        return classifier
    with torch.no_grad():
        features = classifier.features(texts)
    training.minimise(
        lambda step: F.cross_entropy(features @ classifier.weight + classifier.bias, wanted),
        [classifier.weight, classifier.bias],
        steps=FROZEN * STEPS,
        rate=FROZEN * RATE,
    )
    return classifier


@torch.no_grad()
def right(classifier: Sentiment, texts: list[Story], wanted: Tensor) -> float:
    """The share of texts that are told right."""
    return (classifier(texts).argmax(-1) == wanted).double().mean().item()


def accuracy(classifier: Sentiment, count: int = 1000) -> float:
    """The share of fresh stories that are told right; guessing gets one half."""
    return right(classifier, *labelled(count, seed=10**9))
