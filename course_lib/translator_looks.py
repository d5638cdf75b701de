"""Where the translator of lesson 07 looks: its attention weights, and how they compare with the corpus's own alignment.

Shapes use the course's letters: B sentences, H heads, T tokens that are written, T_s tokens that are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from course_lib.corpora import translation
from course_lib.corpora.crossing import Sentence
from course_lib.corpora.translation import Translation
from course_lib.translator_model import Transformer
from course_lib.translator_training import Batch

CONTENT = ("subject", "verb", "object", "adjective")
"""The words of a translation that follow from nothing but the source."""


def places(right: Translation) -> dict[str, int]:
    """Where the words stand in the translation: those of :data:`CONTENT`, the pronoun and the copula."""
    return {
        "subject": right.nouns[0],
        "verb": right.verb,
        "object": right.nouns[1],
        "adjective": right.adjective,
        "pronoun": right.pronoun,
        "copula": right.copula,
    }


@torch.no_grad()
def attention_maps(model: Transformer, of: Batch) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """The weights of the encoder (B, H, T_s, T_s), of masked self-attention (B, H, T, T) and of cross-attention (B, H, T, T_s).

    One tensor for each block. Row t of cross-attention is the look that was taken to predict token t of the translation, the
    start token not counted.
    """
    memory, own = model.encode(of.source, of.source_lengths)
    _, masked, across = model.decode(memory, of.source_lengths, of.target[:, :-1], of.target_lengths - 1)
    return own, masked, across


def alignment_scores(maps: Tensor, sentences: Sequence[Sentence]) -> dict[str, float]:
    """How often cross-attention looks most where the corpus says that the word comes from.

    Args:
        maps: (B, H, T, T_s), the weights of one block; the mean over the heads is judged.
        sentences: B.

    Returns:
        by kind of word (:func:`places`, and "rest" for all others with a counterpart) the share of words whose largest
        weight lies on a token that the alignment names.
    """
    found: dict[str, list[bool]] = {}
    for look, sentence in zip(maps.mean(1), sentences, strict=True):
        right = translation.translate(sentence)
        names = {place: name for name, place in places(right).items()}
        for place, sources in enumerate(right.alignment):
            if sources:
                found.setdefault(names.get(place, "rest"), []).append(int(look[place].argmax()) in sources)
    return {name: fmean(hits) for name, hits in found.items()}


def looks_of_pronoun(maps: Tensor, sentences: Sequence[Sentence]) -> dict[str, float]:
    """The mean weights of the row that predicts the pronoun: on the referent, the other noun, the adjective, *it*, the rest.

    Args:
        maps: (B, H, T, T_s), the weights of one block, averaged over the heads.
    """
    rows = []
    for look, sentence in zip(maps.mean(1), sentences, strict=True):
        row = look[translation.translate(sentence).pronoun]
        other = sum(sentence.nouns) - sentence.referent
        four = [float(row[place]) for place in (sentence.referent, other, sentence.adjective, sentence.it)]
        rows.append([*four, 1 - sum(four)])
    return dict(
        zip(("referent", "other noun", "adjective", "it", "rest"), map(fmean, zip(*rows, strict=True)), strict=True)
    )


def looks_of_it(maps: Tensor, sentences: Sequence[Sentence]) -> tuple[float, float]:
    """The weight of *it* in an encoder's block on its referent and on the other noun, in the head that tells them apart best.

    Args:
        maps: (B, H, T_s, T_s), the weights of one block.
    """
    rows = torch.arange(len(sentences))
    it, referent = (torch.tensor([getattr(one, name) for one in sentences]) for name in ("it", "referent"))
    other = torch.tensor([sum(one.nouns) for one in sentences]) - referent
    on_referent, on_other = (maps[rows, :, it, place].mean(0) for place in (referent, other))
    best = (on_referent - on_other).argmax()
    return float(on_referent[best]), float(on_other[best])
